"""Overlaps of convex quadrilaterals, as text detectors find them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from detutils._jit import F8
from detutils._validate import FLOAT32, Array, as_workers
from detutils.geometry._kernels import quadrilaterals as kernels
from detutils.geometry.rotated import as_corners
from detutils.geometry.rotated_overlaps import IOU, Measure, as_measure, as_zeros, is_short

_PAIRS_A_SLICE = 1 << 19  # a tenth of a second at most: Ctrl-C is heard between two slices


def as_quads(boxes: Any, name: str = "boxes") -> F8:
    """(N, 8) corners of convex quadrilaterals, all in one sense."""
    corners = as_corners(boxes, name)
    quads = np.empty_like(corners)
    bad = kernels.put_in_order(corners, quads)
    if bad >= 0:
        raise ValueError(f"{name}[{bad}] does not go around a convex quadrilateral: {corners[bad].tolist()}")
    return quads


def quadrilateral_iou(
    boxes1: npt.ArrayLike,
    boxes2: npt.ArrayLike,
    *,
    metric: Measure = IOU,
    out: Array | None = None,
    workers: int = 1,
) -> Array:
    """Intersection over union, or another measure, of every convex quadrilateral of one set with every one of another.

    Parameters
    ----------
    boxes1 : (N, 8) array_like
        x1, y1, ... x4, y4 in pixels, the corners in either sense.
    boxes2 : (M, 8) array_like
        x1, y1, ... x4, y4 in pixels, the corners in either sense.
    metric : {"iou", "ioa", "ios", "giou"}, default "iou"
        "iou": the area of the intersection over that of the union; "ioa": over the area of that of ``boxes1``; "ios":
        over the smaller of the two areas; "giou": IoU - area(hull minus union) / area(hull), with the convex hull of
        both.
    out : (N, M) ndarray, optional
        Where to write the result: C-contiguous, of the result's dtype, sharing no memory with the boxes.
    workers : int
        Threads among which the rows are divided; -1 for every core. The result is the same for any number.

    Returns
    -------
    overlap : (N, M) ndarray
        Between 0 and 1, GIoU above -1; ``out`` if it was given. float32 if both inputs are float32, else float64.
        Where the divisor has no area the result is 0. Shape (0, M), (N, 0) or (0, 0) where a set is empty.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, ``out`` is no ndarray or ``workers`` no integer.
    ValueError
        If an input is not (N, 8), a row is not finite or its corners do not go around a convex quadrilateral, a word
        is unknown, or ``out`` has the wrong shape, dtype or layout.
    MemoryError
        If the matrix is larger than the memory that is free.

    See Also
    --------
    rotated_box_iou : Of rectangles: quicker, and exact for thin ones.
    rotated_box_convert : Makes rectangles of four corners.

    Notes
    -----
    Each pair whose upright hulls meet is clipped, in float64; the error is about 1e-15 of the square of the longer
    diagonal over the area of the union. Corners may lie on a line or coincide: triangles are legal.

    References
    ----------
    I. E. Sutherland and G. W. Hodgman, "Reentrant polygon clipping", Communications of the ACM 17, 1974.

    Examples
    --------
    >>> import detutils
    >>> detutils.quadrilateral_iou([[0, 0, 4, 0, 4, 4, 0, 4]], [[2, 0, 6, 0, 6, 4, 2, 4], [0, 0, 4, 0, 4, 4, 4, 4]])
    array([[0.33333333, 0.5       ]])
    """
    kind = as_measure(metric)
    first, second = as_quads(boxes1, "boxes1"), as_quads(boxes2, "boxes2")
    threads, shape = as_workers(workers), (len(first), len(second))
    result = as_zeros(out, shape, is_short(boxes1, boxes2), boxes1, boxes2)
    order = np.argsort(second[:, 0::2].min(axis=1)) if len(second) else np.empty(0, np.int64)
    step = max(1, min(-(-shape[0] // threads), _PAIRS_A_SLICE // max(shape[1], 1)))

    def fill(start: int) -> None:
        rows, to = first[start : start + step], result[start : start + step]
        wide = np.zeros(to.shape) if to.dtype == FLOAT32 else to
        kernels.quad_matrix(kind, rows, second, order, wide)
        if wide is not to:
            to[:] = wide

    if threads == 1:
        for start in range(0, shape[0], step):
            fill(start)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, range(0, shape[0], step)))
    return result


def aligned_quadrilateral_iou(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike, *, metric: Measure = IOU) -> Array:
    """``quadrilateral_iou`` of the i-th quadrilateral of one set with the i-th of another.

    Parameters
    ----------
    boxes1 : (N, 8) array_like
        x1, y1, ... x4, y4 in pixels, the corners in either sense.
    boxes2 : (N, 8) array_like
        x1, y1, ... x4, y4 in pixels, the corners in either sense.
    metric : {"iou", "ioa", "ios", "giou"}, default "iou"
        As in ``quadrilateral_iou``.

    Returns
    -------
    overlap : (N,) ndarray
        float32 if both inputs are float32, else float64. Shape (0,) for no boxes.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers.
    ValueError
        If an input is not (N, 8), a row is not finite or not convex, the lengths differ, or ``metric`` is unknown.

    See Also
    --------
    quadrilateral_iou : Every one with every other one.

    Notes
    -----
    Linear in N.

    References
    ----------
    I. E. Sutherland and G. W. Hodgman, "Reentrant polygon clipping", Communications of the ACM 17, 1974.

    Examples
    --------
    >>> import detutils
    >>> detutils.aligned_quadrilateral_iou([[0, 0, 4, 0, 4, 4, 0, 4]], [[0, 0, 4, 0, 4, 4, 4, 4]], metric="ios")
    array([1.])
    """
    kind = as_measure(metric)
    first, second = as_quads(boxes1, "boxes1"), as_quads(boxes2, "boxes2")
    if len(first) != len(second):
        raise ValueError(f"boxes1 and boxes2 must have the same length, got {len(first)} and {len(second)}")
    result = np.empty(len(first))
    kernels.quad_rows(kind, first, second, result)
    return result.astype(FLOAT32) if is_short(boxes1, boxes2) else result
