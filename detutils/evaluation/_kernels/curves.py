"""Precision against recall: curves, the areas below them, and COCO's levels of recall."""

from __future__ import annotations

import numpy as np

from detutils._jit import F8, I8, inlined, kernel


@inlined
def envelope(precision: F8) -> None:
    """Replace each precision by the best at its recall or beyond."""
    for k in range(precision.shape[0] - 2, -1, -1):
        precision[k] = max(precision[k], precision[k + 1])


@kernel("float64(float64[::1], float64[::1])")
def area_under(recall: F8, precision: F8) -> float:
    """The area under the envelope of a curve (VOCap.m)."""
    best = precision.copy()
    envelope(best)
    area, before = 0.0, 0.0
    for k in range(recall.shape[0]):
        area += (recall[k] - before) * best[k]
        before = recall[k]
    return area


@kernel("float64(float64[::1], float64[::1])")
def eleven_points(recall: F8, precision: F8) -> float:
    """The mean of the envelope at the recalls 0, 0.1, ... 1 (VOC 2007)."""
    best = precision.copy()
    envelope(best)
    total, k = 0.0, 0
    for i in range(11):
        while k < recall.shape[0] and recall[k] < i * 0.1:
            k += 1
        total += best[k] if k < recall.shape[0] else 0.0
    return total / 11.0


@kernel("void(int64[::1], int64[::1], int64[::1], float64[::1], float64[::1])")
def voc_curves(outcomes: I8, order_from: I8, positives: I8, recall: F8, precision: F8) -> None:
    """Recall and precision after each detection of each class; an ignored one repeats the point before."""
    for c in range(positives.shape[0]):
        right, wrong = 0, 0
        for k in range(order_from[c], order_from[c + 1]):
            right += outcomes[k] == 1
            wrong += outcomes[k] == 0
            recall[k] = right / positives[c] if positives[c] > 0 else np.nan
            precision[k] = right / max(right + wrong, 1)
