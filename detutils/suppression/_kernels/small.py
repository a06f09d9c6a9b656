"""Non-maximum suppression of a few boxes in one call: checks, order and decisions, without columns.

Up to some dozens of boxes the fixed costs of anything else exceed the work itself. Each box is put in its place among
those before it and compared with the blocks of kept ones; a product costs less than the quotient of the definition,
which is left for the pairs near the threshold.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F4, F8, I8, inlined, kernel

BLOCK = 16
LARGEST = 1.7976931348623157e308


@inlined
def _laid_out(boxes: Any, scores: Any) -> Any:
    """Whether a (N, 4) and a (N,) array lie in memory as the kernel reads them: it may be called without a look."""
    size = boxes.itemsize
    return (
        boxes.shape[1] == 4
        and boxes.shape[0] == scores.shape[0]
        and boxes.strides[0] == 4 * size
        and boxes.strides[1] == size
        and scores.strides[0] == size
        and (boxes.ctypes.data | scores.ctypes.data) % size == 0
    )


@inlined
def _first_bad(boxes: Any, scores: Any, limit: Any, largest: Any) -> Any:
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
def _order(scores: Any, score_threshold: Any, order: Any) -> Any:
    """Fill ``order`` with the scores above the threshold, highest first, ties by index; how many there are."""
    m = 0
    for i in range(scores.shape[0]):
        if scores[i] > score_threshold:
            j = m
            while j > 0 and scores[order[j - 1]] < scores[i]:
                order[j] = order[j - 1]
                j -= 1
            order[j] = i
            m += 1
    return m


@inlined
def _suppress(
    boxes: Any,
    scores: Any,
    labels: Any,
    limit: Any,
    largest: Any,
    iou_threshold: Any,
    score_threshold: Any,
    most: Any,
    offset: Any,
    keep: Any,
) -> Any:
    """All of it; with ``labels`` None one class."""
    if not _laid_out(boxes, scores):
        return -1
    bad = _first_bad(boxes, scores, limit, largest)
    if bad >= 0:
        return -2 - bad
    n = _order(scores, score_threshold, keep)
    blocks = np.empty((n // BLOCK + 1, 5, BLOCK), np.float64)  # of the kept boxes
    if labels is not None:
        classes = np.empty((n // BLOCK + 1, BLOCK), np.int64)
    low, high = iou_threshold * (1.0 - 1e-12), iou_threshold * (1.0 + 1e-12)
    sure = iou_threshold > 1e-3
    count = 0
    for r in range(n):
        if count == most:
            break
        i = keep[r]
        x1, y1 = np.float64(boxes[i, 0]), np.float64(boxes[i, 1])
        x2, y2 = np.float64(boxes[i, 2]), np.float64(boxes[i, 3])
        area = (x2 - x1 + offset) * (y2 - y1 + offset)
        hit = False
        for g in range((count + BLOCK - 1) // BLOCK):
            hits = False
            for j in range(BLOCK):
                w = min(x2, blocks[g, 2, j]) - max(x1, blocks[g, 0, j]) + offset
                h = min(y2, blocks[g, 3, j]) - max(y1, blocks[g, 1, j]) + offset
                inter = w * h
                may = (w > 0.0) & (h > 0.0) & (inter >= low * (area + blocks[g, 4, j] - inter))
                if labels is not None:
                    may = may & (classes[g, j] == labels[i])
                hits |= may
            if not hits:
                continue
            hits = False
            for j in range(BLOCK):
                w = min(x2, blocks[g, 2, j]) - max(x1, blocks[g, 0, j]) + offset
                h = min(y2, blocks[g, 3, j]) - max(y1, blocks[g, 1, j]) + offset
                inter = w * h
                must = (w > 0.0) & (h > 0.0) & (inter > high * (area + blocks[g, 4, j] - inter) + 1e-300)
                if labels is not None:
                    must = must & (classes[g, j] == labels[i])
                hits |= must
            if sure and hits:
                hit = True
                break
            for j in range(BLOCK):
                w = min(x2, blocks[g, 2, j]) - max(x1, blocks[g, 0, j]) + offset
                h = min(y2, blocks[g, 3, j]) - max(y1, blocks[g, 1, j]) + offset
                inter = w * h
                union = area + blocks[g, 4, j] - inter
                if (w > 0.0) & (h > 0.0) & (union > 0.0) and inter / union > iou_threshold:
                    if labels is None:
                        hit = True
                    else:
                        hit |= classes[g, j] == labels[i]
            if hit:
                break
        if hit:
            continue
        g, lane = count // BLOCK, count % BLOCK
        if lane == 0:  # open a block of boxes that meet nothing
            for j in range(BLOCK):
                blocks[g, 0, j] = blocks[g, 1, j] = 1e140
                blocks[g, 2, j] = blocks[g, 3, j] = -1e140
                blocks[g, 4, j] = 1.0
        blocks[g, 0, lane], blocks[g, 1, lane], blocks[g, 2, lane], blocks[g, 3, lane] = x1, y1, x2, y2
        blocks[g, 4, lane] = area
        if labels is not None:
            classes[g, lane] = labels[i]
        keep[count] = i
        count += 1
    return count


@kernel("int64(float32[:,::1], float32[::1], float64, float64, int64, float64, int64[::1])")
def small_nms_float32(
    boxes: F4, scores: F4, iou_threshold: float, score_threshold: float, most: int, offset: float, keep: I8
) -> int:
    """Write the kept rows to ``keep``, which has room for all, and return their number.

    A row that breaks the contract gives -2 - 2 * row, a score that does -3 - 2 * row; -1 says that the arrays are not
    laid out for this. An array made by the caller costs half of one that machine code hands over.
    """
    big = np.float32(3.4028235e38)
    return _suppress(  # type: ignore[no-any-return]
        boxes, scores, None, big, big, iou_threshold, score_threshold, most, offset, keep
    )


@kernel("int64(float64[:,::1], float64[::1], float64, float64, int64, float64, int64[::1])")
def small_nms_float64(
    boxes: F8, scores: F8, iou_threshold: float, score_threshold: float, most: int, offset: float, keep: I8
) -> int:
    """``small_nms_float32`` for float64."""
    return _suppress(  # type: ignore[no-any-return]
        boxes, scores, None, 1e150, LARGEST, iou_threshold, score_threshold, most, offset, keep
    )


@kernel("int64(float64[:,::1], float64[::1], int64[::1], float64, float64, int64, float64, int64[::1])")
def small_batched_nms(
    boxes: F8,
    scores: F8,
    labels: I8,
    iou_threshold: float,
    score_threshold: float,
    most: int,
    offset: float,
    keep: I8,
) -> int:
    """``small_nms_float64`` within each class."""
    return _suppress(  # type: ignore[no-any-return]
        boxes, scores, labels, 1e150, LARGEST, iou_threshold, score_threshold, most, offset, keep
    )
