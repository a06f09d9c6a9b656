"""YOLO's text files: what the reader gives, and how it names what is broken."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import detutils
from tests.cases import write


def test_yolo(tmp_path: Path) -> None:
    labels, images = tmp_path / "labels", tmp_path / "images"
    labels.mkdir()
    images.mkdir()
    write(labels / "b.txt", "2 0.5 0.5 0.25 0.5\n\n0 0 0 1 1\n")
    write(labels / "empty.txt", "")
    write(labels / "classes.txt", "names, not boxes")
    for name in ("b.png", "empty.jpg", "none.jpg"):
        detutils.write_image(images / name, np.zeros((48, 64, 3), np.uint8))
    write(images / "notes.md", "no image")
    dataset = detutils.read_yolo(labels, images)
    assert [image.name for image in dataset.images] == ["b.png", "empty.jpg", "none.jpg"]
    assert dataset.class_names == ("0", "1", "2")
    image = dataset.images[0]
    assert image.image_size == (48, 64)
    np.testing.assert_array_equal(image.boxes, [[24, 12, 40, 36], [-32, -24, 32, 24]])
    np.testing.assert_array_equal(image.areas, [16 * 24, 64 * 48])
    assert image.labels.tolist() == [2, 0]
    assert all(other.boxes.shape == (0, 4) and other.labels.dtype == np.int64 for other in dataset.images[1:])
    sizes = {"b.png": (48, 64), "empty.png": np.array([10, 20])}
    by_size = detutils.read_yolo(str(labels), sizes, class_names=["cat", "dog", "cow"])
    assert by_size.class_names == ("cat", "dog", "cow")
    np.testing.assert_array_equal(by_size.images[0].boxes, image.boxes)


def test_yolo_turns_pictures_upright(tmp_path: Path) -> None:
    from PIL import Image

    picture = Image.new("L", (64, 48))
    turned = picture.getexif()
    turned[274] = 6
    (tmp_path / "images").mkdir()
    picture.save(tmp_path / "images" / "a.jpg", exif=turned)
    (tmp_path / "labels").mkdir()
    size = detutils.read_yolo(tmp_path / "labels", tmp_path / "images").images[0].image_size
    assert size == (64, 48) == detutils.read_image(tmp_path / "images" / "a.jpg").shape


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("0 0.5 0.5 0.1", "line 1: must hold class, cx, cy, width, height"),
        ("0 0.5 0.5 0.1 0.1 0.9", "line 1: must hold class"),
        ("0 0.1 0.1 0.1 0.1\n0.5 0.5 0.5 0.1 0.1", "line 2: class 0.5 is not an integer"),
        ("0 0.5 0.5 0.1 wide", "line 1: must hold five numbers"),
        ("0 0.5 0.5 0.1 1.5", r"line 1: cx, cy, width and height must be in \[0, 1\]"),
        ("0 0.5 0.5 0.1 nan", r"line 1: cx, cy, width and height must be in \[0, 1\]"),
        ("0 -0.5 0.5 0.1 0.1", r"line 1: cx, cy, width and height must be in \[0, 1\]"),
        ("-1 0.5 0.5 0.1 0.1", "line 1: class -1 is negative"),
        ("0 0.5 0.5 0.1 0_1", "line 1: must hold five numbers"),
        ("\u0663 0.5 0.5 0.1 0.1", "line 1: must hold five numbers"),
        ("nan 0.5 0.5 0.1 0.1", "line 1: class nan is not an integer"),
        ("inf 0.5 0.5 0.1 0.1", "line 1: class inf is not an integer"),
        ("9" * 400 + " 0.5 0.5 0.1 0.1", "line 1: class 9+ is not an integer"),
        ("\n2 0.5 0.5 0.1 0.1", "line 2: class 2 has no name"),
    ],
)
def test_broken_yolo(text: str, pattern: str, tmp_path: Path) -> None:
    write(tmp_path / "broken.txt", text)
    with pytest.raises(ValueError, match=rf"broken\.txt: {pattern}"):
        detutils.read_yolo(tmp_path, {"broken.jpg": (4, 4)}, class_names=["a", "b"])


def test_yolo_arguments(tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    write(labels / "a.txt", "0 0.5 0.5 1 1")
    write(labels / "a.txt", "100000 0.5 0.5 1 1")
    with pytest.raises(ValueError, match=r"a\.txt: line 1: class 100000 has no name"):
        detutils.read_yolo(labels, {"a.jpg": (4, 4)})
    write(labels / "a.txt", "99999.0 0.5 0.5 1 1")
    assert len(detutils.read_yolo(labels, {"a.jpg": (4, 4)}).class_names) == 100_000
    write(labels / "a.txt", "0 0.5 0.5 1 1")
    with pytest.raises(ValueError, match=r"a\.txt: belongs to no image"):
        detutils.read_yolo(labels, {"b.jpg": (4, 4)})
    with pytest.raises(ValueError, match=r"'a\.jpg' and 'a\.png' share the text file a\.txt"):
        detutils.read_yolo(labels, {"a.jpg": (4, 4), "a.png": (4, 4)})
    with pytest.raises(ValueError, match=r"images\['a\.jpg'\]\[0\] must be greater than 0"):
        detutils.read_yolo(labels, {"a.jpg": (0, 4)})
    with pytest.raises(ValueError, match="whole numbers of pixels"):
        detutils.read_yolo(labels, {"a.jpg": (4.5, 4)})
    with pytest.raises(TypeError, match="images must map file names"):
        detutils.read_yolo(labels, {3: (4, 4)})
    with pytest.raises(TypeError, match="images must be a str or a path"):
        detutils.read_yolo(labels, 3)
    with pytest.raises(TypeError, match="class_names"):
        detutils.read_yolo(labels, {"a.jpg": (4, 4)}, class_names="cat")
    pictures = tmp_path / "images"
    pictures.mkdir()
    write(pictures / "a.jpg", "")
    with pytest.raises(ValueError, match=r"a\.jpg: is empty, damaged or no image"):
        detutils.read_yolo(labels, pictures)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_among_the_labels_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    with pytest.raises(OSError, match=r"a\.txt is not a regular file"):
        detutils.read_yolo(tmp_path, {"a.png": (48, 64)})
