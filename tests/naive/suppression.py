"""Greedy non-maximum suppression, word for word. Lists in, lists out."""


def iou(a, b, offset=0):
    """Intersection over union; 0 where the union is empty. ``offset=1`` counts pixels, x2 - x1 + 1."""
    w = max(min(a[2], b[2]) - max(a[0], b[0]) + offset, 0.0)
    h = max(min(a[3], b[3]) - max(a[1], b[1]) + offset, 0.0)
    inter = w * h
    area_a = (a[2] - a[0] + offset) * (a[3] - a[1] + offset)
    area_b = (b[2] - b[0] + offset) * (b[3] - b[1] + offset)
    union = area_a + area_b - inter
    return inter / union if union > 0 else 0.0


def explain_nms(
    boxes, scores, iou_threshold=0.5, *, labels=None, score_threshold=None, max_output=None, offset=0
):
    """Keep the best box, drop what overlaps it, go on (Girshick et al. 2014, section 2.2)."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])  # stable: ties by index
    if score_threshold is not None:
        order = [i for i in order if scores[i] > score_threshold]
    keep, suppressed_by, overlap = [], [-1] * len(scores), [0.0] * len(scores)
    for i in order:
        if len(keep) == max_output:
            break
        for j in keep:
            value = iou(boxes[j], boxes[i], offset)
            if value > iou_threshold and (labels is None or labels[i] == labels[j]):
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
