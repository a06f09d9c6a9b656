"""``pycocotools.mask``: the overlap of boxes; masks are left to the original.

See ``detutils.compat.pycocotools`` for what differs from the original.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from detutils._jit import B1, F8
from detutils._validate import as_array
from detutils.compat.pycocotools._absent import not_covered
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
    """Turn masks into run lengths: not covered.

    Parameters
    ----------
    bimask : (H, W) or (H, W, N) uint8 ndarray
        Masks.

    Returns
    -------
    Never.

    Raises
    ------
    NotImplementedError
        Always.

    Examples
    --------
    >>> encode(None)
    Traceback (most recent call last):
        ...
    NotImplementedError: detutils.compat.pycocotools has no mask.encode: use pycocotools itself ...
    """
    not_covered("mask.encode")


def decode(rleObjs: Any) -> NoReturn:
    """Turn run lengths into masks: not covered.

    Parameters
    ----------
    rleObjs : dict or list of dict
        Run lengths.

    Returns
    -------
    Never.

    Raises
    ------
    NotImplementedError
        Always.

    Examples
    --------
    >>> decode({})
    Traceback (most recent call last):
        ...
    NotImplementedError: detutils.compat.pycocotools has no mask.decode: use pycocotools itself ...
    """
    not_covered("mask.decode")


def area(rleObjs: Any) -> NoReturn:
    """Measure masks: not covered.

    Parameters
    ----------
    rleObjs : dict or list of dict
        Run lengths.

    Returns
    -------
    Never.

    Raises
    ------
    NotImplementedError
        Always.

    Examples
    --------
    >>> area({})
    Traceback (most recent call last):
        ...
    NotImplementedError: detutils.compat.pycocotools has no mask.area: use pycocotools itself ...
    """
    not_covered("mask.area")


def toBbox(rleObjs: Any) -> NoReturn:
    """Find the boxes around masks: not covered.

    Parameters
    ----------
    rleObjs : dict or list of dict
        Run lengths.

    Returns
    -------
    Never.

    Raises
    ------
    NotImplementedError
        Always.

    Examples
    --------
    >>> toBbox({})
    Traceback (most recent call last):
        ...
    NotImplementedError: detutils.compat.pycocotools has no mask.toBbox: use pycocotools itself ...
    """
    not_covered("mask.toBbox")


def merge(rleObjs: Any, intersect: Any = 0) -> NoReturn:
    """Join masks: not covered.

    Parameters
    ----------
    rleObjs : list of dict
        Run lengths.
    intersect : bool, default 0
        Whether what all have in common is wanted.

    Returns
    -------
    Never.

    Raises
    ------
    NotImplementedError
        Always.

    Examples
    --------
    >>> merge([])
    Traceback (most recent call last):
        ...
    NotImplementedError: detutils.compat.pycocotools has no mask.merge: use pycocotools itself ...
    """
    not_covered("mask.merge")


def frPyObjects(pyobj: Any, h: Any, w: Any) -> NoReturn:
    """Turn outlines into run lengths: not covered.

    Parameters
    ----------
    pyobj : list or dict
        Polygons, boxes or run lengths.
    h, w : int
        The image.

    Returns
    -------
    Never.

    Raises
    ------
    NotImplementedError
        Always.

    Examples
    --------
    >>> frPyObjects([], 9, 9)
    Traceback (most recent call last):
        ...
    NotImplementedError: detutils.compat.pycocotools has no mask.frPyObjects: use pycocotools itself ...
    """
    not_covered("mask.frPyObjects")
