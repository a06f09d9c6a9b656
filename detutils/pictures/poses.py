"""Keypoints drawn on pictures: dots, and the limbs between them."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import B1, F8, I8, U1
from detutils._validate import as_array, as_floats, as_indices
from detutils.pictures._kernels.drawing import draw_strokes

FARTHEST = 1e6  # pixels from the image's corner: what lies beyond is not drawn
HALO_OPACITY = 0.55


def as_keypoints(keypoints: Any, count: int, *, drops: bool) -> tuple[F8, B1]:
    """Places (N, K, 2), and which points are to be drawn."""
    array = as_floats(keypoints, "keypoints", False)
    if array.shape == (0,) and count == 0:  # none, written as []
        array = array.reshape(0, 0, 2)
    if array.ndim != 3 or array.shape[0] != count or array.shape[2] not in (2, 3):
        raise ValueError(f"keypoints must have shape ({count}, K, 2) or ({count}, K, 3), got {array.shape}")
    there: B1 = np.ones(array.shape[:2], np.bool_) if array.shape[2] == 2 else ~(array[:, :, 2] <= 0.0)
    finite = np.isfinite(array).all(axis=2)
    if not drops and (there & ~finite).any():
        row, k = np.argwhere(there & ~finite)[0].tolist()
        raise ValueError(f"keypoints[{row}, {k}] is not finite: {array[row, k].tolist()}")
    with np.errstate(invalid="ignore"):
        near = (np.abs(array[:, :, :2]) <= FARTHEST).all(axis=2)
    return array[:, :, :2], there & finite & near


def as_skeleton(skeleton: Any, points: int) -> I8:
    """Pairs of indices of keypoints, (L, 2)."""
    if skeleton is None:
        return np.empty((0, 2), np.int64)
    pairs = as_array(skeleton, "skeleton")
    if pairs.shape == (0,):
        pairs = pairs.reshape(0, 2)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"skeleton must have shape (L, 2), got {pairs.shape}")
    return as_indices(pairs.reshape(-1), "skeleton", points).reshape(-1, 2)


def draw_poses(
    canvas: U1, places: F8, drawn: B1, limbs: I8, colors: U1, order: I8, style: tuple[float, float, float]
) -> None:
    """Limbs and dots of each row in this order; ``style``: the limbs' width, the halo's width, the opacity."""
    line, halo, opacity = style
    strokes, paints = [], []
    for i in order.tolist():
        both = limbs[drawn[i][limbs].all(axis=1)] if limbs.size else limbs
        lines = np.column_stack([places[i, both[:, 0]], places[i, both[:, 1]], np.full(len(both), line / 2)])
        points = places[i, drawn[i]]
        dots = np.column_stack([points, points, np.full(len(points), line + 1.0)])
        strokes += [lines, dots]
        paints.append(np.repeat(colors[i : i + 1], len(lines) + len(dots), axis=0))
    if strokes:
        table = np.ascontiguousarray(np.concatenate(strokes))
        draw_strokes(canvas, table, np.concatenate(paints), (halo, HALO_OPACITY, opacity))
