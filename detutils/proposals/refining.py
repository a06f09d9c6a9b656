"""Boxes moved onto objects: each side by a share of where trees expect the object's side to be."""

from __future__ import annotations

import numpy as np

from detutils._jit import F8, I4, I8
from detutils.proposals._kernels import refining as kernels

SHARE = 0.8  # of the expected way: boxes that fit already are hurt by more than others gain


def move_sides(boxes: I4, order: I8, ways: F8, shape: tuple[int, int], min_sides: tuple[float, float]) -> I4:
    """(K, 4) the boxes of K rows, their sides moved by ``SHARE`` of ``ways`` (in widths and heights), in whole pixels.

    A side at the border of the image stays there, and no other passes it. A box that would be shorter than
    ``min_sides``, or equal to any of ``boxes`` or to a moved one before it, stays as it is. So no box comes twice, and
    the first rows are the same however many there are. ``boxes`` are different ones.
    """
    chosen, borders = boxes[order], np.array([0, 0, shape[1], shape[0]])
    moved = np.rint(chosen + SHARE * ways * np.tile(chosen[:, 2:] - chosen[:, :2], 2))
    moved = np.clip(np.where(chosen == borders, borders, moved), 0, np.tile(borders[2:], 2))
    large = np.all(moved[:, 2:] - moved[:, :2] >= np.maximum(min_sides, 1.0), axis=1)
    rows = np.concatenate([boxes, np.where(large[:, None], moved, chosen).astype(np.int32)])
    kernels.settle(rows, order, np.full(1 << (2 * len(rows)).bit_length(), -1, np.int32))
    settled: I4 = rows[len(boxes) :]
    return settled
