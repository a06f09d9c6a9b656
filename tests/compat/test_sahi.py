"""sahi's suppression and merging: the definitions, the original where it is installed, and what is refused."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import pytest

from detutils.compat import sahi as adapter
from tests.cases import size, unchanged
from tests.compat.refusals import hostile, refuses
from tests.naive import sahi as naive

CASES = 10_000 if os.environ.get("DETUTILS_DEEP") else size(300, 40)
GOOD = [[0.0, 0.0, 9.0, 9.0, 0.5, 1.0], [2.0, 1.0, 12.0, 9.0, 0.75, 0.0]]
NAMES = ["nms", "greedy_nmm", "nmm"]
THRESHOLDS = [0.0, 0.1, 0.25, 0.3, 1 / 3, 0.5, 0.6, 0.7, 0.75, 0.9, 1.0]


def predictions(rng: np.random.Generator, n: int) -> np.ndarray:
    """Whole or fractional boxes, copies, scores with or without ties, three categories."""
    side = float(rng.choice([8, 40, 300]))
    low = rng.uniform(0, side, (n, 2))
    boxes = np.hstack([low, low + rng.uniform(0, side / 2, (n, 2))])
    boxes = np.floor(boxes) if rng.random() < 0.6 else boxes
    scores = rng.uniform(0, 1, n) if rng.random() < 0.5 else rng.integers(0, 5, n) / 4
    table = np.column_stack([boxes, scores, rng.integers(0, 3, n)])
    if n > 3 and rng.random() < 0.3:
        table[rng.integers(0, n, 3)] = table[rng.integers(0, n)]
    return table.astype(np.float32) if rng.random() < 0.3 else table


def same(found: Any, wanted: Any, message: Any = "") -> None:
    """Equal, in the order of keys, too."""
    assert type(found) is type(wanted), message
    assert found == wanted, message
    if isinstance(found, dict):
        assert list(found) == list(wanted), message


@pytest.mark.parametrize("metric", ["IOU", "IOS"])
@pytest.mark.parametrize("name", NAMES)
def test_functions_are_the_definition(name: str, metric: Any) -> None:
    rng = np.random.default_rng(NAMES.index(name))
    plain = getattr(naive, name)
    for case in range(CASES // 3):
        rows = predictions(rng, int(rng.integers(0, size(25, 10))))
        threshold = float(rng.choice(THRESHOLDS))
        lists = [[float(value) for value in row] for row in rows]
        found = unchanged(getattr(adapter, name), rows, match_metric=metric, match_threshold=threshold)
        same(found, plain(lists, metric, threshold), (case, threshold))
        found = unchanged(getattr(adapter, f"batched_{name}"), rows, match_metric=metric, match_threshold=threshold)
        same(found, naive.by_category(plain, lists, metric, threshold), (case, threshold))


def test_the_original_agrees() -> None:
    combine = pytest.importorskip("sahi.postprocess.combine")
    backends = pytest.importorskip("sahi.postprocess.backends")
    rng = np.random.default_rng(3)
    for backend in ("numba", "numpy"):
        backends.set_postprocess_backend(backend)
        for case in range(CASES):
            rows = predictions(rng, int(rng.integers(0, 60)))
            metric, threshold = str(rng.choice(["IOU", "IOS"])), float(rng.choice(THRESHOLDS))
            for name in (f"{prefix}{name}" for name in NAMES for prefix in ("", "batched_")):
                if name.removeprefix("batched_") == "nmm" and threshold == 0.0:
                    continue  # the original forgets copies there
                wanted = getattr(combine, name)(rows, metric, threshold)
                wanted = [int(row) for row in wanted] if isinstance(wanted, list) else wanted
                same(getattr(adapter, name)(rows, metric, threshold), wanted, (backend, name, case, metric, threshold))


@pytest.mark.parametrize("metric", ["IOU", "IOS"])
def test_many_rows(metric: Any) -> None:
    """Several blocks of rows and windows of columns; ties throughout."""
    rng = np.random.default_rng(8)
    n = size(450, 150)
    low = rng.uniform(0, 400, (n, 2))
    rows = np.floor(np.column_stack([low, low + rng.uniform(0, 60, (n, 2)), rng.integers(0, 90, n), np.zeros(n)]))
    rows[:: n // 9, :4] = [0, 0, 500, 30]  # some that reach across all windows
    lists = rows.tolist()
    for name in NAMES:
        same(getattr(adapter, name)(rows, metric, 0.3), getattr(naive, name)(lists, metric, 0.3), name)


def test_at_the_threshold() -> None:
    rows = [[0, 0, 10, 10, 0.9, 0], [0, 0, 10, 5, 0.8, 0], [0, 0, 10, 4, 0.7, 0]]
    assert adapter.nms(rows, match_threshold=0.5) == [0, 2]
    assert adapter.nms(rows, "IOS", 1.0) == [0]
    assert adapter.nms(rows, "IOU", 1.0) == [0, 1, 2]
    assert adapter.nms([*rows, rows[0]], "IOU", 1.0) == [0, 1, 2]
    assert adapter.greedy_nmm(rows, match_threshold=0.5) == {0: [1], 2: []}
    assert adapter.nmm(rows, match_threshold=0.5) == {0: [1, 2]}
    apart = [[0, 0, 1, 1, 0.8, 3], [5, 5, 6, 6, 0.9, 2], [9, 9, 9, 9, 0.7, 3]]
    assert adapter.nms(apart, match_threshold=0.0) == [1]
    assert adapter.batched_nms(apart, match_threshold=0) == [1, 0]
    assert adapter.greedy_nmm(apart, match_threshold=0.0) == {1: [0, 2]}
    assert adapter.batched_greedy_nmm(apart, match_threshold=0.0) == {1: [], 0: [2]}
    assert adapter.nmm(apart, match_threshold=0.0) == {1: [0, 2]}


def test_ties_go_by_coordinates() -> None:
    rows = [[1, 0, 11, 10, 0.5, 0], [0, 0, 10, 10, 0.5, 1], [0, 0, 10, 9, 0.5, 1]]
    assert adapter.nms(rows) == [2]
    assert adapter.batched_nms(rows) == [0, 2]
    assert list(adapter.greedy_nmm(rows)) == [2]
    assert adapter.greedy_nmm(rows)[2] == [1, 0]
    assert adapter.nmm(rows) == {2: [], 1: [], 0: []}  # equal scores do not take each other in
    assert adapter.nmm([rows[0], rows[1], rows[0]]) == {1: [], 0: [2]}


def test_copies_at_threshold_zero_are_merged() -> None:
    """The original's shortcut leaves the second copy of the second box alone, unlike its own loop."""
    rows = [[0, 0, 1, 1, 0.5, 0], [5, 5, 6, 6, 0.5, 0], [5, 5, 6, 6, 0.5, 0]]
    assert adapter.nmm(rows, match_threshold=0.0) == {0: [], 1: [2]}


def test_no_rows() -> None:
    for none in ([], np.empty((0, 6)), np.empty((0, 6), np.float32)):
        for name in NAMES:
            empty: Any = [] if name == "nms" else {}
            assert getattr(adapter, name)(none) == empty
            assert getattr(adapter, f"batched_{name}")(none) == empty


def test_tensors_go_in() -> None:
    torch = pytest.importorskip("torch")
    table = torch.tensor(GOOD, requires_grad=True)
    for name in NAMES:
        assert getattr(adapter, name)(table, "IOS", 0.4) == getattr(adapter, name)(GOOD, "IOS", 0.4)


@pytest.mark.parametrize("name", [f"{prefix}{name}" for name in NAMES for prefix in ("", "batched_")])
def test_bad_arguments_are_refused(name: str) -> None:
    function, good = getattr(adapter, name), {"predictions": GOOD}
    values = hostile(GOOD)
    values["x2 before x1"] = [*GOOD, [9.0, 0.0, 1.0, 1.0, 0.5, 0.0]]
    values["a score that is no number"] = [*GOOD, [0.0, 0.0, 1.0, 1.0, np.nan, 0.0]]
    values["tied, and one infinite"] = [*GOOD, *GOOD, [0.0, 0.0, np.inf, 1.0, 0.5, 0.0]]
    if name.startswith("batched"):
        values["no category"] = [row[:5] for row in GOOD]
        values["half a category"] = [*GOOD, [0.0, 0.0, 1.0, 1.0, 0.6, 0.5]]
        values["a category that is no number"] = [*GOOD, [0.0, 0.0, 1.0, 1.0, 0.6, np.nan]]
        values["an infinite category"] = [*GOOD, [0.0, 0.0, 1.0, 1.0, 0.6, np.inf]]
    refuses(function, good, "predictions", values)
    refuses(function, good, "match_metric", {"another": "IOA", "small": "iou", "None": None, "number": 1})
    wrong = {"NaN": math.nan, "text": "0.5", "None": None, "over": 1.5, "under": -0.5, "two": [0.5, 0.5]}
    refuses(function, good, "match_threshold", wrong)


def test_the_row_is_the_callers() -> None:
    rows = [[0.0, 0, 1, 1, 0.5, 0], [0.0, 0, 1, 1, 0.5, 0], [5.0, 0, 1, 1, 0.9, 0]]
    for name in NAMES:
        for function in (getattr(adapter, name), getattr(adapter, f"batched_{name}")):
            with pytest.raises(ValueError, match=r"predictions\[2\]"):
                function(rows)
