"""Rotated boxes and quadrilaterals on pictures: lines along their edges, tags at the highest corner that is seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detutils import Detections, draw_boxes, rotated_box_convert
from detutils.pictures._kernels.drawing import draw_outlines
from tests.cases import GOOD_FORMS, each, size, unchanged
from tests.naive import drawing as naive

GRAY = np.full((60, 80, 3), 120, np.uint8)
TURNED = np.array([[40, 30, 40, 20, 30], [20, 20, 10, 10, 0], [60, 40, 30, 4, -100.0]])
QUADS = [[10, 10, 40, 5, 50, 40, 5, 30], [60, 10, 75, 30, 60, 50, 45, 30]]


def changed(picture: np.ndarray, image: np.ndarray = GRAY) -> np.ndarray:
    return (picture != image).any(axis=2)


def plain(boxes: Any, image: np.ndarray = GRAY, **options: Any) -> np.ndarray:
    return draw_boxes(image, boxes, **{"halo": False, "width": 1, "colors": "#ff0000", **options})


@pytest.mark.parametrize("fill", [0.0, 0.4])
def test_outlines_equal_their_definition(fill: float) -> None:
    """Anywhere, and with corners on centers and corners of pixels, edges that are level, upright, without length."""
    rng = np.random.default_rng(0)
    for trial in range(size(40, 8)):
        height, width = rng.integers(1, 40, 2)
        canvas = rng.integers(0, 256, (height, width, 3), np.uint8)
        outlines = rng.uniform(-15, 50, (3, 4, 2))
        if trial % 2:
            outlines = np.round(outlines * 2) / 2
        outlines[0, 1] = outlines[0, 0]
        outlines[1, 2, trial % 2] = outlines[1, 1, trial % 2]
        colors = rng.integers(0, 256, (3, 3), np.uint8)
        style = (float(rng.choice([1, 2, 5])), float(rng.choice([0, 1.5])), 0.55, float(rng.choice([1, 0.3])), fill)
        wanted = naive.draw_outlines(canvas.tolist(), outlines.tolist(), colors.tolist(), *style)
        draw_outlines(canvas, outlines, colors, style)
        assert np.abs(canvas.astype(int) - wanted).max() <= 3, f"trial {trial}"  # a step an outline, of rounding
        assert (canvas != np.array(wanted)).mean() < 0.01, f"trial {trial}"


def test_lines_lie_along_the_edges() -> None:
    touched = changed(plain(TURNED[:1], angle="cw-deg"))
    rows, columns = np.nonzero(touched)
    turn = np.radians(30)
    x, y = columns + 0.5 - 40, rows + 0.5 - 30
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    away = np.maximum(np.abs(along) - 20, np.abs(across) - 10)
    assert touched.sum() > 150
    assert np.abs(away).max() < 1.5
    assert abs(x.mean()) < 0.1
    assert abs(y.mean()) < 0.1


def test_lines_are_whole_on_all_four_sides() -> None:
    picture = plain([[40.5, 30.5, 30, 20, 0]], angle="cw-deg", width=5)
    assert changed(picture)[18:24, 40].sum() == changed(picture)[38:44, 40].sum() == 5
    assert changed(picture)[30, 23:29].sum() == changed(picture)[30, 53:59].sum() == 5


def test_senses_and_units_are_those_of_the_conversion() -> None:
    wanted = plain(TURNED, angle="ccw-deg", fill=0.3)
    for angle in ("cw-deg", "ccw-rad", "cw-rad"):
        same = rotated_box_convert(TURNED, "ccw-deg", angle)  # type: ignore[arg-type]
        assert np.abs(plain(same, angle=angle, fill=0.3).astype(int) - wanted).max() <= 1
    corners = rotated_box_convert(TURNED, "ccw-deg", "corners")
    np.testing.assert_array_equal(plain(corners, fill=0.3), wanted)
    assert changed(plain(TURNED, angle="cw-deg"), wanted).any()


def test_quadrilaterals_in_either_sense_and_from_any_corner() -> None:
    quads = np.array(QUADS, float).reshape(-1, 4, 2)
    wanted = plain(quads.reshape(-1, 8), fill=0.3)
    for same in (quads[:, ::-1], np.roll(quads, 1, axis=1), np.roll(quads, 2, axis=1)):
        assert np.abs(plain(same.reshape(-1, 8), fill=0.3).astype(int) - wanted).max() <= 1


def test_upright_ones_cover_what_upright_boxes_do() -> None:
    box = [[10.5, 10.5, 50.5, 40.5]]
    turned = rotated_box_convert(box, "xyxy", "cw-deg")
    outline = changed(plain(turned, angle="cw-deg"))
    assert outline[10, 11:50].all()
    assert outline[40, 11:50].all()
    assert outline[11:40, 10].all()
    assert outline[11:40, 50].all()
    outline[10:41, 10:51] = False
    assert not outline.any()


def test_what_is_far_outside_is_cut_at_the_border() -> None:
    turned = [[40, 30, 40, 20, 30.0]]
    for far in (1e3, 1e6, 1e9):
        band = plain([[40, 30, far, 20, 30]], angle="cw-deg", fill=0.5)
        np.testing.assert_array_equal(band, plain([[40, 30, 200, 20, 30]], angle="cw-deg", fill=0.5))
        assert not changed(plain([[far, far, 20, 20, 45]], angle="cw-deg", fill=0.5)).any()
        whole = plain([[40, 30, far, far, 30]], angle="cw-deg", fill=0.5, labels=["a"], text_size=10)
        assert whole[40, 40].tolist() == [188, 60, 60]
    for far in (1e100, 1e150):
        for box in ([40, 30, far, far, 30], [far, -far, far, far, 30], [40, 30, far, 0, 0], [-far, 30, far, 20, 45]):
            draw_boxes(GRAY, [box, turned[0]], angle="cw-deg", labels=["a", "b"], fill=0.3)


def test_no_boxes_no_change_and_boxes_without_area() -> None:
    for empty in ([], np.empty((0, 5)), np.empty((0, 5), np.float32)):
        np.testing.assert_array_equal(draw_boxes(GRAY, empty, angle="ccw-rad", labels=[], scores=[]), GRAY)
    np.testing.assert_array_equal(draw_boxes(GRAY, np.empty((0, 8)), labels=[]), GRAY)
    assert changed(plain([[40, 30, 20, 0, 45]], angle="cw-deg")).sum() > 15
    assert 1 <= changed(plain([[40.5, 30.5, 0, 0, 45]], angle="cw-deg")).sum() <= 5


def tag_of(boxes: Any, **options: Any) -> tuple[int, int, int, int]:
    """left, top, right, bottom of what a label adds."""
    options = {"width": 1, "text_size": 8, **options}
    rows, columns = np.nonzero(
        changed(draw_boxes(GRAY, boxes, labels=["a"], **options), draw_boxes(GRAY, boxes, **options))
    )
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def test_tags_stand_at_the_highest_corner() -> None:
    left, top, _, bottom = tag_of([[40, 35, 30, 10, 45]], angle="ccw-deg")  # the highest corner lies right
    corner = rotated_box_convert([[40, 35, 30, 10, 45]], "ccw-deg", "corners").reshape(4, 2)
    x, y = corner[np.argmin(corner[:, 1])]
    assert abs(left - x) <= 2
    assert abs(bottom - y) <= 2
    assert top > 0
    left, _, _, bottom = tag_of([[10, 30, 30, 16, 70, 40, 30, 50]])
    assert abs(left - 30) <= 2
    assert abs(bottom - 16) <= 2


def test_tags_stand_at_the_highest_place_that_is_seen() -> None:
    """The corner itself lies outside: on the left, then above, where the tag stands inside."""
    left, _, _, bottom = tag_of([[-10, 20, 30, 40, 30, 50, -20, 45]])  # crosses the left border at y = 25
    assert left == 0
    assert abs(bottom - 25) <= 2
    left, top, _, _ = tag_of([[30, -20, 60, 40, 30, 55, 10, 40]])
    assert top <= 1
    assert 20 < left < 40


def test_tags_of_what_is_not_seen_are_not_drawn() -> None:
    outside = [[200, 30, 40, 20, 30], [-30, -30, 40, 20, 45]]
    assert not changed(draw_boxes(GRAY, outside, angle="cw-deg", labels=["a", "b"])).any()


def test_scores_fill_opacity_and_keypoints() -> None:
    boxes = [[40, 30, 40, 20, 30]] * 2
    for scores, top in (([0.9, 0.1], 0), ([0.1, 0.9], 1)):
        picture = draw_boxes(
            GRAY, boxes, angle="cw-deg", scores=scores, colors=["#ff0000", "#0000ff"], fill=1.0, text_size=4
        )
        assert picture[30, 40].tolist() == [[255, 0, 0], [0, 0, 255]][top]
    assert plain(boxes[:1], angle="cw-deg", fill=0.5)[30, 40].tolist() == [188, 60, 60]
    assert not changed(plain(boxes, angle="cw-deg", opacity=0.0)).any()
    dots = plain(boxes[:1], angle="cw-deg", keypoints=[[[40, 30]]])
    assert dots[30, 40].tolist() == [255, 0, 0]


@each("form", GOOD_FORMS)
def test_boxes_in_any_form(form: str) -> None:
    rows = np.array([[40, 30, 40, 20, 1], [20, 20, 10, 10, 0.0]])
    wanted = unchanged(lambda boxes: plain(boxes, angle="cw-rad"), rows)
    np.testing.assert_array_equal(plain(GOOD_FORMS[form](rows), angle="cw-rad"), wanted)
    np.testing.assert_array_equal(plain(GOOD_FORMS[form](np.array(QUADS, float))), plain(QUADS))


def test_rows_that_break_the_contract_can_be_left_out() -> None:
    boxes = np.array(
        [[40, 30, 40, 20, 30], [np.nan, 9, 9, 9, 0], [40, 30, -1, 20, 30], [20, 20, 9, 9, np.inf], [60, 40, 9, 9, 5]]
    )
    scores = np.array([0.9, 0.8, 0.7, 0.6, np.nan])
    kept = plain(boxes, angle="ccw-deg", scores=scores, labels=list("abcde"), on_invalid="drop", text_size=5)
    wanted = plain(boxes[:1], angle="ccw-deg", scores=scores[:1], labels=["a"], text_size=5)
    np.testing.assert_array_equal(kept, wanted)
    quads = np.array([*QUADS, [np.inf] * 8, [1e151] * 8])
    np.testing.assert_array_equal(plain(quads, on_invalid="drop"), plain(QUADS))


@pytest.mark.parametrize(
    ("boxes", "angle", "error", "text"),
    [
        (TURNED, None, ValueError, r"shape \(N, 4\), got \(3, 5\): for rotated .* with angle= .* 'ccw-deg'"),
        (TURNED[:, :4], "cw-deg", ValueError, r"shape \(N, 5\), cx, .*, got \(3, 4\) \(upright boxes become"),
        (QUADS, "cw-deg", ValueError, r"shape \(N, 5\), cx, cy, w, h, angle, got \(2, 8\)"),
        (TURNED, "degrees", ValueError, "angle must be one of 'ccw-deg'"),
        (TURNED, 3, TypeError, "angle"),
        (TURNED * [1, 1, -1, 1, 1], "cw-deg", ValueError, r"boxes\[0\] has a negative width or height"),
        (TURNED * [1, 1, 1, 1, np.nan], "cw-deg", ValueError, r"boxes\[0\] is not finite"),
        ([[*[0.0] * 7, np.nan]], None, ValueError, r"boxes\[0\] is not finite"),
        ([[*[0.0] * 7, 1e151]], None, ValueError, r"boxes\[0\] has a coordinate beyond 1e\+150"),
    ],
)  # fmt: skip
def test_what_is_refused(boxes: Any, angle: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        draw_boxes(GRAY, boxes, angle=angle)


def test_a_record_with_rotated_boxes_in_a_column() -> None:
    hulls = rotated_box_convert(TURNED, "ccw-deg", "xyxy")
    found = Detections(hulls, [0.9, 0.8, 0.7], [0, 1, 2], rotated=TURNED)
    picture = draw_boxes(GRAY, found.rotated, angle="ccw-deg", labels=found.labels, scores=found.scores)
    assert changed(picture).any()
