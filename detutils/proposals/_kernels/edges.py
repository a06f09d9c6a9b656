"""Edges of the pixel graph: smooth an image, weigh the edges between neighboring pixels, sort the edges by weight.

A weight is kept as a whole number, its key, that orders as weights do. ``weigh`` makes keys of real weights: the bits
of float32(1 + weight), counted from those of 1, so 27 bits hold all weights to a relative error of 2**-24 of
1 + weight. ``weigh_coarsely`` makes them of weights rounded down to sixteenths of a gray level. Loops take a range of
rows, so that Python hears an interrupt in between.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import F8, I4, I8, U1, U2, inlined, kernel

ONE = 0x3F800000  # the bits of float32(1)

# Loops over whole rows that are views of equal length: only then does the compiler turn them into vectors.


@inlined
def key_of(weight: Any) -> Any:
    """The key of a real weight."""
    return np.int64(np.float32(1.0 + weight).view(np.int32)) - ONE


@inlined
def weight_of(key: Any) -> Any:
    """The real weight of a key."""
    return np.float64(np.int32(key + ONE).view(np.float32)) - 1.0


@inlined
def _add_sum(out: Any, a: Any, b: Any, factor: Any) -> None:
    for x in range(out.shape[0]):
        out[x] += factor * (a[x] + b[x])


@inlined
def _add_whole_sum(out: Any, a: Any, b: Any, factor: Any) -> None:
    for x in range(out.shape[0]):
        out[x] += factor * (np.int32(a[x]) + np.int32(b[x]))


@inlined
def _repeat_ends(padded: Any, radius: Any) -> None:
    end = padded.shape[0] - radius
    for i in range(radius):
        padded[i] = padded[radius]
        padded[end + i] = padded[end - 1]


@inlined
def _smooth_row(plane: Any, y: Any, taps: Any, padded: Any, out: Any) -> None:
    """Row y of a plane, smoothed by ``taps`` (center first) downwards and across; borders are repeated."""
    height, width = plane.shape
    radius = taps.shape[0] - 1
    row, middle = padded[radius : radius + width], plane[y]
    for x in range(width):
        row[x] = taps[0] * middle[x]
    for i in range(1, radius + 1):
        _add_whole_sum(row, plane[max(y - i, 0)], plane[min(y + i, height - 1)], taps[i])
    _repeat_ends(padded, radius)
    for x in range(width):
        out[x] = taps[0] * row[x]
    for i in range(1, radius + 1):
        left, right = radius - i, radius + i
        _add_sum(out, padded[left : left + width], padded[right : right + width], taps[i])


@inlined
def _distances(a: Any, b: Any, squares: Any, keys: Any) -> None:
    """The keys of the distances between the columns of ``a`` and ``b``."""
    squares[:] = 0.0
    for c in range(a.shape[0]):
        p, q = a[c], b[c]
        for x in range(keys.shape[0]):
            d = p[x] - q[x]
            squares[x] += d * d
    for x in range(keys.shape[0]):
        keys[x] = np.float32(1.0 + math.sqrt(squares[x])).view(np.int32) - np.int32(ONE)


@kernel("void(uint8[:,:,::1], float64[::1], int32[:,:,::1], int64, int64)")
def weigh(planes: U1, taps: F8, keys: I4, start: int, stop: int) -> None:
    """keys[y, d, x]: of the edge from pixel (y, x) to its right, lower, lower right, lower left neighbor.

    Smoothing is in float64, a row at a time: the smoothed image itself is never kept.
    """
    channels, height, width = planes.shape
    padded, squares = np.empty(width + 2 * (taps.shape[0] - 1), np.float64), np.empty(width, np.float64)
    rows = np.empty((2, channels, width), np.float64)
    for c in range(channels):
        _smooth_row(planes[c], start, taps, padded, rows[start & 1, c])
    for y in range(start, stop):
        here, below = rows[y & 1], rows[(y + 1) & 1]
        _distances(here[:, : width - 1], here[:, 1:], squares, keys[y, 0, : width - 1])
        if y + 1 < height:
            for c in range(channels):
                _smooth_row(planes[c], y + 1, taps, padded, below[c])
            _distances(here, below, squares, keys[y, 1])
            if keys.shape[1] == 4:
                _distances(here[:, : width - 1], below[:, 1:], squares, keys[y, 2, : width - 1])
                _distances(here[:, 1:], below[:, : width - 1], squares, keys[y, 3, 1:])


@kernel("void(uint8[:,:,::1], int32[::1], uint16[:,:,::1], int64, int64)")
def smooth_coarsely(planes: U1, taps: I4, out: U2, start: int, stop: int) -> None:
    """Smooth by ``taps`` (center first, the whole sums to 4096) into sixteenths; borders are repeated."""
    channels, height, width = planes.shape
    radius = taps.shape[0] - 1
    column = np.empty(width, np.int32)
    padded = np.empty(width + 2 * radius, np.int32)
    row = padded[radius : radius + width]
    for c in range(channels):
        for y in range(start, stop):
            middle = planes[c, y]
            for x in range(width):
                column[x] = taps[0] * np.int32(middle[x])
            for i in range(1, radius + 1):
                _add_whole_sum(column, planes[c, max(y - i, 0)], planes[c, min(y + i, height - 1)], taps[i])
            for x in range(width):
                row[x] = (column[x] + 32) >> 6
            _repeat_ends(padded, radius)
            for x in range(width):
                column[x] = taps[0] * row[x]
            for i in range(1, radius + 1):
                left, right = radius - i, radius + i
                _add_sum(column, padded[left : left + width], padded[right : right + width], taps[i])
            target = out[c, y]
            for x in range(width):
                target[x] = np.uint16((column[x] + 8192) >> 14)


@kernel("void(uint16[:,:,::1], int32[:,:,::1], int64, int64)")
def weigh_coarsely(values: U2, keys: I4, start: int, stop: int) -> None:
    """keys[y, d, x] for d = 0, 1: sixteenths between pixel (y, x) and its right and its lower neighbor."""
    channels, height, width = values.shape
    squares = np.empty(width, np.int32)
    for y in range(start, stop):
        for d in range(2 if y + 1 < height else 1):
            count = width - 1 + d
            squares[:] = 0
            for c in range(channels):
                here, there = values[c, y, :count], values[c, y + d, 1 - d : 1 - d + count]
                for x in range(count):
                    difference = np.int32(here[x]) - np.int32(there[x])
                    squares[x] += difference * difference
            row = keys[y, d, :count]
            for x in range(count):
                row[x] = np.int32(math.sqrt(np.float64(squares[x])))


@inlined
def _columns_with(d: Any, width: Any) -> Any:
    """The pixels of a row that have an edge in direction d: all but the last, all, or all but the first."""
    return np.int64(d == 3), np.int64(width - (d == 0 or d == 2))


@kernel("void(int32[:,:,::1], int64[:,::1], int64, int64, int64)")
def count_digits(keys: I4, counts: I8, bits: int, start: int, stop: int) -> None:
    """counts[i, v]: how many keys have v as their i-th digit of ``bits`` bits, the lowest digit first."""
    height, directions, width = keys.shape
    mask = np.uint32((1 << bits) - 1)
    for y in range(start, stop):
        for d in range(directions if y + 1 < height else 1):
            first, last = _columns_with(d, width)
            for i in range(counts.shape[0]):
                shift = np.uint32(i * bits)
                for x in range(first, last):
                    counts[i, (np.uint32(keys[y, d, x]) >> shift) & mask] += 1


@kernel("void(int32[:,:,::1], int64[::1], int64[::1], int64, int64)")
def sort_keys(keys: I4, places: I8, edges: I8, start: int, stop: int) -> None:
    """Sort by the lowest digit into ``edges``: key * 2**32 + pixel * directions + direction.

    ``places[v]`` is where the next edge with digit v belongs. Edges come in the order of row, direction and column, and
    sorting is stable.
    """
    height, directions, width = keys.shape
    mask = np.uint64(places.shape[0] - 1)
    for y in range(start, stop):
        for d in range(directions if y + 1 < height else 1):
            first, last = _columns_with(d, width)
            code = np.int64((y * width + first) * directions + d)
            for x in range(first, last):
                key = np.int64(keys[y, d, x])
                digit = np.uint64(key) & mask
                place = places[digit]
                edges[np.uint64(place)] = (key << 32) | code
                places[digit] = place + 1
                code += directions


@kernel("void(int64[::1], int64, int64[::1], int64[::1], int64, int64)")
def sort_edges(source: I8, shift: int, places: I8, target: I8, start: int, stop: int) -> None:
    """Sort by the digit that begins at bit ``shift`` of an edge, stably."""
    mask = np.uint64(places.shape[0] - 1)
    for i in range(start, stop):
        edge = source[i]
        digit = np.uint64(edge >> shift) & mask
        place = places[digit]
        target[np.uint64(place)] = edge
        places[digit] = place + 1
