"""COCO's JSON: annotated images, and detections in the form of COCO's results."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from detutils._jit import F8, I8
from detutils._validate import as_boxes, as_integer, as_items, as_labels, as_path, as_sizes, as_vector, count_of
from detutils.datasets.records import AnnotatedImage, Dataset, Detections
from detutils.datasets.text_files import broken, read_json, write_json

_NUMBERS = {int, float}  # true and false are neither


def read_coco(path: str | os.PathLike[str]) -> Dataset:
    """Read annotated images from a COCO JSON file.

    Parameters
    ----------
    path : str or path
        A file like ``instances_val2017.json``: an object with ``images``, ``annotations`` and ``categories``.

    Returns
    -------
    dataset : Dataset
        One ``AnnotatedImage`` an image, also for those without objects, by ascending image id; objects in the
        order of the file. Labels are indices into ``class_names``, which are ordered by category id (COCO's
        ids have holes); ``class_ids`` gives the ids back. Boxes are x, y, x + width, y + height.

    Raises
    ------
    OSError
        If the file cannot be read.
    TypeError
        If ``path`` is not a path.
    ValueError
        If the file is not JSON (with line and column), or an entry is missing a field, names an unknown image
        or category, repeats an id, or has a box that is not four finite numbers of which the last two are at
        least 0 (with the entry, as in ``annotations[17]``). Nothing is left out silently.

    Notes
    -----
    Linear in the size of the file. ``area`` is taken from the file, where it is the area of the object's
    outline; without it, it is that of the box. ``iscrowd`` may be missing and is 0 then.

    References
    ----------
    T.-Y. Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014; "Data format" on cocodataset.org.

    Examples
    --------
    >>> import json, pathlib, detutils
    >>> text = json.dumps({
    ...     "images": [{"id": 7, "file_name": "a.jpg", "width": 640, "height": 480}],
    ...     "categories": [{"id": 18, "name": "dog"}],
    ...     "annotations": [{"image_id": 7, "category_id": 18, "bbox": [10, 20, 30, 40]}]})
    >>> _ = pathlib.Path("dogs.json").write_text(text)
    >>> dataset = detutils.read_coco("dogs.json")
    >>> dataset.class_names, dataset.images[0].boxes
    (('dog',), array([[10., 20., 40., 60.]]))
    """
    file = as_path(path)
    content = read_json(file)
    images, annotations, categories = (
        _entries(file, content, key) for key in ("images", "annotations", "categories")
    )
    names = _categories(file, categories)
    ids = sorted(names)
    frames = _images(file, images)
    place_of_image = {key: index for index, key in enumerate(frames)}
    place_of_class = {key: index for index, key in enumerate(ids)}
    owners, classes, rows, surfaces, crowds = [], [], [], [], []
    for k, entry in enumerate(annotations):
        where = f"annotations[{k}]"
        owners.append(_known(file, where, entry, "image_id", place_of_image))
        classes.append(_known(file, where, entry, "category_id", place_of_class))
        rows.append(_box(file, where, entry))
        surfaces.append(_area(file, where, entry["area"]) if "area" in entry else rows[-1][2] * rows[-1][3])
        crowds.append(entry.get("iscrowd", 0))
        if crowds[-1] not in (0, 1):
            broken(file, where, f"iscrowd must be 0 or 1, got {crowds[-1]!r}")
    owner = np.array(owners, np.int64)
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(len(frames) + 1)).tolist()
    boxes, sizes = _corners(rows, order)
    labels, crowd = np.array(classes, np.int64)[order], np.array(crowds, np.bool_)[order]
    areas = np.array(surfaces, np.float64)[order]
    difficult, truncated = np.zeros((2, len(rows)), np.bool_)
    records = []
    for (key, (name, size)), begin, end in zip(frames.items(), bounds[:-1], bounds[1:], strict=True):
        records.append(
            AnnotatedImage(
                name=name,
                image_size=size,
                boxes=boxes[begin:end],
                labels=labels[begin:end],
                difficult=difficult[begin:end],
                truncated=truncated[begin:end],
                crowd=crowd[begin:end],
                areas=areas[begin:end],
                image_id=key,
                sizes=sizes[begin:end],
            )
        )
    return Dataset(records, tuple(names[key] for key in ids), tuple(ids))


def read_coco_detections(path: str | os.PathLike[str], dataset: Dataset) -> list[Detections]:
    """Read detections from a COCO results JSON file.

    Parameters
    ----------
    path : str or path
        A list of objects with ``image_id``, ``category_id``, ``bbox`` (x, y, width, height) and ``score``.
    dataset : Dataset
        What ``read_coco`` gave for the annotations: it says which images and categories there are.

    Returns
    -------
    detections : list of Detections
        One record for each of ``dataset.images``, in that order; in a record, the order of the file. An image
        without detections has a record of none.

    Raises
    ------
    OSError
        If the file cannot be read.
    TypeError
        If ``path`` is not a path or ``dataset`` not a ``Dataset``.
    ValueError
        If the file is not JSON (with line and column), or an entry is missing a field, names an image or
        category that ``dataset`` has not, or holds a box or score that is not finite or has a negative size
        (with the entry's index); or if two images or two classes of ``dataset`` have the same id.

    Notes
    -----
    Linear in the size of the file.

    References
    ----------
    "Results format" on cocodataset.org.

    Examples
    --------
    >>> import json, pathlib, detutils
    >>> text = json.dumps([{"image_id": 7, "category_id": 18, "bbox": [10, 20, 30, 40], "score": 0.9}])
    >>> _ = pathlib.Path("results.json").write_text(text)
    >>> image = detutils.AnnotatedImage("a.jpg", None, *[None] * 6, image_id=7)
    >>> detutils.read_coco_detections("results.json", detutils.Dataset([image], ("dog",), (18,)))[0].boxes
    array([[10., 20., 40., 60.]])
    """
    file = as_path(path)
    places, known_classes = _places(dataset)
    entries = read_json(file)
    if not isinstance(entries, list):
        broken(file, "", f"results are a list of detections, got {_kind(entries)}")
    owners, classes, rows, points = [], [], [], []
    for k, entry in enumerate(entries):
        where = f"entry [{k}]"
        if not isinstance(entry, dict):
            broken(file, where, f"must be an object, got {_kind(entry)}")
        owners.append(_known(file, where, entry, "image_id", places))
        classes.append(_known(file, where, entry, "category_id", known_classes))
        rows.append(_box(file, where, entry))
        points.append(_field(file, where, entry, "score"))
        if type(points[-1]) not in _NUMBERS or not abs(points[-1]) <= 1e300:
            broken(file, where, f"score must be a finite number, got {points[-1]!r}")
    owner = np.array(owners, np.int64)
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(len(dataset.images) + 1)).tolist()
    boxes, sizes = _corners(rows, order)
    scores, labels = np.array(points, np.float64)[order], np.array(classes, np.int64)[order]
    return [
        Detections(boxes[begin:end], scores[begin:end], labels[begin:end], sizes[begin:end])
        for begin, end in pairwise(bounds)
    ]


def write_coco_detections(
    path: str | os.PathLike[str], detections: Sequence[Detections], dataset: Dataset
) -> None:
    """Write detections as a COCO results JSON file.

    Parameters
    ----------
    path : str or path
        The file to write. It appears whole or not at all.
    detections : sequence of Detections
        One record of boxes, scores and labels for each of ``dataset.images``; labels are indices into
        ``dataset.class_names``.
    dataset : Dataset
        Gives the image ids and category ids.

    Returns
    -------
    None

    Raises
    ------
    OSError
        If the file cannot be written.
    TypeError
        If ``path`` is not a path, ``dataset`` not a ``Dataset``, or an array does not hold numbers (labels:
        integers).
    ValueError
        If there are not as many records as images, an array has the wrong shape or is not finite, a label is
        not that of a class, or two images or two classes of ``dataset`` have the same id.

    Notes
    -----
    Linear in the number of detections. Numbers are written with all their digits. The file holds x, y, width,
    height, so that reading gives x2 and y2 back to the last rounding; what ``read_coco_detections`` gave is
    written as it was.

    References
    ----------
    "Results format" on cocodataset.org.

    Examples
    --------
    >>> import pathlib, detutils
    >>> image = detutils.AnnotatedImage("a.jpg", None, *[None] * 6, image_id=7)
    >>> dataset = detutils.Dataset([image], ("dog",), (18,))
    >>> detutils.write_coco_detections("found.json", [([[10, 20, 40, 60]], [0.9], [0])], dataset)
    >>> print(pathlib.Path("found.json").read_text())
    [{"image_id": 7, "category_id": 18, "bbox": [10.0, 20.0, 30.0, 40.0], "score": 0.9}]
    """
    file = as_path(path)
    places, known_classes = _places(dataset)
    image_ids, class_ids = list(places), list(known_classes)
    if isinstance(detections, (str, bytes)) or not isinstance(detections, Sequence):
        raise TypeError(f"detections must be a sequence of records, got {type(detections).__name__}")
    if count_of(detections) != len(dataset.images):
        raise ValueError(f"detections has {count_of(detections)} entries and dataset {len(dataset.images)} images")
    entries = []
    for i, (image_id, found) in enumerate(zip(image_ids, detections, strict=True)):
        if not isinstance(found, (tuple, list)) or len(found) not in (3, 4):
            raise TypeError(f"detections[{i}] must be boxes, scores and labels, got {type(found).__name__}")
        boxes, scores, labels = found[:3]
        rows = as_boxes(boxes, f"detections[{i}] boxes").copy()
        rows[:, 2:] = as_sizes(found[3] if len(found) == 4 else None, rows, f"detections[{i}] sizes")
        values = as_vector(scores, f"detections[{i}] scores", rows.shape[0]).tolist()
        classes = as_labels(labels, f"detections[{i}] labels", rows.shape[0])
        unknown = np.flatnonzero((classes < 0) | (classes >= len(class_ids)))
        if unknown.size:
            raise ValueError(
                f"detections[{i}] labels[{unknown[0]}] is {classes[unknown[0]]}, but there are "
                f"{len(class_ids)} classes"
            )
        for box, score, label in zip(rows.tolist(), values, classes.tolist(), strict=True):
            entries.append(
                {
                    "image_id": image_id,
                    "category_id": class_ids[label],
                    "bbox": box,
                    "score": score,
                }
            )
    write_json(file, entries)


# ---- entries ----------------------------------------------------------------------------------------------

def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _entries(file: Path, content: Any, key: str) -> list[dict[str, Any]]:
    """The list of objects under a key of the file."""
    if not isinstance(content, dict):
        broken(file, "", f"must hold images, annotations and categories, got {_kind(content)}")
    if key not in content:
        broken(file, "", f"has no {key!r}")
    entries = content[key]
    if not isinstance(entries, list):
        broken(file, key, f"must be a list, got {_kind(entries)}")
    for k, entry in enumerate(entries):
        if type(entry) is not dict:
            broken(file, f"{key}[{k}]", f"must be an object, got {_kind(entry)}")
    return entries


def _field(file: Path, where: str, entry: dict[str, Any], key: str) -> Any:
    try:
        return entry[key]
    except KeyError:
        broken(file, where, f"has no {key!r}")


def _known(file: Path, where: str, entry: dict[str, Any], key: str, places: Mapping[Any, int]) -> int:
    value = _field(file, where, entry, key)
    if type(value) not in (int, str) or value not in places:
        broken(file, where, f"unknown {key} {value!r}")
    return places[value]


def _box(file: Path, where: str, entry: dict[str, Any]) -> list[float]:
    box: list[float] = _field(file, where, entry, "bbox")
    if type(box) is not list or len(box) != 4 or not {type(value) for value in box} <= _NUMBERS:
        broken(file, where, f"bbox must be four numbers x, y, width, height, got {box!r}")
    x, y, width, height = box
    if not (abs(x) <= 1e150 and abs(y) <= 1e150 and abs(width) <= 1e150 and abs(height) <= 1e150):
        broken(file, where, f"bbox is not finite, or beyond 1e150: {box!r}")
    if width < 0 or height < 0:
        broken(file, where, f"bbox has a negative width or height: {box!r}")
    return box


def _corners(rows: list[list[float]], order: I8) -> tuple[F8, F8]:
    """x1, y1, x2, y2 of the rows, and their widths and heights, in another order."""
    boxes = np.array(rows, np.float64).reshape(-1, 4)[order]
    sizes = boxes[:, 2:].copy()
    boxes[:, 2:] += boxes[:, :2]
    return boxes, sizes


def _area(file: Path, where: str, area: Any) -> float:
    if type(area) not in _NUMBERS or not 0 <= area <= 1e300:
        broken(file, where, f"area must be a finite number of at least 0, got {area!r}")
    return float(area)


def _categories(file: Path, entries: list[dict[str, Any]]) -> dict[int, str]:
    names: dict[int, str] = {}
    for k, entry in enumerate(entries):
        where = f"categories[{k}]"
        key, name = _field(file, where, entry, "id"), _field(file, where, entry, "name")
        if type(key) is not int:
            broken(file, where, f"id must be an integer, got {key!r}")
        if type(name) is not str:
            broken(file, where, f"name must be a string, got {name!r}")
        if key in names:
            broken(file, where, f"id {key} is taken by another category")
        names[key] = name
    return names


def _images(file: Path, entries: list[dict[str, Any]]) -> dict[int | str, tuple[str, tuple[int, int] | None]]:
    """File name and (height, width) of each image id, ids ascending."""
    frames: dict[Any, tuple[str, tuple[int, int] | None]] = {}
    kind: type | None = None
    for k, entry in enumerate(entries):
        where = f"images[{k}]"
        key: Any = _field(file, where, entry, "id")
        name = _field(file, where, entry, "file_name")
        if type(key) not in (int, str):
            broken(file, where, f"id must be an integer or a string, got {key!r}")
        kind = kind or type(key)
        if type(key) is not kind:
            broken(file, where, f"id {key!r} is not of the kind of the other images' ids")
        if key in frames:
            broken(file, where, f"id {key!r} is taken by another image")
        if type(name) is not str:
            broken(file, where, f"file_name must be a string, got {name!r}")
        size = None
        if "height" in entry or "width" in entry:
            height, width = _field(file, where, entry, "height"), _field(file, where, entry, "width")
            if type(height) is not int or type(width) is not int or height < 1 or width < 1:
                broken(file, where, f"height and width must be positive integers, got {height!r}, {width!r}")
            size = (height, width)
        frames[key] = (name, size)
    return {key: frames[key] for key in sorted(frames)}


def _places(dataset: Dataset) -> tuple[dict[int | str, int], dict[int, int]]:
    """The index of each image id and the label of each category id."""
    if not isinstance(dataset, Dataset):
        raise TypeError(f"dataset must be a Dataset, got {type(dataset).__name__}")
    images: dict[int | str, int] = {}
    for index, image in enumerate(as_items(dataset.images, "dataset.images", "a list of AnnotatedImage")):
        if not isinstance(image, AnnotatedImage):
            raise TypeError(f"dataset.images[{index}] must be an AnnotatedImage, got {type(image).__name__}")
        key, name = image.image_id, f"dataset.images[{index}].image_id"
        key = key if isinstance(key, str) else as_integer(key, name, -(2**63), 2**63 - 1)
        if key in images:
            raise ValueError(f"{name} is {key!r}, as that of dataset.images[{images[key]}]")
        images[key] = index
    classes: dict[int, int] = {}
    for label, number in enumerate(as_items(dataset.class_ids, "dataset.class_ids", "a tuple of integers")):
        place = as_integer(number, f"dataset.class_ids[{label}]", -(2**63), 2**63 - 1)
        if place in classes:
            raise ValueError(f"dataset.class_ids[{label}] is {place}, as that of label {classes[place]}")
        classes[place] = label
    return images, classes
