"""Grids of cells: the definition and the decoding agree, whichever way the levels lie; every error names its axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import detutils
from tests import cases
from tests.naive import heads_yolo as naive

STRIDES = [8, 16, 32]
ANCHORS = np.array([[[10, 13], [16, 30]], [[30, 61], [62, 45]], [[116, 90], [156, 198]]], float)
SIDE = cases.size(96, 64)


def levels(anchors: int, numbers: int, seed: int, dtype: Any = np.float64) -> list[np.ndarray]:
    """(A, H, W, K) of each stride, with logits of a few sure cells."""
    rng = np.random.default_rng(seed)
    found = []
    for stride in STRIDES:
        grid = rng.normal(0, 1, (anchors, SIDE // stride, SIDE // stride + 1, numbers))
        grid[..., 4:] = rng.normal(-1, 2, (*grid.shape[:3], numbers - 4))
        found.append(grid.astype(dtype))
    return found


def forms(grids: list[np.ndarray]) -> dict[tuple[str, str], list[np.ndarray]]:
    """The same levels as exporters lay them out, by channels and a name."""
    shapes = [grid.shape for grid in grids]
    moved = [np.ascontiguousarray(np.moveaxis(grid, -1, 1)) for grid in grids]
    mixed = [np.ascontiguousarray(np.moveaxis(grid, 0, 2)) for grid in grids]
    return {
        ("last", "A, H, W, K"): grids,
        ("last", "1, A, H, W, K"): [grid[None] for grid in grids],
        ("first", "A, K, H, W"): moved,
        ("first", "1, A, K, H, W"): [grid[None] for grid in moved],
        ("first", "A K, H, W"): [grid.reshape(a * k, h, w) for grid, (a, h, w, k) in zip(moved, shapes, strict=True)],
        ("first", "1, A K, H, W"): [
            grid.reshape(1, a * k, h, w) for grid, (a, h, w, k) in zip(moved, shapes, strict=True)
        ],
        ("first", "a view"): [np.moveaxis(grid, -1, 1) for grid in grids],
        ("last", "H, W, A K"): [grid.reshape(h, w, a * k) for grid, (a, h, w, k) in zip(mixed, shapes, strict=True)],
        ("last", "1, H, W, A K"): [
            grid.reshape(1, h, w, a * k) for grid, (a, h, w, k) in zip(mixed, shapes, strict=True)
        ],
    }


def same(found: detutils.Detections, expected: list[list[Any]], dtype: Any = np.float64) -> None:
    assert found.boxes.dtype == found.scores.dtype == dtype
    assert found.labels.tolist() == expected[3]
    exact = dtype == np.float64
    np.testing.assert_allclose(found.boxes, expected[1], rtol=1e-13 if exact else 1e-6, atol=1e-12 if exact else 1e-4)
    np.testing.assert_allclose(found.scores, expected[2], rtol=1e-14 if exact else 2e-7)


@pytest.mark.parametrize("coding", ["yolov3", "yolov5", "yolox"])
@pytest.mark.parametrize("objectness", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_as_the_definition(coding: Any, objectness: bool, dtype: Any) -> None:
    grids = levels(2, 7 + objectness, 3, dtype)
    plain = [grid.tolist() for grid in grids]
    for extra in ({"score_threshold": 0.6}, {"score_threshold": 0.7, "multi_label": True, "class_agnostic": True}):
        expected = naive.detections_from_grids(
            plain, ANCHORS.tolist(), STRIDES, coding=coding, objectness=objectness, rounded=dtype, **extra
        )
        assert len(expected[0]) > 5
        for (channels, name), outputs in forms(grids).items():
            found = detutils.detections_from_grids(
                outputs, ANCHORS, STRIDES, coding=coding, channels=channels, objectness=objectness,
                activation="sigmoid", **extra,
            )  # fmt: skip
            assert len(found) == len(expected[0]), name
            same(found, expected, dtype)


def test_softmax_and_the_best_of_all_levels() -> None:
    grids = levels(2, 9, 4)
    expected = naive.detections_from_grids(
        [grid.tolist() for grid in grids], ANCHORS.tolist(), STRIDES, activation="softmax", max_candidates=9
    )
    found = detutils.detections_from_grids(
        grids, ANCHORS, STRIDES, channels="last", activation="softmax", max_candidates=9
    )
    assert 1 < len(found) <= 9
    same(found, expected)


@pytest.mark.parametrize("channels", ["first", "last"])
def test_levels_one_below_the_other(channels: Any) -> None:
    """YOLOX: one array of all cells, without anchors; scores are probabilities already."""
    rng = np.random.default_rng(6)
    shapes = [(SIDE // stride, -(-(SIDE + 8) // stride)) for stride in STRIDES]
    count = sum(height * width for height, width in shapes)
    table = np.hstack([rng.normal(0, 1, (count, 4)), rng.random((count, 3))])
    ends = np.cumsum([height * width for height, width in shapes])
    grids = [table[end - h * w : end].reshape(1, h, w, 7).tolist() for end, (h, w) in zip(ends, shapes, strict=True)]
    sizes = [[(stride, stride)] for stride in STRIDES]
    expected = naive.detections_from_grids(grids, sizes, STRIDES, coding="yolox", activation="none")
    output = table[None] if channels == "last" else np.ascontiguousarray(table.T)
    options: dict[str, Any] = {"coding": "yolox", "channels": channels, "input_size": (SIDE, SIDE + 8)}
    found = detutils.detections_from_grids(output, None, STRIDES, **options)
    assert len(found) > 3
    same(found, expected)
    same(detutils.detections_from_grids([output], None, STRIDES, **options), expected)
    with pytest.raises(
        ValueError, match=rf"^outputs have {count} rows, as channels='{channels}' says, but an input of "
    ):
        detutils.detections_from_grids(output, None, STRIDES, **{**options, "input_size": (SIDE, SIDE + 16)})
    del options["input_size"]
    with pytest.raises(ValueError, match=r"hold no grids: input_size or letterbox must tell their sizes$"):
        detutils.detections_from_grids(output, None, STRIDES, **options)


def test_a_letterbox_knows_the_input_and_the_way_back() -> None:
    geometry = detutils.Letterbox.fit((50, 100), (32, 64))
    table = np.full((2 * 4, 6), 0.0)
    table[6, :] = [0.5, 0.5, 0, 0, 0.5, 1.0]
    found = detutils.detections_from_grids(table, None, [16], coding="yolox", channels="last", letterbox=geometry)
    assert found.scores.tolist() == [0.5]
    scale = 0.64
    box = [(2.5 * 16 - 8) / scale, (1.5 * 16 - 8) / scale, (2.5 * 16 + 8) / scale, (1.5 * 16 + 8) / scale]
    np.testing.assert_allclose(found.boxes, [box], rtol=1e-12)


def test_a_single_cell_by_hand() -> None:
    grid = np.full((1, 7, 3, 5), -9.0)
    grid[0, :, 2, 4] = [0, 0, np.log(3), 0, 9, -9, 9]
    boxes = {
        "yolov3": [(4.5 * 10) - 36, (2.5 * 20) - 8, (4.5 * 10) + 36, (2.5 * 20) + 8],
        "yolov5": [45 - 12 * 1.5**2, 50 - 8, 45 + 12 * 1.5**2, 50 + 8],
        "yolox": [40 - 36, 40 - 8, 40 + 36, 40 + 8],
    }
    for coding, box in boxes.items():
        found = detutils.detections_from_grids([grid], [[[24, 16]]], [(20, 10)], coding=coding, activation="sigmoid")
        np.testing.assert_allclose(found.boxes, [box], rtol=1e-14)
        assert found.labels.tolist() == [1]


def test_mixed_dtypes_are_float64() -> None:
    grids = [grid.astype(np.float32) for grid in levels(2, 7, 8)]
    exact = [grid.astype(np.float64) for grid in grids]
    expected = detutils.detections_from_grids(exact, ANCHORS, STRIDES, channels="last")
    found = detutils.detections_from_grids([grids[0], exact[1], grids[2]], ANCHORS, STRIDES, channels="last")
    assert np.array_equal(found.boxes, expected.boxes)
    assert np.array_equal(found.scores, expected.scores)


def test_boxes_that_overflow_are_refused_or_dropped() -> None:
    grid = np.full((6, 1, 2), -9.0)
    grid[:, 0, 1] = [0, 0, 800, 0, 9, 9]
    options: dict[str, Any] = {"coding": "yolov3"}
    with pytest.raises(
        ValueError, match=r"^row 1 has a score of 1 for class 0, and its box cannot be used: .*not finite"
    ):
        detutils.detections_from_grids([grid], [[[10, 10]]], [8], **options)
    assert len(detutils.detections_from_grids([grid], [[[10, 10]]], [8], on_invalid="drop", **options)) == 0
    grid[4:] = -9.0
    assert len(detutils.detections_from_grids([grid], [[[10, 10]]], [8], **options)) == 0


@pytest.mark.parametrize("shape", [(14, 0, 0), (14, 0, 5), (2, 7, 5, 0)])
def test_empty_grids(shape: tuple[int, ...]) -> None:
    found = detutils.detections_from_grids([np.empty(shape, np.float32)] * 3, ANCHORS, STRIDES)
    assert found.boxes.shape == (0, 4)
    assert found.boxes.dtype == np.float32


@pytest.mark.parametrize(
    ("outputs", "options", "error", "text"),
    [
        ([np.zeros((14, 4, 4))] * 2, {}, ValueError, "^outputs must have a grid for each of 3 strides, got 2$"),
        ([np.zeros((15, 4, 4))] * 3, {}, ValueError, r"^outputs\[0\] must have shape \(A K, H, W\) or \(A, K, "
         r"H, W\), as channels='first' says, with A = 2 anchors, got \(15, 4, 4\): 15 channels on axis 0 are no "
         r"multiple$"),
        ([np.zeros((4, 4, 14))] * 3, {"channels": "first"}, ValueError, r"got \(4, 4, 14\): K = 2 is too few for a "
         "box, objectness and class scores$"),
        ([np.zeros((4, 4, 8))] * 3, {"channels": "last", "objectness": False}, ValueError,
         r"\(H, W, A K\) or \(A, H, W, K\), as channels='last' says.*K = 4 is too few for a box and class scores$"),
        ([np.zeros((3, 7, 4, 4))] * 3, {}, ValueError, r"with A = 2 anchors, got \(3, 7, 4, 4\)$"),
        ([np.zeros((2, 2, 7, 4, 4))] * 3, {}, ValueError, r"got \(2, 2, 7, 4, 4\)$"),
        ([np.zeros((14, 4))] * 3, {}, ValueError, r"got \(14, 4\)$"),
        ([np.zeros((14, 4, 4)), np.zeros((16, 4, 4)), np.zeros((14, 4, 4))], {}, ValueError,
         "^outputs must have the same classes on every level, got 2, 2, 3, 3, 2, 2$"),
        (np.zeros((2, 14, 4, 4)), {}, ValueError, r"^outputs must be a sequence of 3 grids, one a stride, got shape"),
        (None, {}, TypeError, "^outputs must be an array of numbers, got None$"),
        ([np.zeros((14, 4, 4))] * 3, {"anchors": np.ones((2, 2, 2))}, ValueError,
         r"^anchors must have shape \(3, A, 2\), as strides say, got \(2, 2, 2\)$"),
        ([np.zeros((14, 4, 4))] * 3, {"anchors": np.zeros((3, 2, 2))}, ValueError,
         r"^anchors\[0\]\[0\] must be greater than 0, got \[0.0, 0.0\]$"),
        ([np.zeros((14, 4, 4))] * 3, {"anchors": np.full((3, 2, 2), np.nan)}, ValueError, r"^anchors\[0\]\[0\]"),
        ([np.zeros((14, 4, 4))] * 3, {"strides": [8, 0, 32]}, ValueError, r"^strides\[1\] must be greater than 0"),
        ([np.zeros((14, 4, 4))] * 3, {"strides": 8}, TypeError, "^strides must be a sequence of numbers, got int$"),
        ([np.zeros((14, 4, 4))] * 3, {"coding": "yolov8"}, ValueError, "coding must be"),
        ([np.zeros((14, 4, 4))] * 3, {"activation": "relu"}, ValueError, "activation must be"),
        ([np.zeros((14, 4, 4))] * 3, {"objectness": 1}, TypeError, "objectness must be"),
    ],
)  # fmt: skip
def test_errors(outputs: Any, options: dict[str, Any], error: type[Exception], text: str) -> None:
    arguments = {"anchors": ANCHORS, "strides": STRIDES, **options}
    with pytest.raises(error, match=text):
        detutils.detections_from_grids(outputs, **arguments)
