"""NMS and a YOLO head right after other code has run: every cache is filled with something else between two calls."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import detutils
from benchmarks import peers, scenes
from benchmarks.bench_heads import INPUT, PHOTO, head, with_cv2
from benchmarks.harness import Report, in_words

EVICT = 96 << 20  # bytes that are read and written between two calls, more than any cache holds


def cold(calls: dict[str, Callable[[], Any]], rounds: int, warm: Any = None) -> dict[str, float]:
    """The median seconds of one call after an eviction, contenders in turns; ``warm`` is what a network just wrote."""
    room = np.zeros(EVICT, np.uint8)
    lines = np.arange(200_000)
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    names = list(calls)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            room += 1
            sum(lines.tolist())  # objects and the interpreter's own paths, too
            if warm is not None:
                warm.max()
            start = time.perf_counter()
            calls[name]()
            samples[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in samples.items()}


def run(report: Report) -> None:
    """What one call costs where nothing of it is in a cache."""
    report.heading("NMS with cold caches: float32, IoU 0.5, one call after 96 MB were written")
    rounds = 15 if report.quick else 101
    others = {name: peer for name, peer in peers.nms_peers(300).items() if name in ("cv2.dnn", "powerboxes", "NumPy")}
    report.table(("boxes", "contiguous", "slices of (N, 6)", *others))
    for n in (5, 50, 300):
        boxes, scores = scenes.rpn_like(n)
        table = np.zeros((n, 6), np.float32)
        table[:, :4], table[:, 4] = boxes, scores
        part = table[:, :4], table[:, 4]
        calls: dict[str, Callable[[], Any]] = {
            "contiguous": lambda boxes=boxes, scores=scores: detutils.nms(boxes, scores),
            "slices": lambda part=part: detutils.nms(*part),
        }
        for name, peer in others.items():
            calls[name] = lambda peer=peer, boxes=boxes, scores=scores: peer(boxes, scores, 0.5)
        medians = cold(calls, rounds)
        report.row(n, *(in_words(medians[name]) for name in calls))
        report.rows.append({"family": "cold", "n": n, "medians": medians})

    report.heading(
        "The same for a whole head: (84, 8400) float32 to boxes on the photograph; only the output is in caches"
    )
    report.table(("candidates", "detutils", "NumPy + cv2"))
    letterbox = detutils.Letterbox.fit(PHOTO, INPUT)
    for n in (5, 50, 300):
        output = head(8400, n)

        def ours(output: Any = output) -> Any:
            return detutils.detections_from_yolo(output, letterbox=letterbox)

        def theirs(output: Any = output) -> Any:
            return with_cv2(output, letterbox, False)

        medians = cold({"detutils": ours, "NumPy + cv2": theirs}, rounds, output)
        report.row(n, *(in_words(median) for median in medians.values()))
        report.rows.append({"family": "cold", "n": n, "head": medians})
