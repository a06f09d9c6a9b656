"""What the table is made of: entries, their arguments, and the good values that several of them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import detutils
from tests.hostile.kinds import few_numbers, image, nothing, number


class Argument(NamedTuple):
    """A good value of an argument, and what an odd one stands for."""

    good: Any
    kind: Callable[[Any], Any]
    optional: bool = False  # None is a value of it
    called: bool = False  # a function is a value of it
    words: tuple[str, ...] = ()  # one of which an error's text may hold instead of its name
    taken: tuple[str, ...] = ()  # names of odd values that are good ones


class Entry(NamedTuple):
    """A public function, or one way to call it, and the arguments that are driven."""

    name: str
    function: Callable[..., Any]
    arguments: dict[str, Argument]
    slow: bool = False  # some milliseconds a call


BOXES = np.array([[0, 0, 10, 10], [2, 1, 12, 9], [30, 20, 60, 50], [31, 20, 60, 52], [5, 40, 25, 60]], np.float64)
OTHERS = np.array([[1, 0, 10, 12], [28, 20, 58, 50], [0, 40, 30, 60]], np.float64)
SCORES = np.array([0.5, 0.875, 0.25, 0.75, 0.5])
LABELS = np.array([0, 1, 0, 0, 1])
DELTAS = np.array([[0, 0.5, 0, 0.25]] * 5)
FLAGS = np.array([True, False, True])
PICTURE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
SIZE = (64, 80)
WEIGHTS = (1.0, 2.0, 1.0, 2.0)
NONE = np.zeros(3, bool)
IMAGE = detutils.AnnotatedImage("a.png", SIZE, OTHERS, LABELS[:3], NONE, NONE, NONE, np.array([8.0, 9, 7]), 1)
DATASET = detutils.Dataset([IMAGE], ("cat", "dog"), (1, 2))
FOUND = detutils.Detections(BOXES, SCORES, LABELS)
POSES = np.arange(20.0).reshape(5, 2, 2) % 11
FEATURES = np.arange(20.0).reshape(5, 4) % 7


def A(
    good: Any, kind: Callable[[Any], Any], *words: str, optional: bool = False, called: bool = False, taken: str = ""
) -> Argument:
    return Argument(good, kind, optional, called, words, tuple(taken.split("|")))


Add = Callable[..., None]  # add(name, function, slow=False, **arguments): one entry of the table

OFFSET = {"offset": A(0, number)}
CODING = {"weights": A(WEIGHTS, few_numbers), **OFFSET}
PIXELS = A(PICTURE, image)
DETECTIONS, TRUTH = A([FOUND], nothing), A([IMAGE], nothing)


def fitted_regressor(labeled: bool = False) -> Any:
    regressor = detutils.BoxRegressor(alpha=1.0)
    return regressor.fit(FEATURES, BOXES, OTHERS, LABELS[:3] if labeled else None)


def small_model(**options: Any) -> Any:
    return detutils.RCNN(["cat", "dog"], np.arange(10.0).reshape(5, 2), **options)
