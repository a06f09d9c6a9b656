"""Box coding: boxes as displacements of anchors, and back."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from detutils._jit import F4, F8, inlined, kernel

Four: TypeAlias = tuple[float, float, float, float]

LARGEST = 1.7976931348623157e308
LARGEST_FLOAT32 = 3.4028234663852886e38


@inlined
def _in_range(a: float, b: float, c: float, d: float, largest: float) -> bool:
    return (abs(a) <= largest) & (abs(b) <= largest) & (abs(c) <= largest) & (abs(d) <= largest)


@inlined
def _encode(boxes: Any, anchors: Any, weights: Four, offset: float, largest: float, out: Any) -> int:
    bad = -1
    for i in range(boxes.shape[0] - 1, -1, -1):
        ax, ay = float(anchors[i, 0]), float(anchors[i, 1])
        aw, ah = float(anchors[i, 2]) - ax + offset, float(anchors[i, 3]) - ay + offset
        bx, by = float(boxes[i, 0]), float(boxes[i, 1])
        bw, bh = float(boxes[i, 2]) - bx + offset, float(boxes[i, 3]) - by + offset
        if not ((aw > 0.0) & (ah > 0.0) & (bw > 0.0) & (bh > 0.0)):
            bad = i
            continue
        dx = weights[0] * (((bx + 0.5 * bw) - (ax + 0.5 * aw)) / aw)
        dy = weights[1] * (((by + 0.5 * bh) - (ay + 0.5 * ah)) / ah)
        dw, dh = weights[2] * math.log(bw / aw), weights[3] * math.log(bh / ah)
        if not _in_range(dx, dy, dw, dh, largest):
            bad = i
            continue
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = dx, dy, dw, dh
    return bad


@kernel("int64(float64[:,::1], float64[:,::1], UniTuple(float64, 4), float64, float64[:,::1])")
def encode(boxes: F8, anchors: F8, weights: Four, offset: float, out: F8) -> int:
    """Write the deltas; return the first row without (a side is 0, a number leaves the range), or -1."""
    return _encode(boxes, anchors, weights, offset, LARGEST, out)


@kernel("int64(float32[:,::1], float32[:,::1], UniTuple(float64, 4), float64, float32[:,::1])")
def encode_float32(boxes: F4, anchors: F4, weights: Four, offset: float, out: F4) -> int:
    return _encode(boxes, anchors, weights, offset, LARGEST_FLOAT32, out)


@inlined
def _decode(
    deltas: Any, anchors: Any, weights: Four, offset: float, clamp: float, largest: float, out: Any
) -> int:
    bad = -1
    for i in range(deltas.shape[0] - 1, -1, -1):
        ax, ay = float(anchors[i, 0]), float(anchors[i, 1])
        aw, ah = float(anchors[i, 2]) - ax + offset, float(anchors[i, 3]) - ay + offset
        cx, cy = ax + 0.5 * aw, ay + 0.5 * ah
        for k in range(0, deltas.shape[1], 4):
            x = float(deltas[i, k]) / weights[0] * aw + cx
            y = float(deltas[i, k + 1]) / weights[1] * ah + cy
            dw, dh = float(deltas[i, k + 2]) / weights[2], float(deltas[i, k + 3]) / weights[3]
            half_w = 0.5 * (math.exp(dw if dw < clamp else clamp) * aw)
            half_h = 0.5 * (math.exp(dh if dh < clamp else clamp) * ah)
            x1, y1, x2, y2 = x - half_w, y - half_h, x + half_w - offset, y + half_h - offset
            x2, y2 = x2 if x2 > x1 else x1, y2 if y2 > y1 else y1  # less than a pixel is a box still
            if not _in_range(x1, y1, x2, y2, largest):
                bad = i
                continue
            out[i, k], out[i, k + 1], out[i, k + 2], out[i, k + 3] = x1, y1, x2, y2
    return bad


@kernel("int64(float64[:,::1], float64[:,::1], UniTuple(float64, 4), float64, float64, float64[:,::1])")
def decode(deltas: F8, anchors: F8, weights: Four, offset: float, clamp: float, out: F8) -> int:
    """Write the boxes; return the first row with a coordinate out of range, or -1."""
    return _decode(deltas, anchors, weights, offset, clamp, LARGEST, out)


@kernel("int64(float32[:,::1], float32[:,::1], UniTuple(float64, 4), float64, float64, float32[:,::1])")
def decode_float32(deltas: F4, anchors: F4, weights: Four, offset: float, clamp: float, out: F4) -> int:
    return _decode(deltas, anchors, weights, offset, clamp, LARGEST_FLOAT32, out)
