"""CVAT's XML for images: one file a task."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from detutils._validate import as_path
from detutils.datasets.assembly import Box, Picture, Thing, as_names, assemble, found_names
from detutils.datasets.entries import BadEntries
from detutils.datasets.listing import files_below
from detutils.datasets.markup import FAR, Node, read_xml
from detutils.datasets.records import Dataset
from detutils.datasets.text_files import number

CORNERS = tuple(f"{side}{face}" for face in "12" for side in ("tl", "bl", "tr", "br"))  # of a cuboid


def read_cvat(
    path: str | os.PathLike[str],
    *,
    class_names: Sequence[str] | None = None,
    classes: Sequence[str | int] | None = None,
    on_invalid: Literal["raise", "drop"] = "raise",
) -> Dataset:
    """Read annotated images from a file in the format "CVAT for images 1.1".

    Parameters
    ----------
    path : str or path
        The XML file, or a folder of them, those in folders below included.
    class_names : sequence of str, optional
        The classes, which become labels 0, 1, ... By default the labels of the task in the order in which the
        file lists them; of files that list none, all labels found, in alphabetical order.
    classes : sequence of str or int, optional
        Keep the objects of these classes only, names or labels, which become labels 0, 1, ... in this order.
        All images stay.
    on_invalid : {"raise", "drop"}
        What to do with shapes and files that cannot be used: refuse them all with one error, which names the
        first and the number of each kind; or leave them out and list them in ``dataset.skipped``.

    Returns
    -------
    dataset : Dataset
        One ``AnnotatedImage`` an image, in the order of the file; objects in the order of the file. The box of
        a polygon, a turned box, a cuboid, an ellipse or a mask is the one around it; polygons and the corners
        of turned boxes stand in ``outlines``. Tags, which belong to the whole image, are no objects.

    Raises
    ------
    OSError
        If a file or folder cannot be read.
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a file is not well-formed XML (with path, line and column), has a document type or is not in this
        format, or a shape has no label, no finite numbers or no box, as points, polylines and skeletons have,
        or a label is not in ``class_names`` (with path and line), unless these drop; if a folder holds no XML,
        nothing good is left, or ``classes`` names what is not there.

    Notes
    -----
    Linear in the size of the files. A size that is missing, 0 or -1 is None. ``difficult`` and ``truncated``
    are taken from attributes of these names, and are False where nobody says.

    References
    ----------
    CVAT's manual, "XML annotation format", version 1.1.

    Examples
    --------
    >>> import pathlib, detutils
    >>> _ = pathlib.Path("task.xml").write_text('''<annotations><version>1.1</version>
    ...   <image id="0" name="a.jpg" width="640" height="480">
    ...     <box label="cat" xtl="10" ytl="20" xbr="50.5" ybr="80"/></image>
    ... </annotations>''')
    >>> detutils.read_cvat("task.xml").images[0].boxes
    array([[10. , 20. , 50.5, 80. ]])
    """
    source = as_path(path)
    names = as_names(class_names)
    bad = BadEntries(on_invalid)
    if not source.exists():
        raise FileNotFoundError(f"there is no {source}")
    pictures: list[Picture] = []
    listed: dict[str, None] = {}
    for file in files_below(source, (".xml",), ".xml files") if source.is_dir() else [source]:
        with bad.going_on(file):
            root = _root(file)
            listed.update(dict.fromkeys(_labels_of_task(root)))
            for node in root.all("image"):
                with bad.going_on(file):
                    pictures.append(_picture(node, bad))
    if names is None:
        found = found_names(pictures)
        names = tuple(listed) if set(found) <= listed.keys() else tuple(found)
    return assemble(pictures, names, classes, bad)


# ---- elements ----------------------------------------------------------------------------------------------

def _root(file: Path) -> Node:
    root = read_xml(file)
    if root.tag != "annotations":
        hint = " (Pascal VOC's format: read_voc)" if root.tag == "annotation" else ""
        root.wrong(f"must begin with <annotations>, got <{root.tag}>{hint}", "file of another kind")
    track = next(root.all("track"), None)
    if track is not None:
        track.wrong("has tracks of a video: export it as 'CVAT for images'", "file of another kind")
    return root


def _labels_of_task(root: Node) -> Iterator[str]:
    """The names under meta/task/labels/label; a job or a project may stand for the task."""
    for path in (("meta", kind, "labels", "label", "name") for kind in ("task", "job", "project")):
        nodes = [root]
        for tag in path:
            nodes = [child for node in nodes for child in node.all(tag)]
        yield from (node.text for node in nodes if node.text)


def _picture(node: Node, bad: BadEntries) -> Picture:
    name = node.attribute("name").replace("\\", "/")
    size, things = None, []
    with bad.going_on(node.file):
        size = _size(node)
    for shape in node.children:
        if shape.tag != "tag":
            with bad.going_on(node.file):
                things.append(_thing(shape))
    return Picture(node.file, name, size, things)


def _size(node: Node) -> tuple[int, int] | None:
    sides = []
    for side in ("height", "width"):
        if node.attributes.get(side, "").strip() in ("", "0", "-1"):
            return None
        value = node.numeric(side)
        if value < 1 or value != math.floor(value):
            node.wrong(f"{side} must be a positive integer, got {node.attributes[side][:80]!r}", "impossible size")
        sides.append(int(value))
    return sides[0], sides[1]


def _thing(node: Node) -> Thing:
    box, outline = _shape(node)
    said = {child.attributes.get("name", "").strip().lower(): child.text.lower() for child in node.all("attribute")}
    difficult, truncated = (said.get(name) in ("true", "1") for name in ("difficult", "truncated"))
    return Thing(node.attribute("label"), f"line {node.line}", box, difficult, truncated, outline)


def _shape(node: Node) -> tuple[Box, Any]:
    """The box around a shape, and its outline if it is a polygon."""
    if node.tag == "box":
        x1, y1, x2, y2 = (node.numeric(name) for name in ("xtl", "ytl", "xbr", "ybr"))
        if x2 < x1 or y2 < y1:
            node.wrong(f"the box ends before it begins: {(x1, y1, x2, y2)}", "box that ends before it begins")
        degrees = _rotation(node)
        return _around(_turned(x1, y1, x2, y2, degrees)) if degrees else ((x1, y1, x2, y2), None)
    if node.tag == "polygon":
        return _around(_points(node))
    if node.tag == "cuboid":
        points = [(node.numeric(f"x{corner}"), node.numeric(f"y{corner}")) for corner in CORNERS]
        return _around(points)[0], None
    if node.tag == "ellipse":
        cx, cy, rx, ry = (node.numeric(name) for name in ("cx", "cy", "rx", "ry"))
        turn = math.radians(_rotation(node))
        half_w = math.hypot(rx * math.cos(turn), ry * math.sin(turn))
        half_h = math.hypot(rx * math.sin(turn), ry * math.cos(turn))
        return (cx - half_w, cy - half_h, cx + half_w, cy + half_h), None
    if node.tag == "mask":
        left, top, width, height = (node.numeric(name) for name in ("left", "top", "width", "height"))
        if width < 0 or height < 0:
            node.wrong(f"width and height must be at least 0, got {width}, {height}", "unusable number")
        return (left, top, left + width, top + height), None
    return node.wrong(f"a <{node.tag}> has no box", "shape without box")


def _rotation(node: Node) -> float:
    return node.numeric("rotation") if node.attributes.get("rotation") else 0.0


def _turned(x1: float, y1: float, x2: float, y2: float, degrees: float) -> list[tuple[float, float]]:
    """The corners of a box turned about its center, clockwise as seen."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    cx, cy = (x1 + x2) / 2, (y1 + y2) / 2
    corners = ((x1, y1), (x2, y1), (x2, y2), (x1, y2))
    return [(cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos) for x, y in corners]


def _around(points: list[tuple[float, float]]) -> tuple[Box, Any]:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return (min(xs), min(ys), max(xs), max(ys)), [[value for point in points for value in point]]


def _points(node: Node) -> list[tuple[float, float]]:
    """``x,y;x,y;...``, three or more."""
    points = []
    for pair in node.attribute("points").split(";"):
        try:
            x, y = map(number, pair.split(","))
        except ValueError:
            node.wrong(f"points must be x,y;x,y;..., got {pair[:80]!r}", "unusable points")
        if not (abs(x) <= FAR and abs(y) <= FAR):
            node.wrong(f"points must be finite, got {pair[:80]!r}", "unusable points")
        points.append((x, y))
    if len(points) < 3:
        node.wrong(f"a polygon has three points or more, got {len(points)}", "unusable points")
    return points
