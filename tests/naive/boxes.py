"""Box arithmetic in plain Python."""

from __future__ import annotations


def box_convert(boxes, in_fmt, out_fmt, *, image_size=None):
    """By way of corner and size; an equal meaning on both sides leaves the four numbers as they are."""
    converted = []
    for a, b, c, d in boxes:
        if in_fmt.endswith("n") and not out_fmt.endswith("n"):
            a, b, c, d = a * image_size[1], b * image_size[0], c * image_size[1], d * image_size[0]
        if out_fmt.endswith("n") and not in_fmt.endswith("n"):
            a, b, c, d = a / image_size[1], b / image_size[0], c / image_size[1], d / image_size[0]
        source, target = in_fmt.removesuffix("n"), out_fmt.removesuffix("n")
        if source != target:
            if source == "xyxy":
                c, d = c - a, d - b
            elif source == "cxcywh":
                a, b = a - 0.5 * c, b - 0.5 * d
            if target == "xyxy":
                c, d = a + c, b + d
            elif target == "cxcywh":
                a, b = a + 0.5 * c, b + 0.5 * d
        converted.append([a, b, c, d])
    return converted


def box_area(boxes, *, offset=0):
    """VOCevaldet.m of the VOC devkit, with its ``+ 1`` as ``offset``."""
    return [(x2 - x1 + offset) * (y2 - y1 + offset) for x1, y1, x2, y2 in boxes]


def clip_boxes_to_image(boxes, image_size, *, offset=0):
    """clip_boxes of py-faster-rcnn (offset 1) and torchvision (offset 0)."""
    bottom, right = (max(side - offset, 0.0) for side in image_size)
    limits = (right, bottom, right, bottom)
    return [[min(max(value, 0.0), limit) for value, limit in zip(box, limits, strict=True)] for box in boxes]


def remove_small_boxes(boxes, min_size, *, offset=0):
    """_filter_boxes of py-faster-rcnn's proposal layer."""
    return [
        i
        for i, (x1, y1, x2, y2) in enumerate(boxes)
        if x2 - x1 + offset >= min_size and y2 - y1 + offset >= min_size
    ]
