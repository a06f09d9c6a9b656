"""``torchvision.ops.boxes``, each function by the function of detutils (see ``detutils.compat.torchvision``)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from detutils._validate import (
    FLOAT32,
    FLOAT64,
    Array,
    as_array as as_numbers,
    as_choice,
    as_image_size,
    as_labels,
    as_number,
    plain_array,
)
from detutils.compat.tensors import as_array, as_integers, like, like_in_dtype, narrowed, rounded_like
from detutils.geometry import boxes as plain, overlaps
from detutils.suppression import greedy

_Format: TypeAlias = Literal["xyxy", "xywh", "cxcywh"]
_FORMATS: tuple[_Format, ...] = ("xyxy", "xywh", "cxcywh")
_NEGLIGIBLE = 2.0**24  # what is so many times smaller than a number does not change it in float32
_EPS = 1e-7
_REACH = math.sqrt(_EPS * _NEGLIGIBLE)
_TINY = 5e-324


def _rows_of(boxes: Any) -> tuple[Any, tuple[int, ...]]:
    """Boxes with any leading dimensions as (N, 4), and their shape."""
    rows = as_array(boxes)
    if isinstance(rows, (list, tuple)):
        rows = as_numbers(rows, "boxes")
    if isinstance(rows, np.ndarray) and rows.ndim != 2 and rows.ndim and rows.shape[-1] == 4:
        return rows.reshape(-1, 4), rows.shape
    return rows, getattr(rows, "shape", ())


# ---- suppression -----------------------------------------------------------------------------------------------------


def nms(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    """Non-maximum suppression: ``torchvision.ops.nms``.

    Parameters
    ----------
    boxes : (N, 4) tensor or array_like
        x1, y1, x2, y2.
    scores : (N,) tensor or array_like
        Higher is better.
    iou_threshold : float
        In [0, 1]. Boxes with IoU > ``iou_threshold`` with a kept box are suppressed.

    Returns
    -------
    keep : (K,) int64 tensor or ndarray
        Indices of the kept boxes by decreasing score, ties by index.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, a row is not finite or has x2 < x1 or y2 < y1, or the threshold is outside [0, 1].

    See Also
    --------
    detutils.nms : With more options.

    Examples
    --------
    >>> from detutils.compat.torchvision import ops
    >>> ops.nms([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], [0.8, 0.9, 0.7], 0.5)
    array([1, 2])
    """
    return like(greedy.nms(as_array(boxes), as_array(scores), iou_threshold), boxes)


def batched_nms(boxes: Any, scores: Any, idxs: Any, iou_threshold: float) -> Any:
    """Non-maximum suppression within each class: ``torchvision.ops.batched_nms``.

    Parameters
    ----------
    boxes : (N, 4) tensor or array_like
        x1, y1, x2, y2. Where there are none the other arguments are not looked at.
    scores : (N,) tensor or array_like
        Higher is better.
    idxs : (N,) tensor or array_like
        The class of each box: integers, booleans, or floats, whole or not.
    iou_threshold : float
        In [0, 1]. Boxes with IoU > ``iou_threshold`` with a kept box of their class are suppressed.

    Returns
    -------
    keep : (K,) int64 tensor or ndarray
        Indices of the kept boxes by decreasing score over all classes, ties by index.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, a row is not finite or has x2 < x1 or y2 < y1, or the threshold is outside [0, 1].

    See Also
    --------
    detutils.batched_nms : With more options.

    Examples
    --------
    >>> from detutils.compat.torchvision import ops
    >>> ops.batched_nms([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 8]], [0.7, 0.9, 0.8], [0, 0, 1], 0.5)
    array([1, 2])
    """
    rows = as_array(boxes)
    if isinstance(rows, np.ndarray) and rows.size == 0:
        return like(np.empty(0, np.int64), boxes)
    return like(greedy.batched_nms(rows, as_array(scores), _as_classes(as_array(idxs), rows), iou_threshold), boxes)


def _as_classes(labels: Any, boxes: Any) -> Any:
    """Booleans as 0 and 1, floats that are not whole by their ranks."""
    if isinstance(labels, np.ndarray) and labels.dtype.kind in "bf" and labels.shape == getattr(boxes, "shape", ())[:1]:
        if labels.dtype.kind == "b":
            return labels.astype(np.int64)
        if np.isfinite(labels).all() and not np.array_equal(np.rint(labels), labels):
            return np.unique(labels, return_inverse=True)[1]
    return as_labels(labels, "idxs")


# ---- one by one ------------------------------------------------------------------------------------------------------


def remove_small_boxes(boxes: Any, min_size: float) -> Any:
    """Find the boxes whose sides are not too short: ``torchvision.ops.remove_small_boxes``.

    Parameters
    ----------
    boxes : (N, 4) tensor or array_like
        x1, y1, x2, y2.
    min_size : float
        At least 0. A side of exactly ``min_size`` is long enough.

    Returns
    -------
    keep : (K,) int64 tensor or ndarray
        Indices of the boxes to keep, ascending.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, a row is not finite or has x2 < x1 or y2 < y1, or ``min_size`` is negative.

    Examples
    --------
    >>> from detutils.compat.torchvision import ops
    >>> ops.remove_small_boxes([[0, 0, 10, 10], [0, 0, 3, 50], [0, 0, 4, 4]], 4)
    array([0, 2])
    """
    rows = as_array(boxes)
    return like(plain.remove_small_boxes(rows, rounded_like(as_number(min_size, "min_size", 0.0), rows)), boxes)


def clip_boxes_to_image(boxes: Any, size: tuple[int, int]) -> Any:
    """Clip boxes to an image: ``torchvision.ops.clip_boxes_to_image``.

    Parameters
    ----------
    boxes : (..., 4) or (..., 4 C) tensor or array_like
        x1, y1, x2, y2; with C classes, the four coordinates of each side by side.
    size : (height, width)
        In pixels, each greater than 0.

    Returns
    -------
    clipped : tensor or ndarray
        Of the shape and dtype of ``boxes``; float32 where those are integers and ``size`` is not.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, a row is not finite or has x2 < x1 or y2 < y1, or ``size`` is not positive.

    Examples
    --------
    >>> from detutils.compat.torchvision import ops
    >>> ops.clip_boxes_to_image([[-5.0, 10.0, 700.0, 500.0]], (480, 640))
    array([[  0.,  10., 640., 480.]])
    """
    limits = as_array(size)
    rows, shape = _rows_of(boxes)
    if isinstance(rows, np.ndarray) and rows.ndim and shape[-1] != 4 and shape[-1] and shape[-1] % 4 == 0:
        rows = rows.reshape(-1, 4)
    try:
        clipped = plain.clip_boxes_to_image(rows, limits).reshape(shape or (-1, 4))
    except (TypeError, ValueError):
        as_image_size(limits, "size")  # if that is what is wrong, by its name here
        raise
    if isinstance(rows, np.ndarray) and rows.dtype.kind in "iu":
        if not all(isinstance(side, (int, np.integer)) for side in limits):
            return like(clipped.astype(FLOAT32), boxes)
    return like_in_dtype(clipped, boxes, rows, "boxes")


def box_convert(boxes: Any, in_fmt: str, out_fmt: str) -> Any:
    """Rewrite boxes in another format: ``torchvision.ops.box_convert``.

    Parameters
    ----------
    boxes : (..., 4) tensor or array_like
        Boxes in ``in_fmt``.
    in_fmt, out_fmt : {"xyxy", "xywh", "cxcywh"}
        Corners; corner, width and height; center, width and height.

    Returns
    -------
    converted : (..., 4) tensor or ndarray
        A copy, of the dtype of ``boxes``; float32 where those are integers and centers take part.

    Raises
    ------
    TypeError
        If ``boxes`` are not numbers or a format is no string.
    ValueError
        If a shape is wrong, a format is unknown, a row is not finite or has a negative width or height, or integers
        leave the range of their dtype.

    See Also
    --------
    detutils.box_convert : Knows normalized formats.

    Examples
    --------
    >>> from detutils.compat.torchvision import ops
    >>> ops.box_convert([[10.0, 20.0, 30.0, 60.0]], "xyxy", "cxcywh")
    array([[20., 40., 20., 40.]])
    """
    source, target = as_choice(in_fmt, "in_fmt", _FORMATS), as_choice(out_fmt, "out_fmt", _FORMATS)
    rows, shape = _rows_of(boxes)
    converted = plain.box_convert(rows, source, target).reshape(shape or (-1, 4))
    whole = isinstance(rows, np.ndarray) and rows.dtype.kind in "iu"
    if whole and source != target and "cxcywh" in (source, target):
        return like(converted.astype(FLOAT32), boxes)
    return like_in_dtype(converted, boxes, rows, "boxes")


def box_area(boxes: Any, fmt: str = "xyxy") -> Any:
    """Areas of boxes: ``torchvision.ops.box_area``.

    Parameters
    ----------
    boxes : (N, 4) tensor or array_like
        Boxes in ``fmt``.
    fmt : {"xyxy", "xywh", "cxcywh"}
        Their format, as in newer torchvision.

    Returns
    -------
    areas : (N,) tensor or ndarray
        Of the dtype of ``boxes`` where that is float64, int64 or int32; else float32 or int32.

    Raises
    ------
    TypeError
        If ``boxes`` are not numbers or ``fmt`` is no string.
    ValueError
        If a shape is wrong, ``fmt`` is unknown, a row is not finite or has a negative side, or the areas of integers
        leave the range of their dtype.

    Examples
    --------
    >>> from detutils.compat.torchvision import ops
    >>> ops.box_area([[0.0, 0.0, 9.0, 4.0], [5.0, 5.0, 5.0, 8.0]])
    array([36.,  0.])
    """
    rows = as_array(boxes)
    areas = plain.box_area(_as_corners(rows, fmt))
    if isinstance(rows, np.ndarray) and rows.dtype.kind in "iu":
        areas = as_integers(areas, np.dtype(np.int64 if rows.dtype == np.int64 else np.int32), "areas of boxes")
    return like(narrowed(areas, rows), boxes)


# ---- matrices --------------------------------------------------------------------------------------------------------


def _as_corners(rows: Any, fmt: str) -> Any:
    source = as_choice(fmt, "fmt", _FORMATS)
    return rows if source == "xyxy" else plain.box_convert(rows, source, "xyxy")


def _matrix(of: Callable[[Any, Any], Array], boxes1: Any, boxes2: Any, fmt: str = "xyxy") -> Any:
    first, second = as_array(boxes1), as_array(boxes2)
    if type(fmt) is str and fmt == "xyxy":
        answer = of(first, second)
    else:
        answer = of(_as_corners(first, fmt), _as_corners(second, fmt))
    if answer.dtype is FLOAT64:
        answer = narrowed(answer, first, second)
    return like(answer, boxes1)


def box_iou(boxes1: Any, boxes2: Any, fmt: str = "xyxy") -> Any:
    """Intersection over union, every box with every box: ``torchvision.ops.box_iou``.

    Parameters
    ----------
    boxes1 : (N, 4) tensor or array_like
        Boxes in ``fmt``.
    boxes2 : (M, 4) tensor or array_like
        Boxes in ``fmt``.
    fmt : {"xyxy", "xywh", "cxcywh"}
        Their format, as in newer torchvision.

    Returns
    -------
    iou : (N, M) tensor or ndarray
        float64 if either input is, else float32. 0 where the union has no area.

    Raises
    ------
    TypeError
        If an input is not of numbers or ``fmt`` is no string.
    ValueError
        If a shape is wrong, ``fmt`` is unknown, or a row is not finite or has a negative side.

    See Also
    --------
    detutils.box_iou : With ``out=`` and ``workers=``.

    Examples
    --------
    >>> from detutils.compat.torchvision import ops
    >>> ops.box_iou([[0.0, 0.0, 10.0, 10.0]], [[0.0, 0.0, 10.0, 5.0], [20.0, 20.0, 30.0, 30.0]])
    array([[0.5, 0. ]])
    """
    return _matrix(overlaps.box_iou, boxes1, boxes2, fmt)


def generalized_box_iou(boxes1: Any, boxes2: Any) -> Any:
    """Generalized IoU, every box with every box: ``torchvision.ops.generalized_box_iou``.

    Parameters
    ----------
    boxes1 : (N, 4) tensor or array_like
        x1, y1, x2, y2.
    boxes2 : (M, 4) tensor or array_like
        x1, y1, x2, y2.

    Returns
    -------
    giou : (N, M) tensor or ndarray
        float64 if either input is, else float32. 0 where the hull has no area.

    Raises
    ------
    TypeError
        If an input is not of numbers.
    ValueError
        If a shape is wrong or a row is not finite or has x2 < x1 or y2 < y1.

    Examples
    --------
    >>> from detutils.compat.torchvision import ops
    >>> ops.generalized_box_iou([[0.0, 0.0, 10.0, 10.0]], [[5.0, 0.0, 20.0, 10.0]])
    array([[0.25]])
    """
    return _matrix(overlaps.generalized_box_iou, boxes1, boxes2)


def distance_box_iou(boxes1: Any, boxes2: Any, eps: float = _EPS) -> Any:
    """Distance IoU, every box with every box: ``torchvision.ops.distance_box_iou``.

    Parameters
    ----------
    boxes1 : (N, 4) tensor or array_like
        x1, y1, x2, y2.
    boxes2 : (M, 4) tensor or array_like
        x1, y1, x2, y2.
    eps : float
        Added to the squared diagonal of the hull, by which the squared distance is divided. At least 0.

    Returns
    -------
    diou : (N, M) tensor or ndarray
        float64 if either input is, else float32.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, a row is not finite or has x2 < x1 or y2 < y1, or ``eps`` is negative.

    Examples
    --------
    >>> from detutils.compat.torchvision import ops
    >>> ops.distance_box_iou([[0.0, 0.0, 10.0, 10.0]], [[0.0, 0.0, 10.0, 5.0]])
    array([[0.46875]])
    """
    return _matrix(_with_eps(overlaps.distance_box_iou, eps), boxes1, boxes2)


def complete_box_iou(boxes1: Any, boxes2: Any, eps: float = _EPS) -> Any:
    """Complete IoU, every box with every box: ``torchvision.ops.complete_box_iou``.

    Parameters
    ----------
    boxes1 : (N, 4) tensor or array_like
        x1, y1, x2, y2.
    boxes2 : (M, 4) tensor or array_like
        x1, y1, x2, y2.
    eps : float
        Added to the squared diagonal of the hull, by which the squared distance is divided. At least 0.

    Returns
    -------
    ciou : (N, M) tensor or ndarray
        float64 if either input is, else float32.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, a row is not finite or has x2 < x1 or y2 < y1, or ``eps`` is negative.

    Examples
    --------
    >>> from detutils.compat.torchvision import ops
    >>> ops.complete_box_iou([[0.0, 0.0, 10.0, 10.0]], [[0.0, 0.0, 10.0, 5.0]]).round(4)
    array([[0.4655]])
    """
    return _matrix(_with_eps(overlaps.complete_box_iou, eps), boxes1, boxes2)


def _with_eps(of: Callable[[Any, Any], Array], eps: float) -> Callable[[Any, Any], Array]:
    """A measure whose penalty for the distance d^2 / c^2 becomes d^2 / (c^2 + eps).

    The diagonal of a hull is as long as a side of either box: with longer sides eps changes nothing in float32.
    """
    small, reach = _EPS, _REACH
    if eps is not _EPS:
        small = as_number(as_array(eps), "eps", 0.0)
        reach = math.sqrt(small * _NEGLIGIBLE)

    def measure(first: Any, second: Any) -> Array:
        answer = of(first, second)
        if _has_long_sides(first, reach) or _has_long_sides(second, reach):
            return answer
        a, b = (as_numbers(rows, "boxes").astype(np.float64).reshape(-1, 4) for rows in (first, second))
        hull = np.maximum(a[:, None, 2:], b[:, 2:]) - np.minimum(a[:, None, :2], b[:, :2])
        diagonal = np.square(hull).sum(axis=2)
        penalty = overlaps.box_iou(a, b) - overlaps.distance_box_iou(a, b)
        share = small / np.maximum(diagonal + small, _TINY)
        return cast("Array", answer + penalty * share)

    return measure


def _has_long_sides(rows: Any, reach: float) -> bool:
    if type(rows) is not np.ndarray or not rows.size:
        return False
    return bool(np.minimum.reduce(rows[:, 2] - rows[:, 0]) > reach)  # in a third of the time of the method


# ---- masks -----------------------------------------------------------------------------------------------------------


def masks_to_boxes(masks: Any) -> Any:
    """The boxes around masks: ``torchvision.ops.masks_to_boxes``.

    Parameters
    ----------
    masks : (N, H, W) tensor or array_like of bool or numbers
        What is not 0 belongs to the mask.

    Returns
    -------
    boxes : (N, 4) float32 tensor or ndarray
        The columns and rows of the first and last pixels (x2 and y2 lie inside the mask). Shape (0, 4) where there is
        no pixel at all.

    Raises
    ------
    TypeError
        If ``masks`` are not numbers or booleans.
    ValueError
        If ``masks`` is not (N, H, W) or a mask is empty.

    Examples
    --------
    >>> from detutils.compat.torchvision import ops
    >>> ops.masks_to_boxes([[[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0]]])
    array([[1., 1., 2., 2.]], dtype=float32)
    """
    pixels = plain_array(as_array(masks), "masks")
    if pixels.dtype.kind not in "biuf":
        raise TypeError(f"masks must hold booleans or numbers, got dtype {pixels.dtype}")
    if pixels.ndim != 3:
        raise ValueError(f"masks must have shape (N, H, W), got {pixels.shape}")
    if pixels.size == 0:
        return like(np.zeros((0, 4), FLOAT32), masks)
    marked = pixels != 0
    columns, rows = marked.any(axis=1), marked.any(axis=2)
    bad = np.flatnonzero(~rows.any(axis=1))
    if bad.size:
        raise ValueError(f"masks[{bad[0]}] is empty")
    height, width = pixels.shape[1:]
    x1, y1 = columns.argmax(axis=1), rows.argmax(axis=1)
    x2, y2 = width - 1 - columns[:, ::-1].argmax(axis=1), height - 1 - rows[:, ::-1].argmax(axis=1)
    return like(np.stack([x1, y1, x2, y2], axis=1).astype(FLOAT32), masks)
