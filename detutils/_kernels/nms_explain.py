"""Who suppressed whom: after the decisions, each dropped box seeks the first kept one over the threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import B1, F4, F8, I4, I8, inlined, kernel


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


@kernel(
    "int64(float32[:,::1], float64[:,::1], int64[::1], boolean[::1], int32[::1], int32[::1], int64, int64, float64, "
    "float64, int64[::1], int64[::1], int64[::1], float64[::1])"
)
def explain(
    columns: F4,
    rows: F8,
    starts: I8,
    kept: B1,
    order: I4,
    places: I4,
    last: int,
    patience: int,
    iou_threshold: float,
    offset: float,
    place: I8,
    best: I8,
    by: I8,
    iou: F8,
) -> int:
    """Write (suppressor or -1, IoU or 0) of each box; candidates beyond rank ``last`` were never met.

    Returns 0 when done. After about ``patience`` pairs it returns 1 and goes on from ``place`` (the class, the
    candidate, how many were kept before it) at the next call.
    """
    run, r, count = place[0], place[1], place[2]
    spent = 0
    while run < starts.shape[0] - 1:
        while r < starts[run + 1] and places[r] <= last:
            if spent > patience:
                place[0], place[1], place[2] = run, r, count
                return 1
            if kept[r]:
                best[count] = r
                count += 1
                r += 1
                spent += 1
                continue
            x1, y1, x2, y2, share = columns[0, r], columns[1, r], columns[2, r], columns[3, r], columns[4, r]
            for k in range(count):
                a = best[k]
                w = min(x2, columns[2, a]) - max(x1, columns[0, a])
                h = min(y2, columns[3, a]) - max(y1, columns[1, a])
                spent += 1
                if (w > 0) & (h > 0) & (w * h >= share + columns[4, a]):
                    value = _iou(columns, rows, a, r, offset)
                    if value > iou_threshold:
                        by[order[places[r]]] = order[places[a]]
                        iou[order[places[r]]] = value
                        break
            r += 1
        run += 1
        if run < starts.shape[0] - 1:
            r = starts[run]
        count = 0
    return 0
