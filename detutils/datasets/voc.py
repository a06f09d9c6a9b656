"""Pascal VOC's XML: one file an image."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from detutils._validate import as_choice, as_integer, as_offset, as_path
from detutils.datasets.assembly import Box, Picture, Thing, also_skipped, as_names, assemble, found_names
from detutils.datasets.entries import BadEntries, Skipped
from detutils.datasets.listing import PICTURES, files_below, listed, relative_name, without_extension
from detutils.datasets.markup import Node, read_xml
from detutils.datasets.records import Dataset
from detutils.datasets.text_files import decode, number, read_bytes

Pixels = Literal["inclusive", "continuous"]
PIXELS: tuple[Pixels, ...] = ("inclusive", "continuous")
UNKNOWN = frozenset(("", "unspecified", "unknown", "none", "null", "n/a"))
TRUTH = {"true": True, "false": False}


def read_voc(
    path: str | os.PathLike[str],
    *,
    image_set: str | None = None,
    class_names: Sequence[str] | None = None,
    classes: Sequence[str | int] | None = None,
    pixels: Pixels = "inclusive",
    first_pixel: int | None = None,
    offset: int = 0,
    on_invalid: Literal["raise", "drop"] = "raise",
) -> Dataset:
    """Read annotated images from Pascal VOC XML files.

    Parameters
    ----------
    path : str or path
        One XML file, a folder of them, or a folder with ``Annotations`` in it, such as ``VOCdevkit/VOC2007``.
        Folders below are entered, hidden files and folders are not.
    image_set : str, optional
        Read only the images that ``ImageSets/Main/<image_set>.txt`` below ``path`` lists, in its order. A
        line is a name, with blanks in it or not, and perhaps VOC's flag -1, 0 or 1 after it.
    class_names : sequence of str, optional
        The classes, which become labels 0, 1, ... By default all names found, in alphabetical order.
    classes : sequence of str or int, optional
        Keep the objects of these classes only, names or labels, which become labels 0, 1, ... in this order.
        All images stay.
    pixels : {"inclusive", "continuous"}
        What xmax and ymax of the files are: VOC's last column and row of pixels inside the box, or, as most
        labeling tools of today write them, its right and lower border. A 20 x 20 box ends at 30 or at 31.
    first_pixel : {1, 0}, optional
        The number that the files give to the first column and row of pixels. Inclusive pixels are counted
        from 1, as in VOC, and continuous coordinates from 0, unless this says otherwise.
    offset : {0, 1}
        The pixel rule of the boxes returned. With 0 a box becomes continuous: x1 = xmin - first_pixel, x2 =
        xmax - first_pixel + 1 for inclusive pixels, + 0 for continuous coordinates. With 1, which only
        inclusive pixels allow, it stays inclusive: x2 = xmax - first_pixel. Pass the same ``offset`` to the
        evaluation.
    on_invalid : {"raise", "drop"}
        What to do with objects and files that cannot be used: refuse them all with one error, which names
        the first and the number of each kind; or leave them out and list them in ``dataset.skipped``.

    Returns
    -------
    dataset : Dataset
        One ``AnnotatedImage`` an image, by path or in the order of the image set, with ``difficult`` and
        ``truncated``; objects in the order of the file. Pictures in ``JPEGImages`` that no file annotates are
        listed in ``skipped``.

    Raises
    ------
    OSError
        If a file or folder cannot be read.
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a file is not well-formed XML (with path, line and column), has a document type, misses what a box
        needs, or holds a class that is not in ``class_names``, a flag that is no number and no word for one,
        or a box that is not four finite numbers or ends before it begins (with path and line), unless these
        drop; if a folder holds no XML, nothing good is left, or ``classes`` names what is not there. Nothing
        is left out silently.

    Notes
    -----
    Linear in the size of the files. Unknown is not wrong: a size that is missing, empty, 0 or -1 is None; a
    ``difficult`` or ``truncated`` that is missing, empty, -1 or a word such as "Unspecified" is False; without
    ``filename`` an image has the name of its file. ``truncated`` as a fraction is True above 0. An image whose
    name several files in different folders give has its folder in front of it. Only an object's own
    ``bndbox`` counts, not those of its ``part`` elements. Files may declare any encoding that Python knows.
    Document types are refused because their entities can swell to fill the memory.

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
    corner = pixel_rule(pixels, first_pixel, offset)
    names = as_names(class_names)
    if image_set is not None:
        if not isinstance(image_set, str):
            raise TypeError(f"image_set must be a str, got {type(image_set).__name__}")
        as_path(image_set, "image_set")
    bad = BadEntries(on_invalid)
    if not source.exists():
        raise FileNotFoundError(f"there is no {source}")
    folder = source / "Annotations" if (source / "Annotations").is_dir() else source
    pictures = []
    for file in _files(source, folder, image_set):
        with bad.going_on(file):
            pictures.append(_picture(file, folder, corner, bad))
    pictures = _told_apart(pictures, folder)
    dataset = assemble(pictures, found_names(pictures) if names is None else names, classes, bad, as_offset(offset))
    if image_set is None and folder != source:
        dataset = also_skipped(dataset, _without_annotation(source, folder, pictures))
    return dataset


# ---- pixels ------------------------------------------------------------------------------------------------

class Corner(NamedTuple):
    """What is added to a file's xmin and ymin, and to its xmax and ymax."""

    first: float
    last: float


def pixel_rule(pixels: Pixels, first_pixel: int | None, offset: int) -> Corner:
    """What turns the numbers of a file into boxes of the rule ``offset``."""
    inclusive = as_choice(pixels, "pixels", PIXELS) == "inclusive"
    first = int(inclusive) if first_pixel is None else as_integer(first_pixel, "first_pixel", 0, 1)
    added = as_offset(offset)
    if added and not inclusive:
        raise ValueError("offset=1 is the rule of inclusive pixels; pixels='continuous' goes with offset=0")
    return Corner(-float(first), float(inclusive) - first - added)


# ---- files and elements ------------------------------------------------------------------------------------

def _files(source: Path, folder: Path, image_set: str | None) -> list[Path]:
    if image_set is not None:
        listing = source / "ImageSets" / "Main" / f"{image_set}.txt"
        lines = decode(listing, read_bytes(listing)).splitlines()
        return [_listed(folder, line.strip()) for line in lines if line.strip()]
    return files_below(folder, (".xml",), ".xml files") if folder.is_dir() else [source]


def _listed(folder: Path, line: str) -> Path:
    """The file that a line of an image set means: names may hold blanks, and a flag may follow them."""
    name = re.sub(r"\s+-?[01]$", "", line)
    for spelled in (line, name, without_extension(line), without_extension(name)):
        if (folder / f"{spelled}.xml").is_file():
            return folder / f"{spelled}.xml"
    return folder / f"{name}.xml"


def _picture(file: Path, folder: Path, corner: Corner, bad: BadEntries) -> Picture:
    root = read_xml(file)
    if root.tag != "annotation":
        hint = " (CVAT's format: read_cvat)" if root.tag == "annotations" else ""
        root.wrong(f"must begin with <annotation>, got <{root.tag}>{hint}", "file of another kind")
    name = root.get("filename")
    below = file.stem if file == folder else relative_name(file.with_suffix(""), folder)
    size, things = None, []
    with bad.going_on(file):
        size = _size(root.get("size"))
    for node in root.all("object"):
        with bad.going_on(file):
            things.append(_thing(node, corner))
    return Picture(file, (name.text if name is not None else "") or below, size, things)


def _told_apart(pictures: list[Picture], folder: Path) -> list[Picture]:
    """Images of one name in several folders with their folders before it."""
    counts = Counter(picture.name for picture in pictures)
    apart = []
    for picture in pictures:
        inside = picture.file.parent
        if counts[picture.name] > 1 and inside != folder and folder in inside.parents:
            picture = picture._replace(name=f"{relative_name(inside, folder)}/{picture.name}")
        apart.append(picture)
    return apart


def _without_annotation(source: Path, folder: Path, pictures: list[Picture]) -> Iterator[Skipped]:
    images = source / "JPEGImages"
    if images.is_dir():
        known = {without_extension(picture.name) for picture in pictures}
        known |= {relative_name(picture.file.with_suffix(""), folder) for picture in pictures}
        for path in listed(images, PICTURES):
            if without_extension(relative_name(path, images)) not in known and path.stem not in known:
                yield Skipped(str(path), "", "a picture without annotation")


def _thing(node: Node, corner: Corner) -> Thing:
    frame = node.get("bndbox")
    if frame is None:
        others = [tag for tag in ("robndbox", "polygon") if node.get(tag) is not None]
        turned = f" but a <{others[0]}>" if others else ""
        node.wrong(f"<object> has no <bndbox>{turned}", "object without box")
    x1, y1, x2, y2 = box = [frame.need(side).number() for side in ("xmin", "ymin", "xmax", "ymax")]
    if x2 < x1 or y2 < y1:
        frame.wrong(f"the box ends before it begins: {tuple(box)}", "box that ends before it begins")
    inside: Box = (x1 + corner.first, y1 + corner.first, x2 + corner.last, y2 + corner.last)
    name = node.need("name")
    flags = _flag(node.get("difficult")), _flag(node.get("truncated"))
    return Thing(name.word(), f"line {name.line}", inside, *flags)


def _size(node: Node | None) -> tuple[int, int] | None:
    """(height, width), or None if one of them is not known."""
    sides = [None if node is None else _side(node.get(side)) for side in ("height", "width")]
    return None if sides[0] is None or sides[1] is None else (sides[0], sides[1])


def _side(node: Node | None) -> int | None:
    if node is None or node.text.lower() in UNKNOWN:
        return None
    value = node.number()
    if value in (0, -1):
        return None
    if value < 1 or value != math.floor(value):
        node.wrong(f"<{node.tag}> must be a positive integer, got {node.text[:80]!r}", "impossible size")
    return int(value)


def _flag(node: Node | None) -> bool:
    word = "" if node is None else node.text.lower()
    if node is None or word in UNKNOWN:
        return False
    try:
        value = TRUTH[word] if word in TRUTH else number(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        node.wrong(f"<{node.tag}> must be 0 or 1, got {node.text[:80]!r}", "impossible flag")
    return value > 0
