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
def _add(total: Any, weights: Any, value: Any) -> None:
    """``total`` plus ``weights`` times ``value``: a loop of its own turns into vectors."""
    for h in range(total.shape[0]):
        total[h] += weights[h] * value


@kernel(f"void(float32[:,::1], int64[::1], {LAYERS}, float64[::1])")
def add_outputs(features: F4, rows: I8, layers: tuple[Any, ...], scores: F8) -> None:
    """Adds to the scores of ``rows`` what the network makes of them.

    ``layers`` are the mean and one over the spread of each feature, weights (features, H) and offsets of the first
    layer, weights (H, K) and offsets of the second, and weights of the output. Layers pass on what is positive.
    """
    means, scales, first, first_offsets, second, second_offsets, last = layers
    low, high, zero = np.float32(-FARTHEST), np.float32(FARTHEST), np.float32(0)
    hidden, deeper = np.empty(first.shape[1], np.float32), np.empty(second.shape[1], np.float32)
    for row in rows:
        hidden[:] = first_offsets
        for f in range(first.shape[0]):
            _add(hidden, first[f], min(max((features[row, f] - means[f]) * scales[f], low), high))
        deeper[:] = second_offsets
        for h in range(second.shape[0]):
            if hidden[h] > zero:
                _add(deeper, second[h], hidden[h])
        total = np.float64(0)
        for k in range(last.shape[0]):
            total += np.float64(max(deeper[k], zero) * last[k])
        scores[row] += total
