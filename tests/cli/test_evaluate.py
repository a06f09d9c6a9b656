"""``detutils evaluate``: the numbers of the library, from files."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.cli import main

TRUTH = {
    "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
    "categories": [{"id": 5, "name": "cat"}, {"id": 7, "name": "dog"}, {"id": 9, "name": "cow"}],
    "annotations": [
        {"image_id": 1, "category_id": 5, "bbox": [0, 0, 50, 50]},
        {"image_id": 2, "category_id": 5, "bbox": [10, 0, 50, 50]},
        {"image_id": 2, "category_id": 7, "bbox": [100, 100, 120, 130]},
    ],
}
FOUND = [
    {"image_id": 1, "category_id": 5, "bbox": [0, 0, 50, 45], "score": 0.9},
    {"image_id": 2, "category_id": 5, "bbox": [60, 0, 50, 50], "score": 0.8},
    {"image_id": 2, "category_id": 7, "bbox": [100, 100, 110, 130], "score": 0.7},
    {"image_id": 2, "category_id": 9, "bbox": [0, 0, 9, 9], "score": 0.3},
]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    (tmp_path / "found.json").write_text(json.dumps(FOUND))
    return [str(tmp_path / "truth.json"), str(tmp_path / "found.json")]


def numbers(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["evaluate", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_coco(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    dataset = detutils.read_coco(files[0])
    result = detutils.evaluate_coco(detutils.read_coco_detections(files[1], dataset), dataset)
    printed = numbers(files, capsys)
    assert [printed[name] for name in result._fields[:12]] == result.stats.tolist()
    assert printed["classes"] == dict(zip(("cat", "dog", "cow"), result.class_ap.tolist(), strict=True))
    assert main(["evaluate", *files]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:12] == result.summary().splitlines()
    assert lines[-1].split() == ["cow", "no", "objects"]


def test_voc(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert numbers([*files, "--rules", "voc2010"], capsys) == {
        "mean_ap": 0.75,
        "classes": {"cat": 0.5, "dog": 1.0, "cow": None},
    }
    cat = numbers([*files, "--rules", "voc2007"], capsys)["classes"]["cat"]
    assert cat == pytest.approx(6 / 11)
    assert numbers([*files, "--rules", "voc2010", "--iou", "0.95"], capsys)["mean_ap"] == 0.0
    assert main(["evaluate", *files, "--rules", "voc2010"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "mean AP 0.750 at IoU 0.5", "", f"{'cat':<24} 0.500", f"{'dog':<24} 1.000", f"{'cow':<24} no objects",
    ]  # fmt: skip


def test_plot(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert main(["evaluate", *files, "--plot", str(tmp_path / "curve.png")]) == 0
    assert detutils.read_image(tmp_path / "curve.png").ndim == 3
    assert "wrote" in capsys.readouterr().err
    assert main(["evaluate", *files, "--plot", str(tmp_path / "curve.txt")]) == 2
    assert "must end in .png, .svg, .pdf" in capsys.readouterr().err


def test_classes_of_one_name_keep_their_own_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = json.loads(json.dumps(TRUTH))
    truth["categories"][1]["name"] = "cat"
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "found.json").write_text(json.dumps(FOUND))
    printed = numbers([str(tmp_path / "truth.json"), str(tmp_path / "found.json")], capsys)
    assert list(printed["classes"]) == ["cat (5)", "cat (7)", "cow"]


@pytest.mark.parametrize(
    ("truth", "found", "options", "pattern"),
    [
        ("missing.json", "found.json", [], "missing.json"),
        ("found.json", "found.json", [], "found.json: must hold images, annotations and categories"),
        ("truth.json", "truth.json", [], "truth.json: annotations[0]: has no 'score'"),
        ("truth.json", "found.json", ["--rules", "voc2007", "--iou", "2"], "iou_threshold must be in [0, 1]"),
    ],
)
def test_what_is_wrong_is_named(
    truth: str,
    found: str,
    options: list[str],
    pattern: str,
    files: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = Path(files[0]).parent
    assert main(["evaluate", str(folder / truth), str(folder / found), *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("detutils evaluate: error: ")
    assert pattern in error


# ---- what cannot be used, and the page -----------------------------------------------------------------------------


def test_bad_entries_are_refused_or_skipped_and_counted(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    expected = numbers(files, capsys)
    truth, found = json.loads(json.dumps(TRUTH)), json.loads(json.dumps(FOUND))
    truth["annotations"][1:1] = [{"image_id": 8, "category_id": 5, "bbox": [0, 0, 5, 5]}]
    found += [{**FOUND[0], "bbox": []}, {**FOUND[0], "image_id": 3}]
    Path(files[0]).write_text(json.dumps(truth))
    Path(files[1]).write_text(json.dumps(found))
    assert main(["evaluate", *files]) == 2
    assert "annotations[1]: unknown image_id 8" in capsys.readouterr().err
    assert main(["evaluate", *files, "--on-invalid", "drop", "--json"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out) == expected
    assert "truth.json: 1 skipped, the first annotations[1]: unknown image_id 8" in output.err
    assert "found.json: 2 skipped, the first entry [4]: bbox must be four numbers" in output.err


class Page(HTMLParser):
    """The texts of a page; refuses tags that do not close, and whatever would be fetched."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.sources: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == []
        self.text = " ".join(self.texts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "img", "path", "polyline"):
            self.open.append(tag)
        for name, value in attrs:
            assert name not in ("href", "srcset", "onload", "onerror")
            if name == "src":
                assert value is not None
                assert value.startswith("data:image/jpeg;base64,")
                self.sources.append(value)
        assert tag not in ("script", "link", "iframe")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        assert "url(" not in data
        assert "@import" not in data


def test_report(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "reports" / "one"
    assert main(["evaluate", *files, "--report", str(folder)]) == 0
    output = capsys.readouterr()
    assert f"wrote {folder / 'report.html'}" in output.err
    assert [path.name for path in folder.iterdir()] == ["report.html"]
    page = Page(folder / "report.html")
    for title in ("found.json on truth.json", "Precision and recall at IoU 0.5", "F1 over confidence", "Errors",
                  "Confusion matrix", "Worst images", "2 images, 3 objects, 4 detections",
                  output.out.splitlines()[0]):  # fmt: skip
        assert title in page.text
    assert page.tags.count("svg") == 2
    assert page.tags.count("polyline") == 2 + 3 + 1  # two classes with objects; F1, precision, recall; the best
    dataset = detutils.read_coco(files[0])
    found = detutils.read_coco_detections(files[1], dataset)
    best = detutils.best_threshold(found, dataset)
    assert f"scores above {best.threshold:.4g} give an F1 of {best.f1:.3f}" in page.text
    errors = detutils.detection_errors(found, dataset)
    assert "would rise if" in page.text
    assert f"{errors.miss:.3f}" in page.texts
    assert "b.jpg: 2 wrong, 1 missed" in page.text
    assert page.sources == []
    assert main(["evaluate", *files, "--report", files[0]]) == 2  # a file is in its place


def test_report_with_pictures(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    truth = json.loads(json.dumps(TRUTH))
    truth["images"].append({"id": 3, "file_name": "../truth.json"})
    truth["images"].append({"id": 4, "file_name": "<b>.jpg"})
    for number in (3, 4):
        truth["annotations"].append({"image_id": number, "category_id": 5, "bbox": [0, 0, 50, 50]})
    truth["categories"][0]["name"] = "<script>"
    Path(files[0]).write_text(json.dumps(truth))
    detutils.write_image(pictures / "b.jpg", np.full((240, 240, 3), 200, np.uint8))
    arguments = [*files, "--report", str(tmp_path / "r"), "--images", str(pictures)]
    assert main(["evaluate", *arguments]) == 0
    page = Page(tmp_path / "r" / "report.html")
    assert len(page.sources) == 1
    assert "../truth.json is outside of" in page.text
    assert "<b>.jpg: 0 wrong, 1 missed" in page.text
    assert "<script>" in page.text
    assert main(["evaluate", *arguments, "--worst", "1"]) == 0
    assert len(Page(tmp_path / "r" / "report.html").sources) == 1
    assert main(["evaluate", *files, "--report", str(tmp_path / "r"), "--images", str(tmp_path / "missing")]) == 2
    assert "missing is not a folder" in capsys.readouterr().err


def test_report_of_nothing(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No objects, no detections, nothing at all: a page each, with a line that says so."""
    for truth, found in (({**TRUTH, "annotations": []}, FOUND), (TRUTH, []),
                         ({"images": [], "categories": [], "annotations": []}, [])):  # fmt: skip
        Path(files[0]).write_text(json.dumps(truth))
        Path(files[1]).write_text(json.dumps(found))
        assert main(["evaluate", *files, "--report", str(tmp_path / "r")]) == 0
        nothing = not truth["annotations"]
        assert ("There are no objects" in capsys.readouterr().out) == nothing
        assert ("there is nothing to measure" in Page(tmp_path / "r" / "report.html").text) == nothing
    Path(files[0]).write_text(json.dumps({**TRUTH, "annotations": []}))
    assert main(["evaluate", *files, "--rules", "voc2010"]) == 0
    assert "there are no objects" in capsys.readouterr().out


# ---- detections in several files ---------------------------------------------------------------------------

def found_in_parts(count: int, seed: int = 0) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Annotations and results of random boxes, with ties of scores across images."""
    rng = np.random.default_rng(seed)
    images = [{"id": 3 * k + 1, "file_name": f"photos/{k}.jpg"} for k in range(count)]
    objects, found = [], []
    for image in images:
        for _ in range(rng.integers(0, 5)):
            box = [float(value) for value in rng.uniform(20, 90, 4).round(2)]
            objects.append({"image_id": image["id"], "category_id": int(rng.choice([5, 7])), "bbox": box})
            for _ in range(rng.integers(0, 3)):
                moved = [float(value) for value in np.array(box) + rng.uniform(0, 3, 4)]
                score = float(rng.integers(1, 9) / 9)
                kind = int(rng.choice([5, 7, objects[-1]["category_id"]]))
                found.append({"image_id": image["id"], "category_id": kind, "bbox": moved, "score": score})
    categories = [{"id": 5, "name": "cat"}, {"id": 7, "name": "dog"}]
    return {"images": images, "categories": categories, "annotations": objects}, found


def test_results_in_several_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """However they are divided, the numbers are those of one file, to the last bit."""
    truth, found = found_in_parts(12)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "whole.json").write_text(json.dumps(found))
    wanted = numbers([str(tmp_path / "truth.json"), str(tmp_path / "whole.json")], capsys)
    assert 0.1 < wanted["ap"] < 0.95
    order = np.random.default_rng(1).permutation(len(truth["images"]))
    owners = {image["id"]: int(order[k]) for k, image in enumerate(truth["images"])}
    (tmp_path / "parts").mkdir()
    files = [tmp_path / "parts" / f"{k}.json" for k in range(3)]
    for k, file in enumerate(files):
        file.write_text(json.dumps([one for one in found if owners[one["image_id"]] % 3 == k]))
    for rules in ("coco", "voc2010"):
        more = ["--rules", rules]
        wanted = numbers([str(tmp_path / "truth.json"), str(tmp_path / "whole.json"), *more], capsys)
        for results in ([str(file) for file in files], [str(tmp_path / "parts")], [str(file) for file in files[::-1]]):
            assert numbers([str(tmp_path / "truth.json"), *results, *more], capsys) == wanted
    assert main(["evaluate", str(tmp_path / "truth.json"), str(files[0]), str(files[0])]) == 0
    assert "images have detections in several files: all of them count" in capsys.readouterr().err
    report = tmp_path / "page"
    assert main(["evaluate", str(tmp_path / "truth.json"), *map(str, files), "--report", str(report)]) == 0
    assert "0.json and 2 more on truth.json" in (report / "report.html").read_text()


def test_results_in_shards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a detector wrote by ``write_shards`` has the numbers of accumulators that were merged, one a machine."""
    truth, found = found_in_parts(12, 1)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "whole.json").write_text(json.dumps(found))
    dataset = detutils.read_coco(tmp_path / "truth.json")
    records = dict(zip(
        (f"photos/{k}.jpg" for k in range(12)), detutils.read_coco_detections(tmp_path / "whole.json", dataset)
    ))  # fmt: skip

    def detect(path: Path) -> Any:
        if path.name == "no.jpg":
            raise ValueError("no picture")
        one = records[path.as_posix()]
        return {"boxes": one.boxes, "scores": one.scores, "labels": one.labels}

    for name, part in (("first", list(records)[:5]), ("second", [*list(records)[5:], "no.jpg"])):
        detutils.write_shards(detect, part, tmp_path / name, read=False, shard_size=4)
    folders = [str(tmp_path / "first"), str(tmp_path / "second")]
    printed = numbers([str(tmp_path / "truth.json"), *folders], capsys)
    found_records = list(records.values())
    bare = [(one.boxes, one.scores, one.labels) for one in found_records]
    first = detutils.CocoAccumulator().update(bare[:5], dataset.images[:5])
    second = detutils.CocoAccumulator().update(bare[5:], dataset.images[5:])
    result = first.merge(second).result()
    assert [printed[name] for name in result._fields[:12]] == result.stats.tolist()
    assert main(["evaluate", str(tmp_path / "truth.json"), *folders]) == 0
    assert "second: 1 images failed there, and have no detections" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"boxes": [], "scores": []}, "a.jpg: there are no labels"),
        ({"boxes": [[0, 0, 1, 1]], "scores": [], "labels": [0]}, "scores must have"),
        ({"boxes": [[0, 0, 1, 1]], "scores": [1.0], "labels": [3]}, "labels must be 0 to 2, the places of the classes"),
        ({"boxes": [[9, 0, 1, 1]], "scores": [1.0], "labels": [0]}, "boxes"),
        ({"boxes": "text", "scores": [1.0], "labels": [0]}, "text"),
        ({"boxes": [[0, 0, 1, 1]], "scores": [1.0], "labels": [0]}, "unknown image 'c.jpg'"),
    ],
)
def test_shards_that_are_no_detections(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], value: Any, text: str
) -> None:
    name = "c.jpg" if "unknown" in text else "a.jpg"
    folder = tmp_path / "shards"
    detutils.write_shards(lambda path: value, [name], folder, read=False)
    assert main(["evaluate", files[0], str(folder)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("detutils evaluate: error: ")
    assert text in captured.err
    assert captured.err.count("\n") == 1
    assert main(["evaluate", files[0], str(folder), files[1], "--on-invalid", "drop"]) == 0
    assert "shards: 1 skipped, the first" in capsys.readouterr().err


def test_folders_without_results(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "none").mkdir()
    assert main(["evaluate", files[0], str(tmp_path / "none")]) == 2
    assert "none holds no results: neither files of COCO's JSON, nor shards" in capsys.readouterr().err
    (tmp_path / "none" / "manifest.json").write_text("{}")
    assert main(["evaluate", files[0], str(tmp_path / "none")]) == 2
    assert "manifest.json is no manifest of shards" in capsys.readouterr().err
