"""What users hand to an evaluation, one entry an image, laid end to end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import B1, F8, I8
from detutils._validate import as_boxes, as_items, as_labels, as_marks, as_sizes, as_vector, check_memory
from detutils.datasets.records import (
    AnnotatedImage,
    AnnotatedImages,
    DetectionColumns,
    Detections,
    DetectionsByImage,
    ObjectColumns,
)
from detutils.evaluation.rotated_rows import all_prepared, rotated_rows
from detutils.geometry.rotated import Angle
from detutils.suppression._kernels.order import rank_float64

Objects = ObjectColumns
Found = DetectionColumns


def gather_objects(ground_truth: Any, *, labeled: bool = True, angle: Angle | None = None) -> Objects:
    """Records, mappings, (boxes, labels) pairs or, where no labels are needed, arrays of boxes; the columns of a reader
    as they are, since it has checked them. With an angle, boxes are the eight numbers of rotated ones."""
    images = getattr(ground_truth, "images", ground_truth)
    if isinstance(images, AnnotatedImages) and angle is None:
        return images.columns
    items = _items(ground_truth, "ground_truth")
    quick = _quick_objects(items) if labeled and angle is None else None
    if quick is not None:
        return quick
    boxes, labels, difficult, crowd, areas, sizes = [], [], [], [], [], []
    for i, item in enumerate(items):
        where = f"ground_truth[{i}]"
        rows = _rows(item, where, labeled, angle)
        boxes.append(rows)
        if labeled:
            classes = _part(item, ("labels",), 1, where, True)
            labels.append(as_labels(classes, f"{where} labels", rows.shape[0]))
        else:
            labels.append(np.zeros(rows.shape[0], np.int64))
        difficult.append(_flags(item, ("difficult",), where, rows.shape[0]))
        crowd.append(_flags(item, ("crowd", "iscrowd"), where, rows.shape[0]))
        area = _optional(item, ("areas", "area"))
        side = _sides(item, rows, where, angle)
        sizes.append(side)
        if area is None:
            areas.append(side[:, 0] * side[:, 1])
        else:
            areas.append(as_vector(area, f"{where} areas", rows.shape[0]))
    return Objects(
        _boxes(boxes) if angle is None else all_prepared(boxes, angle, "ground_truth"),
        _joined(labels, np.int64),
        _joined(difficult, np.bool_),
        _joined(crowd, np.bool_),
        _joined(areas, np.float64),
        np.concatenate(sizes) if sizes else np.empty((0, 2)),
        _starts(boxes),
    )


def gather_detections(
    detections: Any, images: int, name: str = "detections", *, angle: Angle | None = None
) -> Found:
    """Records, mappings or (boxes, scores, labels) triples, as many as there are images; or a reader's columns. With an
    angle, boxes are the eight numbers of rotated ones."""
    if isinstance(detections, DetectionsByImage) and angle is None:
        _same_length(len(detections), name, images)
        return detections.columns
    items = _items(detections, name)
    _same_length(len(items), name, images)
    quick = _quick_detections(items) if angle is None else None
    if quick is not None:
        return quick
    boxes, scores, labels, sizes = [], [], [], []
    for i, item in enumerate(items):
        where = f"{name}[{i}]"
        rows = _rows(item, where, True, angle)
        boxes.append(rows)
        scores.append(as_vector(_part(item, ("scores",), 1, where, True), f"{where} scores", rows.shape[0]))
        labels.append(as_labels(_part(item, ("labels",), 2, where, True), f"{where} labels", rows.shape[0]))
        sizes.append(_sides(item, rows, where, angle))
    return Found(
        _boxes(boxes) if angle is None else all_prepared(boxes, angle, name),
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
    if isinstance(value, (tuple, Detections)) and hasattr(value, "boxes"):
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


def _rows(item: Any, where: str, required: bool, angle: Angle | None) -> F8:
    """The boxes of an image; of rotated ones (N, 5)."""
    boxes = _part(item, ("boxes",), 0, where, required)
    if angle is None:
        return as_boxes(boxes, f"{where} boxes")
    rotated = _optional(item, ("rotated_boxes",))
    return rotated_rows(boxes if rotated is None else rotated, _optional(item, ("outlines",)), angle, where)


def _sides(item: Any, rows: F8, where: str, angle: Angle | None) -> F8:
    """Widths and heights."""
    return as_sizes(_optional(item, ("sizes",)), rows, f"{where} sizes") if angle is None else rows[:, 2:4]


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


# ---- arrays as they come from a pipeline: joined first, checked once -------------------------------------------------
# What is not at once as it should be goes the way of each image by itself, whose errors name the image.

FLOATS = frozenset(map(np.dtype, ("float32", "float64")))
INTEGERS = frozenset(map(np.dtype, ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")))
BOOLS = frozenset([np.dtype(np.bool_)])
EMPTY: dict[int, Any] = {1: np.empty(0), 4: np.empty((0, 4))}


def _quick_objects(items: list[Any]) -> Objects | None:
    parts = _members(items, 2, ("boxes", "labels", "difficult", "crowd", "iscrowd", "areas", "area", "sizes"))
    if parts is None:
        return None
    boxes, labels, difficult, crowd, iscrowd, areas, area, sizes = parts
    try:
        rows = as_boxes(_end_to_end(boxes, FLOATS, 4))
        starts = _starts(boxes)
        n = rows.shape[0]
        for column in parts[1:]:
            _check_counts(column, starts)
        side = as_sizes(_optional_column(sizes, FLOATS, 2), rows)
        size, flags = _optional_column(_either(areas, area), FLOATS, 1), _either(crowd, iscrowd)
        away, group = _optional_column(difficult, BOOLS, 1), _optional_column(flags, BOOLS, 1)
        return Objects(
            rows,
            as_labels(_end_to_end(labels, INTEGERS, 1), "labels", n),
            np.zeros(n, np.bool_) if away is None else away,
            np.zeros(n, np.bool_) if group is None else group,
            side[:, 0] * side[:, 1] if size is None else as_vector(size, "areas", n),
            side,
            starts,
        )
    except Exception:  # whatever it is, the way of each image finds it again and names the image
        return None


def _quick_detections(items: list[Any]) -> Found | None:
    parts = _members(items, 3, ("boxes", "scores", "labels", "sizes"))
    if parts is None:
        return None
    boxes, scores, labels, sizes = parts
    try:
        rows = as_boxes(_end_to_end(boxes, FLOATS, 4))
        starts = _starts(boxes)
        for column in parts[1:]:
            _check_counts(column, starts)
        return Found(
            rows,
            as_vector(_end_to_end(scores, FLOATS, 1), "scores", rows.shape[0]),
            as_labels(_end_to_end(labels, INTEGERS, 1), "labels", rows.shape[0]),
            as_sizes(_optional_column(sizes, FLOATS, 2), rows),
            starts,
        )
    except Exception:  # as above
        return None


def _members(items: list[Any], required: int, names: tuple[str, ...]) -> list[list[Any]] | None:
    """A list of each member, if all items are plain tuples, dicts, or the package's records; empty lists as arrays."""
    rows = []
    for item in items:
        kind = type(item)
        if kind is tuple and len(item) == required:
            rows.append(item + (None,) * (len(names) - required))
        elif kind is dict:
            rows.append(tuple(map(item.get, names)))
        elif kind is Detections or kind is AnnotatedImage:
            rows.append(tuple(getattr(item, name, None) for name in names))
        else:
            return None
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names]
    for place, column in enumerate(columns[:required]):
        if list in set(map(type, column)):
            empty = EMPTY[4 if place == 0 else 1]
            columns[place] = [empty if type(part) is list and not part else part for part in column]
    return columns


def _end_to_end(parts: list[Any], dtypes: frozenset[Any], width: int) -> Any:
    """Arrays joined; TypeError if they are not arrays of these types and this width."""
    tail = () if width == 1 else (width,)
    full = [part for part in parts if type(part) is not np.ndarray or part.shape[0:1] != (0,)]
    if not all(type(part) is np.ndarray for part in parts) or not (
        {part.dtype for part in full} <= dtypes
        and {part.ndim for part in parts} <= {1 + len(tail)}
        and {part.shape[1:] for part in parts} <= {tail}
    ):
        raise TypeError
    dtype = np.float64 if dtypes is FLOATS else (np.int64 if dtypes is INTEGERS else np.bool_)
    check_memory(np.dtype(dtype).itemsize * width * sum(map(len, full)), "the arrays of all images")
    return np.concatenate(full, dtype=dtype) if full else np.empty((0, *tail), dtype)


def _optional_column(parts: list[Any], dtypes: frozenset[Any], width: int) -> Any:
    """Arrays joined, or None if there is none; TypeError if some are missing."""
    return None if all(part is None for part in parts) else _end_to_end(parts, dtypes, width)


def _either(first: list[Any], second: list[Any]) -> list[Any]:
    """What is there by the first name, else by the second."""
    return [b if a is None else a for a, b in zip(first, second, strict=True)]


def _check_counts(parts: list[Any], starts: I8) -> None:
    """ValueError if the arrays are not as long as the boxes, image by image."""
    if any(part is not None for part in parts):
        counts = [-1 if part is None else len(part) for part in parts]
        if len(counts) + 1 != starts.size or not np.array_equal(_where_there(counts, starts), np.diff(starts)):
            raise ValueError


def _where_there(counts: list[int], starts: I8) -> I8:
    """The counts, and where there is none that of the boxes."""
    given: I8 = np.array(counts)
    return np.where(given < 0, np.diff(starts), given)


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
    labels, classes, object_classes = _classes(found.labels, objects.labels)
    by_score = rank_float64(found.scores, np.arange(found.scores.size, dtype=np.int32))
    order = by_score[np.argsort(classes[by_score], kind="stable")].astype(np.int64)
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


def _classes(found: I8, objects: I8) -> tuple[I8, Any, Any]:
    """The labels that occur, ascending, and the place of each of both among them."""
    both = [part for part in (found, objects) if part.size]
    low = min((int(part.min()) for part in both), default=0)
    span = max((int(part.max()) for part in both), default=-1) - low + 1
    if span <= 2**16:  # a table is quicker than sorting
        counts = sum((np.bincount(part - low, minlength=span) for part in both), np.zeros(span, np.int64))
        places = (np.cumsum(counts > 0) - 1).astype(np.int16 if span < 2**15 else np.int64)
        return np.flatnonzero(counts) + low, places[found - low], places[objects - low]
    labels = np.unique(np.concatenate([np.unique(found), np.unique(objects)]))
    small = np.int16 if labels.size < 2**15 else np.int64  # NumPy sorts 16-bit integers by radix
    return labels, np.searchsorted(labels, found).astype(small), np.searchsorted(labels, objects).astype(small)


def _starts_of(classes: Any, count: int) -> I8:
    starts = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(classes, minlength=count), out=starts[1:])
    return starts
