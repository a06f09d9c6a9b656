"""Anchors: copies of a few boxes over a grid, those inside the image, and box shapes clustered by IoU."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F4, F8, I8, inlined, kernel
from detutils.geometry._kernels.pair import intersection, iou


@inlined
def _grid(base: Any, start: int, stop: int, columns: int, step_y: float, step_x: float, out: Any) -> None:
    # One row of the grid with its horizontal shifts; the vertical one is added while the rows are written, to
    # every second number, in a loop that runs at the speed of the memory.
    count = base.shape[0]
    template = np.empty(4 * columns * count, np.float64)
    for x in range(columns):
        right = x * step_x
        for k in range(count):
            at = 4 * (x * count + k)
            template[at], template[at + 1] = np.float64(base[k, 0]) + right, np.float64(base[k, 1])
            template[at + 2], template[at + 3] = np.float64(base[k, 2]) + right, np.float64(base[k, 3])
    flat = out.reshape(-1)
    for y in range(start, stop):
        down = y * step_y
        row = flat[y * template.shape[0] : (y + 1) * template.shape[0]]
        for pair in range(2 * columns * count):
            row[2 * pair], row[2 * pair + 1] = template[2 * pair], template[2 * pair + 1] + down


@kernel("void(float64[:,::1], int64, int64, int64, float64, float64, float64[:,::1])")
def grid(base: F8, start: int, stop: int, columns: int, step_y: float, step_x: float, out: F8) -> None:
    """Write the anchors of the grid's rows start ... stop - 1, in the order (y, x, anchor)."""
    _grid(base, start, stop, columns, step_y, step_x, out)


@kernel("void(float32[:,::1], int64, int64, int64, float64, float64, float32[:,::1])")
def grid_float32(
    base: F4, start: int, stop: int, columns: int, step_y: float, step_x: float, out: F4
) -> None:
    _grid(base, start, stop, columns, step_y, step_x, out)


@kernel("int64[::1](float64[:,::1], float64, float64, float64, float64)")
def inside(anchors: F8, low_x: float, low_y: float, high_x: float, high_y: float) -> I8:
    n = anchors.shape[0]
    flags = np.zeros(n, np.uint8)
    if anchors.shape[1] == 4:  # always; but a known step of four lets the loop vectorize
        for i in range(n):
            starts = (anchors[i, 0] >= low_x) & (anchors[i, 1] >= low_y)
            flags[i] = starts & (anchors[i, 2] < high_x) & (anchors[i, 3] < high_y)
    total = 0
    for i in range(n):
        total += flags[i]
    found = np.empty(total + 1, np.int64)  # one more, where those outside are written over and over
    count = 0
    for i in range(n):
        found[count] = i
        count += flags[i]
    return found[:total]


@inlined
def _common_iou(wide: Any, high: Any, wide2: Any, high2: Any) -> Any:
    """IoU of two boxes with a common center."""
    common = intersection((0.0, 0.0, wide, high), (0.0, 0.0, wide2, high2), 0.0, 0.0)
    return iou(common, wide * high, wide2 * high2, 0.0, 1.0)  # 0 for sides so short that areas are 0 in float64


@kernel("float64(float64[:,::1], float64[:,::1], int64[::1])")
def assign_shapes(sizes: F8, centers: F8, labels: I8) -> float:
    """Label each (width, height) with its best center, the first of equals; return the sum of best IoUs."""
    total = 0.0
    for i in range(sizes.shape[0]):
        best, label = -1.0, 0
        for k in range(centers.shape[0]):
            share = _common_iou(sizes[i, 0], sizes[i, 1], centers[k, 0], centers[k, 1])
            if share > best:
                best, label = share, k
        labels[i] = label
        total += best
    return total


@kernel("float64[::1](float64[:,::1], float64[:,::1])")
def best_ious(sizes: F8, centers: F8) -> F8:
    best = np.zeros(sizes.shape[0], np.float64)
    for k in range(centers.shape[0]):
        for i in range(sizes.shape[0]):
            share = _common_iou(sizes[i, 0], sizes[i, 1], centers[k, 0], centers[k, 1])
            best[i] = share if share > best[i] else best[i]
    return best


@kernel("void(float64[:,::1], int64[::1], float64[:,::1], int64[::1])")
def mean_shapes(sizes: F8, labels: I8, centers: F8, counts: I8) -> None:
    """The mean width and height of each label; a label that nobody has keeps its center."""
    sums = np.zeros(centers.shape, np.float64)
    counts[:] = 0
    for i in range(sizes.shape[0]):
        label = labels[i]
        sums[label, 0] += sizes[i, 0]
        sums[label, 1] += sizes[i, 1]
        counts[label] += 1
    for k in range(centers.shape[0]):
        if counts[k] > 0:
            centers[k, 0] = sums[k, 0] / counts[k]
            centers[k, 1] = sums[k, 1] / counts[k]
