"""What deployments of YOLO and YOLOX call: equal to definitions written from their documentation."""

from __future__ import annotations

import inspect
import os
from typing import Any

import numpy as np
import pytest

from detutils.compat import yolo, yolox
from tests.cases import GOOD_FORMS, each, random_boxes, size, unchanged
from tests.compat.refusals import NO_ARRAYS, NO_BOXES, NO_SCORES, NO_SHARES, refuses
from tests.naive import compat_yolo as naive

CASES = 10_000 if os.environ.get("DETUTILS_DEEP") else size(200, 25)


def rows_of(seed: int, objectness: bool, *, masks: int = 0) -> np.ndarray:
    """(n, 4 or 5 + C + masks) float64 numbers that float32 holds, no two products alike."""
    rng = np.random.default_rng(seed)
    n, classes = int(rng.integers(0, size(60, 20))), int(rng.integers(1, 5))
    side = float(rng.choice([30, 100, 640]))
    boxes = np.hstack([rng.uniform(0, side, (n, 2)), rng.uniform(1, side / 2, (n, 2))])
    numbers = rng.random((n, objectness + classes))
    rows = np.hstack([boxes, numbers, rng.normal(size=(n, masks))])
    return rows.astype(np.float32).astype(np.float64)


def near(rows: np.ndarray, limit: float) -> bool:
    """Whether an IoU lies so near the threshold that the rounding of corners decides."""
    boxes = [naive.corners(row[:4]) for row in rows.tolist()]
    return any(abs(naive.iou(a, b) - limit) < 1e-5 for a in boxes for b in boxes)


# ---- non_max_suppression --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("objectness", [False, True], ids=["v8", "v5"])
def test_is_the_definition(objectness: bool) -> None:
    judged = 0
    for seed in range(CASES):
        rng = np.random.default_rng(seed + 1)
        masks = int(rng.choice([0, 0, 3]))
        rows = rows_of(seed, objectness, masks=masks)
        classes = rows.shape[1] - (5 if objectness else 4) - masks
        limit, floor = float(rng.choice([0.3, 0.45, 0.65])), float(rng.choice([0.1, 0.25, 0.6]))
        options: dict[str, Any] = {
            "classes": [None, [0], [0, 2], []][int(rng.integers(4))], "agnostic": bool(rng.random() < 0.3),
            "multi_label": bool(rng.random() < 0.4), "max_det": int(rng.choice([300, 5])),
            "max_nms": int(rng.choice([30000, 10])),
        }  # fmt: skip
        if near(rows, limit):
            continue
        judged += 1
        dtype = np.float32 if seed % 2 else np.float64
        batch = rows[None].astype(dtype) if objectness else np.ascontiguousarray(rows.T)[None].astype(dtype)
        count = {"nm": masks} if objectness else {"nc": classes}
        layout = "v5" if objectness else "v8"
        options |= {"conf_thres": floor, "iou_thres": limit}
        (found,) = unchanged(yolo.non_max_suppression, batch, layout=layout, **count, **options)
        wanted = naive.non_max_suppression(rows.tolist(), nm=masks, objectness=objectness, **options)
        assert found.dtype == dtype
        assert found.shape == (len(wanted), 6 + masks), f"seed {seed}"
        np.testing.assert_allclose(found, np.reshape(wanted, found.shape), rtol=1e-6, atol=1e-4, err_msg=f"seed {seed}")
    assert judged > CASES // 3


def test_the_layout_is_guessed() -> None:
    rows = np.hstack([np.abs(random_boxes(20, 0)), np.random.default_rng(0).random((20, 4))])
    wanted = yolo.non_max_suppression(rows[None], layout="v5")[0]
    np.testing.assert_array_equal(yolo.non_max_suppression(rows[None])[0], wanted)
    flat = np.delete(rows, 4, axis=1)
    wanted = yolo.non_max_suppression(flat.T[None], layout="v8")[0]
    np.testing.assert_array_equal(yolo.non_max_suppression(flat.T[None])[0], wanted)
    np.testing.assert_array_equal(yolo.non_max_suppression([flat.T[None], "loss"])[0], wanted)
    few = flat[:3]
    np.testing.assert_array_equal(
        yolo.non_max_suppression(few.T[None], nc=flat.shape[1] - 4)[0],
        yolo.non_max_suppression(few.T[None], layout="v8")[0],
    )
    for shape, size_ in (((2, 7, 0), 6), ((2, 0, 7), 6)):
        assert [found.shape for found in yolo.non_max_suppression(np.zeros(shape))] == [(0, size_)] * 2
    with pytest.raises(ValueError, match="say layout='v5' or 'v8'"):
        yolo.non_max_suppression(np.zeros((1, 9, 9)))
    with pytest.raises(ValueError, match="say end2end=True, or layout='v5'"):
        yolo.non_max_suppression(np.zeros((1, 300, 6)))
    assert len(yolo.non_max_suppression(np.zeros((1, 301, 6)))[0]) == 0


def test_a_score_at_the_threshold_is_no_candidate() -> None:
    """0.1 in float32 exceeds 0.1, and is the threshold all the same."""
    head = np.array([[[5.0], [5], [4], [4], [0.1]]], np.float32)
    assert len(yolo.non_max_suppression(head, 0.1, layout="v8")[0]) == 0
    assert len(yolo.non_max_suppression(head, 0.0999, layout="v8")[0]) == 1


def test_classes_are_compared() -> None:
    """A box at x = 7680 and one of the next class at 0 meet where classes are shifts of 7680 pixels."""
    head = np.array([[[7685.0, 5], [7685, 5], [10, 10], [10, 10], [0.9, 0], [0, 0.8]]], np.float32)
    assert len(yolo.non_max_suppression(head, layout="v8")[0]) == 2
    head[0, :2, 0] = 5
    assert len(yolo.non_max_suppression(head, layout="v8")[0]) == 2
    assert len(yolo.non_max_suppression(head, layout="v8", agnostic=True)[0]) == 1


@pytest.mark.parametrize("objectness", [False, True], ids=["v8", "v5"])
def test_known_objects_take_part(objectness: bool) -> None:
    rows = np.zeros((30, 7 if objectness else 6))
    batch, layout = (rows[None], "v5") if objectness else (rows.T[None], "v8")
    found = yolo.non_max_suppression(batch, labels=[[[1, 50, 60, 20, 10]]], layout=layout)[0]
    assert found.tolist() == [[40, 55, 60, 65, 1, 1]]
    assert len(yolo.non_max_suppression(batch, labels=[[]], layout=layout)[0]) == 0
    for bad in ([[[2, 5, 6, 2, 1]]], [[[0.5, 5, 6, 2, 1]]], [[[1, 5, 6, 2]]], [[], []], 3):
        with pytest.raises((TypeError, ValueError), match="labels"):
            yolo.non_max_suppression(batch, labels=bad, layout=layout)


def test_end_to_end_models_are_filtered_only() -> None:
    rows = np.array([[[0, 0, 9, 9, 0.9, 1], [0, 0, 9, 9, 0.8, 0], [0, 0, 9, 9, 0.2, 1.0]]])
    assert len(yolo.non_max_suppression(rows, end2end=True)[0]) == 2
    assert yolo.non_max_suppression(rows, classes=[0], end2end=True)[0].tolist() == [[0, 0, 9, 9, 0.8, 0]]
    assert len(yolo.non_max_suppression(rows, max_det=1, end2end=True)[0]) == 1
    with pytest.raises(ValueError, match="prediction must have shape"):
        yolo.non_max_suppression(rows[..., :5], end2end=True)


def test_bad_candidates() -> None:
    head = np.zeros((1, 6, 20))
    head[0, :, 0], head[0, :, 1], head[0, :, 2] = (5, 5, -1, 4, 0.9, 0), (5, 5, 4, 4, 0, 0.8), (np.nan,) * 6
    with pytest.raises(ValueError, match=r"prediction\[0\]: row 0 has a score of 0.9 for class 0"):
        yolo.non_max_suppression(head)
    assert yolo.non_max_suppression(head, on_invalid="drop")[0].tolist() == [[3, 3, 7, 7, 0.8, 1]]


def test_tensors_and_batches() -> None:
    torch = pytest.importorskip("torch")
    rows = np.hstack([np.abs(random_boxes(24, 0)), np.random.default_rng(0).random((24, 4))])
    heads = rows.reshape(2, 12, 8)
    found = yolo.non_max_suppression(torch.tensor(heads, dtype=torch.float32, requires_grad=True), layout="v5")
    wanted = yolo.non_max_suppression(heads.astype(np.float32), layout="v5")
    assert [type(table) for table in found] == [torch.Tensor] * 2
    for table, array in zip(found, wanted, strict=True):
        assert table.dtype == torch.float32
        np.testing.assert_array_equal(table.numpy(), array)


def test_refusals() -> None:
    goods: dict[str, Any] = {"prediction": np.zeros((1, 6, 20))}
    function = yolo.non_max_suppression
    values = {**NO_ARRAYS, "two dimensions": np.zeros((6, 20)), "four numbers": np.zeros((1, 4, 20))}
    refuses(
        function,
        goods,
        "prediction",
        {what: value for what, value in values.items() if what not in ("beyond 64 bits",)},
    )
    for name in ("conf_thres", "iou_thres"):
        refuses(function, goods, name, NO_SHARES)
    for name in ("agnostic", "multi_label", "rotated", "end2end"):
        refuses(function, goods, name, {"1": 1, "None": None, "text": "no"})
    for name in ("max_det", "max_nms", "nc", "nm"):
        refuses(function, goods, name, {"-1": -1, "a float": 1.5, "a flag": True, "text": "3"})
    refuses(function, goods, "classes", {"text": "cat", "halves": [0.5], "a number": 3})
    refuses(function, goods, "layout", {"v7": "v7", "None": None})
    refuses(function, goods, "on_invalid", {"skip": "skip", "None": None})
    refuses(function, goods, "nc", {"too many": 7}, "nc=7")
    with pytest.raises(NotImplementedError, match="rotated_nms"):
        function(np.zeros((1, 6, 20)), rotated=True)


# ---- boxes and pictures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auto", [False, True])
@pytest.mark.parametrize("fill", [False, True])
@pytest.mark.parametrize("up", [False, True])
def test_letterbox_is_the_definition(auto: bool, fill: bool, up: bool) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        height, width, high, wide = map(int, rng.integers(8, 90, 4))
        new_shape = (high, wide) if seed % 3 else (high, high)
        image = rng.integers(0, 256, (height, width, 3), np.uint8)
        wanted = naive.letterbox(height, width, new_shape, auto, fill, up, 16)
        given: Any = new_shape if seed % 3 else high
        picture, ratio, pads = unchanged(
            yolo.letterbox, image, new_shape=given, color=(1, 2, 3), auto=auto, scaleFill=fill, scaleup=up, stride=16
        )
        assert (picture.shape[:2], ratio, pads) == wanted[:3], f"seed {seed}"
        left, top = wanted[3]
        if top:
            assert picture[top - 1, 0].tolist() == [1, 2, 3]
        if ratio == (1.0, 1.0):
            np.testing.assert_array_equal(picture[top : top + height, left : left + width], image)


def test_gray_letterbox() -> None:
    picture, _, _ = yolo.letterbox(np.zeros((10, 20), np.uint8), 20, (7, 8, 9), False)
    assert picture[0, 0] == 7
    assert yolo.letterbox(np.zeros((10, 20), np.uint8), 20, 9, False)[0][0, 0] == 9


def test_scale_boxes_is_the_definition() -> None:
    for seed in range(size(60, 15)):
        rng = np.random.default_rng(seed)
        height, width = map(int, rng.integers(100, 900, 2))
        _, (gain, _), _, pad = naive.letterbox(height, width, (640, 640), False, False, True, 32)
        boxes = random_boxes(12, seed, spread=640.0)
        wanted = [naive.scale_box(box, gain, pad, height, width) for box in boxes.tolist()]
        given = boxes.copy()
        assert yolo.scale_boxes((640, 640), given, (height, width, 3)) is given
        np.testing.assert_allclose(given, wanted, rtol=1e-12, atol=1e-9)
        pads = (1.5, 2.5)
        wanted = [naive.scale_box(box, 0.75, pads, height, width) for box in boxes.tolist()]
        found = yolo.scale_boxes((640, 640), boxes.tolist(), (height, width), ((0.75, 0.75), pads))
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-9)
        np.testing.assert_array_equal(
            yolo.scale_coords((640, 640), boxes.copy(), (height, width), ((0.75, 0.75), pads)), found
        )
        wanted = [naive.scale_box(box, gain, (0, 0), height, width) for box in boxes.tolist()]
        found = yolo.scale_boxes((640, 640), boxes.tolist(), (height, width), padding=False)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-9)


def test_scale_boxes_by_position_and_size() -> None:
    found = yolo.scale_boxes((320, 320), [[100, 100, 20, 10], [-5, 41, 20, 10]], (480, 640), xywh=True)
    assert found.tolist() == [[200, 120, 40, 20], [-10, 2, 40, 20]]


def test_points_are_scaled() -> None:
    points = np.array([[[160.0, 160, 0.5], [0, 0, 0.25]]])
    assert yolo.scale_coords((320, 320), points, (480, 640)).tolist() == [[[320, 240, 0.5], [0, 0, 0.25]]]


def test_what_is_written_to() -> None:
    """Floats in place, as the originals do; anything else is a new array."""
    boxes = np.array([[-4.0, 5, 700, 90]])
    assert yolo.clip_boxes(boxes, (480, 640)) is boxes
    assert boxes.tolist() == [[0, 5, 640, 90]]
    wide = np.array([[-4.0, 5, 700, 90, 0.5, 1]], np.float32)
    yolo.clip_coords(wide[:, :4], (480, 640, 3))
    assert wide.tolist() == [[0, 5, 640, 90, 0.5, 1]]
    whole = np.array([[-4, 5, 700, 90]])
    assert yolo.clip_boxes(whole, (480, 640)).tolist() == [[0, 5, 640, 90]]
    assert whole[0, 0] == -4
    fixed = np.array([[-4.0, 5, 700, 90]])
    fixed.flags.writeable = False
    assert yolo.clip_boxes(fixed, (480, 640)).tolist() == [[0, 5, 640, 90]]
    torch = pytest.importorskip("torch")
    tensor = torch.tensor([[-4.0, 5, 700, 90]])
    assert yolo.clip_boxes(tensor, (480, 640)) is tensor
    assert tensor.tolist() == [[0, 5, 640, 90]]


def test_conversions() -> None:
    boxes = random_boxes(20, 0)
    centers = yolo.xyxy2xywh(boxes)
    np.testing.assert_allclose(centers, [[(a + c) / 2, (b + d) / 2, c - a, d - b] for a, b, c, d in boxes.tolist()])
    np.testing.assert_allclose(yolo.xywh2xyxy(centers), boxes, atol=1e-9)
    parts = yolo.xyxy2xywhn(boxes, 640, 480)
    np.testing.assert_allclose(parts, centers / [640, 480, 640, 480])
    np.testing.assert_allclose(yolo.xywhn2xyxy(parts, 640, 480, 3, 5), boxes + [3, 5, 3, 5], atol=1e-9)
    stacked = boxes.astype(np.float32).reshape(4, 5, 4)
    assert yolo.xywh2xyxy(np.abs(stacked)).shape == (4, 5, 4)
    assert yolo.xywh2xyxy(np.abs(stacked)).dtype == np.float32
    clipped = yolo.xyxy2xywhn([[-10, -10, 700, 500]], 640, 480, clip=True, eps=1.0)
    np.testing.assert_allclose(clipped, [[639 / 1280, 479 / 960, 639 / 640, 479 / 480]])
    assert yolo.xywh2xyxy([]).shape == (0, 4)


@each("form", GOOD_FORMS)
def test_forms(form: str) -> None:
    boxes = np.array([[20.0, 40, 20, 40], [10, 10, 4, 4]])
    assert yolo.xywh2xyxy(GOOD_FORMS[form](boxes)).tolist() == [[10, 20, 30, 60], [8, 8, 12, 12]]
    corners = GOOD_FORMS[form](np.array([[10.0, 20, 30, 60]]))
    assert yolo.scale_boxes((64, 64), corners, (128, 128)).tolist() == [[20, 40, 60, 120]]


def test_tensors_of_boxes() -> None:
    torch = pytest.importorskip("torch")
    boxes = torch.tensor([[20.0, 40, 20, 40]])
    assert yolo.xywh2xyxy(boxes).tolist() == [[10, 20, 30, 60]]
    assert boxes.tolist() == [[20, 40, 20, 40]]
    assert yolo.xyxy2xywhn(torch.tensor([[256.0, 144, 384, 336]]), 640, 480).dtype == torch.float32
    table = torch.tensor([[10.0, 20, 30, 60, 0.5, 1]])
    table[:, :4] = yolo.scale_boxes(torch.zeros(1, 3, 64, 64).shape[2:], table[:, :4], (128, 128, 3)).round()
    assert table.tolist() == [[20, 40, 60, 120, 0.5, 1]]


def test_refusals_of_boxes() -> None:
    boxes = {**NO_BOXES, "x2 < x1": [[0, 0, 1, 1], [2, 0, 1, 1]]}
    refuses(yolo.scale_boxes, {"img1_shape": (64, 64), "boxes": [[0, 0, 1, 1]], "img0_shape": (50, 60)}, "boxes", boxes)
    refuses(yolo.clip_boxes, {"boxes": [[0, 0, 1, 1]], "shape": (50, 60)}, "boxes", boxes)
    sizes = {"None": None, "text": "ab", "one": (5,), "0": (0, 5), "a float": (1.5, 5), "a number": 5}
    refuses(yolo.clip_boxes, {"boxes": [[0, 0, 1, 1]], "shape": (50, 60)}, "shape", sizes)
    goods = {"img1_shape": (64, 64), "coords": [[0, 0, 1, 1]], "img0_shape": (50, 60)}
    for name in ("img1_shape", "img0_shape"):
        refuses(yolo.scale_coords, goods, name, sizes)
    refuses(yolo.scale_coords, goods, "coords", NO_ARRAYS)
    refuses(
        yolo.scale_coords,
        goods,
        "ratio_pad",
        {"1": 1, "gain 0": ((0,), (1, 1)), "one": ((1,), (1,)), "none": ((), (1, 1))},
    )
    for function in (yolo.xywh2xyxy, yolo.xyxy2xywh, yolo.xywhn2xyxy, yolo.xyxy2xywhn):
        refuses(function, {"x": [[0, 0, 1, 1]]}, "x", NO_BOXES)
    for name in ("w", "h"):
        refuses(yolo.xywhn2xyxy, {"x": [[0, 0, 1, 1]]}, name, {"0": 0, "text": "a", "NaN": np.nan})
    goods = {"im": np.zeros((8, 9, 3), np.uint8)}
    refuses(yolo.letterbox, goods, "im", {"None": None, "path": "a.jpg", "empty": np.zeros((0, 2), np.uint8)})
    refuses(yolo.letterbox, goods, "new_shape", {"0": 0, "three of floats": (1.5, 2), "text": "640"})
    refuses(yolo.letterbox, goods, "color", {"word": "gray", "two": (1, 2), "large": (1, 2, 256), "a number": 5})
    refuses(yolo.letterbox, goods, "stride", {"0": 0, "text": "32"})
    for name in ("auto", "scaleFill", "scaleup"):
        refuses(yolo.letterbox, goods, name, {"1": 1, "None": None})


# ---- YOLOX ----------------------------------------------------------------------------------------------------------


def test_found_in_both_places() -> None:
    assert yolo.multiclass_nms is yolox.multiclass_nms
    assert list(inspect.signature(yolo.multiclass_nms).parameters) == [
        "boxes", "scores", "nms_thr", "score_thr", "class_agnostic"
    ]  # fmt: skip


@pytest.mark.parametrize("agnostic", [True, False])
def test_multiclass_nms_is_the_definition(agnostic: bool) -> None:
    for seed in range(size(120, 25)):
        rng = np.random.default_rng(seed)
        boxes = random_boxes(int(rng.integers(0, size(40, 15))), seed, spread=120.0).astype(np.float32)
        scores = rng.random((len(boxes), int(rng.integers(1, 5)))).astype(np.float32)
        scores = np.round(scores, 1) if seed % 3 == 0 else scores  # of tied ones the last wins
        floor = float(rng.choice([0.15, 0.35, 0.95]))
        found = unchanged(yolox.multiclass_nms, boxes, scores, nms_thr=0.45, score_thr=floor, class_agnostic=agnostic)
        lists = boxes.astype(np.float64).tolist(), scores.astype(np.float64).tolist()
        wanted = naive.multiclass_nms(*lists, 0.45, floor, agnostic)
        assert (found is None) == (wanted is None)
        if found is not None:
            assert found.dtype == np.float64
            np.testing.assert_array_equal(found, wanted, f"seed {seed}")
            other = yolox.multiclass_nms_class_agnostic if agnostic else yolox.multiclass_nms_class_aware
            np.testing.assert_array_equal(other(boxes, scores, 0.45, floor), wanted)
        kept = yolox.nms(boxes, scores[:, 0], 0.45)
        assert kept == naive.yolox_nms(lists[0], [row[0] for row in lists[1]], 0.45)
        assert all(type(index) is int for index in kept)


def test_a_float32_score_at_the_threshold_does_not_count() -> None:
    scores = np.array([[0.1]], np.float32)
    assert yolox.multiclass_nms([[0, 0, 1, 1]], scores, 0.5, 0.1) is None
    assert yolox.multiclass_nms([[0, 0, 1, 1]], scores.astype(np.float64), 0.5, 0.1) is not None


@pytest.mark.parametrize("agnostic", [True, False])
def test_postprocess_is_the_definition(agnostic: bool) -> None:
    for seed in range(size(100, 20)):
        rows = [rows_of(seed, True), rows_of(seed, True)[::-1] * 0.5]
        if near(rows[0], 0.45):
            continue
        batch = np.stack(rows).astype(np.float32)
        classes = batch.shape[2] - 5
        found = unchanged(
            yolox.postprocess, batch, num_classes=classes, conf_thre=0.2, nms_thre=0.45, class_agnostic=agnostic
        )
        for table, head in zip(found, batch.astype(np.float64).tolist(), strict=True):
            wanted = naive.postprocess(head, classes, 0.2, 0.45, agnostic)
            assert (table is None) == (wanted is None)
            if table is not None:
                assert table.dtype == np.float32
                np.testing.assert_allclose(table, wanted, rtol=1e-6, atol=1e-4, err_msg=f"seed {seed}")


def test_postprocess_keeps_what_equals_its_threshold() -> None:
    row = np.array([[[20, 20, 10, 10, 0.5, 0.5]]])
    for dtype in (np.float32, np.float64):
        assert yolox.postprocess(row.astype(dtype), 1, 0.25)[0].shape == (1, 7)
        assert yolox.postprocess(row.astype(dtype), 1, 0.2501)[0] is None
    assert yolox.postprocess(np.zeros((2, 0, 6)), 1) == [None, None]


@pytest.mark.parametrize("p6", [False, True])
def test_demo_postprocess_is_the_definition(p6: bool) -> None:
    height, width, strides = (128, 64, (8, 16, 32, 64)) if p6 else (64, 96, (8, 16, 32))
    count = sum((height // s) * (width // s) for s in strides)
    outputs = np.random.default_rng(0).normal(size=(2, count, 7))
    wanted = [naive.demo_postprocess(rows, height, width, strides) for rows in outputs.tolist()]
    given = outputs.copy()
    assert yolox.demo_postprocess(given, (height, width), p6) is given
    np.testing.assert_allclose(given, wanted, rtol=1e-12)


def test_preproc() -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 20, 3), np.uint8)
    padded, ratio = yolox.preproc(image, (32, 40))
    assert ratio == 32 / 30
    assert padded.shape == (3, 32, 40)
    assert padded.dtype == np.float32
    assert padded.flags.c_contiguous
    assert (padded[:, :, 21:] == 114).all()
    padded, _ = yolox.preproc(np.zeros((30, 23, 3), np.uint8), (32, 40))  # 24.53 columns are cut to 24
    assert (padded[0, 0] == 0).sum() == 24
    small, ratio = yolox.preproc(image, (30, 25))
    assert ratio == 1.0
    np.testing.assert_array_equal(small[:, :, :20], image.transpose(2, 0, 1))
    assert yolox.preproc(image[..., 0], (30, 25), (0, 1))[0].shape == (30, 25)


def test_yolox_conversions_and_overlaps() -> None:
    boxes = random_boxes(8, 0)
    for name, columns in (("xyxy2xywh", [0, 1]), ("xyxy2cxcywh", [0, 1])):
        given = boxes.copy()
        assert getattr(yolox, name)(given) is given
        np.testing.assert_allclose(given[:, 2:], boxes[:, 2:] - boxes[:, :2])
        middle = boxes[:, :2] if name == "xyxy2xywh" else (boxes[:, :2] + boxes[:, 2:]) / 2
        np.testing.assert_allclose(given[:, columns], middle)
    np.testing.assert_allclose(yolox.cxcywh2xyxy(given), boxes, atol=1e-9)
    iou = [[naive.iou(a, b) for b in boxes.tolist()] for a in boxes.tolist()]
    np.testing.assert_allclose(yolox.bboxes_iou(boxes, boxes), iou, rtol=1e-12)
    centers = yolo.xyxy2xywh(boxes)
    np.testing.assert_allclose(yolox.bboxes_iou(centers, centers, xyxy=False), iou, atol=1e-9)


def test_yolox_tensors() -> None:
    torch = pytest.importorskip("torch")
    batch = torch.tensor([[[20, 20, 10, 10, 1, 0.75, 0.5]], [[20, 20, 10, 10, 0, 0.75, 0.5]]])
    found = yolox.postprocess(batch, 2)
    assert found[0].tolist() == [[15, 15, 25, 25, 1, 0.75, 0]]
    assert found[1] is None
    assert yolox.bboxes_iou(batch[0, :, :4], batch[1, :, :4], False).tolist() == [[1.0]]
    boxes = torch.tensor([[10.0, 20, 30, 60]])
    assert yolox.xyxy2cxcywh(boxes) is boxes
    assert boxes.tolist() == [[20, 40, 20, 40]]


def test_yolox_refusals() -> None:
    boxes, scores = [[0, 0, 1, 1], [0, 0, 2, 2]], [0.5, 0.25]
    bad = {**NO_BOXES, "x2 < x1": [[0, 0, 1, 1], [2, 0, 1, 1]]}
    goods: dict[str, Any] = {"boxes": boxes, "scores": scores, "nms_thr": 0.5}
    refuses(yolox.nms, goods, "boxes", bad)
    refuses(yolox.nms, goods, "scores", NO_SCORES)
    refuses(yolox.nms, goods, "nms_thr", NO_SHARES)
    goods = {"boxes": boxes, "scores": [[0.5, 0.25], [0.1, 0.3]], "nms_thr": 0.5, "score_thr": 0.2}
    refuses(yolox.multiclass_nms, goods, "boxes", bad)
    refuses(yolox.multiclass_nms, goods, "scores", {**NO_ARRAYS, "a row": [0.5, 0.5], "three": np.ones((3, 2))})
    refuses(yolox.multiclass_nms, goods, "score_thr", {"text": "0", "NaN": np.nan, "None": None})
    refuses(yolox.multiclass_nms, goods, "class_agnostic", {"1": 1, "None": None})
    with pytest.raises(ValueError, match=r"boxes\[1\] has x2 < x1"):
        yolox.multiclass_nms([[0, 0, 1, 1], [2, 0, 1, 1]], [[0.1], [0.9]], 0.5, 0.5)
    assert len(yolox.multiclass_nms([[0, 0, 1, 1], [2, 0, 1, 1]], [[0.9], [0.1]], 0.5, 0.5)) == 1
    goods = {"prediction": np.zeros((1, 3, 7)), "num_classes": 2}
    refuses(yolox.postprocess, goods, "prediction", {**NO_ARRAYS, "six columns": np.zeros((1, 3, 6))})
    refuses(yolox.postprocess, goods, "num_classes", {"0": 0, "text": "2"}, "num_classes")
    refuses(yolox.postprocess, goods, "nms_thre", NO_SHARES)
    refuses(yolox.postprocess, goods, "conf_thre", {"text": "0", "NaN": np.nan})
    with pytest.raises(ValueError, match=r"prediction\[1, 1\] is a candidate, and its box cannot be used"):
        yolox.postprocess([np.ones((2, 7)), [[1] * 7, [5, 5, -1, 5, 1, 1, 1]]], 2)
    goods = {"outputs": np.zeros((1, 21, 6)), "img_size": (32, 32)}
    values = {
        "None": None, "list": [[0.0] * 6] * 21, "ints": np.zeros((21, 6), int), "20 rows": np.zeros((1, 20, 6)),
        "columns": np.zeros((21, 3)),
    }  # fmt: skip
    refuses(yolox.demo_postprocess, goods, "outputs", values)
    refuses(yolox.demo_postprocess, goods, "img_size", {"0": (0, 32), "one": (32,), "text": "ab", "None": None})
    refuses(yolox.demo_postprocess, goods, "p6", {"1": 1})
    for name in ("bboxes_a", "bboxes_b"):
        goods = {"bboxes_a": boxes, "bboxes_b": boxes}
        refuses(yolox.bboxes_iou, goods, name, bad)
        refuses(yolox.bboxes_iou, {**goods, "xyxy": False}, name, {"a negative side": [[0, 0, -1, 1]] * 2})
    values = {"None": None, "list": boxes, "three": np.ones((2, 3)), "ints": np.ones((2, 4), int)}
    for function in (yolox.xyxy2xywh, yolox.xyxy2cxcywh, yolox.cxcywh2xyxy):
        refuses(function, {"bboxes": np.ones((2, 4))}, "bboxes", values)
    goods = {"img": np.zeros((4, 4, 3), np.uint8), "input_size": (8, 8)}
    refuses(yolox.preproc, goods, "img", {"None": None, "empty": np.zeros((0, 4), np.uint8)})
    refuses(yolox.preproc, goods, "input_size", {"8": 8, "0": (0, 8)})
    refuses(yolox.preproc, goods, "swap", {"twice": (0, 0, 1), "two": (0, 1)})
