"""A network of two hidden layers: every row of features is scaled, goes through both layers, and becomes one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F4, F8, I8, inlined, kernel

FARTHEST = 4.0  # what a scaled feature is clipped to
LAYERS = (
    "Tuple((float32[::1], float32[::1], float32[:,::1], float32[::1], float32[:,::1], float32[::1], float32[::1]))"
)


@inlined
def _add(total: Any, weights: Any, values: Any, start: Any) -> None:
    """``total`` plus four rows of weights, each times its value: to read and write ``total`` takes the time."""
    a, b, c, d = values[start], values[start + 1], values[start + 2], values[start + 3]
    first, second, third, fourth = weights[start], weights[start + 1], weights[start + 2], weights[start + 3]
    for h in range(total.shape[0]):
        total[h] += (first[h] * a + second[h] * b) + (third[h] * c + fourth[h] * d)


@inlined
def _layer(values: Any, weights: Any, offsets: Any, total: Any) -> None:
    """``total`` becomes ``values`` times ``weights`` plus ``offsets``."""
    total[:] = offsets
    fours = np.int64(values.shape[0] // 4 * 4)
    for start in range(0, fours, 4):
        _add(total, weights, values, start)
    for f in range(fours, values.shape[0]):
        for h in range(total.shape[0]):
            total[h] += weights[f, h] * values[f]


@kernel(f"void(float32[:,::1], int64[::1], {LAYERS}, float64[::1])")
def add_outputs(features: F4, rows: I8, layers: tuple[Any, ...], scores: F8) -> None:
    """Adds to the scores of ``rows`` what the network makes of them.

    ``layers`` are the mean and one over the spread of each feature, weights (features, H) and offsets of the first
    layer, weights (H, K) and offsets of the second, and weights of the output. Layers pass on what is positive.
    """
    means, scales, first, first_offsets, second, second_offsets, last = layers
    low, high, zero = np.float32(-FARTHEST), np.float32(FARTHEST), np.float32(0)
    scaled = np.empty(features.shape[1], np.float32)
    wide, deep = np.empty(first.shape[1], np.float32), np.empty(second.shape[1], np.float32)
    for row in rows:
        own = features[row]
        for f in range(scaled.shape[0]):
            scaled[f] = min(max((own[f] - means[f]) * scales[f], low), high)
        _layer(scaled, first, first_offsets, wide)
        for h in range(wide.shape[0]):
            wide[h] = max(wide[h], zero)
        _layer(wide, second, second_offsets, deep)
        total = np.float64(0)
        for k in range(last.shape[0]):
            total += np.float64(max(deep[k], zero) * last[k])
        scores[row] += total
