"""Greedy suppression where many boxes stay and meet: the kept ones in a grid, so that a candidate meets those near it.

All candidates are known, so every cell has room for its boxes from the start, contiguous along a row of cells. A
grid a level of sizes; a box can exceed the threshold with boxes of a few cells of a few levels (``levels``).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import B1, F4, F8, I4, I8, embedded, inlined, kernel
from detutils.suppression._kernels.blocks import any_must, better_of, column_of, hit_by, next_block, put, room_for
from detutils.suppression._kernels.levels import can_match, find_levels
from detutils.suppression._kernels.pair import LANES, NOTHING, SCENE, as_weaker, box_of, overlap_of, scene_of

THIN = 1.0  # boxes within reach up to which levels are merged: python -m benchmarks tune
MANY = 4096  # cells in reach from which on all boxes are tested
CELL = 2.0  # side of a cell as a multiple of spread * longest side: python -m benchmarks tune


@embedded
def _cell(position: Any, cells_per_pixel: Any) -> Any:
    return np.int64(math.floor(min(max(position * cells_per_pixel, -2e9), 2e9)))


@embedded
def _row_base(row: Any, level: Any) -> Any:
    """Where a row of cells starts in the table: anywhere, as rows that collide cost time only."""
    return (row * 40503 + level * 2654435) * 9973


@embedded
def _reachable(reach: Any, table: Any, bounds: Any, box: Any, n: Any, ranges: Any) -> Any:
    """Fill ``ranges`` with the places [from, to) of all boxes that may exceed the threshold with this one."""
    spread, ratio, slack, mask = reach.spread, reach.ratio, reach.slack, bounds.shape[0] - 1
    count: Any = 0
    w, h = np.float64(box[2]) - np.float64(box[0]), np.float64(box[3]) - np.float64(box[1])
    x, y = np.float64(box[0]) + 0.5 * w, np.float64(box[1]) + 0.5 * h
    for level in range(reach.levels):
        if not can_match(reach, table, level, max(w, h)):
            continue
        scale = table[level, 4]
        reach_x = 0.5 * spread * (w + min(w * ratio, table[level, 2])) + slack
        reach_y = 0.5 * spread * (h + min(h * ratio, table[level, 3])) + slack
        cx1, cx2 = _cell(x - reach_x, scale), _cell(x + reach_x, scale)
        cy1, cy2 = _cell(y - reach_y, scale), _cell(y + reach_y, scale)
        if np.float64(cx2 - cx1 + 1) * np.float64(cy2 - cy1 + 1) > MANY or count > MANY:
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
    return count


@inlined
def _lay_grid(columns: Any, chosen: Any, level_of: Any, reach: Any, table: Any) -> Any:
    """The first and the next place of each cell, with room for the boxes that belong there, and the cell of each
    box."""
    n = chosen.shape[0]
    for level in range(reach.levels):
        table[level, 4] = 1.0 / max(CELL * reach.spread * table[level, 1], 1e-30)
    size = 1024
    while size < n + n // 2:
        size *= 2
    home = np.empty(n, np.int32)
    bounds = np.zeros((size, 2), np.int32)
    for i in range(n):
        r, level = chosen[i], int(level_of[i])
        scale = table[level, 4]
        x = 0.5 * (np.float64(columns[0, r]) + np.float64(columns[2, r]))
        y = 0.5 * (np.float64(columns[1, r]) + np.float64(columns[3, r]))
        cell = (_row_base(_cell(y, scale), level) + _cell(x, scale)) & (size - 1)
        home[i] = cell
        bounds[cell, 0] += 1
    place: Any = 0
    for cell in range(size):
        count = bounds[cell, 0]
        bounds[cell, 0] = bounds[cell, 1] = place
        place += count
    return bounds, home


@inlined
def _go_on(scene: Any, start: Any, first: Any, stop: Any, most: Any, total: Any, kept: Any, by: Any) -> None:
    """Decide the candidates of one run from ``first`` on; ``total`` are kept before it."""
    columns = scene.columns
    chosen, level_of, reach, table = find_levels(scene, start, first, stop, kept, THIN)
    n = chosen.shape[0]
    bounds, home = _lay_grid(columns, chosen, level_of, reach, table)
    blocks, members = room_for(n)
    blocks[:] = 0
    ranges = np.empty(4 * MANY + 8, np.int64)
    explained = np.int64(by.shape[0] > 0)
    for i in range(n):
        r: Any = np.int64(chosen[i])  # as ``listed`` has it: what it is passed to is compiled once
        box, cell = column_of(columns, r), home[i]
        if r >= first:
            hit: Any = False
            found: Any = r
            weaker = as_weaker(box, scene.measure)
            ranges[0], ranges[1], count = bounds[cell, 0], bounds[cell, 1], 2
            for near in range(explained, 2):  # its own cell, where the best need not be, then all it can reach
                if near > 0:
                    count = _reachable(reach, table, bounds, box, n, ranges)
                for q in range(0, count, 2):
                    end = (ranges[q + 1] + LANES - 1) // LANES
                    g = next_block(scene, blocks, ranges[q] // LANES, end, box)
                    while g < end and not hit:
                        if explained:
                            found = better_of(scene, blocks, members, g, weaker, r, found)
                        elif any_must(scene, blocks, g, weaker) or hit_by(scene, blocks, members, g, weaker, r) >= 0:
                            hit = True
                        if not hit:
                            g = next_block(scene, blocks, g + 1, end, box)
                    if hit:
                        break
                if hit:
                    break
            if found < r:
                by[r] = found
            if hit or found < r:
                continue
            kept[r] = True
            total += 1
            if total == most:
                break
        put(blocks, members, np.int64(bounds[cell, 1]), box, r, scene.measure)
        bounds[cell, 1] += 1
    # boxes without area stay, whatever their neighbors
    for r in range(first, stop):
        if columns[4, r] == NOTHING:
            kept[r] = True


@kernel(f"void({SCENE}, int64[::1], int64[::1], int64[:,::1], boolean[::1], int32[::1])")
def grid(columns: F4, rows: F8, rule: F8, starts: I8, limits: I8, state: I8, kept: B1, by: I4) -> None:
    """Go on with each run from where ``compare`` left it."""
    scene = scene_of(columns, rows, rule)
    for run in range(starts.shape[0] - 1):
        start, first, stop = starts[run], state[0, run], starts[run + 1]
        total = np.count_nonzero(kept[start:first])
        if first < stop and total < limits[0]:
            _go_on(scene, start, first, stop, limits[0], total, kept, by)


@kernel(f"void({SCENE}, int32[::1], int32[::1], int64[::1], float64[::1])")
def tell(columns: F4, rows: F8, rule: F8, by: I4, order: I4, suppressed_by: I8, iou: F8) -> None:
    """Write the suppressor and the overlap of each candidate to the row where ``order`` says that it came from."""
    scene = scene_of(columns, rows, rule)
    for r in range(by.shape[0]):
        if by[r] >= 0:
            suppressed_by[order[r]] = order[by[r]]
            iou[order[r]] = overlap_of(box_of(scene, by[r]), box_of(scene, r), scene.offset, scene.measure)
