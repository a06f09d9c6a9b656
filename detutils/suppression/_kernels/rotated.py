"""Suppression of rotated boxes: kept ones in cells by the place and size of their upright hulls; pairs whose hulls
share enough are measured, several at once.

A pair can exceed the threshold only if the hulls meet, and then the area that the hulls share is at least what the
threshold asks the boxes to share. Of IoU, sizes are bounded as well: what two boxes share lies in a strip as wide as
the shorter side of one, h, and as long as the diagonal of the other, d', so IoU > t means h d' > t w h, and d' > t w
>= t d / sqrt(2). Half the longer side of a hull lies between d / sqrt(8) and d / 2, so such halves differ by less than
2 / t.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import B1, F8, I4, I8, embedded, inlined, kernel
from detutils._kernels.limits import LARGEST
from detutils.geometry._kernels.rotated import row_is_good
from detutils.geometry._kernels.rotated_overlaps import IOA, IOS, IOU, PAIRS, extent, measure_pairs, note_pair

LANES = 8  # pairs that are measured at once: a vector of them
MANY = 1024  # cells in reach from which on all kept boxes are looked at
LESS = 1.0 - 1e-12  # of what hulls have to share, which is rounded
LEVELS = 2200  # binary exponents of float64


class Crowd(NamedTuple):
    """The boxes of a call, the upright hull of each as center and half sides, their areas, and the rule."""

    boxes: Any
    hulls: Any
    areas: Any
    kind: Any
    threshold: Any


class Cells(NamedTuple):
    """Where kept boxes lie: a table of cells of all levels, with room for all that belong there."""

    largest: Any  # half side of a hull, of each level
    exponents: Any  # of each level
    levels: Any
    starts: Any  # of the room of each cell
    ends: Any  # of what is in it
    slots: Any  # boxes, by cell


@inlined
def crowd_of(boxes: Any, kind: Any, threshold: Any) -> Any:
    n = boxes.shape[0]
    hulls, areas = np.empty((n, 4)), np.empty(n)
    for i in range(n):
        hulls[i, 0], hulls[i, 1] = boxes[i, 0], boxes[i, 1]
        hulls[i, 2], hulls[i, 3] = extent(boxes, i)
        areas[i] = 4.0 * boxes[i, 2] * boxes[i, 3]
    return Crowd(boxes, hulls, areas, kind, threshold)


@embedded
def may_exceed(crowd: Any, kept: Any, i: Any) -> Any:
    """Whether the upright hulls of a kept box and a candidate share enough."""
    a, b, t = crowd.hulls[kept], crowd.hulls[i], crowd.threshold
    wide = min(a[2] + b[2] - abs(a[0] - b[0]), 2.0 * min(a[2], b[2]))
    high = min(a[3] + b[3] - abs(a[1] - b[1]), 2.0 * min(a[3], b[3]))
    area, other = crowd.areas[kept], crowd.areas[i]
    needed = t / (1.0 + t) * (area + other)
    if crowd.kind == IOS:
        needed = t * min(area, other)
    elif crowd.kind == IOA:
        needed = t * other
    elif min(area, other) < t * LESS * max(area, other):
        return False
    return wide > 0.0 and high > 0.0 and wide * high >= needed * LESS


@embedded
def _half_side(crowd: Any, i: Any) -> Any:
    return max(crowd.hulls[i, 2], crowd.hulls[i, 3])


@embedded
def _level(half: Any) -> Any:
    return math.frexp(half)[1] + LEVELS // 2


@embedded
def _line(position: Any, exponent: Any) -> Any:
    """The row or column of cells, each 2^(exponent + 1) long, as long as the longest hull of the level."""
    return np.int64(math.floor(min(max(math.ldexp(position, -(exponent + 1)), -2e9), 2e9)))


@embedded
def _cell(column: Any, row: Any, level: Any, mask: Any) -> Any:
    """Anywhere: cells that collide cost time only. Neighbors in a row lie side by side."""
    return ((row * 40503 + level * 2654435) * 9973 + column) & mask


@inlined
def _lay(crowd: Any, start: Any, stop: Any) -> Any:
    """Empty cells with room for all boxes of a run."""
    level_of = np.full(LEVELS, -1, np.int64)
    exponents, largest = np.empty(LEVELS, np.int64), np.zeros(LEVELS)
    levels: Any = 0
    for i in range(start, stop):
        half = _half_side(crowd, i)
        level = _level(half)
        if level_of[level] < 0:
            level_of[level] = levels
            exponents[levels] = level - LEVELS // 2
            levels += 1
        at = level_of[level]
        largest[at] = max(largest[at], half)
    size = 1024
    while size < 2 * (stop - start):
        size *= 2
    home = np.empty(stop - start, np.int64)
    starts = np.zeros(size + 1, np.int64)
    for i in range(start, stop):
        at = level_of[_level(_half_side(crowd, i))]
        e = exponents[at]
        cell = _cell(_line(crowd.hulls[i, 0], e), _line(crowd.hulls[i, 1], e), at, size - 1)
        home[i - start] = cell
        starts[cell] += 1
    place = 0
    for cell in range(size + 1):
        count = starts[cell]
        starts[cell] = place
        place += count
    return Cells(largest, exponents, levels, starts, starts.copy(), np.empty(stop - start, np.int64)), home


@inlined
def _list_ranges(crowd: Any, cells: Any, i: Any, ranges: Any) -> Any:
    """Fill ``ranges`` with the places [from, to) of kept boxes that may exceed the threshold with a candidate."""
    hull, half = crowd.hulls[i], _half_side(crowd, i)
    ratio = 2.0 / crowd.threshold * (1.0 + 1e-9) if crowd.kind == IOU and crowd.threshold > 1e-9 else math.inf
    mask = cells.starts.shape[0] - 2
    count: Any = 0
    for level in range(cells.levels):
        reach, e = cells.largest[level], cells.exponents[level]
        if reach * ratio < half or math.ldexp(0.5, e) > half * ratio:
            continue
        left, right = _line(hull[0] - hull[2] - reach, e), _line(hull[0] + hull[2] + reach, e)
        top, bottom = _line(hull[1] - hull[3] - reach, e), _line(hull[1] + hull[3] + reach, e)
        if float(right - left + 1) * float(bottom - top + 1) > MANY or count > MANY:
            return np.int64(-1)
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                cell = _cell(column, row, level, mask)
                if cells.ends[cell] > cells.starts[cell]:
                    ranges[count, 0], ranges[count, 1] = cells.starts[cell], cells.ends[cell]
                    count += 1
    return count


@embedded
def _best_over(crowd: Any, pairs: Any, waiting: Any, count: Any, values: Any, found: Any) -> Any:
    """``found``, or the best kept box of the noted pairs that exceeds the threshold."""
    measure_pairs(crowd.kind, pairs, count, values)
    for p in range(count):
        if values[p] > crowd.threshold and (found < 0 or waiting[p] < found):
            found = waiting[p]
    return found


@inlined
def suppressor_of(crowd: Any, i: Any, kept: Any, ranges: Any, count: Any, every: Any, room: Any) -> Any:
    """A kept box that suppresses a candidate, the best one if ``every`` is asked for, or -1."""
    pairs, waiting, values = room
    found = np.int64(-1)
    held: Any = 0
    for q in range(count):
        for at in range(ranges[q, 0], ranges[q, 1]):
            k = kept[at]
            if (found >= 0 and k > found) or not may_exceed(crowd, k, i):
                continue
            waiting[held] = k
            note_pair(pairs, held, crowd.boxes, i, crowd.boxes, k)
            held += 1
            if held == LANES:
                found = _best_over(crowd, pairs, waiting, held, values, found)
                held = 0
                if found >= 0 and not every:
                    return found
    return _best_over(crowd, pairs, waiting, held, values, found)


@kernel("Tuple((int32[::1], int64))(float64[:,::1], float64[::1], float64)")
def admit(rows: F8, scores: F8, score_threshold: float) -> tuple[I4, int]:
    """The rows with a score above the threshold, and -1 or what is wrong with one (``checks``)."""
    n = rows.shape[0]
    order, m = np.empty(n + 1, np.int32), 0
    for i in range(n):
        order[m] = i
        m += scores[i] > score_threshold
    for r in range(m):
        if not row_is_good(rows[order[r]]):
            return order[:0], -2 - 2 * int(order[r])
    for i in range(n):
        if not abs(scores[i]) <= LARGEST:
            return order[:0], -3 - 2 * i
    return order[:m], -1


@kernel("void(int64, float64, float64[:,::1], int64[::1], int64, boolean, boolean[::1], int64[::1])")
def suppress(
    kind: int, threshold: float, boxes: F8, starts: I8, most: int, every: bool, kept: B1, by: I8
) -> None:
    """Decide the boxes of each run, best first; with ``every``, ``by`` says which suppressed each, the best of them."""
    crowd = crowd_of(boxes, kind, threshold)
    ranges, whole = np.empty((2 * MANY + 8, 2), np.int64), np.zeros((1, 2), np.int64)
    room = np.empty((18, LANES + 8)), np.empty(LANES, np.int64), np.empty(LANES)
    for run in range(starts.shape[0] - 1):
        start, stop = starts[run], starts[run + 1]
        cells, home = _lay(crowd, start, stop)
        so_far = np.empty(stop - start, np.int64)  # kept boxes with an area, in order
        total = solid = 0
        for i in range(start, stop):
            if total == most:
                break
            if crowd.areas[i] > 0.0:
                count = _list_ranges(crowd, cells, i, ranges)
                if count >= 0:
                    found = suppressor_of(crowd, i, cells.slots, ranges, count, every, room)
                else:
                    whole[0, 1] = solid
                    found = suppressor_of(crowd, i, so_far, whole, 1, every, room)
                if found >= 0:
                    by[i] = found
                    continue
                so_far[solid] = i
                solid += 1
                cell = home[i - start]
                cells.slots[cells.ends[cell]] = i
                cells.ends[cell] += 1
            kept[i] = True
            total += 1


@kernel("int64(int64, float64, float64[:,::1], float64[::1], int64[::1], float64[::1], int64[::1], float64[::1])")
def soften(
    kind: int, threshold: float, boxes: F8, scores: F8, labels: I8, rule: F8, keep: I8, new_scores: F8
) -> int:
    """Soft-NMS: the plain loop, which measures only pairs whose hulls meet; how many are kept.

    ``rule``: whether the factor is gaussian, its width, and the score that a box has to exceed.
    """
    n = boxes.shape[0]
    crowd = crowd_of(boxes, kind, 0.0)
    left, marks = np.empty(n, np.int64), scores.copy()
    pairs, values, waiting = np.empty((18, PAIRS + 8)), np.empty(PAIRS), np.empty(PAIRS, np.int64)
    m = 0
    for i in range(n):
        left[m] = i
        m += marks[i] > rule[2]
    count = 0
    while m > 0 and count < keep.shape[0]:
        at = 0
        for p in range(1, m):
            if marks[left[p]] > marks[left[at]]:
                at = p
        best = left[at]
        keep[count], new_scores[count] = best, marks[best]
        count += 1
        held: Any = 0
        rest = 0
        for p in range(m):
            i = left[p]
            if p != at and labels[i] == labels[best] and crowd.areas[i] > 0.0 and may_exceed(crowd, best, i):
                waiting[held] = i
                note_pair(pairs, held, boxes, i, boxes, best)
                held += 1
            if held == PAIRS or (p == m - 1 and held > 0):
                measure_pairs(kind, pairs, held, values)
                for q in range(held):
                    overlap = values[q]
                    if rule[0] > 0.0:
                        marks[waiting[q]] *= math.exp(-(overlap * overlap) / rule[1])
                    elif overlap > threshold:
                        marks[waiting[q]] *= 1.0 - overlap
                held = 0
        for p in range(m):
            left[rest] = left[p]
            rest += p != at and marks[left[p]] > rule[2]
        m = rest
    return count
