"""The calls that training code makes, as that code makes them: the numbers are those of one plain evaluation."""

from __future__ import annotations

import contextlib
import copy
import io
import itertools
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.compat.pycocotools.coco import COCO
from detutils.compat.pycocotools.cocoeval import COCOeval
from tests.cases import size
from tests.compat.coco_answers import evaluated, indexed, quiet, same
from tests.compat.coco_scenes import make_scene


@pytest.fixture(params=range(size(6, 2)))
def scene(request: pytest.FixtureRequest) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """With categories that are known, as those of a network are."""
    dataset, results = make_scene(random.Random(request.param), size(14, 6))
    known = {category["id"] for category in dataset["categories"]}
    results = [entry for entry in results if entry["category_id"] in known]
    return dataset, results


def test_the_same_as_evaluate_coco(scene: Any, tmp_path: Path) -> None:
    dataset, results = scene
    evaluation = evaluated(dataset, results)
    (tmp_path / "truth.json").write_text(json.dumps(dataset))
    (tmp_path / "found.json").write_text(json.dumps(results))
    truth = detutils.read_coco(tmp_path / "truth.json")
    result = detutils.evaluate_coco(detutils.read_coco_detections(tmp_path / "found.json", truth), truth, arrays=True)
    places = [truth.class_ids.index(c) for c in evaluation.params.catIds if truth.class_ids.index(c) in result.labels]
    columns = [np.flatnonzero(result.labels == place)[0] for place in places]
    classes = [evaluation.params.catIds.index(truth.class_ids[place]) for place in places]
    assert same(evaluation.eval["precision"][:, :, classes], result.precisions[:, :, columns])
    assert same(evaluation.eval["scores"][:, :, classes], result.scores[:, :, columns])
    quiet(evaluation.summarize)
    assert evaluation.stats.tolist() == pytest.approx(result.stats.tolist(), abs=1e-15)


def test_an_evaluator_that_writes_a_file(scene: Any, tmp_path: Path) -> None:
    """A data set strips its annotations; results go through a file; a table of each class follows the twelve lines."""
    dataset, results = scene
    (tmp_path / "truth.json").write_text(json.dumps(dataset))
    truth = quiet(COCO, str(tmp_path / "truth.json"))
    stripped = truth.dataset
    stripped.pop("info", None)
    for image in stripped["images"]:
        image.pop("file_name", None)
    for ann in stripped["annotations"]:
        ann.pop("segmentation", None)
    for key in truth.getImgIds():
        anns = truth.loadAnns(truth.getAnnIds(imgIds=[int(key)], iscrowd=False))
        assert all(ann["image_id"] == key for ann in anns)
        assert "file_name" not in truth.loadImgs(key)[0]
    (tmp_path / "found.json").write_text(json.dumps(results))
    found = quiet(truth.loadRes, str(tmp_path / "found.json"))
    evaluation = COCOeval(truth, found, "bbox")
    quiet(evaluation.evaluate)
    quiet(evaluation.accumulate)
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        evaluation.summarize()
    assert len(text.getvalue().splitlines()) == 12
    expected = evaluated(dataset, results)
    names = [truth.cats[key]["name"] for key in sorted(truth.cats.keys())]
    assert evaluation.eval["precision"].shape[2] == evaluation.eval["recall"].shape[1] == len(names)
    assert same(evaluation.eval["precision"], expected.eval["precision"])
    assert same(evaluation.eval["recall"], expected.eval["recall"])


def test_an_evaluator_with_limits_and_images_of_its_own(scene: Any) -> None:
    """Limits are set after construction, summarize is written anew, and copies of the results are given."""

    class Longer(COCOeval):
        def summarize(self) -> None:
            p, values = self.params, self.eval["precision"]
            limit = [m for m, most in enumerate(p.maxDets) if most == p.maxDets[2]]
            area = [a for a, name in enumerate(p.areaRngLbl) if name == "all"]
            part = values[:, :, :, area, limit]
            self.stats = np.array([np.mean(part[part > -1]) if (part > -1).any() else -1.0])

    dataset, results = scene
    images = [image["id"] for image in dataset["images"]][:3]
    truth = indexed(dataset)
    evaluation = Longer(truth, quiet(truth.loadRes, copy.deepcopy(results)), "bbox")
    evaluation.params.maxDets = [1, 10, 300]
    evaluation.params.imgIds = images
    for step in (evaluation.evaluate, evaluation.accumulate, evaluation.summarize):
        quiet(step)
    expected = evaluated(dataset, results, {"maxDets": [1, 10, 300], "imgIds": images})
    assert same(evaluation.eval["precision"], expected.eval["precision"])
    there = expected.eval["precision"][..., 0, 2]
    there = there[there > -1]
    assert evaluation.stats.tolist() == [pytest.approx(there.mean()) if there.size else -1.0]


def batches(results: list[dict[str, Any]], images: list[Any], length: int) -> Any:
    """(images, results) a few images at a time."""
    for first in range(0, len(images), length):
        some = images[first : first + length]
        yield some, [copy.deepcopy(entry) for entry in results if entry["image_id"] in some]


def merged(evaluation: Any, images: list[Any], parts: list[Any]) -> Any:
    """Entries of all batches, as workers send them to each other, in the place of an evaluation of all images."""
    every, order = np.unique(np.array(images), return_index=True)
    entries = np.concatenate(parts, 2)[..., order]
    evaluation.evalImgs = list(entries.flatten())
    evaluation.params.imgIds = list(every)
    evaluation._paramsEval = copy.deepcopy(evaluation.params)
    quiet(evaluation.accumulate)
    return evaluation


@pytest.mark.parametrize("own", [False, True], ids=["its evaluate", "an evaluate of its own"])
def test_an_evaluator_of_batches(scene: Any, own: bool) -> None:
    """Results of each batch; an empty COCO where there are none; entries as an array by class, area and image."""
    dataset, results = scene
    truth = copy.deepcopy(indexed(dataset))
    evaluation = COCOeval(truth, iouType="bbox")
    seen: list[Any] = []
    parts = []
    for images, found in batches(results, [image["id"] for image in dataset["images"]], 2):
        p = evaluation.params
        evaluation.cocoDt = quiet(COCO.loadRes, truth, found) if found else COCO()
        p.imgIds = list(np.unique(images))
        if own:
            p.catIds = list(np.unique(p.catIds))
            p.maxDets = sorted(p.maxDets)
            evaluation._prepare()
            evaluation.ious = {pair: evaluation.computeIoU(*pair) for pair in itertools.product(p.imgIds, p.catIds)}
            entries = [
                evaluation.evaluateImg(image, category, bounds, p.maxDets[-1])
                for category in p.catIds
                for bounds in p.areaRng
                for image in p.imgIds
            ]
            evaluation._paramsEval = copy.deepcopy(p)
        else:
            quiet(evaluation.evaluate)
            entries = evaluation.evalImgs
        seen += p.imgIds
        parts.append(np.asarray(entries).reshape(-1, len(p.areaRng), len(p.imgIds)))
    merged(evaluation, seen, parts)
    expected = evaluated(dataset, results)
    for key in ("precision", "recall", "scores"):
        assert same(evaluation.eval[key], expected.eval[key])
    for one, other in zip(evaluation.evalImgs, expected.evalImgs, strict=True):
        if other is None:
            assert one is None
        else:  # detections are numbered from 1 in each batch
            assert all(same(one[key], other[key]) for key in other.keys() - {"dtIds", "gtMatches"})


def test_results_that_are_indexed_by_ones_own_code(scene: Any) -> None:
    """A copy of loadRes and createIndex in the evaluator's file, without what they print."""
    dataset, results = scene
    if not results:
        return
    truth, found = indexed(dataset), COCO()
    found.dataset["images"] = list(truth.dataset["images"])
    found.dataset["categories"] = copy.deepcopy(truth.dataset["categories"])
    entries = copy.deepcopy(results)
    for number, entry in enumerate(entries, start=1):
        entry |= {"area": entry["bbox"][2] * entry["bbox"][3], "id": number, "iscrowd": 0}
        found.imgToAnns[entry["image_id"]].append(entry)
        found.catToImgs[entry["category_id"]].append(entry["image_id"])
    found.dataset["annotations"] = entries
    found.anns = {entry["id"]: entry for entry in entries}
    found.imgs = {image["id"]: image for image in found.dataset["images"]}
    found.cats = {category["id"]: category for category in found.dataset["categories"]}
    evaluation = COCOeval(truth, found, "bbox")
    quiet(evaluation.evaluate)
    quiet(evaluation.accumulate)
    assert same(evaluation.eval["precision"], evaluated(dataset, results).eval["precision"])
