"""What non-maximum suppression needs around its decisions: checked rows, columns to filter by, and an order.

The columns are float32, rounded outward (x1 and y1 down, x2 and y2 up, an ``offset`` of 1 already added), so
that an intersection computed from them is never too small; the fifth column is a share of the area that is
never too large. A pair can therefore exceed the IoU threshold only if ``w > 0``, ``h > 0`` and ``w * h >=
share + share``: with A + B = union + inter, IoU > t means inter > t / (1 + t) * (A + B), and ``share`` is
that multiple of one area.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import B1, F4, F8, I4, I8, inlined, kernel

FAR = 1e15  # beyond it float32 areas would leave float32's range: such scenes are scaled by a power of two
BLOCK = 512
DIGIT = 2048


@inlined
def _check(boxes: Any, scores: Any, distance: Any, limit: Any, largest: Any) -> Any:
    """(-1, or 2 * row for a bad box, or 2 * row + 1 for a bad score; whether one is beyond ``distance``)."""
    n = boxes.shape[0]
    flat = boxes.reshape(-1)  # number by number: rows of four would have to be shuffled into vectors
    far = False
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        good = (abs(flat[4 * stop - 2]) <= distance) & (abs(flat[4 * stop - 1]) <= distance)
        for j in range(np.uint64(4 * start), np.uint64(4 * stop - 2)):  # without an exit, so that it vectorizes
            is_second = (j & np.uint64(2)) != 0  # of x2 and y2, which are not compared with what follows
            good &= (abs(flat[j]) <= distance) & ((flat[j] <= flat[j + np.uint64(2)]) | is_second)
        if not good:
            far = True
            for i in range(start, stop):
                x1, y1, x2, y2 = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
                if not ((x1 <= x2) & (y1 <= y2) & (x1 >= -limit) & (y1 >= -limit) & (x2 <= limit) & (y2 <= limit)):
                    return 2 * i, far
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        good = True
        for i in range(start, stop):
            good &= abs(scores[i]) <= largest
        if not good:
            for i in range(start, stop):
                if not abs(scores[i]) <= largest:
                    return 2 * i + 1, far
    return -1, far


@inlined
def _sort_pairs(pairs: Any) -> Any:
    """Sort by the upper 32 bits, stable: three passes of 11 bits, those skipped in which all agree."""
    n = pairs.shape[0]
    counts = np.zeros((3, DIGIT), np.int32)
    for i in range(n):
        key = pairs[i] >> np.uint64(32)
        counts[0, key & np.uint64(2047)] += 1
        counts[1, (key >> np.uint64(11)) & np.uint64(2047)] += 1
        counts[2, key >> np.uint64(22)] += 1
    other = np.empty(n, np.uint64)
    for digit in range(3):
        place = counts[digit]
        shift = np.uint64(32 + 11 * digit)
        if place[(pairs[0] >> shift) & np.uint64(2047)] == n:
            continue
        total = np.int32(0)
        for d in range(DIGIT):
            count = place[d]
            place[d] = total
            total += count
        for i in range(n):
            pair = pairs[i]
            d = (pair >> shift) & np.uint64(2047)
            other[place[d]] = pair
            place[d] += 1
        pairs, other = other, pairs
    return pairs


@inlined
def _sort_long(keys: Any, order: Any) -> Any:
    """``order`` sorted by 64-bit keys, stable: six passes of 11 bits, those skipped in which all agree."""
    n = keys.shape[0]
    counts = np.zeros((6, DIGIT), np.int32)
    for i in range(n):
        key = keys[i]
        for digit in range(6):
            counts[digit, (key >> np.uint64(11 * digit)) & np.uint64(2047)] += 1
    other_keys = np.empty(n, np.uint64)
    other_order = np.empty(n, np.int32)
    for digit in range(6):
        place = counts[digit]
        shift = np.uint64(11 * digit)
        if place[(keys[0] >> shift) & np.uint64(2047)] == n:
            continue
        total = np.int32(0)
        for d in range(DIGIT):
            count = place[d]
            place[d] = total
            total += count
        for i in range(n):
            d = (keys[i] >> shift) & np.uint64(2047)
            at = place[d]
            place[d] = at + 1
            other_keys[at] = keys[i]
            other_order[at] = order[i]
        keys, other_keys = other_keys, keys
        order, other_order = other_order, order
    return order


@inlined
def _rejected(bad: Any) -> Any:
    order = np.empty(1, np.int32)
    order[0] = -1 - bad // 2
    return order, bad % 2 == 1


@inlined
def _admit(boxes: Any, scores: Any, score_threshold: Any, distance: Any, limit: Any, largest: Any) -> Any:
    """Check all rows, then list those that take part."""
    bad, far = _check(boxes, scores, distance, limit, largest)
    if bad >= 0:
        return _rejected(bad)
    n = scores.shape[0]
    order = np.empty(n + 1, np.int32)  # one more, where those below are written over and over
    if score_threshold == -np.inf:
        for i in range(n):
            order[i] = i
        return order[:n], far
    m = 0
    for i in range(n):
        order[m] = i
        m += scores[i] > score_threshold
    return order[:m], far


@kernel("Tuple((int32[::1], boolean))(float32[:,::1], float32[::1], float64)")
def admit_float32(boxes: F4, scores: F4, score_threshold: float) -> tuple[I4, bool]:
    """Rows with a score above the threshold, and whether a coordinate is far out.

    A row that breaks the contract gives (-1 - row, whether it is the score that does).
    """
    most = np.float32(3.4028235e38)
    return _admit(boxes, scores, score_threshold, np.float32(FAR), most, most)  # type: ignore[no-any-return]


@kernel("Tuple((int32[::1], boolean))(float64[:,::1], float64[::1], float64)")
def admit_float64(boxes: F8, scores: F8, score_threshold: float) -> tuple[I4, bool]:
    """``admit_float32`` for float64."""
    return _admit(boxes, scores, score_threshold, FAR, 1e150, 1.7976931348623157e308)  # type: ignore[no-any-return]


@inlined
def _kept(order: Any, kept: Any) -> Any:
    """The part of ``order`` that is kept, all of it for an empty ``kept``."""
    if kept.shape[0] == 0:
        return order
    rows = np.empty(order.shape[0] + 1, np.int32)
    m = 0
    for r in range(order.shape[0]):
        rows[m] = order[r]
        m += kept[r]
    return rows[:m]


@kernel("int32[::1](float32[::1], int32[::1], boolean[::1])")
def rank_float32(scores: F4, order: I4, kept: B1) -> I4:
    """The rows of ``order`` that are kept (all for an empty ``kept``), highest score first, ties as they come."""
    order = _kept(order, kept)
    m = order.shape[0]
    if m == 0:
        return order
    values = np.empty(m, np.float32)
    for r in range(m):
        values[r] = scores[order[r]] + np.float32(0)  # turns -0 into 0
    bits = values.view(np.uint32)
    pairs = np.empty(m, np.uint64)
    for r in range(m):
        key = bits[r]
        if key < np.uint32(0x80000000):  # descending order of floats as ascending order of unsigned integers
            key = np.uint32(0x7FFFFFFF) - key
        pairs[r] = (np.uint64(key) << np.uint64(32)) | np.uint64(order[r])
    pairs = _sort_pairs(pairs)
    ranked = np.empty(m, np.int32)
    for r in range(m):
        ranked[r] = np.int32(pairs[r] & np.uint64(0xFFFFFFFF))
    return ranked


@kernel("int32[::1](float64[::1], int32[::1], boolean[::1])")
def rank_float64(scores: F8, order: I4, kept: B1) -> I4:
    """``rank_float32`` for float64."""
    order = _kept(order, kept)
    m = order.shape[0]
    if m == 0:
        return order
    values = np.empty(m, np.float64)
    for r in range(m):
        values[r] = scores[order[r]] + 0.0
    bits = values.view(np.uint64)
    keys = np.empty(m, np.uint64)
    for r in range(m):
        key = bits[r]
        if key < np.uint64(0x8000000000000000):
            key = np.uint64(0x7FFFFFFFFFFFFFFF) - key
        keys[r] = key
    return _sort_long(keys, order.copy())  # type: ignore[no-any-return]


@inlined
def _share(iou_threshold: Any) -> Any:
    """The multiple of an area that two boxes at the threshold have in common, less than float32 can lose."""
    return iou_threshold / (1.0 + iou_threshold) * (1.0 - 2e-6) if iou_threshold > 1e-6 else 0.0


@inlined
def _down(value: Any) -> Any:
    """The largest float32 that is certainly not above the value, or the value itself."""
    near = np.float32(value)
    if near > value:
        near = np.float32(value - abs(value) * 1.2e-7 - 1.5e-45)
    return near


@kernel("float32[:,::1](float32[:,::1], int32[::1], float64)")
def columns_float32(boxes: F4, order: I4, iou_threshold: float) -> F4:
    """The columns of float32 boxes near the origin with offset 0: no rounding, the columns hold the boxes."""
    m = order.shape[0]
    share = _share(iou_threshold)
    columns = np.empty((5, m), np.float32)
    a, b, c, d, e = columns[0], columns[1], columns[2], columns[3], columns[4]
    for r in range(m):
        i = order[r]
        x1, y1, x2, y2 = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
        a[r], b[r], c[r], d[r] = x1, y1, x2, y2
        area = (np.float64(x2) - np.float64(x1)) * (np.float64(y2) - np.float64(y1))
        e[r] = max(area * share - 1e-30, 0.0) if area > 0.0 else -1.0
    return columns


@kernel("Tuple((float32[:,::1], float64[:,::1]))(float64[:,::1], int32[::1], float64, float64, boolean)")
def columns_float64(boxes: F8, order: I4, iou_threshold: float, offset: float, far: bool) -> tuple[F4, F8]:
    """The columns, and the float64 rows in the same order unless the columns hold the boxes exactly."""
    m = order.shape[0]
    share = _share(iou_threshold)
    scale = 1.0
    if far:
        farthest = 1.0
        for r in range(m):
            i = order[r]
            farthest = max(farthest, abs(boxes[i, 0]), abs(boxes[i, 1]), abs(boxes[i, 2]), abs(boxes[i, 3]))
        while farthest * scale > 1e9:
            scale *= 0.5
    columns = np.empty((5, m), np.float32)
    exact = scale == 1.0
    for r in range(m):
        i = order[r]
        x1, y1, x2, y2 = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
        right, low = x2 + offset, y2 + offset
        if right - x2 < offset:  # far out the offset is lost in rounding, but two boxes that touch still share it
            right += abs(right) * 2.3e-16
        if low - y2 < offset:
            low += abs(low) * 2.3e-16
        left, top, right, low = x1 * scale, y1 * scale, right * scale, low * scale
        columns[0, r] = _down(left)
        columns[1, r] = _down(top)
        columns[2, r] = -_down(-right)
        columns[3, r] = -_down(-low)
        exact &= (columns[0, r] == left) & (columns[1, r] == top) & (columns[2, r] == right) & (columns[3, r] == low)
        exact &= (columns[2, r] - offset == x2) & (columns[3, r] - offset == y2)
        area = (x2 - x1 + offset) * (y2 - y1 + offset)
        columns[4, r] = max(area * scale * scale * share - 1e-30, 0.0) if area > 0.0 else -1.0
    rows = np.empty((0 if exact else m, 4), np.float64)
    for r in range(rows.shape[0]):
        i = order[r]
        for c in range(4):
            rows[r, c] = boxes[i, c]
    return columns, rows


@kernel("Tuple((int32[::1], int32[::1], int64[::1]))(int64[::1], int32[::1])")
def group_by_label(labels: I8, order: I4) -> tuple[I4, I4, I8]:
    """Positions in ``order`` by label, stable, the rows there, and where the labels' runs start, with the end of the
    last."""
    m = order.shape[0]
    places, rows = np.empty(m, np.int32), np.empty(m, np.int32)
    if m == 0:
        return places, rows, np.zeros(1, np.int64)
    ranked = np.empty(m, np.int64)  # the one walk at random
    low = high = labels[order[0]]
    for r in range(m):
        label = labels[order[r]]
        ranked[r] = label
        low, high = min(low, label), max(high, label)
    sign = np.uint64(0x8000000000000000)  # flipping it orders int64 as uint64
    spread = (np.uint64(high) ^ sign) - (np.uint64(low) ^ sign)
    starts = np.empty(m + 1, np.int64)
    groups = 0
    if spread <= np.uint64(4 * m + 1024):
        ends = np.zeros(np.int64(spread) + 1, np.int32)
        for r in range(m):
            ends[ranked[r] - low] += 1
        total = np.int32(0)
        for c in range(ends.shape[0]):
            count = ends[c]
            ends[c] = total
            if count > 0:
                starts[groups] = total
                groups += 1
            total += count
        for r in range(m):
            c = ranked[r] - low
            at = ends[c]
            ends[c] = at + 1
            places[at] = r
            rows[at] = order[r]
    else:
        keys = np.empty(m, np.uint64)
        for r in range(m):
            keys[r] = np.uint64(ranked[r]) ^ sign
            places[r] = r
        places = _sort_long(keys, places)
        for p in range(m):
            rows[p] = order[places[p]]
            if p == 0 or ranked[places[p]] != ranked[places[p - 1]]:
                starts[groups] = p
                groups += 1
    starts[groups] = m
    return places, rows, starts[: groups + 1]


@kernel("int64[::1](int32[::1], boolean[::1], int64)")
def pick(order: I4, kept: B1, most: int) -> I8:
    """The kept rows of the order, at most so many."""
    count = 0
    for r in range(kept.shape[0]):
        count += kept[r]
    keep = np.empty(min(count, most), np.int64)
    count = 0
    for r in range(kept.shape[0]):
        if kept[r]:
            if count == keep.shape[0]:
                break
            keep[count] = order[r]
            count += 1
    return keep


@kernel("int64[::1](int32[::1], boolean[::1], int32[::1], int64)")
def pick_grouped(order: I4, kept: B1, places: I4, most: int) -> I8:
    """``pick`` where ``kept`` follows ``places``."""
    flags = np.empty(kept.shape[0], np.bool_)
    for p in range(kept.shape[0]):
        flags[places[p]] = kept[p]
    count = 0
    for r in range(flags.shape[0]):
        count += flags[r]
    keep = np.empty(min(count, most), np.int64)
    count = 0
    for r in range(flags.shape[0]):
        if flags[r]:
            if count == keep.shape[0]:
                break
            keep[count] = order[r]
            count += 1
    return keep
