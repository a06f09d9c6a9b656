"""Machine code on disk may be missing, stale, damaged, swapped or a stranger's: the user's call must not notice."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

import detutils
from detutils import _jit
from detutils._kernels import checks
from tests.processes import python

needs_jit = pytest.mark.skipif(_jit.JIT_DISABLED, reason="no kernel is compiled")
needs_root = pytest.mark.skipif(getattr(os, "getuid", lambda: 1)() != 0, reason="only root can give files away")
STRANGER = 12345  # a user that no machine has

CALL = """
import numpy as np, warnings
warnings.simplefilter("always")
from detutils._kernels.checks import first_bad_box
assert first_bad_box(np.array([[0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0]])) == 1
assert first_bad_box(np.zeros((3, 4))) == -1
print(sum(first_bad_box.stats.cache_hits.values()))
"""
WARNING = "detutils compiles its kernels anew in every process"


def call(folder: Path, name: str = "first_bad_box") -> tuple[int, str]:
    """Cache hits and warnings of a kernel as a fresh process would have them that has this cache folder."""
    kernel = getattr(checks, name)
    signature = next(text for function, text in _jit.kernels() if function.__name__ == name)
    again = numba.jit(**_jit.OPTIONS)(getattr(kernel, "py_func", None) or kernel.__wrapped__)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        patch.setattr(numba.config, "CACHE_DIR", str(folder))
        patch.setattr(_jit, "_warned", False)
        _jit._places.cache_clear()
        again._cache = _jit._Cache(again.py_func, signature)
        result = again(np.array([[0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0]]))
    _jit._places.cache_clear()
    assert np.array_equal(result, 1 if name == "first_bad_box" else [True, False])
    return sum(again.stats.cache_hits.values()), "".join(str(warning.message) for warning in caught)


def code_of(folder: Path, kernel: str = "first_bad_box") -> Path:
    """The file with the machine code of a kernel."""
    (path,) = folder.rglob(f"*.{kernel}-*.nbk")
    return path


# ---- the files ---------------------------------------------------------------------------------------------

@needs_jit
def test_machine_code_is_found_again(tmp_path: Path) -> None:
    before = os.umask(0o002)  # as on systems where each user has a group of his own
    try:
        assert call(tmp_path / "new" / "folder") == (0, "")
    finally:
        os.umask(before)
    assert call(tmp_path / "new" / "folder") == (1, "")
    path = code_of(tmp_path)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    if os.name == "posix":
        assert not path.stat().st_mode & 0o022
        assert not path.parent.stat().st_mode & 0o022


@needs_jit
def test_no_writable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    hits, warning = call(tmp_path)
    assert hits == 0
    assert warning.count(WARNING) == 1
    assert "read-only file system" in warning


@needs_jit
def test_full_disk(tmp_path: Path) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        hits, warning = call(tmp_path)
    assert hits == 0
    assert warning.count("No space left on device") == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert call(tmp_path) == (0, "")
    assert call(tmp_path) == (1, "")


@needs_jit
@pytest.mark.parametrize("damage", ["empty", "half", "first", "middle", "last"])
def test_damaged_files_are_replaced(tmp_path: Path, damage: str) -> None:
    call(tmp_path)
    path = code_of(tmp_path)
    content = bytearray(path.read_bytes())
    if damage in ("first", "middle", "last"):
        content[{"first": 0, "middle": len(content) // 2, "last": -1}[damage]] ^= 0xFF
    path.write_bytes({"empty": b"", "half": content[: len(content) // 2]}.get(damage, content))
    assert call(tmp_path) == (0, "")
    assert call(tmp_path) == (1, "")


@needs_jit
def test_the_code_of_another_kernel_is_not_served(tmp_path: Path) -> None:
    assert call(tmp_path) == call(tmp_path, "good_boxes") == (0, "")
    assert call(tmp_path, "good_boxes") == (1, "")
    shutil.copyfile(code_of(tmp_path, "good_boxes"), code_of(tmp_path))
    assert call(tmp_path) == (0, "")
    assert call(tmp_path) == (1, "")


@needs_jit
def test_the_code_of_another_signature_or_source_is_not_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a kernel depends on is part of what is hashed with its code."""
    call(tmp_path)
    function, path = checks.first_bad_box.py_func, code_of(tmp_path)
    content = path.read_bytes()
    keys = {_jit._Cache(function, signature).key for signature in ("int64(float64[:,::1])", "int64(float32[:,::1])")}
    monkeypatch.setattr(_jit, "stamp", lambda module: "another")
    keys.add(_jit._Cache(function, "int64(float64[:,::1])").key)
    assert len(keys) == 3
    assert call(tmp_path) == (0, "")
    assert path.read_bytes()[:32] != content[:32]


@pytest.mark.slow
@needs_jit
def test_two_processors_do_not_take_turns(tmp_path: Path) -> None:
    assert python(CALL, NUMBA_CACHE_DIR=tmp_path) == ("0\n", "")
    assert python(CALL, NUMBA_CACHE_DIR=tmp_path, NUMBA_CPU_NAME="generic") == ("0\n", "")
    assert python(CALL, NUMBA_CACHE_DIR=tmp_path) == ("1\n", "")
    assert python(CALL, NUMBA_CACHE_DIR=tmp_path, NUMBA_CPU_NAME="generic") == ("1\n", "")


# ---- strangers ---------------------------------------------------------------------------------------------

@needs_jit
@needs_root
@pytest.mark.parametrize("what", ["the folder given", "the folder inside", "the file"])
def test_what_a_stranger_owns_is_not_used(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "cache"
    call(folder)
    path = code_of(folder)
    os.chown({"the folder given": folder, "the folder inside": path.parent, "the file": path}[what], STRANGER, -1)
    before = path.read_bytes()
    hits, warning = call(folder)
    assert hits == 0
    assert warning.count(WARNING) == 1
    assert "belongs to another user" in warning
    if what != "the file":
        assert path.read_bytes() == before
        assert call(folder) == (0, warning)


@needs_jit
@pytest.mark.skipif(os.name != "posix", reason="the modes of POSIX")
@pytest.mark.parametrize("mode", [0o777, 0o707])
@pytest.mark.parametrize("what", ["the folder given", "the folder inside", "the file"])
def test_what_others_can_write_is_not_used(tmp_path: Path, what: str, mode: int) -> None:
    folder = tmp_path / "cache"
    call(folder)
    path = code_of(folder)
    {"the folder given": folder, "the folder inside": path.parent, "the file": path}[what].chmod(mode)
    hits, warning = call(folder)
    assert hits == 0
    assert warning.count(WARNING) == 1
    assert "other users can write to" in warning


@needs_jit
@needs_root
def test_a_group_may_not_write_unless_it_is_that_of_one_user(tmp_path: Path) -> None:
    call(tmp_path)
    code_of(tmp_path).parent.chmod(0o770)
    hits, warning = call(tmp_path)
    assert hits == 0
    assert "other users can write to" in warning


@needs_jit
@pytest.mark.skipif(os.name != "posix", reason="the modes of POSIX")
def test_a_folder_for_everybody_is_used_as_tmp_is(tmp_path: Path) -> None:
    folder = tmp_path / "like tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    assert call(folder) == (0, "")
    assert call(folder) == (1, "")


# ---- a copy of the package, edited -------------------------------------------------------------------------

@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, to edit."""
    source = Path(detutils.__file__).parent
    return Path(shutil.copytree(source, tmp_path / "detutils", ignore=shutil.ignore_patterns("__pycache__")))


def in_copy(copy: Path, code: str) -> str:
    """What a fresh process prints that imports the copy; the cache lies beside its files."""
    before = f"import sys; sys.path.insert(0, {str(copy.parent)!r}); import detutils\n"
    before += f"assert detutils.__file__.startswith({str(copy)!r})\n"
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    command = [sys.executable, "-B", "-c", before + code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=copy.parent)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.slow
@needs_jit
def test_an_edited_shared_file_is_noticed(copy: Path) -> None:
    """``checks`` takes its limit from ``limits``: a kernel that was compiled with the old limit is not served again,
    one whose files stayed as they were is.
    """
    code = (
        "import numpy as np\n"
        "from detutils._kernels.checks import first_bad_box as judge\n"
        "from detutils.targets._kernels.anchors import grid as other\n"
        "other(np.zeros((1, 4)), 0, 0, 1, 1.0, 1.0, np.zeros((0, 4)))\n"
        "row = judge(np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 3e100, 1.0]]))\n"
        "print(row, *(sum(kernel.stats.cache_hits.values()) for kernel in (judge, other)))"
    )
    limits = copy / "_kernels" / "limits.py"
    text = limits.read_text(encoding="utf-8")
    assert "limits" not in (copy / "targets" / "_kernels" / "anchors.py").read_text(encoding="utf-8")
    assert in_copy(copy, code) == "-1 0 0"
    assert in_copy(copy, code) == "-1 1 1"
    edited = re.sub(r"1e150", "1e100", text)
    assert edited != text
    limits.write_text(edited, encoding="utf-8")
    assert in_copy(copy, code) == "1 0 1"
    assert in_copy(copy, code) == "1 1 1"


@pytest.mark.slow
@needs_jit
@needs_root
def test_a_stranger_beside_the_package(copy: Path) -> None:
    code = CALL.replace("always", "ignore")
    in_copy(copy, code)
    assert in_copy(copy, code) == "1"
    os.chown(copy / "_kernels" / "__pycache__", STRANGER, -1)
    assert in_copy(copy, code) == "0"
