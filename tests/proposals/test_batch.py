"""Many files at once: reports in the order given, one bad file stops nothing, workers end."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detutils import ImageProposals, propose_images, read_image, selective_search, write_image

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


@pytest.mark.parametrize("workers", [2, pytest.param(3, marks=pytest.mark.slow)])
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


def test_any_executor(batch: list[Path]) -> None:
    with ThreadPoolExecutor(3) as pool:
        check(list(propose_images(batch, executor=pool, **FEW)), batch)
        assert pool.submit(int, "3").result() == 3  # it is not shut down
    reports = list(propose_images(batch, executor=pool, **FEW))  # now it is
    assert [report.path for report in reports] == batch
    assert all("the executor takes no more work" in (report.error or "") for report in reports)


@pytest.mark.slow
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
