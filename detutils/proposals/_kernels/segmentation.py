"""Felzenszwalb and Huttenlocher's graph segmentation: merge pixels along edges that come sorted by weight.

An edge is key * 2**32 + pixel * directions + direction, see ``edges``. A forest of int64 cells, one a pixel, holds the
components: the cell of a root is limit * 2**32 + size, where limit is the largest key along which the component merges;
the cell of any other pixel is ~parent. Root, limit and size come with one load, instead of three from places
far apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import I4, I8, inlined, kernel
from detutils.proposals._kernels.edges import key_of, weight_of

U8 = np.uint64  # of an index that cannot be negative: Numba need not ask, which is a quarter of the time of merging
BLOCK = 64
LOW = 0xFFFFFFFF
NUMBERED = -(1 << 33)  # the cell of a root that has a label is NUMBERED - label


@inlined
def _limit(key: Any, scale: Any, size: Any, coarse: Any) -> Any:
    """Int(C) + k / |C| as a key, where ``key`` is Int(C): the heaviest edge in the component's spanning tree."""
    if coarse:
        return np.int64(key) + np.int64(16.0 * scale / np.float64(size))
    return key_of(weight_of(key) + scale / np.float64(size))


@kernel("void(int64[::1], float64, boolean)")
def begin(cells: I8, scale: float, coarse: bool) -> None:
    """Every pixel is a component of its own."""
    cells[:] = (_limit(0, scale, 1, coarse) << 32) | 1


@inlined
def _drop_inner(edges: Any, start: Any, stop: Any, steps: Any, cells: Any, apart: Any) -> Any:
    """Fill ``apart`` with (ancestor of one end, of the other, edge), without edges that certainly lie inside of a
    component; how many are left.

    Half of all edges are such. To drop them in a loop without a branch costs less than to guess at each, and it
    brings what the others need into the cache.
    """
    shift, mask = U8(steps.shape[0] >> 1), U8(steps.shape[0] - 1)
    m = U8(0)
    for i in range(start, stop):
        edge = edges[U8(i)]
        a = U8(edge & LOW) >> shift
        b = a + U8(steps[U8(edge) & mask])
        at_a, at_b = cells[a], cells[b]
        p, q = a if at_a >= 0 else U8(~at_a), b if at_b >= 0 else U8(~at_b)
        at_p, at_q = cells[p], cells[q]
        cells[a], cells[b] = at_a if at_p >= 0 else at_p, at_b if at_q >= 0 else at_q  # halves the path
        p, q = p if at_p >= 0 else U8(~at_p), q if at_q >= 0 else U8(~at_q)
        apart[m, 0], apart[m, 1], apart[m, 2] = p, q, edge
        m += U8(p != q)
    return np.int64(m)


@inlined
def _root(cells: Any, pixel: Any) -> Any:
    root = U8(pixel)
    while cells[root] < 0:
        root = U8(~cells[root])
    return root


@inlined
def _join(cells: Any, a: Any, b: Any, cell: Any) -> None:
    """Hang the smaller root under the larger, which gets a new cell."""
    root, other = (a, b) if (cells[a] & LOW) >= (cells[b] & LOW) else (b, a)
    cells[other] = ~np.int64(root)
    cells[root] = cell


@kernel("int64(int64[::1], int64[::1], float64, boolean, int64[::1], int64[::1], int64)")
def merge_edges(edges: I8, steps: I8, scale: float, coarse: bool, cells: I8, rejected: I8, count: int) -> int:
    """Merge along the sorted edges whose weight is within both components' limits, Int(C) + scale / |C|.

    ``steps[d]`` leads from a pixel to its neighbor in direction d. Edges between components that stay apart go to
    ``rejected``, after the ``count`` that are there; returns their number.
    """
    apart = np.empty((BLOCK, 3), np.int64)
    for block in range(0, edges.shape[0], BLOCK):
        m = _drop_inner(edges, block, min(block + BLOCK, edges.shape[0]), steps, cells, apart)
        for i in range(m):
            a, b = _root(cells, apart[i, 0]), _root(cells, apart[i, 1])
            if a == b:
                continue
            s, t, key = cells[a], cells[b], apart[i, 2] >> 32
            if (key <= s >> 32) & (key <= t >> 32):
                size = (s & LOW) + (t & LOW)
                _join(cells, a, b, (_limit(key, scale, size, coarse) << 32) | size)
            else:
                rejected[count] = apart[i, 2]
                count += 1
    return count


@kernel("void(int64[::1], int64[::1], int64, int64[::1])")
def merge_small(edges: I8, steps: I8, min_size: int, cells: I8) -> None:
    """Merge along the edges that were rejected, lightest first, where either side is smaller than ``min_size``."""
    apart = np.empty((BLOCK, 3), np.int64)
    for block in range(0, edges.shape[0], BLOCK):
        m = _drop_inner(edges, block, min(block + BLOCK, edges.shape[0]), steps, cells, apart)
        for i in range(m):
            a, b = _root(cells, apart[i, 0]), _root(cells, apart[i, 1])
            if a != b:
                p, q = cells[a] & LOW, cells[b] & LOW
                if p < min_size or q < min_size:
                    _join(cells, a, b, p + q)


@kernel("int64(int64[::1], int32[::1], int64, int64, int64)")
def number_components(cells: I8, labels: I4, count: int, start: int, stop: int) -> int:
    """Labels 0, 1, ... in the order of each component's first pixel; returns how many there are."""
    for p in range(start, stop):
        root, cell = U8(p), cells[p]
        while cell < 0 and cell > NUMBERED:
            root = U8(~cell)
            cell = cells[root]
        if cell >= 0:
            cell = np.int64(NUMBERED - count)
            cells[root] = cell
            count += 1
        if root != U8(p):
            cells[p] = ~np.int64(root)
        labels[p] = NUMBERED - cell
    return count
