"""Felzenszwalb and Huttenlocher, IJCV 2004, algorithm 1, on nested lists: one list of rows a channel."""

from __future__ import annotations

import math


def smoothed(channel, sigma):
    """Gaussian cut at 4 sigma, downwards, then across; borders are repeated."""
    radius = int(4 * sigma + 0.5)
    values = [1.0, *(math.exp(-0.5 * (i / sigma) ** 2) for i in range(1, radius + 1))]
    taps = [value / (1 + 2 * sum(values[1:])) for value in values]

    def at(row, place):
        return row[min(max(place, 0), len(row) - 1)]

    def along(row, x):
        return taps[0] * row[x] + sum(
            tap * (at(row, x - i) + at(row, x + i)) for i, tap in enumerate(taps[1:], start=1)
        )

    h, w = len(channel), len(channel[0])
    columns = [[row[x] for row in channel] for x in range(w)]
    once = [[along(columns[x], y) for x in range(w)] for y in range(h)]
    return [[along(row, x) for x in range(w)] for row in once]


def felzenszwalb(channels, scale, sigma, min_size, *, connectivity=4):
    """Components are lists of pixels. Edges of equal weight keep the order of row, direction and column."""
    h, w = len(channels[0]), len(channels[0][0])
    values = [smoothed(channel, sigma) for channel in channels]
    edges = []
    for y in range(h):
        for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1))[: connectivity // 2]:
            for x in range(w):
                if y + dy < h and 0 <= x + dx < w:
                    weight = math.dist([v[y][x] for v in values], [v[y + dy][x + dx] for v in values])
                    edges.append((weight, y * w + x, (y + dy) * w + x + dx))
    edges.sort(key=lambda edge: edge[0])  # stable
    component = [[p] for p in range(h * w)]
    internal = dict.fromkeys(range(h * w), 0.0)  # Int(C), equation 1, by the component's first entry
    for similar in (True, False):  # then once more for components that are too small
        for weight, p, q in edges:
            a, b = component[p], component[q]
            if a is b:
                continue
            limit = min(internal[a[0]] + scale / len(a), internal[b[0]] + scale / len(b))  # equations 4, 5
            if weight <= limit if similar else min(len(a), len(b)) < min_size:
                internal[a[0]] = weight
                a.extend(b)
                for pixel in b:
                    component[pixel] = a
    names = {}
    return [[names.setdefault(component[y * w + x][0], len(names)) for x in range(w)] for y in range(h)]
