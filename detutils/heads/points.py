"""Heads that tell distances: from each point of a grid to the four sides of the box around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from detutils._jit import F8, I8
from detutils._kernels.limits import LIMIT
from detutils._validate import (
    Array,
    as_choice,
    as_grid_sizes,
    as_image_size,
    as_integer,
    as_number,
    as_out,
    as_positive,
)
from detutils.datasets.records import Detections
from detutils.heads._kernels import distances as kernels
from detutils.heads.assembly import as_tail, assemble
from detutils.heads.candidates import CHANNELS, Activation, Channels
from detutils.heads.letterbox import Letterbox
from detutils.heads.outputs import (
    Level,
    as_input_size,
    as_level,
    as_levels,
    as_most,
    as_window,
    check_width,
    clipped,
    find,
    gather,
    judge_keypoints,
    read_numbers,
    read_scores,
    read_weights,
    rounded,
)

_UNITS: tuple[Literal["stride", "pixel"], ...] = ("stride", "pixel")
_RULES: tuple[Literal["product", "root"], ...] = ("product", "root")


def grid_points(
    input_size: tuple[float, float],
    strides: npt.ArrayLike = (8, 16, 32),
    *,
    shift: float = 0.5,
    grid_sizes: Sequence[tuple[int, int]] | None = None,
) -> tuple[F8, I8]:
    """The points that the cells of a network's feature maps stand for, the maps one after the other.

    Parameters
    ----------
    input_size : (height, width)
        Of the network's input, in pixels.
    strides : (L,) array_like
        Distance of neighboring points in pixels, one for each feature map.
    shift : float, default 0.5
        Where in its cell a point lies, in strides: 0.5 is the center (FCOS, YOLOv8, PicoDet, NanoDet), 0 the upper left
        corner (RTMDet, NanoDet-Plus, SCRFD).
    grid_sizes : sequence of L pairs (rows, columns), optional
        Sizes of the feature maps, where they are not ceil(height / stride) x ceil(width / stride).

    Returns
    -------
    points : (K, 2) float64 ndarray
        x, y in pixels of the input: ((column + shift) * stride, (row + shift) * stride), row by row. Shape (0, 2)
        without strides.
    levels : (K,) int64 ndarray
        The index of each point's feature map; ``strides[levels]`` is what distances in strides are multiplied with.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If a value is not finite, a size or a stride is not greater than 0, ``grid_sizes`` does not name one pair for
        each stride, or a point would lie beyond 1e150.
    MemoryError
        If the result is larger than the memory that is free.

    See Also
    --------
    grid_anchors : Boxes instead of points. detections_from_points : What is told of the points.

    Notes
    -----
    Linear in K. An input of 640 x 640 pixels has 8,400 points with the defaults.

    References
    ----------
    Z. Tian et al., "FCOS: fully convolutional one-stage object detection", ICCV 2019, section 3.1.

    Examples
    --------
    >>> import detutils
    >>> points, levels = detutils.grid_points((16, 32), (8, 16))
    >>> points[:4].tolist(), points[-1].tolist(), levels.tolist()
    ([[4.0, 4.0], [12.0, 4.0], [20.0, 4.0], [28.0, 4.0]], [24.0, 8.0], [0, 0, 0, 0, 0, 0, 0, 0, 1, 1])
    """
    size = as_image_size(input_size, "input_size")
    steps = as_positive(strides, "strides")
    part = as_number(shift, "shift")
    grids = grids_of(size, steps, grid_sizes)
    for step, (rows, columns) in zip(steps.tolist(), grids, strict=True):
        if (max(rows, columns) + abs(part)) * step > LIMIT:
            raise ValueError(f"strides lead beyond {LIMIT:g}, got {step:g}")
    counts = [rows * columns for rows, columns in grids]
    points = as_out(None, (sum(counts), 2), np.float64)
    last = 0
    for step, (rows, columns), count in zip(steps, grids, counts, strict=True):
        first, last = last, last + count
        level = points[first:last].reshape(rows, columns, 2)
        level[:, :, 0] = (np.arange(columns) + part) * step
        level[:, :, 1] = ((np.arange(rows) + part) * step)[:, None]
    return points, np.repeat(np.arange(len(counts)), counts)


def grids_of(
    size: tuple[float, float], steps: F8, grid_sizes: Sequence[tuple[int, int]] | None
) -> list[tuple[int, int]]:
    """Rows and columns of each feature map: as given, or as many as begin within the input."""
    if grid_sizes is not None:
        return as_grid_sizes(grid_sizes, len(steps))
    height, width = size
    cells = [(height / step, width / step) for step in steps.tolist()]
    if not all(max(pair) <= 2**31 for pair in cells):
        raise ValueError(f"input_size must hold at most 2**31 strides, got {size} and {steps.min():g}")
    return [(math.ceil(rows), math.ceil(columns)) for rows, columns in cells]


def detections_from_points(
    distances: npt.ArrayLike | Sequence[npt.ArrayLike],
    scores: npt.ArrayLike | Sequence[npt.ArrayLike],
    strides: npt.ArrayLike = (8, 16, 32),
    *,
    input_size: tuple[float, float] | None = None,
    grid_sizes: Sequence[tuple[int, int]] | None = None,
    shift: float = 0.5,
    repeats: int = 1,
    unit: Literal["stride", "pixel"] = "stride",
    centerness: npt.ArrayLike | Sequence[npt.ArrayLike] | None = None,
    centerness_rule: Literal["product", "root"] = "product",
    keypoints: npt.ArrayLike | Sequence[npt.ArrayLike] | None = None,
    clip_to: tuple[float, float] | None = None,
    channels: Channels = "first",
    letterbox: Letterbox | None = None,
    score_threshold: float = 0.25,
    iou_threshold: float | None = 0.5,
    max_per_level: int | None = None,
    max_candidates: int | None = None,
    max_output: int | None = 300,
    multi_label: bool = False,
    class_agnostic: bool = False,
    activation: Activation = "none",
    on_invalid: Literal["raise", "drop"] = "raise",
) -> Detections:
    """Detections from a head that tells, for each point of a grid, how far the sides of its box are: FCOS, RTMDet,
    NanoDet, PicoDet, SCRFD, raw YOLOv8.

    Parameters
    ----------
    distances : (4, N), (4 B, N), (4, H, W) or (4 B, H, W) array_like, or a sequence of them, one a level
        Left, top, right and bottom distance of each point; or the logits of B bins for each of the four, whose mean
        under the softmax, counted 0 ... B - 1, is the distance (distribution focal loss). With ``channels="last"`` the
        shapes are (N, 4) or (H, W, 4). A leading axis of length 1 is left out. Points are ordered as ``grid_points``
        orders them.
    scores : (C, N) or (C, H, W) array_like, or a sequence of them, one a level
        The score of each class for each point.
    strides : (L,) array_like
        Distance of neighboring points in pixels, one for each level.
    input_size : (height, width), optional
        Of the network's input, in pixels; taken from ``letterbox`` if that is given. Not needed where the levels are
        maps, whose shapes say how the points lie.
    grid_sizes : sequence of L pairs (rows, columns), optional
        Sizes of the levels, where neither maps nor ceil(height / stride) x ceil(width / stride) say them.
    shift : float, default 0.5
        Where in its cell a point lies, in strides: 0.5 for FCOS, PicoDet, NanoDet, YOLOv8; 0 for RTMDet, NanoDet-Plus,
        SCRFD.
    repeats : int, default 1
        How many rows each point has, one after the other; 2 for SCRFD.
    unit : {"stride", "pixel"}, default "stride"
        Of the distances. RTMDet and most exports of FCOS tell pixels.
    centerness : (N,), (1, N) or (1, H, W) array_like, or a sequence of them, one a level, optional
        How central each point is in its object: scores are multiplied by it. It goes through the sigmoid unless
        ``activation`` is "none".
    centerness_rule : {"product", "root"}, default "product"
        "root" takes the square root of the product of score and centerness, as torchvision's FCOS does; the product is
        compared with the square of ``score_threshold``.
    keypoints : (2 K, N) or (2 K, H, W) array_like, or a sequence of them, one a level, optional
        x and y of K keypoints relative to each point, in the unit of the distances.
    clip_to : (height, width), optional
        Boxes are clipped to it before the suppression, in pixels of the network's input, as torchvision, mmdetection
        and detectron2 do. Without it only the detections are clipped, at the end.
    channels : {"first", "last"}, default "first"
        Whether the first axis of all these arrays holds the classes, sides and bins, or the last.
    letterbox : Letterbox, optional
        Leads back to the photograph. Without it boxes are in pixels of the network's input.
    score_threshold : float, default 0.25
        Only scores > ``score_threshold`` take part; boxes of the others are not looked at.
    iou_threshold : float or None, default 0.5
        As in ``batched_nms``. None suppresses nothing.
    max_per_level : int, optional
        The best so many of each level take part.
    max_candidates : int, optional
        The best so many of all take part in the suppression.
    max_output : int or None, default 300
        At most so many detections.
    multi_label : bool, default False
        Every class of a point that exceeds the threshold, not only the best one.
    class_agnostic : bool, default False
        Boxes of different classes suppress each other as well.
    activation : {"none", "sigmoid", "softmax"}, default "none"
        What turns scores and centerness into probabilities.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows above the threshold whose box is not finite or not ordered, or whose score or keypoints
        are not finite.

    Returns
    -------
    found : Detections
        Boxes in pixels of the photograph, clipped to it; by decreasing score, ties by the order of the points. Labels
        are places on the axis of classes. With keypoints a column ``keypoints`` (M, K, 2), clipped as well. Empty for a
        head without points, and where nothing exceeds the threshold.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If shapes do not fit together (the text says which axis was taken for what), an option is out of range, or a row
        above the threshold has a box that is not finite or has x2 < x1 or y2 < y1, or keypoints that are not finite.

    See Also
    --------
    grid_points : Where the points lie. class_candidates : The rows above the threshold.

    Notes
    -----
    The threshold comes first, so that distances and distributions of the survivors alone are computed: the time is that
    of one pass over ``scores``, and of ``batched_nms``. Boxes are computed in float64, and rounded once for float32
    distances.

    A raw YOLOv8 head has 64 channels of distances before those of its classes:
    ``detections_from_points([p[:, :64] for p in levels], [p[:, 64:] for p in levels], activation="sigmoid")``.

    References
    ----------
    Z. Tian et al., "FCOS: fully convolutional one-stage object detection", ICCV 2019, section 3.1; X. Li et al.,
    "Generalized focal loss", NeurIPS 2020, section 3.1 (distributions).

    Examples
    --------
    >>> import numpy as np, detutils
    >>> scores = np.zeros((1, 1, 2, 2))
    >>> scores[0, 0, 1, 0] = 0.9  # one class, a map of 2 x 2 points with stride 8: this one is (4, 12)
    >>> distances = np.full((1, 4, 2, 2), 0.5)
    >>> found = detutils.detections_from_points([distances], [scores], [8])
    >>> found.boxes
    array([[ 0.,  8.,  8., 16.]])
    """
    axis = as_choice(channels, "channels", CHANNELS)
    tail = as_tail(
        letterbox, score_threshold, iou_threshold, max_candidates, max_output, multi_label, class_agnostic, on_invalid,
        activation,
    )  # fmt: skip
    limit = as_most(max_per_level, "max_per_level")
    root = as_choice(centerness_rule, "centerness_rule", _RULES) == "root"
    steps = as_positive(strides, "strides")
    each = as_integer(repeats, "repeats", 1, 2**31)
    part = as_number(shift, "shift")
    units = steps if as_choice(unit, "unit", _UNITS) == "stride" else np.ones(len(steps))
    window = as_window(clip_to)
    levels = [as_level(value, title, axis) for title, value in as_levels(distances, "distances")]
    grids = _grids(levels, steps, each, as_input_size(input_size, letterbox), grid_sizes)
    starts = np.cumsum([0, *(each * rows * columns for rows, columns in grids)])
    geometry = np.array([
        (start, each, columns, step, part, scale)
        for start, (_, columns), step, scale in zip(starts[:-1], grids, steps, units, strict=True)
    ]).reshape(-1, 6)  # fmt: skip
    counts = [len(level.table) for level in levels]
    sides = check_width([level.table for level in levels], "distances", axis, 4)
    tables = read_scores(scores, "scores", axis, counts, "distances")
    weights, marks = None, None
    if centerness is not None:
        weights = read_weights(centerness, "centerness", axis, counts, "distances")
    if keypoints is not None:
        marks = read_numbers(keypoints, "keypoints", axis, counts, "distances", 2)
    if limit is not None and len(levels) == 1 < len(grids):
        tables = np.split(tables[0], starts[1:-1])
        weights = None if weights is None else np.split(weights[0], starts[1:-1])
    judge = tail.judge
    if root:
        judge = judge._replace(threshold=math.copysign(judge.threshold * judge.threshold, judge.threshold))
    found = find(tables, weights, judge, None, limit)
    if root:
        found = found._replace(scores=np.sqrt(np.maximum(found.scores, 0)))

    def points_of(rows: I8) -> F8:
        points = np.empty((len(rows), 3))
        kernels.places(rows, geometry, points)
        return points

    def boxes_of(rows: I8) -> Array:
        boxes = np.empty((len(rows), 4))
        kernels.boxes_around(points_of(rows), gather(sides, rows), boxes)
        if marks is not None:
            judge_keypoints(boxes, keypoints_of(rows), rows, judge.drop)
        return rounded(clipped(boxes, window), sides)

    def keypoints_of(rows: I8) -> Array:
        points = points_of(rows)[:, None]
        offsets = gather(marks or [], rows)
        offsets = offsets.reshape(len(rows), offsets.shape[1] // 2, 2)
        with np.errstate(all="ignore"):
            placed = points[..., :2] + offsets * points[..., 2:]
        return rounded(placed, marks or [])

    return assemble(found, tail, boxes_of, {} if marks is None else {"keypoints": keypoints_of})


def _grids(
    levels: list[Level],
    steps: F8,
    each: int,
    size: tuple[float, float] | None,
    grid_sizes: Sequence[tuple[int, int]] | None,
) -> list[tuple[int, int]]:
    """Rows and columns of each level, and that as many rows as they need are there."""
    if len(levels) not in (1, len(steps)):
        raise ValueError(f"distances must hold {len(steps)} arrays, one a stride, or one of all, got {len(levels)}")
    maps = [level.grid for level in levels]
    known = [grid for grid in maps if grid is not None]
    if grid_sizes is None and each == 1 and len(known) == len(steps):
        return known
    if grid_sizes is None and size is None:
        if sum(len(level.table) for level in levels) == 0:
            return [(0, 0)] * len(steps)
        raise ValueError("input_size, grid_sizes or letterbox must say how the points lie, or distances must be maps")
    grids = grids_of(size or (1.0, 1.0), steps, grid_sizes)
    wanted = [each * rows * columns for rows, columns in grids]
    counts = [len(level.table) for level in levels]
    if sum(counts) and counts not in (wanted, [sum(wanted)]):
        raise ValueError(
            f"distances has {counts if len(counts) > 1 else counts[0]} rows, got shape {levels[0].shape}, but strides "
            f"{steps.tolist()} make grids of {grids}" + (f", {each} rows a point" if each > 1 else "")
        )
    return grids
