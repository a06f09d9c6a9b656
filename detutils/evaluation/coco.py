"""Average precision and recall as COCO defines them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils._jit import F8, I8
from detutils._validate import as_flag, as_workers
from detutils.evaluation.coco_states import Rules, States, added_up, as_rules, chosen, match
from detutils.evaluation.inputs import gather_detections, gather_objects
from detutils.geometry.rotated import Angle

SIZES = ["small", "medium", "large"]


class CocoResult(NamedTuple):
    """COCO's twelve numbers, in pycocotools' order, and what they are means of; -1 stands for "no objects".

    Attributes
    ----------
    ap, ap50, ap75 : float
        Average precision, over all IoU thresholds, at 0.5, and at 0.75.
    ap_small, ap_medium, ap_large : float
        Average precision for objects below 32 x 32 pixels, up to 96 x 96, and above.
    ar_1, ar_10, ar_100 : float
        Average recall with at most the first, second and third of ``max_detections`` detections an image and class (the
        last stands for those that are missing).
    ar_small, ar_medium, ar_large : float
        Average recall by size, with the last of ``max_detections``.
    labels : (C,) int64 ndarray
        The classes of objects and detections, ascending.
    class_ap : (C,) float64 ndarray
        Average precision of each class.
    precision : (T, 101, C, A) float64 ndarray
        By IoU threshold, recall (0, 0.01, ..., 1), class and range of areas, with the last
        of ``max_detections``.
    recall : (T, C, A, M) float64 ndarray
        By IoU threshold, class, range of areas and ``max_detections``.
    iou_thresholds : (T,) float64 ndarray
        0.5, 0.55, ..., 0.95 or what was asked for.
    max_detections : tuple of int
        1, 10, 100 or what was asked for.
    areas : tuple of str
        The ranges of areas: all, small, medium, large or what was asked for.
    precisions, scores : (T, 101, C, A, M) float64 ndarray or None
        With ``arrays=True``: precision with each of ``max_detections``, and the score at which each recall is reached.

    Examples
    --------
    >>> import detutils
    >>> result = detutils.evaluate_coco([([[0, 0, 9, 9]], [0.8], [3])], [([[0, 0, 9, 9]], [3])])
    >>> round(result.ap50, 6), result.ap_large, result.labels
    (1.0, -1.0, array([3]))
    """

    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    ar_1: float
    ar_10: float
    ar_100: float
    ar_small: float
    ar_medium: float
    ar_large: float
    labels: I8
    class_ap: F8
    precision: F8
    recall: F8
    iou_thresholds: F8
    max_detections: tuple[int, ...]
    areas: tuple[str, ...] = ("all", "small", "medium", "large")
    precisions: F8 | None = None
    scores: F8 | None = None

    @property
    def stats(self) -> F8:
        """The twelve numbers as ``COCOeval.stats``."""
        return np.array(self[:12])

    def summary(self) -> str:
        """Lay the twelve numbers out as pycocotools prints them.

        Returns
        -------
        text : str
            Twelve lines, and one that says so where there are no objects at all.
        """
        low, high = self.iou_thresholds[0], self.iou_thresholds[-1]
        spans = [f"{low:.2f}:{high:.2f}", "0.50", "0.75", *[f"{low:.2f}:{high:.2f}"] * 9]
        sizes = ["all"] * 3 + SIZES + ["all"] * 3 + SIZES
        last = self.max_detections[-1]
        counts = [last] * 6 + [*self.max_detections, last, last][:3] + [last] * 3
        titles = ["Average Precision  (AP)"] * 6 + ["Average Recall     (AR)"] * 6
        rows = zip(titles, spans, sizes, counts, self.stats.tolist(), strict=True)
        lines = [
            f" {title} @[ IoU={span:<9} | area={size:>6} | maxDets={count:>3} ] = {value:0.3f}"
            for title, span, size, count, value in rows
        ]
        if (self.recall[:, :, :1] < 0.0).all():
            lines.append(" There are no objects: -1 says that there is nothing to measure.")
        return "\n".join(lines)


def evaluate_coco(
    detections: Iterable[Any],
    ground_truth: Iterable[Any],
    *,
    iou_thresholds: npt.ArrayLike | None = None,
    max_detections: Sequence[int] = (1, 10, 100),
    areas: Mapping[str, tuple[float, float]] | None = None,
    class_agnostic: bool = False,
    images: Sequence[int] | None = None,
    classes: Sequence[int] | None = None,
    arrays: bool = False,
    workers: int = 1,
    angle: Angle | None = None,
) -> CocoResult:
    """Measure average precision and recall by the rules of COCO.

    Parameters
    ----------
    detections : sequence, one entry an image
        ``Detections``, other records or mappings with ``boxes`` (N, 4), ``scores`` (N,) and ``labels`` (N,),
        or tuples of the three. Boxes are x1, y1, x2, y2 in pixels.
    ground_truth : Dataset, or sequence, one entry an image
        ``AnnotatedImage``, other records or mappings with ``boxes`` (M, 4), ``labels`` (M,) and, where there
        are any, ``crowd`` (or ``iscrowd``), ``difficult`` and ``areas`` (or ``area``), or tuples ``(boxes,
        labels)``. Without areas, those of the boxes decide what is small, medium and large.
    iou_thresholds : (T,) array_like, default 0.5, 0.55, ..., 0.95
        Each in [0, 1], at most 60. ``ap50`` and ``ap75`` are -1 where their threshold is missing.
    max_detections : sequence of int, default (1, 10, 100)
        How many detections of each image and class count, best first; ascending, each at least 1. Where pycocotools
        prints -1 for AP because 100 is not among them, the last one counts here.
    areas : mapping from str to (least, most), optional
        Ranges of object areas in square pixels, both ends included, in place of small, medium and large; "all" is
        always there. ``ap_small`` and its like are -1 where their range is missing.
    class_agnostic : bool, default False
        Treat all labels as one class.
    images : sequence of int, optional
        Only these images, by index.
    classes : sequence of int, optional
        Only objects and detections of these labels.
    arrays : bool, default False
        Also give ``precisions`` and ``scores``, with each of ``max_detections``.
    workers : int, default 1
        Threads that share the classes; -1 is one a core. The result is the same.
    angle : {None, "ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default None
        Where given, boxes of both sides are rotated, (N, 5): cx, cy, w, h and an angle of this sense and unit (see
        ``rotated_box_convert``), and overlaps are rotated IoU. Records whose boxes are upright give theirs by
        ``rotated_boxes`` (N, 5) or by ``outlines`` of four corners.

    Returns
    -------
    result : CocoResult
        The twelve numbers, also as ``result.stats``; ``class_ap``; precision and recall as pycocotools
        accumulates them. What has no objects (a size, a class, or everything) is -1, and is left out of the
        means. Without any detection the numbers are 0.

    Raises
    ------
    TypeError
        If an argument is not of these kinds.
    ValueError
        If there are not as many entries in both, an array breaks its contract (the text names the image), or
        an option is out of range.

    See Also
    --------
    read_coco, read_coco_detections : Records from COCO's files.
    CocoAccumulator : For data that comes in pieces.
    bootstrap_coco : How much of a number is chance.
    evaluate_voc : The rules of Pascal VOC.

    Notes
    -----
    The rules are those of pycocotools, to the last digit: no inclusive pixels; detections by falling score,
    ties in the order of the images and of their rows; a detection takes the free object that it overlaps most
    (ties: the last), of those that count before those that do not (crowds, VOC's difficult objects, other
    sizes); an IoU of exactly the threshold is enough; in a crowd the IoU is the part of the detection inside;
    detections that match nothing and are of another size do not count. One thing of pycocotools is left
    out: an object whose id is 0 can never be found there. It computes on widths and heights; records from
    ``read_coco`` and ``read_coco_detections`` hold these as the file gives them (``sizes``), others have
    x2 - x1 and y2 - y1. Of rotated boxes, widths times heights are the areas where records have none, and the part of
    a detection inside a crowd is measured over the detection. O(D log D + sum over images and classes of D M).

    References
    ----------
    T.-Y. Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014; ``cocoeval.py`` of pycocotools.

    Examples
    --------
    >>> import detutils
    >>> objects = [([[0, 0, 10, 10], [20, 20, 30, 30]], [0, 0]), ([[5, 5, 9, 9]], [1])]
    >>> found = [([[0, 0, 10, 9], [50, 50, 60, 60]], [0.9, 0.8], [0, 0]), ([], [], [])]
    >>> result = detutils.evaluate_coco(found, objects)
    >>> round(result.ap50, 4), result.ar_100, result.ap_large
    (0.2525, 0.225, -1.0)
    """
    rules = as_rules(iou_thresholds, max_detections, areas, class_agnostic, angle)
    threads, more = as_workers(workers), as_flag(arrays, "arrays")
    truth = gather_objects(ground_truth, angle=rules.angle)
    found = gather_detections(detections, truth.starts.size - 1, angle=rules.angle)
    found, truth = chosen(found, truth, images, classes)
    return summed_up(match(found, truth, rules, threads), rules, more)


def summed_up(states: States, rules: Rules, arrays: bool = False) -> CocoResult:
    """The numbers of what was matched."""
    sums = added_up(states, rules)
    precisions = scores = None
    if arrays:
        parts = [added_up(states, rules, limit=limit).curves for limit in rules.limits]
        every = np.stack(parts, axis=-1).transpose(1, 3, 4, 0, 2, 5)
        precisions, scores = np.ascontiguousarray(every[0]), np.ascontiguousarray(every[1])
    precision, recall, levels, last = sums.curves[:, 0], sums.recall, rules.thresholds, len(rules.limits) - 1
    place = {name: index for index, name in enumerate(rules.areas)}

    def ap(name: str, at: Any = slice(None)) -> float:
        return _mean(precision[:, place[name], at]) if name in place else -1.0

    def ar(limit: int, name: str = "all") -> float:
        return _mean(recall[:, min(limit, last), place[name]]) if name in place else -1.0

    return CocoResult(
        ap=ap("all"),
        ap50=ap("all", levels == 0.5),
        ap75=ap("all", levels == 0.75),
        ap_small=ap("small"),
        ap_medium=ap("medium"),
        ap_large=ap("large"),
        ar_1=ar(0),
        ar_10=ar(1),
        ar_100=ar(2),
        ar_small=ar(last, "small"),
        ar_medium=ar(last, "medium"),
        ar_large=ar(last, "large"),
        labels=sums.labels,
        class_ap=precision[:, 0].mean(axis=(1, 2)),
        precision=precision.transpose(2, 3, 0, 1),
        recall=recall.transpose(3, 0, 2, 1),
        iou_thresholds=levels,
        max_detections=rules.limits,
        areas=tuple(rules.areas),
        precisions=precisions,
        scores=scores,
    )


def _mean(values: F8) -> float:
    """The mean of what there is, or -1."""
    there = values[values > -1.0]
    return float(there.mean()) if there.size else -1.0
