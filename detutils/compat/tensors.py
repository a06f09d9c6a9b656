"""Tensors in, tensors out, without importing the library that they come from."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from detutils._validate import EXACT_INTEGERS, FLOAT32, FLOAT64, Array


def as_array(value: Any) -> Any:
    """A NumPy view of a torch tensor, detached and on the CPU; anything else as it is.

    The memory is shared where the tensor lies on the CPU, so that a slice keeps its strides. NumPy has no bfloat16 and
    no quantized numbers: such a tensor is read as float32, which holds each of its values. A tensor that cannot be
    read (a sparse one, one without memory) comes back as it is, so that the check of the argument refuses it by its
    name.
    """
    if type(value) is np.ndarray or not hasattr(value, "detach"):
        return value
    try:
        return value.numpy()
    except Exception:  # it requires a gradient, lies on another device, has no such dtype: what follows costs more
        pass
    try:
        try:
            return value.numpy(force=True)
        except TypeError:
            return value.dequantize().numpy(force=True)  # float32, of bfloat16, too
    except Exception:  # foreign objects raise what they like
        return value


def like(answer: Any, origin: Any) -> Any:
    """An array as a tensor on the device of ``origin`` if that is a tensor; else as it is."""
    if type(origin) is np.ndarray or not hasattr(origin, "detach"):
        return answer
    tensor = sys.modules["torch"].from_numpy(answer)
    return tensor if origin.is_cpu else tensor.to(origin.device)


def is_wide(value: Any) -> bool:
    """Whether what is computed of a value is float64, as torch has it: integers and shorter floats give float32."""
    return not isinstance(value, np.ndarray) or (value.dtype.kind == "f" and value.dtype.itemsize >= 8)


def narrowed(answer: Array, *inputs: Any) -> Array:
    """A float64 answer as float32 where torch computes in float32: none of the inputs (as arrays) is float64."""
    if answer.dtype == FLOAT64 and not any(map(is_wide, inputs)):
        with np.errstate(over="ignore"):
            return answer.astype(FLOAT32)
    return answer


def as_integers(answer: Array, dtype: np.dtype[Any], name: str) -> Array:
    """Whole numbers in an integer dtype; where torch would let them wrap around they are refused."""
    bounds = np.iinfo(dtype)
    low, high = max(bounds.min, -EXACT_INTEGERS), min(bounds.max, EXACT_INTEGERS)
    if answer.size and not low <= answer.min() <= answer.max() <= high:
        raise ValueError(f"{name} leave the range of {dtype}")
    return answer.astype(dtype)


def like_in_dtype(answer: Array, origin: Any, values: Any, name: str) -> Any:
    """``like``, and of the dtype of ``origin``, whose numbers are ``values``: NumPy has no name for bfloat16."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf" and answer.dtype != values.dtype:
        whole = values.dtype.kind != "f"
        answer = as_integers(answer, values.dtype, name) if whole else answer.astype(values.dtype)
    tensor = like(answer, origin)
    return tensor if tensor is answer else tensor.to(origin.dtype)


def rounded_like(threshold: float, values: Any) -> float:
    """A threshold as torch compares it with a tensor: in the tensor's dtype, so that 0.3 is not less than its 0.3."""
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f" or values.dtype.itemsize >= 8:
        return threshold
    with np.errstate(over="ignore"):
        rounded = float(values.dtype.type(threshold))
    return rounded if math.isfinite(rounded) else threshold
