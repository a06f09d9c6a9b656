"""Greedy merging: the groups of NMS, made one as the definition says, with whatever belongs to the boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import detutils
from detutils import explain_nms, merge_boxes, nms
from tests.cases import random_boxes, size, unchanged, whole_boxes, whole_scores
from tests.naive import merging as naive


def scene(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Boxes, scores with ties, labels, and a payload of three numbers a row."""
    rng = np.random.default_rng(seed)
    return random_boxes(n, seed, spread=60), whole_scores(n, seed), rng.integers(0, 2, n), rng.normal(size=(n, 3))


def same(found: detutils.MergedBoxes, wanted: tuple[Any, ...], message: str = "") -> None:
    for mine, other in zip(found, wanted, strict=True):
        assert (None if mine is None else mine.tolist()) == other, message


@pytest.mark.parametrize("method", ["union", "weighted"])
@pytest.mark.parametrize("metric", ["iou", "ios", "ioa"])
def test_merging_is_the_definition(metric: str, method: str) -> None:
    for seed, n in enumerate([0, 1, 2, 7, size(120, 30)]):
        boxes, scores, labels, payload = scene(n, seed)
        lists = boxes.tolist(), scores.tolist()
        for classes, extra, threshold in ((None, None, 0.3), (labels, payload, 0.0), (labels, None, 1.0)):
            for more in (
                {},
                {"score_threshold": 1.0, "offset": 1},
                {"max_output": 0},
                {"max_output": 3},
                {"max_candidates": 9, "max_output": 2},
            ):
                options: dict[str, Any] = {"metric": metric, "method": method, **more}
                found = unchanged(merge_boxes, boxes, scores, labels=classes, iou_threshold=threshold, payload=extra,
                                  **options)  # fmt: skip
                names, rows = (None if part is None else part.tolist() for part in (classes, extra))
                wanted = naive.merge_boxes(*lists, names, threshold, payload=rows, **options)
                same(found, wanted, f"seed {seed}, {options}")


def test_many_boxes() -> None:
    n = size(700, 60)
    boxes, scores, labels, payload = scene(n, 9)
    boxes *= 3.0
    for metric in ("iou", "ios"):
        found = merge_boxes(boxes, scores, labels, 0.4, metric=metric, method="weighted", payload=payload)
        wanted = naive.merge_boxes(
            boxes.tolist(), scores.tolist(), labels.tolist(), 0.4, metric=metric, method="weighted",
            payload=payload.tolist(),
        )  # fmt: skip
        same(found, wanted)


def test_float32_rows_are_the_same_numbers() -> None:
    boxes, scores = (part.astype(np.float32) for part in scene(50, 3)[:2])
    found = merge_boxes(boxes, scores, method="weighted")
    assert found.boxes.dtype == found.scores.dtype == np.float64
    wanted = merge_boxes(boxes.astype(float), scores.astype(float), method="weighted")
    same(found, tuple(None if part is None else part.tolist() for part in wanted))


def test_groups_are_those_of_suppression() -> None:
    boxes, scores, labels, _ = scene(size(400, 60), 5)
    merged = merge_boxes(boxes, scores, labels, 0.2)
    told = explain_nms(boxes, scores, 0.2, labels=labels)
    assert merged.keep.tolist() == told.keep.tolist()
    best = np.where(told.suppressed_by >= 0, told.suppressed_by, np.arange(len(boxes)))
    assert merged.keep[merged.groups].tolist() == best.tolist()
    assert merged.scores.tolist() == scores[merged.keep].tolist()
    assert merged.labels.tolist() == labels[merged.keep].tolist()


def test_a_union_holds_its_group_and_nothing_else() -> None:
    boxes, scores, _, _ = scene(80, 6)
    merged = merge_boxes(boxes, scores, iou_threshold=0.1, metric="ios")
    for k, box in enumerate(merged.boxes):
        rows = boxes[merged.groups == k]
        assert box.tolist() == [*rows[:, :2].min(axis=0), *rows[:, 2:].max(axis=0)]
    assert len(merged.boxes) < 80
    assert sorted(set(merged.groups.tolist())) == list(range(len(merged.boxes)))


def test_a_mean_lies_within_its_group_and_moves_with_it() -> None:
    boxes, scores = whole_boxes(60, 2, side=40), np.arange(1.0, 61.0)
    merged = merge_boxes(boxes, scores, iou_threshold=0.1, method="weighted")
    union = merge_boxes(boxes, scores, iou_threshold=0.1)
    assert (merged.boxes[:, :2] >= union.boxes[:, :2] - 1e-9).all()
    assert (merged.boxes[:, 2:] <= union.boxes[:, 2:] + 1e-9).all()
    moved = merge_boxes(boxes + 1000.0, scores, iou_threshold=0.1, method="weighted")
    np.testing.assert_allclose(moved.boxes, merged.boxes + 1000.0, rtol=1e-12)
    halves = merge_boxes(boxes, scores / 2.0, iou_threshold=0.1, method="weighted")
    assert halves.boxes.tolist() == merged.boxes.tolist()  # weights count by their ratios


def test_boxes_are_a_payload_like_any_other() -> None:
    boxes, scores, labels, _ = scene(70, 7)
    merged = merge_boxes(boxes, scores, labels, 0.2, method="weighted", payload=boxes.reshape(70, 2, 2))
    assert merged.payload is not None
    assert merged.payload.shape == (len(merged.keep), 2, 2)
    assert merged.payload.reshape(-1, 4).tolist() == merged.boxes.tolist()


def test_at_the_threshold_boxes_stay_apart() -> None:
    boxes = [[0, 0, 10, 10], [0, 0, 10, 5], [0, 4, 10, 24]]
    assert merge_boxes(boxes, [0.9, 0.8, 0.7], iou_threshold=0.5).groups.tolist() == [0, 1, 2]
    assert merge_boxes(boxes, [0.9, 0.8, 0.7], iou_threshold=0.49).groups.tolist() == [0, 0, 1]
    assert merge_boxes(boxes, [0.9, 0.8, 0.7], iou_threshold=0.99, metric="ios").groups.tolist() == [0, 0, 1]
    assert merge_boxes(boxes, [0.7, 0.8, 0.9], iou_threshold=0.6, metric="ioa").groups.tolist() == [2, 1, 0]
    assert merge_boxes(boxes, [0.7, 0.8, 0.9], iou_threshold=0.59, metric="ioa").groups.tolist() == [0, 1, 0]


def test_weights_of_zero_leave_the_best_box() -> None:
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [50, 50, 60, 60]]
    merged = merge_boxes(boxes, [0, 0, 0.1], method="weighted", payload=[1, 2, 3])
    assert merged.boxes.tolist() == [[50, 50, 60, 60], [0, 0, 10, 10]]
    assert merged.payload is not None
    assert merged.payload.tolist() == [3, 1]


def test_weights_that_vanish_and_that_are_huge() -> None:
    boxes = [[0, 0, 10, 10], [0, 0, 10, 8]]
    merged = merge_boxes(boxes, [1e150, 1e150], method="weighted", payload=[[1e150], [-1e150]])
    assert merged.boxes.tolist() == [[0, 0, 10, 9]]
    assert merged.payload is not None
    assert merged.payload.tolist() == [[0.0]]
    with pytest.raises(ValueError, match=r"scores\[1\] must be in \[0, 1e\+150\], got -1"):
        merge_boxes(boxes, [0.5, -1], method="weighted")
    with pytest.raises(ValueError, match=r"scores\[0\] must be in \[0, 1e\+150\], got 2e\+150"):
        merge_boxes(boxes, [2e150, 1], method="weighted")
    assert merge_boxes(boxes, [0.5, -1], method="weighted", score_threshold=0).groups.tolist() == [0, -1]
    assert merge_boxes(boxes, [-0.5, -1]).boxes.tolist() == [boxes[0]]


def test_rows_that_take_no_part() -> None:
    boxes, scores, labels, payload = scene(40, 2)
    bad, worse, extra = boxes.copy(), scores.copy(), payload.copy()
    bad[4, 0], bad[9, 3], bad[11], worse[20] = np.nan, np.inf, [5, 5, 4, 4], np.nan
    extra[21, 1], extra[30] = np.nan, 1e200
    rows = np.setdiff1d(np.arange(40), [4, 9, 11, 20, 21, 30])
    for method in ("union", "weighted"):
        found = unchanged(merge_boxes, bad, worse, labels=labels, iou_threshold=0.1, payload=extra, method=method,
                          on_invalid="drop")  # fmt: skip
        wanted = merge_boxes(boxes[rows], scores[rows], labels[rows], 0.1, payload=payload[rows], method=method)
        assert found.boxes.tolist() == wanted.boxes.tolist()
        assert found.keep.tolist() == rows[wanted.keep].tolist()
        assert found.groups[rows].tolist() == wanted.groups.tolist()
        assert (np.delete(found.groups, rows) == -1).all()
        assert found.payload is not None
        assert wanted.payload is not None
        assert found.payload.tolist() == wanted.payload.tolist()
    low = np.where(np.isin(np.arange(40), rows), scores + 1.0, 0.0)
    found = merge_boxes(bad, low, labels, 0.1, payload=extra, score_threshold=0.0)  # what is below is not judged
    assert found.groups[rows].tolist() == merge_boxes(boxes[rows], scores[rows], labels[rows], 0.1).groups.tolist()


def test_nothing_to_merge() -> None:
    found = merge_boxes([], [], [], payload=np.zeros((0, 6, 2)), method="weighted")
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == found.labels.shape == found.keep.shape == found.groups.shape == (0,)
    assert found.payload is not None
    assert found.payload.shape == (0, 6, 2)
    assert [part.dtype.kind for part in found if part is not None] == list("ffiiif")
    empty = merge_boxes([[0, 0, 1, 1]], [1], payload=np.zeros((1, 0)), method="weighted").payload
    assert empty is not None
    assert empty.shape == (1, 0)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"method": "mean"}, ValueError, "method must be one of 'union', 'weighted', got 'mean'"),
        ({"metric": "giou"}, ValueError, "metric must be one of 'iou', 'ios', 'ioa', got 'giou'"),
        ({"iou_threshold": 1.5}, ValueError, r"iou_threshold must be in \[0, 1\]"),
        ({"payload": [1]}, ValueError, r"payload must have shape \(2, \.\.\.\), got \(1,\)"),
        ({"payload": 1.0}, ValueError, r"payload must have shape \(2, \.\.\.\), got \(\)"),
        ({"payload": ["a", "b"]}, TypeError, "payload must hold real numbers"),
        ({"payload": [[1, 2], [3, np.nan]]}, ValueError, r"payload\[1\] is not finite or beyond 1e\+150: \[ 3. nan\]"),
        ({"labels": [0.5, 1]}, TypeError, "labels must be integers"),
        ({"scores": [1]}, ValueError, r"scores must have shape \(2,\), got \(1,\)"),
        ({"boxes": [[0, 0, 1]]}, ValueError, r"boxes must have shape \(N, 4\)"),
        ({"boxes": [[0, 0, 1, 1], [3, 0, 2, 1]]}, ValueError, r"boxes\[1\] has x2 < x1"),
        ({"max_output": -1}, ValueError, "max_output must be at least 0"),
        ({"max_candidates": 1.5}, TypeError, "max_candidates must be an integer"),
    ],
)
def test_errors(options: dict[str, Any], error: type[Exception], text: str) -> None:
    good: dict[str, Any] = {"boxes": [[0, 0, 10, 10], [20, 0, 30, 10]], "scores": [0.9, 0.8]}
    with pytest.raises(error, match=text):
        merge_boxes(**{**good, **options})


def test_what_is_kept_is_what_nms_keeps() -> None:
    boxes, scores, _, _ = scene(90, 8)
    assert merge_boxes(boxes, scores, iou_threshold=0.35).keep.tolist() == nms(boxes, scores, 0.35).tolist()
