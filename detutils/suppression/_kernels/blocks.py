"""Kept boxes in blocks of 16, against which a candidate is filtered with a few vector instructions."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import embedded
from detutils.suppression._kernels.pair import LANES, as_better, as_weaker, exceeds, may, settle


@embedded
def room_for(n: Any) -> Any:
    """Blocks for so many boxes: their columns, to be filled with zeros, which intersect nothing, and candidates."""
    return np.empty((n // LANES + 1, 5, LANES), np.float32), np.empty((n // LANES + 1, LANES), np.int32)


@embedded
def column_of(columns: Any, r: Any) -> Any:
    return columns[0, r], columns[1, r], columns[2, r], columns[3, r], columns[4, r]


@embedded
def put(blocks: Any, members: Any, at: Any, box: Any, r: Any, measure: Any) -> None:
    g, lane = at // LANES, at % LANES
    better = as_better(box, measure)
    blocks[g, 0, lane], blocks[g, 1, lane], blocks[g, 2, lane], blocks[g, 3, lane], blocks[g, 4, lane] = better
    members[g, lane] = r


@embedded
def _other(blocks: Any, g: Any, j: Any) -> Any:
    return blocks[g, 0, j], blocks[g, 1, j], blocks[g, 2, j], blocks[g, 3, j], blocks[g, 4, j]


@embedded
def any_may(blocks: Any, g: Any, box: Any) -> Any:
    """Whether any box of a block may exceed the threshold with this weaker one."""
    hits = False  # a flag of one byte: an integer would halve the vectors
    for j in range(LANES):
        hits |= may(_other(blocks, g, j), box)
    return hits


@embedded
def _search(blocks: Any, g: Any, stop: Any, box: Any) -> Any:
    while g < stop and not any_may(blocks, g, box):
        g += 1
    return g


@embedded
def next_block(scene: Any, blocks: Any, g: Any, stop: Any, box: Any) -> Any:
    """The first block from g on of which any box may exceed the threshold with this weaker one, or ``stop``."""
    if scene.measure < 0.0:  # known to the compiler here, which saves a choice in every lane
        return _search(blocks, g, stop, as_weaker(box, -1.0))
    return _search(blocks, g, stop, as_weaker(box, 0.0))  # as the weaker one a box is the same by ios and ioa


@embedded
def any_must(scene: Any, blocks: Any, g: Any, box: Any) -> Any:
    """Whether any box of a block exceeds the threshold with this weaker one for certain."""
    hits = False
    for j in range(LANES):
        hits |= settle(_other(blocks, g, j), box, scene.slack, scene.least)[1]
    return hits


@embedded
def hit_by(scene: Any, blocks: Any, members: Any, g: Any, box: Any, r: Any) -> Any:
    """The first box of a block that exceeds the threshold with candidate r, or -1."""
    for j in range(LANES):
        if may(_other(blocks, g, j), box):
            if exceeds(scene, np.int64(members[g, j]), r):
                return np.int64(members[g, j])
    return np.int64(-1)


@embedded
def better_of(scene: Any, blocks: Any, members: Any, g: Any, box: Any, r: Any, found: Any) -> Any:
    """``found``, or the best candidate of a block that is better and exceeds the threshold with candidate r."""
    for j in range(LANES):
        if may(_other(blocks, g, j), box):
            k = np.int64(members[g, j])
            if k < found and exceeds(scene, k, r):
                found = k
    return found
