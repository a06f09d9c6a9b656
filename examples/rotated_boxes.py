"""Rotated boxes
=============

Rotated boxes on a photograph: oblong things that lie in all directions, found twice, matched, thinned and drawn.

Two thresholds of the blue stain play two detectors: each cuts cell nuclei out of tissue under a microscope, and
``minimum_area_rectangle`` lays the smallest rectangle around each. Rotated NMS then keeps one box a nucleus.

::

    python examples/rotated_boxes.py [-o PICTURE]
"""

from __future__ import annotations

import argparse

import numpy as np
from skimage import color, data, filters, measure

import detutils

SMALLEST, LARGEST = 60, 900  # pixels of a nucleus


def detect(stain: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Rotated boxes (degrees counterclockwise) of connected stained regions, and how much of each box is stained."""
    boxes, scores = [], []
    for region in measure.regionprops(measure.label(stain > threshold)):
        if SMALLEST <= region.area <= LARGEST:
            pixels = region.coords[:, ::-1]
            corners = np.concatenate([pixels + [across, down] for across in (0, 1) for down in (0, 1)])
            boxes.append(detutils.minimum_area_rectangle(corners, angle="ccw-deg"))
            scores.append(region.area / (boxes[-1][2] * boxes[-1][3]))
    return np.array(boxes).reshape(-1, 5), np.array(scores)


def main() -> None:
    """Detect twice, measure, thin, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "\n\n").split("\n\n")[1])
    parser.add_argument("-o", "--output", default="rotated_boxes.png")
    options = parser.parse_args()

    photo = data.immunohistochemistry()[230:500, 20:480]
    stain = filters.gaussian(color.rgb2hed(photo)[..., 0], 1.5)
    middle = filters.threshold_otsu(stain)
    first, second = detect(stain, 1.1 * middle), detect(stain, 1.35 * middle)
    print(f"{len(first[0])} and {len(second[0])} nuclei at two thresholds")

    overlap = detutils.rotated_box_iou(second[0], first[0], angle="ccw-deg")
    print(f"{(overlap.max(axis=1) > 0.3).sum()} of the second are found by the first, at a mean IoU of", end=" ")
    print(f"{overlap.max(axis=1)[overlap.max(axis=1) > 0.3].mean():.2f}")

    boxes, scores = (np.concatenate(parts) for parts in zip(first, second, strict=True))
    keep = detutils.rotated_nms(boxes, scores, 0.3, angle="ccw-deg", metric="ios")
    hulls = detutils.rotated_box_convert(boxes[keep], "ccw-deg", "xyxy")
    empty = 1 - boxes[keep, 2:4].prod(axis=1).sum() / detutils.box_area(hulls).sum()
    print(f"{len(boxes)} boxes, {len(keep)} kept; {100 * empty:.0f} % of their upright hulls lies outside of them")

    both = detutils.draw_boxes(photo, first[0], angle="ccw-deg", width=1, colors="#e69f00")
    both = detutils.draw_boxes(both, second[0], angle="ccw-deg", width=1, colors="#56b4e9")
    kept = detutils.draw_boxes(photo, boxes[keep], angle="ccw-deg", width=1, colors="#e69f00")
    upright = detutils.draw_boxes(photo, hulls, width=1, colors="#009e73")
    titles = [
        f"Two thresholds\n{len(boxes)} boxes",
        f"Rotated NMS\n{len(keep)} kept",
        f"As upright boxes\n{100 * empty:.0f} % of what they hold is outside the rotated ones",
    ]
    detutils.write_image(options.output, detutils.draw_panels([both, kept, upright], titles=titles, height=400))
    print("wrote", options.output)


if __name__ == "__main__":
    main()
