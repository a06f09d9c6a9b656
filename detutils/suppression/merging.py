"""Detections of one object made one, as suppression groups them: their union, or their weighted mean."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils import _validate as check
from detutils._jit import B1, F8, I8
from detutils._kernels.limits import LIMIT
from detutils.suppression._kernels import merging as kernels
from detutils.suppression.explain import suppress_and_explain
from detutils.suppression.plan import IOU, PLAN, RAISE, Metric, Rule, as_canonical_pair, as_rule

_METHODS: tuple[Literal["union", "weighted"], ...] = ("union", "weighted")
_BY_AREA = PLAN._replace(busy=40)  # over one area boxes reach far in a grid: a list is quicker for longer


class MergedBoxes(NamedTuple):
    """What ``merge_boxes`` makes of overlapping boxes.

    Attributes
    ----------
    boxes : (K, 4) float64 ndarray
        x1, y1, x2, y2 of the merged boxes, by decreasing score.
    scores : (K,) float64 ndarray
        The best score of each group.
    labels : (K,) int64 ndarray
        Their classes; 0 where none were given.
    keep : (K,) int64 ndarray
        The row of the best box of each group: what ``nms`` keeps.
    groups : (N,) int64 ndarray
        For each row the merged box that it is part of; -1 where it took no part.
    payload : (K, ...) float64 ndarray or None
        What was to be merged with the boxes.

    Examples
    --------
    >>> import detutils
    >>> merged = detutils.merge_boxes([[0, 0, 10, 10], [40, 0, 50, 10], [1, 0, 11, 10]], [0.9, 0.8, 0.7])
    >>> merged.groups
    array([0, 1, 0])
    """

    boxes: F8
    scores: F8
    labels: I8
    keep: I8
    groups: I8
    payload: F8 | None = None


def merge_boxes(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    labels: npt.ArrayLike | None = None,
    iou_threshold: float = 0.5,
    *,
    metric: Metric = IOU,
    method: Literal["union", "weighted"] = "union",
    payload: npt.ArrayLike | None = None,
    score_threshold: float | None = None,
    max_candidates: int | None = None,
    max_output: int | None = None,
    offset: int = 0,
    on_invalid: Literal["raise", "drop"] = RAISE,
) -> MergedBoxes:
    """Merge each box that NMS keeps with those that it suppresses, instead of dropping them.

    Greedy: the best box left and all boxes left that overlap it by more than ``iou_threshold`` are one group, and so
    on. Groups are found with the boxes as they came: a merged box takes nothing more in.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    scores : (N,) array_like
        Any finite numbers; higher is better. As weights (``"weighted"``) from 0 to 1e150.
    labels : (N,) array_like of int, optional
        Only boxes of one label are merged; integers, or floats that are whole numbers.
    iou_threshold : float, default 0.5
        In [0, 1]. A box at exactly this overlap with the best of a group is not part of it.
    metric : {"iou", "ios", "ioa"}, default "iou"
        The overlap: intersection over union, over the smaller of the two areas, or over the area of the box with the
        lower score. Parts of an object that tiles cut need one of the latter: they lie inside the whole.
    method : {"union", "weighted"}, default "union"
        The merged box: the smallest around its group, or the mean of the group weighted with the scores.
    payload : (N, ...) array_like, optional
        What goes with each box, such as keypoints (N, P, 2), in numbers of at most 1e150: merged into the same weighted
        mean, or with ``"union"`` that of the best box.
    score_threshold : float, optional
        Only boxes with score > ``score_threshold`` take part. The others are not judged: their boxes may be
        anything, but their scores must be numbers.
    max_candidates : int, optional
        Only the best so many of the boxes over the score threshold take part, counted over all classes; of tied
        scores the lower index comes first.
    max_output : int, optional
        Stop after so many groups; boxes that the loop has not met by then take no part.
    offset : {0, 1}, default 0
        1 counts inclusive pixels: width = x2 - x1 + 1.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows that are not finite, not ordered or beyond 1e150, instead of raising.

    Returns
    -------
    merged : MergedBoxes
        ``boxes``, ``scores``, ``labels``, ``keep``, ``groups`` and ``payload``; groups by decreasing best score,
        equal ones by lower row. A group of one has its box as it is, and so has one whose weights are all 0. Empty
        input gives empty arrays.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or ``labels`` are not integers.
    ValueError
        If a shape is wrong, a row breaks the contract (the text names the first), a weight is negative or beyond
        1e150, or an option is out of range.

    See Also
    --------
    explain_nms : Who suppressed whom. weighted_boxes_fusion : Fuses the boxes of several models.

    Notes
    -----
    ``explain_nms`` and one pass over the rows; about 100 bytes a box. Means are summed in the order of the rows.

    ``"weighted"`` is the weighted NMS of BlazeFace: detections that overlap the best one become their score-weighted
    mean, box and keypoints, with the score of the best. ``"union"`` with ``metric="ios"`` is the greedy merging of sahi
    up to three differences: sahi merges at exactly the threshold, orders equal scores by coordinates, and asks once
    more whether the box that has grown so far overlaps the next of its group enough, which drops boxes that no longer
    do. Its not greedy kind (NMM), where a neighbor's neighbor joins, is not offered.

    References
    ----------
    V. Bazarevsky et al., "BlazeFace: sub-millisecond neural face detection on mobile GPUs", 2019, post-processing;
    F. C. Akyon, S. O. Altinuc, A. Temizel, "Slicing aided hyper inference and fine-tuning for small object detection",
    ICIP 2022.

    Examples
    --------
    Two tiles saw the parts of one object:

    >>> import detutils
    >>> boxes = [[0, 0, 60, 20], [50, 0, 90, 20], [45, 0, 64, 20]]
    >>> merged = detutils.merge_boxes(boxes, [0.9, 0.8, 0.7], iou_threshold=0.6, metric="ios")
    >>> merged.boxes
    array([[ 0.,  0., 64., 20.],
           [50.,  0., 90., 20.]])

    Keypoints in the mean of their boxes:

    >>> boxes, points = [[0, 0, 10, 10], [0, 0, 10, 12]], [[[5, 5]], [[5, 6]]]
    >>> merged = detutils.merge_boxes(boxes, [0.75, 0.25], method="weighted", payload=points)
    >>> merged.boxes, merged.payload
    (array([[ 0. ,  0. , 10. , 10.5]]), array([[[5.  , 5.25]]]))
    """
    rule = Rule(*as_rule(iou_threshold, score_threshold, max_output, offset, on_invalid, metric, max_candidates))
    weighted = check.as_choice(method, "method", _METHODS) == "weighted"
    boxes, scores = as_canonical_pair(boxes, scores)
    n = len(scores)
    classes = None if labels is None else check.as_labels(labels, "labels", n)
    extra = None if payload is None else _as_payload(payload, n)
    judged = scores
    if rule.drop and extra is not None:  # a row whose payload is not finite drops out like one without a score
        judged = np.where(_fine(extra), scores, np.nan).astype(scores.dtype)
    found = suppress_and_explain(boxes, judged, classes, rule, PLAN if rule.limits[3] < 0.0 else _BY_AREA)
    keep, groups = found.keep, np.empty(n, check.INT64)
    kernels.number(keep, found.suppressed_by, groups)
    rows, marks = boxes.astype(check.FLOAT64, copy=False), scores.astype(check.FLOAT64, copy=False)
    if extra is not None:
        _check_payload(extra, groups)
    if weighted:
        check.as_votes(np.where(groups >= 0, marks, 0.0), "scores")
        merged = _means(rows, marks, keep, groups)
        extra = None if extra is None else _means(extra, marks, keep, groups)
    else:
        merged = np.empty((len(keep), 4))
        kernels.union(rows, keep, groups, merged)
        extra = None if extra is None else extra[keep]
    names = np.zeros(len(keep), check.INT64) if classes is None else classes[keep]
    return MergedBoxes(merged, marks[keep], names, keep, groups, extra)


def _as_payload(payload: Any, n: int) -> F8:
    values = check.as_floats(payload, "payload", False)
    if values.ndim == 0 or values.shape[0] != n:
        raise ValueError(f"payload must have shape ({n}, ...), got {values.shape}")
    return values


def _fine(payload: F8) -> B1:
    """Which rows can be summed."""
    fine: B1 = np.all((np.abs(payload) <= LIMIT).reshape(len(payload), math.prod(payload.shape[1:])), axis=1)
    return fine


def _check_payload(payload: F8, groups: I8) -> None:
    bad = np.flatnonzero((groups >= 0) & ~_fine(payload))
    if bad.size:
        text = np.array2string(payload[bad[0]], threshold=8, precision=6)
        raise ValueError(f"payload[{bad[0]}] is not finite or beyond {LIMIT:g}: {text}")


def _means(values: F8, weights: F8, keep: I8, groups: I8) -> F8:
    """The weighted mean of each group."""
    shape = (len(keep), *values.shape[1:])
    means = np.empty((len(keep), math.prod(shape[1:])))
    kernels.mean(values.reshape(len(values), means.shape[1]), weights, keep, groups, np.zeros((len(keep), 2)), means)
    return means.reshape(shape)
