"""Suppression of rotated boxes: greedy, class-aware, explained and soft."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from detutils._jit import B1, F8, I4, I8, Direct
from detutils._validate import (
    INT64,
    OnInvalid,
    as_choice,
    as_dropping,
    as_integer,
    as_labels,
    as_number,
    as_threshold,
    as_vector,
)
from detutils.geometry.rotated import (
    CCW_DEG,
    Angle,
    as_angle,
    as_rotated_rows,
    prepared,
    raise_bad_rotated,
    valid_rotated,
)
from detutils.geometry.rotated_overlaps import MEASURES, aligned_measure
from detutils.suppression._kernels.order import group_by_label, pick, rank_float64
from detutils.suppression._kernels.rotated import admit, soften, suppress, suppress_few
from detutils.suppression.explain import Explanation
from detutils.suppression.plan import ALL, IOU, METRICS, RAISE, Metric

SOME = 150  # boxes up to which one kernel does everything, by comparison with all kept ones; not tuned
_NO_PLACES, _NO_LABELS = np.empty(0, np.int32), np.empty(0, INT64)
_FEW = Direct(suppress_few)


class _Rule(NamedTuple):
    """The checked options of a call."""

    angle: tuple[bool, bool]
    kind: int
    threshold: float
    floor: float
    most: int
    candidates: int
    drop: bool


class _Decisions(NamedTuple):
    """Of the rows that take part, by decreasing score: their places in that order by class, the rows there, the
    prepared boxes there, which are kept, and the place of what suppressed each, or -1; and how many rows there are."""

    order: I4
    places: I4
    grouped: I4
    boxes: F8
    kept: B1
    by: I8
    rows: int


def _as_rule(
    angle: Any, metric: Any, iou_threshold: Any, score_threshold: Any, max_output: Any, max_candidates: Any,
    on_invalid: Any,
) -> _Rule:  # fmt: skip
    return _Rule(
        as_angle(angle),
        MEASURES[as_choice(metric, "metric", METRICS)],
        as_threshold(iou_threshold),
        -math.inf if score_threshold is None else as_number(score_threshold, "score_threshold"),
        ALL if max_output is None else as_integer(max_output, "max_output", 0, ALL),
        ALL if max_candidates is None else as_integer(max_candidates, "max_candidates", 0, ALL),
        as_dropping(on_invalid),
    )


def _raise_bad_row(rows: F8, marks: F8, code: int) -> NoReturn:
    row, is_score = divmod(-2 - code, 2)
    if is_score:
        raise ValueError(f"scores[{row}] is not finite: {marks[row]}")
    raise_bad_rotated(rows, row)


def _decide(boxes: Any, scores: Any, labels: Any, rule: _Rule, every: bool = False) -> _Decisions:
    rows = as_rotated_rows(boxes)
    marks: F8 = as_vector(scores, "scores", len(rows), finite=False)
    classes = None if labels is None else as_labels(labels, "labels", len(rows))
    if rule.drop:
        good = np.flatnonzero(valid_rotated(rows) & np.isfinite(marks)).astype(np.int32)
        order = good[marks[good] > rule.floor]
    else:
        order, code = admit(rows, marks, rule.floor)
        if code < -1:
            _raise_bad_row(rows, marks, code)
    order = rank_float64(marks, order)[: rule.candidates]
    places, grouped, starts = _NO_PLACES, order, np.array([0, len(order)])
    if classes is not None:
        places, grouped, starts = group_by_label(classes, order)
    found = prepared(rows[grouped], *rule.angle)
    kept, by = np.zeros(len(order), np.bool_), np.full(len(order), -1, INT64)
    suppress(rule.kind, rule.threshold, found, starts, rule.most, every, kept, by)
    return _Decisions(order, places, grouped, found, kept, by, len(rows))


def _keep(boxes: Any, scores: Any, labels: Any, rule: _Rule) -> I8:
    rows = as_rotated_rows(boxes)
    n = len(rows)
    if n <= min(SOME, rule.candidates) and not rule.drop:
        marks: F8 = as_vector(scores, "scores", n, finite=False)
        classes = _NO_LABELS if labels is None else as_labels(labels, "labels", n)
        degrees, clockwise = rule.angle
        keep = np.empty(n, INT64)
        mode = 4 * rule.kind + 2 * degrees + clockwise
        count = _FEW.call(rows, marks, classes, mode, rule.threshold, rule.floor, rule.most, keep)
        if count < 0:
            _raise_bad_row(rows, marks, count)
        return keep[:count]
    found = _decide(boxes, scores, labels, rule)
    return pick(found.order, found.kept, found.places, rule.most)


def rotated_nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    iou_threshold: float = 0.5,
    *,
    angle: Angle = CCW_DEG,
    metric: Metric = IOU,
    score_threshold: float | None = None,
    max_output: int | None = None,
    max_candidates: int | None = None,
    on_invalid: OnInvalid = RAISE,
) -> I8:
    """Greedy non-maximum suppression of rotated boxes.

    Those stay that no better kept box overlaps by more than the threshold.

    Parameters
    ----------
    boxes : (N, 5) array_like
        cx, cy, w, h in pixels and the angle.
    scores : (N,) array_like
        Any finite numbers; higher is better.
    iou_threshold : float, default 0.5
        In [0, 1]. A box at exactly this overlap with a kept box stays.
    angle : {"ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default "ccw-deg"
        Unit and sense of the angle: see ``rotated_box_convert``.
    metric : {"iou", "ios", "ioa"}, default "iou"
        What is compared with the threshold: the area of the intersection over that of the union, over the smaller of
        the two areas, or over the area of the box with the lower score.
    score_threshold : float, optional
        Only boxes with score > ``score_threshold`` take part. The others are not judged: their boxes may be
        anything, but their scores must be numbers.
    max_output : int, optional
        Stop after so many kept boxes.
    max_candidates : int, optional
        Only so many boxes of the highest scores take part; of tied ones those of lower index.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows that are not finite, have a negative side or lie beyond 1e150, instead of raising.

    Returns
    -------
    keep : (K,) int64 ndarray
        Indices of the kept boxes by decreasing score; of tied scores the lower index comes first, and wins. Empty
        input gives an empty result.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, a row breaks the contract (the text names the first), or an option is out of range.

    Notes
    -----
    Equal to the textbook loop over ``rotated_box_iou``. Kept boxes lie in cells by place and size, so that a candidate
    is measured only with those in reach whose upright hulls share enough: time grows about linearly with N, memory is
    about 250 bytes a box, and there is no matrix. Boxes without area neither suppress nor are suppressed. No
    coordinates are shifted.

    References
    ----------
    J. Ma et al., "Arbitrary-oriented scene text detection via rotation proposals", IEEE Transactions on Multimedia,
    2018, section III-E.

    Examples
    --------
    >>> import detutils
    >>> boxes = [[50, 50, 40, 20, 30], [50, 50, 40, 20, 35], [50, 50, 40, 20, 120]]
    >>> detutils.rotated_nms(boxes, [0.8, 0.9, 0.7])
    array([1, 2])
    """
    rule = _as_rule(angle, metric, iou_threshold, score_threshold, max_output, max_candidates, on_invalid)
    return _keep(boxes, scores, None, rule)


def batched_rotated_nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    iou_threshold: float = 0.5,
    *,
    angle: Angle = CCW_DEG,
    metric: Metric = IOU,
    score_threshold: float | None = None,
    max_output: int | None = None,
    max_candidates: int | None = None,
    on_invalid: OnInvalid = RAISE,
) -> I8:
    """``rotated_nms`` within each class: only boxes of one label suppress each other.

    Parameters
    ----------
    boxes : (N, 5) array_like
        cx, cy, w, h in pixels and the angle.
    scores : (N,) array_like
        Any finite numbers; higher is better.
    labels : (N,) array_like of int
        The class of each box: any integers, or floats that are whole numbers.
    iou_threshold : float, default 0.5
        In [0, 1]. A box at exactly this overlap with a kept box of its class stays.
    angle : {"ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default "ccw-deg"
        Unit and sense of the angle: see ``rotated_box_convert``.
    metric : {"iou", "ios", "ioa"}, default "iou"
        What is compared with the threshold: the area of the intersection over that of the union, over the smaller of
        the two areas, or over the area of the box with the lower score.
    score_threshold : float, optional
        Only boxes with score > ``score_threshold`` take part. The others are not judged: their boxes may be
        anything, but their scores must be numbers.
    max_output : int, optional
        At most so many boxes, the best of all classes.
    max_candidates : int, optional
        Only so many boxes of the highest scores take part, of all classes; of tied ones those of lower index.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows that are not finite, have a negative side or lie beyond 1e150, instead of raising.

    Returns
    -------
    keep : (K,) int64 ndarray
        Indices of the kept boxes by decreasing score over all classes; ties by index. Empty input gives an empty
        result.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or ``labels`` are not integers.
    ValueError
        If a shape is wrong, a row breaks the contract (the text names the first), or an option is out of range.

    Notes
    -----
    Labels are compared, coordinates are never shifted. Time and memory are those of ``rotated_nms``.

    References
    ----------
    J. Ma et al., "Arbitrary-oriented scene text detection via rotation proposals", IEEE Transactions on Multimedia,
    2018, section III-E.

    Examples
    --------
    >>> import detutils
    >>> boxes = [[50, 50, 40, 20, 30], [50, 50, 40, 20, 35], [50, 50, 40, 20, 31]]
    >>> detutils.batched_rotated_nms(boxes, [0.8, 0.9, 0.7], [0, 0, 1])
    array([1, 2])
    """
    rule = _as_rule(angle, metric, iou_threshold, score_threshold, max_output, max_candidates, on_invalid)
    return _keep(boxes, scores, labels if labels is not None else as_labels(labels), rule)


def explain_rotated_nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    iou_threshold: float = 0.5,
    *,
    labels: npt.ArrayLike | None = None,
    angle: Angle = CCW_DEG,
    metric: Metric = IOU,
    score_threshold: float | None = None,
    max_output: int | None = None,
    max_candidates: int | None = None,
    on_invalid: OnInvalid = RAISE,
) -> Explanation:
    """``rotated_nms`` (``batched_rotated_nms`` with ``labels``), and for each dropped box which kept box suppressed it.

    Parameters
    ----------
    boxes : (N, 5) array_like
        cx, cy, w, h in pixels and the angle.
    scores : (N,) array_like
        Any finite numbers; higher is better.
    iou_threshold : float, default 0.5
        In [0, 1]. A box at exactly this overlap with a kept box stays.
    labels : (N,) array_like of int, optional
        Only boxes of one label suppress each other; integers, or floats that are whole numbers.
    angle : {"ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default "ccw-deg"
        Unit and sense of the angle: see ``rotated_box_convert``.
    metric : {"iou", "ios", "ioa"}, default "iou"
        What is compared with the threshold: the area of the intersection over that of the union, over the smaller of
        the two areas, or over the area of the box with the lower score.
    score_threshold : float, optional
        Only boxes with score > ``score_threshold`` take part. The others are not judged: their boxes may be
        anything, but their scores must be numbers.
    max_output : int, optional
        Stop after so many kept boxes.
    max_candidates : int, optional
        Only so many boxes of the highest scores take part; of tied ones those of lower index.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows that are not finite, have a negative side or lie beyond 1e150, instead of raising; they
        have no suppressor.

    Returns
    -------
    explanation : Explanation
        ``keep`` as from ``rotated_nms``; ``suppressed_by`` (N,) int64 and ``iou`` (N,) float64, which holds the overlap
        by ``metric``. The suppressor is the best kept box over the threshold, the first that the greedy loop meets.
        Boxes that do not take part, and those that came after ``max_output`` was reached, have none (-1, overlap 0),
        like the kept ones. Empty input gives empty arrays.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or ``labels`` are not integers.
    ValueError
        If a shape is wrong, a row breaks the contract (the text names the first), or an option is out of range.

    Notes
    -----
    Every kept box in reach of a suppressed one is measured, which takes two to three times the time of
    ``rotated_nms``.

    References
    ----------
    J. Ma et al., "Arbitrary-oriented scene text detection via rotation proposals", IEEE Transactions on Multimedia,
    2018, section III-E.

    Examples
    --------
    >>> import detutils
    >>> found = detutils.explain_rotated_nms([[0, 0, 4, 2, 0], [0, 0, 2, 4, 90], [9, 9, 1, 1, 0]], [0.9, 0.8, 0.7])
    >>> found.keep, found.suppressed_by, found.iou
    (array([0, 2]), array([-1,  0, -1]), array([0., 1., 0.]))
    """
    rule = _as_rule(angle, metric, iou_threshold, score_threshold, max_output, max_candidates, on_invalid)
    found = _decide(boxes, scores, labels, rule, every=True)
    keep = pick(found.order, found.kept, found.places, rule.most)
    by, overlaps = np.full(found.rows, -1, INT64), np.zeros(found.rows)
    met = found.by >= 0
    if len(keep) == rule.most:  # the loop ended there and never met those behind
        last = int(np.flatnonzero(found.order == keep[-1])[0]) if rule.most else -1
        met &= (found.places if labels is not None else np.arange(len(met))) < last + 1
    weaker = np.flatnonzero(met)
    better = found.by[weaker]
    by[found.grouped[weaker]] = found.grouped[better]
    overlaps[found.grouped[weaker]] = aligned_measure(rule.kind, found.boxes[weaker], found.boxes[better])
    return Explanation(keep, by, overlaps)


def soft_rotated_nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    angle: Angle = CCW_DEG,
    method: Literal["gaussian", "linear"] = "gaussian",
    sigma: float = 0.5,
    iou_threshold: float = 0.3,
    score_threshold: float = 0.001,
    labels: npt.ArrayLike | None = None,
    max_output: int | None = None,
) -> tuple[I8, F8]:
    """``soft_nms`` of rotated boxes: lower the scores of those that overlap better ones, instead of dropping them.

    Parameters
    ----------
    boxes : (N, 5) array_like
        cx, cy, w, h in pixels and the angle.
    scores : (N,) array_like
        The higher the better.
    angle : {"ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default "ccw-deg"
        Unit and sense of the angle: see ``rotated_box_convert``.
    method : {"gaussian", "linear"}
        The factor: exp(-IoU^2 / sigma), or 1 - IoU where IoU > ``iou_threshold``.
    sigma : float
        Width of the gaussian, greater than 0: the smaller, the more scores fall. Not used by ``"linear"``.
    iou_threshold : float
        In [0, 1]. A pair at exactly the threshold is left alone. Not used by ``"gaussian"``.
    score_threshold : float
        At least 0. A box takes part as long as its score is greater.
    labels : (N,) array_like of int, optional
        Classes: boxes of different classes leave each other alone.
    max_output : int, optional
        Stop after so many boxes.

    Returns
    -------
    keep : (K,) int64 ndarray
        Indices of the kept boxes by decreasing new score; equal scores by lower index first. Shape (0,) for no boxes.
    new_scores : (K,) float64 ndarray
        The scores with which they were kept, each greater than ``score_threshold``.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, ``labels`` are not integers, or an option has the wrong type.
    ValueError
        If ``boxes`` is not (N, 5), the lengths differ, a row breaks the contract, or an option is out of its range.

    See Also
    --------
    rotated_nms : Drops the boxes.

    Notes
    -----
    The plain loop, N K comparisons of upright hulls; only pairs whose hulls meet are measured. Memory is linear in N.

    References
    ----------
    N. Bodla, B. Singh, R. Chellappa, L. Davis, "Soft-NMS: improving object detection with one line of code", ICCV
    2017, figure 2 and equations 2 and 3.

    Examples
    --------
    >>> import detutils
    >>> keep, scores = detutils.soft_rotated_nms([[0, 0, 4, 2, 0], [0, 0, 4, 2, 90], [9, 9, 1, 1, 0]], [0.9, 0.8, 0.7])
    >>> keep, scores.round(3)
    (array([0, 2, 1]), array([0.9  , 0.7  , 0.641]))
    """
    rows = as_rotated_rows(boxes)
    marks: F8 = as_vector(scores, "scores", len(rows))
    found = prepared(rows, *as_angle(angle))
    gaussian = as_choice(method, "method", ("gaussian", "linear")) == "gaussian"
    width = as_number(sigma, "sigma", above=0.0)
    threshold = as_threshold(iou_threshold)
    floor = as_number(score_threshold, "score_threshold", 0.0)
    most = len(rows) if max_output is None else min(len(rows), as_integer(max_output, "max_output", 0))
    classes = np.zeros(len(rows), INT64) if labels is None else as_labels(labels, "labels", len(rows))
    keep, new_scores = np.empty(most, INT64), np.empty(most)
    rule = np.array([float(gaussian), width, floor])
    count = soften(MEASURES["iou"], threshold, found, marks, classes, rule, keep, new_scores)
    return keep[:count], new_scores[:count]
