"""What is known of each region: size, box, histograms, neighbors; one pass each over the pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import I4, I8, U1, inlined, kernel

COLOR_BINS = 25
ORIENTATIONS = 8
AXES = ORIENTATIONS // 2
TEXTURE_BINS = 10
TEXTURE = ORIENTATIONS * TEXTURE_BINS


# Loops over whole rows that are views of equal length: only then does the compiler turn them into vectors.


@inlined
def _add_sum(out: Any, a: Any, b: Any, factor: Any) -> None:
    for x in range(out.shape[0]):
        out[x] += factor * (np.int32(a[x]) + np.int32(b[x]))


@inlined
def _add_difference(out: Any, a: Any, b: Any, factor: Any) -> None:
    for x in range(out.shape[0]):
        out[x] += factor * (np.int32(b[x]) - np.int32(a[x]))


@inlined
def _level(value: Any, borders: Any) -> Any:
    size = abs(value)
    level = np.int32(0)
    for i in range(7):
        level += np.int32(size >= borders[i])
    return np.int32(7) + (level if value >= 0 else -level)


@inlined
def _pack_levels(across: Any, down: Any, borders: Any, out: Any) -> None:
    for x in range(out.shape[0]):
        i = _level((across[x] + 32768) >> 16, borders)
        j = _level((down[x] + 32768) >> 16, borders)
        out[x] = np.uint8(np.int32(16) * i + j)


@kernel("void(uint8[:,:,::1], int32[::1], int32[::1], int32[::1], uint8[:,:,::1], int64, int64)")
def gradient_codes(planes: U1, taps: I4, slopes: I4, borders: I4, codes: U1, start: int, stop: int) -> None:
    """Derivatives of a Gaussian along x and y, reduced to 15 levels each: code = 16 * level(x) + level(y).

    ``taps`` (center first, sums to 4096) smooths, ``slopes`` (of x - i and x + i, center left out) derives. A level is
    how many of the seven ``borders`` (quarters of a gray level a pixel) the derivative reaches, with its sign, plus 7.
    """
    channels, height, width = planes.shape
    radius = taps.shape[0] - 1
    flat = np.empty(width + 2 * radius, np.int32)
    steep = np.empty(width + 2 * radius, np.int32)
    across = np.empty(width, np.int32)
    down = np.empty(width, np.int32)
    flat_row, steep_row = flat[radius : radius + width], steep[radius : radius + width]
    for c in range(channels):
        for y in range(start, stop):
            steep_row[:] = 0
            middle = planes[c, y]
            for x in range(width):
                flat_row[x] = taps[0] * np.int32(middle[x])
            for i in range(1, radius + 1):
                above, below = planes[c, max(y - i, 0)], planes[c, min(y + i, height - 1)]
                _add_sum(flat_row, above, below, taps[i])
                _add_difference(steep_row, above, below, slopes[i - 1])
            for x in range(width):
                flat_row[x] = (flat_row[x] + 32) >> 6
                steep_row[x] = (steep_row[x] + 32) >> 6
            for i in range(radius):
                flat[i], steep[i] = flat[radius], steep[radius]
                flat[radius + width + i] = flat[radius + width - 1]
                steep[radius + width + i] = steep[radius + width - 1]
            across[:] = 0
            for x in range(width):
                down[x] = taps[0] * steep_row[x]
            for i in range(1, radius + 1):
                left, right = radius - i, radius + i
                _add_difference(across, flat[left : left + width], flat[right : right + width], slopes[i - 1])
                _add_sum(down, steep[left : left + width], steep[right : right + width], taps[i])
            _pack_levels(across, down, borders, codes[c, y])


@kernel("void(int32[:,::1], int64[::1], int32[:,::1], int64, int64)")
def sizes_and_boxes(labels: I4, sizes: I8, boxes: I4, start: int, stop: int) -> None:
    """Pixels of each region and its box x1, y1, x2, y2; boxes start as (width, height, 0, 0)."""
    width = labels.shape[1]
    for y in range(start, stop):
        x = 0
        while x < width:
            first = x
            region = labels[y, x]
            x += 1
            while x < width and labels[y, x] == region:
                x += 1
            sizes[region] += x - first
            boxes[region, 0] = min(boxes[region, 0], first)
            boxes[region, 1] = min(boxes[region, 1], y)
            boxes[region, 2] = max(boxes[region, 2], x)
            boxes[region, 3] = y + 1


@inlined
def _count_pixel(own: Any, value: Any, responses: Any, channel: Any, split: Any) -> Any:
    """One pixel of one channel: its bin of color, and four of texture."""
    color = np.uint32(channel * COLOR_BINS)
    own[color + (np.uint32(value) * np.uint32(COLOR_BINS) >> np.uint32(8))] += np.int32(1)
    texture = np.uint32(split + channel * TEXTURE)
    for axis in range(AXES):
        own[texture + np.uint32(responses[axis])] += np.int32(1)


@kernel("void(int32[:,::1], uint8[:,:,::1], uint8[:,:,::1], uint8[:,::1], int32[:,::1], int64, int64, int64)")
def histograms(
    labels: I4, planes: U1, codes: U1, responding: U1, counts: I4, split: int, start: int, stop: int
) -> None:
    """Adds to counts[region, 25 * channel + bin] and to counts[region, split + 80 * channel + place].

    ``responding`` (256, 4) holds the places of a code: 10 * orientation + bin of the one that responds of each two
    opposite orientations. There are one or three channels; all of a pixel are counted together, because the counters
    of one channel wait for each other where neighbors are alike.
    """
    channels, _, width = planes.shape
    for y in range(start, stop):
        for x in range(width):
            own = counts[np.uint32(labels[y, x])]
            _count_pixel(own, planes[0, y, x], responding[codes[0, y, x]], 0, split)
            if channels == 3:
                _count_pixel(own, planes[1, y, x], responding[codes[1, y, x]], 1, split)
                _count_pixel(own, planes[2, y, x], responding[codes[2, y, x]], 2, split)


@kernel("void(int64[::1], int32[:,::1], int64)")
def count_silent(sizes: I8, counts: I4, split: int) -> None:
    """The first bin of each orientation: all pixels that are in none of the others."""
    for region in range(counts.shape[0]):
        for first in range(split, counts.shape[1], TEXTURE_BINS):
            silent = np.int32(sizes[region])
            for i in range(1, TEXTURE_BINS):
                silent -= counts[region, first + i]
            counts[region, first] = silent


@inlined
def _touch(keys: Any, lengths: Any, strengths: Any, key: Any, weight: Any) -> Any:
    mask = keys.shape[0] - 1
    place = (((key ^ (key >> 29)) & 0x7FFFFFFF) * 0x9E3779B1 >> 15) & mask
    while keys[place] != key and keys[place] >= 0:
        place = (place + 1) & mask
    keys[place] = key
    lengths[place] += 1
    strengths[place] += weight


@kernel("void(int32[:,::1], int32[:,:,::1], int64[::1], int64[::1], int64[::1], int64, int64)")
def borders(labels: I4, weights: I4, keys: I8, lengths: I8, strengths: I8, start: int, stop: int) -> None:
    """Every pair of regions that share sides of pixels: how many, and the sum of the edge weights across.

    A hash table of key = smaller label * 2**31 + larger; its length is a power of two, at least 8 a region (a
    planar graph has fewer than 3), and free places hold -1.
    """
    height, width = labels.shape
    for y in range(start, stop):
        for x in range(width - 1):
            a, b = np.int64(labels[y, x]), np.int64(labels[y, x + 1])
            if a != b:
                _touch(keys, lengths, strengths, (min(a, b) << 31) | max(a, b), np.int64(weights[y, 0, x]))
        if y + 1 < height:
            for x in range(width):
                a, b = np.int64(labels[y, x]), np.int64(labels[y + 1, x])
                if a != b:
                    _touch(
                        keys, lengths, strengths, (min(a, b) << 31) | max(a, b), np.int64(weights[y, 1, x])
                    )


@kernel("void(int64[:,::1], int64[:,::1], int64[:,::1], int32[::1], int32[::1])")
def list_neighbors(pairs: I8, shared: I8, outlines: I8, heads: I4, nexts: I4) -> None:
    """Linked lists in the order of the pairs; heads start as all -1, outlines as all 0."""
    for e in range(pairs.shape[0] - 1, -1, -1):
        for side in range(1, -1, -1):
            region, node = pairs[e, side], 2 * e + side
            nexts[node] = heads[region]
            heads[region] = node
            outlines[region, 0] += shared[e, 0]
            outlines[region, 1] += shared[e, 1]
