"""Every argument of every public name, driven with hostile and with odd but valid values.

One table (``entries``) names the arguments and their kinds, one list (``values_for``) the values. A cell is a value in
the place of one argument, all others being good. What must come of it is told by an oracle that shares nothing with
the package: each kind (``numbers``, ``labels``, ``integer`` ...) is a function that says which plain value an odd one
stands for, if any. A value that stands for one must be answered exactly as that one; every other must be refused with
a built-in exception whose text names the argument.

``python -m tests.hostile`` judges every cell; ``--deep`` in a process of its own, so that crashes and hangs count too.
"""

from __future__ import annotations

import argparse
import array
import collections
import contextlib
import importlib.util
import io
import itertools
import json
import math
import multiprocessing
import os
import re
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import detutils
from detutils._jit import CacheWarning
from tests.cases import GOOD_FORMS, OnlyArray, OnlyDLPack

REFUSALS = (TypeError, ValueError, MemoryError, OSError)
FAULTS = ("silent wrong", "accepted invalid", "obscure", "valid refused", "crash", "hang")
MOST_NUMBERS = 1 << 24  # of a value that is to be answered; larger ones are views of a single number
MOST_SECONDS = 60  # for one cell of the deep form


# ---- what a value stands for -----------------------------------------------------------------------------------------

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


# ---- values ----------------------------------------------------------------------------------------------------------


class Tensor:
    """A foreign array that turns into whatever it is asked for, as torch's tensors on the CPU do."""

    def __init__(self, value: Any) -> None:
        self.value = np.asarray(value)

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.value if dtype is None else self.value.astype(dtype)

    def __float__(self) -> float:
        return float(self.value)

    def __index__(self) -> int:
        return int(self.value)

    __int__ = __index__

    def __bool__(self) -> bool:
        return bool(self.value)

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, key: Any) -> Tensor:
        return Tensor(self.value[key])

    def __iter__(self) -> Iterator[Tensor]:
        return map(Tensor, self.value)


class Column(Tensor):
    """A table's column whose rows have names: an integer in brackets is one of them and no place."""

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, slice):
            raise KeyError(key)
        return Column(self.value[key])


class Moody:
    """Raises what it likes whenever it is touched."""

    def _raise(self, *arguments: Any, **options: Any) -> Any:
        raise RuntimeError("not on this device")

    __array__ = __float__ = __index__ = __int__ = __repr__ = __str__ = __len__ = __iter__ = __getitem__ = _raise
    __fspath__ = _raise


class NotAvailable:
    """The mark that tables leave where a value is missing."""

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")

    def __eq__(self, other: object) -> Any:
        return self

    __hash__ = None  # type: ignore[assignment]


class Text(str):
    """A string of another type."""


def _itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def _itself_twice() -> list[Any]:
    value: list[Any] = []
    value.extend([value, value])
    return value


def hostile_scalars() -> dict[str, Any]:
    structured = np.zeros((), [("a", "f8"), ("b", "i4")])
    return {
        "None": None,
        "True": True,
        "False": False,
        "np.True_": np.True_,
        "np.False_": np.False_,
        "0-d bool": np.array(True),
        "0-d text": np.array("0.5"),
        "0-d text 1": np.array("1"),
        "0-d bytes": np.array(b"1"),
        "0-d None": np.array(None),
        "0-d object .5": np.array(0.5, object),
        "0-d object 1": np.array(1, object),
        "0-d float": np.array(0.5),
        "0-d int": np.array(1),
        "0-d int8": np.array(4, np.int8),
        "0-d complex": np.array(1j),
        "0-d date": np.array("2020", "M8[D]"),
        "0-d record": structured,
        "0-d big-endian": np.array(0.5, ">f8"),
        "0-d masked": np.ma.array(0.5),
        "masked": np.ma.masked,
        "tensor True": Tensor(True),
        "tensor 1": Tensor(1),
        "tensor .5": Tensor(0.5),
        "tensor text": Tensor("1"),
        "only array .5": OnlyArray(np.array(0.5)),
        "only array True": OnlyArray(np.array(True)),
        "only dlpack .5": OnlyDLPack(np.array(0.5)),
        "only dlpack 1": OnlyDLPack(np.array(1)),
        "text .5": "0.5",
        "text 1": "1",
        "empty text": "",
        "text": Text("iou"),
        "np.str_": np.str_("1"),
        "bytes": b"1",
        "bytearray": bytearray(b"1"),
        "memoryview": memoryview(b"1"),
        "byte array": array.array("B", b"1"),
        "long text": "a" * 100_000,
        "nul": "a\0b",
        "half a pair": "\ud800",
        "0": 0,
        "1": 1,
        "2": 2,
        "3": 3,
        "4": 4,
        "-1": -1,
        "int8 4": np.int8(4),
        "int8 1": np.int8(1),
        "uint8 1": np.uint8(1),
        "int64 8": np.int64(8),
        "uint64 max": np.uint64(2**64 - 1),
        "2**31": 2**31,
        "2**53": 2**53,
        "2**53 + 1": 2**53 + 1,
        "2**63 - 1": 2**63 - 1,
        "2**63": 2**63,
        "-2**63": -(2**63),
        "2**64": 2**64,
        "10**400": 10**400,
        "-10**400": -(10**400),
        "0.0": 0.0,
        "-0.0": -0.0,
        "0.5": 0.5,
        "1.0": 1.0,
        "2.5": 2.5,
        "float16": np.float16(0.5),
        "float32": np.float32(0.5),
        "longdouble": np.longdouble("0.5"),
        "long 1e4000": np.longdouble("1e4000"),
        "5e-324": 5e-324,
        "-5e-324": -5e-324,
        "1e-300": 1e-300,
        "1e150": 1e150,
        "1e300": 1e300,
        "largest": 1.7976931348623157e308,
        "1e400": 1e400,
        "-1e400": -1e400,
        "nan": math.nan,
        "np nan": np.float32("nan"),
        "1 / 2": Fraction(1, 2),
        "10**400 / 3": Fraction(10**400, 3),
        "decimal": Decimal("0.5"),
        "decimal nan": Decimal("NaN"),
        "decimal snan": Decimal("sNaN"),
        "1j": 1j,
        "complex64": np.complex64(1),
        "date": np.datetime64("2020"),
        "delta": np.timedelta64(1),
        "record": structured[()],
        "object": object(),
        "class": np.ndarray,
        "own class": Tensor,
        "function": len,
        "method": str.upper,
        "module": math,
        "Ellipsis": ...,
        "NotImplemented": NotImplemented,
        "slice": slice(1),
        "moody": Moody(),
        "NA": NotAvailable(),
        "dtype": np.dtype(float),
        "error": ValueError("x"),
    }


def hostile_collections() -> dict[str, Any]:
    whole = np.arange(20.0).reshape(5, 4)
    nan = whole.copy()
    nan[3, 1] = math.nan
    inf = whole[:, 0].copy()
    inf[2] = math.inf
    return {
        "[]": [],
        "()": (),
        "[[]]": [[]],
        "[1]": [1],
        "[.5]": [0.5],
        "[1, 1]": [1, 1],
        "[.5, .5]": (0.5, 0.5),
        "[None]": [None],
        "[True]": [True],
        "[True, 1]": [True, 1],
        "[[True, 0, 1, 1]]": [[True, 0, 1, 1]] * 5,
        "texts": ["0", "1", "2", "3", "4"],
        "bytes": [b"0"] * 5,
        "text and number": ["0", 1, 2, 3, 4],
        "itself": _itself(),
        "itself twice": _itself_twice(),
        "deep": json.loads("[" * 70 + "1" + "]" * 70),
        "ragged": [[0, 0, 1, 1], [0, 0]],
        "a list and a number": [[0, 0, 1, 1], 3],
        "10**400": [10**400, 0.5],
        "2**80": [[0, 0, 1, 2**80]],
        "2**53 + 1": np.array([[0, 0, 1, 2**53 + 1]] * 5),
        "uint64": np.full(5, 2**64 - 1, np.uint64),
        "{}": {},
        "dict": {"a": 1},
        "dict of lists": {"boxes": [[0, 0, 1, 1]]},
        "set": {1, 2},
        "frozenset": frozenset([1]),
        "generator": "a generator",
        "iterator": "an iterator",
        "map": "a map",
        "keys": {1: 2}.keys(),
        "range": range(5),
        "endless range": range(10**13),
        "absurd range": range(10**30),
        "deque": collections.deque([1, 2]),
        "masked": np.ma.array(whole, mask=whole > 9),
        "masked vector": np.ma.zeros(5),
        "masked bool": np.ma.zeros(5, bool),
        "a masked entry": [np.ma.masked, 1.0, 1.0, 1.0, 1.0],
        "masked rows": [np.ma.array(row, mask=row > 9) for row in whole],
        "complex": whole * 1j,
        "complex vector": whole[:, 0] + 0j,
        "dates": np.zeros(5, "M8[s]"),
        "deltas": np.zeros((5, 4), "m8[s]"),
        "delta objects": np.array([np.timedelta64(1)] * 5, object),
        "record array": np.zeros(5, [("x", "f8"), ("y", "f8")]),
        "text array": np.array(["0"] * 5),
        "bytes array": np.array([b"0"] * 5),
        "strings": np.array(["0"] * 5, np.dtypes.StringDType()),
        "bool array": np.ones(5, bool),
        "bool boxes": np.ones((5, 4), bool),
        "None array": np.array([None] * 5),
        "NA array": np.array([0.5, NotAvailable(), 0.5, 0.5, 0.5], object),
        "bools in objects": np.array([True, 1, 2, 3, 4], object),
        "texts in objects": np.array(["a", 1, 2, 3, 4], object),
        "decimals": np.array([Decimal("1")] * 5),
        "lists in objects": np.array([[1, 2], None, [3]], object),
        "huge in objects": np.array([2**80, 1, 2, 3, 4], object),
        "0-d list": np.array({}),
        "nan boxes": nan,
        "inf vector": inf,
        "reversed box": [[9, 9, 1, 1]] * 5,
        "too far": np.full((5, 4), 1e200),
        "0 rows": np.zeros((0, 4)),
        "no columns": np.zeros((5, 0)),
        "empty": np.zeros(0),
        "empty ints": np.zeros(0, int),
        "empty texts": np.zeros(0, "U1"),
        "empty bools": np.zeros(0, bool),
        "empty objects": np.zeros(0, object),
        "3-D": np.zeros((5, 4, 3)),
        "4-D": np.zeros((1, 5, 4, 1)),
        "5 columns": np.zeros((5, 5)),
        "a column": np.zeros((5, 1)),
        "4": np.zeros(4),
        "5": np.zeros(5),
        "5 x 4": whole,
        "5 ints": np.arange(5),
        "halves": np.arange(5) / 2,
        "endless rows": np.broadcast_to(0.0, (2**33, 4)),
        "endless vector": np.broadcast_to(np.float32(0), (2**35,)),
        "endless ints": np.broadcast_to(1, (2**35,)),
        "endless bools": np.broadcast_to(True, (2**37,)),
        "endless image": np.broadcast_to(np.uint8(0), (2**19, 2**19)),
        "same row": np.broadcast_to(np.array([0.0, 0, 5, 5]), (5, 4)),
        "matrix": np.asmatrix(whole) if False else whole.view(_Matrix),
        "tensor": Tensor(whole),
        "tensor bools": Tensor(np.ones(5, bool)),
        "tensor texts": Tensor(np.array(["0"] * 5)),
        "column": Column(np.arange(5)),
        "column NA": Column(np.array([1, NotAvailable(), 2, 3, 4], object)),
        "moody items": [Moody()] * 5,
        "arrays of several lengths": [np.zeros((2, 4)), np.zeros((3, 4))],
    }


class _Matrix(np.ndarray):
    """An array of another class, whose own arithmetic is not to be trusted."""

    def __array_finalize__(self, other: Any) -> None:
        pass

    def __mul__(self, other: Any) -> Any:
        raise RuntimeError("never ask a subclass")

    __add__ = __sub__ = __lt__ = __gt__ = __le__ = __ge__ = __mul__  # type: ignore[assignment]


def _tables() -> Any:
    try:
        import pandas
    except ImportError:
        return None
    return pandas


def _forms(value: Any) -> dict[str, Any]:
    """Odd but valid ways to write a good value of an array."""
    good = np.asarray(value)
    forms: dict[str, Any] = {}
    if good.dtype.kind in "iufb" and good.ndim:
        for name, wrap in GOOD_FORMS.items():
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                made = wrap(good)
                plain = as_plain(made)
                if plain is None or np.array_equal(plain, good):  # what holds these numbers exactly
                    forms[f"form {name}"] = made
        forms["form subclass"] = good.view(_Matrix)
        forms["form tensor"] = Tensor(good)
        forms["form objects"] = good.astype(object)
        forms["form NumPy's objects"] = np.array([*map(good.dtype.type, good.flat)], object).reshape(good.shape)
        forms["form list of arrays"] = list(good)
        forms["form column"] = Column(good) if good.ndim == 1 else good.tolist()
        if good.dtype.kind != "b":
            forms["form whole and float objects"] = np.array(
                [int(v) if v == int(v) else v for v in good.ravel().tolist()], object
            ).reshape(good.shape)
        if good.ndim == 1 and good.dtype.kind in "if":
            forms["form array.array"] = array.array("d" if good.dtype.kind == "f" else "q", good.tolist())
            forms["form memoryview"] = memoryview(np.ascontiguousarray(good))
        tables = _tables()
        if tables is not None and good.ndim <= 2:
            make = tables.Series if good.ndim == 1 else tables.DataFrame
            forms["form table"] = make(good, index=range(7, 7 + len(good)))
            nullable = {"f": "Float64", "i": "Int64", "u": "UInt64", "b": "boolean"}[good.dtype.kind]
            forms["form nullable table"] = make(good, index=range(7, 7 + len(good))).astype(nullable)
            if good.ndim == 1:
                forms["form nullable column"] = tables.array(good.tolist(), dtype=nullable)
    return forms


def values_for(good: Any, kind: Callable[[Any], Any]) -> Iterator[tuple[str, Any]]:
    """(name, value) of every cell of an argument whose good value is ``good``."""
    yield from hostile_scalars().items()
    for name, value in hostile_collections().items():
        if isinstance(value, str) and value.startswith("a"):  # used up by each call: made anew
            rows = [[0.0, 0.0, 5.0, 5.0]] * 5
            value = {"a generator": (row for row in rows), "an iterator": iter(rows), "a map": map(list, rows)}.get(
                value, value
            )
        yield f"{name}, several", value
    if kind in (numbers, labels, indices, flags, marks, image, few_numbers, few_integers):
        yield from _forms(good).items()
    if kind is number and isinstance(good, (int, float)):
        for wrap in (
            np.float64,
            np.float32,
            np.float16,
            np.longdouble,
            np.array,
            Tensor,
            Fraction,
            OnlyDLPack,
            OnlyArray,
        ):
            given = np.array(good) if wrap in (OnlyDLPack, OnlyArray) else good
            yield f"as {wrap.__name__}", wrap(given)
    if kind is integer:
        for wrap in (np.int64, np.int8, np.uint16, np.array, Tensor):
            yield f"as {wrap.__name__}", wrap(min(good, 100))
        yield "as big-endian", np.array(good, ">i8")
    if kind is word:
        yield "as np.str_", np.str_(good)
        yield "as Text", Text(good)


# ---- the table -------------------------------------------------------------------------------------------------------


class Argument(NamedTuple):
    good: Any
    kind: Callable[[Any], Any]
    optional: bool = False  # None is a value of it
    called: bool = False  # a function is a value of it
    words: tuple[str, ...] = ()  # one of which an error's text may hold instead of its name
    taken: tuple[str, ...] = ()  # names of odd values that are good ones


class Entry(NamedTuple):
    name: str
    function: Callable[..., Any]
    arguments: dict[str, Argument]
    slow: bool = False  # some milliseconds a call


BOXES = np.array([[0, 0, 10, 10], [2, 1, 12, 9], [30, 20, 60, 50], [31, 20, 60, 52], [5, 40, 25, 60]], np.float64)
OTHERS = np.array([[1, 0, 10, 12], [28, 20, 58, 50], [0, 40, 30, 60]], np.float64)
SCORES = np.array([0.5, 0.875, 0.25, 0.75, 0.5])
LABELS = np.array([0, 1, 0, 0, 1])
DELTAS = np.array([[0, 0.5, 0, 0.25]] * 5)
FLAGS = np.array([True, False, True])
PICTURE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
SIZE = (64, 80)
WEIGHTS = (1.0, 2.0, 1.0, 2.0)
NONE = np.zeros(3, bool)
IMAGE = detutils.AnnotatedImage("a.png", SIZE, OTHERS, LABELS[:3], NONE, NONE, NONE, np.array([8.0, 9, 7]), 1)
DATASET = detutils.Dataset([IMAGE], ("cat", "dog"), (1, 2))
FOUND = detutils.Detections(BOXES, SCORES, LABELS)
FEATURES = np.arange(20.0).reshape(5, 4) % 7


def A(
    good: Any, kind: Callable[[Any], Any], *words: str, optional: bool = False, called: bool = False, taken: str = ""
) -> Argument:
    return Argument(good, kind, optional, called, words, tuple(taken.split("|")))


OFFSET = {"offset": A(0, number)}
THINNING = {
    "boxes": A(BOXES, numbers),
    "scores": A(SCORES, numbers),
    "iou_threshold": A(0.5, number),
    "score_threshold": A(0.25, number, optional=True),
    "max_output": A(3, integer, optional=True),
    **OFFSET,
    "on_invalid": A("raise", word),
}
PAIR = {"boxes1": A(BOXES, numbers), "boxes2": A(OTHERS, numbers), **OFFSET}
REGIONS = {
    "crowd": A(FLAGS, flags, optional=True),
    "ignore": A(OTHERS[:1], numbers, optional=True),
    "ignore_threshold": A(0.5, number),
    **OFFSET,
}


def _record(field: str) -> Callable[..., Any]:
    """A call of an evaluation with one field of its one image."""

    def ground_truth(evaluate: Callable[..., Any], detections: Any) -> Callable[..., Any]:
        return lambda **fields: evaluate(detections, [IMAGE._replace(**fields)])

    def found(evaluate: Callable[..., Any]) -> Callable[..., Any]:
        return lambda **fields: evaluate([FOUND.replace(**fields)], [IMAGE])

    return ground_truth if field == "ground_truth" else found


def _fitted(labeled: bool = False) -> Any:
    regressor = detutils.BoxRegressor(alpha=1.0)
    return regressor.fit(FEATURES, BOXES, OTHERS, LABELS[:3] if labeled else None)


def _model(**options: Any) -> Any:
    return detutils.RCNN(["cat", "dog"], np.arange(10.0).reshape(5, 2), **options)


def _write(name: str, content: Any) -> str:
    Path(name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return name


COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 80, "height": 64}],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 2, "bbox": [10, 20, 30.5, 40], "area": 700.25, "iscrowd": 0}
    ],
}
LABELME = {
    "imagePath": "a.png",
    "imageHeight": 64,
    "imageWidth": 80,
    "shapes": [{"label": "cat", "shape_type": "rectangle", "points": [[1, 2], [30, 40]]}],
}
CVAT = """<annotations><version>1.1</version><image id="0" name="a.png" width="80" height="64">
<box label="cat" xtl="1" ytl="2" xbr="30.5" ybr="40"/></image></annotations>"""
VOC = """<annotation><filename>a.png</filename><size><width>80</width><height>64</height></size>
<object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>"""


def _files() -> None:
    """What the readers' good arguments name, in the current folder."""
    _write("coco.json", COCO)
    _write("found.json", [{"image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}])
    Path("voc/Annotations").mkdir(parents=True, exist_ok=True)
    Path("voc/ImageSets/Main").mkdir(parents=True, exist_ok=True)
    _write("voc/Annotations/a.xml", VOC)
    _write("voc/ImageSets/Main/train.txt", "a\n")
    Path("labels").mkdir(exist_ok=True)
    _write("labels/a.txt", "1 0.5 0.5 0.25 0.25\n")
    _write("labelme.json", LABELME)
    _write("cvat.xml", CVAT)
    _write("found.csv", "image,class,score,x1,y1,x2,y2\na,dog,0.5,1,2,3,4\n")
    _write("comp4_det_test_cat.txt", "a 0.5 1 2 30 40\n")
    Path("found").mkdir(exist_ok=True)
    _write("found/a.txt", "1 0.5 0.5 0.25 0.25 0.5\n")
    Path("pictures").mkdir(exist_ok=True)
    detutils.write_image("pictures/a.png", PICTURE)
    _fitted().save("regressor.npz")
    _model().save("model.npz")


def _saved(write: Callable[..., Any]) -> Callable[..., Any]:
    """A writer as a function of its arguments that gives what it wrote."""

    def call(**arguments: Any) -> Any:
        write(**arguments)
        place = arguments["path"]
        return Path(place).read_bytes() if isinstance(place, (str, os.PathLike)) else None

    return call


def _saved_folder(write: Callable[..., Any]) -> Callable[..., Any]:
    """A writer of a new folder as a function of its arguments that gives what it wrote, and takes it away again."""

    def call(**arguments: Any) -> Any:
        lost = write(**arguments)
        folder = Path(arguments["folder"])
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        written = {str(file.relative_to(folder)): file.read_bytes() for file in files}
        shutil.rmtree(folder)
        return lost, written

    return call


def _accumulated(**options: Any) -> Any:
    return detutils.CocoAccumulator(**options).update([FOUND], [IMAGE]).result()


def _regressor(**options: Any) -> Any:
    return detutils.BoxRegressor(**options).fit(FEATURES, BOXES, OTHERS).predict(FEATURES, BOXES)


def _strategy(**fields: Any) -> Any:
    return detutils.hierarchical_grouping(PICTURE, detutils.Strategy(**fields))


def _features(**arguments: Any) -> Any:
    return detutils.train_rcnn(DATASET, [PICTURE], features=[arguments["features"]], proposals=[arguments["proposals"]])


@cache
def entries() -> list[Entry]:
    """One for every public function and method, and for every record that one of them reads."""
    table: list[Entry] = []

    def add(name: str, function: Callable[..., Any], slow: bool = False, **arguments: Argument) -> None:
        table.append(Entry(name, function, arguments, slow))

    d = detutils
    add("nms", d.nms, **THINNING)
    add("batched_nms", d.batched_nms, labels=A(LABELS, labels), **THINNING)
    add("explain_nms", d.explain_nms, labels=A(LABELS, labels, optional=True), **THINNING)
    soft = {name: THINNING[name] for name in ("boxes", "scores", "iou_threshold", "max_output", "offset")}
    add(
        "soft_nms",
        d.soft_nms,
        **soft,
        method=A("linear", word),
        sigma=A(0.5, number),
        score_threshold=A(0.125, number),
        labels=A(LABELS, labels, optional=True),
    )
    add(
        "box_voting",
        d.box_voting,
        boxes=A(BOXES, numbers),
        scores=A(SCORES, numbers),
        keep=A(np.array([0, 2]), indices),
        iou_threshold=A(0.5, number),
        labels=A(LABELS, labels, optional=True),
        **OFFSET,
    )
    fusion = d.weighted_boxes_fusion
    add(
        "weighted_boxes_fusion",
        fusion,
        boxes=A([BOXES], nothing),
        scores=A([SCORES], nothing),
        labels=A([LABELS], nothing, optional=True),
        weights=A(np.array([2.0]), numbers, optional=True),
        iou_threshold=A(0.5, number),
        score_threshold=A(0.0, number),
        method=A("max", word),
        allow_overflow=A(False, flag),
        **OFFSET,
    )
    add(
        "weighted_boxes_fusion, one model",
        lambda **v: fusion(*([value] for value in v.values())),
        boxes=A(BOXES, numbers),
        scores=A(SCORES, numbers),
        labels=A(LABELS, labels),
    )

    for name in ("box_iou", "box_ioa", "generalized_box_iou", "distance_box_iou", "complete_box_iou"):
        add(name, getattr(d, name), **PAIR, workers=A(1, integer))
        add(
            f"{name}, out",
            lambda out, name=name: getattr(d, name)(BOXES, OTHERS, out=out),
            out=A(np.zeros((5, 3)), nothing, optional=True),
        )
        aligned = {**PAIR, "boxes2": A(BOXES[::-1].copy(), numbers)}
        add(f"aligned_{name}", getattr(d, f"aligned_{name}"), **aligned)
    add("box_area", d.box_area, boxes=A(BOXES, numbers), **OFFSET)
    add(
        "box_convert",
        d.box_convert,
        boxes=A(BOXES, numbers),
        in_fmt=A("xyxy", word),
        out_fmt=A("cxcywh", word),
        image_size=A(None, few_numbers, optional=True),
    )
    add(
        "box_convert, normalized",
        d.box_convert,
        boxes=A(BOXES, numbers),
        in_fmt=A("xyxy", word),
        out_fmt=A("cxcywhn", word),
        image_size=A(SIZE, few_numbers),
    )
    add(
        "clip_boxes_to_image", d.clip_boxes_to_image, boxes=A(BOXES, numbers), image_size=A(SIZE, few_numbers), **OFFSET
    )
    add("remove_small_boxes", d.remove_small_boxes, boxes=A(BOXES, numbers), min_size=A(20.0, number), **OFFSET)
    coding = {"weights": A(WEIGHTS, few_numbers), **OFFSET}
    add("encode_boxes", d.encode_boxes, boxes=A(BOXES, numbers), anchors=A(BOXES + 1, numbers), **coding)
    add(
        "decode_boxes",
        d.decode_boxes,
        deltas=A(DELTAS, numbers),
        anchors=A(BOXES, numbers),
        clamp=A(4.0, number, optional=True),
        **coding,
    )

    add(
        "generate_anchors",
        d.generate_anchors,
        base_size=A(16, number),
        ratios=A(np.array([0.5, 1, 2]), numbers),
        scales=A(np.array([8, 16]), numbers),
    )
    add(
        "grid_anchors",
        d.grid_anchors,
        base_anchors=A(BOXES, numbers),
        grid_size=A((2, 3), few_integers),
        stride=A(16, stride),
    )
    add(
        "grid_anchors, two strides", lambda stride: d.grid_anchors(BOXES, (2, 3), stride), stride=A((16.0, 8.0), stride)
    )
    add(
        "pyramid_anchors",
        d.pyramid_anchors,
        image_size=A(SIZE, few_numbers),
        strides=A(np.array([16, 32]), numbers),
        ratios=A(np.array([0.5, 2]), numbers),
        scales=A(np.array([8.0]), numbers),
        grid_sizes=A(None, nothing, optional=True),
    )
    add(
        "pyramid_anchors, one grid",
        lambda pair: d.pyramid_anchors(SIZE, [16], grid_sizes=[pair]),
        pair=A((4, 5), few_integers, "grid_sizes"),
    )
    add(
        "anchors_inside_image",
        d.anchors_inside_image,
        anchors=A(BOXES, numbers),
        image_size=A((40, 40), few_numbers),
        border=A(0, number),
    )
    add(
        "kmeans_anchors",
        d.kmeans_anchors,
        boxes=A(BOXES, numbers),
        n_anchors=A(2, integer),
        seed=A(1, integer),
        max_iterations=A(5, integer),
        **OFFSET,
    )
    add(
        "match_boxes",
        d.match_boxes,
        boxes=A(BOXES, numbers),
        objects=A(OTHERS, numbers),
        high=A(0.5, number),
        low=A(0.25, number, optional=True),
        low_quality=A(True, flag),
        **REGIONS,
    )
    add(
        "sample_matches",
        d.sample_matches,
        labels=A(np.array([1, 0, -1, 0, 1]), labels),
        number=A(3, integer),
        positive_fraction=A(0.5, number),
        seed=A(1, integer),
    )
    add(
        "sample_proposals",
        d.sample_proposals,
        proposals=A(BOXES, numbers),
        objects=A(OTHERS, numbers),
        labels=A(np.array([1, 2, 1]), labels),
        number=A(3, integer),
        positive_fraction=A(0.5, number),
        high=A(0.5, number),
        low=A(0.0, number),
        background=A(0, integer),
        add_objects=A(True, flag),
        weights=A(WEIGHTS, few_numbers),
        seed=A(1, integer),
        **REGIONS,
    )
    add(
        "rpn_targets",
        d.rpn_targets,
        anchors=A(BOXES, numbers),
        objects=A(OTHERS, numbers),
        image_size=A(SIZE, few_numbers, optional=True),
        border=A(0.0, number),
        high=A(0.75, number),
        low=A(0.25, number),
        number=A(4, integer, optional=True),
        positive_fraction=A(0.5, number),
        weights=A(WEIGHTS, few_numbers),
        seed=A(1, integer),
        **REGIONS,
    )
    add(
        "rpn_proposals",
        d.rpn_proposals,
        deltas=A(DELTAS, numbers),
        scores=A(SCORES, numbers),
        anchors=A(BOXES, numbers),
        image_size=A(SIZE, few_numbers),
        min_size=A(8.0, number),
        pre_nms=A(4, integer),
        iou_threshold=A(0.5, number),
        post_nms=A(3, integer),
        levels=A(LABELS, labels, optional=True),
        clamp=A(4.0, number, optional=True),
        like=A("detectron2", word, optional=True),
        **coding,
    )

    detections, truth = A([FOUND], nothing), A([IMAGE], nothing)
    found = {
        "boxes": A(BOXES, numbers),
        "scores": A(SCORES, numbers),
        "labels": A(LABELS, labels),
        "sizes": A(BOXES[:, 2:] - BOXES[:, :2], numbers, optional=True),
    }
    for name, function in (("evaluate_coco", d.evaluate_coco), ("evaluate_voc", d.evaluate_voc)):
        add(f"{name}, detections", _record("detections")(function), **found)
    fields = {
        "boxes": A(OTHERS, numbers),
        "labels": A(LABELS[:3], labels),
        "areas": A(np.array([8.0, 9, 7]), numbers, "area", optional=True),
        "sizes": A(OTHERS[:, 2:] - OTHERS[:, :2], numbers, optional=True),
    }
    add("evaluate_coco, ground truth", _record("ground_truth")(d.evaluate_coco, [FOUND]), **fields)
    add("evaluate_voc, ground truth", _record("ground_truth")(d.evaluate_voc, [FOUND]), **fields)
    add("average_best_overlap, ground truth", _record("ground_truth")(d.average_best_overlap, [BOXES]), **fields)
    rules = {
        "iou_thresholds": A(np.array([0.5, 0.75]), numbers, optional=True),
        "max_detections": A((1, 2, 3), few_integers),
    }
    areas = {"areas": A({"all": (0.0, 1e10)}, nothing, optional=True, taken="{}"), "class_agnostic": A(False, flag)}
    add(
        "evaluate_coco",
        d.evaluate_coco,
        detections=detections,
        ground_truth=truth,
        **rules,
        **areas,
        images=A(np.array([0]), indices, optional=True, taken="empty texts|empty bools"),
        classes=A(np.array([1, 0]), indices, optional=True, taken="empty texts|empty bools"),
        arrays=A(False, flag),
        workers=A(1, integer),
    )
    add("CocoAccumulator", _accumulated, **rules, **areas)
    add(
        "CocoAccumulator.update",
        lambda **v: d.CocoAccumulator().update(**v).result(),
        detections=detections,
        ground_truth=truth,
    )
    accumulator = d.CocoAccumulator().update([FOUND], [IMAGE])
    add("CocoAccumulator.merge", lambda other: accumulator.merge(other).result(), other=A(accumulator, nothing))
    add("CocoAccumulator.result", accumulator.result, arrays=A(False, flag))
    add(
        "bootstrap_coco",
        d.bootstrap_coco,
        slow=True,
        detections=detections,
        ground_truth=truth,
        other=A([FOUND], nothing, optional=True),
        metric=A("ap50", word),
        resamples=A(3, integer),
        confidence=A(0.5, number),
        seed=A(1, integer),
        **rules,
    )
    add(
        "confusion_matrix",
        d.confusion_matrix,
        detections=detections,
        ground_truth=truth,
        iou_threshold=A(0.5, number),
        score_threshold=A(0.25, number),
        n_classes=A(3, integer, optional=True),
    )
    add(
        "detection_errors",
        d.detection_errors,
        detections=detections,
        ground_truth=truth,
        iou_threshold=A(0.5, number),
        background_threshold=A(0.125, number),
        max_detections=A(3, integer),
    )
    add(
        "best_threshold",
        d.best_threshold,
        detections=detections,
        ground_truth=truth,
        iou_threshold=A(0.5, number),
        beta=A(2.0, number),
    )
    for function in (d.confusion_matrix, d.detection_errors, d.best_threshold):
        add(f"{function.__name__}, found", _record("detections")(function), **found)
        add(f"{function.__name__}, ground truth", _record("ground_truth")(function, [FOUND]), **fields)
    add(
        "evaluate_voc",
        d.evaluate_voc,
        detections=detections,
        ground_truth=truth,
        iou_threshold=A(0.5, number),
        method=A("area", word),
        comparison=A(">", word),
        **OFFSET,
    )
    add(
        "average_best_overlap",
        d.average_best_overlap,
        proposals=A([BOXES], nothing, taken="[[]]"),
        ground_truth=A([IMAGE], nothing, taken="[[]]"),
        budget=A(3, integer, optional=True),
        **OFFSET,
    )
    add(
        "proposal_recall",
        d.proposal_recall,
        proposals=A([BOXES], nothing, taken="[[]]"),
        ground_truth=A([IMAGE], nothing, taken="[[]]"),
        iou_thresholds=A(np.array([0.5, 0.75]), numbers, optional=True),
        budgets=A((1, 2), few_integers, optional=True, taken="[None]"),
        **OFFSET,
    )
    add(
        "proposal_recall, proposals",
        lambda proposals: d.proposal_recall([proposals], [IMAGE]),
        proposals=A(BOXES, numbers, taken="dict of lists"),
    )
    add(
        "average_precision",
        d.average_precision,
        recall=A(np.array([0.25, 0.5]), numbers),
        precision=A(np.array([0.5, 0.5]), numbers),
        method=A("11-point", word),
    )
    add(
        "precision_recall_curve",
        d.precision_recall_curve,
        scores=A(SCORES, numbers),
        matched=A(np.array([True, False, True, True, False]), flags),
        positives=A(4, integer),
        ignored=A(np.array([False, False, True, False, False]), flags, optional=True),
    )

    if importlib.util.find_spec("matplotlib") is not None:
        curve = d.precision_recall_curve(SCORES, [True, False, True, True, False], 4)
        empty = "[]|()|0 rows|empty|empty ints|empty texts|empty bools|empty objects"
        add(
            "plot_precision_recall",
            lambda **v: type(d.plot_precision_recall(**v)),
            slow=True,
            curves=A([curve], nothing, taken=empty),
            names=A(["a"], names, optional=True),
            ax=A(None, nothing, optional=True),
        )

        add(
            "plot_confusion_matrix",
            lambda **v: type(d.plot_confusion_matrix(**v)),
            slow=True,
            result=A(d.confusion_matrix([FOUND], [IMAGE]), nothing),
            names=A(["a", "b"], names, optional=True),
            ax=A(None, nothing, optional=True),
        )
        add(
            "plot_best_threshold",
            lambda **v: type(d.plot_best_threshold(**v)),
            slow=True,
            best=A(d.best_threshold([FOUND], [IMAGE]), nothing),
            names=A(["a", "b"], names, optional=True),
            ax=A(None, nothing, optional=True),
        )
        add(
            "plot_detection_errors",
            lambda **v: type(d.plot_detection_errors(**v)),
            slow=True,
            errors=A(d.detection_errors([FOUND], [IMAGE]), nothing),
            ax=A(None, nothing, optional=True),
        )

    pixels = A(PICTURE, image)
    add(
        "draw_errors",
        d.draw_errors,
        image=pixels,
        errors=A(d.detection_errors([FOUND], [IMAGE]), nothing),
        index=A(0, integer),
        detections=detections,
        ground_truth=truth,
        names=A(["a", "b"], names, optional=True),
        show_right=A(True, flag),
    )
    add(
        "draw_boxes",
        d.draw_boxes,
        image=pixels,
        boxes=A(BOXES, numbers),
        labels=A(LABELS, names, optional=True),
        scores=A(SCORES, numbers, optional=True),
        colors=A(None, nothing, "color", optional=True),
        width=A(1, integer, optional=True),
        fill=A(0.5, number),
        opacity=A(0.5, number),
        halo=A(True, flag),
        text_size=A(10, integer, optional=True),
        font=A(None, path, optional=True),
    )
    add(
        "draw_segments",
        d.draw_segments,
        image=pixels,
        segments=A(np.arange(24 * 32).reshape(24, 32) // 99, indices),
        style=A("mean", word),
        outline=A("#ff0000", word, optional=True),
        opacity=A(0.5, number),
    )
    add(
        "draw_panels",
        d.draw_panels,
        pictures=A([PICTURE], nothing),
        titles=A(["a"], names, optional=True),
        heading=A("b", word, optional=True),
        columns=A(1, integer, optional=True),
        height=A(24, integer, optional=True),
        font=A(None, path, optional=True),
    )
    add("draw_panels, picture", lambda picture: d.draw_panels([picture]), picture=A(PICTURE, image, "pictures"))
    add("read_image", d.read_image, path=A("pictures/a.png", path))
    add("write_image", _saved(d.write_image), path=A("written.png", path), image=pixels)
    add("write_image, JPEG", _saved(d.write_image), path=A("written.jpg", path), image=pixels, quality=A(90, integer))

    reading = {"classes": A(["cat"], names_or_ids, optional=True), "on_invalid": A("raise", word)}
    naming = {"class_names": A(["cat"], names, optional=True), **reading}
    add("read_coco", d.read_coco, path=A("coco.json", path), keep_outlines=A(False, flag), **reading)
    add("read_labelme", d.read_labelme, path=A("labelme.json", path), **naming)
    add("read_cvat", d.read_cvat, path=A("cvat.xml", path), **naming)
    add("read_dataset", d.read_dataset, path=A("cvat.xml", path), format=A("cvat", word, optional=True), **naming)
    add("dataset_format", d.dataset_format, path=A("voc", path))
    add(
        "read_detections",
        d.read_detections,
        path=A("found.csv", path),
        dataset=A(DATASET, nothing),
        format=A("csv", word, optional=True),
        on_invalid=A("raise", word),
    )
    add(
        "read_detections, VOC",
        lambda **v: d.read_detections("comp4_det_test_cat.txt", DATASET, **v),
        pixels=A("continuous", word),
        first_pixel=A(1, integer, optional=True),
        **OFFSET,
    )
    add(
        "read_detections, YOLO",
        lambda **v: d.read_detections("found", DATASET, **{"class_numbers": "labels", **v}),
        class_numbers=A("labels", word, optional=True),
        keypoints=A(None, few_integers, optional=True),
    )
    add("write_coco", _saved(d.write_coco), path=A("written.json", path), dataset=A(DATASET, nothing))
    add(
        "write_voc",
        _saved_folder(d.write_voc),
        folder=A("written_voc", path),
        dataset=A(DATASET, nothing),
        pixels=A("continuous", word),
        first_pixel=A(1, integer, optional=True),
    )
    add(
        "write_yolo",
        _saved_folder(d.write_yolo),
        folder=A("written_yolo", path),
        dataset=A(DATASET, nothing),
        outlines=A(False, flag),
    )
    add("read_coco_detections", d.read_coco_detections, path=A("found.json", path), dataset=A(DATASET, nothing))
    add(
        "write_coco_detections",
        _saved(d.write_coco_detections),
        path=A("written.json", path),
        detections=A([FOUND], nothing),
        dataset=A(DATASET, nothing),
    )
    add(
        "write_coco_detections, fields",
        lambda **v: d.write_coco_detections("fields.json", [FOUND.replace(**v)], DATASET),
        boxes=A(BOXES, numbers),
        scores=A(SCORES, numbers),
        labels=A(LABELS, labels),
    )
    add(
        "read_voc",
        d.read_voc,
        path=A("voc", path),
        image_set=A("train", word, optional=True),
        pixels=A("continuous", word),
        first_pixel=A(1, integer, optional=True),
        **naming,
        **OFFSET,
    )
    add(
        "read_yolo",
        d.read_yolo,
        labels=A("labels", path),
        images=A("pictures", path),
        **{**naming, "class_names": A(["cat", "dog"], names, optional=True)},
    )
    add("read_yolo, sizes", lambda size: d.read_yolo("labels", {"a": size}), size=A((64, 80), few_numbers, "images"))
    add(
        "make_scenes",
        d.make_scenes,
        slow=True,
        count=A(1, integer),
        seed=A(1, integer),
        image_size=A((64, 72), few_integers),
        clutter=A(0.5, number),
    )
    add(
        "write_scenes",
        d.write_scenes,
        slow=True,
        scenes=A(d.make_scenes(1, image_size=(64, 64)), nothing),
        folder=A("scenes", path),
    )

    add(
        "felzenszwalb",
        d.felzenszwalb,
        image=pixels,
        scale=A(50.0, number),
        sigma=A(0.5, number),
        min_size=A(4, integer),
        connectivity=A(4, integer),
    )
    add("hierarchical_grouping", d.hierarchical_grouping, slow=True, image=pixels, strategy=A(d.Strategy(), nothing))
    add(
        "Strategy",
        _strategy,
        slow=True,
        color_space=A("lab", word),
        scale=A(50.0, number),
        color=A(1.0, number),
        texture=A(0.5, number),
        size=A(1.0, number),
        fill=A(1.0, number),
        min_size=A(4, integer, optional=True),
        sigma=A(0.5, number),
        shrink=A(1, integer),
    )
    grown = d.hierarchical_grouping(PICTURE)
    add("Hierarchy.mask", grown.mask, region=A(1, integer))
    add(
        "selective_search",
        d.selective_search,
        slow=True,
        image=pixels,
        mode=A("single", word),
        seed=A(1, integer),
        min_size=A(4, integer),
        max_boxes=A(9, integer, optional=True),
        max_side=A(32, integer, optional=True),
        ranking=A("position", word),
        workers=A(1, integer),
    )
    add(
        "propose_images",
        lambda **v: list(d.propose_images(mode="single", **v)),
        slow=True,
        paths=A(
            ["pictures/a.png"],
            nothing,
            taken="[]|()|texts|text array|strings|0 rows|empty|empty ints|empty texts|empty bools|empty objects",
        ),
        workers=A(1, integer),
        progress=A(None, nothing, optional=True, called=True),
    )
    add(
        "propose_images, one path",
        lambda path: list(d.propose_images([path], mode="single")),
        slow=True,
        path=A("pictures/a.png", path),
    )

    add(
        "BoxRegressor",
        _regressor,
        slow=True,
        alpha=A(10.0, number),
        min_iou=A(0.5, number),
        whiten=A(True, flag),
        trim=A(0.0, number),
        feature_norm=A(20.0, number, optional=True),
        clamp=A(4.0, number, optional=True),
        **OFFSET,
    )
    for name in ("fit", "partial_fit"):
        add(
            f"BoxRegressor.{name}",
            lambda name=name, **v: getattr(d.BoxRegressor(1.0), name)(**v),
            slow=True,
            features=A(FEATURES, numbers),
            proposals=A(BOXES, numbers, "proposal"),
            boxes=A(OTHERS, numbers),
            labels=A(LABELS[:3], labels, optional=True),
        )
    add(
        "BoxRegressor.predict",
        _fitted(True).predict,
        features=A(FEATURES, numbers),
        proposals=A(BOXES, numbers),
        labels=A(LABELS, labels),
    )
    add("BoxRegressor.save", lambda path: _fitted().save(path), path=A("r.npz", path))
    add("BoxRegressor.load", d.BoxRegressor.load, path=A("regressor.npz", path))
    add(
        "box_features",
        d.box_features,
        image=pixels,
        boxes=A(OTHERS, numbers),
        size=A(16, integer),
        cell=A(8, integer),
        context=A(1.25, number),
    )
    add("crop_boxes", d.crop_boxes, image=pixels, boxes=A(OTHERS, numbers), size=A(8, integer), context=A(1.25, number))
    add(
        "RCNN",
        lambda **v: d.RCNN(**v).detect_features(FEATURES, BOXES),
        class_names=A(["a", "b"], names),
        weights=A(np.arange(10.0).reshape(5, 2), numbers),
        regressor=A(None, nothing, optional=True),
        features=A(None, nothing, optional=True, called=True),
        proposals=A(None, nothing, optional=True, called=True),
    )
    add(
        "RCNN.propose",
        lambda found: _model(proposals=lambda image: found).propose(PICTURE),
        found=A(BOXES, numbers, "proposals"),
    )
    add("RCNN.propose, image", _model(proposals=lambda image: BOXES).propose, image=pixels)
    add(
        "RCNN.describe",
        lambda rows: _model(features=lambda image, boxes: rows).describe(PICTURE, BOXES),
        rows=A(FEATURES, numbers, "features", "dtype"),
    )
    add(
        "RCNN.describe, boxes",
        _model(features=lambda image, boxes: FEATURES).describe,
        image=pixels,
        boxes=A(BOXES, numbers),
    )
    limits = {
        "score_threshold": A(-1.0, number),
        "iou_threshold": A(0.5, number),
        "max_output": A(3, integer, optional=True),
        "regress": A(False, flag),
    }
    own = _model(features=lambda image, boxes: FEATURES[: len(boxes)], proposals=lambda image: BOXES)
    add("RCNN.detect", own.detect, image=pixels, **limits)
    add(
        "RCNN.detect_features",
        own.detect_features,
        features=A(FEATURES, numbers),
        proposals=A(BOXES, numbers),
        image_size=A(SIZE, few_numbers, optional=True),
        **limits,
    )
    add("RCNN.save", lambda path: _model().save(path), path=A("m.npz", path))
    add(
        "RCNN.load",
        d.RCNN.load,
        path=A("model.npz", path),
        features=A(None, nothing, optional=True, called=True),
        proposals=A(None, nothing, optional=True, called=True),
    )
    training = {
        "cache": A(None, path, optional=True),
        "alpha": A(1.0, number),
        "regressor": A(None, nothing, optional=True),
        "positive_iou": A(0.75, number),
        "negative_iou": A(0.25, number),
        "jitter": A(0, integer),
        "negatives": A(2, integer),
        "rounds": A(1, integer),
        "memory": A(2**24, integer),
        "seed": A(1, integer),
        "progress": A(None, nothing, optional=True, called=True),
    }
    given = {"features": [np.vstack([FEATURES, FEATURES[:3]])], "proposals": [np.vstack([BOXES, OTHERS])]}
    add(
        "train_rcnn",
        lambda **v: d.train_rcnn(**{"dataset": DATASET, "images": [PICTURE], **given, **v}),
        slow=True,
        **training,
        dataset=A(DATASET, nothing),
    )
    add(
        "train_rcnn, callables",
        lambda **v: d.train_rcnn(
            DATASET,
            [PICTURE],
            jitter=0,
            **{"features": lambda image, boxes: np.ones((len(boxes), 4)), "proposals": lambda image: BOXES, **v},
        ),
        slow=True,
        features=A(None, nothing, optional=True, called=True),
        proposals=A(None, nothing, optional=True, called=True, taken="[[]]"),
    )
    add(
        "train_rcnn, images",
        lambda images: d.train_rcnn(
            DATASET,
            images,
            jitter=0,
            features=lambda image, boxes: np.ones((len(boxes), 4)),
            proposals=lambda image: BOXES,
        ),
        slow=True,
        images=A([PICTURE], nothing),
    )
    add(
        "train_rcnn, features",
        _features,
        slow=True,
        features=A(given["features"][0], numbers),
        proposals=A(given["proposals"][0], numbers),
    )
    add(
        "train_rcnn, boxes",
        lambda **v: d.train_rcnn(DATASET._replace(images=[IMAGE._replace(**v)]), [PICTURE], **given),
        slow=True,
        boxes=A(OTHERS, numbers),
        labels=A(LABELS[:3], labels, "label"),
    )
    add(
        "train_rcnn, flags",
        lambda **v: d.train_rcnn(DATASET._replace(images=[IMAGE._replace(**v)]), [PICTURE], **given),
        slow=True,
        difficult=A(NONE, marks),
        crowd=A(NONE, marks),
    )
    add(
        "evaluate_voc, flags",
        _record("ground_truth")(d.evaluate_voc, [FOUND]),
        difficult=A(NONE, marks, optional=True),
        crowd=A(NONE, marks, optional=True),
    )
    add(
        "warmup",
        lambda progress: d.warmup(progress=progress) if not callable(progress) else None,
        progress=A(print, nothing, optional=True, called=True),
    )
    return table


# ---- a cell ----------------------------------------------------------------------------------------------------------


class Verdict(NamedTuple):
    function: str
    argument: str
    value: str
    fault: str  # empty: all is well
    text: str


def same(ours: Any, theirs: Any, loose: bool = False) -> bool:
    """Whether two results are one, bit for bit; ``loose`` for the float32 results of float32 arguments."""
    if isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray):
        if ours.shape != theirs.shape:
            return False
        if loose and ours.dtype.kind in "fiu":
            return bool(np.allclose(ours, theirs, rtol=1e-5, atol=1e-6, equal_nan=True))
        return (
            ours.dtype == theirs.dtype
            and np.ascontiguousarray(ours).tobytes() == np.ascontiguousarray(theirs).tobytes()
        )
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, (tuple, list)) or (isinstance(ours, Sequence) and not isinstance(ours, (str, bytes))):
        return len(ours) == len(theirs) and all(same(a, b, loose) for a, b in zip(ours, theirs, strict=True))
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(same(value, theirs[key], loose) for key, value in ours.items())
    if isinstance(ours, float):
        return (
            ours == theirs
            or (ours != ours and theirs != theirs)
            or (loose and math.isclose(ours, theirs, rel_tol=1e-5))
        )
    if isinstance(ours, (detutils.BoxRegressor, detutils.RCNN)):
        return True
    return bool(ours == theirs)


def outcome(entry: Entry, name: str, value: Any) -> tuple[Any, BaseException | None]:
    given = {
        key: argument.good for key, argument in entry.arguments.items() if argument.good is not None or key == name
    }
    given[name] = value
    try:
        with warnings.catch_warnings(action="error"), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore", CacheWarning)
            warnings.filterwarnings("ignore", "the typeface lacks")  # drawn, with a mark in the place of the letter
            return entry.function(**given), None
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return None, error


def refusal(entry: Entry, name: str, value: Any, error: BaseException) -> str:
    """What is wrong with a refusal, or nothing."""
    if not isinstance(error, REFUSALS) or type(error).__module__ != "builtins":
        return f"{type(error).__name__}: {error}"
    text = str(error)
    words = (*entry.arguments[name].words, name)
    if isinstance(error, ValueError) and any(re.search(rf"\b{other}\b", text) for other in entry.arguments):
        return ""  # two arguments that do not go together
    if isinstance(error, OSError) or name in ("path", "folder", "font", "cache"):
        with contextlib.suppress(Exception):
            words += (os.fspath(value), Path(os.fspath(value)).name)
    return "" if any(word in text for word in words) else f"{type(error).__name__} does not name it: {text}"


def judge(entry: Entry, name: str, key: str, value: Any) -> Verdict:
    argument = entry.arguments[name]

    def verdict(fault: str, text: str = "") -> Verdict:
        return Verdict(entry.name, name, key, fault, " ".join(text.split())[:200])

    if argument.called and callable(value):  # what it raises is its own
        return verdict("")
    result, error = outcome(entry, name, value)
    wrong = refusal(entry, name, value, error) if error is not None else ""
    if wrong:
        return verdict("obscure", wrong)
    if (value is None and argument.optional) or key.removesuffix(", several") in argument.taken:
        return verdict("")
    meant = argument.kind(value)
    if meant is INVALID:
        return verdict("" if error is not None else "accepted invalid", f"gave {result!r}")
    expected, refused = outcome(entry, name, meant)
    if refused is not None:
        again = refusal(entry, name, meant, refused)
        if again:
            return verdict("obscure", again)
        return verdict("" if error is not None else "accepted invalid", f"although {refused}")
    if error is not None:
        return verdict("valid refused", f"{type(error).__name__}: {error}")
    narrow = getattr(value, "dtype", None) == np.float32 or "float32" in key or "dtype" in argument.words
    return verdict("" if same(result, expected, narrow) else "silent wrong", f"{result!r} is not {expected!r}")


def cells(entry: Entry) -> Iterator[tuple[str, str, Any]]:
    """(argument, name of the value, value)."""
    for name, argument in entry.arguments.items():
        for key, value in values_for(argument.good, argument.kind):
            yield name, key, value


@contextlib.contextmanager
def workshop() -> Iterator[None]:
    """A folder of its own with the files that good arguments name."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            _files()
            yield
        finally:
            os.chdir(before)


# ---- the deep form ---------------------------------------------------------------------------------------------------


def _serve(chosen: list[int], first: tuple[int, int], connection: Any) -> None:
    """Judge the cells of the chosen entries from one cell on; say which before each."""
    with workshop():
        for index in chosen:
            entry = entries()[index]
            for place, (name, key, value) in enumerate(cells(entry)):
                if (index, place) >= first:
                    connection.send((index, place, name, key))
                    connection.send(judge(entry, name, key, value))
    connection.send(None)


def judge_apart(chosen: list[int]) -> Iterator[Verdict]:
    """The verdicts on the chosen entries, from a process that may die or hang; another goes on behind that cell."""
    first, context = (0, 0), multiprocessing.get_context("spawn")
    while True:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_serve, args=(chosen, first, theirs))
        process.start()
        theirs.close()
        at, fault = (*first, "", ""), ""
        while not fault:
            if not ours.poll(MOST_SECONDS):
                fault = "hang"
                break
            try:
                message = ours.recv()
            except EOFError:
                fault = "crash"
                break
            if message is None:
                process.join()
                return
            if isinstance(message, Verdict):
                yield message
            else:
                at = message
        process.kill()
        process.join()
        yield Verdict(entries()[at[0]].name, at[2], at[3], fault, f"exit code {process.exitcode}")
        first = (at[0], at[1] + 1)


def judge_here(chosen: list[int]) -> Iterator[Verdict]:
    """The same in this process."""
    with workshop():
        for index in chosen:
            for cell in cells(entries()[index]):
                yield judge(entries()[index], *cell)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description="Judge every cell of the table.")
    parser.add_argument(
        "--deep", action="store_true", help="in a process of its own, so that crashes and hangs count too"
    )
    parser.add_argument("only", nargs="*", help="names of entries, all by default")
    options = parser.parse_args()
    chosen = [index for index, entry in enumerate(entries()) if not options.only or entry.name in options.only]
    begin, counts, total = time.monotonic(), collections.Counter[str](), 0
    verdicts = judge_apart(chosen) if options.deep else judge_here(chosen)
    for name, group in itertools.groupby(verdicts, key=lambda verdict: verdict.function):
        found = list(group)
        bad = [verdict for verdict in found if verdict.fault]
        total += len(found)
        counts.update(verdict.fault for verdict in bad)
        print(f"{name}: {len(found)} cells, {len(bad)} faults", flush=True)
        for verdict in bad:
            print("   ", " | ".join(verdict[1:]), flush=True)
    text = ", ".join(f"{counts[fault]} {fault}" for fault in FAULTS)
    print(f"{total} cells in {time.monotonic() - begin:.0f} s: {text}")


if __name__ == "__main__":
    main()
