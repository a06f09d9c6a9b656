"""Which detections are right by the rules of Pascal VOC."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F8, I8, inlined, kernel
from detutils.evaluation._kernels.recall import area_of, iou_of
from detutils.geometry._kernels.pair import iou
from detutils.geometry._kernels.rotated_overlaps import common_of


@inlined
def _area(boxes: Any, i: Any, offset: Any, rotated: Any) -> Any:
    if rotated is None:
        return area_of(boxes, i, offset)
    return 4.0 * boxes[i, 2] * boxes[i, 3]


@inlined
def _overlap(found: Any, d: Any, area: Any, boxes: Any, g: Any, offset: Any, rotated: Any) -> Any:
    if rotated is None:
        return iou_of(found, d, area, boxes, g, offset)
    return iou(common_of(found, d, boxes, g), area, _area(boxes, g, offset, rotated), 0.0, 1.0)


@inlined
def _walk(
    found: Any, detections: Any, boxes: Any, objects: Any, images: Any, rule: Any, outcomes: Any, rotated: Any
) -> None:
    """``rotated`` is None, known to the compiler, for upright boxes."""
    threshold, strict, offset = rule[0], rule[1] != 0.0, rule[2]
    taken = np.zeros(objects.shape[0], np.bool_)
    starts = np.zeros(images + 1, np.int64)
    for k in range(objects.shape[0]):
        starts[objects[k, 1] + 1] += 1
    for image in range(images):
        starts[image + 1] += starts[image]
    for n in range(detections.shape[0]):
        d, image = detections[n, 0], detections[n, 1]
        area = _area(found, d, offset, rotated)
        best, match = 0.0, -1
        for k in range(starts[image], starts[image + 1]):
            overlap = _overlap(found, d, area, boxes, objects[k, 0], offset, rotated)
            if overlap > best:
                best, match = overlap, k
        outcomes[n] = 0
        if match < 0 or best < threshold or (strict and best == threshold):
            continue
        if objects[match, 2] == 1:
            outcomes[n] = -1
        elif not taken[match]:
            taken[match] = True
            outcomes[n] = 1


@kernel(
    "void(float64[:,::1], int64[:,::1], float64[:,::1], int64[:,::1], int64, float64[::1], int64[::1])"
)
def voc_class(
    found: F8, detections: I8, boxes: F8, objects: I8, images: int, rule: F8, outcomes: I8
) -> None:
    """Of each detection (one class, falling score): 1 right, 0 wrong, -1 on an object that is set aside.

    ``detections`` holds (row, image), ``objects`` (row, image, whether it is set aside), ordered by image; ``rule`` is
    the threshold, 1 where an IoU of exactly that is not enough, and the offset. A detection looks only at the object
    that it overlaps most, even where that one is taken (VOCevaldet.m).
    """
    _walk(found, detections, boxes, objects, images, rule, outcomes, None)


@kernel(
    "void(float64[:,::1], int64[:,::1], float64[:,::1], int64[:,::1], int64, float64[::1], int64[::1])"
)
def voc_rotated_class(
    found: F8, detections: I8, boxes: F8, objects: I8, images: int, rule: F8, outcomes: I8
) -> None:
    """``voc_class`` of prepared rotated boxes; the offset plays no part."""
    _walk(found, detections, boxes, objects, images, rule, outcomes, True)
