"""Heads that move anchors or proposals by deltas, as R-CNN codes them: RetinaNet, Faster R-CNN."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from detutils._jit import F8, I8
from detutils._validate import (
    Array,
    as_boxes,
    as_choice,
    as_number,
    as_weights,
)
from detutils.datasets.records import Detections
from detutils.geometry._kernels.coding import decode
from detutils.heads.assembly import as_tail, assemble
from detutils.heads.candidates import CHANNELS, Activation, Background, Channels, best_of
from detutils.heads.letterbox import Letterbox
from detutils.heads.outputs import (
    as_background,
    as_levels,
    as_most,
    as_window,
    clipped,
    find,
    gather,
    read_numbers,
    read_scores,
    rounded,
)


def detections_from_anchors(
    deltas: npt.ArrayLike | Sequence[npt.ArrayLike],
    scores: npt.ArrayLike | Sequence[npt.ArrayLike],
    anchors: npt.ArrayLike | Sequence[npt.ArrayLike],
    *,
    weights: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0),
    clamp: float | None = math.log(1000 / 16),
    background: Background | None = None,
    clip_to: tuple[float, float] | None = None,
    channels: Channels = "last",
    letterbox: Letterbox | None = None,
    score_threshold: float = 0.25,
    iou_threshold: float | None = 0.5,
    max_per_level: int | None = None,
    max_candidates: int | None = None,
    max_output: int | None = 300,
    multi_label: bool = False,
    class_agnostic: bool = False,
    activation: Activation = "none",
    on_invalid: Literal["raise", "drop"] = "raise",
) -> Detections:
    """Detections from a head that moves anchors or proposals: RetinaNet, the second stage of Faster R-CNN.

    Parameters
    ----------
    deltas : (N, 4) or (N, 4 C) array_like, or a sequence of them, one a level
        As ``decode_boxes`` takes them: one for each anchor, or one for each anchor and class; the background may have
        its own, which are not read. A leading axis of length 1 is left out.
    scores : (N, C) array_like, or a sequence of them, one a level
        The score of each class for each anchor, the background's among them if there is one; (N,) for one class.
    anchors : (N, 4) array_like, or a sequence of them, one a level
        x1, y1, x2, y2 in pixels of the network's input.
    weights : (wx, wy, ww, wh)
        Divisors of the four deltas, greater than 0: (10, 10, 5, 5) is usual for the second stage.
    clamp : float, optional
        Upper limit of the weightless third and fourth delta, as in ``decode_boxes``. None for no limit.
    background : {"first", "last"}, optional
        Which class stands for no object at all; it takes part in the softmax, and is no candidate. Labels count the
        others from 0. torchvision's is first, detectron2's last.
    clip_to : (height, width), optional
        Boxes are clipped to it before the suppression, in pixels of the network's input, as torchvision, mmdetection
        and detectron2 do. Without it only the detections are clipped, at the end.
    channels : {"last", "first"}, default "last"
        Whether the last axis of the network's arrays holds the classes and coordinates, or the first.
    letterbox : Letterbox, optional
        Leads back to the photograph. Without it boxes are in pixels of the network's input.
    score_threshold : float, default 0.25
        Only scores > ``score_threshold`` take part; boxes of the others are not looked at.
    iou_threshold : float or None, default 0.5
        As in ``batched_nms``. None suppresses nothing.
    max_per_level : int, optional
        The best so many of each level take part.
    max_candidates : int, optional
        The best so many of all take part in the suppression.
    max_output : int or None, default 300
        At most so many detections.
    multi_label : bool, default False
        Every class of an anchor that exceeds the threshold, not only the best one. Both networks do so.
    class_agnostic : bool, default False
        Boxes of different classes suppress each other as well.
    activation : {"none", "sigmoid", "softmax"}, default "none"
        What turns scores into probabilities.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows above the threshold whose box is not finite, or whose score is infinite.

    Returns
    -------
    found : Detections
        Boxes in pixels of the photograph, clipped to it; by decreasing score, ties by the order of the anchors. Empty
        without anchors, and where nothing exceeds the threshold.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If shapes do not fit together (the text says which axis was taken for what), an anchor is not finite or has x2 <
        x1 or y2 < y1, an option is out of range, or a box above the threshold is not finite.

    See Also
    --------
    decode_boxes : The rule of the deltas. pyramid_anchors, cell_anchors : The anchors. rpn_proposals : The first stage.

    Notes
    -----
    The threshold comes first, so that boxes of the survivors alone are computed: the time is that of one pass over
    ``scores``, and of ``batched_nms``. Boxes are computed in float64, and rounded once for
    float32 deltas.

    - RetinaNet: ``activation="sigmoid"``, ``multi_label=True``, ``score_threshold=0.05``, ``max_per_level=1000``, one
      array a level. A raw map of (A * C, H, W) becomes rows by ``.reshape(A, C, H, W).transpose(2, 3, 0,
      1).reshape(-1, C)``.
    - Faster R-CNN: ``activation="softmax"``, ``background="first"`` (torchvision) or ``"last"`` (detectron2),
      ``multi_label=True``, ``score_threshold=0.05``, ``weights=(10, 10, 5, 5)``, ``clip_to``, ``max_output=100``.

    References
    ----------
    S. Ren et al., "Faster R-CNN", NIPS 2015, eq. 2; T.-Y. Lin et al., "Focal loss for dense object detection", ICCV
    2017, section 4.

    Examples
    --------
    >>> import detutils
    >>> found = detutils.detections_from_anchors(
    ...     [[0, 0, 0, 0], [0.5, 0, 0, 0]], [[0.1, 0.2], [0.1, 0.9]], [[0, 0, 10, 10], [20, 20, 40, 40]])
    >>> found.boxes, found.labels
    (array([[30., 20., 50., 40.]]), array([1]))
    """
    axis = as_choice(channels, "channels", CHANNELS)
    tail = as_tail(
        letterbox, score_threshold, iou_threshold, max_candidates, max_output, multi_label, class_agnostic, on_invalid,
        activation,
    )  # fmt: skip
    aside = as_background(background)
    limit = as_most(max_per_level, "max_per_level")
    divisors = as_weights(weights)
    ceiling = math.inf if clamp is None else as_number(clamp, "clamp")
    window = as_window(clip_to)
    origins = [as_boxes(value, title, keep_float32=True) for title, value in as_levels(anchors, "anchors")]
    counts = [len(rows) for rows in origins]
    tables = read_scores(scores, "scores", axis, counts, "anchors")
    moves = read_numbers(deltas, "deltas", axis, counts, "anchors", 4)
    found = best_of(find(tables, None, tail.judge, aside, limit), tail.max_candidates)
    columns = _columns(moves[0].shape[1], tables[0].shape[1], aside, found.labels)

    def boxes_of(rows: I8) -> Array:  # of all that are found: the columns belong to these
        own = np.take_along_axis(gather(moves, rows), columns, axis=1)
        boxes = decode_rows(own, gather(origins, rows), divisors, ceiling)
        return rounded(clipped(boxes, window), moves)

    return assemble(found, tail, boxes_of)


def _columns(width: int, classes: int, background: Background | None, labels: I8) -> I8:
    """Where in its row the four deltas of each candidate stand."""
    others = classes - (background is not None)
    if width == 4:
        first = np.zeros_like(labels)
    elif width == 4 * classes:
        first = 4 * (labels + (background == "first"))
    elif width == 4 * others:
        first = 4 * labels
    else:
        raise ValueError(
            f"deltas must have 4 numbers a row, or 4 for each class, got {width} numbers and {classes} classes"
            + (f", of which the {background} is the background" if background else "")
        )
    return first[:, None] + np.arange(4)


def decode_rows(deltas: F8, anchors: F8, weights: tuple[float, float, float, float], clamp: float) -> F8:
    """``decode_boxes`` for rows that may be bad: their boxes are not finite."""
    boxes = np.empty(deltas.shape)
    start, row = 0, 0
    while row >= 0:  # the kernel stops at the first row out of range, which it has written
        row = decode(deltas[start:], anchors[start:], weights, 0.0, clamp, boxes[start:])
        start += row + 1
    boxes[~np.isfinite(deltas).all(axis=1)] = np.nan  # the limit hides what is no number
    return boxes
