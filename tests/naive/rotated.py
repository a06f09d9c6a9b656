"""Rotated boxes, quadrilaterals and cuboids in plain Python: polygons, cut by one half plane after the other."""

from __future__ import annotations

import math


def corners(box, angle):
    """Of cx, cy, w, h, angle, clockwise as seen from the one that is top left at angle 0."""
    turn = math.radians(math.fmod(box[4], 360.0)) if angle.endswith("deg") else box[4]
    turn = turn if angle.startswith("cw") else -turn
    c, s = math.cos(turn), math.sin(turn)
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
        result = []
        for k, now in enumerate(polygon):
            before = polygon[k - 1]
            u, v = (
                (end[0] - start[0]) * (p[1] - start[1]) - (end[1] - start[1]) * (p[0] - start[0])
                for p in (before, now)
            )
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
    common = area(clip(a, b)) if one > 0 and other > 0 else 0.0
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
