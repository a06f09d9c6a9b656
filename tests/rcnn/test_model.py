"""The trained detector: its file, what it finds, and what it refuses."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from detutils import (
    RCNN,
    BoxRegressor,
)
from tests.cases import BAD_BOXES, BAD_IMAGES, BAD_THRESHOLDS, size
from tests.rcnn.world import colors, trained, windows, world


def test_saved_and_loaded_it_finds_the_same(tmp_path: Path) -> None:
    images, dataset = world(6, seed=10)
    model = trained(images, dataset)
    path = tmp_path / "model.npz"
    model.save(path)
    loaded = RCNN.load(path, features=colors, proposals=windows)
    assert repr(loaded) == repr(model) == "<RCNN: 3 classes, 16 features, with box regression>"
    assert loaded.class_names == ("red", "green", "blue")
    assert model.detect(images[0]) == loaded.detect(images[0])
    with pytest.raises(ValueError, match=r"model\.npz was trained with features of its own"):
        RCNN.load(path, proposals=windows)
    with pytest.raises(ValueError, match="proposals of its own"):
        RCNN.load(path, features=colors)
    stream = io.BytesIO()
    RCNN(["a"], [[1.0], [0.0]]).save(stream)
    stream.seek(0)
    assert RCNN.load(stream).regressor is None


def test_files_that_are_no_model(tmp_path: Path) -> None:
    images, dataset = world(3, seed=11)
    path = tmp_path / "model.npz"
    trained(images, dataset).save(path)
    whole = path.read_bytes()
    with pytest.raises(OSError, match="missing"):
        RCNN.load(tmp_path / "missing.npz")
    BoxRegressor().fit([[1.0]], [[0.0, 0, 1, 1]], [[0.0, 0, 1, 1]]).save(tmp_path / "other.npz")
    with pytest.raises(ValueError, match=r"other\.npz is not a detutils RCNN file"):
        RCNN.load(tmp_path / "other.npz")
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(size(60, 20)):
        content = bytearray(whole)
        content[rng.integers(0, len(whole))] ^= 1 << rng.integers(0, 8)
        path.write_bytes(bytes(content)[: len(whole) if rng.random() < 0.7 else rng.integers(0, len(whole))])
        try:
            RCNN.load(path, features=colors, proposals=windows)
        except ValueError as error:
            assert "model.npz" in str(error)  # noqa: PT017
            refused += 1
    assert refused > 10


def toy() -> RCNN:
    """Two classes that score boxes by their first and second feature, unmoved."""
    return RCNN(["a", "b"], [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])


def test_thresholds_order_and_limits() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30], [90, 0, 120, 10]])
    features = [[0.9, -2], [0.8, 0.7], [0.5, -2], [0.1, -2]]
    found = toy().detect_features(features, boxes, score_threshold=0.1)
    np.testing.assert_array_equal(found.scores, [0.9, 0.7, 0.5])  # above 0.1, without the one that overlaps
    np.testing.assert_array_equal(found.labels, [0, 1, 0])
    np.testing.assert_array_equal(found.boxes, boxes[[0, 1, 2]])
    assert len(toy().detect_features(features, boxes, max_output=1).boxes) == 1
    assert len(toy().detect_features(features, boxes, max_output=0).boxes) == 0
    assert len(toy().detect_features(features, boxes, iou_threshold=1.0, max_output=None).boxes) == 5
    clipped = toy().detect_features(features, boxes, (100, 100), score_threshold=0.0)
    assert clipped.boxes[-1].tolist() == [90, 0, 100, 10]
    nothing = toy().detect_features(np.empty((0, 2)), [], (10, 10))
    assert [part.shape for part in (nothing.boxes, nothing.scores, nothing.labels)] == [(0, 4), (0,), (0,)]
    assert nothing.labels.dtype == np.int64


def test_a_class_that_the_regressor_does_not_know_stays() -> None:
    boxes = np.array([[0.0, 0, 10, 10]])
    regressor = BoxRegressor().fit(np.ones((1, 2)), boxes + [[0, 0, 1.0, 0]], boxes, [1])
    model = RCNN(["a", "b"], [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]], regressor)
    found = model.detect_features([[1.0, 0.0]], boxes + [[0, 0, 1.0, 0]])
    assert found.labels.tolist() == [0, 1]
    np.testing.assert_allclose(found.boxes, [[0, 0, 11, 10], [0, 0, 10, 10]])


def test_bad_arguments_of_detection() -> None:
    model = toy()
    for bad, error, pattern in (case.values for case in BAD_BOXES):
        with pytest.raises(error, match=pattern.replace("boxes", "proposals")):
            model.detect_features(np.ones((2, 2)), bad)
    for bad, error, pattern in (case.values for case in BAD_THRESHOLDS):
        with pytest.raises(error, match=pattern):
            model.detect_features([[1.0, 1.0]], [[0.0, 0, 1, 1]], iou_threshold=bad)
    for bad, error, pattern in (case.values for case in BAD_IMAGES):
        with pytest.raises(error, match=pattern):
            model.detect(bad)
    with pytest.raises(ValueError, match=r"features must have shape \(1, 2\), got \(1, 3\)"):
        model.detect_features([[1.0, 1.0, 1.0]], [[0.0, 0, 1, 1]])
    with pytest.raises(ValueError, match=r"features\[0, 1\] is not finite"):
        model.detect_features([[1.0, np.nan]], [[0.0, 0, 1, 1]])
    with pytest.raises(ValueError, match="max_output"):
        model.detect_features([[1.0, 1.0]], [[0.0, 0, 1, 1]], max_output=-1)
    with pytest.raises(TypeError, match="regress"):
        model.detect_features([[1.0, 1.0]], [[0.0, 0, 1, 1]], regress="yes")  # type: ignore[arg-type]


def test_bad_models() -> None:
    regressor = BoxRegressor().fit([[1.0]], [[0.0, 0, 1, 1]], [[0.0, 0, 1, 1]], [0])
    for arguments, options, error, pattern in (
        ((["a"], [[1.0, 2.0], [0.0, 0.0]]), {}, ValueError, r"weights must have shape \(N, 1\)"),
        ((["a"], [[1.0]]), {}, ValueError, "a row for each feature and one more"),
        ((["a"], [[1.0], [np.nan]]), {}, ValueError, r"weights\[1, 0\] is not finite"),
        ((None, [[1.0], [0.0]]), {}, TypeError, "class_names"),
        ((["a"], [[1.0], [0.0]], "regressor"), {}, TypeError, "regressor must be a BoxRegressor"),
        ((["a"], [[1.0], [1.0], [0.0]], regressor), {}, ValueError, "for 1 features, weights for 2"),
        ((["a"], [[1.0], [0.0]], BoxRegressor()), {}, ValueError, "not fitted"),
        ((["a"], [[1.0], [0.0]]), {"features": 3}, TypeError, "features must be callable"),
        ((["a"], [[1.0], [0.0]]), {"proposals": "fast"}, TypeError, "proposals must be callable"),
    ):
        with pytest.raises(error, match=pattern):
            RCNN(*arguments, **options)  # type: ignore[arg-type]
