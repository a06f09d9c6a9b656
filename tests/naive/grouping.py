"""Hierarchical grouping, Uijlings et al., IJCV 2013, algorithm 1: a merge replaces what was alike with its parts."""

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
    regions = list(regions)
    pixels = sum(region["size"] for region in regions)
    merges, values = [], []
    similarities = {(i, j): similarity(regions[i], regions[j], weights, channels, pixels) for i, j in neighbors}
    while similarities:
        value, i, j = choose((value, -i, -j) for (i, j), value in similarities.items())
        i, j, c = -i, -j, len(regions)
        regions.append(union(regions[i], regions[j]))
        merges.append((i, j))
        values.append(value)
        gone = [pair for pair in similarities if i in pair or j in pair]
        for k in {r for pair in gone for r in pair} - {i, j}:
            similarities[k, c] = similarity(regions[k], regions[c], weights, channels, pixels)
        for pair in gone:
            del similarities[pair]
    return merges, values
