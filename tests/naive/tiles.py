"""Tiles one after another, as a loop lays them."""

from __future__ import annotations


def spans(side: int, tile: int, overlap: int, edge: str) -> list[tuple[int, int]]:
    """Begin and end of the tiles of one direction."""
    found, start = [], 0
    while True:
        end = start + tile
        if end >= side:
            if edge == "move":
                found.append((max(side - tile, 0), side))
            else:
                found.append((start, side))
            return found
        found.append((start, end))
        start = end - overlap


def tile_image(
    image_size: tuple[int, int], tile: tuple[int, int], overlap: tuple[int, int], edge: str
) -> list[list[int]]:
    return [
        [x1, y1, x2, y2]
        for y1, y2 in spans(image_size[0], tile[0], overlap[0], edge)
        for x1, x2 in spans(image_size[1], tile[1], overlap[1], edge)
    ]
