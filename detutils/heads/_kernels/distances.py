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


@kernel("void(int64[::1], float64[:,::1], float64[:,::1], float64[:,::1])")
def boxes_around_points(rows: I8, values: F8, levels: F8, out: F8) -> None:
    """Write the boxes of some rows of a head: left, top, right, bottom of each as one number or one bin after another.

    A level is the row at which it starts, the columns of its grid, its stride, the unit of its distances, and where in
    its cell a point lies, in strides. Rows are numbered through all levels.
    """
    bins = values.shape[1] // 4
    for i in range(rows.shape[0]):
        level = 0
        while level + 1 < levels.shape[0] and rows[i] >= levels[level + 1, 0]:
            level += 1
        columns, stride, unit, shift = levels[level, 1], levels[level, 2], levels[level, 3], levels[level, 4]
        place = rows[i] - int(levels[level, 0])
        row = place // int(columns)
        x, y = (place - row * int(columns) + shift) * stride, (row + shift) * stride
        for side in range(4):
            reach = values[i, side] if bins == 1 else _expectation(values[i], side * bins, bins)
            center = x if side % 2 == 0 else y
            out[i, side] = center - reach * unit if side < 2 else center + reach * unit
