"""Draw what the four ways to tell an angle mean: one box, turned by the same number in either sense.

    python docs/draw_angles.py [-o PICTURE]
"""

from __future__ import annotations

import argparse

import numpy as np

import detutils

PAPER = np.full((220, 300, 3), 246, np.uint8)


def main() -> None:
    """One panel a sense; the box at angle 0 in gray, its width marked by the points of a limb."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("-o", "--output", default="angles.png")
    options = parser.parse_args()
    flat = [[150.0, 110.0, 180.0, 70.0, 0.0]]
    panels, titles = [], []
    for degrees, radians, words in (
        ("ccw-deg", "ccw-rad", "torchvision's cxcywhr, detectron2"),
        ("cw-deg", "cw-rad", "cw-deg: OpenCV, powerboxes; cw-rad: YOLO-OBB"),
    ):
        turned = [[*flat[0][:4], 30.0]]
        gray = detutils.draw_boxes(PAPER, flat, angle="ccw-deg", colors="#b4b4b4", halo=False, width=2)
        corners = detutils.rotated_box_convert(turned, degrees, "corners").reshape(4, 2)
        right = corners[1:3].mean(axis=0)
        panels.append(
            detutils.draw_boxes(
                gray, turned, angle=degrees, colors="#0072b2", halo=False, width=3, fill=0.12,
                keypoints=[[[150.0, 110.0], right]], skeleton=[[0, 1]],
            )
        )  # fmt: skip
        titles.append(f'"{degrees}" 30, "{radians}" 0.52\n{words}')
    detutils.write_image(options.output, detutils.draw_panels(panels, titles=titles))
    print("wrote", options.output)


if __name__ == "__main__":
    main()
