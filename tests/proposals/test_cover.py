"""The order of boxes: lists of partners, greedy cover and near-duplicates against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from detutils import box_iou
from detutils.proposals import cover as selection
from tests.cases import size, unchanged
from tests.naive import selection as naive


def scattered(count: int, seed: int, spread: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Different boxes of many sizes, many of them close to one another, and evidence."""
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, spread, (count, 2))
    sides = np.round(np.exp(rng.uniform(0.0, np.log(spread), (count, 2)))).astype(np.int64)
    boxes = np.unique(np.hstack([corner, corner + sides]).astype(np.int32), axis=0)
    return rng.permutation(boxes), np.exp(rng.normal(0.0, 3.0, len(boxes)))


@pytest.mark.parametrize("close", [0.6, 0.5])
@pytest.mark.parametrize("seed", range(size(20, 3)))
def test_partners_are_those_of_the_definition(seed: int, close: float) -> None:
    boxes, _ = scattered(size(300, 60), seed)
    ends, partners, found_overlaps = unchanged(selection.close_boxes, boxes, close=close)
    overlaps = box_iou(boxes.astype(np.float64), boxes.astype(np.float64))  # of .6, none is so near that float32 errs
    start = 0
    for i, end in enumerate(ends.tolist()):
        wanted = [j for j in np.flatnonzero(overlaps[i] >= close).tolist() if j != i]
        found = np.argsort(partners[start:end])
        assert partners[start:end][found].tolist() == wanted
        np.testing.assert_allclose(found_overlaps[start:end][found], overlaps[i, wanted], rtol=1e-6)
        start = end
    assert start == len(partners)


@pytest.mark.parametrize("far", [0, 10_000, 30_000])
def test_partners_at_exactly_the_threshold_and_at_the_ends_of_the_search(far: int) -> None:
    """IoU 3 / 5, the least that counts: the smaller box at an end of the larger, or equal boxes shifted."""
    for side in (5, 20, 100, 1000):
        small, shift = 3 * side // 5, side // 4
        scenes = [
            [[0, 0, side, side], [0, 0, small, side]],
            [[0, 0, side, side], [side - small, 0, side, side]],
            [[0, 0, side, side], [0, side - small, side, side]],
            [[0, 0, 4 * shift, side], [shift, 0, 5 * shift, side]],
            [[0, 0, side, 4 * shift], [0, shift, side, 5 * shift]],
        ]
        for scene in scenes:
            boxes = np.array(scene, np.int32) + np.int32(far)
            for order in ([0, 1], [1, 0]):
                ends, partners, overlaps = selection.close_boxes(boxes[order])
                assert (ends.tolist(), partners.tolist()) == ([1, 2], [1, 0]), (side, scene)
                np.testing.assert_allclose(overlaps, 0.6, rtol=1e-6)
            boxes[1] += [1, 1, 1, 1] if scene[1][0] else [0, 0, 0, -1]  # a little less, unless it is inside
            overlap = box_iou(boxes.astype(np.float32), boxes.astype(np.float32))[0, 1]
            assert len(selection.close_boxes(boxes)[1]) == (2 if overlap >= np.float32(0.6) else 0)


@pytest.mark.parametrize("far", [0, 10_000, 30_000])
def test_partners_at_exactly_half(far: int) -> None:
    """IoU 1 / 2: the smaller box at an end of the larger, or equal boxes shifted by a third."""
    for side in (6, 24, 120, 1002):
        half, third = side // 2, side // 3
        scenes = [
            [[0, 0, side, side], [0, 0, half, side]],
            [[0, 0, side, side], [half, 0, side, side]],
            [[0, 0, side, side], [0, half, side, side]],
            [[0, 0, side, side], [third, 0, side + third, side]],
            [[0, 0, side, side], [0, third, side, side + third]],
        ]
        for scene in scenes:
            boxes = np.array(scene, np.int32) + np.int32(far)
            for order in ([0, 1], [1, 0]):
                ends, partners, overlaps = selection.close_boxes(boxes[order], close=0.5)
                assert (ends.tolist(), partners.tolist()) == ([1, 2], [1, 0]), (side, scene)
                assert overlaps.tolist() == [0.5, 0.5]
                assert len(selection.close_boxes(boxes[order])[1]) == 0


@pytest.mark.parametrize("power", [0.5, 1, 1.25, 2, 3])
@pytest.mark.parametrize("seed", range(size(6, 3)))
def test_each_next_box_adds_the_most(seed: int, power: float) -> None:
    stages = ((None, power),)
    boxes, evidence = scattered(size(80, 25), seed, spread=12)
    wider = selection.cover(boxes, evidence, len(boxes), selection.close_boxes(boxes, close=0.5), stages=stages)
    wanted, values = naive.cover(boxes.tolist(), evidence.tolist(), len(boxes), close=0.5, stages=stages)
    assert wider[0].tolist() == wanted, f"seed {seed}"
    np.testing.assert_allclose(wider[1], values, rtol=1e-4)
    order, gains = unchanged(selection.cover, boxes, evidence, wanted=len(boxes), stages=stages)
    wanted, values = naive.cover(boxes.tolist(), evidence.tolist(), len(boxes), stages=stages)
    assert order.tolist() == wanted, f"seed {seed}"
    np.testing.assert_allclose(gains, values, rtol=1e-4)
    assert (np.diff(gains) <= 0).all()
    assert gains.sum() == pytest.approx(evidence.sum(), rel=1e-4)
    fewer, first = selection.cover(boxes, evidence, 7, stages=stages)
    np.testing.assert_array_equal(fewer, order[:7])
    np.testing.assert_array_equal(first, gains[:7])


@pytest.mark.parametrize(
    "stages", [((3, 2), (None, 1)), ((4, 1), (9, 3), (None, 2)), ((500, 2), (None, 1)), ((0, 3), (None, 1.75))]
)
@pytest.mark.parametrize("seed", range(size(4, 2)))
def test_the_power_changes_with_the_number_of_boxes(seed: int, stages: tuple[tuple[int | None, float], ...]) -> None:
    boxes, evidence = scattered(size(40, 25), seed, spread=12)
    order, gains = selection.cover(boxes, evidence, len(boxes), stages=stages)
    wanted, values = naive.cover(boxes.tolist(), evidence.tolist(), len(boxes), stages=stages)
    assert order.tolist() == wanted, f"seed {seed}"
    np.testing.assert_allclose(gains, values, rtol=1e-4, atol=1e-9)
    assert (np.diff(gains) <= 0).all()
    for number in (1, 3, 4, 5, 9):
        fewer, first = selection.cover(boxes, evidence, number, stages=stages)
        np.testing.assert_array_equal(fewer, order[:number])
        np.testing.assert_array_equal(first, gains[:number])


def test_a_box_adds_at_most_what_the_one_before_it_adds() -> None:
    boxes = np.array([[50, 0, 60, 10], [0, 0, 10, 10], [0, 0, 10, 9]], np.int32)  # the last two with an IoU of .9
    evidence = np.array([0.93, 0.5, 0.5])
    order, gains = selection.cover(boxes, evidence, 3, stages=((1, 2), (None, 1)))
    assert order.tolist() == [0, 1, 2]  # by the square, two boxes add .905; by the IoU itself .95
    np.testing.assert_allclose(gains, [0.93, 0.93, 0.05], rtol=1e-6)


def test_boxes_far_apart_go_by_their_evidence() -> None:
    boxes = np.array([[10 * i, 0, 10 * i + 5, 5] for i in range(6)], np.int32)
    evidence = np.array([1.0, 3.0, 2.0, 3.0, 0.0, 1.0])
    order, gains = selection.cover(boxes, evidence, 6)
    assert order.tolist() == [1, 3, 2, 0, 5, 4]  # equal ones in their order
    assert gains.tolist() == [3.0, 3.0, 2.0, 1.0, 1.0, 0.0]


def test_equal_gains_go_by_number() -> None:
    boxes = np.array([[10 * i, 0, 10 * i + 5, 5] for i in range(15)], np.int32)
    assert selection.cover(boxes, np.ones(15), 15)[0].tolist() == list(range(15))


def test_what_is_covered_well_stays_so() -> None:
    boxes = np.array([[0, 0, 10, 9], [0, 3, 10, 10], [0, 0, 10, 10]], np.int32)  # IoU 0.6, with the last 0.9 and 0.7
    order, gains = selection.cover(boxes, np.array([10.0, 5.0, 1.0]), 3)
    assert order.tolist() == [0, 1, 2]
    np.testing.assert_allclose(gains, [10 + 5 * 0.6**2 + 0.9**2, 5 * (1 - 0.6**2), 1 - 0.9**2], rtol=1e-6)


def test_one_box_speaks_for_those_it_covers() -> None:
    boxes = np.array([[0, 0, 10, 9], [0, 0, 10, 10], [0, 0, 10, 8], [50, 0, 60, 10]], np.int32)
    order, gains = selection.cover(boxes, np.array([1.0, 1.0, 1.0, 2.0]), 4)
    assert order[:2].tolist() == [0, 3]  # the middle one of three, then the lonely one
    np.testing.assert_allclose(gains[:2], [1.0 + 0.9**2 + (8 / 9) ** 2, 2.0], rtol=1e-6)


def test_a_box_alone() -> None:
    order, gains = selection.cover(np.array([[3, 4, 5, 6]], np.int32), np.array([0.25]), 1)
    assert (order.tolist(), gains.tolist()) == ([0], [0.25])
    assert selection.cover(np.array([[3, 4, 5, 6]], np.int32), np.array([0.25]), 0)[0].shape == (0,)


def test_crowds_of_boxes_are_found_in_slices() -> None:
    """More pairs than fit into one buffer."""
    sides = np.arange(400, size(1000, 440))
    boxes = np.stack([sides * 0, sides * 0, sides, sides * 0 + 50], axis=1).astype(np.int32)
    ends, _, _ = selection.close_boxes(boxes)
    lengths = np.diff(ends, prepend=0)
    wanted = (np.minimum.outer(sides, sides) / np.maximum.outer(sides, sides)).astype(np.float32)
    np.testing.assert_array_equal(lengths, (wanted >= np.float32(0.6)).sum(axis=1) - 1)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_near_duplicates_come_last(threshold: float) -> None:
    boxes, _ = scattered(size(300, 40), 0)
    wanted = naive.keep_apart(boxes.tolist(), threshold, len(boxes))
    assert selection.keep_apart(boxes, threshold, len(boxes)).tolist() == wanted
    assert selection.keep_apart(boxes, threshold, 9).tolist() == wanted[:9]
