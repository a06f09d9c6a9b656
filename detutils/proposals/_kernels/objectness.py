"""From hierarchies to scored boxes: gather each box once, describe it, weigh what was found.

Boxes are in pixels of the working image; those of a hierarchy that was grown on a shrunk copy are multiplied back.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import F8, I4, I8, inlined, kernel

SUMS = 7  # birth, death, contrast, fill, rank, regions, parent
EXTREMES = 5  # of birth, minus death, contrast, fill, minus rank
FEATURES = 42


@inlined
def _slot(table: Any, boxes: Any, x1: Any, y1: Any, x2: Any, y2: Any) -> Any:
    mask = table.shape[0] - 1
    mixed = x1 & 0x7FFFFFFF
    for part in (y1, x2, y2):  # 31 bits times 32 bits stay within 63
        mixed = ((mixed * 0x9E3779B1 >> 9) ^ part) & 0x7FFFFFFF
    place = (mixed * 0x9E3779B1 >> 9) & mask
    while True:
        row = table[place]
        if row < 0:
            return place
        if boxes[row, 0] == x1 and boxes[row, 1] == y1 and boxes[row, 2] == x2 and boxes[row, 3] == y2:
            return place
        place = (place + 1) & mask


# Python hands these over as plain tuples, whose types Numba's notation of signatures can name.


class Grown(NamedTuple):
    """One hierarchy of R regions."""

    merges: I8  # (R - 1, 2)
    similarities: F8  # (R - 1,)
    sizes: I8  # (2 R - 1,)
    boxes: I4  # (2 R - 1, 4)
    outlines: I8  # (2 R - 1, 2) length of the border, sum of the edges across it
    positions: F8  # (2 R - 1,) the paper's priority


class Frame(NamedTuple):
    """How a hierarchy's boxes become boxes of the working image, and which of them count."""

    factor: int  # pixels of the working image a pixel of the hierarchy
    width: int
    height: int
    min_width: float
    min_height: float


class Found(NamedTuple):
    """The different boxes found so far, in the order of their first appearance."""

    table: I4  # hash table of rows, -1 where free; its length is a power of two
    boxes: I4  # (N, 4)
    best: F8  # (N,) the least of its positions
    sums: F8  # (N, 1 + SUMS + EXTREMES) number of regions with this box, sums and maxima of what they are like


GROWN = "Tuple((int64[:,::1], float64[::1], int64[::1], int32[:,::1], int64[:,::1], float64[::1]))"
FRAME = "Tuple((int64, int64, int64, float64, float64))"
FOUND = "Tuple((int32[::1], int32[:,::1], float64[::1], float64[:,::1]))"


@kernel(f"int64({GROWN}, {FRAME}, {FOUND}, float64, int64)")
def gather(hierarchy: tuple[Any, ...], frame: tuple[Any, ...], found: tuple[Any, ...], total: float, count: int) -> int:
    """Adds the boxes of one hierarchy to the ``count`` that were found, each once; returns how many there are.

    ``total`` is the sum of the similarities' weights.
    """
    merges, similarities, sizes, boxes, outlines, positions = hierarchy
    factor, width, height, min_width, min_height = frame
    table, seen, best, sums = found
    leaves = merges.shape[0] + 1
    every = 2 * leaves - 1
    parents = np.full(every, every - 1, np.int64)
    for step in range(leaves - 1):
        parents[merges[step, 0]] = leaves + step
        parents[merges[step, 1]] = leaves + step
    log_leaves = math.log(np.float64(leaves))
    for node in range(every):
        x1, y1 = np.int64(boxes[node, 0]) * factor, np.int64(boxes[node, 1]) * factor
        x2 = np.int64(min(np.int64(boxes[node, 2]) * factor, np.int64(width)))
        y2 = np.int64(min(np.int64(boxes[node, 3]) * factor, np.int64(height)))
        if np.float64(x2 - x1) < min_width or np.float64(y2 - y1) < min_height:
            continue
        parent = parents[node]
        birth = similarities[node - leaves] / total if node >= leaves else 1.0
        death = similarities[parent - leaves] / total if parent > node else 0.0
        area = np.float64(boxes[node, 2] - boxes[node, 0]) * np.float64(boxes[node, 3] - boxes[node, 1])
        around = np.float64(boxes[parent, 2] - boxes[parent, 0]) * np.float64(
            boxes[parent, 3] - boxes[parent, 1]
        )
        contrast = math.log1p(np.float64(outlines[node, 1]) / (16.0 * np.float64(max(outlines[node, 0], 1))))
        fill = np.float64(sizes[node]) / area
        rank = math.log(np.float64(every - node))

        place = _slot(table, seen, x1, y1, x2, y2)
        row = np.int64(table[place])
        if row < 0:
            row = np.int64(count)
            table[place] = row
            seen[row, 0], seen[row, 1], seen[row, 2], seen[row, 3] = x1, y1, x2, y2
            best[row] = positions[node]
            sums[row, :] = 0.0
            sums[row, SUMS + 1 :] = -math.inf
            count += 1
        best[row] = min(best[row], positions[node])
        into = sums[row]
        into[0] += 1.0
        into[1] += birth
        into[2] += death
        into[3] += contrast
        into[4] += fill
        into[5] += rank
        into[6] += log_leaves
        into[7] += math.log(area / around)
        into[8] = max(into[8], birth)
        into[9] = max(into[9], -death)
        into[10] = max(into[10], contrast)
        into[11] = max(into[11], fill)
        into[12] = max(into[12], -rank)
    return count


@kernel("void(int32[:,:,::1], int64[:,::1])")
def integrate(weights: I4, integral: I8) -> None:
    """integral[y, x]: sum of the pixels' stronger edges (to the right or downwards) above and to the left."""
    height, width = weights.shape[0], weights.shape[2]
    for y in range(height):
        row = np.int64(0)
        for x in range(width):
            row += np.int64(max(weights[y, 0, x], weights[y, 1, x]))
            integral[y + 1, x + 1] = integral[y, x + 1] + row


@inlined
def _sum(integral: Any, x1: Any, y1: Any, x2: Any, y2: Any) -> Any:
    """Sum of the edges and number of the pixels in a box, cut off at the image's border."""
    height, width = integral.shape[0] - 1, integral.shape[1] - 1
    x1, y1 = min(max(x1, 0), width), min(max(y1, 0), height)
    x2, y2 = max(min(x2, width), x1), max(min(y2, height), y1)
    total = integral[y2, x2] - integral[y1, x2] - integral[y2, x1] + integral[y1, x1]
    return np.float64(total) / 16.0, np.float64((x2 - x1) * (y2 - y1))


@inlined
def _ring(outer: Any, outer_area: Any, inner: Any, inner_area: Any) -> Any:
    return math.log1p((outer - inner) / max(outer_area - inner_area, 1.0))


@kernel("void(int32[:,::1], float64[:,::1], int64[:,::1], int64, UniTuple(int64, 2), float64[:,::1], int64, int64)")
def describe_boxes(
    boxes: I4, sums: F8, integral: I8, factor: int, image_size: tuple[int, int], features: F8, start: int, stop: int
) -> None:
    """Fills the rows start ... stop - 1 of ``features`` (N, FEATURES).

    ``image_size`` is the working image's, ``factor`` how many of its pixels make one of the integral image.
    """
    height, width = image_size
    everything, pixels = _sum(integral, 0, 0, integral.shape[1], integral.shape[0])
    usual = math.log1p(everything / max(pixels, 1.0))
    for i in range(start, stop):
        into = features[i]
        x1, y1, x2, y2 = (
            np.int64(boxes[i, 0]),
            np.int64(boxes[i, 1]),
            np.int64(boxes[i, 2]),
            np.int64(boxes[i, 3]),
        )
        w, h = np.float64(x2 - x1), np.float64(y2 - y1)
        size = math.log(w * h / (np.float64(width) * np.float64(height)))
        shape = math.log(w / h)
        touching = (
            np.float64(x1 <= 1)
            + np.float64(y1 <= 1)
            + np.float64(x2 >= width - 2)
            + np.float64(y2 >= height - 2)
        )
        across = abs(np.float64(x1 + x2) / (2.0 * np.float64(width)) - 0.5)
        down = np.float64(y1 + y2) / (2.0 * np.float64(height)) - 0.5
        into[0], into[1], into[2], into[3] = size, size * size, abs(shape), shape * shape
        into[4], into[5], into[6], into[7] = shape, touching, touching * size, across
        into[8], into[9], into[10] = down, down * down, np.float64(y2) / np.float64(height)

        number = sums[i, 0]
        votes = math.log(number)
        into[11], into[12] = votes, votes * size
        for j in range(SUMS):
            into[13 + j] = sums[i, 1 + j] / number
        for j in range(EXTREMES):
            into[20 + j] = sums[i, 1 + SUMS + j]
        into[25] = into[15] * into[15]
        into[26] = into[15] * size
        into[27] = into[16] * into[16]
        into[28] = into[17] * into[17]

        left, top, right, bottom = x1 // factor, y1 // factor, -(-x2 // factor), -(-y2 // factor)
        inside, area = _sum(integral, left, top, right, bottom)
        into[29] = math.log1p(inside / area)
        into[30] = into[29] - usual
        for j in range(2):  # rings inside and outside, an eighth or a quarter of a side wide
            step_x = np.int64(max((right - left) // (8 - 4 * j), np.int64(1)))
            step_y = np.int64(max((bottom - top) // (8 - 4 * j), np.int64(1)))
            inner, inner_area = _sum(integral, left + step_x, top + step_y, right - step_x, bottom - step_y)
            outer, outer_area = _sum(integral, left - step_x, top - step_y, right + step_x, bottom + step_y)
            into[31 + 2 * j] = _ring(inside, area, inner, inner_area)
            into[32 + 2 * j] = _ring(outer, outer_area, inside, area)
        inner, inner_area = _sum(integral, left + 1, top + 1, right - 1, bottom - 1)
        outer, outer_area = _sum(integral, left - 1, top - 1, right + 1, bottom + 1)
        beyond, beyond_area = _sum(integral, left - 3, top - 3, right + 3, bottom + 3)
        into[35] = _ring(outer, outer_area, inner, inner_area)  # on the border itself
        into[36] = _ring(beyond, beyond_area, outer, outer_area)  # just outside of it
        into[37], into[38], into[39] = into[29] * size, into[31] * size, into[32] * size
        into[40], into[41] = into[35] * size, into[36] * size


@kernel("void(float64[:,::1], float64[::1], float64, float64[::1])")
def weigh(features: F8, weights: F8, constant: float, scores: F8) -> None:
    """One sum a row, in order, so that scores are the same whatever BLAS is there."""
    for i in range(features.shape[0]):
        total = constant
        for j in range(weights.shape[0]):
            total += weights[j] * features[i, j]
        scores[i] = total
