"""Which detections are right by the rules of Pascal VOC."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F8, I8, embedded, kernel
from detutils.evaluation._kernels.recall import area_of, iou_of
from detutils.geometry._kernels.pair import iou
from detutils.geometry._kernels.rotated_overlaps import common_of


@embedded
def _best_of(found: Any, d: Any, boxes: Any, objects: Any, span: Any, offset: Any) -> Any:
    """(IoU, place) of the object that a detection overlaps most, the first of equal ones; place -1 where it overlaps
    none. A loop for each kind of boxes, without a choice in it."""
    best, match = 0.0, -1
    if boxes.shape[1] == 4:
        area = area_of(found, d, offset)
        for k in range(span[0], span[1]):
            overlap = iou_of(found, d, area, boxes, objects[k, 0], offset)
            if overlap > best:
                best, match = overlap, k
        return best, match
    area = 4.0 * found[d, 2] * found[d, 3]
    for k in range(span[0], span[1]):
        g = objects[k, 0]
        share = iou(common_of(found, d, boxes, g), area, 4.0 * boxes[g, 2] * boxes[g, 3], 0.0, 1.0)
        if share > best:
            best, match = share, k
    return best, match


@kernel(
    "void(float64[:,::1], int64[:,::1], float64[:,::1], int64[:,::1], int64, float64[::1], int64[::1])"
)
def voc_class(
    found: F8, detections: I8, boxes: F8, objects: I8, images: int, rule: F8, outcomes: I8
) -> None:
    """Of each detection (one class, falling score): 1 right, 0 wrong, -1 on an object that is set aside.

    ``detections`` holds (row, image), ``objects`` (row, image, whether it is set aside), ordered by image; ``rule`` is
    the threshold, 1 where an IoU of exactly that is not enough, and the offset. A detection looks only at the object
    that it overlaps most, even where that one is taken (VOCevaldet.m). Boxes of eight columns are rotated, and
    prepared; the offset plays no part then.
    """
    threshold, strict, offset = rule[0], rule[1] != 0.0, rule[2]
    taken = np.zeros(objects.shape[0], np.bool_)
    starts = np.zeros(images + 1, np.int64)
    for k in range(objects.shape[0]):
        starts[objects[k, 1] + 1] += 1
    for image in range(images):
        starts[image + 1] += starts[image]
    for n in range(detections.shape[0]):
        d, image = detections[n, 0], detections[n, 1]
        best, match = _best_of(found, d, boxes, objects, (starts[image], starts[image + 1]), offset)
        outcomes[n] = 0
        if match < 0 or best < threshold or (strict and best == threshold):
            continue
        if objects[match, 2] == 1:
            outcomes[n] = -1
        elif not taken[match]:
            taken[match] = True
            outcomes[n] = 1
