"""Data sets as files of VOC, YOLO and DOTA: what a format cannot hold is refused, or said."""

from __future__ import annotations

import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import numpy as np

from detutils._validate import as_boxes, as_flag, as_image_size, as_items, as_labels, as_path
from detutils.datasets.dota import corner_area, is_number
from detutils.datasets.listing import without_extension
from detutils.datasets.records import AnnotatedImage, Dataset
from detutils.datasets.voc import Pixels, pixel_rule

# What XML 1.0 cannot say, and what would not come back: line breaks of any kind.
UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
IMAGE_SET = "all"
SIDES = ("xmin", "ymin", "xmax", "ymax")


def write_voc(
    folder: str | os.PathLike[str], dataset: Dataset, *, pixels: Pixels = "inclusive", first_pixel: int | None = None
) -> tuple[str, ...]:
    """Write a data set as Pascal VOC's XML files.

    Parameters
    ----------
    folder : str or path
        A new folder, or an empty one. It appears whole or not at all: ``Annotations/<image>.xml``, and
        ``ImageSets/Main/all.txt``, which keeps the order of the images.
    dataset : Dataset
        Boxes in continuous coordinates.
    pixels : {"inclusive", "continuous"}
        What xmax and ymax shall be, as in ``read_voc``.
    first_pixel : {1, 0}, optional
        The number of the first column and row, as in ``read_voc``.

    Returns
    -------
    lost : tuple of str
        What the files do not hold, each with its count; empty if all is there.

    Raises
    ------
    OSError
        If the folder is not empty or cannot be written.
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a name cannot stand in such files (empty, hidden, with control characters, with blanks at its ends,
        outside the folder), two images would share a file, two classes have one name, or a box ends less than a
        pixel after it begins, where pixels are inclusive.

    Notes
    -----
    Law: ``read_voc(folder, image_set="all", class_names=dataset.class_names)``, with the same ``pixels`` and
    ``first_pixel``, gives the names, sizes, boxes, labels and flags back: bit by bit if pixels are continuous, else as
    exactly as x + 1 holds x. Linear in the number of objects.

    References
    ----------
    M. Everingham et al., The PASCAL VOC devkit.

    Examples
    --------
    >>> import detutils
    >>> images, dataset = detutils.make_scenes(2, seed=1)
    >>> detutils.write_voc("scenes_voc", dataset)
    ('the ids of 5 classes',)
    >>> again = detutils.read_voc("scenes_voc", image_set="all", class_names=dataset.class_names)
    >>> bool((again.images[0].boxes == dataset.images[0].boxes).all())
    True
    """
    target = as_path(folder, "folder")
    rule = pixel_rule(pixels, first_pixel, 0)
    images = _checked(dataset)
    if len(set(dataset.class_names)) < len(dataset.class_names):
        raise ValueError("dataset.class_names: two classes have one name, which VOC's files could not tell apart")
    lost = _losses(dataset)
    files = {}
    for image in images:
        boxes = image.boxes - (rule.first, rule.first, rule.last, rule.last)
        narrow = np.flatnonzero((boxes[:, 2] < boxes[:, 0]) | (boxes[:, 3] < boxes[:, 1]))
        if narrow.size:
            raise ValueError(f"{image.place}.boxes[{narrow[0]}] is narrower than the pixel that inclusive pixels begin "
                             "with: pixels='continuous' holds it")  # fmt: skip
        files[f"Annotations/{image.stem}.xml"] = _voc_text(image, boxes, dataset.class_names)
    files[f"ImageSets/Main/{IMAGE_SET}.txt"] = "".join(f"{image.stem}\n" for image in images)
    _write_folder(target, files)
    return tuple(lost)


def write_yolo(folder: str | os.PathLike[str], dataset: Dataset, *, outlines: bool = False) -> tuple[str, ...]:
    """Write a data set as YOLO's text files.

    Parameters
    ----------
    folder : str or path
        A new folder, or an empty one. It appears whole or not at all: ``labels/<image>.txt``, ``classes.txt``, and a
        ``data.yaml`` that expects the pictures in ``images``.
    dataset : Dataset
        Every image must have its ``image_size``, because YOLO's numbers are fractions of it.
    outlines : bool
        Write objects whose outline is one polygon as this polygon; of four corners, as DOTA has them, that is a line of
        YOLO-OBB.

    Returns
    -------
    lost : tuple of str
        What the files do not hold, each with its count; empty if all is there. A box whose center lies outside the
        image, or which is larger than it, is clipped to the image; a box without any part inside is left out.

    Raises
    ------
    OSError
        If the folder is not empty or cannot be written.
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If an image has no size, a name cannot stand in such files (empty, hidden, with control characters, with
        blanks at its ends, outside the folder), or two images would share a file.

    Notes
    -----
    Law: ``read_yolo(folder / "labels", {image.name: image.image_size for image in dataset.images})`` gives the names of
    images and classes and the labels back, and the boxes to the last digit that fractions can hold: an error of 4e-16
    of the image's longer side. Linear in the number of objects.

    References
    ----------
    J. Redmon, Darknet: the label files of YOLO.

    Examples
    --------
    >>> import detutils
    >>> images, dataset = detutils.make_scenes(2, seed=1)
    >>> detutils.write_yolo("scenes_yolo", dataset)
    ('the ids of 5 classes',)
    >>> sizes = {image.name: image.image_size for image in dataset.images}
    >>> detutils.read_yolo("scenes_yolo/labels", sizes).class_names
    ('disk', 'square', 'triangle', 'cross', 'star')
    """
    target = as_path(folder, "folder")
    as_flag(outlines, "outlines")
    images = _checked(dataset)
    lost = _losses(dataset, flags=True, outlines=outlines)
    names = [image.name for image in images]
    if names != sorted(names):
        lost.append(f"the order of {len(names)} images, which are read by name")
    clipped = outside = 0
    files = {}
    for image in images:
        if image.size is None:
            raise ValueError(f"{image.place} ({image.name!r}) has no image_size, of which YOLO's numbers are fractions")
        lines = []
        for box, label, outline in zip(image.boxes.tolist(), image.labels.tolist(), image.outlines):
            polygon = _polygon(outline, image.size) if outlines else None
            inside = _inside(box, image.size)
            if polygon is not None:
                lines.append(" ".join(map(str, (label, *polygon))))
            elif inside is None:
                outside += 1
            else:
                clipped += inside != box
                lines.append(" ".join(map(str, (label, *_fractions(inside, image.size)))))
        files[f"labels/{image.stem}.txt"] = "".join(f"{line}\n" for line in lines)
    lost += [f"{clipped} x the part of a box outside the image"] if clipped else []
    lost += [f"{outside} x a box outside the image"] if outside else []
    quoted = json.dumps(list(dataset.class_names), ensure_ascii=False)
    files["classes.txt"] = "".join(f"{name}\n" for name in dataset.class_names)
    files["data.yaml"] = f"train: images\nval: images\nnc: {len(dataset.class_names)}\nnames: {quoted}\n"
    _write_folder(target, files)
    return tuple(lost)


def write_dota(folder: str | os.PathLike[str], dataset: Dataset) -> tuple[str, ...]:
    """Write a data set as DOTA's text files.

    Parameters
    ----------
    folder : str or path
        A new folder, or an empty one. It appears whole or not at all: ``labelTxt/<image>.txt``.
    dataset : Dataset
        Objects whose outline is one polygon of four corners are written by these, others by the corners of their box,
        clockwise from the top left.

    Returns
    -------
    lost : tuple of str
        What the files do not hold, each with its count; empty if all is there.

    Raises
    ------
    OSError
        If the folder is not empty or cannot be written.
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a name cannot stand in such files (empty, hidden, with control characters, with blanks at its ends, outside
        the folder; of a class, with blanks or a number), or two images would share a file.

    See Also
    --------
    read_dota : The way back.
    rotated_box_convert : Corners of rotated boxes.

    Notes
    -----
    Law: ``read_dota(folder, {image.name: image.image_size for image in dataset.images},
    class_names=dataset.class_names)`` gives the names, corners, labels and ``difficult`` back, bit by bit, images by
    name. Linear in the number of objects.

    References
    ----------
    G.-S. Xia et al., DOTA: a large-scale dataset for object detection in aerial images, CVPR 2018.

    Examples
    --------
    >>> import detutils
    >>> images, dataset = detutils.make_scenes(2, seed=1)
    >>> detutils.write_dota("scenes_dota", dataset)
    ('the sizes of 2 images', 'the ids of 5 classes')
    >>> again = detutils.read_dota("scenes_dota", class_names=dataset.class_names)
    >>> bool((again.images[0].boxes == dataset.images[0].boxes).all())
    True
    """
    target = as_path(folder, "folder")
    images = _checked(dataset)
    for label, name in enumerate(dataset.class_names):
        if len(name.split()) != 1 or is_number(name):
            raise ValueError(f"dataset.class_names[{label}] must be a word, no number and without blanks, got {name!r}")
    names = [image.name for image in images]
    files, outlines, areas = {}, 0, 0
    for image, record in zip(images, dataset.images, strict=True):
        lines = []
        for i, (outline, (x1, y1, x2, y2)) in enumerate(zip(image.outlines, image.boxes.tolist())):
            four = _is_polygon(outline) and len(outline[0]) == 8
            corners = [float(value) for value in outline[0]] if four else [x1, y1, x2, y1, x2, y2, x1, y2]
            outlines += outline is not None and not four
            areas += not math.isclose(float(record.areas[i]), corner_area(corners), rel_tol=1e-9, abs_tol=1e-9)
            words = (*map(_short, corners), dataset.class_names[image.labels[i]], int(image.difficult[i]))
            lines.append(" ".join(map(str, words)))
        files[f"labelTxt/{image.stem}.txt"] = "".join(f"{line}\n" for line in lines)
    counts = {
        "crowd": sum(int(np.count_nonzero(record.crowd)) for record in dataset.images),
        "truncated": sum(int(np.count_nonzero(record.truncated)) for record in dataset.images),
        "an area that is not the outline's": areas,
        "an outline that has not four corners": outlines,
    }
    lost = [f"{count} x {what}" for what, count in counts.items() if count]
    sizes = sum(image.size is not None for image in images)
    lost += [f"the sizes of {sizes} images"] if sizes else []
    lost += [f"the order of {len(names)} images, which are read by name"] if names != sorted(names) else []
    _write_folder(target, files)
    return (*lost, *_lost_ids(dataset))


# ---- what a data set holds ---------------------------------------------------------------------------------

class _Image(NamedTuple):
    place: str
    name: str
    stem: str
    size: tuple[int, int] | None
    boxes: Any
    labels: Any
    difficult: Any
    truncated: Any
    outlines: Sequence[Any]


def _checked(dataset: Dataset) -> list[_Image]:
    if not isinstance(dataset, Dataset):
        raise TypeError(f"dataset must be a Dataset, got {type(dataset).__name__}")
    for label, name in enumerate(dataset.class_names):
        _check_name(name, f"dataset.class_names[{label}]")
    images: dict[str, _Image] = {}
    for i, record in enumerate(as_items(dataset.images, "dataset.images", "a list of AnnotatedImage")):
        place = f"dataset.images[{i}]"
        if not isinstance(record, AnnotatedImage):
            raise TypeError(f"{place} must be an AnnotatedImage, got {type(record).__name__}")
        image = _image(record, place, len(dataset.class_names))
        if image.stem in images:
            raise ValueError(f"{images[image.stem].place} and {place} would share a file: {image.stem}")
        images[image.stem] = image
    return list(images.values())


def _image(record: AnnotatedImage, place: str, classes: int) -> _Image:
    _check_name(record.name, f"{place}.name")
    parts = record.name.split("/")
    if any(part in ("", ".", "..") or part.startswith(".") for part in parts) or "\\" in record.name:
        raise ValueError(f"{place}.name must be that of a file in the folder that is not hidden, got {record.name!r}")
    size = record.image_size
    if size is not None:
        height, width = as_image_size(size, f"{place}.image_size")
        if height != int(height) or width != int(width):
            raise ValueError(f"{place}.image_size must be whole numbers, got {size!r}")
        size = int(height), int(width)
    boxes = as_boxes(record.boxes, f"{place}.boxes")
    labels = as_labels(record.labels, f"{place}.labels", len(boxes))
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"{place}.labels has a label outside 0..{classes - 1}")
    difficult, truncated = (np.asarray(value, np.bool_) for value in (record.difficult, record.truncated))
    outlines: list[Any] = [None] * len(boxes) if record.outlines is None else list(record.outlines)
    if not len(boxes) == len(difficult) == len(truncated) == len(outlines):
        raise ValueError(f"{place} must have as many flags and outlines as boxes, {len(boxes)}")
    stem = without_extension(record.name)
    return _Image(place, record.name, stem, size, boxes, labels, difficult, truncated, outlines)


def _check_name(name: Any, place: str) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{place} must be a str, got {type(name).__name__}")
    if not name or name != name.strip() or UNWRITABLE.search(name):
        raise ValueError(f"{place} must be a name without control characters and blanks at its ends, got {name!r}")


def _losses(dataset: Dataset, *, flags: bool = False, outlines: bool = False) -> list[str]:
    """What neither format holds, and the flags that YOLO does not hold."""
    records = dataset.images
    counts = {
        "crowd": sum(int(np.count_nonzero(record.crowd)) for record in records),
        "difficult": flags * sum(int(np.count_nonzero(record.difficult)) for record in records),
        "truncated": flags * sum(int(np.count_nonzero(record.truncated)) for record in records),
        "an area that is not the box's": sum(map(_own_areas, records)),
        "outline": sum(not (outlines and _is_polygon(outline)) for record in records
                       for outline in record.outlines or () if outline is not None),
    }  # fmt: skip
    return [*(f"{count} x {what}" for what, count in counts.items() if count), *_lost_ids(dataset)]


def _lost_ids(dataset: Dataset) -> list[str]:
    lost = []
    if [record.image_id for record in dataset.images] != list(range(len(dataset.images))):
        lost.append(f"the ids of {len(dataset.images)} images")
    if tuple(dataset.class_ids) != tuple(range(len(dataset.class_names))):
        lost.append(f"the ids of {len(dataset.class_ids)} classes")
    return lost


def _own_areas(record: AnnotatedImage) -> int:
    boxes = np.asarray(record.boxes, np.float64).reshape(-1, 4)
    of_boxes = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return int(np.count_nonzero(~np.isclose(np.asarray(record.areas, np.float64), of_boxes, rtol=1e-9, atol=1e-9)))


# ---- texts -------------------------------------------------------------------------------------------------

def _voc_text(image: _Image, boxes: Any, class_names: Sequence[str]) -> str:
    lines = ["<annotation>", f"  <filename>{escape(image.name)}</filename>"]
    if image.size is not None:
        lines.append(f"  <size><width>{image.size[1]}</width><height>{image.size[0]}</height></size>")
    for i, box in enumerate(boxes.tolist()):
        sides = "".join(f"<{side}>{_short(value)}</{side}>" for side, value in zip(SIDES, box))
        flags = f"<truncated>{int(image.truncated[i])}</truncated><difficult>{int(image.difficult[i])}</difficult>"
        name = escape(class_names[image.labels[i]])
        lines.append(f"  <object><name>{name}</name>{flags}<bndbox>{sides}</bndbox></object>")
    return "\n".join([*lines, "</annotation>", ""])


def _short(value: float) -> str:
    return repr(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _inside(box: list[float], size: tuple[int, int]) -> list[float] | None:
    """The box as YOLO's reader takes it: with its center inside the image and no larger; None if it is elsewhere."""
    height, width = size
    x1, y1, x2, y2 = box
    if 0 <= x1 + x2 <= 2 * width and 0 <= y1 + y2 <= 2 * height and x2 - x1 <= width and y2 - y1 <= height:
        return box
    clipped = [min(max(x1, 0.0), width), min(max(y1, 0.0), height), min(max(x2, 0.0), width), min(max(y2, 0.0), height)]
    return clipped if x2 >= 0 and x1 <= width and y2 >= 0 and y1 <= height else None


def _fractions(box: list[float], size: tuple[int, int]) -> Iterator[float]:
    height, width = size
    x1, y1, x2, y2 = box
    yield _fraction((x1 + x2) / 2, width)
    yield _fraction((y1 + y2) / 2, height)
    yield _fraction((x2 - x1) / 2, width / 2)
    yield _fraction((y2 - y1) / 2, height / 2)


def _fraction(value: float, whole: float) -> float:
    """The fraction that gives ``value`` back when it is multiplied by ``whole``, if one does."""
    nearest = value / whole
    for fraction in (nearest, math.nextafter(nearest, math.inf), math.nextafter(nearest, -math.inf)):
        if fraction * whole == value:
            return fraction
    return nearest


def _is_polygon(outline: Any) -> bool:
    one = isinstance(outline, (list, tuple)) and len(outline) == 1 and isinstance(outline[0], (list, tuple))
    return one and len(outline[0]) >= 6 and len(outline[0]) % 2 == 0


def _polygon(outline: Any, size: tuple[int, int]) -> list[float] | None:
    if not _is_polygon(outline):
        return None
    points = [_fraction(float(value), size[1 - i % 2]) for i, value in enumerate(outline[0])]
    return points if all(0.0 <= value <= 1.0 for value in points) else None


# ---- a folder, whole or not at all -------------------------------------------------------------------------

def _write_folder(folder: Path, files: dict[str, str]) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already, and not an empty folder")
    parent = folder.absolute().parent
    if not parent.is_dir():
        raise FileNotFoundError(f"{folder} cannot be written: there is no folder {parent}")
    unfinished = parent / f".{secrets.token_hex(8)}.part"
    try:
        unfinished.mkdir()
        for name, text in files.items():
            place = unfinished / PurePosixPath(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8", newline="\n")
        if folder.exists():
            folder.rmdir()
        os.rename(unfinished, folder)
    except OSError as error:
        raise type(error)(f"{folder} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
