"""Boosted trees of one depth: every row of features goes down every tree, and the leaves it ends in are added."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F4, F8, borrowing, inlined, kernel

DEPTH = 4
NODES = (1 << DEPTH) - 1
TREES = "Tuple((int32[:,::1], float32[:,::1], float32[:,::1]))"
BLOCK = 64  # rows that stay in the cache, feature by feature, while all trees see them


@inlined
def _half(columns: Any, asked: Any, limits: Any, leaves: Any, root: Any, out: Any) -> None:
    """The leaf below node 1 or 2, for a block of rows."""
    left, right = 2 * root + 1, 2 * root + 2
    low, leaf = 2 * left + 1, 8 * (root - 1)
    above, by_left, by_right = columns[asked[root]], columns[asked[left]], columns[asked[right]]
    a, b, c, d = columns[asked[low]], columns[asked[low + 1]], columns[asked[low + 2]], columns[asked[low + 3]]
    l_above, l_left, l_right = limits[root], limits[left], limits[right]
    l_a, l_b, l_c, l_d = limits[low], limits[low + 1], limits[low + 2], limits[low + 3]
    a0, a1, b0, b1 = leaves[leaf], leaves[leaf + 1], leaves[leaf + 2], leaves[leaf + 3]
    c0, c1, d0, d1 = leaves[leaf + 4], leaves[leaf + 5], leaves[leaf + 6], leaves[leaf + 7]
    for i in range(BLOCK):
        of_a, of_b = a1 if a[i] > l_a else a0, b1 if b[i] > l_b else b0
        of_c, of_d = c1 if c[i] > l_c else c0, d1 if d[i] > l_d else d0
        of_left, of_right = of_b if by_left[i] > l_left else of_a, of_d if by_right[i] > l_right else of_c
        out[i] = of_right if above[i] > l_above else of_left


@borrowing
def _add(columns: Any, trees: Any, halves: Any, scores: Any, start: Any, number: Any) -> Any:
    """The leaves of one block of rows, which start at ``start``."""
    asked, limits, leaves = trees
    left, right, sums = halves
    each = asked.shape[0] // scores.shape[1]
    for k in range(scores.shape[1]):
        sums[:] = 0
        for t in range(k * each, (k + 1) * each):
            _half(columns, asked[t], limits[t], leaves[t], 1, left)
            _half(columns, asked[t], limits[t], leaves[t], 2, right)
            column, limit = columns[asked[t, 0]], limits[t, 0]
            for i in range(BLOCK):
                sums[i] += np.float64(right[i] if column[i] > limit else left[i])
        for i in range(number):
            scores[start + i, k] += sums[i]


@kernel(f"void(float32[:,::1], {TREES}, float64[:,::1], {TREES}, float64[:,::1])")
def add_leaves(features: F4, trees: tuple[Any, ...], scores: F8, others: tuple[Any, ...], sides: F8) -> None:
    """Adds to the ``scores`` (R, K) of rows: the first of K equal parts of the trees to the first column, and on. The
    same of ``others`` and ``sides``, because to turn rows into columns takes as long as 256 trees.

    Trees are the features that (T, 15) nodes ask for, the values up to which a row goes left, and (T, 16) leaves from
    left to right; the children of node i are 2 i + 1 and 2 i + 2.

    Every node is asked, from the leaves up, of a block of rows at a time: a choice among two numbers needs no branch
    and no index, so it turns into vectors. That takes about 0.3 times as long as to walk down from the root.
    """
    columns = np.zeros((features.shape[1], BLOCK), np.float32)
    halves = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float64)
    for start in range(0, features.shape[0], BLOCK):
        number = min(BLOCK, features.shape[0] - start)
        for i in range(number):
            own = features[start + i]
            for f in range(features.shape[1]):
                columns[f, i] = own[f]
        _add(columns, trees, halves, scores, start, number)
        _add(columns, others, halves, sides, start, number)
