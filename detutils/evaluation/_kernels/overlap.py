"""How much a detection overlaps an object, upright or rotated: the one place that evaluation asks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detutils._jit import embedded
from detutils.geometry._kernels.pair import intersection, iou
from detutils.geometry._kernels.rotated_overlaps import common_of

ASIDE = 5  # the column of objects that says whether one is set aside, 2 for a crowd


class Scene(NamedTuple):
    """Rows (x, y, width, height, ...) of detections and objects. ``turned`` are the prepared rotated boxes of both,
    without columns where boxes are upright; ``table`` is empty unless the overlaps are given."""

    found: Any
    objects: Any
    turned: Any
    table: Any


@embedded
def scene_of(found: Any, objects: Any, table: Any) -> Any:
    """Rows that end with the eight numbers of rotated boxes, or do not."""
    return Scene(found, objects, (found[:, 5:], objects[:, 6:]), table)


@embedded
def untabled(found: Any, objects: Any) -> Any:
    """A scene whose overlaps are computed."""
    return scene_of(found, objects, np.empty((0, 0), np.float64))


@embedded
def _corners(rows: Any, i: Any) -> Any:
    return rows[i, 0], rows[i, 1], rows[i, 2] + rows[i, 0], rows[i, 3] + rows[i, 1]


@embedded
def _share(found: Any, d: Any, objects: Any, g: Any, common: Any) -> Any:
    """IoU as maskApi.c computes it: with a crowd, the share of the detection that lies inside."""
    area = found[d, 2] * found[d, 3]
    if objects[g, ASIDE] == 2.0:
        return common / area if area > 0.0 else 0.0
    return iou(common, area, objects[g, 2] * objects[g, 3], 0.0, 1.0)


@embedded
def upright_overlap(found: Any, d: Any, objects: Any, g: Any) -> Any:
    """How much an upright detection overlaps an object."""
    return _share(found, d, objects, g, intersection(_corners(found, d), _corners(objects, g), 0.0, 0.0))


@embedded
def turned_overlap(scene: Any, d: Any, g: Any) -> Any:
    """How much a rotated detection overlaps an object."""
    return _share(scene.found, d, scene.objects, g, common_of(scene.turned[0], d, scene.turned[1], g))


@embedded
def fill_overlaps(scene: Any, d: Any, owned: Any, span: Any, values: Any) -> None:
    """How much a detection overlaps each of some objects: a loop for each kind, without a choice in it."""
    if scene.table.shape[0] > 0:
        for k in range(span[0], span[1]):
            values[k] = scene.table[d, owned[k, 0]]
    elif scene.turned[0].shape[1] > 0:
        for k in range(span[0], span[1]):
            values[k] = turned_overlap(scene, d, owned[k, 0])
    else:
        for k in range(span[0], span[1]):
            values[k] = upright_overlap(scene.found, d, scene.objects, owned[k, 0])
