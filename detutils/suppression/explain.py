"""Who suppressed whom: non-maximum suppression that gives its reasons."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils._jit import B1, F4, F8, I8
from detutils._validate import as_integer, as_labels, as_number, as_offset, as_threshold
from detutils.suppression._kernels.columns import pick_grouped
from detutils.suppression._kernels.explain import explain
from detutils.suppression.plan import as_pair, decide, drops, prepare_grouped, valid

_ALL = 2**62
_PATIENCE = 1 << 26  # pairs that the explanation compares between two looks at Ctrl-C: a tenth of a second or two


class Explanation(NamedTuple):
    """What ``explain_nms`` found.

    Parameters
    ----------
    keep : (K,) int64 ndarray
        Indices of the kept boxes by decreasing score.
    suppressed_by : (N,) int64 ndarray
        For each box the kept box that suppressed it; -1 for boxes that no kept box suppressed.
    iou : (N,) float64 ndarray
        IoU of each suppressed box with its suppressor; 0 where ``suppressed_by`` is -1.

    Raises
    ------
    TypeError
        If a field is missing.

    Examples
    --------
    >>> import detutils
    >>> found = detutils.explain_nms([[0, 0, 10, 10], [0, 0, 10, 8]], [0.9, 0.8])
    >>> found.keep.tolist(), found.suppressed_by.tolist(), found.iou.tolist()
    ([0], [-1, 0], [0.0, 0.8])
    """

    keep: I8
    suppressed_by: I8
    iou: F8


def explain_nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    iou_threshold: float = 0.5,
    *,
    labels: npt.ArrayLike | None = None,
    score_threshold: float | None = None,
    max_output: int | None = None,
    offset: int = 0,
    on_invalid: Literal["raise", "drop"] = "raise",
) -> Explanation:
    """``nms`` (``batched_nms`` with ``labels``), and for each dropped box which kept box suppressed it, at
    what IoU.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    scores : (N,) array_like
        Any finite numbers; higher is better.
    iou_threshold : float, default 0.5
        In [0, 1]. A box at exactly this IoU with a kept box stays.
    labels : (N,) array_like of int, optional
        Only boxes of one label suppress each other.
    score_threshold : float, optional
        Only boxes with score > ``score_threshold`` take part.
    max_output : int, optional
        Stop after so many kept boxes.
    offset : {0, 1}, default 0
        1 counts inclusive pixels: width = x2 - x1 + 1.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows that are not finite, not ordered or beyond 1e150, instead of raising; they have no
        suppressor.

    Returns
    -------
    explanation : Explanation
        ``keep`` as from ``nms``; ``suppressed_by`` (N,) int64 and ``iou`` (N,) float64. The suppressor is the
        best kept box over the threshold, the first that the greedy loop meets. Boxes at or under the score
        threshold, and those that came after ``max_output`` was reached, have none (-1, IoU 0), like the kept
        ones. Empty input gives empty arrays.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or ``labels`` are not integers.
    ValueError
        If a shape is wrong, a row breaks the contract (the text names the first), or an option is out of
        range.

    Notes
    -----
    The cost is that of ``nms`` and, for each dropped box, of the kept boxes of its class that lie above or below it:
    about N sqrt(K) for K kept boxes all over an image.

    References
    ----------
    R. Girshick et al., "Rich feature hierarchies for accurate object detection and semantic segmentation",
    2014, section 2.2.

    Examples
    --------
    >>> import detutils
    >>> found = detutils.explain_nms([[0, 0, 10, 10], [0, 0, 10, 8], [20, 0, 30, 10]], [0.9, 0.8, 0.7])
    >>> found.keep, found.suppressed_by, found.iou
    (array([0, 2]), array([-1,  0, -1]), array([0. , 0.8, 0. ]))
    """
    threshold = as_threshold(iou_threshold)
    floor = -math.inf if score_threshold is None else as_number(score_threshold, "score_threshold")
    most = _ALL if max_output is None else as_integer(max_output, "max_output", 0, _ALL)
    pixel = as_offset(offset)
    boxes, scores = as_pair(boxes, scores)
    classes = np.zeros(len(scores), np.int64) if labels is None else as_labels(labels, "labels", len(scores))
    by, iou = np.full(len(scores), -1, np.int64), np.zeros(len(scores))
    if drops(on_invalid):
        good = valid(boxes, scores)
        found = explain_nms(
            boxes[good], scores[good], threshold, labels=classes[good],
            score_threshold=score_threshold, max_output=max_output, offset=offset,
        )  # fmt: skip
        dropped = found.suppressed_by >= 0
        by[good[dropped]] = good[found.suppressed_by[dropped]]
        iou[good] = found.iou
        return Explanation(good[found.keep], by, iou)
    order, places, starts, columns, rows = prepare_grouped(boxes, scores, classes, threshold, floor, pixel)
    kept = decide(columns, rows, starts, threshold, pixel, most)
    keep = pick_grouped(order, kept, places, most)
    last = len(order)  # the rank at which the loop stopped
    if len(keep) == most:
        last = int(np.flatnonzero(order == keep[-1])[0]) if most else 0
    shelves = _shelve(columns, starts, kept)
    place = np.array([0, starts[0]])
    seen = (*shelves, order, places, last, _PATIENCE, threshold, pixel)
    while explain(columns, rows, starts, kept, *seen, place, by, iou):
        pass  # between two slices Ctrl-C is heard
    return Explanation(keep, by, iou)


def _shelve(columns: F4, starts: I8, kept: B1) -> tuple[I8, F4, I8, I8, F4]:
    """The kept candidates by class, binary exponent of the width and left edge; their left, upper and lower edges;
    where each shelf (class and exponent) begins, with the end of the last; the first shelf of each class; the largest
    width of each shelf."""
    shelf = np.flatnonzero(kept)
    classes = np.searchsorted(starts, shelf, side="right") - 1
    widths = columns[2, shelf] - columns[0, shelf]
    exponents = np.frexp(widths)[1]
    order = np.lexsort((columns[0, shelf], exponents, classes))
    shelf, classes, widths, exponents = shelf[order], classes[order], widths[order], exponents[order]
    new = np.ones(len(shelf), np.bool_)
    new[1:] = (np.diff(classes) != 0) | (np.diff(exponents) != 0)
    begins = np.flatnonzero(new)
    first_shelf = np.searchsorted(classes[begins], np.arange(len(starts)))
    widest = np.maximum.reduceat(widths, begins) if len(begins) else widths
    edges = np.ascontiguousarray(columns[:, shelf][[0, 1, 3]])
    return shelf, edges, np.append(begins, len(shelf)), first_shelf, widest
