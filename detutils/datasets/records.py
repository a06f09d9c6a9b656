"""The plain records that every reader gives and every evaluation takes."""

from __future__ import annotations

import collections
import functools
import json
import keyword
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, SupportsIndex, TypeVar, overload

import numpy as np

from detutils._jit import B1, F8, I8
from detutils._validate import NDARRAY, as_array, as_items, as_labels, plain_array
from detutils.datasets.entries import Skipped
from detutils.datasets.exchange import (
    as_coco_entries,
    as_plain_rows,
    from_supervision,
    joined_column,
    same_values,
    to_supervision,
    to_tensors,
)

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


class Detections:
    """What a detector found in one image: one row a detection, one array a column.

    Plain data: nothing here computes boxes. It unpacks into ``boxes, scores, labels, sizes``.

    Parameters
    ----------
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    scores : (N,) array_like
        Higher is surer.
    labels : (N,) array_like of int
        The class of each box.
    sizes : (N, 2) array_like, optional
        Widths and heights to the last digit, where a file gives them; see ``AnnotatedImage``.
    **columns : (N, ...) array_like or sequence of N
        Whatever belongs to the rows, by its name: ``keypoints``, ``masks``, ``embeddings``, ``names``. Arrays, torch
        tensors on the CPU among them, are kept as NumPy arrays, other sequences as lists; None is no column.

    Attributes
    ----------
    boxes, scores, labels, sizes
        As given, as arrays of the dtype that they had; ``sizes`` may be None.
    columns : dict
        The further columns by name. Each is an attribute too: ``found.keypoints``.

    Raises
    ------
    TypeError
        If boxes, scores or labels are no numbers, or a column is neither array nor sequence.
    ValueError
        If a column has another number of rows than ``boxes`` or a name that is taken or no identifier. Boxes and scores
        are judged by whoever computes with them, not here.

    Notes
    -----
    ``found[rows]`` selects rows of every column: integers, a mask of booleans, a slice (views, as in NumPy) or one
    integer, which gives a record of one row. ``len(found)`` is the number of rows. Records are equal when they have the
    same columns with the same numbers. They are not changed: ``replace`` makes another. Making one takes some 2 us, a
    selection 1 us a column; nothing is copied that is an array already.

    References
    ----------
    None: the names are torchvision's.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils import Detections
    >>> found = Detections([[10, 20, 50, 80], [0, 0, 9, 9]], [0.9, 0.4], [0, 2], names=["cup", "spoon"])
    >>> found[found.scores > 0.5]
    Detections(boxes=array([[10, 20, 50, 80]]), scores=array([0.9]), labels=array([0]), names=['cup'])
    >>> boxes, scores, labels, sizes = found
    >>> len(found), found.names
    (2, ['cup', 'spoon'])
    """

    __slots__ = ("_columns", "boxes", "labels", "scores", "sizes")

    boxes: F8
    scores: F8
    labels: I8
    sizes: F8 | None

    def __init__(self, boxes: Any, scores: Any, labels: Any, sizes: Any = None, **columns: Any) -> None:
        if type(boxes) is not NDARRAY or boxes.dtype.kind not in "iuf":
            boxes = as_array(boxes, "boxes")
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            if boxes.shape != (0,):
                raise ValueError(f"boxes must have shape (N, 4), got {boxes.shape}")
            boxes = boxes.reshape(0, 4)
        rows = boxes.shape[0]
        if type(scores) is not NDARRAY or scores.dtype.kind not in "iuf":
            scores = as_array(scores, "scores")
        if type(labels) is not NDARRAY or labels.dtype.kind not in "iuf":
            labels = as_labels(labels)
        if scores.shape != (rows,) or labels.shape != (rows,):
            name, shape = ("labels", labels.shape) if scores.shape == (rows,) else ("scores", scores.shape)
            raise ValueError(f"{name} must have shape ({rows},), got {shape}")
        if sizes is not None:
            sizes = as_array(sizes, "sizes")
            if sizes.shape != (rows, 2):
                raise ValueError(f"sizes must have shape ({rows}, 2), got {sizes.shape}")
        if columns:
            columns = {
                name: _as_column(column, name, rows) for name, column in columns.items() if column is not None
            }
        _fill(self, boxes, scores, labels, sizes, columns)

    # ---- rows --------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return int(self.boxes.shape[0])

    def __iter__(self) -> Iterator[Any]:
        return iter((self.boxes, self.scores, self.labels, self.sizes))

    def __getitem__(self, rows: Any) -> Detections:
        if type(rows) is not slice:
            rows = _as_rows(rows, self.boxes.shape[0])
        boxes = _select(self.boxes, rows)
        sizes = None if self.sizes is None else _select(self.sizes, rows)
        columns = self._columns
        if columns:
            columns = {name: _select(column, rows) for name, column in columns.items()}
        return _made(boxes, _select(self.scores, rows), _select(self.labels, rows), sizes, columns)

    def rows(self) -> Iterator[Any]:
        """Each detection by itself.

        Returns
        -------
        rows : iterator of named tuples
            ``row.box`` (4,), ``row.score`` float, ``row.label`` int, then the further columns by their names.

        Examples
        --------
        >>> from detutils import Detections
        >>> [(row.label, row.name) for row in Detections([[0, 0, 9, 9]], [0.9], [2], name=["cup"]).rows()]
        [(2, 'cup')]
        """
        row = _row_type(tuple(self._columns))
        scores, labels = self.scores.tolist(), self.labels.tolist()
        return map(row._make, zip(self.boxes, scores, labels, *self._columns.values(), strict=True))

    # ---- columns -----------------------------------------------------------------------------------------------------

    @property
    def columns(self) -> dict[str, Any]:
        """The columns beyond boxes, scores, labels and sizes."""
        return dict(self._columns)

    def __getattr__(self, name: str) -> Any:
        if name in Detections.__slots__:  # not filled yet: something is being copied
            raise AttributeError(name)
        try:
            return self._columns[name]
        except KeyError:
            known = ", ".join(self._columns) or "none but boxes, scores, labels and sizes"
            raise AttributeError(f"there is no column {name!r}; the columns are: {known}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"detections are not changed: replace({name}=...) makes others")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"detections are not changed: replace({name}=None) makes others")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._columns]

    def replace(self, **columns: Any) -> Detections:
        """These detections with other columns.

        Parameters
        ----------
        **columns
            Boxes, scores, labels, sizes or further columns, new ones too; None takes ``sizes`` or a further one away.

        Returns
        -------
        detections : Detections
            The columns that are not named are shared, not copied.

        Raises
        ------
        TypeError, ValueError
            As ``Detections`` raises them.

        Examples
        --------
        >>> from detutils import Detections
        >>> Detections([[0, 0, 9, 9]], [0.9], [2]).replace(labels=[3], names=["cup"])
        Detections(boxes=array([[0, 0, 9, 9]]), scores=array([0.9]), labels=array([3]), names=['cup'])
        """
        return Detections(**{**self.to_dict(), **columns})

    @staticmethod
    def concatenate(parts: Iterable[Detections]) -> Detections:
        """The rows of several records, one after another.

        Parameters
        ----------
        parts : iterable of Detections
            With the same columns. Records without rows may lack some, and do not decide on dtypes. Where some have
            ``sizes``, the others get theirs from the boxes.

        Returns
        -------
        detections : Detections
            Of no parts, no rows.

        Raises
        ------
        TypeError
            If a part is no ``Detections``.
        ValueError
            If a part lacks a column of another, or the rows of a column differ in shape.

        Examples
        --------
        >>> from detutils import Detections
        >>> one = Detections([[0, 0, 9, 9]], [0.9], [2])
        >>> Detections.concatenate([one, one]).scores
        array([0.9, 0.9])
        """
        records = as_items(parts, "parts", "a sequence of Detections")
        for i, part in enumerate(records):
            if not isinstance(part, Detections):
                raise TypeError(f"parts[{i}] must be Detections, got {type(part).__name__}")
        full = [(i, part) for i, part in enumerate(records) if len(part)]
        if not full:
            nothing = Detections(np.empty((0, 4)), np.empty(0), np.empty(0, np.int64))
            return records[0] if records else nothing
        names = list(dict.fromkeys(name for _, part in full for name in part._columns))
        for i, part in full:
            missing = [name for name in names if name not in part._columns]
            if missing:
                raise ValueError(f"parts[{i}] has no column {missing[0]!r}, which other parts have")
        chosen = [part for _, part in full]
        sizes = None
        if any(part.sizes is not None for part in chosen):
            sizes = np.concatenate([
                part.boxes[:, 2:] - part.boxes[:, :2] if part.sizes is None else part.sizes for part in chosen
            ])
        return _made(
            np.concatenate([part.boxes for part in chosen]),
            np.concatenate([part.scores for part in chosen]),
            np.concatenate([part.labels for part in chosen]),
            sizes,
            {name: joined_column((part._columns[name] for part in chosen), name) for name in names},
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Detections):
            return NotImplemented
        return same_values(self.to_dict(), other.to_dict())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        with np.printoptions(threshold=100, edgeitems=2):
            return f"Detections({', '.join(f'{name}={_shown(part)}' for name, part in self.to_dict().items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self.boxes, self.scores, self.labels, self.sizes, self._columns)

    def __array__(self, *arguments: Any, **keywords: Any) -> Any:
        raise TypeError("Detections are no array: give their boxes")

    # ---- to and from other programs ----------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The columns by their names: boxes, scores, labels, sizes if there are some, and the further ones.

        Returns
        -------
        columns : dict
            The arrays and lists themselves, not copies.

        Examples
        --------
        >>> from detutils import Detections
        >>> list(Detections([[0, 0, 9, 9]], [0.9], [2], names=["cup"]).to_dict())
        ['boxes', 'scores', 'labels', 'names']
        """
        sizes = {} if self.sizes is None else {"sizes": self.sizes}
        return {"boxes": self.boxes, "scores": self.scores, "labels": self.labels, **sizes, **self._columns}

    @classmethod
    def from_dict(cls, columns: Mapping[str, Any]) -> Detections:
        """Detections from columns by their names, such as torchvision's detectors give.

        Parameters
        ----------
        columns : mapping
            ``boxes``, ``scores``, ``labels`` and whatever else has one entry a row: ``keypoints``, ``masks``. Arrays,
            lists, or tensors on the CPU that need no gradient.

        Returns
        -------
        detections : Detections

        Raises
        ------
        TypeError
            If ``columns`` is no mapping, or as ``Detections`` raises it.
        ValueError
            If boxes, scores or labels are missing, or as ``Detections`` raises it.

        Examples
        --------
        >>> from detutils import Detections
        >>> Detections.from_dict({"boxes": [[0, 0, 9, 9]], "scores": [0.9], "labels": [2]}).labels
        array([2])
        """
        if not isinstance(columns, Mapping):
            raise TypeError(f"columns must be a mapping, got {type(columns).__name__}")
        missing = [name for name in ("boxes", "scores", "labels") if name not in columns]
        if missing:
            raise ValueError(f"columns has no {missing[0]}")
        for name in columns:
            if not isinstance(name, str):
                raise TypeError(f"columns has the name {name!r}, which is no str")
        return cls(**columns)

    def to_list(self) -> list[dict[str, Any]]:
        """Plain Python numbers, one mapping a row, for what takes no arrays.

        Returns
        -------
        rows : list of dict
            ``box``, ``score``, ``label``, then the further columns; ``sizes`` are left out. What is not finite is None.

        Raises
        ------
        TypeError
            If a column holds something else than numbers, text, and lists or mappings of them.

        Examples
        --------
        >>> from detutils import Detections
        >>> Detections([[0, 0, 9.5, 9]], [0.9], [2], name=["cup"]).to_list()
        [{'box': [0.0, 0.0, 9.5, 9.0], 'score': 0.9, 'label': 2, 'name': 'cup'}]
        """
        return as_plain_rows({"boxes": self.boxes, "scores": self.scores, "labels": self.labels, **self._columns})

    def to_json(self) -> str:
        """The text of ``to_list`` as JSON. It never holds NaN, which JSON does not know: null stands for it.

        Returns
        -------
        text : str
            A list of objects, one a row.

        Raises
        ------
        TypeError
            As ``to_list``.

        Examples
        --------
        >>> from detutils import Detections
        >>> print(Detections([[0, 0, 9.5, 9]], [0.9], [2]).to_json())
        [{"box": [0.0, 0.0, 9.5, 9.0], "score": 0.9, "label": 2}]
        """
        return json.dumps(self.to_list(), allow_nan=False)

    def to_coco(self, image_id: int | str, class_ids: Sequence[int] | None = None) -> list[dict[str, Any]]:
        """Entries of a COCO results file.

        Parameters
        ----------
        image_id : int or str
            COCO's id of the image.
        class_ids : sequence of int, optional
            The category id of each label, as ``Dataset.class_ids`` has them; by default labels are category ids.

        Returns
        -------
        entries : list of dict
            ``image_id``, ``category_id``, ``bbox`` (x, y, width, height; of ``sizes`` where there are some) and
            ``score``. A column ``keypoints`` (N, K, 2 or 3) is written as x, y, v end to end: v = 2 where there is
            none, 0, 0, 0 for a point that is not finite. A column ``segmentation``, polygons or run lengths, is written
            as it is. Others are not written. Entries of several images are joined with ``+``.

        Raises
        ------
        TypeError
            If ``image_id`` is neither an integer nor text, or labels are not whole numbers.
        ValueError
            If a box or score is not finite, a box has x2 < x1 or y2 < y1, or a label is not one of ``class_ids``.

        References
        ----------
        "Results format" on cocodataset.org.

        Examples
        --------
        >>> from detutils import Detections
        >>> Detections([[10, 20, 40, 60]], [0.9], [0]).to_coco(7, class_ids=[18])
        [{'image_id': 7, 'category_id': 18, 'bbox': [10.0, 20.0, 30.0, 40.0], 'score': 0.9}]
        """
        columns = {"boxes": self.boxes, "scores": self.scores, "labels": self.labels, **self._columns}
        return as_coco_entries(columns, self.sizes, image_id, class_ids)

    def to_torch(self) -> dict[str, Any]:
        """Tensors by their names, as torchvision's detectors give them and its metrics take them.

        Returns
        -------
        tensors : dict
            The columns of ``to_dict`` with memory of their own and the dtype that they have; what is no array of
            numbers stays as it is.

        Raises
        ------
        ImportError
            If torch is not installed.
        """
        return to_tensors(self.to_dict())

    def to_supervision(self) -> Any:
        """The same as a ``supervision.Detections``.

        Returns
        -------
        detections : supervision.Detections
            ``xyxy``, ``confidence``, ``class_id``; ``masks`` as ``mask``, ``tracker_id``, and the other columns in
            ``data``. ``sizes`` are left out.

        Raises
        ------
        ImportError
            If supervision is not installed.
        ValueError
            If a box or score breaks the contract, or labels are not whole numbers.
        """
        return to_supervision({"boxes": self.boxes, "scores": self.scores, "labels": self.labels, **self._columns})

    @classmethod
    def from_supervision(cls, detections: Any) -> Detections:
        """Detections from a ``supervision.Detections``, which need not be installed for it.

        Parameters
        ----------
        detections : supervision.Detections
            ``mask`` becomes the column ``masks``, ``tracker_id`` one of its name, each entry of ``data`` another.
            Without ``confidence`` scores are 1, without ``class_id`` labels are 0.

        Returns
        -------
        detections : Detections

        Raises
        ------
        TypeError
            If it is something else.
        ValueError
            If a name in ``data`` is taken or no identifier.
        """
        return cls(**from_supervision(detections))


def _fill(record: Detections, boxes: Any, scores: Any, labels: Any, sizes: Any, columns: dict[str, Any]) -> None:
    _SET_BOXES(record, boxes)
    _SET_SCORES(record, scores)
    _SET_LABELS(record, labels)
    _SET_SIZES(record, sizes)
    _SET_COLUMNS(record, columns)


# A record refuses assignment; its slots do not.
_SET_BOXES, _SET_SCORES, _SET_LABELS, _SET_SIZES, _SET_COLUMNS = (
    vars(Detections)[name].__set__ for name in ("boxes", "scores", "labels", "sizes", "_columns")
)


def _made(boxes: Any, scores: Any, labels: Any, sizes: Any, columns: dict[str, Any]) -> Detections:
    """A record of columns that are known to belong together."""
    record = Detections.__new__(Detections)
    _fill(record, boxes, scores, labels, sizes, columns)
    return record


def _as_column(column: Any, name: str, rows: int) -> Any:
    """An array, or a list of what has an order, with one entry a row."""
    _check_column_name(name)
    if isinstance(column, np.ndarray) or hasattr(column, "__array__") or hasattr(column, "__dlpack__"):
        column = plain_array(column, name)
        count = column.shape[0] if column.ndim else -1
    else:
        column = as_items(column, name, "an array or a sequence of one entry a row")
        count = len(column)
    if count != rows:
        raise ValueError(f"{name} must have one entry for each of the {rows} boxes, got {max(count, 0)}")
    return column


@functools.lru_cache(1024)
def _check_column_name(name: str) -> None:
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise ValueError(f"{name!r} cannot be the name of a column: it must be a word that Python can read")
    if hasattr(Detections, name) or name in ("box", "score", "label"):
        raise ValueError(f"{name!r} cannot be the name of a column: it is taken")


@functools.lru_cache(256)
def _row_type(names: tuple[str, ...]) -> Any:
    return collections.namedtuple("Row", ("box", "score", "label", *names))


def _as_rows(rows: Any, count: int) -> Any:
    """An index of rows as a slice or a vector of integers."""
    if type(rows) is not NDARRAY:
        if isinstance(rows, (int, np.integer)) and not isinstance(rows, (bool, np.bool_)):
            try:
                row = range(count)[rows]
            except IndexError:
                raise IndexError(f"row {rows} of {count} detections") from None
            return slice(row, row + 1)
        if isinstance(rows, (str, bytes, tuple)) or rows is None or not hasattr(rows, "__len__"):
            hint = f": a column is an attribute, found.{rows}" if isinstance(rows, str) else ""
            raise TypeError(f"rows are chosen by integers, booleans or a slice, got {type(rows).__name__}{hint}")
        rows = plain_array(rows, "rows")
        if rows.shape == (0,) and rows.dtype.kind == "f":  # nothing, written as []
            rows = rows.astype(np.int64)
    if rows.ndim != 1:
        raise IndexError(f"rows must have one dimension, got shape {rows.shape}")
    if rows.dtype.kind == "b":
        if rows.shape[0] != count:
            raise IndexError(f"a mask of {rows.shape[0]} for {count} detections")
        return rows.nonzero()[0]
    if rows.dtype.kind not in "iu":
        raise TypeError(f"rows are chosen by integers, booleans or a slice, got dtype {rows.dtype}")
    return rows if rows.dtype.itemsize < 8 or rows.dtype.kind == "i" else rows.astype(np.int64)


def _select(column: Any, rows: Any) -> Any:
    if type(rows) is slice:
        return column[rows]
    if type(column) is list:
        return [column[row] for row in rows.tolist()]
    if column.flags.c_contiguous:  # else it would be copied whole
        return column.take(rows, 0)  # a third of the time of column[rows]
    return column[rows]


def _shown(column: Any) -> str:
    """A column in a line; what is larger than a table by its shape."""
    if isinstance(column, np.ndarray):
        if column.ndim > 2 or (column.ndim == 2 and column.shape[1] > 8):
            return f"<{column.dtype} {column.shape}>"
        return " ".join(repr(column).split())
    text = repr(column)
    return text if len(text) <= 200 else f"<list of {len(column)}>"


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
    """Whether two records hold the same numbers; a tuple's own ``==`` would ask an array whether it is true."""
    return type(first) is type(second) and same_values(first, second)


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
    """The detections of each image over ``columns``; ``skipped`` lists what a reader left out. Where there are
    ``outlines``, one a detection, each record has a column of them."""

    def __init__(
        self, columns: DetectionColumns, skipped: Sequence[Skipped] = (), outlines: list[Any] | None = None
    ) -> None:
        super().__init__(columns.starts)
        self.columns, self.skipped, self.outlines = columns, tuple(skipped), outlines

    def _record(self, index: int, span: slice) -> Detections:
        columns = self.columns
        more = {} if self.outlines is None else {"outlines": self.outlines[span]}
        return _made(columns.boxes[span], columns.scores[span], columns.labels[span], columns.sizes[span], more)
