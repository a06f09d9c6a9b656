"""imutils' suppression: what a better box covers of a box, in inclusive pixels."""

from __future__ import annotations

from tests.naive.suppression import ioa


def non_max_suppression(boxes, probs=None, overlap_thresh=0.3):
    """The boxes that stay, cut to integers; without scores by their lower border; of tied ones the last wins."""
    marks = [box[3] for box in boxes] if probs is None else probs
    keep = []
    for i in sorted(range(len(boxes)), key=lambda i: (-marks[i], -i)):
        if all(ioa(boxes[j], boxes[i], 1) <= overlap_thresh for j in keep):
            keep.append(i)
    return [[int(value) for value in boxes[i]] for i in keep]
