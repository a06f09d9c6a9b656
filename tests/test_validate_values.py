"""Single values, names and sizes that are no numbers, have no order or no end: refused by name, in few words."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
import pytest

from detutils import _validate as validate


def refused(error: type[Exception], pattern: str) -> Any:
    return pytest.raises(error, match=pattern)


class _Moody:
    """Raises what it likes, as tensors of other devices do."""

    def __float__(self) -> float:
        raise RuntimeError("not on this device")

    def __index__(self) -> int:
        raise RuntimeError("not on this device")

    def __repr__(self) -> str:
        raise RuntimeError("not on this device")


def test_foreign_numbers_that_cannot_be_read() -> None:
    with refused(TypeError, "^sigma must be a number, got _Moody"):
        validate.as_number(_Moody(), "sigma")
    with refused(TypeError, "^seed must be an integer, got _Moody"):
        validate.as_seed(_Moody())


def test_any_value_fits_into_an_error() -> None:
    for check in (validate.as_image_size, validate.as_grid_size, validate.as_weights):
        with refused(TypeError, "got an integer of .* bits"):
            check(10**5000, "option")
        with refused(TypeError, "got a _Moody"):
            check(_Moody(), "option")
    with refused(TypeError, r"got \[\[0, 0, .*\.\.\.$"):
        validate.as_image_size([[0] * 1000])


def test_a_number_that_is_too_large_alone() -> None:
    with refused(ValueError, r"^base_size must be at most 1e\+09, got 1e\+10"):
        validate.as_number(1e10, "base_size", high=1e9)


@pytest.mark.parametrize("names", [{"cat"}, {0: "cat", 1: "dog"}, frozenset(["cat"])], ids=str)
def test_names_need_an_order(names: Any) -> None:
    for check in (validate.as_names, validate.as_class_names):
        with refused(TypeError, "names must be a sequence of str or int, got"):
            check(names, "names")


def test_endless_names_are_refused_at_once() -> None:
    with refused(ValueError, "class_names must hold at most 10,000,000 names, got 1,000,000,000,000"):
        validate.as_class_names(range(10**12))
    assert len(validate.as_class_names(range(100_000))) == 100_000


def test_items_need_an_order() -> None:
    assert validate.as_items((1, 2), "counts", "integers") == [1, 2]
    assert validate.as_items(iter([1, 2]), "counts", "integers") == [1, 2]
    for value in (None, 3, "12", b"12", {1: 2}, {1, 2}, np.array(3)):
        with refused(TypeError, "^counts must be integers, got"):
            validate.as_items(value, "counts", "integers")


@pytest.mark.parametrize("name", ["", "a\0b", "a\ud800"])
def test_what_is_no_file_name(name: str) -> None:
    with refused(ValueError, "^path is not a file name"):
        validate.as_path(name)


def test_no_more_threads_than_make_sense() -> None:
    assert validate.as_workers(10**9) == validate.as_workers(np.int64(10**9)) == 16 * (os.cpu_count() or 1)


@pytest.mark.parametrize("version", [1, 2])
def test_a_container_may_have_less_memory_than_its_machine(version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        1: {"memory/memory.limit_in_bytes": 3 << 30, "memory/memory.usage_in_bytes": 2 << 30, "memory/memory.stat": 0},
        2: {"memory.max": 3 << 30, "memory.current": 2 << 30, "memory.stat": 0},
    }[version]

    def opened(path: str, *arguments: Any, **keywords: Any) -> io.StringIO:
        if path == "/proc/meminfo":
            return io.StringIO("MemAvailable: 99999999999 kB\n")
        name = path.removeprefix("/sys/fs/cgroup/")
        if name not in files:
            raise FileNotFoundError(path)
        return io.StringIO("active_file 7\ninactive_file 536870912\n" if name.endswith("stat") else f"{files[name]}\n")

    monkeypatch.setattr("builtins.open", opened)
    validate.check_memory(3 << 29, "a matrix")
    with refused(MemoryError, r"a matrix needs 1\.6 GiB and 1\.5 GiB are available"):
        validate.check_memory((3 << 29) + (1 << 27), "a matrix")
    files[next(iter(files))] = "max"  # type: ignore[assignment]
    validate.check_memory(1 << 40, "a matrix")
