"""Soft-NMS beside OpenCV's, weighted boxes fusion beside ensemble-boxes, box voting beside NumPy.

OpenCV takes whole-pixel boxes only and keeps scores in float32: the boxes are rounded for all, and a kept
box or a score may differ where a score is within float32's rounding of the threshold or of another.
"""

from __future__ import annotations

import importlib.util
import time
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks.harness import Report
from benchmarks.scenes import SCENES, labels
from tests.naive import fusion as naive

Array = npt.NDArray[Any]


def cv2_soft_nms(boxes: Array, scores: Array, method: str) -> tuple[Array, Array]:
    """OpenCV's Soft-NMS; arrays of int64 are what its binding reads fastest."""
    import cv2

    sides = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).astype(np.int64)
    kinds = {
        "gaussian": cv2.dnn.SOFT_NMSMETHOD_SOFTNMS_GAUSSIAN,
        "linear": cv2.dnn.SOFT_NMSMETHOD_SOFTNMS_LINEAR,
    }
    new_scores, keep = cv2.dnn.softNMSBoxes(sides, scores, 0.001, 0.3, sigma=0.5, method=kinds[method])
    return np.asarray(keep).reshape(-1), np.asarray(new_scores).reshape(-1)


def _alike(ours: tuple[Array, Array], theirs: tuple[Array, Array]) -> bool:
    """The same boxes with the same scores, to float32's digits."""
    common, mine, other = np.intersect1d(ours[0], theirs[0], return_indices=True)
    enough = len(common) >= 0.999 * max(len(ours[0]), len(theirs[0]))
    return bool(enough and np.allclose(ours[1][mine], theirs[1][other], rtol=1e-4))


def _exactly(ours: tuple[Array, Array], theirs: tuple[list[int], list[float]]) -> bool:
    return ours[0].tolist() == theirs[0] and ours[1].tolist() == theirs[1]


def _soft_nms(report: Report) -> None:
    report.heading("Soft-NMS")
    report.say("sigma 0.5, IoU threshold 0.3 (linear), score threshold 0.001; naive must agree to the last bit.")
    report.say()
    report.begin_comparison()
    for method in ("gaussian", "linear"):
        for name, make in SCENES.items():
            for n in (1000, 8400) if report.quick else (100, 1000, 5000, 8400):
                boxes, scores = make(n)
                boxes = np.round(boxes)
                calls: dict[str, Any] = {
                    "detutils": lambda b=boxes, s=scores, m=method: detutils.soft_nms(b, s, method=m)
                }
                if importlib.util.find_spec("cv2"):
                    calls["cv2.dnn"] = lambda b=boxes, s=scores, m=method: cv2_soft_nms(b, s, m)
                report.compare("soft_nms", f"{method}, {name}, {n:,}", calls, equal=_alike)
    boxes, scores = SCENES["YOLO-like"](1000)
    lists = boxes.tolist(), scores.tolist()
    report.compare(
        "soft_nms", "gaussian, YOLO-like, 1,000",
        {"detutils": lambda: detutils.soft_nms(boxes, scores), "naive": lambda: naive.soft_nms(*lists)},
        equal=_exactly,
    )  # fmt: skip
    report.say()
    report.table(("detutils alone, gaussian", "kept", "time", "growth"))
    for name, make in SCENES.items():
        before = None
        for n in (20_000, 100_000) if report.quick else (20_000, 100_000, 500_000):
            boxes, scores = make(n)
            start = time.perf_counter()
            keep, _ = detutils.soft_nms(boxes, scores)
            seconds = time.perf_counter() - start
            growth = f"N^{np.log(seconds / before[1]) / np.log(n / before[0]):.2f}" if before else ""
            report.row(f"{name}, {n:,}", f"{len(keep):,}", f"{seconds:.3g} s", growth)
            before = n, seconds


def models_of(n: int, classes: int, count: int = 4, seed: int = 0) -> tuple[list[Array], list[Array], list[Array]]:
    """What several models say of one image of side 1: n boxes each, jittered copies of the same objects."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0.05, 0.8, (n, 2))
    objects = np.hstack([corner, corner + rng.uniform(0.02, 0.15, (n, 2))])
    names = labels(n, classes, seed)
    boxes = []
    for _ in range(count):
        jittered = (objects + rng.normal(0, 0.003, objects.shape)).reshape(-1, 2, 2)
        boxes.append(np.sort(jittered, axis=1).reshape(-1, 4))
    return boxes, [rng.uniform(0.05, 1, n) for _ in boxes], [names] * count


def _same_fusion(ours: detutils.FusedBoxes, theirs: tuple[Array, Array, Array]) -> bool:
    """Means are float32 in ensemble-boxes: a pair at the threshold may be decided otherwise."""
    return len(ours.scores) == len(theirs[1]) and bool(np.allclose(ours.scores, theirs[1], rtol=1e-5, atol=1e-6))


def _fusion(report: Report) -> None:
    report.heading("Weighted boxes fusion, four models")
    report.begin_comparison()
    for n, classes in ((50, 10), (500, 80)) if report.quick else ((50, 10), (500, 80), (500, 1), (2000, 80)):
        boxes, scores, names = models_of(n, classes)
        calls: dict[str, Any] = {"detutils": lambda b=boxes, s=scores, c=names: detutils.weighted_boxes_fusion(b, s, c)}
        if importlib.util.find_spec("ensemble_boxes"):
            from ensemble_boxes import weighted_boxes_fusion as fuse

            calls["ensemble-boxes"] = lambda b=boxes, s=scores, c=names, f=fuse: f(b, s, c)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report.compare("fusion", f"4 x {n:,} boxes, {classes} classes", calls, equal=_same_fusion)


def numpy_voting(boxes: Array, scores: Array, keep: Array, threshold: float = 0.5) -> Array:
    """Box voting as array expressions, a kept box at a time."""
    boxes, scores = boxes.astype(np.float64), scores.astype(np.float64)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    voted = []
    for k in keep:
        sides = np.minimum(boxes[k, 2:], boxes[:, 2:]) - np.maximum(boxes[k, :2], boxes[:, :2])
        common = np.prod(np.maximum(sides, 0), axis=1)
        voters = common / (areas + areas[k] - common) >= threshold
        voted.append(np.average(boxes[voters], axis=0, weights=scores[voters]))
    return np.reshape(voted, (-1, 4))


def _voting(report: Report) -> None:
    report.heading("Box voting of what NMS keeps")
    report.begin_comparison()
    for name, make in SCENES.items():
        for n in (1000,) if report.quick else (1000, 8400):
            boxes, scores = make(n)
            keep = detutils.nms(boxes, scores)
            report.compare(
                "voting", f"{name}, {n:,} boxes, {len(keep):,} kept",
                {
                    "detutils": lambda b=boxes, s=scores, k=keep: detutils.box_voting(b, s, k),
                    "NumPy": lambda b=boxes, s=scores, k=keep: numpy_voting(b, s, k),
                },
                equal=lambda ours, theirs: bool(np.allclose(ours, theirs, rtol=1e-9, atol=1e-6)),
            )  # fmt: skip


def run(report: Report) -> None:
    """All of it."""
    _soft_nms(report)
    _fusion(report)
    _voting(report)
