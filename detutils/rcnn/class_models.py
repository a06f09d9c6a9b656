"""The arithmetic of R-CNN's box regression: which proposals teach what, and the model of one class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import F8, I8
from detutils._kernels.limits import LIMIT
from detutils._validate import Array, as_boxes, as_labels, as_table, check_table_block, dimensions
from detutils.geometry.overlaps import box_iou
from detutils.rcnn.ridge import RidgeSums, penalties, row_blocks

EPS = 2.0**-52  # the original adds it to every side, so that a box without area has a logarithm
FLOOR = 0.001  # added to the variances of the targets before they are inverted
PAIRS = 1 << 20  # pairs of boxes compared at once
LEARNED = ("classes_", "n_samples_", "coef_", "intercept_", "target_mean_", "target_map_", "feature_scale_")


class TrainingRows(NamedTuple):
    """The proposals of one image that teach: their rows in the features, their targets and their classes."""

    features: Array
    rows: I8
    targets: F8
    labels: I8


class ClassModel(NamedTuple):
    """Four regressions of one class: a prediction is ([features, 1] @ beta) @ inv(whitening) + mean."""

    n: int
    beta: F8
    mean: F8
    whitening: F8


def one_by_one(
    features: Any, proposals: Any, boxes: Any, labels: Any
) -> Iterator[tuple[Any, Any, Any, Any, str]]:
    """The arguments of each image, with the index to name it by in an error: "" where there is but one."""
    if not (isinstance(proposals, (list, tuple)) and any(_depth(item) == 2 for item in proposals)):
        yield features, proposals, boxes, labels, ""
        return
    for value, name in ((features, "features"), (boxes, "boxes"), (labels, "labels")):
        if value is None and name == "labels":
            continue
        if not isinstance(value, (list, tuple)):
            kind = type(value).__name__
            raise TypeError(f"proposals is a list of images, so {name} must be one too, got {kind}")
        if len(value) != len(proposals):
            raise ValueError(f"{name} has {len(value)} entries for {len(proposals)} images")
    for i, places in enumerate(proposals):
        yield features[i], places, boxes[i], None if labels is None else labels[i], f"[{i}]"


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, (list, tuple)) and depth < 3:  # a list may hold itself
        if not value:
            return depth + 1
        value, depth = value[0], depth + 1
    return depth if isinstance(value, (list, tuple)) else depth + dimensions(value)


def best_boxes(proposals: F8, boxes: F8, offset: int) -> tuple[I8, F8]:
    """For each proposal the box that overlaps it most (the first of equals) and their IoU (or 0)."""
    best, iou = np.zeros(len(proposals), np.int64), np.zeros(len(proposals))
    if len(boxes):
        step = max(1, PAIRS // len(boxes))
        for start in range(0, len(proposals), step):
            matrix = box_iou(proposals[start : start + step], boxes, offset=offset)
            best[start : start + step] = matrix.argmax(axis=1)
            iou[start : start + step] = matrix.max(axis=1)
    return best, iou


def _centers_and_sizes(boxes: F8) -> tuple[F8, F8]:
    sizes = boxes[:, 2:] - boxes[:, :2] + EPS
    return boxes[:, :2] + 0.5 * sizes, sizes


def regression_targets(boxes: F8, proposals: F8) -> F8:
    """Equations 6-9 of the paper, solved for the targets."""
    centers, sizes = _centers_and_sizes(proposals)
    wanted_centers, wanted_sizes = _centers_and_sizes(boxes)
    return np.hstack([(wanted_centers - centers) / sizes, np.log(wanted_sizes / sizes)])


def moved_boxes(steps: F8, proposals: F8, clamp: float | None) -> F8:
    """Equations 1-4 of the paper."""
    centers, sizes = _centers_and_sizes(proposals)
    centers = centers + steps[:, :2] * sizes
    half = 0.5 * sizes * np.exp(steps[:, 2:] if clamp is None else np.minimum(steps[:, 2:], clamp))
    return np.hstack([centers - half, centers + half])


class Seen(NamedTuple):
    """What the training data so far have in common: classes, width, whether there are labels, norms."""

    labels: Sequence[int] = ()
    width: int = 0
    labeled: bool | None = None
    norm_sum: float = 0.0
    norm_count: int = 0

    def scale(self, feature_norm: float | None) -> float:
        """What brings the mean norm of all rows to ``feature_norm``."""
        if feature_norm is None or self.norm_sum == 0.0:
            return 1.0
        return feature_norm * self.norm_count / self.norm_sum

    def read(
        self,
        features: Any,
        proposals: Any,
        boxes: Any,
        labels: Any,
        min_iou: float,
        offset: int,
        *,
        norms: bool,
    ) -> tuple[list[TrainingRows], Seen]:
        """Check more data, all of them, and find the rows that teach."""
        images, seen, known = [], self, set(self.labels)
        for table, places, truth, classes, name in one_by_one(features, proposals, boxes, labels):
            table = as_table(table, f"features{name}", None, seen.width or None)
            places, truth = as_boxes(places, f"proposals{name}"), as_boxes(truth, f"boxes{name}")
            if len(table) != len(places):
                raise ValueError(f"features{name} has {len(table)} rows for {len(places)} proposals")
            if seen.labeled is not None and seen.labeled != (classes is not None):
                raise ValueError("labels must come with every portion or with none")
            seen = seen._replace(labeled=classes is not None, width=table.shape[1])
            if classes is None:
                classes = np.zeros(len(truth), np.int64)
                known.add(0)
            else:
                classes = as_labels(classes, f"labels{name}", len(truth))
                known.update(classes.tolist())
            for part, block in row_blocks(table):
                block = check_table_block(block, f"features{name}", part.start)
                if norms:
                    lengths = np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64))
                    total, count = seen.norm_sum + float(lengths.sum()), seen.norm_count + len(lengths)
                    seen = seen._replace(norm_sum=total, norm_count=count)
            best, iou = best_boxes(places, truth, offset)
            rows = np.flatnonzero(iou > min_iou)
            if len(rows):
                matched = best[rows]
                targets = regression_targets(truth[matched], places[rows])
                images.append(TrainingRows(table, rows, targets, classes[matched]))
        return images, seen._replace(labels=sorted(known))


class ClassSums:
    """All that the training rows of one class come down to."""

    def __init__(self, label: int, n_features: int) -> None:
        self.label = label
        self.ridge = RidgeSums(n_features, 4)
        self.mean = np.zeros(4)
        self.scatter = np.zeros((4, 4))

    def add(self, image: TrainingRows) -> None:
        """Add the rows of this class; means and scatter by Chan's update, which does not cancel."""
        here = image.labels == self.label
        targets = image.targets[here]
        if len(targets) == 0:
            return
        before, more = self.ridge.n, len(targets)
        mean = targets.mean(axis=0)
        apart, step = targets - mean, mean - self.mean
        self.scatter += apart.T @ apart + np.outer(step, step) * (before * more / (before + more))
        self.mean = self.mean + step * (more / (before + more))
        self.ridge.add(image.features, targets, image.rows[here])

    def solve(self, alpha: float, scale: float, whiten: bool, *, keep: bool) -> ClassModel:
        """The model; one that leaves boxes as they are if there are no rows."""
        width = self.ridge.n_features
        if self.ridge.n == 0:
            return ClassModel(0, np.zeros((width + 1, 4)), np.zeros(4), np.eye(4))
        whitening = np.eye(4)
        if whiten:
            variances, axes = np.linalg.eigh(self.scatter / self.ridge.n)
            whitening = (axes / np.sqrt(variances.clip(min=0.0) + FLOOR)) @ axes.T
        beta = self._coefficients(self.ridge, penalties(width, alpha, scale), keep=keep)
        return ClassModel(self.ridge.n, beta @ whitening, self.mean.copy(), whitening)

    def refit(
        self, model: ClassModel, images: list[TrainingRows], alpha: float, scale: float, trim: float
    ) -> ClassModel:
        """The model without the rows whose error is not below the (1 - trim) quantile, a target at a time.

        A'A of the rows that stay is A'A of all less that of those that go, which are few.
        """
        mine = [(image.features, image.rows[here], image.targets[here])
                for image in images if (here := image.labels == self.label).any()]  # fmt: skip
        errors = np.vstack([self._errors(model, *rows) for rows in mine])
        stays = errors < np.quantile(errors, 1.0 - trim, axis=0, method="hazen")
        ends = np.cumsum([len(rows) for _, rows, _ in mine])
        beta = model.beta.copy()
        for target in np.flatnonzero(stays.any(axis=0)):
            fewer = 2 * stays[:, target].sum() < len(stays)
            sums = RidgeSums(self.ridge.n_features, 4) if fewer else self.ridge.copy()
            parts = np.split(stays[:, target], ends[:-1])
            for (features, rows, targets), keeps in zip(mine, parts, strict=True):
                chosen = keeps if fewer else ~keeps
                sums.add(features, targets[chosen], rows[chosen], sign=1.0 if fewer else -1.0)
            raw = self._coefficients(sums, penalties(sums.n_features, alpha, scale), keep=False)
            beta[:, target] = raw @ model.whitening[:, target]
        return model._replace(beta=beta)

    def _coefficients(self, sums: RidgeSums, penalty: F8, *, keep: bool) -> F8:
        try:
            return sums.solve(penalty, self.mean, keep=keep)
        except ValueError as error:
            raise ValueError(f"class {self.label}: {error}") from None

    @staticmethod
    def _errors(model: ClassModel, features: Array, rows: I8, targets: F8) -> F8:
        errors = (targets - model.mean) @ model.whitening
        for part, block in row_blocks(features, rows):
            errors[part] -= block.astype(np.float64) @ model.beta[:-1] + model.beta[-1]
        return errors**2


def check_learned(arrays: Mapping[str, Array]) -> dict[str, Any]:
    """What a file says was learned, if one can predict with it; else ValueError.

    Shapes and dtypes agree, numbers are finite, and each target map has an inverse.
    """
    coef = arrays["coef_"]
    if coef.ndim != 3 or coef.shape[0] == 0 or coef.shape[1] == 0:
        raise ValueError(f"coef_ has shape {coef.shape}")
    classes, width, _ = coef.shape
    shapes = dict(zip(LEARNED, ((classes,), (classes,), (classes, width, 4), (classes, 4), (classes, 4),
                                (classes, 4, 4), ()), strict=True))  # fmt: skip
    for name, shape in shapes.items():
        value, dtype = arrays[name], np.dtype(np.int64 if name in LEARNED[:2] else np.float64)
        if value.shape != shape or value.dtype != dtype or not np.isfinite(value).all():
            raise ValueError(f"{name} is not a finite {shape} array of {dtype}")
        if dtype == np.float64 and (np.abs(value) > LIMIT).any():
            raise ValueError(f"{name} has a number beyond {LIMIT:g}")
    if (arrays["classes_"][1:] <= arrays["classes_"][:-1]).any():
        raise ValueError("classes_ does not ascend")
    counts = arrays["n_samples_"]
    if (counts < 0).any() or not counts.any():
        raise ValueError("n_samples_ must be at least 0, and above for a class")
    if not arrays["feature_scale_"] > 0.0:
        raise ValueError("feature_scale_ must be greater than 0")
    maps = arrays["target_map_"]
    turned = maps.transpose(0, 2, 1)
    if (np.abs(maps - turned) > 1e-9 * np.abs(maps).max(axis=(1, 2), keepdims=True)).any():
        raise ValueError("target_map_ is not symmetric")
    least = np.linalg.eigvalsh(maps)
    if not (least[:, 0] > 1e-12 * least[:, -1]).all():
        raise ValueError("target_map_ has no inverse")
    return {name: arrays[name] if shape else float(arrays[name]) for name, shape in shapes.items()}
