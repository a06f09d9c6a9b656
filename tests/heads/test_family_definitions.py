"""Heads of every family against their definitions, on random outputs in every layout."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.heads._kernels import distances as kernels
from tests.cases import each, size, unchanged
from tests.naive import coding, heads_families, heads_points, heads_priors

SEEDS = range(size(6, 2))
THRESHOLD = 0.3


def check(found: detutils.Detections, named: list, boxes: list, kept: list) -> None:
    """Hold a result to the places in ``named`` that a definition keeps, in their order."""
    tolerance = 1e-9 if found.boxes.dtype == np.float64 else 1e-6
    assert found.labels.tolist() == [named[i][1] for i in kept]
    np.testing.assert_allclose(found.scores, [named[i][2] for i in kept], rtol=1e-6, atol=1e-12)
    expected = np.reshape([boxes[i] for i in kept], (-1, 4))
    np.testing.assert_allclose(found.boxes, expected, rtol=tolerance, atol=100 * tolerance)
    assert found.labels.dtype == np.int64


def inside(box: list, size: tuple | None) -> list:
    """A box clipped to (height, width)."""
    return box if size is None else [min(max(v, 0), limit) for v, limit in zip(box, size[::-1] * 2, strict=True)]


def laid_out(table: np.ndarray, grid: tuple[int, int] | None, channels: str, guise: str) -> np.ndarray:
    """Rows of channels as a network might leave them."""
    shape = table.shape[:1] if grid is None else grid
    array = table.reshape(*shape, table.shape[1])
    if channels == "first":
        array = np.ascontiguousarray(np.moveaxis(array, -1, 0))
    if guise == "batch":
        return array[None]
    if guise == "strided":
        wide = np.full((*array.shape[:-1], 2 * array.shape[-1] + 1), np.nan, array.dtype)
        wide[..., 1::2] = array
        return wide[..., 1::2]
    return np.asfortranarray(array) if guise == "Fortran" else array


GUISES = ["plain", "batch", "strided", "Fortran"]


# ---- points -------------------------------------------------------------------------------------------------------

GRIDS = [(5, 7), (3, 4)]
STRIDES = (8.0, 16.0)
COUNTS = [35, 12]


def points_head(seed: int, bins: int, dtype: type, classes: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = sum(COUNTS)
    return {
        "distances": (rng.normal(0, 3, (n, 4 * bins)) if bins > 1 else rng.uniform(0, 4, (n, 4))).astype(dtype),
        "scores": rng.normal(-1, 2, (n, classes)).astype(dtype),
        "centerness": rng.normal(1, 2, (n, 1)).astype(dtype),
    }


def points_expected(head: dict, options: dict, unit: str, shift: float, *, centered: bool) -> tuple:
    """Candidates, their boxes and what stays, by the definitions."""
    points, levels = heads_points.grid_points((1, 1), STRIDES, shift=shift, grid_sizes=GRIDS)
    units = [STRIDES[level] if unit == "stride" else 1.0 for level in levels]
    boxes = heads_points.decode_points(head["distances"].tolist(), points, units)
    weights = None
    if centered:
        weights = [heads_families.probabilities(row, options["activation"])[0] for row in head["centerness"].tolist()]
    found = heads_families.candidates(
        head["scores"].tolist(), THRESHOLD, weights=weights, root=options.get("centerness_rule") == "root",
        activation=options["activation"], multi_label=options.get("multi_label", False),
    )  # fmt: skip
    if "max_per_level" in options:
        parts = [[one for one in found if (one[0] >= COUNTS[0]) == late] for late in (False, True)]
        found = [one for part in parts for one in heads_families.best(part, options["max_per_level"])]
    found = heads_families.best(found, options.get("max_candidates"))
    mine = [inside(boxes[row], options.get("clip_to")) for row, _, _ in found]
    kept = heads_families.suppress(
        found, mine, options.get("iou_threshold", 0.5), class_agnostic=options.get("class_agnostic", False),
        max_output=options.get("max_output", 300),
    )  # fmt: skip
    return found, mine, kept


@pytest.mark.parametrize("bins", [1, 3, 16])
@pytest.mark.parametrize("channels", ["first", "last"])
@pytest.mark.parametrize("guise", GUISES)
@each("seed", SEEDS)
def test_points_are_their_definition(bins: int, channels: str, guise: str, seed: int) -> None:
    dtype = (np.float64, np.float32)[seed % 2]
    head = points_head(seed, bins, dtype)
    options = [
        {"activation": "sigmoid", "multi_label": True},
        {"activation": "sigmoid", "max_per_level": 4, "class_agnostic": True, "clip_to": (30, 41)},
        {"activation": "softmax", "iou_threshold": 0.2, "max_output": 5},
        {"activation": "sigmoid", "centerness_rule": "root", "multi_label": True, "max_candidates": 9},
        {"activation": "sigmoid", "iou_threshold": None, "max_output": None},
        {"activation": "sigmoid", "multi_label": True, "max_per_level": 6, "max_candidates": 7},
    ][seed]
    centered = seed in (1, 3, 4)
    unit, shift = ("stride", "pixel")[seed % 2], (0.5, 0.0, 0.25)[seed % 3]
    expected = points_expected(head, options, unit, shift, centered=centered)
    common = {"channels": channels, "unit": unit, "shift": shift, "score_threshold": THRESHOLD, **options}

    def call(**arrays: Any) -> detutils.Detections:
        weights = {} if centered else {"centerness": None}
        return detutils.detections_from_points(**{**arrays, **weights}, strides=STRIDES, **common)

    as_maps = {name: [] for name in head}
    for (first, last), grid in zip([(0, 35), (35, 47)], GRIDS, strict=True):
        for name, table in head.items():
            as_maps[name].append(laid_out(table[first:last], grid, channels, guise))
    check(call(**as_maps), *expected)
    as_one = {name: laid_out(table, None, channels, guise) for name, table in head.items()}
    common["grid_sizes"] = GRIDS
    check(call(**as_one), *expected)
    as_rows = {
        name: [laid_out(part, None, channels, guise) for part in np.split(table, [35])] for name, table in head.items()
    }
    check(call(**as_rows), *expected)
    del common["grid_sizes"]
    check(call(**as_rows, input_size=(40, 56)), *expected)
    mixed = {**as_one, "distances": as_rows["distances"]}
    mixed["centerness"] = [part.astype(np.float64) for part in as_rows["centerness"]]
    check(call(**mixed, input_size=(40, 56)), *expected)


@pytest.mark.parametrize("bins", [2, 5])
def test_distributions_are_accurate_far_out(bins: int) -> None:
    """Large and equal logits, and one that leaves nothing to the others."""
    values = np.array([[700.0] * bins + [-700.0] * bins + [0.0] * (bins - 1) + [800.0] + [800.0] + [0.0] * (bins - 1)])
    out = np.empty((1, 4))
    kernels.boxes_around(np.array([[100.0, 50.0, 2.0]]), values, out)
    middle = 0.5 * (bins - 1)
    assert out[0].tolist() == [100 - 2 * middle, 50 - 2 * middle, 100 + 2 * (bins - 1), 50]
    rng = np.random.default_rng(bins)
    values = rng.normal(0, 30, (20, 4 * bins))
    points = rng.uniform(-50, 50, (20, 3))
    out = np.empty((20, 4))
    kernels.boxes_around(points, values, out)
    expected = heads_points.decode_points(values.tolist(), points[:, :2].tolist(), points[:, 2].tolist())
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", [0, 2, 4, 11])
def test_a_distribution_with_a_bad_bin_is_no_distance(bad: float, at: int) -> None:
    values = np.zeros((1, 12))
    values[0, at] = bad
    out = np.empty((1, 4))
    kernels.boxes_around(np.array([[8.0, 8.0, 8.0]]), values, out)
    side = at // 3
    assert (np.isnan(out[0]) == (np.arange(4) == side)).all() or bad == -math.inf
    if bad == -math.inf:  # a bin of no weight: of two others, the mean
        mean = {0: 1.5, 2: 0.5, 1: 1.0}[at % 3]
        assert abs(out[0, side] - 8.0) == 8.0 * mean


def test_places_by_definition() -> None:
    points, levels = heads_points.grid_points((1, 1), (4, 8, 16), shift=0.25, grid_sizes=[(2, 3), (0, 4), (1, 2)])
    geometry = np.array([[0, 2, 3, 4, 0.25, 4], [12, 2, 4, 8, 0.25, 8], [12, 2, 2, 16, 0.25, 1]], float)
    rows = np.arange(16)
    out = np.empty((16, 3))
    kernels.places(rows, geometry, out)
    np.testing.assert_array_equal(out[:, :2], np.repeat(points, 2, axis=0))
    assert out[:, 2].tolist() == [4.0] * 12 + [1.0] * 4
    assert levels == [0] * 6 + [2] * 2


# ---- priors -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("coding", ["center", "corner", "linear"])
@pytest.mark.parametrize("channels", ["first", "last"])
@pytest.mark.parametrize("guise", GUISES)
@each("seed", SEEDS)
def test_priors_are_their_definition(coding: str, channels: str, guise: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dtype = (np.float64, np.float32)[seed % 2]
    priors = detutils.prior_boxes((64, 64), (16, 32), [[16, 20], [30]])
    locations = rng.normal(0, 2, (len(priors), 4)).astype(dtype)
    if coding == "linear":
        locations = np.abs(locations)
    marks = rng.normal(0, 2, (len(priors), 6)).astype(dtype)
    logits = rng.normal(0, 2, (len(priors), 4)).astype(dtype)
    background, activation = [("first", "softmax"), ("last", "softmax"), (None, "sigmoid")][seed % 3]
    options = [
        {"multi_label": True},
        {"class_agnostic": True, "max_output": 4},
        {"iou_threshold": None, "multi_label": True},
        {"max_candidates": 7, "multi_label": True},
        {"iou_threshold": 0.0},
        {"clip_to": (50, 40), "multi_label": True},
    ][seed]
    variances = (0.1, 0.2) if seed % 2 else (0.3, 0.25)
    found = heads_families.candidates(
        logits.tolist(), THRESHOLD, activation=activation, background=background,
        multi_label=options.get("multi_label", False),
    )  # fmt: skip
    found = heads_families.best(found, options.get("max_candidates"))
    boxes = heads_priors.decode_priors(locations.tolist(), priors.tolist(), variances=variances, coding=coding)
    points = heads_priors.decode_landmarks(marks.tolist(), priors.tolist(), variances=variances)
    mine = [inside(boxes[row], options.get("clip_to")) for row, _, _ in found]
    kept = heads_families.suppress(
        found, mine, options.get("iou_threshold", 0.5), class_agnostic=options.get("class_agnostic", False),
        max_output=options.get("max_output", 300),
    )  # fmt: skip
    result = unchanged(
        lambda *arrays: detutils.detections_from_priors(
            arrays[0], arrays[1], priors, variances=variances, coding=coding, keypoints=arrays[2], channels=channels,
            background=background, activation=activation, score_threshold=THRESHOLD, **options,
        ),
        *(laid_out(table, None, channels, guise) for table in (locations, logits, marks)),
    )  # fmt: skip
    check(result, found, mine, kept)
    expected = np.reshape([points[found[i][0]] for i in kept], (-1, 3, 2))
    tolerance = 1e-5 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(result.keypoints, expected, rtol=tolerance, atol=tolerance)


# ---- anchors ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("channels", ["first", "last"])
@pytest.mark.parametrize("guise", GUISES)
@each("seed", SEEDS)
def test_anchors_are_their_definition(channels: str, guise: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dtype = (np.float64, np.float32)[seed % 2]
    anchors, levels = detutils.pyramid_anchors((48, 48), (16, 32), scales=(1,))
    sizes = np.bincount(levels).tolist()
    classes, width = 3, (4, 4 * 3, 4 * 2)[seed % 3]
    background, activation = [(None, "sigmoid"), ("first", "softmax"), ("last", "softmax")][seed % 3]
    deltas = rng.normal(0, 2, (len(anchors), width)).astype(dtype)
    deltas[:, 2:] = np.minimum(deltas[:, 2:], 8)
    logits = rng.normal(0, 2, (len(anchors), classes)).astype(dtype)
    options = [
        {"multi_label": True, "max_per_level": 5},
        {"class_agnostic": True},
        {"multi_label": True, "max_candidates": 11},
        {"multi_label": True, "clamp": None},
        {"weights": (10, 10, 5, 5), "multi_label": True, "clip_to": (40, 44)},
        {"clamp": 0.5, "iou_threshold": None},
    ][seed]
    found = heads_families.candidates(
        logits.tolist(), THRESHOLD, activation=activation, background=background,
        multi_label=options.get("multi_label", False),
    )  # fmt: skip
    if "max_per_level" in options:
        parts = [[one for one in found if (one[0] >= sizes[0]) == late] for late in (False, True)]
        found = [one for part in parts for one in heads_families.best(part, options["max_per_level"])]
    found = heads_families.best(found, options.get("max_candidates"))
    rule = {name: options[name] for name in ("weights", "clamp") if name in options}
    boxes = coding.decode_boxes(deltas.tolist(), anchors.tolist(), **rule)
    mine = []
    for row, label, _ in found:
        first = 0 if width == 4 else 4 * (label + (background == "first" and width == 12))
        mine.append(inside(boxes[row][first : first + 4], options.get("clip_to")))
    kept = heads_families.suppress(
        found, mine, options.get("iou_threshold", 0.5), class_agnostic=options.get("class_agnostic", False)
    )
    split = [laid_out(t, None, channels, guise) for t in np.split(deltas, [sizes[0]])]
    marks = [laid_out(t, None, channels, guise) for t in np.split(logits, [sizes[0]])]
    common = {
        "background": background, "activation": activation, "channels": channels, "score_threshold": THRESHOLD,
        **options,
    }  # fmt: skip
    check(detutils.detections_from_anchors(split, marks, np.split(anchors, [sizes[0]]), **common), found, mine, kept)
    if "max_per_level" not in options:
        whole = [laid_out(table, None, channels, guise) for table in (deltas, logits)]
        check(unchanged(detutils.detections_from_anchors, *whole, anchors, **common), found, mine, kept)


def test_anchors_agree_with_decode_boxes_and_batched_nms() -> None:
    rng = np.random.default_rng(3)
    anchors = detutils.grid_anchors(detutils.cell_anchors([32, 64]) + 8, (8, 8), 16)
    deltas, scores = rng.normal(0, 0.5, (len(anchors), 4)), rng.random((len(anchors), 5))
    found = detutils.detections_from_anchors(deltas, scores, anchors, score_threshold=0.9, clip_to=(128, 128))
    boxes = detutils.clip_boxes_to_image(detutils.decode_boxes(deltas, anchors), (128, 128))
    keep = detutils.batched_nms(boxes, scores.max(axis=1), scores.argmax(axis=1), score_threshold=0.9, max_output=300)
    np.testing.assert_array_equal(found.boxes, boxes[keep])
    np.testing.assert_array_equal(found.scores, scores.max(axis=1)[keep])
    np.testing.assert_array_equal(found.labels, scores.argmax(axis=1)[keep])


# ---- queries ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("channels", ["first", "last"])
@pytest.mark.parametrize("guise", GUISES)
@pytest.mark.parametrize("box_format", ["cxcywh", "xyxy", "xywh"])
@pytest.mark.parametrize("normalized", [False, True])
def test_queries_are_their_definition(channels: str, guise: str, box_format: str, normalized: bool) -> None:
    rng = np.random.default_rng(5)
    corner = rng.uniform(0, 0.5, (20, 2))
    plain = np.concatenate([corner, corner + rng.uniform(0, 0.5, (20, 2))], axis=1) * [96, 64, 96, 64]
    boxes = detutils.box_convert(plain, "xyxy", box_format)
    boxes = boxes / [96, 64, 96, 64] if normalized else boxes
    logits = rng.normal(0, 2, (20, 4))
    for options in (
        {"activation": "softmax", "background": "last"},
        {"activation": "sigmoid", "multi_label": True, "max_output": 12},
        {"activation": "softmax", "background": "first", "iou_threshold": 0.3, "max_candidates": 9},
    ):
        found = heads_families.candidates(
            logits.tolist(), THRESHOLD,
            **{name: options[name] for name in ("activation", "background", "multi_label") if name in options},
        )  # fmt: skip
        found = heads_families.best(found, options.get("max_candidates"))
        mine = [plain[row].tolist() for row, _, _ in found]
        kept = heads_families.suppress(
            found, mine, options.get("iou_threshold"), max_output=options.get("max_output", 300)
        )
        result = unchanged(
            detutils.detections_from_queries, laid_out(boxes, None, channels, guise),
            laid_out(logits, None, channels, guise), box_format=box_format, normalized=normalized, input_size=(64, 96),
            channels=channels, score_threshold=THRESHOLD, **options,
        )  # fmt: skip
        check(result, found, mine, kept)
