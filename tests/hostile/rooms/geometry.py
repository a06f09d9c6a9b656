"""Boxes, overlaps and coding."""

from __future__ import annotations

import numpy as np

import detutils as d
from tests.hostile.goods import BOXES, CODING, DELTAS, OFFSET, OTHERS, POSES, SIZE, A, Add
from tests.hostile.kinds import few_numbers, integer, nothing, number, numbers, word

PAIR = {"boxes1": A(BOXES, numbers), "boxes2": A(OTHERS, numbers), **OFFSET}


def fill(add: Add) -> None:
    for name in ("box_iou", "box_ioa", "generalized_box_iou", "distance_box_iou", "complete_box_iou"):
        add(name, getattr(d, name), **PAIR, workers=A(1, integer))
        add(
            f"{name}, out",
            lambda out, name=name: getattr(d, name)(BOXES, OTHERS, out=out),
            out=A(np.zeros((5, 3)), nothing, optional=True),
        )
        aligned = {**PAIR, "boxes2": A(BOXES[::-1].copy(), numbers)}
        add(f"aligned_{name}", getattr(d, f"aligned_{name}"), **aligned)
    add(
        "oks",
        d.oks,
        keypoints=A(POSES, numbers),
        objects=A(POSES[:3] + 1.0, numbers),
        areas=A(np.array([9.0, 25, 16]), numbers),
        sigmas=A(np.array([0.25, 0.5]), numbers, optional=True),
    )
    add("box_area", d.box_area, boxes=A(BOXES, numbers), **OFFSET)
    add(
        "box_convert",
        d.box_convert,
        boxes=A(BOXES, numbers),
        in_fmt=A("xyxy", word),
        out_fmt=A("cxcywh", word),
        image_size=A(None, few_numbers, optional=True),
    )
    add(
        "box_convert, normalized",
        d.box_convert,
        boxes=A(BOXES, numbers),
        in_fmt=A("xyxy", word),
        out_fmt=A("cxcywhn", word),
        image_size=A(SIZE, few_numbers),
    )
    add(
        "clip_boxes_to_image", d.clip_boxes_to_image, boxes=A(BOXES, numbers), image_size=A(SIZE, few_numbers), **OFFSET
    )
    add("remove_small_boxes", d.remove_small_boxes, boxes=A(BOXES, numbers), min_size=A(20.0, number), **OFFSET)
    add("encode_boxes", d.encode_boxes, boxes=A(BOXES, numbers), anchors=A(BOXES + 1, numbers), **CODING)
    add(
        "decode_boxes",
        d.decode_boxes,
        deltas=A(DELTAS, numbers),
        anchors=A(BOXES, numbers),
        clamp=A(4.0, number, optional=True),
        **CODING,
    )
