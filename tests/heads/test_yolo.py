"""YOLO exports: the definition and the pipeline agree, columns follow their rows, the axes are named in errors."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import detutils
from tests import cases
from tests.naive import heads_yolo as naive

ROWS = cases.size(400, 60)


def head(
    rows: int, classes: int, seed: int, dtype: Any = np.float64, *, objectness: bool = False, behind: int = 0
) -> np.ndarray:
    """A (rows, channels) output: boxes around a few objects, some with sides below 0 where scores are low."""
    rng = np.random.default_rng([rows, classes, seed])
    centers = rng.uniform(50, 550, (5, 2))[rng.integers(0, 5, rows)] + rng.normal(0, 6, (rows, 2))
    sides = np.abs(rng.normal(60, 15, (rows, 2))) + 1
    scores = rng.beta(0.3, 3, (rows, classes))
    sides[scores.max(1) < 0.1] *= -1
    weights = [rng.uniform(0.3, 1, (rows, 1))] if objectness else []
    return np.hstack([centers, sides, *weights, scores, rng.normal(0, 1, (rows, behind))]).astype(dtype)


def same(found: detutils.Detections, expected: list[list[Any]], dtype: Any) -> None:
    _, boxes, scores, labels = expected
    assert found.boxes.dtype == found.scores.dtype == dtype
    assert found.boxes.tolist() == boxes
    assert found.labels.tolist() == labels
    assert found.scores.tolist() == [float(dtype(score)) for score in scores]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("objectness", [False, True])
@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("class_agnostic", [False, True])
def test_as_the_definition(dtype: Any, objectness: bool, multi_label: bool, class_agnostic: bool) -> None:
    table = head(ROWS, 3, 1, dtype, objectness=objectness)
    options: dict[str, Any] = {"objectness": objectness, "multi_label": multi_label, "class_agnostic": class_agnostic}
    for extra in ({}, {"max_candidates": 20}, {"max_output": 4}, {"iou_threshold": None}, {"score_threshold": 0.12}):
        expected = naive.detections_from_yolo(table.tolist(), rounded=dtype, **options, **extra)
        assert len(expected[0]) > 3
        same(detutils.detections_from_yolo(table, channels="last", **options, **extra), expected, dtype)
        turned = np.ascontiguousarray(table.T)[None]
        same(detutils.detections_from_yolo(turned, **options, **extra), expected, dtype)
        same(detutils.detections_from_yolo(table.T, **options, **extra), expected, dtype)


@pytest.mark.parametrize("box_format", ["cxcywh", "xyxy", "xywh"])
def test_box_formats(box_format: Any) -> None:
    table = head(ROWS, 2, 2)
    if box_format == "xyxy":
        table[:, 2:4] += table[:, :2]
    expected = naive.detections_from_yolo(table.tolist(), box_format=box_format)
    same(detutils.detections_from_yolo(table, channels="last", box_format=box_format), expected, np.float64)


def test_activations() -> None:
    table = head(ROWS, 4, 3, objectness=True)
    table[:, 4:] = np.random.default_rng(0).normal(-1, 2, (ROWS, 5))
    table[:, 2:4] = abs(table[:, 2:4])
    for activation in ("sigmoid", "softmax"):
        expected = naive.detections_from_yolo(table.tolist(), objectness=True, activation=activation)
        found = detutils.detections_from_yolo(table, channels="last", objectness=True, activation=activation)
        assert found.labels.tolist() == expected[3]
        np.testing.assert_allclose(found.scores, expected[2], rtol=1e-14)
        assert found.boxes.tolist() == expected[1]


def test_columns_follow_their_rows() -> None:
    for channels, dtype in itertools.product(("first", "last"), (np.float32, np.float64)):
        table = head(ROWS, 2, 4, dtype, behind=2 * 3 + 5)
        rows, *_ = naive.detections_from_yolo(table.tolist(), behind=11, rounded=dtype)
        output = np.ascontiguousarray(table.T) if channels == "first" else table
        found = detutils.detections_from_yolo(
            output, channels=channels, keypoints=(2, 3), mask_coefficients=5, classes=2
        )
        assert np.array_equal(found.keypoints, table[rows, 6:12].reshape(-1, 2, 3))
        assert np.array_equal(found.mask_coefficients, table[rows, 12:])
        alone = output[:6] if channels == "first" else output[:, :6]
        assert np.array_equal(found.boxes, detutils.detections_from_yolo(alone, channels=channels).boxes)


def test_the_order_is_that_of_scores_then_rows() -> None:
    table = np.array([[10.0, 10, 4, 4, 0.5, 0.75], [40, 40, 4, 4, 0.75, 0.1], [70, 70, 4, 4, 0.8, 0.9]])
    found = detutils.detections_from_yolo(table, channels="last", classes=2, multi_label=True)
    assert found.labels.tolist() == [1, 0, 1, 0, 0]
    assert found.scores.tolist() == [0.9, 0.8, 0.75, 0.75, 0.5]
    assert found.boxes[:, 0].tolist() == [68, 68, 8, 38, 8]


# ---- the way back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_way_back_to_the_photograph(dtype: Any) -> None:
    geometry = detutils.Letterbox((150, 400), (640, 640), (0.75, 1.5), (20.0, 95.0))
    table = head(ROWS, 2, 7, dtype, behind=6)
    table[:, 6:] *= 200
    rows, boxes, _, _ = naive.detections_from_yolo(table.tolist(), behind=6, rounded=dtype)
    expected = [
        [min(max((x - 20.0) / 0.75, 0.0), 400.0) if i % 2 == 0 else min(max((x - 95.0) / 1.5, 0.0), 150.0)
         for i, x in enumerate(box)]
        for box in boxes
    ]  # fmt: skip
    found = detutils.detections_from_yolo(table, channels="last", letterbox=geometry, keypoints=(2, 3))
    assert found.boxes.dtype == found.keypoints.dtype == dtype
    np.testing.assert_allclose(found.boxes, expected, rtol=1e-6 if dtype == np.float32 else 1e-12)
    assert 400.0 in found.boxes or 150.0 in found.boxes
    points = table[rows, 6:].reshape(-1, 2, 3).astype(np.float64)
    points[..., 0] = np.clip((points[..., 0] - 20) / 0.75, 0, 400)
    points[..., 1] = np.clip((points[..., 1] - 95) / 1.5, 0, 150)
    np.testing.assert_allclose(found.keypoints, points, rtol=1e-6, atol=1e-9)
    alone = detutils.detections_from_yolo(table, channels="last", keypoints=(2, 3))
    assert found.labels.tolist() == alone.labels.tolist()  # decided in pixels of the input
    assert np.array_equal(found.boxes, geometry.boxes_to_image(alone.boxes, clip=True))


def test_fractions_of_the_input() -> None:
    geometry = detutils.Letterbox((1000, 1000), (320, 640), (1.0, 1.0), (0.0, 0.0))
    table = head(ROWS, 2, 8, behind=2)
    small = table / np.array([640, 320, 640, 320, 1, 1, 640, 320])
    expected = naive.detections_from_yolo(small.tolist(), behind=2, scale=(640, 320))
    found = detutils.detections_from_yolo(small, channels="last", letterbox=geometry, normalized=True, keypoints=(1, 2))
    assert found.labels.tolist() == expected[3]
    np.testing.assert_allclose(found.boxes, np.clip(expected[1], 0, 1000), rtol=1e-12)
    points = small[expected[0], 6:] * [640, 320]
    np.testing.assert_allclose(found.keypoints[:, 0], np.clip(points, 0, 1000), rtol=1e-12, atol=1e-12)


# ---- what is bad -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("box", "text"),
    [
        ((10, 10, -1, 4), r"x2 < x1: \[10.5, 8, 9.5, 12\]"),
        ((10, 10, 4, -1), r"y2 < y1: \[8, 10.5, 12, 9.5\]"),
        ((np.nan, 10, 4, 4), "not finite"),
        ((10, 10, 4, np.inf), "not finite"),
    ],
)
def test_boxes_of_candidates_are_judged_and_no_others(dtype: Any, box: tuple[float, ...], text: str) -> None:
    table = np.array([[10, 10, 4, 4, 0.5], [*box, 0.25], [50, 50, 4, 4, 0.75]], dtype)
    for output, channels in ((table, "last"), (np.ascontiguousarray(table.T), "first")):
        assert len(detutils.detections_from_yolo(output, channels=channels, classes=1)) == 2  # 0.25 is no candidate
        with pytest.raises(ValueError, match=f"^row 1 has a score of 0.25 for class 0, and its box .*{text}"):
            detutils.detections_from_yolo(output, channels=channels, classes=1, score_threshold=0.2)
        for agnostic in (False, True):
            found = detutils.detections_from_yolo(
                output, channels=channels, classes=1, score_threshold=0.2, on_invalid="drop", class_agnostic=agnostic
            )
            assert found.scores.tolist() == [0.75, 0.5]


def test_boxes_beyond_the_range() -> None:
    table = np.array([[1e151, 10, 4, 4, 0.5]])
    with pytest.raises(ValueError, match=r"^row 0 .* beyond 1e\+150"):
        detutils.detections_from_yolo(table, channels="last", classes=1)
    assert len(detutils.detections_from_yolo(table, channels="last", classes=1, on_invalid="drop")) == 0


def test_infinite_scores() -> None:
    table = np.array([[10.0, 10, 4, 4, np.inf], [30, 10, 4, 4, 0.5]])
    with pytest.raises(ValueError, match=r"^a score of row 0 is infinite$"):
        detutils.detections_from_yolo(table, channels="last", classes=1)
    assert len(detutils.detections_from_yolo(table, channels="last", classes=1, on_invalid="drop")) == 1


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((84, 0), {}), ((1, 84, 0), {}), ((0, 85), {"channels": "last", "objectness": True}),
        ((1, 0, 6), {"channels": "last"}), ((17, 0), {"keypoints": (4, 3)}),
    ],
)  # fmt: skip
def test_empty_output(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    for dtype in (np.float32, np.float64):
        found = detutils.detections_from_yolo(np.empty(shape, dtype), **options)
        assert found.boxes.shape == (0, 4)
        assert found.boxes.dtype == found.scores.dtype == dtype
        assert found.labels.dtype == np.int64
        if "keypoints" in options:
            assert found.keypoints.shape == (0, 4, 3)


@pytest.mark.parametrize(
    ("shape", "options", "text"),
    [
        ((8400, 84), {}, r"^output has shape \(8400, 84\), of which channels='first' takes axis 0 for 8400 channels "
         r"and the other for 84 rows: say channels='last', or classes=8396 if that is so$"),
        ((84, 8400), {"channels": "last"}, r"channels='last' takes axis 1 for 8400 channels and the other for 84 rows: "
         "say channels='first', or classes=8396 if that is so"),
        ((84, 8400), {"classes": 81}, r"axis 0 for 84 channels, where 4 numbers of a box and 81 class scores are"),
        ((4, 8400), {}, r"axis 0 for 4 channels, where 4 numbers of a box and class scores are expected"),
        ((5, 8400), {"objectness": True}, "where 4 numbers of a box, 1 objectness and class scores are expected"),
        ((55, 900), {"keypoints": (17, 3)}, "4 numbers of a box and class scores and 51 more numbers are expected"),
        ((2, 84, 8400), {}, r"^output must have shape \(channels, rows\), as channels='first' says, .*got"),
        ((84,), {"channels": "last"}, r"^output must have shape \(rows, channels\)"),
    ],
)  # fmt: skip
def test_wrong_shapes(shape: tuple[int, ...], options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        detutils.detections_from_yolo(np.zeros(shape, np.float32), **options)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"channels": "middle"}, ValueError, "channels must be"),
        ({"box_format": "xyhw"}, ValueError, "box_format must be"),
        ({"objectness": 1}, TypeError, "objectness must be"),
        ({"normalized": True}, ValueError, "^normalized boxes need a letterbox"),
        ({"classes": 0}, ValueError, "^classes must be at least 1, got 0$"),
        ({"keypoints": 17}, TypeError, "^keypoints must be a pair"),
        ({"keypoints": (0, 3)}, ValueError, r"^keypoints\[0\] must be at least 1, got 0$"),
        ({"keypoints": (17, 1)}, ValueError, r"^keypoints\[1\] must be at least 2, got 1$"),
        ({"mask_coefficients": -1}, ValueError, "^mask_coefficients must be at least 0, got -1$"),
        ({"letterbox": (640, 640)}, TypeError, "^letterbox must be a Letterbox or None, got tuple$"),
        ({"score_threshold": None}, TypeError, "^score_threshold must be a number, got NoneType$"),
        ({"iou_threshold": 1.5}, ValueError, "^iou_threshold must be in"),
        ({"max_candidates": -1}, ValueError, "^max_candidates must be at least 0"),
        ({"max_output": -1}, ValueError, "^max_output must be at least 0"),
        ({"multi_label": 0}, TypeError, "multi_label must be"),
        ({"class_agnostic": None}, TypeError, "class_agnostic must be"),
        ({"on_invalid": "skip"}, ValueError, "on_invalid must be"),
        ({"activation": "relu"}, ValueError, "activation must be"),
    ],
)
def test_errors(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        detutils.detections_from_yolo(np.zeros((6, 10)), **options)


# ---- layouts ---------------------------------------------------------------------------------------------------------


@cases.each("name", cases.GOOD_FORMS)
def test_forms(name: str) -> None:
    table = np.random.default_rng(8).integers(1, 60, (6, 9)).astype(float)
    expected = detutils.detections_from_yolo(table, score_threshold=20, iou_threshold=None)
    found = detutils.detections_from_yolo(cases.GOOD_FORMS[name](table), score_threshold=20, iou_threshold=None)
    assert len(expected) > 3
    assert np.array_equal(found.boxes, expected.boxes)
    assert np.array_equal(found.scores, expected.scores)
    assert np.array_equal(found.labels, expected.labels)


def test_keypoints_that_are_no_numbers() -> None:
    table = head(ROWS, 2, 6, behind=6)
    rows, *_ = naive.detections_from_yolo(table.tolist(), behind=6)
    table[rows[2], 6 + 3] = np.nan
    with pytest.raises(ValueError, match=f"^row {rows[2]} is a candidate, and its keypoints are not finite$"):
        detutils.detections_from_yolo(table, channels="last", keypoints=(3, 2))
    found = detutils.detections_from_yolo(table, channels="last", keypoints=(3, 2), on_invalid="drop")
    assert np.array_equal(found.keypoints, table[[*rows[:2], *rows[3:]], 6:].reshape(-1, 3, 2))


def test_inputs_are_not_changed() -> None:
    table = head(ROWS, 2, 5, np.float32, behind=6)
    before = table.copy()
    found = detutils.detections_from_yolo(table, channels="last", keypoints=(3, 2))
    found.boxes[:], found.scores[:], found.keypoints[:] = 0, 0, 0
    assert np.array_equal(table, before)
