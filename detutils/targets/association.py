"""One-to-one association: tracks with detections, detections with objects, whatever two sets are to be paired."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from detutils import _validate as check
from detutils._jit import F8, I8, U4, Direct
from detutils._kernels.limits import LIMIT
from detutils.targets._kernels import association as kernels

_SMALLEST = math.ulp(0.0)
_MOST = 2**31 - 1
_DENSE = 0.75  # of all pairs, from which on a table of all is quicker than their list
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
    """Pair the rows of a matrix with its columns one to one, so that the total over the pairs is best.

    Tracks with detections, detections with objects: whatever a similarity (such as ``box_iou``) or a cost compares.
    Pairs at the wrong side of the threshold are never matched, and rows and columns may be left alone.

    Parameters
    ----------
    values : (N, M) array_like
        Similarities, or costs with ``maximize=False``: finite numbers up to 1e150. Minus infinity as a similarity and
        infinity as a cost forbid a pair.
    threshold : float
        In [-1e150, 1e150]. A pair may be matched if its similarity is at least ``threshold`` and greater than 0, or if
        its cost is less than ``threshold``.
    maximize : bool, default True
        Whether the values are similarities: the matching has the greatest total of them. Of costs, it has the greatest
        total of ``threshold - cost``: as if to be left alone cost a row ``threshold``.

    Returns
    -------
    assignment : Assignment
        ``pairs`` (K, 2) by row, ``unmatched_rows`` and ``unmatched_columns``. Of several matchings with the same total
        one is chosen, the same in every call. For no rows or columns there are no pairs.

    Raises
    ------
    TypeError
        If ``values`` is not an array of real numbers, or an option has the wrong type.
    ValueError
        If ``values`` is not (N, M), a value is NaN, infinitely good or beyond 1e150, or ``threshold`` is out of range.

    See Also
    --------
    match_boxes : The best object of each box, where objects may be matched many times.

    Notes
    -----
    One pass over the matrix, then shortest augmenting paths on what passes the threshold: each connected component of
    overlapping boxes is solved by itself, those of one row or with no conflict at once. With G pairs that pass,
    N M + G where boxes have few rivals; at worst N M min(N, M) in one dense component, as with SciPy's
    ``linear_sum_assignment``. Memory is 12 bytes for each of the G pairs. The total is optimal to the rounding of
    float64 sums; float32 values are read as they are.

    ``linear_sum_assignment`` finds a matching of the same total where what does not pass the threshold is set to 0
    (similarities) or to ``threshold`` (costs), and such pairs are taken out of its answer. Without that, it gives up
    good pairs for the sake of some that are thrown away later.

    References
    ----------
    R. Jonker, A. Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment problems",
    Computing 38, 1987; J. Munkres, "Algorithms for the assignment and transportation problems", 1957.

    Examples
    --------
    >>> import detutils
    >>> tracks = [[0, 0, 10, 10], [4, 0, 14, 10], [50, 0, 60, 10]]
    >>> found = [[3, 0, 13, 10], [70, 0, 80, 10], [7, 0, 17, 10]]
    >>> assignment = detutils.assign_boxes(detutils.box_iou(tracks, found), 0.3)
    >>> assignment.pairs
    array([[0, 0],
           [1, 2]])
    >>> assignment.unmatched_rows, assignment.unmatched_columns
    (array([2]), array([1]))

    Costs, such as distances:

    >>> detutils.assign_boxes([[3.0, 40.0], [5.0, 4.0]], 10.0, maximize=False).pairs
    array([[0, 0],
           [1, 1]])
    """
    matrix = _as_matrix(values)
    limit = check.as_number(threshold, "threshold", -LIMIT, LIMIT)
    similar = check.as_flag(maximize, "maximize")
    rule = (max(limit, _SMALLEST), 0.0, 1.0) if similar else (math.nextafter(-limit, math.inf), limit, -1.0)
    n, m = matrix.shape
    starts, pairs = gated(matrix, rule)
    matched, duals, done = (np.full(n, -1, np.int32), np.full(m, -1, np.int32)), (np.empty(n), np.zeros(m)), 0
    if starts[n] > _DENSE * n * m:
        gains = np.empty((n, m))
        kernels.spread(starts, pairs, gains)
        while done < n:
            done = kernels.match_dense(gains, matched, duals, done, _PATIENCE)
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


def gated(matrix: check.Array, rule: tuple[float, float, float]) -> tuple[I8, tuple[U4, F8]]:
    """Where each row's pairs begin, their columns and gains."""
    n, m = matrix.shape
    gate, least = _GATE, rule[0]
    if matrix.dtype == check.FLOAT32:
        gate, short = _GATE_FLOAT32, np.float32(least)
        least = float(short if float(short) >= least else np.nextafter(short, np.float32(np.inf)))
    starts, room = np.zeros(n + 1, np.int64), 4 * (n + m)
    pairs, done = (np.empty(room, np.uint32), np.empty(room)), 0
    while True:
        done = gate.call(matrix, (least, *rule[1:]), done, starts, pairs, _PATIENCE)
        if done < 0:
            _raise_bad_value(matrix, -1 - done)
        if done == n:
            return starts, pairs
        count = starts[done]
        if count + m > room:
            room = min(2 * room + m, n * m)
            grown = np.empty(room, np.uint32), np.empty(room)
            grown[0][:count], grown[1][:count] = pairs[0][:count], pairs[1][:count]
            pairs = grown


def _raise_bad_value(matrix: check.Array, place: int) -> NoReturn:
    """The error for a value that no total can hold."""
    row, column = divmod(place, matrix.shape[1])
    value = float(matrix[row, column])
    fault = f"is beyond {LIMIT:g}:" if math.isfinite(value) else "is not finite:"
    raise ValueError(f"values[{row}, {column}] {fault} {value:g}")
