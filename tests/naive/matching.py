"""Definitions of matching and sampling: boxes are lists of four, choices at random are up to the caller."""

from __future__ import annotations

from tests.naive.overlaps import pair_ioa, pair_iou
from tests.naive.rotated import rotated_box_iou


def has_area(box, offset=0):
    """Whether both sides are longer than nothing."""
    return box[2] - box[0] + offset > 0 and box[3] - box[1] + offset > 0


def has_sides(box, _):
    """The same of a rotated box."""
    return box[2] > 0 and box[3] > 0


def match_boxes(
    boxes,
    objects,
    high=0.5,
    low=None,
    *,
    low_quality=False,
    crowd=None,
    ignore=(),
    ignore_threshold=0.5,
    offset=0,
    angle=None,
):
    """matched, ious, labels (Ren et al. 2015, section 3.1.2; anchor_target_layer.py; of rotated boxes Ma et al. 2018).

    The original also promotes every box at IoU 0 to an object that none overlaps; crowds and regions are pycocotools'.
    """
    low = high if low is None else low
    crowd = [False] * len(objects) if crowd is None else crowd
    solid = has_area if angle is None else has_sides
    chosen = [j for j, box in enumerate(objects) if not crowd[j] and solid(box, offset)]
    regions = [box for j, box in enumerate(objects) if crowd[j]] + list(ignore)
    iou, ioa = pair_iou, pair_ioa
    if angle is not None:
        iou, ioa = (
            lambda a, b, _, metric=metric: rotated_box_iou([a], [b], angle=angle, metric=metric)[0][0]
            for metric in ("iou", "ioa")
        )
    table = [[iou(box, objects[j], offset) for j in chosen] for box in boxes]
    ious = [max(row, default=0.0) for row in table]
    matched = [chosen[row.index(best)] if row else -1 for row, best in zip(table, ious)]
    labels = [1 if j >= 0 and best >= high else 0 if best < low else -1 for j, best in zip(matched, ious)]
    if low_quality:
        for k in range(len(chosen)):
            best = max((row[k] for row in table), default=0.0)
            for i, row in enumerate(table):
                if best > 0 and row[k] == best:
                    labels[i] = 1
    for i, box in enumerate(boxes):
        if labels[i] != 1 and any(ioa(box, region, offset) >= ignore_threshold for region in regions):
            labels[i] = -1
    return matched, ious, labels


def sample_matches(labels, number=256, positive_fraction=0.5, *, choose):
    """Positives, negatives; ``choose(indices, count)`` picks from a list (Ren et al. 2015, section 3.1.3)."""
    positives = [i for i, label in enumerate(labels) if label > 0]
    negatives = [i for i, label in enumerate(labels) if label == 0]
    most = int(number * positive_fraction)
    if len(positives) > most:
        positives = sorted(choose(positives, most))
    if len(negatives) > number - len(positives):
        negatives = sorted(choose(negatives, number - len(positives)))
    return positives, negatives


def sample_proposals(
    proposals, objects, labels, *, number=128, positive_fraction=0.25, high=0.5, low=0.0, background=0,
    add_objects=True, crowd=None, ignore=(), ignore_threshold=0.5, offset=0, choose,
):  # fmt: skip
    """boxes, labels, matched, ious, indices (Girshick 2015, section 2.3; proposal_target_layer.py)."""
    boxes, indices = list(proposals), list(range(len(proposals)))
    for j, box in enumerate(objects):
        if add_objects and has_area(box, offset) and not (crowd and crowd[j]):
            boxes.append(box)
            indices.append(len(proposals) + j)
    matched, ious, marks = match_boxes(
        boxes, objects, high, crowd=crowd, ignore=ignore, ignore_threshold=ignore_threshold, offset=offset
    )
    marks = [-1 if mark == 0 and best < low else mark for mark, best in zip(marks, ious)]
    positives, negatives = sample_matches(marks, number, positive_fraction, choose=choose)
    names = [labels[matched[i]] for i in positives] + [background] * len(negatives)
    chosen = positives + negatives
    columns = ([column[i] for i in chosen] for column in (boxes, matched, ious, indices))
    boxes, matched, ious, indices = columns
    return boxes, names, matched, ious, indices
