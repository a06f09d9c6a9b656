"""Data sets of pycocotools' form for tests, indexed and evaluated quietly; and whether two answers are the same."""

from __future__ import annotations

import contextlib
import copy
import io
from typing import Any

import numpy as np

from detutils.compat.pycocotools.coco import COCO
from detutils.compat.pycocotools.cocoeval import COCOeval


def quiet(work: Any, *arguments: Any) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        return work(*arguments)


def indexed(dataset: dict[str, Any], kind: Any = COCO) -> Any:
    coco = kind()
    coco.dataset = copy.deepcopy(dataset)
    quiet(coco.createIndex)
    return coco


def run(truth: Any, found: Any, params: dict[str, Any], kind: Any = COCOeval) -> Any:
    evaluation = kind(truth, found, "bbox")
    for name, value in params.items():
        setattr(evaluation.params, name, copy.deepcopy(value))
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation


def evaluated(dataset: dict[str, Any], results: Any, params: dict[str, Any] | None = None, kind: Any = COCOeval) -> Any:
    def work() -> Any:
        truth = indexed(dataset)
        return run(truth, truth.loadRes(copy.deepcopy(results)), params or {}, kind)

    return quiet(work)


def one(*boxes: list[float], scores: tuple[float, ...] = (), **more: Any) -> list[dict[str, Any]]:
    """Entries of image 7 and category 1; with scores they are results."""
    entries = []
    for k, bbox in enumerate(boxes):
        entry: dict[str, Any] = {"image_id": 7, "category_id": 1, "bbox": bbox}
        if scores:
            entry["score"] = scores[k]
        else:
            entry |= {"id": k + 1, "area": bbox[2] * bbox[3], "iscrowd": 0}
        entries.append(entry | more)
    return entries


def of_one_image(annotations: list[dict[str, Any]]) -> dict[str, Any]:
    """Image 7 and category 1 with these annotations."""
    return {"images": [{"id": 7}], "categories": [{"id": 1, "name": "cat"}], "annotations": annotations}


def found_at(entries: list[dict[str, Any]], image: Any, classes: list[Any]) -> list[dict[str, Any]]:
    return [entry for c in classes for entry in entries if entry["image_id"] == image and entry["category_id"] == c]


def numbered(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    areas = [entry["bbox"][2] * entry["bbox"][3] for entry in results]
    return [{**entry, "id": k + 1, "area": areas[k]} for k, entry in enumerate(results)]


def same(a: Any, b: Any) -> bool:
    """Equal, arrays and lists alike; of empty arrays the first axis counts."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        a, b = np.asarray(a), np.asarray(b)
        if a.size == b.size == 0:
            return a.shape[:1] == b.shape[:1]
        return a.shape == b.shape and bool((a == b).all())
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)
