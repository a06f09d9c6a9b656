"""Makes ``tests`` and ``benchmarks`` importable beside an installed detutils, and fixes Hypothesis' randomness."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # at the end, so that an installed detutils is found before the checkout's

# Several processes test at once, on all cores: threads of each that wait for work would keep the others from theirs.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")


# Files of few tests that take long; several processes begin with them, so that none ends alone with one.
LONG = (
    "test_examples.py", "test_demo.py", "test_damaged.py", "test_docs.py", "test_jit_files.py", "test_shards.py",
    "test_hostile.py", "test_batch.py", "test_deploy.py", "test_interrupts.py", "test_images.py", "test_training.py",
)  # fmt: skip


COMPILE = """
import gc, sys
from detutils import _jit
gc.freeze()  # the compiler, which stays
gc.set_threshold(100_000)  # work on a kernel is large and soon over: a tenth of the time went into looking through it
mine, of = map(int, sys.argv[1:])
every = _jit.kernels()
backward = mine % 2  # two that meet compile a file's shared parts once, not each
begin = (mine + backward) * len(every) // of - backward
for turn in range(len(every)):
    kernel = every[(begin - turn if backward else begin + turn) % len(every)]
    if _jit.missing([kernel]):
        _jit.compile_kernel(*kernel)
"""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Before several processes test everything and nothing is compiled: compile each kernel in one of them, not in all.

    Whatever fails here fails in a test as well, and is shown there.
    """
    config, package = session.config, find_spec("detutils")
    processes = getattr(config.option, "numprocesses", None) or 0
    if processes < 2 or config.args_source is not config.ArgsSource.TESTPATHS or os.environ.get("NUMBA_DISABLE_JIT"):
        return
    if package is None or not package.origin or any(Path(package.origin).parent.rglob("*.nbk")):
        return
    commands = [[sys.executable, "-P", "-c", COMPILE, str(mine), str(processes)] for mine in range(processes)]
    for process in [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in commands]:
        process.wait()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected lives to the end: while it grows, and ever after, there is nothing in it to look for."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warm up when most is compiled, and judge the kernels' signatures after every other test has called them."""
    places = {name: place for place, name in enumerate(LONG)}
    places |= {"test_jit_warmup.py": len(LONG) + 1, "test_house.py": len(LONG) + 2}
    items.sort(key=lambda item: (places.get(item.path.name, len(LONG)), item.name == "test_one_signature_a_kernel"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep the tests of a file in one process: what one of them compiles the others need not."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)
