"""Thin adapters: each peer's best form behind one call, its conversions inside, so that they are part of its
time.

``nms_peers`` and ``batched_peers`` give what is installed. An adapter takes float32 boxes and scores as
detectors emit them and answers the kept indices by decreasing score.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Nms = Callable[[Array, Array, float], Array]
Batched = Callable[[Array, Array, Array, float], Array]


# ---- the smallest ONNX model that holds one NonMaxSuppression operator
# -------------------------------------------------


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _field(number: int, value: int | bytes | str) -> bytes:
    """One protobuf field: a varint, or bytes with their length."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _value(name: str, kind: int, dimensions: tuple[int | str, ...]) -> bytes:
    """A ValueInfoProto: name, element type, shape."""
    axes = b"".join(_field(1, _field(1, d) if isinstance(d, int) else _field(2, d)) for d in dimensions)
    tensor = _field(1, kind) + _field(2, axes)
    return _field(1, name) + _field(2, _field(1, tensor))


def nms_model() -> bytes:
    """ModelProto bytes: boxes (1, N, 4), scores (1, C, N), three scalars in; indices (M, 3) out."""
    float_kind, int64_kind = 1, 7
    names = ("boxes", "scores", "most", "iou_threshold", "score_threshold")
    node = b"".join(_field(1, name) for name in names) + _field(2, "selected") + _field(4, "NonMaxSuppression")
    graph = _field(1, node) + _field(2, "nms")
    graph += _field(11, _value("boxes", float_kind, (1, "N", 4))) + _field(
        11, _value("scores", float_kind, (1, "C", "N"))
    )
    graph += _field(11, _value("most", int64_kind, (1,)))
    graph += _field(11, _value("iou_threshold", float_kind, (1,)))
    graph += _field(11, _value("score_threshold", float_kind, (1,)))
    graph += _field(12, _value("selected", int64_kind, ("M", 3)))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 11))


def _onnxruntime() -> Nms:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(nms_model(), options, providers=["CPUExecutionProvider"])
    lowest = np.array([-3e38], np.float32)

    def nms(boxes: Array, scores: Array, threshold: float) -> Array:
        inputs = {
            "boxes": boxes[None], "scores": scores[None, None], "most": np.array([len(boxes)]),
            "iou_threshold": np.array([threshold], np.float32), "score_threshold": lowest,
        }  # fmt: skip
        return session.run(None, inputs)[0][:, 2]  # type: ignore[no-any-return]

    return nms


def _torchvision() -> Nms:
    import torch
    import torchvision.ops

    def nms(boxes: Array, scores: Array, threshold: float) -> Array:
        return torchvision.ops.nms(torch.from_numpy(boxes), torch.from_numpy(scores), threshold).numpy()  # type: ignore[no-any-return]

    return nms


def _powerboxes() -> Nms:
    import powerboxes

    return lambda boxes, scores, threshold: powerboxes.nms(boxes, scores.astype(np.float64), threshold, -np.inf)


def _powerboxes_rtree() -> Nms:
    import powerboxes

    return lambda boxes, scores, threshold: powerboxes.rtree_nms(boxes, scores.astype(np.float64), threshold, -np.inf)


def _lsnms() -> Nms:
    import lsnms

    def nms(boxes: Array, scores: Array, threshold: float) -> Array:
        return lsnms.nms(
            boxes.astype(np.float64), scores.astype(np.float64), iou_threshold=threshold, score_threshold=0.0
        )  # type: ignore[no-any-return]

    return nms


def _cv2() -> Nms:
    import cv2

    def nms(boxes: Array, scores: Array, threshold: float) -> Array:
        xywh = boxes.astype(np.float64)  # doubles are what NMSBoxes takes without rounding
        xywh[:, 2:] -= xywh[:, :2]
        return np.asarray(cv2.dnn.NMSBoxes(xywh, scores, 0.0, threshold), np.int64).reshape(-1)

    return nms


def _ensemble_boxes() -> Nms:
    from ensemble_boxes.ensemble_boxes_nms import nms_float_fast

    return lambda boxes, scores, threshold: nms_float_fast(boxes, scores, threshold)  # type: ignore[no-any-return]


def _supervision() -> Nms:
    from supervision import box_non_max_suppression

    def nms(boxes: Array, scores: Array, threshold: float) -> Array:
        mask = box_non_max_suppression(np.column_stack([boxes, scores]), threshold)
        kept = np.flatnonzero(mask)
        return kept[np.argsort(-scores[kept], kind="stable")]

    return nms


def _sahi() -> Nms:
    from sahi.postprocess.backends import set_postprocess_backend
    from sahi.postprocess.combine import nms as sahi_nms

    set_postprocess_backend("numba")

    def nms(boxes: Array, scores: Array, threshold: float) -> Array:
        with contextlib.redirect_stdout(io.StringIO()):
            rows = np.column_stack([boxes, scores, np.zeros(len(boxes), np.float32)])
            return np.asarray(sahi_nms(rows, match_metric="IOU", match_threshold=threshold), np.int64)

    return nms


def numpy_nms(boxes: Array, scores: Array, threshold: float) -> Array:
    """The vectorized loop that most projects carry, in float64."""
    x1, y1, x2, y2 = boxes.astype(np.float64).T
    areas = (x2 - x1) * (y2 - y1)
    order = np.argsort(-scores, kind="stable")
    keep = []
    while order.size:
        best, order = order[0], order[1:]
        keep.append(best)
        w = np.minimum(x2[best], x2[order]) - np.maximum(x1[best], x1[order])
        h = np.minimum(y2[best], y2[order]) - np.maximum(y1[best], y1[order])
        inter = np.maximum(w, 0) * np.maximum(h, 0)
        union = areas[best] + areas[order] - inter
        order = order[~(inter > threshold * union)]
    return np.array(keep, np.int64)


def _naive() -> Nms:
    from tests.naive import suppression

    def nms(boxes: Array, scores: Array, threshold: float) -> Array:
        return np.array(suppression.nms(boxes.tolist(), scores.tolist(), threshold), np.int64)

    return nms


_NMS: dict[str, tuple[Callable[[], Nms], int]] = {  # and the largest N at which a call stays within a second or so
    "onnxruntime": (_onnxruntime, 100_000),
    "torchvision": (_torchvision, 20_000),
    "powerboxes": (_powerboxes, 20_000),
    "powerboxes R-tree": (_powerboxes_rtree, 100_000),
    "lsnms": (_lsnms, 1_000_000),
    "cv2.dnn": (_cv2, 5_000),
    "ensemble-boxes": (_ensemble_boxes, 5_000),
    "supervision": (_supervision, 1_000),
    "sahi": (_sahi, 5_000),
    "NumPy": (lambda: numpy_nms, 5_000),
    "naive": (_naive, 1_000),
}


def nms_peers(n: int) -> dict[str, Nms]:
    """What is installed and answers for n boxes in reasonable time."""
    return {name: call for name, (make, largest) in _NMS.items() if n <= largest and (call := _made(make))}


def _made(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ImportError:
        return None


# ---- with classes
# ----------------------------------------------------------------------------------------------------


def _by_class(single: Callable[[], Nms]) -> Callable[[], Batched]:
    """One call a class, for peers without classes."""

    def make() -> Batched:
        nms = single()

        def batched(boxes: Array, scores: Array, labels: Array, threshold: float) -> Array:
            kept = []
            for label in np.unique(labels):
                rows = np.flatnonzero(labels == label)
                kept.append(rows[nms(boxes[rows], scores[rows], threshold).astype(np.int64)])
            keep = np.concatenate(kept)
            return keep[np.argsort(-scores[keep], kind="stable")]

        return batched

    return make


def _shifted(single: Callable[[], Nms]) -> Callable[[], Batched]:
    """Classes moved apart, in float64 so that the IoUs stay what they are."""

    def make() -> Batched:
        nms = single()

        def batched(boxes: Array, scores: Array, labels: Array, threshold: float) -> Array:
            wide = boxes.astype(np.float64)
            wide += (labels * (wide.max() - wide.min() + 1))[:, None]
            return nms(wide, scores, threshold).astype(np.int64)

        return batched

    return make


def _torchvision_batched() -> Batched:
    import torch
    import torchvision.ops

    def batched(boxes: Array, scores: Array, labels: Array, threshold: float) -> Array:
        arrays = (torch.from_numpy(array) for array in (boxes, scores, labels))
        return torchvision.ops.batched_nms(*arrays, threshold).numpy()  # type: ignore[no-any-return]

    return batched


def _lsnms_batched() -> Batched:
    import lsnms

    def batched(boxes: Array, scores: Array, labels: Array, threshold: float) -> Array:
        return lsnms.nms(  # type: ignore[no-any-return]
            boxes.astype(np.float64), scores.astype(np.float64), iou_threshold=threshold, score_threshold=0.0,
            class_ids=labels,
        )  # fmt: skip

    return batched


def _cv2_batched() -> Batched:
    import cv2

    def batched(boxes: Array, scores: Array, labels: Array, threshold: float) -> Array:
        xywh = boxes.astype(np.float64)
        xywh[:, 2:] -= xywh[:, :2]
        keep = cv2.dnn.NMSBoxesBatched(xywh, scores, labels.astype(np.int32), 0.0, threshold)
        return np.asarray(keep, np.int64).reshape(-1)

    return batched


_BATCHED: dict[str, tuple[Callable[[], Batched], int]] = {
    "onnxruntime by class": (_by_class(_onnxruntime), 1_000_000),
    "powerboxes by class": (_by_class(_powerboxes), 1_000_000),
    "powerboxes R-tree, shifted": (_shifted(_powerboxes_rtree), 1_000_000),
    "torchvision": (_torchvision_batched, 100_000),
    "lsnms": (_lsnms_batched, 1_000_000),
    "cv2.dnn": (_cv2_batched, 10_000),
}


def batched_peers(n: int) -> dict[str, Batched]:
    """What is installed and answers for n boxes of 80 classes in reasonable time."""
    return {name: call for name, (make, largest) in _BATCHED.items() if n <= largest and (call := _made(make))}
