"""``mmcv.ops.nms``: suppression (see ``detutils.compat.mmcv``)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from detutils._validate import (
    FLOAT32,
    FLOAT64,
    INT64,
    NDARRAY,
    Array,
    as_array as as_numbers,
    as_boxes,
    as_choice,
    as_flag,
    as_integer,
    as_labels,
    as_number,
    as_threshold,
    as_vector,
)
from detutils.compat.tensors import as_array, like, narrowed, rounded_like
from detutils.suppression import fusion, greedy

_METHODS: tuple[Literal["naive", "linear", "gaussian"], ...] = ("naive", "linear", "gaussian")
_TYPES: tuple[Literal["nms", "soft_nms"], ...] = ("nms", "soft_nms")
_NMS, _NO_FLOOR, _NO_LIMIT = "nms", 0, -1  # the defaults, known by identity: a small call has no time to check them


def nms(
    boxes: Any, scores: Any, iou_threshold: float, offset: int = 0, score_threshold: float = 0, max_num: int = -1
) -> tuple[Any, Any]:
    """Non-maximum suppression: ``mmcv.ops.nms``.

    Parameters
    ----------
    boxes : (N, 4) tensor or array_like
        x1, y1, x2, y2.
    scores : (N,) tensor or array_like
        Higher is better.
    iou_threshold : float
        In [0, 1]. Boxes with IoU > ``iou_threshold`` with a kept box are suppressed.
    offset : {0, 1}
        Added to widths and heights.
    score_threshold : float
        Only boxes with score > ``score_threshold`` take part, if it is greater than 0.
    max_num : int
        At most so many boxes, if it is greater than 0.

    Returns
    -------
    dets : (K, 5) tensor or ndarray
        x1, y1, x2, y2 and score of the kept boxes.
    keep : (K,) int64 tensor or ndarray
        Their indices by decreasing score, ties by index.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, a row is not finite or has x2 < x1 or y2 < y1, or an option is out of range.

    See Also
    --------
    detutils.nms : Returns the indices alone.

    Examples
    --------
    >>> from detutils.compat.mmcv.ops import nms
    >>> dets, keep = nms([[0.0, 0.0, 10.0, 10.0], [1.0, 0.0, 11.0, 10.0]], [0.75, 0.5], 0.5)
    >>> dets
    array([[ 0.  ,  0.  , 10.  , 10.  ,  0.75]])
    >>> keep
    array([0])
    """
    rows, marks = as_array(boxes), as_array(scores)
    keep, _ = _nms(rows, marks, None, iou_threshold, offset, score_threshold, max_num)
    return _answer(boxes, rows, marks, keep, None)


def soft_nms(
    boxes: Any, scores: Any, iou_threshold: float = 0.3, sigma: float = 0.5, min_score: float = 1e-3,
    method: str = "linear", offset: int = 0,
) -> tuple[Any, Any]:  # fmt: skip
    """Soft-NMS: ``mmcv.ops.soft_nms``.

    Parameters
    ----------
    boxes : (N, 4) tensor or array_like
        x1, y1, x2, y2.
    scores : (N,) tensor or array_like
        Higher is better.
    iou_threshold : float
        In [0, 1]. From this IoU on "linear" multiplies a score by 1 - IoU, and "naive" by 0.
    sigma : float
        Width of "gaussian", which multiplies by exp(-IoU^2 / sigma). Greater than 0.
    min_score : float
        At least 0. Boxes stay as long as their score is not less; the best box stays in any case.
    method : {"naive", "linear", "gaussian"}
        How scores fall.
    offset : {0, 1}
        Added to widths and heights.

    Returns
    -------
    dets : (K, 5) tensor or ndarray
        x1, y1, x2, y2 and new score of the kept boxes.
    keep : (K,) int64 tensor or ndarray
        Their indices by decreasing new score, ties by index.

    Raises
    ------
    TypeError
        If an argument is not of numbers or ``method`` no string.
    ValueError
        If a shape is wrong, a row is not finite or has x2 < x1 or y2 < y1, or an option is out of range.

    See Also
    --------
    detutils.soft_nms : Compares with > instead of >=.

    Examples
    --------
    >>> from detutils.compat.mmcv.ops import soft_nms
    >>> dets, keep = soft_nms([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 5.0]], [0.75, 0.5])
    >>> dets[:, 4]
    array([0.75, 0.25])
    """
    rows, marks = as_array(boxes), as_array(scores)
    return _answer(boxes, rows, marks, *_soft_nms(rows, marks, None, iou_threshold, sigma, min_score, method, offset))


def batched_nms(
    boxes: Any, scores: Any, idxs: Any, nms_cfg: Mapping[str, Any] | None, class_agnostic: bool = False
) -> tuple[Any, Any]:
    """Suppression within each class, as a configuration says: ``mmcv.ops.batched_nms``.

    Parameters
    ----------
    boxes : (N, 4) tensor or array_like
        x1, y1, x2, y2.
    scores : (N,) tensor or array_like
        Higher is better.
    idxs : (N,) tensor or array_like of int
        The class of each box.
    nms_cfg : mapping or None
        ``type``, "nms" (the default) or "soft_nms" or one of these functions, and its options; ``class_agnostic``
        overrides the argument, ``iou_thr`` is an older name of ``iou_threshold``, ``split_thr`` changes nothing. None
        sorts the boxes by score and suppresses none.
    class_agnostic : bool
        Whether boxes of different classes suppress each other, too.

    Returns
    -------
    dets : (K, 5) tensor or ndarray
        x1, y1, x2, y2 and score of the kept boxes.
    keep : (K,) int64 tensor or ndarray
        Their indices by decreasing score, ties by index.

    Raises
    ------
    TypeError
        If an argument has the wrong type, or ``nms_cfg`` holds an unknown option.
    ValueError
        If a shape is wrong, a row is not finite or has x2 < x1 or y2 < y1, or an option is out of range.

    See Also
    --------
    detutils.batched_nms : Returns the indices alone.

    Examples
    --------
    >>> from detutils.compat.mmcv.ops import batched_nms
    >>> boxes = [[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 9.0], [0.0, 0.0, 10.0, 8.0]]
    >>> dets, keep = batched_nms(boxes, [0.7, 0.9, 0.8], [0, 0, 1], dict(type="nms", iou_threshold=0.5))
    >>> keep
    array([1, 2])
    """
    agnostic = class_agnostic is not False and as_flag(class_agnostic, "class_agnostic")
    rows, marks = as_array(boxes), as_array(scores)
    if nms_cfg is None:
        corners = as_boxes(rows, check_rows=False)
        order = np.argsort(-as_vector(marks, "scores", len(corners)), kind="stable")
        return _answer(boxes, rows, marks, order, None)
    if type(nms_cfg) is not dict and not isinstance(nms_cfg, Mapping):
        raise TypeError(f"nms_cfg must be a mapping or None, got {type(nms_cfg).__name__}")
    options = dict(nms_cfg)
    if "class_agnostic" in options:
        agnostic = as_flag(options.pop("class_agnostic"), "class_agnostic")
    kind = options.pop("type", _NMS)
    soft = False
    if kind is not _NMS:
        kind = {nms: _NMS, soft_nms: "soft_nms"}.get(kind, kind) if callable(kind) else kind
        soft = as_choice(kind, "type", _TYPES) == "soft_nms"
    if "split_thr" in options:
        as_integer(options.pop("split_thr"), "split_thr")
    if "iou_thr" in options:
        options["iou_threshold"] = options.pop("iou_thr")
    labels = None if agnostic else as_array(idxs)
    if not (agnostic or (type(labels) is NDARRAY and labels.dtype is INT64 and labels.ndim == 1)):
        labels = as_labels(labels, "idxs")
    return _answer(boxes, rows, marks, *(_soft_nms if soft else _nms)(rows, marks, labels, **options))


# ---- options of the original as options of detutils ------------------------------------------------------------------


def _nms(
    rows: Any, marks: Any, labels: Any, iou_threshold: float, offset: int = 0, score_threshold: float = 0,
    max_num: int = -1,
) -> tuple[Any, None]:  # fmt: skip
    floor = most_or_all = None
    if score_threshold is not _NO_FLOOR:
        least = rounded_like(as_number(score_threshold, "score_threshold"), marks)
        floor = least if least > 0.0 else None
    if max_num is not _NO_LIMIT:
        most = as_integer(max_num, "max_num")
        most_or_all = most if most > 0 else None
    if labels is None:
        keep = greedy.nms(rows, marks, iou_threshold, score_threshold=floor, max_output=most_or_all, offset=offset)
    else:
        keep = greedy.batched_nms(
            rows, marks, labels, iou_threshold, score_threshold=floor, max_output=most_or_all, offset=offset
        )
    return keep, None


def _soft_nms(
    rows: Any, marks: Any, labels: Any, iou_threshold: float = 0.3, sigma: float = 0.5, min_score: float = 1e-3,
    method: str = "linear", offset: int = 0,
) -> tuple[Any, Any]:  # fmt: skip
    way = as_choice(method, "method", _METHODS)
    threshold, width = as_threshold(iou_threshold), as_number(sigma, "sigma", above=0.0)
    reached = math.nextafter(threshold, 0.0)  # an IoU over it is at least the threshold
    floor = math.nextafter(rounded_like(as_number(min_score, "min_score", 0.0), marks), 0.0)
    if way == "naive":
        values = as_vector(marks, "scores")
        names = np.zeros(len(values), np.int64) if labels is None else labels
        keep = greedy.batched_nms(rows, marks, names, reached, score_threshold=floor, offset=offset)
        new_scores = values[keep]
    else:
        try:
            keep, new_scores = fusion.soft_nms(
                rows, marks, method=way, sigma=width, iou_threshold=reached, score_threshold=floor, labels=labels,
                offset=offset,
            )  # fmt: skip
        except (TypeError, ValueError):
            as_vector(marks, "scores")  # what is wrong with the scores is said first
            raise
    if not keep.size and (values := as_vector(marks, "scores")).size:  # the best box is not looked at
        keep = np.array([values.argmax()])
        new_scores = values[keep]
    return keep, new_scores


def _answer(boxes: Any, rows: Any, marks: Any, keep: Array, new_scores: Array | None) -> tuple[Any, Any]:
    """The kept boxes with their scores, and their indices."""
    rows, marks = _plain(rows, "boxes"), _plain(marks, "scores")
    dtype, count = rows.dtype, len(keep)
    ready = dtype is marks.dtype
    dets = np.empty((count, 5), dtype if ready else np.result_type(rows, marks))
    if count:  # "take" costs a fifth of an index, but copies what is not contiguous
        dets[:, :4] = rows.take(keep, 0) if rows.flags.c_contiguous else rows[keep]
        dets[:, 4] = marks.take(keep) if new_scores is None else new_scores
    if not (ready and (dtype is FLOAT64 or dtype is FLOAT32)):
        dets = narrowed(dets, rows, marks)
    return like(dets, boxes), like(keep, boxes)


def _plain(values: Any, name: str) -> Array:
    if type(values) is NDARRAY and values.dtype.kind == "f":
        return values
    return as_numbers(values, name)
