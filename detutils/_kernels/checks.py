"""One pass over users' numbers: the first row that breaks the contract, or -1."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import B1, F4, F8, inlined, kernel

LIMIT = 1e150  # an area of two such sides is still finite in float64
LARGEST = 1.7976931348623157e308
BIG = np.float32(3.4028235e38)  # the largest float32


@inlined
def _box_is_good(x1: float, y1: float, x2: float, y2: float) -> bool:
    # Every comparison is false for NaN; the outer two exclude infinities.
    return (x1 <= x2) & (y1 <= y2) & (x1 >= -LIMIT) & (y1 >= -LIMIT) & (x2 <= LIMIT) & (y2 <= LIMIT)


@kernel("int64(float64[:,::1])")
def first_bad_box(boxes: F8) -> int:
    if boxes.shape[1] != 4:  # never; but a known step of four lets the loop vectorize: five times faster
        return 0
    good = True
    for i in range(boxes.shape[0]):  # without an exit, for the same reason
        good &= _box_is_good(boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3])
    if good:
        return -1
    i = 0
    while _box_is_good(boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]):
        i += 1
    return i


@inlined
def _box_is_good_float32(x1: Any, y1: Any, x2: Any, y2: Any) -> Any:
    return (x1 <= x2) & (y1 <= y2) & (x1 >= -BIG) & (y1 >= -BIG) & (x2 <= BIG) & (y2 <= BIG)


@kernel("int64(float32[:,::1])")
def first_bad_box_float32(boxes: F4) -> int:
    if boxes.shape[1] != 4:
        return 0
    good = True
    for i in range(boxes.shape[0]):
        good &= _box_is_good_float32(boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3])
    if good:
        return -1
    i = 0
    while _box_is_good_float32(boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]):
        i += 1
    return i


@kernel("int64(float64[::1])")
def first_not_finite(values: F8) -> int:
    good: Any = True
    for i in range(values.shape[0]):
        good &= abs(values[i]) <= LARGEST
    if good:
        return -1
    i = 0
    while abs(values[i]) <= LARGEST:
        i += 1
    return i


@kernel("int64(float32[::1])")
def first_not_finite_float32(values: F4) -> int:
    good: Any = True
    for i in range(values.shape[0]):
        good &= abs(values[i]) <= BIG
    if good:
        return -1
    i = 0
    while abs(values[i]) <= BIG:
        i += 1
    return i


@kernel("boolean[::1](float64[:,::1])")
def good_boxes(boxes: F8) -> B1:
    good = np.empty(boxes.shape[0], np.bool_)
    for i in range(boxes.shape[0]):
        good[i] = _box_is_good(boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3])
    return good
