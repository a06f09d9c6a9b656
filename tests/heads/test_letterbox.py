"""Letterboxes: the rules of exporters, the way back, and pictures of every kind."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import detutils
from detutils import Letterbox
from tests import cases
from tests.naive import letterbox as naive

RULES: dict[str, tuple[Callable[..., dict[str, Any]], dict[str, Any]]] = {
    "YOLO": (naive.yolo, {"gain": "nominal"}),
    "YOLOX": (naive.yolox, {"align": "top-left", "rounding": "floor", "gain": "nominal"}),
    "SCRFD": (naive.scrfd, {"align": "top-left", "rounding": "floor-ratio", "gain": "height"}),
    "PicoDet": (naive.picodet, {"stretch": True}),
}
SIZES = [(640, 640), (384, 640), (320, 200), (33, 257)]


def sides(count: int, seed: int = 0) -> list[tuple[int, int]]:
    """Sizes of photographs: usual ones, and any."""
    rng = np.random.default_rng(seed)
    usual = [(480, 640), (1080, 1920), (3000, 4000), (640, 640), (427, 640), (500, 333), (8, 4000), (1, 1), (49, 98)]
    return usual + [tuple(pair) for pair in rng.integers(20, 4500, (count, 2)).tolist()]


@pytest.mark.parametrize("name", RULES)
def test_the_rules_of_exporters(name: str) -> None:
    rule, options = RULES[name]
    for height, width in sides(cases.size(300, 100)):
        for high, wide in SIZES:
            expected = rule(height, width, high, wide)
            if min(expected["inner"]) < 1:  # these exporters fail
                continue
            geometry = Letterbox.fit((height, width), (high, wide), **options)
            assert geometry.input_size == expected["input"], (height, width, high, wide)
            assert geometry.pad == expected["pad"]
            assert geometry.scale == expected["gain"]
            exact = Letterbox.fit((height, width), (high, wide), **{**options, "gain": "exact"})
            inner = expected["inner"]
            assert exact.scale == (inner[1] / width, inner[0] / height)
            # where the photograph's last corner lies is where its pixels end
            np.testing.assert_allclose(
                exact.points_to_input([width, height]), [inner[1] + exact.pad[0], inner[0] + exact.pad[1]], rtol=1e-15
            )


@pytest.mark.parametrize("stride", [1, 2, 32, 64, 1000])
@pytest.mark.parametrize("scale_up", [True, False])
def test_strides_and_small_images(stride: int, scale_up: bool) -> None:
    for height, width in sides(cases.size(400, 50), seed=1):
        for high, wide in [(640, 640), (640, 1280)]:
            expected = naive.yolo(height, width, high, wide, scale_up, stride)
            if min(expected["inner"]) < 1:  # type: ignore[call-overload]
                continue
            geometry = Letterbox.fit((height, width), (high, wide), stride=stride, scale_up=scale_up, gain="nominal")
            assert (geometry.input_size, geometry.pad, geometry.scale) == (
                expected["input"], expected["pad"], expected["gain"],
            )  # fmt: skip


def test_half_a_pixel() -> None:
    """Where the rules part: one photograph, four ways."""
    found = {name: Letterbox.fit((427, 640), 416, **options) for name, (_, options) in RULES.items()}
    assert found["YOLO"].pad == (0, 69)
    assert 427 * 0.65 == 277.55
    exact = Letterbox.fit((427, 640), 416)
    assert exact.scale == (0.65, 278 / 427)
    assert Letterbox.fit((427, 640), 416, rounding="floor").scale == (0.65, 277 / 427)
    assert found["SCRFD"].scale == (277 / 427, 277 / 427)
    assert found["PicoDet"].scale == (0.65, 416 / 427)
    bottom = {name: float(geometry.points_to_image([0, 300])[1]) for name, geometry in found.items()}
    assert len({round(value, 3) for value in bottom.values()}) == 4


def test_truncation_is_that_of_floats() -> None:
    """49 * (640 / 49) is less than 640 in float64: what truncates it has a pixel less."""
    lost = [side for side in range(1, 700) if int(side * (640 / side)) == 639]
    assert lost
    geometry = Letterbox.fit((lost[0], lost[0]), 640, rounding="floor")
    assert geometry.scale == (639 / lost[0], 639 / lost[0])
    assert Letterbox.fit((lost[0], lost[0]), 640).scale == (640 / lost[0], 640 / lost[0])


def test_thin_images_keep_a_pixel() -> None:
    for rounding in ("round", "floor", "floor-ratio"):
        geometry = Letterbox.fit((1, 5000), 640, rounding=rounding)
        assert geometry.scale == (640 / 5000, 1.0)
        picture, _ = detutils.letterbox(np.zeros((1, 5000), np.uint8), 640, rounding=rounding)
        assert (picture == 0).sum() == 640


# ---- the way back ----------------------------------------------------------------------------------------------------


def geometries() -> list[Letterbox]:
    found = [
        Letterbox.fit(image, size, **options)
        for image in sides(cases.size(60, 8), seed=2)
        for size in SIZES
        for options in ({}, {"stretch": True}, {"align": "top-left", "gain": "nominal"}, {"gain": "height"})
    ]
    return [*found, Letterbox((480, 640), (320, 320), (0.37, 1.9), (-12.25, 300.125))]


def test_coordinates_come_back_exactly() -> None:
    rng = np.random.default_rng(3)
    for geometry in geometries():
        height, width = geometry.image_size
        many = cases.size(200, 10)
        for grid in (1.0, 2.0, 2.0**20):
            points = np.floor(rng.uniform(-0.2, 1.2, (many, 2)) * (width, height) * grid) / grid
            np.testing.assert_array_equal(geometry.points_to_image(geometry.points_to_input(points)), points)
            there = np.floor(rng.uniform(0, 1, (many, 2)) * geometry.input_size[::-1] * grid) / grid
            np.testing.assert_array_equal(geometry.points_to_input(geometry.points_to_image(there)), there)


def test_any_coordinate_comes_back_within_the_bound() -> None:
    rng, worst = np.random.default_rng(4), 0.0
    for geometry in geometries():
        points = rng.normal(size=(cases.size(200, 10), 2)) * geometry.image_size[::-1] * 10.0 ** rng.integers(-6, 3)
        pads = np.abs(geometry.pad)
        again = geometry.points_to_image(geometry.points_to_input(points))
        inside = np.abs(points * geometry.scale + geometry.pad) + pads
        worst = max(worst, float((np.abs(again - points) * geometry.scale / inside).max()))
    assert 0 < worst <= 2.0**-50


def test_moved_points_are_the_definition() -> None:
    rng = np.random.default_rng(5)
    for geometry in geometries()[:: cases.size(1, 10)]:
        points = rng.uniform(-1, 2, (20, 2)) * geometry.image_size[::-1]
        there = geometry.points_to_input(points)
        back = geometry.points_to_image(points)
        expected = [naive.to_input(x, y, geometry.scale, geometry.pad) for x, y in points.tolist()]
        np.testing.assert_allclose(there, expected, rtol=1e-12)
        expected = [naive.to_image(x, y, geometry.scale, geometry.pad) for x, y in points.tolist()]
        np.testing.assert_allclose(back, expected, rtol=1e-12, atol=1e-11 * max(geometry.pad))


def test_rounding_is_taken_away_and_nothing_else() -> None:
    """What is put on the grid lay within the bound of the real quotient, which fractions tell."""
    moved = 0
    for geometry in geometries()[:: cases.size(3, 10)]:
        (scale, _), (pad, _) = geometry.scale, geometry.pad
        for x in np.random.default_rng(6).uniform(0, 700, 20).tolist() + list(range(0, 640, 64)):
            mine = float(geometry.points_to_image([x, 0])[0])
            real = (Fraction(x) - Fraction(pad)) / Fraction(scale)
            assert abs(Fraction(mine) - real) * Fraction(scale) <= Fraction(abs(x) + abs(pad)) * Fraction(10, 2**53)
            moved += mine != (x - pad) / scale
    assert moved


def test_boxes_points_and_outlines_agree() -> None:
    geometry = Letterbox.fit((427, 640), 416, stride=32)
    boxes = cases.whole_boxes(30, 0) * 7.0
    for way in ("image", "input"):
        move_boxes, move_points = getattr(geometry, f"boxes_to_{way}"), getattr(geometry, f"points_to_{way}")
        move_outlines = getattr(geometry, f"outlines_to_{way}")
        for clip in (False, True):
            moved = move_boxes(boxes, clip=clip)
            points = move_points(boxes.reshape(-1, 2, 2), clip=clip)
            np.testing.assert_array_equal(moved, points.reshape(-1, 4))
            flat = move_outlines([row.tolist() for row in boxes], clip=clip)
            np.testing.assert_array_equal(moved, flat)
            pairs = move_outlines(list(boxes.reshape(-1, 2, 2)), clip=clip)
            np.testing.assert_array_equal(points, pairs)
    assert moved.dtype == np.float64


def test_clipping() -> None:
    geometry = Letterbox.fit((100, 200), 100)  # scale .5, pad (0, 25)
    boxes = [[-10, 0, 50, 50], [0, 25, 100, 75], [-5, -5, -1, -1], [90, 70, 130, 90]]
    np.testing.assert_array_equal(
        geometry.boxes_to_image(boxes, clip=True),
        [[0, 0, 100, 50], [0, 0, 200, 100], [0, 0, 0, 0], [180, 90, 200, 100]],
    )
    np.testing.assert_array_equal(geometry.boxes_to_image(boxes)[0], [-20, -50, 100, 50])
    np.testing.assert_array_equal(
        geometry.boxes_to_input([[-50, -50, 300, 200]], clip=True), [[0, 0, 100, 100]]
    )
    points = geometry.points_to_image([[[-1, 10, 0.5], [50, 50, 0.25]]], clip=True)
    assert points.tolist() == [[[0, 0, 0.5], [100, 50, 0.25]]]


def test_keypoints_that_are_not_there() -> None:
    geometry = Letterbox.fit((100, 200), 100)
    points = np.array([[[50, 50, 2], [np.nan, np.nan, 0]], [[0, 25, 1], [10, 25, 0]]])
    moved = geometry.points_to_image(points, clip=True)
    np.testing.assert_array_equal(moved, [[[100, 50, 2], [np.nan, np.nan, 0]], [[0, 0, 1], [20, 0, 0]]])
    points[0, 1, 2] = 0.5
    with pytest.raises(ValueError, match=r"points\[0, 1\] is not finite or beyond 1e\+150: \[nan, nan\]"):
        geometry.points_to_image(points)
    np.testing.assert_array_equal(geometry.points_to_image(points, on_invalid="drop"), moved[1:])
    with pytest.raises(ValueError, match=r"points\[0, 1\] is not finite"):
        geometry.points_to_input(points[..., :2])
    with pytest.raises(ValueError, match=r"points\[1\] is not finite"):
        geometry.points_to_input([[1, 2], [np.inf, 0]])
    with pytest.raises(ValueError, match="points is not finite"):
        geometry.points_to_input([np.inf, 0], on_invalid="drop")


def test_shapes_and_dtypes() -> None:
    geometry = Letterbox.fit((480, 640), 320)
    for shape in ((2,), (3,), (0, 2), (5, 3), (0, 17, 3), (4, 0, 2), (2, 3, 4, 2)):
        for dtype in (np.float32, np.float64, np.float16, np.int32):
            moved = geometry.points_to_image(np.ones(shape, dtype))
            assert moved.shape == shape
            assert moved.dtype == (np.float32 if dtype == np.float32 else np.float64)
    assert geometry.points_to_input([]).shape == (0, 2)
    assert geometry.boxes_to_image([]).shape == (0, 4)
    assert geometry.boxes_to_image(np.zeros((0, 4), np.float32)).dtype == np.float32
    assert geometry.outlines_to_image([]) == []
    boxes = np.array([[10.3, 20.7, 99.9, 313.1]], np.float32)
    np.testing.assert_array_equal(
        geometry.boxes_to_image(boxes), geometry.boxes_to_image(boxes.astype(float)).astype(np.float32)
    )


@cases.each("form", cases.GOOD_FORMS)
def test_boxes_in_every_guise(form: str) -> None:
    geometry, boxes = Letterbox.fit((427, 640), 416), cases.whole_boxes(8, 1)
    wrapped = cases.GOOD_FORMS[form](boxes)
    for way in (geometry.boxes_to_image, geometry.boxes_to_input):
        moved = way(wrapped)
        np.testing.assert_array_equal(moved, way(boxes).astype(moved.dtype))
    moved = geometry.points_to_input(cases.GOOD_FORMS[form](boxes[:, :2]))
    np.testing.assert_array_equal(moved, geometry.boxes_to_input(boxes)[:, :2].astype(moved.dtype))


@cases.each(("value", "error", "pattern"), cases.BAD_BOXES)
def test_bad_boxes(value: Any, error: type[Exception], pattern: str) -> None:
    geometry = Letterbox.fit((427, 640), 416)
    with pytest.raises(error, match=pattern):
        geometry.boxes_to_image(value)
    with pytest.raises(error, match=pattern):
        geometry.boxes_to_input(value)


def test_bad_boxes_may_be_left_out() -> None:
    geometry = Letterbox.fit((480, 640), 320)
    boxes = np.array([[0, 40, 10, 50], [np.nan, 0, 1, 1], [5, 5, 4, 6], [1, 41, 2, 42]])
    before = boxes.copy()
    np.testing.assert_array_equal(
        geometry.boxes_to_image(boxes, on_invalid="drop"), geometry.boxes_to_image(boxes[[0, 3]])
    )
    np.testing.assert_array_equal(boxes, before)
    assert not np.shares_memory(geometry.boxes_to_image(boxes[[0]]), boxes)


def test_outlines() -> None:
    geometry = Letterbox.fit((480, 640), 320)
    square = [[0, 40], [160, 40], [160, 280], [0, 280]]
    flat = [value for pair in square for value in pair]
    expected = np.array([[0, 0], [320, 0], [320, 480], [0, 480.0]])
    given = [np.array(square), square, flat, [flat, flat[:6]], [square, square[:3]], None, [], np.array(flat)]
    found = geometry.outlines_to_image(given)
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_array_equal(found[1], expected)
    np.testing.assert_array_equal(found[2], expected.reshape(-1))
    whole = expected.reshape(-1).tolist()
    assert [polygon.tolist() for polygon in found[3]] == [whole, whole[:6]]
    np.testing.assert_array_equal(found[4][1], expected[:3])
    assert found[5] is None
    assert found[6].shape == (0,)
    np.testing.assert_array_equal(found[7], expected.reshape(-1))
    again = geometry.outlines_to_input(found)
    np.testing.assert_array_equal(again[0], square)
    assert geometry.outlines_to_image([[-10, 0, 5, 41]], clip=True)[0].tolist() == [0, 0, 10, 2]


@pytest.mark.parametrize(
    ("outlines", "error", "pattern"),
    [
        (3, TypeError, "outlines must be a sequence of one outline an object"),
        ("ab", TypeError, "outlines must be a sequence"),
        (np.zeros(4), ValueError, r"outlines must have shape \(N, 2 K\) or \(N, K, 2\), got \(4,\)"),
        (np.broadcast_to(0.0, (2**33, 4)), MemoryError, "outlines of shape"),
        ([{"size": [1, 2], "counts": "a"}], TypeError, r"outlines\[0\]"),
        ([None, "ab"], TypeError, r"outlines\[1\]"),
        ([[1, 2, 3]], ValueError, r"outlines\[0\] must have shape \(K, 2\) or \(2 K,\), got \(3,\)"),
        ([[[1, 2, 3]]], ValueError, r"outlines\[0\]\[0\] must have shape"),
        ([np.zeros((4, 3))], ValueError, r"outlines\[0\] must have shape"),
        ([[0, 0, 1, np.nan]], ValueError, r"outlines\[0\]: point 1 is not finite"),
        ([[[0, 0, 1, 1], [0, 0, np.inf, 0]]], ValueError, r"outlines\[0\]\[1\]: point 1"),
    ],
)
def test_bad_outlines(outlines: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        Letterbox.fit((480, 640), 320).outlines_to_image(outlines)


def test_the_record() -> None:
    geometry = Letterbox.fit((480, 640), 320)
    image_size, input_size, scale, pad = geometry
    assert (image_size, input_size, scale, pad) == ((480, 640), (320, 320), (0.5, 0.5), (0.0, 40.0))
    for other in (copy.copy(geometry), copy.deepcopy(geometry), pickle.loads(pickle.dumps(geometry))):
        assert other == geometry
        assert type(other) is Letterbox
    assert Letterbox(*geometry) == geometry
    assert Letterbox(np.array([480, 640]), [320, 320], np.array([0.5, 0.5]), (0, 40)) == geometry
    assert {geometry: 1}[Letterbox.fit(np.array([480, 640]), (320, np.int64(320)))] == 1


@pytest.mark.parametrize(
    ("changes", "error", "pattern"),
    [
        ({"image_size": (0, 5)}, ValueError, r"image_size\[0\] must be at least 1"),
        ({"image_size": (1.5, 5)}, TypeError, r"image_size\[0\] must be an integer"),
        ({"image_size": 5}, TypeError, "image_size must be a pair"),
        ({"input_size": (5, -1)}, ValueError, r"input_size\[1\] must be at least 1"),
        ({"scale": (0, 1)}, ValueError, r"scale\[0\] must be"),
        ({"scale": (1, np.nan)}, ValueError, r"scale\[1\] must be finite"),
        ({"scale": 1.0}, TypeError, r"scale must be a pair \(x, y\)"),
        ({"pad": (np.inf, 0)}, ValueError, r"pad\[0\] must be finite"),
        ({"pad": "ab"}, TypeError, r"pad must be a pair \(left, top\)"),
    ],
)
def test_bad_geometry(changes: dict[str, Any], error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        Letterbox(**{"image_size": (4, 4), "input_size": (4, 4), "scale": (1, 1), "pad": (0, 0), **changes})


@pytest.mark.parametrize(
    ("changes", "error", "pattern"),
    [
        ({"size": 0}, ValueError, "size must be at least 1"),
        ({"size": 640.0}, TypeError, "size must be an integer"),
        ({"size": (640,)}, ValueError, r"size must be an integer or a pair \(height, width\)"),
        ({"size": None}, TypeError, "size must be an integer"),
        ({"size": "640"}, TypeError, "size must be an integer"),
        ({"align": "left"}, ValueError, "align must be one of 'center', 'top-left'"),
        ({"align": 3}, TypeError, "align must be a string"),
        ({"rounding": "ceil"}, ValueError, "rounding must be one of"),
        ({"gain": "width"}, ValueError, "gain must be one of"),
        ({"stretch": 1}, TypeError, "stretch must be True or False"),
        ({"scale_up": None}, TypeError, "scale_up must be True or False"),
        ({"stride": 0}, ValueError, "stride must be at least 1"),
        ({"stride": 32, "stretch": True}, ValueError, "stretch fills the whole input"),
        ({"scale_up": False, "stretch": True}, ValueError, "stretch fills the whole input"),
    ],
)
def test_bad_options(changes: dict[str, Any], error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        Letterbox.fit(**{"image_size": (4, 4), "size": 8, **changes})
    with pytest.raises(error, match=pattern):
        detutils.letterbox(**{"image": np.zeros((4, 4), np.uint8), "size": 8, **changes})


# ---- pictures --------------------------------------------------------------------------------------------------------

IMAGES = {
    f"{dtype} {shape}": (dtype, shape)
    for dtype in ("u1", "u2", "f4", "f8")
    for shape in ((31, 47), (31, 47, 3), (31, 47, 4), (1, 9), (9, 1, 3), (1, 1))
}


def picture_of(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    raw = np.random.default_rng(7).random(shape)
    return (raw * np.iinfo(dtype).max).astype(dtype) if dtype[0] == "u" else raw.astype(dtype)


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("opencv", [True, False])
def test_pictures_are_the_image_resized_and_filled(name: str, opencv: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if opencv:
        pytest.importorskip("cv2")
    else:
        monkeypatch.setitem(sys.modules, "cv2", None)
    image = picture_of(*IMAGES[name])
    before = image.copy()
    most = np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1.0
    # OpenCV weighs 8 bits by 11 bits, and all else by float32
    step = {"u1": 1.0, "u2": 1.0, "f4": 2e-6, "f8": 2e-6 if opencv else 1e-12}[IMAGES[name][0]]
    for size, options in (((40, 40), {}), ((20, 64), {"align": "top-left"}), ((16, 30), {"stretch": True})):
        picture, geometry = detutils.letterbox(image, size, fill=51, **options)
        assert picture.dtype == image.dtype
        assert picture.shape == (*size, *image.shape[2:])
        assert picture.flags.c_contiguous
        assert geometry == Letterbox.fit(image.shape[:2], size, **options)
        left, top = geometry.pad
        width, height = np.rint(np.multiply(geometry.scale, image.shape[1::-1])).astype(int)
        inside = (slice(int(top), int(top) + height), slice(int(left), int(left) + width))
        planes = image.reshape(*image.shape[:2], -1)
        for channel in range(planes.shape[2]):
            expected = naive.resize(planes[..., channel].tolist(), height, width)
            found = picture.reshape(*picture.shape[:2], -1)[(*inside, channel)]
            np.testing.assert_allclose(found, expected, rtol=0, atol=step)
        around = np.ones(size, bool)
        around[inside] = False
        assert (np.abs(picture[around].astype(float)[..., : 3] - most * 0.2) <= 1e-6 * most).all()
        if image.ndim == 3 and image.shape[2] == 4:
            assert (picture[around][..., 3] == most).all()
    np.testing.assert_array_equal(image, before)


def test_both_ways_of_resizing_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cv2")
    image = picture_of("u1", (60, 90, 3))
    for size in (37, 64, 45, 200):
        one, _ = detutils.letterbox(image, size)
        with monkeypatch.context() as without:
            without.setitem(sys.modules, "cv2", None)
            two, _ = detutils.letterbox(image, size)
        assert np.abs(one.astype(int) - two).max() <= 1


def test_filling() -> None:
    image = np.zeros((2, 4, 3), np.uint8)
    assert detutils.letterbox(image, 4)[0][0, 0].tolist() == [114] * 3
    assert detutils.letterbox(image, 4, fill="#ff8000")[0][3, 3].tolist() == [255, 128, 0]
    assert detutils.letterbox(image, 4, fill=(1, 2, 3))[0][0, 0].tolist() == [1, 2, 3]
    assert detutils.letterbox(image.astype(np.uint16), 4)[0][0, 0].tolist() == [114 * 257] * 3
    assert detutils.letterbox(image * 0.0, 4)[0][0, 0].tolist() == [114 / 255] * 3
    assert detutils.letterbox(image[..., 0], 4, fill=7)[0][0, 0] == 7
    same, geometry = detutils.letterbox(image, (2, 4))
    assert same is not image
    assert not np.shares_memory(same, image)
    assert geometry.pad == (0, 0)
    for fill, error, pattern in (
        (256, ValueError, "fill must be at most 255"),
        (1.5, TypeError, "fill must be an integer"),
        ("red", ValueError, "fill must look like '#rrggbb'"),
        ((1, 2), TypeError, "fill must be"),
        (None, TypeError, "fill must be"),
    ):
        with pytest.raises(error, match=pattern):
            detutils.letterbox(image, 4, fill=fill)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"fill must be one integer of 0\.\.255 for a gray image"):
        detutils.letterbox(image[..., 0], 4, fill="#000000")


@pytest.mark.parametrize(
    ("image", "error", "pattern"),
    [
        (None, TypeError, "image must be an array, got None"),
        ("a.jpg", TypeError, "read the file first"),
        (np.zeros((4, 4, 2), np.uint8), ValueError, "image must have shape"),
        (np.zeros((0, 4), np.uint8), ValueError, "image is empty"),
        (np.full((4, 4), 2.0), ValueError, "image of floats must lie in 0..1"),
        (np.zeros((4, 4), np.int32), (TypeError, ValueError), "image"),
    ],
)
def test_bad_images(image: Any, error: Any, pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.letterbox(image, 8)


def test_a_picture_beyond_the_memory_is_refused() -> None:
    with pytest.raises(MemoryError, match="a picture of 4000000 x 4000000 pixels needs"):
        detutils.letterbox(np.zeros((4, 4), np.uint8), 4_000_000)


def test_strided_and_reversed_images() -> None:
    image = picture_of("u1", (40, 30, 3))
    plain, _ = detutils.letterbox(np.ascontiguousarray(image[::-1, :, ::-1]), 25)
    np.testing.assert_array_equal(detutils.letterbox(image[::-1, :, ::-1], 25)[0], plain)
    order, _ = detutils.letterbox(image[..., ::-1], 25)
    np.testing.assert_array_equal(order[..., ::-1], detutils.letterbox(image, 25)[0])
