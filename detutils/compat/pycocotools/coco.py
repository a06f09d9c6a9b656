"""``pycocotools.coco``: annotations and results in memory, with their indexes.

See ``detutils.compat.pycocotools`` for what differs from the original.
"""

from __future__ import annotations

import copy
import itertools
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from detutils.compat.pycocotools import mask
from detutils.compat.pycocotools._absent import not_covered
from detutils.compat.pycocotools._rows import Rows, rows_of_results
from detutils.compat.pycocotools._unread import AnnotationFile, Results, read_results

maskUtils = mask  # as code imports it from here
ENTRIES = ("dataset", "anns", "imgToAnns", "catToImgs")
INDEXES = (*ENTRIES, "imgs", "cats")


class COCO:
    """Annotations in COCO's form, and ways to find some of them.

    Parameters
    ----------
    annotation_file : str or path, optional
        A JSON file like ``instances_val2017.json``. Without it, assign ``dataset`` and call ``createIndex``.

    Attributes
    ----------
    dataset : dict
        The content of the file.
    anns, cats, imgs : dict
        Annotations, categories and images by id.
    imgToAnns : defaultdict of list
        The annotations of each image.
    catToImgs : defaultdict of list
        For each annotation of a category, the id of its image.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not JSON.
    AssertionError
        If it does not hold an object.

    Notes
    -----
    Dictionaries of a file's annotations are made when one of the attributes is read that holds them; an evaluation of
    files that nobody has looked at does without.

    Examples
    --------
    >>> coco = COCO()
    >>> coco.dataset = {"images": [{"id": 7}], "categories": [{"id": 1, "name": "cat"}], "annotations": [
    ...     {"id": 1, "image_id": 7, "category_id": 1, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 0}]}
    >>> coco.createIndex()
    creating index...
    index created!
    >>> coco.getAnnIds(imgIds=[7]), coco.getCatIds(catNms=["cat"])
    ([1], [1])
    """

    dataset: dict[str, Any]
    anns: dict[Any, Any]
    cats: dict[Any, Any]
    imgs: dict[Any, Any]
    imgToAnns: defaultdict[Any, list[Any]]
    catToImgs: defaultdict[Any, list[Any]]

    def __init__(self, annotation_file: str | os.PathLike[str] | None = None) -> None:
        self._unread: AnnotationFile | Results | None = None
        if annotation_file is None:
            self.dataset, self.anns, self.cats, self.imgs = {}, {}, {}, {}
            self.imgToAnns, self.catToImgs = defaultdict(list), defaultdict(list)
            return
        print("loading annotations into memory...")
        begin = time.time()
        self._unread = AnnotationFile(_as_path(annotation_file))
        print(f"Done (t={time.time() - begin:0.2f}s)")
        _say_indexed()

    def __getattr__(self, name: str) -> Any:
        unread = self.__dict__.get("_unread")
        if unread is None or name not in INDEXES:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if name == "imgs":
            self.imgs = _by_id(unread.part("images"))
        elif name == "cats":
            self.cats = _by_id(unread.part("categories"))
        else:
            if "dataset" not in self.__dict__:
                self.dataset = unread.dataset()
            for key, value in _indexes(self.dataset).items():
                self.__dict__.setdefault(key, value)
            self._unread = None
        return self.__dict__[name]

    def untouched_rows(self, scored: bool) -> Rows | None:
        """The annotations as columns, if nobody can have changed their dictionaries and a scan is sure of them.

        Parameters
        ----------
        scored : bool
            Whether scores are needed.

        Returns
        -------
        rows : Rows or None
            None stands for "read the dictionaries".
        """
        unread = self._unread
        if unread is None or not self.__dict__.keys().isdisjoint(ENTRIES):
            return None
        return unread.rows() if isinstance(unread, Results) or not scored else None

    def createIndex(self) -> None:
        """Make ``anns``, ``cats``, ``imgs``, ``imgToAnns`` and ``catToImgs`` from ``dataset``."""
        print("creating index...")
        indexes = _indexes(self.dataset)
        print("index created!")
        self.__dict__.update(indexes)
        self._unread = None

    def info(self) -> None:
        """Print what the file says of itself."""
        for key, value in self.dataset["info"].items():
            print(f"{key}: {value}")

    def getAnnIds(self, imgIds: Any = (), catIds: Any = (), areaRng: Any = (), iscrowd: Any = None) -> list[Any]:
        """The ids of some annotations.

        Parameters
        ----------
        imgIds, catIds : id or sequence of ids, optional
            Only annotations of these images and categories.
        areaRng : (least, most), optional
            Only areas strictly between the two.
        iscrowd : bool, optional
            Only crowds, or none of them.

        Returns
        -------
        ids : list
            Image by image as given; without images, in the order of the file.
        """
        images, categories = _as_list(imgIds), _as_list(catIds)
        if len(images) > 0:
            chosen = [self.imgToAnns[key] for key in images if key in self.imgToAnns]
            found: Iterable[Any] = itertools.chain.from_iterable(chosen)
        else:
            found = self.dataset["annotations"]
        if len(categories) > 0:
            wanted = _as_set(categories)
            found = [ann for ann in found if ann["category_id"] in wanted]
        if len(areaRng) > 0:
            found = [ann for ann in found if areaRng[0] < ann["area"] < areaRng[1]]
        if iscrowd is not None:
            found = [ann for ann in found if ann["iscrowd"] == iscrowd]
        return [ann["id"] for ann in found]

    def getCatIds(self, catNms: Any = (), supNms: Any = (), catIds: Any = ()) -> list[Any]:
        """The ids of some categories.

        Parameters
        ----------
        catNms, supNms : str or sequence of str, optional
            Only categories of these names and supercategories.
        catIds : id or sequence of ids, optional
            Only these.

        Returns
        -------
        ids : list
            In the order of the file.
        """
        found = self.dataset["categories"] if "dataset" in self.__dict__ else self._part("categories")
        for key, choice in (("name", catNms), ("supercategory", supNms), ("id", catIds)):
            wanted = _as_list(choice)
            if len(wanted) > 0:
                found = [cat for cat in found if cat[key] in wanted]
        return [cat["id"] for cat in found]

    def getImgIds(self, imgIds: Any = (), catIds: Any = ()) -> list[Any]:
        """The ids of some images.

        Parameters
        ----------
        imgIds : id or sequence of ids, optional
            Only these.
        catIds : id or sequence of ids, optional
            Only images that hold objects of all of these categories.

        Returns
        -------
        ids : list
            All in the order of the file; of some, the order is not defined.
        """
        images, categories = _as_list(imgIds), _as_list(catIds)
        if len(images) == len(categories) == 0:
            return list(self.imgs.keys())
        ids = set(images)
        for place, category in enumerate(categories):
            if place == 0 and not ids:
                ids = set(self.catToImgs[category])
            else:
                ids &= set(self.catToImgs[category])
        return list(ids)

    def loadAnns(self, ids: Any = ()) -> list[Any]:
        """Annotations by id.

        Parameters
        ----------
        ids : id or sequence of ids
            Which.

        Returns
        -------
        anns : list of dict
            As many, in this order.
        """
        return [self.anns[key] for key in _as_list(ids)]

    def loadCats(self, ids: Any = ()) -> list[Any]:
        """Categories by id.

        Parameters
        ----------
        ids : id or sequence of ids
            Which.

        Returns
        -------
        cats : list of dict
            As many, in this order.
        """
        return [self.cats[key] for key in _as_list(ids)]

    def loadImgs(self, ids: Any = ()) -> list[Any]:
        """Images by id.

        Parameters
        ----------
        ids : id or sequence of ids
            Which.

        Returns
        -------
        imgs : list of dict
            As many, in this order.
        """
        return [self.imgs[key] for key in _as_list(ids)]

    def loadRes(self, resFile: Any) -> COCO:
        """Detections that belong to these annotations.

        Parameters
        ----------
        resFile : str, path, list of dict or (N, 7) ndarray
            A JSON file of a list, or the list itself, of dictionaries with ``image_id``, ``category_id``, ``bbox``
            (x, y, width, height) and ``score``; or rows for ``loadNumpyAnnotations``. It is not changed.

        Returns
        -------
        results : COCO
            Whose annotations also have ``id`` (from 1), ``area`` and ``segmentation`` (of the box) and ``iscrowd`` 0.

        Raises
        ------
        AssertionError
            If the results are not a list, or belong to an image that is not here.
        ValueError, TypeError
            If an entry lacks something, or a number is not finite or no number. The text names the entry.
        NotImplementedError
            If the results are masks, keypoints or captions.
        """
        around = COCO._around(self)
        print("Loading and preparing results...")
        begin = time.time()
        entries, text, rows = None, None, None
        if isinstance(resFile, (str, os.PathLike)):
            entries, text, rows = read_results(_as_path(resFile))
        elif isinstance(resFile, np.ndarray):
            entries = COCO.loadNumpyAnnotations(self, resFile)
        else:
            entries = resFile
        upright = True
        if rows is None:
            if type(entries) is not list:
                raise AssertionError("results in not an array of objects")
            _check_kind(entries)
            rows, upright = rows_of_results(entries)
        images = rows.images.tolist() if isinstance(rows.images, np.ndarray) else rows.images
        if not set(images) <= set(self.getImgIds()):
            raise AssertionError("Results do not correspond to current coco set")
        print(f"DONE (t={time.time() - begin:0.2f}s)")
        results = COCO()
        for name in INDEXES:
            del results.__dict__[name]
        results._unread = Results(entries, text, rows if upright else None, around)
        _say_indexed()
        return results

    def _part(self, key: str) -> Any:
        """``images`` or ``categories``, without reading annotations."""
        if self._unread is not None and "dataset" not in self.__dict__:
            return self._unread.part(key)
        return self.dataset[key]

    def _around(self) -> dict[str, Any]:
        """What results take over; ``self`` may be the original's."""
        unread = self.__dict__.get("_unread")
        part = self.dataset.get if unread is None or "dataset" in self.__dict__ else unread.part
        return {
            "info": copy.deepcopy(part("info") or {}),
            "images": list(part("images") or []),
            "categories": copy.deepcopy(part("categories") or []),
        }

    def loadNumpyAnnotations(self, data: npt.NDArray[Any]) -> list[dict[str, Any]]:
        """Detections in rows as dictionaries.

        Parameters
        ----------
        data : (N, 7) ndarray
            image id, x, y, width, height, score, category id.

        Returns
        -------
        anns : list of dict
            For ``loadRes``.

        Raises
        ------
        AssertionError
            If it is no array, or has not seven columns.
        ValueError
            If an id is not finite.
        """
        print("Converting ndarray to lists...")
        if type(data) is not np.ndarray:
            raise AssertionError(f"data must be an ndarray, got {type(data).__name__}")
        print(data.shape)
        if data.ndim != 2 or data.shape[1] != 7:
            raise AssertionError(f"data must have shape (N, 7), got {data.shape}")
        for place in range(0, data.shape[0], 1_000_000):
            print(f"{place}/{data.shape[0]}")
        if data.dtype.kind not in "iuf" or not np.isfinite(data).all():
            raise ValueError("data must hold finite numbers")
        return [
            {"image_id": int(image), "bbox": box, "score": score, "category_id": int(category)}
            for (image, *box, score, category) in data.tolist()
        ]

    def annToRLE(self, ann: Any) -> NoReturn:
        """Not covered.

        Parameters
        ----------
        ann : dict
            An annotation.

        Raises
        ------
        NotImplementedError
            Always.
        """
        not_covered("COCO.annToRLE")

    def annToMask(self, ann: Any) -> NoReturn:
        """Not covered.

        Parameters
        ----------
        ann : dict
            An annotation.

        Raises
        ------
        NotImplementedError
            Always.
        """
        not_covered("COCO.annToMask")

    def showAnns(self, anns: Any, draw_bbox: bool = False) -> NoReturn:
        """Not covered; ``detutils.draw_boxes`` draws boxes.

        Parameters
        ----------
        anns : list of dict
            Annotations.
        draw_bbox : bool, default False
            Whether boxes are drawn too.

        Raises
        ------
        NotImplementedError
            Always.
        """
        not_covered("COCO.showAnns", "detutils.draw_boxes draws boxes; ")

    def download(self, tarDir: Any = None, imgIds: Any = ()) -> NoReturn:
        """Not covered.

        Parameters
        ----------
        tarDir : str, optional
            A folder.
        imgIds : sequence of ids, optional
            Only these images.

        Raises
        ------
        NotImplementedError
            Always.
        """
        not_covered("COCO.download")


def _say_indexed() -> None:
    """What the original prints while it makes its indexes."""
    print("creating index...")
    print("index created!")


def _as_path(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"annotation_file must be a path, got {type(path).__name__}")
    return Path(path)


def _as_list(value: Any) -> Any:
    """A sequence as it is, anything else as the one member of a list; a name is not a sequence of letters."""
    many = hasattr(value, "__iter__") and hasattr(value, "__len__") and not isinstance(value, (str, bytes))
    return value if many else [value]


def _as_set(values: Sequence[Any]) -> Any:
    """Plain ids as a set, which is quick to ask; others as they are."""
    plain = all(isinstance(value, (int, str, np.integer)) for value in values)
    return set(values) if plain else values


def _by_id(entries: Any) -> dict[Any, Any]:
    return {entry["id"]: entry for entry in entries}


def _indexes(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """What ``createIndex`` makes."""
    annotations = dataset.get("annotations", [])
    images: defaultdict[Any, list[Any]] = defaultdict(list)
    categories: defaultdict[Any, list[Any]] = defaultdict(list)
    for ann in annotations:
        images[ann["image_id"]].append(ann)
    if "categories" in dataset:
        for ann in annotations:
            categories[ann["category_id"]].append(ann["image_id"])
    return {
        "anns": _by_id(annotations),
        "cats": _by_id(dataset.get("categories", [])),
        "imgs": _by_id(dataset.get("images", [])),
        "imgToAnns": images,
        "catToImgs": categories,
    }


def _check_kind(entries: list[Any]) -> None:
    """Results of boxes only."""
    first = entries[0] if entries else {}
    if not isinstance(first, Mapping) or "caption" in first:
        if isinstance(first, Mapping):
            not_covered("loadRes of captions")
        return
    if entries and ("bbox" not in first or len(_as_list(first["bbox"])) == 0):
        kinds = [kind for kind in ("segmentation", "keypoints") if kind in first]
        if kinds:
            not_covered(f"loadRes of {kinds[0]}")
