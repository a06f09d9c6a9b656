"""Hierarchical grouping: merge the most similar neighbors until one region is left.

A binary heap holds the similarities; an entry is stale once either of its regions has been merged, because a union gets
a new number. Similarities are sums over whole numbers, so the order of merges is the same everywhere.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detutils._jit import F8, I4, I8, U2, inlined, kernel

FULL = 65535.0  # a histogram, one channel of color or one orientation of one channel, sums to about this


# Python hands these over as plain tuples, whose types Numba's notation of signatures can name.


class Table(NamedTuple):
    """What is known of R regions and the R - 1 that they are merged into."""

    rows: I4  # (2 R - 1,) each region's row of histograms; a union takes that of its first part
    counts: I4  # (R, up to 25 C + 80 C) histograms of color, then of texture, those that are compared
    norms: U2  # the same, each channel and orientation scaled to FULL
    sizes: I8  # (2 R - 1,)
    boxes: I4  # (2 R - 1, 4)
    factors: F8  # (4,) of color, texture, size and fill in the similarity
    split: int  # where texture begins
    pixels: float  # of the image


class Neighbors(NamedTuple):
    """Linked lists of nodes, one list a region, one node a neighbor."""

    parents: I4  # (2 R - 1,) the region that a region was merged into, or itself
    heads: I4  # (2 R - 1,) first node of a region's list, or -1
    nexts: I4  # (nodes,) following node, or -1
    targets: I4  # (nodes,) the neighbor; it may have been merged since
    shared: I8  # (nodes, 2) length of the common border, sum of the edges across it
    outlines: I8  # (2 R - 1, 2) the same of a region's whole border
    stamps: I4  # (2 R - 1,) all -1 between two merges


class Queue(NamedTuple):
    """A binary heap of similarities, best first; equal ones by key = smaller region * 2**31 + larger."""

    heap: F8
    keys: I8


TABLE = "Tuple((int32[::1], int32[:,::1], uint16[:,::1], int64[::1], int32[:,::1], float64[::1], int64, float64))"
NEIGHBORS = "Tuple((int32[::1], int32[::1], int32[::1], int32[::1], int64[:,::1], int64[:,::1], int32[::1]))"
QUEUE = "Tuple((float64[::1], int64[::1]))"


@inlined
def _before(s: Any, k: Any, t: Any, m: Any) -> Any:
    return (s > t) | ((s == t) & (k < m))


@inlined
def _sift_up(heap: Any, keys: Any, place: Any, top: Any) -> Any:
    s, k = heap[place], keys[place]
    while place > top:
        up = (place - 1) >> 1
        if not _before(s, k, heap[up], keys[up]):
            break
        heap[place], keys[place] = heap[up], keys[up]
        place = up
    heap[place], keys[place] = s, k


@inlined
def _sift_down(heap: Any, keys: Any, place: Any, count: Any) -> Any:
    """Down to a leaf without comparing (what comes from the end belongs there), and up again if need be."""
    top = place
    s, k = heap[place], keys[place]
    down = 2 * place + 1
    while down + 1 < count:
        down += np.int64(_before(heap[down + 1], keys[down + 1], heap[down], keys[down]))
        heap[place], keys[place] = heap[down], keys[down]
        place = down
        down = 2 * place + 1
    if down < count:
        heap[place], keys[place] = heap[down], keys[down]
        place = down
    heap[place], keys[place] = s, k
    _sift_up(heap, keys, place, top)


@inlined
def _normalize(counts: Any, size: Any, norms: Any) -> Any:
    scale = FULL / np.float64(size)
    for i in range(counts.shape[0]):
        norms[i] = np.uint16(np.int32(np.float64(counts[i]) * scale + 0.5))


@inlined
def _overlap(a: Any, b: Any) -> Any:
    total = np.int32(0)
    for i in range(a.shape[0]):
        total = np.int32(total + np.int32(min(a[i], b[i])))
    return np.float64(total)


@inlined
def _similarity(i: Any, j: Any, table: Any) -> Any:
    rows, norms, split, sizes, boxes = table.rows, table.norms, table.split, table.sizes, table.boxes
    factors, pixels = table.factors, table.pixels
    total = 0.0
    if factors[0] != 0.0:
        total += factors[0] * _overlap(norms[rows[i], :split], norms[rows[j], :split])
    if factors[1] != 0.0:
        total += factors[1] * _overlap(norms[rows[i], split:], norms[rows[j], split:])
    both = np.float64(sizes[i] + sizes[j])
    if factors[2] != 0.0:
        total += factors[2] * (1.0 - both / pixels)
    if factors[3] != 0.0:
        width = max(boxes[i, 2], boxes[j, 2]) - min(boxes[i, 0], boxes[j, 0])
        height = max(boxes[i, 3], boxes[j, 3]) - min(boxes[i, 1], boxes[j, 1])
        total += factors[3] * (1.0 - (np.float64(width) * np.float64(height) - both) / pixels)
    return total


@inlined
def _current(parents: Any, region: Any) -> Any:
    """The region that now holds this one; paths are halved on the way."""
    while parents[region] != region:
        parents[region] = parents[parents[region]]
        region = parents[region]
    return region


@kernel("void(int32[:,::1], uint16[:,::1], int64[::1])")
def normalize(counts: I4, norms: U2, sizes: I8) -> None:
    for row in range(counts.shape[0]):
        _normalize(counts[row], sizes[row], norms[row])


@kernel(f"int64(int64[:,::1], {TABLE}, {QUEUE})")
def first_similarities(pairs: I8, regions: tuple[Any, ...], queue: tuple[Any, ...]) -> int:
    """Fills the heap with every pair of neighbors (smaller number first); returns its length."""
    table = Table(*regions)
    heap, keys = queue
    for e in range(pairs.shape[0]):
        i, j = pairs[e, 0], pairs[e, 1]
        heap[e] = _similarity(i, j, table)
        keys[e] = (i << 31) | j
        _sift_up(heap, keys, e, 0)
    return int(pairs.shape[0])


@inlined
def _drop_stale(heap: Any, keys: Any, count: Any, parents: Any) -> Any:
    kept = 0
    for e in range(count):
        i, j = keys[e] >> 31, keys[e] & 0x7FFFFFFF
        if parents[i] == i and parents[j] == j:
            heap[kept], keys[kept] = heap[e], keys[e]
            kept += 1
    for e in range(kept // 2 - 1, -1, -1):
        _sift_down(heap, keys, e, kept)
    return kept


@kernel(f"int64({TABLE}, {NEIGHBORS}, {QUEUE}, int64[:,::1], float64[::1], int64, int64, int64)")
def merge_regions(
    regions: tuple[Any, ...],
    lists: tuple[Any, ...],
    queue: tuple[Any, ...],
    merges: I8,
    similarities: F8,
    count: int,
    start: int,
    stop: int,
) -> int:
    """Merges number ``start`` ... ``stop - 1``; ``count`` is the length of the heap, and what is returned.

    A union's list of neighbors is made of the nodes of its two parts, so no node is ever new.
    """
    table = Table(*regions)
    parents, heads, nexts, targets, shared, outlines, stamps = lists
    heap, keys = queue
    rows, counts, norms, sizes = table.rows, table.counts, table.norms, table.sizes
    boxes = table.boxes
    n = merges.shape[0] + 1
    for step in range(start, stop):
        while True:  # the best entry whose regions are both alive
            key = keys[0]
            best = heap[0]
            a, b = key >> 31, key & 0x7FFFFFFF
            count -= 1
            if count > 0:
                heap[0], keys[0] = heap[count], keys[count]
                _sift_down(heap, keys, 0, count)
            if parents[a] == a and parents[b] == b:
                break
        c = n + step
        merges[step, 0], merges[step, 1] = a, b
        similarities[step] = best
        parents[a] = parents[b] = parents[c] = c
        sizes[c] = sizes[a] + sizes[b]
        boxes[c, 0] = min(boxes[a, 0], boxes[b, 0])
        boxes[c, 1] = min(boxes[a, 1], boxes[b, 1])
        boxes[c, 2] = max(boxes[a, 2], boxes[b, 2])
        boxes[c, 3] = max(boxes[a, 3], boxes[b, 3])
        row, other = rows[a], rows[b]
        rows[c] = row
        if counts.shape[1] > 0:
            mine, its = counts[row], counts[other]
            for i in range(mine.shape[0]):
                mine[i] += its[i]
            _normalize(mine, sizes[c], norms[row])

        last = np.int32(-1)  # the union's list grows at its end
        heads[c] = -1
        inner_sides, inner_strength, degree = np.int64(0), np.int64(0), 0
        for part in range(2):
            node = heads[a] if part == 0 else heads[b]
            while node >= 0:
                following = nexts[node]
                target = _current(parents, targets[node])
                if target == c:
                    if part == 0:  # the other part's list says the same
                        inner_sides += shared[node, 0]
                        inner_strength += shared[node, 1]
                elif stamps[target] >= 0:
                    shared[stamps[target], 0] += shared[node, 0]
                    shared[stamps[target], 1] += shared[node, 1]
                else:
                    targets[node] = target
                    stamps[target] = node
                    nexts[node] = -1
                    if last < 0:
                        heads[c] = node
                    else:
                        nexts[last] = node
                    last = node
                    degree += 1
                node = following
        for i in range(2):
            outlines[c, i] = outlines[a, i] + outlines[b, i]
        outlines[c, 0] -= 2 * inner_sides
        outlines[c, 1] -= 2 * inner_strength

        if count + degree > heap.shape[0]:
            count = _drop_stale(heap, keys, count, parents)
        node = heads[c]
        while node >= 0:
            target = np.int64(targets[node])
            stamps[target] = -1
            heap[count] = _similarity(target, c, table)
            keys[count] = (target << 31) | c
            _sift_up(heap, keys, count, 0)
            count += 1
            node = nexts[node]
    return count
