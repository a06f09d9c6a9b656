"""Suppression where boxes lie thin: first all pairs over the threshold, place by place, then the decisions.

Most boxes of a thin scene stay, so that a candidate saves little by meeting kept boxes only; what costs is
memory visited at random. Here the boxes are laid out by cells, row after row, and every pair is tested once while
its neighborhood is in the cache. A box stays if nobody that stays is better and over the threshold with it, which
is settled in a few rounds over all pairs. A scene that turns out to be crowded, or to have long chains, is refused.

A cell is as long as two boxes of its level can be apart (``levels``), so that eight neighbors are all that is in reach.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import B1, F4, F8, I8, embedded, inlined, kernel
from detutils.suppression._kernels.blocks import column_of
from detutils.suppression._kernels.levels import can_match, find_levels
from detutils.suppression._kernels.pair import SCENE, as_better, as_weaker, exceeds, may, scene_of, settle

CROWD = 12.0  # refuse where a box has to be tested with more than this many: python -m benchmarks tune
SAMPLE = 256  # boxes from which that is guessed
THIN = 3.0  # boxes within reach up to which levels of size are merged: python -m benchmarks tune
ROOM = 8.0  # cells a box, at most: python -m benchmarks tune
PAIRS = 4  # pairs a box, at most, on average
TESTS = 2048  # tests that are made at once: python -m benchmarks tune
STRIDE = 4  # tests that are written at once; most boxes need fewer: python -m benchmarks tune
LOOKS, MORE_LOOKS = 6, 1 << 16  # at a pair until all are settled, on average, and at all of them beyond that


@inlined
def _lay_cells(reach: Any, table: Any, m: Any) -> Any:
    """Add to the table cells per pixel, cells from row to row, rows and the first cell of each level; how many cells.
    Beside each row and above and below all there are empty ones, so that every cell has eight neighbors."""
    left, top, right, bottom = reach.edges
    cells = 0
    for level in range(reach.levels):
        scale = 1.0 / max(1.001 * (reach.spread * table[level, 1] + reach.slack), 1e-30)
        while ((right - left) * scale + 2.0) * ((bottom - top) * scale + 2.0) > ROOM * m + 64.0:
            scale *= 0.7
        table[level, 4] = scale
        table[level, 5] = math.floor((right - left) * scale) + 2.0
        table[level, 6] = math.floor((bottom - top) * scale) + 1.0
        table[level, 7] = cells + table[level, 5] + 1.0
        cells += int((table[level, 6] + 2.0) * table[level, 5]) + 3
    return cells


@embedded
def _cell_below(box: Any, reach: Any, table: Any, level: Any) -> Any:
    """The cell of a level in which the center of a box lies."""
    scale = table[level, 4]
    x = 0.5 * (np.float64(box[0]) + np.float64(box[2])) - reach.edges[0]
    y = 0.5 * (np.float64(box[1]) + np.float64(box[3])) - reach.edges[1]
    column = np.int64(min(max(x * scale, 0.0), table[level, 5] - 2.0))
    line = np.int64(min(max(y * scale, 0.0), table[level, 6] - 1.0))
    return np.int64(table[level, 7]) + line * np.int64(table[level, 5]) + column


@embedded
def _at(place: Any, p: Any) -> Any:
    return place[p, 0], place[p, 1], place[p, 2], place[p, 3], place[p, 4]


@embedded
def _add(tests: Any, count: Any, p: Any, begin: Any, end: Any) -> Any:
    """Note the tests of a box with the places from ``begin`` to ``end``; how many there are now. No branch asks
    whether there are any."""
    while True:
        for j in range(STRIDE):
            tests[0, count + j], tests[1, count + j] = p, begin + j
        count += min(end - begin, STRIDE)
        begin += STRIDE
        if begin >= end:
            return count


@embedded
def _add_all(tests: Any, count: Any, box: Any, seat: Any, reach: Any, table: Any, starts: Any) -> Any:
    """Note all tests of a box, whose place, cell and level are given: with those of its own level that follow it, and
    of levels with larger boxes with all, so that every pair comes up once."""
    p, cell, level = np.int64(seat[0]), np.int64(seat[1]), np.int64(seat[2])
    row = np.int64(table[level, 5])
    count = _add(tests, count, p, p + 1, np.int64(starts[cell + 2]))
    count = _add(tests, count, p, np.int64(starts[cell + row - 1]), np.int64(starts[cell + row + 2]))
    for other in range(level - 1, -1, -1):
        if can_match(reach, table, other, np.float64(max(box[2] - box[0], box[3] - box[1]))):
            cell = _cell_below(box, reach, table, other)
            for line in range(-1, 2):
                beside = cell + line * np.int64(table[other, 5])
                count = _add(tests, count, p, np.int64(starts[beside - 1]), np.int64(starts[beside + 2]))
    return count


@inlined
def _find_pairs(scene: Any, place: Any, reach: Any, table: Any, starts: Any, tests: Any, pairs: Any) -> Any:
    """Fill ``pairs`` with the places of all over the threshold, the better ones first; how many, or -1 for too many.

    Three steps, none of which branches on what a cell holds: with which places each box has to be tested, those tests,
    some thousand at a time, and the decision of what passes.
    """
    m, note = place.shape[0], place.view(np.int32)
    found = 0
    count = np.int64(0)
    for p in range(m):
        count = _add_all(tests, count, _at(place, p), (p, note[p, 6], note[p, 7]), reach, table, starts)
        if count < TESTS and p < m - 1:
            continue
        hits = 0
        for k in range(count):
            a, b = tests[0, k], tests[1, k]
            tests[0, hits], tests[1, hits] = a, b
            hits += may(_at(place, a), as_weaker(_at(place, b), scene.measure))
        count = np.int64(0)
        if found + hits >= pairs.shape[1]:  # one more may be written, over and over
            return -1
        for k in range(hits):
            a, b = tests[0, k], tests[1, k]
            r, s = np.int64(note[a, 5]), np.int64(note[b, 5])
            ahead, behind = (a, b) if r < s else (b, a)
            pairs[0, found], pairs[1, found] = ahead, behind
            kept = as_better(_at(place, ahead), scene.measure)
            weaker = as_weaker(_at(place, behind), scene.measure)
            sure = settle(kept, weaker, scene.slack, scene.least)[1]
            found += sure or exceeds(scene, min(r, s), max(r, s))
    return found


@inlined
def _settle(pairs: Any, count: Any, blocked: Any, dropped: Any) -> Any:
    """Drop the worse of each pair whose better one stays; False if there are so long chains of pairs that most would
    have to be looked at again and again.

    In a round those stay for good that are nobody's worse one, and what they drop leaves with all its pairs. No
    branch depends on a box, as none could be foreseen.
    """
    better, worse = pairs[0], pairs[1]
    looks = LOOKS * count + MORE_LOOKS
    now = 0
    while count > 0:
        looks -= count
        if looks < 0:
            return False
        now += 1
        for k in range(count):
            blocked[worse[k]] = now
        for k in range(count):
            dropped[worse[k]] |= blocked[better[k]] != now
        left = 0
        for k in range(count):
            ahead, behind = better[k], worse[k]
            better[left], worse[left] = ahead, behind
            left += (dropped[ahead] | dropped[behind]) == 0
        count = left
    return True


@inlined
def _sweep(scene: Any, start: Any, first: Any, stop: Any, kept: Any) -> Any:
    """Decide the candidates of one run from ``first`` on, or answer False because it is crowded."""
    columns = scene.columns
    chosen, level_of, reach, table = find_levels(scene, start, first, stop, kept, THIN)
    m = chosen.shape[0]
    cells = _lay_cells(reach, table, m)
    starts = np.zeros(cells + 2, np.int32)
    following = starts[1:]  # where the next box of each cell goes, and where the next cell starts when all are placed
    home = np.empty(m, np.int32)
    for i in range(m):
        home[i] = _cell_below(column_of(columns, chosen[i]), reach, table, np.int64(level_of[i]))
        following[home[i] + 1] += 1
    for cell in range(cells):
        following[cell + 1] += following[cell]
    tests = np.empty((2, TESTS + m + STRIDE), np.uint32)  # a box is tested with every other once, at most
    crowd, step = np.int64(0), 1 + m // SAMPLE
    for i in range(0, m, step):
        seat = (following[home[i]] + following[home[i] + 1]) // 2, home[i], level_of[i]  # in the middle of its cell
        crowd += _add_all(tests, np.int64(0), column_of(columns, chosen[i]), seat, reach, table, following)
    if crowd > CROWD * ((m + step - 1) // step):
        return False
    place = np.empty((m, 8), np.float32)  # all of a box in one line of the cache
    note = place.view(np.int32)  # its last three: the candidate, the cell, the level
    for i in range(m):
        r, cell = chosen[i], home[i]
        p = following[cell]
        following[cell] = p + 1
        for c in range(5):
            place[p, c] = columns[c, r]
        note[p, 5], note[p, 6], note[p, 7] = r, cell, level_of[i]
    pairs = np.empty((2, PAIRS * m + 65), np.uint32)
    found = _find_pairs(scene, place, reach, table, starts, tests, pairs)
    dropped = np.zeros(m, np.uint8)
    if found < 0 or not _settle(pairs, found, np.zeros(m, np.int32), dropped):
        return False
    kept[first:stop] = True
    for p in range(m):
        kept[note[p, 5]] = dropped[p] == 0
    return True


@kernel(f"int64({SCENE}, int64[::1], int64[:,::1], boolean[::1])")
def sweep(columns: F4, rows: F8, rule: F8, starts: I8, state: I8, kept: B1) -> int:
    """Go on with each run that ``compare`` took for thin, unless it turns out to be crowded; how many are left."""
    scene = scene_of(columns, rows, rule)
    left = 0
    for run in range(starts.shape[0] - 1):
        start, first, stop = starts[run], state[0, run], starts[run + 1]
        if first < stop and state[1, run] and _sweep(scene, start, first, stop, kept):
            state[0, run] = stop
        left += state[0, run] < stop
    return left
