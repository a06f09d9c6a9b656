"""Overlaps of upright cuboids, as in scenes of LiDAR: rotated boxes with a height."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from detutils._jit import F8
from detutils._kernels.limits import LIMIT
from detutils._validate import FLOAT32, Array, as_choice, as_flag, as_floats, as_out, as_workers
from detutils.geometry._kernels import rotated_overlaps as kernels
from detutils.geometry.rotated import prepared
from detutils.geometry.rotated_overlaps import fill_matrix, is_short

SolidMeasure: TypeAlias = Literal["iou", "ioa", "ios"]
VOLUMES: SolidMeasure = "iou"
_MEASURES: tuple[SolidMeasure, ...] = ("iou", "ioa", "ios")
_PLAN = [0, 1, 3, 4, 6]  # x, y, length, width, yaw


def as_cuboids(boxes: Any, name: str) -> F8:
    """(N, 7) float64, their rows looked at."""
    rows = as_floats(boxes, name, False)
    rows = rows.reshape(0, 7) if rows.shape == (0,) else rows
    if rows.ndim != 2 or rows.shape[1] != 7:
        raise ValueError(f"{name} must have shape (N, 7), x, y, z, length, width, height, yaw, got {rows.shape}")
    sides = rows[:, 3:6]
    bad = np.flatnonzero(~((np.abs(rows[:, :6]) <= LIMIT).all(axis=1) & np.isfinite(rows[:, 6])))
    if bad.size:
        what = "is not finite" if not np.isfinite(rows[bad[0]]).all() else f"has a number beyond {LIMIT:g}"
        raise ValueError(f"{name}[{bad[0]}] {what}: {rows[bad[0]].tolist()}")
    bad = np.flatnonzero((sides < 0.0).any(axis=1) | (sides > 1e100).any(axis=1))
    if bad.size:
        what = "negative side" if (sides[bad[0]] < 0.0).any() else "side beyond 1e100"
        raise ValueError(f"{name}[{bad[0]}] has a {what}: {rows[bad[0]].tolist()}")
    return rows


def cuboid_iou(
    boxes1: npt.ArrayLike,
    boxes2: npt.ArrayLike,
    *,
    metric: SolidMeasure = VOLUMES,
    birds_eye: bool = False,
    workers: int = 1,
) -> Array:
    """Intersection over union in space, or as seen from above, of every upright cuboid with every other one.

    Parameters
    ----------
    boxes1 : (N, 7) array_like
        x, y, z of the center, length along x, width along y and height along z at yaw 0, and the yaw about z in
        radians, from x to y, as in KITTI's LiDAR frame, OpenPCDet and mmdetection3d.
    boxes2 : (M, 7) array_like
        The same.
    metric : {"iou", "ioa", "ios"}, default "iou"
        The volume of the intersection over that of the union, of the cuboid of ``boxes1``, or of the smaller one.
    birds_eye : bool, default False
        Areas of the ground plan instead of volumes; heights do not matter.
    workers : int
        Threads among which the rows are divided; -1 for every core.

    Returns
    -------
    overlap : (N, M) ndarray
        Between 0 and 1. float32 if both inputs are float32, else float64. Where the divisor has no volume the result
        is 0. Shape (0, M), (N, 0) or (0, 0) where a set is empty.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, or ``workers`` no integer.
    ValueError
        If an input is not (N, 7), a row is not finite or has a negative side, or ``metric`` is unknown.
    MemoryError
        If the matrix is larger than the memory that is free.

    See Also
    --------
    rotated_box_iou : Its precision is that of the ground plan.

    Notes
    -----
    The area that the ground plans share, times the height that both have in common. A cuboid whose z is that of its
    bottom (KITTI's camera labels) needs half its height added first.

    References
    ----------
    A. Geiger et al., "Are we ready for autonomous driving? The KITTI vision benchmark suite", CVPR 2012.

    Examples
    --------
    >>> import detutils
    >>> car = [[0, 0, 0, 4, 2, 1.5, 0.3]]
    >>> detutils.cuboid_iou(car, [[0, 0, 0.75, 4, 2, 1.5, 0.3]])
    array([[0.33333333]])
    >>> detutils.cuboid_iou(car, [[0, 0, 0.75, 4, 2, 1.5, 0.3]], birds_eye=True)
    array([[1.]])
    """
    metric, flat = as_choice(metric, "metric", _MEASURES), as_flag(birds_eye, "birds_eye")
    rows, others = as_cuboids(boxes1, "boxes1"), as_cuboids(boxes2, "boxes2")
    threads, short = as_workers(workers), is_short(boxes1, boxes2)
    common = as_out(None, (len(rows), len(others)), np.float64, of="boxes1 and boxes2")
    common[:] = 0.0
    plan, other_plan = np.ascontiguousarray(rows[:, _PLAN]), np.ascontiguousarray(others[:, _PLAN])
    first, second = prepared(plan, False, True, "boxes1"), prepared(other_plan, False, True, "boxes2")
    fill_matrix(kernels.COMMON, first, second, common, threads)
    size, other_size = rows[:, 3] * rows[:, 4], others[:, 3] * others[:, 4]
    if not flat:
        low, high = rows[:, 2] - 0.5 * rows[:, 5], rows[:, 2] + 0.5 * rows[:, 5]
        other_low, other_high = others[:, 2] - 0.5 * others[:, 5], others[:, 2] + 0.5 * others[:, 5]
        shared = np.minimum(high[:, None], other_high) - np.maximum(low[:, None], other_low)
        common *= np.clip(shared, 0.0, np.minimum(rows[:, 5:6], others[:, 5]))
        size, other_size = size * rows[:, 5], other_size * others[:, 5]
    if metric == "iou":
        divisor = (size[:, None] + other_size) - common
    else:
        least = np.minimum(size[:, None], other_size)
        divisor = least if metric == "ios" else np.broadcast_to(size[:, None], common.shape)
    np.divide(common, divisor, out=common, where=divisor > 0.0)
    return common.astype(FLOAT32) if short else common
