"""Tiles: they cover, they overlap as asked, and what is found in them comes back to its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import detutils
from detutils import Detections
from tests import cases
from tests.naive import tiles as naive

EDGES = ("move", "cut")


def scenes() -> list[tuple[tuple[int, int], tuple[int, int], tuple[int, int]]]:
    """Sizes at which the last tile just fits, just does not, or is a pixel; and any."""
    rng = np.random.default_rng(0)
    found = [
        ((side, side + 1), (tile, tile), (overlap, overlap))
        for tile, overlap in ((10, 0), (10, 3), (10, 9), (1, 0))
        for side in (1, 2, 9, 10, 11, 17, 18, 19, 20, 21, 30)
    ]
    for _ in range(cases.size(160, 40)):
        tile = rng.integers(1, 60, 2)
        image_size, overlap = rng.integers(1, 200, 2), rng.integers(0, tile)
        found.append((tuple(image_size.tolist()), tuple(tile.tolist()), tuple(overlap.tolist())))
    return found


@pytest.mark.parametrize("edge", EDGES)
def test_tiles_are_those_of_the_loop(edge: Any) -> None:
    for image_size, tile, overlap in scenes():
        found = detutils.tile_image(image_size, tile, overlap, edge=edge)
        assert found.dtype == np.int64
        assert found.tolist() == naive.tile_image(image_size, tile, overlap, edge), (image_size, tile, overlap)


@pytest.mark.parametrize("edge", EDGES)
def test_tiles_cover_and_overlap(edge: Any) -> None:
    for image_size, tile, overlap in scenes():
        tiles = detutils.tile_image(image_size, tile, overlap, edge=edge)
        height, width = image_size
        seen = np.zeros(image_size, int)
        for x1, y1, x2, y2 in tiles.tolist():
            assert 0 <= x1 < x2 <= width
            assert 0 <= y1 < y2 <= height
            seen[y1:y2, x1:x2] += 1
        assert seen.all()
        sides = np.stack([tiles[:, 3] - tiles[:, 1], tiles[:, 2] - tiles[:, 0]], axis=1)
        assert (sides <= tile).all()
        if edge == "move":
            assert (sides == np.minimum(tile, image_size)).all()
        for first, last, shared in ((0, 2, overlap[1]), (1, 3, overlap[0])):
            starts, ends = np.unique(tiles[:, first]), np.unique(tiles[:, last])
            assert starts.size == ends.size
            assert (ends[:-1] - starts[1:] >= shared).all()
        assert len(np.unique(tiles, axis=0)) == len(tiles)


def test_an_object_of_the_overlap_lies_whole_in_a_tile() -> None:
    for edge in EDGES:
        tiles = detutils.tile_image((70, 101), 32, (7, 9), edge=edge)  # type: ignore[arg-type]
        for x in range(101 - 9 + 1):
            for y in range(70 - 7 + 1):
                assert ((tiles[:, :2] <= (x, y)).all(axis=1) & (tiles[:, 2:] >= (x + 9, y + 7)).all(axis=1)).any()


def test_small_images_and_forms() -> None:
    assert detutils.tile_image((30, 20), 640, 100).tolist() == [[0, 0, 20, 30]]
    assert detutils.tile_image((640, 640), 640, 100).tolist() == [[0, 0, 640, 640]]
    assert detutils.tile_image((641, 640), 640, edge="cut").tolist() == [[0, 0, 640, 640], [0, 640, 640, 641]]
    same = detutils.tile_image((900, 1200), (400, 500), (40, 50))
    np.testing.assert_array_equal(detutils.tile_image(np.array([900, 1200]), [400, 500], np.array([40, 50])), same)


@pytest.mark.parametrize(
    ("changes", "error", "pattern"),
    [
        ({"image_size": (0, 4)}, ValueError, r"image_size\[0\] must be at least 1"),
        ({"image_size": 4}, TypeError, "image_size must be a pair"),
        ({"tile": 0}, ValueError, "tile must be at least 1"),
        ({"tile": (4, 4, 4)}, ValueError, r"tile must be an integer or a pair \(height, width\)"),
        ({"tile": 1.5}, TypeError, "tile must be an integer"),
        ({"tile": None}, TypeError, "tile must be an integer"),
        ({"overlap": -1}, ValueError, "overlap must be at least 0"),
        ({"overlap": 0.2}, TypeError, "overlap must be an integer"),
        ({"overlap": 10}, ValueError, "overlap must be less than tile, got 10 of 10 pixels"),
        ({"overlap": (0, 11)}, ValueError, "overlap must be less than tile, got 11 of 10 pixels"),
        ({"edge": "pad"}, ValueError, "edge must be one of 'move', 'cut'"),
        ({"image_size": (2**31, 2**31), "overlap": 9}, MemoryError, "tiles needs"),
    ],
)
def test_bad_tiles(changes: dict[str, Any], error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.tile_image(**{"image_size": (40, 50), "tile": 10, "overlap": 2, **changes})


# ---- back to the image -----------------------------------------------------------------------------------------------

def found_in(tiles: np.ndarray, seed: int = 0, **columns: Any) -> list[Detections]:
    rng = np.random.default_rng(seed)
    records = []
    for _ in range(len(tiles)):
        n = int(rng.integers(0, 4))
        corner = rng.integers(0, 5, (n, 2))
        boxes = np.hstack([corner, corner + rng.integers(0, 5, (n, 2))]).astype(np.float32)
        records.append(Detections(boxes, rng.random(n), rng.integers(0, 3, n), names=["x"] * n))
    return records


def test_boxes_come_back_to_their_place() -> None:
    tiles = detutils.tile_image((40, 50), (10, 12), (2, 3))
    records = found_in(tiles)
    joined = detutils.join_tiles(records, tiles)
    row = 0
    for record, (x1, y1, x2, y2) in zip(records, tiles.tolist(), strict=True):
        for box, score, label, name in record.rows():
            expected = [box[0] + x1, box[1] + y1, box[2] + x1, box[3] + y1]
            assert joined.boxes[row].tolist() == expected
            assert (joined.scores[row], joined.labels[row], joined.names[row]) == (score, label, name)
            assert expected[2] <= x2
            assert expected[3] <= y2
            row += 1
    assert len(joined) == row
    assert joined.boxes.dtype == np.float64
    assert records == found_in(tiles)
    assert detutils.join_tiles(iter(records), tiles.astype(float)) == joined  # type: ignore[arg-type]


def test_keypoints_and_outlines_move_along() -> None:
    tiles = np.array([[0, 0, 10, 10], [7, 5, 17, 15]])
    boxes = [[1, 2, 3, 4]]
    points = np.array([[[1, 2, 2], [np.nan, 0, 0]]], np.float32)
    part = Detections(
        boxes, [0.5], [1], keypoints=points, segmentation=[[[1, 2, 3, 2, 3, 4]]], sizes=[[2, 2]], ids=np.array([7])
    )
    joined = detutils.join_tiles([part, part], tiles)
    np.testing.assert_array_equal(joined.boxes, [[1, 2, 3, 4], [8, 7, 10, 9]])
    np.testing.assert_array_equal(joined.keypoints[1], [[8, 7, 2], [np.nan, 5, 0]])
    assert joined.segmentation == [[[1, 2, 3, 2, 3, 4]], [[8, 7, 10, 7, 10, 9]]]
    assert joined.sizes is not None
    assert joined.sizes.tolist() == [[2, 2], [2, 2]]
    assert joined.ids.tolist() == [7, 7]
    np.testing.assert_array_equal(part.keypoints, points)
    flat = detutils.join_tiles([part.replace(keypoints=points[..., :2], segmentation=[None])], tiles[1:])
    assert flat.keypoints.shape == (1, 2, 2)
    assert flat.segmentation == [None]


def test_nothing_in_any_tile() -> None:
    tiles = detutils.tile_image((40, 50), 20)
    empty = Detections([], [], [])
    joined = detutils.join_tiles([empty] * len(tiles), tiles)
    assert (joined.boxes.shape, joined.scores.shape) == ((0, 4), (0,))
    assert len(detutils.join_tiles([], np.empty((0, 4)))) == 0
    one = Detections([[0, 0, 1, 1]], [1], [0], names=["x"])
    assert detutils.join_tiles([*[empty] * (len(tiles) - 1), one], tiles).names == ["x"]


@pytest.mark.parametrize(
    ("records", "error", "pattern"),
    [
        ([Detections([[0, 0, 1, np.nan]], [1], [0])] * 2, ValueError, r"detections\[0\] boxes\[0\] is not finite"),
        ([Detections([[0, 0, -1, 1]], [1], [0])] * 2, ValueError, r"detections\[0\] boxes\[0\] has x2 < x1"),
        ([Detections([[0, 0, 1, 1]], [np.inf], [0])] * 2, ValueError, r"detections\[0\] scores\[0\] is not finite"),
        ([Detections([[0, 0, 1, 1]], [1], np.array([0.5]))] * 2, TypeError, r"detections\[0\] labels must be integers"),
        ([Detections([[0, 0, 1, 1]], [1], [0])], ValueError, "detections has 1 entries and tiles 2"),
        (Detections([[0, 0, 1, 1]], [1], [0]), TypeError, "put the one tile's record into a list"),
        ([([], [], [])] * 2, TypeError, r"detections\[0\] must be Detections, got tuple"),
        (3, TypeError, "detections must be a sequence of one record a tile"),
        ([Detections([[0, 0, 1, 1]], [1], [0], masks=np.zeros((1, 9, 9)))] * 2, ValueError, "masks are pictures"),
        (
            [Detections([[0, 0, 1, 1]], [1], [0], keypoints=np.zeros((1, 9)))] * 2, ValueError,
            r"detections\[0\] keypoints must have shape",
        ),
        (
            [Detections([[0, 0, 1, 1]], [1], [0], segmentation=[{"counts": "a", "size": [1, 2]}])] * 2, TypeError,
            r"detections\[0\] segmentation\[0\] must be a list of polygons",
        ),
        (
            [Detections([[0, 0, 1, 1]], [1], [0], segmentation=[[[0, 0, 1]]])] * 2, ValueError,
            r"detections\[0\] segmentation\[0\]\[0\] must hold x and y in turns",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_joined(records: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.join_tiles(records, [[0, 0, 10, 10], [7, 5, 17, 15]])


def test_bad_rows_may_be_left_out() -> None:
    tiles = [[0, 0, 10, 10], [7, 5, 17, 15]]
    boxes = [[0, 0, 1, 1], [0, np.nan, 1, 1], [3, 3, 2, 4], [1, 1, 2, 2]]
    record = Detections(boxes, [1, 1, 1, np.nan], [0, 1, 2, 3], names=list("abcd"))
    joined = detutils.join_tiles([record, record], tiles, on_invalid="drop")
    assert joined.names == ["a", "a"]
    assert joined.boxes.tolist() == [[0, 0, 1, 1], [7, 5, 8, 6]]
    with pytest.raises(ValueError, match="on_invalid must be one of"):
        detutils.join_tiles([record, record], tiles, on_invalid="skip")  # type: ignore[arg-type]
