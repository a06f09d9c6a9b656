"""Boxes that do not stand upright, drawn as outlines: rotated boxes and quadrilaterals."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import B1, F8, I8, U1
from detutils._kernels.limits import LIMIT
from detutils._validate import as_floats
from detutils.geometry.rotated import (
    ANGLES,
    as_angle,
    as_corners,
    as_rotated_rows,
    raise_bad_rotated,
    rotated_box_convert,
    valid_rotated,
)
from detutils.pictures._kernels.drawing import draw_outlines
from detutils.pictures.poses import HALO_OPACITY


def as_outlines(boxes: Any, angle: Any, *, drops: bool) -> tuple[F8, B1] | None:
    """Four corners a box, (N, 4, 2), and which rows fulfil the contract; None where boxes are upright ones."""
    if angle is not None:
        as_angle(angle)
        rows = as_rotated_rows(boxes)
        good = valid_rotated(rows)
        if not drops and not good.all():
            raise_bad_rotated(rows, int(np.argmin(good)))
        corners = np.zeros((len(rows), 8))
        corners[good] = rotated_box_convert(rows[good], angle, "corners")
        return corners.reshape(-1, 4, 2), good
    array = as_floats(boxes, "boxes", False)
    if array.ndim != 2 or array.shape[1] not in (5, 8):
        return None
    if array.shape[1] == 5:
        words = ", ".join(repr(word) for word in ANGLES)
        raise ValueError(
            f"boxes must have shape (N, 4), got {array.shape}: for rotated ones, cx, cy, w, h, angle, say with angle= "
            f"how they are turned, one of {words}"
        )
    if not drops:
        as_corners(array)
    with np.errstate(invalid="ignore"):
        good = np.asarray((np.abs(array) <= LIMIT).all(axis=1))
    return array.reshape(-1, 4, 2), good


def draw_rotated(canvas: U1, outlines: F8, colors: U1, order: I8, style: tuple[float, float, float, float]) -> None:
    """Outlines in this order; ``style``: the line's width, the halo's width, the opacity of line and filling."""
    line, halo, opacity, fill = style
    draw_outlines(
        canvas, np.ascontiguousarray(outlines[order]), colors[order], (line, halo, HALO_OPACITY, opacity, fill)
    )


def places_of_tags(outlines: F8, height: int, width: int, line: int) -> tuple[F8, B1]:
    """What a tag takes for its box: as wide as the line at the highest corner that is seen, as high as what is seen;
    and which outlines are seen at all."""
    frames, seen = np.zeros((len(outlines), 4)), np.zeros(len(outlines), np.bool_)
    for i, outline in enumerate(outlines.tolist()):
        part = _inside_of(outline, float(width), float(height))
        if part:
            x, y = min(part, key=lambda point: (point[1], point[0]))
            low = max(point[1] for point in part)
            frames[i] = x - line / 2, max(y - line / 2, 0.0), x + line / 2, min(low + line / 2, height)
            seen[i] = True
    return frames, seen


def _inside_of(polygon: list[list[float]], width: float, height: float) -> list[list[float]]:
    """What of a polygon lies in the picture (Sutherland and Hodgman 1974)."""
    for axis, sign, border in ((0, 1.0, 0.0), (0, -1.0, -width), (1, 1.0, 0.0), (1, -1.0, -height)):
        result = []
        for k, now in enumerate(polygon):
            before = polygon[k - 1]
            u, v = sign * before[axis] - border, sign * now[axis] - border
            if (u < 0.0 < v) or (v < 0.0 < u):
                part = u / (u - v)
                crossing = [before[c] + part * (now[c] - before[c]) for c in (0, 1)]
                crossing[axis] = sign * border
                result.append(crossing)
            if v >= 0.0:
                result.append(now)
        polygon = result
    return polygon
