"""YOLO's text files: one file an image, one line an object, in fractions of the image."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from detutils._files import read_file
from detutils._validate import as_choice, as_path
from detutils.datasets.assembly import Picture, Thing, as_names, assemble
from detutils.datasets.entries import BadEntries
from detutils.datasets.records import Dataset
from detutils.datasets.text_files import decode, picture_size
from detutils.datasets.yolo_layout import DESCRIPTIONS, SPLITS, Item, Layout, described, one_folder, two_folders
from detutils.datasets.yolo_lines import Rules, as_keypoints, read_object


def read_yolo(
    labels: str | os.PathLike[str],
    images: str | os.PathLike[str] | Mapping[str, tuple[int, int]] | None = None,
    *,
    class_names: Sequence[str] | None = None,
    classes: Sequence[str | int] | None = None,
    split: Literal["train", "val", "test"] | None = None,
    keypoints: tuple[int, int] | None = None,
    on_invalid: Literal["raise", "drop"] = "raise",
) -> Dataset:
    """Read annotated images from YOLO text files: boxes, outlines, oriented boxes and poses.

    Parameters
    ----------
    labels : str or path
        A folder of ``<image>.txt``, those in folders below included. Without ``images`` a ``data.yaml``, or a
        folder with one, or a folder of pictures whose text files stand beside them or have ``labels`` in
        their path where the picture's has ``images``. Each line is a class and then, in fractions of the
        image, ``cx cy width height``, or the x and y of the three corners or more of an outline or of a
        turned box, or a box followed by the keypoints of a pose.
    images : str or path, or mapping of file name to (height, width), optional
        The images that the data set consists of: their folder, from which the sizes are read, or the sizes
        themselves. Folders below match those of ``labels``. An image without a text file, or with an empty
        one, has no objects: that is YOLO's way to say so.
    class_names : sequence of str, optional
        The names of classes 0, 1, ... By default those of data.yaml; else those of a ``classes.txt`` in or
        above ``labels`` if it names every class of the files; else the numbers, written out, up to the
        largest in the files, which must then be below 100,000.
    classes : sequence of str or int, optional
        Keep the objects of these classes only, names or numbers, which become labels 0, 1, ... in this order;
        ``class_ids`` gives the numbers back. All images stay.
    split : {"train", "val", "test"}, optional
        The images of one split of a data.yaml. By default all of them.
    keypoints : (points, values a point), optional
        The shape of poses, as ``kpt_shape`` of a data.yaml has it, such as (17, 3). By default lines are taken
        for poses of three values a point where each third is a visibility of 0, 1 or 2 and their length is
        no outline's, or one is 2.
    on_invalid : {"raise", "drop"}
        What to do with lines and files that cannot be used: refuse them all with one error, which names the
        first and the number of each kind; or leave them out and list them in ``dataset.skipped``.

    Returns
    -------
    dataset : Dataset
        One ``AnnotatedImage`` an image, by file name, with a data.yaml by split; objects in the order of their
        lines. Names are relative to the folder of the images or of the data.yaml. The box of an outline is
        the one around it; the outline stands in ``outlines``, in pixels.

    Raises
    ------
    OSError
        If a folder or file cannot be read.
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a line does not hold numbers in range (with path and line), a class has no name, a text file with
        labels belongs to no image or two images share one, or a size is not positive, unless these drop; if
        there are no pictures, or ``classes`` names what is not there. Nothing is left out silently.
    ImportError
        If a data.yaml is to be read and PyYAML is not installed.

    Notes
    -----
    Linear in the number of files and lines; of an image only the header is read. A value outside 0..1 by no
    more than a pixel of the image was rounded and is clipped. Text files without image and without a line of
    five numbers are no labels and are ignored; so are hidden files.

    References
    ----------
    J. Redmon, Darknet: the label files of YOLO.

    Examples
    --------
    >>> import pathlib, detutils
    >>> pathlib.Path("labels").mkdir()
    >>> _ = pathlib.Path("labels/a.txt").write_text("1 0.5 0.5 0.25 0.5\\n0 0 0 0.5 0 0.5 0.5\\n")
    >>> dataset = detutils.read_yolo("labels", {"a.jpg": (480, 640)}, class_names=["cat", "dog"])
    >>> dataset.images[0].labels, dataset.images[0].boxes
    (array([1, 0]), array([[240., 120., 400., 360.],
           [  0.,   0., 320., 240.]]))
    """
    place = as_path(labels, "labels")
    names = as_names(class_names)
    pose = as_keypoints(keypoints)
    if split is not None:
        as_choice(split, "split", SPLITS)
    bad = BadEntries(on_invalid)
    layout = _layout(place, images, split, bad)
    if names is None and layout.complete:
        names = layout.names
    pictures = []
    for item in layout.items:
        with bad.going_on(place):
            pictures.append(_picture(item, place, names, pose or layout.keypoints, bad))
    if names is None:
        largest = max((int(thing.label) for picture in pictures for thing in picture.things), default=-1)
        beside = layout.names or ()
        names = beside if largest < len(beside) else tuple(map(str, range(largest + 1)))
    return assemble(pictures, names, classes, bad)


def _layout(
    place: Path,
    images: str | os.PathLike[str] | Mapping[str, tuple[int, int]] | None,
    split: Literal["train", "val", "test"] | None,
    bad: BadEntries,
) -> Layout:
    if images is not None:
        if split is not None:
            raise ValueError("split chooses among those of a data.yaml, which images stands for")
        return two_folders(place, images if isinstance(images, Mapping) else as_path(images, "images"), bad)
    if place.suffix.lower() in DESCRIPTIONS and not place.is_dir():
        return described(place, split, bad)
    return one_folder(place, split, bad)


def _picture(
    item: Item, place: Path, names: tuple[str, ...] | None, keypoints: tuple[int, int] | None, bad: BadEntries
) -> Picture:
    size = picture_size(item.source) if isinstance(item.source, Path) else item.source
    things: list[Thing] = []
    if item.text is not None:
        rules = Rules(size, None if names is None else len(names), keypoints)
        with bad.going_on(item.text):
            for count, line in enumerate(decode(item.text, read_file(item.text)).splitlines(), start=1):
                if line.strip():
                    with bad.going_on(item.text):
                        things.append(read_object(item.text, f"line {count}", line, rules))
    return Picture(item.text or place, item.name, size, things)
