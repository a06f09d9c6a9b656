"""The file of the ranking's weights: what is written is read, and what becomes of a missing or damaged one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detutils import selective_search
from detutils.proposals import cues, ranking
from tests.cases import size
from tests.proposals.test_ranking import model_of, network_of, trees_of


def test_the_file_of_the_package() -> None:
    model = ranking.weights()
    assert ranking.FILE.stat().st_size < 200_000
    assert model is ranking.weights()
    assert len(model.trees.asked) > 50
    assert len(model.ways.asked) > 50
    assert (np.diff(model.chances[1]) >= 0).all()


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    drawn = [
        trees_of(
            number,
            asked=rng.integers(0, cues.CUES, (number, 15)).astype(np.int32),
            leaves=rng.normal(size=(number, 16)).astype(np.float32),
        )
        for number in (2, 4)
    ]
    model = model_of(trees=drawn[0], ways=drawn[1], usual=rng.normal(size=4), network=network_of(cues.CUES, 6, 5, 1))
    ranking.save(tmp_path / "w.npz", model)
    again = ranking.read(tmp_path / "w.npz")
    assert_same(again, model)
    assert again.trees.asked.dtype == again.ways.asked.dtype == np.int32
    found = ranking.chances(again, np.exp([-9.0, -2.0, -1.0, 0.5, 1.0, 4.0]))
    np.testing.assert_allclose(found, [0.25, 0.25, 0.25, 0.5, 0.75, 0.75])
    assert ranking.chances(again, np.zeros(1)).tolist() == [0.25]


def assert_same(one: ranking.Weights, other: ranking.Weights) -> None:
    for got, wanted in zip(one, other, strict=True):
        parts = zip(got, wanted, strict=True) if isinstance(got, tuple) else [(got, wanted)]
        for part, as_saved in parts:
            np.testing.assert_array_equal(part, as_saved)


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ranking, "FILE", tmp_path / "gone.npz")
    ranking.weights.cache_clear()
    try:
        with pytest.raises(OSError, match=r"weights of the ranking are missing: .*gone\.npz .*install detutils anew"):
            selective_search(np.zeros((20, 30), np.uint8))
        assert len(selective_search(np.zeros((20, 30), np.uint8), "paper-single").boxes) == 1
    finally:
        ranking.weights.cache_clear()


BROKEN_TREES = {
    "a feature that is none": {"asked": np.full((4, 15), cues.CUES, np.int32)},
    "a negative feature": {"asked": np.full((4, 15), -1, np.int32)},
    "fewer limits": {"limits": np.zeros((1, 15), np.float32)},
    "a limit that is NaN": {"limits": np.full((4, 15), np.nan, np.float32)},
    "wide limits": {"limits": np.zeros((4, 15))},
    "a leaf too few": {"leaves": np.ones((4, 15), np.float32)},
    "an infinite leaf": {"leaves": np.full((4, 16), np.inf, np.float32)},
}
BROKEN_NETWORKS = {
    "a spread too many": {"scales": np.ones(cues.CUES + 1, np.float32)},
    "means in rows": {"means": np.ones((cues.CUES, 1), np.float32)},
    "a unit too few": {"second_offsets": np.ones(1, np.float32)},
    "layers that do not fit": {"second": np.ones((2, 3), np.float32)},
    "a weight that is NaN": {"last": np.full(2, np.nan, np.float32)},
    "an infinite weight": {"first": np.full((cues.CUES, 3), np.inf, np.float32)},
    "a number for a layer": {"first_offsets": np.float32(3)},
}
BROKEN = {
    **{name: {"network": network_of(cues.CUES, 3, 2)._replace(**changes)} for name, changes in BROKEN_NETWORKS.items()},
    **{name: {"trees": trees_of(4, **changes)} for name, changes in BROKEN_TREES.items()},
    **{f"{name}, of a side": {"ways": trees_of(4, **changes)} for name, changes in BROKEN_TREES.items()},
    "sides with unlike numbers of trees": {"ways": trees_of(5)},
    "three sides": {"usual": np.zeros(3)},
    "a side that is NaN": {"usual": np.full(4, np.nan)},
    "sides of single precision": {"usual": np.zeros(4, np.float32)},
    "a constant that is NaN": {"constant": np.nan},
    "chances that fall": {"chances": np.array([[0.0, 1.0], [0.5, 0.25]])},
    "gains that do not rise": {"chances": np.array([[0.0, 0.0], [0.25, 0.5]])},
    "a chance over 1": {"chances": np.array([[0.0, 1.0], [0.5, 1.5]])},
    "a negative chance": {"chances": np.array([[0.0, 1.0], [-0.5, 0.5]])},
    "no chances": {"chances": np.zeros((2, 0))},
    "flat chances": {"chances": np.zeros(4)},
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_of_wrong_values_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    ranking.save(path, model_of(**BROKEN[name]))
    with pytest.raises(ValueError, match=r"w\.npz holds no weights of the ranking or is damaged"):
        ranking.read(path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    ranking.save(path, model_of())
    good = path.read_bytes()
    places = range(0, len(good), max(1, len(good) // size(40, 12)))
    spoiled = [b"", b"no archive", good[: len(good) // 2], good[:-1], b"\0" * 100, bytes(ranking.LARGEST + 1)]
    for text in spoiled:
        path.write_bytes(text)
        with pytest.raises(ValueError, match="is damaged; install detutils anew"):
            ranking.read(path)
    model = model_of()
    for place in places:  # a byte of a zip archive may mean nothing, or it is noticed
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x5A]) + good[place + 1 :])
        try:
            again = ranking.read(path)
        except ValueError:
            with pytest.raises(ValueError, match="is damaged; install detutils anew"):
                ranking.read(path)
            continue
        assert_same(again, model)
    np.savez(path, asked=np.array([object()]), limits=0, leaves=0, constant=0, chances=0)
    with pytest.raises(ValueError, match="is damaged"):
        ranking.read(path)
