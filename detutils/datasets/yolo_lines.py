"""One line of YOLO's text files: a box, an outline, an oriented box or a pose, with or without a confidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from detutils._validate import as_integer, as_items
from detutils.datasets.assembly import Box, Thing
from detutils.datasets.text_files import broken, number

MOST_CLASSES = 100_000  # where no names tell how many there are
VISIBILITIES = frozenset((0.0, 1.0, 2.0))


class Rules(NamedTuple):
    """What a file is read by: its image's (height, width), the number of classes, the shape of poses."""

    size: tuple[int, int]
    classes: int | None
    keypoints: tuple[int, int] | None


def as_keypoints(keypoints: Any, name: str = "keypoints") -> tuple[int, int] | None:
    """The number of points of a pose and of values a point, 2 or 3; None where nobody says."""
    if keypoints is None:
        return None
    items = as_items(keypoints, name, "a pair (points, values a point)")
    if len(items) != 2:
        raise ValueError(f"{name} must be a pair (points, values a point), got {len(items)} values")
    return as_integer(items[0], f"{name}[0]", 1, 10_000), as_integer(items[1], f"{name}[1]", 2, 3)


def numeric(words: Sequence[str]) -> list[float] | None:
    """The words as numbers, or None if one is no number."""
    try:
        return [number(word) for word in words]
    except ValueError:
        return None


def is_label_line(line: str) -> bool:
    """Whether a line of text could be an object: five numbers or more."""
    words = line.split()
    return len(words) >= 5 and numeric(words) is not None


def read_object(file: Path, place: str, line: str, rules: Rules) -> Thing:
    """The object of a line."""
    words = line.split()
    values = numeric(words)
    if values is None:
        many = "five" if len(words) == 5 else "only"
        broken(file, place, f"must hold {many} numbers, got {line[:80]!r}", "line that is not of numbers")
    if len(values) == 6:
        hint = "the sixth number looks like a confidence: read_detections reads detections"
        broken(file, place, f"must hold class, cx, cy, width, height; {hint}; got {line[:80]!r}",
               "line with a confidence")  # fmt: skip
    return _object(file, place, line, values, rules)


def read_detection(file: Path, place: str, line: str, rules: Rules) -> tuple[Thing, float]:
    """The object of a line that ends with its confidence, and that confidence."""
    words = line.split()
    values = numeric(words)
    if values is None:
        broken(file, place, f"must hold only numbers, got {line[:80]!r}", "line that is not of numbers")
    if len(values) == 5:
        broken(file, place, f"has no confidence: must hold class, cx, cy, width, height, confidence, got {line[:80]!r}",
               "line without a confidence")  # fmt: skip
    score = values[-1] if values else 0.0
    if not abs(score) <= 1e300:
        broken(file, place, f"the confidence must be a finite number, got {words[-1][:20]}", "unusable confidence")
    return _object(file, place, line, values[:-1], rules), score


def _object(file: Path, place: str, line: str, values: list[float], rules: Rules) -> Thing:
    label = _label(file, place, line, values, rules.classes)
    height, width = rules.size
    if len(values) == 5 or _is_pose(len(values), values, rules.keypoints):
        cx, cy, w, h = _fractions(file, place, line, values[1:5], rules.size)
        x, y, half_w, half_h = cx * width, cy * height, w * (width / 2), h * (height / 2)
        box: Box = (x - half_w, y - half_h, x + half_w, y + half_h)
        return Thing(label, place, box, area=4.0 * half_w * half_h)
    if len(values) < 7 or len(values) % 2 == 0:
        broken(file, place, "must hold class, cx, cy, width, height, or a class and the x and y of three points or "
               f"more, got {line[:80]!r}", "line of another length")  # fmt: skip
    points = _fractions(file, place, line, values[1:], rules.size)
    xs, ys = [x * width for x in points[::2]], [y * height for y in points[1::2]]
    outline = [[value for point in zip(xs, ys) for value in point]]
    return Thing(label, place, (min(xs), min(ys), max(xs), max(ys)), outline=outline)


def _label(file: Path, place: str, line: str, values: list[float], classes: int | None) -> int:
    word = line.split()[0][:20]
    if not values or values[0] != values[0] // 1:  # some tools write classes as 3.0
        broken(file, place, f"class {word} is not an integer", "class that is not an integer")
    if not 0 <= values[0] < (MOST_CLASSES if classes is None else classes):
        negative = values[0] < 0
        broken(file, place, f"class {word} " + ("is negative" if negative else "has no name"), "unknown class")
    return int(values[0])


def _is_pose(count: int, values: list[float], keypoints: tuple[int, int] | None) -> bool:
    """Whether a line is a box and points after it.

    Where nobody says how many: points of x, y and a visibility of 0, 1 or 2 make a length that is even, as no
    outline's is, or hold a 2, which no outline does.
    """
    if keypoints is not None:
        return count == 5 + keypoints[0] * keypoints[1]
    seen = set(values[7::3])
    return count >= 8 and (count - 5) % 3 == 0 and seen <= VISIBILITIES and (count % 2 == 0 or 2.0 in seen)


def _fractions(file: Path, place: str, line: str, values: list[float], size: tuple[int, int]) -> list[float]:
    """Fractions of the image in 0..1; what is over by a pixel at most was rounded, and is clipped."""
    pixel_y, pixel_x = 1.0 / size[0], 1.0 / size[1]
    for i, value in enumerate(values):
        over = pixel_y if i % 2 else pixel_x
        if not -over <= value <= 1.0 + over:
            what = "cx, cy, width and height" if len(values) == 4 else "the points' x and y"
            broken(file, place, f"{what} must be in [0, 1], got {line[:80]!r}", "value outside the image")
    return [min(max(value, 0.0), 1.0) for value in values]
