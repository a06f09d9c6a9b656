"""Data sets whose format the files themselves say."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from detutils._files import read_file
from detutils._validate import as_choice, as_path
from detutils.datasets.coco import read_coco
from detutils.datasets.cvat import read_cvat
from detutils.datasets.dota import is_dota_line, read_dota
from detutils.datasets.labelme import read_labelme
from detutils.datasets.listing import PICTURES, listed
from detutils.datasets.records import Dataset
from detutils.datasets.text_files import decode
from detutils.datasets.voc import read_voc
from detutils.datasets.yolo import read_yolo
from detutils.datasets.yolo_layout import DESCRIPTIONS, NAME_FILES
from detutils.datasets.yolo_lines import is_label_line

DatasetFormat = Literal["coco", "voc", "yolo", "labelme", "cvat", "dota"]
READERS: dict[DatasetFormat, Callable[..., Dataset]] = {
    "coco": read_coco,
    "voc": read_voc,
    "yolo": read_yolo,
    "labelme": read_labelme,
    "cvat": read_cvat,
    "dota": read_dota,
}
ROOT = re.compile(rb"<(annotations?)[\s>/]")
MOST_TRIED = 100  # files of a kind, which may be damaged or notes, before it counts as none


def read_dataset(
    path: str | os.PathLike[str],
    *,
    format: DatasetFormat | None = None,
    class_names: Sequence[str] | None = None,
    classes: Sequence[str | int] | None = None,
    on_invalid: Literal["raise", "drop"] = "raise",
    **options: Any,
) -> Dataset:
    """Read annotated images in any format that detutils knows; ``dataset_format`` says in which.

    Parameters
    ----------
    path : str or path
        A file or folder: COCO's JSON, a folder of VOC's or a file of CVAT's XML, of LabelMe's JSON, a data.yaml or
        folder of YOLO's text files with their pictures, a folder of DOTA's text files.
    format : {"coco", "voc", "yolo", "labelme", "cvat", "dota"}, optional
        By default what ``dataset_format`` gives.
    class_names : sequence of str, optional
        All classes, as in the readers that have it.
    classes : sequence of str or int, optional
        Keep the objects of these classes only, names or ids, which become labels 0, 1, ... in this order. All images
        stay.
    on_invalid : {"raise", "drop"}
        What to do with entries that cannot be used: refuse them all with one error, or leave them out and list them
        in ``dataset.skipped``.
    **options
        What else the reader of the format takes, such as ``pixels="continuous"`` for VOC or ``split="val"`` for YOLO.

    Returns
    -------
    dataset : Dataset
        What ``read_coco``, ``read_voc``, ``read_yolo``, ``read_labelme``, ``read_cvat`` or ``read_dota``
        gives.

    Raises
    ------
    OSError
        If a file or folder cannot be read.
    TypeError
        If an argument is of the wrong kind, or the reader of the format takes no such option.
    ValueError
        If the format cannot be told, or the reader refuses the files.
    ImportError
        If a data.yaml is to be read and PyYAML is not installed.

    Notes
    -----
    A few files are looked into for the format; the rest is the cost of the reader.

    Examples
    --------
    >>> import pathlib, detutils
    >>> _ = pathlib.Path("cat.xml").write_text('''<annotation><filename>cat.jpg</filename><object><name>cat</name>
    ...   <bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>''')
    >>> detutils.dataset_format("cat.xml"), detutils.read_dataset("cat.xml").class_names
    ('voc', ('cat',))
    """
    source = as_path(path)
    kind = _format(source)[0] if format is None else as_choice(format, "format", tuple(READERS))
    place = _format(source)[1] if format is None else source
    given = {"class_names": class_names, "classes": classes}
    options |= {name: value for name, value in given.items() if value is not None}
    return READERS[kind](place, on_invalid=on_invalid, **options)


def dataset_format(path: str | os.PathLike[str]) -> DatasetFormat:
    """The format of a data set: what ``read_dataset`` takes it for.

    Parameters
    ----------
    path : str or path
        A file or folder.

    Returns
    -------
    format : {"coco", "voc", "yolo", "labelme", "cvat", "dota"}
        By what stands in the files: VOC's ``<annotation>`` and CVAT's ``<annotations>``, LabelMe's ``shapes`` and
        COCO's ``images``, lines of numbers beside pictures, DOTA's lines of eight
        numbers and a word; a .yaml file describes a YOLO data set.

    Raises
    ------
    OSError
        If a file or folder cannot be read.
    TypeError
        If ``path`` is not a path.
    ValueError
        If the files are of no known format, or those of a folder of several, or a folder holds several files of
        COCO's, each of which is a data set. The text says what there is.

    Notes
    -----
    Lists the folder and looks into a few files.

    Examples
    --------
    >>> import pathlib, detutils
    >>> _ = pathlib.Path("truth.json").write_text('{"images": [], "annotations": [], "categories": []}')
    >>> detutils.dataset_format("truth.json")
    'coco'
    """
    return _format(as_path(path))[0]


# ---- looking into files ------------------------------------------------------------------------------------

def _format(source: Path) -> tuple[DatasetFormat, Path]:
    """The format, and the file or folder that its reader takes."""
    if not source.exists():
        raise FileNotFoundError(f"there is no {source}")
    if not source.is_dir():
        single = _of_file(source)
        if single is None:
            raise ValueError(f"{source}: is of no known format ({', '.join(READERS)})")
        return single, source
    files = listed(source, (".xml", ".json", ".txt", *DESCRIPTIONS))
    found: dict[DatasetFormat, Path] = {}
    for extension in (".xml", ".json", ".txt"):
        some = [file for file in files if file.suffix.lower() == extension and file.name not in NAME_FILES]
        kinds = _of_files(some[:MOST_TRIED])
        if extension == ".txt" and not listed(source, PICTURES):  # of which YOLO's numbers are fractions
            kinds.pop("yolo", None)
        found.update(kinds)
    described = next((file for file in files if file.suffix.lower() in DESCRIPTIONS and file.parent == source), None)
    if described is not None and listed(source, PICTURES):
        found.setdefault("yolo", described)
    if len(found) > 1:
        each = ", ".join(f"{kind} ({file})" for kind, file in found.items())
        raise ValueError(f"{source}: holds files of several formats, {each}: format= says which")
    if not found:
        raise ValueError(f"{source}: holds no files of a known format ({', '.join(READERS)})"
                         f"{'' if files else ': neither .xml, .json, .txt nor .yaml'}")  # fmt: skip
    kind: DatasetFormat = next(iter(found))
    if kind != "coco":
        return kind, source
    every = [file for file in files if file.suffix.lower() == ".json" and _of_file(file) == "coco"]
    if len(every) > 1:
        raise ValueError(f"{source}: holds several COCO files, {', '.join(map(str, every[:4]))}: name one of them")
    return kind, every[0]


def _of_files(files: Iterable[Path]) -> dict[DatasetFormat, Path]:
    """The formats of some files, each with the first file of it."""
    found: dict[DatasetFormat, Path] = {}
    for file in files:
        kind = _of_file(file)
        if kind is not None:
            found.setdefault(kind, file)
    return found


def _of_file(file: Path) -> DatasetFormat | None:
    extension = file.suffix.lower()
    if extension in DESCRIPTIONS:
        return "yolo"
    content = read_file(file)
    if extension == ".xml":
        root = ROOT.search(content.replace(b"\0", b""))  # as UTF-16 has them
        return None if root is None else ("cvat" if root[1] == b"annotations" else "voc")
    if extension == ".json":
        content = content.replace(b"\0", b"")
        if b'"shapes"' in content and b'"images"' not in content:
            return "labelme"
        return "coco" if b'"images"' in content and content.lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n")[:1] == b"{" else None
    try:
        lines = decode(file, content).splitlines()
    except ValueError:
        return None
    if any(map(is_dota_line, lines)):
        return "dota"
    return "yolo" if any(map(is_label_line, lines)) else None
