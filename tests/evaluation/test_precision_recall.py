"""Precision-recall curves, the numbers that sum them up, and their picture."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np
import pytest

import detutils
from tests import cases
from tests.naive import precision_recall as naive


def outcomes(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Scores with ties, which detections are right, which are ignored, and the number of objects."""
    rng = np.random.default_rng(seed)
    matched = rng.random(n) < 0.5
    return rng.integers(0, 8, n) / 7, matched, rng.random(n) < 0.2, int(matched.sum() + rng.integers(0, 5))


@cases.each("seed", range(30))
def test_curve_and_areas_are_their_definitions(seed: int) -> None:
    scores, matched, ignored, positives = outcomes(seed, seed)
    curve = detutils.precision_recall_curve(scores, matched, positives, ignored=ignored)
    expected = naive.precision_recall_curve(scores.tolist(), matched.tolist(), positives, ignored.tolist())
    for mine, theirs in zip(curve, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for method in ("area", "11-point"):
        ap = detutils.average_precision(curve.recall, curve.precision, method=method)
        np.testing.assert_allclose(ap, naive.average_precision(*expected[1:], method), rtol=0, atol=1e-13)
        assert 0.0 <= ap <= 1.0 + 1e-15 or (positives == 0 and math.isnan(ap))


def test_the_levels_are_those_of_voc_eval() -> None:
    """A recall of 3 / 10 does not reach the level 3 * 0.1, which is 0.30000000000000004."""
    recall, precision = np.arange(1, 11) / 10, np.linspace(1, 0.1, 10)
    expected = sum(max(precision[recall >= t], default=0) for t in np.arange(0.0, 1.1, 0.1)) / 11
    ap = detutils.average_precision(recall, precision, method="11-point")
    np.testing.assert_allclose(ap, expected, rtol=1e-14)


def test_perfect_and_empty_curves() -> None:
    for method in ("area", "11-point"):
        perfect = detutils.average_precision([0.5, 1.0], [1.0, 1.0], method=method)
        assert perfect == pytest.approx(1.0, abs=1e-15)
        assert detutils.average_precision([], [], method=method) == 0.0
        assert math.isnan(detutils.average_precision([np.nan], [0.0], method=method))
    empty = detutils.precision_recall_curve([], [], 3)
    assert [part.shape for part in empty] == [(0,)] * 3
    assert np.isnan(detutils.precision_recall_curve([0.5], [False], 0).recall).all()


@cases.each("form", cases.GOOD_FORMS.values(), ids=cases.GOOD_FORMS.keys())
def test_every_guise_of_an_array(form: Any) -> None:
    scores = cases.whole_scores(20, 3)
    matched = np.arange(20) % 3 == 0
    plain = cases.unchanged(detutils.precision_recall_curve, scores, matched, positives=9)
    for a, b in zip(plain, detutils.precision_recall_curve(form(scores), matched, 9), strict=True):
        np.testing.assert_array_equal(a, b)


@cases.each(("value", "error", "pattern"), cases.BAD_SCORES)
def test_bad_scores(value: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern.replace("(2,), got", "")):
        detutils.precision_recall_curve(value, [True, False], 2) if "shape" not in pattern else (
            detutils.average_precision([0.1, 0.2], value)
        )


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(TypeError, match="matched must be booleans"):
        detutils.precision_recall_curve([0.5], [1], 1)
    with pytest.raises(ValueError, match=r"matched must have shape \(1,\)"):
        detutils.precision_recall_curve([0.5], [True, False], 1)
    with pytest.raises(TypeError, match="ignored must be booleans"):
        detutils.precision_recall_curve([0.5], [True], 1, ignored=[0])
    with pytest.raises(ValueError, match="positives is 0, but 1 detections"):
        detutils.precision_recall_curve([0.5], [True], 0)
    with pytest.raises(ValueError, match="positives must be at least 0"):
        detutils.precision_recall_curve([0.5], [True], -1)
    with pytest.raises(TypeError, match="positives must be an integer"):
        detutils.precision_recall_curve([0.5], [True], 1.0)
    with pytest.raises(ValueError, match=r"precision must have shape \(2,\)"):
        detutils.average_precision([0.1, 0.2], [0.5])
    with pytest.raises(ValueError, match="recall must not fall"):
        detutils.average_precision([0.2, 0.1], [0.5, 0.5])
    with pytest.raises(ValueError, match=r"recall\[1\] must be in \[0, 1\]"):
        detutils.average_precision([0.2, 1.1], [0.5, 0.5])
    with pytest.raises(ValueError, match=r"recall\[1\] must be in \[0, 1\]"):
        detutils.average_precision([0.2, np.nan], [0.5, 0.5])
    with pytest.raises(ValueError, match=r"precision\[0\] must be in \[0, 1\]"):
        detutils.average_precision([0.2, 0.3], [-0.5, 0.5])
    with pytest.raises(ValueError, match="method must be one of 'area', '11-point'"):
        detutils.average_precision([0.2], [0.5], method="12-point")


def test_plot(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    curve = detutils.precision_recall_curve([0.9, 0.8, 0.7], [True, False, True], 2)
    nothing = detutils.precision_recall_curve([0.9], [False], 0)
    empty = detutils.precision_recall_curve([], [], 2)
    ax = detutils.plot_precision_recall([curve, nothing, empty], names=["dog", "cat", "cow"])
    assert [line.get_label() for line in ax.lines] == ["dog (0.833)", "cow (0.000)"]
    assert ax.lines[0].get_xdata().tolist() == [0.0, 0.5, 0.5, 1.0, 1.0]
    assert ax.lines[0].get_ydata().tolist() == [1.0, 1.0, 0.5, 2 / 3, 0.0]
    assert detutils.plot_precision_recall(curve, ax=ax) is ax
    assert detutils.plot_precision_recall([]).get_legend() is None
    with pytest.raises(TypeError, match="curves must be PrecisionRecall, got tuple"):
        detutils.plot_precision_recall([([0.5], [0.5], [0.5])])
    with pytest.raises(ValueError, match="names"):
        detutils.plot_precision_recall([curve], names=["a", "b"])


def test_plot_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError("No module named 'matplotlib'")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"pip install 'detutils\[plot\]'"):
        detutils.plot_precision_recall([])


def test_more_objects_than_can_be_counted() -> None:
    with pytest.raises(ValueError, match="positives must be at most"):
        detutils.precision_recall_curve([0.5], [True], 10**400)
    with pytest.raises(TypeError, match="matched must not be a masked array"):
        detutils.precision_recall_curve([0.5], np.ma.array([True], mask=[True]), 1)
