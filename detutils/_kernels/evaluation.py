"""Evaluation: what proposals cover, and which detections are right."""

from __future__ import annotations

import numpy as np

from detutils._jit import B1, F8, I8, inlined, kernel


@inlined
def _iou(
    a1: float, b1: float, a2: float, b2: float, area: float, c1: float, d1: float, c2: float, d2: float,
    offset: float,
) -> float:  # fmt: skip
    """IoU of a box of known area and another."""
    width = min(a2, c2) - max(a1, c1) + offset
    height = min(b2, d2) - max(b1, d1) + offset
    if width <= 0.0 or height <= 0.0:
        return 0.0
    shared = width * height
    union = area + (c2 - c1 + offset) * (d2 - d1 + offset) - shared
    return shared / union if union > 0.0 else 0.0


@kernel("float64[:,::1](float64[:,::1], int64[::1], float64[:,::1], int64[::1], int64[::1], float64)")
def best_overlaps(
    objects: F8, objects_from: I8, proposals: F8, proposals_from: I8, budgets: I8, offset: float
) -> F8:
    """IoU of each object with the best of its image's first ``budgets[b]`` proposals; budgets ascend."""
    best = np.zeros((objects.shape[0], budgets.shape[0]))
    for image in range(objects_from.shape[0] - 1):
        first, last = proposals_from[image], proposals_from[image + 1]
        for g in range(objects_from[image], objects_from[image + 1]):
            a1, b1, a2, b2 = objects[g, 0], objects[g, 1], objects[g, 2], objects[g, 3]
            area = (a2 - a1 + offset) * (b2 - b1 + offset)
            so_far, done = 0.0, first
            for b in range(budgets.shape[0]):
                end = min(last, first + budgets[b])
                for p in range(done, end):
                    so_far = max(so_far, _iou(a1, b1, a2, b2, area, proposals[p, 0], proposals[p, 1],
                                              proposals[p, 2], proposals[p, 3], offset))  # fmt: skip
                done = max(done, end)
                best[g, b] = so_far
    return best


@inlined
def _find_objects(  # type: ignore[no-untyped-def]
    objects: I8, begin: int, end: int, object_images: I8, first: I8, last: I8
):
    """Note for each image where its objects stand in ``objects[begin:end]``, which is ordered by image."""
    for k in range(begin, end):
        image = object_images[objects[k]]
        if last[image] == 0:
            first[image] = k
        last[image] = k + 1


@inlined
def _forget_objects(objects: I8, begin: int, end: int, object_images: I8, last: I8):  # type: ignore[no-untyped-def]
    for k in range(begin, end):
        last[object_images[objects[k]]] = 0


@kernel(
    "int64[::1](float64[:,::1], int64[::1], int64[::1], int64[::1], float64[:,::1], boolean[::1], int64[::1],"
    " int64[::1], int64[::1], int64, float64, boolean, float64)"
)
def voc_outcomes(
    found: F8, order: I8, order_from: I8, found_images: I8, boxes: F8, difficult: B1, objects: I8,
    objects_from: I8, object_images: I8, images: int, threshold: float, strict: bool, offset: float,
) -> I8:  # fmt: skip
    """Of each detection in ``order``: 1 right, 0 wrong, -1 on a difficult object.

    A detection looks only at the object that it overlaps most, even where that one is taken (VOCevaldet.m).
    """
    outcomes = np.zeros(order.shape[0], np.int64)
    taken = np.zeros(boxes.shape[0], np.bool_)
    first, last = np.zeros(images, np.int64), np.zeros(images, np.int64)
    for c in range(order_from.shape[0] - 1):
        begin, end = objects_from[c], objects_from[c + 1]
        _find_objects(objects, begin, end, object_images, first, last)
        for k in range(order_from[c], order_from[c + 1]):
            d = order[k]
            image = found_images[d]
            if last[image] == 0:
                continue
            a1, b1, a2, b2 = found[d, 0], found[d, 1], found[d, 2], found[d, 3]
            area = (a2 - a1 + offset) * (b2 - b1 + offset)
            best, match = 0.0, -1
            for g in objects[first[image] : last[image]]:
                iou = _iou(a1, b1, a2, b2, area, boxes[g, 0], boxes[g, 1], boxes[g, 2], boxes[g, 3], offset)
                if iou > best:
                    best, match = iou, g
            if match < 0 or best < threshold or (strict and best == threshold):
                continue
            if difficult[match]:
                outcomes[k] = -1
            elif not taken[match]:
                taken[match] = True
                outcomes[k] = 1
        _forget_objects(objects, begin, end, object_images, last)
    return outcomes
