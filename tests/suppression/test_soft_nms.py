"""Soft-NMS against its definition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.suppression import fusion
from detutils.suppression._kernels.soft import FAN, LEAF
from tests import cases
from tests.naive import fusion as naive


def boxes_of(n: int, seed: int) -> np.ndarray:
    """Whole-pixel boxes with many ties and symmetries, or boxes anywhere, in turns."""
    return cases.whole_boxes(n, seed, side=40) if seed % 2 else cases.random_boxes(n, seed, spread=200.0)


soft_nms = cases.once(naive.soft_nms)


def plain(array: np.ndarray | None) -> list[Any] | None:
    return None if array is None else array.tolist()


def check_soft_nms(boxes: np.ndarray, scores: np.ndarray, **options: Any) -> None:
    keep, new_scores = cases.unchanged(detutils.soft_nms, boxes, scores, **options)
    labels = options.pop("labels", None)
    expected, values = soft_nms(boxes.tolist(), scores.tolist(), labels=plain(labels), **options)
    assert keep.dtype == np.int64
    assert new_scores.dtype == np.float64
    assert keep.tolist() == expected
    assert new_scores.tolist() == values  # to the last bit


@pytest.fixture(params=[0, 10**9], ids=["tree", "plain loop"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few boxes take the plain loop, many the tree: run a test through each."""
    monkeypatch.setattr("detutils.suppression.fusion._FEW", request.param)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("method", ["gaussian", "linear"])
@cases.each("seed", range(cases.size(40, 12)))
def test_soft_nms_is_its_definition(seed: int, method: str) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, cases.size(250, 60)))
    scores = rng.integers(0, 8, n) / 8 if seed % 3 else rng.random(n)
    check_soft_nms(
        boxes_of(n, seed), scores, method=method, offset=int(rng.integers(0, 2)),
        sigma=float(rng.choice([0.05, 0.5, 3.0])), iou_threshold=float(rng.choice([0.0, 0.3, 0.5, 1.0])),
        score_threshold=float(rng.choice([0.0, 0.001, 0.2])), max_output=None if seed % 5 else n // 3,
        labels=None if seed % 4 else rng.integers(-3, 4, n),
    )  # fmt: skip


@pytest.mark.skipif(not cases.JIT, reason="thousands of boxes")
@pytest.mark.parametrize("crowd", [pytest.param(1.0, marks=pytest.mark.slow), 10.0])
def test_soft_nms_of_a_deep_tree(crowd: float) -> None:
    rng = np.random.default_rng(7)
    n = 6000  # three levels of nodes
    corner = rng.uniform(0, 4000 / crowd, (n, 2))
    boxes = np.hstack([corner, corner + np.exp(rng.uniform(0, 6, (n, 2)))])
    scores = rng.random(n)
    options: dict[str, Any] = {"labels": rng.integers(0, 3000, n)} if crowd > 1 else {}
    keep, new_scores = detutils.soft_nms(boxes, scores, score_threshold=0.1, **options)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = scores.copy()
    for index, score in zip(keep, new_scores, strict=True):
        best = int(np.argmax(left))
        assert (index, score) == (best, left[best])
        left[best] = -1.0
        sides = np.minimum(boxes[:, 2:], boxes[best, 2:]) - np.maximum(boxes[:, :2], boxes[best, :2])
        shared = np.prod(np.maximum(sides, 0.0), axis=1)
        iou = shared / (area + area[best] - shared)
        same = options["labels"] == options["labels"][best] if options else np.ones(n, bool)
        near = np.flatnonzero((iou > 0) & same)
        left[near] *= [
            math.exp(-(x * x) / 0.5) if left[i] > 0 else 1.0 for i, x in zip(near, iou[near], strict=True)
        ]
        left[left <= 0.1] = -1.0
    assert left.max() == -1.0


@pytest.mark.parametrize("far", [0.0, 1e4, 1e7])
@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("n", [0, 1, LEAF - 1, LEAF, LEAF + 1, 2 * LEAF, cases.size(FAN * LEAF + 1, 130)])
def test_soft_nms_at_the_ends_of_leaves(n: int, offset: int, far: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many boxes take part; others, whose scores are too low, lie among them."""
    rng = np.random.default_rng(n + offset)
    boxes = boxes_of(n + 7, n) + far
    scores = rng.integers(2, 9, n + 7) / 8
    scores[rng.permutation(n + 7)[:7]] = 0.1
    options: dict[str, Any] = {"score_threshold": 0.1, "offset": offset, "max_output": min(n, 60)}
    monkeypatch.setattr("detutils.suppression.fusion._FEW", 0)
    check_soft_nms(boxes, scores, **options)
    check_soft_nms(boxes, scores, method="linear", labels=rng.integers(0, 2, n + 7), **options)


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("method", ["gaussian", "linear"])
def test_soft_nms_where_the_tree_takes_over(method: str, more: int) -> None:
    n = fusion._FEW + more
    scores = np.random.default_rng(n).integers(1, 40, n) / 40
    labels = np.random.default_rng(n).integers(0, 3, n)
    for offset in (0, 1):
        check_soft_nms(boxes_of(n, n), scores, method=method, offset=offset, max_output=cases.size(n, 20))
        check_soft_nms(boxes_of(n, n), scores, method=method, offset=offset, labels=labels)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("far", [0.0, 1e4, 1e7, -1e7])
@pytest.mark.parametrize("offset", [0, 1])
def test_soft_nms_of_boxes_that_hardly_touch(offset: int, far: float) -> None:
    """Chains of boxes of which each ends where the next begins, one step of the numbers apart or overlapping by one."""
    rng = np.random.default_rng(4)
    n = cases.size(240, 80)
    side = rng.integers(1, 9, n) * 0.25
    for axis in (0, 1):
        start = far + np.append(0.0, np.cumsum(side + offset))[:-1]
        end = start + side
        for _ in range(3):  # ends a little short, at the point, a little beyond
            end = np.where(rng.random(n) < 0.3, np.nextafter(end, rng.choice([-np.inf, np.inf], n)), end)
        boxes = np.stack([start, np.zeros(n), np.maximum(start, end), np.ones(n)], axis=1)
        boxes = boxes if axis == 0 else boxes[:, [1, 0, 3, 2]]
        order = rng.permutation(n)
        scores = rng.integers(1, 5, n) / 4
        check_soft_nms(boxes[order], scores, method="linear", iou_threshold=0.0, score_threshold=0.0, offset=offset)


@pytest.mark.usefixtures("either_way")
def test_soft_nms_of_equal_scores_far_apart_goes_by_index() -> None:
    """The lowest index wins over leaves, nodes and classes, wherever its box lies."""
    n = cases.size(700, 200)
    rng = np.random.default_rng(8)
    corner = rng.permutation(n)[:, None] * np.array([[20.0, 0.0]])
    boxes = np.hstack([corner, corner + 9])
    for labels in (None, rng.integers(0, 5, n)):
        keep, scores = detutils.soft_nms(boxes, np.full(n, 0.5), labels=labels)
        assert keep.tolist() == list(range(n))
        assert (scores == 0.5).all()


@pytest.mark.usefixtures("either_way")
def test_soft_nms_takes_ties_by_index() -> None:
    boxes = np.array([[0, 0, 10, 10], [100, 0, 110, 10], [50, 0, 60, 10], [0, 0, 10, 10]], float)
    keep, scores = detutils.soft_nms(boxes, [0.5, 0.5, 0.5, 0.5])
    assert keep.tolist() == [0, 1, 2, 3]
    assert scores.tolist() == [0.5, 0.5, 0.5, 0.5 * np.exp(-2.0)]


@pytest.mark.usefixtures("either_way")
def test_soft_nms_at_exactly_the_thresholds() -> None:
    boxes = [[0, 0, 10, 10], [0, 0, 10, 5]]  # IoU exactly 0.5
    assert detutils.soft_nms(boxes, [1.0, 0.9], method="linear", iou_threshold=0.5)[1].tolist() == [1.0, 0.9]
    below = detutils.soft_nms(boxes, [1.0, 0.9], method="linear", iou_threshold=np.nextafter(0.5, 0))
    assert below[1].tolist() == [1.0, 0.45]
    assert detutils.soft_nms(boxes, [1.0, 0.5], method="linear", score_threshold=0.25)[0].tolist() == [0]
    assert detutils.soft_nms(boxes, [1.0, 0.5], score_threshold=1.0)[0].size == 0


@pytest.mark.usefixtures("either_way")
def test_soft_nms_laws() -> None:
    n = cases.size(300, 60)
    boxes, scores = boxes_of(n, 4), np.random.default_rng(4).random(n)
    keep, new_scores = detutils.soft_nms(boxes, scores)
    assert (np.diff(new_scores) <= 0).all()
    assert (new_scores <= scores[keep]).all()
    assert np.unique(keep).size == keep.size
    shuffle = np.random.default_rng(5).permutation(
        n
    )  # scores differ, so that the order of the rows cannot matter
    again, values = detutils.soft_nms(boxes[shuffle], scores[shuffle])
    np.testing.assert_array_equal(shuffle[again], keep)
    np.testing.assert_array_equal(values, new_scores)
    np.testing.assert_array_equal(detutils.soft_nms(boxes * 2 + 64, scores)[0], keep)
    first, _ = detutils.soft_nms(boxes, scores, max_output=7)
    np.testing.assert_array_equal(first, keep[:7])
    apart, values = detutils.soft_nms(boxes, scores, labels=np.arange(n))
    np.testing.assert_array_equal(values, scores[apart])
    assert apart.size == (scores > 0.001).sum()


@pytest.mark.usefixtures("either_way")
def test_soft_nms_of_a_zero_threshold_ends() -> None:
    boxes = np.tile([[0.0, 0.0, 10.0, 10.0]], (cases.size(300, 20), 1))
    keep, scores = detutils.soft_nms(boxes, np.ones(len(boxes)), score_threshold=0.0)
    assert (scores > 0).all()
    assert keep.tolist() == list(range(len(keep)))
    assert detutils.soft_nms(boxes, np.ones(len(boxes)), method="linear", score_threshold=0.0)[
        0
    ].tolist() == [0]


def test_soft_nms_can_be_interrupted_and_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    n = cases.size(400, 50)
    boxes, scores = boxes_of(n, 6), np.random.default_rng(6).random(n)
    keep, values = detutils.soft_nms(boxes, scores)
    monkeypatch.setattr("detutils.suppression.fusion._FEW", 0)
    monkeypatch.setattr("detutils.suppression.fusion._PATIENCE", 1)
    again, same = detutils.soft_nms(boxes, scores)
    np.testing.assert_array_equal(again, keep)
    np.testing.assert_array_equal(same, values)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("far", [1e150, 1e12])
def test_soft_nms_of_extreme_boxes(far: float) -> None:
    boxes = np.array([[-far, -far, far, far], [-far, -far, far, 0], [0, 0, 1e-200, 1e-200], [3, 3, 3, 3]])
    check_soft_nms(boxes, np.array([0.9, 0.8, 0.7, 0.6]))
    check_soft_nms(boxes, np.array([1e300, 1e299, 1e-300, 1e-310]), score_threshold=0.0, offset=1)


@cases.each("form", cases.GOOD_FORMS)
def test_soft_nms_takes_any_form(form: str) -> None:
    boxes, scores = cases.whole_boxes(40, 1, side=30), cases.whole_scores(40, 1)
    expected = detutils.soft_nms(boxes, scores)
    result = detutils.soft_nms(cases.GOOD_FORMS[form](boxes), cases.GOOD_FORMS[form](scores))
    np.testing.assert_array_equal(result[0], expected[0])
    np.testing.assert_array_equal(result[1], expected[1])


@pytest.mark.usefixtures("either_way")
def test_soft_nms_of_nothing() -> None:
    for nothing in ([], np.empty((0, 4)), np.empty((0, 4), np.float32)):
        keep, scores = detutils.soft_nms(nothing, [], labels=np.empty(0, int))
        assert keep.shape == scores.shape == (0,)
        assert (keep.dtype, scores.dtype) == (np.int64, np.float64)
    assert detutils.soft_nms([[0, 0, 1, 1]], [0.5], max_output=0)[0].shape == (0,)


@cases.each(("boxes", "error", "text"), cases.BAD_BOXES)
def test_soft_nms_refuses_bad_boxes(boxes: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        detutils.soft_nms(boxes, [0.5, 0.5])


@cases.each(("scores", "error", "text"), cases.BAD_SCORES)
def test_soft_nms_refuses_bad_scores(scores: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        detutils.soft_nms([[0, 0, 1, 1], [0, 0, 2, 2]], scores)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"method": "cubic"}, ValueError, "method must be one of 'gaussian', 'linear', got 'cubic'"),
        ({"method": None}, TypeError, "method must be a string"),
        ({"sigma": 0.0}, ValueError, "sigma must be greater than 0, got 0"),
        ({"sigma": float("nan")}, ValueError, "sigma must be finite"),
        ({"score_threshold": -0.1}, ValueError, "score_threshold must be at least 0, got -0.1"),
        ({"max_output": -1}, ValueError, "max_output must be at least 0"),
        ({"max_output": 1.0}, TypeError, "max_output must be an integer"),
        ({"labels": [0.5, 1.0]}, TypeError, "labels must be integers"),
        ({"labels": [0]}, ValueError, r"labels must have shape \(2,\), got \(1,\)"),
    ],
)
def test_soft_nms_refuses_bad_options(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        detutils.soft_nms([[0, 0, 1, 1], [0, 0, 2, 2]], [0.5, 0.5], **options)
