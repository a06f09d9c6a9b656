"""Region features of Selective Search (Uijlings et al., IJCV 2013, section 3.2) on nested lists, in real numbers."""

from __future__ import annotations

import math

# The paper has ten bins and does not say where they end: gray levels a pixel, a step of 255 gives at most 102.
BIN_BORDERS = (1.0, 2.0, 3.5, 6.0, 10.0, 16.0, 25.0, 38.0, 55.0)
SMOOTH = {i: math.exp(-0.5 * i * i) for i in range(-8, 9)}  # a Gaussian of sigma 1
SLOPE = {i: i * value for i, value in SMOOTH.items()}
FLAT, RAMP = sum(SMOOTH.values()), sum(i * value for i, value in SLOPE.items())


def color_histogram(channel, pixels):
    """25 bins over 0 ... 255, normalized by the L1 norm."""
    counts = [0] * 25
    for y, x in pixels:
        counts[channel[y][x] * 25 // 256] += 1
    return [count / len(pixels) for count in counts]


def derivatives(channel, y, x):
    """Gaussian derivatives of sigma 1 along x and y, in gray levels a pixel; borders are repeated."""
    h, w = len(channel), len(channel[0])
    across = down = 0.0
    for i in SMOOTH:
        row = channel[min(max(y + i, 0), h - 1)]
        for j in SMOOTH:
            value = row[min(max(x + j, 0), w - 1)]
            across += SMOOTH[i] * SLOPE[j] * value
            down += SLOPE[i] * SMOOTH[j] * value
    return across / (FLAT * RAMP), down / (FLAT * RAMP)


def texture_histogram(channel, pixels):
    """Eight orientations of ten bins: the derivative steered to 0, 45 ... 315 degrees, each normalized."""
    counts = [0] * 80
    for y, x in pixels:
        dx, dy = derivatives(channel, y, x)
        for o in range(8):
            response = dx * math.cos(o * math.pi / 4) + dy * math.sin(o * math.pi / 4)
            counts[10 * o + sum(response >= border for border in BIN_BORDERS)] += 1
    return [count / len(pixels) for count in counts]
