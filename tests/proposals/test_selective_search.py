"""Selective Search as a whole: order, repeatability, options, and every image of the contract."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from detutils import Strategy, box_iou, selective_search
from detutils.proposals import strategies
from detutils.proposals._kernels import objectness as kernels
from detutils.proposals.objectness import TERMS, WEIGHTS
from tests.cases import BAD_IMAGES, JIT, each, size, unchanged
from tests.proposals.test_segmentation import picture

FEW = [Strategy("lab", 20.0, min_size=4, shrink=2), Strategy("hsv", 20.0, texture=0.0, min_size=4)]
IMAGE = picture(size(90, 18), size(120, 22), 12)


@pytest.mark.parametrize("mode", [*strategies.MODES, FEW])
def test_boxes_are_different_and_inside(mode) -> None:
    image = picture(size(60, 9), size(80, 11), 3)
    boxes, priorities = unchanged(selective_search, image, mode=mode)
    assert boxes.dtype == priorities.dtype == np.float64
    assert boxes.shape == (len(priorities), 4)
    assert len(np.unique(boxes, axis=0)) == len(boxes) > 0
    assert (boxes >= 0).all()
    assert (boxes[:, 2:] <= [image.shape[1], image.shape[0]]).all()
    assert (boxes[:, :2] < boxes[:, 2:]).all()
    assert np.isfinite(priorities).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3)])
@pytest.mark.parametrize("mode", ["single", "fast", "paper-fast", FEW])
def test_tiny_and_constant_images_give_the_whole_image(shape, mode) -> None:
    for image in (np.full(shape, 77, np.uint8), picture(*shape, 1)):
        boxes = selective_search(image, mode).boxes
        assert [0.0, 0.0, shape[1], shape[0]] in boxes.tolist()


def test_the_same_seed_gives_the_same_order() -> None:
    for ranking in ("objectness", "position"):
        first = selective_search(IMAGE, FEW, ranking=ranking, seed=3, min_size=2)
        again = selective_search(IMAGE, FEW, ranking=ranking, seed=3, min_size=2)
        other = selective_search(IMAGE, FEW, ranking=ranking, seed=4, min_size=2)
        np.testing.assert_array_equal(first.boxes, again.boxes)
        np.testing.assert_array_equal(first.priorities, again.priorities)
        assert sorted(map(tuple, first.boxes)) == sorted(map(tuple, other.boxes))
        assert (first.boxes.tolist() == other.boxes.tolist()) == (ranking == "objectness")


@pytest.mark.parametrize("workers", [2, 3, -1])
def test_workers_change_nothing(workers: int) -> None:
    alone = selective_search(IMAGE, "fast" if JIT else FEW)
    together = selective_search(IMAGE, "fast" if JIT else FEW, workers=workers)
    np.testing.assert_array_equal(alone.boxes, together.boxes)
    np.testing.assert_array_equal(alone.priorities, together.priorities)


def test_the_same_picture_in_every_dtype() -> None:
    wanted = selective_search(IMAGE, FEW)
    for same in (
        IMAGE.astype(np.uint16) * 257,
        IMAGE.astype(np.float32) / 255,
        IMAGE / 255.0,
        np.asfortranarray(IMAGE),
        np.dstack([IMAGE, IMAGE[:, :, 0]]),
    ):
        np.testing.assert_array_equal(selective_search(same, FEW).boxes, wanted.boxes)
    gray = IMAGE[:, :, 0]
    three = selective_search(np.dstack([gray, gray, gray]), FEW)
    np.testing.assert_array_equal(selective_search(gray, FEW).boxes, three.boxes)


def test_a_larger_budget_only_adds_boxes() -> None:
    every = selective_search(IMAGE, FEW, max_boxes=10**6)
    for budget in (0, 1, 5, len(every.boxes)):
        some = selective_search(IMAGE, FEW, max_boxes=budget)
        np.testing.assert_array_equal(some.boxes, every.boxes[:budget])
        np.testing.assert_array_equal(some.priorities, every.priorities[:budget])


def test_small_boxes_are_left_out() -> None:
    every = selective_search(IMAGE, FEW, min_size=0, ranking="position")
    for side in (3, 10):
        large = selective_search(IMAGE, FEW, min_size=side, ranking="position")
        sides = (every.boxes[:, 2:] - every.boxes[:, :2]).min(axis=1)
        assert sorted(map(tuple, large.boxes)) == sorted(map(tuple, every.boxes[sides >= side]))
    assert selective_search(IMAGE, FEW, min_size=10**4).boxes.tolist() == [
        [0, 0, IMAGE.shape[1], IMAGE.shape[0]]
    ]


def test_a_limit_on_the_working_size_keeps_the_coordinates() -> None:
    limit = IMAGE.shape[1] // 2
    boxes = selective_search(IMAGE, FEW, max_side=limit).boxes
    assert boxes[:, 2].max() == IMAGE.shape[1]
    assert boxes[:, 3].max() == IMAGE.shape[0]
    unlimited = selective_search(IMAGE, FEW, max_side=IMAGE.shape[1])
    np.testing.assert_array_equal(unlimited.boxes, selective_search(IMAGE, FEW).boxes)
    assert boxes.shape != unlimited.boxes.shape


def test_strategies_of_the_same_kind_share_without_mixing() -> None:
    """Every hierarchy alone proposes what it proposes in company."""
    company = selective_search(IMAGE, FEW, ranking="position", max_boxes=10**6).boxes.tolist()
    alone = [box for one in FEW for box in selective_search(IMAGE, [one], refine=False).boxes.tolist()]
    assert {tuple(box) for box in alone} == {tuple(box) for box in company}
    one = selective_search(IMAGE, FEW[0]).boxes
    np.testing.assert_array_equal(one, selective_search(IMAGE, FEW[:1]).boxes)


def test_priorities_never_rise() -> None:
    for mode in ("fast", "single", FEW):
        priorities = selective_search(IMAGE, mode).priorities
        assert (np.diff(priorities) <= 0).all()
        assert (priorities > 0).all()


@pytest.mark.skipif(not JIT, reason="the hash is that of 64 bits")
def test_boxes_that_differ_in_one_number_have_places_of_their_own() -> None:
    boxes, table = np.array([[1, 2, 3, 4]], np.int32), np.array([-1, -1], np.int32)
    place = kernels._slot(table, boxes, 1, 2, 3, 4)
    table[place] = 0
    assert kernels._slot(table, boxes, 1, 2, 3, 4) == place
    for column in range(4):
        for value in range(5, 25):
            box = [1, 2, 3, 4]
            box[column] = value
            assert kernels._slot(table, boxes, *box) == 1 - place


def test_sides_within_two_pixels_of_the_border_touch_it() -> None:
    boxes = np.array([[0, 0, 20, 10], [1, 1, 18, 8], [2, 2, 17, 7], [1, 2, 17, 7], [2, 2, 17, 8]], np.int32)
    features = np.empty((len(boxes), kernels.FEATURES))
    sums = np.full((len(boxes), 1 + kernels.SUMS + kernels.EXTREMES), 6.0)
    sums[:, 0] = 2.0
    kernels.describe_boxes(boxes, sums, np.zeros((11, 21), np.int64), 1, (10, 20), features, 0, len(boxes))
    assert features[:, 5].tolist() == [4, 4, 0, 1, 1]
    assert (features[:, 13 : 13 + kernels.SUMS] == 3.0).all()  # means over the regions with this box
    assert (features[:, 20 : 20 + kernels.EXTREMES] == 6.0).all()


def test_the_model_has_a_weight_for_every_term() -> None:
    assert len(TERMS) == len(WEIGHTS) == kernels.FEATURES


def test_modes_of_the_paper_have_exact_edges() -> None:
    """The others were tuned with coarse ones, and their model of objectness was fitted to such regions."""
    for mode, (strategies_of_mode, _) in strategies.MODES.items():
        edges = "exact" if mode.startswith("paper-") else "coarse"
        assert {strategy.edges for strategy in strategies_of_mode} == {edges}, mode


def test_an_object_on_a_plain_ground_comes_early() -> None:
    image = np.full((size(120, 40), size(160, 48), 3), (90, 140, 90), np.uint8)
    h, w = image.shape[:2]
    image[h // 4 : h // 2, w // 4 : 3 * w // 4] = (200, 60, 40)
    thing = np.array([[w // 4, h // 4, 3 * w // 4, h // 2]], float)
    best = box_iou(selective_search(image).boxes[:20], thing).max()
    assert best >= 0.8


@each(("image", "error", "pattern"), BAD_IMAGES)
def test_bad_images_are_refused(image, error, pattern) -> None:
    with pytest.raises(error, match=pattern):
        selective_search(image)


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"mode": "slow"}, ValueError, "mode must be one of 'single', 'fast'"),
        ({"mode": 3}, TypeError, "mode must be"),
        ({"mode": None}, TypeError, "mode must be"),
        ({"mode": []}, ValueError, "at least one strategy"),
        ({"mode": ["hsv"]}, TypeError, r"mode\[0\] must be a Strategy"),
        ({"mode": [Strategy(), Strategy("x")]}, ValueError, r"mode\[1\].color_space"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": 1.0}, TypeError, "seed"),
        ({"min_size": -1}, ValueError, "min_size"),
        ({"max_boxes": -1}, ValueError, "max_boxes"),
        ({"max_boxes": 1.5}, TypeError, "max_boxes"),
        ({"max_side": 0}, ValueError, "max_side"),
        ({"ranking": "random"}, ValueError, "ranking must be one of"),
        ({"workers": 0}, ValueError, "workers"),
        ({"workers": "2"}, TypeError, "workers"),
    ],
)
def test_bad_options_are_refused(options, error, pattern) -> None:
    with pytest.raises(error, match=pattern):
        selective_search(np.zeros((8, 8), np.uint8), **options)


def test_an_error_in_a_thread_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(strategies, "describe", fail)
    for workers in (1, 2):
        with pytest.raises(MemoryError, match="no room"):
            selective_search(IMAGE, FEW, workers=workers)


def test_opencv_is_not_needed() -> None:
    code = (
        "import sys; sys.modules['cv2'] = None; import numpy as np, detutils; "
        "image = np.zeros((20, 30, 3), np.uint8); image[5:15, 8:22] = 200; "
        "detutils.selective_search(image, 'single'); detutils.felzenszwalb(image); "
        "detutils.hierarchical_grouping(image)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
