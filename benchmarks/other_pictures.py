"""Pictures that are no photographs of everyday things: gray, drawn, from above, medical; all ship with scikit-image.

The boxes were drawn by hand on the pictures, a few on each, and are right to a few pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks.harness import Report
from benchmarks.proposal_makers import OURS, Maker, log_linear

Array = npt.NDArray[Any]
BUDGETS = (10, 100, 1000, 2250)
LEVELS = np.arange(50, 100, 5) / 100
PICTURES: dict[str, tuple[str, list[list[int]]]] = {
    "camera": ("gray", [[0, 63, 331, 512], [232, 137, 406, 512], [261, 139, 326, 186], [411, 117, 436, 196]]),
    "coins": (
        "gray",
        [[23, 34, 66, 75], [305, 15, 364, 72], [315, 155, 380, 218], [19, 231, 74, 288], [246, 94, 296, 143],
         [144, 235, 202, 287]],
    ),
    "clock": ("gray, blurred", [[141, 92, 286, 215]]),
    "horse": ("drawn", [[18, 9, 389, 313]]),
    "logo": ("drawn", [[11, 10, 491, 490], [212, 144, 248, 200]]),
    "moon": ("from above", [[96, 61, 147, 112], [346, 103, 367, 135], [299, 89, 341, 183], [224, 411, 291, 466]]),
    "hubble_deep_field": (
        "stars",
        [[707, 453, 750, 493], [107, 382, 143, 424], [757, 721, 790, 754], [406, 701, 437, 734], [964, 473, 993, 504]],
    ),
    "retina": ("medical", [[5, 5, 1400, 1405], [190, 573, 325, 768], [645, 636, 770, 762]]),
    "shepp_logan_phantom": (
        "medical, drawn",
        [[62, 16, 338, 384], [116, 120, 196, 279], [215, 140, 272, 261], [156, 79, 243, 180], [191, 170, 210, 189],
         [191, 210, 210, 230]],
    ),
    "cell": ("microscope", [[362, 308, 495, 440]]),
    "immunohistochemistry": (
        "microscope",
        [[257, 0, 459, 297], [251, 304, 381, 505], [0, 0, 280, 258], [0, 160, 158, 512], [314, 59, 383, 194]],
    ),
}  # fmt: skip


def picture(name: str) -> Array:
    """A picture of scikit-image as (H, W, 3) bytes."""
    from skimage import data

    image = np.asarray(getattr(data, name)())
    if image.dtype != np.uint8:
        image = (image * 255.0).round().astype(np.uint8)
    return np.ascontiguousarray(np.dstack([image] * 3) if image.ndim == 2 else image[:, :, :3])


def not_moved(image: Array) -> Array:
    """Fast mode's boxes as the regions have them."""
    return detutils.selective_search(image, refine=False).boxes


def best_overlaps(boxes: Array, objects: Array) -> Array:
    """(BUDGETS, objects) each object's best IoU with the first boxes."""
    overlaps = detutils.box_iou(boxes, objects)
    return np.array([overlaps[:budget].max(axis=0) for budget in BUDGETS])


def table(report: Report) -> None:
    """How well the first boxes cover the objects of all these pictures, and of each kind."""
    number = sum(len(boxes) for _, boxes in PICTURES.values())
    report.heading(f"Proposals on {len(PICTURES)} pictures of other kinds, {number} objects")
    contenders: dict[str, Maker] = {
        "log-linear order": log_linear,
        f"{OURS}, not moved": not_moved,
        OURS: lambda image: detutils.selective_search(image).boxes,
    }
    found = {
        name: [best_overlaps(maker(picture(key)), np.array(boxes, float)) for key, (_, boxes) in PICTURES.items()]
        for name, maker in contenders.items()
    }
    report.table(("method", *(f"R .5, AR, best IoU @{budget}" for budget in BUDGETS)))
    for name, parts in found.items():
        best = np.concatenate(parts, axis=1)
        cells = [(row >= 0.5).mean() for row in best], [(row[:, None] >= LEVELS).mean() for row in best]
        report.row(
            name, *(f"{r:.3f} {ar:.3f} {iou:.3f}" for r, ar, iou in zip(*cells, best.mean(axis=1), strict=True))
        )
    report.say()
    report.say(f"Mean best IoU of the objects of each picture with {BUDGETS[1]} and with {BUDGETS[-1]} boxes:")
    report.say()
    report.table(("picture", "kind", *found))
    for i, (key, (kind, _)) in enumerate(PICTURES.items()):
        report.row(key, kind, *(f"{parts[i][1].mean():.3f} {parts[i][-1].mean():.3f}" for parts in found.values()))
