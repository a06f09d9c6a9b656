"""ensemble_boxes' functions, word for word: lists of models in, lists out, scores without ties."""

from __future__ import annotations

from tests.naive.fusion import soft_nms, weighted_boxes_fusion as fuse
from tests.naive.suppression import iou, nms


def mended(box):
    """Corners in order, inside the unit square; None without an area."""
    x1, x2, y1, y2 = *sorted((box[0], box[2])), *sorted((box[1], box[3]))
    row = [min(max(value, 0.0), 1.0) for value in (x1, y1, x2, y2)]
    return row if (row[2] - row[0]) * (row[3] - row[1]) != 0.0 else None


def prefilter(boxes, scores, labels, least):
    """The boxes that take part, model by model, with scores and labels."""
    kept = []
    for rows, marks, names in zip(boxes, scores, labels, strict=True):
        entries = [(mended(b), s, c) for b, s, c in zip(rows, marks, names, strict=True) if s >= least and mended(b)]
        kept.append(([e[0] for e in entries], [e[1] for e in entries], [e[2] for e in entries]))
    return [list(part) for part in zip(*kept, strict=True)]


def weighted_boxes_fusion(boxes, scores, labels, weights=None, iou_thr=0.55, skip=0.0, conf="avg", overflow=False):
    """The paper's fusion of what passes the filter."""
    boxes, scores, labels = prefilter(boxes, scores, labels, skip)
    found = fuse(
        boxes, scores, labels, weights=weights, iou_threshold=iou_thr, score_threshold=-1.0, method=conf,
        allow_overflow=overflow,
    )  # fmt: skip
    return found[:3]


def nms_method(boxes, scores, labels, method=3, iou_thr=0.5, sigma=0.5, thresh=0.001, weights=None):
    """Label by label: the boxes that are kept, with the scores that they came with."""
    if weights is not None:
        scores = [[s * w / sum(weights) for s in marks] for marks, w in zip(scores, weights, strict=True)]
    rows = [
        (mended(box), score, label)
        for entries in zip(boxes, scores, labels, strict=True)
        for box, score, label in zip(*entries, strict=True)
        if mended(box)
    ]
    result = []
    for name in sorted({row[2] for row in rows}):
        mine = [row for row in rows if row[2] == name]
        own = [row[0] for row in mine], [row[1] for row in mine]
        if method == 3:
            keep = nms(*own, iou_thr)
        else:
            kind = "linear" if method == 1 else "gaussian"
            keep, _ = soft_nms(*own, method=kind, sigma=sigma, iou_threshold=iou_thr, score_threshold=thresh)
        result += [mine[i] for i in keep]
    return [row[0] for row in result], [row[1] for row in result], [row[2] for row in result]


def non_maximum_weighted(boxes, scores, labels, weights=None, iou_thr=0.55, skip=0.0):
    """Each box, best first, joins the first box of the group that it overlaps most, or begins a group; boxes of a group
    count by score and by IoU with its first (Zhou et al., CAD, ICCV workshops 2017)."""
    weights = [1.0] * len(boxes) if weights is None else [weight / max(weights) for weight in weights]
    entries = [
        (box, score * weight, label)
        for rows, marks, names, weight in zip(*prefilter(boxes, scores, labels, skip), weights, strict=True)
        for box, score, label in zip(rows, marks, names, strict=True)
    ]
    entries.sort(key=lambda entry: -entry[1])
    groups = []
    for entry in entries:
        near = [g for g in groups if g[0][2] == entry[2] and iou(g[0][0], entry[0]) > iou_thr]
        if near:
            max(near, key=lambda g: iou(g[0][0], entry[0])).append(entry)
        else:
            groups.append([entry])
    means = []
    for group in groups:
        shares = [score * iou(box, group[0][0]) for box, score, _ in group]
        means.append([
            sum(share * entry[0][side] for share, entry in zip(shares, group, strict=True)) / sum(shares)
            for side in range(4)
        ])
    return means, [group[0][1] for group in groups], [group[0][2] for group in groups]
