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


def draw_strokes(canvas, strokes, colors, halo, halo_opacity, opacity):  # type: ignore[no-untyped-def]
    """Blend each stroke into every pixel of the picture, in order, by the distance to the segment in its middle."""
    for (x1, y1, x2, y2, radius), color in zip(strokes, colors):
        length = math.hypot(x2 - x1, y2 - y1)
        for y, row in enumerate(canvas):
            for x, pixel in enumerate(row):
                across, down = x + 0.5 - x1, y + 0.5 - y1
                if length > 0.0:
                    along = (across * (x2 - x1) + down * (y2 - y1)) / length
                    if along <= 0.0:
                        distance = math.hypot(across, down)
                    elif along >= length:
                        distance = math.hypot(x + 0.5 - x2, y + 0.5 - y2)
                    else:
                        distance = abs(across * (y2 - y1) - down * (x2 - x1)) / length
                else:
                    distance = math.hypot(across, down)
                cover = covered(distance - radius)
                shade = max(covered(distance - radius - halo) - cover, 0.0)
                rest = (1.0 - shade * halo_opacity * opacity) * (1.0 - cover * opacity)
                row[x] = [int(old * rest + new * cover * opacity + 0.5) for old, new in zip(pixel, color)]
    return canvas


def segment_distance(x, y, start, end):  # type: ignore[no-untyped-def]
    """From a point to a segment: to the line where its foot lies between the ends, else to the nearer end."""
    (x1, y1), (x2, y2) = start, end
    length = math.hypot(x2 - x1, y2 - y1)
    along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length if length > 0.0 else 0.0
    if 0.0 < along < length:
        return abs((x - x1) * (y2 - y1) - (y - y1) * (x2 - x1)) / length
    return min(math.hypot(x - x1, y - y1), math.hypot(x - x2, y - y2))


def is_inside(x, y, polygon):  # type: ignore[no-untyped-def]
    """Whether a ray to the left crosses an odd number of edges (Shimrat 1962)."""
    crossed = 0
    for k, (x2, y2) in enumerate(polygon):
        x1, y1 = polygon[k - 1]
        if (y1 <= y) != (y2 <= y) and x1 + (y - y1) * (x2 - x1) / (y2 - y1) <= x:
            crossed += 1
    return crossed % 2 == 1


def draw_outlines(canvas, outlines, colors, width, halo, halo_opacity, opacity, fill):  # type: ignore[no-untyped-def]
    """Blend each outline into every pixel of the picture, in order, by the distance to its nearest edge."""
    for polygon, color in zip(outlines, colors):
        for y, row in enumerate(canvas):
            for x, pixel in enumerate(row):
                at = x + 0.5, y + 0.5
                away = min(segment_distance(*at, polygon[k - 1], polygon[k]) for k in range(len(polygon))) - width / 2
                stroke = covered(away)
                inside = covered(-away) if is_inside(*at, polygon) else 0.0
                shade = max(covered(away - halo) - stroke, 0.0)
                cover = stroke * opacity + inside * fill
                rest = (1.0 - shade * halo_opacity * opacity) * (1.0 - cover)
                row[x] = [int(old * rest + new * cover + 0.5) for old, new in zip(pixel, color)]
    return canvas
