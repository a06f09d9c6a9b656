"""Single values: numbers, integers, words, flags, sizes, seeds, paths."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np

from detutils._validate.arrays import BYTES_A_NUMBER, count_of, is_bytes, plain_array
from detutils._validate.memory import check_memory

_Choice = TypeVar("_Choice", bound=str)
OnInvalid: TypeAlias = Literal["raise", "drop"]
ON_INVALID: tuple[OnInvalid, ...] = ("raise", "drop")
MOST_WORKERS = 16 * (os.cpu_count() or 1)
# What float() would take for a number, or warn about.
_NO_NUMBERS = (bool, np.bool_, str, bytes, bytearray, np.datetime64, np.timedelta64, np.ma.MaskedArray)
_NO_ORDER = (str, bytes, bytearray, Mapping, Set)


def dimensions(value: Any) -> int:
    """The number of dimensions, -1 for what is no array at all."""
    try:
        return np.ndim(plain_array(value, "value"))
    except (TypeError, ValueError, MemoryError):  # a ragged list, a foreign object
        return -1


def shown(value: Any) -> str:
    """A value as an error text shows it: in a line, without the digits that Python refuses to write."""
    if isinstance(value, int) and value.bit_length() >= 200:
        return f"an integer of {value.bit_length()} bits"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # foreign objects raise what they like
        return f"a {type(value).__name__}"
    return text if len(text) <= 100 else f"{text[:97]}..."


def _foreign_scalar(value: Any, name: str, wanted: str, kinds: str) -> Any:
    """A value that may pass for a number: of an array without dimensions its one entry, by the dtype and not by what
    it can be turned into."""
    if isinstance(value, _NO_NUMBERS) or value is None:
        raise TypeError(f"{name} must be {wanted}, got {type(value).__name__}")
    if isinstance(value, (int, float, complex, np.integer, np.floating, np.complexfloating)):
        return value
    if hasattr(value, "__array__") or hasattr(value, "__dlpack__"):
        try:
            array = plain_array(value, name)
        except (TypeError, ValueError):
            raise TypeError(f"{name} must be {wanted}, got {type(value).__name__}") from None
        if array.ndim or array.dtype.kind not in kinds:
            real = "a real number" if array.dtype.kind == "c" and not array.ndim else wanted
            raise TypeError(f"{name} must be {real}, got {type(value).__name__} of dtype {array.dtype}")
        return array[()]
    if not hasattr(type(value), "__float__") and not hasattr(type(value), "__index__"):  # text to float(), or nothing
        raise TypeError(f"{name} must be {wanted}, got {type(value).__name__}")
    return value


def _in_order(values: Any, name: str, wanted: str, dimensions: int) -> Any:
    """A sequence, or an array of so many dimensions, whose items stand in an order; foreign arrays as plain ones."""
    if hasattr(values, "__array__") or hasattr(values, "__dlpack__"):
        try:
            values = plain_array(values, name)
        except (TypeError, ValueError):
            raise TypeError(f"{name} must be {wanted}, got {type(values).__name__}") from None
        if values.ndim != dimensions:
            raise TypeError(f"{name} must be {wanted}, got {shown(values)}")
    elif isinstance(values, _NO_ORDER) or is_bytes(values) or not isinstance(values, Sequence):
        raise TypeError(f"{name} must be {wanted}, got {shown(values)}")
    return values


def as_items_of(values: Any, name: str, wanted: str, length: int) -> list[Any]:
    """The items of a sequence or one-dimensional array of known length, whatever they are."""
    values = _in_order(values, name, wanted, 1)
    count = count_of(values)
    if count != length:
        if count and isinstance(values[0], (list, tuple, np.ndarray)):
            raise TypeError(f"{name} must be {wanted}, got {shown(values)}")
        raise ValueError(f"{name} must be {wanted}, got {count} values")
    return list(values)


def as_number(
    value: Any, name: str, low: float = -math.inf, high: float = math.inf, *, above: float | None = None,
    below: float | None = None,
) -> float:
    """A finite real number in [low, high] (and > ``above`` and < ``below``, where given)."""
    if type(value) is not float:
        value = _foreign_scalar(value, name, "a number", "iuf")
        if isinstance(value, (complex, np.complexfloating)):
            raise TypeError(f"{name} must be a real number, got {type(value).__name__}")
        try:
            value = float(value)
        except OverflowError:
            raise ValueError(f"{name} is too large for a float") from None
        except Exception:  # foreign objects raise what they like
            raise TypeError(f"{name} must be a number, got {type(value).__name__}") from None
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    if above is not None and not value > above:
        raise ValueError(f"{name} must be greater than {above:g}, got {value:g}")
    if below is not None and not value < below:
        raise ValueError(f"{name} must be less than {below:g}, got {value:g}")
    if not low <= value <= high:
        span = f"in [{low:g}, {high:g}]" if math.isfinite(high) else f"at least {low:g}"
        span = span if math.isfinite(low) else f"at most {high:g}"
        raise ValueError(f"{name} must be {span}, got {value:g}")
    return value  # type: ignore[no-any-return]


def as_threshold(value: Any, name: str = "iou_threshold") -> float:
    """A number in [0, 1]; both ends are legal."""
    if type(value) is float and 0.0 <= value <= 1.0:
        return value
    return as_number(value, name, 0.0, 1.0)


def as_weights(weights: Any, name: str = "weights") -> tuple[float, float, float, float]:
    """Four numbers, each greater than 0."""
    items = as_items_of(weights, name, "four numbers", 4)
    wx, wy, ww, wh = (as_number(weight, f"{name}[{i}]", above=0.0) for i, weight in enumerate(items))
    return wx, wy, ww, wh


def as_integer(value: Any, name: str, low: int | None = None, high: int = 2**53) -> int:
    """An integer (not a bool, not a whole float) in [low, high], and in any case one that float64 holds exactly."""
    try:
        value = operator.index(value if type(value) is int else _foreign_scalar(value, name, "an integer", "iu"))
    except Exception:  # foreign objects raise what they like
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}") from None
    if low is not None and value < low:
        raise ValueError(f"{name} must be at least {low}, got {shown(value)}")
    if value > high:
        raise ValueError(f"{name} must be at most {high}, got {shown(value)}")
    return int(value)


def as_offset(offset: Any) -> float:
    """The pixel rule: 0 for continuous coordinates, 1 for inclusive pixels."""
    if type(offset) is int and (offset == 0 or offset == 1):
        return float(offset)
    number = as_number(offset, "offset")
    if number not in (0.0, 1.0):
        raise ValueError(f"offset must be 0 or 1, got {number:g}")
    return number


def as_choice(value: Any, name: str, choices: Sequence[_Choice]) -> _Choice:
    """One of a few words."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {type(value).__name__}")
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {shown(value)}")
    return value  # type: ignore[return-value]


def as_dropping(on_invalid: Any) -> bool:
    """Whether bad rows are left out: ``on_invalid`` is "drop", not "raise"."""
    return as_choice(on_invalid, "on_invalid", ON_INVALID) == "drop"


def as_flag(value: Any, name: str) -> bool:
    """A single True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {type(value).__name__}")
    return bool(value)


def as_image_size(image_size: Any, name: str = "image_size") -> tuple[float, float]:
    """(height, width), each greater than 0."""
    height, width = as_items_of(image_size, name, "a pair (height, width)", 2)
    return as_number(height, f"{name}[0]", above=0.0), as_number(width, f"{name}[1]", above=0.0)


def as_grid_size(grid_size: Any, name: str = "grid_size") -> tuple[int, int]:
    """(rows, columns), whole numbers of at least 0."""
    rows, columns = as_items_of(grid_size, name, "a pair (rows, columns)", 2)
    return as_integer(rows, f"{name}[0]", 0, 2**31), as_integer(columns, f"{name}[1]", 0, 2**31)


def as_grid_sizes(values: Any, length: int, name: str = "grid_sizes") -> list[tuple[int, int]]:
    """One pair (rows, columns) for each of ``length`` strides."""
    values = _in_order(values, name, "a sequence of pairs (rows, columns)", 2)
    if count_of(values) != length:
        raise ValueError(f"{name} must hold {length} pairs, one a stride, got {count_of(values)}")
    return [as_grid_size(pair, f"{name}[{level}]") for level, pair in enumerate(values)]


def as_stride(stride: Any, name: str = "stride") -> tuple[float, float]:
    """A number greater than 0, or a pair of them, as (vertical, horizontal)."""
    if stride is None or isinstance(stride, (str, bytes)) or dimensions(stride) == 0:
        both = as_number(stride, name, above=0.0)
        return both, both
    down, right = as_items_of(stride, name, "a number or a pair (vertical, horizontal)", 2)
    return as_number(down, f"{name}[0]", above=0.0), as_number(right, f"{name}[1]", above=0.0)


def as_workers(workers: Any) -> int:
    """The number of threads: 1 is serial, -1 is every core that this process may use; more than make sense are not
    begun, because the result is the same."""
    if type(workers) is int and 0 < workers <= MOST_WORKERS:
        return workers
    count = as_integer(workers, "workers")
    if count == -1:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count < 1:
        raise ValueError(f"workers must be at least 1, or -1 for all cores, got {count}")
    return min(count, MOST_WORKERS)


def as_items(values: Any, name: str, wanted: str) -> list[Any]:
    """The items of whatever has an order: neither text nor a mapping, a set or a single number."""
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be a masked array: fill or compress it first")
    if not isinstance(values, Iterable) and (hasattr(values, "__array__") or hasattr(values, "__dlpack__")):
        values = plain_array(values, name)
    nothing = isinstance(values, _NO_ORDER) or is_bytes(values) or not isinstance(values, Iterable)
    if nothing or getattr(values, "ndim", 1) == 0:
        raise TypeError(f"{name} must be {wanted}, got {type(values).__name__}")
    if isinstance(values, range):
        check_memory(BYTES_A_NUMBER * count_of(values), f"{name} of {values}")
    try:
        return list(values)
    except Exception as error:  # foreign objects raise what they like
        raise TypeError(f"{name} must be {wanted}, and cannot be read: {error}") from error


def as_seed(seed: Any, name: str = "seed") -> int:
    """A seed for reproducible randomness, 0 ... 2**63 - 1."""
    return as_integer(seed, name, 0, 2**63 - 1)


def as_rng(seed: Any, name: str = "seed") -> np.random.Generator:
    """A generator of random numbers: the given one, or a fresh one for an integer."""
    return seed if isinstance(seed, np.random.Generator) else np.random.default_rng(as_seed(seed, name))


def as_path(value: Any, name: str = "path") -> Path:
    """A file's or folder's name: text or a path object."""
    try:
        text = os.fspath(value)
    except Exception:  # foreign objects raise what they like
        text = None
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str or a path, got {type(value).__name__}")
    try:
        known = bool(os.fsencode(text)) and "\0" not in text
    except UnicodeEncodeError:  # half a surrogate pair
        known = False
    if not known:
        raise ValueError(f"{name} is not a file name: {shown(text)}")
    return Path(text)
