"""Evaluation of rotated boxes: the definitions with another measure, and the laws that tie it to upright boxes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import detutils
from tests import cases
from tests.naive import coco as naive_coco, reasons as naive_reasons, voc as naive_voc
from tests.naive.rotated_evaluation import measure

Images = list[dict[str, Any]]
ANGLES = ("ccw-deg", "cw-deg", "ccw-rad", "cw-rad")
SEEDS = range(cases.size(4, 2))


def scene(seed: int, angle: str = "ccw-deg", images: int = 4) -> tuple[Images, Images]:
    """Objects of all sizes and directions, crowds and difficult ones, and detections around them, twice and nowhere."""
    rng = np.random.default_rng(seed)
    whole = 180.0 if angle.endswith("deg") else np.pi
    found, truth = [], []
    for image in range(images):
        m, n = (0, 3) if image == 1 else (int(rng.integers(1, 8)), int(rng.integers(0, 14)))
        sides = np.exp(rng.uniform(1.5, 5.5, (m, 2)))
        boxes = np.column_stack([rng.uniform(0, 400, (m, 2)), sides, rng.uniform(-2 * whole, 2 * whole, m)])
        labels = rng.integers(0, 3, m)
        truth.append({"boxes": boxes, "labels": labels, "crowd": rng.random(m) < 0.2, "areas": sides.prod(1)})
        near = rng.integers(0, max(m, 1), n)
        guesses = np.tile([10.0, 10.0, 40.0, 20.0, 0.5], (n, 1))
        if m:
            loose = rng.choice([0.02, 0.1, 0.3], (n, 1))
            reach = np.hstack([sides[near], sides[near] * 0, np.full((n, 1), whole / 4)])
            guesses = boxes[near] + rng.normal(size=(n, 5)) * loose * reach
            guesses[:, 2:4] *= np.exp(loose * rng.normal(size=(n, 2)))
        named = np.where(rng.random(n) < 0.8, labels[near] if m else 0, rng.integers(0, 4, n))
        found.append({"boxes": guesses, "scores": rng.random(n), "labels": named})
    return found, truth


def plain(images: Images) -> list[dict[str, list[Any]]]:
    return [{key: value.tolist() for key, value in image.items()} for image in images]


def of(images: Images, change: Callable[[Any], Any]) -> Images:
    """The same images with other boxes."""
    return [{**image, "boxes": change(image["boxes"])} for image in images]


@pytest.mark.parametrize("angle", ANGLES)
@cases.each("seed", SEEDS)
def test_coco_is_its_definition(seed: int, angle: Any) -> None:
    found, truth = scene(seed, angle)
    before = copy.deepcopy((found, truth))
    expected = naive_coco.evaluate_coco(plain(found), plain(truth), measure(angle))
    result = detutils.evaluate_coco(found, truth, angle=angle)
    np.testing.assert_allclose(result.stats, expected, rtol=0, atol=1e-12)
    np.testing.assert_equal((found, truth), before)
    pieces = detutils.CocoAccumulator(angle=angle).update(found[:2], truth[:2])
    pieces = pieces.merge(detutils.CocoAccumulator(angle=angle).update(found[2:], truth[2:]))
    np.testing.assert_array_equal(pieces.result().stats, result.stats)
    threads = detutils.evaluate_coco(found, truth, angle=angle, workers=2)
    np.testing.assert_array_equal(threads.stats, result.stats)
    assert detutils.bootstrap_coco(found, truth, angle=angle, resamples=2).value == pytest.approx(result.ap, abs=1e-12)


@pytest.mark.parametrize(("method", "comparison"), [("area", ">="), ("11-point", ">")])
@cases.each("seed", SEEDS)
def test_voc_is_its_definition(seed: int, method: Any, comparison: Any) -> None:
    found, truth = scene(seed)
    truth = [{**image, "difficult": image.pop("crowd")} for image in truth]
    rows = [(image["boxes"].tolist(), image["scores"].tolist(), image["labels"].tolist()) for image in found]
    overlap = measure("ccw-deg")
    expected = naive_voc.evaluate_voc(
        rows, plain(truth), 0.4, method, comparison, measure=lambda a, b, offset: overlap(a, b)
    )
    result = detutils.evaluate_voc(
        found, truth, angle="ccw-deg", iou_threshold=0.4, method=method, comparison=comparison
    )
    np.testing.assert_allclose(result.ap, list(expected.values()), rtol=0, atol=1e-12)
    assert (result.objects > 0).any()


@cases.each("seed", SEEDS)
def test_reasons_are_their_definitions(seed: int) -> None:
    found, truth = scene(seed)
    overlap = measure("ccw-deg")
    labels = sorted({label for image in [*found, *truth] for label in image["labels"].tolist()})
    result = detutils.confusion_matrix(found, truth, angle="ccw-deg", iou_threshold=0.4)
    expected = naive_reasons.confusion_matrix(plain(found), plain(truth), labels, 0.4, 0.25, overlap)
    assert result.labels.tolist() == [x for x in labels if x in result.labels]
    size = len(labels)
    kept = [labels.index(x) for x in result.labels.tolist()] + [size]
    np.testing.assert_array_equal(result.matrix, np.array(expected)[np.ix_(kept, kept)])
    errors = detutils.detection_errors(found, truth, angle="ccw-deg", iou_threshold=0.4)
    words = {"right": 0, "cls": 1, "loc": 2, "both": 3, "dupe": 4, "bkg": 5}
    for one, two, kinds in zip(plain(found), plain(truth), errors.kinds, strict=True):
        judged = naive_reasons.judge(one, two, 0.4, 0.1, overlap)[1]
        expected = [8 if "ignored" in judged[d] else words[judged[d]] for d in range(len(one["scores"]))]
        assert kinds.tolist() == expected
    best = detutils.best_threshold(found, truth, angle="ccw-deg", iou_threshold=0.4)
    if best.f1 > 0:
        above = naive_reasons.f1_above(plain(found), plain(truth), best.threshold, 0.4, iou=overlap)
        assert best.f1 == pytest.approx(above[2], abs=1e-12)


def numbers(found: Images, truth: Images, angle: Any = None) -> list[float]:
    """Everything that evaluation has to say of a scene."""
    coco = detutils.evaluate_coco(found, truth, angle=angle)
    voc = detutils.evaluate_voc(found, truth, angle=angle)
    matrix = detutils.confusion_matrix(found, truth, angle=angle).matrix
    errors = detutils.detection_errors(found, truth, angle=angle)
    best = detutils.best_threshold(found, truth, angle=angle)
    return [*coco.stats, *voc.ap, *matrix.ravel(), *errors.counts, errors.ap, best.threshold, best.f1]


@cases.each("seed", SEEDS)
def test_boxes_on_the_axes_give_the_upright_numbers(seed: int) -> None:
    found, truth = (of(images, lambda rows: rows * (1, 1, 1, 1, 0)) for images in scene(seed))
    hulls = [of(images, lambda rows: detutils.rotated_box_convert(rows, "cw-deg", "xyxy")) for images in (found, truth)]
    assert numbers(found, truth, "cw-deg") == pytest.approx(numbers(*hulls), abs=1e-12, nan_ok=True)
    quarter = [
        of(images, lambda rows: np.column_stack([rows[:, :2], rows[:, 3], rows[:, 2], np.full(len(rows), 90.0)]))
        for images in (found, truth)
    ]
    assert numbers(*quarter, "ccw-deg") == pytest.approx(numbers(found, truth, "cw-deg"), rel=0, abs=0, nan_ok=True)


@cases.each("seed", SEEDS)
def test_turning_the_scene_changes_nothing(seed: int) -> None:
    found, truth = scene(seed)
    turn = np.radians(33.0)

    def turned(rows: Any) -> Any:
        x, y = rows[:, 0], rows[:, 1]
        centers = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        return np.column_stack([*centers, rows[:, 2:4], rows[:, 4] + 33.0])

    other = numbers(of(found, turned), of(truth, turned), "ccw-deg")
    assert other == pytest.approx(numbers(found, truth, "ccw-deg"), abs=1e-12, nan_ok=True)
    mirrored = [of(images, lambda rows: rows * (1, 1, 1, 1, -1)) for images in (found, truth)]
    assert numbers(*mirrored, "cw-deg") == pytest.approx(numbers(found, truth, "ccw-deg"), abs=0, nan_ok=True)


def test_overlaps_are_those_of_rotated_box_iou() -> None:
    """To the last bit: at a threshold of exactly the IoU a detection is right, a last digit above it is wrong."""
    rng = np.random.default_rng(5)
    boxes = np.column_stack([rng.uniform(0, 9, (40, 2)), rng.uniform(9, 40, (40, 2)), rng.uniform(-200, 200, 40)])
    for a, b in zip(boxes[::2], boxes[1::2], strict=True):
        value = float(detutils.aligned_rotated_box_iou([a], [b])[0])
        found, truth = [([a], [0.5], [0])], [([b], [0])]
        for threshold, right in ((value, 1.0), (np.nextafter(value, 1.0), 0.0)):
            assert detutils.evaluate_voc(found, truth, angle="ccw-deg", iou_threshold=threshold).mean_ap == right
            result = detutils.evaluate_coco(found, truth, angle="ccw-deg", iou_thresholds=[threshold])
            assert result.ar_1 == right


def test_crowds_and_areas() -> None:
    """Half of a detection lies in a crowd: the share of the detection counts. Areas are widths times heights."""
    crowd = {"boxes": [[50, 50, 100, 40, 30.0], [300, 300, 9, 9, 0]], "labels": [0, 0], "crowd": [True, False]}
    found = [([[50, 50, 8, 8, 70.0], [300, 300, 9, 9, 90]], [0.9, 0.8], [0, 0])]
    result = detutils.evaluate_coco(found, [crowd], angle="ccw-deg")
    assert result.ap == pytest.approx(1.0)
    assert (result.ap_small, result.ap_large) == (pytest.approx(1.0), -1.0)
    assert detutils.evaluate_coco(found, [{**crowd, "crowd": [False, False]}], angle="ccw-deg").ap < 0.6


def record(boxes: Any, outlines: Any) -> detutils.AnnotatedImage:
    n = len(boxes)
    no = np.zeros(n, bool)
    return detutils.AnnotatedImage("a", None, boxes, np.zeros(n, int), no, no, no, np.ones(n), 0, None, outlines)


def test_the_first_of_two_objects_that_are_the_same_decides() -> None:
    row = [10.0, 10.0, 8.0, 4.0, 30.0]
    for difficult, ap in (([True, False], 0.0), ([False, True], 1.0)):
        truth = [{"boxes": [row, row], "labels": [0, 0], "difficult": difficult}]
        assert detutils.evaluate_voc([([row], [0.9], [0])], truth, angle="cw-deg").ap == ap


def test_records_give_their_outlines() -> None:
    rows = np.array([[50.0, 40, 20, 10, 33], [90, 90, 40, 8, -70]])
    corners = detutils.rotated_box_convert(rows, "cw-deg", "corners")
    hulls = detutils.rotated_box_convert(rows, "cw-deg", "xyxy")
    truth = detutils.Dataset([record(hulls, [[c] for c in corners.tolist()])], ("a",), (0,))
    column = detutils.Detections(hulls, [0.5, 0.4], [0, 0], rotated_boxes=rows)
    outlined = detutils.Detections(hulls, [0.5, 0.4], [0, 0], outlines=corners)
    for found in (column, outlined, (rows, [0.5, 0.4], [0, 0])):
        assert detutils.evaluate_coco([found], truth, angle="cw-deg").ap == pytest.approx(1.0)
    assert detutils.evaluate_voc([outlined], truth, angle="cw-rad").mean_ap == 1.0  # corners have no unit
    none = record(np.empty((0, 4)), None)
    nothing = detutils.Detections([], [], [])
    assert detutils.evaluate_coco([nothing, outlined], [none, truth.images[0]], angle="cw-deg").ap == pytest.approx(1.0)
    assert detutils.evaluate_coco([], [], angle="cw-deg").ap == -1.0
    assert detutils.evaluate_voc([([], [], [])], [([], [])], angle="cw-deg").labels.size == 0


def test_what_is_refused() -> None:
    rows = np.array([[50.0, 40, 20, 10, 33]])
    hulls = np.array([[40.0, 30, 60, 50]])
    found = [(rows, [0.5], [0])]
    for function in (
        detutils.evaluate_coco, detutils.evaluate_voc, detutils.confusion_matrix, detutils.detection_errors,
        detutils.best_threshold, detutils.bootstrap_coco,
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"angle must be one of"):
            function(found, [(rows, [0])], angle="deg")
        with pytest.raises(ValueError, match=r"ground_truth\[0\] boxes must have shape \(N, 5\), .*got \(1, 4\)"):
            function(found, [(hulls, [0])], angle="cw-deg")
        with pytest.raises(ValueError, match=r"detections\[1\] boxes\[0\] has a negative width or height"):
            function([*found, (-rows, [0.5], [0])], [(rows, [0])] * 2, angle="cw-deg")
        with pytest.raises(ValueError, match=r"ground_truth\[1\] boxes\[0\] is not finite"):
            function(found * 2, [(rows, [0]), (rows * np.nan, [0])], angle="cw-deg")
        with pytest.raises(ValueError, match=r"ground_truth\[0\] outlines\[0\] is no polygon of four corners"):
            function(found, [record(hulls, [[[0, 0, 1, 1, 2, 0]]])], angle="cw-deg")
        with pytest.raises(ValueError, match=r"ground_truth\[0\] has 2 outlines for 1 boxes"):
            function(found, [record(hulls, [[[0, 0, 1, 0, 1, 1, 0, 1]]] * 2)], angle="cw-deg")
        with pytest.raises(ValueError, match=r"boxes must have shape \(N, 4\)"):
            function(found, [(rows, [0])])
    with pytest.raises(ValueError, match="offset must be 0 with rotated boxes"):
        detutils.evaluate_voc(found, [(rows, [0])], angle="cw-deg", offset=1)
    with pytest.raises(ValueError, match=r"class_agnostic and angle must agree"):
        detutils.CocoAccumulator(angle="cw-deg").merge(detutils.CocoAccumulator())
