"""supervision's suppression and merging, from their documentation, in float64; of tied scores the last wins."""

from __future__ import annotations

from tests.naive.suppression import METRICS


def best_first(rows):
    return sorted(range(len(rows)), key=lambda i: (-rows[i][4], -i))


def label(row):
    return row[5] if len(row) > 5 else 0


def box_non_max_suppression(rows, iou_threshold, metric):
    """True for each row that no better kept one of its class overlaps by more than the threshold."""
    kept = []
    for i in best_first(rows):
        rivals = [j for j in kept if label(rows[i]) == label(rows[j])]
        if all(METRICS[metric](rows[j], rows[i]) <= iou_threshold for j in rivals):
            kept.append(i)
    return [i in kept for i in range(len(rows))]


def box_non_max_merge(rows, iou_threshold, metric):
    """The best row left and all that it overlaps by the threshold or more are a group, and so on, class by class."""
    groups = []
    for name in sorted({label(row) for row in rows}):
        left = [i for i in best_first(rows) if label(rows[i]) == name]
        while left:
            group = [i for i in left if i == left[0] or METRICS[metric](rows[left[0]], rows[i]) >= iou_threshold]
            groups.append(group)
            left = [i for i in left if i not in group]
    return groups
