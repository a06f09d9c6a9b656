"""THE decision of suppression: does the overlap of two boxes, their IoU or another measure, exceed the threshold?

The answer is always that of the definition: the float64 quotient of intersection and union, compared with the
threshold. Most pairs never come to it, because float32 columns settle them:

    x1, y1, x2 + offset, y2 + offset   rounded outward (``outward``), so that no side of an intersection is too short
    share                              f * area - 1e-30, with f = t / (1 + t) * (1 - 2e-6); infinite without an area

Of two boxes with areas A and B, union = A + B - inter, and IoU > t means inter > t / (1 + t) * (A + B).

**No pair is missed** (``may``). Let u = 2^-24 be the relative error of one float32 operation. The outward sides are at
least the true ones, so width and height lose at most u each, their product one u more; each share gains at most u, and
their sum u. Together less than 6 u = 4e-7 of the 2e-6 that f leaves. Products and shares below float32's normal range
err by an absolute 1e-44 instead, which the 1e-30 covers. The float64 arithmetic of the definition errs by some 2^-53 of
a side; as IoU > t > 1e-6 means sides longer than 1e-6 of the boxes', that is below 1e-9 of the intersection.
Below t = 1e-6 the shares are 0, and every pair with an intersection is left to the quotient.

**No pair is claimed wrongly** (``must``). The outward edges lie at most 2.4e-7 of the largest coordinate from the true
ones, so a side of an intersection is at most ``slack`` = 1e-6 of it too long (two edges, and the rounding of their
difference); with columns that hold the boxes exactly slack is 0. With the sides so shortened, inter is too large by at
most 4 u, and the sum of the shares too small by at most 2e-6 + 3 u. Hence inter > 1.00001 * (share + share) + 1e-20
leaves inter > t / (1 + t) * (A + B) * (1 + 7e-6), far more than the float64 quotient errs. The 1e-20 (``least``) covers
the 1e-30 of the shares and what underflows; where t <= 1e-3 it is infinite, and nothing is claimed.

**Other measures** ask for t of one area in place of t / (1 + t) of two: ios (over the smaller box) for inter > t *
min(A, B), ioa (over the weaker one) for inter > t * B. So f = t * (1 - 2e-6), and the smaller of two shares stands for
their sum: rounding keeps the order of areas, so it is the share of the smaller box. For ioa the better box is written
with an infinite share (``as_better``), which leaves the weaker one's. Both proofs hold with one share less to err.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detutils._jit import embedded
from detutils.geometry._kernels.pair import intersection, ioa, iou, sides

SCENE = "float32[:,::1], float64[:,::1], float64[::1]"  # the types of what ``scene_of`` takes
LANES = 16  # boxes that are filtered at once: columns are whole vectors of them
FAR = 1e15  # beyond it float32 areas would leave float32's range: such scenes are scaled by a power of two
NOTHING = np.float32(np.inf)  # the share of a box without area: it exceeds no threshold with any other
NONE = np.float32(0)
CLEAR = np.float32(1.00001)


class Scene(NamedTuple):
    """What decides a pair: (5, N) float32 columns, the (N, 4) float64 rows of the boxes unless the columns hold them
    exactly, and the rule. ``measure`` is -1 for IoU, 0 for ios, 1 for ioa."""

    columns: Any
    rows: Any
    iou_threshold: Any
    offset: Any
    slack: Any
    least: Any
    measure: Any


@embedded
def least_of(iou_threshold: Any) -> Any:
    return np.float32(1e-20 if iou_threshold > 1e-3 else np.inf)


@embedded
def scene_of(columns: Any, rows: Any, rule: Any) -> Any:
    """``rule``: the threshold, the largest coordinate if the columns are rounded, else 0, the offset, the measure."""
    return Scene(columns, rows, rule[0], rule[2], np.float32(1e-6 * rule[1]), least_of(rule[0]), rule[3])


@embedded
def overlap_of(a: Any, b: Any, offset: Any, measure: Any) -> Any:
    """The quotient of the definition, of two boxes in float64, the better one first."""
    area = (a[2] - a[0] + offset) * (a[3] - a[1] + offset)
    other = (b[2] - b[0] + offset) * (b[3] - b[1] + offset)
    common = intersection(a, b, offset, 0.0)
    if measure < 0.0:
        return iou(common, area, other, 0.0, 1.0)
    return ioa(common, other if measure > 0.0 or other < area else area, 0.0, 1.0)


@embedded
def box_of(scene: Any, r: Any) -> Any:
    """A candidate in float64; taking the offset away from exact columns is exact as well."""
    rows, columns, offset = scene.rows, scene.columns, scene.offset
    if rows.shape[0] > 0:
        return rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3]
    x1, y1 = np.float64(columns[0, r]), np.float64(columns[1, r])
    return x1, y1, np.float64(columns[2, r]) - offset, np.float64(columns[3, r]) - offset


@embedded
def exceeds(scene: Any, a: Any, b: Any) -> Any:
    """Whether IoU > threshold, as the definition computes it; candidate a is better than b."""
    return overlap_of(box_of(scene, a), box_of(scene, b), scene.offset, scene.measure) > scene.iou_threshold


@embedded
def as_better(box: Any, measure: Any) -> Any:
    """A box of the columns as the better one of a pair: its area asks for nothing where only the other's counts."""
    return box[0], box[1], box[2], box[3], NOTHING if measure > 0.0 else box[4]


@embedded
def as_weaker(box: Any, measure: Any) -> Any:
    """A box of the columns as the weaker one: what it asks for beside the better one's share, and what instead."""
    both = measure < 0.0
    return box[0], box[1], box[2], box[3], box[4] if both else NONE, NOTHING if both else box[4]


@embedded
def _needed(better: Any, weaker: Any) -> Any:
    """What the intersection of two boxes that exceed the threshold is at least."""
    both = better[4] + weaker[4]
    return weaker[5] if weaker[5] < both else both  # in this order the compiler leaves it out where IoU is known


@embedded
def may(better: Any, weaker: Any) -> Any:
    """Whether two boxes of the columns may exceed the threshold."""
    width, height = sides(better, weaker)
    return (width > NONE) & (height > NONE) & (width * height >= _needed(better, weaker))


@embedded
def settle(better: Any, weaker: Any, slack: Any, least: Any) -> Any:
    """``may``, though also for boxes that are apart if their shares are 0, and whether they exceed the threshold for
    certain (``must``); None for ``slack`` is 0."""
    width, height = sides(better, weaker)
    width = max(width, NONE)  # so that two gaps are no intersection
    needed = _needed(better, weaker)
    inter = sure = width * height
    if slack is not None:
        sure = max(width - slack, NONE) * max(height - slack, NONE)
    near = inter >= needed
    return near, near & (sure > needed * CLEAR + least)


@embedded
def factor_of(iou_threshold: Any, measure: Any) -> Any:
    """The multiple of an area that is its share."""
    of_one = 1.0 + iou_threshold if measure < 0.0 else 1.0
    return iou_threshold / of_one * (1.0 - 2e-6) if iou_threshold > 1e-6 else 0.0


@embedded
def share_of(area: Any, factor: Any) -> Any:
    return max(area * factor - 1e-30, 0.0) if area > 0.0 else NOTHING


@embedded
def down(value: Any) -> Any:
    """The value if it is a float32, else one below it by at most two steps."""
    near = np.float32(value)
    return near if near <= value else np.float32(value - abs(value) * 1.2e-7 - 1.5e-45)


@embedded
def beyond(value: Any, offset: Any) -> Any:
    """value + offset, not rounded down: far out the offset is lost, but two boxes that touch still share it."""
    moved = value + offset
    return moved + (abs(value) * 2.3e-16 if moved - value < offset else 0.0)


@embedded
def outward(columns: Any, i: Any, box: Any, offset: Any, factor: Any, scale: Any) -> Any:
    """Write the columns of a float64 box, and return whether they hold it exactly."""
    x1, y1, x2, y2 = box
    left, top, right, low = x1 * scale, y1 * scale, beyond(x2, offset) * scale, beyond(y2, offset) * scale
    a, b, c, d = down(left), down(top), -down(-right), -down(-low)
    columns[0, i], columns[1, i], columns[2, i], columns[3, i] = a, b, c, d
    columns[4, i] = share_of((x2 - x1 + offset) * (y2 - y1 + offset), factor * scale * scale)
    return (a == x1) & (b == y1) & (c - offset == x2) & (d - offset == y2)


@embedded
def as_they_are(columns: Any, i: Any, box: Any, factor: Any) -> None:
    """Write the columns of a float32 box with offset 0."""
    x1, y1, x2, y2 = box
    columns[0, i], columns[1, i], columns[2, i], columns[3, i] = x1, y1, x2, y2
    columns[4, i] = share_of((np.float64(x2) - np.float64(x1)) * (np.float64(y2) - np.float64(y1)), factor)
