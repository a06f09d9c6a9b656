"""Overlap matrices where a kernel changes its way: sizes in float32, blocks of columns, slices, layouts of arrays."""

from __future__ import annotations

import numpy as np
import pytest

import detutils
from detutils.geometry import overlaps
from detutils.geometry._kernels.overlaps import COLUMN_BLOCK, LONGEST, SHORTEST
from tests.cases import BAD_BOXES, each, random_boxes, size
from tests.geometry.test_overlaps import PAIRWISE, agree, boxes_for
from tests.naive import overlaps as naive

SINGLE = np.float32


def above(value: float) -> np.float32:
    return np.nextafter(SINGLE(value), SINGLE(np.inf))


def below(value: float) -> np.float32:
    return np.nextafter(SINGLE(value), SINGLE(0))


# ---- sizes whose squares leave float32 ----

def check_float32(boxes: np.ndarray, others: np.ndarray, *, in_float64: bool) -> None:
    """Near the definition in float32, or float64 rounded once where sizes ask for it; with either set first."""
    assert boxes.dtype == others.dtype == SINGLE
    for a, b in ((boxes, others), (others, boxes)):
        for name in PAIRWISE:
            result = getattr(detutils, name)(a, b)
            exact = np.array(getattr(naive, name)(a.tolist(), b.tolist()))
            assert result.dtype == SINGLE
            np.testing.assert_allclose(result, exact, rtol=0, atol=2e-6)
            if in_float64:
                wide = getattr(detutils, name)(a.astype(np.float64), b.astype(np.float64))
                np.testing.assert_array_equal(result, wide.astype(SINGLE))


@pytest.mark.parametrize(
    ("limit", "in_float64"), [(LONGEST, False), (below(LONGEST), False), (above(LONGEST), True), (SINGLE(1e19), True)]
)
@pytest.mark.parametrize("corner", range(4))
def test_coordinates_at_the_limit_of_float32_sums_of_squares(
    limit: np.float32, in_float64: bool, corner: int
) -> None:
    """Two boxes in opposite corners of the plane and one over all of it: no longer diagonals exist in float32."""
    near, high = -limit * SINGLE(0.97), limit * SINGLE(0.98)
    boxes = np.array([[-limit, -limit, near, 0], [high, 0, limit, limit], [-limit, -limit, limit, limit]], SINGLE)
    others = random_boxes(9, 3).astype(SINGLE) * SINGLE(1e15)
    turned = boxes[:, [[0, 1, 2, 3], [1, 0, 3, 2]][corner % 2]]
    turned = -turned[:, [2, 3, 0, 1]] if corner > 1 else turned
    check_float32(turned, turned, in_float64=in_float64)
    check_float32(turned, others, in_float64=in_float64)


@pytest.mark.parametrize(
    ("side", "in_float64"),
    [(SHORTEST, False), (above(SHORTEST), False), (below(SHORTEST), True), (SINGLE(1e-22), True), (SINGLE(0), False)],
)
def test_sides_at_the_limit_of_float32_products(side: np.float32, in_float64: bool) -> None:
    """Squares, shifted by parts of their sides, and flat ones: in float32 an area below 1.2e-38 has lost digits."""
    steps = np.array([0, 0.25, 0.5, 0.7, 0.9, 1.1], SINGLE)[:, None] * side
    start = np.hstack([steps, steps[::-1] * SINGLE(0.3), steps, steps[::-1] * SINGLE(0.3)])
    squares = (start + np.array([0, 0, side, side], SINGLE)).astype(SINGLE)
    squares[:, 2:] = squares[:1, :2] + np.maximum(squares[:, 2:] - squares[:1, :2], side)  # rounding shortens none
    short = ((squares[:, 2:] - squares[:, :2]) < SHORTEST) & ((squares[:, 2:] - squares[:, :2]) > 0)
    if short.any() == in_float64:
        check_float32(squares, squares[::-1].copy(), in_float64=in_float64)
    origin = np.array([[0, 0, side, side], [0, 0, side, 1], [0, 0, 1, side], [0, 0, 1, 1]], SINGLE)
    check_float32(origin, origin, in_float64=in_float64)
    for row in (origin[1:2], origin[2:3]):  # one short side is enough
        check_float32(row, origin[3:], in_float64=in_float64)


@pytest.mark.parametrize("far", [0.0, 1e4, 1e7])
@pytest.mark.parametrize("offset", [0, 1])
def test_float32_boxes_far_from_the_origin_are_near_the_definition(far: float, offset: int) -> None:
    boxes = (boxes_for(30, seed=31) + far).astype(SINGLE)
    for name in PAIRWISE:
        expected = getattr(naive, name)(boxes.tolist(), boxes.tolist(), offset=offset)
        np.testing.assert_allclose(getattr(detutils, name)(boxes, boxes, offset=offset), expected, rtol=0, atol=2e-6)
        wide = boxes.astype(np.float64)
        agree(name, getattr(detutils, name)(wide, wide, offset=offset), expected)


# ---- blocks and slices ----

@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [COLUMN_BLOCK - 1, COLUMN_BLOCK, COLUMN_BLOCK + 1, 2 * COLUMN_BLOCK])
def test_matrices_at_the_ends_of_column_blocks(columns: int, dtype: type) -> None:
    a, b = boxes_for(2, seed=20).astype(dtype), boxes_for(columns, seed=21).astype(dtype)
    for name in PAIRWISE[: size(5, 1)]:
        out = np.full((2, columns), np.nan, dtype)
        whole = getattr(detutils, name)(a, b, out=out)
        ends = np.r_[0:3, COLUMN_BLOCK - 3 : min(COLUMN_BLOCK + 2, columns), columns - 3 : columns]
        np.testing.assert_array_equal(whole[:, ends], getattr(detutils, name)(a, b[ends]))
        assert np.isfinite(whole).all()


@pytest.mark.parametrize("rows", [11, 12, 13])
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", PAIRWISE)
def test_float32_matrices_in_float64_a_few_rows_at_a_time(
    name: str, workers: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = (boxes_for(rows, seed=22) * 1e17).astype(SINGLE)
    b = (boxes_for(7, seed=23) * 1e17).astype(SINGLE)
    assert np.abs(a).max() > LONGEST
    expected = getattr(detutils, name)(a.astype(np.float64), b.astype(np.float64)).astype(SINGLE)
    for limit in (7, 3 * 7, 12 * 7, 12 * 7 + 1):
        monkeypatch.setattr(overlaps, "_PAIRS_IN_FLOAT64", limit)
        for whole in (1 << 25, 12 * 7, 5 * 7, 1):
            monkeypatch.setattr(overlaps, "_PAIRS_A_SLICE", whole)
            out = np.full((rows, 7), np.nan, SINGLE)
            np.testing.assert_array_equal(getattr(detutils, name)(a, b, workers=workers, out=out), expected)


# ---- layouts ----

def layouts(rows: np.ndarray) -> dict[str, np.ndarray]:
    """The same boxes as slices of wider and longer arrays."""
    n, dtype = len(rows), rows.dtype
    wider, behind, taller = np.full((n, 6), 7, dtype), np.full((n, 5), 7, dtype), np.full((2 * n, 4), 7, dtype)
    wider[:, :4], behind[:, 1:], taller[::2] = rows, rows, rows
    return {
        "first columns": wider[:, :4], "last columns": behind[:, 1:], "every second row": taller[::2],
        "Fortran": np.asfortranarray(rows), "reversed": rows[::-1].copy()[::-1], "contiguous": rows,
        "read-only": np.frombuffer(rows.tobytes(), dtype).reshape(n, 4),
    }  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", PAIRWISE)
def test_slices_are_measured_as_what_they_hold(name: str, dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = boxes_for(9, seed=24).astype(dtype), boxes_for(6, seed=25).astype(dtype)
    expected = [getattr(detutils, name)(a, b, offset=offset) for offset in (0, 1)]
    function = getattr(detutils, name)
    for slices in (1 << 25, 10):  # in one call of the kernel, and in more
        monkeypatch.setattr(overlaps, "_PAIRS_A_SLICE", slices)
        for first in layouts(a).values():
            for second in layouts(b).values():
                for offset in (0, 1):
                    result = function(first, second, offset=offset)
                    assert result.dtype == dtype
                    np.testing.assert_array_equal(result, expected[offset])
                out = np.empty((9, 6), dtype)
                assert function(first, second, out=out) is out
                np.testing.assert_array_equal(out, expected[0])
    huge = a * dtype(1e17)
    np.testing.assert_array_equal(function(layouts(huge)["first columns"], b), function(huge, b))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize("m", [0, 1, 3])
def test_slices_of_few_boxes(n: int, m: int, dtype: type) -> None:
    a, b = np.ones((n, 6), dtype), np.ones((m, 5), dtype)
    for name in PAIRWISE:
        np.testing.assert_array_equal(
            getattr(detutils, name)(a[:, :4], b[:, :4], offset=1),
            getattr(detutils, name)(a[:, :4].copy(), b[:, :4].copy(), offset=1),
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_slices_name_their_first_bad_row(bad: float, dtype: type) -> None:
    good = np.array([[0, 0, 1, 1, 0, 0]] * 4, dtype)
    wrong = good.copy()
    wrong[2:, 3] = bad
    pattern = r"\[2\] has y2 < y1" if bad == -1.0 else r"\[2\] is not finite"
    with pytest.raises(ValueError, match="boxes1" + pattern):
        detutils.box_iou(wrong[:, :4], good[:, :4])
    with pytest.raises(ValueError, match="boxes2" + pattern):
        detutils.box_iou(good[:, :4], wrong[:, :4])


@each(("boxes", "error", "pattern"), BAD_BOXES)
def test_bad_boxes_beside_a_slice(boxes: object, error: type[Exception], pattern: str) -> None:
    good = np.array([[0, 0, 1, 1, 9.0]] * 2)[:, :4]
    with pytest.raises(error, match=rf"boxes1.*{pattern}|{pattern}.*boxes1"):
        detutils.box_iou(boxes, good)
    with pytest.raises(error, match=rf"boxes2.*{pattern}|{pattern}.*boxes2"):
        detutils.box_iou(good, boxes)


def test_out_must_not_be_the_array_of_a_slice() -> None:
    wide = np.zeros((6, 6))
    with pytest.raises(ValueError, match="out must not share memory"):
        detutils.box_iou(wide[:, :4], wide[:, :4].copy(), out=wide)
