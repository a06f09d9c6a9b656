"""Columns of detections as other programs write them: plain numbers, COCO's results, torch, supervision."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from detutils._validate import as_boxes, as_integer, as_items, as_labels, as_sizes, as_vector

# What supervision keeps beside its ``data``, and the words of this package for it.
_BESIDE = {"mask": "masks", "tracker_id": "tracker_id"}
SEEN = 2.0  # COCO's flag of a keypoint that is labeled and visible


def load_package(name: str, purpose: str) -> Any:
    """A package that detutils does not require, or an error that says which install mends it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"{purpose} needs {name}: pip install {name}") from error


def as_plain_objects(value: Any, where: str) -> Any:
    """Arrays, lists and mappings as JSON has them; a number that is not finite as None."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "iubU" or (value.dtype.kind == "f" and np.isfinite(value).all()):
            return value.tolist()
        return as_plain_objects(value.tolist(), where)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, np.generic):
        return as_plain_objects(value.item(), where)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):  # the run lengths of pycocotools
        return value.decode("ascii", errors="replace")
    if isinstance(value, Mapping):
        return {str(key): as_plain_objects(item, where) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain_objects(item, where) for item in value]
    raise TypeError(f"{where} holds {type(value).__name__}, which JSON has no word for")


def as_plain_rows(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A mapping of plain numbers for each row; ``columns`` begin with boxes, scores and labels."""
    names = ["box", "score", "label", *list(columns)[3:]]
    parts = [as_plain_objects(column, name) for name, column in columns.items()]
    return [dict(zip(names, row, strict=True)) for row in zip(*parts, strict=True)]


def as_coco_entries(
    columns: Mapping[str, Any], sizes: Any, image_id: int | str, class_ids: Sequence[int] | None
) -> list[dict[str, Any]]:
    """An entry of COCO's results for each row."""
    boxes = as_boxes(columns["boxes"]).copy()
    count = boxes.shape[0]
    boxes[:, 2:] = as_sizes(sizes, boxes)
    scores, labels = as_vector(columns["scores"], "scores", count), as_labels(columns["labels"], "labels", count)
    image_id = str(image_id) if isinstance(image_id, str) else as_integer(image_id, "image_id")
    categories = labels.tolist()
    if class_ids is not None:
        ids = as_items(class_ids, "class_ids", "a sequence of integers")
        known = [as_integer(key, f"class_ids[{i}]") for i, key in enumerate(ids)]
        for row, label in enumerate(categories):
            if not 0 <= label < len(known):
                raise ValueError(f"labels[{row}] is {label}, and class_ids has {len(known)} entries")
        categories = [known[label] for label in categories]
    entries: list[dict[str, Any]] = [
        {"image_id": image_id, "category_id": category, "bbox": box, "score": score}
        for category, box, score in zip(categories, boxes.tolist(), scores.tolist(), strict=True)
    ]
    if "keypoints" in columns:
        for entry, points in zip(entries, columns["keypoints"], strict=True):
            entry["keypoints"] = _flat_keypoints(points)
    if "segmentation" in columns:
        for entry, outline in zip(entries, columns["segmentation"], strict=True):
            if outline is not None:
                entry["segmentation"] = as_plain_objects(outline, "segmentation")
    return entries


def _flat_keypoints(points: Any) -> list[float]:
    """x, y, v of each point end to end; a point that is not finite is one that is not labeled: 0, 0, 0."""
    table = np.array(points, np.float64)
    if table.ndim == 1 and table.size % 3 == 0:  # flat already
        table = table.reshape(-1, 3)
    if table.ndim != 2 or table.shape[1] not in (2, 3):
        raise ValueError(f"keypoints must have shape (N, K, 2), (N, K, 3) or (N, 3 K), got (N, {table.shape})")
    if table.shape[1] == 2:
        table = np.column_stack([table, np.full(table.shape[0], SEEN)])
    table[~np.isfinite(table).all(axis=1)] = 0.0
    return table.reshape(-1).tolist()


def to_tensors(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays as torch tensors with memory of their own; what is no array stays."""
    torch = load_package("torch", "to_torch")
    return {
        name: torch.tensor(np.ascontiguousarray(column, column.dtype.newbyteorder("=")))
        if isinstance(column, np.ndarray) and column.dtype.kind in "iufb"
        else column
        for name, column in columns.items()
    }


def to_supervision(columns: Mapping[str, Any]) -> Any:
    """``supervision.Detections`` of boxes, scores and labels; further columns as ``data``."""
    supervision = load_package("supervision", "to_supervision")
    beside = {theirs: columns[ours] for theirs, ours in _BESIDE.items() if ours in columns}
    if "mask" in beside:
        beside["mask"] = np.asarray(beside["mask"], np.bool_)
    if "tracker_id" in beside:
        beside["tracker_id"] = as_labels(beside["tracker_id"], "tracker_id")
    data = {name: column for name, column in list(columns.items())[3:] if name not in _BESIDE.values()}
    return supervision.Detections(
        xyxy=as_boxes(columns["boxes"]),
        confidence=as_vector(columns["scores"]),
        class_id=as_labels(columns["labels"]),
        data=data,
        **beside,
    )


def from_supervision(detections: Any) -> dict[str, Any]:
    """The columns of a ``supervision.Detections``; without scores 1, without classes 0."""
    wanted = ("xyxy", "confidence", "class_id", "data")
    if not all(hasattr(detections, name) for name in wanted):
        raise TypeError(f"detections must be a supervision.Detections, got {type(detections).__name__}")
    count = len(detections.xyxy)
    columns = {
        "boxes": detections.xyxy,
        "scores": np.ones(count) if detections.confidence is None else detections.confidence,
        "labels": np.zeros(count, np.int64) if detections.class_id is None else detections.class_id,
    }
    columns |= {ours: getattr(detections, theirs, None) for theirs, ours in _BESIDE.items()}
    for name, column in detections.data.items():
        if name in columns:
            raise ValueError(f"data has a column {name!r}, which is a name of the record's own")
        columns[name] = column
    return columns


def joined_column(parts: Iterable[Any], name: str) -> Any:
    """Columns of several records end to end: an array if all of them are, else a list."""
    columns = list(parts)
    if not all(isinstance(column, np.ndarray) for column in columns):
        return [item for column in columns for item in column]
    tails = {column.shape[1:] for column in columns}
    if len(tails) > 1:
        text = " and ".join(str(shape) for shape in sorted(tails))
        raise ValueError(f"{name} have rows of different shapes: {text}")
    return np.concatenate(columns)


def same_values(first: Any, second: Any) -> bool:
    """Whether two values hold the same numbers, arrays inside of lists and mappings included."""
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return np.array_equal(first, second)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(map(same_values, first, second))
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(same_values(first[key], second[key]) for key in first)
    return bool(first == second)


