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
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# The public names and the modules where they live. A test holds this table and the imports below together.
_HOMES: dict[str, str] = {
    "box_area": "boxes",
    "box_convert": "boxes",
    "clip_boxes_to_image": "boxes",
    "remove_small_boxes": "boxes",
    "read_image": "images",
    "write_image": "images",
    "warmup": "_jit",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'detutils' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"detutils.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if TYPE_CHECKING:
    from detutils._jit import warmup as warmup
    from detutils.boxes import box_area as box_area
    from detutils.boxes import box_convert as box_convert
    from detutils.boxes import clip_boxes_to_image as clip_boxes_to_image
    from detutils.boxes import remove_small_boxes as remove_small_boxes
    from detutils.images import read_image as read_image
    from detutils.images import write_image as write_image
