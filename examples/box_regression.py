"""Box regression
==============

Box regression learned from jittered boxes, with features of your own making: how much closer do boxes get?

Each object of some synthetic scenes is covered by boxes that miss it a little. The features are profiles:
how much the columns and rows of a window around the box differ from its middle. The regressor learns from
them where an object ends, and is judged on scenes that it has not seen.

::

    python examples/box_regression.py [-o PICTURE]
"""

from __future__ import annotations

import argparse

import numpy as np

import detutils


def jittered(boxes: np.ndarray, copies: int, rng: np.random.Generator) -> np.ndarray:
    """Copies of boxes, moved by about 12 % of their sides and 15 % larger or smaller."""
    boxes = np.repeat(boxes, copies, axis=0)
    sides = boxes[:, 2:] - boxes[:, :2]
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2 + 0.12 * sides * rng.standard_normal(sides.shape)
    sides = sides * np.exp(0.15 * rng.standard_normal(sides.shape))
    return np.hstack([centers - sides / 2, centers + sides / 2])


def profiles(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """How much each column and row of a window around the box differs from the middle and from the next."""
    windows = detutils.crop_boxes(image, boxes, 36, context=1.8)
    middle = windows[:, 12:24, 12:24].mean(axis=(1, 2), keepdims=True)
    unlike = np.abs(windows - middle).sum(axis=3)
    across, down = unlike[:, 9:27].mean(axis=1), unlike[:, :, 9:27].mean(axis=2)
    steps = [np.abs(np.diff(side, axis=1)) for side in (across, down)]
    both = np.hstack([across, down, *steps])
    return both / (unlike.mean(axis=(1, 2))[:, None] + 1e-6)  # whatever the contrast


def examples(seed: int, scenes: int) -> tuple[list[np.ndarray], ...]:
    """Images, features, jittered boxes and true boxes."""
    rng = np.random.default_rng(seed)
    images, dataset = detutils.make_scenes(scenes, seed=seed, clutter=0.5)
    truth = [record.boxes for record in dataset.images]
    loose = [jittered(boxes, 20, rng) for boxes in truth]
    features = [profiles(image, boxes) for image, boxes in zip(images, loose, strict=True)]
    return images, features, loose, truth


def main() -> None:
    """Learn, judge, draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    parser.add_argument("-o", "--output", default="box_regression.png", help="the picture (%(default)s)")
    options = parser.parse_args()

    _, features, loose, truth = examples(seed=1, scenes=60)
    regressor = detutils.BoxRegressor(alpha=10.0, min_iou=0.5).fit(features, loose, truth)
    print(f"learned from {regressor.n_samples_[0]:,} boxes around {sum(map(len, truth))} objects")

    images, features, loose, truth = examples(seed=2, scenes=30)
    moved = [regressor.predict(table, boxes) for table, boxes in zip(features, loose, strict=True)]
    objects = [np.repeat(boxes, 20, axis=0) for boxes in truth]
    before = np.concatenate([detutils.aligned_box_iou(a, b) for a, b in zip(loose, objects, strict=True)])
    after = np.concatenate([detutils.aligned_box_iou(a, b) for a, b in zip(moved, objects, strict=True)])
    print(f"{len(before):,} boxes of scenes never seen:")
    print(f"  mean IoU with their objects  {before.mean():.3f} -> {after.mean():.3f}")
    for threshold in (0.5, 0.7, 0.8):
        share = (before >= threshold).mean(), (after >= threshold).mean()
        print(f"  IoU of at least {threshold}          {share[0]:6.1%} -> {share[1]:6.1%}")

    shown = max(range(len(images)), key=lambda i: len(truth[i]))
    picks = np.arange(len(truth[shown])) * 20
    large = images[shown].repeat(2, axis=0).repeat(2, axis=1)
    pictures = []
    for boxes in (loose[shown][picks], moved[shown][picks]):
        with_truth = detutils.draw_boxes(large, 2 * truth[shown], colors=(255, 255, 255))
        pictures.append(detutils.draw_boxes(with_truth, 2 * boxes, colors=(230, 60, 20), width=2))
    titles = ["Before\na box each, jittered", "After\nmoved by the regressor; white: the objects"]
    detutils.write_image(options.output, detutils.draw_panels(pictures, titles=titles))
    print(f"white: the objects; red: a box each, before and after -> {options.output}")


if __name__ == "__main__":
    main()
