"""Non-maximum suppression where boxes lie thin: first all pairs over the threshold, place by place, then the
decisions.

Most boxes of a thin scene stay, so that a candidate saves little by meeting kept boxes only; what costs is
memory visited at random. Here the boxes are laid out by cells, row after row, and every pair is tested once while
its neighborhood is in the cache. A box stays if nobody that stays is better and over the threshold with it, which
is settled in a few rounds over all pairs: nothing needs to be sorted before. A scene that turns out to be crowded,
or to have long chains, is refused; the list and the grid of ``nms`` are for those. The filter and the bounds are
those of ``nms`` and ``nms_order``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import B1, F4, F8, I8, inlined, kernel

CROWD = 12.0  # refuse where a box has to be tested with more than this many, on average
SAMPLE = 256  # boxes from which that is guessed
THIN = 3.0  # boxes within reach up to which levels of size are merged
ROOM = 8.0  # cells a box, at most
PAIRS = 4  # pairs a box, at most, on average
BLOCK = 256  # boxes whose tests are prepared at once
TESTS = 2048  # tests that are made at once
STRIDE = 4  # tests that are written at once; most boxes need fewer
LOOKS, MORE_LOOKS = 6, 1 << 16  # at a pair until all are settled, on average, and at all of them beyond that


@inlined
def _exceeds(columns: Any, rows: Any, a: Any, b: Any, iou_threshold: Any, offset: Any) -> Any:
    """Whether IoU > threshold in float64, as the definition computes it."""
    if rows.shape[0] > 0:
        ax1, ay1, ax2, ay2 = rows[a, 0], rows[a, 1], rows[a, 2], rows[a, 3]
        bx1, by1, bx2, by2 = rows[b, 0], rows[b, 1], rows[b, 2], rows[b, 3]
    else:
        ax1, ay1 = np.float64(columns[0, a]), np.float64(columns[1, a])
        ax2, ay2 = np.float64(columns[2, a]) - offset, np.float64(columns[3, a]) - offset
        bx1, by1 = np.float64(columns[0, b]), np.float64(columns[1, b])
        bx2, by2 = np.float64(columns[2, b]) - offset, np.float64(columns[3, b]) - offset
    w = min(ax2, bx2) - max(ax1, bx1) + offset
    h = min(ay2, by2) - max(ay1, by1) + offset
    if not (w > 0.0 and h > 0.0):
        return False
    inter = w * h
    union = (ax2 - ax1 + offset) * (ay2 - ay1 + offset) + (bx2 - bx1 + offset) * (by2 - by1 + offset) - inter
    return union > 0.0 and inter / union > iou_threshold


@inlined
def _levels(
    columns: Any, chosen: Any, spread: Any, rounded: Any, exponent_of: Any, level_of_exponent: Any, table: Any
) -> Any:
    """Levels by the binary exponent of the longer side, largest first, merged where boxes lie thin.

    ``table`` gets a row a level: smallest and largest longer side, cells per pixel, cells in a row, rows, first
    cell. A cell is as wide as two boxes of its level can be apart. Beside each row and above and below all there
    are empty ones, so that every cell has eight neighbors. Returns (cells, least x and y, what rounding to the
    columns may move).
    """
    m = chosen.shape[0]
    side = np.empty(1, np.float32)
    bits = side.view(np.int32)
    count = np.zeros(256, np.int64)
    shortest, longest = np.full(256, 3e38, np.float32), np.zeros(256, np.float32)
    left = top = np.float32(3e38)
    right = bottom = np.float32(-3e38)
    for i in range(m):
        r = chosen[i]
        x1, y1, x2, y2 = columns[0, r], columns[1, r], columns[2, r], columns[3, r]
        longer = max(x2 - x1, y2 - y1)
        side[0] = longer
        exponent = bits[0] >> 23
        exponent_of[i] = exponent
        count[exponent] += 1
        shortest[exponent] = min(shortest[exponent], longer)
        longest[exponent] = max(longest[exponent], longer)
        left, right = min(left, x1), max(right, x2)
        top, bottom = min(top, y1), max(bottom, y2)
    width, height = np.float64(right) - np.float64(left), np.float64(bottom) - np.float64(top)
    levels = 0
    inside = 0
    widest = 0.0
    for exponent in range(255, -1, -1):
        if count[exponent] == 0:
            continue
        inside += count[exponent]
        if levels == 0 or inside * (2.0 * spread * widest) ** 2 > THIN * width * height:
            levels += 1
            widest = 2.0 ** (exponent - 126)
            inside = count[exponent]
            table[levels - 1, 1] = longest[exponent]
        table[levels - 1, 0] = shortest[exponent]
        level_of_exponent[exponent] = levels - 1
    slack = 1e-6 * np.float64(max(max(-left, right), max(-top, bottom))) if rounded else 0.0
    cells = 0
    for level in range(levels):
        scale = 1.0 / max(1.001 * (spread * table[level, 1] + slack), 1e-30)
        while (width * scale + 2.0) * (height * scale + 2.0) > ROOM * m + 64.0:
            scale *= 0.7
        table[level, 2] = scale
        table[level, 3] = math.floor(width * scale) + 1.0
        table[level, 4] = math.floor(height * scale) + 1.0
        wide = int(table[level, 3]) + 1
        table[level, 5] = cells + wide + 1
        cells += (int(table[level, 4]) + 2) * wide + 3
    return cells, np.float64(left), np.float64(top), slack


@inlined
def _cell_below(x1: Any, y1: Any, x2: Any, y2: Any, left: Any, top: Any, table: Any, level: Any) -> Any:
    """The cell of a level in which the center of a box lies."""
    scale = table[level, 2]
    x = 0.5 * (np.float64(x1) + np.float64(x2)) - left
    y = 0.5 * (np.float64(y1) + np.float64(y2)) - top
    column = np.int64(min(max(x * scale, 0.0), table[level, 3] - 1.0))
    line = np.int64(min(max(y * scale, 0.0), table[level, 4] - 1.0))
    return np.int64(table[level, 5]) + line * (np.int64(table[level, 3]) + 1) + column


@inlined
def _can_match(x1: Any, y1: Any, x2: Any, y2: Any, ratio: Any, slack: Any, table: Any, level: Any) -> Any:
    """Whether the longer side of a box allows for an IoU over the threshold with any of a level."""
    side = np.float64(max(x2 - x1, y2 - y1))
    return not (table[level, 1] * ratio < side - slack or table[level, 0] - slack > side * ratio)


@inlined
def _find_pairs(
    place: Any, note: Any, starts: Any, levels: Any, table: Any, left: Any, top: Any, slack: Any, ratio: Any,
    columns: Any, rows: Any, scores: Any, iou_threshold: Any, offset: Any, better: Any, worse: Any,
) -> Any:  # fmt: skip
    """Fill in the places of all pairs over the threshold; how many, or -1 for too many.

    Three steps a block of places, none of which branches on what a cell holds: with which places each box has to be
    tested, those tests one by one, and the decision of what passes.
    """
    m = place.shape[0]
    sure = rows.shape[0] == 0 and iou_threshold > 1e-3
    ranked = scores.shape[0] == 0
    room = better.shape[0] - 1  # the last is written over and over
    ranges = np.empty((BLOCK * 3 * levels + 1, 3), np.uint32)
    tests = np.empty((2, TESTS + STRIDE), np.uint32)
    passed = np.empty((2, TESTS + 1), np.uint32)
    pairs = 0
    clear, least, none = np.float32(1.00001), np.float32(1e-20), np.float32(0)
    for block in range(0, m, BLOCK):
        some = 0
        for p in range(block, min(block + BLOCK, m)):
            level = np.int64(note[p, 7])
            cell = np.int64(note[p, 6])
            wide = np.int64(table[level, 3]) + 1
            # of its own level those that follow it, of levels with larger boxes all: every pair comes up once
            ranges[some, 0], ranges[some, 1], ranges[some, 2] = p, p + 1, starts[cell + 2]
            some += starts[cell + 2] > p + 1
            ranges[some, 0], ranges[some, 1], ranges[some, 2] = p, starts[cell + wide - 1], starts[cell + wide + 2]
            some += starts[cell + wide + 2] > starts[cell + wide - 1]
            for other in range(level - 1, -1, -1):
                x1, y1, x2, y2 = place[p, 0], place[p, 1], place[p, 2], place[p, 3]
                if _can_match(x1, y1, x2, y2, ratio, slack, table, other):
                    wide = np.int64(table[other, 3]) + 1
                    cell = _cell_below(x1, y1, x2, y2, left, top, table, other) - wide
                    for _ in range(3):
                        ranges[some, 0], ranges[some, 1], ranges[some, 2] = p, starts[cell - 1], starts[cell + 2]
                        some += starts[cell + 2] > starts[cell - 1]
                        cell += wide
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
            hits = 0
            for k in range(count):
                a, b = tests[0, k], tests[1, k]
                w = min(place[a, 2], place[b, 2]) - max(place[a, 0], place[b, 0])
                h = min(place[a, 3], place[b, 3]) - max(place[a, 1], place[b, 1])
                passed[0, hits], passed[1, hits] = a, b
                hits += (w > none) & (h > none) & (w * h >= place[a, 4] + place[b, 4])
            if pairs + hits > room:
                return -1
            for k in range(hits):
                a, b = passed[0, k], passed[1, k]
                w = min(place[a, 2], place[b, 2]) - max(place[a, 0], place[b, 0])
                h = min(place[a, 3], place[b, 3]) - max(place[a, 1], place[b, 1])
                r, s = note[a, 5], note[b, 5]
                exceeds = sure and w * h > (place[a, 4] + place[b, 4]) * clear + least
                if not exceeds:
                    exceeds = _exceeds(columns, rows, np.int64(r), np.int64(s), iou_threshold, offset)
                first_better = r < s
                if not ranked:
                    ours, theirs = scores[np.uint32(r)], scores[np.uint32(s)]
                    first_better = (ours > theirs) | ((ours == theirs) & first_better)
                better[pairs] = a if first_better else b
                worse[pairs] = b if first_better else a
                pairs += exceeds
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
def _sweep(
    columns: Any, rows: Any, scores: Any, start: Any, first: Any, stop: Any, iou_threshold: Any, offset: Any, kept: Any
) -> Any:
    """Decide the candidates of one run from ``first`` on, or answer False because it is crowded."""
    spread = (1.0 - iou_threshold) / (1.0 + iou_threshold) * (1.0 + 1e-5) + 1e-4
    ratio = 1.0 / max(iou_threshold, 1e-200) * (1.0 + 1e-5)
    chosen = np.empty(stop - start + 1, np.int32)
    m = 0
    for r in range(start, stop):
        chosen[m] = r
        m += (columns[4, r] >= 0) & ((r >= first) | kept[r])
    chosen = chosen[:m]
    exponent_of = np.empty(m, np.uint8)
    level_of_exponent = np.zeros(256, np.int32)
    table = np.empty((256, 6), np.float64)
    cells, left, top, slack = _levels(
        columns, chosen, spread, rows.shape[0] > 0, exponent_of, level_of_exponent, table
    )
    starts = np.zeros(cells + 1, np.int32)
    home = np.empty(m, np.int32)
    for i in range(m):
        r = chosen[i]
        x1, y1, x2, y2 = columns[0, r], columns[1, r], columns[2, r], columns[3, r]
        level = np.int64(level_of_exponent[exponent_of[i]])
        cell = _cell_below(x1, y1, x2, y2, left, top, table, level)
        home[i] = cell
        starts[cell + 1] += 1
    for cell in range(cells):
        starts[cell + 1] += starts[cell]
    step = 1 + m // SAMPLE
    crowd = 0.0
    for i in range(0, m, step):
        r = chosen[i]
        x1, y1, x2, y2 = columns[0, r], columns[1, r], columns[2, r], columns[3, r]
        level = np.int64(level_of_exponent[exponent_of[i]])
        for other in range(level, -1, -1):
            if other == level:
                cell, share = np.int64(home[i]), 0.5  # each pair is tested once
            elif _can_match(x1, y1, x2, y2, ratio, slack, table, other):
                cell, share = _cell_below(x1, y1, x2, y2, left, top, table, other), 1.0
            else:
                continue
            wide = np.int64(table[other, 3]) + 1
            for line in range(-1, 2):
                beside = cell + line * wide
                crowd += share * np.float64(starts[beside + 2] - starts[beside - 1])
    if crowd > CROWD * np.float64((m + step - 1) // step):
        return False
    place = np.empty((m, 8), np.float32)  # all of a box in one line of the cache
    note = place.view(np.int32)  # its last three: the candidate, the cell, the level
    for i in range(m):
        r = chosen[i]
        cell = home[i]
        p = starts[cell]
        starts[cell] = p + 1
        for c in range(5):
            place[p, c] = columns[c, r]
        note[p, 5] = r
        note[p, 6] = cell
        note[p, 7] = level_of_exponent[exponent_of[i]]
    for cell in range(cells, 0, -1):
        starts[cell] = starts[cell - 1]
    starts[0] = 0

    levels = 1 + np.int64(level_of_exponent.max())
    better, worse = np.empty(PAIRS * m + 65, np.uint32), np.empty(PAIRS * m + 65, np.uint32)
    pairs = _find_pairs(
        place, note, starts, levels, table, left, top, slack, ratio, columns, rows, scores, iou_threshold, offset,
        better, worse,
    )  # fmt: skip
    dropped = np.zeros(m, np.uint8)
    if pairs < 0 or not _settle(better, worse, pairs, np.zeros(m, np.int32), dropped):
        return False
    for r in range(first, stop):
        kept[r] = True
    for p in range(m):
        kept[note[p, 5]] = dropped[p] == 0
    return True


@kernel(
    "int64(float32[:,::1], float64[:,::1], float64[::1], int64[::1], float64, float64, boolean[::1], int64[::1], "
    "boolean[::1])"
)
def sweep(
    columns: F4, rows: F8, scores: F8, starts: I8, iou_threshold: float, offset: float, thin: B1, reached: I8, kept: B1
) -> int:
    """Go on with each run that may be ``thin`` from where it was ``reached``, and set that to its end unless it turns
    out to be crowded. Candidates come by decreasing score, or in any order with their ``scores``, then ties are
    the first's. Returns how many runs are left."""
    left = 0
    for run in range(starts.shape[0] - 1):
        start, first, stop = starts[run], reached[run], starts[run + 1]
        if (
            first < stop
            and thin[run]
            and _sweep(columns, rows, scores, start, first, stop, iou_threshold, offset, kept)
        ):
            reached[run] = stop
        left += reached[run] < stop
    return left


@kernel("float64(float64[:,::1], int64)")
def crowd_of(sample: F8, n: int) -> float:
    """The boxes within the length of a longer side of one, guessed from some rows of ``n`` that lie evenly."""
    left = top = np.inf
    right = bottom = -np.inf
    reach = 0.0
    for i in range(sample.shape[0]):
        x1, y1, x2, y2 = sample[i, 0], sample[i, 1], sample[i, 2], sample[i, 3]
        left, top = min(left, x1), min(top, y1)
        right, bottom = max(right, x2), max(bottom, y2)
        reach += max(x2 - x1, y2 - y1) ** 2
    area = (right - left) * (bottom - top)
    return n * reach / (sample.shape[0] * area) if area > 0.0 else np.inf
