"""NMS: three scenes from ten to a million boxes, classes, hard cases, memory, growth, first calls."""

from __future__ import annotations

import functools
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks import peers, scenes
from benchmarks.harness import Report, child, in_words
from detutils.suppression.plan import METRICS, Metric

Array = npt.NDArray[Any]
PATIENCE = 1.5  # seconds that a peer may take for one call before it is left out of a case

_FIRST_CALL = """
import time
t0 = time.perf_counter()
import numba, numpy as np
t1 = time.perf_counter()
import detutils
boxes = np.tile(np.array([[0, 0, 10, 10]], np.float32), ({n}, 1))
scores = np.linspace(0, 1, {n}, dtype=np.float32)
detutils.nms(boxes, scores)
print(t1 - t0, time.perf_counter() - t1)
"""

_MEMORY = """
import numpy as np, time, detutils
def resident(line):  # in MB; the peak of getrusage would begin with that of the parent
    with open("/proc/self/status") as file:
        return next(int(text.split()[1]) for text in file if text.startswith(line)) / 1024
boxes, scores = np.load({path!r} + "/boxes.npy"), np.load({path!r} + "/scores.npy")
detutils.nms(boxes[:2000], scores[:2000], {threshold})
now = resident("VmRSS")
start = time.perf_counter()
keep = detutils.nms(boxes, scores, {threshold})
took = time.perf_counter() - start
print(took, resident("VmHWM") - now, resident("VmHWM"), len(keep))
"""


def agree(ours: Array, theirs: Array) -> bool:
    """The same boxes but for the few that single precision or a peer's rule at equality decides otherwise."""
    return len(np.setxor1d(ours, theirs)) <= max(2, len(ours) // 500)


def contenders(call: Callable[..., Array], others: dict[str, Any], arguments: tuple[Any, ...]) -> dict[str, Any]:
    """detutils first, then the peers that answer within PATIENCE."""
    found = {"detutils": lambda: call(*arguments)}
    for name, peer in others.items():
        start = time.perf_counter()
        peer(*arguments)
        if time.perf_counter() - start < PATIENCE:
            found[name] = lambda peer=peer: peer(*arguments)
    return found


def geometric_mean(values: list[float]) -> float:
    """The mean for ratios."""
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def compare_scenes(report: Report) -> dict[tuple[str, float], dict[int, dict[str, float]]]:
    """Every scene, size and threshold; the medians."""
    report.heading("NMS: scenes, sizes, thresholds")
    report.say(
        "float32 boxes and scores; checks and conversions are inside the timing. Equality is checked first; "
        "a peer may differ in 0.2 % of the boxes, as most decide in float32."
    )
    report.say()
    report.begin_comparison()
    sizes = (10, 100, 1000, 5000) if report.quick else (10, 100, 1000, 5000, 20_000, 100_000)
    medians: dict[tuple[str, float], dict[int, dict[str, float]]] = {}
    for name, scene in scenes.SCENES.items():
        for threshold in (0.5, 0.7):
            medians[name, threshold] = {}
            for n in sizes:
                arguments = (*scene(n), threshold)
                case = f"{name}, {len(arguments[0]):,} boxes, IoU {threshold}"
                medians[name, threshold][n] = report.compare(
                    "nms", case, contenders(detutils.nms, peers.nms_peers(n), arguments), equal=agree,
                    seconds=0.3 if report.quick else 1.0, scene=name, n=n, threshold=threshold,
                )  # fmt: skip
    return medians


def sum_up(report: Report, medians: dict[tuple[str, float], dict[int, dict[str, float]]]) -> None:
    """Ratios to the best peer by size, and how time grows with N."""
    report.heading("NMS: best other over detutils, by size")
    report.table(("boxes", "geometric mean", "lowest", "highest"))
    ratios: dict[int, list[float]] = {}
    for by_size in medians.values():
        for n, times in by_size.items():
            others = [seconds for name, seconds in times.items() if name not in ("detutils", "naive")]
            if others:
                ratios.setdefault(n, []).append(min(others) / times["detutils"])
    for n, values in ratios.items():
        report.row(f"{n:,}", *(f"{value:.3g}x" for value in (geometric_mean(values), min(values), max(values))))
    many = [value for n, values in ratios.items() if n >= 1000 for value in values]
    if many:
        report.row("1,000 and more", *(f"{value:.3g}x" for value in (geometric_mean(many), min(many), max(many))))
    report.heading("NMS: growth of detutils' time, exponent of N from 5,000 boxes on")
    report.table(("scene", "IoU", "exponent"))
    for (name, threshold), by_size in medians.items():
        largest = max(by_size)
        if largest > 5000:
            times = by_size[5000]["detutils"], by_size[largest]["detutils"]
            report.row(name, threshold, f"{math.log(times[1] / times[0]) / math.log(largest / 5000):.3f}")


def compare_metrics(report: Report) -> None:
    """The metrics, and what reasons cost by each."""
    report.heading("NMS: by IoU, ios and ioa at 0.5, and with reasons")
    report.begin_comparison()
    for name, scene in scenes.SCENES.items():
        for n in (100, 5000) if report.quick else (100, 5000, 100_000):
            boxes, scores = scene(n)
            for metric in METRICS:
                calls: dict[str, Callable[[], Array]] = {
                    "detutils": functools.partial(detutils.nms, boxes, scores, metric=metric),
                    "explain_nms": functools.partial(_explained, boxes, scores, metric),
                }
                case = f"{name}, {len(boxes):,} boxes, {metric}"
                report.compare("nms", case, calls, equal=np.array_equal, scene=name, n=n, threshold=0.5, metric=metric)


def _explained(boxes: Array, scores: Array, metric: Metric) -> Array:
    return detutils.explain_nms(boxes, scores, metric=metric).keep


def compare_classes(report: Report) -> None:
    """80 classes over the YOLO-like scene."""
    report.heading("batched NMS: 80 classes, YOLO-like, IoU 0.5")
    report.begin_comparison()
    for n in (8400,) if report.quick else (8400, 30_000, 100_000):
        boxes, scores = scenes.yolo_like(n)
        arguments = (boxes, scores, scenes.labels(len(boxes)), 0.5)
        report.compare(
            "nms", f"{len(boxes):,} boxes",
            contenders(detutils.batched_nms, peers.batched_peers(n), arguments), equal=agree, classes=80, n=n,
        )  # fmt: skip


def compare_millions(report: Report) -> None:
    """A million boxes against the one peer that is built for them."""
    report.heading("NMS: 1,000,000 boxes, IoU 0.5")
    report.begin_comparison()
    largest = peers.nms_peers(1_000_000)
    for name in ("RPN-like", "sparse"):
        arguments = (*scenes.SCENES[name](1_000_000), 0.5)
        calls = {"detutils": lambda arguments=arguments: detutils.nms(*arguments)}
        for peer, call in largest.items():
            calls[peer] = lambda call=call, arguments=arguments: call(*arguments)
        report.compare("nms", name, calls, equal=agree, seconds=0.0, rounds=3, scene=name, n=1_000_000, threshold=0.5)


def hard_cases(report: Report) -> None:
    """Time and memory in fresh processes."""
    report.heading("NMS: time and memory of a fresh process (warm kernels)")
    report.table(("case", "IoU", "kept", "time", "MB above the input", "MB resident"))
    million = 10_000 if report.quick else 1_000_000
    cases: list[tuple[str, float, Callable[[], scenes.Scene]]] = [
        ("identical", 0.5, lambda: scenes.identical(million)),
        ("disjoint", 0.5, lambda: scenes.disjoint(22_500)),
        ("crowded", 0.5, lambda: scenes.crowded(33_000)),
        ("RPN-like", 0.5, lambda: scenes.rpn_like(million)),
        ("YOLO-like", 0.5, lambda: scenes.yolo_like(million)),
        ("sparse", 0.5, lambda: scenes.sparse(million)),
        ("sparse", 0.7, lambda: scenes.sparse(million)),
    ]
    for name, threshold, scene in cases:
        boxes, scores = scene()
        with tempfile.TemporaryDirectory() as folder:
            np.save(Path(folder) / "boxes.npy", boxes)
            np.save(Path(folder) / "scores.npy", scores)
            output = child(_MEMORY.format(path=folder, threshold=threshold)).output
        took, above, resident, kept = map(float, output.split())
        report.row(
            f"{name}, {len(boxes):,}",
            threshold,
            f"{kept:,.0f}",
            in_words(took),
            f"{above:.0f}",
            f"{resident:.0f}",
        )
        report.rows.append({"family": "nms", "case": f"{name} alone", "seconds": took, "above": above, "MB": resident})


def first_calls(report: Report) -> None:
    """How long a process waits for its first result."""
    report.heading("NMS: first call of a process")
    report.table(("boxes", "cache", "import numba", "then import detutils and first nms"))
    for n in (10, 1000):
        with tempfile.TemporaryDirectory() as folder:
            for state in ("cold", "warm", "warm"):
                output = child(_FIRST_CALL.format(n=n), environment={"NUMBA_CACHE_DIR": folder}).output
                imported, first = map(float, output.split())
                report.row(n, state, in_words(imported), in_words(first))
                report.rows.append({"family": "nms", "case": f"first call, {state}", "n": n, "seconds": first})


def draw(report: Report, medians: dict[tuple[str, float], dict[int, dict[str, float]]]) -> None:
    """Time against N for each scene, a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    everyone = sorted({peer for by_size in medians.values() for times in by_size.values() for peer in times})
    colors = dict(zip(everyone, pyplot.get_cmap("tab20").colors, strict=False))
    figure, axes = pyplot.subplots(1, len(scenes.SCENES), figsize=(15, 5.6), sharey=True, layout="constrained")
    for axis, name in zip(axes, scenes.SCENES, strict=True):
        by_size = medians[name, 0.5]
        for peer in everyone:
            points = [(n, times[peer] * 1e3) for n, times in by_size.items() if peer in times]
            style = {"linewidth": 3.0, "color": "black"} if peer == "detutils" else {"color": colors[peer]}
            if points:
                axis.loglog(*zip(*points, strict=True), marker="o", markersize=3, label=peer, **style)
        axis.set(title=f"{name}, IoU 0.5", xlabel="boxes")
        axis.grid(which="major", alpha=0.3)
    axes[0].set_ylabel("milliseconds, one thread")
    lines = {line.get_label(): line for axis in axes for line in axis.get_lines()}
    figure.legend(lines.values(), lines, fontsize=9, loc="outside lower center", ncols=6)
    folder = Path(report.options.plots)
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "nms.png", dpi=120)
    pyplot.close(figure)
    report.say(f"\nwrote {folder / 'nms.png'}")


def run(report: Report) -> None:
    """How fast NMS is."""
    medians = compare_scenes(report)
    sum_up(report, medians)
    compare_classes(report)
    compare_metrics(report)
    if not report.quick:
        compare_millions(report)
    hard_cases(report)
    first_calls(report)
    if report.options.plots:
        draw(report, medians)
