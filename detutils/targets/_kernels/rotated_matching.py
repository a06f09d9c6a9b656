"""``matching`` of rotated boxes: the same decisions by another IoU, of pairs whose upright hulls meet.

Boxes, objects and regions are prepared ones (``geometry/_kernels/rotated``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F8, I8, inlined, kernel
from detutils.geometry._kernels.rotated_overlaps import (
    IOA,
    IOU,
    LANES,
    extent,
    measure_pairs,
    near,
    note_block,
    note_hull,
    note_pair,
)
from detutils.targets._kernels.matching import PAGE, POSITIVE, decide, forgive, note_peak

BLOCKS = PAGE // LANES


@inlined
def _fill(boxes: Any, first: Any, count: Any, columns: Any, hulls: Any) -> None:
    """Upright hulls of boxes[first : first + count], and of each block of them; NaN, which meets nothing, for the
    rest."""
    for k in range(count):
        note_hull(boxes, first + k, columns, k)
    columns[:, count:] = np.nan
    hulls[:] = np.nan
    for block in range((count + LANES - 1) // LANES):
        note_block(columns, block, min(count - block * LANES, LANES), hulls)


@inlined
def _note_near(
    boxes: Any, first: Any, columns: Any, hulls: Any, things: Any, j: Any, pairs: Any, places: Any
) -> Any:
    """Note the pairs of a page's boxes and an object whose hulls meet, the box first; ``places`` become their places in
    the page. How many."""
    box = things[j, 0], things[j, 1], *extent(things, j)
    count = np.int64(0)
    for block in range(BLOCKS):
        if not near(hulls, block, box):
            continue
        for k in range(block * LANES, (block + 1) * LANES):
            if near(columns, k, box):
                places[count] = k
                note_pair(pairs, count, boxes, first + k, things, j)
                count += 1
    return count


@kernel(
    "void(float64[:,::1], float64[:,::1], UniTuple(float64, 2), UniTuple(int64, 2), "
    "Tuple((int64[::1], float64[::1], int64[::1])), float64[::1], int64[:,::1])"
)
def match(
    boxes: F8, objects: F8, thresholds: tuple[float, float], pages: tuple[int, int],
    found: tuple[I8, F8, I8], peaks: F8, peak_pages: I8,
) -> None:  # fmt: skip
    """As ``matching.match``."""
    columns, hulls = np.empty((4, PAGE), np.float64), np.empty((4, BLOCKS), np.float64)
    pairs, values, places = np.empty((18, PAGE + 8), np.float64), np.empty(PAGE, np.float64), np.empty(PAGE, np.int64)
    best, which = np.empty(PAGE, np.float64), np.empty(PAGE, np.int64)
    for p in range(pages[0], pages[1]):
        first = p * PAGE
        count = min(PAGE, boxes.shape[0] - first)
        _fill(boxes, first, count, columns, hulls)
        best[:], which[:] = 0.0, 0
        for j in range(objects.shape[0]):
            held = _note_near(boxes, first, columns, hulls, objects, j, pairs, places)
            if held == 0:
                continue
            measure_pairs(np.int64(IOU), pairs, held, values)
            peak = 0.0
            for q in range(held):
                share, k = values[q], places[q]
                if share > best[k]:
                    best[k], which[k] = share, j
                peak = max(peak, share)
            note_peak(peak, j, p, peaks, peak_pages)
        decide(best, which, first, count, thresholds, found)


@kernel("void(float64[:,::1], float64[:,::1], UniTuple(int64, 2), float64[::1], int64[:,::1], int64[::1])")
def promote(boxes: F8, objects: F8, span: tuple[int, int], peaks: F8, peak_pages: I8, labels: I8) -> None:
    """As ``matching.promote``."""
    columns, hulls = np.empty((4, PAGE), np.float64), np.empty((4, BLOCKS), np.float64)
    pairs, values, places = np.empty((18, PAGE + 8), np.float64), np.empty(PAGE, np.float64), np.empty(PAGE, np.int64)
    for j in range(span[0], span[1]):
        if peaks[j] == 0.0:
            continue
        for p in range(peak_pages[j, 0], peak_pages[j, 1] + 1):
            first = p * PAGE
            _fill(boxes, first, min(PAGE, boxes.shape[0] - first), columns, hulls)
            held = _note_near(boxes, first, columns, hulls, objects, j, pairs, places)
            measure_pairs(np.int64(IOU), pairs, held, values)
            for q in range(held):
                if values[q] == peaks[j]:
                    labels[first + places[q]] = POSITIVE


@kernel("void(float64[:,::1], float64[:,::1], float64, UniTuple(int64, 2), int64[::1])")
def excuse(boxes: F8, regions: F8, threshold: float, pages: tuple[int, int], labels: I8) -> None:
    """As ``matching.excuse``."""
    columns, hulls = np.empty((4, PAGE), np.float64), np.empty((4, BLOCKS), np.float64)
    pairs, values, places = np.empty((18, PAGE + 8), np.float64), np.empty(PAGE, np.float64), np.empty(PAGE, np.int64)
    covered = np.empty(PAGE, np.float64)
    for p in range(pages[0], pages[1]):
        first = p * PAGE
        count = min(PAGE, boxes.shape[0] - first)
        _fill(boxes, first, count, columns, hulls)
        covered[:] = 0.0
        for r in range(regions.shape[0]):
            held = _note_near(boxes, first, columns, hulls, regions, r, pairs, places)
            measure_pairs(np.int64(IOA), pairs, held, values)
            for q in range(held):
                covered[places[q]] = max(covered[places[q]], values[q])
        forgive(covered, first, count, threshold, labels)
