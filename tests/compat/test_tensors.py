"""The bridge: what torch holds is read in place, and what goes back is a tensor again."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from detutils.compat.tensors import as_array, like, like_in_dtype, narrowed, rounded_like


def test_anything_else_stays_as_it_is() -> None:
    rows = [[1, 2, 3, 4]]
    array = np.ones((2, 4))
    assert as_array(rows) is rows
    assert as_array(array) is array
    assert like(array, rows) is array
    assert like(array, array) is array


class Tensor:
    """What the bridge asks of a tensor: one that NumPy reads at once, only by force, or only as another dtype."""

    def __init__(self, values: np.ndarray, *, plain: bool = True, known: bool = True, is_cpu: bool = True) -> None:
        self.values, self.plain, self.known, self.is_cpu, self.device = values, plain, known, is_cpu, "elsewhere"
        self.dtype = np.float16

    def detach(self) -> Any:
        raise AssertionError("one call more than needed")

    def numpy(self, *, force: bool = False) -> np.ndarray:
        if not self.known:
            raise TypeError("no such dtype")
        if not (self.plain or force):
            raise RuntimeError("it requires a gradient")
        return self.values

    def dequantize(self) -> Tensor:
        return Tensor(self.values.astype(np.float32), plain=False)

    def to(self, where: Any) -> Tensor:
        return Tensor(self.values.astype(where) if where is np.float16 else -self.values)


def test_the_way_there_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.array([1.0, 2.0])
    assert as_array(Tensor(values)) is values
    assert as_array(Tensor(values, plain=False)) is values
    assert as_array(Tensor(values, known=False)).dtype == np.float32
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(from_numpy=Tensor))
    assert like(values, Tensor(values)).values is values
    assert like(values, Tensor(values, is_cpu=False)).values.tolist() == [-1, -2]
    assert like_in_dtype(values, Tensor(values), values, "x").values.dtype == np.float16


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    table = torch.arange(12.0).reshape(2, 6).requires_grad_()
    seen = as_array(table[:, :4])
    assert seen.strides == (24, 4)
    assert np.shares_memory(seen, table.detach().numpy())
    assert as_array(table.detach().bfloat16()).tolist() == table.detach().tolist()
    quantized = torch.quantize_per_tensor(table.detach(), 2.0, 1, torch.quint8)
    assert as_array(quantized).tolist() == quantized.dequantize().tolist()
    back = like(np.array([3, 1]), table)
    assert isinstance(back, torch.Tensor)
    assert back.dtype == torch.int64
    assert back.tolist() == [3, 1]


def test_what_cannot_be_read_stays_as_it_is() -> None:
    """A file has ``detach``, too; what it is not the check of the argument says."""
    file = io.StringIO("1")
    assert as_array(file) is file
    torch = pytest.importorskip("torch")
    for tensor in (torch.eye(3).to_sparse(), torch.zeros(2, device="meta")):
        assert as_array(tensor) is tensor
    assert as_array(torch.tensor([1 + 2j]).conj()).tolist() == [1 - 2j]


def test_dtypes_of_answers() -> None:
    wide, narrow, whole = np.ones(2), np.ones(2, np.float32), np.ones(2, np.int64)
    assert narrowed(wide, narrow, whole).dtype == np.float32
    assert narrowed(wide, narrow, wide) is wide
    assert narrowed(wide, [1.0]) is wide
    assert narrowed(np.array([1e300]), whole)[0] == np.inf
    assert like_in_dtype(wide, whole, whole, "x").dtype == np.int64
    assert like_in_dtype(wide, narrow, narrow.astype(np.float16), "x").dtype == np.float16
    assert like_in_dtype(wide, [1], [1], "x") is wide
    with pytest.raises(ValueError, match="x leave the range of int8"):
        like_in_dtype(wide * 128, whole, whole.astype(np.int8), "x")
    for value in (2.0**54, -(2.0**54)):
        with pytest.raises(ValueError, match="x leave the range of int64"):
            like_in_dtype(wide * value, whole, whole, "x")
    assert like_in_dtype(wide * -128, whole, whole.astype(np.int8), "x").tolist() == [-128, -128]


def test_thresholds_in_a_dtype() -> None:
    assert rounded_like(0.3, np.ones(2)) == 0.3
    assert rounded_like(0.3, np.ones(2, np.float32)) == float(np.float32(0.3)) != 0.3
    assert rounded_like(0.3, [1]) == rounded_like(0.3, np.ones(2, int)) == 0.3
    assert rounded_like(1e300, np.ones(2, np.float32)) == 1e300
