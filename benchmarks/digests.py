"""What tells an answer from another, handed to a hash byte for byte; and a value in a few words."""

from __future__ import annotations

import collections
import os
import re
from collections.abc import Callable
from typing import Any

import numpy as np

FITTED = ("classes_", "n_samples_", "coef_", "intercept_", "target_mean_", "target_map_", "feature_scale_")
# What changes from run to run or with a module's place: folders, addresses, free memory, dotted names.
VARYING = re.compile(r"[^\s'\"]*/(?:recording|detutils)_\w{8}|\b0x\w{6,}|\d\S* GiB are|(?<=\bdetutils\.)(\w+\.)+")


def attempt(function: Callable[..., Any], *args: Any) -> Any:
    """What a function returns, or its error."""
    try:
        return function(*args)
    except Exception as error:
        return error


def feed(add: Callable[[bytes], object], value: Any) -> None:
    """Hand all that tells a value from another to a hash."""
    kind = type(value).__name__
    if isinstance(value, np.ma.MaskedArray):
        value = [np.ma.getmaskarray(value), value.data]
    elif isinstance(value, np.ndarray | np.generic):
        plain = value.astype(str) if value.dtype.char in "gG" else value  # long doubles have bytes that say nothing
        value = [value.dtype.str, value.shape, value.tolist() if value.dtype.hasobject else plain.tobytes()]
    elif isinstance(value, BaseException):
        value = [str(value), getattr(value, "__notes__", [])]
    elif isinstance(value, np.random.Generator):
        value = value.bit_generator.state
    elif hasattr(value, "get_lines"):  # a plot
        value = [(line.get_xydata(), line.get_label(), line.get_drawstyle()) for line in value.get_lines()]
    elif kind == "Detections" and not isinstance(value, tuple):  # as the tuple that it once was
        first = collections.namedtuple("Detections", "boxes scores labels sizes")(*value)
        value = [first, value.columns] if value.columns else first
    elif kind in ("BoxRegressor", "RCNN"):
        value = [(name, attempt(getattr, value, name)) for name in sorted({*vars(value), *FITTED}) if name[0] != "_"]
    if isinstance(value, tuple | list | dict):
        add(f"{kind} {len(value)} {getattr(value, '_fields', '')};".encode())
        for item in value.items() if isinstance(value, dict) else value:
            feed(add, item)
    else:
        plain = isinstance(value, str | int | float | complex | set | os.PathLike)
        text = VARYING.sub("~", repr(value)) if plain else ""
        add(f"{kind} {text};".encode() + (value if isinstance(value, bytes) else b""))


def told(value: Any) -> str:
    """A value in a few words."""
    with np.printoptions(threshold=4, edgeitems=1, precision=4):
        text = f"{type(value).__name__}: {value}" if isinstance(value, Exception) else repr(value)
    return VARYING.sub("~", " ".join(text[:1000].split()))[:240]
