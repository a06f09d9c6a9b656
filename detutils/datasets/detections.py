"""Detections from text: YOLO's lines with a confidence, results of the devkits of VOC and DOTA, tables."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import numpy as np

from detutils._files import read_file
from detutils._validate import as_choice, as_path
from detutils.datasets.assembly import Box
from detutils.datasets.coco import read_coco_detections
from detutils.datasets.entries import BadEntries, near
from detutils.datasets.listing import listed, relative_name, without_extension
from detutils.datasets.markup import FAR
from detutils.datasets.records import Dataset, DetectionColumns, Detections, DetectionsByImage
from detutils.datasets.text_files import broken, decode, number
from detutils.datasets.voc import Corner, Pixels, pixel_rule
from detutils.datasets.yolo_layout import NAME_FILES
from detutils.datasets.yolo_lines import Rules, as_keypoints, is_label_line, read_detection

Format = Literal["coco", "yolo", "voc", "csv", "dota"]
VOC: Format = "voc"
DOTA: Format = "dota"
FORMATS: tuple[Format, ...] = ("coco", "yolo", "voc", "csv", "dota")
COLUMNS = ("image", "class", "score", "x1", "y1", "x2", "y2")
TASK = re.compile(r"Task1_(.+)\.txt")
DEVKIT = re.compile(r"comp\d+_det_[^_]+_(.+)\.txt")


def read_detections(
    path: str | os.PathLike[str],
    dataset: Dataset,
    *,
    format: Format | None = None,
    pixels: Pixels = "inclusive",
    first_pixel: int | None = None,
    offset: int = 0,
    class_numbers: Literal["labels", "ids"] | None = None,
    keypoints: tuple[int, int] | None = None,
    on_invalid: Literal["raise", "drop"] = "raise",
) -> Sequence[Detections]:
    """Read detections from text files, in the order of a data set's images.

    Parameters
    ----------
    path : str or path
        What a detector wrote:

        - "yolo": a folder of ``<image>.txt`` whose lines are ``class cx cy width height confidence``, in fractions
          of the image; outlines and poses may stand in the place of boxes.
        - "voc": a file ``comp4_det_test_<class>.txt`` of the VOC devkit, or a folder of them: lines ``image
          confidence xmin ymin xmax ymax``.
        - "csv": a table with the columns ``image``, ``class``, ``score``, ``x1``, ``y1``, ``x2``, ``y2`` in a
          header line, in any order, beside others; boxes are pixels in continuous coordinates.
        - "dota": a file ``Task1_<class>.txt`` of DOTA's devkit, or a folder of them: lines ``image confidence x1 y1 x2
          y2 x3 y3 x4 y4`` in pixels.
        - "coco": a JSON file, read as by ``read_coco_detections``.
    dataset : Dataset
        What the annotations' reader gave: which images and classes there are, and the sizes of the images.
    format : {"coco", "yolo", "voc", "csv", "dota"}, optional
        By default what the names of the files say.
    pixels : {"inclusive", "continuous"}
        For "voc": what xmax and ymax are, as in ``read_voc``.
    first_pixel : {1, 0}, optional
        For "voc": the number of the first column and row, as in ``read_voc``.
    offset : {0, 1}
        For "voc": the pixel rule of the boxes returned, as in ``read_voc``.
    class_numbers : {"labels", "ids"}, optional
        For "yolo": whether its class numbers are labels, which count ``dataset.class_names`` from 0, or
        ``dataset.class_ids``. Only where these two differ it must be said.
    keypoints : (points, values a point), optional
        For "yolo": the shape of poses, as in ``read_yolo``.
    on_invalid : {"raise", "drop"}
        What to do with detections that cannot be used or belong to no image or class: refuse them all with one
        error, which names the first and the number of each kind; or leave them out and list them in ``skipped`` of
        the result.

    Returns
    -------
    detections : sequence of Detections
        One record for each of ``dataset.images``, in that order; in a record, the order of the files. An image
        without detections has a record of none. Where files give corners or outlines, boxes are the upright ones around
        them, and a column ``outlines`` holds them, as ``AnnotatedImage`` does. ``detections.skipped`` is a tuple of
        (path, place, reason).

    Raises
    ------
    OSError
        If a folder or file cannot be read.
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If nothing in ``path`` looks like detections, the table has no such header, or a line does not hold
        finite numbers, names an image or class that is unknown, needs a size that is unknown, or has a box that
        ends before it begins (with path and line), unless these drop; or if an image is named by what several
        images have in common.

    Notes
    -----
    Linear in the size of the files. Images are known by their name, by their name without extension, and by
    either without folders where only one image is called so; classes by name, in "yolo" by number, which may
    be beyond the classes of ``dataset`` if these have no names but numbers.

    References
    ----------
    J. Redmon, Darknet; M. Everingham et al., The PASCAL VOC devkit, "Results format".

    Examples
    --------
    >>> import pathlib, detutils
    >>> image = detutils.AnnotatedImage("a.jpg", (480, 640), *[None] * 6, image_id=7)
    >>> dataset = detutils.Dataset([image], ("cat", "dog"), (0, 1))
    >>> _ = pathlib.Path("found.csv").write_text("image,class,score,x1,y1,x2,y2\\na,dog,0.9,10,20,40,60\\n")
    >>> detutils.read_detections("found.csv", dataset)[0]
    Detections(boxes=array([[10., 20., 40., 60.]]), scores=array([0.9]), labels=array([1]), sizes=array([[30., 40.]]))
    """
    source = as_path(path)
    if not isinstance(dataset, Dataset):
        raise TypeError(f"dataset must be a Dataset, got {type(dataset).__name__}")
    chosen = None if format is None else as_choice(format, "format", FORMATS)
    rule = pixel_rule(pixels, first_pixel, offset)
    rules = Rules((1, 1), None, as_keypoints(keypoints))
    numbers = None if class_numbers is None else as_choice(class_numbers, "class_numbers", ("labels", "ids"))
    bad = BadEntries(on_invalid)
    if not source.exists():
        raise FileNotFoundError(f"there is no {source}")
    kind = _format(source) if chosen is None else chosen
    if kind == "coco":
        return read_coco_detections(source, dataset, on_invalid=on_invalid)
    images = _Images(dataset)
    if kind == "yolo":
        found = _yolo(source, dataset, images, _numbered(dataset, numbers), rules, bad)
    elif kind == "voc":
        found = _voc(source, dataset, images, rule, bad)
    elif kind == "dota":
        found = _dota(source, dataset, images, bad)
    else:
        found = _csv(source, dataset, images, bad)
    rows = sorted(found, key=lambda one: one.image)  # stable
    boxes = np.array([row.box for row in rows], np.float64).reshape(-1, 4)
    columns = DetectionColumns(
        boxes,
        np.array([row.score for row in rows], np.float64),
        np.array([row.label for row in rows], np.int64),
        boxes[:, 2:] - boxes[:, :2],
        np.searchsorted([row.image for row in rows], np.arange(len(dataset.images) + 1)),
    )
    outlines = [row.outline for row in rows]
    there = any(outline is not None for outline in outlines)
    return DetectionsByImage(columns, bad.finish(), outlines if there else None)


# ---- what is common to all ---------------------------------------------------------------------------------

class _Found(NamedTuple):
    image: int
    label: int
    score: float
    box: Box
    outline: Any = None


class _Images:
    """The index of an image by what people call it."""

    def __init__(self, dataset: Dataset) -> None:
        self.names = [image.name for image in dataset.images]
        self.places: dict[str, int | None] = {}
        ways: tuple[Callable[[str], str], ...] = (
            str, without_extension, lambda name: PurePosixPath(name).name,
            lambda name: PurePosixPath(without_extension(name)).name,
        )  # fmt: skip
        for way in ways:  # the fuller name wins
            taken: dict[str, int | None] = {}
            for place, name in enumerate(self.names):
                called = way(name)
                taken[called] = None if called in taken else place  # None: several images are called so
            self.places = {**taken, **self.places}

    def find(self, file: Path, place: str, called: str) -> int:
        for name in (called, without_extension(called)):
            if name in self.places:
                index = self.places[name]
                if index is None:
                    broken(file, place, f"several images are called {called!r}", "ambiguous image")
                return index
        return broken(file, place, f"unknown image {called[:80]!r}{near(called, self.names)}", "unknown image")


def _format(source: Path) -> Format:
    if source.is_dir():
        files = listed(source, (".txt", ".csv"))
        for kind, pattern in ((VOC, DEVKIT), (DOTA, TASK)):
            if any(pattern.fullmatch(file.name) for file in files):
                return kind
        return "csv" if files and all(file.suffix.lower() == ".csv" for file in files) else "yolo"
    if DEVKIT.fullmatch(source.name) or TASK.fullmatch(source.name):
        return VOC if DEVKIT.fullmatch(source.name) else DOTA
    kinds: dict[str, Format] = {".json": "coco", ".csv": "csv"}
    if source.suffix.lower() not in kinds:
        raise ValueError(f"{source}: detections are a folder of YOLO's .txt files, comp4_det_<set>_<class>.txt, "
                         "Task1_<class>.txt, .csv or .json files; format= says which")  # fmt: skip
    return kinds[source.suffix.lower()]


def _label(file: Path, place: str, name: str, dataset: Dataset) -> int:
    if name not in dataset.class_names:
        broken(file, place, f"unknown class {name[:80]!r}{near(name, dataset.class_names)}", "unknown class")
    return dataset.class_names.index(name)


def _finite(file: Path, place: str, words: list[str]) -> list[float]:
    try:
        values = [number(word.strip()) for word in words]
    except ValueError:
        broken(file, place, f"must hold only numbers after the names, got {words!r:.80}", "line that is not of numbers")
    if not all(abs(value) <= FAR for value in values):
        broken(file, place, f"must hold finite numbers, got {words!r:.80}", "unusable number")
    return values


def _checked(file: Path, place: str, box: Box) -> Box:
    if box[2] < box[0] or box[3] < box[1]:
        broken(file, place, f"the box ends before it begins: {box}", "box that ends before it begins")
    return box


def _lines(file: Path, bad: BadEntries) -> Iterator[tuple[str, str]]:
    """(place, line) of a text file, blank lines left out."""
    with bad.going_on(file):
        for count, line in enumerate(decode(file, read_file(file)).splitlines(), start=1):
            if line.strip():
                yield f"line {count}", line


# ---- the four forms ---------------------------------------------------------------------------------------

def _numbered(dataset: Dataset, class_numbers: str | None) -> dict[int, int] | None:
    """The label of each class number; None where every number is the label itself, named or not."""
    count = len(dataset.class_names)
    if class_numbers is None and tuple(dataset.class_ids) != tuple(range(count)):
        raise ValueError("dataset.class_ids are not its labels: class_numbers='labels' or 'ids' says which of them the "
                         "class numbers of YOLO's lines are")  # fmt: skip
    if class_numbers == "ids":
        return {number: label for label, number in enumerate(dataset.class_ids)}
    nameless = dataset.class_names == tuple(map(str, range(count)))
    return None if nameless else {label: label for label in range(count)}


def _yolo(
    source: Path, dataset: Dataset, images: _Images, numbered: dict[int, int] | None, rules: Rules, bad: BadEntries
) -> Iterator[_Found]:
    for file in listed(source, (".txt",)) if source.is_dir() else [source]:
        lines = [] if file.name in NAME_FILES else list(_lines(file, bad))
        if not any(is_label_line(line) for _, line in lines):
            continue  # an image without detections, or a note among the files
        with bad.going_on(file):
            index = images.find(file, "", file.stem if file == source else relative_name(file.with_suffix(""), source))
            size = dataset.images[index].image_size
            if size is None:
                broken(file, "", f"image {images.names[index]!r} has no size, of which YOLO's numbers are fractions",
                       "image without size")  # fmt: skip
            for place, line in lines:
                with bad.going_on(file):
                    thing, score = read_detection(file, place, line, rules._replace(size=size))
                    label: int | None = int(thing.label)
                    if numbered is not None:
                        label = numbered.get(int(thing.label))
                    if label is None:
                        broken(file, place, f"class {thing.label} has no name", "unknown class")
                    yield _Found(index, label, score, thing.box, thing.outline)


def _voc(source: Path, dataset: Dataset, images: _Images, rule: Corner, bad: BadEntries) -> Iterator[_Found]:
    for file in listed(source, (".txt",)) if source.is_dir() else [source]:
        said = DEVKIT.fullmatch(file.name)
        if said is None and source.is_dir():
            continue
        with bad.going_on(file):
            if said is None:
                broken(file, "", "must be called comp4_det_<set>_<class>.txt, because only its name tells the class")
            label = _label(file, "", said[1], dataset)
            for place, line in _lines(file, bad):
                with bad.going_on(file):
                    words = line.rsplit(maxsplit=5)
                    if len(words) != 6:
                        broken(file, place, f"must hold image, confidence, xmin, ymin, xmax, ymax, got {line[:80]!r}",
                               "line of another length")  # fmt: skip
                    score, x1, y1, x2, y2 = _finite(file, place, words[1:])
                    index = images.find(file, place, words[0].strip())
                    box = _checked(file, place, (x1, y1, x2, y2))
                    inside = tuple(value + rule[i // 2] for i, value in enumerate(box))
                    yield _Found(index, label, score, inside)  # type: ignore[arg-type]


def _dota(source: Path, dataset: Dataset, images: _Images, bad: BadEntries) -> Iterator[_Found]:
    for file in listed(source, (".txt",)) if source.is_dir() else [source]:
        said = TASK.fullmatch(file.name)
        if said is None and source.is_dir():
            continue
        with bad.going_on(file):
            if said is None:
                broken(file, "", "must be called Task1_<class>.txt, because only its name tells the class")
            label = _label(file, "", said[1], dataset)
            for place, line in _lines(file, bad):
                with bad.going_on(file):
                    words = line.rsplit(maxsplit=9)
                    if len(words) != 10:
                        broken(file, place, f"must hold image, confidence and four corners, got {line[:80]!r}",
                               "line of another length")  # fmt: skip
                    score, *points = _finite(file, place, words[1:])
                    xs, ys = points[::2], points[1::2]
                    index = images.find(file, place, words[0].strip())
                    yield _Found(index, label, score, (min(xs), min(ys), max(xs), max(ys)), [points])


def _csv(source: Path, dataset: Dataset, images: _Images, bad: BadEntries) -> Iterator[_Found]:
    for file in listed(source, (".csv",)) if source.is_dir() else [source]:
        with bad.going_on(file):
            table = csv.reader(decode(file, read_file(file)).splitlines())
            try:
                header = [word.strip().lower() for word in next(table, [])]
                missing = [name for name in COLUMNS if name not in header]
                if missing:
                    broken(file, "line 1", f"the header has no {', '.join(missing)}; it must name {', '.join(COLUMNS)}")
                at = [header.index(name) for name in COLUMNS]
                for row in table:
                    with bad.going_on(file):
                        if any(word.strip() for word in row):
                            yield _row(file, f"line {table.line_num}", row, at, dataset, images)
            except csv.Error as error:
                broken(file, f"line {table.line_num}", str(error))


def _row(file: Path, place: str, row: list[str], at: list[int], dataset: Dataset, images: _Images) -> _Found:
    if max(at) >= len(row):
        broken(file, place, f"has {len(row)} values, fewer than the header", "line of another length")
    image, name, *words = (row[i].strip() for i in at)
    score, x1, y1, x2, y2 = _finite(file, place, words)
    label = _label(file, place, name, dataset)
    return _Found(images.find(file, place, image), label, score, _checked(file, place, (x1, y1, x2, y2)))
