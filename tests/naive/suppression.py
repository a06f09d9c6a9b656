"""Greedy non-maximum suppression, word for word. Lists in, lists out."""


def intersection(a, b, offset=0):
    """What two boxes share. ``offset=1`` counts pixels, x2 - x1 + 1."""
    w = min(a[2], b[2]) - max(a[0], b[0]) + offset
    if w <= 0.0:
        return 0.0
    h = min(a[3], b[3]) - max(a[1], b[1]) + offset
    return w * h if h > 0.0 else 0.0


def area(a, offset=0):
    """Width times height."""
    return (a[2] - a[0] + offset) * (a[3] - a[1] + offset)


def iou(a, b, offset=0):
    """Intersection over union; 0 where there is none."""
    inter = intersection(a, b, offset)
    return inter / (area(a, offset) + area(b, offset) - inter) if inter > 0.0 else 0.0


def ios(a, b, offset=0):
    """Intersection over the area of the smaller box; 0 where there is none."""
    inter = intersection(a, b, offset)
    return inter / min(area(a, offset), area(b, offset)) if inter > 0.0 else 0.0


def ioa(better, weaker, offset=0):
    """Intersection over the area of the weaker box; 0 where there is none."""
    inter = intersection(better, weaker, offset)
    return inter / area(weaker, offset) if inter > 0.0 else 0.0


METRICS = {"iou": iou, "ios": ios, "ioa": ioa}


def explain_nms(
    boxes, scores, iou_threshold=0.5, *, labels=None, score_threshold=None, max_output=None, offset=0,
    metric="iou", max_candidates=None,
):  # fmt: skip
    """Keep the best box, drop what overlaps it, go on (Girshick et al. 2014, section 2.2)."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])  # stable: ties by index
    if score_threshold is not None:
        order = [i for i in order if scores[i] > score_threshold]
    keep, suppressed_by, overlap = [], [-1] * len(scores), [0.0] * len(scores)
    for i in order[:max_candidates]:
        if len(keep) == max_output:
            break
        for j in keep:
            if labels is not None and labels[i] != labels[j]:
                continue
            value = METRICS[metric](boxes[j], boxes[i], offset)
            if value > iou_threshold:
                suppressed_by[i], overlap[i] = j, value
                break
        else:
            keep.append(i)
    return keep, suppressed_by, overlap


def nms(boxes, scores, iou_threshold=0.5, **options):
    """The boxes that no better one overlaps by more than the threshold, best first."""
    return explain_nms(boxes, scores, iou_threshold, **options)[0]


def batched_nms(boxes, scores, labels, iou_threshold=0.5, **options):
    """The same among the boxes of one label."""
    return explain_nms(boxes, scores, iou_threshold, labels=labels, **options)[0]
