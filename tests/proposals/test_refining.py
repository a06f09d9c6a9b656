"""Boxes whose sides move: against the definition, and that no box comes twice or leaves the image."""

from __future__ import annotations

import numpy as np
import pytest

from detutils import selective_search
from detutils.proposals.refining import SHARE, move_sides
from tests.cases import size, unchanged
from tests.naive import selection as naive
from tests.proposals.test_cover import scattered
from tests.proposals.test_segmentation import picture


@pytest.mark.parametrize("seed", range(size(20, 4)))
def test_sides_move_as_defined(seed: int) -> None:
    """Many boxes in little room, so that many moved ones are short, outside, or equal to another."""
    boxes, _ = scattered(size(300, 40), seed, spread=9)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(boxes))[: 3 * len(boxes) // 4]
    ways = rng.normal(0, 0.4, (len(order), 4))
    least = [(0.0, 0.0), (2.0, 3.0), (1.5, 4.0)][seed % 3]
    moved = unchanged(move_sides, boxes, order, ways, shape=(16, 17), min_sides=least)
    assert moved.dtype == np.int32
    assert moved.tolist() == naive.move_sides(boxes.tolist(), order.tolist(), ways.tolist(), (16, 17), least)
    assert len(np.unique(moved, axis=0)) == len(order)
    assert (moved != boxes[order]).any()
    first = move_sides(boxes, order[:9], ways[:9], (16, 17), least)
    np.testing.assert_array_equal(first, moved[:9])


ONE = np.zeros(1, np.int64)


def test_a_side_goes_its_share_of_the_way() -> None:
    box = np.array([[100, 100, 200, 150]], np.int32)
    ways = np.array([[0.1, -0.2, 0.05, 0.3]])
    assert SHARE == 0.8
    assert move_sides(box, ONE, ways, (300, 300), (8, 8)).tolist() == [[108, 92, 204, 162]]
    assert move_sides(box, ONE, ways, (155, 202), (8, 8)).tolist() == [[108, 92, 202, 155]]
    assert move_sides(box, ONE, ways, (300, 300), (96, 70)).tolist() == [[108, 92, 204, 162]]
    for least in ((96.5, 8), (8, 70.5)):
        assert move_sides(box, ONE, ways, (300, 300), least).tolist() == box.tolist()


def test_sides_at_the_border_stay() -> None:
    ways = np.array([[0.1, 0.2, -0.1, -0.2]])
    scenes = [
        ([0, 20, 50, 60], [0, 26, 46, 54]),
        ([20, 0, 70, 40], [24, 0, 66, 34]),
        ([50, 20, 100, 60], [54, 26, 100, 54]),
        ([20, 50, 70, 90], [24, 56, 66, 90]),
        ([0, 0, 100, 90], [0, 0, 100, 90]),
    ]
    for box, wanted in scenes:
        assert move_sides(np.array([box], np.int32), ONE, ways, (90, 100), (1, 1)).tolist() == [wanted]
    inner = np.array([[1, 1, 51, 41]], np.int32)
    assert move_sides(inner, ONE, -ways, (90, 100), (1, 1)).tolist() == [[0, 0, 55, 47]]


def test_a_box_never_becomes_another() -> None:
    """The first would become the second, the third what the fourth has become, the last one that is not chosen."""
    boxes = [[1, 1, 11, 11], [1, 1, 15, 11], [50, 50, 60, 80], [50, 50, 60, 60], [70, 70, 80, 80], [70, 70, 84, 80]]
    ways = [[0, 0, 0.5, 0], [0, 0, 0.5, 0], [0, 0, 0, 1], [0, 0, 0, -0.5], [0, 0, 0.5, 0]]
    moved = move_sides(np.array(boxes, np.int32), np.array([0, 1, 3, 2, 4]), np.array(ways), (100, 100), (1, 1))
    assert moved.tolist() == [[1, 1, 11, 11], [1, 1, 21, 11], [50, 50, 60, 68], [50, 50, 60, 80], [70, 70, 80, 80]]
    none = np.empty((0, 4))
    assert move_sides(np.array(boxes, np.int32), ONE[:0], none, (100, 100), (1, 1)).shape == (0, 4)


def test_large_coordinates_are_told_apart() -> None:
    boxes = np.array([[1, 0, 2**30, 9], [1, 0, 2**30, 10], [2, 0, 2**30, 9]], np.int32)
    assert move_sides(boxes, np.arange(3), np.zeros((3, 4)), (20, 2**30), (1, 1)).tolist() == boxes.tolist()


@pytest.mark.parametrize("mode", ["single", "fast"] if size(1, 0) else ["single"])
def test_refined_boxes_are_those_of_regions_row_by_row(mode: str) -> None:
    image = picture(size(90, 16), size(120, 20), 12)
    refined = selective_search(image, mode, min_size=3)
    plain = selective_search(image, mode, min_size=3, refine=False)
    np.testing.assert_array_equal(refined.priorities, plain.priorities)
    assert len(refined.boxes) == len(plain.boxes)
    assert len(np.unique(refined.boxes, axis=0)) == len(refined.boxes)
    assert (refined.boxes == np.rint(refined.boxes)).all()
    assert (refined.boxes[:, 2:] - refined.boxes[:, :2] >= 3).all()
    assert refined.boxes.min() >= 0
    assert (refined.boxes.max(axis=0) <= [image.shape[1], image.shape[0]] * 2).all()
    few = selective_search(image, mode, min_size=3, max_boxes=7)
    np.testing.assert_array_equal(few.boxes, refined.boxes[:7])
    every = selective_search(image, mode, min_size=3, ranking="position", max_boxes=10**6).boxes.tolist()
    assert all(box in every for box in plain.boxes.tolist())


def test_boxes_of_the_paper_stay() -> None:
    image = picture(size(60, 14), size(80, 18), 5)
    for options in ({"mode": "paper-single"}, {"mode": "single", "ranking": "position"}):
        boxes = selective_search(image, min_size=2, **options).boxes
        np.testing.assert_array_equal(boxes, selective_search(image, min_size=2, refine=False, **options).boxes)


def test_refine_is_true_or_false() -> None:
    with pytest.raises(TypeError, match="refine must be"):
        selective_search(np.zeros((20, 30), np.uint8), refine="yes")
