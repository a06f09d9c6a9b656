"""Non-maximum suppression: of boxes that overlap, the best stays. Exact, stable, without a matrix."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils._jit import B1, F4, F8, I4, I8
from detutils._kernels.nms import suppress
from detutils._kernels.nms_explain import explain
from detutils._kernels.nms_order import (
    columns_float32,
    columns_float64,
    group_by_label,
    pick,
    pick_grouped,
    rank_float32,
    rank_float64,
)
from detutils._kernels.nms_small import MOST, small_nms_float32, small_nms_float64
from detutils._kernels.nms_sweep import sweep
from detutils._validate import (
    FLOAT32,
    FLOAT64,
    Array,
    as_boxes,
    as_choice,
    as_integer,
    as_labels,
    as_number,
    as_offset,
    as_threshold,
    as_vector,
    raise_bad_box,
    valid_rows,
)

BUSY = 20  # blocks of 16 kept boxes that a candidate meets, from which on a grid is quicker

SWEEP = "thin"  # which scenes of one class are left to the sweep: "thin", and for tests "never" or "always"
_ALL = 2**62
_PATIENCE = 1 << 26  # pairs that the explanation compares between two looks at Ctrl-C: a tenth of a second or two
_NO_ROWS = np.empty((0, 4))
_INVALID: tuple[Literal["raise", "drop"], ...] = ("raise", "drop")


class Explanation(NamedTuple):
    """What ``explain_nms`` found.

    Parameters
    ----------
    keep : (K,) int64 ndarray
        Indices of the kept boxes by decreasing score.
    suppressed_by : (N,) int64 ndarray
        For each box the kept box that suppressed it; -1 for boxes that no kept box suppressed.
    iou : (N,) float64 ndarray
        IoU of each suppressed box with its suppressor; 0 where ``suppressed_by`` is -1.

    Raises
    ------
    TypeError
        If a field is missing.

    Examples
    --------
    >>> import detutils
    >>> found = detutils.explain_nms([[0, 0, 10, 10], [0, 0, 10, 8]], [0.9, 0.8])
    >>> found.keep.tolist(), found.suppressed_by.tolist(), found.iou.tolist()
    ([0], [-1, 0], [0.0, 0.8])
    """

    keep: I8
    suppressed_by: I8
    iou: F8


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
    suppress nor are suppressed. Time grows about linearly with N, memory is about 60 bytes a box; no matrix
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
    floor = -math.inf if score_threshold is None else as_number(score_threshold, "score_threshold")
    most = _ALL if max_output is None else as_integer(max_output, "max_output", 0, _ALL)
    pixel = as_offset(offset)
    boxes, scores = _as_pair(boxes, scores)
    if on_invalid != "raise":
        as_choice(on_invalid, "on_invalid", _INVALID)
        good = valid_rows(boxes.astype(FLOAT64, copy=False), scores)
        keep = nms(
            boxes[good], scores[good], threshold,
            score_threshold=score_threshold, max_output=most, offset=offset,
        )  # fmt: skip
        return good[keep]
    n = len(scores)
    if n <= MOST:
        small = small_nms_float32 if boxes.dtype is FLOAT32 else small_nms_float64
        keep = np.empty(n, np.int64)
        count = small(boxes, scores, threshold, floor, most, pixel, keep)
        if count < 0:
            row, is_score = divmod(-1 - count, 2)
            _raise_bad_row(boxes, scores, row, bool(is_score))
        return keep[:count]
    order, columns, rows = _prepare(boxes, scores, threshold, floor, pixel)
    if threshold == 1.0:  # no IoU exceeds it
        return order[:most].astype(np.int64)
    kept = _suppress(columns, rows, np.array([0, order.shape[0]]), threshold, pixel, most)
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
    floor = -math.inf if score_threshold is None else as_number(score_threshold, "score_threshold")
    most = _ALL if max_output is None else as_integer(max_output, "max_output", 0, _ALL)
    pixel = as_offset(offset)
    boxes, scores = _as_pair(boxes, scores)
    labels = as_labels(labels, "labels", scores.shape[0])
    if on_invalid != "raise":
        as_choice(on_invalid, "on_invalid", _INVALID)
        good = valid_rows(boxes.astype(FLOAT64, copy=False), scores)
        keep = batched_nms(
            boxes[good], scores[good], labels[good], threshold,
            score_threshold=score_threshold, max_output=most, offset=offset,
        )  # fmt: skip
        return good[keep]
    order, places, starts, columns, rows = _prepare_grouped(boxes, scores, labels, threshold, floor, pixel)
    if threshold == 1.0:
        return order[:most].astype(np.int64)
    kept = _suppress(columns, rows, starts, threshold, pixel, most)
    return pick_grouped(order, kept, places, most)


def explain_nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    iou_threshold: float = 0.5,
    *,
    labels: npt.ArrayLike | None = None,
    score_threshold: float | None = None,
    max_output: int | None = None,
    offset: int = 0,
) -> Explanation:
    """``nms`` (``batched_nms`` with ``labels``), and for each dropped box which kept box suppressed it, at
    what IoU.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    scores : (N,) array_like
        Any finite numbers; higher is better.
    iou_threshold : float, default 0.5
        In [0, 1]. A box at exactly this IoU with a kept box stays.
    labels : (N,) array_like of int, optional
        Only boxes of one label suppress each other.
    score_threshold : float, optional
        Only boxes with score > ``score_threshold`` take part.
    max_output : int, optional
        Stop after so many kept boxes.
    offset : {0, 1}, default 0
        1 counts inclusive pixels: width = x2 - x1 + 1.

    Returns
    -------
    explanation : Explanation
        ``keep`` as from ``nms``; ``suppressed_by`` (N,) int64 and ``iou`` (N,) float64. The suppressor is the
        best kept box over the threshold, the first that the greedy loop meets. Boxes at or under the score
        threshold, and those that came after ``max_output`` was reached, have none (-1, IoU 0), like the kept
        ones. Empty input gives empty arrays.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or ``labels`` are not integers.
    ValueError
        If a shape is wrong, a row breaks the contract (the text names the first), or an option is out of
        range.

    Notes
    -----
    The cost is that of ``nms`` and, for each dropped box, of the kept boxes of its class down to its
    suppressor.

    References
    ----------
    R. Girshick et al., "Rich feature hierarchies for accurate object detection and semantic segmentation",
    2014, section 2.2.

    Examples
    --------
    >>> import detutils
    >>> found = detutils.explain_nms([[0, 0, 10, 10], [0, 0, 10, 8], [20, 0, 30, 10]], [0.9, 0.8, 0.7])
    >>> found.keep, found.suppressed_by, found.iou
    (array([0, 2]), array([-1,  0, -1]), array([0. , 0.8, 0. ]))
    """
    threshold = as_threshold(iou_threshold)
    floor = -math.inf if score_threshold is None else as_number(score_threshold, "score_threshold")
    most = _ALL if max_output is None else as_integer(max_output, "max_output", 0, _ALL)
    pixel = as_offset(offset)
    boxes, scores = _as_pair(boxes, scores)
    classes = np.zeros(len(scores), np.int64) if labels is None else as_labels(labels, "labels", len(scores))
    order, places, starts, columns, rows = _prepare_grouped(boxes, scores, classes, threshold, floor, pixel)
    kept = _suppress(columns, rows, starts, threshold, pixel, most)
    keep = pick_grouped(order, kept, places, most)
    last = len(order)  # the rank at which the loop stopped
    if len(keep) == most:
        last = int(np.flatnonzero(order == keep[-1])[0]) if most else 0
    by, iou = np.full(len(scores), -1, np.int64), np.zeros(len(scores))
    place, best = np.zeros(3, np.int64), np.empty(len(order), np.int64)
    while explain(columns, rows, starts, kept, order, places, last, _PATIENCE, threshold, pixel, place, best, by, iou):
        pass  # between two slices Ctrl-C is heard
    return Explanation(keep, by, iou)


def _as_pair(boxes: Any, scores: Any) -> tuple[Array, Array]:
    """Boxes and scores of one dtype, float32 if both were, else float64; the kernels check their rows."""
    if type(boxes) is np.ndarray and type(scores) is np.ndarray:
        dtype, shape = boxes.dtype, boxes.shape
        if (
            (dtype is FLOAT32 or dtype is FLOAT64) and dtype is scores.dtype
            and len(shape) == 2 and shape[1] == 4 and scores.shape == shape[:1]
            and boxes.flags.carray and scores.flags.carray
        ):  # fmt: skip
            return boxes, scores  # as most calls come; the rest of this function costs microseconds
    boxes = as_boxes(boxes, keep_float32=True, check_rows=False)
    scores = as_vector(scores, "scores", boxes.shape[0], keep_float32=True, finite=False)
    if boxes.dtype is not scores.dtype:
        boxes, scores = boxes.astype(FLOAT64, copy=False), scores.astype(FLOAT64, copy=False)
    return boxes, scores


def _suppress(columns: F4, rows: F8, starts: I8, threshold: float, pixel: float, most: int) -> B1:
    """Which candidates stay: by comparison with all kept ones, a grid or a sweep, as the scene asks."""
    n = columns.shape[1]
    kept = np.zeros(n, np.bool_)
    leave = SWEEP != "never" and starts.shape[0] == 2 and most >= n
    if leave and SWEEP == "always":
        first = 0
    else:
        first = suppress(columns, rows, starts, threshold, pixel, most, BUSY, 0 if leave else -1, kept)
    if first >= 0 and not sweep(columns, rows, threshold, pixel, first, kept):
        suppress(columns, rows, starts, threshold, pixel, most, BUSY, first or -1, kept)
    return kept


def _raise_bad_row(boxes: Array, scores: Array, row: int, is_score: bool) -> None:
    if is_score:
        raise ValueError(f"scores[{row}] is not finite: {scores[row]}")
    raise_bad_box(boxes, row)


def _rank(boxes: Array, scores: Array, floor: float) -> tuple[I4, bool]:
    rank = rank_float32 if boxes.dtype is FLOAT32 else rank_float64
    order, far = rank(boxes, scores, floor)
    if order.shape[0] and order[0] < 0:
        _raise_bad_row(boxes, scores, -1 - int(order[0]), far)
    return order, far


def _columns(boxes: Array, order: I4, threshold: float, pixel: float, far: bool) -> tuple[F4, F8]:
    if boxes.dtype is FLOAT32 and pixel == 0.0 and not far:
        return columns_float32(boxes, order, threshold), _NO_ROWS
    return columns_float64(boxes.astype(FLOAT64, copy=False), order, threshold, pixel, far)


def _prepare(boxes: Array, scores: Array, threshold: float, floor: float, pixel: float) -> tuple[I4, F4, F8]:
    """Rows by decreasing score, and the columns that the suppression filters by."""
    order, far = _rank(boxes, scores, floor)
    return order, *_columns(boxes, order, threshold, pixel, far)


def _prepare_grouped(
    boxes: Array, scores: Array, labels: I8, threshold: float, floor: float, pixel: float
) -> tuple[I4, I4, I8, F4, F8]:
    """``_prepare``, with the columns grouped by label."""
    order, far = _rank(boxes, scores, floor)
    places, starts = group_by_label(labels, order)
    return order, places, starts, *_columns(boxes, order[places], threshold, pixel, far)
