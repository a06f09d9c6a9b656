"""``compat.torchvision`` against torchvision itself, where torch is installed."""

from __future__ import annotations

import importlib
import itertools
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import detutils.compat.torchvision.ops.boxes as box_ops
from detutils.compat import torchvision
from detutils.compat.torchvision.ops import batched_nms, box_iou, masks_to_boxes, nms
from tests.cases import (
    random_boxes,
    whole_boxes,
)
from tests.compat.test_torchvision import MATRICES, scene

CASES = 10_000 if os.environ.get("DETUTILS_DEEP") else 300


@pytest.fixture(scope="module")
def original() -> Any:
    pytest.importorskip("torch").set_num_threads(1)
    return pytest.importorskip("torchvision").ops


def tensors(*arrays: np.ndarray) -> Any:
    torch = importlib.import_module("torch")
    return [torch.from_numpy(array) for array in arrays]


def near_threshold(boxes: np.ndarray, threshold: float) -> bool:
    """Whether some IoU lies so close to the threshold that float32 may decide otherwise."""
    return bool((np.abs(box_iou(boxes.astype(float), boxes.astype(float)) - threshold) < 1e-5).any())


def test_nms_equals_the_original(original: Any) -> None:
    """In float64 always; in float32 but for boxes at the threshold, where the original's float64 agrees with us."""
    different = 0
    for seed in range(CASES):
        boxes, scores, _ = scene(seed, seed % 70)
        threshold = (0.0, 0.3, 0.5, 0.6, 0.7, 1.0)[seed % 6]
        rows, marks = tensors(boxes, scores)
        expected = original.nms(rows, marks, threshold)
        keep = nms(rows, marks, threshold)
        assert keep.dtype == expected.dtype
        assert keep.tolist() == expected.tolist(), seed
        rows, marks = rows.float(), marks.float()
        keep = nms(rows, marks, threshold).tolist()
        assert keep == original.nms(rows.double(), marks.double(), threshold).tolist(), seed
        if keep != original.nms(rows, marks, threshold).tolist():
            assert near_threshold(rows.numpy(), threshold), seed
            different += 1
    assert different < CASES / 10


def test_batched_nms_equals_the_original(original: Any) -> None:
    for seed in range(CASES):
        boxes, scores, labels = scene(seed, seed % 70 if seed % 50 else 1100)
        boxes -= min(boxes.min(initial=0.0), 0.0)  # the original shifts coordinates: below 0 classes would meet
        if seed % 50 == 0:
            scores = np.random.default_rng(seed).random(len(boxes))  # and leaves ties open above 1,000 boxes
        threshold = (0.3, 0.5, 0.6, 0.7)[seed % 4]
        rows, marks, idxs = tensors(boxes, scores, labels)
        idxs = idxs.double() if seed % 2 else idxs
        expected = original.batched_nms(rows, marks, idxs, threshold).tolist()
        keep = batched_nms(rows, marks, idxs, threshold)
        if keep.tolist() != expected:  # the shift rounds coordinates
            assert near_threshold(boxes, threshold), seed
            expected = original.boxes._batched_nms_vanilla(rows, marks, idxs, threshold)
            assert len(expected) == len(keep), seed
            assert set(keep.tolist()) == set(expected.tolist()), seed


def test_a_box_below_zero_meets_the_next_class_in_the_original(original: Any) -> None:
    boxes, scores, labels = tensors(
        np.array([[0.0, 0.0, 9.0, 9.0], [-10.0, -10.0, -1.0, -1.0]]), np.array([0.9, 0.8]), np.array([0, 1])
    )
    assert original.batched_nms(boxes, scores, labels, 0.5).tolist() == [0]
    assert batched_nms(boxes, scores, labels, 0.5).tolist() == [0, 1]


@pytest.mark.parametrize("name", MATRICES)
def test_matrices_equal_the_original(original: Any, name: str) -> None:
    torch = importlib.import_module("torch")
    for seed in range(CASES):
        first, second = random_boxes(seed % 6, seed), random_boxes(1 + seed % 7, seed + 1)
        if seed % 2:
            first, second = first / 1000, second / 1000
        rows, columns = tensors(first, second)
        tolerance = 1e-7 if seed % 3 == 2 else 2e-5  # float32 boxes are measured in float32 there, next to float64, too
        if seed % 3 == 0:
            rows = rows.float()
        if seed % 3 < 2:
            columns = columns.float()
        expected = getattr(original, name)(rows, columns)
        answer = getattr(box_ops, name)(rows, columns)
        assert answer.dtype == expected.dtype
        assert answer.shape == expected.shape
        known = ~torch.isnan(expected)
        sides, others = rows[:, 2:] - rows[:, :2], columns[:, 2:] - columns[:, :2]
        points = (sides == 0).all(1)[:, None] | (others == 0).all(1)
        assert (known | points | ((sides == 0).any(1)[:, None] & (others == 0).any(1))).all(), seed
        torch.testing.assert_close(answer[known], expected[known], rtol=0, atol=tolerance, msg=str(seed))


def test_the_rest_equals_the_original(original: Any) -> None:
    torch = importlib.import_module("torch")
    formats = list(itertools.product(("xyxy", "xywh", "cxcywh"), repeat=2))
    for seed in range(CASES):
        boxes = random_boxes(seed % 9, seed)
        (rows,) = tensors(boxes)
        if seed % 4 == 1:
            rows = rows.float()
        elif seed % 4 == 2:
            rows = rows.to((torch.int64, torch.int32, torch.int16)[seed % 3])
        elif seed % 4 == 3:
            rows = torch.from_numpy(whole_boxes(seed % 9, seed)).to((torch.half, torch.bfloat16)[seed % 8 // 4])
        exact = 0.0 if seed % 4 else 1e-12
        area, expected = box_ops.box_area(rows), original.box_area(rows)
        assert area.dtype == expected.dtype
        torch.testing.assert_close(area, expected, rtol=1e-6, atol=0.3 if rows.dtype == torch.float32 else 0)
        clipped = original.clip_boxes_to_image(rows, (200, 300))
        torch.testing.assert_close(box_ops.clip_boxes_to_image(rows, (200, 300)), clipped, rtol=0, atol=0)
        least = seed % 50
        assert box_ops.remove_small_boxes(rows, least).tolist() == original.remove_small_boxes(rows, least).tolist()
        source, target = formats[seed % 9]
        given = original.box_convert(rows, "xyxy", source)
        answer, expected = box_ops.box_convert(given, source, target), original.box_convert(given, source, target)
        assert answer.dtype == expected.dtype
        digits = {torch.half: 1e-3, torch.bfloat16: 8e-3, torch.float32: 1e-6}.get(answer.dtype, 1e-15)
        torch.testing.assert_close(answer, expected, rtol=digits, atol=max(digits * 800, exact), msg=str(seed))
        masks = np.random.default_rng(seed).random((seed % 3, 5, 6)) < 0.4
        masks[:, seed % 5, seed % 6] = True
        (masks,) = tensors(masks)
        expected = original.masks_to_boxes(masks)
        assert masks_to_boxes(masks).dtype == expected.dtype
        assert masks_to_boxes(masks).tolist() == expected.tolist()


def test_dtypes_equal_the_original(original: Any) -> None:
    torch = importlib.import_module("torch")
    for dtype in ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8"):
        boxes = torch.tensor([[1, 2, 5, 7], [2, 2, 9, 9]], dtype=getattr(torch, dtype))
        calls: list[Callable[[Any], Any]] = [
            lambda ops, b=boxes: ops.box_area(b), *(lambda ops, b=boxes, n=n: getattr(ops, n)(b, b) for n in MATRICES),
            lambda ops, b=boxes: ops.clip_boxes_to_image(b, (5, 5)),
            lambda ops, b=boxes: ops.clip_boxes_to_image(b, (5.5, 5)),
            *(lambda ops, b=boxes, s=s, t=t: ops.box_convert(b, s, t)
              for s, t in itertools.product(("xyxy", "xywh", "cxcywh"), repeat=2)),
            lambda ops, b=boxes: ops.remove_small_boxes(b, 2), lambda ops, b=boxes: ops.masks_to_boxes(b[:, :, None]),
        ]  # fmt: skip
        for call in calls:
            expected, answer = call(original), call(torchvision.ops)
            assert answer.dtype == expected.dtype
            torch.testing.assert_close(answer.double(), expected.double(), rtol=0, atol=0.02)


def test_tensors_are_read_in_place(original: Any) -> None:
    """Slices, gradients, bfloat16, inputs unchanged; the answer is a plain tensor on the same device."""
    torch = importlib.import_module("torch")
    table = torch.from_numpy(np.hstack([random_boxes(50, 1), np.random.default_rng(1).random((50, 81))]))
    table = table.float().requires_grad_()
    before = table.detach().clone()
    keep = nms(table[:, :4], table[:, 4], 0.5)
    assert keep.tolist() == original.nms(table[:, :4].double(), table[:, 4].double(), 0.5).tolist()
    answer = box_iou(table[:, :4], table[:, :4])
    assert not answer.requires_grad
    assert answer.device == table.device
    assert torch.equal(table.detach(), before)
    short = table.detach()[:, :4].bfloat16()
    assert box_iou(short, short).dtype == torch.float32
    assert box_ops.clip_boxes_to_image(short, (90, 90)).dtype == torch.bfloat16


def test_tensors_that_cannot_be_read(original: Any) -> None:
    torch = importlib.import_module("torch")
    for boxes in (torch.eye(4).to_sparse(), torch.zeros(2, 4, dtype=torch.complex64), torch.zeros(2, 4, device="meta")):
        with pytest.raises((TypeError, ValueError), match="boxes"):
            nms(boxes, torch.rand(2), 0.5)
