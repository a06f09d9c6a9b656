"""Non-maximum suppression where boxes lie thin: first all pairs over the threshold, place by place, then the
decisions.

Most boxes of a thin scene stay, so that a candidate saves little by meeting kept boxes only; what costs is
memory visited at random. Here the boxes are laid out by cells, row after row, every pair is tested once while
its neighbourhood is in the cache, and a last pass by decreasing score reads who is above whom. A scene that
turns out to be crowded is refused; the grid of ``nms`` is for those. The filter and the bounds are those of
``nms`` and ``nms_order``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import B1, F4, F8, inlined, kernel

LANES = 16
SHORT = 6  # a range of boxes up to which one after the other is quicker than a block
CROWD = 4.5  # refuse where a box shares its cell with more than this many, on average
MANY = 512  # ranges that a box may look into
THIN = 3.0  # boxes within reach up to which levels of size are merged
CELL = 2.0  # side of a cell as a multiple of spread * longest side


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
def _levels(columns: Any, chosen: Any, spread: Any, level_of: Any, table: Any) -> Any:
    """Levels by the binary exponent of the longer side, largest first, merged where boxes lie thin.

    ``table`` gets a row a level: smallest and largest longer side, largest width and height, cells per pixel,
    cells in a row, rows, first cell. Returns (levels, cells, least x and y of a centre, farthest coordinate).
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
        table[level, 0], table[level, 1], table[level, 2], table[level, 3] = 3e38, 0.0, 0.0, 0.0
    for i in range(m):
        r = chosen[i]
        level = level_of_exponent[bits[i] >> 23]
        level_of[i] = level
        side = np.float64(sides[i])
        table[level, 0] = min(table[level, 0], side)
        table[level, 1] = max(table[level, 1], side)
        table[level, 2] = max(table[level, 2], np.float64(columns[2, r] - columns[0, r]))
        table[level, 3] = max(table[level, 3], np.float64(columns[3, r] - columns[1, r]))
    cells = 0
    for level in range(levels):
        scale = 1.0 / max(CELL * spread * table[level, 1], 1e-30)
        while (width * scale + 1.0) * (height * scale + 1.0) > 2.0 * m + 64.0:
            scale *= 0.7
        table[level, 4] = scale
        table[level, 5] = math.floor(width * scale) + 1.0
        table[level, 6] = math.floor(height * scale) + 1.0
        table[level, 7] = cells
        cells += int(table[level, 5] * table[level, 6])
    farthest = np.float64(max(max(-left, right), max(-top, bottom)))
    return levels, cells, np.float64(left), np.float64(top), farthest


@inlined
def _cell(position: Any, scale: Any, cells: Any) -> Any:
    return np.int64(min(max(position * scale, 0.0), cells - 1.0))


@inlined
def _look(
    p: Any,
    place: Any,
    level: Any,
    x: Any,
    y: Any,
    table: Any,
    levels: Any,
    spread: Any,
    ratio: Any,
    slack: Any,
    starts: Any,
    left: Any,
    top: Any,
    ranges: Any,
) -> Any:
    """Fill ``ranges`` with the places of boxes that box p has to be tested with; -1 if there are too many
    ranges.

    Of its own level those that follow it, of levels with larger boxes all: every pair comes up once.
    """
    w = np.float64(place[2, p]) - np.float64(place[0, p])
    h = np.float64(place[3, p]) - np.float64(place[1, p])
    side = max(w, h)
    count = 0
    for other in range(level, -1, -1):
        if table[other, 1] * ratio < side - slack or table[other, 0] - slack > side * ratio:
            continue
        scale, cells, lines = table[other, 4], table[other, 5], table[other, 6]
        reach_x = 0.5 * spread * (w + min(w * ratio, table[other, 2])) + slack
        reach_y = 0.5 * spread * (h + min(h * ratio, table[other, 3])) + slack
        cx1, cx2 = _cell(x - reach_x - left, scale, cells), _cell(x + reach_x - left, scale, cells)
        cy1, cy2 = _cell(y - reach_y - top, scale, lines), _cell(y + reach_y - top, scale, lines)
        base = np.int64(table[other, 7]) + cy1 * np.int64(cells)
        if other == level:  # its own row from itself on, then the rows below
            cy1 = _cell(y - top, scale, lines)
            base = np.int64(table[other, 7]) + cy1 * np.int64(cells)
            if starts[base + cx2 + 1] > p + 1:
                ranges[count], ranges[count + 1] = p + 1, starts[base + cx2 + 1]
                count += 2
            cy1 += 1
            base += np.int64(cells)
        if count + 2 * (cy2 - cy1 + 1) > 2 * MANY:
            return -1
        for _ in range(cy1, cy2 + 1):
            if starts[base + cx2 + 1] > starts[base + cx1]:
                ranges[count], ranges[count + 1] = starts[base + cx1], starts[base + cx2 + 1]
                count += 2
            base += np.int64(cells)
    return count


@kernel("boolean(float32[:,::1], float64[:,::1], float64, float64, int64, boolean[::1])")
def sweep(columns: F4, rows: F8, iou_threshold: float, offset: float, first: int, kept: B1) -> bool:
    """Go on from candidate ``first``, ``kept`` being decided below it; in a crowd only answer False."""
    sure = rows.shape[0] == 0 and iou_threshold > 1e-3
    spread = (1.0 - iou_threshold) / (1.0 + iou_threshold) * (1.0 + 1e-5) + 1e-4
    ratio = 1.0 / max(iou_threshold, 1e-200) * (1.0 + 1e-5)
    n = columns.shape[1]
    chosen = np.empty(n, np.int32)
    m = 0
    for r in range(n):
        chosen[m] = r
        m += (columns[4, r] >= 0) & ((r >= first) | kept[r])
    chosen = chosen[:m]
    level_of = np.empty(m, np.uint8)
    table = np.empty((256, 8), np.float64)
    levels, cells, left, top, farthest = _levels(columns, chosen, spread, level_of, table)
    slack = 0.0 if rows.shape[0] == 0 else 1e-6 * farthest  # what rounding to the columns may move
    starts = np.zeros(cells + 1, np.int32)
    home = np.empty(m, np.int32)
    for i in range(m):
        r = chosen[i]
        level = level_of[i]
        scale = table[level, 4]
        x = 0.5 * (np.float64(columns[0, r]) + np.float64(columns[2, r]))
        y = 0.5 * (np.float64(columns[1, r]) + np.float64(columns[3, r]))
        line = np.int64(table[level, 7]) + _cell(y - top, scale, table[level, 6]) * np.int64(table[level, 5])
        cell = line + _cell(x - left, scale, table[level, 5])
        home[i] = cell
        starts[cell + 1] += 1
    crowd = 0.0
    for cell in range(cells):
        crowd += np.float64(starts[cell + 1]) * np.float64(starts[cell + 1])
        starts[cell + 1] += starts[cell]
    if crowd > CROWD * np.float64(m):
        return False
    place = np.zeros((5, m + LANES), np.float32)
    rank = np.empty(m + LANES, np.int32)
    level_at = np.empty(m, np.uint8)
    for i in range(m):
        r = chosen[i]
        p = starts[home[i]]
        starts[home[i]] = p + 1
        place[0, p], place[1, p], place[2, p], place[3, p] = (
            columns[0, r],
            columns[1, r],
            columns[2, r],
            columns[3, r],
        )
        place[4, p] = columns[4, r]
        rank[p] = r
        level_at[p] = level_of[i]
    for cell in range(cells, 0, -1):
        starts[cell] = starts[cell - 1]
    starts[0] = 0

    above = np.full(n, -1, np.int32)  # of each candidate the last noted pair with a better box, the chain's head
    room = 4 * m + 64
    better = np.empty(room, np.int32)
    chain = np.empty(room, np.int32)
    pairs = 0
    ranges = np.empty(2 * MANY + 8, np.int64)
    clear, least, none = np.float32(1.00001), np.float32(1e-20), np.float32(0)
    for p in range(m):
        x1, y1, x2, y2, share = place[0, p], place[1, p], place[2, p], place[3, p], place[4, p]
        x, y = 0.5 * (np.float64(x1) + np.float64(x2)), 0.5 * (np.float64(y1) + np.float64(y2))
        count = _look(
            p,
            place,
            np.int64(level_at[p]),
            x,
            y,
            table,
            levels,
            spread,
            ratio,
            slack,
            starts,
            left,
            top,
            ranges,
        )
        if count < 0:
            return False
        r = rank[p]
        for k in range(0, count, 2):
            from_, to = ranges[k], ranges[k + 1]
            for block in range(from_, to, LANES):
                end = min(block + LANES, to)
                if end - block > SHORT:
                    hits = False
                    for j in range(LANES):
                        w = min(x2, place[2, block + j]) - max(x1, place[0, block + j])
                        h = min(y2, place[3, block + j]) - max(y1, place[1, block + j])
                        hits |= (w > none) & (h > none) & (w * h >= share + place[4, block + j])
                    if not hits:
                        continue
                for q in range(block, end):
                    w = min(x2, place[2, q]) - max(x1, place[0, q])
                    h = min(y2, place[3, q]) - max(y1, place[1, q])
                    inter = w * h
                    both = share + place[4, q]
                    if (w > none) & (h > none) & (inter >= both):
                        s = rank[q]
                        if (sure and inter > both * clear + least) or _exceeds(
                            columns, rows, s, r, iou_threshold, offset
                        ):
                            if pairs == room:
                                return False
                            better[pairs] = min(r, s)
                            worse = max(r, s)
                            chain[pairs] = above[worse]
                            above[worse] = pairs
                            pairs += 1
    for r in range(first, n):
        stays = True
        pair = above[r]
        while pair >= 0:
            if kept[better[pair]]:
                stays = False
                break
            pair = chain[pair]
        kept[r] = stays
    return True
