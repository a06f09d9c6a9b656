"""The definition of suppression, which computes a case once however many ways are compared with it."""

from __future__ import annotations

from typing import Any

from tests.cases import once
from tests.naive import suppression as naive

METRICS = naive.METRICS
explain_nms = once(naive.explain_nms)


def nms(boxes: list[Any], scores: list[Any], iou_threshold: float = 0.5, **options: Any) -> list[int]:
    return explain_nms(boxes, scores, iou_threshold, **options)[0]


def batched_nms(
    boxes: list[Any], scores: list[Any], labels: list[int], iou_threshold: float = 0.5, **options: Any
) -> list[int]:
    return explain_nms(boxes, scores, iou_threshold, labels=labels, **options)[0]
