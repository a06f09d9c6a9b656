"""What heads of every family have in common: thresholds, dtypes, nothing, bad rows, options, shapes, the way back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import detutils
from tests.cases import size

THRESHOLD = 0.3
GOOD_BOXES = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [0, 20, 10, 30], [20, 20, 30, 30.0]])
SCORES = np.array([[0.1, 0.9], [0.6, 0.2], [0.3, 0.3], [0.25, 0.5]])


def from_points(scores: Any, moves: Any = None, **options: Any) -> detutils.Detections:
    moves = np.ones((len(scores), 4)) if moves is None else moves
    options = {"channels": "last", "grid_sizes": [(len(scores) // 2, 2)], **options}
    return detutils.detections_from_points(moves, scores, (8,), **options)


def from_priors(scores: Any, moves: Any = None, **options: Any) -> detutils.Detections:
    moves = np.zeros((len(scores), 4)) if moves is None else moves
    return detutils.detections_from_priors(moves, scores, GOOD_BOXES[: len(scores)], **options)


def from_anchors(scores: Any, moves: Any = None, **options: Any) -> detutils.Detections:
    moves = np.zeros((len(scores), 4)) if moves is None else moves
    return detutils.detections_from_anchors(moves, scores, GOOD_BOXES[: len(scores)], **options)


def from_queries(scores: Any, moves: Any = None, **options: Any) -> detutils.Detections:
    moves = GOOD_BOXES[: len(scores)] if moves is None else moves
    return detutils.detections_from_queries(moves, scores, box_format="xyxy", normalized=False, **options)


FAMILIES: dict[str, Callable[..., detutils.Detections]] = {
    "points": from_points, "priors": from_priors, "anchors": from_anchors, "queries": from_queries,
}  # fmt: skip
NAMES = {"points": "distances", "priors": "locations", "anchors": "deltas", "queries": "boxes"}


@pytest.mark.parametrize("family", FAMILIES)
def test_threshold_and_ties(family: str) -> None:
    """Exactly at the threshold is not above it; of tied scores the lower row comes first."""
    call = FAMILIES[family]
    assert call(SCORES, score_threshold=0.5, iou_threshold=None).scores.tolist() == [0.9, 0.6]
    found = call(np.full((4, 1), 0.5), iou_threshold=None)
    assert (found.boxes == call(np.array([[0.53], [0.52], [0.51], [0.5]]), iou_threshold=None).boxes).all()
    both = call(SCORES, multi_label=True, iou_threshold=None, score_threshold=0.2)
    assert both.scores.tolist() == [0.9, 0.6, 0.5, 0.3, 0.3, 0.25]
    assert both.labels.tolist() == [1, 0, 1, 0, 1, 0]
    assert len(call(SCORES, max_output=0)) == len(call(SCORES, max_candidates=0)) == 0


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_dtypes(family: str, dtype: Any) -> None:
    found = FAMILIES[family](SCORES.astype(dtype), iou_threshold=None)
    np.testing.assert_allclose(found.scores, [0.9, 0.6, 0.5, 0.3], rtol=1e-3)
    short = FAMILIES[family](SCORES, (GOOD_BOXES / 4).astype(dtype), iou_threshold=None)
    assert short.boxes.dtype == (np.float32 if dtype is np.float32 else np.float64)
    exact = FAMILIES[family](SCORES, GOOD_BOXES / 4, iou_threshold=None).boxes
    np.testing.assert_array_equal(short.boxes, exact.astype(short.boxes.dtype), "computed in float64, rounded once")
    assert found.scores.dtype == (np.float32 if dtype is np.float32 else np.float64)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("shape", [(0, 2), (1, 0, 2), (0,)])
def test_nothing_in_nothing_out(family: str, shape: tuple) -> None:
    nothing = np.zeros((*shape[:-1], 4)) if len(shape) > 1 else np.zeros(0)
    scores = np.zeros(shape, np.float32)
    calls = {
        "points": lambda: detutils.detections_from_points(
            nothing, scores, (8,), channels="last", keypoints=np.zeros((0, 10))
        ),
        "priors": lambda: detutils.detections_from_priors(nothing, scores, [], keypoints=np.zeros((0, 10))),
        "anchors": lambda: detutils.detections_from_anchors(nothing, scores, np.zeros((0, 4))),
        "queries": lambda: detutils.detections_from_queries(nothing, scores, input_size=(9, 9)),
    }
    found = calls[family]()
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == found.labels.shape == (0,)
    assert found.labels.dtype == np.int64
    if family in ("points", "priors"):
        assert found.keypoints.shape == (0, 5, 2)


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_above_the_threshold(family: str) -> None:
    found = FAMILIES[family](SCORES, score_threshold=0.95)
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == found.labels.shape == (0,)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e200])
def test_only_wanted_rows_are_judged(family: str, bad: float) -> None:
    call, name = FAMILIES[family], NAMES[family]
    moves = GOOD_BOXES.copy() if name == "boxes" else np.ones((4, 4))
    moves[2] = bad
    scores = np.array([[0.1, 0.9], [0.6, 0.2], [math.nan, math.nan], [0.25, 0.5]])
    assert len(call(scores, moves, iou_threshold=None).scores) == 3
    scores[2] = 0.7
    with pytest.raises(ValueError, match=r"row 2 has a score of 0\.7 for class 0, and its box cannot be used"):
        call(scores, moves, iou_threshold=None)
    found = call(scores, moves, iou_threshold=None, on_invalid="drop")
    assert found.scores.tolist() == [0.9, 0.6, 0.5]
    assert np.isfinite(found.boxes).all()


@pytest.mark.parametrize("family", ["points", "priors"])
def test_keypoints_are_judged_with_their_rows(family: str) -> None:
    call, marks = FAMILIES[family], np.ones((4, 4))
    marks[0, 3], marks[2, 0] = math.nan, math.inf
    options = {"keypoints": marks, "iou_threshold": None}
    assert call(SCORES, score_threshold=0.55, on_invalid="drop", **options).scores.tolist() == [0.6]
    with pytest.raises(ValueError, match="keypoints of row 0, whose score is above the threshold, are not finite or"):
        call(SCORES, **options)
    scores = SCORES.copy()
    scores[[0, 2]] = 0
    found = call(scores, **options)
    assert found.scores.tolist() == [0.6, 0.5]
    assert np.isfinite(found.keypoints).all()
    assert found.keypoints.shape == (2, 2, 2)


@pytest.mark.parametrize("family", ["points", "priors"])
def test_rows_with_bad_keypoints_suppress_nobody(family: str) -> None:
    marks = np.zeros((2, 2))
    marks[0, 1] = math.nan
    if family == "points":
        found = detutils.detections_from_points(
            np.full((2, 4), 9.0), [[0.9], [0.8]], (8,), grid_sizes=[(1, 2)], channels="last", keypoints=marks,
            on_invalid="drop",
        )  # fmt: skip
    else:
        found = detutils.detections_from_priors(
            np.zeros((2, 4)), [[0.9], [0.8]], GOOD_BOXES[[0, 0]], keypoints=marks, on_invalid="drop"
        )
    assert found.scores.tolist() == [0.8]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", range(4))
def test_the_limit_of_deltas_hides_no_bad_number(bad: float, place: int) -> None:
    deltas = np.zeros((4, 4))
    deltas[1, place] = bad
    with pytest.raises(ValueError, match=r"row 1 .* is not finite"):
        from_anchors(SCORES, deltas)
    assert from_anchors(SCORES, deltas, on_invalid="drop").scores.tolist() == [0.9, 0.5, 0.3]


def test_rows_far_out_among_many() -> None:
    """More bad rows than one, in several blocks of the decoder."""
    n = size(700, 300)
    deltas = np.zeros((n, 4))
    deltas[[3, 4, n - 2], 0] = 1e200
    found = detutils.detections_from_anchors(
        deltas, np.linspace(0.9, 0.5, n), np.tile([0, 0, 10.0, 10], (n, 1)) + np.arange(n)[:, None] * 20,
        on_invalid="drop", max_output=None,
    )  # fmt: skip
    good = np.delete(np.arange(n), [3, 4, n - 2])
    assert found.boxes[:, 0].tolist() == (20.0 * good).tolist()


def test_negative_thresholds_of_a_root() -> None:
    """Everything passes, and a negative product counts as 0."""
    options = {"centerness": np.array([0.5, 0.5, 0.0, 1.0]), "centerness_rule": "root", "iou_threshold": None}
    scores = np.array([[0.5], [-0.5], [0.25], [0.25]])
    assert from_points(scores, score_threshold=-1, **options).scores.tolist() == [0.5, 0.5, 0.0, 0.0]
    assert from_points(scores, score_threshold=0.5, **options).scores.tolist() == []
    assert from_points(scores, score_threshold=0.49, **options).scores.tolist() == [0.5, 0.5]


def test_inverted_boxes() -> None:
    moves = np.ones((4, 4))
    moves[0] = [-1, 1, -0.5, 1]
    with pytest.raises(ValueError, match=r"row 0 .* x2 < x1"):
        from_points(SCORES, moves)
    assert from_points(SCORES, moves, on_invalid="drop", iou_threshold=None).scores.tolist() == [0.6, 0.5, 0.3]
    boxes = GOOD_BOXES[:, [2, 1, 0, 3]]
    with pytest.raises(ValueError, match=r"x2 < x1"):
        from_queries(SCORES, boxes)
    assert len(from_queries(SCORES, boxes, on_invalid="drop").scores) == 0


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"score_threshold": math.nan}, ValueError, "score_threshold must be finite"),
        ({"score_threshold": None}, TypeError, "score_threshold"),
        ({"iou_threshold": 1.5}, ValueError, r"iou_threshold must be in \[0, 1\]"),
        ({"max_candidates": -1}, ValueError, "max_candidates must be at least 0"),
        ({"max_candidates": 1.0}, TypeError, "max_candidates must be an integer"),
        ({"max_output": -1}, ValueError, "max_output must be at least 0"),
        ({"multi_label": 1}, TypeError, "multi_label must be True or False"),
        ({"class_agnostic": None}, TypeError, "class_agnostic must be True or False"),
        ({"activation": "relu"}, ValueError, "activation must be one of 'none', 'sigmoid', 'softmax'"),
        ({"on_invalid": "skip"}, ValueError, "on_invalid must be one of 'raise', 'drop'"),
        ({"channels": "middle"}, ValueError, "channels must be one of 'first', 'last'"),
        ({"letterbox": 3}, TypeError, "letterbox must be a Letterbox"),
        ({"background": "middle"}, ValueError, "background must be one of 'first', 'last'"),
        ({"background": 0}, TypeError, "background must be a string"),
    ],
)
def test_options_are_checked(family: str, options: dict, error: type[Exception], pattern: str) -> None:
    if family == "points" and "background" in options:
        pytest.skip("points have no background")
    with pytest.raises(error, match=pattern):
        FAMILIES[family](SCORES, **options)


LETTERBOXES = {
    "half, bars above and below": detutils.Letterbox((32, 64), (32, 32), (0.5, 0.5), (0, 8)),
    "stretched": detutils.Letterbox((16, 64), (32, 32), (0.5, 2.0), (0, 0)),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", LETTERBOXES)
def test_the_way_back(family: str, name: str) -> None:
    """The same detections as in pixels of the input, moved to the photograph and clipped."""
    box, call = LETTERBOXES[name], FAMILIES[family]
    marks = {"keypoints": np.array([[1, 0, -90, 90.0]] * 4)} if family in ("points", "priors") else {}
    plain = call(SCORES, **marks)
    found = call(SCORES, letterbox=box, **marks)
    (sx, sy), (left, top) = box.scale, box.pad
    moved = (plain.boxes - [left, top, left, top]) / [sx, sy, sx, sy]
    high, wide = box.image_size
    np.testing.assert_allclose(found.boxes, np.clip(moved, 0, [wide, high, wide, high]), rtol=1e-12)
    np.testing.assert_array_equal(found.scores, plain.scores)
    np.testing.assert_array_equal(found.labels, plain.labels)
    if marks:
        points = np.clip((plain.keypoints - [left, top]) / [sx, sy], 0, [wide, high])
        np.testing.assert_allclose(found.keypoints, points, rtol=1e-12)


def test_a_letterbox_knows_the_size_of_the_input() -> None:
    box = detutils.Letterbox((64, 128), (32, 64), (0.5, 0.5), (0, 0))
    distances, scores = np.full((4, 10), 0.25), np.zeros((1, 10))
    scores[0, 9] = 0.5  # grids of 2 x 4 and 1 x 2: the last is (48, 16) with a stride of 32
    found = detutils.detections_from_points(distances, scores, (16, 32), letterbox=box)
    assert found.boxes.tolist() == [[80, 16, 112, 48]]
    found = detutils.detections_from_queries([[0.5, 0.5, 0.25, 0.5]], [[0.5]], letterbox=box)
    assert found.boxes.tolist() == [[48, 16, 80, 48]]


@pytest.mark.parametrize("family", FAMILIES)
def test_shapes_that_do_not_fit(family: str) -> None:
    call, name = FAMILIES[family], NAMES[family]
    other = {"points": "distances", "priors": "priors", "anchors": "anchors", "queries": "boxes"}[family]
    turned = np.ones((4, 3)).T
    swap = r"\(channels='first' would read 4 rows of 3\)"
    with pytest.raises(ValueError, match=rf"scores of shape \(3, 4\) has 3 rows .* but {other} has 4 rows {swap}"):
        call(turned, np.ones((4, 4)), **({"grid_sizes": [(2, 2)]} if family == "points" else {})) if (
            family in ("points", "queries")
        ) else {"priors": detutils.detections_from_priors, "anchors": detutils.detections_from_anchors}[family](
            np.zeros((4, 4)), turned, GOOD_BOXES
        )
    with pytest.raises(ValueError, match=r"scores of shape \(2, 4, 2\) has 8 rows of 2 channels, as channels='last'"):
        {
            "points": lambda s: detutils.detections_from_points(
                np.ones((4, 4)), s, (8,), channels="last", grid_sizes=[(2, 2)]
            ),
            "priors": lambda s: detutils.detections_from_priors(np.ones((4, 4)), s, GOOD_BOXES),
            "anchors": lambda s: detutils.detections_from_anchors(np.ones((4, 4)), s, GOOD_BOXES),
            "queries": lambda s: detutils.detections_from_queries(GOOD_BOXES, s, normalized=False),
        }[family](np.zeros((2, 4, 2)))
    with pytest.raises(ValueError, match=rf"{name} must have 4 numbers a row.*, got 5 on the last axis"):
        call(SCORES, np.ones((4, 5)))
    with pytest.raises(ValueError, match=r"scores of shape \(2, 1, 4, 2\) holds 2 images on axis 0: give one of them"):
        call(np.zeros((2, 1, 4, 2)), np.ones((4, 4))) if family != "points" else detutils.detections_from_points(
            np.ones((4, 4)), np.zeros((2, 1, 4, 2)), (8,), channels="last", grid_sizes=[(2, 2)]
        )
    with pytest.raises(TypeError, match="scores"):
        call("a head", np.ones((4, 4))) if family != "points" else detutils.detections_from_points(
            np.ones((4, 4)), "a head", (8,), channels="last", grid_sizes=[(2, 2)]
        )


def test_shapes_of_points_that_do_not_fit() -> None:
    maps, scores = [np.ones((4, 2, 2)), np.ones((4, 1, 1))], [np.ones((3, 2, 2)), np.ones((3, 1, 1))]
    call = detutils.detections_from_points
    with pytest.raises(ValueError, match="distances must hold 3 arrays, one a stride, or one of all, got 2"):
        call(maps, scores, (8, 16, 32))
    with pytest.raises(ValueError, match="scores must hold 2 arrays, one a level as distances does, got 3"):
        call(maps, [*scores, scores[0]], (8, 16))
    with pytest.raises(ValueError, match=r"scores\[1\] of shape \(3, 2, 2\) has 4 rows .* distances\[1\] has 1 row"):
        call(maps, [scores[0], scores[0]], (8, 16))
    with pytest.raises(ValueError, match=r"scores must have the same classes on every level, got \[3, 2\]"):
        call(maps, [scores[0], np.ones((2, 1, 1))], (8, 16))
    with pytest.raises(ValueError, match="input_size, grid_sizes or letterbox must say how the points lie"):
        call(np.ones((4, 5)), np.ones((3, 5)), (8, 16))
    with pytest.raises(ValueError, match=r"distances has 5 rows, got shape \(4, 5\), but .* \[\(2, 2\), \(1, 2"):
        call(np.ones((4, 5)), np.ones((3, 5)), (8, 16), input_size=(16, 32), grid_sizes=[(2, 2), (1, 2)])
    with pytest.raises(ValueError, match=r"distances has \[4, 1\] rows"):
        call(maps, scores, (8, 16), grid_sizes=[(2, 2), (1, 2)])
    with pytest.raises(ValueError, match=r"make grids of \[\(2, 2\)\], 2 rows a point"):
        call(np.ones((4, 4)), np.ones((3, 4)), (8,), input_size=(16, 16), repeats=2)
    with pytest.raises(ValueError, match=r"distances must have 4 numbers a row, or a multiple .* got 6 on the first"):
        call([np.ones((6, 2, 2))], [np.ones((3, 2, 2))], (8,))
    with pytest.raises(ValueError, match="keypoints must have 2 numbers a row"):
        call([np.ones((4, 2, 2))], [np.ones((3, 2, 2))], (8,), keypoints=[np.ones((3, 2, 2))])
    with pytest.raises(ValueError, match="centerness must have one number for each row of distances, got 2"):
        call([np.ones((4, 2, 2))], [np.ones((3, 2, 2))], (8,), centerness=[np.ones((2, 2, 2))])
    with pytest.raises(ValueError, match="scores must have a class, got none"):
        call([np.ones((4, 2, 2))], [np.ones((0, 2, 2))], (8,))
    with pytest.raises(ValueError, match=r"distances must have shape \(C, N\), \(1, C, N\) or \(C, H, W\), as"):
        call(np.ones(4), np.ones(4), (8,))
    for options, pattern in (
        ({"unit": "meter"}, "unit must be one of 'stride', 'pixel'"),
        ({"centerness_rule": "mean"}, "centerness_rule must be one of 'product', 'root'"),
        ({"repeats": 0}, "repeats must be at least 1"),
        ({"shift": math.inf}, "shift must be finite"),
        ({"max_per_level": -1}, "max_per_level must be at least 0"),
    ):
        with pytest.raises(ValueError, match=pattern):
            call(maps, scores, (8, 16), **options)


def test_one_channel_is_told_from_a_batch_of_one() -> None:
    """(1, 2, 3) with channels first is a map of one class, or a batch of two classes and three rows."""
    distances = np.ones((4, 2, 3))
    one = detutils.detections_from_points([distances], [np.full((1, 2, 3), 0.5)], (8,), iou_threshold=None)
    assert len(one.scores) == 6
    two = detutils.detections_from_points(
        np.ones((1, 4, 3)), np.full((1, 2, 3), 0.5), (8,), grid_sizes=[(1, 3)], iou_threshold=None, multi_label=True
    )
    assert two.labels.tolist() == [0, 1] * 3
    line = detutils.detections_from_points(
        np.ones((4, 3)), np.full(3, 0.5), (8,), grid_sizes=[(1, 3)], iou_threshold=None, centerness=np.full(3, 0.75)
    )
    assert line.scores.tolist() == [0.375] * 3


def test_shapes_of_other_families_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="locations must have 4 numbers a row, got 8 on the last axis"):
        from_priors(SCORES, np.ones((4, 8)))
    with pytest.raises(ValueError, match="deltas must have 4 numbers a row, or 4 for each class, got 12 numbers and 2"):
        from_anchors(SCORES, np.ones((4, 12)))
    with pytest.raises(ValueError, match="got 12 numbers and 2 classes, of which the first is the background"):
        from_anchors(SCORES, np.ones((4, 12)), background="first")
    with pytest.raises(ValueError, match="scores must have a class beside the background, got none"):
        from_anchors(SCORES[:, :1], background="first")
    with pytest.raises(ValueError, match=r"priors\[0\] has x2 < x1"):
        detutils.detections_from_priors([[0, 0, 0, 0]], [[0.5]], [[5, 0, 0, 5]])
    with pytest.raises(ValueError, match=r"anchors\[1\] must have shape \(N, 4\)"):
        detutils.detections_from_anchors(
            [np.zeros((1, 4))] * 2, [np.ones((1, 1))] * 2, [np.ones((1, 4)), np.ones((1, 5))]
        )
    with pytest.raises(ValueError, match=r"variances\[1\] must be greater than 0"):
        from_priors(SCORES, variances=(0.1, 0))
    with pytest.raises(ValueError, match="variances must be two numbers, got 4 values"):
        from_priors(SCORES, variances=(0.1, 0.1, 0.2, 0.2))
    with pytest.raises(ValueError, match="coding must be one of 'center', 'corner', 'linear', got 'log'"):
        from_priors(SCORES, coding="log")
    with pytest.raises(ValueError, match="box_format must be one of"):
        detutils.detections_from_queries(GOOD_BOXES, SCORES, box_format="cxcywhn")
    with pytest.raises(ValueError, match=r"input_size or letterbox must say what 0 \.\.\. 1 spans, unless"):
        detutils.detections_from_queries(GOOD_BOXES, SCORES)
    with pytest.raises(ValueError, match=r"input_size\[0\] must be greater than 0"):
        detutils.detections_from_queries(GOOD_BOXES, SCORES, input_size=(0, 5))
    for options, pattern in (
        ({"weights": (1, 1, 1, 0)}, r"weights\[3\] must be greater than 0"),
        ({"clamp": math.nan}, "clamp must be finite"),
        ({"clip_to": (5, 0)}, r"clip_to\[1\] must be greater than 0"),
        ({"max_per_level": -1}, "max_per_level must be at least 0"),
    ):
        with pytest.raises(ValueError, match=pattern):
            from_anchors(SCORES, **options)
