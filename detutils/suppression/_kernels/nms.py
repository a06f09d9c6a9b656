"""Greedy non-maximum suppression over the columns of ``nms_order``: a float32 filter, float64 decisions.

Candidates come in runs (one a class) by decreasing score. Each is compared with the boxes kept so far, in
blocks of 16 that the compiler turns into vector instructions. A pair that passes the filter is decided by the
float64 quotient of the definition, unless it clears the threshold by more than float32 can err.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import B1, F4, F8, I8, inlined, kernel

LANES = 16
WINDOW = 256  # candidates between two looks at the cost of the comparison with all
THIN = 1.0  # boxes within reach up to which levels are merged
MANY = 4096  # cells in reach from which on all boxes are tested
SPARSE = 0.3  # boxes within reach below which a run looks thin
FEWEST = 700  # boxes of a run up to which the list is as quick as the sweep
CELL = 2.0  # side of a cell as a multiple of spread * longest side


@inlined
def _exceeds(columns: Any, rows: Any, a: Any, b: Any, iou_threshold: Any, offset: Any) -> Any:
    """Whether IoU > threshold in float64, as the definition computes it."""
    if rows.shape[0] > 0:
        ax1, ay1, ax2, ay2 = rows[a, 0], rows[a, 1], rows[a, 2], rows[a, 3]
        bx1, by1, bx2, by2 = rows[b, 0], rows[b, 1], rows[b, 2], rows[b, 3]
    else:  # the columns are exact, and so is taking the offset away again
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
def _may_hit(blocks: Any, g: Any, x1: Any, y1: Any, x2: Any, y2: Any, share: Any) -> Any:
    """Whether any of 16 boxes may exceed the threshold with this one."""
    none = np.float32(0)
    hits = False  # a flag of one byte: an integer would halve the vectors
    for j in range(LANES):
        w = min(x2, blocks[g, 2, j]) - max(x1, blocks[g, 0, j])
        h = min(y2, blocks[g, 3, j]) - max(y1, blocks[g, 1, j])
        hits |= (w > none) & (h > none) & (w * h >= share + blocks[g, 4, j])
    return hits


@inlined
def _must_hit(blocks: Any, g: Any, x1: Any, y1: Any, x2: Any, y2: Any, share: Any) -> Any:
    """Whether any of 16 boxes exceeds the threshold by more than the rounding of exact float32 columns."""
    none = np.float32(0)
    clear = np.float32(1.00001)
    least = np.float32(1e-20)
    hits = False  # a flag of one byte: an integer would halve the vectors
    for j in range(LANES):
        w = min(x2, blocks[g, 2, j]) - max(x1, blocks[g, 0, j])
        h = min(y2, blocks[g, 3, j]) - max(y1, blocks[g, 1, j])
        hits |= (w > none) & (h > none) & (w * h > (share + blocks[g, 4, j]) * clear + least)
    return hits


@inlined
def _decide(blocks: Any, members: Any, g: Any, columns: Any, rows: Any, r: Any, iou_threshold: Any, offset: Any) -> Any:
    """Decide a block that passed the filter, one pair after the other."""
    none = np.float32(0)
    x1, y1, x2, y2, share = columns[0, r], columns[1, r], columns[2, r], columns[3, r], columns[4, r]
    for j in range(LANES):
        w = min(x2, blocks[g, 2, j]) - max(x1, blocks[g, 0, j])
        h = min(y2, blocks[g, 3, j]) - max(y1, blocks[g, 1, j])
        if (w > none) & (h > none) & (w * h >= share + blocks[g, 4, j]):
            if _exceeds(columns, rows, members[g, j], r, iou_threshold, offset):
                return True
    return False


@inlined
def _list(
    columns: Any, rows: Any, start: Any, stop: Any, iou_threshold: Any, offset: Any, most: Any, busy: Any,
    blocks: Any, members: Any, kept: Any,
) -> Any:  # fmt: skip
    """Compare with every box kept so far; stop where a grid pays, and say where that is."""
    xs1, ys1, xs2, ys2, shares = columns[0], columns[1], columns[2], columns[3], columns[4]
    sure = rows.shape[0] == 0 and iou_threshold > 1e-3
    count = 0  # boxes in the blocks
    total = 0  # boxes kept, those without area included
    work = 0
    for r in range(start, stop):
        if total == most:
            break
        if (r - start) % WINDOW == 0:
            if work > WINDOW * busy and stop - r > 2 * WINDOW:
                return r, total
            work = 0
        x1, y1, x2, y2, share = xs1[r], ys1[r], xs2[r], ys2[r], shares[r]
        hit = False
        if share >= 0:
            for g in range((count + LANES - 1) // LANES):
                work += 1
                if _may_hit(blocks, g, x1, y1, x2, y2, share):
                    if sure and _must_hit(blocks, g, x1, y1, x2, y2, share):
                        hit = True
                        break
                    if _decide(blocks, members, g, columns, rows, r, iou_threshold, offset):
                        hit = True
                        break
        if hit:
            continue
        kept[r] = True
        total += 1
        if share >= 0:
            g, lane = count // LANES, count % LANES
            if lane == 0:  # boxes of zeros intersect nothing
                for c in range(5):
                    for j in range(LANES):
                        blocks[g, c, j] = 0
            blocks[g, 0, lane], blocks[g, 1, lane], blocks[g, 2, lane], blocks[g, 3, lane] = x1, y1, x2, y2
            blocks[g, 4, lane] = share
            members[g, lane] = r
            count += 1
    return stop, total


@inlined
def _levels(columns: Any, chosen: Any, spread: Any, level_of: Any, table: Any) -> Any:
    """Sort boxes into levels by the binary exponent of the longer side, and merge levels where boxes lie
    thin.

    ``table`` gets a row a level: smallest and largest longer side, largest width and height, cells per pixel.
    """
    sides = np.empty(chosen.shape[0], np.float32)
    bits = sides.view(np.int32)
    count = np.zeros(256, np.int64)
    left = top = np.float32(3e38)
    right = bottom = np.float32(-3e38)
    for i in range(chosen.shape[0]):
        r = chosen[i]
        x1, y1, x2, y2 = columns[0, r], columns[1, r], columns[2, r], columns[3, r]
        sides[i] = max(x2 - x1, y2 - y1)
        count[bits[i] >> 23] += 1
        left, right = min(left, x1 + x2), max(right, x1 + x2)
        top, bottom = min(top, y1 + y2), max(bottom, y1 + y2)
    farthest = np.float64(max(max(-left, right), max(-top, bottom)))
    area = 0.25 * (np.float64(right) - left) * (np.float64(bottom) - top)
    level_of_exponent = np.zeros(256, np.int32)
    levels = 0
    inside = 0
    widest = 0.0
    for exponent in range(255, -1, -1):
        if count[exponent] == 0:
            continue
        inside += count[exponent]
        side = 2.0 ** (exponent - 126)
        if levels == 0 or inside * (2.0 * spread * widest) ** 2 > THIN * area:
            levels += 1
            widest = side
            inside = count[exponent]
        level_of_exponent[exponent] = levels - 1
    for level in range(levels):
        table[level, 0], table[level, 1], table[level, 2], table[level, 3] = 3e38, 0.0, 0.0, 0.0
    for i in range(chosen.shape[0]):
        r = chosen[i]
        level = level_of_exponent[bits[i] >> 23]
        level_of[i] = level
        side = np.float64(sides[i])
        table[level, 0] = min(table[level, 0], side)
        table[level, 1] = max(table[level, 1], side)
        table[level, 2] = max(table[level, 2], np.float64(columns[2, r] - columns[0, r]))
        table[level, 3] = max(table[level, 3], np.float64(columns[3, r] - columns[1, r]))
    for level in range(levels):
        table[level, 4] = 1.0 / max(CELL * spread * table[level, 1], 1e-30)
    return levels, farthest


@inlined
def _cell(position: Any, cells_per_pixel: Any) -> Any:
    return np.int64(math.floor(min(max(position * cells_per_pixel, -2e9), 2e9)))


@inlined
def _row_base(row: Any, level: Any) -> Any:
    """Where a row of cells starts in the table: anywhere, as rows that collide cost time only."""
    return (row * 40503 + level * 2654435) * 9973


@inlined
def _reachable(
    x1: Any, y1: Any, x2: Any, y2: Any, spread: Any, ratio: Any, slack: Any, table: Any, levels: Any, bounds: Any,
    mask: Any, n: Any, ranges: Any,
) -> Any:  # fmt: skip
    """Fill ``ranges`` with the places [from, to) of all boxes that may exceed the threshold with this one."""
    count = 0
    w, h = np.float64(x2) - np.float64(x1), np.float64(y2) - np.float64(y1)
    x, y = np.float64(x1) + 0.5 * w, np.float64(y1) + 0.5 * h
    side = max(w, h)
    for level in range(levels):
        if table[level, 1] * ratio < side - slack or table[level, 0] - slack > side * ratio:
            continue
        scale = table[level, 4]
        reach_x = 0.5 * spread * (w + min(w * ratio, table[level, 2])) + slack
        reach_y = 0.5 * spread * (h + min(h * ratio, table[level, 3])) + slack
        cx1, cx2 = _cell(x - reach_x, scale), _cell(x + reach_x, scale)
        cy1, cy2 = _cell(y - reach_y, scale), _cell(y + reach_y, scale)
        if np.float64(cx2 - cx1 + 1) * np.float64(cy2 - cy1 + 1) > MANY:
            ranges[0], ranges[1] = 0, n
            return 2
        for cy in range(cy1, cy2 + 1):
            base = _row_base(cy, level)
            a, b = (base + cx1) & mask, (base + cx2) & mask
            if a <= b and bounds[b, 1] - bounds[a, 0] <= 2 * LANES:
                if bounds[b, 1] > bounds[a, 0]:
                    ranges[count], ranges[count + 1] = bounds[a, 0], bounds[b, 1]
                    count += 2
            else:
                for cx in range(cx1, cx2 + 1):
                    c = (base + cx) & mask
                    if bounds[c, 1] > bounds[c, 0]:
                        ranges[count], ranges[count + 1] = bounds[c, 0], bounds[c, 1]
                        count += 2
        if count > MANY:
            ranges[0], ranges[1] = 0, n
            return 2
    return count


@inlined
def _grid(
    columns: Any, rows: Any, start: Any, first: Any, stop: Any, iou_threshold: Any, offset: Any, most: Any,
    total: Any, kept: Any,
) -> Any:  # fmt: skip
    """Go on from candidate ``first`` with the kept boxes in cells, a grid a level of sizes.

    IoU > t bounds the ratio of longer sides by t and, as IoU is at most that of the projections on an axis,
    the distance of centers along it by (w1 + w2) / 2 * (1 - t) / (1 + t). A box therefore meets only boxes of
    a few cells of a few levels. All candidates are known: every cell gets room for its boxes, contiguous
    along a row of cells.
    """
    sure = rows.shape[0] == 0 and iou_threshold > 1e-3
    spread = (1.0 - iou_threshold) / (1.0 + iou_threshold) * (1.0 + 1e-5) + 1e-4
    chosen = np.empty(stop - start, np.int32)
    n = 0
    before = 0
    for r in range(start, stop):
        if columns[4, r] >= 0 and (r >= first or kept[r]):
            chosen[n] = r
            n += 1
            before += r < first
    chosen = chosen[:n]
    level_of = np.empty(n, np.uint8)
    table = np.empty((256, 5), np.float64)
    levels, farthest = _levels(columns, chosen, spread, level_of, table)
    slack = 0.0 if rows.shape[0] == 0 else 1e-6 * farthest  # what rounding to the columns may move
    size = 1024
    while size < n + n // 2:
        size *= 2
    mask = size - 1
    home = np.empty(n, np.int32)
    bounds = np.zeros((size + 1, 2), np.int32)
    for i in range(n):
        r = chosen[i]
        level = np.int64(level_of[i])
        scale = table[level, 4]
        x = 0.5 * (np.float64(columns[0, r]) + np.float64(columns[2, r]))
        y = 0.5 * (np.float64(columns[1, r]) + np.float64(columns[3, r]))
        cell = (_row_base(_cell(y, scale), level) + _cell(x, scale)) & mask
        home[i] = cell
        bounds[cell, 0] += 1
    place = 0
    for cell in range(size):
        count = bounds[cell, 0]
        bounds[cell, 0] = place
        bounds[cell, 1] = place
        place += count
    blocks = np.zeros((n // LANES + 1, 5, LANES), np.float32)
    members = np.empty((n // LANES + 1, LANES), np.int32)
    ranges = np.empty(4 * MANY + 8, np.int64)
    ratio = 1.0 / max(iou_threshold, 1e-200) * (1.0 + 1e-5)
    for i in range(n):
        r = chosen[i]
        x1, y1, x2, y2, share = columns[0, r], columns[1, r], columns[2, r], columns[3, r], columns[4, r]
        cell = home[i]
        if i >= before:
            hit = False
            for near in range(2):  # its own cell, then all it can reach
                if near == 0:
                    ranges[0], ranges[1] = bounds[cell, 0], bounds[cell, 1]
                    count = 2
                else:
                    count = _reachable(x1, y1, x2, y2, spread, ratio, slack, table, levels, bounds, mask, n, ranges)
                for q in range(0, count, 2):
                    for g in range(ranges[q] // LANES, (ranges[q + 1] + LANES - 1) // LANES):
                        if _may_hit(blocks, g, x1, y1, x2, y2, share):
                            if sure and _must_hit(blocks, g, x1, y1, x2, y2, share):
                                hit = True
                                break
                            if _decide(blocks, members, g, columns, rows, r, iou_threshold, offset):
                                hit = True
                                break
                    if hit:
                        break
                if hit:
                    break
            if hit:
                continue
            kept[r] = True
            total += 1
            if total == most:
                break
        at = bounds[cell, 1]
        bounds[cell, 1] = at + 1
        g, lane = at // LANES, at % LANES
        blocks[g, 0, lane], blocks[g, 1, lane], blocks[g, 2, lane], blocks[g, 3, lane] = x1, y1, x2, y2
        blocks[g, 4, lane] = share
        members[g, lane] = r
    # boxes without area stay, whatever their neighbors
    for r in range(first, stop):
        if columns[4, r] < 0:
            kept[r] = True


@inlined
def _is_thin(columns: Any, start: Any, stop: Any, iou_threshold: Any) -> Any:
    """Whether the best boxes lie so far apart that few others can be within reach of any."""
    some = min(stop - start, WINDOW)
    left = top = np.float32(3e38)
    right = bottom = np.float32(-3e38)
    covered = 0.0
    for r in range(start, start + some):
        left, right = min(left, columns[0, r]), max(right, columns[2, r])
        top, bottom = min(top, columns[1, r]), max(bottom, columns[3, r])
        covered += np.float64(columns[2, r] - columns[0, r]) * np.float64(columns[3, r] - columns[1, r])
    area = (np.float64(right) - np.float64(left)) * (np.float64(bottom) - np.float64(top))
    spread = (1.0 - iou_threshold) / (1.0 + iou_threshold)
    return covered * np.float64(stop - start) * spread * spread < SPARSE * area * np.float64(some)


@kernel(
    "int64(float32[:,::1], float64[:,::1], int64[::1], float64, float64, int64, int64, int64[::1], boolean[::1],"
    " boolean[::1])"
)
def compare(
    columns: F4, rows: F8, starts: I8, iou_threshold: float, offset: float, most: int, busy: int, reached: I8, thin: B1,
    kept: B1,
) -> int:  # fmt: skip
    """Set in ``kept`` which candidates stay, by comparison with all kept ones; ``starts`` bounds the runs.

    A run is given up where a candidate meets more than ``busy`` blocks on average, or at once where it looks thin:
    ``reached`` says how far it was decided, ``thin`` whether ``sweep`` is worth a try (most stay). Returns how many
    runs are left.
    """
    longest = 0
    for run in range(starts.shape[0] - 1):
        longest = max(longest, starts[run + 1] - starts[run])
    room = (longest + LANES - 1) // LANES
    blocks = np.empty((room, 5, LANES), np.float32)
    members = np.empty((room, LANES), np.int32)
    left = 0
    for run in range(starts.shape[0] - 1):
        start, stop = starts[run], starts[run + 1]
        thin[run] = most >= columns.shape[1] and stop - start > FEWEST and _is_thin(columns, start, stop, iou_threshold)
        if thin[run]:
            first = start
        else:
            first, total = _list(columns, rows, start, stop, iou_threshold, offset, most, busy, blocks, members, kept)
            if total >= most:
                first = stop
            stay = 0
            for r in range(max(first - WINDOW, start), first):
                stay += kept[r]
            thin[run] = first < stop and most >= columns.shape[1] and stay > WINDOW // 2
        reached[run] = first
        left += first < stop
    return left


@kernel("void(float32[:,::1], float64[:,::1], int64[::1], float64, float64, int64, int64[::1], boolean[::1])")
def grid(
    columns: F4, rows: F8, starts: I8, iou_threshold: float, offset: float, most: int, reached: I8, kept: B1
) -> None:
    """Go on with each run from where it was ``reached``, the kept boxes in a grid."""
    for run in range(starts.shape[0] - 1):
        start, first, stop = starts[run], reached[run], starts[run + 1]
        total = 0
        for r in range(start, first):
            total += kept[r]
        if first < stop and total < most:
            _grid(columns, rows, start, first, stop, iou_threshold, offset, most, total, kept)
