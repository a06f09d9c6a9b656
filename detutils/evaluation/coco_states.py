"""What becomes of each detection and object by the rules of COCO, in columns that can be joined and summed up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import B1, F8, I4, I8
from detutils._validate import as_flag, as_integer, as_items, as_number, as_vector, check_memory
from detutils.evaluation._kernels.coco import accumulate, match_class
from detutils.evaluation.inputs import Found, Objects, Ranking, rank
from detutils.evaluation.rotated_rows import as_optional_angle
from detutils.geometry.rotated import Angle

# cocoeval.py's own expressions: a last digit more or less decides at exact overlaps.
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_LEVELS = np.linspace(0.0, 1.0, 101)
_NO_TABLE, _NOBODY = np.empty((0, 0)), np.empty((0, 0, 0), np.int32)
AREAS = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}


class Rules(NamedTuple):
    """What an evaluation asks for."""

    thresholds: F8
    limits: tuple[int, ...]
    areas: dict[str, tuple[float, float]]
    agnostic: bool
    angle: Angle | None = None

    @property
    def ranges(self) -> F8:
        """(A, 2) bounds of the areas."""
        return np.array(list(self.areas.values()))


class States(NamedTuple):
    """Detections and objects of some images; detections by class and falling score, ties in the order of the images."""

    labels: I8  # of each detection
    scores: F8
    images: I8
    states: I8  # rank in its image, then right and wrong by range of areas, a bit each threshold
    object_labels: I8
    object_images: I8
    counted: B1  # (M, A): whether the object counts in each range
    length: int  # how many images


def as_rules(iou_thresholds: Any, max_detections: Any, areas: Any, class_agnostic: Any, angle: Any = None) -> Rules:
    """The checked options of an evaluation."""
    if not isinstance(class_agnostic, (bool, np.bool_)):
        raise TypeError(f"class_agnostic must be a bool, got {type(class_agnostic).__name__}")
    agnostic, turned = as_flag(class_agnostic, "class_agnostic"), as_optional_angle(angle)
    return Rules(_thresholds(iou_thresholds), _limits(max_detections), _areas(areas), agnostic, turned)


def _thresholds(iou_thresholds: Any) -> F8:
    if iou_thresholds is None:
        return IOU_THRESHOLDS.copy()
    levels = as_vector(iou_thresholds, "iou_thresholds").copy()
    if not 1 <= levels.size <= 60:  # the kernel keeps a bit for each
        raise ValueError(f"iou_thresholds must hold 1 to 60 values, got {levels.size}")
    if levels.min() < 0.0 or levels.max() > 1.0:
        raise ValueError(f"iou_thresholds must be in [0, 1], got {levels}")
    return levels


def _limits(max_detections: Any) -> tuple[int, ...]:
    counts = as_items(max_detections, "max_detections", "integers")
    limits = [as_integer(value, "max_detections", 1, 2**62) for value in counts]
    if not limits or sorted(limits) != limits:
        raise ValueError(f"max_detections must be ascending integers, got {limits}")
    return tuple(limits)


def _areas(areas: Any) -> dict[str, tuple[float, float]]:
    if areas is None:
        return dict(AREAS)
    if not isinstance(areas, Mapping):
        raise TypeError(f"areas must be a mapping from names to (least, most), got {type(areas).__name__}")
    ranges = {"all": AREAS["all"]}
    for name, bounds in areas.items():
        if not isinstance(name, str):
            raise TypeError(f"areas must have names, got {name!r}")
        least, most = (as_number(bound, f"areas[{name!r}]", 0.0) for bound in _pair(bounds, name))
        if most < least:
            raise ValueError(f"areas[{name!r}] must be (least, most), got ({least}, {most})")
        ranges[name] = (least, most)
    return ranges


def _pair(bounds: Any, name: str) -> Sequence[Any]:
    items = as_items(bounds, f"areas[{name!r}]", "two numbers")
    if len(items) != 2:
        raise ValueError(f"areas[{name!r}] must be two numbers, got {len(items)}")
    return items


def chosen(found: Found, truth: Objects, images: Any, classes: Any) -> tuple[Found, Objects]:
    """Some of the images, and the objects and detections of some of the classes."""
    if images is not None:
        count = truth.starts.size - 1
        places = [as_integer(place, "images", 0, count - 1) for place in as_items(images, "images", "indices")]
        found = Found(*_rows_of(found, places))
        truth = Objects(*_rows_of(truth, places))
    if classes is not None:
        labels = [as_integer(c, "classes", -(2**63), 2**63 - 1) for c in as_items(classes, "classes", "labels")]
        found = Found(*_kept(found, np.isin(found.labels, labels)))
        truth = Objects(*_kept(truth, np.isin(truth.labels, labels)))
    return found, truth


def _rows_of(columns: Any, places: list[int]) -> list[Any]:
    """The columns of these images only, in this order."""
    spans = [np.arange(columns.starts[i], columns.starts[i + 1]) for i in places]
    rows = np.concatenate([np.empty(0, np.int64), *spans])
    starts = np.concatenate([[0], np.cumsum([span.size for span in spans])]).astype(np.int64)
    return [*(column[rows] for column in columns[:-1]), starts]


def _kept(columns: Any, keep: B1) -> list[Any]:
    """The columns of these rows only."""
    before = np.concatenate([[0], np.cumsum(keep)])
    return [*(column[keep] for column in columns[:-1]), before[columns.starts].astype(np.int64)]


class Prepared(NamedTuple):
    """The rows that the kernels take, and the order in which they take them."""

    ranking: Ranking
    rows: F8  # of detections
    objects: F8
    detections: I8  # (row, image) by class and falling score
    owned: I8  # (row, image) by class and image
    limits: I8  # detections an image and class, images


def prepare(found: Found, truth: Objects, rules: Rules, areas: F8 | None = None) -> Prepared:
    """Detections, whose areas are those of their boxes unless given, and objects as rows."""
    ranking = rank(found, truth)
    own = found.sizes[:, 0] * found.sizes[:, 1] if areas is None else areas
    rows = np.column_stack([found.boxes[:, :2], found.sizes, own])
    aside = np.where(truth.crowd, 2.0, truth.difficult.astype(np.float64))
    objects = np.column_stack([truth.boxes[:, :2], truth.sizes, truth.areas, aside])
    if rules.angle is not None:
        rows, objects = np.concatenate([rows, found.boxes], axis=1), np.concatenate([objects, truth.boxes], axis=1)
    detections = np.column_stack([ranking.order, ranking.images[ranking.order]])
    owned = np.column_stack([ranking.objects, ranking.object_images[ranking.objects]])
    return Prepared(ranking, rows, objects, detections, owned, np.array([rules.limits[-1], truth.starts.size - 1]))


def match(found: Found, truth: Objects, rules: Rules, workers: int = 1, areas: F8 | None = None) -> States:
    """Match all detections, class by class; ``areas`` are those of the detections where they are not their boxes'."""
    if rules.agnostic:
        found = found._replace(labels=np.zeros_like(found.labels))
        truth = truth._replace(labels=np.zeros_like(truth.labels))
    ranking, rows, objects, detections, owned, limits = prepare(found, truth, rules, areas)
    ranges, aside = rules.ranges, objects[:, 5]
    asked = rules.thresholds, ranges, limits
    size = detections.shape[0] * (1 + 2 * ranges.shape[0]) * 8
    check_memory(size, f"what becomes of {detections.shape[0]} detections")
    states: I8 = np.empty((detections.shape[0], 1 + 2 * ranges.shape[0]), np.int64)

    def one(c: int) -> None:
        mine, theirs = ranking.spans(c)
        match_class(rows, detections[mine], objects, owned[theirs], asked, _NO_TABLE, states[mine], _NOBODY)

    classes = range(ranking.labels.size)
    if workers == 1:
        for c in classes:  # a call each, so that Ctrl-C is heard between classes
            one(c)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(one, classes))
    counted = (aside == 0.0)[:, None] & (truth.areas[:, None] >= ranges[:, 0]) & (truth.areas[:, None] <= ranges[:, 1])
    return States(
        found.labels[ranking.order], found.scores[ranking.order], detections[:, 1].copy(), states,
        truth.labels, ranking.object_images, counted, int(limits[1]),
    )  # fmt: skip


class Partners(NamedTuple):
    """Which object each detection takes, by class and falling score, ties in the order of the images."""

    rows: I8  # of the detections
    images: I8
    objects: I4  # (N, A, T): the row of the object, -1 for none


def partners(found: Found, truth: Objects, rules: Rules, areas: F8 | None = None) -> Partners:
    """The object that each detection takes in each range of areas and at each threshold; those beyond the last limit of
    their image and class take none."""
    ranking, rows, objects, detections, owned, limits = prepare(found, truth, rules, areas)
    sizes = detections.shape[0], len(rules.areas), rules.thresholds.size
    check_memory(math.prod(sizes) * 4, f"the partners of {sizes[0]} detections")
    taken = np.full(sizes, -1, np.int32)
    states, asked = np.empty((sizes[0], 1 + 2 * sizes[1]), np.int64), (rules.thresholds, rules.ranges, limits)
    for c in range(ranking.labels.size):
        mine, theirs = ranking.spans(c)
        places = taken[mine]
        match_class(rows, detections[mine], objects, owned[theirs], asked, _NO_TABLE, states[mine], places)
        there = places >= 0
        places[there] = owned[theirs, 0][places[there]]
    return Partners(detections[:, 0], detections[:, 1], taken)


def joined(first: States, second: States) -> States:
    """The images of both, those of ``first`` before those of ``second``."""
    labels, scores = np.append(first.labels, second.labels), np.append(first.scores, second.scores)
    images = np.append(first.images, second.images + first.length)
    order = np.lexsort((images, -scores, labels))
    return States(
        labels[order],
        scores[order],
        images[order],
        np.concatenate([first.states, second.states])[order],
        np.append(first.object_labels, second.object_labels),
        np.append(first.object_images, second.object_images + first.length),
        np.concatenate([first.counted, second.counted]),
        first.length + second.length,
    )


class Sums(NamedTuple):
    """Class by class, by area, threshold and level of recall: curves[:, 0] is precision, curves[:, 1], where asked for,
    the score there."""

    labels: I8
    curves: F8  # (C, 1 or 2, A, T, R)
    recall: F8  # (C, M, A, T)


def added_up(
    states: States, rules: Rules, weights: I8 | None = None, limit: int | None = None, levels: F8 = RECALL_LEVELS
) -> Sums:
    """Precision and recall of every class; ``weights`` say how often each image counts. With a ``limit`` of its own, in
    place of the rules', come the scores. ``levels`` of recall ascend."""
    counts = np.array(rules.limits if limit is None else [limit])
    labels = np.unique(np.concatenate([states.labels, states.object_labels]))
    sizes = (labels.size, 1 if limit is None else 2, len(rules.areas), rules.thresholds.size, levels.size)
    check_memory(math.prod(sizes) * 8, f"the precision of {labels.size} classes")
    curves = np.full(sizes, -1.0)
    recall = np.full((labels.size, counts.size, len(rules.areas), rules.thresholds.size), -1.0)
    bounds = np.searchsorted(states.labels, labels).tolist() + [states.labels.size]
    places = np.searchsorted(labels, states.object_labels)
    shares = states.counted if weights is None else states.counted * weights[states.object_images][:, None]
    counted = [np.bincount(places, column, labels.size) for column in shares.T]  # float64 counts exactly
    positives: I8 = np.ascontiguousarray(np.array(counted).T.astype(np.int64))
    every: I8 = np.empty(0, np.int64) if weights is None else weights[states.images]
    for c in range(labels.size):
        mine = slice(bounds[c], bounds[c + 1])
        accumulate(
            states.states[mine], every[mine] if weights is not None else every, states.scores[mine], positives[c],
            counts, levels, curves[c], recall[c],
        )  # fmt: skip
    return Sums(labels, curves, recall)
