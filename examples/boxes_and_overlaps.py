"""Boxes and overlaps
==================

Boxes in three notations, and five ways to say how well two of them agree.

::

    python examples/boxes_and_overlaps.py [-o PICTURE]
"""

from __future__ import annotations

import argparse

import numpy as np
from skimage import data

import detutils

CUP = np.array([[159, 16, 425, 283]])
GUESSES = {
    "close": [150, 25, 430, 290],
    "too small": [190, 40, 370, 210],
    "shifted": [270, 100, 530, 370],
    "beside it": [450, 20, 590, 160],
}


def main() -> None:
    """Print a table, draw a picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "\n\n").split("\n\n")[1])
    parser.add_argument("-o", "--output", default="boxes_and_overlaps.png")
    options = parser.parse_args()

    photo = data.coffee()
    height, width = photo.shape[:2]
    print("the cup, x1 y1 x2 y2:       ", CUP[0])
    print("corner, width and height:   ", detutils.box_convert(CUP, "xyxy", "xywh")[0])
    center = detutils.box_convert(CUP, "xyxy", "cxcywhn", image_size=(height, width))[0]
    print("center and size, normalized:", center.round(3))
    inclusive = detutils.box_area(CUP, offset=1)[0]
    print("area:", detutils.box_area(CUP)[0], "or, with inclusive pixels,", inclusive, "\n")

    guesses = np.array(list(GUESSES.values()), np.float64)
    measures = {
        "IoU": detutils.box_iou(guesses, CUP)[:, 0],
        "IoA": detutils.box_ioa(guesses, CUP)[:, 0],
        "GIoU": detutils.generalized_box_iou(guesses, CUP)[:, 0],
        "DIoU": detutils.distance_box_iou(guesses, CUP)[:, 0],
        "CIoU": detutils.complete_box_iou(guesses, CUP)[:, 0],
    }
    print(f"{'guess':<11}" + "".join(f"{name:>8}" for name in measures))
    for row, name in enumerate(GUESSES):
        print(f"{name:<11}" + "".join(f"{values[row]:8.3f}" for values in measures.values()))

    pictures = [
        detutils.draw_boxes(
            photo, np.vstack([CUP, guess]), labels=["cup", name], colors=["#ffffff", "#e69f00"], fill=0.12
        )
        for name, guess in zip(GUESSES, guesses)
    ]
    titles = [f"IoU {iou:.2f}\nGIoU {giou:.2f}" for iou, giou in zip(measures["IoU"], measures["GIoU"])]
    detutils.write_image(options.output, detutils.draw_panels(pictures, titles=titles, height=300))
    print("\nwrote", options.output)


if __name__ == "__main__":
    main()
