"""Images as 8-bit RGB and their color spaces as planes of bytes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from threading import Event
from typing import Any

import numpy as np

from detutils import _validate
from detutils._jit import F4, U1
from detutils.proposals._kernels import colors as kernels

COLOR_SPACES = ("hsv", "lab", "rgi", "rgb", "hue", "gray")
SLICE = 1 << 21  # pixels a kernel may work on before Python hears about Ctrl-C


class Canceled(Exception):
    """Raised in a worker thread whose result nobody waits for any more."""


def slices(total: int, step: int, halt: Event | None = None) -> Iterator[tuple[int, int]]:
    """Ranges that cover 0 ... total; between two of them an interrupt is heard and ``halt`` is obeyed."""
    step = max(step, 1)
    for start in range(0, total, step):
        if halt is not None and halt.is_set():
            raise Canceled
        yield start, min(start + step, total)


def as_rgb(image: Any) -> U1:
    """Any image of the contract as (H, W, 3) bytes: gray repeated, alpha left out, values rounded."""
    image = _validate.as_image(image)
    if image.ndim == 3 and image.shape[2] == 4:
        image = image[:, :, :3]
    if image.dtype == np.uint16:
        image = (image.astype(np.uint32) + 128) // 257
    elif image.dtype.kind == "f":
        image = np.floor(image * image.dtype.type(255) + image.dtype.type(0.5))
    if image.ndim == 2:
        image = np.repeat(image[:, :, None], 3, axis=2)
    return np.ascontiguousarray(image, dtype=np.uint8)


def shrunk(rgb: U1, max_side: int | None, halt: Event | None = None) -> U1:
    """The image itself, or its area average with the longer side at ``max_side``."""
    height, width = rgb.shape[:2]
    if max_side is None or max(height, width) <= max_side:
        return rgb
    ratio = max_side / max(height, width)
    out = np.empty((max(round(height * ratio), 1), max(round(width * ratio), 1), 3), np.uint8)
    for start, stop in slices(out.shape[0], SLICE // max(4 * width * height // out.shape[0], 1), halt):
        kernels.shrink(rgb, out, start, stop)
    return out


def block_means(rgb: U1, factor: int, halt: Event | None = None) -> U1:
    """The image shrunk by a whole factor; blocks at the right and lower border may be smaller."""
    if factor == 1:
        return rgb
    out = np.empty((-(-rgb.shape[0] // factor), -(-rgb.shape[1] // factor), 3), np.uint8)
    for start, stop in slices(out.shape[0], SLICE // (factor * rgb.shape[1]), halt):
        kernels.block_means(rgb, factor, out, start, stop)
    return out


@cache
def _lab_tables() -> tuple[F4, F4]:
    """sRGB's inverse gamma, and the cube root of CIE L*a*b* with its straight start."""
    value = np.arange(256) / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    t = np.arange(kernels.LAB_STEPS) / (kernels.LAB_STEPS - 1.0)
    root = np.where(t > (6 / 29) ** 3, np.cbrt(t), t * (29 / 6) ** 2 / 3 + 4 / 29)
    return linear.astype(np.float32), root.astype(np.float32)


def planes_of(rgb: U1, space: str, halt: Event | None = None) -> U1:
    """(C, H, W) bytes, each channel over the full range 0 ... 255."""
    height, width = rgb.shape[:2]
    planes = np.empty((1 if space in ("hue", "gray") else 3, height, width), np.uint8)
    target = np.empty((3, height, width), np.uint8) if space == "hue" else planes
    for start, stop in slices(height, SLICE // width, halt):
        if space in ("hsv", "hue"):
            kernels.hsv_planes(rgb, target, start, stop)
        elif space == "lab":
            kernels.lab_planes(rgb, target, *_lab_tables(), start, stop)
        elif space == "rgi":
            kernels.rgi_planes(rgb, target, start, stop)
        elif space == "gray":
            kernels.gray_planes(rgb, target, start, stop)
        else:
            kernels.rgb_planes(rgb, target, start, stop)
    return target[:1].copy() if space == "hue" else planes
