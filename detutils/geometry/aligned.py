"""How much the i-th box of one set overlaps the i-th box of another: five measures, (N,) vectors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detutils._validate import Array, as_box_pair, as_offset
from detutils.geometry._kernels import overlaps as kernels


def _row_by_row(kind: np.int64, boxes1: npt.ArrayLike, boxes2: npt.ArrayLike, offset: int) -> Array:
    first, second = as_box_pair(boxes1, boxes2, aligned=True)
    wide, others = first.astype(np.float64, copy=False), second.astype(np.float64, copy=False)
    out = np.empty(len(wide))
    kernels.aligned(int(kind), wide, others, as_offset(offset), out)
    return out.astype(first.dtype, copy=False)


def aligned_box_iou(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike, *, offset: int = 0) -> Array:
    """Intersection over union of the i-th box of one set with the i-th box of another.

    The area of the intersection divided by the area of the union.

    Parameters
    ----------
    boxes1 : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    boxes2 : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule of R-CNN and the VOC devkit.

    Returns
    -------
    iou : (N,) ndarray
        Between 0 and 1. float32 if both inputs are float32, else float64. Shape (0,) for no boxes. Where the
        union has no area the result is 0.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers.
    ValueError
        If an input is not (N, 4), a row is not finite or has x2 < x1 or y2 < y1, the lengths differ, or
        ``offset`` is neither 0 nor 1.

    See Also
    --------
    box_iou : Every box with every other box.

    Notes
    -----
    Linear in N. Computed in float64 and rounded once.

    References
    ----------
    P. Jaccard, "The distribution of the flora in the alpine zone", New Phytologist 11, 1912; the overlap a_o
    of M. Everingham et al., "The PASCAL Visual Object Classes (VOC) challenge", IJCV 88, 2010, eq. 3.

    Examples
    --------
    >>> import detutils
    >>> detutils.aligned_box_iou([[0, 0, 10, 10], [5, 5, 9, 9]], [[0, 0, 10, 5], [7, 7, 9, 9]])
    array([0.5 , 0.25])
    """
    return _row_by_row(kernels.IOU, boxes1, boxes2, offset)


def aligned_box_ioa(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike, *, offset: int = 0) -> Array:
    """How much of the i-th box of one set lies inside the i-th box of another (intersection over area, IoA).

    The area of the intersection divided by the area of the box of ``boxes1``. COCO's overlap with a crowd region is
    this, with detections as ``boxes1`` and crowds as ``boxes2``.

    Parameters
    ----------
    boxes1 : (N, 4) array_like
        x1, y1, x2, y2 in pixels. Their areas are the divisors.
    boxes2 : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule of R-CNN and the VOC devkit.

    Returns
    -------
    ioa : (N,) ndarray
        Between 0 and 1. float32 if both inputs are float32, else float64. Shape (0,) for no boxes. Where the
        first box has no area the result is 0.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers.
    ValueError
        If an input is not (N, 4), a row is not finite or has x2 < x1 or y2 < y1, the lengths differ, or
        ``offset`` is neither 0 nor 1.

    See Also
    --------
    box_ioa : Every box with every other box.

    Notes
    -----
    Linear in N. Computed in float64 and rounded once.

    References
    ----------
    T.-Y. Lin et al., "Microsoft COCO: common objects in context", ECCV 2014; ``iscrowd`` of pycocotools'
    ``mask.iou``.

    Examples
    --------
    >>> import detutils
    >>> detutils.aligned_box_ioa([[0, 0, 10, 10], [5, 5, 9, 9]], [[0, 0, 10, 5], [7, 7, 9, 9]])
    array([0.5 , 0.25])
    """
    return _row_by_row(kernels.IOA, boxes1, boxes2, offset)


def aligned_generalized_box_iou(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike, *, offset: int = 0) -> Array:
    """Generalized intersection over union (GIoU) of the i-th box of one set with the i-th box of another.

    IoU - area(hull minus union) / area(hull), where the hull is the smallest box around both.

    Parameters
    ----------
    boxes1 : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    boxes2 : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule of R-CNN and the VOC devkit.

    Returns
    -------
    giou : (N,) ndarray
        Above -1, at most 1. float32 if both inputs are float32, else float64. Shape (0,) for no boxes. Where
        the hull has no area there is no penalty, and the result is 0.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers.
    ValueError
        If an input is not (N, 4), a row is not finite or has x2 < x1 or y2 < y1, the lengths differ, or
        ``offset`` is neither 0 nor 1.

    See Also
    --------
    generalized_box_iou : Every box with every other box.

    Notes
    -----
    Linear in N. Computed in float64 and rounded once.

    References
    ----------
    H. Rezatofighi et al., "Generalized intersection over union", CVPR 2019, algorithm 1.

    Examples
    --------
    >>> import detutils
    >>> detutils.aligned_generalized_box_iou([[0, 0, 10, 10], [5, 5, 9, 9]], [[0, 0, 10, 5], [7, 7, 9, 9]])
    array([0.5 , 0.25])
    """
    return _row_by_row(kernels.GIOU, boxes1, boxes2, offset)


def aligned_distance_box_iou(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike, *, offset: int = 0) -> Array:
    """Distance intersection over union (DIoU) of the i-th box of one set with the i-th box of another.

    IoU - d^2 / c^2, with d the distance of the centers and c the diagonal of the smallest box around both.

    Parameters
    ----------
    boxes1 : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    boxes2 : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule of R-CNN and the VOC devkit.

    Returns
    -------
    diou : (N,) ndarray
        Above -1, at most 1. float32 if both inputs are float32, else float64. Shape (0,) for no boxes. Where
        the diagonal is 0 (two equal points) there is no penalty, and the result is 0.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers.
    ValueError
        If an input is not (N, 4), a row is not finite or has x2 < x1 or y2 < y1, the lengths differ, or
        ``offset`` is neither 0 nor 1.

    See Also
    --------
    distance_box_iou : Every box with every other box.

    Notes
    -----
    Linear in N. Computed in float64 and rounded once.

    References
    ----------
    Z. Zheng et al., "Distance-IoU loss", AAAI 2020, eqs. 6 and 7.

    Examples
    --------
    >>> import detutils
    >>> detutils.aligned_distance_box_iou([[0, 0, 10, 10], [5, 5, 9, 9]], [[0, 0, 10, 5], [7, 7, 9, 9]])
    array([0.46875, 0.1875 ])
    """
    return _row_by_row(kernels.DIOU, boxes1, boxes2, offset)


def aligned_complete_box_iou(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike, *, offset: int = 0) -> Array:
    """Complete intersection over union (CIoU) of the i-th box of one set with the i-th box of another.

    DIoU - alpha v, where v = (4 / pi^2) (arctan(w1 / h1) - arctan(w2 / h2))^2 compares the shapes and
    alpha = v / ((1 - IoU) + v) weighs them.

    Parameters
    ----------
    boxes1 : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    boxes2 : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule of R-CNN and the VOC devkit.

    Returns
    -------
    ciou : (N,) ndarray
        Above -2, at most 1. float32 if both inputs are float32, else float64. Shape (0,) for no boxes.
        arctan(w / h) is a right angle for a box without height and 0 for a point; alpha is 0 where v is.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers.
    ValueError
        If an input is not (N, 4), a row is not finite or has x2 < x1 or y2 < y1, the lengths differ, or
        ``offset`` is neither 0 nor 1.

    See Also
    --------
    complete_box_iou : Every box with every other box.

    Notes
    -----
    Linear in N. Computed in float64 and rounded once.

    References
    ----------
    Z. Zheng et al., "Distance-IoU loss", AAAI 2020, eqs. 8 to 11.

    Examples
    --------
    >>> import detutils
    >>> detutils.aligned_complete_box_iou([[0, 0, 10, 10], [5, 5, 9, 9]], [[0, 0, 10, 5], [7, 7, 9, 9]])
    array([0.46550187, 0.1875    ])
    """
    return _row_by_row(kernels.CIOU, boxes1, boxes2, offset)
