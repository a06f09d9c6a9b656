"""``cv2.dnn``: suppression of boxes given as x, y, width, height. What differs: see ``detutils.compat.cv2``."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, NamedTuple, NoReturn

import numpy as np

from detutils._jit import B1, F4, F8, I4, I8
from detutils._kernels.limits import LIMIT
from detutils._validate import (
    FLOAT32,
    FLOAT64,
    as_array,
    as_boxes,
    as_flag,
    as_integer,
    as_items,
    as_items_of,
    as_labels,
    as_number,
    as_threshold,
    as_vector,
)
from detutils.compat.tensors import as_array as plain
from detutils.geometry.boxes import box_convert
from detutils.geometry.overlaps import box_iou
from detutils.suppression.fusion import soft_nms
from detutils.suppression.greedy import batched_nms, nms
from detutils.suppression.rotated import rotated_nms

SOFT_NMSMETHOD_SOFTNMS_LINEAR = SoftNMSMethod_SOFTNMS_LINEAR = 1
SOFT_NMSMETHOD_SOFTNMS_GAUSSIAN = SoftNMSMethod_SOFTNMS_GAUSSIAN = 2
_METHODS: dict[int, Literal["linear", "gaussian"]] = {1: "linear", 2: "gaussian"}
_NO_ETA, _ALL = 1.0, 0  # defaults, known by identity: a small call has no time to check them
_ONE = np.float32(1.0)
_INT32 = np.dtype(np.int32)

Indices = I4 | tuple[()]


def NMSBoxes(
    bboxes: Any,
    scores: Any,
    score_threshold: float,
    nms_threshold: float,
    eta: float | None = 1.0,
    top_k: int | None = 0,
    *,
    empty_array: bool = False,
) -> Indices:
    """Greedy suppression of boxes, best first.

    Parameters
    ----------
    bboxes : (N, 4) array_like
        x, y, width, height: arrays, lists or tuples of integers or floats.
    scores : (N,) array_like
        Counted in float32.
    score_threshold : float
        At least 0. Boxes with score > ``score_threshold`` take part; the others may be anything but NaN.
    nms_threshold : float
        In [0, 1]. A box stays at this IoU with a kept one.
    eta : float, default 1
        Greater than 0. If it is less than 1, the threshold is multiplied by it at each kept box while it exceeds 0.5.
    top_k : int, default 0
        If greater than 0, only so many boxes of the highest scores take part.
    empty_array : bool, default False
        Not OpenCV's: whether no box is an empty array instead of ``()``.

    Returns
    -------
    indices : (K,) int32 ndarray, or ()
        Kept boxes by falling score; of tied ones the lower index first.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> from detutils.compat import cv2
    >>> cv2.dnn.NMSBoxes([[0, 0, 10, 10], [1, 0, 10, 10], [50, 0, 9, 9]], [0.8, 0.9, 0.7], 0.5, 0.4)
    array([1, 2], dtype=int32)
    """
    floor, limit = as_number(score_threshold, "score_threshold", 0.0), as_threshold(nms_threshold, "nms_threshold")
    least = _rounded(floor)
    scene = _as_scene(bboxes, scores, least)
    return _answer(_keep(scene, None, limit, least, _as_eta(eta), _as_most(top_k)), empty_array)


def NMSBoxesBatched(
    bboxes: Any,
    scores: Any,
    class_ids: Any,
    score_threshold: float,
    nms_threshold: float,
    eta: float | None = 1.0,
    top_k: int | None = 0,
    *,
    empty_array: bool = False,
) -> Indices:
    """``NMSBoxes`` within each class; ``top_k`` and ``eta`` count over all of them.

    Parameters
    ----------
    bboxes, scores, nms_threshold, eta, top_k, empty_array
        As for ``NMSBoxes``.
    class_ids : (N,) array_like of int
        Which boxes suppress each other.
    score_threshold : float
        As for ``NMSBoxes``, but may be negative.

    Returns
    -------
    indices : (K,) int32 ndarray, or ()
        As of ``NMSBoxes``.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> from detutils.compat import cv2
    >>> cv2.dnn.NMSBoxesBatched([[0, 0, 10, 10], [1, 0, 10, 10]], [0.8, 0.9], [0, 1], 0.5, 0.4)
    array([1, 0], dtype=int32)
    """
    floor, limit = as_number(score_threshold, "score_threshold"), as_threshold(nms_threshold, "nms_threshold")
    least = _rounded(floor)
    scene = _as_scene(bboxes, scores, least)
    labels = as_labels(plain(class_ids), "class_ids", len(scene[1]))
    return _answer(_keep(scene, labels, limit, least, _as_eta(eta), _as_most(top_k)), empty_array)


def softNMSBoxes(
    bboxes: Any,
    scores: Any,
    score_threshold: float,
    nms_threshold: float,
    top_k: int | None = 0,
    sigma: float | None = 0.5,
    method: int | None = SOFT_NMSMETHOD_SOFTNMS_GAUSSIAN,
    *,
    empty_array: bool = False,
) -> tuple[F4 | tuple[()], Indices]:
    """Soft-NMS: scores fall with the overlap with better boxes.

    Parameters
    ----------
    bboxes, scores, empty_array
        As for ``NMSBoxes``.
    score_threshold : float
        At least 0. A box takes part as long as its score is not less.
    nms_threshold : float
        In [0, 1]. What the linear method leaves alone.
    top_k : int, default 0
        If greater than 0, at most so many boxes are kept.
    sigma : float, default 0.5
        Greater than 0; the width of the gaussian method.
    method : {1, 2}, default 2
        ``SOFT_NMSMETHOD_SOFTNMS_LINEAR`` or ``SOFT_NMSMETHOD_SOFTNMS_GAUSSIAN``.

    Returns
    -------
    updated_scores : (K,) float32 ndarray, or ()
        The scores with which boxes were kept, falling.
    indices : (K,) int32 ndarray, or ()
        These boxes.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> from detutils.compat import cv2
    >>> boxes, scores = [[0, 0, 10, 10], [0, 0, 10, 8], [50, 0, 9, 9]], [0.75, 0.5, 0.25]
    >>> cv2.dnn.softNMSBoxes(boxes, scores, 0.05, 0.3, method=cv2.dnn.SOFT_NMSMETHOD_SOFTNMS_LINEAR)
    (array([0.75, 0.25, 0.1 ], dtype=float32), array([0, 2, 1], dtype=int32))
    """
    floor, limit = as_number(score_threshold, "score_threshold", 0.0), as_threshold(nms_threshold, "nms_threshold")
    width = 0.5 if sigma is None else as_number(sigma, "sigma", above=0.0)
    code = 2 if method is None else as_integer(method, "method")
    if code not in _METHODS:
        raise ValueError(f"method must be 1 (linear) or 2 (gaussian), got {code}")
    most = 0 if top_k is None else as_integer(top_k, "top_k", 0)
    least = _rounded(floor)
    rows, marks, _ = _as_scene(bboxes, scores, _below(least))
    keep, fallen = soft_nms(
        rows, marks, method=_METHODS[code], sigma=width, iou_threshold=_last_kept(limit),
        score_threshold=max(_below(least), 0.0), max_output=most or None,
    )  # fmt: skip
    if least == 0.0:  # a score of 0 is not less than 0: these follow
        rest = np.flatnonzero(marks >= 0.0)
        rest = rest[~np.isin(rest, keep)][: (most or len(marks)) - len(keep)]
        keep, fallen = np.concatenate([keep, rest]), np.concatenate([fallen, np.zeros(len(rest))])
    updated = fallen.astype(np.float32)
    indices = _answer(keep, empty_array)
    return (updated if len(keep) or empty_array else ()), indices


def NMSBoxesRotated(
    bboxes: Any,
    scores: Any,
    score_threshold: float,
    nms_threshold: float,
    eta: float | None = 1.0,
    top_k: int | None = 0,
    *,
    empty_array: bool = False,
) -> Indices:
    """``NMSBoxes`` of rotated boxes.

    Parameters
    ----------
    bboxes : sequence of N
        Each ``((cx, cy), (width, height), angle)`` or an object with ``center``, ``size`` and ``angle``, in degrees,
        clockwise as seen; or, which OpenCV does not take, an (N, 5) array of cx, cy, width, height and angle.
    scores, score_threshold, nms_threshold, top_k, empty_array
        As for ``NMSBoxes``.
    eta : float, default 1
        Not less than 1: a threshold that falls is not offered here.

    Returns
    -------
    indices : (K,) int32 ndarray, or ()
        As of ``NMSBoxes``.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.
    NotImplementedError
        If ``eta`` is less than 1.

    Examples
    --------
    >>> from detutils.compat import cv2
    >>> boxes = [((50, 50), (40, 20), 30), ((50, 50), (40, 20), 35), ((50, 50), (40, 20), 120)]
    >>> cv2.dnn.NMSBoxesRotated(boxes, [0.8, 0.9, 0.7], 0.5, 0.5)
    array([1, 2], dtype=int32)
    """
    floor, limit = as_number(score_threshold, "score_threshold", 0.0), as_threshold(nms_threshold, "nms_threshold")
    if _as_eta(eta) < 1.0:
        raise NotImplementedError("eta below 1 is not offered for rotated boxes")
    rows = _as_rotated(bboxes)
    marks, most = _as_scores(scores, len(rows)), _as_most(top_k)
    keep = rotated_nms(
        rows, marks, _rounded(limit), angle="cw-deg", score_threshold=_rounded(floor), max_candidates=most
    )
    return _answer(keep, empty_array)


# ---- what OpenCV counts in float32 --------------------------------------------------------------------------------


@lru_cache(64)
def _rounded(value: float) -> float:
    """What OpenCV makes of a number."""
    return float(np.float32(value))


@lru_cache(64)
def _below(value: float) -> float:
    """Just less than all numbers that become this one in float32, or more."""
    near = np.float32(value)
    return 0.5 * (float(near) + float(np.nextafter(near, np.float32(-np.inf))))


def _overlaps(iou: Any) -> Any:
    """OpenCV's overlap: 1 minus a distance, which is 1 minus the IoU rounded to float32."""
    return _ONE - np.float32(1.0 - iou) if isinstance(iou, float) else _ONE - (1.0 - iou).astype(np.float32)


@lru_cache(64)
def _last_kept(threshold: float) -> float:
    """The largest IoU whose overlap does not exceed the threshold: the decision in float64 is OpenCV's in float32."""
    limit, low, high = np.float32(threshold), 0.0, 1.0
    if _overlaps(high) <= limit:
        return high
    while low < (middle := 0.5 * (low + high)) < high:
        if _overlaps(middle) <= limit:
            low = middle
        else:
            high = middle
    return low


# ---- arguments ----------------------------------------------------------------------------------------------------


class _Scene(NamedTuple):
    """Checked arguments: corners, float64; scores, rounded to float32; which boxes have no area, None for none."""

    corners: F8
    scores: F8
    hollow: B1 | None


def _as_scene(bboxes: Any, scores: Any, floor: float) -> tuple[F8, F8, B1 | None]:
    """A ``_Scene`` as a plain tuple, which costs small calls less."""
    rows = plain(bboxes)
    if type(rows) is np.ndarray and rows.dtype is FLOAT32:
        rows = rows.astype(FLOAT64)
    rows = as_boxes(rows, "bboxes", check_rows=False)
    marks = _as_scores(scores, len(rows))
    try:
        corners = box_convert(rows, "xywh", "xyxy")
    except ValueError:
        rows = _harmless(rows, marks, floor)
        corners = box_convert(rows, "xywh", "xyxy")
    hollow = None
    if np.count_nonzero(rows) < rows.size:
        hollow = rows[:, 2] * rows[:, 3] == 0.0
    return corners, marks, hollow


def _as_scores(scores: Any, length: int) -> F8:
    marks = as_vector(plain(scores), "scores", length, keep_float32=True, finite=False)
    if marks.dtype is FLOAT32:
        return marks.astype(FLOAT64)
    try:
        return marks.astype(FLOAT32).astype(FLOAT64)
    except RuntimeWarning:  # where warnings are errors: an infinite score is refused in what follows
        with np.errstate(over="ignore"):
            return marks.astype(FLOAT32).astype(FLOAT64)


def _as_eta(eta: Any) -> float:
    return 1.0 if eta is None or eta is _NO_ETA else as_number(eta, "eta", above=0.0)


def _as_most(top_k: Any) -> int | None:
    return None if top_k is None or top_k is _ALL or (most := as_integer(top_k, "top_k")) <= 0 else most


def _harmless(rows: F8, scores: F8, floor: float) -> F8:
    """Rows with zeros for those that do not take part; raises for the first bad one that does."""
    takes = scores > floor
    good = np.all(np.abs(rows) <= LIMIT, axis=1) & np.all(rows[:, 2:] >= 0.0, axis=1)
    bad = np.flatnonzero(takes & ~good)
    if bad.size:
        _raise_bad_row(rows, bad[0])
    return np.where(good[:, None], rows, 0.0)


def _raise_bad_row(rows: F8, row: int) -> NoReturn:
    text = ", ".join(f"{value:g}" for value in rows[row].tolist())
    wrong = "has a negative width or height" if np.all(np.abs(rows[row]) <= LIMIT) else "is not finite, or too large"
    raise ValueError(f"bboxes[{row}] {wrong}: [{text}] (boxes are x, y, width, height)")


def _as_rotated(bboxes: Any) -> F8:
    """Rows of cx, cy, width, height, angle."""
    value = plain(bboxes)
    if hasattr(value, "__array__"):
        rows: F8 = as_array(value, "bboxes").astype(np.float64)
        return rows.reshape(0, 5) if rows.shape == (0,) else rows
    numbers: list[list[float]] = []
    for i, box in enumerate(as_items(value, "bboxes", "a sequence of rotated boxes")):
        name, parts = f"bboxes[{i}]", box
        if hasattr(box, "center") and hasattr(box, "size") and hasattr(box, "angle"):
            parts = box.center, box.size, box.angle
        center, size, angle = as_items_of(parts, name, "((cx, cy), (width, height), angle)", 3)
        pairs = as_items_of(center, f"{name}[0]", "cx, cy", 2) + as_items_of(size, f"{name}[1]", "width, height", 2)
        numbers.append([as_number(number, name) for number in (*pairs, angle)])
    return np.array(numbers).reshape(-1, 5)


# ---- rules --------------------------------------------------------------------------------------------------------


def _keep(
    scene: tuple[F8, F8, B1 | None], labels: I8 | None, limit: float, floor: float, eta: float, most: int | None
) -> I8:
    if eta < 1.0 and limit > 0.5:
        return _keep_adapting(_Scene(*scene), labels, limit, floor, eta, most)
    corners, scores, hollow = scene
    threshold = _last_kept(limit)
    if labels is None:
        keep = nms(corners, scores, threshold, score_threshold=floor, max_candidates=most)
    else:
        keep = batched_nms(corners, scores, labels, threshold, score_threshold=floor, max_candidates=most)
    if hollow is not None and threshold < 1.0:  # two boxes without area count as identical, whatever their class
        keep = np.delete(keep, np.flatnonzero(hollow[keep])[1:])
    return keep


def _keep_adapting(
    scene: _Scene, labels: I8 | None, limit: float, floor: float, eta: float, most: int | None
) -> I8:  # fmt: skip
    """``eta``: each kept box lowers the threshold for those that follow, down to 0.5."""
    order = nms(scene.corners, scene.scores, 1.0, score_threshold=floor, max_candidates=most)
    rows, marks = scene.corners[order], scene.scores[order]
    classes = None if labels is None else labels[order]
    hollow = None if scene.hollow is None else scene.hollow[order]
    worst = np.zeros(len(order), np.float32)
    bound, factor = np.float32(limit), np.float32(eta)
    at, kept = 0, []
    while at < len(order) and bound > 0.5:
        if worst[at] <= bound:
            kept.append(at)
            overlaps = _overlaps(box_iou(rows[at : at + 1], rows)[0])
            if classes is not None:
                overlaps[classes != classes[at]] = 0.0
            if hollow is not None and hollow[at]:
                overlaps[hollow] = 1.0
            worst = np.maximum(worst, overlaps)
            bound = bound * factor
        at += 1
    left = at + np.flatnonzero(worst[at:] <= bound)
    rest = rows[left], marks[left], None if hollow is None else hollow[left]
    last = _keep(rest, None if classes is None else classes[left], float(bound), floor, 1.0, None)
    chosen: I8 = order[np.concatenate([np.array(kept, np.int64), left[last]])]
    return chosen


def _answer(keep: I8, empty_array: bool) -> Indices:
    wanted = empty_array is not False and as_flag(empty_array, "empty_array")
    return keep.astype(_INT32) if wanted or len(keep) else ()
