"""What every head ends with: the boxes of candidates, their check, suppression, and the way back to the photograph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, NoReturn

import numpy as np

from detutils._jit import I8, Direct
from detutils._kernels.checks import first_bad_box, first_bad_box_float32, good_boxes
from detutils._validate import FLOAT32, FLOAT64, Array, as_choice, as_flag, as_integer, raise_bad_box
from detutils.datasets.records import Detections
from detutils.heads._kernels.letterbox import points_to_image
from detutils.heads.candidates import Candidates, Judge, as_activation, as_floor, best_of
from detutils.heads.letterbox import Letterbox
from detutils.suppression.greedy import suppress, suppress_by_label
from detutils.suppression.plan import RAISE, as_rule

Rows = Callable[[I8], Array]
_INVALID: tuple[Literal["raise", "drop"], ...] = ("raise", "drop")
_NO_COLUMNS: Mapping[str, Rows] = {}
_TO_IMAGE = Direct(points_to_image)


class Tail(NamedTuple):
    """The checked options that heads of every kind share."""

    judge: Judge
    letterbox: Letterbox | None
    rule: Any  # of suppression
    max_candidates: int | None
    agnostic: bool


def as_tail(
    letterbox: Any,
    score_threshold: Any,
    iou_threshold: Any,
    max_candidates: Any,
    max_output: Any,
    multi_label: Any,
    class_agnostic: Any,
    on_invalid: Any,
    activation: Any,
) -> Tail:
    """The options of a head, checked. ``iou_threshold`` None is no suppression."""
    if letterbox is not None and not isinstance(letterbox, Letterbox):
        raise TypeError(f"letterbox must be a Letterbox or None, got {type(letterbox).__name__}")
    rule = as_rule(1.0 if iou_threshold is None else iou_threshold, None, max_output, 0, RAISE)
    most = None if max_candidates is None else as_integer(max_candidates, "max_candidates", 0)
    every, agnostic = as_flag(multi_label, "multi_label"), as_flag(class_agnostic, "class_agnostic")
    drop = as_choice(on_invalid, "on_invalid", _INVALID) == "drop"
    judge = Judge(as_floor(score_threshold), as_activation(activation), every, drop)
    return Tail(judge, letterbox, rule, most, agnostic)


def assemble(
    found: Candidates,
    tail: Tail,
    decode: Rows,
    points: Mapping[str, Rows] = _NO_COLUMNS,
    columns: Mapping[str, Rows] = _NO_COLUMNS,
) -> Detections:
    """The candidates that survive, best first, on the photograph.

    ``decode`` gives the boxes of rows as (K, 4) corners in pixels of the network's input; it is asked for candidates
    only, and may answer what is no box. ``points``, (K, P, 2 or more) with x and y in pixels of the input, and
    ``columns`` are asked for the rows of the result only.
    """
    rows, labels, scores = best_of(found, tail.max_candidates)
    boxes = decode(rows)
    bad = (first_bad_box_float32 if boxes.dtype is FLOAT32 else first_bad_box)(boxes)
    if bad >= 0:
        if not tail.judge.drop:
            _raise_bad(boxes, rows, labels, scores, bad)
        good = np.flatnonzero(good_boxes(boxes.astype(FLOAT64, copy=False)))
        rows, labels, scores, boxes = rows[good], labels[good], scores[good], boxes[good]
    if tail.agnostic:
        keep = suppress(boxes, scores, tail.rule)
    else:
        keep = suppress_by_label(boxes, scores, labels, tail.rule)
    rows, boxes = rows.take(keep), boxes.take(keep, 0)
    further: dict[str, Any] = {name: column(rows) for name, column in columns.items()}
    placed = {name: column(rows) for name, column in points.items()}
    if tail.letterbox is not None:
        boxes = _on_photograph(boxes, tail.letterbox)
    detections = Detections(boxes, scores.take(keep), labels.take(keep), None, **placed, **further)
    return _with_points(detections, rows, placed, tail) if placed else detections


def _on_photograph(boxes: Array, letterbox: Letterbox) -> Array:
    """``letterbox.boxes_to_image(boxes, clip=True)`` of boxes that are known to be good: half its time."""
    (height, width), _, scale, pad = letterbox
    wide = boxes.astype(FLOAT64, copy=False).reshape(-1, 2)
    out = np.empty_like(wide)
    _TO_IMAGE.call(wide, (*scale, *pad), (0.0, float(width), float(height)), out)
    return out.reshape(-1, 4).astype(boxes.dtype, copy=False)


def _with_points(found: Detections, rows: I8, points: dict[str, Array], tail: Tail) -> Detections:
    """The points are judged, and moved onto the photograph."""
    for name, numbers in points.items():
        good = np.isfinite(numbers[..., :2]).all(axis=(1, 2))
        if not good.all():
            if not tail.judge.drop:
                row = rows[int(np.argmin(good))]
                raise ValueError(f"row {row} is a candidate, and its {name} are not finite")
            found, rows = found[good], rows[good]
            return _with_points(found, rows, {key: getattr(found, key) for key in points}, tail)
    if tail.letterbox is None:
        return found
    moved = {}
    for name, numbers in points.items():
        moved[name] = numbers.copy()
        moved[name][..., :2] = tail.letterbox.points_to_image(numbers[..., :2], clip=True)
    return found.replace(**moved)


def joined(parts: list[Candidates], sizes: list[int]) -> Candidates:
    """The candidates of several tables that stand one below the other, each of so many rows."""
    starts = np.cumsum([0, *sizes])
    return Candidates(
        np.concatenate([part.rows + start for part, start in zip(parts, starts, strict=False)]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


def _raise_bad(boxes: Array, rows: I8, labels: I8, scores: Array, place: int) -> NoReturn:
    try:
        raise_bad_box(boxes, place)
    except ValueError as error:
        text = str(error).replace(f"boxes[{place}]", "it", 1)
        where = f"row {rows[place]} has a score of {scores[place]:.3g} for class {labels[place]}"
        raise ValueError(f"{where}, and its box cannot be used: {text.removeprefix('it ')}") from None
