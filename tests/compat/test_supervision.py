"""supervision's overlaps and suppression: equal to the definition, and to supervision where it is installed."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from detutils.compat import supervision as compat
from tests.cases import GOOD_FORMS, each, random_boxes, size, unchanged
from tests.compat.refusals import NO_BOXES, NO_SHARES, refuses
from tests.naive import compat_supervision as naive
from tests.naive.suppression import METRICS

CASES = 10_000 if os.environ.get("DETUTILS_DEEP") else size(300, 30)
THRESHOLDS = [0.0, 0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
ROWS = np.array([[0.0, 0, 4, 4, 0.875, 0], [0, 0, 4, 4, 0.75, 0], [0, 0, 4, 4, 0.5, 1], [9, 9, 12, 12, 0.25, 0]])


def rows_of(seed: int, *, whole: bool, ties: bool) -> np.ndarray:
    """(n, 5) or (n, 6) predictions."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, size(40, 15)))
    side = int(rng.choice([20, 60, 300]))
    if whole:
        place, sides = rng.integers(-5, side, (n, 2)), rng.integers(0, side // 2, (n, 2))
    else:
        place, sides = rng.uniform(-5, side, (n, 2)), rng.uniform(0, side / 2, (n, 2))
    scores = np.round(rng.random(n), 1) if ties else rng.permutation(n) / max(n, 1)
    rows = np.column_stack([place, place + sides, scores, rng.integers(0, 3, n)])
    rows = rows[:, : 6 if rng.random() < 0.7 else 5]
    return rows.astype(np.float32) if rng.random() < 0.4 else rows


def decisive(rows: np.ndarray, limit: float, metric: str) -> bool:
    """Whether some overlap lies so near the threshold that its rounding to float32 decides."""
    boxes = rows[:, :4].astype(np.float64).tolist()
    return any(abs(METRICS[metric](a, b) - limit) < 1e-6 for a in boxes for b in boxes)


@pytest.mark.parametrize("metric", ["IOU", "IOS"])
def test_is_the_definition(metric: str) -> None:
    """Tied scores included: the last wins."""
    judged = 0
    for seed in range(size(150, 30)):
        rows, limit = rows_of(seed, whole=False, ties=seed % 2 == 0), (0.3, 0.45, 0.5, 0.7)[seed % 4]
        if decisive(rows, limit, metric.lower()):
            continue
        judged += 1
        lists = rows.astype(np.float64).tolist()
        keep = unchanged(compat.box_non_max_suppression, rows, iou_threshold=limit, overlap_metric=metric)
        assert keep.dtype == np.bool_
        assert keep.tolist() == naive.box_non_max_suppression(lists, limit, metric.lower()), f"seed {seed}"
        groups = unchanged(compat.box_non_max_merge, rows, iou_threshold=limit, overlap_metric=metric)
        assert groups == naive.box_non_max_merge(lists, limit, metric.lower()), f"seed {seed}"
    assert judged > size(60, 10)


@pytest.mark.parametrize("metric", ["iou", "ios"])
def test_overlaps_are_the_definition(metric: str) -> None:
    first, second = random_boxes(20, 0), random_boxes(15, 1)
    wanted = [[METRICS[metric](a, b) for b in second.tolist()] for a in first.tolist()]
    found = compat.box_iou_batch(first, second, metric)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-12)
    assert compat.box_iou(first[3], second[4], metric) == pytest.approx(wanted[3][4])
    assert compat.box_iou_batch(np.zeros((0, 4)), second).shape == (0, 15)


def test_equals_supervision() -> None:
    """Scores are not tied: its sort is not stable. Overlaps at the threshold are as good as any."""
    peer = pytest.importorskip("supervision")
    for seed in range(CASES):
        rows = rows_of(seed, whole=seed % 2 == 0, ties=False)
        limit, name = THRESHOLDS[seed % 13], ("IOU", "IOS")[seed // 13 % 2]
        metric = peer.OverlapMetric(name)
        mine = (metric, name, name.lower(), compat.OverlapMetric(name))[seed % 4]
        keep, wanted = (
            compat.box_non_max_suppression(rows, limit, mine),
            peer.box_non_max_suppression(rows, limit, metric),
        )
        assert keep.dtype == wanted.dtype
        np.testing.assert_array_equal(keep, wanted, f"seed {seed}")
        assert compat.box_non_max_merge(rows, limit, mine) == peer.box_non_max_merge(rows, limit, metric), (
            f"seed {seed}"
        )
        boxes, others = rows[:, :4], rows[: seed % 7, :4]
        found, wanted = compat.box_iou_batch(boxes, others, mine), peer.box_iou_batch(boxes, others, metric)
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted, f"seed {seed}")


def test_overlaps_are_rounded_to_float32() -> None:
    """3 / 5 rounds above 0.6 and is suppressed; in float32, 7 / 20 is the threshold 0.35 and so merged."""
    rows = [[0, 0, 5, 1, 0.9], [0, 0, 3, 1, 0.8]]
    assert compat.box_non_max_suppression(rows, 0.6).tolist() == [True, False]
    assert compat.box_non_max_suppression(rows, 0.7).tolist() == [True, True]
    rows = [[0, 0, 20, 1, 0.9], [0, 0, 7, 1, 0.8]]
    assert compat.box_non_max_suppression(rows, 0.35).tolist() == [True, True]
    assert compat.box_non_max_merge(rows, 0.35) == [[0, 1]]
    assert compat.box_non_max_merge(rows, 0.36) == [[0], [1]]


def test_merging_at_0_merges_all_of_a_class() -> None:
    assert compat.box_non_max_merge(ROWS, 0.0) == [[0, 1, 3], [2]]
    assert compat.box_non_max_merge(ROWS[:, :5], 0.0) == [[0, 1, 2, 3]]
    assert compat.box_non_max_merge(np.zeros((0, 6))) == []


def test_the_enums() -> None:
    assert compat.OverlapMetric.list() == ["IOU", "IOS"]
    assert compat.OverlapFilter.list() == ["none", "non_max_suppression", "non_max_merge"]
    assert compat.OverlapMetric.from_value("ios") is compat.OverlapMetric.IOS
    assert compat.OverlapFilter.from_value(compat.OverlapFilter.NONE) is compat.OverlapFilter.NONE
    for value in ("iox", 3, None, compat.OverlapFilter.NONE):
        with pytest.raises(ValueError, match="Invalid value"):
            compat.OverlapMetric.from_value(value)


@each("form", GOOD_FORMS)
def test_forms(form: str) -> None:
    rows = np.array([[0.0, 0, 4, 4, 3, 0], [0, 0, 4, 4, 2, 0], [0, 0, 4, 4, 1, 1]])
    assert compat.box_non_max_suppression(GOOD_FORMS[form](rows)).tolist() == [True, False, True]
    assert compat.box_iou_batch(GOOD_FORMS[form](rows[:, :4]), rows[:1, :4]).tolist() == [[1.0]] * 3


@pytest.mark.parametrize("function", [compat.box_non_max_suppression, compat.box_non_max_merge])
def test_refusals(function: Any) -> None:
    values = {
        **{what: value for what, value in NO_BOXES.items() if what not in ("inf", "NaN", "huge")},
        "four columns": ROWS[:, :4], "NaN": ROWS * [1, np.nan, 1, 1, 1, 1], "inf": ROWS * [1, 1, np.inf, 1, 1, 1],
        "NaN score": ROWS * [1, 1, 1, 1, np.nan, 1], "half a class": ROWS + 0.5,
        "x2 < x1": [[0, 0, 1, 1, 0.5], [2, 0, 1, 1, 0.5]],
    }  # fmt: skip
    refuses(function, {"predictions": ROWS}, "predictions", values)
    refuses(function, {"predictions": ROWS}, "iou_threshold", NO_SHARES)
    with pytest.raises(ValueError, match=r"predictions\[1\] has x2 < x1"):
        function([[0, 0, 1, 1, 0.5], [2, 0, 1, 1, 0.5], [0, 0, 1, 1, 0.25]])
    with pytest.raises(ValueError, match="Invalid value"):
        function(ROWS, 0.5, "GIOU")


def test_refusals_of_overlaps() -> None:
    values = {**NO_BOXES, "x2 < x1": [[0, 0, 1, 1], [2, 0, 1, 1]]}
    for name in ("boxes_true", "boxes_detection"):
        refuses(compat.box_iou_batch, {"boxes_true": ROWS[:, :4], "boxes_detection": ROWS[:, :4]}, name, values)
    values = {"None": None, "text": "1234", "three": [0, 0, 1], "NaN": [0, 0, 1, np.nan], "x2 < x1": [2, 0, 1, 1]}
    for name in ("box_true", "box_detection"):
        refuses(compat.box_iou, {"box_true": [0, 0, 1, 1], "box_detection": [0, 0, 1, 1]}, name, values)


@pytest.mark.parametrize("label", [2.0**60, -(2.0**60)])
def test_classes_that_floats_cannot_tell_apart_are_refused(label: float) -> None:
    for function in (compat.box_non_max_suppression, compat.box_non_max_merge):
        with pytest.raises(ValueError, match=r"predictions\[:, 5\]\[0\] is beyond 2\*\*53"):
            function(np.array([[0.0, 0, 4, 4, 0.5, label], [0.0, 0, 4, 4, 0.25, 0]]))
