"""Weighted boxes fusion and box voting: means of boxes that overlap, weighted by their scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F8, I8, inlined, kernel

CHUNK = 64  # clusters whose overlaps are computed at a time, without a branch

# ``pages`` is (page, column, slot): the present boxes of one group's clusters. ``sums`` has a column a
# cluster.
X1, Y1, X2, Y2, AREA, SCORE = range(6)
SUM_X1, SUM_Y1, SUM_X2, SUM_Y2, SUM_SCORE, MAX_SCORE, SUM_WEIGHT, COUNT = range(8)
SUMS = 8


@inlined
def _nobody(pages: Any, page: Any) -> None:
    """Fill a page with boxes that overlap nothing."""
    for k in range(CHUNK):
        pages[page, X1, k], pages[page, Y1, k], pages[page, AREA, k] = np.inf, np.inf, 0.0
        pages[page, X2, k], pages[page, Y2, k] = -np.inf, -np.inf


@inlined
def _overlaps(
    pages: Any, page: Any, x1: Any, y1: Any, x2: Any, y2: Any, area: Any, offset: Any, ious: Any
) -> None:
    for k in range(CHUNK):
        left, top = pages[page, X1, k], pages[page, Y1, k]
        right, bottom = pages[page, X2, k], pages[page, Y2, k]
        wide = (right if right < x2 else x2) - (left if left > x1 else x1) + offset
        high = (bottom if bottom < y2 else y2) - (top if top > y1 else y1) + offset
        shared = (wide if wide > 0.0 else 0.0) * (high if high > 0.0 else 0.0)
        union = pages[page, AREA, k] + area - shared
        ious[k] = shared / (union if union > 0.0 else 1.0)


@kernel(
    "int64(float64[:,::1], float64[::1], float64[::1], int64[::1], int64[::1], float64, float64, "
    "int64, int64, float64[:,:,::1], float64[:,::1], int64[::1], int64[::1])"
)
def cluster(
    boxes: F8, scores: F8, weights: F8, groups: I8, order: I8, iou_threshold: float, offset: float,
    start: int, patience: int, pages: F8, sums: F8, clusters: I8, state: I8,
) -> int:  # fmt: skip
    """Put the boxes from order[start] on into clusters; where it stopped for lack of patience, counted in
    pages.

    ``order`` is by group, then by falling score. ``state`` is the number of clusters and the first one of
    the present group; it lives on from call to call, as ``pages`` and ``sums`` do.
    """
    ious = np.empty(CHUNK, np.float64)
    i = start
    while i < order.size and patience > 0:
        b = order[i]
        if i == 0 or groups[b] != groups[order[i - 1]]:
            state[1] = state[0]
        x1, y1, x2, y2 = boxes[b, 0], boxes[b, 1], boxes[b, 2], boxes[b, 3]
        area = (x2 - x1 + offset) * (y2 - y1 + offset)
        known = state[0] - state[1]
        used = (known + CHUNK - 1) // CHUNK
        best, best_iou = -1, iou_threshold
        for page in range(used):
            _overlaps(pages, page, x1, y1, x2, y2, area, offset, ious)
            for k in range(CHUNK):
                if ious[k] > best_iou:
                    best, best_iou = page * CHUNK + k, ious[k]
        if best < 0:
            if known % CHUNK == 0:
                _nobody(pages, known // CHUNK)
            best = known
            state[0] += 1
        c = state[1] + best
        clusters[b] = c
        for side in range(4):
            sums[side, c] += scores[b] * boxes[b, side]
        sums[SUM_SCORE, c] += scores[b]
        sums[MAX_SCORE, c] = max(sums[MAX_SCORE, c], scores[b])
        sums[SUM_WEIGHT, c] += weights[b]
        sums[COUNT, c] += 1.0
        if sums[COUNT, c] > 1.0:
            total = sums[SUM_SCORE, c]
            x1, y1 = sums[SUM_X1, c] / total, sums[SUM_Y1, c] / total
            x2, y2 = sums[SUM_X2, c] / total, sums[SUM_Y2, c] / total
        page, k = best // CHUNK, best % CHUNK
        pages[page, X1, k], pages[page, Y1, k], pages[page, X2, k], pages[page, Y2, k] = x1, y1, x2, y2
        pages[page, AREA, k] = (x2 - x1 + offset) * (y2 - y1 + offset)
        patience -= used + 1
        i += 1
    return i


@kernel("float64[::1](int64[::1], int64[::1], int64[::1], float64[::1], int64)")
def weight_of_models(clusters: I8, order: I8, models: I8, weights: F8, count: int) -> F8:
    """The summed weight of the models that saw each cluster, every model once, in order of appearance."""
    ends = np.zeros(count + 1, np.int64)
    for i in range(order.size):
        ends[clusters[order[i]] + 1] += 1
    for c in range(count):
        ends[c + 1] += ends[c]
    members = np.empty(order.size, np.int64)
    for i in range(order.size):
        c = clusters[order[i]]
        members[ends[c]] = order[i]
        ends[c] += 1
    totals = np.zeros(count)
    seen = np.full(weights.size, -1)
    for i in range(order.size):
        c, model = clusters[members[i]], models[members[i]]
        if seen[model] != c:
            seen[model] = c
            totals[c] += weights[model]
    return totals


@inlined
def _first_from(values: Any, low: Any, high: Any, limit: Any) -> Any:
    """The first of the ascending values[low:high] that is >= limit."""
    while low < high:
        middle = (low + high) // 2
        if values[middle] >= limit:
            high = middle
        else:
            low = middle + 1
    return low


@inlined
def _first_beyond(values: Any, low: Any, high: Any, limit: Any) -> Any:
    """The first of the ascending values[low:high] that is > limit."""
    while low < high:
        middle = (low + high) // 2
        if values[middle] > limit:
            high = middle
        else:
            low = middle + 1
    return low


@kernel(
    "void(float64[:,::1], float64[::1], int64[::1], int64[::1], int64[::1], int64[::1], float64, float64, "
    "int64, int64, float64[:,::1])"
)
def vote(
    columns: F8, furthest: F8, keep: I8, places: I8, begins: I8, ends: I8,
    iou_threshold: float, offset: float, start: int, stop: int, out: F8,
) -> None:  # fmt: skip
    """Write the voted boxes of keep[start:stop].

    ``columns`` (X1 ... SCORE) are sorted by group and x1; ``begins`` and ``ends`` delimit the group of
    every place, ``furthest`` is the largest x2 so far in the group, ``places`` tells where each box has
    gone.
    """
    ious = np.empty(columns.shape[1], np.float64)
    for i in range(start, stop):
        me = places[keep[i]]
        x1, y1, x2, y2, area = (
            columns[X1, me],
            columns[Y1, me],
            columns[X2, me],
            columns[Y2, me],
            columns[AREA, me],
        )
        low, high = begins[me], ends[me]
        if iou_threshold > 0.0:  # else every box of the group votes
            # Twice the offset, so that no rounding hides a box that the full test would find.
            high = _first_beyond(columns[X1], low, high, x2 + 2.0 * offset)
            low = _first_from(furthest, low, me, x1 - 2.0 * offset)
        left, top = columns[X1, low:high], columns[Y1, low:high]
        right, bottom = columns[X2, low:high], columns[Y2, low:high]
        areas, scores = columns[AREA, low:high], columns[SCORE, low:high]
        n = high - low
        for k in range(n):
            wide = (right[k] if right[k] < x2 else x2) - (left[k] if left[k] > x1 else x1) + offset
            tall = (bottom[k] if bottom[k] < y2 else y2) - (top[k] if top[k] > y1 else y1) + offset
            shared = (wide if wide > 0.0 else 0.0) * (tall if tall > 0.0 else 0.0)
            union = areas[k] + area - shared
            ious[k] = shared / (union if union > 0.0 else 1.0)
        ious[me - low] = 1.0
        total, sx1, sy1, sx2, sy2 = 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(n):
            if ious[k] >= iou_threshold:
                total += scores[k]
                sx1 += scores[k] * left[k]
                sy1 += scores[k] * top[k]
                sx2 += scores[k] * right[k]
                sy2 += scores[k] * bottom[k]
        if total > 0.0:
            x1, y1, x2, y2 = sx1 / total, sy1 / total, sx2 / total, sy2 / total
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = x1, y1, x2, y2
