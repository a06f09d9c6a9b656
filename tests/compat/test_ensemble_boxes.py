"""ensemble_boxes' fusion and suppression: the definitions, the original where it is installed, and what is refused."""

from __future__ import annotations

import contextlib
import io
import math
import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from detutils.compat import ensemble_boxes as adapter
from tests.cases import size, uncompiled
from tests.compat.refusals import hostile, refuses
from tests.naive import ensemble_boxes as naive

DEEP = bool(os.environ.get("DETUTILS_DEEP"))
CASES = 10_000 if DEEP else size(300, 30)
KINDS: list[Any] = ["avg", "max", "box_and_model_avg", "absent_model_aware_avg"]
GOOD: dict[str, Any] = {
    "boxes_list": [[[0.1, 0.1, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9]], [[0.1, 0.1, 0.5, 0.6]]],
    "scores_list": [[0.9, 0.4], [0.8]],
    "labels_list": [[1, 0], [1]],
}
Lists = tuple[list[Any], list[Any], list[Any]]


def scene(rng: np.random.Generator) -> Lists:
    """What some models saw of a few objects, with boxes that stick out, are turned or have no area."""
    objects = int(rng.integers(1, 6))
    centers, sides = rng.uniform(0.1, 0.9, (objects, 2)), rng.uniform(0.05, 0.3, (objects, 2))
    classes = rng.integers(0, 3, objects)
    boxes, scores, labels = [], [], []
    for _ in range(int(rng.integers(1, 5))):
        seen = np.repeat(np.arange(objects), rng.integers(0, 4, objects))
        center = centers[seen] + rng.normal(0, 0.02, (len(seen), 2))
        half = sides[seen] / 2 * np.exp(rng.normal(0, 0.15, (len(seen), 2)))
        rows = np.hstack([center - half, center + half])
        if len(rows):
            turned, flat = rng.integers(0, len(rows), 2)
            rows[turned] = rows[turned][[2, 1, 0, 3]] if rng.random() < 0.2 else rows[turned]
            rows[flat, 3] = rows[flat, 1] if rng.random() < 0.2 else rows[flat, 3]
        boxes.append(rows.tolist())
        scores.append(rng.uniform(0, 1, len(rows)).tolist())
        labels.append(classes[seen].tolist())
    return boxes, scores, labels


def copied(lists: Lists) -> Lists:
    boxes, scores, labels = lists
    return [[list(b) for b in rows] for rows in boxes], [list(s) for s in scores], [list(c) for c in labels]


def quietly(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def close(found: Any, wanted: Any, tolerance: float, message: Any) -> None:
    boxes, scores, labels = wanted
    assert np.shape(found[0]) == (len(scores), 4), message
    np.testing.assert_allclose(found[0], np.reshape(boxes, (-1, 4)), rtol=0, atol=tolerance, err_msg=str(message))
    np.testing.assert_allclose(found[1], scores, rtol=0, atol=tolerance, err_msg=str(message))
    assert found[2].tolist() == list(labels), message


def test_functions_are_the_definition() -> None:
    rng = np.random.default_rng(2)
    for case in range(CASES // 2):
        lists = scene(rng)
        before = copied(lists)
        weights = None if rng.random() < 0.5 else rng.uniform(0.2, 3.0, len(lists[0])).tolist()
        threshold, skip = float(rng.choice([0.0, 0.3, 0.55, 0.8])), float(rng.choice([0.0, 0.1, 0.4]))
        overflow = bool(rng.random() < 0.5)
        for kind in KINDS:
            found = quietly(adapter.weighted_boxes_fusion, *lists, weights, threshold, skip, kind, overflow)
            wanted = naive.weighted_boxes_fusion(*lists, weights, threshold, skip, kind, overflow)
            close(found, wanted, 1e-12, (case, kind))
            assert all(part.dtype == np.float64 for part in found)
        found = quietly(adapter.non_maximum_weighted, *lists, weights, threshold, skip)
        close(found, naive.non_maximum_weighted(*lists, weights, threshold, skip), 1e-6, case)
        for method in (1, 2, 3):
            options = {"iou_thr": threshold, "sigma": 0.3, "thresh": 0.05, "weights": weights}
            found = quietly(adapter.nms_method, *lists, method=method, **options)
            close(found, naive.nms_method(*lists, method=method, **options), 1e-15, (case, method))
        assert lists == before


def test_the_original_agrees() -> None:
    original = uncompiled("ensemble_boxes")
    rng = np.random.default_rng(5)
    for case in range(CASES if DEEP else size(100, 10)):
        lists = scene(rng)
        weights = None if rng.random() < 0.5 else rng.uniform(0.2, 3.0, len(lists[0])).tolist()
        threshold, skip = float(rng.choice([0.3, 0.55, 0.8])), float(rng.choice([0.0, 0.1, 0.4]))
        for kind in KINDS:
            arguments = (weights, threshold, skip, kind, bool(rng.random() < 0.5))
            found = quietly(adapter.weighted_boxes_fusion, *copied(lists), *arguments)
            wanted = quietly(original.weighted_boxes_fusion, *copied(lists), *arguments)
            close(found, wanted, 2e-6, (case, arguments))
            assert [part.dtype for part in found] == [part.dtype for part in wanted]
        found = quietly(adapter.non_maximum_weighted, *lists, weights, threshold, skip)
        wanted = quietly(original.non_maximum_weighted, *copied(lists), weights, threshold, skip)
        close(found, wanted, 2e-6, case)
        assert [part.dtype for part in found] == [part.dtype for part in wanted]
        if not sum(naive.mended(box) is not None for rows in lists[0] for box in rows):
            continue  # the original fails without boxes
        arrays = [np.reshape(rows, (-1, 4)) for rows in lists[0]], *(list(map(np.array, part)) for part in lists[1:])
        for method in (1, 2, 3):
            options = {"method": method, "iou_thr": threshold, "sigma": 0.3, "thresh": 0.05, "weights": weights}
            found = quietly(adapter.nms_method, *lists, **options)
            wanted = quietly(original.nms_method, *(list(part) for part in arrays), **options)
            close(found, wanted, 0.0, (case, options))


def test_short_calls() -> None:
    rng = np.random.default_rng(7)
    lists = scene(rng)
    for found, options in (
        (quietly(adapter.nms, *lists, iou_thr=0.4, weights=[1] * len(lists[0])), {"method": 3}),
        (quietly(adapter.soft_nms, *lists, iou_thr=0.4, weights=[1] * len(lists[0])), {"method": 2}),
        (quietly(adapter.soft_nms, *lists, method=1, iou_thr=0.4, weights=[1] * len(lists[0])), {"method": 1}),
    ):
        wanted = naive.nms_method(*lists, iou_thr=0.4, weights=[1] * len(lists[0]), **options)
        close(found, wanted, 0.0, options)


def test_many_boxes_of_few_labels() -> None:
    rng = np.random.default_rng(1)
    n = size(900, 60)
    low = rng.uniform(0, 0.8, (n, 2))
    lists = ([np.hstack([low, low + rng.uniform(0.01, 0.2, (n, 2))]).tolist()], [rng.permutation(n) / n], [[0] * n])
    close(adapter.non_maximum_weighted(*lists, iou_thr=0.2), naive.non_maximum_weighted(*lists, iou_thr=0.2), 1e-6, "")


def test_a_score_at_the_limit_takes_part() -> None:
    lists = ([[[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]]], [[0.25, 0.5]], [[3, 4]])
    assert adapter.weighted_boxes_fusion(*lists, skip_box_thr=0.25)[2].tolist() == [4.0, 3.0]
    assert adapter.weighted_boxes_fusion(*lists, skip_box_thr=0.26)[2].tolist() == [4.0]
    assert adapter.non_maximum_weighted(*lists, skip_box_thr=0.25)[2].tolist() == [4.0, 3.0]
    for function in (adapter.weighted_boxes_fusion, adapter.non_maximum_weighted):
        boxes, scores, labels = function(*lists, skip_box_thr=0.9)
        assert (boxes.shape, scores.shape, labels.shape) == ((0, 4), (0,), (0,))


def test_boxes_of_score_zero() -> None:
    """They take part: alone, in a cluster that has a score, and among themselves, where the original divides 0 by 0."""
    near, far = [0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]
    lists = ([[near, far], [near, far]], [[0.8, 0.0], [0.0, 0.0]], [[1, 1], [1, 1]])
    for function, score in ((adapter.weighted_boxes_fusion, 0.4), (adapter.non_maximum_weighted, 0.8)):
        boxes, scores, _ = function(*lists)
        assert boxes.tolist() == [near, far]
        np.testing.assert_allclose(scores, [score, 0.0], rtol=1e-7)


def test_of_tied_scores_the_last_box_comes_first() -> None:
    lists = ([[[0.0, 0.0, 0.5, 0.5]], [[0.0, 0.0, 0.5, 0.4]]], [[0.5], [0.5]], [[0], [0]])
    assert adapter.nms(*lists, iou_thr=0.5)[0].tolist() == [[0.0, 0.0, 0.5, 0.4]]
    # the third box overlaps the tied ones alike, and joins the cluster that was there first: that of the last
    boxes = [[[0.0, 0.0, 0.5, 0.5], [0.125, 0.0, 0.625, 0.5]], [[0.25, 0.0, 0.75, 0.5]]]
    found, _, _ = adapter.weighted_boxes_fusion(boxes, [[0.5, 0.25], [0.5]], [[0, 0], [0]])
    np.testing.assert_allclose(found, [[0.625 / 3, 0.0, 2.125 / 3, 0.5], [0.0, 0.0, 0.5, 0.5]], rtol=1e-12)
    different = ([[[0.0, 0.0, 0.2, 0.2], [0.5, 0.5, 0.9, 0.9]]], [[0.5, 0.5]], [[1, 2]])
    assert adapter.weighted_boxes_fusion(*different)[2].tolist() == [2.0, 1.0]


def test_warnings_of_the_fusions() -> None:
    rows = [
        [0.5, 0.1, 0.2, 0.3], [0.1, 0.4, 0.2, 0.3], [-0.5, -0.5, 0.5, 0.5], [0.5, 0.5, 1.5, 1.5], [2.0, 2.0, 3.0, 3.0],
        [-3.0, -3.0, -2.0, -2.0],
    ]  # fmt: skip
    for function in (adapter.weighted_boxes_fusion, adapter.non_maximum_weighted):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            boxes, _, _ = function([rows], [[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]], [[0, 1, 2, 3, 4, 5]])
        assert all(entry.filename == __file__ for entry in caught)
        texts = sorted(str(entry.message) for entry in caught)
        hint = "in box. Set it to 1. Check that you normalize boxes in [0, 1] range."
        assert texts == sorted(
            [f"{name} < 0 in box. Set it to 0." for name in ("X1", "Y1", "X2", "Y2")]
            + [f"{name} > 1 {hint}" for name in ("X1", "Y1", "X2", "Y2")]
            + ["X2 < X1 value in box. Swap them.", "Y2 < Y1 value in box. Swap them."]
            + ["Zero area box skipped: [2. 2. 3. 3.]."]
        )
        wanted = [[0.2, 0.1, 0.5, 0.3], [0.1, 0.3, 0.2, 0.4], [0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]]
        np.testing.assert_allclose(boxes, wanted, atol=1e-7)


def test_warnings_of_the_suppressions() -> None:
    rows = np.array([[0.5, 0.4, 0.2, 0.3], [-1, 0, 0.5, 2], [0.1, 0.1, 0.1, 0.3]], np.float32)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        boxes, scores, labels = adapter.nms_method([rows], [np.array([0.9, 0.8, 0.7], np.float32)], [[0, 1, 2]])
    assert [str(entry.message) for entry in caught] == [
        "Fixed 1 boxes coordinates < 0",
        "Fixed 1 boxes coordinates > 1. Check that your boxes was normalized at [0, 1]",
        "Removed 1 boxes with zero area!",
    ]
    np.testing.assert_allclose(boxes, [[0.2, 0.3, 0.5, 0.4], [0, 0, 0.5, 1]], atol=1e-7)
    assert (boxes.dtype, scores.dtype, labels.tolist()) == (np.float32, np.float32, [0, 1])


def test_a_box_with_both_corners_exchanged() -> None:
    """Its area is positive either way."""
    lists = ([[[0.5, 0.75, 0.25, 0.25]]], [[0.5]], [[1]])
    for function in (adapter.weighted_boxes_fusion, adapter.non_maximum_weighted, adapter.nms, adapter.soft_nms):
        assert quietly(function, *lists)[0].tolist() == [[0.25, 0.25, 0.5, 0.75]]


def test_no_boxes() -> None:
    for lists in (([], [], []), ([[]], [[]], [[]]), ([np.empty((0, 4)), []], [[], []], [[], np.empty(0, int)])):
        for function in (adapter.weighted_boxes_fusion, adapter.non_maximum_weighted, adapter.nms, adapter.soft_nms):
            boxes, scores, labels = function(*lists)
            assert (boxes.shape, scores.shape, labels.shape) == ((0, 4), (0,), (0,))


def test_what_is_not_offered_says_so() -> None:
    for function in (adapter.weighted_boxes_fusion_1d, adapter.weighted_boxes_fusion_3d):
        with pytest.raises(NotImplementedError, match="boxes of two dimensions"):
            function([[[0.1, 0.2]]], [[0.5]], [[1]], weights=None)


def test_star_imports_bring_the_originals_names() -> None:
    names: dict[str, Any] = {}
    exec("from detutils.compat.ensemble_boxes import *", names)
    assert {"weighted_boxes_fusion", "nms", "soft_nms", "nms_method", "non_maximum_weighted"} <= names.keys()


def test_tensors_go_in() -> None:
    torch = pytest.importorskip("torch")
    boxes = [torch.tensor(rows, dtype=torch.float64) for rows in GOOD["boxes_list"]]
    scores = [torch.tensor(marks, dtype=torch.float64) for marks in GOOD["scores_list"]]
    labels = [torch.tensor(names) for names in GOOD["labels_list"]]
    for function in (adapter.weighted_boxes_fusion, adapter.non_maximum_weighted, adapter.nms, adapter.soft_nms):
        for found, wanted in zip(function(boxes, scores, labels), function(*GOOD.values()), strict=True):
            assert found.tolist() == wanted.tolist()


@pytest.mark.parametrize("name", ["weighted_boxes_fusion", "non_maximum_weighted", "nms", "soft_nms", "nms_method"])
def test_bad_arguments_are_refused(name: str) -> None:
    function: Callable[..., Any] = getattr(adapter, name)
    fusion = name in ("weighted_boxes_fusion", "non_maximum_weighted")
    boxes, scores, labels = GOOD if fusion else ("boxes", "scores", "labels")
    good = dict(zip((boxes, scores, labels), GOOD.values(), strict=True))
    whole = {"None": None, "text": "ab", "a number": 3.0, "bytes": b"ab", "no dimension": np.array(3.0), "too few": []}
    for argument in (boxes, scores, labels):
        refuses(function, good, argument, whole)
    rows = hostile([row[:4] for row in GOOD["boxes_list"][0]])
    del rows["far out"]  # it is clipped
    refuses(function, good, boxes, {what: [value, GOOD["boxes_list"][1]] for what, value in rows.items()})
    for values, argument in (
        ([[0.9, math.nan], [0.8]], scores), ([[0.9], [0.8]], scores), ([["a", "b"], [0.8]], scores),
        ([[0, 0.5], [1]], labels), ([[0], [1]], labels), ([["a", "b"], ["c"]], labels), ([[0, math.nan], [1]], labels),
    ):  # fmt: skip
        with pytest.raises((TypeError, ValueError), match=argument):
            function(**{**good, argument: values})
    wrong = {"too few": [1.0], "too many": [1.0] * 3, "zero": [0.0, 1.0], "NaN": [math.nan, 1.0], "below": [1.0, -1.0]}
    refuses(function, good, "weights", {**wrong, "text": "ab", "words": ["a", "b"]})
    wrong = {"NaN": math.nan, "text": "a", "None": None, "over": 1.5, "two": [0.5, 0.5]}
    refuses(function, good, "iou_thr", wrong)


def test_bad_options_are_refused() -> None:
    lists = tuple(GOOD.values())
    for options, kind, pattern in (
        ({"conf_type": "mean"}, ValueError, "conf_type"),
        ({"conf_type": None}, TypeError, "conf_type"),
        ({"skip_box_thr": -0.1}, ValueError, "skip_box_thr"),
        ({"skip_box_thr": "a"}, TypeError, "skip_box_thr"),
        ({"allows_overflow": 1}, TypeError, "allows_overflow"),
    ):
        with pytest.raises(kind, match=pattern):
            adapter.weighted_boxes_fusion(*lists, **options)  # type: ignore[arg-type]
    for options, kind, pattern in (
        ({"method": 4}, ValueError, "method"),
        ({"method": "linear"}, TypeError, "method"),
        ({"sigma": 0.0}, ValueError, "sigma"),
        ({"thresh": -1.0}, ValueError, "thresh"),
    ):
        with pytest.raises(kind, match=pattern):
            adapter.nms_method(*lists, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("argument", "text"), [("boxes", r"boxes\[1\]\[1, 2\] is not"), ("scores", r"scores\[1\]\[1\] is not")]
)
def test_arrays_that_are_checked_at_once_are_refused_by_model_and_place(argument: str, text: str) -> None:
    boxes, scores, labels = (
        [np.array([[0.0, 0.0, 0.5, 0.5], [0.1, 0.1, 0.6, 0.6]])] * 2,
        [np.array([0.5, 0.6])] * 2,
        [np.array([0, 1])] * 2,
    )
    mine = {"boxes": [boxes[0], boxes[1].copy()], "scores": [scores[0], scores[1].copy()]}
    mine[argument][1][(1, 2) if argument == "boxes" else 1] = np.nan
    for function in (adapter.nms, adapter.soft_nms):
        with pytest.raises(ValueError, match=text):
            function(mine["boxes"], mine["scores"], labels)
