"""What deployments of YOLO do around the network, from their documentation; and what YOLOX does, from its own."""

from __future__ import annotations

import math

from tests.naive.suppression import iou, nms


def corners(box):
    x, y, w, h = box
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def non_max_suppression(
    rows, conf_thres, iou_thres, classes=None, agnostic=False, multi_label=False, max_det=300, nm=0, max_nms=30000,
    objectness=False,
):  # fmt: skip
    """The detections of one image, whose ``rows`` hold a box, perhaps an objectness, class scores and ``nm`` more."""
    ahead, found = 5 if objectness else 4, []
    for row in rows:
        weight = row[4] if objectness else 1.0
        if weight > conf_thres:
            scores = [weight * score for score in row[ahead : len(row) - nm]]
            best = max(range(len(scores)), key=lambda c: scores[c])
            for c, score in enumerate(scores):
                if score > conf_thres and (multi_label or c == best) and (classes is None or c in classes):
                    found.append([*corners(row[:4]), score, c, *row[len(row) - nm :]])
    found.sort(key=lambda one: -one[4])  # stable: by row, then class
    keep = []
    for one in found[:max_nms]:
        if all((one[5] != other[5] and not agnostic) or iou(one, other) <= iou_thres for other in keep):
            keep.append(one)
    return keep[:max_det]


def letterbox(height, width, new_shape, auto, scale_fill, scaleup, stride):
    """Shape of the input, ratio, (dw, dh), and where the image begins: (left, top)."""
    ratio = min(new_shape[0] / height, new_shape[1] / width)
    ratio = ratio if scaleup else min(ratio, 1.0)
    inner = round(height * ratio), round(width * ratio)
    dh, dw = new_shape[0] - inner[0], new_shape[1] - inner[1]
    ratios = ratio, ratio
    if auto:
        dh, dw = dh % stride, dw % stride
    elif scale_fill:
        dh, dw, inner, ratios = 0, 0, new_shape, (new_shape[1] / width, new_shape[0] / height)
    shape = inner[0] + dh, inner[1] + dw
    return shape, ratios, (dw / 2, dh / 2), (round(dw / 2 - 0.1), round(dh / 2 - 0.1))


def scale_box(box, gain, pad, height, width):
    """A box of the input on the photograph, clipped."""
    moved = [(value - pad[i % 2]) / gain for i, value in enumerate(box)]
    return [min(max(value, 0.0), float(width if i % 2 == 0 else height)) for i, value in enumerate(moved)]


def yolox_nms(boxes, scores, nms_thr):
    """Inclusive pixels; of tied scores the last wins."""
    last = len(boxes) - 1
    return [last - i for i in nms(boxes[::-1], scores[::-1], nms_thr, offset=1)]


def multiclass_nms(boxes, scores, nms_thr, score_thr, class_agnostic=True):
    """Rows of box, score, class, or None."""
    found = []
    for i, row in enumerate(scores):
        best = max(range(len(row)), key=lambda c: row[c])
        found += [(i, c) for c in range(len(row)) if row[c] > score_thr and (c == best or not class_agnostic)]
    names = sorted({c for _, c in found})
    groups = [found] if class_agnostic else [[one for one in found if one[1] == c] for c in names]
    rows = []
    for group in groups:
        keep = yolox_nms([boxes[i] for i, _ in group], [scores[i][c] for i, c in group], nms_thr)
        rows += [[*boxes[group[k][0]], scores[group[k][0]][group[k][1]], group[k][1]] for k in keep]
    return rows or None


def postprocess(rows, num_classes, conf_thre, nms_thre, class_agnostic):
    """Rows of box, objectness, score, class, or None."""
    found = []
    for row in rows:
        best = max(range(num_classes), key=lambda c: row[5 + c])
        if row[4] * row[5 + best] >= conf_thre:
            found.append([*corners(row[:4]), row[4], row[5 + best], best])
    keep = []
    for one in sorted(found, key=lambda one: -one[4] * one[5]):
        if all((one[6] != other[6] and not class_agnostic) or iou(one, other) <= nms_thre for other in keep):
            keep.append(one)
    return keep or None


def demo_postprocess(rows, height, width, strides):
    """Cells and strides as pixels."""
    cells = [(x, y, s) for s in strides for y in range(height // s) for x in range(width // s)]
    return [
        [(row[0] + x) * s, (row[1] + y) * s, math.exp(row[2]) * s, math.exp(row[3]) * s, *row[4:]]
        for row, (x, y, s) in zip(rows, cells, strict=True)
    ]
