"""Any function of an image over many files: order, errors, processes, executors, chunks."""

from __future__ import annotations

import functools
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from detutils import ImageResult, map_images, read_image
from tests.batches.work import brightness, moody, name_of
from tests.proposals.test_batch import photographs

TWO = pytest.param({"workers": 2}, marks=pytest.mark.slow)


@pytest.mark.parametrize("options", [{}, TWO, {"workers": 2, "chunk": 3}, {"chunk": 100}])
def test_each_image_once_in_order(tmp_path: Path, options: dict[str, int]) -> None:
    good = photographs(tmp_path, 5)
    (tmp_path / "text.jpg").write_text("no image")
    paths = [good[0], tmp_path / "missing.png", *good[1:], tmp_path / "text.jpg", good[0]]
    calls: list[tuple[int, int, Path]] = []
    results = list(map_images(brightness, paths, progress=lambda *call: calls.append(call), **options))
    assert [result.path for result in results] == paths
    for path, value, error in results:
        if path in good:
            assert (value, error) == (float(read_image(path).mean()), None)
        else:
            assert value is None
            assert str(path) in (error or "")
    assert [call[:2] for call in calls] == [(k, len(paths)) for k in range(1, len(paths) + 1)]
    assert sorted(call[2] for call in calls) == sorted(paths)
    assert not multiprocessing.active_children()


def test_options_of_the_function_and_paths_unread(tmp_path: Path) -> None:
    path = photographs(tmp_path, 1)[0]
    (result,) = map_images(functools.partial(brightness, scale=2.0), [str(path)])
    assert result == ImageResult(path, 2.0 * float(read_image(path).mean()), None)
    assert [result.value for result in map_images(name_of, ["a/b.png", Path("c")], read=False)] == ["b.png", "c"]
    assert list(map_images(lambda image: image, [])) == []


@pytest.mark.parametrize("chunk", [pytest.param(1, marks=pytest.mark.slow), 4])
def test_what_a_function_does_wrong_costs_its_image(chunk: int) -> None:
    names = ["a", "raise", "b", "exit", "silent", "odd", "c"]
    wanted = ["a", "'no such thing'", "b", "exit: 3", "silent: ValueError", "odd: ", "c"]
    results = list(map_images(moody, names, read=False, workers=2, chunk=chunk))
    assert [result.value for result in results] == ["a", None, "b", None, None, None, "c"]
    for text, result in zip(wanted, results, strict=True):
        assert result.value == text or text in (result.error or "")
    assert "pickle" in (results[5].error or "")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_a_killed_chunk_is_taken_apart() -> None:
    """Only the image that kills its process fails, not those that were handed out with it."""
    names = ["0", "1", "2", "kill", "4"]
    results = list(map_images(moody, names, read=False, workers=2, chunk=2))
    assert [result.value for result in results] == [None if name == "kill" else name for name in names]
    assert results[3].error == "kill: its worker process ended with exit code -9"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_a_broken_pool_of_the_users() -> None:
    names = [*map(str, range(30)), "kill", "end"]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        results = list(map_images(moody, names, read=False, executor=pool, chunk=5))
    assert [result.path.name for result in results] == names
    assert results[0].value == "0"
    assert "the executor takes no more work" in (results[-1].error or "")


@pytest.mark.slow
def test_executors(tmp_path: Path) -> None:
    paths = photographs(tmp_path, 3)
    wanted = list(map_images(brightness, paths))
    with ThreadPoolExecutor(2) as pool:
        assert list(map_images(brightness, paths, executor=pool, chunk=2)) == wanted
        assert list(map_images(lambda image: float(image.mean()), paths, executor=pool, workers=2)) == wanted
    loky = pytest.importorskip("loky")
    pool = loky.get_reusable_executor(max_workers=2)
    try:
        assert list(map_images(brightness, paths, executor=pool)) == wanted
    finally:
        pool.shutdown(wait=True)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        ((3, []), {}, TypeError, "function must be callable, got int"),
        ((len, "photo.jpg"), {}, TypeError, "paths must be a sequence of paths, got str"),
        ((len, iter([])), {}, TypeError, "paths must be a sequence of paths"),
        ((len, [1]), {}, TypeError, r"paths\[0\] must be a str or a path"),
        ((len, []), {"chunk": 0}, ValueError, "chunk must be at least 1"),
        ((len, []), {"chunk": "2"}, TypeError, "chunk must be an integer"),
        ((len, []), {"workers": 0}, ValueError, "workers must be at least 1"),
        ((len, []), {"read": 2}, TypeError, "read must be"),
        ((len, []), {"executor": "local"}, TypeError, "executor must be a concurrent.futures.Executor"),
        ((len, []), {"progress": 1}, TypeError, "progress must be callable"),
        ((lambda image: 1, []), {"workers": 2}, TypeError, "function cannot be sent to other processes"),
    ],
)
def test_bad_arguments_are_refused_at_once(arguments: Any, options: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        map_images(*arguments, **options)
