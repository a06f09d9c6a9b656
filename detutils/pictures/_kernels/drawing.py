"""Frames of boxes with anti-aliased round corners, limbs and dots, blended into a picture."""

from __future__ import annotations

import math

from detutils._jit import F8, U1, inlined, kernel


@inlined
def _covered(distance: float) -> float:
    """How much of a pixel lies inside an edge that is so far from its center."""
    return min(max(0.5 - distance, 0.0), 1.0)


@inlined
def _outside(x: float, y: float, half_width: float, half_height: float, radius: float) -> float:
    """Signed distance of a point to a rounded rectangle around the origin, negative inside."""
    across = abs(x) - half_width + radius
    down = abs(y) - half_height + radius
    corner = math.sqrt(max(across, 0.0) ** 2 + max(down, 0.0) ** 2)
    return corner + min(max(across, down), 0.0) - radius


@inlined
def _blend(pixel: U1, color: U1, cover: float, shade: float) -> None:
    """A dark shade over the pixel, and the color over both."""
    rest = (1.0 - shade) * (1.0 - cover)
    for channel in range(3):
        pixel[channel] = int(pixel[channel] * rest + color[channel] * cover + 0.5)


@kernel("none(uint8[:,:,::1], float64[:,::1], uint8[:,::1], UniTuple(float64, 6))")
def draw_frames(
    canvas: U1, frames: F8, colors: U1, style: tuple[float, float, float, float, float, float]
) -> None:
    """Frames are outer edges; the stroke lies inside them, a dark halo on both of its sides.

    ``style``: the stroke's width, the radius of the corners, the halo's width and opacity, the stroke's opacity and
    that of the filling.
    """
    width, radius, halo, halo_opacity, opacity, fill = style
    for i in range(frames.shape[0]):
        x1, y1, x2, y2 = frames[i, 0], frames[i, 1], frames[i, 2], frames[i, 3]
        half_width, half_height = (x2 - x1) * 0.5, (y2 - y1) * 0.5
        middle_x, middle_y = (x1 + x2) * 0.5, (y1 + y2) * 0.5
        round_by = min(radius, half_width, half_height)
        band = math.ceil(max(round_by, width + halo)) + 1
        left = max(math.floor(x1 - halo) - 1, 0)
        right = min(math.ceil(x2 + halo) + 1, canvas.shape[1])
        top = max(math.floor(y1 - halo) - 1, 0)
        bottom = min(math.ceil(y2 + halo) + 1, canvas.shape[0])
        # Between these columns and rows only the filling is seen.
        left_end, right_start = int(x1) + band, int(x2) - band
        top_end, bottom_start = int(y1) + band, int(y2) - band
        for y in range(top, bottom):
            plain = top_end <= y < bottom_start and left_end < right_start
            x = left
            while x < right:
                if plain and fill == 0.0 and x == left_end:
                    x = right_start
                edge = _outside(x + 0.5 - middle_x, y + 0.5 - middle_y, half_width, half_height, round_by)
                inside = _covered(edge + width)
                stroke = _covered(edge) - inside
                shade = max(_covered(edge - halo) - _covered(edge + width + halo) - stroke, 0.0)
                cover = stroke * opacity + inside * fill
                _blend(canvas[y, x], colors[i], cover, shade * halo_opacity * opacity)
                x += 1


@kernel("none(uint8[:,:,::1], float64[:,::1], uint8[:,::1], UniTuple(float64, 3))")
def draw_strokes(canvas: U1, strokes: F8, colors: U1, style: tuple[float, float, float]) -> None:
    """Straight strokes with round ends: x1, y1, x2, y2, radius; a dot is one that ends where it begins.

    ``style``: the halo's width and opacity, the strokes' opacity.
    """
    halo, halo_opacity, opacity = style
    height, width = float(canvas.shape[0]), float(canvas.shape[1])
    for i in range(strokes.shape[0]):
        x1, y1, x2, y2, radius = strokes[i, 0], strokes[i, 1], strokes[i, 2], strokes[i, 3], strokes[i, 4]
        along_x, along_y = x2 - x1, y2 - y1
        square = along_x * along_x + along_y * along_y
        reach = radius + halo + 1.0
        left, right = max(min(x1, x2) - reach, 0.0), min(max(x1, x2) + reach, width)
        top, bottom = max(min(y1, y2) - reach, 0.0), min(max(y1, y2) + reach, height)
        for y in range(math.floor(top), math.ceil(bottom)):
            for x in range(math.floor(left), math.ceil(right)):
                from_x, from_y = x + 0.5 - x1, y + 0.5 - y1
                part = 0.0
                if square > 0.0:
                    part = min(max((from_x * along_x + from_y * along_y) / square, 0.0), 1.0)
                away_x, away_y = from_x - part * along_x, from_y - part * along_y
                edge = math.sqrt(away_x * away_x + away_y * away_y) - radius
                cover = _covered(edge)
                shade = max(_covered(edge - halo) - cover, 0.0)
                if shade > 0.0 or cover > 0.0:
                    _blend(canvas[y, x], colors[i], cover * opacity, shade * halo_opacity * opacity)
