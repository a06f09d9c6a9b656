"""Greedy suppression by comparison with every box kept so far, in blocks of 16: for few boxes, or few that stay."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import B1, F4, F8, I4, I8, embedded, inlined, kernel
from detutils.suppression._kernels.blocks import any_must, column_of, hit_by, next_block, put, room_for
from detutils.suppression._kernels.levels import reach_of
from detutils.suppression._kernels.pair import LANES, NOTHING, SCENE, as_weaker, scene_of

WINDOW = 256  # candidates between two looks at the cost: python -m benchmarks tune
SPARSE = 0.3  # boxes within reach of one below which a run looks thin: python -m benchmarks tune


@embedded
def _list(scene: Any, start: Any, stop: Any, most: Any, busy: Any, room: Any, kept: Any, by: Any) -> Any:
    """Decide from ``start`` on, up to ``stop`` or to where a grid pays; where that is."""
    blocks, members = room
    columns = scene.columns
    explained = by.shape[0] > 0
    count = np.int64(0)  # boxes in the blocks
    total = 0  # boxes kept, those without area included
    work = 0
    for r in range(start, stop):
        if total == most:
            break
        if (r - start) % WINDOW == 0:
            if work > WINDOW * busy and stop - r > 2 * WINDOW:
                return r
            work = 0
        box = column_of(columns, r)
        hit = False
        if box[4] < NOTHING:
            weaker = as_weaker(box, scene.measure)
            end = (count + LANES - 1) // LANES
            g = next_block(scene, blocks, np.int64(0), end, box)
            while g < end:
                hit = not explained and any_must(scene, blocks, g, weaker)
                if not hit:
                    first = hit_by(scene, blocks, members, g, weaker, r)
                    hit = first >= 0
                    if explained:
                        by[r] = first
                if hit:
                    break
                g = next_block(scene, blocks, g + 1, end, box)
            work += min(g + 1, end)
        if hit:
            continue
        kept[r] = True
        total += 1
        if box[4] < NOTHING:
            if count % LANES == 0:
                blocks[count // LANES] = 0
            put(blocks, members, count, box, r, scene.measure)
            count += 1
    return stop


@inlined
def _is_thin(scene: Any, start: Any, stop: Any) -> Any:
    """Whether the best boxes lie so far apart that few others can be within reach of any."""
    columns, some = scene.columns, min(stop - start, WINDOW)
    left = top = np.float32(3e38)
    right = bottom = np.float32(-3e38)
    covered = 0.0
    for r in range(start, start + some):
        left, right = min(left, columns[0, r]), max(right, columns[2, r])
        top, bottom = min(top, columns[1, r]), max(bottom, columns[3, r])
        covered += np.float64(columns[2, r] - columns[0, r]) * np.float64(columns[3, r] - columns[1, r])
    area = (np.float64(right) - np.float64(left)) * (np.float64(bottom) - np.float64(top))
    spread, _ = reach_of(scene)
    return covered * np.float64(stop - start) * spread * spread < SPARSE * area * np.float64(some)


@kernel(f"int64({SCENE}, int64[::1], int64[::1], int64[:,::1], boolean[::1], int32[::1])")
def compare(columns: F4, rows: F8, rule: F8, starts: I8, limits: I8, state: I8, kept: B1, by: I4) -> int:
    """Set in ``kept`` which candidates stay, by comparison with all kept ones.

    Candidates come in runs (one a class, bounded by ``starts``) by decreasing score. ``rule`` is the threshold, the
    offset and the largest coordinate of rounded columns; ``limits`` how many may stay, from how many blocks a candidate
    on average a run is given up, and up to how many boxes it is decided here however thin it looks. The first row of
    ``state`` becomes how far each run was decided, the second whether ``sweep`` is worth a try, because most stay.
    ``by`` becomes which candidate suppressed each, of those that did the best, where -1 stands; it is empty where
    nobody asks, which is found out at run time: a second kernel takes seconds to compile.
    Returns how many runs are left.
    """
    scene = scene_of(columns, rows, rule)
    most, busy, fewest = limits[0], limits[1], limits[2]
    room = room_for(kept.shape[0])
    left = 0
    for run in range(starts.shape[0] - 1):
        start, stop = starts[run], starts[run + 1]
        whole = most >= kept.shape[0]
        thin = whole and stop - start > fewest and _is_thin(scene, start, stop)
        first = start
        if not thin:
            first = _list(scene, start, stop, most, busy, room, kept, by)
            stay = np.count_nonzero(kept[max(first - WINDOW, start) : first])
            thin = first < stop and whole and stay > WINDOW // 2
        state[0, run], state[1, run] = first, thin
        left += first < stop
    return left
