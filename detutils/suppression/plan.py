"""What suppression works on: boxes and scores that belong together, ranked, as the columns that kernels filter by."""

from __future__ import annotations

from typing import Any, Literal, NoReturn

import numpy as np

from detutils._jit import B1, F4, F8, I4, I8
from detutils._validate import (
    FLOAT32,
    FLOAT64,
    NDARRAY,
    Array,
    as_boxes,
    as_choice,
    as_vector,
    raise_bad_box,
    valid_rows,
)
from detutils.suppression._kernels.columns import (
    admit_float32,
    admit_float64,
    columns_float32,
    columns_float64,
    group_by_label,
    rank_float32,
    rank_float64,
)
from detutils.suppression._kernels.nms import compare, grid
from detutils.suppression._kernels.sweep import crowd_of, sweep

BUSY = 20  # blocks of 16 kept boxes that a candidate meets, from which on a grid is quicker
LOOSE = 0.5  # boxes within reach of one up to which a sweep is tried before anything is sorted
SAMPLE = 128  # boxes from which that is guessed
FORCE = ""  # for tests: "unsorted", "sweep" or "grid" from the first candidate on, or "list"
INVALID: tuple[Literal["raise", "drop"], ...] = ("raise", "drop")  # what to do with rows that break the contract
_NO_ROWS, _NO_SCORES, _ALL_KEPT = np.empty((0, 4)), np.empty(0), np.empty(0, np.bool_)


def as_plain_pair(boxes: Any, scores: Any) -> tuple[Array, Array]:
    """(N, 4) and (N,) arrays of one dtype of the two, for ``Direct`` kernels that look at lengths and layout
    themselves: what most calls bring goes through with the least delay."""
    if type(boxes) is NDARRAY and type(scores) is NDARRAY:
        dtype = boxes.dtype
        if (dtype is FLOAT32 or dtype is FLOAT64) and dtype is scores.dtype and boxes.ndim == 2 and scores.ndim == 1:
            return boxes, scores
    return as_pair(boxes, scores)


def as_pair(boxes: Any, scores: Any) -> tuple[Array, Array]:
    """Boxes and scores of one dtype, float32 if both were, else float64; the kernels check their rows."""
    if type(boxes) is np.ndarray and type(scores) is np.ndarray:
        dtype, shape = boxes.dtype, boxes.shape
        if (
            (dtype is FLOAT32 or dtype is FLOAT64) and dtype is scores.dtype
            and len(shape) == 2 and shape[1] == 4 and scores.shape == shape[:1]
            and boxes.flags.carray and scores.flags.carray
        ):  # fmt: skip
            return boxes, scores  # as most calls come; the rest of this function costs microseconds
    boxes = as_boxes(boxes, keep_float32=True, check_rows=False)
    scores = as_vector(scores, "scores", boxes.shape[0], keep_float32=True, finite=False)
    if boxes.dtype is not scores.dtype:
        boxes, scores = boxes.astype(FLOAT64, copy=False), scores.astype(FLOAT64, copy=False)
    return boxes, scores


def drops(on_invalid: Any) -> bool:
    """Whether rows that break the contract are left out rather than refused."""
    if type(on_invalid) is str and on_invalid == "raise":
        return False
    return as_choice(on_invalid, "on_invalid", INVALID) == "drop"


def valid(boxes: Array, scores: Array) -> I8:
    """The rows that fulfil the contract, for ``on_invalid="drop"``."""
    return valid_rows(boxes.astype(FLOAT64, copy=False), scores)


def decide(columns: F4, rows: F8, starts: I8, threshold: float, pixel: float, most: int) -> B1:
    """Which candidates stay, of runs by decreasing score: by comparison with all kept ones, a sweep or a grid, as
    the scene asks."""
    kept = np.zeros(columns.shape[1], np.bool_)
    reached, thin = starts[:-1].copy(), np.full(starts.shape[0] - 1, FORCE == "sweep" and most >= columns.shape[1])
    left = 1
    if FORCE not in ("grid", "sweep"):
        left = compare(columns, rows, starts, threshold, pixel, most, BUSY, reached, thin, kept)
    if left and FORCE != "grid" and thin.any():
        left = sweep(columns, rows, _NO_SCORES, starts, threshold, pixel, thin, reached, kept)
    if left:
        grid(columns, rows, starts, threshold, pixel, most, reached, kept)
    return kept


def decide_unsorted(
    boxes: Array, scores: Array, order: I4, threshold: float, pixel: float, far: bool
) -> B1 | None:
    """Which candidates of a thin scene stay, in the order of the rows; None for any other scene."""
    n = order.shape[0]
    if FORCE not in ("", "unsorted"):
        return None
    if FORCE == "":
        spread = (1.0 - threshold) / (1.0 + threshold)
        sample = boxes[:: len(boxes) // SAMPLE + 1].astype(FLOAT64)
        if not crowd_of(sample, n) * spread * spread < LOOSE:
            return None
    columns, rows = lay_out(boxes, order, threshold, pixel, far)
    values = (scores if n == len(scores) else scores[order]).astype(FLOAT64, copy=False)
    kept, starts, reached, thin = np.zeros(n, np.bool_), np.array([0, n]), np.zeros(1, np.int64), np.ones(1, np.bool_)
    return None if sweep(columns, rows, values, starts, threshold, pixel, thin, reached, kept) else kept


def raise_bad_row(boxes: Array, scores: Array, row: int, is_score: int) -> NoReturn:
    """The error for the first row that breaks the contract."""
    if is_score:
        raise ValueError(f"scores[{row}] is not finite: {scores[row]}")
    raise_bad_box(boxes, row)


def admit(boxes: Array, scores: Array, floor: float) -> tuple[I4, bool]:
    """The rows with a score above the floor, and whether a coordinate is far out; raises for a bad row."""
    order, far = (admit_float32 if boxes.dtype is FLOAT32 else admit_float64)(boxes, scores, floor)
    if order.shape[0] and order[0] < 0:
        raise_bad_row(boxes, scores, -1 - int(order[0]), far)
    return order, far


def rank(scores: Array, order: I4, kept: B1 = _ALL_KEPT) -> I4:
    """The rows by decreasing score, ties by index; only those that are kept."""
    return (rank_float32 if scores.dtype is FLOAT32 else rank_float64)(scores, order, kept)


def lay_out(boxes: Array, order: I4, threshold: float, pixel: float, far: bool) -> tuple[F4, F8]:
    """The columns that the suppression filters by, and the rows where those are not exact."""
    if boxes.dtype is FLOAT32 and pixel == 0.0 and not far:
        return columns_float32(boxes, order, threshold), _NO_ROWS
    return columns_float64(boxes.astype(FLOAT64, copy=False), order, threshold, pixel, far)


def prepare_grouped(
    boxes: Array, scores: Array, labels: I8, threshold: float, floor: float, pixel: float
) -> tuple[I4, I4, I8, F4, F8]:
    """Rows by decreasing score, and the columns by label: places in that order, where labels start."""
    order, far = admit(boxes, scores, floor)
    order = rank(scores, order)
    places, grouped, starts = group_by_label(labels, order)
    return order, places, starts, *lay_out(boxes, grouped, threshold, pixel, far)
