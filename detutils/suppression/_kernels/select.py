"""Non-maximum suppression of up to some hundred boxes in one call: the best box, all it suppresses, the next.

Every kept box is compared with all that are left, in one pass over columns that the compiler turns into vectors.
A few boxes usually settle most of the others, so the first are sought among all; only what is left then is sorted.

The columns are those of ``nms_order``: float32, rounded outward, with a share of the area that is never too large.
What is clear of the threshold by more than they can err is settled by them, all else by the quotient of the
definition in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F4, F8, I8, inlined, kernel

FIRST = 3  # boxes that are sought before the rest is sorted
FEW = 24  # below it insertion is quicker than counting
FAR = 1e15  # beyond it float32 areas would leave float32's range
LANES = 16  # columns are whole vectors, so that no scalar remainder is left
LOWEST = np.int32(-(2**31))  # the key of what is out: no finite score has it
LARGEST = 1.7976931348623157e308
BIG = np.float32(3.4028235e38)


@inlined
def _laid_out(boxes: Any, scores: Any) -> Any:
    """Whether a (N, 4) and a (N,) array lie in memory as the kernel reads them: it may be called without a look."""
    size = boxes.itemsize
    return (
        boxes.shape[1] == 4
        and boxes.shape[0] == scores.shape[0]
        and boxes.strides[0] == 4 * size
        and boxes.strides[1] == size
        and scores.strides[0] == size
        and (boxes.ctypes.data | scores.ctypes.data) % size == 0
    )


@inlined
def _first_bad(boxes: Any, scores: Any, limit: Any, largest: Any) -> Any:
    """What is wrong: -2 - 2 * row of the first bad box, else -3 - 2 * row of the first bad score, else -1."""
    for i in range(boxes.shape[0]):
        x1, y1, x2, y2 = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
        if not ((x1 <= x2) & (y1 <= y2) & (x1 >= -limit) & (y1 >= -limit) & (x2 <= limit) & (y2 <= limit)):
            return -2 - 2 * i
    for i in range(boxes.shape[0]):
        if not abs(scores[i]) <= largest:
            return -3 - 2 * i
    return -1


@inlined
def _share(iou_threshold: Any) -> Any:
    """The multiple of an area that two boxes at the threshold have in common, less than float32 can lose."""
    return iou_threshold / (1.0 + iou_threshold) * (1.0 - 2e-6) if iou_threshold > 1e-6 else 0.0


@inlined
def _down(value: Any) -> Any:
    """The largest float32 that is certainly not above the value, or the value itself."""
    near = np.float32(value)
    return near if near <= value else np.float32(value - abs(value) * 1.2e-7 - 1.5e-45)


@inlined
def _key(score: Any, bits: Any) -> Any:
    """An integer that is in order with the score, from the score's own bits."""
    key = bits if score != 0 else np.int32(0)  # -0 is 0
    return key ^ ((key >> np.int32(31)) & np.int32(0x7FFFFFFF))


@inlined
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
def _exceeds(boxes: Any, a: Any, b: Any, iou_threshold: Any, offset: Any) -> Any:
    """Whether IoU > threshold in float64, as the definition computes it."""
    ax1, ay1, ax2, ay2 = np.float64(boxes[a, 0]), np.float64(boxes[a, 1]), np.float64(boxes[a, 2]), boxes[a, 3]
    bx1, by1, bx2, by2 = np.float64(boxes[b, 0]), np.float64(boxes[b, 1]), np.float64(boxes[b, 2]), boxes[b, 3]
    w = min(ax2, bx2) - max(ax1, bx1) + offset
    h = np.float64(min(ay2, by2)) - max(ay1, by1) + offset
    if not (w > 0.0 and h > 0.0):
        return False
    inter = w * h
    union = (ax2 - ax1 + offset) * (ay2 - ay1 + offset) + (bx2 - bx1 + offset) * (by2 - by1 + offset) - inter
    return union > 0.0 and inter / union > iou_threshold


@inlined
def _suppress(
    boxes: Any, scores: Any, classes: Any, iou_threshold: Any, most: Any, offset: Any, slack: Any, columns: Any,
    integers: Any, keep: Any,
) -> Any:  # fmt: skip
    """Fill ``keep`` from columns and keys. None for ``slack`` says that the columns hold the boxes exactly, None for
    ``scores`` that the keys hold them, None for ``classes`` that there is one."""
    keys, spare, above, order = integers[0], integers[1], integers[2], integers[3]
    group = np.int32(0)
    none, clear = np.float32(0), np.float32(1.00001)
    least = np.float32(1e-20 if iou_threshold > 1e-3 else np.inf)
    best = LOWEST
    for i in range(keys.shape[0]):
        best = max(best, keys[i])
    end, m = keys.shape[0], -1  # where the columns end; how many were sorted
    count = 0
    r: Any = 0
    while count < most:
        if m < 0 and count == FIRST:
            m = _sort(keys, spare, above, order)
            if scores is not None:
                for q in range(1, m):  # tied as float32
                    i = order[q]
                    at = q
                    while at > 0 and keys[order[at - 1]] == keys[i] and scores[order[at - 1]] < scores[i]:
                        order[at] = order[at - 1]
                        at -= 1
                    order[at] = i
            end = (m + LANES - 1) // LANES * LANES
            for c in range(5):
                for j in range(m):
                    columns[5, j] = columns[c, order[j]]
                for j in range(m):
                    columns[c, j] = columns[5, j]
            if classes is not None:
                for j in range(m):
                    spare[j] = classes[order[j]]
                for j in range(m):
                    classes[j] = spare[j]
            for j in range(end):
                keys[j] = 0 if j < m else LOWEST
            r = 0
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
        x1, y1, x2, y2, share = columns[0, r], columns[1, r], columns[2, r], columns[3, r], columns[4, r]
        if classes is not None:
            group = classes[r]
        unsure = False
        for j in range(np.uint64(start), np.uint64(end)):  # unsigned: a look for negative indices costs the vectors
            w = max(min(x2, columns[2, j]) - max(x1, columns[0, j]), none)  # so that two gaps are no intersection
            h = min(y2, columns[3, j]) - max(y1, columns[1, j])
            inter = w * h
            both = share + columns[4, j]
            may = inter >= both
            if classes is not None:
                may = may & (classes[j] == group)
            if slack is not None:
                inter = max(w - slack, none) * max(h - slack, none)
            must = may & (inter > both * clear + least)
            key = keys[j]
            unsure |= may & (inter <= both * clear + least) & (key > LOWEST)
            key = LOWEST if must else key
            keys[j] = key
            best = max(best, key)
        if unsure:
            best = LOWEST
            for j in range(start, end):
                if keys[j] > LOWEST:
                    w = min(x2, columns[2, j]) - max(x1, columns[0, j])
                    h = min(y2, columns[3, j]) - max(y1, columns[1, j])
                    may = (w > none) & (h > none) & (w * h >= share + columns[4, j])
                    if classes is not None:
                        may = may & (classes[j] == group)
                    if may:
                        if _exceeds(boxes, row, order[j] if m >= 0 else j, iou_threshold, offset):
                            keys[j] = LOWEST
                    best = max(best, keys[j])
    return count


@inlined
def _close(columns: Any, keys: Any, n: Any) -> None:
    """Fill the columns up with what meets nothing."""
    for i in range(n, keys.shape[0]):
        for c in range(4):
            columns[c, i] = 0
        columns[4, i] = np.inf
        keys[i] = LOWEST


@kernel("int64(float32[:,::1], float32[::1], float64, float64, int64, int64[::1])")
def select_float32(boxes: F4, scores: F4, iou_threshold: float, score_threshold: float, most: int, keep: I8) -> int:
    """Write the kept rows to ``keep``, which has room for all, and return their number.

    A box that breaks the contract gives -2 - 2 * row, a score that does -3 - 2 * row; -1 says that one is too far
    out for the columns, or that the arrays are not laid out for this.
    """
    n = boxes.shape[0]
    if not _laid_out(boxes, scores):
        return -1
    padded = (n + LANES - 1) // LANES * LANES
    columns = np.empty((10, padded), np.float32)
    integers = columns[6:].view(np.int32)
    factor, far = _share(iou_threshold), np.float32(FAR)
    good = True
    for i in range(np.uint64(n)):
        x1, y1, x2, y2 = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
        good &= (x1 <= x2) & (y1 <= y2) & (x1 >= -far) & (y1 >= -far) & (x2 <= far) & (y2 <= far)
        columns[0, i], columns[1, i], columns[2, i], columns[3, i] = x1, y1, x2, y2
        area = (np.float64(x2) - np.float64(x1)) * (np.float64(y2) - np.float64(y1))
        columns[4, i] = max(area * factor - 1e-30, 0.0) if area > 0.0 else np.inf  # without area it suppresses none
    bits = scores.view(np.int32)
    for i in range(n):
        good &= abs(scores[i]) <= BIG
        integers[0, i] = _key(scores[i], bits[i]) if scores[i] > score_threshold else LOWEST
    if not good:
        return int(_first_bad(boxes, scores, BIG, BIG))
    _close(columns, integers[0], n)
    return int(_suppress(boxes, None, None, iou_threshold, most, 0.0, None, columns, integers, keep))


@inlined
def _select_float64(
    boxes: Any, scores: Any, labels: Any, iou_threshold: Any, score_threshold: Any, most: Any, offset: Any, keep: Any
) -> Any:
    n = boxes.shape[0]
    if not _laid_out(boxes, scores):
        return -1
    padded = (n + LANES - 1) // LANES * LANES
    columns = np.empty((10, padded), np.float32)
    integers = columns[6:].view(np.int32)
    factor = _share(iou_threshold)
    good = exact = True
    for i in range(np.uint64(n)):
        x1, y1, x2, y2 = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
        good &= (x1 <= x2) & (y1 <= y2) & (x1 >= -FAR) & (y1 >= -FAR) & (x2 <= FAR) & (y2 <= FAR)
        # far out the offset is lost in rounding, but two boxes that touch still share it
        right = x2 + offset + (abs(x2) * 2.3e-16 if x2 + offset - x2 < offset else 0.0)
        low = y2 + offset + (abs(y2) * 2.3e-16 if y2 + offset - y2 < offset else 0.0)
        a, b, c, d = _down(x1), _down(y1), -_down(-right), -_down(-low)
        columns[0, i], columns[1, i], columns[2, i], columns[3, i] = a, b, c, d
        exact &= (a == x1) & (b == y1) & (c - offset == x2) & (d - offset == y2)
        area = (x2 - x1 + offset) * (y2 - y1 + offset)
        columns[4, i] = max(area * factor - 1e-30, 0.0) if area > 0.0 else np.inf
    rounded = np.empty(n, np.float32)
    bits = rounded.view(np.int32)
    for i in range(n):
        good &= abs(scores[i]) <= LARGEST
        rounded[i] = scores[i]
        integers[0, i] = _key(rounded[i], bits[i]) if scores[i] > score_threshold else LOWEST
    if not good:
        return _first_bad(boxes, scores, 1e150, LARGEST)
    _close(columns, integers[0], n)
    slack = np.float32(0)  # what rounding to the columns may move
    if not exact:
        magnitudes = columns[:6].view(np.int32)  # of floats without a sign, integers keep the order, and vectorize
        widest = np.int32(0)
        for c in range(4):
            for i in range(np.uint64(n)):
                widest = max(widest, magnitudes[c, i] & np.int32(0x7FFFFFFF))
        magnitudes[5, 0] = widest
        slack = np.float32(1e-6) * columns[5, 0]
    if labels is None:
        return _suppress(boxes, scores, None, iou_threshold, most, offset, slack, columns, integers, keep)
    classes = np.zeros(padded, np.int32)
    for i in range(n):
        if not -(2**31) <= labels[i] < 2**31:
            return -1
        classes[i] = labels[i]
    return _suppress(boxes, scores, classes, iou_threshold, most, offset, slack, columns, integers, keep)


@kernel("int64(float64[:,::1], float64[::1], float64, float64, int64, float64, int64[::1])")
def select_float64(
    boxes: F8, scores: F8, iou_threshold: float, score_threshold: float, most: int, offset: float, keep: I8
) -> int:
    """``select_float32`` for float64, and with an offset."""
    return int(_select_float64(boxes, scores, None, iou_threshold, score_threshold, most, offset, keep))


@kernel("int64(float64[:,::1], float64[::1], int64[::1], float64, float64, int64, float64, int64[::1])")
def select_by_label(
    boxes: F8,
    scores: F8,
    labels: I8,
    iou_threshold: float,
    score_threshold: float,
    most: int,
    offset: float,
    keep: I8,
) -> int:
    """``select_float64`` within each class; -1 also for labels beyond 32 bits."""
    return int(_select_float64(boxes, scores, labels, iou_threshold, score_threshold, most, offset, keep))
