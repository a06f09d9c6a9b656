"""Several pictures on one sheet, each under its title."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from detutils._jit import U1
from detutils._validate import as_integer, as_items, as_names, check_memory
from detutils.pictures.text import FAINT, INK, PAPER, as_canvas, fitted, load_font, set_text, warn_of_lacking


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
        smaller. Pillow's built-in typeface has the printable ASCII characters and a few signs
        (©«°±´·»‘’“”…‹›⁄™), no accents and no other scripts: those need ``font``.
    heading : str, optional
        Above everything.
    columns : int, optional
        Pictures a row; by default all in one row up to three, else rows of two or three.
    height : int, optional
        To which every picture is scaled, in pixels. By default that of the highest picture.
    font : path, optional
        A TrueType or OpenType font, for characters that the built-in one lacks.

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

    Warns
    -----
    UserWarning
        Once a call, if the typeface lacks characters of the titles or the heading. It names them.

    Notes
    -----
    Enlarging three times and more keeps pixels square, so that small patches can be studied. Cost: the
    sheet's pixels.

    Examples
    --------
    >>> import detutils, numpy as np
    >>> tiles = [np.full((60, 80), gray, np.uint8) for gray in (50, 150)]
    >>> sheet = detutils.draw_panels(tiles, titles=["before", "after"])
    >>> sheet.ndim, sheet.dtype
    (3, dtype('uint8'))
    """
    images = as_items(pictures, "pictures", "a sequence of images")
    tiles = [as_canvas(picture, f"pictures[{i}]") for i, picture in enumerate(images)]
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
    warn_of_lacking(big, [*(captions or []), heading or ""])
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


def _columns(count: int) -> int:
    return count if count <= 3 else 2 if count == 4 else 3


def _scaled(tile: U1, height: int) -> U1:
    factor = height / tile.shape[0]
    if factor == 1:
        return tile
    from PIL import Image

    size = (max(1, round(tile.shape[1] * factor)), height)
    check_memory(3 * size[0] * size[1], f"a picture scaled to {height} x {size[0]} pixels")
    how = Image.Resampling.NEAREST if factor >= 3 else Image.Resampling.LANCZOS
    return np.array(Image.fromarray(tile).resize(size, how))
