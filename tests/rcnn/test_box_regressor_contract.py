"""What BoxRegressor refuses, how it behaves as an estimator, and its files."""

from __future__ import annotations

import copy
import io
import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from detutils import BoxRegressor
from detutils.rcnn.box_regressor import NotFittedError
from tests.cases import BAD_BOXES, BAD_LABELS, BAD_OFFSETS, BAD_THRESHOLDS, each, size
from tests.rcnn.test_box_regressor import scene

# ---- what is refused ---------------------------------------------------------------------------------------

GOOD = ([[1.0], [2.0]], [[0.0, 0, 10, 10], [0, 0, 10, 9]], [[0.0, 0, 10, 10], [50, 50, 60, 60]])


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@each(("bad", "error", "pattern"), BAD_BOXES)
def test_bad_boxes(bad: object, error: type[Exception], pattern: str, method: str) -> None:
    with pytest.raises(error, match=pattern):
        getattr(BoxRegressor(), method)(GOOD[0], GOOD[1], bad)
    with pytest.raises(error, match=pattern):
        getattr(BoxRegressor(), method)(GOOD[0], bad, GOOD[2])


@each(("bad", "error", "pattern"), BAD_BOXES)
def test_bad_proposals_to_predict(bad: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        BoxRegressor().fit(*GOOD).predict(GOOD[0], bad)


@each(("bad", "error", "pattern"), [case for case in BAD_LABELS if case.id != "None"])
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
    monkeypatch.setattr("detutils.rcnn.ridge.block_rows", lambda n_features: 2)
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


@each(("bad", "error", "pattern"), BAD_THRESHOLDS)
def test_bad_min_iou(bad: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        BoxRegressor(min_iou=bad)  # type: ignore[arg-type]


@each(("bad", "error", "pattern"), BAD_OFFSETS)
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
    with pytest.raises(AttributeError, match="no attribute 'color'"):
        regressor.color  # noqa: B018
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

@pytest.mark.parametrize("labeled", [True, False])
def test_saved_and_loaded_it_predicts_the_same(tmp_path: Path, labeled: bool) -> None:
    features, proposals, boxes, labels = scene(14)
    regressor = BoxRegressor(7.0, feature_norm=20.0, trim=0.1, clamp=None, offset=1, whiten=True)
    regressor.fit(features, proposals, boxes, labels if labeled else None)
    path = tmp_path / "model.bin"
    regressor.save(path)
    regressor.save(str(path))  # again, over itself
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.bin"]
    wanted = np.resize(labels[0], len(features[0])) if labeled else None
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
