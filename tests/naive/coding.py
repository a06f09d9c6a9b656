"""Box coding in plain Python."""

from __future__ import annotations

import math

CLAMP = math.log(1000 / 16)


def encode_boxes(boxes, anchors, *, weights=(1, 1, 1, 1), offset=0):
    """Girshick et al. 2014, appendix C, eqs. 6 to 9."""
    deltas = []
    for (x1, y1, x2, y2), (u1, v1, u2, v2) in zip(boxes, anchors, strict=True):
        w, h, pw, ph = x2 - x1 + offset, y2 - y1 + offset, u2 - u1 + offset, v2 - v1 + offset
        tx = (x1 + 0.5 * w - (u1 + 0.5 * pw)) / pw
        ty = (y1 + 0.5 * h - (v1 + 0.5 * ph)) / ph
        row = (tx, ty, math.log(w / pw), math.log(h / ph))
        deltas.append([weight * value for weight, value in zip(weights, row, strict=True)])
    return deltas


def decode_boxes(deltas, anchors, *, weights=(1, 1, 1, 1), offset=0, clamp=CLAMP):
    """Girshick et al. 2014, appendix C, eqs. 1 to 4; less than a pixel collapses onto its first corner."""
    boxes = []
    for moves, (u1, v1, u2, v2) in zip(deltas, anchors, strict=True):
        pw, ph = u2 - u1 + offset, v2 - v1 + offset
        row = []
        for k in range(0, len(moves), 4):
            tx, ty, tw, th = (value / weight for value, weight in zip(moves[k : k + 4], weights, strict=True))
            if clamp is not None:
                tw, th = min(tw, clamp), min(th, clamp)
            x, y = tx * pw + (u1 + 0.5 * pw), ty * ph + (v1 + 0.5 * ph)
            w, h = math.exp(tw) * pw, math.exp(th) * ph
            x1, y1 = x - 0.5 * w, y - 0.5 * h
            row += [x1, y1, max(x + 0.5 * w - offset, x1), max(y + 0.5 * h - offset, y1)]
        boxes.append(row)
    return boxes
