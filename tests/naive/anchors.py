"""Anchors in plain Python."""

from __future__ import annotations

import math


def generate_anchors(base_size=16, ratios=(0.5, 1, 2), scales=(8, 16, 32)):
    """generate_anchors.py of py-faster-rcnn; ``round`` rounds halves to even, as NumPy does."""
    anchors = []
    for ratio in ratios:
        wide = round(math.sqrt(base_size * base_size / ratio))
        high = round(wide * ratio)
        for scale in scales:
            center, x, y = 0.5 * (base_size - 1), 0.5 * (wide * scale - 1), 0.5 * (high * scale - 1)
            anchors.append([center - x, center - y, center + x, center + y])
    return anchors


def cell_anchors(sizes, ratios=(0.5, 1, 2), *, order="size"):
    """Ren et al. 2015, section 3.1: of area size^2 and height / width = ratio, around 0."""
    pairs = [(size, ratio) for size in sizes for ratio in ratios]
    if order == "ratio":
        pairs = [(size, ratio) for ratio in ratios for size in sizes]
    anchors = []
    for size, ratio in pairs:
        wide = size / math.sqrt(ratio)
        high = wide * ratio
        anchors.append([-wide / 2, -high / 2, wide / 2, high / 2])
    return anchors


def rotated_anchors(sizes, ratios, angles):
    """Ma et al. 2018, section III, in detectron2's order: the angle changes first, then the ratio."""
    anchors = []
    for size in sizes:
        for ratio in ratios:
            wide = math.sqrt(size * size / ratio)
            anchors += [[0.0, 0.0, wide, wide * ratio, angle] for angle in angles]
    return anchors


def grid_anchors(base_anchors, grid_size, stride):
    """Ren et al. 2015, section 3.1: every anchor at every place, shifted by whole strides."""
    down, right = stride if isinstance(stride, (tuple, list)) else (stride, stride)
    if base_anchors and len(base_anchors[0]) == 5:  # rotated
        return [
            [cx + x * right, cy + y * down, *rest]
            for y in range(grid_size[0])
            for x in range(grid_size[1])
            for cx, cy, *rest in base_anchors
        ]
    return [
        [x1 + x * right, y1 + y * down, x2 + x * right, y2 + y * down]
        for y in range(grid_size[0])
        for x in range(grid_size[1])
        for x1, y1, x2, y2 in base_anchors
    ]


def pyramid_anchors(
    image_size, strides=(4, 8, 16, 32, 64), *, ratios=(0.5, 1, 2), scales=(8,), grid_sizes=None
):
    """Lin et al. 2017, section 4.1: one scale a level."""
    anchors, levels = [], []
    for level, stride in enumerate(strides):
        grid = grid_sizes[level] if grid_sizes else [math.ceil(side / stride) for side in image_size]
        found = grid_anchors(generate_anchors(stride, ratios, scales), grid, stride)
        anchors += found
        levels += [level] * len(found)
    return anchors, levels


def anchors_inside_image(anchors, image_size, border=0):
    """anchor_target_layer.py of py-faster-rcnn."""
    high, wide = image_size
    return [
        i
        for i, (x1, y1, x2, y2) in enumerate(anchors)
        if x1 >= -border and y1 >= -border and x2 < wide + border and y2 < high + border
    ]


def shape_ious(sizes, centers):
    """IoU of (width, height) pairs with a common center; Redmon and Farhadi 2017, section 2."""
    table = []
    for w, h in sizes:
        common = [min(w, cw) * min(h, ch) for cw, ch in centers]
        table.append([c / (w * h + cw * ch - c) for c, (cw, ch) in zip(common, centers, strict=True)])
    return table
