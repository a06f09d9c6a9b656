"""Rotated boxes: their forms, and what turns one into another."""

from __future__ import annotations

import math
from typing import Any, Literal, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from detutils._jit import F8
from detutils._kernels.limits import LIMIT
from detutils._validate import FLOAT64, Array, as_boxes, as_choice, as_floats, as_matrix, is_ready
from detutils.geometry._kernels.polygons import rectangles, smallest_rectangle
from detutils.geometry._kernels.rotated import corners_of, prepare

Angle: TypeAlias = Literal["ccw-deg", "cw-deg", "ccw-rad", "cw-rad"]
RotatedFormat: TypeAlias = Literal["ccw-deg", "cw-deg", "ccw-rad", "cw-rad", "corners", "xyxy"]

ANGLES: tuple[Angle, ...] = ("ccw-deg", "cw-deg", "ccw-rad", "cw-rad")
CCW_DEG: Angle = "ccw-deg"
_FORMATS: tuple[RotatedFormat, ...] = (*ANGLES, "corners", "xyxy")
_ANGLES: dict[str, tuple[bool, bool]] = {angle: (angle.endswith("deg"), angle.startswith("cw")) for angle in ANGLES}
_FORM = "cx, cy, w, h, angle"


def as_angle(angle: Any, name: str = "angle") -> tuple[bool, bool]:
    """Whether angles are in degrees, and whether they run clockwise."""
    known = _ANGLES.get(angle) if type(angle) is str else None
    if known is None:
        as_choice(angle, name, ANGLES)  # says what is wrong
        known = _ANGLES[str(angle)]
    return known


def as_rotated_rows(boxes: Any, name: str = "boxes") -> F8:
    """``boxes`` as (N, 5) float64; their rows are not looked at."""
    rows: F8 = boxes if is_ready(boxes, False) else as_floats(boxes, name, False)
    if rows.shape == (0,):
        rows = rows.reshape(0, 5)
    if rows.ndim != 2 or rows.shape[1] != 5:
        upright = " (upright boxes become rotated ones by rotated_box_convert(boxes, 'xyxy', angle))"
        hint = upright if rows.ndim == 2 and rows.shape[1] == 4 else ""
        raise ValueError(f"{name} must have shape (N, 5), {_FORM}, got {rows.shape}{hint}")
    return rows


def prepared(rows: F8, degrees: bool, clockwise: bool, name: str = "boxes") -> F8:
    """The eight numbers by which kernels know each rotated box; raises for the first row that is none."""
    boxes = np.empty((len(rows), 8))
    bad = prepare(rows, degrees, clockwise, boxes)
    if bad >= 0:
        raise_bad_rotated(rows, bad, name)
    return boxes


def valid_rotated(rows: F8) -> npt.NDArray[np.bool_]:
    """Which rows fulfil the contract, for ``on_invalid="drop"``."""
    sizes = rows[:, 2:4]
    within = (np.abs(rows[:, :4]) <= LIMIT).all(axis=1) & np.isfinite(rows[:, 4])
    good: npt.NDArray[np.bool_] = within & (sizes >= 0.0).all(axis=1)
    return good


def raise_bad_rotated(rows: F8, row: int, name: str = "boxes") -> NoReturn:
    """The error for the first bad row, naming what is wrong with it."""
    values = [float(value) for value in rows[row]]
    text = "[" + ", ".join(f"{value:g}" for value in values) + "]"
    if not all(map(math.isfinite, values)):
        raise ValueError(f"{name}[{row}] is not finite: {text}")
    if max(map(abs, values[:4])) > LIMIT:
        raise ValueError(f"{name}[{row}] has a number beyond {LIMIT:g}: {text}")
    raise ValueError(f"{name}[{row}] has a negative width or height: {text} (boxes are {_FORM})")


def rotated_box_convert(boxes: npt.ArrayLike, in_fmt: RotatedFormat, out_fmt: RotatedFormat) -> Array:
    """Rotated boxes in another form: another unit or sense of the angle, corners, or upright hulls.

    Parameters
    ----------
    boxes : (N, 5), (N, 8) or (N, 4) array_like
        In the form that ``in_fmt`` names.
    in_fmt, out_fmt : {"ccw-deg", "cw-deg", "ccw-rad", "cw-rad", "corners", "xyxy"}
        The first four are cx, cy, w, h, angle; they say in which sense, as seen on the screen with y downward, and in
        which unit the box is turned: counterclockwise in degrees (torchvision's "cxcywhr", detectron2), clockwise in
        degrees (OpenCV's RotatedRect, powerboxes), clockwise in radians (``xywhr`` of YOLO-OBB). An angle of 0 leaves
        the width along x. "corners" are x1, y1, ... x4, y4, clockwise as seen, from the corner that lies top left when
        the angle is 0 (DOTA). "xyxy" are upright boxes; as ``out_fmt``, the smallest that hold the rotated ones.

    Returns
    -------
    boxes : (N, 5), (N, 8) or (N, 4) float64 ndarray
        In the form that ``out_fmt`` names, row by row. Angles lie in [-90, 90) degrees or [-pi/2, pi/2). Of corners:
        the rectangle of the first two, w being the length of the first side, where the four make one, else the
        smallest rectangle around them, with w >= h. No rows give no rows.

    Raises
    ------
    TypeError
        If ``boxes`` is not an array of real numbers.
    ValueError
        If the shape is not that of ``in_fmt``, a row is not finite or has a negative width or height (x2 < x1 or
        y2 < y1), or a format is unknown.

    See Also
    --------
    minimum_area_rectangle : The smallest rectangle around any number of points.

    Notes
    -----
    Linear in N. (cx, cy, w, h, a), (cx, cy, w, h, a + 180 degrees) and (cx, cy, h, w, a + 90 degrees) are the same
    rectangle; every function here takes all of them, and angles of any size. Clipping a rotated box to an image does
    not give a rectangle, and nothing here pretends so: convert to "xyxy" and use ``clip_boxes_to_image``.

    References
    ----------
    J. Ma et al., "Arbitrary-oriented scene text detection via rotation proposals", 2018 (rotated boxes); G.-S. Xia et
    al., "DOTA: a large-scale dataset for object detection in aerial images", CVPR 2018 (corners).

    Examples
    --------
    >>> import detutils
    >>> detutils.rotated_box_convert([[50, 40, 20, 10, 90]], "ccw-deg", "corners")
    array([[45., 50., 45., 30., 55., 30., 55., 50.]])
    >>> detutils.rotated_box_convert([[50, 40, 20, 10, 90]], "ccw-deg", "xyxy")
    array([[45., 30., 55., 50.]])
    >>> detutils.rotated_box_convert([[45, 50, 45, 30, 55, 30, 55, 50]], "corners", "cw-deg")
    array([[ 50.,  40.,  20.,  10., -90.]])
    """
    in_fmt, out_fmt = as_choice(in_fmt, "in_fmt", _FORMATS), as_choice(out_fmt, "out_fmt", _FORMATS)
    corners = in_fmt == "corners"
    if corners:
        rows = _rectangles_of(as_corners(boxes))
    elif in_fmt == "xyxy":
        given = as_boxes(boxes).astype(FLOAT64, copy=False)
        sizes = given[:, 2:] - given[:, :2]
        rows = np.column_stack([given[:, :2] + 0.5 * sizes, sizes, np.zeros(len(given))])
        if out_fmt == "xyxy":
            return given.copy()
    else:
        rows = as_rotated_rows(boxes)
    read = "cw-deg" if corners or in_fmt == "xyxy" else in_fmt
    if out_fmt in ("corners", "xyxy"):
        degrees, clockwise = as_angle(read)
        prepared(rows, degrees, clockwise)  # looks at the rows
        points = np.empty((len(rows), 8))
        corners_of(rows, degrees, clockwise, points)
        if out_fmt == "corners":
            return points
        across, down = points[:, 0::2], points[:, 1::2]
        return np.column_stack([across.min(axis=1), down.min(axis=1), across.max(axis=1), down.max(axis=1)])
    return _with_angles(rows, read, out_fmt)


def as_corners(boxes: Any, name: str = "boxes") -> F8:
    """``boxes`` as (N, 8) float64, finite and in range."""
    points = as_floats(boxes, name, False)
    points = points.reshape(0, 8) if points.shape == (0,) else points
    if points.ndim != 2 or points.shape[1] != 8:
        raise ValueError(f"{name} must have shape (N, 8), x1, y1, ... x4, y4, got {points.shape}")
    bad = np.flatnonzero(~(np.abs(points) <= LIMIT).all(axis=1))
    if bad.size:
        row = points[bad[0]]
        what = "is not finite" if not np.isfinite(row).all() else f"has a coordinate beyond {LIMIT:g}"
        raise ValueError(f"{name}[{bad[0]}] {what}: {row.tolist()}")
    return points


def _rectangles_of(corners: F8) -> F8:
    """cx, cy, w, h, degrees clockwise."""
    rows = np.empty((len(corners), 5))
    rectangles(corners, rows)
    rows[:, 4] = np.degrees(rows[:, 4])
    return rows


def _with_angles(rows: F8, read: str, write: str) -> F8:
    """Rows with angles of another unit or sense, each within a half turn."""
    prepared(rows, *as_angle(read))
    result = rows.copy()
    angles = rows[:, 4] if read.split("-")[0] == write.split("-")[0] else -rows[:, 4]
    degrees, half = read.endswith("deg"), 90.0
    if degrees:
        angles = np.fmod(angles, 180.0)  # exact
    else:
        half = 0.5 * math.pi
        angles = np.where(np.abs(angles) <= half, angles, np.arctan2(np.sin(angles), np.cos(angles)))
    angles = np.where(angles >= half, angles - 2.0 * half, np.where(angles < -half, angles + 2.0 * half, angles))
    if degrees != write.endswith("deg"):
        angles = np.radians(angles) if degrees else np.degrees(angles)
    result[:, 4] = angles + 0.0  # no -0
    return result


def minimum_area_rectangle(points: npt.ArrayLike, *, angle: Angle = CCW_DEG) -> Array:
    """The rectangle of least area, in any direction, around points.

    Parameters
    ----------
    points : (K, 2) array_like
        x, y in pixels, in any order; at least one.
    angle : {"ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default "ccw-deg"
        Sense, as seen with y downward, and unit of the angle that is returned.

    Returns
    -------
    box : (5,) float64 ndarray
        cx, cy, w, h, angle with w >= h and the angle in [-90, 90) degrees or [-pi/2, pi/2). Of several rectangles of
        one area that along the first edge of the hull, from the leftmost point on. Points on a line give h = 0.

    Raises
    ------
    TypeError
        If ``points`` is not an array of real numbers.
    ValueError
        If the shape is not (K, 2) with K > 0, a point is not finite or beyond 1e150, or ``angle`` is unknown.

    See Also
    --------
    rotated_box_convert : The same of many sets of four corners.

    Notes
    -----
    One side of the rectangle lies on an edge of the convex hull, so calipers go once around it: K log K for the hull.

    References
    ----------
    H. Freeman and R. Shapira, "Determining the minimum-area encasing rectangle for an arbitrary closed curve",
    Communications of the ACM 18, 1975; G. T. Toussaint, "Solving geometric problems with the rotating calipers", 1983.

    Examples
    --------
    >>> import detutils
    >>> detutils.minimum_area_rectangle([[0, 0], [4, 0], [4, 2], [0, 2], [1, 1]])
    array([2., 1., 4., 2., 0.])
    """
    write = as_choice(angle, "angle", ANGLES)
    given = as_matrix(points, "points", None, 2)
    if not len(given):
        raise ValueError("points must hold at least one point, got none")
    if np.abs(given).max() > LIMIT:
        raise ValueError(f"points[{int(np.abs(given).max(axis=1).argmax())}] has a coordinate beyond {LIMIT:g}")
    box = np.empty((1, 5))
    smallest_rectangle(np.ascontiguousarray(given[np.lexsort((given[:, 1], given[:, 0]))]), box[0])
    return _with_angles(box, "cw-rad", write)[0]  # type: ignore[no-any-return]
