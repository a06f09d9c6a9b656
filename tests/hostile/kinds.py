"""What a value stands for: the plain value that each kind of argument reads in an odd one, or ``INVALID``."""

from __future__ import annotations

import array
import collections
import contextlib
import os
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

MOST_NUMBERS = 1 << 24  # of a value that is to be answered; larger ones are views of a single number
INVALID = object()


def is_number(value: Any) -> bool:
    """A single real number: no truth value, no text, no date; an array without dimensions counts by its dtype."""
    if isinstance(value, (bool, np.bool_, np.timedelta64, np.datetime64, str, bytes, np.ma.MaskedArray)):
        return False
    if isinstance(value, (int, float, np.integer, np.floating, Fraction, Decimal)):
        return True
    plain = as_plain(value)
    return plain is not None and plain.ndim == 0 and plain.dtype.kind in "iuf"


def as_plain(value: Any) -> np.ndarray | None:
    """A NumPy array, or what offers to be one, as a plain array; None for everything else."""
    if isinstance(value, (np.ma.MaskedArray, type)) or getattr(value, "size", 0) > MOST_NUMBERS:
        return None
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    try:
        if hasattr(value, "__array__"):
            found = value.__array__()
        elif hasattr(value, "__dlpack__"):
            found = np.from_dlpack(value)
        elif isinstance(value, memoryview) and value.format == "B":
            return None
        elif isinstance(value, (array.array, memoryview, range)):
            found = np.asarray(value) if not isinstance(value, range) or len(value) < 1000 else None
        else:
            return None
    except Exception:
        return None
    return np.asarray(found) if isinstance(found, np.ndarray) and not isinstance(found, np.ma.MaskedArray) else None


def nested(value: Any, depth: int = 0) -> Any:
    """Lists of plain numbers as lists of Python's numbers; INVALID for anything else or for lists in themselves."""
    if depth > 6:
        return INVALID
    if isinstance(value, (list, tuple, collections.deque)):
        items = [nested(item, depth + 1) for item in value]
        return INVALID if any(item is INVALID for item in items) else items
    plain = as_plain(value)
    if plain is not None and plain.ndim:
        return nested(plain.tolist() if plain.dtype.kind in "iufO" else [None], depth + 1)
    if isinstance(value, (Fraction, Decimal)) or not is_number(value):
        return INVALID
    return int(value) if isinstance(value, (int, np.integer)) else float(value)


def numbers(value: Any) -> Any:
    """The float64 array (or that of large integers, which is refused for what it is) that a value stands for."""
    plain = as_plain(value)
    if plain is not None and plain.dtype.kind in "iuf":
        if plain.dtype.kind in "iu" and plain.size and max(abs(int(plain.max())), abs(int(plain.min()))) > 2**53:
            return plain
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(plain, np.float64).reshape(plain.shape)
    if plain is not None and (plain.dtype.kind != "O" or plain.ndim == 0):
        return INVALID
    items = nested(plain.tolist() if plain is not None else value)
    if items is INVALID:
        return INVALID
    try:
        found = np.array(items)
    except (ValueError, OverflowError):
        return INVALID
    if found.dtype.kind not in "iuf":
        return INVALID
    return numbers(found)


def labels(value: Any) -> Any:
    found = numbers(value)
    if found is INVALID or found.size == 0 or found.ndim != 1:
        return found
    if found.dtype.kind == "f":
        if not np.isfinite(found).all() or (np.rint(found) != found).any() or np.abs(found).max() > 2**53:
            return INVALID
        plain = as_plain(value)
        return found.astype(np.int64) if plain is None or plain.dtype.kind != "i" else plain.astype(np.int64)
    return found if found.dtype == np.uint64 and int(found.max()) > 2**63 - 1 else found.astype(np.int64)


def indices(value: Any) -> Any:
    found = numbers(value)
    if found is INVALID or found.size == 0:
        return found
    plain = as_plain(value)
    whole = (
        plain.dtype.kind in "iu"
        if plain is not None and plain.dtype.kind != "O"
        else np.array(nested(plain.tolist() if plain is not None else value)).dtype.kind in "iu"
    )
    return (
        (labels(value) if found.ndim == 1 or found.dtype == np.uint64 else found.astype(np.int64)) if whole else INVALID
    )


def flags(value: Any) -> Any:
    plain = as_plain(value)
    if plain is None and isinstance(value, (list, tuple)) and all(isinstance(i, (bool, np.bool_)) for i in value):
        return np.array(value, bool)
    if plain is not None and plain.dtype.kind == "O" and plain.ndim:
        plain = np.array(plain.tolist()) if {*map(type, plain.flat)} <= {bool, np.bool_} else None
    if plain is not None and plain.size == 0 and plain.dtype.kind in "biufO":
        return np.zeros(plain.shape, bool)
    return INVALID if plain is None or plain.dtype.kind != "b" else np.ascontiguousarray(plain)


def marks(value: Any) -> Any:
    """Flags, also as 0 and 1."""
    found = flags(value)
    whole = indices(value) if found is INVALID and not isinstance(value, range) else INVALID
    return found if whole is INVALID or not np.isin(whole, (0, 1)).all() else whole.astype(bool)


def number(value: Any) -> Any:
    if not is_number(value):
        return INVALID
    plain = as_plain(value)
    try:
        return float(value if plain is None else plain[()])
    except (OverflowError, ValueError):
        return INVALID


def integer(value: Any) -> Any:
    if not is_number(value) or isinstance(value, (float, np.floating, Fraction, Decimal)):
        return INVALID
    plain = as_plain(value)
    return int(value if plain is None else plain[()]) if plain is None or plain.dtype.kind in "iu" else INVALID


def sequence(value: Any) -> list[Any] | None:
    plain = as_plain(value)
    if plain is not None:
        return list(plain) if plain.ndim and len(plain) < 1000 else None
    return list(value) if isinstance(value, (list, tuple, collections.deque)) else None


def few_numbers(value: Any) -> Any:
    """A pair or quadruple of numbers."""
    items = sequence(value)
    found = [INVALID] if items is None or len(items) > 8 else [number(item) for item in items]
    return INVALID if any(item is INVALID for item in found) else tuple(found)


def few_integers(value: Any) -> Any:
    items = sequence(value)
    found = [INVALID] if items is None or len(items) > 8 else [integer(item) for item in items]
    return INVALID if any(item is INVALID for item in found) else tuple(found)


def stride(value: Any) -> Any:
    return number(value) if is_number(value) else few_numbers(value)


def side_or_sides(value: Any) -> Any:
    """An integer, or a few of them."""
    return integer(value) if is_number(value) else few_integers(value)


def flag(value: Any) -> Any:
    return bool(value) if isinstance(value, (bool, np.bool_)) else INVALID


def word(value: Any) -> Any:
    return str(value) if isinstance(value, str) else INVALID


def path(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, (str, Path)) else INVALID


def names(value: Any) -> Any:
    """Words or whole numbers."""
    items = sequence(value)
    if items is None or isinstance(value, memoryview):
        return INVALID
    found = []
    for item in items:
        if isinstance(item, str):
            found.append(str(item))
        elif isinstance(item, (int, np.integer)) and is_number(item) and abs(int(item)) < 2**64:
            found.append(str(int(item)))
        elif isinstance(item, (float, np.floating)) and abs(item) <= 2**53 and item == int(item):
            found.append(str(int(item)))
        else:
            return INVALID
    return found


def names_or_ids(value: Any) -> Any:
    """Words, and whole numbers that stay numbers."""
    items = sequence(value)
    found = [INVALID] if items is None else [item if isinstance(item, str) else integer(item) for item in items]
    return INVALID if any(item is INVALID for item in found) else found


def image(value: Any) -> Any:
    """8 or 16 bits without a sign, or floats; the dtype matters."""
    plain = as_plain(value)
    if plain is None and isinstance(value, (list, tuple)) and nested(value) is not INVALID:
        with contextlib.suppress(ValueError):
            plain = np.asarray(value)
    if plain is not None and plain.dtype.kind == "O" and nested(plain) is not INVALID:
        plain = np.array(plain.tolist())
    if plain is None or plain.dtype.kind not in "uf":
        return INVALID
    return np.ascontiguousarray(plain, plain.dtype.newbyteorder("=")).reshape(plain.shape)


def nothing(value: Any) -> Any:
    """Values of no kind: only those that the table names."""
    return INVALID
