"""What proposals cover."""

from __future__ import annotations

from typing import Any

from detutils._jit import F8, I8, inlined, kernel
from detutils.geometry._kernels.pair import intersection, iou


@inlined
def area_of(boxes: Any, i: Any, offset: Any) -> Any:
    """The area of a row x1, y1, x2, y2."""
    return (boxes[i, 2] - boxes[i, 0] + offset) * (boxes[i, 3] - boxes[i, 1] + offset)


@inlined
def iou_of(a: Any, i: Any, area: Any, b: Any, j: Any, offset: Any) -> Any:
    """IoU of row i of ``a``, whose area is known, and row j of ``b``."""
    first, second = (a[i, 0], a[i, 1], a[i, 2], a[i, 3]), (b[j, 0], b[j, 1], b[j, 2], b[j, 3])
    common = intersection(first, second, offset, 0.0)
    return iou(common, area, area_of(b, j, offset), 0.0, 1.0)


@kernel(
    "void(float64[:,::1], int64[::1], float64[:,::1], int64[::1], int64[::1], float64, int64[::1], float64[:,::1])"
)
def best_overlaps(
    objects: F8, objects_from: I8, proposals: F8, proposals_from: I8, budgets: I8, offset: float, images: I8, best: F8
) -> None:
    """For the images from images[0] to images[1]: IoU of each object with the best of the first ``budgets[b]``
    proposals."""
    for image in range(images[0], images[1]):
        first, last = proposals_from[image], proposals_from[image + 1]
        for g in range(objects_from[image], objects_from[image + 1]):
            area = area_of(objects, g, offset)
            so_far, done = 0.0, first
            for b in range(budgets.shape[0]):
                stop = min(last, first + budgets[b])
                for p in range(done, stop):
                    so_far = max(so_far, iou_of(objects, g, area, proposals, p, offset))
                done = max(done, stop)
                best[g, b] = so_far
