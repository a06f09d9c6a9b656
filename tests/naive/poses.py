"""Object keypoint similarity and suppression by it, word for word. Lists in, lists out."""

import math


def similarity(distances, area, sigmas, visible):
    """The mean of exp(-d^2 / (2 s^2 k^2)) over the visible keypoints, k = 2 sigma; 0 if there is none (COCO)."""
    terms = [
        math.exp(-(dx * dx + dy * dy) / (2.0 * sigma) ** 2 / (area + 2.0**-52) / 2.0)
        for (dx, dy), sigma, labeled in zip(distances, sigmas, visible)
        if labeled
    ]
    return math.fsum(terms) / len(terms) if terms else 0.0


def offsets(a, b):
    """From the keypoints of one pose to those of another."""
    return [(p[0] - q[0], p[1] - q[1]) for p, q in zip(a, b)]


def oks(keypoints, objects, areas, sigmas):
    """Every pose with every object, whose keypoints are x, y and a visibility."""
    return [
        [
            similarity(offsets(pose, thing), area, sigmas, [p[2] > 0 for p in thing])
            for thing, area in zip(objects, areas)
        ]
        for pose in keypoints
    ]


def oks_nms(
    keypoints, scores, areas, oks_threshold=0.9, *, sigmas, labels=None, visibility_threshold=0.0,
    score_threshold=None, max_output=None,
):  # fmt: skip
    """The best pose left is kept, what is more similar to it than the threshold is dropped, and so on."""
    keep = []
    for i in sorted(range(len(scores)), key=lambda i: -scores[i]):
        if score_threshold is not None and scores[i] <= score_threshold:
            continue
        if len(keep) == max_output:
            break
        for j in keep:
            visible = [min(p[2], q[2]) > visibility_threshold for p, q in zip(keypoints[i], keypoints[j])]
            same = labels is None or labels[i] == labels[j]
            area = (areas[i] + areas[j]) / 2.0
            far = offsets(keypoints[i], keypoints[j])
            if same and similarity(far, area, sigmas, visible) > oks_threshold:
                break
        else:
            keep.append(i)
    return keep
