"""Non-maximum suppression where boxes lie thin: first all pairs over the threshold, place by place, then the
decisions.

Most boxes of a thin scene stay, so that a candidate saves little by meeting kept boxes only; what costs is
memory visited at random. Here the boxes are laid out by cells, row after row, every pair is tested once while
its neighbourhood is in the cache, and a last pass by decreasing score reads who is above whom. A scene that
turns out to be crowded is refused; the list and the grid of ``nms`` are for those. The filter and the bounds are
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
def _levels(columns: Any, chosen: Any, spread: Any, rounded: Any, level_of: Any, table: Any) -> Any:
    """Levels by the binary exponent of the longer side, largest first, merged where boxes lie thin.

    ``table`` gets a row a level: smallest and largest longer side, cells per pixel, cells in a row, rows, first
    cell. A cell is as wide as two boxes of its level can be apart. Beside each row and above and below all there
    are empty ones, so that every cell has eight neighbours. Returns (cells, least x and y, what rounding to the
    columns may move).
    """
    m = chosen.shape[0]
    sides = np.empty(m, np.float32)
    bits = sides.view(np.int32)
    count = np.zeros(256, np.int64)
    left = top = np.float32(3e38)
    right = bottom = np.float32(-3e38)
    for i in range(m):
        r = chosen[i]
        x1, y1, x2, y2 = columns[0, r], columns[1, r], columns[2, r], columns[3, r]
        sides[i] = max(x2 - x1, y2 - y1)
        count[bits[i] >> 23] += 1
        left, right = min(left, x1), max(right, x2)
        top, bottom = min(top, y1), max(bottom, y2)
    width, height = np.float64(right) - np.float64(left), np.float64(bottom) - np.float64(top)
    level_of_exponent = np.zeros(256, np.int32)
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
        level_of_exponent[exponent] = levels - 1
    for level in range(levels):
        table[level, 0], table[level, 1] = 3e38, 0.0
    for i in range(m):
        level = level_of_exponent[bits[i] >> 23]
        level_of[i] = level
        side = np.float64(sides[i])
        table[level, 0] = min(table[level, 0], side)
        table[level, 1] = max(table[level, 1], side)
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
    """The cell of a level in which the centre of a box lies."""
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
def _sweep(
    columns: Any, rows: Any, start: Any, first: Any, stop: Any, iou_threshold: Any, offset: Any, kept: Any
) -> Any:
    """Decide the candidates of one run from ``first`` on, or answer False because it is crowded."""
    sure = rows.shape[0] == 0 and iou_threshold > 1e-3
    spread = (1.0 - iou_threshold) / (1.0 + iou_threshold) * (1.0 + 1e-5) + 1e-4
    ratio = 1.0 / max(iou_threshold, 1e-200) * (1.0 + 1e-5)
    chosen = np.empty(stop - start, np.int32)
    m = 0
    for r in range(start, stop):
        chosen[m] = r
        m += (columns[4, r] >= 0) & ((r >= first) | kept[r])
    chosen = chosen[:m]
    level_of = np.empty(m, np.uint8)
    table = np.empty((256, 6), np.float64)
    cells, left, top, slack = _levels(columns, chosen, spread, rows.shape[0] > 0, level_of, table)
    starts = np.zeros(cells + 1, np.int32)
    home = np.empty(m, np.int32)
    for i in range(m):
        r = chosen[i]
        x1, y1, x2, y2 = columns[0, r], columns[1, r], columns[2, r], columns[3, r]
        cell = _cell_below(x1, y1, x2, y2, left, top, table, np.int64(level_of[i]))
        home[i] = cell
        starts[cell + 1] += 1
    for cell in range(cells):
        starts[cell + 1] += starts[cell]
    step = 1 + m // SAMPLE
    crowd = 0.0
    for i in range(0, m, step):
        r = chosen[i]
        x1, y1, x2, y2 = columns[0, r], columns[1, r], columns[2, r], columns[3, r]
        level = np.int64(level_of[i])
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
    rank = np.empty(m, np.int32)
    level_at = np.empty(m, np.uint8)
    cell_at = np.empty(m, np.int32)
    for i in range(m):
        r = chosen[i]
        cell = home[i]
        p = starts[cell]
        starts[cell] = p + 1
        for c in range(5):
            place[p, c] = columns[c, r]
        rank[p] = r
        level_at[p] = level_of[i]
        cell_at[p] = cell
    for cell in range(cells, 0, -1):
        starts[cell] = starts[cell - 1]
    starts[0] = 0

    above = np.full(stop - start, -1, np.int32)  # heads of chains: each candidate's pairs with better boxes
    room = PAIRS * m + 64
    better = np.empty(room, np.int32)
    chain = np.empty(room, np.int32)
    pairs = 0
    clear, least, none = np.float32(1.00001), np.float32(1e-20), np.float32(0)
    for p in range(m):
        x1, y1, x2, y2, share = place[p, 0], place[p, 1], place[p, 2], place[p, 3], place[p, 4]
        level = np.int64(level_at[p])
        r = rank[p]
        # of its own level those that follow it, of levels with larger boxes all: every pair comes up once
        for other in range(level, -1, -1):
            wide = np.int64(table[other, 3]) + 1
            if other == level:
                cell, lines, least_place = np.int64(cell_at[p]), 2, np.int64(p + 1)
            elif _can_match(x1, y1, x2, y2, ratio, slack, table, other):
                cell, lines = _cell_below(x1, y1, x2, y2, left, top, table, other) - wide, 3
                least_place = np.int64(0)
            else:
                continue
            for _ in range(lines):
                for q in range(max(np.int64(starts[cell - 1]), least_place), np.int64(starts[cell + 2])):
                    w = min(x2, place[q, 2]) - max(x1, place[q, 0])
                    h = min(y2, place[q, 3]) - max(y1, place[q, 1])
                    inter = w * h
                    both = share + place[q, 4]
                    if (w > none) & (h > none) & (inter >= both):
                        s = rank[q]
                        if (sure and inter > both * clear + least) or _exceeds(
                            columns, rows, s, r, iou_threshold, offset
                        ):
                            if pairs == room:
                                return False
                            better[pairs] = min(r, s)
                            worse = max(r, s)
                            chain[pairs] = above[worse - start]
                            above[worse - start] = pairs
                            pairs += 1
                cell += wide
    for r in range(first, stop):
        stays = True
        pair = above[r - start]
        while pair >= 0:
            if kept[better[pair]]:
                stays = False
                break
            pair = chain[pair]
        kept[r] = stays
    return True


@kernel("int64(float32[:,::1], float64[:,::1], int64[::1], float64, float64, boolean[::1], int64[::1], boolean[::1])")
def sweep(
    columns: F4, rows: F8, starts: I8, iou_threshold: float, offset: float, thin: B1, reached: I8, kept: B1
) -> int:
    """Go on with each run that may be ``thin`` from where it was ``reached``, and set that to its end unless it turns
    out to be crowded. Returns how many runs are left."""
    left = 0
    for run in range(starts.shape[0] - 1):
        start, first, stop = starts[run], reached[run], starts[run + 1]
        if first < stop and thin[run] and _sweep(columns, rows, start, first, stop, iou_threshold, offset, kept):
            reached[run] = stop
        left += reached[run] < stop
    return left
