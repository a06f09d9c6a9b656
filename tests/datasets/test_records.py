"""The record of detections: rows chosen, joined, compared, and written for other programs."""

from __future__ import annotations

import copy
import importlib.util
import json
import pickle
import sys
import types
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.datasets.records import DetectionColumns, DetectionsByImage
from tests import cases

MASKS = np.arange(4 * 3 * 5).reshape(4, 3, 5) % 2 == 0
POINTS = np.arange(4 * 2 * 3, dtype=np.float32).reshape(4, 2, 3)


def found(**columns: Any) -> detutils.Detections:
    boxes = np.array([[0, 0, 10, 10], [2, 1, 12, 9], [30, 20, 60, 50], [5, 40, 25, 60]], np.float32)
    return detutils.Detections(boxes, np.array([0.5, 0.875, 0.25, 0.75]), np.array([3, 1, 2, 0]), **columns)


def full() -> detutils.Detections:
    return found(names=["a", "b", "c", "d"], keypoints=POINTS, masks=MASKS, sizes=np.full((4, 2), 7.0))


ROWS = {
    "integers": (np.array([2, 0, 2]), [2, 0, 2]),
    "negative": (np.array([-1, 1], np.int8), [3, 1]),
    "unsigned": (np.array([3], np.uint64), [3]),
    "mask": (np.array([True, False, False, True]), [0, 3]),
    "no integers": (np.array([], int), []),
    "list": ([1, 3], [1, 3]),
    "list of booleans": ([True, True, False, False], [0, 1]),
    "empty list": ([], []),
    "range": (range(2, 4), [2, 3]),
    "foreign": (cases.OnlyArray(np.array([True, False, True, False])), [0, 2]),
    "slice": (slice(1, None, 2), [1, 3]),
    "backwards": (slice(None, None, -1), [3, 2, 1, 0]),
    "one": (2, [2]),
    "last": (-1, [3]),
    "NumPy's integer": (np.int32(1), [1]),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_are_chosen_of_every_column(name: str) -> None:
    index, rows = ROWS[name]
    if name == "foreign":
        index.__class__.__len__ = lambda self: 4  # type: ignore[attr-defined]
    for record in (full(), found()):
        chosen = record[index]
        assert type(chosen) is detutils.Detections
        assert len(chosen) == len(rows)
        assert list(chosen.to_dict()) == list(record.to_dict())
        for key, column in record.to_dict().items():
            mine = getattr(chosen, key)
            if isinstance(column, list):
                assert mine == [column[row] for row in rows]
            else:
                np.testing.assert_array_equal(mine, column[rows])
                assert (mine.dtype, mine.shape) == (column.dtype, (len(rows), *column.shape[1:]))


def test_rows_of_strided_columns_and_views() -> None:
    wide = np.arange(40.0).reshape(4, 10)
    record = detutils.Detections(wide[:, 2:6], wide[:, 6], wide[:, 7], rest=wide[:, 8:])
    assert np.shares_memory(record.boxes, wide)
    np.testing.assert_array_equal(record[[3, 1]].boxes, wide[[3, 1], 2:6])
    np.testing.assert_array_equal(record[[3, 1]].rest, wide[[3, 1], 8:])
    assert np.shares_memory(record[1:3].boxes, wide)
    assert not np.shares_memory(record[[0]].boxes, wide)


@pytest.mark.parametrize(
    ("index", "error", "pattern"),
    [
        (4, IndexError, "row 4 of 4 detections"),
        (-5, IndexError, "row -5 of 4"),
        (np.array([0, 4]), IndexError, "out of bounds"),
        (np.array([True, False]), IndexError, "a mask of 2 for 4 detections"),
        ([True] * 5, IndexError, "a mask of 5 for 4"),
        (np.zeros((2, 2), int), IndexError, "one dimension"),
        (np.array(1), IndexError, "one dimension"),
        (np.array([0.0, 1.0]), TypeError, "got dtype float64"),
        ("names", TypeError, r"found\.names"),
        ((0, 1), TypeError, "got tuple"),
        (None, TypeError, "got NoneType"),
        (..., TypeError, "got ellipsis"),
        (True, TypeError, "got bool"),
        (1.0, TypeError, "got float"),
        (["a"], TypeError, "dtype <U1"),
    ],
)
def test_what_chooses_no_rows(index: Any, error: type[Exception], pattern: str) -> None:
    for record in (found(), full()):
        with pytest.raises(error, match=pattern):
            record[index]


def test_it_unpacks_and_counts_rows() -> None:
    record = full()
    boxes, scores, labels, sizes = record
    assert boxes is record.boxes
    assert scores is record.scores
    assert labels is record.labels
    assert sizes is record.sizes
    assert len(record) == 4
    assert bool(record)
    assert not record[:0]
    assert record.names == ["a", "b", "c", "d"]
    assert record.keypoints is POINTS
    assert set(record.columns) == {"names", "keypoints", "masks"}
    assert {"names", "boxes", "replace"} <= set(dir(record))
    with pytest.raises(AttributeError, match="no column 'mask'; the columns are: names, keypoints, masks"):
        _ = record.mask
    with pytest.raises(AttributeError, match="no column 'names'; the columns are: none but boxes"):
        _ = found().names


def test_rows_one_by_one() -> None:
    for i, row in enumerate(full().rows()):
        box, score, label, name, _, mask = row
        assert (type(score), type(label)) == (float, int)
        np.testing.assert_array_equal(box, full().boxes[i])
        assert (score, label, name) == (full().scores[i], full().labels[i], "abcd"[i])
        np.testing.assert_array_equal(row.keypoints, POINTS[i])
        assert mask is not None
    assert [row.label for row in found().rows()] == [3, 1, 2, 0]
    assert list(found()[:0].rows()) == []


def test_it_does_not_change() -> None:
    record = full()
    for name in ("boxes", "names", "new"):
        with pytest.raises(AttributeError, match=f"replace\\({name}="):
            setattr(record, name, 3)
        with pytest.raises(AttributeError, match="not changed"):
            delattr(record, name)
    record.columns.clear()
    assert record == full()
    with pytest.raises(TypeError, match="unhashable"):
        hash(record)


def test_replaced_columns() -> None:
    record = full()
    other = record.replace(labels=[0, 0, 0, 1], names=None, ids=range(4), sizes=None)
    assert other.labels.tolist() == [0, 0, 0, 1]
    assert other.ids == [0, 1, 2, 3]
    assert other.sizes is None
    assert list(other.columns) == ["keypoints", "masks", "ids"]
    assert other.keypoints is record.keypoints
    with pytest.raises(ValueError, match=r"boxes must have shape|scores must have shape \(1,\)"):
        record.replace(boxes=[[0, 0, 1, 1]])


def test_equal_are_equal_numbers() -> None:
    assert full() == full()
    assert found() == detutils.Detections(found().boxes.astype(float), found().scores.tolist(), [3.0, 1, 2, 0])
    assert found() != full()
    assert found() != found()[:3]
    assert full() != full().replace(names=["a", "b", "c", "e"])
    assert full() != full().replace(keypoints=POINTS + 1)
    assert full() != full().replace(sizes=None)
    assert found() != tuple(found())
    nested = [{"counts": np.arange(3)}, None, [np.zeros(2)], ()]
    assert found(rle=nested) == found(rle=copy.deepcopy(nested))
    assert found(rle=nested) != found(rle=[{"counts": np.arange(4)}, None, [np.zeros(2)], ()])
    assert found() != found().replace(scores=[0.5, 0.875, np.nan, 0.75])


def test_copies_and_pickles() -> None:
    for record in (full(), found(), found()[:0]):
        for other in (copy.copy(record), copy.deepcopy(record), pickle.loads(pickle.dumps(record))):
            assert other == record
            assert other.boxes.dtype == record.boxes.dtype
    assert copy.copy(full()).keypoints is POINTS
    assert not np.shares_memory(copy.deepcopy(full()).keypoints, POINTS)


def test_in_the_shell() -> None:
    one = detutils.Detections([[1, 2, 3, 4.5]], [0.5], [7], sizes=[[2, 2.5]], keypoints=POINTS[:1], words=["x"])
    assert repr(one) == (
        "Detections(boxes=array([[1. , 2. , 3. , 4.5]]), scores=array([0.5]), labels=array([7]), "
        "sizes=array([[2. , 2.5]]), keypoints=<float32 (1, 2, 3)>, words=['x'])"
    )
    many = detutils.Detections(np.zeros((1000, 4)), np.zeros(1000), np.zeros(1000, int), words=["word"] * 1000)
    assert len(repr(many)) < 400
    assert "<list of 1000>" in repr(many)


@pytest.mark.parametrize(
    ("arguments", "error", "pattern"),
    [
        ({"boxes": np.zeros((4, 5))}, ValueError, r"boxes must have shape \(N, 4\), got \(4, 5\)"),
        ({"boxes": np.zeros(4)}, ValueError, r"boxes must have shape \(N, 4\)"),
        ({"boxes": None}, TypeError, "boxes must be an array of numbers, got None"),
        ({"boxes": [["a"] * 4] * 4}, TypeError, "boxes must hold real numbers"),
        ({"scores": np.zeros(3)}, ValueError, r"scores must have shape \(4,\), got \(3,\)"),
        ({"scores": np.zeros((4, 1))}, ValueError, r"scores must have shape \(4,\)"),
        ({"scores": [True] * 4}, TypeError, "scores must hold real numbers"),
        ({"labels": np.zeros(5, int)}, ValueError, r"labels must have shape \(4,\), got \(5,\)"),
        ({"labels": ["cat"] * 4}, TypeError, "labels must hold real numbers.*np.unique"),
        ({"labels": [0.5] * 4}, TypeError, "labels must be integers or whole numbers"),
        ({"labels": np.array([True] * 4)}, TypeError, "labels must hold real numbers"),
        ({"sizes": np.zeros((4, 4))}, ValueError, r"sizes must have shape \(4, 2\)"),
        ({"ids": [1, 2, 3]}, ValueError, "ids must have one entry for each of the 4 boxes, got 3"),
        ({"ids": np.zeros(())}, ValueError, "ids must have one entry for each of the 4 boxes, got 0"),
        ({"ids": "abcd"}, TypeError, "ids must be an array or a sequence of one entry a row, got str"),
        ({"ids": 7}, TypeError, "ids must be an array or a sequence"),
        ({"ids": dict.fromkeys("abcd")}, TypeError, "ids must be an array or a sequence"),
        ({"ids": np.ma.masked_array(np.zeros(4))}, TypeError, "ids must not be a masked array"),
        ({"rows": [1, 2, 3, 4]}, ValueError, "'rows' cannot be the name of a column: it is taken"),
        ({"score": [1, 2, 3, 4]}, ValueError, "'score' cannot be the name of a column: it is taken"),
        ({"two words": [1, 2, 3, 4]}, ValueError, "'two words' cannot be the name"),
        ({"_ids": [1, 2, 3, 4]}, ValueError, "'_ids' cannot be the name"),
        ({"class": [1, 2, 3, 4]}, ValueError, "'class' cannot be the name"),
    ],
)
def test_bad_columns(arguments: dict[str, Any], error: type[Exception], pattern: str) -> None:
    given = {"boxes": found().boxes, "scores": found().scores, "labels": found().labels, **arguments}
    with pytest.raises(error, match=pattern):
        detutils.Detections(**given)
    with pytest.raises(error, match=pattern):
        found().replace(**arguments)


@cases.each("form", cases.GOOD_FORMS)
def test_arrays_of_every_kind(form: str) -> None:
    wrap = cases.GOOD_FORMS[form]
    boxes = found().boxes.astype(float)
    record = detutils.Detections(wrap(boxes), wrap(np.arange(4.0)), wrap(np.arange(4.0)))
    assert record == detutils.Detections(boxes, np.arange(4), np.arange(4))
    assert record[[2]].boxes.tolist() == [[30, 20, 60, 50]]


def test_nothing() -> None:
    nothing = detutils.Detections([], [], [], names=[])
    assert (len(nothing), nothing.boxes.shape, nothing.scores.shape, nothing.names) == (0, (0, 4), (0,), [])
    assert nothing[[]] == nothing
    assert nothing.to_list() == nothing.to_coco(1) == []
    assert nothing.to_json() == "[]"
    assert nothing == detutils.Detections(np.empty((0, 4)), np.empty(0), np.empty(0, int), names=[])


def test_joined() -> None:
    record = full()
    assert detutils.Detections.concatenate([record[:1], record[1:1], record[1:]]) == record
    assert detutils.Detections.concatenate(record[i] for i in range(4)) == record
    both = detutils.Detections.concatenate([record, record[::-1]])
    assert both[4:] == record[::-1]
    assert both.boxes.dtype == np.float32
    assert len(detutils.Detections.concatenate([])) == 0
    assert detutils.Detections.concatenate([record[:0]]) == record[:0]
    empty = detutils.Detections([], [], [])
    assert detutils.Detections.concatenate([empty, record]) == record  # no rows, no say
    mixed = detutils.Detections.concatenate([found(sizes=[[1, 2]] * 4), found()])
    assert mixed.sizes is not None
    np.testing.assert_array_equal(mixed.sizes[4:], [[10, 10], [10, 8], [30, 30], [20, 20]])
    lists = detutils.Detections.concatenate([found(ids=[1, 2, 3, 4]), found(ids=np.arange(4))])
    assert lists.ids == [1, 2, 3, 4, 0, 1, 2, 3]
    with pytest.raises(ValueError, match=r"parts\[1\] has no column 'names'"):
        detutils.Detections.concatenate([record, found()])
    with pytest.raises(ValueError, match=r"parts\[0\] has no column 'names'"):
        detutils.Detections.concatenate([found(), record])
    with pytest.raises(ValueError, match=r"keypoints have rows of different shapes: \(2, 3\) and \(5, 3\)"):
        detutils.Detections.concatenate([found(keypoints=POINTS), found(keypoints=np.zeros((4, 5, 3)))])
    with pytest.raises(TypeError, match=r"parts\[1\] must be Detections, got tuple"):
        detutils.Detections.concatenate([record, tuple(record)])
    with pytest.raises(TypeError, match="parts must be a sequence of Detections"):
        detutils.Detections.concatenate(3)  # type: ignore[arg-type]


def test_plain_numbers() -> None:
    points = POINTS.copy()
    points[0, 0, 0] = np.nan
    record = found(
        keypoints=points, names=["a", "b", None, "d"], rle=[{"counts": b"a1", "size": (3, np.int64(4))}] * 4,
        far=[1.0, float("inf"), np.float32(0.5), 2], flags=np.array([True, False, True, False]),
    )
    rows = record.to_list()
    assert json.loads(record.to_json()) == rows
    assert rows[0] == {
        "box": [0.0, 0.0, 10.0, 10.0], "score": 0.5, "label": 3, "keypoints": [[None, 1.0, 2.0], [3.0, 4.0, 5.0]],
        "names": "a", "rle": {"counts": "a1", "size": [3, 4]}, "far": 1.0, "flags": True,
    }
    assert [row["far"] for row in rows] == [1.0, None, 0.5, 2]
    lost = found().replace(scores=[np.nan, 1, 2, 3]).to_json()
    assert "NaN" not in lost
    assert json.loads(lost)[0]["score"] is None
    with pytest.raises(TypeError, match="things holds object, which JSON has no word for"):
        found(things=[object()] * 4).to_list()
    with pytest.raises(TypeError, match="things holds complex"):
        found(things=np.zeros(4, complex)).to_json()


def test_to_coco_is_what_the_writer_writes(tmp_path: Any) -> None:
    image = detutils.AnnotatedImage("a.jpg", None, *[None] * 6, image_id=7)  # type: ignore[arg-type]
    dataset = detutils.Dataset([image], ("a", "b", "c", "d"), (9, 8, 30, 1))
    record = found()
    detutils.write_coco_detections(tmp_path / "a.json", [record], dataset)
    entries = record.to_coco(7, dataset.class_ids)
    assert json.loads((tmp_path / "a.json").read_text()) == entries
    assert detutils.read_coco_detections(tmp_path / "a.json", dataset)[0] == record.replace(
        sizes=record.boxes[:, 2:] - record.boxes[:, :2]
    )
    sized = detutils.Detections([[0.1, 0, 0.3, 1]], [1], [0], sizes=[[0.2, 1]])
    assert sized.to_coco("x")[0] == {"image_id": "x", "category_id": 0, "bbox": [0.1, 0, 0.2, 1], "score": 1}
    assert sized.boxes[0, 2] - sized.boxes[0, 0] != 0.2


def test_to_coco_with_keypoints_and_outlines() -> None:
    points = np.array([[[1, 2], [3, np.nan]]] * 4)
    outlines = [[[0, 0, 1, 0, 1, 1]], {"size": [2, 2], "counts": "11"}, None, [[0.5] * 6]]
    entries = found(keypoints=points, segmentation=outlines).to_coco(1)
    assert [entry["keypoints"] for entry in entries] == [[1, 2, 2, 0, 0, 0]] * 4
    assert [entry.get("segmentation") for entry in entries] == outlines
    json.dumps(entries, allow_nan=False)
    assert found(keypoints=POINTS).to_coco(1)[1]["keypoints"] == [6, 7, 8, 9, 10, 11]
    assert found(keypoints=POINTS.reshape(4, 6)).to_coco(1)[1]["keypoints"] == [6, 7, 8, 9, 10, 11]
    with pytest.raises(ValueError, match="keypoints must have shape"):
        found(keypoints=np.zeros((4, 2, 4))).to_coco(1)


@pytest.mark.parametrize(
    ("changes", "options", "error", "pattern"),
    [
        ({"boxes": [[0, 0, 1, np.inf]] * 4}, {}, ValueError, r"boxes\[0\] is not finite"),
        ({"boxes": [[0, 0, -1, 1]] * 4}, {}, ValueError, "x2 < x1"),
        ({"scores": [0, np.nan, 0, 0]}, {}, ValueError, r"scores\[1\] is not finite"),
        ({"labels": np.array([0, 0, 0.5, 0])}, {}, TypeError, "labels must be integers"),
        ({}, {"class_ids": [1, 2, 3]}, ValueError, r"labels\[0\] is 3, and class_ids has 3 entries"),
        ({"labels": [-1, 0, 0, 0]}, {"class_ids": [1, 2, 3]}, ValueError, r"labels\[0\] is -1"),
        ({}, {"class_ids": [1, 2, "3", 4]}, TypeError, r"class_ids\[2\] must be an integer"),
        ({}, {"class_ids": 3}, TypeError, "class_ids must be a sequence of integers"),
        ({}, {"image_id": 1.5}, TypeError, "image_id must be an integer"),
    ],
)
def test_bad_results(changes: Any, options: Any, error: type[Exception], pattern: str) -> None:
    record = found().replace(**changes)
    with pytest.raises(error, match=pattern):
        record.to_coco(**{"image_id": 1, **options})


def test_dictionaries() -> None:
    assert detutils.Detections.from_dict(full().to_dict()) == full()
    assert full().to_dict()["keypoints"] is POINTS
    foreign = {name: cases.OnlyArray(column) for name, column in found(masks=MASKS).to_dict().items()}
    assert detutils.Detections.from_dict(foreign) == found(masks=MASKS)
    for bad, error, pattern in (
        ([1], TypeError, "columns must be a mapping, got list"),
        ({"boxes": [], "labels": []}, ValueError, "columns has no scores"),
        ({"boxes": [], "labels": [], "scores": [], 3: []}, TypeError, "the name 3, which is no str"),
    ):
        with pytest.raises(error, match=pattern):
            detutils.Detections.from_dict(bad)  # type: ignore[arg-type]


def test_it_is_no_array() -> None:
    with pytest.raises(TypeError, match="give their boxes"):
        np.asarray(found())
    with pytest.raises(TypeError, match="boxes cannot be read as an array: Detections are no array"):
        detutils.nms(found(), found().scores)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="put the one image's record into a list"):
        detutils.evaluate_voc(found(), [])  # type: ignore[arg-type]


def test_records_of_a_reader() -> None:
    columns = DetectionColumns(
        np.arange(12.0).reshape(3, 4), np.ones(3), np.arange(3), np.full((3, 2), 2.0), np.array([0, 2, 3])
    )
    first, second = DetectionsByImage(columns)
    assert first == detutils.Detections(*columns[:3], sizes=columns.sizes)[:2]
    assert second.labels.tolist() == [2]
    assert DetectionsByImage(columns) == [first, second]
    assert DetectionsByImage(columns) != [first, first]


def test_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "supervision"):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(ImportError, match=f"to_{name} needs {name}: pip install {name}"):
            getattr(found(), f"to_{name}")()


class Foreign:
    """What ``supervision.Detections`` looks like from outside."""

    def __init__(self, **fields: Any) -> None:
        self.xyxy, self.confidence, self.class_id, self.mask, self.tracker_id, self.data = [None] * 6
        vars(self).update(fields)


def test_from_supervision() -> None:
    boxes = found().boxes
    bare = detutils.Detections.from_supervision(Foreign(xyxy=boxes, data={}))
    assert bare == detutils.Detections(boxes, [1] * 4, [0] * 4)
    rich = detutils.Detections.from_supervision(
        Foreign(xyxy=boxes, confidence=found().scores, class_id=found().labels, mask=MASKS, tracker_id=np.arange(4),
                data={"class_name": np.array(list("abcd"))})
    )
    assert list(rich.columns) == ["masks", "tracker_id", "class_name"]
    assert rich[1].class_name.tolist() == ["b"]
    with pytest.raises(TypeError, match=r"must be a supervision\.Detections, got dict"):
        detutils.Detections.from_supervision({})
    with pytest.raises(ValueError, match="data has a column 'masks', which is a name of the record's own"):
        detutils.Detections.from_supervision(Foreign(xyxy=boxes, data={"masks": MASKS}))
    with pytest.raises(ValueError, match="'a b' cannot be the name"):
        detutils.Detections.from_supervision(Foreign(xyxy=boxes, data={"a b": MASKS}))


@pytest.mark.skipif(importlib.util.find_spec("supervision") is None, reason="supervision is not installed")
def test_supervision_and_back() -> None:
    record = found(masks=MASKS, tracker_id=np.arange(4), class_name=np.array(list("abcd")), names=list("efgh"))
    theirs = record.to_supervision()
    assert type(theirs).__module__.startswith("supervision")
    assert theirs.mask.dtype == np.bool_
    assert set(theirs.data) == {"class_name", "names"}
    assert detutils.Detections.from_supervision(theirs) == record
    keep = np.array([True, False, True, False])
    assert detutils.Detections.from_supervision(theirs[keep]) == record[keep]
    assert detutils.Detections.from_supervision(found().to_supervision()) == found()
    assert len(found()[:0].to_supervision()) == 0


def test_what_torch_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[np.ndarray] = []
    stand_in = types.SimpleNamespace(tensor=lambda array: given.append(array) or ("tensor", array.dtype))
    monkeypatch.setitem(sys.modules, "torch", stand_in)
    record = full().replace(scores=np.arange(4.0).astype(">f4"), words=np.array(list("abcd")))
    tensors = record.to_torch()
    assert tensors["boxes"] == ("tensor", np.float32)
    assert tensors["scores"] == ("tensor", np.dtype("=f4"))
    assert tensors["labels"] == ("tensor", np.int64)
    assert tensors["names"] == ["a", "b", "c", "d"]
    assert tensors["words"] is record.words
    assert all(array.flags.c_contiguous and array.dtype.isnative for array in given)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_torch_and_back() -> None:
    import torch

    record = full()
    tensors = record.to_torch()
    assert tensors["boxes"].dtype == torch.float32
    assert tensors["labels"].dtype == torch.int64
    assert tensors["masks"].dtype == torch.bool
    assert tensors["names"] == ["a", "b", "c", "d"]
    assert detutils.Detections.from_dict(tensors) == record
    tensors["boxes"].zero_()
    assert record == full()
    with pytest.raises(TypeError, match="boxes cannot be read as an array"):
        detutils.Detections.from_dict({**tensors, "boxes": tensors["boxes"].requires_grad_()})
    kept = record[torch.tensor([True, False, False, True])]
    assert kept == record[[0, 3]]
