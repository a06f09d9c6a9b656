"""sahi's suppression and merging, word for word: rows x1, y1, x2, y2, score, category; lists in, row numbers out."""

from __future__ import annotations

from tests.naive.suppression import METRICS


def ranked(rows):
    """Rows by falling score; equal scores by coordinates."""
    return sorted(range(len(rows)), key=lambda i: (-rows[i][4], *rows[i][:4]))


def matches(a, b, metric, threshold):
    """Whether two rows are one object: at the threshold, too."""
    return METRICS[metric.lower()](a, b) >= threshold


def greedy_nmm(rows, metric="IOU", threshold=0.5):
    """The best row left takes in all left that match it, and so on."""
    left, groups = ranked(rows), {}
    while left:
        best, *left = left
        groups[best] = [i for i in left if matches(rows[best], rows[i], metric, threshold)]
        left = [i for i in left if i not in groups[best]]
    return groups


def nms(rows, metric="IOU", threshold=0.5):
    """The best rows of those groups."""
    return list(greedy_nmm(rows, metric, threshold))


def nmm(rows, metric="IOU", threshold=0.5):
    """Every row, best first, takes in the rows that match it and are nobody's: into its own group, or into the group
    that it is part of. Of rows with its score it takes its copies only."""
    groups, owner = {}, {}
    for i in ranked(rows):
        if i not in owner:
            owner[i], groups[i] = i, []
        for j, row in enumerate(rows):
            weaker = row[4] < rows[i][4] or (row[4] == rows[i][4] and row[:4] == rows[i][:4])
            if j not in owner and weaker and matches(rows[i], row, metric, threshold):
                owner[j] = owner[i]
                groups[owner[i]].append(j)
    return groups


def by_category(function, rows, metric="IOU", threshold=0.5):
    """A function within each category, lowest first, in the numbers of all rows."""
    kept, groups = [], {}
    for name in sorted({row[5] for row in rows}):
        mine = [i for i, row in enumerate(rows) if row[5] == name]
        found = function([rows[i] for i in mine], metric, threshold)
        if isinstance(found, list):
            kept += [mine[i] for i in found]
        else:
            groups.update({mine[i]: [mine[j] for j in members] for i, members in found.items()})
    return sorted(kept, key=lambda i: -rows[i][4]) if function is nms else groups
