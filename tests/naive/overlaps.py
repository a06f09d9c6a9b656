"""Overlap measures in plain Python, two loops each."""

from __future__ import annotations

import math


def _area(box, offset):
    return (box[2] - box[0] + offset) * (box[3] - box[1] + offset)


def _intersection(a, b, offset):
    wide = min(a[2], b[2]) - max(a[0], b[0]) + offset
    if wide <= 0.0:
        return 0.0
    high = min(a[3], b[3]) - max(a[1], b[1]) + offset
    return wide * high if high > 0.0 else 0.0


def _hull(a, b, offset):
    return max(a[2], b[2]) - min(a[0], b[0]) + offset, max(a[3], b[3]) - min(a[1], b[1]) + offset


def pair_ioa(a, b, offset):
    """Crowd overlap of Lin et al. 2014."""
    return _intersection(a, b, offset) / _area(a, offset) if _area(a, offset) > 0 else 0.0


def pair_iou(a, b, offset):
    """Everingham et al. 2010, eq. 3."""
    common = _intersection(a, b, offset)
    if common == 0.0:
        return 0.0
    return common / (_area(a, offset) + _area(b, offset) - common)


def pair_giou(a, b, offset):
    """Rezatofighi et al. 2019, algorithm 1."""
    union = _area(a, offset) + _area(b, offset) - _intersection(a, b, offset)
    wide, high = _hull(a, b, offset)
    return pair_iou(a, b, offset) - ((wide * high - union) / (wide * high) if wide * high > 0 else 0.0)


def pair_diou(a, b, offset):
    """Zheng et al. 2020, eqs. 6 and 7."""
    across, down = (a[0] + a[2]) / 2 - (b[0] + b[2]) / 2, (a[1] + a[3]) / 2 - (b[1] + b[3]) / 2
    wide, high = _hull(a, b, offset)
    diagonal = wide * wide + high * high
    return pair_iou(a, b, offset) - ((across * across + down * down) / diagonal if diagonal > 0 else 0.0)


def pair_ciou(a, b, offset):
    """Zheng et al. 2020, eqs. 8 to 11."""
    turn_a = math.atan2(a[2] - a[0] + offset, a[3] - a[1] + offset)
    turn_b = math.atan2(b[2] - b[0] + offset, b[3] - b[1] + offset)
    v = 4 / math.pi**2 * (turn_a - turn_b) ** 2
    alpha = v / (1 - pair_iou(a, b, offset) + v) if v > 0 else 0.0
    return pair_diou(a, b, offset) - alpha * v


def box_iou(boxes1, boxes2, *, offset=0):
    return [[pair_iou(a, b, offset) for b in boxes2] for a in boxes1]


def box_ioa(boxes1, boxes2, *, offset=0):
    return [[pair_ioa(a, b, offset) for b in boxes2] for a in boxes1]


def generalized_box_iou(boxes1, boxes2, *, offset=0):
    return [[pair_giou(a, b, offset) for b in boxes2] for a in boxes1]


def distance_box_iou(boxes1, boxes2, *, offset=0):
    return [[pair_diou(a, b, offset) for b in boxes2] for a in boxes1]


def complete_box_iou(boxes1, boxes2, *, offset=0):
    return [[pair_ciou(a, b, offset) for b in boxes2] for a in boxes1]
