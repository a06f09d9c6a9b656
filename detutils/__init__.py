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
    "warmup": "_jit",
    "aligned_box_ioa": "aligned",
    "aligned_box_iou": "aligned",
    "aligned_complete_box_iou": "aligned",
    "aligned_distance_box_iou": "aligned",
    "aligned_generalized_box_iou": "aligned",
    "anchors_inside_image": "anchors",
    "generate_anchors": "anchors",
    "grid_anchors": "anchors",
    "kmeans_anchors": "anchors",
    "pyramid_anchors": "anchors",
    "box_area": "boxes",
    "box_convert": "boxes",
    "clip_boxes_to_image": "boxes",
    "remove_small_boxes": "boxes",
    "decode_boxes": "coding",
    "encode_boxes": "coding",
    "read_coco": "datasets.coco",
    "read_coco_detections": "datasets.coco",
    "write_coco_detections": "datasets.coco",
    "AnnotatedImage": "datasets.records",
    "Dataset": "datasets.records",
    "Detections": "datasets.records",
    "read_voc": "datasets.voc",
    "read_yolo": "datasets.yolo",
    "draw_boxes": "draw",
    "draw_segments": "draw",
    "CocoResult": "evaluation.coco",
    "evaluate_coco": "evaluation.coco",
    "PrecisionRecall": "evaluation.precision_recall",
    "average_precision": "evaluation.precision_recall",
    "plot_precision_recall": "evaluation.precision_recall",
    "precision_recall_curve": "evaluation.precision_recall",
    "BestOverlap": "evaluation.recall",
    "ProposalRecall": "evaluation.recall",
    "average_best_overlap": "evaluation.recall",
    "proposal_recall": "evaluation.recall",
    "VocResult": "evaluation.voc",
    "evaluate_voc": "evaluation.voc",
    "box_features": "features",
    "crop_boxes": "features",
    "Explanation": "explanation",
    "explain_nms": "explanation",
    "FusedBoxes": "fusion",
    "box_voting": "fusion",
    "soft_nms": "fusion",
    "weighted_boxes_fusion": "fusion",
    "read_image": "images",
    "write_image": "images",
    "Matches": "matching",
    "ProposalSample": "matching",
    "Sample": "matching",
    "match_boxes": "matching",
    "sample_matches": "matching",
    "sample_proposals": "matching",
    "box_ioa": "overlaps",
    "box_iou": "overlaps",
    "complete_box_iou": "overlaps",
    "distance_box_iou": "overlaps",
    "generalized_box_iou": "overlaps",
    "draw_panels": "panels",
    "Hierarchy": "proposals.grouping",
    "Strategy": "proposals.grouping",
    "hierarchical_grouping": "proposals.grouping",
    "felzenszwalb": "proposals.segmentation",
    "Proposals": "proposals.strategies",
    "selective_search": "proposals.strategies",
    "RCNN": "rcnn.model",
    "train_rcnn": "rcnn.training",
    "BoxRegressor": "regressor",
    "RpnProposals": "rpn",
    "RpnTargets": "rpn",
    "rpn_proposals": "rpn",
    "rpn_targets": "rpn",
    "ImageProposals": "scale_out",
    "propose_images": "scale_out",
    "batched_nms": "suppression",
    "nms": "suppression",
    "Scenes": "synthetic",
    "make_scenes": "synthetic",
    "write_scenes": "synthetic",
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
    from detutils.aligned import (
        aligned_box_ioa as aligned_box_ioa,
        aligned_box_iou as aligned_box_iou,
        aligned_complete_box_iou as aligned_complete_box_iou,
        aligned_distance_box_iou as aligned_distance_box_iou,
        aligned_generalized_box_iou as aligned_generalized_box_iou,
    )
    from detutils.anchors import (
        anchors_inside_image as anchors_inside_image,
        generate_anchors as generate_anchors,
        grid_anchors as grid_anchors,
        kmeans_anchors as kmeans_anchors,
        pyramid_anchors as pyramid_anchors,
    )
    from detutils.boxes import (
        box_area as box_area,
        box_convert as box_convert,
        clip_boxes_to_image as clip_boxes_to_image,
        remove_small_boxes as remove_small_boxes,
    )
    from detutils.coding import decode_boxes as decode_boxes, encode_boxes as encode_boxes
    from detutils.datasets.coco import (
        read_coco as read_coco,
        read_coco_detections as read_coco_detections,
        write_coco_detections as write_coco_detections,
    )
    from detutils.datasets.records import AnnotatedImage as AnnotatedImage, Dataset as Dataset, Detections as Detections
    from detutils.datasets.voc import read_voc as read_voc
    from detutils.datasets.yolo import read_yolo as read_yolo
    from detutils.draw import draw_boxes as draw_boxes, draw_segments as draw_segments
    from detutils.evaluation.coco import CocoResult as CocoResult, evaluate_coco as evaluate_coco
    from detutils.evaluation.precision_recall import (
        PrecisionRecall as PrecisionRecall,
        average_precision as average_precision,
        plot_precision_recall as plot_precision_recall,
        precision_recall_curve as precision_recall_curve,
    )
    from detutils.evaluation.recall import (
        BestOverlap as BestOverlap,
        ProposalRecall as ProposalRecall,
        average_best_overlap as average_best_overlap,
        proposal_recall as proposal_recall,
    )
    from detutils.evaluation.voc import VocResult as VocResult, evaluate_voc as evaluate_voc
    from detutils.explanation import Explanation as Explanation, explain_nms as explain_nms
    from detutils.features import box_features as box_features, crop_boxes as crop_boxes
    from detutils.fusion import (
        FusedBoxes as FusedBoxes,
        box_voting as box_voting,
        soft_nms as soft_nms,
        weighted_boxes_fusion as weighted_boxes_fusion,
    )
    from detutils.images import read_image as read_image, write_image as write_image
    from detutils.matching import (
        Matches as Matches,
        ProposalSample as ProposalSample,
        Sample as Sample,
        match_boxes as match_boxes,
        sample_matches as sample_matches,
        sample_proposals as sample_proposals,
    )
    from detutils.overlaps import (
        box_ioa as box_ioa,
        box_iou as box_iou,
        complete_box_iou as complete_box_iou,
        distance_box_iou as distance_box_iou,
        generalized_box_iou as generalized_box_iou,
    )
    from detutils.panels import draw_panels as draw_panels
    from detutils.proposals.grouping import (
        Hierarchy as Hierarchy,
        Strategy as Strategy,
        hierarchical_grouping as hierarchical_grouping,
    )
    from detutils.proposals.segmentation import felzenszwalb as felzenszwalb
    from detutils.proposals.strategies import Proposals as Proposals, selective_search as selective_search
    from detutils.rcnn.model import RCNN as RCNN
    from detutils.rcnn.training import train_rcnn as train_rcnn
    from detutils.regressor import BoxRegressor as BoxRegressor
    from detutils.rpn import (
        RpnProposals as RpnProposals,
        RpnTargets as RpnTargets,
        rpn_proposals as rpn_proposals,
        rpn_targets as rpn_targets,
    )
    from detutils.scale_out import ImageProposals as ImageProposals, propose_images as propose_images
    from detutils.suppression import batched_nms as batched_nms, nms as nms
    from detutils.synthetic import Scenes as Scenes, make_scenes as make_scenes, write_scenes as write_scenes
