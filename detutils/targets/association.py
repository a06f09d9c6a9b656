"""One-to-one association: tracks with detections, detections with objects, whatever two sets are to be paired."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from detutils import _validate as check
from detutils._jit import F8, I4, I8, Direct
from detutils._kernels.limits import LIMIT
from detutils.targets._kernels import association as kernels

_SMALLEST = math.ulp(0.0)
_MOST = 2**31 - 1
_PATIENCE = 200_000_000  # of pairs that a kernel looks at between two looks at Ctrl-C
_GATE, _GATE_FLOAT32, _MATCH, _TELL = (
    Direct(getattr(kernels, name)) for name in ("gate", "gate_float32", "match", "tell")
)


class Assignment(NamedTuple):
    """What ``assign_boxes`` finds.

    Attributes
    ----------
    pairs : (K, 2) int64 ndarray
        The matched rows and columns, by row.
    unmatched_rows : (N - K,) int64 ndarray
        The rows that are left alone, ascending.
    unmatched_columns : (M - K,) int64 ndarray
        The columns that are left alone, ascending.

    Examples
    --------
    >>> import detutils
    >>> detutils.assign_boxes([[0.75, 0.5], [0.0, 0.25]], 0.5).unmatched_rows
    array([1])
    """

    pairs: I8
    unmatched_rows: I8
    unmatched_columns: I8


def assign_boxes(values: npt.ArrayLike, threshold: float, *, maximize: bool = True) -> Assignment:
    """..."""
    matrix = _as_matrix(values)
    limit = check.as_number(threshold, "threshold", -LIMIT, LIMIT)
    similar = check.as_flag(maximize, "maximize")
    rule = (max(limit, _SMALLEST), 0.0, 1.0) if similar else (math.nextafter(-limit, math.inf), limit, -1.0)
    n, m = matrix.shape
    starts, pairs = _gated(matrix, rule)
    matched = np.full(n, -1, np.int32), np.full(m, -1, np.int32)
    duals, done = (np.empty(n), np.zeros(m)), 0
    while done < n:
        done = _MATCH.call(starts, pairs, matched, duals, done, _PATIENCE)
    found, rows, columns = np.empty((min(n, m), 2), np.int64), np.empty(n, np.int64), np.empty(m, np.int64)
    count = _TELL.call(matched, found, rows, columns)
    return Assignment(found[:count], rows[: n - count], columns[: m - count])


def _as_matrix(values: Any) -> check.Array:
    """``values`` as they are read: float64, or float32 if they were, of any numbers yet."""
    matrix: check.Array = values if check.is_ready(values, True) else check.as_floats(values, "values", True)
    if matrix.shape == (0,):  # no rows, written as []
        matrix = matrix.reshape(0, 0)
    if matrix.ndim != 2:
        raise ValueError(f"values must have shape (N, M), got {matrix.shape}")
    if max(matrix.shape) > _MOST:
        raise ValueError(f"values must have at most {_MOST} rows and columns, got {matrix.shape}")
    return matrix


def _gated(matrix: check.Array, rule: tuple[float, float, float]) -> tuple[I8, tuple[I4, F8]]:
    """Where each row's pairs begin, their columns and gains."""
    n, m = matrix.shape
    gate, least = _GATE, rule[0]
    if matrix.dtype == check.FLOAT32:
        gate, short = _GATE_FLOAT32, np.float32(least)
        least = float(short if short >= least else np.nextafter(short, np.float32(np.inf)))
    starts, room = np.zeros(n + 1, np.int64), 4 * (n + m)
    pairs, done = (np.empty(room, np.int32), np.empty(room)), 0
    while True:
        done = gate.call(matrix, (least, *rule[1:]), done, starts, pairs, _PATIENCE)
        if done < 0:
            _raise_bad_value(matrix, -1 - done)
        if done == n:
            return starts, pairs
        count = starts[done]
        if count + m > room:
            room = min(2 * room + m, n * m)
            grown = np.empty(room, np.int32), np.empty(room)
            grown[0][:count], grown[1][:count] = pairs[0][:count], pairs[1][:count]
            pairs = grown


def _raise_bad_value(matrix: check.Array, place: int) -> NoReturn:
    """The error for a value that no total can hold."""
    row, column = divmod(place, matrix.shape[1])
    value = float(matrix[row, column])
    fault = "is beyond" if math.isfinite(value) else "is not finite:"
    raise ValueError(f"values[{row}, {column}] {fault} {value:g}")
