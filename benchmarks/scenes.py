"""Seeded scenes for the box families: what a region proposal network, a dense head and a survey of small
objects emit.

Every scene is a pair (boxes, scores) of float32; ``labels`` draws classes uniformly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

F4 = npt.NDArray[np.float32]
Scene = tuple[F4, F4]


def rpn_like(n: int, seed: int = 0) -> Scene:
    """Proposals on a 1333 x 800 image: 90 % crowd around 20 objects, 10 % lie anywhere. Few survive."""
    rng = np.random.default_rng(seed)
    width, height = 1333.0, 800.0
    sides = np.exp(rng.uniform(np.log(40), np.log(400), (20, 2)))
    centers = rng.uniform((0, 0), (width, height), (20, 2))
    around = rng.random(n) < 0.9
    which = rng.integers(0, 20, n)
    center = centers[which] + 0.15 * sides[which] * rng.normal(size=(n, 2))
    side = sides[which] * np.exp(0.25 * rng.normal(size=(n, 2)))
    side = np.where(around[:, None], side, np.exp(rng.uniform(np.log(32), np.log(512), (n, 2))))
    center = np.where(around[:, None], center, rng.uniform((0, 0), (width, height), (n, 2)))
    boxes = np.hstack([center - side / 2, center + side / 2])
    boxes = np.clip(boxes, 0, [width, height, width, height])
    logit = np.where(around, 1.0, -3.0) + 1.5 * rng.normal(size=n)
    return boxes.astype(np.float32), (1 / (1 + np.exp(-logit))).astype(np.float32)


def yolo_like(n: int, seed: int = 0) -> Scene:
    """The unfiltered grid of a dense head, strides 8, 16 and 32 (8,400 cells at 640 x 640). Most survive."""
    rng = np.random.default_rng(seed)
    image = 640.0 * np.sqrt(n / 8400)
    centers, strides = [], []
    for stride in (8, 16, 32):
        steps = int(np.ceil(image / stride))
        y, x = np.mgrid[:steps, :steps].reshape(2, -1)
        centers.append(np.stack([x + 0.5, y + 0.5], axis=1) * stride)
        strides.append(np.full(steps * steps, float(stride)))
    center, stride = np.concatenate(centers), np.concatenate(strides)
    chosen = np.sort(rng.choice(len(center), n, replace=False)) if len(center) >= n else np.arange(len(center))
    center, stride = center[chosen], stride[chosen]
    count = len(center)
    loose = stride[:, None] * rng.uniform(1.5, 4.0, (count, 2))
    middle = center + stride[:, None] * rng.normal(scale=0.3, size=(count, 2))
    score = rng.beta(0.6, 30, count)
    objects = max(1, round(8 * n / 8400))
    sides = np.exp(rng.uniform(np.log(30), np.log(200), (objects, 2)))
    places = rng.uniform(0, image, (objects, 2))
    for side, place in zip(sides, places, strict=True):
        under = np.flatnonzero((np.abs(center - place) < side / 2).all(axis=1))
        noise = 0.05 * side * rng.normal(size=(len(under), 4)).reshape(-1, 2, 2).transpose(1, 0, 2)
        middle[under] = place + noise[0]
        loose[under] = np.maximum(side + noise[1], 1.0)
        score[under] = rng.beta(4, 3, len(under))
    boxes = np.hstack([middle - loose / 2, middle + loose / 2])
    return boxes.astype(np.float32), score.astype(np.float32)


def sparse(n: int, seed: int = 0) -> Scene:
    """Small objects on a huge canvas, each seen one to four times with 8 % jitter. About half survive."""
    rng = np.random.default_rng(seed)
    canvas = 40 * np.sqrt(n)
    sightings = rng.integers(1, 5, n)
    which = np.repeat(np.arange(n), sightings)[:n]
    sides = rng.uniform(8, 32, (n, 2))
    places = rng.uniform(0, canvas, (n, 2))
    center = places[which] + 0.08 * sides[which] * rng.normal(size=(n, 2))
    side = sides[which] * np.exp(0.08 * rng.normal(size=(n, 2)))
    order = rng.permutation(n)
    boxes = np.hstack([center - side / 2, center + side / 2])[order]
    return boxes.astype(np.float32), rng.random(n, dtype=np.float32)


def labels(n: int, classes: int = 80, seed: int = 0) -> npt.NDArray[np.int64]:
    """Classes drawn uniformly."""
    return np.random.default_rng([seed, classes]).integers(0, classes, n)


SCENES: dict[str, Callable[..., Scene]] = {"RPN-like": rpn_like, "YOLO-like": yolo_like, "sparse": sparse}


def identical(n: int) -> Scene:
    """One box, n times: one survives, or all of them at a threshold of 1."""
    rng = np.random.default_rng(0)
    return np.tile(np.array([10, 20, 110, 220], np.float32), (n, 1)), rng.random(n, dtype=np.float32)


def disjoint(n: int) -> Scene:
    """A grid of boxes that do not touch: all survive."""
    side = int(np.ceil(np.sqrt(n)))
    y, x = np.mgrid[:side, :side].reshape(2, -1)[:, :n] * np.float32(12)
    boxes = np.stack([x, y, x + 10, y + 10], axis=1).astype(np.float32)
    return boxes, np.random.default_rng(0).random(n, dtype=np.float32)


def crowded(n: int) -> Scene:
    """Boxes of 20-60 px, all of them on 1000 x 1000 pixels."""
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 1000, (n, 2))
    boxes = np.hstack([corner, corner + rng.uniform(20, 60, (n, 2))])
    return boxes.astype(np.float32), rng.random(n, dtype=np.float32)
