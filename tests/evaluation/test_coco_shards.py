"""Evaluation of data that comes in pieces equals that of the whole; intervals equal resampling by hand."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import numpy as np
import pytest

import detutils
from tests.cases import each, size
from tests.evaluation.test_coco import scene


def same(a: detutils.CocoResult, b: detutils.CocoResult) -> None:
    """Bit for bit."""
    for name, left, right in zip(a._fields, a, b, strict=True):
        if isinstance(left, np.ndarray):
            assert left.dtype == right.dtype, name
            np.testing.assert_array_equal(left, right, err_msg=name)
        else:
            assert left == right, name


@pytest.mark.parametrize("exact", [True, False])
@each("seed", range(size(6, 2)))
def test_any_split_and_any_order_of_merging_is_the_whole(seed: int, exact: bool) -> None:
    """Tied scores across pieces included (``exact``)."""
    found, truth = scene(seed, size(12, 6), size(40, 12), exact=exact)
    rng = np.random.default_rng(seed)
    whole = detutils.evaluate_coco(found, truth, arrays=True)
    cuts = [0, *sorted(rng.integers(0, len(found) + 1, 3).tolist()), len(found)]
    spans = [slice(a, b) for a, b in itertools.pairwise(cuts)]
    one = detutils.CocoAccumulator()
    for span in spans:
        assert one.update(found[span], truth[span]) is one
    same(one.result(arrays=True), whole)
    a, b, c, d = (detutils.CocoAccumulator().update(found[span], truth[span]) for span in spans)
    left, right, middle = a.merge(b).merge(c).merge(d), a.merge(b.merge(c.merge(d))), a.merge(b.merge(c)).merge(d)
    sent = pickle.loads(pickle.dumps(a.merge(b)))
    for both in (left, right, middle, sent.merge(c.merge(d))):
        same(both.result(arrays=True), whole)
    same(a.result(), detutils.evaluate_coco(found[spans[0]], truth[spans[0]]))  # merging changed nothing
    empty = detutils.CocoAccumulator()
    same(empty.merge(left).merge(empty).result(arrays=True), whole)
    same(empty.result(), detutils.evaluate_coco([], []))


def test_options_go_with_the_pieces() -> None:
    found, truth = scene(3, 6, 20, exact=False)
    options: dict[str, Any] = {
        "iou_thresholds": [0.5, 0.9], "max_detections": (2, 7), "areas": {"tiny": (0, 500)}, "class_agnostic": True,
    }  # fmt: skip
    one = detutils.CocoAccumulator(**options).update(found[:2], truth[:2])
    other = detutils.CocoAccumulator(**options).update(found[2:], truth[2:])
    same(one.merge(other).result(), detutils.evaluate_coco(found, truth, **options))
    for name, value in {**options, "areas": {"tiny": (0, 501)}, "class_agnostic": False, "max_detections": (2, 8),
                        "iou_thresholds": [0.5, 0.8]}.items():  # fmt: skip
        with pytest.raises(ValueError, match="other has other options"):
            one.merge(detutils.CocoAccumulator(**{**options, name: value}))
    with pytest.raises(TypeError, match="other must be a CocoAccumulator, got list"):
        one.merge([])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="detections has 1 entries and ground_truth 2"):
        one.update(found[:1], truth[:2])
    same(one.merge(other).result(), detutils.evaluate_coco(found, truth, **options))  # the refused piece left no trace


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"iou_thresholds": [2]}, ValueError, "iou_thresholds must be in"),
        ({"max_detections": []}, ValueError, "ascending integers"),
        ({"areas": 3}, TypeError, "areas must be a mapping"),
        ({"class_agnostic": 1}, TypeError, "class_agnostic must be a bool"),
    ],
)
def test_bad_options(options: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.CocoAccumulator(**options)


# ---- intervals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["ap", "ap50", "ap75"])
def test_samples_are_those_of_the_drawn_images(metric: Any) -> None:
    found, truth = scene(1, size(15, 6), size(30, 10), exact=False)
    other, _ = scene(1, size(15, 6), size(30, 10), exact=False)
    for image in other:
        image["boxes"] = image["boxes"] * [1, 1, 1.01, 1.02]
    count = size(20, 5)
    interval = detutils.bootstrap_coco(found, truth, metric=metric, resamples=count, seed=4)
    both = detutils.bootstrap_coco(found, truth, other=other, metric=metric, resamples=count, seed=4)
    rng = np.random.default_rng(4)
    for sample, difference in zip(interval.samples, both.samples, strict=True):
        drawn = rng.integers(0, len(truth), len(truth))
        drawn = np.sort(drawn)  # ties between copies of an image stay beside each other
        first, second = (
            getattr(detutils.evaluate_coco([f[i] for i in drawn], [truth[i] for i in drawn]), metric)
            for f in (found, other)
        )
        assert sample == pytest.approx(first, abs=1e-12)
        assert difference == pytest.approx(second - first, abs=1e-12)
    assert interval.value == getattr(detutils.evaluate_coco(found, truth), metric)
    ends = np.quantile(interval.samples, [0.025, 0.975])
    assert (interval.low, interval.high) == tuple(ends)


def test_seeds_and_confidence() -> None:
    found, truth = scene(2, 8, 12, exact=False)
    a, b, c = (detutils.bootstrap_coco(found, truth, resamples=12, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.samples, b.samples)
    assert (a.samples != c.samples).any()
    narrow = detutils.bootstrap_coco(found, truth, resamples=12, seed=1, confidence=0.5)
    assert a.low <= narrow.low <= narrow.high <= a.high


def test_resamples_without_objects_are_left_out() -> None:
    nothing = detutils.bootstrap_coco([], [], resamples=3)
    assert np.isnan([nothing.value, nothing.low, nothing.high, *nothing.samples]).all()
    some = detutils.bootstrap_coco([([[0, 0, 9, 9]], [0.5], [0]), ([], [], [])], [([[0, 0, 9, 9]], [0]), ([], [])],
                                   resamples=40)  # fmt: skip
    assert 0 < np.isnan(some.samples).sum() < 40
    assert some.low == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"metric": "map"}, ValueError, "metric must be one of 'ap', 'ap50', 'ap75'"),
        ({"resamples": 0}, ValueError, "resamples must be at least 1"),
        ({"resamples": 2.5}, TypeError, "resamples must be an integer"),
        ({"confidence": 1.5}, ValueError, "confidence must"),
        ({"seed": -1}, ValueError, "seed must"),
        ({"seed": "x"}, TypeError, "seed must"),
        ({"other": []}, ValueError, "has 0 entries and ground_truth 1"),
        ({"iou_thresholds": [0.6], "metric": "ap50"}, ValueError, "metric 'ap50' needs 0.5 among iou_thresholds"),
    ],
)
def test_bad_options_of_intervals(options: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.bootstrap_coco([([], [], [])], [([], [])], **options)
