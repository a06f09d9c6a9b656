"""Hostile and odd values in every argument of every public name: refused by name, or answered as the plain numbers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import detutils
from tests import cases
from tests.hostile.goods import Argument, Entry
from tests.hostile.kinds import numbers
from tests.hostile.table import entries
from tests.hostile.verdicts import cells, judge, workshop

PARTS = 12  # of the table, so that a failure names a twelfth
EVERY, EVERY_SLOW = cases.size(8, 30), cases.size(40, 200)  # one cell in so many, the deep form judges all


@pytest.fixture(scope="module")
def files() -> Iterator[None]:
    with workshop():
        yield


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("half", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("part", range(PARTS))
def test_hostile_values(part: int, half: int) -> None:
    faults, judged = [], 0
    for entry in entries()[part::PARTS]:
        step = EVERY_SLOW if entry.slow else EVERY
        for place, cell in enumerate(cells(entry)):
            if (place + part) % (2 * step) == half * step:
                verdict = judge(entry, *cell)
                judged += 1
                if verdict.fault:
                    faults.append(" | ".join(verdict))
    assert judged
    assert not faults, "\n".join(faults)


def test_the_table_names_everything_public() -> None:
    listed = {entry.name.split(",")[0] for entry in entries()}
    missing = []
    for name in detutils.__all__:
        thing = getattr(detutils, name)
        if inspect.isclass(thing) and issubclass(thing, tuple):
            methods = [f"{name}.{key}" for key, member in vars(thing).items() if inspect.isfunction(member)]
            missing += [key for key in methods if key.split(".")[1][0] != "_" and key not in listed]
        elif callable(thing) and name not in listed:
            missing.append(name)
    assert set(missing) <= NOT_DRIVEN


NOT_DRIVEN = {
    "CocoResult.summary",  # takes nothing
    "plot_precision_recall",  # driven where there is matplotlib
    "plot_confusion_matrix",
}


def _entry(function: Any) -> Entry:
    return Entry("function", function, {"scores": Argument(np.array([0.5, 0.25]), numbers)})


@pytest.mark.parametrize(
    ("function", "value", "fault"),
    [
        (lambda scores: detutils.precision_recall_curve(scores, [True, False], 2), [0.5, 0.25], ""),
        (lambda scores: detutils.precision_recall_curve(scores, [True, False], 2), ["0.5", "0.25"], ""),
        (lambda scores: np.asarray(scores, float).sum(), ["0.5", "0.25"], "accepted invalid"),
        (lambda scores: scores.sum(), [0.5, 0.25], "obscure"),
        (lambda scores: np.asarray(scores).astype(np.float16), np.array([0.1, 0.2]), "silent wrong"),
        (lambda scores: 1 / 0, [0.5], "obscure"),
    ],
)
def test_the_judge_sees_every_fault(function: Any, value: Any, fault: str) -> None:
    if fault == "silent wrong":
        value = cases.OnlyArray(value)
        function = lambda scores, first=function: first(scores) if isinstance(scores, cases.OnlyArray) else scores  # noqa: E731
    assert judge(_entry(function), "scores", "a value", value).fault == fault


def test_the_judge_sees_valid_values_refused() -> None:
    def picky(scores: Any) -> Any:
        if not isinstance(scores, np.ndarray):
            raise TypeError("scores must be an array")
        return scores

    assert judge(_entry(picky), "scores", "a list", [0.5, 0.25]).fault == "valid refused"
