"""Pictures of boxes, segmentations, and several on a sheet: legible at any size, safe for the colour-blind.

The colours are Okabe and Ito's, every line has a dark halo and every text the contrast that its ground
allows. Lines are rasterised here; text is set by Pillow, which comes with scikit-image. OpenCV is not needed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from detutils._jit import U1
from detutils._kernels.drawing import draw_frames
from detutils._validate import (
    as_boxes,
    as_choice,
    as_color,
    as_flag,
    as_image,
    as_integer,
    as_names,
    as_number,
    as_segments,
    as_vector,
)
from detutils.lettering import fitted, load_font, set_text, text_size_in

# Okabe and Ito, "Color Universal Design" (2008), the most visible on photographs first; black is left out.
PALETTE = ("#e69f00", "#56b4e9", "#009e73", "#d55e00", "#cc79a7", "#f0e442", "#0072b2")
HALO_OPACITY = 0.55
INK, PAPER, FAINT = (22, 27, 34), (255, 255, 255), (96, 105, 117)

Color = str | Sequence[int]


def draw_boxes(
    image: npt.ArrayLike,
    boxes: npt.ArrayLike,
    *,
    labels: Sequence[str | int] | npt.ArrayLike | None = None,
    scores: npt.ArrayLike | None = None,
    colors: Color | Sequence[Color] | Mapping[Any, Color] | None = None,
    width: int | None = None,
    fill: float = 0.0,
    opacity: float = 1.0,
    halo: bool = True,
    text_size: int | None = None,
    font: str | os.PathLike[str] | None = None,
) -> U1:
    """Draw boxes on a copy of an image, each with its label and score.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like
        Grey or RGB(A); uint8, uint16 or float in 0..1.
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels. Boxes partly outside are clipped to the image, boxes wholly outside are not
        drawn.
    labels : (N,) sequence of str or int, optional
        What each box is; equal labels get equal colours.
    scores : (N,) array_like, optional
        Written behind the label. Boxes of higher score are drawn over those of lower score (of equal score,
        the lower index above).
    colors : color, (N,) sequence of colors, or mapping from label to color, optional
        A color is "#rrggbb" or three integers of 0..255. By default labels take turns in a palette that
        colour-blind readers can tell apart: integers by their value, strings in sorted order.
    width : int, optional
        Of the lines, in pixels. By default it grows with the image: 1 to 320 px, 2 to 700 px, and so on.
    fill : float, default 0
        Opacity of the inside of each box, 0..1.
    opacity : float, default 1
        Opacity of the lines, 0..1. Small values show where many boxes meet.
    halo : bool, default True
        Whether lines have a thin dark edge, which keeps them visible on any ground.
    text_size : int, optional
        Height of the letters in pixels. By default it grows with the image.
    font : path, optional
        A TrueType or OpenType font, for scripts that the built-in Latin font lacks.

    Returns
    -------
    picture : (H, W, 3) uint8 ndarray
        16-bit and float images are brought to 8 bits, transparent ones laid on white.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract.
    OSError
        If ``font`` cannot be read.

    Notes
    -----
    Labels stand above their box, or inside or below it where there is no room or another label stands; a
    label wider than the image is shortened. Cost: the pixels of the lines, and O(N^2) for the places of N
    labels.

    References
    ----------
    M. Okabe and K. Ito, "Color Universal Design", 2008.

    Examples
    --------
    >>> import detutils, numpy as np
    >>> photo = np.full((90, 120, 3), 200, np.uint8)
    >>> picture = detutils.draw_boxes(photo, [[10, 30, 80, 85]], labels=["cup"], scores=[0.93])
    >>> picture.shape, bool((picture != photo).any())
    ((90, 120, 3), True)
    """
    canvas = _canvas(image)
    rows = as_boxes(boxes)
    names = None if labels is None else as_names(labels, "labels", rows.shape[0])
    points = None if scores is None else as_vector(scores, "scores", rows.shape[0])
    paints = _colors(colors, names, rows.shape[0])
    size = float(np.sqrt(canvas.shape[0] * canvas.shape[1]))
    line = max(1, round(size / 300)) if width is None else as_integer(width, "width", 1, 1000)
    fill = as_number(fill, "fill", 0.0, 1.0)
    opacity = as_number(opacity, "opacity", 0.0, 1.0)
    halo_width = max(1.0, line * 0.4) if as_flag(halo, "halo") else 0.0
    letters = max(10, round(size / 40)) if text_size is None else as_integer(text_size, "text_size", 4, 2000)

    order = np.arange(rows.shape[0]) if points is None else np.argsort(-points, kind="stable")[::-1]
    frames, seen = _frames(rows, canvas.shape[0], canvas.shape[1], line)
    order = order[seen[order]]
    radius = 1.5 * line + 0.5
    draw_frames(
        canvas, frames[order], paints[order], float(line), radius, halo_width, HALO_OPACITY, opacity, fill
    )
    if names is not None or points is not None:
        texts = _texts(names, points)
        typeface = load_font(font, letters)
        _write_tags(canvas, frames, paints, texts, order[::-1], typeface, letters)
    return canvas


def draw_segments(
    image: npt.ArrayLike,
    segments: npt.ArrayLike,
    *,
    style: Literal["mean", "distinct", "outline"] = "mean",
    outline: Color | None = "#ffffff",
    opacity: float = 1.0,
) -> U1:
    """Draw a segmentation: every segment in one colour, with outlines.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like
        The picture that was segmented; uint8, uint16 or float in 0..1.
    segments : (H, W) array_like of int
        The number of the segment of each pixel, as ``felzenszwalb`` returns it.
    style : {"mean", "distinct", "outline"}, default "mean"
        Fill each segment with its mean colour, with a colour of its own, or leave the image as it is.
    outline : color or None, default white
        "#rrggbb" or three integers of 0..255; None draws no outlines.
    opacity : float, default 1
        Opacity of the filling over the image, 0..1.

    Returns
    -------
    picture : (H, W, 3) uint8 ndarray

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract, or ``segments`` differs from the image in height or width.

    Notes
    -----
    Outlines are one pixel wide. O(H W log(H W)). The colours of "distinct" depend on the numbers
    of the segments only.

    Examples
    --------
    >>> import detutils, numpy as np
    >>> grey = np.array([[0, 20, 200, 220]], np.uint8)
    >>> detutils.draw_segments(grey, [[0, 0, 1, 1]], outline=None)[0, :, 0]
    array([ 10,  10, 210, 210], dtype=uint8)
    """
    canvas = _canvas(image)
    numbers = as_segments(segments, canvas.shape[:2])
    style = as_choice(style, "style", ("mean", "distinct", "outline"))
    opacity = as_number(opacity, "opacity", 0.0, 1.0)
    border = None if outline is None else as_color(outline, "outline")
    if style != "outline":
        which, index, count = np.unique(numbers, return_inverse=True, return_counts=True)
        index = index.reshape(-1)
        if style == "mean":
            sums = [np.bincount(index, canvas[..., channel].reshape(-1)) for channel in range(3)]
            colours = np.stack(sums, axis=1) / count[:, None]
        else:
            colours = _distinct(which)
        flat = colours[index].reshape(canvas.shape)
        canvas[...] = np.round(canvas + opacity * (flat - canvas)).astype(np.uint8)
    if border is not None:
        edge = np.zeros(numbers.shape, bool)
        for axis in (0, 1):
            ahead = np.diff(numbers, axis=axis) != 0
            here = (slice(None, -1), slice(None)) if axis == 0 else (slice(None), slice(None, -1))
            edge[here] |= ahead
        strength = 0.85 if style == "outline" else 0.5
        canvas[edge] = np.round(canvas[edge] * (1 - strength) + np.array(border) * strength).astype(np.uint8)
    return canvas


def draw_panels(
    pictures: Sequence[npt.ArrayLike],
    *,
    titles: Sequence[str] | None = None,
    heading: str | None = None,
    columns: int | None = None,
    height: int | None = None,
    font: str | os.PathLike[str] | None = None,
) -> U1:
    """Put several pictures on one sheet, each under its title.

    Parameters
    ----------
    pictures : sequence of (H, W), (H, W, 3) or (H, W, 4) array_like
        One or more images of any sizes and depths.
    titles : sequence of str, optional
        One for each picture; what does not fit its width is shortened. A second line, after a newline, is set
        smaller.
    heading : str, optional
        Above everything.
    columns : int, optional
        Pictures a row; by default all in one row up to three, else rows of two or three.
    height : int, optional
        To which every picture is scaled, in pixels. By default that of the highest picture.
    font : path, optional
        A TrueType or OpenType font, for scripts that the built-in Latin font lacks.

    Returns
    -------
    sheet : (H, W, 3) uint8 ndarray
        White between the pictures.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract, there is no picture, or the numbers of titles and pictures differ.
    OSError
        If ``font`` cannot be read.

    Notes
    -----
    Enlarging three times and more keeps pixels square, so that small patches can be studied. Cost: the
    sheet's pixels.

    Examples
    --------
    >>> import detutils, numpy as np
    >>> tiles = [np.full((60, 80), grey, np.uint8) for grey in (50, 150)]
    >>> sheet = detutils.draw_panels(tiles, titles=["before", "after"])
    >>> sheet.ndim, sheet.dtype
    (3, dtype('uint8'))
    """
    tiles = [_canvas(picture, f"pictures[{i}]") for i, picture in enumerate(pictures)]
    if not tiles:
        raise ValueError("pictures is empty")
    captions = None if titles is None else as_names(titles, "titles", len(tiles))
    row_height = max(tile.shape[0] for tile in tiles)
    if height is not None:
        row_height = as_integer(height, "height", 1, 100_000)
    per_row = _columns(len(tiles)) if columns is None else as_integer(columns, "columns", 1)
    if heading is not None and not isinstance(heading, str):
        raise TypeError(f"heading must be a string, got {type(heading).__name__}")

    tiles = [_scaled(tile, row_height) for tile in tiles]
    letters = max(12, round(row_height / 24))
    big, small = load_font(font, letters), load_font(font, max(10, round(letters * 0.78)))
    gap = max(8, round(row_height / 32))
    rows = [tiles[start : start + per_row] for start in range(0, len(tiles), per_row)]
    above = [0] * len(rows)
    if captions is not None:
        for r in range(len(rows)):
            two_lines = any("\n" in text for text in captions[r * per_row : (r + 1) * per_row])
            above[r] = round(letters * (2.3 if two_lines else 1.25) + gap * 0.45)
    wide = gap + max(sum(tile.shape[1] + gap for tile in row) for row in rows)
    title_font = load_font(font, round(letters * 1.4))
    head = 0 if heading is None else round(letters * 1.4 * 1.5)
    tall = head + gap + sum(above) + len(rows) * (row_height + gap)
    sheet = np.full((tall, wide, 3), PAPER, np.uint8)
    if heading is not None:
        text = fitted(title_font, heading, wide - 2 * gap)
        set_text(sheet, title_font, text, gap, gap * 0.9, INK)
    y = head + gap
    for r, row in enumerate(rows):
        x = gap
        for c, tile in enumerate(row):
            if captions is not None:
                first, _, second = captions[r * per_row + c].partition("\n")
                set_text(sheet, big, fitted(big, first, tile.shape[1]), x, y, INK)
                set_text(sheet, small, fitted(small, second, tile.shape[1]), x, y + letters * 1.25, FAINT)
            top = y + above[r]
            sheet[top : top + row_height, x : x + tile.shape[1]] = tile
            x += tile.shape[1] + gap
        y += above[r] + row_height + gap
    return sheet


# ---- parts -------------------------------------------------------------------------------------------------

def _canvas(image: Any, name: str = "image") -> U1:
    """A fresh (H, W, 3) uint8 copy."""
    pixels = as_image(image, name)
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        pixels = np.round(pixels * 255).astype(np.uint8)
    if pixels.ndim == 2:
        return np.repeat(pixels[:, :, None], 3, axis=2)
    if pixels.shape[2] == 4:
        alpha = pixels[:, :, 3:].astype(np.uint32)
        return ((pixels[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return pixels.copy()


def _colors(colors: Any, names: list[str] | None, count: int) -> U1:
    """One colour a box, (N, 3)."""
    if colors is None:
        colors = _palette_for(names) if names is not None else PALETTE[0]
    if isinstance(colors, Mapping):
        if names is None:
            raise ValueError("colors is a mapping from labels, and there are no labels")
        table = {str(key): as_color(value, f"colors[{key!r}]") for key, value in colors.items()}
        missing = [name for name in names if name not in table]
        if missing:
            raise ValueError(f"colors has no color for the label {missing[0]!r}")
        chosen = [table[name] for name in names]
    elif isinstance(colors, str) or _is_triple(colors):
        chosen = [as_color(colors, "colors")] * count
    else:
        if not isinstance(colors, (Sequence, np.ndarray)) or len(colors) != count:
            raise ValueError(f"colors must be one color or {count} colors, one for each box")
        chosen = [as_color(color, f"colors[{i}]") for i, color in enumerate(colors)]
    return np.array(chosen, np.uint8).reshape(count, 3)


def _palette_for(names: list[str]) -> dict[str, str]:
    words = sorted({name for name in names if not name.lstrip("-").isdecimal()})
    turns = {name: words.index(name) if name in words else int(name) for name in set(names)}
    return {name: PALETTE[turn % len(PALETTE)] for name, turn in turns.items()}


def _is_triple(colors: Any) -> bool:
    return np.ndim(colors) == 1 and len(colors) == 3 and not isinstance(colors[0], str)


def _frames(boxes: Any, height: int, width: int, line: int) -> tuple[Any, Any]:
    """Outer edges of the strokes on whole pixels inside the image, and which boxes are seen at all."""
    limit = np.array([width, height, width, height], np.float64)
    seen = (boxes[:, 0] < width) & (boxes[:, 1] < height) & (boxes[:, 2] > 0) & (boxes[:, 3] > 0)
    edges = np.round(np.clip(boxes, 0, limit))
    edges[:, :2] = np.maximum(edges[:, :2] - line // 2, 0)
    edges[:, 2:] = np.minimum(np.maximum(edges[:, 2:] + line // 2, edges[:, :2] + line), limit[:2])
    edges[:, :2] = np.maximum(np.minimum(edges[:, :2], edges[:, 2:] - line), 0)
    return edges, seen


def _texts(names: list[str] | None, points: Any) -> list[str]:
    if points is None:
        return list(names or [])
    unit = points.size == 0 or (points.min() >= 0 and points.max() <= 1)
    numbers = [f"{value:.2f}" if unit else f"{value:.3g}" for value in points.tolist()]
    if names is None:
        return numbers
    return [f"{name}  {number}" for name, number in zip(names, numbers)]


def _write_tags(
    canvas: U1, frames: Any, paints: U1, texts: list[str], order: Any, typeface: Any, letters: int
) -> None:
    """The best box first: each tag takes the first free place at its box; the best is drawn last."""
    height, width = canvas.shape[:2]
    pad = max(2, round(letters * 0.32))
    tall = letters + 2 * max(1, round(letters * 0.2))
    taken = np.empty((0, 4))
    placed = []
    for i in order:
        text = fitted(typeface, texts[i], width - 2 * pad)
        if not text or tall > height:
            continue
        wide = text_size_in(typeface, text) + 2 * pad
        x1, y1, x2, y2 = frames[i]
        left = float(np.clip(x1, 0, max(width - wide, 0)))
        right = float(np.clip(x2 - wide, 0, max(width - wide, 0)))
        above, below = y1 - tall, y2 - tall
        places = np.array([(left, above), (left, y1), (left, y2), (right, above), (right, y1), (left, below)])
        tags = np.hstack([places, places + (wide, tall)])
        tags = tags[(tags[:, 1] >= 0) & (tags[:, 3] <= height)]
        if not len(tags):
            continue
        across = np.minimum(tags[:, None, 2], taken[:, 2]) - np.maximum(tags[:, None, 0], taken[:, 0])
        down = np.minimum(tags[:, None, 3], taken[:, 3]) - np.maximum(tags[:, None, 1], taken[:, 1])
        hidden = (across.clip(0) * down.clip(0)).sum(axis=1)
        tag = tags[np.argmin(hidden)]
        taken = np.vstack([taken, tag])
        placed.append((i, tag, text))
    for i, tag, text in reversed(placed):
        ink = _ink_on(paints[i])
        draw_frames(canvas, tag[None], paints[i : i + 1], 0.0, letters * 0.18, 0.0, 0.0, 0.0, 1.0)
        set_text(canvas, typeface, text, tag[0] + pad, tag[1] + (tall - letters) / 2, ink)


def _ink_on(color: U1) -> tuple[int, int, int]:
    """Black or white, whichever contrasts more (WCAG 2, relative luminance)."""
    linear = (color / 255.0) ** 2.2
    luminance = float(linear @ np.array([0.2126, 0.7152, 0.0722]))
    return INK if luminance > 0.18 else PAPER


def _distinct(which: Any) -> Any:
    """A colour for each number: hues a golden angle apart, in three lightnesses."""
    hue = (which * 0.6180339887498949) % 1.0
    wheel = np.abs((hue[:, None] + np.array([0.0, 2 / 3, 1 / 3])) % 1.0 * 6 - 3) - 1
    light = np.array([0.95, 0.75, 0.55])[which % 3][:, None]
    return 255 * light * (0.35 + 0.65 * wheel.clip(0, 1))


def _columns(count: int) -> int:
    return count if count <= 3 else 2 if count == 4 else 3


def _scaled(tile: U1, height: int) -> U1:
    factor = height / tile.shape[0]
    if factor == 1:
        return tile
    from PIL import Image

    size = (max(1, round(tile.shape[1] * factor)), height)
    how = Image.Resampling.NEAREST if factor >= 3 else Image.Resampling.LANCZOS
    return np.array(Image.fromarray(tile).resize(size, how))
