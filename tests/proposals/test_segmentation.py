"""Over-segmentation and region features: the kernels against their definitions, every kind of image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest

from detutils import felzenszwalb
from detutils.proposals import colors, segmentation
from detutils.proposals._kernels import edges
from tests.cases import BAD_IMAGES, JIT, each, size, unchanged
from tests.naive import coarse_segmentation as coarse, segmentation as naive


def picture(height: int, width: int, seed: int, channels: int = 3) -> np.ndarray:
    """Flat rectangles with a little noise: regions worth the name, many equal weights."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width, channels), 128, np.int64)
    for _ in range(6):
        y, x = rng.integers(0, height), rng.integers(0, width)
        image[y : y + rng.integers(1, height + 1), x : x + rng.integers(1, width + 1)] = rng.integers(
            0, 256, channels
        )
    image += rng.integers(-2, 3, image.shape) * rng.integers(0, 2)
    return np.clip(image, 0, 255).astype(np.uint8)


def noise(height: int, width: int, seed: int, channels: int = 3) -> np.ndarray:
    """Grain around one gray: hardly two equal weights."""
    grain = np.random.default_rng(seed).normal(128.0, 20.0, (height, width, channels))
    return np.clip(grain, 0, 255).astype(np.uint8)


def rand_index(a: list, b: list) -> float:
    """Adjusted Rand index of two labelings (Hubert and Arabie 1985): 1 if they are the same partition."""

    def pairs(names: Iterable[object]) -> int:
        return sum(n * (n - 1) // 2 for n in Counter(names).values())

    a, b = np.ravel(a).tolist(), np.ravel(b).tolist()
    both, first, second, every = pairs(zip(a, b, strict=True)), pairs(a), pairs(b), len(a) * (len(a) - 1) // 2
    expected, most = first * second / max(every, 1), (first + second) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


SHAPES = [(1, 1), (1, 9), (9, 1), (2, 2), (7, 13), (size(24, 9), size(31, 11))]
OPTIONS = [(20.0, 0.0, 1), (50.0, 0.8, 5), (300.0, 0.5, 20), (0.0, 0.0, 0), (3.0, 2.0, 1), (1.0, 1.0, 30)]


def both_ways(image: np.ndarray, scale: float, sigma: float, min_size: int, connectivity: int) -> tuple[list, list]:
    """What the kernels and the definition say."""
    wanted = naive.felzenszwalb(image.transpose(2, 0, 1).tolist(), scale, sigma, min_size, connectivity=connectivity)
    labels = unchanged(felzenszwalb, image, scale=scale, sigma=sigma, min_size=min_size, connectivity=connectivity)
    assert labels.dtype == np.int32
    return labels.tolist(), wanted


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize(("scale", "sigma", "min_size"), OPTIONS)
def test_segments_are_those_of_the_definition(shape, connectivity, scale, sigma, min_size) -> None:
    for seed in range(size(4, 1)):
        labels, wanted = both_ways(noise(*shape, seed), scale, sigma, min_size, connectivity)
        assert labels == wanted, f"seed {seed}"


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("scale", [0.0, 5.0, 20.0, 300.0])
def test_ties_go_by_row_direction_and_column(scale: float, connectivity: int) -> None:
    """Without smoothing equal weights are equal to the last bit, here and in the definition."""
    for seed in range(size(10, 2)):
        image = picture(size(24, 9), size(31, 11), seed)
        labels, wanted = both_ways(image, scale, 0.0, 1 + 4 * (seed % 2), connectivity)
        assert labels == wanted, f"seed {seed}"


def test_ties_that_smoothing_breaks_decide_little() -> None:
    """Weights that are equal on paper differ in their last bits, in float64 and float32 in different ones."""
    for seed in range(size(20, 2)):
        image = picture(size(24, 9), size(31, 11), seed)
        labels, wanted = both_ways(image, 50.0, 0.8, 5, 4)
        assert rand_index(labels, wanted) >= 0.98, f"seed {seed}"
        assert abs(np.max(labels) - np.max(wanted)) <= 2


def test_large_regions_go_on_growing_where_scale_over_size_is_small() -> None:
    """k / |C| falls below a hundredth of a gray level; it still decides whether a region takes in one pixel more."""
    side = size(200, 24)
    image = noise(side, side, 0, 1)[:, :, 0] // 10 + 115
    assert felzenszwalb(image, 300.0 * (side / 200) ** 2, 2.0, 20).max() == 0
    if JIT:
        labels, wanted = both_ways(noise(60, 60, 1), 4.0, 2.0, 1, 4)
        assert labels == wanted
        assert np.bincount(np.ravel(labels)).max() > 16 * 4.0


@pytest.mark.parametrize("shape", SHAPES)
def test_coarse_graphs_are_those_of_their_definition(shape) -> None:
    for seed, (scale, sigma, min_size) in enumerate(OPTIONS):
        for image in (noise(*shape, seed), picture(*shape, seed)):
            planes = np.ascontiguousarray(image.transpose(2, 0, 1))
            graph = segmentation.build_coarse_graph(planes, sigma)
            labels, count = segmentation.segment(graph, scale, min_size)
            assert labels.tolist() == coarse.segment(planes.tolist(), scale, sigma, min_size), f"seed {seed}"
            assert count == labels.max() + 1
            assert segmentation.edge_strengths(graph) is graph.keys


def test_strengths_of_exact_edges_are_sixteenths_rounded_down() -> None:
    planes = np.ascontiguousarray(noise(9, 14, 0).transpose(2, 0, 1))
    exact, rounded = segmentation.build_graph(planes, 0.0, 4), segmentation.build_coarse_graph(planes, 0.0)
    np.testing.assert_array_equal(segmentation.edge_strengths(exact), rounded.keys)


# ---- bounds -----------------------------------------------------------------------------------------------


def test_keys_hold_every_weight_in_27_bits() -> None:
    """The largest distance of two colors, and the smallest above 0, keep their places."""
    image = np.zeros((3, 4, 3), np.uint8)
    image[:, 2:] = 255
    keys = segmentation.build_graph(np.ascontiguousarray(image.transpose(2, 0, 1)), 0.0, 8).keys
    assert keys.max() < 1 << 27
    weights = (keys + edges.ONE).view(np.float32).astype(float) - 1.0
    assert weights.max() == pytest.approx(255.0 * 3.0**0.5, rel=1e-7)
    assert felzenszwalb(image[:1, 1:3], 441.0, 0.0, 1).max() == 1
    assert felzenszwalb(image[:1, 1:3], 442.0, 0.0, 1).max() == 0
    coarse_keys = segmentation.build_coarse_graph(np.ascontiguousarray(image.transpose(2, 0, 1)), 0.0).keys
    assert coarse_keys.max() == int(16 * 255 * 3**0.5) < 1 << 13


@pytest.mark.parametrize("connectivity", [4, 8])
def test_edges_are_sorted_by_weight_then_place(connectivity: int) -> None:
    planes = np.ascontiguousarray(picture(size(90, 9), size(70, 8), 2).transpose(2, 0, 1))
    graph = segmentation.build_graph(planes, 0.8, connectivity)
    directions = connectivity // 2
    key, code = graph.edges >> 32, graph.edges & 0xFFFFFFFF
    width = planes.shape[2]
    row, column, direction = code // directions // width, code // directions % width, code % directions
    np.testing.assert_array_equal(graph.keys[row, direction, column], key)
    order = np.lexsort((column, direction, row, key))
    np.testing.assert_array_equal(order, np.arange(len(order)))
    assert len(np.unique(code)) == len(code)


def test_an_edge_at_exactly_the_limit_merges() -> None:
    image = np.array([[0, 8, 16]], np.uint8)
    assert felzenszwalb(image, 8.0, 0.0, 1).max() == 0  # a pixel's limit is k
    assert felzenszwalb(image, 7.99999, 0.0, 1).tolist() == [[0, 1, 2]]
    flat = np.array([[0, 0, 0, 0, 4, 4, 4, 4]], np.uint8)
    assert felzenszwalb(flat, 16.0, 0.0, 1).max() == 0  # 4 = 0 + 16 / 4
    assert felzenszwalb(flat, 15.999, 0.0, 1).max() == 1


def test_regions_of_the_minimum_size_stay() -> None:
    image = np.repeat(np.array([[0, 90, 200]], np.uint8), (4, 4, 8), axis=1)
    assert felzenszwalb(image, 1.0, 0.0, 4).max() == 2
    assert felzenszwalb(image, 1.0, 0.0, 5).tolist() == [[0] * 8 + [1] * 8]
    assert felzenszwalb(image, 1.0, 0.0, 9).max() == 0
    assert felzenszwalb(image, 1.0, 0.0, 2**40).max() == 0


def test_labels_cover_connected_regions_of_at_least_the_minimum_size() -> None:
    from skimage.measure import label

    image = picture(size(60, 16), size(80, 20), 3)
    labels = felzenszwalb(image, scale=10, sigma=0.8, min_size=12)
    names, counts = np.unique(labels, return_counts=True)
    assert names.tolist() == list(range(len(names)))
    assert counts.min() >= 12
    assert label(labels, connectivity=1, background=-1).max() == len(names)
    first = [np.flatnonzero(labels.reshape(-1) == name)[0] for name in names]
    assert first == sorted(first)


def test_a_larger_scale_means_larger_regions() -> None:
    image = picture(size(60, 16), size(80, 20), 5)
    numbers = [felzenszwalb(image, scale=k, min_size=1).max() + 1 for k in (1, 30, 300, 1e6)]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] == 1


def test_the_same_picture_in_every_dtype() -> None:
    image = picture(17, 23, 1)
    wanted = felzenszwalb(image, scale=30)
    for same in (
        image.astype(np.uint16) * 257,
        image.astype(np.float32) / 255,
        image / 255.0,
        (image.astype(">u2") * 257).astype(">u2"),
        np.asfortranarray(image),
        image[::-1].copy()[::-1],
        np.dstack([image, np.arange(17 * 23, dtype=np.uint8).reshape(17, 23)]),
    ):
        np.testing.assert_array_equal(felzenszwalb(same, scale=30), wanted)
    gray = noise(17, 23, 1)[:, :, 0]
    one = naive.felzenszwalb([gray.tolist()], 30, 0.8, 20)
    assert felzenszwalb(gray, scale=30).tolist() == one


@each(("image", "error", "pattern"), BAD_IMAGES)
def test_bad_images_are_refused(image, error, pattern) -> None:
    with pytest.raises(error, match=pattern):
        felzenszwalb(image)


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"scale": -1}, ValueError, "scale must be in"),
        ({"scale": float("nan")}, ValueError, "finite"),
        ({"scale": "1"}, TypeError, "scale must be a number"),
        ({"sigma": -0.1}, ValueError, "sigma"),
        ({"sigma": 51}, ValueError, "sigma"),
        ({"min_size": -1}, ValueError, "min_size"),
        ({"min_size": 2.0}, TypeError, "min_size must be an integer"),
        ({"connectivity": 6}, ValueError, "4 or 8, got 6"),
        ({"connectivity": "4"}, TypeError, "connectivity"),
    ],
)
def test_bad_options_are_refused(options, error, pattern) -> None:
    with pytest.raises(error, match=pattern):
        felzenszwalb(np.zeros((4, 4), np.uint8), **options)


# ---- colors -----------------------------------------------------------------------------------------------


def every_color() -> np.ndarray:
    steps = (
        np.array([0, 1, 37, 128, 200, 254, 255], np.uint8) if size(1, 0) else np.array([0, 99, 255], np.uint8)
    )
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(len(steps), -1, 3)


@pytest.mark.parametrize(("space", "tolerance"), [("hsv", 1), ("lab", 1)])
def test_colors_agree_with_scikit_image(space: str, tolerance: int) -> None:
    from skimage import color

    image = every_color()
    planes = colors.planes_of(image, space).transpose(1, 2, 0).astype(float)
    if space == "hsv":
        wanted = color.rgb2hsv(image) * np.array([256.0, 255.0, 255.0])
    else:
        wanted = color.rgb2lab(image) * np.array([2.55, 1.0, 1.0]) + np.array([0.0, 128.0, 128.0])
    difference = np.abs(planes - wanted)
    if space == "hsv":
        difference[:, :, 0] = np.minimum(difference[:, :, 0], 256 - difference[:, :, 0])  # hue is a circle
    assert difference.max() <= tolerance


def test_chromaticity_and_intensity() -> None:
    image = every_color()
    planes = colors.planes_of(image, "rgi").astype(float)
    total = image.sum(axis=2, dtype=float)
    for channel in range(2):
        wanted = np.where(total > 0, 255.0 * image[:, :, channel].astype(float) / np.maximum(total, 1), 85)
        assert np.abs(planes[channel] - wanted).max() <= 0.51
    assert np.abs(planes[2] - total / 3).max() <= 0.51
    np.testing.assert_array_equal(colors.planes_of(image, "gray")[0], planes[2])
    np.testing.assert_array_equal(colors.planes_of(image, "hue")[0], colors.planes_of(image, "hsv")[0])
    np.testing.assert_array_equal(colors.planes_of(image, "rgb"), image.transpose(2, 0, 1))


def test_intensity_is_rounded() -> None:
    image = np.array([[[0, 0, 1], [0, 1, 1], [1, 1, 1], [255, 255, 254]]], np.uint8)
    assert colors.planes_of(image, "rgi")[2].tolist() == [[0, 1, 1, 255]]


def test_hue_uses_the_whole_byte() -> None:
    ring = np.array([[[255, g, 0] for g in range(256)] + [[255 - r, 255, 0] for r in range(256)]], np.uint8)
    full = np.concatenate([ring, ring[:, :, [2, 0, 1]], ring[:, :, [1, 2, 0]]], axis=1)
    assert len(np.unique(colors.planes_of(full, "hue"))) == 256


def test_shrinking_takes_means() -> None:
    image = picture(7, 11, 2)
    half = colors.block_means(image, 2)
    assert half.shape == (4, 6, 3)
    for y in range(4):
        for x in range(6):
            block = image[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].reshape(-1, 3).astype(int)
            assert half[y, x].tolist() == [
                (int(s) + len(block) // 2) // len(block) for s in block.sum(axis=0)
            ]
    image = picture(7, 10, 2)
    covered = np.repeat(image, 4, axis=0).reshape(4, 7, 5, 2, 3)  # 7 rows become 4: each is the mean of 7 quarters
    np.testing.assert_array_equal(colors.shrunk(image, 5), np.floor(covered.mean(axis=(1, 3)) + 0.5))
    assert colors.shrunk(image, 10) is image
