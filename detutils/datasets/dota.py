"""DOTA's text files: one file an image, one line an object with its four corners."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from detutils._files import read_file
from detutils._validate import as_path
from detutils.datasets.assembly import Picture, Thing, as_names, assemble, found_names
from detutils.datasets.entries import BadEntries, near
from detutils.datasets.listing import files_below, listed, relative_name
from detutils.datasets.markup import FAR
from detutils.datasets.records import Dataset
from detutils.datasets.text_files import broken, decode, number, picture_size
from detutils.datasets.yolo_layout import Item, two_folders

HEADERS = ("imagesource:", "gsd:", "acquisition dates:")
FOLDER = "labelTxt"  # the devkit's; labelTxt-v1.5 and the like beside it


def read_dota(
    labels: str | os.PathLike[str],
    images: str | os.PathLike[str] | Mapping[str, tuple[int, int]] | None = None,
    *,
    class_names: Sequence[str] | None = None,
    classes: Sequence[str | int] | None = None,
    on_invalid: Literal["raise", "drop"] = "raise",
) -> Dataset:
    """Read annotated images from the text files of DOTA: objects by their four corners.

    Parameters
    ----------
    labels : str or path
        A file, a folder of ``<image>.txt``, those in folders below included, or a folder with one ``labelTxt`` (or
        ``labelTxt-v1.5`` ...) in it. Lines are ``x1 y1 x2 y2 x3 y3 x4 y4 class difficult`` in pixels; lines
        ``imagesource:`` and ``gsd:`` say nothing of objects, and ``difficult`` may be missing.
    images : str or path, or mapping of file name to (height, width), optional
        The images that the data set consists of: their folder, from which the sizes are read, or the sizes
        themselves. By default ``images`` beside ``labelTxt`` where there is such a folder; else images have the names
        of the text files and no size. An image without a text file has no objects.
    class_names : sequence of str, optional
        The classes, which become labels 0, 1, ... By default all names found, in alphabetical order.
    classes : sequence of str or int, optional
        Keep the objects of these classes only, names or labels, which become labels 0, 1, ... in this order. All
        images stay.
    on_invalid : {"raise", "drop"}
        What to do with lines and files that cannot be used: refuse them all with one error, which names the first and
        the number of each kind; or leave them out and list them in ``dataset.skipped``.

    Returns
    -------
    dataset : Dataset
        One ``AnnotatedImage`` an image, by file name; objects in the order of their lines. ``boxes`` are upright, the
        smallest around the corners; ``outlines`` hold the corners as they are, ``areas`` are theirs. Evaluations take
        the data set as it is with ``angle=``; rows of five are
        ``rotated_box_convert([outline[0] for outline in image.outlines], "corners", "cw-rad")``.

    Raises
    ------
    OSError
        If a folder or file cannot be read.
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a line does not hold eight finite numbers, a class and 0, 1 or 2 (with path and line), a class is not in
        ``class_names``, a text file with objects belongs to no image, unless these drop; if there are no text files,
        several folders ``labelTxt``, or nothing good is left.

    See Also
    --------
    write_dota : The way back.
    evaluate_voc : DOTA's measure with ``angle=``, ``method="11-point"`` and ``comparison=">"``.

    Notes
    -----
    Linear in the size of the files. Corners may lie outside the image and need make no rectangle; a ``difficult`` of 2
    counts as 1.

    References
    ----------
    G.-S. Xia et al., DOTA: a large-scale dataset for object detection in aerial images, CVPR 2018.

    Examples
    --------
    >>> import pathlib, detutils
    >>> pathlib.Path("labelTxt").mkdir()
    >>> _ = pathlib.Path("labelTxt/P0001.txt").write_text("gsd:0.15\\n10 20 30 10 40 30 20 40 small-vehicle 0\\n")
    >>> image = detutils.read_dota("labelTxt", {"P0001.png": (480, 640)}).images[0]
    >>> image.boxes, image.outlines
    (array([[10., 10., 40., 40.]]), [[[10.0, 20.0, 30.0, 10.0, 40.0, 30.0, 20.0, 40.0]]])
    """
    source = as_path(labels, "labels")
    pictures = images if images is None or isinstance(images, Mapping) else as_path(images, "images")
    names = as_names(class_names)
    bad = BadEntries(on_invalid)
    if not source.exists():
        raise FileNotFoundError(f"there is no {source}")
    folder = _labels_in(source)
    if pictures is None and folder.name.startswith(FOLDER) and (folder.parent / "images").is_dir():
        pictures = folder.parent / "images"
    read = [_picture(item, folder, bad) for item in _items(folder, pictures, bad)]
    return assemble(read, found_names(read) if names is None else names, classes, bad)


def is_dota_line(line: str) -> bool:
    """Whether a line of text could be an object: eight numbers and a word that is none."""
    words = line.split()
    return len(words) in (9, 10) and all(map(is_number, words[:8])) and not is_number(words[8])


def _labels_in(source: Path) -> Path:
    """The folder of text files in that of a data set."""
    if not source.is_dir():
        return source
    inside = sorted(path for path in source.iterdir() if path.name.startswith(FOLDER) and path.is_dir())
    if len(inside) > 1:
        raise ValueError(f"{source}: holds several folders of labels, {', '.join(map(str, inside[:4]))}: name one")
    return inside[0] if inside else source


def _items(folder: Path, images: Path | Mapping[str, tuple[int, int]] | None, bad: BadEntries) -> list[Item]:
    """The images with their text files; sizes 0 where nobody says them."""
    if images is None:
        files = files_below(folder, (".txt",), ".txt files") if folder.is_dir() else [folder]
        top = folder if folder.is_dir() else folder.parent
        texts = [path for path in files if not folder.is_dir() or _holds_objects(path, bad)]
        return [Item(relative_name(path.with_suffix(""), top), (0, 0), path) for path in texts]
    items = two_folders(folder, images, bad).items
    used = {item.text for item in items}
    for path in listed(folder, (".txt",)):
        if path not in used and _holds_objects(path, bad):
            hint = near(path.stem, [item.name for item in items])
            bad.add(path, "", f"belongs to no image{hint}", "text file without image")
    return items


def _holds_objects(file: Path, bad: BadEntries) -> bool:
    """Whether a text file is none of the notes that lie among labels: it has an object or a header, or is empty."""
    with bad.going_on(file):
        content = read_file(file)
        try:
            lines = decode(file, content).splitlines()
        except ValueError:
            return False
        return not content.strip() or any(is_dota_line(line) or _is_header(line) for line in lines)
    return False


def _is_header(line: str) -> bool:
    return line.strip().lower().startswith(HEADERS)


def _picture(item: Item, folder: Path, bad: BadEntries) -> Picture:
    things: list[Thing] = []
    size = None
    if isinstance(item.source, tuple):
        size = item.source if item.source != (0, 0) else None
    else:
        with bad.going_on(item.source):
            size = picture_size(item.source)
    if item.text is not None:
        with bad.going_on(item.text):
            for count, line in enumerate(decode(item.text, read_file(item.text)).splitlines(), start=1):
                if line.strip() and not _is_header(line):
                    with bad.going_on(item.text):
                        things.append(_thing(item.text, f"line {count}", line))
    return Picture(item.text or folder, item.name, size, things)


def _thing(file: Path, place: str, line: str) -> Thing:
    words = line.split()
    if len(words) not in (9, 10):
        broken(file, place, f"must hold eight numbers, a class and 0 or 1, got {line[:80]!r}", "line of another length")
    if not all(map(is_number, words[:8])):
        broken(file, place, f"must begin with eight numbers, got {line[:80]!r}", "line that is not of numbers")
    points = [number(word) for word in words[:8]]
    if not all(abs(value) <= FAR for value in points):
        broken(file, place, f"must hold finite numbers, got {line[:80]!r}", "unusable number")
    if is_number(words[8]):
        hint = "; nine numbers are a line of YOLO: read_yolo" if len(words) == 9 else ""
        broken(file, place, f"the class must be a word, got {line[:80]!r}{hint}", "class that is a number")
    flag = words[9] if len(words) == 10 else "0"
    if flag not in ("0", "1", "2"):
        broken(file, place, f"difficult must be 0 or 1, got {flag[:20]!r}", "impossible flag")
    xs, ys = points[::2], points[1::2]
    box = (min(xs), min(ys), max(xs), max(ys))
    return Thing(words[8], place, box, flag != "0", outline=[points], area=corner_area(points))


def corner_area(points: Sequence[float]) -> float:
    """Of x1, y1, ... x4, y4: half the cross product of the diagonals."""
    x1, y1, x2, y2, x3, y3, x4, y4 = points
    return 0.5 * abs((x3 - x1) * (y4 - y2) - (y3 - y1) * (x4 - x2))


def is_number(word: str) -> bool:
    """Whether a word is a number in plain notation."""
    try:
        number(word)
    except ValueError:
        return False
    return True
