"""A small world to train R-CNN on: colored boxes, windows that propose them, and colors for features."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils import (
    RCNN,
    AnnotatedImage,
    BoxRegressor,
    Dataset,
    evaluate_voc,
    train_rcnn,
)

SIDE = 96
CALLS: list[str] = []


def world(count: int, seed: int = 0) -> tuple[list[np.ndarray], Dataset]:
    """Bright squares on black: class 0 is red, class 1 green; class 2 never occurs."""
    rng = np.random.default_rng(seed)
    images, records = [], []
    for i in range(count):
        image = rng.integers(0, 40, (SIDE, SIDE, 3)).astype(np.uint8)
        boxes, labels = [], []
        for column in (4, 52):
            x, y = column + int(rng.integers(0, 12)), int(rng.integers(4, 50))
            side, label = int(rng.integers(20, 30)), int(rng.integers(0, 2))
            image[y : y + side, x : x + side, label] = 220
            boxes.append([x, y, x + side, y + side])
            labels.append(label)
        no = np.zeros(2, bool)
        places = np.array(boxes, float)
        known = np.array(labels)
        records.append(AnnotatedImage(f"{i}.png", (SIDE, SIDE), places, known, no, no, no, no * 1.0, i))
        images.append(image)
    return images, Dataset(records, ("red", "green", "blue"), (1, 2, 3))


def windows(image: Any) -> np.ndarray:
    """Every window of one size on a grid, and around each bright pixel column some looser ones."""
    CALLS.append("windows")
    steps = np.arange(0, SIDE - 27, 6.0)
    corner = np.array([(x, y) for y in steps for x in steps])
    return np.hstack([corner, corner + 27.0])


def colors(image: Any, boxes: np.ndarray) -> np.ndarray:
    """Mean color of the four quarters of the window and of the strips along its borders."""
    CALLS.append("colors")
    sums = np.pad(image[..., :2].astype(np.float64), ((1, 0), (1, 0), (0, 0))).cumsum(axis=0).cumsum(axis=1)  # exact
    x1, y1, x2, y2 = np.asarray(boxes).round().astype(int).T
    x, y = (x1 + x2) // 2, (y1 + y2) // 2
    quarters = [(y1, y, x1, x), (y1, y, x, x2), (y, y2, x1, x), (y, y2, x, x2)]
    strips = [(y1 - 6, y1, x1, x2), (y2, y2 + 6, x1, x2), (y1, y2, x1 - 6, x1), (y1, y2, x2, x2 + 6)]
    means = []
    for rows_and_columns in quarters + strips:
        top, end, left, right = (
            v.clip(0, side) for v, side in zip(rows_and_columns, np.repeat(image.shape[:2], 2), strict=True)
        )
        count = ((end - top).clip(0) * (right - left).clip(0))[:, None]
        total = sums[end, right] - sums[top, right] - sums[end, left] + sums[top, left]
        means.append(np.where(count > 0, total / count.clip(1) / 255, 0.0))
    return np.hstack(means)


def trained(images: list[np.ndarray], dataset: Dataset, **options: Any) -> RCNN:
    settings: dict[str, Any] = {"features": colors, "proposals": windows, "alpha": 0.1, "negatives": 40}
    settings |= {"regressor": BoxRegressor(0.1, min_iou=0.4), "jitter": 0}
    return train_rcnn(dataset, images, **{**settings, **options})


def judge(model: RCNN, images: list[np.ndarray], dataset: Dataset, iou: float, regress: bool = True) -> float:
    found = [model.detect(image, regress=regress) for image in images]
    return evaluate_voc(found, dataset.images, iou_threshold=iou).mean_ap
