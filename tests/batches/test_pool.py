"""A function over many items in several processes: what dies costs one item, what is handed out is bounded."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from detutils.batches.pool import AHEAD, ExecutorGone, as_finished, in_order
from tests.batches.work import answer, lost


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_a_death_costs_the_file_that_caused_it(tmp_path: Path) -> None:
    """Of the items that ran together with it, none is lost; one that ends its process only once is answered."""
    wanted = [f"plain {k}" for k in range(40)]
    wanted[0], wanted[5], wanted[6], wanted[30] = "slow", "always", "once", "always"
    calls: list[int] = []
    items = [(tmp_path / str(k), what) for k, what in enumerate(wanted)]
    answers = list(in_order(answer, items, lost, workers=2, progress=lambda done, *_: calls.append(done)))
    dead = "always: its worker process ended with exit code -9"
    assert answers == [dead if what == "always" else what for what in wanted]
    assert calls == list(range(1, 41))
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_file_that_takes_long_stops_nothing(tmp_path: Path) -> None:
    """One item takes as long as all others, of which there are more than may wait for it."""
    items = [(tmp_path, "slow"), *((tmp_path, str(k)) for k in range(100))]
    assert list(in_order(answer, items, lost, workers=2)) == [what for _, what in items]


def test_no_more_is_handed_out_than_the_window(tmp_path: Path) -> None:
    """While the first item keeps all others waiting, only so many of them are begun."""
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 0:
            time.sleep(0.5)
            begun.append(-1)
        return item

    count = 40 * AHEAD * (os.cpu_count() or 1)
    with ThreadPoolExecutor(2) as pool:
        assert list(in_order(work, range(count), lost, executor=pool)) == list(range(count))
    assert begun.index(-1) <= AHEAD * (os.cpu_count() or 1)


def test_an_executor_that_loses_some(tmp_path: Path) -> None:
    seen = []

    class Careless(Executor):
        """Gives up every third item, and one is cancelled behind our back."""

        def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
            future: Future[Any] = Future()
            (item,) = arguments[1]
            seen.append(item)
            if item == 4:
                future.cancel()
                future.set_running_or_notify_cancel()
            elif item % 3 == 0:
                future.set_exception(BrokenProcessPool("its machine went away"))
            else:
                future.set_result(function(*arguments))
            return future

    answers = list(in_order(str, range(8), lambda item, why: f"lost {item}: {why}", executor=Careless()))
    lost_ones = {k: f"lost {k}: its machine went away" for k in (0, 3, 6)} | {
        4: "lost 4: its task was cancelled: the executor, or the cluster's scheduler, gave it up"
    }
    assert answers == [lost_ones.get(k, str(k)) for k in range(8)]
    assert sorted(seen) == [0, 0, 1, 2, 3, 3, 4, 4, 5, 6, 6, 7]  # each is given to it once more
    with pytest.raises(ExecutorGone, match="cancelled"):
        list(as_finished(str, [1, 4, 2], lambda item, why: why, executor=Careless(), stops=True))
    assert dict(as_finished(str, [0, 1], lambda item, why: why, executor=Careless(), stops=True))[0].endswith("away")
    with ThreadPoolExecutor(1) as pool:
        pass
    with pytest.raises(ExecutorGone, match="takes no more work"):
        list(as_finished(str, [1, 2], lambda item, why: why, executor=pool, stops=True))


@pytest.mark.slow
def test_a_main_script_without_a_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from detutils.batches.pool import in_order\n"
        "print(list(in_order(str, range(5), lambda item, why: why, workers=2)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if line.startswith("RuntimeError: a worker process ended")]
    assert len(said) == 1  # Python may say more after it, of the semaphores that the dead worker had made
    assert "with exit code 1 before its work began" in said[0]
    assert '__name__ == "__main__"' in said[0]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing, time\n"
        "from detutils.batches.pool import in_order\n"
        "if __name__ == '__main__':\n"
        "    answers = in_order(time.sleep, [0.0] * 2 + [60.0] * 9, print, workers=2)\n"
        "    next(answers)\n"
        "    print(*(child.pid for child in multiprocessing.active_children()), flush=True)\n"
        "    next(answers), next(answers)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        workers = [int(pid) for pid in process.stdout.readline().split()]
        process.kill()
    end = time.monotonic() + 30
    while time.monotonic() < end and any(map(alive, workers)):
        time.sleep(0.05)
    assert workers
    assert not any(map(alive, workers))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat")
        return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")
    except (ProcessLookupError, FileNotFoundError):
        return False


