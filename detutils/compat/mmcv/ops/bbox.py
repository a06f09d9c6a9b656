"""``mmcv.ops.bbox``: overlaps (see ``detutils.compat.mmcv``)."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from detutils._validate import FLOAT32, as_boxes, as_choice, as_flag
from detutils.compat.tensors import as_array, like, like_in_dtype
from detutils.geometry import aligned as by_row, overlaps

_MODES: tuple[Literal["iou", "iof"], ...] = ("iou", "iof")


def bbox_overlaps(bboxes1: Any, bboxes2: Any, mode: str = "iou", aligned: bool = False, offset: int = 0) -> Any:
    """Overlaps of every box with every box, or row by row: ``mmcv.ops.bbox_overlaps``.

    Parameters
    ----------
    bboxes1 : (M, 4) tensor or array_like
        x1, y1, x2, y2.
    bboxes2 : (N, 4) tensor or array_like
        x1, y1, x2, y2.
    mode : {"iou", "iof"}
        Intersection over union, or over the area of the box of ``bboxes1`` (the foreground).
    aligned : bool
        Compare row by row; both sets then have one length.
    offset : {0, 1}
        Added to widths and heights.

    Returns
    -------
    overlaps : (M, N) or (M,) tensor or ndarray
        Of the dtype of ``bboxes1``; float32 where that is an integer dtype. 0 where a divisor is 0.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If a shape is wrong, a row is not finite or has x2 < x1 or y2 < y1, or an option is out of range.

    See Also
    --------
    detutils.box_iou, detutils.box_ioa : Every box with every box.
    detutils.aligned_box_iou, detutils.aligned_box_ioa : Row by row.

    Examples
    --------
    >>> from detutils.compat.mmcv.ops import bbox_overlaps
    >>> bbox_overlaps([[0.0, 0.0, 10.0, 10.0]], [[0.0, 0.0, 10.0, 5.0], [0.0, 0.0, 20.0, 10.0]], mode="iof")
    array([[0.5, 1. ]])
    """
    first, second = as_array(bboxes1), as_array(bboxes2)
    rows, columns = as_boxes(first, "bboxes1", keep_float32=True), as_boxes(second, "bboxes2", keep_float32=True)
    of_union = as_choice(mode, "mode", _MODES) == "iou"
    if as_flag(aligned, "aligned"):
        answer = (by_row.aligned_box_iou if of_union else by_row.aligned_box_ioa)(rows, columns, offset=offset)
    else:
        answer = (overlaps.box_iou if of_union else overlaps.box_ioa)(rows, columns, offset=offset)
    if isinstance(first, np.ndarray) and first.dtype.kind in "iu":
        return like(answer.astype(FLOAT32), bboxes1)
    return like_in_dtype(answer, bboxes1, first, "overlaps")
