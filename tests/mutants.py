"""Faults put into kernels one at a time: the tests of the family must notice each.

    python -m tests.mutants                 # all of them, some seconds each
    python -m tests.mutants --only sweep    # those in whose file or text this regular expression is found
    python -m tests.mutants --sample 12     # so many, evenly chosen

A mutant is applied to a copy of the checkout, never to the checkout itself. It is first judged with the JIT switched
off, because to compile what it touches takes longer than most tests take without; what survives that is compiled, and
judged by the tests at their full size. Without a mutant the same tests must pass. The exit status is 1 if one survives.
"""

from __future__ import annotations

import argparse
import os
import re
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
PATIENCE = 5  # times what compiled tests take without the fault: one that never ends is noticed as well
SHORT_PATIENCE = 150  # without the JIT; beyond it the compiled tests decide
PYTEST = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not slow", "-p", "no:cacheprovider"]


def judge(copy: Path, places: str, *, compiled: bool, patience: float | None = None) -> tuple[int, str]:
    """The status and the output of the tests of some places, in a copy of the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["NUMBA_DISABLE_JIT"] = "0" if compiled else "1"
    environment.pop("NUMBA_CACHE_DIR", None)  # each copy has a cache of its own
    done = subprocess.run(
        [*PYTEST, *places.split()], cwd=copy, env=environment, capture_output=True, timeout=patience, text=True
    )
    return done.returncode, done.stdout


def outcome_of(mutant: Mutant, copy: Path, *, compiled: bool, patience: float) -> str:
    """What the tests say of a mutant, which is there already."""
    try:
        status, output = judge(copy, mutant.tests, compiled=compiled, patience=patience)
    except subprocess.TimeoutExpired:
        return "killed" if compiled else "survived"
    if "numba.core.errors" in output:
        return "does not compile"
    if status == 1 or status < 0:  # a test failed, or the process crashed
        return "killed"
    return "survived" if status == 0 else f"pytest ended with {status}: {output[-500:]}"


def run(mutant: Mutant, copy: Path, ways: tuple[bool, ...]) -> tuple[str, float]:
    """What became of it, "killed", "survived" or what went wrong, and after how many seconds."""
    begin = time.monotonic()
    file = copy / mutant.file
    text, status = file.read_text(encoding="utf-8"), file.stat()
    if text.count(mutant.old) != 1:
        return f"its text stands {text.count(mutant.old)} times in the file", 0.0
    outcome = ""
    for compiled in ways:
        patience, start = float(SHORT_PATIENCE), time.monotonic()
        if compiled:
            if judge(copy, mutant.tests, compiled=True)[0] != 0:  # this fills the cache as well
                return "its tests fail without it", time.monotonic() - begin
            patience = 60 + PATIENCE * (time.monotonic() - start)
        code = machine_code(copy) if compiled else {}
        try:
            file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
            outcome = outcome_of(mutant, copy, compiled=compiled, patience=patience)
        finally:
            file.write_text(text, encoding="utf-8")
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
            for path, content in code.items():
                path.write_bytes(content)
        if outcome != "survived":
            break
    return outcome, time.monotonic() - begin


def machine_code(copy: Path) -> dict[Path, bytes]:
    """What is cached, because a mutant's code replaces it."""
    return {path: path.read_bytes() for path in copy.glob("detutils/**/__pycache__/*.nbk")}


def main() -> int:
    """Run the mutants, print a line each, and say how many survive."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="a regular expression, found in the file or in the text")
    parser.add_argument("--sample", type=int, default=0, help="so many, evenly chosen; 0 is all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    parser.add_argument("--interpreted", action="store_true", help="compile nothing: what survives may be killed yet")
    options = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if re.search(options.only, f"{mutant.file} {mutant.old}")]
    if 0 < options.sample < len(chosen):
        chosen = [chosen[i * len(chosen) // options.sample] for i in range(options.sample)]
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept"
        kept.mkdir()
        for part in PARTS:
            source = ROOT / part
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, kept / part)
        copies: SimpleQueue[Path] = SimpleQueue()
        for job in range(options.jobs):
            copies.put(Path(shutil.copytree(kept, Path(folder) / str(job))))
        begin = time.monotonic()
        with ThreadPoolExecutor(options.jobs) as pool:
            places = sorted({place for mutant in chosen for place in mutant.tests.split()})
            for status, output in pool.map(lambda place: judge(kept, place, compiled=False), places):
                if status != 0:
                    print(f"{output[-5000:]}\nThe tests fail without a mutant.")
                    return 2
        print(f"passed   {time.monotonic() - begin:5.0f} s  without a mutant", flush=True)

        def one(mutant: Mutant) -> tuple[str, float]:
            copy = copies.get()
            try:
                return run(mutant, copy, (False,) if options.interpreted else (False, True))
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
