"""From what a reader found in its files to a data set: labels for names, columns for objects, chosen classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from detutils._validate import as_class_names, as_integer, as_items
from detutils.datasets.entries import BadEntries, Skipped, near
from detutils.datasets.records import AnnotatedImage, Dataset

Box = tuple[float, float, float, float]


class Thing(NamedTuple):
    """One object as a file has it: its class by name or number, its place there, its box in pixels, the box's area."""

    label: str | int
    place: str
    box: Box
    difficult: bool = False
    truncated: bool = False
    outline: Any = None
    area: float | None = None


class Picture(NamedTuple):
    """One image as a file has it."""

    file: Path
    name: str
    size: tuple[int, int] | None
    things: list[Thing]


def as_names(class_names: Sequence[str] | None) -> tuple[str, ...] | None:
    """The names of all classes, where the caller gives them."""
    return None if class_names is None else tuple(as_class_names(class_names))


def assemble(
    pictures: Sequence[Picture],
    class_names: Sequence[str],
    classes: Sequence[str | int] | None,
    bad: BadEntries,
    offset: float = 0.0,
) -> Dataset:
    """One record a picture; a name that is no class's is a bad entry; then the chosen ``classes`` only."""
    place_of = {name: label for label, name in reversed(list(enumerate(class_names)))}
    records = []
    for index, picture in enumerate(pictures):
        labels, things = [], []
        for thing in picture.things:
            label = place_of.get(thing.label) if isinstance(thing.label, str) else thing.label
            if label is None:
                reason = f"class {thing.label!r} is not in class_names{near(str(thing.label), class_names)}"
                bad.add(picture.file, thing.place, reason, "unknown class")
            else:
                labels.append(label)
                things.append(thing)
        boxes = np.array([thing.box for thing in things], np.float64).reshape(-1, 4)
        outlines = [thing.outline for thing in things]
        areas = (boxes[:, 2] - boxes[:, 0] + offset) * (boxes[:, 3] - boxes[:, 1] + offset)
        given = [i for i, thing in enumerate(things) if thing.area is not None]
        areas[given] = [things[i].area for i in given]
        records.append(
            AnnotatedImage(
                name=picture.name,
                image_size=picture.size,
                boxes=boxes,
                labels=np.array(labels, np.int64),
                difficult=np.array([thing.difficult for thing in things], np.bool_),
                truncated=np.array([thing.truncated for thing in things], np.bool_),
                crowd=np.zeros(len(things), np.bool_),
                areas=areas,
                image_id=index,
                outlines=outlines if any(outline is not None for outline in outlines) else None,
            )
        )
    skipped = bad.finish(len(records))
    dataset = Dataset(records, tuple(class_names), tuple(range(len(class_names))), skipped)
    return dataset if classes is None else choose_classes(dataset, classes)


def found_names(pictures: Iterable[Picture]) -> list[str]:
    """All names of classes in alphabetical order."""
    return sorted({str(thing.label) for picture in pictures for thing in picture.things})


def choose_classes(dataset: Dataset, classes: Sequence[str | int]) -> Dataset:
    """The same images with the objects of some classes only, renumbered in the order of ``classes``: names or ids."""
    labels = _labels_of(dataset, as_items(classes, "classes", "a sequence of class names or ids"))
    renumbered = {label: place for place, label in enumerate(labels)}
    images = []
    for record in dataset.images:
        keep = np.flatnonzero(np.isin(record.labels, labels))
        columns: dict[str, Any] = {
            field: value[keep]
            for field, value in record._asdict().items()
            if isinstance(value, np.ndarray) and value.shape[:1] == (len(record.labels),)
        }
        columns["labels"] = np.array([renumbered[label] for label in columns["labels"].tolist()], np.int64)
        if record.outlines is not None:
            kept = [record.outlines[place] for place in keep.tolist()]
            columns["outlines"] = kept if any(outline is not None for outline in kept) else None
        images.append(record._replace(**columns))
    names = tuple(dataset.class_names[label] for label in labels)
    ids = tuple(dataset.class_ids[label] for label in labels)
    return Dataset(images, names, ids, dataset.skipped)


def also_skipped(dataset: Dataset, more: Iterable[Skipped]) -> Dataset:
    """The same data set, which says of more entries that they were left out."""
    return Dataset(dataset.images, dataset.class_names, dataset.class_ids, (*dataset.skipped, *more))


def _labels_of(dataset: Dataset, classes: list[Any]) -> list[int]:
    labels: list[int] = []
    for place, wanted in enumerate(classes):
        known: Sequence[Any] = dataset.class_names
        if not isinstance(wanted, str):
            wanted, known = as_integer(wanted, f"classes[{place}]", -(2**63), 2**63 - 1), dataset.class_ids
        count = Counter(known)[wanted]
        if not count:
            raise ValueError(f"classes[{place}]: no class is called {wanted!r}{near(str(wanted), map(str, known))}")
        if count > 1:
            raise ValueError(f"classes[{place}]: {count} classes are called {wanted!r}: choose them by their ids")
        label = list(known).index(wanted)
        if label in labels:
            raise ValueError(f"classes[{place}]: {wanted!r} is chosen twice")
        labels.append(label)
    return labels
