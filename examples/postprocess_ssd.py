"""An SSD-like head
================

From the raw output of an SSD-like head (anchors, deltas, logits) to boxes on the photograph, in one call.

A stand-in with noise plays the network; in your program the arrays come from onnxruntime, OpenCV or OpenVINO.

::

    python examples/postprocess_ssd.py [-o PICTURE]
"""

from __future__ import annotations

import argparse

import numpy as np
from skimage import data

import detutils

NAMES = ["background", "rocket", "tower"]
OBJECTS = np.array([[307, 126, 341, 412], [160, 122, 212, 425], [438, 122, 476, 425.0]])
LABELS = np.array([1, 2, 2])
WEIGHTS = (10.0, 10.0, 5.0, 5.0)  # the "variances" 0.1 and 0.2 of SSD


def postprocess(
    deltas: np.ndarray, logits: np.ndarray, anchors: np.ndarray, image_size: tuple[int, int]
) -> detutils.Detections:
    """Boxes, scores and labels; the background is no label."""
    return detutils.detections_from_priors(
        deltas, logits, anchors, variances=(0.1, 0.2), background="first", activation="softmax", multi_label=True,
        score_threshold=0.6, iou_threshold=0.45, max_output=200, clip_to=image_size,
    )  # fmt: skip


def network(anchors: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What a trained head would say: anchors that overlap an object by half point at it, roughly."""
    overlaps = detutils.box_iou(anchors, OBJECTS)
    best, nearest = overlaps.max(axis=1), overlaps.argmax(axis=1)
    deltas = detutils.encode_boxes(OBJECTS[nearest], anchors, weights=WEIGHTS)
    deltas += 0.15 * rng.standard_normal(deltas.shape)
    logits = rng.standard_normal((len(anchors), len(NAMES))) + [5, 0, 0]
    sees = best > 0.5
    logits[sees, LABELS[nearest[sees]]] += 12 * best[sees]
    return deltas.astype(np.float32), logits.astype(np.float32)


def main() -> None:
    """Before and after."""
    parser = argparse.ArgumentParser(description=(__doc__ or "\n\n").split("\n\n")[1])
    parser.add_argument("-o", "--output", default="postprocess_ssd.png")
    options = parser.parse_args()

    photo = data.rocket()
    size = photo.shape[:2]
    anchors, _ = detutils.pyramid_anchors(size, (16, 32, 64), ratios=(1, 2, 4, 8), scales=(4, 5.6))
    deltas, logits = network(anchors, np.random.default_rng(0))
    found = postprocess(deltas, logits, anchors, size)
    boxes, scores, labels = found.boxes, found.scores, found.labels + 1
    print(f"{len(anchors):,} anchors -> {len(boxes)} boxes")
    for box, value, label in zip(boxes, scores, labels):
        print(f"  {NAMES[label]:<7} {value:.2f}  {box.round().astype(int).tolist()}")

    pointing = logits.argmax(axis=1) > 0
    decoded = detutils.decode_boxes(deltas[pointing], anchors[pointing], weights=WEIGHTS)
    pictures = [
        detutils.draw_boxes(photo, anchors[pointing], width=1, halo=False, opacity=0.8, colors="#56b4e9"),
        detutils.draw_boxes(photo, decoded, width=1, halo=False, opacity=0.8),
        detutils.draw_boxes(photo, boxes, labels=[NAMES[label] for label in labels], scores=scores, width=3),
    ]
    titles = [
        f"Anchors\n{pointing.sum()} of {len(anchors):,} point at something",
        "Decoded\nmoved and scaled by their deltas",
        f"After NMS\n{len(boxes)} boxes",
    ]
    detutils.write_image(options.output, detutils.draw_panels(pictures, titles=titles, height=360))
    print("wrote", options.output)


if __name__ == "__main__":
    main()
