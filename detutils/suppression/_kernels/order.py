"""What non-maximum suppression needs around its decisions: checked rows, an order, the columns, the kept rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import B1, F4, F8, I4, I8, inlined, kernel
from detutils._kernels.limits import LARGEST, LARGEST_FLOAT32, LIMIT
from detutils.suppression._kernels.checks import first_bad
from detutils.suppression._kernels.pair import FAR, as_they_are, factor_of, outward

DIGIT = 2048


@inlined
def _admit(boxes: Any, scores: Any, score_threshold: Any, distance: Any, limit: Any, largest: Any) -> Any:
    """Check all rows, then list those that take part."""
    n = scores.shape[0]
    order = np.empty(n + 1, np.int32)  # one more, where those below are written over and over
    flat = boxes.reshape(-1)  # number by number: rows of four would have to be shuffled into vectors
    good = n == 0 or ((abs(flat[4 * n - 2]) <= distance) & (abs(flat[4 * n - 1]) <= distance))
    for j in range(np.uint64(max(4 * n - 2, 0))):  # without an exit, so that it vectorizes
        is_second = (j & np.uint64(2)) != 0  # of x2 and y2, which are not compared with what follows
        good &= (abs(flat[j]) <= distance) & ((flat[j] <= flat[j + np.uint64(2)]) | is_second)
    for i in range(n):
        good &= abs(scores[i]) <= largest
    if not good:
        bad = first_bad(boxes, scores, score_threshold, limit, largest)
        if bad < -1:
            return order[:0], bad
    if score_threshold == -np.inf:
        for i in range(n):
            order[i] = i
        m = n
    else:
        m = 0
        for i in range(n):
            order[m] = i
            m += scores[i] > score_threshold
    far = False
    if not good:
        for r in range(m):
            for c in range(4):
                far |= abs(boxes[order[r], c]) > distance
    return order[:m], np.int64(far)


@kernel("Tuple((int32[::1], int64))(float32[:,::1], float32[::1], float64)")
def admit_float32(boxes: F4, scores: F4, score_threshold: float) -> tuple[I4, int]:
    """Rows with a score above the threshold, and 1 if one of them is far out, or what is wrong (``checks``)."""
    far = np.float32(FAR)
    return _admit(boxes, scores, score_threshold, far, LARGEST_FLOAT32, LARGEST_FLOAT32)  # type: ignore[no-any-return]


@kernel("Tuple((int32[::1], int64))(float64[:,::1], float64[::1], float64)")
def admit_float64(boxes: F8, scores: F8, score_threshold: float) -> tuple[I4, int]:
    """``admit_float32`` for float64."""
    return _admit(boxes, scores, score_threshold, FAR, LIMIT, LARGEST)  # type: ignore[no-any-return]


@inlined
def _sorted(keys: Any, shift: Any, digits: Any, order: Any) -> Any:
    """The keys, sorted by so many digits of 11 bits above ``shift``, stable, and with them ``order`` unless it is None;
    digits in which all agree are skipped."""
    n = keys.shape[0]
    counts = np.zeros((digits, DIGIT), np.int32)
    for first in range(0, digits, 3):
        for i in range(n):
            key = keys[i] >> np.uint64(shift + 11 * first)
            for digit in range(3):  # as many as the compiler knows, so that it unrolls them
                counts[first + digit, (key >> np.uint64(11 * digit)) & np.uint64(2047)] += 1
    other_keys = np.empty(n, np.uint64)
    rows = other_rows = order
    if order is not None:
        other_rows = np.empty(n, np.int32)
    for digit in range(digits):
        place = counts[digit]
        down = np.uint64(shift + 11 * digit)
        if place[(keys[0] >> down) & np.uint64(2047)] == n:
            continue
        total = np.int32(0)
        for d in range(DIGIT):
            count = place[d]
            place[d] = total
            total += count
        for i in range(n):
            d = (keys[i] >> down) & np.uint64(2047)
            at = place[d]
            place[d] = at + 1
            other_keys[at] = keys[i]
            if order is not None:
                other_rows[at] = rows[i]
        keys, other_keys = other_keys, keys
        rows, other_rows = other_rows, rows
    return keys, rows


@inlined
def _fill_keys(scores: Any, order: Any, values: Any, bits: Any, zero: Any, largest: Any) -> None:
    """``bits``, a view of ``values``, becomes descending order of the scores as ascending order of integers."""
    for r in range(order.shape[0]):
        values[r] = scores[order[r]] + zero  # turns -0 into 0
    for r in range(order.shape[0]):
        key = bits[r]
        bits[r] = key if key > largest else largest - key


@kernel("int32[::1](float32[::1], int32[::1])")
def rank_float32(scores: F4, order: I4) -> I4:
    """The rows of ``order``, highest score first, ties as they come."""
    m = order.shape[0]
    if m == 0:
        return order
    values = np.empty(m, np.float32)
    bits = values.view(np.uint32)
    _fill_keys(scores, order, values, bits, np.float32(0), np.uint32(0x7FFFFFFF))
    pairs = np.empty(m, np.uint64)
    for r in range(m):
        pairs[r] = (np.uint64(bits[r]) << np.uint64(32)) | np.uint64(order[r])
    pairs, _ = _sorted(pairs, 32, 3, None)
    ranked = np.empty(m, np.int32)
    for r in range(m):
        ranked[r] = np.int32(pairs[r] & np.uint64(0xFFFFFFFF))
    return ranked


@kernel("int32[::1](float64[::1], int32[::1])")
def rank_float64(scores: F8, order: I4) -> I4:
    """``rank_float32`` for float64."""
    if order.shape[0] == 0:
        return order
    values = np.empty(order.shape[0], np.float64)
    bits = values.view(np.uint64)
    _fill_keys(scores, order, values, bits, 0.0, np.uint64(0x7FFFFFFFFFFFFFFF))
    return _sorted(bits, 0, 6, order.copy())[1]  # type: ignore[no-any-return]


@kernel("float32[:,::1](float32[:,::1], int32[::1], float64)")
def columns_float32(boxes: F4, order: I4, iou_threshold: float) -> F4:
    """The columns of float32 boxes near the origin with offset 0: no rounding, the columns hold the boxes."""
    factor = factor_of(iou_threshold)
    columns = np.empty((5, order.shape[0]), np.float32)
    for r in range(order.shape[0]):
        i = order[r]
        as_they_are(columns, r, (boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]), factor)
    return columns


@kernel("Tuple((float32[:,::1], float64[:,::1], float64))(float64[:,::1], int32[::1], float64, float64, boolean)")
def columns_float64(boxes: F8, order: I4, iou_threshold: float, offset: float, far: bool) -> tuple[F4, F8, float]:
    """The columns, the float64 rows in the same order unless the columns hold the boxes exactly, and then the largest
    coordinate of the columns."""
    m = order.shape[0]
    factor, scale = factor_of(iou_threshold), 1.0
    farthest = 0.0
    for r in range(m):
        i = order[r]
        farthest = max(farthest, abs(boxes[i, 0]), abs(boxes[i, 1]), abs(boxes[i, 2]), abs(boxes[i, 3]))
    while far and farthest * scale > 1e9:
        scale *= 0.5
    columns = np.empty((5, m), np.float32)
    exact = scale == 1.0
    for r in range(m):
        i = order[r]
        exact &= outward(columns, r, (boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]), offset, factor, scale)
    if exact:
        return columns, np.empty((0, 4)), 0.0
    rows = np.empty((m, 4), np.float64)
    for r in range(m):
        for c in range(4):
            rows[r, c] = boxes[order[r], c]
    return columns, rows, (farthest + offset) * scale


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
        _, places = _sorted(keys, 0, 6, places)
        for p in range(m):
            rows[p] = order[places[p]]
            if p == 0 or ranked[places[p]] != ranked[places[p - 1]]:
                starts[groups] = p
                groups += 1
    starts[groups] = m
    return places, rows, starts[: groups + 1]


@kernel("int64[::1](int32[::1], boolean[::1], int32[::1], int64)")
def pick(order: I4, kept: B1, places: I4, most: int) -> I8:
    """The kept rows of the order, at most so many; ``kept`` follows ``places`` unless that is empty."""
    flags = kept
    if places.shape[0] > 0:
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
