"""sahi's suppression and merging of predictions: rows x1, y1, x2, y2, score, category in, row numbers out.

Change the import line::

    from sahi.postprocess.combine import nms, batched_nms, greedy_nmm, batched_greedy_nmm, nmm, batched_nmm
    from detutils.compat.sahi import nms, batched_nms, greedy_nmm, batched_greedy_nmm, nmm, batched_nmm

Equal to sahi 0.12 with its Numba backend, which it takes wherever Numba is installed: a box at exactly the threshold
is suppressed or merged, equal scores are ranked by x1, y1, x2, y2, and a threshold of 0 matches every pair. What
differs::

    original                                here                                    why
    nmm, and the NumPy backend, round       float64, for every dtype and number     a decision must not depend on the
    overlaps to float32; above 2,000 rows   of rows                                 dtype or on how many rows there are
    all measure in the dtype of the rows
    nmm at threshold 0 leaves copies of a   merged, as at any other threshold       the original's shortcut for 0 knows
    box alone that ties with the best one                                           copies of the best box only
    categories that are not whole numbers   TypeError (batched_*)                   classes are compared as integers
    any match_metric but "IOU" means IOS    ValueError                              a slip of the pen is no metric
    thresholds outside 0 ... 1              ValueError
    NaN, x2 < x1: some answer               ValueError with the row                 no silent wrong answer
    an N x N matrix or a tree               neither                                 memory is about 100 bytes a row

The classes that merge ``ObjectPrediction`` objects are not here; ``detutils.merge_boxes`` merges boxes.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt

from detutils import _validate as check
from detutils._jit import F8, I8
from detutils._validate import FLOAT32, FLOAT64, INT64, NDARRAY, Array
from detutils.compat.tensors import as_array
from detutils.geometry.overlaps import box_ioa, box_iou
from detutils.suppression.explain import explain_nms
from detutils.suppression.greedy import batched_nms as nms_by_class, nms as greedy_nms

__all__ = ["batched_greedy_nmm", "batched_nmm", "batched_nms", "greedy_nmm", "nmm", "nms"]

Metric = Literal["IOU", "IOS"]
_count = np.count_nonzero
_BLOCK = 1 << 21  # overlaps at a time
_ROWS = 128
_METRICS: dict[Any, Literal["iou", "ios"]] = {"IOU": "iou", "IOS": "ios"}


def nms(predictions: npt.ArrayLike, match_metric: Metric = "IOU", match_threshold: float = 0.5) -> list[int]:
    """Greedy suppression; a box at exactly the threshold is suppressed.

    Parameters
    ----------
    predictions : (N, 5 or more) array_like
        x1, y1, x2, y2 in pixels, score; the category in the sixth column is not read.
    match_metric : {"IOU", "IOS"}, default "IOU"
        Intersection over union, or over the smaller area.
    match_threshold : float, default 0.5
        In [0, 1]; at 0 the best box suppresses all others.

    Returns
    -------
    keep : list of int
        Rows that are kept, by decreasing score; equal scores by x1, y1, x2, y2. Empty for no rows.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or ``match_metric`` is no string.
    ValueError
        If ``predictions`` has fewer than five columns, a row is not finite or has x2 < x1 or y2 < y1, or an option is
        unknown or out of range.

    Examples
    --------
    >>> from detutils.compat.sahi import nms
    >>> nms([[0, 0, 10, 10, 0.8, 0], [0, 0, 10, 5, 0.9, 1], [20, 0, 30, 10, 0.7, 0]])
    [1, 2]
    """
    rows, beyond = _rows(predictions, 5), _beyond(match_threshold)
    metric = _metric(match_metric)
    order = _order(rows, False) if _tied(rows) else None
    ranked = rows if order is None else rows.take(order, 0)
    try:
        keep = greedy_nms(ranked[:, :4], ranked[:, 4], beyond, metric=metric)
    except ValueError:
        _refuse(rows)
    if match_threshold <= 0:
        keep = keep[:1] if len(keep) else keep
    return (keep if order is None else order.take(keep)).tolist()  # type: ignore[no-any-return]


def batched_nms(predictions: npt.ArrayLike, match_metric: Metric = "IOU", match_threshold: float = 0.5) -> list[int]:
    """``nms`` within each category.

    Parameters
    ----------
    predictions : (N, 6 or more) array_like
        x1, y1, x2, y2 in pixels, score, category.
    match_metric : {"IOU", "IOS"}, default "IOU"
        Intersection over union, or over the smaller area.
    match_threshold : float, default 0.5
        In [0, 1]; at 0 the best box of a category suppresses all others.

    Returns
    -------
    keep : list of int
        Rows that are kept, by decreasing score; equal scores by category, then x1, y1, x2, y2. Empty for no rows.

    Raises
    ------
    TypeError
        If an argument is not of numbers, categories are not whole numbers, or ``match_metric`` is no string.
    ValueError
        If ``predictions`` has fewer than six columns, a row is not finite or has x2 < x1 or y2 < y1, or an option is
        unknown or out of range.

    Examples
    --------
    >>> from detutils.compat.sahi import batched_nms
    >>> batched_nms([[0, 0, 10, 10, 0.8, 0], [0, 0, 10, 5, 0.9, 1], [0, 0, 10, 9, 0.7, 0]])
    [1, 0]
    """
    rows, beyond = _rows(predictions, 6), _beyond(match_threshold)
    metric = _metric(match_metric)
    order = _order(rows, True) if _tied(rows) else None
    ranked = rows if order is None else rows.take(order, 0)
    try:
        keep = nms_by_class(ranked[:, :4], ranked[:, 4], _categories(ranked), beyond, metric=metric)
    except ValueError:
        _refuse(rows)
    if match_threshold <= 0:
        keep = keep[np.sort(np.unique(ranked[keep, 5], return_index=True)[1])]
    return (keep if order is None else order.take(keep)).tolist()  # type: ignore[no-any-return]


def greedy_nmm(
    predictions: npt.ArrayLike, match_metric: Metric = "IOU", match_threshold: float = 0.5
) -> dict[int, list[int]]:
    """Greedy merging: which boxes each kept one takes in.

    Parameters
    ----------
    predictions : (N, 5 or more) array_like
        x1, y1, x2, y2 in pixels, score; the category in the sixth column is not read.
    match_metric : {"IOU", "IOS"}, default "IOU"
        Intersection over union, or over the smaller area.
    match_threshold : float, default 0.5
        In [0, 1]. A box at exactly the threshold is merged; at 0 the best box takes in all others.

    Returns
    -------
    keep_to_merge_list : dict of int to list of int
        For each kept row, by decreasing score, the rows that are merged into it, by decreasing score; equal scores by
        x1, y1, x2, y2. Empty for no rows.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or ``match_metric`` is no string.
    ValueError
        If ``predictions`` has fewer than five columns, a row is not finite or has x2 < x1 or y2 < y1, or an option is
        unknown or out of range.

    Examples
    --------
    >>> from detutils.compat.sahi import greedy_nmm
    >>> greedy_nmm([[0, 0, 60, 20, 0.9, 0], [50, 0, 90, 20, 0.8, 0], [45, 0, 64, 20, 0.7, 0]], "IOS")
    {0: [2], 1: []}
    """
    rows, beyond = _rows(predictions, 5), _beyond(match_threshold)
    metric = _metric(match_metric)
    if match_threshold > 0 and (order := _untied(rows)) is not None:
        return _taken_in(rows, order, None, metric, beyond)
    return _merged(rows, None, metric, beyond, match_threshold <= 0)


def batched_greedy_nmm(
    predictions: npt.ArrayLike, match_metric: Metric = "IOU", match_threshold: float = 0.5
) -> dict[int, list[int]]:
    """``greedy_nmm`` within each category.

    Parameters
    ----------
    predictions : (N, 6 or more) array_like
        x1, y1, x2, y2 in pixels, score, category.
    match_metric : {"IOU", "IOS"}, default "IOU"
        Intersection over union, or over the smaller area.
    match_threshold : float, default 0.5
        In [0, 1]. A box at exactly the threshold is merged; at 0 the best box of a category takes in all others.

    Returns
    -------
    keep_to_merge_list : dict of int to list of int
        As from ``greedy_nmm``, the lowest category first.

    Raises
    ------
    TypeError
        If an argument is not of numbers, categories are not whole numbers, or ``match_metric`` is no string.
    ValueError
        If ``predictions`` has fewer than six columns, a row is not finite or has x2 < x1 or y2 < y1, or an option is
        unknown or out of range.

    Examples
    --------
    >>> from detutils.compat.sahi import batched_greedy_nmm
    >>> batched_greedy_nmm([[0, 0, 10, 10, 0.8, 1], [0, 0, 10, 5, 0.9, 0], [0, 0, 10, 9, 0.7, 1]])
    {1: [], 0: [2]}
    """
    rows, beyond = _rows(predictions, 6), _beyond(match_threshold)
    labels, metric = _categories(rows), _metric(match_metric)
    if match_threshold > 0 and (order := _untied(rows)) is not None:
        return _taken_in(rows, order, labels, metric, beyond)
    return _merged(rows, labels, metric, beyond, match_threshold <= 0)


def nmm(predictions: npt.ArrayLike, match_metric: Metric = "IOU", match_threshold: float = 0.5) -> dict[int, list[int]]:
    """Merging of chains: a box joins the best box that it overlaps, wherever that one went itself.

    Parameters
    ----------
    predictions : (N, 5 or more) array_like
        x1, y1, x2, y2 in pixels, score; the category in the sixth column is not read.
    match_metric : {"IOU", "IOS"}, default "IOU"
        Intersection over union, or over the smaller area.
    match_threshold : float, default 0.5
        In [0, 1]. A box at exactly the threshold is merged; at 0 every pair overlaps.

    Returns
    -------
    keep_to_merge_list : dict of int to list of int
        For each kept row, by decreasing score, the rows that are merged into it: those that overlap the best box of the
        chain first, then those that overlap the next, each time by row. Boxes of equal score do not take each other in
        unless they are the same box. Empty for no rows.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or ``match_metric`` is no string.
    ValueError
        If ``predictions`` has fewer than five columns, a row is not finite or has x2 < x1 or y2 < y1, or an option is
        unknown or out of range.

    Notes
    -----
    A block of rows is measured against all that reach its columns: N^2 overlaps where boxes are crowded, in bounded
    memory. The other functions here are about linear in N.

    Examples
    --------
    >>> from detutils.compat.sahi import nmm
    >>> nmm([[0, 0, 60, 20, 0.9, 0], [50, 0, 90, 20, 0.7, 0], [45, 0, 64, 20, 0.8, 0]], "IOS")
    {0: [2, 1]}
    """
    rows, threshold = _rows(predictions, 5), check.as_threshold(match_threshold, "match_threshold")
    return _chained(rows, None, _metric(match_metric), threshold)


def batched_nmm(
    predictions: npt.ArrayLike, match_metric: Metric = "IOU", match_threshold: float = 0.5
) -> dict[int, list[int]]:
    """``nmm`` within each category.

    Parameters
    ----------
    predictions : (N, 6 or more) array_like
        x1, y1, x2, y2 in pixels, score, category.
    match_metric : {"IOU", "IOS"}, default "IOU"
        Intersection over union, or over the smaller area.
    match_threshold : float, default 0.5
        In [0, 1]. A box at exactly the threshold is merged; at 0 every pair of a category overlaps.

    Returns
    -------
    keep_to_merge_list : dict of int to list of int
        As from ``nmm``, the lowest category first.

    Raises
    ------
    TypeError
        If an argument is not of numbers, categories are not whole numbers, or ``match_metric`` is no string.
    ValueError
        If ``predictions`` has fewer than six columns, a row is not finite or has x2 < x1 or y2 < y1, or an option is
        unknown or out of range.

    Examples
    --------
    >>> from detutils.compat.sahi import batched_nmm
    >>> batched_nmm([[0, 0, 60, 20, 0.9, 5], [50, 0, 90, 20, 0.7, 5], [45, 0, 64, 20, 0.8, 4]], "IOS")
    {2: [], 0: [], 1: []}
    """
    rows, threshold = _rows(predictions, 6), check.as_threshold(match_threshold, "match_threshold")
    return _chained(rows, _categories(rows), _metric(match_metric), threshold)


def _rows(predictions: Any, columns: int) -> Array:
    rows = as_array(predictions)
    if type(rows) is NDARRAY and (rows.dtype is FLOAT64 or rows.dtype is FLOAT32) and rows.ndim == 2:
        if rows.shape[1] >= columns:
            return rows
    rows = check.as_floats(rows, "predictions", True)
    if rows.shape == (0,):  # none, written as []
        return np.empty((0, columns))
    if rows.ndim != 2 or rows.shape[1] < columns:
        raise ValueError(f"predictions must have shape (N, {columns}) or more columns, got {rows.shape}")
    return rows


def _beyond(match_threshold: Any) -> float:
    """The number beyond which a measure is at least the threshold."""
    threshold = check.as_threshold(match_threshold, "match_threshold")
    return math.nextafter(threshold, 0.0) if threshold else 1.0


def _metric(match_metric: Any) -> Literal["iou", "ios"]:
    if type(match_metric) is str and match_metric in _METRICS:
        return _METRICS[match_metric]
    return _METRICS[check.as_choice(match_metric, "match_metric", ("IOU", "IOS"))]


def _categories(rows: Array) -> I8:
    column = rows[:, 5]
    with np.errstate(invalid="ignore"):
        labels = column.astype(INT64)
    if _count(labels != column):
        return check.as_labels(column, "the sixth column of predictions")
    return labels


def _tied(rows: Array) -> bool:
    """Whether scores are equal, so that their order must be sahi's."""
    scores = rows[:, 4].copy()
    scores.sort()
    return 1 in (scores[1:] == scores[:-1]).tobytes()  # a third of what it costs to count them


def _untied(rows: Array) -> I8 | None:
    """Ranks by falling score, or None where scores are equal."""
    scores = rows[:, 4]
    order: I8 = scores.argsort()
    ranked = scores.take(order)
    return None if 1 in (ranked[1:] == ranked[:-1]).tobytes() else order[::-1]


def _order(rows: Array, by_category: bool) -> I8:
    """By decreasing score, category and coordinates."""
    x1, y1, x2, y2, scores = rows.T[:5]
    order: I8 = np.lexsort((y2, x2, y1, x1, rows[:, 5], -scores) if by_category else (y2, x2, y1, x1, -scores))
    return order


def _refuse(rows: Array) -> NoReturn:
    """Say what is wrong in the words of the caller."""
    check.as_boxes(rows[:, :4].astype(FLOAT64), "predictions")
    check.as_vector(rows[:, 4].astype(FLOAT64), "the fifth column of predictions")
    raise


def _taken_in(
    rows: Array, order: I8, labels: I8 | None, metric: Literal["iou", "ios"], beyond: float
) -> dict[int, list[int]]:  # fmt: skip
    """What each kept box suppresses, where no scores are equal."""
    try:
        keep, by, _ = explain_nms(rows[:, :4], rows[:, 4], beyond, labels=labels, metric=metric)
    except ValueError:
        _refuse(rows)
    if labels is not None:
        keep = keep.take(labels.take(keep).argsort(kind="stable"))
    groups: dict[int, list[int]] = {row: [] for row in keep.tolist()}
    for row, owner in zip(order.tolist(), by.take(order).tolist(), strict=True):
        if owner >= 0:
            groups[owner].append(row)
    return groups


def _merged(
    rows: Array, labels: I8 | None, metric: Literal["iou", "ios"], beyond: float, every: bool
) -> dict[int, list[int]]:
    """What each kept box suppresses."""
    order = _order(rows, labels is not None)
    ranked, names = rows.take(order, 0), None if labels is None else labels.take(order)
    try:
        found = explain_nms(ranked[:, :4], ranked[:, 4], beyond, labels=names, metric=metric)
    except ValueError:
        _refuse(rows)
    ranks = np.arange(len(order))
    owners = np.where(found.suppressed_by < 0, ranks, found.suppressed_by)
    if every:  # what does not overlap, too
        classes = np.zeros(len(order), np.int64) if names is None else names
        _, first, inverse = np.unique(classes, return_index=True, return_inverse=True)
        owners = first[inverse]
    return _grouped(order, owners, names, ranks)


def _chained(rows: Array, labels: I8 | None, metric: Literal["iou", "ios"], threshold: float) -> dict[int, list[int]]:
    """What each box takes in, whoever took that box in."""
    order = _order(rows, labels is not None)
    ranked, names = rows.take(order, 0).astype(FLOAT64), None if labels is None else labels.take(order)
    boxes, scores, parents = ranked[:, :4].copy(), ranked[:, 4].copy(), np.arange(len(order))
    try:
        check.as_boxes(boxes)
        check.as_vector(scores)
    except ValueError:
        _refuse(rows)
    classes = [parents] if names is None else [np.flatnonzero(names == name) for name in np.unique(names)]
    for mine in classes:
        parents[mine] = mine[_parents(boxes[mine], scores[mine], metric, threshold)]
    owners = list(range(len(parents)))
    for rank, parent in enumerate(parents.tolist()):
        owners[rank] = owners[parent]
    return _grouped(order, np.array(owners, INT64), names, np.lexsort((order, parents)))


def _parents(boxes: F8, scores: F8, metric: Literal["iou", "ios"], threshold: float) -> I8:
    """The first of the better boxes that each box overlaps, or itself; boxes come by falling score."""
    n = len(boxes)
    ranks = np.arange(n)
    parents = ranks.copy()
    overlaps = box_iou if metric == "iou" else _ios
    by_x = np.argsort(boxes[:, 0], kind="stable")
    begins, ends = boxes[by_x, 0], np.maximum.accumulate(boxes[by_x, 2])
    step = max(1, min(_ROWS, _BLOCK // max(n, 1)))
    for start in range(0, n, step):
        mine = by_x[start : start + step]
        others = ranks  # at a threshold of 0 boxes match wherever they are
        if threshold > 0.0:  # else those that reach the columns of mine
            last = np.searchsorted(begins, boxes[mine, 2].max(), "right")
            others = np.sort(by_x[np.searchsorted(ends, begins[start], "left") : last])
        met = overlaps(boxes[mine], boxes[others]) >= threshold
        met &= others < mine[:, None]
        tied, with_what = np.nonzero(met & (scores[others] == scores[mine, None]))  # these take in their copies only
        met[tied, with_what] = (boxes[mine[tied]] == boxes[others[with_what]]).all(axis=1)
        found = met.any(axis=1)
        parents[mine[found]] = others[met[found].argmax(axis=1)]
    return parents


def _ios(boxes: F8, others: F8) -> F8:
    """Intersection over the smaller area."""
    return np.maximum(box_ioa(boxes, others), box_ioa(others, boxes).T)


def _grouped(order: I8, owners: I8, names: I8 | None, turns: I8) -> dict[int, list[int]]:
    """Rows by who owns them, as ranks: owners by category, what they own in the order of ``turns``."""
    keep = np.flatnonzero(owners == np.arange(len(owners)))
    if names is not None:
        keep = keep[np.argsort(names[keep], kind="stable")]
    groups: dict[int, list[int]] = {row: [] for row in order[keep].tolist()}
    members = turns[owners[turns] != turns]
    for row, owner in zip(order[members].tolist(), order[owners[members]].tolist(), strict=True):
        groups[owner].append(row)
    return groups
