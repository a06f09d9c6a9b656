"""Heads of points, priors, anchors and queries, and what they are told of."""

from __future__ import annotations

import numpy as np

import detutils as d
from tests.hostile.goods import BOXES, SIZE, WEIGHTS, A, Add
from tests.hostile.kinds import few_integers, few_numbers, flag, integer, nothing, number, numbers, word

CLASSES = np.array([[0.5, 0.25], [0.125, 0.875], [0.75, 0.5], [0.25, 0.25], [0.625, 0.0]])
EACH = np.array([0.5, 0.75, 1.0, 0.5, 0.25])
POINTS = np.array([[1, 2, 0.5, 0.25]] * 5)
MOVES = np.array([[0.5, 0.25, 0, 0]] * 5)
BAD = "its box cannot be used"  # says of which row and class, whatever made the box
INFINITE = "a score of row"
ENDING = {
    "channels": A("last", word),
    "letterbox": A(None, nothing, optional=True),
    "score_threshold": A(0.25, number),
    "iou_threshold": A(0.5, number, optional=True),
    "max_candidates": A(4, integer, optional=True),
    "max_output": A(3, integer, optional=True),
    "multi_label": A(True, flag),
    "class_agnostic": A(False, flag),
    "activation": A("none", word),
    "on_invalid": A("raise", word),
}
CLIP = {"clip_to": A(SIZE, few_numbers, optional=True)}
BACKGROUND = {"background": A("first", word, optional=True)}


def fill(add: Add) -> None:
    add(
        "cell_anchors",
        d.cell_anchors,
        sizes=A(np.array([16.0, 32]), numbers),
        ratios=A(np.array([0.5, 1, 2]), numbers),
        order=A("ratio", word),
    )
    grids = A(None, nothing, optional=True)
    add(
        "grid_points",
        d.grid_points,
        input_size=A(SIZE, few_numbers),
        strides=A(np.array([16, 32]), numbers),
        shift=A(0.5, number),
        grid_sizes=grids,
    )
    add(
        "grid_points, one grid",
        lambda pair: d.grid_points(SIZE, [16], grid_sizes=[pair]),
        pair=A((4, 5), few_integers, "grid_sizes"),
    )
    add(
        "prior_boxes",
        lambda least, most, shapes, **v: d.prior_boxes(min_sizes=[least], max_sizes=[most], ratios=[shapes], **v),
        input_size=A(SIZE, few_numbers),
        strides=A(np.array([16]), numbers),
        least=A(np.array([16, 20.0]), numbers, "min_sizes"),
        most=A(np.array([18, 30.0]), numbers, "max_sizes"),
        shapes=A(np.array([2.0]), numbers, "ratios", taken="2**64|1 / 2|decimal"),
        grid_sizes=grids,
        clip=A("sides", word, optional=True),
    )
    add(
        "detections_from_points",
        d.detections_from_points,
        distances=A(POINTS, numbers, BAD),
        scores=A(CLASSES, numbers, INFINITE),
        strides=A(np.array([8]), numbers),
        input_size=A((8, 40), few_numbers, optional=True),
        grid_sizes=A([(1, 5)], nothing, optional=True),
        shift=A(0.5, number, BAD),
        repeats=A(1, integer),
        unit=A("pixel", word),
        centerness=A(EACH, numbers, INFINITE, optional=True),
        centerness_rule=A("root", word),
        keypoints=A(MOVES, numbers, optional=True),
        max_per_level=A(3, integer, optional=True),
        **CLIP,
        **ENDING,
    )
    add(
        "detections_from_priors",
        d.detections_from_priors,
        locations=A(MOVES, numbers, BAD),
        scores=A(CLASSES, numbers, INFINITE),
        priors=A(BOXES, numbers),
        variances=A((0.5, 0.25), few_numbers),
        coding=A("center", word),
        keypoints=A(MOVES, numbers, optional=True),
        **CLIP,
        **BACKGROUND,
        **ENDING,
    )
    add(
        "detections_from_anchors",
        d.detections_from_anchors,
        deltas=A(MOVES, numbers, BAD),
        scores=A(CLASSES, numbers, INFINITE),
        anchors=A(BOXES, numbers, taken="arrays of several lengths"),
        weights=A(WEIGHTS, few_numbers),
        clamp=A(4.0, number, optional=True),
        max_per_level=A(3, integer, optional=True),
        **CLIP,
        **BACKGROUND,
        **ENDING,
    )
    add(
        "detections_from_queries",
        d.detections_from_queries,
        boxes=A(BOXES / 128, numbers, BAD),
        scores=A(CLASSES, numbers, INFINITE),
        box_format=A("xyxy", word),
        normalized=A(True, flag),
        input_size=A(SIZE, few_numbers, optional=True),
        **BACKGROUND,
        **ENDING,
    )
