"""Evaluation: what proposals cover, and which detections are right."""

from __future__ import annotations

import numpy as np

from detutils._jit import F8, I8, inlined, kernel


@inlined
def _iou(
    a1: float, b1: float, a2: float, b2: float, area: float, c1: float, d1: float, c2: float, d2: float,
    offset: float,
) -> float:  # fmt: skip
    """IoU of a box of known area and another."""
    width = min(a2, c2) - max(a1, c1) + offset
    height = min(b2, d2) - max(b1, d1) + offset
    if width <= 0.0 or height <= 0.0:
        return 0.0
    shared = width * height
    union = area + (c2 - c1 + offset) * (d2 - d1 + offset) - shared
    return shared / union if union > 0.0 else 0.0


@kernel("float64[:,::1](float64[:,::1], int64[::1], float64[:,::1], int64[::1], int64[::1], float64)")
def best_overlaps(
    objects: F8, objects_from: I8, proposals: F8, proposals_from: I8, budgets: I8, offset: float
) -> F8:
    """IoU of each object with the best of its image's first ``budgets[b]`` proposals; budgets ascend."""
    best = np.zeros((objects.shape[0], budgets.shape[0]))
    for image in range(objects_from.shape[0] - 1):
        first, last = proposals_from[image], proposals_from[image + 1]
        for g in range(objects_from[image], objects_from[image + 1]):
            a1, b1, a2, b2 = objects[g, 0], objects[g, 1], objects[g, 2], objects[g, 3]
            area = (a2 - a1 + offset) * (b2 - b1 + offset)
            so_far, done = 0.0, first
            for b in range(budgets.shape[0]):
                end = min(last, first + budgets[b])
                for p in range(done, end):
                    so_far = max(so_far, _iou(a1, b1, a2, b2, area, proposals[p, 0], proposals[p, 1],
                                              proposals[p, 2], proposals[p, 3], offset))  # fmt: skip
                done = max(done, end)
                best[g, b] = so_far
    return best
