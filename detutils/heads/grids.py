"""Heads on grids of cells: each cell, for each of its anchors, says where a box lies beside it."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils._jit import I8, Direct
from detutils._validate import (
    FLOAT32,
    FLOAT64,
    Array,
    as_choice,
    as_flag,
    as_image_size,
    as_items,
    as_stride,
    plain_array,
)
from detutils.datasets.records import Detections
from detutils.heads._kernels.grids import YOLOV3, YOLOV5, YOLOX, decode_float32, decode_float64
from detutils.heads.assembly import Rows, as_tail, assemble, joined
from detutils.heads.candidates import CHANNELS, Activation, Channels, Span, as_head, search, span_of
from detutils.heads.letterbox import Letterbox

Coding = Literal["yolov3", "yolov5", "yolox"]
_CODINGS: tuple[Coding, ...] = ("yolov3", "yolov5", "yolox")
_CODES = {"yolov3": YOLOV3, "yolov5": YOLOV5, "yolox": YOLOX}
_FLOAT32, _FLOAT64 = Direct(decode_float32), Direct(decode_float64)


class Part(NamedTuple):
    """What one anchor of one level says: a row for each cell, row after row of the grid."""

    span: Span
    width: int  # cells in a row
    numbers: tuple[float, float, float, float]  # the strides down and to the right, the anchor's width and height


def detections_from_grids(
    outputs: npt.ArrayLike | list[npt.ArrayLike],
    anchors: npt.ArrayLike | None,
    strides: npt.ArrayLike,
    *,
    coding: Coding = "yolov5",
    letterbox: Letterbox | None = None,
    channels: Channels = "first",
    input_size: tuple[float, float] | None = None,
    activation: Activation | None = None,
    objectness: bool = True,
    score_threshold: float = 0.25,
    iou_threshold: float | None = 0.5,
    max_candidates: int | None = None,
    max_output: int | None = 300,
    multi_label: bool = False,
    class_agnostic: bool = False,
    on_invalid: Literal["raise", "drop"] = "raise",
) -> Detections:
    """Detections on the photograph from the raw grids of YOLOv3, v5, v7 or YOLOX.

    Parameters
    ----------
    outputs : sequence of L arrays, or one array
        The grid of each level. With K = 4 + 1 + C numbers a cell and anchor (4 + C without objectness):
        (A K, H, W) or (A, K, H, W) where ``channels`` is "first", (H, W, A K) or (A, H, W, K) where it is "last"; a
        leading axis of length 1 is left out. Or one (N, K) array of all levels, cell by cell, which needs
        ``input_size`` or ``letterbox``.
    anchors : (L, A, 2) array_like or None
        Width and height in pixels of the anchors of each level. None is one a cell, as large as the stride.
    strides : (L,) array_like
        Pixels from one cell to the next; (vertical, horizontal) pairs are welcome.
    coding : {"yolov3", "yolov5", "yolox"}, default "yolov5"
        What the four numbers of a box mean, with s for the sigmoid: "yolov3" has its center at (s(x) + cell) stride
        and the width exp(w) anchor; "yolov5", also of v7, (2 s(x) - 0.5 + cell) stride and (2 s(w))^2 anchor; "yolox"
        (x + cell) stride and exp(w) anchor.
    letterbox : Letterbox, optional
        The way back to the photograph, to which boxes are mapped and clipped. Without one they stay in pixels of the
        network's input.
    channels : {"first", "last"}, default "first"
        Where the K numbers stand.
    input_size : (height, width), optional
        Of the network's input, where grids have no shape of their own; that of ``letterbox`` by default.
    activation : {"none", "sigmoid", "softmax"}, optional
        What turns raw scores into probabilities. By default "sigmoid", and "none" for "yolox", whose exports have it
        inside.
    objectness : bool, default True
        Whether a fifth number says how likely there is an object, by which class scores are multiplied.
    score_threshold : float, default 0.25
        Candidates have score > ``score_threshold``. Only their boxes are decoded and judged.
    iou_threshold : float or None, default 0.5
        Of non-maximum suppression; None leaves it out.
    max_candidates : int, optional
        At most so many, the best ones, go into suppression.
    max_output : int or None, default 300
        At most so many detections.
    multi_label : bool, default False
        Every class of a cell that exceeds the threshold, not only the best one.
    class_agnostic : bool, default False
        Whether boxes of different classes suppress each other.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out candidates whose box is not finite, or whose score is infinite.

    Returns
    -------
    found : Detections
        By decreasing score; ties by level, anchor, row and column of the cell, then class. Empty grids give none.

    Raises
    ------
    TypeError
        If an argument is not of its kind.
    ValueError
        If shapes do not fit together (the text says which axis was taken for what), the box of a candidate is not
        finite, or an option is out of range.

    Notes
    -----
    Scores are compared before anything is decoded, so that time is that of reading the grids once. Boxes are computed
    in float64 and, for float32 grids, rounded once.

    References
    ----------
    J. Redmon and A. Farhadi, "YOLOv3: An Incremental Improvement", 2018, section 2.1; Z. Ge et al., "YOLOX: Exceeding
    YOLO Series in 2021", 2021, section 2.1; C.-Y. Wang et al., "YOLOv7", 2022, for the coding of "yolov5".

    Examples
    --------
    >>> import numpy as np, detutils
    >>> grid = np.full((1, 7, 4, 4), -9.0)  # one anchor a cell, two classes
    >>> grid[0, :, 1, 2] = [0, 0, 0, 0, 9, -9, 9]
    >>> found = detutils.detections_from_grids([grid], [[[24, 16]]], [8])
    >>> found.boxes, found.labels
    (array([[ 8.,  4., 32., 20.]]), array([1]))
    """
    code = _CODES[as_choice(coding, "coding", _CODINGS)]
    if activation is None:
        activation = "none" if code == YOLOX else "sigmoid"
    tail = as_tail(
        letterbox, score_threshold, iou_threshold, max_candidates, max_output, multi_label, class_agnostic, on_invalid,
        activation,
    )  # fmt: skip
    first = as_choice(channels, "channels", CHANNELS) == "first"
    ahead = 4 + as_flag(objectness, "objectness")
    steps = [
        as_stride(step, f"strides[{i}]") for i, step in enumerate(as_items(strides, "strides", "a sequence of numbers"))
    ]
    sizes = _as_anchors(anchors, steps)
    if input_size is not None:
        input_size = as_image_size(input_size, "input_size")
    elif letterbox is not None:
        input_size = letterbox.input_size
    levels = _as_levels(outputs, steps, sizes, first, input_size)
    if any(level.dtype is FLOAT64 for level in levels):
        levels = [level.astype(FLOAT64, copy=False) for level in levels]
    parts: list[Part] = []
    for place, (level, step, size) in enumerate(zip(levels, steps, sizes, strict=True)):
        parts += _parts_of(level, f"outputs[{place}]", step, size, first, ahead)
    if len({part.span.columns for part in parts}) > 1:
        counts = ", ".join(str(part.span.columns - ahead) for part in parts)
        raise ValueError(f"outputs must have the same classes on every level, got {counts}")
    found = [
        search(part.span.part(ahead, part.span.columns), tail.judge, part.span.part(4, 5) if objectness else None)
        for part in parts
    ]
    return assemble(joined(found, [part.span.rows for part in parts]), tail, _boxes_of(parts, code))


def _as_anchors(anchors: Any, steps: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """(width, height) of the anchors of each level."""
    if anchors is None:
        return [[(right, down)] for down, right in steps]
    table = as_head(anchors, "anchors", 3)
    if table.ndim != 3 or table.shape[0] != len(steps) or table.shape[2] != 2 or table.shape[1] < 1:
        raise ValueError(f"anchors must have shape ({len(steps)}, A, 2), as strides say, got {table.shape}")
    bad = np.argwhere(~((table > 0.0) & (table < np.inf)))
    if len(bad):
        level, anchor, _ = bad[0]
        raise ValueError(f"anchors[{level}][{anchor}] must be greater than 0, got {table[level, anchor].tolist()}")
    return [[(float(w), float(h)) for w, h in level] for level in table]


def _as_levels(
    outputs: Any, steps: list[tuple[float, float]], sizes: list[list[tuple[float, float]]], first: bool, input_size: Any
) -> list[Array]:
    """An array a level; one array of all of them is cut as the grids of the input say."""
    single = isinstance(outputs, (list, tuple)) and len(outputs) == 1
    if isinstance(outputs, (list, tuple)) and (
        not single or (len(steps) == 1 and plain_array(outputs[0], "outputs[0]").ndim > 2)
    ):
        if len(outputs) != len(steps):
            raise ValueError(f"outputs must have a grid for each of {len(steps)} strides, got {len(outputs)}")
        return [as_head(grid, f"outputs[{level}]", 3) for level, grid in enumerate(outputs)]
    table = as_head(outputs, "outputs", 2)
    if table.ndim != 2:
        if len(steps) == 1:
            return [table]
        raise ValueError(f"outputs must be a sequence of {len(steps)} grids, one a stride, got shape {table.shape}")
    if input_size is None:
        raise ValueError(f"outputs of shape {table.shape} hold no grids: input_size or letterbox must tell their sizes")
    table = table.T if first else table
    height, width = input_size
    grids = [
        (len(size), math.ceil(height / down), math.ceil(width / right))
        for (down, right), size in zip(steps, sizes, strict=True)
    ]
    counts = [math.prod(grid) for grid in grids]
    if sum(counts) != len(table):
        words = " + ".join(map(str, counts))
        raise ValueError(
            f"outputs have {len(table)} rows, as channels={'first' if first else 'last'!r} says, but an input of "
            f"{height:g} x {width:g} has {words} cells"
        )
    ends = np.cumsum(counts)
    levels = [table[end - count : end] for end, count in zip(ends, counts, strict=True)]
    if first:
        return [
            level.T.reshape(table.shape[1], *grid).swapaxes(0, 1) for level, grid in zip(levels, grids, strict=True)
        ]
    return [level.reshape(*grid, table.shape[1]) for level, grid in zip(levels, grids, strict=True)]


def _parts_of(
    level: Array, name: str, step: tuple[float, float], sizes: list[tuple[float, float]], first: bool, ahead: int
) -> list[Part]:
    """The tables of a level, one an anchor."""
    count = len(sizes)
    forms = "(A K, H, W) or (A, K, H, W)" if first else "(H, W, A K) or (A, H, W, K)"
    wanted = (
        f"{name} must have shape {forms}, as channels={'first' if first else 'last'!r} says, with A = {count} anchors"
    )
    while level.ndim > 4 or (level.ndim == 4 and level.shape[0] == 1 != count):
        if level.shape[0] != 1:
            raise ValueError(f"{wanted}, got {level.shape}")
        level = level[0]
    if level.ndim == 3:
        axis = 0 if first else 2
        numbers, rest = divmod(level.shape[axis], count)
        if rest:
            raise ValueError(
                f"{wanted}, got {level.shape}: {level.shape[axis]} channels on axis {axis} are no multiple"
            )
        tables = [level[a * numbers : (a + 1) * numbers] if first else level[..., a * numbers : (a + 1) * numbers]
                  for a in range(count)]  # fmt: skip
    elif level.ndim == 4 and level.shape[0] == count:
        tables = list(level)
    else:
        raise ValueError(f"{wanted}, got {level.shape}")
    axis = 0 if first else 2
    numbers = tables[0].shape[axis]
    if numbers <= ahead:
        parts = "a box, objectness and class scores" if ahead == 5 else "a box and class scores"
        raise ValueError(f"{wanted}, got {level.shape}: K = {numbers} is too few for {parts}")
    height, width = tables[0].shape[1:] if first else tables[0].shape[:2]
    found = []
    for table, size in zip(tables, sizes, strict=True):
        flat = table.reshape(numbers, height * width).T if first else table.reshape(height * width, numbers)
        found.append(Part(span_of(flat), max(width, 1), (*step, *size)))
    return found


def _boxes_of(parts: list[Part], code: int) -> Rows:
    """The corners of ascending rows, which are counted through all parts."""
    starts = np.cumsum([0, *(part.span.rows for part in parts)])
    dtype = parts[0].span.flat.dtype
    call = _FLOAT32.call if dtype is FLOAT32 else _FLOAT64.call

    def decode(rows: I8) -> Array:
        out = np.empty((len(rows), 4), dtype)
        ends = rows.searchsorted(starts)
        for part, start, low, high in zip(parts, starts, ends[:-1], ends[1:], strict=False):
            if low < high:
                place = (*part.span[1:4], part.width, code)
                call(part.span.flat, place, part.numbers, rows[low:high] - start, out[low:high])
        return out

    return decode
