"""Element-wise box arithmetic: formats, areas, clipping, side lengths.

The float32 kernels compute in float64 and round once, at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F4, F8, I8, inlined, kernel
from detutils._kernels.limits import LIMIT

# The two low values of a format code say how its numbers are meant; 4 is added for fractions of the image.
CORNERS = 0
CORNER_SIZE = 1
CENTER_SIZE = 2
NORMALIZED = 4


@kernel("int64(float64[:,::1], int64, int64, float64, float64, float64, float64[:,::1])")
def convert(boxes: F8, source: int, target: int, height: float, width: float, largest: float, out: F8) -> int:
    """Write the converted rows; return the first row that was no box or exceeds ``largest`` now, or -1.

    The first number of such a row becomes NaN.
    """
    from_fractions, to_fractions = source >= NORMALIZED, target >= NORMALIZED
    source, target = source % NORMALIZED, target % NORMALIZED
    same_meaning = source == target
    bad = -1
    for i in range(boxes.shape[0] - 1, -1, -1):
        a, b, c, d = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
        good = (a <= c) & (b <= d) if source == CORNERS else (c >= 0.0) & (d >= 0.0)
        good = good & (abs(a) <= LIMIT) & (abs(b) <= LIMIT) & (abs(c) <= LIMIT) & (abs(d) <= LIMIT)
        if not good:
            bad, out[i, 0] = i, np.nan
            continue
        if from_fractions and not to_fractions:
            a, b, c, d = a * width, b * height, c * width, d * height
        elif to_fractions and not from_fractions:
            a, b, c, d = a / width, b / height, c / width, d / height
        if not same_meaning:
            if source == CORNERS:  # by way of the corner and the size
                c, d = c - a, d - b
            elif source == CENTER_SIZE:
                a, b = a - 0.5 * c, b - 0.5 * d
            if target == CORNERS:
                c, d = a + c, b + d
            elif target == CENTER_SIZE:
                a, b = a + 0.5 * c, b + 0.5 * d
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = a, b, c, d
        if not ((abs(a) <= largest) & (abs(b) <= largest) & (abs(c) <= largest) & (abs(d) <= largest)):
            bad, out[i, 0] = i, np.nan
    return bad


@inlined
def _areas(boxes: Any, offset: float, out: F8) -> None:
    for i in range(boxes.shape[0]):
        x1, y1 = np.float64(boxes[i, 0]), np.float64(boxes[i, 1])
        x2, y2 = np.float64(boxes[i, 2]), np.float64(boxes[i, 3])
        out[i] = (x2 - x1 + offset) * (y2 - y1 + offset)


@kernel("float64[::1](float64[:,::1], float64)")
def areas(boxes: F8, offset: float) -> F8:
    out = np.empty(boxes.shape[0], np.float64)
    _areas(boxes, offset, out)
    return out


@kernel("float64[::1](float32[:,::1], float64)")
def areas_float32(boxes: F4, offset: float) -> F8:
    out = np.empty(boxes.shape[0], np.float64)
    _areas(boxes, offset, out)
    return out


@inlined
def _clip(boxes: Any, right: float, bottom: float, out: Any) -> None:
    for i in range(boxes.shape[0]):
        x1, y1 = np.float64(boxes[i, 0]), np.float64(boxes[i, 1])
        x2, y2 = np.float64(boxes[i, 2]), np.float64(boxes[i, 3])
        out[i, 0], out[i, 1] = min(max(x1, 0.0), right), min(max(y1, 0.0), bottom)
        out[i, 2], out[i, 3] = min(max(x2, 0.0), right), min(max(y2, 0.0), bottom)


@kernel("float64[:,::1](float64[:,::1], float64, float64)")
def clip(boxes: F8, right: float, bottom: float) -> F8:
    out = np.empty(boxes.shape, np.float64)
    _clip(boxes, right, bottom, out)
    return out


@kernel("float32[:,::1](float32[:,::1], float64, float64)")
def clip_float32(boxes: F4, right: float, bottom: float) -> F4:
    out = np.empty(boxes.shape, np.float32)
    _clip(boxes, right, bottom, out)
    return out


@kernel("int64[::1](float64[:,::1], float64, float64)")
def large_enough(boxes: F8, min_size: float, offset: float) -> I8:
    found = np.empty(boxes.shape[0], np.int64)
    count = 0
    for i in range(boxes.shape[0]):
        found[count] = i
        wide = boxes[i, 2] - boxes[i, 0] + offset >= min_size
        high = boxes[i, 3] - boxes[i, 1] + offset >= min_size
        count += 1 if wide and high else 0
    return found[:count].copy()
