"""Contours of an image, and which of them a box cuts: what lies wholly inside speaks for an object."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import F4, I4, I8, U1, inlined, kernel

WEAKEST = 12  # gray levels that a pixel of a contour differs by, at least
TURN = 6  # a contour turns by less than 90 degrees in all: twelfths of 180
CONTOURS = 6


@inlined
def _is_ridge(strengths: Any, directions: Any, steps: Any, y: Any, x: Any) -> Any:
    """Whether a pixel inside of the map is no weaker than both neighbors in the direction of its gradient."""
    own, d = strengths[y, x], np.int64(directions[y, x])
    dx, dy = steps[d, 0], steps[d, 1]
    return own > WEAKEST and own >= strengths[y + dy, x + dx] and own >= strengths[y - dy, x - dx]


@kernel("void(int32[:,::1], uint8[:,::1], int64[:,::1], int32[:,::1])")
def thin(strengths: I4, directions: U1, steps: I8, thinned: I4) -> None:
    """Strengths on the ridges, 0 elsewhere; ``steps`` has dx and dy of each direction, ``thinned`` comes as zeros."""
    for y in range(1, strengths.shape[0] - 1):
        for x in range(1, strengths.shape[1] - 1):
            if _is_ridge(strengths, directions, steps, y, x):
                thinned[y, x] = strengths[y, x]


@kernel("int64(int32[:,::1], uint8[:,::1], int32[:,::1], int32[::1], int64[:,::1])")
def link(thinned: I4, directions: U1, labels: I4, stack: I4, contours: I8) -> int:
    """Number the contours: neighboring pixels, until their directions have turned by ``TURN`` in all.

    ``labels`` comes as -1; ``contours`` gets x1, y1, x2, y2 and the sum of strengths. Returns how many there are.
    """
    height, width = thinned.shape
    count = np.int64(0)
    for y in range(height):
        for x in range(width):
            if thinned[y, x] == 0 or labels[y, x] >= 0:
                continue
            labels[y, x] = count
            stack[0] = y * width + x
            waiting, turned, total = 1, np.int64(0), np.int64(thinned[y, x])
            x1, y1, x2, y2 = x, y, x + 1, y + 1
            while waiting > 0:
                waiting -= 1
                at = np.int64(stack[waiting])
                row, column = at // width, at % width
                own = np.int64(directions[row, column])
                for b in range(max(row - 1, 0), min(row + 2, height)):
                    for a in range(max(column - 1, 0), min(column + 2, width)):
                        if thinned[b, a] == 0 or labels[b, a] >= 0:
                            continue
                        turn = abs(np.int64(directions[b, a]) - own)
                        turn = min(turn, 12 - turn)
                        if turned + turn < TURN:
                            turned += turn
                            labels[b, a] = count
                            total += np.int64(thinned[b, a])
                            x1, y1, x2, y2 = min(x1, a), min(y1, b), max(x2, a + 1), max(y2, b + 1)
                            stack[waiting] = b * width + a
                            waiting += 1
            contours[count, 0], contours[count, 1], contours[count, 2], contours[count, 3] = x1, y1, x2, y2
            contours[count, 4] = total
            count += 1
    return int(count)


@kernel("void(int32[:,::1], int64[:,::1])")
def integrate_contours(thinned: I4, integral: I8) -> None:
    """integral[y, x]: the sum of the thinned strengths above and to the left."""
    for y in range(thinned.shape[0]):
        row = np.int64(0)
        for x in range(thinned.shape[1]):
            row += np.int64(thinned[y, x])
            integral[y + 1, x + 1] = integral[y, x + 1] + row


@kernel("int64(int32[:,::1], int64[::1], int32[:,::1])")
def list_crossings(labels: I4, ends: I8, crossings: I4) -> int:
    """Where a contour has pixels on both sides of the line between two rows: (place along the line, contour).

    Those between row y - 1 and row y end at ``ends[y]``, which comes as zeros. Returns how many there are; there is
    room for one more than there are pixels.
    """
    count = np.int64(0)
    for y in range(1, labels.shape[0]):
        above, own = labels[y - 1], labels[y]
        for x in range(own.shape[0]):  # written always, kept if so: no branch to guess
            crossings[count, 0], crossings[count, 1] = x, own[x]
            count += np.int64((own[x] >= 0) & (own[x] == above[x]))
        ends[y] = count
    return int(count)


@inlined
def _cut(crossings: Any, low: Any, high: Any, span: Any, box: Any, contours: Any, stamps: Any, stamp: Any) -> Any:
    """What the crossings number low ... high - 1 that lie in the span add to the contours cut."""
    start, stop = span
    x1, y1, x2, y2 = box
    split, inside, number = 0.0, 0.0, 0.0
    end = high
    while low < high:
        middle = (low + high) >> 1
        if crossings[middle, 0] < start:
            low = middle + 1
        else:
            high = middle
    while low < end and crossings[low, 0] < stop:
        label = np.int64(crossings[low, 1])
        low += 1
        if stamps[label] != stamp:
            stamps[label] = stamp
            a, b, c, d = contours[label, 0], contours[label, 1], contours[label, 2], contours[label, 3]
            across = max(min(x2, c) - max(x1, a), 0)
            down = max(min(y2, d) - max(y1, b), 0)
            share = np.float64(across * down) / np.float64((c - a) * (d - b))
            mass = np.float64(contours[label, 4])
            split += mass * min(share, 1.0 - share)
            inside += mass * share
            number += 1.0
    return split, inside, number


FOUND = "Tuple((int64[::1], int32[:,::1], int64[::1], int32[:,::1], int64[:,::1], int64[:,::1]))"


@kernel(f"void(int32[:,::1], int64, {FOUND}, int32[::1], float32[:,::1], int64)")
def describe_contours(boxes: I4, factor: int, found: tuple[Any, ...], stamps: I4, features: F4, place: int) -> None:
    """Fills six columns from ``place`` on; ``found`` are the crossings between rows and between columns, each with
    their ends before them, contours, and the integral of strengths.

    A contour is cut where a pixel of it on a side of the box has one of the same contour beyond. How much of it is
    inside is estimated from its own box. ``stamps``, one a contour, come as -1.
    """
    row_ends, between_rows, column_ends, between_columns, contours, integral = found
    height, width = row_ends.shape[0], column_ends.shape[0]
    for i in range(boxes.shape[0]):
        x1, y1 = np.int64(boxes[i, 0]) // factor, np.int64(boxes[i, 1]) // factor
        x2, y2 = -(-np.int64(boxes[i, 2]) // factor), -(-np.int64(boxes[i, 3]) // factor)
        box = (x1, y1, x2, y2)
        split, inside, number = 0.0, 0.0, 0.0
        for side in range(4):
            lying = side < 2
            line = (y1 if side == 0 else y2) if lying else (x1 if side == 2 else x2)
            if line == 0 or line == (height if lying else width):  # the border of the image
                continue
            ends, crossings = (row_ends, between_rows) if lying else (column_ends, between_columns)
            span = (x1, x2) if lying else (y1, y2)
            one = _cut(crossings, ends[line - 1], ends[line], span, box, contours, stamps, i)
            split, inside, number = split + one[0], inside + one[1], number + one[2]
        everything = np.float64(integral[y2, x2] - integral[y1, x2] - integral[y2, x1] + integral[y1, x1])
        sides = np.float64((x2 - x1) + (y2 - y1))
        wholly = max(everything - inside, 0.0)
        features[i, place] = np.float32(split / sides)
        features[i, place + 1] = np.float32(inside / (everything + 1.0))
        features[i, place + 2] = np.float32(number / math.sqrt(sides))
        features[i, place + 3] = np.float32(math.log1p(wholly) - 1.5 * math.log(sides))
        features[i, place + 4] = np.float32(math.log1p(inside) - math.log(sides))
        features[i, place + 5] = np.float32(math.log1p(everything) - math.log(sides))
