"""COCO's JSON: what the readers and the writer give, and how they name what is broken."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from tests.cases import write


def coco(**changes: Any) -> dict[str, Any]:
    """A small valid COCO file: two images out of order, ids with holes."""
    content = {
        "images": [
            {"id": 9, "file_name": "b.jpg", "width": 640, "height": 480},
            {"id": 4, "file_name": "a.jpg"},
        ],
        "categories": [{"id": 90, "name": "zebra"}, {"id": 3, "name": "car"}],
        "annotations": [
            {"image_id": 9, "category_id": 3, "bbox": [10, 20, 30.5, 40], "area": 700.25, "iscrowd": 0},
            {"image_id": 9, "category_id": 90, "bbox": [0, 0, 640, 480], "area": 5.0, "iscrowd": 1},
            {"image_id": 9, "category_id": 90, "bbox": [1, 2, 0, 4]},
        ],
    }
    return {**content, **changes}


def test_coco(tmp_path: Path) -> None:
    dataset = detutils.read_coco(write(tmp_path / "a.json", coco()))
    assert dataset.class_names == ("car", "zebra")
    assert dataset.class_ids == (3, 90)
    a, b = dataset.images
    assert (a.name, a.image_size, a.image_id) == ("a.jpg", None, 4)
    assert (a.boxes.shape, a.labels.shape, a.areas.shape) == ((0, 4), (0,), (0,))
    assert (b.name, b.image_size, b.image_id) == ("b.jpg", (480, 640), 9)
    np.testing.assert_array_equal(b.boxes, [[10, 20, 40.5, 60], [0, 0, 640, 480], [1, 2, 1, 6]])
    assert b.labels.tolist() == [0, 1, 1]
    assert b.crowd.tolist() == [False, True, False]
    assert b.areas.tolist() == [700.25, 5.0, 0.0]
    assert not b.difficult.any()
    assert not b.truncated.any()
    assert (b.boxes.dtype, b.labels.dtype, b.crowd.dtype) == (np.float64, np.int64, np.bool_)


def test_coco_with_nothing_in_it_and_with_a_byte_order_mark(tmp_path: Path) -> None:
    nothing = write(tmp_path / "a.json", {"images": [], "annotations": [], "categories": []})
    assert detutils.read_coco(str(nothing)) == detutils.Dataset([], (), ())
    marked = tmp_path / "b.json"
    marked.write_bytes(b"\xef\xbb\xbf" + json.dumps(coco()).encode())
    assert len(detutils.read_coco(marked).images) == 2
    names = coco(images=[{"id": "x", "file_name": "b"}, {"id": "a", "file_name": "a"}], annotations=[])
    written = detutils.read_coco(write(tmp_path / "c.json", names))
    assert [image.image_id for image in written.images] == ["a", "x"]


def annotation(**changes: Any) -> dict[str, Any]:
    good = {"image_id": 9, "category_id": 3, "bbox": [1, 2, 3, 4]}
    entry = {key: value for key, value in {**good, **changes}.items() if value is not ...}
    return coco(annotations=[good, entry])


def picture(**changes: Any) -> dict[str, Any]:
    good = {"id": 9, "file_name": "b.jpg", "width": 640, "height": 480}
    entry = {key: value for key, value in {**good, "id": 1, **changes}.items() if value is not ...}
    return coco(images=[good, entry], annotations=[])


BROKEN_COCO = {
    "empty": ("", "the file is empty"),
    "blanks": (" \n", "the file is empty"),
    "truncated": ('{"images": [\n{"id": 1,', "line 2, column 10"),
    "deep": ("[" * 100_000, "nested too deeply|line 1"),
    "a long integer": ('{"images": ' + "9" * 5000 + "}", "digits"),
    "results": ([], "must hold images, annotations and categories, got a list"),
    "no images": ({"annotations": [], "categories": []}, "has no 'images'"),
    "no categories": ({"annotations": [], "images": []}, "has no 'categories'"),
    "images no list": (coco(images={}), "images: must be a list, got an object"),
    "entry no object": (coco(annotations=[3]), r"annotations\[0\]: must be an object, got a number"),
    "null entry": (coco(categories=[None]), r"categories\[0\]: must be an object, got null"),
    "no image_id": (annotation(image_id=...), r"annotations\[1\]: has no 'image_id'"),
    "unknown image": (annotation(image_id=10), r"annotations\[1\]: unknown image_id 10"),
    "boolean image": (annotation(image_id=True), r"annotations\[1\]: unknown image_id True"),
    "list for an id": (annotation(image_id=[9]), r"annotations\[1\]: unknown image_id \[9\]"),
    "unknown category": (annotation(category_id=4), r"annotations\[1\]: unknown category_id 4"),
    "no bbox": (annotation(bbox=...), r"annotations\[1\]: has no 'bbox'"),
    "short bbox": (annotation(bbox=[1, 2, 3]), r"annotations\[1\]: bbox must be four numbers"),
    "bbox of strings": (annotation(bbox=["1", 2, 3, 4]), r"annotations\[1\]: bbox must be four numbers"),
    "bbox of booleans": (annotation(bbox=[True, 2, 3, 4]), r"annotations\[1\]: bbox must be four numbers"),
    "NaN": (annotation(bbox=[math.nan, 2, 3, 4]), r"annotations\[1\]: bbox is not finite"),
    "infinite": (annotation(bbox=[1, 2, math.inf, 4]), r"annotations\[1\]: bbox is not finite"),
    "huge": (annotation(bbox=[1, 2, 10**200, 4]), r"annotations\[1\]: bbox is not finite, or beyond"),
    "negative width": (annotation(bbox=[1, 2, -3, 4]), r"annotations\[1\]: bbox has a negative width"),
    "negative area": (annotation(area=-1), r"annotations\[1\]: area must be a finite number of at least 0"),
    "area of text": (annotation(area="7"), r"annotations\[1\]: area must be a finite number"),
    "crowd 2": (annotation(iscrowd=2), r"annotations\[1\]: iscrowd must be 0 or 1, got 2"),
    "crowd list": (annotation(iscrowd=[]), r"annotations\[1\]: iscrowd must be 0 or 1"),
    "category without id": (coco(categories=[{"name": "x"}]), r"categories\[0\]: has no 'id'"),
    "category id of text": (coco(categories=[{"id": "three", "name": "x"}]), r"categories\[0\]: id must be"),
    "category without text": (coco(categories=[{"id": 3, "name": 7}]), r"categories\[0\]: name must be"),
    "category twice": (
        coco(categories=[{"id": 3, "name": "x"}, {"id": 3, "name": "y"}]),
        r"categories\[1\]: id 3 is taken",
    ),
    "image twice": (picture(id=9), r"images\[1\]: id 9 is taken by another image"),
    "image ids of two kinds": (picture(id="x"), r"images\[1\]: id 'x' is not of the kind"),
    "image id of no kind": (picture(id=1.5), r"images\[1\]: id must be an integer or a string"),
    "image name a number": (picture(file_name=3), r"images\[1\]: file_name must be a string"),
    "image of height -2": (picture(height=-2), r"images\[1\]: height and width must be positive integers"),
    "image of half a pixel": (picture(width=0.5), r"images\[1\]: height and width must be positive integers"),
    "image of width in words": (picture(width="640"), r"images\[1\]: height and width must be positive integers"),
    "annotation id twice": (
        coco(annotations=[{"id": 5, "image_id": 9, "category_id": 3, "bbox": [1, 2, 3, 4]}] * 2),
        r"annotations\[1\]: id 5 is that of annotations\[0\]",
    ),
}


@pytest.mark.parametrize("name", BROKEN_COCO)
def test_broken_coco(name: str, tmp_path: Path) -> None:
    content, pattern = BROKEN_COCO[name]
    path = write(tmp_path / "broken.json", content)
    with pytest.raises(ValueError, match=rf"broken\.json: .*({pattern})"):
        detutils.read_coco(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    binary = tmp_path / "binary.json"
    binary.write_bytes(b'{"a":\n "\xff\xfe"}')
    with pytest.raises(ValueError, match=r"binary\.json: line 2: not UTF-8 text \(byte 8\)"):
        detutils.read_coco(binary)
    for read in (detutils.read_coco, detutils.read_voc):
        with pytest.raises(FileNotFoundError, match="missing"):
            read(tmp_path / "missing")
        with pytest.raises(TypeError, match="path must be a str or a path"):
            read(3)
        with pytest.raises(ValueError, match="not a file name"):
            read("a\0b")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        detutils.read_coco(tmp_path)
    with pytest.raises(FileNotFoundError, match="missing"):
        detutils.read_yolo(tmp_path / "missing", {})


# ---- COCO results ------------------------------------------------------------------------------------------

def test_detections_come_back(tmp_path: Path) -> None:
    dataset = detutils.read_coco(write(tmp_path / "a.json", coco()))
    rng = np.random.default_rng(0)
    corner = rng.integers(0, 500, (7, 2)) / 4
    found = [
        detutils.Detections(np.empty((0, 4)), np.empty(0), np.empty(0, np.int64)),
        detutils.Detections(np.hstack([corner, corner + 8]), rng.random(7), rng.integers(0, 2, 7)),
    ]
    path = tmp_path / "found.json"
    detutils.write_coco_detections(path, found, dataset)
    for before, after in zip(found, detutils.read_coco_detections(path, dataset), strict=True):
        for a, b in zip(before[:3], after[:3], strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
        np.testing.assert_array_equal(after.sizes, np.full((len(after.boxes), 2), 8.0))
    entries = json.loads(path.read_text())
    assert {entry["category_id"] for entry in entries} <= {3, 90}
    assert [entry["image_id"] for entry in entries] == [9] * 7
    assert list(tmp_path.glob("*.part")) == []
    assert all(image.boxes.shape == (0, 4) for image in detutils.read_coco_detections(
        write(tmp_path / "none.json", []), dataset))  # fmt: skip


def test_sizes_survive_to_the_last_digit(tmp_path: Path) -> None:
    dataset = detutils.read_coco(write(tmp_path / "a.json", coco()))
    entries = [{"image_id": 9, "category_id": 3, "bbox": [10.3, 20.1, 0.7, 33.4], "score": 0.5}]
    first = detutils.read_coco_detections(write(tmp_path / "in.json", entries), dataset)
    assert first[1].boxes[0, 2] - first[1].boxes[0, 0] != 0.7
    assert first[1].sizes.tolist() == [[0.7, 33.4]]
    detutils.write_coco_detections(tmp_path / "out.json", first, dataset)
    assert json.loads((tmp_path / "out.json").read_text()) == entries
    moved = first[1]._replace(boxes=first[1].boxes + [0, 0, 1, 0])
    with pytest.raises(ValueError, match=r"detections\[1\] sizes\[0\] is \[ 0.7 33.4\], but its box is"):
        detutils.write_coco_detections(tmp_path / "out.json", [first[0], moved], dataset)
    with pytest.raises(ValueError, match=r"detections\[1\] sizes\[0\]"):
        detutils.evaluate_coco([first[0], moved], dataset)


def result(**changes: Any) -> list[dict[str, Any]]:
    good = {"image_id": 9, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.5}
    return [good, {key: value for key, value in {**good, **changes}.items() if value is not ...}]


@pytest.mark.parametrize(
    ("content", "pattern"),
    [
        ({}, "results are a list of detections, got an object"),
        ([7], r"entry \[0\]: must be an object, got a number"),
        (result(image_id=1), r"entry \[1\]: unknown image_id 1"),
        (result(category_id=4), r"entry \[1\]: unknown category_id 4"),
        (result(bbox=[1, 2, 3, -4]), r"entry \[1\]: bbox has a negative width or height"),
        (result(score=...), r"entry \[1\]: has no 'score'"),
        (result(score="0.5"), r"entry \[1\]: score must be a finite number"),
        (result(score=math.nan), r"entry \[1\]: score must be a finite number"),
        ("[{]", "line 1, column 3"),
    ],
)
def test_broken_results(content: Any, pattern: str, tmp_path: Path) -> None:
    dataset = detutils.read_coco(write(tmp_path / "a.json", coco()))
    with pytest.raises(ValueError, match=rf"broken\.json: .*{pattern}"):
        detutils.read_coco_detections(write(tmp_path / "broken.json", content), dataset)


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    dataset = detutils.read_coco(write(tmp_path / "a.json", coco()))
    empty: tuple[list[Any], ...] = ([], [], [])
    path = tmp_path / "found.json"
    with pytest.raises(ValueError, match="detections has 1 entries and dataset 2 images"):
        detutils.write_coco_detections(path, [empty], dataset)
    with pytest.raises(ValueError, match=r"detections\[1\] labels\[0\] is 2, but there are 2 classes"):
        detutils.write_coco_detections(path, [empty, ([[0, 0, 1, 1]], [0.5], [2])], dataset)
    with pytest.raises(ValueError, match=r"detections\[1\] scores\[0\] is not finite"):
        detutils.write_coco_detections(path, [empty, ([[0, 0, 1, 1]], [np.inf], [0])], dataset)
    with pytest.raises(TypeError, match=r"detections\[1\] must be boxes, scores and labels, got dict"):
        detutils.write_coco_detections(path, [empty, {}], dataset)
    with pytest.raises(TypeError, match="dataset must be a Dataset, got list"):
        detutils.write_coco_detections(path, [], [])
    with pytest.raises(TypeError, match="dataset must be a Dataset, got str"):
        detutils.read_coco_detections(path, "a.json")
    with pytest.raises(OSError, match="missing"):
        detutils.write_coco_detections(tmp_path / "missing" / "found.json", [empty, empty], dataset)
    assert not path.exists()


def image_of(number: Any) -> detutils.AnnotatedImage:
    return detutils.AnnotatedImage("a.jpg", None, *[None] * 6, image_id=number)  # type: ignore[arg-type]


def test_ids_from_arrays_can_be_written(tmp_path: Path) -> None:
    dataset = detutils.Dataset([image_of(np.int64(7))], ("dog",), (np.int32(18),))  # type: ignore[arg-type]
    detutils.write_coco_detections(tmp_path / "found.json", [([[10, 20, 40, 60]], [0.9], [0])], dataset)
    assert json.loads((tmp_path / "found.json").read_text())[0]["image_id"] == 7
    assert len(detutils.read_coco_detections(tmp_path / "found.json", dataset)[0].boxes) == 1


@pytest.mark.parametrize(
    ("dataset", "error", "pattern"),
    [
        (detutils.Dataset([image_of(7), image_of(7)], (), ()), ValueError, r"images\[1\]\.image_id is 7, as that of"),
        (detutils.Dataset([image_of(7.0)], (), ()), TypeError, r"images\[0\]\.image_id must be an integer"),
        (detutils.Dataset([image_of([7])], (), ()), TypeError, r"images\[0\]\.image_id must be an integer"),
        (detutils.Dataset([], ("a", "b"), (3, 3)), ValueError, r"class_ids\[1\] is 3, as that of label 0"),
        (detutils.Dataset([], ("a",), ("3",)), TypeError, r"class_ids\[0\] must be an integer"),
        (detutils.Dataset([3], (), ()), TypeError, r"images\[0\] must be an AnnotatedImage, got int"),
        (detutils.Dataset(None, (), ()), TypeError, "images must be a list of AnnotatedImage, got NoneType"),
    ],
)
def test_data_sets_whose_ids_lead_nowhere(dataset: Any, error: type[Exception], pattern: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=pattern):
        detutils.write_coco_detections(tmp_path / "found.json", [], dataset)
    with pytest.raises(error, match=pattern):
        detutils.read_coco_detections(tmp_path / "found.json", dataset)
