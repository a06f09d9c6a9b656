"""``read_dataset`` tells the format; what is written is read back, or its loss is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import detutils
from detutils.datasets.guess import READERS
from tests.cases import write
from tests.datasets.damaged import COCO, CVAT, DOTA, LABELME, VOC, YOLO


def test_every_format_is_told(tmp_path: Path) -> None:
    files = {"voc": ("a.xml", VOC), "cvat": ("t.xml", CVAT), "labelme": ("a.json", LABELME), "coco": ("i.json", COCO),
             "yolo": ("a.txt", YOLO), "dota": ("a.txt", DOTA)}  # fmt: skip
    assert files.keys() == READERS.keys()
    for kind, (name, content) in files.items():
        folder = tmp_path / kind / "below"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
        (folder / "README.txt").write_text("a note\n")
        (folder / f"._{name}").write_bytes(b"\0\5\x16\7")
        Image.new("RGB", (64, 48)).save(folder / "a.jpg")
        assert detutils.dataset_format(tmp_path / kind) == kind
        dataset = detutils.read_dataset(tmp_path / kind)
        assert len(dataset.images[0].boxes) >= 1
        size = None if kind == "dota" else (48, 64)  # whose files do not say it
        assert detutils.read_dataset(tmp_path / kind / "below", format=None).images[0].image_size == size
        if kind != "yolo":
            assert detutils.dataset_format(folder / name) == kind
            assert detutils.read_dataset(folder / name).class_names == ("cat",)
    (tmp_path / "yolo" / "data.yaml").write_text("names: [cat]\ntrain: below\n")
    assert (
        detutils.dataset_format(tmp_path / "yolo") == detutils.dataset_format(tmp_path / "yolo" / "data.yaml") == "yolo"
    )
    chosen = detutils.read_dataset(tmp_path / "voc", classes=["cat"], on_invalid="drop", pixels="continuous")
    np.testing.assert_array_equal(chosen.images[0].boxes, [[1, 2, 30, 40]])
    with pytest.raises(TypeError, match="pixels"):
        detutils.read_dataset(tmp_path / "labelme", pixels="continuous")


def test_formats_that_cannot_be_told(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"holds no files of a known format \(coco, voc, yolo, labelme, cvat, dota\): neither"
    ):
        detutils.dataset_format(tmp_path)
    write(tmp_path / "a.xml", VOC.decode())
    write(tmp_path / "b.json", LABELME.decode())
    with pytest.raises(
        ValueError, match=r"several formats, voc \(.*a\.xml\), labelme \(.*b\.json\): format= says which"
    ):
        detutils.read_dataset(tmp_path)
    assert len(detutils.read_dataset(tmp_path, format="voc").images) == 1
    (tmp_path / "coco").mkdir()
    for name in ("train", "val"):
        write(tmp_path / "coco" / f"{name}.json", COCO.decode())
    with pytest.raises(ValueError, match=r"several COCO files, .*train\.json, .*val\.json: name one of them"):
        detutils.dataset_format(tmp_path / "coco")
    with pytest.raises(ValueError, match=r"c\.png: is of no known format"):
        detutils.dataset_format(write(tmp_path / "c.png", "x"))


# ---- writers -----------------------------------------------------------------------------------------------

NAMES = ("cat", "big dog", '<&> "箱"')


def scenes(seed: int, *, step: float = 0.25, outlines: bool = False) -> detutils.Dataset:
    """Images with and without objects; coordinates are multiples of ``step``, or any numbers where it is 0."""
    rng = np.random.default_rng(seed)
    images = []
    for index, name in enumerate(("a b.jpg", "sub/c.png", "sub/d", "z.w.jpg")):
        count = (3, 0, 2, 4)[index]
        size = tuple(rng.integers(20, 2000, 2).tolist())
        corners = np.sort(rng.uniform(0, 1, (count, 2, 2)), axis=1) * (size[1] - 2, size[0] - 2)
        corners[:, 1] += 2  # a box of less than a pixel is none by VOC's rule
        boxes = corners.reshape(-1, 4)
        boxes = np.round(boxes / step) * step if step else boxes
        flags = rng.random((2, count)) < 0.5
        polygons = [[[x1, y1, x2, y1, x2, y2]] for x1, y1, x2, y2 in boxes.tolist()]
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        images.append(detutils.AnnotatedImage(
            name, size, boxes, rng.integers(0, 3, count), *flags, np.zeros(count, bool), areas, index,
            outlines=polygons if outlines and count else None,
        ))  # fmt: skip
    return detutils.Dataset(images, NAMES, (0, 1, 2))


def assert_same(a: detutils.Dataset, b: detutils.Dataset, *, flags: bool = True, exactly: bool = True) -> None:
    assert (a.class_names, a.class_ids, len(a.images)) == (b.class_names, b.class_ids, len(b.images))
    for one, other in zip(a.images, b.images, strict=True):
        assert (one.name, one.image_size, one.image_id) == (other.name, other.image_size, other.image_id)
        np.testing.assert_array_equal(one.labels, other.labels)
        side = max(one.image_size or (0, 0))
        np.testing.assert_allclose(one.boxes, other.boxes, rtol=0, atol=0 if exactly else 4e-16 * side)
        np.testing.assert_allclose(one.areas, other.areas)
        if flags:
            np.testing.assert_array_equal(one.difficult, other.difficult)
            np.testing.assert_array_equal(one.truncated, other.truncated)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("pixels", ["inclusive", "continuous"])
def test_voc_is_read_as_it_was_written(seed: int, pixels: Any, tmp_path: Path) -> None:
    for number, (step, first) in enumerate([(0.25, None), (1.0, 0), (0, None)]):
        exactly = bool(step) or pixels == "continuous"
        data = scenes(seed, step=step)
        assert detutils.write_voc(tmp_path / str(number), data, pixels=pixels, first_pixel=first) == ()
        again = detutils.read_voc(
            tmp_path / str(number), image_set="all", class_names=NAMES, pixels=pixels, first_pixel=first
        )
        assert_same(data, again, exactly=exactly)


@pytest.mark.parametrize("seed", range(8))
def test_yolo_is_read_as_it_was_written(seed: int, tmp_path: Path) -> None:
    for number, (step, outlines) in enumerate([(0.25, False), (1.0, True), (0, False)]):
        data = scenes(seed, step=step, outlines=outlines)
        lost = detutils.write_yolo(tmp_path / str(number), data, outlines=outlines)
        assert {loss.split(" x ")[1] for loss in lost} <= {"difficult", "truncated"} | (
            {"an area that is not the box's"} if outlines else set()
        )
        sizes = {image.name: image.image_size for image in data.images}
        again = detutils.read_yolo(tmp_path / str(number) / "labels", sizes)
        assert_same(data, again, flags=False, exactly=False)
        detutils.write_yolo(tmp_path / f"again {number}", again, outlines=outlines)
        assert_same(again, detutils.read_yolo(tmp_path / f"again {number}" / "labels", sizes), exactly=False)
        if outlines:
            for one, other in zip(data.images, again.images, strict=True):
                for ours, theirs in zip(one.outlines or (), other.outlines or (), strict=True):
                    np.testing.assert_allclose(ours, theirs)


def test_losses_are_said(tmp_path: Path) -> None:
    data = scenes(1, outlines=True)
    image = data.images[0]
    crowd = image._replace(crowd=np.ones(3, bool), areas=image.areas / 2, image_id=17, difficult=np.ones(3, bool))
    data = data._replace(images=[*reversed(data.images[1:]), crowd], class_ids=(3, 4, 9))
    lost = detutils.write_voc(tmp_path / "voc", data)
    assert lost == (
        "3 x crowd",
        "3 x an area that is not the box's",
        "9 x outline",
        "the ids of 4 images",
        "the ids of 3 classes",
    )
    assert "the order of 4 images, which are read by name" in detutils.write_yolo(tmp_path / "yolo", data)
    far = np.array([[-30.0, 2, 10, 8], [500_000, 2, 500_010, 8], [-5, -5, 5, 5]])
    lost = detutils.write_yolo(tmp_path / "far", data._replace(images=[image._replace(boxes=far)]))
    assert lost[-2:] == ("1 x the part of a box outside the image", "1 x a box outside the image")
    again = detutils.read_yolo(tmp_path / "far" / "labels", {image.name: image.image_size})
    np.testing.assert_allclose(again.images[0].boxes, [[0, 2, 10, 8], [-5, -5, 5, 5]], atol=1e-9)


@pytest.mark.parametrize(
    "name", ["", " a.jpg", "a\n.jpg", "../a.jpg", "/a.jpg", ".a.jpg", "x/.y/a.jpg", "a\\b.jpg", "a\0", "x//a"]
)
def test_names_that_no_file_can_have(name: str, tmp_path: Path) -> None:
    data = scenes(2)
    data = data._replace(images=[data.images[0]._replace(name=name)])
    for write_folder in (detutils.write_voc, detutils.write_yolo):
        with pytest.raises(ValueError, match=r"dataset\.images\[0\]\.name must be"):
            write_folder(tmp_path / "new", data)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    data = scenes(3)
    image = data.images[0]
    wrong: list[tuple[Any, Any, str]] = [
        (detutils.write_voc, data._replace(class_names=("a", "a", "b")), "two classes have one name"),
        (detutils.write_voc, data._replace(class_names=("a", "b\n", "c")), r"class_names\[1\] must be a name"),
        (detutils.write_voc, data._replace(images=[image, image._replace(name="a b.png")]), "would share a file: a b"),
        (
            detutils.write_voc,
            data._replace(images=[image._replace(boxes=image.boxes * 0.0)]),
            "narrower than the pixel",
        ),
        (
            detutils.write_voc,
            data._replace(images=[image._replace(labels=np.array([0, 1, 3]))]),
            r"label outside 0\.\.2",
        ),
        (detutils.write_voc, data._replace(images=[image._replace(difficult=np.zeros(1))]), "as many flags"),
        (
            detutils.write_yolo,
            data._replace(images=[image._replace(image_size=None)]),
            r"'a b\.jpg'\) has no image_size",
        ),
        (detutils.write_yolo, data._replace(images=[image._replace(image_size=(1.5, 2))]), "must be whole numbers"),
        (
            detutils.write_yolo,
            data._replace(images=[image._replace(boxes=image.boxes[:, :3])]),
            r"must have shape \(N, 4\)",
        ),
    ]
    for write_folder, broken, pattern in wrong:
        with pytest.raises(ValueError, match=pattern):
            write_folder(tmp_path / "new", broken)
    for write_folder in (detutils.write_voc, detutils.write_yolo):
        with pytest.raises(TypeError, match="dataset must be a Dataset"):
            write_folder(tmp_path / "new", [])
        with pytest.raises(TypeError, match=r"images\[0\] must be an AnnotatedImage"):
            write_folder(tmp_path / "new", data._replace(images=[3]))
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            write_folder(tmp_path / "no" / "where", data)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "full").mkdir()
    (tmp_path / "empty").mkdir()
    write(tmp_path / "full" / "x", "x")
    with pytest.raises(FileExistsError, match="full is there already, and not an empty folder"):
        detutils.write_yolo(tmp_path / "full", data)
    detutils.write_yolo(tmp_path / "empty", data)
    assert (tmp_path / "empty" / "classes.txt").read_text(encoding="utf-8").splitlines() == list(NAMES)


def test_a_disk_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, count = Path.write_text, iter(range(100))

    def failing(self: Path, *arguments: Any, **more: Any) -> int:
        if next(count) == 2:
            raise OSError(28, "No space left on device")
        return real(self, *arguments, **more)

    monkeypatch.setattr(Path, "write_text", failing)
    with pytest.raises(OSError, match="new cannot be written: No space left"):
        detutils.write_yolo(tmp_path / "new", scenes(4))
    assert list(tmp_path.iterdir()) == []


def test_the_written_data_yaml_is_read(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    data = scenes(5)
    detutils.write_yolo(tmp_path / "set", data)
    for image in data.images:
        assert image.image_size is not None
        place = tmp_path / "set" / "images" / image.name
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", image.image_size[::-1]).save(place if place.suffix else place.with_suffix(".png"), format="PNG")
    again = detutils.read_dataset(tmp_path / "set")
    assert again.class_names == NAMES
    assert [len(image.boxes) for image in again.images] == [3, 0, 2, 4]


# ---- the command -------------------------------------------------------------------------------------------


def test_convert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from detutils.cli import main

    (tmp_path / "voc").mkdir()
    backwards = VOC.replace(b"<xmin>1<", b"<xmin>31<").replace(b"cat", b"dog")
    (tmp_path / "voc" / "a.xml").write_bytes(VOC)
    (tmp_path / "voc" / "b.xml").write_bytes(backwards.replace(b"a.jpg", b"b.jpg").replace(b"<width>64", b"<width>0"))
    source, target = str(tmp_path / "voc"), tmp_path / "yolo"
    assert main(["convert", source, "-o", str(target), "--to", "yolo"]) == 2
    assert "1 x box that ends before it begins; on_invalid='drop' leaves them out" in capsys.readouterr().err
    assert main(["convert", source, "-o", str(target), "--to", "yolo", "--on-invalid", "drop"]) == 2
    assert "('b.jpg') has no image_size" in capsys.readouterr().err
    assert not target.exists()
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (100, 80)).save(tmp_path / "photos" / "b.jpg")
    command = [
        "convert",
        source,
        "-o",
        str(target),
        "--to",
        "yolo",
        "--on-invalid",
        "drop",
        "--images",
        str(tmp_path / "photos"),
    ]
    assert main([*command, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"from": "voc", "to": "yolo", "images": 2, "objects": 1, "classes": 1, "skipped": 1,
                               "lost": [], "output": str(target)}  # fmt: skip
    assert "left out 1; the first: " in err
    assert (target / "labels" / "b.txt").read_text() == ""
    assert main(["convert", source, "-o", str(tmp_path / "again"), "--to", "voc", "--on-invalid", "drop", "--pixels",
                 "continuous", "--classes", "cat"]) == 0  # fmt: skip
    assert "voc -> voc: 2 images, 1 objects, 1 classes, 1 skipped" in capsys.readouterr().out
    assert main(["convert", source, "-o", str(tmp_path / "c.json"), "--to", "coco", "--on-invalid", "drop"]) == 0
    assert len(detutils.read_coco(tmp_path / "c.json").images) == 2
    assert main(["convert", str(tmp_path / "c.json"), "-o", str(tmp_path / "back"), "--to", "voc"]) == 0
    assert "coco -> voc: 2 images, 1 objects, 1 classes, 0 skipped" in capsys.readouterr().out
    again = detutils.read_voc(tmp_path / "again", pixels="continuous")
    np.testing.assert_array_equal(again.images[0].boxes, [[1, 2, 30, 40]])
