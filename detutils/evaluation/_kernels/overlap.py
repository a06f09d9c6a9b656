"""How much a detection overlaps an object, upright or rotated: the one place that evaluation asks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detutils._jit import embedded
from detutils.geometry._kernels.pair import intersection, iou
from detutils.geometry._kernels.rotated_overlaps import common_of

ASIDE = 5  # the column of objects that says whether one is set aside, 2 for a crowd


class Scene(NamedTuple):
    """Rows (x, y, width, height, ...) of detections and objects. ``turned`` is None, known to the compiler, where boxes
    are upright, else the prepared rotated boxes of both; ``table`` is empty unless the overlaps are given."""

    found: Any
    objects: Any
    turned: Any
    table: Any


@embedded
def untabled(found: Any, objects: Any, turned: Any) -> Any:
    """A scene whose overlaps are computed."""
    return Scene(found, objects, turned, np.empty((0, 0), np.float64))


@embedded
def _corners(rows: Any, i: Any) -> Any:
    return rows[i, 0], rows[i, 1], rows[i, 2] + rows[i, 0], rows[i, 3] + rows[i, 1]


@embedded
def _common(found: Any, d: Any, objects: Any, g: Any, turned: Any) -> Any:
    """The area that both share."""
    if turned is None:
        return intersection(_corners(found, d), _corners(objects, g), 0.0, 0.0)
    return common_of(turned[0], d, turned[1], g)


@embedded
def overlap(scene: Any, d: Any, g: Any) -> Any:
    """IoU as maskApi.c computes it: with a crowd, the share of the detection that lies inside."""
    if scene.table.shape[0] > 0:
        return scene.table[d, g]
    found, objects = scene.found, scene.objects
    common, area = _common(found, d, objects, g, scene.turned), found[d, 2] * found[d, 3]
    if objects[g, ASIDE] == 2.0:
        return common / area if area > 0.0 else 0.0
    return iou(common, area, objects[g, 2] * objects[g, 3], 0.0, 1.0)
