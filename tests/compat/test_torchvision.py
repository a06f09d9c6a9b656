"""``compat.torchvision`` against the definitions, and what it refuses."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import detutils.compat.torchvision.ops.boxes as box_ops
from detutils.compat import torchvision
from detutils.compat.torchvision.ops import batched_nms, box_iou, masks_to_boxes, nms
from tests.cases import (
    BAD_BOXES,
    BAD_IMAGE_SIZES,
    BAD_NUMBERS,
    BAD_SCORES,
    BAD_THRESHOLDS,
    GOOD_FORMS,
    each,
    random_boxes,
    size,
    unchanged,
    whole_boxes,
    whole_scores,
)
from tests.naive import (
    boxes as naive_boxes,
    overlaps as naive_overlaps,
    suppression as naive,
    torchvision as definitions,
)

MATRICES = ("box_iou", "generalized_box_iou", "distance_box_iou", "complete_box_iou")
FUNCTIONS = (
    "batched_nms", "box_area", "box_convert", "box_iou", "clip_boxes_to_image", "complete_box_iou", "distance_box_iou",
    "generalized_box_iou", "masks_to_boxes", "nms", "remove_small_boxes",
)  # fmt: skip
PAIR = np.array([[0.0, 0.0, 10.0, 10.0], [2.0, 0.0, 12.0, 10.0]])
TWO = np.array([0.5, 0.75])
LABELS = np.array([3, 4])


def scene(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (anywhere or at whole coordinates), scores (often tied) and labels."""
    rng = np.random.default_rng(seed)
    boxes = whole_boxes(n, seed, 40) if seed % 3 == 0 else random_boxes(n, seed, spread=200.0)
    scores = whole_scores(n, seed) if seed % 2 else rng.random(n)
    return boxes, scores, rng.integers(0, 4, n)


# ---- without the original --------------------------------------------------------------------------------------------


def test_every_path_of_the_original() -> None:
    for name in FUNCTIONS:
        function = getattr(box_ops, name)
        assert getattr(torchvision, name) is function
        assert getattr(torchvision.ops, name) is function
        assert getattr(torchvision.ops.boxes, name) is function
    assert sorted(torchvision.ops.__all__) == sorted(FUNCTIONS)
    assert {*torchvision.__all__} == {*FUNCTIONS, "ops"}


@each("seed", range(size(30, 6)))
def test_suppression(seed: int) -> None:
    boxes, scores, labels = scene(seed, size(60, 25))
    threshold = (0.0, 0.3, 0.5, 0.6, 1.0)[seed % 5]
    keep = unchanged(nms, boxes, scores, iou_threshold=threshold)
    assert keep.dtype == np.int64
    assert keep.tolist() == naive.nms(boxes.tolist(), scores.tolist(), threshold)
    expected = naive.batched_nms(boxes.tolist(), scores.tolist(), labels.tolist(), threshold)
    for idxs in (labels, labels.astype(np.float32), labels / 8, labels.astype(np.uint8)):
        assert unchanged(batched_nms, boxes, scores, idxs, iou_threshold=threshold).tolist() == expected
    expected = naive.batched_nms(boxes.tolist(), scores.tolist(), (labels > 1).tolist(), threshold)
    assert batched_nms(boxes, scores, labels > 1, threshold).tolist() == expected


@each("seed", range(size(20, 4)))
@pytest.mark.parametrize("name", MATRICES)
def test_matrices(name: str, seed: int) -> None:
    first, second = random_boxes(7, seed), random_boxes(9, seed + 1)
    if seed % 2:  # normalized: here eps matters
        first, second = first / 2000, second / 2000
    module = definitions if name.startswith(("dist", "comp")) else naive_overlaps
    expected = np.array(getattr(module, name)(first.tolist(), second.tolist()))
    answer = unchanged(getattr(box_ops, name), first, second)
    assert answer.dtype == np.float64
    np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-7)
    narrow = getattr(box_ops, name)(first.astype(np.float32), second.astype(np.float32))
    assert narrow.dtype == np.float32
    expected = np.array(getattr(module, name)(first.astype("f4").tolist(), second.astype("f4").tolist()))
    np.testing.assert_allclose(narrow, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("eps", [0.0, 1e-3, 1.0])
def test_eps(eps: float) -> None:
    first, second = random_boxes(7, 1) / 100, random_boxes(9, 2) / 100
    expected = np.array(definitions.distance_box_iou(first.tolist(), second.tolist(), eps or 1e-300))
    np.testing.assert_allclose(box_ops.distance_box_iou(first, second, eps), expected, rtol=0, atol=1e-12)
    expected = np.array(definitions.complete_box_iou(first.tolist(), second.tolist(), eps or 1e-300))
    np.testing.assert_allclose(box_ops.complete_box_iou(first, second, eps), expected, rtol=0, atol=eps + 1e-12)


def test_eps_is_looked_at_where_sides_are_short() -> None:
    """Either set with long sides is enough; one short side in each is not."""
    long, short = np.array([[0, 0, 2.0, 2.0]]), np.array([[0, 0, 1.0, 1.0]])
    for a, b in itertools.product((long, short), repeat=2):
        b = b + 5
        plain = naive_overlaps.distance_box_iou(a.tolist(), b.tolist())
        exact = definitions.distance_box_iou(a.tolist(), b.tolist(), 1e-7)
        wanted = exact if a is short and b[0, 2] == 6 else plain
        assert abs(box_ops.distance_box_iou(a, b)[0, 0] - wanted[0][0]) < 1e-15
        assert plain != exact
    both = np.vstack([long, short])
    wanted = definitions.distance_box_iou(both.tolist(), (both + 5).tolist())
    np.testing.assert_allclose(box_ops.distance_box_iou(both, both + 5), wanted, rtol=0, atol=1e-15)


def test_the_least_size_is_rounded_as_boxes_are() -> None:
    """0.7 in float32 is less than 0.7; torch compares it with 0.7 in float32."""
    boxes = np.array([[0, 0, 0.7, 1], [0, 0, 0.6, 1]], np.float32)
    assert box_ops.remove_small_boxes(boxes, 0.7).tolist() == [0]
    assert box_ops.remove_small_boxes(boxes.astype(np.float64), 0.7).tolist() == []


@pytest.mark.parametrize("fmt", ["xyxy", "xywh", "cxcywh"])
def test_formats_of_boxes(fmt: Any) -> None:
    boxes = whole_boxes(8, 3)
    other = box_ops.box_convert(boxes, "xyxy", fmt)
    np.testing.assert_array_equal(box_iou(other, other, fmt), box_iou(boxes, boxes))
    np.testing.assert_array_equal(box_ops.box_area(other, fmt), box_ops.box_area(boxes))
    narrow = other.astype(np.float16)
    assert box_iou(narrow, narrow, fmt=fmt).dtype == np.float32
    if fmt != "cxcywh":
        whole = other.astype(np.int16)
        assert box_ops.box_area(whole, fmt=fmt).tolist() == box_ops.box_area(boxes).tolist()


@each("seed", range(8))
def test_one_by_one(seed: int) -> None:
    boxes = random_boxes(30, seed)
    rows = boxes.tolist()
    np.testing.assert_array_equal(unchanged(box_ops.box_area, boxes), naive_boxes.box_area(rows))
    keep = unchanged(box_ops.remove_small_boxes, boxes, min_size=20)
    assert keep.tolist() == naive_boxes.remove_small_boxes(rows, 20)
    clipped = unchanged(box_ops.clip_boxes_to_image, boxes, size=(300, 200))
    np.testing.assert_array_equal(clipped, naive_boxes.clip_boxes_to_image(rows, (300, 200)))
    for source, target in itertools.product(("xyxy", "xywh", "cxcywh"), repeat=2):
        given = np.array(naive_boxes.box_convert(rows, "xyxy", source))
        expected = naive_boxes.box_convert(given.tolist(), source, target)
        np.testing.assert_allclose(box_ops.box_convert(given, source, target), expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(4,), (0, 4), (1, 4), (2, 3, 4), (2, 0, 4), (2, 3, 5, 4)])
def test_leading_dimensions(shape: tuple[int, ...]) -> None:
    flat = random_boxes(int(np.prod(shape)) // 4, 1)
    boxes = flat.reshape(shape)
    converted = box_ops.box_convert(boxes, "xyxy", "cxcywh")
    assert converted.shape == shape
    np.testing.assert_array_equal(converted.reshape(-1, 4), box_ops.box_convert(flat, "xyxy", "cxcywh"))
    clipped = box_ops.clip_boxes_to_image(boxes, (100, 90))
    assert clipped.shape == shape
    np.testing.assert_array_equal(clipped.reshape(-1, 4), box_ops.clip_boxes_to_image(flat, (100, 90)))


def test_clip_takes_classes_side_by_side() -> None:
    boxes = random_boxes(6, 2)
    clipped = box_ops.clip_boxes_to_image(boxes.reshape(2, 12), (100, 90))
    assert clipped.shape == (2, 12)
    np.testing.assert_array_equal(clipped.reshape(6, 4), box_ops.clip_boxes_to_image(boxes, (100, 90)))


DTYPES = {
    "float64": ("float64", "float64", "float64", "float64"),
    "float32": ("float32", "float32", "float32", "float32"),
    "float16": ("float32", "float32", "float16", "float16"),
    "int64": ("float32", "int64", "int64", "float32"),
    "int32": ("float32", "int32", "int32", "float32"),
    "int16": ("float32", "int32", "int16", "float32"),
    "int8": ("float32", "int32", "int8", "float32"),
    "uint8": ("float32", "int32", "uint8", "float32"),
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(dtype: str) -> None:
    matrix, area, kept, center = DTYPES[dtype]
    boxes = np.array([[1, 2, 5, 7], [2, 2, 9, 9]], dtype)
    for name in MATRICES:
        assert getattr(box_ops, name)(boxes, boxes).dtype == matrix
    assert box_ops.box_area(boxes).dtype == area
    assert box_ops.box_area(boxes).tolist() == [20, 49]
    assert box_ops.clip_boxes_to_image(boxes, (5, 5)).dtype == kept
    assert box_ops.clip_boxes_to_image(boxes, (5, 5)).tolist() == [[1, 2, 5, 5], [2, 2, 5, 5]]
    assert box_ops.clip_boxes_to_image(boxes, (5.5, 5.0)).dtype == (center if kept == dtype else kept)  # type: ignore[arg-type]
    assert box_ops.box_convert(boxes, "xyxy", "xywh").dtype == kept
    assert box_ops.box_convert(boxes, "cxcywh", "cxcywh").dtype == kept
    assert box_ops.box_convert(boxes, "xyxy", "cxcywh").dtype == center
    assert box_ops.box_convert(boxes, "cxcywh", "xywh").dtype == center
    assert nms(boxes, TWO, 0.5).tolist() == [1, 0]


def test_two_dtypes() -> None:
    for first, second in itertools.product(("float16", "float32", "float64", "int64"), repeat=2):
        wanted = np.float64 if "float64" in (first, second) else np.float32
        assert box_iou(PAIR.astype(first), PAIR.astype(second)).dtype == wanted


def test_integers_do_not_wrap_around() -> None:
    with pytest.raises(ValueError, match="leave the range of uint8"):
        box_ops.box_convert(np.array([[200, 0, 100, 1]], np.uint8), "xywh", "xyxy")
    with pytest.raises(ValueError, match="areas of boxes leave the range of int32"):
        box_ops.box_area(np.array([[0, 0, 50_000, 50_000]], np.int32))
    with pytest.raises(ValueError, match="areas of boxes leave the range of int64"):
        box_ops.box_area(np.array([[0, 0, 2**27, 2**27]]))
    assert box_ops.box_area(np.array([[0, 0, 255, 255]], np.uint8)).tolist() == [255 * 255]
    assert box_ops.box_convert(np.array([[-100, -100, 100, 100]], np.int8), "xyxy", "xyxy").tolist() == [
        [-100, -100, 100, 100]
    ]


@pytest.mark.parametrize("name", ["a", "b"])
def test_masks(name: str) -> None:
    rng = np.random.default_rng(len(name) + (name == "b"))
    masks = rng.random((20, 9, 7)) < 0.03
    masks[np.arange(20), rng.integers(0, 9, 20), rng.integers(0, 7, 20)] = True
    expected = definitions.masks_to_boxes(masks.tolist())
    for dtype in (bool, np.uint8, np.float32, np.int64):
        boxes = unchanged(masks_to_boxes, masks.astype(dtype))
        assert boxes.dtype == np.float32
        assert boxes.tolist() == expected
    assert masks_to_boxes(np.where(masks, -0.5, 0)).tolist() == expected


def test_empty() -> None:
    none = np.zeros((0, 4), np.float32)
    assert nms(none, np.zeros(0), 0.5).tolist() == []
    assert batched_nms(np.zeros(0), None, None, None).dtype == np.int64  # type: ignore[arg-type]
    assert nms([], [], 0.5).dtype == np.int64
    for name in MATRICES:
        assert getattr(box_ops, name)(none, PAIR.astype(np.float32)).shape == (0, 2)
        assert getattr(box_ops, name)(PAIR, none).shape == (2, 0)
    assert box_ops.box_area(none).shape == (0,)
    assert box_ops.box_convert([], "xywh", "xyxy").shape in ((0, 4), (0,))
    for shape in ((0, 3, 4), (2, 0, 4), (2, 3, 0)):
        assert masks_to_boxes(np.zeros(shape)).shape == (0, 4)


# ---- what is refused -------------------------------------------------------------------------------------------------

OF_ONE: dict[str, Callable[[Any], Any]] = {
    "box_area": box_ops.box_area,
    "remove_small_boxes": lambda boxes: box_ops.remove_small_boxes(boxes, 1),
    "nms": lambda boxes: nms(boxes, TWO, 0.5),
    "batched_nms": lambda boxes: batched_nms(boxes, TWO, LABELS, 0.5),
    "box_iou": lambda boxes: box_iou(boxes, PAIR),
    "box_iou of xywh": lambda boxes: box_iou(PAIR, boxes),
    "generalized_box_iou": lambda boxes: box_ops.generalized_box_iou(boxes, PAIR),
    "distance_box_iou": lambda boxes: box_ops.distance_box_iou(PAIR, boxes),
    "complete_box_iou": lambda boxes: box_ops.complete_box_iou(boxes, PAIR),
}
DIMENSIONS = ("1-D", "3-D", "five columns")


@pytest.mark.parametrize("name", OF_ONE)
@each(("value", "error", "pattern"), BAD_BOXES)
def test_bad_boxes(name: str, value: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match="boxes.*(" + pattern + "|must have shape)"):
        OF_ONE[name](value)


@pytest.mark.parametrize("name", ["clip_boxes_to_image", "box_convert"])
@each(("value", "error", "pattern"), [case for case in BAD_BOXES if case.id not in DIMENSIONS])
def test_bad_boxes_of_any_dimensions(name: str, value: Any, error: type[Exception], pattern: str) -> None:
    call = {
        "clip_boxes_to_image": lambda: box_ops.clip_boxes_to_image(value, (5, 5)),
        "box_convert": lambda: box_ops.box_convert(value, "xyxy", "xywh"),
    }[name]
    with pytest.raises(error, match="boxes.*(" + pattern + "|must have shape)"):
        call()


@pytest.mark.parametrize("value", [np.zeros((3, 5)), np.zeros((2, 3, 6)), np.zeros(3), np.array(1.0), 1.0])
def test_columns_must_be_four(value: Any) -> None:
    with pytest.raises(ValueError, match=r"boxes must have shape \(N, 4\)"):
        box_ops.clip_boxes_to_image(value, (5, 5))
    with pytest.raises(ValueError, match=r"boxes must have shape \(N, 4\)"):
        box_ops.box_convert(value, "xywh", "xyxy")
    with pytest.raises(ValueError, match=r"boxes must have shape \(N, 4\)"):
        box_ops.box_convert(np.zeros((2, 8)), "xywh", "xyxy")


@each(("value", "error", "pattern"), BAD_SCORES)
def test_bad_scores(value: Any, error: type[Exception], pattern: str) -> None:
    for call in (lambda: nms(PAIR, value, 0.5), lambda: batched_nms(PAIR, value, LABELS, 0.5)):
        with pytest.raises(error, match="scores.*" + pattern):
            call()


@pytest.mark.parametrize("value", [None, ["a", "b"], [0.0, np.nan], np.array([0, np.inf]), np.zeros((2, 1))])
def test_bad_idxs(value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="idxs"):
        batched_nms(PAIR, TWO, value, 0.5)


def test_idxs_of_another_length() -> None:
    for value in ([1], [1.0], np.array([0.5]), np.array([True])):
        with pytest.raises((TypeError, ValueError), match=r"labels|idxs"):
            batched_nms(PAIR, TWO, value, 0.5)


@each(("value", "error", "pattern"), BAD_THRESHOLDS)
def test_bad_thresholds(value: Any, error: type[Exception], pattern: str) -> None:
    for call in (lambda: nms(PAIR, TWO, value), lambda: batched_nms(PAIR, TWO, LABELS, value)):
        with pytest.raises(error, match="iou_threshold.*" + pattern):
            call()


@each(("value", "error", "pattern"), BAD_NUMBERS)
def test_bad_numbers(value: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match="min_size.*" + pattern):
        box_ops.remove_small_boxes(PAIR, value)
    for function in (box_ops.distance_box_iou, box_ops.complete_box_iou):
        with pytest.raises(error, match="eps.*" + pattern):
            function(PAIR, PAIR, value)


@each(("value", "error", "pattern"), BAD_IMAGE_SIZES)
def test_bad_sizes(value: Any, error: type[Exception], pattern: str) -> None:
    for boxes in (PAIR, PAIR.astype(int)):
        with pytest.raises(error, match="size.*" + pattern):
            box_ops.clip_boxes_to_image(boxes, value)


@pytest.mark.parametrize("value", ["xyxyn", "cxcywhr", "", 1, None, ["xyxy"], np.array(["xyxy", "xywh"])])
def test_bad_formats(value: Any) -> None:
    calls: dict[str, Callable[[], Any]] = {
        "in_fmt": lambda: box_ops.box_convert(PAIR, value, "xyxy"),
        "out_fmt": lambda: box_ops.box_convert(PAIR, "xyxy", value),
        "fmt": lambda: box_iou(PAIR, PAIR, value),
        "fmt ": lambda: box_ops.box_area(PAIR, value),
    }
    for name, call in calls.items():
        with pytest.raises((TypeError, ValueError), match=f"^{name.strip()} must be"):
            call()


@pytest.mark.parametrize(
    ("value", "error"),
    [(None, TypeError), ("mask", TypeError), ([["a"]], TypeError), (np.zeros((1, 2, 2), complex), TypeError),
     (np.ma.zeros((1, 2, 2)), TypeError), (np.zeros((2, 2)), ValueError), (np.zeros((1, 1, 2, 2)), ValueError),
     (1.0, ValueError), ([[[1, 0], [1]]], ValueError)],
)  # fmt: skip
def test_bad_masks(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="masks"):
        masks_to_boxes(value)


def test_an_empty_mask_is_named() -> None:
    masks = np.ones((4, 3, 3))
    masks[2] = 0
    with pytest.raises(ValueError, match=r"masks\[2\] is empty"):
        masks_to_boxes(masks)


@each("form", GOOD_FORMS)
def test_forms(form: str) -> None:
    wrap = GOOD_FORMS[form]
    boxes, scores = whole_boxes(12, 1, 20), whole_scores(12, 1)
    labels = np.arange(12.0) % 3
    given, marks = wrap(boxes), wrap(scores)
    assert nms(given, marks, 0.5).tolist() == nms(boxes, scores, 0.5).tolist()
    assert batched_nms(given, marks, wrap(labels), 0.5).tolist() == batched_nms(boxes, scores, labels, 0.5).tolist()
    assert box_ops.box_area(given).tolist() == box_ops.box_area(boxes).tolist()
    assert box_ops.remove_small_boxes(given, 9).tolist() == box_ops.remove_small_boxes(boxes, 9).tolist()
    np.testing.assert_allclose(box_iou(given, given), box_iou(boxes, boxes), rtol=0, atol=1e-7)
    np.testing.assert_allclose(
        box_ops.complete_box_iou(given, given), box_ops.complete_box_iou(boxes, boxes), rtol=0, atol=1e-6
    )
    for call in (
        lambda rows: box_ops.clip_boxes_to_image(rows, (50, 40)),
        lambda rows: box_ops.box_convert(rows, "xyxy", "xywh"),
        lambda rows: box_ops.box_convert(rows, "xyxy", "cxcywh"),
    ):  # fmt: skip
        assert call(given).tolist() == call(boxes).tolist()
        assert call(given).dtype.kind in "iuf"
