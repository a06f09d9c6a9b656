"""Felzenszwalb and Huttenlocher's over-segmentation: the regions that Selective Search starts from."""

from __future__ import annotations

import math
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from detutils import _validate
from detutils._jit import I4, I8, U1, U2
from detutils.proposals._kernels import segmentation as kernels
from detutils.proposals.colors import SLICE, as_rgb, slices

LARGEST_SCALE = 1e7


class Graph(NamedTuple):
    """The pixel graph of one color space: what every scale shares."""

    weights: U2  # (H, D, W), sixteenths of a gray level
    order: I4  # edges by weight; an edge is pixel * D + direction
    ends: I8  # where each weight ends in ``order``


def smoothing_taps(sigma: float) -> I4:
    """Half a Gaussian, center first, cut at 4 sigma; the whole kernel sums to 4096."""
    radius = int(4.0 * sigma + 0.5)
    if radius == 0:
        return np.array([4096], np.int32)
    values = [math.exp(-0.5 * (i / sigma) ** 2) for i in range(radius + 1)]
    total = values[0] + 2.0 * sum(values[1:])
    taps = [round(4096.0 * value / total) for value in values]
    taps[0] = 4096 - 2 * sum(taps[1:])
    while len(taps) > 1 and taps[-1] == 0:
        taps.pop()
    return np.array(taps, np.int32)


def build_graph(planes: U1, sigma: float, connectivity: int, halt: Event | None = None) -> Graph:
    """Smooth, weigh and sort the edges between neighboring pixels."""
    channels, height, width = planes.shape
    directions = connectivity // 2
    edges = height * (width - 1) + (height - 1) * width + (directions == 4) * 2 * (height - 1) * (width - 1)
    _validate.check_memory(
        height * width * (2 * channels + 6 * directions), f"the graph of {width} x {height} pixels"
    )
    rows = SLICE // width
    taps = smoothing_taps(sigma)
    values = np.empty(planes.shape, np.uint16)
    for start, stop in slices(height, rows, halt):
        kernels.smooth(planes, taps, values, start, stop)
    weights = np.zeros((height, directions, width), np.uint16)
    counts = np.zeros(kernels.WEIGHTS, np.int32)
    for start, stop in slices(height, rows, halt):
        kernels.edge_weights(values, weights, counts, start, stop)
    ends = np.cumsum(counts, dtype=np.int64)
    places = (ends - counts).astype(np.int32)
    order = np.empty(edges, np.int32)
    for start, stop in slices(height, rows, halt):
        kernels.sort_edges(weights, places, order, start, stop)
    return Graph(weights, order, ends)


def segment(graph: Graph, scale: float, min_size: int, halt: Event | None = None) -> tuple[I4, int]:
    """(H, W) labels in the order of first pixels, and their number."""
    height, directions, width = graph.weights.shape
    pixels, edges = height * width, graph.order.shape[0]
    shift = directions // 2
    steps = np.array([1, width, width + 1, width - 1], np.int32)
    parents = np.arange(pixels, dtype=np.int32)
    states = np.zeros(pixels, np.int64)
    rejected = np.empty(edges, np.int32)
    count = 0
    for start, stop in slices(edges, SLICE, halt):
        count = kernels.merge_edges(
            graph.order, graph.ends, steps, shift, 16.0 * scale, parents, states, rejected, count, start, stop
        )
    if min_size > 1:
        for start, stop in slices(count, SLICE, halt):
            kernels.merge_small(rejected, steps, shift, min_size, parents, states, start, stop)
    labels = np.empty((height, width), np.int32)
    regions = 0
    for start, stop in slices(pixels, SLICE, halt):
        regions = kernels.number_components(parents, states, labels.reshape(-1), regions, start, stop)
    return labels, regions


def felzenszwalb(
    image: Any, scale: float = 100.0, sigma: float = 0.8, min_size: int = 20, *, connectivity: int = 4
) -> I4:
    """Segment an image into regions whose inner differences are smaller than those across their borders.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) ndarray
        uint8, uint16, or float in 0..1. It is reduced to 8 bits a channel; alpha is left out.
    scale : float, default 100
        k of the paper, in gray levels: larger makes larger regions. At least 0, at most 1e7.
    sigma : float, default 0.8
        Standard deviation of the Gaussian that smooths the image first, in pixels; 0 for none, at most 50.
    min_size : int, default 20
        Regions with fewer pixels are joined to a neighbor, along the lightest edges first.
    connectivity : {4, 8}, default 4
        Neighbors of a pixel. 4 takes about half of the time.

    Returns
    -------
    labels : (H, W) int32 ndarray
        0 ... R - 1, numbered in the order of each region's first pixel, row by row.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If the image breaks the contract or an option is out of range.
    MemoryError
        If the graph would not fit into memory.

    Notes
    -----
    Weights are Euclidean distances between smoothed colors, rounded down to sixteenths of a gray level;
    edges of equal weight go row by row, in each row the edges to the right, then downwards, then the
    diagonals (right, left). An edge at exactly the limit joins. O(N) for N pixels: the edges are sorted by
    counting.

    References
    ----------
    Felzenszwalb and Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV 2004, algorithm 1,
    equations 1-5.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils import felzenszwalb
    >>> image = np.zeros((4, 6), np.uint8)
    >>> image[:, 3:] = 200
    >>> felzenszwalb(image, scale=10, sigma=0, min_size=1)[0].tolist()
    [0, 0, 0, 1, 1, 1]
    """
    image = _validate.as_image(image)
    scale = _validate.as_number(scale, "scale", 0.0, LARGEST_SCALE)
    sigma = _validate.as_number(sigma, "sigma", 0.0, 50.0)
    min_size = _validate.as_integer(min_size, "min_size", 0)
    connectivity = _validate.as_integer(connectivity, "connectivity")
    if connectivity not in (4, 8):
        raise ValueError(f"connectivity must be 4 or 8, got {connectivity}")
    rgb = as_rgb(image)
    planes = np.ascontiguousarray(rgb.transpose(2, 0, 1)[: 1 if image.ndim == 2 else 3])
    return segment(build_graph(planes, sigma, connectivity), scale, min(min_size, 2**31 - 1))[0]
