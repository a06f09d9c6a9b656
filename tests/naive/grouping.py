"""Hierarchical grouping, Uijlings et al., IJCV 2013, algorithm 1, comparing every pair at every step."""

from __future__ import annotations


def similarity(a, b, weights, channels, pixels):
    """Equations 1-6. Histograms of a channel, or of one of its eight orientations, sum to 1."""
    size = a["size"] + b["size"]
    color = sum(map(min, a["color"], b["color"])) / channels
    texture = sum(map(min, a["texture"], b["texture"])) / (8 * channels)
    (l1, t1, r1, b1), (l2, t2, r2, b2) = a["box"], b["box"]
    box = (max(r1, r2) - min(l1, l2)) * (max(b1, b2) - min(t1, t2))
    parts = (color, texture, 1.0 - size / pixels, 1.0 - (box - size) / pixels)
    return sum(weight * part for weight, part in zip(weights, parts, strict=True))


def union(a, b):
    """Histograms are the mean of the parts', by their sizes."""
    (l1, t1, r1, b1), (l2, t2, r2, b2) = a["box"], b["box"]
    size = a["size"] + b["size"]
    both = {"size": size, "box": (min(l1, l2), min(t1, t2), max(r1, r2), max(b1, b2))}
    for kind in ("color", "texture"):
        both[kind] = [(a["size"] * p + b["size"] * q) / size for p, q in zip(a[kind], b[kind], strict=True)]
    return both


def hierarchical_grouping(regions, neighbors, weights, channels, choose=max):
    """``regions``: dicts of size, box, color, texture; ``neighbors``: pairs i < j. Returns merges and values.

    ``choose`` picks from (similarity, -i, -j) of every pair; of equal ones the lowest numbers come first.
    """
    regions, neighbors = list(regions), set(neighbors)
    pixels = sum(region["size"] for region in regions)
    merges, values = [], []
    while neighbors:
        value, i, j = choose(
            (similarity(regions[i], regions[j], weights, channels, pixels), -i, -j) for i, j in neighbors
        )
        i, j, c = -i, -j, len(regions)
        regions.append(union(regions[i], regions[j]))
        merges.append((i, j))
        values.append(value)
        renamed = {tuple(sorted(c if r in (i, j) else r for r in pair)) for pair in neighbors}
        neighbors = {pair for pair in renamed if pair[0] != pair[1]}
    return merges, values
