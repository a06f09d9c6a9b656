"""Groups of boxes made one: which group each box belongs to, the union and the weighted mean of a group."""

from __future__ import annotations

from detutils._jit import F8, I8, kernel


@kernel("void(int64[::1], int64[::1], int64[::1])")
def number(keep: I8, suppressed_by: I8, groups: I8) -> None:
    """Number the groups in the order of ``keep``: of the kept boxes and of those that each of them suppressed."""
    for i in range(groups.shape[0]):
        groups[i] = -1
    for k in range(keep.shape[0]):
        groups[keep[k]] = k
    for i in range(groups.shape[0]):
        if suppressed_by[i] >= 0:
            groups[i] = groups[suppressed_by[i]]


@kernel("void(float64[:,::1], int64[::1], int64[::1], float64[:,::1])")
def union(boxes: F8, keep: I8, groups: I8, merged: F8) -> None:
    """The smallest box around each group."""
    for k in range(keep.shape[0]):
        for side in range(4):
            merged[k, side] = boxes[keep[k], side]
    for i in range(groups.shape[0]):
        k = groups[i]
        if k >= 0:
            merged[k, 0] = min(merged[k, 0], boxes[i, 0])
            merged[k, 1] = min(merged[k, 1], boxes[i, 1])
            merged[k, 2] = max(merged[k, 2], boxes[i, 2])
            merged[k, 3] = max(merged[k, 3], boxes[i, 3])


@kernel("void(float64[:,::1], float64[::1], int64[::1], int64[::1], float64[:,::1], float64[:,::1])")
def mean(values: F8, weights: F8, keep: I8, groups: I8, totals: F8, merged: F8) -> None:
    """The weighted mean of the rows of each group, summed in their order; ``totals`` (K, 2) are zeros at first.

    A group of one, and one without weight, has the row of its kept box as it is.
    """
    n, width = values.shape
    for k in range(keep.shape[0]):
        for d in range(width):
            merged[k, d] = 0.0
    for i in range(n):
        k = groups[i]
        if k >= 0:
            totals[k, 0] += weights[i]
            totals[k, 1] += 1.0
            for d in range(width):
                merged[k, d] += weights[i] * values[i, d]
    for k in range(keep.shape[0]):
        for d in range(width):
            if totals[k, 1] == 1.0 or totals[k, 0] == 0.0:
                merged[k, d] = values[keep[k], d]
            else:
                merged[k, d] /= totals[k, 0]
