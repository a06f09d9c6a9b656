"""Boxes: their rows finite, ordered and in range, and what is wrong with the first that is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from detutils._jit import F8, I8
from detutils._kernels.checks import first_bad_box, first_bad_box_float32, good_boxes
from detutils._kernels.limits import LIMIT
from detutils._validate.arrays import (
    FLOAT32,
    FLOAT64,
    NDARRAY,
    Array,
    as_floats,
    as_labels,
    as_matrix,
    as_vector,
    count_of,
    is_ready,
)


def as_boxes(boxes: Any, name: str = "boxes", *, keep_float32: bool = False, check_rows: bool = True) -> Array:
    """``boxes`` as (N, 4) float64, or float32 if it was and may stay; every row finite, ordered and in range."""
    if not is_ready(boxes, keep_float32):
        boxes = as_floats(boxes, name, keep_float32)
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
    """Whether ``as_box_pair`` would copy no more than the layout of the arguments.

    Kernels look at the strides: they take what most calls bring, and slices of a detector's columns.
    """
    if type(boxes1) is not NDARRAY or type(boxes2) is not NDARRAY:
        return False
    dtype = boxes1.dtype
    return (
        (dtype is FLOAT32 or dtype is FLOAT64)
        and dtype is boxes2.dtype
        and boxes1.ndim == boxes2.ndim == 2
        and boxes1.shape[1] == boxes2.shape[1] == 4
        and boxes1.flags.aligned
        and boxes2.flags.aligned
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


def as_models(boxes: Any, scores: Any, labels: Any) -> list[tuple[F8, F8, I8]]:
    """The boxes, scores and labels of several models, one array each; labels 0 if None."""
    for name, value in (("boxes", boxes), ("scores", scores), ("labels", labels)):
        scalar = isinstance(value, np.ndarray) and value.ndim == 0
        text = isinstance(value, (str, bytes))
        if value is not None and (text or scalar or not isinstance(value, Sequence | np.ndarray)):
            raise TypeError(f"{name} must be a sequence with one array a model, got {type(value).__name__}")
        if value is None and name != "labels":
            raise TypeError(f"{name} must be a sequence with one array a model, got None")
        if value is not None and count_of(value) != count_of(boxes):
            raise ValueError(f"{name} must have one array a model: {count_of(boxes)}, got {count_of(value)}")
    models = []
    for i, rows in enumerate(boxes):
        rows = as_boxes(rows, f"boxes[{i}]")
        n = rows.shape[0]
        names = np.zeros(n, np.int64) if labels is None else as_labels(labels[i], f"labels[{i}]", n)
        models.append((rows, as_vector(scores[i], f"scores[{i}]", n), names))
    return models


def valid_rows(boxes: F8, scores: F8 | None = None) -> I8:
    """Indices of the rows that fulfil the contract, for ``on_invalid="drop"``."""
    good = good_boxes(boxes)
    if scores is not None:
        good &= np.isfinite(scores)
    return np.flatnonzero(good)
