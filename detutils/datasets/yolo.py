"""YOLO's text files: one file an image, one line an object, in fractions of the image."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from detutils._files import read_file
from detutils._validate import as_class_names, as_image_size, as_path
from detutils.datasets.records import AnnotatedImage, Dataset
from detutils.datasets.text_files import broken, decode, number, picture_size

MOST_CLASSES = 100_000  # where no names tell how many there are
_PICTURES = frozenset((".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"))


def read_yolo(
    labels: str | os.PathLike[str],
    images: str | os.PathLike[str] | Mapping[str, tuple[int, int]],
    *,
    class_names: Sequence[str] | None = None,
) -> Dataset:
    """Read annotated images from a folder of YOLO text files.

    Parameters
    ----------
    labels : str or path
        A folder of ``<image>.txt``. Each line is ``class cx cy width height``, the last four in fractions of
        the image.
    images : str or path, or mapping of file name to (height, width)
        The images that the data set consists of: their folder, from which the sizes are read, or the sizes
        themselves. An image without a text file, or with an empty one, has no objects: that is YOLO's way to
        say so.
    class_names : sequence of str, optional
        The names of classes 0, 1, ... By default the numbers, written out, up to the largest in the files,
        which must then be below 100,000.

    Returns
    -------
    dataset : Dataset
        One ``AnnotatedImage`` an image, by file name; objects in the order of their lines.

    Raises
    ------
    OSError
        If a folder or file cannot be read.
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a line does not hold five numbers in range (with path and line), a class has no name, a text file
        belongs to no image, two images share a text file, or a size is not positive. Nothing is left out
        silently.

    Notes
    -----
    Linear in the number of files and lines; of an image only the header is read.

    References
    ----------
    J. Redmon, Darknet: the label files of YOLO.

    Examples
    --------
    >>> import pathlib, detutils
    >>> pathlib.Path("labels").mkdir()
    >>> _ = pathlib.Path("labels/a.txt").write_text("1 0.5 0.5 0.25 0.5\\n")
    >>> dataset = detutils.read_yolo("labels", {"a.jpg": (480, 640)}, class_names=["cat", "dog"])
    >>> dataset.images[0].labels, dataset.images[0].boxes
    (array([1]), array([[240., 120., 400., 360.]]))
    """
    folder = as_path(labels, "labels")
    names = None if class_names is None else tuple(as_class_names(class_names))
    sizes = _sizes(images)
    files = sorted(path for path in folder.iterdir() if path.suffix == ".txt")
    texts = {path.stem: path for path in files if path.name != "classes.txt"}
    owners: dict[str, str] = {}
    for name in sizes:
        stem = Path(name).stem
        if stem in owners:
            raise ValueError(f"images {owners[stem]!r} and {name!r} share the text file {stem}.txt")
        owners[stem] = name
    for stem, path in texts.items():
        if stem not in owners:
            broken(path, "", "belongs to no image")
    records = []
    largest = -1
    for index, name in enumerate(sorted(sizes)):
        height, width = sizes[name]
        text = texts.get(Path(name).stem)
        rows = [] if text is None else _lines(text, None if names is None else len(names))
        classes = np.array([row[0] for row in rows], np.int64)
        fractions = np.array([row[1:] for row in rows], np.float64).reshape(-1, 4)
        center, half = fractions[:, :2] * (width, height), fractions[:, 2:] * (width / 2, height / 2)
        boxes = np.hstack([center - half, center + half])
        areas = 4.0 * half[:, 0] * half[:, 1]
        difficult, truncated, crowd = np.zeros((3, len(rows)), np.bool_)
        records.append(
            AnnotatedImage(name, (height, width), boxes, classes, difficult, truncated, crowd, areas, index)
        )
        largest = max(largest, int(classes.max(initial=-1)))
    every = tuple(map(str, range(largest + 1))) if names is None else names
    return Dataset(records, every, tuple(range(len(every))))


def _sizes(images: str | os.PathLike[str] | Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """(height, width) of each image by its file name."""
    if isinstance(images, Mapping):
        sizes = {}
        for name, size in images.items():
            if not isinstance(name, str):
                raise TypeError(f"images must map file names to (height, width), got a {type(name).__name__}")
            height, width = as_image_size(size, f"images[{name!r}]")
            if height != int(height) or width != int(width):
                raise ValueError(f"images[{name!r}] must hold whole numbers of pixels, got {size!r}")
            sizes[name] = (int(height), int(width))
        return sizes
    folder = as_path(images, "images")
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in _PICTURES]
    return {path.name: picture_size(path) for path in paths}


def _lines(path: Path, classes: int | None) -> list[tuple[float, ...]]:
    rows: list[tuple[float, ...]] = []
    for count, line in enumerate(decode(path, read_file(path)).splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        place = f"line {count}"
        if len(words) != 5:
            broken(path, place, f"must hold class, cx, cy, width, height, got {line[:80]!r}")
        try:
            label, *values = (number(word) for word in words)
        except ValueError:
            broken(path, place, f"must hold five numbers, got {line[:80]!r}")
        if label != label // 1:  # some tools write classes as 3.0
            broken(path, place, f"class {words[0][:20]} is not an integer")
        if not all(math.isfinite(value) and 0.0 <= value <= 1.0 for value in values):
            broken(path, place, f"cx, cy, width and height must be in [0, 1], got {line[:80]!r}")
        if not 0 <= label < (MOST_CLASSES if classes is None else classes):
            broken(path, place, f"class {words[0][:20]} " + ("is negative" if label < 0 else "has no name"))
        rows.append((int(label), *values))
    return rows
