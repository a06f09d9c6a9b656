"""py-faster-rcnn's functions, word for word: inclusive pixels, lists in and out."""

from __future__ import annotations

import math

from tests.naive.suppression import iou


def in_float32(value):
    """The nearest number of 24 bits, ties to even."""
    if value == 0.0:
        return value
    fraction, exponent = math.frexp(value)
    return math.ldexp(round(fraction * 2**24), exponent - 24)


def py_cpu_nms(dets, thresh, order=None):
    """Keep the best, drop what overlaps it by more than the threshold; ``order`` says how ties are ranked."""
    left = sorted(range(len(dets)), key=lambda i: -dets[i][4]) if order is None else list(order)
    keep = []
    while left:
        best, *left = left
        keep.append(best)
        left = [i for i in left if iou(dets[best], dets[i], 1) <= thresh]
    return keep


def cpu_nms(dets, thresh, order=None):
    """The same with IoU in float32, and dropped at the threshold."""
    left = sorted(range(len(dets)), key=lambda i: -dets[i][4]) if order is None else list(order)
    keep = []
    while left:
        best, *left = left
        keep.append(best)
        left = [i for i in left if in_float32(iou(dets[best], dets[i], 1)) < thresh]
    return keep


def bbox_transform(ex_rois, gt_rois):
    """Displacements of centers in sides, logarithms of ratios of sides; a center is x1 + half the side with its + 1."""
    targets = []
    for a, g in zip(ex_rois, gt_rois, strict=True):
        row = [0.0] * 4
        for k in range(2):
            side, whole = g[k + 2] - g[k] + 1.0, a[k + 2] - a[k] + 1.0
            row[k] = (g[k] + 0.5 * side - (a[k] + 0.5 * whole)) / whole
            row[k + 2] = math.log(side / whole)
        targets.append(row)
    return targets


def bbox_transform_inv(boxes, deltas):
    """The way back, but for the + 1 of the sides, which stays."""
    moved = []
    for box, moves in zip(boxes, deltas, strict=True):
        row = []
        for c in range(0, len(moves), 4):
            low, high = [], []
            for k in range(2):
                side = box[k + 2] - box[k] + 1.0
                center = moves[c + k] * side + (box[k] + 0.5 * side)
                grown = math.exp(moves[c + k + 2]) * side
                low.append(center - 0.5 * grown)
                high.append(center + 0.5 * grown)
            row += low + high
        moved.append(row)
    return moved


def clip_boxes(boxes, im_shape):
    """Every coordinate into 0 ... side - 1."""
    sides = (im_shape[1] - 1, im_shape[0] - 1)
    return [[max(min(value, sides[k % 2]), 0) for k, value in enumerate(row)] for row in boxes]


def proposals(scores, deltas, anchors, im_info, before, after, thresh, min_size):
    """Regions of interest: decode, clip, drop what is small, rank, cut, suppress, cut (proposal_layer.py)."""
    boxes = clip_boxes(bbox_transform_inv(anchors, deltas), im_info[:2])
    least = min_size * im_info[2]
    rows = [
        [*box, score]
        for box, score in zip(boxes, scores, strict=True)
        if box[2] - box[0] + 1 >= least and box[3] - box[1] + 1 >= least
    ]
    rows.sort(key=lambda row: -row[4])
    rows = rows[:before] if before > 0 else rows
    keep = py_cpu_nms(rows, thresh)
    return [[0.0, *rows[i][:4]] for i in (keep[:after] if after > 0 else keep)]
