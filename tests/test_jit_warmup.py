"""Warm-up compiles all that calls need, and a warm cache costs and breaks nothing."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import detutils
from detutils import _jit
from tests.processes import python

needs_jit = pytest.mark.skipif(_jit.JIT_DISABLED, reason="no kernel is compiled")


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


NOTHING_MORE = """
import sys
import numpy as np, detutils
from numba.core import event
from detutils import _jit
compiled = []
class Listener(event.Listener):
    def on_start(self, event):
        compiled.append(event.data["dispatcher"].__name__)
    def on_end(self, event):
        pass
event.register("numba:compile", Listener())
def ready():
    return {kernel.__name__ for kernel, _ in _jit.kernels() if kernel.overloads}
assert not ready()
detutils.warmup("{family}")
before = ready()
assert before
if sys.argv[1:] == ["again"]:
    sys.exit(f"{compiled} compiled again" if compiled else 0)
compiled.clear()
rng = np.random.default_rng(0)
def scene(n, dtype, spread):
    corner = rng.uniform(0, spread, (n, 2))
    boxes = np.hstack([corner, corner + rng.uniform(5, 30, (n, 2))]).astype(dtype)
    return boxes, rng.random(n).astype(dtype), rng.integers(0, 5, n)
{calls}
assert not compiled, compiled
assert ready() == before, ready() - before
"""
NMS_CALLS = """
for n in (0, 1, 20, 100, 1000, 6000):
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
@pytest.mark.parametrize(
    ("family", "calls"), [("overlaps", OVERLAP_CALLS), pytest.param("nms", NMS_CALLS, marks=pytest.mark.slow)]
)
def test_calls_need_no_more_than_a_warmup(family: str, calls: str) -> None:
    """Calls use kernels that are ready after the warm-up, compiled or found; the next process finds them all."""
    code = NOTHING_MORE.replace("{family}", family).replace("{calls}", calls)
    python(code)
    if family == "overlaps":  # fewer
        python(code, "again")


LOADED = "print('scipy.linalg' in sys.modules, 'numba.np.arraymath' in sys.modules)\n"
AREA = "import sys, detutils\nprint(*detutils.box_area([[0, 0, 3, 9]]))\n"
NMS = (
    "import sys, numpy as np, detutils\n"
    "print(*detutils.nms(np.array([[0, 0, 9, 9], [0, 0, 9, 8.0], [20, 0, 30, 9]]), np.array([0.5, 0.6, 0.7])))\n"
)


@pytest.mark.slow
@needs_jit
def test_a_warm_cache_loads_no_compiler(tmp_path: Path) -> None:
    """Reading machine code brings neither SciPy nor the parts of Numba that only its compiler needs."""
    assert python(AREA + LOADED, NUMBA_CACHE_DIR=tmp_path) == ("27.0\nTrue True\n", "")
    assert python(AREA + LOADED, NUMBA_CACHE_DIR=tmp_path) == ("27.0\nFalse False\n", "")
    python(NMS)
    assert python(NMS + LOADED) == ("2 1\nFalse False\n", "")


OWN = """
import numpy as np, numba
@numba.njit
def own(a):
    return np.linalg.det(a), a[0] @ a[0], a.sum()
print(own(np.eye(3)))
"""


@pytest.mark.slow
@needs_jit
def test_numba_works_as_before_beside_a_warm_cache() -> None:
    """Functions of the user's own compile after ours were read, those with linear algebra too."""
    python(NMS)
    assert python(NMS + LOADED + OWN) == ("2 1\nFalse False\n(1.0, 1.0, 3.0)\n", "")
