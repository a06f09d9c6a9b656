"""``mmcv.ops``: suppression and overlaps (see ``detutils.compat.mmcv``)."""

from detutils.compat.mmcv.ops.bbox import bbox_overlaps as bbox_overlaps
from detutils.compat.mmcv.ops.nms import batched_nms as batched_nms, nms as nms, soft_nms as soft_nms

__all__ = ["batched_nms", "bbox_overlaps", "nms", "soft_nms"]
