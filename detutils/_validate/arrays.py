"""Arrays of numbers, labels, flags and names in the canonical form that kernels take."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Set
from itertools import chain
from operator import countOf
from typing import Any

import numpy as np
import numpy.typing as npt

from detutils._jit import B1, F8, I8
from detutils._kernels.checks import first_not_finite, first_not_finite_float32
from detutils._kernels.limits import LIMIT
from detutils._validate.memory import ALWAYS_FITS, check_memory

Array = npt.NDArray[Any]
FLOAT64 = np.dtype(np.float64)
FLOAT32 = np.dtype(np.float32)
INT64 = np.dtype(np.int64)
BOOL = np.dtype(np.bool_)
NDARRAY = np.ndarray  # looking it up in NumPy costs a tenth of a small check
EXACT_INTEGERS = 2**53  # beyond it float64 skips integers
MOST_INT64 = 2**63 - 1
MOST_NAMES = 10_000_000
_DEEPEST = 8  # of lists in lists; no array here has more than three dimensions
BYTES_A_NUMBER = 40  # of a list of Python's integers
_NUMBERS = (int, float, np.integer, np.floating)
_NO_NUMBERS = (bool, np.timedelta64)  # although they are integers to Python and NumPy
_NO_ITEMS = {bool, np.bool_, np.ma.MaskedArray, type(np.ma.masked)}
_PLAIN_ITEMS = {int, float, np.float64, np.float32, np.int64}
_PACKED = {float: ("d", FLOAT64), int: ("q", INT64)}
_CLASSES = "; np.unique(..., return_inverse=True)[1] numbers classes of any kind"


def plain_array(value: Any, name: str) -> Array:
    """Any array-like as a plain ndarray of whatever dtype."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be a masked array: fill or compress it first")
    if isinstance(value, range):
        check_memory(BYTES_A_NUMBER * count_of(value), f"{name} of {value}")
    elif isinstance(value, (list, tuple)):
        _check_depth(value, name)
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            array = np.from_dlpack(value)
        else:
            array = np.asarray(value)
    except MemoryError:
        raise MemoryError(f"{name} is larger than the memory that is free") from None
    except ValueError:
        raise ValueError(f"{name} is not a rectangular array") from None
    except OverflowError:
        raise ValueError(f"{name} holds integers beyond 64 bits") from None
    except Exception as error:  # foreign arrays raise what they like (a GPU tensor, one that requires grad)
        raise TypeError(f"{name} cannot be read as an array: {error}") from error
    return array


def is_bytes(value: Any) -> bool:
    """Whether a value is text in bytes, which NumPy may take for an array of small integers."""
    return isinstance(value, (bytes, bytearray)) or (isinstance(value, memoryview) and value.format in ("B", "b", "c"))


def count_of(value: Any) -> int:
    """``len``, which overflows for ranges beyond 64 bits."""
    return max(0, -((value.start - value.stop) // value.step)) if isinstance(value, range) else len(value)


def _check_depth(value: Any, name: str) -> None:
    """Refuse a list that holds itself: NumPy would follow two such items 2**64 times."""
    for _ in range(_DEEPEST):
        if not isinstance(value, (list, tuple)) or not value:
            return
        value = value[0]
    raise ValueError(f"{name} is not a rectangular array: its lists lie more than {_DEEPEST} deep")


def _refuse_items(values: Any, name: str, hint: str, depth: int = 2) -> None:
    """Refuse what NumPy would silently turn into numbers next to others in a list: truth values, masked entries."""
    kinds = set(map(type, values))
    if not kinds.isdisjoint(_NO_ITEMS):
        text = ", ".join(sorted(kind.__name__ for kind in kinds & _NO_ITEMS))
        raise TypeError(f"{name} must hold real numbers, got {text}{hint}")
    if kinds <= _PLAIN_ITEMS:
        return
    for item in values:
        if isinstance(item, (list, tuple)) and depth:
            _refuse_items(item, name, hint, depth - 1)
        elif isinstance(item, np.ndarray) and item.dtype.kind not in "iuf" and item.size:
            as_array(item, name, hint)


def _table_of(rows: Any) -> Array | None:
    """A list of equally long lists of Python's floats, or of its integers, as an array; None for anything else. What is
    nothing else needs no look at each item, which takes most of the time that a small list takes."""
    count = len(rows)
    kind = type(rows[0]) if count else None
    if (kind is not list and kind is not tuple) or countOf(map(type, rows), kind) != count:
        return None
    width = len(rows[0])
    if not width or countOf(map(len, rows), width) != count:
        return None
    code, dtype = _PACKED.get(type(rows[0][0]), ("", None))
    numbers = list(chain.from_iterable(rows))
    if dtype is None or countOf(map(type, numbers), type(numbers[0])) != len(numbers):
        return None
    table = np.empty((count, width), dtype)
    try:
        struct.pack_into(f"{len(numbers)}{code}", table, 0, *numbers)
    except struct.error:  # an integer beyond 64 bits
        return None
    return table


def _numbers_of(array: Array, name: str, hint: str) -> Array:
    """An array of objects that are plain numbers, as a list of them."""
    kinds = set(map(type, array.flat))
    wrong = [kind for kind in kinds if not issubclass(kind, _NUMBERS) or issubclass(kind, _NO_NUMBERS)]
    if wrong:
        text = ", ".join(sorted(kind.__name__ for kind in wrong))
        raise TypeError(f"{name} must hold real numbers, got objects of type {text}{hint}")
    try:
        plain = np.array(array.tolist())
    except OverflowError:
        plain = array
    if plain.dtype.kind == "O":
        raise ValueError(f"{name} holds integers beyond 64 bits")
    return plain.reshape(array.shape)


def as_array(value: Any, name: str, hint: str = "") -> Array:
    """Any array-like as a plain ndarray of a real, numeric dtype."""
    if value is None:
        raise TypeError(f"{name} must be an array of numbers, got None")
    if isinstance(value, (list, tuple)):
        table = _table_of(value)
        if table is not None:
            return table
        _refuse_items(value, name, hint)
    elif is_bytes(value):
        raise TypeError(f"{name} must hold real numbers, got {type(value).__name__}{hint}")
    array = plain_array(value, name)
    if array.dtype.kind == "O":
        array = _numbers_of(array, name, hint) if array.ndim else array
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}{hint}")
    return array


def in_canonical_form(array: Array, dtype: Any, name: str) -> Array:
    """C-contiguous, aligned, writable, of this dtype; a copy only where it is something else and fits into memory."""
    same = array.dtype == dtype
    if same and array.flags.carray:
        return array
    size = array.size * dtype.itemsize
    if size >= ALWAYS_FITS:
        check_memory(size, f"{name} of shape {array.shape} as {dtype}")
    if same:
        return array.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        return array.astype(dtype, order="C")


def as_floats(value: Any, name: str, keep_float32: bool) -> Array:
    array = as_array(value, name)
    dtype = FLOAT32 if keep_float32 and array.dtype == FLOAT32 else FLOAT64
    ready = in_canonical_form(array, dtype, name)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size:
        if int(array.max()) > EXACT_INTEGERS or int(array.min()) < -EXACT_INTEGERS:
            raise ValueError(f"{name} holds integers beyond 2**53, which float64 cannot tell apart")
    return ready.view(dtype)  # arrays whose bytes were swapped bring an equal dtype that is another object


def is_ready(value: Any, keep_float32: bool) -> bool:
    """Whether a value is in canonical form already, in a tenth of a microsecond."""
    return (
        type(value) is np.ndarray
        and (value.dtype is FLOAT64 or (keep_float32 and value.dtype is FLOAT32))
        and value.flags.carray
    )


def as_vector(
    values: Any, name: str = "scores", length: int | None = None, *, keep_float32: bool = False, finite: bool = True
) -> Array:
    """``values`` as a finite (N,) float64 vector (or float32 if it was and may stay)."""
    if not is_ready(values, keep_float32):
        values = as_floats(values, name, keep_float32)
    if values.ndim != 1 or (length is not None and values.shape[0] != length):
        raise ValueError(f"{name} must have shape ({'N' if length is None else length},), got {values.shape}")
    if finite:
        row = first_not_finite(values) if values.dtype == FLOAT64 else first_not_finite_float32(values)
        if row >= 0:
            raise ValueError(f"{name}[{row}] is not finite: {values[row]}")
    return values  # type: ignore[no-any-return]


def as_matrix(
    values: Any, name: str, rows: int | None = None, columns: int | None = None, *, keep_float32: bool = False,
    finite: bool = True,
) -> Array:
    """``values`` as a finite (rows, columns) float64 matrix (or float32 if it was and may stay)."""
    array: Array = values if is_ready(values, keep_float32) else as_floats(values, name, keep_float32)
    if rows == 0 and array.shape == (0,):  # no rows, written as []
        array = array.reshape(0, 4 if columns is None else columns)
    if array.ndim != 2 or (rows is not None and array.shape[0] != rows) or (
        columns is not None and array.shape[1] != columns
    ):
        wanted = f"({'N' if rows is None else rows}, {'D' if columns is None else columns})"
        raise ValueError(f"{name} must have shape {wanted}, got {array.shape}")
    return finite_matrix(array, name, 0) if finite else array


def finite_matrix(array: Array, name: str, first_row: int) -> Array:
    flat = array.reshape(-1)
    bad = first_not_finite(flat) if array.dtype == FLOAT64 else first_not_finite_float32(flat)
    if bad >= 0:
        row, column = divmod(int(bad), array.shape[1])
        raise ValueError(f"{name}[{first_row + row}, {column}] is not finite: {flat[bad]}")
    return array


def as_table(values: Any, name: str, rows: int | None = None, columns: int | None = None) -> Array:
    """``values`` as a (rows, columns) array in the dtype and layout that it has: too large to copy, so
    ``check_table_block`` looks at its numbers a block at a time."""
    array = as_array(values, name)
    wanted = f"({'N' if rows is None else rows}, {'D' if columns is None else columns})"
    if array.ndim != 2 or (rows is not None and array.shape[0] != rows) or (
        columns is not None and array.shape[1] != columns
    ):
        raise ValueError(f"{name} must have shape {wanted}, got {array.shape}")
    if array.shape[1] == 0:
        raise ValueError(f"{name} must have at least one column, got {array.shape}")
    return array


def check_table_block(block: Array, name: str, first_row: int) -> Array:
    """A block of rows of a table as finite float64 or float32 numbers (copied only where it is something else)."""
    return finite_matrix(as_floats(block, name, True), name, first_row)


def as_positive(values: Any, name: str, length: int | None = None) -> F8:
    """A (N,) float64 vector of finite numbers, each greater than 0."""
    vector = as_vector(values, name, length)
    if vector.size and not vector.min() > 0.0:
        row = int(np.argmax(vector <= 0.0))
        raise ValueError(f"{name}[{row}] must be greater than 0, got {vector[row]:g}")
    return vector


def as_labels(labels: Any, name: str = "labels", length: int | None = None) -> I8:
    """Class labels as (N,) int64: integers, or floats that are whole numbers."""
    if not (type(labels) is np.ndarray and labels.dtype == INT64 and labels.flags.carray):
        array = as_array(labels, name, _CLASSES)
        labels = _as_int64(array, name)
        if array.dtype.kind == "f" and array.ndim == 1:
            _check_whole(array, name)
    if labels.ndim != 1 or (length is not None and labels.shape[0] != length):
        raise ValueError(f"{name} must have shape ({'N' if length is None else length},), got {labels.shape}")
    return labels  # type: ignore[no-any-return]


def _check_whole(array: Array, name: str) -> None:
    with np.errstate(invalid="ignore", over="ignore"):
        wide = array.astype(FLOAT64)
        bad = np.flatnonzero(~((np.rint(wide) == wide) & (np.abs(wide) <= EXACT_INTEGERS)))
    if bad.size:
        value = float(array[bad[0]])
        if not math.isfinite(value):
            raise ValueError(f"{name}[{bad[0]}] is not finite: {value}")
        if abs(value) > EXACT_INTEGERS:
            raise ValueError(f"{name}[{bad[0]}] is beyond 2**53, where floats skip integers: {value:g}")
        raise TypeError(f"{name} must be integers or whole numbers, got {value} at {name}[{bad[0]}]{_CLASSES}")


def _as_int64(array: Array, name: str) -> I8:
    ready = in_canonical_form(array, INT64, name)
    if array.dtype.kind == "u" and array.dtype.itemsize == 8 and array.size and int(array.max()) > MOST_INT64:
        raise ValueError(f"{name} holds integers beyond int64")
    return ready


def as_votes(values: F8, name: str) -> F8:
    """Weights of a mean: a checked vector of numbers from 0 to 1e150, whose sums of products stay finite."""
    bad = np.flatnonzero(~((values >= 0.0) & (values <= LIMIT)))
    if bad.size:
        raise ValueError(f"{name}[{bad[0]}] must be in [0, {LIMIT:g}], got {values[bad[0]]:g}")
    return values


def as_indices(values: Any, name: str, length: int) -> I8:
    """A (K,) int64 vector of indices 0 ... length - 1; negative ones are refused."""
    array = as_array(values, name)
    if array.dtype.kind == "f" and array.size:
        raise TypeError(f"{name} must be integers, got dtype {array.dtype}")
    indices = as_labels(array, name)
    if indices.size and not 0 <= int(indices.min()) <= int(indices.max()) < length:
        row = int(np.argmax((indices < 0) | (indices >= length)))
        raise ValueError(f"{name}[{row}] must be in [0, {length - 1}], got {indices[row]}")
    return indices


def as_flags(flags: Any, name: str, length: int | None = None) -> B1:
    """A (N,) vector of booleans."""
    if flags is None:
        raise TypeError(f"{name} must be an array of booleans, got None")
    array = plain_array(flags, name)
    if array.dtype.kind == "O" and array.ndim and {bool, np.bool_}.issuperset(map(type, array.flat)):
        array = array.astype(np.bool_)  # as pandas keeps flags that may be missing
    if array.dtype != np.bool_ and (array.size or array.dtype.kind not in "iufO"):
        raise TypeError(f"{name} must be booleans, got dtype {array.dtype}")
    if array.ndim != 1 or (length is not None and array.shape[0] != length):
        raise ValueError(f"{name} must have shape ({'N' if length is None else length},), got {array.shape}")
    return in_canonical_form(array, BOOL, name)


def as_marks(marks: Any, name: str, length: int) -> B1:
    """As ``as_flags``; 0 and 1 count as well, as files write them."""
    array = plain_array(marks, name)
    if array.shape != (length,):
        raise ValueError(f"{name} must have shape ({length},), got {array.shape}")
    if array.dtype.kind == "O" and all(isinstance(value, (int, np.integer, np.bool_)) for value in array):
        array = np.array(array.tolist())
    if array.size and array.dtype.kind not in "biu":
        raise TypeError(f"{name} must be booleans, got dtype {array.dtype}")
    if array.dtype.kind != "b" and not ((array == 0) | (array == 1)).all():
        raise ValueError(f"{name} must be 0 or 1")
    return array.astype(np.bool_)


def as_out(out: Any, shape: tuple[int, ...], dtype: npt.DTypeLike, name: str = "out", *, of: str = "") -> Array:
    """An array to write a result into: allocated if None, else of exactly this shape and dtype.

    ``of`` names what the result is computed from, for the text that refuses one beyond the memory.
    """
    dtype = np.dtype(dtype)
    if out is None:
        size = math.prod(shape) * dtype.itemsize
        if size >= ALWAYS_FITS:
            check_memory(size, f"a {shape} {dtype} result" + (f" of {of}" if of else ""))
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a NumPy array, got {type(out).__name__}")
    if out.shape != shape or out.dtype != dtype:
        raise ValueError(f"{name} must have shape {shape} and dtype {dtype}, got {out.shape} and {out.dtype}")
    if not out.flags.carray:
        raise ValueError(f"{name} must be C-contiguous, aligned and writable")
    return out


def check_apart(out: Any, name: str, *arrays: Array) -> None:
    """Refuse an ``out`` that shares memory with what is read while it is written."""
    if out is not None and any(np.may_share_memory(out, array) for array in arrays):
        raise ValueError(f"{name} must not share memory with the other arguments")


def as_names(values: Any, name: str = "labels", length: int | None = None) -> list[str]:
    """A sequence of words or whole numbers, as words."""
    if hasattr(values, "__array__") or hasattr(values, "__dlpack__"):
        values = plain_array(values, name)  # a foreign array's items would be of a kind of their own
        if values.dtype.kind == "f" and values.ndim == 1:
            values = as_labels(values, name)
    scalar = isinstance(values, np.ndarray) and values.ndim == 0
    without_order = isinstance(values, (str, bytes, bytearray, memoryview, Mapping, Set))  # or no names inside
    if without_order or scalar or not isinstance(values, Iterable) or not hasattr(values, "__len__"):
        raise TypeError(f"{name} must be a sequence of str or int, got {type(values).__name__}")
    count = count_of(values)
    if length is not None and count != length:
        raise ValueError(f"{name} must hold {length} names, got {count}")
    if count > MOST_NAMES:
        raise ValueError(f"{name} must hold at most {MOST_NAMES:,} names, got {count:,}")
    words = []
    for i, value in enumerate(values):
        if isinstance(value, (float, np.floating)) and abs(float(value)) <= EXACT_INTEGERS:
            value = int(value) if float(value).is_integer() else value  # a label that a list of floats holds
        if not isinstance(value, (str, int, np.integer)) or isinstance(value, _NO_NUMBERS):
            raise TypeError(f"{name}[{i}] must be a str or an int, got {type(value).__name__}")
        if isinstance(value, int) and value.bit_length() > 64:
            raise ValueError(f"{name}[{i}] is an integer beyond 64 bits")
        words.append(str(value))
    return words


def as_class_names(values: Any, name: str = "class_names") -> list[str]:
    """The names of classes, each once: a label is a place in them."""
    names = as_names(values, name)
    seen: set[str] = set()
    for word in names:
        if word in seen:
            raise ValueError(f"{name} holds {word!r} twice")
        seen.add(word)
    return names
