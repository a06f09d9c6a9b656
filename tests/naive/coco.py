"""The definition of ``evaluate_coco``, in the steps of cocoeval.py; one dictionary of lists an image."""

from __future__ import annotations

RANGES = {"all": (0, 1e10), "small": (0, 1024), "medium": (1024, 9216), "large": (9216, 1e10)}
THRESHOLDS = [0.5 + i * ((0.95 - 0.5) / 9) for i in range(9)] + [0.95]  # as numpy.linspace computes them


def overlap(found, box, crowd):
    """IoU on x, y, width and height (maskApi.c); within a crowd the part of the detection inside."""
    x, y, w, h = found[0], found[1], found[2] - found[0], found[3] - found[1]
    gx, gy, gw, gh = box[0], box[1], box[2] - box[0], box[3] - box[1]
    width, height = min(x + w, gx + gw) - max(x, gx), min(y + h, gy + gh) - max(y, gy)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (w * h if crowd else w * h + gw * gh - width * height)


def area_of(box):
    """Of x1, y1, x2, y2 or of cx, cy, w, h, angle."""
    return box[2] * box[3] if len(box) == 5 else (box[2] - box[0]) * (box[3] - box[1])


def match_image(rows, objects, threshold, low, high, measure):
    """COCOeval.evaluateImg: (score, matched, ignored) of each detection; objects are (box, crowd, area)."""
    ignored = [crowd or area < low or area > high for _, crowd, area in objects]
    order = sorted(range(len(objects)), key=lambda k: ignored[k])
    taken, result = set(), []
    for score, box in rows:
        best, match = min(threshold, 1 - 1e-10), None
        for k in order:
            if k in taken and not objects[k][1]:
                continue
            if match is not None and not ignored[match] and ignored[k]:
                break
            value = measure(box, objects[k][0], objects[k][1])
            if value >= best:
                best, match = value, k
        if match is not None:
            taken.add(match)
            result.append((score, True, ignored[match]))
        else:
            area = area_of(box)
            result.append((score, False, area < low or area > high))
    return result, ignored.count(False)


def curve(outcomes, positives):
    """COCOeval.accumulate: precision at 101 recalls, and recall."""
    outcomes = [o for o in sorted(outcomes, key=lambda o: -o[0]) if not o[2]]
    right, recall, precision = 0, [], []
    for i, (_, matched, _) in enumerate(outcomes):
        right += matched
        recall.append(right / positives)
        precision.append(right / (i + 1 + 2.0**-52))
    levels = []
    for i in range(101):
        levels.append(max([p for r, p in zip(recall, precision, strict=True) if r >= i * 0.01], default=0.0))
    return levels, right / positives


def evaluate_class(detections, ground_truth, label, threshold, size, most, measure=overlap):
    """Precision at 101 recalls and recall of one class, or None where there is nothing to find."""
    outcomes, positives = [], 0
    for found, truth in zip(detections, ground_truth, strict=True):
        rows = [
            (s, b)
            for b, s, c in zip(found["boxes"], found["scores"], found["labels"], strict=True)
            if c == label
        ]
        rows.sort(key=lambda row: -row[0])
        objects = [
            (b, crowd, area)
            for b, c, crowd, area in zip(
                truth["boxes"], truth["labels"], truth["crowd"], truth["areas"], strict=True
            )
            if c == label
        ]
        matched, count = match_image(rows[:most], objects, threshold, *RANGES[size], measure)
        outcomes += matched
        positives += count
    return curve(outcomes, positives) if positives else None


def evaluate_coco(detections, ground_truth, measure=overlap):
    """COCOeval.summarize: the twelve numbers; boxes of another kind by another measure."""
    labels = sorted({c for image in ground_truth for c in image["labels"]})

    def mean(part, thresholds, size, most):
        values = []
        for label in labels:
            for threshold in thresholds:
                result = evaluate_class(detections, ground_truth, label, threshold, size, most, measure)
                if result is not None:
                    values += result[0] if part == 0 else [result[1]]
        return sum(values) / len(values) if values else -1.0

    precision = [mean(0, levels, "all", 100) for levels in (THRESHOLDS, [0.5], [0.75])]
    precision += [mean(0, THRESHOLDS, size, 100) for size in ("small", "medium", "large")]
    recall = [mean(1, THRESHOLDS, "all", most) for most in (1, 10, 100)]
    return precision + recall + [mean(1, THRESHOLDS, size, 100) for size in ("small", "medium", "large")]
