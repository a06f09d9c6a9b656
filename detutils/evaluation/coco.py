"""Average precision and recall as COCO defines them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils._jit import F8, I8
from detutils._validate import as_integer, as_items, as_vector, check_memory
from detutils.evaluation._kernels.evaluation import coco_class
from detutils.evaluation.inputs import gather_detections, gather_objects, rank

# cocoeval.py's own expressions: a last digit more or less decides at exact overlaps.
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_LEVELS = np.linspace(0.0, 1.0, 101)
AREA_RANGES = np.array([[0.0, 1e10], [0.0, 32.0**2], [32.0**2, 96.0**2], [96.0**2, 1e10]])
AREAS = ("all", "small", "medium", "large")


class CocoResult(NamedTuple):
    """COCO's twelve numbers, in pycocotools' order, and what they are means of; -1 stands for "no objects".

    Attributes
    ----------
    ap, ap50, ap75 : float
        Average precision, over all IoU thresholds, at 0.5, and at 0.75.
    ap_small, ap_medium, ap_large : float
        Average precision for objects below 32 x 32 pixels, up to 96 x 96, and above.
    ar_1, ar_10, ar_100 : float
        Average recall with at most ``max_detections`` detections an image and class.
    ar_small, ar_medium, ar_large : float
        Average recall by size, with the last of ``max_detections``.
    labels : (C,) int64 ndarray
        The classes of objects and detections, ascending.
    class_ap : (C,) float64 ndarray
        Average precision of each class.
    precision : (T, 101, C, 4) float64 ndarray
        By IoU threshold, recall (0, 0.01, ..., 1), class and size (all, small, medium, large), with the last
        of ``max_detections``.
    recall : (T, C, 4, M) float64 ndarray
        By IoU threshold, class, size and ``max_detections``.
    iou_thresholds : (T,) float64 ndarray
        0.5, 0.55, ..., 0.95 or what was asked for.
    max_detections : tuple of int
        1, 10, 100 or what was asked for.

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
    max_detections: tuple[int, int, int]

    @property
    def stats(self) -> F8:
        """The twelve numbers as ``COCOeval.stats``."""
        return np.array(self[:12])

    def summary(self) -> str:
        """Lay the twelve numbers out as pycocotools prints them.

        Returns
        -------
        text : str
            Twelve lines.
        """
        low, high = self.iou_thresholds[0], self.iou_thresholds[-1]
        spans = [f"{low:.2f}:{high:.2f}", "0.50", "0.75", *[f"{low:.2f}:{high:.2f}"] * 9]
        sizes = ["all"] * 3 + list(AREAS[1:]) + ["all"] * 3 + list(AREAS[1:])
        counts = [self.max_detections[2]] * 6 + list(self.max_detections) + [self.max_detections[2]] * 3
        titles = ["Average Precision  (AP)"] * 6 + ["Average Recall     (AR)"] * 6
        rows = zip(titles, spans, sizes, counts, self.stats.tolist(), strict=True)
        return "\n".join(
            f" {title} @[ IoU={span:<9} | area={size:>6} | maxDets={count:>3} ] = {value:0.3f}"
            for title, span, size, count, value in rows
        )


def evaluate_coco(
    detections: Iterable[Any],
    ground_truth: Iterable[Any],
    *,
    iou_thresholds: npt.ArrayLike | None = None,
    max_detections: Sequence[int] = (1, 10, 100),
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
    max_detections : three int, default (1, 10, 100)
        How many detections of each image and class count, best first; ascending, each at least 1.

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
    x2 - x1 and y2 - y1. O(D log D + sum over images and classes of D M).

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
    levels = _thresholds(iou_thresholds)
    limits = _limits(max_detections)
    truth = gather_objects(ground_truth)
    images = truth.starts.size - 1
    found = gather_detections(detections, images)
    ranking = rank(found, truth)
    classes = ranking.labels.size
    aside = truth.crowd | truth.difficult
    shape = (classes, len(AREAS), levels.size, RECALL_LEVELS.size)
    check_memory(math.prod(shape) * 8, f"the precision of {classes} classes")
    precision = np.full(shape, -1.0)
    recall = np.full((classes, limits.size, len(AREAS), levels.size), -1.0)
    for c in range(classes):  # a call each, so that Ctrl-C is heard between classes
        mine, objects = ranking.spans(c)
        coco_class(
            found.boxes, found.sizes, ranking.order[mine], ranking.images, truth.boxes, truth.sizes,
            truth.crowd, aside, truth.areas, ranking.objects[objects], ranking.object_images, images, levels,
            AREA_RANGES, limits, RECALL_LEVELS, precision[c], recall[c],
        )  # fmt: skip
    return CocoResult(
        ap=_mean(precision[:, 0]),
        ap50=_mean(precision[:, 0, levels == 0.5]),
        ap75=_mean(precision[:, 0, levels == 0.75]),
        ap_small=_mean(precision[:, 1]),
        ap_medium=_mean(precision[:, 2]),
        ap_large=_mean(precision[:, 3]),
        ar_1=_mean(recall[:, 0, 0]),
        ar_10=_mean(recall[:, 1, 0]),
        ar_100=_mean(recall[:, 2, 0]),
        ar_small=_mean(recall[:, 2, 1]),
        ar_medium=_mean(recall[:, 2, 2]),
        ar_large=_mean(recall[:, 2, 3]),
        labels=ranking.labels,
        class_ap=precision[:, 0].mean(axis=(1, 2)),
        precision=precision.transpose(2, 3, 0, 1),
        recall=recall.transpose(3, 0, 2, 1),
        iou_thresholds=levels,
        max_detections=(int(limits[0]), int(limits[1]), int(limits[2])),
    )


def _mean(values: F8) -> float:
    """The mean of what there is, or -1."""
    there = values[values > -1.0]
    return float(there.mean()) if there.size else -1.0


def _thresholds(iou_thresholds: npt.ArrayLike | None) -> F8:
    if iou_thresholds is None:
        return IOU_THRESHOLDS.copy()
    levels = as_vector(iou_thresholds, "iou_thresholds").copy()
    if not 1 <= levels.size <= 60:  # the kernel keeps a bit for each
        raise ValueError(f"iou_thresholds must hold 1 to 60 values, got {levels.size}")
    if levels.min() < 0.0 or levels.max() > 1.0:
        raise ValueError(f"iou_thresholds must be in [0, 1], got {levels}")
    return levels


def _limits(max_detections: Sequence[int]) -> I8:
    counts = as_items(max_detections, "max_detections", "three integers")
    limits = [as_integer(value, "max_detections", 1, 2**62) for value in counts]
    if len(limits) != 3 or sorted(limits) != limits:
        raise ValueError(f"max_detections must be three ascending integers, got {limits}")
    return np.array(limits, np.int64)
