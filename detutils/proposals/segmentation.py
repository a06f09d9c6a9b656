"""Felzenszwalb and Huttenlocher's over-segmentation: the regions that Selective Search starts from.

``build_graph`` has the paper's real weights; ``build_coarse_graph`` rounds them, for the modes of Selective Search that
were tuned with such regions. ``segment`` makes regions of either.
"""

from __future__ import annotations

import math
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from detutils import _validate
from detutils._jit import F8, I4, I8, U1
from detutils.proposals._kernels import edges as edge_kernels, segmentation as kernels
from detutils.proposals.colors import SLICE, as_rgb, slices

LARGEST_SCALE = 1e7
EXACT_DIGITS = (3, 9)  # 27 bits hold every key: float32(1 + 255 * sqrt(3)) is less than 2**9
COARSE_DIGITS = (1, 13)  # 16 * 255 * sqrt(3) is less than 2**13


class Graph(NamedTuple):
    """The pixel graph of one color space: what every scale shares."""

    keys: I4  # (H, D, W), see the kernels of edges
    edges: I8  # sorted: key * 2**32 + pixel * D + direction
    coarse: bool  # keys are sixteenths of a gray level


def _half_gaussian(sigma: float) -> tuple[list[float], float]:
    """Half of a Gaussian, center first, cut at 4 sigma, and the sum of the whole."""
    radius = int(4.0 * sigma + 0.5)
    values = [1.0, *(math.exp(-0.5 * (i / sigma) ** 2) for i in range(1, radius + 1))]
    return values, 1.0 + 2.0 * sum(values[1:])


def smoothing_taps(sigma: float) -> F8:
    """Half of a Gaussian, center first; the whole sums to 1."""
    values, total = _half_gaussian(sigma)
    return np.array(values) / total


def whole_taps(sigma: float) -> I4:
    """Half of a Gaussian in whole numbers, center first, without zeros at its end; the whole sums to 4096."""
    values, total = _half_gaussian(sigma)
    taps = [round(4096.0 * value / total) for value in values]
    taps[0] = 4096 - 2 * sum(taps[1:])
    return np.array([tap for tap in taps if tap != 0], np.int32)


def build_graph(planes: U1, sigma: float, connectivity: int, halt: Event | None = None) -> Graph:
    """Smooth the planes, weigh the edges between neighboring pixels and sort them, as the paper has it."""
    keys = _no_keys(planes.shape, connectivity // 2)
    taps = smoothing_taps(sigma)
    for start, stop in slices(planes.shape[1], SLICE // planes.shape[2], halt):
        edge_kernels.weigh(planes, taps, keys, start, stop)
    return Graph(keys, _sorted_edges(keys, *EXACT_DIGITS, halt), False)


def build_coarse_graph(planes: U1, sigma: float, halt: Event | None = None) -> Graph:
    """The graph of 4 neighbors with smoothing, weights and limits rounded down to sixteenths of a gray level.

    Limits are rounded, too: a region of more than 16 k pixels takes in nothing over the heaviest edge inside of it.
    """
    keys = _no_keys(planes.shape, 2)
    taps = whole_taps(sigma)
    values = np.empty(planes.shape, np.uint16)
    for start, stop in slices(planes.shape[1], SLICE // planes.shape[2], halt):
        edge_kernels.smooth_coarsely(planes, taps, values, start, stop)
    for start, stop in slices(planes.shape[1], SLICE // planes.shape[2], halt):
        edge_kernels.weigh_coarsely(values, keys, start, stop)
    return Graph(keys, _sorted_edges(keys, *COARSE_DIGITS, halt), True)


def _no_keys(shape: tuple[int, ...], directions: int) -> I4:
    height, width = shape[1:]
    _validate.check_memory(height * width * (20 * directions + 12), f"the graph of {width} x {height} pixels")
    return np.zeros((height, directions, width), np.int32)


def _sorted_edges(keys: I4, digits: int, bits: int, halt: Event | None) -> I8:
    """All edges by key, those of equal keys by row, direction and column: a radix sort, the lowest digit first."""
    height, directions, width = keys.shape
    edges = height * (width - 1) + (height - 1) * width + (directions == 4) * 2 * (height - 1) * (width - 1)
    counts = np.zeros((digits, 1 << bits), np.int64)
    for start, stop in slices(height, SLICE // width, halt):
        edge_kernels.count_digits(keys, counts, bits, start, stop)
    places = np.cumsum(counts, axis=1) - counts
    ordered = np.empty(edges, np.int64)
    for start, stop in slices(height, SLICE // width, halt):
        edge_kernels.sort_keys(keys, places[0], ordered, start, stop)
    spare = np.empty(edges if digits > 1 else 0, np.int64)
    for digit in range(1, digits):
        for start, stop in slices(edges, SLICE, halt):
            edge_kernels.sort_edges(ordered, 32 + digit * bits, places[digit], spare, start, stop)
        ordered, spare = spare, ordered
    return ordered


def edge_strengths(graph: Graph) -> I4:
    """(H, D, W) weights in whole sixteenths of a gray level."""
    if graph.coarse:
        return graph.keys
    strengths: I4 = ((graph.keys + edge_kernels.ONE).view(np.float32) * 16.0 - 16.0).astype(np.int32)
    return strengths


def segment(graph: Graph, scale: float, min_size: int, halt: Event | None = None) -> tuple[I4, int]:
    """(H, W) labels in the order of first pixels, and their number."""
    height, directions, width = graph.keys.shape
    pixels, edges = height * width, graph.edges.shape[0]
    steps = np.array([1, width, width + 1, width - 1])[:directions].copy()
    cells = np.empty(pixels, np.int64)
    kernels.begin(cells, scale, graph.coarse)
    rejected = np.empty(edges, np.int64)
    count = 0
    for start, stop in slices(edges, SLICE, halt):
        count = kernels.merge_edges(graph.edges[start:stop], steps, scale, graph.coarse, cells, rejected, count)
    if min_size > 1:
        for start, stop in slices(count, SLICE, halt):
            kernels.merge_small(rejected[start:stop], steps, min_size, cells)
    labels = np.empty((height, width), np.int32)
    regions = 0
    for start, stop in slices(pixels, SLICE, halt):
        regions = kernels.number_components(cells, labels.reshape(-1), regions, start, stop)
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
        Neighbors of a pixel: 8 as the authors and scikit-image have them, 4 as OpenCV's port. 4 takes two thirds of
        the time.

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
    The Gaussian is cut at 4 sigma and borders are repeated. A weight is the Euclidean distance between two smoothed
    colors: smoothing is in float64, weights are kept to float32's precision, and Int(C) + k / size is not rounded
    further. So the regions are those of the paper's algorithm in float64, except that weights w closer to one another
    than (1 + w) / 2**23 may count as equal. Edges of equal weight go row by row, in each row the edges to the right,
    then downwards, then the diagonals (right, left). An edge at exactly the limit joins two regions.

    O(N) for N pixels: the edges are sorted by a radix sort. Memory: 52 bytes a pixel with 4 neighbors, 92 with 8.

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
