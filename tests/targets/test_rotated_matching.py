"""Matching of rotated boxes: by its definition, and by the rules of upright ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import detutils
from detutils import match_boxes, rotated_box_convert, rotated_box_iou
from detutils.targets._kernels.matching import PAGE
from tests import cases
from tests.naive import anchors as naive_anchors, matching as naive

SQUARE = np.array([[0.0, 0, 10, 10, 0]])


def turned(n: int, seed: int, spread: float = 60.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = np.stack([*rng.uniform(0, spread, (2, n)), *rng.uniform(2, 40, (2, n)), rng.uniform(-200, 200, n)], axis=1)
    rows[rng.random(n) < 0.05, 3] = 0.0
    return rows


@cases.each("seed", range(cases.size(30, 8)))
def test_matching_is_its_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(0, cases.size(120, 40))), int(rng.integers(0, 7))
    boxes, objects, ignore = turned(n, seed), turned(m, seed + 500), turned(int(rng.integers(0, 3)), seed + 900)
    if m and n > 4:
        boxes[: n // 4] = objects[rng.integers(0, m, n // 4)] + rng.normal(0, 0.5, (n // 4, 5)).clip(0)
    high, angle = float(rng.choice([0.2, 0.4, 0.6])), str(rng.choice(["ccw-deg", "cw-deg", "ccw-rad", "cw-rad"]))
    options: dict[str, Any] = {
        "high": high, "low": high * float(rng.choice([0, 0.5, 1])), "low_quality": bool(seed % 2),
        "crowd": None if seed % 3 else rng.random(m) < 0.4, "ignore": ignore,
        "ignore_threshold": float(rng.choice([0.3, 0.6])), "angle": angle,
    }  # fmt: skip
    matches = cases.unchanged(match_boxes, boxes, objects, **options)
    options["ignore"] = ignore.tolist()
    options["crowd"] = None if options["crowd"] is None else options["crowd"].tolist()
    matched, ious, labels = naive.match_boxes(boxes.tolist(), objects.tolist(), **options)
    np.testing.assert_allclose(matches.ious, ious, atol=1e-12)
    assert matches.matched.tolist() == matched
    assert matches.labels.tolist() == labels


def by_matrix(boxes: np.ndarray, objects: np.ndarray, high: float, low: float, ignore: np.ndarray, part: float) -> Any:
    """With ``low_quality``, from whole matrices of our own."""
    solid = np.flatnonzero((objects[:, 2:4] > 0).all(axis=1))
    ious = rotated_box_iou(boxes, objects[solid])
    best = ious.max(axis=1)
    labels = np.where(best >= high, 1, np.where(best < low, 0, -1))
    peaks = ious.max(axis=0)
    labels[((ious == peaks) & (peaks > 0)).any(axis=1)] = 1
    covered = rotated_box_iou(boxes, ignore, metric="ioa").max(axis=1)
    return solid[ious.argmax(axis=1)], best, np.where((labels != 1) & (covered >= part), -1, labels)


@pytest.mark.parametrize("far", [0.0, 1e7])
@pytest.mark.parametrize("n", [1, 15, 16, 17, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 3 * PAGE + 33])
def test_matching_is_that_of_the_matrix_to_the_last_bit(n: int, far: float) -> None:
    n = cases.size(n, min(n, PAGE + 20))
    for seed, spread in ((n, 80.0), (n + 1, 600.0)):
        boxes, objects, ignore = turned(n, seed, spread), turned(12, seed + 99, spread), turned(3, seed + 7, spread)
        boxes[n // 2 :: 3] = boxes[0]  # equally good ones, in several pages
        for rows in (boxes, objects, ignore):
            rows[:, :2] += far
        options: dict[str, Any] = {"low_quality": True, "ignore": ignore, "ignore_threshold": 0.4}
        matches = match_boxes(boxes, objects, 0.5, 0.2, angle="ccw-deg", **options)
        for ours, theirs in zip(matches, by_matrix(boxes, objects, 0.5, 0.2, ignore, 0.4), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("quarters", [0, 1, 2, -5])
def test_axis_parallel_ones_match_as_upright_ones_do(quarters: int) -> None:
    for seed in range(cases.size(12, 4)):
        boxes, objects = (cases.whole_boxes(k, seed + k, side=40) for k in (300, 9))
        crowd = np.arange(9) % 4 == 3
        wanted = match_boxes(boxes, objects, 0.5, 0.25, low_quality=True, crowd=crowd, ignore=boxes[:2])
        rows, things = (rotated_box_convert(rows, "xyxy", "ccw-deg") for rows in (boxes, objects))
        for array in (rows, things):
            array[:, 4] = 90 * quarters
            if quarters % 2:
                array[:, 2:4] = array[:, [3, 2]]
        matches = match_boxes(
            rows, things, 0.5, 0.25, low_quality=True, crowd=crowd, ignore=rows[:2], angle="ccw-deg"
        )
        for ours, theirs in zip(matches, wanted, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_all_spellings_match_alike() -> None:
    boxes, objects = turned(200, 1), turned(6, 2)
    wanted = match_boxes(boxes, objects, 0.4, low_quality=True, angle="ccw-deg")
    for angle in ("cw-deg", "ccw-rad", "cw-rad"):
        same = [rotated_box_convert(rows, "ccw-deg", angle) for rows in (boxes, objects)]  # type: ignore[arg-type]
        matches = match_boxes(*same, 0.4, low_quality=True, angle=angle)  # type: ignore[arg-type]
        np.testing.assert_array_equal(matches.matched, wanted.matched)
        np.testing.assert_array_equal(matches.labels, wanted.labels)
        np.testing.assert_allclose(matches.ious, wanted.ious, atol=1e-13)
    boxes[:, 4] += 180
    again = match_boxes(boxes[:, [0, 1, 2, 3, 4]], objects, 0.4, low_quality=True, angle="ccw-deg")
    np.testing.assert_array_equal(again.labels, wanted.labels)


def test_ties_and_exact_thresholds() -> None:
    half = np.array([[0.0, 2.5, 10, 5, 0], [0, -2.5, 5, 10, 90], [0, 0, 10, 3, 0], [90, 90, 1, 1, 0]])
    assert match_boxes(half, SQUARE, 0.5, angle="cw-deg").labels.tolist() == [1, 1, 0, 0]
    assert match_boxes(half, SQUARE, np.nextafter(0.5, 1), angle="cw-deg").labels.tolist() == [0, 0, 0, 0]
    assert match_boxes(half, SQUARE, 0.7, 0.5, angle="cw-deg").labels.tolist() == [-1, -1, 0, 0]
    quality = match_boxes(half, SQUARE, 0.9, 0.6, low_quality=True, angle="cw-deg")
    assert quality.labels.tolist() == [1, 1, 0, 0]
    assert match_boxes(SQUARE, np.vstack([SQUARE, SQUARE]), angle="cw-deg").matched.tolist() == [0]
    region: dict[str, Any] = {"ignore": half[:1], "ignore_threshold": 0.5, "angle": "cw-deg"}
    assert match_boxes(SQUARE, np.empty((0, 5)), **region).labels.tolist() == [-1]
    region["ignore_threshold"] = np.nextafter(0.5, 1)
    assert match_boxes(SQUARE, np.empty((0, 5)), **region).labels.tolist() == [0]
    far = [[500, 0, 10, 10, 30]]
    assert match_boxes(far, SQUARE, 0.0, angle="cw-deg").labels.tolist() == [1]
    assert match_boxes(SQUARE, far, 0.5, low_quality=True, angle="cw-deg").labels.tolist() == [0]


def test_boxes_that_hardly_meet() -> None:
    """Corners that touch, and one step of the numbers further in or out, in a page of other boxes."""
    boxes = np.tile([[1000.0, 1000, 5, 5, 45]], (PAGE + 1, 1))
    boxes[20] = [0, 0, 10, 10, 45]
    reach = 10 * np.sqrt(2)
    for x in (reach, np.nextafter(reach, 0), reach - 1e-9, np.nextafter(reach, 99), reach + 1e-9):
        thing = np.array([[x, 0, 10, 10, 45]])
        options: dict[str, Any] = {"ignore": thing, "ignore_threshold": 1e-300, "low_quality": True}
        matches = match_boxes(boxes, thing, 0.5, angle="cw-deg", **options)
        iou = rotated_box_iou(boxes[20:21], thing, angle="cw-deg")[0, 0]
        assert matches.ious[20] == iou
        assert matches.labels[20] == (1 if iou > 0 else 0)
        assert not matches.ious[np.arange(PAGE + 1) != 20].any()


@pytest.mark.parametrize("slot", [0, 7, 14, 15, 16, PAGE - 1])
def test_one_box_of_a_page_in_every_place_of_a_block(slot: int) -> None:
    boxes = np.tile([[1000.0, 1000, 5, 5, 45]], (PAGE, 1))
    boxes[slot] = [3, 3, 10, 10, 30]
    ious = match_boxes(boxes, SQUARE, angle="cw-deg").ious
    assert np.flatnonzero(ious).tolist() == [slot]


def test_nothing_to_match() -> None:
    for empty in ([], np.empty((0, 5)), np.empty((0, 5), np.float32)):
        matches = match_boxes(empty, SQUARE, low_quality=True, crowd=[False], ignore=[], angle="cw-rad")
        assert [array.shape for array in matches] == [(0,)] * 3
        alone = match_boxes(SQUARE, empty, low_quality=True, angle="cw-rad")
        assert (alone.matched.tolist(), alone.ious.tolist(), alone.labels.tolist()) == ([-1], [0.0], [0])


def test_long_work_goes_on_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes, objects = turned(cases.size(5 * PAGE, PAGE + 5), 1), turned(5, 2)
    options: dict[str, Any] = {"low_quality": True, "ignore": turned(2, 3), "angle": "ccw-deg"}
    whole = match_boxes(boxes, objects, 0.3, 0.1, **options)
    monkeypatch.setattr("detutils.targets.matching._ROTATED_PAIRS", 1)
    for ours, theirs in zip(match_boxes(boxes, objects, 0.3, 0.1, **options), whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@cases.each("form", cases.GOOD_FORMS)
def test_matching_takes_any_form(form: str) -> None:
    boxes, objects = np.round(turned(40, 1)), np.round(turned(5, 2))
    wrap = cases.GOOD_FORMS[form]
    if form.startswith(("uint", "unsigned")):
        boxes, objects = np.abs(boxes), np.abs(objects)
    expected = match_boxes(boxes, objects, 0.3, 0.1, low_quality=True, ignore=objects[:2], angle="ccw-deg")
    result = match_boxes(
        wrap(boxes), wrap(objects), 0.3, 0.1, low_quality=True, ignore=wrap(objects[:2]), angle="ccw-deg"
    )
    for ours, theirs in zip(result, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        ((SQUARE, SQUARE), {"angle": None}, ValueError, r"boxes must have shape \(N, 4\), got \(1, 5\)"),
        ((SQUARE[:, :4], SQUARE), {}, ValueError, r"boxes must have shape \(N, 5\), cx, cy, w, h, angle, got \(1, 4\)"),
        ((SQUARE, SQUARE[:, :4]), {}, ValueError, r"objects must have shape \(N, 5\)"),
        ((SQUARE, SQUARE), {"ignore": SQUARE[:, :4]}, ValueError, r"ignore must have shape \(N, 5\)"),
        ((-SQUARE, SQUARE), {}, ValueError, r"boxes\[0\] has a negative width or height"),
        ((SQUARE, SQUARE * np.nan), {}, ValueError, r"objects\[0\] is not finite"),
        ((SQUARE, SQUARE), {"offset": 1}, ValueError, "offset must be 0 for rotated boxes"),
        ((SQUARE, SQUARE), {"angle": "left"}, ValueError, "angle must be one of 'ccw-deg'"),
        ((SQUARE, SQUARE), {"angle": 1}, TypeError, "angle"),
        ((SQUARE, SQUARE), {"low": 0.7}, ValueError, "low must be at most high"),
    ],
)
def test_what_is_refused(arguments: Any, options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        match_boxes(*arguments, **{"angle": "cw-deg", **options})


# ---- anchors -----------------------------------------------------------------------------------


def test_a_grid_of_rotated_anchors_in_any_order() -> None:
    steps = cases.size(24, 8)
    shapes = detutils.rotated_anchors([24, 48], (0.5, 1, 2))
    anchors = detutils.grid_anchors(shapes + [8, 8, 0, 0, 0], (steps, steps), 16, angle="ccw-deg")
    objects = np.array([[70, 80, 60, 25, 33], [40, 40, 20, 22, -80], [100, 90, 50, 14, 140], [9000, 0, 9, 9, 9.0]])
    matches = match_boxes(anchors, objects, 0.6, 0.3, low_quality=True, angle="ccw-deg")
    table = rotated_box_iou(anchors, objects)
    np.testing.assert_array_equal(matches.ious, table.max(axis=1))
    np.testing.assert_array_equal(matches.matched, table.argmax(axis=1))
    shuffle = np.random.default_rng(0).permutation(len(anchors))
    again = match_boxes(anchors[shuffle], objects, 0.6, 0.3, low_quality=True, angle="ccw-deg")
    for ours, theirs in zip(again, matches, strict=True):
        np.testing.assert_array_equal(ours, theirs[shuffle])


def test_anchors_are_their_definition() -> None:
    cases_of: Any = (([32, 64.5], [0.5, 1, 2], [-90, 0, 7.25]), ([1e-3, 1e9], [10], [1e6]), ([7], [1], []))
    for sizes, ratios, angles in cases_of:
        anchors = cases.unchanged(detutils.rotated_anchors, np.array(sizes, float), ratios, angles)
        wanted = np.array(naive_anchors.rotated_anchors(sizes, ratios, angles)).reshape(-1, 5)
        np.testing.assert_allclose(anchors, wanted, rtol=1e-15)
        assert anchors.dtype == np.float64
    for empty in (([], [1], [0]), ([1], [], [0]), ([1], [1], [])):
        assert detutils.rotated_anchors(*empty).shape == (0, 5)


def test_the_directions_left_out_are_the_same_in_every_spelling() -> None:
    degrees = detutils.rotated_anchors([32])
    assert degrees[:6, 4].tolist() == [-90, -60, -30, 0, 30, 60]
    assert len(degrees) == 18
    radians = detutils.rotated_anchors([32], angle="cw-rad")
    np.testing.assert_allclose(np.degrees(radians[:, 4]), degrees[:, 4], atol=1e-12)
    overlap = rotated_box_iou(degrees, degrees)
    assert (overlap > 1 - 1e-12).sum(axis=1).tolist() == [2] * 18  # by a quarter turn: squares, and 2 of 1/2


@pytest.mark.parametrize("stride", [16, (8.0, 12.5)])
@pytest.mark.parametrize("grid", [(3, 4), (1, 1), (0, 4), (3, 0)])
def test_grids_of_rotated_anchors_are_their_definition(grid: tuple[int, int], stride: Any) -> None:
    base = turned(3, 1)
    anchors = cases.unchanged(detutils.grid_anchors, base, grid_size=grid, stride=stride, angle="cw-rad")
    wanted = np.array(naive_anchors.grid_anchors(base.tolist(), grid, stride)).reshape(-1, 5)
    np.testing.assert_array_equal(anchors, wanted)
    short = detutils.grid_anchors(base.astype(np.float32), grid, stride, angle="cw-rad")
    exact = naive_anchors.grid_anchors(base.astype(np.float32).astype(float).tolist(), grid, stride)
    assert short.dtype == np.float32
    np.testing.assert_array_equal(short, np.array(exact, np.float32).reshape(-1, 5))
    assert detutils.grid_anchors(np.empty((0, 5)), (2, 2), 16, angle="cw-deg").shape == (0, 5)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: detutils.rotated_anchors([0]), ValueError, "sizes"),
        (lambda: detutils.rotated_anchors([1], [-1]), ValueError, "ratios"),
        (lambda: detutils.rotated_anchors([1], [1], [np.nan]), ValueError, r"angles\[0\] is not finite"),
        (lambda: detutils.rotated_anchors([1], [1], [[0]]), ValueError, r"angles must have shape \(N,\)"),
        (lambda: detutils.rotated_anchors([1], [1], ["0"]), TypeError, "angles must hold real numbers"),
        (lambda: detutils.rotated_anchors([1], angle="deg"), ValueError, "angle must be one of"),  # type: ignore[arg-type]
        (lambda: detutils.grid_anchors(SQUARE, (1, 1), 1), ValueError, r"base_anchors must have shape \(N, 4\)"),
        (lambda: detutils.grid_anchors(SQUARE[:, :4], (1, 1), 1, angle="cw-deg"), ValueError, r"shape \(N, 5\)"),
        (lambda: detutils.grid_anchors(-SQUARE, (1, 1), 1, angle="cw-deg"), ValueError, r"base_anchors\[0\] has a neg"),
    ],
)  # fmt: skip
def test_what_anchors_are_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
