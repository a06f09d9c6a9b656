"""Non-maximum suppression
=======================

Non-maximum suppression before and after, and which box suppressed which.

The boxes are those of an imaginary detector that sees every object several times.

::

    python examples/nms.py [-o PICTURE]
"""

from __future__ import annotations

import argparse

import numpy as np
from skimage import data

import detutils

NAMES = ["eye", "nose", "cat"]
OBJECTS = np.array([[143, 84, 208, 146], [294, 107, 347, 166], [222, 220, 296, 270], [31, 2, 365, 298.0]])
LABELS = np.array([0, 0, 1, 2])


def detector(rng: np.random.Generator, copies: int = 14) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes, scores and labels: each object many times, the worse placed the less sure."""
    which = np.repeat(np.arange(len(OBJECTS)), copies)
    sides = OBJECTS[which, 2:] - OBJECTS[which, :2]
    miss = 0.08 * rng.standard_normal((len(which), 4))
    boxes = OBJECTS[which] + miss * np.hstack([sides, sides])
    scores = 0.97 * np.exp(-4 * np.abs(miss).mean(axis=1)) - 0.1 * rng.random(len(which))
    return boxes, scores, LABELS[which]


def main() -> None:
    """Two panels and a few lines."""
    parser = argparse.ArgumentParser(description=(__doc__ or "\n\n").split("\n\n")[1])
    parser.add_argument("-o", "--output", default="nms.png")
    options = parser.parse_args()

    photo = data.chelsea()
    boxes, scores, labels = detector(np.random.default_rng(7))

    keep = detutils.batched_nms(boxes, scores, labels, iou_threshold=0.4)
    print(f"{len(boxes)} boxes, {len(keep)} kept; best first:")
    for i in keep:
        print(f"  {NAMES[labels[i]]:<5} {scores[i]:.2f}  {boxes[i].round().astype(int).tolist()}")

    found = detutils.explain_nms(boxes, scores, 0.4, labels=labels)
    for i in np.flatnonzero(found.suppressed_by >= 0)[:3]:
        best = found.suppressed_by[i]
        print(f"box {i} ({scores[i]:.2f}) lost to box {best} ({scores[best]:.2f}), IoU {found.iou[i]:.2f}")

    _, softened = detutils.soft_nms(boxes, scores, method="gaussian")
    print(f"soft-NMS would keep {len(softened)} boxes, {(softened > 0.3).sum()} of them over 0.3")

    words = [NAMES[label] for label in labels]
    colors = {"eye": "#56b4e9", "nose": "#cc79a7", "cat": "#e69f00"}
    after = detutils.draw_boxes(
        photo, boxes[keep], labels=[words[i] for i in keep], scores=scores[keep], colors=colors, width=3
    )
    paints = [colors[word] for word in words]
    before = detutils.draw_boxes(photo, boxes, colors=paints, width=1, halo=False)
    titles = [f"Before\n{len(boxes)} boxes of three classes", f"After\n{len(keep)} boxes; IoU up to 0.4"]
    detutils.write_image(options.output, detutils.draw_panels([before, after], titles=titles, height=420))
    print("wrote", options.output)


if __name__ == "__main__":
    main()
