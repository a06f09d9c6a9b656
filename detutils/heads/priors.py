"""Heads that move prior boxes, as SSD and its kin do: the priors, and detections from what the network says of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from detutils._jit import F8
from detutils._kernels.limits import LIMIT
from detutils._validate import as_choice, as_image_size, as_items, as_out, as_positive, dimensions
from detutils.heads.points import grid_points, grids_of

CLIPS: tuple[Literal["corners", "sides"], ...] = ("corners", "sides")


def prior_boxes(
    input_size: tuple[float, float],
    strides: npt.ArrayLike,
    min_sizes: Sequence[npt.ArrayLike],
    max_sizes: Sequence[npt.ArrayLike] | None = None,
    ratios: Sequence[npt.ArrayLike] | None = None,
    *,
    grid_sizes: Sequence[tuple[int, int]] | None = None,
    clip: Literal["corners", "sides"] | None = None,
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
    clip : {"corners", "sides"}, optional
        How boxes are made to fit into the input. "corners" cuts off what sticks out, as Caffe and OpenVINO do. "sides"
        limits centers, widths and heights to the size of the input, each on its own, as ssd.pytorch does: the corners
        may still lie outside. None leaves them.

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
      162, 213, 264, 315), ratios ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,)), ``clip="sides"``: 8,732 boxes.
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
        if cut == "sides":
            centers, sides = np.minimum(centers, limits), np.minimum(sides, limits)
        np.subtract(centers, 0.5 * sides, out=level[:, :, :2])
        np.add(centers, 0.5 * sides, out=level[:, :, 2:])
    if cut == "corners":
        np.clip(priors, 0.0, [*limits, *limits], out=priors)
    return priors


def _of_levels(values: Any, name: str, count: int) -> list[F8]:
    """One vector of numbers greater than 0 for each stride; a number stands for a vector of one."""
    items = as_items(values, name, "a sequence with one entry a stride")
    if len(items) != count:
        raise ValueError(f"{name} must hold {count} entries, one a stride, got {len(items)}")
    return [
        as_positive([item] if dimensions(item) == 0 else item, f"{name}[{level}]") for level, item in enumerate(items)
    ]


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
