"""Prior boxes and what a network says of them, in plain Python."""

from __future__ import annotations

import math


def prior_boxes(input_size, strides, min_sizes, max_sizes=None, ratios=None, *, grid_sizes=None, clip=None):
    """Liu et al. 2016, section 2.2; lists of numbers for each stride."""
    height, width = input_size
    boxes = []
    for level, stride in enumerate(strides):
        grid = grid_sizes[level] if grid_sizes else (math.ceil(height / stride), math.ceil(width / stride))
        sides = []
        for place, least in enumerate(min_sizes[level]):
            sides.append((least, least))
            if max_sizes and max_sizes[level]:
                sides.append((math.sqrt(least * max_sizes[level][place]),) * 2)
            for ratio in ratios[level] if ratios else ():
                sides.append((least * math.sqrt(ratio), least / math.sqrt(ratio)))
                sides.append((least / math.sqrt(ratio), least * math.sqrt(ratio)))
        for row in range(grid[0]):
            for column in range(grid[1]):
                for w, h in sides:
                    x, y = (column + 0.5) * stride, (row + 0.5) * stride
                    if clip == "centers":
                        x, y = min(x, width), min(y, height)
                    if clip in ("sides", "centers"):
                        w, h = min(w, width), min(h, height)
                    box = [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
                    if clip == "corners":
                        box = [min(max(value, 0), side) for value, side in zip(box, (width, height) * 2, strict=True)]
                    boxes.append(box)
    return boxes


def decode_priors(locations, priors, *, variances=(0.1, 0.2), coding="center"):
    """Liu et al. 2016, eq. 2, solved for the box; Caffe's CORNER; BlazeFace's sides without exponentials."""
    boxes = []
    for (a, b, c, d), (x1, y1, x2, y2) in zip(locations, priors, strict=True):
        first, second = variances
        if coding == "corner":
            boxes.append([x1 + a * first, y1 + b * first, x2 + c * second, y2 + d * second])
            continue
        w, h = x2 - x1, y2 - y1
        x, y = (x1 + x2) / 2 + a * first * w, (y1 + y2) / 2 + b * first * h
        grown = (math.exp(c * second), math.exp(d * second)) if coding == "center" else (c * second, d * second)
        w, h = w * grown[0], h * grown[1]
        boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return boxes


def decode_landmarks(offsets, priors, *, variances=(0.1, 0.2)):
    """Deng et al. 2020: points relative to the prior's center, in its sides."""
    points = []
    for row, (x1, y1, x2, y2) in zip(offsets, priors, strict=True):
        w, h, x, y = x2 - x1, y2 - y1, (x1 + x2) / 2, (y1 + y2) / 2
        pairs = zip(row[::2], row[1::2], strict=True)
        points.append([[x + dx * variances[0] * w, y + dy * variances[0] * h] for dx, dy in pairs])
    return points
