"""Small random data sets in COCO's form, with all that an evaluation decides on: ties, crowds, exact overlaps."""

from __future__ import annotations

import random
from typing import Any

import numpy as np


def make_scene(rng: random.Random, most: int = 14) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(annotations, results); detections of images without objects and of categories that nobody knows among them."""
    images, categories = rng.sample(range(1, 60), rng.randint(1, 5)), rng.sample(range(1, 40), rng.randint(1, 4))
    whole = rng.random() < 0.5  # boxes on a grid overlap at exact thresholds and tie
    ids = rng.sample(range(1, 200), most)

    def box() -> list[float]:
        side = rng.choice([10, 40, 100, 200])
        if whole:
            return [rng.randint(0, 6) * 5, rng.randint(0, 6) * 5, *(rng.randint(0, 8) * side / 8 for _ in range(2))]
        return [rng.uniform(0, 60), rng.uniform(0, 60), rng.uniform(0, side), rng.uniform(0, side)]

    annotations: list[dict[str, Any]] = []
    for key in ids[: rng.randint(0, most)]:
        bbox = box()
        ann = {"id": key, "image_id": rng.choice(images), "category_id": rng.choice(categories), "bbox": bbox}
        ann |= {"area": bbox[2] * bbox[3] * rng.choice([1, 1, 0.5]), "iscrowd": int(rng.random() < 0.15)}
        if rng.random() < 0.1:
            ann["ignore"] = 1  # which the original overwrites
        annotations.append(ann)
    results = []
    for _ in range(rng.randint(1, 2 * most)):
        if annotations and rng.random() < 0.7:
            ann = rng.choice(annotations)
            bbox = [v + (rng.choice([0, 0, 1, -1, 2]) if whole else rng.gauss(0, 3)) for v in ann["bbox"]]
            bbox[2:] = map(abs, bbox[2:])
            image, category = (
                ann["image_id"],
                ann["category_id"] if rng.random() < 0.8 else rng.choice([*categories, 77]),
            )
        else:
            bbox, image, category = box(), rng.choice(images), rng.choice([*categories, 77])
        score = rng.choice([0.1, 0.5, 0.5, 0.9, rng.random()])
        results.append({"image_id": image, "category_id": category, "bbox": bbox, "score": score})
    listed = [{"id": key, "file_name": f"{key}.jpg", "width": 9, "height": 9} for key in images]
    named = [{"id": key, "name": f"name {key}", "supercategory": "thing"} for key in categories]
    return {"info": {"year": 1}, "images": listed, "categories": named, "annotations": annotations}, results


def make_params(rng: random.Random, dataset: dict[str, Any]) -> dict[str, Any]:
    """Parameters that differ from the default ones, each now and then."""
    images, categories = [i["id"] for i in dataset["images"]], [c["id"] for c in dataset["categories"]]
    areas = [[[0, 1e10]], [[0, 100], [100, 400], [0, 1e10], [0, 1e10]], [[50, 1e5], [0, 1e10]]]
    limits = [[1, 2, 3], [3, 1, 2], [1, 10, 100], [0, 1, 2], [5, 5, 100], [1, 2, 3, 100, 300]]
    thresholds = [[0.5], [0.3, 0.75, 0.9], [0.0, 1.0], sorted(rng.random() for _ in range(70))]
    recalls = [[0.5], [0.0, 0.3, 1.0], [0.9, 0.1, 0.5, 0.0], np.linspace(0, 1, 11).tolist()]
    params: dict[str, Any] = {}
    if rng.random() < 0.3:
        params["maxDets"] = rng.choice(limits)
    if rng.random() < 0.25:
        params["useCats"] = 0
    if rng.random() < 0.25:
        params["iouThrs"] = np.array(rng.choice(thresholds))
    if rng.random() < 0.25:
        params["recThrs"] = np.array(rng.choice(recalls))
    if rng.random() < 0.25:
        params["areaRng"] = rng.choice(areas)
        params["areaRngLbl"] = ["all", "small", "medium", "large"][: len(params["areaRng"])]
    if rng.random() < 0.2:
        params["imgIds"] = rng.sample(images, rng.randint(0, len(images)))
    if rng.random() < 0.2:
        params["catIds"] = rng.sample(categories, rng.randint(1, len(categories)))
    return params
