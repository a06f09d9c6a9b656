"""Windows and features against their definitions, against scikit-image, and against hostile input."""

from __future__ import annotations

import numpy as np
import pytest

from detutils import box_features, crop_boxes
from tests.cases import BAD_BOXES, BAD_IMAGES, GOOD_FORMS, each, size, unchanged, whole_boxes
from tests.naive import features as naive


def picture(seed: int, height: int = 33, width: int = 47) -> np.ndarray:
    """Smooth colors with sharp noise."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 1, width)[None, :, None] * np.array([0.2, 0.5, 0.8])
    return (ramp * np.ones((height, 1, 1)) * 0.5 + 0.5 * rng.random((height, width, 3))).astype(np.float32)


def somewhere(n: int, seed: int, side: float) -> np.ndarray:
    """Boxes of all sizes, partly outside the image."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-side / 4, side, (n, 2))
    return np.hstack([corner, corner + np.exp(rng.uniform(-1, np.log(2 * side), (n, 2)))])


@each("seed", range(size(4, 1)))
@pytest.mark.parametrize(("side", "context"), [(1, 1.0), (5, 1.0), (12, 1.25), (8, 3.0)])
def test_windows_equal_their_definition(seed: int, side: int, context: float) -> None:
    image, boxes = picture(seed), somewhere(6, seed, 45.0)
    expected = naive.crop_boxes(image.astype(float).tolist(), boxes.tolist(), side, context)
    found = crop_boxes(image, boxes, side, context=context)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.array(expected), rtol=0, atol=2e-5)


def test_windows_at_exactly_two_and_four_pixels_a_sample() -> None:
    image, boxes = picture(5), [[3, 1, 11, 33], [1, 3, 33, 11], [0.5, 0.5, 16.5, 16.5], [7.25, 0, 39.25, 32]]
    expected = naive.crop_boxes(image.astype(float).tolist(), boxes, 8)
    np.testing.assert_allclose(crop_boxes(image, boxes, 8), np.array(expected), rtol=0, atol=2e-5)


@each("seed", range(size(4, 1)))
@pytest.mark.parametrize(("side", "cell"), [(16, 4), (13, 3), (8, 4), (5, 2)])
def test_features_equal_their_definition(seed: int, side: int, cell: int) -> None:
    image, boxes = picture(seed), somewhere(4, seed, 45.0)
    windows = crop_boxes(image, boxes, side, context=1.25)
    expected = np.array([naive.describe(window.tolist(), cell) for window in windows.astype(float)])
    found = box_features(image, boxes, size=side, cell=cell)
    cells = side // cell
    assert found.shape == (4, 36 * (cells - 1) ** 2 + 5 * cells**2 + 24 + 4 * side)
    # A gradient at the border of two bins may fall into either in single precision.
    assert np.mean(np.abs(found - expected) < 1e-4) > 0.98
    assert np.abs(found - expected).max() < 0.2


def test_the_brightest_pixels_are_of_the_brightest_shade() -> None:
    image = np.ones((12, 12, 3))
    image[:6, :, 0] = image[:, 6:, 2] = 0.0
    window = crop_boxes(image, [[0, 0, 12, 12]], 12, context=1.25)[0]
    expected = naive.describe(window.astype(float).tolist(), 4)
    found = box_features(image, [[0, 0, 12, 12]], size=12, cell=4)[0]
    np.testing.assert_allclose(found[144:], expected[144:], rtol=0, atol=1e-4)  # all but the gradients


def test_of_equally_steep_channels_the_first_counts() -> None:
    down, across = np.indices((24, 24)) / 64
    image, box = np.dstack([across, down, 0 * down]), [[4, 4, 20, 20]]  # sampled pixel by pixel
    expected = naive.describe(crop_boxes(image, box, 20, context=1.25)[0].astype(float).tolist(), 5)
    np.testing.assert_allclose(box_features(image, box, size=20, cell=5)[0], expected, rtol=0, atol=1e-4)


def test_gradients_equal_those_of_scikit_image() -> None:
    hog = pytest.importorskip("skimage.feature").hog
    image = picture(9)
    boxes = somewhere(size(20, 2), 3, 45.0)
    side, cell = size(64, 16), size(8, 4)
    windows = crop_boxes(image, boxes, side, context=1.25)
    found = box_features(image, boxes, size=side, cell=cell)
    length = 36 * (side // cell - 1) ** 2
    for window, features in zip(windows, found, strict=True):
        expected = hog(window.astype(float), 9, (cell, cell), (2, 2), block_norm="L2-Hys", channel_axis=-1)
        assert np.mean(np.abs(features[:length] - expected) < 1e-4) > 0.98


def test_a_whole_image_at_its_own_size_is_itself() -> None:
    image = picture(1, 24, 24)
    np.testing.assert_allclose(crop_boxes(image, [[0, 0, 24, 24]], 24)[0], image, atol=1e-6)
    np.testing.assert_allclose(crop_boxes(image, [[4, 8, 12, 16]], 8)[0], image[8:16, 4:12], atol=1e-6)


def test_large_boxes_are_averaged() -> None:
    chess = np.indices((size(128, 32), size(128, 32))).sum(axis=0) % 2 * 1.0
    found = crop_boxes(chess, [[0, 0, chess.shape[1], chess.shape[0]]], 8)
    np.testing.assert_allclose(found, 0.5, atol=1e-6)


def test_outside_the_edge_goes_on() -> None:
    image = np.full((4, 4, 3), 0.25)
    image[:, 0] = 1.0
    found = crop_boxes(image, [[-9, 0, -6, 4]], 3)
    np.testing.assert_array_equal(found, 1.0)


def test_brightness_does_not_turn_gradients() -> None:
    image = picture(4) * np.float32(0.5)
    boxes = somewhere(3, 4, 45.0)
    length = 36 * 9
    dark = box_features(image, boxes, size=16, cell=4)[:, :length]
    light = box_features(image + np.float32(0.25), boxes, size=16, cell=4)[:, :length]
    assert np.mean(np.abs(dark - light) < 1e-3) > 0.97


def test_kinds_of_images() -> None:
    color = (picture(5) * 255).round().astype(np.uint8)
    boxes = somewhere(3, 5, 45.0)
    base = crop_boxes(color, boxes, 6)
    with_alpha = np.dstack([color, np.zeros(color.shape[:2], np.uint8)])
    np.testing.assert_array_equal(crop_boxes(with_alpha, boxes, 6), base)
    np.testing.assert_allclose(crop_boxes(color.astype(np.uint16) * 257, boxes, 6), base, atol=1e-6)
    np.testing.assert_allclose(crop_boxes(color / 255.0, boxes, 6), base, atol=1e-6)
    gray = color[:, :, 0]
    np.testing.assert_array_equal(crop_boxes(gray, boxes, 6), crop_boxes(np.dstack([gray] * 3), boxes, 6))
    for tiny in (np.full((1, 1), 7, np.uint8), np.full((1, 9), 7, np.uint8), np.full((9, 1, 3), 7, np.uint8)):
        assert np.isfinite(box_features(tiny, boxes, size=8, cell=4)).all()


def test_empty_and_degenerate_boxes() -> None:
    image = picture(6)
    assert crop_boxes(image, [], 5).shape == (0, 5, 5, 3)
    assert box_features(image, np.empty((0, 4))).shape == (0, 2364)
    point = crop_boxes(image, [[3.5, 4.5, 3.5, 4.5]], 3)
    np.testing.assert_allclose(point[0], image[4, 3] * np.ones((3, 3, 1)), atol=1e-6)
    for box in ([5, 5, 5, 20], [-1e9, -1e9, 1e9, 1e9], [1e140, 0, 1e145, 1], [0, 0, 1e-9, 1e-9]):
        assert np.isfinite(box_features(image, [box], size=8, cell=4)).all()


def test_many_boxes_are_described_in_portions() -> None:
    image = picture(7)
    boxes = somewhere(size(600, 5), 7, 45.0)
    whole = box_features(image, boxes, size=8, cell=4)
    for i in (0, len(boxes) // 2, len(boxes) - 1):
        np.testing.assert_array_equal(whole[i], box_features(image, boxes[i : i + 1], size=8, cell=4)[0])


@each("form", GOOD_FORMS)
def test_every_form_of_boxes(form: str) -> None:
    image, boxes = picture(8), whole_boxes(4, 8, 40)
    expected = box_features(image, boxes, size=8, cell=4)
    np.testing.assert_array_equal(box_features(image, GOOD_FORMS[form](boxes), size=8, cell=4), expected)


def test_images_of_any_layout_stay_as_they_are() -> None:
    image, boxes = picture(9).astype(np.float64), somewhere(3, 9, 45.0)
    expected = unchanged(box_features, image, boxes, size=8, cell=4)
    frozen = image.copy()
    frozen.flags.writeable = False
    for one in (np.asfortranarray(image), image[::-1].copy()[::-1], frozen):
        np.testing.assert_array_equal(box_features(one, boxes, size=8, cell=4), expected)


@each(("bad", "error", "pattern"), BAD_BOXES)
@pytest.mark.parametrize("function", [crop_boxes, box_features])
def test_bad_boxes(function: object, bad: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        function(picture(1), bad)  # type: ignore[operator]


@each(("bad", "error", "pattern"), BAD_IMAGES)
@pytest.mark.parametrize("function", [crop_boxes, box_features])
def test_bad_images(function: object, bad: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        function(bad, [[0, 0, 1, 1]])  # type: ignore[operator]


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"size": 15, "cell": 8}, ValueError, "size must be at least 16"),
        ({"cell": 1}, ValueError, "cell must be at least 2"),
        ({"size": 32.0}, TypeError, "size must be an integer"),
        ({"context": 0.0}, ValueError, "context must be greater than 0"),
        ({"context": 1e7}, ValueError, r"context must be at most 1e\+06"),
    ],
)
def test_bad_options(options: dict[str, object], error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        box_features(picture(1), [[0, 0, 1, 1]], **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="size must be at least 1"):
        crop_boxes(picture(1), [[0, 0, 1, 1]], 0)
    with pytest.raises(MemoryError):
        crop_boxes(picture(1), np.tile([[0.0, 0, 1, 1]], (1000, 1)), 100_000)
