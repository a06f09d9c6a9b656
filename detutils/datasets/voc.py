"""Pascal VOC's XML: one file an image."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from detutils._validate import as_class_names, as_integer, as_offset, as_path
from detutils.datasets.markup import Node, read_xml
from detutils.datasets.records import AnnotatedImage, Dataset
from detutils.datasets.text_files import broken, decode, number, read_bytes


def read_voc(
    path: str | os.PathLike[str],
    *,
    image_set: str | None = None,
    class_names: Sequence[str] | None = None,
    first_pixel: int = 1,
    offset: int = 0,
) -> Dataset:
    """Read annotated images from Pascal VOC XML files.

    Parameters
    ----------
    path : str or path
        One XML file, a folder of them, or a folder with ``Annotations`` in it, such as ``VOCdevkit/VOC2007``.
    image_set : str, optional
        Read only the images that ``ImageSets/Main/<image_set>.txt`` below ``path`` lists, in its order.
    class_names : sequence of str, optional
        The classes, which become labels 0, 1, ... By default all names found, in alphabetical order.
    first_pixel : {1, 0}
        The number that the files give to the first column and row of pixels. VOC counts from 1, many
        labeling tools from 0.
    offset : {0, 1}
        The pixel rule of the boxes returned. The files hold inclusive pixels. With 0 a box becomes
        continuous: x1 = xmin - first_pixel, x2 = xmax - first_pixel + 1. With 1 it stays inclusive: x2 = xmax
        - first_pixel. Pass the same ``offset`` to the evaluation.

    Returns
    -------
    dataset : Dataset
        One ``AnnotatedImage`` an image, by file name or in the order of the image set, with ``difficult`` and
        ``truncated``; objects in the order of the file.

    Raises
    ------
    OSError
        If a file or folder cannot be read.
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a file is not well-formed XML (with path, line and column), has a document type, misses an element,
        or holds a class that is not in ``class_names``, a flag that is neither 0 nor 1, or a box that is not
        four finite numbers or ends before it begins (with path and line); if a folder holds no XML. Nothing
        is left out silently.

    Notes
    -----
    Linear in the size of the files. Only an object's own ``bndbox`` counts, not those of its ``part``
    elements; a missing ``difficult`` or ``truncated`` is 0. Document types are refused because their entities
    can swell to fill the memory.

    References
    ----------
    M. Everingham et al., The Pascal Visual Object Classes (VOC) Challenge, IJCV 2010; ``VOCreadrecxml.m`` in
    the devkit.

    Examples
    --------
    >>> import pathlib, detutils
    >>> _ = pathlib.Path("dog.xml").write_text('''<annotation>
    ...   <filename>dog.jpg</filename><size><width>500</width><height>375</height></size>
    ...   <object><name>dog</name><difficult>0</difficult>
    ...     <bndbox><xmin>48</xmin><ymin>240</ymin><xmax>195</xmax><ymax>371</ymax></bndbox></object>
    ... </annotation>''')
    >>> detutils.read_voc("dog.xml").images[0].boxes
    array([[ 47., 239., 195., 371.]])
    >>> detutils.read_voc("dog.xml", offset=1).images[0].boxes
    array([[ 47., 239., 194., 370.]])
    """
    source = as_path(path)
    first = as_integer(first_pixel, "first_pixel", 0, 1)
    added = as_offset(offset)
    names = None if class_names is None else as_class_names(class_names)
    if image_set is not None:
        if not isinstance(image_set, str):
            raise TypeError(f"image_set must be a str, got {type(image_set).__name__}")
        as_path(image_set, "image_set")
    pictures = [_picture(file) for file in _files(source, image_set)]
    if names is None:
        names = sorted({thing.name for picture in pictures for thing in picture.things})
    place = {name: label for label, name in enumerate(names)}
    records = []
    for index, picture in enumerate(pictures):
        things = picture.things
        for thing in things:
            if thing.name not in place:
                broken(picture.file, f"line {thing.line}", f"class {thing.name!r} is not in class_names")
        boxes = np.array([thing.box for thing in things]).reshape(-1, 4) - first
        boxes[:, 2:] += 1.0 - added
        records.append(
            AnnotatedImage(
                name=picture.name,
                image_size=picture.size,
                boxes=boxes,
                labels=np.array([place[thing.name] for thing in things], np.int64),
                difficult=np.array([thing.difficult for thing in things], np.bool_),
                truncated=np.array([thing.truncated for thing in things], np.bool_),
                crowd=np.zeros(len(things), np.bool_),
                areas=(boxes[:, 2] - boxes[:, 0] + added) * (boxes[:, 3] - boxes[:, 1] + added),
                image_id=index,
            )
        )
    return Dataset(records, tuple(names), tuple(range(len(names))))


# ---- files and elements ------------------------------------------------------------------------------------

class _Thing(NamedTuple):
    name: str
    line: int
    box: tuple[float, ...]
    difficult: bool
    truncated: bool


class _Picture(NamedTuple):
    file: Path
    name: str
    size: tuple[int, int] | None
    things: list[_Thing]


def _files(source: Path, image_set: str | None) -> list[Path]:
    if image_set is not None:
        listing = source / "ImageSets" / "Main" / f"{image_set}.txt"
        lines = decode(listing, read_bytes(listing)).splitlines()
        return [source / "Annotations" / f"{line.split()[0]}.xml" for line in lines if line.strip()]
    if not source.is_dir():
        return [source]
    folder = source / "Annotations" if (source / "Annotations").is_dir() else source
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() == ".xml")
    if not files:
        broken(folder, "", "the folder holds no .xml files")
    return files


def _picture(file: Path) -> _Picture:
    root = read_xml(file)
    if root.tag != "annotation":
        root.wrong(f"must begin with <annotation>, got <{root.tag}>")
    name = root.get("filename")
    size = root.get("size")
    return _Picture(
        file=file,
        name=file.stem if name is None else name.word(),
        size=None if size is None else (_count(size.need("height")), _count(size.need("width"))),
        things=[_thing(node) for node in root.all("object")],
    )


def _thing(node: Node) -> _Thing:
    frame = node.need("bndbox")
    box = tuple(_number(frame.need(side)) for side in ("xmin", "ymin", "xmax", "ymax"))
    if box[2] < box[0] or box[3] < box[1]:
        frame.wrong(f"the box ends before it begins: {box}")
    name = node.need("name")
    return _Thing(name.word(), name.line, box, _flag(node.get("difficult")), _flag(node.get("truncated")))


def _number(node: Node) -> float:
    text = node.word()
    try:
        value = number(text)
    except ValueError:
        node.wrong(f"<{node.tag}> must be a number, got {text[:80]!r}")
    if not abs(value) <= 1e150:
        node.wrong(f"<{node.tag}> is not finite, or beyond 1e150: {value}")
    return value


def _count(node: Node) -> int:
    value = _number(node)
    if value < 1 or value != math.floor(value):
        node.wrong(f"<{node.tag}> must be a positive integer, got {node.text[:80]!r}")
    return int(value)


def _flag(node: Node | None) -> bool:
    if node is None:
        return False
    if node.word() not in ("0", "1"):
        node.wrong(f"<{node.tag}> must be 0 or 1, got {node.text[:80]!r}")
    return node.word() == "1"
