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
from detutils.geometry._kernels.rotated import prepare_box, row_is_good
from detutils.geometry._kernels.rotated_overlaps import IOA, IOS, IOU, PAIRS, extent, measure_pairs, note_pair

LANES = 8  # pairs that are measured at once: a vector of them
MANY = 1024  # cells in reach from which on all kept boxes are looked at
LESS = 1.0 - 1e-12  # of what hulls have to share, which is rounded
FARTHEST = 600  # binary exponent of a half side, up and down, beyond which levels are not told apart


class Crowd(NamedTuple):
    """The boxes of a call, the upright hull of each as center and half sides with the box's area, and the rule."""

    boxes: Any
    hulls: Any
    kind: Any
    threshold: Any


class Cells(NamedTuple):
    """Where kept boxes lie: a table of cells of all levels, with room for all that belong there."""

    table: Any  # of each level: cells per pixel, the least half side of a hull, the largest
    levels: Any
    bounds: Any  # of each cell, where its room starts and where what is in it ends
    slots: Any  # kept boxes, by cell
    hulls: Any  # theirs


@inlined
def crowd_of(boxes: Any, kind: Any, threshold: Any) -> Any:
    n = boxes.shape[0]
    hulls = np.empty((n, 5), np.float64)
    for i in range(n):
        hulls[i, 0], hulls[i, 1] = boxes[i, 0], boxes[i, 1]
        hulls[i, 2], hulls[i, 3] = extent(boxes, i)
        hulls[i, 4] = 4.0 * boxes[i, 2] * boxes[i, 3]
    return Crowd(boxes, hulls, kind, threshold)


@embedded
def may_exceed(crowd: Any, a: Any, b: Any) -> Any:
    """Whether the upright hulls of a kept box and a candidate share enough."""
    t = crowd.threshold
    wide = min(a[2] + b[2] - abs(a[0] - b[0]), 2.0 * min(a[2], b[2]))
    high = min(a[3] + b[3] - abs(a[1] - b[1]), 2.0 * min(a[3], b[3]))
    area, other = a[4], b[4]
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
    """Two binary exponents make a level: fewer cells to look into than with one each."""
    return ((min(max(math.frexp(half)[1], -FARTHEST), FARTHEST) + FARTHEST + 1) >> 1) << 1


@embedded
def _line(position: Any, cells_per_pixel: Any) -> Any:
    """The row or column of cells, each as long as the longest hull of the level, or longer."""
    return np.int64(math.floor(min(max(position * cells_per_pixel, -2e9), 2e9)))


@embedded
def _cell(column: Any, row: Any, level: Any, mask: Any) -> Any:
    """Anywhere: cells that collide cost time only. Neighbors in a row lie side by side."""
    return ((row * 40503 + level * 2654435) * 9973 + column) & mask


@inlined
def _lay(crowd: Any, start: Any, stop: Any) -> Any:
    """Empty cells with room for all boxes of a run."""
    level_of = np.full(2 * FARTHEST + 2, -1, np.int64)
    table = np.zeros((2 * FARTHEST + 2, 3), np.float64)
    levels: Any = 0
    for i in range(start, stop):
        half = _half_side(crowd, i)
        level = _level(half)
        if level_of[level] < 0:
            level_of[level] = levels
            table[levels, 0], table[levels, 1] = math.ldexp(0.5, int(FARTHEST - level)), half
            levels += 1
        at = level_of[level]
        table[at, 1], table[at, 2] = min(table[at, 1], half), max(table[at, 2], half)
    size = 1024
    while size < 2 * (stop - start):
        size *= 2
    home = np.empty(stop - start, np.int64)
    bounds = np.zeros((size, 2), np.int32)
    for i in range(start, stop):
        at = level_of[_level(_half_side(crowd, i))]
        scale = table[at, 0]
        cell = _cell(_line(crowd.hulls[i, 0], scale), _line(crowd.hulls[i, 1], scale), at, size - 1)
        home[i - start] = cell
        bounds[cell, 0] += 1
    place = 0
    for cell in range(size):
        count = bounds[cell, 0]
        bounds[cell, 0] = bounds[cell, 1] = place
        place += count
    return Cells(table, levels, bounds, np.empty(place, np.int32), np.empty((place, 5), np.float64)), home


@inlined
def _list_ranges(crowd: Any, cells: Any, i: Any, ranges: Any) -> Any:
    """Fill ``ranges`` with the places [from, to) of kept boxes that may exceed the threshold with a candidate."""
    hull, half = crowd.hulls[i], _half_side(crowd, i)
    ratio = 2.0 / crowd.threshold * (1.0 + 1e-9) if crowd.kind == IOU and crowd.threshold > 1e-9 else math.inf
    mask = cells.bounds.shape[0] - 1
    count: Any = 0
    for level in range(cells.levels):
        scale, reach = cells.table[level, 0], cells.table[level, 2]
        if reach * ratio < half or cells.table[level, 1] > half * ratio:
            continue
        left, right = _line(hull[0] - hull[2] - reach, scale), _line(hull[0] + hull[2] + reach, scale)
        top, bottom = _line(hull[1] - hull[3] - reach, scale), _line(hull[1] + hull[3] + reach, scale)
        if float(right - left + 1) * float(bottom - top + 1) > MANY or count > MANY:
            return np.int64(-1)
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                cell = _cell(column, row, level, mask)
                if cells.bounds[cell, 1] > cells.bounds[cell, 0]:
                    ranges[count, 0], ranges[count, 1] = cells.bounds[cell, 0], cells.bounds[cell, 1]
                    count += 1
    return count


@embedded
def _best_over(crowd: Any, pairs: Any, waiting: Any, count: Any, values: Any, found: Any) -> Any:
    """``found``, or the best kept box of the noted pairs that exceeds the threshold."""
    if count == 0:
        return found
    width = crowd.boxes.shape[1]  # LANES, but the compiler must not know: it would unroll the loop instead
    held = np.int64(width if count > 1 else 1)  # a vector costs little more than a number
    measure_pairs(crowd.kind, pairs, held, values)
    for p in range(count):
        if values[p] > crowd.threshold and (found < 0 or waiting[p] < found):
            found = waiting[p]
    return found


@inlined
def suppressor_of(crowd: Any, i: Any, kept: Any, hulls: Any, ranges: Any, count: Any, every: Any, room: Any) -> Any:
    """A kept box that suppresses a candidate, the best one if ``every`` is asked for, or -1."""
    pairs, waiting, values = room
    found = np.int64(-1)
    held: Any = np.int64(0)
    for q in range(count):
        for at in range(ranges[q, 0], ranges[q, 1]):
            if not may_exceed(crowd, hulls[at], crowd.hulls[i]):
                continue
            k = np.int64(kept[at])
            if found >= 0 and k > found:
                continue
            waiting[held] = k
            note_pair(pairs, held, crowd.boxes, i, crowd.boxes, k)
            held += 1
            if held == LANES:
                found = _best_over(crowd, pairs, waiting, held, values, found)
                held = np.int64(0)
                if found >= 0 and not every:
                    return found
    return _best_over(crowd, pairs, waiting, held, values, found)


@inlined
def _admit(rows: Any, scores: Any, score_threshold: Any, order: Any) -> Any:
    """Fill ``order`` with the rows above the threshold; how many, or what is wrong with one (``checks``)."""
    n: Any = rows.shape[0]
    m: Any = 0
    for i in range(n):
        order[m] = i
        m += scores[i] > score_threshold
    for r in range(m):
        if not row_is_good(rows[order[r]]):
            return -2 - 2 * np.int64(order[r])
    for i in range(n):
        if not abs(scores[i]) <= LARGEST:
            return np.int64(-3 - 2 * i)
    return np.int64(m)


@kernel("Tuple((int32[::1], int64))(float64[:,::1], float64[::1], float64)")
def admit(rows: F8, scores: F8, score_threshold: float) -> tuple[I4, int]:
    """The rows with a score above the threshold, and below 0 what is wrong with one (``checks``)."""
    order = np.empty(rows.shape[0] + 1, np.int32)
    m = _admit(rows, scores, score_threshold, order)
    return order[: max(m, 0)], m


@kernel("int64(float64[:,::1], float64[::1], int64[::1], int64, float64, float64, int64, int64[::1])")
def suppress_few(
    rows: F8, scores: F8, labels: I8, mode: int, threshold: float, score_threshold: float, most: int, keep: I8
) -> int:
    """All of a call of some boxes; how many are kept, or what is wrong with a row. ``mode`` is 4 times the kind of
    measure, 2 more for degrees and 1 more for clockwise; no labels are one class."""
    order = np.empty(rows.shape[0] + 1, np.int32)
    m = _admit(rows, scores, score_threshold, order)
    boxes = np.empty((max(m, 0), 8), np.float64)
    for r in range(m):  # insertion: stable
        i = order[r]
        at: Any = r
        while at > 0 and scores[order[at - 1]] < scores[i]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = i
    for r in range(m):
        prepare_box(rows[order[r]], mode & 2 != 0, mode & 1 != 0, boxes, r)
    crowd = crowd_of(boxes, mode >> 2, threshold)
    ranges = np.zeros((1, 2), np.int64)
    room = np.ones((18, LANES + 8)), np.empty(LANES, np.int64), np.empty(LANES, np.float64)
    kept, hulls = np.empty(boxes.shape[0], np.int32), np.empty((boxes.shape[0], 5), np.float64)
    alike, others = np.empty(boxes.shape[0], np.int32), np.empty((boxes.shape[0], 5), np.float64)
    count = solid = 0
    for r in range(m):
        if count == most:
            break
        if crowd.hulls[r, 4] > 0.0:
            near, theirs = kept, hulls
            ranges[0, 1] = solid
            if labels.shape[0] > 0:
                near, theirs = alike, others
                ranges[0, 1] = 0
                for p in range(solid):
                    if labels[order[kept[p]]] == labels[order[r]]:
                        alike[ranges[0, 1]] = kept[p]
                        for c in range(5):  # a row at once compiles for two seconds
                            others[ranges[0, 1], c] = hulls[p, c]
                        ranges[0, 1] += 1
            if suppressor_of(crowd, r, near, theirs, ranges, np.int64(1), np.bool_(False), room) >= 0:
                continue
            kept[solid] = r
            for c in range(5):
                hulls[solid, c] = crowd.hulls[r, c]
            solid += 1
        keep[count] = order[r]
        count += 1
    return count if m >= 0 else m


@kernel("void(int64, float64, float64[:,::1], int64[::1], int64, boolean, boolean[::1], int64[::1])")
def suppress(
    kind: int, threshold: float, boxes: F8, starts: I8, most: int, every: bool, kept: B1, by: I8
) -> None:
    """Decide the boxes of each run, best first; with ``every``, ``by`` says which suppressed each, the best of them."""
    crowd = crowd_of(boxes, kind, threshold)
    ranges = np.empty((2 * MANY + 8, 2), np.int64)
    room = np.ones((18, LANES + 8)), np.empty(LANES, np.int64), np.empty(LANES, np.float64)
    for run in range(starts.shape[0] - 1):
        start, stop = starts[run], starts[run + 1]
        cells, home = _lay(crowd, start, stop)
        # Kept ones, in order.
        so_far, so_far_hulls = np.empty(stop - start, np.int32), np.empty((stop - start, 5), np.float64)
        total = solid = 0
        for i in range(start, stop):
            if total == most:
                break
            if crowd.hulls[i, 4] > 0.0:
                cell, found = home[i - start], np.int64(-1)
                for look in range(1 if every else 0, 2):  # its own cell first, where most find what suppresses them
                    near, theirs, count = cells.slots, cells.hulls, np.int64(1)
                    if look == 0:
                        ranges[0, 0], ranges[0, 1] = cells.bounds[cell, 0], cells.bounds[cell, 1]
                    else:
                        count = _list_ranges(crowd, cells, i, ranges)
                    if count < 0:
                        near, theirs, count = so_far, so_far_hulls, np.int64(1)
                        ranges[0, 0], ranges[0, 1] = 0, solid
                    found = suppressor_of(crowd, i, near, theirs, ranges, count, every, room)
                    if found >= 0:
                        break
                if found >= 0:
                    by[i] = found
                    continue
                so_far[solid], at = i, cells.bounds[cell, 1]
                cells.slots[at] = i
                for c in range(5):
                    so_far_hulls[solid, c] = cells.hulls[at, c] = crowd.hulls[i, c]
                solid += 1
                cells.bounds[cell, 1] += 1
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
    pairs, values = np.empty((18, PAIRS + 8), np.float64), np.empty(PAIRS, np.float64)
    waiting = np.empty(PAIRS, np.int64)
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
        held: Any = np.int64(0)
        rest = 0
        for p in range(m):
            i = left[p]
            if p != at and labels[i] == labels[best] and crowd.hulls[i, 4] > 0.0:
                if may_exceed(crowd, crowd.hulls[best], crowd.hulls[i]):
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
                held = np.int64(0)
        for p in range(m):
            left[rest] = left[p]
            rest += p != at and marks[left[p]] > rule[2]
        m = rest
    return count
