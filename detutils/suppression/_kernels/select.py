"""Non-maximum suppression of up to some hundred boxes in one call: the best box, all it suppresses, the next.

Every kept box is compared with all that are left, in one pass over columns that the compiler turns into vectors.
A few boxes usually settle most of the others, so the first are sought among all; only what is left then is sorted.
Arrays with gaps between rows, or between numbers, are copied first.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detutils._jit import F4, F8, I8, embedded, inlined, kernel
from detutils._kernels.checks import box_is_good
from detutils._kernels.limits import LARGEST, LARGEST_FLOAT32, LIMIT
from detutils.suppression._kernels.checks import first_bad
from detutils.suppression._kernels.pair import (
    FAR,
    LANES,
    NOTHING,
    as_kept,
    as_they_are,
    factor_of,
    least_of,
    may,
    outward,
    overlap_of,
    settle,
)

FIRST = 3  # boxes that are sought before the rest is sorted: python -m benchmarks tune
FEW = 24  # below it insertion is quicker than counting: python -m benchmarks tune
LOWEST = np.int32(-(2**31))  # the key of what is out: no finite score has it
UNMARKED, OUT = np.int32(-1), np.int32(-2)


class Task(NamedTuple):
    """What is to be done, and the room for the work."""

    boxes: Any
    iou_threshold: Any
    offset: Any
    of_weaker: Any  # the measure, see ``Scene``
    slack: Any  # None says that the columns hold the boxes
    columns: Any  # six of float32, the last one spare
    integers: Any  # four of int32: keys, two spare ones, the order
    by: Any  # of each row: the row that suppressed it, or -1; None where nobody asks


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


@inlined
def _sort(keys: Any, spare: Any, above: Any, order: Any) -> Any:
    """Fill ``order`` with the places of what is not out, highest key first, ties by place; how many."""
    m = 0
    for i in range(keys.shape[0]):
        if keys[i] > LOWEST:
            order[m] = i
            m += 1
    if m <= FEW:
        for r in range(1, m):
            i = order[r]
            at: Any = r
            while at > 0 and keys[order[at - 1]] < keys[i]:
                order[at] = order[at - 1]
                at -= 1
            order[at] = i
        return m
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


@inlined
def _write_marks(marks: Any, order: Any, m: Any, by: Any) -> None:
    for j in range(m):
        if marks[j] >= 0:
            i: Any = j
            if order is not None:
                i = np.int64(order[j])
            by[i] = marks[j]


@inlined
def _move(columns: Any, keys: Any, order: Any, m: Any) -> None:
    """Move so many columns to the front, in this order; nothing of the others is left."""
    for c in range(5):
        for j in range(m):
            columns[5, j] = columns[c, order[j]]
        for j in range(m):
            columns[c, j] = columns[5, j]
    for j in range((m + LANES - 1) // LANES * LANES):
        keys[j] = 0 if j < m else LOWEST


@inlined
def _rank(task: Any, scores: Any, classes: Any, marks: Any) -> Any:
    """Move what is left to the front of the columns, best first; how many."""
    integers = task.integers
    keys, spare, order = integers[0], integers[1], integers[3]
    m = _sort(keys, spare, integers[2], order)
    if scores is not None:
        for q in range(1, m):  # tied as float32
            i = order[q]
            at: Any = q
            while at > 0 and keys[order[at - 1]] == keys[i] and scores[order[at - 1]] < scores[i]:
                order[at] = order[at - 1]
                at -= 1
            order[at] = i
    if marks is not None:
        _write_marks(marks, None, task.by.shape[0], task.by)
        for j in range(marks.shape[0]):
            marks[j] = UNMARKED if j < m else OUT
    if classes is not None:
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
def _suppress(task: Any, scores: Any, classes: Any, marks: Any, most: Any, keep: Any) -> Any:
    """Fill ``keep`` from columns and keys; how many.

    None for ``scores`` says that the keys hold them, None for ``classes`` that there is one. ``marks`` says of each
    column which row suppressed it, or UNMARKED or OUT.
    """
    boxes, columns = task.boxes, task.columns
    least = least_of(task.iou_threshold)
    keys, order = task.integers[0], task.integers[3]
    group = np.int32(0)
    best = LOWEST
    for i in range(keys.shape[0]):
        best = max(best, keys[i])
    end, m = keys.shape[0], -1  # where the columns end; how many were sorted
    count = 0
    r: Any = 0
    while count < most:
        if m < 0 and count == FIRST:
            m = _rank(task, scores, classes, marks)
            end, r = (m + LANES - 1) // LANES * LANES, 0
        if m >= 0:
            while r < m and keys[r] == LOWEST:
                r += 1
            if r == m:
                break
            row, start = np.int64(order[r]), r // LANES * LANES
        elif best == LOWEST:
            break
        else:
            r = _place_of(keys, best)
            if scores is not None:
                for j in range(r + 1, scores.shape[0]):
                    if keys[j] == best and scores[j] > scores[r]:
                        r = j
            row, start = r, 0
        keep[count] = row
        count += 1
        keys[r] = best = LOWEST
        box = as_kept((columns[0, r], columns[1, r], columns[2, r], columns[3, r], columns[4, r]), task.of_weaker)
        if classes is not None:
            group = classes[r]
        unsure = False
        for j in range(np.uint64(start), np.uint64(end)):  # unsigned: a look for negative indices costs the vectors
            other = columns[0, j], columns[1, j], columns[2, j], columns[3, j], columns[4, j]
            meets, exceeds = settle(box, other, task.slack, least, task.of_weaker)
            if classes is not None:
                meets, exceeds = meets & (classes[j] == group), exceeds & (classes[j] == group)
            key = keys[j]
            unsure |= meets & (not exceeds) & (key > LOWEST)
            key = LOWEST if exceeds else key
            keys[j] = key
            best = max(best, key)
        if unsure:
            best = LOWEST
            for j in range(start, end):
                other = columns[0, j], columns[1, j], columns[2, j], columns[3, j], columns[4, j]
                meets = keys[j] > LOWEST and may(box, other, task.of_weaker)
                if classes is not None:
                    meets = meets and classes[j] == group
                if meets:
                    b = _box(boxes, order[j] if m >= 0 else j)
                    if overlap_of(_box(boxes, row), b, task.offset, task.of_weaker) > task.iou_threshold:
                        keys[j] = LOWEST
                best = max(best, keys[j])
        if marks is not None:
            marks[r] = OUT
            for j in range(np.uint64(start), np.uint64(end)):
                marks[j] = np.int32(row) if (keys[j] == LOWEST) & (marks[j] == UNMARKED) else marks[j]
    if marks is not None:
        if m < 0:
            _write_marks(marks, None, boxes.shape[0], task.by)
        else:
            _write_marks(marks, order, m, task.by)
    return count


@embedded
def _rows_of(boxes: Any, scores: Any) -> Any:
    """Boxes and scores without gaps, and whether they are (N, 4) and (N,) aligned numbers: the kernel is called without
    a look at them. They have any strides, whatever the signature says."""
    size = boxes.itemsize
    bits = boxes.ctypes.data | scores.ctypes.data | boxes.strides[0] | boxes.strides[1] | scores.strides[0]
    if not (boxes.shape[1] == 4 and boxes.shape[0] == scores.shape[0] and bits % size == 0):
        return boxes[:0], scores[:0], False
    if (boxes.strides[0] == 4 * size) & (boxes.strides[1] == size) & (scores.strides[0] == size):
        return boxes, scores, True
    return boxes[::1].copy(), scores[::1].copy(), True  # the slices have the strides that there are


@embedded
def _begin(
    boxes: Any, scores: Any, iou_threshold: Any, score_threshold: Any, offset: Any, far: Any, limit: Any, largest: Any
) -> Any:
    """What is wrong or 0, boxes, scores, room for columns and keys, filled in, and what rounding to the columns may add
    to a side: None without an ``offset``, for float32."""
    rows, values, readable = _rows_of(boxes, scores)
    n = values.shape[0]
    columns = np.empty((10, (n + LANES - 1) // LANES * LANES), np.float32)  # six of them, and in the same piece
    integers = columns[6:].view(np.int32)  # four of int32; whole vectors
    keys, factor = integers[0], factor_of(iou_threshold)
    good = exact = True
    if not readable or rows.shape[1] != 4:  # the step of four is known below, which lets the loop vectorize
        return -1, rows, values, columns, integers, None if offset is None else np.float32(0)
    for i in range(np.uint64(n)):
        box = rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3]
        good &= box_is_good(box[0], box[1], box[2], box[3], far)
        if offset is None:
            as_they_are(columns, i, box, factor)
        else:
            exact &= outward(columns, i, box, offset, factor, 1.0)
    for i in range(n):
        good &= abs(values[i]) <= largest
    _write_keys(values, score_threshold, columns[6], keys)
    for i in range(n, keys.shape[0]):  # the columns are filled up with what meets nothing
        columns[0, i] = columns[1, i] = columns[2, i] = columns[3, i] = 0
        columns[4, i], keys[i] = NOTHING, LOWEST
    code = 0
    if not good:  # -1 also where it is only a row that does not count
        code = first_bad(rows, values, score_threshold, limit, largest)
    if offset is None:
        return code, rows, values, columns, integers, None
    slack = np.float32(0)
    if not exact:
        slack = np.float32(1e-6) * _farthest(columns)
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


@kernel("int64(float32[:,::1], float32[::1], float64, float64, int64, int64[::1])")
def select_float32(boxes: F4, scores: F4, iou_threshold: float, score_threshold: float, most: int, keep: I8) -> int:
    """Write the kept rows to ``keep``, which has room for all, and return their number, or what is wrong (``checks``).

    -1 says that the arrays have the wrong shape or are not aligned, that a box is too far out for the columns, or that
    one breaks the contract whose score is too low to count.
    """
    code, rows, _, columns, integers, slack = _begin(
        boxes, scores, iou_threshold, score_threshold, None, np.float32(FAR), LARGEST_FLOAT32, LARGEST_FLOAT32
    )
    if code < 0:
        return int(code)
    task = Task(rows, iou_threshold, 0.0, None, slack, columns, integers, None)
    return int(_suppress(task, None, None, None, most, keep))


@kernel("int64(float64[:,::1], float64[::1], float64, float64, int64, float64, int64[::1])")
def select_float64(
    boxes: F8, scores: F8, iou_threshold: float, score_threshold: float, most: int, offset: float, keep: I8
) -> int:
    """``select_float32`` for float64, and with an offset."""
    code, rows, values, columns, integers, slack = _begin(
        boxes, scores, iou_threshold, score_threshold, offset, FAR, LIMIT, LARGEST
    )
    if code < 0:
        return int(code)
    task = Task(rows, iou_threshold, offset, None, slack, columns, integers, None)
    return int(_suppress(task, values, None, None, most, keep))


@embedded
def _narrow(labels: Any, room: Any) -> Any:
    """The labels in 32 bits, and whether they fit."""
    classes = np.zeros(room, np.int32)
    fit = True
    for i in range(labels.shape[0]):
        fits = (labels[i] >= -(2**31)) & (labels[i] < 2**31)
        classes[i] = labels[i] if fits else 0
        fit &= fits
    return classes, fit


@kernel("int64(float64[:,::1], float64[::1], int64[::1], float64, float64, int64, float64, int64[::1])")
def select_by_label(
    boxes: F8, scores: F8, labels: I8, iou_threshold: float, score_threshold: float, most: int, offset: float, keep: I8
) -> int:
    """``select_float64`` within each class; -1 also for labels beyond 32 bits."""
    code, rows, values, columns, integers, slack = _begin(
        boxes, scores, iou_threshold, score_threshold, offset, FAR, LIMIT, LARGEST
    )
    if code < 0:
        return int(code)
    classes, fit = _narrow(labels, columns.shape[1])
    if not fit:
        return -1
    task = Task(rows, iou_threshold, offset, None, slack, columns, integers, None)
    return int(_suppress(task, values, classes, None, most, keep))


@inlined
def _explain(boxes: Any, scores: Any, labels: Any, rule: Any, of_weaker: Any, most: Any, found: Any) -> Any:
    """Fill in ``found``; how many are kept. ``rule``: the threshold, the offset, the threshold as an IoU, and of the
    scores."""
    code, rows, values, columns, integers, slack = _begin(boxes, scores, rule[2], rule[3], rule[1], FAR, LIMIT, LARGEST)
    if code < 0:
        return code
    classes, fit = _narrow(labels, columns.shape[1])
    if not fit:
        return -1
    by, iou, keys = found[1], found[2].view(np.float64), integers[0]
    marks = np.empty(keys.shape[0], np.int32)
    for i in range(marks.shape[0]):
        marks[i] = UNMARKED if keys[i] > LOWEST else OUT
    by[:] = -1
    task = Task(rows, rule[0], rule[1], of_weaker, slack, columns, integers, by)
    count = _suppress(task, values, classes, marks, most, found[0])
    if count == most and count > 0:  # the loop ended with the last kept one: it never met those behind it
        last = found[0, count - 1]
        for i in range(by.shape[0]):
            if values[i] < values[last] or (values[i] == values[last] and i > last):
                by[i] = -1
    for i in range(by.shape[0]):
        iou[i] = overlap_of(_box(rows, by[i]), _box(rows, i), rule[1], of_weaker) if by[i] >= 0 else 0.0
    return count


@kernel("int64(float64[:,::1], float64[::1], int64[::1], UniTuple(float64, 5), int64, int64[:,::1])")
def select_and_explain(boxes: F8, scores: F8, labels: I8, rule: Any, most: int, found: I8) -> int:
    """``select_by_label`` with reasons: ``found`` has a row for the kept ones, and for each box its suppressor (or
    -1) and, as float64, their overlap. ``rule`` ends with the measure: -1 for IoU, 0 for ios, 1 for ioa."""
    return int(_explain(boxes, scores, labels, rule, np.int64(rule[4]), most, found))
