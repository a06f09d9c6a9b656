"""Keypoints on pictures: dots where points are, limbs between them, nothing for what is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detutils import Detections, draw_boxes
from detutils.pictures._kernels.drawing import draw_strokes
from tests.cases import GOOD_FORMS, each, size
from tests.naive import drawing as naive

GRAY = np.full((60, 80, 3), 120, np.uint8)
BOX = [[5, 5, 75, 55]]


def changed(picture: np.ndarray, image: np.ndarray) -> np.ndarray:
    return (picture != image).any(axis=2)


def plain(keypoints: Any, boxes: Any = BOX, **options: Any) -> np.ndarray:
    return draw_boxes(GRAY, boxes, keypoints=keypoints, **{"width": 1, "colors": "#ff0000", **options})


WITHOUT = plain(np.empty((1, 0, 2)))


def test_strokes_equal_their_definition() -> None:
    rng = np.random.default_rng(0)
    for trial in range(size(60, 8)):
        height, width = rng.integers(1, 40, 2)
        canvas = rng.integers(0, 256, (height, width, 3), np.uint8)
        ends = rng.uniform(-10, 50, (4, 4))
        ends[0, 2:] = ends[0, :2]  # a dot
        ends[1, 3] = ends[1, 1]  # level
        strokes = np.column_stack([ends, rng.uniform(0, 5, 4)])
        colors = rng.integers(0, 256, (4, 3), np.uint8)
        style = (float(rng.choice([0.0, 1.5])), 0.55, float(rng.choice([1.0, 0.3])))
        wanted = naive.draw_strokes(canvas.tolist(), strokes.tolist(), colors.tolist(), *style)
        draw_strokes(canvas, strokes, colors, style)
        assert np.abs(canvas.astype(int) - wanted).max() <= 4, f"trial {trial}"  # a step a stroke, of rounding
        assert (canvas != np.array(wanted)).mean() < 0.01


def test_dots_lie_where_points_are() -> None:
    picture = plain([[[20, 30], [60.5, 40.5]]], halo=False)
    touched = changed(picture, plain(np.empty((1, 0, 2)), halo=False))
    rows, columns = np.nonzero(touched)
    assert touched.sum() > 10
    for x, y in ((20, 30), (60.5, 40.5)):
        near = np.hypot(columns + 0.5 - x, rows + 0.5 - y) < 4
        assert near.any()
        np.testing.assert_allclose([columns[near].mean() + 0.5, rows[near].mean() + 0.5], [x, y], atol=1e-9)
        columns, rows = columns[~near], rows[~near]
    assert not rows.size
    assert picture[40, 60].tolist() == [255, 0, 0]


def test_limbs_join_points_that_are_there() -> None:
    points = [[[20, 30], [60, 30], [40, 50]]]
    picture = plain(points, skeleton=[[0, 1]], width=3)
    assert picture[30, 40].tolist() == [255, 0, 0]
    assert (picture[40, 30] == 120).all()
    for third in (0, -1, 2, 0.25):
        flagged = np.dstack([points, [[2, third, 2]]])
        again = plain(flagged, skeleton=[[0, 1]], width=3)
        if third > 0:
            np.testing.assert_array_equal(again, picture)
        else:
            assert (again[30, 40] == 120).all()
            np.testing.assert_array_equal(again, plain([[points[0][0], points[0][2]]], width=3))
    np.testing.assert_array_equal(plain(points, skeleton=[]), plain(points))


def test_limbs_are_smooth_and_dark_at_their_edge() -> None:
    picture = plain([[[20, 20], [60, 41]]], skeleton=[[0, 1]], width=2)
    column = picture[:, 40].astype(int)
    assert (column[8:50, 0] - column[8:50, 1]).max() > 100
    assert (column[8:50].sum(axis=1) < 330).any()  # the halo
    assert len(np.unique(column[8:50, 0])) > 3


def test_points_that_are_not_there_may_be_anything() -> None:
    points = np.array([[[20, 30, 2], [np.nan, np.inf, 0]]])
    np.testing.assert_array_equal(plain(points), plain(points[:, :1]))
    np.testing.assert_array_equal(plain([[[20, 30, 2], [1e9, 3, 1]]], skeleton=[[0, 1]]), plain(points[:, :1]))
    np.testing.assert_array_equal(plain([[[-30, -30], [200, 10]]]), WITHOUT)
    lost = np.array([[[20, 30], [np.nan, 40]]])
    np.testing.assert_array_equal(plain(lost, on_invalid="drop"), plain(points[:, :1]))
    with pytest.raises(ValueError, match=r"keypoints\[0, 1\] is not finite: \[nan, 40.0\]"):
        plain(lost)


def test_points_outside_are_cut_off_at_the_border() -> None:
    picture = plain([[[-40, 30], [120, 30]]], skeleton=[[0, 1]], width=3)
    assert (picture[30, :, 0] == 255).all()


def test_better_poses_lie_above_and_bad_rows_take_their_points_along() -> None:
    boxes, points = [[5, 5, 75, 55]] * 2, [[[40, 30]], [[40, 30]]]
    for scores, color in (([0.9, 0.1], "#ff0000"), ([0.1, 0.9], "#0000ff")):
        picture = draw_boxes(GRAY, boxes, keypoints=points, colors=["#ff0000", "#0000ff"], scores=scores)
        assert picture[30, 40].tolist() == [255 * (color[1] == "f"), 0, 255 * (color[5] == "f")]
    dropped = plain([[[40, 30]], [[20, 30]]], [[5, 5, 75, 55], [9, 9, 3, 20]], on_invalid="drop")
    np.testing.assert_array_equal(dropped, plain([[[40, 30]]]))


@each("form", GOOD_FORMS)
def test_points_in_any_form(form: str) -> None:
    points = np.array([[[20, 30, 1], [60, 40, 2]]], float)
    np.testing.assert_array_equal(plain(GOOD_FORMS[form](points), skeleton=np.array([[0, 1]])),
                                  plain(points, skeleton=[[0, 1]]))  # fmt: skip


def test_a_record_of_detections() -> None:
    boxes, scores, labels = [[5, 10, 40, 50], [30, 15, 75, 55]], [0.5, 0.75], [2, 0]
    points = np.array([[[20, 30, 1], [30, 40, 2]], [[50, 30, 1], [60, 40, 0]]], float)
    found = Detections(boxes, scores, labels)
    np.testing.assert_array_equal(draw_boxes(GRAY, found), draw_boxes(GRAY, boxes, labels=labels, scores=scores))
    np.testing.assert_array_equal(
        draw_boxes(GRAY, found, labels=["cup", "spoon"], scores=[1, 0]),
        draw_boxes(GRAY, boxes, labels=["cup", "spoon"], scores=[1, 0]),
    )
    with_points = found.replace(keypoints=points)
    np.testing.assert_array_equal(
        draw_boxes(GRAY, with_points, skeleton=[[0, 1]]),
        draw_boxes(GRAY, boxes, labels=labels, scores=scores, keypoints=points, skeleton=[[0, 1]]),
    )
    np.testing.assert_array_equal(draw_boxes(GRAY, found[:0]), GRAY)
    np.testing.assert_array_equal(draw_boxes(GRAY, with_points[:0], skeleton=[[0, 1]]), GRAY)


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"keypoints": np.zeros((2, 3, 2))}, ValueError, r"keypoints must have shape \(1, K, 2\) or \(1, K, 3\)"),
        ({"keypoints": np.zeros((1, 3, 4))}, ValueError, "keypoints must have shape"),
        ({"keypoints": np.zeros((1, 3))}, ValueError, "keypoints must have shape"),
        ({"keypoints": "ab"}, TypeError, "keypoints must hold real numbers"),
        ({"keypoints": [[[np.inf, 0, 1]]]}, ValueError, r"keypoints\[0, 0\] is not finite"),
        ({"keypoints": [[[1, 0, np.nan]]]}, ValueError, r"keypoints\[0, 0\] is not finite"),
        ({"skeleton": [[0, 1]]}, ValueError, "skeleton joins keypoints, and there are none"),
        ({"keypoints": [[[1, 0]]], "skeleton": [[0, 1]]}, ValueError, r"skeleton\[1\] must be in \[0, 0\], got 1"),
        ({"keypoints": [[[1, 0]]], "skeleton": [[0, -1]]}, ValueError, r"skeleton\[1\] must be in \[0, 0\], got -1"),
        ({"keypoints": [[[1, 0]]], "skeleton": [0, 0]}, ValueError, r"skeleton must have shape \(L, 2\)"),
        ({"keypoints": [[[1, 0]]], "skeleton": [[0.5, 0]]}, TypeError, "skeleton must be integers"),
    ],
)
def test_bad_keypoints(options: dict[str, Any], error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        draw_boxes(GRAY, BOX, **options)
