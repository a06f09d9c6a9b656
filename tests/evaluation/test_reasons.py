"""Errors by kind, confusion matrices and thresholds: equal to their rules, and to the authors' package where it is."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from detutils import (
    ConfusionMatrix,
    best_threshold,
    confusion_matrix,
    detection_errors,
    draw_errors,
    plot_best_threshold,
    plot_confusion_matrix,
    plot_detection_errors,
)
from tests.cases import each, size
from tests.naive import reasons as naive

KINDS = ["right", "cls", "loc", "both", "dupe", "bkg"]
SEEDS = range(size(40, 8))


def scene(seed: int, crowds: bool = True) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Objects of a few classes, and detections at them: near, far, of another class, twice, and on nothing."""
    rng = np.random.default_rng(seed)
    found, truth = [], []
    classes = int(rng.integers(1, 5))
    for _ in range(rng.integers(1, 8)):
        m, n = rng.integers(0, 6), rng.integers(0, 12)
        corner, sides = np.round(rng.uniform(0, 60, (m, 2))), np.round(rng.uniform(4, 40, (m, 2)))
        boxes, labels = np.hstack([corner, corner + sides]), rng.integers(0, classes, m)
        rows, named = np.empty((n, 4)), rng.integers(0, classes, n)
        for d in range(n):
            corner, sides = rng.uniform(0, 60, 2), rng.uniform(4, 40, 2)
            if m and rng.random() < 0.8:
                k, loose = rng.integers(m), rng.choice([0.0, 0.1, 0.3])
                sides = (boxes[k, 2:] - boxes[k, :2]) * np.exp(loose * rng.normal(size=2))
                corner = boxes[k, :2] + loose * sides * rng.normal(size=2)
                named[d] = labels[k] if rng.random() < 0.7 else named[d]
            rows[d] = [*corner, *(corner + sides)]
        scores = np.round(rng.random(n), int(rng.choice([1, 8])))
        crowd = (rng.random(m) < 0.2) & crowds
        truth.append({"boxes": boxes, "labels": labels, "crowd": crowd})
        found.append({"boxes": rows, "scores": scores, "labels": named})
    return found, truth


def unchanged(function: Any, found: Any, truth: Any, **options: Any) -> Any:
    """Call the function and hold that it wrote to neither."""
    before = copy.deepcopy((found, truth))
    result = function(found, truth, **options)
    np.testing.assert_equal((found, truth), before)
    return result


def plain(images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value.tolist() for key, value in image.items()} for image in images]


@each("seed", SEEDS)
def test_kinds_are_those_of_the_definition(seed: int) -> None:
    found, truth = scene(seed)
    enough, little = [(0.5, 0.1), (0.7, 0.3), (0.5, 0.5)][seed % 3]
    errors = unchanged(
        detection_errors, found, truth, iou_threshold=enough, background_threshold=little
    )
    for i, (one, other) in enumerate(zip(plain(found), plain(truth), strict=True)):
        _, kinds, about, taken = naive.judge(one, other, enough, little)
        wanted = [8 if "ignored" in kinds[d] else KINDS.index(kinds[d]) for d in range(len(one["scores"]))]
        assert errors.kinds[i].tolist() == wanted
        spoken = taken | {g for d, g in about.items() if kinds[d].split()[0] in ("loc", "cls")}
        missed = [not crowd and g not in spoken for g, crowd in enumerate(other["crowd"])]
        assert errors.missed[i].tolist() == missed


@each("seed", SEEDS)
def test_gains_are_those_of_the_authors_package(seed: int) -> None:
    tidecv = pytest.importorskip("tidecv")
    found, truth = scene(seed)
    objects, answers = tidecv.Data("objects"), tidecv.Data("answers")
    for i, (one, other) in enumerate(zip(plain(found), plain(truth), strict=True)):
        objects.add_image(i, str(i))
        answers.add_image(i, str(i))
        for (x1, y1, x2, y2), label, crowd in zip(other["boxes"], other["labels"], other["crowd"], strict=True):
            add = objects.add_ignore_region if crowd else objects.add_ground_truth
            add(i, label, [x1, y1, x2 - x1, y2 - y1])
        for (x1, y1, x2, y2), label, score in zip(one["boxes"], one["labels"], one["scores"], strict=True):
            answers.add_detection(i, label, score, [x1, y1, x2 - x1, y2 - y1])
    try:
        run = tidecv.TIDE().evaluate(objects, answers, mode=tidecv.TIDE.BOX)
        main, special, counts = run.fix_main_errors(), run.fix_special_errors(), run.count_errors()
    except ZeroDivisionError:
        pytest.skip("the package divides by the number of classes, which is 0 here")
    errors = detection_errors(found, truth)
    mine = [errors.cls, errors.loc, errors.both, errors.dupe, errors.bkg, errors.miss]
    mine += [errors.false_positives, errors.false_negatives]
    np.testing.assert_allclose(mine, [value / 100 for value in (*main.values(), *special.values())], atol=1e-11)
    assert errors.counts.tolist() == list(counts.values())
    assert abs(errors.ap - run.ap / 100) < 1e-11


def test_each_kind_in_one_scene_by_hand() -> None:
    objects = [([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 70, 10]], [0, 0, 0, 1])]
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 4], [40, 0, 50, 10], [80, 0, 90, 10], [60, 0, 70, 3]]
    found = [(boxes, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [0, 0, 0, 1, 0, 0])]
    errors = detection_errors(found, objects)
    assert [KINDS[kind] for kind in errors.kinds[0]] == ["right", "dupe", "loc", "cls", "bkg", "both"]
    assert errors.missed[0].tolist() == [False, False, False, True]
    assert errors.counts.tolist() == [1, 1, 1, 1, 1, 1]
    limited = detection_errors(found, objects, max_detections=2)
    assert limited.kinds[0].tolist() == [0, 4, -1, -1, -1, -1]


@pytest.mark.parametrize(
    ("bottom", "label", "kind"), [(5, 0, "right"), (1, 0, "loc"), (5, 1, "cls"), (1, 1, "bkg"), (2, 1, "both")]
)
def test_kinds_at_exactly_the_thresholds(bottom: int, label: int, kind: str) -> None:
    found, truth = [([[0, 0, 10, bottom]], [0.9], [label])], [([[0, 0, 10, 10]], [0])]  # IoU 0.5 or 0.1
    assert KINDS[detection_errors(found, truth).kinds[0][0]] == kind
    assert naive.judge(
        {"boxes": found[0][0], "scores": [0.9], "labels": [label]},
        {"boxes": truth[0][0], "labels": [0], "crowd": [False]}, 0.5, 0.1,
    )[1] == {0: kind}  # fmt: skip


def test_of_equal_overlaps_the_first_object_is_taken() -> None:
    first, second = [0, 0, 10, 10], [2, 0, 12, 10]
    found = [([[1, 0, 11, 10], first], [0.9, 0.8], [0, 0])]  # 9 / 11 with either
    for objects, kind in (([first, second], "dupe"), ([second, first], "right")):
        errors = detection_errors(found, [(objects, [0, 0])], iou_threshold=0.7)
        assert [KINDS[k] for k in errors.kinds[0]] == ["right", kind]


def test_a_perfect_detector_gains_nothing() -> None:
    _, truth = scene(3, crowds=False)
    found = [(t["boxes"], np.linspace(0.9, 0.5, len(t["labels"])), t["labels"]) for t in truth]
    errors = detection_errors(found, truth)
    if len({tuple(b) for t in truth for b in t["boxes"]}) == sum(len(t["labels"]) for t in truth):
        assert errors.ap == pytest.approx(1.0)
    assert errors.counts.sum() == 0
    assert errors.false_positives == errors.false_negatives == 0.0


@each("seed", SEEDS)
def test_confusion_is_the_definition(seed: int) -> None:
    found, truth = scene(seed)
    for enough, floor in ((0.5, 0.25), (0.0, -1.0), (0.7, 0.5)):
        result = unchanged(confusion_matrix, found, truth, iou_threshold=enough, score_threshold=floor)
        wanted = naive.confusion_matrix(plain(found), plain(truth), result.labels.tolist(), enough, floor)
        assert result.matrix.tolist() == wanted
        counted = np.concatenate([t["labels"][~t["crowd"]] for t in truth])
        for row, label in zip(result.matrix[:-1], result.labels, strict=True):
            assert row.sum() == (counted == label).sum()  # every object is somewhere


def test_confusion_prefers_the_right_class_and_counts_nothing_twice() -> None:
    objects = [([[0, 0, 10, 10]], [0])]
    found = [([[0, 0, 10, 10], [0, 0, 10, 8], [0, 0, 10, 9]], [0.9, 0.8, 0.7], [1, 0, 0])]
    result = confusion_matrix(found, objects)
    assert result.matrix.tolist() == [[1, 0, 0], [0, 0, 0], [1, 1, 0]]
    half = confusion_matrix([([[0, 0, 10, 5]], [0.9], [0])], objects)  # IoU 0.5 is enough
    assert half.matrix.tolist() == [[1, 0], [0, 0]]
    fixed = confusion_matrix(found, objects, n_classes=3)
    assert fixed.matrix.shape == (4, 4)
    assert fixed.labels.tolist() == [0, 1, 2]


@each("seed", SEEDS)
def test_threshold_is_where_f1_is_largest(seed: int) -> None:
    found, truth = scene(seed)
    best = unchanged(best_threshold, found, truth)
    one, other = plain(found), plain(truth)
    objects = sum(not crowd for t in other for crowd in t["crowd"])
    if not objects:
        assert np.isnan(best.f1)
        return
    for k, threshold in enumerate(best.curve.thresholds):
        wanted = naive.f1_above(one, other, threshold, 0.5)
        got = best.curve.precision[k], best.curve.recall[k], best.curve.f1[k]
        np.testing.assert_allclose(got, wanted, rtol=1e-14)
    if best.f1 > 0:
        assert best.f1 == best.curve.f1.max() == naive.f1_above(one, other, best.threshold, 0.5)[2]
    for label, value, threshold in zip(best.labels, best.class_f1, best.class_threshold, strict=True):
        if value > 0:
            assert value == pytest.approx(naive.f1_above(one, other, threshold, 0.5, label)[2], rel=1e-14)


def test_empty_input() -> None:
    for found, truth in (([], []), ([([], [], [])], [([], [])])):
        assert np.isnan(detection_errors(found, truth).ap)
        assert confusion_matrix(found, truth).matrix.tolist() == [[0]]
        assert np.isnan(best_threshold(found, truth).threshold)
    only = detection_errors([([[0, 0, 1, 1]], [0.5], [0])], [([], [])])
    assert only.kinds[0].tolist() == [5]
    assert only.counts.tolist() == [0, 0, 0, 0, 1, 0]


def test_weight_of_recall() -> None:
    objects = [([[0, 0, 10, 10], [20, 0, 30, 10]], [0, 0])]
    boxes = [[0, 0, 10, 10], [50, 0, 60, 10], [70, 0, 80, 10], [20, 0, 30, 10]]
    found = [(boxes, [0.9, 0.8, 0.7, 0.6], [0, 0, 0, 0])]
    assert best_threshold(found, objects, beta=0.1).threshold == 0.8
    assert best_threshold(found, objects, beta=10).threshold < 0.6


@pytest.mark.parametrize(
    ("function", "options", "error", "pattern"),
    [
        (detection_errors, {"iou_threshold": 1.5}, ValueError, "iou_threshold"),
        (detection_errors, {"background_threshold": 0.6}, ValueError, "at most iou_threshold"),
        (detection_errors, {"max_detections": 0}, ValueError, "max_detections"),
        (confusion_matrix, {"n_classes": 1}, ValueError, "n_classes=1, got 1"),
        (confusion_matrix, {"score_threshold": float("nan")}, ValueError, "score_threshold"),
        (confusion_matrix, {"iou_threshold": "0.5"}, TypeError, "iou_threshold"),
        (best_threshold, {"beta": 0}, ValueError, "beta"),
    ],
)
def test_bad_options(function: Any, options: dict[str, Any], error: type, pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        function([([[0, 0, 1, 1]], [0.5], [1])], [([[0, 0, 1, 1]], [0])], **options)


@pytest.mark.parametrize("function", [detection_errors, confusion_matrix, best_threshold])
def test_bad_boxes(function: Any) -> None:
    with pytest.raises(ValueError, match=r"detections\[0\] boxes"):
        function([([[0, 0, np.nan, 1]], [0.5], [1])], [([[0, 0, 1, 1]], [0])])
    with pytest.raises(ValueError, match="both need one an image"):
        function([], [([[0, 0, 1, 1]], [0])])


def test_pictures_of_errors() -> None:
    found, truth = scene(5)
    errors = detection_errors(found, truth)
    image = np.full((120, 120), 128, np.uint8)
    for i in range(len(found)):
        picture = draw_errors(image, errors, i, found, truth, show_right=True)
        busy = errors.missed[i].any() or ((errors.kinds[i] >= 0) & (errors.kinds[i] < 8)).any()
        assert (picture != 128).any() == busy
    with pytest.raises(ValueError, match="index"):
        draw_errors(image, errors, len(found), found, truth)
    with pytest.raises(ValueError, match="names has 0 entries"):
        draw_errors(image, errors, 0, found, truth, names=[])
    with pytest.raises(ValueError, match="errors are of"):
        draw_errors(image, errors, 0, found[1:], truth[1:])
    with pytest.raises(TypeError, match="errors must be DetectionErrors"):
        draw_errors(image, None, 0, found, truth)  # type: ignore[arg-type]


def test_plot_of_a_confusion_matrix() -> None:
    pytest.importorskip("matplotlib")
    result = ConfusionMatrix(np.array([[3, 1, 0], [0, 2, 1], [1, 0, 0]]), np.array([0, 1]))
    ax = plot_confusion_matrix(result, names=["cat", "dog"])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["cat", "dog", "missed"]
    assert {text.get_text() for text in ax.texts} == {"3", "1", "2"}
    with pytest.raises(ValueError, match="names"):
        plot_confusion_matrix(result, names=["cat"])
    with pytest.raises(TypeError, match="result"):
        plot_confusion_matrix(result.matrix)  # type: ignore[arg-type]


def test_plots_of_thresholds_and_errors() -> None:
    pytest.importorskip("matplotlib")
    found, truth = scene(4)
    best, errors = best_threshold(found, truth), detection_errors(found, truth)
    names = [str(label) for label in best.labels]
    ax = plot_best_threshold(best, names=names)
    curves = [line for line in ax.get_lines() if len(line.get_xdata()) == best.curve.f1.size]
    assert any(np.array_equal(line.get_ydata(), best.curve.f1) for line in curves)
    bars = plot_detection_errors(errors, ax=plot_best_threshold(best).figure.add_subplot()).patches
    wanted = [errors.cls, errors.loc, errors.both, errors.dupe, errors.bkg, errors.miss]
    np.testing.assert_allclose([bar.get_width() for bar in bars], wanted)
    empty = best_threshold([], []), detection_errors([], [])
    plot_best_threshold(empty[0])
    plot_detection_errors(empty[1])
    for wrong in (None, errors, 3):
        with pytest.raises(TypeError, match="best must be a BestThreshold"):
            plot_best_threshold(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="errors must be DetectionErrors"):
        plot_detection_errors(best)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="ax must be matplotlib Axes"):
        plot_detection_errors(errors, ax=3)
    with pytest.raises(ValueError, match="names"):
        plot_best_threshold(best, names=[*names, "one more"])
