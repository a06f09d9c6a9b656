"""YOLOX's post-processing by its names.

Change ``from yolox.utils import multiclass_nms, demo_postprocess, postprocess`` to
``from detutils.compat.yolox import multiclass_nms, demo_postprocess, postprocess``, and
``from yolox.data.data_augment import preproc`` likewise. Answers are equal; what differs, and why:

=================== ============================ =============================== ====================================
original            there                        here                            why
=================== ============================ =============================== ====================================
nms, multiclass_nms float32 boxes: float32 IoU   float64                         an IoU at the threshold stays
equal scores        in any order                 the higher index first          the original's sort is not stable
postprocess         changes ``prediction`` to    leaves it as it is              nobody asks for it
                    corners
postprocess         classes apart by shifts in   compared                        at negative coordinates classes meet
                    torchvision
postprocess         IndexError for an image of   its answer                      the original drops an axis too many
                    one row
bboxes_iou          NaN of two boxes without     0; ValueError                   nothing overlaps
                    area; IndexError
bad rows            NaN and negative sides take  ValueError                      a silent wrong answer
                    part
multiclass_nms      ``scores`` without rows:     None                            nothing is found
                    ValueError of argmax
=================== ============================ =============================== ====================================

``demo_postprocess``, ``xyxy2xywh``, ``xyxy2cxcywh`` and ``cxcywh2xyxy`` change what they are given, as the originals
do.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from detutils._jit import F8
from detutils._validate import (
    FLOAT32,
    Array,
    as_array,
    as_boxes,
    as_flag,
    as_floats,
    as_image,
    as_integer,
    as_items_of,
    as_number,
    as_threshold,
    as_vector,
)
from detutils.compat.tensors import as_array as plain, like
from detutils.geometry.boxes import box_convert
from detutils.geometry.overlaps import box_iou
from detutils.heads.candidates import Candidates, class_candidates
from detutils.heads.letterbox import letterbox
from detutils.heads.points import grid_points
from detutils.suppression.greedy import batched_nms, nms as suppress


def nms(boxes: Any, scores: Any, nms_thr: float) -> list[int]:
    """Greedy suppression in inclusive pixels.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2; widths are x2 - x1 + 1.
    scores : (N,) array_like
    nms_thr : float
        In [0, 1]. A box at exactly this IoU stays.

    Returns
    -------
    keep : list of int
        By falling score; of tied ones the higher index first.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> from detutils.compat.yolox import nms
    >>> nms([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], [0.8, 0.9, 0.7], 0.5)
    [1, 2]
    """
    rows = as_boxes(plain(boxes), keep_float32=True, check_rows=False)
    marks = as_vector(plain(scores), "scores", len(rows), keep_float32=True, finite=False)
    try:
        kept: list[int] = _last_first(rows, marks, as_threshold(nms_thr, "nms_thr")).tolist()
    except (TypeError, ValueError):
        as_boxes(rows, keep_float32=True)  # what is wrong by its place here
        as_vector(marks, "scores", keep_float32=True)
        raise
    return kept


def multiclass_nms(
    boxes: Any, scores: Any, nms_thr: float, score_thr: float, class_agnostic: bool = True
) -> F8 | None:  # fmt: skip
    """Detections from boxes and the scores of their classes.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2, in inclusive pixels as for ``nms``.
    scores : (N, C) array_like
    nms_thr : float
        In [0, 1]. A box at exactly this IoU stays.
    score_thr : float
        Only scores > ``score_thr`` count.
    class_agnostic : bool, default True
        The best class of each box, and suppression over all classes; else every class that exceeds the threshold, and
        suppression in each.

    Returns
    -------
    detections : (K, 6) float64 ndarray or None
        x1, y1, x2, y2, score, class: by falling score, or by class and then by falling score where suppression went by
        class. None for none.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> from detutils.compat.yolox import multiclass_nms
    >>> multiclass_nms([[0, 0, 10, 10], [1, 0, 11, 10]], [[0.1, 0.8], [0.9, 0.3]], 0.5, 0.2)
    array([[ 1. ,  0. , 11. , 10. ,  0.9,  0. ]])
    >>> multiclass_nms([[0, 0, 10, 10]], [[0.1, 0.2]], 0.5, 0.5) is None
    True
    """
    rows = as_boxes(plain(boxes), keep_float32=True, check_rows=False)
    limit, agnostic = as_threshold(nms_thr, "nms_thr"), as_flag(class_agnostic, "class_agnostic")
    table = as_array(plain(scores), "scores")
    if table.ndim != 2 or len(table) != len(rows):
        raise ValueError(f"scores must have shape ({len(rows)}, C), got {table.shape}")
    floor = as_number(score_thr, "score_thr")
    found = class_candidates(
        table, _rounded(floor) if table.dtype == FLOAT32 else floor, channels="last", multi_label=not agnostic
    )
    chosen, labels, marks = found
    if not len(chosen):
        return None
    taken = _checked(rows, chosen)
    if agnostic:
        keep = _last_first(taken, marks, limit)
    else:
        keep = _last_first(taken, marks, limit, labels)
        keep = keep.take(labels.take(keep).argsort(kind="stable"))
    out = np.empty((len(keep), 6))
    out[:, :4], out[:, 4], out[:, 5] = taken.take(keep, 0), marks.take(keep), labels.take(keep)
    return out


def multiclass_nms_class_agnostic(boxes: Any, scores: Any, nms_thr: float, score_thr: float) -> F8 | None:
    """``multiclass_nms`` with ``class_agnostic=True``.

    Parameters
    ----------
    boxes, scores, nms_thr, score_thr
        As for ``multiclass_nms``.

    Returns
    -------
    detections : (K, 6) float64 ndarray or None
        As of ``multiclass_nms``.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> from detutils.compat.yolox import multiclass_nms_class_agnostic
    >>> multiclass_nms_class_agnostic([[0, 0, 10, 10], [1, 0, 11, 10]], [[0.1, 0.8], [0.9, 0.2]], 0.5, 0.25)
    array([[ 1. ,  0. , 11. , 10. ,  0.9,  0. ]])
    """
    return multiclass_nms(boxes, scores, nms_thr, score_thr, True)


def multiclass_nms_class_aware(boxes: Any, scores: Any, nms_thr: float, score_thr: float) -> F8 | None:
    """``multiclass_nms`` with ``class_agnostic=False``.

    Parameters
    ----------
    boxes, scores, nms_thr, score_thr
        As for ``multiclass_nms``.

    Returns
    -------
    detections : (K, 6) float64 ndarray or None
        As of ``multiclass_nms``.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> from detutils.compat.yolox import multiclass_nms_class_aware
    >>> multiclass_nms_class_aware([[0, 0, 10, 10], [1, 0, 11, 10]], [[0.1, 0.8], [0.9, 0.2]], 0.5, 0.25)
    array([[ 1. ,  0. , 11. , 10. ,  0.9,  0. ],
           [ 0. ,  0. , 10. , 10. ,  0.8,  1. ]])
    """
    return multiclass_nms(boxes, scores, nms_thr, score_thr, False)


def postprocess(
    prediction: Any, num_classes: int, conf_thre: float = 0.7, nms_thre: float = 0.45, class_agnostic: bool = False
) -> list[Any]:
    """The detections of each image of a batch, from a decoded output.

    Parameters
    ----------
    prediction : (B, N, 5 + C or more) array_like or tensor
        Center, width and height, objectness, scores of the classes.
    num_classes : int
        C.
    conf_thre : float, default 0.7
        Objectness times the best class's score is not less.
    nms_thre : float, default 0.45
        In [0, 1]. A box at exactly this IoU stays.
    class_agnostic : bool, default False
        Whether boxes of different classes suppress each other.

    Returns
    -------
    detections : list of B (K, 7) arrays or tensors, or None
        x1, y1, x2, y2, objectness, the class's score, the class, by falling product; None for none.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat.yolox import postprocess
    >>> output = np.array([[[20, 20, 10, 10, 1.0, 0.75, 0.5], [21, 20, 10, 10, 1, 0.875, 0.5]]])
    >>> postprocess(output, 2, 0.5)[0]
    array([[16.   , 15.   , 26.   , 25.   ,  1.   ,  0.875,  0.   ]])
    """
    heads = as_floats(plain(prediction), "prediction", True)
    count = as_integer(num_classes, "num_classes", 1)
    if heads.ndim != 3 or heads.shape[2] < 5 + count:
        raise ValueError(f"prediction must have shape (B, N, {5 + count} or more), got {heads.shape}")
    least, limit = as_number(conf_thre, "conf_thre"), as_threshold(nms_thre, "nms_thre")
    agnostic = as_flag(class_agnostic, "class_agnostic")
    floor = _below32(least) if heads.dtype == FLOAT32 else float(np.nextafter(least, -np.inf))
    tables = [_found(head, count, floor, limit, agnostic, i) for i, head in enumerate(heads)]
    return [None if table is None else like(table, prediction) for table in tables]


def demo_postprocess(outputs: Any, img_size: Sequence[int], p6: bool = False) -> Any:
    """Undo the network's coding: cells and strides become pixels, in place.

    Parameters
    ----------
    outputs : (..., N, 4 or more) ndarray of floats
        Offsets in cells and logarithms of sizes in strides, of the feature maps one after the other.
    img_size : (height, width)
        Of the network's input.
    p6 : bool, default False
        Whether there is a fourth feature map, of stride 64.

    Returns
    -------
    outputs : ndarray
        The same array with center, width and height in pixels.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat.yolox import demo_postprocess
    >>> outputs = np.zeros((1, 21, 6))
    >>> demo_postprocess(outputs, (32, 32))[0, [1, 20], :4].tolist()
    [[8.0, 0.0, 8.0, 8.0], [0.0, 0.0, 32.0, 32.0]]
    """
    array = plain(outputs)
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise TypeError(f"outputs must be an array of floats, which is changed, got {type(outputs).__name__}")
    high, wide = as_items_of(img_size, "img_size", "(height, width)", 2)
    height, width = as_integer(high, "img_size[0]", 1), as_integer(wide, "img_size[1]", 1)
    strides = (8, 16, 32, 64) if as_flag(p6, "p6") else (8, 16, 32)
    sizes = [(height // stride, width // stride) for stride in strides]
    points, levels = grid_points((height, width), strides, shift=0.0, grid_sizes=sizes)
    if array.ndim < 2 or array.shape[-2] != len(points) or array.shape[-1] < 4:
        wanted = f"(..., {len(points)}, 4 or more), as img_size={height, width} says"
        raise ValueError(f"outputs must have shape {wanted}, got {array.shape}")
    scale = np.array(strides, array.dtype)[levels][:, None]
    array[..., :2] = array[..., :2] * scale + points
    with np.errstate(over="ignore"):  # of a row that stands for nothing: its size is infinite
        array[..., 2:4] = np.exp(array[..., 2:4]) * scale
    return outputs


def preproc(img: Any, input_size: Sequence[int], swap: Sequence[int] = (2, 0, 1)) -> tuple[Array, float]:
    """An image as a network's input: at the upper left, gray around it.

    Parameters
    ----------
    img : (H, W) or (H, W, 3) array_like
        uint8.
    input_size : (height, width)
    swap : sequence of int, default (2, 0, 1)
        The order of the axes.

    Returns
    -------
    padded : (3, height, width) float32 ndarray
        In 0..255.
    ratio : float
        The scale.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat.yolox import preproc
    >>> padded, ratio = preproc(np.zeros((480, 640, 3), np.uint8), (416, 416))
    >>> padded.shape, padded[0, 311, 0].item(), padded[0, 312, 0].item(), ratio
    ((3, 416, 416), 0.0, 114.0, 0.65)
    """
    pixels = as_image(img, "img")
    high, wide = as_items_of(input_size, "input_size", "(height, width)", 2)
    size = as_integer(high, "input_size[0]", 1), as_integer(wide, "input_size[1]", 1)
    axes = [as_integer(axis, "swap", 0, pixels.ndim - 1) for axis in as_items_of(swap, "swap", "axes", pixels.ndim)]
    if len(set(axes)) < pixels.ndim:
        raise ValueError(f"swap must name each axis once, got {tuple(axes)}")
    picture, way = letterbox(pixels, size, align="top-left", rounding="floor", gain="nominal")
    return np.ascontiguousarray(picture.transpose(axes), np.float32), way.scale[0]


def bboxes_iou(bboxes_a: Any, bboxes_b: Any, xyxy: bool = True) -> Any:
    """IoU of each box with each.

    Parameters
    ----------
    bboxes_a : (N, 4) array_like or tensor
    bboxes_b : (M, 4) array_like or tensor
    xyxy : bool, default True
        Whether boxes are corners; else center, width and height.

    Returns
    -------
    iou : (N, M) array or tensor
        float32 if both are, else float64.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> from detutils.compat.yolox import bboxes_iou
    >>> bboxes_iou([[5, 5, 10, 10]], [[5, 5, 10, 5]], xyxy=False)
    array([[0.5]])
    """
    first = as_boxes(plain(bboxes_a), "bboxes_a", keep_float32=True, check_rows=bool(xyxy))
    second = as_boxes(plain(bboxes_b), "bboxes_b", keep_float32=True, check_rows=bool(xyxy))
    if not as_flag(xyxy, "xyxy"):
        first, second = _corners(first, "bboxes_a"), _corners(second, "bboxes_b")
    return like(box_iou(first, second), bboxes_a)


def xyxy2xywh(bboxes: Any) -> Any:
    """Corners as x, y, width, height, in place.

    Parameters
    ----------
    bboxes : (N, 4) ndarray or tensor

    Returns
    -------
    bboxes : the same

    Raises
    ------
    TypeError, ValueError
        If it is no array of boxes that can be written to.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat.yolox import xyxy2xywh
    >>> xyxy2xywh(np.array([[10.0, 20, 30, 60]]))
    array([[10., 20., 20., 40.]])
    """
    return _changed(bboxes, "xyxy", "xywh")


def xyxy2cxcywh(bboxes: Any) -> Any:
    """Corners as center, width, height, in place.

    Parameters
    ----------
    bboxes : (N, 4) ndarray or tensor

    Returns
    -------
    bboxes : the same

    Raises
    ------
    TypeError, ValueError
        If it is no array of boxes that can be written to.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat.yolox import xyxy2cxcywh
    >>> xyxy2cxcywh(np.array([[10.0, 20, 30, 60]]))
    array([[20., 40., 20., 40.]])
    """
    return _changed(bboxes, "xyxy", "cxcywh")


def cxcywh2xyxy(bboxes: Any) -> Any:
    """Center, width, height as corners, in place.

    Parameters
    ----------
    bboxes : (N, 4) ndarray or tensor

    Returns
    -------
    bboxes : the same

    Raises
    ------
    TypeError, ValueError
        If it is no array of boxes that can be written to.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat.yolox import cxcywh2xyxy
    >>> cxcywh2xyxy(np.array([[20.0, 40, 20, 40]]))
    array([[10., 20., 30., 60.]])
    """
    return _changed(bboxes, "cxcywh", "xyxy")


# ---- parts --------------------------------------------------------------------------------------------------------


@lru_cache(64)
def _rounded(value: float) -> float:
    """A threshold as float32 scores are compared with it."""
    return float(np.float32(value))


@lru_cache(64)
def _below32(value: float) -> float:
    """What a product exceeds that is not less than the threshold once it is rounded to float32."""
    near = np.float32(value)
    return 0.5 * (float(near) + float(np.nextafter(near, np.float32(-np.inf))))


def _last_first(boxes: Array, scores: Array, limit: float, labels: Any = None) -> Any:
    """Suppression in inclusive pixels; of tied scores the last wins, which is the first from behind."""
    if labels is None:
        keep = suppress(boxes[::-1], scores[::-1], limit, offset=1)
    else:
        keep = batched_nms(boxes[::-1], scores[::-1], labels[::-1], limit, offset=1)
    return len(scores) - 1 - keep


def _checked(rows: Array, chosen: Any) -> Array:
    """The rows that take part; a bad one is named by its place among all."""
    taken: Array = rows.take(chosen, 0)  # a quarter of the cost of an index
    try:
        return as_boxes(taken, keep_float32=True)
    except ValueError:
        as_boxes(np.where(np.isin(np.arange(len(rows)), chosen)[:, None], rows, 0.0))
        raise


def _found(head: Array, count: int, floor: float, limit: float, agnostic: bool, image: int) -> Array | None:
    """The detections of an image."""
    found: Candidates = class_candidates(head[:, 5 : 5 + count], floor, channels="last", objectness=head[:, 4])
    rows, labels, scores = found
    if not len(rows):
        return None
    boxes = head[rows, :4]
    try:
        corners = box_convert(boxes, "cxcywh", "xyxy")
    except ValueError as error:
        bad = np.flatnonzero(~(np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] >= 0.0).all(axis=1)))
        where = f"prediction[{image}, {rows[bad[0] if bad.size else 0]}]"
        raise ValueError(f"{where} is a candidate, and its box cannot be used: {error}") from None
    keep = suppress(corners, scores, limit) if agnostic else batched_nms(corners, scores, labels, limit)
    rows, labels = rows.take(keep), labels.take(keep)
    out = np.empty((len(keep), 7), head.dtype)
    out[:, :4], out[:, 4], out[:, 6] = corners.take(keep, 0), head[rows, 4], labels
    out[:, 5] = head[rows, 5 + labels]
    return out


def _corners(boxes: Array, name: str) -> Array:
    try:
        return box_convert(boxes, "cxcywh", "xyxy")
    except ValueError as error:
        raise ValueError(str(error).replace("boxes", name, 1)) from None


def _changed(bboxes: Any, source: Any, target: Any) -> Any:
    array = plain(bboxes)
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise TypeError(f"bboxes must be an array of floats, which is changed, got {type(bboxes).__name__}")
    rows = as_boxes(array, "bboxes", keep_float32=True, check_rows=False)
    array[...] = box_convert(rows, source, target)
    return bboxes
