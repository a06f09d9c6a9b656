"""The ten overlap functions against their definitions, their laws, and what they refuse."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
from hypothesis import given, strategies as st

import detutils
from detutils.geometry import overlaps
from tests.cases import (
    BAD_BOXES,
    BAD_OFFSETS,
    GOOD_FORMS,
    JIT,
    each,
    random_boxes,
    size,
    unchanged,
    whole_boxes,
)
from tests.naive import aligned as naive_aligned, overlaps as naive

PAIRWISE = ["box_iou", "box_ioa", "generalized_box_iou", "distance_box_iou", "complete_box_iou"]
ALIGNED = [f"aligned_{name}" for name in PAIRWISE]
EXACT = {"box_iou", "box_ioa", "generalized_box_iou"}
SIZES = [(0, 0), (0, 3), (3, 0), (1, 1), (1, 40), (40, 1), (7, 16), (33, 17)]


def boxes_for(n: int, seed: int) -> np.ndarray:
    """Boxes in a crowd, with repeats, boxes without area, and ones that only touch."""
    boxes = random_boxes(n, seed, spread=120, longest=80)
    boxes[::5] = np.rint(boxes[::5])
    return boxes


def agree(name: str, result: np.ndarray, expected: list) -> None:
    expected = np.array(expected, np.float64).reshape(result.shape)
    if name.removeprefix("aligned_") in EXACT:
        np.testing.assert_array_equal(result, expected)
    else:  # the definition halves centers and squares angles in another order
        np.testing.assert_allclose(result, expected, rtol=0, atol=4e-15)


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("name", PAIRWISE)
def test_pairwise_is_its_definition(name: str, n: int, m: int, offset: int) -> None:
    a, b = boxes_for(n, seed=n), boxes_for(m, seed=100 + m)
    result = unchanged(lambda x, y: getattr(detutils, name)(x, y, offset=offset), a, b)
    assert result.shape == (n, m)
    assert result.dtype == np.float64
    agree(name, result, getattr(naive, name)(a.tolist(), b.tolist(), offset=offset))


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("name", ALIGNED)
def test_aligned_is_its_definition(name: str, offset: int) -> None:
    a, b = boxes_for(200, seed=1), boxes_for(200, seed=2)
    result = unchanged(lambda x, y: getattr(detutils, name)(x, y, offset=offset), a, b)
    agree(name, result, getattr(naive_aligned, name)(a.tolist(), b.tolist(), offset=offset))
    matrix = getattr(detutils, name.removeprefix("aligned_"))(a[:50], b[:50], offset=offset)
    np.testing.assert_array_equal(result[:50], np.diag(matrix))


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("name", PAIRWISE)
def test_float32_stays_float32_and_right(name: str, offset: int) -> None:
    a, b = boxes_for(60, seed=3).astype(np.float32), boxes_for(45, seed=4).astype(np.float32)
    result = unchanged(lambda x, y: getattr(detutils, name)(x, y, offset=offset), a, b)
    wide = getattr(detutils, name)(a.astype(np.float64), b.astype(np.float64), offset=offset)
    assert result.dtype == np.float32
    assert wide.dtype == np.float64
    np.testing.assert_allclose(result, wide, rtol=0, atol=2e-6)
    aligned = getattr(detutils, f"aligned_{name}")(a[:45], b, offset=offset)
    assert aligned.dtype == np.float32
    expected = getattr(detutils, f"aligned_{name}")(a[:45].astype(np.float64), b, offset=offset)
    np.testing.assert_array_equal(aligned, expected.astype(np.float32))


@pytest.mark.parametrize("name", PAIRWISE)
def test_one_float64_input_makes_float64(name: str) -> None:
    a, b = boxes_for(9, seed=5), boxes_for(8, seed=6).astype(np.float32)
    mixed = getattr(detutils, name)(a, b)
    assert mixed.dtype == np.float64
    np.testing.assert_array_equal(mixed, getattr(detutils, name)(a, b.astype(np.float64)))


@pytest.mark.parametrize("scale", [1e-30, 1e-17, 1e12, 1e19, 1e37])
@pytest.mark.parametrize("name", PAIRWISE)
def test_float32_at_sizes_whose_squares_leave_it(name: str, scale: float) -> None:
    a, b = (np.float32(boxes_for(20, seed=s) / 100 * scale) for s in (7, 8))
    result = getattr(detutils, name)(a, b)
    expected = getattr(detutils, name)(a.astype(np.float64), b.astype(np.float64))
    np.testing.assert_allclose(result, expected, rtol=0, atol=2e-6)
    assert np.isfinite(result).all()


@pytest.mark.parametrize("name", PAIRWISE)
def test_boxes_smaller_than_a_pixel(name: str) -> None:
    a, b = boxes_for(9, seed=9) * 2.0**-14, boxes_for(9, seed=10) * 2.0**-14
    agree(name, getattr(detutils, name)(a, b), getattr(naive, name)(a.tolist(), b.tolist()))


@pytest.mark.parametrize("name", PAIRWISE)
def test_float32_where_one_side_alone_leaves_it(name: str) -> None:
    boxes, huge = np.float32([[0, 0, 1, 1]]), np.float32([[0, 0, 3e37, 3e37]])
    for a, b in ((boxes, huge), (huge, boxes)):
        result = getattr(detutils, name)(a, b)
        np.testing.assert_allclose(result, getattr(detutils, name)(a.astype(float), b.astype(float)), atol=2e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float32_far_from_the_origin(dtype: type) -> None:
    a = boxes_for(30, seed=9).astype(np.float32) + np.float32(2**16)
    shifted = (a - np.float32(2**16)).astype(dtype)
    for name in PAIRWISE:
        far, near = getattr(detutils, name)(a, a), getattr(detutils, name)(shifted, shifted)
        np.testing.assert_allclose(far, near, rtol=0, atol=2e-6)


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_laws(dtype: type, offset: int) -> None:
    a, b = boxes_for(70, seed=10).astype(dtype), boxes_for(50, seed=11).astype(dtype)
    iou, ioa, giou, diou, ciou = (getattr(detutils, name)(a, b, offset=offset) for name in PAIRWISE)
    for name, low in zip(PAIRWISE, (0, 0, -1, -1, -2), strict=True):
        measured = getattr(detutils, name)(a, b, offset=offset)
        assert measured.min() >= low
        assert measured.max() <= 1
        if name != "box_ioa":
            np.testing.assert_array_equal(measured, getattr(detutils, name)(b, a, offset=offset).T)
        shuffled = np.random.default_rng(0).permutation(len(a))
        mixed = getattr(detutils, name)(a[shuffled], b, offset=offset)
        np.testing.assert_array_equal(mixed, measured[shuffled])
        doubled = getattr(detutils, name)(a * 2, b * 2, offset=0)
        np.testing.assert_array_equal(doubled, getattr(detutils, name)(a, b, offset=0))
        own = np.diag(getattr(detutils, name)(a, a, offset=offset))
        has_area = detutils.box_area(a, offset=offset) > 0
        np.testing.assert_array_equal(own[has_area], 1)
        np.testing.assert_array_equal(own[~has_area], 0)
    rounding = 2 * np.finfo(dtype).eps  # the union is a sum, the first area and the hull are products
    assert (iou <= ioa + rounding).all()
    assert (giou <= iou + rounding).all()
    assert (diou <= iou).all()
    assert (ciou <= diou).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_boxes_without_area(dtype: type) -> None:
    point, line, flat, box = [5, 5, 5, 5], [5, 0, 5, 10], [0, 5, 10, 5], [0, 0, 10, 10]
    boxes = np.array([point, line, flat, box], dtype)
    iou = detutils.box_iou(boxes, boxes)
    assert iou.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]
    assert detutils.box_ioa(boxes, boxes).tolist() == iou.tolist()
    giou = detutils.generalized_box_iou(boxes, boxes)
    assert giou[0, :3].tolist() == [0, 0, 0], "hulls without area bring no penalty"
    assert giou[1, 2] == -1
    diou = detutils.distance_box_iou(boxes, boxes)
    assert diou[:3].tolist() == [[0, 0, 0, 0]] * 3, "all centers agree"
    ciou = detutils.complete_box_iou(boxes, boxes)
    assert ciou[1, 2] == -0.5, "a line against a flat one: v = 1, alpha = 1/2"
    assert ciou[0, 0] == 0
    assert np.isfinite(ciou).all()


def test_known_values() -> None:
    a, b = [[0, 0, 10, 10]], [[5, 5, 15, 15]]
    assert detutils.box_iou(a, b).tolist() == [[25 / 175]]
    assert detutils.box_iou([[0, 0, 9, 9]], [[5, 5, 14, 14]], offset=1).tolist() == [[25 / 175]]
    assert detutils.box_ioa([[0, 0, 10, 5]], [[0, 0, 5, 5]]).tolist() == [[0.5]]
    assert detutils.generalized_box_iou(a, b)[0, 0] == pytest.approx(25 / 175 - 50 / 225, abs=1e-15)
    assert detutils.distance_box_iou(a, b)[0, 0] == pytest.approx(25 / 175 - 50 / 450, abs=1e-15)
    v = 4 / math.pi**2 * (math.atan(2) - math.atan(1 / 2)) ** 2
    iou = detutils.box_iou([[0, 0, 20, 10]], [[5, -5, 15, 15]])[0, 0]
    expected = iou - v * v / (1 - iou + v)
    ciou = detutils.complete_box_iou([[0, 0, 20, 10]], [[5, -5, 15, 15]])[0, 0]
    assert ciou == pytest.approx(expected, abs=1e-15)
    assert detutils.box_iou([[0, 0, 1, 1]], [[1, 0, 2, 1], [1 + 1e-9, 0, 2, 1]]).tolist() == [[0, 0]]
    assert detutils.box_iou([[0, 0, 0, 0]], [[1, 0, 1, 0], [0, 0, 1, 0]], offset=1).tolist() == [[0, 0.5]]


@given(st.lists(st.tuples(*[st.integers(-8, 8)] * 4), min_size=1, max_size=6), st.sampled_from([0, 1]))
def test_small_whole_boxes(rows: list[tuple[int, int, int, int]], offset: int) -> None:
    boxes = np.array([[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in rows], np.float64)
    for name in PAIRWISE:
        expected = getattr(naive, name)(boxes.tolist(), boxes.tolist(), offset=offset)
        agree(name, getattr(detutils, name)(boxes, boxes, offset=offset), expected)
        single = getattr(detutils, name)(boxes.astype(np.float32), boxes.astype(np.float32), offset=offset)
        np.testing.assert_allclose(single, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", PAIRWISE + ALIGNED)
@each("form", GOOD_FORMS)
def test_every_guise(name: str, form: str) -> None:
    a, b = whole_boxes(12, seed=12), whole_boxes(12, seed=13)
    expected = getattr(detutils, name)(a, b)
    both = getattr(detutils, name)(GOOD_FORMS[form](a), GOOD_FORMS[form](b))
    if "float32" in form:
        assert both.dtype == np.float32
        np.testing.assert_allclose(both, expected, rtol=0, atol=1e-6)
    else:
        assert both.dtype == np.float64
        np.testing.assert_array_equal(both, expected)
        np.testing.assert_array_equal(getattr(detutils, name)(GOOD_FORMS[form](a), b), expected)
        np.testing.assert_array_equal(getattr(detutils, name)(a, GOOD_FORMS[form](b)), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", PAIRWISE)
def test_rows_and_numbers_at_any_step(name: str, dtype: type) -> None:
    """The kernels look at the steps themselves: here one of the two is that of rows that lie one after another."""

    def forms(boxes: np.ndarray) -> list[np.ndarray]:
        table = np.full((len(boxes), 6), 7, dtype)
        table[:, 1:5] = boxes
        columns = np.full((4, 4 * len(boxes)), 7, dtype)
        columns[:, ::4] = boxes.T
        return [table[:, 1:5], columns[:, ::4].T]

    a, b = boxes_for(12, seed=20).astype(dtype), boxes_for(9, seed=21).astype(dtype)
    expected = getattr(detutils, name)(a, b)
    for first, second in zip(forms(a), forms(b), strict=True):
        assert (first.strides[0] == 4 * a.itemsize) is not (first.strides[1] == a.itemsize)
        for one, other in ((first, b), (a, second), (first, second)):
            np.testing.assert_array_equal(getattr(detutils, name)(one, other), expected)


@pytest.mark.parametrize("name", PAIRWISE + ALIGNED)
@each(("boxes", "error", "pattern"), BAD_BOXES)
def test_bad_boxes(name: str, boxes: object, error: type[Exception], pattern: str) -> None:
    good = [[0, 0, 1, 1], [0, 0, 1, 1]]
    with pytest.raises(error, match=rf"boxes1.*{pattern}|{pattern}.*boxes1"):
        getattr(detutils, name)(boxes, good)
    with pytest.raises(error, match=rf"boxes2.*{pattern}|{pattern}.*boxes2"):
        getattr(detutils, name)(good, boxes)


@pytest.mark.parametrize("name", PAIRWISE + ALIGNED)
@each(("offset", "error", "pattern"), BAD_OFFSETS)
def test_bad_offsets(name: str, offset: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        getattr(detutils, name)([[0, 0, 1, 1]], [[0, 0, 1, 1]], offset=offset)


@pytest.mark.parametrize("name", ALIGNED)
def test_aligned_lengths_must_agree(name: str) -> None:
    with pytest.raises(ValueError, match="boxes1 and boxes2 must have the same length, got 2 and 3"):
        getattr(detutils, name)(np.zeros((2, 4)), np.zeros((3, 4)))
    for dtype in (np.float32, np.float64):
        empty = getattr(detutils, name)(np.zeros((0, 4), dtype), np.zeros((0, 4), dtype))
        assert empty.shape == (0,)
        assert empty.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", PAIRWISE)
def test_out_is_filled_and_returned(name: str, dtype: type) -> None:
    a, b = boxes_for(11, seed=14).astype(dtype), boxes_for(7, seed=15).astype(dtype)
    out = np.full((11, 7), np.nan, dtype)
    result = getattr(detutils, name)(a, b, out=out)
    assert result is out
    np.testing.assert_array_equal(out, getattr(detutils, name)(a, b))


class _Broken:
    """Refuses to be read, as tensors do that require gradients."""

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        raise RuntimeError("detach it first")


@pytest.mark.parametrize(
    ("out", "error", "pattern"),
    [
        ([[0.0, 0.0]] * 2, TypeError, "out must be a NumPy array, got list"),
        (_Broken(), TypeError, "out must be a NumPy array, got _Broken"),
        (np.zeros((2, 2), np.float32), ValueError, r"dtype float64, got \(2, 2\) and float32"),
        (np.zeros((2, 3)), ValueError, r"shape \(2, 2\)"),
        (np.zeros((2, 2)).T[:, ::-1], ValueError, "contiguous"),
        (np.zeros((2, 2)), None, ""),
    ],
)
def test_bad_out(out: object, error: type[Exception] | None, pattern: str) -> None:
    boxes = np.array([[0.0, 0, 1, 1], [0, 0, 2, 2]])
    if error is None:
        out.flags.writeable = False
        error, pattern = ValueError, "writable"
    with pytest.raises(error, match=pattern):
        detutils.box_iou(boxes, boxes, out=out)


def test_out_must_not_be_an_input() -> None:
    boxes = np.array([[0.0, 0, 1, 1]] * 4)
    with pytest.raises(ValueError, match="out must not share memory"):
        detutils.box_iou(boxes, boxes.copy(), out=boxes)
    with pytest.raises(ValueError, match="out must not share memory"):
        detutils.box_iou(boxes.copy(), boxes, out=boxes)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("workers", [1, 2, 3, 7, -1])
@pytest.mark.parametrize("name", PAIRWISE)
def test_any_number_of_workers(name: str, workers: int, dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = boxes_for(101, seed=16).astype(dtype), boxes_for(size(53, 5), seed=17).astype(dtype)
    expected = getattr(detutils, name)(a, b)
    np.testing.assert_array_equal(getattr(detutils, name)(a, b, workers=workers), expected)
    monkeypatch.setattr(overlaps, "_PAIRS_A_SLICE", 3 * b.shape[0])  # slices as large matrices have them
    np.testing.assert_array_equal(getattr(detutils, name)(a, b, workers=workers), expected)


@pytest.mark.parametrize(
    ("workers", "error", "pattern"),
    [
        (0, ValueError, "at least 1"),
        (-2, ValueError, "at least 1"),
        (1.0, TypeError, "integer"),
        (True, TypeError, "bool"),
    ],
)
def test_bad_workers(workers: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.box_iou([[0, 0, 1, 1]], [[0, 0, 1, 1]], workers=workers)


def test_a_matrix_beyond_memory_is_refused_at_once() -> None:
    rows = np.zeros((1, 4), np.float32)
    many = np.lib.stride_tricks.as_strided(np.zeros(4, np.float32), (size(3_000_000, 30_000), 4), (0, 4))
    with pytest.MonkeyPatch.context() as patch:
        if not JIT:
            patch.setattr("detutils._validate.memory._available_memory", lambda: 1 << 28)
        with pytest.raises(MemoryError, match=r"GiB"):
            detutils.box_iou(many, many)
    assert detutils.box_iou(rows, rows).shape == (1, 1)


def test_two_threads_at_once() -> None:
    a, b = boxes_for(size(400, 20), seed=18), boxes_for(size(300, 20), seed=19)
    expected, wrong = detutils.box_iou(a, b), []

    def work() -> None:
        for _ in range(20):
            if not np.array_equal(detutils.box_iou(a, b, workers=2), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_wide_matrices_cross_the_column_blocks(dtype: type) -> None:
    a, b = boxes_for(2, seed=20).astype(dtype), boxes_for(size(9001, 4100), seed=21).astype(dtype)
    for name in PAIRWISE:
        whole = getattr(detutils, name)(a, b)
        parts = np.hstack([getattr(detutils, name)(a, b[i : i + 1000]) for i in range(0, len(b), 1000)])
        np.testing.assert_array_equal(whole, parts)


KNOWN = {  # what torchvision's and detectron2's own tests expect of these boxes
    "box_iou": [[1, 0.25, 0], [0.25, 1, 0], [0, 0, 1], [0.0625, 0.25, 0]],
    "generalized_box_iou": [
        [1, 0.25, -0.7778], [0.25, 1, -0.8611], [-0.7778, -0.8611, 1], [0.0625, 0.25, -0.8819],
    ],
    "distance_box_iou": [
        [1, 0.1875, -0.4444], [0.1875, 1, -0.5625], [-0.4444, -0.5625, 1], [-0.0781, 0.1875, -0.6267],
    ],
    "complete_box_iou": [
        [1, 0.1875, -0.4444], [0.1875, 1, -0.5625], [-0.4444, -0.5625, 1], [-0.0781, 0.1875, -0.6267],
    ],
    "box_ioa": [[1, 0.25, 0], [1, 1, 0], [0, 0, 1], [1, 1, 0]],
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.int16, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("name", KNOWN)
def test_known_numbers(name: str, dtype: type) -> None:
    boxes = np.array([[0, 0, 100, 100], [0, 0, 50, 50], [200, 200, 300, 300], [0, 0, 25, 25]], dtype)
    np.testing.assert_allclose(getattr(detutils, name)(boxes, boxes[:3]), KNOWN[name], atol=5e-5)
