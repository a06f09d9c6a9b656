"""What is wrong with boxes and scores, as one number.

0 and more: nothing. -1: nothing, but the arrays are not for the kernel that was asked. -2 - 2 * row: the box of that
row breaks the contract. -3 - 2 * row: no box does, but the score of that row.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import embedded
from detutils._kernels.checks import box_is_good
from detutils._kernels.limits import LARGEST, LARGEST_FLOAT32, LIMIT
from detutils.suppression._kernels.pair import FAR

# The coordinates beyond which a scene is far out, and beyond which it is refused, and the largest score.
BOUNDS_FLOAT32, BOUNDS_FLOAT64 = (np.float32(FAR), LARGEST_FLOAT32, LARGEST_FLOAT32), (FAR, LIMIT, LARGEST)


@embedded
def first_bad(boxes: Any, scores: Any, score_threshold: Any, limit: Any, largest: Any) -> Any:
    """The code of the first bad box, else of the first bad score, else -1. Boxes of scores up to the threshold are not
    judged; no score is up to NaN, which stands for none."""
    junk = score_threshold if score_threshold > -np.inf else np.nan
    good = True
    if boxes.shape[1] != 4:  # never; but a known step of four lets the loop vectorize, which has no exit for that
        return -1
    for i in range(np.uint64(boxes.shape[0])):
        fine = box_is_good(boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3], limit) | (scores[i] <= junk)
        good &= fine & (abs(scores[i]) <= largest)
    if good:
        return -1
    for i in range(boxes.shape[0]):
        if not (box_is_good(boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3], limit) or scores[i] <= junk):
            return -2 - 2 * i
    for i in range(boxes.shape[0]):
        if not abs(scores[i]) <= largest:
            return -3 - 2 * i
    return -1
