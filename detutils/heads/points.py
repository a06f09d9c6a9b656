"""Heads that tell distances: from each point of a grid to the four sides of the box around it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from detutils._jit import F8, I8
from detutils._kernels.limits import LIMIT
from detutils._validate import as_grid_sizes, as_image_size, as_number, as_out, as_positive


def grid_points(
    input_size: tuple[float, float],
    strides: npt.ArrayLike = (8, 16, 32),
    *,
    shift: float = 0.5,
    grid_sizes: Sequence[tuple[int, int]] | None = None,
) -> tuple[F8, I8]:
    """The points that the cells of a network's feature maps stand for, the maps one after the other.

    Parameters
    ----------
    input_size : (height, width)
        Of the network's input, in pixels.
    strides : (L,) array_like
        Distance of neighboring points in pixels, one for each feature map.
    shift : float, default 0.5
        Where in its cell a point lies, in strides: 0.5 is the center (FCOS, YOLOX, YOLOv8, PicoDet), 0 the upper left
        corner (RTMDet, NanoDet).
    grid_sizes : sequence of L pairs (rows, columns), optional
        Sizes of the feature maps, where they are not ceil(height / stride) x ceil(width / stride).

    Returns
    -------
    points : (K, 2) float64 ndarray
        x, y in pixels of the input: ((column + shift) * stride, (row + shift) * stride), row by row. Shape (0, 2)
        without strides.
    levels : (K,) int64 ndarray
        The index of each point's feature map; ``strides[levels]`` is what distances in strides are multiplied with.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If a value is not finite, a size or a stride is not greater than 0, ``grid_sizes`` does not name one pair for
        each stride, or a point would lie beyond 1e150.
    MemoryError
        If the result is larger than the memory that is free.

    See Also
    --------
    grid_anchors : Boxes instead of points. detections_from_points : What is told of the points.

    Notes
    -----
    Linear in K. An input of 640 x 640 pixels has 8,400 points with the defaults.

    References
    ----------
    Z. Tian et al., "FCOS: fully convolutional one-stage object detection", ICCV 2019, section 3.1.

    Examples
    --------
    >>> import detutils
    >>> points, levels = detutils.grid_points((16, 32), (8, 16))
    >>> points[:4].tolist(), points[-1].tolist(), levels.tolist()
    ([[4.0, 4.0], [12.0, 4.0], [20.0, 4.0], [28.0, 4.0]], [24.0, 8.0], [0, 0, 0, 0, 0, 0, 0, 0, 1, 1])
    """
    size = as_image_size(input_size, "input_size")
    steps = as_positive(strides, "strides")
    part = as_number(shift, "shift")
    grids = grids_of(size, steps, grid_sizes)
    for step, (rows, columns) in zip(steps, grids, strict=True):
        if (max(rows, columns) + abs(part)) * step > LIMIT:
            raise ValueError(f"strides lead beyond {LIMIT:g}, got {step:g}")
    counts = [rows * columns for rows, columns in grids]
    points = as_out(None, (sum(counts), 2), np.float64)
    last = 0
    for step, (rows, columns), count in zip(steps, grids, counts, strict=True):
        first, last = last, last + count
        level = points[first:last].reshape(rows, columns, 2)
        level[:, :, 0] = (np.arange(columns) + part) * step
        level[:, :, 1] = ((np.arange(rows) + part) * step)[:, None]
    return points, np.repeat(np.arange(len(counts)), counts)


def grids_of(
    size: tuple[float, float], steps: F8, grid_sizes: Sequence[tuple[int, int]] | None
) -> list[tuple[int, int]]:
    """Rows and columns of each feature map: as given, or as many as begin within the input."""
    if grid_sizes is not None:
        return as_grid_sizes(grid_sizes, len(steps))
    height, width = size
    cells = [(height / step, width / step) for step in steps.tolist()]
    if not all(max(pair) <= 2**31 for pair in cells):
        raise ValueError(f"input_size must hold at most 2**31 strides, got {size} and {steps.min():g}")
    return [(math.ceil(rows), math.ceil(columns)) for rows, columns in cells]
