"""Greedy non-maximum suppression over the columns of ``nms_order``: a float32 filter, float64 decisions.

Candidates come in runs (one a class) by decreasing score. Each is compared with the boxes kept so far, in blocks of 16
that the compiler turns into vector instructions. A pair that passes the filter is decided by the float64 quotient of
the definition, unless it clears the threshold by more than float32 can err.
"""

from __future__ import annotations

import numpy as np

from detutils._jit import B1, F4, F8, I8, inlined, kernel

LANES = 16


@inlined
def _exceeds(columns, rows, a, b, iou_threshold, offset):  # type: ignore[no-untyped-def]
    """Whether IoU > threshold in float64, as the definition computes it."""
    if rows.shape[0] > 0:
        ax1, ay1, ax2, ay2 = rows[a, 0], rows[a, 1], rows[a, 2], rows[a, 3]
        bx1, by1, bx2, by2 = rows[b, 0], rows[b, 1], rows[b, 2], rows[b, 3]
    else:  # the columns are exact, and so is taking the offset away again
        ax1, ay1 = np.float64(columns[0, a]), np.float64(columns[1, a])
        ax2, ay2 = np.float64(columns[2, a]) - offset, np.float64(columns[3, a]) - offset
        bx1, by1 = np.float64(columns[0, b]), np.float64(columns[1, b])
        bx2, by2 = np.float64(columns[2, b]) - offset, np.float64(columns[3, b]) - offset
    w = min(ax2, bx2) - max(ax1, bx1) + offset
    h = min(ay2, by2) - max(ay1, by1) + offset
    if not (w > 0.0 and h > 0.0):
        return False
    inter = w * h
    union = (ax2 - ax1 + offset) * (ay2 - ay1 + offset) + (bx2 - bx1 + offset) * (by2 - by1 + offset) - inter
    return union > 0.0 and inter / union > iou_threshold


@inlined
def _may_hit(block, x1, y1, x2, y2, share):  # type: ignore[no-untyped-def]
    """Whether any of 16 boxes may exceed the threshold with this one."""
    none = np.float32(0)
    hit = False
    for j in range(LANES):
        w = min(x2, block[2, j]) - max(x1, block[0, j])
        h = min(y2, block[3, j]) - max(y1, block[1, j])
        hit |= (w > none) & (h > none) & (w * h >= share + block[4, j])
    return hit


@inlined
def _must_hit(block, x1, y1, x2, y2, share):  # type: ignore[no-untyped-def]
    """Whether any of 16 boxes exceeds the threshold by more than the rounding of exact float32 columns."""
    none = np.float32(0)
    clear = np.float32(1.00001)
    least = np.float32(1e-20)
    hit = False
    for j in range(LANES):
        w = min(x2, block[2, j]) - max(x1, block[0, j])
        h = min(y2, block[3, j]) - max(y1, block[1, j])
        hit |= (w > none) & (h > none) & (w * h > (share + block[4, j]) * clear + least)
    return hit


@inlined
def _hits(block, members, columns, rows, r, x1, y1, x2, y2, share, iou_threshold, offset, sure):  # type: ignore[no-untyped-def]
    """Decide a block that passed the filter."""
    if sure and _must_hit(block, x1, y1, x2, y2, share):
        return True
    none = np.float32(0)
    for j in range(LANES):
        w = min(x2, block[2, j]) - max(x1, block[0, j])
        h = min(y2, block[3, j]) - max(y1, block[1, j])
        if (w > none) & (h > none) & (w * h >= share + block[4, j]):
            if _exceeds(columns, rows, members[j], r, iou_threshold, offset):
                return True
    return False


@inlined
def _linear(columns, rows, start, stop, iou_threshold, offset, most, blocks, members, kept):  # type: ignore[no-untyped-def]
    """Compare with every box kept so far."""
    xs1, ys1, xs2, ys2, shares = columns[0], columns[1], columns[2], columns[3], columns[4]
    sure = rows.shape[0] == 0 and iou_threshold > 1e-3
    count = 0  # boxes in the blocks
    total = 0  # boxes kept, those without area included
    for r in range(start, stop):
        if total == most:
            break
        x1, y1, x2, y2, share = xs1[r], ys1[r], xs2[r], ys2[r], shares[r]
        hit = False
        if share >= 0:
            for g in range((count + LANES - 1) // LANES):
                if _may_hit(blocks[g], x1, y1, x2, y2, share):
                    if _hits(
                        blocks[g], members[g], columns, rows, r, x1, y1, x2, y2, share, iou_threshold, offset, sure
                    ):  # fmt: skip
                        hit = True
                        break
        if hit:
            continue
        kept[r] = True
        total += 1
        if share >= 0:
            block, lane = blocks[count // LANES], count % LANES
            if lane == 0:
                block[:] = 0  # boxes of zeros intersect nothing
            block[0, lane], block[1, lane], block[2, lane], block[3, lane] = x1, y1, x2, y2
            block[4, lane] = share
            members[count // LANES, lane] = r
            count += 1


@kernel("boolean[::1](float32[:,::1], float64[:,::1], int64[::1], float64, float64, int64)")
def suppress(columns: F4, rows: F8, starts: I8, iou_threshold: float, offset: float, most: int) -> B1:
    """Which candidates stay; ``starts`` bounds the runs that are thinned on their own."""
    kept = np.zeros(columns.shape[1], np.bool_)
    longest = 0
    for run in range(starts.shape[0] - 1):
        longest = max(longest, starts[run + 1] - starts[run])
    room = (longest + LANES - 1) // LANES
    blocks = np.empty((room, 5, LANES), np.float32)
    members = np.zeros((room, LANES), np.int32)
    for run in range(starts.shape[0] - 1):
        _linear(columns, rows, starts[run], starts[run + 1], iou_threshold, offset, most, blocks, members, kept)
    return kept
