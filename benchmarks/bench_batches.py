"""Many photographs through ``detutils propose``, pictures included: two processes beside one, memory, and kills.

``--images FOLDER`` gives the photographs, else those of scikit-image; crops and mirror images make 1,000 of them, or
100 without ``--full``; ``--limit N`` makes N. Run it on an idle machine with two cores or more: the speed-up compares
wall times. The CPU seconds say what two processes could reach on cores of their own.
"""

from __future__ import annotations

import hashlib
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from skimage import data

import detutils
from benchmarks.harness import Report
from detutils.datasets.listing import pictures_below

OWN = ("astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field", "immunohistochemistry")


class Run(NamedTuple):
    """One run of the command, or a part that was killed."""

    seconds: float
    cpu: float
    peaks: list[int]  # resident MiB of all its processes, over time


def photographs(folder: Path, count: int, images: str | None) -> None:
    """Crops of at most 640 x 480, every other one mirrored; seeded."""
    sources = pictures_below(Path(images)) if images else []
    rng = np.random.default_rng(0)
    for k in range(count):
        image = detutils.read_image(sources[k % len(sources)]) if sources else getattr(data, OWN[k % len(OWN)])()
        height, width = min(image.shape[0], 480), min(image.shape[1], 640)
        top, left = rng.integers(0, [image.shape[0] - height + 1, image.shape[1] - width + 1])
        top, left = top // 2, left // 2  # a margin for the cut below, so that no two pictures are the same
        crop = image[top : top + height - k % 7, left : left + width - k % 5]
        detutils.write_image(folder / f"{k:04d}.jpg", crop[:, ::-1] if k % 2 else crop)


def resident(process: int) -> int:
    """MiB of a process and its children; 0 where the system does not tell."""
    total = 0
    waiting = [process]
    while waiting:
        one = waiting.pop()
        try:
            waiting += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1])
        except OSError:
            continue
    return total * resource.getpagesize() >> 20


def propose(place: Path, workers: int, kill_after: float | None = None) -> Run:
    """``detutils propose`` over the photographs beside ``place``; the rest of the run that is there."""
    command = [
        sys.executable, "-m", "detutils", "propose", "../photographs", "--shards", "shards", "--draw", "pictures",
        "--workers", str(workers), "--resume",
    ]  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin, peaks = time.perf_counter(), []
    with subprocess.Popen(command, cwd=place, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            time.sleep(0.05)
            if kill_after is not None and time.perf_counter() - begin > kill_after:
                process.send_signal(signal.SIGKILL)
            peaks.append(resident(process.pid))
    if kill_after is None and process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with exit code {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(time.perf_counter() - begin, cpu, peaks)


def digest(folder: Path) -> tuple[int, str]:
    """How many files there are, and the hash of their names and bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    whole = hashlib.sha256()
    for path in files:
        whole.update(f"{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return len(files), whole.hexdigest()


def run(report: Report) -> None:
    """How a batch divides, what memory it takes, and that kills change nothing."""
    count = report.options.limit or (100 if report.quick else 1000)
    report.heading(f"detutils propose, {count:,} photographs, 50 boxes of each drawn")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for folder in ("photographs", *(f"{kind}/pictures" for kind in ("one", "two", "killed"))):
            (root / folder).mkdir(parents=True)
        photographs(root / "photographs", count, report.options.images)
        one, two = propose(root / "one", 1), propose(root / "two", 2)
        report.table(("processes", "wall", "CPU", "images a second", "MiB, first half and second"))
        for processes, made in (("1", one), ("2", two)):
            middle = len(made.peaks) // 2
            halves = [max(part, default=0) for part in (made.peaks[:middle], made.peaks[middle:])]
            report.row(
                processes, f"{made.seconds:.1f} s", f"{made.cpu:.1f} s", f"{count / made.seconds:.2f}",
                f"{halves[0]} and {halves[1]}",
            )  # fmt: skip
        report.say()
        report.say(f"Two processes: {one.seconds / two.seconds:.2f}x the throughput of one by the clock here "
                   f"({os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}); {2 * one.cpu / two.cpu:.2f}x by CPU.")
        rng, kills = random.Random(0), []
        for _ in range(3):
            kills.append(rng.uniform(0.1, 0.3) * two.seconds)
            propose(root / "killed", 2, kills[-1])
        rest = propose(root / "killed", 2)
        same = digest(root / "one") == digest(root / "two") == digest(root / "killed")
        report.say(
            f"Killed after {', '.join(f'{seconds:.1f} s' for seconds in kills)} and taken up again: the last run took "
            f"{rest.seconds:.1f} s; all {digest(root / 'one')[0]:,} files are {'' if same else 'NOT '}the same, byte "
            "for byte, in the three folders."
        )
        report.rows.append({
            "family": "batches", "images": count, "one": one._asdict(), "two": two._asdict(), "same": same,
            "median_mib": statistics.median(two.peaks),
        })  # fmt: skip
        if not same:
            raise AssertionError("an interrupted run differs from a whole one")
