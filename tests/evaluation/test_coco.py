"""``evaluate_coco`` against its definition and, where it is installed, against pycocotools itself."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from tests import cases
from tests.naive import coco as naive

Images = list[dict[str, np.ndarray]]


def scene(seed: int, images: int, most: int, *, exact: bool, classes: int = 3) -> tuple[Images, Images]:
    """Objects of all sizes, crowds, detections around them; ``exact``: whole pixels, tied scores and IoUs."""
    rng = np.random.default_rng(seed)
    found, truth = [], []
    for _ in range(images):
        m, n = int(rng.integers(0, 9)), int(rng.integers(0, most + 1))
        corner, side = rng.uniform(0, 500, (m, 2)), np.exp(rng.uniform(1.5, 5.5, (m, 2)))
        if exact:
            corner, side = corner // 8 * 8, (side // 8 + 1) * 8
        objects = np.hstack([corner, corner + side])
        names = rng.integers(0, classes, m)
        area = side.prod(1) * (1.0 if exact else rng.uniform(0.4, 1.0, m))
        truth.append({"boxes": objects, "labels": names, "crowd": rng.random(m) < 0.15, "areas": area})
        near = rng.integers(0, m, n) if m else np.zeros(n, int)
        if m:
            noise = rng.integers(-1, 2, (n, 4)) * 8.0 if exact else rng.normal(0, 0.1, (n, 4))
            noise = noise if exact else noise * side[near][:, [0, 1, 0, 1]]
            corners = np.hsplit(objects[near] + noise, 2)
            guesses = np.hstack([np.minimum(*corners), np.maximum(*corners)])
        else:
            guesses = np.tile([0.0, 0.0, 40.0, 40.0], (n, 1))
        labels = np.where(rng.random(n) < 0.8, names[near] if m else 0, rng.integers(0, classes + 1, n))
        scores = rng.integers(0, 12, n) / 12 if exact else rng.random(n)
        found.append({"boxes": guesses, "scores": scores, "labels": labels})
    return found, truth


def plain(images: Images) -> list[dict[str, list[Any]]]:
    return [{key: value.tolist() for key, value in image.items()} for image in images]


@pytest.mark.parametrize("exact", [True, False])
@cases.each("seed", range(cases.size(6, 3)))
def test_it_is_its_definition(seed: int, exact: bool) -> None:
    found, truth = scene(seed, 4, 15, exact=exact)
    expected = naive.evaluate_coco(plain(found), plain(truth))
    np.testing.assert_allclose(detutils.evaluate_coco(found, truth).stats, expected, rtol=0, atol=1e-12)


def pycocotools_says(found: Images, truth: Images, classes: int) -> Any:
    """The finished COCOeval of the same images."""
    coco, evaluation = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    annotations = [
        {"image_id": i, "category_id": label, "bbox": box, "area": area, "iscrowd": int(crowd)}
        for i, image in enumerate(truth)
        for box, label, area, crowd in zip(
            np.hstack([image["boxes"][:, :2], image["boxes"][:, 2:] - image["boxes"][:, :2]]).tolist(),
            image["labels"].tolist(), image["areas"].tolist(), image["crowd"].tolist(), strict=True,
        )
    ]  # fmt: skip
    rows = [
        np.column_stack([np.full(len(image["scores"]), i), image["boxes"][:, :2],
                         image["boxes"][:, 2:] - image["boxes"][:, :2], image["scores"], image["labels"]])
        for i, image in enumerate(found)
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        peer = coco.COCO()
        peer.dataset = {
            "images": [{"id": i} for i in range(len(truth))],
            "annotations": [{"id": k, **entry} for k, entry in enumerate(annotations, start=1)],
            "categories": [{"id": label} for label in range(classes)],
        }
        peer.createIndex()
        judge = evaluation.COCOeval(peer, peer.loadRes(np.concatenate(rows)), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge


@pytest.mark.parametrize("exact", [True, False])
@cases.each("seed", range(cases.size(8, 3)))
def test_it_is_pycocotools(seed: int, exact: bool) -> None:
    found, truth = scene(100 + seed, cases.size(9, 4), cases.size(120, 40), exact=exact)
    judge = pycocotools_says(found, truth, 4)
    result = detutils.evaluate_coco(found, truth)
    np.testing.assert_allclose(result.stats, judge.stats, rtol=0, atol=1e-12)
    labels = result.labels
    np.testing.assert_allclose(result.precision, judge.eval["precision"][..., 2][:, :, labels], 0, 1e-12)
    np.testing.assert_allclose(result.recall, judge.eval["recall"][:, labels], rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(cases.size(12, 3)))
def test_files_with_short_decimals_decide_as_pycocotools(seed: int, tmp_path: Path) -> None:
    """Tenths of pixels: many overlaps lie within a rounding of a threshold, and x + w - x is not always w."""
    coco, evaluation = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    found, truth = scene(200 + seed, 10, cases.size(100, 30), exact=False)

    def rows(image: dict[str, np.ndarray]) -> list[list[float]]:
        sides = image["boxes"][:, 2:] - image["boxes"][:, :2]
        return np.hstack([image["boxes"][:, :2], sides]).round(1).tolist()

    annotations = [
        {"image_id": 50 - i, "category_id": 3 + label, "bbox": box, "area": 400, "iscrowd": int(crowd)}
        for i, image in enumerate(truth)
        for box, label, crowd in zip(rows(image), image["labels"].tolist(), image["crowd"], strict=True)
    ]
    results = [
        {"image_id": 50 - i, "category_id": 3 + label, "bbox": box, "score": round(score, 1)}
        for i, image in enumerate(found)
        for box, label, score in zip(rows(image), image["labels"].tolist(), image["scores"], strict=True)
    ]
    content = {
        "images": [{"id": 50 - i, "file_name": f"{i}.jpg"} for i in range(len(truth))],
        "annotations": [{"id": k, **entry} for k, entry in enumerate(annotations, start=1)],
        "categories": [{"id": label, "name": str(label)} for label in (5, 3, 4, 6)],
    }
    (tmp_path / "truth.json").write_text(json.dumps(content))
    (tmp_path / "found.json").write_text(json.dumps(results))
    with contextlib.redirect_stdout(io.StringIO()):
        peer = coco.COCO(str(tmp_path / "truth.json"))
        judge = evaluation.COCOeval(peer, peer.loadRes(str(tmp_path / "found.json")), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    dataset = detutils.read_coco(tmp_path / "truth.json")
    detections = detutils.read_coco_detections(tmp_path / "found.json", dataset)
    np.testing.assert_allclose(detutils.evaluate_coco(detections, dataset).stats, judge.stats, 0, 1e-12)


def test_classes_and_parts() -> None:
    found, truth = scene(1, 10, 30, exact=False)
    result = detutils.evaluate_coco(found, truth)
    assert result.stats.shape == (12,)
    assert result.stats.tolist() == list(result[:12])
    assert result.precision.shape == (10, 101, result.labels.size, 4)
    assert result.recall.shape == (10, result.labels.size, 4, 3)
    there = result.class_ap > -1
    assert result.labels.tolist() == [0, 1, 2, 3]
    assert there.tolist() == [True, True, True, False]  # nothing of class 3 was there to find
    np.testing.assert_allclose(result.class_ap[there].mean(), result.ap, rtol=1e-13)
    lines = result.summary().splitlines()
    assert lines[0] == (
        " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = " f"{result.ap:0.3f}"
    )
    assert len(lines) == 12
    assert lines[6].endswith(f"maxDets=  1 ] = {result.ar_1:0.3f}")


def test_images_classes_and_far_away_detections_do_not_mix() -> None:
    found, truth = scene(2, 8, 20, exact=False)
    result = detutils.evaluate_coco(found, truth)
    order = np.random.default_rng(0).permutation(8)
    shuffled = detutils.evaluate_coco([found[i] for i in order], [truth[i] for i in order])
    np.testing.assert_allclose(shuffled.stats, result.stats, rtol=0, atol=1e-14)
    renamed = [{**image, "labels": image["labels"] * -1000 + 5} for image in (*found, *truth)]
    np.testing.assert_allclose(
        detutils.evaluate_coco(renamed[:8], renamed[8:]).stats, result.stats, rtol=0, atol=1e-14
    )


def test_options() -> None:
    found, truth = scene(3, 10, 40, exact=False)
    every = detutils.evaluate_coco(found, truth)
    half = detutils.evaluate_coco(found, truth, iou_thresholds=[0.5])
    assert half.ap == half.ap50 == every.ap50
    assert half.ap75 == -1.0
    few = detutils.evaluate_coco(found, truth, max_detections=(1, 2, 3))
    assert few.max_detections == (1, 2, 3)
    assert few.ar_1 == every.ar_1
    assert few.ar_100 <= every.ar_100
    many = detutils.evaluate_coco(found, truth, iou_thresholds=np.linspace(0, 1, 60))
    assert many.precision.shape[0] == 60


def test_at_exactly_the_threshold_and_between_sizes() -> None:
    half = detutils.evaluate_coco([([[0, 0, 10, 5]], [0.5], [0])], [([[0, 0, 10, 10]], [0])])
    assert half.recall[:2, 0, 0, 2].tolist() == [1.0, 0.0]
    almost = [([[0, 0, 10, 10]], [0.5], [0])], [([[0, 0, 10, 10 + 1e-11]], [0])]
    assert detutils.evaluate_coco(*almost, iou_thresholds=[1.0]).ar_100 == 1.0  # as in cocoeval.py
    # 32 x 32 pixels are small and medium.
    both = detutils.evaluate_coco([([[0, 0, 32, 32]], [0.5], [0])], [([[0, 0, 32, 32]], [0])])
    assert (both.ar_small, both.ar_medium, both.ar_large) == (1.0, 1.0, -1.0)


def test_a_threshold_of_one_and_a_precision_of_one() -> None:
    found, truth = [([[0, 0, 1, 1 - 1e-11]], [0.5], [0])], [([[0, 0, 1, 1]], [0])]
    result = detutils.evaluate_coco(found, truth, iou_thresholds=[1.0])  # cocoeval.py takes 1 - 1e-10
    assert result.recall[0, 0, 0, 2] == 1.0
    assert (result.precision[0, :, 0, 0] == 1 / (1 + np.spacing(1))).all()  # and its precisions end below 1


def test_of_two_objects_overlapped_alike_the_last_is_taken() -> None:
    truth = [([[0, 0, 10, 10], [10, 0, 20, 10]], [0, 0])]
    found = [([[5, 0, 15, 10], [10, 0, 20, 10]], [0.9, 0.8], [0, 0])]
    assert detutils.evaluate_coco(found, truth, iou_thresholds=[0.3]).ar_100 == 0.5
    found = [([[5, 0, 15, 10], [0, 0, 10, 10]], [0.9, 0.8], [0, 0])]
    assert detutils.evaluate_coco(found, truth, iou_thresholds=[0.3]).ar_100 == 1.0


@pytest.mark.parametrize("most", [2**15 + 5, 2**17, 2**62])
def test_labels_far_apart(most: int) -> None:
    found, truth = scene(9, 5, 12, exact=True)
    result = detutils.evaluate_coco(found, truth, arrays=True)
    names = np.array([-most, -7, 0, most])
    far = [[{**image, "labels": names[image["labels"]]} for image in images] for images in (found, truth)]
    other = detutils.evaluate_coco(*far, arrays=True)
    assert other.labels.tolist() == names[result.labels].tolist()
    np.testing.assert_array_equal(other.precisions, result.precisions)
    np.testing.assert_array_equal(other.recall, result.recall)


def test_sixty_thresholds_are_sixty_evaluations() -> None:
    """The kernel keeps a bit for each."""
    found, truth = scene(12, cases.size(8, 3), cases.size(60, 12), exact=False)
    levels = np.linspace(0.0, 1.0, 60)
    every = detutils.evaluate_coco(found, truth, iou_thresholds=levels)
    for t in range(0, 60, cases.size(1, 13)):
        one = detutils.evaluate_coco(found, truth, iou_thresholds=levels[t : t + 1])
        np.testing.assert_array_equal(one.precision[0], every.precision[t])
        np.testing.assert_array_equal(one.recall[0], every.recall[t])


def test_all_objects_overlap_all_detections() -> None:
    """The list of candidates is as long as there are objects; each detection takes another one."""
    count = cases.size(150, 30)
    boxes = np.tile([0.0, 0.0, 50.0, 50.0], (count, 1)) + np.arange(count)[:, None] * 1e-3
    labels = np.zeros(count, np.int64)
    found = [{"boxes": boxes[::-1].copy(), "scores": np.linspace(1, 0.1, count), "labels": labels}]
    truth = [{"boxes": boxes, "labels": labels, "crowd": labels == 1, "areas": labels + 2500.0}]
    result = detutils.evaluate_coco(found, truth, max_detections=(1, 10, 10**6))
    assert result.recall[:, 0, 0].tolist() == [[1 / count, 10 / count, 1.0]] * 10
    np.testing.assert_allclose(
        detutils.evaluate_coco(found, truth).stats, pycocotools_says(found, truth, 1).stats, rtol=0, atol=1e-12
    )


def test_crowds_are_ignored_again_and_again() -> None:
    truth = {"boxes": [[0, 0, 10, 10], [50, 50, 150, 150]], "labels": [0, 0], "iscrowd": [0, 1]}
    inside = [[60, 60, 70, 70], [80, 80, 90, 90], [0, 0, 10, 10]]
    result = detutils.evaluate_coco([(inside, [0.9, 0.8, 0.7], [0, 0, 0])], [truth])
    assert result.ap == pytest.approx(1.0)
    only = detutils.evaluate_coco([(inside, [0.9, 0.8, 0.7], [0, 0, 0])], [{**truth, "iscrowd": [1, 1]}])
    assert only.stats.tolist() == [-1.0] * 12


def test_difficult_objects_are_ignored_once() -> None:
    truth = {"boxes": [[0, 0, 10, 10], [50, 50, 150, 150]], "labels": [0, 0], "difficult": [False, True]}
    found = [([[50, 50, 150, 150], [0, 0, 10, 10], [50, 50, 150, 149]], [0.9, 0.8, 0.7], [0, 0, 0])]
    result = detutils.evaluate_coco(found, [truth])
    assert result.ap == pytest.approx(1.0)
    assert result.ar_large == -1.0
    surer = [(found[0][0], [0.9, 0.7, 0.8], [0, 0, 0])]
    assert detutils.evaluate_coco(surer, [truth]).ap == pytest.approx(0.5)


def test_too_many_classes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detutils._validate.memory._available_memory", lambda: 2**28)
    labels = np.arange(10_000)
    boxes = np.zeros((labels.size, 4))
    with pytest.raises(MemoryError, match=r"the precision of 10000 classes needs 0\.3 GiB"):
        detutils.evaluate_coco([(boxes, boxes[:, 0].copy(), labels)], [([], [])])


def test_nothing_there() -> None:
    empty: tuple[list[Any], ...] = ([], [], [])
    for result in (
        detutils.evaluate_coco([], []),
        detutils.evaluate_coco([empty], [([], [])]),
        detutils.evaluate_coco([([[0, 0, 1, 1]], [0.5], [4])], [([], [])]),
    ):
        assert result.stats.tolist() == [-1.0] * 12
        assert (result.class_ap == -1).all()
    missed = detutils.evaluate_coco([empty], [([[0, 0, 50, 50]], [4])])
    assert missed.stats.tolist() == [0, 0, 0, -1, 0, -1, 0, 0, 0, -1, 0, -1]
    assert missed.labels.tolist() == [4]


@cases.each("form", cases.GOOD_FORMS.values(), ids=cases.GOOD_FORMS.keys())
def test_every_guise_of_an_array(form: Callable[[np.ndarray], Any]) -> None:
    boxes, scores = cases.whole_boxes(30, 1, side=40), cases.whole_scores(30, 2)
    labels = np.arange(30) % 3
    objects, names = boxes[::4] + 1.0, labels[::4]

    def evaluate(b: Any, s: Any, o: Any) -> Any:
        return detutils.evaluate_coco([(b, s, labels)], [{"boxes": o, "labels": names}])

    expected = cases.unchanged(evaluate, boxes, scores, objects)
    result = evaluate(form(boxes), form(scores), form(objects))
    np.testing.assert_array_equal(result.stats, expected.stats)


GOOD = cases.whole_boxes(2, 0)


@cases.each(("value", "error", "pattern"), cases.BAD_BOXES)
def test_bad_boxes(value: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.evaluate_coco([(value, [0.5, 0.5], [0, 0])], [(GOOD, [0, 0])])
    with pytest.raises(error, match=pattern):
        detutils.evaluate_coco([(GOOD, [0.5, 0.5], [0, 0])], [(value, [0, 0])])


@cases.each(("value", "error", "pattern"), cases.BAD_SCORES)
def test_bad_scores(value: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.evaluate_coco([(GOOD, value, [0, 0])], [(GOOD, [0, 0])])
    if value is not None:  # no areas at all are legal
        with pytest.raises(error, match=pattern):
            detutils.evaluate_coco(
                [(GOOD, [0.5, 0.5], [0, 0])], [{"boxes": GOOD, "labels": [0, 0], "areas": value}]
            )


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"iou_thresholds": []}, ValueError, "1 to 60"),
        ({"iou_thresholds": np.linspace(0, 1, 61)}, ValueError, "1 to 60 values, got 61"),
        ({"iou_thresholds": [1.5]}, ValueError, r"in \[0, 1\]"),
        ({"iou_thresholds": [np.nan]}, ValueError, "finite"),
        ({"iou_thresholds": 0.5}, ValueError, r"shape \(N,\)"),
        ({"max_detections": ()}, ValueError, "ascending integers"),
        ({"max_detections": (10, 1, 100)}, ValueError, "ascending integers"),
        ({"max_detections": (0, 1, 100)}, ValueError, "at least 1"),
        ({"max_detections": (1, 2.5, 100)}, TypeError, "integer"),
        ({"max_detections": 100}, TypeError, "integers"),
        ({"max_detections": "abc"}, TypeError, "integers"),
        ({"max_detections": np.array(3)}, TypeError, "max_detections must be integers"),
        ({"max_detections": {1, 10, 100}}, TypeError, "max_detections must be integers"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.evaluate_coco([], [], **options)


# ---- options beside pycocotools -----------------------------------------------------------------------------------


def judged(found: Images, truth: Images, change: Callable[[Any], None]) -> Any:
    """COCOeval of the same images after a change of its parameters."""
    judge = pycocotools_says(found, truth, 4)
    change(judge.params)
    with contextlib.redirect_stdout(io.StringIO()):
        judge.evaluate()
        judge.accumulate()
    return judge.eval


def agrees(result: detutils.CocoResult, arrays: Any, labels: Any, areas: Any = slice(None)) -> None:
    """Precision, recall and scores equal those of pycocotools."""
    assert result.precisions is not None
    assert result.scores is not None
    for ours, theirs in (
        (result.precisions, arrays["precision"][:, :, labels][:, :, :, areas]),
        (result.recall, arrays["recall"][:, labels][:, :, areas]),
        (result.scores, arrays["scores"][:, :, labels][:, :, :, areas]),
    ):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(result.precision, result.precisions[..., -1])


@pytest.mark.parametrize("exact", [True, False])
@cases.each("seed", range(cases.size(6, 2)))
def test_own_areas_limits_and_thresholds(seed: int, exact: bool) -> None:
    found, truth = scene(300 + seed, cases.size(10, 4), cases.size(60, 20), exact=exact)
    areas: dict[str, tuple[float, float]] = {"tiny": (0, 400.0), "middle": (400.0, 5000.0), "huge": (2e4, 1e5)}
    limits, levels = (2, 5, 17, 40), [0.3, 0.5, 0.75]

    def change(params: Any) -> None:
        params.areaRng, params.areaRngLbl = [[0, 1e10], *map(list, areas.values())], ["all", *areas]
        params.maxDets, params.iouThrs = list(limits), np.array(levels)

    arrays = judged(found, truth, change)
    result = detutils.evaluate_coco(
        found, truth, areas=areas, max_detections=limits, iou_thresholds=levels, arrays=True
    )
    agrees(result, arrays, result.labels)
    assert result.areas == ("all", "tiny", "middle", "huge")
    assert (result.ap_small, result.ar_large) == (-1.0, -1.0)
    threads = detutils.evaluate_coco(
        found, truth, areas=areas, max_detections=limits, iou_thresholds=levels, arrays=True, workers=2
    )
    np.testing.assert_array_equal(threads.precisions, result.precisions)
    np.testing.assert_array_equal(threads.scores, result.scores)
    np.testing.assert_array_equal(threads.recall, result.recall)


@cases.each("seed", range(cases.size(4, 2)))
def test_subsets_and_one_class(seed: int) -> None:
    found, truth = scene(400 + seed, cases.size(10, 5), cases.size(60, 15), exact=seed % 2 == 0)
    some = [1, 2, 4]

    def few(params: Any) -> None:
        params.imgIds = some

    result = detutils.evaluate_coco(found, truth, images=some, arrays=True)
    agrees(result, judged(found, truth, few), result.labels)

    def two(params: Any) -> None:
        params.catIds = [0, 2]

    result = detutils.evaluate_coco(found, truth, classes=[0, 2], arrays=True)
    agrees(result, judged(found, truth, two), np.searchsorted([0, 2], result.labels))

    def one(params: Any) -> None:
        params.useCats = 0

    # pycocotools joins the classes one after the other, which decides between tied scores; then so do we.
    def joined(images: Images) -> Images:
        sort = [(image, np.argsort(image["labels"], kind="stable")) for image in images]
        return [{key: value[order] for key, value in image.items()} for image, order in sort]

    result = detutils.evaluate_coco(joined(found), joined(truth), class_agnostic=True, arrays=True)
    agrees(result, judged(found, truth, one), [0])
    assert result.labels.tolist() == [0]


def test_one_more_line_where_there_are_no_objects() -> None:
    nothing = detutils.evaluate_coco([([[0, 0, 1, 1]], [0.5], [4])], [([], [])])
    assert nothing.summary().splitlines()[12:] == [" There are no objects: -1 says that there is nothing to measure."]
    some = detutils.evaluate_coco([([], [], [])], [([[0, 0, 1, 1]], [4])])
    assert len(some.summary().splitlines()) == 12
    assert len(detutils.evaluate_coco([], [], max_detections=(5,)).summary().splitlines()) == 13


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"areas": [(0, 1)]}, TypeError, "areas must be a mapping from names to"),
        ({"areas": {3: (0, 1)}}, TypeError, "areas must have names, got 3"),
        ({"areas": {"a": (0, 1, 2)}}, ValueError, r"areas\['a'\] must be two numbers, got 3"),
        ({"areas": {"a": 3}}, TypeError, r"areas\['a'\] must be two numbers"),
        ({"areas": {"a": (2, 1)}}, ValueError, r"areas\['a'\] must be \(least, most\), got \(2.0, 1.0\)"),
        ({"areas": {"a": (-1, 1)}}, ValueError, r"areas\['a'\] must be at least 0"),
        ({"areas": {"a": ("x", 1)}}, TypeError, r"areas\['a'\] must be a number"),
        ({"class_agnostic": "yes"}, TypeError, "class_agnostic must be a bool, got str"),
        ({"images": [0]}, ValueError, "images must be"),
        ({"images": 3}, TypeError, "images must be indices"),
        ({"images": [0.5]}, TypeError, "images must be an integer"),
        ({"classes": "cat"}, TypeError, "classes must be labels"),
        ({"classes": ["cat"]}, TypeError, "classes must be an integer"),
        ({"workers": 0}, ValueError, "workers must be"),
        ({"workers": 1.5}, TypeError, "workers must be"),
    ],
)
def test_bad_further_options(options: dict[str, Any], error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        detutils.evaluate_coco([], [], **options)
