"""Rotated boxes: IoU matrices and suppression beside the peers', and how often each is wrong where boxes coincide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks.harness import Call, Report
from tests.geometry.rotated_pairs import exact_iou, pairs
from tests.naive import rotated as naive

F8 = npt.NDArray[np.float64]
Pairwise = Callable[[F8, F8], Any]


def aerial(n: int, seen: int = 4, crowding: float = 1.0, seed: int = 0) -> F8:
    """Objects of 12 to 66 px in any direction, as ships and cars from above, each found about ``seen`` times."""
    rng = np.random.default_rng(seed)
    objects = max(1, n // seen)
    side = 60.0 * np.sqrt(objects / crowding)
    sides, angles = np.exp(rng.uniform(2.5, 4.2, (2, objects))), rng.uniform(-90, 90, objects)
    found = np.stack([*rng.uniform(0, side, (2, objects)), *sides, angles], axis=1)[rng.integers(0, objects, n)]
    jitter = 0.06 * np.stack([found[:, 2], found[:, 3], found[:, 2], found[:, 3], np.full(n, 66.0)], axis=1)
    boxes = found + rng.normal(size=(n, 5)) * jitter
    boxes[:, 2:4] = np.abs(boxes[:, 2:4])
    return boxes


def powerboxes_iou() -> Pairwise:
    """1 minus powerboxes' distance; degrees clockwise."""
    import powerboxes

    return lambda a, b: 1.0 - powerboxes.rotated_iou_distance(a, b)


def torchvision_iou() -> Pairwise:
    """torchvision's IoU of "cxcywhr": degrees counterclockwise."""
    import torch
    from torchvision import ops

    def iou(a: F8, b: F8) -> Any:
        turned = (torch.from_numpy(rows * [1, 1, 1, 1, -1]) for rows in (a, b))
        return ops.box_iou(*turned, fmt="cxcywhr").numpy()

    return iou


def shapely_iou() -> Pairwise:
    """The areas of shapely's polygons."""
    import shapely

    def iou(a: F8, b: F8) -> Any:
        corners = (detutils.rotated_box_convert(rows, "cw-deg", "corners") for rows in (a, b))
        first, second = (shapely.polygons(rows.reshape(-1, 4, 2)) for rows in corners)
        common = shapely.area(shapely.intersection(first[:, None], second))
        return common / (shapely.area(first)[:, None] + shapely.area(second) - common)

    return iou


PEERS = {"powerboxes": powerboxes_iou, "torchvision": torchvision_iou, "shapely": shapely_iou}


def installed() -> dict[str, Pairwise]:
    """The peers that are there and know rotated boxes."""
    found = {}
    for name, make in PEERS.items():
        try:
            call = make()
            call(aerial(2), aerial(2))
            found[name] = call
        except Exception:  # missing, or too old for rotated boxes
            continue
    return found


def _close(ours: Any, theirs: Any) -> bool:
    return bool(np.allclose(ours, np.array(theirs), atol=1e-4))


def _matrices(report: Report, peers: dict[str, Pairwise]) -> None:
    report.heading("IoU of rotated boxes")
    report.begin_comparison()
    for n in (10, 1000) if report.quick else (10, 100, 1000, 3000):
        for words, crowding in (("few meet", 1.0), ("dense", 40.0)):
            a, b = aerial(n, 2, crowding), aerial(n, 2, crowding, seed=1)
            calls: dict[str, Call] = {"detutils": lambda a=a, b=b: detutils.rotated_box_iou(a, b, angle="cw-deg")}
            for name, call in peers.items():
                if name == "powerboxes" or n <= 1000:
                    calls[name] = lambda a=a, b=b, call=call: call(a, b)
            share = (calls["detutils"]() > 0).mean()
            report.compare("rotated", f"IoU {n:,} x {n:,}, {words} ({100 * share:.1f} %)", calls, equal=_close)
    few = aerial(8).tolist()
    report.compare(
        "rotated", "IoU 8 x 8",
        {
            "detutils": lambda: detutils.rotated_box_iou(few, few, angle="cw-deg"),
            "naive": lambda: naive.rotated_box_iou(few, few, angle="cw-deg"),
        },
        equal=_close,
    )  # fmt: skip


def _suppression(report: Report) -> None:
    report.heading("Suppression of rotated boxes")
    report.begin_comparison()
    try:
        import powerboxes
    except ImportError:
        powerboxes = None
    for n in (10, 100, 1000, 10_000) if report.quick else (10, 100, 1000, 10_000, 100_000, 1_000_000):
        boxes, scores = aerial(n), np.random.default_rng(n).random(n)
        calls: dict[str, Call] = {"detutils": lambda b=boxes, s=scores: detutils.rotated_nms(b, s, 0.5, angle="cw-deg")}
        if powerboxes is not None and n <= 10_000:  # it ends with a panic at 100,000
            calls["powerboxes"] = lambda b=boxes, s=scores: powerboxes.rotated_nms(b, s, 0.5, -1.0)
        report.compare("rotated", f"NMS {n:,}", calls, equal=lambda mine, other: np.array_equal(mine, np.ravel(other)))


def _right(report: Report, peers: dict[str, Pairwise]) -> None:
    report.heading("How often an IoU is wrong by more than 1e-6, and the largest error")
    report.table(["pairs", "detutils", *peers])
    count = 200 if report.quick else 2000
    for kind in ("random", "identical", "jittered", "shared_edge", "tiny_angle", "thin_jittered", "far"):
        a, b = pairs(kind, np.random.default_rng(0), count)
        exact = np.array([exact_iou(*pair) for pair in zip(a, b, strict=True)])
        cells = []
        ours: Pairwise = lambda x, y: detutils.rotated_box_iou(x, y, angle="cw-deg")  # noqa: E731
        for call in (ours, *peers.values()):
            try:
                found = np.array([float(np.ravel(call(a[i : i + 1], b[i : i + 1]))[0]) for i in range(count)])
                error = np.abs(np.nan_to_num(found, nan=2.0) - exact)
                cells.append(f"{(error > 1e-6).sum()} of {count}, {error.max():.1e}")
            except Exception as fault:
                cells.append(type(fault).__name__)
        report.row(kind.replace("_", " "), *cells)


def run(report: Report) -> None:
    """Matrices, suppression, and correctness."""
    peers = installed()
    _matrices(report, peers)
    _suppression(report)
    _right(report, peers)
