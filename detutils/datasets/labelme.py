"""LabelMe's JSON: one file an image."""

from __future__ import annotations

import math
import os
import posixpath
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from detutils._validate import as_path
from detutils.datasets.assembly import Box, Picture, Thing, also_skipped, as_names, assemble, found_names
from detutils.datasets.entries import BadEntries, Skipped
from detutils.datasets.listing import PICTURES, files_below, listed, relative_name, without_extension
from detutils.datasets.markup import FAR
from detutils.datasets.records import Dataset
from detutils.datasets.text_files import broken, read_json

OUTLINED = frozenset(("polygon", "rectangle", "rotation", "oriented_rectangle", "mask", ""))


def read_labelme(
    path: str | os.PathLike[str],
    *,
    class_names: Sequence[str] | None = None,
    classes: Sequence[str | int] | None = None,
    on_invalid: Literal["raise", "drop"] = "raise",
) -> Dataset:
    """Read annotated images from LabelMe's JSON files.

    Parameters
    ----------
    path : str or path
        One JSON file, or a folder of them, those in folders below included.
    class_names : sequence of str, optional
        The classes, which become labels 0, 1, ... By default all labels found, in alphabetical order.
    classes : sequence of str or int, optional
        Keep the objects of these classes only, names or labels, which become labels 0, 1, ... in this order.
        All images stay.
    on_invalid : {"raise", "drop"}
        What to do with shapes and files that cannot be used: refuse them all with one error, which names the
        first and the number of each kind; or leave them out and list them in ``dataset.skipped``.

    Returns
    -------
    dataset : Dataset
        One ``AnnotatedImage`` a file, by its path, named by its ``imagePath`` as seen from ``path``; objects in
        the order of the file. The box of a polygon is the one around it, that of a circle its square; the
        polygons stand in ``outlines``. Pictures beside the files that none of them annotates are listed in
        ``skipped``.

    Raises
    ------
    OSError
        If a file or folder cannot be read.
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a file is not JSON (with path, line and column) or not LabelMe's, a shape has no label, no points
        that are finite numbers or none that make a box, as points and lines do, or a label is not in
        ``class_names`` (with path and shape), unless these drop; if a folder holds no JSON, nothing good is
        left, or ``classes`` names what is not there.

    Notes
    -----
    Linear in the size of the files. A size that is missing, 0 or -1 is None. ``difficult`` and ``truncated``
    are taken from a shape or from its flags, and are False where nobody says.

    References
    ----------
    K. Wada, labelme: Image Polygonal Annotation with Python.

    Examples
    --------
    >>> import json, pathlib, detutils
    >>> shape = {"label": "cat", "shape_type": "rectangle", "points": [[50, 80], [10, 20]]}
    >>> text = json.dumps({"shapes": [shape], "imagePath": "a.jpg", "imageHeight": 480, "imageWidth": 640})
    >>> _ = pathlib.Path("a.json").write_text(text)
    >>> detutils.read_labelme("a.json").images[0].boxes
    array([[10., 20., 50., 80.]])
    """
    source = as_path(path)
    names = as_names(class_names)
    bad = BadEntries(on_invalid)
    if not source.exists():
        raise FileNotFoundError(f"there is no {source}")
    files = files_below(source, (".json",), ".json files") if source.is_dir() else [source]
    folder = source if source.is_dir() else source.parent
    pictures = []
    for file in files:
        with bad.going_on(file):
            pictures.append(_picture(file, folder, bad))
    dataset = assemble(pictures, found_names(pictures) if names is None else names, classes, bad)
    if source.is_dir():
        known = {without_extension(picture.name) for picture in pictures}
        known |= {relative_name(file.with_suffix(""), folder) for file in files}
        beside = (p for p in listed(folder, PICTURES) if without_extension(relative_name(p, folder)) not in known)
        alone = (Skipped(str(picture), "", "a picture without annotation") for picture in beside)
        dataset = also_skipped(dataset, alone)
    return dataset


# ---- shapes ------------------------------------------------------------------------------------------------

def _picture(file: Path, folder: Path, bad: BadEntries) -> Picture:
    content = read_json(file)
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        coco = isinstance(content, dict) and "images" in content
        hint = " (COCO's format: read_coco)" if coco else ""
        broken(file, "", f"is not LabelMe's: has no list of shapes{hint}", "file of another kind")
    size, things = None, []
    with bad.going_on(file):
        size = _size(file, content)
    for place, shape in enumerate(content["shapes"]):
        with bad.going_on(file):
            things.append(_thing(file, f"shapes[{place}]", shape))
    return Picture(file, _name(file, folder, content.get("imagePath")), size, things)


def _name(file: Path, folder: Path, given: Any) -> str:
    """A picture's name as seen from the folder of the data set; LabelMe writes it as seen from its own file."""
    if not isinstance(given, str) or not given.strip():
        return relative_name(file.with_suffix(""), folder)
    plain = PurePosixPath(given.strip().replace("\\", "/"))
    if plain.is_absolute() or ":" in plain.parts[0]:  # on the machine of whoever drew it
        plain = PurePosixPath(plain.name)
    return posixpath.normpath(posixpath.join(relative_name(file.parent, folder), str(plain)))


def _size(file: Path, content: dict[str, Any]) -> tuple[int, int] | None:
    """(height, width), or None if one of them is not known."""
    sides: list[Any] = [content.get("imageHeight"), content.get("imageWidth")]
    if any(side in (None, 0, -1) for side in sides):
        return None
    if not all(type(side) in (int, float) and 1 <= side < 2**31 and side == int(side) for side in sides):
        broken(file, "", f"imageHeight and imageWidth must be positive integers, got {str(sides)[:80]}",
               "impossible size")  # fmt: skip
    return int(sides[0]), int(sides[1])


def _thing(file: Path, place: str, shape: Any) -> Thing:
    if not isinstance(shape, dict):
        broken(file, place, f"must be an object, got a {type(shape).__name__}", "shape that is no object")
    label, kind = shape.get("label"), shape.get("shape_type") or ""
    if not isinstance(label, str) or not label.strip():
        broken(file, place, f"label must be a name, got {str(label)[:80]!r}", "shape without label")
    points = _points(file, place, shape.get("points"))
    difficult, truncated = (_flag(shape, name) for name in ("difficult", "truncated"))
    if kind == "circle":
        if len(points) != 2:
            broken(file, place, f"a circle has a center and a point, got {len(points)} points", "shape without box")
        (x, y), edge = points
        radius = math.hypot(edge[0] - x, edge[1] - y)
        box: Box = (x - radius, y - radius, x + radius, y + radius)
        return Thing(label.strip(), place, box, difficult, truncated)
    if kind not in OUTLINED or len(points) < 2:
        few = f"{kind or 'shape'} of {len(points)} points" if kind in OUTLINED else f"{str(kind)[:40]}"
        broken(file, place, f"a {few} has no box around it", "shape without box")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    drawn = kind not in ("rectangle", "mask") and len(points) > 2
    outline = [[value for point in points for value in point]] if drawn else None
    return Thing(label.strip(), place, (min(xs), min(ys), max(xs), max(ys)), difficult, truncated, outline)


def _points(file: Path, place: str, points: Any) -> list[tuple[float, float]]:
    if not isinstance(points, list):
        broken(file, place, f"points must be a list, got a {type(points).__name__}", "unusable points")
    for point in points:
        pair = isinstance(point, list) and len(point) == 2 and all(type(value) in (int, float) for value in point)
        if not pair or not all(abs(value) <= FAR for value in point):
            broken(file, place, f"points must be pairs of finite numbers, got {str(point)[:80]}", "unusable points")
    return [(float(x), float(y)) for x, y in points]


def _flag(shape: dict[str, Any], name: str) -> bool:
    flags = shape.get("flags")
    value = shape.get(name, flags.get(name) if isinstance(flags, dict) else None)
    return value is True or value == 1
