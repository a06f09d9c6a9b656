"""Suppression of mmcv and ``multiclass_nms`` of mmdet in plain Python, as they are documented."""

from __future__ import annotations

import math

from tests.naive.suppression import iou


def nms(boxes, scores, iou_threshold, offset=0, score_threshold=0, max_num=-1, labels=None):
    """Kept rows by decreasing score; a score threshold counts above 0, and so does a number."""
    left = sorted(range(len(scores)), key=lambda i: -scores[i])
    if score_threshold > 0:
        left = [i for i in left if scores[i] > score_threshold]
    keep = []
    while left:
        best = left.pop(0)
        keep.append(best)
        left = [
            i for i in left
            if (labels is not None and labels[i] != labels[best]) or iou(boxes[best], boxes[i], offset) <= iou_threshold
        ]  # fmt: skip
    return keep[:max_num] if max_num > 0 else keep


def soft_nms(
    boxes, scores, iou_threshold=0.3, sigma=0.5, min_score=1e-3, method="linear", offset=0, labels=None,
):  # fmt: skip
    """Kept rows and their new scores. What falls below the least score is left out; the first box is not looked at."""
    scores, left = list(scores), list(range(len(scores)))
    keep = []
    while left:
        best = max(left, key=lambda i: (scores[i], -i))
        keep.append(best)
        left.remove(best)
        for i in left:
            overlap = iou(boxes[best], boxes[i], offset)
            if labels is not None and labels[i] != labels[best]:
                continue
            if method == "gaussian":
                scores[i] *= math.exp(-overlap * overlap / sigma)
            elif overlap >= iou_threshold:
                scores[i] *= 1 - overlap if method == "linear" else 0
        left = [i for i in left if scores[i] >= min_score]
    return keep, [scores[i] for i in keep]


def multiclass_nms(multi_bboxes, multi_scores, score_thr, iou_threshold, max_num=-1, score_factors=None):
    """Boxes, scores, labels and numbers of the detections, the last class being the background."""
    classes = len(multi_scores[0]) - 1
    boxes, scores, labels, numbers = [], [], [], []
    for row, values in enumerate(multi_scores):
        for label in range(classes):
            if values[label] > score_thr:
                place = 4 * label if len(multi_bboxes[row]) > 4 else 0
                boxes.append(multi_bboxes[row][place : place + 4])
                scores.append(values[label] * (1 if score_factors is None else score_factors[row]))
                labels.append(label)
                numbers.append(row * classes + label)
    keep = nms(boxes, scores, iou_threshold, max_num=max_num, labels=labels)
    return [[boxes[i], scores[i], labels[i], numbers[i]] for i in keep]
