"""Anchors
=======

Anchors: the nine of Faster R-CNN, their grid over a photograph, and shapes chosen from data instead.

::

    python examples/anchors.py [-o PICTURE]
"""

from __future__ import annotations

import argparse

import numpy as np
from skimage import data

import detutils

CAT = np.array([[143, 84, 208, 146], [294, 107, 347, 166], [222, 220, 296, 270], [31, 2, 365, 298.0]])


def centered(shapes: np.ndarray, x: float, y: float) -> np.ndarray:
    """Boxes of given (width, height) around a point."""
    return np.hstack([[x, y] - shapes / 2, [x, y] + shapes / 2])


def main() -> None:
    """Four panels."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("-o", "--output", default="anchors.png")
    options = parser.parse_args()

    photo = data.chelsea()
    height, width = photo.shape[:2]

    base = detutils.generate_anchors(scales=(4, 8, 16))
    one_place = base + np.array([width / 2, height / 2] * 2)
    print("base anchors, ratio by ratio:\n", base)

    grid = detutils.grid_anchors(base, grid_size=(height // 16, width // 16), stride=16)
    inside = detutils.anchors_inside_image(grid, (height, width))
    print(f"{len(grid):,} anchors on a grid of 16 px, {len(inside):,} of them inside the image")

    iou = detutils.box_iou(grid, CAT)
    best = iou.argmax(axis=0)
    print("IoU of the best anchor with each object:", iou.max(axis=0).round(3))

    proposals = detutils.selective_search(photo, "single").boxes
    sizes, _, fit = detutils.kmeans_anchors(proposals, 9)
    print(f"nine shapes chosen from {len(proposals)} proposals fit them with a mean IoU of {fit:.3f}")

    colors = np.repeat(["#e69f00", "#56b4e9", "#cc79a7"], 3).tolist()
    places = detutils.grid_anchors([[7, 7, 9, 9]], (height // 16, width // 16), 16)
    objects = detutils.draw_boxes(photo, CAT, colors="#ffffff", width=2, halo=False)
    labels = [f"IoU {value:.2f}" for value in iou.max(axis=0)]

    sheet = detutils.draw_panels(
        [
            detutils.draw_boxes(photo, one_place, colors=colors, width=2, halo=False),
            detutils.draw_boxes(photo, places, colors="#e69f00", width=2, halo=False),
            detutils.draw_boxes(objects, grid[best], labels=labels, colors="#56b4e9", width=2, halo=False),
            detutils.draw_boxes(photo, centered(sizes, width / 2, height / 2), colors="#f0e442", width=2, halo=False),
        ],
        titles=[
            "Nine anchors at one place\nratios 0.5, 1, 2 in orange, blue, pink; scales 4, 8, 16",
            f"Every 16 pixels\n{len(grid):,} anchors, {len(inside):,} inside the image",
            "The best for each object\nobjects in white, anchors in blue",
            f"Nine shapes chosen from data\nk-means of {len(proposals)} proposals, mean IoU {fit:.2f}",
        ],
    )
    detutils.write_image(options.output, sheet)
    print("wrote", options.output)


if __name__ == "__main__":
    main()
