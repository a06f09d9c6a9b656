"""``pycocotools.cocoeval``: average precision and recall of detections against annotations.

See ``detutils.compat.pycocotools`` for what differs from the original.
"""

from __future__ import annotations

import copy
import datetime
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from detutils._jit import F8, I8
from detutils._validate import as_integer, as_number, as_vector
from detutils.compat.pycocotools import mask
from detutils.compat.pycocotools._absent import not_covered
from detutils.compat.pycocotools._entries import (
    Question,
    Sides,
    all_entries,
    curves,
    matched,
    one_entry,
    sides,
    states_of,
    table_of,
)
from detutils.compat.pycocotools._rows import Rows, rows_of_entries
from detutils.compat.pycocotools.coco import COCO
from detutils.evaluation.coco_states import Rules, States, Sums

maskUtils = mask  # as code imports it from here
LAZY = ("evalImgs", "ious", "_gts", "_dts")  # made when somebody reads them
GT, DT = "cocoGt annotations", "cocoDt annotations"
STEPS = ("_prepare", "computeIoU", "evaluateImg")  # what a subclass may do in its own way


class Params:
    """What an evaluation asks for; each attribute may be changed before ``evaluate``.

    Parameters
    ----------
    iouType : {"segm", "bbox", "keypoints"}
        Only "bbox" is evaluated here.

    Attributes
    ----------
    imgIds, catIds : list
        Images and categories; ``COCOeval`` fills them in.
    iouThrs, recThrs : (T,), (R,) float64 ndarray
        0.5, 0.55, ... 0.95 and 0, 0.01, ... 1.
    maxDets : list of int
        1, 10, 100.
    areaRng, areaRngLbl : list of [least, most], list of str
        Ranges of areas, both ends included, and their names.
    useCats : int
        0 makes one class of all.
    useSegm : None or int
        As in the original, where it is deprecated.

    Raises
    ------
    ValueError
        If ``iouType`` is another one.

    Examples
    --------
    >>> Params("bbox").maxDets
    [1, 10, 100]
    """

    def __init__(self, iouType: str = "segm") -> None:
        if iouType in ("segm", "bbox"):
            self.setDetParams()
        elif iouType == "keypoints":
            self.setKpParams()
        else:
            raise ValueError(f"iouType not supported: {iouType!r}")
        self.iouType = iouType
        self.useSegm: Any = None

    def setDetParams(self) -> None:
        """The parameters for boxes and masks."""
        self.imgIds: list[Any] = []
        self.catIds: list[Any] = []
        self.iouThrs = np.linspace(0.5, 0.95, 10)
        self.recThrs = np.linspace(0.0, 1.0, 101)
        self.maxDets: list[int] = [1, 10, 100]
        self.areaRng: list[Any] = [[0, 1e10], [0, 32**2], [32**2, 96**2], [96**2, 1e10]]
        self.areaRngLbl = ["all", "small", "medium", "large"]
        self.useCats = 1

    def setKpParams(self) -> None:
        """The parameters for keypoints."""
        self.setDetParams()
        self.maxDets = [20]
        self.areaRng, self.areaRngLbl = [[0, 1e10], [32**2, 96**2], [96**2, 1e10]], ["all", "medium", "large"]
        sigmas = [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]
        self.kpt_oks_sigmas = np.array([sigma / 100 for sigma in sigmas]) / 10.0


class COCOeval:
    """The evaluation of detections: ``evaluate``, ``accumulate``, ``summarize``.

    Parameters
    ----------
    cocoGt, cocoDt : COCO
        Annotations, and what their ``loadRes`` gave; also those of pycocotools.
    iouType : {"segm", "bbox", "keypoints"}
        The default is the original's; only "bbox" is evaluated here.

    Attributes
    ----------
    params : Params
        What is asked for.
    evalImgs : list of dict or None
        By category, range of areas and image: ids, matches, scores and flags of ``evaluateImg``. Made when it is read.
    ious : dict
        The overlaps of each (image, category). Made when it is read.
    eval : dict
        ``precision`` and ``scores`` (T, R, K, A, M), ``recall`` (T, K, A, M), -1 where there is nothing to find;
        ``params``, ``counts``, ``date``.
    stats : (12,) float64 ndarray
        What ``summarize`` prints.

    Raises
    ------
    ValueError
        If ``iouType`` is unknown.

    Examples
    --------
    >>> import contextlib, io
    >>> truth = COCO()
    >>> truth.dataset = {"images": [{"id": 7}], "categories": [{"id": 1, "name": "cat"}], "annotations": [
    ...     {"id": 1, "image_id": 7, "category_id": 1, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 0}]}
    >>> with contextlib.redirect_stdout(io.StringIO()):
    ...     truth.createIndex()
    ...     found = truth.loadRes([{"image_id": 7, "category_id": 1, "bbox": [0, 0, 9, 8], "score": 0.5}])
    ...     evaluation = COCOeval(truth, found, "bbox")
    ...     evaluation.evaluate()
    ...     evaluation.accumulate()
    ...     evaluation.summarize()
    >>> evaluation.stats[:3].round(3)
    array([0.8, 1. , 1. ])
    """

    evalImgs: Any
    ious: Any
    _gts: Any
    _dts: Any

    def __init__(self, cocoGt: Any = None, cocoDt: Any = None, iouType: str = "segm") -> None:
        if not iouType:
            print("iouType not specified. use default iouType segm")
        self.cocoGt, self.cocoDt = cocoGt, cocoDt
        self.evalImgs = defaultdict(list)
        self.eval: dict[str, Any] = {}
        self._gts, self._dts = defaultdict(list), defaultdict(list)
        self.params: Any = Params(iouType=iouType)
        self._paramsEval: Any = {}
        self.stats: Any = []
        self.ious = {}
        self._question: Question | None = None
        self._sides: Sides | None = None
        self._states: list[States] = []
        if cocoGt is not None:
            self.params.imgIds = sorted(cocoGt.getImgIds())
            self.params.catIds = sorted(cocoGt.getCatIds())

    def __getattr__(self, name: str) -> Any:
        question, both = self.__dict__.get("_question"), self.__dict__.get("_sides")
        if name not in LAZY or question is None or both is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if name == "evalImgs":
            self.evalImgs = all_entries(both, question)
        elif name == "ious":
            self.ious = _tables(both, question)
        else:
            COCOeval._prepare(self)
        return self.__dict__[name]

    # ---- one image after another -------------------------------------------------------------------------------------

    def evaluate(self) -> None:
        """Match the detections of each image and category, for each threshold and range of areas.

        Raises
        ------
        NotImplementedError
            If ``params.iouType`` is not "bbox".
        ValueError, TypeError
            If a parameter, an annotation or a detection is not usable; the text names it.
        """
        begin = time.time()
        print("Running per image evaluation...")
        p = self.params
        if p.useSegm is not None:
            p.iouType = "segm" if p.useSegm == 1 else "bbox"
            print(f"useSegm (deprecated) is not None. Running {p.iouType} evaluation")
        print(f"Evaluate annotation type *{p.iouType}*")
        _check_type(p.iouType)
        p.imgIds = list(np.unique(p.imgIds))
        if p.useCats:
            p.catIds = list(np.unique(p.catIds))
        p.maxDets = sorted(p.maxDets)
        question = _question(p)
        self.eval, self._sides, self._states = {}, None, []
        if any(getattr(type(self), step) is not getattr(COCOeval, step) or step in self.__dict__ for step in STEPS):
            self._one_by_one(question)
        else:
            self._question = question
            self._sides = sides(_rows(self.cocoGt, p, False), _rows(self.cocoDt, p, True), question)
            self._states = matched(self._sides, question)
            for name in LAZY:
                self.__dict__.pop(name, None)
        self._paramsEval = copy.deepcopy(self.params)
        print(f"DONE (t={time.time() - begin:0.2f}s).")

    def _one_by_one(self, question: Question) -> None:
        """For a subclass that does a step in its own way."""
        p, limit = self.params, question.limit
        self._prepare()
        self.ious = {(image, label): self.computeIoU(image, label) for image in p.imgIds for label in question.classes}
        self.evalImgs = [
            self.evaluateImg(image, label, bounds, limit)
            for label in question.classes
            for bounds in p.areaRng
            for image in p.imgIds
        ]

    def _prepare(self) -> None:
        """Annotations and detections by image and category: ``_gts``, whose ``ignore`` is set, and ``_dts``."""
        p = self.params
        _check_type(p.iouType)
        for name, coco in (("_gts", self.cocoGt), ("_dts", self.cocoDt)):
            groups = defaultdict(list)
            for entry in _entries(coco, p):
                if name == "_gts":
                    entry["ignore"] = entry.get("iscrowd", 0)
                groups[entry["image_id"], entry["category_id"]].append(entry)
            setattr(self, name, groups)

    def computeIoU(self, imgId: Any, catId: Any) -> Any:
        """The overlaps of an image and category.

        Parameters
        ----------
        imgId, catId : id
            As in ``params``; ``catId`` -1 where categories do not count.

        Returns
        -------
        ious : (D, G) float64 ndarray, or []
            Detections by falling score, at most ``params.maxDets[-1]``; objects in the order of the file.
        """
        _check_type(self.params.iouType)
        return table_of(*self._pair(imgId, catId, True), self.params.maxDets[-1])

    def computeOks(self, imgId: Any, catId: Any) -> NoReturn:
        """Not covered; ``detutils.oks`` compares keypoints.

        Parameters
        ----------
        imgId, catId : id
            As for ``computeIoU``.

        Raises
        ------
        NotImplementedError
            Always.
        """
        not_covered("evaluation of keypoints", "detutils.oks compares them; ")

    def evaluateImg(self, imgId: Any, catId: Any, aRng: Any, maxDet: int) -> dict[str, Any] | None:
        """Match the detections of an image and category by ``self.ious``.

        Parameters
        ----------
        imgId, catId : id
            As in ``params``; ``catId`` -1 where categories do not count.
        aRng : (least, most)
            The range of areas.
        maxDet : int
            How many detections.

        Returns
        -------
        entry : dict or None
            What ``evalImgs`` holds; None where there is neither object nor detection.
        """
        objects, detections = self._pair(imgId, catId, False)
        if not objects.crowd.size and not detections.crowd.size:
            return None
        table = self.ious[imgId, catId]
        return one_entry(objects, detections, table, _question(self.params), (imgId, catId, aRng, maxDet))

    def _pair(self, image: Any, category: Any, boxed: bool) -> tuple[Rows, Rows]:
        """The objects and detections of an image and category."""
        names = [category] if self.params.useCats else self.params.catIds
        objects, found = ([entry for name in names for entry in side[image, name]] for side in (self._gts, self._dts))
        return rows_of_entries(objects, GT, False, boxed), rows_of_entries(found, DT, True, boxed)

    # ---- all together ------------------------------------------------------------------------------------------------

    def accumulate(self, p: Any = None) -> None:
        """Add up what ``evaluate`` found into ``eval``.

        Parameters
        ----------
        p : Params, optional
            Other parameters; what they ask for must have been evaluated.

        Raises
        ------
        ValueError
            If ``evaluate`` has not run.
        """
        print("Accumulating evaluation results...")
        begin = time.time()
        own = "evalImgs" not in self.__dict__
        question = self._question
        if (own and question is not None and not question.asks()) or (not own and len(self.evalImgs) == 0):
            print("Please run evaluate() first")
        done = self._paramsEval
        if not isinstance(done, Params) and not hasattr(done, "imgIds"):
            raise ValueError("evaluate() must run before accumulate()")
        p = self.params if p is None else p
        p.catIds = p.catIds if p.useCats == 1 else [-1]
        levels = _Levels(p.recThrs)
        sizes = len(p.iouThrs), levels.count, len(p.catIds) if p.useCats else 1, len(p.areaRng), len(p.maxDets)
        sums = _Sums(sizes)
        classes = done.catIds if done.useCats else [-1]
        limits = [limit for limit in p.maxDets if limit in set(done.maxDets)]
        same = [*map(tuple, p.areaRng)] == [*map(tuple, done.areaRng)] and _equal(p.imgIds, done.imgIds)
        same = same and _equal(p.catIds, classes) and len(p.iouThrs) == len(done.iouThrs)
        if own and same and question is not None:
            self._add_states(sums, levels, limits)
        else:
            self._add_entries(sums, levels, limits, p)
        self.eval = {
            "params": p,
            "counts": list(sizes),
            "date": datetime.datetime.now().strftime("%Y-%m-%d %H:%M:%S"),
            "precision": sums.precision,
            "recall": sums.recall,
            "scores": sums.scores,
        }
        print(f"DONE (t={time.time() - begin:0.2f}s).")

    def _add_states(self, sums: _Sums, levels: _Levels, limits: list[int]) -> None:
        """From what was matched for all images together."""
        if self._question is None or self._sides is None:
            return
        there = np.union1d(self._sides.truth.labels, self._sides.found.labels)
        first = 0
        for part, states in zip(self._question.parts(), self._states, strict=True):
            rules = self._question.rules(part)
            for m, every in enumerate(curves(states, rules, limits, levels.ascending)):
                sums.put(every, levels, (slice(first, first + part.size), there, slice(None), m))
            first += part.size

    def _add_entries(self, sums: _Sums, levels: _Levels, limits: list[int], p: Any) -> None:
        """From ``evalImgs``, which may be anyone's, by the places at which the original looks."""
        done = self._paramsEval
        known = set(done.catIds if done.useCats else [-1]), set(map(tuple, done.areaRng)), set(done.imgIds)
        classes = [place for place, key in enumerate(p.catIds) if key in known[0]]
        areas = [place for place, bounds in enumerate(map(tuple, p.areaRng)) if bounds in known[1]]
        images = [place for place, key in enumerate(p.imgIds) if key in known[2]]
        n_images, n_areas = len(done.imgIds), len(done.areaRng)
        for k, c in enumerate(classes):
            for a, place in enumerate(areas):
                begin = (c * n_areas + place) * n_images
                entries = [self.evalImgs[begin + image] for image in images]
                entries = [entry for entry in entries if entry is not None]
                if not entries:
                    continue
                count, first = len(entries[0]["dtMatches"]), 0
                for states in states_of(entries, count):
                    size = min(count - first, 60)
                    rules = Rules(np.zeros(size), (1,), {"": (0.0, 0.0)}, False)
                    for m, every in enumerate(curves(states, rules, limits, levels.ascending)):
                        sums.put(every, levels, (slice(first, first + size), np.array([k]), slice(a, a + 1), m))
                    first += size

    def summarize(self) -> None:
        """Print the twelve numbers, and keep them in ``stats``.

        Raises
        ------
        ValueError
            If ``accumulate`` has not run.
        IndexError
            If ``params.maxDets`` has fewer than three members.
        """
        if not self.eval:
            raise ValueError("Please run accumulate() first")
        p = self.params
        _check_type(p.iouType)
        if len(p.maxDets) < 3:
            raise IndexError(f"the twelve lines need three params.maxDets, got {p.maxDets}")
        few, more, most = p.maxDets[:3]
        lines = [
            (1, None, "all", 100), (1, 0.5, "all", most), (1, 0.75, "all", most),
            (1, None, "small", most), (1, None, "medium", most), (1, None, "large", most),
            (0, None, "all", few), (0, None, "all", more), (0, None, "all", most),
            (0, None, "small", most), (0, None, "medium", most), (0, None, "large", most),
        ]  # fmt: skip
        self.stats = np.array([self._line(*line) for line in lines], np.float64)

    def _line(self, ap: int, threshold: float | None, area: str, limit: int) -> float:
        """Print a line and return its number."""
        p = self.params
        values = self.eval["precision" if ap else "recall"]
        if threshold is not None:
            values = values[np.where(threshold == np.asarray(p.iouThrs))[0]]
        areas = [place for place, name in enumerate(p.areaRngLbl) if name == area]
        limits = [place for place, count in enumerate(p.maxDets) if count == limit]
        values = values[..., areas, limits]
        there = values[values > -1]
        mean = np.mean(there) if there.size else -1
        span = f"{p.iouThrs[0]:0.2f}:{p.iouThrs[-1]:0.2f}" if threshold is None else f"{threshold:0.2f}"
        title, short = ("Average Precision", "(AP)") if ap else ("Average Recall", "(AR)")
        print(f" {title:<18} {short} @[ IoU={span:<9} | area={area:>6s} | maxDets={limit:>3d} ] = {mean:0.3f}")
        return float(mean)

    def __str__(self) -> str:
        """Print the twelve numbers; the original does so too, and then fails."""
        self.summarize()
        return ""


class _Levels:
    """Levels of recall: the kernel takes them ascending, the original in any order."""

    def __init__(self, recThrs: Any) -> None:
        levels = as_vector(recThrs, "params.recThrs")
        self.count = levels.size
        self._order = np.argsort(levels, kind="stable")
        self._sorted = bool((np.diff(levels) >= 0.0).all())
        self._positive = levels > 0.0
        self.ascending: F8 = levels[self._order]

    def as_asked(self, curves: F8) -> F8:
        """(C, 2, A, T, R) precision and scores by the levels as given. Beyond the first level that is not reached the
        original leaves zeros."""
        if self._sorted:
            return curves
        back: F8 = np.empty_like(curves)
        back[..., self._order] = curves
        missed = (back[:, :1] == 0.0) & self._positive
        return np.where(np.logical_or.accumulate(missed, axis=-1), 0.0, back)


class _Sums:
    """The arrays of ``eval``, -1 where nothing was added."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.precision, self.scores = -np.ones(sizes), -np.ones(sizes)
        self.recall = -np.ones((sizes[0], *sizes[2:]))

    def put(self, sums: Sums, levels: _Levels, where: tuple[slice, I8, slice, int]) -> None:
        """Fill in some thresholds, classes and ranges of areas, at one limit."""
        part, classes, areas, m = where
        both = levels.as_asked(sums.curves).transpose(1, 3, 4, 0, 2)  # from (C, 2, A, T, R)
        for place, label in enumerate(classes.tolist()):
            self.precision[part, :, label, areas, m] = both[0, :, :, place]
            self.scores[part, :, label, areas, m] = both[1, :, :, place]
            self.recall[part, label, areas, m] = sums.recall[place, 0].T


def _check_type(iouType: Any) -> None:
    if iouType != "bbox":
        not_covered(f"evaluation of iouType {iouType!r}", "it evaluates 'bbox' only; ")


def _question(p: Any) -> Question:
    """The parameters, checked."""
    thresholds = as_vector(p.iouThrs, "params.iouThrs")
    if not thresholds.size:
        raise ValueError("params.iouThrs must not be empty")
    limits = [as_integer(limit, "params.maxDets", 0, 2**62) for limit in p.maxDets]
    if not limits:
        raise ValueError("params.maxDets must not be empty")
    for place, bounds in enumerate(p.areaRng):
        if not hasattr(bounds, "__len__") or len(bounds) != 2:
            raise ValueError(f"params.areaRng[{place}] must be (least, most), got {bounds!r}")
        for bound in bounds:
            as_number(bound, f"params.areaRng[{place}]", -np.inf, np.inf)
    classes = list(p.catIds) if p.useCats else [-1]
    return Question(list(p.imgIds), classes, list(p.catIds), bool(p.useCats), thresholds, list(p.areaRng), limits[-1])


def _entries(coco: Any, p: Any) -> list[Any]:
    """The annotations of the images and, where these count, the categories."""
    if coco is None:
        raise ValueError("COCOeval needs cocoGt and cocoDt")
    if p.useCats:
        return list(coco.loadAnns(coco.getAnnIds(imgIds=p.imgIds, catIds=p.catIds)))
    return list(coco.loadAnns(coco.getAnnIds(imgIds=p.imgIds)))


def _rows(coco: Any, p: Any, found: bool) -> Rows:
    """The annotations as columns: at once where they were never made into dictionaries."""
    plain = isinstance(coco, COCO) and all(
        getattr(type(coco), name) is getattr(COCO, name) for name in ("getAnnIds", "loadAnns")
    )
    rows = coco.untouched_rows(found) if plain else None
    if rows is not None:
        return rows  # type: ignore[no-any-return]
    entries = _entries(coco, p) if len(p.imgIds) else []
    return rows_of_entries(entries, DT if found else GT, found)


def _tables(both: Sides, question: Question) -> dict[Any, Any]:
    """``ious`` of all images and categories."""
    tables: dict[Any, Any] = {(image, label): [] for image in question.images for label in question.classes}
    for i, image in enumerate(question.images):
        found = slice(both.found.starts[i], both.found.starts[i + 1])
        owned = slice(both.truth.starts[i], both.truth.starts[i + 1])
        for k in np.intersect1d(both.found.labels[found], both.truth.labels[owned]).tolist():
            rows = np.flatnonzero(both.found.labels[found] == k) + found.start
            objects = np.flatnonzero(both.truth.labels[owned] == k) + owned.start
            table = table_of(both.objects.taken(objects), both.detections.taken(rows), question.limit)
            tables[image, question.classes[k]] = table
    return tables


def _equal(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return len(one) == len(other) and all(a == b for a, b in zip(one, other, strict=True))
