"""Hierarchical grouping: merge the most similar neighbors until one region is left.

A pair of neighbors belongs to its newer region, the one with the larger number. A binary heap holds the best pair of
every region. A new union takes the place of the part that owned the pair; what else a merge does to other regions' best
pairs is found out when they come to the top.

Most pairs are never compared. Let c be the union of a and b: what a neighbor's histograms have in common with those of
c is at most what they have in common with those of a, plus what those of c have more than those of a. Such a bound
stands for the similarity until its pair comes to the top. Similarities are sums over whole numbers, and a bound is made
as a similarity is, so that the order of merges is that of comparing every pair, and the same everywhere.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detutils._jit import F8, I4, I8, U1, U2, borrowing, inlined, kernel

FULL = 65535.0  # a histogram, one channel of color or one orientation of one channel, sums to about this
MOST = 1 << 30  # more than any two regions have in common; a bound that grows at each of many merges stops there


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
    """E pairs of neighbors, and linked lists of nodes: one list a region, one node a neighbor.

    Nodes 2 e and 2 e + 1 are those of pair e.
    """

    parents: I4  # (2 R - 1,) the region that a region was merged into, or itself
    heads: I4  # (2 R - 1,) first node of a region's list, or -1
    nexts: I4  # (2 E,) following node, or -1
    targets: I4  # (2 E,) the neighbor; it may have been merged since
    shared: I8  # (E, 2) length of the common border, sum of the edges across it; zeros if another pair took its place
    outlines: I8  # (2 R - 1, 2) the same of a region's whole border
    stamps: I4  # (2 R - 1,) all -1 between two merges


class Likeness(NamedTuple):
    """How alike the regions of a pair are, or are at most."""

    common: I4  # (E, 2) what their histograms of color and of texture have in common
    values: F8  # (E,) their similarity with that in common
    exact: U1  # (E,) whether this is no bound
    picks: I4  # (2 R - 1,) each region's node of the best of its pairs


class Queue(NamedTuple):
    """A binary heap of regions' best pairs, best first; equal ones by key = smaller region * 2**31 + larger."""

    heap: F8  # (R,)
    keys: I8  # (R,)
    length: I8  # (1,)


TABLE = "Tuple((int32[::1], int32[:,::1], uint16[:,::1], int64[::1], int32[:,::1], float64[::1], int64, float64))"
NEIGHBORS = "Tuple((int32[::1], int32[::1], int32[::1], int32[::1], int64[:,::1], int64[:,::1], int32[::1]))"
LIKENESS = "Tuple((int32[:,::1], float64[::1], uint8[::1], int32[::1]))"
QUEUE = "Tuple((float64[::1], int64[::1], int64[::1]))"


@inlined
def _before(s: Any, k: Any, t: Any, m: Any) -> Any:
    return (s > t) | ((s == t) & (k < m))


@inlined
def _sift_down(heap: Any, keys: Any, place: Any, count: Any) -> Any:
    s, k = heap[place], keys[place]
    down = 2 * place + 1
    while down < count:
        if down + 1 < count:
            down += np.int64(_before(heap[down + 1], keys[down + 1], heap[down], keys[down]))
        if _before(s, k, heap[down], keys[down]):
            break
        heap[place], keys[place] = heap[down], keys[down]
        place = down
        down = 2 * place + 1
    heap[place], keys[place] = s, k


@inlined
def _drop_top(heap: Any, keys: Any, count: Any) -> Any:
    count -= 1
    heap[0], keys[0] = heap[count], keys[count]
    _sift_down(heap, keys, 0, count)
    return count


@inlined
def _normalize(counts: Any, size: Any, norms: Any) -> Any:
    scale = FULL / np.float64(size)
    for i in range(counts.shape[0]):
        norms[i] = np.uint16(np.int32(np.float64(counts[i]) * scale + 0.5))


@inlined
def _add_histograms(counts: Any, others: Any, size: Any, norms: Any, norms_of_others: Any) -> Any:
    """Histograms of a union in place of its first part's; how much more of anything it has than either part."""
    scale = FULL / np.float64(size)
    more, more_than_others = np.int32(0), np.int32(0)
    for i in range(counts.shape[0]):
        counts[i] += others[i]
        norm = np.int32(np.float64(counts[i]) * scale + 0.5)
        more = np.int32(more + max(norm - np.int32(norms[i]), np.int32(0)))
        more_than_others = np.int32(more_than_others + max(norm - np.int32(norms_of_others[i]), np.int32(0)))
        norms[i] = np.uint16(norm)
    return more, more_than_others


@inlined
def _overlap(a: Any, b: Any) -> Any:
    total = np.int32(0)
    for i in range(a.shape[0]):
        total = np.int32(total + np.int32(min(a[i], b[i])))
    return total


@borrowing
def _compare(i: Any, j: Any, table: Any, common: Any) -> Any:
    """Into ``common`` what their histograms of color and of texture have in common, where that counts."""
    rows, norms, split, factors = table.rows, table.norms, table.split, table.factors
    if factors[0] != 0.0:
        common[0] = _overlap(norms[rows[i], :split], norms[rows[j], :split])
    if factors[1] != 0.0:
        common[1] = _overlap(norms[rows[i], split:], norms[rows[j], split:])


@borrowing
def _similarity(i: Any, j: Any, table: Any, common: Any) -> Any:
    sizes, boxes, factors, pixels = table.sizes, table.boxes, table.factors, table.pixels
    total = 0.0
    if factors[0] != 0.0:
        total += factors[0] * np.float64(common[0])
    if factors[1] != 0.0:
        total += factors[1] * np.float64(common[1])
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


@borrowing
def _compare_pair(i: Any, j: Any, e: Any, table: Any, likeness: Any) -> Any:
    """The similarity of the regions of pair e, which is no bound from now on."""
    common, values, exact = likeness.common, likeness.values, likeness.exact
    _compare(i, j, table, common[e])
    exact[e] = 1
    values[e] = _similarity(i, j, table, common[e])
    return values[e]


@borrowing
def _pick(region: Any, least: Any, table: Any, neighbors: Any, likeness: Any) -> Any:
    """The node of the best of a region's own pairs, or -1; pairs with newer regions are not its own.

    Pairs that may be as good as ``least`` are compared, as far as they may be better than those before them.
    """
    parents, heads, nexts, targets = neighbors.parents, neighbors.heads, neighbors.nexts, neighbors.targets
    values, exact = likeness.values, likeness.exact
    found, best, partner = np.int32(-1), -1.0, np.int32(0)
    node = heads[region]
    while node >= 0:
        target, e = targets[node], node >> 1
        if parents[target] == target and target < region:
            value = values[e]
            if value >= best:
                if value >= least and exact[e] == 0:
                    value = _compare_pair(target, region, e, table, likeness)
                if value > best or (value == best and target < partner):
                    found, best, partner = node, value, target
        node = nexts[node]
    return found


@borrowing
def _replace_top(region: Any, table: Any, neighbors: Any, likeness: Any, queue: Any, count: Any) -> Any:
    """The best pair of a region, if it has any, takes the place of the heap's first; returns the heap's length."""
    heap, keys = queue.heap, queue.keys
    second = max(heap[1], heap[2]) if count > 2 else heap[1] if count == 2 else 0.0
    node = _pick(region, second, table, neighbors, likeness)
    if node < 0:
        return _drop_top(heap, keys, count)
    likeness.picks[region] = node
    heap[0] = likeness.values[node >> 1]
    keys[0] = (np.int64(neighbors.targets[node]) << 31) | region
    _sift_down(heap, keys, 0, count)
    return count


@kernel(f"void(int64[:,::1], {TABLE}, {LIKENESS}, {QUEUE})")
def first_similarities(
    pairs: I8, regions: tuple[Any, ...], alike: tuple[Any, ...], queue: tuple[Any, ...]
) -> None:
    """Compares every pair of neighbors and fills the heap.

    Pairs are sorted, the smaller number first in each; ``picks`` start as all -1.
    """
    table, likeness = Table(*regions), Likeness(*alike)
    _, values, _, picks = alike
    heap, keys, length = queue
    for e in range(pairs.shape[0]):
        i, j = pairs[e, 0], pairs[e, 1]
        value = _compare_pair(i, j, e, table, likeness)
        if picks[j] < 0 or value > values[picks[j] >> 1]:
            picks[j] = 2 * e + 1
    count = 0
    for region in range(table.counts.shape[0]):
        if picks[region] >= 0:
            e = picks[region] >> 1
            heap[count], keys[count] = values[e], (pairs[e, 0] << 31) | region
            count += 1
    for place in range(count // 2 - 1, -1, -1):
        _sift_down(heap, keys, place, count)
    length[0] = count


@borrowing
def _find_best(table: Any, neighbors: Any, likeness: Any, queue: Any, count: Any) -> Any:
    """Until the heap's first is the best pair of all, alive and compared; returns the heap's length."""
    parents, exact, picks, heap, keys = neighbors.parents, likeness.exact, likeness.picks, queue.heap, queue.keys
    while True:
        a, b = keys[0] >> 31, keys[0] & 0x7FFFFFFF
        if parents[b] != b:
            count = _drop_top(heap, keys, count)
        elif parents[a] == a and exact[picks[b] >> 1]:
            return count
        else:
            count = _replace_top(b, table, neighbors, likeness, queue, count)


@borrowing
def _unite(a: Any, b: Any, c: Any, table: Any) -> Any:
    """What is known of c, the union of a and b; how much more color and texture it has than each of them."""
    rows, counts, norms, sizes, boxes, split = (
        table.rows, table.counts, table.norms, table.sizes, table.boxes, table.split
    )  # fmt: skip
    sizes[c] = sizes[a] + sizes[b]
    boxes[c, 0] = min(boxes[a, 0], boxes[b, 0])
    boxes[c, 1] = min(boxes[a, 1], boxes[b, 1])
    boxes[c, 2] = max(boxes[a, 2], boxes[b, 2])
    boxes[c, 3] = max(boxes[a, 3], boxes[b, 3])
    row, other = rows[a], rows[b]
    rows[c] = row
    more_color = _add_histograms(
        counts[row, :split], counts[other, :split], sizes[c], norms[row, :split], norms[other, :split]
    )
    more_texture = _add_histograms(
        counts[row, split:], counts[other, split:], sizes[c], norms[row, split:], norms[other, split:]
    )
    return more_color, more_texture


@borrowing
def _unite_neighbors(a: Any, b: Any, c: Any, more_color: Any, more_texture: Any, neighbors: Any, common: Any) -> Any:
    """The list of c, made of the nodes of a and b, in their order; of two pairs with one neighbor the first stays.

    What c has in common with a neighbor is at most what a part has, and what c has more than this part.
    """
    parents, heads, nexts, targets = neighbors.parents, neighbors.heads, neighbors.nexts, neighbors.targets
    shared, outlines, stamps = neighbors.shared, neighbors.outlines, neighbors.stamps
    last = np.int32(-1)
    heads[c] = -1
    inner_sides, inner_strength = np.int64(0), np.int64(0)
    for part in range(2):
        node = heads[a] if part == 0 else heads[b]
        while node >= 0:
            following, e = nexts[node], node >> 1
            target = _current(parents, targets[node])
            if target == c:
                if part == 0:  # the other part's list says the same
                    inner_sides += shared[e, 0]
                    inner_strength += shared[e, 1]
            elif shared[e, 0] > 0:
                common[e, 0] = min(common[e, 0] + more_color[part], np.int32(MOST))
                common[e, 1] = min(common[e, 1] + more_texture[part], np.int32(MOST))
                kept = stamps[target]
                if kept >= 0:
                    for i in range(2):
                        shared[kept, i] += shared[e, i]
                        shared[e, i] = 0
                        common[kept, i] = min(common[kept, i], common[e, i])
                else:
                    targets[node] = target
                    stamps[target] = e
                    nexts[node] = -1
                    if last < 0:
                        heads[c] = node
                    else:
                        nexts[last] = node
                    last = node
            node = following
    outlines[c, 0] = outlines[a, 0] + outlines[b, 0] - 2 * inner_sides
    outlines[c, 1] = outlines[a, 1] + outlines[b, 1] - 2 * inner_strength


@borrowing
def _bound_pairs(c: Any, table: Any, neighbors: Any, likeness: Any) -> Any:
    """How alike c and each of its neighbors are at most; clears the stamps."""
    heads, nexts, targets, stamps = neighbors.heads, neighbors.nexts, neighbors.targets, neighbors.stamps
    common, values, exact = likeness.common, likeness.values, likeness.exact
    compared = table.counts.shape[1] > 0
    node = heads[c]
    while node >= 0:
        target, e = targets[node], node >> 1
        stamps[target] = -1
        values[e] = _similarity(target, c, table, common[e])
        exact[e] = not compared
        node = nexts[node]


@kernel(f"void({TABLE}, {NEIGHBORS}, {LIKENESS}, {QUEUE}, int64[:,::1], float64[::1], int64, int64)")
def merge_regions(
    regions: tuple[Any, ...],
    lists: tuple[Any, ...],
    alike: tuple[Any, ...],
    heap: tuple[Any, ...],
    merges: I8,
    similarities: F8,
    start: int,
    stop: int,
) -> None:
    """Merges number ``start`` ... ``stop - 1``."""
    table, neighbors, likeness, queue = Table(*regions), Neighbors(*lists), Likeness(*alike), Queue(*heap)
    n, count = merges.shape[0] + 1, queue.length[0]
    for step in range(start, stop):
        count = _find_best(table, neighbors, likeness, queue, count)
        a, b, c = queue.keys[0] >> 31, queue.keys[0] & 0x7FFFFFFF, n + step
        merges[step, 0], merges[step, 1], similarities[step] = a, b, queue.heap[0]
        neighbors.parents[a] = neighbors.parents[b] = c
        more_color, more_texture = _unite(a, b, c, table)
        _unite_neighbors(a, b, c, more_color, more_texture, neighbors, likeness.common)
        _bound_pairs(c, table, neighbors, likeness)
        queue.keys[0] = (a << 31) | c  # stale: the next step puts the best pair of c there
    queue.length[0] = count
