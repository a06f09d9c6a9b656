"""Definitions for ``detutils.rpn``, without the random choice of anchors."""

from __future__ import annotations

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
    levels=None, offset=0, **coding,
):  # fmt: skip
    """boxes, scores, indices (Ren et al. 2015, section 3.3; proposal_layer.py)."""
    boxes = clip_boxes_to_image(
        decode_boxes(deltas, anchors, offset=offset, **coding), image_size, offset=offset
    )
    levels = [0] * len(boxes) if levels is None else levels
    large = remove_small_boxes(boxes, min_size, offset=offset)
    order = []
    for level in set(levels):
        order += sorted((i for i in large if levels[i] == level), key=lambda i: (-scores[i], i))[:pre_nms]
    keep = []
    for i in sorted(order, key=lambda i: (-scores[i], i)):
        rivals = [k for k in keep if levels[k] == levels[i]]
        if len(keep) < post_nms and all(
            pair_iou(boxes[k], boxes[i], offset) <= iou_threshold for k in rivals
        ):
            keep.append(i)
    return [boxes[i] for i in keep], [scores[i] for i in keep], keep
