"""Definitions of soft-NMS, weighted boxes fusion and box voting: boxes are lists of four."""

from __future__ import annotations

import math

from tests.naive.overlaps import pair_iou


def soft_nms(
    boxes, scores, *, method="gaussian", sigma=0.5, iou_threshold=0.3, score_threshold=0.001, labels=None,
    max_output=None, offset=0,
):  # fmt: skip
    """Kept indices and their new scores (Bodla et al. 2017, figure 2, equations 2 and 3).

    The authors' code keeps a score that equals the threshold; here it drops out, as everywhere in the package.
    """
    scores, left = list(scores), [i for i, score in enumerate(scores) if score > score_threshold]
    keep, new_scores = [], []
    while left and (max_output is None or len(keep) < max_output):
        best = max(left, key=lambda i: (scores[i], -i))
        keep.append(best)
        new_scores.append(scores[best])
        left.remove(best)
        for i in left:
            if labels is not None and labels[i] != labels[best]:
                continue
            overlap = pair_iou(boxes[best], boxes[i], offset)
            if method == "gaussian":
                scores[i] *= math.exp(-(overlap * overlap) / sigma)
            elif overlap > iou_threshold:
                scores[i] *= 1.0 - overlap
        left = [i for i in left if scores[i] > score_threshold]
    return keep, new_scores


def added(numbers):
    """Their sum from left to right: from Python 3.12 on, the built-in carries the rounding errors along."""
    total = 0.0
    for number in numbers:
        total += number
    return total


def mean_box(members):
    """The score-weighted mean of (box, score, ...) members (Solovyev et al. 2021, equations 2 and 3).

    A cluster begins as a copy of its first box, as in the authors' code: no multiplication has rounded it.
    """
    total = added(member[1] for member in members)
    if len(members) == 1:
        return list(members[0][0])
    return [added(member[1] * member[0][side] for member in members) / total for side in range(4)]


def fused_score(members, weights, method, allow_overflow):
    """The score of a cluster of (box, weighted score, label, model) members: equations 5 and 6 for "avg", with and
    without overflow; the other three are those of the authors' code."""
    total = added(member[1] for member in members)
    seen = added(weights[member[3]] for member in members)
    present = added(weights[model] for model in dict.fromkeys(member[3] for member in members))
    if method == "max":
        return max(member[1] for member in members) / max(weights)
    if method == "box_and_model_avg":
        return total / seen * present / added(weights)
    if method == "absent_model_aware_avg":
        return total / (seen + (added(weights) - present))
    count = len(members) if allow_overflow else min(len(members), len(weights))
    return total / len(members) * count / added(weights)


def weighted_boxes_fusion(
    boxes, scores, labels=None, *, weights=None, iou_threshold=0.55, score_threshold=0.0, method="avg",
    allow_overflow=False, offset=0,
):  # fmt: skip
    """Boxes, scores, labels and sources (Solovyev et al. 2021, section 3)."""
    weights = [1.0] * len(boxes) if weights is None else weights
    taken = [
        (box, scores[model][i] * weights[model], labels[model][i] if labels else 0, model, i)
        for model, own in enumerate(boxes)
        for i, box in enumerate(own)
        if scores[model][i] > score_threshold
    ]
    taken.sort(key=lambda entry: (entry[2], -entry[1]))  # stable: ties in the order of models and rows
    clusters = []
    for entry in taken:
        own = [c for c in clusters if c[0][2] == entry[2]]
        near = [c for c in own if pair_iou(mean_box(c), entry[0], offset) > iou_threshold]
        if near:
            max(near, key=lambda c: pair_iou(mean_box(c), entry[0], offset)).append(entry)
        else:
            clusters.append([entry])
    clusters.sort(key=lambda c: -fused_score(c, weights, method, allow_overflow))
    sources = [[-1] * len(own) for own in boxes]
    for number, cluster in enumerate(clusters):
        for entry in cluster:
            sources[entry[3]][entry[4]] = number
    values = [fused_score(c, weights, method, allow_overflow) for c in clusters]
    return [mean_box(c) for c in clusters], values, [c[0][2] for c in clusters], sources


def box_voting(boxes, scores, keep, iou_threshold=0.5, *, labels=None, offset=0):
    """Each kept box moved to the mean of its voters (Gidaris and Komodakis 2015, equation 2)."""
    voted = []
    for k in keep:
        voters = [
            i
            for i, box in enumerate(boxes)
            if labels is None or labels[i] == labels[k]
            if i == k or pair_iou(boxes[k], box, offset) >= iou_threshold
        ]
        total = math.fsum(scores[i] for i in voters)
        if total > 0:
            voted.append([math.fsum(scores[i] * boxes[i][side] for i in voters) / total for side in range(4)])
        else:
            voted.append(list(boxes[k]))
    return voted
