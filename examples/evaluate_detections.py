"""Evaluation
==========

How good is a detector? VOC's average precision, COCO's twelve numbers, and the curves behind them.

The detections are those of an imaginary detector that misses some objects, invents others and is imprecise.

::

    python examples/evaluate_detections.py [-o PICTURE]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import detutils


def detect(rng: np.random.Generator, image: detutils.AnnotatedImage, classes: int) -> detutils.Detections:
    """Most of the objects, some boxes of chance, and scores that tell them apart only roughly."""
    height, width = image.image_size or (192, 256)
    seen = rng.random(len(image.boxes)) < 0.9
    sides = image.boxes[seen, 2:] - image.boxes[seen, :2]
    miss = 0.06 * rng.standard_normal((len(sides), 4))
    found = image.boxes[seen] + miss * np.hstack([sides, sides])
    corner = rng.uniform(0, 0.7, (3, 2)) * [width, height]
    invented = np.hstack([corner, corner + rng.uniform(30, 70, (3, 2))])
    wrong = rng.random(len(found)) < 0.1
    labels = np.where(wrong, rng.integers(0, classes, len(found)), image.labels[seen])
    return detutils.Detections(
        boxes=detutils.clip_boxes_to_image(np.vstack([found, invented]), (height, width)),
        scores=np.concatenate([rng.beta(5, 2, len(found)), rng.beta(2, 5, 3)]),
        labels=np.concatenate([labels, rng.integers(0, classes, 3)]),
    )


def main() -> None:
    """A table, twelve lines and a picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "\n\n").split("\n\n")[1])
    parser.add_argument("-o", "--output", default="curves.png")
    options = parser.parse_args()

    dataset = detutils.make_scenes(60, seed=3).dataset
    rng = np.random.default_rng(5)
    found = [detect(rng, image, len(dataset.class_names)) for image in dataset.images]

    with tempfile.TemporaryDirectory() as folder:  # through COCO's file format and back
        path = Path(folder) / "results.json"
        detutils.write_coco_detections(path, found, dataset)
        found = detutils.read_coco_detections(path, dataset)

    voc = detutils.evaluate_voc(found, dataset, method="11-point")
    coco = detutils.evaluate_coco(found, dataset)
    print(f"{'class':<10} objects   VOC 2007 AP   COCO AP")
    for label, name in enumerate(dataset.class_names):
        print(f"{name:<10} {voc.objects[label]:>7} {voc.ap[label]:>13.3f} {coco.class_ap[label]:>9.3f}")
    print(f"{'mean':<10} {voc.objects.sum():>7} {voc.mean_ap:>13.3f} {coco.ap:>9.3f}")
    print(coco.summary())

    axes = detutils.plot_precision_recall(voc.curves, names=dataset.class_names)
    axes.set_title("Precision and recall at IoU 0.5; beside each class the area")
    axes.figure.savefig(options.output, dpi=120)
    print("wrote", options.output)


if __name__ == "__main__":
    main()
