"""Annotations as columns, from dictionaries as COCO files hold them or from the bytes of a file."""

from __future__ import annotations

import contextlib
import itertools
import numbers
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import B1, F8, I8
from detutils.datasets.json_columns import Columns

FARTHEST = 1e150  # beyond it areas overflow
PLAIN = {int, float}


class Rows(NamedTuple):
    """A column of each thing that an evaluation reads of annotations; ids are whatever the file has."""

    images: Sequence[Any] | I8
    categories: Sequence[Any] | I8
    ids: Sequence[Any] | I8
    boxes: F8  # x, y, width, height
    areas: F8
    crowd: B1
    scores: F8

    def taken(self, rows: I8) -> Rows:
        """Some of them, in this order."""
        return Rows(*(_taken(column, rows) for column in self))


def _taken(column: Any, rows: I8) -> Any:
    if isinstance(column, np.ndarray):
        return column[rows]
    return [column[row] for row in rows.tolist()]


def rows_of_entries(entries: Sequence[Any], name: str, scored: bool, boxed: bool = True) -> Rows:
    """Columns of dictionaries; detections have scores. Where there is no area, it is that of the box. Unless ``boxed``,
    boxes are not looked at, which may be of another kind, and are 0."""
    _check_entries(entries, name)
    boxes = _boxes(_members(entries, "bbox", name), name) if boxed else np.zeros((len(entries), 4))
    areas, crowds = [entry.get("area") for entry in entries], [entry.get("iscrowd") for entry in entries]
    if type(None) in set(map(type, areas)):
        own = (boxes[:, 2] * boxes[:, 3]).tolist()
        areas = [mine if area is None else area for mine, area in zip(own, areas, strict=True)]
    return Rows(
        _ids(_members(entries, "image_id", name)),
        _ids(_members(entries, "category_id", name)),
        _ids(_members(entries, "id", name)),
        boxes,
        _numbers(areas, f"{name} area"),
        _numbers([0 if crowd is None else crowd for crowd in crowds], f"{name} iscrowd") != 0.0,
        _numbers(_members(entries, "score", name), f"{name} score") if scored else np.zeros(len(entries)),
    )


def rows_of_results(entries: Sequence[Any]) -> tuple[Rows, bool]:
    """Columns of detections: numbered from 1, as large as their boxes, none of them a crowd; and whether the boxes are
    upright. Rotated ones, with an angle, are left to whoever overrides ``computeIoU``."""
    _check_entries(entries, "results")
    parts = _members(entries, "bbox", "results")
    turned = bool(parts) and isinstance(parts[0], (list, tuple, np.ndarray)) and len(parts[0]) == 5
    boxes = _boxes(parts, "results", 5 if turned else 4)
    rows = Rows(
        _ids(_members(entries, "image_id", "results")),
        _ids(_members(entries, "category_id", "results")),
        np.arange(1, len(entries) + 1),
        boxes,
        boxes[:, 2] * boxes[:, 3],
        np.zeros(len(entries), np.bool_),
        _numbers(_members(entries, "score", "results"), "results score"),
    )
    return rows, not turned


def _check_entries(entries: Sequence[Any], name: str) -> None:
    if not set(map(type, entries)) <= {dict}:
        for place, entry in enumerate(entries):
            if not isinstance(entry, Mapping):
                raise TypeError(f"{name}[{place}] must be a dictionary, got {type(entry).__name__}")


def _members(entries: Sequence[Any], key: str, name: str) -> list[Any]:
    try:
        return [entry[key] for entry in entries]
    except KeyError:
        place = next(k for k, entry in enumerate(entries) if key not in entry)
        raise ValueError(f"{name}[{place}] has no {key!r}") from None


def _ids(values: list[Any]) -> Sequence[Any] | I8:
    """Ids that are plain integers as an array, which is quicker to look up; others as they are."""
    if set(map(type, values)) <= {int}:
        with contextlib.suppress(OverflowError):
            return np.array(values, np.int64)
    return values


def _boxes(parts: list[Any], name: str, width: int = 4) -> F8:
    if set(map(type, parts)) <= {list, tuple} and set(map(len, parts)) <= {width}:
        flat = list(itertools.chain.from_iterable(parts))
        return _numbers(flat, f"{name} bbox", FARTHEST, width).reshape(-1, width)
    rows: list[Any] = []
    for place, part in enumerate(parts):
        try:
            rows += list(part)
        except TypeError:
            rows = []
        if len(rows) != width * place + width:
            raise ValueError(f"{name}[{place}] bbox must be x, y, width, height, got {part!r}")
    return _numbers(rows, f"{name} bbox", FARTHEST, width).reshape(-1, width)


def _is_scalar(value: Any) -> bool:
    """An array or tensor of one number."""
    return hasattr(value, "__float__") and getattr(value, "ndim", 1) == 0 and getattr(value, "imag", 0) == 0


def _numbers(values: list[Any], name: str, most: float = 1e300, width: int = 1) -> F8:
    """Finite numbers; strings are none, although NumPy would read them."""
    if not set(map(type, values)) <= PLAIN:
        for place, value in enumerate(values):
            if not isinstance(value, numbers.Real) and not _is_scalar(value):
                raise TypeError(f"{name} must be a number, got {value!r} in entry [{place // width}]")
        values = [float(value) for value in values]
    try:
        array: F8 = np.array(values, np.float64)
    except OverflowError:
        raise ValueError(f"{name} holds an integer that no float64 holds") from None
    wrong = np.flatnonzero(~(np.abs(array) <= most))
    if wrong.size:
        raise ValueError(f"{name} must be finite, got {values[wrong[0]]!r} in entry [{wrong[0] // width}]")
    return array


def rows_of_scan(columns: Columns | None, scored: bool) -> Rows | None:
    """The columns of a scanned file, or None unless all of its entries are as expected."""
    if columns is None or columns.doubtful.any():
        return None
    values, seen = columns.values, columns.seen
    needed = ["image_id", "category_id", "bbox", "score" if scored else "id"]
    boxes = values["bbox"]
    if not all(seen[key].all() for key in needed) or not np.abs(boxes).max(initial=0.0) <= FARTHEST:
        return None
    own = boxes[:, 2] * boxes[:, 3]
    count = boxes.shape[0]
    if scored:
        ids, areas, crowd = np.arange(1, count + 1), own, np.zeros(count, np.bool_)
        scores = values["score"].copy()
    else:
        ids, scores = values["id"].copy(), np.zeros(count)
        areas = np.where(seen["area"], values["area"], own)
        crowd = seen["iscrowd"] & (values["iscrowd"] != 0)
        if not (np.diff(np.sort(ids)) > 0).all():  # of one id the original keeps the last annotation
            return None
    if not (np.abs(areas).max(initial=0.0) <= 1e300 and np.abs(scores).max(initial=0.0) <= 1e300):
        return None
    return Rows(values["image_id"].copy(), values["category_id"].copy(), ids, boxes.copy(), areas, crowd, scores)


def places_of(ids: Any, known: Sequence[Any]) -> I8:
    """The place of each id among those known, -1 for the others."""
    table = {key: place for place, key in enumerate(known)}
    if isinstance(ids, np.ndarray):
        numbers_known = [key for key in table if isinstance(key, (int, np.integer)) and abs(int(key)) < 2**63]
        if not numbers_known:
            return np.full(ids.size, -1)
        wanted: I8 = np.array(numbers_known, np.int64)
        order = np.argsort(wanted)
        at = np.minimum(np.searchsorted(wanted[order], ids), wanted.size - 1)
        places: I8 = np.array([table[key] for key in numbers_known])[order]
        return np.where(wanted[order][at] == ids, places[at], -1)
    return np.array([table.get(key, -1) for key in ids], np.int64)
