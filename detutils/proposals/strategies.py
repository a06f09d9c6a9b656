"""The modes of Selective Search, and the one call from an image to ordered proposals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Event
from typing import Any, NamedTuple, TypeVar

import numpy as np

from detutils import _validate
from detutils._jit import F8, U1, U2
from detutils.proposals.colours import as_rgb, planes_of, shrunk
from detutils.proposals.grouping import Strategy, Tree, as_strategy, group
from detutils.proposals.ranking import random_positions, ranked
from detutils.proposals.regions import Regions, describe, gradient_codes
from detutils.proposals.segmentation import Graph, build_graph, segment

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Proposals(NamedTuple):
    """Boxes in their order, the most promising first.

    Parameters
    ----------
    boxes : (N, 4) float64 ndarray
        x1, y1, x2, y2 in pixels of the image as it was given, continuous coordinates; no box twice.
    priorities : (N,) float64 ndarray
        Ascending within the boxes that repeat no better one, then within those that do; lower is better.

    Returns
    -------
    proposals : Proposals
        A plain tuple.

    Raises
    ------
    TypeError
        If a field is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils import selective_search
    >>> boxes, priorities = selective_search(np.zeros((30, 40), np.uint8))
    >>> boxes.tolist()
    [[0.0, 0.0, 40.0, 30.0]]
    """

    boxes: F8
    priorities: F8


# Similarities as the paper writes them: colour, texture, size, fill.
_CTSF, _TSF, _F, _S = (1.0, 1.0, 1.0, 1.0), (0.0, 1.0, 1.0, 1.0), (0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 1.0, 0.0)


def _every(
    spaces: Iterable[str], scales: Iterable[float], weights: Iterable[tuple[float, float, float, float]]
) -> list[Strategy]:
    return [
        Strategy(space, scale, color, texture, size, fill)
        for space, scale, (color, texture, size, fill) in product(spaces, scales, weights)
    ]


_PAPER_SINGLE = _every(["hsv"], [100.0], [_CTSF])
_PAPER_FAST = _every(["hsv", "lab"], [50.0, 100.0], [_CTSF, _TSF])
_PAPER_QUALITY = _every(
    ["hsv", "lab", "rgi", "hue", "grey"], [50.0, 100.0, 150.0, 300.0], [_CTSF, _TSF, _F, _S]
)
MODES: dict[str, list[Strategy]] = {
    "single": _PAPER_SINGLE,
    "fast": _PAPER_FAST,
    "quality": _PAPER_QUALITY,
    "paper-single": _PAPER_SINGLE,
    "paper-fast": _PAPER_FAST,
    "paper-quality": _PAPER_QUALITY,
}


def _each(
    function: Callable[[_Item], _Result], items: Sequence[_Item], pool: ThreadPoolExecutor | None
) -> list[_Result]:
    return [function(item) for item in items] if pool is None else list(pool.map(function, items))


def grow_trees(
    rgb: U1, strategies: Sequence[Strategy], pool: ThreadPoolExecutor | None, halt: Event
) -> list[Tree]:
    """The hierarchies of all strategies; what two of them have in common is computed once."""
    graphs = list(dict.fromkeys((s.color_space, s.sigma) for s in strategies))
    segmentations = list(dict.fromkeys((s.color_space, s.sigma, s.scale, s.min_size) for s in strategies))

    def graph_of(key: tuple[str, float]) -> tuple[U1, U1, Graph]:
        planes = planes_of(rgb, key[0], halt)
        return planes, gradient_codes(planes, halt), build_graph(planes, key[1], 4, halt)

    grown: dict[tuple[str, float], tuple[U1, U1, Graph]] = dict(zip(graphs, _each(graph_of, graphs, pool)))

    def regions_of(key: tuple[str, float, float, int | None]) -> Regions:
        planes, codes, graph = grown[key[:2]]
        labels, count = segment(graph, key[2], key[3] or 0, halt)
        return describe(labels, count, planes, codes, graph.weights, halt)

    regions = dict(zip(segmentations, _each(regions_of, segmentations, pool)))

    def tree_of(s: Strategy) -> Tree:
        return group(regions[s.color_space, s.sigma, s.scale, s.min_size], s, halt)

    return _each(tree_of, strategies, pool)


def _as_strategies(mode: Any) -> list[Strategy]:
    if isinstance(mode, str):
        chosen = MODES[_validate.as_choice(mode, "mode", tuple(MODES))]
    elif isinstance(mode, Strategy):
        chosen = [mode]
    elif isinstance(mode, (list, tuple)):
        chosen = list(mode)
        if not chosen:
            raise ValueError("mode must name at least one strategy, got an empty list")
    else:
        raise TypeError(f"mode must be a word or a list of Strategy, got {type(mode).__name__}")
    return [as_strategy(strategy, f"mode[{i}]") for i, strategy in enumerate(chosen)]


def selective_search(
    image: Any,
    mode: str | Sequence[Strategy] = "fast",
    *,
    seed: int = 0,
    min_size: int = 20,
    max_boxes: int | None = None,
    max_side: int | None = None,
    demote: float = 0.8,
    workers: int = 1,
) -> Proposals:
    """Boxes that are likely to hold an object of whatever class, the likely ones first.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) ndarray
        uint8, uint16, or float in 0..1; RGB order. It is reduced to 8 bits a channel; alpha is left out.
    mode : str or list of Strategy, default "fast"
        "single", "fast" or "quality", chosen by measurement; "paper-single", "paper-fast" or
        "paper-quality", the parameters of the paper; or strategies of your own.
    seed : int, default 0
        Of the random part of the order.
    min_size : int, default 20
        Boxes with a shorter side (in pixels of the image) are left out, unless nothing else is found.
    max_boxes : int, optional
        Return only so many boxes, the best.
    max_side : int, optional
        Work on a copy shrunk to this longer side; boxes come back in pixels of the image as given.
    demote : float, default 0.8
        Boxes whose IoU with a better one is greater go behind all others; 1 leaves the order alone.
    workers : int, default 1
        Threads: 1 is serial, -1 is every core. The result is the same for any number.

    Returns
    -------
    proposals : Proposals
        ``boxes`` (N, 4) and ``priorities`` (N,).

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If the image breaks the contract or an option is out of range.
    MemoryError
        If the pixel graph would not fit into memory.

    Notes
    -----
    Linear in the number of pixels. The whole image is always among the candidates.

    References
    ----------
    Uijlings, van de Sande, Gevers and Smeulders, "Selective Search for Object Recognition", IJCV 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils import selective_search
    >>> image = np.zeros((60, 80, 3), np.uint8)
    >>> image[20:50, 30:70] = (200, 40, 40)
    >>> proposals = selective_search(image)
    >>> [30, 20, 70, 50] in proposals.boxes.tolist(), [0, 0, 80, 60] in proposals.boxes.tolist()
    (True, True)
    """
    rgb = as_rgb(image)
    strategies = _as_strategies(mode)
    seed = _validate.as_seed(seed)
    min_size = _validate.as_integer(min_size, "min_size", 0)
    max_boxes = None if max_boxes is None else _validate.as_integer(max_boxes, "max_boxes", 0)
    max_side = None if max_side is None else _validate.as_integer(max_side, "max_side", 1)
    demote = _validate.as_threshold(demote, "demote")
    workers = _validate.as_workers(workers)

    height, width = rgb.shape[:2]
    halt = Event()
    small = shrunk(rgb, max_side, halt)
    scale = np.array([width / small.shape[1], height / small.shape[0]] * 2)
    if workers == 1:
        trees = grow_trees(small, strategies, None, halt)
    else:
        with ThreadPoolExecutor(workers) as pool:
            try:
                trees = grow_trees(small, strategies, pool, halt)
            except BaseException:  # an interrupt, too, must not wait for work that nobody wants
                halt.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    boxes = np.concatenate([tree.boxes for tree in trees])
    priorities = random_positions(trees, seed)
    sides = (boxes[:, 2:] - boxes[:, :2]) * scale[:2]
    large = np.flatnonzero(sides.min(axis=1) >= min_size)
    if large.size == 0:
        large = np.array([len(trees[0].boxes) - 1])
    order = large[ranked(boxes[large], priorities[large], demote, halt)][:max_boxes]
    return Proposals(boxes[order] * scale, priorities[order])
