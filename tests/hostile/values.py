"""Hostile values, and odd but valid ways to write a good one."""

from __future__ import annotations

import array
import collections
import json
import math
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from tests.cases import GOOD_FORMS, OnlyArray, OnlyDLPack
from tests.hostile.kinds import (
    as_plain,
    few_integers,
    few_numbers,
    flags,
    image,
    indices,
    integer,
    labels,
    marks,
    number,
    numbers,
    word,
)


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
