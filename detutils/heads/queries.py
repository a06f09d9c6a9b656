"""Heads with a fixed number of queries, each of which speaks for one object or for none: DETR and its kin."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from detutils._jit import I8
from detutils._validate import Array, as_choice, as_flag
from detutils.datasets.records import Detections
from detutils.heads.assembly import as_tail, assemble
from detutils.heads.candidates import CHANNELS, Activation, Background, Channels
from detutils.heads.letterbox import Letterbox
from detutils.heads.outputs import (
    as_background,
    as_input_size,
    as_level,
    check_width,
    find,
    gather,
    read_scores,
    rounded,
)

BoxFormat = Literal["cxcywh", "xyxy", "xywh"]
_FORMATS: tuple[BoxFormat, ...] = ("cxcywh", "xyxy", "xywh")


def detections_from_queries(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    box_format: BoxFormat = "cxcywh",
    normalized: bool = True,
    input_size: tuple[float, float] | None = None,
    background: Background | None = None,
    channels: Channels = "last",
    letterbox: Letterbox | None = None,
    score_threshold: float = 0.25,
    iou_threshold: float | None = None,
    max_candidates: int | None = None,
    max_output: int | None = 300,
    multi_label: bool = False,
    class_agnostic: bool = False,
    activation: Activation = "none",
    on_invalid: Literal["raise", "drop"] = "raise",
) -> Detections:
    """Detections from a head of queries, which needs no suppression: DETR, Deformable DETR, RT-DETR.

    Parameters
    ----------
    boxes : (Q, 4) array_like
        The box of each query. A leading axis of length 1 is left out.
    scores : (Q, C) array_like
        The score of each class for each query; (Q,) for one class.
    box_format : {"cxcywh", "xyxy", "xywh"}, default "cxcywh"
        What the four numbers are, as in ``box_convert``.
    normalized : bool, default True
        Whether they are fractions of the input's sides instead of pixels.
    input_size : (height, width), optional
        What the fractions are of, in pixels: the size of the network's input, taken from ``letterbox`` if that is
        given. DETR pads nothing: the size of the photograph itself leads back to it.
    background : {"first", "last"}, optional
        Which class stands for no object at all; it takes part in the softmax, and is no candidate. Labels count the
        others from 0. DETR's is last.
    channels : {"last", "first"}, default "last"
        Whether the last axis of the network's arrays holds the classes and coordinates, or the first.
    letterbox : Letterbox, optional
        Leads back to the photograph. Without it boxes are in pixels of ``input_size``.
    score_threshold : float, default 0.25
        Only scores > ``score_threshold`` take part; boxes of the others are not looked at.
    iou_threshold : float, optional
        As in ``batched_nms``. The default suppresses nothing.
    max_candidates : int, optional
        The best so many take part.
    max_output : int or None, default 300
        At most so many detections.
    multi_label : bool, default False
        Every class of a query that exceeds the threshold, not only the best one.
    class_agnostic : bool, default False
        With ``iou_threshold``: boxes of different classes suppress each other as well.
    activation : {"none", "sigmoid", "softmax"}, default "none"
        What turns scores into probabilities.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows above the threshold whose box is not finite or not ordered, or whose score is infinite.

    Returns
    -------
    found : Detections
        Boxes in pixels of the photograph, clipped to it; by decreasing score, ties by the order of the queries. Empty
        without queries, and where nothing exceeds the threshold.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If shapes do not fit together (the text says which axis was taken for what), an option is out of range, nothing
        says what fractions are of, or a box above the threshold is not finite or has x2 < x1 or y2 < y1.

    See Also
    --------
    box_convert : The formats. detections_from_anchors : Heads that need suppression.

    Notes
    -----
    One pass over ``scores``; boxes of the survivors alone are converted. They are computed in float64, and
    rounded once for float32 boxes.

    - DETR: ``activation="softmax"``, ``background="last"``: the best class of each query.
    - Deformable DETR, RT-DETR: ``activation="sigmoid"``, ``multi_label=True``: the best ``max_output`` of all pairs of
      a query and a class, which is their top-k, and of these the ones above the threshold.

    References
    ----------
    N. Carion et al., "End-to-end object detection with transformers", ECCV 2020, section 3.1; X. Zhu et al.,
    "Deformable DETR", ICLR 2021; Y. Zhao et al., "DETRs beat YOLOs on real-time object detection", CVPR 2024.

    Examples
    --------
    >>> import detutils
    >>> found = detutils.detections_from_queries(
    ...     [[0.5, 0.5, 0.2, 0.4], [0.1, 0.1, 0.1, 0.1]], [[2.0, 0, 0], [0, 0, 3.0]], input_size=(480, 640),
    ...     activation="softmax", background="last")
    >>> found.boxes, found.labels
    (array([[256., 144., 384., 336.]]), array([0]))
    """
    axis = as_choice(channels, "channels", CHANNELS)
    tail = as_tail(
        letterbox, score_threshold, iou_threshold, max_candidates, max_output, multi_label, class_agnostic, on_invalid,
        activation,
    )  # fmt: skip
    aside = as_background(background)
    form, fractions = as_choice(box_format, "box_format", _FORMATS), as_flag(normalized, "normalized")
    size = as_input_size(input_size, letterbox)
    if fractions and size is None:
        raise ValueError("input_size or letterbox must say what 0 ... 1 spans, unless normalized=False")
    level = as_level(boxes, "boxes", axis)
    table = check_width([level.table], "boxes", axis, 4, exact=True)[0]
    tables = read_scores(scores, "scores", axis, [len(table)], "boxes")

    def boxes_of(rows: I8) -> Array:
        found = gather([table], rows)
        with np.errstate(all="ignore"):  # what is not finite is judged later
            if fractions and size is not None:
                found *= [size[1], size[0], size[1], size[0]]
            if form == "cxcywh":
                half = 0.5 * found[:, 2:]
                found = np.concatenate([found[:, :2] - half, found[:, :2] + half], axis=1)
            elif form == "xywh":
                found[:, 2:] += found[:, :2]
        return rounded(found, [table])

    return assemble(find(tables, None, tail.judge, aside), tail, boxes_of)
