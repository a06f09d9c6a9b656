"""Training targets: the object that each box stands for, and the boxes to learn from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils import _validate as check
from detutils._jit import B1, F8, I8
from detutils.geometry.coding import encode_boxes
from detutils.geometry.rotated import Angle, as_angle, as_rotated_rows, prepared
from detutils.targets._kernels import matching as kernels, rotated_matching

_PAIRS = 200_000_000  # of boxes and objects that a kernel compares between two looks at Ctrl-C
_ROTATED_PAIRS = 4_000_000
_KERNELS: tuple[Any, Any] = (rotated_matching, kernels)  # of rotated and of upright boxes


class Matches(NamedTuple):
    """What ``match_boxes`` finds.

    Attributes
    ----------
    matched : (N,) int64 ndarray
        The index of the object with which each box has its highest IoU: the lowest of equal ones, hence the
        first object where a box overlaps none. -1 if there is no object to match.
    ious : (N,) float64 ndarray
        That IoU, 0 without an object.
    labels : (N,) int64 ndarray
        1 positive, 0 negative, -1 neither: leave the box out of the training.

    Examples
    --------
    >>> import detutils
    >>> matches = detutils.match_boxes([[0, 0, 10, 10], [50, 50, 60, 60]], [[0, 0, 10, 9]])
    >>> matches.labels
    array([1, 0])
    """

    matched: I8
    ious: F8
    labels: I8


def match_boxes(
    boxes: npt.ArrayLike,
    objects: npt.ArrayLike,
    high: float = 0.5,
    low: float | None = None,
    *,
    low_quality: bool = False,
    crowd: npt.ArrayLike | None = None,
    ignore: npt.ArrayLike | None = None,
    ignore_threshold: float = 0.5,
    offset: int = 0,
    angle: Angle | None = None,
) -> Matches:
    """Find the object that each box overlaps most, and tell positive from negative boxes.

    Parameters
    ----------
    boxes : (N, 4) array_like, or (N, 5) with ``angle``
        x1, y1, x2, y2 in pixels: anchors or proposals. With ``angle`` named, cx, cy, w, h, angle.
    objects : (M, 4) array_like, or (M, 5) with ``angle``
        The annotated boxes, of the same form. One without area matches nothing.
    high : float
        In [0, 1]. A box is positive if its highest IoU is at least ``high``.
    low : float, optional
        In [0, ``high``]; ``high`` if left out. A box is negative if its highest IoU is less than ``low``;
        from ``low`` to below ``high`` it is neither.
    low_quality : bool
        Whether the best boxes of each object (all of those tied) are positive at any IoU greater than 0.
        Such a box keeps the object that it overlaps most itself.
    crowd : (M,) array_like of bool, optional
        Objects that are regions of many: they match nothing and are ignored like ``ignore``.
    ignore : (R, 4) array_like, or (R, 5) with ``angle``, optional
        Regions without annotations, of the same form. A box that is not positive is neither (-1) where at least
        ``ignore_threshold`` of its own area lies in one region.
    ignore_threshold : float
        In [0, 1].
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule, which rotated boxes do not have.
    angle : {"ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, optional
        The boxes are rotated, in this sense, as seen, and unit: see ``rotated_box_convert``.

    Returns
    -------
    matches : Matches
        ``matched``, ``ious`` and ``labels`` in the order of ``boxes``; each of shape (0,) for no boxes.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, ``crowd`` are not booleans, or an option has the wrong
        type.
    ValueError
        If an array has the wrong shape, a row is not finite or has x2 < x1 or y2 < y1 (a negative width or height),
        ``low`` is greater than ``high``, a threshold is outside [0, 1], or ``offset`` is not 0 with ``angle``.

    Notes
    -----
    Decisions are those of the float64 double loop; of rotated boxes, those by ``rotated_box_iou``, to the last bit. At
    most N M comparisons, in vector registers; objects far from 256 consecutive boxes (16 of rotated ones) are skipped
    at once, so that the order of a grid makes it faster. No matrix is built: memory is the result and one float64 copy
    of inputs that are not float64 (of rotated boxes, eight numbers each).

    References
    ----------
    S. Ren et al., "Faster R-CNN", NIPS 2015, section 3.1.2; ``anchor_target_layer.py`` of py-faster-rcnn.

    Examples
    --------
    >>> import detutils
    >>> boxes = [[0, 0, 10, 10], [0, 0, 10, 4], [50, 50, 60, 60]]
    >>> matches = detutils.match_boxes(boxes, [[0, 0, 10, 10], [48, 48, 60, 60]], 0.7, 0.3)
    >>> matches.matched
    array([0, 0, 1])
    >>> matches.labels
    array([ 1, -1, -1])
    >>> detutils.match_boxes(boxes, [[0, 0, 10, 10], [48, 48, 60, 60]], 0.7, 0.3, low_quality=True).labels
    array([ 1, -1,  1])
    """
    read, rule = _reader(angle), _KERNELS[angle is None]
    rows, truth = read(boxes, "boxes"), read(objects, "objects")
    upper = check.as_threshold(high, "high")
    lower = upper if low is None else check.as_threshold(low, "low")
    if lower > upper:
        raise ValueError(f"low must be at most high, got {lower:g} and {upper:g}")
    quality = check.as_flag(low_quality, "low_quality")
    crowds = _crowds(crowd, len(truth))
    regions = np.concatenate([truth[crowds], read([] if ignore is None else ignore, "ignore")])
    part = check.as_threshold(ignore_threshold, "ignore_threshold")
    added = check.as_offset(offset)
    if angle is not None and added:
        raise ValueError("offset must be 0 for rotated boxes, which have no inclusive pixels")
    more, most = ((added,), _PAIRS) if angle is None else ((), _ROTATED_PAIRS)

    chosen = np.flatnonzero((_solid(truth, added) if angle is None else (truth[:, 2:4] > 0.0).all(axis=1)) & ~crowds)
    single = truth[chosen]
    n = len(rows)
    matched, ious, labels = np.empty(n, np.int64), np.empty(n), np.empty(n, np.int64)
    peaks, pages = np.zeros(chosen.size), np.zeros((chosen.size, 2), np.int64)
    found = (matched, ious, labels)
    for span in _slices(n, chosen.size, most):
        rule.match(rows, single, (lower, upper), span, found, peaks, pages, *more)
    if chosen.size:
        matched = chosen[matched]
    else:
        matched[:] = -1
        labels[:] = kernels.NEGATIVE if lower > 0.0 else kernels.IGNORED
    step = max(1, most // max(n, 1))
    for start in range(0, chosen.size if quality else 0, step):
        rule.promote(rows, single, (start, min(start + step, chosen.size)), peaks, pages, labels, *more)
    for span in _slices(n, len(regions), most) if len(regions) else ():
        rule.excuse(rows, regions, part, span, labels, *more)
    return Matches(matched, ious, labels)


def _reader(angle: Angle | None) -> Callable[[Any, str], F8]:
    """What turns an argument into boxes as the kernels take them."""
    if angle is None:
        return check.as_boxes
    turned = as_angle(angle)
    return lambda boxes, name: prepared(as_rotated_rows(boxes, name), *turned, name)


def _crowds(crowd: npt.ArrayLike | None, n: int) -> B1:
    return np.zeros(n, np.bool_) if crowd is None else check.as_flags(crowd, "crowd", n)


def _solid(objects: F8, offset: float) -> B1:
    """Which objects have an area."""
    sides = objects[:, 2:] - objects[:, :2] + offset
    return (sides[:, 0] > 0.0) & (sides[:, 1] > 0.0)


def _slices(n: int, m: int, most: int) -> list[tuple[int, int]]:
    """Ranges of pages of n boxes, each short enough for m objects and so many pairs."""
    step = max(1, most // (kernels.PAGE * max(m, 1)))
    pages = -(-n // kernels.PAGE)
    return [(start, min(start + step, pages)) for start in range(0, pages, step)]


class Sample(NamedTuple):
    """What ``sample_matches`` chooses.

    Attributes
    ----------
    positives : (P,) int64 ndarray
        Ascending indices of the chosen positive boxes.
    negatives : (Q,) int64 ndarray
        Ascending indices of the chosen negative boxes.

    Examples
    --------
    >>> import detutils
    >>> detutils.sample_matches([1, 0, -1], 2)
    Sample(positives=array([0]), negatives=array([1]))
    """

    positives: I8
    negatives: I8


def sample_matches(
    labels: npt.ArrayLike,
    number: int = 256,
    positive_fraction: float = 0.5,
    *,
    seed: int | np.random.Generator = 0,
) -> Sample:
    """Choose boxes to learn from at random: some positive ones, filled up with negative ones.

    Parameters
    ----------
    labels : (N,) array_like of int
        As ``match_boxes`` gives them: positive > 0, negative 0, left out < 0.
    number : int
        How many boxes to choose, at least 0.
    positive_fraction : float
        In [0, 1]. At most int(number x positive_fraction) positive boxes are chosen; what they leave is
        filled with negative ones.
    seed : int or numpy.random.Generator
        The same seed chooses the same boxes. A generator goes on from where it is.

    Returns
    -------
    sample : Sample
        ``positives`` and ``negatives``, ascending indices. Fewer than ``number`` together where there are
        not enough; both empty for no labels.

    Raises
    ------
    TypeError
        If ``labels`` or ``number`` are not integers, ``positive_fraction`` is not a number, or ``seed`` is
        neither an integer nor a generator.
    ValueError
        If ``labels`` is not (N,), ``number`` or ``seed`` is negative, or ``positive_fraction`` is outside
        [0, 1].

    Notes
    -----
    Linear in N. Every set of so many boxes is equally likely.

    References
    ----------
    S. Ren et al., "Faster R-CNN", NIPS 2015, section 3.1.3; ``anchor_target_layer.py`` of py-faster-rcnn.

    Examples
    --------
    >>> import detutils
    >>> sample = detutils.sample_matches([1, 1, 1, 1, 0, 0, 0, -1], 4, 0.25)
    >>> len(sample.positives), sample.negatives
    (1, array([4, 5, 6]))
    """
    marks = check.as_labels(labels)
    total = check.as_integer(number, "number", 0, 2**53)
    share = check.as_threshold(positive_fraction, "positive_fraction")
    rng = check.as_rng(seed)
    positives = _choose(np.flatnonzero(marks > 0), int(total * share), rng)
    negatives = _choose(np.flatnonzero(marks == 0), total - positives.size, rng)
    return Sample(positives, negatives)


def _choose(indices: I8, count: int, rng: np.random.Generator) -> I8:
    """``count`` of the indices in their order, or all of them."""
    if indices.size <= count:
        return indices
    return np.sort(rng.choice(indices, count, replace=False, shuffle=False))


class ProposalSample(NamedTuple):
    """What ``sample_proposals`` chooses: positive proposals first, then negative ones.

    Attributes
    ----------
    boxes : (S, 4) float64 ndarray
        The chosen proposals, x1, y1, x2, y2 in pixels.
    labels : (S,) int64 ndarray
        Their classes: those of their objects, or ``background``.
    deltas : (S, 4) float64 ndarray
        Regression targets toward their objects; 0 for background.
    matched : (S,) int64 ndarray
        The object that each overlaps most, -1 without objects.
    ious : (S,) float64 ndarray
        That IoU.
    indices : (S,) int64 ndarray
        The row of ``proposals`` that each is, or N + j where it is object j itself.

    Examples
    --------
    >>> import detutils
    >>> detutils.sample_proposals([[0, 0, 10, 9], [50, 50, 60, 60]], [[0, 0, 10, 10]], [7]).labels
    array([7, 7, 0])
    """

    boxes: F8
    labels: I8
    deltas: F8
    matched: I8
    ious: F8
    indices: I8


def sample_proposals(
    proposals: npt.ArrayLike,
    objects: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    number: int = 128,
    positive_fraction: float = 0.25,
    high: float = 0.5,
    low: float = 0.0,
    background: int = 0,
    add_objects: bool = True,
    crowd: npt.ArrayLike | None = None,
    ignore: npt.ArrayLike | None = None,
    ignore_threshold: float = 0.5,
    weights: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0),
    offset: int = 0,
    seed: int | np.random.Generator = 0,
) -> ProposalSample:
    """Choose proposals to train a Fast R-CNN head with, and what the head should say of each.

    Parameters
    ----------
    proposals : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    objects : (M, 4) array_like
        The annotated boxes. One without area matches nothing.
    labels : (M,) array_like of int
        Their classes, none of them ``background``.
    number : int
        How many to choose, at least 0.
    positive_fraction : float
        In [0, 1]: at most int(number x positive_fraction) of them are positive.
    high : float
        In [0, 1]. A proposal is positive if its highest IoU is at least ``high``.
    low : float
        In [0, ``high``]. A proposal is background if its highest IoU is at least ``low`` and less than
        ``high``. Fast R-CNN trains with 0.1: what overlaps no object at all teaches little.
    background : int
        The class of negative proposals.
    add_objects : bool
        Whether the objects (crowds and those without area excepted) are proposals, too.
    crowd, ignore, ignore_threshold
        Objects that are regions of many, regions without annotations: as in ``match_boxes``.
    weights : (wx, wy, ww, wh)
        Factors of the deltas, as in ``encode_boxes``: the default divides by Fast R-CNN's 0.1, 0.1, 0.2, 0.2.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule.
    seed : int or numpy.random.Generator
        The same seed chooses the same proposals. A generator goes on from where it is.

    Returns
    -------
    sample : ProposalSample
        ``boxes``, ``labels``, ``deltas``, ``matched``, ``ious`` and ``indices``; positive ones first, each
        kind in the order of ``proposals`` followed by ``objects``. Fewer than ``number`` where there are
        not enough; empty for no proposals.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, ``labels`` are not integers, or an option has the wrong
        type.
    ValueError
        If an array has the wrong shape, a row is not finite or has x2 < x1 or y2 < y1, a label is
        ``background``, or an option is out of its range.

    Notes
    -----
    ``match_boxes``, ``sample_matches`` and ``encode_boxes`` in one call; the cost is that of the first.

    References
    ----------
    R. Girshick, "Fast R-CNN", ICCV 2015, section 2.3; ``proposal_target_layer.py`` of py-faster-rcnn.

    Examples
    --------
    >>> import detutils
    >>> proposals = [[0, 0, 10, 9], [50, 50, 60, 60]]
    >>> sample = detutils.sample_proposals(proposals, [[0, 0, 10, 10]], [7], add_objects=False)
    >>> sample.labels
    array([7, 0])
    >>> sample.deltas[0].round(3)
    array([0.   , 0.556, 0.   , 0.527])
    """
    rows = check.as_boxes(proposals, "proposals")
    truth = check.as_boxes(objects, "objects")
    classes = check.as_labels(labels, "labels", len(truth))
    other = check.as_integer(background, "background", -(2**63), 2**63 - 1)
    if (classes == other).any():
        raise ValueError(f"labels[{np.argmax(classes == other)}] is {other}, the class of the background")
    upper, floor = check.as_threshold(high, "high"), check.as_threshold(low, "low")
    if floor > upper:
        raise ValueError(f"low must be at most high, got {floor:g} and {upper:g}")
    crowds, added = _crowds(crowd, len(truth)), check.as_offset(offset)
    indices = np.arange(len(rows))
    if check.as_flag(add_objects, "add_objects"):
        own = np.flatnonzero(_solid(truth, added) & ~crowds)
        indices = np.concatenate([indices, len(rows) + own])
        rows = np.concatenate([rows, truth[own]])
    matches = match_boxes(
        rows, truth, upper, crowd=crowds, ignore=ignore, ignore_threshold=ignore_threshold, offset=offset
    )
    marks = np.where((matches.labels == 0) & (matches.ious < floor), -1, matches.labels)
    sample = sample_matches(marks, number, positive_fraction, seed=seed)
    chosen, count = np.concatenate(sample), sample.positives.size
    matched = matches.matched[chosen]
    names = np.full(chosen.size, other)
    names[:count] = classes[matched[:count]]
    deltas = np.zeros((chosen.size, 4))
    if count and upper == 0.0:  # where a proposal without area may be positive
        check.check_sides(rows, "proposals", added)
    deltas[:count] = encode_boxes(truth[matched[:count]], rows[chosen[:count]], weights=weights, offset=offset)
    return ProposalSample(rows[chosen], names, deltas, matched, matches.ious[chosen], indices[chosen])
