"""Tensors in, tensors out, without importing the library that they come from."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def as_array(value: Any) -> Any:
    """A NumPy view of a torch tensor, detached and on the CPU; anything else as it is.

    The memory is shared where the tensor lies on the CPU, so that a slice keeps its strides. NumPy has no bfloat16:
    such a tensor is read as float32, which holds each of its values. A tensor that cannot be read (a sparse one, one
    without memory) comes back as it is, so that the check of the argument refuses it by its name.
    """
    if type(value) is np.ndarray or not hasattr(value, "detach"):
        return value
    try:
        tensor = value.detach()
        if tensor.device.type != "cpu":
            tensor = tensor.cpu()
        try:
            return tensor.numpy()
        except TypeError:
            return tensor.float().numpy()
    except Exception:  # foreign objects raise what they like
        return value


def like(answer: Any, origin: Any) -> Any:
    """An array as a tensor on the device of ``origin`` if that is a tensor; else as it is."""
    if type(origin) is np.ndarray or not hasattr(origin, "detach"):
        return answer
    tensor = sys.modules["torch"].from_numpy(answer)
    return tensor if origin.device.type == "cpu" else tensor.to(origin.device)
