"""The plain records that every reader gives and every evaluation takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, SupportsIndex, TypeVar, overload

import numpy as np

from detutils._jit import B1, F8, I8
from detutils.datasets.entries import Skipped

Record = TypeVar("Record")


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
    outlines : sequence of N, or None
        The outline of each object as COCO's ``segmentation`` has it: polygons ``[x1, y1, x2, y2, ...]`` in pixels, or
        run lengths untouched; None for an object that has none; None where outlines were not read.

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


class _DatasetFields(NamedTuple):
    images: Sequence[AnnotatedImage]
    class_names: tuple[str, ...]
    class_ids: tuple[int, ...]


class Dataset(_DatasetFields):
    """Annotated images and the names of their classes; unpacks into these three.

    Parameters
    ----------
    images : sequence of AnnotatedImage
        One record an image. Their order is the order in which detections are given to the evaluation.
    class_names : tuple of str
        The name of each label.
    class_ids : tuple of int
        COCO's category id of each label; elsewhere the label itself.
    skipped : tuple of (path, place, reason)
        What a reader left out because of ``on_invalid="drop"``, and pictures that nobody has annotated.

    Attributes
    ----------
    images, class_names, class_ids, skipped
        As given.

    Examples
    --------
    >>> from detutils import Dataset
    >>> Dataset([], ("cat", "dog"), (17, 18)).class_names[1]
    'dog'
    """

    skipped: tuple[Skipped, ...] = ()

    def __new__(
        cls,
        images: Sequence[AnnotatedImage],
        class_names: tuple[str, ...],
        class_ids: tuple[int, ...],
        skipped: Sequence[Skipped] = (),
    ) -> Dataset:
        """Keep ``skipped`` beside the three that the tuple holds."""
        self = super().__new__(cls, images, class_names, class_ids)
        self.skipped = tuple(skipped)
        return self


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


class ObjectColumns(NamedTuple):
    """The objects of all images, one array a column: those of image i are rows starts[i] to starts[i + 1]."""

    boxes: F8
    labels: I8
    difficult: B1
    crowd: B1
    areas: F8
    sizes: F8
    starts: I8


class DetectionColumns(NamedTuple):
    """The detections of all images: those of image i are rows starts[i] to starts[i + 1]."""

    boxes: F8
    scores: F8
    labels: I8
    sizes: F8
    starts: I8


def _same(first: Any, second: Any) -> bool:
    """Whether two records hold the same numbers; their own ``==`` would ask an array whether it is true."""
    if type(first) is not type(second) or not isinstance(first, tuple) or len(first) != len(second):
        return False
    return all(
        np.array_equal(mine, theirs) if isinstance(mine, np.ndarray) else bool(mine == theirs)
        for mine, theirs in zip(first, second, strict=True)
    )


class _Views(Sequence[Record]):
    """A sequence of records that are made when they are asked for, as views of columns."""

    def __init__(self, starts: I8) -> None:
        self._starts = starts

    def _record(self, index: int, span: slice) -> Record:
        raise NotImplementedError

    def __len__(self) -> int:
        return int(self._starts.shape[0]) - 1

    @overload
    def __getitem__(self, index: SupportsIndex) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = range(len(self))[index]  # raises IndexError as a list does
        return self._record(place, slice(int(self._starts[place]), int(self._starts[place + 1])))

    def __iter__(self) -> Iterator[Record]:
        starts = self._starts.tolist()
        return (self._record(i, slice(starts[i], starts[i + 1])) for i in range(len(starts) - 1))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, (str, bytes)) or len(self) != len(other):
            return False
        return all(_same(mine, theirs) for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} images>"


class AnnotatedImages(_Views[AnnotatedImage]):
    """The images of a data set over ``columns``, in which evaluation reads without making a record."""

    def __init__(
        self,
        columns: ObjectColumns,
        names: Sequence[str],
        image_sizes: Sequence[tuple[int, int] | None],
        ids: Sequence[int | str],
        outlines: Sequence[Any] | None = None,
    ) -> None:
        super().__init__(columns.starts)
        self.columns, self.names, self.image_sizes, self.ids = columns, names, image_sizes, ids
        self.outlines = outlines
        self._truncated: B1 = np.zeros(columns.labels.shape[0], np.bool_)

    def _record(self, index: int, span: slice) -> AnnotatedImage:
        columns = self.columns
        return AnnotatedImage(
            name=self.names[index],
            image_size=self.image_sizes[index],
            boxes=columns.boxes[span],
            labels=columns.labels[span],
            difficult=columns.difficult[span],
            truncated=self._truncated[span],
            crowd=columns.crowd[span],
            areas=columns.areas[span],
            image_id=self.ids[index],
            sizes=columns.sizes[span],
            outlines=None if self.outlines is None else self.outlines[span],
        )


class DetectionsByImage(_Views[Detections]):
    """The detections of each image over ``columns``; ``skipped`` lists what a reader left out."""

    def __init__(self, columns: DetectionColumns, skipped: Sequence[Skipped] = ()) -> None:
        super().__init__(columns.starts)
        self.columns, self.skipped = columns, tuple(skipped)

    def _record(self, index: int, span: slice) -> Detections:
        columns = self.columns
        return Detections(columns.boxes[span], columns.scores[span], columns.labels[span], columns.sizes[span])
