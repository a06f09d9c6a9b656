"""YOLO's text files: what the reader gives, and how it names what is broken."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

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


# ---- files as people have them -----------------------------------------------------------------------------

SIZE = {"a.jpg": (80, 100)}


def yolo(folder: Path, text: str | bytes, **options: Any) -> detutils.Dataset:
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return detutils.read_yolo(folder, SIZE, **options)


def tree(root: Path, *files: str, text: str = "0 0.5 0.5 0.2 0.2\n") -> Path:
    """Pictures of 100 x 80 and text files."""
    for name in files:
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.suffix == ".txt":
            place.write_text(text)
        else:
            kind = {".jfif": "JPEG", ".JPG": "JPEG"}.get(place.suffix)
            Image.new("RGB", (100, 80)).save(place, format=kind)
    return root


def test_outlines_and_turned_boxes(tmp_path: Path) -> None:
    text = (
        "0 0.1 0.25 0.5 0.25 0.5 0.75 0.1 0.75\n1 0.6 0.5 0.9 0.5 0.75 1.0\n0 0.5 0.5 0.2 0.2\n"
        "1 0.5 0.25 0.75 0.5 0.5 0.75 0.25 0.5\n"
    )
    image = yolo(tmp_path, text).images[0]
    np.testing.assert_allclose(image.boxes, [[10, 20, 50, 60], [60, 40, 90, 80], [40, 32, 60, 48], [25, 20, 75, 60]])
    assert image.labels.tolist() == [0, 1, 0, 1]
    assert image.outlines is not None
    assert image.outlines[2] is None
    np.testing.assert_allclose(image.outlines[1], [[60, 40, 90, 40, 75, 80]])
    assert yolo(tmp_path, "0 0.5 0.5 0.2 0.2\n").images[0].outlines is None


def test_poses(tmp_path: Path) -> None:
    box = "0 0.5 0.5 0.2 0.2"
    for text, keypoints in (
        (box + " 0.5 0.5 2" * 17, None),  # an even number of words
        (box + " 0.5 0.5 2 0 0 0", None),  # a 2, which no outline holds
        (box + " 0.5 0.5" * 17, (17, 2)),
        (box + " 0.5 0.5 0.3" * 4, (4, 3)),
    ):
        image = yolo(tmp_path, text, keypoints=keypoints).images[0]
        np.testing.assert_allclose(image.boxes, [[40, 32, 60, 48]])
        assert image.outlines is None
    outline = yolo(tmp_path, "0 0 0 1 0 1 1 1 0 0 0.5").images[0]  # thirds of 0 and 1 alone say nothing
    assert outline.outlines is not None
    with pytest.raises(ValueError, match="three points or more"):
        yolo(tmp_path, box + " 0.5 0.5 0.3")
    with pytest.raises(ValueError, match=r"keypoints\[1\] must be at most 3"):
        yolo(tmp_path, box, keypoints=(17, 4))


def test_a_confidence_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sixth number looks like a confidence: read_detections reads detections"):
        yolo(tmp_path, "0 0.5 0.5 0.2 0.2 0.87")


@pytest.mark.parametrize(
    ("line", "box"),
    [
        ("0 0.3040 0.5003 0.6080 1.0004", [0, -0.0, 60.8, 80]),
        ("0 -0.0005 0.5 0.2 0.4", [-10.05, 24, 9.95, 56]),
        ("0 0.5 0.5 0.2 1.0000001", [40, 0, 60, 80]),
        ("0 0.5 0.5 1.01 0.5", [0, 20, 100, 60]),
        ("0 -0.01 0 1.01 0 1 1.0125", [0, 0, 100, 80]),
    ],
)
def test_what_is_over_by_rounding_is_clipped(line: str, box: list[float], tmp_path: Path) -> None:
    np.testing.assert_allclose(yolo(tmp_path, line).images[0].boxes, [box], atol=0.1)


@pytest.mark.parametrize("line", ["0 0.5 0.5 0.2 1.0126", "0 1.0101 0.5 0.2 0.2", "0 37 0.5 0.2 0.2",
                                  "0 0 0 1 0 1 1.02", "0 -0.0101 0.5 0.1 0.1"])  # fmt: skip
def test_what_is_over_by_more_than_a_pixel_is_refused(line: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be in \[0, 1\]"):
        yolo(tmp_path, line)


@pytest.mark.parametrize(
    "text",
    [b"\xef\xbb\xbf3.0 0.5 0.5 0.2 0.2\r\n\r\n", "3 0.5 0.5 0.2 0.2".encode("utf-16"), b"3\t0.5  0.5 2e-1 .2 \n"],
)
def test_line_ends_marks_and_classes_as_floats(text: bytes, tmp_path: Path) -> None:
    image = yolo(tmp_path, text).images[0]
    assert image.labels.tolist() == [3]
    np.testing.assert_allclose(image.boxes, [[40, 32, 60, 48]])


def test_notes_hidden_files_and_other_kinds_of_pictures(tmp_path: Path) -> None:
    tree(tmp_path, "labels/a.txt", "images/a.jfif", "images/b.gif", "images/c.JPG")
    (tmp_path / "labels" / "README.txt").write_text("Labelled by hand in June.\nAsk before you change anything.\n")
    (tmp_path / "labels" / "train.txt").write_text("images/a.jfif\n")
    (tmp_path / "labels" / "notes.txt").write_bytes("箱".encode("gbk"))
    for name in ("labels/._a.txt", "images/._a.jfif"):
        (tmp_path / name).write_bytes(b"\0\5\x16\7\0\2")
    dataset = detutils.read_yolo(tmp_path / "labels", tmp_path / "images")
    assert [(image.name, len(image.boxes)) for image in dataset.images] == [("a.jfif", 1), ("b.gif", 0), ("c.JPG", 0)]
    (tmp_path / "labels" / "a.txt").unlink()
    dataset = detutils.read_yolo(tmp_path / "labels", tmp_path / "images")
    assert [len(image.boxes) for image in dataset.images] == [0] * 3


def test_folders_below(tmp_path: Path) -> None:
    tree(tmp_path, "labels/train/s_01.txt", "labels/val/s_02.txt", "images/train/s_01.png", "images/val/s_02.png")
    dataset = detutils.read_yolo(tmp_path / "labels", tmp_path / "images")
    assert [(image.name, len(image.boxes)) for image in dataset.images] == [("train/s_01.png", 1), ("val/s_02.png", 1)]
    (tmp_path / "none" / "images").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"images: the folder holds no pictures"):
        detutils.read_yolo(tmp_path / "labels", tmp_path / "none" / "images")
    tree(tmp_path, "labels/s_01.txt")
    with pytest.raises(ValueError, match=r"s_01\.txt: belongs to no image; there is 'train/s_01\.png' \(bad entries"):
        detutils.read_yolo(tmp_path / "labels", tmp_path / "images")
    dropped = detutils.read_yolo(tmp_path / "labels", tmp_path / "images", on_invalid="drop")
    assert (len(dataset.images), len(dropped.skipped)) == (2, 1)


@pytest.mark.parametrize(
    "files",
    [
        ("labels/train/a.txt", "images/train/a.png", "labels/val/b.txt", "images/val/b.png"),
        ("train/labels/a.txt", "train/images/a.png", "valid/labels/b.txt", "valid/images/b.png"),
        ("obj_train_data/a.txt", "obj_train_data/a.png", "obj_train_data/b.txt", "obj_train_data/b.png"),
        ("a.txt", "a.png", "b.txt", "b.png"),
    ],
    ids=lambda files: files[0],
)
def test_one_folder_of_any_usual_layout(files: tuple[str, ...], tmp_path: Path) -> None:
    tree(tmp_path, *files)
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    dataset = detutils.read_yolo(tmp_path)
    assert [(image.name, len(image.boxes)) for image in dataset.images] == [(files[1], 1), (files[3], 1)]
    assert dataset.class_names == ("cat", "dog")
    if files[0].startswith("labels"):
        assert len(detutils.read_yolo(tmp_path / "labels").images) == 2


def test_a_whole_data_set_without_labels_is_refused(tmp_path: Path) -> None:
    tree(tmp_path, "images/a.png", "images/b.png", "labelTxt/a.txt", text="0 0 9 0 9 9 0 9 cat 0\n")
    with pytest.raises(ValueError, match=r"none of its 2 pictures has a text file.*: images/a\.png"):
        detutils.read_yolo(tmp_path)


def test_two_pictures_of_one_stem_are_counted(tmp_path: Path) -> None:
    tree(tmp_path, "labels/a.txt", "images/a.png", "images/a.gif")
    for arguments in ((tmp_path / "labels", tmp_path / "images"), (tmp_path,)):
        with pytest.raises(ValueError, match=r"share .*text file"):
            detutils.read_yolo(*arguments)
        dataset = detutils.read_yolo(*arguments, on_invalid="drop")
        assert (len(dataset.images), len(dataset.skipped)) == (1, 1)


def test_names_of_classes(tmp_path: Path) -> None:
    tree(tmp_path, "labels/a.txt", "images/a.png", text="1 0.5 0.5 0.1 0.1\n")
    folders = tmp_path / "labels", tmp_path / "images"
    assert detutils.read_yolo(*folders).class_names == ("0", "1")
    (tmp_path / "classes.txt").write_text("cat\r\nbig dog\r\n\r\n")
    assert detutils.read_yolo(*folders).class_names == ("cat", "big dog")
    (tmp_path / "labels" / "classes.txt").write_text("only one")  # names not every class of the files
    assert detutils.read_yolo(*folders).class_names == ("0", "1")
    chosen = detutils.read_yolo(*folders, classes=[1])
    assert (chosen.class_names, chosen.class_ids, chosen.images[0].labels.tolist()) == (("1",), (1,), [0])


def test_classes_of_one_name_are_chosen_by_number(tmp_path: Path) -> None:
    text = "1 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.1 0.1\n"
    (tmp_path / "classes.txt").write_text("a\na\n")
    with pytest.raises(ValueError, match=r"classes\[0\]: 2 classes are called 'a': choose them by their ids"):
        yolo(tmp_path, text, classes=["a"])
    assert yolo(tmp_path, text, classes=[1]).class_ids == (1,)


DESCRIPTIONS = {
    "list": "names: [cat, dog]\ntrain: images/train\nval: images/val\n",
    "mapping": "names:\n  1: dog\n  0: cat\npath: .\ntrain: images/train\nval: [images/val]\nnc: 2\n",
    "of an export": "names: ['cat', 'dog']\ntrain: ../images/train\nval: ../images/val\ntest: null\n",
    "path elsewhere": "names: [cat, dog]\npath: ../datasets/set\ntrain: images/train\nval: images/val\n",
    "lists of pictures": "names: [cat, dog]\ntrain: train.txt\nval: val.txt\n",
    "twice": "names: [cat, dog]\ntrain: images\nval: images/val\n",
}


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_data_yaml(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    root = tree(tmp_path / "set", "labels/train/a.txt", "images/train/a.png", "labels/val/b.txt", "images/val/b.png")
    (root / "train.txt").write_text("./images/train/a.png\n\n")
    (root / "val.txt").write_text("images/val/b.png")
    (root / "data.yaml").write_text(DESCRIPTIONS[kind])
    for place in (root, root / "data.yaml"):
        dataset = detutils.read_yolo(place)
        assert [image.name for image in dataset.images] == ["images/train/a.png", "images/val/b.png"]
        assert [len(image.boxes) for image in dataset.images] == [1, 1]
        assert dataset.class_names == ("cat", "dog")
    val = detutils.read_yolo(root, split="val")
    assert [image.name for image in val.images] == ["images/val/b.png"]
    with pytest.raises(ValueError, match="has no split 'test'; there are 'train', 'val'"):
        detutils.read_yolo(root, split="test")


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("names: [cat", r"data\.yaml: line \d+, column \d+: expected"),
        ("- a\n- b\n", r"data\.yaml: must be a mapping with names"),
        ("names: [cat]\n", "names no pictures: has neither train, val nor test"),
        ("names: 3\ntrain: images\n", "names: must be a list or a mapping of names"),
        ("names: {a: b}\ntrain: images\n", "names: must map numbers to names"),
        ("names: {-1: b}\ntrain: images\n", "names: numbers must be in 0"),
        ("names: [cat]\ntrain: elsewhere\n", r"train: there is no elsewhere: looked for .*set/elsewhere; split= "),
        ("names: [cat]\ntrain: {a: b}\n", "train: must be a path, got a dict"),
        ("names: []\ntrain: images\n", r"a\.txt: line 1: class 0 has no name"),
        ("names: [cat]\ntrain: images\nkpt_shape: 3\n", "kpt_shape must be a pair"),
        ("a: &a [1]\nb: *a\n", "line 2: has an alias"),
        ("a: " + "[" * 50, "line 1: nested too deeply"),
        ("a: !!python/name:os.system\n", "could not determine a constructor"),
        ("x: " + "y" * (2 << 20), "more than the 1048576 that a description needs"),
    ],
)
def test_broken_data_yaml(text: str, pattern: str, tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    root = tree(tmp_path / "set", "labels/a.txt", "images/a.png")
    (root / "data.yaml").write_text(text)
    with pytest.raises((ValueError, TypeError), match=pattern):
        detutils.read_yolo(root)


def test_data_yaml_tells_the_shape_of_poses(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    root = tree(tmp_path, "labels/a.txt", "images/a.png", text="0 0.5 0.5 0.2 0.2 0.1 0.1 0.9 0.9\n")
    (root / "data.yaml").write_text("names: [cat]\ntrain: images\nkpt_shape: [2, 2]\n")
    np.testing.assert_allclose(detutils.read_yolo(root).images[0].boxes, [[40, 32, 60, 48]])


def test_without_pyyaml_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "labels/a.txt", "images/a.png")
    (tmp_path / "data.yaml").write_text("names: [cat]\ntrain: images\n")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError, match=r"data\.yaml needs PyYAML \(pip install 'detutils\[yaml\]'\)"):
        detutils.read_yolo(tmp_path)


def test_bad_lines_are_counted_or_left_out(tmp_path: Path) -> None:
    text = "0 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 9\n0 0.5\n0 0.5 0.5 0.2 8\n1 0 0 0 0\n"
    counts = r"a\.txt: line 2: .*2 x value outside the image, 1 x line of another length, 1 x unknown class; on_invalid"
    with pytest.raises(ValueError, match=counts):
        yolo(tmp_path, text, class_names=["cat"])
    dataset = yolo(tmp_path, text, class_names=["cat"], on_invalid="drop")
    assert len(dataset.images[0].boxes) == 1
    assert [place for _, place, _ in dataset.skipped] == ["line 2", "line 3", "line 4", "line 5"]


def test_a_damaged_picture_among_good_ones(tmp_path: Path) -> None:
    tree(tmp_path, "labels/a.txt", "images/a.png", "images/b.png")
    (tmp_path / "images" / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with pytest.raises(ValueError, match=r"c\.png: (is empty|cannot be read)"):
        detutils.read_yolo(tmp_path / "labels", tmp_path / "images")
    dataset = detutils.read_yolo(tmp_path / "labels", tmp_path / "images", on_invalid="drop")
    assert (len(dataset.images), len(dataset.skipped)) == (2, 1)
    with pytest.raises(ValueError, match="split chooses among those of"):
        detutils.read_yolo(tmp_path / "labels", tmp_path / "images", split="val")
