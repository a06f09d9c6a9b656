"""Hierarchies: from an over-segmentation to the whole image, by merging the most similar neighbors."""

from __future__ import annotations

from threading import Event
from typing import Any, NamedTuple

import numpy as np

from detutils import _validate
from detutils._jit import B1, F8, I4, I8, U1
from detutils.proposals._kernels import grouping as kernels
from detutils.proposals.colors import COLOR_SPACES, as_rgb, block_means, planes_of, slices
from detutils.proposals.regions import Regions, describe, gradient_codes
from detutils.proposals.segmentation import (
    LARGEST_SCALE,
    Graph,
    build_coarse_graph,
    build_graph,
    edge_strengths,
    segment,
)

MERGES = 4096  # between two chances to hear an interrupt


class Strategy(NamedTuple):
    """How one hierarchy is made: where its regions come from and what makes two of them alike.

    Parameters
    ----------
    color_space : {"hsv", "lab", "rgi", "rgb", "hue", "gray"}, default "hsv"
        In which the image is segmented and compared. "rgi" is normalized red and green, and intensity.
    scale : float, default 100
        k of the over-segmentation, see ``felzenszwalb``.
    color, texture, size, fill : float, default 1
        Weights of the four similarities, each at least 0 and not all 0.
    min_size : int, optional
        Smallest region of the over-segmentation in pixels; ``scale``, rounded, if None.
    sigma : float, default 0.8
        Smoothing before the segmentation, in pixels.
    shrink : int, default 1
        Work on the image shrunk by this factor; ``scale``, ``min_size`` and ``sigma`` refer to the shrunk
        pixels. 2 costs a quarter of the time and finds nearly as many objects.
    edges : {"exact", "coarse"}, default "exact"
        Weights of the edges in the over-segmentation: real numbers, as ``felzenszwalb`` has them, or rounded down to
        sixteenths of a gray level, k / size included, which keeps regions of more than 16 k pixels from growing.

    Returns
    -------
    strategy : Strategy
        A plain tuple; the values are checked where it is used.

    Raises
    ------
    TypeError
        If a field is unknown.

    Examples
    --------
    >>> from detutils import Strategy
    >>> Strategy("lab", scale=50, color=0)
    Strategy(color_space='lab', scale=50, color=0, texture=1.0, size=1.0, fill=1.0, min_size=None, sigma=0.8,
    shrink=1, edges='exact')
    """

    color_space: str = "hsv"
    scale: float = 100.0
    color: float = 1.0
    texture: float = 1.0
    size: float = 1.0
    fill: float = 1.0
    min_size: int | None = None
    sigma: float = 0.8
    shrink: int = 1
    edges: str = "exact"


class Hierarchy(NamedTuple):
    """The R regions of an over-segmentation and the R - 1 merges that join them.

    Parameters
    ----------
    regions : (H, W) int32 ndarray
        Labels 0 ... R - 1 of the over-segmentation.
    merges : (R - 1, 2) int64 ndarray
        Row i: the two regions, smaller number first, whose union is region R + i.
    similarities : (R - 1,) float64 ndarray
        How alike they were.
    sizes : (2 R - 1,) int64 ndarray
        Pixels of every region.
    boxes : (2 R - 1, 4) float64 ndarray
        Bounding boxes x1, y1, x2, y2 of every region, in continuous coordinates.

    Returns
    -------
    hierarchy : Hierarchy
        A plain tuple with one method, ``mask``.

    Raises
    ------
    TypeError
        If a field is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils import Strategy, hierarchical_grouping
    >>> image = np.zeros((40, 60, 3), np.uint8)
    >>> image[10:30, 20:50] = 255
    >>> tree = hierarchical_grouping(image, Strategy(scale=50, sigma=0))
    >>> tree.boxes[1].tolist(), int(tree.mask(1).sum()), tree.merges.tolist()
    ([20.0, 10.0, 50.0, 30.0], 600, [[0, 1]])
    """

    regions: I4
    merges: I8
    similarities: F8
    sizes: I8
    boxes: F8

    def mask(self, region: int) -> B1:
        """The pixels of a region.

        Parameters
        ----------
        region : int
            0 ... 2 R - 2.

        Returns
        -------
        mask : (H, W) bool ndarray
            True on its pixels.

        Raises
        ------
        TypeError, ValueError
            If ``region`` is no integer or there is no such region.
        """
        count = self.merges.shape[0] + 1
        region = _validate.as_integer(region, "region", 0, 2 * count - 2)
        inside = np.zeros(2 * count - 1, np.bool_)
        inside[region] = True
        for step in range(region - count, -1, -1):
            if inside[count + step]:
                inside[self.merges[step]] = True
        return inside[:count][self.regions]


class Tree(NamedTuple):
    """One hierarchy as ``merge_regions`` leaves it; the first R rows are the regions themselves."""

    merges: I8  # (R - 1, 2)
    similarities: F8  # (R - 1,)
    sizes: I8  # (2 R - 1,)
    boxes: I4  # (2 R - 1, 4)
    outlines: I8  # (2 R - 1, 2) length of the border with others, sum of the edge weights across it


def group(regions: Regions, strategy: Strategy, halt: Event | None = None) -> Tree:
    """Merge until one region is left."""
    n, edges = regions.sizes.shape[0], regions.pairs.shape[0]
    every = 2 * n - 1
    channels = regions.split // 25
    sizes = np.zeros(every, np.int64)
    sizes[:n] = regions.sizes
    boxes = np.zeros((every, 4), np.int32)
    boxes[:n] = regions.boxes
    outlines = np.zeros((every, 2), np.int64)
    outlines[:n] = regions.outlines
    merges = np.empty((n - 1, 2), np.int64)
    similarities = np.empty(n - 1)
    if n == 1:
        return Tree(merges, similarities, sizes, boxes, outlines)

    factors = np.array(
        [
            strategy.color / (channels * kernels.FULL),
            strategy.texture / (channels * 8 * kernels.FULL),
            strategy.size,
            strategy.fill,
        ]
    )
    # Histograms that are not compared are not kept up to date either.
    begin = 0 if strategy.color else regions.split
    end = regions.counts.shape[1] if strategy.texture else regions.split
    counts = regions.counts[:, begin:end].copy()
    norms = np.empty(counts.shape, np.uint16)
    kernels.normalize(counts, norms, sizes)
    table = kernels.Table(
        rows=np.arange(every, dtype=np.int32),
        counts=counts,
        norms=norms,
        sizes=sizes,
        boxes=boxes,
        factors=factors,
        split=regions.split - begin,
        pixels=float(regions.labels.size),
    )
    heads = np.full(every, -1, np.int32)
    heads[:n] = regions.heads
    neighbors = kernels.Neighbors(
        parents=np.arange(every, dtype=np.int32),
        heads=heads,
        nexts=regions.nexts.copy(),
        targets=regions.targets.copy(),
        shared=regions.shared.copy(),
        outlines=outlines,
        stamps=np.full(every, -1, np.int32),
    )
    likeness = kernels.Likeness(
        common=np.zeros((edges, 2), np.int32),
        values=np.empty(edges),
        exact=np.empty(edges, np.uint8),
        picks=np.full(every, -1, np.int32),
    )
    queue = kernels.Queue(np.empty(n), np.empty(n, np.int64), np.zeros(1, np.int64))
    kernels.first_similarities(regions.pairs, tuple(table), tuple(likeness), tuple(queue))
    for start, stop in slices(n - 1, MERGES, halt):
        kernels.merge_regions(
            tuple(table), tuple(neighbors), tuple(likeness), tuple(queue), merges, similarities, start, stop
        )
    return Tree(merges, similarities, sizes, boxes, outlines)


def as_strategy(strategy: Any, name: str = "strategy") -> Strategy:
    """A checked strategy with its minimum size filled in."""
    if not isinstance(strategy, Strategy):
        raise TypeError(f"{name} must be a Strategy, got {type(strategy).__name__}")
    word = strategy.color_space
    space = "gray" if isinstance(word, str) and word == "grey" else word  # the first edition's spelling
    space = _validate.as_choice(space, f"{name}.color_space", COLOR_SPACES)
    scale = _validate.as_number(strategy.scale, f"{name}.scale", 0.0, LARGEST_SCALE)
    sigma = _validate.as_number(strategy.sigma, f"{name}.sigma", 0.0, 50.0)
    color, texture, size, fill = (
        _validate.as_number(getattr(strategy, field), f"{name}.{field}", 0.0, 1e6)
        for field in ("color", "texture", "size", "fill")
    )
    if color == texture == size == fill == 0.0:
        raise ValueError(f"{name} needs at least one similarity with a weight above 0")
    min_size = round(scale) if strategy.min_size is None else strategy.min_size
    min_size = min(_validate.as_integer(min_size, f"{name}.min_size", 0), 2**31 - 1)
    shrink = _validate.as_integer(strategy.shrink, f"{name}.shrink", 1, 64)
    edges = _validate.as_choice(strategy.edges, f"{name}.edges", ("exact", "coarse"))
    return Strategy(space, scale, color, texture, size, fill, min_size, sigma, shrink, edges)


def graph_for(planes: U1, strategy: Strategy, halt: Event | None = None) -> Graph:
    """The pixel graph that a strategy segments."""
    if strategy.edges == "coarse":
        return build_coarse_graph(planes, strategy.sigma, halt)
    return build_graph(planes, strategy.sigma, 4, halt)


_USUAL = Strategy()


def hierarchical_grouping(image: Any, strategy: Strategy = _USUAL) -> Hierarchy:
    """Over-segment an image and merge the most similar neighbors until it is one region.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) ndarray
        uint8, uint16, or float in 0..1; RGB order. It is reduced to 8 bits a channel; alpha is left out.
    strategy : Strategy
        Color space, scale and similarities.

    Returns
    -------
    hierarchy : Hierarchy
        Regions, merges, similarities, sizes, boxes, and ``mask(i)``.

    Raises
    ------
    TypeError
        If the image or the strategy is of the wrong kind.
    ValueError
        If the image breaks the contract or a field of the strategy is out of range.
    MemoryError
        If the pixel graph would not fit into memory.

    Notes
    -----
    Similarity of neighbors (4-connected): the weighted sum of color and texture (histogram intersections,
    0..1), size and fill. Histograms are counts, those of a union the sums of its parts; for comparing they
    are rounded to whole 65535ths, which makes every sum exact. Equally similar pairs go by the smaller, then
    the larger region number. O(N + R log R) for N pixels and R regions, a region's many neighbors aside.

    References
    ----------
    Uijlings, van de Sande, Gevers and Smeulders, "Selective Search for Object Recognition", IJCV 2013,
    algorithm 1 and equations 1-6.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils import hierarchical_grouping
    >>> tree = hierarchical_grouping(np.zeros((30, 40), np.uint8))
    >>> tree.boxes.tolist(), tree.merges.shape
    ([[0.0, 0.0, 40.0, 30.0]], (0, 2))
    """
    rgb = as_rgb(image)
    strategy = as_strategy(strategy)
    planes = planes_of(block_means(rgb, strategy.shrink), strategy.color_space)
    graph = graph_for(planes, strategy)
    labels, count = segment(graph, strategy.scale, strategy.min_size or 0)
    tree = group(describe(labels, count, planes, gradient_codes(planes), edge_strengths(graph)), strategy)
    height, width = rgb.shape[:2]
    boxes = np.minimum(tree.boxes * strategy.shrink, np.array([width, height] * 2)).astype(np.float64)
    sizes = tree.sizes
    if strategy.shrink > 1:  # back to the pixels of the image as given
        labels = (
            labels.repeat(strategy.shrink, axis=0).repeat(strategy.shrink, axis=1)[:height, :width].copy()
        )
        sizes[:count] = np.bincount(labels.reshape(-1), minlength=count)
        for step, (a, b) in enumerate(tree.merges.tolist()):
            sizes[count + step] = sizes[a] + sizes[b]
    return Hierarchy(labels, tree.merges, tree.similarities, sizes, boxes)
