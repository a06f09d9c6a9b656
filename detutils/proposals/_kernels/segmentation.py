"""Felzenszwalb and Huttenlocher's graph segmentation in integers: exact, and the same everywhere.

Smoothed values and edge weights are whole sixteenths of a gray level, so edges sort by counting and the
sorted edges serve every scale. The loops take a range, so that Python gets a word in between.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import I4, I8, U1, U2, inlined, kernel

WEIGHTS = 7072  # more than 16 * 255 * sqrt(3)
BLOCK = 32


@inlined
def _add_sum(out: Any, a: Any, b: Any, factor: Any) -> None:
    """Over row views of equal length: only then does the compiler turn the loop into vectors."""
    for x in range(out.shape[0]):
        out[x] += factor * (np.int32(a[x]) + np.int32(b[x]))


@kernel("void(uint8[:,:,::1], int32[::1], uint16[:,:,::1], int64, int64)")
def smooth(planes: U1, taps: I4, out: U2, start: int, stop: int) -> None:
    """Smooth by ``taps`` (center first, the whole sums to 4096) into sixteenths; borders are repeated."""
    channels, height, width = planes.shape
    radius = taps.shape[0] - 1
    column = np.empty(width, np.int32)
    padded = np.empty(width + 2 * radius, np.int32)
    row = padded[radius : radius + width]
    for c in range(channels):
        for y in range(start, stop):
            middle = planes[c, y]
            for x in range(width):
                column[x] = taps[0] * np.int32(middle[x])
            for i in range(1, radius + 1):
                _add_sum(column, planes[c, max(y - i, 0)], planes[c, min(y + i, height - 1)], taps[i])
            for x in range(width):
                row[x] = (column[x] + 32) >> 6
            for i in range(radius):
                padded[i] = padded[radius]
                padded[radius + width + i] = padded[radius + width - 1]
            for x in range(width):
                column[x] = taps[0] * row[x]
            for i in range(1, radius + 1):
                left, right = radius - i, radius + i
                _add_sum(column, padded[left : left + width], padded[right : right + width], taps[i])
            target = out[c, y]
            for x in range(width):
                target[x] = np.uint16((column[x] + 8192) >> 14)


@inlined
def _distances(
    values: Any,
    y: Any,
    x: Any,
    other_y: Any,
    other_x: Any,
    count: Any,
    squares: Any,
    out: Any,
) -> Any:
    for i in range(count):
        squares[i] = 0
    for c in range(values.shape[0]):
        for i in range(count):
            d = np.int32(values[c, y, x + i]) - np.int32(values[c, other_y, other_x + i])
            squares[i] += d * d
    for i in range(count):
        out[i] = np.uint16(math.sqrt(np.float64(squares[i])))


@kernel("void(uint16[:,:,::1], uint16[:,:,::1], int32[::1], int64, int64)")
def edge_weights(values: U2, weights: U2, counts: I4, start: int, stop: int) -> None:
    """weights[y, d, x]: distance of pixel (y, x) to its right, lower, lower right, lower left neighbor."""
    height, width = values.shape[1], values.shape[2]
    directions = weights.shape[1]
    squares = np.empty(width, np.int32)
    for y in range(start, stop):
        _distances(values, y, 0, y, 1, width - 1, squares, weights[y, 0])
        for x in range(width - 1):
            counts[weights[y, 0, x]] += 1
        if y + 1 < height:
            _distances(values, y, 0, y + 1, 0, width, squares, weights[y, 1])
            for x in range(width):
                counts[weights[y, 1, x]] += 1
            if directions == 4:
                _distances(values, y, 0, y + 1, 1, width - 1, squares, weights[y, 2])
                _distances(values, y, 1, y + 1, 0, width - 1, squares, weights[y, 3, 1:])
                for x in range(width - 1):
                    counts[weights[y, 2, x]] += 1
                    counts[weights[y, 3, x + 1]] += 1


@kernel("void(uint16[:,:,::1], int32[::1], int32[::1], int64, int64)")
def sort_edges(weights: U2, places: I4, order: I4, start: int, stop: int) -> None:
    """Counting sort, stable in (row, direction, column); an edge is pixel * directions + direction."""
    height, directions, width = weights.shape
    for y in range(start, stop):
        for d in range(directions):
            if d > 0 and y + 1 == height:
                continue
            first = 1 if d == 3 else 0
            last = width if d == 1 or d == 3 else width - 1
            code = (y * width + first) * directions + d
            for x in range(first, last):
                weight = weights[y, d, x]
                place = places[weight]
                order[place] = code
                places[weight] = place + 1
                code += directions


@inlined
def _root(parents: Any, x: Any) -> Any:
    root = np.int64(parents[x])
    while parents[root] != root:
        root = np.int64(parents[root])
    return root


@inlined
def _drop_inner(
    edges: Any, start: Any, stop: Any, steps: Any, shift: Any, mask: Any, parents: Any, apart: Any
) -> Any:
    """Fill ``apart`` with (ancestor of one end, of the other, edge), without edges that certainly lie inside of a
    component; how many are left.

    Half of all edges are such. To drop them in a loop without a branch costs less than to guess at each, and it
    brings what the others need into the cache.
    """
    m = 0
    for i in range(start, stop):
        edge = edges[i]
        a = np.int64(edge >> shift)
        b = a + steps[edge & mask]
        p, q = parents[parents[a]], parents[parents[b]]
        parents[a], parents[b] = p, q
        apart[m, 0], apart[m, 1], apart[m, 2] = p, q, edge
        m += p != q
    return m


@inlined
def _find(parents: Any, x: Any) -> Any:
    """The root of x. Two steps without a question: a branch hard to foresee costs more than a load."""
    root = np.int64(parents[parents[x]])
    parents[x] = root
    while parents[root] != root:
        root = np.int64(parents[root])
    return root


@kernel(
    "int64(int32[::1], int64[::1], int32[::1], int64, float64, int32[::1], int64[::1], int32[::1],"
    " int64, int64, int64)"
)
def merge_edges(
    order: I4,
    ends: I8,
    steps: I4,
    shift: int,
    scale: float,
    parents: I4,
    states: I8,
    rejected: I4,
    count: int,
    start: int,
    stop: int,
) -> int:
    """Join along the sorted edges where the weight is within both components' limit, Int(C) + scale / |C|.

    states[root] = limit * 2**32 + size: one load instead of two from places far apart; 0 where a pixel is alone.
    Edges that joined nothing go to ``rejected``; returns their number.
    """
    weight = np.int64(np.searchsorted(ends, start, side="right"))
    mask = (1 << shift) - 1
    apart = np.empty((BLOCK, 3), np.int32)
    alone = (np.int64(scale) << 32) | 1
    first = start
    while first < stop:
        while first >= ends[weight]:
            weight += 1
        last = min(ends[weight], stop)
        for block in range(first, last, BLOCK):
            m = _drop_inner(order, block, min(block + BLOCK, last), steps, shift, mask, parents, apart)
            for i in range(m):
                a, b = _root(parents, apart[i, 0]), _root(parents, apart[i, 1])
                if a == b:
                    continue
                s, t = states[a], states[b]
                s, t = s if s > 0 else alone, t if t > 0 else alone
                root = a if (s & 0xFFFFFFFF) >= (t & 0xFFFFFFFF) else b
                size = (s + t) & 0xFFFFFFFF
                if (weight <= s >> 32) & (weight <= t >> 32):
                    parents[a + b - root] = root
                    states[root] = ((weight + np.int64(scale / np.float64(size))) << 32) | size
                else:
                    rejected[count] = apart[i, 2]
                    count += 1
        first = last
    return count


@kernel("void(int32[::1], int32[::1], int64, int64, int32[::1], int64[::1], int64, int64)")
def merge_small(
    rejected: I4, steps: I4, shift: int, min_size: int, parents: I4, states: I8, start: int, stop: int
) -> None:
    """Join along the remaining edges, lightest first, where either side is smaller than ``min_size``."""
    mask = (1 << shift) - 1
    apart = np.empty((BLOCK, 3), np.int32)
    for block in range(start, stop, BLOCK):
        m = _drop_inner(rejected, block, min(block + BLOCK, stop), steps, shift, mask, parents, apart)
        for i in range(m):
            a, b = _root(parents, apart[i, 0]), _root(parents, apart[i, 1])
            if a != b:
                p = max(states[a] & 0xFFFFFFFF, np.int64(1))
                q = max(states[b] & 0xFFFFFFFF, np.int64(1))
                if p < min_size or q < min_size:
                    root = a if p >= q else b
                    parents[a + b - root] = root
                    states[root] = p + q


@kernel("int64(int32[::1], int64[::1], int32[::1], int64, int64, int64)")
def number_components(parents: I4, states: I8, labels: I4, count: int, start: int, stop: int) -> int:
    """Labels 0, 1, ... in the order of each component's first pixel; a root's state turns into -1 - its label."""
    for p in range(start, stop):
        root = _find(parents, p)
        name = -1 - states[root]
        if name < 0:
            name = count
            states[root] = -1 - name
            count += 1
        labels[p] = name
    return count
