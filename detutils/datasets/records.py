"""The plain records that every reader gives and every evaluation takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from detutils._jit import B1, F8, I8
from detutils.datasets.entries import Skipped


class AnnotatedImage(NamedTuple):
    """One image of a data set with its objects.

    Attributes
    ----------
    name : str
        The image's file name as the data set gives it, relative to the folder of the images.
    image_size : (height, width) or None
        In pixels; None where the annotation does not say.
    boxes : (N, 4) float64 ndarray
        x1, y1, x2, y2 of the objects in pixels, in the order of the file. Shape (0, 4) for an image without
        objects.
    labels : (N,) int64 ndarray
        Indices into ``Dataset.class_names``.
    difficult : (N,) bool ndarray
        VOC's flag: finding this object counts neither for nor against a detector.
    truncated : (N,) bool ndarray
        VOC's flag: the object goes on outside the image or behind something.
    crowd : (N,) bool ndarray
        COCO's ``iscrowd``: the box holds many objects; detections inside it are ignored.
    areas : (N,) float64 ndarray
        COCO's ``area`` in square pixels, which is that of the object's outline; elsewhere the area of the
        box.
    image_id : int or str
        COCO's id; elsewhere the index of the image.
    sizes : (N, 2) float64 ndarray or None
        Widths and heights to the last digit, where a file gives them: x2 - x1 may miss them by a rounding,
        and ``evaluate_coco`` decides as pycocotools does. None stands for x2 - x1, y2 - y1.
    outlines : sequence or None
        For each object what COCO's ``segmentation`` holds: a list of polygons ``[x1, y1, x2, y2, ...]`` in
        pixels, or a run-length mask as the file has it; None for an object without outline, and for an image
        where no object has one.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils import AnnotatedImage
    >>> no = np.zeros(1, bool)
    >>> image = AnnotatedImage("a.jpg", (480, 640), np.array([[10.0, 20, 50, 80]]), np.array([0]), no, no, no,
    ...                        np.array([2400.0]), 1)
    >>> image.boxes[:, 2] - image.boxes[:, 0]
    array([40.])
    """

    name: str
    image_size: tuple[int, int] | None
    boxes: F8
    labels: I8
    difficult: B1
    truncated: B1
    crowd: B1
    areas: F8
    image_id: int | str
    sizes: F8 | None = None
    outlines: Sequence[Any] | None = None


class Dataset(NamedTuple):
    """Annotated images and the names of their classes.

    Attributes
    ----------
    images : list of AnnotatedImage
        One record an image. Their order is the order in which detections are given to the evaluation.
    class_names : tuple of str
        The name of each label.
    class_ids : tuple of int
        COCO's category id of each label; elsewhere the label itself.
    skipped : tuple of (path, place, reason)
        What a reader left out because of ``on_invalid="drop"``, and pictures that nobody has annotated.

    Examples
    --------
    >>> from detutils import Dataset
    >>> Dataset([], ("cat", "dog"), (17, 18)).class_names[1]
    'dog'
    """

    images: list[AnnotatedImage]
    class_names: tuple[str, ...]
    class_ids: tuple[int, ...]
    skipped: tuple[Skipped, ...] = ()


class Detections(NamedTuple):
    """What a detector found in one image.

    Attributes
    ----------
    boxes : (N, 4) ndarray
        x1, y1, x2, y2 in pixels.
    scores : (N,) ndarray
        Higher is surer.
    labels : (N,) integer ndarray
        The class of each box.
    sizes : (N, 2) float64 ndarray or None
        Widths and heights to the last digit, where a file gives them; see ``AnnotatedImage``.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils import Detections
    >>> found = Detections(np.array([[10.0, 20, 50, 80]]), np.array([0.9]), np.array([0]))
    >>> found.scores
    array([0.9])
    """

    boxes: F8
    scores: F8
    labels: I8
    sizes: F8 | None = None
