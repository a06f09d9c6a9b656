"""What an entry of a COCO file says, whichever way it says it, or what is wrong with it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from detutils._validate import as_integer, as_items

_NUMBERS = {int, float}  # true and false are neither
LARGEST_SCORE = 1e300


class Bad(Exception):
    """An entry that cannot be used: why, and the few words under which such entries are counted."""

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(reason)
        self.reason, self.kind = reason, kind


class Frame(NamedTuple):
    """An image without its objects."""

    name: str
    size: tuple[int, int] | None
    key: int | str


def kind_of(value: Any) -> str:
    """What JSON calls it."""
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def check_object(entry: Any) -> dict[str, Any]:
    """The entry, if it is an object."""
    if type(entry) is not dict:
        raise Bad(f"must be an object, got {kind_of(entry)}", "no object")
    return entry


def field(entry: dict[str, Any], key: str) -> Any:
    """A member that must be there."""
    try:
        return entry[key]
    except KeyError:
        raise Bad(f"has no {key!r}", f"no {key}") from None


def image_size(entry: dict[str, Any]) -> tuple[int, int] | None:
    """(height, width), or None where the file does not know: missing, null, 0 or -1."""
    sides: list[Any] = [entry.get("height"), entry.get("width")]
    height, width = sides
    if type(height) is int and type(width) is int and 0 < height < 2**31 and 0 < width < 2**31:
        return height, width
    if any(side is None or (type(side) in _NUMBERS and side in (0, -1)) for side in sides):
        return None
    if not all(type(side) in _NUMBERS and side >= 1 and side == side // 1 and side < 2**31 for side in sides):
        raise Bad(f"height and width must be positive integers, got {sides[0]!r}, {sides[1]!r}", "bad image size")
    return int(sides[0]), int(sides[1])


def read_frame(entry: Any) -> Frame:
    """An entry of ``images``."""
    entry = check_object(entry)
    key, name = field(entry, "id"), entry.get("file_name")
    if type(key) not in (int, str):
        raise Bad(f"id must be an integer or a string, got {key!r}", "bad image id")
    if name is not None and type(name) is not str:
        raise Bad(f"file_name must be a string, got {name!r}", "bad file_name")
    return Frame(name or "", image_size(entry), key)


def read_category(entry: Any) -> tuple[int, str]:
    """An entry of ``categories``: its id and name."""
    entry = check_object(entry)
    key, name = field(entry, "id"), field(entry, "name")
    if type(key) is str and _is_whole(key):
        key = int(key)
    if type(key) is not int:
        raise Bad(f"id must be an integer, got {key!r}", "bad category id")
    if type(name) is not str:
        raise Bad(f"name must be a string, got {name!r}", "bad category name")
    return key, name


def _is_whole(text: str) -> bool:
    return text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19


class Known:
    """The images or categories that a file may speak of: by id, by an id written otherwise, and images by name."""

    def __init__(self, what: str, keys: Iterable[int | str], names: Sequence[str] = ()) -> None:
        self.what = what
        self.places: dict[Any, int] = {key: place for place, key in enumerate(keys)}
        self._full_names = names

    @functools.cached_property
    def names(self) -> dict[str, int | None]:
        """The place of each file name, with and without folders and extension; None where it is that of several."""
        places: dict[str, int | None] = {}
        for place, name in enumerate(self._full_names):
            path = PurePosixPath(name.replace("\\", "/"))
            for form in filter(None, dict.fromkeys((name, path.name, path.stem))):
                places[form] = place if form not in places else None
        return places

    def place_of(self, value: Any) -> int:
        """The index of what is meant."""
        if type(value) in (int, str):
            if value in self.places:
                return self.places[value]
            other = int(value) if type(value) is str and _is_whole(value) else str(value)
            if other in self.places:
                return self.places[other]
            if type(value) is str:
                path = PurePosixPath(value.replace("\\", "/"))
                for form in (value, path.name, path.stem):
                    place = self.names.get(form)
                    if place is not None:
                        return place
        raise Bad(f"unknown {self.what} {value!r}{self._near(value)}", f"unknown {self.what}")

    def _near(self, value: Any) -> str:
        """What the file may have meant."""
        if not self.places:
            return f": there are no {'images' if self.names or 'image' in self.what else 'categories'}"
        if type(value) is str and value in self.names:
            return ": several images have this name"
        if type(value) is str:
            likely = [name for name in self.names if value and value.lower() in name.lower()]
            if likely:
                place = self.names[likely[0]]
                return f"; there is {likely[0]}" + ("" if place is None else f", image {list(self.places)[place]!r}")
        return f"; ids are such as {next(iter(self.places))!r}"


def read_box(entry: dict[str, Any]) -> list[float]:
    """x, y, width, height, from the outline where there is no box."""
    box = entry.get("bbox")
    if box in (None, []) and entry.get("segmentation"):
        box = outline_box(entry["segmentation"])
    elif "bbox" not in entry:
        raise Bad("has no 'bbox'", "no bbox")
    if type(box) is not list or len(box) != 4 or not {type(value) for value in box} <= _NUMBERS:
        raise Bad(f"bbox must be four numbers x, y, width, height, got {box!r}", "bad bbox")
    x, y, width, height = box
    if not (abs(x) <= 1e150 and abs(y) <= 1e150 and abs(width) <= 1e150 and abs(height) <= 1e150):
        raise Bad(f"bbox is not finite, or beyond 1e150: {box!r}", "bad bbox")
    if width < 0 or height < 0:
        raise Bad(f"bbox has a negative width or height: {box!r}", "bad bbox")
    return [float(value) for value in box]


def read_area(entry: dict[str, Any], box: list[float]) -> float:
    """``area``, or that of the box."""
    area = entry.get("area")
    if area is None:
        return box[2] * box[3]
    if type(area) not in _NUMBERS or not 0 <= area <= 1e300:
        raise Bad(f"area must be a finite number of at least 0, got {area!r}", "bad area")
    return float(area)


def read_crowd(entry: dict[str, Any]) -> bool:
    """``iscrowd``, which may be missing."""
    crowd = entry.get("iscrowd")
    if crowd is not None and (type(crowd) not in (int, float, bool) or crowd not in (0, 1)):
        raise Bad(f"iscrowd must be 0 or 1, got {crowd!r}", "bad iscrowd")
    return bool(crowd)


def read_score(entry: dict[str, Any]) -> float:
    """``score``."""
    score = field(entry, "score")
    if type(score) not in _NUMBERS or not abs(score) <= LARGEST_SCORE:
        raise Bad(f"score must be a finite number, got {score!r}", "bad score")
    return float(score)


def outline_box(outline: Any) -> list[float]:
    """The box x, y, width, height around polygons or run lengths."""
    try:
        if isinstance(outline, Mapping):
            return _runs_box(outline["counts"], int(outline["size"][0]), int(outline["size"][1]))
        parts = outline if isinstance(outline[0], list) else [outline]
        xs = [float(value) for part in parts for value in part[0::2]]
        ys = [float(value) for part in parts for value in part[1::2]]
        return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        raise Bad("has no bbox, and its segmentation gives none", "no bbox") from None


def _runs_box(counts: Any, height: int, width: int) -> list[float]:
    """The box of a mask given by runs of 0 and 1 in turns, column by column."""
    runs = _decoded(counts) if isinstance(counts, str) else [int(count) for count in counts]
    if height < 1 or width < 1 or any(run < 0 for run in runs) or sum(runs) > height * width:
        raise ValueError
    left, right, top, bottom, at = width, 0, height, 0, 0
    for i, run in enumerate(runs):
        if i % 2 and run:
            first, last = at // height, (at + run - 1) // height
            left, right = min(left, first), max(right, last + 1)
            whole = last > first  # a run into the next column touches both borders
            top = min(top, 0 if whole else at % height)
            bottom = max(bottom, height if whole else (at + run - 1) % height + 1)
        at += run
    return [left, top, right - left, bottom - top]


def _decoded(text: str) -> list[int]:
    """The runs in COCO's compressed form: 5 bits a letter, lowest first; from the fourth on, differences to the run two
    before."""
    runs: list[int] = []
    value = shift = 0
    for letter in text.encode("ascii"):
        bits = letter - 48
        if not 0 <= bits < 64 or shift > 60:
            raise ValueError
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    return runs


def chosen_ids(names: dict[int, str], classes: Any) -> list[int]:
    """The ids of the classes that are wanted; all of them in order by default."""
    if classes is None:
        return sorted(names)
    chosen: list[int] = []
    for place, item in enumerate(as_items(classes, "classes", "names or category ids")):
        if not isinstance(item, str):
            item = as_integer(item, f"classes[{place}]", -(2**63), 2**63 - 1)
        matching = [key for key, name in sorted(names.items()) if item == (name if isinstance(item, str) else key)]
        if not matching:
            there = ", ".join(f"{name} ({key})" for key, name in sorted(names.items())[:12])
            raise ValueError(f"classes holds {item!r}, which is not among {there}{', ...' if len(names) > 12 else ''}")
        chosen += [key for key in matching if key not in chosen]
    return chosen
