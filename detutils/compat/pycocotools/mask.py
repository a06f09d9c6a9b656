"""``pycocotools.mask``: the overlap of boxes; masks are left to the original.

See ``detutils.compat.pycocotools`` for what differs from the original.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from detutils._jit import B1, F8
from detutils._validate import as_array
from detutils.compat.pycocotools.coco import not_covered
from detutils.evaluation.coco_images import overlap_table


def iou(dt: Any, gt: Any, pyiscrowd: Any) -> Any:
    """How much detections overlap objects.

    Parameters
    ----------
    dt, gt : (D, 4), (G, 4) array_like
        x, y, width, height.
    pyiscrowd : (G,) array_like
        Whether the object is a crowd, whose overlap is the part of the detection that lies inside.

    Returns
    -------
    ious : (D, G) float64 ndarray, Fortran order; [] if one of the two is empty
        Of boxes without area 0.

    Raises
    ------
    TypeError, ValueError
        If the boxes are not finite numbers, four a row, or there is not one flag an object.
    NotImplementedError
        If they are run lengths of masks.

    Examples
    --------
    >>> iou([[0, 0, 10, 10]], [[5, 0, 10, 10], [5, 0, 10, 10]], [0, 1])
    array([[0.33333333, 0.5       ]])
    """
    found, objects = _boxes(dt, "dt"), _boxes(gt, "gt")
    crowd = np.asarray(pyiscrowd)
    if crowd.dtype.kind not in "biuf" and crowd.size:
        raise TypeError(f"pyiscrowd must be numbers, got {pyiscrowd!r}")
    if crowd.shape != (objects.shape[0],):
        raise ValueError(f"pyiscrowd must have shape ({objects.shape[0]},), got {crowd.shape}")
    if not found.shape[0] or not objects.shape[0]:
        return []
    flags: B1 = crowd != 0
    return np.asfortranarray(overlap_table(found, objects, flags))


def _boxes(value: Any, name: str) -> F8:
    if (isinstance(value, Sequence) and any(isinstance(item, dict) for item in value)) or isinstance(value, dict):
        not_covered("mask.iou of run lengths", "detutils compares boxes only; ")
    if isinstance(value, Sequence) and not isinstance(value, str) and not len(value):
        return np.empty((0, 4))
    rows: F8 = np.asarray(as_array(value, name), np.float64)
    if rows.shape == (0,):
        return np.empty((0, 4))
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise ValueError(f"{name} must have shape (N, 4), got {rows.shape}")
    if not np.abs(rows).max(initial=0.0) <= 1e150:
        raise ValueError(f"{name} must be finite, and not beyond 1e150")
    return rows


def encode(bimask: Any) -> NoReturn:
    """Not covered: ``NotImplementedError`` that names the original."""
    not_covered("mask.encode")


def decode(rleObjs: Any) -> NoReturn:
    """Not covered: ``NotImplementedError`` that names the original."""
    not_covered("mask.decode")


def area(rleObjs: Any) -> NoReturn:
    """Not covered: ``NotImplementedError`` that names the original."""
    not_covered("mask.area")


def toBbox(rleObjs: Any) -> NoReturn:
    """Not covered: ``NotImplementedError`` that names the original."""
    not_covered("mask.toBbox")


def merge(rleObjs: Any, intersect: Any = 0) -> NoReturn:
    """Not covered: ``NotImplementedError`` that names the original."""
    not_covered("mask.merge")


def frPyObjects(pyobj: Any, h: Any, w: Any) -> NoReturn:
    """Not covered: ``NotImplementedError`` that names the original."""
    not_covered("mask.frPyObjects")
