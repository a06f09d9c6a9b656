"""Non-maximum suppression of up to some hundred boxes in one call: the best box, all it suppresses, the next.

Every kept box is compared with all that are left, in one pass over columns that the compiler turns into vectors.
A few boxes usually settle most of the others, so the first are sought among all; only what is left then is sorted.
Arrays with gaps between rows, or between numbers, are copied first.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detutils._jit import F4, F8, I8, embedded, kernel
from detutils._kernels.checks import box_is_good
from detutils.suppression._kernels.blocks import column_of
from detutils.suppression._kernels.checks import BOUNDS_FLOAT32, BOUNDS_FLOAT64, first_bad
from detutils.suppression._kernels.pair import (
    LANES,
    NOTHING,
    as_better,
    as_they_are,
    as_weaker,
    factor_of,
    least_of,
    may,
    outward,
    overlap_of,
    settle,
)

FIRST = 3  # boxes that are sought before the rest is sorted: python -m benchmarks tune
LOWEST = np.int32(-(2**31))  # the key of what takes no part, or no more
GONE = np.int32(-(2**31) + 2**22)  # up to here a key says which kept box, counted from 1, suppressed: no score has one


class Task(NamedTuple):
    """What is to be done, and the room for the work. What is not needed is empty."""

    boxes: Any
    scores: Any  # for ties; empty where the keys hold them
    limits: Any  # the threshold, that of scores, the offset, the measure
    slack: Any  # None says that the columns hold the boxes
    columns: Any  # six of float32, the last one spare
    integers: Any  # four of int32: keys, two spare ones, the order
    classes: Any
    keep: Any
    by: Any  # of each row: the row that suppressed it, or -1


@embedded
def _write_keys(scores: Any, score_threshold: Any, rounded: Any, keys: Any) -> None:
    """Integers in order with the scores as float32, made of the bits of ``rounded``, which shares memory with ``keys``;
    in two loops, so that they vectorize."""
    for i in range(np.uint64(scores.shape[0])):
        rounded[i] = scores[i] if scores[i] != 0 else 0.0  # -0 is 0
    for i in range(np.uint64(scores.shape[0])):
        key = keys[i]
        key ^= (key >> np.int32(31)) & np.int32(0x7FFFFFFF)
        keys[i] = key if scores[i] > score_threshold else LOWEST


@embedded
def _place_of(keys: Any, key: Any) -> Any:
    """The first place of a key that is there."""
    none = np.int32(keys.shape[0])
    place = none
    for j in range(np.uint32(none)):
        place = min(place, np.int32(j) if keys[j] == key else none)
    return np.int64(place)


@embedded
def _sort(keys: Any, spare: Any, above: Any, order: Any) -> Any:
    """Fill ``order`` with the places of what is not out, highest key first, ties by place; how many."""
    m = 0
    for i in range(keys.shape[0]):
        if keys[i] > GONE:
            order[m] = i
            m += 1
    padded = (m + LANES - 1) // LANES * LANES
    for r in range(padded):
        spare[r] = keys[order[r]] if r < m else LOWEST
        above[r] = 0
    for r in range(0, m, 4):  # count the larger ones, for four at a time; those of the padding are above nobody
        a, b, c, d = spare[r], spare[r + 1], spare[r + 2], spare[r + 3]
        for j in range(np.uint64(padded)):
            key = spare[j]
            above[j] += np.int32(a > key) + np.int32(b > key) + np.int32(c > key) + np.int32(d > key)
    for r in range(m):
        spare[r] = order[r]
        order[r] = -1
    for r in range(m):
        at = np.int64(above[r])
        while order[at] >= 0:  # taken by a tied key of a lower index
            at += 1
        order[at] = spare[r]
    return m


@embedded
def _name(task: Any) -> None:
    """Tell the rows who suppressed them."""
    keys, order, keep, by = task.integers[0], task.integers[3], task.keep, task.by
    for j in range(by.shape[0]):
        if LOWEST < keys[j] <= GONE:
            by[order[j]] = keep[keys[j] - LOWEST - 1]


@embedded
def _move(columns: Any, keys: Any, order: Any, m: Any) -> None:
    """Move so many columns to the front, in this order; nothing of the others is left."""
    for c in range(5):
        for j in range(m):
            columns[5, j] = columns[c, order[j]]
        for j in range(m):
            columns[c, j] = columns[5, j]
    for j in range(keys.shape[0]):
        keys[j] = 0 if j < m else LOWEST


@embedded
def _rank(task: Any) -> Any:
    """Move what is left to the front of the columns, best first; how many."""
    scores, classes = task.scores, task.classes
    keys, spare, order = task.integers[0], task.integers[1], task.integers[3]
    _name(task)
    m = _sort(keys, spare, task.integers[2], order)
    if scores.shape[0] > 0:
        for q in range(1, m):  # tied as float32
            i = order[q]
            at: Any = q
            while at > 0 and keys[order[at - 1]] == keys[i] and scores[order[at - 1]] < scores[i]:
                order[at] = order[at - 1]
                at -= 1
            order[at] = i
    if classes.shape[0] > 0:
        for j in range(m):
            spare[j] = classes[order[j]]
        for j in range(m):
            classes[j] = spare[j]
    _move(task.columns, keys, order, m)
    return m


@embedded
def _box(boxes: Any, i: Any) -> Any:
    return np.float64(boxes[i, 0]), np.float64(boxes[i, 1]), np.float64(boxes[i, 2]), np.float64(boxes[i, 3])


@embedded
def _settle_all(task: Any, r: Any, start: Any, end: Any, out: Any, classes: Any, measure: Any) -> Any:
    """Give the key ``out`` to what box r exceeds the threshold with for certain; the best key left, and whether any
    pair is in doubt. None for ``classes`` says that there is one."""
    columns, keys = task.columns, task.integers[0]
    least = least_of(task.limits[0])
    box = as_better(column_of(columns, r), measure)
    best, unsure = LOWEST, False
    for j in range(np.uint64(start), np.uint64(end)):  # unsigned: a look for negative indices costs the vectors
        meets, exceeds = settle(box, as_weaker(column_of(columns, j), measure), task.slack, least)
        if classes is not None:
            meets, exceeds = meets & (classes[j] == classes[r]), exceeds & (classes[j] == classes[r])
        key = keys[j]
        unsure |= meets & (not exceeds) & (key > GONE)
        key = min(key, out) if exceeds else key  # who suppressed before has a lower key
        keys[j] = key
        best = max(best, key)
    return best, unsure


@embedded
def _suppress(task: Any, most: Any) -> Any:
    """Fill ``keep`` from columns and keys; how many."""
    boxes, scores, columns, classes, keep = task.boxes, task.scores, task.columns, task.classes, task.keep
    threshold, offset, measure = task.limits[0], task.limits[2], task.limits[3]
    keys, order = task.integers[0], task.integers[3]
    best = LOWEST
    for i in range(keys.shape[0]):
        best = max(best, keys[i])
    for i in range(np.uint64(keys.shape[0])):
        order[i] = np.int32(i)
    end, m = keys.shape[0], -1  # where the columns end; how many were sorted
    count = 0
    r: Any = 0
    while count < most:
        if m < 0 and count == FIRST:
            m = _rank(task)
            end, r = (m + LANES - 1) // LANES * LANES, 0
        if m >= 0:
            while r < m and keys[r] <= GONE:
                r += 1
            if r == m:
                break
        elif best <= GONE:
            break
        else:
            r = _place_of(keys, best)
            for j in range(r + 1, scores.shape[0]):
                if keys[j] == best and scores[j] > scores[r]:
                    r = j
        row, start = np.int64(order[r]), r // LANES * LANES if m >= 0 else 0
        keep[count] = row
        count += 1
        keys[r], out = LOWEST, np.int32(LOWEST + count)
        if measure >= 0.0:
            best, unsure = _settle_all(task, r, start, end, out, classes, measure)
        elif classes.shape[0] > 0:
            best, unsure = _settle_all(task, r, start, end, out, classes, -1.0)
        else:
            best, unsure = _settle_all(task, r, start, end, out, None, -1.0)
        if unsure:
            best = LOWEST
            box = as_better(column_of(columns, r), measure)
            for j in range(start, end):
                if keys[j] > GONE and may(box, as_weaker(column_of(columns, j), measure)):
                    if classes.shape[0] == 0 or classes[j] == classes[r]:
                        if overlap_of(_box(boxes, row), _box(boxes, order[j]), offset, measure) > threshold:
                            keys[j] = out
                best = max(best, keys[j])
    _name(task)
    return count


@embedded
def _rows_of(boxes: Any, scores: Any) -> Any:
    """Boxes and scores without gaps, and whether they are (N, 4) and (N,) aligned numbers: the kernel is called without
    a look at them, whatever its signature says."""
    size = boxes.itemsize
    bits = boxes.ctypes.data | scores.ctypes.data | boxes.strides[0] | boxes.strides[1] | scores.strides[0]
    if boxes.shape[1] != 4 or boxes.shape[0] != scores.shape[0] or bits % size != 0:
        return boxes[:0], scores[:0], False
    if (boxes.strides[0] == 4 * size) & (boxes.strides[1] == size) & (scores.strides[0] == size):
        return boxes, scores, True
    return boxes[::1].copy(), scores[::1].copy(), True  # the slices have the strides that there are


@embedded
def _begin(boxes: Any, scores: Any, limits: Any, offset: Any, bounds: Any) -> Any:
    """What is wrong or 0, boxes, scores, room for columns and keys, filled in, and what rounding to the columns may add
    to a side: None without an ``offset``, for float32."""
    rows, values, readable = _rows_of(boxes, scores)
    n = values.shape[0]
    columns = np.empty((10, (n + LANES - 1) // LANES * LANES), np.float32)  # six of them, and in the same piece
    integers = columns[6:].view(np.int32)  # four of int32; whole vectors
    keys, factor = integers[0], factor_of(limits[0], limits[3])
    good = exact = True
    slack = None if offset is None else np.float32(0)
    if not readable or rows.shape[1] != 4:  # the step of four is known below, which lets the loop vectorize
        return -1, rows, values, columns, integers, slack
    for i in range(np.uint64(n)):
        box = rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3]
        good &= box_is_good(box[0], box[1], box[2], box[3], bounds[0])
        if offset is None:
            as_they_are(columns, i, box, factor)
        else:
            exact &= outward(columns, i, box, offset, factor, 1.0)
    for i in range(n):
        good &= abs(values[i]) <= bounds[2]
    _write_keys(values, limits[1], columns[6], keys)
    for i in range(n, keys.shape[0]):  # the columns are filled up with what meets nothing
        columns[0, i] = columns[1, i] = columns[2, i] = columns[3, i] = 0
        columns[4, i], keys[i] = NOTHING, LOWEST
    code = 0 if good else first_bad(rows, values, limits[1], bounds[1], bounds[2])  # -1: a row that does not count
    if offset is not None:
        slack = np.float32(0) if exact else np.float32(1e-6) * _farthest(columns)
    return code, rows, values, columns, integers, slack


@embedded
def _farthest(columns: Any) -> Any:
    """The largest coordinate of the columns."""
    magnitudes = columns.view(np.int32)  # of floats without a sign, integers keep the order, and vectorize
    widest = np.int32(0)
    for c in range(4):
        for i in range(np.uint64(columns.shape[1])):
            widest = max(widest, magnitudes[c, i] & np.int32(0x7FFFFFFF))
    magnitudes[5, 0] = widest
    return columns[5, 0]


@kernel("int64(float32[:,::1], float32[::1], UniTuple(float64, 4), int64, int64[::1])")
def select_float32(boxes: F4, scores: F4, limits: Any, most: int, keep: I8) -> int:
    """Write the kept rows to ``keep``, which has room for all, and return their number, or what is wrong (``checks``).

    ``limits``: the IoU threshold, that of scores, and two for ``select_float64``. -1 says that the arrays have the
    wrong shape or are not aligned, that a box is too far out for the columns, or that one breaks the contract whose
    score is too low to count.
    """
    limits = limits[0], limits[1], 0.0, -1.0  # known to the compiler
    code, rows, values, columns, integers, slack = _begin(boxes, scores, limits, None, BOUNDS_FLOAT32)
    if code < 0:
        return int(code)
    task = Task(rows, values[:0], limits, slack, columns, integers, integers[0, :0], keep, keep[:0])
    return int(_suppress(task, most))


@kernel("int64(float64[:,::1], float64[::1], int64[::1], UniTuple(float64, 4), int64, int64[::1])")
def select_float64(boxes: F8, scores: F8, labels: I8, limits: Any, most: int, found: I8) -> int:
    """``select_float32`` for float64, within each class if there are labels, and by every measure; ``limits`` ends with
    the offset and the measure (``Scene``). -1 also for labels beyond 32 bits.

    Where ``found`` has room for three numbers a row, there follow the suppressor of each row (or -1) and, as float64,
    their overlap.
    """
    code, rows, values, columns, integers, slack = _begin(boxes, scores, limits, limits[2], BOUNDS_FLOAT64)
    if code < 0:
        return int(code)
    n, classes, by, fit = values.shape[0], integers[0, :0], found[:0], True
    if labels.shape[0] > 0 or limits[3] >= 0.0:
        classes = np.zeros(columns.shape[1], np.int32)
        for i in range(labels.shape[0]):
            fits = (labels[i] >= -(2**31)) & (labels[i] < 2**31)
            classes[i] = labels[i] if fits else 0
            fit &= fits
    if not fit:
        return -1
    if found.shape[0] > n:
        by = found[n : 2 * n]
        by[:] = -1
    count = _suppress(Task(rows, values, limits, slack, columns, integers, classes, found, by), most)
    if by.shape[0] > 0:
        overlaps, ended = found[2 * n :].view(np.float64), count == most and count > 0
        last = found[count - 1] if ended else 0
        for i in range(n):
            if ended and (values[i] < values[last] or (values[i] == values[last] and i > last)):
                by[i] = -1  # the loop never met those behind the last kept one
            overlaps[i] = overlap_of(_box(rows, by[i]), _box(rows, i), limits[2], limits[3]) if by[i] >= 0 else 0.0
    return int(count)
