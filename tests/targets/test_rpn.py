"""RPN targets and proposals against their definitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import detutils
from tests import cases
from tests.naive import rpn as naive

SIZE = (120, 160)
BOX = np.array([[0.0, 0.0, 10.0, 10.0]])


def anchors_of(seed: int) -> np.ndarray:
    """A small grid of anchors, some of them beyond the image, with a seeded jitter in every other scene."""
    steps = cases.size(6, 4)
    anchors = detutils.grid_anchors(
        detutils.generate_anchors(16, (0.5, 1, 2), (2, 4)), (steps, steps + 2), 20
    )
    if seed % 2:
        anchors = anchors + np.random.default_rng(seed).uniform(-3, 3, (len(anchors), 1))
    return anchors


def objects_of(n: int, seed: int) -> np.ndarray:
    boxes = cases.whole_boxes(n, seed, side=100)
    boxes[:, 2:] += 1.0  # each has an area
    return boxes


# ---- targets --------------------------------------------------------------------------------


@cases.each("seed", range(cases.size(24, 8)))
def test_targets_are_their_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    anchors, objects = anchors_of(seed), objects_of(int(rng.integers(0, 6)), seed)
    options: dict[str, Any] = {
        "image_size": None if seed % 5 == 0 else SIZE, "border": [0, 8][seed % 2], "offset": seed // 2 % 2,
        "high": [0.7, 0.5][seed % 2], "low": [0.3, 0.2][seed % 2],
        "weights": (1, 2, 3, 4) if seed % 3 else (1, 1, 1, 1),
        "crowd": None if seed % 4 else rng.random(len(objects)) < 0.4,
        "ignore": objects_of(seed % 2, seed + 1),
    }  # fmt: skip
    targets = cases.unchanged(detutils.rpn_targets, anchors, objects, number=None, **options)
    options["crowd"] = None if options["crowd"] is None else options["crowd"].tolist()
    options["ignore"] = options["ignore"].tolist()
    labels, deltas, matched, ious = naive.rpn_targets(anchors.tolist(), objects.tolist(), **options)
    np.testing.assert_array_equal(targets.labels, labels)
    np.testing.assert_array_equal(targets.matched, matched)
    np.testing.assert_array_equal(targets.ious, ious)
    np.testing.assert_allclose(targets.deltas, deltas, rtol=1e-13, atol=1e-13)
    assert [field.dtype for field in targets] == [np.int64, np.float64, np.int64, np.float64]


@cases.each("seed", range(4))
def test_sampled_targets_are_some_of_all_targets(seed: int) -> None:
    anchors, objects = anchors_of(seed), objects_of(5, seed)
    options: dict[str, Any] = {"low": 0.3, "high": 0.4, "offset": 1}
    every = detutils.rpn_targets(anchors, objects, SIZE, number=None, **options)
    some = detutils.rpn_targets(
        anchors, objects, SIZE, number=20, positive_fraction=0.25, seed=seed, **options
    )
    again = detutils.rpn_targets(
        anchors, objects, SIZE, number=20, positive_fraction=0.25, seed=seed, **options
    )
    chosen = some.labels >= 0
    np.testing.assert_array_equal(some.labels[chosen], every.labels[chosen])
    assert chosen.sum() == 20
    assert (some.labels == 1).sum() == min(5, (every.labels == 1).sum())
    for ours, theirs in zip(some[1:], every[1:], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(some.labels, again.labels)
    rng = np.random.default_rng(seed)
    first, second = (
        detutils.rpn_targets(anchors, objects, SIZE, number=20, seed=rng).labels for _ in range(2)
    )
    assert (first != second).any()


def test_targets_decode_to_their_objects() -> None:
    anchors, objects = anchors_of(1), objects_of(4, 1)
    for offset in (0, 1):
        targets = detutils.rpn_targets(anchors, objects, offset=offset, weights=(10, 10, 5, 5))
        boxes = detutils.decode_boxes(targets.deltas, anchors, weights=(10, 10, 5, 5), offset=offset)
        np.testing.assert_allclose(boxes, objects[targets.matched], atol=1e-9)


def test_targets_of_nothing() -> None:
    none = detutils.rpn_targets([], BOX, SIZE)
    assert [field.shape for field in none] == [(0,), (0, 4), (0,), (0,)]
    background = detutils.rpn_targets(anchors_of(0), [], SIZE, number=None)
    inside = detutils.anchors_inside_image(anchors_of(0), SIZE)
    assert (background.labels == 0).sum() == inside.size
    assert (background.labels[inside] == 0).all()
    assert (background.deltas == 0).all()
    assert (background.matched == -1).all()
    crowd = detutils.rpn_targets(BOX, BOX, crowd=[True])
    assert crowd.labels.tolist() == [-1]
    outside = detutils.rpn_targets(BOX + 1000, BOX, SIZE)
    assert (outside.labels.tolist(), outside.matched.tolist()) == ([-1], [-1])


def test_targets_keep_float32() -> None:
    anchors, objects = anchors_of(0).astype(np.float32), objects_of(3, 0)
    narrow = detutils.rpn_targets(anchors, objects.astype(np.float32), SIZE)
    wide = detutils.rpn_targets(anchors, objects, SIZE)
    assert (narrow.deltas.dtype, wide.deltas.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(narrow.labels, wide.labels)
    np.testing.assert_array_equal(narrow.deltas, wide.deltas.astype(np.float32))
    assert detutils.rpn_targets(anchors, np.empty((0, 4), np.float32)).deltas.dtype == np.float32


@cases.each("form", cases.GOOD_FORMS)
def test_targets_take_any_form(form: str) -> None:
    wrap = cases.GOOD_FORMS[form]
    anchors, objects = anchors_of(0).round(), objects_of(3, 0)
    expected = detutils.rpn_targets(anchors, objects, SIZE)
    result = detutils.rpn_targets(wrap(anchors), wrap(objects), SIZE)
    for ours, theirs in zip(result, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


@cases.each(("boxes", "error", "text"), cases.BAD_BOXES)
def test_targets_refuse_bad_boxes(boxes: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        detutils.rpn_targets(boxes, BOX)
    with pytest.raises(error, match=text):
        detutils.rpn_targets(BOX, boxes)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"image_size": (0, 10)}, ValueError, r"image_size\[0\] must be greater than 0"),
        ({"image_size": 10}, TypeError, "image_size must be a pair"),
        ({"image_size": SIZE, "border": math.nan}, ValueError, "border must be finite"),
        ({"border": "0"}, TypeError, "border must be a number"),
        ({"number": None, "positive_fraction": 2}, ValueError, "positive_fraction must be in"),
        ({"number": None, "seed": "0"}, TypeError, "seed must be an integer"),
        ({"low": None}, TypeError, "low must be a number"),
        ({"low": 0.8}, ValueError, "low must be at most high, got 0.8 and 0.7"),
        ({"high": 2}, ValueError, r"high must be in \[0, 1\]"),
        ({"number": -1}, ValueError, "number must be at least 0"),
        ({"positive_fraction": 2}, ValueError, "positive_fraction must be in"),
        ({"crowd": [1]}, TypeError, "crowd must be booleans"),
        ({"weights": (0, 1, 1, 1)}, ValueError, r"weights\[0\] must be greater than 0"),
        ({"offset": 3}, ValueError, "offset must be 0 or 1"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
    ],
)
def test_targets_refuse_bad_options(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        detutils.rpn_targets(BOX, BOX, **options)


def test_an_anchor_without_area_is_named() -> None:
    anchors = np.vstack([BOX - 5, BOX, [[3, 3, 3, 9]]])
    with pytest.raises(ValueError, match=r"anchors\[2\] has no width or no height: \[3, 3, 3, 9\]"):
        detutils.rpn_targets(anchors, BOX, (20, 20))
    assert detutils.rpn_targets(anchors, BOX, (20, 20), offset=1).labels[1] == 1


# ---- proposals --------------------------------------------------------------------------------


@cases.each("seed", range(cases.size(24, 8)))
def test_proposals_are_their_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    anchors = anchors_of(seed)[: int(rng.integers(0, 200))]
    n = len(anchors)
    deltas = rng.normal(0, 0.3, (n, 4))
    scores = rng.random(n) if seed % 3 else rng.integers(0, 5, n) / 4
    options: dict[str, Any] = {
        "min_size": float(rng.choice([0, 16, 60])), "pre_nms": int(rng.choice([0, 5, 40, 6000])),
        "post_nms": int(rng.choice([0, 3, 300])), "iou_threshold": float(rng.choice([0.3, 0.7, 1.0])),
        "levels": None if seed % 2 else rng.integers(-1, 3, n), "offset": seed // 2 % 2,
    }  # fmt: skip
    proposals = cases.unchanged(detutils.rpn_proposals, deltas, scores, anchors, image_size=SIZE, **options)
    options["levels"] = None if options["levels"] is None else options["levels"].tolist()
    boxes, values, indices = naive.rpn_proposals(
        deltas.tolist(), scores.tolist(), anchors.tolist(), SIZE, **options
    )
    np.testing.assert_array_equal(proposals.indices, indices)
    np.testing.assert_array_equal(proposals.scores, values)
    np.testing.assert_allclose(proposals.boxes, np.reshape(boxes, (-1, 4)), rtol=1e-12, atol=1e-10)
    assert [field.dtype for field in proposals] == [np.float64, np.float64, np.int64]


@pytest.mark.parametrize("like", ["py-faster-rcnn", "detectron2"])
@cases.each("seed", range(cases.size(24, 6)))
def test_proposals_of_other_systems_are_their_definitions(like: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    anchors = anchors_of(2 * seed)[: int(rng.integers(0, 200))]  # at whole pixels, as theirs
    n = len(anchors)
    deltas = rng.integers(-4, 5, (n, 4)) / 8
    whole = seed % 2  # deltas of sides that keep every sum exact
    deltas[:, 2:] *= 1 - whole
    scores = rng.random(n) if seed % 3 else rng.integers(0, 5, n) / 4
    options: dict[str, Any] = {
        "min_size": float(rng.choice([0, 16, 60])), "pre_nms": int(rng.choice([0, 5, 40, 6000])),
        "post_nms": int(rng.choice([0, 3, 300])), "iou_threshold": float(rng.choice([0.3, 0.7, 1.0])),
        "levels": None if seed % 4 < 2 else rng.integers(-1, 3, n), "offset": int(like == "py-faster-rcnn"),
        "clamp": None, "like": like,
    }  # fmt: skip
    proposals = cases.unchanged(detutils.rpn_proposals, deltas, scores, anchors, image_size=SIZE, **options)
    options["levels"] = None if options["levels"] is None else options["levels"].tolist()
    boxes, values, indices = naive.rpn_proposals(deltas.tolist(), scores.tolist(), anchors.tolist(), SIZE, **options)
    np.testing.assert_array_equal(proposals.indices, indices)
    np.testing.assert_array_equal(proposals.scores, values)
    if whole:
        np.testing.assert_array_equal(proposals.boxes, np.reshape(boxes, (-1, 4)))
    else:
        np.testing.assert_allclose(proposals.boxes, np.reshape(boxes, (-1, 4)), rtol=1e-12, atol=1e-10)


def test_the_original_ends_a_pixel_later() -> None:
    arguments: tuple[Any, ...] = ([[0.0] * 4], [0.5], [[3, 4, 28, 29]], SIZE)
    for dtype in (np.float32, np.float64):
        given = [np.array(value, dtype) for value in arguments[:3]]
        theirs = detutils.rpn_proposals(*given, SIZE, offset=1, clamp=None, like="py-faster-rcnn")
        assert theirs.boxes.tolist() == [[3, 4, 29, 30]]
        assert theirs.boxes.dtype == dtype
    assert detutils.rpn_proposals(*arguments, offset=1).boxes.tolist() == [[3, 4, 28, 29]]
    last = detutils.rpn_proposals([[0.0] * 4], [0.5], [[100, 90, 159, 119]], SIZE, offset=1, like="py-faster-rcnn")
    assert last.boxes.tolist() == [[100, 90, 159, 119]]  # clipped to the last pixel


def test_detectron2_ranks_before_it_looks_at_sizes() -> None:
    anchors = [[0, 0, 9, 9], [30, 0, 60, 30], [70, 0, 80, 30], [100, 0, 120, 30]]
    arguments: tuple[Any, ...] = (np.zeros((4, 4)), [0.9, 0.8, 0.7, 0.6], anchors, SIZE)
    ours = detutils.rpn_proposals(*arguments, min_size=10, pre_nms=2)
    theirs = detutils.rpn_proposals(*arguments, min_size=10, pre_nms=2, like="detectron2")
    assert (ours.indices.tolist(), theirs.indices.tolist()) == ([1, 2], [1])
    exact = detutils.rpn_proposals(*arguments, min_size=10, pre_nms=4, like="detectron2")
    assert exact.indices.tolist() == [1, 3]  # a side of exactly 10 is not greater


def test_proposals_are_found_behind_many_small_ones() -> None:
    n = cases.size(5000, 300)
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 1000, (n, 2))
    anchors = np.hstack([corner, corner + 4.0])  # too small, and of the better scores
    anchors[-20:, 2:] += 40.0
    scores = np.linspace(1, 0, n)
    found = detutils.rpn_proposals(
        np.zeros((n, 4)), scores, anchors, (1100, 1100), pre_nms=10, iou_threshold=1.0
    )
    np.testing.assert_array_equal(found.indices, np.arange(n - 20, n - 10))


def test_equal_scores_go_by_index() -> None:
    anchors = np.array([[30 * i, 0, 30 * i + 20, 20] for i in range(6)], float)
    found = detutils.rpn_proposals(
        np.zeros((6, 4)), [0.5, 0.7, 0.5, 0.5, 0.7, 0.5], anchors, (50, 300), pre_nms=4
    )
    assert found.indices.tolist() == [1, 4, 0, 2]
    levels = [1, 1, 1, 0, 0, 0]
    both = detutils.rpn_proposals(np.zeros((6, 4)), [0.5] * 6, anchors, (50, 300), pre_nms=2, levels=levels)
    assert both.indices.tolist() == [0, 1, 3, 4]


def test_boxes_of_different_levels_live_side_by_side() -> None:
    anchors = np.tile([[0.0, 0.0, 40.0, 40.0]], (3, 1))
    arguments: tuple[Any, ...] = (np.zeros((3, 4)), [0.7, 0.8, 0.9], anchors, (100, 100))
    assert detutils.rpn_proposals(*arguments).indices.tolist() == [2]
    assert detutils.rpn_proposals(*arguments, levels=[0, 1, 0]).indices.tolist() == [2, 1]


def test_sides_of_exactly_the_smallest_size_stay() -> None:
    arguments: tuple[Any, ...] = ([[0.0] * 4], [0.5], [[0, 0, 16, 30]], SIZE)
    assert detutils.rpn_proposals(*arguments, min_size=16).indices.tolist() == [0]
    assert detutils.rpn_proposals(*arguments, min_size=16.001).indices.size == 0
    assert detutils.rpn_proposals(*arguments, min_size=17, offset=1).indices.tolist() == [0]


def test_proposals_of_nothing() -> None:
    for options in ({}, {"levels": np.empty(0, int)}):
        none = detutils.rpn_proposals(np.empty((0, 4)), [], [], SIZE, **options)
        assert [field.shape for field in none] == [(0, 4), (0,), (0,)]
    narrow = detutils.rpn_proposals(np.zeros((1, 4), np.float32), [1], BOX.astype(np.float32) * 3, SIZE)
    assert (narrow.boxes.dtype, narrow.scores.dtype) == (np.float32, np.float64)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"deltas": np.zeros((2, 4))}, ValueError, r"deltas must have shape \(1, 4\), got \(2, 4\)"),
        ({"deltas": np.zeros((1, 8))}, ValueError, r"deltas must have shape \(1, 4\), got \(1, 8\)"),
        ({"deltas": [[0, 0, math.nan, 0]]}, ValueError, r"deltas\[0, 2\] is not finite"),
        ({"scores": [0.5, 0.5]}, ValueError, r"scores must have shape \(1,\)"),
        ({"scores": [math.inf]}, ValueError, r"scores\[0\] is not finite"),
        ({"anchors": [[5, 0, 1, 1]]}, ValueError, r"anchors\[0\] has x2 < x1"),
        ({"image_size": (-1, 5)}, ValueError, r"image_size\[0\] must be greater than 0"),
        ({"min_size": -1}, ValueError, "min_size must be at least 0"),
        ({"pre_nms": 1.5}, TypeError, "pre_nms must be an integer"),
        ({"post_nms": -1}, ValueError, "post_nms must be at least 0"),
        ({"iou_threshold": 1.1}, ValueError, r"iou_threshold must be in \[0, 1\]"),
        ({"levels": [0.5]}, TypeError, "levels must be integers"),
        ({"levels": [0, 1]}, ValueError, r"levels must have shape \(1,\)"),
        ({"clamp": "4"}, TypeError, "clamp must be a number"),
        ({"weights": None}, TypeError, "weights must be four numbers"),
        ({"offset": 0.5}, ValueError, "offset must be 0 or 1"),
        ({"like": "caffe"}, ValueError, "like must be one of 'py-faster-rcnn', 'detectron2', got 'caffe'"),
        ({"like": 2}, TypeError, "like must be a string, got int"),
        ({"like": "py-faster-rcnn"}, ValueError, "counts inclusive pixels: offset must be 1, got 0"),
    ],
)
def test_proposals_refuse(options: dict[str, Any], error: type[Exception], text: str) -> None:
    arguments = {"deltas": np.zeros((1, 4)), "scores": [0.5], "anchors": BOX, "image_size": SIZE, **options}
    with pytest.raises(error, match=text):
        detutils.rpn_proposals(**arguments)


def test_a_box_beyond_all_numbers_is_named_by_its_anchor() -> None:
    anchors, deltas = np.repeat(BOX, 3, axis=0), np.zeros((3, 4))
    deltas[1, 2] = 1e4
    with pytest.raises(ValueError, match=r"deltas\[1\] move anchors\[1\]"):
        detutils.rpn_proposals(deltas, [0.1, 0.9, 0.5], anchors, SIZE, clamp=None, pre_nms=2)


def test_a_box_beyond_the_largest_coordinate_is_named_by_its_anchor() -> None:
    deltas = np.zeros((3, 4))
    deltas[1, 0] = 1e200
    with pytest.raises(ValueError, match=r"deltas\[1\] move anchors\[1\]"):
        detutils.rpn_proposals(deltas, [0.1, 0.9, 0.5], np.repeat(BOX, 3, axis=0), SIZE)


def test_numbers_beyond_every_machine_are_refused_by_name() -> None:
    for number in (2**53 + 1, 10**400):
        with pytest.raises(ValueError, match="post_nms must be"):
            detutils.rpn_proposals(np.zeros((1, 4)), [0.5], [[0, 0, 9, 9]], (20, 20), post_nms=number)
        with pytest.raises(ValueError, match="number must be"):
            detutils.rpn_targets([[0, 0, 9, 9]], [[0, 0, 9, 9]], number=number)


def test_nothing_at_all_may_be_written_as_empty_lists() -> None:
    assert detutils.rpn_proposals([], [], [], (20, 20)).boxes.shape == (0, 4)
    assert detutils.decode_boxes([], []).shape == (0, 4)
