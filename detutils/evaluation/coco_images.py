"""COCO's matching of one image and class at a time, from a table of overlaps that may be anyone's."""

from __future__ import annotations

import numpy as np

from detutils._jit import B1, F8, I4
from detutils._validate import check_memory
from detutils.evaluation._kernels.coco import match_class, tabulate


def overlap_table(found: F8, objects: F8, crowd: B1) -> F8:
    """(D, G) IoU of rows (x, y, width, height), to the last digit that of maskApi.c; with a crowd, the part of the
    detection that lies inside."""
    size = found.shape[0] * objects.shape[0]
    check_memory(size * 8, f"the overlaps of {found.shape[0]} detections and {objects.shape[0]} objects")
    table: F8 = np.empty((found.shape[0], objects.shape[0]))
    none = np.zeros(objects.shape[0])
    tabulate(np.ascontiguousarray(found), np.column_stack([objects, none, np.where(crowd, 2.0, 0.0)]), table)
    return table


def image_partners(table: F8, areas: tuple[F8, F8], aside: F8, thresholds: F8, area_range: tuple[float, float]) -> I4:
    """(T, D) place of the object that each detection takes at each threshold, -1 for none.

    ``table`` (D, G) holds the overlaps of detections, by falling score, and objects; ``areas`` are those of both,
    ``aside`` is 0 for an object that counts, 1 for one that does not and 2 for a crowd. At most 60 thresholds.
    """
    found, objects = np.zeros((table.shape[0], 5)), np.zeros((table.shape[1], 6))
    found[:, 4], objects[:, 4], objects[:, 5] = areas[0], areas[1], aside
    detections, owned = (np.zeros((count, 2), np.int64) for count in table.shape)
    detections[:, 0], owned[:, 0] = np.arange(table.shape[0]), np.arange(table.shape[1])
    asked = thresholds, np.array([area_range]), np.array([table.shape[0], 1])
    states = np.empty((table.shape[0], 3), np.int64)
    partners = np.full((table.shape[0], 1, thresholds.size), -1, np.int32)
    match_class(found, detections, objects, owned, asked, np.ascontiguousarray(table, np.float64), states, partners)
    return partners[:, 0].T
