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
    "Tuple((int64[::1], float64[::1]))(float32[:,::1], float64[:,::1], int64[::1], boolean[::1], int32[::1], "
    "int32[::1], int64, int64, float64, float64)"
)
def explain(
    columns: F4,
    rows: F8,
    starts: I8,
    kept: B1,
    order: I4,
    places: I4,
    n: int,
    last: int,
    iou_threshold: float,
    offset: float,
) -> tuple[I8, F8]:
    """(suppressor or -1, IoU or 0) of each box; candidates beyond rank ``last`` were never met."""
    by = np.full(n, -1, np.int64)
    iou = np.zeros(n, np.float64)
    best = np.empty(columns.shape[1], np.int64)
    for run in range(starts.shape[0] - 1):
        count = 0
        for r in range(starts[run], starts[run + 1]):
            if places[r] > last:
                break
            if kept[r]:
                best[count] = r
                count += 1
                continue
            x1, y1, x2, y2, share = columns[0, r], columns[1, r], columns[2, r], columns[3, r], columns[4, r]
            for k in range(count):
                a = best[k]
                w = min(x2, columns[2, a]) - max(x1, columns[0, a])
                h = min(y2, columns[3, a]) - max(y1, columns[1, a])
                if (w > 0) & (h > 0) & (w * h >= share + columns[4, a]):
                    value = _iou(columns, rows, a, r, offset)
                    if value > iou_threshold:
                        by[order[places[r]]] = order[places[a]]
                        iou[order[places[r]]] = value
                        break
    return by, iou
