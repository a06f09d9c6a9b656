"""Boxes whose sides move: no box twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import I4, I8, inlined, kernel


@inlined
def _place(rows: Any, row: Any, table: Any) -> Any:
    """Where a row's equal stands in the hash table, or the free place where it would."""
    mask = table.shape[0] - 1
    key = np.int64(rows[row, 0]) & 0x7FFFFFFF
    for side in range(1, 4):
        key = (key * 0x9E3779B1 + np.int64(rows[row, side])) & 0x7FFFFFFF
    place = (key ^ (key >> 15)) & mask
    while table[place] >= 0:
        other = table[place]
        same = rows[other, 0] == rows[row, 0] and rows[other, 1] == rows[row, 1]
        if same and rows[other, 2] == rows[row, 2] and rows[other, 3] == rows[row, 3]:
            break
        place = (place + 1) & mask
    return place


@kernel("void(int32[:,::1], int64[::1], int32[::1])")
def settle(rows: I4, order: I8, table: I4) -> None:
    """Takes back the move of every box that would be equal to another one.

    The first rows are different boxes; after them come, moved, those whose numbers are in ``order``. A moved box that
    equals any of the boxes, or a moved one above it, gets its old sides again. ``table`` comes as -1; its length is a
    power of two and at least twice the number of rows.
    """
    count = rows.shape[0] - order.shape[0]
    for row in range(count):
        table[_place(rows, row, table)] = row
    for k in range(order.shape[0]):
        place = _place(rows, count + k, table)
        if table[place] < 0:
            table[place] = count + k
        else:
            for side in range(4):
                rows[count + k, side] = rows[order[k], side]
