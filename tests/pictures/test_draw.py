"""Pictures: the right pixels in the right colors, nothing outside, nothing changed, legible at any size."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detutils import draw_boxes, draw_panels, draw_segments
from detutils.pictures._kernels.drawing import draw_frames
from detutils.pictures.draw import PALETTE
from detutils.pictures.text import ELLIPSIS, fitted, load_font, text_size_in
from tests.cases import BAD_BOXES, BAD_IMAGES, BAD_SCORES, GOOD_FORMS, each, size, unchanged, whole_boxes
from tests.naive import drawing as naive

GRAY = np.full((60, 80, 3), 120, np.uint8)
RED = (255, 0, 0)


def changed(picture: np.ndarray, image: np.ndarray = GRAY) -> np.ndarray:
    return (picture != image).any(axis=2)


def plain(boxes: Any, image: np.ndarray = GRAY, **options: Any) -> np.ndarray:
    return draw_boxes(image, boxes, **{"halo": False, "width": 1, "colors": RED, **options})


# ---- the kernel --------------------------------------------------------------------------------------------

def test_frames_equal_their_definition() -> None:
    rng = np.random.default_rng(0)
    for trial in range(size(60, 8)):
        height, width = rng.integers(1, 40, 2)
        canvas = rng.integers(0, 256, (height, width, 3), np.uint8)
        corner = rng.integers(0, [width, height], (3, 2))
        other = np.minimum(corner + rng.integers(0, 30, (3, 2)), [width, height])
        frames = np.hstack([corner, other]).astype(float)
        colors = rng.integers(0, 256, (3, 3), np.uint8)
        line, radius, halo = rng.choice([0.0, 1.0, 2.0, 5.0]), rng.uniform(0, 8), rng.choice([0.0, 1.5])
        opacity, fill = rng.choice([1.0, 0.3]), rng.choice([0.0, 0.0, 0.4])
        options = (float(line), float(radius), float(halo), 0.5, float(opacity), float(fill))
        wanted = naive.draw_frames(canvas.tolist(), frames.tolist(), colors.tolist(), *options)
        draw_frames(canvas, frames, colors, options)
        np.testing.assert_array_equal(canvas, np.array(wanted, np.uint8), err_msg=f"trial {trial}")


# ---- boxes -------------------------------------------------------------------------------------------------

def test_a_line_lies_where_the_box_does() -> None:
    picture = plain([[10, 20, 40, 50]])
    assert picture[20, 25].tolist() == [255, 0, 0]
    assert picture[35, 10].tolist() == [255, 0, 0]
    assert picture[49, 25].tolist() == [255, 0, 0]
    assert picture[35, 39].tolist() == [255, 0, 0]
    touched = changed(picture)
    assert not touched[21:49, 11:39][3:-3, 3:-3].any()
    touched[20:50, 10:40] = False
    assert not touched.any()


@pytest.mark.parametrize("width", [1, 2, 3, 7])
def test_lines_have_their_width(width: int) -> None:
    touched = changed(plain([[20, 15, 60, 45]], width=width))
    assert touched[30, :40].sum() == width
    assert touched[:30, 40].sum() == width


def test_boxes_at_the_edge_are_seen_whole() -> None:
    for width in (1, 2, 5):
        touched = changed(plain([[0, 0, 80, 60]], width=width))
        for line in (touched[0], touched[-1], touched[:, 0], touched[:, -1]):
            assert line.mean() > 0.8


def test_boxes_outside_leave_no_trace() -> None:
    outside = [[-50, -50, -1, -1], [80, 0, 90, 60], [0, 60, 80, 70], [1e9, 1e9, 1e9, 1e9], [-1e150, 5, -3, 9]]
    for halo in (False, True):
        assert not changed(draw_boxes(GRAY, outside, labels=[""] * 5, halo=halo)).any()


def test_boxes_partly_outside_are_clipped() -> None:
    np.testing.assert_array_equal(plain([[-1e150, 10, 30, 1e150]]), plain([[0, 10, 30, 60]]))
    np.testing.assert_array_equal(plain([[-5, -7, 99, 99]]), plain([[0, 0, 80, 60]]))


@pytest.mark.parametrize("box", [[30, 30, 30, 30], [30, 30, 50, 30], [79.9, 59.9, 79.9, 59.9], [0, 0, 0, 1]])
def test_boxes_without_area_are_seen(box: list[float]) -> None:
    seen = changed(plain([box], width=2))
    assert seen.any() or box[2] == 0


def test_no_boxes_no_change() -> None:
    for empty in ([], np.empty((0, 4)), np.empty((0, 4), np.float32)):
        np.testing.assert_array_equal(draw_boxes(GRAY, empty, labels=[], scores=[]), GRAY)


def test_inputs_stay_as_they_are() -> None:
    boxes = whole_boxes(5, 0, 50)
    for image in (GRAY.copy(), GRAY[..., 0].copy(), np.dstack([GRAY, GRAY[..., 0]]), GRAY / 255):
        picture = unchanged(lambda image, boxes: draw_boxes(image, boxes, labels=list("abcde")), image, boxes)
        assert picture.dtype == np.uint8
        assert picture.shape == (60, 80, 3)
        assert not np.shares_memory(picture, image)


@each("form", GOOD_FORMS)
def test_boxes_in_any_form(form: str) -> None:
    boxes = whole_boxes(4, 3, 40)
    np.testing.assert_array_equal(plain(GOOD_FORMS[form](boxes)), plain(boxes))


def test_labels_in_any_form() -> None:
    boxes, numbers = whole_boxes(4, 3, 40), np.array([3, 0, 7, 3])
    wanted = draw_boxes(GRAY, boxes, labels=numbers.tolist())
    np.testing.assert_array_equal(draw_boxes(GRAY, boxes, labels=["3", "0", "7", "3"]), wanted)
    np.testing.assert_array_equal(draw_boxes(GRAY, boxes, labels=np.array(["3", "0", "7", "3"])), wanted)
    for form in ("int16", "big-endian int", "strided", "reversed", "read-only", "__array__", "DLPack"):
        np.testing.assert_array_equal(draw_boxes(GRAY, boxes, labels=GOOD_FORMS[form](numbers)), wanted)


def test_depths_and_channels() -> None:
    deep = np.array([[0, 128, 129, 257, 65535]], np.uint16)
    assert draw_boxes(deep, [])[0, :, 0].tolist() == [0, 0, 1, 1, 255]
    assert draw_boxes(np.array([[0.0, 0.5, 1.0]], np.float32), [])[0, :, 2].tolist() == [0, 128, 255]
    see_through = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 51]]], np.uint8)
    assert draw_boxes(see_through, []).tolist() == [[[200, 100, 0], [255, 255, 255], [244, 224, 204]]]


def test_better_boxes_lie_above() -> None:
    boxes = [[10, 20, 40, 50]] * 2
    for scores, top in (([0.9, 0.1], RED), ([0.1, 0.9], (0, 0, 255)), ([0.5, 0.5], RED)):
        picture = plain(boxes, scores=scores, colors=[RED, (0, 0, 255)], text_size=4)
        assert tuple(picture[49, 25]) == top
    picture = plain(boxes, colors=[RED, (0, 0, 255)])
    assert tuple(picture[49, 25]) == (0, 0, 255)  # without scores, the last


def test_opacity_and_fill() -> None:
    assert plain([[10, 20, 40, 50]], opacity=0.5)[20, 25].tolist() == [188, 60, 60]
    assert not changed(plain([[10, 20, 40, 50]], opacity=0.0)).any()
    picture = plain([[10, 20, 40, 50]], fill=0.5)
    assert picture[35, 25].tolist() == [188, 60, 60]
    assert picture[35, 45].tolist() == [120, 120, 120]


def test_the_halo_darkens_both_sides() -> None:
    white = np.full((60, 80, 3), 255, np.uint8)
    picture = draw_boxes(white, [[20, 15, 60, 45]], colors="#ffffff", width=2)
    assert changed(picture, white).sum() > 100
    assert picture[30, 18, 0] < 200
    assert picture[30, 21, 0] < 200


# ---- colors -----------------------------------------------------------------------------------------------

def test_colors_by_label() -> None:
    boxes = [[5, 5, 25, 25], [30, 5, 50, 25], [55, 5, 75, 25]]
    picture = draw_boxes(GRAY, boxes, labels=["b", "a", "b"], halo=False, width=1, text_size=4)
    first, second, third = (tuple(picture[24, x]) for x in (15, 40, 65))
    assert first == third != second
    hexes = [tuple(int(color[i : i + 2], 16) for i in (1, 3, 5)) for color in PALETTE]
    assert (second, first) == (hexes[0], hexes[1])  # in sorted order
    numbers = draw_boxes(GRAY, boxes, labels=np.array([7, 1, -1]), halo=False, width=1, text_size=4)
    assert [tuple(numbers[24, x]) for x in (15, 40, 65)] == [hexes[0], hexes[1], hexes[-1]]
    mapped = plain(boxes, labels=["b", "a", "b"], colors={"a": RED, "b": "#0000ff"})
    assert [tuple(mapped[24, x]) for x in (15, 40)] == [(0, 0, 255), RED]


@pytest.mark.filterwarnings("ignore:the typeface lacks")
@pytest.mark.parametrize("label", ["--5", "5-", "-", "²", "٣", "7" * 5000, "-" + "7" * 5000])
def test_labels_that_look_like_numbers(label: str) -> None:
    assert (draw_boxes(GRAY, [[10, 30, 50, 50]], labels=[label]) != GRAY).any()


def test_forms_of_colors() -> None:
    boxes = [[5, 5, 25, 25], [30, 5, 50, 25], [55, 5, 75, 25]]
    forms = [RED, list(RED), "#ff0000", np.array(RED), [RED] * 3, ["#ff0000"] * 3, np.array([RED] * 3)]
    same = [plain(boxes, colors=colors) for colors in forms]
    for picture in same[1:]:
        np.testing.assert_array_equal(picture, same[0])


def test_color_blind_readers_can_tell_the_palette_apart() -> None:
    """Machado, Oliveira and Fernandes (2009): what protanopes and deuteranopes see, at full severity."""
    seen = [
        np.eye(3),
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    ]
    colors = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in PALETTE]) / 255
    for matrix in seen:
        shown = ((colors**2.2) @ np.array(matrix).T).clip(0, 1) ** (1 / 2.2) * 255
        apart = np.linalg.norm(shown[:, None] - shown[None], axis=2) + 1e3 * np.eye(len(colors))
        assert apart.min() > 40


# ---- text --------------------------------------------------------------------------------------------------

def test_labels_and_scores_are_written() -> None:
    box = [[20, 30, 60, 55]]
    without = draw_boxes(GRAY, box)
    cup, sure = {"labels": ["cup"]}, {"scores": [0.93]}
    for options in (cup, sure, {**cup, **sure}, {"labels": [0]}):
        picture = draw_boxes(GRAY, box, **options)
        assert changed(picture, without)[:30].any()
        assert not changed(picture, without)[32:].any()  # the tag stands above the box
    wide = changed(draw_boxes(GRAY, box, labels=["cup"], scores=[0.93]), without).sum()
    assert wide > changed(draw_boxes(GRAY, box, labels=["cup"]), without).sum()


def test_tags_stay_inside_and_apart() -> None:
    image = np.full((200, 300, 3), 90, np.uint8)
    rng = np.random.default_rng(5)
    for _ in range(10):
        corner = rng.uniform(-40, [300, 200], (12, 2))
        boxes = np.hstack([corner, corner + rng.uniform(5, 120, (12, 2))])
        draw_boxes(image, boxes, labels=["a long label, indeed"] * 12, scores=rng.random(12))
    box = [[50, 60, 120, 100]]
    two = draw_boxes(image, box * 2, labels=["first", "second"], scores=[0.9, 0.8], halo=False)
    one = draw_boxes(image, box, labels=["first"], scores=[0.9], halo=False)
    assert changed(two, one).sum() > 100  # the second tag found a place of its own


@pytest.mark.filterwarnings("ignore:the typeface lacks")
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (5, 5), (12, 300), (2000, 30), (1200, 1600)])
def test_any_image_size(shape: tuple[int, int]) -> None:
    height, width = shape
    image = np.full(shape, 128, np.uint8)
    picture = draw_boxes(image, [[0, 0, width, height]], labels=["Ågård 猫\nnew line"], scores=[123.456])
    assert picture.shape == (*shape, 3)
    assert (picture != 128).any()


def test_text_grows_with_the_image_and_fits() -> None:
    def tag_height(side: int) -> int:
        image = np.full((side, side, 3), 128, np.uint8)
        box = [[side // 4, side // 2, side // 2, side * 3 // 4]]
        rows = changed(draw_boxes(image, box, labels=["x"]), draw_boxes(image, box)).any(axis=1)
        return int(rows.sum())

    assert tag_height(1600) > 2 * tag_height(400) > 20
    font = load_font(None, 20)
    assert fitted(font, "short", 500) == "short"
    short = fitted(font, "a very long label that does not fit", 120)
    assert short.endswith(ELLIPSIS)
    assert text_size_in(font, short) <= 120
    assert fitted(font, "anything", 3) == ""


@pytest.mark.filterwarnings("ignore:the typeface lacks")
def test_fonts(tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSerif.ttf"
    box = [[20, 30, 60, 55]]
    assert changed(draw_boxes(GRAY, box, labels=["ж"], font=file), draw_boxes(GRAY, box, labels=["ж"])).any()


@pytest.mark.parametrize("content", [None, b"", b"no font"])
def test_bad_fonts(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "letters.ttf"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(OSError, match=r"letters\.ttf cannot be read as a font"):
        draw_boxes(GRAY, [[1, 1, 5, 5]], labels=["a"], font=file)


# ---- what is refused ---------------------------------------------------------------------------------------

@each(("image", "error", "text"), BAD_IMAGES)
def test_bad_images(image: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        draw_boxes(image, [])
    with pytest.raises(error, match=text):
        draw_segments(image, [[0]])
    with pytest.raises(error, match=text):
        draw_panels([image])


@each(("boxes", "error", "text"), BAD_BOXES)
def test_bad_boxes(boxes: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        draw_boxes(GRAY, boxes)


@each(("scores", "error", "text"), BAD_SCORES)
def test_bad_scores(scores: Any, error: type[Exception], text: str) -> None:
    if scores is None:
        return
    with pytest.raises(error, match=text):
        draw_boxes(GRAY, [[0, 0, 5, 5]] * 2, scores=scores)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"labels": "ab"}, TypeError, "labels must be a sequence"),
        ({"labels": 3}, TypeError, "labels must be a sequence"),
        ({"labels": np.array(3)}, TypeError, "labels must be a sequence"),
        ({"labels": np.zeros((2, 2), int)}, TypeError, r"labels\[0\] must be a str or an int"),
        ({"labels": ["a"]}, ValueError, "labels must hold 2 names, got 1"),
        ({"labels": [1.5, 2.0]}, TypeError, r"labels\[0\] must be a str or an int"),
        ({"labels": [True, False]}, TypeError, r"labels\[0\]"),
        ({"colors": "red"}, ValueError, "#rrggbb"),
        ({"colors": "#12345"}, ValueError, "#rrggbb"),
        ({"colors": (1, 2, 300)}, ValueError, "at most 255"),
        ({"colors": (0.1, 0.2, 0.3)}, TypeError, "integer"),
        ({"colors": [RED]}, ValueError, "one color or 2 colors"),
        ({"colors": {1, 2}}, ValueError, "one color or 2 colors"),
        ({"colors": np.array(3)}, ValueError, "one color or 2 colors"),
        ({"colors": [[1, 2, 3], [[1], [2, 3], 4]]}, TypeError, r"colors\[1\] must be"),
        ({"labels": {"a"}}, TypeError, "labels must be a sequence"),
        ({"labels": {"a": 1, "b": 2}}, TypeError, "labels must be a sequence"),
        ({"colors": {"a": RED}}, ValueError, "there are no labels"),
        ({"colors": {"a": RED}, "labels": ["a", "b"]}, ValueError, "no color for the label 'b'"),
        ({"width": 0}, ValueError, "width must be at least 1"),
        ({"width": 1.5}, TypeError, "width must be an integer"),
        ({"fill": 2}, ValueError, r"fill must be in \[0, 1\]"),
        ({"opacity": "1"}, TypeError, "opacity must be a number"),
        ({"halo": 1}, TypeError, "halo must be True or False"),
        ({"text_size": 1}, ValueError, "text_size must be at least 4"),
        ({"font": 3, "labels": ["a", "b"]}, TypeError, "font must be a str or a path"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        draw_boxes(GRAY, [[0, 0, 5, 5], [5, 5, 9, 9]], **options)


# ---- segments ----------------------------------------------------------------------------------------------

def test_segments_take_their_mean_color() -> None:
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (20, 30, 3), np.uint8)
    segments = rng.integers(-3, 4, (20, 30))
    picture = unchanged(lambda i, s: draw_segments(i, s, outline=None), image, segments)
    for number in np.unique(segments):
        inside = segments == number
        wanted = np.round(image[inside].mean(axis=0))
        assert np.abs(picture[inside] - wanted).max() <= 1
    half = draw_segments(image, segments, outline=None, opacity=0.5)
    assert np.abs(half.astype(float) - (image / 2 + picture / 2)).max() <= 1
    np.testing.assert_array_equal(draw_segments(image, segments, outline=None, opacity=0.0), image)


def test_outlines_follow_the_borders() -> None:
    image = np.full((6, 8), 100, np.uint8)
    segments = np.zeros((6, 8), np.uint8)
    segments[2:4, 3:6] = 9
    picture = draw_segments(image, segments, style="outline", outline="#ff0000")
    touched = (picture != 100).any(axis=2)
    assert touched.sum() == 9
    assert touched[1, 3:6].all()
    assert touched[3, 3:6].all()
    assert touched[2:4, 2].all()
    assert touched[2:4, 5].all()


def test_distinct_colors_are_distinct() -> None:
    segments = np.arange(12).reshape(3, 4)
    picture = draw_segments(np.zeros((3, 4), np.uint8), segments, style="distinct", outline=None)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 12


@pytest.mark.parametrize(
    ("segments", "options", "error", "text"),
    [
        (None, {}, TypeError, "None"),
        (np.zeros((60, 80)), {}, TypeError, "segments must be integers"),
        (np.zeros((60, 81), int), {}, ValueError, r"must have the image's shape \(60, 80\), got \(60, 81\)"),
        (np.zeros((60, 80), int), {"style": "x"}, ValueError, "style must be one of 'mean'"),
        (np.zeros((60, 80), int), {"opacity": 3}, ValueError, "opacity"),
        (np.zeros((60, 80), int), {"outline": 3}, TypeError, "outline"),
    ],
)
def test_bad_segments(segments: Any, options: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        draw_segments(GRAY, segments, **options)


# ---- typefaces and rows that are left out ------------------------------------------------------------------

@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (["行人", "cat 人"], r"the typeface lacks '人', '行': name a font that has them by font="),
        (["café"], "the typeface lacks 'é'"),
        (["".join(map(chr, range(0x4E00, 0x4E20))), "b"], "and 22 more: name a font"),
    ],
)
def test_characters_that_the_typeface_lacks_are_named_once(labels: list[str], text: str) -> None:
    boxes = [[8, 26, 40, 50]] * len(labels)
    with pytest.warns(UserWarning, match=text) as caught:
        draw_boxes(GRAY, boxes, labels=labels)
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_what_the_contract_says_the_typeface_has_it_has() -> None:
    signs = re.search(r"a few signs \((.*)\)", draw_boxes.__doc__ or "")
    assert signs is not None
    draw_boxes(GRAY, [[8, 26, 40, 50]], labels=[signs[1] + "".join(map(chr, range(32, 127))) + "\n"])


def test_a_font_that_has_the_characters_is_silent() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    draw_boxes(GRAY, [[8, 26, 40, 50]], labels=["Ж é Ω ğ"], font=font)
    with pytest.warns(UserWarning, match="lacks '行'"):
        draw_boxes(GRAY, [[8, 26, 40, 50]], labels=["行"], font=font)


def test_rows_that_break_the_contract_can_be_left_out() -> None:
    nan = np.nan
    boxes = np.array([[5, 20, 30, 40.0], [nan, 0, 9, 9], [40, 20, 60, 45], [50, 9, 20, 40], [10, 30, 50, 50]])
    labels, scores = ["a", "b", "c", "d", "e"], np.array([0.9, 0.8, 0.7, 0.6, nan])
    colors = ["#ff0000", "#00ff00", "#0000ff", "#ffffff", "#000000"]
    good = [0, 2]
    expected = draw_boxes(
        GRAY, boxes[good], labels=["a", "c"], scores=scores[good], colors=[colors[i] for i in good]
    )
    result = draw_boxes(GRAY, boxes, labels=labels, scores=scores, colors=colors, on_invalid="drop")
    np.testing.assert_array_equal(result, expected)
    for bad, text in ((boxes, r"boxes\[1\] is not finite"), (boxes[[0, 2, 0, 2, 4]], r"scores\[4\] is not finite")):
        with pytest.raises(ValueError, match=text):
            draw_boxes(GRAY, bad, labels=labels, scores=scores)
    np.testing.assert_array_equal(draw_boxes(GRAY, boxes[[1, 3]], on_invalid="drop"), GRAY)
    with pytest.raises(ValueError, match="on_invalid must be one of 'raise', 'drop'"):
        draw_boxes(GRAY, boxes, on_invalid="keep")  # type: ignore[arg-type]
