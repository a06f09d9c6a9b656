"""From scores and boxes of every row to detections, in plain Python: the threshold, the best, suppression."""

from __future__ import annotations

import math

from tests.naive.suppression import nms as greedy_nms


def probabilities(row, activation="none", background=None):
    """The scores of a row; what belongs to the background takes part in the softmax and is left out."""
    if activation == "sigmoid":
        row = [1 / (1 + math.exp(-value)) for value in row]
    if activation == "softmax":
        weights = [math.exp(value - max(row)) for value in row]
        row = [weight / sum(weights) for weight in weights]
    if background is None:
        return row
    return row[1:] if background == "first" else row[:-1]


def candidates(table, score_threshold, *, multi_label=False, weights=None, root=False, **options):
    """(row, label, score) of what exceeds the threshold."""
    found = []
    for i, row in enumerate(table):
        scores = probabilities(row, **options)
        if weights is not None:
            scores = [math.sqrt(score * weights[i]) if root else score * weights[i] for score in scores]
        best = max(range(len(scores)), key=lambda c: scores[c])
        wanted = range(len(scores)) if multi_label else [best]
        found += [(i, c, scores[c]) for c in wanted if scores[c] > score_threshold]
    return found


def best(found, most):
    """The ``most`` highest scores, in the order in which they stood."""
    return sorted(sorted(found, key=lambda one: -one[2])[:most]) if most is not None else found


def suppress(found, boxes, iou_threshold, *, class_agnostic=False, max_output=300):
    """The places in ``found`` of what stays, best first; ``boxes`` are those of ``found``."""
    scores, labels = [one[2] for one in found], [one[1] for one in found]
    if iou_threshold is None:
        iou_threshold = 2
    kept = greedy_nms(boxes, scores, iou_threshold) if class_agnostic else []
    for label in set(labels) if not class_agnostic else ():
        mine = [i for i, one in enumerate(labels) if one == label]
        kept += [mine[i] for i in greedy_nms([boxes[i] for i in mine], [scores[i] for i in mine], iou_threshold)]
    return sorted(kept, key=lambda i: (-scores[i], i))[:max_output]
