"""Sheets of pictures: every picture in its place, titles that fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detutils import draw_boxes, draw_panels

GRAY = np.full((60, 80, 3), 120, np.uint8)
RED = (255, 0, 0)


def changed(picture: np.ndarray, image: np.ndarray = GRAY) -> np.ndarray:
    return (picture != image).any(axis=2)


def plain(boxes: Any, image: np.ndarray = GRAY, **options: Any) -> np.ndarray:
    return draw_boxes(image, boxes, **{"halo": False, "width": 1, "colors": RED, **options})


def test_panels_hold_their_pictures() -> None:
    tiles = [np.full((60, 80, 3), 10 * k, np.uint8) for k in range(1, 6)]
    for columns in (None, 1, 2, 5, 9):
        sheet = draw_panels(tiles, columns=columns)
        for k in range(1, 6):
            assert (sheet == 10 * k).all(axis=2).sum() == 60 * 80
        assert (sheet[0] == 255).all()
        assert (sheet[:, -1] == 255).all()


@pytest.mark.filterwarnings("ignore:the typeface lacks")
def test_panels_of_mixed_sizes_and_depths() -> None:
    tiles = [np.zeros((10, 30), np.uint8), np.zeros((100, 50, 4), np.uint16), np.zeros((37, 11, 3)), GRAY]
    titles = ["a", "b\nsecond line", "a title far too long for its picture", "猫"]
    sheet = draw_panels(tiles, titles=titles, heading="All")
    assert sheet.dtype == np.uint8
    assert draw_panels(tiles, height=40).shape[0] < sheet.shape[0]
    small = draw_panels([np.array([[0, 255]], np.uint8)], height=30)  # enlarged pixels stay square
    assert set(np.unique(small)) == {0, 255}


def test_titles_and_heading_are_written() -> None:
    bare = draw_panels([GRAY, GRAY])
    for options in ({"titles": ["before", "after"]}, {"heading": "both"}):
        sheet = draw_panels([GRAY, GRAY], **options)
        assert sheet.shape[0] > bare.shape[0]
        assert (sheet < 60).any()


@pytest.mark.parametrize(
    ("pictures", "options", "error", "text"),
    [
        ([], {}, ValueError, "pictures is empty"),
        ([GRAY, None], {}, TypeError, r"pictures\[1\]"),
        (np.array(3), {}, TypeError, "pictures must be a sequence of images"),
        ([np.zeros((1, 60_000), np.uint8)], {"height": 100_000}, MemoryError, "scaled to 100000 x 6000000000"),
        ([GRAY], {"titles": ["a", "b"]}, ValueError, "titles must hold 1"),
        ([GRAY], {"titles": "a"}, TypeError, "titles must be a sequence"),
        ([GRAY], {"columns": 0}, ValueError, "columns"),
        ([GRAY], {"height": 0}, ValueError, "height"),
        ([GRAY], {"heading": 3}, TypeError, "heading"),
    ],
)
def test_bad_panels(pictures: Any, options: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        draw_panels(pictures, **options)


def test_characters_that_the_typeface_lacks_are_named_once() -> None:
    tile = np.full((60, 80, 3), 9, np.uint8)
    with pytest.warns(UserWarning, match="the typeface lacks '犬', '猫': name a font") as caught:
        draw_panels([tile, tile], titles=["猫", "cat"], heading="犬")
    assert len(caught) == 1
