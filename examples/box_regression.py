"""Box regression
==============

Box regression learned from jittered boxes, with features of your own making: how much closer do boxes get?

Each object of some synthetic scenes is covered by boxes that miss it a little. The features are profiles of the
columns and rows of a window around the box: how strong their edges are, and whether their pixels are more like the
window's middle or like its rim. The regressor learns from them where an object ends, is judged on scenes that it has
not seen, and moves every box twice: from nearer it sees better.

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
    """Edges of the columns and rows of a window around the box, and how much more like its middle than its rim."""
    windows = detutils.crop_boxes(image, boxes, 36, context=1.8).astype(np.float64)
    middle = np.median(windows[:, 12:24, 12:24].reshape(len(boxes), -1, 3), axis=1)[:, None, None]
    rim = windows[:, [0, 1, -2, -1]].reshape(len(boxes), -1, 3).mean(axis=1)[:, None, None]
    from_middle, from_rim = (np.abs(windows - color).sum(axis=3) for color in (middle, rim))
    inside = from_rim / (from_middle + from_rim + 1e-6)
    across, down = (np.abs(np.diff(windows, axis=axis)).sum(axis=3) for axis in (2, 1))
    sides = [
        across[:, 9:27].mean(axis=1), down[:, :, 9:27].mean(axis=2),
        inside[:, 9:27].mean(axis=1), inside[:, :, 9:27].mean(axis=2),
        inside[:, 9:27].max(axis=1), inside[:, :, 9:27].max(axis=2),
    ]  # fmt: skip
    return np.hstack([side / (side.mean(axis=1, keepdims=True) + 1e-6) for side in sides])  # whatever the contrast


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
    parser = argparse.ArgumentParser(description=(__doc__ or "\n\n").split("\n\n")[1])
    parser.add_argument("-o", "--output", default="box_regression.png", help="the picture (%(default)s)")
    parser.add_argument("--scenes", type=int, default=100, help="how many to learn from (%(default)s)")
    options = parser.parse_args()

    _, features, loose, truth = examples(seed=1, scenes=options.scenes)
    regressor = detutils.BoxRegressor(alpha=100.0, min_iou=0.5).fit(features, loose, truth)
    print(f"learned from {regressor.n_samples_[0]:,} boxes around {sum(map(len, truth))} objects")

    images, features, loose, truth = examples(seed=2, scenes=30)
    moved = [regressor.predict(table, boxes) for table, boxes in zip(features, loose, strict=True)]
    moved = [regressor.predict(profiles(image, boxes), boxes) for image, boxes in zip(images, moved, strict=True)]
    objects = [np.repeat(boxes, 20, axis=0) for boxes in truth]
    before = np.concatenate([detutils.aligned_box_iou(a, b) for a, b in zip(loose, objects, strict=True)])
    after = np.concatenate([detutils.aligned_box_iou(a, b) for a, b in zip(moved, objects, strict=True)])
    print(f"{len(before):,} boxes of scenes never seen:")
    print(f"  mean IoU with their objects  {before.mean():.3f} -> {after.mean():.3f}")
    for threshold in (0.5, 0.7, 0.8):
        share = (before >= threshold).mean(), (after >= threshold).mean()
        print(f"  IoU of at least {threshold}          {share[0]:6.1%} -> {share[1]:6.1%}")

    def overlap(found: list[np.ndarray], i: int) -> np.ndarray:
        """IoU of the boxes of one scene with their objects."""
        return detutils.aligned_box_iou(found[i], np.repeat(truth[i], 20, axis=0))

    crowded = [i for i in range(len(images)) if len(truth[i]) >= 3]
    shown = max(crowded, key=lambda i: overlap(moved, i).mean() - overlap(loose, i).mean())
    picks = overlap(loose, shown).reshape(-1, 20).argmin(axis=1) + 20 * np.arange(len(truth[shown]))
    large = images[shown].repeat(2, axis=0).repeat(2, axis=1)
    pictures, titles = [], []
    for word, boxes in (("Before", loose), ("After", moved)):
        with_truth = detutils.draw_boxes(large, 2 * truth[shown], colors="#ffffff", width=2)
        pictures.append(detutils.draw_boxes(with_truth, 2 * boxes[shown][picks], colors="#e69f00", width=3, halo=False))
        value = overlap(boxes, shown)[picks].mean()
        titles.append(f"{word}: mean IoU {value:.2f}\nwhite: the objects; orange: the worst of twenty boxes each")
    detutils.write_image(options.output, detutils.draw_panels(pictures, titles=titles))
    print(f"the scene that gains most; white: the objects, orange: a box each -> {options.output}")


if __name__ == "__main__":
    main()
