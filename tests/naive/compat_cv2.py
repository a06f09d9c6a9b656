"""OpenCV's suppression as its documentation and its rules say, in float64: boxes are x, y, width, height."""

from __future__ import annotations

import math


def overlap(a, b):
    """Intersection over union; two boxes without area count as identical."""
    w = max(min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]), 0.0)
    h = max(min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]), 0.0)
    total = a[2] * a[3] + b[2] * b[3]
    return w * h / (total - w * h) if total > 0 else 1.0


def nms_boxes(bboxes, scores, score_threshold, nms_threshold, eta=1.0, top_k=0, class_ids=None):
    """Best first; a kept box lowers the threshold to ``eta`` of it while it exceeds a half."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    order = [i for i in order if scores[i] > score_threshold]
    keep, threshold = [], nms_threshold
    for i in order[:top_k] if top_k > 0 else order:
        for j in keep:
            alike = class_ids is None or class_ids[i] == class_ids[j] or bboxes[i][2] * bboxes[i][3] == 0
            if alike and overlap(bboxes[i], bboxes[j]) > threshold:
                break
        else:
            keep.append(i)
            if eta < 1 and threshold > 0.5:
                threshold *= eta
    return keep


def soft_nms_boxes(bboxes, scores, score_threshold, nms_threshold, top_k=0, sigma=0.5, method=2):
    """Bodla et al. 2017: the best box is taken, those that it overlaps fall, again and again."""
    left, fallen = list(range(len(scores))), list(scores)
    keep, marks = [], []
    while left and (top_k == 0 or len(keep) < top_k):
        best = max(left, key=lambda i: (fallen[i], -i))
        if fallen[best] < score_threshold:
            break
        left.remove(best)
        keep.append(best)
        marks.append(fallen[best])
        for i in left:
            if fallen[i] >= score_threshold:
                value = overlap(bboxes[best], bboxes[i])
                if method == 2:
                    fallen[i] *= math.exp(-value * value / sigma)
                elif value > nms_threshold:
                    fallen[i] *= 1.0 - value
    return marks, keep
