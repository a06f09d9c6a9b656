"""The bridge: what torch holds is read in place, and what goes back is a tensor again."""

from __future__ import annotations

import numpy as np
import pytest

from detutils.compat.tensors import as_array, like


def test_anything_else_stays_as_it_is() -> None:
    rows = [[1, 2, 3, 4]]
    array = np.ones((2, 4))
    assert as_array(rows) is rows
    assert as_array(array) is array
    assert like(array, rows) is array
    assert like(array, array) is array


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    table = torch.arange(12.0).reshape(2, 6).requires_grad_()
    seen = as_array(table[:, :4])
    assert seen.strides == (24, 4)
    assert np.shares_memory(seen, table.detach().numpy())
    assert as_array(table.detach().bfloat16()).tolist() == table.detach().tolist()
    back = like(np.array([3, 1]), table)
    assert isinstance(back, torch.Tensor)
    assert back.dtype == torch.int64
    assert back.tolist() == [3, 1]
