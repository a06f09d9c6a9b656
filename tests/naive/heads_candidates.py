"""Definition of the candidates of a head. Lists in, lists out."""

from __future__ import annotations

import math


def sigmoid(x):
    """1 / (1 + exp(-x)), written so that neither end overflows."""
    return 1.0 / (1.0 + math.exp(-x)) if not x < 0.0 else math.exp(x) / (1.0 + math.exp(x))


def softmax(raw):
    """exp(x) / sum of exp(x), all divided by the largest; NaN and infinity leave nothing."""
    if not all(x < math.inf for x in raw) or max(raw) == -math.inf:
        return [math.nan] * len(raw)
    total, top = 0.0, max(raw)
    for x in raw:
        total += math.exp(x - top)
    return [math.exp(x - top) / total for x in raw]


def class_candidates(
    scores, score_threshold, *, channels="first", multi_label=False, objectness=None, activation="none",
    background=None, max_candidates=None, rounded=float,
):  # fmt: skip
    """rows, labels, scores; ``rounded`` is what the result's dtype does to a score."""
    table = [list(row) for row in (zip(*scores) if channels == "first" else scores)]
    found = []
    for i, raw in enumerate(table):
        values = [sigmoid(x) for x in raw] if activation == "sigmoid" else raw
        values = softmax(raw) if activation == "softmax" else values
        span = slice(1, None) if background == "first" else slice(None, -1 if background == "last" else None)
        raw, values = raw[span], values[span]
        labels = [c for c in range(len(raw)) if raw[c] > -math.inf]  # not NaN, either
        if not multi_label and labels:
            labels = [max(labels, key=lambda c: raw[c])]  # of tied ones the first
        factor = 1.0 if objectness is None else objectness[i]
        factor = sigmoid(factor) if objectness is not None and activation != "none" else factor
        for c in labels:
            likely = objectness is None or (factor > score_threshold and values[c] > score_threshold)
            if likely and factor * values[c] > score_threshold:
                found.append((i, c, rounded(factor * values[c])))
    found = sorted(sorted(found, key=lambda item: -item[2])[:max_candidates])  # stable: ties by row, then class
    return [list(column) for column in zip(*found)] if found else [[], [], []]
