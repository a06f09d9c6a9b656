"""Suppression and fusion."""

from __future__ import annotations

import numpy as np

import detutils as d
from tests.hostile.goods import BOXES, LABELS, OFFSET, SCORES, A, Add
from tests.hostile.kinds import flag, indices, integer, labels, nothing, number, numbers, word

THINNING = {
    "boxes": A(BOXES, numbers),
    "scores": A(SCORES, numbers),
    "iou_threshold": A(0.5, number),
    "score_threshold": A(0.25, number, optional=True),
    "max_output": A(3, integer, optional=True),
    **OFFSET,
    "on_invalid": A("raise", word),
}


def fill(add: Add) -> None:
    add("nms", d.nms, **THINNING)
    add("batched_nms", d.batched_nms, labels=A(LABELS, labels), **THINNING)
    add("explain_nms", d.explain_nms, labels=A(LABELS, labels, optional=True), **THINNING)
    soft = {name: THINNING[name] for name in ("boxes", "scores", "iou_threshold", "max_output", "offset")}
    add(
        "soft_nms",
        d.soft_nms,
        **soft,
        method=A("linear", word),
        sigma=A(0.5, number),
        score_threshold=A(0.125, number),
        labels=A(LABELS, labels, optional=True),
    )
    add(
        "box_voting",
        d.box_voting,
        boxes=A(BOXES, numbers),
        scores=A(SCORES, numbers),
        keep=A(np.array([0, 2]), indices),
        iou_threshold=A(0.5, number),
        labels=A(LABELS, labels, optional=True),
        **OFFSET,
    )
    fusion = d.weighted_boxes_fusion
    add(
        "weighted_boxes_fusion",
        fusion,
        boxes=A([BOXES], nothing),
        scores=A([SCORES], nothing),
        labels=A([LABELS], nothing, optional=True),
        weights=A(np.array([2.0]), numbers, optional=True),
        iou_threshold=A(0.5, number),
        score_threshold=A(0.0, number),
        method=A("max", word),
        allow_overflow=A(False, flag),
        **OFFSET,
    )
    add(
        "weighted_boxes_fusion, one model",
        lambda **v: fusion(*([value] for value in v.values())),
        boxes=A(BOXES, numbers),
        scores=A(SCORES, numbers),
        labels=A(LABELS, labels),
    )
