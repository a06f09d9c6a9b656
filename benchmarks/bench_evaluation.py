"""Evaluation: COCO's numbers beside pycocotools and faster-coco-eval, VOC's AP beside its definition."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import detutils
from benchmarks.harness import Report
from tests.naive.recall import proposal_recall as naive_recall
from tests.naive.voc import evaluate_voc as naive_voc

CLASSES = 80
FILE_PEERS = {
    "pycocotools": ("pycocotools.coco", "pycocotools.cocoeval", "COCO", "COCOeval"),
    "ultrafast-pycocotools": ("ultrafast_pycocotools.coco", "ultrafast_pycocotools.cocoeval", "COCO", "COCOeval"),
    "hotcoco": ("hotcoco", "hotcoco", "COCO", "COCOeval"),
    "faster-coco-eval": ("faster_coco_eval", "faster_coco_eval", "COCO", "COCOeval_faster"),
}


def scene(images: int, most: int, seed: int = 0) -> tuple[list[detutils.Detections], list[dict[str, Any]]]:
    """``most`` detections an image around 7.3 objects on average, as in COCO, of 80 classes; 1 % crowds."""
    rng = np.random.default_rng(seed)
    found, truth = [], []
    for _ in range(images):
        m = int(rng.poisson(7.3))
        corner, side = rng.uniform(0, 500, (m, 2)), np.exp(rng.uniform(2.0, 5.5, (m, 2)))
        objects = np.hstack([corner, corner + side])
        labels = rng.integers(0, CLASSES, m)
        near = rng.integers(0, m, most) if m else np.zeros(0, np.int64)
        noise = rng.normal(0, 0.15, (near.size, 4)) * side[near][:, [0, 1, 0, 1]]
        corners = np.hsplit(objects[near] + noise, 2)
        names = np.where(rng.random(near.size) < 0.7, labels[near], rng.integers(0, CLASSES, near.size))
        boxes = np.hstack([np.minimum(*corners), np.maximum(*corners)])
        found.append(detutils.Detections(boxes, rng.random(near.size), names))
        truth.append({"boxes": objects, "labels": labels, "crowd": rng.random(m) < 0.01, "areas": side.prod(1) * 0.7})
    return found, truth


def wide(boxes: Any) -> Any:
    """x, y, width, height."""
    return np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])


def peer(found: list[Any], truth: list[Any], coco: Any, evaluation: Any) -> Callable[[], Any]:
    """A call that gives a COCO evaluator's numbers from the same arrays in the quickest form it takes."""

    def evaluate() -> Any:
        rows = np.concatenate(
            [
                np.column_stack([np.full(len(one.scores), i), wide(one.boxes), one.scores, one.labels])
                for i, one in enumerate(found)
            ]
        )
        annotations = [
            {"image_id": i, "category_id": label, "bbox": box, "area": area, "iscrowd": crowd}
            for i, image in enumerate(truth)
            for box, label, area, crowd in zip(
                wide(image["boxes"]).tolist(),
                image["labels"].tolist(),
                image["areas"].tolist(),
                image["crowd"].astype(int).tolist(),
                strict=True,
            )
        ]
        for k, entry in enumerate(annotations, start=1):
            entry["id"] = k
        with contextlib.redirect_stdout(io.StringIO()):
            store = coco()
            store.dataset = {
                "images": [{"id": i} for i in range(len(truth))],
                "annotations": annotations,
                "categories": [{"id": label} for label in range(CLASSES)],
            }
            store.createIndex()
            judge = evaluation(store, store.loadRes(rows), "bbox")
            judge.evaluate()
            judge.accumulate()
            judge.summarize()
        return np.asarray(judge.stats[:12])

    return evaluate


def coco_contenders(found: list[Any], truth: list[Any]) -> dict[str, Callable[[], Any]]:
    """detutils and the COCO evaluators that are installed."""
    calls: dict[str, Callable[[], Any]] = {"detutils": lambda: detutils.evaluate_coco(found, truth).stats}
    if importlib.util.find_spec("pycocotools"):
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        calls["pycocotools"] = peer(found, truth, COCO, COCOeval)
    if importlib.util.find_spec("faster_coco_eval"):
        from faster_coco_eval import COCO as FasterCOCO, COCOeval_faster

        calls["faster-coco-eval"] = peer(found, truth, FasterCOCO, COCOeval_faster)
    return calls


def write_files(folder: Path, found: list[Any], truth: list[Any]) -> tuple[str, str]:
    """The same images as COCO's two files."""
    annotations = [
        {"image_id": i, "category_id": label, "bbox": box, "area": area, "iscrowd": int(crowd)}
        for i, image in enumerate(truth)
        for box, label, area, crowd in zip(
            wide(image["boxes"]).tolist(), image["labels"].tolist(), image["areas"].tolist(), image["crowd"].tolist(),
            strict=True,
        )
    ]  # fmt: skip
    content = {
        "images": [{"id": i, "file_name": f"{i:012}.jpg", "width": 640, "height": 480} for i in range(len(truth))],
        "annotations": [{"id": k, **entry} for k, entry in enumerate(annotations, start=1)],
        "categories": [{"id": label, "name": str(label)} for label in range(CLASSES)],
    }
    results = [
        {"image_id": i, "category_id": label, "bbox": box, "score": score}
        for i, one in enumerate(found)
        for box, label, score in zip(wide(one.boxes).tolist(), one.labels.tolist(), one.scores.tolist(), strict=True)
    ]
    paths = folder / f"truth_{len(truth)}.json", folder / f"found_{len(truth)}.json"
    for path, value in zip(paths, (content, results), strict=True):
        path.write_text(json.dumps(value))
    return str(paths[0]), str(paths[1])


def file_contenders(truth: str, found: str, slow: bool) -> dict[str, Callable[[], Any]]:
    """From the two files to twelve numbers: detutils and the evaluators that are installed."""

    def ours() -> Any:
        dataset = detutils.read_coco(truth)
        return detutils.evaluate_coco(detutils.read_coco_detections(found, dataset), dataset).stats

    def other(coco: Any, evaluation: Any) -> Callable[[], Any]:
        def evaluate() -> Any:
            with contextlib.redirect_stdout(io.StringIO()):
                store = coco(truth)
                results = store.load_res(found) if hasattr(store, "load_res") else store.loadRes(found)
                judge = evaluation(store, results, "bbox")
                judge.evaluate()
                judge.accumulate()
                judge.summarize()
            return np.asarray(judge.stats[:12])

        return evaluate

    calls: dict[str, Callable[[], Any]] = {"detutils": ours}
    for name, (module, judge_module, store, judge) in FILE_PEERS.items():
        if importlib.util.find_spec(module.split(".")[0]) and (slow or name != "pycocotools"):
            stores, judges = importlib.import_module(module), importlib.import_module(judge_module)
            calls[name] = other(getattr(stores, store), getattr(judges, judge))
    return calls


def run(report: Report) -> None:
    """The rows of this family."""
    report.heading("Evaluation")
    report.say("From arrays to numbers, conversions inside. Equal: the twelve numbers, or APs, within 1e-12.")
    report.say()
    report.begin_comparison()
    sizes = [(100, 100), (500, 100)] if report.quick else [(100, 100), (1000, 100), (5000, 100)]
    for images, most in sizes:
        found, truth = scene(images, most)
        report.compare(
            "evaluation",
            f"evaluate_coco, {images} images x {most}",
            coco_contenders(found, truth),
            equal=lambda a, b: bool(np.abs(a - b).max() <= 1e-12),
            rounds=3,  # pycocotools takes a minute a call
        )
    with tempfile.TemporaryDirectory() as folder:
        for images in (200,) if report.quick else (200, 2000):
            paths = write_files(Path(folder), *scene(images, 100))
            report.compare(
                "evaluation",
                f"from files to numbers, {images} images x 100",
                file_contenders(*paths, slow=images <= 200),  # pycocotools takes a minute for the larger one
                equal=lambda a, b: bool(np.abs(a - b).max() <= 1e-12),
            )
    found, truth = scene(100 if report.quick else 500, 100)
    lists = [tuple(part.tolist() for part in (one.boxes, one.scores, one.labels)) for one in found]
    plain = [(image["boxes"], image["labels"]) for image in truth]
    objects = [
        {"boxes": rows.tolist(), "labels": labels.tolist(), "difficult": [False] * labels.size}
        for rows, labels in plain
    ]
    boxes = [one.boxes for one in found]
    box_lists, budgets = [one[0] for one in lists], [10, 20, 50, None]

    def equal(ours: Any, theirs: Any) -> bool:
        return np.allclose(np.asarray(ours), np.asarray(theirs), rtol=0, atol=1e-12, equal_nan=True)

    report.compare(
        "evaluation",
        f"evaluate_voc, {len(found)} images x 100",
        {
            "detutils": lambda: detutils.evaluate_voc(found, plain).ap,
            "naive": lambda: list(naive_voc(lists, objects).values()),
        },
        equal=equal,
    )
    levels = [0.5, 0.7]
    report.compare(
        "evaluation",
        f"proposal_recall, {len(found)} images x 100, 4 budgets",
        {
            "detutils": lambda: (
                detutils.proposal_recall(
                    boxes, [pair[0] for pair in plain], iou_thresholds=levels, budgets=budgets
                ).recall
            ),
            "naive": lambda: naive_recall(
                box_lists, [o["boxes"] for o in objects], iou_thresholds=levels, budgets=budgets
            )[0],
        },
        equal=equal,
    )
