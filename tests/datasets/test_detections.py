"""Detections from text files, in the order of a data set's images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from tests.cases import write


def truth(*names: str, classes: tuple[str, ...] = ("cat", "big dog"), size: Any = (80, 100)) -> detutils.Dataset:
    no = np.zeros(0, bool)
    images = [
        detutils.AnnotatedImage(name, size, np.zeros((0, 4)), np.zeros(0, int), no, no, no, np.zeros(0), i)
        for i, name in enumerate(names)
    ]
    return detutils.Dataset(images, classes, tuple(range(len(classes))))


def test_yolo_with_confidences(tmp_path: Path) -> None:
    write(tmp_path / "shelf.txt", "0 0.5 0.5 0.2 0.2 0.87\n1 0.3 0.3 0.1 0.1 0.42\n")
    write(tmp_path / "empty.txt", "")
    write(tmp_path / "README.txt", "who made this\n")
    write(tmp_path / "classes.txt", "cat\n")
    write(tmp_path / "pose.txt", "0 0.5 0.5 0.2 0.2" + " 0.5 0.5 2" * 17 + " 0.9\n1 0 0 1 0 1 1 0.25")
    found = detutils.read_detections(tmp_path, truth("empty.jpg", "shelf.png", "none.jpg", "pose.jpg"))
    assert [len(one.boxes) for one in found] == [0, 2, 0, 2]
    np.testing.assert_allclose(found[1].boxes, [[40, 32, 60, 48], [25, 20, 35, 28]])
    assert (found[1].scores.tolist(), found[1].labels.tolist()) == ([0.87, 0.42], [0, 1])
    np.testing.assert_allclose(found[3].boxes, [[40, 32, 60, 48], [0, 0, 100, 80]])
    assert found[3].scores.tolist() == [0.9, 0.25]
    one = detutils.read_detections(tmp_path / "shelf.txt", truth("shelf.png"), format="yolo")
    np.testing.assert_array_equal(one[0].boxes, found[1].boxes)


def test_classes_beyond_those_of_the_truth(tmp_path: Path) -> None:
    """Where classes have no names, a detector may know more of them than the objects show."""
    write(tmp_path / "a.txt", "7 0.5 0.5 0.2 0.2 0.5\n")
    assert detutils.read_detections(tmp_path, truth("a.jpg", classes=("0",)))[0].labels.tolist() == [7]
    with pytest.raises(ValueError, match=r"a\.txt: line 1: class 7 has no name"):
        detutils.read_detections(tmp_path, truth("a.jpg"))
    chosen = truth("a.jpg")._replace(class_ids=(7, 1))
    with pytest.raises(ValueError, match="class_numbers='labels' or 'ids' says which"):
        detutils.read_detections(tmp_path, chosen)
    assert detutils.read_detections(tmp_path, chosen, class_numbers="ids")[0].labels.tolist() == [0]
    with pytest.raises(ValueError, match="class 7 has no name"):
        detutils.read_detections(tmp_path, chosen, class_numbers="labels")


def test_results_of_the_devkit(tmp_path: Path) -> None:
    write(tmp_path / "comp4_det_test_big dog.txt", "my a 0.5 11 21 30 40\n\nb 0.25 1 1 9.5 9\n")
    write(tmp_path / "comp4_det_test_cat.txt", "b 1e-3 1 1 9 9\n")
    write(tmp_path / "notes.txt", "nothing\n")
    data = truth("b.jpg", "my a.jpg")
    found = detutils.read_detections(tmp_path, data)
    np.testing.assert_array_equal(found[0].boxes, [[0, 0, 9.5, 9], [0, 0, 9, 9]])
    assert (found[0].scores.tolist(), found[0].labels.tolist()) == ([0.25, 0.001], [1, 0])
    np.testing.assert_array_equal(found[1].boxes, [[10, 20, 30, 40]])
    single = detutils.read_detections(tmp_path / "comp4_det_test_cat.txt", data, pixels="continuous")
    np.testing.assert_array_equal(single[0].boxes, [[1, 1, 9, 9]])
    inclusive = detutils.read_detections(tmp_path, data, offset=1)
    np.testing.assert_array_equal(inclusive[1].boxes, [[10, 20, 29, 39]])


def test_tables(tmp_path: Path) -> None:
    text = (
        '\ufeffScore,x1,y1,x2,y2,Class,image,more\r\n0.5,1,2,3,4,"big dog",in/a.jpg,x\r\n\r\n0.25,1,2,3,4.5,cat,a,\r\n'
    )
    (tmp_path / "f.csv").write_bytes(text.encode())
    found = detutils.read_detections(tmp_path / "f.csv", truth("b.jpg", "in/a.jpg"))
    assert len(found[0].boxes) == 0
    np.testing.assert_array_equal(found[1].boxes, [[1, 2, 3, 4], [1, 2, 3, 4.5]])
    assert (found[1].scores.tolist(), found[1].labels.tolist()) == ([0.5, 0.25], [1, 0])


def test_the_fuller_name_wins(tmp_path: Path) -> None:
    write(tmp_path / "f.csv", "image,class,score,x1,y1,x2,y2\ne.jpg,cat,1,1,1,2,2\nx/e,cat,1,1,1,2,2\n")
    found = detutils.read_detections(tmp_path / "f.csv", truth("x/e.jpg", "e.jpg", "y/e.jpg"))
    assert [len(one.boxes) for one in found] == [1, 1, 0]


def test_json_goes_to_the_reader_of_coco(tmp_path: Path) -> None:
    detutils.write_coco_detections(tmp_path / "f.json", [([[1, 2, 3, 4]], [0.5], [1])], truth("a.jpg"))
    assert detutils.read_detections(tmp_path / "f.json", truth("a.jpg"))[0].labels.tolist() == [1]


BROKEN = {
    "no confidence": ("a.txt", "0 0.5 0.5 0.1 0.1", "line 1: has no confidence"),
    "words": ("a.txt", "0 0.5 0.5 0.1 0.1 0.5\n0 0.5 0.5 0.1 0.1 high", "line 2: must hold only numbers"),
    "endless confidence": ("a.txt", "0 0.5 0.5 0.1 0.1 inf", "line 1: the confidence must be a finite number"),
    "outside": ("a.txt", "0 0.5 0.5 0.1 3 0.5", r"line 1: cx, cy, width and height must be in \[0, 1\]"),
    "unknown image": ("aa.txt", "0 0.5 0.5 0.1 0.1 0.5", r"unknown image 'aa'; there are 'a\.jpg'"),
    "unknown class": ("comp4_det_test_cow.txt", "a 0.5 1 1 9 9", r"unknown class 'cow'; there are 'cat', 'big dog'"),
    "devkit's unknown image": ("comp4_det_test_cat.txt", "z 0.5 1 1 9 9", r"line 1: unknown image 'z'; there are"),
    "devkit's short line": ("comp4_det_test_cat.txt", "a 0.5 1 1 9", "line 1: must hold image, confidence"),
    "devkit backwards": ("comp4_det_test_cat.txt", "a 0.5 9 1 1 9", "line 1: the box ends before it begins"),
    "devkit's NaN": ("comp4_det_test_cat.txt", "a nan 9 1 1 9", "line 1: must hold finite numbers"),
    "no header": ("f.csv", "a,cat,0.5,1,1,2,2\n", "line 1: the header has no image, class, score, x1, y1, x2, y2"),
    "short row": ("f.csv", "image,class,score,x1,y1,x2,y2\na,cat\n", "line 2: has 2 values, fewer than the header"),
    "table's class": ("f.csv", "image,class,score,x1,y1,x2,y2\na,Cat,1,1,1,2,2\n", "class 'Cat'; there is 'cat'"),
    "two images": ("f.csv", "image,class,score,x1,y1,x2,y2\ne,cat,1,1,1,2,2\n", "several images are called 'e'"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_detections(name: str, tmp_path: Path) -> None:
    file, text, pattern = BROKEN[name]
    write(tmp_path / file, text)
    data = truth("a.jpg", "x/e.jpg", "y/e.jpg")
    with pytest.raises(ValueError, match=rf"{file}: .*{pattern}|{pattern}.* \(bad entries in all: 1 x "):
        detutils.read_detections(tmp_path, data)
    found = detutils.read_detections(tmp_path, data, on_invalid="drop")
    assert (len(found), len(found.skipped)) == (3, 1)


def test_arguments_of_detections(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "0 0.5 0.5 0.1 0.1 0.5")
    with pytest.raises(ValueError, match=r"a\.txt: image 'a\.jpg' has no size"):
        detutils.read_detections(tmp_path, truth("a.jpg", size=None))
    with pytest.raises(TypeError, match="dataset must be a Dataset, got list"):
        detutils.read_detections(tmp_path, [])
    with pytest.raises(ValueError, match="format must be one of"):
        detutils.read_detections(tmp_path, truth("a.jpg"), format="xml")
    with pytest.raises(ValueError, match=r"a\.txt: detections are a folder .* format= says which"):
        detutils.read_detections(tmp_path / "a.txt", truth("a.jpg"))
