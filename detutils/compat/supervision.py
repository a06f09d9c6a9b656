"""supervision's overlaps and suppression by their names.

Change ``import supervision as sv`` to ``from detutils.compat import supervision as sv`` where only these are called, or
``from supervision import box_non_max_suppression`` to ``from detutils.compat.supervision import
box_non_max_suppression``. Answers are equal, the rounding of overlaps to float32 included; what differs, and why:

=================== ============================ =============================== ====================================
original            there                        here                            why
=================== ============================ =============================== ====================================
equal scores        in any order                 the higher index first          the original's sort is not stable
memory              N x N numbers, several times linear in N                     22,500 boxes take 3.8 GiB there
bad rows            NaN and negative sides take  ValueError                      a silent wrong answer
                    part
lists               AttributeError               as an array of them
merging at 0        merges all boxes of a class  the same
=================== ============================ =============================== ====================================

``OverlapMetric`` and ``OverlapFilter`` are enums with the members and values of the original; those of the original are
taken, too, and so are their values.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Any, Literal, TypeVar

import numpy as np

from detutils._jit import B1, F4, F8, I8
from detutils._validate import (
    EXACT_INTEGERS,
    FLOAT32,
    FLOAT64,
    INT64,
    NDARRAY,
    Array,
    as_boxes,
    as_floats,
    as_labels,
    as_threshold,
    as_vector,
)
from detutils.compat.tensors import as_array as plain
from detutils.geometry.overlaps import box_ioa, box_iou as pairwise_iou
from detutils.suppression.greedy import batched_nms, nms
from detutils.suppression.merging import merge_boxes

_Kind = TypeVar("_Kind", bound="_Named")


class _Named(Enum):
    """Members that are found by their values."""

    @classmethod
    def list(cls) -> list[str]:
        """The values."""
        return [member.value for member in cls]

    @classmethod
    def from_value(cls: type[_Kind], value: Any) -> _Kind:
        """The member of a value, in capitals or not, or the member itself."""
        if isinstance(value, cls):
            return value
        word = value.value if isinstance(value, Enum) else value
        if not isinstance(word, str):
            raise ValueError(f"Invalid value type: {type(value)}. Must be an instance of {cls.__name__} or str.")
        for member in cls:
            if member.value.lower() == word.lower():
                return member
        raise ValueError(f"Invalid value: {word}. Must be one of {cls.list()}")


class OverlapMetric(_Named):
    """Intersection over union, or over the smaller of the two areas."""

    IOU = "IOU"
    IOS = "IOS"


class OverlapFilter(_Named):
    """What becomes of detections that overlap."""

    NONE = "none"
    NON_MAX_SUPPRESSION = "non_max_suppression"
    NON_MAX_MERGE = "non_max_merge"


def box_iou(box_true: Any, box_detection: Any, overlap_metric: Any = OverlapMetric.IOU) -> float:
    """The overlap of two boxes.

    Parameters
    ----------
    box_true, box_detection : (4,) array_like
        x1, y1, x2, y2.
    overlap_metric : OverlapMetric or str, default IOU

    Returns
    -------
    overlap : float
        0 where the area in question is 0.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> from detutils.compat import supervision as sv
    >>> sv.box_iou([100, 100, 200, 200], [150, 150, 250, 250], sv.OverlapMetric.IOS)
    0.25
    """
    first, second = as_vector(plain(box_true), "box_true", 4), as_vector(plain(box_detection), "box_detection", 4)
    first, second = as_boxes(first[None], "box_true"), as_boxes(second[None], "box_detection")
    return float(_overlaps(first, second, _as_metric(overlap_metric))[0, 0])


def box_iou_batch(boxes_true: Any, boxes_detection: Any, overlap_metric: Any = OverlapMetric.IOU) -> F4:
    """The overlap of each box with each.

    Parameters
    ----------
    boxes_true : (N, 4) array_like
        x1, y1, x2, y2.
    boxes_detection : (M, 4) array_like
    overlap_metric : OverlapMetric or str, default IOU

    Returns
    -------
    overlaps : (N, M) float32 ndarray
        Computed in float64.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> from detutils.compat import supervision as sv
    >>> sv.box_iou_batch([[0, 0, 4, 4]], [[0, 0, 4, 2], [8, 8, 9, 9]])
    array([[0.5, 0. ]], dtype=float32)
    """
    first = as_boxes(plain(boxes_true), "boxes_true", check_rows=False)
    second = as_boxes(plain(boxes_detection), "boxes_detection", check_rows=False)
    try:
        return _overlaps(first, second, _as_metric(overlap_metric)).astype(FLOAT32)
    except ValueError:
        as_boxes(first, "boxes_true")
        as_boxes(second, "boxes_detection")
        raise


def box_non_max_suppression(
    predictions: Any, iou_threshold: float = 0.5, overlap_metric: Any = OverlapMetric.IOU
) -> B1:  # fmt: skip
    """Which boxes stay.

    Parameters
    ----------
    predictions : (N, 5) or (N, 6) array_like
        x1, y1, x2, y2, score and perhaps the class: boxes of one class suppress each other.
    iou_threshold : float, default 0.5
        In [0, 1]. A box is dropped whose overlap, rounded to float32, exceeds it.
    overlap_metric : OverlapMetric or str, default IOU

    Returns
    -------
    keep : (N,) bool ndarray

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> from detutils.compat import supervision as sv
    >>> sv.box_non_max_suppression([[0, 0, 4, 4, 0.9, 0], [0, 0, 4, 4, 0.8, 0], [0, 0, 4, 4, 0.7, 1]])
    array([ True, False,  True])
    """
    table = _as_table(predictions)
    turned = table[::-1]  # of tied scores the last wins, which is the first from behind
    try:
        limit, metric = _last_kept(as_threshold(iou_threshold)), _as_metric(overlap_metric)
        if table.shape[1] == 5:
            keep = nms(turned[:, :4], turned[:, 4], limit, metric=metric)
        else:
            keep = batched_nms(turned[:, :4], turned[:, 4], _as_classes(turned[:, 5]), limit, metric=metric)
    except (TypeError, ValueError):
        _as_predictions(table)  # what is wrong by its name and place here
        raise
    mask = np.zeros(len(table), np.bool_)
    mask[::-1][keep] = True
    return mask


def box_non_max_merge(
    predictions: Any, iou_threshold: float = 0.5, overlap_metric: Any = OverlapMetric.IOU
) -> list[list[int]]:  # fmt: skip
    """Which boxes are to be merged.

    Parameters
    ----------
    predictions : (N, 5) or (N, 6) array_like
        x1, y1, x2, y2, score and perhaps the class: boxes of one class are merged.
    iou_threshold : float, default 0.5
        In [0, 1]. A box joins the best box left where their overlap, rounded to float32, is not less.
    overlap_metric : OverlapMetric or str, default IOU

    Returns
    -------
    groups : list of list of int
        Rows by class, then by falling score of the best of the group; in a group the best first.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> from detutils.compat import supervision as sv
    >>> sv.box_non_max_merge([[0, 0, 4, 4, 0.7, 0], [9, 9, 12, 12, 0.8, 0], [0, 0, 4, 4, 0.9, 0]])
    [[2, 0], [1]]
    """
    table = _as_table(predictions)
    turned, count = table[::-1], len(table)  # of tied scores the last wins, which is the first from behind
    scores = turned[:, 4].copy()
    try:
        limit, metric = as_threshold(iou_threshold), _as_metric(overlap_metric)
        classes = np.zeros(count, INT64) if table.shape[1] == 5 else _as_classes(turned[:, 5])
        if limit == 0.0:  # each overlap is at least 0
            _as_predictions(table)
            group = classes
        else:
            group = merge_boxes(turned[:, :4].copy(), scores, classes, _last_apart(limit), metric=metric).groups
    except (TypeError, ValueError):
        _as_predictions(table)  # what is wrong by its name and place here
        raise
    best_first = (-scores).argsort(kind="stable")
    if table.shape[1] == 6:
        best_first = best_first.take(classes.take(best_first).argsort(kind="stable"))
    groups: dict[int, list[int]] = {}
    for row, name in zip((count - 1 - best_first).tolist(), group.take(best_first).tolist(), strict=True):
        if name in groups:
            groups[name].append(row)
        else:
            groups[name] = [row]
    return list(groups.values())


# ---- parts --------------------------------------------------------------------------------------------------------


def _as_metric(overlap_metric: Any) -> Literal["iou", "ios"]:
    metric = overlap_metric if type(overlap_metric) is OverlapMetric else OverlapMetric.from_value(overlap_metric)
    return "iou" if metric is OverlapMetric.IOU else "ios"


def _as_table(predictions: Any) -> Array:
    """Rows of five or six numbers."""
    table = plain(predictions)
    if not (type(table) is NDARRAY and (table.dtype is FLOAT64 or table.dtype is FLOAT32)):
        table = as_floats(table, "predictions", True)
    if table.ndim != 2 or table.shape[1] not in (5, 6):
        raise ValueError(f"predictions must have shape (N, 5) or (N, 6), got {table.shape}")
    return table  # type: ignore[no-any-return]


def _as_classes(numbers: Array) -> I8:
    """Whole numbers, or a ``TypeError`` or ``ValueError``."""
    with np.errstate(invalid="ignore"):
        labels: I8 = numbers.astype(INT64)
    if 0 in (labels == numbers).tobytes():
        return as_labels(numbers)
    if len(labels):  # the places of the extremes cost a sixth of the extremes
        low, high = labels[labels.argmin()], labels[labels.argmax()]
        if not -EXACT_INTEGERS < low <= high < EXACT_INTEGERS:
            return as_labels(numbers)
    return labels


def _as_predictions(predictions: Any) -> tuple[Array, Array, I8 | None]:
    """Boxes, scores and labels, if there are any."""
    table = _as_table(predictions)
    boxes = as_boxes(np.ascontiguousarray(table[:, :4]), "predictions", keep_float32=True)
    scores = as_vector(np.ascontiguousarray(table[:, 4]), "predictions[:, 4]", keep_float32=True)
    if table.shape[1] == 5:
        return boxes, scores, None
    numbers = as_vector(np.ascontiguousarray(table[:, 5]), "predictions[:, 5]", keep_float32=True)
    return boxes, scores, as_labels(numbers, "predictions[:, 5]")


def _overlaps(first: F8, second: F8, metric: str) -> F8:
    if metric == "iou":
        return pairwise_iou(first, second)
    of_first, of_second = box_ioa(first, second), box_ioa(second, first)
    return np.maximum(of_first, of_second.T)  # the larger share is that of the smaller area


def _halfway(low: float, high: float) -> float:
    return 0.5 * (low + high)


@lru_cache(64)
def _last_kept(threshold: float) -> float:
    """The largest overlap that does not exceed the threshold once it is rounded to float32."""
    near = np.float32(threshold)
    above = near if float(near) > threshold else np.nextafter(near, np.float32(2.0))
    return min(_halfway(float(np.nextafter(above, np.float32(-1.0))), float(above)), 1.0)


@lru_cache(64)
def _last_apart(threshold: float) -> float:
    """The largest overlap that is less than the threshold once both are rounded to float32."""
    near = np.float32(threshold)
    return _halfway(float(np.nextafter(near, np.float32(-1.0))), float(near))
