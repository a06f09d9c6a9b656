"""Heads held to recorded detections of torchvision 0.28.

``data/torchvision_heads.npz`` holds random outputs (seed 0) of an input of 32 x 48 pixels, with maps of 4 x 6 and 2 x 3
cells, and what ``postprocess_detections`` of its RetinaNet, FCOS, SSD and Faster R-CNN made of them; its suppression
was the greedy rule in float64. It computes boxes in float32, and rounds in other places than this package.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import detutils

SIZE, STRIDES, GRIDS = (32, 48), (8, 16), [(4, 6), (2, 3)]


def recorded(head: str) -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "data" / "torchvision_heads.npz") as file:
        return {name.split("/")[1]: file[name] for name in file.files if name.startswith(f"{head}/")}


def check(found: detutils.Detections, head: dict[str, np.ndarray], background: int = 0) -> None:
    assert (found.labels + background).tolist() == head["labels"].tolist()
    np.testing.assert_allclose(found.scores, head["scores"], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.boxes, head["boxes"], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_retinanet(dtype: type) -> None:
    head = recorded("retinanet")
    anchors = [
        detutils.grid_anchors(np.rint(detutils.cell_anchors(sizes, order="ratio")), grid, stride)
        for sizes, grid, stride in zip([(12, 15, 19), (24, 30, 38)], GRIDS, STRIDES, strict=True)
    ]
    np.testing.assert_array_equal(np.concatenate(anchors), head["anchors"])
    ends = np.cumsum([len(level) for level in anchors])[:-1]
    found = detutils.detections_from_anchors(
        np.split(head["deltas"].astype(dtype), ends, axis=1), np.split(head["logits"].astype(dtype), ends, axis=1),
        anchors, activation="sigmoid", multi_label=True, score_threshold=0.05, max_per_level=60, max_output=40,
        clip_to=SIZE,
    )  # fmt: skip
    check(found, head)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fcos(dtype: type) -> None:
    head = recorded("fcos")
    found = detutils.detections_from_points(
        head["distances"].astype(dtype), head["logits"].astype(dtype), STRIDES, input_size=SIZE, shift=0,
        centerness=head["centerness"].astype(dtype), centerness_rule="root", channels="last", activation="sigmoid",
        multi_label=True, score_threshold=0.2, iou_threshold=0.6, max_per_level=20, max_output=30, clip_to=SIZE,
    )  # fmt: skip
    check(found, head)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ssd(dtype: type) -> None:
    head = recorded("ssd")
    options = {
        "background": "first", "activation": "softmax", "multi_label": True, "score_threshold": 0.01,
        "iou_threshold": 0.45, "max_output": 50, "clip_to": SIZE,
    }  # fmt: skip
    outputs = head["locations"].astype(dtype), head["logits"].astype(dtype), head["priors"]
    check(detutils.detections_from_priors(*outputs, **options), head, background=1)
    # Variances are inverse weights; anchors' deltas are limited besides.
    check(detutils.detections_from_anchors(*outputs, weights=(10, 10, 5, 5), **options), head, background=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_faster_rcnn(dtype: type) -> None:
    head = recorded("faster_rcnn")
    found = detutils.detections_from_anchors(
        head["deltas"].astype(dtype), head["logits"].astype(dtype), head["proposals"], weights=(10, 10, 5, 5),
        background="first", activation="softmax", multi_label=True, score_threshold=0.05, max_output=100, clip_to=SIZE,
    )  # fmt: skip
    check(found, head, background=1)
