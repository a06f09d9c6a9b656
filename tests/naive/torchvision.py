"""What torchvision documents beyond the papers, in plain Python: ``eps`` in the denominators, boxes around masks."""

from __future__ import annotations

import math

from tests.naive.overlaps import pair_iou


def distance_box_iou(boxes1, boxes2, eps=1e-7):
    """IoU minus the squared distance of the centers over the squared diagonal of the hull plus ``eps``."""
    return [[_pair_diou(a, b, eps) for b in boxes2] for a in boxes1]


def _pair_diou(a, b, eps):
    wide, high = max(a[2], b[2]) - min(a[0], b[0]), max(a[3], b[3]) - min(a[1], b[1])
    across, down = (a[0] + a[2]) / 2 - (b[0] + b[2]) / 2, (a[1] + a[3]) / 2 - (b[1] + b[3]) / 2
    return pair_iou(a, b, 0) - (across**2 + down**2) / (wide**2 + high**2 + eps)


def complete_box_iou(boxes1, boxes2, eps=1e-7):
    """The former minus alpha v, with ``eps`` in the denominator of alpha, too."""
    return [[_pair_ciou(a, b, eps) for b in boxes2] for a in boxes1]


def _pair_ciou(a, b, eps):
    turn_a, turn_b = math.atan2(a[2] - a[0], a[3] - a[1]), math.atan2(b[2] - b[0], b[3] - b[1])
    v = 4 / math.pi**2 * (turn_a - turn_b) ** 2
    return _pair_diou(a, b, eps) - v * v / (1 - pair_iou(a, b, 0) + v + eps)


def masks_to_boxes(masks):
    """The least and the greatest column and row of the pixels that are not 0."""
    boxes = []
    for mask in masks:
        marked = [(x, y) for y, row in enumerate(mask) for x, value in enumerate(row) if value]
        columns, rows = zip(*marked, strict=True)
        boxes.append([min(columns), min(rows), max(columns), max(rows)])
    return boxes
