"""What a drawn frame is, pixel by pixel."""

from __future__ import annotations

import math


def covered(distance: float) -> float:
    """How much of a pixel lies inside an edge at a signed distance from its center."""
    return min(max(0.5 - distance, 0.0), 1.0)


def outside(x: float, y: float, half_width: float, half_height: float, radius: float) -> float:
    """The signed distance to a rounded rectangle around the origin (Quilez, "2D distance functions")."""
    across, down = abs(x) - half_width + radius, abs(y) - half_height + radius
    corner = math.sqrt(max(across, 0.0) ** 2 + max(down, 0.0) ** 2)
    return corner + min(max(across, down), 0.0) - radius


def draw_frames(canvas, frames, colors, width, radius, halo, halo_opacity, opacity, fill):  # type: ignore[no-untyped-def]
    """Blend each frame into every pixel of the picture, in order."""
    for (x1, y1, x2, y2), color in zip(frames, colors):
        half_width, half_height = (x2 - x1) * 0.5, (y2 - y1) * 0.5
        round_by = min(radius, half_width, half_height)
        for y, row in enumerate(canvas):
            for x, pixel in enumerate(row):
                at = x + 0.5 - (x1 + x2) * 0.5, y + 0.5 - (y1 + y2) * 0.5
                edge = outside(*at, half_width, half_height, round_by)
                inside = covered(edge + width)
                stroke = covered(edge) - inside
                shade = max(covered(edge - halo) - covered(edge + width + halo) - stroke, 0.0)
                cover = stroke * opacity + inside * fill
                rest = (1.0 - shade * halo_opacity * opacity) * (1.0 - cover)
                row[x] = [int(old * rest + new * cover + 0.5) for old, new in zip(pixel, color)]
    return canvas
