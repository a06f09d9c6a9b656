"""Points between a photograph and the input of a network that it was fitted into, and the resizing of its pixels."""

from __future__ import annotations

import math

import numpy as np

from detutils._jit import F8, inlined, kernel

# Coordinates of whole multiples of 1 / GRID of a pixel come back exactly from the way there and back.
GRID = 1048576.0
# The way there and back, each step rounded once, errs by less than so many parts of the input's coordinate and its pad:
# scaling, adding the pad, taking it away and dividing, 2**-53 each, and twice that for room.
SLACK = 8.0 * 2.0**-53


@inlined
def _snapped(value: float, slack: float) -> float:
    """The next place on the grid, if no more than rounding lies between."""
    near = np.rint(value * GRID) / GRID
    return near if abs(value - near) <= slack else value


@inlined
def _bounded(value: float, low: float, high: float) -> float:
    """NaN stays."""
    return low if value < low else (high if value > high else value)


@kernel("void(float64[:,::1], UniTuple(float64, 4), UniTuple(float64, 3), float64[:,::1])")
def points_to_input(
    points: F8, geometry: tuple[float, float, float, float], limits: tuple[float, float, float], out: F8
) -> None:
    """``geometry``: the scale of x and y, the pad at the left and at the top. ``limits``: the least of both
    coordinates, the largest x, the largest y. Columns beyond two are copied."""
    scale_x, scale_y, left, top = geometry
    low, right, bottom = limits
    for i in range(points.shape[0]):
        x, y = points[i, 0] * scale_x + left, points[i, 1] * scale_y + top
        x = _snapped(x, SLACK * (abs(x) + abs(left)))
        y = _snapped(y, SLACK * (abs(y) + abs(top)))
        out[i, 0], out[i, 1] = _bounded(x, low, right), _bounded(y, low, bottom)
        for k in range(2, points.shape[1]):
            out[i, k] = points[i, k]


@kernel("void(float64[:,::1], UniTuple(float64, 4), UniTuple(float64, 3), float64[:,::1])")
def points_to_image(
    points: F8, geometry: tuple[float, float, float, float], limits: tuple[float, float, float], out: F8
) -> None:
    """The way back of ``points_to_input``."""
    scale_x, scale_y, left, top = geometry
    low, right, bottom = limits
    for i in range(points.shape[0]):
        x, y = points[i, 0], points[i, 1]
        slack_x, slack_y = SLACK * (abs(x) + abs(left)) / scale_x, SLACK * (abs(y) + abs(top)) / scale_y
        x, y = _snapped((x - left) / scale_x, slack_x), _snapped((y - top) / scale_y, slack_y)
        out[i, 0], out[i, 1] = _bounded(x, low, right), _bounded(y, low, bottom)
        for k in range(2, points.shape[1]):
            out[i, k] = points[i, k]


@kernel("void(float64[:,:,::1], float64[:,:,::1])")
def resize(image: F8, out: F8) -> None:
    """Bilinear, pixel centers at halves, the border repeated: the rule of OpenCV's INTER_LINEAR."""
    height, width, channels = image.shape
    step_y, step_x = height / out.shape[0], width / out.shape[1]
    for i in range(out.shape[0]):
        y = min(max((i + 0.5) * step_y - 0.5, 0.0), height - 1.0)
        top = math.floor(y)
        bottom, down = min(top + 1, height - 1), y - top
        for j in range(out.shape[1]):
            x = min(max((j + 0.5) * step_x - 0.5, 0.0), width - 1.0)
            left = math.floor(x)
            right, across = min(left + 1, width - 1), x - left
            for k in range(channels):
                above = image[top, left, k] + (image[top, right, k] - image[top, left, k]) * across
                below = image[bottom, left, k] + (image[bottom, right, k] - image[bottom, left, k]) * across
                out[i, j, k] = above + (below - above) * down
