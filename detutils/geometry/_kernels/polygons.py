"""Convex polygons: hulls, areas, the smallest rectangle around points, and what two polygons have in common."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import F8, inlined, kernel

RECTANGULAR = 1e-5  # of the longer side: by so little may four corners miss a rectangle


@inlined
def convex_hull(points: Any, hull: Any) -> Any:
    """Sort points by x, then y, and write the corners of their hull, from the first, turning from x to y; how many.

    A. M. Andrew, "Another efficient algorithm for convex hulls in two dimensions", 1979. Sorting is quick for a few
    points, or for those in order. ``hull`` has room for one more than there are points.
    """
    n = points.shape[0]
    for i in range(1, n):
        px, py = points[i, 0], points[i, 1]
        at: Any = i
        while at > 0 and (points[at - 1, 0] > px or (points[at - 1, 0] == px and points[at - 1, 1] > py)):
            points[at, 0], points[at, 1] = points[at - 1, 0], points[at - 1, 1]
            at -= 1
        points[at, 0], points[at, 1] = px, py
    count: Any = 0
    for half in range(2):
        least = count + 1
        for step in range(n):
            i = n - 1 - step if half else step
            px, py = points[i, 0], points[i, 1]
            if half and step == 0:
                continue  # ends the lower half
            while count > least - (half == 1):
                ux, uy = hull[count - 1, 0] - hull[count - 2, 0], hull[count - 1, 1] - hull[count - 2, 1]
                if ux * (py - hull[count - 2, 1]) - uy * (px - hull[count - 2, 0]) > 0.0:
                    break
                count -= 1
            hull[count, 0], hull[count, 1] = px, py
            count += 1
    return max(count - 1, 1)  # the first point came twice


@inlined
def polygon_area(points: Any, count: Any) -> Any:
    """The shoelace formula around the first corner, positive where corners turn from x to y."""
    area = 0.0
    for i in range(2, count):
        ax, ay = points[i - 1, 0] - points[0, 0], points[i - 1, 1] - points[0, 1]
        area += ax * (points[i, 1] - points[0, 1]) - ay * (points[i, 0] - points[0, 0])
    return 0.5 * area


@inlined
def _smallest_rectangle(hull: Any, count: Any, rectangle: Any) -> None:
    """Write center, sides and direction of the rectangle of least area around a hull; one of its sides lies on an edge
    (Freeman and Shapira, 1975). Three calipers go round with it (Toussaint, 1983)."""
    best = math.inf
    far, high, near = 1, 1, 1
    for i in range(count):
        x, y = hull[i, 0], hull[i, 1]
        ux, uy = hull[(i + 1) % count, 0] - x, hull[(i + 1) % count, 1] - y
        length = math.hypot(ux, uy)
        if length == 0.0 and count > 1:
            continue
        ux, uy = (ux / length, uy / length) if length > 0.0 else (1.0, 0.0)
        for caliper in range(3):
            # the furthest along the edge, the furthest across, the furthest back
            vx, vy = (ux, uy) if caliper == 0 else ((-uy, ux) if caliper == 1 else (-ux, -uy))
            at = far if caliper == 0 else (max(high, far) if caliper == 1 else max(near, high))
            for _ in range(count):
                here, there = hull[at % count], hull[(at + 1) % count]
                if (there[0] - here[0]) * vx + (there[1] - here[1]) * vy <= 0.0:
                    break
                at += 1
            if caliper == 0:
                far = at
            elif caliper == 1:
                high = at
            else:
                near = at
        right = (hull[far % count, 0] - x) * ux + (hull[far % count, 1] - y) * uy
        left = (hull[near % count, 0] - x) * ux + (hull[near % count, 1] - y) * uy
        top = -(hull[high % count, 0] - x) * uy + (hull[high % count, 1] - y) * ux
        if (right - left) * top < best:
            best = (right - left) * top
            along, across = 0.5 * left + 0.5 * right, 0.5 * top
            rectangle[0], rectangle[1] = x + along * ux - across * uy, y + along * uy + across * ux
            rectangle[2], rectangle[3] = right - left, top
            rectangle[4] = math.atan2(uy, ux)
    if rectangle[2] < rectangle[3]:
        rectangle[2], rectangle[3] = rectangle[3], rectangle[2]
        rectangle[4] += 0.5 * math.pi
    _within_half_turn(rectangle)


@inlined
def _within_half_turn(rectangle: Any) -> None:
    while rectangle[4] >= 0.5 * math.pi:
        rectangle[4] -= math.pi
    while rectangle[4] < -0.5 * math.pi:
        rectangle[4] += math.pi


@kernel("void(float64[:,::1], float64[::1])")
def smallest_rectangle(points: F8, rectangle: F8) -> None:
    """Center, sides and angle (radians from x to y) of the rectangle of least area around points, which are sorted by
    x, then y; w >= h."""
    hull = np.empty((points.shape[0] + 1, 2), np.float64)
    _smallest_rectangle(hull, convex_hull(points, hull), rectangle)


@kernel("void(float64[:,::1], float64[:,::1])")
def rectangles(corners: F8, boxes: F8) -> None:
    """The rectangle of each row of four corners, w along the first side; where they make none, the smallest around."""
    points, hull = np.empty((4, 2), np.float64), np.empty((5, 2), np.float64)
    for i in range(corners.shape[0]):
        x, y = corners[i, 0::2], corners[i, 1::2]
        ux, uy = 0.5 * (x[1] - x[0] + (x[2] - x[3])), 0.5 * (y[1] - y[0] + (y[2] - y[3]))
        vx, vy = 0.5 * (x[3] - x[0] + (x[2] - x[1])), 0.5 * (y[3] - y[0] + (y[2] - y[1]))
        w, h = math.hypot(ux, uy), math.hypot(vx, vy)
        miss = math.hypot((x[1] - x[0]) - (x[2] - x[3]), (y[1] - y[0]) - (y[2] - y[3]))
        slack = RECTANGULAR * max(w, h)
        if miss <= slack and abs(ux * vx + uy * vy) <= slack * min(w, h):
            boxes[i, 0] = x[0] + 0.5 * (x[2] - x[0]) + 0.0
            boxes[i, 1] = y[0] + 0.5 * (y[2] - y[0])
            boxes[i, 2], boxes[i, 3] = w, h
            boxes[i, 4] = math.atan2(uy, ux) if w > 0.0 else math.atan2(-vx, vy)
            _within_half_turn(boxes[i])
        else:
            for k in range(4):
                points[k, 0], points[k, 1] = x[k], y[k]
            _smallest_rectangle(hull, convex_hull(points, hull), boxes[i])
