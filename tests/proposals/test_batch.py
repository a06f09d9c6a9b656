"""Many files at once: reports in the order given, one bad file stops nothing, workers end."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detutils import ImageProposals, propose_images, read_image, selective_search, write_image
from detutils.proposals.batch import AHEAD, in_order

FEW = {"mode": "single", "min_size": 4}


def photographs(folder: Path, count: int = 4) -> list[Path]:
    """Small pictures of a few blocks each."""
    rng = np.random.default_rng(0)
    paths = []
    for k in range(count):
        blocks = rng.integers(0, 256, (3, 4, 3), np.uint8)
        paths.append(folder / f"{k} bløcks.png")
        write_image(paths[-1], np.kron(blocks, np.ones((15, 15, 1), np.uint8)))
    return paths


@pytest.fixture
def batch(tmp_path: Path) -> list[Path]:
    """Good files, and between them a missing one, an empty one, a truncated one and one that is no image."""
    good = photographs(tmp_path)
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "half.png").write_bytes(good[0].read_bytes()[:60])
    (tmp_path / "text.jpg").write_text("not an image")
    bad = [tmp_path / name for name in ("missing.png", "empty.png", "half.png", "text.jpg")]
    return [good[0], bad[0], good[1], bad[1], bad[2], good[2], bad[3], good[3], good[0]]


def check(reports: list[ImageProposals], batch: list[Path]) -> None:
    assert [report.path for report in reports] == batch
    for path, report in zip(batch, reports, strict=True):
        if "bløcks" in path.name:
            image = read_image(path)
            wanted = selective_search(image, **FEW)
            assert report.error is None
            assert report.image_size == image.shape[:2]
            np.testing.assert_array_equal(report.proposals.boxes, wanted.boxes)
            np.testing.assert_array_equal(report.proposals.priorities, wanted.priorities)
        else:
            assert (report.image_size, report.proposals) == (None, None)
            assert str(path) in report.error


def test_in_this_process(batch: list[Path]) -> None:
    calls: list[tuple[int, int, Path]] = []
    reports = list(propose_images(batch, progress=lambda *call: calls.append(call), **FEW))
    check(reports, batch)
    assert calls == [(k, len(batch), path) for k, path in enumerate(batch, 1)]


@pytest.mark.parametrize("workers", [pytest.param(2, marks=pytest.mark.slow), 3])
def test_in_processes(batch: list[Path], workers: int) -> None:
    calls: list[tuple[int, int, Path]] = []
    reports = list(propose_images(batch, workers=workers, progress=lambda *call: calls.append(call), **FEW))
    check(reports, batch)
    assert [call[0] for call in calls] == list(range(1, len(batch) + 1))
    assert sorted(call[2] for call in calls) == sorted(batch)
    assert not multiprocessing.active_children()


def test_strings_and_nothing_at_all(tmp_path: Path) -> None:
    assert list(propose_images([])) == []
    assert list(propose_images([], workers=2)) == []
    path = photographs(tmp_path, 1)[0]
    for report in (*propose_images([str(path)], **FEW), *propose_images((path,), workers=-1, **FEW)):
        assert report.path == path
        assert report.error is None


@pytest.mark.slow
def test_a_killed_worker_costs_one_file(tmp_path: Path) -> None:
    """Workers are killed from the progress callback; every file is still reported, in order."""
    batch = photographs(tmp_path, 12)
    killed = []

    def kill(done: int, total: int, path: Path) -> None:
        if done in (2, 5):
            victim = multiprocessing.active_children()[0]
            killed.append(victim.pid)
            os.kill(victim.pid, signal.SIGKILL)

    reports = list(propose_images(batch, workers=2, progress=kill, **FEW))
    assert [report.path for report in reports] == batch
    failed = [report for report in reports if report.error is not None]
    assert len(killed) == 2
    assert len(failed) <= 2
    for report in failed:
        assert str(report.path) in report.error
        assert "worker process ended" in report.error


def answer(item: tuple[Path, str]) -> str:
    """What an item asks for: to end its process at once, or once and never again, or an answer after a while."""
    mark, what = item
    if what == "always":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "once" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if what.startswith("slow"):
        time.sleep(1.0)
    return what


def lost(item: tuple[Path, str], why: str) -> str:
    return f"{item[1]}: {why}"


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


def test_any_executor(batch: list[Path]) -> None:
    with ThreadPoolExecutor(3) as pool:
        check(list(propose_images(batch, executor=pool, **FEW)), batch)
        assert pool.submit(int, "3").result() == 3  # it is not shut down
    reports = list(propose_images(batch, executor=pool, **FEW))  # now it is
    assert [report.path for report in reports] == batch
    assert all("the executor takes no more work" in (report.error or "") for report in reports)


def test_an_executor_that_loses_some(tmp_path: Path) -> None:
    class Careless(Executor):
        """Gives up every third item, and one is cancelled behind our back."""

        def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
            future: Future[Any] = Future()
            item = arguments[0]
            if item == 4:
                future.cancel()
                future.set_running_or_notify_cancel()
            elif item % 3 == 0:
                future.set_exception(BrokenProcessPool("its machine went away"))
            else:
                future.set_result(function(item))
            return future

    answers = list(in_order(str, range(8), lambda item, why: f"lost {item}: {why}", executor=Careless()))
    lost_ones = {k: f"lost {k}: its machine went away" for k in (0, 3, 6)} | {4: "lost 4: CancelledError"}
    assert answers == [lost_ones.get(k, str(k)) for k in range(8)]


@pytest.mark.slow
def test_a_main_script_without_a_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from detutils.proposals.batch import in_order\n"
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
        "from detutils.proposals.batch import in_order\n"
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


def test_closing_the_iterator_ends_the_workers(tmp_path: Path) -> None:
    reports = propose_images(photographs(tmp_path, 6), workers=2, **FEW)
    next(reports)
    assert multiprocessing.active_children()
    reports.close()
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_an_error_in_the_callback_ends_the_workers(tmp_path: Path) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no more")

    for workers in (1, 2):
        with pytest.raises(RuntimeError, match="no more"):
            list(propose_images(photographs(tmp_path, 3), workers=workers, progress=fail, **FEW))
        assert not multiprocessing.active_children()


def test_reports_are_plain_tuples(tmp_path: Path) -> None:
    report = next(propose_images([tmp_path / "missing.png"]))
    assert pickle.loads(pickle.dumps(report)) == report
    path, size, found, error = report
    assert (path, size, found) == (tmp_path / "missing.png", None, None)
    assert "No such file" in error


@pytest.mark.parametrize(
    ("paths", "options", "error", "text"),
    [
        ("photo.jpg", {}, TypeError, "paths must be a sequence of paths, got str"),
        (Path("photo.jpg"), {}, TypeError, "paths must be a sequence"),
        (None, {}, TypeError, "paths must be a sequence"),
        ([1], {}, TypeError, r"paths\[0\] must be a str or a path"),
        (["a", ""], {}, ValueError, r"paths\[1\] is not a file name"),
        ([], {"workers": 0}, ValueError, "workers must be at least 1"),
        ([], {"workers": 1.0}, TypeError, "workers must be an integer"),
        ([], {"executor": 3}, TypeError, "executor must be a concurrent.futures.Executor or None, got int"),
        ([], {"progress": 3}, TypeError, "progress must be callable"),
        ([], {"mode": "quick"}, ValueError, "mode must be one of"),
        ([], {"seed": -1}, ValueError, "seed must be at least 0"),
        ([], {"speed": 3}, TypeError, "speed"),
    ],
)
def test_bad_arguments_are_refused_at_once(paths: Any, options: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        propose_images(paths, **options)
