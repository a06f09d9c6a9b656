"""Overlap measures of pairs of boxes: every row with every row, or row by row.

The measures are spelled once, for both precisions and both shapes; what one does not use (hulls, angles)
vanishes when it is inlined. The second boxes are laid out in columns, because that lets the inner loop run in
vector registers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import F4, F8, embedded, kernel
from detutils._kernels.checks import box_is_good, first_bad
from detutils._kernels.limits import LARGEST_FLOAT32, LIMIT
from detutils.geometry._kernels.pair import intersection, ioa, iou

# Kinds of measure, constants wherever they are passed: the branches of the others are dropped from the machine code,
# because all parts with a kind are embedded. A Python integer would be a type to Numba, and each part compiled once
# for each of the five.
IOU, IOA, GIOU, DIOU, CIOU = (np.int64(kind) for kind in range(5))

COLUMN_BLOCK = 4096  # six columns of so many float32 take 96 KiB: they stay in the second-level cache
LONGEST = np.float32(1e18)  # the squared diagonal of two such boxes' hull is still finite in float32
SHORTEST = np.float32(1e-15)  # the square of such a side is still a normal float32
QUARTER_TURN = 0.5 * math.pi


# ---- measures of a pair: each box is (x1, y1, x2, y2, area, angle); zero and one carry the precision ----

@embedded
def _hull(a: Any, b: Any, offset: Any) -> Any:
    wide = (a[2] if a[2] > b[2] else b[2]) - (a[0] if a[0] < b[0] else b[0]) + offset
    high = (a[3] if a[3] > b[3] else b[3]) - (a[1] if a[1] < b[1] else b[1]) + offset
    return wide, high


@embedded
def _measure(kind: Any, a: Any, b: Any, offset: Any, zero: Any, one: Any) -> Any:
    common = intersection(a, b, offset, zero)
    if kind == IOA:
        return ioa(common, a[4], zero, one)
    share = iou(common, a[4], b[4], zero, one)
    if kind == IOU:
        return share
    wide, high = _hull(a, b, offset)
    if kind == GIOU:
        hull = wide * high
        union = (a[4] + b[4]) - common
        return share - (hull - union) / (hull if hull > zero else one)
    # Differences before sums: the centers of small boxes far from the origin would lose their digits. These
    # are twice the distances, so their squares are compared with four times the diagonal's.
    across = (a[0] - b[0]) + (a[2] - b[2])
    down = (a[1] - b[1]) + (a[3] - b[3])
    diagonal = wide * wide + high * high
    diagonal = (diagonal + diagonal) + (diagonal + diagonal)
    apart = share - (across * across + down * down) / (diagonal if diagonal > zero else one)
    if kind == DIOU:
        return apart
    turn = a[5] - b[5]
    shape = turn * turn
    return apart - shape * shape / ((one - share) + (shape if shape > zero else one))


# ---- loops ----

@embedded
def _turn(wide: Any, high: Any) -> float:
    """The arctangent in right angles, 0 for a point: the square of a difference of two is CIoU's v."""
    return math.atan2(wide, high) / QUARTER_TURN


@embedded
def _first_bad_float32(boxes: F4) -> int:
    """The first row that is no box, or -1, or -2 where sizes are such that products would overflow or lose digits."""
    fits: Any = True
    for i in range(boxes.shape[0]):
        x1, y1, x2, y2 = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
        fits &= box_is_good(x1, y1, x2, y2, LONGEST)
        fits &= ((x2 - x1 >= SHORTEST) | (x2 == x1)) & ((y2 - y1 >= SHORTEST) | (y2 == y1))
    if fits:
        return -1
    bad = first_bad(boxes, LARGEST_FLOAT32)
    return bad if bad >= 0 else -2


@embedded
def _all_pairs(kind: Any, boxes1: Any, boxes2: Any, offset: Any, out: Any) -> None:
    zero, one = boxes1.dtype.type(0), boxes1.dtype.type(1)
    n, m = boxes1.shape[0], boxes2.shape[0]
    columns = np.empty((6, min(m, COLUMN_BLOCK)), boxes1.dtype.type)
    for left in range(0, m, COLUMN_BLOCK):
        right = min(left + COLUMN_BLOCK, m)
        part = boxes2[left:right]
        for j in range(right - left):
            x1, y1, x2, y2 = part[j, 0], part[j, 1], part[j, 2], part[j, 3]
            columns[0, j], columns[1, j], columns[2, j], columns[3, j] = x1, y1, x2, y2
            columns[4, j] = (x2 - x1 + offset) * (y2 - y1 + offset)
        if kind == CIOU:
            for j in range(right - left):
                wide, high = columns[2, j] - columns[0, j] + offset, columns[3, j] - columns[1, j] + offset
                columns[5, j] = _turn(wide, high)
        for i in range(n):
            x1, y1, x2, y2 = boxes1[i, 0], boxes1[i, 1], boxes1[i, 2], boxes1[i, 3]
            wide, high = x2 - x1 + offset, y2 - y1 + offset
            turn = boxes1.dtype.type(_turn(wide, high)) if kind == CIOU else zero
            a = (x1, y1, x2, y2, wide * high, turn)
            row = out[i, left:right]
            for j in range(right - left):
                b = (columns[0, j], columns[1, j], columns[2, j], columns[3, j], columns[4, j], columns[5, j])
                row[j] = _measure(kind, a, b, offset, zero, one)


@embedded
def _in_rows(boxes: Any) -> Any:
    """The boxes in rows of four that lie one after another, as the loops need them to vectorize: the kernels are called
    with any strides, whatever their signatures say."""
    size = boxes.itemsize
    if (boxes.strides[0] == 4 * size) & (boxes.strides[1] == size):
        return boxes
    rows = np.empty((boxes.shape[0], 4), boxes.dtype.type)
    source = boxes[::1]  # a slice has the strides that there are
    if boxes.strides[1] == size:  # a known step: four numbers are moved at once
        for i in range(boxes.shape[0]):
            rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3] = source[i, 0], source[i, 1], source[i, 2], source[i, 3]
    else:
        for i in range(boxes.shape[0]):
            rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3] = source[i, 0], source[i, 1], source[i, 2], source[i, 3]
    return rows


@embedded
def _first_bad(boxes1: F8, boxes2: F8) -> int:
    bad = first_bad(boxes1, LIMIT)
    if bad >= 0:
        return bad
    bad = first_bad(boxes2, LIMIT)
    return int(boxes1.shape[0] + bad) if bad >= 0 else -1


@embedded
def _first_bad_of_float32(boxes1: F4, boxes2: F4) -> int:
    bad: int = _first_bad_float32(boxes1)
    bad2: int = _first_bad_float32(boxes2)
    if bad >= 0:
        return bad
    if bad2 >= 0:
        return int(boxes1.shape[0] + bad2)
    return -2 if bad == -2 or bad2 == -2 else -1


@embedded
def _other_pairs(kind: Any, boxes1: Any, boxes2: Any, offset: Any, out: Any) -> None:
    """All measures but IoU: a loop for each."""
    if kind == IOA:
        _all_pairs(IOA, boxes1, boxes2, offset, out)
    elif kind == GIOU:
        _all_pairs(GIOU, boxes1, boxes2, offset, out)
    elif kind == DIOU:
        _all_pairs(DIOU, boxes1, boxes2, offset, out)
    else:
        _all_pairs(CIOU, boxes1, boxes2, offset, out)


@embedded
def _each_row(kind: Any, boxes1: F8, boxes2: F8, offset: float, out: F8) -> None:
    for i in range(boxes1.shape[0]):
        x1, y1, x2, y2 = boxes1[i, 0], boxes1[i, 1], boxes1[i, 2], boxes1[i, 3]
        u1, v1, u2, v2 = boxes2[i, 0], boxes2[i, 1], boxes2[i, 2], boxes2[i, 3]
        wide, high, wide2, high2 = x2 - x1 + offset, y2 - y1 + offset, u2 - u1 + offset, v2 - v1 + offset
        turn = _turn(wide, high) if kind == CIOU else 0.0
        turn2 = _turn(wide2, high2) if kind == CIOU else 0.0
        a, b = (x1, y1, x2, y2, wide * high, turn), (u1, v1, u2, v2, wide2 * high2, turn2)
        out[i] = _measure(kind, a, b, offset, 0.0, 1.0)


# ---- kernels ---------------------------------------------------------------------------------------------
# The matrices return -1 when they are filled; else the first bad row, counted through both sets, and nothing
# is written. -2: these float32 boxes need float64.

@kernel("int64(float64[:,::1], float64[:,::1], float64, float64[:,::1])")
def iou_matrix(boxes1: F8, boxes2: F8, offset: float, out: F8) -> int:
    if boxes1.shape[1] != 4 or boxes2.shape[1] != 4:  # never; but a known step of four vectorizes
        return 0
    first, second = _in_rows(boxes1), _in_rows(boxes2)
    bad: int = _first_bad(first, second)
    if bad == -1:
        _all_pairs(IOU, first, second, offset, out)
    return bad


@kernel("int64(float32[:,::1], float32[:,::1], float64, float32[:,::1])")
def iou_matrix_float32(boxes1: F4, boxes2: F4, offset: float, out: F4) -> int:
    if boxes1.shape[1] != 4 or boxes2.shape[1] != 4:
        return 0
    first, second = _in_rows(boxes1), _in_rows(boxes2)
    bad: int = _first_bad_of_float32(first, second)
    if bad == -1:
        _all_pairs(IOU, first, second, np.float32(offset), out)
    return bad


@kernel("int64(int64, float64[:,::1], float64[:,::1], float64, float64[:,::1])")
def matrix(kind: int, boxes1: F8, boxes2: F8, offset: float, out: F8) -> int:
    """All measures but IoU, which most callers want alone."""
    if boxes1.shape[1] != 4 or boxes2.shape[1] != 4:
        return 0
    first, second = _in_rows(boxes1), _in_rows(boxes2)
    bad: int = _first_bad(first, second)
    if bad == -1:
        _other_pairs(kind, first, second, offset, out)
    return bad


@kernel("int64(int64, float32[:,::1], float32[:,::1], float64, float32[:,::1])")
def matrix_float32(kind: int, boxes1: F4, boxes2: F4, offset: float, out: F4) -> int:
    if boxes1.shape[1] != 4 or boxes2.shape[1] != 4:
        return 0
    first, second = _in_rows(boxes1), _in_rows(boxes2)
    bad: int = _first_bad_of_float32(first, second)
    if bad == -1:
        _other_pairs(kind, first, second, np.float32(offset), out)
    return bad


@kernel("void(int64, float64[:,::1], float64[:,::1], float64, float64[::1])")
def aligned(kind: int, boxes1: F8, boxes2: F8, offset: float, out: F8) -> None:
    """A measure of the i-th box of one set and the i-th of another."""
    if kind == IOU:
        _each_row(IOU, boxes1, boxes2, offset, out)
    elif kind == IOA:
        _each_row(IOA, boxes1, boxes2, offset, out)
    elif kind == GIOU:
        _each_row(GIOU, boxes1, boxes2, offset, out)
    elif kind == DIOU:
        _each_row(DIOU, boxes1, boxes2, offset, out)
    else:
        _each_row(CIOU, boxes1, boxes2, offset, out)
