"""One-to-one association: a matching that is allowed, of the total that trying all of them finds, every time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import detutils
from detutils import assign_boxes, box_iou
from detutils.targets import association
from tests.cases import GOOD_FORMS, each, random_boxes, size, unchanged
from tests.naive import association as naive


def total(values: np.ndarray, found: detutils.Assignment, threshold: float, maximize: bool = True) -> float:
    """The total of a matching, which must be one, of pairs that may be matched."""
    n, m = values.shape
    rows, columns = found.pairs.T
    assert sorted([*rows, *found.unmatched_rows]) == list(range(n))
    assert sorted([*columns, *found.unmatched_columns]) == list(range(m))
    for part in (rows, found.unmatched_rows, found.unmatched_columns):
        assert (np.diff(part) > 0).all()
    assert found.pairs.dtype == found.unmatched_rows.dtype == found.unmatched_columns.dtype == np.int64
    gains = naive.gains(values.tolist(), threshold, maximize)
    taken = [gains[i][j] for i, j in found.pairs.tolist()]
    assert all(gain > 0.0 for gain in taken)
    return math.fsum(taken)


def matrices(n: int, m: int, seed: int) -> dict[str, np.ndarray]:
    """Many ties, few pairs, all pairs, of both signs; sums of eighths are exact."""
    rng = np.random.default_rng(seed)
    return {
        "ties": rng.integers(0, 4, (n, m)) / 8.0,
        "sparse": rng.integers(1, 9, (n, m)) / 8.0 * (rng.random((n, m)) < 0.35),
        "dense": rng.integers(1, 1024, (n, m)) / 8.0,
        "signs": rng.integers(-512, 512, (n, m)) / 8.0,
        "products": np.outer(np.arange(n) + 1.0, np.arange(m) + 1.0) / 8.0,  # the longest paths
        "same": np.full((n, m), 0.5),
    }


@pytest.mark.parametrize("maximize", [True, False])
def test_the_total_is_that_of_trying_all(maximize: bool) -> None:
    for seed in range(size(36, 12)):
        n, m = np.random.default_rng([seed, 7]).integers(0, 6, 2)
        for name, values in matrices(n, m, seed).items():
            for threshold in (-1.0, 0.0, 0.25, 0.5, 2.0, 40.0):
                wanted = naive.best_total(naive.gains(values.tolist(), threshold, maximize))
                for dtype in (np.float64, np.float32):
                    found = unchanged(assign_boxes, values.astype(dtype), threshold=threshold, maximize=maximize)
                    assert total(values, found, threshold, maximize) == wanted, f"{name}, seed {seed}"


def proof(values: np.ndarray, threshold: float, maximize: bool) -> float:
    """The total of an upper bound: worths and prices that are worth every pair, as the kernel ends with them."""
    rule = (max(threshold, 5e-324), 0.0, 1.0) if maximize else (math.nextafter(-threshold, math.inf), threshold, -1.0)
    starts, pairs = association.gated(values, rule)
    n, m = values.shape
    matched = np.full(n, -1, np.int32), np.full(m, -1, np.int32)
    worths, prices = np.empty(n), np.zeros(m)
    done = 0
    while done < n:
        done = association.kernels.match(starts, pairs, matched, (worths, prices), done, 50)
    assert (worths >= 0.0).all()
    assert (prices >= 0.0).all()
    gains = np.array(naive.gains(values.tolist(), threshold, maximize)).reshape(n, m)
    slack = 1e-9 * max(1.0, float(gains.max(initial=0.0)))
    assert (worths[:, None] + prices[None] >= gains - slack).all()
    return math.fsum([*worths.tolist(), *prices.tolist()])


@pytest.mark.parametrize("name", ["ties", "sparse", "dense", "signs", "products", "same"])
@pytest.mark.parametrize("maximize", [True, False])
def test_beyond_trying_all_duality_proves_the_total(name: str, maximize: bool) -> None:
    for seed, (n, m) in enumerate([(40, 40), (17, 70), (70, 17), (1, 200), (200, 1), (130, 131)]):
        n, m = size(n, min(n, 20)), size(m, min(m, 20))
        values = matrices(n, m, seed)[name]
        for threshold in (0.25, 30.0):
            found = assign_boxes(values, threshold, maximize=maximize)
            bound = proof(values, threshold, maximize)
            assert total(values, found, threshold, maximize) == pytest.approx(bound, rel=1e-9)


def test_boxes_of_two_frames() -> None:
    n = size(300, 25)
    boxes = random_boxes(n, 4, spread=900)
    rng = np.random.default_rng(0)
    moved = rng.permutation(boxes + np.tile(rng.normal(0, 4, (n, 2)), 2))
    for threshold in (0.0, 0.05, 0.5):
        ious = box_iou(boxes, moved)
        found = assign_boxes(ious, threshold)
        assert total(ious, found, threshold) == pytest.approx(proof(ious, threshold, True), rel=1e-12)
        short = assign_boxes(ious.astype(np.float32), threshold)
        exact = assign_boxes(ious.astype(np.float32).astype(np.float64), threshold)
        assert short.pairs.tolist() == exact.pairs.tolist()


def test_what_a_filter_afterwards_gives_up() -> None:
    values = np.array([[0.9, 0.5], [0.5, 0.05]])
    assert assign_boxes(values, 0.5).pairs.tolist() == [[0, 1], [1, 0]]  # 1.0 in all
    assert assign_boxes(values, 0.6).pairs.tolist() == [[0, 0]]
    assert assign_boxes(1.0 - values, 0.51, maximize=False).pairs.tolist() == [[0, 0]]  # .41 against .01 twice


def test_a_row_left_alone_lies_nearer_than_the_free_column_found_first() -> None:
    values = np.array([[0, 0, 0, 1], [3, 2, 6, 6], [6, 3, 8, 8]]) / 8.0
    assert total(values, assign_boxes(values, 0.1), 0.1) == naive.best_total(naive.gains(values.tolist(), 0.1)) == 1.75


def test_at_the_threshold() -> None:
    assert assign_boxes([[0.5]], 0.5).pairs.tolist() == [[0, 0]]
    assert assign_boxes([[0.5]], math.nextafter(0.5, 1)).pairs.tolist() == []
    assert assign_boxes([[0.5]], 0.5, maximize=False).pairs.tolist() == []
    assert assign_boxes([[0.5]], math.nextafter(0.5, 1), maximize=False).pairs.tolist() == [[0, 0]]
    assert assign_boxes([[0.0, -1.0]], -2).pairs.tolist() == []
    tenth = np.array([[0.1]], np.float32)  # lies above 0.1
    assert assign_boxes(tenth, 0.1).pairs.tolist() == [[0, 0]]
    assert assign_boxes(tenth, float(tenth[0, 0])).pairs.tolist() == [[0, 0]]
    assert assign_boxes(tenth, math.nextafter(float(tenth[0, 0]), 1.0)).pairs.tolist() == []
    seventh = np.array([[0.7]], np.float32)  # lies below 0.7
    assert assign_boxes(seventh, 0.7).pairs.tolist() == []
    assert assign_boxes(seventh, 0.7, maximize=False).pairs.tolist() == [[0, 0]]


def test_forbidden_pairs() -> None:
    costs = np.array([[np.inf, 2.0], [1.0, np.inf]])
    assert assign_boxes(costs, 5.0, maximize=False).pairs.tolist() == [[0, 1], [1, 0]]
    assert assign_boxes(-costs + 3.0, 0.5).pairs.tolist() == [[0, 1], [1, 0]]
    assert assign_boxes(np.float32([[np.inf, -3e38]]), 5.0, maximize=False).pairs.tolist() == [[0, 1]]


def test_many_rows_for_one_column_and_the_reverse() -> None:
    values = np.arange(1.0, 41.0)[:, None] / 64.0
    for turned, pair in ((values, [39, 0]), (values.T, [0, 39])):
        found = assign_boxes(turned, 0.1)
        assert found.pairs.tolist() == [pair]


def test_a_list_of_pairs_that_grows() -> None:
    n = size(90, 20)
    values = np.ones((n, n)) + np.eye(n)
    assert assign_boxes(values, 0.5).pairs.tolist() == [[i, i] for i in range(n)]
    values[: n // 2] = 0.0
    assert assign_boxes(values, 0.5).pairs.tolist() == [[i, i] for i in range(n // 2, n)]


def test_kernels_go_on_where_they_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    values = matrices(30, 30, 3)["dense"]
    wanted = assign_boxes(values, 20.0)
    monkeypatch.setattr(association, "_PATIENCE", 25)
    assert assign_boxes(values, 20.0).pairs.tolist() == wanted.pairs.tolist()


def test_order_changes_no_total() -> None:
    rng = np.random.default_rng(5)
    values = matrices(25, 30, 1)["dense"]
    wanted = total(values, assign_boxes(values, 30.0), 30.0)
    for _ in range(5):
        rows, columns = rng.permutation(25), rng.permutation(30)
        mixed = values[rows][:, columns]
        assert total(mixed, assign_boxes(mixed, 30.0), 30.0) == wanted
    assert total(values.T, assign_boxes(values.T, 30.0), 30.0) == wanted


def test_nothing_to_pair() -> None:
    for shape in ((0, 0), (0, 3), (3, 0)):
        found = assign_boxes(np.zeros(shape), 0.5)
        assert found.pairs.shape == (0, 2)
        assert (len(found.unmatched_rows), len(found.unmatched_columns)) == shape
    assert assign_boxes([], 0.5).pairs.shape == (0, 2)


@each("form", GOOD_FORMS)
def test_every_form_of_a_matrix(form: str) -> None:
    values = np.random.default_rng(0).integers(0, 9, (6, 7)).astype(np.float64)
    assert assign_boxes(GOOD_FORMS[form](values), 3).pairs.tolist() == assign_boxes(values, 3).pairs.tolist()


@pytest.mark.parametrize(
    ("values", "options", "error", "text"),
    [
        ([[0.5, np.nan]], {}, ValueError, r"values\[0, 1\] is not finite: nan"),
        ([[0.5], [np.inf]], {}, ValueError, r"values\[1, 0\] is not finite: inf"),
        ([[0.5], [-np.inf]], {"maximize": False}, ValueError, r"values\[1, 0\] is not finite: -inf"),
        (np.array([[0.5, np.nan]], np.float32), {}, ValueError, r"values\[0, 1\] is not finite: nan"),
        (np.array([[np.inf, 1]], np.float32), {}, ValueError, r"values\[0, 0\] is not finite: inf"),
        ([[2e150]], {}, ValueError, r"values\[0, 0\] is beyond 1e\+150: 2e\+150"),
        ([[-2e150]], {"maximize": False}, ValueError, r"values\[0, 0\] is beyond 1e\+150: -2e\+150"),
        ([0.5], {}, ValueError, r"values must have shape \(N, M\), got \(1,\)"),
        ([[["a"]]], {}, TypeError, "values must hold real numbers"),
        (None, {}, TypeError, "values must be an array of numbers, got None"),
        ([[0.5]], {"threshold": None}, TypeError, "threshold must be a number"),
        ([[0.5]], {"threshold": math.nan}, ValueError, "threshold must be finite"),
        ([[0.5]], {"threshold": 1e151}, ValueError, "threshold must be in"),
        ([[0.5]], {"maximize": 1}, TypeError, "maximize must be True or False, got int"),
    ],
)
def test_errors(values: Any, options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        assign_boxes(values, **{"threshold": 0.5, **options})


def test_a_bad_value_is_found_wherever_it_stands() -> None:
    for column in (0, 63, 64, 130, 199):
        values = np.zeros((3, 200))
        values[1, column] = np.nan
        with pytest.raises(ValueError, match=rf"values\[1, {column}\] is not finite"):
            assign_boxes(values, 0.5)
