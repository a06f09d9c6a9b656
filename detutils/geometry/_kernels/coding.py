"""Box coding: boxes as displacements of anchors, and back.

Rows are worked off in blocks that stay in the first-level cache: rows into columns, logarithms or
exponentials of whole columns, columns into rows.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from detutils._jit import F4, F8, inlined, kernel
from detutils._kernels.limits import LARGEST, LARGEST_FLOAT32

Four: TypeAlias = tuple[float, float, float, float]

BLOCK = 256
LOW, HIGH = 2.3e-308, 1.7e308  # normal numbers, of which the logarithm's bit pattern is plain

LN2_HIGH = 6.93147180369123816490e-01  # its last 20 bits are 0: times an exponent it is exact
LN2_LOW = 1.90821492927058770002e-10
LOG2_E = 1.4426950408889634
SHIFTER = 6755399441055744.0  # 1.5 * 2**52: added and taken away it rounds to whole numbers
SQRT_HALF = np.uint64(0x3FE6A09E667F3BCD)  # the bit patterns of sqrt(1/2) and of other powers of two
ONE_OVER_SQRT_HALF = np.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
TWO_52 = np.uint64(0x4330000000000000)
EXPONENT_AT = np.uint64(52)
BIAS_LESS_ONE = np.uint64(1022)


@inlined
def _logarithms(values: F8) -> None:
    """Replace ordinary positive numbers by their natural logarithms, to one unit in the last place.

    With x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt(2)), and s = f / (2 + f): log(1 + f) = 2 s + s R(s^2),
    where R is the minimax polynomial of (2 artanh(s) - 2 s) / s; its error is under 2^-57 of the whole.
    """
    for i in range(values.shape[0]):
        bits = np.float64(values[i]).view(np.uint64) + ONE_OVER_SQRT_HALF
        f = np.uint64((bits & MANTISSA) + SQRT_HALF).view(np.float64) - 1.0
        k = np.uint64((bits >> EXPONENT_AT) | TWO_52).view(np.float64) - (4503599627370496.0 + 1023.0)
        s = f / (2.0 + f)
        z = s * s
        zz = z * z
        tail = (0.1818289288483782 + z * 0.15331607998056482) + zz * 0.14617736790073002
        tail = (0.2857142862637063 + z * 0.222222110774591) + zz * tail
        tail = (0.666666666666667 + z * 0.3999999999989851) + zz * tail
        half = 0.5 * f * f
        values[i] = k * LN2_HIGH - ((half - (s * (half + z * tail) + k * LN2_LOW)) - f)


@inlined
def _exponentials(values: F8) -> None:
    """Replace numbers by their exponentials, to one unit in the last place; 0 under exp(-708), else inf.

    With x = k ln 2 + r and |r| <= ln 2 / 2: exp(x) = 2^k (1 + r + r^2 Q(r)), where Q is the minimax
    polynomial of (exp(r) - 1 - r) / r^2; its error is under 2^-56 of the whole. What rounding r loses joins
    the square.
    """
    for i in range(values.shape[0]):
        x = values[i]
        inner = x if x > -708.0 else -708.0
        inner = inner if inner < 710.0 else 710.0
        shifted = inner * LOG2_E + SHIFTER
        k = shifted - SHIFTER
        high, low = inner - k * LN2_HIGH, k * LN2_LOW
        r = high - low
        lost = (high - r) - low
        rr = r * r
        rrrr = rr * rr
        last = 2.7620090518499427e-07 + r * 2.5110049895858716e-08
        last = (2.4801521290973345e-05 + r * 2.7557242336680357e-06) + rr * last
        last = (0.0013888888917217457 + r * 0.00019841269886591) + rr * last
        tail = 0.04166666666662412 + r * 0.008333333333322207
        tail = ((0.5000000000000001 + r * 0.16666666666666674) + rr * tail) + rrrr * last
        grown = 1.0 + (r + (rr * tail + lost))
        # The low bits of the shifted number are k. Half the power first: 2^1024 is no number.
        bits = (np.float64(shifted).view(np.uint64) + BIAS_LESS_ONE) << EXPONENT_AT
        values[i] = grown * np.uint64(bits).view(np.float64) * 2.0 if x >= -708.0 else 0.0


@inlined
def _delta(box_low: float, box_high: float, low: float, high: float, offset: float) -> tuple[float, float]:
    """Displacement and logarithm of the ratio of one side, whatever its size; NaN where a side is 0."""
    side, whole = box_high - box_low + offset, high - low + offset
    if not ((side > 0.0) & (whole > 0.0)):
        return np.nan, np.nan
    move = ((box_low + 0.5 * side) - (low + 0.5 * whole)) / whole
    return move, math.log(side) - math.log(whole)  # the ratio itself may be 0, subnormal or infinite


@inlined
def _encode_slowly(
    boxes: Any, anchors: Any, weights: Four, offset: float, largest: Any, start: int, stop: int, out: Any
) -> int:
    """Encode rows of which one is out of the ordinary; return the first that cannot be encoded, or -1."""
    for i in range(start, stop):
        for k in range(2):
            b1, b2 = np.float64(boxes[i, k]), np.float64(boxes[i, k + 2])
            a1, a2 = np.float64(anchors[i, k]), np.float64(anchors[i, k + 2])
            move, growth = _delta(b1, b2, a1, a2, offset)
            move, growth = move * weights[k], growth * weights[k + 2]
            if not ((abs(move) <= largest) & (abs(growth) <= largest)):
                return i
            ratio = (b2 - b1 + offset) / (a2 - a1 + offset)
            if not ((ratio >= LOW) & (ratio <= HIGH)):
                out[i, k + 2] = growth
    return -1


@inlined
def _encode(boxes: Any, anchors: Any, weights: Four, offset: float, largest: Any, out: Any) -> int:
    if boxes.shape[1] != 4 or anchors.shape[1] != 4 or out.shape[1] != 4:
        return 0  # never; but a known step of four lets the loops vectorize
    n = boxes.shape[0]
    columns = np.empty((4, BLOCK), np.float64)
    for start in range(0, n, BLOCK):
        m = min(BLOCK, n - start)
        b, a, to = boxes[start : start + m], anchors[start : start + m], out[start : start + m]
        good: Any = True
        for i in range(m):
            ax, ay = np.float64(a[i, 0]), np.float64(a[i, 1])
            aw, ah = np.float64(a[i, 2]) - ax + offset, np.float64(a[i, 3]) - ay + offset
            bx, by = np.float64(b[i, 0]), np.float64(b[i, 1])
            bw, bh = np.float64(b[i, 2]) - bx + offset, np.float64(b[i, 3]) - by + offset
            columns[0, i] = ((bx + 0.5 * bw) - (ax + 0.5 * aw)) / aw
            columns[1, i] = ((by + 0.5 * bh) - (ay + 0.5 * ah)) / ah
            rw, rh = bw / aw, bh / ah  # 0, infinite or NaN where a side is 0
            columns[2, i], columns[3, i] = rw, rh
            good &= (rw >= LOW) & (rw <= HIGH) & (rh >= LOW) & (rh <= HIGH)
        _logarithms(columns[2, :m])
        _logarithms(columns[3, :m])
        for i in range(m):
            dx, dy = weights[0] * columns[0, i], weights[1] * columns[1, i]
            dw, dh = weights[2] * columns[2, i], weights[3] * columns[3, i]
            to[i, 0], to[i, 1], to[i, 2], to[i, 3] = dx, dy, dw, dh
            good &= (abs(dx) <= largest) & (abs(dy) <= largest) & (abs(dw) <= largest) & (abs(dh) <= largest)
        if not good:
            bad: int = _encode_slowly(boxes, anchors, weights, offset, largest, start, start + m, out)
            if bad >= 0:
                return bad
    return -1


@kernel("int64(float64[:,::1], float64[:,::1], UniTuple(float64, 4), float64, float64[:,::1])")
def encode(boxes: F8, anchors: F8, weights: Four, offset: float, out: F8) -> int:
    """Write the deltas; return the first row without (a side is 0, a number leaves the range), or -1."""
    return _encode(boxes, anchors, weights, offset, LARGEST, out)


@kernel("int64(float32[:,::1], float32[:,::1], UniTuple(float64, 4), float64, float32[:,::1])")
def encode_float32(boxes: F4, anchors: F4, weights: Four, offset: float, out: F4) -> int:
    return _encode(boxes, anchors, weights, offset, LARGEST_FLOAT32, out)


@inlined
def _anchor_columns(anchors: Any, each: int, offset: float, start: int, m: int, columns: F8) -> None:
    """Centers and sides of the anchors of rows start ... start + m - 1; every anchor has ``each`` rows."""
    if each == 1:
        a = anchors[start : start + m]
        for i in range(m):
            x, y = np.float64(a[i, 0]), np.float64(a[i, 1])
            wide, high = np.float64(a[i, 2]) - x + offset, np.float64(a[i, 3]) - y + offset
            columns[0, i], columns[1, i] = x + 0.5 * wide, y + 0.5 * high
            columns[2, i], columns[3, i] = wide, high
        return
    row, left = start // each, each - start % each
    for i in range(m):
        x, y = np.float64(anchors[row, 0]), np.float64(anchors[row, 1])
        wide, high = np.float64(anchors[row, 2]) - x + offset, np.float64(anchors[row, 3]) - y + offset
        columns[0, i], columns[1, i] = x + 0.5 * wide, y + 0.5 * high
        columns[2, i], columns[3, i] = wide, high
        left -= 1
        if left == 0:
            row, left = row + 1, each


@inlined
def _decode(
    deltas: Any, anchors: Any, weights: Four, offset: float, clamp: float, largest: Any, out: Any
) -> int:
    if anchors.shape[1] != 4:
        return 0
    each = deltas.shape[1] // 4
    n = deltas.shape[0] * each
    flat_deltas, flat_out = deltas.reshape(-1), out.reshape(-1)  # a row for each class
    per_x, per_y, per_w, per_h = 1.0 / weights[0], 1.0 / weights[1], 1.0 / weights[2], 1.0 / weights[3]
    moves, places = np.empty((4, BLOCK), np.float64), np.empty((4, BLOCK), np.float64)
    for start in range(0, n, BLOCK):
        m = min(BLOCK, n - start)
        d, to = flat_deltas[4 * start : 4 * (start + m)], flat_out[4 * start : 4 * (start + m)]
        for i in range(m):
            dw, dh = np.float64(d[4 * i + 2]) * per_w, np.float64(d[4 * i + 3]) * per_h
            moves[0, i], moves[1, i] = np.float64(d[4 * i]) * per_x, np.float64(d[4 * i + 1]) * per_y
            moves[2, i], moves[3, i] = dw if dw < clamp else clamp, dh if dh < clamp else clamp
        _exponentials(moves[2, :m])
        _exponentials(moves[3, :m])
        _anchor_columns(anchors, each, offset, start, m, places)
        good: Any = True
        for i in range(m):
            wide, high = places[2, i], places[3, i]
            x, y = moves[0, i] * wide + places[0, i], moves[1, i] * high + places[1, i]
            half_w, half_h = 0.5 * (moves[2, i] * wide), 0.5 * (moves[3, i] * high)
            x1, y1, x2, y2 = x - half_w, y - half_h, x + half_w - offset, y + half_h - offset
            x2, y2 = x2 if x2 > x1 else x1, y2 if y2 > y1 else y1  # less than a pixel is a box still
            to[4 * i], to[4 * i + 1], to[4 * i + 2], to[4 * i + 3] = x1, y1, x2, y2
            good &= (abs(x1) <= largest) & (abs(y1) <= largest) & (abs(x2) <= largest) & (abs(y2) <= largest)
        if not good:
            for i in range(4 * m):
                if not abs(np.float64(to[i])) <= largest:
                    return int((start + i // 4) // each)
    return -1


@kernel("int64(float64[:,::1], float64[:,::1], UniTuple(float64, 4), float64, float64, float64[:,::1])")
def decode(deltas: F8, anchors: F8, weights: Four, offset: float, clamp: float, out: F8) -> int:
    """Write the boxes; return the first row with a coordinate out of range, or -1."""
    return _decode(deltas, anchors, weights, offset, clamp, LARGEST, out)


@kernel("int64(float32[:,::1], float32[:,::1], UniTuple(float64, 4), float64, float64, float32[:,::1])")
def decode_float32(deltas: F4, anchors: F4, weights: Four, offset: float, clamp: float, out: F4) -> int:
    return _decode(deltas, anchors, weights, offset, clamp, LARGEST_FLOAT32, out)
