"""Definitions of warped windows (Girshick et al., CVPR 2014) and of HOG (Dalal and Triggs, CVPR 2005)."""

import math


def halved(image):
    """Means of 2 x 2 pixels; at an odd edge the last pixel counts twice."""
    height, width, channels = len(image), len(image[0]), len(image[0][0])

    def at(y, x, k):
        return image[min(y, height - 1)][min(x, width - 1)][k]

    def mean(y, x, k):
        return sum(at(2 * y + a, 2 * x + b, k) for a in (0, 1) for b in (0, 1)) / 4

    across, down = range((width + 1) // 2), range((height + 1) // 2)
    return [[[mean(y, x, k) for k in range(channels)] for x in across] for y in down]


def crop_boxes(image, boxes, size=64, context=1.0):
    """(size, size, channels) samples of each box enlarged by ``context``; ``image`` in 0..1 has channels."""
    levels = [image]
    while max(len(levels[-1]), len(levels[-1][0])) > 1:
        levels.append(halved(levels[-1]))
    windows = []
    for x1, y1, x2, y2 in boxes:
        dx, dy = context * (x2 - x1) / size, context * (y2 - y1) / size
        left, top = (x1 + x2) / 2 - size * dx / 2, (y1 + y2) / 2 - size * dy / 2
        level, coarse = 0, math.sqrt(dx * dy)
        while coarse >= 2 and level + 1 < len(levels):
            level, coarse = level + 1, coarse / 2
        pixels, shrink = levels[level], 0.5**level
        xs = [(left + (j + 0.5) * dx) * shrink - 0.5 for j in range(size)]
        ys = [(top + (i + 0.5) * dy) * shrink - 0.5 for i in range(size)]
        windows.append([[sample(pixels, y, x) for x in xs] for y in ys])
    return windows


def sample(pixels, y, x):
    """Bilinear between four pixels; outside the image its edge goes on."""
    height, width = len(pixels), len(pixels[0])
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    i, j = int(y), int(x)
    v, u = y - i, x - j
    a, b = pixels[i][j], pixels[i][min(j + 1, width - 1)]
    c, d = pixels[min(i + 1, height - 1)][j], pixels[min(i + 1, height - 1)][min(j + 1, width - 1)]
    upper = [p + u * (q - p) for p, q in zip(a, b)]
    lower = [p + u * (q - p) for p, q in zip(c, d)]
    return [p + v * (q - p) for p, q in zip(upper, lower)]


def gradient(window, y, x):
    """(down, right) differences of the channel where they are steepest; 0 across the border of the window."""
    best = (-1.0, 0.0, 0.0)
    for k in range(len(window[0][0])):
        down = window[y + 1][x][k] - window[y - 1][x][k] if 0 < y < len(window) - 1 else 0.0
        right = window[y][x + 1][k] - window[y][x - 1][k] if 0 < x < len(window[0]) - 1 else 0.0
        if down * down + right * right > best[0]:
            best = (down * down + right * right, down, right)
    return best[1:]


def normalized(block):
    """L2-Hys: unit length, clipped at 0.2, unit length again."""
    for limit in (0.2, math.inf):
        length = math.sqrt(math.fsum(x * x for x in block) + 1e-5**2)
        block = [min(x / length, limit) for x in block]
    return block


def contrast(window, cell, border):
    """Distances from the mean color of the border or the middle: means in cells, columns, rows."""
    rows, columns = len(window), len(window[0])
    edge, top, left = max(1, min(rows, columns) // 20), 3 * rows // 8, 3 * columns // 8

    def counts(i, j):
        if border:
            return i < edge or j < edge or i >= rows - edge or j >= columns - edge
        return top <= i < rows - top and left <= j < columns - left

    chosen = [window[i][j] for i in range(rows) for j in range(columns) if counts(i, j)]
    reference = [math.fsum(values) / len(chosen) for values in zip(*chosen)]
    away = [[sum(abs(x - r) for x, r in zip(pixel, reference)) for pixel in row] for row in window]
    unit = 2 * (math.fsum(x for row in away for x in row) / (rows * columns) + 1e-3)

    def mean(ys, xs):
        return math.fsum(away[y][x] for y in ys for x in xs) / (len(ys) * len(xs)) / unit

    ys, xs = range(rows // 4, rows - rows // 4), range(columns // 4, columns - columns // 4)
    corners = [(i, j) for i in range(rows // cell) for j in range(columns // cell)]
    tiles = [(range(i * cell, i * cell + cell), range(j * cell, j * cell + cell)) for i, j in corners]
    across = [mean(ys, [x]) for x in range(columns)]
    return [mean(*tile) for tile in tiles] + across + [mean([y], xs) for y in range(rows)]


def describe(window, cell=8):
    """Oriented gradients in blocks of 2 x 2 cells, mean colors of cells less 0.5, 8 shades, contrasts."""
    rows, columns, channels = len(window), len(window[0]), len(window[0][0])
    down, across = rows // cell, columns // cell
    cells = [[[0.0] * 9 for _ in range(across)] for _ in range(down)]
    means = [[[0.0] * channels for _ in range(across)] for _ in range(down)]
    shades = [[0.0] * 8 for _ in range(channels)]
    for y in range(rows):
        for x in range(columns):
            for k in range(channels):
                shades[k][min(int(window[y][x][k] * 8), 7)] += 1 / (rows * columns)
            if y < down * cell and x < across * cell:
                dy, dx = gradient(window, y, x)
                turn = math.degrees(math.atan2(dy, dx)) % 180.0
                cells[y // cell][x // cell][min(int(turn / 20.0), 8)] += math.hypot(dy, dx) / cell**2
                for k in range(channels):
                    means[y // cell][x // cell][k] += (window[y][x][k] - 0.5) / cell**2
    result = []
    for i in range(down - 1):
        above, below = cells[i], cells[i + 1]
        for j in range(across - 1):
            result += normalized(above[j] + above[j + 1] + below[j] + below[j + 1])
    colors = [x for row in means for mean in row for x in mean]
    result += colors + [x for shade in shades for x in shade]
    return result + contrast(window, cell, True) + contrast(window, cell, False)
