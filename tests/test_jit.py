"""Machine code on disk may be missing, stale, damaged, swapped or a stranger's: the user's call must not notice."""

from __future__ import annotations

import errno
import importlib
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


def python(code: str, **environment: object) -> tuple[str, str]:
    """What a fresh process prints, and its warnings."""
    changed = {name: str(value) for name, value in environment.items()}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={**os.environ, **changed}
    )
    return done.stdout, done.stderr


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
    limits.write_text(text, encoding="utf-8")
    assert in_copy(copy, code) == "-1 0 1"


@needs_jit
@needs_root
def test_a_stranger_beside_the_package(copy: Path) -> None:
    code = CALL.replace("always", "ignore")
    in_copy(copy, code)
    assert in_copy(copy, code) == "1"
    os.chown(copy / "_kernels" / "__pycache__", STRANGER, -1)
    assert in_copy(copy, code) == "0"
    assert in_copy(copy, code) == "0"


# ---- warm-up -----------------------------------------------------------------------------------------------

def test_warmup_refuses_what_it_does_not_know() -> None:
    with pytest.raises(TypeError, match="progress must be callable or None, got int"):
        detutils.warmup(progress=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="progress must be callable or None, got int"):
        detutils.warmup(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="families must be of str, got int"):
        detutils.warmup("nms", 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"'soup', neither a family .* the families are 'anchors', .*'nms'"):
        detutils.warmup("soup")


@needs_jit
def test_warmup_reports_every_kernel_of_a_family() -> None:
    seen: list[tuple[int, int, str]] = []
    count = detutils.warmup("boxes", "generate_anchors", progress=lambda *step: seen.append(step))
    assert 0 < count == len(seen) < len(_jit.kernels())
    assert [done for done, _, _ in seen] == list(range(1, count + 1))
    assert {total for _, total, _ in seen} == {count}
    assert {"convert", "first_bad_box"} <= {name for _, _, name in seen}


@needs_jit
@pytest.mark.slow
def test_warmup_of_everything() -> None:
    seen: list[tuple[int, int, str]] = []
    assert detutils.warmup(lambda *step: seen.append(step)) == len(seen) == len(_jit.kernels())
    assert detutils.warmup(None) == len(seen)


@pytest.mark.parametrize("family", _jit.FAMILIES)
def test_families_name_modules_and_have_kernels(family: str) -> None:
    modules = [f"detutils.{name}" for name in _jit.FAMILIES[family]]
    for module in modules:
        importlib.import_module(module)
    assert 0 < len(_jit.kernels(modules)) < len(_jit.kernels())


def test_every_kernel_belongs_to_a_family() -> None:
    modules = [f"detutils.{name}" for names in _jit.FAMILIES.values() for name in names]
    reached = {id(dispatcher) for dispatcher, _ in _jit.kernels([*modules, "detutils.suppression.explain"])}
    assert reached == {id(dispatcher) for dispatcher, _ in _jit.kernels()}


NOTHING_COMPILES = """
import sys
import numpy as np, detutils
from numba.core import event
compiled = []
class Listener(event.Listener):
    def on_start(self, event):
        compiled.append(event.data["dispatcher"].__name__)
    def on_end(self, event):
        pass
event.register("numba:compile", Listener())
detutils.warmup(sys.argv[1] if len(sys.argv) > 1 else "{family}")
assert compiled
compiled.clear()
rng = np.random.default_rng(0)
def scene(n, dtype, spread):
    corner = rng.uniform(0, spread, (n, 2))
    boxes = np.hstack([corner, corner + rng.uniform(5, 30, (n, 2))]).astype(dtype)
    return boxes, rng.random(n).astype(dtype), rng.integers(0, 5, n)
{calls}
assert not compiled, compiled
"""
NMS_CALLS = """
for n in (0, 1, 20, 100, 400, 1000, 6000):
    for dtype in (np.float32, np.float64):
        for spread in (50.0, 1e5):
            boxes, scores, labels = scene(n, dtype, spread)
            for options in ({}, {"offset": 1}, {"max_output": 5}, {"score_threshold": 0.5}, {"on_invalid": "drop"}):
                detutils.nms(boxes, scores, 0.5, **options)
                detutils.batched_nms(boxes, scores, labels, 0.5, **options)
            detutils.nms(boxes, scores, 1.0)
            detutils.nms(boxes + dtype(1e6), scores, 0.7)
            detutils.nms(np.hstack([boxes, boxes])[:, :4], scores, 0.3)
            detutils.nms(boxes.tolist() if n else boxes, scores.tolist() if n else scores)
"""
OVERLAP_CALLS = """
for dtype in (np.float32, np.float64, np.int64):
    boxes, _, _ = scene(30, dtype, 50.0)
    for name in ("box_iou", "box_ioa", "generalized_box_iou", "distance_box_iou", "complete_box_iou"):
        getattr(detutils, name)(boxes, boxes[::2])
        getattr(detutils, name)(boxes, boxes, offset=1)
"""


@needs_jit
@pytest.mark.parametrize(("family", "calls"), [("nms", NMS_CALLS), ("overlaps", OVERLAP_CALLS)])
def test_nothing_compiles_after_a_warmup(tmp_path: Path, family: str, calls: str) -> None:
    """In a fresh process with an empty cache, and in the next one, which finds what the first compiled."""
    code = NOTHING_COMPILES.replace("{family}", family).replace("{calls}", calls)
    python(code, NUMBA_CACHE_DIR=tmp_path)
    python(code.replace("assert compiled\n", "assert not compiled\n"), NUMBA_CACHE_DIR=tmp_path)


@needs_jit
def test_a_warm_cache_loads_no_compiler(tmp_path: Path) -> None:
    """Reading machine code brings neither SciPy nor the parts of Numba that only its compiler needs."""
    code = (
        "import sys, numpy as np, detutils\n"
        "print(*detutils.nms(np.array([[0, 0, 9, 9], [0, 0, 9, 8.0], [20, 0, 30, 9]]), np.array([0.5, 0.6, 0.7])))\n"
        "print('scipy.linalg' in sys.modules, 'numba.np.arraymath' in sys.modules)"
    )
    assert python(code, NUMBA_CACHE_DIR=tmp_path) == ("2 1\nTrue True\n", "")
    assert python(code, NUMBA_CACHE_DIR=tmp_path) == ("2 1\nFalse False\n", "")


@needs_jit
def test_numba_works_as_before_beside_a_warm_cache(tmp_path: Path) -> None:
    """Functions of the user's own compile after ours were read, those with linear algebra too."""
    code = (
        "import numpy as np, numba, detutils\n"
        "detutils.nms(np.array([[0, 0, 9, 9.0]]), np.array([0.5]))\n"
        "@numba.njit\n"
        "def own(a):\n"
        "    b = np.empty(3)\n"
        "    b[:] = np.linalg.solve(a, np.ones(3))\n"
        "    return b @ b, np.sort(b)[0], np.zeros((2, 2)).sum()\n"
        "print(own(np.eye(3)))"
    )
    for _ in range(2):
        assert python(code, NUMBA_CACHE_DIR=tmp_path) == ("(3.0, 1.0, 0.0)\n", "")


# ---- calls -------------------------------------------------------------------------------------------------

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


def a_kernel(name: str = "first_bad_box") -> Any:
    return next(function for function, _ in _jit.kernels() if function.__name__ == name)


def test_a_direct_call_is_the_kernel() -> None:
    kernel = a_kernel()
    direct = _jit.Direct(kernel)
    boxes = np.array([[0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0]])
    first = direct.call
    assert direct.call(boxes) == 1  # looks the machine code up
    assert direct.call is not first
    assert direct.call(boxes) == kernel(boxes) == 1
    assert direct.call(boxes[:1]) == -1
    if not _jit.JIT_DISABLED:
        assert len(kernel.signatures) == 1


@needs_jit
def test_a_direct_call_falls_back_to_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    class Changed:
        """A dispatcher of a Numba whose inner parts have other names."""

        overloads: dict[Any, Any] = {}  # noqa: RUF012

        def compile(self, types: Any) -> None:
            pass

        def __call__(self, *arguments: Any) -> str:
            return "the slow way"

    changed = Changed()
    monkeypatch.setattr(_jit, "_KERNELS", [(changed, "int64(float64)")])
    direct = _jit.Direct(changed)
    assert direct.call(1.0) == "the slow way"
    assert direct.call is changed


@needs_jit
def test_parts_of_kernels_can_be_called_from_tests() -> None:
    part = _jit.inlined(lambda x: 2 * x)
    assert part(21) == 42


# Public functions in front of a ``Direct``: what they are called with, of boxes and whatever stands beside them.
IN_FRONT: dict[str, Any] = {
    "nms": lambda boxes, scores: detutils.nms(boxes, scores, 0.5),
    "batched_nms": lambda boxes, scores: detutils.batched_nms(boxes, scores, np.zeros(len(boxes), np.int64), 0.5),
    "box_iou": lambda boxes, scores: detutils.box_iou(boxes, boxes),
    "box_ioa": lambda boxes, scores: detutils.box_ioa(boxes, boxes),
    "generalized_box_iou": lambda boxes, scores: detutils.generalized_box_iou(boxes, boxes),
    "distance_box_iou": lambda boxes, scores: detutils.distance_box_iou(boxes, boxes),
    "complete_box_iou": lambda boxes, scores: detutils.complete_box_iou(boxes, boxes),
    "soft_nms": lambda boxes, scores: detutils.soft_nms(boxes, scores),
    "explain_nms": lambda boxes, scores: detutils.explain_nms(boxes, scores, 0.5).iou,
}


def test_every_direct_call_has_its_functions_in_the_table() -> None:
    """A module that holds a ``Direct`` is the home of functions of the table, and all its Directs are used by these."""
    _jit.kernels()
    for name in detutils.__all__:
        getattr(detutils, name)
    holders = {
        name
        for name, module in sys.modules.items()
        if name.startswith("detutils.")
        for value in vars(module).values()
        if any(isinstance(part, _jit.Direct) for part in (value if isinstance(value, tuple) else (value,)))
    }
    assert holders <= {detutils._HOMES[name] for name in IN_FRONT}, "put the functions into the table"


@pytest.mark.parametrize("name", IN_FRONT)
@pytest.mark.parametrize("n", [6, 60])
def test_a_wrong_dtype_is_converted_or_refused(name: str, n: int) -> None:
    rng = np.random.default_rng(n)
    corner = rng.integers(0, 40, (n, 2))
    boxes = np.hstack([corner, corner + rng.integers(5, 30, (n, 2))]).astype(np.float64)
    scores = rng.permutation(n).astype(np.float64)
    call = IN_FRONT[name]
    wanted = call(boxes, scores)
    for change in ("float32", "float16", ">f8", ">f4", "int64", "int32", "uint8", "int8", "longdouble"):
        for changed in ((boxes.astype(change), scores), (boxes, scores.astype(change)), (boxes.astype(change),) * 2):
            arguments = (changed[0], changed[1] if changed[1].ndim == 1 else scores.astype(change))
            np.testing.assert_allclose(call(*arguments), wanted, rtol=1e-6, atol=1e-6, err_msg=change)
    twice = np.hstack([boxes, boxes])
    for layout in (np.asfortranarray(boxes), boxes[::-1].copy()[::-1], twice[:, :4], np.repeat(boxes, 2, 0)[::2]):
        np.testing.assert_array_equal(call(layout, np.repeat(scores, 2)[::2]), wanted)
    unaligned = np.frombuffer(b"x" + boxes.tobytes(), np.uint8)[1:].view(np.float64).reshape(-1, 4)
    np.testing.assert_array_equal(call(unaligned, scores), wanted)
    for bad in ("complex128", "U8", "S8", "M8[s]", "m8[s]"):
        with pytest.raises(TypeError):
            call(boxes.astype(np.int64).astype(bad), scores)
    for wrong in (boxes.ravel(), boxes[:, :3].copy(), boxes[None], boxes[0]):
        with pytest.raises((TypeError, ValueError)):
            call(wrong, scores)
