"""Frames of boxes with anti-aliased round corners, outlines, limbs and dots, blended into a picture."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detutils._jit import F8, U1, embedded, inlined, kernel


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


@inlined
def _square_to(x: Any, y: Any, x1: Any, y1: Any, x2: Any, y2: Any) -> Any:
    """The square of the distance from a point to a segment."""
    along_x, along_y = x2 - x1, y2 - y1
    from_x, from_y = x - x1, y - y1
    square, part = along_x * along_x + along_y * along_y, 0.0
    if square > 0.0:
        part = min(max((from_x * along_x + from_y * along_y) / square, 0.0), 1.0)
    away_x, away_y = from_x - part * along_x, from_y - part * along_y
    return away_x * away_x + away_y * away_y


@kernel("none(uint8[:,:,::1], float64[:,::1], uint8[:,::1], UniTuple(float64, 3))")
def draw_strokes(canvas: U1, strokes: F8, colors: U1, style: tuple[float, float, float]) -> None:
    """Straight strokes with round ends: x1, y1, x2, y2, radius; a dot is one that ends where it begins.

    ``style``: the halo's width and opacity, the strokes' opacity.
    """
    halo, halo_opacity, opacity = style
    height, width = float(canvas.shape[0]), float(canvas.shape[1])
    for i in range(strokes.shape[0]):
        x1, y1, x2, y2, radius = strokes[i, 0], strokes[i, 1], strokes[i, 2], strokes[i, 3], strokes[i, 4]
        reach = radius + halo + 1.0
        left, right = max(min(x1, x2) - reach, 0.0), min(max(x1, x2) + reach, width)
        top, bottom = max(min(y1, y2) - reach, 0.0), min(max(y1, y2) + reach, height)
        for y in range(math.floor(top), math.ceil(bottom)):
            for x in range(math.floor(left), math.ceil(right)):
                edge = math.sqrt(_square_to(x + 0.5, y + 0.5, x1, y1, x2, y2)) - radius
                cover = _covered(edge)
                shade = max(_covered(edge - halo) - cover, 0.0)
                if shade > 0.0 or cover > 0.0:
                    _blend(canvas[y, x], colors[i], cover * opacity, shade * halo_opacity * opacity)


@embedded
def _between(start: Any, stop: Any, first: Any, change: Any, low: Any, high: Any) -> Any:
    """The part of [start, stop] of a line's parameter where first + parameter * change is from low to high; its start
    lies behind its stop where there is none (Liang and Barsky 1984)."""
    if change == 0.0:
        return (start, stop) if low <= first <= high else (1.0, 0.0)
    one, other = (low - first) / change, (high - first) / change
    return max(start, min(one, other)), min(stop, max(one, other))


@inlined
def _edges_near(outline: Any, reach: Any, width: Any, height: Any, edges: Any) -> Any:
    """Fill ``edges`` with the parts x1, y1, x2, y2 of edges that can be seen, which keeps their numbers small; how many
    there are."""
    count = 0
    for k in range(outline.shape[0]):
        x1, y1 = outline[k - 1, 0], outline[k - 1, 1]
        along_x, along_y = outline[k, 0] - x1, outline[k, 1] - y1
        start, stop = _between(0.0, 1.0, x1, along_x, -reach, width + reach)
        start, stop = _between(start, stop, y1, along_y, -reach, height + reach)
        if start <= stop:
            for end, part in ((0, start), (2, stop)):
                edges[count, end] = min(max(x1 + part * along_x, -reach), width + reach)
                edges[count, end + 1] = min(max(y1 + part * along_y, -reach), height + reach)
            count += 1
    return count


@inlined
def _note_row(edges: Any, count: Any, middle: Any, reach: Any, spans: Any) -> None:
    """From and to which column the pixels of a row may be near each edge."""
    for e in range(count):
        x1, y1, x2, y2 = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
        start, stop = _between(0.0, 1.0, y1, y2 - y1, middle - reach, middle + reach)
        spans[e, 0], spans[e, 1] = 1, 0
        if start <= stop:
            one, other = x1 + start * (x2 - x1), x1 + stop * (x2 - x1)
            spans[e, 0], spans[e, 1] = math.floor(min(one, other) - reach), math.ceil(max(one, other) + reach)


@embedded
def _next_column(spans: Any, count: Any, x: Any, right: Any) -> Any:
    """The first column from x on that is near an edge."""
    nearest = right
    for e in range(count):
        if spans[e, 0] <= spans[e, 1] and x <= spans[e, 1]:
            nearest = min(nearest, max(x, spans[e, 0]))
    return nearest


@inlined
def _distance(edges: Any, count: Any, x: Any, y: Any) -> Any:
    """From a point to the nearest edge."""
    nearest = np.inf
    for e in range(count):
        nearest = min(nearest, _square_to(x, y, edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]))
    return math.sqrt(nearest)


@inlined
def _is_inside(outline: Any, x: Any, y: Any) -> Any:
    """Whether a ray to the left crosses an odd number of edges."""
    odd = False
    for k in range(outline.shape[0]):
        x1, y1, x2, y2 = outline[k - 1, 0], outline[k - 1, 1], outline[k, 0], outline[k, 1]
        if (y1 <= y) != (y2 <= y) and x1 + (y - y1) / (y2 - y1) * (x2 - x1) <= x:
            odd = not odd
    return odd


@kernel("none(uint8[:,:,::1], float64[:,:,::1], uint8[:,::1], UniTuple(float64, 5))")
def draw_outlines(
    canvas: U1, outlines: F8, colors: U1, style: tuple[float, float, float, float, float]
) -> None:
    """Closed polygons of so many corners each; the stroke lies along their edges, a dark halo on both of its sides.

    ``style``: the stroke's width, the halo's width and opacity, the stroke's opacity and that of the filling.
    """
    stroke_width, halo, halo_opacity, opacity, fill = style
    half = 0.5 * stroke_width
    reach = half + halo + 1.0
    height, width = float(canvas.shape[0]), float(canvas.shape[1])
    edges, spans = np.empty((outlines.shape[1], 4), np.float64), np.empty((outlines.shape[1], 2), np.int64)
    for i in range(outlines.shape[0]):
        outline = outlines[i]
        left, top, right, bottom = np.inf, np.inf, -np.inf, -np.inf
        for k in range(outline.shape[0]):
            left, right = min(left, outline[k, 0]), max(right, outline[k, 0])
            top, bottom = min(top, outline[k, 1]), max(bottom, outline[k, 1])
        first_x, last_x = math.floor(max(left - reach, 0.0)), math.ceil(max(min(right + reach, width), 0.0))
        first_y, last_y = math.floor(min(max(top - reach, 0.0), height)), math.ceil(min(bottom + reach, height))
        first_x = min(first_x, last_x)
        count = _edges_near(outline, reach, width, height, edges)
        for y in range(first_y, last_y):
            middle = y + 0.5
            _note_row(edges, count, middle, reach, spans)
            x = first_x
            while x < last_x:
                near = _next_column(spans, count, x, last_x)
                if near > x:  # between two edges all pixels are alike
                    if fill > 0.0 and _is_inside(outline, x + 0.5, middle):
                        for column in range(x, near):
                            _blend(canvas[y, column], colors[i], fill, 0.0)
                    x = near
                    continue
                away = _distance(edges, count, x + 0.5, middle)
                stroke = _covered(away - half)
                shade = max(_covered(away - half - halo) - stroke, 0.0)
                inside = 0.0
                if fill > 0.0 and _is_inside(outline, x + 0.5, middle):
                    inside = _covered(half - away)
                cover = stroke * opacity + inside * fill
                if cover > 0.0 or shade > 0.0:
                    _blend(canvas[y, x], colors[i], cover, shade * halo_opacity * opacity)
                x += 1
