"""What a box looks like: colors, edges, barrier and crowd in a grid of cells inside of it and in four strips around.

All maps have the size of the shrunk image. Sums of boxes come from one integral image of ``CHANNELS`` channels, whose
whole numbers may wrap around: differences of them are right as long as the sum of a box is below 2**32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import F4, F8, I4, I8, U1, U4, inlined, kernel
from detutils.proposals._kernels.cover import PARTNERS

CHANNELS = 12  # lightness, two colors, edges, edges by orientation, barrier, crowd
BARRIER, CROWD = 10, 11
WORDS = CHANNELS // 2  # of 64 bits
CELLS = 4  # across and down
STRIPS = 4  # left, right, above, below
APPEARANCE = (CELLS * CELLS + STRIPS) * CHANNELS
VOTES = 5
SLOPES = (math.tan(math.pi / 12), math.tan(math.pi / 6), 1.0, math.tan(math.pi / 3), math.tan(5 * math.pi / 12))


@inlined
def _direction(dx: Any, dy: Any) -> Any:
    """Of a gradient or its opposite, in whole twelfths of 180 degrees from the x axis, rounded down."""
    if dy < 0 or (dy == 0 and dx < 0):
        dx, dy = -dx, -dy
    across, down = np.float64(abs(dx)), np.float64(dy)
    number = np.int64(0)
    if dx >= 0:
        for slope in SLOPES:
            number += np.int64(down >= slope * across)
        return number + np.int64((dx == 0) & (dy > 0))
    for slope in SLOPES:
        number += np.int64(down > slope * across)
    return 11 - number


@kernel("void(uint8[:,:,::1], int32[:,::1], uint8[:,::1], int64, int64)")
def gradients(planes: U1, strengths: I4, directions: U1, start: int, stop: int) -> None:
    """Central differences of the plane where they are largest: rounded length, and direction in twelfths of 180."""
    channels, height, width = planes.shape
    for y in range(start, stop):
        above, below = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(width):
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            best, across, down = np.int64(0), np.int64(0), np.int64(0)
            for c in range(channels):
                dx = np.int64(planes[c, y, right]) - np.int64(planes[c, y, left])
                dy = np.int64(planes[c, below, x]) - np.int64(planes[c, above, x])
                length = dx * dx + dy * dy
                if length > best:
                    best, across, down = length, dx, dy
            strengths[y, x] = np.int32(math.sqrt(np.float64(best)) + 0.5)
            directions[y, x] = np.uint8(_direction(across, down) if best > 0 else 0)


@inlined
def _scan_row(values: Any, own: Any, before: Any, backward: Any) -> None:
    """Better paths for a row of pixels, by way of the row before and of the pixel before; rows are (3, W): range of
    the values on the best path, the highest and the lowest of them."""
    width = values.shape[0]
    at = np.int64(width - 1 if backward else 0)
    step = np.int64(-1 if backward else 1)
    high_beside, low_beside = own[1, at], own[2, at]
    for _ in range(width - 2):
        at += step
        value = np.int32(values[at])
        distance, high, low = own[0, at], own[1, at], own[2, at]
        a, b = max(before[1, at], value), min(before[2, at], value)
        if a - b < distance:
            distance, high, low = a - b, a, b
        a, b = max(high_beside, value), min(low_beside, value)
        if a - b < distance:
            distance, high, low = a - b, a, b
        own[0, at], own[1, at], own[2, at] = distance, high, low
        high_beside, low_beside = high, low


@kernel("void(uint8[:,::1], int32[:,:,::1], int32[:,::1])")
def barrier(plane: U1, state: I4, out: I4) -> None:
    """Adds to ``out`` the range of values on the best path found to the image's border, in three raster scans.

    ``state`` (H, 3, W) is room to work in.
    """
    height, width = plane.shape
    for y in range(height):
        for x in range(width):
            outside = y == 0 or x == 0 or y == height - 1 or x == width - 1
            state[y, 0, x] = 0 if outside else 1 << 20
            state[y, 1, x] = state[y, 2, x] = np.int32(plane[y, x])
    for scan in range(3):
        for i in range(1, height - 1):
            y = height - 1 - i if scan == 1 else i
            _scan_row(plane[y], state[y], state[y + 1 if scan == 1 else y - 1], scan == 1)
    for y in range(height):
        for x in range(width):
            out[y, x] += state[y, 0, x]


@kernel("void(int32[:,::1], int64, int32[:,::1])")
def count_centers(boxes: I4, factor: int, centers: I4) -> None:
    """How many boxes have their center in each pixel of the map."""
    for i in range(boxes.shape[0]):
        x, y = (boxes[i, 0] + boxes[i, 2]) // (2 * factor), (boxes[i, 1] + boxes[i, 3]) // (2 * factor)
        centers[min(y, centers.shape[0] - 1), min(x, centers.shape[1] - 1)] += 1


@kernel("void(uint8[:,:,::1], int32[:,::1], uint8[:,::1], int32[:,::1], int32[:,::1], uint32[:,:,::1], int64, int64)")
def integrate_channels(
    planes: U1, strengths: I4, directions: U1, far: I4, centers: I4, integral: U4, start: int, stop: int
) -> None:
    """integral[y, x]: the channels' sums over the pixels above and to the left; ``far`` is half as large again."""
    width = planes.shape[2]
    row = np.empty(CHANNELS, np.uint32)
    for y in range(start, stop):
        row[:] = 0
        for x in range(width):
            for c in range(3):
                row[c] += np.uint32(planes[c, y, x])
            row[3] += np.uint32(strengths[y, x])
            row[4 + np.int64(directions[y, x]) // 2] += np.uint32(strengths[y, x])
            row[BARRIER] += np.uint32(far[y // 2, x // 2])
            row[CROWD] += np.uint32(centers[y, x])
            for c in range(CHANNELS):
                integral[y + 1, x + 1, c] = integral[y, x + 1, c] + row[c]


@inlined
def _copy(words: Any, y: Any, x: Any, into: Any, place: Any) -> None:
    """One corner's sums, two channels a word, to be the ``place``-th of a row of corners."""
    for word in range(WORDS):
        into[place * WORDS + word] = words[y, x, word]


@inlined
def _share(parts: Any, place: Any, number: Any, scale: Any) -> None:
    """What turns sums over ``number`` pixels into means, for the channels of the ``place``-th cell; 0 if none."""
    part = np.float32(1.0 / np.float64(number)) if number > 0 else np.float32(0)
    for c in range(CHANNELS):
        parts[place * CHANNELS + c] = part
    parts[place * CHANNELS + CROWD] = part * scale


@inlined
def _means(top_left: Any, top_right: Any, left: Any, right: Any, parts: Any, part: Any, into: Any) -> None:
    """Of four cells at once: a loop long enough to turn into vectors."""
    for j in range(into.shape[0]):
        into[j] = np.float32(np.uint32(right[j] - top_right[j] - left[j] + top_left[j])) * parts[j] * part


@inlined
def _empty(into: Any, place: Any) -> None:
    for c in range(CHANNELS):
        into[place * CHANNELS + c] = -1.0


@inlined
def _strip(k: Any, x1: Any, y1: Any, x2: Any, y2: Any) -> Any:
    """A quarter of the box's side wide, but no less than a pixel."""
    across, down = max((x2 - x1) // 4, 1), max((y2 - y1) // 4, 1)
    if k == 0:
        return x1 - across, y1, x1, y2
    if k == 1:
        return x2, y1, x2 + across, y2
    if k == 2:
        return x1, y1 - down, x2, y1
    return x1, y2, x2, y2 + down


@kernel("void(int32[:,::1], uint32[:,:,::1], int64, float32, float32[:,::1], int64)")
def describe_cells(boxes: I4, integral: U4, factor: int, scale: Any, features: F4, place: int) -> None:
    """Means over 4 x 4 cells of a box, row by row, then over strips of a quarter of its sides left, right, above and
    below; ``scale`` turns the mean number of centers into a multiple of the usual. -1 where there are no pixels."""
    height, width = integral.shape[0] - 1, integral.shape[1] - 1
    words, row_length = integral.view(np.uint64), CELLS * CHANNELS
    corners, ends = np.empty((CELLS + 1, (CELLS + 1) * WORDS), np.uint64), np.empty((4, STRIPS * WORDS), np.uint64)
    sums, strip_sums = corners.view(np.uint32), ends.view(np.uint32)
    parts, strip_parts = np.empty(row_length, np.float32), np.empty(STRIPS * CHANNELS, np.float32)
    for i in range(boxes.shape[0]):
        x1, y1 = np.int64(boxes[i, 0]) // factor, np.int64(boxes[i, 1]) // factor
        x2, y2 = -(-np.int64(boxes[i, 2]) // factor), -(-np.int64(boxes[i, 3]) // factor)
        w, h = x2 - x1, y2 - y1
        row = features[i, place : place + APPEARANCE]
        for r in range(CELLS + 1):
            for c in range(CELLS + 1):
                _copy(words, y1 + h * r // CELLS, x1 + w * c // CELLS, corners[r], c)
        for c in range(CELLS):
            _share(parts, c, w * (c + 1) // CELLS - w * c // CELLS, scale)
        for r in range(CELLS):
            down = h * (r + 1) // CELLS - h * r // CELLS
            part = np.float32(1.0 / np.float64(down)) if down > 0 else np.float32(0)
            above, below = sums[r], sums[r + 1]
            _means(
                above[:row_length], above[CHANNELS:], below[:row_length], below[CHANNELS:], parts, part,
                row[r * row_length : (r + 1) * row_length],
            )  # fmt: skip
            if w < CELLS or h < CELLS:
                for c in range(CELLS):
                    if down == 0 or w * (c + 1) // CELLS == w * c // CELLS:
                        _empty(row, r * CELLS + c)
        for k in range(STRIPS):
            left, top, right, bottom = _strip(k, x1, y1, x2, y2)
            left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
            _copy(words, top, left, ends[0], k)
            _copy(words, top, right, ends[1], k)
            _copy(words, bottom, left, ends[2], k)
            _copy(words, bottom, right, ends[3], k)
            _share(strip_parts, k, (right - left) * (bottom - top), scale)
        _means(
            strip_sums[0], strip_sums[1], strip_sums[2], strip_sums[3], strip_parts, np.float32(1),
            row[CELLS * row_length :],
        )  # fmt: skip
        for k in range(STRIPS):
            if strip_parts[k * CHANNELS] == 0:
                _empty(row, CELLS * CELLS + k)


@kernel(f"void(int32[:,::1], int64[::1], {PARTNERS}, float64[:,::1], float32[:,::1], int64)")
def count_votes(boxes: I4, rows: I8, partners: tuple[Any, ...], sums: F8, features: F4, place: int) -> None:
    """How many regions of all hierarchies have nearly the box of a row: weighted by the cube of the IoU, then where it
    is at least .7, .8 and .9, as logarithms; and whether those with other boxes are larger rather than smaller ones."""
    ends, others, overlaps = partners
    for r in range(rows.shape[0]):
        i = rows[r]
        votes = features[r, place : place + VOTES]
        number = sums[i, 0]
        near, at7, at8, at9, larger, smaller = number, number, number, number, 0.0, 0.0
        area = np.int64(boxes[i, 2] - boxes[i, 0]) * np.int64(boxes[i, 3] - boxes[i, 1])
        for k in range(ends[i - 1] if i > 0 else 0, ends[i]):
            j = np.int64(others[k])
            value, its = np.float64(overlaps[k] * overlaps[k] * overlaps[k]), sums[j, 0]
            near += its * value
            at7 += its if value >= 0.343 else 0.0
            at8 += its if value >= 0.512 else 0.0
            at9 += its if value >= 0.729 else 0.0
            if np.int64(boxes[j, 2] - boxes[j, 0]) * np.int64(boxes[j, 3] - boxes[j, 1]) > area:
                larger += its
            else:
                smaller += its
        votes[0], votes[1] = np.float32(math.log(near)), np.float32(math.log(at7))
        votes[2], votes[3] = np.float32(math.log(at8)), np.float32(math.log(at9))
        votes[4] = np.float32(math.log1p(larger) - math.log1p(smaller))
