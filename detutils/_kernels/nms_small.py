"""Non-maximum suppression of a few boxes in one call: checks, order and decisions, without an index.

Up to some hundred boxes the fixed costs of sorting by digits and of a second kernel exceed the work itself. Ranks come
from counting smaller keys, which vectorises, and every decision is the float64 quotient.
"""

from __future__ import annotations

import numpy as np

from detutils._jit import F4, F8, I8, inlined, kernel

MOST = 192  # the callers' switch: beyond it the kernels of ``nms`` are quicker
BLOCK = 16


@inlined
def _first_bad(boxes, scores, limit, largest):  # type: ignore[no-untyped-def]
    """-1, or 2 * row for a bad box, 2 * row + 1 for a bad score; boxes come first."""
    n = boxes.shape[0]
    good = True
    for i in range(n):
        x1, y1, x2, y2 = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
        good &= (x1 <= x2) & (y1 <= y2) & (x1 >= -limit) & (y1 >= -limit) & (x2 <= limit) & (y2 <= limit)
        good &= abs(scores[i]) <= largest
    if good:
        return -1
    for i in range(n):
        x1, y1, x2, y2 = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
        if not ((x1 <= x2) & (y1 <= y2) & (x1 >= -limit) & (y1 >= -limit) & (x2 <= limit) & (y2 <= limit)):
            return 2 * i
    for i in range(n):
        if not abs(scores[i]) <= largest:
            return 2 * i + 1
    return -1


@inlined
def _order(scores, score_threshold):  # type: ignore[no-untyped-def]
    """Indices of the scores above the threshold, highest first, ties by index."""
    n = scores.shape[0]
    order = np.empty(n, np.int64)
    if n <= 24:
        m = 0
        for i in range(n):
            if scores[i] > score_threshold:
                j = m
                while j > 0 and scores[order[j - 1]] < scores[i]:
                    order[j] = order[j - 1]
                    j -= 1
                order[j] = i
                m += 1
        return order[:m]
    values = np.full((n + BLOCK - 1) // BLOCK * BLOCK, -np.inf, scores.dtype)  # whole blocks: no scalar remainder
    chosen = np.empty(n, np.int64)
    m = 0
    for i in range(n):
        if scores[i] > score_threshold:
            values[m] = scores[i]
            chosen[m] = i
            m += 1
    order[:m] = -1
    full = values[: (m + BLOCK - 1) // BLOCK * BLOCK]
    for i in range(m):
        value = values[i]
        above = np.int32(0)
        for j in range(full.shape[0]):
            above += np.int32(full[j] > value)
        place = np.int64(above)
        while order[place] >= 0:  # taken by a tied score of a lower index
            place += 1
        order[place] = chosen[i]
    return order[:m]


@inlined
def _suppress(boxes, scores, limit, largest, iou_threshold, score_threshold, most, offset):  # type: ignore[no-untyped-def]
    bad = _first_bad(boxes, scores, limit, largest)
    if bad >= 0:
        keep = np.empty(1, np.int64)
        keep[0] = -1 - bad
        return keep
    order = _order(scores, score_threshold)
    n = order.shape[0]
    columns = np.empty((5, n + BLOCK), np.float64)  # of the kept boxes, and room to read a whole block
    count = 0
    for r in range(n):
        if count == most:
            break
        i = order[r]
        x1, y1 = np.float64(boxes[i, 0]), np.float64(boxes[i, 1])
        x2, y2 = np.float64(boxes[i, 2]), np.float64(boxes[i, 3])
        area = (x2 - x1 + offset) * (y2 - y1 + offset)
        hit = False
        for start in range(0, count, BLOCK):
            block = columns[:, start : start + BLOCK]
            for j in range(BLOCK):
                w = min(x2, block[2, j]) - max(x1, block[0, j]) + offset
                h = min(y2, block[3, j]) - max(y1, block[1, j]) + offset
                inter = max(w, 0.0) * max(h, 0.0)
                union = area + block[4, j] - inter
                hit |= inter / max(union, 5e-324) > iou_threshold  # an empty union: 0 / tiny
            if hit:
                break
        if hit:
            continue
        if count % BLOCK == 0:  # open a block of boxes that meet nothing
            columns[0, count : count + BLOCK] = 1e300
            columns[1, count : count + BLOCK] = 1e300
            columns[2, count : count + BLOCK] = -1e300
            columns[3, count : count + BLOCK] = -1e300
            columns[4, count : count + BLOCK] = 1.0
        columns[0, count] = x1
        columns[1, count] = y1
        columns[2, count] = x2
        columns[3, count] = y2
        columns[4, count] = area
        order[count] = i
        count += 1
    return order[:count]


@kernel("int64[::1](float32[:,::1], float32[::1], float64, float64, int64, float64)")
def small_nms_float32(
    boxes: F4, scores: F4, iou_threshold: float, score_threshold: float, most: int, offset: float
) -> I8:
    big = np.float32(3.4028235e38)
    return _suppress(  # type: ignore[no-any-return,no-untyped-call]
        boxes, scores, big, big, iou_threshold, score_threshold, most, offset
    )


@kernel("int64[::1](float64[:,::1], float64[::1], float64, float64, int64, float64)")
def small_nms_float64(
    boxes: F8, scores: F8, iou_threshold: float, score_threshold: float, most: int, offset: float
) -> I8:
    return _suppress(  # type: ignore[no-any-return,no-untyped-call]
        boxes, scores, 1e150, 1.7976931348623157e308, iou_threshold, score_threshold, most, offset
    )
