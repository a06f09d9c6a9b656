"""``multiclass_nms`` of mmdet: from boxes and class scores to detections (see ``detutils.compat.mmcv``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detutils._validate import as_array as as_numbers, as_flag, as_integer, as_number, as_vector
from detutils.compat.mmcv.ops.nms import batched_nms
from detutils.compat.tensors import as_array, like, rounded_like
from detutils.heads.candidates import class_candidates


def multiclass_nms(
    multi_bboxes: Any, multi_scores: Any, score_thr: float, nms_cfg: Mapping[str, Any] | None, max_num: int = -1,
    score_factors: Any = None, return_inds: bool = False, box_dim: int = 4,
) -> tuple[Any, ...]:  # fmt: skip
    """Suppression by class of every class above a threshold: ``multiclass_nms`` of mmdet.

    Parameters
    ----------
    multi_bboxes : (N, 4) or (N, 4 C) tensor or array_like
        x1, y1, x2, y2, for all classes or for each.
    multi_scores : (N, C + 1) tensor or array_like
        Scores of the classes; the last column is the background, and is not looked at.
    score_thr : float
        Every class with score > ``score_thr`` becomes a box.
    nms_cfg : mapping or None
        As for ``batched_nms``.
    max_num : int
        At most so many detections, if it is greater than 0.
    score_factors : (N,) tensor or array_like, optional
        By which scores are multiplied once they exceed the threshold.
    return_inds : bool
        Whether to return the indices, too.
    box_dim : int
        Of a box; 4.

    Returns
    -------
    dets : (K, 5) tensor or ndarray
        x1, y1, x2, y2 and score by decreasing score.
    labels : (K,) int64 tensor or ndarray
        Their classes, counted from 0.
    inds : (K,) int64 tensor or ndarray, only with ``return_inds``
        Which of the N C pairs of a row and a class they are: row times C plus class.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If a shape is wrong, a box that takes part is not finite or has x2 < x1 or y2 < y1 (the text counts the pairs
        above the threshold), or an option is out of range.

    See Also
    --------
    detutils.class_candidates : Rows, classes and scores above a threshold.

    Examples
    --------
    >>> from detutils.compat.mmcv import multiclass_nms
    >>> boxes, scores = [[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 9.0]], [[0.75, 0.0, 0.25], [0.5, 0.25, 0.25]]
    >>> dets, labels = multiclass_nms(boxes, scores, 0.1, dict(type="nms", iou_threshold=0.5))
    >>> dets[:, 4], labels
    (array([0.75, 0.25]), array([0, 1]))
    """
    if as_integer(box_dim, "box_dim") != 4:
        raise ValueError(f"box_dim must be 4, got {box_dim}")
    rows, table = as_numbers(as_array(multi_bboxes), "multi_bboxes"), as_numbers(as_array(multi_scores), "multi_scores")
    with_inds, most = as_flag(return_inds, "return_inds"), as_integer(max_num, "max_num")
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError(f"multi_scores must have shape (N, C + 1), the background last, got {table.shape}")
    classes = table.shape[1] - 1
    if rows.shape not in ((len(table), 4), (len(table), 4 * classes)):
        raise ValueError(f"multi_bboxes must have shape {(len(table), 4)} or (N, 4 C), got {rows.shape}")
    floor = rounded_like(as_number(score_thr, "score_thr"), table)
    found = class_candidates(table[:, :-1], floor, channels="last", multi_label=True)
    if rows.shape[1] == 4:
        boxes = rows.take(found.rows, 0)
    else:
        boxes = rows.reshape(-1, classes, 4)[found.rows, found.labels]
    scores = found.scores
    if score_factors is not None:
        scores = scores * as_vector(as_array(score_factors), "score_factors", len(table), keep_float32=True)[found.rows]
    dets, keep = batched_nms(boxes, scores, found.labels, nms_cfg)
    if most > 0:
        dets, keep = dets[:most], keep[:most]
    labels = found.labels.take(keep)
    if not with_inds:
        return like(dets, multi_bboxes), like(labels, multi_bboxes)
    places = found.rows.take(keep) * classes + labels
    return like(dets, multi_bboxes), like(labels, multi_bboxes), like(places, multi_bboxes)
