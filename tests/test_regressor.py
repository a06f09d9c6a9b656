"""The box regressor against its definition, its laws, and every way to use it wrongly."""

from __future__ import annotations

import copy
import io
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detutils import BoxRegressor, ridge as ridge_module
from detutils.regressor import NotFittedError
from tests.cases import BAD_BOXES, BAD_LABELS, BAD_OFFSETS, BAD_THRESHOLDS, GOOD_FORMS, size, unchanged
from tests.naive import regressor as naive

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

@pytest.mark.parametrize("seed", range(size(6, 2)))
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
    data = scene(seed, images=2 + seed % 3, classes=1 if options.get("alpha") == 0.0 else 3)
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
    monkeypatch.setattr("detutils.ridge.block_rows", lambda n_features: block)
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
        naive.targets(place, max(truth, key=lambda box: naive.iou(place, box)))
        for places, truth in zip(lists(data)[1], lists(data)[2], strict=True)
        for place in places
        if max(naive.iou(place, box) for box in truth) > 0.6
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
        best = [max(naive.iou(place, box) for box in boxes[0].tolist()) for place in places.tolist()]
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

@pytest.mark.parametrize("form", GOOD_FORMS)
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


# ---- what is refused ---------------------------------------------------------------------------------------

GOOD = ([[1.0], [2.0]], [[0.0, 0, 10, 10], [0, 0, 10, 9]], [[0.0, 0, 10, 10], [50, 50, 60, 60]])


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("bad", "error", "pattern"), BAD_BOXES)
def test_bad_boxes(bad: object, error: type[Exception], pattern: str, method: str) -> None:
    with pytest.raises(error, match=pattern):
        getattr(BoxRegressor(), method)(GOOD[0], GOOD[1], bad)
    with pytest.raises(error, match=pattern):
        getattr(BoxRegressor(), method)(GOOD[0], bad, GOOD[2])


@pytest.mark.parametrize(("bad", "error", "pattern"), BAD_BOXES)
def test_bad_proposals_to_predict(bad: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        BoxRegressor().fit(*GOOD).predict(GOOD[0], bad)


@pytest.mark.parametrize(("bad", "error", "pattern"), [case for case in BAD_LABELS if case.id != "None"])
def test_bad_labels(bad: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        BoxRegressor().fit(*GOOD, bad)
    with pytest.raises(error, match=pattern):
        BoxRegressor().fit(*GOOD, [0, 1]).predict(*GOOD[:2], bad)


@pytest.mark.parametrize(
    ("features", "error", "pattern"),
    [
        (None, TypeError, "features must be an array"),
        ([["a"], ["b"]], TypeError, "real numbers"),
        (np.ones((2, 1), complex), TypeError, "real numbers"),
        (np.ma.ones((2, 1)), TypeError, "masked"),
        ([1.0, 2.0], ValueError, r"features must have shape \(N, D\), got \(2,\)"),
        (np.ones((2, 2, 2)), ValueError, r"features must have shape \(N, D\)"),
        (np.ones((3, 1)), ValueError, "features has 3 rows for 2 proposals"),
        (np.ones((2, 0)), ValueError, "at least one column"),
        ([[1.0, 2.0], [3.0, math.nan]], ValueError, r"features\[1, 1\] is not finite"),
        (np.array([[1.0], [math.inf]], np.float32), ValueError, r"features\[1, 0\] is not finite"),
        ([[1], [2**60 + 1]], ValueError, r"2\*\*53"),
    ],
)
def test_bad_features(features: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        BoxRegressor().fit(features, *GOOD[1:])
    width = np.shape(features)[-1] if np.ndim(features) == 2 else 1
    with pytest.raises(error, match=pattern.replace("N, D", "N, .").replace("at least one column", "shape")):
        BoxRegressor().fit(np.ones((2, max(width, 1))), *GOOD[1:]).predict(features, GOOD[1])


def test_a_bad_number_is_named_by_its_row_in_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detutils.ridge.block_rows", lambda n_features: 2)
    table = np.ones((7, 3))
    table[5, 2] = np.nan
    places = np.repeat([[0.0, 0, 10, 10]], 7, axis=0)
    with pytest.raises(ValueError, match=r"features\[5, 2\] is not finite"):
        BoxRegressor().fit(table, places, places[:1])
    with pytest.raises(ValueError, match=r"features\[1\]\[5, 2\] is not finite"):
        BoxRegressor().fit([np.ones((7, 3)), table], [places, places], [places[:1], places[:1]])


def test_lists_of_images_go_together() -> None:
    features, proposals, boxes, labels = scene(12)
    with pytest.raises(TypeError, match="features must be one too"):
        BoxRegressor().fit(features[0], proposals, boxes, labels)
    with pytest.raises(ValueError, match="boxes has 2 entries for 3 images"):
        BoxRegressor().fit(features, proposals, boxes[:2], labels)
    with pytest.raises(ValueError, match=r"features\[1\] must have shape \(N, 6\)"):
        BoxRegressor().fit([features[0], features[1][:, :4], features[2]], proposals, boxes, labels)
    broken = proposals[2].copy()
    broken[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"proposals\[2\]\[0\] is not finite"):
        BoxRegressor().fit(features, [*proposals[:2], broken], boxes, labels)


@pytest.mark.parametrize(("bad", "error", "pattern"), BAD_THRESHOLDS)
def test_bad_min_iou(bad: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        BoxRegressor(min_iou=bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(("bad", "error", "pattern"), BAD_OFFSETS)
def test_bad_offset(bad: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        BoxRegressor(offset=bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"alpha": -1.0}, ValueError, "alpha must be at least 0"),
        ({"alpha": math.nan}, ValueError, "alpha must be finite"),
        ({"alpha": "1"}, TypeError, "alpha must be a number"),
        ({"whiten": 1}, TypeError, "whiten must be True or False"),
        ({"trim": 1.0}, ValueError, "trim must be less than 1"),
        ({"trim": -0.1}, ValueError, "trim must be"),
        ({"feature_norm": 0.0}, ValueError, "feature_norm must be greater than 0"),
        ({"clamp": -1.0}, ValueError, "clamp must be at least 0"),
    ],
)
def test_bad_options(options: dict[str, object], error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        BoxRegressor(**options)  # type: ignore[arg-type]


# ---- habits of an estimator --------------------------------------------------------------------------------

def test_what_is_not_learned_yet_cannot_be_asked() -> None:
    regressor = BoxRegressor()
    assert not hasattr(regressor, "coef_")
    asked = (lambda: regressor.coef_, lambda: regressor.predict(*GOOD[:2]), lambda: regressor.save("nowhere"))
    for ask in asked:
        with pytest.raises(NotFittedError, match="not fitted yet; call fit") as caught:
            ask()
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, AttributeError)
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        regressor.colour  # noqa: B018
    regressor.partial_fit([[1.0]], [[0.0, 0, 1, 1]], [[50.0, 50, 60, 60]])
    with pytest.raises(NotFittedError, match=r"no proposal so far overlaps a box by more than 0\.6"):
        regressor.predict(*GOOD[:2])
    assert not Path("nowhere").exists()


def test_fitting_again_forgets() -> None:
    regressor = BoxRegressor().fit(*GOOD, [1, 2])
    regressor.fit(np.ones((2, 3)), *GOOD[1:])
    assert regressor.coef_.shape == (1, 3, 4)
    with pytest.raises(ValueError, match="labels must not be given"):
        regressor.predict(np.ones((2, 3)), GOOD[1], [0, 0])
    with pytest.raises(ValueError, match="nothing to learn"):
        regressor.fit([[1.0]], [[0.0, 0, 1, 1]], [[50.0, 50, 60, 60]])
    assert not hasattr(regressor, "coef_")


def test_labels_are_given_always_or_never() -> None:
    regressor = BoxRegressor().partial_fit(*GOOD, [1, 2])
    with pytest.raises(ValueError, match="every portion or with none"):
        regressor.partial_fit(*GOOD)
    assert regressor.n_samples_.tolist() == [2, 0]
    with pytest.raises(ValueError, match="labels must be given"):
        regressor.predict(*GOOD[:2])


def test_a_refused_portion_changes_nothing() -> None:
    regressor = BoxRegressor().partial_fit(*GOOD)
    before = regressor.coef_.copy()
    with pytest.raises(ValueError, match="not finite"):
        regressor.partial_fit([[1.0], [math.nan]], *GOOD[1:])
    with pytest.raises(ValueError, match="shape"):
        regressor.partial_fit([[1.0, 2.0]], GOOD[1][:1], GOOD[2])
    np.testing.assert_array_equal(regressor.coef_, before)
    assert regressor.partial_fit(*GOOD).n_samples_.tolist() == [4]


def test_what_partial_fit_cannot_do() -> None:
    with pytest.raises(ValueError, match="trim needs all rows"):
        BoxRegressor(trim=0.1).partial_fit(*GOOD)
    with pytest.raises(ValueError, match="keep no sums"):
        BoxRegressor().fit(*GOOD).partial_fit(*GOOD)


def test_it_shows_its_options_and_can_be_copied() -> None:
    regressor = BoxRegressor(5.0, feature_norm=20.0)
    assert repr(regressor) == (
        "BoxRegressor(alpha=5.0, min_iou=0.6, whiten=True, trim=0.0, feature_norm=20.0, offset=0, "
        f"clamp={math.log(62.5)!r})"
    )
    data = scene(13)
    regressor.partial_fit(*data)
    for twin in (copy.deepcopy(regressor), pickle.loads(pickle.dumps(regressor))):
        expected = copy.deepcopy(regressor).partial_fit(*data).coef_
        np.testing.assert_array_equal(twin.partial_fit(*data).coef_, expected)


# ---- files -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("labelled", [True, False])
def test_saved_and_loaded_it_predicts_the_same(tmp_path: Path, labelled: bool) -> None:
    features, proposals, boxes, labels = scene(14)
    regressor = BoxRegressor(7.0, feature_norm=20.0, trim=0.1, clamp=None, offset=1, whiten=True)
    regressor.fit(features, proposals, boxes, labels if labelled else None)
    path = tmp_path / "model.bin"
    regressor.save(path)
    regressor.save(str(path))  # again, over itself
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.bin"]
    wanted = np.resize(labels[0], len(features[0])) if labelled else None
    expected = regressor.predict(features[0], proposals[0], wanted)
    stream = io.BytesIO()
    regressor.save(stream)
    stream.seek(0)
    for loaded in (BoxRegressor.load(path), BoxRegressor.load(str(path)), BoxRegressor.load(stream)):
        assert repr(loaded) == repr(regressor)
        np.testing.assert_array_equal(loaded.predict(features[0], proposals[0], wanted), expected)
        with pytest.raises(ValueError, match=r"keep no sums|trim needs"):
            loaded.partial_fit(features, proposals, boxes, labels)


def test_files_that_are_no_regressor(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        BoxRegressor.load(tmp_path / "missing.npz")
    with pytest.raises(OSError):
        BoxRegressor.load(tmp_path)
    foreign = tmp_path / "foreign.npz"
    np.savez(foreign, coef_=np.ones(3))
    text = tmp_path / "text.npz"
    text.write_text("no archive")
    empty = tmp_path / "empty.npz"
    empty.write_bytes(b"")
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, detutils=np.array([{}], dtype=object), allow_pickle=True)
    for path in (foreign, text, empty, pickled):
        with pytest.raises(ValueError, match=path.name):
            BoxRegressor.load(path)
    with pytest.raises(TypeError):
        BoxRegressor.load(None)  # type: ignore[arg-type]
    with pytest.raises(OSError):
        BoxRegressor().fit(*GOOD).save(tmp_path / "no" / "folder.npz")


def test_damaged_files_are_never_taken(tmp_path: Path) -> None:
    regressor = BoxRegressor().fit(*GOOD, [1, 2])
    path = tmp_path / "model.npz"
    regressor.save(path)
    whole = path.read_bytes()
    expected = regressor.predict(*GOOD[:2], [1, 2])
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(size(300, 60)):
        if rng.random() < 0.3:
            damaged = whole[: rng.integers(0, len(whole))]
        else:
            content = bytearray(whole)
            content[rng.integers(0, len(whole))] ^= 1 << rng.integers(0, 8)
            damaged = bytes(content)
        path.write_bytes(damaged)
        try:
            loaded = BoxRegressor.load(path)
        except ValueError as error:
            assert "model.npz" in str(error)  # noqa: PT017
            refused += 1
        else:  # the flipped bit lies in a time stamp or the like
            np.testing.assert_array_equal(loaded.predict(*GOOD[:2], [1, 2]), expected)
    assert refused > 0


def test_arrays_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    regressor = BoxRegressor().fit(*GOOD, [1, 2])
    path = tmp_path / "model.npz"
    regressor.save(path)
    with np.load(path) as content:
        arrays = dict(content)
    for name, value in (
        ("coef_", arrays["coef_"][0]),
        ("coef_", arrays["coef_"] * np.nan),
        ("intercept_", arrays["intercept_"][:, :3]),
        ("classes_", arrays["classes_"][::-1]),
        ("classes_", arrays["classes_"].astype(float)),
        ("alpha", np.array(-1.0)),
        ("alpha", np.array("x")),
    ):
        np.savez(path, **{**arrays, name: value})
        with pytest.raises(ValueError, match=r"model\.npz"):
            BoxRegressor.load(path)
    del arrays["coef_"]
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"model\.npz.*coef_"):
        BoxRegressor.load(path)
