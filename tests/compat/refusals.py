"""What every adapter must refuse: values in the place of one array argument, all others being good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


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


def check_refused(function: Callable[..., Any], arguments: dict[str, Any], name: str, values: dict[str, Any]) -> None:
    """Each value is refused by an error that names the argument."""
    for what, value in values.items():
        text = ""
        try:
            text = f"it gave {function(**{**arguments, name: value})}"
        except (TypeError, ValueError) as error:
            if name in str(error):
                continue
            text = str(error)
        raise AssertionError(f"{what} for {name}: {text}")
