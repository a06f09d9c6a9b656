"""Overlap measures in plain Python, row by row; the measures themselves stand in ``overlaps.py``."""

from __future__ import annotations

from tests.naive.overlaps import pair_ciou, pair_diou, pair_giou, pair_ioa, pair_iou


def aligned_box_iou(boxes1, boxes2, *, offset=0):
    return [pair_iou(a, b, offset) for a, b in zip(boxes1, boxes2, strict=True)]


def aligned_box_ioa(boxes1, boxes2, *, offset=0):
    return [pair_ioa(a, b, offset) for a, b in zip(boxes1, boxes2, strict=True)]


def aligned_generalized_box_iou(boxes1, boxes2, *, offset=0):
    return [pair_giou(a, b, offset) for a, b in zip(boxes1, boxes2, strict=True)]


def aligned_distance_box_iou(boxes1, boxes2, *, offset=0):
    return [pair_diou(a, b, offset) for a, b in zip(boxes1, boxes2, strict=True)]


def aligned_complete_box_iou(boxes1, boxes2, *, offset=0):
    return [pair_ciou(a, b, offset) for a, b in zip(boxes1, boxes2, strict=True)]
