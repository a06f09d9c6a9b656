"""Orders of boxes: near-duplicates to the end."""

from __future__ import annotations

import numpy as np

from detutils._jit import B1, I4, kernel


@kernel("int64(int32[:,::1], float64, int32[:,::1], boolean[::1], int64, int64, int64)")
def mark_near_duplicates(
    boxes: I4, threshold: float, kept: I4, repeated: B1, count: int, start: int, stop: int
) -> int:
    """Flags each box whose IoU with an earlier unflagged one exceeds ``threshold``; ``kept`` (5, N) collects the others.

    Returns how many boxes ``kept`` holds.
    """
    for i in range(start, stop):
        x1, y1, x2, y2 = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
        area = np.float64(x2 - x1) * np.float64(y2 - y1)
        found = False
        for block in range(0, count, 64):  # an exit a block: the inner loop vectorises
            hits = 0
            for j in range(block, min(block + 64, count)):
                width = np.float64(max(min(x2, kept[2, j]) - max(x1, kept[0, j]), 0))
                height = np.float64(max(min(y2, kept[3, j]) - max(y1, kept[1, j]), 0))
                inner = width * height
                hits += inner > threshold * (area + np.float64(kept[4, j]) - inner)
            if hits:
                found = True
                break
        repeated[i] = found
        if not found:
            kept[0, count], kept[1, count], kept[2, count], kept[3, count] = x1, y1, x2, y2
            kept[4, count] = np.int32(area)
            count += 1
    return count
