"""The cache of machine code may be missing, full, truncated or corrupt: the user's call must not notice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import detutils
from detutils import _jit

needs_jit = pytest.mark.skipif(_jit.JIT_DISABLED, reason="no kernel is compiled")

CALL = """
import numpy as np, warnings
warnings.simplefilter("always")
from detutils._kernels.checks import first_bad_box
assert first_bad_box(np.array([[0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0]])) == 1
assert first_bad_box(np.zeros((3, 4))) == -1
print(sum(first_bad_box.stats.cache_hits.values()))
"""
FULL_DISK = """
import errno, numba.core.caching as caching
def refuse(self, path):
    raise OSError(errno.ENOSPC, "No space left on device")
caching.IndexDataCacheFile._open_for_write = refuse
"""
NOTHING_IS_WRITABLE = """
import numba.core.caching as caching
def refuse(self):
    raise PermissionError("read-only file system")
caching._CacheLocator.ensure_cache_path = refuse
"""


def call(folder: object, before: str = "") -> tuple[int, str]:
    """Cache hits and warnings of a fresh process with this cache folder."""
    done = subprocess.run(
        [sys.executable, "-c", before + CALL], check=True, capture_output=True, text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
    )  # fmt: skip
    return int(done.stdout), done.stderr


@needs_jit
def test_machine_code_is_found_again(tmp_path: Path) -> None:
    assert call(tmp_path) == (0, "")
    assert call(tmp_path) == (1, "")


@needs_jit
def test_no_writable_folder(tmp_path: Path) -> None:
    hits, warning = call(tmp_path, NOTHING_IS_WRITABLE)
    assert hits == 0
    assert warning.count("CacheWarning: detutils compiles its kernels anew in every process") == 1


@needs_jit
def test_full_disk(tmp_path: Path) -> None:
    hits, warning = call(tmp_path, FULL_DISK)
    assert hits == 0
    assert warning.count("No space left on device") == 1
    assert call(tmp_path) == (0, "")
    assert call(tmp_path) == (1, "")


@needs_jit
@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", ["empty", "half", "flipped"])
def test_damaged_files_are_replaced(tmp_path: Path, ending: str, damage: str) -> None:
    call(tmp_path)
    files = [path for path in tmp_path.rglob(f"*.{ending}") if "first_bad_box-" in path.name]
    assert len(files) == 1
    content = bytearray(files[0].read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 0xFF
    files[0].write_bytes({"empty": b"", "half": content[: len(content) // 2], "flipped": content}[damage])
    assert call(tmp_path)[1] == ""
    assert call(tmp_path) == (1, "")


def test_warmup_refuses_what_cannot_be_called() -> None:
    with pytest.raises(TypeError, match="progress must be callable or None, got int"):
        detutils.warmup(progress=3)


@needs_jit
def test_warmup_reports_every_kernel() -> None:
    seen: list[tuple[int, int, str]] = []
    count = detutils.warmup(progress=lambda *step: seen.append(step))
    assert count == len(seen) == len(_jit.kernels())
    assert [done for done, _, _ in seen] == list(range(1, count + 1))
    assert {total for _, total, _ in seen} == {count}


def test_an_interrupt_is_an_interrupt() -> None:
    def interrupted(*arguments: object) -> None:
        inner = SystemError("returned a result with an exception set")
        inner.__cause__ = KeyboardInterrupt()
        raise SystemError("returned a result with an exception set") from inner

    def broken(*arguments: object) -> None:
        raise SystemError("something else")

    for kernel, error in ((interrupted, KeyboardInterrupt), (broken, SystemError)):
        kernel.py_func = kernel  # type: ignore[attr-defined]
        with pytest.raises(error):
            _jit._hearing(kernel)(1)


def test_a_direct_call_is_the_kernel() -> None:
    kernel = next(function for function, _ in _jit.kernels() if function.__name__ == "first_bad_box")
    direct = _jit.Direct(kernel)
    boxes = np.array([[0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0]])
    first = direct.call
    assert direct.call(boxes) == 1  # looks the machine code up
    assert direct.call is not first
    assert direct.call(boxes) == kernel(boxes) == 1
    assert direct.call(boxes[:1]) == -1
    if not _jit.JIT_DISABLED:
        assert len(kernel.signatures) == 1
