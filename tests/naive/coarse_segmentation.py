"""Felzenszwalb and Huttenlocher's algorithm 1 with weights and limits rounded down to sixteenths of a gray level.

This is no definition of ``felzenszwalb`` (that is in ``segmentation``) but of the coarse edges that the tuned modes of
Selective Search start from.
"""

from __future__ import annotations

import math


def smoothed(channel, sigma):
    """Gaussian cut at 4 sigma, whole taps that sum to 4096, borders repeated; the result in sixteenths."""
    radius = int(4 * sigma + 0.5)
    values = [math.exp(-0.5 * (i / sigma) ** 2) for i in range(1, radius + 1)]
    taps = [round(4096 * value / (1 + 2 * sum(values))) for value in values]
    center = 4096 - 2 * sum(taps)
    h, w = len(channel), len(channel[0])

    def at(row, place):
        return row[min(max(place, 0), len(row) - 1)]

    def along(row, x):
        return center * row[x] + sum(
            tap * (at(row, x - i) + at(row, x + i)) for i, tap in enumerate(taps, start=1)
        )

    columns = [[row[x] for row in channel] for x in range(w)]
    once = [[(along(columns[x], y) + 32) >> 6 for x in range(w)] for y in range(h)]
    return [[(along(once[y], x) + 8192) >> 14 for x in range(w)] for y in range(h)]


def segment(channels, scale, sigma, min_size):
    """Components are lists of pixels; weights and internal differences are in sixteenths of a gray level."""
    h, w = len(channels[0]), len(channels[0][0])
    values = [smoothed(channel, sigma) for channel in channels]
    edges = []
    for y in range(h):
        for dy, dx in ((0, 1), (1, 0)):
            for x in range(w):
                if y + dy < h and x + dx < w:
                    square = sum((v[y][x] - v[y + dy][x + dx]) ** 2 for v in values)
                    edges.append((math.isqrt(square), y * w + x, (y + dy) * w + x + dx))
    edges.sort(key=lambda edge: edge[0])  # stable
    component = [[p] for p in range(h * w)]
    internal = dict.fromkeys(range(h * w), 0)  # Int(C), equation 1, by the component's first entry
    for similar in (True, False):  # then once more for components that are too small
        for weight, p, q in edges:
            a, b = component[p], component[q]
            if a is b:
                continue
            limit = min(
                internal[a[0]] + 16 * scale / len(a), internal[b[0]] + 16 * scale / len(b)
            )  # equations 4, 5
            if weight <= limit if similar else min(len(a), len(b)) < min_size:
                internal[a[0]] = weight
                a.extend(b)
                for pixel in b:
                    component[pixel] = a
    names = {}
    return [[names.setdefault(component[y * w + x][0], len(names)) for x in range(w)] for y in range(h)]
