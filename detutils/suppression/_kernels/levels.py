"""Boxes in levels by the size of their longer side: IoU > t bounds the ratio of two boxes' sides by 1 / t, and the
distance of their centers by ``spread`` times the mean of their sides.

IoU is at most that of the projections on an axis. For widths v <= w it is at most v / w, hence v > t * w, and the same
holds of heights, so of the longer sides. Projections whose centers lie d apart share at most (v + w) / 2 - d, so
IoU > t means ((v + w) / 2 - d) / ((v + w) / 2 + d) > t, and d < (v + w) / 2 * (1 - t) / (1 + t). ``reach_of`` widens
both by what the arithmetic on columns may err, 1e-5 of a side and more; ``Scene.slack`` is added to distances where the
columns are rounded: two centers move by at most 2.4e-7 each of the largest coordinate.

Intersection over the area of one box bounds no ratio: a small box lies wholly in a large one. What it needs is an
intersection at all, hence d < (v + w) / 2, which is the bound of IoU > 0: such scenes are laid out as at t = 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detutils._jit import embedded, inlined
from detutils.suppression._kernels.pair import NOTHING


class Reach(NamedTuple):
    """How far boxes reach, among how many levels, and the edges of the scene: numbers only, as to hand on arrays in a
    tuple counts references, box by box."""

    spread: Any
    ratio: Any
    slack: Any
    levels: Any
    edges: Any


@embedded
def reach_of(scene: Any) -> Any:
    """The multiple of the mean side by which centers may be apart (above 0 also at t = 1), and the ratio of sides."""
    iou_threshold = scene.iou_threshold if scene.measure < 0.0 else 0.0
    spread = (1.0 - iou_threshold) / (1.0 + iou_threshold) * (1.0 + 1e-5) + 1e-4
    return spread, 1.0 / max(iou_threshold, 1e-200) * (1.0 + 1e-5)


@inlined
def _choose(columns: Any, start: Any, first: Any, stop: Any, kept: Any) -> Any:
    """The boxes of a run with an area that stay or, from ``first`` on, are not decided yet."""
    chosen = np.empty(stop - start + 1, np.int32)  # the last is written over and over
    n = np.int64(0)
    for r in range(start, stop):
        chosen[n] = r
        n += (columns[4, r] < NOTHING) & ((r >= first) | kept[r])
    return chosen[:n]


@inlined
def find_levels(scene: Any, start: Any, first: Any, stop: Any, kept: Any, thin: Any) -> Any:
    """Levels by the binary exponent of the longer side, the largest first, merged where less than ``thin`` boxes lie
    within reach of one.

    Returns the boxes that matter, the level of each, the reach, and a table with a row a level: smallest and largest
    longer side, largest width and height, and room for four more.
    """
    columns = scene.columns
    chosen = _choose(columns, start, first, stop, kept)
    spread, ratio = reach_of(scene)
    side = np.empty(1, np.float32)
    bits = side.view(np.int32)
    level_of = np.empty(chosen.shape[0], np.uint8)  # the exponents, at first
    count = np.zeros(256, np.int64)
    sizes = np.zeros((256, 4), np.float32)
    left = top = np.float32(3e38)
    right = bottom = np.float32(-3e38)
    sizes[:, 0] = left
    for i in range(chosen.shape[0]):
        r = chosen[i]
        x1, y1, x2, y2 = columns[0, r], columns[1, r], columns[2, r], columns[3, r]
        w, h = x2 - x1, y2 - y1
        side[0] = max(w, h)
        exponent = bits[0] >> 23
        level_of[i] = exponent
        count[exponent] += 1
        sizes[exponent, 0], sizes[exponent, 1] = min(sizes[exponent, 0], side[0]), max(sizes[exponent, 1], side[0])
        sizes[exponent, 2], sizes[exponent, 3] = max(sizes[exponent, 2], w), max(sizes[exponent, 3], h)
        left, right = min(left, x1), max(right, x2)
        top, bottom = min(top, y1), max(bottom, y2)
    edges = np.float64(left), np.float64(top), np.float64(right), np.float64(bottom)
    area = (edges[2] - edges[0]) * (edges[3] - edges[1])
    level_of_exponent = np.zeros(256, np.uint8)
    table = np.empty((256, 8), np.float64)
    level = -1
    inside = 0
    widest = 0.0
    for exponent in range(255, -1, -1):
        if count[exponent] == 0:
            continue
        inside += count[exponent]
        if level < 0 or inside * (2.0 * spread * widest) ** 2 > thin * area:
            level += 1
            widest = 2.0 ** (exponent - 126)
            inside = count[exponent]
            table[level, 0] = 3e38
            table[level, 1] = table[level, 2] = table[level, 3] = 0.0
        table[level, 0] = min(table[level, 0], np.float64(sizes[exponent, 0]))
        for c in range(1, 4):
            table[level, c] = max(table[level, c], np.float64(sizes[exponent, c]))
        level_of_exponent[exponent] = level
    for i in range(chosen.shape[0]):
        level_of[i] = level_of_exponent[level_of[i]]
    return chosen, level_of, Reach(spread, ratio, np.float64(scene.slack), level + 1, edges), table


@embedded
def can_match(reach: Any, table: Any, level: Any, side: Any) -> Any:
    """Whether a longer side allows for an IoU over the threshold with any box of a level."""
    far = table[level, 1] * reach.ratio < side - reach.slack or table[level, 0] - reach.slack > side * reach.ratio
    return not far
