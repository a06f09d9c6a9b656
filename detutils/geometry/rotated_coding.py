"""Coding of rotated boxes: what a regression head learns (boxes relative to rotated anchors), and the way back.

The law of this module: ``decode_rotated_boxes(encode_rotated_boxes(boxes, anchors), anchors)`` is ``boxes``, up to
rounding and whole turns of the angle.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from detutils._jit import F8
from detutils._validate import FLOAT32, FLOAT64, Array, OnInvalid, as_dropping, as_items_of, as_matrix, as_number
from detutils.geometry.rotated import CCW_DEG, Angle, as_angle, as_rotated_rows, raise_bad_rotated, valid_rotated
from detutils.geometry.rotated_overlaps import is_short


def _as_factors(weights: Any) -> F8:
    items = as_items_of(weights, "weights", "five numbers", 5)
    return np.array([as_number(item, f"weights[{i}]", above=0.0) for i, item in enumerate(items)])


def _as_sides(boxes: Any, name: str) -> F8:
    """Rotated boxes, each with a width and a height."""
    rows = as_rotated_rows(boxes, name)
    bad = np.flatnonzero(~valid_rotated(rows))
    if bad.size:
        raise_bad_rotated(rows, int(bad[0]), name)
    bad = np.flatnonzero((rows[:, 2:4] <= 0.0).any(axis=1))
    if bad.size:
        raise ValueError(f"{name}[{bad[0]}] has no width or no height and cannot be encoded: {rows[bad[0]].tolist()}")
    return rows


def _turns(angle: Angle) -> tuple[float, float]:
    """Half a turn, and radians a unit."""
    degrees, _ = as_angle(angle)
    return (180.0, math.pi / 180.0) if degrees else (math.pi, 1.0)


def _wrapped(angles: F8, half: float) -> F8:
    """The same directions in [-half a turn, half a turn); those that are there already keep their digits."""
    rest = np.fmod(angles, 2.0 * half)
    rest = np.where(rest >= half, rest - 2.0 * half, np.where(rest < -half, rest + 2.0 * half, rest))
    return np.asarray(rest, FLOAT64)


def encode_rotated_boxes(
    boxes: npt.ArrayLike,
    anchors: npt.ArrayLike,
    *,
    weights: tuple[float, float, float, float, float] = (1.0, 1.0, 1.0, 1.0, 1.0),
    angle: Angle = CCW_DEG,
) -> Array:
    """Express rotated boxes as displacements of rotated anchors: regression targets.

    Parameters
    ----------
    boxes : (N, 5) array_like
        cx, cy, w, h in pixels and the angle, each with a width and a height.
    anchors : (N, 5) array_like
        The anchor (proposal) of each box, with a width and a height.
    weights : (wx, wy, ww, wh, wa)
        Factors of the five deltas, greater than 0; (10, 10, 5, 5, 10) is usual for the second stage.
    angle : {"ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default "ccw-deg"
        Unit and sense of the angle: see ``rotated_box_convert``.

    Returns
    -------
    deltas : (N, 5) ndarray
        (wx (x - xa) / wa, wy (y - ya) / ha, ww log(w / wa), wh log(h / ha), wa turn), where turn is the difference of
        the angles in radians, within [-pi, pi), in the sense of ``angle``. float32 if both inputs are float32, else
        float64. Shape (0, 5) for no boxes.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers or ``weights`` are not numbers.
    ValueError
        If an input is not (N, 5), the lengths differ, a row is not finite or has no width or height, a delta leaves
        the range of its dtype, a weight is not greater than 0, or ``angle`` is unknown.

    See Also
    --------
    decode_rotated_boxes : The inverse.

    Notes
    -----
    Linear in N. Displacements are along x and y of the image, not of the anchor. The spelling of a rectangle matters
    here: w, h, angle and h, w, angle + 90 degrees have different deltas, and heads are trained with one of them.

    References
    ----------
    J. Ma et al., "Arbitrary-oriented scene text detection via rotation proposals", IEEE Transactions on Multimedia,
    2018, eq. 1; ``Box2BoxTransformRotated`` of detectron2.

    Examples
    --------
    >>> import detutils
    >>> detutils.encode_rotated_boxes([[12, 10, 20, 10, 90]], [[10, 10, 10, 10, 0]]).round(3)
    array([[0.2  , 0.   , 0.693, 0.   , 1.571]])
    """
    half, radians = _turns(angle)
    factors = _as_factors(weights)
    rows, origins = _as_sides(boxes, "boxes"), _as_sides(anchors, "anchors")
    if len(rows) != len(origins):
        raise ValueError(f"boxes and anchors must have the same length, got {len(rows)} and {len(origins)}")
    deltas = np.empty(rows.shape)
    with np.errstate(over="ignore", divide="ignore"):
        deltas[:, :2] = (rows[:, :2] - origins[:, :2]) / origins[:, 2:4]
        deltas[:, 2:4] = np.log(rows[:, 2:4] / origins[:, 2:4])
        deltas[:, 4] = _wrapped(rows[:, 4] - origins[:, 4], half) * radians
        deltas *= factors
        result = deltas.astype(FLOAT32) if is_short(boxes, anchors) else deltas
    bad = np.flatnonzero(~np.isfinite(result).all(axis=1))
    if bad.size:
        raise ValueError(f"boxes[{bad[0]}] is too far from anchors[{bad[0]}] for deltas in {result.dtype}")
    return result


def decode_rotated_boxes(
    deltas: npt.ArrayLike,
    anchors: npt.ArrayLike,
    *,
    weights: tuple[float, float, float, float, float] = (1.0, 1.0, 1.0, 1.0, 1.0),
    angle: Angle = CCW_DEG,
    clamp: float | None = math.log(1000 / 16),
    on_invalid: OnInvalid = "raise",
) -> Array:
    """Move rotated anchors by displacements: the boxes that a regression head means.

    Parameters
    ----------
    deltas : (N, 5) array_like
        As ``encode_rotated_boxes`` makes them.
    anchors : (N, 5) array_like
        cx, cy, w, h in pixels and the angle; each is moved by its row of ``deltas``.
    weights : (wx, wy, ww, wh, wa)
        Divisors of the five deltas, greater than 0: those with which the targets were encoded.
    angle : {"ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default "ccw-deg"
        Unit and sense of the angle: see ``rotated_box_convert``.
    clamp : float, optional
        Upper limit of the weightless third and fourth delta, so that no anchor grows more than exp(clamp) times. The
        default lets an anchor grow 62.5 times. None for no limit.
    on_invalid : {"raise", "drop"}, default "raise"
        What becomes of a row whose deltas are not finite, whose anchor breaks the contract, or whose box leaves the
        range of its dtype. With "drop" it is left out: the valid rows remain, in their order.

    Returns
    -------
    boxes : (N, 5) ndarray
        cx, cy, w, h in pixels and the angle, within half a turn of 0. float32 if both inputs are float32, else float64.
        Shape (0, 5) for no anchors.

    Raises
    ------
    TypeError
        If an input is not an array of real numbers, or ``weights`` or ``clamp`` are not numbers.
    ValueError
        If ``deltas`` is not (N, 5) with one row for each anchor, holds NaN or infinity, an anchor breaks the contract,
        a number leaves the range of its dtype, a weight is not greater than 0, or an option is out of range.

    See Also
    --------
    encode_rotated_boxes : The inverse.

    Notes
    -----
    Linear in N. float32 deltas are decoded in float64 and rounded once.

    References
    ----------
    J. Ma et al., "Arbitrary-oriented scene text detection via rotation proposals", IEEE Transactions on Multimedia,
    2018; ``Box2BoxTransformRotated`` of detectron2, whose limit this is.

    Examples
    --------
    >>> import detutils
    >>> detutils.decode_rotated_boxes([[0.2, 0, 0, 0, 0.5]], [[10, 10, 10, 10, 0]], angle="cw-rad")
    array([[12. , 10. , 10. , 10. ,  0.5]])
    """
    half, radians = _turns(angle)
    divisors = _as_factors(weights)
    dropping = as_dropping(on_invalid)
    limit = math.inf if clamp is None else as_number(clamp, "clamp")
    origins = as_rotated_rows(anchors, "anchors")
    moves: F8 = as_matrix(deltas, "deltas", rows=len(origins), columns=5, finite=not dropping)
    good = valid_rotated(origins)
    if not dropping and not good.all():
        raise_bad_rotated(origins, int(good.argmin()), "anchors")
    with np.errstate(over="ignore", invalid="ignore"):
        steps = moves / divisors
        boxes = np.empty(origins.shape)
        boxes[:, :2] = steps[:, :2] * origins[:, 2:4] + origins[:, :2]
        boxes[:, 2:4] = np.exp(np.minimum(steps[:, 2:4], limit)) * origins[:, 2:4]
        boxes[:, 4] = _wrapped(origins[:, 4] + steps[:, 4] / radians, half)
        result: Array = boxes.astype(FLOAT32) if is_short(deltas, anchors) else boxes
    good &= np.isfinite(moves).all(axis=1) & valid_rotated(boxes) & np.isfinite(result).all(axis=1)
    if dropping:
        return result[good]
    if not good.all():
        row = int(good.argmin())
        text = f"{origins[row].tolist()} out of the range of {result.dtype}: {moves[row].tolist()}"
        raise ValueError(f"deltas[{row}] move anchors[{row}] {text}")
    return result
