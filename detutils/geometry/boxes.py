"""Boxes one by one: formats, areas, clipping, and the ones too small to matter."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from detutils._jit import I8
from detutils._validate import (
    FLOAT32,
    Array,
    OnInvalid,
    as_boxes,
    as_choice,
    as_dropping,
    as_image_size,
    as_number,
    as_offset,
    raise_bad_conversion,
    valid_rows,
)
from detutils.geometry._kernels.boxes import areas, areas_float32, clip, clip_float32, convert, large_enough

BoxFormat: TypeAlias = Literal["xyxy", "xywh", "cxcywh", "xyxyn", "xywhn", "cxcywhn"]

_FORMATS: dict[BoxFormat, int] = {"xyxy": 0, "xywh": 1, "cxcywh": 2, "xyxyn": 4, "xywhn": 5, "cxcywhn": 6}
_LARGEST = {np.dtype(np.float64): float(np.finfo(np.float64).max), FLOAT32: float(np.finfo(np.float32).max)}


def box_convert(
    boxes: npt.ArrayLike,
    in_fmt: BoxFormat,
    out_fmt: BoxFormat,
    *,
    image_size: tuple[float, float] | None = None,
    on_invalid: OnInvalid = "raise",
) -> Array:
    """Rewrite boxes in another format.

    Parameters
    ----------
    boxes : (N, 4) array_like
        Boxes in ``in_fmt``, in pixels or in fractions of the image.
    in_fmt, out_fmt : {"xyxy", "xywh", "cxcywh", "xyxyn", "xywhn", "cxcywhn"}
        ``xyxy``: x1, y1, x2, y2. ``xywh``: x1, y1, width, height (COCO). ``cxcywh``: center, width, height.
        With an ``n`` at the end (YOLO's text files are ``cxcywhn``) x is divided by the image's width and y
        by its height.
    image_size : (height, width), optional
        In pixels. Needed where exactly one of the two formats is normalized.
    on_invalid : {"raise", "drop"}
        What becomes of a row that is not finite, has a negative width or height, or leaves the range of its dtype. With
        "drop" it is left out, and the result has fewer rows than ``boxes``: the valid ones, in their order. Scores and
        labels of the boxes are selected by the same rule, ``np.isfinite(boxes).all(axis=1)`` and ``boxes[:, 2:] >= 0``
        (``>= boxes[:, :2]`` for corners).

    Returns
    -------
    converted : (N, 4) ndarray
        A new array in the order of ``boxes``, with fewer rows where invalid ones were dropped; float32 if
        ``boxes`` is float32, else float64. Shape (0, 4) for no boxes. Rows without width or height are legal.
        Between equal formats the numbers are unchanged.

    Raises
    ------
    TypeError
        If ``boxes`` is not an array of real numbers, a format is not a string, or ``image_size`` is not a
        pair.
    ValueError
        If ``boxes`` is not (N, 4), a format is unknown, ``image_size`` is missing or not positive, or a row
        is not finite, has a negative width or height, or leaves the range of its dtype.

    See Also
    --------
    clip_boxes_to_image : Boxes that stick out of the image stick out afterwards, too.

    Notes
    -----
    One pass over the N boxes, in float64, rounded once. Corners and sizes are continuous (width = x2 - x1);
    formats do not depend on the inclusive-pixel rule.

    References
    ----------
    The names are those of ``torchvision.ops.box_convert``.

    Examples
    --------
    >>> import detutils
    >>> detutils.box_convert([[10, 20, 30, 60]], "xyxy", "cxcywh")
    array([[20., 40., 20., 40.]])
    >>> detutils.box_convert([[0.5, 0.5, 0.2, 0.4]], "cxcywhn", "xyxy", image_size=(480, 640))
    array([[256., 144., 384., 336.]])
    """
    rows = as_boxes(boxes, keep_float32=True, check_rows=False)
    source = _FORMATS[as_choice(in_fmt, "in_fmt", tuple(_FORMATS))]
    target = _FORMATS[as_choice(out_fmt, "out_fmt", tuple(_FORMATS))]
    dropping = as_dropping(on_invalid)
    height, width = 1.0, 1.0
    if image_size is not None:
        height, width = as_image_size(image_size)
    elif (source >= 4) != (target >= 4):
        raise ValueError(f"image_size=(height, width) is needed to convert {in_fmt!r} to {out_fmt!r}")
    wide = rows.astype(np.float64, copy=False)
    out = np.empty(rows.shape, np.float64)
    bad = convert(wide, source, target, height, width, _LARGEST[rows.dtype], out)
    if bad >= 0:
        if not dropping:
            raise_bad_conversion(rows, bad, in_fmt, out_fmt)
        out = out[~np.isnan(out[:, 0])]
    return out.astype(rows.dtype, copy=False)


def box_area(boxes: npt.ArrayLike, *, offset: int = 0) -> Array:
    """Areas of boxes.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule of R-CNN and the VOC devkit.

    Returns
    -------
    areas : (N,) ndarray
        In square pixels, in the order of ``boxes``; float32 if ``boxes`` is float32, else float64. Shape (0,)
        for no boxes, 0 for boxes without width or height (at ``offset=0``).

    Raises
    ------
    TypeError
        If ``boxes`` is not an array of real numbers.
    ValueError
        If ``boxes`` is not (N, 4), a row is not finite or has x2 < x1 or y2 < y1, or ``offset`` is neither 0
        nor 1.

    Notes
    -----
    Linear in N. Computed in float64 and rounded once; an area beyond float32's range becomes infinite there.

    References
    ----------
    ``offset=1`` is the ``+ 1`` of ``VOCevaldet.m`` in the VOC devkit.

    Examples
    --------
    >>> import detutils
    >>> detutils.box_area([[0, 0, 9, 4], [5, 5, 5, 8]])
    array([36.,  0.])
    >>> detutils.box_area([[0, 0, 9, 4]], offset=1)
    array([50.])
    """
    rows = as_boxes(boxes, keep_float32=True)
    added = as_offset(offset)
    if rows.dtype == FLOAT32:
        with np.errstate(over="ignore"):
            return areas_float32(rows, added).astype(np.float32)
    return areas(rows, added)


def clip_boxes_to_image(
    boxes: npt.ArrayLike, image_size: tuple[float, float], *, offset: int = 0, on_invalid: OnInvalid = "raise"
) -> Array:
    """Move the parts of boxes that lie outside the image onto its border.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    image_size : (height, width)
        In pixels, each greater than 0.
    offset : {0, 1}
        With 0, coordinates are clipped to 0 ... width and 0 ... height. With 1 (inclusive pixels) to 0 ...
        width - 1 and 0 ... height - 1.
    on_invalid : {"raise", "drop"}
        What becomes of a row that is not finite or has x2 < x1 or y2 < y1. With "drop" it is left out, and the result
        has fewer rows than ``boxes``: the valid ones, in their order. Scores and labels of the boxes are selected by
        the same rule, ``np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] >= boxes[:, :2]).all(axis=1)``.

    Returns
    -------
    clipped : (N, 4) ndarray
        A new array, every row of which is a box again (x1 <= x2, y1 <= y2), in the order of ``boxes``;
        float32 if ``boxes`` is float32, else float64. A box wholly outside becomes one without area. Shape
        (0, 4) for no boxes.

    Raises
    ------
    TypeError
        If ``boxes`` is not an array of real numbers or ``image_size`` is not a pair.
    ValueError
        If ``boxes`` is not (N, 4), a row is not finite or has x2 < x1 or y2 < y1, ``image_size`` is not
        positive, or ``offset`` is neither 0 nor 1.

    See Also
    --------
    remove_small_boxes : Finds what is worth keeping after the clipping.

    Notes
    -----
    Linear in N; clipping twice changes nothing. Coordinates at exactly 0, width or height stay.

    References
    ----------
    ``torchvision.ops.clip_boxes_to_image`` (``offset=0``) and ``clip_boxes`` of py-faster-rcnn
    (``offset=1``).

    Examples
    --------
    >>> import detutils
    >>> detutils.clip_boxes_to_image([[-5, 10, 700, 500]], (480, 640))
    array([[  0.,  10., 640., 480.]])
    >>> detutils.clip_boxes_to_image([[-5, 10, 700, 500]], (480, 640), offset=1)
    array([[  0.,  10., 639., 479.]])
    """
    dropping = as_dropping(on_invalid)
    rows = as_boxes(boxes, keep_float32=True, check_rows=not dropping)
    height, width = as_image_size(image_size)
    added = as_offset(offset)
    if dropping:
        rows = rows[valid_rows(rows.astype(np.float64, copy=False))]
    right, bottom = max(width - added, 0.0), max(height - added, 0.0)
    return clip_float32(rows, right, bottom) if rows.dtype == FLOAT32 else clip(rows, right, bottom)


def remove_small_boxes(boxes: npt.ArrayLike, min_size: float, *, offset: int = 0) -> I8:
    """Find the boxes that are at least so wide and so high.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    min_size : float
        Smallest width and height to keep, in pixels, at least 0. A side of exactly ``min_size`` is kept.
    offset : {0, 1}
        Added to widths and heights before they are compared; 1 is the inclusive-pixel rule.

    Returns
    -------
    keep : (K,) int64 ndarray
        Indices of the boxes to keep, ascending. Shape (0,) for no boxes.

    Raises
    ------
    TypeError
        If ``boxes`` is not an array of real numbers or ``min_size`` is not a number.
    ValueError
        If ``boxes`` is not (N, 4), a row is not finite or has x2 < x1 or y2 < y1, ``min_size`` is negative or
        not finite, or ``offset`` is neither 0 nor 1.

    Notes
    -----
    Linear in N. Sides are compared in float64 whatever the dtype of ``boxes``.

    References
    ----------
    ``torchvision.ops.remove_small_boxes``; with ``offset=1`` ``_filter_boxes`` of py-faster-rcnn's proposal
    layer.

    Examples
    --------
    >>> import detutils
    >>> detutils.remove_small_boxes([[0, 0, 10, 10], [0, 0, 3, 50], [0, 0, 4, 4]], 4)
    array([0, 2])
    """
    rows = as_boxes(boxes)
    return large_enough(rows, as_number(min_size, "min_size", 0.0), as_offset(offset))
