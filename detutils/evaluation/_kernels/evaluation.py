"""Evaluation: what proposals cover, and which detections are right."""

from __future__ import annotations

import numpy as np

from detutils._jit import B1, F8, I8, inlined, kernel

EPSILON = 2.220446049250313e-16  # cocoeval.py adds np.spacing(1) to the number of detections it divides by


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


@kernel(
    "void(float64[:,::1], int64[::1], float64[:,::1], int64[::1], int64[::1], float64, int64, int64,"
    " float64[:,::1])"
)
def best_overlaps(
    objects: F8, objects_from: I8, proposals: F8, proposals_from: I8, budgets: I8, offset: float, begin: int,
    end: int, best: F8,
) -> None:  # fmt: skip
    """For images begin to end: IoU of each object with the best of the first ``budgets[b]`` proposals."""
    for image in range(begin, end):
        first, last = proposals_from[image], proposals_from[image + 1]
        for g in range(objects_from[image], objects_from[image + 1]):
            a1, b1, a2, b2 = objects[g, 0], objects[g, 1], objects[g, 2], objects[g, 3]
            area = (a2 - a1 + offset) * (b2 - b1 + offset)
            so_far, done = 0.0, first
            for b in range(budgets.shape[0]):
                stop = min(last, first + budgets[b])
                for p in range(done, stop):
                    so_far = max(so_far, _iou(a1, b1, a2, b2, area, proposals[p, 0], proposals[p, 1],
                                              proposals[p, 2], proposals[p, 3], offset))  # fmt: skip
                done = max(done, stop)
                best[g, b] = so_far


@inlined
def _find_objects(objects: I8, object_images: I8, first: I8, last: I8) -> None:
    """Note for each image where its objects stand in ``objects``, which is ordered by image."""
    for k in range(objects.shape[0]):
        image = object_images[objects[k]]
        if last[image] == 0:
            first[image] = k
        last[image] = k + 1


@kernel(
    "void(float64[:,::1], int64[::1], int64[::1], float64[:,::1], boolean[::1], int64[::1], int64[::1],"
    " int64, float64, boolean, float64, int64[::1])"
)
def voc_class(
    found: F8, order: I8, found_images: I8, boxes: F8, difficult: B1, objects: I8, object_images: I8,
    images: int, threshold: float, strict: bool, offset: float, outcomes: I8,
) -> None:  # fmt: skip
    """Of each detection in ``order`` (one class, falling score): 1 right, 0 wrong, -1 on a difficult object.

    A detection looks only at the object that it overlaps most, even where that one is taken (VOCevaldet.m).
    """
    taken = np.zeros(objects.shape[0], np.bool_)
    first, last = np.zeros(images, np.int64), np.zeros(images, np.int64)
    _find_objects(objects, object_images, first, last)
    for n in range(order.shape[0]):
        d = order[n]
        image = found_images[d]
        a1, b1, a2, b2 = found[d, 0], found[d, 1], found[d, 2], found[d, 3]
        area = (a2 - a1 + offset) * (b2 - b1 + offset)
        best, match = 0.0, -1
        for k in range(first[image], last[image]):
            g = objects[k]
            iou = _iou(a1, b1, a2, b2, area, boxes[g, 0], boxes[g, 1], boxes[g, 2], boxes[g, 3], offset)
            if iou > best:
                best, match = iou, k
        outcomes[n] = 0
        if match < 0 or best < threshold or (strict and best == threshold):
            continue
        if difficult[objects[match]]:
            outcomes[n] = -1
        elif not taken[match]:
            taken[match] = True
            outcomes[n] = 1


@inlined
def _envelope(precision: F8) -> None:
    """Replace each precision by the best at its recall or beyond."""
    for k in range(precision.shape[0] - 2, -1, -1):
        precision[k] = max(precision[k], precision[k + 1])


@kernel("float64(float64[::1], float64[::1])")
def area_under(recall: F8, precision: F8) -> float:
    """The area under the envelope of a curve (VOCap.m)."""
    best = precision.copy()
    _envelope(best)
    area, before = 0.0, 0.0
    for k in range(recall.shape[0]):
        area += (recall[k] - before) * best[k]
        before = recall[k]
    return area


@kernel("float64(float64[::1], float64[::1])")
def eleven_points(recall: F8, precision: F8) -> float:
    """The mean of the envelope at the recalls 0, 0.1, ... 1 (VOC 2007)."""
    best = precision.copy()
    _envelope(best)
    total, k = 0.0, 0
    for i in range(11):
        while k < recall.shape[0] and recall[k] < i * 0.1:
            k += 1
        total += best[k] if k < recall.shape[0] else 0.0
    return total / 11.0


@kernel("void(int64[::1], int64[::1], int64[::1], float64[::1], float64[::1])")
def voc_curves(outcomes: I8, order_from: I8, positives: I8, recall: F8, precision: F8) -> None:
    """Recall and precision after each detection of each class; an ignored one repeats the point before."""
    for c in range(positives.shape[0]):
        right, wrong = 0, 0
        for k in range(order_from[c], order_from[c + 1]):
            right += outcomes[k] == 1
            wrong += outcomes[k] == 0
            recall[k] = right / positives[c] if positives[c] > 0 else np.nan
            precision[k] = right / max(right + wrong, 1)


@inlined
def _coco_candidates(
    boxes: F8, sizes: F8, crowd: B1, objects: I8, first: int, last: int, x: float, y: float, w: float,
    h: float, thresholds: F8, ious: F8, places: I8, passed: I8,
) -> int:  # fmt: skip
    """The objects that one detection overlaps enough for some threshold, best first, the last of ties first.

    Their IoU (as maskApi.c computes it), their place in ``objects``, and the thresholds passed, a bit each.
    """
    count = 0
    for k in range(first, last):
        g = objects[k]
        gx, gy, gw, gh = boxes[g, 0], boxes[g, 1], sizes[g, 0], sizes[g, 1]
        width = min(w + x, gw + gx) - max(x, gx)
        height = min(h + y, gh + gy) - max(y, gy)
        iou = 0.0
        if width > 0.0 and height > 0.0:
            shared = width * height
            union = w * h if crowd[g] else w * h + gw * gh - shared
            if union > 0.0:
                iou = shared / union
        bits = 0
        for t in range(thresholds.shape[0]):
            if iou >= thresholds[t]:
                bits |= 1 << t
        if bits == 0:
            continue
        at = count
        while at > 0 and ious[at - 1] <= iou:
            ious[at], places[at], passed[at] = ious[at - 1], places[at - 1], passed[at - 1]
            at -= 1
        ious[at], places[at], passed[at] = iou, k, bits
        count += 1
    return count


@inlined
def _interpolate(curve: F8, found: int, positives: int, levels: F8, precision: F8) -> None:
    """The best precision at each level of recall or beyond; ``curve`` holds it after each right detection."""
    _envelope(curve[:found])
    k = 0
    for r in range(levels.shape[0]):
        while k < found and (k + 1) / positives < levels[r]:
            k += 1
        precision[r] = curve[k] if k < found else 0.0


@kernel(
    "void(float64[:,::1], float64[:,::1], int64[::1], int64[::1], float64[:,::1], float64[:,::1],"
    " boolean[::1], boolean[::1], float64[::1], int64[::1], int64[::1], int64, float64[::1], float64[:,::1],"
    " int64[::1], float64[::1], float64[:,:,::1], float64[:,:,::1])"
)
def coco_class(
    found: F8, found_sizes: F8, order: I8, found_images: I8, boxes: F8, sizes: F8, crowd: B1, aside: B1,
    areas: F8, objects: I8, object_images: I8, images: int, thresholds: F8, ranges: F8, limits: I8,
    levels: F8, precision: F8, recall: F8,
) -> None:  # fmt: skip
    """Precision (ranges, thresholds, levels) and recall (limits, ranges, thresholds) of a class.

    cocoeval.py sorts and matches image by image and then joins the images. One walk by falling score does
    the same, because images do not influence each other. For each threshold a detection takes the free object
    that it overlaps most, of those that count before those that do not; all thresholds go side by side, a bit
    each. Entries without objects that count are left as they are.
    """
    n_ranges, n_thresholds, n_limits = ranges.shape[0], thresholds.shape[0], limits.shape[0]
    n_objects = objects.shape[0]
    first, last, seen = np.zeros(images, np.int64), np.zeros(images, np.int64), np.zeros(images, np.int64)
    _find_objects(objects, object_images, first, last)
    ignored = np.zeros((n_ranges, n_objects), np.bool_)
    positives = np.zeros(n_ranges, np.int64)
    for a in range(n_ranges):
        for k in range(n_objects):
            area = areas[objects[k]]
            ignored[a, k] = aside[objects[k]] or area < ranges[a, 0] or area > ranges[a, 1]
            positives[a] += not ignored[a, k]
    enough = np.minimum(thresholds, 1.0 - 1e-10)
    every = (1 << n_thresholds) - 1
    taken = np.zeros((n_ranges, n_objects), np.int64)
    right, wrong = np.zeros((n_ranges, n_thresholds), np.int64), np.zeros((n_ranges, n_thresholds), np.int64)
    hopeless = np.zeros(n_ranges, np.int64)  # wrong at every threshold
    hits = np.zeros((n_limits, n_ranges, n_thresholds), np.int64)
    curve = np.empty((n_ranges, n_thresholds, max(1, positives.max())))
    ious, places = np.empty(n_objects + 1), np.empty(n_objects + 1, np.int64)
    passed = np.empty(n_objects + 1, np.int64)
    for d in order:
        image = found_images[d]
        rank = seen[image]
        if rank >= limits[n_limits - 1]:
            continue
        seen[image] += 1
        x, y, w, h = found[d, 0], found[d, 1], found_sizes[d, 0], found_sizes[d, 1]
        count = 0
        if last[image] > 0:
            count = _coco_candidates(
                boxes, sizes, crowd, objects, first[image], last[image], x, y, w, h, enough, ious, places,
                passed,
            )  # fmt: skip
        for a in range(n_ranges):
            inside = ranges[a, 0] <= w * h <= ranges[a, 1]
            open_bits, right_bits = every, 0
            for c in range(count):
                k = places[c]
                if not ignored[a, k]:
                    bits = open_bits & passed[c] & ~taken[a, k]
                    taken[a, k] |= bits
                    right_bits |= bits
                    open_bits &= ~bits
            for c in range(count):
                k = places[c]
                if ignored[a, k]:
                    bits = open_bits & passed[c]
                    if not crowd[objects[k]]:
                        bits &= ~taken[a, k]
                    taken[a, k] |= bits
                    open_bits &= ~bits
            if open_bits == every:
                hopeless[a] += inside
                continue
            for t in range(n_thresholds):
                if (right_bits >> t) & 1:
                    found_so_far = right[a, t] + 1
                    right[a, t] = found_so_far
                    counted = float(wrong[a, t] + hopeless[a] + found_so_far)
                    curve[a, t, found_so_far - 1] = found_so_far / (counted + EPSILON)
                    for m in range(n_limits):
                        hits[m, a, t] += rank < limits[m]
                elif inside:
                    wrong[a, t] += (open_bits >> t) & 1
    for a in range(n_ranges):
        if positives[a] > 0:
            for t in range(n_thresholds):
                _interpolate(curve[a, t], right[a, t], positives[a], levels, precision[a, t])
                for m in range(n_limits):
                    recall[m, a, t] = hits[m, a, t] / positives[a]
