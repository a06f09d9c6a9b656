"""What the definitions of evaluation measure rotated boxes by: the areas of polygons."""

from __future__ import annotations

from tests.naive.rotated import corners, polygon_overlap


def measure(angle):
    """IoU, or over the first box for a crowd, of rows cx, cy, w, h, angle."""

    def overlap(a, b, crowd=0):
        return polygon_overlap(corners(a, angle), corners(b, angle), "ioa" if crowd else "iou")

    return overlap
