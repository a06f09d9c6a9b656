"""Non-maximum suppression: of boxes that overlap, the best stays. Exact, stable, without a matrix."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from detutils._jit import I8, Direct
from detutils._validate import (
    FLOAT32,
    FLOAT64,
    INT64,
    as_integer,
    as_labels,
    as_number,
    as_offset,
    as_threshold,
)
from detutils.suppression._kernels.columns import pick, pick_grouped
from detutils.suppression._kernels.select import select_by_label, select_float32, select_float64
from detutils.suppression._kernels.small import small_batched_nms, small_nms_float32, small_nms_float64
from detutils.suppression.plan import (
    admit,
    as_pair,
    as_plain_pair,
    decide,
    decide_unsorted,
    drops,
    lay_out,
    prepare_grouped,
    raise_bad_row,
    rank,
    valid,
)

FEW, SOME, SOME_BATCHED = 32, 500, 300  # up to so many boxes one kernel does everything, by measurement

_ALL, _LOW = 2**62, -math.inf
_empty = np.empty
_FEW_FLOAT32, _FEW_FLOAT64 = Direct(small_nms_float32), Direct(small_nms_float64)
_SOME_FLOAT32, _SOME_FLOAT64 = Direct(select_float32), Direct(select_float64)
_FEW_BY_LABEL, _SOME_BY_LABEL = Direct(small_batched_nms), Direct(select_by_label)


def nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    iou_threshold: float = 0.5,
    *,
    score_threshold: float | None = None,
    max_output: int | None = None,
    offset: int = 0,
    on_invalid: Literal["raise", "drop"] = "raise",
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
        Only boxes with score > ``score_threshold`` take part.
    max_output : int, optional
        Stop after so many kept boxes.
    offset : {0, 1}, default 0
        1 counts inclusive pixels: width = x2 - x1 + 1.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows that are not finite, not ordered or beyond 1e150, instead of raising.

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
    suppress nor are suppressed. Time grows about linearly with N, memory is about 100 bytes a box; no matrix
    is built.

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
    threshold = as_threshold(iou_threshold)
    floor = _LOW if score_threshold is None else as_number(score_threshold, "score_threshold")
    most = _ALL if max_output is None else as_integer(max_output, "max_output", 0, _ALL)
    pixel = as_offset(offset)
    if drops(on_invalid):
        boxes, scores = as_pair(boxes, scores)
        good = valid(boxes, scores)
        keep = nms(
            boxes[good], scores[good], threshold,
            score_threshold=score_threshold, max_output=most, offset=offset,
        )  # fmt: skip
        return good[keep]
    boxes, scores = as_plain_pair(boxes, scores)
    n = len(scores)
    if n <= SOME:
        keep = _empty(n, INT64)
        if n <= FEW:
            few = _FEW_FLOAT32 if boxes.dtype is FLOAT32 else _FEW_FLOAT64
            count = few.call(boxes, scores, threshold, floor, most, pixel, keep)
        elif boxes.dtype is FLOAT64:
            count = _SOME_FLOAT64.call(boxes, scores, threshold, floor, most, pixel, keep)
        elif pixel == 0.0:
            count = _SOME_FLOAT32.call(boxes, scores, threshold, floor, most, keep)
        else:
            count = -1
        if count >= 0:
            return keep[:count]
        if count < -1:
            raise_bad_row(boxes, scores, *divmod(-2 - count, 2))
    boxes, scores = as_pair(boxes, scores)  # many, or with gaps between them, or one is far out
    order, far = admit(boxes, scores, floor)
    if threshold < 1.0 and most >= order.shape[0]:
        kept = decide_unsorted(boxes, scores, order, threshold, pixel, far)
        if kept is not None:
            return rank(scores, order, kept).astype(np.int64)
    order = rank(scores, order)
    if threshold == 1.0:  # no IoU exceeds it
        return order[:most].astype(np.int64)
    columns, rows = lay_out(boxes, order, threshold, pixel, far)
    kept = decide(columns, rows, np.array([0, order.shape[0]]), threshold, pixel, most)
    return pick(order, kept, most)


def batched_nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    iou_threshold: float = 0.5,
    *,
    score_threshold: float | None = None,
    max_output: int | None = None,
    offset: int = 0,
    on_invalid: Literal["raise", "drop"] = "raise",
) -> I8:
    """``nms`` within each class: only boxes of one label suppress each other.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    scores : (N,) array_like
        Any finite numbers; higher is better.
    labels : (N,) array_like of int
        The class of each box, any integers. A number made of image and class thins a batch of images at once.
    iou_threshold : float, default 0.5
        In [0, 1]. A box at exactly this IoU with a kept box of its class stays.
    score_threshold : float, optional
        Only boxes with score > ``score_threshold`` take part.
    max_output : int, optional
        At most so many boxes, the best of all classes.
    offset : {0, 1}, default 0
        1 counts inclusive pixels: width = x2 - x1 + 1.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows that are not finite, not ordered or beyond 1e150, instead of raising.

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
    threshold = as_threshold(iou_threshold)
    floor = _LOW if score_threshold is None else as_number(score_threshold, "score_threshold")
    most = _ALL if max_output is None else as_integer(max_output, "max_output", 0, _ALL)
    pixel = as_offset(offset)
    boxes, scores = as_pair(boxes, scores)
    labels = as_labels(labels, "labels", scores.shape[0])
    if drops(on_invalid):
        good = valid(boxes, scores)
        keep = batched_nms(
            boxes[good], scores[good], labels[good], threshold,
            score_threshold=score_threshold, max_output=most, offset=offset,
        )  # fmt: skip
        return good[keep]
    n = len(scores)
    if n <= SOME_BATCHED:
        rows, values = boxes.astype(FLOAT64, copy=False), scores.astype(FLOAT64, copy=False)
        keep = _empty(n, INT64)
        call = _FEW_BY_LABEL.call if n <= FEW else _SOME_BY_LABEL.call
        count = call(rows, values, labels, threshold, floor, most, pixel, keep)
        if count >= 0:
            return keep[:count]
        if count < -1:
            raise_bad_row(boxes, scores, *divmod(-2 - count, 2))
    order, places, starts, columns, rows = prepare_grouped(boxes, scores, labels, threshold, floor, pixel)
    if threshold == 1.0:
        return order[:most].astype(np.int64)
    kept = decide(columns, rows, starts, threshold, pixel, most)
    return pick_grouped(order, kept, places, most)
