"""One-to-one association: the pairs that pass a gate, and the matching of greatest total gain among them.

Shortest augmenting paths on the sparse graph of gated pairs. ``worths`` of rows and ``prices`` of columns, none below
0, satisfy at all times

    worth + price >= gain     for every pair of the rows so far, = for matched ones
    worth = 0, price = 0      for rows and columns that are left alone,

which proves the matching of these rows to be optimal (complementary slackness). The next row is settled by the cheapest
of three: a path to a free column, a path to a matched row that is left alone instead, or to be left alone itself. What
lies farther than the best end so far is not looked at: a search stays within the connected component of its row, mostly
within a few rows of it, and costs nothing where the best column of a row is free.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F4, F8, I4, I8, U4, inlined, kernel
from detutils._kernels.limits import LARGEST_FLOAT32, LIMIT

BLOCK = 64  # values that are tested at once
BIDS = 8  # in a row, before a path is looked for


@inlined
def _gate(values: Any, bounds: Any, rule: Any, first: Any, starts: Any, pairs: Any, patience: Any) -> Any:
    columns, gains = pairs
    base, sign = rule[1], bounds[2]
    n, m = values.shape
    count: Any = int(starts[first])
    for i in range(first, n):
        if count + m > columns.shape[0] or patience < 0:
            return i
        patience -= m
        for block in range(0, m, BLOCK):
            part = values[i, block : block + BLOCK]  # a view, whose places are known to be no negative ones
            below: Any = 0
            for k in range(part.shape[0]):  # vectorizes
                below += part[k] * sign < bounds[0]
            if below < part.shape[0]:
                for k in range(part.shape[0]):
                    value = part[k] * sign
                    if not value < bounds[0]:
                        if not value <= bounds[1]:
                            return -1 - (i * m + block + k)
                        columns[count] = block + k
                        gains[count] = base + np.float64(value)
                        count += 1
        starts[i + 1] = count
    return n


@kernel(
    "int64(float64[:,::1], UniTuple(float64, 3), int64, int64[::1], Tuple((uint32[::1], float64[::1])), int64)"
)
def gate(
    values: F8, rule: tuple[float, float, float], first: int, starts: I8, pairs: tuple[U4, F8], patience: int
) -> int:
    """List the pairs of the rows from ``first`` on, as far as there is room and patience.

    With ``rule`` = (least, base, sign), a pair is listed if sign * value >= least; its gain is base + sign * value.
    ``starts`` becomes where each row's pairs begin. Gives the number of rows that are listed, or -1 - the flat index of
    a value that is not a number or gains too much.
    """
    bounds = rule[0], LIMIT, rule[2]
    return _gate(values, bounds, rule, first, starts, pairs, patience)  # type: ignore[no-any-return]


@kernel(
    "int64(float32[:,::1], UniTuple(float64, 3), int64, int64[::1], Tuple((uint32[::1], float64[::1])), int64)"
)
def gate_float32(
    values: F4, rule: tuple[float, float, float], first: int, starts: I8, pairs: tuple[U4, F8], patience: int
) -> int:
    """``gate``; the least of ``rule`` is a float32."""
    bounds = np.float32(rule[0]), LARGEST_FLOAT32, np.float32(rule[2])
    return _gate(values, bounds, rule, first, starts, pairs, patience)  # type: ignore[no-any-return]


@inlined
def _two_best(i: Any, graph: Any, prices: Any) -> Any:
    """The column that leaves a row the most, or -1, what it leaves, and what the second best choice leaves."""
    starts, columns, gains = graph
    best: Any = -1
    worth: Any = 0.0
    second: Any = 0.0
    for e in range(starts[i], starts[i + 1]):
        left = gains[e] - prices[columns[e]]
        if left > second:
            if left > worth:
                second = worth
                worth = left
                best = int(columns[e])
            else:
                second = left
    return best, worth, second


@inlined
def _flip(i: Any, row: Any, column: Any, links: Any, mates: Any, owners: Any) -> None:
    """Turn the path that starts at row i: to a free ``column``, or to a ``row`` that is left alone (column -1)."""
    if column < 0:
        column = mates[row]
        mates[row] = -1
        if row == i:
            return
    while True:
        row = links[column]
        following = mates[row]
        mates[row] = column
        owners[column] = row
        if row == i:
            return
        column = following


@inlined
def _conclude(i: Any, end: Any, visited: Any, matched: Any, duals: Any, distances: Any, links: Any) -> None:
    """Settle row i by the way to the best end; ``visited`` are the columns whose owners lie nearer."""
    best, last, free = end
    mates, owners = matched
    worths, prices = duals
    for k in range(visited.shape[0]):
        j = visited[k]
        gap = best - distances[j]
        worths[owners[j]] = max(worths[owners[j]] - gap, 0.0)
        prices[j] += gap
    worths[i] -= best
    if free < 0:
        worths[last] = 0.0
    _flip(i, last, free, links, mates, owners)


@inlined
def _settle_dense(i: Any, gains: Any, matched: Any, duals: Any, distances: Any, links: Any, seen: Any) -> Any:
    """``_settle`` where a row has most columns: in one pass over those that are left, which ``seen`` lists."""
    owners = matched[1]
    worths, prices = duals
    m = gains.shape[1]
    for j in range(m):
        distances[j] = np.inf
    done: Any = 0
    row = i
    distance = 0.0
    best = worths[i]
    last: Any = i
    free: Any = np.int64(-1)
    while True:
        start = distance + worths[row]
        nearest: Any = -1
        low = best
        for k in range(done, m):
            j = seen[k]
            far = start + prices[j] - gains[row, j]
            if far < distances[j]:
                distances[j] = max(far, distance)
                links[j] = row
            if distances[j] < low or (distances[j] == low and owners[j] < 0):
                low = distances[j]
                nearest = k
        if nearest < 0:
            break
        distance = low
        j = seen[nearest]
        if owners[j] < 0:
            best = low
            free = int(j)
            break
        seen[nearest], seen[done] = seen[done], j
        done += 1
        row = owners[j]
        if distance + worths[row] < best:
            best = distance + worths[row]
            last = int(row)
    _conclude(i, (best, last, free), seen[:done], matched, duals, distances, links)
    return (done + 1) * m


@inlined
def _settle(i: Any, graph: Any, matched: Any, duals: Any, distances: Any, links: Any, seen: Any) -> Any:
    """Settle row i by the shortest path from it; the work that it took."""
    starts, columns, gains = graph
    owners = matched[1]
    worths, prices = duals
    count: Any = 0  # of the columns in ``seen``
    done: Any = 0  # of them, those whose owners have been looked at
    row = i
    distance = 0.0
    best = worths[i]  # the distance of the best end so far: i itself is left alone
    last: Any = i
    free: Any = np.int64(-1)
    work: Any = 0
    while True:
        for e in range(starts[row], starts[row + 1]):
            j = columns[e]
            far = max(distance + (worths[row] + prices[j] - gains[e]), distance)
            if far < distances[j] and far < best:
                if distances[j] == np.inf:
                    seen[count] = j
                    count += 1
                distances[j] = far
                links[j] = row
                if owners[j] < 0:
                    best = far
                    free = int(j)
        work += starts[row + 1] - starts[row] + count - done
        nearest: Any = -1
        distance = best
        for k in range(done, count):
            if distances[seen[k]] < distance:
                distance = distances[seen[k]]
                nearest = k
        if nearest < 0:
            break
        j = seen[nearest]
        seen[nearest], seen[done] = seen[done], j
        done += 1
        row = owners[j]
        if distance + worths[row] < best:
            best = distance + worths[row]
            last = int(row)
            free = np.int64(-1)
    _conclude(i, (best, last, free), seen[:done], matched, duals, distances, links)
    for k in range(count):
        distances[seen[k]] = np.inf
    return work


@kernel(
    "int64(int64[::1], Tuple((uint32[::1], float64[::1])), UniTuple(int32[::1], 2), UniTuple(float64[::1], 2), int64, "
    "int64)"
)
def match(
    starts: I8, pairs: tuple[U4, F8], matched: tuple[I4, I4], duals: tuple[F8, F8], first: int, patience: int
) -> int:
    """Settle the rows from ``first`` on, as far as patience goes; the number of rows that are settled.

    ``matched`` are each row's column and each column's row, -1 where there is none; ``duals`` the worths and prices.
    """
    mates, owners = matched
    worths, prices = duals
    graph = starts, pairs[0], pairs[1]
    m = owners.shape[0]
    distances = np.empty(m, np.float64)
    distances[:] = np.inf
    links, seen = np.empty(m, np.int32), np.empty(m, np.uint32)
    for i in range(first, mates.shape[0]):
        if patience < 0:
            return i
        row = i
        for bid in range(BIDS):
            best, worth, second = _two_best(row, graph, prices)
            patience -= starts[row + 1] - starts[row]
            worths[row] = worth
            if best < 0:
                break
            rival = owners[best]
            if rival >= 0 and (bid == BIDS - 1 or worth == second):
                patience -= int(_settle(row, graph, matched, duals, distances, links, seen))
                break
            worths[row] = second  # as much as it may bid without another column being better
            prices[best] += worth - second
            mates[row] = best
            owners[best] = row
            if rival < 0:
                break
            mates[rival] = -1
            row = int(rival)
    return int(mates.shape[0])


@kernel("void(int64[::1], Tuple((uint32[::1], float64[::1])), float64[:,::1])")
def spread(starts: I8, pairs: tuple[U4, F8], gains: F8) -> None:
    """Lay out the gains of the listed pairs as a table, minus infinity where there is none."""
    columns, listed = pairs
    for i in range(gains.shape[0]):
        for j in range(gains.shape[1]):
            gains[i, j] = -np.inf
        for e in range(starts[i], starts[i + 1]):
            gains[i, columns[e]] = listed[e]


@kernel("int64(float64[:,::1], UniTuple(int32[::1], 2), UniTuple(float64[::1], 2), int64, int64)")
def match_dense(gains: F8, matched: tuple[I4, I4], duals: tuple[F8, F8], first: int, patience: int) -> int:
    """``match`` with the gain of every pair, minus infinity where there is none."""
    worths, prices = duals
    n, m = gains.shape
    distances = np.empty(m, np.float64)
    links, seen = np.empty(m, np.int32), np.empty(m, np.uint32)
    for j in range(m):
        seen[j] = j
    for i in range(first, n):
        if patience < 0:
            return i
        worth = 0.0
        for j in range(m):
            left = gains[i, j] - prices[j]
            worth = left if left > worth else worth
        worths[i] = worth
        patience -= m
        if worth > 0.0:
            patience -= int(_settle_dense(i, gains, matched, duals, distances, links, seen))
    return int(n)


@kernel("int64(UniTuple(int32[::1], 2), int64[:,::1], int64[::1], int64[::1])")
def tell(matched: tuple[I4, I4], pairs: I8, rows: I8, columns: I8) -> int:
    """List the matched pairs, the rows and the columns that are left alone; the number of pairs."""
    mates, owners = matched
    count = 0
    alone = 0
    for i in range(mates.shape[0]):
        if mates[i] >= 0:
            pairs[count, 0], pairs[count, 1] = i, mates[i]
            count += 1
        else:
            rows[alone] = i
            alone += 1
    alone = 0
    for j in range(owners.shape[0]):
        if owners[j] < 0:
            columns[alone] = j
            alone += 1
    return count
