"""The box functions of ssd.pytorch in plain Python, as they are documented: lists in, lists out."""

from __future__ import annotations

import math

from tests.naive.suppression import intersection, iou


def point_form(boxes):
    """Half a size to each side of the center."""
    return [[cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2] for cx, cy, w, h in boxes]


def center_size(boxes):
    """The way back."""
    return [[(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1] for x1, y1, x2, y2 in boxes]


def intersect(box_a, box_b):
    """Areas of intersections."""
    return [[intersection(a, b) for b in box_b] for a in box_a]


def jaccard(box_a, box_b):
    """Intersection over union."""
    return [[iou(a, b) for b in box_b] for a in box_a]


def encode(matched, priors, variances):
    """Liu et al. 2016, equation 2, divided by the variances."""
    loc = []
    for (x, y, w, h), (cx, cy, pw, ph) in zip(center_size(matched), priors, strict=True):
        move = [(x - cx) / pw / variances[0], (y - cy) / ph / variances[0]]
        loc.append([*move, math.log(w / pw) / variances[1], math.log(h / ph) / variances[1]])
    return loc


def decode(loc, priors, variances):
    """The way back."""
    boxes = []
    for (dx, dy, dw, dh), (cx, cy, w, h) in zip(loc, priors, strict=True):
        center = [cx + dx * variances[0] * w, cy + dy * variances[0] * h]
        boxes.append([*center, w * math.exp(dw * variances[1]), h * math.exp(dh * variances[1])])
    return point_form(boxes)


def nms(boxes, scores, overlap=0.5, top_k=200):
    """From the end of the ascending order, of which only the last ``top_k`` are looked at (all for 0)."""
    left = sorted(range(len(scores)), key=lambda i: scores[i])[-top_k:]
    keep = [0] * len(scores)
    count = 0
    while left:
        best = left.pop()
        keep[count] = best
        count += 1
        left = [i for i in left if iou(boxes[best], boxes[i]) <= overlap]
    return keep, count
