"""``compat.ssd`` against the definitions: ssd.pytorch is no package that could be installed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from detutils.compat import ssd
from tests.cases import (
    BAD_BOXES,
    BAD_SCORES,
    BAD_THRESHOLDS,
    GOOD_FORMS,
    each,
    random_boxes,
    size,
    unchanged,
    whole_boxes,
)
from tests.naive import ssd as naive

CASES = 10_000 if os.environ.get("DETUTILS_DEEP") else 300
VARIANCES = [0.1, 0.2]
PAIR = np.array([[0.0, 0.0, 10.0, 10.0], [2.0, 0.0, 12.0, 10.0]])
TWO = np.array([0.5, 0.75])


def priors(n: int, seed: int) -> np.ndarray:
    """Centers and sizes as fractions of the image."""
    return np.random.default_rng(seed).uniform(0.05, 1.0, (n, 4))


@pytest.mark.parametrize("start", range(0, size(CASES, 30), 100))
def test_nms(start: int) -> None:
    for seed in range(start, min(start + 100, size(CASES, 30))):
        rng = np.random.default_rng(seed)
        n = seed % 31
        boxes = whole_boxes(n, seed, 40) if seed % 3 else random_boxes(n, seed, spread=100)
        scores = rng.integers(0, 9, n) / 8  # ties: the higher index first
        overlap, top_k = (0.3, 0.5, 0.6, 1.0)[seed % 4], (0, 3, 200)[seed % 3]
        keep, count = unchanged(ssd.nms, boxes, scores, overlap=overlap, top_k=top_k)
        assert isinstance(count, int)
        assert (keep.tolist(), count) == naive.nms(boxes.tolist(), scores.tolist(), overlap, top_k), seed


def test_nms_by_hand() -> None:
    keep, count = ssd.nms([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [5, 5, 6, 6]], [0.5, 0.5, 0.9, 0.1], 0.5, 3)
    assert keep.tolist() == [2, 1, 0, 0]
    assert keep.dtype == np.int64
    assert count == 2
    boxes = np.tile([0.0, 0, 1, 1], (300, 1)) + np.arange(300)[:, None] * 2
    assert ssd.nms(boxes, np.arange(300.0))[1] == 200  # the default
    assert ssd.nms(boxes, np.arange(300.0), top_k=0)[1] == 300
    assert ssd.nms([[0, 0, 0, 0], [0, 0, 0, 0]], [0.5, 0.25])[1] == 2


@pytest.mark.parametrize("none", [[], np.zeros((0, 4)), np.zeros((0, 4), np.float32)])
def test_nms_of_none(none: Any) -> None:
    keep, count = ssd.nms(none, np.zeros(0))
    assert keep.shape == (0,)
    assert keep.dtype == np.int64
    assert count == 0


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("n", [0, 1, 20])
def test_numbers(n: int, dtype: Any) -> None:
    centers, loc = priors(n, 1).astype(dtype), np.random.default_rng(2).normal(0, 2, (n, 4)).astype(dtype)
    boxes, others = random_boxes(n, 3).astype(dtype), random_boxes(7, 4).astype(dtype)
    matched = np.array(naive.point_form(priors(n, 5).tolist())).reshape(-1, 4).astype(dtype)
    wanted = np.float64 if dtype == np.float64 else np.float32
    digits = 1e-12 if dtype == np.float64 else 3e-6
    pairs = {
        "point_form": (ssd.point_form(centers), naive.point_form(centers.tolist())),
        "center_size": (ssd.center_size(boxes), naive.center_size(boxes.tolist())),
        "jaccard": (ssd.jaccard(boxes, others), naive.jaccard(boxes.tolist(), others.tolist())),
        "intersect": (ssd.intersect(boxes, others), naive.intersect(boxes.tolist(), others.tolist())),
        "decode": (
            ssd.decode(loc, centers, VARIANCES), naive.decode(loc.tolist(), centers.tolist(), VARIANCES)
        ),
        "encode": (
            ssd.encode(matched, centers, VARIANCES), naive.encode(matched.tolist(), centers.tolist(), VARIANCES)
        ),
    }  # fmt: skip
    for name, (answer, expected) in pairs.items():
        assert answer.dtype == wanted, name
        np.testing.assert_allclose(
            answer, np.array(expected).reshape(answer.shape), rtol=digits, atol=digits, err_msg=name
        )


def test_encode_and_decode_are_inverse() -> None:
    centers = priors(50, 1)
    matched = ssd.point_form(priors(50, 2))
    np.testing.assert_allclose(ssd.decode(ssd.encode(matched, centers, (0.1, 0.3)), centers, (0.1, 0.3)), matched)


def test_small_priors_keep_their_digits() -> None:
    """Float32 priors as float32 corners would lose four of the digits of a size of .0003 at 1."""
    centers = np.array([[0.9999, 0.9999, 0.0003, 0.0003]], np.float32)
    boxes = ssd.decode(np.zeros((1, 4), np.float32), centers, VARIANCES)
    exact = naive.point_form(centers.tolist())
    assert np.abs(boxes - exact).max() <= 2.0**-24
    loc = ssd.encode(np.array(exact), centers, VARIANCES)
    assert np.abs(loc).max() < 1e-8


# ---- what is refused -------------------------------------------------------------------------------------------------

GOOD = np.array([[0.5, 0.5, 0.25, 0.25], [0.25, 0.5, 0.5, 0.25]])
OF_BOXES: dict[str, Callable[[Any], Any]] = {
    "boxes of nms": lambda value: ssd.nms(value, TWO),
    "boxes of center_size": ssd.center_size,
    "box_a of jaccard": lambda value: ssd.jaccard(value, PAIR),
    "box_b of jaccard": lambda value: ssd.jaccard(PAIR, value),
    "box_a of intersect": lambda value: ssd.intersect(value, PAIR),
    "box_b of intersect": lambda value: ssd.intersect(PAIR, value),
}
OF_CENTERS: dict[str, Callable[[Any], Any]] = {
    "boxes of point_form": ssd.point_form,
    "priors of decode": lambda value: ssd.decode(np.zeros((2, 4)), value, VARIANCES),
    "priors of encode": lambda value: ssd.encode(PAIR, value, VARIANCES),
    "loc of decode": lambda value: ssd.decode(value, GOOD, VARIANCES),
    "matched of encode": lambda value: ssd.encode(value, GOOD, VARIANCES),
}
ORDERED = ("x2 < x1", "y2 < y1")


@pytest.mark.parametrize("name", OF_BOXES)
@each(("value", "error", "pattern"), BAD_BOXES)
def test_bad_boxes(name: str, value: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=f"{name.split()[0]}.*({pattern}|must have shape)"):
        OF_BOXES[name](value)


@pytest.mark.parametrize("name", OF_CENTERS)
@each(("value", "error", "pattern"), [case for case in BAD_BOXES if case.id not in ORDERED])
def test_bad_centers(name: str, value: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=name.split()[0]):
        OF_CENTERS[name](value)


def test_what_has_no_answer() -> None:
    with pytest.raises(ValueError, match=r"priors\[1\] has a negative width or height"):
        ssd.decode(np.zeros((2, 4)), [[0.5, 0.5, 0.1, 0.1], [0.5, 0.5, -0.1, 0.1]], VARIANCES)
    with pytest.raises(ValueError, match=r"matched\[0\] has no width or no height"):
        ssd.encode([[0, 0, 0, 1]], [[0.5, 0.5, 0.1, 0.1]], VARIANCES)
    with pytest.raises(ValueError, match=r"priors\[0\] has no width or no height"):
        ssd.encode([[0, 0, 1, 1]], [[0.5, 0.5, 0, 0.1]], VARIANCES)
    with pytest.raises(ValueError, match=r"matched\[0\] has x2 < x1"):
        ssd.encode([[1, 0, 0, 1]], [[0.5, 0.5, 1, 0.1]], VARIANCES)
    with pytest.raises(ValueError, match=r"loc\[1\]"):
        ssd.decode([[0, 0, 0, 0], [0, 0, 1e4, 0]], GOOD, VARIANCES)
    with pytest.raises(ValueError, match=r"loc\[1\] moves its prior out of the range of float32"):
        ssd.decode(np.array([[0, 0, 0, 0], [0, 0, 500, 0]], np.float32), GOOD.astype(np.float32), VARIANCES)
    for call in (lambda: ssd.encode(PAIR, GOOD[:1], VARIANCES), lambda: ssd.decode(PAIR, GOOD[:1], VARIANCES)):
        with pytest.raises(ValueError, match=r"length|shape"):
            call()


@each(("value", "error", "pattern"), BAD_SCORES)
def test_bad_scores(value: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match="scores.*" + pattern):
        ssd.nms(PAIR, value)


def test_bad_rows_are_named_as_they_are_counted() -> None:
    boxes = np.tile([0.0, 0, 1, 1], (9, 1))
    boxes[2, 2] = -1
    with pytest.raises(ValueError, match=r"boxes\[2\] has x2 < x1"):
        ssd.nms(boxes, np.ones(9))


@each(("value", "error", "pattern"), BAD_THRESHOLDS)
def test_bad_thresholds(value: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match="overlap.*" + pattern):
        ssd.nms(PAIR, TWO, value)


@pytest.mark.parametrize("value", [-1, 1.5, None, "3", True, [1]])
def test_bad_counts(value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="top_k must be"):
        ssd.nms(PAIR, TWO, 0.5, value)


@pytest.mark.parametrize("value", [None, 0.1, [0.1], [0.1, 0.2, 0.3], ["a", 0.1], [0.1, 0], [-0.1, 0.2], [0.1, np.nan]])
def test_bad_variances(value: Any) -> None:
    for call in (lambda: ssd.decode(PAIR, GOOD, value), lambda: ssd.encode(PAIR, GOOD, value)):
        with pytest.raises((TypeError, ValueError), match="variances"):
            call()


@each("form", GOOD_FORMS)
def test_forms(form: str) -> None:
    wrap = GOOD_FORMS[form]
    boxes, scores = whole_boxes(12, 1, 20) + [0, 0, 1, 1], np.arange(12.0) // 3
    keep, count = ssd.nms(wrap(boxes), wrap(scores))
    expected, number = ssd.nms(boxes, scores)
    assert (keep.tolist(), count) == (expected.tolist(), number)
    for function in (ssd.jaccard, ssd.intersect):
        np.testing.assert_allclose(function(wrap(boxes), wrap(boxes)), function(boxes, boxes), rtol=1e-6)
    for one in (ssd.point_form, ssd.center_size):
        assert one(wrap(boxes)).tolist() == one(boxes).tolist()
    for two in (ssd.encode, ssd.decode):
        given = boxes if two is ssd.encode else boxes // 50
        np.testing.assert_allclose(
            two(wrap(given), wrap(boxes + 1), VARIANCES), two(given, boxes + 1, VARIANCES), rtol=1e-5, atol=1e-5
        )


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    boxes = torch.tensor([[0.0, 0, 1, 1], [0, 0, 1, 0.75], [2, 2, 3, 3]])
    scores = torch.tensor([0.5, 0.75, 0.25])
    keep, count = ssd.nms(boxes, scores)
    assert keep.dtype == torch.int64
    assert keep[:count].tolist() == [1, 2]
    keep, count = ssd.nms(boxes[:0], scores[:0])
    assert keep.dtype == torch.int64
    assert (len(keep), count) == (0, 0)
    centers = ssd.center_size(boxes)
    assert torch.equal(ssd.point_form(centers), boxes)
    loc = ssd.encode(boxes, centers, torch.tensor([0.1, 0.2]))
    assert loc.dtype == torch.float32
    assert torch.equal(ssd.decode(loc.requires_grad_(), centers, [0.1, 0.2]), boxes)
    assert ssd.jaccard(boxes, boxes.double()).dtype == torch.float64
    assert ssd.intersect(boxes.half(), boxes.half()).dtype == torch.float32
