"""Weighted boxes fusion and box voting against their definitions, and what all of fusion refuses."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import detutils
from tests import cases
from tests.naive import fusion as naive
from tests.naive.overlaps import pair_iou
from tests.suppression.test_soft_nms import boxes_of, check_soft_nms, plain

METHODS = ["avg", "max", "box_and_model_avg", "absent_model_aware_avg"]


@cases.each(("threshold", "error", "text"), cases.BAD_THRESHOLDS)
def test_bad_thresholds_are_refused(threshold: Any, error: type[Exception], text: str) -> None:
    box, score = [[0, 0, 1, 1]], [0.5]
    with pytest.raises(error, match=text):
        detutils.soft_nms(box, score, iou_threshold=threshold)
    with pytest.raises(error, match=text):
        detutils.weighted_boxes_fusion([box], [score], iou_threshold=threshold)
    with pytest.raises(error, match=text):
        detutils.box_voting(box, score, [0], threshold)


@cases.each(("offset", "error", "text"), cases.BAD_OFFSETS)
def test_bad_offsets_are_refused(offset: Any, error: type[Exception], text: str) -> None:
    box, score = [[0, 0, 1, 1]], [0.5]
    with pytest.raises(error, match=text):
        detutils.soft_nms(box, score, offset=offset)
    with pytest.raises(error, match=text):
        detutils.weighted_boxes_fusion([box], [score], offset=offset)
    with pytest.raises(error, match=text):
        detutils.box_voting(box, score, [0], offset=offset)


# ---- weighted boxes fusion ---------------------------------------------------------------------------------


def models_of(
    seed: int, n: int = 25
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Several models that see the same objects, each missing some, with ties in every third scene."""
    rng = np.random.default_rng(seed)
    objects = boxes_of(int(rng.integers(0, n)), seed)
    boxes, scores, labels = [], [], []
    for _ in range(int(rng.integers(1, 5))):
        seen = objects[rng.random(len(objects)) < 0.8]
        jittered = seen + rng.normal(0, 2, seen.shape)
        jittered[:, 2:] = np.maximum(jittered[:, 2:], jittered[:, :2])
        boxes.append(np.round(jittered) if seed % 2 else jittered)
        scores.append(rng.random(len(seen)) if seed % 3 else rng.integers(0, 4, len(seen)) / 4)
        labels.append(rng.integers(-1, 2, len(seen)))
    return boxes, scores, labels, rng.uniform(0.5, 2.0, len(boxes))


@pytest.mark.parametrize("method", METHODS)
@cases.each("seed", range(cases.size(40, 12)))
def test_fusion_is_its_definition(seed: int, method: Any) -> None:
    boxes, scores, labels, weights = models_of(seed)
    options: dict[str, Any] = {
        "iou_threshold": [0.55, 0.3, 0.0, 1.0][seed % 4], "score_threshold": [0.0, 0.25][seed % 2],
        "allow_overflow": seed % 5 == 0, "offset": seed % 2, "method": method,
    }  # fmt: skip
    before = [array.copy() for array in itertools.chain(boxes, scores, labels)]
    result = detutils.weighted_boxes_fusion(boxes, scores, labels, weights=weights, **options)
    for array, copy in zip(itertools.chain(boxes, scores, labels), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    lists = ([array.tolist() for array in arrays] for arrays in (boxes, scores, labels))
    means, values, names, sources = naive.weighted_boxes_fusion(*lists, weights=weights.tolist(), **options)
    np.testing.assert_array_equal(result.boxes, np.reshape(means, (-1, 4)))
    np.testing.assert_array_equal(result.labels, names)
    assert [source.tolist() for source in result.sources] == sources
    np.testing.assert_allclose(result.scores, values, rtol=1e-13)  # the sums of weights run in another order
    assert result.boxes.dtype == result.scores.dtype == np.float64
    assert result.labels.dtype == np.int64


@pytest.mark.parametrize("method", METHODS)
@cases.each("seed", range(6))
def test_fusion_agrees_with_ensemble_boxes(seed: int, method: Any) -> None:
    ensemble_boxes = cases.uncompiled("ensemble_boxes")
    rng = np.random.default_rng(seed)
    objects = np.sort(rng.uniform(0.05, 0.95, (30, 2, 2)), axis=1).reshape(-1, 4)
    boxes, scores, labels = [], [], []
    for _ in range(3):
        seen = np.flatnonzero(rng.random(30) < 0.8)
        boxes.append(
            np.sort((objects[seen] + rng.normal(0, 0.01, (len(seen), 4))).reshape(-1, 2, 2), axis=1).reshape(
                -1, 4
            )
        )
        scores.append(rng.uniform(0.1, 1.0, len(seen)))
        labels.append(seen % 3)
    weights, overflow = [1.0, 2.0, 0.5], seed % 2 == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = ensemble_boxes.weighted_boxes_fusion(
            boxes, scores, labels, weights=weights, iou_thr=0.5, conf_type=method, allows_overflow=overflow
        )
    result = detutils.weighted_boxes_fusion(
        [np.clip(rows, 0, 1) for rows in boxes], scores, labels, weights=weights, iou_threshold=0.5,
        method=method, allow_overflow=overflow,
    )  # fmt: skip
    np.testing.assert_allclose(result.boxes, expected[0], atol=1e-6)  # its means are float32
    np.testing.assert_allclose(result.scores, expected[1], rtol=1e-6)
    np.testing.assert_array_equal(result.labels, expected[2])


def test_fusion_of_three_clusters_has_the_published_scores() -> None:
    boxes = [
        [[0.1, 0.1, 0.5, 0.5], [0.11, 0.11, 0.51, 0.51], [0.6, 0.6, 0.8, 0.8]],
        [[0.59, 0.59, 0.79, 0.79], [0.61, 0.61, 0.81, 0.81], [0.8, 0.8, 0.9, 0.9]],
    ]
    scores, labels = [[0.9, 0.8, 0.7], [0.85, 0.75, 0.65]], [[1, 1, 1], [1, 1, 0]]
    upper = (0.1 * 0.9 + 0.11 * 0.8) / (0.9 + 0.8)
    lower = (0.6 * 0.7 * 2 + 0.59 * 0.85 + 0.61 * 0.75) / (0.7 * 2 + 0.85 + 0.75)
    whole = {round(3.4 * 2 / 6, 9): upper, round(3.0 * 2 / 9, 9): lower, round(0.65 / 3, 9): 0.8}
    expected = {
        "avg": whole,
        "box_and_model_avg": {0.75: lower, round(3.4 / 4 * 2 / 3, 9): upper, round(0.65 / 3, 9): 0.8},
        "absent_model_aware_avg": {0.75: lower, 0.68: upper, round(0.65 / 3, 9): 0.8},
    }
    for method, clusters in expected.items():
        fused = detutils.weighted_boxes_fusion(
            boxes, scores, labels, weights=[2, 1], iou_threshold=0.5, method=method
        )
        np.testing.assert_allclose(fused.scores, list(clusters), atol=1e-9)
        np.testing.assert_allclose(fused.boxes[:, :2], np.repeat(list(clusters.values()), 2).reshape(-1, 2))
        assert fused.labels.tolist() == [1, 1, 0]


def test_fusion_of_one_model_without_overlaps_changes_nothing() -> None:
    boxes = np.array([[0, 0, 10, 10], [20, 0, 33.3, 10], [40, 0, 40, 10]])
    fused = detutils.weighted_boxes_fusion([boxes], [[0.1, 0.7, 0.4]], [[3, 1, 2]])
    np.testing.assert_array_equal(fused.boxes, boxes[[1, 2, 0]])
    np.testing.assert_array_equal(fused.scores, [0.7, 0.4, 0.1])
    np.testing.assert_array_equal(fused.labels, [1, 2, 3])
    np.testing.assert_array_equal(fused.sources[0], [2, 0, 1])


def test_fusion_at_exactly_the_thresholds() -> None:
    boxes = [[[0, 0, 10, 10]], [[0, 0, 10, 5]]]  # IoU exactly 0.5
    assert len(detutils.weighted_boxes_fusion(boxes, [[0.9], [0.8]], iou_threshold=0.5).boxes) == 2
    fused = detutils.weighted_boxes_fusion(boxes, [[0.9], [0.9]], iou_threshold=np.nextafter(0.5, 0))
    np.testing.assert_array_equal(fused.boxes, [[0, 0, 10, 7.5]])
    low = detutils.weighted_boxes_fusion(boxes, [[0.9], [0.5]], score_threshold=0.5)
    np.testing.assert_array_equal(low.sources, [[0], [-1]])


def test_fusion_of_many_clusters_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    n = cases.size(2000, 150)
    rng = np.random.default_rng(3)
    boxes = [cases.random_boxes(n, seed, spread=cases.size(4000, 1000)) for seed in (0, 1)]
    scores = [rng.random(n) for _ in boxes]
    labels = [rng.integers(0, 2, n) for _ in boxes]
    whole = detutils.weighted_boxes_fusion(boxes, scores, labels)
    assert len(whole.boxes) > n
    for source, rows in zip(whole.sources, labels, strict=True):
        np.testing.assert_array_equal(whole.labels[source], rows)
    monkeypatch.setattr("detutils.suppression.fusion._PATIENCE", 5)
    sliced = detutils.weighted_boxes_fusion(boxes, scores, labels)
    np.testing.assert_array_equal(sliced.boxes, whole.boxes)
    np.testing.assert_array_equal(sliced.scores, whole.scores)


def test_fusion_of_nothing() -> None:
    for models in (0, 1, 3):
        fused = detutils.weighted_boxes_fusion([[]] * models, [[]] * models)
        assert fused.boxes.shape == (0, 4)
        assert fused.scores.shape == fused.labels.shape == (0,)
        assert len(fused.sources) == models
    none = detutils.weighted_boxes_fusion([[[0, 0, 1, 1]], []], [[-3.0], []], method="absent_model_aware_avg")
    assert none.sources[0].tolist() == [-1]


def test_fusion_of_extreme_scores() -> None:
    boxes = [[[0, 0, 1e150, 10]], [[0, 0, 1e150, 10]]]
    fused = detutils.weighted_boxes_fusion(boxes, [[1e150], [1e150]])
    np.testing.assert_allclose(fused.boxes, [[0, 0, 1e150, 10]])
    tiny = detutils.weighted_boxes_fusion([[[0, 0, 1, 1]]], [[5e-324]], weights=[1e-10])
    assert tiny.sources[0].tolist() == [0]  # though the product is 0
    pair = detutils.weighted_boxes_fusion([[[0, 0, 1, 1]], [[0, 0, 1, 0.8]]], [[5e-324], [5e-324]], weights=[1e-10, 1])
    np.testing.assert_allclose(pair.boxes, [[0, 0, 1, 0.9]], rtol=1e-15)
    with pytest.raises(ValueError, match=r"scores times weights\[0\] must be in \[0, 1e\+150\], got inf"):
        detutils.weighted_boxes_fusion([[[0, 0, 1, 1]]], [[1e300]], weights=[1e100])


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        ((None, [[0.5]]), {}, TypeError, "boxes must be a sequence with one array a model, got None"),
        (("ab", [[0.5]]), {}, TypeError, "boxes must be a sequence"),
        ((3, [[0.5]]), {}, TypeError, "boxes must be a sequence with one array a model, got int"),
        ((np.array(3), [[0.5]]), {}, TypeError, "boxes must be a sequence with one array a model, got ndarray"),
        (([[]], None), {}, TypeError, "scores must be a sequence"),
        (([[]], [[], []]), {}, ValueError, "scores must have one array a model: 1, got 2"),
        (([[]], [[]], []), {}, ValueError, "labels must have one array a model: 1, got 0"),
        (([[], [[0, 0, 1]]], [[], [1]]), {}, ValueError, r"boxes\[1\] must have shape \(N, 4\), got"),
        (([[], [[0, 0, -1, 1]]], [[], [1]]), {}, ValueError, r"boxes\[1\]\[0\] has x2 < x1"),
        (([[[0, 0, 1, 1]]], [[np.nan]]), {}, ValueError, r"scores\[0\]\[0\] is not finite"),
        (([[[0, 0, 1, 1]]], [[1, 2]]), {}, ValueError, r"scores\[0\] must have shape \(1,\), got \(2,\)"),
        (([[[0, 0, 1, 1]]], [[1]], [[0.5]]), {}, TypeError, r"labels\[0\] must be integers"),
        (([[]], [[]]), {"weights": [1, 1]}, ValueError, r"weights must have shape \(1,\)"),
        (([[]], [[]]), {"weights": [0.0]}, ValueError, r"weights\[0\] must be greater than 0"),
        (([[]], [[]]), {"method": "sum"}, ValueError, "method must be one of"),
        (([[]], [[]]), {"allow_overflow": 1}, TypeError, "allow_overflow must be True or False"),
        (([[]], [[]]), {"score_threshold": -1}, ValueError, "score_threshold must be at least 0"),
    ],
)  # fmt: skip
def test_fusion_refuses(arguments: Any, options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        detutils.weighted_boxes_fusion(*arguments, **options)


# ---- box voting --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0])
@cases.each("seed", range(cases.size(20, 8)))
def test_voting_is_its_definition(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, cases.size(150, 50)))
    boxes, scores, keep = boxes_of(n, seed), rng.random(n), rng.permutation(n)[: n // 2]
    labels = None if seed % 3 else rng.integers(0, 3, n)
    options = {"labels": labels, "offset": seed % 2}
    voted = cases.unchanged(detutils.box_voting, boxes, scores, keep, iou_threshold=threshold, **options)
    options["labels"] = plain(labels)
    expected = naive.box_voting(boxes.tolist(), scores.tolist(), keep.tolist(), threshold, **options)
    np.testing.assert_allclose(voted, np.reshape(expected, (-1, 4)), rtol=1e-13, atol=1e-11)
    assert (voted[:, 2:] >= voted[:, :2]).all()


def test_voting_at_exactly_the_threshold() -> None:
    boxes = [[0, 0, 10, 10], [0, 0, 10, 5]]
    assert detutils.box_voting(boxes, [0.5, 0.5], [0], 0.5).tolist() == [[0, 0, 10, 7.5]]
    assert detutils.box_voting(boxes, [0.5, 0.5], [0], np.nextafter(0.5, 1)).tolist() == [[0, 0, 10, 10]]


def test_voting_where_boxes_touch_far_from_the_origin() -> None:
    far = 2.0**60  # where adding 1 changes nothing
    boxes = [[0, 0, far, 1], [far, 0, far + 2**20, 1]]
    for offset in (0, 1):
        expected = naive.box_voting(boxes, [1.0, 1.0], [0, 1], 1e-300, offset=offset)
        np.testing.assert_allclose(
            detutils.box_voting(boxes, [1, 1], [0, 1], 1e-300, offset=offset), expected
        )


@pytest.mark.parametrize("far", [0.0, 1e4, 1e7, -1e7])
@pytest.mark.parametrize("threshold", [1e-12, 0.2, 0.4])
def test_votes_of_boxes_apart_that_share_a_pixel(threshold: float, far: float) -> None:
    """With the inclusive rule a box meets others that begin up to a pixel behind its end."""
    rng = np.random.default_rng(6)
    n = cases.size(120, 40)
    start = far + np.cumsum(rng.choice([0.25, 0.5, 0.75, 1.0, 1.25], n))
    boxes = np.stack([start, np.zeros(n), start + rng.choice([0.0, 0.25, 0.5], n), np.full(n, 0.25)], axis=1)
    boxes, scores = boxes[rng.permutation(n)], rng.random(n)
    voted = detutils.box_voting(boxes, scores, np.arange(n), threshold, offset=1)
    expected = naive.box_voting(boxes.tolist(), scores.tolist(), range(n), threshold, offset=1)
    np.testing.assert_allclose(voted, expected, rtol=1e-13)
    pairs = itertools.product(boxes.tolist(), boxes.tolist())
    assert any(0 < b[0] - a[2] < 1 and pair_iou(a, b, 1) >= threshold for a, b in pairs)


def test_a_box_without_area_votes_for_itself_alone() -> None:
    """Its IoU with itself is 0, and it is among its voters all the same: seen from the rounding of the mean."""
    boxes, scores = [[0.1, 0.3, 0.1, 7.7], [0.1, 0.3, 0.1, 7.7], [0.0, 0.0, 3.3, 9.0]], [0.7, 0.3, 0.9]
    expected = naive.box_voting(boxes, scores, [0, 1], 0.5)
    assert expected != boxes[:2]
    assert detutils.box_voting(boxes, scores, [0, 1], 0.5).tolist() == expected


def test_voting_without_votes_and_without_boxes() -> None:
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [5, 5, 5, 5]]
    assert detutils.box_voting(boxes, [0, 0, 1], [1, 2]).tolist() == [[0, 0, 10, 9], [5, 5, 5, 5]]
    assert detutils.box_voting(boxes, [0, 0, 1], []).shape == (0, 4)
    assert detutils.box_voting([], [], []).shape == (0, 4)
    twice = detutils.box_voting(boxes, [1, 1, 1], [0, 0])
    np.testing.assert_array_equal(twice[0], twice[1])


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([[0, 0, 1, 1]], [-0.5], [0]), ValueError, r"scores\[0\] must be in \[0, 1e\+150\], got -0.5"),
        (([[0, 0, 1, 1]], [1e151], [0]), ValueError, r"scores\[0\] must be in"),
        (([[0, 0, 1, 1]], [0.5, 1], [0]), ValueError, r"scores must have shape \(1,\)"),
        (([[0, 0, 1, 1]], [0.5], [1]), ValueError, r"keep\[0\] must be in \[0, 0\], got 1"),
        (([[0, 0, 1, 1]], [0.5], [-1]), ValueError, r"keep\[0\] must be in \[0, 0\], got -1"),
        (([[0, 0, 1, 1]], [0.5], [0.0]), TypeError, "keep must be integers"),
        (([[0, 0, 1, 1]], [0.5], [[0]]), ValueError, r"keep must have shape \(N,\)"),
        (([[1, 0, 0, 1]], [0.5], [0]), ValueError, r"boxes\[0\] has x2 < x1"),
    ],
)
def test_voting_refuses(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        detutils.box_voting(*arguments)


def test_voting_takes_any_form() -> None:
    boxes, scores = cases.whole_boxes(30, 2, side=30), cases.whole_scores(30, 2)
    expected = detutils.box_voting(boxes, scores, [3, 5], 0.2)
    for form in cases.GOOD_FORMS.values():
        np.testing.assert_array_equal(detutils.box_voting(form(boxes), form(scores), [3, 5], 0.2), expected)


# ---- small, nasty scenes by the hundred ------------------------------------------------------------

SIDES = st.tuples(st.integers(-3, 6), st.integers(-3, 6), st.integers(0, 6), st.integers(0, 6))
ROWS = st.lists(st.tuples(SIDES, st.integers(0, 4), st.integers(0, 1)), max_size=14)


@given(rows=ROWS, offset=st.integers(0, 1), data=st.data())
def test_small_scenes_agree_with_the_definitions(rows: Any, offset: int, data: st.DataObject) -> None:
    boxes = np.array([[x, y, x + w, y + h] for (x, y, w, h), _, _ in rows], float).reshape(-1, 4)
    scores, labels = np.array([score / 4 for _, score, _ in rows]), np.array([c for *_, c in rows], int)
    method = data.draw(st.sampled_from(["gaussian", "linear"]))
    threshold = data.draw(st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 1.0]))
    check_soft_nms(boxes, scores, method=method, iou_threshold=threshold, labels=labels, offset=offset)
    half = len(rows) // 2
    parts = [[array[:half], array[half:]] for array in (boxes, scores, labels)]
    fused = detutils.weighted_boxes_fusion(*parts, iou_threshold=threshold, offset=offset)
    lists = [[part.tolist() for part in pair] for pair in parts]
    means, values, names, _ = naive.weighted_boxes_fusion(*lists, iou_threshold=threshold, offset=offset)
    np.testing.assert_array_equal(fused.boxes, np.reshape(means, (-1, 4)))
    np.testing.assert_array_equal(fused.scores, values)
    np.testing.assert_array_equal(fused.labels, names)
