"""Training R-CNN on annotated images, in memory that does not grow with their number."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detutils import __version__
from detutils._jit import F8
from detutils._validate import (
    Array,
    as_boxes,
    as_image,
    as_integer,
    as_labels,
    as_marks,
    as_number,
    as_path,
    as_seed,
    as_table,
    as_threshold,
    check_table_block,
    count_of,
)
from detutils.datasets.listing import PictureFolders
from detutils.datasets.records import AnnotatedImage, Dataset
from detutils.pictures.files import read_image
from detutils.rcnn.box_regressor import BoxRegressor
from detutils.rcnn.classifier import ImageRows, train_classifier
from detutils.rcnn.feature_cache import FeatureCache, key_of
from detutils.rcnn.model import RCNN, Describe, Propose, describe, propose
from detutils.rcnn.ridge import row_blocks

Progress = Callable[[str, int, int], object]


def train_rcnn(
    dataset: Dataset,
    images: str | os.PathLike[str] | Sequence[Any],
    *,
    features: Describe | Sequence[Any] | None = None,
    proposals: Propose | Sequence[Any] | None = None,
    cache: str | os.PathLike[str] | None = None,
    alpha: float = 10.0,
    regressor: BoxRegressor | None = None,
    positive_iou: float = 0.7,
    negative_iou: float = 0.3,
    jitter: int = 10,
    negatives: int = 200,
    rounds: int = 2,
    memory: int = 1 << 30,
    seed: int = 0,
    progress: Progress | None = None,
) -> RCNN:
    """Train a detector: proposals, features, one linear classifier and one box regressor for each class.

    Parameters
    ----------
    dataset : Dataset
        What ``read_voc``, ``read_coco``, ``read_yolo`` or ``make_scenes`` gives. Difficult and crowded
        objects teach nothing, and neither do boxes upon them.
    images : folder, or sequence of image arrays or paths
        The folder that the names in the data set are relative to, in which a picture whose name has no
        extension is found by its stem; or the images, in the order of the data
        set.
    features : callable (image, boxes) -> (N, D) array, or sequence of (N, D) arrays, optional
        What describes a box; ``box_features`` by default. Or the features of each image, one row for each of
        its ``proposals``, such as CNN features opened by ``numpy.load(..., mmap_mode="r")``.
    proposals : callable (image) -> (N, 4) array, or sequence of (N, 4) arrays, optional
        What proposes boxes; ``selective_search``, at most 1000, by default. Needed as a sequence where
        ``features`` is one; then let the annotated boxes be among them. Otherwise they are added here.
    cache : folder, optional
        Where to keep proposals and features, so that another run finds them. A run that was interrupted goes
        on where it was; files that are damaged, or made from other images, boxes or functions, are made
        again. By default a temporary folder, deleted at the end.
    alpha : float, default 10.0
        Weight of the squared weights of the classifiers.
    regressor : BoxRegressor, optional
        It is fitted here. By default ``BoxRegressor(feature_norm=20.0)``, R-CNN's values.
    positive_iou : float, default 0.7
        A box shows a class if it overlaps an object of it by at least this.
    negative_iou : float, default 0.3
        A box does not show a class if it overlaps every object of it by less than this. What lies between is
        left out.
    jitter : int, default 10
        How many moved and stretched copies of each annotated box stand among its image's proposals, unless
        the features are given. With few images, they teach the regressors most. R-CNN has none.
    negatives : int, default 200
        How many boxes without any object an image contributes to the first round, at random.
    rounds : int, default 2
        How often hard negatives are looked for among *all* boxes.
    memory : int, default 1 GiB
        Bytes for the normal equations; fewer mean more passes over the features, and one class at least is in
        work.
    seed : int, default 0
        Of the jitter and of the choice of negatives.
    progress : callable (stage, done, total), optional
        Called for each image of each stage: "features", "classifiers", "boxes".

    Returns
    -------
    model : RCNN

    Raises
    ------
    TypeError
        If an argument is not of its type.
    OSError
        If an image cannot be read or the cache cannot be written.
    ValueError
        If an argument is out of its range, shapes do not agree, an image is no image, or there is no object
        at all.

    Notes
    -----
    Where it departs from the paper: the classifiers are ridge regressions of +1 and -1, which need only sums over
    the rows, instead of support vector machines. Positives are all boxes that overlap an object by
    ``positive_iou``; in the paper they are the annotated boxes alone. Negatives that score above -0.5 are hard,
    and stay so; the paper's code takes those above -1.0001 and drops the easy ones again. ``jitter`` is an
    addition. And boxes are described by ``box_features`` unless you give the features of a network.

    In memory at a time: one image with its features, ``memory``, and 200 MB for everything else. The features
    are in the cache, 4 D bytes a box (9 MB an image of 1000 boxes), and are mapped from there. One pass over
    N rows for C classes costs N D C multiplications to score and D^2 for each hard negative; the first one
    costs D^2 for each positive and each of the random negatives. A class of which there is no object is never
    found.

    References
    ----------
    R. Girshick, J. Donahue, T. Darrell, J. Malik: Rich feature hierarchies for accurate object detection and
    semantic segmentation. CVPR 2014, sections 2.3 and 3.4, appendices B and C.

    Examples
    --------
    >>> import detutils
    >>> images, dataset = detutils.make_scenes(6, seed=1)
    >>> model = detutils.train_rcnn(dataset, images, rounds=1)  # doctest: +SKIP
    >>> found = model.detect(images[0])  # doctest: +SKIP
    """
    plan = _Plan(dataset, images, features, proposals, as_integer(jitter, "jitter", 0), as_seed(seed))
    positive_iou, negative_iou = as_threshold(positive_iou, "positive_iou"), as_threshold(negative_iou, "negative_iou")
    options: dict[str, Any] = {
        "alpha": as_number(alpha, "alpha", above=0.0),
        "positive_iou": positive_iou,
        "negative_iou": negative_iou,
        "negatives": as_integer(negatives, "negatives", 1),
        "rounds": as_integer(rounds, "rounds", 0),
        "memory": as_integer(memory, "memory", 1),
        "rng": np.random.default_rng(as_seed(seed)),
    }
    if negative_iou > positive_iou:
        raise ValueError(f"negative_iou must not exceed positive_iou, got {negative_iou} and {positive_iou}")
    mover = BoxRegressor(feature_norm=20.0) if regressor is None else regressor
    if not isinstance(mover, BoxRegressor):
        raise TypeError(f"regressor must be a BoxRegressor or None, got {type(regressor).__name__}")
    if progress is not None and not callable(progress):
        raise TypeError(f"progress must be callable or None, got {type(progress).__name__}")
    tell: Progress = progress if progress is not None else lambda stage, done, total: None
    if cache is not None:
        return _train(plan, FeatureCache(as_path(cache, "cache")), options, mover, tell)
    with tempfile.TemporaryDirectory(prefix="detutils_") as folder:
        return _train(plan, FeatureCache(Path(folder)), options, mover, tell)


class _Plan:
    """Where the image, the boxes and the features of each record come from."""

    def __init__(
        self, dataset: Any, images: Any, features: Any, proposals: Any, jitter: int, seed: int
    ) -> None:
        self.jitter, self.seed = jitter, seed
        if not isinstance(dataset, Dataset):
            raise TypeError(f"dataset must be a Dataset, got {type(dataset).__name__}")
        self.records, self.names = dataset.images, dataset.class_names
        if not self.names:
            raise ValueError("dataset has no classes")
        self.folders, self.images = PictureFolders([]), None
        if isinstance(images, (str, os.PathLike)):
            folder = as_path(images, "images")
            if not folder.is_dir():
                raise NotADirectoryError(f"images: there is no folder {folder}")
            self.folders = PictureFolders([folder])
        else:
            self.images = self._one_each(images, "images")
        self.own_describe: Describe | None = features if callable(features) else None
        self.own_propose: Propose | None = proposals if callable(proposals) else None
        self.tables = self._one_each(features, "features") if _listed(features) else None
        self.places = self._one_each(proposals, "proposals") if _listed(proposals) else None
        if self.tables is not None and self.places is None:
            raise ValueError("features of each image need the proposals that they are of")
        self.describe = describe if self.own_describe is None else self.own_describe
        self.propose = propose if self.own_propose is None else self.own_propose
        self.width: int | None = None

    def _one_each(self, values: Any, name: str) -> list[Any]:
        single = isinstance(values, (str, bytes, bytearray, dict, type)) or getattr(values, "ndim", 1) == 0
        try:
            if single or not hasattr(values, "__getitem__"):
                raise TypeError
            count = count_of(values)
            items = [values[i] for i in range(count)] if count == len(self.records) else []
        except Exception:  # foreign objects raise what they like
            kind = type(values).__name__
            raise TypeError(f"{name} must be a sequence with an entry for each image, got {kind}") from None
        if count != len(self.records):
            raise ValueError(f"{name} has {count} entries for {len(self.records)} images")
        return items

    def rows_of(self, i: int, cache: FeatureCache) -> ImageRows:
        """The boxes of an image, annotated ones first, with their features."""
        record: AnnotatedImage = self.records[i]
        name = f"dataset.images[{i}]"
        boxes = as_boxes(record.boxes, f"{name}.boxes")
        labels = as_labels(record.labels, f"{name}.labels", len(boxes))
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(self.names):
            raise ValueError(f"{name} has a label outside 0..{len(self.names) - 1}")
        unclear = as_marks(record.difficult, f"{name}.difficult", len(boxes))
        unclear = unclear | as_marks(record.crowd, f"{name}.crowd", len(boxes))
        objects = np.ascontiguousarray(boxes[~unclear])
        given = None if self.places is None else as_boxes(self.places[i], f"proposals[{i}]")
        if self.tables is not None and given is not None:
            table, places = self._checked(self.tables[i], f"features[{i}]", len(given)), given
        else:
            table, places = self._from_cache(i, record, objects, given, cache)
        return ImageRows(table, places, objects, labels[~unclear], np.ascontiguousarray(boxes[unclear]))

    def _from_cache(
        self, i: int, record: AnnotatedImage, objects: F8, given: F8 | None, cache: FeatureCache
    ) -> tuple[Array, F8]:
        image = self.folders.find(record.name) if self.images is None else self.images[i]
        source = Path(image) if isinstance(image, (str, os.PathLike)) else as_image(image, f"images[{i}]")
        how = [f"{value.__module__}.{getattr(value, '__qualname__', type(value).__qualname__)}"
               for value in (self.describe, self.propose)]  # fmt: skip
        options = __version__, *how, self.jitter, self.seed, i
        key = key_of(*options, source, objects, "" if given is None else given)
        found = cache.find(key)
        if found is not None and (self.width is None or self.width == found[0].shape[1]):
            self.width = found[0].shape[1]
            return found
        try:
            pixels = read_image(source) if isinstance(source, Path) else source
            places = as_boxes(self.propose(pixels), "proposals(image)") if given is None else given
            loose = _jittered(objects, self.jitter, np.random.default_rng([self.seed, i]))
            places = np.vstack([objects, loose, places])
            table = self._checked(self.describe(pixels, places), "features(image, boxes)", len(places))
        except Exception as error:
            error.add_note(f"while describing image {i}, {record.name}")
            raise
        return cache.keep(key, table, places)

    def _checked(self, features: Any, name: str, rows: int) -> Array:
        table = as_table(features, name, rows, self.width)
        for part, block in row_blocks(table):
            check_table_block(block, name, part.start)
        self.width = table.shape[1]
        return table


def _jittered(boxes: F8, copies: int, rng: np.random.Generator) -> F8:
    """Copies of boxes, moved by about a tenth of their sides and an eighth longer or shorter."""
    boxes = np.repeat(boxes, copies, axis=0)
    sides = boxes[:, 2:] - boxes[:, :2]
    centers = 0.5 * (boxes[:, :2] + boxes[:, 2:]) + 0.1 * sides * rng.standard_normal(sides.shape)
    half = 0.5 * sides * np.exp(0.125 * rng.standard_normal(sides.shape))
    return np.hstack([centers - half, centers + half])


def _listed(value: Any) -> bool:
    return value is not None and not callable(value)


def _train(
    plan: _Plan, cache: FeatureCache, options: dict[str, Any], mover: BoxRegressor, tell: Progress
) -> RCNN:
    count = len(plan.records)
    rows = []
    for i in range(count):
        rows.append(plan.rows_of(i, cache))
        tell("features", i + 1, count)
    passes = 0

    def images() -> Iterator[ImageRows]:
        nonlocal passes
        passes += 1
        for i, image in enumerate(rows, start=1):
            yield image
            tell(f"classifiers, pass {passes}", i, count)

    weights = train_classifier(images, len(plan.names), **options)
    parts = [(image.features, image.boxes, image.objects, image.labels) for image in rows]
    tell("boxes", 0, 1)
    mover.fit(*(list(part) for part in zip(*parts, strict=True)))
    tell("boxes", 1, 1)
    return RCNN(plan.names, weights, mover, features=plan.own_describe, proposals=plan.own_propose)
