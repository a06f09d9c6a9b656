"""Suppression where boxes lie thin: first all pairs over the threshold, place by place, then the decisions.

Most boxes of a thin scene stay, so that a candidate saves little by meeting kept boxes only; what costs is
memory visited at random. Here the boxes are laid out by cells, row after row, and every pair is tested once while
its neighborhood is in the cache. A box stays if nobody that stays is better and over the threshold with it, which
is settled in a few rounds over all pairs. A scene that turns out to be crowded, or to have long chains, is refused.

A cell is as long as two boxes of its level can be apart (``levels``), so that eight neighbors are all that is in reach.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import B1, F4, F8, I8, embedded, inlined, kernel
from detutils.suppression._kernels.levels import can_match, find_levels, reach_of
from detutils.suppression._kernels.pair import NOTHING, as_better, as_weaker, exceeds, may, scene_of, settle

CROWD = 12.0  # refuse where a box has to be tested with more than this many: python -m benchmarks tune
SAMPLE = 256  # boxes from which that is guessed
THIN = 3.0  # boxes within reach up to which levels of size are merged: python -m benchmarks tune
ROOM = 8.0  # cells a box, at most: python -m benchmarks tune
PAIRS = 4  # pairs a box, at most, on average
BLOCK = 256  # boxes whose tests are prepared at once: python -m benchmarks tune
TESTS = 2048  # tests that are made at once: python -m benchmarks tune
STRIDE = 4  # tests that are written at once; most boxes need fewer: python -m benchmarks tune
LOOKS, MORE_LOOKS = 6, 1 << 16  # at a pair until all are settled, on average, and at all of them beyond that


class Field(NamedTuple):
    """Cells of all levels, one after the other, and where the places of each start; ``left`` and ``top`` of all."""

    table: Any  # of each level the sizes, cells per pixel, cells in a row, rows, first cell
    levels: Any
    left: Any
    top: Any
    ratio: Any
    slack: Any
    starts: Any


@inlined
def _lay_cells(table: Any, levels: Any, edges: Any, spread: Any, slack: Any, m: Any) -> Any:
    """Fill in the table; how many cells. Beside each row and above and below all there are empty ones, so that every
    cell has eight neighbors."""
    width, height = edges[2] - edges[0], edges[3] - edges[1]
    cells = 0
    for level in range(levels):
        scale = 1.0 / max(1.001 * (spread * table[level, 1] + slack), 1e-30)
        while (width * scale + 2.0) * (height * scale + 2.0) > ROOM * m + 64.0:
            scale *= 0.7
        table[level, 4] = scale
        table[level, 5] = math.floor(width * scale) + 1.0
        table[level, 6] = math.floor(height * scale) + 1.0
        wide = int(table[level, 5]) + 1
        table[level, 7] = cells + wide + 1
        cells += (int(table[level, 6]) + 2) * wide + 3
    return cells


@embedded
def _row(field: Any, level: Any) -> Any:
    """The cells from one row to the next."""
    return np.int64(field.table[level, 5]) + 1


@embedded
def _cell_below(box: Any, field: Any, level: Any) -> Any:
    """The cell of a level in which the center of a box lies."""
    table = field.table
    scale = table[level, 4]
    x = 0.5 * (np.float64(box[0]) + np.float64(box[2])) - field.left
    y = 0.5 * (np.float64(box[1]) + np.float64(box[3])) - field.top
    column = np.int64(min(max(x * scale, 0.0), table[level, 5] - 1.0))
    line = np.int64(min(max(y * scale, 0.0), table[level, 6] - 1.0))
    return np.int64(table[level, 7]) + line * _row(field, level) + column


@embedded
def _box(columns: Any, r: Any) -> Any:
    return columns[0, r], columns[1, r], columns[2, r], columns[3, r]


@embedded
def _at(place: Any, p: Any) -> Any:
    return place[p, 0], place[p, 1], place[p, 2], place[p, 3], place[p, 4]


@embedded
def _longer(box: Any) -> Any:
    return np.float64(max(box[2] - box[0], box[3] - box[1]))


@inlined
def _is_crowded(columns: Any, chosen: Any, home: Any, level_of: Any, field: Any) -> Any:
    """Whether some boxes, evenly chosen, have to be tested with many."""
    starts, m = field.starts, chosen.shape[0]
    step = 1 + m // SAMPLE
    crowd = 0.0
    for i in range(0, m, step):
        box = _box(columns, chosen[i])
        level = np.int64(level_of[i])
        for other in range(level, -1, -1):
            if other == level:
                cell, share = np.int64(home[i]), 0.5  # each pair is tested once
            elif can_match(_longer(box), field.ratio, field.slack, field.table, other):
                cell, share = _cell_below(box, field, other), 1.0
            else:
                continue
            for line in range(-1, 2):
                beside = cell + line * _row(field, other)
                crowd += share * np.float64(starts[beside + 2] - starts[beside - 1])
    return crowd > CROWD * np.float64((m + step - 1) // step)


@inlined
def _list_ranges(place: Any, note: Any, block: Any, field: Any, ranges: Any) -> Any:
    """Fill ``ranges`` with (box, from, to) of the places with which each box of a block has to be tested; how many."""
    starts = field.starts
    some = 0
    for p in range(block, min(block + BLOCK, place.shape[0])):
        cell, level = np.int64(note[p, 6]), np.int64(note[p, 7])
        row = _row(field, level)
        # of its own level those that follow it, of levels with larger boxes all: every pair comes up once
        ranges[some, 0], ranges[some, 1], ranges[some, 2] = p, p + 1, starts[cell + 2]
        some += starts[cell + 2] > p + 1
        ranges[some, 0], ranges[some, 1], ranges[some, 2] = p, starts[cell + row - 1], starts[cell + row + 2]
        some += starts[cell + row + 2] > starts[cell + row - 1]
        for other in range(level - 1, -1, -1):
            box = _at(place, p)
            if can_match(_longer(box), field.ratio, field.slack, field.table, other):
                row = _row(field, other)
                cell = _cell_below(box, field, other) - row
                for _ in range(3):
                    ranges[some, 0], ranges[some, 1], ranges[some, 2] = p, starts[cell - 1], starts[cell + 2]
                    some += starts[cell + 2] > starts[cell - 1]
                    cell += row
    return some


@embedded
def _pass(place: Any, tests: Any, count: Any, passed: Any, measure: Any) -> Any:
    """Note the tests whose boxes may exceed the threshold; how many."""
    hits = 0
    for k in range(count):
        a, b = tests[0, k], tests[1, k]
        passed[0, hits], passed[1, hits] = a, b
        hits += may(_at(place, a), as_weaker(_at(place, b), measure))
    return hits


@inlined
def _find_pairs(scene: Any, place: Any, note: Any, field: Any, better: Any, worse: Any) -> Any:
    """Fill in the places of all pairs over the threshold; how many, or -1 for too many.

    Three steps a block of places, none of which branches on what a cell holds: with which places each box has to be
    tested, those tests one by one, and the decision of what passes.
    """
    m = place.shape[0]
    room = better.shape[0] - 1  # the last is written over and over
    ranges = np.empty((BLOCK * 3 * field.levels + 1, 3), np.uint32)
    tests = np.empty((2, TESTS + STRIDE), np.uint32)
    passed = np.empty((2, TESTS + 1), np.uint32)
    pairs = 0
    for block in range(0, m, BLOCK):
        some = _list_ranges(place, note, block, field, ranges)
        at: Any = 0
        done = 0
        while at < some:
            count: Any = 0
            while at < some and count <= TESTS - STRIDE:
                begin, end = np.int64(ranges[at, 1]) + done, np.int64(ranges[at, 2])
                for j in range(STRIDE):
                    tests[0, count + j], tests[1, count + j] = ranges[at, 0], begin + j
                count += min(end - begin, STRIDE)
                last = begin + STRIDE >= end
                done = 0 if last else done + STRIDE
                at += last
            if scene.measure < 0.0:  # known to the compiler here
                hits = _pass(place, tests, count, passed, -1.0)
            else:
                hits = _pass(place, tests, count, passed, 0.0)  # of both shares the smaller one, whichever is weaker
            if pairs + hits > room:
                return -1
            for k in range(hits):
                a, b = passed[0, k], passed[1, k]
                r, s = np.int64(note[a, 5]), np.int64(note[b, 5])
                ahead, behind = (a, b) if r < s else (b, a)
                better[pairs], worse[pairs] = ahead, behind
                kept = as_better(_at(place, ahead), scene.measure)
                weaker = as_weaker(_at(place, behind), scene.measure)
                sure = settle(kept, weaker, scene.slack, scene.least)[1]
                pairs += sure or exceeds(scene, min(r, s), max(r, s))
    return pairs


@inlined
def _settle(better: Any, worse: Any, pairs: Any, blocked: Any, dropped: Any) -> Any:
    """Drop the worse of each pair whose better one stays; False if there are so long chains of pairs that most would
    have to be looked at again and again.

    In a round those stay for good that are nobody's worse one, and what they drop leaves with all its pairs. No
    branch depends on a box, as none could be foreseen.
    """
    looks = LOOKS * pairs + MORE_LOOKS
    now = 0
    while pairs > 0:
        looks -= pairs
        if looks < 0:
            return False
        now += 1
        for k in range(pairs):
            blocked[worse[k]] = now
        for k in range(pairs):
            dropped[worse[k]] |= blocked[better[k]] != now
        left = 0
        for k in range(pairs):
            ahead, behind = better[k], worse[k]
            better[left], worse[left] = ahead, behind
            left += (dropped[ahead] | dropped[behind]) == 0
        pairs = left
    return True


@inlined
def _sweep(scene: Any, start: Any, first: Any, stop: Any, kept: Any) -> Any:
    """Decide the candidates of one run from ``first`` on, or answer False because it is crowded."""
    columns = scene.columns
    spread, ratio = reach_of(scene)
    slack = np.float64(scene.slack)
    chosen = np.empty(stop - start + 1, np.int32)
    m = np.int64(0)
    for r in range(start, stop):
        chosen[m] = r
        m += (columns[4, r] < NOTHING) & ((r >= first) | kept[r])
    chosen = chosen[:m]
    level_of = np.empty(m, np.uint8)  # the exponents, at first
    table = np.empty((256, 8), np.float64)
    levels, level_of_exponent, edges = find_levels(columns, chosen, spread, THIN, level_of, table)
    cells = _lay_cells(table, levels, edges, spread, slack, m)
    starts = np.zeros(cells + 2, np.int32)
    following = starts[1:]  # where the next box of each cell goes, and where the next cell starts when all are placed
    field = Field(table, levels, edges[0], edges[1], ratio, slack, following)
    home = np.empty(m, np.int32)
    for i in range(m):
        level_of[i] = level_of_exponent[level_of[i]]
        cell = _cell_below(_box(columns, chosen[i]), field, np.int64(level_of[i]))
        home[i] = cell
        following[cell + 1] += 1
    total = np.int32(0)
    for cell in range(cells + 1):
        total += following[cell]
        following[cell] = total
    if _is_crowded(columns, chosen, home, level_of, field):
        return False
    place = np.empty((m, 8), np.float32)  # all of a box in one line of the cache
    note = place.view(np.int32)  # its last three: the candidate, the cell, the level
    for i in range(m):
        r = chosen[i]
        cell = home[i]
        p = following[cell]
        following[cell] = p + 1
        for c in range(5):
            place[p, c] = columns[c, r]
        note[p, 5], note[p, 6], note[p, 7] = r, cell, level_of[i]
    field = Field(table, levels, edges[0], edges[1], ratio, slack, starts)
    better, worse = np.empty(PAIRS * m + 65, np.uint32), np.empty(PAIRS * m + 65, np.uint32)
    pairs = _find_pairs(scene, place, note, field, better, worse)
    dropped = np.zeros(m, np.uint8)
    if pairs < 0 or not _settle(better, worse, pairs, np.zeros(m, np.int32), dropped):
        return False
    for r in range(first, stop):
        kept[r] = True
    for p in range(m):
        kept[note[p, 5]] = dropped[p] == 0
    return True


@kernel("int64(float32[:,::1], float64[:,::1], float64[::1], int64[::1], int64[:,::1], boolean[::1])")
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
