"""How many objects to expect at each box and where, by boosted trees and a network, and the chance of each place."""

from __future__ import annotations

import functools
import math
import zipfile
import zlib
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import F4, F8, I4, I8, U1
from detutils.proposals._kernels import network as network_kernels, trees as kernels
from detutils.proposals.colors import slices
from detutils.proposals.cover import close_boxes, cover
from detutils.proposals.cues import BLOCK, CUES, cues, draw_maps, map_factor
from detutils.proposals.objectness import Candidates, objectness
from detutils.proposals.refining import move_sides

FILE = Path(__file__).with_suffix(".npz")
DEPTH, NODES = kernels.DEPTH, kernels.NODES
LARGEST = 1 << 20  # bytes of a file of weights
BETTER, FEWEST = 0.8, 3000  # the share and number of candidates looked at, the best by the log-linear model
COVERED = 0.5  # IoU from which on a box covers the place of another


class Trees(NamedTuple):
    """Trees of one depth."""

    asked: I4  # (T, NODES) which cue a node looks at
    limits: F4  # (T, NODES) up to which value a box goes left
    leaves: F4  # (T, NODES + 1)


class Network(NamedTuple):
    """Two hidden layers, H and K wide; the arrays are laid out in rows."""

    means: F4  # (CUES,)
    scales: F4  # (CUES,) one over the spread
    first: F4  # (CUES, H)
    first_offsets: F4  # (H,)
    second: F4  # (H, K)
    second_offsets: F4  # (K,)
    last: F4  # (K,)


class Weights(NamedTuple):
    """What makes an order of cues: how many objects to expect, how far the sides are off, how gains become chances."""

    trees: Trees
    network: Network
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
        **{name: part.astype(np.float16) for name, part in weights.network._asdict().items()},
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


def _network(archive: Any) -> Network | None:
    """The network of a file, or None if it holds none."""
    parts = [archive[name] for name in Network._fields]
    if not all(part.dtype == np.float16 and part.ndim >= 1 and np.isfinite(part).all() for part in parts):
        return None
    wide, deep = parts[3].shape[0], parts[5].shape[0]
    if [part.shape for part in parts] != [(CUES,), (CUES,), (CUES, wide), (wide,), (wide, deep), (deep,), (deep,)]:
        return None
    return Network(*(np.ascontiguousarray(part, np.float32) for part in parts))


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
            network = _network(archive)
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
    if trees is None or ways is None or network is None or not fits or not (
        np.isfinite(constant)
        and np.isfinite(usual).all()
        and np.isfinite(chances).all()
        and (np.diff(chances[0]) > 0).all()
        and (np.diff(chances[1]) >= 0).all()
        and ((chances[1] >= 0) & (chances[1] <= 1)).all()
    ):
        raise ValueError(damaged)
    return Weights(trees, network, float(constant), ways, usual.copy(), chances.copy())


@functools.cache
def weights() -> Weights:
    """Those of the package."""
    return read(FILE)


def expected(model: Weights, cues: F4, halt: Event | None = None) -> tuple[F8, F8]:
    """(N,) how many objects to expect at each box, and (N, 4) how far left, upper, right and lower side of an object
    are from the box's, in widths and heights."""
    scores, ways = np.full((cues.shape[0], 1), model.constant), np.tile(model.usual, (cues.shape[0], 1))
    for start, stop in slices(cues.shape[0], BLOCK, halt):
        known = cues[start:stop]
        kernels.add_leaves(known, tuple(model.trees), scores[start:stop], tuple(model.ways), ways[start:stop])
        network_kernels.add_outputs(known, tuple(model.network), scores[start:stop, 0])
    return np.exp(np.minimum(scores[:, 0], 50.0)), ways


def chances(model: Weights, gains: F8) -> F8:
    """(N,) the chance that a box covers an object at an IoU of at least 0.5, from what it adds to the cover."""
    return np.asarray(np.interp(np.log(np.maximum(gains, 1e-30)), *model.chances), np.float64)


def promising(terms: F8) -> tuple[I8, I8]:
    """Rows, rising, of the candidates of which the log-linear model expects the most, and of the others, the best
    first; of equal ones, the lower row is the better."""
    expects = objectness(terms)
    number = min(len(expects), max(FEWEST, math.ceil(BETTER * len(expects))))
    least = np.partition(expects, len(expects) - number)[len(expects) - number]
    chosen = expects > least
    chosen[np.flatnonzero(expects == least)[: number - np.count_nonzero(chosen)]] = True
    others = np.flatnonzero(~chosen)
    return np.flatnonzero(chosen), others[np.argsort(-expects[others], kind="stable")]


def arrange(
    model: Weights,
    boxes: I4,
    rows: I8,
    known: F4,
    shape: tuple[int, int],
    min_sides: tuple[float, float],
    wanted: int,
    halt: Event | None = None,
) -> tuple[I8, F8, I4]:
    """The ``wanted`` first of the ``rows`` of all ``boxes``, each the one that adds the most when its sides have moved;
    what each adds, and (N, 4) all boxes, moved. ``known`` are the cues of the rows."""
    evidence, ways = expected(model, known, halt)
    places, moved = move_sides(boxes, rows, ways, shape, min_sides), boxes.copy()
    moved[rows] = places
    partners = close_boxes(places, halt, close=COVERED)
    order, gains = cover(places, evidence, min(wanted, len(rows)), partners, halt)
    return rows[order], gains, moved


def rank(
    candidates: Candidates,
    terms: F8,
    planes: U1,
    shape: tuple[int, int],
    min_sides: tuple[float, float],
    wanted: int,
    halt: Event | None = None,
) -> tuple[I8, F8, I4]:
    """The ``wanted`` first candidates of a working image in the order of ``arrange``, the chance of each, and (K, 4)
    its moved box.

    ``terms`` are what ``describe_boxes`` says of the candidates, ``planes`` the image's ``lab_planes``. Those of which
    little is expected by their terms come last.
    """
    model, boxes = weights(), candidates.boxes
    rows, others = promising(terms)
    maps = draw_maps(planes, map_factor(shape), boxes, halt)
    known = cues(candidates, terms, close_boxes(boxes, halt), maps, rows, halt)
    order, gains, moved = arrange(model, boxes, rows, known, shape, min_sides, wanted, halt)
    order = np.concatenate([order, others])[:wanted]
    gains = np.concatenate([gains, np.zeros(len(others))])[:wanted]
    return order, chances(model, gains), moved[order]
