"""Encoding and decoding against their definitions, the law that joins them, and what they refuse."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, strategies as st

import detutils
from detutils.geometry._kernels import coding as kernels
from tests.cases import BAD_BOXES, BAD_OFFSETS, GOOD_FORMS, each, size, unchanged, whole_boxes
from tests.naive import coding as naive

WEIGHTS = [(1, 1, 1, 1), (10, 10, 5, 5), (0.1, 2, 3.5, 7)]
LENGTHS = [0, 1, 7, 8, 9, 33, 64, size(1000, 100), size(4099, 130)]
ENDS = [kernels.BLOCK - 1, kernels.BLOCK, kernels.BLOCK + 1, 2 * kernels.BLOCK]  # of blocks of rows


def pairs(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and anchors with areas, from a tenth of a pixel to hundreds."""
    rng = np.random.default_rng(seed)
    sides = np.exp(rng.uniform(np.log(0.1), np.log(600), (2, n, 2)))
    corners = rng.uniform(-200, 1000, (2, n, 2))
    boxes, anchors = np.concatenate([corners, corners + sides], axis=2)
    return boxes, anchors


def deltas_for(n: int, seed: int, classes: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, [0.5, 0.5, 0.8, 0.8] * classes, (n, 4 * classes))


# ---- definitions ----------------------------------------------------------------------------------

@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("n", LENGTHS + ENDS)
def test_encode_is_its_definition(n: int, offset: int) -> None:
    boxes, anchors = pairs(n, seed=n)
    weights = WEIGHTS[n % 3]
    result = unchanged(detutils.encode_boxes, boxes, anchors, weights=weights, offset=offset)
    expected = naive.encode_boxes(boxes.tolist(), anchors.tolist(), weights=weights, offset=offset)
    assert result.shape == (n, 4)
    assert result.dtype == np.float64
    expected = np.array(expected).reshape(n, 4)
    np.testing.assert_allclose(result, expected, rtol=4e-16, atol=4e-16 * max(weights))


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("n", LENGTHS + ENDS)
def test_decode_is_its_definition(n: int, classes: int, offset: int) -> None:
    anchors, deltas, weights = pairs(n, seed=n)[1], deltas_for(n, n, classes), WEIGHTS[n % 3]
    result = unchanged(detutils.decode_boxes, deltas, anchors, weights=weights, offset=offset)
    expected = naive.decode_boxes(deltas.tolist(), anchors.tolist(), weights=weights, offset=offset)
    assert result.shape == (n, 4 * classes)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, np.array(expected).reshape(result.shape), rtol=1e-15, atol=1e-11)
    rows = result.reshape(-1, 4)
    assert (rows[:, 2:] >= rows[:, :2]).all()


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("n", LENGTHS + ENDS)
def test_float32_is_float64_rounded(n: int, offset: int) -> None:
    boxes, anchors = (rows.astype(np.float32) for rows in pairs(n, seed=n + 1))
    wide = boxes.astype(np.float64), anchors.astype(np.float64)
    weights = WEIGHTS[n % 3]
    result = detutils.encode_boxes(boxes, anchors, weights=weights, offset=offset)
    expected = detutils.encode_boxes(*wide, weights=weights, offset=offset)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=6.1e-8, atol=1e-30)
    deltas = deltas_for(n, n).astype(np.float32)
    result = detutils.decode_boxes(deltas, anchors, weights=weights, offset=offset)
    expected = detutils.decode_boxes(deltas.astype(np.float64), wide[1], weights=weights, offset=offset)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=6.1e-8, atol=1e-30)


def test_known_values() -> None:
    assert detutils.encode_boxes([[2, 2, 12, 12]], [[0, 0, 10, 10]]).tolist() == [[0.2, 0.2, 0, 0]]
    doubled = detutils.encode_boxes([[-5, -5, 15, 15]], [[0, 0, 10, 10]], weights=(10, 10, 5, 5))
    np.testing.assert_allclose(doubled, [[0, 0, 5 * math.log(2), 5 * math.log(2)]], rtol=1e-15)
    inclusive = detutils.encode_boxes([[0, 0, 19, 9]], [[0, 0, 9, 9]], offset=1)
    np.testing.assert_allclose(inclusive, [[0.5, 0, math.log(2), 0]], rtol=1e-15)
    assert detutils.encode_boxes([[3, 3, 3, 3]], [[3, 3, 3, 3]], offset=1).tolist() == [[0, 0, 0, 0]]


# ---- the law --------------------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_decode_inverts_encode(weights: tuple, offset: int, dtype: type) -> None:
    boxes, anchors = (rows.astype(dtype) for rows in pairs(size(2000, 100), seed=1))
    deltas = detutils.encode_boxes(boxes, anchors, weights=weights, offset=offset)
    back = detutils.decode_boxes(deltas, anchors, weights=weights, offset=offset, clamp=None)
    largest_delta = 1 + np.abs(deltas / np.array(weights)).max(axis=1, keepdims=True)
    reach = np.abs(np.hstack([anchors, boxes])).max(axis=1, keepdims=True)
    assert (np.abs(back - boxes) <= 16 * np.finfo(dtype).eps * largest_delta * reach).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0, 1])
def test_zero_deltas_return_whole_pixel_anchors_exactly(offset: int, dtype: type) -> None:
    anchors = whole_boxes(200, seed=2).astype(dtype)
    result = detutils.decode_boxes(np.zeros((200, 4), dtype), anchors, offset=offset)
    np.testing.assert_array_equal(result, anchors)


@given(
    st.lists(st.tuples(*[st.integers(0, 60)] * 4, *[st.integers(1, 60)] * 4), min_size=1, max_size=20),
    st.sampled_from([0, 1]),
    st.sampled_from(WEIGHTS),
)
def test_the_law_on_whole_pixels(rows: list[tuple[int, ...]], offset: int, weights: tuple) -> None:
    values = np.array(rows, float)
    boxes = np.hstack([values[:, :2], values[:, :2] + values[:, 4:6] - offset])
    anchors = np.hstack([values[:, 2:4], values[:, 2:4] + values[:, 6:8] - offset])
    deltas = detutils.encode_boxes(boxes, anchors, weights=weights, offset=offset)
    back = detutils.decode_boxes(deltas, anchors, weights=weights, offset=offset)
    np.testing.assert_allclose(back, boxes, rtol=0, atol=1e-12)


def test_encoding_ignores_shift_and_scale() -> None:
    boxes, anchors = pairs(100, seed=3)
    plain = detutils.encode_boxes(boxes, anchors)
    np.testing.assert_array_equal(detutils.encode_boxes(boxes * 4, anchors * 4), plain)
    np.testing.assert_allclose(detutils.encode_boxes(boxes + 64, anchors + 64), plain, rtol=1e-9, atol=1e-9)


def test_weights_scale_the_deltas() -> None:
    boxes, anchors = pairs(100, seed=4)
    plain = detutils.encode_boxes(boxes, anchors)
    weighted = detutils.encode_boxes(boxes, anchors, weights=(8, 4, 2, 0.5))
    np.testing.assert_array_equal(weighted, plain * [8, 4, 2, 0.5])
    np.testing.assert_array_equal(
        detutils.decode_boxes(plain * [8, 4, 2, 0.5], anchors, weights=(8, 4, 2, 0.5)),
        detutils.decode_boxes(plain, anchors),
    )


def test_classes_lie_side_by_side() -> None:
    anchors, deltas = pairs(50, seed=5)[1], deltas_for(50, 6, classes=4)
    together = detutils.decode_boxes(deltas, anchors, weights=(10, 10, 5, 5), offset=1).reshape(50, 4, 4)
    for c in range(4):
        alone = detutils.decode_boxes(deltas[:, 4 * c : 4 * c + 4], anchors, weights=(10, 10, 5, 5), offset=1)
        np.testing.assert_array_equal(together[:, c], alone)
    assert detutils.decode_boxes(np.zeros((5, 0)), np.zeros((5, 4))).shape == (5, 0)
    assert detutils.decode_boxes(np.zeros((0, 8)), np.zeros((0, 4))).shape == (0, 8)


# ---- limits ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clamp_is_an_upper_limit_only(dtype: type) -> None:
    anchors = np.array([[0, 0, 16, 16]] * 5, dtype)
    deltas = np.array([[0, 0, d, d] for d in (4, math.log(62.5), 5, 50, -50)], dtype)
    wide = detutils.decode_boxes(deltas, anchors)
    widths = wide[:, 2] - wide[:, 0]
    np.testing.assert_allclose(widths[:4], [16 * math.exp(4), 1000, 1000, 1000], rtol=1e-6)
    assert 0 <= widths[4] < 1e-5
    free, half = detutils.decode_boxes(deltas[:3], anchors[:3], clamp=None), 8 * math.exp(5)
    np.testing.assert_allclose(free[2], [8 - half, 8 - half, 8 + half, 8 + half], rtol=1e-6)
    tight = detutils.decode_boxes(deltas, anchors, clamp=0)
    np.testing.assert_array_equal(tight[:4], anchors[:4])
    weighted = detutils.decode_boxes(deltas * 5, anchors, weights=(1, 1, 5, 5))
    np.testing.assert_allclose(weighted, wide, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0, 1])
def test_deep_shrinking_leaves_a_box(offset: int, dtype: type) -> None:
    deltas = np.array([[0.3, -0.2, d, d] for d in (-1, -20, -90, -700, -740, -746, -1e4, -1e30)], dtype)
    anchors = np.array([[3, 5, 20, 30]] * len(deltas), dtype)
    boxes = detutils.decode_boxes(deltas, anchors, offset=offset)
    assert np.isfinite(boxes).all()
    assert (boxes[:, 2:] >= boxes[:, :2]).all()
    expected = naive.decode_boxes(deltas.tolist(), anchors.tolist(), offset=offset)
    np.testing.assert_allclose(boxes, expected, rtol=1e-6)


@pytest.mark.parametrize(("dtype", "most"), [(np.float32, 87.0), (np.float64, 700.0)])
def test_growth_without_clamp_ends_in_an_error(dtype: type, most: float) -> None:
    anchors = np.array([[0, 0, 1, 1]] * 3, dtype)
    deltas = np.zeros((3, 4), dtype)
    deltas[:, 2] = most
    grown = detutils.decode_boxes(deltas, anchors, clamp=None)
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(grown[:, 2], 0.5 + math.exp(most) / 2, rtol=tolerance)
    for beyond in (1.05 * most, 10 * most, 1e30):
        deltas[1, 2] = deltas[2, 2] = beyond
        with pytest.raises(ValueError, match=r"deltas\[1\] move anchors\[1\] \[0, 0, 1, 1\] out of the"):
            detutils.decode_boxes(deltas, anchors, clamp=None)
    assert detutils.decode_boxes(deltas, anchors)[1, 2] == pytest.approx(0.5 + 62.5 / 2)


def test_far_moves_end_in_an_error() -> None:
    anchors = np.array([[0, 0, 1e30, 1e30]] * 2, np.float32)
    deltas = np.array([[0, 0, 0, 0], [1e10, 0, 0, 0]], np.float32)
    with pytest.raises(ValueError, match=r"deltas\[1\] move anchors\[1\] .* out of the range of float32"):
        detutils.decode_boxes(deltas, anchors)
    assert np.isfinite(detutils.decode_boxes(deltas.astype(float), anchors)).all()
    deltas = np.full((3, 8), 1e300)
    with pytest.raises(ValueError, match=r"deltas\[0\].* float64"):
        detutils.decode_boxes(deltas, np.array([[0, 0, 1e20, 1e20]] * 3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("at", [0, 3, 40])
def test_sizes_of_zero_have_no_deltas(at: int, dtype: type) -> None:
    boxes, anchors = (rows.astype(dtype) for rows in pairs(41, seed=6))
    for name, rows in (("boxes", boxes), ("anchors", anchors)):
        for column in (2, 3):
            rows[at:, column] = rows[at:, column - 2]
            with pytest.raises(ValueError, match=rf"{name}\[{at}\] has no width or no height and cannot be"):
                detutils.encode_boxes(boxes, anchors)
            detutils.encode_boxes(boxes, anchors, offset=1)
            rows[at:, column] = rows[at:, column - 2] + 1


def test_extreme_ratios() -> None:
    small, large = [[0, 0, 1e-140, 1e-140]], [[0, 0, 1e140, 1e140]]
    there = detutils.encode_boxes(small, large)
    np.testing.assert_allclose(there[0, 2:], math.log(1e-280), rtol=1e-15)
    back = detutils.encode_boxes(large, small)
    np.testing.assert_allclose(back[0, 2:], math.log(1e280), rtol=1e-15)
    tiny = [[0, 0, 5e-324, 1]]
    with pytest.raises(ValueError, match=r"boxes\[0\] is too far from anchors\[0\] for deltas in float64"):
        detutils.encode_boxes([[0, 0, 1, 1]], tiny)
    with pytest.raises(ValueError, match=r"too far from anchors\[1\] for deltas in float32"):
        detutils.encode_boxes(np.array([[0, 0, 1, 1], [0, 0, 1e30, 1]], np.float32),
                              np.array([[0, 0, 1, 1], [0, 0, 1e-30, 1]], np.float32))
    wide = detutils.encode_boxes([[0, 0, 1, 1]], [[0, 0, 1e150, 1]])
    assert np.isfinite(wide).all()


@pytest.mark.parametrize("bound", [kernels.LOW, kernels.HIGH])
@pytest.mark.parametrize("at", [0, kernels.BLOCK - 1, kernels.BLOCK])
def test_ratios_around_the_bounds_of_the_fast_logarithm(at: int, bound: float) -> None:
    """One row in a block is out of the ordinary, or just not: all have the logarithms of the definition."""
    n = kernels.BLOCK + 3
    boxes, anchors = pairs(n, seed=9)
    side = 1e-160 if bound < 1 else 1e149
    for step in (-1e-12, -1e-16, 0.0, 1e-16, 1e-12):
        whole = side / bound * (1 - step)
        boxes[at], anchors[at] = [0, 0, side, 1], [0, 0, whole, 1]
        deltas = detutils.encode_boxes(boxes, anchors)
        rows = [i for i in range(n) if i != at]
        expected = naive.encode_boxes(boxes[rows].tolist(), anchors[rows].tolist())
        np.testing.assert_allclose(deltas[rows], expected, rtol=4e-16, atol=4e-16)
        np.testing.assert_allclose(deltas[at, 2], math.log(side) - math.log(whole), rtol=4e-16)
    boxes[at], anchors[at] = [0, 0, 1e-160, 1], [0, 0, 1e149, 1]  # a ratio of subnormal digits
    growth = detutils.encode_boxes(boxes, anchors)[at, 2]
    np.testing.assert_allclose(growth, math.log(1e-160) - math.log(1e149), rtol=4e-16)


@pytest.mark.parametrize("classes", [1, 2, 3, 7, 80])
@pytest.mark.parametrize("bad", [0, -1])
def test_the_first_row_that_cannot_be_decoded_is_named_in_every_block(classes: int, bad: int) -> None:
    n = max(2, (2 * kernels.BLOCK) // classes)
    anchors = np.tile([[0.0, 0, 1e30, 1e30]], (n + 1, 1)).astype(np.float32)
    for row in {0, 1, kernels.BLOCK // classes - 1, kernels.BLOCK // classes, kernels.BLOCK // classes + 1, n - 1, n}:
        deltas = np.zeros((n + 1, 4 * classes), np.float32)
        deltas[max(row, 0) :, 4 * (classes - 1) * -bad] = 1e10
        with pytest.raises(ValueError, match=rf"deltas\[{max(row, 0)}\] move anchors"):
            detutils.decode_boxes(deltas, anchors)


def test_exponents_at_the_ends_of_the_fast_exponential() -> None:
    moves = np.array([-745.2, -708.0000001, -708.0, -707.9999, 0.0, 708.9, 709.7])
    deltas = np.zeros((len(moves), 4))
    deltas[:, 2] = moves
    anchors = np.tile([[0.0, 0.0, 1e-10, 1.0]], (len(moves), 1))
    boxes = detutils.decode_boxes(deltas, anchors, clamp=None)
    expected = naive.decode_boxes(deltas.tolist(), anchors.tolist(), clamp=None)
    np.testing.assert_allclose(boxes, expected, rtol=1e-15, atol=1e-300)


def test_near_equal_sides_keep_their_digits() -> None:
    wide = 1 + np.array([1e-3, 1e-6, 1e-9, 1e-12, 2**-52, -1e-9, -1e-15])
    boxes = np.stack([np.zeros_like(wide), np.zeros_like(wide), wide, np.ones_like(wide)], axis=1)
    deltas = detutils.encode_boxes(boxes, np.tile([0.0, 0, 1, 1], (len(wide), 1)))
    np.testing.assert_allclose(deltas[:, 2], [math.log(w) for w in wide], rtol=4e-16)
    assert (deltas[:, 3] == 0).all()


def units_off(values: np.ndarray, exact: list[Decimal]) -> float:
    """The largest error in units of the last place."""
    places = [Decimal(float(np.spacing(abs(float(number))))) for number in exact]
    errors = [
        abs(Decimal(float(value)) - number) / place
        for value, number, place in zip(values, exact, places, strict=True)
    ]
    return float(max(errors))


def test_logarithms_to_a_unit_in_the_last_place() -> None:
    rng, count = np.random.default_rng(11), size(1500, 300)
    near, far = rng.uniform(-5, 5, count), rng.uniform(-700, 700, count)
    unit = rng.uniform(-1e-3, 1e-3, count)
    ends = [1 - 2**-53, 1 + 2**-52, 2.3e-308, 1.7e308]
    values = np.concatenate([np.exp(near), np.exp(far), 1 + unit, ends])
    result = values.copy()
    with localcontext(prec=40):
        kernels._logarithms(result)
        assert units_off(result, [Decimal(float(value)).ln() for value in values]) < 1
    one = np.ones(1)
    kernels._logarithms(one)
    assert one[0] == 0.0


def test_exponentials_to_a_unit_in_the_last_place() -> None:
    rng, count = np.random.default_rng(12), size(1500, 300)
    near, far = rng.uniform(-5, 5, count), rng.uniform(-708, 709.7, count)
    hard = [362.19239864358633, 227.71606051243577, 627.6612956898593, -598.5209787526398, -4.482875344191362]
    lossy = [-480.68439299467434, -349.6787761152594, -535.4314405795732, 405.1599956067218]  # by the rounding of r
    values = np.concatenate([near, far, hard, lossy, [0.0, 1e-300, -1e-17]])
    result = values.copy()
    with localcontext(prec=40):
        kernels._exponentials(result)
        assert units_off(result, [Decimal(float(value)).exp() for value in values]) < 1
    ends = np.array([-708.5, -1e300, 709.9, 1e300, 0.0])
    with np.errstate(over="ignore"):
        kernels._exponentials(ends)
    assert ends.tolist() == [0.0, 0.0, math.inf, math.inf, 1.0]


# ---- arguments ------------------------------------------------------------------------------------

@each("form", GOOD_FORMS)
def test_every_guise(form: str) -> None:
    boxes, anchors = whole_boxes(30, seed=7) + [0, 0, 1, 1], whole_boxes(30, seed=8) + [0, 0, 1, 1]
    deltas = np.random.default_rng(9).integers(-2, 3, (30, 8)).astype(float)
    tolerance = 1e-6 if "float32" in form else 0
    for call, first in ((detutils.encode_boxes, boxes), (detutils.decode_boxes, deltas)):
        expected = call(first, anchors)
        both = call(GOOD_FORMS[form](first), GOOD_FORMS[form](anchors))
        assert both.dtype == (np.float32 if "float32" in form else np.float64)
        np.testing.assert_allclose(both, expected, rtol=tolerance, atol=tolerance)
        np.testing.assert_array_equal(call(GOOD_FORMS[form](first), anchors), expected)
        np.testing.assert_array_equal(call(first, GOOD_FORMS[form](anchors)), expected)


@each(("boxes", "error", "pattern"), BAD_BOXES)
def test_bad_boxes(boxes: object, error: type[Exception], pattern: str) -> None:
    good = np.array([[0, 0, 1, 1]] * 2)
    for name, call in (
        ("boxes", lambda: detutils.encode_boxes(boxes, good)),
        ("anchors", lambda: detutils.encode_boxes(good, boxes)),
        ("anchors", lambda: detutils.decode_boxes(good, boxes)),
    ):
        with pytest.raises(error, match=rf"{name}.*{pattern}|{pattern}.*{name}"):
            call()


@pytest.mark.parametrize(
    ("deltas", "error", "pattern"),
    [
        (None, TypeError, "deltas must be an array"),
        ("0000", TypeError, "deltas"),
        (np.zeros((2, 4), complex), TypeError, "deltas"),
        (np.zeros((3, 4)), ValueError, r"deltas must have shape \(2, D\), got \(3, 4\)"),
        (np.zeros(8), ValueError, "deltas must have shape"),
        (np.zeros((2, 6)), ValueError, r"deltas must have 4 columns, or 4 for each class, got \(2, 6\)"),
        ([[0, 0, 0, 0], [0, np.nan, 0, 0]], ValueError, r"deltas\[1, 1\] is not finite: nan"),
        ([[0, 0, 0, np.inf], [0, 0, 0, 0]], ValueError, r"deltas\[0, 3\] is not finite: inf"),
    ],
)
def test_bad_deltas(deltas: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.decode_boxes(deltas, [[0, 0, 1, 1]] * 2)
    if isinstance(deltas, list):
        with pytest.raises(error, match=pattern):
            detutils.decode_boxes(np.array(deltas, np.float32), np.zeros((2, 4), np.float32))


@pytest.mark.parametrize(
    ("weights", "error", "pattern"),
    [
        (None, TypeError, "weights must be four numbers"),
        (1, TypeError, "weights must be four numbers"),
        ("1111", TypeError, "weights must be four numbers"),
        ((1, 1, 1), ValueError, "weights must be four numbers, got 3"),
        ((1, 0, 1, 1), ValueError, r"weights\[1\] must be greater than 0"),
        ((1, 1, 1, np.nan), ValueError, r"weights\[3\] must be finite"),
        ((1, 1, "1", 1), TypeError, r"weights\[2\]"),
    ],
)
def test_bad_weights(weights: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.encode_boxes([[0, 0, 1, 1]], [[0, 0, 1, 1]], weights=weights)
    with pytest.raises(error, match=pattern):
        detutils.decode_boxes([[0, 0, 0, 0]], [[0, 0, 1, 1]], weights=weights)


@each(("offset", "error", "pattern"), BAD_OFFSETS)
def test_bad_offsets(offset: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.encode_boxes([[0, 0, 1, 1]], [[0, 0, 1, 1]], offset=offset)
    with pytest.raises(error, match=pattern):
        detutils.decode_boxes([[0, 0, 0, 0]], [[0, 0, 1, 1]], offset=offset)


@pytest.mark.parametrize(("clamp", "error"), [(np.nan, ValueError), (np.inf, ValueError), ("4", TypeError)])
def test_bad_clamp(clamp: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="clamp"):
        detutils.decode_boxes([[0, 0, 0, 0]], [[0, 0, 1, 1]], clamp=clamp)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="boxes and anchors must have the same length, got 1 and 2"):
        detutils.encode_boxes([[0, 0, 1, 1]], [[0, 0, 1, 1]] * 2)
    for dtype in (np.float32, np.float64):
        empty = detutils.encode_boxes(np.zeros((0, 4), dtype), np.zeros((0, 4), dtype))
        assert empty.shape == (0, 4)
        assert empty.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bad_rows_can_be_dropped(dtype: type) -> None:
    n = 600  # across blocks of rows
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 50, (n, 2))
    anchors, deltas = np.hstack([corner, corner + 9]).astype(dtype), rng.normal(0, 1, (n, 8)).astype(dtype)
    bad = [0, 1, 17, 255, 256, 257, 511, 512, 599]
    deltas[bad[::3], 2], anchors[bad[1::3], 3], deltas[bad[2::3], 6] = np.nan, -1.0, 1000.0
    good = np.setdiff1d(np.arange(n), bad)
    decoded = detutils.decode_boxes(deltas, anchors, clamp=None, on_invalid="drop")
    np.testing.assert_array_equal(decoded, detutils.decode_boxes(deltas[good], anchors[good], clamp=None))
    assert decoded.dtype == dtype
    assert detutils.decode_boxes(deltas[:1], anchors[:1], on_invalid="drop").shape == (0, 8)
