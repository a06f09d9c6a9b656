"""Distances from points to the sides of boxes, told as numbers or as distributions over bins."""

from __future__ import annotations

import math
from typing import Any

from detutils._jit import F8, I8, inlined, kernel


@inlined
def _expectation(values: Any, first: int, bins: int) -> float:
    """The mean bin under the softmax of ``bins`` values from ``first`` on; NaN where one is NaN or infinite."""
    top = values[first]
    for k in range(first + 1, first + bins):
        top = values[k] if values[k] > top else top
    total, moment = 0.0, 0.0
    for k in range(bins):
        weight = math.exp(values[first + k] - top)
        total += weight
        moment += weight * k
    return moment / total


@kernel("void(int64[::1], float64[:,::1], float64[:,::1])")
def places(rows: I8, levels: F8, out: F8) -> None:
    """Write x, y and the unit of distances for the points of some rows, which are numbered through all levels.

    A level is: the row at which it starts, how many rows a point has, the columns of its grid, its stride, where in its
    cell a point lies, in strides, and the unit.
    """
    for i in range(rows.shape[0]):
        level = 0
        while level + 1 < levels.shape[0] and rows[i] >= levels[level + 1, 0]:
            level += 1
        each, columns = int(levels[level, 1]), int(levels[level, 2])
        place = (rows[i] - int(levels[level, 0])) // each
        row = place // columns
        stride, shift = levels[level, 3], levels[level, 4]
        out[i, 0], out[i, 1] = (place - row * columns + shift) * stride, (row + shift) * stride
        out[i, 2] = levels[level, 5]


@kernel("void(float64[:,::1], float64[:,::1], float64[:,::1])")
def boxes_around(points: F8, values: F8, out: F8) -> None:
    """Write the boxes around points (x, y, unit): left, top, right and bottom are a number each, or some bins."""
    bins = values.shape[1] // 4
    for i in range(points.shape[0]):
        for side in range(4):
            reach = values[i, side] if bins == 1 else _expectation(values[i], side * bins, bins)
            center = points[i, side % 2]
            out[i, side] = center - reach * points[i, 2] if side < 2 else center + reach * points[i, 2]
