"""A YOLO-like head
================

From the raw output of a YOLO-like head to boxes on the photograph, in ten lines.

A YOLOv8 export gives (4 + classes, 8400): center, size and class scores for each cell of strides 8, 16, 32
on a padded 640 x 640 image. Here a stand-in with noise plays the network; in your program the array comes
from onnxruntime, OpenCV or OpenVINO.

::

    python examples/postprocess_yolo.py [-o PICTURE]
"""

from __future__ import annotations

import argparse

import numpy as np
from skimage import data

import detutils

NAMES = ["cup", "spoon", "saucer"]
OBJECTS = np.array([[159, 16, 425, 283], [326, 236, 408, 326], [77, 34, 480, 388]], np.float64)


def postprocess(
    raw: np.ndarray, photo_size: tuple[int, int], score: float = 0.4, iou: float = 0.5
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes on the photograph, scores and labels."""
    scores, labels = raw[4:].max(axis=0), raw[4:].argmax(axis=0)
    likely = scores > score
    boxes = detutils.box_convert(raw[:4, likely].T, "cxcywh", "xyxy")
    height, width = photo_size
    scale = 640 / max(height, width)
    margin = np.array([640 - width * scale, 640 - height * scale] * 2) / 2
    boxes = detutils.clip_boxes_to_image((boxes - margin) / scale, photo_size)
    keep = detutils.batched_nms(boxes, scores[likely], labels[likely], iou)
    return boxes[keep], scores[likely][keep], labels[likely][keep]


def network(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a trained head would say: cells under an object see it, with 2 % noise; all others see little."""
    levels = [detutils.grid_anchors([[0, 0, s, s]], (640 // s, 640 // s), s) for s in (8, 16, 32)]
    x, y, stride, _ = detutils.box_convert(np.concatenate(levels), "xyxy", "cxcywh").T
    size = stride * rng.uniform(1, 6, (2, len(x)))
    raw = np.vstack([x, y, size, rng.beta(0.6, 30, (len(NAMES), len(x)))])
    scale = 640 / max(photo.shape[:2])
    shift = np.array([640 - photo.shape[1] * scale, 640 - photo.shape[0] * scale]) / 2
    centers = (OBJECTS[:, :2] + OBJECTS[:, 2:]) / 2 * scale + shift
    sides = (OBJECTS[:, 2:] - OBJECTS[:, :2]) * scale
    for label, (center, side) in enumerate(zip(centers, sides)):
        near = (np.abs(x - center[0]) < side[0] / 8) & (np.abs(y - center[1]) < side[1] / 8)
        noise = 0.02 * rng.standard_normal((4, near.sum())) * np.hstack([side, side])[:, None]
        raw[:4, near] = np.hstack([center, side])[:, None] + noise
        raw[4:, near] = rng.beta(1, 20, (len(NAMES), near.sum()))
        raw[4 + label, near] = rng.beta(6, 3, near.sum())
    return raw.astype(np.float32)


def main() -> None:
    """Before and after."""
    parser = argparse.ArgumentParser(description=(__doc__ or "\n\n").split("\n\n")[1])
    parser.add_argument("-o", "--output", default="postprocess_yolo.png")
    options = parser.parse_args()

    photo = data.coffee()
    raw = network(photo, np.random.default_rng(0))
    boxes, scores, labels = postprocess(raw, photo.shape[:2])
    print(f"raw output {raw.shape} -> {len(boxes)} boxes")
    for box, value, label in zip(boxes, scores, labels):
        print(f"  {NAMES[label]:<7} {value:.2f}  {box.round().astype(int).tolist()}")

    every, _, kinds = postprocess(raw, photo.shape[:2], iou=1.0)
    colors = {"cup": "#e69f00", "spoon": "#56b4e9", "saucer": "#f0e442"}
    before = [colors[NAMES[kind]] for kind in kinds]
    words = [NAMES[label] for label in labels]
    pictures = [
        detutils.draw_boxes(photo, every, colors=before, width=1, halo=False, opacity=0.4),
        detutils.draw_boxes(photo, boxes, labels=words, scores=scores, colors=colors, width=3),
    ]
    titles = [f"Raw\n{len(every)} boxes over 0.4", f"After NMS\n{len(boxes)} boxes"]
    detutils.write_image(options.output, detutils.draw_panels(pictures, titles=titles, height=400))
    print("wrote", options.output)


if __name__ == "__main__":
    main()
