"""DOTA's files: what is read, what is written and read back, what is refused, and evaluation of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import detutils
from tests import cases

LINES = "imagesource:GoogleEarth\ngsd:0.15\n1 2 30 4 28 40 0.5 38 large-vehicle 0\n\n5 5 9 5 9 9 5 9 plane 1\n"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cases.write(path, text)


def test_what_is_read(tmp_path: Path) -> None:
    write(tmp_path / "labelTxt" / "P1.txt", LINES)
    write(tmp_path / "labelTxt" / "P2.txt", "gsd:null\n")
    write(tmp_path / "labelTxt" / "notes.txt", "not objects\n")
    for place in (tmp_path, tmp_path / "labelTxt"):
        data = detutils.read_dota(place)
        assert [image.name for image in data.images] == ["P1", "P2"]
        assert data.class_names == ("large-vehicle", "plane")
        image = data.images[0]
        np.testing.assert_array_equal(image.boxes, [[0.5, 2, 30, 40], [5, 5, 9, 9]])
        assert image.outlines == [[[1.0, 2, 30, 4, 28, 40, 0.5, 38]], [[5.0, 5, 9, 5, 9, 9, 5, 9]]]
        assert image.difficult.tolist() == [False, True]
        ring = np.array(image.outlines[0][0]).reshape(4, 2)
        shoelace = 0.5 * abs(np.sum(ring[:, 0] * np.roll(ring[:, 1], -1) - np.roll(ring[:, 0], -1) * ring[:, 1]))
        np.testing.assert_allclose(image.areas, [shoelace, 16.0])
        assert image.image_size is None
        assert len(data.images[1].boxes) == 0
    assert detutils.read_dota(tmp_path / "labelTxt" / "P1.txt").images[0].name == "P1"
    (tmp_path / "images").mkdir()
    for name in ("P1.png", "P2.png", "P3.png"):
        Image.new("L", (64, 48)).save(tmp_path / "images" / name)
    data = detutils.read_dota(tmp_path, classes=["plane"])
    assert [image.name for image in data.images] == ["P1.png", "P2.png", "P3.png"]
    assert data.images[0].image_size == (48, 64)
    assert data.images[0].labels.tolist() == [0]
    assert data.images[0].outlines == [[[5.0, 5, 9, 5, 9, 9, 5, 9]]]
    assert detutils.dataset_format(tmp_path) == "dota"
    assert detutils.dataset_format(tmp_path / "labelTxt" / "P1.txt") == "dota"
    sizes = {"P1.png": (48, 64)}
    (tmp_path / "labelTxt" / "P2.txt").unlink()
    assert detutils.read_dota(tmp_path / "labelTxt", sizes).images[0].image_size == (48, 64)


@pytest.mark.parametrize(
    ("line", "text", "kind"),
    [
        ("1 2 3 4 5 6 7 8", "line 2: must hold eight numbers, a class and 0 or 1", "line of another length"),
        ("1 2 3 4 5 6 7 8 a b 0", "line 2: must hold eight numbers", "line of another length"),
        ("1 2 3 4 5 6 x 8 plane 0", "line 2: must begin with eight numbers", "line that is not of numbers"),
        ("1 2 3 4 5 6 nan 8 plane 0", "line 2: must hold finite numbers", "unusable number"),
        ("1 2 3 4 5 6 1e151 8 plane 0", "line 2: must hold finite numbers", "unusable number"),
        ("0 .1 .2 .3 .4 .5 .6 .7 .8", "line 2: the class must be a word.*read_yolo", "class that is a number"),
        ("1 2 3 4 5 6 7 8 plane yes", "line 2: difficult must be 0 or 1, got 'yes'", "impossible flag"),
    ],
)
def test_lines_that_are_refused(line: str, text: str, kind: str, tmp_path: Path) -> None:
    write(tmp_path / "a.txt", f"1 1 5 1 5 5 1 5 plane 2\n{line}\n")
    with pytest.raises(ValueError, match=rf"a\.txt: {text}.*1 x {kind}"):
        detutils.read_dota(tmp_path)
    data = detutils.read_dota(tmp_path, on_invalid="drop")
    assert len(data.images[0].boxes) == len(data.skipped) == 1
    assert data.skipped[0].place == "line 2"
    assert data.images[0].difficult.tolist() == [True]


def test_what_else_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", LINES)
    with pytest.raises(ValueError, match=r"a\.txt: belongs to no image; there are 'b\.png'"):
        detutils.read_dota(tmp_path, {"b.png": (48, 64)})
    assert len(detutils.read_dota(tmp_path, {"b.png": (48, 64)}, on_invalid="drop").skipped) == 1
    with pytest.raises(ValueError, match="class 'plane' is not in class_names"):
        detutils.read_dota(tmp_path, class_names=["large-vehicle"])
    for name in ("labelTxt", "labelTxt-v1.5"):
        write(tmp_path / "two" / name / "a.txt", LINES)
    with pytest.raises(ValueError, match="several folders of labels"):
        detutils.read_dota(tmp_path / "two")
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match=r"holds no \.txt files"):
        detutils.read_dota(tmp_path / "none")


def turned(seed: int) -> tuple[detutils.Dataset, list[Any]]:
    """Rotated objects by their corners, and their rows of five."""
    rng = np.random.default_rng(seed)
    images, rows = [], []
    for i, m in enumerate((5, 0, 3)):
        boxes = np.column_stack([
            rng.uniform(200, 400, (m, 2)), rng.uniform(20, 90, (m, 1)), rng.uniform(8, 19, (m, 1)),
            rng.uniform(-90, 90, (m, 1)),
        ])  # fmt: skip
        corners = detutils.rotated_box_convert(boxes, "cw-deg", "corners")
        no = np.zeros(m, bool)
        images.append(detutils.AnnotatedImage(
            f"{i}.png", (600, 800), detutils.rotated_box_convert(boxes, "cw-deg", "xyxy"), rng.integers(0, 2, m),
            rng.random(m) < 0.3, no, no, boxes[:, 2] * boxes[:, 3], i, outlines=[[c] for c in corners.tolist()],
        ))  # fmt: skip
        rows.append(boxes)
    return detutils.Dataset(images, ("plane", "ship"), (0, 1)), rows


@pytest.mark.parametrize("seed", range(4))
def test_what_is_written_is_read_back(seed: int, tmp_path: Path) -> None:
    data, rows = turned(seed)
    assert detutils.write_dota(tmp_path / "dota", data) == ("the sizes of 3 images",)
    sizes = {image.name: image.image_size for image in data.images}
    again = detutils.read_dota(tmp_path / "dota", sizes, class_names=data.class_names)
    for one, other, boxes in zip(data.images, again.images, rows, strict=True):
        assert (one.name, one.image_size) == (other.name, other.image_size)
        assert list(one.outlines or ()) == list(other.outlines or ())
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_array_equal(one.difficult, other.difficult)
        np.testing.assert_allclose(one.areas, other.areas)
        back = detutils.rotated_box_convert(np.reshape(other.outlines or [], (-1, 8)), "corners", "cw-deg")
        np.testing.assert_allclose(back, boxes, atol=1e-9)
    found = [(boxes, np.linspace(0.9, 0.5, len(boxes)), image.labels) for boxes, image in zip(rows, again.images)]
    dota: dict[str, Any] = {"angle": "cw-deg", "method": "11-point", "comparison": ">"}
    assert detutils.evaluate_voc(found, again, **dota).mean_ap == pytest.approx(1.0)
    assert detutils.evaluate_coco(found, again, angle="cw-deg").ap50 == pytest.approx(1.0)
    quick = detutils.write_yolo(tmp_path / "yolo", again, outlines=True)
    assert not any("outline" in loss and "area" not in loss for loss in quick)
    line = (tmp_path / "yolo" / "labels" / "0.txt").read_text().splitlines()[0]
    assert len(line.split()) == 9
    obb = detutils.read_yolo(tmp_path / "yolo" / "labels", sizes)
    assert detutils.evaluate_voc(found, obb, angle="cw-deg").mean_ap == pytest.approx(1.0)


def test_losses_and_names(tmp_path: Path) -> None:
    data, _ = turned(1)
    image = data.images[0]
    yes = np.ones(5, bool)
    other = image._replace(crowd=yes, truncated=yes, outlines=[*(image.outlines or [])[:4], [[0, 0, 9, 0, 9, 9]]])
    lost = detutils.write_dota(tmp_path / "a", data._replace(images=[data.images[2], other]))
    assert lost == (
        "5 x crowd", "5 x truncated", "1 x an area that is not the outline's",
        "1 x an outline that has not four corners", "the sizes of 2 images",
        "the order of 2 images, which are read by name", "the ids of 2 images",
    )  # fmt: skip
    assert detutils.write_dota(tmp_path / "none", detutils.Dataset([], (), ())) == ()
    for name in ("large vehicle", "7"):
        with pytest.raises(ValueError, match=r"class_names\[0\] must be a word, no number and without blanks"):
            detutils.write_dota(tmp_path / "b", data._replace(class_names=(name, "ship")))
    with pytest.raises(TypeError, match="dataset must be a Dataset"):
        detutils.write_dota(tmp_path / "b", [])  # type: ignore[arg-type]
    with pytest.raises(FileExistsError):
        detutils.write_dota(tmp_path / "a", data)
    assert not (tmp_path / "b").exists()


def test_convert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from detutils.cli import main

    write(tmp_path / "labelTxt" / "P1.txt", LINES)
    assert main(["convert", str(tmp_path), "-o", str(tmp_path / "again"), "--to", "dota"]) == 0
    assert "dota -> dota: 1 images, 2 objects, 2 classes, 0 skipped" in capsys.readouterr().out
    assert (tmp_path / "again" / "labelTxt" / "P1.txt").read_text() == LINES.split("\n", 2)[2].replace("\n\n", "\n")


def test_results_of_the_devkit(tmp_path: Path) -> None:
    data, _ = turned(2)
    assert data.images[0].outlines is not None
    for label, name in enumerate(data.class_names):
        lines = [
            f"{image.name[:-4]} {0.9 - 0.1 * k} " + " ".join(map(str, outline[0]))
            for image in data.images
            for k, (outline, one) in enumerate(zip(image.outlines or (), image.labels, strict=True))
            if one == label
        ]
        write(tmp_path / "found" / f"Task1_{name}.txt", "".join(f"{line}\n" for line in lines))
    found = detutils.read_detections(tmp_path / "found", data)
    assert [len(one) for one in found] == [5, 0, 3]
    assert sorted(found[0].outlines) == sorted(data.images[0].outlines)
    assert len(found[0][:2].outlines) == 2
    dota: dict[str, Any] = {"angle": "cw-deg", "method": "11-point", "comparison": ">"}
    assert detutils.evaluate_voc(found, data, **dota).mean_ap == pytest.approx(1.0)
    assert detutils.confusion_matrix(found, data, angle="cw-rad").matrix[-1].sum() == 0
    plane = tmp_path / "found" / "Task1_plane.txt"
    assert all((one.labels == 0).all() for one in detutils.read_detections(plane, data))
    write(plane, "0 0.5 1 2 3 4 5 6 7\n0 0.5 1 2 3 4 5 6 7 nan\nx 0.5 1 2 3 4 5 6 7 8\n0 0.5 1 2 3 4 5 6 7 8\n")
    with pytest.raises(ValueError, match=r"line 1: must hold image, confidence and four corners.*1 x unknown image"):
        detutils.read_detections(plane, data)
    left = detutils.read_detections(plane, data, on_invalid="drop")
    assert [len(one) for one in left] == [1, 0, 0]
    write(tmp_path / "Task1_car.txt", "0 0.5 1 2 3 4 5 6 7 8\n")
    with pytest.raises(ValueError, match="unknown class 'car'"):
        detutils.read_detections(tmp_path / "Task1_car.txt", data)
    write(tmp_path / "car.txt", "0 0.5 1 2 3 4 5 6 7 8\n")
    with pytest.raises(ValueError, match=r"must be called Task1_<class>\.txt"):
        detutils.read_detections(tmp_path / "car.txt", data, format="dota")


def test_oriented_detections_of_yolo(tmp_path: Path) -> None:
    data, _ = turned(3)
    detutils.write_yolo(tmp_path / "obb", data, outlines=True)
    for file in (tmp_path / "obb" / "labels").iterdir():
        write(tmp_path / "found" / file.name, "".join(f"{line} 0.5\n" for line in file.read_text().splitlines()))
    found = detutils.read_detections(tmp_path / "found", data)
    assert detutils.evaluate_voc(found, data, angle="cw-deg").mean_ap == pytest.approx(1.0)
