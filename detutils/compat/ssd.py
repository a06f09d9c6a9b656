"""The box functions of ssd.pytorch (``layers/box_utils.py``) and of the many repositories that copied them.

The line to change::

    from layers.box_utils import decode, nms      ->  from detutils.compat.ssd import decode, nms

Tensors in, tensors out; arrays in, arrays out. Priors and results of a head are fractions of the image, but nothing
here depends on it. Equal are the decisions of ``nms`` and, up to rounding, all numbers. What differs::

    original                               | here                        | why
    ---------------------------------------+-----------------------------+---------------------------------------------
    nms without boxes returns keep alone   | (keep, 0)                   | ``ids, count = nms(...)`` raises there
    nms compares a float32 IoU             | a float64 IoU: a box at     | the answer must not depend on the dtype
                                           | exactly ``overlap`` stays   |
    tied scores of more than 16 boxes come | the higher index first, as  | an order that can be relied on
    in the order of a sort that is not     | of fewer boxes there        |
    stable                                 |                             |
    a box without area suppresses all      | such boxes overlap nothing  | 0 / 0 is NaN there, and NaN is not <= overlap
    others without area                    |                             |
    jaccard of two boxes without area: NaN | 0                           | a matrix with NaN spoils its maxima
    center_size raises TypeError           | the centers and sizes       | a parenthesis is misplaced there
    encode of a box without area: -inf     | ValueError naming the row   | no training survives it
    decode overflows to inf                | ValueError naming the row   | as everywhere in the package
    rows that are not finite or have       | ValueError naming the row   |
    x2 < x1 or y2 < y1 are computed with   |                             |
    match writes targets into tensors,     | not here                    | ``detutils.match_boxes`` and ``encode`` make
    log_sum_exp is for losses              |                             | targets; losses need gradients
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._validate import (
    FLOAT32,
    INT64,
    Array,
    as_boxes,
    as_integer,
    as_items_of,
    as_number,
    as_threshold,
    as_vector,
    is_ready,
)
from detutils.compat.tensors import as_array, like, narrowed
from detutils.geometry import boxes as plain, coding, overlaps
from detutils.suppression import greedy


def point_form(boxes: Any) -> Any:
    """Centers and sizes as corners: ``point_form`` of ssd.pytorch.

    Parameters
    ----------
    boxes : (N, 4) tensor or array_like
        cx, cy, w, h.

    Returns
    -------
    corners : (N, 4) tensor or ndarray
        x1, y1, x2, y2.

    Raises
    ------
    TypeError
        If ``boxes`` are not numbers.
    ValueError
        If ``boxes`` is not (N, 4) or a row is not finite or has a negative side.

    Examples
    --------
    >>> from detutils.compat.ssd import point_form
    >>> point_form([[0.5, 0.5, 0.25, 0.5]])
    array([[0.375, 0.25 , 0.625, 0.75 ]])
    """
    rows = as_array(boxes)
    return like(narrowed(plain.box_convert(rows, "cxcywh", "xyxy"), rows), boxes)


def center_size(boxes: Any) -> Any:
    """Corners as centers and sizes: what ``center_size`` of ssd.pytorch is meant to be.

    Parameters
    ----------
    boxes : (N, 4) tensor or array_like
        x1, y1, x2, y2.

    Returns
    -------
    centers : (N, 4) tensor or ndarray
        cx, cy, w, h.

    Raises
    ------
    TypeError
        If ``boxes`` are not numbers.
    ValueError
        If ``boxes`` is not (N, 4) or a row is not finite or has x2 < x1 or y2 < y1.

    Examples
    --------
    >>> from detutils.compat.ssd import center_size
    >>> center_size([[0.375, 0.25, 0.625, 0.75]])
    array([[0.5 , 0.5 , 0.25, 0.5 ]])
    """
    rows = as_array(boxes)
    return like(narrowed(plain.box_convert(rows, "xyxy", "cxcywh"), rows), boxes)


def intersect(box_a: Any, box_b: Any) -> Any:
    """Areas of intersections, every box with every box: ``intersect`` of ssd.pytorch.

    Parameters
    ----------
    box_a : (A, 4) tensor or array_like
        x1, y1, x2, y2.
    box_b : (B, 4) tensor or array_like
        x1, y1, x2, y2.

    Returns
    -------
    areas : (A, B) tensor or ndarray
        Computed in float64 and rounded once.

    Raises
    ------
    TypeError
        If an input is not of numbers.
    ValueError
        If an input is not (N, 4) or a row is not finite or has x2 < x1 or y2 < y1.

    Examples
    --------
    >>> from detutils.compat.ssd import intersect
    >>> intersect([[0.0, 0.0, 10.0, 10.0]], [[5.0, 5.0, 15.0, 15.0], [20.0, 20.0, 30.0, 30.0]])
    array([[25.,  0.]])
    """
    first, second = as_array(box_a), as_array(box_b)
    rows, columns = as_boxes(first, "box_a", check_rows=False), as_boxes(second, "box_b", check_rows=False)
    try:
        areas = overlaps.box_ioa(rows, columns)
    except ValueError:
        as_boxes(rows, "box_a")
        as_boxes(columns, "box_b")
        raise
    areas *= plain.box_area(rows)[:, None]
    return like(narrowed(areas, first, second), box_a)


def jaccard(box_a: Any, box_b: Any) -> Any:
    """Intersection over union, every box with every box: ``jaccard`` of ssd.pytorch.

    Parameters
    ----------
    box_a : (A, 4) tensor or array_like
        x1, y1, x2, y2.
    box_b : (B, 4) tensor or array_like
        x1, y1, x2, y2.

    Returns
    -------
    iou : (A, B) tensor or ndarray
        0 where the union has no area.

    Raises
    ------
    TypeError
        If an input is not of numbers.
    ValueError
        If an input is not (N, 4) or a row is not finite or has x2 < x1 or y2 < y1.

    See Also
    --------
    detutils.box_iou : With more options.

    Examples
    --------
    >>> from detutils.compat.ssd import jaccard
    >>> jaccard([[0.0, 0.0, 10.0, 10.0]], [[0.0, 0.0, 10.0, 5.0], [20.0, 20.0, 30.0, 30.0]])
    array([[0.5, 0. ]])
    """
    first, second = as_array(box_a), as_array(box_b)
    rows = as_boxes(first, "box_a", keep_float32=True, check_rows=False)
    columns = as_boxes(second, "box_b", keep_float32=True, check_rows=False)
    try:
        iou = overlaps.box_iou(rows, columns)
    except ValueError:
        as_boxes(rows, "box_a", keep_float32=True)
        as_boxes(columns, "box_b", keep_float32=True)
        raise
    return like(iou if iou.dtype is FLOAT32 else narrowed(iou, first, second), box_a)


def _renamed(error: ValueError, **names: str) -> ValueError:
    """An error about arguments of detutils, which names those of the original."""
    text = str(error)
    for name, original in names.items():
        text = text.replace(f"{name}[", f"{original}[")
    return ValueError(text)


def _corners_of(priors: Any) -> Array:
    """Priors as corners in float64, so that small ones far from the origin keep their digits."""
    rows = as_boxes(priors, "priors", check_rows=False)
    try:
        return plain.box_convert(rows, "cxcywh", "xyxy")
    except ValueError as error:
        raise _renamed(error, boxes="priors") from None


def _weights_of(variances: Any) -> tuple[float, float, float, float]:
    if type(variances) is list and len(variances) == 2:  # as configurations have them
        center, side = variances
        if type(center) is type(side) is float and 0.0 < center < math.inf and 0.0 < side < math.inf:
            return 1.0 / center, 1.0 / center, 1.0 / side, 1.0 / side
    center, side = as_items_of(variances, "variances", "a pair (of the center, of the sides)", 2)
    move = 1.0 / as_number(center, "variances[0]", above=0.0)
    grow = 1.0 / as_number(side, "variances[1]", above=0.0)
    return move, move, grow, grow


def encode(matched: Any, priors: Any, variances: Any) -> Any:
    """Regression targets of priors: ``encode`` of ssd.pytorch.

    Parameters
    ----------
    matched : (N, 4) tensor or array_like
        x1, y1, x2, y2 of the object of each prior, with a width and a height.
    priors : (N, 4) tensor or array_like
        cx, cy, w, h, with a width and a height.
    variances : (float, float)
        Of the center and of the sides, greater than 0; 0.1 and 0.2 are usual.

    Returns
    -------
    loc : (N, 4) tensor or ndarray
        The shift of the center in sides of the prior and the logarithm of the growth, divided by the variances.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, a row is not finite or has no width or height, or a variance is not greater than 0.

    See Also
    --------
    detutils.encode_boxes : By anchors given as corners.

    Examples
    --------
    >>> from detutils.compat.ssd import encode
    >>> encode([[0.25, 0.25, 0.75, 0.75]], [[0.5, 0.375, 0.5, 0.5]], [0.1, 0.2])
    array([[0. , 2.5, 0. , 0. ]])
    """
    boxes, anchors = as_array(matched), as_array(priors)
    corners, weights = _corners_of(anchors), _weights_of(as_array(variances))
    rows = as_boxes(boxes, "matched", check_rows=False)
    try:
        loc = coding.encode_boxes(rows, corners, weights=weights)
    except ValueError as error:
        raise _renamed(error, boxes="matched", anchors="priors") from None
    return like(narrowed(loc, boxes, anchors), matched)


def decode(loc: Any, priors: Any, variances: Any) -> Any:
    """The boxes that a head means: ``decode`` of ssd.pytorch.

    Parameters
    ----------
    loc : (N, 4) tensor or array_like
        As ``encode`` makes them.
    priors : (N, 4) tensor or array_like
        cx, cy, w, h.
    variances : (float, float)
        Of the center and of the sides, greater than 0; 0.1 and 0.2 are usual.

    Returns
    -------
    boxes : (N, 4) tensor or ndarray
        x1, y1, x2, y2. Growth is not limited.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, a row is not finite or has a negative side, a variance is not greater than 0, or a
        decoded box is out of range.

    See Also
    --------
    detutils.detections_from_priors : From the head's output to detections.

    Examples
    --------
    >>> from detutils.compat.ssd import decode
    >>> decode([[0.0, 2.5, 0.0, 0.0]], [[0.5, 0.375, 0.5, 0.5]], [0.1, 0.2])
    array([[0.25, 0.25, 0.75, 0.75]])
    """
    moves, anchors = as_array(loc), as_array(priors)
    corners, weights = _corners_of(anchors), _weights_of(as_array(variances))
    deltas = as_boxes(moves, "loc", check_rows=False)
    try:
        boxes = coding.decode_boxes(deltas, corners, weights=weights, clamp=None)
    except ValueError as error:
        raise _renamed(error, deltas="loc", anchors="priors") from None
    if deltas is moves:  # float64, whose range was looked at
        return like(boxes, loc)
    boxes = narrowed(boxes, moves, anchors)
    finite = np.isfinite(boxes)
    if not finite.all():  # in float32
        raise ValueError(f"loc[{finite.all(axis=1).argmin()}] moves its prior out of the range of {boxes.dtype}")
    return like(boxes, loc)


def nms(boxes: Any, scores: Any, overlap: float = 0.5, top_k: int = 200) -> tuple[Any, int]:
    """Non-maximum suppression among the best boxes: ``nms`` of ssd.pytorch.

    Parameters
    ----------
    boxes : (N, 4) tensor or array_like
        x1, y1, x2, y2.
    scores : (N,) tensor or array_like
        Higher is better.
    overlap : float
        In [0, 1]. Boxes with IoU > ``overlap`` with a kept box are suppressed.
    top_k : int
        Only the best so many boxes take part; all of them for 0, as there.

    Returns
    -------
    keep : (N,) int64 tensor or ndarray
        Indices of the kept boxes by decreasing score, of tied ones the *higher* index first, then zeros.
    count : int
        How many of them are kept boxes.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, a row is not finite or has x2 < x1 or y2 < y1, or an option is out of range.

    See Also
    --------
    detutils.nms : Returns the kept indices alone, lower indices first.

    Examples
    --------
    >>> from detutils.compat.ssd import nms
    >>> keep, count = nms([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], [0.8, 0.9, 0.7])
    >>> keep, count
    (array([1, 2, 0]), 2)
    >>> keep[:count]
    array([1, 2])
    """
    rows, marks = as_array(boxes), as_array(scores)
    if not is_ready(rows, True):
        rows = as_boxes(rows, keep_float32=True, check_rows=False)
    if not (is_ready(marks, True) and marks.ndim == 1 and rows.shape == (len(marks), 4)):
        rows = as_boxes(rows, keep_float32=True, check_rows=False)
        marks = as_vector(marks, length=len(rows), keep_float32=True, finite=False)
    threshold = as_threshold(overlap, "overlap")
    most, n = as_integer(top_k, "top_k", 0), len(marks)
    limit = most if 0 < most < n else None  # None costs less
    keep = np.zeros(n, INT64)
    try:  # backward, so that of tied scores the higher index comes first
        found = greedy.nms(rows[::-1], marks[::-1], threshold, max_candidates=limit)
    except ValueError:
        greedy.nms(rows, marks, threshold)  # names the bad row as it is counted here
        raise
    count = len(found)
    np.subtract(n - 1, found, keep[:count])
    return like(keep, boxes), count
