"""Windows cut out of an image at one size, and what a linear model can see in them: gradients and colors."""

from __future__ import annotations

import math

import numpy as np

from detutils._jit import F4, F8, I4, I8, inlined, kernel

EPS = np.float32(1e-5)
CLIP = np.float32(0.2)
BINS = 9
SHADES = 8


@kernel("void(float32[:,:,::1], float32[:,:,::1])")
def halve(image: F4, out: F4) -> None:
    """Means of 2 x 2 pixels; at an odd edge, of the pixels that are there."""
    height, width, channels = image.shape
    quarter = np.float32(0.25)
    for y in range(out.shape[0]):
        a, b = 2 * y, min(2 * y + 1, height - 1)
        for x in range(out.shape[1]):
            c, d = 2 * x, min(2 * x + 1, width - 1)
            for k in range(channels):
                upper, lower = image[a, c, k] + image[a, d, k], image[b, c, k] + image[b, d, k]
                out[y, x, k] = quarter * (upper + lower)


@inlined
def _axis(start: float, step: float, count: int, length: int, first: I8, second: I8, share: F4) -> None:
    """The two pixels beside each sample along an axis, and the share of the second; edges go on outside."""
    for i in range(count):
        place = min(max(start + (i + 0.5) * step - 0.5, 0.0), length - 1.0)
        low = int(place)
        first[i] = low
        second[i] = min(low + 1, length - 1)
        share[i] = np.float32(place - low)


@kernel("void(float32[::1], int64[:,::1], float64[:,::1], float64, float32[:,:,:,::1])")
def cut_windows(pixels: F4, levels: I8, boxes: F8, context: float, out: F4) -> None:
    """Each box, ``context`` times as large, from the level of a pyramid where a sample is 1 to 2 pixels.

    ``levels`` holds the first pixel, the height and the width of each level in ``pixels``.
    """
    count, rows, columns, channels = out.shape
    y0, y1, ys = np.empty(rows, np.int64), np.empty(rows, np.int64), np.empty(rows, np.float32)
    x0, x1, xs = np.empty(columns, np.int64), np.empty(columns, np.int64), np.empty(columns, np.float32)
    for n in range(count):
        step_x = context * (boxes[n, 2] - boxes[n, 0]) / columns
        step_y = context * (boxes[n, 3] - boxes[n, 1]) / rows
        left = 0.5 * (boxes[n, 0] + boxes[n, 2]) - 0.5 * context * (boxes[n, 2] - boxes[n, 0])
        top = 0.5 * (boxes[n, 1] + boxes[n, 3]) - 0.5 * context * (boxes[n, 3] - boxes[n, 1])
        level = 0
        coarse = math.sqrt(step_x * step_y)
        while coarse >= 2.0 and level + 1 < levels.shape[0]:
            coarse *= 0.5
            level += 1
        shrink = 0.5**level
        base, height, width = levels[level, 0], levels[level, 1], levels[level, 2]
        _axis(top * shrink, step_y * shrink, rows, height, y0, y1, ys)
        _axis(left * shrink, step_x * shrink, columns, width, x0, x1, xs)
        for i in range(rows):
            above, below, down = base + y0[i] * width * channels, base + y1[i] * width * channels, ys[i]
            for j in range(columns):
                a, b, right = x0[j] * channels, x1[j] * channels, xs[j]
                for k in range(channels):
                    upper = pixels[above + a + k]
                    upper += right * (pixels[above + b + k] - upper)
                    lower = pixels[below + a + k]
                    lower += right * (pixels[below + b + k] - lower)
                    out[n, i, j, k] = upper + down * (lower - upper)


@inlined
def _gradients(window: F4, i: int, used: int, wide: F4, steep: F4, down: F4, right: F4) -> None:
    """The gradient along row i of the channel where it is steepest; 0 across the border."""
    rows, columns, channels = window.shape
    a, b = (i - 1, i + 1) if 0 < i < rows - 1 else (i, i)
    for k in range(channels):
        for j in range(columns):
            wide[k, j] = window[i, j, k]
            down[k, j] = window[b, j, k] - window[a, j, k]
    for j in range(used):
        steep[j] = np.float32(-1.0)
    for k in range(channels):
        right[k, 0] = np.float32(0.0)
        right[k, columns - 1] = np.float32(0.0)
        for j in range(1, columns - 1):
            right[k, j] = wide[k, j + 1] - wide[k, j - 1]
        for j in range(used):
            square = down[k, j] * down[k, j] + right[k, j] * right[k, j]
            better = square > steep[j]
            steep[j] = square if better else steep[j]
            down[0, j] = down[k, j] if better else down[0, j]
            right[0, j] = right[k, j] if better else right[0, j]


@inlined
def _votes(used: int, steep: F4, down: F4, right: F4, cosines: F4, sines: F4, bins: I4) -> None:
    """The length of each gradient and its bin over half a turn, without an arc tangent."""
    for j in range(used):
        turn = down[0, j] < 0 or (down[0, j] == 0 and right[0, j] < 0)
        down[0, j] = -down[0, j] if turn else down[0, j]
        right[0, j] = -right[0, j] if turn else right[0, j]
        steep[j] = math.sqrt(steep[j])
        bins[j] = np.int32(0)
    for k in range(1, BINS):
        cosine, sine = cosines[k], sines[k]
        for j in range(used):
            bins[j] += np.int32(1) if down[0, j] * cosine >= right[0, j] * sine else np.int32(0)


@inlined
def _normalized_blocks(cells: F4, out: F4) -> int:
    """Blocks of 2 x 2 cells, each normalized, clipped and normalized again."""
    place = 0
    for i in range(cells.shape[0] - 1):
        for j in range(cells.shape[1] - 1):
            length = EPS * EPS
            for a in range(2):
                for b in range(2):
                    for k in range(BINS):
                        length += cells[i + a, j + b, k] * cells[i + a, j + b, k]
            scale = np.float32(1.0) / np.float32(math.sqrt(length))
            length = EPS * EPS
            for a in range(2):
                for b in range(2):
                    for k in range(BINS):
                        value = min(cells[i + a, j + b, k] * scale, CLIP)
                        out[place + (2 * a + b) * BINS + k] = value
                        length += value * value
            scale = np.float32(1.0) / np.float32(math.sqrt(length))
            for k in range(4 * BINS):
                out[place + k] *= scale
            place += 4 * BINS
    return place


@inlined
def _contrast(window: F4, cell: int, border: bool, reference: F4, away: F4, out: F4) -> None:
    """How far colors are from the mean of the border (or of the middle): in cells, columns and rows.

    Objects are unlike what surrounds them: where that begins and ends is what a regressor looks for.
    """
    rows, columns, channels = window.shape
    edge = max(1, min(rows, columns) // 20)
    top, left = 3 * rows // 8, 3 * columns // 8
    for k in range(channels):
        total, count = np.float32(0.0), 0
        for i in range(rows):
            for j in range(columns):
                outer = i < edge or j < edge or i >= rows - edge or j >= columns - edge
                inner = top <= i < rows - top and left <= j < columns - left
                if outer if border else inner:
                    total += window[i, j, k]
                    count += 1
        reference[k] = total / np.float32(count)
    mean = np.float32(0.0)
    for i in range(rows):
        for j in range(columns):
            away[j] = np.float32(0.0)
        for k in range(channels):
            for j in range(columns):
                away[j] += abs(window[i, j, k] - reference[k])
        for j in range(columns):
            mean += away[j]
    scale = np.float32(0.5) / (mean / np.float32(rows * columns) + np.float32(1e-3))
    high, wide = rows // cell, columns // cell
    across, down = high * wide, high * wide + columns
    in_cell = scale / np.float32(cell * cell)
    in_column = scale / np.float32(rows - 2 * (rows // 4))
    in_row = scale / np.float32(columns - 2 * (columns // 4))
    for i in range(rows):
        for j in range(columns):
            away[j] = np.float32(0.0)
        for k in range(channels):
            for j in range(columns):
                away[j] += abs(window[i, j, k] - reference[k])
        if i < high * cell:
            for j in range(wide * cell):
                out[(i // cell) * wide + j // cell] += in_cell * away[j]
        if rows // 4 <= i < rows - rows // 4:
            for j in range(columns):
                out[across + j] += in_column * away[j]
        for j in range(columns // 4, columns - columns // 4):
            out[down + i] += in_row * away[j]


@kernel("void(float32[:,:,:,::1], int64, float32[:,::1])")
def describe_windows(windows: F4, cell: int, out: F4) -> None:
    """Blocks of oriented gradients (Dalal and Triggs), mean colors, a histogram a channel, contrasts.

    Cells take whole votes.
    """
    count, rows, columns, channels = windows.shape
    high, wide = rows // cell, columns // cell
    cosines, sines = np.empty(BINS, np.float32), np.empty(BINS, np.float32)
    for k in range(BINS):
        cosines[k], sines[k] = math.cos(k * math.pi / BINS), math.sin(k * math.pi / BINS)
    cells = np.empty((high, wide, BINS), np.float32)
    line = np.empty((channels, columns), np.float32)
    down, right = np.empty((channels, columns), np.float32), np.empty((channels, columns), np.float32)
    steep, bins = np.empty(columns, np.float32), np.empty(columns, np.int32)
    area, share = np.float32(1.0 / (cell * cell)), np.float32(1.0 / (rows * columns))
    half = np.float32(0.5)
    reference, away = np.empty(channels, np.float32), np.empty(columns, np.float32)
    for n in range(count):
        cells[:] = np.float32(0.0)
        for i in range(high * cell):
            _gradients(windows[n], i, wide * cell, line, steep, down, right)
            _votes(wide * cell, steep, down, right, cosines, sines, bins)
            for j in range(wide * cell):
                cells[i // cell, j // cell, bins[j]] += area * steep[j]
        colors = _normalized_blocks(cells, out[n])
        shades = colors + high * wide * channels
        out[n, colors:] = np.float32(0.0)
        for i in range(rows):
            for j in range(columns):
                for k in range(channels):
                    shade = min(int(windows[n, i, j, k] * np.float32(SHADES)), SHADES - 1)
                    out[n, shades + k * SHADES + shade] += share
        for i in range(high * cell):
            for j in range(wide * cell):
                place = colors + ((i // cell) * wide + j // cell) * channels
                for k in range(channels):
                    out[n, place + k] += area * (windows[n, i, j, k] - half)
        place = shades + SHADES * channels
        for inside in range(2):  # one call, which is compiled once
            _contrast(windows[n], cell, inside == 0, reference, away, out[n, place:])
            place += high * wide + rows + columns
