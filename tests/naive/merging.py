"""Greedy merging, word for word: the groups of NMS, their unions and weighted means. Lists in, lists out."""

from __future__ import annotations

from tests.naive.suppression import METRICS


def merge_boxes(
    boxes, scores, labels=None, iou_threshold=0.5, *, metric="iou", method="union", payload=None, score_threshold=None,
    max_candidates=None, max_output=None, offset=0,
):  # fmt: skip
    """Boxes, scores, labels, best rows, groups and payload; the payload of a row is a flat list.

    Take the best box left and all left that overlap it, make them one, go on (the weighted NMS of Bazarevsky et al.
    2019).
    """
    left = [i for i in range(len(scores)) if score_threshold is None or scores[i] > score_threshold]
    left.sort(key=lambda i: -scores[i])  # stable: ties by index
    left = left[:max_candidates]
    keep, members = [], []
    while left and len(keep) != max_output:
        best = left[0]
        group = [
            i
            for i in left
            if i == best
            or (
                METRICS[metric](boxes[best], boxes[i], offset) > iou_threshold
                and (labels is None or labels[i] == labels[best])
            )
        ]
        left = [i for i in left if i not in group]
        keep.append(best)
        members.append(group)
    if max_output is not None and len(keep) == max_output:  # the loop ends with the last best box
        members = [[i for i in group if (-scores[i], i) <= (-scores[keep[-1]], keep[-1])] for group in members]
    groups = [-1] * len(scores)
    for number, group in enumerate(members):
        for i in group:
            groups[i] = number
    if method == "union":
        merged = [enclosing([boxes[i] for i in group]) for group in members]
        extra = None if payload is None else [list(payload[i]) for i in keep]
    else:
        merged = [mean(boxes, scores, best, group) for best, group in zip(keep, members)]
        extra = None if payload is None else [mean(payload, scores, best, group) for best, group in zip(keep, members)]
    names = [0 if labels is None else labels[i] for i in keep]
    return merged, [scores[i] for i in keep], names, keep, groups, extra


def enclosing(boxes):
    """The smallest box around some."""
    return [min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)]


def mean(rows, weights, best, group):
    """The weighted mean of the rows of a group, summed in their order; one row, or no weight, leaves the best row."""
    total, sums = 0.0, [0.0] * len(rows[best])
    for i in sorted(group):
        total += weights[i]
        sums = [value + weights[i] * number for value, number in zip(sums, rows[i])]
    return list(rows[best]) if len(group) == 1 or total == 0.0 else [value / total for value in sums]
