"""Keypoints, visibility and spread: their shapes, and the first that is no place."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import B1, F8
from detutils._kernels.limits import LIMIT
from detutils._validate.arrays import as_floats, as_vector

# COCO's: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles
COCO_SIGMAS = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089,
    0.089,
)  # fmt: skip


def as_keypoints(value: Any, name: str, count: int | None = None, *, rows: int | None = None) -> F8:
    """``value`` as (N, P, 2 or 3) float64 of whatever numbers."""
    array: F8 = as_floats(value, name, False)
    if array.shape == (0,):  # no poses, written as []
        array = array.reshape(0, 0 if count is None else count, 2)
    if array.ndim != 3 or array.shape[2] not in (2, 3) or (rows is not None and array.shape[0] != rows) or (
        count is not None and array.shape[1] != count and array.size
    ):
        start = f"({'N' if rows is None else rows}, {'P' if count is None else count}"
        raise ValueError(f"{name} must have shape {start}, 2) or {start}, 3), got {array.shape}")
    return array


def good_keypoints(keypoints: F8, *, labeled: bool = False) -> B1:
    """(N, P): which can be measured; with ``labeled``, those that are not labeled need not."""
    good: B1 = np.all(np.abs(keypoints[:, :, :2]) <= LIMIT, axis=2)
    if keypoints.shape[2] == 3:
        good &= np.isfinite(keypoints[:, :, 2])
        if labeled:
            good |= keypoints[:, :, 2] <= 0.0
    return good


def check_keypoints(keypoints: F8, good: B1, name: str) -> F8:
    """The same, or the error for the first that is not good."""
    if not good.all():
        row, point = np.argwhere(~good)[0]
        text = ", ".join(f"{number:g}" for number in keypoints[row, point].tolist())
        raise ValueError(f"{name}[{row}, {point}] is not finite or beyond {LIMIT:g}: [{text}]")
    return keypoints


def as_sigmas(sigmas: Any, count: int) -> F8:
    """The spread of each of so many keypoints; COCO's if None."""
    if sigmas is None:
        if count not in (0, len(COCO_SIGMAS)):
            raise ValueError(f"sigmas must be given for {count} keypoints: only COCO's {len(COCO_SIGMAS)} are known")
        return np.array(COCO_SIGMAS[:count])
    values: F8 = as_vector(sigmas, "sigmas", count or None)  # without poses nobody knows how many there are
    bad = np.flatnonzero(~((values >= 1e-100) & (values <= 1e100)))
    if bad.size:
        raise ValueError(f"sigmas[{bad[0]}] must be in [1e-100, 1e+100], got {values[bad[0]]:g}")
    return values
