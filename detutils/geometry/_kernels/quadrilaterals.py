"""Convex quadrilaterals: what two of them have in common, by clipping one to the sides of the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F8, I8, inlined, kernel
from detutils.geometry._kernels.polygons import convex_hull, polygon_area

STRAIGHT = 1e-9  # sine of an angle by which a corner may turn the other way: rounding
IOU, IOA, IOS, GIOU = range(4)  # kinds of measure, as for rotated boxes


@kernel("int64(float64[:,::1], float64[:,::1])")
def put_in_order(corners: F8, quads: F8) -> int:
    """Write corners that turn from x to y; the first row whose corners do not go around a convex one, or -1."""
    for i in range(corners.shape[0]):
        left = right = True
        for k in range(4):
            x, y = corners[i, 2 * k], corners[i, 2 * k + 1]
            ux, uy = corners[i, (2 * k + 2) % 8] - x, corners[i, (2 * k + 3) % 8] - y
            vx, vy = corners[i, (2 * k + 4) % 8] - (x + ux), corners[i, (2 * k + 5) % 8] - (y + uy)
            turn, slack = ux * vy - uy * vx, STRAIGHT * (abs(ux) + abs(uy)) * (abs(vx) + abs(vy))
            left &= turn >= -slack
            right &= turn <= slack
        if not (left or right):
            return i
        for k in range(4):
            at = k if left else 3 - k
            quads[i, 2 * k], quads[i, 2 * k + 1] = corners[i, 2 * at], corners[i, 2 * at + 1]
    return -1


@inlined
def _precedes(a: Any, b: Any) -> Any:
    """Which of two is clipped: any rule that does not ask which of them comes first."""
    for k in range(8):
        if a[k] != b[k]:
            return a[k] > b[k]
    return True


@inlined
def _area(quad: Any) -> Any:
    ux, uy, vx, vy = quad[4] - quad[0], quad[5] - quad[1], quad[6] - quad[2], quad[7] - quad[3]
    return max(0.5 * (ux * vy - uy * vx), 0.0)


@inlined
def _common_area(a: Any, b: Any, room: Any) -> Any:
    """Sutherland and Hodgman, "Reentrant polygon clipping", 1974; the origin is a's first corner."""
    x, y = a[0], a[1]
    count: Any = np.int64(4)
    for k in range(4):
        room[0, k, 0], room[0, k, 1] = a[2 * k] - x, a[2 * k + 1] - y
    now = 0
    for k in range(4):
        px, py = b[2 * k] - x, b[2 * k + 1] - y
        ux, uy = b[(2 * k + 2) % 8] - b[2 * k], b[(2 * k + 3) % 8] - b[2 * k + 1]
        if ux == 0.0 and uy == 0.0:
            continue
        polygon, result = room[now], room[1 - now]
        kept = 0
        for i in range(count):
            before = count - 1 if i == 0 else i - 1
            qx, qy, rx, ry = polygon[before, 0], polygon[before, 1], polygon[i, 0], polygon[i, 1]
            from_side, to_side = ux * (qy - py) - uy * (qx - px), ux * (ry - py) - uy * (rx - px)
            if (from_side < 0.0 < to_side) or (to_side < 0.0 < from_side):
                part = from_side / (from_side - to_side)
                result[kept, 0], result[kept, 1] = qx + part * (rx - qx), qy + part * (ry - qy)
                kept += 1
            if to_side >= 0.0:
                result[kept, 0], result[kept, 1] = rx, ry
                kept += 1
        count, now = kept, 1 - now
    return max(polygon_area(room[now], count), 0.0)


@inlined
def _measure(kind: Any, a: Any, b: Any, room: Any) -> Any:
    area, other = _area(a), _area(b)
    common = _common_area(a, b, room) if _precedes(a, b) else _common_area(b, a, room)
    common = min(common, min(area, other))
    union = (area + other) - common
    if kind == IOA:
        return common / (area if area > 0.0 else 1.0)
    if kind == IOS:
        least = min(area, other)
        return common / (least if least > 0.0 else 1.0)
    iou = common / (union if union > 0.0 else 1.0)
    if kind != GIOU:
        return iou
    points, hull = room[0, :8], room[1]
    first, second = (a, b) if _precedes(a, b) else (b, a)
    for k in range(4):
        points[k, 0], points[k, 1] = first[2 * k] - first[0], first[2 * k + 1] - first[1]
        points[k + 4, 0], points[k + 4, 1] = second[2 * k] - first[0], second[2 * k + 1] - first[1]
    around = max(polygon_area(hull, convex_hull(points, hull)), union)
    return iou - (around - union) / (around if around > 0.0 else 1.0)


@inlined
def _extent(quad: Any) -> Any:
    left = min(min(quad[0], quad[2]), min(quad[4], quad[6]))
    right = max(max(quad[0], quad[2]), max(quad[4], quad[6]))
    top = min(min(quad[1], quad[3]), min(quad[5], quad[7]))
    return left, top, right, max(max(quad[1], quad[3]), max(quad[5], quad[7]))


@kernel("void(int64, float64[:,::1], float64[:,::1], int64[::1], float64[:,::1])")
def quad_matrix(kind: int, first: F8, second: F8, order: I8, out: F8) -> None:
    """Write the measure of those that meet into a matrix of zeros; ``order`` are rows of ``second`` by their left."""
    m = order.shape[0]
    room, hulls = np.empty((2, 16, 2), np.float64), np.empty((m, 4), np.float64)
    for j in range(m):
        hulls[j, 0], hulls[j, 1], hulls[j, 2], hulls[j, 3] = _extent(second[order[j]])
    for i in range(first.shape[0]):
        left, top, right, bottom = _extent(first[i])
        for j in range(m):
            if kind != GIOU and hulls[j, 0] >= right:
                break
            if kind == GIOU or (hulls[j, 2] > left and hulls[j, 1] < bottom and hulls[j, 3] > top):
                out[i, order[j]] = _measure(kind, first[i], second[order[j]], room)


@kernel("void(int64, float64[:,::1], float64[:,::1], float64[::1])")
def quad_rows(kind: int, first: F8, second: F8, out: F8) -> None:
    """The measure of the i-th of one set and the i-th of another."""
    room = np.empty((2, 16, 2), np.float64)
    for i in range(first.shape[0]):
        out[i] = _measure(kind, first[i], second[i], room)
