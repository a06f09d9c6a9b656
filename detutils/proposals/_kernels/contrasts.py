"""How a box differs from what is around it, and its parts from one another: from the means that ``cues`` fills in.

Trees compare one cue with a number; a difference of two takes many of their nodes, so it is a cue of its own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import F4, inlined, kernel
from detutils.proposals._kernels.cues import APPEARANCE, CELLS, CHANNELS

GROUPS = 9  # of one cue for each channel, before those of color
COLOR = 8
CONTRASTS = (GROUPS + 1) * CHANNELS + COLOR
INSIDE = CELLS * CELLS


@inlined
def _square(value: Any) -> Any:
    return value * value


@kernel("void(float32[:,::1], int64, int64)")
def describe_contrasts(features: F4, place: int, after: int) -> None:
    """Fills the columns from ``after`` on, from the means over cells and strips in the columns from ``place`` on.

    Of each channel: left, right, upper and lower cells less the strip beside them; the inside less the strips; the
    four cells in the middle less the others; the mean difference of cells that mirror each other, across and down; the
    cells' standard deviation. Of the three planes of color together, as distances: the first six, the least of the
    first four, and their sum. Of each channel: the mean of the cells.
    """
    # Means and contrasts in one array: only then does the compiler know that a loop may turn into vectors.
    cells = np.empty(APPEARANCE + CONTRASTS, np.float32)
    distances = cells[APPEARANCE + GROUPS * CHANNELS : APPEARANCE + GROUPS * CHANNELS + COLOR]
    left, right = INSIDE * CHANNELS, (INSIDE + 1) * CHANNELS
    above, below = (INSIDE + 2) * CHANNELS, (INSIDE + 3) * CHANNELS
    quarter, eighth, part = np.float32(0.25), np.float32(1.0 / 8.0), np.float32(1.0 / 16.0)
    for i in range(features.shape[0]):
        cells[:APPEARANCE] = features[i, place : place + APPEARANCE]
        # A strip beyond the image's border has no lightness.
        has_left, has_right = np.float32(cells[left] >= 0), np.float32(cells[right] >= 0)
        has_above, has_below = np.float32(cells[above] >= 0), np.float32(cells[below] >= 0)
        strips = has_left + has_right + has_above + has_below
        share = np.float32(1.0) / max(strips, np.float32(1.0))
        any_strip = np.float32(strips > 0)
        for c in range(CHANNELS):
            a, b, d, e = cells[c], cells[12 + c], cells[24 + c], cells[36 + c]
            f, g, h, k = cells[48 + c], cells[60 + c], cells[72 + c], cells[84 + c]
            m, n, o, p = cells[96 + c], cells[108 + c], cells[120 + c], cells[132 + c]
            q, r, s, t = cells[144 + c], cells[156 + c], cells[168 + c], cells[180 + c]
            everything = (a + b + d + e) + (f + g + h + k) + (m + n + o + p) + (q + r + s + t)
            middle = g + h + n + o
            mean = everything * part
            cells[240 + c] = (a + f + m + q) * quarter - cells[left + c]
            cells[252 + c] = (e + k + p + t) * quarter - cells[right + c]
            cells[264 + c] = (a + b + d + e) * quarter - cells[above + c]
            cells[276 + c] = (q + r + s + t) * quarter - cells[below + c]
            around = has_left * cells[left + c] + has_right * cells[right + c]
            around += has_above * cells[above + c] + has_below * cells[below + c]
            cells[288 + c] = any_strip * (mean - around * share)
            cells[300 + c] = middle * quarter - (everything - middle) * np.float32(1.0 / 12.0)
            across = abs(a - e) + abs(b - d) + abs(f - k) + abs(g - h)
            across += abs(m - p) + abs(n - o) + abs(q - t) + abs(r - s)
            cells[312 + c] = across * eighth
            down = abs(a - q) + abs(b - r) + abs(d - s) + abs(e - t)
            down += abs(f - m) + abs(g - n) + abs(h - o) + abs(k - p)
            cells[324 + c] = down * eighth
            squares = _square(a - mean) + _square(b - mean) + _square(d - mean) + _square(e - mean)
            squares += _square(f - mean) + _square(g - mean) + _square(h - mean) + _square(k - mean)
            squares += _square(m - mean) + _square(n - mean) + _square(o - mean) + _square(p - mean)
            squares += _square(q - mean) + _square(r - mean) + _square(s - mean) + _square(t - mean)
            cells[336 + c] = np.float32(math.sqrt(squares * part))
            cells[APPEARANCE + GROUPS * CHANNELS + COLOR + c] = mean
        least, total = np.float32(np.inf), np.float32(0.0)
        for group in range(6):
            at = APPEARANCE + group * CHANNELS
            one, two, three = cells[at], cells[at + 1], cells[at + 2]
            distances[group] = np.float32(math.sqrt(one * one + two * two + three * three))
            if group < 4:
                least = min(least, distances[group])
                total += distances[group]
        distances[6], distances[7] = least, total
        features[i, after : after + CONTRASTS] = cells[APPEARANCE:]
