"""What users hand to an evaluation, one entry an image, laid end to end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import B1, F8, I8
from detutils._validate import as_boxes, as_items, as_labels, as_marks, as_sizes, as_vector
from detutils.datasets.records import AnnotatedImages, DetectionColumns, DetectionsByImage, ObjectColumns
from detutils.suppression._kernels.order import rank_float64

Objects = ObjectColumns
Found = DetectionColumns


def gather_objects(ground_truth: Any, *, labeled: bool = True) -> Objects:
    """Records, mappings, (boxes, labels) pairs or, where no labels are needed, arrays of boxes; the columns of a reader
    as they are, since it has checked them."""
    images = getattr(ground_truth, "images", ground_truth)
    if isinstance(images, AnnotatedImages):
        return images.columns
    items = _items(ground_truth, "ground_truth")
    boxes, labels, difficult, crowd, areas, sizes = [], [], [], [], [], []
    for i, item in enumerate(items):
        where = f"ground_truth[{i}]"
        rows = as_boxes(_part(item, ("boxes",), 0, where, labeled), f"{where} boxes")
        boxes.append(rows)
        if labeled:
            classes = _part(item, ("labels",), 1, where, True)
            labels.append(as_labels(classes, f"{where} labels", rows.shape[0]))
        else:
            labels.append(np.zeros(rows.shape[0], np.int64))
        difficult.append(_flags(item, ("difficult",), where, rows.shape[0]))
        crowd.append(_flags(item, ("crowd", "iscrowd"), where, rows.shape[0]))
        area = _optional(item, ("areas", "area"))
        side = as_sizes(_optional(item, ("sizes",)), rows, f"{where} sizes")
        sizes.append(side)
        if area is None:
            areas.append(side[:, 0] * side[:, 1])
        else:
            areas.append(as_vector(area, f"{where} areas", rows.shape[0]))
    return Objects(
        _boxes(boxes),
        _joined(labels, np.int64),
        _joined(difficult, np.bool_),
        _joined(crowd, np.bool_),
        _joined(areas, np.float64),
        np.concatenate(sizes) if sizes else np.empty((0, 2)),
        _starts(boxes),
    )


def gather_detections(detections: Any, images: int) -> Found:
    """Records, mappings or (boxes, scores, labels) triples, as many as there are images; or a reader's columns."""
    if isinstance(detections, DetectionsByImage):
        _same_length(len(detections), "detections", images)
        return detections.columns
    items = _items(detections, "detections")
    _same_length(len(items), "detections", images)
    boxes, scores, labels, sizes = [], [], [], []
    for i, item in enumerate(items):
        where = f"detections[{i}]"
        rows = as_boxes(_part(item, ("boxes",), 0, where, True), f"{where} boxes")
        boxes.append(rows)
        scores.append(as_vector(_part(item, ("scores",), 1, where, True), f"{where} scores", rows.shape[0]))
        labels.append(as_labels(_part(item, ("labels",), 2, where, True), f"{where} labels", rows.shape[0]))
        sizes.append(as_sizes(_optional(item, ("sizes",)), rows, f"{where} sizes"))
    return Found(
        _boxes(boxes),
        _joined(scores, np.float64),
        _joined(labels, np.int64),
        np.concatenate(sizes) if sizes else np.empty((0, 2)),
        _starts(boxes),
    )


def gather_proposals(proposals: Any, images: int) -> tuple[F8, I8]:
    """Arrays of boxes, or records with ``boxes``, best first, as many as there are images."""
    items = _items(proposals, "proposals")
    _same_length(len(items), "proposals", images)
    boxes = [
        as_boxes(_part(item, ("boxes",), 0, f"proposals[{i}]", False), f"proposals[{i}] boxes")
        for i, item in enumerate(items)
    ]
    return _boxes(boxes), _starts(boxes)


def _items(value: Any, name: str) -> list[Any]:
    value = getattr(value, "images", value)  # a Dataset
    if isinstance(value, np.ndarray) and value.ndim in (1, 2) and value.size:
        raise TypeError(f"{name} must have one entry an image: put the one image's boxes into a list")
    if isinstance(value, tuple) and hasattr(value, "boxes"):
        raise TypeError(f"{name} must have one entry an image: put the one image's record into a list")
    return as_items(value, name, "a sequence of one entry an image")


def _optional(item: Any, names: tuple[str, ...]) -> Any:
    """A part by its name in a record or mapping, or None."""
    for name in names:
        part = item.get(name) if type(item) is dict else getattr(item, name, None)
        if part is None and isinstance(item, Mapping):  # slow to ask, so asked last
            part = item.get(name)
        if part is not None:
            return part
    return None


def _part(item: Any, names: tuple[str, ...], place: int, where: str, required: bool) -> Any:
    """A part by its name in a record or mapping, else by its place in a tuple; a bare array is its boxes."""
    part = _optional(item, names)
    if part is not None:
        return part
    plain = isinstance(item, (tuple, list)) and not hasattr(item, "_fields")
    if plain and (required or type(item) is tuple) and 2 <= len(item) <= 3 and place < len(item):
        return item[place]
    if required or isinstance(item, Mapping) or hasattr(item, "_fields"):
        raise TypeError(f"{where}: {names[0]} are None or missing; give a record, mapping or tuple of them")
    return item


def _flags(item: Any, names: tuple[str, ...], where: str, length: int) -> B1:
    value = _optional(item, names)
    if value is None:
        return np.zeros(length, np.bool_)
    return as_marks(value, f"{where} {names[0]}", length)


def _same_length(count: int, name: str, images: int) -> None:
    if count != images:
        raise ValueError(f"{name} has {count} entries and ground_truth {images}: both need one an image")


def _boxes(parts: list[F8]) -> F8:
    return np.concatenate(parts) if parts else np.empty((0, 4))


def _joined(parts: list[Any], dtype: Any) -> Any:
    return np.concatenate(parts) if parts else np.empty(0, dtype)


def _starts(parts: list[F8]) -> I8:
    starts = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([part.shape[0] for part in parts], out=starts[1:])
    return starts


class Ranking(NamedTuple):
    """By class: class c owns rows order_from[c] to order_from[c + 1] of order, and of objects likewise."""

    labels: I8
    order: I8
    order_from: I8
    images: I8
    objects: I8
    objects_from: I8
    object_images: I8

    def spans(self, c: int) -> tuple[slice, slice]:
        """Where class c stands in ``order``, and where in ``objects``."""
        return (
            slice(self.order_from[c], self.order_from[c + 1]),
            slice(self.objects_from[c], self.objects_from[c + 1]),
        )


def rank(found: Found, objects: Objects) -> Ranking:
    """Detections by class and falling score (ties: first given first), objects by class and image."""
    labels = np.unique(np.concatenate([np.unique(found.labels), np.unique(objects.labels)]))
    small = np.int16 if labels.size < 2**15 else np.int64  # NumPy sorts 16-bit integers by radix
    by_score = rank_float64(found.scores, np.arange(found.scores.size, dtype=np.int32))
    classes = np.searchsorted(labels, found.labels).astype(small)
    order = by_score[np.argsort(classes[by_score], kind="stable")].astype(np.int64)
    object_classes = np.searchsorted(labels, objects.labels).astype(small)
    by_class = np.argsort(object_classes, kind="stable")
    return Ranking(
        labels=labels,
        order=order,
        order_from=_starts_of(classes, labels.size),
        images=np.repeat(np.arange(found.starts.size - 1), np.diff(found.starts)),
        objects=by_class,
        objects_from=_starts_of(object_classes, labels.size),
        object_images=np.repeat(np.arange(objects.starts.size - 1), np.diff(objects.starts)),
    )


def _starts_of(classes: Any, count: int) -> I8:
    starts = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(classes, minlength=count), out=starts[1:])
    return starts
