"""Overlap measures of many pairs of rotated boxes: those whose upright hulls meet are noted down, and measured many at
once, in vector registers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F8, I8, embedded, inlined, kernel
from detutils.geometry._kernels.rotated import WIDER, common_area, hull_area, prepare_boxes

IOU, IOA, IOS, GIOU, COMMON = range(5)  # kinds of measure; the last is the area itself
PAIRS = 256  # that are measured at once: 18 columns of them stay in the first-level cache
LANES = 16  # boxes that are looked at together


@embedded
def _precedes(a: Any, i: Any, b: Any, j: Any) -> Any:
    """Which of two boxes gives the axes: any rule that does not ask which of them comes first."""
    for k in (2, 3, 0, 1, 6, 4, 7, 5):
        if a[i, k] != b[j, k]:
            return a[i, k] > b[j, k]
    return True


@embedded
def extent(boxes: Any, i: Any) -> Any:
    """Half the sides of the upright box around a box, not too short."""
    c, s = boxes[i, 4], abs(boxes[i, 6])
    return (boxes[i, 2] * c + boxes[i, 3] * s) * WIDER, (boxes[i, 2] * s + boxes[i, 3] * c) * WIDER


@embedded
def note_pair(pairs: Any, at: Any, a: Any, i: Any, b: Any, j: Any) -> None:
    """Write box i of one set and box j of another as a column of ``pairs``."""
    if _precedes(a, i, b, j):
        for k in range(8):
            pairs[k, at], pairs[8 + k, at] = a[i, k], b[j, k]
    else:
        for k in range(8):
            pairs[k, at], pairs[8 + k, at] = b[j, k], a[i, k]
    pairs[16, at], pairs[17, at] = 4.0 * a[i, 2] * a[i, 3], 4.0 * b[j, 2] * b[j, 3]


@embedded
def _ratio(kind: Any, common: Any, area: Any, other: Any) -> Any:
    divisor = (area + other) - common
    if kind >= GIOU:
        divisor = 1.0
    elif kind == IOA:
        divisor = area
    elif kind == IOS:
        divisor = min(area, other)
    return common / (divisor if divisor > 0.0 else 1.0)


@embedded
def _row(boxes: Any, i: Any) -> Any:
    return boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3], boxes[i, 4], boxes[i, 5], boxes[i, 6], boxes[i, 7]


@embedded
def _first_of(pairs: Any, p: Any) -> Any:
    return pairs[0, p], pairs[1, p], pairs[2, p], pairs[3, p], pairs[4, p], pairs[5, p], pairs[6, p], pairs[7, p]


@embedded
def _second_of(pairs: Any, p: Any) -> Any:
    return pairs[8, p], pairs[9, p], pairs[10, p], pairs[11, p], pairs[12, p], pairs[13, p], pairs[14, p], pairs[15, p]


@embedded
def common_of(a: Any, i: Any, b: Any, j: Any) -> Any:
    """The area that box i of one set and box j of another share, bit for bit as ``measure_pairs`` has it."""
    wide, high = extent(a, i)
    more, taller = extent(b, j)
    if not ((abs(b[j, 0] - a[i, 0]) < more + wide) & (abs(b[j, 1] - a[i, 1]) < taller + high)):
        return 0.0
    if _precedes(a, i, b, j):
        return common_area(_row(a, i), _row(b, j))
    return common_area(_row(b, j), _row(a, i))


@inlined
def measure_pairs(kind: Any, pairs: Any, count: Any, values: Any) -> None:
    for p in range(np.uint64(count)):  # vectorizes
        values[p] = _ratio(kind, common_area(_first_of(pairs, p), _second_of(pairs, p)), pairs[16, p], pairs[17, p])


@inlined
def _generalize(pairs: Any, count: Any, values: Any) -> None:
    """Of common areas make GIoU."""
    points, around = np.empty((8, 2), np.float64), np.empty((9, 2), np.float64)
    for p in range(count):
        union = (pairs[16, p] + pairs[17, p]) - values[p]
        hull = max(hull_area(_first_of(pairs, p), _second_of(pairs, p), points, around), union)
        values[p] = values[p] / (union if union > 0.0 else 1.0) - (hull - union) / (hull if hull > 0.0 else 1.0)


@inlined
def _flush(kind: Any, pairs: Any, places: Any, count: Any, values: Any, out: Any) -> None:
    measure_pairs(kind, pairs, count, values)
    if kind == GIOU:
        _generalize(pairs, count, values)
    for p in range(count):
        out[places[p, 0], places[p, 1]] = values[p]


@embedded
def near(columns: Any, j: Any, box: Any) -> Any:
    """Whether the upright boxes around two boxes meet."""
    x, y, wide, high = box
    return (abs(columns[0, j] - x) < columns[2, j] + wide) & (abs(columns[1, j] - y) < columns[3, j] + high)


@embedded
def note_hull(boxes: Any, i: Any, columns: Any, at: Any) -> None:
    """Center and half sides of the upright box around a box, as a column."""
    columns[0, at], columns[1, at] = boxes[i, 0], boxes[i, 1]
    columns[2, at], columns[3, at] = extent(boxes, i)


@inlined
def note_block(columns: Any, block: Any, count: Any, hulls: Any) -> None:
    """The same of the upright box around the first of the ``LANES`` columns of a block, not too short."""
    left = top = np.inf
    right = bottom = -np.inf
    for j in range(block * LANES, block * LANES + count):
        x, y, wide, high = columns[0, j], columns[1, j], columns[2, j], columns[3, j]
        left, right = min(left, x - wide), max(right, x + wide)
        top, bottom = min(top, y - high), max(bottom, y + high)
    x, y = 0.5 * left + 0.5 * right, 0.5 * top + 0.5 * bottom
    hulls[0, block], hulls[1, block] = x, y
    hulls[2, block] = max(right - x, x - left) * WIDER + abs(x) * 1e-15
    hulls[3, block] = max(bottom - y, y - top) * WIDER + abs(y) * 1e-15


@inlined
def _in_blocks(boxes: Any, order: Any) -> Any:
    """Centers and extents in an order, and those of the upright boxes around each ``LANES`` of them."""
    m = order.shape[0]
    blocks = (m + LANES - 1) // LANES
    columns = np.empty((4, blocks * LANES), np.float64)
    hulls = np.empty((4, (blocks + LANES - 1) // LANES * LANES), np.float64)
    columns[:] = np.nan
    hulls[:] = np.nan
    for j in range(m):
        note_hull(boxes, order[j], columns, j)
    for block in range(blocks):
        note_block(columns, block, min(m - block * LANES, LANES), hulls)
    return columns, hulls


@inlined
def _fill(kind: Any, first: Any, second: Any, order: Any, out: Any) -> None:
    columns, hulls = _in_blocks(second, order)
    # Rows of 256 numbers would share a place in the cache.
    pairs, values = np.empty((18, PAIRS + 8), np.float64), np.empty(PAIRS, np.float64)
    places, flags = np.empty((PAIRS, 2), np.int64), np.empty(LANES, np.bool_)
    count: Any = np.int64(0)
    for i in range(first.shape[0]):
        wide, high = extent(first, i)
        if kind == GIOU:  # of boxes that are apart as well
            wide = high = np.inf
        box = first[i, 0], first[i, 1], wide, high
        for group in range(0, hulls.shape[1], LANES):
            meets = False
            for block in range(np.uint64(group), np.uint64(group + LANES)):
                meets |= near(hulls, block, box)
            if not meets:
                continue
            for block in range(group, group + LANES):
                if not near(hulls, block, box):
                    continue
                for lane in range(np.uint64(LANES)):
                    flags[lane] = near(columns, np.uint64(block * LANES) + lane, box)
                before = count
                for lane in range(LANES):  # without a branch, which nobody could predict
                    places[count, 0], places[count, 1] = i, block * LANES + lane
                    count += flags[lane]
                for p in range(before, count):
                    k = order[places[p, 1]]
                    places[p, 1] = k
                    note_pair(pairs, p, first, i, second, k)
                if count > PAIRS - LANES:
                    _flush(kind, pairs, places, count, values, out)
                    count = np.int64(0)
    _flush(kind, pairs, places, count, values, out)


@kernel("void(int64, float64[:,::1], float64[:,::1], int64[::1], float64[:,::1])")
def matrix(kind: int, first: F8, second: F8, order: I8, out: F8) -> None:
    """Write the measure of those that meet into a matrix of zeros; ``order`` are the rows of ``second``, neighbors
    near one another."""
    _fill(kind, first, second, order, out)


@kernel("int64(int64, float64[:,::1], float64[:,::1], boolean, boolean, float64[:,::1])")
def matrix_of_few(kind: int, rows: F8, others: F8, in_degrees: bool, clockwise: bool, out: F8) -> int:
    """``prepare`` and ``matrix`` in one call; the first bad row, counted through both sets, or -1."""
    n, m = rows.shape[0], others.shape[0]
    boxes = np.empty((n + m, 8), np.float64)
    bad = prepare_boxes(rows, in_degrees, clockwise, boxes[:n])
    if bad < 0:
        bad = prepare_boxes(others, in_degrees, clockwise, boxes[n:])
        bad += n if bad >= 0 else 0
    if bad < 0:
        out[:] = 0.0
        order = np.empty(m, np.int64)
        for j in range(m):
            order[j] = j
        _fill(kind, boxes[:n], boxes[n:], order, out)
    return bad  # type: ignore[no-any-return]


@kernel("void(int64, float64[:,::1], float64[:,::1], float64[::1])")
def aligned(kind: int, first: F8, second: F8, out: F8) -> None:
    """The measure of the i-th box of one set and the i-th of another."""
    pairs, values = np.empty((18, PAIRS + 8), np.float64), np.empty(PAIRS, np.float64)
    n = first.shape[0]
    for start in range(0, n, PAIRS):
        count = min(PAIRS, n - start)
        for p in range(count):
            note_pair(pairs, p, first, start + p, second, start + p)
        measure_pairs(kind, pairs, count, values)
        if kind == GIOU:
            _generalize(pairs, count, values)
        for p in range(count):
            out[start + p] = values[p]
