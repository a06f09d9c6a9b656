"""Tiles of a large photograph
===========================

Small objects in a large photograph: tiles, a detector with an input of its own size, the parts made whole.

A threshold of brightness plays the network: it takes 320 x 320 pixels and boxes what shines. Shrunk into its input, the
photograph (Hubble's, NASA) loses most galaxies; in tiles it keeps them, and ``merge_boxes`` joins what borders cut.

::

    python examples/tiles.py [-o PICTURE]
"""

from __future__ import annotations

import argparse

import numpy as np
from skimage import data, filters, measure

import detutils

INPUT = 320
FAINTEST, SMALLEST = 0.22, 20  # brightness of an object, and its pixels in the input


def network(picture: np.ndarray) -> detutils.Detections:
    """Boxes of connected bright pixels and their brightness, in pixels of the 320 x 320 input."""
    smooth = filters.gaussian(picture.max(axis=2) / 255.0, 1.0)
    spots = measure.regionprops(measure.label(smooth > FAINTEST), smooth)
    spots = [spot for spot in spots if spot.area >= SMALLEST]
    boxes = [[spot.bbox[1], spot.bbox[0], spot.bbox[3], spot.bbox[2]] for spot in spots]
    scores = [spot.intensity_max for spot in spots]
    return detutils.Detections(np.array(boxes, float).reshape(-1, 4), scores, np.zeros(len(spots), int))


def detect(image: np.ndarray) -> detutils.Detections:
    """Into the input of the network, and back to the pixels of the image."""
    picture, letterbox = detutils.letterbox(image, INPUT, fill=0)
    found = network(picture)
    return found.replace(boxes=letterbox.boxes_to_image(found.boxes, clip=True))


def main() -> None:
    """The whole photograph at once, and in tiles."""
    parser = argparse.ArgumentParser(description=(__doc__ or "\n\n").split("\n\n")[1])
    parser.add_argument("-o", "--output", default="tiles.png")
    options = parser.parse_args()

    photo = data.hubble_deep_field()
    whole = detect(photo)
    print(f"{photo.shape[1]} x {photo.shape[0]} pixels shrunk to {INPUT}: {len(whole)} objects")

    tiles = detutils.tile_image(photo.shape[:2], 240, overlap=40)
    parts = [detect(photo[y1:y2, x1:x2]) for x1, y1, x2, y2 in tiles]
    found = detutils.join_tiles(parts, tiles)
    merged = detutils.merge_boxes(found.boxes, found.scores, iou_threshold=0.3, metric="ios")
    print(f"{len(tiles)} tiles of 240 x 240: {len(found)} objects, {len(merged.boxes)} when parts are merged")

    paper = detutils.draw_boxes(photo, tiles, colors="#56b4e9", width=1, halo=False, opacity=0.5)
    before = detutils.draw_boxes(paper, found.boxes, width=1, colors="#e69f00")
    after = detutils.draw_boxes(photo, merged.boxes, width=1, colors="#e69f00")
    titles = [
        f"In {len(tiles)} tiles\n{len(found)} boxes, several of one object where tiles overlap",
        f"Merged\n{len(merged.boxes)} objects; at once and shrunk to {INPUT} pixels, {len(whole)} are found",
    ]
    detutils.write_image(options.output, detutils.draw_panels([before, after], titles=titles, height=600))
    print("wrote", options.output)


if __name__ == "__main__":
    main()
