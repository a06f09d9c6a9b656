"""Greedy merging beside sahi's, weighted merging beside NumPy.

sahi's ``greedy_nmm`` gives groups of row numbers; its boxes are merged by records of Python objects, here in NumPy. It
is asked for IoS over .5, its default, with a threshold just above, as it merges at exactly the threshold and detutils
does not. It orders tied scores otherwise: scores are distinct.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks.harness import Call, Report
from benchmarks.scenes import SCENES
from tests.naive import merging as naive

Array = npt.NDArray[Any]


def distinct(n: int, seed: int = 0) -> Array:
    """Scores without ties, float32."""
    return (np.random.default_rng(seed).permutation(n).astype(np.float32) + 1.0) / np.float32(n + 1)


def by_sahi(boxes: Array, scores: Array, threshold: float, *, merge: bool) -> Any:
    """Groups by their best row, and with ``merge`` the box around each as well."""
    from sahi.postprocess.combine import greedy_nmm

    rows = np.column_stack([boxes, scores, np.zeros(len(boxes), np.float32)])
    groups = greedy_nmm(rows, "IOS", np.nextafter(threshold, 1.0))
    if not merge:
        return groups
    merged = np.empty((len(groups), 4))
    for k, (best, others) in enumerate(groups.items()):
        members = boxes[[best, *others]]
        merged[k, :2], merged[k, 2:] = members[:, :2].min(axis=0), members[:, 2:].max(axis=0)
    return groups, merged


def _same_groups(ours: detutils.MergedBoxes, theirs: Any) -> bool:
    groups, merged = theirs if isinstance(theirs, tuple) else (theirs, None)
    best = np.arange(len(ours.groups))
    for keep, others in groups.items():
        best[others] = keep
    same = len(groups) == len(ours.keep) and bool((ours.keep[ours.groups] == best).all())
    places = {row: k for k, row in enumerate(ours.keep.tolist())}
    if not same or merged is None:
        return same
    return bool((ours.boxes[[places[row] for row in groups]] == merged).all())


def by_numpy(boxes: Array, scores: Array, payload: Array, threshold: float) -> tuple[Array, Array]:
    """The weighted NMS of BlazeFace as array expressions, a group at a time."""
    boxes, scores = boxes.astype(np.float64), scores.astype(np.float64)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    left = np.argsort(-scores, kind="stable")
    merged, points = [], []
    while left.size:
        best = left[0]
        sides = np.minimum(boxes[best, 2:], boxes[left, 2:]) - np.maximum(boxes[best, :2], boxes[left, :2])
        common = np.prod(np.maximum(sides, 0.0), axis=1)
        group = common / (areas[left] + areas[best] - common) > threshold
        group[0] = True
        rows, left = left[group], left[~group]
        merged.append(np.average(boxes[rows], axis=0, weights=scores[rows]))
        points.append(np.average(payload[rows], axis=0, weights=scores[rows]))
    return np.array(merged), np.array(points)


def run(report: Report) -> None:
    """Unions of IoS beside sahi's, weighted means with keypoints beside NumPy's."""
    report.heading("Greedy merging: IoS over .5, the box around each group")
    report.say("sahi's groups alone, which are the same, and with their boxes.")
    report.say()
    report.begin_comparison()
    sahi = importlib.util.find_spec("sahi") is not None
    for name, make in SCENES.items():
        for n in (10_000, 50_000) if report.quick else (100, 1000, 10_000, 50_000):
            boxes = make(n)[0]
            scores = distinct(len(boxes))
            calls: dict[str, Call] = {
                "detutils": lambda b=boxes, s=scores: detutils.merge_boxes(b, s, iou_threshold=0.5, metric="ios")
            }
            if sahi:
                calls["sahi, groups alone"] = lambda b=boxes, s=scores: by_sahi(b, s, 0.5, merge=False)
                calls["sahi"] = lambda b=boxes, s=scores: by_sahi(b, s, 0.5, merge=True)
            report.compare("merging", f"{name}, {len(boxes):,} boxes", calls, equal=_same_groups, rounds=3)
    report.say()
    report.heading("Weighted merging with six keypoints: IoU over .3")
    report.begin_comparison()
    for n in (100, 1000) if report.quick else (20, 100, 1000, 10_000):
        boxes = SCENES["RPN-like"](n)[0]
        scores = distinct(n)
        points = np.random.default_rng(0).uniform(0, 800, (n, 6, 2))
        calls = {
            "detutils": lambda b=boxes, s=scores, p=points: detutils.merge_boxes(
                b, s, iou_threshold=0.3, method="weighted", payload=p
            ),
            "NumPy": lambda b=boxes, s=scores, p=points: by_numpy(b, s, p, 0.3),
        }
        if n <= 100:
            rows = boxes.tolist(), scores.tolist(), points.reshape(n, 12).tolist()
            calls["naive"] = lambda r=rows: naive.merge_boxes(*r[:2], None, 0.3, method="weighted", payload=r[2])
        report.compare(
            "merging", f"{n:,} boxes", calls,
            equal=lambda ours, theirs: bool(
                np.allclose(ours.boxes, theirs[0])
                and np.allclose(ours.payload.reshape(len(ours.keep), 12), np.reshape(theirs[-1], (-1, 12)))
            ),
        )  # fmt: skip
