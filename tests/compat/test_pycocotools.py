"""``COCO`` and ``mask``, and the package in the place of pycocotools."""

from __future__ import annotations

import contextlib
import copy
import importlib
import json
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from detutils.compat import pycocotools
from detutils.compat.pycocotools import mask
from detutils.compat.pycocotools.coco import COCO
from tests.cases import size
from tests.compat.coco_answers import indexed, of_one_image, one, quiet, same
from tests.compat.coco_scenes import make_scene
from tests.naive import coco_entries

INDEXES = ("dataset", "anns", "cats", "imgs", "imgToAnns", "catToImgs")


def written(path: Path, value: Any) -> str:
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


# ---- annotations ---------------------------------------------------------------------------------------------------


def pets() -> dict[str, Any]:
    names = [(3, "cat", "animal"), (5, "dog", "animal"), (9, "car", "vehicle")]
    annotations = [
        {"id": 11, "image_id": 7, "category_id": 3, "bbox": [0, 0, 4, 5], "area": 20.0, "iscrowd": 0},
        {"id": 12, "image_id": 2, "category_id": 5, "bbox": [0, 0, 4, 6], "area": 24.0, "iscrowd": 1},
        {"id": 13, "image_id": 7, "category_id": 5, "bbox": [1, 1, 2, 2], "area": 4.0, "iscrowd": 0},
    ]
    return {
        "info": {"year": 2017, "version": "1.0"},
        "images": [{"id": key, "file_name": f"{key}.jpg"} for key in (7, 2, 4)],
        "categories": [{"id": key, "name": name, "supercategory": kind} for key, name, kind in names],
        "annotations": annotations,
    }


@pytest.fixture(params=["file", "dictionary", "indexed"])
def coco(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "dictionary":
        return indexed(pets())
    whole = quiet(COCO, written(tmp_path / "pets.json", pets()))
    if request.param == "file":
        return whole
    quiet(whole.createIndex)  # indexes made from the file's dictionaries
    return whole


def test_questions(coco: Any) -> None:
    assert coco.getImgIds() == [7, 2, 4]
    assert sorted(coco.getImgIds(imgIds=[7, 4])) == [4, 7]
    assert coco.getImgIds(catIds=[3]) == [7]
    assert sorted(coco.getImgIds(catIds=5)) == [2, 7]
    assert coco.getImgIds(imgIds=[2], catIds=[3]) == []
    assert coco.getImgIds(catIds=[3, 5]) == [7]
    assert coco.getCatIds() == [3, 5, 9]
    assert coco.getCatIds(catNms=["dog", "cat"]) == [3, 5]
    assert coco.getCatIds("dog") == [5]
    assert coco.getCatIds(supNms=["vehicle"], catIds=[5, 9]) == [9]
    assert coco.getCatIds(catIds=9) == [9]
    assert coco.getAnnIds() == [11, 12, 13]
    assert coco.getAnnIds(imgIds=7) == [11, 13]
    assert coco.getAnnIds(imgIds=[2, 7, 99]) == [12, 11, 13]
    assert coco.getAnnIds(catIds=np.array([5])) == [12, 13]
    assert coco.getAnnIds(imgIds=[7], catIds=[5]) == [13]
    assert coco.getAnnIds(areaRng=[4, 24]) == [11]
    assert coco.getAnnIds(iscrowd=True) == [12]
    assert coco.getAnnIds(imgIds=[7, 2], iscrowd=0) == [11, 13]
    assert [ann["id"] for ann in coco.loadAnns([13, 11])] == [13, 11]
    assert coco.loadAnns(np.int64(11)) == coco.loadAnns(11) == [pets()["annotations"][0]]
    assert coco.loadCats([5])[0]["name"] == "dog"
    assert coco.loadImgs(2) == [{"id": 2, "file_name": "2.jpg"}]
    assert coco.loadAnns() == []
    with pytest.raises(KeyError):
        coco.loadImgs(99)


def test_indexes(coco: Any) -> None:
    assert coco.dataset == pets()
    assert list(coco.anns) == [11, 12, 13]
    assert coco.anns[13] is coco.dataset["annotations"][2] is coco.imgToAnns[7][1]
    assert coco.imgs[2] is coco.dataset["images"][1]
    assert coco.cats[9] is coco.dataset["categories"][2]
    assert coco.catToImgs == {3: [7], 5: [2, 7]}
    assert coco.imgToAnns["new"] == []


def test_what_is_shared_stays_shared(tmp_path: Path) -> None:
    """Images that were read before the rest belong to the dataset too, and changes are seen by an evaluation."""
    coco = quiet(COCO, written(tmp_path / "pets.json", pets()))
    coco.imgs[7]["note"] = "changed"
    assert coco.untouched_rows(False) is not None
    assert coco.dataset["images"][0]["note"] == "changed"
    assert coco.untouched_rows(False) is None
    copied = copy.deepcopy(quiet(COCO, tmp_path / "pets.json"))
    assert copied.untouched_rows(False) is not None
    assert copied.getAnnIds() == [11, 12, 13]


def test_attributes_can_be_set(tmp_path: Path) -> None:
    coco = quiet(COCO, written(tmp_path / "pets.json", pets()))
    coco.anns = {1: "mine"}
    assert coco.untouched_rows(False) is None
    assert coco.imgToAnns[7][0]["id"] == 11
    assert coco.anns == {1: "mine"}
    with pytest.raises(AttributeError, match="'COCO' object has no attribute 'nothing'"):
        coco.nothing  # noqa: B018


def test_what_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    coco = COCO(written(tmp_path / "pets.json", pets()))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "loading annotations into memory..."
    assert lines[1].startswith("Done (t=0.")
    assert lines[1].endswith("s)")
    assert lines[2:] == ["creating index...", "index created!"]
    coco.info()
    assert capsys.readouterr().out == "year: 2017\nversion: 1.0\n"
    coco.loadNumpyAnnotations(np.zeros((2, 7)))
    assert capsys.readouterr().out == "Converting ndarray to lists...\n(2, 7)\n0/2\n"


def test_files_of_all_kinds(tmp_path: Path) -> None:
    """What a scan is not sure of is read by json: ids that are strings, UTF-16, numbers as text."""
    strange = pets()
    strange["annotations"][0]["id"] = "eleven"
    coco = quiet(COCO, written(tmp_path / "strange.json", strange))
    assert coco.untouched_rows(False) is None
    assert coco.getAnnIds() == ["eleven", 12, 13]
    repeated = pets()
    repeated["annotations"][1]["id"] = 11
    assert quiet(COCO, written(tmp_path / "repeated.json", repeated)).untouched_rows(False) is None
    (tmp_path / "wide.json").write_bytes(json.dumps(pets()).encode("utf-16"))
    assert quiet(COCO, tmp_path / "wide.json").getAnnIds() == [11, 12, 13]
    bare = quiet(COCO, written(tmp_path / "bare.json", {"images": [{"id": 1}], "categories": []}))
    assert (bare.getImgIds(), bare.getCatIds(), bare.getAnnIds(imgIds=[1])) == ([1], [], [])
    assert "annotations" not in bare.dataset


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.json"):
        quiet(COCO, str(tmp_path / "missing.json"))
    with pytest.raises(IsADirectoryError):
        quiet(COCO, tmp_path)
    for text in ("", "{", '{"images": [}', "{'a': 1}"):
        with pytest.raises(ValueError, match="line 1"):
            quiet(COCO, written(tmp_path / "broken.json", text))
    with pytest.raises(AssertionError, match="annotation file format <class 'list'> not supported"):
        quiet(COCO, written(tmp_path / "list.json", [1]))
    with pytest.raises(TypeError, match="annotation_file must be a path, got int"):
        quiet(COCO, 3)


# ---- results -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["list", "file", "path", "array"])
def test_results(way: str, tmp_path: Path) -> None:
    truth = indexed(of_one_image(one([0, 0, 9, 9])))
    entries = one([1, 2, 3, 4], [5.5, 6.5, 7.5, 8.5], scores=(0.25, 0.5))
    before = copy.deepcopy(entries)
    path = tmp_path / "found.json"
    given: Any = {
        "list": entries,
        "file": written(path, entries),
        "path": path,
        "array": np.array([[7, *e["bbox"], e["score"], 1] for e in entries]),
    }[way]
    found = quiet(truth.loadRes, given)
    assert found.untouched_rows(True).scores.tolist() == [0.25, 0.5]
    assert found.getAnnIds(imgIds=[7]) == [1, 2]
    ann = found.anns[2]
    assert ann["area"] == 63.75
    assert (ann["id"], ann["iscrowd"], ann["image_id"], ann["category_id"], ann["score"]) == (2, 0, 7, 1, 0.5)
    assert ann["segmentation"] == [[5.5, 6.5, 5.5, 15.0, 13.0, 15.0, 13.0, 6.5]]
    assert found.dataset["images"] == truth.dataset["images"]
    assert found.dataset["images"][0] is truth.dataset["images"][0]
    assert found.dataset["categories"] == truth.dataset["categories"]
    assert found.dataset["categories"][0] is not truth.dataset["categories"][0]
    assert entries == before


def test_results_keep_what_they_have(tmp_path: Path) -> None:
    truth = indexed(of_one_image(one([0, 0, 9, 9])))
    entries = one([1, 2, 3, 4], scores=(0.25,), segmentation=[], area=99, iscrowd=1, id=50, note="é")
    for given in (entries, written(tmp_path / "found.json", entries)):
        ann = quiet(truth.loadRes, given).loadAnns(1)[0]
        assert (ann["segmentation"], ann["area"], ann["iscrowd"], ann["note"]) == ([], 12, 0, "é")


def test_results_of_strange_images(tmp_path: Path) -> None:
    truth = indexed(of_one_image(one([0, 0, 9, 9])))
    entries = one([1, 2, 3, 4], scores=(0.25,), image_id=8)
    for given in (entries, written(tmp_path / "found.json", entries)):
        with pytest.raises(AssertionError, match="Results do not correspond to current coco set"):
            quiet(truth.loadRes, given)


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ([{"image_id": 7, "category_id": 1, "segmentation": {}, "score": 1.0}], "loadRes of segmentation"),
        ([{"image_id": 7, "category_id": 1, "bbox": [], "segmentation": {}, "score": 1.0}], "loadRes of segmentation"),
        ([{"image_id": 7, "category_id": 1, "keypoints": [1, 2, 2], "score": 1.0}], "loadRes of keypoints"),
        ([{"image_id": 7, "caption": "a cat"}], "loadRes of captions"),
    ],
)
def test_results_that_are_no_boxes(entries: Any, text: str, tmp_path: Path) -> None:
    truth = indexed(of_one_image(one([0, 0, 9, 9])))
    for given in (entries, written(tmp_path / "found.json", entries)):
        with pytest.raises(NotImplementedError, match=f"no {text}: use pycocotools itself"):
            quiet(truth.loadRes, given)


WRONG = [
    ({"bbox": [0, 0, float("nan"), 1]}, ValueError, r"results bbox must be finite, got nan in entry \[1\]"),
    ({"bbox": [0, 0, 1e200, 1]}, ValueError, r"results bbox must be finite, got 1e\+200 in entry \[1\]"),
    ({"bbox": [0, 0, 10**400, 1]}, ValueError, "results bbox holds an integer that no float64 holds"),
    ({"bbox": [0, 0, 1]}, ValueError, r"results\[1\] bbox must be x, y, width, height, got \[0, 0, 1\]"),
    ({"bbox": [0, 0, [1], 1]}, TypeError, r"results bbox must be a number, got \[1\] in entry \[1\]"),
    ({"bbox": "0123"}, TypeError, r"results bbox must be a number, got '0' in entry \[1\]"),
    ({"bbox": None}, ValueError, r"results\[1\] bbox must be x, y, width, height, got None"),
    ({"score": float("nan")}, ValueError, r"results score must be finite, got nan in entry \[1\]"),
    ({"score": "0.5"}, TypeError, r"results score must be a number, got '0.5' in entry \[1\]"),
    ({"score": None}, TypeError, r"results score must be a number, got None in entry \[1\]"),
    ({"score": 1j}, TypeError, r"results score must be a number, got 1j in entry \[1\]"),
    ({"score": np.array([1.0, 2.0])}, TypeError, r"results score must be a number"),
]


@pytest.mark.parametrize(("change", "error", "text"), WRONG)
def test_wrong_results(change: dict[str, Any], error: type[Exception], text: str, tmp_path: Path) -> None:
    truth = indexed(of_one_image(one([0, 0, 9, 9])))
    entries = one([0, 0, 9, 9], [0, 0, 9, 9], scores=(0.5, 0.4))
    entries[1] |= change
    with pytest.raises(error, match=text):
        quiet(truth.loadRes, entries)
    with contextlib.suppress(TypeError):  # what no file can hold
        path = written(tmp_path / "found.json", entries)
        with pytest.raises(error, match=text):
            quiet(truth.loadRes, path)


@pytest.mark.parametrize("key", ["image_id", "category_id", "bbox", "score"])
def test_results_that_lack_something(key: str) -> None:
    truth = indexed(of_one_image(one([0, 0, 9, 9])))
    entries = one([0, 0, 9, 9], [0, 0, 9, 9], scores=(0.5, 0.4))
    del entries[1][key]
    with pytest.raises(ValueError, match=rf"results\[1\] has no '{key}'"):
        quiet(truth.loadRes, entries)


def test_results_that_are_no_list(tmp_path: Path) -> None:
    truth = indexed(of_one_image(one([0, 0, 9, 9])))
    for given in ({}, (1, 2), None, 3, written(tmp_path / "found.json", {"annotations": []})):
        with pytest.raises(AssertionError, match="results in not an array of objects"):
            quiet(truth.loadRes, given)
    with pytest.raises(TypeError, match=r"results\[0\] must be a dictionary, got int"):
        quiet(truth.loadRes, [1])
    with pytest.raises(FileNotFoundError):
        quiet(truth.loadRes, str(tmp_path / "missing.json"))
    with pytest.raises(ValueError, match="Expecting"):
        quiet(truth.loadRes, written(tmp_path / "broken.json", "[{]"))


@pytest.mark.parametrize(
    ("rows", "error", "text"),
    [
        (np.zeros((2, 6)), AssertionError, r"data must have shape \(N, 7\), got \(2, 6\)"),
        (np.zeros(7), AssertionError, r"data must have shape \(N, 7\), got \(7,\)"),
        (np.full((2, 7), np.nan), ValueError, "data must hold finite numbers"),
        (np.full((2, 7), "7"), ValueError, "data must hold finite numbers"),
        (np.full((2, 7), None), ValueError, "data must hold finite numbers"),
        ([[0] * 7], AssertionError, "data must be an ndarray, got list"),
    ],
)
def test_wrong_rows(rows: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        quiet(indexed(of_one_image([])).loadNumpyAnnotations, rows)


def test_negative_sizes_are_taken() -> None:
    """Networks give them; the original compares them as boxes without area."""
    truth = indexed(of_one_image(one([0, 0, 9, 9])))
    rows = quiet(truth.loadRes, one([5, 5, -1, 2], [5, 5, -1, -2], scores=(0.5, 0.4))).untouched_rows(True)
    assert rows.areas.tolist() == [-2, 2]


def test_it_loads_as_the_original(tmp_path: Path) -> None:
    original = pytest.importorskip("pycocotools.coco").COCO
    for seed in range(size(40, 5)):
        rng = random.Random(seed)
        dataset, results = make_scene(rng)
        paths = written(tmp_path / "truth.json", dataset), written(tmp_path / "found.json", results)
        answers = []
        for kind in (original, COCO):
            truth = quiet(kind, paths[0])
            found = quiet(truth.loadRes, copy.deepcopy(results) if seed % 2 else paths[1])
            images, categories = rng.sample(range(60), 5), rng.sample(range(40), 5)
            asked = [
                [side.getAnnIds(imgIds=images, catIds=categories), side.getAnnIds(areaRng=[10, 500], iscrowd=0)]
                for side in (truth, found)
            ]
            asked.append([sorted(truth.getImgIds(catIds=categories[:1])), truth.getCatIds(supNms=["thing"])])
            answers.append([asked, *([getattr(side, name) for name in INDEXES] for side in (truth, found))])
            rng.seed(seed)  # the same questions to both
            make_scene(rng)
        assert same(*answers)


# ---- what is left to the original ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["annToRLE", "annToMask", "showAnns", "download"])
def test_coco_says_what_is_not_here(name: str) -> None:
    arguments = () if name == "download" else ({},)
    with pytest.raises(NotImplementedError, match=f"no COCO.{name}: .*use pycocotools itself"):
        getattr(COCO(), name)(*arguments)


@pytest.mark.parametrize("name", ["encode", "decode", "area", "toBbox", "merge", "frPyObjects"])
def test_mask_says_what_is_not_here(name: str) -> None:
    arguments = ([], 1, 1) if name == "frPyObjects" else ([],)
    with pytest.raises(NotImplementedError, match=f"no mask.{name}: use pycocotools itself"):
        getattr(mask, name)(*arguments)


# ---- overlaps ------------------------------------------------------------------------------------------------------


def test_overlaps_are_their_definition() -> None:
    rng = np.random.default_rng(0)
    found, objects = rng.integers(-2, 9, (size(40, 8), 4)), rng.uniform(-1, 9, (size(30, 6), 4))
    crowd = rng.integers(0, 2, objects.shape[0])
    table = mask.iou(found.tolist(), objects, crowd)
    assert table.flags.f_contiguous
    for d, box in enumerate(found.tolist()):
        for g, other in enumerate(objects.tolist()):
            assert table[d, g] == coco_entries.overlap(box, other, crowd[g])
    with contextlib.suppress(ImportError):
        original = importlib.import_module("pycocotools.mask")
        assert same(table, original.iou(found.astype(float), objects, crowd.tolist()))


def test_overlaps_of_nothing() -> None:
    assert mask.iou([], [[0, 0, 1, 1]], [0]) == []
    assert mask.iou(np.empty((0, 4)), [[0, 0, 1, 1]], [0]) == []
    assert mask.iou([[0, 0, 1, 1]], [], []) == []
    assert mask.iou([[0, 0, 0, 1]], [[0, 0, 0, 1]], [1]).tolist() == [[0.0]]


HOSTILE: list[Any] = [
    None, "boxes", 3, 1j, {}, {"a": 1}, [[1, 2, 3]], [[1, 2], [3]], [["1", "2", "3", "4"]], [[1, 2, 3, None]],
    [[1, 2, 3, float("nan")]], [[1, 2, 3, float("inf")]], np.full((2, 4), "7"), np.full((1, 4), 1j),
    np.zeros((2, 2, 4)),
    np.ma.masked_array(np.ones((1, 4)), np.eye(1, 4)), [[1e200, 0, 1, 1]], object(),
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: type(value).__name__)
def test_hostile_boxes(value: Any) -> None:
    for arguments, name in (((value, [[0, 0, 1, 1]], [0]), "dt"), (([[0, 0, 1, 1]], value, [0]), "gt")):
        kinds = (TypeError, ValueError, NotImplementedError) if isinstance(value, dict) else (TypeError, ValueError)
        with pytest.raises(kinds, match=name if not isinstance(value, dict) else "run lengths"):
            mask.iou(*arguments)


@pytest.mark.parametrize("value", [None, "0", [[0]], [0, 0], [], [None], 0, ["a"]])
def test_hostile_crowds(value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="pyiscrowd"):
        mask.iou([[0, 0, 1, 1]], [[0, 0, 1, 1]], value)


def test_run_lengths_are_not_compared() -> None:
    with pytest.raises(NotImplementedError, match=r"no mask\.iou of run lengths: detutils compares boxes only"):
        mask.iou([{"size": [2, 2], "counts": "04"}], [{"size": [2, 2], "counts": "04"}], [0])


# ---- in its place --------------------------------------------------------------------------------------------------


@pytest.fixture
def modules() -> Any:
    """Whatever the tests leave in ``sys.modules``, what stood there before comes back."""
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "pycocotools"}
    for name in before:
        del sys.modules[name]
    yield
    pycocotools.uninstall()
    for name in [name for name in sys.modules if name.split(".")[0] == "pycocotools"]:
        del sys.modules[name]
    sys.modules.update(before)


@pytest.mark.usefixtures("modules")
def test_install_and_uninstall() -> None:
    """Over modules that were imported before, with one that detutils does not have."""
    before = {name: ModuleType(name) for name in (*pycocotools.NAMES, "pycocotools._mask")}
    sys.modules.update(before)
    assert pycocotools.install().new
    assert not pycocotools.install().new
    code: dict[str, Any] = {}
    exec(
        "import pycocotools.mask as a; from pycocotools import mask as b; from pycocotools.coco import COCO\n"
        "from pycocotools.cocoeval import COCOeval, Params, maskUtils; import pycocotools; c = pycocotools.coco.COCO",
        code,
    )
    assert code["a"] is code["b"] is code["maskUtils"] is mask
    assert code["COCO"] is code["c"] is COCO
    assert code["COCOeval"].__module__ == "detutils.compat.pycocotools.cocoeval"
    assert "pycocotools._mask" not in sys.modules
    pycocotools.uninstall()
    assert {name: sys.modules[name] for name in before} == before
    pycocotools.uninstall()
    assert {name: sys.modules[name] for name in before} == before


@pytest.mark.usefixtures("modules")
def test_install_where_nothing_was() -> None:
    with pycocotools.install() as outer:
        assert outer.new
        with pycocotools.install() as inner:
            assert not inner.new
        assert sys.modules["pycocotools"] is pycocotools
    assert not [name for name in sys.modules if name.startswith("pycocotools")]


def test_importing_it_imports_neither_the_original_nor_torch() -> None:
    code = (
        "import sys, detutils.compat.pycocotools; "
        "wrong = {name.split('.')[0] for name in sys.modules} & {'pycocotools', 'torch', 'matplotlib', 'cv2'};"
        "assert not wrong, wrong"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_name_of_the_original_is_here() -> None:
    pytest.importorskip("pycocotools")
    for name in ("coco", "cocoeval", "mask"):
        theirs = importlib.import_module(f"pycocotools.{name}")
        ours = importlib.import_module(f"detutils.compat.pycocotools.{name}")
        for key, value in vars(theirs).items():
            mine = getattr(value, "__module__", "").startswith("pycocotools")
            if key[0] == "_" or isinstance(value, ModuleType) or not mine:
                continue
            assert hasattr(ours, key), key
            if isinstance(value, type):
                members = {member for member in vars(value) if member[0] != "_"}
                assert members <= set(dir(getattr(ours, key)))
