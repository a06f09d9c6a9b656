"""Which boxes to look at first, so that few of them cover much: an order that avoids saying things twice."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from threading import Event

import numpy as np

from detutils._jit import F4, F8, I4, I8
from detutils._validate import check_memory
from detutils.proposals._kernels import cover as kernels
from detutils.proposals.colors import slices

CLOSE = 0.6  # boxes that overlap by less say nothing of each other, unless another limit is named
PAIR = 40  # bytes that two close boxes take until the lists are made
# To which power of the IoU a box covers another, for how many boxes: few have to fit, many have to find.
STAGES: tuple[tuple[int | None, float], ...] = ((128, 2), (None, 1.25))
APART = 0.8  # what overlaps a better box by more comes last in the paper's order


def _columns(boxes: I4) -> F4:
    columns = np.empty((5, boxes.shape[0]), np.float32)
    columns[:4] = boxes.T
    columns[4] = (columns[2] - columns[0]) * (columns[3] - columns[1])
    return columns


def close_boxes(boxes: I4, halt: Event | None = None, *, close: float = CLOSE) -> kernels.Partners:
    """Each box's partners with an IoU of at least ``close``."""
    count = boxes.shape[0]
    columns = _columns(boxes)
    # A little wider than needed, so that rounding never puts partners two bands apart.
    band = np.floor(np.log(columns[4]) / -np.log(close - 0.001)).astype(np.int64)
    # By band, then by left side: one number a box, its row at the end, sorts in half of the time of ``lexsort``.
    lefts = boxes[:, 0].astype(np.int64)
    ranks = np.sort((band * (int(lefts.max()) + 1) + lefts) * count + np.arange(count)) % count
    columns, band = np.ascontiguousarray(columns[:, ranks]), band[ranks]
    bands = np.searchsorted(band, np.arange(band[0], band[-1] + 2))
    progress, total = np.zeros(2, np.int64), 0
    found: list[tuple[I4, F4]] = []
    for begin, stop in slices(count, 1024, halt):
        start = begin
        while start < stop:
            room = max(1 << 16, count)
            pairs, overlaps = np.empty((room, 2), np.int32), np.empty(room, np.float32)
            progress[0] = 0
            start = kernels.close_pairs(
                columns, (bands, ranks), np.float32(close), pairs, overlaps, progress, start, stop
            )
            found.append((pairs[: progress[0]].copy(), overlaps[: progress[0]].copy()))
            total += int(progress[0])
            check_memory(PAIR * total, f"the choice among {count} boxes")
    pairs = np.concatenate([some for some, _ in found])
    overlaps = np.concatenate([some for _, some in found])
    ends, partners = np.zeros(count, np.int64), np.empty(2 * len(pairs), np.int32)
    listed = np.empty(2 * len(pairs), np.float32)
    kernels.list_partners(pairs, overlaps, ends, partners, listed)
    return kernels.Partners(ends, partners, listed)


def _raised(overlaps: F4, power: float) -> F4:
    """By products and square roots, which are the same on every machine."""
    whole, quarters = divmod(round(4 * power), 4)
    factors = [overlaps] * whole + [np.sqrt(np.sqrt(overlaps))] * quarters
    raised: F4 = functools.reduce(np.multiply, factors)
    return raised


def cover(
    boxes: I4,
    evidence: F8,
    wanted: int,
    partners: kernels.Partners | None = None,
    halt: Event | None = None,
    *,
    stages: Sequence[tuple[int | None, float]] = STAGES,
) -> tuple[I8, F8]:
    """The ``wanted`` first rows when each next box is the one that adds the most, and what each adds.

    Every box is a place where an object may be, with its ``evidence``, and is covered by the chosen box that overlaps
    it most, by a power of their IoU if they are ``partners``: the ``close_boxes``, unless others are given. ``stages``
    are numbers of boxes, rising, and the power, in quarters, until so many are chosen; no number is all. Of equal boxes
    the lower row comes first. What a box adds is taken as at most what the one before it adds, so that boxes of two
    stages compare.
    """
    count = boxes.shape[0]
    ends, others, overlaps = close_boxes(boxes, halt) if partners is None else partners
    choice = kernels.Choice(
        covered=np.zeros(count, np.float32),
        heap=np.empty(count, np.int64),
        gains=np.empty(count),
        fresh=np.zeros(count, np.int64),
    )
    order, added, done = np.empty(wanted, np.int64), np.empty(wanted), 0
    for number, power in stages:
        end = wanted if number is None else min(number, wanted)
        if end <= done:
            continue
        lists = (ends, others, _raised(overlaps, power))
        kernels.begin(evidence, lists, tuple(choice), order, done)
        for start, stop in slices(end - done, 256, halt):
            kernels.choose(evidence, lists, tuple(choice), order, added, done + start, done + stop)
        done = end
    return order, np.minimum.accumulate(added)


def keep_apart(boxes: I4, threshold: float, wanted: int, halt: Event | None = None) -> I8:
    """The ``wanted`` first rows when those that overlap an earlier kept one by more than ``threshold`` come last."""
    count = boxes.shape[0]
    columns = _columns(boxes)
    kept = np.empty((5, min(wanted, count)), np.float32)
    taken, order = np.zeros(count, np.bool_), np.empty(count, np.int64)
    done = 0
    for start, stop in slices(count, 4096, halt):
        done = kernels.keep_apart(columns, np.float32(threshold), kept, taken, order, done, start, stop)
    order[done:] = np.flatnonzero(~taken)
    return order[:wanted]
