"""Rotated boxes: their forms, and their overlaps against 60 digits and against plain polygons."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest

import detutils
from detutils.geometry._kernels import rotated_overlaps as kernels
from tests.cases import size
from tests.geometry.rotated_pairs import KINDS, exact_areas, exact_iou, pairs
from tests.naive import rotated as naive

MEASURES = ("iou", "ioa", "ios", "giou")
ANGLES = ("ccw-deg", "cw-deg", "ccw-rad", "cw-rad")
DEEP = int(os.environ.get("DETUTILS_DEEP") or 0)  # 1 takes a million pairs


def some(rng: np.random.Generator, n: int, side: float = 100.0) -> np.ndarray:
    return np.stack([*rng.uniform(0, side, (2, n)), *np.exp(rng.uniform(1, 4, (2, n))), rng.uniform(-400, 400, n)], 1)


@pytest.mark.parametrize("kind", KINDS)
def test_iou_is_right_to_the_last_digits(kind: str) -> None:
    """One in 1e12 is the bound that a decision may ask for; what is seen is 2e-15."""
    rng = np.random.default_rng([KINDS.index(kind), 7])
    n = 1_000_000 // len(KINDS) + 1 if DEEP else size(60, 8)
    for start in range(0, n, 1000):
        a, b = pairs(kind, rng, min(1000, n - start))
        exact = np.array([exact_iou(*pair) for pair in zip(a, b, strict=True)])
        found = detutils.aligned_rotated_box_iou(a, b, angle="cw-deg")
        worst = int(np.abs(found - exact).argmax())
        assert abs(found[worst] - exact[worst]) <= 5e-15, (kind, start, a[worst].tolist(), b[worst].tolist())


@pytest.mark.parametrize("kind", ["random", "thin_jittered", "thin_at_half_degrees", "quarter_turn", "tiny_angle"])
def test_radians_are_as_exact(kind: str) -> None:
    a, b = pairs(kind, np.random.default_rng(12), size(200, 25))
    for turns in (0, 1000, -160_000):
        first, second = (np.column_stack([boxes[:, :4], np.radians(boxes[:, 4])]) for boxes in (a, b))
        second[:, 4] += 2 * math.pi * turns
        exact = np.array([exact_iou(*pair, radians=True) for pair in zip(first, second, strict=True)])
        found = detutils.aligned_rotated_box_iou(first, second, angle="cw-rad")
        assert found == pytest.approx(exact, rel=0, abs=5e-15)


def test_boxes_apart_share_nothing() -> None:
    """Not even what rounding would leave: at a threshold of 0 that would be decisive."""
    rng = np.random.default_rng(21)
    a, b = some(rng, size(20_000, 300)), some(rng, size(20_000, 300))
    b[:, :2] = a[:, :2] + rng.normal(0, 1, (len(a), 2)) * (a[:, 2:4] + b[:, 2:4])
    a[::3, 3] = 0.5
    found = detutils.aligned_rotated_box_iou(a, b)
    for row in np.flatnonzero(found < 1e-12)[: size(2000, 60)]:
        mirrored = [np.array([*boxes[row, :4], -boxes[row, 4]]) for boxes in (a, b)]
        assert (found[row] > 0) == (exact_iou(*mirrored) > 0), (a[row].tolist(), b[row].tolist())


def test_corners_beside_a_side_share_nothing() -> None:
    """A corner of one box points at a side of the other: of edges that the window cuts, rounding leaves something."""
    rng = np.random.default_rng(5)
    n = size(20_000, 3000)
    a, b = some(rng, n), some(rng, n)
    ax, ay, bx, by = (
        np.stack([np.cos(turn), np.sin(turn)], 1)
        for boxes in (a, b)
        for turn in (np.radians(boxes[:, 4]), np.radians(boxes[:, 4] + 90.0))
    )
    reach = 0.5 * (abs((ax * bx).sum(1)) * a[:, 2] + abs((ay * bx).sum(1)) * a[:, 3] + b[:, 2])
    gap = 10.0 ** rng.uniform(-10, -1, n)  # far more than rounding
    place = bx * (reach + gap)[:, None] + by * (rng.uniform(-0.5, 0.5, n) * b[:, 3])[:, None]
    a[:, :2] = b[:, :2] + place
    assert not detutils.aligned_rotated_box_iou(a, b, angle="cw-deg").any()
    assert not detutils.aligned_rotated_box_iou(b, a, angle="cw-deg").any()
    a[:, :2] -= bx * (gap + 1e-3)[:, None]
    assert (detutils.aligned_rotated_box_iou(a, b, angle="cw-deg") > 0).mean() > 0.4  # so they nearly touched


def test_axes_may_be_square() -> None:
    """Prepared boxes a quarter of a turn apart, to the last bit. Angles in degrees never are, nor those in radians of
    few turns: quarters are taken out. Of 1e4 turns and more the count of the quarters is itself rounded.
    """
    rng = np.random.default_rng(9)
    first, second = (np.zeros((50, 8)) for _ in range(2))
    for boxes in (first, second):
        boxes[:, :2], boxes[:, 2:4] = rng.uniform(0, 30, (50, 2)), rng.uniform(2, 20, (50, 2))
    first[:, 4] = second[:, 4] = 1.0
    expected, found = np.empty(50), np.empty(50)
    kernels.aligned(kernels.IOU, first, second, expected)
    assert (expected > 0).sum() > 20
    for turn in (1.0, -1.0):
        turned = second.copy()
        turned[:, 2], turned[:, 3], turned[:, 4], turned[:, 6] = second[:, 3], second[:, 2], 0.0, turn
        kernels.aligned(kernels.IOU, first, turned, found)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)


def test_a_box_inside_another_shares_no_more_than_itself() -> None:
    """Rounding makes a quarter of these areas larger than the box by a digit; a share above 1 would be no share."""
    rng = np.random.default_rng(5)
    count = size(400, 120)
    outer = np.column_stack([
        rng.uniform(-50, 50, (count, 2)), rng.uniform(1, 40, (count, 2)), rng.uniform(-180, 180, count),
    ])  # fmt: skip
    inner = outer.copy()
    inner[:, 2:4] = rng.uniform(0.1, 0.6, (count, 2)) * outer[:, 2:4].min(axis=1)[:, None]
    inner[:, 4] = rng.uniform(-180, 180, count)
    shares = detutils.aligned_rotated_box_iou(inner, outer, angle="ccw-deg", metric="ioa")
    assert shares.max() == 1.0
    np.testing.assert_allclose(shares, 1.0, rtol=0, atol=1e-15)


def test_smaller_areas_are_right_as_well() -> None:
    """What a tiny box shares with a huge one, relative to the tiny one."""
    a, b = pairs("tiny_in_huge", np.random.default_rng(3), size(60, 8))
    for metric in ("ios", "ioa"):
        found = detutils.aligned_rotated_box_iou(a, b, angle="cw-deg", metric=metric)
        for row, pair in enumerate(zip(a, b, strict=True)):
            common, area, other = exact_areas(*pair)
            divisor = area if metric == "ioa" else min(area, other)
            assert found[row] == pytest.approx(float(common / divisor), abs=1e-11)


@pytest.mark.parametrize("metric", MEASURES)
@pytest.mark.parametrize("angle", ANGLES)
def test_every_measure_is_its_definition(angle: str, metric: str) -> None:
    rng = np.random.default_rng(5)
    a, b = some(rng, size(48, 9)), some(rng, size(55, 8))
    expected = naive.rotated_box_iou(a.tolist(), b.tolist(), angle=angle, metric=metric)
    found = detutils.rotated_box_iou(a, b, angle=angle, metric=metric)
    assert found == pytest.approx(np.array(expected), abs=1e-11)
    few = detutils.rotated_box_iou(a[:6], b[:5], angle=angle, metric=metric)
    assert np.array_equal(few, found[:6, :5])
    n = min(len(a), len(b))
    assert np.array_equal(detutils.aligned_rotated_box_iou(a[:n], b[:n], angle=angle, metric=metric), np.diag(found))


@pytest.mark.parametrize("metric", ["iou", "ios", "giou"])
@pytest.mark.parametrize("kind", KINDS)
def test_exchange_transposes_to_the_last_bit(kind: str, metric: str) -> None:
    a, b = pairs(kind, np.random.default_rng(1), size(40, 6))
    found = detutils.rotated_box_iou(a, b, metric=metric)
    assert np.array_equal(found, detutils.rotated_box_iou(b, a, metric=metric).T)


def test_spellings_of_one_rectangle_are_one_box() -> None:
    rng = np.random.default_rng(2)
    boxes = np.round(some(rng, 12), 3)
    for turns, swap in ((1, False), (-3, False), (0.5, False), (0.25, True), (-0.75, True)):
        other = boxes[:, [0, 1, 3, 2, 4]] if swap else boxes.copy()
        other[:, 4] = np.round(other[:, 4] * 8) / 8
        same = boxes.copy()
        same[:, 4] = other[:, 4]
        other[:, 4] += 360 * turns
        assert np.array_equal(detutils.aligned_rotated_box_iou(same, other), np.ones(12))
        assert np.array_equal(detutils.rotated_box_iou(same, boxes), detutils.rotated_box_iou(other, boxes))


def test_blocks_and_slices_leave_no_pair_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boxes that touch at their upright hulls' edges, more than one block of them, and every slice of rows."""
    rng = np.random.default_rng(9)
    a, b = some(rng, size(150, 20), 400.0), some(rng, size(170, 70), 400.0)
    whole = detutils.rotated_box_iou(a, b)
    rows = detutils.aligned_rotated_box_iou(np.repeat(a, len(b), axis=0), np.tile(b, (len(a), 1)))
    assert np.array_equal(whole.ravel(), rows)
    monkeypatch.setattr("detutils.geometry.rotated_overlaps._PAIRS_A_SLICE", 1000)
    for workers in (1, 3):
        assert np.array_equal(detutils.rotated_box_iou(a, b, workers=workers), whole)
    out = np.full(whole.shape, np.nan)
    assert detutils.rotated_box_iou(a, b, out=out) is out
    assert np.array_equal(out, whole)
    short = detutils.rotated_box_iou(a.astype(np.float32), b.astype(np.float32))
    assert short.dtype == np.float32
    assert short == pytest.approx(whole, abs=1e-4)


@pytest.mark.parametrize("t", [0.0, 30.0, 45.0, 89.0])
def test_hulls_that_just_meet(t: float) -> None:
    """The upright hulls overlap by a billionth of a side, at the corners of both boxes, far from the origin too."""
    for far in (0.0, 1e4, 1e7):
        c, s = abs(math.cos(math.radians(t))), abs(math.sin(math.radians(t)))
        reach = 10 * c + 4 * s
        a, b = [[far, 0, 20, 8, t]], [[far + 2 * reach * (1 - 1e-9), 0, 20, 8, t]]
        exact = exact_iou(np.array([*a[0][:4], -t]), np.array([*b[0][:4], -t]))
        assert detutils.rotated_box_iou(a, b)[0, 0] == pytest.approx(exact, abs=1e-15)


@pytest.mark.parametrize("metric", MEASURES)
def test_quadrilaterals_are_their_definition(metric: str) -> None:
    rng = np.random.default_rng(11)

    def quads(n: int) -> np.ndarray:
        around = np.sort(rng.uniform(0, 2 * math.pi, (n, 4)), axis=1)[:, :: rng.choice([1, -1])]
        center = rng.uniform(0, 60, (n, 1))
        points = np.stack([center + 30 * np.cos(around), rng.uniform(0, 60, (n, 1)) + 20 * np.sin(around)], 2)
        return points.reshape(n, 8)

    a, b = quads(size(60, 8)), quads(size(50, 9))
    found = detutils.quadrilateral_iou(a, b, metric=metric)
    assert found == pytest.approx(np.array(naive.quadrilateral_iou(a.tolist(), b.tolist(), metric=metric)), abs=1e-11)
    n = min(len(a), len(b))
    assert np.array_equal(detutils.aligned_quadrilateral_iou(a[:n], b[:n], metric=metric), np.diag(found))
    if metric != "ioa":
        assert np.array_equal(found, detutils.quadrilateral_iou(b, a, metric=metric).T)
    assert np.array_equal(detutils.quadrilateral_iou(a, b, metric=metric, workers=2), found)


def test_quadrilaterals_that_are_rectangles_agree_with_rotated_boxes() -> None:
    for kind in ("random", "jittered", "shared_edge", "identical", "square_turned"):
        a, b = pairs(kind, np.random.default_rng(4), size(60, 8))
        quads = (detutils.rotated_box_convert(boxes, "cw-deg", "corners") for boxes in (a, b))
        found = detutils.aligned_quadrilateral_iou(*quads)
        assert found == pytest.approx(detutils.aligned_rotated_box_iou(a, b, angle="cw-deg"), abs=1e-11)


@pytest.mark.parametrize("birds_eye", [False, True])
@pytest.mark.parametrize("metric", ["iou", "ioa", "ios"])
def test_cuboids_are_their_definition(metric: str, birds_eye: bool) -> None:
    rng = np.random.default_rng(6)
    a, b = (
        np.column_stack([rng.uniform(0, 9, (n, 3)), rng.uniform(1, 6, (n, 3)), rng.uniform(-7, 7, n)])
        for n in (size(40, 7), size(30, 6))
    )
    b[0, 5] = b[1, 3] = 0.0
    found = detutils.cuboid_iou(a, b, metric=metric, birds_eye=birds_eye)
    expected = naive.cuboid_iou(a.tolist(), b.tolist(), metric=metric, birds_eye=birds_eye)
    assert found == pytest.approx(np.array(expected), abs=1e-11)


@pytest.mark.parametrize("read", ANGLES)
@pytest.mark.parametrize("write", ANGLES)
def test_conversions_keep_the_rectangle(read: str, write: str) -> None:
    rng = np.random.default_rng(8)
    boxes = some(rng, 30)
    boxes[:, 4] = boxes[:, 4] if read.endswith("deg") else np.radians(boxes[:, 4])
    found = detutils.rotated_box_convert(boxes, read, write)
    half = 90.0 if write.endswith("deg") else math.pi / 2
    assert (found[:, 4] >= -half).all()
    assert (found[:, 4] < half).all()
    corners = detutils.rotated_box_convert(boxes, read, "corners")
    for row in range(len(boxes)):
        expected = [value for point in naive.corners(boxes[row].tolist(), read) for value in point]
        assert corners[row] == pytest.approx(expected, abs=1e-10)
        assert sorted(naive.corners(found[row].tolist(), write)) == [
            pytest.approx(point, abs=1e-9) for point in sorted(naive.corners(boxes[row].tolist(), read))
        ]
    back = detutils.rotated_box_convert(corners, "corners", write)
    assert back[:, :4] == pytest.approx(found[:, :4], abs=1e-9)
    turn = np.abs(back[:, 4] - found[:, 4])
    assert np.minimum(turn, 2 * half - turn) == pytest.approx(np.zeros(30), abs=1e-8)
    hulls = detutils.rotated_box_convert(boxes, read, "xyxy")
    assert np.array_equal(hulls[:, 2], corners[:, 0::2].max(axis=1))


def test_upright_boxes_there_and_back() -> None:
    boxes = np.array([[10.0, 20, 50, 80], [0, 0, 0, 0]])
    turned = detutils.rotated_box_convert(boxes, "xyxy", "ccw-deg")
    assert turned.tolist() == [[30, 50, 40, 60, 0], [0, 0, 0, 0, 0]]
    assert np.array_equal(detutils.rotated_box_convert(turned, "ccw-deg", "xyxy"), boxes)
    assert detutils.rotated_box_iou(turned[:1], turned[:1] + [[20, 0, 0, 0, 0]]) == pytest.approx(
        detutils.box_iou(boxes[:1], boxes[:1] + [[20.0, 0, 20, 0]])
    )


def test_the_senses_are_those_of_their_systems() -> None:
    """Of a wide box turned a little clockwise, the right end is the lower one."""
    corners = detutils.rotated_box_convert([[0, 0, 10, 2, 20]], "cw-deg", "corners")[0]
    assert corners[3] > corners[1]
    corners = detutils.rotated_box_convert([[0, 0, 10, 2, 20]], "ccw-deg", "corners")[0]
    assert corners[3] < corners[1]
    apart = detutils.rotated_box_iou([[0, 0, 40, 10, 30]], [[10, 10, 40, 10, 30]], angle="cw-deg")
    assert abs(apart - detutils.rotated_box_iou([[0, 0, 40, 10, 30]], [[10, 10, 40, 10, 30]]))[0, 0] > 0.25


@pytest.mark.parametrize("n", [1, 2, 3, 4, 20, 300])
def test_no_rectangle_around_points_is_smaller(n: int) -> None:
    rng = np.random.default_rng(n)
    for points in (rng.uniform(0, 100, (n, 2)), rng.integers(0, 9, (n, 2)) * 1.0, rng.normal(1e6, 1, (n, 2))):
        cx, cy, w, h, angle = detutils.minimum_area_rectangle(points, angle="cw-rad")
        c, s = math.cos(angle), math.sin(angle)
        x, y = (points - [cx, cy]) @ [[c, -s], [s, c]] @ np.eye(2)[0], (points - [cx, cy]) @ [-s, c]
        assert w >= h
        assert max(np.abs(x).max() - w / 2, np.abs(y).max() - h / 2) <= 1e-8
        for edge in range(180):
            c, s = math.cos(math.pi * edge / 180), math.sin(math.pi * edge / 180)
            assert np.ptp(points @ [c, s]) * np.ptp(points @ [-s, c]) >= w * h * (1 - 1e-9) - 1e-9
        ends = naive.hull([tuple(point) for point in points.tolist()])
        for k in range(len(ends) if n > 2 else 0):  # the definition: the best of those along an edge
            u = np.subtract(ends[k], ends[k - 1]) / max(math.dist(ends[k], ends[k - 1]), 1e-300)
            assert np.ptp(points @ u) * np.ptp(points @ [-u[1], u[0]]) >= w * h * (1 - 1e-9) - 1e-9


def test_four_corners_that_make_no_rectangle() -> None:
    quad = [[0.0, 0, 10, 1, 9, 6, 1, 5]]
    found = detutils.rotated_box_convert(quad, "corners", "cw-rad")
    assert np.array_equal(found[0], detutils.minimum_area_rectangle(np.reshape(quad, (4, 2)), angle="cw-rad"))


def test_nothing_gives_nothing() -> None:
    none = np.empty((0, 5))
    assert detutils.rotated_box_iou(none, [[0, 0, 1, 1, 0]]).shape == (0, 1)
    assert detutils.rotated_box_iou([], []).shape == (0, 0)
    assert detutils.aligned_rotated_box_iou(none, none).shape == (0,)
    assert detutils.quadrilateral_iou(np.empty((0, 8)), []).shape == (0, 0)
    assert detutils.cuboid_iou([], np.ones((3, 7))).shape == (0, 3)
    assert detutils.rotated_box_convert([], "cw-rad", "corners").shape == (0, 8)
    assert detutils.rotated_box_convert(np.empty((0, 8)), "corners", "xyxy").shape == (0, 4)


BAD = {
    "width": ([[0, 0, -1, 1, 0]], "boxes1[0] has a negative width or height: [0, 0, -1, 1, 0]"),
    "nan": ([[0, 0, 1, 1, 0], [0, np.nan, 1, 1, 0]], "boxes1[1] is not finite"),
    "angle": ([[0, 0, 1, 1, np.inf]], "boxes1[0] is not finite"),
    "far": ([[1e151, 0, 1, 1, 0]], "boxes1[0] has a number beyond 1e+150"),
    "upright": ([[0, 0, 1, 1]], "boxes1 must have shape (N, 5), cx, cy, w, h, angle, got (1, 4) (upright boxes become"),
    "shape": ([0, 0, 1, 1, 0], "boxes1 must have shape (N, 5), cx, cy, w, h, angle, got (5,)"),
}


@pytest.mark.parametrize("case", sorted(BAD))
@pytest.mark.parametrize("function", [detutils.rotated_box_iou, detutils.aligned_rotated_box_iou])
def test_bad_rows(function, case: str) -> None:
    boxes, text = BAD[case]
    with pytest.raises(ValueError) as caught:
        function(boxes, [[0, 0, 1, 1, 0]])
    assert text in str(caught.value)


def test_bad_options() -> None:
    box, quad = [[0, 0, 1, 1, 0]], [[0, 0, 1, 0, 1, 1, 0, 1]]
    with pytest.raises(ValueError, match="angle must be"):
        detutils.rotated_box_iou(box, box, angle="deg")
    with pytest.raises(ValueError, match="metric must be"):
        detutils.rotated_box_iou(box, box, metric="diou")
    with pytest.raises(ValueError, match="same length, got 1 and 2"):
        detutils.aligned_rotated_box_iou(box, box * 2)
    with pytest.raises(ValueError, match="same length, got 1 and 2"):
        detutils.aligned_quadrilateral_iou(quad, quad * 2)
    with pytest.raises(ValueError, match=r"boxes2\[0\] is not finite"):
        detutils.rotated_box_iou(box, [[0, 0, 1, np.nan, 0]])
    with pytest.raises(ValueError, match=r"boxes1\[1\] does not go around a convex quadrilateral"):
        detutils.quadrilateral_iou([*quad, [0, 0, 1, 1, 1, 0, 0, 1]], quad)
    with pytest.raises(ValueError, match=r"boxes1\[0\] has a coordinate beyond"):
        detutils.quadrilateral_iou([[0, 0, 1e151, 0, 1, 1, 0, 1]], quad)
    with pytest.raises(ValueError, match=r"boxes1\[0\] has a negative side"):
        detutils.cuboid_iou([[0, 0, 0, 1, 1, -1, 0]], [])
    with pytest.raises(ValueError, match=r"boxes2\[0\] is not finite"):
        detutils.cuboid_iou([], [[0, 0, 0, 1, 1, 1, np.nan]])
    with pytest.raises(ValueError, match=r"shape \(N, 7\)"):
        detutils.cuboid_iou(box, [])
    with pytest.raises(ValueError, match="at least one point"):
        detutils.minimum_area_rectangle(np.empty((0, 2)))
    with pytest.raises(ValueError, match=r"points\[1\] has a coordinate beyond"):
        detutils.minimum_area_rectangle([[0, 0], [2e150, 0]])
    with pytest.raises(ValueError, match="in_fmt must be"):
        detutils.rotated_box_convert(box, "xywh", "cw-deg")
    out = np.zeros((5, 5))
    with pytest.raises(ValueError, match="share memory"):
        detutils.rotated_box_iou(out, out, out=out)


def test_huge_and_tiny_numbers_stay_numbers() -> None:
    boxes = np.array([[1e150, -1e150, 1e150, 1e150, 17.0], [0, 0, 1e-160, 1e-160, 5], [0, 0, 1e150, 1e-150, 1e300]])
    for metric in MEASURES:
        found = detutils.rotated_box_iou(boxes, boxes, metric=metric)
        assert np.isfinite(found).all()
        assert (found <= 1.0).all()
    radians = detutils.rotated_box_iou(boxes, boxes, angle="cw-rad")
    assert np.isfinite(radians).all()
