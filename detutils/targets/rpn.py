"""The region proposal network outside the network: targets for its training, boxes from its output."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils import _validate as check
from detutils._jit import F8, I8
from detutils._kernels.limits import LIMIT
from detutils.geometry.boxes import clip_boxes_to_image, remove_small_boxes
from detutils.geometry.coding import decode_boxes, encode_boxes
from detutils.suppression.greedy import batched_nms, nms
from detutils.targets.anchors import anchors_inside_image
from detutils.targets.matching import match_boxes, sample_matches

SYSTEMS: tuple[Literal["py-faster-rcnn", "detectron2"], ...] = ("py-faster-rcnn", "detectron2")


class RpnTargets(NamedTuple):
    """What ``rpn_targets`` asks of each anchor.

    Attributes
    ----------
    labels : (A,) int64 ndarray
        1 object, 0 background, -1 not to be trained on.
    deltas : (A, 4) ndarray
        Regression targets of the anchors inside the image toward the objects that they overlap most; 0 for
        the others. The regression loss counts the rows of label 1 only.
    matched : (A,) int64 ndarray
        The object that each anchor inside the image overlaps most (the first object if it overlaps none);
        -1 for the others, and without objects.
    ious : (A,) float64 ndarray
        That IoU; 0 for anchors outside.

    Examples
    --------
    >>> import detutils
    >>> detutils.rpn_targets([[0, 0, 10, 10], [0, 0, 30, 30]], [[0, 0, 10, 8]], (20, 20)).labels
    array([ 1, -1])
    """

    labels: I8
    deltas: check.Array
    matched: I8
    ious: F8


def rpn_targets(
    anchors: npt.ArrayLike,
    objects: npt.ArrayLike,
    image_size: tuple[float, float] | None = None,
    *,
    border: float = 0.0,
    high: float = 0.7,
    low: float = 0.3,
    number: int | None = 256,
    positive_fraction: float = 0.5,
    crowd: npt.ArrayLike | None = None,
    ignore: npt.ArrayLike | None = None,
    ignore_threshold: float = 0.5,
    weights: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0),
    offset: int = 0,
    seed: int | np.random.Generator = 0,
) -> RpnTargets:
    """Make the training targets of a region proposal network: a label and four deltas for every anchor.

    Parameters
    ----------
    anchors : (A, 4) array_like
        x1, y1, x2, y2 in pixels, each with a width and a height.
    objects : (M, 4) array_like
        The annotated boxes. One without area matches nothing.
    image_size : (height, width), optional
        Only anchors inside the image take part, as ``anchors_inside_image`` finds them. All take part if
        left out.
    border : float
        How far an anchor may stick out of the image, in pixels.
    high : float
        In [0, 1]. An anchor is positive if its highest IoU is at least ``high``, or if no other anchor has
        a higher IoU with one of the objects (all of those tied; IoU greater than 0).
    low : float
        In [0, ``high``]. Any other anchor is negative if its highest IoU is less than ``low``.
    number : int, optional
        How many anchors to train on, chosen at random. None trains on all that are positive or negative.
    positive_fraction : float
        In [0, 1]: at most int(number x positive_fraction) of them are positive.
    crowd, ignore, ignore_threshold
        Objects that are regions of many, regions without annotations: as in ``match_boxes``.
    weights : (wx, wy, ww, wh)
        Factors of the deltas, as in ``encode_boxes``.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule of the original.
    seed : int or numpy.random.Generator
        The same seed chooses the same anchors. A generator goes on from where it is.

    Returns
    -------
    targets : RpnTargets
        ``labels``, ``deltas``, ``matched`` and ``ious`` in the order of ``anchors``; of length 0 for no
        anchors. ``deltas`` is float32 if both ``anchors`` and ``objects`` are, else float64.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, or an option has the wrong type.
    ValueError
        If an array has the wrong shape, a row is not finite or has x2 < x1 or y2 < y1, an anchor has no
        width or height, or an option is out of its range.

    See Also
    --------
    rpn_proposals : From the network's output to boxes.

    Notes
    -----
    With ``offset=1`` these are the labels and targets of ``anchor_target_layer.py`` before the (here
    seeded) random choice, but for two rows: the original makes every anchor positive where an object
    overlaps none, and fails without objects; here the former makes no anchor positive and the latter all of
    them negative. Cost and memory are those of ``match_boxes``: no matrix of anchors and objects.

    References
    ----------
    S. Ren et al., "Faster R-CNN", NIPS 2015, section 3.1.2 and 3.1.3; ``anchor_target_layer.py`` of
    py-faster-rcnn.

    Examples
    --------
    >>> import detutils
    >>> anchors = [[0, 0, 10, 10], [4, 4, 14, 14], [9, 0, 19, 10]]
    >>> targets = detutils.rpn_targets(anchors, [[0, 0, 10, 8]], (20, 20))
    >>> targets.labels
    array([1, 0, 0])
    >>> targets.deltas[0].round(3)
    array([ 0.   , -0.1  ,  0.   , -0.223])
    """
    rows = check.as_boxes(anchors, "anchors", keep_float32=True)
    truth = check.as_boxes(objects, "objects", keep_float32=True)
    added = check.as_offset(offset)
    check.as_number(border, "border")
    check.as_threshold(low, "low")
    check.as_threshold(positive_fraction, "positive_fraction")
    rng = check.as_rng(seed)
    inside = None if image_size is None else anchors_inside_image(rows, image_size, border)
    chosen = rows if inside is None else rows[inside]
    matches = match_boxes(
        chosen, truth, high, low, low_quality=True,
        crowd=crowd, ignore=ignore, ignore_threshold=ignore_threshold, offset=offset,
    )  # fmt: skip
    labels = matches.labels
    if number is not None:
        sample = sample_matches(labels, number, positive_fraction, seed=rng)
        labels = np.full(labels.size, -1)
        labels[sample.positives], labels[sample.negatives] = 1, 0
    if matches.matched.size and matches.matched[0] >= 0:
        try:
            deltas = encode_boxes(truth[matches.matched], chosen, weights=weights, offset=offset)
        except ValueError:
            check.check_sides(rows, "anchors", added)  # the same error with the row that the caller knows
            raise
    else:
        check.as_weights(weights)
        deltas = np.zeros((len(chosen), 4), np.result_type(rows, truth))
    if inside is None or inside.size == len(rows):
        return RpnTargets(labels, deltas, matches.matched, matches.ious)
    n = len(rows)
    every = RpnTargets(np.full(n, -1), np.zeros((n, 4), deltas.dtype), np.full(n, -1), np.zeros(n))
    for whole, part in zip(every, (labels, deltas, matches.matched, matches.ious), strict=True):
        whole[inside] = part
    return every


class RpnProposals(NamedTuple):
    """What ``rpn_proposals`` makes of the network's output.

    Attributes
    ----------
    boxes : (K, 4) ndarray
        x1, y1, x2, y2 in pixels, inside the image, by decreasing score.
    scores : (K,) float64 ndarray
        Their scores.
    indices : (K,) int64 ndarray
        The anchor from which each came.

    Examples
    --------
    >>> import detutils
    >>> detutils.rpn_proposals([[0, 0, 0, 0]], [0.9], [[-10, 0, 20, 20]], (100, 100)).boxes
    array([[ 0.,  0., 20., 20.]])
    """

    boxes: check.Array
    scores: F8
    indices: I8


def rpn_proposals(
    deltas: npt.ArrayLike,
    scores: npt.ArrayLike,
    anchors: npt.ArrayLike,
    image_size: tuple[float, float],
    *,
    min_size: float = 16.0,
    pre_nms: int = 6000,
    iou_threshold: float = 0.7,
    post_nms: int = 300,
    levels: npt.ArrayLike | None = None,
    weights: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0),
    clamp: float | None = math.log(1000 / 16),
    offset: int = 0,
    like: Literal["py-faster-rcnn", "detectron2"] | None = None,
) -> RpnProposals:
    """Turn the output of a region proposal network into boxes: decode, clip, filter, rank, suppress.

    Parameters
    ----------
    deltas : (A, 4) array_like
        The regression output of each anchor.
    scores : (A,) array_like
        How likely each anchor is an object; the higher the better.
    anchors : (A, 4) array_like
        x1, y1, x2, y2 in pixels.
    image_size : (height, width)
        In pixels. Boxes are clipped to it.
    min_size : float
        Boxes whose width or height after the clipping is less are dropped; at least 0. The original
        multiplies 16 by the factor by which the image was enlarged.
    pre_nms : int
        How many boxes of the highest scores, of those that are large enough, enter the suppression (of each
        level), at least 0. Equal scores: lower index first.
    iou_threshold : float
        In [0, 1], as in ``nms``.
    post_nms : int
        How many boxes to return at most, at least 0.
    levels : (A,) array_like of int, optional
        The pyramid level of each anchor: ``pre_nms`` counts in each, and boxes of different levels do not
        suppress each other.
    weights, clamp
        As in ``decode_boxes``.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule.
    like : {"py-faster-rcnn", "detectron2"}, optional
        Which system to follow to the pixel. "py-faster-rcnn", with ``offset=1``: decoded boxes end one pixel
        later, because the original adds 1 to the anchors' sides and does not take it back. "detectron2": the
        ``pre_nms`` best of each level are taken first, whatever their size, and of them those are kept whose
        sides are greater than ``min_size``, not equal to it.

    Returns
    -------
    proposals : RpnProposals
        ``boxes``, ``scores`` and ``indices`` by decreasing score, equal ones by lower index first.
        ``boxes`` is float32 if both ``deltas`` and ``anchors`` are, else float64. Empty for no anchors.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, ``levels`` are not whole numbers, or an option has the wrong
        type.
    ValueError
        If lengths differ, a number is not finite, an anchor has x2 < x1 or y2 < y1, a box leaves the range
        of its dtype, or an option is out of its range.

    See Also
    --------
    rpn_targets : What the network learns.

    Notes
    -----
    Boxes are decoded in the order of their scores until ``pre_nms`` of them are large enough; the result is
    that of decoding all. Linear in A, and the cost of ``nms``.

    ``rpn_proposals(deltas, scores, anchors, image_size, min_size=16 * scale, clamp=None, offset=1,
    like="py-faster-rcnn")`` is the original's ``ProposalLayer``, but for equal scores, of which the original
    ranks the higher index first. Without ``like``, ``offset=1`` gives back the anchors themselves where all
    deltas are 0. ``rpn_proposals(..., min_size=0, pre_nms=1000, post_nms=1000, levels=levels,
    like="detectron2")`` is detectron2's ``find_top_rpn_proposals`` for one image.

    References
    ----------
    S. Ren et al., "Faster R-CNN", NIPS 2015, section 3.3; ``proposal_layer.py`` of py-faster-rcnn, whose
    numbers for testing are the defaults here (training: 12000 and 2000); ``proposal_utils.py`` of detectron2.

    Examples
    --------
    >>> import detutils
    >>> anchors = [[0, 0, 40, 40], [2, 0, 42, 40], [60, 60, 70, 70]]
    >>> proposals = detutils.rpn_proposals([[0, 0, 0, 0]] * 3, [0.8, 0.9, 0.7], anchors, (100, 100))
    >>> proposals.boxes
    array([[ 2.,  0., 42., 40.]])
    >>> proposals.indices
    array([1])
    """
    rows = check.as_boxes(anchors, "anchors", keep_float32=True)
    moves = check.as_matrix(deltas, "deltas", len(rows), 4, keep_float32=True)
    if moves.dtype != rows.dtype:
        moves, rows = moves.astype(np.float64, copy=False), rows.astype(np.float64, copy=False)
    marks = check.as_vector(scores, "scores", len(rows))
    smallest = check.as_number(min_size, "min_size", 0.0)
    before = check.as_integer(pre_nms, "pre_nms", 0)
    after = check.as_integer(post_nms, "post_nms", 0, 2**53)
    floors = None if levels is None else check.as_labels(levels, "levels", len(rows))
    system = None if like is None else check.as_choice(like, "like", SYSTEMS)
    late = system == "py-faster-rcnn"
    if late and check.as_offset(offset) != 1.0:
        raise ValueError(f"like='py-faster-rcnn' counts inclusive pixels: offset must be 1, got {offset}")
    rank_first = system == "detectron2"
    if rank_first:
        smallest = math.nextafter(smallest, math.inf)  # sides greater than min_size

    def decoded(moves: check.Array, rows: check.Array) -> check.Array:
        if not late:
            return decode_boxes(moves, rows, weights=weights, offset=offset, clamp=clamp)
        wider = rows + np.array([0.0, 0.0, 1.0, 1.0])
        boxes = decode_boxes(moves.astype(np.float64), wider, weights=weights, clamp=clamp)
        with np.errstate(over="ignore"):
            return boxes.astype(rows.dtype, copy=False)
    groups = [np.arange(len(rows))]
    if floors is not None and floors.size:
        groups = [np.flatnonzero(floors == level) for level in np.unique(floors)]

    found = [(np.empty(0, np.int64), np.empty((0, 4), rows.dtype))]
    for group in groups:
        most = before if rank_first else before + before // 4
        while True:
            most = min(group.size, most)
            ranked = group[_best(marks[group], most)]
            try:
                boxes = decoded(moves[ranked], rows[ranked])
                boxes = clip_boxes_to_image(boxes, image_size, offset=offset)
            except ValueError:  # the same error with the row that the caller knows
                every = decoded(moves, rows)
                far = np.flatnonzero(~(np.abs(every) <= LIMIT).all(axis=1))
                if far.size:
                    check.raise_undecodable(moves, rows, far[0])
                raise
            large = remove_small_boxes(boxes, smallest, offset=offset)[:before]
            if rank_first or large.size == before or most == group.size:
                break
            most = max(2 * most, int(1.5 * most * before / max(large.size, 1)))  # by the share that is large
        found.append((ranked[large], boxes[large]))
    indices = np.concatenate([index for index, _ in found])
    boxes = np.concatenate([box for _, box in found])
    if floors is None:
        keep = nms(boxes, marks[indices], iou_threshold, max_output=after, offset=offset)
    else:
        order = np.argsort(indices)  # so that equal scores of different levels go by index, too
        indices, boxes = indices[order], boxes[order]
        keep = batched_nms(
            boxes, marks[indices], floors[indices], iou_threshold, max_output=after, offset=offset
        )
    return RpnProposals(boxes[keep], marks[indices[keep]], indices[keep])


def _best(scores: F8, count: int) -> I8:
    """The indices of the ``count`` highest scores, in stable order."""
    if count < scores.size:
        limit = np.partition(scores, scores.size - count)[scores.size - count] if count else np.inf
        above = np.flatnonzero(scores > limit)
        level = np.flatnonzero(scores == limit)[: count - above.size]
        chosen = np.sort(np.concatenate([above, level]))
    else:
        chosen = np.arange(scores.size)
    return chosen[np.argsort(-scores[chosen], kind="stable")]
