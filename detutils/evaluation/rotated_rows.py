"""The rotated boxes of what users hand to an evaluation: rows of five, or the four corners of outlines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from detutils._jit import F8
from detutils._validate import as_choice, as_floats, as_items
from detutils.geometry.rotated import ANGLES, Angle, as_angle, as_rotated_rows, prepared, rotated_box_convert


def as_optional_angle(angle: Any) -> Angle | None:
    """A checked word, or None for upright boxes."""
    return None if angle is None else as_choice(angle, "angle", ANGLES)


def rotated_rows(boxes: Any, outlines: Any, angle: Angle, where: str) -> F8:
    """(N, 5) of an image: of ``boxes``, or of their outlines where those are upright hulls."""
    boxes = as_floats(boxes, f"{where} boxes", False)
    hulls = boxes.ndim == 2 and boxes.shape[1] == 4
    if hulls and len(boxes) == 0:
        return np.empty((0, 5))
    if hulls and outlines is not None:
        items = _listed(outlines, where)
        corners = [_four_corners(outline, f"{where} outlines[{i}]") for i, outline in enumerate(items)]
        if len(corners) != len(boxes):
            raise ValueError(f"{where} has {len(corners)} outlines for {len(boxes)} boxes")
        return rotated_box_convert(np.array(corners).reshape(-1, 8), "corners", angle)
    return as_rotated_rows(boxes, f"{where} boxes")


def all_prepared(parts: Sequence[F8], angle: Angle, where: str) -> F8:
    """What kernels know of the boxes of all images; the error for a bad row names its image."""
    rows = np.concatenate(parts) if parts else np.empty((0, 5))
    degrees, clockwise = as_angle(angle)
    try:
        return prepared(rows, degrees, clockwise)
    except ValueError:
        for i, part in enumerate(parts):
            prepared(part, degrees, clockwise, f"{where}[{i}] boxes")
        raise


def _listed(outlines: Any, where: str) -> Sequence[Any]:
    if isinstance(outlines, np.ndarray):
        return list(outlines)
    return as_items(outlines, f"{where} outlines", "a sequence of one outline a box")


def _four_corners(outline: Any, where: str) -> list[float]:
    """x1, y1, ... x4, y4 of an outline: a polygon, or a list of one, as COCO has it."""
    parts = outline if isinstance(outline, (list, tuple, np.ndarray)) else []
    if len(parts) == 1 and isinstance(parts[0], (list, tuple, np.ndarray)):
        parts = parts[0]
    try:
        corners = [float(value) for value in np.ravel(parts)]
    except (TypeError, ValueError):
        corners = []
    if len(corners) != 8:
        raise ValueError(f"{where} is no polygon of four corners, which angle= asks for where boxes are upright")
    return corners
