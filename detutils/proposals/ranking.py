"""How many objects to expect at each box, by boosted trees, and what chance a place in the order has."""

from __future__ import annotations

import functools
import zipfile
import zlib
from pathlib import Path
from threading import Event
from typing import NamedTuple

import numpy as np

from detutils._jit import F4, F8, I4, I8, U1
from detutils.proposals._kernels import trees as kernels
from detutils.proposals.cover import close_boxes, cover
from detutils.proposals.cues import CUES, cues, draw_maps, map_factor
from detutils.proposals.objectness import Candidates

FILE = Path(__file__).with_suffix(".npz")
DEPTH, NODES = kernels.DEPTH, kernels.NODES
LARGEST = 1 << 20  # bytes of a file of weights


class Weights(NamedTuple):
    """Trees of one depth, and how gains become chances."""

    asked: I4  # (T, NODES) which cue a node looks at
    limits: F4  # (T, NODES) up to which value a box goes left
    leaves: F4  # (T, NODES + 1)
    constant: float
    chances: F8  # (2, K) logarithms of gains, rising, and the chance there, never falling


def save(path: Path, weights: Weights) -> None:
    """Write a file that ``read`` takes."""
    np.savez_compressed(
        path, asked=weights.asked.astype(np.int16), limits=weights.limits, leaves=weights.leaves,
        constant=np.float64(weights.constant), chances=weights.chances,
    )  # fmt: skip


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
            asked, limits, leaves = archive["asked"], archive["limits"], archive["leaves"]
            constant, chances = archive["constant"], archive["chances"]
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise ValueError(damaged) from error
    trees = asked.shape[0] if asked.ndim == 2 else -1
    fits = (
        (asked.dtype, limits.dtype, leaves.dtype) == (np.int16, np.float32, np.float32)
        and (constant.dtype, chances.dtype) == (np.float64, np.float64)
        and asked.shape == limits.shape == (trees, NODES)
        and leaves.shape == (trees, NODES + 1)
        and constant.shape == ()
        and chances.ndim == 2
        and chances.shape[0] == 2
        and chances.shape[1] > 0
    )
    if not fits or not (
        ((asked >= 0) & (asked < CUES)).all()
        and not np.isnan(limits).any()
        and np.isfinite(leaves).all()
        and np.isfinite(constant)
        and np.isfinite(chances).all()
        and (np.diff(chances[0]) > 0).all()
        and (np.diff(chances[1]) >= 0).all()
        and ((chances[1] >= 0) & (chances[1] <= 1)).all()
    ):
        raise ValueError(damaged)
    return Weights(asked.astype(np.int32), limits.copy(), leaves.copy(), float(constant), chances.copy())


@functools.cache
def weights() -> Weights:
    """Those of the package."""
    return read(FILE)


def expected(model: Weights, cues: F4) -> F8:
    """(N,) how many objects to expect at each box, from its cues."""
    scores = np.full(cues.shape[0], model.constant)
    kernels.add_leaves(cues, (model.asked, model.limits, model.leaves), scores)
    return np.asarray(np.exp(np.minimum(scores, 50.0)), np.float64)


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
) -> tuple[I8, F8]:
    """The ``wanted`` first candidates of a working image, each the one that adds the most, and each one's chance.

    ``planes`` are the image's ``lab_planes``, ``edges`` the strengths of a pixel graph whose pixels are ``factor``
    pixels of the image across.
    """
    model = weights()
    partners = close_boxes(candidates.boxes, halt)
    maps = draw_maps(planes, map_factor(shape), candidates.boxes, halt)
    evidence = np.empty(candidates.boxes.shape[0])
    for start, stop, block in cues(candidates, partners, maps, edges, factor, shape, halt):
        evidence[start:stop] = expected(model, block)
    order, gains = cover(candidates.boxes, evidence, wanted, partners, halt)
    return order, chances(model, gains)
