"""Texture as the package counts it, in whole numbers: not the paper's arithmetic, which stands in ``regions``.

The tests hold the kernels to this digit by digit, and measure how far it is from the paper.
"""

from __future__ import annotations

import math

BORDERS = (1.0, 2.5, 5.0, 9.0, 15.0, 25.0, 40.0)
VALUES = (0.0, 1.7, 3.6, 6.8, 11.7, 19.5, 31.6, 55.0)
BIN_BORDERS = (1.0, 2.0, 3.5, 6.0, 10.0, 16.0, 25.0, 38.0, 55.0)


def derivatives(channel, y, x):
    """Gaussian derivatives of sigma 1 along x and y, borders repeated, rounded to quarters of a gray level."""
    h, w = len(channel), len(channel[0])
    total = 1 + 2 * sum(math.exp(-0.5 * i * i) for i in range(1, 5))
    ramp = sum(2 * i * i * math.exp(-0.5 * i * i) for i in range(1, 5))
    tap = {i: round(4096 * math.exp(-0.5 * i * i) / total) for i in range(1, 5)}
    tap[0] = 4096 - 2 * sum(tap.values())
    slope = {i: round(4096 * i * math.exp(-0.5 * i * i) / ramp) for i in range(1, 5)}

    def column(j, weights, sign):
        at = [channel[min(max(y + i, 0), h - 1)][min(max(j, 0), w - 1)] for i in range(-4, 5)]
        middle = weights.get(0, 0) * at[4]
        return (middle + sum(weights[i] * (at[4 + i] + sign * at[4 - i]) for i in range(1, 5)) + 32) >> 6

    def clamped(j):
        return min(max(j, 0), w - 1)

    across = sum(
        slope[i] * (column(clamped(x + i), tap, 1) - column(clamped(x - i), tap, 1)) for i in range(1, 5)
    )
    down = tap[0] * column(x, slope, -1) + sum(
        tap[i] * (column(clamped(x + i), slope, -1) + column(clamped(x - i), slope, -1)) for i in range(1, 5)
    )
    return (across + 32768) >> 16, (down + 32768) >> 16


def texture_histogram(channel, pixels):
    """Eight orientations of ten bins, from derivatives that are reduced to 15 levels before they are steered."""

    def level(quarters):
        return math.copysign(VALUES[sum(abs(quarters) / 4 >= border for border in BORDERS)], quarters)

    counts = [0] * 80
    for y, x in pixels:
        dx, dy = (level(value) for value in derivatives(channel, y, x))
        for o in range(8):
            response = dx * math.cos(o * math.pi / 4) + dy * math.sin(o * math.pi / 4)
            counts[10 * o + sum(response >= border for border in BIN_BORDERS)] += 1
    return counts
