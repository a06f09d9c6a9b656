"""From the hierarchies of many strategies to one ordered list of boxes."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

import numpy as np

from detutils._jit import F8, I4, I8
from detutils._kernels import ranking as kernels
from detutils.proposals.colours import slices
from detutils.proposals.grouping import Tree


def random_positions(trees: Sequence[Tree], seed: int) -> F8:
    """The paper's priority of every region: its place in the hierarchy (1 = the whole image) times a random number."""
    parts = []
    for number, tree in enumerate(trees):
        count = tree.sizes.shape[0]
        parts.append(np.arange(count, 0, -1) * np.random.default_rng([seed, number]).random(count))
    return np.concatenate(parts)


def ranked(boxes: I4, priorities: F8, demote: float, halt: Event | None = None) -> I8:
    """Rows by ascending priority, each box once; those overlapping a better one by more than ``demote`` come last."""
    order = np.argsort(priorities, kind="stable")
    _, first = np.unique(boxes[order], axis=0, return_index=True)
    order = order[np.sort(first)]
    if demote < 1.0:
        candidates = np.ascontiguousarray(boxes[order])
        repeated = np.zeros(len(order), np.bool_)
        kept = np.empty((5, len(order)), np.int32)
        count = 0
        for start, stop in slices(len(order), 4096, halt):
            count = kernels.mark_near_duplicates(candidates, demote, kept, repeated, count, start, stop)
        order = np.concatenate([order[~repeated], order[repeated]])
    return order
