"""How much rotated boxes overlap: pairwise and row by row."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from detutils._jit import F8, I8, Direct
from detutils._validate import FLOAT32, INT64, Array, as_choice, as_out, as_workers, check_apart
from detutils.geometry._kernels import rotated_overlaps as kernels
from detutils.geometry.rotated import CCW_DEG, Angle, as_angle, as_rotated_rows, prepared, raise_bad_rotated

Measure: TypeAlias = Literal["iou", "ioa", "ios", "giou"]

IOU: Measure = "iou"
MEASURES: dict[str, int] = {"iou": kernels.IOU, "ioa": kernels.IOA, "ios": kernels.IOS, "giou": kernels.GIOU}
_FEW = Direct(kernels.matrix_of_few)
_SMALL = 64  # boxes up to which their order does not matter
_PAIRS_A_SLICE = 1 << 22  # at most a tenth of a second: Ctrl-C is heard between two slices


def as_measure(metric: Any) -> int:
    """The kernels' number of a measure."""
    return MEASURES[metric if metric is IOU else as_choice(metric, "metric", tuple(MEASURES))]


def is_short(*boxes: Any) -> bool:
    """Whether all are float32, so that the result is."""
    return all(isinstance(array, np.ndarray) and array.dtype == FLOAT32 for array in boxes)


def in_neighborhoods(centers: F8) -> I8:
    """The rows in strips along x, in each along y, so that those that follow one another lie near one another."""
    n = len(centers)
    if n <= _SMALL:
        return np.arange(n)
    order = np.argsort(centers[:, 0])
    strips = np.arange(n) * (int((n / kernels.LANES) ** 0.5) + 1) // n
    rows: I8 = order[np.lexsort((centers[order, 1], strips))].astype(INT64, copy=False)
    return rows


def fill_matrix(kind: int, first: F8, second: F8, result: Array, workers: int) -> None:
    """Write the measure of every prepared box with every other into a result of zeros."""
    n, m = result.shape
    order = in_neighborhoods(second)
    step = max(1, min(-(-n // workers), _PAIRS_A_SLICE // max(m, 1)))

    def fill(start: int) -> None:
        rows, to = first[start : start + step], result[start : start + step]
        if result.dtype == FLOAT32:
            wide = np.zeros(to.shape)
            kernels.matrix(kind, rows, second, order, wide)
            to[:] = wide
        else:
            kernels.matrix(kind, rows, second, order, to)

    if workers == 1:
        for start in range(0, n, step):
            fill(start)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(fill, range(0, n, step)))


def aligned_measure(kind: int, first: F8, second: F8) -> F8:
    """The measure of the i-th prepared box of one set and the i-th of another."""
    result = np.empty(len(first))
    kernels.aligned(kind, first, second, result)
    return result


def as_zeros(out: Array | None, shape: tuple[int, int], short: bool, *inputs: Any) -> Array:
    """``out``, which may share no memory with the inputs, or a new matrix, of zeros."""
    if out is None and shape[0] * shape[1] <= _PAIRS_A_SLICE:
        return np.zeros(shape, np.float32 if short else np.float64)  # memory from the system is zeros already
    result = as_out(out, shape, np.float32 if short else np.float64, of="boxes1 and boxes2")
    check_apart(out, "out", *(array for array in inputs if isinstance(array, np.ndarray)))
    result[:] = 0.0
    return result


def rotated_box_iou(
    boxes1: npt.ArrayLike,
    boxes2: npt.ArrayLike,
    *,
    angle: Angle = CCW_DEG,
    metric: Measure = IOU,
    out: Array | None = None,
    workers: int = 1,
) -> Array:
    """Intersection over union, or another measure, of every rotated box of one set with every one of another.

    Parameters
    ----------
    boxes1 : (N, 5) array_like
        cx, cy, w, h in pixels and the angle.
    boxes2 : (M, 5) array_like
        cx, cy, w, h in pixels and the angle.
    angle : {"ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default "ccw-deg"
        Unit of the angle and the sense in which it turns a box, as seen on the screen with y downward: see
        ``rotated_box_convert``. The same numbers read in the other sense give other overlaps.
    metric : {"iou", "ioa", "ios", "giou"}, default "iou"
        "iou": the area of the intersection over that of the union; "ioa": over the area of the box of ``boxes1``;
        "ios": over the smaller of the two areas; "giou": IoU - area(hull minus union) / area(hull), with the convex
        hull of both.
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
        If an input is not (N, 5), a row is not finite or has a negative width or height, a word is unknown, or
        ``out`` has the wrong shape, dtype or layout.
    MemoryError
        If the matrix is larger than the memory that is free.

    See Also
    --------
    aligned_rotated_box_iou : Row by row.
    quadrilateral_iou : Of any convex quadrilaterals.

    Notes
    -----
    The error is a few units in the last place, also for boxes that nearly coincide, share edges, are 10,000 times as
    long as wide or lie far from the origin: no corner of the intersection is computed (Green's theorem around one
    box, clipped to the other). Exchanging the sets transposes IoU, IoS and GIoU to the last bit; a box has an IoU of
    exactly 1 with itself, in each of its spellings in degrees. The time is that of the pairs whose upright hulls meet,
    and of writing the matrix.

    References
    ----------
    G. Green, "An essay on the application of mathematical analysis to the theories of electricity and magnetism", 1828
    (area as an integral along the boundary); H. Rezatofighi et al., "Generalized intersection over union", CVPR 2019.

    Examples
    --------
    >>> import detutils
    >>> detutils.rotated_box_iou([[50, 50, 40, 20, 30]], [[50, 50, 40, 20, 30], [50, 50, 20, 40, 120]]).tolist()
    [[1.0, 1.0]]
    >>> detutils.rotated_box_iou([[0, 0, 2, 2, 0]], [[0, 0, 2, 2, 45], [2, 0, 2, 2, 0]]).round(4)
    array([[0.7071, 0.    ]])
    """
    kind, (degrees, clockwise) = as_measure(metric), as_angle(angle)
    rows, others = as_rotated_rows(boxes1, "boxes1"), as_rotated_rows(boxes2, "boxes2")
    shape, short = (len(rows), len(others)), rows is not boxes1 and is_short(boxes1, boxes2)
    if out is None and shape[0] <= _SMALL >= shape[1] and not short and type(workers) is int and workers == 1:
        result = np.empty(shape)
        bad = _FEW.call(kind, rows, others, degrees, clockwise, result)
        if bad < 0:
            return result
        raise_bad_rotated(*((rows, bad, "boxes1") if bad < len(rows) else (others, bad - len(rows), "boxes2")))
    threads = as_workers(workers)
    first, second = prepared(rows, degrees, clockwise, "boxes1"), prepared(others, degrees, clockwise, "boxes2")
    result = as_zeros(out, shape, short, boxes1, boxes2)
    fill_matrix(kind, first, second, result, threads)
    return result


def aligned_rotated_box_iou(
    boxes1: npt.ArrayLike, boxes2: npt.ArrayLike, *, angle: Angle = CCW_DEG, metric: Measure = IOU
) -> Array:
    """``rotated_box_iou`` of the i-th box of one set with the i-th box of another.

    Parameters
    ----------
    boxes1 : (N, 5) array_like
        cx, cy, w, h in pixels and the angle.
    boxes2 : (N, 5) array_like
        cx, cy, w, h in pixels and the angle.
    angle : {"ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default "ccw-deg"
        Unit and sense of the angle: see ``rotated_box_convert``.
    metric : {"iou", "ioa", "ios", "giou"}, default "iou"
        As in ``rotated_box_iou``.

    Returns
    -------
    overlap : (N,) ndarray
        float32 if both inputs are float32, else float64; bit for bit the diagonal of the matrix. Shape (0,) for no
        boxes.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers.
    ValueError
        If an input is not (N, 5), a row is not finite or has a negative width or height, the lengths differ, or a word
        is unknown.

    See Also
    --------
    rotated_box_iou : Every box with every other box; what is said there of errors holds here.

    Notes
    -----
    Linear in N.

    References
    ----------
    H. Rezatofighi et al., "Generalized intersection over union", CVPR 2019 (for GIoU).

    Examples
    --------
    >>> import detutils
    >>> detutils.aligned_rotated_box_iou([[0, 0, 4, 2, 0]], [[0, 0, 4, 2, 90]])
    array([0.33333333])
    """
    kind, (degrees, clockwise) = as_measure(metric), as_angle(angle)
    rows, others = as_rotated_rows(boxes1, "boxes1"), as_rotated_rows(boxes2, "boxes2")
    first, second = prepared(rows, degrees, clockwise, "boxes1"), prepared(others, degrees, clockwise, "boxes2")
    if len(first) != len(second):
        raise ValueError(f"boxes1 and boxes2 must have the same length, got {len(first)} and {len(second)}")
    result = aligned_measure(kind, first, second)
    return result.astype(FLOAT32) if is_short(boxes1, boxes2) else result
