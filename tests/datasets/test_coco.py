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
        for a, b in zip(tuple(before)[:3], tuple(after)[:3], strict=True):
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
    moved = first[1].replace(boxes=first[1].boxes + [0, 0, 1, 0])
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


# ---- files as they are found -------------------------------------------------------------------------------


def test_a_test_set_has_no_annotations(tmp_path: Path) -> None:
    content = coco()
    del content["annotations"]
    dataset = detutils.read_coco(write(tmp_path / "image_info.json", content))
    assert [image.boxes.shape for image in dataset.images] == [(0, 4), (0, 4)]
    detutils.write_coco_detections(tmp_path / "r.json", [([[10, 20, 40, 60]], [0.9], [0]), ([], [], [])], dataset)
    assert json.loads((tmp_path / "r.json").read_text()) == [
        {"image_id": 4, "category_id": 3, "bbox": [10.0, 20.0, 30.0, 40.0], "score": 0.9}
    ]


@pytest.mark.parametrize("side", [0, -1, None, 0.0, -1.0, ...])
def test_sizes_that_are_unknown(side: Any, tmp_path: Path) -> None:
    content = picture(width=side, height=side)
    dataset = detutils.read_coco(write(tmp_path / "a.json", content))
    assert [image.image_size for image in dataset.images] == [None, (480, 640)]
    one = detutils.read_coco(write(tmp_path / "b.json", picture(width=side)))
    assert one.images[0].image_size is None


@pytest.mark.parametrize("name", [None, ...])
def test_names_that_are_missing(name: Any, tmp_path: Path) -> None:
    dataset = detutils.read_coco(write(tmp_path / "a.json", picture(file_name=name)))
    assert [image.name for image in dataset.images] == ["", "b.jpg"]


def orphans() -> dict[str, Any]:
    content = coco()
    good = content["annotations"][0]
    bad = ({"image_id": 77}, {"bbox": []}, {"image_id": 78}, {"bbox": [5, 5, -1, 2]})
    strange = [{**good, **change} for change in bad]
    return {**content, "annotations": [good, *strange, good]}


def test_going_on_past_bad_entries(tmp_path: Path) -> None:
    path = write(tmp_path / "split.json", orphans())
    with pytest.raises(ValueError, match=r"json: annotations\[1\]: unknown image_id 77; ids are such as 4 ") as error:
        detutils.read_coco(path)
    counts = "bad entries in all: 2 x unknown image_id, 2 x bad bbox; on_invalid='drop' leaves them out"
    assert counts in str(error.value)
    dataset = detutils.read_coco(path, on_invalid="drop")
    assert [len(image.boxes) for image in dataset.images] == [0, 2]
    assert [(skip.path, skip.place) for skip in dataset.skipped] == [
        (str(path), f"annotations[{k}]") for k in (1, 2, 3, 4)
    ]
    assert dataset.skipped[1].reason == "bbox must be four numbers x, y, width, height, got []"
    results = [{key: value for key, value in entry.items() if key != "area"} | {"score": 0.5}
               for entry in orphans()["annotations"]]  # fmt: skip
    found = write(tmp_path / "found.json", results)
    with pytest.raises(ValueError, match=r"entry \[1\]: unknown image_id 77.*2 x unknown image_id, 2 x bad bbox"):
        detutils.read_coco_detections(found, dataset)
    kept: Any = detutils.read_coco_detections(found, dataset, on_invalid="drop")
    assert [len(one.boxes) for one in kept] == [0, 2]
    assert [skip.place for skip in kept.skipped] == [f"entry [{k}]" for k in (1, 2, 3, 4)]
    for read in (lambda how: detutils.read_coco(path, on_invalid=how),
                 lambda how: detutils.read_coco_detections(found, dataset, on_invalid=how)):  # fmt: skip
        with pytest.raises(ValueError, match="on_invalid must be one of 'raise', 'drop'"):
            read("skip")


def test_bad_images_and_classes_can_be_dropped(tmp_path: Path) -> None:
    content = coco()
    content["images"].append({"id": 9, "file_name": "again.jpg"})
    content["categories"].append({"id": 8})
    dataset = detutils.read_coco(write(tmp_path / "a.json", content), on_invalid="drop")
    assert [image.name for image in dataset.images] == ["a.jpg", "b.jpg"]
    assert [skip.place for skip in dataset.skipped] == ["categories[2]", "images[2]"]


def test_ids_written_otherwise_and_names_for_ids(tmp_path: Path) -> None:
    content = coco(images=[{"id": 1, "file_name": "shelf_01.jpg"}, {"id": 2, "file_name": "b/x.png"},
                           {"id": 3, "file_name": "c/x.png"}], annotations=[])  # fmt: skip
    dataset = detutils.read_coco(write(tmp_path / "truth.json", content))

    def owner(value: Any) -> int:
        entry = {"image_id": value, "category_id": "3", "bbox": [1, 2, 3, 4], "score": 0.5}
        found = detutils.read_coco_detections(write(tmp_path / "r.json", [entry]), dataset)
        return [len(one.boxes) for one in found].index(1)

    names = ("1", "shelf_01", "shelf_01.jpg", "pictures/shelf_01.png", "d\\shelf_01.jpg", "b/x.png")
    assert [owner(name) for name in names] == [0, 0, 0, 0, 0, 1]
    with pytest.raises(ValueError, match=r"unknown image_id 'x': several images have this name"):
        owner("x")
    with pytest.raises(ValueError, match=r"unknown image_id 'shelf'; there is shelf_01\.jpg, image 1"):
        owner("shelf")
    with pytest.raises(ValueError, match=r"unknown image_id 'q'; ids are such as 1"):
        owner("q")
    nothing = detutils.Dataset([], ("a",), (3,))
    with pytest.raises(ValueError, match="unknown image_id 1: there are no images"):
        detutils.read_coco_detections(write(tmp_path / "r.json", result(image_id=1)[1:]), nothing)


def test_results_in_a_whole_file(tmp_path: Path) -> None:
    dataset = detutils.read_coco(write(tmp_path / "a.json", coco()))
    found = detutils.read_coco_detections(write(tmp_path / "r.json", coco(annotations=result())), dataset)
    assert [len(one.boxes) for one in found] == [0, 2]
    with pytest.raises(ValueError, match=r"r\.json: annotations\[1\]: has no 'score'"):
        detutils.read_coco_detections(write(tmp_path / "r.json", coco(annotations=result(score=...))), dataset)


def test_classes_are_chosen(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", coco())
    zebras = detutils.read_coco(path, classes=["zebra"])
    assert (zebras.class_names, zebras.class_ids) == (("zebra",), (90,))
    assert [image.labels.tolist() for image in zebras.images] == [[], [0, 0]]
    both = detutils.read_coco(path, classes=[90, "car", "zebra"])
    assert (both.class_names, both.images[1].labels.tolist()) == (("zebra", "car"), [1, 0, 0])
    assert detutils.read_coco(path, classes=[]).images[1].labels.size == 0
    with pytest.raises(ValueError, match=r"classes holds 'cow', which is not among car \(3\), zebra \(90\)"):
        detutils.read_coco(path, classes=["cow"])
    with pytest.raises(TypeError, match="classes must be names or category ids"):
        detutils.read_coco(path, classes="zebra")


def test_outlines_and_boxes_from_them(tmp_path: Path) -> None:
    polygons = [[1, 2, 9.5, 2, 9.5, 7.25], [0.5, 3, 2, 4, 1, 8]]
    runs = {"size": [10, 12], "counts": [25, 3, 8, 1, 83]}  # column 2, rows 5 to 7; column 3, row 6
    good = {"image_id": 9, "category_id": 3}
    entries = [
        {**good, "segmentation": polygons},
        {**good, "bbox": [], "segmentation": runs},
        {**good, "bbox": None, "segmentation": [1, 2, 4, 6]},
        {**good, "bbox": [5, 6, 7, 8], "segmentation": polygons},
        {**good, "bbox": [5, 6, 7, 8]},
    ]
    path = write(tmp_path / "a.json", coco(annotations=entries))
    image = detutils.read_coco(path, keep_outlines=True).images[1]
    np.testing.assert_array_equal(
        image.boxes, [[0.5, 2, 9.5, 8], [2, 5, 4, 8], [1, 2, 4, 6], [5, 6, 12, 14], [5, 6, 12, 14]]
    )
    assert image.outlines == [polygons, runs, [1, 2, 4, 6], polygons, None]
    assert detutils.read_coco(path).images[1].outlines is None
    bad = coco(annotations=[{**good, "segmentation": [["x"]]}])
    with pytest.raises(ValueError, match=r"annotations\[0\]: has no bbox, and its segmentation gives none"):
        detutils.read_coco(write(tmp_path / "b.json", bad))


def test_boxes_of_compressed_runs(tmp_path: Path) -> None:
    mask = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    entries, expected = [], []
    for _ in range(20):
        picture = np.zeros((40, 30), np.uint8, order="F")
        x, y, w, h = rng.integers(0, 15, 4).tolist()
        picture[y : y + h + 1, x : x + w + 1] = rng.random((h + 1, w + 1)) < 0.7
        picture[y, x] = picture[y + h, x + w] = 1
        code = mask.encode(picture)
        counts = code["counts"].decode()
        entries.append({"image_id": 9, "category_id": 3, "segmentation": {"size": code["size"], "counts": counts}})
        expected.append(mask.toBbox(code).tolist())
    image = detutils.read_coco(write(tmp_path / "a.json", coco(annotations=entries))).images[1]
    assert image.sizes is not None
    np.testing.assert_array_equal(np.hstack([image.boxes[:, :2], image.sizes]), expected)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """The law of ``write_coco``, for what a file gave and for records made by hand."""
    rng = np.random.default_rng(5)
    content = coco()
    for entry in content["annotations"]:
        entry["bbox"] = rng.uniform(0, 100, 4).tolist()
    content["annotations"][1]["segmentation"] = [[1, 2, 3, 4, 5, 6]]
    first = detutils.read_coco(write(tmp_path / "a.json", content), keep_outlines=True)
    corner = rng.uniform(-100, 1000, (400, 2))
    boxes = np.hstack([corner, corner + np.exp(rng.uniform(-9, 7, (400, 2)))])
    made = first.images[1]._replace(
        boxes=boxes, labels=rng.integers(0, 2, 400), areas=rng.random(400), crowd=rng.random(400) < 0.5, sizes=None,
        difficult=np.zeros(400, bool), truncated=np.zeros(400, bool), outlines=None,
    )  # fmt: skip
    hand = detutils.Dataset([first.images[0], made], first.class_names, first.class_ids)
    for dataset in (first, hand):
        detutils.write_coco(tmp_path / "b.json", dataset)
        again = detutils.read_coco(tmp_path / "b.json", keep_outlines=True)
        assert again[1:] == dataset[1:]
        for before, after in zip(dataset.images, again.images, strict=True):
            assert (before.name, before.image_size, before.image_id) == (after.name, after.image_size, after.image_id)
            for name in ("boxes", "labels", "difficult", "truncated", "crowd", "areas"):
                np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
            if before.sizes is not None:
                np.testing.assert_array_equal(before.sizes, after.sizes)
            assert list(after.outlines or []) == list(before.outlines or [None] * len(after.boxes))
    with pytest.raises(ValueError, match=r"dataset\.images\[0\]\.labels\[0\] is 7, but there are 2 classes"):
        detutils.write_coco(tmp_path / "c.json", hand._replace(images=[made._replace(labels=np.full(400, 7))]))
    with pytest.raises(TypeError, match="dataset must be a Dataset"):
        detutils.write_coco(tmp_path / "c.json", [])  # type: ignore[arg-type]
    assert not (tmp_path / "c.json").exists()


def test_equal_readings_are_equal(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.json", coco()), write(tmp_path / "b.json", coco())
    assert detutils.read_coco(first) == detutils.read_coco(second)
    moved = coco(annotations=[{"image_id": 9, "category_id": 3, "bbox": [10, 20, 30.5, 41]}])
    assert detutils.read_coco(first) != detutils.read_coco(write(tmp_path / "c.json", moved))
    dataset = detutils.read_coco(first)
    assert dataset.images == list(dataset.images)
    assert dataset.images != list(dataset.images)[:1]
