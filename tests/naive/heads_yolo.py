"""Definitions of heads whose rows hold a box and class scores, as they are or beside the cells of grids."""

from __future__ import annotations

import math

from tests.naive.heads_candidates import class_candidates, sigmoid
from tests.naive.suppression import explain_nms


def corners(box, box_format="cxcywh", scale=(1.0, 1.0)):
    """x1, y1, x2, y2; ``scale`` is (width, height) where the numbers are fractions."""
    a, b, c, d = (value * scale[i % 2] for i, value in enumerate(box))
    if box_format == "cxcywh":
        return [a - c / 2, b - d / 2, a + c / 2, b + d / 2]
    return [a, b, a + c, b + d] if box_format == "xywh" else [a, b, c, d]


def cell_box(values, column, row, stride, anchor, coding):
    """Redmon and Farhadi 2018 (section 2.1), Wang et al. 2022, Ge et al. 2021."""
    x, y, w, h = values
    if coding == "yolov5":
        x, y = 2 * sigmoid(x) - 0.5, 2 * sigmoid(y) - 0.5
        w, h = (2 * sigmoid(w)) ** 2, (2 * sigmoid(h)) ** 2
    else:
        x, y = (sigmoid(x), sigmoid(y)) if coding == "yolov3" else (x, y)
        w, h = math.exp(w), math.exp(h)
    return corners([(x + column) * stride, (y + row) * stride, w * anchor[0], h * anchor[1]])


def is_box(box):
    return all(abs(value) <= 1e150 for value in box) and box[0] <= box[2] and box[1] <= box[3]


def finish(candidates, boxes, *, iou_threshold=0.5, max_output=300, class_agnostic=False, rounded=float):
    """Rows, boxes, scores and labels of what survives; bad boxes are left out."""
    found = [
        (row, label, score, [rounded(value) for value in boxes[row]])
        for row, label, score in zip(*candidates, strict=True)
        if is_box(boxes[row])
    ]
    keep, _, _ = explain_nms(
        [item[3] for item in found],
        [item[2] for item in found],
        1.0 if iou_threshold is None else iou_threshold,
        labels=None if class_agnostic else [item[1] for item in found],
        max_output=max_output,
    )
    return [[found[k][i] for k in keep] for i in (0, 3, 2, 1)]


def detections_from_yolo(
    output, *, objectness=False, box_format="cxcywh", scale=(1.0, 1.0), behind=0, score_threshold=0.25,
    max_candidates=None, multi_label=False, activation="none", rounded=float, **tail,
):  # fmt: skip
    """``output`` has a row for each box."""
    ahead = 5 if objectness else 4
    candidates = class_candidates(
        [row[ahead : len(row) - behind] for row in output], score_threshold, channels="last",
        objectness=[row[4] for row in output] if objectness else None, multi_label=multi_label,
        activation=activation, max_candidates=max_candidates, rounded=rounded,
    )  # fmt: skip
    return finish(candidates, [corners(row[:4], box_format, scale) for row in output], rounded=rounded, **tail)


def detections_from_grids(
    outputs, anchors, strides, *, coding="yolov5", objectness=True, score_threshold=0.25, multi_label=False,
    activation="sigmoid", max_candidates=None, rounded=float, **tail,
):  # fmt: skip
    """``outputs[level][anchor][row][column]`` are the numbers of a cell."""
    ahead = 5 if objectness else 4
    rows, boxes = [], []
    for level, stride, sizes in zip(outputs, strides, anchors, strict=True):
        for grid, anchor in zip(level, sizes, strict=True):
            for row, cells in enumerate(grid):
                for column, cell in enumerate(cells):
                    rows.append(cell)
                    boxes.append(cell_box(cell[:4], column, row, stride, anchor, coding))
    candidates = class_candidates(
        [row[ahead:] for row in rows], score_threshold, channels="last", activation=activation,
        objectness=[row[4] for row in rows] if objectness else None, multi_label=multi_label,
        max_candidates=max_candidates, rounded=rounded,
    )  # fmt: skip
    return finish(candidates, boxes, rounded=rounded, **tail)
