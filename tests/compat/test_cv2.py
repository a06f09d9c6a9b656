"""OpenCV's suppression by its names: equal to the definition, and to OpenCV where it is installed."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.compat import cv2 as compat
from detutils.compat.cv2 import dnn
from detutils.compat.cv2.ximgproc import segmentation
from tests.cases import GOOD_FORMS, each, size
from tests.compat.refusals import NO_BOXES, NO_LABELS, NO_SCORES, NO_SHARES, refuses
from tests.naive import compat_cv2 as naive

CASES = 10_000 if os.environ.get("DETUTILS_DEEP") else size(300, 30)
BOXES = np.array([[0.0, 0, 10, 10], [1, 0, 10, 10], [50, 50, 10, 10]])
SCORES = np.array([0.75, 0.875, 0.5])
THRESHOLDS = [0.0, 0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]


class Scene:
    """Boxes as x, y, width, height, scores, classes and options, of which some are round."""

    def __init__(self, seed: int, whole: bool | None = None) -> None:
        rng = np.random.default_rng(seed)
        n = int(rng.integers(0, size(60, 15)))
        side = int(rng.choice([20, 100, 500]))
        self.low = int(rng.choice([0, 0, -20]))
        self.whole = bool(rng.random() < 0.5) if whole is None else whole
        if self.whole:
            place, sides = rng.integers(self.low, side, (n, 2)), rng.integers(0, side // 3, (n, 2))
        else:
            place, sides = rng.uniform(self.low, side, (n, 2)), rng.uniform(0, side / 3, (n, 2))
        self.boxes = np.hstack([place, sides])
        if not self.whole and rng.random() < 0.5:
            self.boxes = self.boxes.astype(np.float32)
        self.scores = rng.random(n)
        if rng.random() < 0.5:
            self.scores = np.round(self.scores, 1)
        if rng.random() < 0.5:
            self.scores = self.scores.astype(np.float32)
        self.labels = rng.integers(0, 4, n).astype(np.int32)
        self.floor = float(rng.choice([0, 0.1, 0.25, 0.3, 0.5]))
        self.limit = float(rng.choice(THRESHOLDS))
        self.eta = float(rng.choice([1, 1, 0.9, 0.95, 0.5, 2]))
        self.top_k = int(rng.choice([0, 0, 5, 20, -1]))
        self.form = int(rng.integers(3))

    def given(self, array: np.ndarray) -> Any:
        """The array, a list, or a tuple of tuples."""
        if self.form == 0:
            return array
        items = array.tolist()
        return items if self.form == 1 else tuple(tuple(item) if isinstance(item, list) else item for item in items)

    def arguments(self, *more: np.ndarray) -> tuple[Any, ...]:
        return (*(self.given(array) for array in (self.boxes, self.scores, *more)), self.floor, self.limit)


def decisive(scene: Scene) -> bool:
    """Whether some IoU or score lies so near its threshold that float32 decides."""
    overlaps = np.array([[naive.overlap(a, b) for a in scene.boxes.tolist()] for b in scene.boxes.tolist()])
    bounds = scene.limit * scene.eta ** np.arange(30 if scene.eta < 1 else 1)
    near = bool((np.abs(overlaps[..., None] - bounds) < 1e-6).any())
    return near or bool((np.abs(scene.scores - scene.floor) < 1e-6).any())


def lists(scene: Scene) -> tuple[list[list[float]], list[float]]:
    return scene.boxes.astype(np.float64).tolist(), scene.scores.astype(np.float32).astype(np.float64).tolist()


def test_is_the_definition() -> None:
    judged = 0
    for seed in range(size(200, 40)):
        scene = Scene(seed)
        if decisive(scene):
            continue
        judged += 1
        options = scene.eta, scene.top_k
        wanted = naive.nms_boxes(*lists(scene), scene.floor, scene.limit, *options)
        assert list(compat.dnn.NMSBoxes(*scene.arguments(), *options)) == wanted, f"seed {seed}"
        wanted = naive.nms_boxes(*lists(scene), scene.floor, scene.limit, *options, scene.labels.tolist())
        assert list(compat.dnn.NMSBoxesBatched(*scene.arguments(scene.labels), *options)) == wanted, f"seed {seed}"
    assert judged > size(60, 5)


@pytest.mark.parametrize("method", [1, 2])
def test_soft_is_the_definition(method: int) -> None:
    for seed in range(size(150, 30)):
        scene = Scene(seed)
        areas = scene.boxes[:, 2] * scene.boxes[:, 3]
        if (areas == 0).sum() > 1 or decisive(scene):
            continue
        options = max(scene.top_k, 0), 0.5, method
        marks, keep = naive.soft_nms_boxes(*lists(scene), scene.floor, scene.limit, *options)
        found = compat.dnn.softNMSBoxes(*scene.arguments(), *options)
        assert list(found[1]) == keep, f"seed {seed}"
        np.testing.assert_allclose(found[0], marks, rtol=1e-6)


# ---- against the original -------------------------------------------------------------------------------------------


def equal(found: Any, wanted: Any) -> bool:
    return type(found) is type(wanted) and np.array_equal(np.asarray(found), np.asarray(wanted))


def test_equals_opencv() -> None:
    """Thresholds that boxes meet exactly, tied scores and boxes without area included."""
    cv2 = pytest.importorskip("cv2")
    if cv2.dnn.NMSBoxes([], [], 0.5, 0.5) != ():
        pytest.skip("an OpenCV that answers otherwise")
    for seed in range(CASES):
        scene = Scene(seed)
        found = compat.dnn.NMSBoxes(*scene.arguments(), scene.eta, scene.top_k)
        assert equal(found, cv2.dnn.NMSBoxes(*scene.arguments(), scene.eta, scene.top_k)), f"seed {seed}"
        if scene.low == 0 and hasattr(cv2.dnn, "NMSBoxesBatched"):
            found = compat.dnn.NMSBoxesBatched(*scene.arguments(scene.labels), scene.eta, scene.top_k)
            wanted = cv2.dnn.NMSBoxesBatched(*scene.arguments(scene.labels), scene.eta, scene.top_k)
            assert equal(found, wanted), f"seed {seed}"


def test_soft_equals_opencv() -> None:
    """Scores to float32's rounding; where two scores lie closer, their order may differ."""
    cv2 = pytest.importorskip("cv2")
    for seed in range(CASES):
        scene = Scene(seed, whole=True)
        if (scene.boxes[:, 2] * scene.boxes[:, 3] == 0).sum() > 1:
            continue
        method, sigma = 1 + seed % 2, (0.3, 0.5, 1.0)[seed % 3]
        options = max(scene.top_k, 0), sigma, method
        marks, keep = compat.dnn.softNMSBoxes(*scene.arguments(), *options)
        wanted, order = cv2.dnn.softNMSBoxes(*scene.arguments(), *options)
        assert type(marks) is type(wanted)
        np.testing.assert_allclose(marks, wanted, rtol=1e-5, atol=1e-8, err_msg=f"seed {seed}")
        swapped = np.asarray(keep) != np.asarray(order)
        if swapped.any():
            gaps = np.abs(np.diff(np.asarray(wanted, np.float64)))
            near = np.append(gaps < 1e-6, False) | np.insert(gaps < 1e-6, 0, False)
            assert near[swapped].all(), f"seed {seed}"


def test_rotated_equals_opencv_but_for_boxes_inside_others() -> None:
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2.dnn, "NMSBoxesRotated"):
        pytest.skip("no NMSBoxesRotated")
    judged = 0
    for seed in range(CASES // 10):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 12))
        rows = np.hstack([rng.uniform(0, 60, (n, 2)), rng.uniform(8, 40, (n, 2)), rng.uniform(0, 180, (n, 1))])
        rows, scores, limit = rows.astype(np.float32).astype(np.float64), rng.random(n), float(rng.choice([0.3, 0.5]))
        iou = detutils.rotated_box_iou(rows, rows, angle="cw-deg")
        areas = rows[:, 2] * rows[:, 3]
        inside = iou >= np.minimum(areas[:, None], areas) / np.maximum(areas[:, None], areas) - 1e-4
        np.fill_diagonal(inside, False)
        if inside.any() or (np.abs(iou - limit) < 1e-3).any():
            continue
        judged += 1
        boxes = [((x, y), (w, h), a) for x, y, w, h, a in rows.tolist()]
        found = compat.dnn.NMSBoxesRotated(boxes, scores, 0.1, limit)
        assert equal(found, cv2.dnn.NMSBoxesRotated(boxes, scores, 0.1, limit)), f"seed {seed}"
    assert judged > CASES // 40


# ---- quirks ---------------------------------------------------------------------------------------------------------


def test_paths_and_types() -> None:
    assert compat.NMSBoxes is compat.dnn.NMSBoxes is dnn.NMSBoxes
    found = compat.dnn.NMSBoxes(
        bboxes=BOXES, scores=SCORES, score_threshold=0.25, nms_threshold=0.5, eta=None, top_k=None
    )
    assert found.dtype == np.int32
    assert found.flatten().tolist() == [1, 2]
    assert compat.dnn.NMSBoxes([], [], 0.25, 0.5) == ()
    assert compat.dnn.NMSBoxes(np.zeros((0, 4)), np.zeros(0), 0.25, 0.5) == ()
    assert compat.dnn.NMSBoxes(BOXES, SCORES, 0.95, 0.5) == ()
    nothing = compat.dnn.NMSBoxes([], [], 0.25, 0.5, empty_array=True)
    assert nothing.dtype == np.int32
    assert nothing.shape == (0,)
    assert compat.dnn.softNMSBoxes([], [], 0.25, 0.5) == ((), ())
    marks, keep = compat.dnn.softNMSBoxes([], [], 0.25, 0.5, empty_array=True)
    assert marks.dtype == np.float32
    assert keep.dtype == np.int32


def test_an_overlap_at_the_threshold_is_decided_in_float32() -> None:
    """7 / 20 exceeds OpenCV's 0.35, which is a float32 below it; 3 / 5 does not exceed its 0.6."""
    both = [[0, 0, 20, 1], [0, 0, 7, 1]], [0.9, 0.8]
    assert compat.dnn.NMSBoxes(*both, 0.1, 0.35).tolist() == [0]
    assert compat.dnn.NMSBoxes([[0, 0, 5, 1], [0, 0, 3, 1]], [0.9, 0.8], 0.1, 0.6).tolist() == [0, 1]


def test_scores_are_float32() -> None:
    """0.1 in float32 exceeds 0.1, and is no score above the threshold 0.1; 0.3 and the number after it are tied."""
    assert compat.dnn.NMSBoxes(BOXES[:1], np.array([0.1], np.float32), 0.1, 0.5) == ()
    assert compat.dnn.NMSBoxes(BOXES[:2], [0.3, np.nextafter(0.3, 1)], 0.1, 0.5).tolist() == [0]


def test_boxes_without_area_count_as_identical() -> None:
    boxes = [[5, 5, 0, 0], [50, 50, 0, 10], [70, 50, 10, 10]]
    assert compat.dnn.NMSBoxes(boxes, [0.9, 0.8, 0.7], 0.1, 0.5).tolist() == [0, 2]
    assert compat.dnn.NMSBoxes(boxes, [0.9, 0.8, 0.7], 0.1, 1.0).tolist() == [0, 1, 2]


def test_eta_lowers_the_threshold_of_what_follows() -> None:
    boxes = [[0, 0, 10, 10], [100, 0, 10, 10], [0, 0, 10, 7.5]]  # .75 of the first
    assert compat.dnn.NMSBoxes(boxes, [0.9, 0.8, 0.7], 0.1, 0.8).tolist() == [0, 1, 2]
    assert compat.dnn.NMSBoxes(boxes, [0.9, 0.8, 0.7], 0.1, 0.8, 0.95).tolist() == [0, 1]
    assert compat.dnn.NMSBoxes(boxes[::2], [0.9, 0.8], 0.1, 0.8, 0.95).tolist() == [0, 1]
    assert compat.dnn.NMSBoxesBatched(boxes, [0.9, 0.8, 0.7], [0, 0, 1], 0.1, 0.8, 0.5).tolist() == [0, 1, 2]


def test_classes_stay_apart_at_negative_coordinates() -> None:
    """OpenCV shifts class 1 by max + 1 = 11: onto the box of class 0 here, which removes it."""
    boxes, scores, labels = [[0, 0, 10, 10], [-11, -11, 10, 10]], [0.9, 0.8], [0, 1]
    assert compat.dnn.NMSBoxesBatched(boxes, scores, labels, 0.1, 0.5).tolist() == [0, 1]
    cv2 = pytest.importorskip("cv2")
    assert cv2.dnn.NMSBoxesBatched(boxes, scores, labels, 0.1, 0.5).tolist() == [0]


def test_soft_at_a_threshold_of_0_keeps_scores_of_0() -> None:
    boxes, scores = [[0, 0, 10, 10], [0, 0, 10, 10], [40, 0, 5, 5]], [0.5, 0.9, 0.25]
    marks, keep = compat.dnn.softNMSBoxes(boxes, scores, 0.0, 0.3, method=1)
    assert keep.tolist() == [1, 2, 0]
    assert marks.tolist() == [np.float32(0.9), 0.25, 0.0]
    assert compat.dnn.softNMSBoxes(boxes, scores, 0.0, 0.3, 2, method=1)[1].tolist() == [1, 2]
    assert compat.dnn.softNMSBoxes(boxes, scores, 0.25, 0.3, method=1)[1].tolist() == [1, 2]


def test_rotated_forms() -> None:
    rows = np.array([[50.0, 50, 40, 20, 30], [50, 50, 40, 20, 35], [50, 50, 40, 20, 120]])
    pairs = [((x, y), (w, h), a) for x, y, w, h, a in rows.tolist()]

    class Box:
        def __init__(self, center: Any, size: Any, angle: float) -> None:
            self.center, self.size, self.angle = center, size, angle

    for boxes in (rows, pairs, [Box(*pair) for pair in pairs]):
        assert compat.dnn.NMSBoxesRotated(boxes, [0.8, 0.9, 0.7], 0.5, 0.5).tolist() == [1, 2]
    assert compat.dnn.NMSBoxesRotated([], [], 0.5, 0.5) == ()
    with pytest.raises(NotImplementedError, match="eta below 1"):
        compat.dnn.NMSBoxesRotated(pairs, [0.8, 0.9, 0.7], 0.5, 0.5, 0.5)


def test_a_box_inside_another_is_not_identical() -> None:
    boxes, scores = [((5, 5), (10, 10), 0), ((5, 5), (4, 4), 5)], [0.9, 0.8]
    assert compat.dnn.NMSBoxesRotated(boxes, scores, 0.1, 0.5).tolist() == [0, 1]


@each("form", GOOD_FORMS)
def test_forms(form: str) -> None:
    boxes, scores = GOOD_FORMS[form](BOXES), GOOD_FORMS[form](8 * SCORES)
    assert compat.dnn.NMSBoxes(boxes, scores, 1.0, 0.5).tolist() == [1, 2]


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    boxes, scores = torch.tensor(BOXES, requires_grad=True), torch.tensor(SCORES).bfloat16()
    assert compat.dnn.NMSBoxes(boxes, scores, 0.25, 0.5).tolist() == [1, 2]


# ---- refusals -------------------------------------------------------------------------------------------------------

TWO = {"bboxes": BOXES[:2], "scores": SCORES[:2], "score_threshold": 0.25, "nms_threshold": 0.5}


@pytest.mark.parametrize("function", [dnn.NMSBoxes, dnn.NMSBoxesBatched, dnn.softNMSBoxes])
def test_refusals(function: Any) -> None:
    goods = {**TWO, "class_ids": [0, 1]} if function is dnn.NMSBoxesBatched else TWO
    refuses(function, goods, "bboxes", {**NO_BOXES, "a negative side": [[0, 0, 1, 1], [0, 0, -1, 1]]})
    refuses(function, goods, "scores", NO_SCORES)
    refuses(function, goods, "nms_threshold", NO_SHARES)
    refuses(function, goods, "score_threshold", {"text": "0", "a flag": True, "NaN": float("nan"), "None": None})
    refuses(function, goods, "top_k", {"text": "0", "a flag": True, "a float": 1.5})
    refuses(function, goods, "empty_array", {"1": 1, "None": None})
    if function is dnn.softNMSBoxes:
        refuses(function, goods, "sigma", {"0": 0.0, "text": "1", "NaN": float("nan")})
        refuses(function, goods, "method", {"0": 0, "3": 3, "text": "linear"})
    else:
        refuses(function, goods, "eta", {"0": 0.0, "text": "1", "NaN": float("nan"), "a flag": True})
    if function is dnn.NMSBoxesBatched:
        refuses(function, goods, "class_ids", NO_LABELS)


def test_refusals_of_rotated_boxes() -> None:
    box = ((5, 5), (10, 10), 0)
    goods = {**TWO, "bboxes": [box, box]}
    refuses(
        dnn.NMSBoxesRotated, goods, "bboxes",
        {"None": None, "text": "boxes", "pairs": [(5, 5), (10, 10)], "two": [box[:2], box],
         "flag": [((5, 5), (1, 1), True), box], "NaN": [((5, float("nan")), (1, 1), 0), box]},
    )  # fmt: skip
    refuses(dnn.NMSBoxesRotated, goods, "scores", NO_SCORES)


def test_rows_below_the_threshold_may_hold_anything() -> None:
    boxes = np.array([[np.nan, 0, 1, 1], [0, 0, -1, 5], [np.inf, 0, 1, 1], [0, 0, 10, 10.0]])
    assert compat.dnn.NMSBoxes(boxes, [0.1, 0.2, 0.0, 0.9], 0.25, 0.5).tolist() == [3]
    with pytest.raises(ValueError, match=r"bboxes\[1\] has a negative width or height: \[0, 0, -1, 5\]"):
        compat.dnn.NMSBoxes(boxes, [0.1, 0.7, 0.0, 0.9], 0.25, 0.5)
    with pytest.raises(compat.error, match=r"bboxes\[2\] is not finite"):
        compat.dnn.NMSBoxes(boxes, [0.1, 0.2, 0.7, 0.9], 0.25, 0.5)


def test_nothing_is_changed() -> None:
    boxes, scores = BOXES.copy(), SCORES.copy()
    compat.dnn.NMSBoxes(boxes, scores, 0.25, 0.6, 0.9)
    compat.dnn.softNMSBoxes(boxes, scores, 0.0, 0.6)
    np.testing.assert_array_equal(boxes, BOXES)
    np.testing.assert_array_equal(scores, SCORES)


# ---- Selective Search -----------------------------------------------------------------------------------------------

MODES = {
    "switchToSingleStrategy": 1, "switchToSelectiveSearchFast": 12, "switchToSelectiveSearchQuality": 100,
}  # fmt: skip


def picture() -> np.ndarray:
    image = np.zeros((40, 60, 3), np.uint8)
    image[10:30, 20:50] = (40, 90, 200)
    image[15:25, 25:35] = (200, 200, 20)
    return image


def search(mode: str, *arguments: Any) -> Any:
    found = segmentation.createSelectiveSearchSegmentation()
    found.setBaseImage(picture())
    getattr(found, mode)(*arguments)
    return found


@pytest.mark.parametrize("mode", MODES)
def test_modes(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The strategies are OpenCV's, the image is turned to RGB, and boxes are x, y, width, height."""
    seen = {}

    def spy(image: Any, strategies: Any, **options: Any) -> Any:
        seen.update(image=image, strategies=strategies, options=options)
        return detutils.selective_search(image, strategies[:1], **options)

    monkeypatch.setattr(segmentation, "selective_search", spy)
    rects = search(mode).process()
    assert rects.dtype == np.int32
    assert rects.ndim == 2
    assert rects.shape[1] == 4
    assert [20, 10, 30, 20] in rects.tolist()
    assert len(seen["strategies"]) == len(set(seen["strategies"])) == MODES[mode]
    assert seen["image"][0, 0].tolist() == [0, 0, 0]
    assert seen["image"][11, 21].tolist() == [200, 90, 40]
    scales = sorted({strategy.scale for strategy in seen["strategies"]})
    assert scales == {1: [200.0], 12: [150.0, 300.0, 450.0], 100: [150.0, 300.0, 450.0, 600.0, 750.0]}[MODES[mode]]
    assert {(s.min_size, s.sigma, s.shrink) for s in seen["strategies"]} == {(100, 0.8, 1)}
    search("switchToSelectiveSearchFast", 50, 25, 0.5).process()
    assert sorted({(s.scale, s.sigma) for s in seen["strategies"]}) == [(50.0, 0.5), (75.0, 0.5), (100.0, 0.5)]


def test_the_parts_of_a_search() -> None:
    found = search("switchToSingleStrategy")
    first = found.process()
    np.testing.assert_array_equal(first, found.process())
    found.clearStrategies()
    with pytest.raises(ValueError, match="no strategy is chosen"):
        found.process()
    color, size_ = (
        getattr(segmentation, f"createSelectiveSearchSegmentationStrategy{kind}")() for kind in ("Color", "Size")
    )
    both = segmentation.createSelectiveSearchSegmentationStrategyMultiple(color, size_)
    assert both.weights == (1.0, 0.0, 1.0, 0.0)
    both.addStrategy(segmentation.createSelectiveSearchSegmentationStrategyFill(), 0.5)
    both.addStrategy(segmentation.createSelectiveSearchSegmentationStrategyTexture(), 2)
    assert both.weights == (1.0, 2.0, 1.0, 0.5)
    found.addStrategy(both)
    found.clearGraphSegmentations()
    found.addGraphSegmentation(segmentation.createGraphSegmentation(0.8, 100, 20))
    assert [20, 10, 30, 20] in found.process().tolist()
    found.clearImages()
    with pytest.raises(ValueError, match="no strategy is chosen"):
        found.process()
    both.clearStrategies()
    assert both.weights == (0.0, 0.0, 0.0, 0.0)


def test_graph_segmentation() -> None:
    graph = segmentation.createGraphSegmentation()
    assert (graph.getSigma(), graph.getK(), graph.getMinSize()) == (0.5, 300.0, 100)
    graph.setSigma(0.0)
    graph.setK(10)
    graph.setMinSize(1)
    labels = graph.processImage(picture())
    assert labels.dtype == np.int32
    assert labels.max() == 2
    np.testing.assert_array_equal(labels, detutils.felzenszwalb(picture(), 10, 0.0, 1))


def test_refusals_of_a_search() -> None:
    found = segmentation.createSelectiveSearchSegmentation()
    with pytest.raises(ValueError, match="call setBaseImage first"):
        found.process()
    refuses(
        lambda img: found.setBaseImage(img), {"img": picture()}, "img",
        {"None": None, "path": "a.jpg", "empty": np.zeros((0, 5, 3), np.uint8), "floats": np.full((5, 5), 255.0)},
    )  # fmt: skip
    with pytest.raises(NotImplementedError, match="addImage is not offered"):
        found.addImage(picture())
    for add, name in ((found.addGraphSegmentation, "g"), (found.addStrategy, "s")):
        with pytest.raises(TypeError, match=f"{name} must be"):
            add(3)
    for call in (found.switchToSingleStrategy, found.switchToSelectiveSearchFast, found.switchToSelectiveSearchQuality):
        with pytest.raises(TypeError, match="must be an integer"):
            call(1.5)
        with pytest.raises(ValueError, match="sigma"):
            call(sigma=-1)
    with pytest.raises(TypeError, match="s2 must be"):
        segmentation.createSelectiveSearchSegmentationStrategyMultiple(
            segmentation.createSelectiveSearchSegmentationStrategyFill(), None
        )
    refuses(segmentation.createGraphSegmentation, {}, "k", {"text": "1", "below": -1})
