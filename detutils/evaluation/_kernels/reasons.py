"""Which detection is wrong, and why: image by image, all classes together.

Rows are (x, y, width, height, class) of detections, by falling score within an image, and (x, y, width, height, class,
aside) of objects; ``aside`` is 0 for an object that counts, 1 for a difficult one and 2 for a crowd. Rows of rotated
boxes end with the eight numbers of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F8, I8, embedded, inlined, kernel
from detutils.evaluation._kernels.overlap import turned_overlap, untabled, upright_overlap

RIGHT, CLASS, LOCATION, BOTH, DUPLICATE, BACKGROUND = 0, 1, 2, 3, 4, 5
IGNORED = 8  # added to the kind of a detection that counts neither way


@embedded
def _overlaps(scene: Any, spans: Any) -> Any:
    """How much each detection of an image overlaps each object of it: a loop for each kind, without a choice in it."""
    ious = np.empty((spans[1] - spans[0], spans[3] - spans[2]), np.float64)
    if scene.turned[0].shape[1] > 0:
        for d in range(spans[0], spans[1]):
            for g in range(spans[2], spans[3]):
                ious[d - spans[0], g - spans[2]] = turned_overlap(scene, d, g)
    else:
        for d in range(spans[0], spans[1]):
            for g in range(spans[2], spans[3]):
                ious[d - spans[0], g - spans[2]] = upright_overlap(scene.found, d, scene.objects, g)
    return ious


@inlined
def _match(ious: Any, found: Any, objects: Any, spans: Any, enough: Any, target: Any, taken: Any) -> None:
    """Each detection takes the free object of its class that it overlaps most, the first of equal ones."""
    for d in range(spans[0], spans[1]):
        best, match = 0.0, -1
        for g in range(spans[2], spans[3]):
            value = ious[d - spans[0], g - spans[2]]
            if objects[g, 5] == 0.0 and objects[g, 4] == found[d, 4] and taken[g] == 0 and value > best:
                best, match = value, g
        target[d] = match if best >= enough else -1
        if target[d] >= 0:
            taken[match] = 1


@inlined
def _kind_of(ious: Any, found: Any, objects: Any, spans: Any, d: Any, limits: Any, taken: Any) -> Any:
    """The kind of a wrong detection, and the object that it is about or -1."""
    same, other, used, every, near, beside = 0.0, 0.0, 0.0, 0.0, -1, -1
    counted = 0
    for g in range(spans[2], spans[3]):
        if objects[g, 5] != 0.0:
            continue
        counted += 1
        value = ious[d - spans[0], g - spans[2]]
        every = max(every, value)
        if objects[g, 4] == found[d, 4]:
            if near < 0 or value > same:
                same, near = value, g
            if taken[g] == 1:
                used = max(used, value)
        elif beside < 0 or value > other:
            other, beside = value, g
    if counted == 0:
        return BACKGROUND, -1
    if near >= 0 and limits[1] <= same <= limits[0]:
        return LOCATION, near
    if beside >= 0 and other >= limits[0]:
        return CLASS, beside
    if used >= limits[0]:
        return DUPLICATE, -1
    if every <= limits[1]:
        return BACKGROUND, -1
    return BOTH, -1


@kernel(
    "void(float64[:,::1], int64[::1], float64[:,::1], int64[::1], float64[::1], int64[::1], int64[::1], int64[::1])"
)
def judge(
    found: F8, found_from: I8, objects: F8, objects_from: I8, limits: F8, kinds: I8, target: I8, taken: I8
) -> None:
    """Fill in each detection's kind and the object it took or is about, and which objects were taken.

    ``limits`` are the IoU of a right detection and that up to which one lies on the background.
    """
    scene = untabled(found, objects)
    for image in range(found_from.shape[0] - 1):
        spans = (found_from[image], found_from[image + 1], objects_from[image], objects_from[image + 1])
        ious = _overlaps(scene, spans)
        _match(ious, found, objects, spans, limits[0], target, taken)
        for d in range(spans[0], spans[1]):
            if target[d] >= 0:
                kinds[d] = RIGHT
                continue
            kinds[d], target[d] = _kind_of(ious, found, objects, spans, d, limits, taken)
            for g in range(spans[2], spans[3]):
                aside = objects[g, 5] != 0.0 and objects[g, 4] == found[d, 4]
                if aside and ious[d - spans[0], g - spans[2]] > limits[0]:
                    kinds[d] |= IGNORED


@kernel("void(float64[:,::1], int64[::1], float64[:,::1], int64[::1], float64, int64[::1], int64[::1])")
def pair_up(
    found: F8, found_from: I8, objects: F8, objects_from: I8, enough: float, target: I8, taken: I8
) -> None:
    """Pair detections with objects one to one, whatever their classes: pairs of one class first, then by falling IoU,
    ties by object and then by detection. ``target`` is the object, -1 for none, -2 for one that does not count.

    Here ties go by detection and then by object, which is the same: of tied pairs that are left, the first detection
    and the first of its objects are each other's first in both orders.
    """
    scene = untabled(found, objects)
    for image in range(found_from.shape[0] - 1):
        first, last = found_from[image], found_from[image + 1]
        begin, end = objects_from[image], objects_from[image + 1]
        ious = _overlaps(scene, (first, last, begin, end))
        for d in range(first, last):
            target[d] = -1
        for same in (True, False):
            while True:
                best, detection, match = -1.0, -1, -1
                for d in range(first, last):
                    if target[d] != -1:
                        continue
                    for g in range(begin, end):
                        value = ious[d - first, g - begin]
                        if value < enough or value <= best:  # most pairs
                            continue
                        if taken[g] == 0 and objects[g, 5] == 0.0 and (objects[g, 4] == found[d, 4]) == same:
                            best, detection, match = value, d, g
                if match < 0:
                    break
                target[detection], taken[match] = match, 1
        for d in range(first, last):
            for g in range(begin, end):
                if target[d] == -1 and objects[g, 5] != 0.0 and ious[d - first, g - begin] >= enough:
                    target[d] = -2
