"""Rotated boxes, quadrilaterals and cuboids in plain Python: polygons, cut by one half plane after the other."""

from __future__ import annotations

import math


def corners(box, angle):
    """Of cx, cy, w, h, angle, clockwise as seen from the one that is top left at angle 0."""
    turn = math.radians(math.fmod(box[4], 360.0)) if angle.endswith("deg") else box[4]
    turn = turn if angle.startswith("cw") else -turn
    c, s = math.cos(turn), math.sin(turn)
    if angle.endswith("deg") and box[4] % 90 == 0:  # as they are: the radians are rounded
        c, s = round(c), round(s)
    w, h = box[2] / 2, box[3] / 2
    return [(box[0] + x * c - y * s, box[1] + x * s + y * c) for x, y in ((-w, -h), (w, -h), (w, h), (-w, h))]


def area(polygon):
    """The shoelace formula."""
    total = 0.0
    for i, (x, y) in enumerate(polygon):
        total += polygon[i - 1][0] * y - x * polygon[i - 1][1]
    return abs(total) / 2


def clip(polygon, window):
    """Sutherland and Hodgman 1974; both clockwise as seen."""
    for i, end in enumerate(window):
        start = window[i - 1]
        ex, ey = end[0] - start[0], end[1] - start[1]
        sides = [ex * (y - start[1]) - ey * (x - start[0]) for x, y in polygon]
        result = []
        for k, now in enumerate(polygon):
            before, u, v = polygon[k - 1], sides[k - 1], sides[k]
            if u * v < 0:
                part = u / (u - v)
                result.append((before[0] + part * (now[0] - before[0]), before[1] + part * (now[1] - before[1])))
            if v >= 0:
                result.append(now)
        polygon = result
    return polygon


def hull(points):
    """Andrew 1979."""
    points = sorted(set(points))
    chains = []
    for ordered in (points, points[::-1]):
        chain = []
        for p in ordered:
            while len(chain) > 1:
                (ax, ay), (bx, by) = chain[-2:]
                if (bx - ax) * (p[1] - ay) - (by - ay) * (p[0] - ax) > 0:
                    break
                chain.pop()
            chain.append(p)
        chains += chain[:-1]
    return chains


def polygon_overlap(a, b, metric):
    """IoU, IoA, IoS, GIoU (Rezatofighi et al. 2019) of two convex polygons, clockwise as seen."""
    origin = a[0]
    a, b = ([(x - origin[0], y - origin[1]) for x, y in polygon] for polygon in (a, b))
    one, other = area(a), area(b)
    common = min(area(clip(a, b)), one, other) if one > 0 and other > 0 else 0.0
    union = one + other - common
    divisor = {"iou": union, "giou": union, "ioa": one, "ios": min(one, other)}[metric]
    share = common / divisor if divisor > 0 else 0.0
    if metric == "giou":
        around = area(hull([*a, *b]))
        share -= (around - union) / around if around > 0 else 0.0
    return share


def rotated_box_iou(boxes1, boxes2, *, angle="ccw-deg", metric="iou"):
    first, second = ([corners(box, angle) for box in boxes] for boxes in (boxes1, boxes2))
    return [[polygon_overlap(a, b, metric) for b in second] for a in first]


def quadrilateral_iou(boxes1, boxes2, *, metric="iou"):
    first, second = ([clockwise(list(zip(q[0::2], q[1::2], strict=True))) for q in quads] for quads in (boxes1, boxes2))
    return [[polygon_overlap(a, b, metric) for b in second] for a in first]


def clockwise(polygon):
    """As seen, with y downward."""
    total = sum(polygon[i - 1][0] * y - x * polygon[i - 1][1] for i, (x, y) in enumerate(polygon))
    return polygon if total >= 0 else polygon[::-1]


def cuboid_iou(boxes1, boxes2, *, metric="iou", birds_eye=False):
    """The plan's area times the common height."""
    result = []
    for a in boxes1:
        row = []
        for b in boxes2:
            plans = [corners([c[0], c[1], c[3], c[4], c[6]], "cw-rad") for c in (a, b)]
            shared = min(a[2] + a[5] / 2, b[2] + b[5] / 2) - max(a[2] - a[5] / 2, b[2] - b[5] / 2)
            heights = (1.0, 1.0, 1.0) if birds_eye else (a[5], b[5], max(shared, 0.0))
            one, other = a[3] * a[4] * heights[0], b[3] * b[4] * heights[1]
            common = area(clip(*plans)) * heights[2] if one > 0 and other > 0 else 0.0
            divisor = {"iou": one + other - common, "ioa": one, "ios": min(one, other)}[metric]
            row.append(common / divisor if divisor > 0 else 0.0)
        result.append(row)
    return result


def explain_rotated_nms(
    boxes, scores, iou_threshold=0.5, *, labels=None, angle="ccw-deg", metric="iou", score_threshold=None,
    max_output=None, max_candidates=None,
):  # fmt: skip
    """Keep the best box, drop what overlaps it, go on (Girshick et al. 2014, section 2.2)."""
    polygons = [corners(box, angle) for box in boxes]
    order = sorted(range(len(scores)), key=lambda i: -scores[i])  # stable: ties by index
    if score_threshold is not None:
        order = [i for i in order if scores[i] > score_threshold]
    keep, suppressed_by, overlap = [], [-1] * len(scores), [0.0] * len(scores)
    for i in order[:max_candidates]:
        if len(keep) == max_output:
            break
        for j in keep:
            value = polygon_overlap(polygons[i], polygons[j], metric)  # "ioa": over the weaker one
            if value > iou_threshold and (labels is None or labels[i] == labels[j]):
                suppressed_by[i], overlap[i] = j, value
                break
        else:
            keep.append(i)
    return keep, suppressed_by, overlap


def soft_rotated_nms(
    boxes, scores, *, angle="ccw-deg", method="gaussian", sigma=0.5, iou_threshold=0.3, score_threshold=0.001,
    labels=None, max_output=None,
):  # fmt: skip
    """Bodla et al. 2017, figure 2, equations 2 and 3."""
    polygons = [corners(box, angle) for box in boxes]
    scores, left = list(scores), [i for i, score in enumerate(scores) if score > score_threshold]
    keep, new_scores = [], []
    while left and (max_output is None or len(keep) < max_output):
        best = max(left, key=lambda i: (scores[i], -i))
        keep.append(best)
        new_scores.append(scores[best])
        left.remove(best)
        for i in left:
            if labels is not None and labels[i] != labels[best]:
                continue
            overlap = polygon_overlap(polygons[best], polygons[i], "iou")
            if method == "gaussian":
                scores[i] *= math.exp(-(overlap * overlap) / sigma)
            elif overlap > iou_threshold:
                scores[i] *= 1.0 - overlap
        left = [i for i in left if scores[i] > score_threshold]
    return keep, new_scores
