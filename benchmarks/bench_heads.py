"""Heads: from the raw output of a detector to kept boxes on the photograph, beside NumPy, OpenCV and torch."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks import scenes
from benchmarks.harness import Report, in_words

Array = npt.NDArray[Any]
PHOTO, INPUT = (720, 1280), 640
SCORE, IOU, MOST = 0.25, 0.5, 300


def head(cells: int, candidates: int, *, classes: int = 80, objectness: bool = False, seed: int = 0) -> Array:
    """(channels, cells) float32 of a dense head, of which so many cells exceed ``SCORE``: the YOLO-like scene."""
    rng = np.random.default_rng(seed)
    boxes, scores = scenes.yolo_like(cells, seed)
    cells = len(boxes)
    order = np.argsort(-scores)
    sure, rest = order[:candidates], order[candidates:]
    best = np.empty(cells, np.float32)
    best[sure] = np.linspace(0.95, SCORE + 0.01, len(sure))
    best[rest] = rng.uniform(0.0, 0.2, len(rest))
    ahead = 5 if objectness else 4
    out = np.empty((ahead + classes, cells), np.float32)
    out[:2] = ((boxes[:, :2] + boxes[:, 2:]) / 2).T
    out[2:4] = (boxes[:, 2:] - boxes[:, :2]).T
    out[ahead:] = rng.random((classes, cells), dtype=np.float32) * 0.05
    out[ahead + rng.integers(0, classes, cells), np.arange(cells)] = best
    if objectness:
        out[4] = np.where(best > SCORE, 1.0, rng.uniform(0, 0.3, cells))
    return out


# ---- the same by hand ------------------------------------------------------------------------------------------------


def way_back(boxes: Array, letterbox: Any) -> Array:
    """Boxes of the input, on the photograph, clipped."""
    (height, width), (sx, sy), (left, top) = letterbox.image_size, letterbox.scale, letterbox.pad
    boxes = (boxes - np.array([left, top, left, top], np.float32)) / np.array([sx, sy, sx, sy], np.float32)
    return np.clip(boxes, 0, np.array([width, height, width, height], np.float32))


def filtered(out: Array, objectness: bool) -> tuple[Array, Array, Array]:
    """cxcywh, scores and labels of the rows that exceed the threshold: the maximum first, the rest for them alone."""
    if objectness:
        out = out[:, out[4] > SCORE]
        best = out[5:].max(0) * out[4]
    else:
        best = out[4:].max(0)
    likely = best > SCORE
    chosen = out[:, likely]
    return chosen[:4].T, best[likely], chosen[4 + objectness :].argmax(0)


def with_cv2(out: Array, letterbox: Any, objectness: bool) -> tuple[Array, Array]:
    """NumPy's filter first, then OpenCV's NMS by class."""
    import cv2

    boxes, scores, labels = filtered(out, objectness)
    corner = boxes.copy()
    corner[:, :2] -= boxes[:, 2:] / 2
    keep = np.asarray(cv2.dnn.NMSBoxesBatched(corner, scores, labels.astype(np.int32), SCORE, IOU), np.int64)[:MOST]
    found = corner[keep]
    found[:, 2:] += found[:, :2]
    return way_back(found, letterbox), scores[keep]


def torch_ways() -> dict[str, Callable[[Array, Any, bool], tuple[Array, Array]]]:
    """torch and torchvision, where they are installed: as recipes have it, and with the filter first."""
    try:
        torch, ops = importlib.import_module("torch"), importlib.import_module("torchvision.ops")
    except ImportError:
        return {}
    torch.set_num_threads(1)

    def finish(boxes: Any, scores: Any, labels: Any, letterbox: Any) -> tuple[Array, Array]:
        keep = ops.batched_nms(ops.box_convert(boxes, "cxcywh", "xyxy"), scores, labels, IOU)[:MOST]
        (height, width), (sx, sy), (left, top) = letterbox.image_size, letterbox.scale, letterbox.pad
        corners = ops.box_convert(boxes[keep], "cxcywh", "xyxy") - torch.tensor([left, top, left, top])
        corners = ops.clip_boxes_to_image(corners / torch.tensor([sx, sy, sx, sy]), (height, width))
        return corners.numpy(), scores[keep].numpy()

    def recipe(out: Array, letterbox: Any, objectness: bool) -> tuple[Array, Array]:
        rows = torch.from_numpy(out).T
        scores = rows[:, 5:] * rows[:, 4:5] if objectness else rows[:, 4:]
        best, labels = scores.max(1)
        likely = best > SCORE
        return finish(rows[likely, :4], best[likely], labels[likely], letterbox)

    def filter_first(out: Array, letterbox: Any, objectness: bool) -> tuple[Array, Array]:
        columns = torch.from_numpy(out)
        if objectness:
            columns = columns[:, columns[4] > SCORE]
            best = columns[5:].amax(0) * columns[4]
        else:
            best = columns[4:].amax(0)
        likely = best > SCORE
        columns = columns[:, likely]
        return finish(columns[:4].T, best[likely], columns[4 + objectness :].argmax(0), letterbox)

    return {"torch": recipe, "torch, filter first": filter_first}


def agree(ours: Any, theirs: Any) -> bool:
    """The same scores but for the few that single precision decides otherwise, and nearly all boxes."""
    mine, yours = np.asarray(ours.scores), np.asarray(theirs[1])
    few = max(2, len(mine) // 50)
    return abs(len(mine) - len(yours)) <= few and len(np.setxor1d(mine, yours)) <= 2 * few


# ---- what is measured ------------------------------------------------------------------------------------------------


def compare_outputs(report: Report) -> None:
    """Best class of each cell; every layout, beside one read of the array and the suppression alone."""
    report.heading("Raw output to boxes on the photograph: float32, 80 classes, best class, score > 0.25, IoU 0.5")
    report.say(
        '"read + NMS" is one maximum of the array and ``batched_nms`` of the candidates: what cannot be left out.'
    )
    report.say()
    report.begin_comparison()
    letterbox = detutils.Letterbox.fit(PHOTO, INPUT)
    with_torch = torch_ways()
    pace: dict[tuple[str, int], float] = {}
    for candidates in (150, 2000):
        plain, five = head(8400, candidates), head(25_200, candidates, objectness=True)
        room = np.zeros((8400, 96), np.float32)
        room[:, 6:90] = plain.T
        cases: dict[str, tuple[Array, dict[str, Any]]] = {
            "(1, 84, 8400)": (plain[None], {}),
            "(1, 8400, 84)": (np.ascontiguousarray(plain.T)[None], {"channels": "last"}),
            "(8400, 84) of (8400, 96)": (room[:, 6:90], {"channels": "last"}),
            "(1, 25200, 85)": (np.ascontiguousarray(five.T)[None], {"channels": "last", "objectness": True}),
        }
        for name, (out, options) in cases.items():
            rows = out[0] if out.ndim == 3 else out
            table = rows.T if options.get("channels") else rows
            objectness = bool(options.get("objectness"))
            boxes, scores, labels = filtered(table, objectness)
            corners = detutils.box_convert(boxes, "cxcywh", "xyxy")
            contenders: dict[str, Callable[[], Any]] = {
                "detutils": lambda out=out, options=options: detutils.detections_from_yolo(
                    out, letterbox=letterbox, **options
                ),
                "read + NMS": lambda out=out, c=corners, s=scores, k=labels: (
                    out.max(), detutils.batched_nms(c, s, k, IOU, max_output=MOST)
                ),
                "NumPy + cv2": lambda table=table, o=objectness: with_cv2(table, letterbox, o),
            }  # fmt: skip
            for way, call in with_torch.items():
                contenders[way] = lambda table=table, o=objectness, call=call: call(table, letterbox, o)
            medians = report.compare(
                "heads", f"{name}, {len(scores)} candidates", contenders, equal=agree, unchecked=("read + NMS",),
                candidates=len(scores),
            )  # fmt: skip
            mine = medians["detutils"]
            pace[name, candidates] = mine / out.nbytes
            beside = mine / medians["read + NMS"]
            a_byte = pace[name, candidates] / pace["(1, 84, 8400)", candidates]
            report.say(f"| | {beside:.2f} x read + NMS | {a_byte:.2f} x the first, a byte | |")


def numpy_every_class(out: Array) -> tuple[Array, Array, Array]:
    """Every class above the threshold, as it is written with NumPy: rows, labels, scores."""
    rows, labels = np.nonzero(out[4:].T > 0.001)
    return rows, labels, out[4 + labels, rows]


def compare_every_class(report: Report) -> None:
    """Every class above .001, as for evaluation."""
    report.heading("Every class above 0.001, as for evaluation: (84, 8400) float32")
    report.begin_comparison()
    out = np.random.default_rng(0).random((84, 8400), dtype=np.float32) * np.float32(0.0009)
    boxes, _ = scenes.yolo_like(8400)
    out[:2] = ((boxes[:, :2] + boxes[:, 2:]) / 2).T
    out[2:4] = (boxes[:, 2:] - boxes[:, :2]).T
    rng = np.random.default_rng(1)
    likely = rng.choice(84 * 8400 - 4 * 8400, 30_000, replace=False)
    out[4:].reshape(-1)[likely] = rng.beta(0.5, 8, len(likely)).astype(np.float32) + np.float32(0.0011)

    def same(ours: Any, theirs: Any) -> bool:
        return all(map(np.array_equal, ours, theirs))

    report.compare(
        "heads", f"candidates, {len(likely)}",
        {
            "detutils": lambda: detutils.class_candidates(out[4:], 0.001, multi_label=True),
            "NumPy": lambda: numpy_every_class(out),
        },
        equal=same,
    )  # fmt: skip

    def by_hand() -> Any:
        rows, labels, scores = numpy_every_class(out)
        corners = detutils.box_convert(out[:4, rows].T, "cxcywh", "xyxy")
        keep = detutils.batched_nms(corners, scores, labels, 0.7, max_output=MOST)
        return corners[keep], scores[keep], labels[keep]

    def ours() -> Any:
        return detutils.detections_from_yolo(
            out, score_threshold=0.001, iou_threshold=0.7, multi_label=True, max_candidates=30_000
        )

    def by_numpy() -> Any:
        rows, labels, scores = numpy_every_class(out)
        corners = detutils.box_convert(out[:4, rows].T, "cxcywh", "xyxy")
        keep = numpy_nms(corners + labels[:, None] * np.float32(4096), scores, 0.7)
        return corners[keep], scores[keep], labels[keep]

    report.compare(
        "heads", "with suppression", {"detutils": ours, "NumPy + detutils": by_hand, "NumPy": by_numpy},
        equal=lambda mine, yours: np.array_equal(mine.scores, yours[1]), unchecked=("NumPy",),  # its IoU is float32
    )  # fmt: skip


def numpy_nms(boxes: Array, scores: Array, threshold: float) -> Array:
    """The usual dozen lines."""
    x1, y1, x2, y2 = boxes.T
    areas, order, keep = (x2 - x1) * (y2 - y1), np.argsort(-scores, kind="stable"), []
    while order.size and len(keep) < MOST:
        best, rest = order[0], order[1:]
        keep.append(best)
        width = np.maximum(0, np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest]))
        height = np.maximum(0, np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest]))
        both = width * height
        order = rest[both / (areas[best] + areas[rest] - both) <= threshold]
    return np.array(keep, np.int64)


def compare_grids(report: Report) -> None:
    """Three undecoded levels of anchors: YOLOv5 before its last layer."""
    report.heading("Raw grids of YOLOv5: 3 levels x 3 anchors, 85 numbers a cell, 25,200 cells")
    report.begin_comparison()
    rng = np.random.default_rng(2)
    anchors = np.array(
        [[[10, 13], [16, 30], [33, 23]], [[30, 61], [62, 45], [59, 119]], [[116, 90], [156, 198], [373, 326]]]
    )
    grids = [rng.normal(-6, 1.5, (1, 255, 640 // s, 640 // s)).astype(np.float32) for s in (8, 16, 32)]
    for grid in grids:
        cells = rng.choice(grid[0, 0].size, 20, replace=False)
        view = grid.reshape(3, 85, -1)
        view[:, 4, cells] = 4.0
        view[:, 5, cells] = 3.0

    def by_hand() -> Any:
        rows = []
        for grid, sizes, stride in zip(grids, anchors, (8, 16, 32), strict=True):
            side = grid.shape[-1]
            y = 1 / (1 + np.exp(-grid.reshape(3, 85, side, side).transpose(0, 2, 3, 1)))
            cell = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1)
            y[..., :2] = (y[..., :2] * 2 - 0.5 + cell) * stride
            y[..., 2:4] = (y[..., 2:4] * 2) ** 2 * sizes[:, None, None]
            rows.append(y.reshape(-1, 85))
        boxes, scores, labels = filtered(np.concatenate(rows).T, True)
        corners = detutils.box_convert(boxes, "cxcywh", "xyxy")
        keep = detutils.batched_nms(corners, scores, labels, IOU, max_output=MOST)
        return corners[keep], scores[keep]

    report.compare(
        "heads", "grids",
        {"detutils": lambda: detutils.detections_from_grids(grids, anchors, [8, 16, 32]), "NumPy + detutils": by_hand},
        equal=lambda mine, yours: len(mine.scores) == len(yours[1]) and bool(np.allclose(mine.scores, yours[1], 1e-4)),
    )  # fmt: skip
    report.say()
    report.say(f"The grids hold {sum(grid.nbytes for grid in grids) / 1e6:.1f} MB; {in_words(1e-9)} is a nanosecond.")


def run(report: Report) -> None:
    """Outputs, layouts, every class, grids."""
    compare_outputs(report)
    compare_every_class(report)
    compare_grids(report)
