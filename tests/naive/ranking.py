"""What the ranking knows of a box, from lists of pixels: gradients, barrier, contours, cells, votes, trees, network."""

from __future__ import annotations

import math


def gradients(planes):
    """Rounded length and direction, in whole twelfths of 180 degrees, of the largest gradient of any plane."""
    height, width = len(planes[0]), len(planes[0][0])
    lengths, directions = [[0] * width for _ in range(height)], [[0] * width for _ in range(height)]
    for y in range(height):
        for x in range(width):
            best = 0.0
            for plane in planes:
                dx = plane[y][min(x + 1, width - 1)] - plane[y][max(x - 1, 0)]
                dy = plane[min(y + 1, height - 1)][x] - plane[max(y - 1, 0)][x]
                if dx * dx + dy * dy > best:
                    best = dx * dx + dy * dy
                    directions[y][x] = math.floor(math.atan2(dy, dx) * 12 / math.pi) % 12
            lengths[y][x] = math.floor(math.sqrt(best) + 0.5)
    return lengths, directions


def barrier(plane):
    """Range of the values on a path to the border: three raster scans that look at two neighbors each."""
    height, width = len(plane), len(plane[0])
    path = {}
    for y in range(height):
        for x in range(width):
            border = y in (0, height - 1) or x in (0, width - 1)
            path[y, x] = (0 if border else math.inf, plane[y][x], plane[y][x])
    inner = [(y, x) for y in range(1, height - 1) for x in range(1, width - 1)]
    for places, step in ((inner, -1), (inner[::-1], 1), (inner, -1)):
        for y, x in places:
            for other in ((y + step, x), (y, x + step)):
                high, low = max(path[other][1], plane[y][x]), min(path[other][2], plane[y][x])
                if high - low < path[y, x][0]:
                    path[y, x] = (high - low, high, low)
    return [[path[y, x][0] for x in range(width)] for y in range(height)]


def contours(strengths, directions, weakest=12, turn_limit=6):
    """Thinned strengths, and contours as lists of their pixels (y, x)."""
    height, width = len(strengths), len(strengths[0])
    thinned = [[0] * width for _ in range(height)]
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            angle = (directions[y][x] + 0.5) * math.pi / 12
            dx, dy = round(math.cos(angle)), round(math.sin(angle))
            neighbors = (strengths[y + dy][x + dx], strengths[y - dy][x - dx])
            if strengths[y][x] > weakest and strengths[y][x] >= max(neighbors):
                thinned[y][x] = strengths[y][x]
    taken, found = set(), []
    for y in range(height):
        for x in range(width):
            if not thinned[y][x] or (y, x) in taken:
                continue
            taken.add((y, x))
            pixels, waiting, turned = [(y, x)], [(y, x)], 0
            while waiting:
                row, column = waiting.pop()
                for b in range(max(row - 1, 0), min(row + 2, height)):
                    for a in range(max(column - 1, 0), min(column + 2, width)):
                        turn = abs(directions[b][a] - directions[row][column])
                        turn = min(turn, 12 - turn)
                        if thinned[b][a] and (b, a) not in taken and turned + turn < turn_limit:
                            turned += turn
                            taken.add((b, a))
                            pixels.append((b, a))
                            waiting.append((b, a))
            found.append(pixels)
    return thinned, found


def contour_cues(box, thinned, found):
    """The six cues of a box x1, y1, x2, y2 of map pixels."""
    height, width = len(thinned), len(thinned[0])
    x1, y1, x2, y2 = box

    def inside(y, x):
        return y1 <= y < y2 and x1 <= x < x2

    everything = sum(thinned[y][x] for y in range(height) for x in range(width) if inside(y, x))
    split = within = number = 0.0
    for pixels in found:
        own = set(pixels)
        if not any(
            inside(y, x) and (y + dy, x + dx) in own and not inside(y + dy, x + dx)
            for y, x in pixels for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))
        ):  # fmt: skip
            continue
        top, bottom = min(y for y, _ in pixels), max(y for y, _ in pixels) + 1
        left, right = min(x for _, x in pixels), max(x for _, x in pixels) + 1
        across, down = min(x2, right) - max(x1, left), min(y2, bottom) - max(y1, top)
        share = max(across, 0) * max(down, 0) / ((right - left) * (bottom - top))
        mass = sum(thinned[y][x] for y, x in pixels)
        split, within, number = split + mass * min(share, 1 - share), within + mass * share, number + 1
    sides = x2 - x1 + y2 - y1
    return [
        split / sides, within / (everything + 1), number / math.sqrt(sides),
        math.log(1 + max(everything - within, 0)) - 1.5 * math.log(sides),
        math.log(1 + within) - math.log(sides), math.log(1 + everything) - math.log(sides),
    ]  # fmt: skip


def cell_cues(box, channels):
    """Means of each channel, lists of rows, over 4 x 4 cells of a box of map pixels and four strips around it."""
    height, width = len(channels[0]), len(channels[0][0])
    x1, y1, x2, y2 = box
    w, h = x2 - x1, y2 - y1
    across, down = max(w // 4, 1), max(h // 4, 1)
    areas = [
        (x1 + w * c // 4, y1 + h * r // 4, x1 + w * (c + 1) // 4, y1 + h * (r + 1) // 4)
        for r in range(4) for c in range(4)
    ]  # fmt: skip
    areas += [(x1 - across, y1, x1, y2), (x2, y1, x2 + across, y2), (x1, y1 - down, x2, y1), (x1, y2, x2, y2 + down)]
    answer = []
    for left, top, right, bottom in areas:
        for rows in channels:
            values = [
                rows[y][x]
                for y in range(max(top, 0), min(bottom, height))
                for x in range(max(left, 0), min(right, width))
            ]
            answer.append(sum(values) / len(values) if values else -1.0)
    return answer


def contrast_cues(means):
    """From the 20 lists of ``cell_cues`` of one box: 16 cells, row by row, and the strips left, right, above, below."""
    cells, strips = [means[4 * r : 4 * r + 4] for r in range(4)], means[16:]
    channels = range(len(means[0]))
    columns = [[cells[r][c] for r in range(4)] for c in range(4)]
    there = [strip for strip in strips if strip[0] >= 0]  # beyond the border there is no lightness

    def mean(some, c):
        return sum(cell[c] for cell in some) / len(some)

    inside = [cell for row in cells for cell in row]
    middle = [cells[r][c] for r in (1, 2) for c in (1, 2)]
    rest = [cells[r][c] for r in range(4) for c in range(4) if r in (0, 3) or c in (0, 3)]
    edges = [columns[0], columns[3], cells[0], cells[3]]
    groups = [[mean(edge, c) - strip[c] for c in channels] for edge, strip in zip(edges, strips, strict=True)]
    groups.append([mean(inside, c) - mean(there, c) if there else 0.0 for c in channels])
    groups.append([mean(middle, c) - mean(rest, c) for c in channels])
    every = [(r, c) for r in range(4) for c in range(4)]
    across = [sum(abs(cells[r][c][k] - cells[r][3 - c][k]) for r, c in every) / 16 for k in channels]
    down = [sum(abs(cells[r][c][k] - cells[3 - r][c][k]) for r, c in every) / 16 for k in channels]
    spread = [math.sqrt(sum((cell[k] - mean(inside, k)) ** 2 for cell in inside) / 16) for k in channels]
    color = [math.hypot(*group[:3]) for group in groups]
    answer = [value for group in (*groups, across, down, spread) for value in group]
    return [*answer, *color, min(color[:4]), sum(color[:4]), *(mean(inside, k) for k in channels)]


def vote_cues(own, near):
    """``own``: (area, number of regions); ``near``: (IoU, area, number) of the other boxes with an IoU from .6 on."""
    area, number = own
    weighted = number + sum(n * iou**3 for iou, _, n in near)
    at = [number + sum(n for iou, _, n in near if iou >= level) for level in (0.7, 0.8, 0.9)]
    larger, smaller = sum(n for _, a, n in near if a > area), sum(n for _, a, n in near if a <= area)
    return [math.log(weighted), *map(math.log, at), math.log(1 + larger) - math.log(1 + smaller)]


def add_leaves(row, asked, limits, leaves):
    """The sum of the leaves that a row ends in, walking down each tree."""
    total = 0.0
    for ask, limit, leaf in zip(asked, limits, leaves, strict=True):
        node = 0
        while node < len(ask):
            node = 2 * node + (2 if row[ask[node]] > limit[node] else 1)
        total += leaf[node - len(ask)]
    return total


def network(row, means, scales, first, first_offsets, second, second_offsets, last, farthest=4.0):
    """The output of a network whose two hidden layers pass on what is positive."""

    def layer(values, weights, offsets):
        sums = [sum(v * w[h] for v, w in zip(values, weights, strict=True)) for h in range(len(offsets))]
        return [max(total + offset, 0.0) for total, offset in zip(sums, offsets, strict=True)]

    scaled = [(v - m) * s for v, m, s in zip(row, means, scales, strict=True)]
    clipped = [min(max(v, -farthest), farthest) for v in scaled]
    deep = layer(layer(clipped, first, first_offsets), second, second_offsets)
    return sum(d * w for d, w in zip(deep, last, strict=True))
