"""Anchors, matching and what training needs."""

from __future__ import annotations

import numpy as np

import detutils as d
from tests.hostile.goods import BOXES, CODING, DELTAS, FLAGS, LABELS, OFFSET, OTHERS, SCORES, SIZE, WEIGHTS, A, Add
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

REGIONS = {
    "crowd": A(FLAGS, flags, optional=True),
    "ignore": A(OTHERS[:1], numbers, optional=True),
    "ignore_threshold": A(0.5, number),
    **OFFSET,
}


def fill(add: Add) -> None:
    add(
        "assign_boxes",
        d.assign_boxes,
        values=A(np.array([[0.5, 0.75], [0.625, 0.25], [1, 0.5]]), numbers),
        threshold=A(0.5, number),
        maximize=A(True, flag),
    )
    add(
        "generate_anchors",
        d.generate_anchors,
        base_size=A(16, number),
        ratios=A(np.array([0.5, 1, 2]), numbers),
        scales=A(np.array([8, 16]), numbers),
    )
    add(
        "grid_anchors",
        d.grid_anchors,
        base_anchors=A(BOXES, numbers),
        grid_size=A((2, 3), few_integers),
        stride=A(16, stride),
    )
    add(
        "grid_anchors, two strides", lambda stride: d.grid_anchors(BOXES, (2, 3), stride), stride=A((16.0, 8.0), stride)
    )
    add(
        "pyramid_anchors",
        d.pyramid_anchors,
        image_size=A(SIZE, few_numbers),
        strides=A(np.array([16, 32]), numbers),
        ratios=A(np.array([0.5, 2]), numbers),
        scales=A(np.array([8.0]), numbers),
        grid_sizes=A(None, nothing, optional=True),
    )
    add(
        "pyramid_anchors, one grid",
        lambda pair: d.pyramid_anchors(SIZE, [16], grid_sizes=[pair]),
        pair=A((4, 5), few_integers, "grid_sizes"),
    )
    add(
        "anchors_inside_image",
        d.anchors_inside_image,
        anchors=A(BOXES, numbers),
        image_size=A((40, 40), few_numbers),
        border=A(0, number),
    )
    add(
        "kmeans_anchors",
        d.kmeans_anchors,
        boxes=A(BOXES, numbers),
        n_anchors=A(2, integer),
        seed=A(1, integer),
        max_iterations=A(5, integer),
        **OFFSET,
    )
    add(
        "match_boxes",
        d.match_boxes,
        boxes=A(BOXES, numbers),
        objects=A(OTHERS, numbers),
        high=A(0.5, number),
        low=A(0.25, number, optional=True),
        low_quality=A(True, flag),
        **REGIONS,
    )
    add(
        "sample_matches",
        d.sample_matches,
        labels=A(np.array([1, 0, -1, 0, 1]), labels),
        number=A(3, integer),
        positive_fraction=A(0.5, number),
        seed=A(1, integer),
    )
    add(
        "sample_proposals",
        d.sample_proposals,
        proposals=A(BOXES, numbers),
        objects=A(OTHERS, numbers),
        labels=A(np.array([1, 2, 1]), labels),
        number=A(3, integer),
        positive_fraction=A(0.5, number),
        high=A(0.5, number),
        low=A(0.0, number),
        background=A(0, integer),
        add_objects=A(True, flag),
        weights=A(WEIGHTS, few_numbers),
        seed=A(1, integer),
        **REGIONS,
    )
    add(
        "rpn_targets",
        d.rpn_targets,
        anchors=A(BOXES, numbers),
        objects=A(OTHERS, numbers),
        image_size=A(SIZE, few_numbers, optional=True),
        border=A(0.0, number),
        high=A(0.75, number),
        low=A(0.25, number),
        number=A(4, integer, optional=True),
        positive_fraction=A(0.5, number),
        weights=A(WEIGHTS, few_numbers),
        seed=A(1, integer),
        **REGIONS,
    )
    add(
        "rpn_proposals",
        d.rpn_proposals,
        deltas=A(DELTAS, numbers),
        scores=A(SCORES, numbers),
        anchors=A(BOXES, numbers),
        image_size=A(SIZE, few_numbers),
        min_size=A(8.0, number),
        pre_nms=A(4, integer),
        iou_threshold=A(0.5, number),
        post_nms=A(3, integer),
        levels=A(LABELS, labels, optional=True),
        clamp=A(4.0, number, optional=True),
        like=A("detectron2", word, optional=True),
        **CODING,
    )
