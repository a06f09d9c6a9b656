"""Definitions for ``detutils.evaluation.recall``: boxes are lists of four, one list of boxes an image."""

from __future__ import annotations

import math


def iou(a, b, offset=0):
    """Intersection over union; 0 where the union is empty."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + offset
    height = min(a[3], b[3]) - max(a[1], b[1]) + offset
    if width <= 0 or height <= 0:
        return 0.0
    area_a = (a[2] - a[0] + offset) * (a[3] - a[1] + offset)
    area_b = (b[2] - b[0] + offset) * (b[3] - b[1] + offset)
    return width * height / (area_a + area_b - width * height)


def best_overlap(box, proposals, budget, offset):
    """The IoU of the best of the first proposals."""
    first = proposals if budget is None else proposals[:budget]
    return max([iou(box, proposal, offset) for proposal in first], default=0.0)


def proposal_recall(proposals, ground_truth, *, iou_thresholds, budgets, offset=0):
    """recall[b][t] and average_recall[b] (Hosang et al. 2016, section 4, over the thresholds given)."""
    recall = []
    for budget in budgets:
        best = [
            best_overlap(box, found, budget, offset)
            for found, boxes in zip(proposals, ground_truth, strict=True)
            for box in boxes
        ]
        covered = [sum(value >= level for value in best) for level in iou_thresholds]
        recall.append([count / len(best) if best else math.nan for count in covered])
    return recall, [sum(row) / len(row) for row in recall]


def average_best_overlap(proposals, ground_truth, *, budget=None, offset=0):
    """{label: ABO} and MABO (Uijlings et al. 2013, equation 8); ground truth is (boxes, labels) an image."""
    best = {}
    for found, (boxes, labels) in zip(proposals, ground_truth, strict=True):
        for box, label in zip(boxes, labels, strict=True):
            best.setdefault(label, []).append(best_overlap(box, found, budget, offset))
    abo = {label: sum(values) / len(values) for label, values in sorted(best.items())}
    return abo, sum(abo.values()) / len(abo) if abo else math.nan
