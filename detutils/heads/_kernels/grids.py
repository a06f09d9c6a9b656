"""The boxes of cells: centers counted from the cell, sizes from an anchor or the stride."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F4, F8, I8, inlined, kernel
from detutils.heads._kernels.candidates import sigmoid

YOLOV3, YOLOV5, YOLOX = range(3)


@inlined
def _decode(flat: Any, place: Any, numbers: Any, rows: Any, out: Any) -> None:
    first, step, pitch, width, coding = place
    down, right, anchor_width, anchor_height = numbers
    for k in range(rows.shape[0]):
        at = first + rows[k] * step
        x, y = np.float64(flat[at]), np.float64(flat[at + pitch])
        w, h = np.float64(flat[at + 2 * pitch]), np.float64(flat[at + 3 * pitch])
        if coding == YOLOV5:
            x, y = 2.0 * sigmoid(x) - 0.5, 2.0 * sigmoid(y) - 0.5
            w, h = 2.0 * sigmoid(w), 2.0 * sigmoid(h)
            w, h = w * w * anchor_width, h * h * anchor_height
        else:
            if coding == YOLOV3:
                x, y = sigmoid(x), sigmoid(y)
            w, h = np.exp(w) * anchor_width, np.exp(h) * anchor_height  # infinity where math.exp may raise
        row, column = rows[k] // width, rows[k] % width
        x, y = (x + column) * right, (y + row) * down
        out[k, 0], out[k, 1], out[k, 2], out[k, 3] = x - 0.5 * w, y - 0.5 * h, x + 0.5 * w, y + 0.5 * h


@kernel("void(float32[::1], UniTuple(int64, 5), UniTuple(float64, 4), int64[::1], float32[:,::1])")
def decode_float32(flat: F4, place: Any, numbers: Any, rows: I8, out: F4) -> None:
    """The boxes of some cells as corners: ``place`` is where the first number of the first cell stands, the steps from
    one cell to the next and from one number to the next, the cells in a row of the grid and the coding; ``numbers`` are
    the strides down and to the right and the anchor's width and height."""
    _decode(flat, place, numbers, rows, out)


@kernel("void(float64[::1], UniTuple(int64, 5), UniTuple(float64, 4), int64[::1], float64[:,::1])")
def decode_float64(flat: F8, place: Any, numbers: Any, rows: I8, out: F8) -> None:
    """``decode_float32`` for float64."""
    _decode(flat, place, numbers, rows, out)
