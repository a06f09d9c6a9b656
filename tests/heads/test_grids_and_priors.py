"""Points of feature maps and prior boxes against their definitions and against known networks."""

from __future__ import annotations

import math

import numpy as np
import pytest

import detutils
from tests.naive import heads_points, heads_priors

SSD300 = {
    "input_size": (300, 300),
    "strides": (8, 16, 32, 64, 100, 300),
    "min_sizes": [[30], [60], [111], [162], [213], [264]],
    "max_sizes": [[60], [111], [162], [213], [264], [315]],
    "ratios": [(2,), (2, 3), (2, 3), (2, 3), (2,), (2,)],
}


# ---- points -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("input_size", [(64, 96), (33.5, 1), (100, 130)])
@pytest.mark.parametrize("strides", [(8, 16, 32), (7.5,), (64, 8), ()])
@pytest.mark.parametrize("shift", [0.5, 0, 0.25])
def test_points_are_their_definition(input_size: tuple, strides: tuple, shift: float) -> None:
    points, levels = detutils.grid_points(input_size, strides, shift=shift)
    expected, expected_levels = heads_points.grid_points(input_size, strides, shift=shift)
    np.testing.assert_array_equal(points, np.reshape(expected, (-1, 2)))
    assert levels.tolist() == expected_levels
    assert points.dtype == np.float64
    assert levels.dtype == np.int64


def test_points_of_known_networks() -> None:
    points, levels = detutils.grid_points((640, 640))
    assert points.shape == (8400, 2)
    assert np.bincount(levels).tolist() == [6400, 1600, 400]
    assert points[[0, 1, 80, 6399, 6400, -1]].tolist() == [[4, 4], [12, 4], [4, 12], [636, 636], [8, 8], [624, 624]]
    corners, _ = detutils.grid_points((64, 64), (32,), shift=0)
    assert corners.tolist() == [[0, 0], [32, 0], [0, 32], [32, 32]]


def test_points_with_grids_of_ones_own() -> None:
    points, levels = detutils.grid_points((99, 99), (4, 32), grid_sizes=[(2, 3), (0, 5)])
    assert points.tolist() == heads_points.grid_points((99, 99), (4, 32), grid_sizes=[(2, 3), (0, 5)])[0]
    assert levels.tolist() == [0] * 6


@pytest.mark.parametrize(
    ("arguments", "options", "error", "pattern"),
    [
        (((64, 0), (8,)), {}, ValueError, r"input_size\[1\] must be greater than 0"),
        ((64, (8,)), {}, TypeError, r"input_size must be a pair \(height, width\)"),
        (((64, 64), (8, 0)), {}, ValueError, r"strides\[1\] must be greater than 0"),
        (((64, 64), 8), {}, ValueError, r"strides must have shape \(N,\)"),
        (((64, 64), (8,)), {"shift": math.nan}, ValueError, "shift must be finite"),
        (((64, 64), (8,)), {"shift": "half"}, TypeError, "shift must be a number"),
        (((64, 64), (8,)), {"shift": 1e150}, ValueError, r"strides lead beyond 1e\+150, got 8"),
        (((64, 64), (8,)), {"grid_sizes": []}, ValueError, "grid_sizes must hold 1 pairs, one a stride, got 0"),
        (((1e12, 64), (8, 1)), {}, ValueError, r"input_size must hold at most 2\*\*31 strides, got .* and 1"),
        (((1e7, 1e7), (1,)), {}, MemoryError, "GiB"),
    ],
)
def test_points_refuse(arguments: tuple, options: dict, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.grid_points(*arguments, **options)


# ---- priors -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("clip", [None, "corners", "sides", "centers"])
@pytest.mark.parametrize(
    "options",
    [
        {"min_sizes": [[30], [60]]},
        {"min_sizes": [[16, 32], [64]], "max_sizes": [[20, 40], [90]], "ratios": [(2, 3), ()]},
        {"min_sizes": [[16, 32], [64.5]], "max_sizes": [[20, 40], []], "ratios": [(), (0.4,)]},
        {"min_sizes": [[], [500]], "ratios": [(2,), (7,)]},
        {"min_sizes": [[4], [8]], "grid_sizes": [(1, 2), (3, 0)]},
    ],
)
def test_priors_are_their_definition(options: dict, clip: str | None) -> None:
    for size in ((100, 130), (32, 32)):
        priors = detutils.prior_boxes(size, (16, 50), clip=clip, **options)
        expected = heads_priors.prior_boxes(size, (16, 50), clip=clip, **options)
        np.testing.assert_array_equal(priors, np.reshape(expected, (-1, 4)))
        assert priors.dtype == np.float64


def test_the_priors_of_ssd300() -> None:
    priors = detutils.prior_boxes(**SSD300)
    assert priors.shape == (8732, 4)
    # The first cell, around (4, 4): 30, sqrt(30 * 60) = 42.426..., 30 sqrt(2) = 42.426... by 30 / sqrt(2) = 21.213...
    np.testing.assert_allclose(
        detutils.box_convert(priors[:4], "xyxy", "cxcywh"),
        [[4, 4, 30, 30], [4, 4, 42.42640687, 42.42640687], [4, 4, 42.42640687, 21.21320344],
         [4, 4, 21.21320344, 42.42640687]],
        rtol=1e-9,
    )  # fmt: skip
    # The last: the whole image's, around (150, 150): 264 / sqrt(2) = 186.676... by 264 sqrt(2) = 373.352...
    last = detutils.box_convert(priors[-1:], "xyxy", "cxcywhn", image_size=(300, 300))
    np.testing.assert_allclose(last, [[0.5, 0.5, 0.622253967, 1.244507935]], rtol=1e-9)
    # ssd.pytorch limits each of the four numbers to 1, torchvision the sides, Caffe the corners.
    for clip in ("sides", "centers"):
        last = detutils.prior_boxes(**SSD300, clip=clip)[-1:]
        np.testing.assert_allclose(last, [[150 - 93.338095, 0, 150 + 93.338095, 300]], rtol=1e-7)
    centers = [
        detutils.box_convert(detutils.prior_boxes(**SSD300, clip=clip), "xyxy", "cxcywh")[:, :2].max()
        for clip in ("sides", "centers")
    ]
    np.testing.assert_allclose(centers, [9.5 * 32, 300], rtol=1e-12)
    cut = detutils.prior_boxes(**SSD300, clip="corners")
    assert cut[0].tolist() == [0, 0, 19, 19]
    np.testing.assert_array_equal(cut, detutils.clip_boxes_to_image(priors, (300, 300)))
    wide = detutils.prior_boxes(**SSD300, clip="sides")
    assert wide[0].tolist() == [-11, -11, 19, 19], "the center and the sides are inside, the corner is not"


def test_the_priors_of_retinaface_and_blazeface() -> None:
    faces = detutils.prior_boxes((640, 640), (8, 16, 32), [[16, 32], [64, 128], [256, 512]])
    assert faces.shape == (16800, 4)
    assert faces[[0, 1, 2]].tolist() == [[-4, -4, 12, 12], [-12, -12, 20, 20], [4, -4, 20, 12]]
    assert faces[-1].tolist() == [624 - 256, 624 - 256, 624 + 256, 624 + 256]
    short = detutils.prior_boxes((128, 128), (8, 16), [[128] * 2, [128] * 6])
    assert short.shape == (896, 4)
    centers = 0.5 * (short[:, :2] + short[:, 2:])
    assert centers[[0, 1, 2, 511, 512, 517, 518, 895]].tolist() == [
        [4, 4], [4, 4], [12, 4], [124, 124], [8, 8], [8, 8], [24, 8], [120, 120],
    ]  # fmt: skip
    assert (short[:, 2:] - short[:, :2] == 128).all()


def test_no_priors() -> None:
    assert detutils.prior_boxes((64, 64), (), ()).shape == (0, 4)
    assert detutils.prior_boxes((64, 64), (8,), ([],)).shape == (0, 4)
    assert detutils.prior_boxes((64, 64), (32,), (8,)).shape == (4, 4), "a number stands for one side"


@pytest.mark.parametrize(
    ("change", "error", "pattern"),
    [
        ({"min_sizes": [[30]]}, ValueError, "min_sizes must hold 2 entries, one for each of strides, got 1"),
        ({"min_sizes": 30}, TypeError, "min_sizes must be a sequence with one entry for each of strides"),
        ({"min_sizes": [30, "a"]}, TypeError, r"min_sizes\[1\] must be a"),
        ({"min_sizes": [[30], [0]]}, ValueError, r"min_sizes\[1\]\[0\] must be greater than 0"),
        ({"min_sizes": [[30], ["a"]]}, TypeError, r"min_sizes\[1\]"),
        ({"max_sizes": [[60], [70, 80]]}, ValueError, r"max_sizes\[1\] must hold 1 sides or none, .* got 2"),
        ({"ratios": [(2,)]}, ValueError, "ratios must hold 2 entries"),
        ({"ratios": [(2,), (math.inf,)]}, ValueError, r"ratios\[1\]\[0\] is not finite"),
        ({"min_sizes": [[1e100], [1]], "ratios": [(1e300,), ()]}, ValueError, r"a side outside 0 \.\.\. 1e\+150 pix"),
        ({"clip": "box"}, ValueError, "clip must be one of 'corners', 'sides', 'centers', got 'box'"),
        ({"clip": True}, TypeError, "clip must be a string"),
        ({"input_size": (0, 1)}, ValueError, r"input_size\[0\]"),
        ({"strides": (8, -1)}, ValueError, r"strides\[1\]"),
        ({"grid_sizes": [(1, 1)]}, ValueError, "grid_sizes must hold 2 pairs"),
        ({"grid_sizes": [(10**6, 10**6), (1, 1)]}, MemoryError, "GiB"),
    ],
)
def test_priors_refuse(change: dict, error: type[Exception], pattern: str) -> None:
    good = {"input_size": (64, 64), "strides": (8, 16), "min_sizes": [[30], [60]]}
    with pytest.raises(error, match=pattern):
        detutils.prior_boxes(**{**good, **change})
