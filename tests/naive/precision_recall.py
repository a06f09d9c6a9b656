"""Definitions for ``detutils.evaluation.precision_recall``."""

from __future__ import annotations

import math


def precision_recall_curve(scores, matched, positives, ignored=None):
    """Scores, recalls and precisions after each detection (VOCevaldet.m of the VOC devkit)."""
    ignored = ignored or [False] * len(scores)
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    right = wrong = 0
    recall, precision = [], []
    for i in order:
        right += matched[i] and not ignored[i]
        wrong += not matched[i] and not ignored[i]
        recall.append(right / positives if positives else math.nan)
        precision.append(right / (right + wrong) if right + wrong else 0.0)
    return [scores[i] for i in order], recall, precision


def average_precision(recall, precision, method="area"):
    """VOCap.m of the devkit: both of its rules; the levels are voc_eval.py's ``arange(0, 1.1, 0.1)``."""
    if any(math.isnan(value) for value in recall):
        return math.nan
    if method == "11-point":
        total = 0.0
        for i in range(11):
            beyond = [p for r, p in zip(recall, precision, strict=True) if r >= i * 0.1]
            total += max(beyond, default=0.0) / 11
        return total
    r, p = [0.0, *recall, 1.0], [0.0, *precision, 0.0]
    for i in range(len(p) - 2, -1, -1):
        p[i] = max(p[i], p[i + 1])
    return sum((r[i + 1] - r[i]) * p[i + 1] for i in range(len(r) - 1))
