"""Points with distances, in plain Python."""

from __future__ import annotations

import math


def grid_points(input_size, strides=(8, 16, 32), *, shift=0.5, grid_sizes=None):
    """Tian et al. 2019, section 3.1: the place in the image that a cell of a feature map stands for."""
    points, levels = [], []
    for level, stride in enumerate(strides):
        grid = grid_sizes[level] if grid_sizes else [math.ceil(side / stride) for side in input_size]
        found = [[(x + shift) * stride, (y + shift) * stride] for y in range(grid[0]) for x in range(grid[1])]
        points += found
        levels += [level] * len(found)
    return points, levels


def softmax(values):
    """exp(v) / sum of exp."""
    top = max(values)
    weights = [math.exp(value - top) for value in values]
    return [weight / sum(weights) for weight in weights]


def mean_distances(row):
    """Li et al. 2020 ("Generalized focal loss"), eq. 3: the mean of each side's distribution over whole numbers."""
    bins = len(row) // 4
    sides = [softmax(row[side * bins : (side + 1) * bins]) for side in range(4)]
    return [sum(share * k for k, share in enumerate(side)) for side in sides]


def decode_points(distances, points, units):
    """Tian et al. 2019, eq. 1, solved for the box; a row is l, t, r, b, or a distribution of each."""
    boxes = []
    for row, (x, y), unit in zip(distances, points, units, strict=True):
        left, top, right, bottom = (unit * d for d in (row if len(row) == 4 else mean_distances(row)))
        boxes.append([x - left, y - top, x + right, y + bottom])
    return boxes
