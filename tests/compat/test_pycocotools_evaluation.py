"""``COCOeval``: its definition, the original where it is installed, and everything that code reads of it."""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import json
import os
import pickle
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detutils.compat.pycocotools.coco import COCO
from detutils.compat.pycocotools.cocoeval import COCOeval, Params
from tests.cases import each, size
from tests.compat.coco_answers import evaluated, found_at, indexed, numbered, of_one_image, one, quiet, run, same
from tests.compat.coco_scenes import make_params, make_scene
from tests.naive import coco_entries

DEEP = os.environ.get("DETUTILS_DEEP") == "1"
KEYS = ("dtIds", "gtIds", "dtMatches", "gtMatches", "dtScores", "gtIgnore", "dtIgnore")


# ---- the definition ------------------------------------------------------------------------------------------------


@each("seed", range(size(40, 6)))
def test_it_is_its_definition(seed: int) -> None:
    rng = random.Random(seed)
    dataset, results = make_scene(rng, size(14, 6))
    params = make_params(rng, dataset)
    evaluation = evaluated(dataset, results, params)
    p = evaluation._paramsEval
    detections, sure = numbered(results), p.useCats
    classes = [[c] for c in p.catIds] if sure else [p.catIds]
    precision, recall, scores = (evaluation.eval[key] for key in ("precision", "recall", "scores"))
    entries = iter(evaluation.evalImgs)
    for k, group in enumerate(classes):
        for a, bounds in enumerate(p.areaRng):
            expected = []
            for image in p.imgIds:
                objects, found = (found_at(side, image, group) for side in (dataset["annotations"], detections))
                expected.append(coco_entries.entry(objects, found, p.iouThrs, bounds, p.maxDets[-1]))
                got = next(entries)
                if expected[-1] is None:
                    assert got is None
                    continue
                assert same({key: got[key] for key in KEYS}, expected[-1])
                assert (got["image_id"], got["category_id"]) == (image, group[0] if sure else -1)
                assert got["aRng"] == bounds
                assert got["maxDet"] == p.maxDets[-1]
            for m, limit in enumerate(p.maxDets):
                for t in range(len(p.iouThrs)):
                    curve = coco_entries.curve(expected, t, limit, p.recThrs)
                    if curve is None:
                        assert (precision[t, :, k, a, m] == -1).all()
                        assert recall[t, k, a, m] == -1
                        continue
                    assert precision[t, :, k, a, m].tolist() == curve[0]
                    assert scores[t, :, k, a, m].tolist() == curve[1]
                    assert recall[t, k, a, m] == curve[2]
    assert next(entries, "no more") == "no more"


@pytest.mark.parametrize("seed", range(size(30, 4)))
def test_all_ways_lead_to_the_same_numbers(seed: int, tmp_path: Path) -> None:
    """Files that are scanned, dictionaries, one image after another, and what was read and given back."""

    class Stepwise(COCOeval):
        def evaluateImg(self, *where: Any) -> Any:
            return super().evaluateImg(*where)

    rng = random.Random(1000 + seed)
    dataset, results = make_scene(rng, size(14, 6))
    params = make_params(rng, dataset)
    first = evaluated(dataset, results, params)
    (tmp_path / "truth.json").write_text(json.dumps(dataset))
    (tmp_path / "found.json").write_text(json.dumps(results))
    truth = quiet(COCO, tmp_path / "truth.json")
    scanned = quiet(lambda: run(truth, truth.loadRes(str(tmp_path / "found.json")), params))
    assert truth.untouched_rows(False) is not None or not dataset["annotations"]
    stepwise = evaluated(dataset, results, params, Stepwise)
    for other in (scanned, stepwise):
        for key in ("precision", "recall", "scores"):
            assert same(first.eval[key], other.eval[key])
        assert same(list(first.evalImgs), list(other.evalImgs))
        assert same(first.ious, other.ious)
    numbers = first.eval
    if params.get("useCats", 1):  # accumulate has left [-1] for the classes otherwise
        again = first.evalImgs
        first.evalImgs = list(again)
        quiet(first.accumulate)
        assert all(same(numbers[key], first.eval[key]) for key in ("precision", "recall", "scores"))


# ---- the original --------------------------------------------------------------------------------------------------


def both_ways(seed: int, folder: Path) -> list[str]:
    """What differs from the original."""
    original = (
        importlib.import_module("pycocotools.coco").COCO,
        importlib.import_module("pycocotools.cocoeval").COCOeval,
    )
    rng = random.Random(seed)
    dataset, results = make_scene(rng)
    params, way = make_params(rng, dataset), rng.randint(0, 2)
    (folder / "truth.json").write_text(json.dumps(dataset))
    (folder / "found.json").write_text(json.dumps(results))
    answers = []
    for data, measure in (original, (COCO, COCOeval)):
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            if way == 0:
                truth = indexed(dataset, data)
                found = truth.loadRes(copy.deepcopy(results))
            else:
                truth = data(str(folder / "truth.json"))
                rows = [[r["image_id"], *r["bbox"], r["score"], r["category_id"]] for r in results]
                found = truth.loadRes(str(folder / "found.json") if way == 1 else np.array(rows))
            evaluation = run(truth, found, params, measure)
            evaluation.summarize()
        answers.append((evaluation, re.sub(r"t=[\d.]+s", "", text.getvalue())))
    (theirs, their_text), (ours, our_text) = answers
    wrong = [key for key in ("precision", "recall", "scores", "counts") if not same(theirs.eval[key], ours.eval[key])]
    wrong += [name for name in ("stats", "ious") if not same(getattr(theirs, name), getattr(ours, name))]
    if not same(list(theirs.evalImgs), list(ours.evalImgs)):
        wrong.append("evalImgs")
    return wrong + ["text"] * (their_text != our_text)


def test_it_equals_the_original(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    seeds = range(10_000 if DEEP else size(120, 20))
    assert {seed: wrong for seed in seeds if (wrong := both_ways(seed, tmp_path))} == {}


def test_it_works_with_objects_of_the_original() -> None:
    theirs = pytest.importorskip("pycocotools.coco").COCO
    original = importlib.import_module("pycocotools.cocoeval").COCOeval
    dataset, results = make_scene(random.Random(5))
    expected = evaluated(dataset, results).eval["precision"]
    truth = indexed(dataset, theirs)
    for load in (theirs.loadRes, COCO.loadRes):
        found = quiet(load, truth, copy.deepcopy(results))
        for kind in (original, COCOeval):
            assert same(quiet(run, truth, found, {}, kind).eval["precision"], expected)
    truth = indexed(dataset)
    assert same(quiet(run, truth, quiet(truth.loadRes, results), {}, original).eval["precision"], expected)


# ---- by hand -------------------------------------------------------------------------------------------------------


def test_the_twelve_lines() -> None:
    evaluation = evaluated(of_one_image(one([0, 0, 40, 40])), one([0, 0, 40, 36], scores=(0.5,)))
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        evaluation.summarize()
    assert text.getvalue() == (
        " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.900\n"
        " Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets=100 ] = 1.000\n"
        " Average Precision  (AP) @[ IoU=0.75      | area=   all | maxDets=100 ] = 1.000\n"
        " Average Precision  (AP) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = -1.000\n"
        " Average Precision  (AP) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = 0.900\n"
        " Average Precision  (AP) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = -1.000\n"
        " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=  1 ] = 0.900\n"
        " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets= 10 ] = 0.900\n"
        " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.900\n"
        " Average Recall     (AR) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = -1.000\n"
        " Average Recall     (AR) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = 0.900\n"
        " Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = -1.000\n"
    )
    assert evaluation.stats.dtype == np.float64
    assert evaluation.stats.shape == (12,)
    assert evaluation.eval["counts"] == [10, 101, 1, 4, 3]
    assert evaluation.eval["params"] is evaluation.params


def test_what_is_printed_on_the_way() -> None:
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        truth = COCO()
        truth.dataset = of_one_image(one([0, 0, 9, 9]))
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(one([0, 0, 9, 9], scores=(0.5,))), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    assert re.sub(r"t=\d+\.\d\ds", "t", text.getvalue()).splitlines() == [
        "creating index...", "index created!", "Loading and preparing results...", "DONE (t)", "creating index...",
        "index created!", "Running per image evaluation...", "Evaluate annotation type *bbox*", "DONE (t).",
        "Accumulating evaluation results...", "DONE (t).",
    ]  # fmt: skip


def test_maximal_detections_without_100() -> None:
    """The first number is that of maxDets=100, and -1 where it is missing, as in the original."""
    evaluation = evaluated(of_one_image(one([0, 0, 9, 9])), one([0, 0, 9, 9], scores=(0.5,)), {"maxDets": [1, 2, 3]})
    quiet(evaluation.summarize)
    assert evaluation.stats[:3].tolist() == [-1.0, pytest.approx(1.0), pytest.approx(1.0)]
    evaluation.params.maxDets = [100]
    with pytest.raises(IndexError, match=r"the twelve lines need three params.maxDets, got \[100\]"):
        evaluation.summarize()


def test_an_object_whose_id_is_0_is_found() -> None:
    """The original takes a match with it for none."""
    annotations = one([0, 0, 9, 9], [20, 0, 9, 9])
    annotations[0]["id"] = 0
    evaluation = evaluated(of_one_image(annotations), one([0, 0, 9, 9], [20, 0, 9, 9], scores=(0.5, 0.4)))
    assert evaluation.eval["recall"][0, 0, 0].tolist() == [0.5, 1.0, 1.0]
    entry = evaluation.evalImgs[0]
    assert entry["dtMatches"][0].tolist() == [0.0, 2.0]
    assert entry["dtFound"][0].tolist() == [True, True]
    quiet(evaluation.accumulate)  # now from evalImgs
    assert evaluation.eval["recall"][0, 0, 0].tolist() == [0.5, 1.0, 1.0]
    assert evaluation.evaluateImg(7, 1, [0, 1e10], 100)["dtFound"].all()


def test_areas_of_detections_are_their_own() -> None:
    """Those of loadRes have the box's; in a set of one's own they may have others, and are ignored by these."""
    truth = indexed(of_one_image(one([0, 0, 9, 9])))
    found = one([50, 50, 9, 9], [0, 0, 9, 9], scores=(0.9, 0.8))
    for area in (1e6, 81):
        entries = [{**found[0], "id": 1, "area": area}, {**found[1], "id": 2, "area": 81}]
        evaluation = quiet(run, truth, indexed(of_one_image(entries)), {"areaRng": [[0, 1e3]]})
        assert evaluation.evalImgs[0]["dtIgnore"].tolist() == [[area > 1e3, False]] * 10
        expected = 1.0 if area > 1e3 else 0.5
        assert evaluation.eval["precision"][0, :, 0, 0, 2] == pytest.approx(expected)


def test_no_detections() -> None:
    """An empty list, on which the original fails, or a COCO() without anything, as code writes for "nothing found"."""
    truth = indexed(of_one_image(one([0, 0, 9, 9])))
    for found in (quiet(truth.loadRes, []), COCO()):
        evaluation = quiet(run, truth, found, {})
        quiet(evaluation.summarize)
        assert evaluation.stats[:3].tolist() == [0.0, 0.0, 0.0]


def test_accumulate_with_other_parameters() -> None:
    """By the places at which the original looks: the first of the classes that were evaluated."""
    dataset, results = make_scene(random.Random(3))
    whole = evaluated(dataset, results, {"maxDets": [1, 5, 100]})
    p = copy.deepcopy(whole.params)
    p.maxDets, p.recThrs = [5, 7], np.array([0.25, 0.5])
    before = whole.eval
    quiet(whole.accumulate, p)
    assert whole.eval["counts"][1:2] + whole.eval["counts"][4:] == [2, 2]
    assert same(whole.eval["precision"][..., 0], before["precision"][:, [25, 50]][..., 1])
    assert (whole.eval["precision"][..., 1] == -1).all()
    p = copy.deepcopy(whole.params)
    p.areaRng = [[3, 4], *p.areaRng[1:]]  # of the first nothing is known: the others come before it
    quiet(whole.accumulate, p)
    assert same(whole.eval["precision"][:, :, :, :3], before["precision"][:, :, :, 1:])
    assert (whole.eval["precision"][:, :, :, 3] == -1).all()
    p = copy.deepcopy(whole.params)
    p.imgIds = p.imgIds[:1]
    quiet(whole.accumulate, p)
    alone = evaluated(dataset, results, {"maxDets": [1, 5, 100], "imgIds": p.imgIds})
    assert same(whole.eval["recall"], alone.eval["recall"])


def test_levels_of_recall_in_any_order() -> None:
    """Beyond the first level that is not reached, as they are given, the original looks at none."""
    truth = of_one_image(one([0, 0, 9, 9], [50, 50, 9, 9]))
    results = one([0, 0, 9, 9], scores=(0.75,))  # of a recall of one half
    for levels, wanted in (
        ([0.4, 0.1, 0.9, 0.2], [1.0, 1.0, 0.0, 0.0]),
        ([0.9, 0.5, 0.1], [0.0, 0.0, 0.0]),
        ([0.1, 0.2, 0.4, 0.9], [1.0, 1.0, 1.0, 0.0]),
    ):
        evaluation = evaluated(truth, results, {"recThrs": levels})
        assert evaluation.eval["precision"][0, :, 0, 0, -1].tolist() == pytest.approx(wanted), levels
        assert evaluation.eval["scores"][0, :, 0, 0, -1].tolist() == [0.75 * value for value in wanted], levels


def test_levels_of_recall_below_0() -> None:
    """They are reached by the first detection, right or wrong, as a level of 0 is."""
    results = one([50, 50, 9, 9], scores=(0.5,))
    evaluation = evaluated(of_one_image(one([0, 0, 9, 9])), results, {"recThrs": [-0.5, 0.0, 0.5]})
    assert evaluation.eval["scores"][0, :, 0, 0, 2].tolist() == [0.5, 0.5, 0.0]
    assert (evaluation.eval["precision"][:, :, :, 0] == 0).all()


def test_accumulate_with_fewer_thresholds_than_were_evaluated() -> None:
    """There is no room for the others: numpy's own error, as in the original."""
    evaluation = evaluated(of_one_image(one([0, 0, 9, 9])), one([0, 0, 9, 9], scores=(0.5,)))
    p = copy.deepcopy(evaluation.params)
    p.iouThrs = p.iouThrs[:3]
    with pytest.raises((IndexError, ValueError)):
        quiet(evaluation.accumulate, p)


# ---- what subclasses do --------------------------------------------------------------------------------------------


def test_overlaps_of_ones_own() -> None:
    """A subclass measures as it likes; the rest follows."""

    class Constant(COCOeval):
        def computeIoU(self, imgId: Any, catId: Any) -> Any:
            table = super().computeIoU(imgId, catId)
            return np.full(np.shape(table), 0.62) if len(table) else []

    evaluation = evaluated(of_one_image(one([0, 0, 9, 9])), one([50, 50, 9, 9], scores=(0.5,)), None, Constant)
    assert evaluation.eval["recall"][:, 0, 0, 2].tolist() == [1.0, 1.0, 1.0, *[0.0] * 7]


def test_boxes_with_an_angle_are_left_to_a_subclass() -> None:
    class Turned(COCOeval):
        def computeIoU(self, imgId: Any, catId: Any) -> Any:
            sides = self._dts[imgId, catId], self._gts[imgId, catId]
            return np.array([[d["bbox"] == g["bbox"] for g in sides[1]] for d in sides[0]], float)

    dataset = of_one_image(one([0, 0, 9, 9, 30.0]))
    results = one([0, 0, 9, 9, 30.0], scores=(0.5,))
    assert (evaluated(dataset, results, None, Turned).eval["recall"][:, :, 0] == 1.0).all()
    with pytest.raises(ValueError, match=r"annotations\[0\] bbox must be x, y, width, height"):
        evaluated(dataset, results)


@each("seed", range(size(20, 3)))
def test_one_image_by_a_table_of_overlaps(seed: int) -> None:
    rng = random.Random(seed)
    dataset, results = make_scene(rng, 8)
    evaluation = evaluated(dataset, results)
    detections, p = numbered(results), evaluation.params
    tables = {key: np.round(np.array(value), 1) for key, value in evaluation.ious.items()}
    evaluation.ious = {key: value.tolist() for key, value in tables.items()}
    for (image, category), table in tables.items():
        objects, found = (found_at(side, image, [category]) for side in (dataset["annotations"], detections))
        ranked = sorted(range(len(found)), key=lambda k: -found[k]["score"])
        rows = {d: table[at] for at, d in enumerate(ranked)} if table.size else {}
        for limit in (1, 100):
            expected = coco_entries.entry(objects, found, p.iouThrs, [100, 1e4], limit, rows if table.size else None)
            entry = evaluation.evaluateImg(image, category, [100, 1e4], limit)
            assert entry is None if expected is None else same({key: entry[key] for key in KEYS}, expected)


def test_groups_are_made_when_they_are_read() -> None:
    dataset, results = of_one_image(one([0, 0, 9, 9], iscrowd=1)), one([0, 0, 9, 9], scores=(0.5,))
    evaluation = evaluated(dataset, results)
    assert not {"_gts", "_dts", "evalImgs", "ious"} & vars(evaluation).keys()
    assert [entry["ignore"] for entry in evaluation._gts[7, 1]] == [1]
    assert [entry["id"] for entry in evaluation._dts[7, 1]] == [1]
    assert evaluation.ious[7, 1].tolist() == [[1.0]]
    with pytest.raises(AttributeError, match="'COCOeval' object has no attribute 'nothing'"):
        evaluation.nothing  # noqa: B018


def test_copies_and_pickles() -> None:
    dataset, results = make_scene(random.Random(8))
    evaluation = evaluated(dataset, results)
    for other in (copy.deepcopy(evaluation), pickle.loads(pickle.dumps(evaluation))):
        assert same(other.evalImgs, evaluation.evalImgs)
        quiet(other.accumulate)
        assert same(other.eval["precision"], evaluation.eval["precision"])


# ---- what is not there, and what is wrong --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["segm", "keypoints"])
def test_masks_and_keypoints_say_where_they_are(kind: str) -> None:
    truth = indexed(of_one_image(one([0, 0, 9, 9])))
    evaluation = COCOeval(truth, quiet(truth.loadRes, one([0, 0, 9, 9], scores=(0.5,))), kind)
    for work in (evaluation.evaluate, evaluation._prepare, lambda: evaluation.computeIoU(7, 1)):
        with pytest.raises(NotImplementedError, match=f"no evaluation of iouType '{kind}': .* use pycocotools itself"):
            quiet(work)
    with pytest.raises(NotImplementedError, match=r"evaluation of keypoints.* use pycocotools itself"):
        evaluation.computeOks(7, 1)


def test_parameters() -> None:
    assert COCOeval().params.iouType == "segm"
    boxes, points = Params("bbox"), Params("keypoints")
    assert (boxes.iouThrs == np.linspace(0.5, 0.95, 10)).all()
    assert (boxes.recThrs == np.linspace(0, 1, 101)).all()
    assert boxes.areaRng == [[0, 1e10], [0, 1024], [1024, 9216], [9216, 1e10]]
    assert (boxes.useCats, boxes.useSegm, boxes.maxDets, points.maxDets) == (1, None, [1, 10, 100], [20])
    assert points.areaRngLbl == ["all", "medium", "large"]
    assert points.kpt_oks_sigmas.size == 17
    with pytest.raises(ValueError, match="iouType not supported: 'boxes'"):
        Params("boxes")


def test_the_old_switch_for_masks() -> None:
    truth = indexed(of_one_image(one([0, 0, 9, 9])))
    evaluation = COCOeval(truth, quiet(truth.loadRes, one([0, 0, 9, 9], scores=(0.5,))))
    evaluation.params.useSegm = 0
    quiet(evaluation.evaluate)
    quiet(evaluation.accumulate)
    assert (evaluation.eval["recall"][:, :, 0] == 1).all()


def test_steps_out_of_order() -> None:
    evaluation = COCOeval(indexed(of_one_image([])), None, "bbox")
    with pytest.raises(ValueError, match=r"evaluate\(\) must run before accumulate\(\)"):
        quiet(evaluation.accumulate)
    with pytest.raises(ValueError, match=r"Please run accumulate\(\) first"):
        evaluation.summarize()
    with pytest.raises(ValueError, match="COCOeval needs cocoGt and cocoDt"):
        quiet(evaluation.evaluate)


WRONG = [
    ("iouThrs", [], ValueError, "params.iouThrs must not be empty"),
    ("iouThrs", [np.nan], ValueError, "params.iouThrs"),
    ("iouThrs", ["a"], TypeError, "params.iouThrs"),
    ("maxDets", [], ValueError, "params.maxDets must not be empty"),
    ("maxDets", [1, 10, -1], ValueError, "params.maxDets"),
    ("maxDets", [1, 10, 1.5], TypeError, "params.maxDets"),
    ("areaRng", [[0]], ValueError, r"params.areaRng\[0\] must be \(least, most\)"),
    ("areaRng", [[0, np.nan]], ValueError, r"params.areaRng\[0\]"),
    ("areaRng", [["a", "b"]], TypeError, r"params.areaRng\[0\]"),
    ("recThrs", [np.nan], ValueError, "params.recThrs"),
    ("recThrs", None, TypeError, "params.recThrs"),
]


@pytest.mark.parametrize(("name", "value", "error", "text"), WRONG)
def test_wrong_parameters(name: str, value: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        evaluated(of_one_image(one([0, 0, 9, 9])), one([0, 0, 9, 9], scores=(0.5,)), {name: value})


MISSING = object()
ENTRIES = [
    ("bbox", [0, 0, float("nan"), 1], ValueError, r"cocoGt annotations bbox must be finite, got nan in entry \[1\]"),
    ("bbox", [0, 0, 1], ValueError, r"annotations\[1\] bbox must be x, y, width, height"),
    ("bbox", ["0", 0, 1, 1], TypeError, r"bbox must be a number, got '0' in entry \[1\]"),
    ("bbox", None, ValueError, r"annotations\[1\] bbox must be x, y, width, height"),
    ("bbox", MISSING, ValueError, r"annotations\[1\] has no 'bbox'"),
    ("area", float("inf"), ValueError, r"annotations area must be finite, got inf in entry \[1\]"),
    ("iscrowd", "0", TypeError, r"annotations iscrowd must be a number, got '0' in entry \[1\]"),
    ("area", "big", TypeError, r"annotations area must be a number, got 'big' in entry \[1\]"),
]


@pytest.mark.parametrize(("key", "value", "error", "text"), ENTRIES)
def test_wrong_annotations(key: str, value: Any, error: type[Exception], text: str) -> None:
    annotations = one([0, 0, 9, 9], [0, 0, 9, 9])
    annotations[1][key] = value
    if value is MISSING:
        del annotations[1][key]
    with pytest.raises(error, match=text):
        evaluated(of_one_image(annotations), one([0, 0, 9, 9], scores=(0.5,)))


def test_annotations_without_area_or_crowd() -> None:
    annotations = one([0, 0, 9, 9])
    del annotations[0]["area"], annotations[0]["iscrowd"]
    evaluation = evaluated(of_one_image(annotations), one([0, 0, 9, 9], scores=(0.5,)), {"areaRng": [[0, 80], [0, 81]]})
    assert evaluation.eval["recall"][0, 0, :, 0].tolist() == [-1.0, 1.0]


def test_ids_need_not_be_numbers() -> None:
    annotations = one([0, 0, 9, 9], id="first", image_id="a", category_id="cat")
    dataset = {"images": [{"id": "a"}], "categories": [{"id": "cat"}], "annotations": annotations}
    evaluation = evaluated(dataset, one([0, 0, 9, 9], scores=(0.5,), image_id="a", category_id="cat"))
    assert (evaluation.eval["recall"][:, :, 0] == 1).all()
    with pytest.raises(ValueError, match="evalImgs holds ids as numbers, got ids such as 'first'"):
        evaluation.evalImgs  # noqa: B018


def test_str_prints(capsys: pytest.CaptureFixture[str]) -> None:
    evaluation = evaluated(of_one_image(one([0, 0, 9, 9])), one([0, 0, 9, 9], scores=(0.5,)))
    assert str(evaluation) == ""
    assert len(capsys.readouterr().out.splitlines()) == 12
