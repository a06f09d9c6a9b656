"""What proposals cover: recall at overlaps and budgets, average recall, average best overlap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils._jit import F8, I8
from detutils._validate import as_integer, as_items, as_offset, as_vector
from detutils.evaluation._kernels.recall import best_overlaps
from detutils.evaluation.inputs import Objects, gather_objects, gather_proposals

_ALL = 2**62  # no image has as many proposals
_PAIRS_A_CALL = 50_000_000


class ProposalRecall(NamedTuple):
    """How many objects proposals cover, and how well.

    Attributes
    ----------
    budgets : (B,) float64 ndarray
        How many proposals an image were looked at, ascending; ``inf`` where all were.
    iou_thresholds : (T,) float64 ndarray
        From what overlap on an object is covered.
    recall : (B, T) float64 ndarray
        The fraction of the objects covered. NaN if there are no objects.
    average_recall : (B,) float64 ndarray
        The mean of ``recall`` over the thresholds.
    boxes : (B,) float64 ndarray
        The mean number of proposals an image that each budget let through.

    Examples
    --------
    >>> import detutils
    >>> result = detutils.proposal_recall([[[0, 0, 10, 10]]], [[[0, 0, 10, 8]]])
    >>> float(result.recall[0, 0]), result.average_recall
    (1.0, array([0.7]))
    """

    budgets: F8
    iou_thresholds: F8
    recall: F8
    average_recall: F8
    boxes: F8


class BestOverlap(NamedTuple):
    """How well the best proposal fits, class by class.

    Attributes
    ----------
    labels : (C,) int64 ndarray
        The classes of the objects, ascending.
    abo : (C,) float64 ndarray
        Average best overlap: the mean over the objects of a class of the IoU of their best proposal.
    mabo : float
        The mean of ``abo``. NaN if there are no objects.

    Examples
    --------
    >>> import detutils
    >>> detutils.average_best_overlap([[[0, 0, 10, 10]]], [([[0, 0, 10, 8]], [3])])
    BestOverlap(labels=array([3]), abo=array([0.8]), mabo=0.8)
    """

    labels: I8
    abo: F8
    mabo: float


def proposal_recall(
    proposals: Iterable[Any],
    ground_truth: Iterable[Any],
    *,
    iou_thresholds: npt.ArrayLike | None = None,
    budgets: Sequence[int | None] | None = None,
    offset: int = 0,
) -> ProposalRecall:
    """Measure what fraction of the objects some proposal covers.

    Parameters
    ----------
    proposals : sequence, one entry an image
        (N, 4) arrays x1, y1, x2, y2 in pixels, or records with ``boxes`` such as ``Proposals``; best first.
    ground_truth : Dataset, or sequence, one entry an image
        (M, 4) arrays, ``(boxes, labels)`` tuples, or records or mappings with ``boxes`` and, where there are
        any, ``difficult`` and ``crowd``. Objects so marked are left out.
    iou_thresholds : (T,) array_like, default 0.5, 0.55, ..., 0.95
        From what IoU on an object is covered; an IoU of exactly the threshold covers. Each in [0, 1].
    budgets : sequence of int or None, default (None,)
        Look at so many proposals of each image, each at least 1, ascending; None, which may only come last,
        is all.
    offset : {0, 1}
        1 is the inclusive-pixel rule of the VOC devkit.

    Returns
    -------
    result : ProposalRecall
        ``recall`` (B, T), ``average_recall`` (B,), ``boxes`` (B,), and the budgets and thresholds. Without
        any object recall is NaN; an image without proposals covers nothing; an image without objects counts
        in ``boxes`` alone.

    Raises
    ------
    TypeError
        If an argument is not of these kinds; a single image's array must be put into a list.
    ValueError
        If there are not as many entries in both, boxes break their contract, a threshold is outside [0, 1],
        or budgets are not ascending.

    See Also
    --------
    average_best_overlap : The mean overlap itself, class by class.

    Notes
    -----
    Each object is judged by its best proposal, and one proposal may cover several objects. With the default
    thresholds ``average_recall`` is COCO's AR, up to that rule. O(sum over images of M N), no matrix is
    stored.

    References
    ----------
    J. Hosang, R. Benenson, P. Dollar, B. Schiele, What makes for effective detection proposals?, PAMI 2016,
    section 4.

    Examples
    --------
    >>> import detutils
    >>> proposals = [[[0, 0, 4, 4], [0, 0, 10, 9]]]
    >>> objects = [[[0, 0, 10, 10], [50, 50, 60, 60]]]
    >>> detutils.proposal_recall(proposals, objects, iou_thresholds=[0.5, 0.9], budgets=[1, 2]).recall
    array([[0. , 0. ],
           [0.5, 0.5]])
    """
    added = as_offset(offset)
    levels = _levels(iou_thresholds)
    limits = _limits((None,) if budgets is None else budgets)
    objects = gather_objects(ground_truth, labeled=False)
    boxes, starts = gather_proposals(proposals, objects.starts.size - 1)
    best = _best(objects, boxes, starts, limits, added)
    if best.shape[0]:
        recall = (best[:, :, None] >= levels).mean(axis=0)
    else:
        recall = np.full((limits.size, levels.size), np.nan)
    seen = np.minimum(np.diff(starts), limits[:, None])
    return ProposalRecall(
        budgets=np.where(limits == _ALL, np.inf, limits),
        iou_thresholds=levels,
        recall=recall,
        average_recall=recall.mean(axis=1),
        boxes=seen.sum(axis=1) / max(1, seen.shape[1]),
    )


def average_best_overlap(
    proposals: Iterable[Any], ground_truth: Iterable[Any], *, budget: int | None = None, offset: int = 0
) -> BestOverlap:
    """Measure how well the best proposal fits the objects of each class (ABO) and on the whole (MABO).

    Parameters
    ----------
    proposals : sequence, one entry an image
        (N, 4) arrays x1, y1, x2, y2 in pixels, or records with ``boxes`` such as ``Proposals``; best first.
    ground_truth : Dataset, or sequence, one entry an image
        ``(boxes, labels)`` tuples, or records or mappings with ``boxes``, ``labels`` and, where there are
        any, ``difficult`` and ``crowd``. Objects so marked are left out.
    budget : int, optional
        Look at so many proposals of each image, at least 1; by default at all.
    offset : {0, 1}
        1 is the inclusive-pixel rule of the VOC devkit.

    Returns
    -------
    result : BestOverlap
        ``labels`` (C,) ascending, ``abo`` (C,), and their mean ``mabo``, which is NaN without any object. An
        object in an image without proposals counts as 0.

    Raises
    ------
    TypeError
        If an argument is not of these kinds; a single image's array must be put into a list.
    ValueError
        If there are not as many entries in both, boxes or labels break their contract, or ``budget`` is below
        1.

    See Also
    --------
    proposal_recall : The fraction of objects that are covered well enough.

    Notes
    -----
    O(sum over images of M N), no matrix is stored.

    References
    ----------
    J. Uijlings, K. van de Sande, T. Gevers, A. Smeulders, Selective Search for Object Recognition, IJCV 2013,
    eq. 8.

    Examples
    --------
    >>> import detutils
    >>> proposals = [[[0, 0, 10, 9], [0, 0, 10, 10]]]
    >>> detutils.average_best_overlap(proposals, [([[0, 0, 10, 10]], [0])], budget=1).mabo
    0.9
    """
    added = as_offset(offset)
    limits = _limits((budget,))
    objects = gather_objects(ground_truth)
    boxes, starts = gather_proposals(proposals, objects.starts.size - 1)
    best = _best(objects, boxes, starts, limits, added)[:, 0]
    labels, place = np.unique(_counted(objects.labels, objects), return_inverse=True)
    abo = np.bincount(place, best, labels.size) / np.bincount(place, minlength=labels.size)
    return BestOverlap(labels, abo, float(abo.mean()) if labels.size else float("nan"))


def _best(objects: Objects, boxes: F8, starts: I8, limits: I8, added: float) -> F8:
    """Best overlap of each object that counts within each budget."""
    best = np.empty((objects.boxes.shape[0], limits.size))
    pairs = np.cumsum(np.diff(objects.starts) * np.diff(starts))
    begin = 0
    while begin < pairs.size:  # a call for some tenths of a second, so that Ctrl-C is heard
        done = pairs[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(pairs, done + _PAIRS_A_CALL)))
        best_overlaps(objects.boxes, objects.starts, boxes, starts, limits, added, np.array([begin, end]), best)
        begin = end
    return _counted(best, objects)  # type: ignore[no-any-return]


def _counted(rows: Any, objects: Objects) -> Any:
    return rows[~(objects.difficult | objects.crowd)]


def _levels(iou_thresholds: npt.ArrayLike | None) -> F8:
    if iou_thresholds is None:
        return np.arange(50, 100, 5) / 100.0
    levels = as_vector(iou_thresholds, "iou_thresholds").copy()
    if levels.size == 0:
        raise ValueError("iou_thresholds is empty")
    if levels.min() < 0.0 or levels.max() > 1.0:
        raise ValueError(f"iou_thresholds must be in [0, 1], got {levels}")
    return levels


def _limits(budgets: Sequence[int | None]) -> I8:
    counts = as_items(budgets, "budgets", "a sequence of integers")
    limits = [_ALL if value is None else as_integer(value, "budgets", 1, _ALL - 1) for value in counts]
    if not limits:
        raise ValueError("budgets is empty")
    if sorted(set(limits)) != limits:
        raise ValueError(f"budgets must ascend, with None last, got {counts}")
    return np.array(limits, np.int64)
