"""Formats, areas, clipping and small boxes against their definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import detutils
from tests.cases import BAD_BOXES, BAD_OFFSETS, GOOD_FORMS, each, random_boxes, size, unchanged, whole_boxes
from tests.naive import boxes as naive

FORMATS = ("xyxy", "xywh", "cxcywh", "xyxyn", "xywhn", "cxcywhn")
IMAGE = (480, 640)

CALLS = {
    "box_convert": lambda boxes: detutils.box_convert(boxes, "xyxy", "cxcywh"),
    "box_area": detutils.box_area,
    "clip_boxes_to_image": lambda boxes: detutils.clip_boxes_to_image(boxes, (100, 120)),
    "remove_small_boxes": lambda boxes: detutils.remove_small_boxes(boxes, 20),
}


def in_format(boxes: np.ndarray, fmt: str) -> np.ndarray:
    return np.array(naive.box_convert(boxes.tolist(), "xyxy", fmt, image_size=IMAGE)).reshape(-1, 4)


@pytest.mark.parametrize(("source", "target"), list(itertools.product(FORMATS, FORMATS)))
def test_convert_is_its_definition(source: str, target: str) -> None:
    boxes = in_format(random_boxes(size(300, 40), seed=1), source)
    expected = np.array(naive.box_convert(boxes.tolist(), source, target, image_size=IMAGE))
    result = unchanged(lambda rows: detutils.box_convert(rows, source, target, image_size=IMAGE), boxes)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == np.float64
    assert result is not boxes
    assert not np.shares_memory(result, boxes)


@pytest.mark.parametrize(("source", "target"), list(itertools.product(FORMATS, FORMATS)))
def test_converting_back_restores(source: str, target: str) -> None:
    boxes = in_format(random_boxes(200, seed=2), source)
    there = detutils.box_convert(boxes, source, target, image_size=IMAGE)
    back = detutils.box_convert(there, target, source, image_size=IMAGE)
    np.testing.assert_allclose(back, boxes, rtol=0, atol=1e-12 * 640)


def test_convert_rounds_float32_once() -> None:
    boxes = random_boxes(200, seed=3).astype(np.float32)
    result = detutils.box_convert(boxes, "xyxy", "cxcywhn", image_size=IMAGE)
    assert result.dtype == np.float32
    wide = detutils.box_convert(boxes.astype(np.float64), "xyxy", "cxcywhn", image_size=IMAGE)
    np.testing.assert_array_equal(result, wide.astype(np.float32))


@pytest.mark.parametrize(("source", "target"), [("xyxy", "xywhn"), ("cxcywhn", "xywh")])
def test_fractions_need_the_image_size(source: str, target: str) -> None:
    with pytest.raises(ValueError, match="image_size="):
        detutils.box_convert([[0, 0, 1, 1]], source, target)
    assert detutils.box_convert([[0, 0, 1, 1]], "xywhn", "cxcywhn").tolist() == [[0.5, 0.5, 1, 1]]


@pytest.mark.parametrize(
    ("row", "source", "error"),
    [
        ([0, 0, -1, 1], "xywh", r"boxes\[1\] has a negative width or height: \[0, 0, -1, 1\] .*are xywh"),
        ([0, 0, 1, -1], "cxcywh", r"boxes\[1\] has a negative width"),
        ([0, 0, np.nan, 1], "cxcywh", r"boxes\[1\] is not finite"),
        ([np.inf, 0, 1, 1], "xywh", r"boxes\[1\] is not finite"),
        ([0, 1e151, 1, 1], "xywh", r"boxes\[1\] has a coordinate beyond"),
        ([2, 0, 1, 1], "xyxy", r"boxes\[1\] has x2 < x1"),
        ([2, 0, 1, 1], "xyxyn", r"boxes\[1\] has x2 < x1"),
    ],
)
def test_convert_names_the_bad_row(row: list[float], source: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        detutils.box_convert([[0, 0, 1, 1], row, [np.nan] * 4], source, "xyxy", image_size=IMAGE)


@pytest.mark.parametrize("row", [[5, 7, 0, 2], [5, 7, 2, 0], [5, 7, 0, 0]])
@pytest.mark.parametrize("source", ["xywh", "cxcywh"])
def test_convert_takes_boxes_without_area(row: list[int], source: str) -> None:
    assert detutils.box_convert([row], source, "xyxy").tolist() == naive.box_convert([row], source, "xyxy")


def test_convert_refuses_what_leaves_the_range() -> None:
    high = np.array([[0, 0, 1, 1], [3e38, 0, 3e38, 1]], np.float32)
    for values in (high, high[:, [1, 0, 3, 2]]):
        with pytest.raises(ValueError, match=r"boxes\[1\] is out of the range of float32 as xyxy"):
            detutils.box_convert(values, "xywh", "xyxy")
    assert detutils.box_convert(high.astype(np.float64), "xywh", "xyxy")[1, 2] == 2 * np.float64(high[1, 0])
    with pytest.raises(ValueError, match="range of float64 as xyxyn"), np.errstate(over="ignore"):
        detutils.box_convert([[0, 0, 1e150, 1]], "xyxy", "xyxyn", image_size=(1, 1e-200))


@pytest.mark.parametrize(
    ("fmt", "error", "pattern"),
    [("xxyy", ValueError, "one of 'xyxy'"), (None, TypeError, "string"), ("XYXY", ValueError, "got 'XYXY'")],
)
def test_unknown_formats(fmt: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=f"in_fmt .*{pattern}"):
        detutils.box_convert([[0, 0, 1, 1]], fmt, "xyxy")
    with pytest.raises(error, match=f"out_fmt .*{pattern}"):
        detutils.box_convert([[0, 0, 1, 1]], "xyxy", fmt)


@pytest.mark.parametrize("offset", [0, 1])
def test_area_is_its_definition(offset: int) -> None:
    boxes = random_boxes(size(500, 50), seed=4)
    result = unchanged(lambda rows: detutils.box_area(rows, offset=offset), boxes)
    np.testing.assert_array_equal(result, naive.box_area(boxes.tolist(), offset=offset))
    single = detutils.box_area(boxes.astype(np.float32), offset=offset)
    assert single.dtype == np.float32
    expected = naive.box_area(boxes.astype(np.float32).astype(np.float64).tolist(), offset=offset)
    np.testing.assert_array_equal(single, np.float32(expected))


def test_area_beyond_float32_is_infinite() -> None:
    assert detutils.box_area(np.array([[0, 0, 1e30, 1e30]], np.float32)).tolist() == [np.inf]


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("image_size", [(480, 640), (100.5, 0.25), (1, 1)])
def test_clip_is_its_definition(offset: int, image_size: tuple[float, float]) -> None:
    boxes = random_boxes(size(500, 50), seed=5, spread=900)
    result = unchanged(lambda rows: detutils.clip_boxes_to_image(rows, image_size, offset=offset), boxes)
    expected = naive.clip_boxes_to_image(boxes.tolist(), image_size, offset=offset)
    np.testing.assert_array_equal(result, expected)
    assert (result[:, 2:] >= result[:, :2]).all()
    np.testing.assert_array_equal(detutils.clip_boxes_to_image(result, image_size, offset=offset), result)
    short = boxes.astype(np.float32)
    single = detutils.clip_boxes_to_image(short, image_size, offset=offset)
    assert single.dtype == np.float32
    expected = naive.clip_boxes_to_image(short.astype(np.float64).tolist(), image_size, offset=offset)
    np.testing.assert_array_equal(single, np.float32(expected))


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("min_size", [0, 1, 20, 20.5])
def test_small_boxes_are_their_definition(offset: int, min_size: float) -> None:
    boxes = np.vstack([random_boxes(size(500, 50), seed=6), [[0, 0, min_size, min_size]] * 2])
    result = unchanged(lambda rows: detutils.remove_small_boxes(rows, min_size, offset=offset), boxes)
    assert result.tolist() == naive.remove_small_boxes(boxes.tolist(), min_size, offset=offset)
    assert result.dtype == np.int64
    assert len(boxes) - 1 in result, "a side of exactly min_size stays"


@pytest.mark.parametrize("name", CALLS)
@each("form", GOOD_FORMS)
def test_every_guise(name: str, form: str) -> None:
    boxes = whole_boxes(17, seed=7)
    expected, result = CALLS[name](boxes), CALLS[name](GOOD_FORMS[form](boxes))
    np.testing.assert_array_equal(result, expected)
    assert (result.dtype == np.float32) == ("float32" in form and name != "remove_small_boxes")


@pytest.mark.parametrize("name", CALLS)
@each(("boxes", "error", "pattern"), BAD_BOXES)
def test_bad_boxes(name: str, boxes: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        CALLS[name](boxes)


@each(("offset", "error", "pattern"), BAD_OFFSETS)
def test_bad_offsets(offset: object, error: type[Exception], pattern: str) -> None:
    boxes = [[0, 0, 1, 1]]
    for call in (
        lambda: detutils.box_area(boxes, offset=offset),
        lambda: detutils.clip_boxes_to_image(boxes, IMAGE, offset=offset),
        lambda: detutils.remove_small_boxes(boxes, 1, offset=offset),
    ):
        with pytest.raises(error, match=pattern):
            call()


@pytest.mark.parametrize(
    ("image_size", "error", "pattern"),
    [
        (None, TypeError, "pair"),
        (640, TypeError, "pair"),
        ("ab", TypeError, "pair"),
        ((1, 2, 3), ValueError, "3"),
        ((0, 5), ValueError, r"image_size\[0\] must be greater than 0"),
        ((5, np.nan), ValueError, r"image_size\[1\]"),
        ((5, "6"), TypeError, "number"),
    ],
)
def test_bad_image_sizes(image_size: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.clip_boxes_to_image([[0, 0, 1, 1]], image_size)


@pytest.mark.parametrize(
    ("value", "error"), [(-1, ValueError), (np.nan, ValueError), ("1", TypeError), (None, TypeError)]
)
def test_bad_min_size(value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="min_size"):
        detutils.remove_small_boxes([[0, 0, 1, 1]], value)


@pytest.mark.parametrize("empty", [[], np.zeros((0, 4)), np.zeros((0, 4), np.float32)])
def test_empty(empty: object) -> None:
    dtype = np.float32 if getattr(empty, "dtype", None) == np.float32 else np.float64
    for result, shape, kind in (
        (detutils.box_convert(empty, "xyxy", "xywh"), (0, 4), dtype),
        (detutils.box_area(empty), (0,), dtype),
        (detutils.clip_boxes_to_image(empty, IMAGE), (0, 4), dtype),
        (detutils.remove_small_boxes(empty, 1), (0,), np.int64),
    ):
        assert result.shape == shape
        assert result.dtype == kind


# ---- rows that are no boxes ----


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bad_rows_can_be_dropped(dtype: type) -> None:
    rows = np.array([[0, 0, 4, 4], [np.nan, 0, 1, 1], [5, 5, 9, 7], [3, 0, 1, 1], [0, 0, np.inf, 1]], dtype)
    good = rows[[0, 2]]
    clipped = detutils.clip_boxes_to_image(rows, (6, 6), on_invalid="drop")
    np.testing.assert_array_equal(clipped, detutils.clip_boxes_to_image(good, (6, 6)))
    assert clipped.dtype == dtype
    for target in ("xyxy", "xywh", "cxcywhn"):
        converted = detutils.box_convert(rows, "xyxy", target, image_size=(6, 6), on_invalid="drop")
        np.testing.assert_array_equal(converted, detutils.box_convert(good, "xyxy", target, image_size=(6, 6)))
        assert converted.dtype == dtype
    sizes = np.array([[0, 0, 4, 4], [0, 0, -1, 2]], dtype)
    assert detutils.box_convert(sizes, "xywh", "xyxy", on_invalid="drop").tolist() == [[0, 0, 4, 4]]
    assert detutils.clip_boxes_to_image(rows[1:2], (6, 6), on_invalid="drop").shape == (0, 4)
    with pytest.raises(ValueError, match=r"boxes\[1\] is not finite"):
        detutils.clip_boxes_to_image(rows, (6, 6))


def test_on_invalid_is_checked() -> None:
    for call in (
        lambda word: detutils.clip_boxes_to_image([[0, 0, 1, 1]], (6, 6), on_invalid=word),
        lambda word: detutils.box_convert([[0, 0, 1, 1]], "xyxy", "xywh", on_invalid=word),
        lambda word: detutils.decode_boxes([[0, 0, 0, 0]], [[0, 0, 1, 1]], on_invalid=word),
    ):
        with pytest.raises(ValueError, match="on_invalid must be one of 'raise', 'drop', got 'skip'"):
            call("skip")
        with pytest.raises(TypeError, match="on_invalid must be a string"):
            call(None)
