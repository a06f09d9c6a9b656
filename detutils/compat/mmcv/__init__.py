"""Suppression and overlaps of mmcv (``mmcv.ops``), and mmdet's ``multiclass_nms``.

The line to change::

    from mmcv.ops import nms, batched_nms            ->  from detutils.compat.mmcv.ops import nms, batched_nms
    from mmcv.ops.nms import batched_nms             ->  from detutils.compat.mmcv.ops.nms import batched_nms
    from mmdet.core import multiclass_nms            ->  from detutils.compat.mmcv import multiclass_nms
    from mmdet.models.layers import multiclass_nms   ->  from detutils.compat.mmcv import multiclass_nms

Tensors in, tensors out; arrays in, arrays out, for every function (in the original for ``nms`` and ``soft_nms``). Equal
are the decisions and, up to rounding, all numbers. What differs::

    original                                | here                         | why
    ----------------------------------------+------------------------------+--------------------------------------------
    an IoU and a threshold in float32       | float64                      | the answer must not depend on the dtype
    tied scores of more than 16 boxes come  | lower index first, as of     | an order that can be relied on
    in the order of a sort that is not      | fewer boxes there            |
    stable                                  |                              |
    batched_nms moves classes apart by      | classes are compared         | boxes below 0 meet the neighbor class, and
    shifting coordinates                    |                              | large classes eat the digits of small boxes
    below ``split_thr`` boxes soft_nms in   | every box must reach         | the original differs from itself
    batched_nms keeps the best box whatever | ``min_score``                |
    its score, above the best of each class |                              |
    soft_nms takes tied scores in an order  | lower index first            | an order that can be relied on
    that earlier boxes leave behind         |                              |
    soft_nms with min_score=0 keeps scores  | a score must exceed 0        | a box at 0 is no detection
    of 0                                    |                              |
    soft_nms by "gaussian" turns the scores | such boxes overlap nothing   | NaN is no score
    of two boxes without area into NaN      |                              |
    bbox_overlaps of boxes without area:    | 0                            | a matrix with NaN spoils its maxima
    NaN                                     |                              |
    bbox_overlaps of integers truncates     | float32                      | every IoU but 1 is 0 there
    float64 boxes and 16-bit floats raise   | the answer of their values   |
    "nms_rotated", "nms_quadri" and         | ValueError                   | ``detutils.batched_rotated_nms`` has these
    "nms_match" as the type; five columns   |                              |
    AssertionError; rows that are not       | TypeError or ValueError that |
    finite or have x2 < x1 are computed     | names the argument           |
    with                                    |                              |
    the keyword iou_thr with a warning      | in ``nms_cfg`` only          |
"""

from detutils.compat.mmcv import ops as ops
from detutils.compat.mmcv.bbox_nms import multiclass_nms as multiclass_nms
from detutils.compat.mmcv.ops.bbox import bbox_overlaps as bbox_overlaps
from detutils.compat.mmcv.ops.nms import batched_nms as batched_nms, nms as nms, soft_nms as soft_nms

__all__ = ["batched_nms", "bbox_overlaps", "multiclass_nms", "nms", "ops", "soft_nms"]
