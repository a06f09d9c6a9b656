"""Object detection without torch: NumPy arrays in, NumPy arrays out, Numba kernels inside.

A tour, from pixels to numbers:

- ``read_image`` -> ``selective_search`` or ``grid_anchors`` propose boxes; ``decode_boxes`` or a ``BoxRegressor`` moves
  them onto objects; ``nms`` and its family thin them out; ``draw_boxes`` shows them.
- ``match_boxes``, ``sample_matches`` and ``encode_boxes`` make training targets.
- ``read_coco``, ``read_voc`` and ``read_yolo`` bring annotations; ``evaluate_coco``, ``evaluate_voc`` and
  ``proposal_recall`` say how good the boxes are.

Boxes are (N, 4) arrays of x1, y1, x2, y2 in continuous pixel coordinates; ``offset=1`` switches to inclusive pixels.
A name is imported when it is first used: ``import detutils`` itself costs no more than NumPy.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

__version__ = "0.2.0"

# The stub lists every public name once, with the module where it lives; here it is imported at its first use.
with open(f"{__file__.removesuffix('.py')}.pyi", encoding="utf-8") as _stub:
    _HOMES: dict[str, str] = {
        name: module for module, name in re.findall(r"^from (\S+) import (\w+)", _stub.read(), re.MULTILINE)
    }
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'detutils' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
