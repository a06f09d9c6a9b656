"""Heads that move prior boxes, as SSD and its kin do: the priors, and detections from what the network says of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from detutils._jit import F8, I8
from detutils._kernels.limits import LIMIT
from detutils._validate import (
    Array,
    as_boxes,
    as_choice,
    as_image_size,
    as_items,
    as_items_of,
    as_number,
    as_out,
    as_positive,
    dimensions,
)
from detutils.datasets.records import Detections
from detutils.heads.anchors import decode_rows
from detutils.heads.assembly import as_tail, assemble
from detutils.heads.candidates import CHANNELS, Activation, Background, Channels
from detutils.heads.letterbox import Letterbox
from detutils.heads.outputs import (
    as_background,
    as_window,
    clipped,
    find,
    gather,
    judge_keypoints,
    read_numbers,
    read_scores,
    rounded,
)
from detutils.heads.points import grid_points, grids_of

Clip = Literal["corners", "sides", "centers"]
CLIPS: tuple[Clip, ...] = ("corners", "sides", "centers")
CODINGS: tuple[Literal["center", "corner", "linear"], ...] = ("center", "corner", "linear")


def prior_boxes(
    input_size: tuple[float, float],
    strides: npt.ArrayLike,
    min_sizes: Sequence[npt.ArrayLike],
    max_sizes: Sequence[npt.ArrayLike] | None = None,
    ratios: Sequence[npt.ArrayLike] | None = None,
    *,
    grid_sizes: Sequence[tuple[int, int]] | None = None,
    clip: Clip | None = None,
) -> F8:
    """The prior (default) boxes of SSD, RetinaFace, BlazeFace: squares and rectangles around the center of every cell.

    Parameters
    ----------
    input_size : (height, width)
        Of the network's input, in pixels.
    strides : (L,) array_like
        Distance of neighboring cells in pixels, one for each feature map; SSD calls them steps.
    min_sizes : sequence of L numbers or sequences of numbers
        Sides of the squares of each feature map, in pixels.
    max_sizes : sequence of L numbers or sequences of numbers, optional
        With each side s of ``min_sizes`` and m of ``max_sizes`` at its place comes one more square, of side sqrt(s m).
        A feature map without them has an empty sequence.
    ratios : sequence of L sequences of numbers, optional
        With each side s and each ratio r come two rectangles: s sqrt(r) x s / sqrt(r) (width x height), then
        s / sqrt(r) x s sqrt(r). The ratio 1 is not to be listed.
    grid_sizes : sequence of L pairs (rows, columns), optional
        Sizes of the feature maps, where they are not ceil(height / stride) x ceil(width / stride).
    clip : {"corners", "sides", "centers"}, optional
        How boxes are made to fit into the input. "corners" cuts off what sticks out, as Caffe and OpenVINO do. "sides"
        limits widths and heights to those of the input, as torchvision does; "centers" limits the centers as well, each
        number on its own, as ssd.pytorch does: corners may still lie outside. None leaves them.

    Returns
    -------
    priors : (K, 4) float64 ndarray
        x1, y1, x2, y2 in pixels of the input: the feature maps one after the other, row by row, and in each cell the
        boxes of the first minimal side (square, square of the maximal side, rectangles), then of the next. Shape (0, 4)
        without strides.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If a value is not finite and greater than 0, a sequence does not hold one entry for each stride, a feature map
        has another number of maximal than of minimal sides, or a side is outside the range of numbers.
    MemoryError
        If the result is larger than the memory that is free.

    See Also
    --------
    detections_from_priors : What a network says of them. box_convert : Centers and sides, between 0 and 1.

    Notes
    -----
    Linear in K. The networks' own files hold centers and sides divided by the size of the input:
    ``box_convert(priors, "xyxy", "cxcywhn", image_size=input_size)``.

    - SSD300: strides (8, 16, 32, 64, 100, 300), minimal sides (30, 60, 111, 162, 213, 264), maximal sides (60, 111,
      162, 213, 264, 315), ratios ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,)), ``clip="centers"``: 8,732 boxes.
    - RetinaFace: strides (8, 16, 32), minimal sides ((16, 32), (64, 128), (256, 512)).
    - BlazeFace: strides (8, 16), minimal sides ((128,) * 2, (128,) * 6): 896 boxes, of which only the centers count.

    References
    ----------
    W. Liu et al., "SSD: single shot multibox detector", ECCV 2016, section 2.2; J. Deng et al., "RetinaFace", CVPR
    2020; V. Bazarevsky et al., "BlazeFace", 2019.

    Examples
    --------
    >>> import detutils
    >>> detutils.prior_boxes((16, 16), (16,), (4,), (9,), ((4,),))
    array([[ 6.,  6., 10., 10.],
           [ 5.,  5., 11., 11.],
           [ 4.,  7., 12.,  9.],
           [ 7.,  4.,  9., 12.]])
    """
    size = as_image_size(input_size, "input_size")
    steps = as_positive(strides, "strides")
    least = _of_levels(min_sizes, "min_sizes", len(steps))
    most = [np.empty(0)] * len(steps) if max_sizes is None else _of_levels(max_sizes, "max_sizes", len(steps))
    shapes = [np.empty(0)] * len(steps) if ratios is None else _of_levels(ratios, "ratios", len(steps))
    cut = None if clip is None else as_choice(clip, "clip", CLIPS)
    cells = [_sides(least[i], most[i], shapes[i], i) for i in range(len(steps))]
    grids = grids_of(size, steps, grid_sizes)
    counts = [rows * columns for rows, columns in grids]
    priors = as_out(None, (sum(count * len(sides) for count, sides in zip(counts, cells, strict=True)), 4), np.float64)
    points = grid_points(size, steps, grid_sizes=grids)[0]
    limits = np.array([size[1], size[0]])
    last, done = 0, 0
    for sides, count in zip(cells, counts, strict=True):
        first, last = last, last + count * len(sides)
        level = priors[first:last].reshape(count, len(sides), 4)
        centers, done = points[done : done + count, None], done + count
        if cut == "centers":
            centers = np.minimum(centers, limits)
        if cut in ("sides", "centers"):
            sides = np.minimum(sides, limits)
        np.subtract(centers, 0.5 * sides, out=level[:, :, :2])
        np.add(centers, 0.5 * sides, out=level[:, :, 2:])
    if cut == "corners":
        np.clip(priors, 0.0, [*limits, *limits], out=priors)
    return priors


def detections_from_priors(
    locations: npt.ArrayLike,
    scores: npt.ArrayLike,
    priors: npt.ArrayLike,
    *,
    variances: tuple[float, float] = (0.1, 0.2),
    coding: Literal["center", "corner", "linear"] = "center",
    keypoints: npt.ArrayLike | None = None,
    background: Background | None = None,
    clip_to: tuple[float, float] | None = None,
    channels: Channels = "last",
    letterbox: Letterbox | None = None,
    score_threshold: float = 0.25,
    iou_threshold: float | None = 0.5,
    max_candidates: int | None = None,
    max_output: int | None = 300,
    multi_label: bool = False,
    class_agnostic: bool = False,
    activation: Activation = "none",
    on_invalid: Literal["raise", "drop"] = "raise",
) -> Detections:
    """Detections from a head that moves prior boxes: SSD, RetinaFace, BlazeFace.

    Parameters
    ----------
    locations : (N, 4) array_like
        What the network says of each prior. A leading axis of length 1 is left out.
    scores : (N, C) array_like
        The score of each class for each prior; (N,) for one class.
    priors : (N, 4) array_like
        x1, y1, x2, y2 in pixels of the network's input, as ``prior_boxes`` gives them. Of centers and sides between 0
        and 1: ``box_convert(priors, "cxcywhn", "xyxy", image_size=input_size)``.
    variances : (first, second), default (0.1, 0.2)
        What the first and the last two numbers of a location are multiplied by, greater than 0.
    coding : {"center", "corner", "linear"}, default "center"
        What a location (a, b, c, d) means for a prior of center x, y and sides w, h, with variances v1, v2. "center":
        center (x + a v1 w, y + b v1 h), sides w exp(c v2), h exp(d v2). "linear": the same center, sides w c v2, h d
        v2. "corner": (x1 + a v1, y1 + b v1, x2 + c v2, y2 + d v2) in pixels.
    keypoints : (N, 2 K) array_like, optional
        Positions of K keypoints: (x + a v1 w, y + b v1 h) for each pair a, b.
    background : {"first", "last"}, optional
        Which class stands for no object at all; it takes part in the softmax, and is no candidate. Labels count the
        others from 0.
    clip_to : (height, width), optional
        Boxes are clipped to it before the suppression, in pixels of the network's input, as torchvision, mmdetection
        and detectron2 do. Without it only the detections are clipped, at the end.
    channels : {"last", "first"}, default "last"
        Whether the last axis of the network's arrays holds the classes and coordinates, or the first.
    letterbox : Letterbox, optional
        Leads back to the photograph. Without it boxes are in pixels of the network's input.
    score_threshold : float, default 0.25
        Only scores > ``score_threshold`` take part; boxes of the others are not looked at.
    iou_threshold : float or None, default 0.5
        As in ``batched_nms``. None suppresses nothing.
    max_candidates : int, optional
        The best so many take part in the suppression.
    max_output : int or None, default 300
        At most so many detections.
    multi_label : bool, default False
        Every class of a prior that exceeds the threshold, not only the best one.
    class_agnostic : bool, default False
        Boxes of different classes suppress each other as well.
    activation : {"none", "sigmoid", "softmax"}, default "none"
        What turns scores into probabilities.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows above the threshold whose box is not finite or not ordered, or whose score or keypoints
        are not finite.

    Returns
    -------
    found : Detections
        Boxes in pixels of the photograph, clipped to it; by decreasing score, ties by the order of the priors. With
        keypoints a column ``keypoints`` (M, K, 2), clipped as well. Empty without priors, and where nothing exceeds the
        threshold.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If shapes do not fit together (the text says which axis was taken for what), an option is out of range, or a row
        above the threshold has a box that is not finite or has x2 < x1 or y2 < y1, or keypoints that are not finite.

    See Also
    --------
    prior_boxes : The priors. detections_from_anchors : Deltas of anchors, as R-CNN codes them.

    Notes
    -----
    The threshold comes first, so that boxes of the survivors alone are computed: the time is that of one pass over
    ``scores``, and of ``batched_nms``. Boxes are computed in float64, and rounded once for
    float32 locations.

    - SSD: ``background="first"``, ``activation="softmax"`` unless the network has done it, ``multi_label=True``,
      ``score_threshold=0.01``, ``iou_threshold=0.45``.
    - RetinaFace: the landmarks are ``keypoints``; ``background="first"``.
    - BlazeFace: locations are pixels of the input, which is 128 wide as its priors are: ``coding="linear"``,
      ``variances=(1 / 128, 1 / 128)``, ``activation="sigmoid"``, ``keypoints=raw[:, 4:]`` and ``raw[:, :4]``. Its own
      suppression is a weighted one: ``iou_threshold=None``, and then merge.

    References
    ----------
    W. Liu et al., "SSD: single shot multibox detector", ECCV 2016, section 2.2, eq. 2; J. Deng et al., "RetinaFace",
    CVPR 2020; V. Bazarevsky et al., "BlazeFace", 2019.

    Examples
    --------
    >>> import detutils
    >>> priors = [[0, 0, 20, 20], [40, 40, 60, 60]]
    >>> found = detutils.detections_from_priors([[0, 0, 0, 0], [1, 0, 0, 0]], [[0.9, 0.1], [0.2, 0.8]], priors,
    ...                                         background="first")
    >>> found.boxes, found.labels
    (array([[42., 40., 62., 60.]]), array([0]))
    """
    axis = as_choice(channels, "channels", CHANNELS)
    tail = as_tail(
        letterbox, score_threshold, iou_threshold, max_candidates, max_output, multi_label, class_agnostic, on_invalid,
        activation,
    )  # fmt: skip
    aside = as_background(background)
    first, second = as_items_of(variances, "variances", "two numbers", 2)
    factors = as_number(first, "variances[0]", above=0.0), as_number(second, "variances[1]", above=0.0)
    rule = as_choice(coding, "coding", CODINGS)
    window = as_window(clip_to)
    origins = as_boxes(priors, "priors", keep_float32=True)
    count = [len(origins)]
    tables = read_scores(scores, "scores", axis, count, "priors")
    moves = read_numbers(locations, "locations", axis, count, "priors", 4, exact=True)
    marks = None if keypoints is None else read_numbers(keypoints, "keypoints", axis, count, "priors", 2)

    def around(rows: I8) -> F8:
        return np.asarray(origins[rows], np.float64)

    def boxes_of(rows: I8) -> Array:
        boxes = _moved(gather(moves, rows), around(rows), factors, rule)
        if marks is not None:
            judge_keypoints(boxes, keypoints_of(rows), rows, tail.judge.drop)
        return rounded(clipped(boxes, window), moves)

    def keypoints_of(rows: I8) -> Array:
        boxes = around(rows)
        sides = boxes[:, 2:] - boxes[:, :2]
        offsets = gather(marks or [], rows)
        offsets = offsets.reshape(len(rows), offsets.shape[1] // 2, 2)
        with np.errstate(all="ignore"):
            points = (boxes[:, :2] + 0.5 * sides)[:, None] + offsets * factors[0] * sides[:, None]
        return rounded(points, marks or [])

    found = find(tables, None, tail.judge, aside)
    return assemble(found, tail, boxes_of, {} if marks is None else {"keypoints": keypoints_of})


def _moved(moves: F8, priors: F8, variances: tuple[float, float], coding: str) -> F8:
    """The boxes that locations mean; what is not finite is judged later."""
    if coding == "center":
        first, second = 1.0 / variances[0], 1.0 / variances[1]
        return decode_rows(moves, priors, (first, first, second, second), math.inf)
    with np.errstate(all="ignore"):
        if coding == "corner":
            corners: F8 = priors + moves * np.repeat(variances, 2)
            return corners
        sides = priors[:, 2:] - priors[:, :2]
        centers = priors[:, :2] + 0.5 * sides + moves[:, :2] * variances[0] * sides
        half = 0.5 * sides * (moves[:, 2:] * variances[1])
        return np.concatenate([centers - half, centers + half], axis=1)


def _of_levels(values: Any, name: str, count: int) -> list[F8]:
    """One vector of numbers greater than 0 for each stride; a number stands for a vector of one."""
    items = as_items(values, name, "a sequence with one entry for each of strides")
    if len(items) != count:
        raise ValueError(f"{name} must hold {count} entries, one for each of strides, got {len(items)}")
    vectors = []
    for level, item in enumerate(items):
        title = f"{name}[{level}]"
        vectors.append(as_positive([as_number(item, title)] if dimensions(item) == 0 else item, title))
    return vectors


def _sides(least: F8, most: F8, shapes: F8, level: int) -> F8:
    """Widths and heights of a cell's boxes."""
    if len(most) not in (0, len(least)):
        raise ValueError(
            f"max_sizes[{level}] must hold {len(least)} sides or none, as min_sizes[{level}] does, got {len(most)}"
        )
    pairs: list[tuple[float, float]] = []
    for place, side in enumerate(least.tolist()):
        pairs.append((side, side))
        if len(most):
            middle = math.sqrt(side * most[place])
            pairs.append((middle, middle))
        for ratio in shapes.tolist():
            long, short = side * math.sqrt(ratio), side / math.sqrt(ratio)
            pairs += [(long, short), (short, long)]
    sides = np.array(pairs).reshape(-1, 2)
    if not ((sides > 0.0) & (sides <= LIMIT)).all():
        raise ValueError(
            f"min_sizes[{level}], max_sizes and ratios make a box with a side outside 0 ... {LIMIT:g} pixels"
        )
    return sides
