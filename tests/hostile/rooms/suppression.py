"""Suppression and fusion."""

from __future__ import annotations

import numpy as np

import detutils as d
from tests.hostile.goods import BOXES, LABELS, OFFSET, POSES, SCORES, A, Add
from tests.hostile.kinds import flag, indices, integer, labels, nothing, number, numbers, word

THINNING = {
    "boxes": A(BOXES, numbers),
    "scores": A(SCORES, numbers),
    "iou_threshold": A(0.5, number),
    "score_threshold": A(0.25, number, optional=True),
    "max_output": A(3, integer, optional=True),
    **OFFSET,
    "on_invalid": A("raise", word),
    "metric": A("ios", word),
    "max_candidates": A(4, integer, optional=True),
}


def fill(add: Add) -> None:
    add("nms", d.nms, **THINNING)
    add("batched_nms", d.batched_nms, labels=A(LABELS, labels), **THINNING)
    add("explain_nms", d.explain_nms, labels=A(LABELS, labels, optional=True), **THINNING)
    add(
        "merge_boxes",
        d.merge_boxes,
        **THINNING,
        labels=A(LABELS, labels, optional=True),
        method=A("weighted", word),
        payload=A(POSES, numbers, optional=True),
    )
    add(
        "oks_nms",
        d.oks_nms,
        keypoints=A(POSES, numbers),
        scores=A(SCORES, numbers),
        areas=A(np.array([9.0, 25, 16, 36, 9]), numbers),
        oks_threshold=A(0.5, number),
        sigmas=A(np.array([0.25, 0.5]), numbers, optional=True),
        labels=A(LABELS, labels, optional=True),
        visibility_threshold=A(0.5, number),
        score_threshold=A(0.25, number, optional=True),
        max_output=A(3, integer, optional=True),
        on_invalid=A("raise", word),
    )
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
