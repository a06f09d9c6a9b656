"""Who suppressed whom: non-maximum suppression that gives its reasons."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils._jit import F8, I8, Direct
from detutils._validate import FLOAT64, INT64, Array, as_labels
from detutils.suppression._kernels.grid import tell
from detutils.suppression._kernels.order import pick
from detutils.suppression._kernels.select import select_float64
from detutils.suppression.plan import (
    IOU,
    NO_LABELS,
    PLAN,
    RAISE,
    Metric,
    Plan,
    Rule,
    as_canonical_pair,
    as_float64,
    as_pair,
    as_rule,
    decide,
    prepare,
    raise_bad_row,
    valid,
)

_SELECT = Direct(select_float64)


class Explanation(NamedTuple):
    """What ``explain_nms`` found.

    Parameters
    ----------
    keep : (K,) int64 ndarray
        Indices of the kept boxes by decreasing score.
    suppressed_by : (N,) int64 ndarray
        For each box the kept box that suppressed it; -1 for boxes that no kept box suppressed.
    iou : (N,) float64 ndarray
        IoU of each suppressed box with its suppressor, or what else ``metric`` measures; 0 where ``suppressed_by``
        is -1.

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
    on_invalid: Literal["raise", "drop"] = RAISE,
    metric: Metric = IOU,
    max_candidates: int | None = None,
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
        Only boxes of one label suppress each other; integers, or floats that are whole numbers.
    score_threshold : float, optional
        Only boxes with score > ``score_threshold`` take part. The others are not judged: their boxes may be
        anything, but their scores must be numbers.
    max_output : int, optional
        Stop after so many kept boxes.
    offset : {0, 1}, default 0
        1 counts inclusive pixels: width = x2 - x1 + 1.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows that are not finite, not ordered or beyond 1e150, instead of raising; they have no
        suppressor.
    metric : {"iou", "ios", "ioa"}, default "iou"
        What ``iou_threshold`` is compared with: intersection over union, over the area of the smaller box, or over
        the area of the weaker one (the one that would be suppressed).
    max_candidates : int, optional
        Only the best so many of the boxes over the score threshold take part, counted over all classes; of tied
        scores the lower index comes first. All of them are judged.

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
    Groups, which kept box each box belongs to, in a line: ``numpy.where(found.suppressed_by < 0,
    numpy.arange(len(boxes)), found.suppressed_by)``; a box that is neither kept nor suppressed is a group of its own.
    Boxes without area neither suppress nor are suppressed.

    About twice the time of ``nms``, three times in scenes where most boxes stay: the reasons come with the decisions.
    Memory is about 100 bytes a box.

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
    rule = Rule(*as_rule(iou_threshold, score_threshold, max_output, offset, on_invalid, metric, max_candidates))
    return suppress_and_explain(boxes, scores, labels, rule)


def suppress_and_explain(
    boxes: npt.ArrayLike, scores: npt.ArrayLike, labels: npt.ArrayLike | None, rule: Rule, plan: Plan = PLAN
) -> Explanation:
    """``explain_nms`` with checked options, by a plan."""
    boxes, scores = as_pair(boxes, scores)
    n = len(scores)
    if boxes.shape != (n, 4):
        boxes, scores = as_canonical_pair(boxes, scores)
    classes = NO_LABELS if labels is None else as_labels(labels, "labels", n)
    if rule.drop:
        return _of_valid_rows(boxes, scores, classes, rule, plan)
    if n <= min(plan.some_batched, rule.candidates):
        found = np.empty(3 * n, INT64)
        count = _SELECT.call(*as_float64(boxes, scores), classes, rule.limits, rule.most, found)
        if count >= 0:
            return Explanation(found[:count], found[n : 2 * n], found[2 * n :].view(FLOAT64))
        if count < -1:
            raise_bad_row(boxes, scores, count)
    by, iou = np.full(n, -1, INT64), np.zeros(n)
    candidates = prepare(boxes, scores, classes, rule)
    met = np.full(len(candidates.order), -1, np.int32)
    keep = pick(candidates.order, decide(candidates, rule, plan, met), candidates.places, rule.most)
    if len(keep) == rule.most:  # the loop ended there and never met those behind
        last = int(np.flatnonzero(candidates.order == keep[-1])[0]) if rule.most else 0
        met[(candidates.places if len(classes) else np.arange(len(met))) > last] = -1
    tell(*candidates.scene, met, candidates.grouped, by, iou)
    return Explanation(keep, by, iou)


def _of_valid_rows(boxes: Array, scores: Array, labels: I8, rule: Rule, plan: Plan) -> Explanation:
    """An explanation of the rows that fulfil the contract, in the numbers of all."""
    good = valid(boxes, scores)
    classes = labels[good] if len(labels) else None
    found = suppress_and_explain(boxes[good], scores[good], classes, rule._replace(drop=False), plan)
    by, iou = np.full(len(scores), -1, INT64), np.zeros(len(scores))
    by[good] = np.where(found.suppressed_by >= 0, good[found.suppressed_by], -1)
    iou[good] = found.iou
    return Explanation(good[found.keep], by, iou)
