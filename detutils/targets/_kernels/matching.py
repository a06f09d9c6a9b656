"""The best object of every box, without a matrix of boxes and objects.

Boxes are taken a page at a time; an object that does not touch the rectangle around a page costs nothing
more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F8, I8, inlined, kernel
from detutils.geometry._kernels.pair import common_sides, intersection, ioa, iou

PAGE = 256
LANES = 8
X1, Y1, X2, Y2, AREA = range(5)
COLUMNS = 5

POSITIVE, NEGATIVE, IGNORED = 1, 0, -1


@inlined
def _fill(boxes: Any, first: Any, count: Any, offset: Any, page: Any, around: Any) -> None:
    """Lay out boxes[first : first + count] in columns; ``around`` becomes the rectangle around them."""
    around[0], around[1], around[2], around[3] = np.inf, np.inf, -np.inf, -np.inf
    for k in range(count):
        x1, y1, x2, y2 = boxes[first + k, 0], boxes[first + k, 1], boxes[first + k, 2], boxes[first + k, 3]
        page[X1, k], page[Y1, k], page[X2, k], page[Y2, k] = x1, y1, x2, y2
        page[AREA, k] = (x2 - x1 + offset) * (y2 - y1 + offset)
        around[0], around[1] = min(around[0], x1), min(around[1], y1)
        around[2], around[3] = max(around[2], x2), max(around[3], y2)
    for k in range(count, PAGE):  # boxes that intersect nothing
        page[X1, k], page[Y1, k], page[X2, k], page[Y2, k] = np.inf, np.inf, -np.inf, -np.inf
        page[AREA, k] = 0.0


@inlined
def _touches(around: Any, box: Any, offset: Any) -> Any:
    """Whether a box of the page may intersect this one: rounding is monotone, so that none is missed."""
    width, height = common_sides(around, box, offset)
    return (width > 0.0) & (height > 0.0)


@inlined
def _area(box: Any, offset: Any) -> Any:
    return (box[2] - box[0] + offset) * (box[3] - box[1] + offset)


@inlined
def note_peak(peak: Any, j: Any, p: Any, peaks: Any, peak_pages: Any) -> None:
    """The highest IoU of an object with the boxes of a page."""
    if peak > peaks[j]:
        peaks[j] = peak
        peak_pages[j, 0], peak_pages[j, 1] = p, p
    elif peak == peaks[j]:
        peak_pages[j, 1] = p


@inlined
def decide(best: Any, which: Any, first: Any, count: Any, thresholds: Any, found: Any) -> None:
    """What becomes of the boxes of a page by their highest IoUs; ``thresholds`` are the low and the high one."""
    low, high = thresholds
    matched, ious, labels = found
    for k in range(count):
        matched[first + k], ious[first + k] = which[k], best[k]
        labels[first + k] = POSITIVE if best[k] >= high else (NEGATIVE if best[k] < low else IGNORED)


@inlined
def forgive(covered: Any, first: Any, count: Any, threshold: Any, labels: Any) -> None:
    """Label ignored those of a page's boxes that are not positive and of which regions cover enough."""
    for k in range(count):
        if covered[k] >= threshold and labels[first + k] != POSITIVE:
            labels[first + k] = IGNORED


@inlined
def _slot(page: Any, k: Any) -> Any:
    return page[X1, k], page[Y1, k], page[X2, k], page[Y2, k]


@kernel(
    "void(float64[:,::1], float64[:,::1], UniTuple(float64, 2), UniTuple(int64, 2), "
    "Tuple((int64[::1], float64[::1], int64[::1])), float64[::1], int64[:,::1], float64)"
)
def match(
    boxes: F8, objects: F8, thresholds: tuple[float, float], pages: tuple[int, int],
    found: tuple[I8, F8, I8], peaks: F8, peak_pages: I8, offset: float,
) -> None:  # fmt: skip
    """Match the boxes of the pages from one to before another, and label them by the thresholds.

    ``thresholds`` are the low and the high one; ``found`` becomes the matched objects, their IoUs and the labels,
    ``peaks`` the highest IoU of each object with any box so far, and ``peak_pages`` the first and the last page where
    it occurs.
    """
    start, stop = pages
    page = np.empty((COLUMNS, PAGE), np.float64)
    around = np.empty(4, np.float64)
    overlaps = np.empty(PAGE, np.float64)
    best = np.empty(PAGE, np.float64)
    which = np.empty(PAGE, np.int64)
    highest = np.empty(LANES, np.float64)
    for p in range(start, stop):
        first = p * PAGE
        count = min(PAGE, boxes.shape[0] - first)
        _fill(boxes, first, count, offset, page, around)
        for k in range(PAGE):
            best[k], which[k] = 0.0, 0
        for j in range(objects.shape[0]):
            thing = (objects[j, 0], objects[j, 1], objects[j, 2], objects[j, 3])
            if not _touches(around, thing, offset):
                continue
            area = _area(thing, offset)
            for k in range(PAGE):  # without a branch, so that it vectorizes
                share = iou(intersection(_slot(page, k), thing, offset, 0.0), page[AREA, k], area, 0.0, 1.0)
                overlaps[k] = share
                which[k] = j if share > best[k] else which[k]
                best[k] = share if share > best[k] else best[k]
            for lane in range(LANES):  # lane by lane: the compiler may not reorder a maximum of floats itself
                highest[lane] = 0.0
            for block in range(PAGE // LANES):
                for lane in range(LANES):
                    share = overlaps[block * LANES + lane]
                    highest[lane] = share if share > highest[lane] else highest[lane]
            peak = 0.0
            for lane in range(LANES):
                peak = max(peak, highest[lane])
            note_peak(peak, j, p, peaks, peak_pages)
        decide(best, which, first, count, thresholds, found)


@kernel("void(float64[:,::1], float64[:,::1], UniTuple(int64, 2), float64[::1], int64[:,::1], int64[::1], float64)")
def promote(
    boxes: F8, objects: F8, span: tuple[int, int], peaks: F8, peak_pages: I8, labels: I8, offset: float
) -> None:
    """Label positive the boxes whose IoU with one of a span of objects is its highest, if that is not 0."""
    for j in range(span[0], span[1]):
        if peaks[j] == 0.0:
            continue
        thing = (objects[j, 0], objects[j, 1], objects[j, 2], objects[j, 3])
        area = _area(thing, offset)
        for i in range(peak_pages[j, 0] * PAGE, min((peak_pages[j, 1] + 1) * PAGE, boxes.shape[0])):
            box = (boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3])
            common = intersection(box, thing, offset, 0.0)
            if common > 0.0 and iou(common, _area(box, offset), area, 0.0, 1.0) == peaks[j]:
                labels[i] = POSITIVE


@kernel("void(float64[:,::1], float64[:,::1], float64, UniTuple(int64, 2), int64[::1], float64)")
def excuse(
    boxes: F8, regions: F8, threshold: float, pages: tuple[int, int], labels: I8, offset: float
) -> None:
    """Label ignored what is not positive and lies by at least ``threshold`` of its area in a region."""
    page = np.empty((COLUMNS, PAGE), np.float64)
    around = np.empty(4, np.float64)
    covered = np.empty(PAGE, np.float64)
    for p in range(pages[0], pages[1]):
        first = p * PAGE
        count = min(PAGE, boxes.shape[0] - first)
        _fill(boxes, first, count, offset, page, around)
        for k in range(PAGE):
            covered[k] = 0.0
        for r in range(regions.shape[0]):
            region = (regions[r, 0], regions[r, 1], regions[r, 2], regions[r, 3])
            if not _touches(around, region, offset):
                continue
            for k in range(PAGE):
                part = ioa(intersection(_slot(page, k), region, offset, 0.0), page[AREA, k], 0.0, 1.0)
                covered[k] = part if part > covered[k] else covered[k]
        forgive(covered, first, count, threshold, labels)
