"""``evaluate_voc`` against the devkit's rules, written out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import detutils
from tests import cases
from tests.naive import voc as naive

Images = list[dict[str, np.ndarray]]


def scene(seed: int, images: int = 8, classes: int = 3) -> tuple[Images, Images]:
    """Boxes on a coarse grid: ties everywhere, IoUs of exactly 1/2 and 1/3, difficult objects, no objects."""
    rng = np.random.default_rng(seed)
    found, truth = [], []
    for _ in range(images):
        m, n = rng.integers(0, 5, 2) * (rng.random(2) > 0.2)
        n *= 4
        corner = rng.integers(0, 4, (m, 2)) * 4.0
        objects = np.hstack([corner, corner + rng.integers(1, 4, (m, 2)) * 4.0])
        truth.append(
            {"boxes": objects, "labels": rng.integers(0, classes, m), "difficult": rng.random(m) < 0.25}
        )
        if m:
            guesses = objects[rng.integers(0, m, n)] + np.array([0, 0, 4.0, 4.0]) * rng.integers(0, 2, (n, 4))
        else:
            guesses = np.tile([0, 0, 4.0, 8.0], (n, 1))
        scores = rng.integers(0, 6, n) / 5
        found.append({"boxes": guesses, "scores": scores, "labels": rng.integers(0, classes + 1, n)})
    return found, truth


def plain(found: Images, truth: Images) -> tuple[list[Any], list[Any]]:
    """The same in lists, for the definition."""
    lists = [tuple(image[key].tolist() for key in ("boxes", "scores", "labels")) for image in found]
    return lists, [{key: value.tolist() for key, value in image.items()} for image in truth]


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("comparison", [">=", ">"])
@pytest.mark.parametrize("method", ["area", "11-point"])
def test_it_is_the_devkits_rule(method: Any, comparison: Any, offset: int) -> None:
    for seed in range(cases.size(36, 8)):
        found, truth = scene(seed, images=int(seed % 12))
        for threshold in (0.5, 1 / 3, 0.0, 1.0):
            options = {
                "iou_threshold": threshold, "method": method, "comparison": comparison, "offset": offset
            }  # fmt: skip
            result = detutils.evaluate_voc(found, truth, **options)
            expected = naive.evaluate_voc(*plain(found, truth), **options)
            assert result.labels.tolist() == list(expected), seed
            np.testing.assert_allclose(result.ap, list(expected.values()), 0, 1e-12, err_msg=f"seed {seed}")
            defined = [value for value in expected.values() if not math.isnan(value)]
            mean = sum(defined) / len(defined) if defined else math.nan
            np.testing.assert_allclose(result.mean_ap, mean, rtol=0, atol=1e-12)


def test_both_comparisons_at_exactly_the_threshold() -> None:
    truth = [([[0, 0, 10, 10]], [0])]
    found = [([[0, 0, 10, 5]], [0.9], [0])]
    assert detutils.evaluate_voc(found, truth).mean_ap == 1.0
    assert detutils.evaluate_voc(found, truth, comparison=">").mean_ap == 0.0
    # Inclusive pixels: 10 x 5 of 10 x 10.
    inclusive = [([[0, 0, 9, 9]], [0])]
    half = [([[0, 0, 9, 4]], [0.9], [0])]
    assert detutils.evaluate_voc(half, inclusive, offset=1).mean_ap == 1.0
    assert detutils.evaluate_voc(half, inclusive, offset=1, comparison=">").mean_ap == 0.0
    assert detutils.evaluate_voc(half, inclusive).mean_ap == 0.0


def test_second_detection_of_an_object_is_wrong_even_beside_a_free_one() -> None:
    truth = [([[0, 0, 10, 10], [0, 0, 10, 8]], [0, 0])]
    found = [([[0, 0, 10, 10], [0, 0, 10, 9.5]], [0.9, 0.8], [0, 0])]
    result = detutils.evaluate_voc(found, truth)
    np.testing.assert_array_equal(result.curves[0].precision, [1.0, 0.5])


def test_ties_go_to_what_was_given_first() -> None:
    truth = [([[0, 0, 10, 10]], [0])]
    right, wrong = [0, 0, 10, 10], [50, 50, 60, 60]
    first = detutils.evaluate_voc([([right, wrong], [0.5, 0.5], [0, 0])], truth)
    second = detutils.evaluate_voc([([wrong, right], [0.5, 0.5], [0, 0])], truth)
    assert (first.mean_ap, second.mean_ap) == (1.0, 0.5)


def test_difficult_objects_count_neither_way() -> None:
    boxes = [[0, 0, 10, 10], [20, 0, 30, 10]]
    truth = [{"boxes": boxes, "labels": [0, 0], "difficult": [False, True]}]
    found = [(boxes[::-1] + boxes[1:], [0.9, 0.8, 0.7], [0, 0, 0])]
    result = detutils.evaluate_voc(found, truth)
    assert result.mean_ap == 1.0
    assert result.objects.tolist() == [1]
    np.testing.assert_array_equal(result.curves[0].recall, [0.0, 1.0, 1.0])
    crowd = detutils.evaluate_voc(found, [{"boxes": boxes, "labels": [0, 0], "crowd": [False, True]}])
    np.testing.assert_array_equal(crowd.curves[0].recall, [0.0, 1.0, 1.0])
    only = detutils.evaluate_voc(found, [{"boxes": boxes, "labels": [0, 0], "difficult": [1, 1]}])
    assert np.isnan(only.ap).all()
    assert math.isnan(only.mean_ap)


def test_nothing_there() -> None:
    empty: tuple[list[Any], ...] = ([], [], [])
    assert math.isnan(detutils.evaluate_voc([], []).mean_ap)
    assert math.isnan(detutils.evaluate_voc([empty], [([], [])]).mean_ap)
    none_found = detutils.evaluate_voc([empty, empty], [([[0, 0, 1, 1]], [4]), ([], [])])
    assert none_found.ap.tolist() == [0.0]
    assert none_found.curves[0].recall.shape == (0,)
    no_objects = detutils.evaluate_voc([([[0, 0, 1, 1]], [0.5], [4])], [([], [])])
    assert np.isnan(no_objects.ap).all()
    assert no_objects.labels.tolist() == [4]
    mixed = detutils.evaluate_voc([([[0, 0, 1, 1]] * 2, [0.5, 0.4], [4, -7])], [([[0, 0, 1, 1]], [4])])
    np.testing.assert_array_equal(mixed.ap, [np.nan, 1.0])
    assert mixed.mean_ap == 1.0


def test_records_mappings_and_tuples_are_one() -> None:
    found, truth = scene(5)
    result = detutils.evaluate_voc(found, truth)
    records = [detutils.Detections(**image) for image in found]
    tuples = [tuple(image[key] for key in ("boxes", "scores", "labels")) for image in found]
    for form in (records, tuples, iter(records)):
        np.testing.assert_array_equal(detutils.evaluate_voc(form, truth).ap, result.ap)


@cases.each("form", cases.GOOD_FORMS.values(), ids=cases.GOOD_FORMS.keys())
def test_every_guise_of_an_array(form: Callable[[np.ndarray], Any]) -> None:
    boxes, scores = cases.whole_boxes(30, 1, side=40), cases.whole_scores(30, 2)
    labels = np.arange(30) % 3
    objects, names = boxes[::4] + 1.0, labels[::4]

    def evaluate(b: Any, s: Any, o: Any) -> Any:
        return detutils.evaluate_voc([(b, s, labels)], [{"boxes": o, "labels": names}])

    expected = cases.unchanged(evaluate, boxes, scores, objects)
    np.testing.assert_array_equal(evaluate(form(boxes), form(scores), form(objects)).ap, expected.ap)


GOOD = cases.whole_boxes(2, 0)


@cases.each(("value", "error", "pattern"), cases.BAD_BOXES)
def test_bad_boxes(value: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.evaluate_voc([(value, [0.5, 0.5], [0, 0])], [(GOOD, [0, 0])])
    with pytest.raises(error, match=pattern):
        detutils.evaluate_voc([(GOOD, [0.5, 0.5], [0, 0])], [(value, [0, 0])])


@cases.each(("value", "error", "pattern"), cases.BAD_SCORES)
def test_bad_scores(value: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.evaluate_voc([(GOOD, value, [0, 0])], [(GOOD, [0, 0])])


@cases.each(("value", "error", "pattern"), cases.BAD_LABELS)
def test_bad_labels(value: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.evaluate_voc([(GOOD, [0.5, 0.5], value)], [(GOOD, [0, 0])])
    with pytest.raises(error, match=pattern):
        detutils.evaluate_voc([(GOOD, [0.5, 0.5], [0, 0])], [(GOOD, value)])


@cases.each(("value", "error", "pattern"), cases.BAD_THRESHOLDS)
def test_bad_thresholds(value: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.evaluate_voc([], [], iou_threshold=value)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match="detections has 1 entries and ground_truth 0"):
        detutils.evaluate_voc([([], [], [])], [])
    with pytest.raises(ValueError, match=r"detections\[1\] boxes\[0\] has x2 < x1"):
        detutils.evaluate_voc([([], [], []), ([[5, 0, 1, 1]], [0.5], [0])], [([], []), ([], [])])
    with pytest.raises(TypeError, match=r"detections\[0\]: scores are None or missing"):
        detutils.evaluate_voc([{"boxes": GOOD, "labels": [0, 0]}], [([], [])])
    with pytest.raises(ValueError, match="method must be one of"):
        detutils.evaluate_voc([], [], method="voc07")
    with pytest.raises(ValueError, match="comparison must be one of"):
        detutils.evaluate_voc([], [], comparison="<")
    with pytest.raises(ValueError, match="offset must be 0 or 1"):
        detutils.evaluate_voc([], [], offset=2)


def test_flags_that_are_masked_or_ragged_are_refused_by_name() -> None:
    found = [([[0, 0, 9, 9]], [0.5], [0])]
    for flags, error in ((np.ma.array([True], mask=[True]), TypeError), ([[1], [1, 2]], ValueError)):
        with pytest.raises(error, match=r"ground_truth\[0\] difficult"):
            detutils.evaluate_voc(found, [{"boxes": [[0, 0, 9, 9]], "labels": [0], "difficult": flags}])
