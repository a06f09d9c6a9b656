"""Object keypoint similarity of two poses."""

from __future__ import annotations

import math
from typing import Any

from detutils._jit import F8, inlined, kernel

NOTHING = 745.2  # exp(-745.2) is 0 in float64
SMALLEST_AREA = 2.0**-52  # what pycocotools adds to areas


@inlined
def similarity_of(distance: Any, factor: Any) -> Any:
    """exp(-distance * factor), of a squared distance."""
    exponent = distance * factor
    return math.exp(-exponent) if exponent < NOTHING else 0.0


@kernel("void(float64[:,:,::1], float64[:,:,::1], float64[:,::1], int64, int64, float64[:,::1])")
def oks_matrix(keypoints: F8, objects: F8, factors: F8, start: int, stop: int, similarities: F8) -> None:
    """Fill the rows from ``start`` to before ``stop``.

    ``factors`` (M, P) are what squared distances are multiplied with, below 0 for keypoints that are not labeled.
    """
    for i in range(start, stop):
        for j in range(objects.shape[0]):
            total = 0.0
            count = 0
            for p in range(factors.shape[1]):
                if factors[j, p] >= 0.0:
                    dx, dy = keypoints[i, p, 0] - objects[j, p, 0], keypoints[i, p, 1] - objects[j, p, 1]
                    total += similarity_of(dx * dx + dy * dy, factors[j, p])
                    count += 1
            similarities[i, j] = total / count if count > 0 else 0.0
