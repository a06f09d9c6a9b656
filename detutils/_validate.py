"""Every check of a user's argument and every error text, in one place.

The functions named ``as_*`` return the argument in the canonical form that kernels take (C-contiguous, aligned,
writable, native byte order) and copy only when it is not in that form already. Nothing here changes its input.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from detutils._jit import B1, F8, I8
from detutils._kernels.checks import (
    LIMIT,
    first_bad_box,
    first_bad_box_float32,
    first_not_finite,
    first_not_finite_float32,
    good_boxes,
)

Array = npt.NDArray[Any]
FLOAT64 = np.dtype(np.float64)
FLOAT32 = np.dtype(np.float32)
INT64 = np.dtype(np.int64)
NDARRAY = np.ndarray  # looking it up in NumPy costs a tenth of a small check
EXACT_INTEGERS = 2**53  # beyond it float64 skips integers
ALWAYS_FITS = 1 << 28  # bytes that are allocated without asking how many are free

_Choice = TypeVar("_Choice", bound=str)


# ---- arrays of numbers -------------------------------------------------------------------------------------------

def _as_array(value: Any, name: str) -> Array:
    """Any array-like as a plain ndarray of a real, numeric dtype."""
    if value is None:
        raise TypeError(f"{name} must be an array of numbers, got None")
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be a masked array: fill or compress it first")
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            array = np.from_dlpack(value)
        else:
            array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not a rectangular array: {error}") from None
    except Exception as error:  # foreign arrays raise what they like (a GPU tensor, one that requires grad)
        raise TypeError(f"{name} cannot be read as an array: {error}") from error
    if array.dtype.kind == "O" and array.size and all(type(item) is int for item in array.flat):
        raise ValueError(f"{name} holds integers beyond 64 bits")
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array


def _as_floats(value: Any, name: str, keep_float32: bool) -> Array:
    array = _as_array(value, name)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size:
        if int(array.max()) > EXACT_INTEGERS or int(array.min()) < -EXACT_INTEGERS:
            raise ValueError(f"{name} holds integers beyond 2**53, which float64 cannot tell apart")
    dtype = FLOAT32 if keep_float32 and array.dtype == FLOAT32 else FLOAT64
    with np.errstate(over="ignore", invalid="ignore"):
        return np.require(array, dtype, ["C_CONTIGUOUS", "ALIGNED", "WRITEABLE"])


def _is_ready(value: Any, keep_float32: bool) -> bool:
    """Whether a value is in canonical form already, in a tenth of a microsecond."""
    return (
        type(value) is np.ndarray
        and (value.dtype == FLOAT64 or (keep_float32 and value.dtype == FLOAT32))
        and value.flags.carray
    )


def as_boxes(boxes: Any, name: str = "boxes", *, keep_float32: bool = False, check_rows: bool = True) -> Array:
    """``boxes`` as (N, 4) float64, or float32 if it was and may stay; every row finite, ordered and in range."""
    if not _is_ready(boxes, keep_float32):
        boxes = _as_floats(boxes, name, keep_float32)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        if boxes.shape == (0,):  # no detections, written as []
            boxes = boxes.reshape(0, 4)
        else:
            raise ValueError(f"{name} must have shape (N, 4), got {boxes.shape}")
    if check_rows:
        row = first_bad_box(boxes) if boxes.dtype == FLOAT64 else first_bad_box_float32(boxes)
        if row >= 0:
            raise_bad_box(boxes, row, name)
    return boxes  # type: ignore[no-any-return]


def is_ready_pair(boxes1: Any, boxes2: Any) -> bool:
    """Whether ``as_box_pair`` would return the arguments as they are: what most calls bring."""
    if type(boxes1) is not NDARRAY or type(boxes2) is not NDARRAY:
        return False
    dtype = boxes1.dtype
    return (
        (dtype == FLOAT32 or dtype == FLOAT64)
        and dtype == boxes2.dtype
        and boxes1.flags.carray
        and boxes2.flags.carray
        and boxes1.ndim == boxes2.ndim == 2
        and boxes1.shape[1] == boxes2.shape[1] == 4
    )


def as_box_pair(
    boxes1: Any,
    boxes2: Any,
    name1: str = "boxes1",
    name2: str = "boxes2",
    *,
    aligned: bool = False,
    check_rows: bool = True,
) -> tuple[Array, Array]:
    """Two sets of boxes of one dtype: float32 if both were, else float64; of one length if ``aligned``."""
    first = as_boxes(boxes1, name1, keep_float32=True, check_rows=check_rows)
    second = as_boxes(boxes2, name2, keep_float32=True, check_rows=check_rows)
    if first.dtype != second.dtype:
        first, second = first.astype(FLOAT64, copy=False), second.astype(FLOAT64, copy=False)
    if aligned and first.shape[0] != second.shape[0]:
        lengths = f"{first.shape[0]} and {second.shape[0]}"
        raise ValueError(f"{name1} and {name2} must have the same length, got {lengths}")
    return first, second


def raise_bad_box(boxes: Array, row: int, name: str = "boxes") -> NoReturn:
    """The error for the first bad row, naming what is wrong with it."""
    x1, y1, x2, y2 = (float(value) for value in boxes[row])
    text = f"[{x1:g}, {y1:g}, {x2:g}, {y2:g}]"
    if not all(math.isfinite(value) for value in (x1, y1, x2, y2)):
        raise ValueError(f"{name}[{row}] is not finite: {text}")
    if max(abs(x1), abs(y1), abs(x2), abs(y2)) > LIMIT:
        raise ValueError(f"{name}[{row}] has a coordinate beyond {LIMIT:g}: {text}")
    side = "x2 < x1" if x2 < x1 else "y2 < y1"
    raise ValueError(f"{name}[{row}] has {side}: {text} (boxes are x1, y1, x2, y2)")


def raise_bad_conversion(boxes: Array, row: int, in_fmt: str, out_fmt: str) -> NoReturn:
    """The error for the first row that cannot be converted between formats."""
    values = [float(value) for value in boxes[row]]
    text = "[" + ", ".join(f"{value:g}" for value in values) + "]"
    if in_fmt.startswith("xyxy"):
        wrong = not (values[0] <= values[2] and values[1] <= values[3])
    else:
        wrong = not (values[2] >= 0.0 and values[3] >= 0.0)
        if wrong and all(map(math.isfinite, values)):
            raise ValueError(f"boxes[{row}] has a negative width or height: {text} (boxes are {in_fmt})")
    if wrong or not max(map(abs, values)) <= LIMIT:
        raise_bad_box(boxes, row)
    raise ValueError(f"boxes[{row}] is out of the range of {boxes.dtype} as {out_fmt}: {text}")


def raise_unencodable(boxes: Array, anchors: Array, row: int, offset: float) -> NoReturn:
    """The error for the first box that is no displacement of its anchor."""
    for name, rows in (("anchors", anchors), ("boxes", boxes)):
        x1, y1, x2, y2 = (float(value) for value in rows[row])
        if not (x2 - x1 + offset > 0.0 and y2 - y1 + offset > 0.0):
            text = f"[{x1:g}, {y1:g}, {x2:g}, {y2:g}]"
            raise ValueError(f"{name}[{row}] has no width or no height and cannot be encoded: {text}")
    raise ValueError(f"boxes[{row}] is too far from anchors[{row}] for deltas in {boxes.dtype}")


def check_sides(boxes: Array, name: str, offset: float) -> None:
    """Refuse boxes that nothing can be encoded against."""
    bad = np.flatnonzero(~((boxes[:, 2:] - boxes[:, :2] + offset > 0.0).all(axis=1)))
    if bad.size:
        text = ", ".join(f"{value:g}" for value in boxes[bad[0]].tolist())
        raise ValueError(f"{name}[{bad[0]}] has no width or no height: [{text}]")


def raise_undecodable(deltas: Array, anchors: Array, row: int) -> NoReturn:
    """The error for the first deltas that lead out of the range of numbers."""
    text = ", ".join(f"{value:g}" for value in anchors[row].tolist())
    raise ValueError(
        f"deltas[{row}] move anchors[{row}] [{text}] out of the range of {deltas.dtype}: "
        f"{np.array2string(deltas[row], threshold=8, precision=6)}"
    )


def as_vector(
    values: Any, name: str = "scores", length: int | None = None, *, keep_float32: bool = False, finite: bool = True
) -> Array:
    """``values`` as a finite (N,) float64 vector (or float32 if it was and may stay)."""
    if not _is_ready(values, keep_float32):
        values = _as_floats(values, name, keep_float32)
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
    array: Array = values if _is_ready(values, keep_float32) else _as_floats(values, name, keep_float32)
    if array.ndim != 2 or (rows is not None and array.shape[0] != rows) or (
        columns is not None and array.shape[1] != columns
    ):
        wanted = f"({'N' if rows is None else rows}, {'D' if columns is None else columns})"
        raise ValueError(f"{name} must have shape {wanted}, got {array.shape}")
    return _finite_matrix(array, name, 0) if finite else array


def _finite_matrix(array: Array, name: str, first_row: int) -> Array:
    flat = array.reshape(-1)
    bad = first_not_finite(flat) if array.dtype == FLOAT64 else first_not_finite_float32(flat)
    if bad >= 0:
        row, column = divmod(int(bad), array.shape[1])
        raise ValueError(f"{name}[{first_row + row}, {column}] is not finite: {flat[bad]}")
    return array


def as_table(values: Any, name: str, rows: int | None = None, columns: int | None = None) -> Array:
    """``values`` as a (rows, columns) array in the dtype and layout that it has: too large to copy, so
    ``check_table_block`` looks at its numbers a block at a time."""
    array = _as_array(values, name)
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
    return _finite_matrix(_as_floats(block, name, True), name, first_row)


def as_positive(values: Any, name: str, length: int | None = None) -> F8:
    """A (N,) float64 vector of finite numbers, each greater than 0."""
    vector = as_vector(values, name, length)
    if vector.size and not vector.min() > 0.0:
        row = int(np.argmax(vector <= 0.0))
        raise ValueError(f"{name}[{row}] must be greater than 0, got {vector[row]:g}")
    return vector


def as_sizes(sizes: Any, boxes: F8, name: str = "sizes") -> F8:
    """Widths and heights of boxes: computed if None, else what differs from x2 - x1 and y2 - y1 by rounding only."""
    computed = boxes[:, 2:] - boxes[:, :2]
    if sizes is None:
        return computed
    given = as_matrix(sizes, name, boxes.shape[0], 2)
    slack = 4.0 * np.spacing(np.maximum(np.abs(boxes[:, 2:]), np.abs(boxes[:, :2])))
    wrong = np.flatnonzero((np.abs(given - computed) > slack).any(axis=1))
    if wrong.size:
        raise ValueError(f"{name}[{wrong[0]}] is {given[wrong[0]]}, but its box is {computed[wrong[0]]}")
    return given


def as_labels(labels: Any, name: str = "labels", length: int | None = None) -> I8:
    """Integer class labels as (N,) int64; floats are refused even where they are whole."""
    if not (type(labels) is np.ndarray and labels.dtype == INT64 and labels.flags.carray):
        array = _as_array(labels, name)
        if array.dtype.kind not in "iu" and array.size:
            raise TypeError(f"{name} must be integers, got dtype {array.dtype}")
        if array.dtype == np.uint64 and array.size and int(array.max()) > np.iinfo(np.int64).max:
            raise ValueError(f"{name} holds integers beyond int64")
        labels = np.require(array, INT64, ["C_CONTIGUOUS", "ALIGNED", "WRITEABLE"])
    if labels.ndim != 1 or (length is not None and labels.shape[0] != length):
        raise ValueError(f"{name} must have shape ({'N' if length is None else length},), got {labels.shape}")
    return labels  # type: ignore[no-any-return]


def as_votes(values: F8, name: str) -> F8:
    """Weights of a mean: a checked vector of numbers from 0 to 1e150, whose sums of products stay finite."""
    bad = np.flatnonzero(~((values >= 0.0) & (values <= LIMIT)))
    if bad.size:
        raise ValueError(f"{name}[{bad[0]}] must be in [0, {LIMIT:g}], got {values[bad[0]]:g}")
    return values


def as_indices(values: Any, name: str, length: int) -> I8:
    """A (K,) int64 vector of indices 0 ... length - 1; negative ones are refused."""
    indices = as_labels(values, name)
    if indices.size and not 0 <= int(indices.min()) <= int(indices.max()) < length:
        row = int(np.argmax((indices < 0) | (indices >= length)))
        raise ValueError(f"{name}[{row}] must be in [0, {length - 1}], got {indices[row]}")
    return indices


def as_models(boxes: Any, scores: Any, labels: Any) -> list[tuple[F8, F8, I8]]:
    """The boxes, scores and labels of several models, one array each; labels 0 if None."""
    for name, value in (("boxes", boxes), ("scores", scores), ("labels", labels)):
        if value is not None and (isinstance(value, (str, bytes)) or not isinstance(value, Sequence | np.ndarray)):
            raise TypeError(f"{name} must be a sequence with one array a model, got {type(value).__name__}")
        if value is None and name != "labels":
            raise TypeError(f"{name} must be a sequence with one array a model, got None")
        if value is not None and len(value) != len(boxes):
            raise ValueError(f"{name} must have one array a model: {len(boxes)}, got {len(value)}")
    models = []
    for i, rows in enumerate(boxes):
        rows = as_boxes(rows, f"boxes[{i}]")
        n = rows.shape[0]
        names = np.zeros(n, np.int64) if labels is None else as_labels(labels[i], f"labels[{i}]", n)
        models.append((rows, as_vector(scores[i], f"scores[{i}]", n), names))
    return models


def as_flags(flags: Any, name: str, length: int | None = None) -> B1:
    """A (N,) vector of booleans."""
    if flags is None:
        raise TypeError(f"{name} must be an array of booleans, got None")
    array = np.asarray(flags)
    if array.dtype != np.bool_ and array.size:
        raise TypeError(f"{name} must be booleans, got dtype {array.dtype}")
    if array.ndim != 1 or (length is not None and array.shape[0] != length):
        raise ValueError(f"{name} must have shape ({'N' if length is None else length},), got {array.shape}")
    return np.require(array, np.bool_, ["C_CONTIGUOUS", "ALIGNED", "WRITEABLE"])


def as_out(out: Any, shape: tuple[int, ...], dtype: npt.DTypeLike, name: str = "out") -> Array:
    """An array to write a result into: allocated if None, else of exactly this shape and dtype."""
    dtype = np.dtype(dtype)
    if out is None:
        size = math.prod(shape) * dtype.itemsize
        if size >= ALWAYS_FITS:
            check_memory(size, f"a {shape} {dtype} result")
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray):
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


def valid_rows(boxes: F8, scores: F8 | None = None) -> I8:
    """Indices of the rows that fulfil the contract, for ``on_invalid="drop"``."""
    good = good_boxes(boxes)
    if scores is not None:
        good &= np.isfinite(scores)
    return np.flatnonzero(good)


# ---- single values -----------------------------------------------------------------------------------------------

def as_number(
    value: Any, name: str, low: float = -math.inf, high: float = math.inf, *, above: float | None = None,
    below: float | None = None,
) -> float:
    """A finite real number in [low, high] (and > ``above`` and < ``below``, where given)."""
    if type(value) is not float:
        if isinstance(value, (bool, np.bool_, str, bytes)) or value is None or np.ndim(value) != 0:
            raise TypeError(f"{name} must be a number, got {type(value).__name__}")
        if isinstance(value, (complex, np.complexfloating)):
            raise TypeError(f"{name} must be a real number, got {type(value).__name__}")
        try:
            value = float(value)
        except OverflowError:
            raise ValueError(f"{name} is too large for a float") from None
        except (TypeError, ValueError):
            raise TypeError(f"{name} must be a number, got {type(value).__name__}") from None
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    if above is not None and not value > above:
        raise ValueError(f"{name} must be greater than {above:g}, got {value:g}")
    if below is not None and not value < below:
        raise ValueError(f"{name} must be less than {below:g}, got {value:g}")
    if not low <= value <= high:
        span = f"in [{low:g}, {high:g}]" if math.isfinite(high) else f"at least {low:g}"
        raise ValueError(f"{name} must be {span}, got {value:g}")
    return value  # type: ignore[no-any-return]


def as_threshold(value: Any, name: str = "iou_threshold") -> float:
    """A number in [0, 1]; both ends are legal."""
    if type(value) is float and 0.0 <= value <= 1.0:
        return value
    return as_number(value, name, 0.0, 1.0)


def as_weights(weights: Any, name: str = "weights") -> tuple[float, float, float, float]:
    """Four numbers, each greater than 0."""
    if weights is None or isinstance(weights, (str, bytes)) or np.ndim(weights) != 1:
        raise TypeError(f"{name} must be four numbers, got {weights!r}")
    if len(weights) != 4:
        raise ValueError(f"{name} must be four numbers, got {len(weights)}")
    wx, wy, ww, wh = (as_number(weight, f"{name}[{i}]", above=0.0) for i, weight in enumerate(weights))
    return wx, wy, ww, wh


def as_integer(value: Any, name: str, low: int | None = None, high: int | None = None) -> int:
    """An integer (not a bool, not a whole float) in [low, high]."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}")
    try:
        value = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}") from None
    if low is not None and value < low:
        raise ValueError(f"{name} must be at least {low}, got {value}")
    if high is not None and value > high:
        raise ValueError(f"{name} must be at most {high}, got {value}")
    return int(value)


def as_offset(offset: Any) -> float:
    """The pixel rule: 0 for continuous coordinates, 1 for inclusive pixels."""
    if type(offset) is int and (offset == 0 or offset == 1):
        return float(offset)
    number = as_number(offset, "offset")
    if number not in (0.0, 1.0):
        raise ValueError(f"offset must be 0 or 1, got {offset}")
    return number


def as_choice(value: Any, name: str, choices: Sequence[_Choice]) -> _Choice:
    """One of a few words."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {type(value).__name__}")
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return value  # type: ignore[return-value]


def as_flag(value: Any, name: str) -> bool:
    """A single True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {type(value).__name__}")
    return bool(value)


def as_image_size(image_size: Any, name: str = "image_size") -> tuple[float, float]:
    """(height, width), each greater than 0."""
    if isinstance(image_size, (str, bytes)) or image_size is None or np.ndim(image_size) != 1:
        raise TypeError(f"{name} must be a pair (height, width), got {image_size!r}")
    if len(image_size) != 2:
        raise ValueError(f"{name} must be a pair (height, width), got {len(image_size)} values")
    height, width = image_size
    return as_number(height, f"{name}[0]", above=0.0), as_number(width, f"{name}[1]", above=0.0)


def as_grid_size(grid_size: Any, name: str = "grid_size") -> tuple[int, int]:
    """(rows, columns), whole numbers of at least 0."""
    if isinstance(grid_size, (str, bytes)) or grid_size is None or np.ndim(grid_size) != 1:
        raise TypeError(f"{name} must be a pair (rows, columns), got {grid_size!r}")
    if len(grid_size) != 2:
        raise ValueError(f"{name} must be a pair (rows, columns), got {len(grid_size)} values")
    rows, columns = grid_size
    return as_integer(rows, f"{name}[0]", 0, 2**31), as_integer(columns, f"{name}[1]", 0, 2**31)


def as_grid_sizes(values: Any, length: int, name: str = "grid_sizes") -> list[tuple[int, int]]:
    """One pair (rows, columns) for each of ``length`` strides."""
    if isinstance(values, (str, bytes)) or values is None or not hasattr(values, "__len__"):
        raise TypeError(f"{name} must be a sequence of pairs (rows, columns), got {type(values).__name__}")
    if len(values) != length:
        raise ValueError(f"{name} must hold {length} pairs, one a stride, got {len(values)}")
    return [as_grid_size(pair, f"{name}[{level}]") for level, pair in enumerate(values)]


def as_stride(stride: Any, name: str = "stride") -> tuple[float, float]:
    """A number greater than 0, or a pair of them, as (vertical, horizontal)."""
    if stride is None or isinstance(stride, (str, bytes)) or np.ndim(stride) == 0:
        both = as_number(stride, name, above=0.0)
        return both, both
    if np.ndim(stride) != 1 or len(stride) != 2:
        raise ValueError(f"{name} must be a number or a pair (vertical, horizontal), got {stride!r}")
    down, right = stride
    return as_number(down, f"{name}[0]", above=0.0), as_number(right, f"{name}[1]", above=0.0)


def as_workers(workers: Any) -> int:
    """The number of threads: 1 is serial, -1 is every core that this process may use."""
    if type(workers) is int and workers > 0:
        return workers
    count = as_integer(workers, "workers")
    if count == -1:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count < 1:
        raise ValueError(f"workers must be at least 1, or -1 for all cores, got {count}")
    return count


def as_seed(seed: Any, name: str = "seed") -> int:
    """A seed for reproducible randomness, 0 ... 2**63 - 1."""
    return as_integer(seed, name, 0, 2**63 - 1)


def as_rng(seed: Any, name: str = "seed") -> np.random.Generator:
    """A generator of random numbers: the given one, or a fresh one for an integer."""
    return seed if isinstance(seed, np.random.Generator) else np.random.default_rng(as_seed(seed, name))


def as_path(value: Any, name: str = "path") -> Path:
    """A file's or folder's name: text or a path object."""
    if not isinstance(value, (str, os.PathLike)) or not isinstance(os.fspath(value), str):
        raise TypeError(f"{name} must be a str or a path, got {type(value).__name__}")
    text = os.fspath(value)
    if not text or "\0" in text:
        raise ValueError(f"{name} is not a file name: {text!r}")
    return Path(text)


def as_color(value: Any, name: str = "color") -> tuple[int, int, int]:
    """A colour, "#rrggbb" or three integers of 0..255, as (red, green, blue)."""
    if isinstance(value, str):
        digits = value[1:] if value.startswith("#") else ""
        if len(digits) != 6 or not set(digits) <= set("0123456789abcdefABCDEF"):
            raise ValueError(f"{name} must look like '#rrggbb', got {value!r}")
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    if value is None or np.ndim(value) != 1 or len(value) != 3:
        raise TypeError(f"{name} must be '#rrggbb' or three integers of 0..255, got {value!r}")
    red, green, blue = (as_integer(part, name, 0, 255) for part in value)
    return red, green, blue


def as_names(values: Any, name: str = "labels", length: int | None = None) -> list[str]:
    """A sequence of words or whole numbers, as words."""
    foreign = hasattr(values, "__array__") or hasattr(values, "__dlpack__")
    if foreign and not isinstance(values, np.ndarray):
        values = _as_array(values, name)  # its items would be of a kind of their own
    scalar = isinstance(values, np.ndarray) and values.ndim == 0
    if isinstance(values, (str, bytes)) or scalar or not hasattr(values, "__len__"):
        raise TypeError(f"{name} must be a sequence of str or int, got {type(values).__name__}")
    if length is not None and len(values) != length:
        raise ValueError(f"{name} must hold {length} names, got {len(values)}")
    words = []
    for i, value in enumerate(values):
        if not isinstance(value, (str, int, np.integer)) or isinstance(value, bool):
            raise TypeError(f"{name}[{i}] must be a str or an int, got {type(value).__name__}")
        words.append(str(value))
    return words


def as_segments(segments: Any, shape: tuple[int, ...], name: str = "segments") -> I8:
    """The number of each pixel's segment: (H, W) integers of an image's height and width."""
    array = _as_array(segments, name)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got dtype {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"{name} must have the image's shape {shape}, got {array.shape}")
    return np.require(array, INT64, ["C_CONTIGUOUS", "ALIGNED", "WRITEABLE"])


# ---- images and memory -------------------------------------------------------------------------------------------

def as_image(image: Any, name: str = "image") -> Array:
    """(H, W), (H, W, 3) or (H, W, 4) of uint8, uint16, or float32/float64 in 0..1; its dtype and channels are kept."""
    if image is None:
        raise TypeError(f"{name} must be an array, got None (did reading the file fail?)")
    if isinstance(image, (str, bytes, os.PathLike)):
        raise TypeError(f"{name} must be an array, got {type(image).__name__}: read the file first")
    array = _as_array(image, name) if not isinstance(image, np.ndarray) or image.dtype.kind != "b" else image
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ValueError(f"{name} must have shape (H, W), (H, W, 3) or (H, W, 4), got {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} is empty: {array.shape}")
    if array.dtype.kind == "f":
        dtype = FLOAT64 if array.dtype.itemsize >= 8 else FLOAT32
        array = np.require(array, dtype, ["C_CONTIGUOUS", "ALIGNED", "WRITEABLE"])
        low, high = float(array.min()), float(array.max())
        if not (low >= 0.0 and high <= 1.0):
            span = "NaN" if math.isnan(low) else f"{low:g}..{high:g}"
            raise ValueError(f"{name} of floats must lie in 0..1, got {span}")
        return array
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        return np.require(array, array.dtype.newbyteorder("="), ["C_CONTIGUOUS", "ALIGNED", "WRITEABLE"])
    raise ValueError(f"{name} must be uint8, uint16 or float in 0..1, got {array.dtype}")


def check_memory(size: int, what: str) -> None:
    """Refuse at once what cannot fit, instead of letting the system kill the process later."""
    if size < ALWAYS_FITS:
        return
    room = _available_memory()
    if size > room:
        raise MemoryError(f"{what} needs {size / 2**30:.1f} GiB and {room / 2**30:.1f} GiB are available")


def _available_memory() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 1 << 62


