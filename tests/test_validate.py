"""The bad-input contract at its source: canonical arrays out, or one clear built-in exception."""

from __future__ import annotations

import math
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from detutils import _validate as validate
from tests import cases


def refused(error: type[Exception] | tuple[type[Exception], ...], pattern: str) -> Any:
    return pytest.raises(error, match=pattern)


@cases.each("form", cases.GOOD_FORMS)
@pytest.mark.parametrize("n", [1, 2, 9, 600])
def test_boxes_in_every_guise(form: str, n: int) -> None:
    boxes = cases.whole_boxes(n, seed=n)
    value = cases.GOOD_FORMS[form](boxes)
    result = validate.as_boxes(value)
    np.testing.assert_array_equal(result, boxes)
    assert result.dtype == np.float64
    assert type(result) is np.ndarray
    assert result.flags.carray
    kept = validate.as_boxes(value, keep_float32=True)
    assert kept.dtype == (np.float32 if "float32" in form else np.float64)
    np.testing.assert_array_equal(kept, boxes)


@cases.each("form", cases.GOOD_FORMS)
def test_vectors_in_every_guise(form: str) -> None:
    scores = cases.whole_scores(30, seed=3)
    result = validate.as_vector(cases.GOOD_FORMS[form](scores), "scores", 30)
    np.testing.assert_array_equal(result, scores)
    assert result.dtype == np.float64
    assert result.flags.carray


@pytest.mark.parametrize("form", ["list", "int64", "int16", "big-endian int", "read-only", "strided", "unaligned"])
def test_labels_in_every_guise(form: str) -> None:
    labels = cases.whole_scores(30, seed=3).astype(np.int64)
    value = cases.GOOD_FORMS[form](labels)
    result = validate.as_labels(value, "labels", 30)
    np.testing.assert_array_equal(result, labels)
    assert result.dtype == np.int64
    assert result.flags.carray


def test_a_canonical_array_is_not_copied() -> None:
    boxes, scores, labels = cases.random_boxes(5, 1), np.arange(5.0), np.arange(5)
    assert validate.as_boxes(boxes) is boxes
    assert validate.as_vector(scores) is scores
    assert validate.as_labels(labels) is labels


@cases.each(("value", "error", "pattern"), cases.BAD_BOXES)
def test_bad_boxes(value: Any, error: type[Exception], pattern: str) -> None:
    with refused(error, pattern) as caught:
        validate.as_boxes(value, "anchors")
    assert "anchors" in str(caught.value)


@cases.each(("value", "error", "pattern"), cases.BAD_SCORES)
def test_bad_scores(value: Any, error: type[Exception], pattern: str) -> None:
    with refused(error, pattern) as caught:
        validate.as_vector(value, "scores", 2)
    assert "scores" in str(caught.value)


@cases.each(("value", "error", "pattern"), cases.BAD_LABELS)
def test_bad_labels(value: Any, error: type[Exception], pattern: str) -> None:
    with refused(error, pattern):
        validate.as_labels(value, "labels", 2)


@cases.each(("value", "error", "pattern"), cases.BAD_THRESHOLDS)
def test_bad_thresholds(value: Any, error: type[Exception], pattern: str) -> None:
    with refused(error, pattern):
        validate.as_threshold(value)


@cases.each(("value", "error", "pattern"), cases.BAD_NUMBERS)
def test_what_is_no_number(value: Any, error: type[Exception], pattern: str) -> None:
    for check in (validate.as_number, validate.as_threshold):
        with refused(error, f"^alpha.*{pattern}"):
            check(value, "alpha")
    with refused((TypeError, ValueError), "^alpha"):  # a list may be meant for a pair
        validate.as_stride(value, "alpha")


@cases.each(("value", "error", "pattern"), cases.BAD_INTEGERS)
def test_what_is_no_integer(value: Any, error: type[Exception], pattern: str) -> None:
    with refused(error, f"^count.*{pattern}"):
        validate.as_integer(value, "count")


@cases.each(("value", "error", "pattern"), cases.BAD_FLAGS)
def test_what_is_no_flag(value: Any, error: type[Exception], pattern: str) -> None:
    with refused(error, f"^whiten.*{pattern}"):
        validate.as_flag(value, "whiten")


@cases.each(("value", "error", "pattern"), cases.BAD_IMAGE_SIZES)
def test_what_is_no_image_size(value: Any, error: type[Exception], pattern: str) -> None:
    with refused(error, f"^image_size.*{pattern}"):
        validate.as_image_size(value)


def test_pairs_in_every_guise() -> None:
    class Column(cases.OnlyArray):
        """Rows with names, so that an integer in brackets is no place."""

        ndim = 1

        def __len__(self) -> int:
            return 2

        def __getitem__(self, key: Any) -> Any:
            raise KeyError(key)

    pair = np.array([48, 64])
    foreign = [cases.OnlyArray(pair), cases.OnlyDLPack(pair), Column(pair)]
    for value in ((48, 64), [48.0, 64], pair, pair.astype(">i2"), pair.astype(object), range(48, 80, 16), *foreign):
        assert validate.as_image_size(value) == (48.0, 64.0)
    assert validate.as_grid_sizes(cases.OnlyArray(np.array([[1, 2], [3, 4]])), 2) == [(1, 2), (3, 4)]
    assert validate.as_weights(Column(np.array([1, 2, 3, 4])).__array__()) == (1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, ">f4", object])
def test_whole_floats_are_labels(dtype: Any) -> None:
    values = np.array([3, -0.0, 0, -7, 80], dtype)
    found = validate.as_labels(values, "labels", 5)
    assert found.tolist() == [3, 0, 0, -7, 80]
    assert found.dtype == np.int64
    assert validate.as_labels(values.tolist()).tolist() == found.tolist()
    assert validate.as_names(values, "labels", 5) == ["3", "0", "0", "-7", "80"]
    assert validate.as_labels(np.array([2.0**53])).tolist() == [2**53]


def test_indices_are_no_floats() -> None:
    with refused(TypeError, "keep must be integers, got dtype float64"):
        validate.as_indices([0.0, 1.0], "keep", 5)


def test_flags_that_a_table_keeps_as_objects() -> None:
    assert validate.as_flags(np.array([True, np.False_], object), "crowd").tolist() == [True, False]
    for check in (lambda v: validate.as_flags(v, "crowd", 2), lambda v: validate.as_marks(v, "crowd", 2)):
        for value in (np.array([True, None], object), np.array([[1], None], object), ["0", "1"]):
            with refused(TypeError, "^crowd must be booleans"):
                check(value)
    assert validate.as_marks([0, 1], "crowd", 2).tolist() == [False, True]
    assert validate.as_marks(np.array([0, True], object), "crowd", 2).tolist() == [False, True]
    with refused(ValueError, "^crowd must be 0 or 1"):
        validate.as_marks([0, 2], "crowd", 2)


def test_the_smallest_number_is_one() -> None:
    assert validate.as_number(5e-324, "sigma", above=0.0) == 5e-324
    assert validate.as_number(np.int8(4), "sigma") == 4.0
    assert validate.as_integer(np.array(4, np.int8), "connectivity") == 4
    assert type(validate.as_integer(np.int8(4), "connectivity")) is int


@cases.each(("value", "error", "pattern"), cases.BAD_OFFSETS)
def test_bad_offsets(value: Any, error: type[Exception], pattern: str) -> None:
    with refused(error, pattern):
        validate.as_offset(value)


@cases.each(("value", "error", "pattern"), cases.BAD_IMAGES)
def test_bad_images(value: Any, error: type[Exception], pattern: str) -> None:
    with refused(error, pattern):
        validate.as_image(value)


def test_empty_boxes_may_be_written_as_an_empty_list() -> None:
    assert validate.as_boxes([]).shape == (0, 4)
    assert validate.as_boxes(np.zeros((0, 4), np.float32), keep_float32=True).dtype == np.float32
    with refused(ValueError, r"got \(0, 5\)"):
        validate.as_boxes(np.zeros((0, 5)))


@given(st.integers(0, 1500), st.integers(0, 3), st.sampled_from([np.nan, np.inf, -np.inf]), st.booleans())
def test_the_first_bad_row_is_named(row: int, column: int, value: float, single: bool) -> None:
    boxes = np.zeros((1501, 4), np.float32 if single else np.float64)
    boxes[row:, column] = value
    with refused(ValueError, rf"boxes\[{row}\] is not finite"):
        validate.as_boxes(boxes, keep_float32=True)
    with refused(ValueError, rf"scores\[{row}\] is not finite"):
        validate.as_vector(np.ascontiguousarray(boxes[:, column]), keep_float32=True)


def test_the_largest_numbers_are_good() -> None:
    for limit, dtype in ((1e150, np.float64), (np.finfo(np.float32).max, np.float32)):
        boxes = np.array([[-limit, -limit, limit, limit], [limit] * 4, [-limit] * 4], dtype)
        assert validate.as_boxes(boxes, keep_float32=True) is boxes
        np.testing.assert_array_equal(validate.valid_rows(boxes.astype(np.float64)), [0, 1, 2])
        largest = np.finfo(dtype).max
        scores = np.array([largest, -largest, np.nan], dtype)
        with refused(ValueError, r"scores\[2\] is not finite"):
            validate.as_vector(scores, keep_float32=True)


def test_valid_rows_are_the_rows_without_fault() -> None:
    boxes = np.array([[0, 0, 1, 1], [0, np.nan, 1, 1], [2, 0, 1, 1], [0, 0, 1e151, 1], [3, 3, 3, 3], [0, 0, 1, 1.0]])
    np.testing.assert_array_equal(validate.valid_rows(boxes), [0, 4, 5])
    np.testing.assert_array_equal(validate.valid_rows(boxes, np.array([np.nan, 1, 1, 1, 1, 0.0])), [4, 5])
    assert validate.valid_rows(np.zeros((0, 4))).dtype == np.int64


def test_a_rows_own_fault_is_named_only_where_rows_are_checked() -> None:
    broken = np.array([[2.0, 0, 1, 1]])
    assert validate.as_boxes(broken, check_rows=False) is broken


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int16(1), np.array(1.0), Fraction(1)])
def test_numbers(value: Any) -> None:
    number = validate.as_number(value, "alpha", 0.0)
    assert number == 1.0
    assert type(number) is float


@pytest.mark.parametrize(
    ("value", "options", "error", "pattern"),
    [
        (-1, {"low": 0.0}, ValueError, "alpha must be at least 0, got -1"),
        (3, {"low": 0.0, "high": 2.0}, ValueError, r"alpha must be in \[0, 2\], got 3"),
        (0, {"above": 0.0}, ValueError, "alpha must be greater than 0, got 0"),
        (10**400, {}, ValueError, "too large"),
        (math.nan, {}, ValueError, "finite"),
        ([1], {}, TypeError, "number"),
        (b"1", {}, TypeError, "number"),
        (object(), {}, TypeError, "number, got object"),
    ],
)
def test_bad_numbers(value: Any, options: dict[str, float], error: type[Exception], pattern: str) -> None:
    with refused(error, pattern):
        validate.as_number(value, "alpha", **options)


def test_integers() -> None:
    assert validate.as_integer(np.int8(3), "count", 0, 3) == 3
    for value in (True, 3.0, "3", None, np.float64(3)):
        with refused(TypeError, "count must be an integer"):
            validate.as_integer(value, "count")
    with refused(ValueError, "count must be at least 1, got 0"):
        validate.as_integer(0, "count", 1)
    with refused(ValueError, "count must be at most 5, got 6"):
        validate.as_integer(6, "count", 1, 5)


def test_words_flags_and_seeds() -> None:
    assert validate.as_choice("fast", "mode", ["fast", "quality"]) == "fast"
    with refused(ValueError, "mode must be one of 'fast', 'quality', got 'quick'"):
        validate.as_choice("quick", "mode", ["fast", "quality"])
    with refused(TypeError, "mode must be a string, got int"):
        validate.as_choice(1, "mode", ["fast"])
    assert validate.as_flag(np.True_, "whiten") is True
    with refused(TypeError, "whiten must be True or False, got int"):
        validate.as_flag(1, "whiten")
    np.testing.assert_array_equal(validate.as_flags([True, False], "crowd", 2), [True, False])
    assert validate.as_flags([], "crowd").shape == (0,)
    for value, error in ((None, TypeError), ([0, 1], TypeError), ([[True, False]], ValueError), ([True], ValueError)):
        with refused(error, "crowd must"):
            validate.as_flags(value, "crowd", 2)
    assert validate.as_seed(7) == 7
    with refused(ValueError, "seed must be at least 0"):
        validate.as_seed(-1)


def test_image_sizes() -> None:
    assert validate.as_image_size((480, 640)) == (480.0, 640.0)
    assert validate.as_image_size(np.array([2.5, 3])) == (2.5, 3.0)
    for value, error in ((None, TypeError), ("ab", TypeError), (5, TypeError), ((1, 2, 3), ValueError),
                         ((0, 5), ValueError), ((5, math.nan), ValueError), ((5, "6"), TypeError)):  # fmt: skip
        with refused(error, "image_size"):
            validate.as_image_size(value)


def test_workers() -> None:
    assert validate.as_workers(3) == 3
    assert 1 <= validate.as_workers(-1) <= (os.cpu_count() or 1)
    for value in (0, -2):
        with refused(ValueError, "workers must be at least 1, or -1"):
            validate.as_workers(value)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, np.float16, ">u2"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 4, 3), (5, 4, 4)])
def test_images(dtype: Any, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).random(shape)
    image = (image * 255).astype(dtype) if np.dtype(dtype).kind == "u" else image.astype(dtype)
    result = validate.as_image(np.asfortranarray(image))
    np.testing.assert_array_equal(result, image)
    assert result.dtype.isnative
    assert result.flags.carray


def test_out() -> None:
    assert validate.as_out(None, (2, 3), np.float32).shape == (2, 3)
    out = np.empty((2, 3))
    assert validate.as_out(out, (2, 3), np.float64) is out
    with refused(TypeError, "out must be a NumPy array, got list"):
        validate.as_out([[0.0]], (1, 1), np.float64)
    with refused(ValueError, r"out must have shape \(2, 2\)"):
        validate.as_out(out, (2, 2), np.float64)
    with refused(ValueError, "dtype float32"):
        validate.as_out(out, (2, 3), np.float32)
    with refused(ValueError, "C-contiguous"):
        validate.as_out(np.asfortranarray(out), (2, 3), np.float64)


def test_what_cannot_fit_is_refused_at_once() -> None:
    with refused(MemoryError, r"a \(10000000, 10000000\) float64 result needs 745058\.1 GiB"):
        validate.as_out(None, (10**7, 10**7), np.float64)
    with refused(MemoryError, r"a \(10000000, 10000000\) float64 result of boxes1 and boxes2 needs 745058\.1 GiB"):
        validate.as_out(None, (10**7, 10**7), np.float64, of="boxes1 and boxes2")
    validate.check_memory(1 << 28, "a matrix")


def test_views_of_one_number_that_would_fill_the_memory() -> None:
    endless = np.broadcast_to(np.float32(0), (2**40, 4))
    for check in (validate.as_boxes, lambda value: validate.as_labels(value[:, 0])):
        with refused(MemoryError, r"(boxes|labels) of shape .* as .* needs \d+\.\d GiB"):
            check(endless)
    with refused(MemoryError, "image of shape"):
        validate.as_image(np.broadcast_to(np.uint8(0), (2**20, 2**20)))
    with refused(MemoryError, "crowd of shape"):
        validate.as_flags(np.broadcast_to(True, 2**40), "crowd")
    with refused(MemoryError, r"labels of range\(0, 10000000000000\)"):
        validate.as_labels(range(10**13))
    with refused(MemoryError, "budgets of range"):
        validate.as_items(range(10**30), "budgets", "integers")


def test_memory_is_known_where_the_system_tells_it_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*arguments: Any, **keywords: Any) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", missing)
    with refused(MemoryError, "needs"):
        validate.check_memory(1 << 60, "a matrix")


def test_a_foreign_array_that_cannot_be_read(tmp_path: Path) -> None:
    class OnTheGPU:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            raise RuntimeError("move it to the CPU first")

    with refused(TypeError, "boxes cannot be read as an array: move it to the CPU first"):
        validate.as_boxes(OnTheGPU())


def test_matrices() -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    assert validate.as_matrix(matrix, "features", 2, 3) is matrix
    assert validate.as_matrix(matrix.astype(np.float32), "features", keep_float32=True).dtype == np.float32
    for rows, columns in ((3, 3), (2, 2)):
        with refused(ValueError, rf"features must have shape \({rows}, {columns}\), got \(2, 3\)"):
            validate.as_matrix(matrix, "features", rows, columns)
    matrix[1, 2] = np.nan
    with refused(ValueError, r"features\[1, 2\] is not finite: nan"):
        validate.as_matrix(matrix, "features")


def test_no_rows_of_a_matrix_may_be_an_empty_list() -> None:
    assert validate.as_matrix([], "deltas", 0, 5).shape == (0, 5)
    assert validate.as_matrix([], "deltas", 0).shape == (0, 4)
    with refused(ValueError, r"deltas must have shape \(2, 4\), got \(0,\)"):
        validate.as_matrix([], "deltas", 2, 4)


class _Broken:
    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise RuntimeError("out of order")


_NO_NUMBERS = [np.ma.masked, [[1], [1, 2]], _Broken(), np.timedelta64(3), np.datetime64("2020")]


@pytest.mark.parametrize("value", _NO_NUMBERS, ids=lambda value: type(value).__name__)
def test_what_only_looks_like_a_number(value: Any) -> None:
    for check in (validate.as_number, validate.as_threshold):
        with refused(TypeError, "^option must be"):
            check(value, "option")
    for check in (validate.as_image_size, validate.as_weights, validate.as_stride, validate.as_grid_size):
        with refused((TypeError, ValueError), r"^option(\[0\])? must be"):
            check(value, "option")
    with refused(TypeError, "^image_size"):
        validate.as_image_size((5, value))


def test_flags_that_are_none() -> None:
    for value in (np.ma.zeros(2, bool), _Broken(), [None, None], [0, 1]):
        with refused(TypeError, "^crowd "):
            validate.as_flags(value, "crowd", 2)
    with refused(ValueError, "^crowd is not a rectangular array"):
        validate.as_flags([[1], [1, 2]], "crowd", 2)


def test_a_masked_array_is_no_place_for_results() -> None:
    with refused(TypeError, "out must be a NumPy array, got MaskedArray"):
        validate.as_out(np.ma.zeros((2, 2)), (2, 2), np.float64)


def test_absurd_integers_are_refused_in_few_words() -> None:
    with refused(ValueError, "count must be at most 9007199254740992, got an integer of 1329 bits"):
        validate.as_integer(10**400, "count")
    with refused(ValueError, "count must be at least 0, got an integer of 1329 bits"):
        validate.as_integer(-(10**400), "count", 0)


def test_class_names_are_unique() -> None:
    assert validate.as_class_names(("cat", "dog")) == ["cat", "dog"]
    with refused(ValueError, "class_names holds 'cat' twice"):
        validate.as_class_names(["cat", "dog", "cat"])


@pytest.mark.parametrize(
    "rows",
    [[[1, 2, 3, 4]] * 3, [(1.0, 2, 3, 4), (5, 6, 7, 8)], [[0.1, 0.2, 0.3, 2.0**60]], ([1, 2, 3, 4], [5, 6, 7, 8])],
    ids=["integers", "both", "floats", "a tuple"],
)
def test_lists_of_plain_numbers_are_read_as_numpy_reads_them(rows: Any) -> None:
    array = validate.as_array(rows, "rows")
    assert array.dtype == np.asarray(rows).dtype
    np.testing.assert_array_equal(array, rows)


def test_lists_of_plain_numbers_that_no_array_holds() -> None:
    with pytest.raises(ValueError, match="64 bits"):
        validate.as_array([[2**70, 1], [1, 1]], "rows")
    with pytest.raises(ValueError, match="rectangular"):
        validate.as_array([[1, 2], [1]], "rows")
    with pytest.raises(TypeError, match="bool"):
        validate.as_array([[1, 2], [1, True]], "rows")
    assert validate.as_array([[], []], "rows").shape == (2, 0)
