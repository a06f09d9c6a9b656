"""Average precision as the Pascal VOC devkit defines it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import numpy as np

from detutils._jit import F8, I8
from detutils._validate import as_choice, as_offset, as_threshold
from detutils.evaluation._kernels.voc import voc_class
from detutils.evaluation.inputs import gather_detections, gather_objects, rank
from detutils.evaluation.precision_recall import Method, PrecisionRecall, summed, trace
from detutils.evaluation.rotated_rows import as_optional_angle
from detutils.geometry.rotated import Angle


class VocResult(NamedTuple):
    """Average precision class by class.

    Attributes
    ----------
    labels : (C,) int64 ndarray
        The classes of objects and detections, ascending.
    ap : (C,) float64 ndarray
        Average precision of each class; NaN for a class without objects that count.
    mean_ap : float
        The mean of ``ap`` over the classes that have one; NaN if none has.
    objects : (C,) int64 ndarray
        How many objects of each class count (difficult ones do not).
    curves : tuple of PrecisionRecall
        The curve of each class.

    Examples
    --------
    >>> import detutils
    >>> result = detutils.evaluate_voc([([[0, 0, 9, 9]], [0.8], [3])], [([[0, 0, 9, 9]], [3])])
    >>> result.labels, result.ap
    (array([3]), array([1.]))
    """

    labels: I8
    ap: F8
    mean_ap: float
    objects: I8
    curves: tuple[PrecisionRecall, ...]


def evaluate_voc(
    detections: Iterable[Any],
    ground_truth: Iterable[Any],
    *,
    iou_threshold: float = 0.5,
    method: Method = "area",
    comparison: Literal[">=", ">"] = ">=",
    offset: int = 0,
    angle: Angle | None = None,
) -> VocResult:
    """Measure average precision by the rules of Pascal VOC.

    Parameters
    ----------
    detections : sequence, one entry an image
        ``Detections``, other records or mappings with ``boxes`` (N, 4), ``scores`` (N,) and ``labels`` (N,),
        or tuples of the three. Boxes are x1, y1, x2, y2 in pixels.
    ground_truth : Dataset, or sequence, one entry an image
        ``AnnotatedImage``, other records or mappings with ``boxes`` (M, 4), ``labels`` (M,) and, where there
        are any, ``difficult`` (M,) or ``crowd`` (M,), or tuples ``(boxes, labels)``.
    iou_threshold : float, default 0.5
        How much a detection must overlap its object, in [0, 1]. At 0 it must still overlap.
    method : {"area", "11-point"}
        ``area`` as in VOC 2010 and later, ``11-point`` as in VOC 2007: see ``average_precision``.
    comparison : {">=", ">"}
        Whether an IoU of exactly the threshold is enough: ``>=`` is the devkit's rule, ``>`` that of
        py-faster-rcnn.
    offset : {0, 1}
        The devkit's own rule is 1, inclusive pixels; use it with boxes that hold inclusive pixels, not with rotated
        ones.
    angle : {None, "ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default None
        Where given, boxes of both sides are rotated, (N, 5): cx, cy, w, h and an angle of this sense and unit (see
        ``rotated_box_convert``), and overlaps are rotated IoU. Records whose boxes are upright give theirs by
        ``rotated_boxes`` (N, 5) or by ``outlines`` of four corners.
        DOTA's rule is then ``method="11-point", comparison=">"``.

    Returns
    -------
    result : VocResult
        ``ap`` and ``curves`` class by class, ``mean_ap``. A class with objects and no detections has AP 0, a
        class of detections without objects NaN; images without objects or detections are fine, and so are
        none at all.

    Raises
    ------
    TypeError
        If an argument is not of these kinds.
    ValueError
        If there are not as many entries in both, an array breaks its contract (the text names the image), or
        an option is unknown or out of range.

    See Also
    --------
    evaluate_coco : The twelve numbers of COCO.
    plot_precision_recall : A picture of the curves.

    Notes
    -----
    Detections are taken by falling score; ties stay in the order of the images and of their rows. Each looks
    only at the object of its image and class that it overlaps most (ties: the first). If that is difficult or
    a crowd, the detection counts neither way; if it is overlapped too little, or taken by an earlier
    detection, the detection is wrong. O(D log D + sum over images and classes of D M).

    References
    ----------
    M. Everingham et al., The Pascal Visual Object Classes (VOC) Challenge, IJCV 2010, section 4;
    ``VOCevaldet.m`` of the devkit; ``voc_eval.py`` of py-faster-rcnn, from which curve and AP differ in
    nothing but rounding. G.-S. Xia et al., DOTA: a large-scale dataset for object detection in aerial images,
    CVPR 2018: the same of rotated boxes; its devkit measures labels that are no exact rectangles as the
    quadrilaterals that they are, where here their rectangle counts.

    Examples
    --------
    >>> import detutils
    >>> objects = [([[0, 0, 10, 10], [20, 20, 30, 30]], [0, 0]), ([[5, 5, 9, 9]], [1])]
    >>> found = [([[0, 0, 10, 9], [50, 50, 60, 60]], [0.9, 0.8], [0, 0]), ([], [], [])]
    >>> result = detutils.evaluate_voc(found, objects)
    >>> result.ap, result.mean_ap
    (array([0.5, 0. ]), 0.25)
    """
    threshold = as_threshold(iou_threshold)
    chosen: Method = as_choice(method, "method", ("area", "11-point"))
    strict = as_choice(comparison, "comparison", (">=", ">")) == ">"
    added = as_offset(offset)
    turned = as_optional_angle(angle)
    if turned is not None and added:
        raise ValueError("offset must be 0 with rotated boxes: their edges are no rows of pixels")
    truth = gather_objects(ground_truth, angle=turned)
    images = truth.starts.size - 1
    found = gather_detections(detections, images, angle=turned)
    ranking = rank(found, truth)
    aside = truth.difficult | truth.crowd
    outcomes = np.empty(ranking.order.size, np.int64)
    ordered = np.column_stack([ranking.order, ranking.images[ranking.order]])
    rows = ranking.objects
    owned = np.column_stack([rows, ranking.object_images[rows], aside[rows].astype(np.int64)])
    rule = np.array([threshold, strict, added])
    for c in range(ranking.labels.size):  # a call each, so that Ctrl-C is heard between classes
        mine, objects = ranking.spans(c)
        voc_class(found.boxes, ordered[mine], truth.boxes, owned[objects], images, rule, outcomes[mine])
    counts = np.bincount(np.searchsorted(ranking.labels, truth.labels[~aside]), minlength=ranking.labels.size)
    curves = trace(found.scores[ranking.order], outcomes, ranking.order_from, counts)
    ap = np.full(ranking.labels.size, np.nan)
    for c in np.flatnonzero(counts).tolist():
        ap[c] = summed(curves[c].recall, curves[c].precision, chosen)
    mean_ap = float(ap[counts > 0].mean()) if counts.any() else float("nan")
    return VocResult(ranking.labels, ap, mean_ap, counts, tuple(curves))
