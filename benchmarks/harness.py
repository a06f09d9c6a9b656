"""Fair timing: equality first, then the contenders in turns within one process, medians and ratios of medians.

A family lives in ``bench_<family>.py`` as ``run(report)``. It asks ``report.compare`` for one row a case; contender
number one is detutils, and a ratio of 5.0 says that the other took five times as long.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Call = Callable[[], Any]

PEERS = (
    "numpy", "numba", "opencv-python", "opencv-contrib-python", "scikit-image", "onnxruntime", "torch", "torchvision",
    "powerboxes", "lsnms", "ensemble-boxes", "supervision", "sahi", "pycocotools", "faster-coco-eval",
    "selectivesearch", "dlib-bin", "dlib",
)  # fmt: skip


def one_thread() -> None:
    """Hold every library that is loaded already to a single thread."""
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def machine() -> str:
    """The processor, the interpreter and the versions of everything that takes part."""
    processor = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            processor = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    versions = []
    for name in PEERS:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return f"{processor}, Python {platform.python_version()}, one thread; " + ", ".join(versions)


def interleave(contenders: Mapping[str, Call], *, seconds: float = 2.0, rounds: int = 7) -> dict[str, list[float]]:
    """Time every contender once a round, in an order that turns, for about ``seconds`` and at least ``rounds`` rounds.

    Returns the seconds of one call for each round. A call under a millisecond is repeated inside its round.
    """
    one_thread()
    repeats = {}
    for name, call in contenders.items():
        call()  # compile, load, fill caches
        start = time.perf_counter()
        call()
        once = max(time.perf_counter() - start, 1e-7)
        repeats[name] = max(1, int(1e-3 / once))
    names = list(contenders)
    samples: dict[str, list[float]] = {name: [] for name in names}
    end = time.perf_counter() + seconds
    turn = 0
    while turn < rounds or (time.perf_counter() < end and turn < 1000):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            call, count = contenders[name], repeats[name]
            start = time.perf_counter()
            for _ in range(count):
                call()
            samples[name].append((time.perf_counter() - start) / count)
        turn += 1
    return samples


def in_words(seconds: float) -> str:
    """Seconds with three digits and a fitting unit."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


@dataclass
class Child:
    """What a fresh Python process did with a piece of code."""

    seconds: float
    peak_bytes: int
    output: str


def child(code: str, *, environment: Mapping[str, str] | None = None, timeout: float = 600.0) -> Child:
    """Run code in a fresh process: its whole wall time, its peak resident memory and what it printed."""
    epilogue = """
import os as _os
if _os.path.exists("/proc/self/status"):  # getrusage would begin with the peak of the parent
    _line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print("\\n" + _line.split()[1])
else:
    import resource as _resource
    print("\\n" + str(_resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss))
"""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code + "\n" + epilogue], check=True, capture_output=True, text=True, timeout=timeout,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    seconds = time.perf_counter() - start
    *output, kibibytes = done.stdout.rstrip().split("\n")
    unit = 1 if sys.platform == "darwin" else 1024
    return Child(seconds, int(kibibytes) * unit, "\n".join(output).strip())


@dataclass
class Report:
    """Collects rows, prints them as they come, and keeps them for ``--markdown`` and ``--json``."""

    options: argparse.Namespace
    rows: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def quick(self) -> bool:
        """Whether the user asked for a look of seconds instead of a measurement of minutes."""
        return bool(self.options.quick)

    def say(self, text: str = "") -> None:
        """Print one line of the report."""
        self.lines.append(text)
        print(text, flush=True)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self.say()
        self.say(f"## {text}")
        self.say()

    def table(self, columns: Sequence[str]) -> None:
        """Begin a table; each ``row`` that follows has as many cells."""
        self.say("| " + " | ".join(columns) + " |")
        self.say("|" + " --- |" * len(columns))

    def row(self, *cells: object) -> None:
        """One line of the table that was begun last."""
        self.say("| " + " | ".join(str(cell) for cell in cells) + " |")

    def compare(
        self,
        family: str,
        case: str,
        contenders: Mapping[str, Call],
        *,
        equal: Callable[[Any, Any], bool] | None = None,
        unchecked: Sequence[str] = (),
        seconds: float | None = None,
        rounds: int | None = None,
        **facts: Any,
    ) -> dict[str, float]:
        """Check the results, time the contenders in turns, add the row; the medians in seconds.

        ``contenders[first]`` is detutils. Each other result must satisfy ``equal(ours, theirs)`` or the contender is
        reported as different and not timed, except the names in ``unchecked``, which are known to answer another
        question (say which in the family's prose).
        """
        names = list(contenders)
        ours = contenders[names[0]]()
        fair, different = {names[0]: contenders[names[0]]}, []
        for name in names[1:]:
            if equal is None or name in unchecked or equal(ours, contenders[name]()):
                fair[name] = contenders[name]
            else:
                different.append(name)
        budget = seconds if seconds is not None else (0.3 if self.quick else 2.0)
        samples = interleave(fair, seconds=budget, rounds=rounds or (3 if self.quick else 7))
        medians = {name: statistics.median(times) for name, times in samples.items()}
        mine = medians[names[0]]
        ratios = {name: median / mine for name, median in medians.items() if name != names[0]}
        best = min(ratios, key=ratios.__getitem__, default=None)
        others = ", ".join(f"{name} {ratio:.3g}x" for name, ratio in sorted(ratios.items(), key=lambda pair: pair[1]))
        if different:
            others += f" (different result, not timed: {', '.join(different)})"
        self.row(case, in_words(mine), f"{ratios[best]:.3g}x ({best})" if best else "", others)
        self.rows.append(
            {"family": family, "case": case, "medians": medians, "ratios": ratios, "best": best,
             "different": different, **facts}
        )  # fmt: skip
        return medians

    def begin_comparison(self) -> None:
        """Begin the table that ``compare`` fills."""
        self.table(("case", "detutils", "best other takes", "all others take"))

    def save(self) -> None:
        """Write what ``--markdown`` and ``--json`` ask for."""
        if self.options.markdown:
            Path(self.options.markdown).write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        if self.options.json:
            Path(self.options.json).write_text(json.dumps(self.rows, indent=1) + "\n", encoding="utf-8")
