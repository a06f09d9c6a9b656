"""Candidates: the definition and the kernels agree, on every layout, at every bound; what is bad is named."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.heads import candidates
from detutils.heads._kernels.candidates import BLOCK, GROUP, NONE, SIGMOID, SOFTMAX
from tests import cases
from tests.naive import heads_candidates as naive

ROWS = cases.size(300, 40)


def same(found: Any, expected: list[list[Any]]) -> None:
    rows, labels, scores = found
    assert rows.dtype == labels.dtype == np.int64
    assert rows.tolist() == expected[0]
    assert labels.tolist() == expected[1]
    np.testing.assert_allclose(scores, np.array(expected[2]), rtol=1e-14 if scores.dtype == np.float64 else 1e-7)


def check(scores: np.ndarray, threshold: float, **options: Any) -> candidates.Candidates:
    """Both axes first, dtype by dtype, beside the definition; the float64 result."""
    result = None
    for dtype in (np.float32, np.float64):
        table = scores.astype(dtype)
        given, plain = dict(options), dict(options)
        if "objectness" in options:
            given["objectness"] = options["objectness"].astype(dtype)
            plain["objectness"] = given["objectness"].tolist()
        expected = naive.class_candidates(table.tolist(), threshold, channels="last", rounded=dtype, **plain)
        for result in (
            detutils.class_candidates(np.ascontiguousarray(table.T), threshold, **given),
            detutils.class_candidates(table, threshold, channels="last", **given),
            detutils.class_candidates(table.T, threshold, **given),
        ):
            same(result, expected)
            assert result.scores.dtype == dtype
            if options.get("activation", "none") == "none":
                assert result.scores.tolist() == [float(dtype(score)) for score in expected[2]]
    assert result is not None
    return result


# ---- the definition --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("activation", "multi_label", "objectness", "background"),
    list(itertools.product(("none", "sigmoid", "softmax"), (False, True), (False, True), (None, "first", "last"))),
)
def test_as_the_definition(activation: str, multi_label: bool, objectness: bool, background: str | None) -> None:
    rng = np.random.default_rng([len(activation), multi_label, objectness, len(background or "")])
    for classes, thresholds in ((2, (0.0, 0.3)), (3, (0.05, 0.9)), (9, (0.05, 0.3)), (20, (0.0, 0.9))):
        scores = rng.beta(0.4, 2, (ROWS, classes)) if activation == "none" else rng.normal(-1, 3, (ROWS, classes))
        weights = rng.random(ROWS) if activation == "none" else rng.normal(1, 3, ROWS)
        for threshold in thresholds:
            extra = {"objectness": weights} if objectness else {}
            check(scores, threshold, activation=activation, multi_label=multi_label, background=background, **extra)


@pytest.mark.parametrize("classes", [1, GROUP - 1, GROUP, GROUP + 1, 2 * GROUP, 2 * GROUP + 1])
def test_ties_go_to_the_lowest_class_in_every_group(classes: int) -> None:
    scores = np.random.default_rng(classes).integers(0, 4, (ROWS, classes)) / 4
    check(scores, 0.25)
    check(scores, 0.25, multi_label=True)
    check(scores, 0.5, max_candidates=ROWS // 3)


@pytest.mark.parametrize("rows", [0, 1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 3])
def test_blocks_of_rows(rows: int) -> None:
    if not cases.JIT:
        rows = rows if rows < BLOCK - 1 or rows == BLOCK + 1 else 3
    scores = np.random.default_rng(rows).random((rows, 3))
    found = check(scores, 0.8)
    assert len(found.rows) or rows < 10
    check(scores, 0.8, multi_label=True)


def test_every_place_of_the_only_candidate() -> None:
    for rows, classes in ((5, 19), (19, 5)):
        for row, label in itertools.product(range(rows), range(classes)):
            scores = np.zeros((rows, classes), np.float32)
            scores[row, label] = 0.75
            for multi_label in (False, True):
                for table, channels in ((scores, "last"), (np.ascontiguousarray(scores.T), "first")):
                    found = detutils.class_candidates(table, 0.5, channels=channels, multi_label=multi_label)
                    assert [column.tolist() for column in found] == [[row], [label], [0.75]]


# ---- thresholds ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.25, 0.3, 1.0, -0.5, 1e-40, 5e-324, 1e300, -1e300, 1 + 1e-9])
def test_a_score_at_the_threshold_is_no_candidate(threshold: float) -> None:
    for dtype in (np.float32, np.float64):
        with np.errstate(over="ignore"):
            near = dtype(threshold)
        near = np.clip(near, np.finfo(dtype).min, np.finfo(dtype).max)
        with np.errstate(over="ignore"):
            values = [np.nextafter(near, dtype(-np.inf)), near, np.nextafter(near, dtype(np.inf))]
        scores = np.array([value for value in values if np.isfinite(value)], dtype)[:, None]
        expected = [i for i, value in enumerate(scores[:, 0].tolist()) if value > threshold]
        for table, channels in ((scores, "last"), (np.hstack([scores, scores - 1]).T.copy(), "first")):
            assert detutils.class_candidates(table, threshold, channels=channels).rows.tolist() == expected


@pytest.mark.parametrize(
    "threshold", [0.5, 0.25, 0.001, 1e-12, 1e-200, 1e-299, 1e-301, 0.0, 0.9, 1 - 1e-8, 1 - 1e-9, 1 - 1e-12, 1 - 2**-53]
)
def test_logits_near_the_threshold(threshold: float) -> None:
    middle = math.log(threshold or 1e-310) - math.log1p(-threshold)
    steps = np.concatenate([np.arange(-20, 21), [-1e3, 1e3, -1e6, 1e6, -1e9, 1e9]])
    scores = (middle + steps * np.spacing(abs(middle) + 1e-300))[:, None]
    check(scores, threshold, activation="sigmoid")
    check(scores, threshold, activation="sigmoid", multi_label=True)
    pairs = np.hstack([scores, np.zeros_like(scores)])
    check(pairs, threshold, activation="softmax", background="last")
    check(pairs[:, ::-1] + 3.0, threshold, activation="softmax", background="first")
    check(np.ones_like(scores) * 40, threshold, activation="sigmoid", objectness=scores[:, 0])


@pytest.mark.parametrize("threshold", [1.0, 2.0, -1.0, -1e-300])
@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_thresholds_that_no_probability_lies_at(threshold: float, activation: str) -> None:
    scores = np.array([[800.0, -800], [-800, -800], [0, 0], [-np.inf, 3], [-np.inf, -np.inf], [np.nan, 1]])
    check(scores, threshold, activation=activation)
    check(scores, threshold, activation=activation, multi_label=True, objectness=np.array([1.0, 1, -9e9, 9e9, 0, 0]))


def test_bounds_lie_below_everything_that_exceeds() -> None:
    """And not far below: a bound that lets everything through is no bound."""
    rng = np.random.default_rng(5)
    thresholds = np.concatenate([rng.random(cases.size(2000, 200)), 10.0 ** rng.uniform(-305, 0, 200)])
    for threshold in thresholds.tolist():
        for short, dtype in ((True, np.float32), (False, np.float64)):
            _, raw, weight, margin, largest = candidates.bounds_of(threshold, SIGMOID, short)
            assert raw == max(weight, -largest)
            assert margin == -math.inf
            assert dtype(raw) == raw
            with np.errstate(over="ignore"):
                below = float(np.nextafter(dtype(raw), dtype(-np.inf)))
            assert naive.sigmoid(below) <= threshold
            if 1e-300 < threshold < 1 - 1e-6:
                assert naive.sigmoid(raw + 1e-5 * (1 + abs(raw))) > threshold
            assert candidates.bounds_of(threshold, SOFTMAX, short) == (threshold, -largest, weight, weight, largest)
            _, raw, weight, margin, _ = candidates.bounds_of(threshold, NONE, short)
            assert raw == weight > threshold
            assert float(np.nextafter(dtype(raw), dtype(-np.inf))) <= threshold


def test_exact_probabilities() -> None:
    same(detutils.class_candidates([[0.0, -1, 1]], 0.5, activation="sigmoid"), [[2], [0], [naive.sigmoid(1.0)]])
    table = [[2.0, 2], [2, 2.001], [7, 7]]
    assert detutils.class_candidates(table, 0.5, channels="last", activation="softmax").rows.tolist() == [1]
    assert detutils.class_candidates([[3.0] * 4], 0.25, channels="last", activation="softmax").rows.tolist() == []
    assert (
        len(
            detutils.class_candidates([[3.0] * 4], 0.2499, channels="last", activation="softmax", multi_label=True).rows
        )
        == 4
    )


def test_objectness_and_score_both_exceed_the_threshold() -> None:
    scores, weights = np.array([[0.5, 0.9], [0.4, 0.2], [2.0, 0.1], [0.3, 0.4]]), np.array([0.5, 0.9, 0.2, 2.0])
    found = check(scores, 0.25, objectness=weights)
    assert found.rows.tolist() == [0, 1, 3]
    assert found.labels.tolist() == [1, 0, 1]
    assert found.scores.tolist() == [0.45, 0.36000000000000004, 0.8]
    assert check(scores, 0.36, objectness=weights).rows.tolist() == [0, 1, 3]
    assert check(scores, 0.45, objectness=weights).rows.tolist() == []  # 0.4 does not exceed it, 0.8 would


# ---- numbers that are none -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["none", "sigmoid", "softmax"])
@pytest.mark.parametrize("multi_label", [False, True])
def test_nan_exceeds_nothing(activation: str, multi_label: bool) -> None:
    rng = np.random.default_rng(9)
    scores = rng.normal(0, 2, (ROWS, 11))
    scores[rng.random(scores.shape) < 0.1] = np.nan
    scores[rng.random(scores.shape) < 0.02] = -np.inf
    scores[3] = np.nan
    weights = rng.normal(1, 2, ROWS)
    weights[::7] = np.nan
    for background in (None, "first", "last"):
        check(scores, 0.3, activation=activation, multi_label=multi_label, background=background)
        check(scores, 0.3, activation=activation, multi_label=multi_label, background=background, objectness=weights)


@pytest.mark.parametrize("channels", ["first", "last"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinite_scores_are_refused_or_dropped(channels: str, dtype: Any) -> None:
    scores = np.full((5, 12), 0.5, dtype)
    scores[2, 9] = scores[4, 1] = np.inf
    scores[1, 3] = -np.inf
    table = np.ascontiguousarray(scores.T) if channels == "first" else scores
    for multi_label in (False, True):
        with pytest.raises(ValueError, match=r"^a score of row 2 is infinite$"):
            detutils.class_candidates(table, 0.25, channels=channels, multi_label=multi_label)
        found = detutils.class_candidates(table, 0.25, channels=channels, multi_label=multi_label, on_invalid="drop")
        assert found.rows.tolist() == (
            [0] * 12 + [1] * 11 + [2] * 11 + [3] * 12 + [4] * 11 if multi_label else [0, 1, 3]
        )
    for multi_label in (False, True):  # a logit may be infinite
        found = detutils.class_candidates(table, 0.7, channels=channels, multi_label=multi_label, activation="sigmoid")
        assert [column.tolist() for column in found] == [[2, 4], [9, 1], [1.0, 1.0]]


def test_products_beyond_float32_are_infinite() -> None:
    scores = np.array([[1e30, 1.0]], np.float32)
    with pytest.raises(ValueError, match="a score of row 0 is infinite"):
        detutils.class_candidates(scores, 0.5, objectness=np.array([1e30, 1.0], np.float32))
    assert detutils.class_candidates(scores.astype(float), 0.5, objectness=[1e30, 1.0]).rows.tolist() == [0, 1]


def test_rows_that_nobody_wants_are_not_judged() -> None:
    scores = np.array([[np.inf, 0.9], [0.9, 0.1]])
    assert detutils.class_candidates(scores, 0.5, channels="last", objectness=[0.5, 1.0]).rows.tolist() == [1]


# ---- the best --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("multi_label", [False, True])
def test_the_best_candidates_in_order_of_rows(multi_label: bool) -> None:
    scores = np.random.default_rng(3).integers(1, 9, (ROWS, 4)) / 8
    every = check(scores, 0.3, multi_label=multi_label)
    for most in (0, 1, 2, 7, len(every.rows) // 2, len(every.rows) - 1, len(every.rows), len(every.rows) + 1):
        found = check(scores, 0.3, multi_label=multi_label, max_candidates=most)
        assert len(found.rows) == min(most, len(every.rows))
        assert sorted(found.scores, reverse=True) == sorted(every.scores, reverse=True)[:most]
        assert list(zip(found.rows, found.labels)) == sorted(zip(found.rows, found.labels))


def test_ranks_are_those_of_the_scores_that_are_returned() -> None:
    """Two logits whose probabilities are one float32 number are tied."""
    logits = np.array([[20.0, 30.0, 25.0]], np.float32)
    found = detutils.class_candidates(logits, 0.5, activation="sigmoid", max_candidates=2)
    assert found.rows.tolist() == [0, 1]
    assert detutils.class_candidates(
        logits.astype(float), 0.5, activation="sigmoid", max_candidates=2
    ).rows.tolist() == [1, 2]


def test_more_candidates_than_there_is_room_for_at_first() -> None:
    scores = np.random.default_rng(1).random((7, 100)) + 1.0
    assert len(check(scores, 0.5, multi_label=True).rows) == 700


# ---- layouts ---------------------------------------------------------------------------------------------------------


def layouts(table: np.ndarray) -> dict[str, np.ndarray]:
    """The same (rows, classes) numbers, lying in memory in many ways."""
    rows, classes = table.shape
    wide = np.full((rows, classes + 7), 9.0, table.dtype)
    wide[:, 4 : 4 + classes] = table
    tall = np.full((classes + 7, rows), 9.0, table.dtype)
    tall[4 : 4 + classes] = table.T
    padded = np.full((classes + 3, rows + 5), 9.0, table.dtype)
    padded[2 : 2 + classes, 3 : 3 + rows] = table.T
    every_second = np.full((2 * rows, classes), 9.0, table.dtype)
    every_second[::2] = table
    sparse = np.full((2 * rows, 3 * classes), 9.0, table.dtype)
    sparse[::2, ::3] = table
    return {
        "rows of a wider table": wide[:, 4 : 4 + classes],
        "a part of channels": tall[4 : 4 + classes].T,
        "a window": padded[2 : 2 + classes, 3 : 3 + rows].T,
        "every second row": every_second[::2],
        "no dense axis": sparse[::2, ::3],
        "rows from the last": np.ascontiguousarray(table[::-1])[::-1],
        "classes from the last": np.ascontiguousarray(table[:, ::-1])[:, ::-1],
        "channels from the last": np.ascontiguousarray(table.T[::-1])[::-1].T,
        "columns from the last": np.ascontiguousarray(table.T[:, ::-1])[:, ::-1].T,
        "Fortran": np.asfortranarray(table),
        **{name: form(table) for name, form in cases.GOOD_FORMS.items() if name in LAYOUTS},
    }


LAYOUTS = ("read-only", "memory map", "unaligned", "strided", "reversed")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("background", [None, "first", "last"])
def test_layouts(dtype: Any, background: str | None) -> None:
    rng = np.random.default_rng(2)
    table = (rng.integers(0, 64, (cases.size(50, 12), 10)) / 8).astype(dtype)
    weights = rng.integers(0, 64, len(table)) / 8
    for activation, floor in (("none", 5.0), ("softmax", 0.5)):
        for extra in ({}, {"objectness": weights.astype(dtype)}):
            options = {"activation": activation, "background": background, **extra}
            expected = detutils.class_candidates(table, floor, channels="last", **options)
            assert len(expected.rows)
            for name, view in layouts(table).items():
                before = view.copy()
                found = detutils.class_candidates(view, floor, channels="last", **options)
                turned = detutils.class_candidates(view.T, floor, **options)
                assert all(map(np.array_equal, found, expected)), name
                assert all(map(np.array_equal, turned, expected)), name
                assert np.array_equal(view, before), name


@cases.each("name", cases.GOOD_FORMS)
def test_forms(name: str) -> None:
    plain = np.random.default_rng(4).integers(0, 9, (3, 8)).astype(np.float64)
    form = cases.GOOD_FORMS[name]
    expected = detutils.class_candidates(plain, 4, objectness=plain[1])
    assert len(expected.rows)
    for found in (
        detutils.class_candidates(form(plain), 4, objectness=plain[1]),
        detutils.class_candidates(plain, 4, objectness=form(plain[1])),
        detutils.class_candidates(form(plain), 4, objectness=form(plain[1])),
    ):
        assert all(map(np.array_equal, found, expected))


def test_an_objectness_of_any_stride() -> None:
    table = np.random.default_rng(6).random((6, 40), dtype=np.float32)
    expected = detutils.class_candidates(table[1:], 0.4, objectness=table[0].copy())
    turned = np.ascontiguousarray(table.T)
    assert len(expected.rows)
    for found in (
        detutils.class_candidates(table[1:], 0.4, objectness=table[0]),
        detutils.class_candidates(turned[:, 1:], 0.4, channels="last", objectness=turned[:, 0]),
        detutils.class_candidates(table[1:], 0.4, objectness=table[0, ::-1].copy()[::-1]),
        detutils.class_candidates(table[1:], 0.4, objectness=turned[:, 0]),
    ):
        assert all(map(np.array_equal, found, expected))


def test_leading_axes_of_one() -> None:
    scores = np.array([[0.1, 0.9]])
    assert detutils.class_candidates(scores[None, None], 0.5).rows.tolist() == [1]
    assert detutils.class_candidates(scores, 0.5, objectness=[[1.0, 1.0]]).rows.tolist() == [1]


@pytest.mark.parametrize(
    ("scores", "channels"),
    [(np.empty((3, 0)), "first"), (np.empty((0, 3)), "last"), (np.empty((1, 3, 0), np.float32), "first")],
)
def test_no_rows(scores: np.ndarray, channels: Any) -> None:
    for multi_label in (False, True):
        found = detutils.class_candidates(scores, 0.5, channels=channels, multi_label=multi_label)
        assert [column.shape for column in found] == [(0,)] * 3
        assert [column.dtype for column in found] == [np.int64, np.int64, scores.dtype]


# ---- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "options", "error", "text"),
    [
        (np.zeros(3), {}, ValueError, r"^scores must have shape \(C, N\), as channels='first' says, got \(3,\)$"),
        (np.zeros((2, 2, 2)), {"channels": "last"}, ValueError, r"shape \(N, C\), as channels='last' says, got"),
        (np.zeros((0, 3)), {}, ValueError, r"^scores must have a class, got 0 on axis 0 of shape \(0, 3\)$"),
        (np.zeros((3, 1)), {"channels": "last", "background": "last"}, ValueError,
         r"^scores must have a class beside the background, got 1 on axis 1 of shape \(3, 1\)$"),
        (np.zeros((2, 3)), {"objectness": [1, 1]}, ValueError,
         r"^objectness must have shape \(3,\), a number for each row of scores, got \(2,\)$"),
        (None, {}, TypeError, "^scores must be an array of numbers, got None$"),
        ([["a"]], {}, TypeError, "^scores must hold real numbers"),
        (np.zeros((2, 3)), {"score_threshold": math.nan}, ValueError, "^score_threshold must be finite, got nan$"),
        (np.zeros((2, 3)), {"score_threshold": "x"}, TypeError, "^score_threshold must be a number, got str$"),
        (np.zeros((2, 3)), {"channels": "middle"}, ValueError, "channels must be"),
        (np.zeros((2, 3)), {"activation": "relu"}, ValueError, "activation must be"),
        (np.zeros((2, 3)), {"background": "middle"}, ValueError, "background must be"),
        (np.zeros((2, 3)), {"multi_label": 1}, TypeError, "multi_label must be"),
        (np.zeros((2, 3)), {"max_candidates": -1}, ValueError, "^max_candidates must be at least 0, got -1$"),
        (np.zeros((2, 3)), {"on_invalid": "skip"}, ValueError, "on_invalid must be"),
    ],
)  # fmt: skip
def test_errors(scores: Any, options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        detutils.class_candidates(scores, **{"score_threshold": 0.5, **options})
