"""Suppression of rotated boxes equals its definition, order included."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest

import detutils
from detutils.suppression._kernels import rotated as kernels
from tests.cases import BAD_LABELS, BAD_SCORES, BAD_THRESHOLDS, each, size
from tests.naive import rotated as naive

DEEP = int(os.environ.get("DETUTILS_DEEP") or 0)
METRICS = ("iou", "ios", "ioa")
THRESHOLDS = (0.0, 0.05, 0.3, 0.5, 0.7, 0.95, 1.0)


def scene(rng: np.random.Generator, n: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and scores, some of them tied."""
    side = {"crowded": 60.0, "thin": 200.0, "sizes": 300.0, "whole": 20.0}[kind]
    boxes = np.stack([*rng.uniform(0, side, (2, n)), *np.exp(rng.uniform(1, 4, (2, n))), rng.uniform(-200, 200, n)], 1)
    if kind == "sizes":
        boxes[:, 2:4] *= np.exp(rng.uniform(-6, 3, (n, 1)))
    if kind == "thin":
        boxes[:, 3] = 0.5
    if kind == "whole":
        boxes = np.floor(boxes)
        boxes[:, 2:4] = rng.integers(0, 9, (n, 2))
        boxes[:, 4] = 90.0 * rng.integers(-3, 3, n)
    near = rng.random(n) < 0.5
    boxes[near] = boxes[rng.integers(0, n, near.sum())]
    if kind != "whole":
        boxes[near] += rng.normal(0, 1, (near.sum(), 5)) * boxes[near][:, 2:3] * [0.05, 0.05, 0.05, 0.02, 0.2]
        boxes[:, 2:4] = np.abs(boxes[:, 2:4])
    return boxes, np.round(rng.random(n), 2)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["crowded", "thin", "sizes", "whole"])
def test_it_is_the_greedy_loop(kind: str, metric: str) -> None:
    for seed, n in enumerate([0, 1, 2, 3, 9, size(40, 12), size(90, 14)]):
        rng = np.random.default_rng([seed, n])
        boxes, scores = scene(rng, n, kind)
        labels = rng.integers(-2, 2, n) * 2**40
        for threshold in THRESHOLDS if n < 50 else (0.3, 0.5):
            options = {"angle": "cw-deg", "metric": metric}
            expected = naive.explain_rotated_nms(boxes.tolist(), scores.tolist(), threshold, **options)
            assert detutils.rotated_nms(boxes, scores, threshold, **options).tolist() == expected[0], (seed, threshold)
            found = detutils.explain_rotated_nms(boxes, scores, threshold, **options)
            assert found.keep.tolist() == expected[0]
            assert found.suppressed_by.tolist() == expected[1]
            assert found.iou == pytest.approx(np.array(expected[2]), abs=1e-9)
            options |= {"score_threshold": 0.2, "max_output": n // 3, "max_candidates": 2 * n // 3}
            of_class = naive.explain_rotated_nms(boxes.tolist(), scores.tolist(), threshold, labels=labels, **options)
            assert detutils.batched_rotated_nms(boxes, scores, labels, threshold, **options).tolist() == of_class[0]
            found = detutils.explain_rotated_nms(boxes, scores, threshold, labels=labels, **options)
            assert (found.keep.tolist(), found.suppressed_by.tolist()) == of_class[:2]


def test_many_small_scenes() -> None:
    """``DETUTILS_DEEP=200000`` tries so many."""
    for seed in range(DEEP or size(60, 10)):
        rng = np.random.default_rng([77, seed])
        boxes, scores = scene(rng, int(rng.integers(1, 14)), ("crowded", "thin", "sizes", "whole")[seed % 4])
        threshold, metric = float(rng.choice(THRESHOLDS)), str(rng.choice(METRICS))
        options = {"angle": str(rng.choice(["cw-deg", "ccw-deg"])), "metric": metric}
        if seed % 3 == 0:
            options["labels"] = rng.integers(0, 3, len(scores)).tolist()
        if seed % 5 == 0:
            options |= {"score_threshold": 0.3, "max_output": 4, "max_candidates": 9}
        keep, by, _ = naive.explain_rotated_nms(boxes.tolist(), scores.tolist(), threshold, **options)
        found = detutils.explain_rotated_nms(boxes, scores, threshold, **options)
        assert (found.keep.tolist(), found.suppressed_by.tolist()) == (keep, by), seed
        labels = options.pop("labels", None)
        if labels is None:
            assert detutils.rotated_nms(boxes, scores, threshold, **options).tolist() == keep, seed
        else:
            assert detutils.batched_rotated_nms(boxes, scores, labels, threshold, **options).tolist() == keep, seed


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("far", [0.0, 1e4, 1e7])
def test_many_boxes_are_decided_as_by_the_matrix(metric: str, far: float) -> None:
    for kind in ("crowded", "thin", "sizes"):
        rng = np.random.default_rng([8, len(kind)])
        boxes, scores = scene(rng, size(700, 25), kind)
        boxes[:, :2] += far
        overlaps = detutils.rotated_box_iou(boxes, boxes, metric=metric)  # "ioa" is over the row's box
        for threshold in (0.02, 0.4, 0.8):
            keep: list[int] = []
            for i in np.argsort(-scores, kind="stable"):
                if not (overlaps[i, keep] > threshold).any():
                    keep.append(int(i))
            assert detutils.rotated_nms(boxes, scores, threshold, metric=metric).tolist() == keep


@pytest.mark.parametrize("t", [0.05, 0.3, 0.5, 0.8])
def test_pairs_at_the_bounds_of_size_and_reach(t: float) -> None:
    """Nested boxes whose areas differ by little less than the threshold allows; thin ones whose diagonals do; boxes
    shifted as far as the threshold allows; at any angle, so that hulls are as large or as small as they can be."""
    rng = np.random.default_rng(int(100 * t))
    n = size(200, 20)
    angles, close = rng.uniform(-90, 90, n), 1 - 10.0 ** rng.uniform(-9, -2, n)
    for shape in ("nested", "along", "cut", "shifted"):
        big = np.stack([np.zeros(n), np.zeros(n), np.full(n, 40.0), 10.0 ** rng.uniform(-1, 1.6, n), angles], 1)
        small = big.copy()
        c, s = np.cos(np.radians(angles)), np.sin(np.radians(angles))
        part = t + (1 - t) * (1 - close)
        if shape == "nested":
            small[:, 2:4] *= np.sqrt(part)[:, None]
        elif shape in ("along", "cut"):  # as long as the threshold allows
            small[:, 2] *= part
            move = 0.5 * 40.0 * (1 - part) if shape == "cut" else 0.0
            small[:, 0], small[:, 1] = c * move, s * move
        else:
            move = 40.0 * (1 - part) / (1 + part)
            small[:, 0], small[:, 1] = c * move, s * move
        for far in (0.0, 1e4):
            for i in range(n):
                pair = np.array([big[i], small[i]]) + [far, far, 0, 0, 0]
                exceeds = detutils.rotated_box_iou(pair, pair, angle="cw-deg")[0, 1] > t
                many = np.concatenate([pair, pair[:1] + [500.0, 0, 0, 0, 0]])
                for scores in ([0.9, 0.8, 0.1], [0.8, 0.9, 0.1]):
                    keep = detutils.rotated_nms(many, scores, t, angle="cw-deg")
                    assert len(keep) == (2 if exceeds else 3), (shape, i, far)


@pytest.mark.parametrize("angle", [0.0, 45.0])
def test_hulls_of_unlike_sizes_on_both_sides_of_a_level(angle: float) -> None:
    """Squares turned by 45 degrees against each other share more than .7, and one hull is 1.48 times as long."""
    for side in np.geomspace(4.0, 16.0, size(49, 13)):
        pair = np.array([[50, 50, side, side, angle], [50, 50, 1.05 * side, 1.05 * side, 45 - angle]])
        assert 0.7 < naive.rotated_box_iou(pair.tolist(), pair.tolist(), angle="cw-deg")[0][1] < 0.71
        many = np.concatenate([pair, [[200, 50, 9, 9, 0], [250, 50, 3, 3, 0]]])
        for scores in ([0.9, 0.8, 0.1, 0.2], [0.8, 0.9, 0.1, 0.2]):
            assert len(detutils.rotated_nms(many, scores, 0.7, angle="cw-deg")) == 3, side
            assert len(detutils.explain_rotated_nms(many, scores, 0.7, angle="cw-deg").keep) == 3, side


def test_the_best_of_many_suppressors_wherever_it_lies() -> None:
    """More tiles under one box than are computed at once, the best of them in any cell."""
    tiles = [[5.0 + 10 * x, 5.0 + 10 * y, 10.0, 10.0, 0.0] for y in range(4) for x in range(4)]
    boxes = np.array([*tiles, [20, 20, 40, 40, 3]])
    for best in range(16):
        scores = np.append(0.5 + np.roll(np.arange(16.0), best) / 64, 0.1)
        found = detutils.explain_rotated_nms(boxes, scores, 0.05, angle="cw-deg")
        assert found.suppressed_by.tolist() == [-1] * 16 + [int(np.argmax(scores))]


def test_boxes_that_reach_over_many_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """A huge box over many tiny ones: beyond some cells all kept boxes are looked at."""
    rng = np.random.default_rng(1)
    n = size(3000, 40)
    tiny = np.stack([*rng.uniform(0, 3000, (2, n)), *rng.uniform(1, 3, (2, n)), rng.uniform(0, 90, n)], 1)
    boxes = np.concatenate([tiny, [[1500, 1500, 2900, 2800, 5], [1500, 1500, 2800, 2900, 95]]])
    scores = np.concatenate([rng.uniform(0.5, 1, n), [0.2, 0.1]])
    keep = detutils.rotated_nms(boxes, scores, 0.5, metric="ios")
    assert n not in keep
    assert n + 1 not in keep
    assert n in detutils.rotated_nms(boxes, scores, 0.5)
    assert n + 1 not in detutils.rotated_nms(boxes, scores, 0.5)
    assert len(detutils.rotated_nms(boxes, 1 - scores, 0.5, metric="ios")) < n // 5
    if size(1, 0) == 0:
        monkeypatch.setattr(kernels, "MANY", 3)
        assert np.array_equal(detutils.rotated_nms(boxes, scores, 0.5, metric="ios"), keep)


@pytest.mark.parametrize("method", ["gaussian", "linear"])
def test_soft_suppression_is_its_definition(method: str) -> None:
    for kind in ("crowded", "sizes", "whole"):
        for n in (0, 1, 5, size(60, 12)):
            rng = np.random.default_rng(n)
            boxes, scores = scene(rng, n, kind)
            for labels in (None, rng.integers(0, 2, n).tolist()):
                options = {"method": method, "labels": labels, "max_output": 2 * n // 3}
                keep, new = naive.soft_rotated_nms(boxes.tolist(), scores.tolist(), **options)
                found, marks = detutils.soft_rotated_nms(boxes, scores, **options)
                assert marks == pytest.approx(np.array(new), abs=1e-11)
                assert found.tolist() == keep


def test_more_pairs_than_are_measured_at_once() -> None:
    rng = np.random.default_rng(5)
    boxes = np.array([[50.0, 50, 40, 20, 30]]) + rng.normal(0, 0.5, (size(600, 20), 5))
    scores = rng.random(len(boxes))
    keep, new = naive.soft_rotated_nms(boxes[:30].tolist(), scores[:30].tolist())
    found, marks = detutils.soft_rotated_nms(boxes[:30], scores[:30])
    assert found.tolist() == keep
    assert marks == pytest.approx(np.array(new))
    overlaps = detutils.rotated_box_iou(boxes, boxes)
    best = int(scores.argmax())
    first = scores * np.exp(-overlaps[best] ** 2 / 0.5)
    first[best] = 0
    _, marks = detutils.soft_rotated_nms(boxes, scores, max_output=2)
    assert marks[1] == pytest.approx(first.max())
    assert detutils.rotated_nms(boxes, scores, 0.3).tolist() == [best]


def test_spellings_do_not_change_decisions() -> None:
    rng = np.random.default_rng(3)
    boxes, scores = scene(rng, size(80, 15), "crowded")
    keep = detutils.rotated_nms(boxes, scores)
    for fmt in ("cw-deg", "cw-rad", "ccw-rad"):
        same = detutils.rotated_box_convert(boxes, "ccw-deg", fmt)
        assert np.array_equal(detutils.rotated_nms(same, scores, angle=fmt), keep)
    swapped = boxes[:, [0, 1, 3, 2, 4]] + [0, 0, 0, 0, 90]
    assert np.array_equal(detutils.rotated_nms(swapped, scores), keep)
    assert np.array_equal(detutils.rotated_nms(boxes.tolist(), scores.tolist()), keep)


def test_upright_boxes_are_suppressed_as_by_nms() -> None:
    rng = np.random.default_rng(4)
    boxes = np.floor(rng.uniform(0, 60, (size(300, 30), 4)))
    boxes[:, 2:] = boxes[:, :2] + np.floor(rng.uniform(1, 20, (len(boxes), 2)))
    scores = np.round(rng.random(len(boxes)), 2)
    turned = detutils.rotated_box_convert(boxes, "xyxy", "ccw-deg")
    for metric in METRICS:
        for t in (0.25, 0.5):
            keep = detutils.nms(boxes, scores, t, metric=metric)
            assert np.array_equal(detutils.rotated_nms(turned, scores, t, metric=metric), keep)


def test_rows_that_take_no_part_are_not_judged() -> None:
    boxes = np.array([[0, 0, 4, 2, 0], [np.nan, 0, 4, 2, 0], [0, 0, -4, 2, 0], [0, 0, 4, 2, 1]])
    scores = [0.9, 0.1, 0.05, 0.8]
    assert detutils.rotated_nms(boxes, scores, score_threshold=0.1).tolist() == [0]
    with pytest.raises(ValueError, match=r"boxes\[1\] is not finite"):
        detutils.rotated_nms(boxes, scores)
    with pytest.raises(ValueError, match=r"boxes\[2\] has a negative width or height"):
        detutils.rotated_nms(boxes[[0, 0, 2]], scores[:3])
    assert detutils.rotated_nms(boxes, scores, on_invalid="drop").tolist() == [0]
    found = detutils.explain_rotated_nms(boxes, [0.9, math.nan, 0.05, 0.8], on_invalid="drop")
    assert found.suppressed_by.tolist() == [-1, -1, -1, 0]
    with pytest.raises(ValueError, match=r"scores\[1\] is not finite"):
        detutils.rotated_nms(boxes[[0, 0]], [0.9, math.nan])


def test_boxes_without_area_stay() -> None:
    boxes = [[0, 0, 4, 2, 0], [0, 0, 0, 2, 0], [0, 0, 0, 2, 0], [1, 1, 0, 0, 5]]
    for metric in METRICS:
        assert detutils.rotated_nms(boxes, [4, 3, 2, 1], 0.0, metric=metric).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("function", [detutils.rotated_nms, detutils.explain_rotated_nms])
def test_bad_arguments(function) -> None:
    box = [[0.0, 0, 1, 1, 0]]
    with pytest.raises(ValueError, match=r"boxes must have shape \(N, 5\)"):
        function(np.zeros((2, 4)), [1, 2])
    with pytest.raises(ValueError, match="scores must have shape"):
        function(box, [1, 2])
    for text, options in {"metric": {"metric": "giou"}, "angle": {"angle": "rad"}, "on_inv": {"on_invalid": 0}}.items():
        with pytest.raises((ValueError, TypeError), match=text):
            function(box, [1], **options)
    with pytest.raises(ValueError, match="max_output"):
        function(box, [1], max_output=-1)


@each(("value", "error", "text"), BAD_THRESHOLDS)
def test_bad_thresholds(value, error, text) -> None:
    with pytest.raises(error, match=text):
        detutils.rotated_nms([[0, 0, 1, 1, 0]] * 2, [1, 2], value)


@each(("value", "error", "text"), BAD_SCORES)
def test_bad_scores(value, error, text) -> None:
    with pytest.raises(error, match=text):
        detutils.rotated_nms([[0, 0, 1, 1, 0]] * 2, value)


@each(("value", "error", "text"), BAD_LABELS)
def test_bad_labels(value, error, text) -> None:
    with pytest.raises(error, match=text):
        detutils.batched_rotated_nms([[0, 0, 1, 1, 0]] * 2, [1, 2], value)
