"""What a box looks like: colors, edges, barrier and crowd in a grid of cells inside of it and in four strips around.

All maps have the size of the shrunk image. Sums of boxes come from one integral image of ``CHANNELS`` channels, whose
whole numbers may wrap around: differences of them are right as long as the sum of a box is below 2**32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import F4, F8, I4, U1, U4, inlined, kernel

CHANNELS = 12  # lightness, two colors, edges, edges by orientation, barrier, crowd
BARRIER, CROWD = 10, 11
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
def _mean(integral: Any, box: Any, scale: Any, into: Any) -> None:
    """The channels' means over a box, cut off at the border of the map; -1 where nothing is left."""
    height, width = integral.shape[0] - 1, integral.shape[1] - 1
    x1, y1, x2, y2 = max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)
    area = max(x2 - x1, 0) * max(y2 - y1, 0)
    if area == 0:
        for c in range(CHANNELS):
            into[c] = -1.0
    else:
        part = np.float32(1.0 / np.float64(area))
        top_left, top_right, left, right = integral[y1, x1], integral[y1, x2], integral[y2, x1], integral[y2, x2]
        for c in range(CHANNELS):
            into[c] = np.float32(np.uint32(right[c] - top_right[c] - left[c] + top_left[c])) * part
        into[CROWD] *= scale


@inlined
def _row_of_cells(integral: Any, sides: Any, slabs: Any, scale: Any, into: Any) -> None:
    """Four cells between the rows top and bottom, which share their corners: a column of pixels is read once."""
    x1, w, top, bottom = sides
    for corner in range(CELLS + 1):
        x = x1 + w * corner // CELLS
        above, below, slab = integral[top, x], integral[bottom, x], slabs[corner]
        for c in range(CHANNELS):
            slab[c] = below[c] - above[c]
    for column in range(CELLS):
        area = (w * (column + 1) // CELLS - w * column // CELLS) * (bottom - top)
        cell, left, right = into[column * CHANNELS : (column + 1) * CHANNELS], slabs[column], slabs[column + 1]
        if area == 0:
            for c in range(CHANNELS):
                cell[c] = -1.0
        else:
            part = np.float32(1.0 / np.float64(area))
            for c in range(CHANNELS):
                cell[c] = np.float32(np.uint32(right[c] - left[c])) * part
            cell[CROWD] *= scale


@kernel("void(int32[:,::1], uint32[:,:,::1], int64, float32, float32[:,::1], int64)")
def describe_cells(boxes: I4, integral: U4, factor: int, scale: Any, features: F4, place: int) -> None:
    """Means over 4 x 4 cells of a box, row by row, then over strips of a quarter of its sides left, right, above and
    below; ``scale`` turns the mean number of centers into a multiple of the usual. -1 where there are no pixels."""
    slabs = np.empty((CELLS + 1, CHANNELS), np.uint32)
    for i in range(boxes.shape[0]):
        x1, y1 = np.int64(boxes[i, 0]) // factor, np.int64(boxes[i, 1]) // factor
        x2, y2 = -(-np.int64(boxes[i, 2]) // factor), -(-np.int64(boxes[i, 3]) // factor)
        w, h = x2 - x1, y2 - y1
        row = features[i, place : place + APPEARANCE]
        for k in range(CELLS):
            sides = (x1, w, y1 + h * k // CELLS, y1 + h * (k + 1) // CELLS)
            begin = k * CELLS * CHANNELS
            _row_of_cells(integral, sides, slabs, scale, row[begin : begin + CELLS * CHANNELS])
        begin = CELLS * CELLS * CHANNELS
        across, down = np.int64(max(w // 4, np.int64(1))), np.int64(max(h // 4, np.int64(1)))
        _mean(integral, (x1 - across, y1, x1, y2), scale, row[begin : begin + CHANNELS])
        begin += CHANNELS
        _mean(integral, (x2, y1, x2 + across, y2), scale, row[begin : begin + CHANNELS])
        begin += CHANNELS
        _mean(integral, (x1, y1 - down, x2, y1), scale, row[begin : begin + CHANNELS])
        begin += CHANNELS
        _mean(integral, (x1, y2, x2, y2 + down), scale, row[begin : begin + CHANNELS])


@kernel("void(int32[:,::1], Tuple((int64[::1], int32[::1], float32[::1])), float64[:,::1], float32[:,::1])")
def count_votes(boxes: I4, partners: tuple[Any, ...], sums: F8, votes: F4) -> None:
    """How many regions of all hierarchies have nearly a box: weighted by the cube of the IoU, then where it is at
    least .7, .8 and .9, as logarithms; and whether those with other boxes are larger rather than smaller ones."""
    ends, others, cover = partners
    begin = np.int64(0)
    for i in range(boxes.shape[0]):
        number = sums[i, 0]
        near, at7, at8, at9, larger, smaller = number, number, number, number, 0.0, 0.0
        area = np.int64(boxes[i, 2] - boxes[i, 0]) * np.int64(boxes[i, 3] - boxes[i, 1])
        for k in range(begin, ends[i]):
            j = np.int64(others[k])
            value, its = np.float64(cover[k]), sums[j, 0]
            near += its * value
            at7 += its if value >= 0.343 else 0.0
            at8 += its if value >= 0.512 else 0.0
            at9 += its if value >= 0.729 else 0.0
            if np.int64(boxes[j, 2] - boxes[j, 0]) * np.int64(boxes[j, 3] - boxes[j, 1]) > area:
                larger += its
            else:
                smaller += its
        begin = ends[i]
        votes[i, 0], votes[i, 1] = np.float32(math.log(near)), np.float32(math.log(at7))
        votes[i, 2], votes[i, 3] = np.float32(math.log(at8)), np.float32(math.log(at9))
        votes[i, 4] = np.float32(math.log1p(larger) - math.log1p(smaller))
