"""Which boxes to look at first: greedy choice among all that are left, computing every gain at every step."""

from __future__ import annotations

from tests.naive.overlaps import box_iou


def cover(boxes, evidence, wanted, close=0.6, stages=((None, 2),)):
    """Maximize the sum of evidence times the best cover by a chosen box, one box after another; from one stage to the
    next another power of the IoU is what covers."""
    overlaps = box_iou(boxes, boxes)
    order, gains = [], []

    def power():
        return next(power for number, power in stages if number is None or len(order) < number)

    def cover(i, j):
        return overlaps[i][j] ** power() if overlaps[i][j] >= close else 0.0

    def gain(i, covered):
        return sum(e * max(cover(i, j) - was, 0.0) for j, (e, was) in enumerate(zip(evidence, covered, strict=True)))

    while len(order) < wanted:
        covered = [max((cover(k, j) for k in order), default=0.0) for j in range(len(boxes))]
        best, minus_i = max((gain(i, covered), -i) for i in range(len(boxes)) if i not in order)
        order.append(-minus_i)
        gains.append(min([best, *gains[-1:]]))
    return order, gains


def keep_apart(boxes, threshold, wanted):
    """In their order those that overlap no earlier kept one by more than the threshold, then the others."""
    overlaps = box_iou(boxes, boxes)
    kept = []
    for i in range(len(boxes)):
        if all(overlaps[i][j] <= threshold for j in kept):
            kept.append(i)
    return (kept + [i for i in range(len(boxes)) if i not in kept])[:wanted]


def move_sides(boxes, order, ways, shape, min_sides, share=0.8):
    """Sides moved by a share of the ways, in widths and heights; a box stays where it would be short or come twice."""
    borders, answer = (0, 0, shape[1], shape[0]), []
    for own, way in zip([boxes[i] for i in order], ways, strict=True):
        sides = (own[2] - own[0], own[3] - own[1]) * 2
        moved = []
        for k in range(4):
            at = round(own[k] + share * way[k] * sides[k])
            moved.append(own[k] if own[k] == borders[k] else min(max(at, 0), borders[2 + k % 2]))
        short = moved[2] - moved[0] < max(min_sides[0], 1) or moved[3] - moved[1] < max(min_sides[1], 1)
        answer.append(own if short or moved in boxes or moved in answer else moved)
    return answer
