"""``detutils evaluate``: the numbers of the library, from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
