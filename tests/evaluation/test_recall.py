"""Recall and overlap of proposals against their definitions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import detutils
from tests import cases
from tests.naive import recall as naive

THRESHOLDS = [0.0, 0.25, 0.5, 0.7, 1.0]


def scene(seed: int, images: int = 6) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Proposals, objects and labels of some images; a quarter of them without either."""
    rng = np.random.default_rng(seed)
    proposals, objects, labels = [], [], []
    for i in range(images):
        n, m = int(rng.integers(0, cases.size(60, 20))), int(rng.integers(0, 6))
        objects.append(cases.whole_boxes(m if rng.random() > 0.25 else 0, seed * 100 + i, side=40))
        labels.append(rng.integers(0, 4, len(objects[-1])))
        proposals.append(cases.whole_boxes(n if rng.random() > 0.25 else 0, seed * 100 + 50 + i, side=40))
    return proposals, objects, labels


@pytest.mark.parametrize("offset", [0, 1])
@cases.each("seed", range(8))
def test_recall_is_its_definition(seed: int, offset: int) -> None:
    proposals, objects, _ = scene(seed)
    budgets = [1, 5, 20, None]
    result = detutils.proposal_recall(
        proposals, objects, iou_thresholds=THRESHOLDS, budgets=budgets, offset=offset
    )
    lists = [array.tolist() for array in proposals], [array.tolist() for array in objects]
    recall, average = naive.proposal_recall(*lists, iou_thresholds=THRESHOLDS, budgets=budgets, offset=offset)
    np.testing.assert_array_equal(result.recall, recall)
    np.testing.assert_allclose(result.average_recall, average, rtol=1e-14)
    seen = [np.mean([min(len(p), budget or len(p)) for p in proposals]) for budget in budgets]
    np.testing.assert_allclose(result.boxes, seen, rtol=1e-14)
    np.testing.assert_array_equal(result.budgets, [1, 5, 20, np.inf])
    np.testing.assert_array_equal(result.iou_thresholds, THRESHOLDS)


@pytest.mark.parametrize("budget", [None, 3])
@cases.each("seed", range(8))
def test_best_overlap_is_its_definition(seed: int, budget: int | None) -> None:
    proposals, objects, labels = scene(seed)
    result = detutils.average_best_overlap(proposals, list(zip(objects, labels, strict=True)), budget=budget)
    abo, mabo = naive.average_best_overlap(
        [array.tolist() for array in proposals],
        [(boxes.tolist(), names.tolist()) for boxes, names in zip(objects, labels, strict=True)],
        budget=budget,
    )
    np.testing.assert_array_equal(result.labels, list(abo))
    np.testing.assert_allclose(result.abo, list(abo.values()), rtol=1e-13)
    np.testing.assert_allclose(result.mabo, mabo, rtol=1e-13)


def test_more_proposals_and_lower_thresholds_never_hurt() -> None:
    proposals, objects, _ = scene(3, images=20)
    recall = detutils.proposal_recall(proposals, objects, budgets=[1, 2, 5, 10, 100]).recall
    assert (np.diff(recall, axis=0) >= 0).all()
    assert (np.diff(recall, axis=1) <= 0).all()


def test_long_work_is_done_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    proposals, objects, _ = scene(4, images=20)
    whole = detutils.proposal_recall(proposals, objects, budgets=[1, 5, None])
    for most in (1, 100, 1000):
        monkeypatch.setattr("detutils.evaluation.recall._PAIRS_A_CALL", most)
        parts = detutils.proposal_recall(proposals, objects, budgets=[1, 5, None])
        np.testing.assert_array_equal(parts.recall, whole.recall)


def test_an_overlap_of_exactly_the_threshold_covers() -> None:
    levels = [0.7, 0.7 + 1e-15]
    result = detutils.proposal_recall([[[0, 0, 10, 10]]], [[[0, 0, 10, 7]]], iou_thresholds=levels)
    np.testing.assert_array_equal(result.recall, [[1.0, 0.0]])


def test_default_thresholds_are_decimals() -> None:
    levels = detutils.proposal_recall([[]], [[[0, 0, 1, 1]]]).iou_thresholds
    assert levels.tolist() == [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]


def test_nothing_there() -> None:
    none = detutils.proposal_recall([[[0, 0, 1, 1]], []], [[], []], budgets=[1, None])
    assert np.isnan(none.recall).all()
    assert np.isnan(none.average_recall).all()
    np.testing.assert_array_equal(none.boxes, [0.5, 0.5])
    assert detutils.proposal_recall([], []).boxes.tolist() == [0.0]
    assert math.isnan(detutils.average_best_overlap([[]], [([], [])]).mabo)
    missed = detutils.proposal_recall([[], [[5, 5, 9, 9]]], [[[0, 0, 1, 1]], []])
    np.testing.assert_array_equal(missed.recall, np.zeros((1, 10)))
    assert detutils.average_best_overlap([[]], [([[0, 0, 1, 1]], [7])]).abo.tolist() == [0.0]


def test_boxes_without_area() -> None:
    point = [[[3, 3, 3, 3]]]
    assert detutils.proposal_recall(point, point, iou_thresholds=[0.5]).recall[0, 0] == 0.0
    assert detutils.proposal_recall(point, point, iou_thresholds=[0.5], offset=1).recall[0, 0] == 1.0
    tiny = [[[0, 0, 1e-200, 1e-200]]]
    assert detutils.proposal_recall(tiny, tiny, iou_thresholds=[0.5]).recall[0, 0] == 0.0


def test_difficult_objects_and_crowds_are_left_out() -> None:
    boxes = np.array([[0, 0, 10, 10], [20, 20, 30, 30], [40, 40, 50, 50.0]])
    proposals = [boxes[:1]]
    truth = {"boxes": boxes, "labels": [0, 0, 1], "difficult": [False, True, False], "iscrowd": [0, 0, 1]}
    assert detutils.proposal_recall(proposals, [truth]).average_recall[0] == 1.0
    assert detutils.average_best_overlap(proposals, [truth]).labels.tolist() == [0]
    assert detutils.proposal_recall(proposals, [boxes]).recall[0, 0] == pytest.approx(1 / 3)


@cases.each("form", cases.GOOD_FORMS.values(), ids=cases.GOOD_FORMS.keys())
def test_every_guise_of_an_array(form: Callable[[np.ndarray], Any]) -> None:
    proposals, objects = cases.whole_boxes(30, 1, side=60), cases.whole_boxes(8, 2, side=60)
    labels = np.arange(8) % 3
    plain = detutils.proposal_recall([proposals], [objects], budgets=[5, None])
    guised = detutils.proposal_recall([form(proposals)], [{"boxes": form(objects)}], budgets=[5, None])
    for a, b in zip(plain, guised, strict=True):
        np.testing.assert_array_equal(a, b)
    overlap = cases.unchanged(
        lambda p, o, c: detutils.average_best_overlap([p], [(o, c)]), proposals, objects, labels
    )
    guised_overlap = detutils.average_best_overlap([form(proposals)], [(form(objects), labels)])
    np.testing.assert_array_equal(overlap.abo, guised_overlap.abo)


@cases.each(("value", "error", "pattern"), cases.BAD_BOXES)
def test_bad_boxes(value: Any, error: type[Exception], pattern: str) -> None:
    good = cases.whole_boxes(2, 0)
    with pytest.raises(error, match=pattern):
        detutils.proposal_recall([value], [good])
    with pytest.raises(error, match=pattern):
        detutils.average_best_overlap([good], [{"boxes": value, "labels": [0, 0]}])


def test_what_is_wrong_is_named() -> None:
    good = cases.whole_boxes(2, 0)
    with pytest.raises(ValueError, match=r"proposals\[1\] boxes\[0\] is not finite"):
        detutils.proposal_recall([good, [[0, 0, np.nan, 1]]], [good, good])
    with pytest.raises(ValueError, match="proposals has 1 entries and ground_truth 2"):
        detutils.proposal_recall([good], [good, good])
    with pytest.raises(TypeError, match="proposals must have one entry an image"):
        detutils.proposal_recall(good, [good])
    with pytest.raises(TypeError, match=r"ground_truth must have one entry an image: .*record"):
        detutils.proposal_recall([good], detutils.Detections(good, np.zeros(2), np.zeros(2, int)))
    with pytest.raises(TypeError, match="ground_truth must be a sequence"):
        detutils.proposal_recall([good], 3)
    with pytest.raises(TypeError, match=r"ground_truth\[0\]: boxes are None or missing"):
        detutils.proposal_recall([good], [{"labels": [1]}])
    with pytest.raises(TypeError, match=r"ground_truth\[0\]: labels are None or missing"):
        detutils.average_best_overlap([good], [{"boxes": good}])
    with pytest.raises(TypeError, match="must be integers"):
        detutils.average_best_overlap([good], [(good, [0.5, 1.0])])
    with pytest.raises(ValueError, match=r"ground_truth\[0\] difficult must have shape \(2,\)"):
        detutils.proposal_recall([good], [{"boxes": good, "difficult": [True]}])
    with pytest.raises(ValueError, match=r"crowd must be 0 or 1"):
        detutils.proposal_recall([good], [{"boxes": good, "crowd": [2, 0]}])
    with pytest.raises(TypeError, match=r"crowd must be booleans"):
        detutils.proposal_recall([good], [{"boxes": good, "crowd": [0.5, 0.0]}])


@pytest.mark.parametrize(
    ("budgets", "error", "pattern"),
    [
        ([], ValueError, "empty"),
        ([10, 5], ValueError, "ascend"),
        ([5, 5], ValueError, "ascend"),
        ([None, 5], ValueError, "ascend"),
        ([0], ValueError, "at least 1"),
        ([1.5], TypeError, "integer"),
        ("12", TypeError, "sequence"),
        (7, TypeError, "sequence"),
    ],
)
def test_bad_budgets(budgets: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.proposal_recall([[]], [[]], budgets=budgets)


@pytest.mark.parametrize(
    ("levels", "error", "pattern"),
    [
        ([], ValueError, "empty"),
        ([-0.1], ValueError, r"in \[0, 1\]"),
        ([1.1], ValueError, r"in \[0, 1\]"),
        ([np.nan], ValueError, "finite"),
        (["a"], TypeError, "real numbers"),
        (0.5, ValueError, r"shape \(N,\)"),
    ],
)
def test_bad_thresholds(levels: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.proposal_recall([[]], [[]], iou_thresholds=levels)


@cases.each(("value", "error", "pattern"), cases.BAD_OFFSETS)
def test_bad_offsets(value: Any, error: type[Exception], pattern: str) -> None:
    for function in (detutils.proposal_recall, detutils.average_best_overlap):
        with pytest.raises(error, match=pattern):
            function([[]], [([], [])], offset=value)
