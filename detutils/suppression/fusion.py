"""Detections of one object made one, in more words than NMS: Soft-NMS, weighted boxes fusion, box voting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils import _validate as check
from detutils._jit import F8, I8, Direct
from detutils.suppression._kernels import fusion as kernels, soft as trees

_HARVEST_FEW = Direct(trees.harvest_few)

_FEW = 192  # boxes below which the plain loop is faster than a tree
_SMALLEST_VOTE = 2.0**-1022  # the smallest normal number: what a mean is weighted with must have digits
_PATIENCE = 1_000_000  # blocks of boxes that a kernel visits between two looks at Ctrl-C


def _tree(
    boxes: F8, scores: F8, groups: I8, n_groups: int, candidates: I8, offset: float
) -> tuple[I8, F8, I8, F8, I8]:
    """The candidates in the blocks that ``trees.harvest`` empties."""
    order = trees.neighbor_order(boxes, candidates, groups, n_groups)
    leaves = -(-order.size // trees.LEAF)
    sizes = [leaves]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // trees.FAN))
    starts = np.cumsum([0, *sizes])
    columns = np.empty((leaves, trees.COLUMNS, trees.LEAF))
    names = np.empty((leaves, trees.LEAF), np.int64)
    spans, marks = np.empty((starts[-1], trees.SPANS)), np.empty((starts[-1], trees.MARKS), np.int64)
    tree = starts, columns, names, spans, marks
    trees.plant(boxes, scores, groups, order, offset, tree)
    return tree


def soft_nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    method: Literal["gaussian", "linear"] = "gaussian",
    sigma: float = 0.5,
    iou_threshold: float = 0.3,
    score_threshold: float = 0.001,
    labels: npt.ArrayLike | None = None,
    max_output: int | None = None,
    offset: int = 0,
) -> tuple[I8, F8]:
    """Lower the scores of boxes that overlap better ones, instead of dropping the boxes.

    Again and again the box of the highest score is kept, and the score of every box that is left and
    intersects it is multiplied by a factor that falls with their IoU.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    scores : (N,) array_like
        The higher the better.
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
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule.

    Returns
    -------
    keep : (K,) int64 ndarray
        Indices of the kept boxes by decreasing new score; equal scores by lower index first. Shape (0,) for
        no boxes.
    new_scores : (K,) float64 ndarray
        The scores with which they were kept, each greater than ``score_threshold``.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, ``labels`` are not integers, or an option has the wrong
        type.
    ValueError
        If ``boxes`` is not (N, 4), the lengths differ, a row is not finite or has x2 < x1 or y2 < y1, or an
        option is out of its range.

    See Also
    --------
    nms : Drops the boxes.

    Notes
    -----
    Order and scores are those of the plain double loop, to the last bit. Boxes lie in a tree of blocks by
    size and place, so that a kept box visits only blocks near it: about N log N and the number of
    intersecting pairs, where the plain loop is N K. Memory is linear in N. Boxes without area intersect
    nothing. The authors' code keeps a score that equals its threshold, which drops out here.

    References
    ----------
    N. Bodla, B. Singh, R. Chellappa, L. Davis, "Soft-NMS: improving object detection with one line of
    code", ICCV 2017, figure 2 and equations 2 and 3.

    Examples
    --------
    >>> import detutils
    >>> boxes = [[0, 0, 10, 10], [0, 0, 10, 8], [20, 20, 30, 30]]
    >>> keep, scores = detutils.soft_nms(boxes, [0.9, 0.8, 0.7])
    >>> keep
    array([0, 2, 1])
    >>> scores.round(3)
    array([0.9  , 0.7  , 0.222])
    """
    rows = check.as_boxes(boxes)
    n = rows.shape[0]
    marks = check.as_vector(scores, "scores", n)
    gaussian = check.as_choice(method, "method", ("gaussian", "linear")) == "gaussian"
    width = check.as_number(sigma, "sigma", above=0.0)
    threshold = check.as_threshold(iou_threshold)
    floor = check.as_number(score_threshold, "score_threshold", 0.0)
    most = n if max_output is None else min(n, check.as_integer(max_output, "max_output", 0))
    added = check.as_offset(offset)
    groups, n_groups = np.empty(0, np.int64), 1
    if labels is not None:
        groups = check.as_labels(labels, "labels", n)
    keep, new_scores = np.empty(most, np.int64), np.empty(most)
    rules = (width, threshold, floor, added)
    if n <= _FEW:
        kept = _HARVEST_FEW.call(rows, marks, groups, gaussian, rules, keep, new_scores)
        return keep[:kept].copy(), new_scores[:kept].copy()
    if groups.size:
        names, groups = np.unique(groups, return_inverse=True)
        n_groups = names.size
    candidates = np.flatnonzero(marks > floor)
    most, kept = min(most, candidates.size), 0
    if most:
        tree = _tree(rows, marks, groups, n_groups, candidates, added)
        keep, new_scores, bests = keep[:most], new_scores[:most], tree[3][:, trees.BEST]
        while kept < most and bests[-1] > trees.GONE:
            kept = trees.harvest(tree, gaussian, rules, keep, new_scores, kept, _PATIENCE)
    return keep[:kept].copy(), new_scores[:kept].copy()


def _clusters(entries: tuple[F8, F8, F8, I8], rules: tuple[float, float], order: I8, clusters: I8) -> tuple[int, F8]:
    """How many clusters the boxes of ``order`` make, and their sums; ``clusters`` becomes the one of each box."""
    n = order.size
    sums, means = np.zeros((n, kernels.SUMS)), np.empty((n, kernels.MEANS))
    size = 1 << max(n - 1, 0).bit_length()
    index = np.empty(size, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    state, done = np.zeros(kernels.STATES, np.int64), 0
    while done < n:
        done = kernels.cluster(entries, rules, order, done, _PATIENCE, index, (means, sums, clusters), state)
    return int(state[kernels.CLUSTERS]), sums[: state[kernels.CLUSTERS]]


class FusedBoxes(NamedTuple):
    """What ``weighted_boxes_fusion`` makes of the boxes of several models.

    Attributes
    ----------
    boxes : (K, 4) float64 ndarray
        x1, y1, x2, y2 in pixels, by decreasing score.
    scores : (K,) float64 ndarray
        The fused scores.
    labels : (K,) int64 ndarray
        Their classes.
    sources : list of (N_i,) int64 ndarrays
        For each model and each of its boxes, the fused box that it is part of, or -1 where its score was
        too low.

    Examples
    --------
    >>> import detutils
    >>> fused = detutils.weighted_boxes_fusion([[[0, 0, 10, 10]], [[0, 0, 10, 12]]], [[0.6], [0.6]])
    >>> [source.tolist() for source in fused.sources]
    [[0], [0]]
    """

    boxes: F8
    scores: F8
    labels: I8
    sources: list[I8]


def weighted_boxes_fusion(
    boxes: Sequence[npt.ArrayLike],
    scores: Sequence[npt.ArrayLike],
    labels: Sequence[npt.ArrayLike] | None = None,
    *,
    weights: npt.ArrayLike | None = None,
    iou_threshold: float = 0.55,
    score_threshold: float = 0.0,
    method: Literal["avg", "max", "box_and_model_avg", "absent_model_aware_avg"] = "avg",
    allow_overflow: bool = False,
    offset: int = 0,
) -> FusedBoxes:
    """Fuse the detections of several models: overlapping boxes of a class become their score-weighted mean.

    Boxes are taken by falling weighted score. Each joins the cluster of its class whose present mean box it
    overlaps most, if that IoU is greater than ``iou_threshold``, and moves that mean; else it begins a
    cluster.

    Parameters
    ----------
    boxes : sequence of M (N_i, 4) array_like
        One array a model: x1, y1, x2, y2 in pixels (or any other unit, the same for all).
    scores : sequence of M (N_i,) array_like
        Any positive numbers up to 1e150.
    labels : sequence of M (N_i,) array_like of int, optional
        Classes; all boxes are of class 0 if left out.
    weights : (M,) array_like, optional
        How far each model is trusted, greater than 0; 1 each if left out. Scores are multiplied by them.
    iou_threshold : float
        In [0, 1]. A pair at exactly the threshold is not fused.
    score_threshold : float
        At least 0. Boxes with ``score > score_threshold`` (before weighting) take part.
    method : {"avg", "max", "box_and_model_avg", "absent_model_aware_avg"}
        The score of a cluster of n boxes, with S the sum of their weighted scores and W the sum of all
        models' weights. ``"avg"``: S / n x min(n, M) / W. ``"max"``: the best weighted score / the largest
        weight. ``"box_and_model_avg"``: S / (the boxes' weights) x (the weights of the models that saw it)
        / W. ``"absent_model_aware_avg"``: S / (the boxes' weights and the weights of the models that did
        not see it).
    allow_overflow : bool
        With ``"avg"``: S / W, which exceeds the best score where a model gives an object several boxes.
    offset : {0, 1}
        Added to widths and heights in the IoU: 1 is the inclusive-pixel rule.

    Returns
    -------
    fused : FusedBoxes
        ``boxes``, ``scores`` and ``labels`` by decreasing score (equal ones by class, then by their best
        box), and ``sources``. All are empty where no box takes part.

    Raises
    ------
    TypeError
        If an input is not a sequence of arrays of real numbers, labels are not integers, or an option has
        the wrong type.
    ValueError
        If the inputs do not have one array a model, lengths differ, a row is not finite or has x2 < x1 or
        y2 < y1, a weight is not greater than 0, a weighted score exceeds 1e150, or an option is out of its
        range.

    See Also
    --------
    box_voting : Refines the boxes that NMS kept.

    Notes
    -----
    Equal weighted scores are taken in the order of models and rows. A weighted score counts at least 2.2e-308, the
    smallest normal number, so that boxes with tiny scores take part, too. Mean boxes are filed by size and place, and a
    box meets only those that it may overlap by more than ``iou_threshold``: N log N and the pairs that come near it.

    Departures from the package ensemble-boxes: it clips boxes to the unit square, leaves out boxes without area and
    keeps means in float32; a score equal to ``score_threshold`` takes part there (it drops what is less) and is left
    out here; boxes with equal weighted scores are taken there in the order of its own sort, which is not stable.

    References
    ----------
    R. Solovyev, W. Wang, T. Gabruseva, "Weighted boxes fusion: ensembling boxes from different object
    detection models", Image and Vision Computing 107, 2021, section 3, equations 1 to 6.

    Examples
    --------
    >>> import detutils
    >>> boxes = [[[0, 0, 10, 10], [50, 50, 60, 60]], [[0, 0, 10, 12]]]
    >>> fused = detutils.weighted_boxes_fusion(boxes, [[0.9, 0.4], [0.3]])
    >>> fused.boxes
    array([[ 0. ,  0. , 10. , 10.5],
           [50. , 50. , 60. , 60. ]])
    >>> fused.scores
    array([0.6, 0.2])
    """
    models = check.as_models(boxes, scores, labels)
    trust = np.ones(len(models)) if weights is None else check.as_positive(weights, "weights", len(models))
    threshold, added = check.as_threshold(iou_threshold), check.as_offset(offset)
    floor = check.as_number(score_threshold, "score_threshold", 0.0)
    kind = check.as_choice(method, "method", ("avg", "max", "box_and_model_avg", "absent_model_aware_avg"))
    overflow = check.as_flag(allow_overflow, "allow_overflow")

    lengths = [len(marks) for _, marks, _ in models]
    rows = np.concatenate([np.empty((0, 4)), *(rows for rows, _, _ in models)])
    raw = np.concatenate([np.empty(0), *(marks for _, marks, _ in models)])
    classes = np.concatenate([np.empty(0, np.int64), *(names for _, _, names in models)])
    model = np.repeat(np.arange(len(models)), lengths)
    trusts = trust[model]
    with np.errstate(over="ignore"):
        votes = check.as_votes(np.where(raw > floor, raw, 0.0) * trusts, "scores times weights")
    chosen = np.flatnonzero(raw > floor)
    votes[chosen] = np.maximum(votes[chosen], _SMALLEST_VOTE)
    order = chosen[np.lexsort((-votes[chosen], classes[chosen]))]

    clusters = np.full(len(rows), -1)
    count, sums = _clusters((rows, votes, trusts, classes), (threshold, float(added)), order, clusters)
    total, seen, members = sums[:, kernels.SUM_SCORE], sums[:, kernels.SUM_WEIGHT], sums[:, kernels.COUNT]
    if kind == "max":
        fused_scores = sums[:, kernels.MAX_SCORE] / trust.max(initial=0.0)
    elif kind == "avg":
        counted = members if overflow else np.minimum(members, len(models))
        fused_scores = total / members * counted / trust.sum()
    else:
        present = kernels.weight_of_models(clusters, order, model, trust, count)
        if kind == "box_and_model_avg":
            fused_scores = total / seen * present / trust.sum()
        else:
            fused_scores = total / (seen + (trust.sum() - present))
    first = np.zeros(count, np.int64)
    first[clusters[order[::-1]]] = order[::-1]  # the best box of each cluster comes last and stays
    alone = members == 1
    means = np.where(alone[:, None], rows[first], sums[:, :4] / total[:, None])
    ranks = np.argsort(-fused_scores, kind="stable")
    places = np.append(np.argsort(ranks), -1)  # clusters is -1 where a box takes no part
    sources = np.split(places[clusters], np.cumsum(lengths)[:-1]) if models else []
    return FusedBoxes(means[ranks], fused_scores[ranks], classes[first][ranks], sources)


def box_voting(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    keep: npt.ArrayLike,
    iou_threshold: float = 0.5,
    *,
    labels: npt.ArrayLike | None = None,
    offset: int = 0,
) -> F8:
    """Move each box that NMS kept to the score-weighted mean of the boxes around it.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels: all boxes, before NMS.
    scores : (N,) array_like
        The weights of the votes, from 0 to 1e150.
    keep : (K,) array_like of int
        Indices of the boxes to refine, as ``nms`` returns them.
    iou_threshold : float
        In [0, 1]. Boxes with IoU >= ``iou_threshold`` vote, and each kept box votes for itself.
    labels : (N,) array_like of int, optional
        Classes: only boxes of its class vote for a box.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule.

    Returns
    -------
    voted : (K, 4) float64 ndarray
        The refined boxes in the order of ``keep``. A box whose voters all score 0 stays as it is. Shape (0,
        4) for no kept boxes.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, or ``labels`` or ``keep`` are not integers.
    ValueError
        If ``boxes`` is not (N, 4), lengths differ, a row is not finite or has x2 < x1 or y2 < y1, a score
        is negative or beyond 1e150, an index is outside 0 ... N - 1, or an option is out of its range.

    See Also
    --------
    nms : Makes ``keep``. weighted_boxes_fusion : Fuses several models' boxes.

    Notes
    -----
    Boxes are sorted by x1, and a kept box meets only those that reach its columns: N log N and the pairs
    side by side. Memory is linear in N. Sums run in the order of x1, so that means agree with the plain
    loop to rounding.

    References
    ----------
    S. Gidaris, N. Komodakis, "Object detection via a multi-region and semantic segmentation-aware CNN
    model", ICCV 2015, section 4, equation 2.

    Examples
    --------
    >>> import detutils
    >>> detutils.box_voting([[0, 0, 10, 10], [0, 0, 10, 12], [40, 40, 50, 50]], [0.75, 0.25, 0.5], [0, 2])
    array([[ 0. ,  0. , 10. , 10.5],
           [40. , 40. , 50. , 50. ]])
    """
    rows = check.as_boxes(boxes)
    n = rows.shape[0]
    votes = check.as_votes(check.as_vector(scores, "scores", n), "scores")
    kept = check.as_indices(keep, "keep", n)
    threshold, added = check.as_threshold(iou_threshold), check.as_offset(offset)
    names = np.zeros(n, np.int64) if labels is None else check.as_labels(labels, "labels", n)

    order = np.lexsort((rows[:, 0], names))
    spans = np.empty((3, n), np.int64)
    spans[0, order] = np.arange(n)
    x1, y1, x2, y2 = rows[order].T
    columns = np.stack([x1, y1, x2, y2, (x2 - x1 + added) * (y2 - y1 + added), votes[order]])
    spans[1] = begins = np.searchsorted(names[order], names[order], "left")
    spans[2] = ends = np.searchsorted(names[order], names[order], "right")
    furthest = np.empty(n)
    for begin in np.unique(begins):
        group = slice(begin, ends[begin])
        np.maximum.accumulate(columns[kernels.X2, group], out=furthest[group])
    voted = np.empty((kept.size, 4))
    step = max(1, 200_000_000 // max(n, 1))
    for start in range(0, kept.size, step):
        stop = min(start + step, kept.size)
        kernels.vote(columns, furthest, spans, kept, (threshold, float(added)), start, stop, voted)
    return voted
