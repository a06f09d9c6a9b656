"""The ranking: every cue and every leaf against its definition, and what becomes of a damaged file of weights."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from detutils import box_iou, selective_search
from detutils.proposals import cues, ranking, strategies
from detutils.proposals._kernels import (
    contours as contour_kernels,
    cues as cue_kernels,
    network as network_kernels,
    trees as tree_kernels,
)
from detutils.proposals.cover import close_boxes
from detutils.proposals.objectness import TERMS, Candidates, describe_boxes, objectness
from tests.cases import size
from tests.naive import ranking as naive, selection as naive_selection
from tests.proposals.test_cover import scattered
from tests.proposals.test_segmentation import picture

SHAPES = [(1, 1), (1, 7), (2, 5), (6, 2), (3, 3), (13, 17)]


def planes(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Two flat patches, noise on some pixels, and extreme values: ties and every direction."""
    rng = np.random.default_rng(seed)
    found = np.where(rng.random((3, *shape)) < 0.5, 0, rng.integers(0, 256, (3, *shape)))
    found[:, : shape[0] // 2] = 200
    found[rng.random(found.shape) < 0.1] = 255
    return found.astype(np.uint8)


def boxes_of(shape: tuple[int, int], factor: int, seed: int, number: int) -> np.ndarray:
    """Boxes of an image, the whole of it, its corners and single pixels among them; none twice."""
    height, width = shape[0] * factor, shape[1] * factor
    rng = np.random.default_rng(seed)
    a, b = np.sort(rng.integers(0, width + 1, (number, 2)), axis=1).T
    c, d = np.sort(rng.integers(0, height + 1, (number, 2)), axis=1).T
    some = np.stack([a, c, b, d], axis=1)
    more = [[0, 0, width, height], [0, 0, 1, 1], [width - 1, height - 1, width, height], [0, 0, width, 1]]
    every = np.unique(np.vstack([some, more]), axis=0)
    return every[(every[:, 0] < every[:, 2]) & (every[:, 1] < every[:, 3])].astype(np.int32)


def on_map(box: list[int], factor: int) -> tuple[int, int, int, int]:
    return box[0] // factor, box[1] // factor, math.ceil(box[2] / factor), math.ceil(box[3] / factor)


def gradients(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    strengths, directions = np.empty(pixels.shape[1:], np.int32), np.empty(pixels.shape[1:], np.uint8)
    cue_kernels.gradients(pixels, strengths, directions, 0, pixels.shape[1])
    return strengths, directions


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients(shape: tuple[int, int]) -> None:
    pixels = planes(shape, 1)
    strengths, directions = gradients(pixels)
    lengths, twelfths = naive.gradients(pixels.tolist())
    assert strengths.tolist() == lengths
    assert directions.tolist() == twelfths


@pytest.mark.parametrize("plane", range(3))
def test_gradients_in_every_direction(plane: int) -> None:
    """Each difference of -3 ... 3 and the extremes, in one plane and its double, where the first of two equals wins."""
    values = [-255, -3, -2, -1, 0, 1, 2, 3, 254, 255]
    for dx in values:
        for dy in values:
            pixels = np.zeros((3, 3, 3), np.uint8)
            pixels[plane, 1, 2], pixels[plane, 1, 0] = max(dx, 0), max(-dx, 0)
            pixels[plane, 2, 1], pixels[plane, 0, 1] = max(dy, 0), max(-dy, 0)
            strengths, directions = gradients(pixels)
            assert strengths[1, 1] == math.floor(math.hypot(dx, dy) + 0.5)
            wanted = math.floor(math.atan2(dy, dx) * 12 / math.pi) % 12 if dx or dy else 0
            assert directions[1, 1] == wanted, (dx, dy)


@pytest.mark.parametrize("shape", SHAPES)
def test_barrier(shape: tuple[int, int]) -> None:
    for pixels in planes(shape, 2):
        far = np.full(shape, 5, np.int32)
        cue_kernels.barrier(pixels, np.empty((shape[0], 3, shape[1]), np.int32), far)
        assert (far - 5).tolist() == naive.barrier(pixels.tolist())


def test_the_barrier_of_a_square_is_its_contrast() -> None:
    pixels = np.full((9, 11), 40, np.uint8)
    pixels[3:6, 4:8] = 130
    far = np.zeros((9, 11), np.int32)
    cue_kernels.barrier(pixels, np.empty((9, 3, 11), np.int32), far)
    np.testing.assert_array_equal(far, np.where(pixels == 130, 90, 0))


def test_maps_and_cues_are_those_of_the_definitions() -> None:
    """Everything at once, as ``cues`` hands it out, on a map whose image is twice as large, odd sides included."""
    shape, factor = (size(22, 11), size(26, 13)), 2
    smooth = picture(*shape, 5).transpose(2, 0, 1)
    pixels = np.ascontiguousarray(smooth)
    boxes = boxes_of(shape, factor, 3, size(150, 25))
    maps = cues.draw_maps(pixels, factor, boxes)
    strengths, directions = naive.gradients(pixels.tolist())
    thinned, found = naive.contours(strengths, directions)
    assert len(found) == len(maps.contours) > 2
    assert [len(pixels) for pixels in found] == np.bincount(maps.labels[maps.labels >= 0]).tolist()
    half = [plane[::2, ::2].tolist() for plane in pixels]
    far = np.sum([naive.barrier(plane) for plane in half], axis=0)
    centers = np.zeros(shape)
    for a, b, c, d in boxes.tolist():
        centers[min((b + d) // (2 * factor), shape[0] - 1), min((a + c) // (2 * factor), shape[1] - 1)] += 1
    turned = [np.where(np.array(directions) // 2 == k, strengths, 0) for k in range(6)]
    spread = np.repeat(np.repeat(far, 2, axis=0), 2, axis=1)[: shape[0], : shape[1]]
    crowd = centers * shape[0] * shape[1] / len(boxes)
    channels = [c.tolist() for c in (*pixels, np.array(strengths), *turned, spread, crowd)]

    sums = np.random.default_rng(4).random((len(boxes), 13))
    sums[:, 0] = np.random.default_rng(5).integers(1, 9, len(boxes))
    candidates, partners = Candidates(boxes, np.zeros(len(boxes)), sums), close_boxes(boxes)
    edges = np.ones((shape[0], 2, shape[1]), np.int32)
    image_size = (shape[0] * factor, shape[1] * factor)
    known = describe_boxes(candidates, edges, factor, image_size)
    got = cues.cues(candidates, known, partners, maps, np.arange(len(boxes)))
    assert got.shape == (len(boxes), cues.CUES)
    some = np.flatnonzero(np.arange(len(boxes)) % 3 != 1)
    np.testing.assert_array_equal(cues.cues(candidates, known, partners, maps, some), got[some])
    ends = np.cumsum([*cues.GROUPS.values()])
    votes, image, contours, cells, contrasts = (got[:, a:b] for a, b in pairwise(ends))
    overlaps = box_iou(boxes.astype(np.float64), boxes.astype(np.float64))
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for i, box in enumerate(boxes.tolist()):
        near = [(overlaps[i, j], areas[j], sums[j, 0]) for j in np.flatnonzero(overlaps[i] >= 0.6) if j != i]
        if not any(abs(iou - level) < 1e-6 for iou, _, _ in near for level in (0.7, 0.8, 0.9)):  # float32 may round
            np.testing.assert_allclose(votes[i], naive.vote_cues((areas[i], sums[i, 0]), near), rtol=1e-5, atol=1e-6)
        mapped = on_map(box, factor)
        wanted = naive.contour_cues(mapped, thinned, found)
        np.testing.assert_allclose(contours[i], wanted, rtol=1e-5, atol=1e-5, err_msg=str(box))
        means = naive.cell_cues(mapped, channels)
        np.testing.assert_allclose(cells[i], means, rtol=1e-5, atol=1e-4, err_msg=str(box))
        of_cells = [means[start : start + len(channels)] for start in range(0, len(means), len(channels))]
        wanted = naive.contrast_cues(of_cells)
        np.testing.assert_allclose(contrasts[i], wanted, rtol=1e-4, atol=1e-3, err_msg=str(box))
    terms = got[:, : ends[0]].astype(np.float64)
    names = list(cues.TERMS)
    means = [math.log(len(boxes)), terms[:, names.index("edges")].mean(), terms[:, names.index("contrast")].mean()]
    np.testing.assert_allclose(image, np.tile(means, (len(boxes), 1)), rtol=1e-5)


def test_votes_at_every_level() -> None:
    """A box of 100 x 100, and others cut short by a hundredth each: IoU 1 ... .6, none at exactly .7, .8 or .9."""
    boxes = np.array([[0, 0, 100, 100 - k] for k in range(40) if k not in (10, 20, 30)], np.int32)
    sums = np.random.default_rng(1).integers(1, 9, (len(boxes), 13)).astype(np.float64)
    got = np.full((1, 1 + cue_kernels.VOTES), -7, np.float32)
    cue_kernels.count_votes(boxes, np.zeros(1, np.int64), tuple(close_boxes(boxes)), sums, got, 1)
    near = [(box[3] / 100, 100 * box[3], n) for box, n in zip(boxes[1:].tolist(), sums[1:, 0], strict=True)]
    np.testing.assert_allclose(got[0], [-7, *naive.vote_cues((10_000, sums[0, 0]), near)], rtol=1e-5)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A contour that a box of one block has cut counts anew in the next."""
    image = picture(size(60, 16), size(80, 20), 9)
    wanted = selective_search(image, "single", min_size=2)
    monkeypatch.setattr(cues, "BLOCK", 3)
    again = selective_search(image, "single", min_size=2)
    np.testing.assert_array_equal(again.boxes, wanted.boxes)
    np.testing.assert_array_equal(again.priorities, wanted.priorities)


def test_sums_may_wrap_around() -> None:
    """Of an integral image that has passed 2**32, boxes still have their means."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 200, (cue_kernels.CHANNELS, 9, 12)).astype(np.uint32)
    integral = np.zeros((10, 13, cue_kernels.CHANNELS), np.uint32)
    integral[1:, 1:] = np.moveaxis(pixels.cumsum(1).cumsum(2), 0, 2)
    boxes = boxes_of((9, 12), 1, 1, 20)
    plain, wrapped = (np.empty((len(boxes), cue_kernels.APPEARANCE), np.float32) for _ in range(2))
    cue_kernels.describe_cells(boxes, integral, 1, np.float32(1), plain, 0)
    lifted = (integral.astype(np.uint64) + np.uint64(2**32 - 700)).astype(np.uint32)
    cue_kernels.describe_cells(boxes, lifted, 1, np.float32(1), wrapped, 0)
    np.testing.assert_array_equal(plain, wrapped)


def test_maps_of_large_images_are_shrunk_further() -> None:
    assert [cues.map_factor(shape) for shape in ((1, 1), (1600, 1600), (4000, 4000), (4000, 4001))] == [2, 2, 2, 3]
    assert 4_000_000 * math.isqrt(2 * 255**2) < 2**32


def test_a_contour_that_a_box_cuts() -> None:
    """One upright edge of 20 levels, ten pixels long: a box holds it, half of it, or none."""
    pixels = np.zeros((3, 12, 12), np.uint8)
    pixels[0, :, 6:] = 20
    maps = cues.draw_maps(pixels, 1, np.array([[0, 0, 12, 12]], np.int32))
    assert maps.contours.tolist() == [[5, 1, 7, 11, 400]]
    for level, number in ((12, 0), (13, 1)):  # a contour is stronger than 12 levels
        faint = np.where(pixels > 0, level, 0).astype(np.uint8)
        assert len(cues.draw_maps(faint, 1, np.array([[0, 0, 12, 12]], np.int32)).contours) == number
    boxes = np.array([[2, 1, 10, 11], [2, 0, 10, 6], [8, 0, 12, 12]], np.int32)
    found = (*maps.rows, *maps.columns, maps.contours, maps.strengths)
    stamps = np.full(1, -1, np.int32)
    got = np.empty((3, contour_kernels.CONTOURS), np.float32)
    contour_kernels.describe_contours(boxes, 1, found, stamps, got, 0)
    np.testing.assert_allclose(
        got,
        [
            [0, 0, 0, math.log(401) - 1.5 * math.log(18), -math.log(18), math.log(401) - math.log(18)],
            [200 / 14, 200 / 201, 14**-0.5, -1.5 * math.log(14), math.log(201 / 14), math.log(201 / 14)],
            [0, 0, 0, -1.5 * math.log(16), -math.log(16), -math.log(16)],
        ],
        rtol=1e-6,
    )


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, size(200, 66)])
def test_trees(rows: int) -> None:
    """Values at exactly the limit go left; a limit of infinity sends all left."""
    rng = np.random.default_rng(rows)
    features = rng.integers(-3, 4, (rows, 5)).astype(np.float32)
    asked = rng.integers(0, 5, (7, tree_kernels.NODES)).astype(np.int32)
    limits = rng.integers(-3, 4, asked.shape).astype(np.float32)
    limits[rng.random(limits.shape) < 0.1] = np.inf
    leaves = rng.normal(size=(7, tree_kernels.NODES + 1)).astype(np.float32)
    scores = np.full((rows, 1), 0.25)
    columns = np.tile([0.25, -1.0, 3.0], (rows, 1))  # two trees each; the seventh belongs to none
    forest = (asked, limits, leaves)
    tree_kernels.add_leaves(features, forest, scores, forest, columns)
    plain = tuple(part.tolist() for part in forest)
    wanted = [[0.25 + naive.add_leaves(row, *plain)] for row in features.tolist()]
    np.testing.assert_allclose(scores, np.reshape(wanted, (rows, 1)), rtol=1e-12, atol=1e-12)
    for k, start in enumerate((0.25, -1.0, 3.0)):
        some = [part[2 * k : 2 * k + 2] for part in plain]
        wanted = [start + naive.add_leaves(row, *some) for row in features.tolist()]
        np.testing.assert_allclose(columns[:, k], wanted, rtol=1e-12, atol=1e-12)


def test_every_leaf_can_be_reached() -> None:
    leaves = np.arange(16, dtype=np.float32)[None]
    for leaf in range(16):
        features = np.array([[(leaf >> (3 - depth)) & 1 for depth in range(4)]], np.float32)
        asked = np.array([[0, *[1] * 2, *[2] * 4, *[3] * 8]], np.int32)
        scores, sides, limits = np.zeros((1, 1)), np.zeros((1, 1)), np.full((1, 15), 0.5, np.float32)
        tree_kernels.add_leaves(features, (asked, limits, leaves), scores, (asked, limits, leaves + 1), sides)
        assert (scores[0, 0], sides[0, 0]) == (leaf, leaf + 1)


def network_of(features: int, wide: int, deep: int, seed: int = 0) -> ranking.Network:
    rng = np.random.default_rng(seed)
    shapes = [(features,), (features,), (features, wide), (wide,), (wide, deep), (deep,), (deep,)]
    return ranking.Network(*(rng.normal(size=shape).astype(np.float16).astype(np.float32) for shape in shapes))


@pytest.mark.parametrize("rows", [0, 1, 8, 9])
@pytest.mark.parametrize(("features", "wide", "deep"), [(1, 1, 1), (3, 5, 2), (4, 4, 4), (9, 7, 6), (18, 16, 8)])
def test_network(features: int, wide: int, deep: int, rows: int) -> None:
    """Features far from the mean are clipped, on both sides."""
    layers = network_of(features, wide, deep, features)
    values = np.random.default_rng(features).normal(0, 3, (rows, features)).astype(np.float32)
    values[:1], values[1:2] = 1e6, -1e6
    scores = np.arange(float(rows))
    network_kernels.add_outputs(values, tuple(layers), scores)
    plain = [part.tolist() for part in layers]
    wanted = [i + naive.network(row, *plain) for i, row in enumerate(values.tolist())]
    np.testing.assert_allclose(scores, wanted, rtol=1e-5, atol=1e-4)


def test_the_promising_are_the_best_by_their_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = np.zeros((10, len(TERMS)))
    terms[[1, 6], list(TERMS).index("fill")] = 1.0  # more than the others
    terms[[3, 8], list(TERMS).index("fill")] = -1.0
    assert objectness(terms)[1] > objectness(terms)[0] > objectness(terms)[3]
    for fewest, share, number in ((0, 0.6, 6), (0, 0.51, 6), (7, 0.1, 7), (3, 0.2, 3), (3000, 0.6, 10), (1, 0.1, 1)):
        monkeypatch.setattr(ranking, "FEWEST", fewest)
        monkeypatch.setattr(ranking, "BETTER", share)
        rows, others = ranking.promising(terms)
        every = [1, 6, 0, 2, 4, 5, 7, 9, 3, 8]
        assert rows.tolist() == sorted(every[:number])
        assert others.tolist() == every[number:]


@pytest.mark.parametrize("seed", range(size(6, 2)))
def test_the_order_is_that_of_moved_boxes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the definitions of trees, network, moves and cover, one behind the other."""
    monkeypatch.setattr(ranking, "BLOCK", 7)
    boxes, _ = scattered(size(60, 30), seed, spread=8)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(boxes))[: 2 * len(boxes) // 3])
    known = rng.normal(size=(len(rows), cues.CUES)).astype(np.float32)
    drawn = [
        trees_of(
            number,
            asked=rng.integers(0, cues.CUES, (number, 15)).astype(np.int32),
            leaves=rng.normal(0, spread, (number, 16)).astype(np.float32),
        )
        for number, spread in ((3, 1.0), (4, 0.3))
    ]
    network = network_of(cues.CUES, 3, 2, seed)
    network = network._replace(first=network.first / 20)
    model = model_of(trees=drawn[0], network=network, ways=drawn[1], usual=rng.normal(0, 0.1, 4))
    order, gains, moved = ranking.arrange(model, boxes, rows, known, (40, 50), (1.0, 1.0), len(rows))

    scores = [0.5 + naive.add_leaves(row, *(part.tolist() for part in drawn[0])) for row in known.tolist()]
    plain = [part.tolist() for part in network]
    evidence = [
        math.exp(score + naive.network(row, *plain)) for score, row in zip(scores, known.tolist(), strict=True)
    ]
    sides = [[part[side : side + 1].tolist() for part in drawn[1]] for side in range(4)]
    ways = [
        [usual + naive.add_leaves(row, *trees) for usual, trees in zip(model.usual, sides, strict=True)]
        for row in known.tolist()
    ]
    wanted, places = boxes.tolist(), naive_selection.move_sides(boxes.tolist(), rows.tolist(), ways, (40, 50), (1, 1))
    for row, box in zip(rows.tolist(), places, strict=True):
        wanted[row] = box
    assert moved.tolist() == wanted
    assert moved.tolist() != boxes.tolist()
    first, values = naive_selection.cover([wanted[row] for row in rows], evidence, len(rows), close=0.5)
    assert order.tolist() == rows[first].tolist()
    np.testing.assert_allclose(gains, values, rtol=1e-3)


def test_candidates_of_little_promise_come_last(monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(size(60, 24), size(80, 30), 5)
    wanted = selective_search(image, "dense", min_size=2, refine=False)
    seen, promising, gather = [], ranking.promising, strategies.gather
    monkeypatch.setattr(ranking, "FEWEST", 2)
    monkeypatch.setattr(ranking, "BETTER", 0.3)
    monkeypatch.setattr(strategies, "gather", lambda *arguments: seen.append(gather(*arguments)) or seen[-1])
    monkeypatch.setattr(ranking, "promising", lambda terms: seen.append(promising(terms)) or seen[-1])
    few = selective_search(image, "dense", min_size=2, refine=False)
    candidates, (rows, others) = seen
    assert 2 <= len(rows) < len(others)
    assert len(few.boxes) == len(wanted.boxes) == len(rows) + len(others)
    np.testing.assert_array_equal(few.boxes[len(rows) :], candidates.boxes[others])
    assert {tuple(box) for box in few.boxes[: len(rows)]} == {tuple(box) for box in candidates.boxes[rows].tolist()}
    assert len(set(few.priorities[len(rows) :])) == 1
    assert few.priorities[-1] == few.priorities.min()
    for most in (len(rows) - 1, len(rows) + 1):
        fewer = selective_search(image, "dense", min_size=2, refine=False, max_boxes=most)
        np.testing.assert_array_equal(fewer.boxes, few.boxes[:most])
        np.testing.assert_array_equal(fewer.priorities, few.priorities[:most])


def test_priorities_are_chances_that_never_rise() -> None:
    image = picture(size(90, 18), size(120, 22), 12)
    priorities = selective_search(image, "fast" if size(1, 0) else "single", min_size=4).priorities
    assert (np.diff(priorities) <= 0).all()
    assert priorities[0] <= 1
    assert priorities[-1] >= 0


def test_modes_of_the_paper_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(size(60, 12), size(80, 14), 3)
    wanted = selective_search(image, "paper-single", min_size=2)
    monkeypatch.setattr(strategies, "rank", None)
    again = selective_search(image, "paper-single", min_size=2)
    np.testing.assert_array_equal(wanted.boxes, again.boxes)
    with pytest.raises(TypeError, match="not callable"):
        selective_search(image, "single", min_size=2)


def trees_of(number: int, **changes: object) -> ranking.Trees:
    trees = ranking.Trees(
        np.zeros((number, 15), np.int32), np.zeros((number, 15), np.float32), np.ones((number, 16), np.float32)
    )
    return trees._replace(**changes)


def model_of(**changes: object) -> ranking.Weights:
    chances = np.array([[-2.0, 0.0, 1.0], [0.25, 0.25, 0.75]])
    network = network_of(cues.CUES, 3, 2)
    return ranking.Weights(trees_of(2), network, 0.5, trees_of(4), np.zeros(4), chances)._replace(**changes)


def test_each_side_has_its_trees() -> None:
    """Four trees, one a side, that ask for one cue: what is usual, and a leaf on top."""
    leaves = np.arange(64, dtype=np.float32).reshape(4, 16)
    model = model_of(ways=trees_of(4, leaves=leaves), usual=np.array([0.5, 1.5, 2.5, 3.5]))
    known = np.zeros((3, cues.CUES), np.float32)
    known[1, 0] = 1  # right at every node: the last leaf
    _, ways = ranking.expected(model, known)
    low, high = [0.5, 17.5, 34.5, 51.5], [15.5, 32.5, 49.5, 66.5]
    assert ways.tolist() == [low, high, low]
