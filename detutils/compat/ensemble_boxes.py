"""ensemble_boxes' fusion and suppression of the boxes of several models, normalized to 0 ... 1.

Change the import line::

    from ensemble_boxes import weighted_boxes_fusion, nms, soft_nms, non_maximum_weighted
    from detutils.compat.ensemble_boxes import weighted_boxes_fusion, nms, soft_nms, non_maximum_weighted

As in the original (1.0.9), corners in the wrong order are exchanged, coordinates are clipped to 0 ... 1 and boxes
without area are left out, each with a warning; a score equal to ``skip_box_thr`` takes part; ``soft_nms`` returns the
scores that came in, not the lowered ones; results go by score in the fusions and by label, then score, in the
suppressions. What differs::

    original                                here                                    why
    means and scores of clusters in         float64                                 the original's digits end after
    float32                                                                         the seventh
    scores that are tied, in input and      the last box first; in soft_nms the     the original's sort is not stable:
    result (not non_maximum_weighted)       lowest index                            its choice is the machine's
    a weight too many or too few: a line    ValueError                              no silent wrong number
    of print, then all weights 1
    lengths that differ, an unknown         ValueError                              an import must not end a program
    conf_type: the program exits
    labels that are not whole numbers are   TypeError                               1.9 is not class 1
    cut (fusions)
    no boxes at all (suppressions) fail     empty arrays
    warnings are printed (suppressions)     warnings of the warnings module
    ``scores`` is written into where        it is left alone                        arguments stay as they are
    weights are given (suppressions)
    a box of score 0 among such only: NaN   their mean                              no NaN in results
    NaN, negative weights: some answer      ValueError with the row                 no silent wrong answer
    method of nms_method other than 1 ... 3 ValueError

``weighted_boxes_fusion_1d`` and ``weighted_boxes_fusion_3d`` say that they are not offered.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt

from detutils import _validate as check
from detutils._jit import F8, I8
from detutils._validate import FLOAT32, FLOAT64, INT64, NDARRAY, Array
from detutils.compat.tensors import as_array
from detutils.geometry.overlaps import box_iou
from detutils.suppression import fusion
from detutils.suppression.greedy import batched_nms

__all__ = [
    "nms",
    "nms_method",
    "non_maximum_weighted",
    "soft_nms",
    "weighted_boxes_fusion",
    "weighted_boxes_fusion_1d",
    "weighted_boxes_fusion_3d",
]

Confidence = Literal["avg", "max", "box_and_model_avg", "absent_model_aware_avg"]
_CONFIDENCES: tuple[Confidence, ...] = ("avg", "max", "box_and_model_avg", "absent_model_aware_avg")
_LEAST = 5e-324  # a score of 0 takes part here, with a weight that changes no mean
_NOTHING = 1e-300  # a score below it came from there
_BLOCK = 1 << 21  # overlaps at a time


def weighted_boxes_fusion(
    boxes_list: Sequence[npt.ArrayLike],
    scores_list: Sequence[npt.ArrayLike],
    labels_list: Sequence[npt.ArrayLike],
    weights: npt.ArrayLike | None = None,
    iou_thr: float = 0.55,
    skip_box_thr: float = 0.0,
    conf_type: Confidence = "avg",
    allows_overflow: bool = False,
) -> tuple[F8, F8, F8]:
    """Fuse the boxes of several models: overlapping boxes of a class become their score-weighted mean.

    Parameters
    ----------
    boxes_list : sequence of M (N_i, 4) array_like
        One list a model: x1, y1, x2, y2, normalized to 0 ... 1.
    scores_list : sequence of M (N_i,) array_like
        At least 0.
    labels_list : sequence of M (N_i,) array_like
        Classes, whole numbers.
    weights : (M,) array_like, optional
        How far each model is trusted, greater than 0.
    iou_thr : float, default 0.55
        In [0, 1]. A box at exactly this IoU with a cluster does not join it.
    skip_box_thr : float, default 0.0
        At least 0. Boxes with a lower score are left out.
    conf_type : {"avg", "max", "box_and_model_avg", "absent_model_aware_avg"}, default "avg"
        The score of a cluster, as in ``detutils.weighted_boxes_fusion``.
    allows_overflow : bool, default False
        With "avg", scores may exceed the best of the cluster.

    Returns
    -------
    boxes : (K, 4) float64 ndarray
        By decreasing score; of equal scores the higher label first. Shape (0, 4) where no box takes part.
    scores : (K,) float64 ndarray
        Their scores.
    labels : (K,) float64 ndarray
        Their classes.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or labels are not whole numbers.
    ValueError
        If there is not one list a model, lengths differ, a number is not finite, a weight is not greater than 0, or an
        option is out of range.

    Warns
    -----
    UserWarning
        Where corners were exchanged, coordinates clipped or boxes without area left out.

    Examples
    --------
    >>> from detutils.compat.ensemble_boxes import weighted_boxes_fusion
    >>> boxes = [[[0.0, 0.0, 0.5, 0.5]], [[0.0, 0.0, 0.5, 0.75]]]
    >>> boxes, scores, labels = weighted_boxes_fusion(boxes, [[0.75], [0.25]], [[1], [1]])
    >>> boxes.tolist(), scores.tolist(), labels.tolist()
    ([[0.0, 0.0, 0.5, 0.5625]], [0.5], [1.0])
    """
    threshold = check.as_threshold(iou_thr, "iou_thr")
    method = check.as_choice(conf_type, "conf_type", _CONFIDENCES)
    overflow = check.as_flag(allows_overflow, "allows_overflow")
    models = _models(boxes_list, scores_list, labels_list)
    trust = _trust(weights, len(models))
    models = _prefiltered(models, skip_box_thr)[::-1]  # turned over, so that of tied scores the last box comes first
    found = fusion.weighted_boxes_fusion(
        [rows[::-1].copy() for rows, _, _ in models],  # what is contiguous is checked in less time
        [np.maximum(marks, _LEAST)[::-1].copy() for _, marks, _ in models],
        [names[::-1].copy() for _, _, names in models],
        weights=trust[::-1], iou_threshold=threshold, method=method, allow_overflow=overflow,
    )  # fmt: skip
    scores = np.where(found.scores < _NOTHING, 0.0, found.scores)
    order = np.argsort(scores, kind="stable")[::-1]
    return found.boxes[order], scores[order], found.labels[order].astype(FLOAT64)


def nms(
    boxes: Sequence[npt.ArrayLike],
    scores: Sequence[npt.ArrayLike],
    labels: Sequence[npt.ArrayLike],
    iou_thr: float = 0.5,
    weights: npt.ArrayLike | None = None,
) -> tuple[Array, Array, Array]:
    """``nms_method`` with method 3: greedy suppression within each label.

    Parameters
    ----------
    boxes : sequence of M (N_i, 4) array_like
        One list a model: x1, y1, x2, y2, normalized to 0 ... 1.
    scores : sequence of M (N_i,) array_like
        Higher is better.
    labels : sequence of M (N_i,) array_like
        Classes, whole numbers.
    iou_thr : float, default 0.5
        In [0, 1]. A box at exactly this IoU stays.
    weights : (M,) array_like, optional
        Scores are multiplied by them and divided by their sum.

    Returns
    -------
    boxes : (K, 4) ndarray
        The boxes that are kept, by label, then by decreasing score.
    scores : (K,) ndarray
        Their scores.
    labels : (K,) ndarray
        Their classes.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or labels are not whole numbers.
    ValueError
        If there is not one list a model, lengths differ, a number is not finite, a weight is not greater than 0, or an
        option is out of range.

    Warns
    -----
    UserWarning
        Where coordinates were clipped or boxes without area left out.

    Examples
    --------
    >>> from detutils.compat.ensemble_boxes import nms
    >>> boxes = [[[0.0, 0.0, 0.5, 0.5]], [[0.0, 0.0, 0.5, 0.75], [0.5, 0.5, 1.0, 1.0]]]
    >>> boxes, scores, labels = nms(boxes, [[0.75], [0.25, 0.5]], [[1], [1, 0]])
    >>> scores.tolist(), labels.tolist()
    ([0.5, 0.75], [0, 1])
    """
    return nms_method(boxes, scores, labels, method=3, iou_thr=iou_thr, weights=weights)


def soft_nms(
    boxes: Sequence[npt.ArrayLike],
    scores: Sequence[npt.ArrayLike],
    labels: Sequence[npt.ArrayLike],
    method: Literal[1, 2, 3] = 2,
    iou_thr: float = 0.5,
    sigma: float = 0.5,
    thresh: float = 0.001,
    weights: npt.ArrayLike | None = None,
) -> tuple[Array, Array, Array]:
    """``nms_method`` with method 2: lowered scores within each label.

    Parameters
    ----------
    boxes : sequence of M (N_i, 4) array_like
        One list a model: x1, y1, x2, y2, normalized to 0 ... 1.
    scores : sequence of M (N_i,) array_like
        Higher is better.
    labels : sequence of M (N_i,) array_like
        Classes, whole numbers.
    method : {1, 2, 3}, default 2
        1 linear, 2 gaussian, 3 ``nms``.
    iou_thr : float, default 0.5
        In [0, 1]. Up to it, method 1 leaves a score alone. Not used by method 2.
    sigma : float, default 0.5
        Width of the gaussian, greater than 0.
    thresh : float, default 0.001
        At least 0. Boxes are kept whose lowered score is greater.
    weights : (M,) array_like, optional
        Scores are multiplied by them and divided by their sum.

    Returns
    -------
    boxes : (K, 4) ndarray
        The boxes that are kept, by label, then by decreasing lowered score.
    scores : (K,) ndarray
        Their scores before they were lowered, as from the original.
    labels : (K,) ndarray
        Their classes.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or labels are not whole numbers.
    ValueError
        If there is not one list a model, lengths differ, a number is not finite, a weight is not greater than 0, or an
        option is out of range.

    Warns
    -----
    UserWarning
        Where coordinates were clipped or boxes without area left out.

    Examples
    --------
    >>> from detutils.compat.ensemble_boxes import soft_nms
    >>> boxes = [[[0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.45], [0.5, 0.5, 1.0, 1.0]]]
    >>> boxes, scores, labels = soft_nms(boxes, [[0.9, 0.8, 0.4]], [[0, 0, 0]])
    >>> scores.tolist()
    [0.9, 0.4, 0.8]
    """
    return nms_method(
        boxes, scores, labels, method=method, iou_thr=iou_thr, sigma=sigma, thresh=thresh, weights=weights
    )


def nms_method(
    boxes: Sequence[npt.ArrayLike],
    scores: Sequence[npt.ArrayLike],
    labels: Sequence[npt.ArrayLike],
    method: Literal[1, 2, 3] = 3,
    iou_thr: float = 0.5,
    sigma: float = 0.5,
    thresh: float = 0.001,
    weights: npt.ArrayLike | None = None,
) -> tuple[Array, Array, Array]:
    """Suppress the boxes of all models within each label.

    Parameters
    ----------
    boxes : sequence of M (N_i, 4) array_like
        One list a model: x1, y1, x2, y2, normalized to 0 ... 1.
    scores : sequence of M (N_i,) array_like
        Higher is better.
    labels : sequence of M (N_i,) array_like
        Classes, whole numbers.
    method : {1, 2, 3}, default 3
        1 linear soft-NMS, 2 gaussian soft-NMS, 3 greedy NMS.
    iou_thr : float, default 0.5
        In [0, 1]. A pair at exactly this IoU is left alone. Not used by method 2.
    sigma : float, default 0.5
        Width of the gaussian, greater than 0.
    thresh : float, default 0.001
        At least 0. Methods 1 and 2 keep boxes whose lowered score is greater.
    weights : (M,) array_like, optional
        Scores are multiplied by them and divided by their sum.

    Returns
    -------
    boxes : (K, 4) ndarray
        The boxes that are kept, by label, then by decreasing (lowered) score; float32 if all inputs are.
    scores : (K,) ndarray
        Their scores before they were lowered, as from the original.
    labels : (K,) ndarray
        Their classes.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or labels are not whole numbers.
    ValueError
        If there is not one list a model, lengths differ, a number is not finite, a weight is not greater than 0, or an
        option is out of range.

    Warns
    -----
    UserWarning
        Where coordinates were clipped or boxes without area left out.

    Examples
    --------
    >>> from detutils.compat.ensemble_boxes import nms_method
    >>> boxes = [[[0.0, 0.0, 0.5, 0.5]], [[0.0, 0.0, 0.5, 0.75]]]
    >>> boxes, scores, labels = nms_method(boxes, [[0.8], [0.4]], [[1], [1]], weights=[1, 3])
    >>> scores.round(6).tolist()
    [0.3]
    """
    way = check.as_integer(method, "method", 1, 3)
    threshold = check.as_threshold(iou_thr, "iou_thr")
    width = check.as_number(sigma, "sigma", above=0.0)
    floor = check.as_number(thresh, "thresh", 0.0)
    joined = _at_once(boxes, scores, labels) if weights is None else None
    if joined is None:
        models = _models(boxes, scores, labels, "boxes", "scores", "labels", keep_float32=True)
        if weights is not None:
            trust = _trust(weights, len(models))
            models = [
                (rows, marks.astype(FLOAT64) * weight / trust.sum(), names)
                for (rows, marks, names), weight in zip(models, trust, strict=True)
            ]
        if not models:
            return np.empty((0, 4)), np.empty(0), np.empty(0)
        every, each, all_names = zip(*models, strict=True)
        joined = np.concatenate(every), np.concatenate(each), np.concatenate(all_names)
    rows, marks, names = _prepared(*joined)
    if way == 3:
        order = np.argsort(marks, kind="stable")[::-1]  # of tied scores the last box comes first
        keep = order.take(batched_nms(rows.take(order, 0), marks.take(order), names.take(order), threshold))
    else:
        keep, _ = fusion.soft_nms(
            rows, marks, method="linear" if way == 1 else "gaussian",
            sigma=width, iou_threshold=threshold, score_threshold=floor, labels=names,
        )  # fmt: skip
    keep = keep.take(names.take(keep).argsort(kind="stable"))
    return rows.take(keep, 0), marks.take(keep), names.take(keep)


def non_maximum_weighted(
    boxes_list: Sequence[npt.ArrayLike],
    scores_list: Sequence[npt.ArrayLike],
    labels_list: Sequence[npt.ArrayLike],
    weights: npt.ArrayLike | None = None,
    iou_thr: float = 0.55,
    skip_box_thr: float = 0.0,
) -> tuple[Array, Array, Array]:
    """Make a mean of each box that NMS keeps and those around it, weighted by score and by IoU with the kept one.

    Parameters
    ----------
    boxes_list : sequence of M (N_i, 4) array_like
        One list a model: x1, y1, x2, y2, normalized to 0 ... 1.
    scores_list : sequence of M (N_i,) array_like
        At least 0.
    labels_list : sequence of M (N_i,) array_like
        Classes, whole numbers.
    weights : (M,) array_like, optional
        Scores are multiplied by them and divided by the largest.
    iou_thr : float, default 0.55
        In [0, 1]. A box joins the kept box that it overlaps most, if by more than this.
    skip_box_thr : float, default 0.0
        At least 0. Boxes with a lower score are left out.

    Returns
    -------
    boxes : (K, 4) float32 ndarray
        By decreasing score. Shape (0, 4), and float64 as from the original, where no box takes part.
    scores : (K,) float32 ndarray
        The weighted scores of the kept boxes.
    labels : (K,) float32 ndarray
        Their classes.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or labels are not whole numbers.
    ValueError
        If there is not one list a model, lengths differ, a number is not finite, a weight is not greater than 0, or an
        option is out of range.

    Warns
    -----
    UserWarning
        Where corners were exchanged, coordinates clipped or boxes without area left out.

    Examples
    --------
    >>> from detutils.compat.ensemble_boxes import non_maximum_weighted
    >>> boxes = [[[0.0, 0.0, 0.5, 0.5]], [[0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.5, 0.25]]]
    >>> boxes, scores, labels = non_maximum_weighted(boxes, [[0.75], [0.5, 0.5]], [[1], [1, 1]], iou_thr=0.4)
    >>> boxes.tolist(), scores.tolist()
    ([[0.0, 0.0, 0.5, 0.550000011920929]], [0.75])
    """
    threshold = check.as_threshold(iou_thr, "iou_thr")
    models = _models(boxes_list, scores_list, labels_list)
    trust = _trust(weights, len(models))
    models = _prefiltered(models, skip_box_thr)
    if not sum(len(marks) for _, marks, _ in models):
        return np.zeros((0, 4)), np.zeros(0), np.zeros(0)
    trust = trust / trust.max()
    rows, _, names = (np.concatenate(parts) for parts in zip(*models, strict=True))
    votes = np.concatenate([marks * weight for (_, marks, _), weight in zip(models, trust, strict=True)])
    labels, first = np.unique(names, return_index=True)
    places = [np.flatnonzero(names == label) for label in labels[np.argsort(first)]]
    order = np.concatenate([mine[votes[mine].argsort()[::-1]] for mine in places])  # the original's, ties and all
    rows, votes, names = rows[order], votes[order], names[order]
    keep = np.sort(batched_nms(rows, votes, names, threshold))
    owners, shares = _joined(rows, names, keep)
    means = np.stack([np.bincount(owners, votes * shares * side, len(keep)) for side in rows.T], axis=1)
    total = np.bincount(owners, votes * shares, len(keep))
    weightless = total == 0.0
    means[weightless] = rows[keep[weightless]]
    means[~weightless] /= total[~weightless, None]
    scores = votes[keep].astype(FLOAT32)
    order = scores.argsort()[::-1]
    return means.astype(FLOAT32)[order], scores[order], names[keep].astype(FLOAT32)[order]


def _joined(rows: F8, names: I8, keep: I8) -> tuple[I8, F8]:
    """The kept box of its class before it that each box overlaps most, and that IoU."""
    owners, shares = np.empty(len(rows), np.int64), np.empty(len(rows))
    for name in np.unique(names):
        mine, kept = np.flatnonzero(names == name), np.flatnonzero(names[keep] == name)
        step = max(1, _BLOCK // len(kept))
        for start in range(0, len(mine), step):
            block = mine[start : start + step]
            overlaps = box_iou(rows[block], rows[keep[kept]])
            overlaps[keep[kept] > block[:, None]] = -1.0  # boxes that were kept later were not there to join
            best = overlaps.argmax(axis=1)
            owners[block], shares[block] = kept[best], overlaps[np.arange(len(block)), best]
    owners[keep], shares[keep] = np.arange(len(keep)), 1.0
    return owners, shares


def weighted_boxes_fusion_1d(*arguments: Any, **options: Any) -> NoReturn:
    """Fusion of intervals: not offered.

    Parameters
    ----------
    *arguments, **options
        As the original takes them.

    Returns
    -------
    never
        See ``weighted_boxes_fusion``.

    Raises
    ------
    NotImplementedError
        Always.

    Examples
    --------
    >>> from detutils.compat.ensemble_boxes import weighted_boxes_fusion_1d
    >>> weighted_boxes_fusion_1d()
    Traceback (most recent call last):
    NotImplementedError: detutils fuses boxes of two dimensions, not of one
    """
    raise NotImplementedError("detutils fuses boxes of two dimensions, not of one")


def weighted_boxes_fusion_3d(*arguments: Any, **options: Any) -> NoReturn:
    """Fusion of boxes in space: not offered.

    Parameters
    ----------
    *arguments, **options
        As the original takes them.

    Returns
    -------
    never
        See ``weighted_boxes_fusion``.

    Raises
    ------
    NotImplementedError
        Always.

    Examples
    --------
    >>> from detutils.compat.ensemble_boxes import weighted_boxes_fusion_3d
    >>> weighted_boxes_fusion_3d()
    Traceback (most recent call last):
    NotImplementedError: detutils fuses boxes of two dimensions, not of three
    """
    raise NotImplementedError("detutils fuses boxes of two dimensions, not of three")


def _models(
    boxes: Any, scores: Any, labels: Any,
    boxes_name: str = "boxes_list", scores_name: str = "scores_list", labels_name: str = "labels_list",
    *, keep_float32: bool = False,
) -> list[tuple[Array, Array, I8]]:  # fmt: skip
    """The arrays of each model, of one length each; corners may come in any order."""
    lists: list[list[Any]] = []
    for value, name in ((boxes, boxes_name), (scores, scores_name), (labels, labels_name)):
        given = as_array(value)
        flat = isinstance(given, (str, bytes)) or (isinstance(given, np.ndarray) and given.ndim == 0)
        if flat or not isinstance(given, (Sequence, np.ndarray)):
            raise TypeError(f"{name} must be a sequence with one list a model, got {type(given).__name__}")
        if lists and len(given) != len(lists[0]):
            raise ValueError(f"{name} must have one list a model, as {boxes_name}: {len(lists[0])}, got {len(given)}")
        lists.append([as_array(item) for item in given])
    models = []
    for i, (rows, marks, names) in enumerate(zip(*lists, strict=True)):
        rows = check.as_floats(rows, f"{boxes_name}[{i}]", keep_float32)
        rows = check.as_matrix(rows, f"{boxes_name}[{i}]", rows.shape[0] if rows.ndim else None, 4, keep_float32=True)
        n = len(rows)
        marks = check.as_vector(marks, f"{scores_name}[{i}]", n, keep_float32=keep_float32)
        models.append((rows, marks, check.as_labels(names, f"{labels_name}[{i}]", n)))
    return models


def _at_once(boxes: Any, scores: Any, labels: Any) -> tuple[Array, Array, I8] | None:
    """The arrays of all models as one of each, checked at once; None where that is for ``_models``."""
    if not (type(boxes) is type(scores) is type(labels) is list and len(boxes) == len(scores) == len(labels) > 0):
        return None
    for rows, marks, names in zip(boxes, scores, labels, strict=True):
        if not (type(rows) is type(marks) is type(names) is NDARRAY and rows.dtype is marks.dtype is FLOAT64):
            return None
        if names.dtype is not INT64 or rows.shape != (len(rows), 4) or not marks.shape == names.shape == (len(rows),):
            return None
    table, values = np.concatenate(boxes), np.concatenate(scores)
    if np.count_nonzero(np.isfinite(table)) < table.size or np.count_nonzero(np.isfinite(values)) < values.size:
        return None
    return table, values, np.concatenate(labels)


def _trust(weights: Any, models: int) -> F8:
    return np.ones(models) if weights is None else check.as_positive(as_array(weights), "weights", models)


def _fine(rows: Array) -> bool:
    """Whether all boxes lie inside the unit square, their corners in order, and have an area."""
    if not rows.size:
        return True
    sides = rows[:, 2:] - rows[:, :2]
    inside = rows.min() >= 0.0 and rows.max() <= 1.0 and sides.min() > 0.0
    return bool(inside and (sides[:, 0] * sides[:, 1]).min() > 0.0)


def _prefiltered(models: list[tuple[Array, Array, I8]], skip_box_thr: Any) -> list[tuple[F8, F8, I8]]:
    """The boxes that take part, in order and inside the unit square, with the original's warnings."""
    least = check.as_number(skip_box_thr, "skip_box_thr", 0.0)
    chosen = [marks >= least for _, marks, _ in models]
    models = [
        (rows, marks, names) if mask.all() else (rows[mask], marks[mask], names[mask])
        for (rows, marks, names), mask in zip(models, chosen, strict=True)
    ]
    if not models or _fine(np.concatenate([rows for rows, _, _ in models])):
        return models
    texts: dict[str, None] = {}
    models = [_mended(*model, texts) for model in models]
    for text in texts:
        warnings.warn(text, stacklevel=3)
    return models


def _mended(rows: Array, marks: Array, names: I8, texts: dict[str, None]) -> tuple[F8, F8, I8]:
    """The boxes of a model that are boxes, and what had to be done to them."""
    mended = rows.copy()
    for low, high, name in ((0, 2, "X"), (1, 3, "Y")):
        turned = mended[:, high] < mended[:, low]
        if turned.any():
            texts[f"{name}2 < {name}1 value in box. Swap them."] = None
            mended[turned, low], mended[turned, high] = mended[turned, high], mended[turned, low]
    for side, name in enumerate(("X1", "Y1", "X2", "Y2")):
        if (mended[:, side] < 0.0).any():
            texts[f"{name} < 0 in box. Set it to 0."] = None
        if (mended[:, side] > 1.0).any():
            texts[f"{name} > 1 in box. Set it to 1. Check that you normalize boxes in [0, 1] range."] = None
    np.clip(mended, 0.0, 1.0, out=mended)
    solid = (mended[:, 2] - mended[:, 0]) * (mended[:, 3] - mended[:, 1]) != 0.0
    if not solid.all():
        texts[f"Zero area box skipped: {rows[~solid][0]}."] = None
    return mended[solid], marks[solid], names[solid]


def _prepared(rows: Array, marks: Array, names: I8) -> tuple[Array, Array, I8]:
    """Boxes inside the unit square, in order, with an area; with the original's warnings."""
    if _fine(rows):
        return rows, marks, names
    below, above = int((rows < 0.0).sum()), int((rows > 1.0).sum())
    if below:
        warnings.warn(f"Fixed {below} boxes coordinates < 0", stacklevel=3)
    if above:
        text = f"Fixed {above} boxes coordinates > 1. Check that your boxes was normalized at [0, 1]"
        warnings.warn(text, stacklevel=3)
    inside = np.clip(rows, 0.0, 1.0)
    inside = np.hstack([np.minimum(inside[:, :2], inside[:, 2:]), np.maximum(inside[:, :2], inside[:, 2:])])
    solid = (inside[:, 2] - inside[:, 0]) * (inside[:, 3] - inside[:, 1]) != 0.0
    if not solid.all():
        warnings.warn(f"Removed {int((~solid).sum())} boxes with zero area!", stacklevel=3)
        inside, marks, names = inside[solid], marks[solid], names[solid]
    return inside, marks, names
