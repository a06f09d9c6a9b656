"""py-faster-rcnn's functions: anchors, NMS, box coding, proposals and the evaluation of Pascal VOC.

The originals stand in modules of their own at the top level; all of them are here, so that each line changes alone::

    from rpn.generate_anchors import generate_anchors       from detutils.compat.faster_rcnn import generate_anchors
    from rpn.proposal_layer import proposal_layer           from detutils.compat.faster_rcnn import proposal_layer
    from fast_rcnn.nms_wrapper import nms                   from detutils.compat.faster_rcnn import nms
    from nms.py_cpu_nms import py_cpu_nms                   from detutils.compat.faster_rcnn import py_cpu_nms
    from nms.cpu_nms import cpu_nms                         from detutils.compat.faster_rcnn import cpu_nms
    from utils.cython_bbox import bbox_overlaps             from detutils.compat.faster_rcnn import bbox_overlaps
    from fast_rcnn.bbox_transform import clip_boxes         from detutils.compat.faster_rcnn import clip_boxes
    from datasets.voc_eval import voc_eval                  from detutils.compat.faster_rcnn import voc_eval

What differs from the original (lib/ of py-faster-rcnn, run under Python 3)::

    original                                here                                    why
    IoU and coding of float32 in float32    float64, rounded once at the end        decisions do not depend on the
                                                                                    dtype; coordinates differ in the
                                                                                    last digit of float32
    cpu_nms refuses float64                 any numbers
    bbox_overlaps refuses float32           any numbers, a float64 matrix
    exp of a large delta is inf, then NaN   ValueError with the row                 no silent wrong box
    NaN, x2 < x1: some answer               ValueError with the row                 no silent wrong answer
    thresholds outside 0 ... 1: some answer ValueError
    integer ratios: Python 2 divides down   the quotient                            0.5 must not become 0
    proposal_layer, scores that tie at the  the lower index of the network's        the original's sort is not stable:
    cut before NMS or in it                 output first                            its choice is the machine's
    voc_eval caches annotations as a        ``cachedir`` is neither read nor        a pickle runs whatever program it
    pickle in ``cachedir``                  written                                 holds
    voc_eval fails on a class without       empty curves, AP 0
    detections
    voc_eval prints                         silent
    voc_eval: an image listed twice counts  ValueError
    its objects twice
    parse_rec needs pose, truncated and     "Unspecified", 0 and 0 where they are   many files have none
    difficult                               missing or empty

``nms``, ``py_cpu_nms`` and ``cpu_nms`` rank with the original's expression, ``argsort()[::-1]``: where scores are tied,
the same box wins, on the same NumPy. ``anchor_target_layer`` and ``proposal_target_layer`` draw from NumPy's global
generator and are not offered: ``detutils.rpn_targets`` and ``detutils.sample_proposals`` do their work.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from detutils import _validate as check
from detutils._jit import F8
from detutils._validate import FLOAT32, FLOAT64, NDARRAY, Array
from detutils.compat.tensors import as_array
from detutils.datasets.markup import Node, read_xml
from detutils.datasets.text_files import broken, decode, number, read_bytes
from detutils.evaluation.precision_recall import average_precision
from detutils.evaluation.voc import evaluate_voc
from detutils.geometry.boxes import clip_boxes_to_image
from detutils.geometry.coding import decode_boxes, encode_boxes
from detutils.geometry.overlaps import box_iou
from detutils.suppression.greedy import nms as greedy_nms
from detutils.targets import anchors as anchor_functions
from detutils.targets.rpn import rpn_proposals

__all__ = [
    "bbox_overlaps",
    "bbox_transform",
    "bbox_transform_inv",
    "clip_boxes",
    "cpu_nms",
    "generate_anchors",
    "nms",
    "parse_rec",
    "proposal_layer",
    "py_cpu_nms",
    "voc_ap",
    "voc_eval",
]

_PIXEL = np.array([0.0, 0.0, 1.0, 1.0])
_SETTINGS = {"TRAIN": (12000, 2000), "TEST": (6000, 300)}  # RPN_PRE_NMS_TOP_N and RPN_POST_NMS_TOP_N


def generate_anchors(
    base_size: float = 16, ratios: npt.ArrayLike = (0.5, 1, 2), scales: npt.ArrayLike = (8, 16, 32)
) -> F8:
    """The anchors of one place, all scales of the first ratio first.

    Parameters
    ----------
    base_size : float, default 16
        Side of the reference window.
    ratios : (R,) array_like, default (0.5, 1, 2)
        Heights divided by widths.
    scales : (S,) array_like, default (8, 16, 32)
        Factors of the side.

    Returns
    -------
    anchors : (R * S, 4) float64 ndarray
        x1, y1, x2, y2 in inclusive pixels: the original's, to the digit.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a value is not greater than 0, or an anchor would be less than a pixel wide or high.

    Examples
    --------
    >>> from detutils.compat.faster_rcnn import generate_anchors
    >>> generate_anchors(scales=[8])
    array([[-84., -40.,  99.,  55.],
           [-56., -56.,  71.,  71.],
           [-36., -80.,  51.,  95.]])
    """
    return anchor_functions.generate_anchors(base_size, as_array(ratios), as_array(scales))


def nms(dets: npt.ArrayLike, thresh: float, force_cpu: bool = False) -> list[int]:
    """``nms_wrapper.nms``: what the original hands to its GPU, or with ``force_cpu`` to ``cpu_nms``.

    Parameters
    ----------
    dets : (N, 5 or more) array_like
        x1, y1, x2, y2 in inclusive pixels, score; further columns are not read.
    thresh : float
        In [0, 1].
    force_cpu : bool, default False
        False keeps a box at exactly the threshold, as ``gpu_nms`` and ``py_cpu_nms`` do; True drops it, as
        ``cpu_nms`` does. Both run on the CPU.

    Returns
    -------
    keep : list of int
        Indices of the kept boxes by decreasing score. Empty for no boxes.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If ``dets`` has fewer than five columns, a row is not finite or has x2 < x1 or y2 < y1, or ``thresh`` is out of
        range.

    Examples
    --------
    >>> from detutils.compat.faster_rcnn import nms
    >>> dets = [[0, 0, 9, 9, 0.8], [1, 0, 10, 9, 0.9], [20, 0, 29, 9, 0.7]]
    >>> nms(dets, 0.5)
    [1, 2]
    """
    return cpu_nms(dets, thresh) if force_cpu else py_cpu_nms(dets, thresh)


def py_cpu_nms(dets: npt.ArrayLike, thresh: float) -> list[int]:
    """Greedy suppression; a box at exactly the threshold stays.

    Parameters
    ----------
    dets : (N, 5 or more) array_like
        x1, y1, x2, y2 in inclusive pixels, score; further columns are not read.
    thresh : float
        In [0, 1].

    Returns
    -------
    keep : list of int
        Indices of the kept boxes by decreasing score, tied ones in the order of ``argsort()[::-1]``. Empty for no
        boxes.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If ``dets`` has fewer than five columns, a row is not finite or has x2 < x1 or y2 < y1, or ``thresh`` is out of
        range.

    Examples
    --------
    >>> from detutils.compat.faster_rcnn import py_cpu_nms
    >>> py_cpu_nms([[0, 0, 9, 9, 0.8], [0, 0, 9, 4, 0.9]], 0.5)
    [1, 0]
    """
    rows = as_array(dets)
    if not (
        type(rows) is NDARRAY and (rows.dtype is FLOAT64 or rows.dtype is FLOAT32)
        and rows.ndim == 2 and rows.shape[1] >= 5
    ):  # fmt: skip
        rows = _table(rows, "dets", 5, keep_float32=True)
    scores = rows[:, 4]
    order, levels = None, scores.copy()
    levels.sort()
    if 1 in (levels[1:] == levels[:-1]).tobytes():  # a third of what it costs to count them
        order = scores.argsort()[::-1]
        rows = rows.take(order, 0)
    try:
        keep = greedy_nms(rows[:, :4], rows[:, 4], thresh, offset=1)
    except (TypeError, ValueError):
        _refuse(rows if order is None else rows[order.argsort()], thresh)
        raise
    return (keep if order is None else order.take(keep)).tolist()  # type: ignore[no-any-return]


def cpu_nms(dets: npt.ArrayLike, thresh: float) -> list[int]:
    """Greedy suppression as the compiled original decides: IoU is rounded to float32, and the threshold suppresses.

    Parameters
    ----------
    dets : (N, 5 or more) array_like
        x1, y1, x2, y2 in inclusive pixels, score; further columns are not read.
    thresh : float
        In [0, 1]. A box is dropped whose IoU with a better one, rounded to float32, is at least ``thresh``: at an IoU
        of exactly 0.5 it goes; at exactly 0.7 it stays, because float32 has no 0.7 and rounds it down.

    Returns
    -------
    keep : list of int
        Indices of the kept boxes by decreasing score, tied ones in the order of ``argsort()[::-1]``. Empty for no
        boxes.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If ``dets`` has fewer than five columns, a row is not finite or has x2 < x1 or y2 < y1, or ``thresh`` is out of
        range.

    Examples
    --------
    >>> from detutils.compat.faster_rcnn import cpu_nms
    >>> cpu_nms([[0, 0, 9, 9, 0.8], [0, 0, 9, 4, 0.9]], 0.5)
    [1]
    """
    limit = check.as_threshold(thresh, "thresh")
    if limit == 0.0:  # every box overlaps the best one by at least 0
        return py_cpu_nms(dets, 1.0)[:1]
    return py_cpu_nms(dets, _last_below(limit))


@functools.lru_cache(maxsize=64)
def _last_below(limit: float) -> float:
    """The number beyond which rounding to float32 reaches the limit."""
    reached = np.float32(limit)
    if float(reached) < limit:
        reached = np.nextafter(reached, np.float32(2.0))
    return 0.5 * (float(np.nextafter(reached, np.float32(-1.0))) + float(reached))


def _table(values: Any, name: str, columns: int, keep_float32: bool = False) -> Array:
    """(N, columns or more) numbers."""
    rows = check.as_floats(values, name, keep_float32)
    if rows.shape == (0,):  # none, written as []
        return np.empty((0, columns), rows.dtype)
    if rows.ndim != 2 or rows.shape[1] < columns:
        raise ValueError(f"{name} must have shape (N, {columns}) or more columns, got {rows.shape}")
    return rows


def _refuse(rows: Array, thresh: Any) -> None:
    """Say what is wrong in the words of the caller."""
    check.as_threshold(thresh, "thresh")
    check.as_boxes(rows[:, :4].astype(FLOAT64), "dets")
    check.as_vector(rows[:, 4].astype(FLOAT64), "the fifth column of dets")


def bbox_overlaps(boxes: npt.ArrayLike, query_boxes: npt.ArrayLike) -> F8:
    """IoU of every box with every query box, in inclusive pixels.

    Parameters
    ----------
    boxes : (N, 4 or more) array_like
        x1, y1, x2, y2; further columns, such as the class of an object, are not read.
    query_boxes : (K, 4 or more) array_like
        The same.

    Returns
    -------
    overlaps : (N, K) float64 ndarray
        IoU, in the original's arithmetic.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If an argument has fewer than four columns, or a row is not finite or has x2 < x1 or y2 < y1.
    MemoryError
        If the matrix is larger than the memory that is free.

    Examples
    --------
    >>> from detutils.compat.faster_rcnn import bbox_overlaps
    >>> bbox_overlaps([[0, 0, 9, 9]], [[0, 0, 9, 4, 7]])
    array([[0.5]])
    """
    first, second = _boxes(boxes, "boxes"), _boxes(query_boxes, "query_boxes")
    try:
        return box_iou(first, second, offset=1)
    except ValueError:
        check.as_boxes(first, "boxes")
        check.as_boxes(second, "query_boxes")
        raise


def _boxes(boxes: Any, name: str) -> F8:
    """The first four columns as float64."""
    rows = as_array(boxes)
    if not (type(rows) is NDARRAY and rows.dtype is FLOAT64 and rows.ndim == 2 and rows.shape[1] >= 4):
        rows = _table(rows, name, 4)
    return rows if rows.shape[1] == 4 else rows[:, :4]  # type: ignore[no-any-return]


def bbox_transform(ex_rois: npt.ArrayLike, gt_rois: npt.ArrayLike) -> Array:
    """Regression targets: objects as displacements of proposals.

    Parameters
    ----------
    ex_rois : (N, 4 or more) array_like
        The proposals: x1, y1, x2, y2 in inclusive pixels; further columns are not read.
    gt_rois : (N, 4 or more) array_like
        The object of each.

    Returns
    -------
    targets : (N, 4) ndarray
        dx, dy, dw, dh; float32 if both inputs are, else float64.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, or a row is not finite or has x2 < x1 or y2 < y1.

    Examples
    --------
    >>> from detutils.compat.faster_rcnn import bbox_transform
    >>> bbox_transform([[0, 0, 9, 9]], [[2, 2, 11, 11]])
    array([[0.2, 0.2, 0. , 0. ]])
    """
    origin, target = as_array(ex_rois), as_array(gt_rois)
    short = getattr(origin, "dtype", None) == getattr(target, "dtype", None) == FLOAT32
    first, second = _boxes(origin, "ex_rois"), _boxes(target, "gt_rois")
    if len(first) != len(second):
        raise ValueError(f"ex_rois and gt_rois must have one length, got {len(first)} and {len(second)}")
    try:
        deltas = encode_boxes(second, first, offset=1)
    except ValueError:
        check.as_boxes(first, "ex_rois")
        check.as_boxes(second, "gt_rois")
        raise
    return deltas.astype(FLOAT32) if short else deltas


def bbox_transform_inv(boxes: npt.ArrayLike, deltas: npt.ArrayLike) -> Array:
    """Boxes moved by displacements, one pixel late: the + 1 of the sides is not taken back.

    Parameters
    ----------
    boxes : (N, 4 or more) array_like
        x1, y1, x2, y2 in inclusive pixels; further columns are not read.
    deltas : (N, 4 C) array_like
        dx, dy, dw, dh of each class, side by side. There is no upper limit to dw and dh.

    Returns
    -------
    pred_boxes : (N, 4 C) ndarray
        x1, y1, x2, y2 of each class; deltas of 0 give x1, y1, x2 + 1, y2 + 1, as the original does
        (``detutils.decode_boxes(..., offset=1)`` gives the box itself). float32 if ``deltas`` is, else float64.

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, a number is not finite, or a box leaves the range of its dtype.

    Examples
    --------
    >>> from detutils.compat.faster_rcnn import bbox_transform_inv
    >>> bbox_transform_inv([[0, 0, 9, 9]], [[0, 0, 0, 0, 0.5, 0, 0, 0]])
    array([[ 0.,  0., 10., 10.,  5.,  0., 15., 10.]])
    """
    origins, moves = _boxes(boxes, "boxes"), as_array(deltas)
    short = getattr(moves, "dtype", None) == FLOAT32
    if short:  # the original takes the boxes into the dtype of the deltas
        with np.errstate(over="ignore"):
            origins, moves = origins.astype(FLOAT32).astype(FLOAT64), moves.astype(FLOAT64)
    try:
        decoded = decode_boxes(moves, origins + _PIXEL, clamp=None)
    except ValueError:
        check.as_boxes(origins, "boxes")
        raise
    if not short:
        return decoded
    with np.errstate(over="ignore"):
        rounded = decoded.astype(FLOAT32)
    if not np.isfinite(rounded).all():
        row = int(np.flatnonzero(~np.isfinite(rounded).all(axis=1))[0])
        text = np.array2string(moves[row], threshold=8, precision=6)
        raise ValueError(f"deltas[{row}] moves boxes[{row}] out of the range of float32: {text}")
    return rounded


def clip_boxes(boxes: Any, im_shape: Any) -> Any:
    """Clip boxes to the image, in place.

    Parameters
    ----------
    boxes : (N, 4 C) ndarray or tensor
        x1, y1, x2, y2 of each class in inclusive pixels. It is written into, as the original does.
    im_shape : (height, width, ...)
        The shape of the image, or the first two numbers of ``im_info``.

    Returns
    -------
    boxes : (N, 4 C) ndarray or tensor
        The argument itself, every coordinate in 0 ... width - 1 and 0 ... height - 1.

    Raises
    ------
    TypeError
        If ``boxes`` is no array of numbers, or ``im_shape`` is not of numbers.
    ValueError
        If a shape is wrong, ``boxes`` is read-only, or a row is not finite or has x2 < x1 or y2 < y1.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat.faster_rcnn import clip_boxes
    >>> clip_boxes(np.array([[-5.0, 10.0, 700.0, 500.0]]), (480, 640, 3))
    array([[  0.,  10., 639., 479.]])
    """
    rows = as_array(boxes)
    if not isinstance(rows, np.ndarray):
        raise TypeError(f"boxes must be an array, which is clipped in place, got {type(rows).__name__}")
    if rows.ndim != 2 or rows.shape[1] % 4:
        raise ValueError(f"boxes must have shape (N, 4) or (N, 4 C), got {rows.shape}")
    if not rows.flags.writeable:
        raise ValueError("boxes must be writable: they are clipped in place")
    size = im_shape[:2] if type(im_shape) is tuple else tuple(np.ravel(as_array(im_shape))[:2].tolist())
    try:
        clipped = clip_boxes_to_image(rows.reshape(-1, 4), size, offset=1)
    except (TypeError, ValueError):
        check.as_image_size(size, "im_shape")
        raise
    rows[...] = clipped.reshape(rows.shape)
    return boxes


def proposal_layer(
    rpn_cls_prob_reshape: npt.ArrayLike,
    rpn_bbox_pred: npt.ArrayLike,
    im_info: npt.ArrayLike,
    cfg_key: str,
    _feat_stride: Any = (16,),
    anchor_scales: npt.ArrayLike = (8, 16, 32),
    *,
    pre_nms_topN: int | None = None,
    post_nms_topN: int | None = None,
    nms_thresh: float = 0.7,
    min_size: float = 16,
) -> Array:
    """``ProposalLayer`` as a function: from the network's output to regions of interest.

    The caffe layer's blobs and rules under the signature of its ports to Python functions (faster_rcnn_pytorch,
    Faster-RCNN_TF); keyword-only, what these read from their configuration.

    Parameters
    ----------
    rpn_cls_prob_reshape : (1, 2 A, H, W) array_like
        Probabilities of background, then of object, of the A anchors of each place.
    rpn_bbox_pred : (1, 4 A, H, W) array_like
        The deltas of each anchor.
    im_info : (1, 3) or (3,) array_like
        Height and width of the input image, and the factor by which it was enlarged.
    cfg_key : {"TRAIN", "TEST"}
        12000 boxes before and 2000 after the suppression, or 6000 and 300.
    _feat_stride : int or sequence of one, default (16,)
        Pixels between two places.
    anchor_scales : (S,) array_like, default (8, 16, 32)
        A is three times S.
    pre_nms_topN, post_nms_topN : int, optional
        Other numbers than those of ``cfg_key``; 0 or less for all.
    nms_thresh : float, default 0.7
        In [0, 1]. A box at exactly this IoU stays, as in ``nms``.
    min_size : float, default 16
        Boxes whose sides are less than ``min_size`` times the factor are dropped.

    Returns
    -------
    blob : (R, 5) float32 ndarray
        0 (the image), x1, y1, x2, y2 by decreasing score; tied ones in the order (y, x, anchor).

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If a shape is wrong, a number is not finite or out of range, or ``cfg_key`` is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat.faster_rcnn import proposal_layer
    >>> scores = np.zeros((1, 18, 1, 1))
    >>> scores[0, 9 + 3] = 0.9  # the first square
    >>> proposal_layer(scores, np.zeros((1, 36, 1, 1)), [[100, 100, 1]], "TEST", post_nms_topN=1)
    array([[ 0.,  0.,  0., 72., 72.]], dtype=float32)
    """
    places = check.as_array(as_array(rpn_cls_prob_reshape), "rpn_cls_prob_reshape")
    moves = check.as_array(as_array(rpn_bbox_pred), "rpn_bbox_pred")
    before, after = _SETTINGS[check.as_choice(cfg_key, "cfg_key", tuple(_SETTINGS))]
    base = generate_anchors(scales=anchor_scales)
    count = len(base)
    if places.ndim != 4 or places.shape[:2] != (1, 2 * count):
        raise ValueError(f"rpn_cls_prob_reshape must have shape (1, {2 * count}, H, W), got {places.shape}")
    grid = places.shape[2:]
    if moves.shape != (1, 4 * count, *grid):
        raise ValueError(f"rpn_bbox_pred must have shape (1, {4 * count}, {grid[0]}, {grid[1]}), got {moves.shape}")
    height, width, scale = check.as_vector(np.ravel(as_array(im_info))[:3], "im_info", 3).tolist()
    steps = check.as_vector(np.ravel(as_array(_feat_stride)), "_feat_stride", 1)
    anchors = anchor_functions.grid_anchors(base, grid, float(steps[0]))
    deltas = moves.transpose(0, 2, 3, 1).reshape(-1, 4)
    if deltas.dtype == FLOAT32:  # anchors lie on halves of pixels, which float32 has
        anchors = anchors.astype(FLOAT32)
    found = rpn_proposals(
        deltas, places[:, count:].transpose(0, 2, 3, 1).ravel(), anchors, (height, width),
        min_size=check.as_number(min_size, "min_size", 0.0) * scale,
        pre_nms=_most(before if pre_nms_topN is None else pre_nms_topN, "pre_nms_topN", len(anchors)),
        post_nms=_most(after if post_nms_topN is None else post_nms_topN, "post_nms_topN", len(anchors)),
        iou_threshold=check.as_threshold(nms_thresh, "nms_thresh"), clamp=None, offset=1, like="py-faster-rcnn",
    )  # fmt: skip
    blob = np.zeros((len(found.boxes), 5), FLOAT32)
    blob[:, 1:] = found.boxes
    return blob


def _most(number_of_boxes: Any, name: str, everything: int) -> int:
    count = check.as_integer(number_of_boxes, name)
    return count if count > 0 else everything


def voc_ap(rec: npt.ArrayLike, prec: npt.ArrayLike, use_07_metric: bool = False) -> float:
    """Average precision of a curve.

    Parameters
    ----------
    rec : (N,) array_like
        Recall, ascending, in [0, 1].
    prec : (N,) array_like
        Precision, in [0, 1].
    use_07_metric : bool, default False
        The mean over eleven recalls (VOC 2007) instead of the area under the envelope.

    Returns
    -------
    ap : float
        Equal to the original's up to the rounding of its sum; NaN where recall is (no objects).

    Raises
    ------
    TypeError
        If an argument is not of numbers.
    ValueError
        If lengths differ, a value is outside [0, 1], or recall falls.

    Examples
    --------
    >>> from detutils.compat.faster_rcnn import voc_ap
    >>> voc_ap([0.5, 0.5, 1.0], [1.0, 0.5, 0.6])
    0.8
    """
    flag = check.as_flag(use_07_metric, "use_07_metric")
    reached = check.as_vector(as_array(rec), "rec", finite=False)
    exact = check.as_vector(as_array(prec), "prec", len(reached), finite=False)
    return average_precision(reached, exact, method="11-point" if flag else "area")


def parse_rec(filename: str | Path) -> list[dict[str, Any]]:
    """The objects of a VOC file as dictionaries.

    Parameters
    ----------
    filename : str or path
        An XML file. Document types are refused, and with them every entity that could swell.

    Returns
    -------
    objects : list of dict
        ``name``, ``pose``, ``truncated``, ``difficult`` and ``bbox``, the numbers of the file as they are: xmin, ymin,
        xmax, ymax, as int where they are whole.

    Raises
    ------
    TypeError
        If ``filename`` is no path.
    OSError
        If the file cannot be read.
    ValueError
        If it is no such file; the text names the line.

    Examples
    --------
    >>> from pathlib import Path
    >>> from detutils.compat.faster_rcnn import parse_rec
    >>> box = "<xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax>"
    >>> text = f"<annotation><object><name>cat</name><bndbox>{box}</bndbox></object></annotation>"
    >>> _ = Path("cat.xml").write_text(text)
    >>> parse_rec("cat.xml")
    [{'name': 'cat', 'pose': 'Unspecified', 'truncated': 0, 'difficult': 0, 'bbox': [1, 2, 3, 4]}]
    """
    objects = []
    for node in read_xml(check.as_path(filename, "filename")).all("object"):
        box = node.need("bndbox")
        pose = node.get("pose")
        objects.append(
            {
                "name": node.need("name").word(),
                "pose": (pose.text if pose is not None else "") or "Unspecified",
                "truncated": int(_value(node.get("truncated"))),
                "difficult": int(_value(node.get("difficult"))),
                "bbox": [_value(box.need(side)) for side in ("xmin", "ymin", "xmax", "ymax")],
            }
        )
    return objects


def _value(node: Node | None) -> int | float:
    if node is None or not node.text:
        return 0
    value = node.number()
    return int(value) if value == int(value) else value


def voc_eval(
    detpath: str,
    annopath: str,
    imagesetfile: str | Path,
    classname: str,
    cachedir: Any = None,
    ovthresh: float = 0.5,
    use_07_metric: bool = False,
) -> tuple[F8, F8, float]:
    """Average precision of one class from the files of the VOC devkit.

    Parameters
    ----------
    detpath : str
        ``detpath.format(classname)`` is the file of detections: image, score, x1, y1, x2, y2 a line.
    annopath : str
        ``annopath.format(imagename)`` is the annotation of an image.
    imagesetfile : str or path
        Names of the images, one a line.
    classname : str
        The class.
    cachedir : ignored
        The original keeps a pickle there, which is a program that loading runs: nothing is read from it or written
        to it.
    ovthresh : float, default 0.5
        In [0, 1]. A detection is right if its IoU, in inclusive pixels, is greater.
    use_07_metric : bool, default False
        The mean over eleven recalls (VOC 2007) instead of the area under the envelope.

    Returns
    -------
    rec, prec : (N,) float64 ndarrays
        After each detection, surest first; recall is NaN if the class has no objects that count.
    ap : float
        Average precision; NaN in that case.

    Raises
    ------
    TypeError
        If an argument is of another type.
    OSError
        If a file cannot be read.
    ValueError
        If a file is broken (the text names the line), a detection is in an image that is not in the list, an image is
        listed twice, or ``ovthresh`` is out of range.

    Examples
    --------
    >>> from pathlib import Path
    >>> from detutils.compat.faster_rcnn import voc_eval
    >>> box = "<xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>"
    >>> text = f"<annotation><object><name>cat</name><bndbox>{box}</bndbox></object></annotation>"
    >>> _ = Path("a.xml").write_text(text), Path("images.txt").write_text("a")
    >>> _ = Path("found_cat.txt").write_text("a 0.9 1 1 9 8")
    >>> voc_eval("found_{}.txt", "{}.xml", "images.txt", "cat", "cache")
    (array([1.]), array([1.]), 1.0)
    """
    for value, name in ((detpath, "detpath"), (annopath, "annopath"), (classname, "classname")):
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a string, got {type(value).__name__}")
    threshold = check.as_threshold(ovthresh, "ovthresh")
    flag = check.as_flag(use_07_metric, "use_07_metric")
    listing = check.as_path(imagesetfile, "imagesetfile")
    names = [line.strip() for line in decode(listing, read_bytes(listing)).splitlines() if line.strip()]
    places = {name: i for i, name in enumerate(names)}
    if len(places) < len(names):
        raise ValueError(f"imagesetfile lists an image twice: {listing}")
    objects = [_objects(annopath.format(name), classname) for name in names]
    images, scores, boxes = _found(Path(detpath.format(classname)), places)
    order = np.argsort(-scores)  # the original's, whose ties are the machine's
    ranks = np.empty(len(order))
    ranks[order] = np.arange(len(order), 0, -1)
    by_image = np.argsort(images, kind="stable")
    spans = np.split(by_image, np.searchsorted(images[by_image], np.arange(1, len(names))))
    found = [(boxes[rows], ranks[rows], np.zeros(len(rows), np.int64)) for rows in spans]
    result = evaluate_voc(
        found, objects, iou_threshold=threshold, method="11-point" if flag else "area", comparison=">", offset=1
    )
    if not len(scores):
        return np.empty(0), np.empty(0), 0.0 if result.objects.sum() else float("nan")
    return result.curves[0].recall, result.curves[0].precision, float(result.ap[0])


def _objects(file: str, classname: str) -> dict[str, Any]:
    """What an annotation has of a class."""
    mine = [thing for thing in parse_rec(file) if thing["name"] == classname]
    return {
        "boxes": np.array([thing["bbox"] for thing in mine], np.float64).reshape(-1, 4),
        "labels": np.zeros(len(mine), np.int64),
        "difficult": np.array([thing["difficult"] != 0 for thing in mine], np.bool_),
    }


def _found(file: Path, places: dict[str, int]) -> tuple[Any, F8, F8]:
    """The image, score and box of each line of a file of detections; it may be empty."""
    lines = decode(file, read_bytes(file)).splitlines() if file.stat().st_size else []
    images, rows = [], []
    for i, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        if words[0] not in places:
            broken(file, f"line {i}", f"image {words[0][:80]!r} is not in the list of images")
        try:
            values = [number(word) for word in words[1:]]
        except ValueError:
            broken(file, f"line {i}", f"must hold an image and numbers, got {line[:80]!r}")
        if len(values) != 5 or not np.isfinite(values).all():
            broken(file, f"line {i}", f"must hold an image, a score and four coordinates, got {line[:80]!r}")
        images.append(places[words[0]])
        rows.append(values)
    table = np.array(rows, np.float64).reshape(-1, 5)
    return np.array(images, np.int64), table[:, 0], table[:, 1:]
