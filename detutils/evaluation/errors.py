"""Why a detector fails: each wrong detection by its kind, and what mending one kind would be worth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import B1, F8, I8
from detutils._validate import as_integer, as_threshold
from detutils.evaluation._kernels import reasons
from detutils.evaluation.inputs import Found, Objects, gather_detections, gather_objects
from detutils.evaluation.rotated_rows import as_optional_angle
from detutils.geometry.rotated import Angle

KINDS = ("cls", "loc", "both", "dupe", "bkg", "miss")
RIGHT, IGNORED, UNJUDGED = 0, 8, -1


class DetectionErrors(NamedTuple):
    """What TIDE finds: AP, and by how much it would rise if errors of one kind were mended.

    Attributes
    ----------
    ap : float
        Mean average precision at ``iou_threshold``, over COCO's 101 recalls. NaN if there is nothing at all.
    cls, loc, both, dupe, bkg, miss : float
        dAP of each kind: wrong class; right class, poor location; both; a second detection of an object; on the
        background; an object that no detection is about.
    false_positives, false_negatives : float
        dAP if all wrong detections came last, and if all missed objects were left out.
    counts : (6,) int64 ndarray
        How many errors there are of each kind, in the order cls, loc, both, dupe, bkg, miss.
    kinds : tuple of (N,) int64 ndarray
        One array an image: 0 for a right detection, 1 to 5 for cls, loc, both, dupe and bkg, 8 for one that counts
        neither way (on a crowd or a difficult object), -1 for one beyond ``max_detections``.
    missed : tuple of (M,) bool ndarray
        One array an image: which objects were missed.

    Examples
    --------
    >>> import detutils
    >>> objects = [([[0, 0, 10, 10], [20, 20, 30, 30]], [0, 1])]
    >>> found = [([[0, 0, 10, 9], [20, 20, 30, 24]], [0.9, 0.8], [0, 1])]
    >>> errors = detutils.detection_errors(found, objects)
    >>> errors.ap, errors.loc, errors.kinds[0]
    (0.5, 0.5, array([0, 2]))
    """

    ap: float
    cls: float
    loc: float
    both: float
    dupe: float
    bkg: float
    miss: float
    false_positives: float
    false_negatives: float
    counts: I8
    kinds: tuple[I8, ...]
    missed: tuple[B1, ...]


class Judged(NamedTuple):
    """Detections that were judged, by image and falling score, and what became of them and of the objects."""

    rows: I8  # of Found
    kinds: I8
    ignored: B1
    target: I8
    taken: B1
    found_from: I8


def detection_errors(
    detections: Iterable[Any],
    ground_truth: Iterable[Any],
    *,
    iou_threshold: float = 0.5,
    background_threshold: float = 0.1,
    max_detections: int = 100,
    angle: Angle | None = None,
) -> DetectionErrors:
    """Sort the errors of a detector by kind, and weigh each kind by the AP that mending it would gain.

    Parameters
    ----------
    detections : sequence, one entry an image
        As for ``evaluate_coco``: boxes x1, y1, x2, y2 in pixels, scores and labels.
    ground_truth : Dataset, or sequence, one entry an image
        As for ``evaluate_coco``: boxes, labels and, where there are any, crowd and difficult.
    iou_threshold : float, default 0.5
        In [0, 1]. A detection of this IoU with a free object of its class is right.
    background_threshold : float, default 0.1
        In [0, ``iou_threshold``]. A detection of at most this IoU with every object lies on the background.
    max_detections : int, default 100
        How many detections of an image are judged, best first.
    angle : {None, "ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default None
        Where given, boxes are rotated: as for ``evaluate_coco``.

    Returns
    -------
    errors : DetectionErrors
        AP, the dAP of each kind, how many there are, and the kind of every detection.

    Raises
    ------
    TypeError
        If an argument is not of these kinds.
    ValueError
        If there are not as many entries in both, an array breaks its contract (the text names the image), or an
        option is out of range.

    See Also
    --------
    confusion_matrix : Which class is taken for which.
    draw_errors : The errors on the picture.

    Notes
    -----
    Detections of an image take, by falling score (ties: the first), the free object of their class that they overlap
    most. The kind of a wrong one is the first that fits: its best IoU with an object of its class lies between the two
    thresholds, both included (loc); with one of another class it reaches ``iou_threshold`` (cls); with a taken object
    of its class it does (dupe); with no object it exceeds ``background_threshold`` (bkg); else both. Objects neither
    taken nor wanted by a loc or cls error are missed. Mending makes the best-scored loc or cls error of a free object
    right and removes the others of the kind; dupe, bkg and both are removed; missed objects are not asked for. A dAP
    below 0, which the 101 recalls can give, counts as 0. Numbers are those of the authors' package, from 0 to 1 where
    it says 0 to 100. Of equal scores in different images, mended detections come first. O(D log D + sum over images of
    D M).

    References
    ----------
    D. Bolya et al., TIDE: A General Toolbox for Identifying Object Detection Errors, ECCV 2020, section 2.

    Examples
    --------
    >>> import detutils
    >>> objects = [([[0, 0, 10, 10]], [0]), ([[5, 5, 9, 9]], [1])]
    >>> found = [([[0, 0, 10, 10], [0, 0, 10, 9]], [0.9, 0.8], [0, 0]), ([[5, 5, 9, 9]], [0.7], [0])]
    >>> errors = detutils.detection_errors(found, objects)
    >>> errors.counts, errors.cls
    (array([1, 0, 0, 1, 0, 0]), 0.5)
    """
    enough = as_threshold(iou_threshold)
    little = as_threshold(background_threshold, "background_threshold")
    if little > enough:
        raise ValueError(f"background_threshold must be at most iou_threshold, {enough}, got {little}")
    most = as_integer(max_detections, "max_detections", 1)
    turned = as_optional_angle(angle)
    truth = gather_objects(ground_truth, angle=turned)
    found = gather_detections(detections, truth.starts.size - 1, angle=turned)
    return _weighed(judged(found, truth, enough, little, most), found, truth)


def judged(found: Found, truth: Objects, enough: float, little: float, most: int | None) -> Judged:
    """The best detections of each image, each with its kind."""
    images: I8 = np.repeat(np.arange(found.starts.size - 1), np.diff(found.starts))
    rows: I8 = np.lexsort((-found.scores, images))
    ranks = np.arange(rows.size) - found.starts[images[rows]]
    if most is not None:
        rows = rows[ranks < most]
    found_from = np.searchsorted(images[rows], np.arange(found.starts.size))
    classes = np.unique(np.concatenate([found.labels, truth.labels]))
    kinds, target = np.empty((2, rows.size), np.int64)
    taken = np.zeros(truth.labels.size, np.int64)
    reasons.judge(
        detection_rows(found, rows, classes), found_from, object_rows(truth, classes), truth.starts,
        np.array([enough, little]), kinds, target, taken,
    )  # fmt: skip
    return Judged(rows, kinds % IGNORED, kinds >= IGNORED, target, taken == 1, found_from)


def detection_rows(found: Found, rows: I8, classes: I8) -> F8:
    """x, y, width, height and class of detections, as the kernels take them; rotated boxes as a whole at the end."""
    places = np.searchsorted(classes, found.labels[rows]).astype(np.float64)
    return np.column_stack([found.boxes[rows, :2], found.sizes[rows], places, *_turned(found.boxes[rows])])


def object_rows(truth: Objects, classes: I8) -> F8:
    """x, y, width, height, class and whether it is set aside (1 difficult, 2 crowd) of objects; rotated boxes as a
    whole at the end."""
    aside = np.where(truth.crowd, 2.0, truth.difficult.astype(np.float64))
    places = np.searchsorted(classes, truth.labels).astype(np.float64)
    return np.column_stack([truth.boxes[:, :2], truth.sizes, places, aside, *_turned(truth.boxes)])


def _turned(boxes: F8) -> list[F8]:
    """The eight numbers of rotated boxes."""
    return [boxes] if boxes.shape[1] == 8 else []


def _weighed(every: Judged, found: Found, truth: Objects) -> DetectionErrors:
    """The numbers: AP as it is, and with the errors of each kind mended."""
    classes, places = np.unique(np.concatenate([found.labels, truth.labels]), return_inverse=True)
    found_class, object_class = places[: found.labels.size][every.rows], places[found.labels.size :]
    scores = found.scores[every.rows]
    counted = ~(truth.crowd | truth.difficult)
    positives = np.bincount(object_class[counted], minlength=classes.size)
    wanting = (every.kinds == reasons.CLASS) | (every.kinds == reasons.LOCATION)
    wanting &= ~every.taken[every.target] if every.taken.size else False
    claims = np.zeros(every.rows.size, np.bool_)  # errors that become right when mended: the best of each free object
    claims[np.flatnonzero(wanting)[np.unique(every.target[wanting], return_index=True)[1]]] = True
    missed = counted & ~every.taken
    wanted = missed.copy()
    wanted[every.target[wanting]] = False
    right = every.kinds == RIGHT
    there = ~every.ignored

    def mean_ap(
        chosen: B1, good: B1, of_class: I8, asked: I8, values: F8 = scores, mended: bool = True
    ) -> float:
        # The authors' package lists wrong and mended detections before those that were right from the start.
        order = np.lexsort((*((right,) if mended else ()), -values))
        order = order[chosen[order]]
        return _mean_ap(of_class[order], good[order], asked)

    ap = mean_ap(there, right, found_class, positives, mended=False)
    gains = []
    for kind in range(reasons.CLASS, reasons.BACKGROUND + 1):
        mine = every.kinds == kind
        mends = mine & claims
        of_class = np.where(mends & (kind == reasons.CLASS), object_class[every.target] if truth.labels.size else 0,
                            found_class)  # fmt: skip
        gains.append(_gain(mean_ap((there & ~mine) | mends, right | mends, of_class, positives), ap))
    fewer = positives - np.bincount(object_class[wanted], minlength=classes.size)
    gains.append(_gain(mean_ap(there, right, found_class, fewer), ap))
    last = mean_ap(there, right, found_class, positives, right.astype(np.float64)) - ap
    found_only = positives - np.bincount(object_class[missed], minlength=classes.size)
    counts = np.bincount(every.kinds, minlength=6)[1:6]
    cls, loc, both, dupe, bkg, miss = gains
    return DetectionErrors(
        ap=ap,
        cls=cls,
        loc=loc,
        both=both,
        dupe=dupe,
        bkg=bkg,
        miss=miss,
        false_positives=last,
        false_negatives=mean_ap(there, right, found_class, found_only) - ap,
        counts=np.append(counts, wanted.sum()),
        kinds=_by_image(every, found),
        missed=tuple(np.split(wanted, truth.starts[1:-1])) if truth.starts.size > 1 else (),
    )


def _gain(mended: float, ap: float) -> float:
    """A dAP; 0 where mending lowers AP between two recalls, or leaves nothing to judge."""
    return mended - ap if mended > ap else 0.0


def _by_image(every: Judged, found: Found) -> tuple[I8, ...]:
    kinds = np.full(found.labels.size, UNJUDGED)
    kinds[every.rows] = np.where(every.ignored, IGNORED, every.kinds)
    return tuple(np.split(kinds, found.starts[1:-1])) if found.starts.size > 1 else ()


LEVELS = np.array([level / 100 for level in range(101)])


def _mean_ap(classes: I8, right: B1, positives: I8) -> float:
    """The mean over classes that have detections or objects; detections come by falling score."""
    values = []
    by_class = np.argsort(classes, kind="stable")
    bounds = np.searchsorted(classes[by_class], np.arange(positives.size + 1))
    for c, (begin, end) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)):
        if positives[c] == 0 or begin == end:
            if positives[c] or end > begin:
                values.append(0.0)
            continue
        hits = np.cumsum(right[by_class[begin:end]])
        precision = hits / np.arange(1, end - begin + 1)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        reached = np.searchsorted(hits / positives[c], LEVELS)
        values.append(float(envelope[reached[reached < end - begin]].sum()) / LEVELS.size)
    return float(np.mean(values)) if values else float("nan")
