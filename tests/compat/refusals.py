"""What no function takes for boxes, for scores or for labels, and how an adapter's refusals are held to their texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

_BAD = float("nan")
NO_ARRAYS: dict[str, Any] = {
    "None": None,
    "text": "boxes",
    "bytes": b"1234",
    "complex": np.zeros((2, 4), complex),
    "flags": np.zeros((2, 4), bool),
    "a flag": [[0, 0, 1, 1], [True, 0, 1, 1]],
    "objects": np.array([[None, 0, 1, 1]], object),
    "dates": np.zeros((2, 4), "M8[s]"),
    "masked": np.ma.zeros((2, 4)),
    "ragged": [[0, 0, 1, 1], [0, 0]],
    "five dimensions": np.zeros((1, 1, 1, 2, 5)),
    "beyond 64 bits": [[0, 0, 1, 2**80], [0, 0, 1, 1]],
}
NO_BOXES: dict[str, Any] = {
    **NO_ARRAYS,
    "a number": 3.0,
    "three columns": np.zeros((2, 3)),
    "NaN": [[0, 0, 1, 1], [0, _BAD, 1, 1]],
    "inf": np.array([[0, 0, 1, 1], [0, 0, np.inf, 1]], np.float32),
    "huge": [[0, 0, 1, 1], [0, 0, 1e200, 1]],
}
NO_SCORES: dict[str, Any] = {
    "None": None,
    "texts": ["a", "b"],
    "complex": np.zeros(2, complex),
    "flags": [True, False],
    "masked": np.ma.zeros(2),
    "a number": 0.5,
    "three": [0.5, 0.5, 0.5],
    "a column": np.ones((2, 1)),
    "NaN": [0.5, _BAD],
    "inf": [0.5, float("inf")],
}
NO_LABELS: dict[str, Any] = {
    "None": None,
    "texts": ["a", "b"],
    "halves": [0.0, 0.5],
    "NaN": [0.0, _BAD],
    "flags": [True, False],
    "three": [0, 1, 2],
}
NO_SHARES: dict[str, Any] = {
    "text": "0.5", "a flag": True, "NaN": _BAD, "above": 1.5, "below": -0.1, "array": np.array([0.5]), "None": None,
}  # fmt: skip


class Opaque:
    """An object that is nothing in particular."""


def hostile(good: list[list[float]]) -> dict[str, Any]:
    """Values that stand for no rows like these; the first four columns of ``good`` are boxes."""
    columns = len(good[0])

    def with_row(row: list[float]) -> np.ndarray:
        return np.array([*good, [*row, *good[0][len(row) :]]], np.float64)

    return {
        "None": None,
        "text": "boxes",
        "bytes": b"boxes",
        "an object": Opaque(),
        "texts": [["a"] * columns],
        "complex": np.ones((2, columns), complex),
        "masked": np.ma.masked_array(np.array(good), mask=np.zeros((len(good), columns))),
        "ragged": [[1.0, 2.0], [3.0]],
        "a cube": np.ones((2, 3, columns)),
        "a vector": np.ones(3 * columns),
        "too few columns": np.ones((3, 3)),
        "a number": 3.0,
        "NaN": with_row([np.nan, 0.0, 1.0, 1.0]),
        "infinite": with_row([0.0, 0.0, np.inf, 1.0]),
        "far out": with_row([0.0, 0.0, 1e200, 1.0]),
    }


def refuses(
    function: Callable[..., Any], goods: dict[str, Any], name: str, values: dict[str, Any], says: str = ""
) -> None:
    """Each value in the place of one argument is refused by a text that names it, the others being good."""
    function(**goods)
    for what, value in values.items():
        text = ""
        try:
            text = f"no error, but {function(**{**goods, name: value})}"
        except (TypeError, ValueError) as error:
            text = "" if (says or name) in str(error) else f"an error that does not name it: {error}"
        if text:
            pytest.fail(f"{what} for {name}: {text}")
