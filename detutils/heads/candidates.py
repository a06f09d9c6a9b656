"""Candidates: which row of a head speaks for which class, above a threshold."""

from __future__ import annotations

import functools
import math
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils._jit import I8, Direct
from detutils._kernels.limits import LARGEST, LARGEST_FLOAT32
from detutils._validate import (
    FLOAT32,
    FLOAT64,
    INT64,
    NDARRAY,
    Array,
    as_choice,
    as_flag,
    as_floats,
    as_integer,
    as_number,
)
from detutils.heads._kernels.candidates import NONE, SIGMOID, SOFTMAX, search_float32, search_float64
from detutils.suppression._kernels.order import rank_float32, rank_float64

Activation = Literal["none", "sigmoid", "softmax"]
Channels = Literal["first", "last"]
Background = Literal["first", "last"]
ACTIVATIONS: tuple[Activation, ...] = ("none", "sigmoid", "softmax")
CHANNELS: tuple[Channels, ...] = ("first", "last")
_BACKGROUNDS: tuple[Background, ...] = ("first", "last")
_INVALID: tuple[Literal["raise", "drop"], ...] = ("raise", "drop")
_CODES = {"none": NONE, "sigmoid": SIGMOID, "softmax": SOFTMAX}
_FLOAT32, _FLOAT64 = Direct(search_float32), Direct(search_float64)
_NONE_FLOAT32, _NONE_FLOAT64 = np.empty(0, np.float32), np.empty(0)
_LARGEST_FLOAT32 = float(LARGEST_FLOAT32)
_ROOM = 8  # candidates a row that are expected at first
_empty = np.empty


class Candidates(NamedTuple):
    """The pairs of a row and a class that exceed a threshold.

    Attributes
    ----------
    rows : (K,) int64 ndarray
        Rows of the head, ascending.
    labels : (K,) int64 ndarray
        Classes, ascending within a row.
    scores : (K,) ndarray
        float32 if the head's scores were, else float64.

    Examples
    --------
    >>> import detutils
    >>> found = detutils.class_candidates([[0.1, 0.6], [0.7, 0.2]], 0.5, channels="last")
    >>> found.labels
    array([1, 0])
    """

    rows: I8
    labels: I8
    scores: Array


class Span(NamedTuple):
    """A table of numbers where it lies: a flat array, the place of its first number there, and the steps from one row
    to the next and from one column to the next. One of the steps is 1."""

    flat: Array
    first: int
    step: int
    pitch: int
    rows: int
    columns: int

    def part(self, start: int, stop: int) -> Span:
        """Some of the columns."""
        return Span(self.flat, self.first + start * self.pitch, self.step, self.pitch, self.rows, stop - start)


class Judge(NamedTuple):
    """The checked options of a search."""

    threshold: float
    activation: int
    every: bool
    drop: bool


def class_candidates(
    scores: npt.ArrayLike,
    score_threshold: float,
    *,
    channels: Channels = "first",
    multi_label: bool = False,
    objectness: npt.ArrayLike | None = None,
    activation: Activation = "none",
    background: Background | None = None,
    max_candidates: int | None = None,
    on_invalid: Literal["raise", "drop"] = "raise",
) -> Candidates:
    """Rows, classes and scores above a threshold: what is left of a head before its boxes are looked at.

    Parameters
    ----------
    scores : (C, N) or (N, C) array_like
        Class scores of each row (cell, anchor, prior, query), as ``channels`` says. Strided views are read where they
        lie. A leading axis of length 1 is left out.
    score_threshold : float
        Candidates have score > ``score_threshold``, after ``activation`` and ``objectness``. NaN, and a raw score
        of minus infinity, exceed none.
    channels : {"first", "last"}, default "first"
        Whether the classes are the first axis of ``scores`` or the last.
    multi_label : bool, default False
        Every class of a row that exceeds the threshold, not only the best one.
    objectness : (N,) array_like, optional
        Scores are multiplied by it. Of a candidate the product exceeds the threshold, and so does each of its factors:
        probabilities, whose products are no greater, are meant.
    activation : {"none", "sigmoid", "softmax"}, default "none"
        What turns the raw scores of a row into probabilities; objectness goes through the sigmoid unless it is
        "none".
    background : {"first", "last"}, optional
        Which class stands for no object at all: it takes part in the softmax, and is no candidate. Labels count the
        others from 0.
    max_candidates : int, optional
        Only so many, the highest scores; of tied ones those of lower rows, then of lower labels.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out candidates whose scores are infinite, instead of raising.

    Returns
    -------
    rows : (K,) int64 ndarray
        Ascending.
    labels : (K,) int64 ndarray
        The class with the highest raw score in its row, of tied ones the lowest; with ``multi_label`` ascending within
        a row. Empty input gives an empty result.
    scores : (K,) ndarray
        float32 if the class scores were, else float64.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, there is no class, an option is out of range, or a candidate's score is infinite.

    Notes
    -----
    Equal to the definition in float64 for every input dtype; scores are rounded once, at the end. Most rows take part
    in one vectorized pass only, which is as quick as reading the array; time grows with N C. float16, and arrays
    neither of whose axes is dense, are copied first.

    References
    ----------
    J. Redmon et al., "You Only Look Once: Unified, Real-Time Object Detection", 2016, section 2 (objectness times
    class).

    Examples
    --------
    >>> import detutils
    >>> scores = [[0.1, 0.8, 0.3, 0.9], [0.2, 0.7, 0.6, 0.1]]
    >>> rows, labels, scores = detutils.class_candidates(scores, 0.5)
    >>> rows, labels, scores
    (array([1, 2, 3]), array([0, 1, 0]), array([0.8, 0.6, 0.9]))
    """
    judge = Judge(
        as_floor(score_threshold),
        as_activation(activation),
        as_flag(multi_label, "multi_label"),
        as_choice(on_invalid, "on_invalid", _INVALID) == "drop",
    )
    first = as_choice(channels, "channels", CHANNELS) == "first"
    if background is not None:
        background = as_choice(background, "background", _BACKGROUNDS)
    most = None if max_candidates is None else as_integer(max_candidates, "max_candidates", 0)
    table = as_head(scores, "scores", 2)
    if table.ndim != 2:
        wanted = "(C, N)" if first else "(N, C)"
        raise ValueError(f"scores must have shape {wanted}, as channels={channels!r} says, got {table.shape}")
    check_classes(table.shape[0 if first else 1], background, table.shape, 0 if first else 1)
    table = table.T if first else table
    weights = None
    if objectness is not None:
        weights = as_head(objectness, "objectness", 1)
        if weights.shape != table.shape[:1]:
            wanted = f"({table.shape[0]},), a number for each row of scores"
            raise ValueError(f"objectness must have shape {wanted}, got {weights.shape}")
        if weights.dtype is not table.dtype:
            weights, table = weights.astype(FLOAT64, copy=False), table.astype(FLOAT64, copy=False)
    beside = None if weights is None else span_of(weights[:, None])
    return best_of(search(span_of(table), judge, beside, background), most)


def check_classes(count: int, background: Background | None, shape: tuple[int, ...], axis: int) -> None:
    """Refuse scores without a class."""
    if count < 1 + (background is not None):
        wanted = "a class" if background is None else "a class beside the background"
        raise ValueError(f"scores must have {wanted}, got {count} on axis {axis} of shape {shape}")


def as_floor(score_threshold: Any) -> float:
    """The score that candidates exceed."""
    return as_number(score_threshold, "score_threshold")


def as_activation(activation: Any) -> int:
    """The kernels' number of an activation."""
    return _CODES[as_choice(activation, "activation", ACTIVATIONS)]


def as_head(values: Any, name: str, ndim: int) -> Array:
    """A network's output as float32 or float64 numbers, in the layout that it has; leading axes of 1 beyond ``ndim``
    are left out."""
    if type(values) is NDARRAY and (values.dtype is FLOAT32 or values.dtype is FLOAT64) and values.flags.aligned:
        array: Array = values
    else:
        array = as_floats(values, name, True)
    while array.ndim > ndim and array.shape[0] == 1:
        array = array[0]
    return array


def span_of(table: Array) -> Span:
    """Where the numbers of a table lie; of a copy of it only if neither of its axes is dense."""
    rows, columns = table.shape
    if table.flags.c_contiguous:
        return Span(table.reshape(-1), 0, columns, 1, rows, columns)
    if table.flags.f_contiguous:
        return Span(table.T.reshape(-1), 0, 1, rows, rows, columns)
    size = table.itemsize
    (step, over), (pitch, beside) = divmod(table.strides[0], size), divmod(table.strides[1], size)
    if over or beside or (step != 1 and pitch != 1) or not table.size:
        return Span(np.ascontiguousarray(table).reshape(-1), 0, columns, 1, rows, columns)
    first, length = 0, 1 + (rows - 1) * abs(step) + (columns - 1) * abs(pitch)
    if step < 0:
        table, first = table[::-1], (rows - 1) * -step
    elif pitch < 0:
        table, first = table[:, ::-1], (columns - 1) * -pitch
    flat = np.lib.stride_tricks.as_strided(table, (length,), (size,), writeable=False)
    return Span(flat, first, step, pitch, rows, columns)


def search(
    span: Span, judge: Judge, objectness: Span | None = None, background: Background | None = None
) -> Candidates:
    """The candidates of a table of class scores, by row and class."""
    flat, first, step, pitch, n, classes = span
    short = flat.dtype is FLOAT32
    objects, at, stride = _NONE_FLOAT32 if short else _NONE_FLOAT64, -1, 0
    if objectness is not None:
        objects, at, stride = objectness[:3]
    aside = -1
    if background is not None:
        classes -= 1
        aside = first if background == "first" else first + classes * pitch
        first += pitch if background == "first" else 0
    layout = first, n, step, classes, pitch, aside, at, stride, judge.activation, judge.every, judge.drop
    bounds = bounds_of(judge.threshold, judge.activation, short)
    room = n * min(classes, _ROOM) if judge.every else n
    call = _FLOAT32.call if short else _FLOAT64.call
    while True:
        pairs, scores = _empty((2, room), INT64), _empty(room, FLOAT64)
        count = call(flat, objects, layout, bounds, pairs, scores) if n else 0
        if count < 0:
            raise ValueError(f"a score of row {-1 - count} is infinite")
        if count <= room:
            break
        room = count
    found = scores[:count]
    return Candidates(pairs[0, :count], pairs[1, :count], found.astype(FLOAT32) if short else found)


@functools.lru_cache(64)
def bounds_of(threshold: float, activation: int, short: bool) -> tuple[float, float, float, float, float]:
    """``Bounds`` for the kernels: what lies below one of them exceeds the threshold for certain not, whatever rounding
    does to it."""
    largest = _LARGEST_FLOAT32 if short else LARGEST
    margin = -math.inf
    if activation == NONE:
        raw = weight = _next(threshold, short, largest)
    else:
        weight = _logit(threshold, short)
        raw = max(weight, -largest) if activation == SIGMOID else -largest
        margin = weight if activation == SOFTMAX else margin
    return threshold, raw, weight, margin, largest


def _next(value: float, short: bool, largest: float) -> float:
    """The smallest number of the dtype that is greater; none of them is minus infinity."""
    if value < -largest:
        return -largest
    if not value < largest:
        return math.inf
    if not short:
        return math.nextafter(value, math.inf)
    near = np.float32(value)
    return float(near) if float(near) > value else float(np.nextafter(near, np.float32(np.inf)))


def _logit(threshold: float, short: bool) -> float:
    """A number whose sigmoid is below the threshold by more than rounding, and the sigmoid of each lower one."""
    if not threshold > 1e-300:
        return -math.inf
    if threshold >= 1.0 - 1e-9:
        return 20.0
    value = math.log(threshold) - math.log1p(-threshold)
    value -= 1e-6 * (1.0 + abs(value))
    return float(np.nextafter(np.float32(value), np.float32(-np.inf))) if short else value


def best_of(found: Candidates, most: int | None) -> Candidates:
    """Those with the highest scores, at most so many; ties by place."""
    count = len(found.rows)
    if most is None or count <= most:
        return found
    order = np.arange(count, dtype=np.int32)
    rank = rank_float32 if found.scores.dtype is FLOAT32 else rank_float64
    chosen = np.sort(rank(found.scores, order)[:most])
    return Candidates(found.rows[chosen], found.labels[chosen], found.scores[chosen])
