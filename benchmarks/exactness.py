"""``python -m benchmarks.exactness [CASES [SEED]]``: random cases of NMS against the textbook loop, order included.

Sizes 0 to 3000 (most of them small), thresholds 0 to 1, tied scores, IoUs exactly at the threshold,
whole-pixel boxes, boxes without area, repeated boxes, coordinates shifted by up to 1e5 or scaled up to 1e150,
offsets 0 and 1, float32 and float64, with and without classes, by IoU, ios and ioa, all boxes or the best.
The reference is the loop of ``tests/naive/suppression.py`` in float64, compiled so that a million cases end within the
hour; it is itself compared with that definition before the run.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from detutils.suppression.greedy import suppress, suppress_by_label
from detutils.suppression.plan import METRICS, PLAN, Plan, as_rule, only
from tests.naive import suppression as naive

Array = npt.NDArray[Any]
# Every way must be right at every size; a list that is given up at once hands over to the grid.
PLANS: list[Plan] = [
    PLAN, only("select"), only("list"), only("grid"), only("sweep"), PLAN._replace(some=-1, some_batched=-1, busy=0),
]  # fmt: skip


@numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
def textbook(boxes: Array, order: Array, labels: Array, iou_threshold: float, offset: float, metric: int) -> Array:
    """The definition, word for word; ``order`` is by decreasing score, ``metric`` a place in ``METRICS``."""
    keep = np.empty(order.shape[0], np.int64)
    count = 0
    for i in order:
        dropped = False
        for k in range(count):
            j = keep[k]
            if labels[i] != labels[j]:
                continue
            w = max(min(boxes[i, 2], boxes[j, 2]) - max(boxes[i, 0], boxes[j, 0]) + offset, 0.0)
            h = max(min(boxes[i, 3], boxes[j, 3]) - max(boxes[i, 1], boxes[j, 1]) + offset, 0.0)
            inter = w * h
            area_i = (boxes[i, 2] - boxes[i, 0] + offset) * (boxes[i, 3] - boxes[i, 1] + offset)
            area_j = (boxes[j, 2] - boxes[j, 0] + offset) * (boxes[j, 3] - boxes[j, 1] + offset)
            union = area_j + area_i - inter
            if metric == 1:
                union = min(area_i, area_j)
            elif metric == 2:
                union = area_i
            if union > 0.0 and inter / union > iou_threshold:
                dropped = True
                break
        if not dropped:
            keep[count] = i
            count += 1
    return keep[:count]


def reference(
    boxes: Array, scores: Array, labels: Array | None, iou_threshold: float, offset: int, metric: str, most: int | None
) -> Array:
    """The compiled definition for arrays of any dtype."""
    order = np.argsort(-scores.astype(np.float64), kind="stable")[:most]
    groups = np.zeros(len(boxes), np.int64) if labels is None else labels
    which = METRICS.index(metric)  # type: ignore[arg-type]
    return textbook(boxes.astype(np.float64), order, groups, iou_threshold, float(offset), which)  # type: ignore[no-any-return]


def case(seed: int) -> dict[str, Any]:
    """One random case; a quarter of all have tied scores or IoUs exactly at the threshold."""
    rng = np.random.default_rng(seed)
    kind = rng.random()
    if kind < 0.90:
        n = int(rng.integers(0, 40))
    elif kind < 0.985:
        n = int(rng.integers(40, 300))
    else:
        n = int(rng.integers(300, 3001))
    dtype = np.float32 if rng.random() < 0.5 else np.float64
    spread = float(np.exp(rng.uniform(np.log(5), np.log(60 * np.sqrt(n + 1)))))
    longest = float(np.exp(rng.uniform(np.log(2), np.log(60))))
    corner = rng.uniform(0, spread, (n, 2))
    side = longest * np.exp(-rng.uniform(0, rng.choice([0.3, 1.0, 3.0]), (n, 2)))
    if rng.random() < 0.4:  # whole pixels: IoUs that are small fractions
        corner, side = np.floor(corner), np.ceil(side)
    if n and rng.random() < 0.3:  # repeats, nested boxes of exact ratios, no area
        again = rng.random(n) < 0.3
        source = rng.integers(0, n, int(again.sum()))
        corner[again], side[again] = corner[source], side[source]
        cut = rng.random(n) < 0.3
        side[cut, 0] *= rng.choice([0.0, 0.25, 0.5, 0.6, 0.75, 0.8, 1.0], int(cut.sum()))
    if rng.random() < 0.5:
        corner = corner + rng.choice([-1e5, -1e3, -10.0, 0.1, 1e3, 1e5])
    boxes = np.hstack([corner, corner + side])
    if rng.random() < 0.05:
        boxes *= rng.choice([1e-30, 1e-12, 1e12, 1e25, 1e140 if dtype is np.float64 else 1e30])
    scores = rng.random(n)
    if rng.random() < 0.4:
        scores = np.round(scores * rng.choice([1, 3, 20, 100])) - rng.integers(0, 2)
    elif rng.random() < 0.2:
        scores = 0.5 + scores * 1e-9
    boxes, scores = boxes.astype(dtype), scores.astype(dtype)
    thresholds = [
        0.0,
        0.1,
        0.25,
        1 / 3,
        0.5,
        0.6,
        0.7,
        0.75,
        0.8,
        0.9,
        1.0,
        float(rng.random()),
        float(rng.random()),
    ]
    labels = rng.integers(-2, rng.choice([1, 5, 50]), n) if rng.random() < 0.3 else None
    iou_threshold = float(rng.choice(thresholds))
    metric = str(rng.choice(METRICS, p=[0.6, 0.2, 0.2]))
    if n > 1 and rng.random() < 0.1:  # exactly the IoU of two of the boxes
        iou_threshold = naive.METRICS[metric](*boxes[rng.integers(0, n, 2)].astype(np.float64).tolist())
    most = int(rng.integers(0, n + 2)) if rng.random() < 0.1 else None
    return {"boxes": boxes, "scores": scores, "labels": labels, "iou_threshold": iou_threshold,
            "offset": int(rng.random() < 0.25), "metric": metric, "most": most}  # fmt: skip


def differs(seed: int) -> bool:
    """Whether the package's answer to a case is not the definition's."""
    one = case(seed)
    way = PLANS[seed % len(PLANS)]
    rule = as_rule(one["iou_threshold"], None, None, one["offset"], "raise", one["metric"], one["most"])
    if one["labels"] is None:
        found = suppress(one["boxes"], one["scores"], rule, way)
    else:
        found = suppress_by_label(one["boxes"], one["scores"], one["labels"], rule, way)
    return not np.array_equal(found, reference(**one))


def main(cases: int, first: int = 0) -> int:
    """Compare, say how far, return the number of differences."""
    for seed in range(300):  # the reference itself
        one = case(seed)
        if len(one["boxes"]) < 100:
            rows = [one[key].astype(np.float64).tolist() for key in ("boxes", "scores")]
            labels = None if one["labels"] is None else one["labels"].tolist()
            wanted = naive.explain_nms(*rows, one["iou_threshold"], labels=labels, offset=one["offset"],
                                       metric=one["metric"], max_candidates=one["most"])[0]  # fmt: skip
            if reference(**one).tolist() != wanted:
                raise RuntimeError(f"the compiled reference is not the definition at seed {seed}")
    wrong, start = 0, time.perf_counter()
    for seed in range(first, first + cases):
        if differs(seed):
            wrong += 1
            print(f"seed {seed} differs", flush=True)
        if (seed + 1) % 100_000 == 0:
            print(
                f"{seed + 1 - first:,} cases, {wrong} differences, {time.perf_counter() - start:.0f} s",
                flush=True,
            )
    print(f"{cases:,} cases, {wrong} differences", flush=True)
    return wrong


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(numbers or [10_000])) > 0)
