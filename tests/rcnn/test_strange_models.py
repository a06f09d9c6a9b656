"""Model files and caches that are damaged or make no sense: an error with the path, and what loads can predict.

``DETUTILS_DEEP=100`` takes a hundred times as many mutations.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detutils import RCNN, BoxRegressor
from detutils.rcnn.array_files import write_arrays
from detutils.rcnn.feature_cache import FeatureCache, key_of
from tests.cases import size

DEEP = int(os.environ.get("DETUTILS_DEEP", "1"))
PLACES = np.array([[0.0, 0, 10, 10], [5, 5, 20, 25], [30, 2, 50, 22]])
FEATURES = np.array([[1.0, 0.5], [0.2, 0.1], [0.4, 0.9]])


def regressor() -> BoxRegressor:
    return BoxRegressor(1.0).fit(FEATURES, PLACES, PLACES + [[0, 0, 1.0, 2]], [0, 1, 1])


def use(kind: type, path: Path) -> None:
    """Predict with what a file holds."""
    if kind is BoxRegressor:
        loaded = BoxRegressor.load(path)
        labels = None if not loaded._seen.labeled else np.resize(loaded.classes_, 3)
        table = np.resize(FEATURES, (3, loaded.coef_.shape[1]))
        result = loaded.predict(table, PLACES, labels)
        assert result.shape == (3, 4)
    else:
        model = RCNN.load(path)
        table = np.resize(FEATURES, (3, len(model.weights) - 1))
        model.detect_features(table, PLACES, (60, 60), score_threshold=-1e9)


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, content: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def array_bytes(value: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(value))
    return file.getvalue()


STRANGE: list[Any] = [
    b"", b"no array", b"\x93NUMPY", np.array("text"), np.array(b"bytes"), np.array([]), np.array(-1), np.array(np.nan),
    np.array(np.inf), np.array(1e308), np.array(2**63, np.uint64), np.array(1j), np.array(True), np.zeros((2, 2)),
    np.array("2001-01-01", "M8[D]"), np.array(5, "m8[s]"), np.zeros(2, "i4,f8"), np.zeros((0, 4)),
    np.full((2, 4), 1e200), np.zeros((2, 2, 4)), np.zeros((2, 4, 4)), np.array([-3, 2]), np.array([0, 0]),
    np.array([1, 0]), np.float16(2),
    np.array([-(2**63), 2**63 - 1]), np.array([2**62, 2**63 - 1]), np.array(0.0), np.array(-2.5),
]  # fmt: skip


@pytest.mark.parametrize("kind", [BoxRegressor, RCNN])
def test_strange_members_are_refused_or_harmless(tmp_path: Path, kind: type) -> None:
    path = tmp_path / "model.npz"
    (regressor() if kind is BoxRegressor else RCNN(["a", "b"], np.eye(3)[:, :2], regressor())).save(path)
    use(kind, path)
    whole = members(path)
    refused = 0
    for name in whole:
        for value in [*STRANGE, None]:
            content = dict(whole)
            if value is None:
                del content[name]
            else:
                content[name] = value if isinstance(value, bytes) else array_bytes(value)
            pack(path, content)
            try:
                use(kind, path)
            except ValueError as error:
                assert str(path) in str(error) or "predicted from" in str(error), (name, value, error)  # noqa: PT017
                refused += 1
    assert refused > len(whole) * len(STRANGE) // 2


@pytest.mark.parametrize("kind", [BoxRegressor, RCNN])
def test_mutated_models_are_read_or_refused(tmp_path: Path, kind: type) -> None:
    path = tmp_path / "model.npz"
    (regressor() if kind is BoxRegressor else RCNN(["a", "b"], np.eye(3)[:, :2], regressor())).save(path)
    container, whole = path.read_bytes(), members(path)
    rng = np.random.default_rng(3)
    for turn in range(size(150, 30) * DEEP):
        if turn % 2:  # the container
            content = bytearray(container)
        else:  # a member, under a checksum that fits
            name = list(whole)[int(rng.integers(len(whole)))]
            content = bytearray(whole[name])
        for _ in range(int(rng.integers(1, 4))):
            place = int(rng.integers(len(content) + 1))
            match int(rng.integers(4)):
                case 0 if place < len(content):
                    content[place] ^= 1 << int(rng.integers(8))
                case 1:
                    content[place : place + 8] = rng.integers(0, 256, 8, np.uint8).tobytes()
                case 2:
                    del content[place : place + 30]
                case _:
                    content = content[: max(place, 1)]
        if turn % 2:
            path.write_bytes(content)
        else:
            pack(path, {**whole, name: bytes(content)})
        try:
            use(kind, path)
        except ValueError as error:
            assert str(path) in str(error) or "predicted from" in str(error), (turn, error)  # noqa: PT017


def arrays(**changes: Any) -> dict[str, Any]:
    stream = io.BytesIO()
    regressor().save(stream)
    stream.seek(0)
    with np.load(stream) as content:
        found = {name: content[name] for name in content.files}
    return {**found, **changes}


SINGULAR = np.stack([np.ones((4, 4)), np.eye(4)])
ASKEW = np.stack([np.eye(4) + np.eye(4, k=1), np.eye(4)])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"n_samples_": np.array([-1, 2])}, "n_samples_ must be at least 0"),
        ({"n_samples_": np.array([0, 0])}, "n_samples_ must be at least 0, and above for a class"),
        ({"classes_": np.array([1, 1])}, "classes_ does not ascend"),
        ({"classes_": np.array([2**62, -(2**63)])}, "classes_ does not ascend"),
        ({"target_map_": SINGULAR}, "target_map_ has no inverse"),
        ({"target_map_": -SINGULAR}, "target_map_ has no inverse"),
        ({"target_map_": ASKEW}, "target_map_ is not symmetric"),
        ({"feature_scale_": np.array(-1.0)}, "feature_scale_ must be greater than 0"),
        ({"coef_": np.full((2, 2, 4), np.nan)}, "coef_ is not a finite"),
        ({"coef_": np.full((2, 2, 4), 1e300)}, r"coef_ has a number beyond 1e\+150"),
        ({"coef_": np.zeros((2, 0, 4))}, "coef_ has shape"),
        ({"intercept_": np.zeros((1, 4))}, "intercept_ is not a finite"),
        ({"alpha": np.array(-1.0)}, "alpha"),
        ({"alpha": np.array([1.0])}, "an option is not a single value"),
        ({"labeled": np.array(1)}, "an option is not a single value"),
        ({"labeled": np.array(False)}, "learned without labels"),
    ],
)
def test_models_that_make_no_sense(tmp_path: Path, changes: dict[str, Any], text: str) -> None:
    write_arrays(tmp_path / "whole.npz", "detutils BoxRegressor", arrays())
    assert BoxRegressor.load(tmp_path / "whole.npz").predict(FEATURES, PLACES, [0, 1, 1]).shape == (3, 4)
    write_arrays(tmp_path / "a.npz", "detutils BoxRegressor", arrays(**changes))
    with pytest.raises(ValueError, match=rf"a\.npz does not hold a BoxRegressor: .*{text}"):
        BoxRegressor.load(tmp_path / "a.npz")


def test_a_detector_needs_a_regressor_of_its_classes() -> None:
    unlabeled = BoxRegressor(1.0).fit(FEATURES, PLACES, PLACES)
    with pytest.raises(ValueError, match="regressor must be fitted with labels"):
        RCNN(["a", "b"], np.eye(3)[:, :2], unlabeled)


def test_strange_files_in_a_cache_are_made_again(tmp_path: Path) -> None:
    cache, key = FeatureCache(tmp_path), key_of("x")
    table, boxes = np.ones((3, 2), np.float32), np.zeros((3, 4))
    cache.keep(key, table, boxes)
    record = next(tmp_path.glob("*.npz"))
    whole = members(record)
    assert cache.find(key) is not None
    for name in whole:
        for value in STRANGE:
            pack(record, {**whole, name: value if isinstance(value, bytes) else array_bytes(value)})
            assert cache.find(key) is None, (name, value)
    record.unlink()
    for odd in (np.ones(3), np.ones((3, 2), complex), np.ones((2, 2))):
        cache.keep(key, odd, boxes)
        assert cache.find(key) is None
    cache.keep(key, table, boxes)
    assert cache.find(key) is not None
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_cache_waits_for_no_pipe(tmp_path: Path) -> None:
    cache, key = FeatureCache(tmp_path), key_of("x")
    cache.keep(key, np.ones((3, 2)), np.zeros((3, 4)))
    table = next(tmp_path.glob("*.npy"))
    table.unlink()
    os.mkfifo(table)
    assert cache.find(key) is None
    with pytest.raises(OSError, match="is not a regular file"):
        key_of(table)
    check: Callable[[str], Any] = BoxRegressor.load
    with pytest.raises(OSError, match="is not a regular file"):
        check(str(table))
