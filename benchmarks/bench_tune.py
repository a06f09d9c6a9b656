"""The tables behind the tuned constants of NMS: each value in a copy of the package, the copies timed in turns.

It takes half a minute a value, most of it the compiler's, so it runs only when asked for by name.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import detutils
from benchmarks.harness import Report, in_words

PACKAGE = Path(detutils.__file__).parent
KERNELS = "suppression/_kernels/"

# file, constant, values to try, scenes as (name, boxes, IoU)
Case = tuple[str, int, float]
CONSTANTS: list[tuple[str, str, Sequence[float], list[Case]]] = [
    ("suppression/plan.py", "some", (250, 500, 1000), [("RPN-like", 400, 0.5), ("sparse", 900, 0.5)]),
    ("suppression/plan.py", "busy", (10, 20, 40), [("YOLO-like", 5000, 0.5), ("RPN-like", 20_000, 0.7)]),
    ("suppression/plan.py", "fewest", (400, 700, 1500), [("sparse", 600, 0.5), ("sparse", 1000, 0.5)]),
    (KERNELS + "select.py", "FIRST", (1, 3, 6), [("RPN-like", 100, 0.5), ("sparse", 300, 0.5)]),
    (KERNELS + "listed.py", "WINDOW", (128, 256, 512), [("YOLO-like", 5000, 0.5), ("RPN-like", 20_000, 0.7)]),
    (KERNELS + "listed.py", "SPARSE", (0.1, 0.3, 1.0), [("sparse", 5000, 0.5), ("YOLO-like", 5000, 0.7)]),
    (KERNELS + "grid.py", "THIN", (0.5, 1.0, 2.0), [("YOLO-like", 20_000, 0.5), ("RPN-like", 20_000, 0.7)]),
    (KERNELS + "grid.py", "CELL", (1.0, 2.0, 4.0), [("YOLO-like", 20_000, 0.5), ("RPN-like", 20_000, 0.7)]),
    (KERNELS + "sweep.py", "CROWD", (6.0, 12.0, 24.0), [("sparse", 20_000, 0.5), ("YOLO-like", 20_000, 0.7)]),
    (KERNELS + "sweep.py", "THIN", (1.5, 3.0, 6.0), [("sparse", 20_000, 0.5), ("YOLO-like", 20_000, 0.7)]),
    (KERNELS + "sweep.py", "ROOM", (4.0, 8.0, 16.0), [("sparse", 20_000, 0.5)]),
    (KERNELS + "sweep.py", "TESTS", (1024, 2048, 4096), [("sparse", 20_000, 0.5)]),
    (KERNELS + "sweep.py", "STRIDE", (2, 4, 8), [("sparse", 20_000, 0.5)]),
]  # fmt: skip

_CHILD = """
import sys, time
import detutils
from benchmarks import scenes
calls = []
for line in sys.stdin:
    name, n, threshold = line.split("|")
    boxes, scores = scenes.SCENES[name](int(n))
    detutils.nms(boxes, scores, float(threshold))
    start = time.process_time()
    detutils.nms(boxes, scores, float(threshold))
    repeats = max(1, int(2e-3 / max(time.process_time() - start, 1e-6)))
    start = time.process_time()
    for _ in range(repeats):
        detutils.nms(boxes, scores, float(threshold))
    print((time.process_time() - start) / repeats, flush=True)
"""


def changed(text: str, name: str, value: float) -> str:
    """The source with another value of a constant or of a field of ``Plan``."""
    text, count = re.subn(rf"^( *{name}(?:: int)? = )[\d.]+", rf"\g<1>{value!r}", text, flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"{name} is set {count} times")
    return text


@contextlib.contextmanager
def children(file: str, name: str, values: Sequence[float]) -> Iterator[list[subprocess.Popen[str]]]:
    """A process for each value, with a copy of the package of its own."""
    with contextlib.ExitStack() as stack:
        processes = []
        for value in values:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            shutil.copytree(PACKAGE, folder / "detutils", ignore=shutil.ignore_patterns("__pycache__"))
            source = folder / "detutils" / file
            source.write_text(changed(source.read_text(encoding="utf-8"), name, value), encoding="utf-8")
            path = os.pathsep.join([str(folder), str(Path(__file__).parent.parent)])
            process = subprocess.Popen(
                [sys.executable, "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder,
                env={**os.environ, "PYTHONPATH": path, "NUMBA_CACHE_DIR": str(folder / "cache")},
            )  # fmt: skip
            stack.enter_context(process)
            processes.append(process)
        yield processes


def ask(processes: Sequence[subprocess.Popen[str]], case: Case) -> list[float]:
    """Seconds of one call, of several processes at the same time."""
    for process in processes:
        if process.stdin is not None:
            process.stdin.write("|".join(map(str, case)) + "\n")
            process.stdin.flush()
    return [float(process.stdout.readline()) for process in processes if process.stdout is not None]


def run(report: Report) -> None:
    """Time of NMS against the values of its constants."""
    if "tune" not in report.options.names:
        return
    report.heading("NMS: the constants, CPU time of a call; the middle value is the one in use")
    rounds = 3 if report.quick else 15
    chosen = report.options.constants
    for file, name, values, cases in CONSTANTS:
        if chosen and name not in chosen:
            continue
        report.say()
        report.table((f"{name} ({Path(file).stem})", *map(str, values)))
        with children(file, name, values) as processes:
            for case in cases:
                ask(processes, case)  # all compile at once
                times: list[list[float]] = [[] for _ in processes]
                for _ in range(rounds):
                    for process, found in zip(processes, times, strict=True):
                        found += ask([process], case)
                medians = list(map(statistics.median, times))
                report.row(f"{case[0]}, {case[1]:,} boxes, IoU {case[2]}", *map(in_words, medians))
            for process in processes:
                if process.stdin is not None:
                    process.stdin.close()
