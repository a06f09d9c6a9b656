"""What deployments of YOLO call after the network, by the names that they copy around.

Change ``from utils.general import non_max_suppression, scale_boxes`` (or ``ultralytics.utils.ops``) to
``from detutils.compat.yolo import non_max_suppression, scale_boxes``. Written from documented behavior. Arrays in give
arrays, tensors give tensors (float32 stays float32). YOLOX has names of its own in ``detutils.compat.yolox``; its
``multiclass_nms`` is found here, too.

What differs from what is documented, and why:

=================== ============================ =============================== ====================================
original            there                        here                            why
=================== ============================ =============================== ====================================
layout              each family's own function   the longer of two axes holds    one function for (B, N, 5 + C) with
                                                 the rows; ``layout`` says so    objectness and (B, 4 + C, N) without
                                                 where that is wrong
(B, N, 6), N <= 300 results of an end-to-end     refused: say ``end2end=True``   one class with objectness looks the
                    model                        or ``layout="v5"``              same
classes             apart by shifting boxes by   compared                        float32: an IoU of .700034 becomes
                    7680 a class                                                 .69995, and boxes beyond 7680 pixels
                                                                                 meet boxes of another class
decisions           float32 IoU                  float64                         an IoU at the threshold stays
equal scores        in any order                 by row, then class              repeatable
bad candidates      NaN and negative sides take  ValueError;                     a silent wrong answer; rows below the
                    part                         ``on_invalid="drop"``           threshold may hold anything
max_time_img        stops early, boxes missing   has no effect                   nothing here takes that long
rotated             rotated boxes                NotImplementedError             see ``detutils.rotated_nms``
scale_boxes         pads of half a pixel in      the pads of ``letterbox``       that is where the pixels went
                    older releases
=================== ============================ =============================== ====================================

``scale_boxes``, ``scale_coords``, ``clip_boxes`` and ``clip_coords`` change what they are given, as the originals do,
where that is a writable array or tensor of floats, and return it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from detutils._validate import (
    FLOAT32,
    FLOAT64,
    Array,
    as_array,
    as_choice,
    as_color,
    as_flag,
    as_floats,
    as_image,
    as_integer,
    as_items,
    as_items_of,
    as_labels,
    as_matrix,
    as_number,
    as_threshold,
    is_ready,
)
from detutils.compat.tensors import as_array as plain, like
from detutils.compat.yolox import multiclass_nms as multiclass_nms
from detutils.datasets.records import Detections
from detutils.geometry.boxes import box_convert, clip_boxes_to_image
from detutils.heads.letterbox import Letterbox, letterbox as fit_image
from detutils.heads.yolo import detections_from_yolo
from detutils.suppression.greedy import batched_nms, nms

Layout = Literal["auto", "v5", "v8"]
_LAYOUTS: tuple[Layout, ...] = ("auto", "v5", "v8")
_ON_INVALID: tuple[Literal["raise", "drop"], ...] = ("raise", "drop")
_NONE, _AUTO, _RAISE = 0, "auto", "raise"  # defaults, known by identity: a small call has no time to check them
_FEW = 300  # rows up to which a table of six columns may be the answer of an end-to-end model
_BOX = slice(0, 4)


def non_max_suppression(
    prediction: Any,
    conf_thres: float = 0.25,
    iou_thres: float = 0.45,
    classes: Any = None,
    agnostic: bool = False,
    multi_label: bool = False,
    labels: Sequence[Any] = (),
    max_det: int = 300,
    nc: int = 0,
    max_time_img: float = 0.05,
    max_nms: int = 30000,
    max_wh: int = 7680,
    *,
    nm: int = 0,
    in_place: bool = True,
    rotated: bool = False,
    end2end: bool = False,
    layout: Layout = "auto",
    on_invalid: Literal["raise", "drop"] = "raise",
) -> list[Any]:
    """The detections of each image of a batch, from a network's raw output.

    Parameters
    ----------
    prediction : (B, N, 5 + C + M) or (B, 4 + C + M, N) array_like or tensor
        Center, width and height of each box in pixels of the input, the objectness (first layout only), scores of C
        classes, M coefficients of masks. Of a list or tuple, as a model in training mode gives, the first counts.
    conf_thres : float, default 0.25
        In [0, 1]. Candidates have score > ``conf_thres``, objectness times class where there is one.
    iou_thres : float, default 0.45
        In [0, 1]. A box at exactly this IoU stays.
    classes : sequence of int, optional
        Only these classes, chosen before suppression.
    agnostic : bool, default False
        Whether boxes of different classes suppress each other.
    multi_label : bool, default False
        Every class of a row that exceeds the threshold, not only the best.
    labels : sequence of B arrays (K, 5), default ()
        Known objects of each image, class, center x, center y, width, height in pixels of the input: they take part
        with a score of 1.
    max_det : int, default 300
        At most so many detections an image.
    nc : int, default 0
        How many classes there are; what follows them are coefficients of masks. 0: all but ``nm`` of the numbers.
    max_time_img, max_wh, in_place
        No effect.
    max_nms : int, default 30000
        At most so many candidates, the best, go into suppression.
    nm : int, default 0
        How many coefficients of masks there are (YOLOv5).
    rotated : bool, default False
        Not offered.
    end2end : bool, default False
        Whether ``prediction`` is the answer of a model that needs no suppression, (B, N, 6 or more): x1, y1, x2, y2,
        score, class. It is filtered only.
    layout : {"auto", "v5", "v8"}, default "auto"
        "v5" is (B, N, 5 + C + M), "v8" is (B, 4 + C + M, N). "auto" takes the longer of the two axes for the rows,
        unless ``nm`` ("v5") or ``nc`` ("v8") is given.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out candidates whose box is not finite or has a negative side.

    Returns
    -------
    detections : list of B (K, 6 + M) arrays or tensors
        x1, y1, x2, y2 in pixels of the input, score, class, coefficients; by falling score.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.
    NotImplementedError
        If ``rotated``.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat.yolo import non_max_suppression
    >>> output = np.array([[20, 21, 60.0], [20, 20, 60], [10, 10, 30], [10, 10, 30], [0.9, 0.8, 0.1], [0.0, 0.1, 0.7]])
    >>> non_max_suppression(output[None], layout="v8")[0]
    array([[15. , 15. , 25. , 25. ,  0.9,  0. ],
           [45. , 45. , 75. , 75. ,  0.7,  1. ]])
    """
    if isinstance(prediction, (list, tuple)) and prediction:
        prediction = prediction[0]
    heads = plain(prediction)
    heads = heads if type(heads) is np.ndarray and heads.dtype.kind == "f" else as_array(heads, "prediction")
    if heads.ndim != 3:
        raise ValueError(f"prediction must have shape (B, N, 5 + C) or (B, 4 + C, N), got {heads.shape}")
    if rotated is not False and as_flag(rotated, "rotated"):
        raise NotImplementedError("rotated boxes are not offered here: see detutils.rotated_nms")
    threshold = as_number(conf_thres, "conf_thres", 0.0, 1.0)
    threshold = _rounded(threshold) if heads.dtype is FLOAT32 else threshold
    limit = as_threshold(iou_thres, "iou_thres")
    wanted = None if classes is None else as_labels(plain(classes), "classes")
    most, candidates = as_integer(max_det, "max_det", 0), as_integer(max_nms, "max_nms", 0)
    masks = 0 if nm is _NONE else as_integer(nm, "nm", 0)
    count = 0 if nc is _NONE else as_integer(nc, "nc", 0)
    kind = layout if layout is _AUTO else as_choice(layout, "layout", _LAYOUTS)
    on_invalid = on_invalid if on_invalid is _RAISE else as_choice(on_invalid, "on_invalid", _ON_INVALID)
    agnostic, every = as_flag(agnostic, "agnostic"), as_flag(multi_label, "multi_label")
    if end2end is not False and as_flag(end2end, "end2end"):
        return [like(_filtered(head, threshold, wanted, most), prediction) for head in heads]
    first = (_guess(heads.shape, masks, count) if kind == "auto" else kind) == "v8"
    width = heads.shape[1 if first else 2] - (4 if first else 5)
    count = count or width - masks
    masks = masks or width - count
    if count < 1 or masks < 0 or count + masks != width:
        raise ValueError(
            f"prediction has shape {heads.shape}, taken for layout={'v8' if first else 'v5'!r}: it holds {width} "
            f"numbers beside the box, not nc={nc} class scores and nm={nm} coefficients"
        )
    known = (
        as_items(labels, "labels", "a sequence of one array an image") if type(labels) is not tuple or labels else []
    )
    if known and len(known) != len(heads):
        raise ValueError(f"labels must hold {len(heads)} arrays, one an image, got {len(known)}")
    options: dict[str, Any] = {
        "channels": "first" if first else "last", "objectness": not first, "classes": count,
        "mask_coefficients": masks, "score_threshold": threshold, "multi_label": every, "on_invalid": on_invalid,
    }  # fmt: skip
    answers = []
    for i, head in enumerate(heads):
        if known:
            head = _with_known(head, known[i], f"labels[{i}]", count, first)
        try:
            if wanted is None:
                found = detections_from_yolo(
                    head, iou_threshold=limit, max_candidates=candidates, max_output=most, class_agnostic=agnostic,
                    **options,
                )  # fmt: skip
            else:
                found = detections_from_yolo(head, iou_threshold=None, max_output=None, **options)
                found = _chosen(found[np.isin(found.labels, wanted)], limit, agnostic, candidates, most)
        except ValueError as error:
            raise ValueError(f"prediction[{i}]: {error}") from None
        answers.append(like(_table(found, masks, heads.dtype), prediction))
    return answers


def scale_boxes(
    img1_shape: Sequence[int],
    boxes: Any,
    img0_shape: Sequence[int],
    ratio_pad: Any = None,
    padding: bool = True,
    xywh: bool = False,
) -> Any:
    """Boxes of the network's input as boxes of the photograph.

    Parameters
    ----------
    img1_shape : (height, width)
        Of the input.
    boxes : (..., 4) array_like or tensor
        x1, y1, x2, y2, or center, width and height with ``xywh``, in pixels of the input.
    img0_shape : (height, width[, channels])
        Of the photograph.
    ratio_pad : ((gain, ...), (left, top)), optional
        Scale and pads; what ``letterbox`` does with these two sizes if left out.
    padding : bool, default True
        Whether there were pads around the photograph.
    xywh : bool, default False
        Whether boxes are given by position and size; these are not clipped.

    Returns
    -------
    boxes : (..., 4) array or tensor
        In pixels of the photograph, clipped to it; ``boxes`` itself where it can be written to.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat.yolo import scale_boxes
    >>> scale_boxes((320, 320), np.array([[-4.0, 50, 160, 290]]), (480, 640, 3))
    array([[  0.,  20., 320., 480.]])
    """
    way = _way_back(img1_shape, img0_shape, ratio_pad, as_flag(padding, "padding"))
    rows, shape = _as_rows(boxes, "boxes")
    if not as_flag(xywh, "xywh"):
        return _written(way.boxes_to_image(rows, clip=True).reshape(shape), boxes)
    moved = box_convert(way.boxes_to_image(box_convert(rows, "cxcywh", "xyxy")), "xyxy", "cxcywh")
    return _written(moved.reshape(shape), boxes)


def scale_coords(img1_shape: Sequence[int], coords: Any, img0_shape: Sequence[int], ratio_pad: Any = None) -> Any:
    """``scale_boxes`` by its older name; of points, (..., 2 or 3), where ``coords`` are such.

    Parameters
    ----------
    img1_shape, img0_shape, ratio_pad
        As for ``scale_boxes``.
    coords : (..., 4), (..., 2) or (..., 3) array_like or tensor
        Boxes, or points with perhaps a score.

    Returns
    -------
    coords : array or tensor
        In pixels of the photograph, clipped to it.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat.yolo import scale_coords
    >>> scale_coords((320, 320), np.array([[160.0, 160.0]]), (480, 640))
    array([[320., 240.]])
    """
    numbers = as_floats(plain(coords), "coords", True)
    if numbers.ndim and numbers.shape[-1] in (2, 3):
        way = _way_back(img1_shape, img0_shape, ratio_pad, True)
        return _written(way.points_to_image(numbers, clip=True), coords)
    rows, shape = _as_rows(coords, "coords")
    way = _way_back(img1_shape, img0_shape, ratio_pad, True)
    return _written(way.boxes_to_image(rows, clip=True).reshape(shape), coords)


def clip_boxes(boxes: Any, shape: Sequence[int]) -> Any:
    """Boxes moved into an image.

    Parameters
    ----------
    boxes : (..., 4) array_like or tensor
        x1, y1, x2, y2 in pixels.
    shape : (height, width[, channels])
        Of the image.

    Returns
    -------
    boxes : (..., 4) array or tensor
        ``boxes`` itself where it can be written to.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat.yolo import clip_boxes
    >>> clip_boxes(np.array([[-4.0, 5, 700, 90]]), (480, 640))
    array([[  0.,   5., 640.,  90.]])
    """
    rows, whole = _as_rows(boxes, "boxes")
    return _written(clip_boxes_to_image(rows, _as_size(shape, "shape")).reshape(whole), boxes)


clip_coords = clip_boxes


def xywh2xyxy(x: Any) -> Any:
    """Center, width and height as corners.

    Parameters
    ----------
    x : (..., 4) array_like or tensor

    Returns
    -------
    y : (..., 4) array or tensor
        A new one; float32 for float32, else float64.

    Raises
    ------
    TypeError, ValueError
        If it is no array of boxes.

    Examples
    --------
    >>> from detutils.compat.yolo import xywh2xyxy
    >>> xywh2xyxy([[20, 40, 20, 40]])
    array([[10., 20., 30., 60.]])
    """
    return _converted(x, "cxcywh", "xyxy")


def xyxy2xywh(x: Any) -> Any:
    """Corners as center, width and height.

    Parameters
    ----------
    x : (..., 4) array_like or tensor

    Returns
    -------
    y : (..., 4) array or tensor
        A new one; float32 for float32, else float64.

    Raises
    ------
    TypeError, ValueError
        If it is no array of boxes.

    Examples
    --------
    >>> from detutils.compat.yolo import xyxy2xywh
    >>> xyxy2xywh([[10, 20, 30, 60]])
    array([[20., 40., 20., 40.]])
    """
    return _converted(x, "xyxy", "cxcywh")


def xywhn2xyxy(x: Any, w: float = 640, h: float = 640, padw: float = 0, padh: float = 0) -> Any:
    """Center, width and height as fractions of an image, as corners in pixels.

    Parameters
    ----------
    x : (..., 4) array_like or tensor
    w, h : float, default 640
        Width and height of the image.
    padw, padh : float, default 0
        Added to x and y.

    Returns
    -------
    y : (..., 4) array or tensor
        A new one; float32 for float32, else float64.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> from detutils.compat.yolo import xywhn2xyxy
    >>> xywhn2xyxy([[0.5, 0.5, 0.2, 0.4]], 640, 480)
    array([[256., 144., 384., 336.]])
    """
    rows, shape = _as_rows(x, "x")
    size = as_number(h, "h", above=0.0), as_number(w, "w", above=0.0)
    pads = as_number(padw, "padw"), as_number(padh, "padh")
    corners = box_convert(rows, "cxcywhn", "xyxy", image_size=size)
    corners += np.array([*pads, *pads], corners.dtype)
    return like(corners.reshape(shape), x)


def xyxy2xywhn(x: Any, w: float = 640, h: float = 640, clip: bool = False, eps: float = 0.0) -> Any:
    """Corners in pixels, as center, width and height in fractions of an image.

    Parameters
    ----------
    x : (..., 4) array_like or tensor
    w, h : float, default 640
        Width and height of the image.
    clip : bool, default False
        Whether boxes are moved into the image first. They are so in a copy.
    eps : float, default 0
        How far inside its right and lower border that is, in pixels.

    Returns
    -------
    y : (..., 4) array or tensor
        A new one; float32 for float32, else float64.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> from detutils.compat.yolo import xyxy2xywhn
    >>> xyxy2xywhn([[256, 144, 384, 336]], 640, 480)
    array([[0.5, 0.5, 0.2, 0.4]])
    """
    rows, shape = _as_rows(x, "x")
    size = as_number(h, "h", above=0.0), as_number(w, "w", above=0.0)
    inset = as_number(eps, "eps", 0.0)
    if as_flag(clip, "clip"):
        rows = clip_boxes_to_image(rows, (size[0] - inset, size[1] - inset))
    return like(box_convert(rows, "xyxy", "cxcywhn", image_size=size).reshape(shape), x)


def letterbox(
    im: Any,
    new_shape: int | Sequence[int] = (640, 640),
    color: int | Sequence[int] = (114, 114, 114),
    auto: bool = True,
    scaleFill: bool = False,
    scaleup: bool = True,
    stride: int = 32,
) -> tuple[Array, tuple[float, float], tuple[float, float]]:
    """An image resized and padded to a network's input.

    Parameters
    ----------
    im : (H, W), (H, W, 3) or (H, W, 4) array_like
        uint8, uint16 or float in 0..1; channels in any order.
    new_shape : int or (height, width), default (640, 640)
        Of the input.
    color : (int, int, int), default (114, 114, 114)
        Of the pads, in the order of the image's channels; the first number for a gray image.
    auto : bool, default True
        Pad up to a multiple of ``stride`` only.
    scaleFill : bool, default False
        Stretch instead of padding; ``auto`` goes before it.
    scaleup : bool, default True
        Whether small images are enlarged.
    stride : int, default 32
        See ``auto``.

    Returns
    -------
    im : (h, w[, channels]) ndarray
        A new array.
    ratio : (x, y)
        The scales.
    pads : (dw, dh)
        Half of what was added to width and height; a half more or less where it is odd.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract; the text names it.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat.yolo import letterbox
    >>> picture, ratio, pads = letterbox(np.zeros((480, 640, 3), np.uint8), 320, auto=False)
    >>> picture.shape, ratio, pads
    ((320, 320, 3), (0.5, 0.5), (0.0, 40.0))
    """
    pixels = as_image(im, "im")
    if isinstance(new_shape, (list, tuple)):
        size: Any = _as_size(new_shape, "new_shape")
    else:
        size = as_integer(new_shape, "new_shape", 1)
    ground: Any = color[0] if pixels.ndim == 2 and isinstance(color, (list, tuple)) and color else color
    ground = as_integer(ground, "color", 0, 255) if pixels.ndim == 2 else as_color(ground, "color")
    step = as_integer(stride, "stride", 1)
    fewer, enlarge = as_flag(auto, "auto"), as_flag(scaleup, "scaleup")
    if as_flag(scaleFill, "scaleFill") and not fewer:
        picture, way = fit_image(pixels, size, stretch=True, fill=ground)
        return picture, way.scale, (0.0, 0.0)
    picture, way = fit_image(
        pixels, size, stride=step if fewer else None, fill=ground, scale_up=enlarge, gain="nominal"
    )
    (height, width), (high, wide) = way.image_size, way.input_size
    inner = round(width * way.scale[0]), round(height * way.scale[1])
    return picture, way.scale, ((wide - inner[0]) / 2, (high - inner[1]) / 2)


# ---- parts --------------------------------------------------------------------------------------------------------


@lru_cache(64)
def _rounded(value: float) -> float:
    """A threshold as float32 scores are compared with it."""
    return float(np.float32(value))


def _guess(shape: tuple[int, ...], masks: int, count: int) -> str:
    """Which of the two layouts a shape has."""
    _, second, third = shape
    if masks or count:
        return "v5" if masks else "v8"
    if second == third:
        raise ValueError(f"prediction has shape {shape}, which tells no rows from channels: say layout='v5' or 'v8'")
    if third == 6 and second <= _FEW:
        raise ValueError(f"prediction has shape {shape}: say end2end=True, or layout='v5' if it has one class")
    channels_first = second < third if second and third else third == 0
    return "v8" if channels_first else "v5"


def _with_known(head: Array, rows: Any, name: str, count: int, first: bool) -> Array:
    """A head with further rows of known objects."""
    objects = as_matrix(plain(rows), name, None, 5) if len(rows) else np.empty((0, 5))
    kinds = as_labels(objects[:, 0], name)
    if kinds.size and not 0 <= int(kinds.min()) <= int(kinds.max()) < count:
        raise ValueError(f"{name} names a class outside of 0 ... {count - 1}")
    ahead = 4 if first else 5
    more = np.zeros((len(objects), head.shape[0 if first else 1]), head.dtype)
    more[:, _BOX] = objects[:, 1:]
    more[:, 4:ahead] = 1.0
    more[np.arange(len(objects)), ahead + kinds] = 1.0
    return np.concatenate([head, more.T if first else more], axis=1 if first else 0)


def _chosen(found: Detections, limit: float, agnostic: bool, candidates: int, most: int) -> Detections:
    """What suppression leaves of detections."""
    boxes, scores, labels, _ = found
    if agnostic:
        return found[nms(boxes, scores, limit, max_candidates=candidates, max_output=most)]
    return found[batched_nms(boxes, scores, labels, limit, max_candidates=candidates, max_output=most)]


def _table(found: Detections, masks: int, dtype: Any) -> Array:
    """Detections as rows of numbers."""
    out = np.empty((len(found.scores), 6 + masks), dtype if dtype.kind == "f" else FLOAT64)
    out[:, _BOX], out[:, 4], out[:, 5] = found.boxes, found.scores, found.labels
    if masks:
        out[:, 6:] = found.columns["mask_coefficients"]
    return out


def _filtered(rows: Array, threshold: float, wanted: Any, most: int) -> Array:
    """The rows of an end-to-end model that stay."""
    if rows.shape[1] < 6:
        raise ValueError(f"prediction must have shape (B, N, 6 or more) with end2end=True, got rows of {rows.shape[1]}")
    takes = rows[:, 4] > threshold
    if wanted is not None:
        takes &= np.isin(rows[:, 5], wanted)
    return rows[takes][:most]


def _as_size(shape: Any, name: str) -> tuple[int, int]:
    """(height, width) of a shape that may go on with channels."""
    if type(shape) is tuple and len(shape) in (2, 3) and type(shape[0]) is type(shape[1]) is int and min(shape) > 0:
        return shape[:2]
    items = as_items(shape, name, "(height, width)")
    high, wide = as_items_of(items[:2], name, "(height, width)", 2)
    return as_integer(high, f"{name}[0]", 1), as_integer(wide, f"{name}[1]", 1)


@lru_cache(64)
def _fitted(inner: tuple[int, int], outer: tuple[int, int], padding: bool) -> Letterbox:
    way = Letterbox.fit(inner, outer, gain="nominal")
    return way if padding else way._replace(pad=(0.0, 0.0))


def _way_back(img1_shape: Any, img0_shape: Any, ratio_pad: Any, padding: bool) -> Letterbox:
    """Where the photograph lies in the input."""
    inner, outer = _as_size(img0_shape, "img0_shape"), _as_size(img1_shape, "img1_shape")
    if ratio_pad is None:
        return _fitted(inner, outer, padding)
    ratio, pads = as_items_of(ratio_pad, "ratio_pad", "((gain, ...), (left, top))", 2)
    gains = as_items(ratio, "ratio_pad[0]", "a sequence that begins with the gain")
    gain = as_number(gains[0] if gains else None, "ratio_pad[0][0]", above=0.0)
    left, top = as_items_of(pads, "ratio_pad[1]", "(left, top)", 2)
    pad = as_number(left, "ratio_pad[1][0]"), as_number(top, "ratio_pad[1][1]")
    return Letterbox(inner, outer, (gain, gain), pad if padding else (0.0, 0.0))


def _as_rows(boxes: Any, name: str) -> tuple[Array, tuple[int, ...]]:
    """Boxes of any number of dimensions as rows, and the shape that they had."""
    numbers = plain(boxes)
    if not is_ready(numbers, True):
        numbers = as_floats(numbers, name, True)
    if numbers.ndim == 2 and numbers.shape[1] == 4:
        return numbers, numbers.shape
    if numbers.shape == (0,):
        numbers = numbers.reshape(0, 4)
    if numbers.ndim == 0 or numbers.shape[-1] != 4:
        raise ValueError(f"{name} must have shape (..., 4), got {numbers.shape}")
    return numbers.reshape(-1, 4), numbers.shape


def _converted(boxes: Any, source: Any, target: Any) -> Any:
    rows, shape = _as_rows(boxes, "x")
    return like(box_convert(rows, source, target).reshape(shape), boxes)


def _written(answer: Array, origin: Any) -> Any:
    """The answer in the memory of what it was made of, where that can be."""
    view = plain(origin)
    ready = isinstance(view, np.ndarray) and view.dtype.kind == "f" and view.flags.writeable
    if not ready or view.shape != answer.shape or (view is not origin and origin.device.type != "cpu"):
        return like(answer, origin)
    view[...] = answer
    return origin
