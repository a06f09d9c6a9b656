"""Weighted boxes fusion on the bounds of its search for a cluster, where random boxes almost never lie."""

from __future__ import annotations

import numpy as np
import pytest

import detutils
from tests import cases
from tests.naive import fusion as naive
from tests.naive.overlaps import pair_iou


def check_pairs(first: np.ndarray, second: np.ndarray, threshold: float, offset: int) -> None:
    """The second box of each pair joins the first where the definition's IoU is above the threshold."""
    n = len(first)
    scores = [np.linspace(1.0, 0.9, n), np.linspace(0.5, 0.4, n)]
    fused = detutils.weighted_boxes_fusion([first, second], scores, iou_threshold=threshold, offset=offset)
    joined = [pair_iou(a, b, offset) > threshold for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    assert any(joined)
    np.testing.assert_array_equal(fused.sources[0] == fused.sources[1], joined)


def lattice(n: int, far: float) -> np.ndarray:
    """Places for pairs, 40 apart, more of them than a scan of all clusters is taken for."""
    side = int(np.ceil(np.sqrt(n)))
    return far + 40.0 * np.stack(np.divmod(np.arange(n), side), axis=1)


PAIRS = cases.size(900, 400)


@pytest.mark.parametrize("far", [0.0, 1e4, 1e7, -1e7])
@pytest.mark.parametrize("threshold", [0.0, 1e-10, 2e-9, 1e-7, 1e-3, 0.1, 0.3, 0.55, 0.75, 0.95])
@pytest.mark.parametrize("offset", [0, 1])
def test_boxes_at_the_reach_of_a_mean_join_it(threshold: float, far: float, offset: int) -> None:
    """Equal squares, shifted along an axis by as much as the threshold allows, from a little less to a little more."""
    rng = np.random.default_rng(int(threshold * 1e10))
    side = rng.uniform(1, 6, (PAIRS, 1))
    first = np.hstack([lattice(PAIRS, far) + rng.uniform(0, 3, (PAIRS, 2))] * 2)
    first[:, 2:] += side
    reach = (1 - threshold) / (1 + threshold) * (side[:, 0] + offset)
    shift = np.zeros((PAIRS, 2))
    signs = rng.choice([-1, 1], PAIRS)
    shift[np.arange(PAIRS), rng.integers(0, 2, PAIRS)] = reach * rng.uniform(0.85, 1.00001, PAIRS) * signs
    check_pairs(first, first + np.hstack([shift, shift]), threshold, offset)


@pytest.mark.parametrize("far", [0.0, 1e4, 1e7])
@pytest.mark.parametrize("threshold", [0.1, 0.26, 0.3, 0.55, 0.75, 0.95])
@pytest.mark.parametrize("offset", [0, 1])
def test_boxes_whose_sides_are_as_unlike_as_the_threshold_allows_join(
    threshold: float, far: float, offset: int
) -> None:
    """Boxes in one another, of one height and of widths whose ratio is the threshold, around powers of two."""
    rng = np.random.default_rng(int(threshold * 100))
    width = 2.0 ** rng.integers(0, 5, PAIRS) * rng.choice([1 - 1e-9, 1.0, 1 + 1e-9, 1.3], PAIRS)
    other = (width + offset) * threshold * rng.uniform(0.99999, 1.1, PAIRS) - offset
    other = np.minimum(np.maximum(other, 0.01), width)
    left = lattice(PAIRS, far)
    inner = left + np.stack([rng.choice([0.0, 1.0], PAIRS) * (width - other), np.zeros(PAIRS)], axis=1)
    height = rng.choice([0.01, 0.5], PAIRS) * width
    first = np.hstack([left, left + np.stack([width, height], axis=1)])
    second = np.hstack([inner, inner + np.stack([other, height], axis=1)])
    second[:, 3] = first[:, 3]
    swap = rng.random(PAIRS) < 0.5
    first[swap], second[swap] = second[swap], first[swap]
    check_pairs(first, second, threshold, offset)


@pytest.mark.parametrize("scale", [1e-200, 1e-160, 1e-100, 1.0, 1e100])
def test_fusion_at_sizes_whose_areas_lose_digits(scale: float) -> None:
    rng = np.random.default_rng(3)
    first = np.hstack([lattice(PAIRS, 0.0)] * 2)
    first[:, 2:] += rng.uniform(1, 6, (PAIRS, 2))
    second = first + rng.uniform(-0.3, 0.3, (PAIRS, 1))
    first, second = first * scale, second * scale
    if scale == 1e-200:  # no area is above 0
        assert len(detutils.weighted_boxes_fusion([first, second], [np.ones(PAIRS)] * 2).boxes) == 2 * PAIRS
    else:
        check_pairs(first, second, 0.55, 0)


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.55])
def test_fusion_of_sizes_far_apart_is_its_definition(threshold: float) -> None:
    """Means from specks to the whole image, which take the grid for some boxes and a scan of all for others."""
    rng = np.random.default_rng(5)
    n = cases.size(240, 60)
    corner = rng.uniform(0, 1000, (n, 2))
    boxes = np.hstack([corner, corner + np.exp(rng.uniform(-6, 6, (n, 2)))])
    boxes[1::2] = boxes[::2] + rng.normal(0, 0.05, (n // 2, 4)) * np.tile(boxes[::2, 2:] - boxes[::2, :2], 2)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
    scores = np.round(rng.random(n), 1) + 0.1
    fused = detutils.weighted_boxes_fusion([boxes], [scores], iou_threshold=threshold)
    means, _, _, sources = naive.weighted_boxes_fusion([boxes.tolist()], [scores.tolist()], iou_threshold=threshold)
    np.testing.assert_array_equal(fused.boxes, means)
    assert fused.sources[0].tolist() == sources[0]


def test_centers_far_from_the_origin_are_rounded_and_found() -> None:
    """One box at the end of another, their ratio the threshold, so that their centers are as far apart as it allows.

    At 2^40 doubled centers are rounded to 2^-11. Here they are rounded away from each other, and that of the mean lies
    on the edge of a cell which the box could not reach if its search trusted the two numbers.
    """
    unit, cell = 2.0**-12, 2**16  # a mean of a side below 8 lies in cells of 16, for centers that are doubled
    inner, outer = 4 * 4500 + 1, 4 * 7500 + 3  # in units: doubled centers are rounded down and up
    edge = 2**53 + cell * np.arange(PAIRS)
    start = (edge - outer - 1) // 2
    start = start[start % 2 == 0]
    assert len(start) == PAIRS
    low, short, long = start * unit, (start + inner) * unit, (start + outer) * unit
    zeros, tall = np.zeros(PAIRS), np.full(PAIRS, outer * unit)
    threshold = float(np.nextafter(inner / outer, 0.0))
    for axis in ("x", "y"):
        for mirrored in (False, True):
            first = np.stack([low, zeros, long, tall], axis=1)
            second = np.stack([low, zeros, short, tall], axis=1)
            if axis == "y":
                first, second = first[:, [1, 0, 3, 2]], second[:, [1, 0, 3, 2]]
            if mirrored:
                first, second = -first[:, [2, 3, 0, 1]], -second[:, [2, 3, 0, 1]]
            check_pairs(first, second, threshold, 0)


@pytest.mark.parametrize("exponent", [-2, 0, 3])
@pytest.mark.parametrize("below", [0.25, 0.5, 0.65, 1.0])
def test_sizes_whose_ratio_is_the_threshold_but_for_rounding_join(below: float, exponent: int) -> None:
    """A side just below a power of two in one that is longer by the threshold or a little more.

    The IoU exceeds the threshold only because areas are rounded, while the longer side times the threshold is in the
    next octave of size: without slack the search would begin there. Alone at the origin no coordinate rounds the sides.
    """
    rng = np.random.default_rng(exponent + 5)
    others = np.hstack([lattice(PAIRS, 1000.0)] * 2)
    others[:, 2:] += 2.0**exponent
    side, found = np.nextafter(2.0**exponent, 0.0), 0
    for threshold in rng.uniform(below - 0.05, below, cases.size(40, 8)).tolist():
        longer = 2.0**exponent / threshold
        while longer * threshold < 2.0**exponent:
            longer = float(np.nextafter(longer, np.inf))
        heights = rng.uniform(0.01, 0.5, 1000) * side
        common, own = side * heights, longer * heights
        heights = heights[common / ((own + common) - common) > threshold]
        if not heights.size:
            continue
        found += 1
        pair = [[0.0, 0.0, longer, heights[0]], [0.0, 0.0, side, heights[0]]]
        for a, b in (pair, pair[::-1]):
            scores = [np.append(np.full(PAIRS, 0.9), 0.8), [0.5]]
            fused = detutils.weighted_boxes_fusion([np.vstack([others, a]), [b]], scores, iou_threshold=threshold)
            assert fused.sources[1][0] == fused.sources[0][-1]
    assert found


@pytest.mark.parametrize("scale", [1.2e-162, 1.6e-162, 1e-161])
@pytest.mark.parametrize("threshold", [0.7, 0.9, 0.95])
def test_boxes_whose_areas_are_the_smallest_numbers_join(threshold: float, scale: float) -> None:
    """Where an area is one or a few of the smallest float64, an IoU of 1 bounds no distance of centers."""
    rng = np.random.default_rng(9)
    first = np.hstack([lattice(PAIRS, 0.0)] * 2)
    first[:, 2:] += rng.uniform(1.0, 2.0, (PAIRS, 1))
    second = first + rng.uniform(-0.45, 0.45, (PAIRS, 1))
    check_pairs(first * scale, second * scale, threshold, 0)


@pytest.mark.parametrize("others", [0, cases.size(2000, 400)])
@pytest.mark.parametrize("offset", [0, 1])
def test_of_equally_good_clusters_the_older_one_is_joined(offset: int, others: int) -> None:
    """Between two boxes, one of them better scored, on both sides; few clusters are scanned, many are filed."""
    places = np.hstack([lattice(others, 1000.0)] * 2)
    places[:, 2:] += 8
    for left_first in (True, False):
        for axis in (0, 1):
            pair = np.array([[0.0, 0, 9, 9], [0, 0, 9, 9]])
            pair[1, [axis, axis + 2]] += 2
            middle = pair.mean(axis=0)
            scores = [0.6, 0.5] if left_first else [0.5, 0.6]
            boxes, marks = np.vstack([places, pair, [middle]]), np.array([*np.full(others, 0.9), *scores, 0.4])
            threshold = 0.72 if offset == 0 else 0.75
            assert pair_iou(pair[0], pair[1], offset) <= threshold < pair_iou(pair[0], middle, offset)
            assert pair_iou(pair[0], middle, offset) == pair_iou(pair[1], middle, offset)
            (source,) = detutils.weighted_boxes_fusion([boxes], [marks], iou_threshold=threshold, offset=offset).sources
            assert source[-1] == source[-3 if left_first else -2]


@pytest.mark.parametrize("largest", [1e150, 1e30])
def test_specks_beside_the_largest_boxes(largest: float) -> None:
    """Sizes further apart than the octaves that are told apart, and coordinates at the limit."""
    n = 400
    corner = np.hstack([lattice(n, 0.0)] * 2)
    corner[:, 2:] += 8
    scale = largest / 2000
    first, second = corner * scale, corner * scale
    second[:, 2] -= 2 * scale
    specks = np.hstack([lattice(n, 0.0)] * 2) * 1e-200
    specks[:, 2:] += np.array([8.0, 8e100]) * 1e-150
    again = specks.copy()
    again[:, 3] *= 0.9
    boxes = [np.vstack([first, specks[:1]]), np.vstack([second, again[:1]])]
    scores = [np.linspace(1, 0.9, n + 1), np.linspace(0.5, 0.4, n + 1)]
    fused = detutils.weighted_boxes_fusion(boxes, scores, iou_threshold=0.55)
    joined = [pair_iou(a, b, 0) > 0.55 for a, b in zip(boxes[0].tolist(), boxes[1].tolist(), strict=True)]
    np.testing.assert_array_equal(fused.sources[0] == fused.sources[1], joined)
    assert all(joined[:n])


@pytest.mark.parametrize("n", [cases.size(499, 100), cases.size(500, 101), cases.size(1025, 130)])
@pytest.mark.parametrize("offset", [0, 1])
def test_crowds_of_moving_means_are_their_definition(n: int, offset: int) -> None:
    """Means that move between cells and classes that follow each other, where the search leaves the scan of all."""
    rng = np.random.default_rng(n + offset)
    corner = rng.uniform(0, 60 * np.sqrt(n), (n // 3 + 1, 2))[rng.integers(0, n // 3 + 1, n)]
    corner += rng.normal(0, 2, (n, 2))
    boxes = np.hstack([corner, corner + rng.uniform(8, 40, (n, 2))])
    scores, labels = rng.uniform(0.1, 1.0, n), rng.integers(0, 2, n)
    options = {"iou_threshold": 0.3, "offset": offset}
    fused = detutils.weighted_boxes_fusion([boxes], [scores], [labels], **options)
    lists = ([array.tolist()] for array in (boxes, scores, labels))
    means, _, _, sources = naive.weighted_boxes_fusion(*lists, **options)
    np.testing.assert_array_equal(fused.boxes, means)
    assert fused.sources[0].tolist() == sources[0]


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("far", [0.0, 1e6])
def test_a_mean_that_wanders_is_found_where_it_has_gone(axis: int, sign: int, far: float) -> None:
    """Each box lies ahead of the mean of those before, until the mean has left the cell where it began."""
    side, threshold, steps = 15.9, 0.75, 150  # such sides lie in cells of half of them
    places = far + np.array([[0.0, 0.0], [333.3, 5.7], [-711.1, 402.9], [98.6, -450.4]])
    chains = []
    for place in places:
        ahead, mean = [0.0], 0.0
        for _ in range(steps):
            ahead.append(mean + 0.12 * side)
            mean += (ahead[-1] - mean) / len(ahead)
        assert mean > 0.5 * side
        corner = np.tile(place, (steps + 1, 1))
        corner[:, axis] += sign * np.array(ahead)
        chains.append(np.hstack([corner, corner + side]))
    others = np.hstack([lattice(PAIRS, far + 2000.0)] * 2)
    others[:, 2:] += side
    boxes = np.vstack([*chains, others])
    scores = np.append(np.tile(np.linspace(0.5, 0.5 - 1e-9, steps + 1), len(chains)), np.full(PAIRS, 0.9))
    (source,) = detutils.weighted_boxes_fusion([boxes], [scores], iou_threshold=threshold).sources
    for chain in source[: len(chains) * (steps + 1)].reshape(len(chains), -1):
        assert len(set(chain.tolist())) == 1


@pytest.mark.parametrize("far", [1e16, 1e20, 1e149])
def test_points_where_a_pixel_is_lost_beside_the_coordinate(far: float) -> None:
    """With the inclusive rule a point has a side of 1, however far away: more cells of that size than integers hold.

    No other boxes need the lowest levels: a side of at least a step of its coordinate is 53 octaves below it at most,
    and boxes below 2^-1000 have no area in float64.
    """
    corner = far + np.hstack([lattice(PAIRS, 0.0)] * 2) * (far / 1e4)
    check_pairs(corner, corner.copy(), 0.55, 1)


@pytest.mark.parametrize("scale", [2.0**-5, 1.0, 2.0**10, 2.0**300])
def test_boxes_around_the_origin_that_are_longer_than_any_coordinate(scale: float) -> None:
    """Their octave of size is above that of the largest coordinate; their centers lie in two cells, at the reach."""
    others = np.hstack([lattice(400, 100.0)] * 2)
    others[:, 2:] += 8
    pair = np.array([[-1.9, -1.0, 1.8, 1.0], [-0.4, -1.0, 1.9, 1.0]]) * 1024
    for turn in ([0, 1, 2, 3], [1, 0, 3, 2]):
        for sign in (1, -1):
            boxes = pair[:, turn] if sign == 1 else -pair[:, turn][:, [2, 3, 0, 1]]
            rows = np.vstack([others, boxes]) * scale
            scores = np.append(np.full(400, 0.9), [0.6, 0.5])
            (source,) = detutils.weighted_boxes_fusion([rows], [scores], iou_threshold=0.575).sources
            assert source[-1] == source[-2]
