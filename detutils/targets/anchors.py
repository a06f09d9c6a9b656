"""Anchors: the reference boxes of region proposal networks, and how to choose their shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from detutils._jit import F8, I8
from detutils._kernels.limits import LIMIT
from detutils._validate import (
    FLOAT32,
    Array,
    as_boxes,
    as_choice,
    as_grid_size,
    as_grid_sizes,
    as_image_size,
    as_integer,
    as_number,
    as_offset,
    as_out,
    as_positive,
    as_seed,
    as_stride,
    as_vector,
)
from detutils.geometry.rotated import CCW_DEG, Angle, as_angle, as_rotated_rows, raise_bad_rotated, valid_rotated
from detutils.geometry.rotated_overlaps import is_short
from detutils.targets._kernels import anchors as kernels

LARGEST_BASE = 1e9  # side of a reference window
ORDERS: tuple[Literal["size", "ratio"], ...] = ("size", "ratio")
_ANCHORS_A_SLICE = 1 << 23  # some hundredths of a second: Ctrl-C is heard between two slices


def generate_anchors(
    base_size: float = 16, ratios: npt.ArrayLike = (0.5, 1, 2), scales: npt.ArrayLike = (8, 16, 32)
) -> F8:
    """The anchors of one place: every aspect ratio at every scale.

    Parameters
    ----------
    base_size : float
        Side of the square reference window (0, 0, base_size - 1, base_size - 1) in pixels; usually the
        stride.
    ratios : (R,) array_like
        Heights divided by widths.
    scales : (S,) array_like
        Factors of the side. They are not rounded.

    Returns
    -------
    anchors : (R * S, 4) float64 ndarray
        x1, y1, x2, y2 around the center of the reference window, in inclusive pixels (width = x2 - x1 + 1):
        all scales of the first ratio, then all scales of the second. Shape (0, 4) without ratios or scales.

    Raises
    ------
    TypeError
        If ``base_size`` is not a number, or ``ratios`` or ``scales`` are not arrays of real numbers.
    ValueError
        If a value is not finite and greater than 0, ``ratios`` or ``scales`` is not one-dimensional, or an
        anchor would be less than one pixel wide or high.

    See Also
    --------
    grid_anchors : These anchors at every place of a feature map.

    Notes
    -----
    For each ratio r the window's width becomes round(sqrt(base_size^2 / r)) and its height round(width * r),
    from the rounded width; halves are rounded to even. The scales multiply the rounded sides.

    References
    ----------
    S. Ren et al., "Faster R-CNN", NIPS 2015, section 3.1; ``generate_anchors.py`` of py-faster-rcnn, digit by
    digit.

    Examples
    --------
    >>> import detutils
    >>> detutils.generate_anchors()[:3]
    array([[ -84.,  -40.,   99.,   55.],
           [-176.,  -88.,  191.,  103.],
           [-360., -184.,  375.,  199.]])
    """
    base = as_number(base_size, "base_size", above=0.0, high=LARGEST_BASE)
    return _anchors_of(base, "base_size", as_positive(ratios, "ratios"), as_positive(scales, "scales"))


def _anchors_of(base: float, name: str, ratios: F8, scales: F8) -> F8:
    with np.errstate(over="ignore"):
        widths = np.rint(np.sqrt(base * base / ratios))
        heights = np.rint(widths * ratios)
        sides = np.stack([widths, heights], axis=1)[:, None] * scales[None, :, None]
    bad = np.flatnonzero(~((sides >= 1.0) & (sides <= LIMIT)).all(axis=2))
    if bad.size:
        row, column = divmod(int(bad[0]), scales.size)
        raise ValueError(
            f"{name} {base:g} and ratio {ratios[row]:g} round to width {widths[row]:g} and height {heights[row]:g}, "
            f"which scale {scales[column]:g} turns into an anchor with a side outside 1 ... {LIMIT:g} pixels"
        )
    center, reach = 0.5 * (base - 1.0), 0.5 * (sides - 1.0)
    return np.concatenate([center - reach, center + reach], axis=2).reshape(-1, 4)


def cell_anchors(
    sizes: npt.ArrayLike, ratios: npt.ArrayLike = (0.5, 1, 2), *, order: Literal["size", "ratio"] = "size"
) -> F8:
    """The anchors of one place, centered on 0 and not rounded: every aspect ratio of every size.

    Parameters
    ----------
    sizes : (S,) array_like
        Square roots of the anchors' areas in pixels.
    ratios : (R,) array_like
        Heights divided by widths.
    order : {"size", "ratio"}, default "size"
        What the rows are sorted by first: "size" gives all ratios of the first size, then all of the second, as
        detectron2 has them; "ratio" all sizes of the first ratio, as torchvision and py-faster-rcnn have them.

    Returns
    -------
    anchors : (S * R, 4) float64 ndarray
        x1, y1, x2, y2 in continuous pixels: -w/2, -h/2, w/2, h/2 with w = size / sqrt(ratio) and h = w * ratio. Shape
        (0, 4) without sizes or ratios.

    Raises
    ------
    TypeError
        If ``sizes`` or ``ratios`` are not arrays of real numbers, or ``order`` is not a string.
    ValueError
        If a value is not finite and greater than 0, an array is not one-dimensional, a side is outside the range of
        numbers, or ``order`` is another word.

    See Also
    --------
    generate_anchors : The rounded anchors of py-faster-rcnn. grid_anchors : These anchors at every place.

    Notes
    -----
    They lie around the corner of a cell. Add half a stride to have them around its center:
    ``grid_anchors(cell_anchors(sizes) + 8, grid_size, 16)``. torchvision rounds half the sides, to even:
    ``np.rint(cell_anchors(sizes, ratios, order="ratio"))``; its stride is the size of the input divided by that of the
    feature map, rounded down. RetinaNet takes three sizes a level: 4 * stride * 2 ** (0, 1/3, 2/3).

    References
    ----------
    S. Ren et al., "Faster R-CNN", NIPS 2015, section 3.1; T.-Y. Lin et al., "Focal loss for dense object detection",
    ICCV 2017, section 4.

    Examples
    --------
    >>> import detutils
    >>> detutils.cell_anchors([32], [0.25, 1])
    array([[-32.,  -8.,  32.,   8.],
           [-16., -16.,  16.,  16.]])
    """
    sides, shapes = as_positive(sizes, "sizes"), as_positive(ratios, "ratios")
    by_size = as_choice(order, "order", ORDERS) == "size"
    with np.errstate(over="ignore", under="ignore"):
        widths = sides[:, None] / np.sqrt(shapes)
        heights = widths * shapes
    bad = np.flatnonzero(~((widths > 0.0) & (widths <= LIMIT) & (heights > 0.0) & (heights <= LIMIT)))
    if bad.size:
        row, column = divmod(int(bad[0]), shapes.size)
        raise ValueError(
            f"sizes[{row}] {sides[row]:g} and ratios[{column}] {shapes[column]:g} make an anchor with a side outside "
            f"0 ... {LIMIT:g} pixels"
        )
    half = 0.5 * np.stack([widths, heights], axis=2)
    half = (half if by_size else half.swapaxes(0, 1)).reshape(-1, 2)
    return np.concatenate([-half, half], axis=1)


def rotated_anchors(
    sizes: npt.ArrayLike,
    ratios: npt.ArrayLike = (0.5, 1, 2),
    angles: npt.ArrayLike | None = None,
    *,
    angle: Angle = CCW_DEG,
) -> F8:
    """The rotated anchors of one place, centered on 0: every direction of every aspect ratio of every size.

    Parameters
    ----------
    sizes : (S,) array_like
        Square roots of the anchors' areas in pixels.
    ratios : (R,) array_like
        Heights divided by widths.
    angles : (K,) array_like, optional
        How the anchors are turned, in the sense and unit that ``angle`` names; six directions 30 degrees apart, from
        -90 degrees, if left out.
    angle : {"ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default "ccw-deg"
        Sense, as seen with y downward, and unit of the angles: see ``rotated_box_convert``.

    Returns
    -------
    anchors : (S * R * K, 5) float64 ndarray
        0, 0, w, h, angle in pixels, w = size / sqrt(ratio) and h = w * ratio, unrounded: all directions of the first
        ratio of the first size, then of its second ratio, and so on, as in detectron2. Shape (0, 5) where a list is
        empty.

    Raises
    ------
    TypeError
        If ``sizes``, ``ratios`` or ``angles`` are not arrays of real numbers.
    ValueError
        If a size or ratio is not finite and greater than 0, an angle is not finite, an array is not one-dimensional, a
        side is outside the range of numbers, or ``angle`` is another word.

    See Also
    --------
    grid_anchors : These anchors at every place. match_boxes : Which of them stand for an object.

    Notes
    -----
    A box turned by half a circle is the same box: angles should span less than that (detectron2's own, -90 to 90, has
    one direction twice). Of ratios r and 1 / r one will do with angles that span half a circle.

    References
    ----------
    J. Ma et al., "Arbitrary-oriented scene text detection via rotation proposals", 2018, section III.

    Examples
    --------
    >>> import detutils
    >>> detutils.rotated_anchors([32], [0.25], [0, 45])
    array([[ 0.,  0., 64., 16.,  0.],
           [ 0.,  0., 64., 16., 45.]])
    """
    in_degrees = as_angle(angle)[0]
    if angles is None:
        turns = np.arange(-90.0, 90.0, 30.0) if in_degrees else np.radians(np.arange(-90.0, 90.0, 30.0))
    else:
        turns = as_vector(angles, "angles")
    upright = cell_anchors(sizes, ratios)
    sides = np.repeat(upright[:, 2:] - upright[:, :2], turns.size, axis=0)
    return np.column_stack([np.zeros_like(sides), sides, np.tile(turns, len(upright))])


def _fill_grid(base: Array, rows: int, columns: int, steps: tuple[float, float], out: Array) -> None:
    fill = kernels.grid_float32 if base.dtype == FLOAT32 else kernels.grid
    slice_rows = max(1, _ANCHORS_A_SLICE // max(1, columns * base.shape[0]))
    for start in range(0, rows, slice_rows):
        fill(base, start, min(start + slice_rows, rows), columns, *steps, out)


def grid_anchors(
    base_anchors: npt.ArrayLike,
    grid_size: tuple[int, int],
    stride: float | tuple[float, float],
    *,
    angle: Angle | None = None,
) -> Array:
    """Copy anchors to every place of a feature map.

    Parameters
    ----------
    base_anchors : (A, 4) array_like, or (A, 5) with ``angle``
        x1, y1, x2, y2 in pixels, as they lie at the first place. With ``angle`` named, cx, cy, w, h, angle.
    grid_size : (rows, columns)
        Size of the feature map, each at least 0.
    stride : float or (vertical, horizontal)
        Distance of neighboring places in pixels, greater than 0.
    angle : {"ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, optional
        The anchors are rotated; their angles stay as they are.

    Returns
    -------
    anchors : (rows * columns * A, 4) or (rows * columns * A, 5) ndarray
        In the order (row, column, anchor): all anchors of the first place, then of its right neighbor. Place
        (y, x) is shifted by exactly (y, x) times the stride, without a half. float32 if ``base_anchors`` is
        float32, else float64. Shape (0, 4) or (0, 5) where a factor is 0.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If ``base_anchors`` is not (A, 4), or not (A, 5) with ``angle``, a row is not finite or has x2 < x1 or y2 < y1
        (a negative width or height), or a size is out of range.
    MemoryError
        If the result is larger than the memory that is free.

    See Also
    --------
    pyramid_anchors : Several feature maps at once.

    Notes
    -----
    One pass over the result, which is all the memory it takes. float32 anchors are computed in float64 and
    rounded once. Nothing is clipped.

    References
    ----------
    S. Ren et al., "Faster R-CNN", NIPS 2015, section 3.1; ``anchor_target_layer.py`` of py-faster-rcnn.

    Examples
    --------
    >>> import detutils
    >>> detutils.grid_anchors([[0, 0, 15, 15]], (2, 2), 16)
    array([[ 0.,  0., 15., 15.],
           [16.,  0., 31., 15.],
           [ 0., 16., 15., 31.],
           [16., 16., 31., 31.]])
    """
    base = _rotated_base(base_anchors, angle)
    if base is None:
        base = as_boxes(base_anchors, "base_anchors", keep_float32=True)
    rows, columns = as_grid_size(grid_size)
    steps = as_stride(stride)
    most = 1e38 if base.dtype == FLOAT32 else LIMIT
    if rows * steps[0] > most or columns * steps[1] > most:
        raise ValueError(f"stride leads beyond {most:g}, got {stride}")
    out = as_out(None, (rows * columns * base.shape[0], base.shape[1]), base.dtype)
    if angle is None:
        _fill_grid(base, rows, columns, steps, out)
    else:
        places = out.reshape(rows, columns, *base.shape)
        places[:] = base
        places[..., 0] = base[:, 0].astype(np.float64) + (np.arange(columns) * steps[1])[:, None]
        places[..., 1] = base[:, 1].astype(np.float64) + (np.arange(rows) * steps[0])[:, None, None]
    return out


def _rotated_base(anchors: npt.ArrayLike, angle: Angle | None) -> Array | None:
    """(A, 5) anchors, float32 if they were; None where ``angle`` does not say that they are rotated."""
    if angle is None:
        return None
    as_angle(angle)
    rows = as_rotated_rows(anchors, "base_anchors")
    bad = np.flatnonzero(~valid_rotated(rows))
    if bad.size:
        raise_bad_rotated(rows, int(bad[0]), "base_anchors")
    return rows.astype(FLOAT32) if is_short(anchors) else rows


def pyramid_anchors(
    image_size: tuple[float, float],
    strides: npt.ArrayLike = (4, 8, 16, 32, 64),
    *,
    ratios: npt.ArrayLike = (0.5, 1, 2),
    scales: npt.ArrayLike = (8,),
    grid_sizes: Sequence[tuple[int, int]] | None = None,
) -> tuple[F8, I8]:
    """All anchors of a feature pyramid, the levels one after the other.

    Parameters
    ----------
    image_size : (height, width)
        In pixels.
    strides : (L,) array_like
        One for each level, in pixels. A level's anchors are those of ``generate_anchors(stride, ratios,
        scales)``.
    ratios : (R,) array_like
        Heights divided by widths.
    scales : (S,) array_like
        Sides divided by the stride: 8 gives sides of about 32, 64 ... 512 pixels on the default levels.
    grid_sizes : sequence of L pairs (rows, columns), optional
        Sizes of the feature maps, where they are not ceil(height / stride) x ceil(width / stride).

    Returns
    -------
    anchors : (K, 4) float64 ndarray
        x1, y1, x2, y2 in inclusive pixels. Each level in the order of ``grid_anchors``. Shape (0, 4) without
        levels.
    levels : (K,) int64 ndarray
        The index of each anchor's level: what ``batched_nms`` takes as labels.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If a value is not finite and greater than 0, ``grid_sizes`` does not name one pair for each level, or
        an anchor would be less than one pixel wide or high.
    MemoryError
        If the result is larger than the memory that is free.

    See Also
    --------
    anchors_inside_image : The anchors that do not cross the image's border.

    Notes
    -----
    Linear in K. An image of 800 x 1333 pixels has 267,069 anchors with the defaults.

    References
    ----------
    T.-Y. Lin et al., "Feature pyramid networks for object detection", CVPR 2017, section 4.1.

    Examples
    --------
    >>> import detutils
    >>> anchors, levels = detutils.pyramid_anchors((800, 1333))
    >>> anchors.shape, levels[[0, -1]]
    ((267069, 4), array([0, 4]))
    """
    height, width = as_image_size(image_size)
    steps = [as_number(step, "strides", high=LARGEST_BASE) for step in as_positive(strides, "strides").tolist()]
    if grid_sizes is None:
        grids = [as_grid_size((math.ceil(height / step), math.ceil(width / step))) for step in steps]
    else:
        grids = as_grid_sizes(grid_sizes, len(steps))
    shapes, factors = as_positive(ratios, "ratios"), as_positive(scales, "scales")
    bases = [_anchors_of(step, "strides", shapes, factors) for step in steps]
    counts = [rows * columns * len(base) for (rows, columns), base in zip(grids, bases, strict=True)]
    anchors = as_out(None, (sum(counts), 4), np.float64)
    last = 0
    for base, (rows, columns), step, count in zip(bases, grids, steps, counts, strict=True):
        first, last = last, last + count
        _fill_grid(base, rows, columns, (step, step), anchors[first:last])
    return anchors, np.repeat(np.arange(len(counts)), counts)


def anchors_inside_image(anchors: npt.ArrayLike, image_size: tuple[float, float], border: float = 0) -> I8:
    """Find the anchors that do not cross the border of the image.

    Parameters
    ----------
    anchors : (A, 4) array_like
        x1, y1, x2, y2 in pixels.
    image_size : (height, width)
        In pixels.
    border : float
        How far an anchor may stick out, in pixels; negative to stay away from the border.

    Returns
    -------
    inside : (K,) int64 ndarray
        Ascending indices of the anchors with x1, y1 >= -border, x2 < width + border and y2 < height + border:
        exactly at the border is inside on the left and above, outside on the right and below. Shape (0,) for
        no anchors.

    Raises
    ------
    TypeError
        If ``anchors`` is not an array of real numbers, ``image_size`` not a pair or ``border`` not a number.
    ValueError
        If ``anchors`` is not (A, 4), a row is not finite or has x2 < x1 or y2 < y1, ``image_size`` is not
        positive or ``border`` not finite.

    See Also
    --------
    clip_boxes_to_image : Cuts off what sticks out.

    Notes
    -----
    Linear in A. The comparison is that of inclusive pixels, whose last column is width - 1.

    References
    ----------
    ``anchor_target_layer.py`` of py-faster-rcnn.

    Examples
    --------
    >>> import detutils
    >>> detutils.anchors_inside_image([[0, 0, 9, 9], [-1, 0, 9, 9], [0, 0, 10, 9]], (10, 10))
    array([0])
    >>> detutils.anchors_inside_image([[0, 0, 9, 9], [-1, 0, 9, 9], [0, 0, 10, 9]], (10, 10), border=1)
    array([0, 1, 2])
    """
    rows = as_boxes(anchors, "anchors")
    height, width = as_image_size(image_size)
    beyond = as_number(border, "border")
    return kernels.inside(rows, -beyond, -beyond, width + beyond, height + beyond)


def kmeans_anchors(
    boxes: npt.ArrayLike, n_anchors: int, *, seed: int = 0, max_iterations: int = 300, offset: int = 0
) -> tuple[F8, I8, float]:
    """Choose anchor shapes for a data set: k-means of widths and heights under the distance 1 - IoU.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 of a data set's objects, all in the same scale (as the detector will see them). Every
        box needs a width and a height.
    n_anchors : int
        How many shapes to find, at least 1 and at most the number of different shapes in ``boxes``.
    seed : int
        Of the choice of the first shapes. The same seed gives the same result.
    max_iterations : int
        When to stop if the clusters still change, at least 1.
    offset : {0, 1}
        Added to widths and heights: 1 is the inclusive-pixel rule.

    Returns
    -------
    sizes : (n_anchors, 2) float64 ndarray
        Width and height of each anchor, ascending by area.
    labels : (N,) int64 ndarray
        The anchor of the highest IoU with each box, the first of equal ones.
    mean_iou : float
        The mean IoU of the boxes and their anchors, centers aligned.

    Raises
    ------
    TypeError
        If ``boxes`` is not an array of real numbers, or a number is not an integer.
    ValueError
        If ``boxes`` is not (N, 4) or a row is not finite, ordered and of positive area, or a number is out of
        range, ``n_anchors`` beyond the number of different shapes included.

    See Also
    --------
    generate_anchors : Anchors from ratios and scales.

    Notes
    -----
    N x n_anchors evaluations an iteration, O(N) memory. The first shapes are drawn as k-means++ does, with a
    chance proportional to the squared distance; a cluster that loses its last box moves to the box that is
    fitted worst. Means do not minimize this distance in every step, so the best of all iterations is
    returned.

    References
    ----------
    J. Redmon and A. Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017, section 2 (dimension clusters);
    D. Arthur and S. Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.

    Examples
    --------
    >>> import detutils
    >>> sizes, labels, fit = detutils.kmeans_anchors([[0, 0, 9, 5], [5, 5, 16, 10], [0, 0, 20, 40]], 2)
    >>> sizes
    array([[ 9.,  5.],
           [20., 40.]])
    >>> labels, round(fit, 3)
    (array([0, 0, 1]), 0.939)
    """
    rows = as_boxes(boxes)
    count = as_integer(n_anchors, "n_anchors", 1)
    rng = np.random.default_rng(as_seed(seed))
    limit = as_integer(max_iterations, "max_iterations", 1)
    sizes = np.ascontiguousarray(rows[:, 2:] - rows[:, :2] + as_offset(offset))
    flat = np.flatnonzero((sizes <= 0.0).any(axis=1))
    if flat.size:
        raise ValueError(f"boxes[{flat[0]}] has no area: a shape needs a width and a height")
    centers = _first_shapes(sizes, count, rng)
    labels, counts = np.full(len(sizes), -1, np.int64), np.empty(count, np.int64)
    best_total, best_centers = -1.0, centers.copy()
    for _ in range(limit):
        before = labels.copy()
        total = kernels.assign_shapes(sizes, centers, labels)
        if total > best_total:
            best_total, best_centers = total, centers.copy()
        if np.array_equal(before, labels):
            break
        kernels.mean_shapes(sizes, labels, centers, counts)
        for empty in np.flatnonzero(counts == 0):
            centers[empty] = sizes[np.argmin(kernels.best_ious(sizes, centers))]
    order = np.argsort(best_centers.prod(axis=1), kind="stable")
    best_centers = np.ascontiguousarray(best_centers[order])
    best_total = kernels.assign_shapes(sizes, best_centers, labels)
    return best_centers, labels, float(best_total / len(sizes))


def _first_shapes(sizes: F8, count: int, rng: np.random.Generator) -> F8:
    different = len(np.unique(sizes, axis=0))
    if count > different:
        raise ValueError(f"n_anchors must be at most the {different} different shapes of boxes, got {count}")
    centers = np.empty((count, 2))
    centers[0] = sizes[rng.integers(len(sizes))]
    for k in range(1, count):
        chances = np.cumsum(np.square(1.0 - kernels.best_ious(sizes, centers[:k])))
        drawn = np.searchsorted(chances, rng.random() * chances[-1], side="right")
        centers[k] = sizes[min(int(drawn), len(sizes) - 1)]
    return centers
