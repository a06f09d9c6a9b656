"""Why detections are wrong: the rules of TIDE (Bolya et al. 2020), of the confusion matrix and of F1, as written."""

# An image is a dict: boxes [x1, y1, x2, y2], labels, and scores (detections) or crowd (objects).


def iou(a, b, crowd=False):  # type: ignore[no-untyped-def]
    """Intersection over union, or over the first box for a crowd."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    first, second = (a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (first if crowd else first + second - width * height)


def judge(found, truth, enough, little, iou=iou):  # type: ignore[no-untyped-def]
    """The kind of each detection by falling score, the object that it is about, and which objects were taken."""
    order = sorted(range(len(found["scores"])), key=lambda d: -found["scores"][d])
    counted = [g for g in range(len(truth["labels"])) if not truth["crowd"][g]]
    taken, about, kinds = set(), {}, {}
    for d in order:
        free = [g for g in counted if g not in taken and truth["labels"][g] == found["labels"][d]]
        best = max(free, key=lambda g: iou(found["boxes"][d], truth["boxes"][g]), default=None)
        if best is not None and iou(found["boxes"][d], truth["boxes"][best]) >= enough:
            taken.add(best)
            about[d], kinds[d] = best, "right"
    for d in order:
        if d in kinds:
            continue
        overlap = {g: iou(found["boxes"][d], truth["boxes"][g]) for g in counted}
        same = [g for g in counted if truth["labels"][g] == found["labels"][d]]
        other = [g for g in counted if truth["labels"][g] != found["labels"][d]]
        near, beside = max(same, key=overlap.get, default=None), max(other, key=overlap.get, default=None)
        if near is not None and little <= overlap[near] <= enough:
            about[d], kinds[d] = near, "loc"
        elif beside is not None and overlap[beside] >= enough:
            about[d], kinds[d] = beside, "cls"
        elif any(g in taken and overlap[g] >= enough for g in same):
            kinds[d] = "dupe"
        else:
            kinds[d] = "bkg" if all(value <= little for value in overlap.values()) else "both"
        crowds = [g for g in range(len(truth["labels"])) if truth["crowd"][g]]
        if any(
            truth["labels"][g] == found["labels"][d] and iou(found["boxes"][d], truth["boxes"][g], True) > enough
            for g in crowds
        ):
            kinds[d] += " ignored"
    return order, kinds, about, taken


def confusion_matrix(detections, ground_truth, labels, enough, floor, iou=iou):  # type: ignore[no-untyped-def]
    """Pairs one to one: those of one class first, then by IoU; ties by object, then by detection."""
    size = len(labels)
    matrix = [[0] * (size + 1) for _ in range(size + 1)]
    for found, truth in zip(detections, ground_truth, strict=True):
        kept = [d for d in range(len(found["scores"])) if found["scores"][d] > floor]
        pairs = []
        for g in range(len(truth["labels"])):
            for d in kept:
                value = iou(found["boxes"][d], truth["boxes"][g])
                if not truth["crowd"][g] and value >= enough and value > 0:
                    pairs.append((truth["labels"][g] != found["labels"][d], -value, g, d))
        used_objects, used = set(), set()
        for _, _, g, d in sorted(pairs):
            if g not in used_objects and d not in used:
                used_objects.add(g)
                used.add(d)
                matrix[labels.index(truth["labels"][g])][labels.index(found["labels"][d])] += 1
        for d in kept:
            crowds = [b for b, c in zip(truth["boxes"], truth["crowd"], strict=True) if c]
            shares = [iou(found["boxes"][d], b, True) for b in crowds]
            if d not in used and not any(share >= enough and share > 0 for share in shares):
                matrix[size][labels.index(found["labels"][d])] += 1
        for g in range(len(truth["labels"])):
            if not truth["crowd"][g] and g not in used_objects:
                matrix[labels.index(truth["labels"][g])][size] += 1
    return matrix


def f1_above(detections, ground_truth, threshold, enough, label=None, iou=iou):  # type: ignore[no-untyped-def]
    """Precision, recall and F1 of the detections with score > threshold."""
    right = kept = objects = 0
    for found, truth in zip(detections, ground_truth, strict=True):
        _, kinds, _, _ = judge(found, truth, enough, min(0.1, enough), iou)
        for d, kind in kinds.items():
            if found["scores"][d] > threshold and "ignored" not in kind and label in (None, found["labels"][d]):
                kept += 1
                right += kind == "right"
        objects += sum(not c and label in (None, t) for c, t in zip(truth["crowd"], truth["labels"], strict=True))
    return right / max(kept, 1), right / objects, 2 * right / (kept + objects)
