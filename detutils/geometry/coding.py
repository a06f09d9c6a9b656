"""Box coding: what a regression head learns (boxes relative to anchors), and the way back.

The law of this module: ``decode_boxes(encode_boxes(boxes, anchors), anchors)`` is ``boxes``, for both offsets
and any weights, up to rounding.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from detutils._validate import (
    FLOAT32,
    Array,
    OnInvalid,
    as_box_pair,
    as_boxes,
    as_dropping,
    as_matrix,
    as_number,
    as_offset,
    as_weights,
    raise_undecodable,
    raise_unencodable,
    valid_rows,
)
from detutils.geometry._kernels import coding as kernels


def encode_boxes(
    boxes: npt.ArrayLike,
    anchors: npt.ArrayLike,
    *,
    weights: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0),
    offset: int = 0,
) -> Array:
    """Express boxes as displacements of anchors: regression targets.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels, each with a width and a height.
    anchors : (N, 4) array_like
        The anchor (proposal) of each box, with a width and a height.
    weights : (wx, wy, ww, wh)
        Factors of the four deltas, greater than 0; (10, 10, 5, 5) is usual for the second stage.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule, under which a box of one pixel has x1 ==
        x2.

    Returns
    -------
    deltas : (N, 4) ndarray
        (wx (x - xa) / wa, wy (y - ya) / ha, ww log(w / wa), wh log(h / ha)) with centers x, y and sides w, h
        of the boxes and xa, ya, wa, ha of the anchors. float32 if both inputs are float32, else float64.
        Shape (0, 4) for no boxes.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers or ``weights`` are not numbers.
    ValueError
        If an input is not (N, 4), the lengths differ, a row is not finite, has x2 < x1 or y2 < y1 or has no
        width or height, a delta leaves the range of its dtype, a weight is not greater than 0, or ``offset``
        is neither 0 nor 1.

    See Also
    --------
    decode_boxes : The inverse.

    Notes
    -----
    Linear in N. float32 boxes are encoded in float64 and rounded once.

    References
    ----------
    R. Girshick et al., "Rich feature hierarchies for accurate object detection", CVPR 2014, appendix C, eqs.
    6 to 9; S. Ren et al., "Faster R-CNN", NIPS 2015, eq. 2.

    Examples
    --------
    >>> import detutils
    >>> detutils.encode_boxes([[2, 2, 12, 12]], [[0, 0, 10, 10]])
    array([[0.2, 0.2, 0. , 0. ]])
    """
    targets, origins = as_box_pair(boxes, anchors, "boxes", "anchors", aligned=True)
    factors, added = as_weights(weights), as_offset(offset)
    deltas = np.empty(targets.shape, targets.dtype)
    encode = kernels.encode_float32 if targets.dtype == FLOAT32 else kernels.encode
    row = encode(targets, origins, factors, added, deltas)
    if row >= 0:
        raise_unencodable(targets, origins, row, added)
    return deltas


def decode_boxes(
    deltas: npt.ArrayLike,
    anchors: npt.ArrayLike,
    *,
    weights: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0),
    offset: int = 0,
    clamp: float | None = math.log(1000 / 16),
    on_invalid: OnInvalid = "raise",
) -> Array:
    """Move anchors by displacements: the boxes that a regression head means.

    Parameters
    ----------
    deltas : (N, 4) or (N, 4 C) array_like
        As ``encode_boxes`` makes them; with C classes, the four deltas of each class side by side.
    anchors : (N, 4) array_like
        x1, y1, x2, y2 in pixels; each is moved by its row of ``deltas``.
    weights : (wx, wy, ww, wh)
        Divisors of the four deltas, greater than 0: those with which the targets were encoded.
    offset : {0, 1}
        Added to widths and heights, and taken back: 1 is the inclusive-pixel rule.
    clamp : float, optional
        Upper limit of the weightless third and fourth delta, so that no anchor grows more than exp(clamp)
        times. The default lets an anchor grow 62.5 times. None for no limit.
    on_invalid : {"raise", "drop"}
        What becomes of a row whose deltas are not finite, whose anchor is not finite or has x2 < x1 or y2 < y1, or one
        of whose boxes leaves the range of its dtype. With "drop" it is left out, and the result has fewer rows than
        ``anchors``: the valid ones, in their order. Scores of the boxes are selected by the same rule,
        ``np.isfinite(deltas).all(axis=1)`` where the anchors are boxes and ``clamp`` keeps them in range.

    Returns
    -------
    boxes : (N, 4) or (N, 4 C) ndarray
        x1, y1, x2, y2 in pixels, in the order and shape of ``deltas`` (``.reshape(N, C, 4)`` separates
        classes). float32 if both inputs are float32, else float64. Every box has x1 <= x2 and y1 <= y2: under
        ``offset=1`` one of less than a pixel has x1 == x2. Boxes are not clipped to any image. Empty for no
        anchors.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, or ``weights`` or ``clamp`` are not numbers.
    ValueError
        If ``deltas`` has not one row for each anchor or not 4 C columns, holds NaN or infinity, an anchor is
        not finite or has x2 < x1 or y2 < y1, a decoded coordinate leaves the range of its dtype, a weight is
        not greater than 0, ``clamp`` is not finite, or ``offset`` is neither 0 nor 1.

    See Also
    --------
    encode_boxes : The inverse. clip_boxes_to_image : What usually follows.

    Notes
    -----
    Linear in N C. float32 deltas are decoded in float64 and rounded once. py-faster-rcnn does not take its +
    1 back when it decodes; here deltas of 0 return the anchor itself, for both offsets.

    References
    ----------
    R. Girshick et al., "Rich feature hierarchies for accurate object detection", CVPR 2014, appendix C, eqs.
    1 to 4. The limit is torchvision's and detectron2's.

    Examples
    --------
    >>> import detutils
    >>> detutils.decode_boxes([[0.2, 0.2, 0, 0]], [[0, 0, 10, 10]])
    array([[ 2.,  2., 12., 12.]])
    >>> detutils.decode_boxes([[0, 0, 0, 0, 0.5, 0, 0, 0]], [[0, 0, 9, 9]], offset=1)
    array([[ 0.,  0.,  9.,  9.,  5.,  0., 14.,  9.]])
    """
    dropping = as_dropping(on_invalid)
    origins = as_boxes(anchors, "anchors", keep_float32=True, check_rows=not dropping)
    moves = as_matrix(deltas, "deltas", rows=origins.shape[0], keep_float32=True, finite=not dropping)
    if dropping:
        kept = valid_rows(origins.astype(np.float64, copy=False))
        kept = kept[np.isfinite(moves[kept]).all(axis=1)]
        origins, moves = origins[kept], moves[kept]
    if moves.shape[1] % 4:
        raise ValueError(f"deltas must have 4 columns, or 4 for each class, got {moves.shape}")
    if moves.dtype != origins.dtype:
        moves, origins = moves.astype(np.float64, copy=False), origins.astype(np.float64, copy=False)
    divisors, added = as_weights(weights), as_offset(offset)
    limit = math.inf if clamp is None else as_number(clamp, "clamp")
    boxes = np.empty(moves.shape, moves.dtype)
    decode = kernels.decode_float32 if moves.dtype == FLOAT32 else kernels.decode
    row = decode(moves, origins, divisors, added, limit, boxes)
    if row >= 0 and not dropping:
        raise_undecodable(moves, origins, row)
    if row < 0:
        return boxes
    good, start = np.ones(len(boxes), bool), 0
    while row >= 0:  # the kernel stops at the first row out of range
        start += row + 1
        good[start - 1] = False
        row = decode(moves[start:], origins[start:], divisors, added, limit, boxes[start:])
    remaining: Array = boxes[good]
    return remaining
