"""One-vs-rest linear classifiers with hard negatives, trained on tables that are read one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from detutils._jit import B1, F8, I8
from detutils._validate import Array
from detutils.geometry.overlaps import box_iou
from detutils.rcnn.ridge import BLOCK_BYTES, RidgeSums, penalties, row_blocks

HARD = -0.5  # a negative that scores higher is a hard one: in the mean they score -1
NEVER = -1.0  # the score of a class without any example


class ImageRows(NamedTuple):
    """The rows of one image and what they show."""

    features: Array
    boxes: F8
    objects: F8
    labels: I8
    ignored: F8  # regions where nobody can say what is there


def scores_of(features: Array, weights: F8) -> F8:
    """(N, C) margins of rows for (D + 1, C) weights, the last row of which belongs to the constant."""
    scores = np.empty((len(features), weights.shape[1]))
    for part, block in row_blocks(features):
        scores[part] = block.astype(np.float64, copy=False) @ weights[:-1] + weights[-1]
    return scores


def signs_of(image: ImageRows, classes: int, positive_iou: float, negative_iou: float) -> Array:
    """(N, C): 1 where a row shows the class, -1 where it does not, 0 where it is neither and teaches nothing.

    A box shows a class if it overlaps an object of it by at least ``positive_iou``, and does not if it
    overlaps every one by less than ``negative_iou``.
    """
    signs = np.full((len(image.boxes), classes), -1, np.int8)
    if len(image.ignored):
        signs[box_iou(image.boxes, image.ignored).max(axis=1) >= negative_iou] = 0
    if len(image.objects):
        overlaps = box_iou(image.boxes, image.objects)
        for label in np.unique(image.labels):
            best = overlaps[:, image.labels == label].max(axis=1)
            signs[best >= negative_iou, label] = 0
            signs[best >= positive_iou, label] = 1
    return signs


def train_classifier(
    images: Callable[[], Iterable[ImageRows]],
    classes: int,
    *,
    alpha: float,
    positive_iou: float,
    negative_iou: float,
    negatives: int,
    rounds: int,
    memory: int,
    rng: np.random.Generator,
) -> F8:
    """(D + 1, C) weights: ridge regressions of +1 and -1, with hard negatives added in rounds.

    First every row that shows something, and at most ``negatives`` random rows an image that show nothing:
    one A'A serves all classes. Then each round scores *all* rows and adds to each class those that do not
    show it but score above ``HARD``, beside the hard ones of earlier rounds. A class that nothing shows is
    never found.
    """
    base, shown = _first_sums(images, classes, positive_iou, negative_iou, negatives, rng)
    width = base.n_features
    penalty, center = penalties(width, alpha), np.zeros(classes)
    weights = base.solve(penalty, center)
    weights[:, ~shown] = 0.0
    weights[-1, ~shown] = NEVER
    at_once = max(1, memory // (8 * (width + 1) ** 2 + BLOCK_BYTES) - 1)  # and the sums that all begin with
    hard: dict[tuple[int, int], I8] = {}
    for _ in range(rounds):
        fresh, before = weights.copy(), sum(map(len, hard.values()))
        for first in range(0, classes, at_once):
            group = [label for label in range(first, min(first + at_once, classes)) if shown[label]]
            sums = {label: base.copy() for label in group}
            for i, image in enumerate(images()):
                signs = signs_of(image, classes, positive_iou, negative_iou)
                scores = scores_of(image.features, weights)
                for label in group:
                    rows = np.flatnonzero((signs[:, label] == -1) & (scores[:, label] > HARD))
                    rows = np.union1d(rows, hard.get((i, label), rows))
                    if len(rows):
                        hard[i, label] = rows
                        sums[label].add(image.features, np.full((len(rows), classes), -1.0), rows)
            for label in group:
                fresh[:, label] = sums.pop(label).solve(penalty, center, keep=False)[:, label]
        weights = fresh
        if sum(map(len, hard.values())) == before:
            break  # what is hard only grows: from here on nothing would change
    return weights


def _first_sums(
    images: Callable[[], Iterable[ImageRows]],
    classes: int,
    positive_iou: float,
    negative_iou: float,
    negatives: int,
    rng: np.random.Generator,
) -> tuple[RidgeSums, B1]:
    """The sums over what every class begins with, and which classes are shown at all."""
    sums: RidgeSums | None = None
    shown = np.zeros(classes, bool)
    for image in images():
        signs = signs_of(image, classes, positive_iou, negative_iou)
        positive = (signs == 1).any(axis=1)
        background = np.flatnonzero((signs == -1).all(axis=1))
        if len(background) > negatives:
            background = np.sort(rng.choice(background, negatives, replace=False))
        rows = np.sort(np.concatenate([np.flatnonzero(positive), background]))
        if sums is None:
            sums = RidgeSums(image.features.shape[1], classes)
        sums.add(image.features, signs[rows].astype(np.float64), rows)
        shown |= (signs == 1).any(axis=0)
    if sums is None or not shown.any():
        raise ValueError("no box of any image shows an object: there is nothing to learn from")
    return sums, shown
