"""Images, their segmentations and colors."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from detutils._jit import I8
from detutils._validate.arrays import FLOAT32, FLOAT64, INT64, Array, as_array, in_canonical_form
from detutils._validate.values import as_integer, as_items_of, shown


def as_color(value: Any, name: str = "color") -> tuple[int, int, int]:
    """A color, "#rrggbb" or three integers of 0..255, as (red, green, blue)."""
    if isinstance(value, str):
        digits = value[1:] if value.startswith("#") else ""
        if len(digits) != 6 or not set(digits) <= set("0123456789abcdefABCDEF"):
            raise ValueError(f"{name} must look like '#rrggbb', got {shown(value)}")
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    wanted = "'#rrggbb' or three integers of 0..255"
    try:
        items = as_items_of(value, name, wanted, 3)
    except ValueError:  # of another length
        raise TypeError(f"{name} must be {wanted}, got {shown(value)}") from None
    red, green, blue = (as_integer(part, name, 0, 255) for part in items)
    return red, green, blue


def as_segments(segments: Any, shape: tuple[int, ...], name: str = "segments") -> I8:
    """The number of each pixel's segment: (H, W) integers of an image's height and width."""
    array = as_array(segments, name)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got dtype {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"{name} must have the image's shape {shape}, got {array.shape}")
    return in_canonical_form(array, INT64, name)


def as_image(image: Any, name: str = "image") -> Array:
    """(H, W), (H, W, 3) or (H, W, 4) of uint8, uint16, or float32/float64 in 0..1; its dtype and channels are kept."""
    if image is None:
        raise TypeError(f"{name} must be an array, got None (did reading the file fail?)")
    if isinstance(image, (str, bytes, os.PathLike)):
        raise TypeError(f"{name} must be an array, got {type(image).__name__}: read the file first")
    array = as_array(image, name) if not isinstance(image, np.ndarray) or image.dtype.kind != "b" else image
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ValueError(f"{name} must have shape (H, W), (H, W, 3) or (H, W, 4), got {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} is empty: {array.shape}")
    if array.dtype.kind == "f":
        dtype = FLOAT64 if array.dtype.itemsize >= 8 else FLOAT32
        array = in_canonical_form(array, dtype, name)
        low, high = float(array.min()), float(array.max())
        if not (low >= 0.0 and high <= 1.0):
            span = "NaN" if math.isnan(low) else f"{low:g}..{high:g}"
            raise ValueError(f"{name} of floats must lie in 0..1, got {span}")
        return array
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        return in_canonical_form(array, array.dtype.newbyteorder("="), name)
    raise ValueError(f"{name} must be uint8, uint16 or float in 0..1, got {array.dtype}")
