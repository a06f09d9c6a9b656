"""The definition of ``evaluate_voc``: detections are (boxes, scores, labels) an image, objects dictionaries."""

from __future__ import annotations

import math

from tests.naive.precision_recall import average_precision, precision_recall_curve
from tests.naive.recall import iou


def evaluate_voc(
    detections, ground_truth, iou_threshold=0.5, method="area", comparison=">=", offset=0, measure=iou
):
    """{label: AP} as VOCevaldet.m and voc_eval.py have it: class by class, detections by falling score."""
    names = {label for found in detections for label in found[2]}
    names |= {label for truth in ground_truth for label in truth["labels"]}
    result = {}
    for name in sorted(names):
        rows = []
        for image, (boxes, scores, labels) in enumerate(detections):
            rows += [(s, image, b) for b, s, c in zip(boxes, scores, labels, strict=True) if c == name]
        rows.sort(key=lambda row: -row[0])  # stable
        objects = [
            [
                {"box": box, "difficult": difficult, "taken": False}
                for box, label, difficult in zip(t["boxes"], t["labels"], t["difficult"], strict=True)
                if label == name
            ]
            for t in ground_truth
        ]
        right, aside = [], []
        for _, image, box in rows:
            best, match = 0.0, None
            for thing in objects[image]:
                overlap = measure(box, thing["box"], offset)
                if overlap > best:
                    best, match = overlap, thing
            enough = match and (best >= iou_threshold if comparison == ">=" else best > iou_threshold)
            aside.append(bool(enough and match["difficult"]))
            right.append(bool(enough and not match["difficult"] and not match["taken"]))
            if right[-1]:
                match["taken"] = True
        positives = sum(not thing["difficult"] for things in objects for thing in things)
        _, recall, precision = precision_recall_curve([row[0] for row in rows], right, positives, aside)
        result[name] = average_precision(recall, precision, method) if positives else math.nan
    return result
