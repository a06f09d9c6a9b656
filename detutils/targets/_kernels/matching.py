"""The best object of every box, without a matrix of boxes and objects.

Boxes are taken a page at a time; an object that does not touch the rectangle around a page costs nothing
more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F8, I8, inlined, kernel

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
def _touches(around: Any, x1: Any, y1: Any, x2: Any, y2: Any, offset: Any) -> Any:
    """Whether a box of the page may intersect this one: rounding is monotone, so that none is missed."""
    wide = min(around[2], x2) - max(around[0], x1) + offset
    high = min(around[3], y2) - max(around[1], y1) + offset
    return (wide > 0.0) & (high > 0.0)


@inlined
def _shared(
    x1: Any, y1: Any, x2: Any, y2: Any, left: Any, top: Any, right: Any, bottom: Any, offset: Any
) -> Any:
    """The area of the intersection of two boxes."""
    wide = (right if right < x2 else x2) - (left if left > x1 else x1) + offset
    high = (bottom if bottom < y2 else y2) - (top if top > y1 else y1) + offset
    return (wide if wide > 0.0 else 0.0) * (high if high > 0.0 else 0.0)


@kernel(
    "void(float64[:,::1], float64[:,::1], float64, float64, float64, int64, int64, "
    "int64[::1], float64[::1], int64[::1], float64[::1], int64[:,::1])"
)
def match(
    boxes: F8, objects: F8, low: float, high: float, offset: float, start: int, stop: int,
    matched: I8, ious: F8, labels: I8, peaks: F8, pages: I8,
) -> None:  # fmt: skip
    """Match the boxes of the pages start ... stop - 1 and label them by the thresholds.

    ``peaks`` becomes the highest IoU of each object with any box so far, and ``pages`` the first and the
    last page where it occurs.
    """
    page = np.empty((COLUMNS, PAGE))
    around = np.empty(4)
    overlaps = np.empty(PAGE)
    best = np.empty(PAGE)
    which = np.empty(PAGE, np.int64)
    highest = np.empty(LANES)
    for p in range(start, stop):
        first = p * PAGE
        count = min(PAGE, boxes.shape[0] - first)
        _fill(boxes, first, count, offset, page, around)
        for k in range(PAGE):
            best[k], which[k] = 0.0, 0
        for j in range(objects.shape[0]):
            x1, y1, x2, y2 = objects[j, 0], objects[j, 1], objects[j, 2], objects[j, 3]
            if not _touches(around, x1, y1, x2, y2, offset):
                continue
            area = (x2 - x1 + offset) * (y2 - y1 + offset)
            for k in range(PAGE):  # without a branch, so that it vectorizes
                shared = _shared(page[X1, k], page[Y1, k], page[X2, k], page[Y2, k], x1, y1, x2, y2, offset)
                union = page[AREA, k] + area - shared
                iou = shared / (union if union > 0.0 else 1.0)
                overlaps[k] = iou
                which[k] = j if iou > best[k] else which[k]
                best[k] = iou if iou > best[k] else best[k]
            for lane in range(LANES):  # lane by lane: the compiler may not reorder a maximum of floats itself
                highest[lane] = 0.0
            for block in range(PAGE // LANES):
                for lane in range(LANES):
                    iou = overlaps[block * LANES + lane]
                    highest[lane] = iou if iou > highest[lane] else highest[lane]
            peak = 0.0
            for lane in range(LANES):
                peak = max(peak, highest[lane])
            if peak > peaks[j]:
                peaks[j] = peak
                pages[j, 0], pages[j, 1] = p, p
            elif peak == peaks[j]:
                pages[j, 1] = p
        for k in range(count):
            matched[first + k], ious[first + k] = which[k], best[k]
            labels[first + k] = POSITIVE if best[k] >= high else (NEGATIVE if best[k] < low else IGNORED)


@kernel("void(float64[:,::1], float64[:,::1], float64, int64, int64, float64[::1], int64[:,::1], int64[::1])")
def promote(
    boxes: F8, objects: F8, offset: float, start: int, stop: int, peaks: F8, pages: I8, labels: I8
) -> None:
    """Label positive the boxes whose IoU with one of objects[start:stop] is its highest, if that is not 0."""
    for j in range(start, stop):
        if peaks[j] == 0.0:
            continue
        x1, y1, x2, y2 = objects[j, 0], objects[j, 1], objects[j, 2], objects[j, 3]
        area = (x2 - x1 + offset) * (y2 - y1 + offset)
        for i in range(pages[j, 0] * PAGE, min((pages[j, 1] + 1) * PAGE, boxes.shape[0])):
            left, top, right, bottom = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
            shared = _shared(left, top, right, bottom, x1, y1, x2, y2, offset)
            if shared > 0.0:
                own = (right - left + offset) * (bottom - top + offset)
                if shared / (own + area - shared) == peaks[j]:
                    labels[i] = POSITIVE


@kernel("void(float64[:,::1], float64[:,::1], float64, float64, int64, int64, int64[::1])")
def excuse(
    boxes: F8, regions: F8, threshold: float, offset: float, start: int, stop: int, labels: I8
) -> None:
    """Label ignored what is not positive and lies by at least ``threshold`` of its area in a region."""
    page = np.empty((COLUMNS, PAGE))
    around = np.empty(4)
    covered = np.empty(PAGE)
    for p in range(start, stop):
        first = p * PAGE
        count = min(PAGE, boxes.shape[0] - first)
        _fill(boxes, first, count, offset, page, around)
        for k in range(PAGE):
            covered[k] = 0.0
        for r in range(regions.shape[0]):
            x1, y1, x2, y2 = regions[r, 0], regions[r, 1], regions[r, 2], regions[r, 3]
            if not _touches(around, x1, y1, x2, y2, offset):
                continue
            for k in range(PAGE):
                shared = _shared(page[X1, k], page[Y1, k], page[X2, k], page[Y2, k], x1, y1, x2, y2, offset)
                part = shared / (page[AREA, k] if page[AREA, k] > 0.0 else 1.0)
                covered[k] = part if part > covered[k] else covered[k]
        for k in range(count):
            if covered[k] >= threshold and labels[first + k] != POSITIVE:
                labels[first + k] = IGNORED
