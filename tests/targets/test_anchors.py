"""Anchors against py-faster-rcnn's table and their definitions; clustering against its laws."""

from __future__ import annotations

import numpy as np
import pytest

import detutils
from detutils.targets import anchors as module
from detutils.targets._kernels import anchors as kernels
from tests.cases import BAD_BOXES, BAD_OFFSETS, GOOD_FORMS, JIT, each, random_boxes, size, unchanged, whole_boxes
from tests.naive import anchors as naive

# What py-faster-rcnn's generate_anchors() returns with its defaults.
TABLE = [
    [-84, -40, 99, 55], [-176, -88, 191, 103], [-360, -184, 375, 199],
    [-56, -56, 71, 71], [-120, -120, 135, 135], [-248, -248, 263, 263],
    [-36, -80, 51, 95], [-80, -168, 95, 183], [-168, -344, 183, 359],
]  # fmt: skip


# ---- the anchors of one place ---------------------------------------------------------------------

def test_the_table_to_the_digit() -> None:
    result = detutils.generate_anchors()
    assert result.tolist() == TABLE
    assert result.dtype == np.float64
    assert naive.generate_anchors() == TABLE


@pytest.mark.parametrize("base_size", [2, 4, 9, 16, 17, 33, 63.5, 64])
@pytest.mark.parametrize("ratios", [(0.5, 1, 2), (1 / 3, 0.75, 1.5, 3), (1,)])
@pytest.mark.parametrize("scales", [(8, 16, 32), (2**0, 2 ** (1 / 3), 2 ** (2 / 3)), (7.5,)])
def test_generate_is_its_definition(base_size: float, ratios: tuple, scales: tuple) -> None:
    result = detutils.generate_anchors(base_size, ratios, scales)
    np.testing.assert_array_equal(result, naive.generate_anchors(base_size, ratios, scales))


def test_halves_are_rounded_to_even_and_scales_not_at_all() -> None:
    assert detutils.generate_anchors(9, [0.5], [1]).tolist() == [[-2, 1.5, 10, 6.5]], "13 wide, 6.5 -> 6 high"
    wide = detutils.generate_anchors(16, [0.5], [1.3])[0]
    assert wide[2] - wide[0] + 1 == pytest.approx(23 * 1.3, abs=1e-12)


def test_integer_ratios_follow_the_float_result() -> None:
    np.testing.assert_array_equal(
        detutils.generate_anchors(16, np.array([1, 2, 3]), np.array([8])),
        detutils.generate_anchors(16, [1.0, 2.0, 3.0], [8.0]),
    )


@pytest.mark.parametrize(("ratios", "scales"), [([], [8]), ([1], []), ([], [])])
def test_no_ratios_or_scales(ratios: list, scales: list) -> None:
    assert detutils.generate_anchors(16, ratios, scales).shape == (0, 4)


@pytest.mark.parametrize(
    ("arguments", "error", "pattern"),
    [
        ((0,), ValueError, "base_size must be greater than 0"),
        ((np.nan,), ValueError, "base_size"),
        (("16",), TypeError, "base_size"),
        ((1e10,), ValueError, "base_size"),
        ((16, [1, 0]), ValueError, r"ratios\[1\] must be greater than 0, got 0"),
        ((16, [1, np.inf]), ValueError, r"ratios\[1\] is not finite"),
        ((16, 1), ValueError, r"ratios must have shape \(N,\)"),
        ((16, [1], [-8]), ValueError, r"scales\[0\]"),
        ((16, [1], None), TypeError, "scales"),
        ((16, [1], [[8]]), ValueError, "scales must have shape"),
        ((16, [1, 2000], [8]), ValueError, "base_size 16 and ratio 2000 round to width 0 and height 0, which scale 8"),
        ((16, [1], [0.01, 8]), ValueError, "height 16, which scale 0.01 turns into an anchor with a side outside"),
        ((16, [1], [8, 1e308]), ValueError, r"scale 1e\+308 turns into .* a side outside 1 \.\.\. 1e\+150 pixels"),
        ((16, [1e-320, 1], [8]), ValueError, "round to width inf and height inf"),
    ],
)
def test_generate_refuses(arguments: tuple, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.generate_anchors(*arguments)


# ---- grids ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("grid_size", [(0, 0), (0, 3), (3, 0), (1, 1), (2, 5), (7, 3)])
@pytest.mark.parametrize("stride", [16, 7.25, (4, 8), np.array([3.5, 2])])
def test_grid_is_its_definition(grid_size: tuple[int, int], stride: object) -> None:
    base = random_boxes(5, seed=1)
    result = unchanged(lambda rows: detutils.grid_anchors(rows, grid_size, stride), base)
    steps = stride if np.ndim(stride) == 0 else tuple(float(step) for step in stride)
    expected = np.array(naive.grid_anchors(base.tolist(), grid_size, steps)).reshape(-1, 4)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == np.float64
    assert result.shape == (grid_size[0] * grid_size[1] * 5, 4)


def test_grid_rounds_float32_once() -> None:
    base = random_boxes(4, seed=2).astype(np.float32)
    result = detutils.grid_anchors(base, (30, 40), 0.1)
    assert result.dtype == np.float32
    wide = detutils.grid_anchors(base.astype(np.float64), (30, 40), 0.1)
    np.testing.assert_array_equal(result, wide.astype(np.float32))


def test_grid_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    base = random_boxes(3, seed=3)
    expected = detutils.grid_anchors(base, (11, 4), 16)
    monkeypatch.setattr(module, "_ANCHORS_A_SLICE", 30)
    np.testing.assert_array_equal(detutils.grid_anchors(base, (11, 4), 16), expected)


@pytest.mark.parametrize("count", [1, 2, 3, 9, 15, 33])
def test_any_number_of_base_anchors(count: int) -> None:
    base = random_boxes(count, seed=count)
    expected = naive.grid_anchors(base.tolist(), (3, 4), (8, 16))
    np.testing.assert_array_equal(detutils.grid_anchors(base, (3, 4), (8, 16)), expected)


@each("form", GOOD_FORMS)
def test_grid_takes_every_guise(form: str) -> None:
    base = whole_boxes(6, seed=4)
    result = detutils.grid_anchors(GOOD_FORMS[form](base), (3, 4), 16)
    np.testing.assert_array_equal(result, detutils.grid_anchors(base, (3, 4), 16))
    assert result.dtype == (np.float32 if "float32" in form else np.float64)


@each(("boxes", "error", "pattern"), BAD_BOXES)
def test_bad_anchors(boxes: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.grid_anchors(boxes, (2, 2), 16)
    with pytest.raises(error, match=pattern):
        detutils.anchors_inside_image(boxes, (100, 100))
    with pytest.raises(error, match=pattern):
        detutils.kmeans_anchors(boxes, 1)


@pytest.mark.parametrize(
    ("grid_size", "stride", "error", "pattern"),
    [
        (3, 16, TypeError, r"grid_size must be a pair \(rows, columns\)"),
        (None, 16, TypeError, "grid_size"),
        ("23", 16, TypeError, "grid_size"),
        ((1, 2, 3), 16, ValueError, "got 3 values"),
        ((-1, 2), 16, ValueError, r"grid_size\[0\] must be at least 0"),
        ((2, 1.5), 16, TypeError, r"grid_size\[1\] must be an integer"),
        ((2, 2), 0, ValueError, "stride must be greater than 0"),
        ((2, 2), None, TypeError, "stride"),
        ((2, 2), "16", TypeError, "stride"),
        ((2, 2), (16, np.inf), ValueError, r"stride\[1\] must be finite"),
        ((2, 2), (1, 2, 3), ValueError, "pair"),
        ((2, 2), True, TypeError, "stride"),
        ((1, 3), 1e308, ValueError, r"stride leads beyond 1e\+150, got 1e\+308"),
    ],
)
def test_grid_refuses(grid_size: object, stride: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.grid_anchors([[0, 0, 15, 15]], grid_size, stride)


def test_a_grid_beyond_memory_is_refused_at_once() -> None:
    with pytest.raises(MemoryError, match="GiB"):
        detutils.grid_anchors([[0, 0, 15, 15]], (10**6, 10**6), 16)
    with pytest.raises(MemoryError, match="GiB"):
        detutils.pyramid_anchors((1e9, 1e9))


# ---- unrounded anchors around a corner ------------------------------------------------------------

@pytest.mark.parametrize("sizes", [(32,), (32, 64.5, 7), (1e-3, 1e6)])
@pytest.mark.parametrize("ratios", [(0.5, 1, 2), (1 / 3, 3), (1,)])
@pytest.mark.parametrize("order", ["size", "ratio"])
def test_cell_anchors_are_their_definition(sizes: tuple, ratios: tuple, order: str) -> None:
    result = detutils.cell_anchors(sizes, ratios, order=order)
    np.testing.assert_array_equal(result, naive.cell_anchors(sizes, ratios, order=order))
    wide, high = result[:, 2] - result[:, 0], result[:, 3] - result[:, 1]
    pairs = [(size, ratio) for size in sizes for ratio in ratios]
    if order == "ratio":
        pairs = [(size, ratio) for ratio in ratios for size in sizes]
    np.testing.assert_allclose(wide * high, [size * size for size, _ in pairs], rtol=1e-14)
    np.testing.assert_allclose(high / wide, [ratio for _, ratio in pairs], rtol=1e-14)


def test_detectron2s_and_torchvisions_anchors() -> None:
    """detectron2 has all ratios of a size together, unrounded; torchvision all sizes of a ratio, half sides rounded."""
    diagonal = 16 * 2**0.5  # a side of 32 at ratio 1/2: 32 * sqrt(2) wide, 32 / sqrt(2) high
    first = detutils.cell_anchors([32, 64], [0.5, 1])
    np.testing.assert_allclose(first[0], [-diagonal, -diagonal / 2, diagonal, diagonal / 2], rtol=1e-15)
    assert first[[1, 3]].tolist() == [[-16, -16, 16, 16], [-32, -32, 32, 32]]
    rounded = np.rint(detutils.cell_anchors([32, 64], [0.5, 1, 2], order="ratio"))
    assert rounded.tolist() == [
        [-23, -11, 23, 11], [-45, -23, 45, 23], [-16, -16, 16, 16], [-32, -32, 32, 32], [-11, -23, 11, 23],
        [-23, -45, 23, 45],
    ]  # fmt: skip
    assert detutils.grid_anchors(detutils.cell_anchors([32], [1]) + 8, (1, 2), 16).tolist() == [
        [-8, -8, 24, 24], [8, -8, 40, 24],
    ]  # fmt: skip


@pytest.mark.parametrize(("sizes", "ratios"), [([], [1]), ([8], []), ([], [])])
def test_no_sizes_or_ratios(sizes: list, ratios: list) -> None:
    assert detutils.cell_anchors(sizes, ratios).shape == (0, 4)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "pattern"),
    [
        (([8, 0],), {}, ValueError, r"sizes\[1\] must be greater than 0, got 0"),
        ((8,), {}, ValueError, r"sizes must have shape \(N,\)"),
        (("8",), {}, TypeError, "sizes"),
        (([8], [1, np.nan]), {}, ValueError, r"ratios\[1\] is not finite"),
        (([8], None), {}, TypeError, "ratios"),
        (([8], [1]), {"order": "scale"}, ValueError, "order must be one of 'size', 'ratio', got 'scale'"),
        (([8], [1]), {"order": 1}, TypeError, "order must be a string"),
        (([8, 1e150], [1, 1e-10]), {}, ValueError, r"sizes\[1\] 1e\+150 and ratios\[1\] 1e-10 make an anchor with"),
        (([1e-300], [1e300]), {}, ValueError, r"a side outside 0 \.\.\. 1e\+150 pixels"),
    ],
)
def test_cell_anchors_refuse(arguments: tuple, options: dict, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.cell_anchors(*arguments, **options)


# ---- pyramids -------------------------------------------------------------------------------------

@pytest.mark.parametrize("image_size", [(100, 130), (64, 64), (33.5, 1)])
@pytest.mark.parametrize("options", [{}, {"scales": (4, 8)}, {"ratios": (1,), "scales": [2.5]}])
def test_pyramid_is_its_definition(image_size: tuple[float, float], options: dict) -> None:
    anchors, levels = detutils.pyramid_anchors(image_size, (8, 16, 64), **options)
    expected, expected_levels = naive.pyramid_anchors(image_size, (8, 16, 64), **options)
    np.testing.assert_array_equal(anchors, expected)
    assert levels.tolist() == expected_levels
    assert levels.dtype == np.int64


def test_pyramid_with_sizes_of_ones_own() -> None:
    anchors, levels = detutils.pyramid_anchors((99, 99), (4, 32), grid_sizes=[(2, 3), (0, 5)])
    expected = naive.pyramid_anchors((99, 99), (4, 32), grid_sizes=[(2, 3), (0, 5)])
    np.testing.assert_array_equal(anchors, expected[0])
    assert levels.tolist() == expected[1]
    anchors, levels = detutils.pyramid_anchors((99, 99), ())
    assert anchors.shape == (0, 4)
    assert levels.shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "pattern"),
    [
        (((99, 99), (4, 0)), {}, ValueError, r"strides\[1\]"),
        (((99, 0), (4,)), {}, ValueError, r"image_size\[1\]"),
        ((99,), {}, TypeError, "image_size"),
        (((99, 99), 4), {}, ValueError, "strides must have shape"),
        (((99, 99), (4, 8)), {"grid_sizes": [(2, 2)]}, ValueError, "must hold 2 pairs, one a stride, got 1"),
        (((99, 99), (4,)), {"grid_sizes": [(2,)]}, ValueError, r"grid_sizes\[0\] must be a pair"),
        (((99, 99), (4,)), {"grid_sizes": 3}, TypeError, "grid_sizes must be a sequence of pairs"),
        (((99, 99), (4,)), {"ratios": (100,)}, ValueError, "strides 4 and ratio 100 round to width 0 and height 0"),
        (((99, 99), (4, 1e10)), {}, ValueError, r"strides must be at most 1e\+09, got 1e\+10"),
        (((99, 99), (4,)), {"grid_sizes": np.array(3)}, TypeError, "grid_sizes must be a sequence of pairs"),
    ],
)
def test_pyramid_refuses(arguments: tuple, options: dict, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.pyramid_anchors(*arguments, **options)


# ---- inside the image -----------------------------------------------------------------------------

@pytest.mark.parametrize("border", [0, 10, -5, 0.5, 1e6, -1e6])
def test_inside_is_its_definition(border: float) -> None:
    anchors = np.vstack([random_boxes(size(400, 40), seed=5), detutils.generate_anchors()])
    result = unchanged(lambda rows: detutils.anchors_inside_image(rows, (300, 400), border), anchors)
    assert result.tolist() == naive.anchors_inside_image(anchors.tolist(), (300, 400), border)
    assert result.dtype == np.int64


def test_exactly_at_the_border() -> None:
    anchors = [[0, 0, 9.5, 9.5], [0, 0, 10, 9], [0, 0, 9, 10], [-1e-9, 0, 9, 9], [0, -1e-9, 9, 9]]
    assert detutils.anchors_inside_image(anchors, (10, 10)).tolist() == [0]
    assert detutils.anchors_inside_image([], (10, 10)).shape == (0,)


@each("form", GOOD_FORMS)
def test_inside_takes_every_guise(form: str) -> None:
    anchors = whole_boxes(50, seed=6)
    result = detutils.anchors_inside_image(GOOD_FORMS[form](anchors), (150, 150))
    np.testing.assert_array_equal(result, detutils.anchors_inside_image(anchors, (150, 150)))


@pytest.mark.parametrize(("border", "error"), [(np.nan, ValueError), ("1", TypeError), (None, TypeError)])
def test_bad_border(border: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="border"):
        detutils.anchors_inside_image([[0, 0, 1, 1]], (10, 10), border)


# ---- shapes from data -----------------------------------------------------------------------------

def shapes(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sides = np.exp(rng.normal(np.log([40, 60]), 0.6, (n, 2)))
    corner = rng.uniform(0, 500, (n, 2))
    return np.hstack([corner, corner + sides])


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_clusters_fit_and_are_labeled_by_definition(count: int) -> None:
    boxes = shapes(size(600, 80), seed=7)
    sizes, labels, mean_iou = unchanged(lambda rows: detutils.kmeans_anchors(rows, count), boxes)
    assert sizes.shape == (count, 2)
    assert labels.shape == (len(boxes),)
    assert labels.dtype == np.int64
    table = np.array(naive.shape_ious((boxes[:, 2:] - boxes[:, :2]).tolist(), sizes.tolist()))
    np.testing.assert_array_equal(labels, table.argmax(axis=1))
    assert mean_iou == pytest.approx(table.max(axis=1).mean(), abs=1e-12)
    assert (np.diff(sizes.prod(axis=1)) >= 0).all(), "ascending by area"


def test_more_anchors_fit_better_and_better_than_chance() -> None:
    boxes = shapes(size(600, 80), seed=8)
    fits = [detutils.kmeans_anchors(boxes, count)[2] for count in (1, 3, 6, 9)]
    assert fits == sorted(fits)
    sides = boxes[:, 2:] - boxes[:, :2]
    rng = np.random.default_rng(0)
    for _ in range(10):
        drawn = sides[rng.choice(len(sides), 9, replace=False)]
        chance = np.max(naive.shape_ious(sides.tolist(), drawn.tolist()), axis=1).mean()
        assert chance < fits[-1]


def test_clusters_are_found_again() -> None:
    rng = np.random.default_rng(9)
    truth = np.array([[10.0, 20], [50, 30], [90, 200]])
    which = rng.integers(0, 3, 300)
    boxes = np.hstack([np.zeros((300, 2)), truth[which] * rng.uniform(0.95, 1.05, (300, 2))])
    for seed in range(5):
        sizes, labels, mean_iou = detutils.kmeans_anchors(boxes, 3, seed=seed)
        np.testing.assert_allclose(sizes, truth, rtol=0.03)
        np.testing.assert_array_equal(labels, which)
        assert mean_iou > 0.93


def test_the_seed_decides() -> None:
    boxes = shapes(200, seed=10)
    first, again = detutils.kmeans_anchors(boxes, 7, seed=3), detutils.kmeans_anchors(boxes, 7, seed=3)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(first[0], detutils.kmeans_anchors(boxes, 7, seed=4)[0])


@pytest.mark.parametrize("offset", [0, 1])
def test_as_many_anchors_as_shapes(offset: int) -> None:
    boxes = np.array([[0, 0, 1, 2], [5, 5, 6, 7], [0, 0, 30, 3], [0, 0, 9, 9]], float)
    sizes, labels, mean_iou = detutils.kmeans_anchors(boxes, 3, offset=offset)
    np.testing.assert_allclose(sizes - offset, [[1, 2], [9, 9], [30, 3]])
    assert labels.tolist() == [0, 0, 2, 1]
    assert mean_iou == 1.0
    with pytest.raises(ValueError, match="n_anchors must be at most the 3 different shapes of boxes, got 4"):
        detutils.kmeans_anchors(boxes, 4)


def test_centers_are_means_and_stay_where_nobody_is() -> None:
    centers, counts = np.full((3, 2), 9.0), np.full(3, 7)
    kernels.mean_shapes(np.array([[1, 2], [3, 4], [5, 8.0]]), np.array([0, 2, 2]), centers, counts)
    assert centers.tolist() == [[1, 2], [9, 9], [4, 6]]
    assert counts.tolist() == [1, 0, 2]


def test_inclusive_pixels_have_an_area() -> None:
    points = np.zeros((3, 4))
    with pytest.raises(ValueError, match=r"boxes\[0\] has no area"):
        detutils.kmeans_anchors(points, 1)
    assert detutils.kmeans_anchors(points, 1, offset=1)[0].tolist() == [[1, 1]]


def test_one_iteration_is_legal_and_ties_go_to_the_first() -> None:
    boxes = shapes(100, seed=11)
    assert detutils.kmeans_anchors(boxes, 4, max_iterations=1)[0].shape == (4, 2)
    assert np.isfinite(detutils.kmeans_anchors([[0, 0, 1e-200, 1e-200], [0, 0, 1, 1]], 2)[2])
    squares = [[0, 0, side, side] for side in [1] * 10 + [4] * 10 + [2]]  # the last is as like the one as the other
    sizes, labels, _ = detutils.kmeans_anchors(squares, 2, max_iterations=1)
    assert sizes.tolist() == [[1, 1], [4, 4]]
    assert labels.tolist() == [0] * 10 + [1] * 10 + [0]


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"n_anchors": 0}, ValueError, "n_anchors must be at least 1"),
        ({"n_anchors": 1.0}, TypeError, "n_anchors"),
        ({"n_anchors": 1, "seed": -1}, ValueError, "seed"),
        ({"n_anchors": 1, "seed": None}, TypeError, "seed"),
        ({"n_anchors": 1, "max_iterations": 0}, ValueError, "max_iterations"),
    ],
)
def test_clustering_refuses(options: dict, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.kmeans_anchors([[0, 0, 1, 1]], **options)


def test_nothing_to_cluster() -> None:
    with pytest.raises(ValueError, match="at most the 0 different shapes"):
        detutils.kmeans_anchors([], 1)


@each(("offset", "error", "pattern"), BAD_OFFSETS)
def test_bad_offsets(offset: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.kmeans_anchors([[0, 0, 1, 1]], 1, offset=offset)


@pytest.mark.skipif(not JIT, reason="a million anchors take their time in plain Python")
def test_a_large_grid() -> None:
    base = detutils.generate_anchors(16, (0.5, 1, 2), (2, 4, 8, 16, 32))
    result = detutils.grid_anchors(base, (200, 334), 4)
    shift = np.stack(np.meshgrid(np.arange(200) * 4.0, np.arange(334) * 4.0, indexing="ij"), axis=-1)
    shift = np.concatenate([shift[..., ::-1]] * 2, axis=-1)
    np.testing.assert_array_equal(result, (shift[:, :, None] + base).reshape(-1, 4))


def test_shapes_go_to_the_first_of_equal_centers_and_one_member_moves_a_center() -> None:
    from detutils.targets._kernels import anchors as kernels

    sizes, centers = np.array([[2.0, 2.0], [8.0, 6.0]]), np.array([[1.0, 2.0], [2.0, 1.0], [8.0, 8.0], [90.0, 90.0]])
    labels, counts = np.empty(2, np.int64), np.empty(4, np.int64)
    assert kernels.assign_shapes(sizes, centers, labels) == 0.5 + 0.75
    assert labels.tolist() == [0, 2]
    kernels.mean_shapes(sizes, labels, centers, counts)
    assert counts.tolist() == [1, 0, 1, 0]
    assert centers.tolist() == [[2, 2], [2, 1], [8, 6], [90, 90]]
