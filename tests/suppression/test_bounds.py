"""Scenes that lie on the bounds by which the ways of suppression leave pairs out, or settle them early.

Random boxes almost never lie there. Each scene is compared with the definition, near the origin and far from it, by
every way, in both precisions and with both offsets.
"""

from __future__ import annotations

import numpy as np
import pytest

from detutils import nms
from detutils.suppression import greedy, plan
from tests.cases import each, once, size
from tests.naive import suppression as naive

WAYS = ["select", "list", "grid", "sweep"]
FAR = [0.0, 1e4, 1e5, 1e6, 1e7]
METRICS = ["iou", "ios", "ioa"]
other_metrics = pytest.mark.parametrize("metric", METRICS[1:])
every_metric = pytest.mark.parametrize("metric", METRICS)
both_offsets = pytest.mark.parametrize("offset", [0, 1])
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_way = pytest.mark.parametrize("way", WAYS)


@once
def defined(boxes: np.ndarray, scores: np.ndarray, threshold: float, offset: int = 0, metric: str = "iou") -> list[int]:
    """The definition in float64; the best of what is left, 64 at a time, are compared with all that is left at once."""
    x1, y1, x2, y2 = boxes.astype(np.float64).T
    area = (x2 - x1 + offset) * (y2 - y1 + offset)
    left = np.argsort(-scores.astype(np.float64), kind="stable")
    keep = []
    while len(left):
        best = left[:64]
        i = best[:, None]
        w = np.maximum(np.minimum(x2[i], x2[left]) - np.maximum(x1[i], x1[left]) + offset, 0.0)
        h = np.maximum(np.minimum(y2[i], y2[left]) - np.maximum(y1[i], y1[left]) + offset, 0.0)
        inter = w * h
        union = {"iou": area[i] + area[left] - inter, "ios": np.minimum(area[i], area[left]), "ioa": area[left]}[metric]
        over = inter / np.where(union > 0, union, 1.0) > threshold
        gone = np.zeros(len(left), bool)
        for row, index in enumerate(best):
            if not gone[row]:
                keep.append(int(index))
                gone |= over[row]
        left = left[64:][~gone[64:]]
    return keep


def same(boxes: np.ndarray, scores: np.ndarray, threshold: float, offset: int, way: str, metric: str = "iou") -> bool:
    rule = plan.as_rule(threshold, None, None, offset, "raise", metric)
    found = greedy.suppress(boxes, scores, rule, plan.only(way)).tolist()
    return found == defined(boxes, scores, threshold, offset, metric)


def shuffled(a: np.ndarray, b: np.ndarray, dtype: type, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The boxes of both in any order, with scores."""
    rng = np.random.default_rng(seed)
    boxes = rng.permutation(np.vstack([a, b])).astype(dtype)
    return boxes, rng.permutation(len(boxes)).astype(dtype)


def test_the_fast_definition_is_the_definition() -> None:
    rng = np.random.default_rng(0)
    corner = np.floor(rng.uniform(0, 30, (60, 2)))
    boxes = np.hstack([corner, corner + np.floor(rng.uniform(0, 9, (60, 2)))])
    scores = np.round(rng.random(60), 1)
    for threshold in (0.0, 0.3, 0.5):
        for offset in (0, 1):
            for metric in naive.METRICS:
                wanted = naive.nms(boxes.tolist(), scores.tolist(), threshold, offset=offset, metric=metric)
                assert defined(boxes, scores, threshold, offset, metric) == wanted


@every_way
@both_offsets
@both_dtypes
@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.7, 0.9])
def test_the_reach_of_a_box(threshold: float, dtype: type, offset: int, way: str) -> None:
    """Equal squares, one shifted along an axis by a little less than what leaves the threshold exceeded."""
    n, span = size(250, 25), size(300, 40)  # so that cells can be as small as they may be
    k = (1.0 - threshold) / (1.0 + threshold)
    for seed, far in enumerate(FAR):
        rng = np.random.default_rng(seed)
        side = rng.uniform(1, 6, n)
        corner = far + rng.uniform(0, span, (n, 2))
        shift = np.zeros((n, 2))
        along = rng.integers(0, 2, n)
        shift[np.arange(n), along] = k * (side + offset) * rng.uniform(0.85, 0.99999, n) * rng.choice([-1, 1], n)
        a = np.hstack([corner, corner + side[:, None]])
        b = np.hstack([corner + shift, corner + shift + side[:, None]])
        boxes, scores = shuffled(a, b, dtype, seed)
        assert same(boxes, scores, threshold, offset, way), f"far {far:g}"


@every_way
@other_metrics
@both_offsets
@both_dtypes
@pytest.mark.parametrize("threshold", [0.0, 0.02, 0.5])
def test_the_reach_of_a_part(threshold: float, dtype: type, offset: int, metric: str, way: str) -> None:
    """Small boxes that stick into the edges and corners of large ones by a little more than the threshold asks for:
    the centers are apart by almost half of both sides, and the sides by any ratio."""
    n = size(200, 20)
    for seed, far in enumerate(FAR):
        rng = np.random.default_rng(seed)
        side = rng.uniform(1, 4, (n, 2))
        large = side * np.exp(rng.uniform(0, 6, (n, 2)))
        corner = far + rng.uniform(0, 900, (n, 2))
        share = np.ones((n, 2))
        along = rng.integers(0, 2, n)
        share[np.arange(n), along] = max(threshold, 1e-3) * rng.uniform(0.9999, 1.1, n)
        low = rng.random((n, 2)) < 0.5
        start = np.where(low, corner - (1 - share) * (side + offset), corner + large + offset - share * (side + offset))
        start = np.where(share == 1.0, corner + rng.random((n, 2)) * (large - side), start)
        a = np.hstack([corner, corner + large])
        b = np.hstack([start, start + side])
        boxes, scores = shuffled(a, b, dtype, seed)
        assert same(boxes, scores, threshold, offset, way, metric), f"far {far:g}"


@every_way
@both_offsets
@both_dtypes
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.8])
def test_the_ratio_of_sides(threshold: float, dtype: type, offset: int, way: str) -> None:
    """A box within a larger one, longer or higher by a little less than the threshold allows, among others of all
    sizes, so that the two lie in levels that are not merged."""
    n = size(200, 20)
    for seed, far in enumerate(FAR):
        rng = np.random.default_rng(seed)
        sides = np.exp(rng.uniform(0, 5, n))[:, None] * np.ones(2)
        corner = far + rng.uniform(0, 200, (n, 2))
        larger = sides + offset
        along = rng.integers(0, 2, n)
        larger[np.arange(n), along] /= threshold * rng.uniform(1.00001, 1.05, n)
        a = np.hstack([corner, corner + sides])
        b = np.hstack([corner, corner + larger - offset])
        boxes, scores = shuffled(a, b, dtype, seed)
        assert same(boxes, scores, threshold, offset, way), f"far {far:g}"


@every_way
@every_metric
@both_offsets
@both_dtypes
def test_what_is_near_the_threshold_is_left_to_float64(dtype: type, offset: int, metric: str, way: str) -> None:
    """The threshold is the overlap of the pairs, or a step of float64 or of the filter beside it: of the float32 share
    (2e-6), of the factor that clears it (1e-5), of the slack (1e-6 of the largest coordinate)."""
    n = size(24, 6)
    for seed, far in enumerate(FAR):
        rng = np.random.default_rng(seed)
        for unit in (1.0, 0.1, 2.0**-10):
            w, h, d = (unit * int(v) for v in (rng.integers(20, 60), rng.integers(20, 60), rng.integers(1, 12)))
            corner = far + unit * np.round(rng.uniform(0, 90 * n, (n, 2)))
            a = np.hstack([corner, corner + [w, h]]).astype(dtype)
            b = np.hstack([corner + [d, 0.0], corner + [w + d, h + (unit if metric == "ios" else 0.0)]]).astype(dtype)
            boxes, scores = shuffled(a, b, dtype, seed)
            exact = naive.METRICS[metric](a[0].astype(float).tolist(), b[0].astype(float).tolist(), offset)
            steps = [exact, np.nextafter(exact, 0), np.nextafter(exact, 1)]
            steps += [exact * (1 + s) for s in (-3e-5, -1e-5, -2e-6, -1e-7, 1e-7, 2e-6, 1e-5, 3e-5)]
            for threshold in steps:
                if 0.0 <= threshold <= 1.0:
                    case = f"far {far:g}, unit {unit:g}, threshold {threshold!r} of {exact!r}"
                    assert same(boxes, scores, float(threshold), offset, way, metric), case


@every_way
@every_metric
@both_offsets
@each("threshold", [0.0, 1e-12, 5e-7, 1e-6, 2e-6, 9e-4, 1e-3, 1.1e-3, 0.999999, 1.0])
def test_thresholds_at_which_the_filter_changes(threshold: float, offset: int, metric: str, way: str) -> None:
    """Below 1e-6 nothing is left out by its share, up to 1e-3 nothing is settled early: slivers of an intersection."""
    n = size(150, 20)
    rng = np.random.default_rng(3)
    corner = rng.uniform(0, 400, (n, 2))
    side = rng.uniform(5, 20, (n, 2))
    sliver = side[:, :1] * rng.choice([1e-12, 1e-7, 9e-7, 2e-6, 5e-4, 2e-3, 1.0], (n, 1))
    a = np.hstack([corner, corner + side])
    b = np.hstack([corner + side * [1, 0] + [offset, 0] - sliver * [1, 0], corner + side * [2, 1] - sliver * [1, 0]])
    boxes, scores = shuffled(a, np.maximum(b, np.hstack([b[:, :2], b[:, :2]])), np.float64, 3)
    assert same(boxes, scores, threshold, offset, way, metric)


@both_offsets
@pytest.mark.parametrize("far", FAR)
def test_cells_of_the_sweep(far: float, offset: int) -> None:
    """Squares on a wide lattice and their partners at the reach, across the edges of cells, the scene so thin that
    the sweep takes it."""
    side, threshold = 7.0, 0.4
    steps = size(30, 6)
    k = (1.0 - threshold) / (1.0 + threshold) * (side + offset)
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:steps, :steps].reshape(2, -1) * 40.0
    corner = far + np.stack([x, y], axis=1) + rng.uniform(0, 10, (len(x), 2))
    shift = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])[rng.integers(0, 4, len(x))]
    shift *= k * rng.choice([0.9999, 0.99999, 1.0, 1.00001], (len(x), 1))
    a = np.hstack([corner, corner + side])
    for dtype in (np.float32, np.float64):
        boxes, scores = shuffled(a, a + np.hstack([shift, shift]), dtype, 1)
        assert same(boxes, scores, threshold, offset, "sweep")


@both_offsets
@both_dtypes
@pytest.mark.parametrize("n", [500, 501, 700, 701, *(pytest.param(n, marks=pytest.mark.slow) for n in (1500, 5000))])
def test_the_ways_hand_over(n: int, dtype: type, offset: int) -> None:
    """Nothing is forced here: the plan goes from the one kernel to the list, and from that to the sweep and the grid,
    as the scene asks. Of the largest scenes each is judged by some of the rules, and all of them by every rule."""
    rules = [(0.1, "iou"), (0.5, "iou"), (0.75, "iou"), (0.4, "ios"), (0.6, "ioa")]
    turn, step = (offset + 2 * (dtype == np.float64), 3) if n > 2000 else (0, 1)
    n = size(n, n // 40 + 3)
    for seed, spread in enumerate((60.0, 12.0 * n**0.5, 60.0 * n**0.5)):
        rng = np.random.default_rng([n, seed])
        corner = rng.uniform(0, spread, (n, 2))
        corner[n // 2 :] = corner[: n - n // 2] + rng.normal(scale=1.0, size=(n - n // 2, 2))
        sides = np.exp(rng.uniform(1, 3.5, (n, 2)))
        sides[n // 2 :] = sides[: n - n // 2]
        boxes = np.hstack([corner, corner + sides]).astype(dtype)
        scores = np.round(rng.random(n), 3).astype(dtype)
        for threshold, metric in rules[(seed + turn) % step :: step]:
            found = nms(boxes, scores, threshold, offset=offset, metric=metric).tolist()
            case = f"spread {spread:g}, {metric} {threshold}"
            assert found == defined(boxes, scores, threshold, offset, metric), case
