"""Heads of known networks with small numbers whose detections are computed by hand.

Scores are given by the logits of handy probabilities: the sigmoid of log(p / (1 - p)) is p, and logits log(w) have the
softmax w / sum(w).
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import detutils

HALF, THREE_QUARTERS, NINE_TENTHS = 0.0, math.log(3), math.log(9)  # logits
NEVER = -50.0


def maps(shape: tuple[int, ...], fill: float, *values: tuple[tuple[int, ...], float]) -> np.ndarray:
    """A float32 output filled with a number, and what stands at some places."""
    output = np.full(shape, fill, np.float32)
    for place, value in values:
        output[place] = value
    return output


def check(found: detutils.Detections, boxes: list, scores: list, labels: list, **columns: list) -> None:
    np.testing.assert_allclose(found.boxes, boxes, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(found.scores, scores, rtol=1e-6)
    assert found.labels.tolist() == labels
    for name, values in columns.items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-6, atol=1e-5)


# ---- points -------------------------------------------------------------------------------------------------------

FCOS = {
    # Two classes on maps of 2 x 2 (stride 8) and 1 x 1 (stride 16); distances in pixels.
    "scores": [
        maps((1, 2, 2, 2), NEVER, ((0, 1, 0, 1), NINE_TENTHS)),
        maps((1, 2, 1, 1), NEVER, ((0, 0, 0, 0), THREE_QUARTERS)),
    ],
    "distances": [
        maps((1, 4, 2, 2), 1, ((0, slice(None), 0, 1), [4, 2, 6, 10])),
        maps((1, 4, 1, 1), 8),
    ],
    "centerness": [maps((1, 1, 2, 2), NINE_TENTHS, ((0, 0, 0, 1), HALF)), maps((1, 1, 1, 1), NINE_TENTHS)],
}


@pytest.mark.parametrize("rule", ["product", "root"])
def test_fcos(rule: str) -> None:
    found = detutils.detections_from_points(
        **FCOS, strides=(8, 16), unit="pixel", centerness_rule=rule, activation="sigmoid"
    )
    # Row 0, column 1 at stride 8 is (12, 4): 12 - 4, 4 - 2, 12 + 6, 4 + 10. The only point at stride 16 is (8, 8).
    scores = np.array([0.75 * 0.9, 0.9 * 0.5])
    check(
        found, [[0, 0, 16, 16], [8, 2, 18, 14]], np.sqrt(scores) if rule == "root" else scores, [0, 1]
    )


def test_fcos_as_rows() -> None:
    """The same numbers in one array for all levels, channels last, as exporters often leave them."""
    rows = {
        name: np.concatenate([level[0].reshape(level.shape[1], -1).T for level in levels])
        for name, levels in FCOS.items()
    }
    found = detutils.detections_from_points(
        **rows, strides=(8, 16), input_size=(16, 16), unit="pixel", channels="last", activation="sigmoid"
    )
    check(found, [[0, 0, 16, 16], [8, 2, 18, 14]], [0.675, 0.45], [0, 1])
    assert found.boxes.dtype == np.float32


def test_rtmdet() -> None:
    """Points are the upper left corners of cells; distances are in pixels already."""
    scores = [maps((1, 3, 2, 3), NEVER, ((0, 2, 1, 2), THREE_QUARTERS))]
    found = detutils.detections_from_points(
        [maps((1, 4, 2, 3), 3)], scores, (32,), shift=0, unit="pixel", activation="sigmoid"
    )
    check(found, [[64 - 3, 32 - 3, 64 + 3, 32 + 3]], [0.75], [2])


def distribution(*weights: tuple[int, float], bins: int) -> list[float]:
    """Logits of bins of which some have a weight and all others none."""
    logits = [-1000.0] * bins
    for place, weight in weights:
        logits[place] = math.log(weight)
    return logits


def test_picodet() -> None:
    """8 bins a side in strides, channels last, all levels in one array: 4 points with stride 8, one with stride 16."""
    distances = maps((1, 5, 32), 0)
    distances[0, 2] = np.concatenate([
        distribution((1, 1), (2, 2), (3, 1), bins=8),  # 1/4, 1/2, 1/4: a mean of 2
        distribution((0, 1), bins=8),  # 0
        distribution((0, 1), (7, 1), bins=8),  # 3.5
        distribution((1, 3), (5, 1), bins=8),  # 3/4 + 5/4 = 2
    ])  # fmt: skip
    scores = maps((1, 5, 2), 0.01, ((0, 2, 1), 0.8), ((0, 4, 0), 0.7))
    found = detutils.detections_from_points(
        distances, scores, (8, 16), input_size=(16, 16), channels="last", score_threshold=0.4
    )
    # Point 2 is (4, 12): 4 - 2 * 8, 12 - 0, 4 + 3.5 * 8, 12 + 2 * 8. Point 4 is (8, 8); all bins alike: 3.5 * 16 = 56.
    check(found, [[-12, 12, 32, 28], [-48, -48, 64, 64]], [0.8, 0.7], [1, 0])


def test_nanodet_plus() -> None:
    """As PicoDet, but points are the corners of cells, and levels are given one by one."""
    one = np.concatenate([distribution((place, 1), bins=8) for place in (1, 0, 2, 3)])
    found = detutils.detections_from_points(
        [maps((4, 32), 0, (3, one)), maps((1, 32), 0)], [maps((4, 1), 0, (3, 0.5)), maps((1, 1), 0)], (8, 16),
        input_size=(16, 16), shift=0, channels="last",
    )  # fmt: skip
    check(found, [[8 - 8, 8 - 0, 8 + 16, 8 + 24]], [0.5], [0])


def test_yolov8_raw() -> None:
    """16 bins a side and the classes' logits in one map of 64 + C channels a level."""
    head = maps((1, 64 + 2, 2, 2), 0)
    head[0, 64:] = NEVER
    head[0, 65, 1, 1] = NINE_TENTHS
    head[0, :64, 1, 1] = np.concatenate([distribution((place, 1), bins=16) for place in (1, 15, 0, 2)])
    found = detutils.detections_from_points([head[:, :64]], [head[:, 64:]], (32,), activation="sigmoid")
    check(found, [[48 - 32, 48 - 15 * 32, 48, 48 + 64]], [0.9], [1])


def test_scrfd() -> None:
    """Two rows a point, five keypoints, everything in strides."""
    distances, scores, points = maps((8, 4), 1), maps((8, 1), 0, (5, 0.6)), maps((8, 10), 0)
    distances[5] = [1, 2, 3, 4]
    points[5] = [0, 0, 1, 0, 0.5, 0.5, 0, 1, -1, -1]
    found = detutils.detections_from_points(
        distances, scores, (8,), input_size=(16, 16), shift=0, repeats=2, channels="last", keypoints=points
    )
    # Row 5 is the second of point 2: row 1, column 0, which is (0, 8).
    check(
        found, [[-8, -8, 24, 40]], [0.6], [0],
        keypoints=[[[0, 8], [8, 8], [4, 12], [0, 16], [-8, 0]]],
    )  # fmt: skip


# ---- priors -------------------------------------------------------------------------------------------------------

def test_ssd() -> None:
    """Softmax with the background first, every class, variances 0.1 and 0.2."""
    priors = [[40, 40, 60, 60], [0, 0, 30, 60], [10, 10, 20, 20]]
    locations = [[1, -2.5, math.log(2) / 0.2, 0], [0, 0, 0, math.log(0.5) / 0.2], [0, 0, 0, 0]]
    logits = np.log([[1, 7, 2], [2, 1, 1], [98, 1, 1]])  # shares .1 .7 .2, .5 .25 .25, .98 .01 .01
    found = detutils.detections_from_priors(
        locations, logits, priors, background="first", activation="softmax", multi_label=True, score_threshold=0.15
    )
    # The first: center (50 + 0.1 * 20, 50 - 0.25 * 20), sides 40 and 20. The second: center (15, 30), sides 30 and 30.
    first, second = [32, 35, 72, 55], [0, 15, 30, 45]
    check(found, [first, second, second, first], [0.7, 0.25, 0.25, 0.2], [0, 0, 1, 1])


def test_ssd_with_corners_and_probabilities() -> None:
    """Caffe's and OpenVINO's CORNER code; the network has done the softmax."""
    found = detutils.detections_from_priors(
        [[10, 20, 5, -5]], [[0.2, 0.8]], [[10, 10, 40, 40]], coding="corner", background="first"
    )
    check(found, [[10 + 1, 10 + 2, 40 + 1, 40 - 1]], [0.8], [0])


def test_retinaface() -> None:
    """Priors from ``prior_boxes``; five landmarks relative to the prior's center, in its sides."""
    priors = detutils.prior_boxes((64, 64), (8, 16, 32), [[16, 32], [64, 128], [256, 512]])
    assert len(priors) == 2 * (64 + 16 + 4)
    locations, landmarks = maps((1, 168, 4), 0), maps((1, 168, 10), 0)
    scores = maps((1, 168, 2), 0.5)
    scores[0, :, 1] = 0.0
    scores[0, 19] = [0.1, 0.9]  # cell 9 (row 1, column 1) and its second side, 32: around (12, 12)
    locations[0, 19] = [5, 0, math.log(2) / 0.2, 0]
    landmarks[0, 19] = [0, 0, 1, 1, -1, 2, 5, 5, 10, -10]
    found = detutils.detections_from_priors(locations, scores, priors, keypoints=landmarks, background="first")
    # Center 12 + 5 * 0.1 * 32 = 28 and 12, sides 64 and 32. A landmark of 1 is 0.1 * 32 = 3.2 away.
    check(
        found, [[28 - 32, 12 - 16, 28 + 32, 12 + 16]], [0.9], [0],
        keypoints=[[[12, 12], [15.2, 15.2], [8.8, 18.4], [28, 28], [44, -20]]],
    )  # fmt: skip


def test_blazeface() -> None:
    """896 points; center, sides and 6 keypoints in pixels of an input that is as wide as the priors."""
    priors = detutils.prior_boxes((128, 128), (8, 16), [[128] * 2, [128] * 6])
    raw, logits = maps((1, 896, 16), 0), maps((1, 896, 1), -100)
    raw[0, 3] = [10, 20, 30, 40, 5, 6, 0, 0, 1, -1, 2, -2, 3, -3, 4, -4]  # cell 1, around (12, 4)
    logits[0, 3] = THREE_QUARTERS
    raw[0, 895, 2:4] = 16  # the last cell, around (120, 120)
    logits[0, 895] = HALF
    found = detutils.detections_from_priors(
        raw[..., :4], logits, priors, keypoints=raw[..., 4:], coding="linear", variances=(1 / 128, 1 / 128),
        activation="sigmoid", iou_threshold=None,
    )  # fmt: skip
    check(
        found, [[22 - 15, 24 - 20, 22 + 15, 24 + 20], [112, 112, 128, 128]], [0.75, 0.5], [0, 0],
        keypoints=[[[17, 10], [12, 4], [13, 3], [14, 2], [15, 1], [16, 0]], [[120, 120]] * 6],
    )  # fmt: skip


# ---- anchors and proposals ----------------------------------------------------------------------------------------

def test_retinanet() -> None:
    """Sigmoid, every class, the best of each level, deltas limited to 62.5 times the anchor's side."""
    anchors = [np.array([[0, 0, 32, 32], [100, 100, 132, 132]]), np.array([[0, 0, 64, 64]])]
    deltas = [maps((2, 4), 0, (0, [0.5, 0, math.log(2), 0]), (1, [0, 0, 0, 10])), maps((1, 4), 0)]
    scores = [
        maps((2, 2), NEVER, ((0, 0), NINE_TENTHS), ((0, 1), THREE_QUARTERS), ((1, 1), HALF)),
        maps((1, 2), NEVER, ((0, 0), HALF)),
    ]
    options = {"activation": "sigmoid", "multi_label": True, "score_threshold": 0.05}
    # Center 16 + 0.5 * 32 = 32 and 16, sides 64 and 32.
    moved, tall, plain = [0, 0, 64, 32], [100, 116 - 1000, 132, 116 + 1000], [0, 0, 64, 64]
    found = detutils.detections_from_anchors(deltas, scores, anchors, **options)
    check(found, [moved, moved, tall, plain], [0.9, 0.75, 0.5, 0.5], [0, 1, 1, 0])
    found = detutils.detections_from_anchors(deltas, scores, anchors, max_per_level=1, **options)
    check(found, [moved, plain], [0.9, 0.5], [0, 0])
    found = detutils.detections_from_anchors(deltas, scores, anchors, max_candidates=3, **options)
    check(found, [moved, moved, tall], [0.9, 0.75, 0.5], [0, 1, 1])
    found = detutils.detections_from_anchors(deltas, scores, anchors, clip_to=(64, 128), **options)
    check(found, [moved, moved, [100, 0, 128, 64], plain], [0.9, 0.75, 0.5, 0.5], [0, 1, 1, 0])


@pytest.mark.parametrize("background", ["first", "last"])
@pytest.mark.parametrize("whole", [False, True])
def test_faster_rcnn(background: str, whole: bool) -> None:
    """Four deltas for each class; torchvision has the background first, detectron2 last and without deltas."""
    proposals = [[0, 0, 20, 40], [50, 50, 60, 60]]
    # Divided by the weights: class 0 of the first moves by half a width, class 1 doubles the height.
    deltas = np.zeros((2, 3, 4))
    deltas[0, 0], deltas[0, 1] = [5, 0, 0, 0], [0, 0, 0, 5 * math.log(2)]
    deltas[1, 1] = [0, 10, 0, 0]
    shares = np.array([[3, 6, 1], [1, 1, 8]])  # class 0, class 1, background
    if background == "first":
        deltas, shares = np.roll(deltas, 1, axis=1), np.roll(shares, 1, axis=1)
    if not whole:
        deltas = deltas[:, 1:] if background == "first" else deltas[:, :-1]
    found = detutils.detections_from_anchors(
        deltas.reshape(2, -1), np.log(shares), proposals, weights=(10, 10, 5, 5), background=background,
        activation="softmax", multi_label=True, score_threshold=0.05, clip_to=(58, 100),
    )  # fmt: skip
    # Clipped to 58 x 100: class 1 of the first is 80 high around 20; class 1 of the second is one height further down.
    check(
        found, [[0, 0, 20, 58], [10, 0, 30, 40], [50, 50, 60, 58], [50, 58, 60, 58]], [0.6, 0.3, 0.1, 0.1],
        [1, 0, 0, 1],
    )  # fmt: skip


# ---- queries ------------------------------------------------------------------------------------------------------

BOXES = np.array([[[0.5, 0.5, 0.2, 0.4], [0.25, 0.5, 0.5, 1.0], [0.1, 0.1, 0.1, 0.1]]], np.float32)


def test_detr() -> None:
    """Softmax with "no object" last, the best class of each query, no suppression."""
    logits = np.log([[[6, 2, 2], [2, 7, 1], [1, 1, 98]]]).astype(np.float32)
    found = detutils.detections_from_queries(
        BOXES, logits, input_size=(100, 200), activation="softmax", background="last"
    )
    check(found, [[0, 0, 100, 100], [80, 30, 120, 70]], [0.7, 0.6], [1, 0])


def test_rt_detr() -> None:
    """Sigmoid, the best of all pairs of a query and a class."""
    logits = maps(
        (1, 3, 2), NEVER, ((0, 0, 0), HALF), ((0, 0, 1), NINE_TENTHS), ((0, 2, 1), THREE_QUARTERS)
    )
    found = detutils.detections_from_queries(
        BOXES, logits, input_size=(100, 200), activation="sigmoid", multi_label=True, max_output=2
    )
    check(found, [[80, 30, 120, 70], [10, 5, 30, 15]], [0.9, 0.75], [1, 1])
    found = detutils.detections_from_queries(
        BOXES, logits, input_size=(100, 200), activation="sigmoid", multi_label=True
    )
    assert found.scores.tolist() == pytest.approx([0.9, 0.75, 0.5])
    assert found.labels.tolist() == [1, 1, 0]
