"""``compat.mmcv`` against mmcv where it is installed, and always against the definitions."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.compat import mmcv
from detutils.compat.mmcv import multiclass_nms
from detutils.compat.mmcv.ops import batched_nms, bbox_overlaps, nms, soft_nms
from tests.cases import (
    BAD_BOXES,
    BAD_FLAGS,
    BAD_INTEGERS,
    BAD_NUMBERS,
    BAD_OFFSETS,
    BAD_SCORES,
    BAD_THRESHOLDS,
    GOOD_FORMS,
    each,
    random_boxes,
    size,
    unchanged,
    whole_boxes,
)
from tests.naive import aligned as naive_aligned, mmcv as naive, overlaps as naive_overlaps

CASES = 10_000 if os.environ.get("DETUTILS_DEEP") else 300
PAIR = np.array([[0.0, 0.0, 10.0, 10.0], [2.0, 0.0, 12.0, 10.0]])
TWO = np.array([0.5, 0.75])
LABELS = np.array([3, 4])
CONFIG = {"type": "nms", "iou_threshold": 0.5}
METHODS = ("naive", "linear", "gaussian")


def scene(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes, scores of eighths (ties) and labels."""
    rng = np.random.default_rng(seed)
    boxes = whole_boxes(n, seed, 40) if seed % 3 else random_boxes(n, seed, spread=100)
    return boxes, rng.integers(0, 9, n) / 8, rng.integers(0, 3, n)


def test_every_path_of_the_original() -> None:
    module = importlib.import_module("detutils.compat.mmcv.ops.nms")
    for name in ("nms", "soft_nms", "batched_nms"):
        assert getattr(module, name) is getattr(mmcv.ops, name) is getattr(mmcv, name)
    module = importlib.import_module("detutils.compat.mmcv.ops.bbox")
    assert module.bbox_overlaps is mmcv.ops.bbox_overlaps is mmcv.bbox_overlaps


@pytest.mark.parametrize("start", range(0, size(CASES, 30), 100))
def test_nms(start: int) -> None:
    for seed in range(start, min(start + 100, size(CASES, 30))):
        boxes, scores, labels = scene(seed, seed % 31)
        options = {
            "iou_threshold": (0.3, 0.5, 0.6, 1.0)[seed % 4], "offset": seed % 2,
            "score_threshold": (0, -1.0, 0.25)[seed % 3], "max_num": (-1, 0, 4)[seed % 3],
        }  # fmt: skip
        dets, keep = unchanged(nms, boxes, scores, **options)
        assert keep.tolist() == naive.nms(boxes.tolist(), scores.tolist(), **options), seed
        assert dets.tolist() == np.hstack([boxes, scores[:, None]])[keep].tolist()
        for agnostic in (False, True):
            groups = None if agnostic else labels.tolist()
            expected = naive.nms(boxes.tolist(), scores.tolist(), labels=groups, **options)
            for config in ({"type": "nms", **options}, {"type": nms, "split_thr": 1, **options}, options):
                dets, keep = batched_nms(boxes, scores, labels, config, agnostic)
                assert keep.tolist() == expected, seed
                assert dets.tolist() == np.hstack([boxes, scores[:, None]])[keep].tolist()


@pytest.mark.parametrize("method", METHODS)
def test_soft_nms(method: str) -> None:
    for seed in range(size(CASES, 60) // 3):
        boxes, scores, labels = scene(seed, seed % 31)
        scores += 0.125
        options = {
            "iou_threshold": (0.25, 0.5, 1.0)[seed % 3], "sigma": (0.5, 0.25)[seed % 2],
            "min_score": (0.25, 0.001)[seed % 2], "method": method, "offset": seed // 3 % 2,
        }  # fmt: skip
        for groups in (None, labels):
            names = None if groups is None else groups.tolist()
            expected, new_scores = naive.soft_nms(boxes.tolist(), scores.tolist(), labels=names, **options)
            if groups is None:
                dets, keep = unchanged(soft_nms, boxes, scores, **options)
            else:
                dets, keep = batched_nms(boxes, scores, groups, {"type": "soft_nms", **options})
            assert keep.tolist() == expected, seed
            np.testing.assert_allclose(dets[:, 4], new_scores, rtol=1e-12)
            assert dets[:, :4].tolist() == boxes[keep].tolist()


def test_soft_nms_by_hand() -> None:
    """At exactly the threshold a score falls; at exactly the least score it stays; the best box always stays."""
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 5], [50, 50, 60, 60]])
    scores = np.array([0.75, 0.5, 0.25])
    dets, keep = soft_nms(boxes, scores, 0.5, min_score=0.25)
    assert keep.tolist() == [0, 1, 2]
    assert dets[:, 4].tolist() == [0.75, 0.25, 0.25]
    assert soft_nms(boxes, scores, 0.5, min_score=0.26)[1].tolist() == [0]
    assert soft_nms(boxes, scores, 0.5, method="naive")[1].tolist() == [0, 2]
    assert soft_nms(boxes, scores, 0.5000001)[0][:, 4].tolist() == [0.75, 0.5, 0.25]
    dets, keep = soft_nms(boxes, scores, min_score=0.9)
    assert keep.tolist() == [0]
    assert dets[:, 4].tolist() == [0.75]
    assert soft_nms(boxes, np.full(3, 0.125), min_score=0.9, method="naive")[1].tolist() == [0]


def test_thresholds_are_rounded_as_scores_are() -> None:
    """0.3 in float32 is more than 0.3; torch compares it with 0.3 in float32."""
    scores = np.array([0.3, 0.5], np.float32)
    boxes = np.array([[0, 0, 1, 1], [5, 5, 6, 6]], np.float32)
    assert nms(boxes, scores, 0.5, score_threshold=0.3)[1].tolist() == [1]
    assert soft_nms(boxes, scores, min_score=0.3)[1].tolist() == [1, 0]
    table = np.array([[0.3, 0.7], [0.5, 0.5]], np.float32)
    assert len(multiclass_nms(boxes, table, 0.3, CONFIG)[0]) == 1


def test_limits_that_do_not_count() -> None:
    """A score threshold or a number of 0 or less is none."""
    scores = np.array([-0.5, 0.5])
    for least, most in ((0, -1), (-0.25, 0), (0.0, -5)):
        assert nms(PAIR, scores, 1.0, score_threshold=least, max_num=most)[1].tolist() == [1, 0]
        assert len(multiclass_nms(PAIR, np.ones((2, 2)), 0.5, {"iou_threshold": 1.0}, most)[0]) == 2
    assert nms(PAIR, scores, 1.0, score_threshold=0.25)[1].tolist() == [1]
    assert nms(PAIR, scores, 1.0, max_num=1)[1].tolist() == [1]


def test_class_agnostic() -> None:
    assert batched_nms(PAIR, TWO, LABELS, CONFIG)[1].tolist() == [1, 0]
    assert batched_nms(PAIR, TWO, LABELS, CONFIG, True)[1].tolist() == [1]
    assert batched_nms(PAIR, TWO, LABELS, {**CONFIG, "class_agnostic": True})[1].tolist() == [1]
    assert batched_nms(PAIR, TWO, LABELS, {**CONFIG, "class_agnostic": False}, True)[1].tolist() == [1, 0]
    assert batched_nms(PAIR, TWO, [3, 3], {"iou_thr": 0.5})[1].tolist() == [1]
    dets, keep = batched_nms(np.vstack([PAIR, PAIR]), [0.5, 0.75, 0.5, 0.75], None, None)
    assert keep.tolist() == [1, 3, 0, 2]
    assert dets[:, 4].tolist() == [0.75, 0.75, 0.5, 0.5]
    config = {"type": "nms", "iou_thr": 0.5, "class_agnostic": True, "split_thr": 9}
    batched_nms(PAIR, TWO, LABELS, config)
    assert config == {"type": "nms", "iou_thr": 0.5, "class_agnostic": True, "split_thr": 9}


@each("seed", range(size(40, 8)))
def test_multiclass_nms(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, classes = seed % 12, 1 + seed % 4
    rows = np.hstack([random_boxes(n, seed + k, spread=60) for k in range(classes)])
    boxes = rows if seed % 2 else rows[:, :4]
    scores = rng.integers(0, 17, (n, classes + 1)) / 16
    factors = rng.integers(1, 4, n) / 4 if seed % 3 else None
    most = (-1, 5)[seed % 2]
    dets, labels, inds = multiclass_nms(boxes, scores, 0.25, CONFIG, most, score_factors=factors, return_inds=True)
    assert dets.shape[1:] == (5,)
    expected = [] if not n else naive.multiclass_nms(
        boxes.tolist(), scores.tolist(), 0.25, 0.5, most, None if factors is None else factors.tolist()
    )  # fmt: skip
    found = zip(dets[:, :4].tolist(), dets[:, 4].tolist(), labels.tolist(), inds.tolist(), strict=True)
    assert [list(row) for row in found] == expected
    plain = multiclass_nms(boxes, scores, 0.25, CONFIG, most, score_factors=factors)
    assert len(plain) == 2
    assert plain[0].tolist() == dets.tolist()


def test_multiclass_nms_judges_what_takes_part() -> None:
    boxes = np.vstack([PAIR, np.full(4, np.nan)])
    scores = np.array([[0.5, 0.5], [0.75, 0.25], [0.0, np.nan]])
    assert multiclass_nms(boxes, scores, 0.25, CONFIG)[1].tolist() == [0]
    scores[2, 0] = 0.9
    with pytest.raises(ValueError, match=r"boxes\[2\] is not finite"):
        multiclass_nms(boxes, scores, 0.25, CONFIG)
    dets, labels = multiclass_nms(PAIR, scores[:2], 0.8, CONFIG)
    assert dets.shape == (0, 5)
    assert labels.dtype == np.int64


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("mode", ["iou", "iof"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64])
def test_bbox_overlaps(dtype: Any, mode: str, offset: int) -> None:
    first, second = (whole_boxes(8, seed).astype(dtype) for seed in (1, 2))
    wanted = np.float32 if dtype == np.int64 else dtype
    digits = float(np.finfo(wanted).eps)
    name = {"iou": "box_iou", "iof": "box_ioa"}[mode]
    for aligned, module in ((False, naive_overlaps), (True, naive_aligned)):
        prefix = "aligned_" if aligned else ""
        expected = getattr(module, prefix + name)(first.tolist(), second.tolist(), offset=offset)
        answer = unchanged(bbox_overlaps, first, second, mode=mode, aligned=aligned, offset=offset)
        assert answer.dtype == wanted
        np.testing.assert_allclose(answer, expected, rtol=0, atol=digits)
    assert bbox_overlaps(np.zeros(0), first).shape == (0, 8)
    assert bbox_overlaps(first, np.zeros((0, 4))).shape == (8, 0)
    assert bbox_overlaps(first[:0], first[:0], aligned=True).shape == (0,)


def test_none_and_dtypes() -> None:
    for function in (nms, soft_nms):
        for boxes in (np.zeros((0, 4)), []):
            dets, keep = function(boxes, np.zeros(0), 0.5)
            assert dets.shape == (0, 5)
            assert keep.dtype == np.int64
            assert keep.shape == (0,)
        for dtype in (np.float32, np.float64):
            assert function(PAIR.astype(dtype), TWO.astype(dtype), 0.5)[0].dtype == dtype
        assert function(PAIR.astype(np.int32), TWO.astype(np.float32), 0.5)[0].dtype == np.float32
    assert batched_nms(np.zeros((0, 4)), np.zeros(0), np.zeros(0), CONFIG)[0].shape == (0, 5)
    assert batched_nms(np.zeros((0, 4)), np.zeros(0), np.zeros(0), None)[0].shape == (0, 5)


# ---- what is refused -------------------------------------------------------------------------------------------------

OF_BOXES: dict[str, Callable[[Any], Any]] = {
    "nms": lambda value: nms(value, TWO, 0.5),
    "soft_nms": lambda value: soft_nms(value, TWO),
    "soft_nms naive": lambda value: soft_nms(value, TWO, method="naive"),
    "batched_nms": lambda value: batched_nms(value, TWO, LABELS, CONFIG),
    "batched_nms soft": lambda value: batched_nms(value, TWO, LABELS, {"type": "soft_nms"}),
    "bbox_overlaps 1": lambda value: bbox_overlaps(value, PAIR),
    "bbox_overlaps 2": lambda value: bbox_overlaps(PAIR, value, aligned=True),
}


@pytest.mark.parametrize("name", OF_BOXES)
@each(("value", "error", "pattern"), BAD_BOXES)
def test_bad_boxes(name: str, value: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match="boxes.*(" + pattern + "|must have shape)"):
        OF_BOXES[name](value)


@each(("value", "error", "pattern"), BAD_SCORES)
def test_bad_scores(value: Any, error: type[Exception], pattern: str) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: nms(PAIR, value, 0.5), lambda: soft_nms(PAIR, value), lambda: soft_nms(PAIR, value, method="naive"),
        lambda: batched_nms(PAIR, value, LABELS, CONFIG),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(error, match="scores"):
            call()


@each(("value", "error", "pattern"), BAD_THRESHOLDS)
def test_bad_thresholds(value: Any, error: type[Exception], pattern: str) -> None:
    for call in (
        lambda: nms(PAIR, TWO, value), lambda: soft_nms(PAIR, TWO, value),
        lambda: batched_nms(PAIR, TWO, LABELS, {"iou_threshold": value}),
    ):  # fmt: skip
        with pytest.raises(error, match="iou_threshold.*" + pattern):
            call()


@each(("value", "error", "pattern"), BAD_NUMBERS)
def test_bad_numbers(value: Any, error: type[Exception], pattern: str) -> None:
    calls: dict[str, Callable[[], Any]] = {
        "score_threshold": lambda: nms(PAIR, TWO, 0.5, score_threshold=value),
        "sigma": lambda: soft_nms(PAIR, TWO, sigma=value),
        "min_score": lambda: soft_nms(PAIR, TWO, min_score=value),
        "score_thr": lambda: multiclass_nms(PAIR, PAIR, value, CONFIG),
    }
    for name, call in calls.items():
        with pytest.raises(error, match=f"{name}.*{pattern}"):
            call()


@each(("value", "error", "pattern"), BAD_INTEGERS)
def test_bad_integers(value: Any, error: type[Exception], pattern: str) -> None:
    calls: dict[str, Callable[[], Any]] = {
        "max_num": lambda: nms(PAIR, TWO, 0.5, max_num=value),
        "max_num ": lambda: multiclass_nms(PAIR, PAIR, 0.5, CONFIG, value),
        "box_dim": lambda: multiclass_nms(PAIR, PAIR, 0.5, CONFIG, box_dim=value),
        "split_thr": lambda: batched_nms(PAIR, TWO, LABELS, {**CONFIG, "split_thr": value}),
    }
    for name, call in calls.items():
        with pytest.raises(error, match=f"{name.strip()}.*{pattern}"):
            call()


@each(("value", "error", "pattern"), BAD_FLAGS)
def test_bad_flags(value: Any, error: type[Exception], pattern: str) -> None:
    calls: dict[str, Callable[[], Any]] = {
        "class_agnostic": lambda: batched_nms(PAIR, TWO, LABELS, CONFIG, value),
        "class_agnostic ": lambda: batched_nms(PAIR, TWO, LABELS, {**CONFIG, "class_agnostic": value}),
        "aligned": lambda: bbox_overlaps(PAIR, PAIR, aligned=value),
        "return_inds": lambda: multiclass_nms(PAIR, PAIR, 0.5, CONFIG, return_inds=value),
    }
    for name, call in calls.items():
        with pytest.raises(error, match=f"{name.strip()}.*{pattern}"):
            call()


@each(("value", "error", "pattern"), BAD_OFFSETS)
def test_bad_offsets(value: Any, error: type[Exception], pattern: str) -> None:
    for call in (
        lambda: nms(PAIR, TWO, 0.5, offset=value), lambda: soft_nms(PAIR, TWO, offset=value),
        lambda: bbox_overlaps(PAIR, PAIR, offset=value), lambda: soft_nms(PAIR, TWO, method="naive", offset=value),
    ):  # fmt: skip
        with pytest.raises(error, match="offset.*" + pattern):
            call()


def test_bad_words_and_configurations() -> None:
    for value in ("hard", 1, None):
        with pytest.raises((TypeError, ValueError), match="method must be"):
            soft_nms(PAIR, TWO, method=value)
        with pytest.raises((TypeError, ValueError), match="mode must be"):
            bbox_overlaps(PAIR, PAIR, mode=value)
    for kind in ("nms_rotated", 3, None, len):
        with pytest.raises((TypeError, ValueError), match="type must be"):
            batched_nms(PAIR, TWO, LABELS, {"type": kind, "iou_threshold": 0.5})
    for config in ("nms", 0.5, [("type", "nms")]):
        with pytest.raises(TypeError, match="nms_cfg must be a mapping or None"):
            batched_nms(PAIR, TWO, LABELS, config)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="iou_threshold"):
        batched_nms(PAIR, TWO, LABELS, {"type": "nms"})
    with pytest.raises(TypeError, match="sigma"):
        batched_nms(PAIR, TWO, LABELS, {**CONFIG, "sigma": 0.5})
    for labels in (None, ["a", "b"], [0.5, 1.0], [1]):
        with pytest.raises((TypeError, ValueError), match=r"idxs|labels"):
            batched_nms(PAIR, TWO, labels, CONFIG)


def test_bad_tables() -> None:
    for scores in (None, np.zeros(2), np.zeros((2, 1)), np.zeros((2, 2, 2)), "ab", np.zeros((2, 2), complex)):
        with pytest.raises((TypeError, ValueError), match="multi_scores"):
            multiclass_nms(PAIR, scores, 0.5, CONFIG)
    for boxes in (None, np.zeros((3, 4)), np.zeros((2, 8)), np.zeros((2, 5)), np.zeros(4), "ab", np.zeros((2, 0))):
        with pytest.raises((TypeError, ValueError), match="multi_bboxes"):
            multiclass_nms(boxes, np.zeros((2, 4)), 0.5, CONFIG)
    for factors in (np.zeros(3), "ab", [np.nan, 1], np.zeros((2, 1))):
        with pytest.raises((TypeError, ValueError), match="score_factors"):
            multiclass_nms(PAIR, np.ones((2, 3)), 0.5, CONFIG, score_factors=factors)
    with pytest.raises(ValueError, match="box_dim must be 4, got 5"):
        multiclass_nms(PAIR, np.ones((2, 3)), 0.5, CONFIG, box_dim=5)


@each("form", GOOD_FORMS)
def test_forms(form: str) -> None:
    wrap = GOOD_FORMS[form]
    boxes, scores, labels = whole_boxes(12, 1, 20), np.arange(12.0) // 2 + 1, np.arange(12) % 3
    for call in (
        lambda b, s, k: nms(b, s, 0.5), lambda b, s, k: batched_nms(b, s, k, CONFIG),
        lambda b, s, k: soft_nms(b, s), lambda b, s, k: soft_nms(b, s, method="naive"),
        lambda b, s, k: batched_nms(b, s, k, {"type": "soft_nms"}),
    ):  # fmt: skip
        (dets, keep), (expected, wanted) = call(wrap(boxes), wrap(scores), wrap(labels)), call(boxes, scores, labels)
        assert keep.tolist() == wanted.tolist()
        np.testing.assert_allclose(dets, expected, rtol=1e-3)
    np.testing.assert_allclose(bbox_overlaps(wrap(boxes), wrap(boxes)), bbox_overlaps(boxes, boxes), atol=1e-3)
    table = np.arange(36).reshape(12, 3) % 7
    (dets, found), (expected, wanted) = (
        multiclass_nms(wrap(boxes), wrap(table), 2, CONFIG), multiclass_nms(boxes, table, 2, CONFIG)
    )  # fmt: skip
    assert found.tolist() == wanted.tolist()
    np.testing.assert_allclose(dets, expected)


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    boxes, scores = torch.from_numpy(PAIR).float(), torch.from_numpy(TWO).float()
    for function in (nms, soft_nms):
        dets, keep = function(boxes.requires_grad_(), scores, 0.5)
        assert dets.dtype == torch.float32
        assert keep.dtype == torch.int64
        assert not dets.requires_grad
    dets, keep = batched_nms(boxes, scores, torch.tensor([1, 2]), CONFIG)
    assert torch.equal(dets, torch.cat([boxes, scores[:, None]], 1)[keep])
    dets, labels, inds = multiclass_nms(boxes, torch.rand(2, 4), 0.01, CONFIG, return_inds=True)
    assert dets.shape == (len(labels), 5)
    assert inds.dtype == labels.dtype == torch.int64
    assert bbox_overlaps(boxes.half(), boxes.half()).dtype == torch.float16
    np.testing.assert_array_equal(bbox_overlaps(boxes, boxes).numpy(), detutils.box_iou(boxes.detach(), boxes.detach()))


def test_equals_the_original() -> None:
    """But for IoUs at the threshold and boxes without area, whose scores are NaN there."""
    pytest.importorskip("torch")
    original = pytest.importorskip("mmcv.ops")
    for seed in range(CASES):
        boxes, _, labels = scene(seed, seed % 60)
        boxes = (boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)] + 100).astype(np.float32)
        scores = ((np.random.default_rng(seed).permutation(len(boxes)) + 1) / 61).astype(np.float32)
        threshold = (0.31, 0.47, 0.61)[seed % 3]
        ious = detutils.box_iou(boxes.astype(float), boxes.astype(float))
        if (np.abs(ious - threshold) < 1e-4).any():
            continue
        for ours, theirs in (
            (nms(boxes, scores, threshold), original.nms(boxes, scores, threshold)),
            *((soft_nms(boxes, scores, threshold, method=way), original.soft_nms(boxes, scores, threshold, method=way))
              for way in METHODS),
        ):  # fmt: skip
            assert len(ours[1]) == len(theirs[1]), seed
            np.testing.assert_allclose(ours[0][:, 4], theirs[0][:, 4], rtol=1e-5, err_msg=str(seed))
        np.testing.assert_allclose(
            bbox_overlaps(boxes, boxes), original.bbox_overlaps(*map(_tensor, (boxes, boxes))), atol=1e-6
        )
        ours, theirs = (
            (batched_nms(boxes, scores, labels[: len(boxes)], CONFIG)),
            original.batched_nms(*map(_tensor, (boxes, scores, labels[: len(boxes)])), CONFIG),
        )
        assert ours[1].tolist() == theirs[1].tolist(), seed


def _tensor(array: np.ndarray) -> Any:
    return importlib.import_module("torch").from_numpy(array)


def test_classes_in_a_column_are_refused_by_their_name() -> None:
    with pytest.raises(ValueError, match=r"idxs must have shape \(N,\), got \(2, 1\)"):
        batched_nms(PAIR, TWO, LABELS.astype(np.int64)[:, None], CONFIG)
