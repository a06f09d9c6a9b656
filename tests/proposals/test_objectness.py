"""Scored boxes: gathering and every term against the definition, on borders, least sides and rings out of the image."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from detutils import Strategy
from detutils.proposals import objectness
from detutils.proposals.grouping import Tree
from tests.cases import size
from tests.naive import objectness as naive


def grown(height: int, width: int, leaves: int, seed: int) -> Tree:
    """A hierarchy as grouping leaves it: a grid of cells, merged at random with neighbors or not."""
    rng = np.random.default_rng(seed)
    down = max(k for k in range(1, leaves + 1) if leaves % k == 0 and k <= height and leaves // k <= width)
    rows = np.linspace(0, height, down + 1).astype(int)
    columns = np.linspace(0, width, leaves // down + 1).astype(int)
    boxes = [[a, t, b, c] for t, c in pairwise(rows) for a, b in pairwise(columns)]
    sizes = [int(rng.integers(1, (b - a) * (c - t) + 1)) for a, t, b, c in boxes]
    alive, merges = [*range(leaves)], []
    while len(alive) > 1:
        a, b = sorted(rng.choice(alive, 2, replace=False).tolist())
        alive = [c for c in alive if c not in (a, b)] + [len(boxes)]
        boxes.append([*np.minimum(boxes[a][:2], boxes[b][:2]), *np.maximum(boxes[a][2:], boxes[b][2:])])
        sizes.append(sizes[a] + sizes[b])
        merges.append([a, b])
    outlines = rng.integers(0, 60, (len(boxes), 2)) * np.array([1, 50])
    return Tree(
        np.array(merges, np.int64).reshape(-1, 2), rng.random(leaves - 1), np.array(sizes, np.int64),
        np.array(boxes, np.int32), np.ascontiguousarray(outlines, np.int64),
    )  # fmt: skip


def plain(tree: Tree) -> dict:
    return {name: value.tolist() for name, value in tree._asdict().items()}


@pytest.mark.parametrize("least", [(0.0, 0.0), (12.0, 9.0), (12.0 + 1e-9, 9.0), (12.0, 9.0 + 1e-9)])
def test_boxes_are_gathered_once(least: tuple[float, float]) -> None:
    """Of hierarchies on the image and on shrunk copies, whose last row and column stand for fewer pixels of it.

    Cells are 12 x 9 pixels, so that sides of exactly the least size occur; those are kept.
    """
    height, width = 45, 60
    strategies = [Strategy(shrink=1), Strategy(shrink=2, color=0.0), Strategy(shrink=7, size=0.5), Strategy(shrink=1)]
    trees = [
        grown(-(-height // strategy.shrink), -(-width // strategy.shrink), 25, seed)
        for seed, strategy in enumerate(strategies)
    ]
    found = objectness.gather(trees, strategies, (height, width), least, seed=3)
    positions = [
        np.arange(len(tree.sizes), 0.0, -1.0) * np.random.default_rng([3, number]).random(len(tree.sizes))
        for number, tree in enumerate(trees)
    ]
    frames = [(s.shrink, width, height, *least, s.color + s.texture + s.size + s.fill) for s in strategies]
    wanted = naive.gather([plain(tree) for tree in trees], frames, [p.tolist() for p in positions])
    assert [tuple(box) for box in found.boxes.tolist()] == list(wanted)
    assert found.positions.tolist() == [best for best, _ in wanted.values()]
    for sums, (_, records) in zip(found.sums, wanted.values(), strict=True):
        table = np.array([list(record.values()) for record in records])
        signs = np.array([1, -1, 1, 1, -1])
        np.testing.assert_allclose(sums[1:8], table.sum(axis=0), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(sums[8:], (signs * table[:, :5]).max(axis=0), rtol=1e-12, atol=1e-12)
        assert sums[0] == len(records)


@pytest.mark.parametrize("side", range(4))
def test_many_boxes_fill_the_table(side: int) -> None:
    """They differ in one side alone, so that one meets the others wherever places of the hash table are taken."""
    every = size(2001, 601)
    far = 40 * every
    boxes = np.tile(np.array([far, far, far + 1, far + 1], np.int32), (every, 1))
    moved = np.random.default_rng(side).choice(far, every, replace=False)  # those in a row would share no places
    boxes[:, side] += (moved * (1 if side > 1 else -1)).astype(np.int32)
    merges = np.arange(every - 1).reshape(-1, 2)
    tree = Tree(merges, np.zeros(every // 2), np.ones(every, np.int64), boxes, np.zeros((every, 2), np.int64))
    found = objectness.gather([tree, tree], [Strategy()] * 2, (3 * far, 3 * far), (0.0, 0.0), 0)
    np.testing.assert_array_equal(found.boxes, boxes)
    assert (found.sums[:, 0] == 2).all()


def boxes_on_borders(height: int, width: int) -> np.ndarray:
    """Near each side of the image by 0 ... 4 pixels, of sides around 4, 8 and 16 pixels, and a pixel wide or high."""
    boxes = []
    for near in range(5):
        for side in (1, 2, 3, 4, 7, 8, 9, 15, 16, 17):
            a, b = near, min(near + side, width)
            boxes += [(a, near, b, min(near + 5, height)), (width - b, 3, width - a, min(8, height))]
            c, d = near, min(near + side, height)
            boxes += [(2, c, min(9, width), d), (2, height - d, min(9, width), height - c)]
    boxes += [(0, 0, width, height), (1, 1, width - 1, height - 1), (2, 2, width - 2, height - 2)]
    boxes += [(0, 0, 1, height), (width - 1, 0, width, 1)]
    return np.array([box for box in dict.fromkeys(boxes) if box[0] < box[2] and box[1] < box[3]], np.int32)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_terms_are_those_of_the_definition(factor: int) -> None:
    height, width = 23, 31
    boxes = boxes_on_borders(height, width)[:: size(1, 9)]
    rng = np.random.default_rng(factor)
    rows, columns = -(-height // factor), -(-width // factor)
    weights = rng.integers(0, 1000, (rows, 2, columns)).astype(np.int32)
    weights[rng.random(weights.shape) < 0.3] = 0
    names = ("birth", "death", "contrast", "fill", "rank", "regions", "parent")
    records = [
        [dict(zip(names, values, strict=True)) for values in rng.normal(0, 2, (rng.integers(1, 4), 7)).tolist()]
        for _ in boxes
    ]
    sums = np.array([
        [len(own), *(sum(r[name] for r in own) for name in names),
         *(max(sign * r[name] for r in own) for sign, name in zip((1, -1, 1, 1, -1), names))]
        for own in records
    ])  # fmt: skip
    candidates = objectness.Candidates(boxes, np.zeros(len(boxes)), sums)
    features = objectness.describe_boxes(candidates, weights, factor, (height, width))
    strengths = weights.max(axis=1).tolist()
    wanted = [
        naive.terms(box, own, strengths, factor, (height, width))
        for box, own in zip(boxes.tolist(), records, strict=True)
    ]
    assert sorted(wanted[0]) == sorted(objectness.TERMS)
    for place, name in enumerate(objectness.TERMS):
        values = [terms[name] for terms in wanted]
        np.testing.assert_allclose(features[:, place], values, rtol=1e-9, atol=1e-11, err_msg=name)
    scores = objectness.objectness(features)
    exponents = [
        objectness.CONSTANT + sum(objectness.TERMS[name] * value for name, value in terms.items()) for terms in wanted
    ]
    np.testing.assert_allclose(scores, np.exp(np.minimum(exponents, 50.0)), rtol=1e-9)
