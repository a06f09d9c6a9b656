"""Anchors over feature maps, and shapes chosen from data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks.harness import Report
from tests.naive import anchors as naive

Array = npt.NDArray[Any]

GRIDS = [(3, 13, 21), (3, 50, 84), (15, 200, 334), (9, 38, 50)]


def numpy_grid(base: Array, grid_size: tuple[int, int], stride: float) -> Array:
    """The formula of most projects: a mesh of shifts, broadcast over the anchors."""
    x, y = np.meshgrid(np.arange(grid_size[1]) * stride, np.arange(grid_size[0]) * stride)
    shifts = np.stack([x.ravel(), y.ravel(), x.ravel(), y.ravel()], axis=1).astype(base.dtype)
    return (shifts[:, None, :] + base[None]).reshape(-1, 4)


def numpy_inside(anchors: Array, image_size: tuple[float, float]) -> Array:
    """anchor_target_layer's line."""
    height, width = image_size
    starts = (anchors[:, 0] >= 0) & (anchors[:, 1] >= 0)
    return np.flatnonzero(starts & (anchors[:, 2] < width) & (anchors[:, 3] < height))


def nearly(ours: Array, theirs: Any) -> bool:
    """Equal but for the rounding of a float32 sum."""
    return np.allclose(ours, theirs, rtol=1e-6, atol=0)


def run(report: Report) -> None:
    """Grids, the choice of those inside the image, and a step of k-means."""
    report.heading("Anchors")
    report.begin_comparison()
    for count, rows, columns in GRIDS:
        grid = rows, columns
        for dtype in (np.float32, np.float64):
            base = detutils.generate_anchors(64, np.linspace(0.3, 3, count), (1,)).astype(dtype)
            contenders: dict[str, Callable[[], Any]] = {
                "detutils": lambda base=base, grid=grid: detutils.grid_anchors(base, grid, 4),
                "NumPy": lambda base=base, grid=grid: numpy_grid(base, grid, 4),
            }
            if count * rows * columns <= 2000:
                plain = base.astype(np.float64).tolist()
                contenders["naive"] = lambda plain=plain, grid=grid: naive.grid_anchors(plain, grid, 4)
            case = f"grid_anchors {count} x {rows} x {columns} {np.dtype(dtype)}"
            report.compare("anchors", case, contenders, equal=nearly)
    anchors, _ = detutils.pyramid_anchors((800, 1333))
    report.compare(
        "anchors",
        f"anchors_inside_image {len(anchors):,}",
        {
            "detutils": lambda: detutils.anchors_inside_image(anchors, (800, 1333)),
            "NumPy": lambda: numpy_inside(anchors, (800, 1333)),
        },
        equal=np.array_equal,
    )
    rng = np.random.default_rng(0)
    sides = np.exp(rng.normal(np.log([40, 60]), 0.6, (20_000, 2)))
    boxes = np.hstack([np.zeros_like(sides), sides])
    _, _, fit = detutils.kmeans_anchors(boxes, 9)
    report.compare(
        "anchors",
        "kmeans_anchors 20,000 boxes, 9 shapes",
        {"detutils": lambda: detutils.kmeans_anchors(boxes, 9)[1]},
    )
    report.say(f"\nNine shapes fit 20,000 boxes with a mean IoU of {fit:.3f}.")
