"""A network of two hidden layers: every row of features is scaled, goes through both layers, and becomes one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F4, F8, kernel

FARTHEST = 4.0  # what a scaled feature is clipped to
LAYERS = (
    "Tuple((float32[::1], float32[::1], float32[:,::1], float32[::1], float32[:,::1], float32[::1], float32[::1]))"
)


@kernel(f"void(float32[:,::1], {LAYERS}, float64[::1])")
def add_outputs(features: F4, layers: tuple[Any, ...], scores: F8) -> None:
    """Adds to each row's score what the network makes of its features.

    ``layers`` are the mean and one over the spread of each feature, weights (features, H) and offsets of the first
    layer, weights (H, K) and offsets of the second, and weights of the output. Layers pass on what is positive.

    Both layers are written out here, where the compiler knows that the arrays between them are apart. To read weights
    and totals takes the time: so two rows at once, an odd one as both, and four features.
    """
    means, scales, first, first_offsets, second, second_offsets, last = layers
    low, high, zero = np.float32(-FARTHEST), np.float32(FARTHEST), np.float32(0)
    scaled = np.empty((2, features.shape[1]), np.float32)
    wide, deep = np.empty((2, first.shape[1]), np.float32), np.empty((2, second.shape[1]), np.float32)
    features_fours, wide_fours = np.int64(scaled.shape[1] // 4 * 4), np.int64(wide.shape[1] // 4 * 4)
    for start in range(0, scores.shape[0], 2):
        one, other = scaled[0], scaled[1]
        here, there = features[start], features[min(start + 1, scores.shape[0] - 1)]
        for f in range(one.shape[0]):
            one[f] = min(max((here[f] - means[f]) * scales[f], low), high)
            other[f] = min(max((there[f] - means[f]) * scales[f], low), high)
        total, total_other = wide[0], wide[1]
        total[:] = first_offsets
        total_other[:] = first_offsets
        for f in range(0, features_fours, 4):
            a, b, c, d = first[f], first[f + 1], first[f + 2], first[f + 3]
            p, q, r, s = one[f], one[f + 1], one[f + 2], one[f + 3]
            t, u, v, w = other[f], other[f + 1], other[f + 2], other[f + 3]
            for h in range(total.shape[0]):
                total[h] += (a[h] * p + b[h] * q) + (c[h] * r + d[h] * s)
                total_other[h] += (a[h] * t + b[h] * u) + (c[h] * v + d[h] * w)
        for f in range(features_fours, one.shape[0]):
            for h in range(total.shape[0]):
                total[h] += first[f, h] * one[f]
                total_other[h] += first[f, h] * other[f]

        one, other = wide[0], wide[1]
        for h in range(one.shape[0]):
            one[h], other[h] = max(one[h], zero), max(other[h], zero)
        total, total_other = deep[0], deep[1]
        total[:] = second_offsets
        total_other[:] = second_offsets
        for h in range(0, wide_fours, 4):
            a, b, c, d = second[h], second[h + 1], second[h + 2], second[h + 3]
            p, q, r, s = one[h], one[h + 1], one[h + 2], one[h + 3]
            t, u, v, w = other[h], other[h + 1], other[h + 2], other[h + 3]
            for k in range(total.shape[0]):
                total[k] += (a[k] * p + b[k] * q) + (c[k] * r + d[k] * s)
                total_other[k] += (a[k] * t + b[k] * u) + (c[k] * v + d[k] * w)
        for h in range(wide_fours, one.shape[0]):
            for k in range(total.shape[0]):
                total[k] += second[h, k] * one[h]
                total_other[k] += second[h, k] * other[h]

        for row in range(min(2, scores.shape[0] - start)):
            output = np.float64(0)
            for k in range(last.shape[0]):
                output += np.float64(max(deep[row, k], zero) * last[k])
            scores[start + row] += output
