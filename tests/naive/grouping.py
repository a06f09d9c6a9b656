"""Hierarchical grouping, Uijlings et al., IJCV 2013, algorithm 1, comparing every pair at every step."""

from __future__ import annotations


def similarity(a, b, weights, channels, pixels):
    """Equations 2-6. Histograms are compared in whole 65535ths; one of a channel or orientation sums to 1."""
    size = a["size"] + b["size"]

    def common(kind):
        rounded = [[int(c * (65535.0 / r["size"]) + 0.5) for c in r[kind]] for r in (a, b)]
        return float(sum(min(p, q) for p, q in zip(*rounded, strict=True)))

    total = 0.0
    if weights[0]:
        total += weights[0] / (channels * 65535.0) * common("color")
    if weights[1]:
        total += weights[1] / (channels * 8 * 65535.0) * common("texture")
    if weights[2]:
        total += weights[2] * (1.0 - size / pixels)
    if weights[3]:
        (l1, t1, r1, b1), (l2, t2, r2, b2) = a["box"], b["box"]
        box = float((max(r1, r2) - min(l1, l2)) * (max(b1, b2) - min(t1, t2)))
        total += weights[3] * (1.0 - (box - size) / pixels)
    return total


def hierarchical_grouping(regions, neighbors, weights, channels):
    """``regions``: dicts of size, box, color, texture; ``neighbors``: pairs i < j. Returns merges and values."""
    regions, neighbors = list(regions), set(neighbors)
    pixels = float(sum(region["size"] for region in regions))
    merges, values = [], []
    while neighbors:
        value, i, j = max(
            (similarity(regions[i], regions[j], weights, channels, pixels), -i, -j) for i, j in neighbors
        )
        i, j = -i, -j
        a, b, c = regions[i], regions[j], len(regions)
        (l1, t1, r1, b1), (l2, t2, r2, b2) = a["box"], b["box"]
        union = {"size": a["size"] + b["size"], "box": (min(l1, l2), min(t1, t2), max(r1, r2), max(b1, b2))}
        for kind in ("color", "texture"):
            union[kind] = [p + q for p, q in zip(a[kind], b[kind], strict=True)]
        regions.append(union)
        merges.append((i, j))
        values.append(value)
        renamed = {tuple(sorted(c if r in (i, j) else r for r in pair)) for pair in neighbors}
        neighbors = {pair for pair in renamed if pair[0] != pair[1]}
    return merges, values
