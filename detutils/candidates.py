"""What suppression works on: boxes and scores that belong together, ranked, as the columns that kernels filter by."""

from __future__ import annotations

from typing import Any, Literal, NoReturn

import numpy as np

from detutils._jit import B1, F4, F8, I4, I8
from detutils._kernels.nms import compare, grid
from detutils._kernels.nms_order import (
    columns_float32,
    columns_float64,
    group_by_label,
    rank_float32,
    rank_float64,
)
from detutils._kernels.nms_sweep import sweep
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

BUSY = 20  # blocks of 16 kept boxes that a candidate meets, from which on a grid is quicker
FORCE = ""  # for tests: "sweep" or "grid" from the first candidate on
INVALID: tuple[Literal["raise", "drop"], ...] = ("raise", "drop")  # what to do with rows that break the contract
_NO_ROWS = np.empty((0, 4))


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
    """Which candidates stay: by comparison with all kept ones, a sweep or a grid, as the scene asks."""
    kept = np.zeros(columns.shape[1], np.bool_)
    reached, thin = starts[:-1].copy(), np.full(starts.shape[0] - 1, FORCE == "sweep" and most >= columns.shape[1])
    left = 1
    if FORCE not in ("grid", "sweep"):
        left = compare(columns, rows, starts, threshold, pixel, most, BUSY, reached, thin, kept)
    if left and FORCE != "grid" and thin.any():
        left = sweep(columns, rows, starts, threshold, pixel, thin, reached, kept)
    if left:
        grid(columns, rows, starts, threshold, pixel, most, reached, kept)
    return kept


def raise_bad_row(boxes: Array, scores: Array, row: int, is_score: int) -> NoReturn:
    """The error for the first row that breaks the contract."""
    if is_score:
        raise ValueError(f"scores[{row}] is not finite: {scores[row]}")
    raise_bad_box(boxes, row)


def _rank(boxes: Array, scores: Array, floor: float) -> tuple[I4, bool]:
    rank = rank_float32 if boxes.dtype is FLOAT32 else rank_float64
    order, far = rank(boxes, scores, floor)
    if order.shape[0] and order[0] < 0:
        raise_bad_row(boxes, scores, -1 - int(order[0]), far)
    return order, far


def _columns(boxes: Array, order: I4, threshold: float, pixel: float, far: bool) -> tuple[F4, F8]:
    if boxes.dtype is FLOAT32 and pixel == 0.0 and not far:
        return columns_float32(boxes, order, threshold), _NO_ROWS
    return columns_float64(boxes.astype(FLOAT64, copy=False), order, threshold, pixel, far)


def prepare(boxes: Array, scores: Array, threshold: float, floor: float, pixel: float) -> tuple[I4, F4, F8]:
    """Rows by decreasing score, and the columns that the suppression filters by."""
    order, far = _rank(boxes, scores, floor)
    return order, *_columns(boxes, order, threshold, pixel, far)


def prepare_grouped(
    boxes: Array, scores: Array, labels: I8, threshold: float, floor: float, pixel: float
) -> tuple[I4, I4, I8, F4, F8]:
    """``prepare``, with the columns grouped by label."""
    order, far = _rank(boxes, scores, floor)
    places, grouped, starts = group_by_label(labels, order)
    return order, places, starts, *_columns(boxes, grouped, threshold, pixel, far)
