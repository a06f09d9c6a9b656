"""``imutils.object_detection``."""

from __future__ import annotations

from typing import Any

from detutils._jit import I8
from detutils._validate import INT64, as_boxes, as_threshold, as_vector
from detutils.compat.tensors import as_array as plain
from detutils.suppression.greedy import nms


def non_max_suppression(boxes: Any, probs: Any = None, overlapThresh: float | None = 0.3) -> I8 | list[Any]:
    """The boxes that stay, in whole pixels.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in inclusive pixels: widths are x2 - x1 + 1.
    probs : (N,) array_like, optional
        Scores. Without them the box with the largest y2 is the best.
    overlapThresh : float, default 0.3
        In [0, 1]. A box is dropped that a better one covers by more than this share of its area.

    Returns
    -------
    picked : (K, 4) int64 ndarray, or [] without boxes
        The boxes themselves, cut to integers, best first; of equal ones the last comes first.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat.imutils.object_detection import non_max_suppression
    >>> non_max_suppression(np.array([[12, 84, 140, 212], [24, 84, 152, 212], [36, 84, 164, 212], [12, 96, 140, 224]]))
    array([[ 12,  96, 140, 224]])
    """
    rows = as_boxes(plain(boxes), check_rows=False)
    count = len(rows)
    if not count:
        return []
    marks = rows[:, 3] if probs is None else as_vector(plain(probs), "probs", count, finite=False)
    try:
        turned = rows[::-1]
        keep = nms(turned, marks[::-1], as_threshold(overlapThresh, "overlapThresh"), metric="ioa", offset=1)
    except (TypeError, ValueError):
        as_boxes(rows)  # what is wrong by its place here
        if probs is not None:
            as_vector(marks, "probs", count)
        raise
    picked: I8 = turned.take(keep, 0).astype(INT64)
    return picked
