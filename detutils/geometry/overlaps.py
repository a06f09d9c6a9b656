"""How much every box of one set overlaps every box of another: five measures, (N, M) matrices."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from detutils._jit import Direct
from detutils._validate import (
    FLOAT32,
    Array,
    as_box_pair,
    as_offset,
    as_out,
    as_workers,
    check_apart,
    is_ready_pair,
    raise_bad_box,
)
from detutils.geometry._kernels import overlaps as kernels

_IOU_MATRIX = Direct(kernels.iou_matrix), Direct(kernels.iou_matrix_float32)
_MATRIX = Direct(kernels.matrix), Direct(kernels.matrix_float32)
_IOU, _IOA, _GIOU, _DIOU, _CIOU = (
    int(kind) for kind in (kernels.IOU, kernels.IOA, kernels.GIOU, kernels.DIOU, kernels.CIOU)
)

_DEFAULT_OFFSET, _DEFAULT_WORKERS = 0, 1  # known by identity, a small call has no time to check them
_PAIRS_A_SLICE = 1 << 25  # some hundredths of a second: Ctrl-C is heard between two slices
_PAIRS_IN_FLOAT64 = 1 << 20  # so many at a time where a float32 matrix has to be computed in float64


def _pairwise(kind: int, boxes1: Any, boxes2: Any, offset: int, out: Array | None, workers: int) -> Array:
    """What the five functions have in common."""
    if not is_ready_pair(boxes1, boxes2):
        boxes1, boxes2 = as_box_pair(boxes1, boxes2, check_rows=False)
    added = 0.0 if offset is _DEFAULT_OFFSET else as_offset(offset)
    threads = 1 if workers is _DEFAULT_WORKERS else as_workers(workers)
    shape, dtype = (len(boxes1), len(boxes2)), boxes1.dtype
    small = threads == 1 and shape[0] * shape[1] <= _PAIRS_A_SLICE
    if small and out is None:
        result = np.empty(shape, dtype)
    else:
        result = as_out(out, shape, dtype, of="boxes1 and boxes2")
        check_apart(out, "out", boxes1, boxes2)
    if small:  # the kernel looks at the rows itself, because small calls have no time for another pass
        if kind:  # IoU is 0
            row = _MATRIX[dtype is FLOAT32].call(kind, boxes1, boxes2, added, result)
        else:
            row = _IOU_MATRIX[dtype is FLOAT32].call(boxes1, boxes2, added, result)
        if row == -1:
            return result
        if row >= 0:
            _raise_bad_row(boxes1, boxes2, row)
    boxes1, boxes2 = as_box_pair(boxes1, boxes2)  # before any thread starts
    _fill_in_slices(kind, boxes1, boxes2, added, result, threads)
    return result


def _fill(kind: int, first: Array, second: Array, added: float, out: Array) -> int:
    short = first.dtype is FLOAT32
    if kind == _IOU:
        return int(_IOU_MATRIX[short].call(first, second, added, out))
    return int(_MATRIX[short].call(kind, first, second, added, out))


def _fill_in_slices(kind: int, first: Array, second: Array, added: float, result: Array, threads: int) -> None:
    n, m = result.shape
    step = max(1, min(-(-n // threads), _PAIRS_A_SLICE // max(m, 1)))
    few = max(1, _PAIRS_IN_FLOAT64 // max(m, 1))

    def fill(start: int) -> None:
        rows, to = first[start : start + step], result[start : start + step]
        if _fill(kind, rows, second, added, to) == -2:
            wide, others = rows.astype(np.float64), second.astype(np.float64)
            for low in range(0, len(rows), few):
                part = np.empty((min(few, len(rows) - low), m))
                _fill(kind, wide[low : low + few], others, added, part)
                to[low : low + few] = part

    if threads == 1:
        for start in range(0, n, step):
            fill(start)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, range(0, n, step)))


def _raise_bad_row(first: Array, second: Array, row: int) -> NoReturn:
    n = first.shape[0]
    if row < n:
        raise_bad_box(first, row, "boxes1")
    raise_bad_box(second, row - n, "boxes2")


def box_iou(
    boxes1: npt.ArrayLike, boxes2: npt.ArrayLike, *, offset: int = 0, out: Array | None = None, workers: int = 1
) -> Array:
    """Intersection over union of every box of one set with every box of another.

    The area of the intersection divided by the area of the union.

    Parameters
    ----------
    boxes1 : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    boxes2 : (M, 4) array_like
        x1, y1, x2, y2 in pixels.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule of R-CNN and the VOC devkit.
    out : (N, M) ndarray, optional
        Where to write the result: C-contiguous, of the result's dtype, sharing no memory with the boxes.
        Spares the allocation, which is half of the time of a large matrix.
    workers : int
        Threads among which the rows are divided; -1 for every core. The result is the same for any number.

    Returns
    -------
    iou : (N, M) ndarray
        Between 0 and 1; ``out`` if it was given. float32 if both inputs are float32, else float64.
        Shape (0, M), (N, 0) or (0, 0) where a set is empty. Where the union has no area the result is 0.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, ``out`` is no ndarray or ``workers`` no integer.
    ValueError
        If an input is not (N, 4), a row is not finite or has x2 < x1 or y2 < y1, ``offset`` is neither 0 nor
        1, ``out`` has the wrong shape, dtype or layout, or ``workers`` is neither positive nor -1.
    MemoryError
        If the matrix is larger than the memory that is free.

    Notes
    -----
    N x M evaluations, done in vector registers in the dtype of the result. float32 boxes with sides beyond
    1e18 or under 1e-15 are measured in float64. Exchanging the two sets transposes the result, to the last
    bit.

    References
    ----------
    P. Jaccard, "The distribution of the flora in the alpine zone", New Phytologist 11, 1912; the overlap a_o
    of M. Everingham et al., "The PASCAL Visual Object Classes (VOC) challenge", IJCV 88, 2010, eq. 3.

    Examples
    --------
    >>> import detutils
    >>> detutils.box_iou([[0, 0, 10, 10], [5, 5, 15, 15]], [[0, 0, 10, 5], [20, 20, 30, 30]])
    array([[0.5, 0. ],
           [0. , 0. ]])
    """
    return _pairwise(_IOU, boxes1, boxes2, offset, out, workers)


def box_ioa(
    boxes1: npt.ArrayLike, boxes2: npt.ArrayLike, *, offset: int = 0, out: Array | None = None, workers: int = 1
) -> Array:
    """How much of each box of one set lies inside each box of another (intersection over area, IoA).

    The area of the intersection divided by the area of the box of ``boxes1``. COCO's overlap with a crowd region is
    this, with detections as ``boxes1`` and crowds as ``boxes2``.

    Parameters
    ----------
    boxes1 : (N, 4) array_like
        x1, y1, x2, y2 in pixels. Their areas are the divisors.
    boxes2 : (M, 4) array_like
        x1, y1, x2, y2 in pixels.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule of R-CNN and the VOC devkit.
    out : (N, M) ndarray, optional
        Where to write the result: C-contiguous, of the result's dtype, sharing no memory with the boxes.
        Spares the allocation, which is half of the time of a large matrix.
    workers : int
        Threads among which the rows are divided; -1 for every core. The result is the same for any number.

    Returns
    -------
    ioa : (N, M) ndarray
        Between 0 and 1; ``out`` if it was given. float32 if both inputs are float32, else float64.
        Shape (0, M), (N, 0) or (0, 0) where a set is empty. Where the first box has no area the result is 0.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, ``out`` is no ndarray or ``workers`` no integer.
    ValueError
        If an input is not (N, 4), a row is not finite or has x2 < x1 or y2 < y1, ``offset`` is neither 0 nor
        1, ``out`` has the wrong shape, dtype or layout, or ``workers`` is neither positive nor -1.
    MemoryError
        If the matrix is larger than the memory that is free.

    Notes
    -----
    N x M evaluations, done in vector registers in the dtype of the result. float32 boxes with sides beyond
    1e18 or under 1e-15 are measured in float64.

    References
    ----------
    T.-Y. Lin et al., "Microsoft COCO: common objects in context", ECCV 2014; ``iscrowd`` of pycocotools'
    ``mask.iou``.

    Examples
    --------
    >>> import detutils
    >>> detutils.box_ioa([[0, 0, 10, 10], [5, 5, 15, 15]], [[0, 0, 10, 5], [20, 20, 30, 30]])
    array([[0.5, 0. ],
           [0. , 0. ]])
    """
    return _pairwise(_IOA, boxes1, boxes2, offset, out, workers)


def generalized_box_iou(
    boxes1: npt.ArrayLike, boxes2: npt.ArrayLike, *, offset: int = 0, out: Array | None = None, workers: int = 1
) -> Array:
    """Generalized intersection over union (GIoU) of every box of one set with every box of another.

    IoU - area(hull minus union) / area(hull), where the hull is the smallest box around both.

    Parameters
    ----------
    boxes1 : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    boxes2 : (M, 4) array_like
        x1, y1, x2, y2 in pixels.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule of R-CNN and the VOC devkit.
    out : (N, M) ndarray, optional
        Where to write the result: C-contiguous, of the result's dtype, sharing no memory with the boxes.
        Spares the allocation, which is half of the time of a large matrix.
    workers : int
        Threads among which the rows are divided; -1 for every core. The result is the same for any number.

    Returns
    -------
    giou : (N, M) ndarray
        Above -1, at most 1; ``out`` if it was given. float32 if both inputs are float32, else float64.
        Shape (0, M), (N, 0) or (0, 0) where a set is empty. Where the hull has no area there is no
        penalty, and the result is 0.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, ``out`` is no ndarray or ``workers`` no integer.
    ValueError
        If an input is not (N, 4), a row is not finite or has x2 < x1 or y2 < y1, ``offset`` is neither 0 nor
        1, ``out`` has the wrong shape, dtype or layout, or ``workers`` is neither positive nor -1.
    MemoryError
        If the matrix is larger than the memory that is free.

    Notes
    -----
    N x M evaluations, done in vector registers in the dtype of the result. float32 boxes with sides beyond
    1e18 or under 1e-15 are measured in float64.

    References
    ----------
    H. Rezatofighi et al., "Generalized intersection over union", CVPR 2019, algorithm 1.

    Examples
    --------
    >>> import detutils
    >>> detutils.generalized_box_iou([[0, 0, 10, 10], [5, 5, 15, 15]], [[0, 0, 10, 5], [20, 20, 30, 30]])
    array([[ 0.5       , -0.77777778],
           [-0.33333333, -0.68      ]])
    """
    return _pairwise(_GIOU, boxes1, boxes2, offset, out, workers)


def distance_box_iou(
    boxes1: npt.ArrayLike, boxes2: npt.ArrayLike, *, offset: int = 0, out: Array | None = None, workers: int = 1
) -> Array:
    """Distance intersection over union (DIoU) of every box of one set with every box of another.

    IoU - d^2 / c^2, with d the distance of the centers and c the diagonal of the smallest box around both.

    Parameters
    ----------
    boxes1 : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    boxes2 : (M, 4) array_like
        x1, y1, x2, y2 in pixels.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule of R-CNN and the VOC devkit.
    out : (N, M) ndarray, optional
        Where to write the result: C-contiguous, of the result's dtype, sharing no memory with the boxes.
        Spares the allocation, which is half of the time of a large matrix.
    workers : int
        Threads among which the rows are divided; -1 for every core. The result is the same for any number.

    Returns
    -------
    diou : (N, M) ndarray
        Above -1, at most 1; ``out`` if it was given. float32 if both inputs are float32, else float64.
        Shape (0, M), (N, 0) or (0, 0) where a set is empty. Where the diagonal is 0 (two
        equal points) there is no penalty, and the result is 0.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, ``out`` is no ndarray or ``workers`` no integer.
    ValueError
        If an input is not (N, 4), a row is not finite or has x2 < x1 or y2 < y1, ``offset`` is neither 0 nor
        1, ``out`` has the wrong shape, dtype or layout, or ``workers`` is neither positive nor -1.
    MemoryError
        If the matrix is larger than the memory that is free.

    Notes
    -----
    N x M evaluations, done in vector registers in the dtype of the result. float32 boxes with sides beyond
    1e18 or under 1e-15 are measured in float64.

    References
    ----------
    Z. Zheng et al., "Distance-IoU loss", AAAI 2020, eqs. 6 and 7.

    Examples
    --------
    >>> import detutils
    >>> detutils.distance_box_iou([[0, 0, 10, 10], [5, 5, 15, 15]], [[0, 0, 10, 5], [20, 20, 30, 30]])
    array([[ 0.46875   , -0.44444444],
           [-0.18055556, -0.36      ]])
    """
    return _pairwise(_DIOU, boxes1, boxes2, offset, out, workers)


def complete_box_iou(
    boxes1: npt.ArrayLike, boxes2: npt.ArrayLike, *, offset: int = 0, out: Array | None = None, workers: int = 1
) -> Array:
    """Complete intersection over union (CIoU) of every box of one set with every box of another.

    DIoU - alpha v, where v = (4 / pi^2) (arctan(w1 / h1) - arctan(w2 / h2))^2 compares the shapes and
    alpha = v / ((1 - IoU) + v) weighs them.

    Parameters
    ----------
    boxes1 : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    boxes2 : (M, 4) array_like
        x1, y1, x2, y2 in pixels.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule of R-CNN and the VOC devkit.
    out : (N, M) ndarray, optional
        Where to write the result: C-contiguous, of the result's dtype, sharing no memory with the boxes.
        Spares the allocation, which is half of the time of a large matrix.
    workers : int
        Threads among which the rows are divided; -1 for every core. The result is the same for any number.

    Returns
    -------
    ciou : (N, M) ndarray
        Above -2, at most 1; ``out`` if it was given. float32 if both inputs are float32, else float64.
        Shape (0, M), (N, 0) or (0, 0) where a set is empty. arctan(w / h) is a right angle
        for a box without height and 0 for a point; alpha is 0 where v is.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, ``out`` is no ndarray or ``workers`` no integer.
    ValueError
        If an input is not (N, 4), a row is not finite or has x2 < x1 or y2 < y1, ``offset`` is neither 0 nor
        1, ``out`` has the wrong shape, dtype or layout, or ``workers`` is neither positive nor -1.
    MemoryError
        If the matrix is larger than the memory that is free.

    Notes
    -----
    N x M evaluations and N + M arctangents, done in vector registers in the dtype of the result. float32
    boxes with sides beyond 1e18 or under 1e-15 are measured in float64.

    References
    ----------
    Z. Zheng et al., "Distance-IoU loss", AAAI 2020, eqs. 8 to 11.

    Examples
    --------
    >>> import detutils
    >>> detutils.complete_box_iou([[0, 0, 10, 10], [5, 5, 15, 15]], [[0, 0, 10, 5], [20, 20, 30, 30]])
    array([[ 0.46550187, -0.44444444],
           [-0.18224502, -0.36      ]])
    """
    return _pairwise(_CIOU, boxes1, boxes2, offset, out, workers)
