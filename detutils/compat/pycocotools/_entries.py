"""What ``evaluateImg`` says of an image and class: made for all of them at once, for one, and read back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import B1, F8, I8
from detutils.compat.pycocotools._rows import Rows, places_of
from detutils.datasets.records import DetectionColumns, ObjectColumns
from detutils.evaluation.coco_images import image_partners, overlap_table
from detutils.evaluation.coco_states import Rules, States, Sums, added_up, match, partners

MOST = 60  # thresholds that a kernel takes at once
FOUND = "dtFound"  # which detections found something; only where an object's id is 0


class Question(NamedTuple):
    """What is asked of an evaluation: the parameters, with classes -1 where categories do not count."""

    images: list[Any]
    classes: list[Any]
    categories: list[Any]
    by_class: bool
    thresholds: F8
    areas: list[Any]
    limit: int

    def rules(self, thresholds: F8) -> Rules:
        """The rules of detutils, for some of the thresholds."""
        ranges = {str(place): (float(low), float(high)) for place, (low, high) in enumerate(self.areas)}
        return Rules(thresholds, (self.limit,), ranges, False)

    def asks(self) -> bool:
        """Whether there is any entry."""
        return bool(self.images and self.classes and self.areas)

    def parts(self) -> Iterator[F8]:
        """The thresholds, as many at a time as a kernel takes."""
        for first in range(0, self.thresholds.size, MOST):
            yield self.thresholds[first : first + MOST]


class Sides(NamedTuple):
    """Objects and detections of an evaluation, by image: the columns that detutils takes, and the rows behind them."""

    truth: ObjectColumns
    found: DetectionColumns
    objects: Rows
    detections: Rows


def sides(objects: Rows, detections: Rows, question: Question) -> Sides:
    """Those of the images and classes that are asked for, in the order in which the original walks through them."""
    objects, labels, starts = _chosen(objects, question)
    detections, found_labels, found_starts = _chosen(detections, question)
    no = np.zeros(objects.crowd.size, np.bool_)
    truth = ObjectColumns(
        _corners(objects.boxes), labels, no, objects.crowd, objects.areas, objects.boxes[:, 2:].copy(), starts
    )
    found = DetectionColumns(
        _corners(detections.boxes), detections.scores, found_labels, detections.boxes[:, 2:].copy(), found_starts
    )
    return Sides(truth, found, objects, detections)


def _chosen(rows: Rows, question: Question) -> tuple[Rows, I8, I8]:
    images = places_of(rows.images, question.images)
    if question.by_class:
        classes = places_of(rows.categories, question.classes)
        taken = np.flatnonzero((images >= 0) & (classes >= 0))
    else:  # category by category, as often as each is named
        known = list(dict.fromkeys(question.categories))
        names, wanted = places_of(rows.categories, known), places_of(question.categories, known)
        each = [np.flatnonzero((images >= 0) & (names == k)) for k in wanted]
        taken = np.concatenate([np.empty(0, np.int64), *each])
        classes = np.zeros(images.size, np.int64)
    taken = taken[np.argsort(images[taken], kind="stable")]
    starts = np.searchsorted(images[taken], np.arange(len(question.images) + 1))
    if taken.size == images.size and (np.diff(taken) == 1).all():
        return rows, classes, starts
    return rows.taken(taken), classes[taken], starts


def _corners(boxes: F8) -> F8:
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


# ---- numbers -------------------------------------------------------------------------------------------------------


def matched(both: Sides, question: Question) -> list[States]:
    """What becomes of all detections, for each part of the thresholds."""
    areas = both.detections.areas
    return [match(both.found, both.truth, question.rules(part), areas=areas) for part in question.parts()]


def curves(states: States, rules: Rules, limits: Sequence[int], levels: F8) -> list[Sums]:
    """Precision, scores and recall with each limit."""
    return [added_up(states, rules, limit=limit, levels=levels) for limit in limits]


# ---- entries --------------------------------------------------------------------------------------------------------


class _Marks(NamedTuple):
    """Of all detections and objects, by class and image, in one range of areas."""

    found: F8  # (T, N) id of what each detection takes
    aside: B1  # (T, N) whether a detection counts neither way
    hit: B1  # (T, N) whether it takes something
    order: I8  # of objects: those that count first
    taken: F8  # (T, M) id of what takes each object, in this order
    ignored: I8  # (M,)


def all_entries(both: Sides, question: Question) -> list[Any]:
    """Entries by class, range of areas and image; None where there is neither object nor detection."""
    n_images, n_areas = len(question.images), len(question.areas)
    entries: list[Any] = [None] * (len(question.classes) * n_areas * n_images)
    if not entries:
        return entries
    found, truth = both.found, both.truth
    parts = [partners(found, truth, question.rules(part), both.detections.areas) for part in question.parts()]
    rows, images = parts[0].rows, parts[0].images
    by_image = np.lexsort((images, found.labels[rows]))
    rows, images = rows[by_image], images[by_image]
    owners = np.repeat(np.arange(n_images), np.diff(truth.starts))
    objects = np.lexsort((owners, truth.labels))
    cells = found.labels[rows] * n_images + images
    object_cells = truth.labels[objects] * n_images + owners[objects]
    spans = _Spans(cells, object_cells)
    ranks = np.arange(rows.size) - np.searchsorted(cells, cells)
    if (ranks >= question.limit).any():
        keep = ranks < question.limit
        rows, by_image = rows[keep], by_image[keep]
        spans = _Spans(cells[keep], object_cells)
    ids, scores = _ids(both.detections.ids, rows), both.detections.scores[rows].tolist()
    zero = any(key == 0 for key in _listed(both.objects.ids))
    for a, bounds in enumerate(question.areas):
        taken = np.concatenate([part.objects[by_image, a] for part in parts], axis=1).T
        marks = _marked(both, taken, rows, objects, object_cells, bounds)
        object_ids = _ids(both.objects.ids, objects[marks.order])
        for cell, first, last, begin, end in spans.each():
            label, image = divmod(cell, n_images)
            entry = {
                "image_id": question.images[image],
                "category_id": question.classes[label],
                "aRng": bounds,
                "maxDet": question.limit,
                "dtIds": ids[first:last],
                "gtIds": object_ids[begin:end],
                "dtMatches": marks.found[:, first:last],
                "gtMatches": marks.taken[:, begin:end],
                "dtScores": scores[first:last],
                "gtIgnore": marks.ignored[begin:end],
                "dtIgnore": marks.aside[:, first:last],
            }
            if zero:
                entry[FOUND] = marks.hit[:, first:last]
            entries[(label * n_areas + a) * n_images + image] = entry
    return entries


class _Spans:
    """Where the detections and objects of each image and class stand."""

    def __init__(self, found: I8, objects: I8) -> None:
        self.cells = np.union1d(found, objects)
        begins = [np.searchsorted(side, self.cells).tolist() for side in (found, objects)]
        ends = [np.searchsorted(side, self.cells, "right").tolist() for side in (found, objects)]
        self.bounds = begins[0], ends[0], begins[1], ends[1]

    def each(self) -> Iterator[tuple[int, int, int, int, int]]:
        """(cell, first and last detection, first and last object)."""
        return zip(self.cells.tolist(), *self.bounds, strict=True)


def _marked(both: Sides, taken: Any, rows: I8, objects: I8, cells: I8, bounds: Any) -> _Marks:
    """``taken`` (T, N) are rows of objects; ``objects`` are rows by cell."""
    areas, found_areas = both.objects.areas, both.detections.areas[rows]
    ignored = both.objects.crowd | (areas < bounds[0]) | (areas > bounds[1])
    order = np.lexsort((ignored[objects], cells))
    at: I8 = np.empty(objects.size, np.int64)
    at[objects[order]] = np.arange(objects.size)
    hit = taken >= 0
    outside = (found_areas < bounds[0]) | (found_areas > bounds[1])
    object_ids = _as_numbers(both.objects.ids, hit.any())
    found = np.zeros(taken.shape)
    back = np.zeros((taken.shape[0], objects.size))
    aside = np.where(hit, False, outside)
    if hit.any():
        found[hit] = object_ids[taken[hit]]
        aside[hit] = ignored[taken[hit]]
        levels, places = np.nonzero(hit)  # of several in a crowd the last stays, as in the original
        back[levels, at[taken[hit]]] = _as_numbers(both.detections.ids, True)[rows][places]
    return _Marks(found, aside, hit, order, back, ignored[objects[order]].astype(np.int64))


def _listed(ids: Any) -> list[Any]:
    return ids.tolist() if isinstance(ids, np.ndarray) else list(ids)


def _ids(ids: Any, rows: I8) -> list[Any]:
    if isinstance(ids, np.ndarray):
        return ids[rows].tolist()  # type: ignore[no-any-return]
    return [ids[row] for row in rows.tolist()]


def _as_numbers(ids: Any, wanted: Any) -> F8:
    """Ids as ``dtMatches`` and ``gtMatches`` hold them."""
    if not wanted:
        return np.zeros(len(ids))
    try:
        return np.array(ids, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"evalImgs holds ids as numbers, got ids such as {ids[0]!r}") from None


def one_entry(
    objects: Rows, detections: Rows, table: Any, question: Question, where: tuple[Any, Any, Any, int]
) -> dict[str, Any]:
    """The entry of one image and class from a table of overlaps (D, G), detections by falling score; ``where`` is the
    entry's image, class, range of areas and limit."""
    image, category, bounds, limit = where
    order = np.argsort(-detections.scores, kind="stable")[:limit]
    found = detections.taken(order)
    crowd = objects.crowd
    ignored = crowd | (objects.areas < bounds[0]) | (objects.areas > bounds[1])
    at = np.argsort(ignored, kind="stable")
    sorted_objects = objects.taken(at)
    thresholds = question.thresholds
    taken: Any = np.full((thresholds.size, order.size), -1, np.int32)
    if len(table):
        overlaps = np.asarray(table, np.float64)[: order.size][:, at]
        aside = np.where(sorted_objects.crowd, 2.0, 0.0)
        areas, span = (found.areas, sorted_objects.areas), (float(bounds[0]), float(bounds[1]))
        taken = np.concatenate(
            [taken[:0], *(image_partners(overlaps, areas, aside, part, span) for part in question.parts())]
        )
    hit = taken >= 0
    outside = (found.areas < bounds[0]) | (found.areas > bounds[1])
    matches, back = np.zeros(taken.shape), np.zeros((thresholds.size, at.size))
    aside_found = np.where(hit, False, outside)
    if hit.any():
        matches[hit] = _as_numbers(sorted_objects.ids, True)[taken[hit]]
        aside_found[hit] = ignored[at][taken[hit]]
        levels, places = np.nonzero(hit)
        back[levels, taken[hit]] = _as_numbers(found.ids, True)[places]
    entry = {
        "image_id": image,
        "category_id": category,
        "aRng": bounds,
        "maxDet": limit,
        "dtIds": _listed(found.ids),
        "gtIds": _listed(sorted_objects.ids),
        "dtMatches": matches,
        "gtMatches": back,
        "dtScores": found.scores.tolist(),
        "gtIgnore": ignored[at].astype(np.int64),
        "dtIgnore": aside_found,
    }
    if any(key == 0 for key in entry["gtIds"]):
        entry[FOUND] = hit
    return entry


def states_of(entries: Sequence[Any], thresholds: int) -> Iterator[States]:
    """What the entries of one class and range of areas say, for each part of the thresholds."""
    scores = np.concatenate([np.empty(0), *(np.asarray(entry["dtScores"], np.float64) for entry in entries)])
    counts = [len(entry["dtScores"]) for entry in entries]
    ranks = np.concatenate([np.empty(0, np.int64), *map(np.arange, counts)])
    order = np.argsort(-scores, kind="stable")
    found = [np.asarray(entry.get(FOUND, entry["dtMatches"])) != 0 for entry in entries]
    hits = np.concatenate(found, axis=1)[:, order]
    aside = np.concatenate([np.asarray(entry["dtIgnore"]) != 0 for entry in entries], axis=1)[:, order]
    counted = np.concatenate([np.asarray(entry["gtIgnore"]) == 0 for entry in entries])
    for first in range(0, thresholds, MOST):
        bits = np.int64(1) << np.arange(min(MOST, thresholds - first), dtype=np.int64)
        part = slice(first, first + MOST)
        states: I8 = np.empty((scores.size, 3), np.int64)
        states[:, 0] = ranks[order]
        states[:, 1] = (bits[:, None] * (hits[part] & ~aside[part])).sum(axis=0)
        states[:, 2] = (bits[:, None] * (~hits[part] & ~aside[part])).sum(axis=0)
        zeros = np.zeros(scores.size, np.int64)
        yield States(
            zeros, scores[order], zeros, states, np.zeros(counted.size, np.int64), np.zeros(counted.size, np.int64),
            counted[:, None], 1,
        )  # fmt: skip


def table_of(objects: Rows, detections: Rows, limit: int) -> Any:
    """The overlaps of one image and class, detections by falling score; [] if there are none."""
    if not objects.crowd.size or not detections.crowd.size:
        return []
    order = np.argsort(-detections.scores, kind="stable")[:limit]
    return np.asfortranarray(overlap_table(detections.boxes[order], objects.boxes, objects.crowd))
