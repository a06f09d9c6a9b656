"""From the hierarchies of many strategies to one ordered list of boxes."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event
from typing import NamedTuple

import numpy as np

from detutils._jit import F8, I4, I8, U2
from detutils._kernels import ranking as kernels
from detutils.proposals.colours import slices
from detutils.proposals.grouping import Strategy, Tree


class Candidates(NamedTuple):
    """Every box of all hierarchies once."""

    boxes: I4  # (N, 4) pixels of the working image
    positions: F8  # (N,) the paper's priority: the lower the better
    sums: F8  # (N, 13) what its regions are like


def gather(
    trees: Sequence[Tree],
    strategies: Sequence[Strategy],
    shape: tuple[int, int],
    min_sides: tuple[float, float],
    seed: int,
    halt: Event | None = None,
) -> Candidates:
    """Collect the boxes with sides of at least ``min_sides``; position = place in its hierarchy x random."""
    height, width = shape
    room = sum(tree.sizes.shape[0] for tree in trees)
    table = np.full(1 << (2 * room).bit_length(), -1, np.int32)
    found = np.empty((room, 4), np.int32)
    best = np.empty(room)
    sums = np.empty((room, 1 + kernels.SUMS + kernels.EXTREMES))
    count = 0
    for number, (tree, strategy) in enumerate(zip(trees, strategies)):
        nodes = tree.sizes.shape[0]
        positions: F8 = np.arange(nodes, 0.0, -1.0) * np.random.default_rng([seed, number]).random(nodes)
        weight = strategy.color + strategy.texture + strategy.size + strategy.fill
        for _ in slices(1, 1, halt):
            count = kernels.gather(
                tree.merges,
                tree.similarities,
                tree.sizes,
                tree.boxes,
                tree.outlines,
                positions,
                strategy.shrink,
                weight,
                width,
                height,
                *min_sides,
                table,
                found,
                best,
                sums,
                count,
            )
    return Candidates(found[:count], best[:count], sums[:count])


def describe_boxes(
    candidates: Candidates, weights: U2, factor: int, shape: tuple[int, int], halt: Event | None = None
) -> F8:
    """(N, FEATURES): position, shape, what the hierarchies know, edges inside, on and around the border."""
    integral = np.zeros((weights.shape[0] + 1, weights.shape[2] + 1), np.int64)
    kernels.integrate(weights, integral)
    features = np.empty((candidates.boxes.shape[0], kernels.FEATURES))
    for start, stop in slices(features.shape[0], 1 << 18, halt):
        kernels.describe_boxes(
            candidates.boxes, candidates.sums, integral, factor, shape[1], shape[0], features, start, stop
        )
    return features


# A linear model of what makes a box worth looking at, in the order of ``describe_boxes``. Fitted by logistic
# regression to 128 annotated photographs: each of their 929 objects counts once however many boxes cover it, and a
# box counts the more, the larger its IoU beyond 0.5. Fitted on one half and judged on the other, the recall at IoU
# 0.5 is lower by 1 to 2 points at 100 ... 2,250 boxes than with these weights, which have seen both halves.
TERMS: dict[str, float] = {
    "size": 0.2081,
    "size2": -0.02492,
    "elongation": 0.4345,
    "shape2": -0.6245,
    "shape": -0.09382,
    "touching": -0.2986,
    "touching_size": -0.00103,
    "across": -0.1624,
    "down": -2.742,
    "down2": -2.716,
    "bottom": 3.241,
    "votes": -0.2212,
    "votes_size": -0.06083,
    "birth": -4.407,
    "death": 1.016,
    "contrast": 0.2253,
    "fill": -0.1326,
    "rank": 0.4172,
    "regions": -0.1971,
    "parent": 0.08441,
    "max_birth": 0.8352,
    "min_death": 1.91,
    "max_contrast": 0.09514,
    "max_fill": 1.14,
    "min_rank": -0.0981,
    "contrast2": -0.01391,
    "contrast_size": 0.008977,
    "fill2": 1.318,
    "rank2": -0.05146,
    "edges": -0.02242,
    "edges_usual": 0.8893,
    "inner_ring8": -0.3303,
    "outer_ring8": 0.2912,
    "inner_ring4": 0.679,
    "outer_ring4": -0.4656,
    "on_border": -0.4786,
    "beyond_border": 0.5865,
    "edges_size": -0.1235,
    "inner_ring8_size": -0.08345,
    "outer_ring8_size": -0.01557,
    "on_border_size": -0.00373,
    "beyond_border_size": 0.1816,
}
CONSTANT = -1.819
WEIGHTS: F8 = np.array(list(TERMS.values()))


def objectness(
    candidates: Candidates, weights: U2, factor: int, shape: tuple[int, int], halt: Event | None = None
) -> F8:
    """(N,) the larger, the more likely the box holds an object."""
    scores = np.empty(candidates.boxes.shape[0])
    kernels.weigh(describe_boxes(candidates, weights, factor, shape, halt), WEIGHTS, CONSTANT, scores)
    return scores


def keep_apart(boxes: I4, levels: Sequence[tuple[float, int]], wanted: int, halt: Event | None = None) -> I8:
    """Order of rows: at each level (IoU, count) those that overlap a taken one by no more, then the rest."""
    count = boxes.shape[0]
    columns = np.empty((5, count), np.float32)
    columns[:4] = boxes.T
    columns[4] = (columns[2] - columns[0]) * (columns[3] - columns[1])
    kept = np.empty_like(columns)
    closest, seen = np.zeros(count, np.float32), np.zeros(count, np.int32)
    taken, order = np.zeros(count, np.bool_), np.empty(count, np.int64)
    done = 0
    for threshold, until in levels:
        for start, stop in slices(count, 4096, halt):
            if done >= min(until, wanted):
                break
            done = kernels.keep_apart(
                columns,
                np.float32(threshold),
                min(until, wanted),
                kept,
                closest,
                seen,
                taken,
                order,
                done,
                start,
                stop,
            )
    order[done:] = np.flatnonzero(~taken)
    return order[:wanted]
