"""Inputs that break detectors' post-processing: good boxes in every guise, and everything that must be refused.

``GOOD_FORMS`` maps a name to a function that wraps a whole-numbered float64 array; every public function must answer
exactly as for the array itself. ``BAD_*`` are lists of ``pytest.param(value, exception, pattern)``.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import json
import pickle
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detutils._jit import JIT_DISABLED

JIT = not JIT_DISABLED


def size(jit: int, interpreted: int) -> int:
    """A problem size for compiled kernels, and a smaller one where they run as plain Python."""
    return jit if JIT else interpreted


def once(definition: Callable[..., Any]) -> Callable[..., Any]:
    """The same definition, which answers a case again from memory: all ways that are compared with it share the answer.

    It is plain Python and takes longer than what is tested; nobody may write to an answer.
    """
    answers: dict[bytes, Any] = {}

    @functools.wraps(definition)
    def answer(*arguments: Any, **options: Any) -> Any:
        case = pickle.dumps((arguments, sorted(options.items())))
        if case not in answers:
            answers[case] = definition(*arguments, **options)
        return answers[case]

    return answer


def uncompiled(name: str) -> Any:
    """A peer that has kernels of its own, which stay plain Python: to compile them takes longer than to run them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("numba.config.DISABLE_JIT", True)
        return pytest.importorskip(name)


def each(names: str | tuple[str, ...], values: Iterable[Any], ids: Iterable[str] = ()) -> Callable[[Any], Any]:
    """``pytest.mark.parametrize`` within one test: thousands of short tests would take longer to set up than to run."""
    keys = (names,) if isinstance(names, str) else names

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def every(*arguments: Any, **fixtures: Any) -> None:
            ran = False
            for value, label in itertools.zip_longest(values, ids):
                given = getattr(value, "values", (value,) if len(keys) == 1 else value)
                try:
                    test(*arguments, **fixtures, **dict(zip(keys, given, strict=True)))
                    ran = True
                except pytest.skip.Exception:
                    continue
                except BaseException as error:
                    error.add_note(f"where {', '.join(keys)} is {label or getattr(value, 'id', None) or given}")
                    raise
            if not ran:
                pytest.skip("every case was skipped")

        kept = [p for p in inspect.signature(test).parameters.values() if p.name not in keys]
        every.__signature__ = inspect.Signature(kept)  # type: ignore[attr-defined]
        return every

    return decorate


# ---- the same numbers in every guise ---------------------------------------------------------------------------------

class OnlyArray:
    """A foreign container that offers ``__array__``, as torch's CPU tensors do."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self._array if dtype is None else self._array.astype(dtype)


class OnlyDLPack:
    """A foreign container that offers nothing but DLPack."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array

    def __dlpack__(self, **keywords: Any) -> Any:
        return self._array.__dlpack__(**keywords)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()


def _strided(array: np.ndarray) -> np.ndarray:
    wide = np.full((2 * array.shape[0] + 1, *(2 * side + 1 for side in array.shape[1:])), 7.0, array.dtype)
    view = wide[tuple(slice(1, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def _read_only(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _memory_map(array: np.ndarray) -> np.ndarray:
    if array.size == 0:
        return array.copy()
    with tempfile.TemporaryFile() as file:
        file.write(np.ascontiguousarray(array).tobytes())
        file.flush()
        return np.memmap(file, array.dtype, "r", shape=array.shape)


def _unaligned(array: np.ndarray) -> np.ndarray:
    raw = np.empty(array.nbytes + 1, np.uint8)
    view = raw[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def _swapped(array: np.ndarray) -> np.ndarray:
    """Float32 whose dtype equals NumPy's but is another object, as after reading big-endian files."""
    foreign = array.astype(">f4")
    return foreign.byteswap().view(foreign.dtype.newbyteorder())


def _objects(array: np.ndarray) -> np.ndarray:
    """Integers, floats and NumPy's own numbers side by side, as a table with columns of several types gives them."""
    kinds = (int, float, np.float32, np.int64)
    mixed = [kinds[i % 4](value) if value == int(value) else value for i, value in enumerate(array.ravel().tolist())]
    return np.array([*mixed, None], object)[:-1].reshape(array.shape)


GOOD_FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "list": lambda array: array.tolist(),
    "tuple": lambda array: tuple(map(tuple, array.tolist())) if array.ndim == 2 else tuple(array.tolist()),
    "int64": lambda array: array.astype(np.int64),
    "int16": lambda array: array.astype(np.int16),
    "float16": lambda array: array.astype(np.float16),
    "float32": lambda array: array.astype(np.float32),
    "longdouble": lambda array: array.astype(np.longdouble),
    "big-endian": lambda array: array.astype(">f8"),
    "big-endian int": lambda array: array.astype(">i4"),
    "swapped float32": _swapped,
    "Fortran": np.asfortranarray,
    "strided": _strided,
    "reversed": lambda array: array[::-1].copy()[::-1],
    "read-only": _read_only,
    "memory map": _memory_map,
    "unaligned": _unaligned,
    "__array__": OnlyArray,
    "DLPack": OnlyDLPack,
    "objects": lambda array: array.astype(object),
    "objects of several types": _objects,
    "list of arrays": list,
}


def whole_boxes(n: int, seed: int, side: int = 200) -> np.ndarray:
    """(n, 4) float64 boxes at whole coordinates below 2**11, so that every dtype of GOOD_FORMS holds them exactly."""
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, side, (n, 2))
    return np.hstack([corner, corner + rng.integers(0, side // 2, (n, 2))]).astype(np.float64)


def whole_scores(n: int, seed: int) -> np.ndarray:
    """(n,) float64 scores at whole numbers with many ties, for GOOD_FORMS."""
    return np.random.default_rng(seed).integers(0, max(2, n // 2), n).astype(np.float64)


def random_boxes(n: int, seed: int, *, spread: float = 500.0, longest: float = 120.0) -> np.ndarray:
    """(n, 4) float64 boxes anywhere, a tenth of them without area and a tenth repeated."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-spread / 4, spread, (n, 2))
    side = rng.uniform(0, longest, (n, 2))
    side[rng.random(n) < 0.1] *= rng.integers(0, 2, 2)
    boxes = np.hstack([corner, corner + side])
    if n > 1:
        again = rng.random(n) < 0.1
        boxes[again] = boxes[rng.integers(0, n, int(again.sum()))]
    return boxes


# ---- what must be refused --------------------------------------------------------------------------------------------

def _row(*values: float) -> np.ndarray:
    return np.array([[0.0, 0.0, 1.0, 1.0], list(values)])


def _case(name: str, value: Any, error: type[Exception], pattern: str) -> Any:
    return pytest.param(value, error, pattern, id=name)


class Moody:
    """Raises what it likes whenever it is touched, as tensors of other devices do."""

    def _raise(self, *arguments: Any, **options: Any) -> Any:
        raise RuntimeError("not on this device")

    __array__ = __float__ = __index__ = __repr__ = __len__ = __iter__ = __getitem__ = __fspath__ = _raise


class Truth:
    """A foreign truth value that turns into the number 1 when asked, as ``torch.tensor(True)`` does."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(True)

    def __float__(self) -> float:
        return 1.0

    def __index__(self) -> int:
        return 1


def in_itself(times: int) -> list[Any]:
    """A list that holds itself, so many times; NumPy would follow two of them for ever."""
    value: list[Any] = []
    value.extend([value] * times)
    return value


# What is no number, wherever one is meant, and no integer, flag or pair of numbers either.
_NO_NUMBER = [
    _case("None", None, TypeError, "must be"),
    _case("string", "1", TypeError, "must be"),
    _case("bytes", b"1", TypeError, "must be"),
    _case("bytearray", bytearray(b"1"), TypeError, "must be"),
    _case("memoryview", memoryview(b"1"), TypeError, "must be"),
    _case("0-d text", np.array("1"), TypeError, "must be"),
    _case("0-d objects", np.array(1, object), TypeError, "must be"),
    _case("0-d bool", np.array(True), TypeError, "must be"),
    _case("foreign truth", Truth(), TypeError, "must be"),
    _case("complex", 1j, TypeError, "must be"),
    _case("date", np.datetime64("2020"), TypeError, "must be"),
    _case("delta", np.timedelta64(1), TypeError, "must be"),
    _case("masked", np.ma.masked, TypeError, "must be"),
    _case("record", np.zeros((), [("x", "f8")])[()], TypeError, "must be"),
    _case("set", {1}, TypeError, "must be"),
    _case("mapping", {"x": 1}, TypeError, "must be"),
    _case("generator", iter([1]), TypeError, "must be"),
    _case("moody", Moody(), TypeError, "must be"),
    _case("class", np.float64, TypeError, "must be"),
]

BAD_NUMBERS = [
    *_NO_NUMBER,
    _case("bool", True, TypeError, "number"),
    _case("list", [1], TypeError, "number"),
    _case("array", np.array([1.0]), TypeError, "number"),
    _case("a list in itself", in_itself(2), TypeError, "number"),
    _case("NaN", float("nan"), ValueError, "finite"),
    _case("1e400", 1e400, ValueError, "finite"),
    _case("10**400", 10**400, ValueError, "too large"),
]

BAD_INTEGERS = [
    *_NO_NUMBER,
    _case("bool", True, TypeError, "integer"),
    _case("whole float", 1.0, TypeError, "integer"),
    _case("0-d float", np.array(1.0), TypeError, "integer"),
    _case("array", np.array([1]), TypeError, "integer"),
    _case("10**400", 10**400, ValueError, "at most"),
]

BAD_FLAGS = [
    *_NO_NUMBER,
    _case("1", 1, TypeError, "True or False"),
    _case("array", np.array([True]), TypeError, "True or False"),
]

BAD_IMAGE_SIZES = [
    *_NO_NUMBER,
    _case("a number", 5, TypeError, "pair"),
    _case("three", (1, 2, 3), ValueError, "got 3 values"),
    _case("no end", range(10**30), ValueError, "got 1000000000000000000000000000000 values"),
    _case("a list in itself", in_itself(1), TypeError, "pair"),
    _case("text inside", (5, "6"), TypeError, "number"),
    _case("bool inside", np.array([True, True]), TypeError, "number"),
    _case("zero", (0, 5), ValueError, "greater than 0"),
    _case("masked pair", np.ma.ones(2), TypeError, "pair"),
]

BAD_BOXES = [
    _case("None", None, TypeError, "None"),
    _case("string", "boxes", TypeError, "real numbers"),
    _case("object", np.array([[None, 0, 1, 1]], dtype=object), TypeError, "real numbers"),
    _case("bool among objects", np.array([[True, 0, 1, 1]], dtype=object), TypeError, "real numbers"),
    _case("bool among numbers", [[0, 0, 1, 1], [True, 0, 1, 1]], TypeError, "real numbers, got bool"),
    _case("masked entry", [[0, 0, 1, 1], [np.ma.masked, 0, 1, 1]], TypeError, "real numbers"),
    _case("masked row", [np.ma.ones(4), np.ma.ones(4)], TypeError, "real numbers"),
    _case("a list in itself", in_itself(2), ValueError, "rectangular"),
    _case("bytearray", bytearray(b"1111"), TypeError, "real numbers"),
    _case("complex", np.zeros((2, 4), complex), TypeError, "real numbers"),
    _case("bool", np.zeros((2, 4), bool), TypeError, "real numbers"),
    _case("datetime", np.zeros((2, 4), "M8[s]"), TypeError, "real numbers"),
    _case("masked", np.ma.zeros((2, 4)), TypeError, "masked"),
    _case("ragged", [[0, 0, 1, 1], [0, 0]], ValueError, "rectangular"),
    _case("scalar", 3.0, ValueError, r"shape \(N, 4\)"),
    _case("1-D", np.zeros(4), ValueError, r"shape \(N, 4\), got \(4,\)"),
    _case("3-D", np.zeros((1, 2, 4)), ValueError, r"shape \(N, 4\)"),
    _case("five columns", np.zeros((3, 5)), ValueError, r"must have shape \(N, 4\), got \(3, 5\)"),
    _case("NaN", _row(0, np.nan, 1, 1), ValueError, r"\[1\] is not finite"),
    _case("inf", _row(0, 0, np.inf, 1), ValueError, r"\[1\] is not finite"),
    _case("-inf", _row(-np.inf, 0, 1, 1), ValueError, r"\[1\] is not finite"),
    _case("float32 NaN", _row(0, np.nan, 1, 1).astype(np.float32), ValueError, r"\[1\] is not finite"),
    _case("x2 < x1", _row(2, 0, 1, 1), ValueError, r"\[1\] has x2 < x1"),
    _case("y2 < y1", _row(0, 2, 1, 1), ValueError, r"\[1\] has y2 < y1"),
    _case("huge", _row(0, 0, 1e151, 1), ValueError, "beyond 1e\\+150"),
    _case("int64 beyond 2**53", np.array([[0, 0, 1, 2**53 + 1]]), ValueError, r"2\*\*53"),
    _case("beyond 64 bits", [[0, 0, 1, 2**80]], ValueError, "64 bits"),
    _case("objects beyond 64 bits", np.array([[0, 0, 1, 2**80]], object), ValueError, "64 bits"),
]

# For functions that take a (N,) vector of two scores.
BAD_SCORES = [
    _case("None", None, TypeError, "None"),
    _case("strings", ["a", "b"], TypeError, "real numbers"),
    _case("complex", np.zeros(2, complex), TypeError, "real numbers"),
    _case("masked", np.ma.zeros(2), TypeError, "masked"),
    _case("too long", np.zeros(3), ValueError, r"shape \(2,\), got \(3,\)"),
    _case("a column", np.zeros((2, 1)), ValueError, r"shape \(2,\), got \(2, 1\)"),
    _case("NaN", [0.5, np.nan], ValueError, r"\[1\] is not finite"),
    _case("inf", [np.inf, 0.5], ValueError, r"\[0\] is not finite"),
]

BAD_LABELS = [
    _case("None", None, TypeError, "None"),
    _case("halves", [0.0, 1.5], TypeError, r"must be integers or whole numbers, got 1.5 at .*\[1\]; np.unique\(\.\.\."),
    _case("NaN", [0.0, np.nan], ValueError, r"\[1\] is not finite: nan"),
    _case("floats beyond 2**53", np.array([0, 2.0**54]), ValueError, r"\[1\] is beyond 2\*\*53"),
    _case("strings", ["cat", "dog"], TypeError, r"real numbers, .* np.unique\(\.\.\., return_inverse=True\)"),
    _case("strings in objects", np.array(["cat", "dog"], object), TypeError, r"np.unique\(\.\.\., return_inverse"),
    _case("bool", [True, False], TypeError, "real numbers"),
    _case("too short", [1], ValueError, r"shape \(2,\)"),
    _case("uint64 beyond int64", np.array([1, 2**63], np.uint64), ValueError, "int64"),
]

BAD_THRESHOLDS = [
    _case("below", -0.1, ValueError, r"in \[0, 1\]"),
    _case("above", 1.5, ValueError, r"in \[0, 1\]"),
    _case("NaN", float("nan"), ValueError, "finite"),
    _case("inf", float("inf"), ValueError, "finite"),
    _case("None", None, TypeError, "number"),
    _case("string", "0.5", TypeError, "number"),
    _case("bool", True, TypeError, "number"),
    _case("array", np.array([0.5]), TypeError, "number"),
    _case("complex", 0.5 + 0j, TypeError, "real"),
    _case("0-d text", np.array("0.5"), TypeError, "number"),
    _case("0-d bool", np.array(True), TypeError, "number"),
    _case("0-d object", np.array(0.5, object), TypeError, "number"),
    _case("foreign truth", Truth(), TypeError, "number"),
]

BAD_OFFSETS = [
    _case("two", 2, ValueError, "0 or 1"),
    _case("half", 0.5, ValueError, "0 or 1"),
    _case("bool", True, TypeError, "number"),
    _case("string", "1", TypeError, "number"),
    _case("0-d text", np.array("1"), TypeError, "number"),
    _case("foreign truth", Truth(), TypeError, "number"),
]

BAD_IMAGES = [
    _case("None", None, TypeError, "None"),
    _case("path", "photo.jpg", TypeError, "read the file"),
    _case("object", np.array([[None]]), TypeError, "real numbers"),
    _case("1-D", np.zeros(5, np.uint8), ValueError, "shape"),
    _case("two channels", np.zeros((5, 5, 2), np.uint8), ValueError, "shape"),
    _case("4-D", np.zeros((1, 5, 5, 3), np.uint8), ValueError, "shape"),
    _case("empty", np.zeros((0, 5, 3), np.uint8), ValueError, "empty"),
    _case("int64", np.zeros((5, 5)).astype(np.int64), ValueError, "uint8"),
    _case("bool", np.zeros((5, 5), bool), ValueError, "uint8"),
    _case("float to 255", np.full((5, 5), 255.0), ValueError, r"0\.\.1"),
    _case("NaN", np.full((5, 5), np.nan), ValueError, "NaN"),
]


def unchanged(function: Callable[..., Any], *arrays: np.ndarray, **options: Any) -> Any:
    """Call the function and hold that it wrote to none of its arguments."""
    before = [array.copy() for array in arrays]
    result = function(*arrays, **options)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    return result


def write(path: Path, content: Any) -> Path:
    """A file of text, or of any value as JSON."""
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path
