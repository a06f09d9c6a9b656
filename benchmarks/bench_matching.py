"""Targets for anchors and boxes from them: beside the NumPy formulations that most projects carry."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks.harness import Report, child
from benchmarks.peers import Nms, nms_peers
from tests.naive import matching as naive

F8 = npt.NDArray[np.float64]


def pyramid(height: int = 800, width: int = 1333) -> F8:
    """About 270,000 anchors: strides 4 to 64, three ratios, one octave of size a level."""
    levels = []
    for stride in (4, 8, 16, 32, 64):
        base = detutils.generate_anchors(stride, (0.5, 1, 2), (8,)) * 1.0
        levels.append(detutils.grid_anchors(base, (-(-height // stride), -(-width // stride)), stride))
    return np.concatenate(levels)


def objects_of(count: int, seed: int = 0, height: int = 800, width: int = 1333) -> F8:
    """Objects of 16 to 400 px anywhere in the image."""
    rng = np.random.default_rng(seed)
    side = np.exp(rng.uniform(np.log(16), np.log(400), (count, 2)))
    corner = rng.uniform(0, 1, (count, 2)) * np.maximum([width, height] - side, 1)
    return np.hstack([corner, np.minimum(corner + side, [width - 1, height - 1])])


def numpy_targets(anchors: F8, objects: F8, height: float, width: float) -> tuple[npt.NDArray[np.int64], F8]:
    """anchor_target_layer's labels and targets before the random choice, as array expressions (+ 1)."""
    inside = np.flatnonzero(
        (anchors[:, 0] >= 0) & (anchors[:, 1] >= 0) & (anchors[:, 2] < width) & (anchors[:, 3] < height)
    )
    a, b = anchors[inside], objects
    corner = np.maximum(a[:, None, :2], b[None, :, :2])
    side = np.clip(np.minimum(a[:, None, 2:], b[None, :, 2:]) - corner + 1, 0, None)
    common = side[..., 0] * side[..., 1]
    areas = [(rows[:, 2] - rows[:, 0] + 1) * (rows[:, 3] - rows[:, 1] + 1) for rows in (a, b)]
    ious = common / (areas[0][:, None] + areas[1][None] - common)
    best = ious.argmax(axis=1)
    highest = ious[np.arange(len(a)), best]
    labels = np.full(len(a), -1)
    labels[highest < 0.3] = 0
    labels[np.nonzero(ious == ious.max(axis=0))[0]] = 1
    labels[highest >= 0.7] = 1
    size, own = b[best, 2:] - b[best, :2] + 1, a[:, 2:] - a[:, :2] + 1
    middle, own_middle = b[best, :2] + 0.5 * size, a[:, :2] + 0.5 * own
    deltas = np.hstack([(middle - own_middle) / own, np.log(size / own)])
    every, targets = np.full(len(anchors), -1), np.zeros((len(anchors), 4))
    every[inside], targets[inside] = labels, deltas
    return every, targets


def numpy_proposals(deltas: F8, scores: F8, anchors: F8, nms: Nms) -> tuple[F8, npt.NDArray[np.int64]]:
    """proposal_layer on 800 x 1333 pixels as array expressions, with the NMS that it is given."""
    size = anchors[:, 2:] - anchors[:, :2]
    middle = anchors[:, :2] + 0.5 * size + deltas[:, :2] * size
    size = np.exp(np.minimum(deltas[:, 2:], np.log(1000 / 16))) * size
    boxes = np.hstack([middle - 0.5 * size, middle + 0.5 * size])
    boxes = np.clip(boxes, 0, [1333, 800, 1333, 800])
    large = np.flatnonzero(((boxes[:, 2:] - boxes[:, :2]) >= 16).all(axis=1))
    order = large[np.argsort(-scores[large], kind="stable")[:6000]]
    keep = order[nms(boxes[order], scores[order], 0.7)[:300]]
    return boxes[keep], keep


def _same(ours: detutils.RpnTargets, theirs: tuple[npt.NDArray[np.int64], F8]) -> bool:
    return bool((ours.labels == theirs[0]).all() and np.allclose(ours.deltas, theirs[1], rtol=1e-12, atol=1e-12))


_CHILD = """
import numpy as np
import detutils
from benchmarks.bench_matching import numpy_targets, objects_of, pyramid

def memory(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field))

anchors, objects = {anchors}, objects_of({count})
detutils.rpn_targets(anchors[:10], objects, (800, 1333), number=None, offset=1)
before = memory("VmRSS")
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # forget the peak of the imports
result = {call}
print(memory("VmHWM") - before)
"""
_OURS = "detutils.rpn_targets(anchors, objects, (800, 1333), number=None, offset=1)"
_NUMPY = "numpy_targets(anchors, objects, 800, 1333)"
_MATCH = "detutils.match_boxes(anchors, objects, 0.7, 0.3, low_quality=True)"
_MILLION = "np.tile(pyramid(), (4, 1))[:1_000_000]"


def _growth(call: str, count: int, anchors: str = "pyramid()") -> float:
    """How many megabytes a call needs beyond its input, in a fresh process; Linux only."""
    return float(child(_CHILD.format(anchors=anchors, count=count, call=call)).output) / 1e6


def run(report: Report) -> None:
    """Anchors of a pyramid against the objects of an image."""
    anchors = pyramid()
    report.heading(f"RPN targets: {len(anchors):,} anchors of five levels on 800 x 1333")
    report.say("Labels before the random choice and deltas, equal in both; `match_boxes` alone against plain Python.")
    report.say()
    report.begin_comparison()
    for count in (10, 50, 200):
        objects = objects_of(count)
        report.compare(
            "matching", f"rpn_targets, {count} objects",
            {
                "detutils": lambda o=objects: detutils.rpn_targets(anchors, o, (800, 1333), number=None,
                offset=1), "NumPy": lambda o=objects: numpy_targets(anchors, o, 800.0, 1333.0),
            },
            equal=_same,
        )  # fmt: skip
    shuffled = np.random.default_rng(0).permutation(anchors)
    objects = objects_of(50)
    report.compare(
        "matching", "the same 50, anchors in random order",
        {
            "detutils": lambda: detutils.rpn_targets(shuffled, objects, (800, 1333), number=None, offset=1),
            "NumPy": lambda: numpy_targets(shuffled, objects, 800.0, 1333.0),
        },
        equal=_same,
    )  # fmt: skip
    few = anchors[:: len(anchors) // 2000]
    lists = few.tolist(), objects.tolist()
    report.compare(
        "matching", f"match_boxes, {len(few):,} x 50",
        {
            "detutils": lambda: detutils.match_boxes(few, objects, 0.7, 0.3, low_quality=True),
            "naive": lambda: naive.match_boxes(*lists, 0.7, 0.3, low_quality=True),
        },
        equal=lambda ours, theirs: all(a.tolist() == b for a, b in zip(ours, theirs)),
    )  # fmt: skip
    report.say()
    report.heading(f"RPN proposals: {len(anchors):,} anchors, the best 6,000 into NMS, 300 out")
    report.begin_comparison()
    rng = np.random.default_rng(0)
    deltas, scores = rng.normal(0, 0.2, anchors.shape), rng.random(len(anchors))
    calls: dict[str, Any] = {"detutils": lambda: detutils.rpn_proposals(deltas, scores, anchors, (800, 1333))}
    for name, nms in nms_peers(6000).items():
        if name in ("NumPy", "torchvision"):
            calls[f"NumPy, {name} NMS"] = lambda f=nms: numpy_proposals(deltas, scores, anchors, f)
    report.compare(
        "matching",
        "rpn_proposals, float64",
        calls,
        equal=lambda ours, theirs: bool((ours.indices == theirs[1]).all() and np.allclose(ours.boxes, theirs[0])),
    )
    report.say()
    if not os.access("/proc/self/clear_refs", os.W_OK):
        return
    report.table(("peak memory above the input", "detutils", "NumPy", "ratio"))
    ours, theirs = _growth(_OURS, 50), _growth(_NUMPY, 50)
    title = f"rpn_targets, {len(anchors):,} x 50"
    report.row(title, f"{ours:.1f} MB", f"{theirs:.1f} MB", f"{theirs / ours:.3g}x")
    if not report.quick:
        report.row("match_boxes, 1,000,000 x 100", f"{_growth(_MATCH, 100, _MILLION):.1f} MB", "", "")
