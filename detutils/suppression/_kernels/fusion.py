"""Weighted boxes fusion and box voting: means of boxes that overlap, weighted by their scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F8, I4, I8, inlined, kernel
from detutils.geometry._kernels.pair import intersection, iou

# The columns of what box voting reads, and of the clusters' sums.
X1, Y1, X2, Y2, AREA, SCORE = range(6)
SUM_X1, SUM_Y1, SUM_X2, SUM_Y2, SUM_SCORE, MAX_SCORE, SUM_WEIGHT, COUNT = range(8)
SUMS = 8
MEANS = 5  # x1, y1, x2, y2 and area of a cluster's mean box

# What ``state`` holds from call to call.
CLUSTERS, FIRST, MASK, LOWEST, HIGHEST, SMALLEST, LARGEST = range(7)
STATES = 7

DEPTH = 45  # octaves of size below the largest coordinate: numbers of cells stay far below 2^53
LOWEST_LEVEL = -1000  # the reciprocal of such a side is a number still
NEXT_ROW, NEXT_LEVEL = 0x9E3779B1, 0x85EBCA77  # odd: what is added to a place in the table for each
CELLS_FOR_A_SCAN = 4  # looking into a cell takes as long as so many boxes in a row
SCAN = 64  # clusters for which a scan spends one unit of patience
SLACK = 1e-9  # for what rounding may have added to an IoU; thresholds below it bound nothing
RELATIVE = 1e-14  # of a coordinate: more than the rounding of a center
SMALLEST_AREA = 1e-290  # smaller ones may have lost digits, and their IoUs with them

Index = tuple[I4, I4, I4]
Grown = tuple[F8, F8, I8]


@inlined
def octave(side: Any) -> Any:
    """The e with 2^e <= side < 2^(e + 1), for ordinary positive numbers."""
    return np.int64((np.float64(side).view(np.int64) >> 52) - 1023)


@inlined
def _power(exponent: Any) -> Any:
    """2 to a whole exponent, -1022 ... 1023."""
    return np.int64(np.int64(exponent + 1023) << 52).view(np.float64)


@inlined
def _place(box: Any, offset: Any, state: Any) -> Any:
    """The level and the cell of a box: its octave of size, and which cell of that size holds its center."""
    width, height = box[2] - box[0] + offset, box[3] - box[1] + offset
    level = min(max(octave(max(width, height)), state[LOWEST]), state[HIGHEST])
    scale = _power(-(level + 1))  # twice the center, in cells twice as long as the level's longest side
    return level, int(np.floor((box[0] + box[2]) * scale)), int(np.floor((box[1] + box[3]) * scale))


@inlined
def _bucket(level: Any, column: Any, row: Any, mask: Any) -> Any:
    """Where the clusters of a cell are listed, among those of other cells perhaps."""
    return ((column & mask) + (row & mask) * NEXT_ROW + level * NEXT_LEVEL) & mask


@inlined
def _better(c: Any, box: Any, area: Any, offset: Any, means: Any, best: Any, best_iou: Any) -> Any:
    """The better of a cluster and the best so far, of equals the older one."""
    common = intersection((means[c, 0], means[c, 1], means[c, 2], means[c, 3]), box, offset, 0.0)
    if common < max(means[c, AREA], area) * best_iou * (1.0 - SLACK):  # a union is at least the larger area
        return best, best_iou
    value = iou(common, means[c, AREA], area, 0.0, 1.0)
    if value > best_iou or (value == best_iou and c < best):
        return c, value
    return best, best_iou


@inlined
def _reach(side: Any, cell: Any, threshold: Any) -> Any:
    """How far twice the centers of two intervals may be apart, one ``side`` and the other up to ``cell`` long.

    Intervals with an intersection o and a union u have centers at most (u - o) / 2 apart, and the IoU of two boxes is
    at most that of their intervals, o / u. Where it exceeds t, u - o < o (1 - t) / t, and o is at most either length.
    For a threshold above 0 the caller's slack would do; the one here is for boxes that just touch.
    """
    apart = side + cell
    if threshold > 0.0:
        apart = min(apart, (1.0 - threshold) / threshold * min(side, cell))
    return apart * (1.0 + SLACK)


@inlined
def _nearest(box: Any, area: Any, rules: Any, heads: Any, links: Any, means: Any, state: Any) -> Any:
    """The cluster that a box joins, or -1, and what the search has cost.

    The IoU of two boxes is at most the ratio of their longest sides, and bounds the distance of their centers: so it
    is enough to look at a few cells of a few levels. IoUs are compared exactly; bounds follow from a slightly lower
    threshold, because an IoU may exceed the true one by its rounding.
    """
    iou_threshold, offset = rules
    first, last = state[FIRST], state[CLUSTERS]
    nobody: Any = np.int64(-1)
    best, best_iou = nobody, iou_threshold
    width, height = box[2] - box[0] + offset, box[3] - box[1] + offset
    if width == 0.0 or height == 0.0 or first == last:
        return best, 0
    threshold = iou_threshold - SLACK if area > SMALLEST_AREA else 0.0
    low, high = state[SMALLEST], state[LARGEST]
    longest = max(width, height)
    if threshold > 0.0:
        low = max(low, min(octave(longest * threshold), state[HIGHEST]))
        high = min(high, max(octave(longest / threshold), state[LOWEST]))
    x, y = box[0] + box[2], box[1] + box[3]
    slack_x = RELATIVE * (abs(box[0]) + abs(box[2]))
    slack_y = RELATIVE * (abs(box[1]) + abs(box[3]))
    cells = 0.0
    for level in range(low, high + 1):
        side, scale = _power(level + 1), _power(-(level + 1))
        away_x, away_y = _reach(width, side, threshold) + slack_x, _reach(height, side, threshold) + slack_y
        left, right = np.floor((x - away_x) * scale), np.floor((x + away_x) * scale)
        top, bottom = np.floor((y - away_y) * scale), np.floor((y + away_y) * scale)
        cells += (right - left + 1.0) * (bottom - top + 1.0)  # beyond 64 bits for a small level
        if cells * CELLS_FOR_A_SCAN > last - first:  # every cluster, then
            best, best_iou = nobody, iou_threshold
            for c in range(first, last):
                best, best_iou = _better(c, box, area, offset, means, best, best_iou)
            return best, (last - first) // SCAN
        for row in range(int(top), int(bottom) + 1):
            for column in range(int(left), int(right) + 1):
                c = int(np.int64(heads[_bucket(level, column, row, state[MASK])]))
                while c >= 0:
                    best, best_iou = _better(c, box, area, offset, means, best, best_iou)
                    c = int(np.int64(links[c]))
    return best, int(cells) * CELLS_FOR_A_SCAN // SCAN


@inlined
def _list(c: Any, bucket: Any, heads: Any, links: Any, homes: Any) -> None:
    """Put a cluster into the list of its cell."""
    links[c] = heads[bucket]
    heads[bucket] = c
    homes[c] = bucket


@inlined
def _unlist(c: Any, heads: Any, links: Any, homes: Any) -> None:
    """Take a cluster out of the list where it is."""
    bucket = homes[c]
    if heads[bucket] == c:
        heads[bucket] = links[c]
        return
    before = heads[bucket]
    while links[before] != c:
        before = links[before]
    links[before] = links[c]


@inlined
def _set_levels(boxes: Any, order: Any, offset: Any, state: Any) -> None:
    """The octaves of size to tell apart, by the largest coordinate."""
    largest = 0.0
    for i in range(order.size):
        for side in range(4):
            largest = max(largest, abs(boxes[order[i], side]))
    state[LOWEST] = max(octave(largest) - DEPTH, LOWEST_LEVEL)
    state[HIGHEST] = max(octave(2.0 * largest + offset) + 1, LOWEST_LEVEL)


@inlined
def _begin_group(i: Any, order: Any, groups: Any, heads: Any, state: Any) -> None:
    """An empty table of at least as many places as the group that begins at order[i] has boxes."""
    end = i
    while end < order.size and groups[order[end]] == groups[order[i]]:
        end += 1
    size = 1
    while size < end - i:
        size *= 2
    heads[:size] = -1
    state[FIRST], state[MASK] = state[CLUSTERS], size - 1
    state[SMALLEST], state[LARGEST] = state[HIGHEST], state[LOWEST]


@kernel(
    "int64(Tuple((float64[:,::1], float64[::1], float64[::1], int64[::1])), UniTuple(float64, 2), int64[::1], int64, "
    "int64, Tuple((int32[::1], int32[::1], int32[::1])), Tuple((float64[:,::1], float64[:,::1], int64[::1])), "
    "int64[::1])"
)
def cluster(
    entries: tuple[F8, F8, F8, I8], rules: tuple[float, float], order: I8, start: int, patience: int,
    index: Index, grown: Grown, state: I8,
) -> int:  # fmt: skip
    """Put the boxes from order[start] on into clusters; where it stopped for lack of patience.

    ``entries`` are boxes, scores, weights and groups, ``order`` is by group, then by falling score, ``rules`` are the
    IoU threshold and the offset. ``index`` (the first cluster in each place of a table, the next one after each
    cluster, the place of each) and ``grown`` (mean boxes and sums of the clusters, and the cluster of each box) live on
    from call to call, as ``state`` does, all of it 0 at first.
    """
    boxes, scores, weights, groups = entries
    heads, links, homes = index
    means, sums, clusters = grown
    _, offset = rules
    if start == 0:
        _set_levels(boxes, order, offset, state)
    i = start
    while i < order.size and patience > 0:
        b = order[i]
        if i == 0 or groups[b] != groups[order[i - 1]]:
            _begin_group(i, order, groups, heads, state)
        box = (boxes[b, 0], boxes[b, 1], boxes[b, 2], boxes[b, 3])
        area = (box[2] - box[0] + offset) * (box[3] - box[1] + offset)
        c, spent = _nearest(box, area, rules, heads, links, means, state)
        patience -= 1 + spent
        new = c < 0
        if new:
            c = state[CLUSTERS]
            state[CLUSTERS] += 1
        clusters[b] = c
        for side in range(4):
            sums[c, side] += scores[b] * boxes[b, side]
        sums[c, SUM_SCORE] += scores[b]
        sums[c, MAX_SCORE] = max(sums[c, MAX_SCORE], scores[b])
        sums[c, SUM_WEIGHT] += weights[b]
        sums[c, COUNT] += 1.0
        if not new:
            total = sums[c, SUM_SCORE]
            box = (sums[c, 0] / total, sums[c, 1] / total, sums[c, 2] / total, sums[c, 3] / total)
        means[c, 0], means[c, 1], means[c, 2], means[c, 3] = box
        means[c, AREA] = (box[2] - box[0] + offset) * (box[3] - box[1] + offset)
        i += 1
        if not (box[2] - box[0] + offset > 0.0 and box[3] - box[1] + offset > 0.0):
            continue  # nothing will ever join it
        level, column, row = _place(box, offset, state)
        state[SMALLEST], state[LARGEST] = min(state[SMALLEST], level), max(state[LARGEST], level)
        bucket = _bucket(level, column, row, state[MASK])
        if new:
            _list(c, bucket, heads, links, homes)
        elif bucket != homes[c]:
            _unlist(c, heads, links, homes)
            _list(c, bucket, heads, links, homes)
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
    totals = np.zeros(count, np.float64)
    seen = np.empty(weights.size, np.int64)
    seen[:] = -1
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
    "void(float64[:,::1], float64[::1], int64[:,::1], int64[::1], UniTuple(float64, 2), int64, int64, float64[:,::1])"
)
def vote(
    columns: F8, furthest: F8, spans: I8, keep: I8, rules: tuple[float, float], start: int, stop: int, out: F8
) -> None:
    """Write the voted boxes of keep[start:stop]; ``rules`` are the IoU threshold and the offset.

    ``columns`` (X1 ... SCORE) are sorted by group and x1. ``spans`` tells where each box has gone, and the first and
    the end of the group of every place; ``furthest`` is the largest x2 so far in the group.
    """
    iou_threshold, offset = rules
    places, begins, ends = spans[0], spans[1], spans[2]
    ious = np.empty(columns.shape[1], np.float64)
    for i in range(start, stop):
        me = places[keep[i]]
        box = (columns[X1, me], columns[Y1, me], columns[X2, me], columns[Y2, me])
        area = columns[AREA, me]
        low, high = begins[me], ends[me]
        if iou_threshold > 0.0:  # else every box of the group votes
            # Twice the offset, so that no rounding hides a box that the full test would find.
            high = _first_beyond(columns[X1], low, high, box[2] + 2.0 * offset)
            low = _first_from(furthest, low, me, box[0] - 2.0 * offset)
        left, top = columns[X1, low:high], columns[Y1, low:high]
        right, bottom = columns[X2, low:high], columns[Y2, low:high]
        areas, scores = columns[AREA, low:high], columns[SCORE, low:high]
        n = high - low
        for k in range(n):
            common = intersection((left[k], top[k], right[k], bottom[k]), box, offset, 0.0)
            ious[k] = iou(common, areas[k], area, 0.0, 1.0)
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
            box = (sx1 / total, sy1 / total, sx2 / total, sy2 / total)
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = box
