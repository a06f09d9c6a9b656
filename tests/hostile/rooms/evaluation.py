"""Numbers, curves and reasons, and the pictures of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

import detutils as d
from tests.hostile.goods import BOXES, DETECTIONS, FOUND, IMAGE, LABELS, NONE, OFFSET, OTHERS, SCORES, TRUTH, A, Add
from tests.hostile.kinds import (
    few_integers,
    flag,
    flags,
    indices,
    integer,
    labels,
    marks,
    names,
    nothing,
    number,
    numbers,
    word,
)

TURNED = np.array(
    [[50, 50, 40, 20, 30], [52, 50, 40, 20, 20], [9, 9, 4, 2, 0], [50, 52, 20, 40, 120], [9, 8, 4, 4, 45]], np.float64
)


def _record(field: str) -> Callable[..., Any]:
    """A call of an evaluation with one field of its one image."""

    def ground_truth(evaluate: Callable[..., Any], detections: Any) -> Callable[..., Any]:
        return lambda **fields: evaluate(detections, [IMAGE._replace(**fields)])

    def found(evaluate: Callable[..., Any]) -> Callable[..., Any]:
        return lambda **fields: evaluate([FOUND.replace(**fields)], [IMAGE])

    return ground_truth if field == "ground_truth" else found


def _rotated(evaluate: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """A call of an evaluation with rotated boxes on one side."""
    truth = [(TURNED[:3], LABELS[:3])]
    return lambda boxes, angle: evaluate([(boxes, SCORES, LABELS)], truth, angle=angle, **options)


def _accumulated(**options: Any) -> Any:
    return d.CocoAccumulator(**options).update([FOUND], [IMAGE]).result()


def fill(add: Add) -> None:
    found = {
        "boxes": A(BOXES, numbers),
        "scores": A(SCORES, numbers),
        "labels": A(LABELS, labels),
        "sizes": A(BOXES[:, 2:] - BOXES[:, :2], numbers, optional=True),
    }
    for name, function in (("evaluate_coco", d.evaluate_coco), ("evaluate_voc", d.evaluate_voc)):
        add(f"{name}, detections", _record("detections")(function), **found)
    fields = {
        "boxes": A(OTHERS, numbers),
        "labels": A(LABELS[:3], labels),
        "areas": A(np.array([8.0, 9, 7]), numbers, "area", optional=True),
        "sizes": A(OTHERS[:, 2:] - OTHERS[:, :2], numbers, optional=True),
    }
    add("evaluate_coco, ground truth", _record("ground_truth")(d.evaluate_coco, [FOUND]), **fields)
    add("evaluate_voc, ground truth", _record("ground_truth")(d.evaluate_voc, [FOUND]), **fields)
    add("average_best_overlap, ground truth", _record("ground_truth")(d.average_best_overlap, [BOXES]), **fields)
    rules = {
        "iou_thresholds": A(np.array([0.5, 0.75]), numbers, optional=True),
        "max_detections": A((1, 2, 3), few_integers),
    }
    areas = {"areas": A({"all": (0.0, 1e10)}, nothing, optional=True, taken="{}"), "class_agnostic": A(False, flag)}
    add(
        "evaluate_coco",
        d.evaluate_coco,
        detections=DETECTIONS,
        ground_truth=TRUTH,
        **rules,
        **areas,
        images=A(np.array([0]), indices, optional=True, taken="empty texts|empty bools"),
        classes=A(np.array([1, 0]), indices, optional=True, taken="empty texts|empty bools"),
        arrays=A(False, flag),
        workers=A(1, integer),
    )
    add("CocoAccumulator", _accumulated, **rules, **areas)
    add(
        "CocoAccumulator.update",
        lambda **v: d.CocoAccumulator().update(**v).result(),
        detections=DETECTIONS,
        ground_truth=TRUTH,
    )
    accumulator = d.CocoAccumulator().update([FOUND], [IMAGE])
    add("CocoAccumulator.merge", lambda other: accumulator.merge(other).result(), other=A(accumulator, nothing))
    add("CocoAccumulator.result", accumulator.result, arrays=A(False, flag))
    add(
        "bootstrap_coco",
        d.bootstrap_coco,
        slow=True,
        detections=DETECTIONS,
        ground_truth=TRUTH,
        other=A([FOUND], nothing, optional=True),
        metric=A("ap50", word),
        resamples=A(3, integer),
        confidence=A(0.5, number),
        seed=A(1, integer),
        **rules,
    )
    add(
        "confusion_matrix",
        d.confusion_matrix,
        detections=DETECTIONS,
        ground_truth=TRUTH,
        iou_threshold=A(0.5, number),
        score_threshold=A(0.25, number),
        n_classes=A(3, integer, optional=True),
    )
    add(
        "detection_errors",
        d.detection_errors,
        detections=DETECTIONS,
        ground_truth=TRUTH,
        iou_threshold=A(0.5, number),
        background_threshold=A(0.125, number),
        max_detections=A(3, integer),
    )
    add(
        "best_threshold",
        d.best_threshold,
        detections=DETECTIONS,
        ground_truth=TRUTH,
        iou_threshold=A(0.5, number),
        beta=A(2.0, number),
    )
    for function in (d.confusion_matrix, d.detection_errors, d.best_threshold):
        add(f"{function.__name__}, found", _record("detections")(function), **found)
        add(f"{function.__name__}, ground truth", _record("ground_truth")(function, [FOUND]), **fields)
    add(
        "evaluate_voc",
        d.evaluate_voc,
        detections=DETECTIONS,
        ground_truth=TRUTH,
        iou_threshold=A(0.5, number),
        method=A("area", word),
        comparison=A(">", word),
        **OFFSET,
    )
    for function in (d.evaluate_coco, d.evaluate_voc, d.confusion_matrix, d.detection_errors, d.best_threshold):
        turned = {"boxes": A(TURNED, numbers, "scores"), "angle": A("cw-deg", word)}
        add(f"{function.__name__}, rotated", _rotated(function), **turned)
    add(
        "average_best_overlap",
        d.average_best_overlap,
        proposals=A([BOXES], nothing, taken="[[]]"),
        ground_truth=A([IMAGE], nothing, taken="[[]]"),
        budget=A(3, integer, optional=True),
        **OFFSET,
    )
    add(
        "proposal_recall",
        d.proposal_recall,
        proposals=A([BOXES], nothing, taken="[[]]"),
        ground_truth=A([IMAGE], nothing, taken="[[]]"),
        iou_thresholds=A(np.array([0.5, 0.75]), numbers, optional=True),
        budgets=A((1, 2), few_integers, optional=True, taken="[None]"),
        **OFFSET,
    )
    add(
        "proposal_recall, proposals",
        lambda proposals: d.proposal_recall([proposals], [IMAGE]),
        proposals=A(BOXES, numbers, taken="dict of lists"),
    )
    add(
        "average_precision",
        d.average_precision,
        recall=A(np.array([0.25, 0.5]), numbers),
        precision=A(np.array([0.5, 0.5]), numbers),
        method=A("11-point", word),
    )
    add(
        "precision_recall_curve",
        d.precision_recall_curve,
        scores=A(SCORES, numbers),
        matched=A(np.array([True, False, True, True, False]), flags),
        positives=A(4, integer),
        ignored=A(np.array([False, False, True, False, False]), flags, optional=True),
    )

    if importlib.util.find_spec("matplotlib") is not None:
        curve = d.precision_recall_curve(SCORES, [True, False, True, True, False], 4)
        empty = "[]|()|0 rows|empty|empty ints|empty texts|empty bools|empty objects"
        add(
            "plot_precision_recall",
            lambda **v: type(d.plot_precision_recall(**v)),
            slow=True,
            curves=A([curve], nothing, taken=empty),
            names=A(["a"], names, optional=True),
            ax=A(None, nothing, optional=True),
        )
        add(
            "plot_confusion_matrix",
            lambda **v: type(d.plot_confusion_matrix(**v)),
            slow=True,
            result=A(d.confusion_matrix([FOUND], [IMAGE]), nothing),
            names=A(["a", "b"], names, optional=True),
            ax=A(None, nothing, optional=True),
        )
        add(
            "plot_best_threshold",
            lambda **v: type(d.plot_best_threshold(**v)),
            slow=True,
            best=A(d.best_threshold([FOUND], [IMAGE]), nothing),
            names=A(["a", "b"], names, optional=True),
            ax=A(None, nothing, optional=True),
        )
        add(
            "plot_detection_errors",
            lambda **v: type(d.plot_detection_errors(**v)),
            slow=True,
            errors=A(d.detection_errors([FOUND], [IMAGE]), nothing),
            ax=A(None, nothing, optional=True),
        )
    add(
        "evaluate_voc, flags",
        _record("ground_truth")(d.evaluate_voc, [FOUND]),
        difficult=A(NONE, marks, optional=True),
        crowd=A(NONE, marks, optional=True),
    )
