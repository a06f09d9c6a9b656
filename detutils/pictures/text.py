"""What pictures are drawn on: 8-bit RGB copies of images, and text set smoothly on any ground."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from detutils._jit import U1
from detutils._validate import as_image, as_path

Color = str | Sequence[int]  # "#rrggbb", or three integers of 0..255
INK, PAPER, FAINT = (22, 27, 34), (255, 255, 255), (96, 105, 117)
ELLIPSIS = "…"
NOBODY = "\U0010fffd"  # a private character, for which typefaces show what they show for those that they lack


def as_canvas(image: Any, name: str = "image") -> U1:
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


def load_font(font: str | os.PathLike[str] | None, size: int) -> Any:
    """Pillow's built-in typeface, or the one of a file, at a height in pixels."""
    try:
        from PIL import ImageFont
    except ImportError as error:
        raise ImportError(f"text in pictures is set by Pillow (pip install pillow): {error}") from error
    if font is None:
        return ImageFont.load_default(size)
    file = as_path(font, "font")
    try:
        return ImageFont.truetype(str(file), size)
    except OSError as error:
        raise OSError(f"{file} cannot be read as a font: {error}") from error


def warn_of_lacking(font: Any, texts: Iterable[str]) -> None:
    """Warn the caller's caller, once, of the characters that a typeface shows as boxes or blanks."""
    characters = {character for text in texts for character in text} - {" ", "\n"}
    sign = _shape_of(font, NOBODY)
    lacking = sorted(character for character in characters if _shape_of(font, character) == sign)
    if lacking:
        shown = ", ".join(map(repr, lacking[:10])) + (f" and {len(lacking) - 10} more" if lacking[10:] else "")
        warnings.warn(f"the typeface lacks {shown}: name a font that has them by font=", stacklevel=3)


def _shape_of(font: Any, character: str) -> tuple[Any, bytes, float]:
    mask = font.getmask(character)
    return mask.size, bytes(mask), font.getlength(character)


def text_size_in(font: Any, text: str) -> int:
    """The width of one line of text in pixels."""
    return int(np.ceil(font.getlength(text)))


def fitted(font: Any, text: str, width: float) -> str:
    """The text in one line, shortened with an ellipsis to a width; empty if not even that fits."""
    text = " ".join(text.split("\n")) if "\n" in text else text
    if text_size_in(font, text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        if text_size_in(font, text[:middle].rstrip() + ELLIPSIS) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + ELLIPSIS if low else ""


def set_text(canvas: U1, font: Any, text: str, x: float, y: float, ink: tuple[int, int, int]) -> None:
    """Blend a line of text into the canvas, the top of its line box at (x, y); the rest is cut off."""
    if not text.strip():
        return
    from PIL import Image, ImageDraw

    x, y = round(x), round(y)
    size = getattr(font, "size", 10)
    patch = Image.new("L", (text_size_in(font, text) + 4, round(size * 1.6) + 2))
    # Capitals of the built-in face are 0.7 of its size: their middle goes to the middle of the line box.
    ascent = round(size * 0.5 + size * 0.35)
    anchor = "ls" if hasattr(font, "getmetrics") else None
    ImageDraw.Draw(patch).text((0, ascent) if anchor else (0, 0), text, 255, font, anchor)
    cover = np.asarray(patch, np.float64)[:, :, None] / 255
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + cover.shape[0], canvas.shape[0]), min(x + cover.shape[1], canvas.shape[1])
    if top >= bottom or left >= right:
        return
    cover = cover[top - y : bottom - y, left - x : right - x]
    ground = canvas[top:bottom, left:right]
    ground[...] = np.round(ground + cover * (np.array(ink, np.float64) - ground)).astype(np.uint8)
