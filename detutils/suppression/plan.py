"""Which way a call goes, and the way of many boxes: checked, ranked, laid out as columns, decided."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, NoReturn

import numpy as np

from detutils._jit import B1, F4, F8, I4, I8
from detutils._validate import (
    FLOAT32,
    FLOAT64,
    NDARRAY,
    Array,
    as_boxes,
    as_choice,
    as_integer,
    as_number,
    as_offset,
    as_threshold,
    as_vector,
    raise_bad_box,
    valid_rows,
)
from detutils.suppression._kernels.grid import grid
from detutils.suppression._kernels.listed import compare
from detutils.suppression._kernels.order import prepare_float32, prepare_float64
from detutils.suppression._kernels.sweep import sweep

Way = Literal["select", "list", "grid", "sweep"]
Metric = Literal["iou", "ios", "ioa"]
ALL = 2**62  # of boxes
IOU: Literal["iou"] = "iou"
RAISE: Literal["raise"] = "raise"
METRICS: tuple[Metric, ...] = (IOU, "ios", "ioa")
_INVALID: tuple[Literal["raise", "drop"], ...] = (RAISE, "drop")
NO_LABELS, NO_PLACES = np.empty(0, np.int64), np.empty(0, np.int32)


class Plan(NamedTuple):
    """Which way from which size; by measurement, ``python -m benchmarks tune`` prints the tables."""

    way: Way | None = None  # the only one; None where the scene decides
    some: int = 500  # up to so many boxes one kernel does everything
    some_batched: int = 300
    busy: int = 20  # blocks of 16 kept boxes that a candidate meets, from which on a grid is quicker
    fewest: int = 700  # boxes of a class up to which the list is as quick as the sweep


PLAN = Plan()


def only(way: Way) -> Plan:
    """The plan that goes one way at every size, as far as that can go: a sweep leaves crowded scenes to the grid."""
    some = ALL if way == "select" else -1
    return Plan(way, some, some, *((ALL, ALL) if way == "list" else (PLAN.busy, PLAN.fewest)))


class Rule(NamedTuple):
    """The checked options of a call."""

    limits: tuple[float, float, float, float]  # the threshold, that of scores (-inf: none), the offset, the measure
    most: int
    drop: bool
    candidates: int  # how many may take part


class Candidates(NamedTuple):
    """The rows that take part, by decreasing score; their ``places`` in that order by class (none: one class), the
    rows there, where classes start, and the columns there (see ``compare``)."""

    order: I4
    places: I4
    grouped: I4
    starts: I8
    scene: tuple[F4, F8, F8]


def as_rule(
    iou_threshold: Any, score_threshold: Any, max_output: Any, offset: Any, on_invalid: Any,
    metric: Any = IOU, max_candidates: Any = None,
) -> tuple[tuple[float, float, float, float], int, bool, int]:  # fmt: skip
    """A ``Rule`` as a plain tuple, which costs small calls less."""
    if (
        type(iou_threshold) is float and 0.0 <= iou_threshold <= 1.0 and on_invalid is RAISE
        and score_threshold is None and max_output is None and type(offset) is int and offset == 0
        and metric is IOU and max_candidates is None
    ):  # fmt: skip
        return (iou_threshold, -math.inf, 0.0, -1.0), ALL, False, ALL  # as most calls come
    threshold = as_threshold(iou_threshold)
    floor = -math.inf if score_threshold is None else as_number(score_threshold, "score_threshold")
    most = ALL if max_output is None else as_integer(max_output, "max_output", 0, ALL)
    drop = as_choice(on_invalid, "on_invalid", _INVALID) == "drop"
    candidates = ALL if max_candidates is None else as_integer(max_candidates, "max_candidates", 0, ALL)
    pixel, measure = as_offset(offset), METRICS.index(as_choice(metric, "metric", METRICS)) - 1.0
    return (threshold, floor, pixel, measure), most, drop, candidates


def as_pair(boxes: Any, scores: Any) -> tuple[Array, Array]:
    """Boxes and scores of one dtype, float32 if both were, else float64, of any strides; kernels look at the rest."""
    if type(boxes) is NDARRAY and type(scores) is NDARRAY:
        dtype = boxes.dtype
        if (dtype is FLOAT32 or dtype is FLOAT64) and dtype is scores.dtype and boxes.ndim == 2 and scores.ndim == 1:
            return boxes, scores
    return as_canonical_pair(boxes, scores)


def as_canonical_pair(boxes: Any, scores: Any) -> tuple[Array, Array]:
    """``as_pair`` as kernels take it."""
    boxes = as_boxes(boxes, keep_float32=True, check_rows=False)
    scores = as_vector(scores, "scores", boxes.shape[0], keep_float32=True, finite=False)
    return (boxes, scores) if boxes.dtype is scores.dtype else as_float64(boxes, scores)


def as_float64(boxes: Array, scores: Array) -> tuple[Array, Array]:
    """A pair of one dtype as float64; it costs a small call a fifth of a microsecond to ask NumPy for what it has."""
    if boxes.dtype is scores.dtype is FLOAT64:
        return boxes, scores
    return boxes.astype(FLOAT64, copy=False), scores.astype(FLOAT64, copy=False)


def valid(boxes: Array, scores: Array) -> I8:
    """The rows that fulfil the contract, for ``on_invalid="drop"``."""
    return valid_rows(*as_float64(*as_canonical_pair(boxes, scores)))


def raise_bad_row(boxes: Array, scores: Array, code: int) -> NoReturn:
    """The error for what a kernel found wrong (``_kernels.checks``)."""
    row, is_score = divmod(-2 - code, 2)
    if is_score:
        raise ValueError(f"scores[{row}] is not finite: {scores[row]}")
    raise_bad_box(boxes, row)


def _without_gaps(boxes: Array) -> Array:
    """Slices such as ``dets[:, :4]`` copied, row by row: number by number NumPy takes up to five times as long."""
    if boxes.flags.c_contiguous or boxes.shape[1] != 4 or boxes.strides[1] != boxes.itemsize:
        return boxes
    return boxes.view(f"V{4 * boxes.itemsize}").copy().view(boxes.dtype)


def prepare(boxes: Array, scores: Array, labels: I8, rule: Rule) -> Candidates:
    """Check and rank the rows and lay them out; raises for a bad one."""
    boxes, scores = as_canonical_pair(_without_gaps(boxes), scores)
    lay_out = prepare_float32 if boxes.dtype is FLOAT32 else prepare_float64
    code, order, places, grouped, starts, *scene = lay_out(boxes, scores, labels, rule.limits, rule.candidates)
    if code < 0:
        raise_bad_row(boxes, scores, code)
    return Candidates(order, places, grouped, starts, tuple(scene))


def decide(found: Candidates, rule: Rule, plan: Plan, by: I4 = NO_PLACES) -> B1:
    """Which candidates stay: by comparison with all kept ones, a sweep or a grid, as the scene asks. With ``by``, where
    -1 stands, also which suppressed each; a sweep does not know that."""
    n, starts, way = len(found.order), found.starts, plan.way
    if rule.limits[0] == 1.0:
        return np.ones(n, np.bool_)
    kept = np.zeros(n, np.bool_)
    state = np.empty((2, len(starts) - 1), np.int64)
    limits = np.array([rule.most, plan.busy, plan.fewest])
    if way == "grid" or way == "sweep":
        state[0], state[1], left = starts[:-1], way == "sweep" and rule.most >= n, 1
    else:
        left = compare(*found.scene, starts, limits, state, kept, by)
    if left and not by.size:
        left = sweep(*found.scene, starts, state, kept)
    if left:
        grid(*found.scene, starts, limits, state, kept, by)
    return kept
