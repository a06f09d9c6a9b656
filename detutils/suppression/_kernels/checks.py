"""What is wrong with boxes and scores, as one number.

0 and more: nothing. -1: nothing, but the arrays are not for the kernel that was asked. -2 - 2 * row: the box of that
row breaks the contract. -3 - 2 * row: no box does, but the score of that row.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import embedded
from detutils._kernels.checks import box_is_good


@embedded
def readable(boxes: Any, scores: Any) -> Any:
    """Whether they are (N, 4) and (N,) aligned numbers, of any strides, whatever a kernel's signature says."""
    size = boxes.itemsize
    bits = boxes.ctypes.data | scores.ctypes.data | boxes.strides[0] | boxes.strides[1] | scores.strides[0]
    return boxes.shape[1] == 4 and boxes.shape[0] == scores.shape[0] and bits % size == 0


@embedded
def first_bad(boxes: Any, scores: Any, score_threshold: Any, limit: Any, largest: Any) -> Any:
    """The code of the first bad box, else of the first bad score, else -1. Boxes of scores up to the threshold are not
    judged; no score is up to NaN, which stands for none."""
    junk = score_threshold if score_threshold > -np.inf else np.nan
    good = True
    for i in range(boxes.shape[0]):  # without an exit, so that it vectorizes
        good &= box_is_good(boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3], limit) | (scores[i] <= junk)
    if not good:
        for i in range(boxes.shape[0]):
            fine = box_is_good(boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3], limit)
            if not (fine or scores[i] <= junk):
                return -2 - 2 * i
    for i in range(boxes.shape[0]):
        if not abs(scores[i]) <= largest:
            return -3 - 2 * i
    return -1
