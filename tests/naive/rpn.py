"""Definitions of a region proposal network's targets and proposals, without the random choice of anchors."""

from __future__ import annotations

import math

from tests.naive.anchors import anchors_inside_image
from tests.naive.boxes import clip_boxes_to_image, remove_small_boxes
from tests.naive.coding import decode_boxes, encode_boxes
from tests.naive.matching import match_boxes
from tests.naive.overlaps import pair_iou


def rpn_targets(
    anchors,
    objects,
    image_size=None,
    *,
    border=0.0,
    high=0.7,
    low=0.3,
    weights=(1, 1, 1, 1),
    offset=0,
    **regions,
):
    """labels, deltas, matched, ious (Ren et al. 2015, section 3.1.2; anchor_target_layer.py)."""
    everywhere = range(len(anchors))
    inside = everywhere if image_size is None else anchors_inside_image(anchors, image_size, border)
    chosen = [anchors[i] for i in inside]
    matches = match_boxes(chosen, objects, high, low, low_quality=True, offset=offset, **regions)
    labels, deltas = [-1] * len(anchors), [[0.0] * 4 for _ in anchors]
    matched, ious = [-1] * len(anchors), [0.0] * len(anchors)
    for i, j, overlap, label in zip(inside, *matches):
        labels[i], matched[i], ious[i] = label, j, overlap
        if j >= 0:
            (deltas[i],) = encode_boxes([objects[j]], [anchors[i]], weights=weights, offset=offset)
    return labels, deltas, matched, ious


def rpn_proposals(
    deltas, scores, anchors, image_size, *, min_size=16.0, pre_nms=6000, iou_threshold=0.7, post_nms=300,
    levels=None, offset=0, like=None, **coding,
):  # fmt: skip
    """boxes, scores, indices (Ren et al. 2015, section 3.3; proposal_layer.py)."""
    decode = original_decode if like == "py-faster-rcnn" else decode_boxes
    boxes = clip_boxes_to_image(decode(deltas, anchors, offset=offset, **coding), image_size, offset=offset)
    levels = [0] * len(boxes) if levels is None else levels
    large = remove_small_boxes(boxes, min_size, offset=offset)
    order = []
    for level in set(levels):
        members = [i for i in range(len(boxes)) if levels[i] == level]
        members.sort(key=lambda i: (-scores[i], i))
        if like == "detectron2":  # find_top_rpn_proposals: the best first, of them what is larger
            sides = [(x2 - x1, y2 - y1) for x1, y1, x2, y2 in boxes]
            order += [i for i in members[:pre_nms] if sides[i][0] > min_size and sides[i][1] > min_size]
        else:
            order += [i for i in members if i in large][:pre_nms]
    keep = []
    for i in sorted(order, key=lambda i: (-scores[i], i)):
        rivals = [k for k in keep if levels[k] == levels[i]]
        if len(keep) < post_nms and all(
            pair_iou(boxes[k], boxes[i], offset) <= iou_threshold for k in rivals
        ):
            keep.append(i)
    return [boxes[i] for i in keep], [scores[i] for i in keep], keep


def original_decode(deltas, anchors, *, weights=(1, 1, 1, 1), offset=1, clamp=None):
    """bbox_transform_inv of py-faster-rcnn: 1 is added to the sides and not taken back."""
    boxes = []
    for moves, (u1, v1, u2, v2) in zip(deltas, anchors, strict=True):
        dx, dy, dw, dh = (value / weight for value, weight in zip(moves, weights, strict=True))
        if clamp is not None:  # the original has none
            dw, dh = min(dw, clamp), min(dh, clamp)
        pw, ph = u2 - u1 + 1.0, v2 - v1 + 1.0
        x, y = dx * pw + (u1 + 0.5 * pw), dy * ph + (v1 + 0.5 * ph)
        w, h = math.exp(dw) * pw, math.exp(dh) * ph
        boxes.append([x - 0.5 * w, y - 0.5 * h, x + 0.5 * w, y + 0.5 * h])
    return boxes
