"""imutils' suppression: equal to the definition, and to imutils where it is installed."""

from __future__ import annotations

import os

import numpy as np
import pytest

from detutils.compat import imutils as compat
from detutils.compat.imutils.object_detection import non_max_suppression
from tests.cases import GOOD_FORMS, each, random_boxes, size
from tests.compat.refusals import NO_BOXES, NO_SCORES, NO_SHARES, refuses
from tests.naive import compat_imutils as naive

CASES = 10_000 if os.environ.get("DETUTILS_DEEP") else size(300, 30)
BOXES = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [40, 40, 50, 50]])


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0])
def test_is_the_definition(threshold: float) -> None:
    """Tied scores included: the last wins."""
    for seed in range(size(60, 10)):
        boxes, rng = random_boxes(size(40, 12), seed), np.random.default_rng(seed)
        boxes = np.round(boxes) if seed % 2 else boxes
        probs = rng.choice([rng.random(len(boxes)), np.round(rng.random(len(boxes)), 1)]) if seed % 3 else None
        found = non_max_suppression(boxes, probs, threshold)
        wanted = naive.non_max_suppression(boxes.tolist(), None if probs is None else probs.tolist(), threshold)
        assert found.dtype == np.int64
        assert found.tolist() == wanted, f"seed {seed}"


def test_equals_imutils() -> None:
    """Scores are not tied: its sort is not stable."""
    peer = pytest.importorskip("imutils.object_detection")
    for seed in range(CASES):
        rng = np.random.default_rng(seed)
        boxes = random_boxes(int(rng.integers(0, size(40, 12))), seed, spread=60.0 + 100 * (seed % 3), longest=60.0)
        boxes = np.round(boxes).astype(int) if seed % 2 else boxes
        boxes = boxes[np.unique(boxes[:, 3], return_index=True)[1]]
        probs = rng.permutation(len(boxes)) / 7 if seed % 3 else None
        threshold = (0.0, 0.2, 0.3, 0.5, 0.65, 1.0)[seed % 6]
        found, wanted = non_max_suppression(boxes, probs, threshold), peer.non_max_suppression(boxes, probs, threshold)
        assert type(found) is type(wanted)
        np.testing.assert_array_equal(found, wanted, f"seed {seed}")


def test_paths_and_nothing() -> None:
    assert compat.non_max_suppression is compat.object_detection.non_max_suppression is non_max_suppression
    for nothing in ([], np.zeros((0, 4)), np.zeros(0)):
        assert non_max_suppression(nothing) == []


def test_fractions_are_cut() -> None:
    assert non_max_suppression(np.array([[-1.5, 0.75, 3.99, 9.5]])).tolist() == [[-1, 0, 3, 9]]


def test_small_integers_do_not_wrap() -> None:
    """The area of 0 ... 250 is 251 x 251, which is 25 in uint8."""
    boxes = np.array([[0, 0, 250, 250], [10, 10, 60, 60]], np.uint8)
    assert non_max_suppression(boxes, [0.9, 0.8]).tolist() == [[0, 0, 250, 250]]


@each("form", GOOD_FORMS)
def test_forms(form: str) -> None:
    found = non_max_suppression(GOOD_FORMS[form](BOXES.astype(np.float64)), GOOD_FORMS[form](np.array([1.0, 2, 3])))
    assert found.tolist() == [[40, 40, 50, 50], [1, 0, 11, 10]]


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    assert len(non_max_suppression(torch.tensor(BOXES), torch.tensor([1.0, 2, 3]))) == 2


def test_refusals() -> None:
    goods = {"boxes": BOXES[:2], "probs": [0.5, 0.25], "overlapThresh": 0.3}
    refuses(non_max_suppression, goods, "boxes", {**NO_BOXES, "x2 < x1": [[0, 0, 1, 1], [2, 0, 1, 1]]})
    refuses(non_max_suppression, goods, "probs", {key: value for key, value in NO_SCORES.items() if key != "None"})
    refuses(non_max_suppression, goods, "overlapThresh", NO_SHARES)
    with pytest.raises(ValueError, match=r"boxes\[0\] has y2 < y1"):
        non_max_suppression([[0, 5, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]])
