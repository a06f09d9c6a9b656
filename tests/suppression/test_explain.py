"""An explanation names, for each dropped box, the best kept box over the threshold."""

from __future__ import annotations

import numpy as np
import pytest

from detutils import explain_nms
from detutils.suppression import explain, plan
from tests.cases import random_boxes, size, unchanged, whole_scores
from tests.naive import suppression as naive
from tests.suppression import definition


def lists(boxes: np.ndarray, scores: np.ndarray) -> tuple[list[list[float]], list[float]]:
    return boxes.astype(np.float64).tolist(), scores.astype(np.float64).tolist()


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_explanation_is_the_definition(dtype: type, offset: int) -> None:
    for seed, n in enumerate([0, 1, 6, size(200, 40)]):
        boxes, scores = random_boxes(n, seed, spread=60).astype(dtype), whole_scores(n, seed).astype(dtype)
        labels = np.random.default_rng(seed).integers(0, 2, n)
        for classes in (None, labels):
            for most in (None, 0, 2):
                options = {"score_threshold": 2, "max_output": most, "offset": offset}
                found = unchanged(explain_nms, boxes, scores, iou_threshold=0.3, labels=classes, **options)
                names = None if classes is None else classes.tolist()
                wanted = naive.explain_nms(*lists(boxes, scores), 0.3, labels=names, **options)
                assert tuple(part.tolist() for part in found) == wanted, f"seed {seed}"


@pytest.mark.parametrize("way", ["select", "list", "grid"])
@pytest.mark.parametrize("most", [None, 0, 1, 5])
def test_every_way_gives_the_same_reasons(way: str, most: int | None) -> None:
    n = size(260, 60)
    for seed in range(4):
        boxes, scores = random_boxes(n, seed, spread=90), whole_scores(n, seed)
        labels = np.random.default_rng(seed).integers(0, 3, n)
        rule = plan.Rule(*plan.as_rule(0.25, 1.0, most, 0, "raise"))
        found = explain.suppress_and_explain(boxes, scores, labels, rule, plan.only(way))
        options = {"labels": labels.tolist(), "score_threshold": 1.0, "max_output": most}
        wanted = naive.explain_nms(*lists(boxes, scores), 0.25, **options)
        assert tuple(part.tolist() for part in found) == wanted, f"seed {seed}"


@pytest.mark.parametrize("metric", ["iou", "ios", "ioa"])
def test_groups_in_a_line(metric: str) -> None:
    """As the contract says: which kept box each box belongs to."""
    boxes, scores = random_boxes(60, 4, spread=40), whole_scores(60, 4)
    found = explain_nms(boxes, scores, 0.3, metric=metric, max_output=9)
    groups = np.where(found.suppressed_by < 0, np.arange(len(boxes)), found.suppressed_by)
    wanted = naive.explain_nms(*lists(boxes, scores), 0.3, metric=metric, max_output=9)
    members = {i: [i] + [j for j, by in enumerate(wanted[1]) if by == i] for i in wanted[0]}
    for i in found.keep:
        assert sorted(np.flatnonzero(groups == i).tolist()) == sorted(members[int(i)])


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_beyond_the_first_boxes_and_over_many_widths(dtype: type, threshold: float) -> None:
    n = size(600, 120)
    rng = np.random.default_rng(3)
    corner = rng.uniform(-500, 500, (n, 2))
    boxes = np.hstack([corner, corner + 40 * np.exp(rng.normal(size=(n, 2)))]).astype(np.float32).astype(dtype)
    scores, labels = rng.random(n).astype(np.float32).astype(dtype), rng.integers(0, 2, n)
    for classes in (None, labels):
        names = None if classes is None else classes.tolist()
        for metric in naive.METRICS:
            wanted = definition.explain_nms(*lists(boxes, scores), threshold, labels=names, metric=metric)
            found = explain_nms(boxes, scores, threshold, labels=classes, metric=metric)
            assert tuple(part.tolist() for part in found) == wanted


def test_drop_leaves_out_bad_rows_only() -> None:
    boxes, scores, labels = random_boxes(40, 2, spread=40), whole_scores(40, 2), np.arange(40) % 2
    bad, worse = boxes.copy(), scores.astype(float)
    bad[4, 0], bad[9, 3], bad[11], worse[20] = np.nan, np.inf, [5, 5, 4, 4], np.nan
    good = np.setdiff1d(np.arange(40), [4, 9, 11, 20])
    found = unchanged(explain_nms, bad, worse, iou_threshold=0.2, labels=labels, on_invalid="drop")
    wanted = explain_nms(boxes[good], scores[good], 0.2, labels=labels[good])
    assert found.keep.tolist() == good[wanted.keep].tolist()
    by = [good[j] if j >= 0 else -1 for j in wanted.suppressed_by]
    assert found.suppressed_by[good].tolist() == by
    assert found.iou[good].tolist() == wanted.iou.tolist()
    assert found.suppressed_by[[4, 9, 11, 20]].tolist() == [-1] * 4
    with pytest.raises(ValueError, match="on_invalid must be one of 'raise', 'drop'"):
        explain_nms(boxes, scores, on_invalid="ignore")
