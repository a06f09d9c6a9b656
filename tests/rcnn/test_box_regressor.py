"""The box regressor against its definition, its laws, and every way to use it wrongly."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detutils import BoxRegressor
from detutils.rcnn import ridge as ridge_module
from detutils.rcnn.box_regressor import NotFittedError
from tests.cases import GOOD_FORMS, each, size, unchanged
from tests.naive import regressor as naive
from tests.naive.overlaps import pair_iou

D = 6
Scene = tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray], list[np.ndarray]]


def scene(seed: int, images: int = 3, rows: int = 25, classes: int = 3, width: int = D) -> Scene:
    """Jittered proposals whose features tell something of the jitter, and a few far from every object."""
    rng = np.random.default_rng(seed)
    features, proposals, boxes, labels = [], [], [], []
    for _ in range(images):
        corner = rng.uniform(0, 200, (4, 2))
        truth = np.hstack([corner, corner + rng.uniform(30, 90, (4, 2))])
        which = rng.integers(0, 4, rows)
        jitter = rng.normal(0, 3, (rows, 4))
        places = np.vstack([truth[which] + jitter, truth])
        tells = np.vstack([jitter, np.zeros((4, 4))]) @ rng.normal(1, 0.3, (4, width))
        features.append(tells + rng.normal(0, 2, (rows + 4, width)) + 1.0)
        proposals.append(places)
        boxes.append(truth)
        labels.append(rng.integers(0, classes, 4))
    return features, proposals, boxes, labels


def lists(data: Scene) -> list[list[list[object]]]:
    return [[array.tolist() for array in part] for part in data]


def agrees(regressor: BoxRegressor, definition: tuple[dict[int, Any], float], within: float = 1e-10) -> None:
    models, scale = definition
    assert regressor.classes_.tolist() == sorted(models)
    assert math.isclose(regressor.feature_scale_, scale, rel_tol=1e-13)
    for i, label in enumerate(regressor.classes_.tolist()):
        if models[label] is None:
            assert regressor.n_samples_[i] == 0
            continue
        n, beta, mean, whitening = models[label]
        beta = np.array(beta)
        assert regressor.n_samples_[i] == n
        np.testing.assert_allclose(regressor.target_mean_[i], mean, rtol=1e-11, atol=1e-14)
        np.testing.assert_allclose(regressor.target_map_[i], whitening, rtol=1e-10, atol=1e-10)
        mine = np.vstack([regressor.coef_[i] / regressor.feature_scale_, regressor.intercept_[i]])
        assert np.abs(mine - beta).max() <= within * np.abs(beta).max()


# ---- the definition ----------------------------------------------------------------------------------------

@each("seed", range(size(2, 2)))
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"alpha": 1.0},
        {"alpha": 0.0},
        {"alpha": 3.5, "min_iou": 0.75, "offset": 1},
        {"whiten": False, "alpha": 10.0},
        {"feature_norm": 20.0, "offset": 1},
        {"alpha": 5.0, "trim": 0.1},
        {"alpha": 5.0, "trim": 0.7, "feature_norm": 20.0},
        {"trim": 0.25, "whiten": False, "alpha": 100.0},
    ],
    ids=str,
)
def test_equals_its_definition(options: dict[str, float], seed: int) -> None:
    data = scene(seed, images=2, rows=20 + 5 * seed, classes=1 if options.get("alpha") == 0.0 else 3)
    regressor = BoxRegressor(**options).fit(*data)  # type: ignore[arg-type]
    definition = naive.fit(*lists(data), **options)
    agrees(regressor, definition)
    features, proposals, _, _ = data
    labels = np.random.default_rng(seed).choice(regressor.classes_, len(features[0]))
    expected = naive.predict(definition, features[0].tolist(), proposals[0].tolist(), labels.tolist())
    found = regressor.predict(features[0], proposals[0], labels)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("block", [1, 3, 7, 1000])
def test_blocks_do_not_matter(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = scene(1)
    whole = BoxRegressor(alpha=2.0, trim=0.2, feature_norm=20.0).fit(*data)
    monkeypatch.setattr("detutils.rcnn.ridge.block_rows", lambda n_features: block)
    parts = BoxRegressor(alpha=2.0, trim=0.2, feature_norm=20.0).fit(*data)
    np.testing.assert_allclose(parts.coef_, whole.coef_, rtol=1e-9, atol=1e-12)
    labels = np.resize(whole.classes_, len(data[0][0]))
    expected = whole.predict(data[0][0], data[1][0], labels)
    np.testing.assert_allclose(parts.predict(data[0][0], data[1][0], labels), expected, rtol=1e-11)


@pytest.mark.parametrize("options", [{}, {"feature_norm": 20.0, "alpha": 3.0}, {"whiten": False}], ids=str)
def test_portions_give_what_fit_gives(options: dict[str, float]) -> None:
    data = scene(2, images=4)
    whole = BoxRegressor(**options).fit(*data)  # type: ignore[arg-type]
    parts = BoxRegressor(**options)  # type: ignore[arg-type]
    for features, proposals, boxes, labels in zip(*data, strict=True):
        half = len(features) // 2
        assert parts.partial_fit(features[:half], proposals[:half], boxes, labels) is parts
        assert parts.coef_.shape[1:] == (D, 4)  # solved for now, and again with the next portion
        parts.partial_fit([features[half:]], [proposals[half:]], [boxes], [labels])
    np.testing.assert_array_equal(parts.classes_, whole.classes_)
    np.testing.assert_array_equal(parts.n_samples_, whole.n_samples_)
    np.testing.assert_allclose(parts.target_mean_, whole.target_mean_, rtol=1e-11, atol=1e-15)
    scale = np.abs(whole.coef_).max()
    np.testing.assert_allclose(parts.coef_, whole.coef_, rtol=0, atol=1e-10 * scale)
    np.testing.assert_allclose(parts.intercept_, whole.intercept_, rtol=0, atol=1e-10 * max(scale, 1.0))


def test_float32_features_are_summed_in_float64() -> None:
    features, proposals, boxes, labels = scene(3)
    singles = [table.astype(np.float32) for table in features]
    doubles = [table.astype(np.float64) for table in singles]
    one = BoxRegressor(alpha=1.0).fit(singles, proposals, boxes, labels)
    two = BoxRegressor(alpha=1.0).fit(doubles, proposals, boxes, labels)
    np.testing.assert_array_equal(one.coef_, two.coef_)


# ---- laws --------------------------------------------------------------------------------------------------

def test_whitening_cancels_out_of_predictions() -> None:
    data = scene(4)
    labels = np.resize(np.unique(np.concatenate(data[3])), len(data[0][0]))
    with_it = BoxRegressor(alpha=2.0).fit(*data).predict(data[0][0], data[1][0], labels)
    without = BoxRegressor(alpha=2.0, whiten=False).fit(*data).predict(data[0][0], data[1][0], labels)
    np.testing.assert_allclose(with_it, without, rtol=1e-11)


def test_whitened_targets_have_the_covariance_that_is_promised() -> None:
    data = scene(5, classes=1, rows=200)
    regressor = BoxRegressor().fit(*data)
    targets = np.array([
        naive.targets(place, max(truth, key=lambda box: pair_iou(place, box, 0)))
        for places, truth in zip(lists(data)[1], lists(data)[2], strict=True)
        for place in places
        if max(pair_iou(place, box, 0) for box in truth) > 0.6
    ])
    covariance = np.cov(targets.T, bias=True)
    values = np.linalg.eigvalsh(covariance)
    after = np.linalg.eigvalsh(regressor.target_map_[0] @ covariance @ regressor.target_map_[0])
    np.testing.assert_allclose(np.sort(values / (values + 0.001)), after, rtol=1e-9)


def test_a_shift_or_a_scaling_of_the_plane_changes_nothing() -> None:
    features, proposals, boxes, labels = scene(6)
    wanted = np.resize(np.unique(np.concatenate(labels)), len(features[0]))
    regressor = BoxRegressor(alpha=1.0).fit(features, proposals, boxes, labels)
    base = regressor.predict(features[0], proposals[0], wanted)

    def there(list_of_boxes: list[np.ndarray]) -> list[np.ndarray]:
        return [3.0 * array + np.array([10.0, -70.0, 10.0, -70.0]) for array in list_of_boxes]

    moved = BoxRegressor(alpha=1.0).fit(features, there(proposals), there(boxes), labels)
    found = moved.predict(features[0], there(proposals)[0], wanted)
    np.testing.assert_allclose(found, there([base])[0], rtol=1e-9)


def test_learning_brings_boxes_closer() -> None:
    features, proposals, boxes, _ = scene(7, images=1, rows=size(400, 60))
    regressor = BoxRegressor(alpha=1.0).fit(features[0], proposals[0], boxes[0])

    def mean_iou(places: np.ndarray) -> float:
        best = [max(pair_iou(place, box, 0) for box in boxes[0].tolist()) for place in places.tolist()]
        return float(np.mean(best))

    assert mean_iou(regressor.predict(features[0], proposals[0])) > mean_iou(proposals[0]) + 0.01


def test_constant_jitter_is_undone_by_the_mean_alone() -> None:
    boxes = np.array([[0.0, 0, 100, 50], [200, 200, 300, 250]])
    proposals = boxes + np.array([5.0, 0, 5, 0])
    for whiten in (True, False):
        regressor = BoxRegressor(whiten=whiten).fit(np.array([[1.0], [7.0]]), proposals, boxes)
        np.testing.assert_allclose(regressor.predict(np.array([[3.0], [-2.0]]), proposals), boxes, atol=1e-9)


def test_the_threshold_is_strict() -> None:
    boxes = np.array([[0.0, 0, 10, 10]])
    proposals = np.array([[0.0, 0, 10, 6], [0, 0, 10, 7]])  # IoU exactly 0.6, and 0.7
    regressor = BoxRegressor().fit(np.eye(2), proposals, boxes)
    assert regressor.n_samples_.tolist() == [1]
    assert BoxRegressor(min_iou=0.59).fit(np.eye(2), proposals, boxes).n_samples_.tolist() == [2]


def test_inclusive_pixels_choose_other_rows() -> None:
    boxes = np.array([[0.0, 0, 9, 9]])
    proposals = np.array([[0.0, 0, 9, 5.3]])  # 0.59 of the length without the pixel, 0.63 with it
    assert BoxRegressor(offset=1).fit([[1.0]], proposals, boxes).n_samples_.tolist() == [1]
    with pytest.raises(ValueError, match="nothing to learn"):
        BoxRegressor().fit([[1.0]], proposals, boxes)


def test_the_first_of_equal_boxes_counts() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10]])
    regressor = BoxRegressor().fit([[1.0]], boxes[:1], boxes, [5, 2])
    assert regressor.classes_.tolist() == [2, 5]
    assert regressor.n_samples_.tolist() == [0, 1]


# ---- small and degenerate ----------------------------------------------------------------------------------

def test_one_row_moves_every_box_by_its_own_target() -> None:
    box, proposal = np.array([[0.0, 0, 100, 100]]), np.array([[10.0, 0, 100, 100]])
    for options in ({}, {"trim": 0.5}):
        regressor = BoxRegressor(**options).fit([[3.0, 4.0]], proposal, box)  # type: ignore[arg-type]
        np.testing.assert_array_equal(regressor.coef_, 0.0)
        np.testing.assert_allclose(regressor.predict([[9.0, 9.0]], proposal), box, atol=1e-9)


def test_without_rows_there_is_nothing_to_learn() -> None:
    empty = np.empty((0, 4))
    far = np.array([[500.0, 500, 600, 600]])
    for boxes in (empty, far):
        regressor = BoxRegressor()
        with pytest.raises(ValueError, match=r"no proposal overlaps a box by more than 0.6"):
            regressor.fit([[1.0]], [[0.0, 0, 10, 10]], boxes)
        with pytest.raises(NotFittedError, match="fit"):
            regressor.predict([[1.0]], [[0.0, 0, 10, 10]])
    with pytest.raises(ValueError, match="no proposal overlaps"):
        BoxRegressor().fit(np.empty((0, 3)), empty, far)
    with pytest.raises(ValueError, match="no proposal overlaps"):
        BoxRegressor(min_iou=1.0).fit([[1.0]], far, far)  # nothing overlaps by more than 1


def test_a_class_without_rows_keeps_its_boxes() -> None:
    boxes = np.array([[0.0, 0, 100, 100], [300, 300, 400, 400]])
    proposals = np.array([[10.0, 0, 100, 100], [0.1, 0.2, 77.7, 88.8]])
    regressor = BoxRegressor().fit([[1.0], [1.0]], proposals, boxes, [4, 9])
    assert regressor.n_samples_.tolist() == [2, 0]
    found = regressor.predict([[1.0], [1.0]], proposals, [9, 9])
    np.testing.assert_array_equal(found, proposals)
    with pytest.raises(ValueError, match=r"labels\[1\] is 7, a class that was not seen"):
        regressor.predict([[1.0], [1.0]], proposals, [9, 7])


def test_predicting_nothing_gives_nothing() -> None:
    regressor = BoxRegressor().fit([[1.0]], [[0.0, 0, 9, 9]], [[0.0, 0, 9, 9]])
    found = regressor.predict(np.empty((0, 1)), [])
    assert found.shape == (0, 4)
    assert found.dtype == np.float64


def test_rank_deficient_features() -> None:
    features, proposals, boxes, _ = scene(8, images=1)
    twice = np.hstack([features[0], features[0][:, :2]])
    one = np.ones((len(twice), 1))
    for table in (twice, np.hstack([features[0], 0 * one]), np.hstack([features[0], one])):
        with pytest.raises(ValueError, match=r"rank-deficient.*alpha"):
            BoxRegressor(alpha=0.0).fit(table, proposals[0], boxes[0])
        assert np.isfinite(BoxRegressor(alpha=1e-3).fit(table, proposals[0], boxes[0]).coef_).all()
    with pytest.raises(ValueError, match="class 0: 3 rows do not determine 7"):
        BoxRegressor(alpha=0.0).fit(features[0][-3:], proposals[0][-3:], boxes[0])


def test_extreme_features_are_refused_or_handled() -> None:
    box = np.array([[0.0, 0, 10, 10]])
    places = np.repeat(box, 3, axis=0) + np.array([[0.0], [0.5], [1.0]])
    with pytest.raises(ValueError, match="overflow"):
        BoxRegressor().fit(np.full((3, 2), 1e200), places, box)
    table = np.array([[0.0], [1e6], [2e6]])
    regressor = BoxRegressor(clamp=None, min_iou=0.5).fit(table, places, box)
    with pytest.raises(ValueError, match=r"predicted from features\[0\]"):
        regressor.predict([[1e308]], box)


def test_growth_is_clamped() -> None:
    boxes = np.array([[0.0, 0, 10, 10]])
    proposals = np.array([[0.0, 0, 10, 10], [0, 0, 8, 10]])
    table = np.array([[0.0], [1.0]])
    wild = [[1e5]]
    there = BoxRegressor(alpha=1e-6).fit(table, proposals, boxes).predict(wild, boxes)
    assert there[0, 2] - there[0, 0] == pytest.approx(625.0)
    with pytest.raises(ValueError, match=r"not finite or beyond 1e\+150"):
        BoxRegressor(alpha=1e-6, clamp=None).fit(table, proposals, boxes).predict(wild, boxes)


def test_zero_area_boxes_are_legal() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [5, 5, 5, 9]])
    proposals = np.array([[0.0, 0, 10, 10], [5, 5, 5, 9], [3, 3, 3, 3]])
    regressor = BoxRegressor().fit(np.eye(3), proposals, boxes)
    assert regressor.n_samples_.tolist() == [1]
    assert np.isfinite(regressor.predict(np.eye(3), proposals)).all()
    pixels = BoxRegressor(offset=1).fit(np.eye(3), proposals, boxes)  # of one pixel each: no box without area
    assert pixels.n_samples_.tolist() == [2]
    assert np.isfinite(pixels.predict(np.eye(3), proposals)).all()


# ---- forms of input ----------------------------------------------------------------------------------------

@each("form", GOOD_FORMS)
def test_every_form_of_an_array_gives_the_same(form: str) -> None:
    rng = np.random.default_rng(9)
    boxes = np.array([[0.0, 0, 60, 60], [80, 10, 160, 90]])
    proposals = np.repeat(boxes, 10, axis=0) + rng.integers(-3, 4, (20, 4))
    features = rng.integers(-5, 6, (20, 3)).astype(np.float64)
    labels = np.array([3, 8])
    one = BoxRegressor(alpha=1.0).fit(features, proposals, boxes, labels)
    wrap = GOOD_FORMS[form]
    two = BoxRegressor(alpha=1.0).fit(wrap(features), wrap(proposals), wrap(boxes), labels)
    np.testing.assert_array_equal(one.coef_, two.coef_)
    wanted = np.repeat(labels, 10)
    expected = one.predict(features, proposals, wanted)
    np.testing.assert_allclose(two.predict(wrap(features), wrap(proposals), wanted), expected, rtol=1e-14)


def test_inputs_stay_as_they_are() -> None:
    features, proposals, boxes, labels = (part[0] for part in scene(10))
    regressor = BoxRegressor(trim=0.1, feature_norm=20.0)
    unchanged(regressor.fit, features, proposals, boxes, labels)
    unchanged(regressor.predict, features, proposals, np.resize(labels, len(features)))
    unchanged(BoxRegressor().partial_fit, features, proposals, boxes, labels)


def test_a_memory_map_is_read_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    features, proposals, boxes, _ = (part[0] for part in scene(11, rows=300))
    np.save(tmp_path / "features.npy", features.astype(np.float16))
    table = np.load(tmp_path / "features.npy", mmap_mode="r")
    monkeypatch.setattr(ridge_module, "BLOCK_BYTES", 2048)
    one = BoxRegressor().fit(table, proposals, boxes)
    np.testing.assert_array_equal(one.coef_, BoxRegressor().fit(np.array(table), proposals, boxes).coef_)
