"""A network of two hidden layers, fitted by NumPy alone: dropout, Adam, and a step that rises and falls."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils.proposals._kernels.network import FARTHEST
from detutils.proposals.ranking import Network

Array = npt.NDArray[Any]
WIDE, DEEP = 64, 32  # units of the hidden layers
EPOCHS, BATCH = 20, 12
STEP, FIRST_STEPS = 2e-3, 0.1  # of Adam; the share of the steps during which it rises
DROPPED, DROPPED_INPUTS = 0.3, 0.1
LONGEST = 5.0  # what the length of a gradient is clipped to
Slopes = Callable[[Sequence[int], Array], Array]


def _drop(values: Array, share: float, rng: np.random.Generator) -> Array:
    """What each value is multiplied by: 0, or so much more that the mean stays."""
    kept = rng.random(values.shape, np.float32) >= share
    return kept.astype(np.float32) / np.float32(1.0 - share)


class _Pass(NamedTuple):
    """What the units of the layers passed on for some rows, and by how much each unit was multiplied."""

    inputs: Array
    wide: Array
    kept_wide: Array
    deep: Array
    kept_deep: Array


def _forward(parts: list[Array], inputs: Array, rng: np.random.Generator) -> _Pass:
    inputs = inputs * _drop(inputs, DROPPED_INPUTS, rng)
    wide = np.maximum(inputs @ parts[0] + parts[1], 0)
    kept_wide = _drop(wide, DROPPED, rng)
    wide *= kept_wide
    deep = np.maximum(wide @ parts[2] + parts[3], 0)
    kept_deep = _drop(deep, DROPPED, rng)
    return _Pass(inputs, wide, kept_wide, deep * kept_deep, kept_deep)


def _backward(parts: list[Array], passed: _Pass, slopes: Array) -> list[Array]:
    """The slope of each part, from those of the outputs."""
    to_deep = np.outer(slopes, parts[4]) * passed.kept_deep * (passed.deep > 0)
    to_wide = (to_deep @ parts[2].T) * passed.kept_wide * (passed.wide > 0)
    first, second = passed.inputs.T @ to_wide, passed.wide.T @ to_deep
    return [first, to_wide.sum(0), second, to_deep.sum(0), passed.deep.T @ slopes, slopes.sum(keepdims=True)]


def _rise(done: float) -> float:
    """Which part of the longest step is taken when so much of the way is done."""
    if done < FIRST_STEPS:
        return done / FIRST_STEPS
    return 0.5 + 0.5 * math.cos(math.pi * (done - FIRST_STEPS) / (1.0 - FIRST_STEPS))


def fit_network(images: Sequence[Array], mirrored: Array, slopes: Slopes, start: float, seed: int = 0) -> Network:
    """The network whose outputs, plus a constant, have no ``slopes``: the derivatives of what is to be small.

    ``images`` are (N, F) features; ``slopes`` takes the numbers of some images and the outputs of all their rows.
    Each image takes part as it is or, by chance, with the columns ``mirrored``. Outputs begin at ``start``. The numbers
    of the answer are those that half precision has.
    """
    rng = np.random.default_rng(seed)
    every = np.concatenate(images)
    means = every.mean(axis=0).astype(np.float16).astype(np.float32)
    scales = (1.0 / (every.std(axis=0) + 1e-3)).astype(np.float16).astype(np.float32)
    widths = [(every.shape[1], WIDE), (WIDE, DEEP)]
    parts: list[Array] = []
    for before, after in widths:
        bound = 1.0 / math.sqrt(before)
        parts += [rng.uniform(-bound, bound, size).astype(np.float32) for size in ((before, after), (after,))]
    parts += [np.zeros(DEEP, np.float32), np.full(1, start, np.float32)]
    moments = [(np.zeros_like(part), np.zeros_like(part)) for part in parts]
    each = max(1, len(images) // BATCH)
    steps = EPOCHS * each
    for step in range(steps):
        if step % each == 0:
            turn = rng.permutation(len(images))
        chosen = turn[step % each :: each]
        rows = [images[i][:, mirrored] if rng.random() < 0.5 else images[i] for i in chosen]
        inputs = np.clip((np.concatenate(rows) - means) * scales, -FARTHEST, FARTHEST)
        passed = _forward(parts, inputs, rng)
        outputs = passed.deep @ parts[4] + parts[5]
        found = _backward(parts, passed, slopes(chosen, outputs).astype(np.float32))
        length = math.sqrt(sum(float((part * part).sum()) for part in found))
        stride = STEP * _rise((step + 1) / steps) * math.sqrt(1.0 - 0.999 ** (step + 1)) / (1.0 - 0.9 ** (step + 1))
        for part, (mean, square), slope in zip(parts, moments, found, strict=True):
            slope *= np.float32(min(1.0, LONGEST / (length + 1e-6)))
            mean += 0.1 * (slope - mean)
            square += 0.001 * (slope * slope - square)
            part -= np.float32(stride) * mean / (np.sqrt(square) + 1e-8)
    halves = [np.ascontiguousarray(part.astype(np.float16), np.float32) for part in parts[:5]]
    return Network(means, scales, *halves)
