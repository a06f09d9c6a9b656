"""Size, box, color, texture and neighbors of every region: what grouping compares."""

from __future__ import annotations

import math
from functools import cache
from threading import Event
from typing import NamedTuple

import numpy as np

from detutils._jit import I4, I8, U1
from detutils.proposals._kernels import regions as kernels
from detutils.proposals.colors import SLICE, slices
from detutils.proposals.segmentation import whole_taps

# A derivative (gray levels a pixel) counts as the last of these values whose border it reaches, with its
# sign.
_BORDERS = (1.0, 2.5, 5.0, 9.0, 15.0, 25.0, 40.0)
_VALUES = (0.0, 1.7, 3.6, 6.8, 11.7, 19.5, 31.6, 55.0)
# The borders of the ten bins of a response.
_BIN_BORDERS = (1.0, 2.0, 3.5, 6.0, 10.0, 16.0, 25.0, 38.0, 55.0)


class Regions(NamedTuple):
    """Everything about the R regions of a segmentation with E pairs of neighbors."""

    labels: I4  # (H, W)
    sizes: I8  # (R,) pixels
    boxes: I4  # (R, 4) x1, y1, x2, y2
    counts: I4  # (R, 25 C + 80 C): color histograms, then texture histograms
    split: int  # where texture begins
    pairs: I8  # (E, 2) smaller label first
    shared: I8  # (E, 2) length of the common border in pixel sides, sum of the edge weights across it
    outlines: I8  # (R, 2) the same for a region's whole border with others
    heads: I4  # (R,) first node of each region's list of neighbors, or -1
    nexts: I4  # (2 E,) node 2 e is pair e in its first region's list, node 2 e + 1 in its second's
    targets: I4  # (2 E,) the neighbor that a node stands for


@cache
def _slopes() -> I4:
    """Half a derivative of a Gaussian of sigma 1; a ramp of one gray level a pixel gives 4096."""
    values = [i * math.exp(-0.5 * i * i) for i in range(1, 5)]
    total = sum(2.0 * i * value for i, value in enumerate(values, start=1))
    return np.array([round(4096.0 * value / total) for value in values], np.int32)


@cache
def _responding() -> U1:
    """(256, 4): from a pair of levels to four of the 80 places of a texture histogram.

    Orientations are 45 degrees apart. Of two that are opposite, one responds with the negative of the other, which
    falls into the first bin; so the place is that of the other. If neither reaches the second bin, it is a first bin.
    """
    values = np.concatenate([-np.array(_VALUES[:0:-1]), _VALUES, [0.0]])
    angles = np.arange(kernels.ORIENTATIONS) * (math.pi / 4.0)
    response = (values[:, None, None] * np.cos(angles) + values[None, :, None] * np.sin(angles)).reshape(256, -1)
    places = np.searchsorted(_BIN_BORDERS, response, side="right") + kernels.TEXTURE_BINS * np.arange(len(angles))
    one, opposite = np.split(places, 2, axis=1)
    chosen: U1 = np.where(response[:, : kernels.AXES] > 0, one, opposite).astype(np.uint8)
    return chosen


def gradient_codes(planes: U1, halt: Event | None = None) -> U1:
    """(C, H, W) codes of the two derivatives of a Gaussian of sigma 1, from which all orientations follow."""
    codes = np.empty(planes.shape, np.uint8)
    borders = np.array([4 * border for border in _BORDERS], np.int32)
    taps = whole_taps(1.0)
    slopes = np.zeros(taps.shape[0] - 1, np.int32)
    slopes[:] = _slopes()[: slopes.shape[0]]
    for start, stop in slices(planes.shape[1], SLICE // planes.shape[2], halt):
        kernels.gradient_codes(planes, taps, slopes, borders, codes, start, stop)
    return codes


def describe(
    labels: I4, count: int, planes: U1, codes: U1, weights: I4, halt: Event | None = None
) -> Regions:
    """One pass each over the pixels."""
    channels, height, width = planes.shape
    sizes = np.zeros(count, np.int64)
    boxes = np.empty((count, 4), np.int32)
    boxes[:] = (width, height, 0, 0)
    split = channels * kernels.COLOR_BINS
    counts = np.zeros((count, split + channels * kernels.TEXTURE), np.int32)
    room = 1 << (8 * count - 1).bit_length()
    keys = np.full(room, -1, np.int64)
    shared = np.zeros((2, room), np.int64)
    for start, stop in slices(height, SLICE // width, halt):
        kernels.sizes_and_boxes(labels, sizes, boxes, start, stop)
        kernels.borders(labels, weights, keys, shared[0], shared[1], start, stop)
        kernels.histograms(labels, planes, codes, _responding(), counts, split, start, stop)
    kernels.count_silent(sizes, counts, split)
    places = np.flatnonzero(keys >= 0)
    places = places[np.argsort(keys[places])]
    pairs = np.stack([keys[places] >> 31, keys[places] & 0x7FFFFFFF], axis=1)
    shared = np.ascontiguousarray(shared[:, places].T)
    outlines = np.zeros((count, 2), np.int64)
    heads, nexts = np.full(count, -1, np.int32), np.empty(2 * len(pairs), np.int32)
    kernels.list_neighbors(pairs, shared, outlines, heads, nexts)
    targets = pairs[:, ::-1].astype(np.int32).reshape(-1)
    return Regions(labels, sizes, boxes, counts, split, pairs, shared, outlines, heads, nexts, targets)
