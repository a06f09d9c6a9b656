"""What non-maximum suppression needs around its decisions: checked rows, an order, the columns, the kept rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import B1, F4, F8, I4, I8, embedded, inlined, kernel
from detutils.suppression._kernels.checks import BOUNDS_FLOAT32, BOUNDS_FLOAT64, first_bad
from detutils.suppression._kernels.pair import SCENE, as_they_are, factor_of, outward

DIGIT, LOWER = 2048, np.uint64(0xFFFFFFFF)
LARGEST_INT32, LARGEST_INT64 = np.uint32(0x7FFFFFFF), np.uint64(0x7FFFFFFFFFFFFFFF)
PREPARED = f"Tuple((int64, int32[::1], int32[::1], int32[::1], int64[::1], {SCENE}))"


@inlined
def _admit(boxes: Any, scores: Any, score_threshold: Any, bounds: Any) -> Any:
    """The rows that take part, and what is wrong with any (``checks``), else 0, or 1 if one is far out."""
    n = scores.shape[0]
    order = np.empty(n + 1, np.int32)  # one more, where those below are written over and over
    code = np.int64(first_bad(boxes, scores, score_threshold, bounds[0], bounds[2]) < -1)
    if code > 0:
        bad = first_bad(boxes, scores, score_threshold, bounds[1], bounds[2])
        if bad < -1:
            return order[:0], bad
    for i in range(n):
        order[i] = i
    m = n
    if score_threshold > -np.inf:
        m = 0
        for i in range(n):
            order[m] = i
            m += scores[i] > score_threshold
    return order[:m], code


@inlined
def _sorted(keys: Any, halves: Any, order: Any) -> Any:
    """Some rows by their keys of so many times 32 bits, lowest first, stable. Half by half, three digits of 11 bits
    each; digits in which all agree are skipped."""
    n = order.shape[0]
    pairs, other = np.empty(n, np.uint64), np.empty(n, np.uint64)  # of a half key and a row
    for r in range(n):
        pairs[r] = order[r]
    for half in range(halves):
        counts = np.zeros((3, DIGIT + 1), np.int32)
        for r in range(n):
            row = pairs[r] & LOWER
            pairs[r] = ((np.uint64(keys[row]) >> np.uint64(32 * half)) << np.uint64(32)) | row
        for r in range(n):
            key = pairs[r] >> np.uint64(32)
            for digit in range(3):
                counts[digit, ((key >> np.uint64(11 * digit)) & np.uint64(2047)) + np.uint64(1)] += 1
        for digit in range(3):
            place, down = counts[digit], np.uint64(32 + 11 * digit)
            if n == 0 or place[((pairs[0] >> down) & np.uint64(2047)) + np.uint64(1)] == n:
                continue
            for d in range(1, DIGIT):
                place[d] += place[d - 1]
            for r in range(n):
                pair = pairs[r]
                d = (pair >> down) & np.uint64(2047)
                other[place[d]] = pair
                place[d] += 1
            pairs, other = other, pairs
    ranked = np.empty(n, np.int32)
    for r in range(n):
        ranked[r] = pairs[r] & LOWER
    return ranked


@inlined
def _ranked(scores: Any, order: Any, unsigned: Any, largest: Any) -> Any:
    """The rows of ``order``, highest score first, ties as they come; ``unsigned`` integers have the scores' size, and
    ``largest`` is the largest signed one."""
    values = np.empty(scores.shape[0], scores.dtype)
    bits = values.view(unsigned)
    for i in range(scores.shape[0]):
        values[i] = scores[i] + 0.0  # turns -0 into 0
    for i in range(scores.shape[0]):  # descending order of the scores as ascending order of integers
        key = bits[i]
        bits[i] = key if key > largest else largest - key
    return _sorted(bits, scores.itemsize // 4, order)


@kernel("int32[::1](float32[::1], int32[::1])")
def rank_float32(scores: F4, order: I4) -> I4:
    """The rows of ``order``, highest score first, ties as they come."""
    return _ranked(scores, order, np.uint32, LARGEST_INT32)  # type: ignore[no-any-return]


@kernel("int32[::1](float64[::1], int32[::1])")
def rank_float64(scores: F8, order: I4) -> I4:
    """``rank_float32`` for float64."""
    return _ranked(scores, order, np.uint64, LARGEST_INT64)  # type: ignore[no-any-return]


@inlined
def _grouped(labels: Any, order: Any) -> Any:
    """Positions in ``order`` by label, stable (none without labels), the rows there, and where the labels' runs start,
    with the end of the last."""
    m = order.shape[0]
    if labels.shape[0] == 0 or m == 0:
        starts = np.zeros(2, np.int64)
        starts[1] = m
        return order[:0], order, starts
    starts = np.empty(m + 1, np.int64)
    places, rows, ranked = np.empty(m, np.int32), np.empty(m, np.int32), np.empty(m, np.int64)
    low = high = labels[order[0]]
    for r in range(m):  # the one walk at random
        label = labels[order[r]]
        ranked[r] = label
        low, high = min(low, label), max(high, label)
    sign = np.uint64(0x8000000000000000)  # flipping it orders int64 as uint64
    spread = (np.uint64(high) ^ sign) - (np.uint64(low) ^ sign)
    if spread <= np.uint64(4 * m + 1024):
        ends = np.zeros(np.int64(spread) + 2, np.int32)
        for r in range(m):
            ends[ranked[r] - low + 1] += 1
        for c in range(1, ends.shape[0]):
            ends[c] += ends[c - 1]
        for r in range(m):
            places[ends[ranked[r] - low]] = r
            ends[ranked[r] - low] += 1
    else:
        keys = np.empty(m, np.uint64)
        for r in range(m):
            keys[r], places[r] = np.uint64(ranked[r]) ^ sign, r
        places = _sorted(keys, 2, places)
    groups, last = 0, low
    for p in range(m):
        rows[p] = order[places[p]]
        label = ranked[places[p]]
        if p == 0 or label != last:
            starts[groups], last = p, label
            groups += 1
    starts[groups] = m
    return places, rows, starts[: groups + 1]


@kernel("Tuple((int32[::1], int32[::1], int64[::1]))(int64[::1], int32[::1])")
def group_by_label(labels: I8, order: I4) -> tuple[I4, I4, I8]:
    """The same for other candidates."""
    return _grouped(labels, order)  # type: ignore[no-any-return]


@embedded
def _prepared(boxes: Any, labels: Any, limits: Any, order: Any, code: Any, exact: Any) -> Any:
    """What ``prepare_float32`` returns, from rows in order. ``exact`` says that columns hold boxes near the origin with
    offset 0, which are of float32."""
    threshold, _, offset, measure = limits
    places, grouped, starts = _grouped(labels, order)
    m = grouped.shape[0] if threshold < 1.0 else 0  # no overlap exceeds 1
    factor, scale, farthest = factor_of(threshold, measure), 1.0, 0.0
    columns, rows = np.empty((5, m), np.float32), np.empty((0, 4), np.float64)
    if exact and offset == 0.0 and code == 0:
        for r in range(m):
            i = grouped[r]
            as_they_are(columns, r, (boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]), factor)
    else:
        rows = np.empty((m, 4), np.float64)
        for r in range(m):
            for c in range(4):
                rows[r, c] = boxes[grouped[r], c]
                farthest = max(farthest, abs(rows[r, c]))
        while code > 0 and farthest * scale > 1e9:
            scale *= 0.5
        whole = scale == 1.0
        for r in range(m):
            whole &= outward(columns, r, (rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3]), offset, factor, scale)
        farthest = 0.0 if whole else (farthest + offset) * scale
        rows = rows[: 0 if whole else m]
    return code, order, places, grouped, starts, columns, rows, np.array((threshold, farthest, offset, measure))


@kernel(f"{PREPARED}(float32[:,::1], float32[::1], int64[::1], UniTuple(float64, 4), int64)")
def prepare_float32(boxes: F4, scores: F4, labels: I8, limits: Any, most: int) -> Any:
    """Check all rows and lay out those that take part, at most so many. ``limits``: the IoU threshold, that of scores,
    the offset, the measure (``Scene``).

    Returns what is wrong (``checks``), else 0, or 1 if a box is far out; the rows, best first; their places in that
    order by class, none without labels; the rows there; where classes start, and the end of the last; and what
    ``scene_of`` takes, in the order of classes.
    """
    order, code = _admit(boxes, scores, limits[1], BOUNDS_FLOAT32)
    return _prepared(boxes, labels, limits, _ranked(scores, order, np.uint32, LARGEST_INT32)[:most], code, True)


@kernel(f"{PREPARED}(float64[:,::1], float64[::1], int64[::1], UniTuple(float64, 4), int64)")
def prepare_float64(boxes: F8, scores: F8, labels: I8, limits: Any, most: int) -> Any:
    """``prepare_float32`` for float64."""
    order, code = _admit(boxes, scores, limits[1], BOUNDS_FLOAT64)
    return _prepared(boxes, labels, limits, _ranked(scores, order, np.uint64, LARGEST_INT64)[:most], code, False)


@kernel("int64[::1](int32[::1], boolean[::1], int32[::1], int64)")
def pick(order: I4, kept: B1, places: I4, most: int) -> I8:
    """The kept rows of the order, at most so many; ``kept`` follows ``places`` unless that is empty."""
    flags = kept
    if places.shape[0] > 0:
        flags = np.empty(kept.shape[0], np.bool_)
        for p in range(kept.shape[0]):
            flags[places[p]] = kept[p]
    keep = np.empty(min(flags.shape[0], most), np.int64)
    count = 0
    for r in range(flags.shape[0]):
        if flags[r] and count < most:
            keep[count] = order[r]
            count += 1
    return keep[:count].copy()
