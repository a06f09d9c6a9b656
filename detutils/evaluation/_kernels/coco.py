"""Which detections are right by the rules of COCO, and the precision and recall that follow.

Rows are (x, y, width, height, area) of detections and (x, y, width, height, area, aside) of objects; ``aside`` is 0 for
an object that counts, 1 for one that does not, 2 for a crowd. Rows of rotated boxes end with the eight numbers of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F8, I4, I8, embedded, kernel
from detutils.evaluation._kernels.curves import envelope
from detutils.evaluation._kernels.overlap import ASIDE, fill_overlaps, scene_of, upright_overlap

EPSILON = 2.220446049250313e-16  # cocoeval.py adds np.spacing(1) to the number of detections it divides by
AREA = 4  # the column of both kinds of rows
RANK = 0  # the column of states that says the how-many-th of its image a detection is; -1 beyond the last limit


@embedded
def _candidates(values: Any, span: Any, enough: Any, near: Any, ious: Any) -> Any:
    """The objects that one detection, by its overlaps, overlaps enough for some threshold, best first, the last of ties
    first.

    ``near`` gets their place in ``owned`` and the thresholds passed, a bit each. How many there are.
    """
    count = 0
    for k in range(span[0], span[1]):
        value = values[k]
        bits = 0
        for t in range(enough.shape[0]):
            if value >= enough[t]:
                bits |= 1 << t
        if bits == 0:
            continue
        at = count
        while at > 0 and ious[at - 1] <= value:
            ious[at], near[at, 0], near[at, 1] = ious[at - 1], near[at - 1, 0], near[at - 1, 1]
            at -= 1
        ious[at], near[at, 0], near[at, 1] = value, k, bits
        count += 1
    return count


@embedded
def _note(partners: Any, place: Any, bits: Any, k: Any) -> None:
    """Write down which object is taken at some thresholds; nowhere, where there is no room for any."""
    for t in range(partners.shape[2]):
        if (bits >> t) & 1:
            partners[place[0], place[1], t] = k


@embedded
def _take(near: Any, count: Any, ignored: Any, crowd: Any, taken: Any, every: Any, partners: Any, place: Any) -> Any:
    """(thresholds at which a detection takes an object that counts, those at which it takes none), a bit each.

    At each threshold it takes the free object that it overlaps most, of those that count before those that do not.
    ``partners``, where there are any, get the object's place at ``place``, which is that of the detection and that of
    the range of areas.
    """
    left, right, a = every, 0, place[1]
    for c in range(count):
        k = near[c, 0]
        if not ignored[a, k]:
            bits = left & near[c, 1] & ~taken[a, k]
            taken[a, k] |= bits
            right |= bits
            left &= ~bits
            _note(partners, place, bits, k)
    for c in range(count):
        k = near[c, 0]
        if ignored[a, k]:
            bits = left & near[c, 1]
            if not crowd[k]:
                bits &= ~taken[a, k]
            taken[a, k] |= bits
            left &= ~bits
            _note(partners, place, bits, k)
    return right, left


@kernel(
    "void(float64[:,::1], int64[:,::1], float64[:,::1], int64[:,::1],"
    " Tuple((float64[::1], float64[:,::1], int64[::1])), float64[:,::1], int64[:,::1], int32[:,:,::1])"
)
def match_class(
    found: F8, detections: I8, objects: F8, owned: I8, rules: Any, table: F8, states: I8, partners: I4
) -> None:
    """Of each detection of a class, (row, image) by falling score: its rank in its image and, for each range of areas,
    at which thresholds it is right and at which it is wrong, a bit each.

    ``owned`` holds (row, image) of the objects, ordered by image. ``rules`` are the thresholds, the ranges of areas,
    and the limits: how many detections of an image are looked at, and how many images there are. ``table`` is empty, or
    gives the overlaps. ``partners``, where there is room, get the place in ``owned`` of the object that each detection
    takes, by range of areas and threshold; where it takes none they are left as they are.

    cocoeval.py matches image by image and then joins the images. One walk by falling score does the same, because
    images do not influence each other; all thresholds go side by side.
    """
    thresholds, ranges, limits = rules
    scene = scene_of(found, objects, table)
    n_objects, n_ranges = owned.shape[0], ranges.shape[0]
    starts, seen = np.zeros(limits[1] + 1, np.int64), np.zeros(limits[1], np.int64)
    for k in range(n_objects):
        starts[owned[k, 1] + 1] += 1
    for image in range(limits[1]):
        starts[image + 1] += starts[image]
    ignored, crowd = np.zeros((n_ranges, n_objects), np.bool_), np.zeros(n_objects, np.bool_)
    for k in range(n_objects):
        area, aside = objects[owned[k, 0], AREA], objects[owned[k, 0], ASIDE]
        crowd[k] = aside == 2.0
        for a in range(n_ranges):
            ignored[a, k] = aside != 0.0 or area < ranges[a, 0] or area > ranges[a, 1]
    enough = np.empty(thresholds.shape[0], np.float64)
    for t in range(enough.shape[0]):
        enough[t] = min(thresholds[t], 1.0 - 1e-10)
    every = (1 << thresholds.shape[0]) - 1
    taken = np.zeros((n_ranges, n_objects), np.int64)
    near = np.empty((n_objects + 1, 2), np.int64)
    ious, values = np.empty(n_objects + 1, np.float64), np.empty(n_objects, np.float64)
    for n in range(detections.shape[0]):
        d, image = detections[n, 0], detections[n, 1]
        states[n, RANK] = -1
        if seen[image] >= limits[0]:
            continue
        states[n, RANK] = seen[image]
        seen[image] += 1
        span = starts[image], starts[image + 1]
        count = 0
        if span[1] > span[0]:
            fill_overlaps(scene, d, owned, span, values)
            count = _candidates(values, span, enough, near, ious)
        area = found[d, AREA]
        for a in range(n_ranges):
            right, left = 0, every
            if count > 0:
                right, left = _take(near, count, ignored, crowd, taken, every, partners, (n, a))
            states[n, 1 + 2 * a] = right
            states[n, 2 + 2 * a] = left if ranges[a, 0] <= area <= ranges[a, 1] else 0


@kernel("void(float64[:,::1], float64[:,::1], float64[:,::1])")
def tabulate(found: F8, objects: F8, table: F8) -> None:
    """How much each detection overlaps each object."""
    for d in range(table.shape[0]):
        for g in range(table.shape[1]):
            table[d, g] = upright_overlap(found, d, objects, g)


@kernel(
    "void(int64[:,::1], int64[::1], float64[::1], int64[::1], int64[::1], float64[::1], float64[:,:,:,::1],"
    " float64[:,:,::1])"
)
def accumulate(
    states: I8, weights: I8, scores: F8, positives: I8, limits: I8, levels: F8, curves: F8, recall: F8
) -> None:
    """Precision (ranges, thresholds, levels) with the last limit, in curves[0], and recall (limits, ranges, thresholds)
    of the detections of a class by falling score; where ``curves`` has room for it, the score at each level as well. A
    recall of 0 is reached by the first detection, right or wrong.

    ``weights`` say how often each detection counts (of length 0: once); ``positives`` are the objects of each range.
    Entries without objects are left as they are.
    """
    n_ranges, n_thresholds, n_limits = recall.shape[1], recall.shape[2], limits.shape[0]
    n = states.shape[0]
    reached, precision, value = np.empty(n, np.float64), np.empty(n, np.float64), np.empty(n, np.float64)
    for a in range(n_ranges):
        if positives[a] == 0:
            continue
        active = np.empty(n, np.int64)  # detections that are right or wrong at some threshold
        m, first = 0, 0.0
        for i in range(n - 1, -1, -1):
            if 0 <= states[i, RANK] < limits[n_limits - 1]:
                first = scores[i]
        for i in range(n):
            active[m] = i
            m += 0 <= states[i, RANK] < limits[n_limits - 1] and (states[i, 1 + 2 * a] | states[i, 2 + 2 * a]) != 0
        right_somewhere = 0
        for j in range(m):
            right_somewhere |= states[active[j], 1 + 2 * a]
        for t in range(n_thresholds):
            for level in range(levels.shape[0]):
                curves[0, a, t, level] = 0.0
                if curves.shape[0] > 1:
                    curves[1, a, t, level] = first if levels[level] <= 0.0 else 0.0
            for b in range(n_limits):
                recall[b, a, t] = 0.0
            if not (right_somewhere >> t) & 1:
                continue
            right = wrong = 0
            count = 0
            for j in range(m):
                i = active[j]
                weight = weights[i] if weights.shape[0] > 0 else 1
                if (states[i, 1 + 2 * a] >> t) & 1:
                    if weight == 0:
                        continue
                    right += weight
                    reached[count] = right / positives[a]
                    precision[count] = right / (np.float64(right + wrong) + EPSILON)
                    value[count] = scores[i]
                    count += 1
                    for b in range(n_limits):
                        recall[b, a, t] += weight if states[i, RANK] < limits[b] else 0
                else:
                    wrong += weight * ((states[i, 2 + 2 * a] >> t) & 1)
            for b in range(n_limits):
                recall[b, a, t] /= positives[a]
            envelope(precision[:count])
            k = 0
            for level in range(levels.shape[0]):
                while k < count and reached[k] < levels[level]:
                    k += 1
                if k < count:
                    curves[0, a, t, level] = precision[k]
                    if curves.shape[0] > 1 and levels[level] > 0.0:
                        curves[1, a, t, level] = value[k]
