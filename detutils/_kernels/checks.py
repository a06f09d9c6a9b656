"""One pass over users' numbers: the first row that breaks the contract, or -1."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import B1, F4, F8, inlined, kernel
from detutils._kernels.limits import LARGEST, LARGEST_FLOAT32, LIMIT


@inlined
def box_is_good(x1: Any, y1: Any, x2: Any, y2: Any, limit: Any) -> Any:
    """Whether a box is finite, within the limit, and ordered; every comparison is false for NaN."""
    return (x1 <= x2) & (y1 <= y2) & (x1 >= -limit) & (y1 >= -limit) & (x2 <= limit) & (y2 <= limit)


@inlined
def first_bad(boxes: Any, limit: Any) -> int:
    """The first row that is no box, or -1."""
    if boxes.shape[1] != 4:  # never; but a known step of four lets the loop vectorize: five times faster
        return 0
    good: Any = True
    for i in range(boxes.shape[0]):  # without an exit, for the same reason
        good &= box_is_good(boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3], limit)
    if good:
        return -1
    i = 0
    while box_is_good(boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3], limit):
        i += 1
    return i


@inlined
def _first_beyond(values: Any, largest: Any) -> int:
    """The first number that is not finite, or -1."""
    good: Any = True
    for i in range(values.shape[0]):
        good &= abs(values[i]) <= largest
    if good:
        return -1
    i = 0
    while abs(values[i]) <= largest:
        i += 1
    return i


@kernel("int64(float64[:,::1])")
def first_bad_box(boxes: F8) -> int:
    return first_bad(boxes, LIMIT)


@kernel("int64(float32[:,::1])")
def first_bad_box_float32(boxes: F4) -> int:
    return first_bad(boxes, LARGEST_FLOAT32)


@kernel("int64(float64[::1])")
def first_not_finite(values: F8) -> int:
    return _first_beyond(values, LARGEST)


@kernel("int64(float32[::1])")
def first_not_finite_float32(values: F4) -> int:
    return _first_beyond(values, LARGEST_FLOAT32)


@kernel("boolean[::1](float64[:,::1])")
def good_boxes(boxes: F8) -> B1:
    good = np.empty(boxes.shape[0], np.bool_)
    for i in range(boxes.shape[0]):
        good[i] = box_is_good(boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3], LIMIT)
    return good
