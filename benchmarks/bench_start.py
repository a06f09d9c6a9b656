"""A container's start: installed afresh, kernels baked, from the first instruction to the first NMS; sizes and memory.

It does the steps of ``examples/deploy/Dockerfile`` without a container: with ``--full`` in a new virtual environment
with numpy and numba from the package index, else with the Python that runs it, into an empty folder of kernels.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from benchmarks.harness import Report, child

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("numpy", "numpy.libs", "numba", "llvmlite", "detutils")
FIRST_NMS = (
    "import detutils, numpy as np\n"
    "boxes = np.array([[0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]], np.float32)\n"
    "assert detutils.nms(boxes, np.array([0.9, 0.8, 0.7], np.float32), 0.5).tolist() == [0, 2]\n"
)
MEMORY = """
import ctypes, numpy as np, detutils
rng = np.random.default_rng(0)
def boxes(n, side):
    corners = rng.uniform(0, side, (n, 2))
    return np.hstack([corners, corners + rng.uniform(8, 32, (n, 2))]).astype(np.float32)
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
def reset():
    open("/proc/self/clear_refs", "w").write("5")
def trimmed():
    ctypes.CDLL(None).malloc_trim(0)  # what earlier calls have freed goes back to the system
few = boxes(50, 100)
CALLS = {
    "nms, 100,000 boxes": (detutils.nms, (boxes(100_000, 12_000), rng.uniform(size=100_000).astype(np.float32), 0.5)),
    "nms, 1,000,000 boxes": (detutils.nms, (boxes(1_000_000, 40_000), rng.uniform(size=1_000_000).astype(np.float32), 0.5)),
    "box_iou, 1,000 x 1,000, float32": (detutils.box_iou, (boxes(1_000, 600), boxes(1_000, 600))),
    "detections_from_yolo, (84, 8400) float32": (detutils.detections_from_yolo, (rng.uniform(0, 0.3, (84, 8400)).astype(np.float32),)),
    "selective_search, 500 x 400": (detutils.selective_search, (rng.integers(0, 256, (20, 25, 3), np.uint8).repeat(20, 0).repeat(20, 1),)),
}
for name, (function, arguments) in CALLS.items():
    function(*arguments)  # compiled, and all its modules loaded
    trimmed()
    reset()
    before = peak()
    answer = function(*arguments)
    print(f"{name}|{(peak() - before) / 1024:.1f}", flush=True)
"""  # noqa: E501


def megabytes(folder: Path) -> float:
    """Of all files below a folder but bytecode, and kernels that are kept beside the source."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sum(path.stat().st_size for path in files if path.parent.name != "__pycache__") / 1e6


def installed(folder: Path) -> tuple[str, list[Path]]:
    """A new environment with numpy, numba and detutils alone: its Python, and where its packages are."""
    venv.create(folder, with_pip=True)
    python = str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")
    for arguments in (["numpy", "numba"], ["--no-deps", str(ROOT)]):
        subprocess.run([python, "-m", "pip", "install", "-q", *arguments], check=True)
    return python, list(folder.rglob("site-packages"))


def run(report: Report) -> None:
    """From nothing to the first answer."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        python, packages = sys.executable, [Path(path) for path in sys.path if path.endswith("site-packages")]
        if not report.quick:
            python, packages = installed(root / "venv")
        environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": str(root / "kernels")}
        if report.quick:
            environment["PYTHONPATH"] = str(ROOT)

        def timed(*command: str) -> tuple[float, float]:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            begin = time.perf_counter()
            subprocess.run([python, *command], check=True, env=environment, cwd=root, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            return time.perf_counter() - begin, cpu

        report.heading("A container's start: generic code for any processor, read-only")
        report.table(("step", "by the clock", "CPU"))
        rows = {"compile for nms, while the image is built": timed("-m", "detutils", "warmup", "nms")}
        for path in sorted((root / "kernels").rglob("*"), reverse=True):
            path.chmod(0o555 if path.is_dir() else 0o444)
        starts = [timed("-c", FIRST_NMS) for _ in range(5 if report.quick else 15)]
        rows["start of Python to the first NMS"] = tuple(statistics.median(part) for part in zip(*starts, strict=True))
        bare = [timed("-c", "import numba, numpy") for _ in range(5 if report.quick else 15)]
        rows["of which Python, numpy and numba"] = tuple(statistics.median(part) for part in zip(*bare, strict=True))
        for step, (wall, cpu) in rows.items():
            report.row(step, f"{wall:.2f} s", f"{cpu:.2f} s")
        report.say()
        report.say(f"Load of the machine: {os.getloadavg()[0]:.1f}.")
        report.heading("Sizes")
        report.table(("what", "MB"))
        sizes = {part: sum(megabytes(place / part) for place in packages if (place / part).is_dir()) for part in PARTS}
        if report.quick:
            sizes["detutils"] = megabytes(ROOT / "detutils")
        sizes["kernels of nms"] = megabytes(root / "kernels")
        for part, size in sizes.items():
            report.row(part, f"{size:.1f}")
        report.row("all", f"{sum(sizes.values()):.1f}")
        for path in (root / "kernels").rglob("*"):
            path.chmod(0o755)
        report.rows.append({"family": "start", "steps": rows, "sizes": sizes})
        if os.path.exists("/proc/self/clear_refs"):
            report.heading("Memory that a call takes beside its input, its answer included")
            report.table(("call", "MiB"))
            for line in child(MEMORY).output.splitlines():
                report.row(*line.split("|"))
