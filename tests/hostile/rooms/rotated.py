"""Rotated boxes, quadrilaterals and cuboids."""

from __future__ import annotations

import numpy as np

import detutils as d
from tests.hostile.goods import LABELS, SCORES, A, Add
from tests.hostile.kinds import (
    few_integers,
    few_numbers,
    flag,
    flags,
    integer,
    labels,
    nothing,
    number,
    numbers,
    stride,
    word,
)

TURNED = np.array(
    [[50, 50, 40, 20, 30], [52, 50, 40, 20, 20], [9, 9, 4, 2, 0], [50, 52, 20, 40, 120], [9, 8, 4, 4, 45]], np.float64
)
QUADS = np.array([[0, 0, 4, 0, 4, 4, 0, 4], [2, 0, 6, 0, 6, 4, 2, 4], [0, 0, 4, 0, 4, 4, 4, 4]], np.float64)
SOLIDS = np.array([[0, 0, 0, 4, 2, 1.5, 0.25], [1, 0, 0, 4, 2, 1.5, 0.5], [9, 9, 1, 2, 2, 2, 0]])
SIZES = np.array([16.0, 32.0])
ANGLE = {"angle": A("cw-deg", word)}
METRIC = {"metric": A("ios", word)}
THINNING = {
    "boxes": A(TURNED, numbers),
    "scores": A(SCORES, numbers),
    "iou_threshold": A(0.5, number),
    **ANGLE,
    **METRIC,
    "score_threshold": A(0.25, number, optional=True),
    "max_output": A(3, integer, optional=True),
    "max_candidates": A(4, integer, optional=True),
    "on_invalid": A("raise", word),
}
FACTORS = (1.0, 2.0, 1.0, 2.0, 1.0)


def fill(add: Add) -> None:
    pair = {"boxes1": A(TURNED, numbers), "boxes2": A(TURNED[:3] + 1.0, numbers), **ANGLE, **METRIC}
    add("rotated_box_iou", d.rotated_box_iou, **pair, workers=A(1, integer))
    add(
        "rotated_box_iou, out",
        lambda out: d.rotated_box_iou(TURNED, TURNED[:3], out=out),
        out=A(np.zeros((5, 3)), nothing, optional=True),
    )
    add("aligned_rotated_box_iou", d.aligned_rotated_box_iou, **{**pair, "boxes2": A(TURNED[::-1].copy(), numbers)})
    quads = {"boxes1": A(QUADS, numbers), "boxes2": A(QUADS[::-1] + 1.0, numbers), **METRIC}
    add("quadrilateral_iou", d.quadrilateral_iou, **quads, workers=A(1, integer))
    add(
        "quadrilateral_iou, out",
        lambda out: d.quadrilateral_iou(QUADS, QUADS, out=out),
        out=A(np.zeros((3, 3)), nothing, optional=True),
    )
    add("aligned_quadrilateral_iou", d.aligned_quadrilateral_iou, **quads)
    solids = {"boxes1": A(SOLIDS, numbers), "boxes2": A(SOLIDS[:2], numbers), **METRIC}
    add("cuboid_iou", d.cuboid_iou, **solids, birds_eye=A(False, flag), workers=A(1, integer))
    convert = d.rotated_box_convert
    add("rotated_box_convert", convert, boxes=A(TURNED, numbers), in_fmt=A("cw-deg", word), out_fmt=A("corners", word))
    add("rotated_box_convert, corners", lambda boxes: convert(boxes, "corners", "ccw-rad"), boxes=A(QUADS, numbers))
    add("minimum_area_rectangle", d.minimum_area_rectangle, points=A(QUADS[0].reshape(4, 2), numbers), **ANGLE)
    coding = {"anchors": A(TURNED + 1.0, numbers), "weights": A(FACTORS, few_numbers), **ANGLE}
    add("encode_rotated_boxes", d.encode_rotated_boxes, boxes=A(TURNED, numbers), **coding)
    add(
        "decode_rotated_boxes",
        d.decode_rotated_boxes,
        deltas=A(np.full((5, 5), 0.25), numbers),
        clamp=A(4.0, number, optional=True),
        on_invalid=A("raise", word),
        **coding,
    )
    add("rotated_anchors", d.rotated_anchors, sizes=A(SIZES, numbers), ratios=A(SIZES / 16, numbers), **ANGLE,
        angles=A(SIZES - 16, numbers, optional=True))  # fmt: skip
    add("grid_anchors, rotated", d.grid_anchors, base_anchors=A(TURNED, numbers), grid_size=A((2, 3), few_integers),
        stride=A(16, stride), **ANGLE)  # fmt: skip
    add(
        "match_boxes, rotated",
        d.match_boxes,
        boxes=A(TURNED, numbers),
        objects=A(TURNED[:3] + 1.0, numbers),
        high=A(0.5, number),
        low=A(0.25, number, optional=True),
        low_quality=A(True, flag),
        crowd=A(np.array([False, True, False]), flags, optional=True),
        ignore=A(TURNED[3:], numbers, optional=True),
        ignore_threshold=A(0.5, number),
        **ANGLE,
    )
    draw = lambda boxes, **options: d.draw_boxes(np.full((60, 80), 90, np.uint8), boxes, **options)  # noqa: E731
    add("draw_boxes, rotated", draw, boxes=A(TURNED, numbers), scores=A(SCORES, numbers, optional=True), **ANGLE)
    add("draw_boxes, corners", draw, boxes=A(QUADS, numbers))
    add("rotated_nms", d.rotated_nms, **THINNING)
    add("batched_rotated_nms", d.batched_rotated_nms, labels=A(LABELS, labels), **THINNING)
    add("explain_rotated_nms", d.explain_rotated_nms, labels=A(LABELS, labels, optional=True), **THINNING)
    soft = {name: THINNING[name] for name in ("boxes", "scores", "iou_threshold", "max_output", "angle")}
    add(
        "soft_rotated_nms",
        d.soft_rotated_nms,
        **soft,
        method=A("linear", word),
        sigma=A(0.5, number),
        score_threshold=A(0.125, number),
        labels=A(LABELS, labels, optional=True),
    )
