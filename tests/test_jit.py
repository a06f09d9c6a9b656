"""Calls of kernels: interrupts, direct calls, and what their arguments are turned into."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numba
import numpy as np
import pytest
from numba.core import sigutils
from numba.core.compiler import CompilerBase

import detutils
from detutils import _jit

needs_jit = pytest.mark.skipif(_jit.JIT_DISABLED, reason="no kernel is compiled")


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


def _four(boxes: Any) -> Any:
    """What some functions would take, though it has not four columns."""
    if np.ndim(boxes) != 2 or np.shape(boxes)[1] != 4:
        raise ValueError("not four columns")
    return boxes


def _turned(boxes: Any, scores: Any) -> Any:
    return np.hstack([boxes, np.reshape(scores, (-1, 1))])


def _head(boxes: Any, scores: Any) -> Any:
    """A raw head of one class with objectness."""
    return np.hstack([boxes, np.repeat(np.reshape(scores, (-1, 1)), 2, axis=1)])


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
    "rotated_box_iou": lambda boxes, scores: detutils.rotated_box_iou(_turned(boxes, scores), _turned(boxes, scores)),
    "rotated_nms": lambda boxes, scores: detutils.rotated_nms(_turned(boxes, scores), scores, 0.5),
    "assign_boxes": lambda boxes, scores: detutils.assign_boxes(_four(boxes), 9.0).pairs,
    "class_candidates": lambda boxes, scores: detutils.class_candidates(_four(boxes), 9.0, channels="last").rows,
    "detections_from_yolo": lambda boxes, scores: detutils.detections_from_yolo(
        _head(_four(boxes), scores)[:, :5], channels="last", score_threshold=2.0
    ).boxes,
    "detections_from_grids": lambda boxes, scores: detutils.detections_from_grids(
        [_head(_four(boxes), scores).T[:, None]], None, [8], coding="yolox", score_threshold=9.0, iou_threshold=None
    ).scores,
}  # fmt: skip


def test_every_direct_call_has_its_functions_in_the_table() -> None:
    """A module that holds a ``Direct`` is the home of functions of the table, or serves such homes."""
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
    known = {name for name in sys.modules if name.startswith("detutils.")}
    assert holders <= _jit._reach(known, {detutils._HOMES[name] for name in IN_FRONT}), "put them into the table"


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


def compiled(function: Any, *types: Any) -> None:
    numba.jit(**_jit._WHOLE)(function).compile(types)


@needs_jit
def test_a_part_is_embedded_where_it_says_so_whoever_calls_it_first() -> None:
    @_jit.inlined
    def inner(x: float) -> float:
        return x + 1.0

    @_jit.embedded
    def outer(x: float) -> float:
        return inner(x)

    compiled(lambda x: outer(x), numba.float64)
    code = [next(iter(part.overloads.values())).library.get_llvm_str() for part in (inner, outer)]  # type: ignore[attr-defined]
    assert ["alwaysinline" in text for text in code] == [False, True]


@needs_jit
@pytest.mark.parametrize("borrowed", [True, False])
def test_borrowing_parts_count_no_references(monkeypatch: pytest.MonkeyPatch, borrowed: bool) -> None:
    """A kernel whose parts take tuples of arrays, as it is, and with the same parts embedded."""
    monkeypatch.setattr(_jit, "_KERNELS", [])
    if not borrowed:
        monkeypatch.setattr(_jit, "borrowing", _jit.embedded)
    spec = importlib.util.find_spec("detutils.proposals._kernels.grouping")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ((dispatcher, signature),) = [kernel for kernel in _jit._KERNELS if kernel[0] is module.merge_regions]
    types, _ = sigutils.normalize_signature(signature)
    kernel = numba.jit(**_jit._WHOLE)(dispatcher.py_func)
    kernel.compile(tuple(types))
    (code,) = kernel.inspect_llvm().values()
    body = code[code.index("\ndefine ") :]
    assert ("@NRT_incref(" in body[: body.index("\n}")]) != borrowed


def test_what_code_was_asked_for_is_known() -> None:
    """So that the test of one signature a kernel sees a whole number in place of a real one."""
    cache = _jit._Cache(test_what_code_was_asked_for_is_known, "void(float64)")
    for kind in (numba.float64, numba.int64, numba.int64):
        assert cache.load_overload((kind,), None) is None
    assert cache.asked == {(numba.float64,), (numba.int64,)}


@needs_jit
@pytest.mark.parametrize("handed_back", ["itself", "a view", "a tuple", "a new one"])
def test_a_borrowing_part_that_hands_arrays_back_is_refused(handed_back: str) -> None:
    """Its caller would let go of what nobody has counted."""
    results: dict[str, Any] = {
        "itself": lambda a: a,
        "a view": lambda a: a[1:],
        "a tuple": lambda a: (1, a),
        "a new one": lambda a: np.empty(3),
    }
    part = _jit.borrowing(results[handed_back])
    with pytest.raises((TypeError, numba.TypingError), match=r"hand none back|Only accept returning|empty"):
        compiled(lambda a: len(part(a)), numba.float64[::1])


@needs_jit
def test_functions_of_numpy_are_compiled_once_for_kernels_and_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    compile_core = CompilerBase._compile_core

    def counting(self: Any) -> Any:
        names.append(self.state.func_id.func_qualname)
        return compile_core(self)

    @_jit.inlined
    def part(n: int) -> Any:
        return np.zeros((n, n, n, n), dtype=np.int16)

    def kernel(n: int) -> int:
        first, second = part(n), np.empty((n, n, n, n), dtype=np.int16)
        return first.ndim + second.ndim

    monkeypatch.setattr(CompilerBase, "_compile_core", counting)
    compiled(kernel, numba.int64)
    assert sum(name.startswith("ol_np_empty") for name in names) == 1
