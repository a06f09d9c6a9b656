"""Large photographs in pieces: where the tiles lie, and what was found in them brought back to one image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from detutils._jit import F8, I8
from detutils._validate import (
    OnInvalid,
    as_boxes,
    as_choice,
    as_dropping,
    as_floats,
    as_integer,
    as_items,
    as_items_of,
    as_labels,
    as_vector,
    check_memory,
    dimensions,
    valid_rows,
)
from detutils.datasets.records import Detections

LARGEST_SIDE = 1 << 31
BYTES_A_TILE = 3 * 32  # the windows and what they are made of


def tile_image(
    image_size: tuple[int, int],
    tile: int | tuple[int, int],
    overlap: int | tuple[int, int] = 0,
    *,
    edge: Literal["move", "cut"] = "move",
) -> I8:
    """Cover an image with overlapping tiles.

    Parameters
    ----------
    image_size : (height, width)
        In pixels.
    tile : int or (height, width)
        Of a tile, in pixels; one number for squares. An image that is smaller has one tile, of its own size.
    overlap : int or (vertical, horizontal), default 0
        How many pixels, less than the tile's, neighbors share at least. An object up to that size lies whole in one
        tile or more.
    edge : {"move", "cut"}, default "move"
        Where the last tile would leave the image: move it back inside, so that all are of one size and the last two
        share more; or cut it off at the border.

    Returns
    -------
    tiles : (T, 4) int64 ndarray
        x1, y1, x2, y2 of each, row by row: a tile's pixels are ``image[y1:y2, x1:x2]``. Every pixel is in one.

    Raises
    ------
    TypeError
        If a size is not an integer or a pair of them.
    ValueError
        If a size is not positive, or ``overlap`` negative or not less than ``tile``.
    MemoryError
        If the tiles are larger than the memory that is free.

    See Also
    --------
    join_tiles : What was found in the tiles, as detections of the image.

    Notes
    -----
    As few tiles as the overlap admits: ceil((side - overlap) / (tile - overlap)) on each side. Linear in their number.

    References
    ----------
    F. C. Akyon, S. O. Altinuc and A. Temizel, "Slicing aided hyper inference and fine-tuning for small object
    detection", ICIP 2022.

    Examples
    --------
    >>> import detutils
    >>> detutils.tile_image((400, 1000), 400, 100)
    array([[   0,    0,  400,  400],
           [ 300,    0,  700,  400],
           [ 600,    0, 1000,  400]])
    """
    sides = as_items_of(image_size, "image_size", "a pair (height, width)", 2)
    height, width = (as_integer(side, f"image_size[{i}]", 1, LARGEST_SIDE) for i, side in enumerate(sides))
    high, wide = _as_pair(tile, "tile", "(height, width)", 1)
    down, across = _as_pair(overlap, "overlap", "(vertical, horizontal)", 0)
    for shared, side in ((down, high), (across, wide)):
        if shared >= side:
            raise ValueError(f"overlap must be less than tile, got {shared} of {side} pixels")
    moves = as_choice(edge, "edge", ("move", "cut")) == "move"
    rows, columns = _count(height, high, down), _count(width, wide, across)
    check_memory(rows * columns * BYTES_A_TILE, f"{rows} x {columns} tiles")
    tops, bottoms = _spans(height, high, down, rows, moves)
    lefts, rights = _spans(width, wide, across, columns, moves)
    tiles = np.empty((rows, columns, 4), np.int64)
    tiles[..., 0], tiles[..., 1] = lefts, tops[:, None]
    tiles[..., 2], tiles[..., 3] = rights, bottoms[:, None]
    return tiles.reshape(-1, 4)


def join_tiles(
    detections: Sequence[Detections],
    tiles: npt.ArrayLike,
    *,
    on_invalid: OnInvalid = "raise",
) -> Detections:
    """Bring what was found in each tile back to the image, in one record.

    Parameters
    ----------
    detections : sequence of T Detections
        What was found in each tile, in pixels of that tile, with the same columns. Records without rows may lack some.
    tiles : (T, 4) array_like
        The tiles, as ``tile_image`` gives them.
    on_invalid : {"raise", "drop"}, default "raise"
        What becomes of a row whose box is not finite or has x2 < x1 or y2 < y1, or whose score is not finite.

    Returns
    -------
    detections : Detections
        The rows of all tiles, tile by tile: boxes (float64) moved to their place in the image, and with them the
        columns ``keypoints`` (N, K, 2 or 3) and ``segmentation``, polygons as COCO has them. An object that several
        tiles show is still there several times: ``merge_boxes`` or ``batched_nms`` make it one.

    Raises
    ------
    TypeError
        If ``detections`` is not a sequence of records, or ``segmentation`` holds run lengths, which belong to the
        pixels of a tile.
    ValueError
        If there are not as many records as tiles, columns differ, a row breaks the contract, or there are ``masks``,
        which are pictures of a tile.

    See Also
    --------
    merge_boxes : Merges the parts of objects that borders cut, with ``metric="ios"``.

    Notes
    -----
    Linear in the rows. Where boxes were scaled for the network, bring them back to the pixels of the tile first, by its
    ``Letterbox``.

    References
    ----------
    As ``tile_image``.

    Examples
    --------
    >>> import detutils
    >>> tiles = detutils.tile_image((100, 180), 100, 20)
    >>> left = detutils.Detections([[90, 10, 100, 20]], [0.6], [0])
    >>> right = detutils.Detections([[10, 10, 26, 20]], [0.9], [0])
    >>> detutils.join_tiles([left, right], tiles).boxes
    array([[ 90.,  10., 100.,  20.],
           [ 90.,  10., 106.,  20.]])
    """
    drops = as_dropping(on_invalid)
    windows = as_boxes(tiles, "tiles")
    if isinstance(detections, Detections):
        raise TypeError("detections must have one record a tile: put the one tile's record into a list")
    records = as_items(detections, "detections", "a sequence of one record a tile")
    if len(records) != windows.shape[0]:
        raise ValueError(f"detections has {len(records)} entries and tiles {windows.shape[0]}: both need one a tile")
    parts = []
    for i, (record, (left, top)) in enumerate(zip(records, windows[:, :2].tolist(), strict=True)):
        if not isinstance(record, Detections):
            raise TypeError(f"detections[{i}] must be Detections, got {type(record).__name__}")
        parts.append(_moved(record, left, top, f"detections[{i}]", drops))
    return Detections.concatenate(parts)


def _as_pair(value: Any, name: str, words: str, low: int) -> tuple[int, int]:
    if value is None or isinstance(value, (str, bytes)) or dimensions(value) == 0:
        one = as_integer(value, name, low, LARGEST_SIDE)
        return one, one
    first, second = as_items_of(value, name, f"an integer or a pair {words}", 2)
    return as_integer(first, f"{name}[0]", low, LARGEST_SIDE), as_integer(second, f"{name}[1]", low, LARGEST_SIDE)


def _count(side: int, tile: int, overlap: int) -> int:
    return 1 if side <= tile else -((overlap - side) // (tile - overlap))


def _spans(side: int, tile: int, overlap: int, count: int, moves: bool) -> tuple[I8, I8]:
    """Where the tiles of one direction begin and end."""
    starts = np.arange(count, dtype=np.int64) * (tile - overlap)
    if moves:
        starts = np.minimum(starts, max(side - tile, 0))
    return starts, np.minimum(starts + tile, side)


def _moved(record: Detections, left: float, top: float, where: str, drops: bool) -> Detections:
    boxes = as_boxes(record.boxes, f"{where} boxes", check_rows=not drops)
    scores = as_vector(record.scores, f"{where} scores", finite=not drops)
    as_labels(record.labels, f"{where} labels")
    if drops:
        good = valid_rows(boxes, scores)
        record, boxes = record[good], boxes[good]
    columns = record.columns
    if not len(record):
        return record.replace(boxes=boxes)
    if "masks" in columns:
        raise ValueError(f"{where} masks are pictures of a tile: turn them into polygons, or leave them out")
    changes: dict[str, Any] = {"boxes": boxes + (left, top, left, top)}
    if "keypoints" in columns:
        changes["keypoints"] = _moved_keypoints(columns["keypoints"], left, top, f"{where} keypoints")
    if "segmentation" in columns:
        changes["segmentation"] = [
            _moved_outline(outline, left, top, f"{where} segmentation[{i}]")
            for i, outline in enumerate(columns["segmentation"])
        ]
    return record.replace(**changes)


def _moved_keypoints(keypoints: Any, left: float, top: float, name: str) -> F8:
    points = as_floats(keypoints, name, False).copy()
    if points.ndim != 3 or points.shape[2] not in (2, 3):
        raise ValueError(f"{name} must have shape (N, K, 2) or (N, K, 3), got {points.shape}")
    points[..., :2] += left, top
    return points


def _moved_outline(outline: Any, left: float, top: float, where: str) -> Any:
    """Polygons, x and y end to end, moved; None stays."""
    if outline is None:
        return None
    polygons = as_items(outline, where, "a list of polygons")
    moved = []
    for k, polygon in enumerate(polygons):
        numbers = as_vector(polygon, f"{where}[{k}]")
        if numbers.size % 2:
            raise ValueError(f"{where}[{k}] must hold x and y in turns, got {numbers.size} numbers")
        moved.append((numbers.reshape(-1, 2) + (left, top)).reshape(-1).tolist())
    return moved
