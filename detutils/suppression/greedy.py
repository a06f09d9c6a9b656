"""Non-maximum suppression: of boxes that overlap, the best stays. Exact, stable, without a matrix."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from detutils._jit import I8, Direct
from detutils._validate import FLOAT32, FLOAT64, INT64, NDARRAY, as_labels
from detutils.suppression._kernels.order import pick
from detutils.suppression._kernels.select import select_float32, select_float64
from detutils.suppression.plan import (
    IOU,
    NO_LABELS,
    PLAN,
    RAISE,
    Metric,
    Plan,
    Rule,
    as_canonical_pair,
    as_float64,
    as_pair,
    as_rule,
    decide,
    prepare,
    raise_bad_row,
    valid,
)

_empty = np.empty
_FLOAT32, _FLOAT64 = Direct(select_float32), Direct(select_float64)


def nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    iou_threshold: float = 0.5,
    *,
    score_threshold: float | None = None,
    max_output: int | None = None,
    offset: int = 0,
    on_invalid: Literal["raise", "drop"] = RAISE,
    metric: Metric = IOU,
    max_candidates: int | None = None,
) -> I8:
    """Greedy non-maximum suppression: the boxes that no better kept box overlaps by more than the threshold.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    scores : (N,) array_like
        Any finite numbers; higher is better.
    iou_threshold : float, default 0.5
        In [0, 1]. A box at exactly this IoU with a kept box stays.
    score_threshold : float, optional
        Only boxes with score > ``score_threshold`` take part. The others are not judged: their boxes may be
        anything, but their scores must be numbers.
    max_output : int, optional
        Stop after so many kept boxes.
    offset : {0, 1}, default 0
        1 counts inclusive pixels: width = x2 - x1 + 1.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows that are not finite, not ordered or beyond 1e150, instead of raising.
    metric : {"iou", "ios", "ioa"}, default "iou"
        What ``iou_threshold`` is compared with: intersection over union, over the area of the smaller box, or over
        the area of the weaker one (the one that would be suppressed).
    max_candidates : int, optional
        Only the best so many of the boxes over the score threshold take part; of tied scores the lower
        index comes first. All of them are judged.

    Returns
    -------
    keep : (K,) int64 ndarray
        Indices of the kept boxes by decreasing score; of tied scores the lower index comes first, and wins.
        Empty input gives an empty result.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, a row breaks the contract (the text names the first), or an option is out of
        range.

    Notes
    -----
    Equal to the textbook loop in float64 for every input dtype: a float32 filter finds the pairs that may
    exceed the threshold, and those near it are decided by the float64 quotient. Boxes without area neither
    suppress nor are suppressed, by any metric. Time grows about linearly with N, memory is about 100 bytes a box; no
    matrix is built.

    References
    ----------
    R. Girshick et al., "Rich feature hierarchies for accurate object detection and semantic segmentation",
    2014, section 2.2 (the greedy rule).

    Examples
    --------
    >>> import detutils
    >>> detutils.nms([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], [0.8, 0.9, 0.7])
    array([1, 2])
    """
    rule = as_rule(iou_threshold, score_threshold, max_output, offset, on_invalid, metric, max_candidates)
    return suppress(boxes, scores, rule)


def batched_nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    iou_threshold: float = 0.5,
    *,
    score_threshold: float | None = None,
    max_output: int | None = None,
    offset: int = 0,
    on_invalid: Literal["raise", "drop"] = RAISE,
    metric: Metric = IOU,
    max_candidates: int | None = None,
) -> I8:
    """``nms`` within each class: only boxes of one label suppress each other.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    scores : (N,) array_like
        Any finite numbers; higher is better.
    labels : (N,) array_like of int
        The class of each box: any integers, or floats that are whole numbers. To suppress within each image of a
        batch and each class, make one number of the two: ``image * classes + label``.
    iou_threshold : float, default 0.5
        In [0, 1]. A box at exactly this IoU with a kept box of its class stays.
    score_threshold : float, optional
        Only boxes with score > ``score_threshold`` take part. The others are not judged: their boxes may be
        anything, but their scores must be numbers.
    max_output : int, optional
        At most so many boxes, the best of all classes.
    offset : {0, 1}, default 0
        1 counts inclusive pixels: width = x2 - x1 + 1.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows that are not finite, not ordered or beyond 1e150, instead of raising.
    metric : {"iou", "ios", "ioa"}, default "iou"
        What ``iou_threshold`` is compared with: intersection over union, over the area of the smaller box, or over
        the area of the weaker one (the one that would be suppressed).
    max_candidates : int, optional
        Only the best so many of the boxes over the score threshold take part, counted over all classes; of tied
        scores the lower index comes first. All of them are judged.

    Returns
    -------
    keep : (K,) int64 ndarray
        Indices of the kept boxes by decreasing score over all classes; ties by index. Empty input gives an
        empty result.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or ``labels`` are not integers.
    ValueError
        If a shape is wrong, a row breaks the contract (the text names the first), or an option is out of
        range.

    Notes
    -----
    Labels are compared, coordinates are never shifted: negative coordinates and huge labels are as good as
    any others. Time grows about linearly with N.

    References
    ----------
    R. Girshick et al., "Rich feature hierarchies for accurate object detection and semantic segmentation",
    2014, section 2.2 ("for each class independently").

    Examples
    --------
    >>> import detutils
    >>> detutils.batched_nms([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 8]], [0.7, 0.9, 0.8], [0, 0, 1])
    array([1, 2])
    """
    rule = as_rule(iou_threshold, score_threshold, max_output, offset, on_invalid, metric, max_candidates)
    return suppress_by_label(boxes, scores, labels, rule)


def suppress(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    rule: tuple[tuple[float, float, float, float], int, bool, int],
    plan: Plan = PLAN,
) -> I8:
    """``nms`` with checked options, by a plan."""
    limits, most, drop, candidates = rule
    if not (
        type(boxes) is type(scores) is NDARRAY and boxes.ndim == 2 and scores.ndim == 1
        and ((dtype := boxes.dtype) is FLOAT32 or dtype is FLOAT64) and dtype is scores.dtype
    ):  # fmt: skip  # as most calls come: spared another call
        boxes, scores = as_pair(boxes, scores)
        dtype = boxes.dtype
    n = len(scores)
    if drop:
        good = valid(boxes, scores)
        return good[suppress(boxes[good], scores[good], (limits, most, False, candidates), plan)]
    if n <= plan.some and n <= candidates:
        keep = _empty(n, INT64)
        try:
            if dtype is FLOAT64:
                count = _FLOAT64.call(boxes, scores, NO_LABELS, limits, most, keep)
            elif limits[2] == 0.0 and limits[3] < 0.0:
                count = _FLOAT32.call(boxes, scores, limits, most, keep)
            else:
                count = _FLOAT64.call(*as_float64(boxes, scores), NO_LABELS, limits, most, keep)
        except MemoryError:
            as_canonical_pair(boxes, scores)  # says which of them is too large
            raise
        if count >= 0:
            return keep[:count]
        if count < -1:
            raise_bad_row(boxes, scores, count)
    return _suppress_many(boxes, scores, NO_LABELS, Rule(*rule), plan)  # many, or far out, or not aligned


def suppress_by_label(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    rule: tuple[tuple[float, float, float, float], int, bool, int],
    plan: Plan = PLAN,
) -> I8:
    """``batched_nms`` with checked options, by a plan."""
    limits, most, drop, candidates = rule
    boxes, scores = as_pair(boxes, scores)
    n = len(scores)
    if boxes.shape != (n, 4):
        boxes, scores = as_canonical_pair(boxes, scores)
    classes = as_labels(labels, "labels", n)
    if drop:
        good = valid(boxes, scores)
        rule = limits, most, False, candidates
        return good[suppress_by_label(boxes[good], scores[good], classes[good], rule, plan)]
    if n <= plan.some_batched and n <= candidates:
        keep = _empty(n, INT64)
        count = _FLOAT64.call(*as_float64(boxes, scores), classes, limits, most, keep)
        if count >= 0:
            return keep[:count]
        if count < -1:
            raise_bad_row(boxes, scores, count)
    return _suppress_many(boxes, scores, classes, Rule(*rule), plan)


def _suppress_many(boxes: Any, scores: Any, labels: I8, rule: Rule, plan: Plan) -> I8:
    found = prepare(boxes, scores, labels, rule)
    return pick(found.order, decide(found, rule, plan), found.places, rule.most)
