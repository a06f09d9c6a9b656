"""Who suppressed whom: after the decisions, each dropped box seeks the best kept one over the threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import B1, F4, F8, I4, I8, inlined, kernel

HEAD = 64  # of the best kept boxes, those that are tried first: they suppress most of the others


@inlined
def _iou(columns: Any, rows: Any, a: Any, b: Any, offset: Any) -> Any:
    """The float64 quotient of the definition."""
    if rows.shape[0] > 0:
        ax1, ay1, ax2, ay2 = rows[a, 0], rows[a, 1], rows[a, 2], rows[a, 3]
        bx1, by1, bx2, by2 = rows[b, 0], rows[b, 1], rows[b, 2], rows[b, 3]
    else:
        ax1, ay1 = np.float64(columns[0, a]), np.float64(columns[1, a])
        ax2, ay2 = np.float64(columns[2, a]) - offset, np.float64(columns[3, a]) - offset
        bx1, by1 = np.float64(columns[0, b]), np.float64(columns[1, b])
        bx2, by2 = np.float64(columns[2, b]) - offset, np.float64(columns[3, b]) - offset
    w = min(ax2, bx2) - max(ax1, bx1) + offset
    h = min(ay2, by2) - max(ay1, by1) + offset
    if not (w > 0.0 and h > 0.0):
        return 0.0
    inter = w * h
    union = (ax2 - ax1 + offset) * (ay2 - ay1 + offset) + (bx2 - bx1 + offset) * (by2 - by1 + offset) - inter
    return inter / union if union > 0.0 else 0.0


@inlined
def _seek(columns: Any, rows: Any, r: Any, a: Any, iou_threshold: Any, offset: Any) -> Any:
    """The IoU of a candidate with a kept box if that exceeds the threshold, else 0."""
    w = min(columns[2, r], columns[2, a]) - max(columns[0, r], columns[0, a])
    h = min(columns[3, r], columns[3, a]) - max(columns[1, r], columns[1, a])
    if (w > 0) & (h > 0) & (w * h >= columns[4, r] + columns[4, a]):
        value = _iou(columns, rows, a, r, offset)
        if value > iou_threshold:
            return value
    return 0.0


@kernel(
    "int64(float32[:,::1], float64[:,::1], int64[::1], boolean[::1], int64[::1], float32[:,::1], int64[::1],"
    " int64[::1], float32[::1], int32[::1], int32[::1], int64, int64, float64, float64, int64[::1], int64[::1],"
    " float64[::1])"
)
def explain(
    columns: F4,
    rows: F8,
    starts: I8,
    kept: B1,
    shelf: I8,
    edges: F4,
    shelves: I8,
    first_shelf: I8,
    widest: F4,
    order: I4,
    places: I4,
    last: int,
    patience: int,
    iou_threshold: float,
    offset: float,
    place: I8,
    by: I8,
    iou: F8,
) -> int:
    """Write (suppressor or -1, IoU or 0) of each box; candidates beyond rank ``last`` were never met.

    The kept boxes stand in ``shelf`` by class, binary exponent of the width and left edge; ``edges`` are the left,
    the upper and the lower ones. Of a shelf, the boxes of one exponent, ``widest`` is the largest width: only a
    stretch of it can meet a candidate. Returns 0 when done. After about ``patience`` pairs it returns 1 and goes on
    from ``place`` (the class, the candidate) at the next call.
    """
    run, r = place[0], place[1]
    spent = 0
    while run < starts.shape[0] - 1:
        head = np.empty(HEAD, np.int64)
        count = 0
        for a in range(starts[run], r):
            if count == HEAD:
                break
            if kept[a]:
                head[count] = a
                count += 1
        while r < starts[run + 1] and places[r] <= last:
            if spent > patience:
                place[0], place[1] = run, r
                return 1
            if kept[r]:
                if count < HEAD:
                    head[count] = r
                    count += 1
                r += 1
                spent += 1
                continue
            found = np.int64(-1)
            overlap = 0.0
            for k in range(count):
                spent += 1
                overlap = _seek(columns, rows, r, head[k], iou_threshold, offset)
                if overlap > 0.0:
                    found = head[k]
                    break
            if found < 0:
                x1, y1, x2, y2 = columns[0, r], columns[1, r], columns[2, r], columns[3, r]
                for s in range(first_shelf[run], first_shelf[run + 1]):
                    low, high = shelves[s], shelves[s + 1]
                    from_ = x1 - widest[s] - (abs(x1) + widest[s]) * np.float32(1e-6)  # which the difference may lose
                    first = low + np.searchsorted(edges[0, low:high], from_)
                    beyond = low + np.searchsorted(edges[0, low:high], x2)
                    spent += beyond - first
                    for k in range(first, beyond):
                        if (edges[1, k] < y2) & (edges[2, k] > y1):
                            a = shelf[k]
                            if a < r and (found < 0 or a < found):
                                value = _seek(columns, rows, r, a, iou_threshold, offset)
                                if value > 0.0:
                                    found, overlap = a, value
            if found >= 0:
                by[order[places[r]]] = order[places[found]]
                iou[order[places[r]]] = overlap
            r += 1
        run += 1
        if run < starts.shape[0] - 1:
            r = starts[run]
    return 0
