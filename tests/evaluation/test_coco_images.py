"""Overlaps and partners of one image and class: their definition."""

from __future__ import annotations

import random

import numpy as np

from detutils.evaluation.coco_images import image_partners, overlap_table
from tests.cases import each, size
from tests.naive import coco_entries


@each("seed", range(size(40, 5)))
def test_partners_are_their_definition(seed: int) -> None:
    """From a table whose values tie and meet the thresholds."""
    rng = random.Random(seed)
    n, m = rng.randint(0, 8), rng.randint(1, 6)
    table = np.array([[rng.choice([0.0, 0.5, 0.55, 0.75, 1.0]) for _ in range(m)] for _ in range(n)]).reshape(n, m)
    areas = np.array([rng.choice([1.0, 5.0]) for _ in range(n)]), np.array([rng.choice([1.0, 5.0]) for _ in range(m)])
    aside = np.array([rng.choice([0.0, 0.0, 1.0, 2.0]) for _ in range(m)])
    thresholds = np.array([0.0, 0.5, 0.75, 1.0])
    got = image_partners(table, areas, aside, thresholds, (0.0, 4.0))
    assert got.shape == (4, n)
    ignored = [bool(aside[k]) or areas[1][k] > 4.0 for k in range(m)]
    order = sorted(range(m), key=lambda k: ignored[k])
    objects = [{"iscrowd": aside[k] == 2.0} for k in order]
    for t, threshold in enumerate(thresholds):
        taken: set[int] = set()
        for d in range(n):
            row, flags = [table[d, k] for k in order], [ignored[k] for k in order]
            match = coco_entries.best_object(row, objects, flags, taken, threshold)
            taken |= set() if match is None else {match}
            assert got[t, d] == (-1 if match is None else order[match])


def test_overlaps_are_their_definition() -> None:
    rng = np.random.default_rng(1)
    found, objects = rng.uniform(-2, 9, (size(30, 6), 4)), rng.integers(-1, 9, (size(30, 6), 4)).astype(float)
    crowd = rng.integers(0, 2, objects.shape[0]) == 1
    table = overlap_table(found, objects, crowd)
    expected = [
        [coco_entries.overlap(box, other, flag) for other, flag in zip(objects.tolist(), crowd, strict=True)]
        for box in found.tolist()
    ]
    assert table.tolist() == expected
    assert overlap_table(found[:0], objects, crowd).shape == (0, objects.shape[0])
