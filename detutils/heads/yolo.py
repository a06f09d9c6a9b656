"""Heads whose rows hold a box, perhaps an objectness, and class scores: what YOLO exports give."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from detutils._jit import I8, Direct
from detutils._validate import FLOAT32, Array, as_choice, as_flag, as_integer, as_items_of
from detutils.datasets.records import Detections
from detutils.geometry._kernels.boxes import CENTER_SIZE, CORNER_SIZE, CORNERS
from detutils.heads._kernels.candidates import corners_float32, corners_float64, take_float32, take_float64
from detutils.heads.assembly import Rows, Tail, as_tail, assemble
from detutils.heads.candidates import CHANNELS, Activation, Channels, Span, as_head, search, span_of
from detutils.heads.letterbox import Letterbox

BoxFormat = Literal["cxcywh", "xyxy", "xywh"]
_FORMATS: tuple[BoxFormat, ...] = ("cxcywh", "xyxy", "xywh")
_FORMS = {"cxcywh": CENTER_SIZE, "xyxy": CORNERS, "xywh": CORNER_SIZE}
_CORNERS32, _CORNERS64 = Direct(corners_float32), Direct(corners_float64)
_TAKE32, _TAKE64 = Direct(take_float32), Direct(take_float64)


def detections_from_yolo(
    output: npt.ArrayLike,
    *,
    letterbox: Letterbox | None = None,
    channels: Channels = "first",
    objectness: bool = False,
    classes: int | None = None,
    box_format: BoxFormat = "cxcywh",
    normalized: bool = False,
    keypoints: tuple[int, int] | None = None,
    mask_coefficients: int = 0,
    score_threshold: float = 0.25,
    iou_threshold: float | None = 0.5,
    max_candidates: int | None = None,
    max_output: int | None = 300,
    multi_label: bool = False,
    class_agnostic: bool = False,
    on_invalid: Literal["raise", "drop"] = "raise",
    activation: Activation = "none",
) -> Detections:
    """Detections on the photograph from a head whose rows hold a box and class scores.

    Parameters
    ----------
    output : (4 + C, N) or (N, 4 + C) array_like
        What the network gave, as ``channels`` says: four numbers of a box, the objectness if there is one, C class
        scores, then what ``keypoints`` and ``mask_coefficients`` announce. A leading axis of length 1 is left out;
        strided views are read where they lie.
    letterbox : Letterbox, optional
        The way back to the photograph, to which boxes and keypoints are mapped and boxes clipped. Without one they stay
        in pixels of the network's input.
    channels : {"first", "last"}, default "first"
        "first" is (4 + C, N), what YOLOv8, v9 and v11 export; "last" is (N, ...), what YOLOv5 and v7 export.
    objectness : bool, default False
        Whether a fifth number says how likely there is an object, by which class scores are multiplied (YOLOv5, v7).
    classes : int, optional
        How many there are: checked. Without it, an output with more channels than rows is refused: its axes are
        probably taken for one another.
    box_format : {"cxcywh", "xyxy", "xywh"}, default "cxcywh"
        What the four numbers are.
    normalized : bool, default False
        Whether they are fractions of the input's sides instead of pixels; needs ``letterbox``, which knows these.
    keypoints : (int, int), optional
        How many keypoints each row has behind its class scores, and of how many numbers: (17, 3) for x, y and
        visibility. They become the column ``keypoints``, (K, 17, 3).
    mask_coefficients : int, default 0
        How many coefficients of masks each row has at its end. They become the column ``mask_coefficients``.
    score_threshold : float, default 0.25
        Candidates have score > ``score_threshold``. Other rows are not judged: their boxes may be anything.
    iou_threshold : float or None, default 0.5
        Of non-maximum suppression; None leaves it out.
    max_candidates : int, optional
        At most so many, the best ones, go into suppression.
    max_output : int or None, default 300
        At most so many detections.
    multi_label : bool, default False
        Every class of a row that exceeds the threshold, not only the best one.
    class_agnostic : bool, default False
        Whether boxes of different classes suppress each other.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out candidates whose box is not finite or not ordered, or whose score is infinite.
    activation : {"none", "sigmoid", "softmax"}, default "none"
        What turns raw scores into probabilities, where the network does not.

    Returns
    -------
    found : Detections
        By decreasing score; ties by row, then class. Boxes are x1, y1, x2, y2. Empty output gives no detections.

    Raises
    ------
    TypeError
        If an argument is not of its kind.
    ValueError
        If the shape does not fit (the text says which axis was taken for what), the box of a candidate is not finite
        or has a negative side, or an option is out of range.

    Notes
    -----
    Threshold, decode, suppress, map back: in this order each step sees as few rows as possible. Suppression in pixels
    of the input decides as on the photograph, because IoU does not change with the scale of an axis. Boxes are computed
    in float64 and, for float32 output, rounded once. Time is that of reading the array once, and of suppression.

    References
    ----------
    J. Redmon et al., "You Only Look Once: Unified, Real-Time Object Detection", 2016, section 2.

    Examples
    --------
    >>> import numpy as np, detutils
    >>> output = np.array([[20, 21, 60.0], [20, 20, 60], [10, 10, 30], [10, 10, 30], [0.9, 0.8, 0.1], [0.0, 0.1, 0.7]])
    >>> found = detutils.detections_from_yolo(output[None], classes=2)
    >>> found.boxes, found.labels
    (array([[15., 15., 25., 25.],
           [45., 45., 75., 75.]]), array([0, 1]))
    """
    tail = as_tail(
        letterbox, score_threshold, iou_threshold, max_candidates, max_output, multi_label, class_agnostic, on_invalid,
        activation,
    )  # fmt: skip
    first = as_choice(channels, "channels", CHANNELS) == "first"
    form = _FORMS[as_choice(box_format, "box_format", _FORMATS)]
    scale = _input_scale(tail) if as_flag(normalized, "normalized") else (1.0, 1.0)
    ahead = 4 + as_flag(objectness, "objectness")
    points, numbers = as_keypoints(keypoints)
    behind = points * numbers + as_integer(mask_coefficients, "mask_coefficients", 0)
    table = as_head(output, "output", 2)
    count = None if classes is None else as_integer(classes, "classes", 1)
    _check_shape(table, first, ahead, count, behind)
    span = span_of(table.T if first else table)
    end = span.columns - behind
    found = search(span.part(ahead, end), tail.judge, span.part(4, 5) if objectness else None)
    placed = {"keypoints": keypoints_of(span.part(end, end + points * numbers), numbers, scale)} if points else {}
    further = {}
    if mask_coefficients:
        further["mask_coefficients"] = numbers_of(span.part(end + points * numbers, span.columns))
    return assemble(found, tail, boxes_of(span, form, scale), placed, further)


def boxes_of(span: Span, form: int, scale: tuple[float, float] = (1.0, 1.0)) -> Rows:
    """The corners of some rows of a table that begins with boxes; ``scale`` is what x and y are multiplied by."""
    place = (*span[1:4], form)
    short = span.flat.dtype is FLOAT32

    def decode(rows: I8) -> Array:
        out = np.empty((len(rows), 4), span.flat.dtype)
        (_CORNERS32 if short else _CORNERS64).call(span.flat, place, scale, rows, out)
        return out

    return decode


def numbers_of(span: Span) -> Rows:
    """All numbers of some rows of a table."""
    short = span.flat.dtype is FLOAT32

    def take(rows: I8) -> Array:
        out = np.empty((len(rows), span.columns), span.flat.dtype)
        (_TAKE32 if short else _TAKE64).call(span.flat, span[1:4], rows, out)
        return out

    return take


def keypoints_of(span: Span, numbers: int, scale: tuple[float, float] = (1.0, 1.0)) -> Rows:
    """Points of so many numbers each, of some rows; x and y are multiplied by ``scale``."""
    take = numbers_of(span)

    def points(rows: I8) -> Array:
        out = take(rows).reshape(len(rows), span.columns // numbers, numbers)
        if scale != (1.0, 1.0):
            out[..., :2] *= scale
        return out

    return points


def as_keypoints(keypoints: Any) -> tuple[int, int]:
    """How many points, and of how many numbers; none if None."""
    if keypoints is None:
        return 0, 2
    count, numbers = as_items_of(keypoints, "keypoints", "a pair (points, numbers a point)", 2)
    return as_integer(count, "keypoints[0]", 1), as_integer(numbers, "keypoints[1]", 2)


def _input_scale(tail: Tail) -> tuple[float, float]:
    if tail.letterbox is None:
        raise ValueError("normalized boxes need a letterbox, which knows the size of the network's input")
    height, width = tail.letterbox.input_size
    return float(width), float(height)


def _check_shape(table: Array, first: bool, ahead: int, classes: int | None, behind: int) -> None:
    """Refuse what has too few or too many channels, and tell which axis was taken for them."""
    if table.ndim == 2:
        rows, count = table.shape[::-1] if first else table.shape
        free = count - ahead - behind
        if free > 0 and (free == classes or (classes is None and not 0 < rows < count)):
            return
    parts = "4 numbers of a box" + (", 1 objectness" if ahead == 5 else "")
    parts += " and " + ("class scores" if classes is None else f"{classes} class scores")
    parts += f" and {behind} more numbers" if behind else ""
    mine, other = ("first", "last") if first else ("last", "first")
    if table.ndim != 2:
        wanted = f"{'(channels, rows)' if first else '(rows, channels)'}, as channels={mine!r} says"
        raise ValueError(f"output must have shape {wanted}, with channels for {parts}; got {table.shape}")
    taken = f"output has shape {table.shape}, of which channels={mine!r} takes axis {1 - first} for {count} channels"
    if free <= 0 or classes is not None:
        raise ValueError(f"{taken}, where {parts} are expected")
    hint = f"say channels={other!r}, or classes={free} if that is so"
    raise ValueError(f"{taken} and the other for {rows} rows: {hint}")
