"""``detutils train`` and ``detutils detect``: a data set in a folder, a model, pictures, wrong turns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.cli import main
from detutils.cli.rcnn import folder_of_images, read_annotations
from detutils.datasets.assembly import choose_classes
from tests.cases import JIT


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("scenes")
    detutils.write_scenes(detutils.make_scenes(8, seed=1, image_size=(64, 80)), place)
    return place


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few windows and features instead of a minute of Selective Search."""

    def propose(image: Any) -> np.ndarray:
        corner = np.array([(x, y) for y in range(0, 40, 8) for x in range(0, 56, 8)], float)
        return np.hstack([corner, corner + 28.0])

    def describe(image: Any, boxes: np.ndarray) -> np.ndarray:
        return detutils.box_features(image, boxes, size=8, cell=4)

    for module in ("model", "training"):
        monkeypatch.setattr(f"detutils.rcnn.{module}.propose", propose)
        monkeypatch.setattr(f"detutils.rcnn.{module}.describe", describe)


def test_train_judge_and_detect(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model.npz"
    command = ["train", str(folder / "instances.json"), "-o", str(model), "--cache", str(tmp_path / "cache")]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "mAP on 2 images held out" in printed
    assert printed.count("\n") == 6
    assert main([*command, "--json", "--classes", "disk", "star", "--rounds", "0"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["images"], result["held_out"]) == (6, 2)
    assert [row["iou"] for row in result["mean_ap"]] == [0.5, 0.6, 0.7, 0.8]
    assert detutils.RCNN.load(model).class_names == ("disk", "star")
    assert main([*command, "--held-out", "0"]) == 0
    assert capsys.readouterr().out == ""

    image = str(folder / "scene_1_00000.png")
    drawn = tmp_path / "drawn"
    missing = str(tmp_path / "no.png")
    assert main(["detect", str(model), image, missing, "-o", str(drawn), "--threshold", "-1"]) == 1
    out, err = capsys.readouterr()
    assert "no.png" in err
    assert out.startswith(image)
    assert detutils.read_image(drawn / "scene_1_00000.png").shape == (64, 80, 3)
    assert main(["detect", str(model), str(folder), "--json", "--no-regression", "--threshold", "-0.9"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 8
    assert all(len(line["boxes"]) == len(line["scores"]) == len(line["labels"]) for line in lines)


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["nothing.json", "-o", "model.npz"], "nothing.json"),
        (["nothing", "-o", "model.npz"], "there is no nothing"),
        (["{folder}/scene_1_00000.png", "-o", "model.npz"], "of no known format"),
        (["{folder}/instances.json", "-o", "model.txt"], "must end in .npz"),
        (["{folder}/instances.json", "-o", "no/where/model.npz"], "there is no folder"),
        (["{folder}/instances.json", "-o", "model.npz", "--held-out", "1"], "--held-out"),
        (["{folder}/instances.json", "-o", "model.npz", "--classes", "cat"], "no class is called 'cat'; there"),
        (["{folder}/instances.json", "-o", "model.npz", "--images", "no"], "no folder"),
        (["{folder}/instances.json", "-o", "model.npz", "--alpha", "0"], "alpha"),
        (["{folder}/instances.json", "-o", "model.npz", "--memory", "inf"], "--memory must be above 0"),
        (["{folder}/instances.json", "-o", "model.npz", "--memory", "nan"], "--memory must be above 0"),
    ],
)
def test_wrong_usage(
    arguments: list[str], pattern: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["train", *(text.format(folder=folder) for text in arguments)]) == 2
    assert pattern in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_drawings_replace_neither_photographs_nor_each_other(tmp_path: Path) -> None:
    detutils.RCNN(["a"], np.zeros((detutils.box_features(np.zeros((8, 8)), [], size=8, cell=4).shape[1] + 1, 1))).save(
        tmp_path / "model.npz"
    )
    photos = tmp_path / "photos"
    (photos / "more").mkdir(parents=True)
    image = np.full((64, 80, 3), 50, np.uint8)
    for place in (photos / "a.png", photos / "a.jpg", photos / "more" / "a.png"):
        detutils.write_image(place, image)
    before = (photos / "a.png").read_bytes()
    assert main(["detect", str(tmp_path / "model.npz"), str(photos), str(photos / "more"), "-o", str(photos)]) == 0
    assert (photos / "a.png").read_bytes() == before
    names = sorted(path.name for path in photos.iterdir())
    assert names == ["a.jpg", "a.png", "a_2.png", "a_3.png", "a_4.png", "more"]


def test_detect_wants_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.npz").write_text("no model")
    for name in ("model.npz", "missing.npz"):
        assert main(["detect", str(tmp_path / name), "a.png"]) == 2
        assert name in capsys.readouterr().err


def test_classes_are_renumbered() -> None:
    dataset = detutils.make_scenes(6, seed=3, image_size=(64, 80)).dataset
    some = choose_classes(dataset, ["star", "disk"])
    assert some.class_names == ("star", "disk")
    assert some.class_ids == (5, 1)
    for before, after in zip(dataset.images, some.images, strict=True):
        keep = np.isin(before.labels, (4, 0))
        np.testing.assert_array_equal(after.boxes, before.boxes[keep])
        np.testing.assert_array_equal(after.labels, np.where(before.labels[keep] == 4, 0, 1))
        assert len(after.crowd) == len(after.areas) == keep.sum()


def test_images_are_found_where_they_usually_lie(folder: Path, tmp_path: Path) -> None:
    dataset = read_annotations(folder / "instances.json")
    assert folder_of_images(folder / "instances.json", dataset) == folder
    (tmp_path / "annotations").mkdir()
    (tmp_path / "images").mkdir()
    moved = tmp_path / "annotations" / "instances.json"
    moved.write_bytes((folder / "instances.json").read_bytes())
    with pytest.raises(OSError, match="say where with --images"):
        folder_of_images(moved, dataset)
    name = dataset.images[0].name
    (tmp_path / "images" / name).write_bytes((folder / name).read_bytes())
    assert folder_of_images(moved, dataset) == tmp_path / "images"
    with pytest.raises(ValueError, match="no images"):
        folder_of_images(moved, dataset._replace(images=[]))


def test_images_without_extension_are_found(tmp_path: Path) -> None:
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "JPEGImages").mkdir()
    side = "<xmin>11</xmin><ymin>21</ymin><xmax>30</xmax><ymax>40</ymax>"
    thing = f"<object><name>crate</name><bndbox>{side}</bndbox></object>"
    for name in ("a", "b", "c"):
        (tmp_path / "Annotations" / f"{name}.xml").write_text(
            f"<annotation><filename>{name}</filename>{thing * 2}</annotation>"
        )
        detutils.write_image(tmp_path / "JPEGImages" / f"{name}.jpg", np.zeros((64, 80, 3), np.uint8))
    dataset = read_annotations(tmp_path)
    assert folder_of_images(tmp_path, dataset) == tmp_path / "JPEGImages"
    assert main(["train", str(tmp_path), "-o", str(tmp_path / "model.npz"), "--rounds", "0"]) == 0
    (tmp_path / "JPEGImages" / "a.png").write_bytes((tmp_path / "JPEGImages" / "a.jpg").read_bytes())
    with pytest.raises(FileNotFoundError, match=r"a is in none of .*a\.jpg, .*a\.png, and nothing says which"):
        folder_of_images(tmp_path, dataset)


@pytest.mark.skipif(not JIT, reason="Selective Search takes minutes as plain Python")
def test_a_folder_in_the_layout_of_voc(tmp_path: Path) -> None:
    scenes = detutils.make_scenes(3, seed=2, image_size=(64, 80))
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "JPEGImages").mkdir()
    for image, record in zip(scenes.images, scenes.dataset.images, strict=True):
        detutils.write_image(tmp_path / "JPEGImages" / record.name, image)
        objects = "".join(
            f"<object><name>{scenes.dataset.class_names[label]}</name><bndbox><xmin>{x1 + 1:.0f}</xmin>"
            f"<ymin>{y1 + 1:.0f}</ymin><xmax>{x2:.0f}</xmax><ymax>{y2:.0f}</ymax></bndbox></object>"
            for (x1, y1, x2, y2), label in zip(record.boxes, record.labels, strict=True)
        )
        size = "<size><width>80</width><height>64</height><depth>3</depth></size>"
        text = f"<annotation><filename>{record.name}</filename>{size}{objects}</annotation>"
        (tmp_path / "Annotations" / f"{Path(record.name).stem}.xml").write_text(text)
    assert main(["train", str(tmp_path), "-o", str(tmp_path / "model.npz"), "--held-out", "0"]) == 0
    assert set(detutils.RCNN.load(tmp_path / "model.npz").class_names) <= set(scenes.dataset.class_names)
