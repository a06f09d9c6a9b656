"""Which score to ask for: precision, recall and F1 against the threshold, class by class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import B1, F8, I8
from detutils._validate import as_number, as_threshold
from detutils.evaluation.errors import RIGHT, judged
from detutils.evaluation.inputs import gather_detections, gather_objects
from detutils.evaluation.rotated_rows import as_optional_angle
from detutils.geometry.rotated import Angle


class ThresholdCurve(NamedTuple):
    """Precision, recall and F1 of the detections above each score; one row a distinct score, falling.

    Attributes
    ----------
    thresholds : (K,) float64 ndarray
        Detections with score > ``thresholds[k]`` have the other numbers of row k: it is the next lower score that
        occurs, below the last the next number of float64.
    precision, recall, f1 : (K,) float64 ndarray
        In [0, 1]; recall and F1 are NaN without objects.

    Examples
    --------
    >>> import detutils
    >>> best = detutils.best_threshold([([[0, 0, 9, 9]], [0.8], [0])], [([[0, 0, 9, 9]], [0])])
    >>> best.curves[0].f1
    array([1.])
    """

    thresholds: F8
    precision: F8
    recall: F8
    f1: F8


class BestThreshold(NamedTuple):
    """The thresholds that maximize F1.

    Attributes
    ----------
    threshold : float
        One for all classes: it maximizes the F1 of all detections taken together. NaN where nothing is right.
    f1 : float
        That F1; 0 where nothing is right, NaN without objects.
    labels : (C,) int64 ndarray
        The classes of objects and detections, ascending.
    class_threshold, class_f1, class_precision, class_recall : (C,) float64 ndarray
        The threshold of each class on its own, and the numbers there.
    curve : ThresholdCurve
        All classes together.
    curves : tuple of ThresholdCurve
        Class by class.

    Examples
    --------
    >>> import detutils
    >>> found = [([[0, 0, 9, 9], [50, 50, 60, 60]], [0.8, 0.3], [0, 0])]
    >>> detutils.best_threshold(found, [([[0, 0, 9, 9]], [0])]).threshold
    0.3
    """

    threshold: float
    f1: float
    labels: I8
    class_threshold: F8
    class_f1: F8
    class_precision: F8
    class_recall: F8
    curve: ThresholdCurve
    curves: tuple[ThresholdCurve, ...]


def best_threshold(
    detections: Iterable[Any],
    ground_truth: Iterable[Any],
    *,
    iou_threshold: float = 0.5,
    beta: float = 1.0,
    angle: Angle | None = None,
) -> BestThreshold:
    """Find the score thresholds at which precision and recall balance best.

    Parameters
    ----------
    detections : sequence, one entry an image
        As for ``evaluate_coco``: boxes x1, y1, x2, y2 in pixels, scores and labels.
    ground_truth : Dataset, or sequence, one entry an image
        As for ``evaluate_coco``: boxes, labels and, where there are any, crowd and difficult.
    iou_threshold : float, default 0.5
        In [0, 1]. A detection of this IoU with a free object of its class is right.
    beta : float, default 1
        How many times recall weighs as much as precision, above 0: F-beta takes the place of F1.
    angle : {None, "ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default None
        Where given, boxes are rotated: as for ``evaluate_coco``.

    Returns
    -------
    best : BestThreshold
        To be used as ``score_threshold``: only scores above it are kept.

    Raises
    ------
    TypeError
        If an argument is not of these kinds.
    ValueError
        If there are not as many entries in both, an array breaks its contract (the text names the image), or an
        option is out of range.

    See Also
    --------
    precision_recall_curve : The same against recall.
    confusion_matrix : What is left at a threshold.

    Notes
    -----
    Detections of an image take, by falling score (ties: the first), the free object of their class that they overlap
    most. A lower threshold does not change what the detections above it take, so one pass gives all thresholds. Those
    on difficult objects and in crowds count neither way. Detections of one score come and go together; of equal F1 the
    higher threshold is taken. O(D log D + sum over images of D M).

    References
    ----------
    C. J. van Rijsbergen, Information Retrieval, 1979, chapter 7 (F-measure).

    Examples
    --------
    >>> import detutils
    >>> objects = [([[0, 0, 10, 10], [20, 20, 30, 30]], [0, 0])]
    >>> found = [([[0, 0, 10, 9], [20, 20, 30, 30], [50, 50, 60, 60]], [0.9, 0.6, 0.4], [0, 0, 0])]
    >>> best = detutils.best_threshold(found, objects)
    >>> best.threshold, best.f1
    (0.4, 1.0)
    """
    enough = as_threshold(iou_threshold)
    weight = as_number(beta, "beta", 1e-6, 1e6)
    turned = as_optional_angle(angle)
    truth = gather_objects(ground_truth, angle=turned)
    found = gather_detections(detections, truth.starts.size - 1, angle=turned)
    every = judged(found, truth, enough, min(0.1, enough), None)
    counted = ~every.ignored
    rows, right = every.rows[counted], every.kinds[counted] == RIGHT
    labels = np.unique(np.concatenate([found.labels, truth.labels]))
    asked = truth.labels[~(truth.crowd | truth.difficult)]
    together = _curve(found.scores[rows], right, asked.size, weight)
    curves = []
    for label in labels:
        mine = found.labels[rows] == label
        curves.append(_curve(found.scores[rows[mine]], right[mine], int((asked == label).sum()), weight))
    threshold, value, _, _ = _best(together, asked.size)
    best = np.array([_best(c, int((asked == label).sum())) for c, label in zip(curves, labels, strict=True)])
    best = best.reshape(labels.size, 4)
    return BestThreshold(
        threshold, value, labels, best[:, 0].copy(), best[:, 1].copy(), best[:, 2].copy(), best[:, 3].copy(),
        together, tuple(curves),
    )  # fmt: skip


def _curve(scores: F8, right: B1, positives: int, beta: float) -> ThresholdCurve:
    order = np.argsort(-scores, kind="stable")
    values, hits = scores[order], np.cumsum(right[order])
    ends = np.flatnonzero(np.append(np.diff(values) < 0.0, np.ones(min(values.size, 1), np.bool_)))
    hits, kept = hits[ends], ends + 1.0
    precision = hits / kept
    if positives == 0:
        recall = f1 = np.full(ends.size, np.nan)
    else:
        recall = hits / positives
        f1 = (1 + beta * beta) * hits / (kept + beta * beta * positives)
    below = np.append(values[ends[1:]], np.nextafter(values[-1:], -np.inf))
    return ThresholdCurve(below, precision, recall, f1)


def _best(curve: ThresholdCurve, positives: int) -> tuple[float, float, float, float]:
    """Threshold, F1, precision and recall where F1 is largest."""
    if positives == 0 or not (curve.f1 > 0.0).any():
        nothing = 0.0 if positives else float("nan")
        return float("nan"), nothing, float("nan"), nothing
    k = int(np.argmax(curve.f1))
    return float(curve.thresholds[k]), float(curve.f1[k]), float(curve.precision[k]), float(curve.recall[k])
