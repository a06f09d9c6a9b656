"""Rotated boxes: what two of them have in common, to the last digits.

A box comes as (center x, center y, width, height, angle) and is kept as eight numbers, one cache line: the center, half
the sides, and cosine and sine of the angle, each in two parts whose sum is good to 1e-20. Quarter turns are taken out
first, exactly, and exchange the sides: all spellings of one rectangle become the same eight numbers.

**The area.** Put box A on the axes and move the origin to the center of B. By Green's theorem the area that B has in
the window left <= x <= right, low <= y <= high is minus the integral of clamp(y, low, high) over B's counterclockwise
boundary, as far as it lies between left and right: four edges, each a straight line, whose clamped mean has a closed
form. No corner of the intersection is computed, nothing is sorted, no angle is compared, so nothing can go wrong where
edges coincide.

**The error.** All numbers are as small as B or the window, whatever the boxes' distance from the origin: the centers'
difference and the relative rotation are computed in twice the precision (a thin box magnifies the error of its
direction by the ratio of its sides). What is left is some rounding errors of the area of B, 2e-15 of the union.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import F8, embedded, fma, inlined, kernel
from detutils._kernels.limits import LARGEST, LIMIT
from detutils.geometry._kernels.polygons import convex_hull, polygon_area

BITS = 160  # of the fixed point in which the constants below are computed


def _pi() -> int:
    """Machin: pi / 4 = 4 arctan(1/5) - arctan(1/239)."""

    def arctan(divisor: int) -> int:
        total, power, n = 0, (1 << BITS + 32) // divisor, 1
        while power:
            total += power // n if n % 4 == 1 else -(power // n)
            power //= divisor * divisor
            n += 2
        return total

    return 4 * (4 * arctan(5) - arctan(239)) >> 32


def _parts(value: int, count: int) -> tuple[float, ...]:
    """A fixed-point number as a sum of float64, the largest first."""
    parts = []
    for _ in range(count):
        parts.append(value / (1 << BITS))
        value -= int(math.ldexp(parts[-1], BITS))
    return tuple(parts)


def _sines_of_degrees() -> F8:
    """Cosine and sine of 0 to 45 degrees, each in two parts."""
    rows = []
    for degrees in range(46):
        angle = _pi() * degrees // 180
        terms = [1 << BITS, angle]
        while terms[-1] or terms[-2]:
            n = len(terms)
            terms.append(-((terms[-2] * angle >> BITS) * angle >> BITS) // (n * (n - 1)))
        rows.append((*_parts(sum(terms[0::2]), 2), *_parts(sum(terms[1::2]), 2)))
    return np.array(rows)


SINES = _sines_of_degrees()
RADIANS, RADIANS_LOW = _parts(_pi() // 180, 2)
DEGREES, DEGREES_LOW = _parts((180 << 2 * BITS) // _pi(), 2)
QUARTER, QUARTER_LOW, QUARTER_LOWEST = _parts(_pi() // 2, 3)
FAR_AROUND = 1e15  # radians beyond which quarter turns cannot be counted
WIDER = 1.0 + 1e-15  # of the extent of a box, which is rounded


@embedded
def _two_sum(a: Any, b: Any) -> Any:
    """a + b, and what it loses."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@embedded
def _without_quarters(angle: Any) -> Any:
    """Degrees in (-45, 45], exactly, in two parts, and whether an odd number of quarter turns was taken away."""
    rest = np.fmod(angle, 180.0)
    if rest > 135.0:
        return rest - 180.0, 0.0, False
    if rest > 45.0:
        return rest - 90.0, 0.0, True
    if rest <= -135.0:
        return rest + 180.0, 0.0, False
    if rest <= -45.0:
        return rest + 90.0, 0.0, True
    return rest, 0.0, False


@embedded
def _radians_without_quarters(angle: Any) -> Any:
    """The same of radians, in degrees of two parts."""
    if abs(angle) > FAR_AROUND:
        angle = math.atan2(math.sin(angle), math.cos(angle))
    quarters = np.rint(angle / QUARTER)
    whole = quarters * QUARTER
    rest, lost = _two_sum(angle - whole, -fma(quarters, QUARTER, -whole))
    lost -= quarters * QUARTER_LOW + quarters * QUARTER_LOWEST
    rest, lost = _two_sum(rest, lost)
    degrees = rest * DEGREES
    low = fma(rest, DEGREES, -degrees) + (rest * DEGREES_LOW + lost * DEGREES)
    degrees, low = _two_sum(degrees, low)
    return degrees, low, quarters % 2.0 != 0.0


@embedded
def _cosine_and_sine(degrees: Any, low: Any) -> Any:
    """Of at most 45 degrees in two parts: a table of whole degrees, and a short series for the rest."""
    sign = -1.0 if degrees < 0.0 else 1.0
    degrees, low = sign * degrees, sign * low
    whole = int(degrees + 0.5)
    left = (degrees - whole) + low
    more = (degrees - whole) - left + low
    x = left * RADIANS
    x_low = fma(left, RADIANS, -x) + (left * RADIANS_LOW + more * RADIANS)
    z = x * x
    sine = x_low + x * z * (-1.0 / 6.0 + z * (1.0 / 120.0 - z / 5040.0))  # the rest of x
    cosine = z * (-0.5 + z * (1.0 / 24.0 + z * (-1.0 / 720.0 + z / 40320.0))) - x * x_low  # less 1
    c, c_low, s, s_low = SINES[whole, 0], SINES[whole, 1], SINES[whole, 2], SINES[whole, 3]
    turned, cross = c * x, s * x
    sum_s, lost_s = _two_sum(s, turned)
    lost_s += fma(c, x, -turned) + (s_low + c_low * x + c * sine + s * cosine)
    sum_c, lost_c = _two_sum(c, -cross)
    lost_c += c * cosine - (fma(s, x, -cross) + (s_low * x + s * sine) - c_low)
    sum_s, lost_s = _two_sum(sum_s, lost_s)
    sum_c, lost_c = _two_sum(sum_c, lost_c)
    return sum_c, lost_c, sign * sum_s, sign * lost_s


@inlined
def prepare_box(row: Any, in_degrees: Any, clockwise: Any, boxes: Any, i: Any) -> None:
    angle = row[4] if clockwise else -row[4]
    if in_degrees:
        degrees, low, odd = _without_quarters(angle)
    else:
        degrees, low, odd = _radians_without_quarters(angle)
    c, c_low, s, s_low = _cosine_and_sine(degrees, low)
    boxes[i, 0], boxes[i, 1] = row[0], row[1]
    boxes[i, 2], boxes[i, 3] = 0.5 * (row[3] if odd else row[2]), 0.5 * (row[2] if odd else row[3])
    boxes[i, 4], boxes[i, 5], boxes[i, 6], boxes[i, 7] = c, c_low, s, s_low


@embedded
def _dot(a: Any, a_low: Any, b: Any, b_low: Any, c: Any, c_low: Any, d: Any, d_low: Any) -> Any:
    """a b + c d of numbers in two parts, rounded once or little more."""
    p, q = a * b, c * d
    total, lost = _two_sum(p, q)
    lost += fma(a, b, -p) + fma(c, d, -q)
    return total + (lost + ((a * b_low + c * d_low) + (a_low * b + c_low * d)))


@embedded
def _clamp(value: Any, low: Any, high: Any) -> Any:
    return min(max(value, low), high)


@embedded
def _below(x0: Any, y0: Any, x1: Any, y1: Any, slope: Any, window: Any) -> Any:
    """Twice the integral of clamp(y) - level along an edge, as far as it lies in the window; the level, which adds
    nothing around a whole boundary, keeps the numbers small."""
    left, right, low, high, level = window
    from_x, to_x = _clamp(x0, left, right), _clamp(x1, left, right)
    from_y, to_y = y0 + (from_x - x0) * slope, y1 - (x1 - to_x) * slope
    a, b = _clamp(from_y, low, high), _clamp(to_y, low, high)
    rise = to_y - from_y
    bend = ((to_y - b) - (a - from_y)) / (rise if rise != 0.0 else 1.0)
    return (to_x - from_x) * (((a - level) + (b - level)) + (b - a) * bend)


@embedded
def _seen_from(a: Any, b: Any) -> Any:
    """The center of box b, and the cosine and sine of its direction, on the axes of box a."""
    dx, dx_low = _two_sum(b[0], -a[0])
    dy, dy_low = _two_sum(b[1], -a[1])
    x = _dot(dx, dx_low, a[4], a[5], dy, dy_low, a[6], a[7])
    y = _dot(dy, dy_low, a[4], a[5], dx, dx_low, -a[6], -a[7])
    c = _dot(a[4], a[5], b[4], b[5], a[6], a[7], b[6], b[7])
    s = _dot(a[4], a[5], b[6], b[7], -a[6], -a[7], b[4], b[5])
    return x, y, c, s


@embedded
def _are_apart(a: Any, b: Any, x: Any, y: Any, c: Any, s: Any) -> Any:
    """Whether a side of one of two boxes separates them: what they share is then 0, and not what rounding leaves."""
    wide, high = abs(c), abs(s)
    apart = (abs(x) >= a[2] + b[2] * wide + b[3] * high) | (abs(y) >= a[3] + b[2] * high + b[3] * wide)
    along, across = abs(x * c + y * s), abs(y * c - x * s)
    return apart | (along >= b[2] + a[2] * wide + a[3] * high) | (across >= b[3] + a[2] * high + a[3] * wide)


@embedded
def common_area(a: Any, b: Any) -> Any:
    """The area that two prepared boxes share; ``a`` gives the axes."""
    x, y, c, s = _seen_from(a, b)
    low, high = -a[3] - y, a[3] - y
    window = (-a[2] - x, a[2] - x, low, high, _clamp(0.0, low, high))
    ex, ey, fx, fy = b[2] * c, b[2] * s, -b[3] * s, b[3] * c
    px, py, qx, qy = ex + fx, ey + fy, fx - ex, fy - ey
    along, across = s / (c if c != 0.0 else 1.0), -c / (s if s != 0.0 else 1.0)
    area = _below(px, py, qx, qy, along, window) + _below(qx, qy, -px, -py, across, window)
    area += _below(-px, -py, -qx, -qy, along, window) + _below(-qx, -qy, px, py, across, window)
    most = 0.0 if _are_apart(a, b, x, y, c, s) else 4.0 * min(a[2] * a[3], b[2] * b[3])
    return _clamp(0.0 - 0.5 * area, 0.0, most)


@inlined
def hull_area(a: Any, b: Any, points: Any, hull: Any) -> Any:
    """Of the convex hull of two boxes; ``points`` and ``hull`` are room for 8 and 9 of them."""
    x, y, c, s = _seen_from(a, b)
    ex, ey, fx, fy = b[2] * c, b[2] * s, -b[3] * s, b[3] * c
    for corner in range(4):
        across, down = 1.0 - 2.0 * (corner % 2), 1.0 - 2.0 * (corner // 2)
        points[corner, 0], points[corner, 1] = across * a[2], down * a[3]
        points[corner + 4, 0], points[corner + 4, 1] = x + across * ex + down * fx, y + across * ey + down * fy
    return polygon_area(hull, convex_hull(points, hull))


@embedded
def row_is_good(row: Any) -> Any:
    """Whether cx, cy, w, h, angle are finite, within the limit, and the sides not negative."""
    w, h = row[2], row[3]
    good = (abs(row[0]) <= LIMIT) & (abs(row[1]) <= LIMIT) & (w >= 0.0) & (w <= LIMIT) & (h >= 0.0) & (h <= LIMIT)
    return good & (abs(row[4]) <= LARGEST)


@inlined
def prepare_boxes(rows: Any, in_degrees: Any, clockwise: Any, boxes: Any) -> Any:
    for i in range(rows.shape[0]):
        if not row_is_good(rows[i]):
            return np.int64(i)
        prepare_box(rows[i], in_degrees, clockwise, boxes, i)
    return np.int64(-1)


@kernel("int64(float64[:,::1], boolean, boolean, float64[:,::1])")
def prepare(rows: F8, in_degrees: bool, clockwise: bool, boxes: F8) -> int:
    """Fill in the eight numbers of each box; the first row that is no rotated box, or -1."""
    return prepare_boxes(rows, in_degrees, clockwise, boxes)  # type: ignore[no-any-return]


@embedded
def _quarters_of(angle: Any, in_degrees: Any) -> Any:
    """How many quarter turns ``prepare_box`` took away, of four."""
    if not in_degrees:
        if abs(angle) > FAR_AROUND:
            angle = math.atan2(math.sin(angle), math.cos(angle))
        return np.int64(np.rint(angle / QUARTER) % 4.0)
    rest = np.fmod(angle, 360.0)
    return np.int64(math.ceil((rest - 45.0) / 90.0)) % 4


@kernel("void(float64[:,::1], boolean, boolean, float64[:,::1])")
def corners_of(rows: F8, in_degrees: bool, clockwise: bool, corners: F8) -> None:
    """The corners of boxes, clockwise as seen, from the one that is top left at angle 0."""
    box = np.empty((1, 8), np.float64)
    for i in range(rows.shape[0]):
        prepare_box(rows[i], in_degrees, clockwise, box, np.int64(0))
        c, s = box[0, 4], box[0, 6]
        quarters = _quarters_of(rows[i, 4] if clockwise else -rows[i, 4], in_degrees)
        if quarters == 1:
            c, s = -s, c
        elif quarters == 2:
            c, s = -c, -s
        elif quarters == 3:
            c, s = s, -c
        w, h = 0.5 * rows[i, 2], 0.5 * rows[i, 3]
        for corner in range(4):
            x = w if corner == 1 or corner == 2 else -w
            y = h if corner >= 2 else -h
            corners[i, 2 * corner] = rows[i, 0] + (x * c - y * s)
            corners[i, 2 * corner + 1] = rows[i, 1] + (x * s + y * c)
