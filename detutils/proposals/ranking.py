"""How many objects to expect at each box and where, by boosted trees, and what chance a place in the order has."""

from __future__ import annotations

import functools
import zipfile
import zlib
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import F4, F8, I4, I8, U1
from detutils.proposals._kernels import trees as kernels
from detutils.proposals.colors import slices
from detutils.proposals.cover import close_boxes, cover
from detutils.proposals.cues import BLOCK, CUES, cues, draw_maps, map_factor
from detutils.proposals.objectness import Candidates

FILE = Path(__file__).with_suffix(".npz")
DEPTH, NODES = kernels.DEPTH, kernels.NODES
LARGEST = 1 << 20  # bytes of a file of weights


class Trees(NamedTuple):
    """Trees of one depth."""

    asked: I4  # (T, NODES) which cue a node looks at
    limits: F4  # (T, NODES) up to which value a box goes left
    leaves: F4  # (T, NODES + 1)


class Weights(NamedTuple):
    """What makes an order of cues: how many objects to expect, how far the sides are off, how gains become chances."""

    trees: Trees
    constant: float
    ways: Trees  # a quarter of them for each side
    usual: F8  # (4,) how far the sides are off in the mean
    chances: F8  # (2, K) logarithms of gains, rising, and the chance there, never falling


def save(path: Path, weights: Weights) -> None:
    """Write a file that ``read`` takes."""
    trees, ways = weights.trees, weights.ways
    np.savez_compressed(
        path, asked=trees.asked.astype(np.int16), limits=trees.limits, leaves=trees.leaves,
        way_asked=ways.asked.astype(np.int16), way_limits=ways.limits, way_leaves=ways.leaves,
        constant=np.float64(weights.constant), usual=weights.usual, chances=weights.chances,
    )  # fmt: skip


def _trees(asked: Any, limits: Any, leaves: Any, parts: int) -> Trees | None:
    """The trees that arrays of a file hold, or None if they hold none."""
    number = asked.shape[0] if asked.ndim == 2 else -1
    fits = (
        (asked.dtype, limits.dtype, leaves.dtype) == (np.int16, np.float32, np.float32)
        and asked.shape == limits.shape == (number, NODES)
        and leaves.shape == (number, NODES + 1)
        and number % parts == 0
    )
    if not fits or not (
        ((asked >= 0) & (asked < CUES)).all() and not np.isnan(limits).any() and np.isfinite(leaves).all()
    ):
        return None
    return Trees(asked.astype(np.int32), limits.copy(), leaves.copy())


def read(path: Path) -> Weights:
    """Weights from a file, every value checked."""
    try:
        size = path.stat().st_size
    except OSError as error:
        text = f"the weights of the ranking are missing: {path} cannot be read; install detutils anew"
        raise OSError(text) from error
    damaged = f"{path} holds no weights of the ranking or is damaged; install detutils anew"
    if size > LARGEST:
        raise ValueError(damaged)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            trees = _trees(archive["asked"], archive["limits"], archive["leaves"], 1)
            ways = _trees(archive["way_asked"], archive["way_limits"], archive["way_leaves"], 4)
            constant, usual, chances = archive["constant"], archive["usual"], archive["chances"]
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise ValueError(damaged) from error
    fits = (
        constant.dtype == usual.dtype == chances.dtype == np.float64
        and (constant.shape, usual.shape) == ((), (4,))
        and chances.ndim == 2
        and chances.shape[0] == 2
        and chances.shape[1] > 0
    )
    if trees is None or ways is None or not fits or not (
        np.isfinite(constant)
        and np.isfinite(usual).all()
        and np.isfinite(chances).all()
        and (np.diff(chances[0]) > 0).all()
        and (np.diff(chances[1]) >= 0).all()
        and ((chances[1] >= 0) & (chances[1] <= 1)).all()
    ):
        raise ValueError(damaged)
    return Weights(trees, float(constant), ways, usual.copy(), chances.copy())


@functools.cache
def weights() -> Weights:
    """Those of the package."""
    return read(FILE)


def expected(model: Weights, cues: F4, halt: Event | None = None) -> F8:
    """(N,) how many objects to expect at each box, from its cues."""
    scores = np.full((cues.shape[0], 1), model.constant)
    for start, stop in slices(cues.shape[0], BLOCK, halt):
        kernels.add_leaves(cues[start:stop], tuple(model.trees), scores[start:stop])
    return np.asarray(np.exp(np.minimum(scores[:, 0], 50.0)), np.float64)


def expected_ways(model: Weights, cues: F4, halt: Event | None = None) -> F8:
    """(N, 4) how far left, upper, right and lower side of an object are from those of a box, in widths and heights."""
    ways = np.tile(model.usual, (cues.shape[0], 1))
    for start, stop in slices(cues.shape[0], BLOCK, halt):
        kernels.add_leaves(cues[start:stop], tuple(model.ways), ways[start:stop])
    return ways


def chances(model: Weights, gains: F8) -> F8:
    """(N,) the chance that a box covers an object at an IoU of at least 0.5, from what it adds to the cover."""
    return np.asarray(np.interp(np.log(np.maximum(gains, 1e-30)), *model.chances), np.float64)


def rank(
    candidates: Candidates,
    planes: U1,
    edges: I4,
    factor: int,
    shape: tuple[int, int],
    wanted: int,
    halt: Event | None = None,
) -> tuple[I8, F8, F8]:
    """The ``wanted`` first candidates of a working image, each the one that adds the most; each one's chance, and how
    far its sides are expected to be off (``expected_ways``).

    ``planes`` are the image's ``lab_planes``, ``edges`` the strengths of a pixel graph whose pixels are ``factor``
    pixels of the image across.
    """
    model = weights()
    partners = close_boxes(candidates.boxes, halt)
    maps = draw_maps(planes, map_factor(shape), candidates.boxes, halt)
    known = cues(candidates, partners, maps, edges, factor, shape, halt)
    order, gains = cover(candidates.boxes, expected(model, known, halt), wanted, partners, halt)
    return order, chances(model, gains), expected_ways(model, known[order], halt)
