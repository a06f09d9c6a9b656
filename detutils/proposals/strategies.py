"""The modes of Selective Search, and the one call from an image to ordered proposals."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Event
from typing import Any, NamedTuple, TypeVar

import numpy as np

from detutils import _validate
from detutils._jit import F8, I4, U1
from detutils.proposals.colors import as_rgb, block_means, planes_of, shrunk
from detutils.proposals.cover import APART, cover, keep_apart
from detutils.proposals.cues import lab_planes, map_factor
from detutils.proposals.grouping import Strategy, Tree, as_strategy, graph_for, group
from detutils.proposals.objectness import describe_boxes, gather, objectness
from detutils.proposals.ranking import rank
from detutils.proposals.regions import Regions, describe, gradient_codes
from detutils.proposals.segmentation import Graph, edge_strengths, segment

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Proposals(NamedTuple):
    """Boxes in their order, the most promising first.

    Parameters
    ----------
    boxes : (N, 4) float64 ndarray
        x1, y1, x2, y2 in pixels of the image as it was given, continuous coordinates; no box twice.
    priorities : (N,) float64 ndarray
        The higher, the better, and never rising: the chance that a box covers an object at an IoU of at least 0.5; in
        the "paper-" modes by how many expected objects a box adds to what those before it cover. Of
        ``ranking="position"``, minus the paper's priority, where near-duplicates of better boxes stand behind all
        others.

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


# Similarities as the paper writes them: color, texture, size, fill.
_SIMILARITIES = {
    "CTSF": (1.0, 1.0, 1.0, 1.0),
    "TSF": (0.0, 1.0, 1.0, 1.0),
    "CSF": (1.0, 0.0, 1.0, 1.0),
    "SF": (0.0, 0.0, 1.0, 1.0),
    "F": (0.0, 0.0, 0.0, 1.0),
    "S": (0.0, 0.0, 1.0, 0.0),
}


def _every(
    spaces: str, scales: Sequence[tuple[int, int]], similarities: str, shrink: int = 1, edges: str = "coarse"
) -> list[Strategy]:
    """All combinations; a scale is k and the smallest region."""
    return [
        as_strategy(Strategy(space, scale, *_SIMILARITIES[word], min_size=min_size, shrink=shrink, edges=edges))
        for space, (scale, min_size), word in product(spaces.split(), scales, similarities.split())
    ]


# On half of the resolution a hierarchy costs a quarter of the time and reaches nine tenths of the recall, so many
# diverse ones there beat few at full resolution. Chosen greedily by average recall per millisecond, and the weights of
# ``objectness`` fitted, with coarse edges. With exact ones most figures change by less than a point, up or down.
_FAST = [
    *_every("lab", [(25, 12)], "CTSF SF", 2),
    *_every("lab", [(50, 12)], "CTSF F", 2),
    *_every("lab", [(150, 25)], "CSF TSF", 2),
    *_every("hsv", [(25, 12)], "CTSF SF", 2),
    *_every("hsv", [(50, 12)], "CTSF F", 2),
    *_every("hsv", [(100, 25)], "CSF SF", 2),
    *_every("hsv", [(200, 50)], "CTSF TSF S", 2),
    *_every("rgi", [(25, 12)], "SF", 2),
    *_every("rgi", [(50, 12)], "CTSF F", 2),
    *_every("rgi", [(100, 25)], "CTSF TSF", 2),
]
_DENSE = [*_FAST, *_every("lab hsv", [(50, 50)], "CTSF SF")]
_QUALITY = list(
    dict.fromkeys(
        [
            *_FAST,
            *_every("lab hsv rgi", [(25, 12), (50, 12), (100, 25), (200, 50)], "CTSF SF F", 2),
            *_every("lab hsv rgi", [(50, 50), (100, 100)], "CTSF SF F"),
        ]
    )
)
_PAPER_FAST = _every("hsv lab", [(50, 50), (100, 100)], "CTSF TSF", edges="exact")
_PAPER_QUALITY = _every(
    "hsv lab rgi hue gray", [(50, 50), (100, 100), (150, 150), (300, 300)], "CTSF TSF F S", edges="exact"
)
# Each mode's strategies, and how many boxes it returns unless ``max_boxes`` says otherwise.
MODES: dict[str, tuple[list[Strategy], int | None]] = {
    "single": (_every("hsv", [(50, 12)], "CTSF", 2), None),
    "fast": (_FAST, 2250),
    "dense": (_DENSE, 6800),
    "quality": (_QUALITY, 6500),
    "paper-single": (_every("hsv", [(100, 100)], "CTSF", edges="exact"), None),
    "paper-fast": (_PAPER_FAST, None),
    "paper-quality": (_PAPER_QUALITY, None),
}


RANKINGS = ("objectness", "position")


def _each(
    function: Callable[[_Item], _Result], items: Sequence[_Item], pool: ThreadPoolExecutor | None
) -> list[_Result]:
    return [function(item) for item in items] if pool is None else list(pool.map(function, items))


class Ground(NamedTuple):
    """What all strategies of one color space share."""

    planes: U1
    codes: U1
    graph: Graph
    strengths: I4


def _ground_key(s: Strategy) -> Hashable:
    return s.color_space, s.sigma, s.shrink, s.edges


def _regions_key(s: Strategy) -> Hashable:
    return _ground_key(s), s.scale, s.min_size


def _once(
    function: Callable[[Strategy], _Result],
    strategies: Sequence[Strategy],
    key: Callable[[Strategy], Hashable],
    pool: ThreadPoolExecutor | None,
) -> dict[Hashable, _Result]:
    """The function's result for one strategy of each key."""
    firsts: dict[Hashable, Strategy] = {}
    for s in strategies:
        firsts.setdefault(key(s), s)
    return dict(zip(firsts, _each(function, list(firsts.values()), pool)))


def grow_trees(
    rgb: U1, strategies: Sequence[Strategy], pool: ThreadPoolExecutor | None, halt: Event
) -> tuple[list[Tree], Ground]:
    """The hierarchies of all strategies, and the ground of the first; common parts are computed once."""
    images = {shrink: block_means(rgb, shrink, halt) for shrink in {s.shrink for s in strategies}}

    def ground_of(s: Strategy) -> Ground:
        planes = planes_of(images[s.shrink], s.color_space, halt)
        graph = graph_for(planes, s, halt)
        return Ground(planes, gradient_codes(planes, halt), graph, edge_strengths(graph))

    def regions_of(s: Strategy) -> Regions:
        ground = grounds[_ground_key(s)]
        labels, count = segment(ground.graph, s.scale, s.min_size or 0, halt)
        return describe(labels, count, ground.planes, ground.codes, ground.strengths, halt)

    def tree_of(s: Strategy) -> Tree:
        return group(regions[_regions_key(s)], s, halt)

    grounds = _once(ground_of, strategies, _ground_key, pool)
    regions = _once(regions_of, strategies, _regions_key, pool)
    return _each(tree_of, strategies, pool), grounds[_ground_key(strategies[0])]


def _as_strategies(mode: Any) -> tuple[list[Strategy], int | None]:
    wanted = None
    if isinstance(mode, str):
        chosen, wanted = MODES[_validate.as_choice(mode, "mode", tuple(MODES))]
    elif isinstance(mode, Strategy):
        chosen = [mode]
    elif isinstance(mode, (list, tuple)):
        chosen = list(mode)
        if not chosen:
            raise ValueError("mode must name at least one strategy, got an empty list")
    else:
        raise TypeError(f"mode must be a word or a list of Strategy, got {type(mode).__name__}")
    return [as_strategy(strategy, f"mode[{i}]") for i, strategy in enumerate(chosen)], wanted


def selective_search(
    image: Any,
    mode: str | Sequence[Strategy] = "fast",
    *,
    seed: int = 0,
    min_size: int = 8,
    max_boxes: int | None = None,
    max_side: int | None = 1600,
    ranking: str = "objectness",
    refine: bool = True,
    workers: int = 1,
) -> Proposals:
    """Boxes that are likely to hold an object of whatever class, the likely ones first.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) ndarray
        uint8, uint16, or float in 0..1; RGB order. It is reduced to 8 bits a channel; alpha is left out.
    mode : str or list of Strategy, default "fast"
        "single" (one hierarchy), "fast" (20, at most 2,250 boxes), "dense" (24, 6,800) or "quality" (60, 6,500),
        all chosen by measurement, with coarse edges (see Notes); "paper-single", "paper-fast" or "paper-quality", the
        parameters of the paper with exact edges and all their boxes; or strategies of your own, all of whose boxes are
        returned.
    seed : int, default 0
        Of the random numbers in ``ranking="position"``; nothing else is random.
    min_size : int, default 8
        Boxes with a shorter side (in pixels of the image) are left out; if none is left, the whole image is
        returned.
    max_boxes : int, optional
        Return only so many boxes, the best, instead of the mode's own number.
    max_side : int or None, default 1600
        Work on a copy shrunk to this longer side; boxes come back in pixels of the image as given. None works on
        every pixel.
    ranking : {"objectness", "position"}, default "objectness"
        What comes first: boxes that cover the most places that look like objects; or the paper's order, place in
        the hierarchy times a random number.
    refine : bool, default True
        Move the sides of the boxes toward where objects are expected to end. False gives the bounding boxes of the
        regions themselves, in the same order: row i is the region that row i of the refined boxes came from. In the
        "paper-" modes and with ``ranking="position"`` boxes are never moved.
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
        If the image breaks the contract or an option is out of range, or the file of weights is damaged.
    OSError
        If the file of weights is missing.
    MemoryError
        If the pixel graph would not fit into memory.

    Notes
    -----
    Time grows with the number of pixels. Every box is the bounding box of a region of some hierarchy, moved by
    ``refine``: boosted trees tell from the same cues that order the boxes how far each side is from that of an object,
    and a side goes 0.8 of that way, in whole pixels of the image that is worked on. A box that would become another
    one, or shorter than ``min_size``, stays, and so do a side at the border of the image and all sides of a box that
    comes last because little is expected of it.

    Coarse edges have weights in whole sixteenths of a gray level (``Strategy.edges``), and large regions stop growing
    sooner. The modes without "paper" keep them because their strategies and the model of "objectness" were chosen with
    such regions: on 128 to 443 photographs of COCO, exact edges raise some figures and lower others, by at most .016
    (recall at 0.5), .006 (average recall) and .004 (mean best overlap).

    "objectness": a log-linear model of contrast, shape, place and the hierarchies' opinion tells how many objects to
    expect at each box found. Of the likeliest 80 %, and of no fewer than 3,000, boosted trees and a small network tell
    it better, from contours and colors as well. The next box is always the one that adds the most to what
    is covered: the sum over these boxes of the expected number times a power of the IoU with the best box chosen, where
    that is 0.5 or more, all of them moved: its square for the first 128 boxes, which have to fit, and the power of 1.25
    for the others, which have to find. So the boxes around a likely place come one by one, between those
    around others. The rest comes last. In the "paper-" modes the log-linear model alone decides, over all boxes, by
    the cube of the IoU from 0.6 on.

    "position": what overlaps a better box by more than 0.8 comes last. Equal priorities keep the order in which the
    hierarchies were grown. An interrupt is heard between slices of work that take a fraction of a second.

    References
    ----------
    Uijlings, van de Sande, Gevers and Smeulders, "Selective Search for Object Recognition", IJCV 2013. Minoux,
    "Accelerated greedy algorithms for maximizing submodular set functions", 1978.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils import selective_search
    >>> image = np.zeros((60, 80, 3), np.uint8)
    >>> image[20:50, 30:70] = (200, 40, 40)
    >>> moved, priorities = selective_search(image)
    >>> regions, _ = selective_search(image, refine=False)
    >>> [30, 20, 70, 50] in regions.tolist(), [0, 0, 80, 60] in regions.tolist(), moved.shape == regions.shape
    (True, True, True)
    """
    rgb = as_rgb(image)
    strategies, wanted = _as_strategies(mode)
    seed = _validate.as_seed(seed)
    min_size = _validate.as_integer(min_size, "min_size", 0)
    wanted = wanted if max_boxes is None else _validate.as_integer(max_boxes, "max_boxes", 0)
    max_side = None if max_side is None else _validate.as_integer(max_side, "max_side", 1)
    ranking = _validate.as_choice(ranking, "ranking", RANKINGS)
    refine = _validate.as_flag(refine, "refine")
    workers = _validate.as_workers(workers)

    height, width = rgb.shape[:2]
    halt = Event()
    small = shrunk(rgb, max_side, halt)
    scale = np.array([width / small.shape[1], height / small.shape[0]] * 2)
    if workers == 1:
        trees, ground = grow_trees(small, strategies, None, halt)
    else:
        with ThreadPoolExecutor(workers) as pool:
            try:
                trees, ground = grow_trees(small, strategies, pool, halt)
            except BaseException:  # an interrupt, too, must not wait for work that nobody wants
                halt.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    shape = small.shape[:2]
    min_sides = (min_size / scale[0], min_size / scale[1])
    candidates = gather(trees, strategies, shape, min_sides, seed)
    if candidates.boxes.shape[0] == 0:  # nothing is large enough: the whole image is all there is
        candidates = gather(trees[:1], strategies[:1], shape, (float(shape[1]), float(shape[0])), seed)
    first, count = strategies[0], candidates.boxes.shape[0]
    wanted = count if wanted is None else min(wanted, count)
    if ranking == "objectness":
        if isinstance(mode, str) and mode.startswith("paper-"):
            evidence = objectness(describe_boxes(candidates, ground.strengths, first.shrink, shape, halt))
            order, priorities = cover(candidates.boxes, evidence, wanted, halt=halt, stages=((None, 3),))
        else:
            known = first.color_space == "lab" and first.shrink == map_factor(shape)
            planes = ground.planes if known else lab_planes(small, halt)
            terms = describe_boxes(candidates, ground.strengths, first.shrink, shape, halt)
            order, priorities, moved = rank(candidates, terms, planes, shape, min_sides, wanted, halt)
            if refine:
                return Proposals(moved * scale, priorities)
    else:
        order = np.argsort(candidates.positions, kind="stable")
        order = order[keep_apart(candidates.boxes[order], APART, wanted, halt)]
        priorities = -candidates.positions[order]
    return Proposals(candidates.boxes[order] * scale, priorities)
