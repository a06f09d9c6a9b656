"""R-CNN from end to end
=====================

R-CNN from end to end on scenes made here, and what its box regression is worth.

Proposals, features, classifiers with hard negatives and box regressors are trained on one set of synthetic
scenes and judged on another. For a folder of photographs with annotations, see ``detutils train`` or
docs/rcnn.md: only the two lines that make the data set change.

::

    python examples/train_rcnn.py [-o PICTURE] [--scenes N] [--model FILE] [--cache FOLDER]
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

import detutils


def show(stage: str, done: int, total: int) -> None:
    """A line that counts, where a person watches; else one for each stage that is done."""
    if sys.stdout.isatty():
        print(f"\r  {stage} {done}/{total} ", end="\n" if done == total else "", flush=True)
    elif done == total:
        print(f"  {stage}: {total}")


def main() -> None:
    """Train, judge, draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    parser.add_argument("-o", "--output", default="rcnn.png", help="the picture (default: %(default)s)")
    parser.add_argument("--scenes", type=int, default=80, help="to learn from (default: %(default)s)")
    parser.add_argument("--model", metavar="FILE", help="also keep the model there")
    parser.add_argument("--cache", metavar="FOLDER", help="keep the features there for another run")
    options = parser.parse_args()

    images, dataset = detutils.make_scenes(options.scenes, seed=1)
    objects = sum(len(record.boxes) for record in dataset.images)
    print(f"{len(images)} scenes with {objects} objects of {', '.join(dataset.class_names)}")

    start = time.perf_counter()
    model = detutils.train_rcnn(dataset, images, cache=options.cache, progress=show)
    print(f"trained in {time.perf_counter() - start:.1f} s: {model!r}")
    if options.model:
        model.save(options.model)
        model = detutils.RCNN.load(options.model)

    images, dataset = detutils.make_scenes(max(1, options.scenes // 2), seed=2)
    found = [[model.detect(image, regress=regress) for image in images] for regress in (False, True)]
    print(f"mAP on {len(images)} scenes never seen, without and with box regression:")
    for threshold in (0.5, 0.6, 0.7, 0.8):
        without, with_it = (
            detutils.evaluate_voc(detections, dataset.images, iou_threshold=threshold).mean_ap
            for detections in found
        )
        print(f"  IoU of at least {threshold}   {without:.3f} -> {with_it:.3f}   {with_it - without:+.3f}")

    def fit(detections: list, i: int) -> np.ndarray:
        """IoU of a scene's sure boxes with the objects that they are about."""
        boxes, scores, *_ = detections[i]
        iou = detutils.box_iou(boxes, dataset.images[i].boxes).max(axis=1, initial=0.0)
        return np.where((scores > -0.3) & (iou >= 0.5), iou, 0.0)

    def gain(i: int) -> float:
        """By how much the boxes of a scene come closer, where both answers have as many."""
        before, after = (iou[iou > 0] for iou in (fit(found[0], i), fit(found[1], i)))
        return float(after.mean() - before.mean()) if len(before) == len(after) > 1 else -1.0

    pictures, titles = [], []
    gains = [gain(i) for i in range(len(images))]
    for i in sorted(range(len(images)), key=gains.__getitem__, reverse=True)[:3]:
        large = images[i].repeat(2, axis=0).repeat(2, axis=1)
        for word, detections in zip(("As proposed", "Moved by the regressors"), found, strict=True):
            iou = fit(detections, i)
            sure = detections[i][iou > 0]
            picture = detutils.draw_boxes(large, 2 * dataset.images[i].boxes, colors="#ffffff", width=2)
            names = [dataset.class_names[label] for label in sure.labels]
            pictures.append(detutils.draw_boxes(picture, 2 * sure.boxes, labels=names, width=3, halo=False))
            titles.append(f"{word}\nmean IoU {iou.sum() / max(1, len(sure)):.2f} with the objects, in white")
    detutils.write_image(options.output, detutils.draw_panels(pictures, titles=titles, columns=2))
    print(f"the scenes that gain most; left: as proposed, right: moved by the regressors -> {options.output}")


if __name__ == "__main__":
    main()
