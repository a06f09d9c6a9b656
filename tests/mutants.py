"""Faults put into kernels one at a time: the tests of the family must notice each.

    python -m tests.mutants                 # all of them, some seconds each
    python -m tests.mutants --only sweep    # those whose file or text holds this
    python -m tests.mutants --sample 12     # so many, evenly chosen

A mutant is applied to a copy of the checkout, never to the checkout itself. The copy's own tests must pass first; that
also compiles what is not cached yet, so that later only what a mutant touches is compiled anew. The exit status is 1 if
one survives.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutant_list import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("detutils", "tests", "benchmarks", "pyproject.toml")
PATIENCE = 600  # seconds; a mutant that never ends is noticed as well
PYTEST = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not slow", "-p", "no:cacheprovider"]


def judge(copy: Path, places: str, patience: float | None = PATIENCE) -> subprocess.CompletedProcess[str]:
    """The tests of some places, in a copy of the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("NUMBA_CACHE_DIR", None)  # each copy has a cache of its own
    return subprocess.run(
        [*PYTEST, *places.split()], cwd=copy, env=environment, capture_output=True, timeout=patience, text=True
    )


def run(mutant: Mutant, copy: Path) -> tuple[str, float]:
    """What became of it, "killed", "survived" or what went wrong, and after how many seconds."""
    begin, now = time.monotonic(), time.time()
    file = copy / mutant.file
    text, status = file.read_text(encoding="utf-8"), file.stat()
    if text.count(mutant.old) != 1:
        return f"its text stands {text.count(mutant.old)} times in the file", 0.0
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        done = judge(copy, mutant.tests)
        if "numba.core.errors" in done.stdout:
            outcome = "does not compile"
        elif done.returncode == 0:
            outcome = "survived"
        elif done.returncode == 1 or done.returncode < 0:  # a test failed, or the process crashed
            outcome = "killed"
        else:
            outcome = f"pytest ended with {done.returncode}: {done.stdout[-500:]}"
    except subprocess.TimeoutExpired:
        outcome = "killed"
    finally:
        file.write_text(text, encoding="utf-8")
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        restore(copy, now)
    return outcome, time.monotonic() - begin


def restore(copy: Path, since: float) -> None:
    """Put back the machine code that a mutant has replaced."""
    for code in copy.glob("detutils/**/__pycache__/*.nbk"):
        if code.stat().st_mtime >= since - 1.0:
            code.unlink()
            kept = copy.parent / "kept" / code.relative_to(copy)
            if kept.exists():
                shutil.copy2(kept, code)


def main() -> int:
    """Run the mutants, print a line each, and say how many survive."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="only mutants whose file or text holds this")
    parser.add_argument("--sample", type=int, default=0, help="so many, evenly chosen; 0 is all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    options = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if options.only in f"{mutant.file} {mutant.old}"]
    if 0 < options.sample < len(chosen):
        chosen = [chosen[i * len(chosen) // options.sample] for i in range(options.sample)]
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept"
        kept.mkdir()
        for part in PARTS:
            source = ROOT / part
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, kept / part)
        places = " ".join(sorted({place for mutant in chosen for place in mutant.tests.split()}))
        begin = time.monotonic()
        done = judge(kept, places, None)
        if done.returncode != 0:
            print(f"{done.stdout[-5000:]}\nThe tests fail without a mutant.")
            return 2
        print(f"passed   {time.monotonic() - begin:5.0f} s  without a mutant", flush=True)
        copies: SimpleQueue[Path] = SimpleQueue()
        for job in range(options.jobs):
            copies.put(Path(shutil.copytree(kept, Path(folder) / str(job))))

        def one(mutant: Mutant) -> tuple[str, float]:
            copy = copies.get()
            try:
                return run(mutant, copy)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(options.jobs) as pool:
            for mutant, (outcome, seconds) in zip(chosen, pool.map(one, chosen), strict=True):
                survivors += outcome != "killed"
                change = " ".join(f"{mutant.old}  ->  {mutant.new}".split())
                print(f"{outcome:<8} {seconds:5.0f} s  {mutant.file}: {change[:130]}", flush=True)
    print(f"{len(chosen)} mutants, {survivors} not killed")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
