"""COCO's JSON: annotated images, and detections in the form of COCO's results."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from detutils._files import read_padded
from detutils._jit import B1, F8, I8
from detutils._validate import (
    as_boxes,
    as_flag,
    as_integer,
    as_items,
    as_labels,
    as_path,
    as_sizes,
    as_vector,
    count_of,
)
from detutils.datasets import coco_entries as entries
from detutils.datasets._kernels.json_scan import BOX, INTEGER, NUMBER, SPAN
from detutils.datasets.entries import BadEntries
from detutils.datasets.json_columns import PADDING, Columns, Text
from detutils.datasets.records import (
    AnnotatedImage,
    AnnotatedImages,
    Dataset,
    DetectionColumns,
    Detections,
    DetectionsByImage,
    ObjectColumns,
)
from detutils.datasets.text_files import broken, decode, read_bytes, read_json, write_json

PLACED = {"image_id": INTEGER, "category_id": INTEGER, "bbox": BOX}
ANNOTATION = {**PLACED, "area": NUMBER, "iscrowd": INTEGER, "id": INTEGER}
RESULT = {**PLACED, "score": NUMBER}


def read_coco(
    path: str | os.PathLike[str],
    *,
    on_invalid: Literal["raise", "drop"] = "raise",
    classes: Sequence[str | int] | None = None,
    keep_outlines: bool = False,
) -> Dataset:
    """Read annotated images from a COCO JSON file.

    Parameters
    ----------
    path : str or path
        A file like ``instances_val2017.json``: an object with ``images``, ``categories`` and, except in test sets,
        ``annotations``.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out entries that cannot be used and lists them in ``dataset.skipped``.
    classes : sequence of str or int, optional
        Only objects of these classes, by name or category id, in this order; all images stay.
    keep_outlines : bool, default False
        Whether ``segmentation`` is kept, untouched, in the records' ``outlines``.

    Returns
    -------
    dataset : Dataset
        One ``AnnotatedImage`` an image, also for those without objects, by ascending image id; objects in the
        order of the file. Labels are indices into ``class_names``, which are ordered by category id (COCO's
        ids have holes); ``class_ids`` gives the ids back. Boxes are x, y, x + width, y + height. A size that is
        missing, null, 0 or -1 is None, a missing ``file_name`` the empty string.

    Raises
    ------
    OSError
        If the file cannot be read.
    TypeError
        If ``path`` is not a path.
    ValueError
        If the file is not JSON (with line and column), a class is unknown, or, unless dropped, an entry is missing a
        field, names an unknown image or category, repeats an id, or has a box that is not four finite numbers of which
        the last two are at least 0. The text names the first, as in ``annotations[17]``, and counts each kind. Nothing
        is left out silently.

    See Also
    --------
    write_coco : The way back.
    read_dataset : For files of unknown form.

    Notes
    -----
    ``area`` is taken from the file, where it is the area of the object's outline; without it, it is that of the box.
    ``iscrowd`` may be missing and is 0 then. Where ``bbox`` is missing or empty, the box around ``segmentation`` takes
    its place. Ids "7" and 7 are the same unless both are there. Linear in the size of the file, some 400 MB a second;
    records are made when they are asked for.

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
    outlined, bad = as_flag(keep_outlines, "keep_outlines"), BadEntries(on_invalid)
    content = _Content(file, ("images", "annotations", "categories"))
    names = _categories(content, bad)
    frames = _frames(content, bad)
    chosen = entries.chosen_ids(names, classes)
    known = sorted(names)
    images = entries.Known("image_id", [frame.key for frame in frames], [frame.name for frame in frames])
    categories = entries.Known("category_id", known)

    def slow(entry: Any) -> tuple[int, int, list[float], float, float, Any]:
        entry = entries.check_object(entry)
        owner = images.place_of(entries.field(entry, "image_id"))
        category = categories.place_of(entries.field(entry, "category_id"))
        box = entries.read_box(entry)
        return owner, category, box, entries.read_area(entry, box), entries.read_crowd(entry), entry.get("id")

    wanted = {**ANNOTATION, "segmentation": SPAN} if outlined else ANNOTATION
    table = _table(content, "annotations", wanted, slow, (images, categories), bad)
    labels = np.full(len(known) + 1, -1)  # one more, so that a file without classes has a row to look at
    labels[[known.index(key) for key in chosen]] = np.arange(len(chosen))
    rows = np.flatnonzero(table.good & (labels[table.categories] >= 0))
    rows = rows[np.argsort(table.owners[rows], kind="stable")]
    boxes, sizes = _corners(table.boxes[rows])
    columns = ObjectColumns(
        boxes=boxes,
        labels=labels[table.categories[rows]],
        difficult=np.zeros(rows.size, np.bool_),
        crowd=table.extra[rows, 1] == 1.0,
        areas=table.extra[rows, 0].copy(),
        sizes=sizes,
        starts=np.searchsorted(table.owners[rows], np.arange(len(frames) + 1)),
    )
    outlines = [table.outline(row) for row in rows.tolist()] if outlined else None
    skipped = bad.finish()
    records = AnnotatedImages(
        columns,
        [frame.name for frame in frames],
        [frame.size for frame in frames],
        [frame.key for frame in frames],
        outlines,
    )
    return Dataset(records, tuple(names[key] for key in chosen), tuple(chosen), skipped)


def read_coco_detections(
    path: str | os.PathLike[str], dataset: Dataset, *, on_invalid: Literal["raise", "drop"] = "raise"
) -> Sequence[Detections]:
    """Read detections from a COCO results JSON file.

    Parameters
    ----------
    path : str or path
        A list of objects with ``image_id``, ``category_id``, ``bbox`` (x, y, width, height) and ``score``; or a whole
        COCO file whose ``annotations`` are such objects.
    dataset : Dataset
        What ``read_coco`` gave for the annotations: it says which images and categories there are.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out entries that cannot be used and lists them in ``skipped`` of the result.

    Returns
    -------
    detections : sequence of Detections
        One record for each of ``dataset.images``, in that order; in a record, the order of the file. An image
        without detections has a record of none. ``detections.skipped`` is a tuple of (path, place, reason).

    Raises
    ------
    OSError
        If the file cannot be read.
    TypeError
        If ``path`` is not a path or ``dataset`` not a ``Dataset``.
    ValueError
        If the file is not JSON (with line and column), or, unless dropped, an entry is missing a field, names an image
        or category that ``dataset`` has not, or holds a box or score that is not finite or has a negative size (with
        the first entry's index, and the count of each kind); or if two images or two classes of ``dataset`` have the
        same id.

    Notes
    -----
    Where an ``image_id`` is no id, it may be the name of the image's file, with or without folder and extension, if
    only one image is called so. Linear in the size of the file, some 400 MB a second.

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
    bad = BadEntries(on_invalid)
    places, known_classes = _places(dataset)
    images = entries.Known("image_id", places, _names(dataset))
    categories = entries.Known("category_id", known_classes)
    content = _Content(file, ("annotations",), listed=True)

    def slow(entry: Any) -> tuple[int, int, list[float], float, float, Any]:
        entry = entries.check_object(entry)
        owner = images.place_of(entries.field(entry, "image_id"))
        category = categories.place_of(entries.field(entry, "category_id"))
        return owner, category, entries.read_box(entry), entries.read_score(entry), 0.0, None

    table = _table(content, "annotations", RESULT, slow, (images, categories), bad)
    rows: Any = slice(None) if table.good.all() else np.flatnonzero(table.good)
    owners = table.owners[rows]
    if (owners[1:] < owners[:-1]).any():
        order = np.argsort(owners, kind="stable")
        rows, owners = order if isinstance(rows, slice) else rows[order], owners[order]
    boxes, sizes = _corners(table.boxes[rows])
    skipped = bad.finish()
    starts = np.searchsorted(owners, np.arange(len(places) + 1))
    columns = DetectionColumns(boxes, table.extra[rows, 0].copy(), table.categories[rows], sizes, starts)
    return DetectionsByImage(columns, skipped)


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
    lines = []
    for i, (image_id, found) in enumerate(zip(image_ids, detections, strict=True)):
        if not isinstance(found, Detections):
            if not isinstance(found, (tuple, list)) or len(found) not in (3, 4):
                raise TypeError(f"detections[{i}] must be boxes, scores and labels, got {type(found).__name__}")
            found = found if len(found) == 4 else (*found, None)
        boxes, scores, labels, sizes = found
        rows = as_boxes(boxes, f"detections[{i}] boxes").copy()
        rows[:, 2:] = as_sizes(sizes, rows, f"detections[{i}] sizes")
        values = as_vector(scores, f"detections[{i}] scores", rows.shape[0]).tolist()
        classes = _labels(labels, rows.shape[0], len(class_ids), f"detections[{i}] labels")
        for box, score, label in zip(rows.tolist(), values, classes.tolist(), strict=True):
            entry = {"image_id": image_id, "category_id": class_ids[label], "bbox": box, "score": score}
            lines.append(entry)
    write_json(file, lines)


def write_coco(path: str | os.PathLike[str], dataset: Dataset) -> None:
    """Write annotated images as a COCO JSON file.

    Parameters
    ----------
    path : str or path
        The file to write. It appears whole or not at all.
    dataset : Dataset
        Its images and classes must each have ids of their own.

    Returns
    -------
    None

    Raises
    ------
    OSError
        If the file cannot be written.
    TypeError
        If ``path`` is not a path or ``dataset`` not a ``Dataset`` of ``AnnotatedImage``.
    ValueError
        If boxes break their contract (the text names the image), a label is not that of a class, or two images or two
        classes have the same id.

    See Also
    --------
    read_coco : Gives the same data set back.

    Notes
    -----
    ``read_coco(write_coco(d)) == d`` for all that the format holds: names, sizes, ids, boxes, labels, areas, crowds and
    outlines, images by ascending id. It has no place for ``difficult`` and ``truncated``. Where a record has no
    ``sizes``, the width written is the one nearest to x2 - x1 that gives x2 back when it is added to x1.

    References
    ----------
    "Data format" on cocodataset.org.

    Examples
    --------
    >>> import detutils
    >>> dataset = detutils.make_scenes(2, seed=0).dataset
    >>> detutils.write_coco("scenes.json", dataset)
    >>> len(detutils.read_coco("scenes.json").images)
    2
    """
    file = as_path(path)
    places, known_classes = _places(dataset)
    class_ids = list(known_classes)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for i, (key, image) in enumerate(zip(places, dataset.images, strict=True)):
        where = f"dataset.images[{i}]"
        frame: dict[str, Any] = {"id": key, "file_name": image.name}
        if image.image_size is not None:
            frame |= {"height": int(image.image_size[0]), "width": int(image.image_size[1])}
        images.append(frame)
        rows = as_boxes(image.boxes, f"{where}.boxes").copy()
        rows[:, 2:] = _exact_sizes(rows) if image.sizes is None else as_sizes(image.sizes, rows, f"{where}.sizes")
        labels = _labels(image.labels, rows.shape[0], len(class_ids), f"{where}.labels")
        areas = as_vector(image.areas, f"{where}.areas", rows.shape[0]).tolist()
        crowd = np.asarray(image.crowd, np.bool_).tolist()
        for k, (box, label) in enumerate(zip(rows.tolist(), labels.tolist(), strict=True)):
            entry = {
                "id": len(annotations) + 1,
                "image_id": key,
                "category_id": class_ids[label],
                "bbox": box,
                "area": areas[k],
                "iscrowd": int(crowd[k]),
            }
            if image.outlines is not None and image.outlines[k] is not None:
                entry["segmentation"] = image.outlines[k]
            annotations.append(entry)
    categories = [{"id": key, "name": name} for key, name in zip(class_ids, dataset.class_names, strict=True)]
    write_json(file, {"images": images, "annotations": annotations, "categories": categories})


def _exact_sizes(rows: F8) -> F8:
    """Widths and heights that give x2 and y2 back when they are added to x1 and y1."""
    sizes = rows[:, 2:] - rows[:, :2]
    for other in (np.nextafter(sizes, np.inf), np.nextafter(sizes, 0.0)):
        sizes = np.where(rows[:, :2] + sizes == rows[:, 2:], sizes, other)
    return sizes


def _labels(labels: Any, length: int, classes: int, name: str) -> I8:
    """Labels that are those of classes."""
    values = as_labels(labels, name, length)
    unknown = np.flatnonzero((values < 0) | (values >= classes))
    if unknown.size:
        raise ValueError(f"{name}[{unknown[0]}] is {values[unknown[0]]}, but there are {classes} classes")
    return values


# ---- the content of a file ---------------------------------------------------------------------------------


class _Content:
    """The lists of a file: their bytes where these can be scanned, else what ``json`` makes of them."""

    def __init__(self, file: Path, keys: tuple[str, ...], listed: bool = False) -> None:
        self.file, self.listed, self.whole = file, False, None
        self.spans: dict[str, tuple[int, int]] = {}
        if file.is_dir():
            raise IsADirectoryError(f"{file} is a folder, not a file")
        try:
            self.text = Text(read_padded(file, PADDING))
        except UnicodeDecodeError:  # UTF-16 with its mark, or no text at all
            self.text = Text(bytearray(decode(file, read_bytes(file)).encode() + bytes(PADDING)))
        if listed and self.text.first() == ord("["):
            self.listed = True
            return
        spans = self.text.members()
        if spans is None:
            self.whole = self._checked(read_json(file), keys, listed)
            return
        for key in keys:
            if key in spans:
                self.spans[key] = spans[key]
            elif key != "annotations" or listed:
                broken(file, "", self._missing(listed, key))

    def _missing(self, listed: bool, key: str) -> str:
        return "results are a list of detections, got an object" if listed else f"has no {key!r}"

    def _checked(self, value: Any, keys: tuple[str, ...], listed: bool) -> Any:
        if listed and isinstance(value, list):
            return {"annotations": value}
        if not isinstance(value, dict):
            kind = entries.kind_of(value)
            expected = "results are a list of detections" if listed else "must hold images, annotations and categories"
            broken(self.file, "", f"{expected}, got {kind}")
        for key in keys:
            if key not in value and (key != "annotations" or listed):
                broken(self.file, "", self._missing(listed, key))
        return value

    def columns(self, key: str, wanted: dict[str, int]) -> Columns | None:
        """The list under a key as columns, or None where it is to be read entry by entry."""
        if self.whole is not None or (not self.listed and key not in self.spans):
            return None
        return self.text.objects(wanted, None if self.listed else self.spans[key][0])

    def entries(self, key: str) -> list[Any]:
        """The list under a key; empty if there is none."""
        if self.whole is None:
            if self.listed:
                value = read_json(self.file)
            elif key in self.spans:
                value = self.loads(*self.spans[key])
            else:
                value = []
        else:
            value = self.whole.get(key, [])
        if not isinstance(value, list):
            broken(self.file, key, f"must be a list, got {entries.kind_of(value)}")
        return value

    def loads(self, begin: int, end: int) -> Any:
        """The value in some of the text."""
        try:
            return json.loads(self.text.part(begin, end), parse_int=_whole)
        except RecursionError:  # the scan goes deeper than a caller deep in recursion can
            broken(self.file, "", "nested too deeply")

    def place(self, key: str, k: int) -> str:
        """How an entry is called in texts."""
        return f"entry [{k}]" if self.listed or (self.whole is not None and key not in self.whole) else f"{key}[{k}]"


def _whole(digits: str) -> int | float:
    """An integer; Python makes none of thousands of digits, which is infinite as a float and refused as such."""
    return int(digits) if len(digits) < 4000 else float(digits)


class _Table(NamedTuple):
    """A column of each thing that entries say; ``extra`` is area and crowd, or score."""

    owners: I8
    categories: I8
    boxes: F8
    extra: F8
    good: B1
    outlines: Callable[[int], Any]  # of rows that were scanned
    own: dict[int, Any]  # of rows that were read one by one

    def outline(self, row: int) -> Any:
        """The ``segmentation`` of a row, or None."""
        return self.own[row] if row in self.own else self.outlines(row)


def _table(
    content: _Content,
    key: str,
    wanted: dict[str, int],
    slow: Callable[[Any], tuple[int, int, list[float], float, float, Any]],
    known: tuple[entries.Known, entries.Known],
    bad: BadEntries,
) -> _Table:
    """All entries of a list: those that the scan is sure of at once, the others one by one."""
    columns = content.columns(key, wanted)
    ids: dict[int, Any] = {}  # of entries that were read one by one, by row
    if columns is None:
        items = content.entries(key)
        table = _empty_table(len(items))
        rest: Iterable[tuple[int, Any]] = enumerate(items)
    else:
        table = _scanned(content, columns, known)
        rest = ((k, content.loads(*columns.spans[k].tolist())) for k in np.flatnonzero(~table.good).tolist())
    found = []
    for k, entry in rest:
        try:
            owner, category, box, value, crowd, number = slow(entry)
        except entries.Bad as error:
            found.append((k, error))
            continue
        table.owners[k], table.categories[k], table.boxes[k] = owner, category, box
        table.extra[k], table.good[k] = (value, crowd), True
        if "segmentation" in wanted:
            table.own[k] = entry.get("segmentation")
        if type(number) in (int, str):
            ids[k] = number
    for k, number, first in _repeated(table.good, columns, ids):
        table.good[k] = False
        found.append((k, entries.Bad(f"id {number!r} is that of {content.place(key, first)}", "repeated id")))
    for k, wrong in sorted(found, key=lambda pair: pair[0]):
        bad.add(content.file, content.place(key, k), wrong.reason, wrong.kind)
    return table


def _repeated(good: B1, columns: Columns | None, ids: dict[int, Any]) -> Iterable[tuple[int, Any, int]]:
    """(row, id, first row of that id) of the good rows whose id was there before."""
    every = ids
    if columns is not None and "id" in columns.values:
        rows = np.flatnonzero(good & columns.seen["id"] & ~columns.doubtful)
        numbers = columns.values["id"][rows]
        if not ids and (np.diff(np.sort(numbers)) > 0).all():
            return
        every = dict(sorted({**dict(zip(rows.tolist(), numbers.tolist(), strict=True)), **ids}.items()))
    firsts: dict[Any, int] = {}
    for row, number in every.items():
        if firsts.setdefault(number, row) != row:
            yield row, number, firsts[number]


def _empty_table(length: int) -> _Table:
    owners, categories = np.zeros((2, length), np.int64)
    boxes, extra, good = np.zeros((length, 4)), np.zeros((length, 2)), np.zeros(length, np.bool_)
    return _Table(owners, categories, boxes, extra, good, lambda row: None, {})


def _scanned(content: _Content, columns: Columns, known: tuple[entries.Known, entries.Known]) -> _Table:
    """What the scan is sure of; rows that are not good are to be read one by one."""
    values, seen = columns.values, columns.seen
    box = values["bbox"]
    owners, there = _places_of(values["image_id"], known[0])
    categories, category_there = _places_of(values["category_id"], known[1])
    good = ~columns.doubtful & there & category_there & seen["image_id"] & seen["category_id"] & seen["bbox"]
    if not (np.abs(box).max(initial=0.0) <= 1e150 and box[:, 2:].min(initial=0.0) >= 0.0):
        good &= (np.abs(box) <= 1e150).all(axis=1) & (box[:, 2] >= 0.0) & (box[:, 3] >= 0.0)
    extra = np.zeros((good.size, 2))
    if "score" in values:
        extra[:, 0] = values["score"]
        good &= seen["score"] & (np.abs(values["score"]) <= entries.LARGEST_SCORE)
    else:
        extra[:, 0] = np.where(seen["area"], values["area"], box[:, 2] * box[:, 3])
        extra[:, 1] = values["iscrowd"]
        good &= (extra[:, 0] >= 0.0) & (extra[:, 0] <= 1e300) & (extra[:, 1] >= 0.0) & (extra[:, 1] <= 1.0)
    spans = values.get("segmentation")

    def outline(row: int) -> Any:
        begin, end = spans[row].tolist()  # type: ignore[index]
        return content.loads(begin, end) if end > begin else None

    return _Table(owners, categories, box, extra, good, outline, {})


def _places_of(keys: I8, known: entries.Known) -> tuple[I8, B1]:
    """The place of each integer id, and whether there is such an id."""
    ids = np.array([key for key in known.places if type(key) is int and abs(key) < 2**63], np.int64)
    places = np.array([place for key, place in known.places.items() if type(key) is int and abs(key) < 2**63], np.int64)
    if not ids.size:
        return np.zeros(keys.size, np.int64), np.zeros(keys.size, np.bool_)
    low, span = int(ids.min()), int(ids.max()) - int(ids.min()) + 1
    if span <= 4 * (keys.size + ids.size):  # a table of all ids in between is quicker than a search
        table = np.full(span + 1, -1)
        table[ids - low] = places
        found = table[np.minimum((keys - low).view(np.uint64), span).view(np.int64)]
        return found, found >= 0
    order = np.argsort(ids)
    at = np.minimum(np.searchsorted(ids[order], keys), ids.size - 1)
    return places[order][at], ids[order][at] == keys


def _corners(rows: F8) -> tuple[F8, F8]:
    """x1, y1, x2, y2 of x, y, width, height, and the widths and heights themselves."""
    sizes = rows[:, 2:].copy()
    boxes: F8 = np.empty(rows.shape)
    boxes[:, :2] = rows[:, :2]
    np.add(rows[:, :2], sizes, out=boxes[:, 2:])
    return boxes, sizes


def _frames(content: _Content, bad: BadEntries) -> list[entries.Frame]:
    """The images by ascending id."""
    frames: dict[Any, entries.Frame] = {}
    kind: type | None = None
    for k, entry in enumerate(content.entries("images")):
        try:
            frame = entries.read_frame(entry)
            kind = kind or type(frame.key)
            if type(frame.key) is not kind:
                raise entries.Bad(f"id {frame.key!r} is not of the kind of the other images' ids", "bad image id")
            if frame.key in frames:
                raise entries.Bad(f"id {frame.key!r} is taken by another image", "repeated image id")
        except entries.Bad as error:
            bad.add(content.file, f"images[{k}]", error.reason, error.kind)
            continue
        frames[frame.key] = frame
    return [frames[key] for key in sorted(frames)]


def _categories(content: _Content, bad: BadEntries) -> dict[int, str]:
    """Names by id."""
    names: dict[int, str] = {}
    for k, entry in enumerate(content.entries("categories")):
        try:
            key, name = entries.read_category(entry)
            if key in names:
                raise entries.Bad(f"id {key} is taken by another category", "repeated category id")
        except entries.Bad as error:
            bad.add(content.file, f"categories[{k}]", error.reason, error.kind)
            continue
        names[key] = name
    return names


def _names(dataset: Dataset) -> list[str]:
    """The file name of each image; "" where there is none."""
    if isinstance(dataset.images, AnnotatedImages):
        return list(dataset.images.names)
    return [image.name if isinstance(image.name, str) else "" for image in dataset.images]


def _places(dataset: Dataset) -> tuple[dict[int | str, int], dict[int, int]]:
    """The index of each image id and the label of each category id."""
    if not isinstance(dataset, Dataset):
        raise TypeError(f"dataset must be a Dataset, got {type(dataset).__name__}")
    images: dict[int | str, int] = {}
    if isinstance(dataset.images, AnnotatedImages):  # read_coco's own, whose ids differ
        images = {key: index for index, key in enumerate(dataset.images.ids)}
        return images, {key: label for label, key in enumerate(dataset.class_ids)}
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
