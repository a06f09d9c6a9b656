"""Readers and writers: what they give, and how they name what is wrong."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.datasets.markup import read_xml


def coco(**changes: Any) -> dict[str, Any]:
    """A small valid COCO file: two images out of order, ids with holes."""
    content = {
        "images": [
            {"id": 9, "file_name": "b.jpg", "width": 640, "height": 480},
            {"id": 4, "file_name": "a.jpg"},
        ],
        "categories": [{"id": 90, "name": "zebra"}, {"id": 3, "name": "car"}],
        "annotations": [
            {"image_id": 9, "category_id": 3, "bbox": [10, 20, 30.5, 40], "area": 700.25, "iscrowd": 0},
            {"image_id": 9, "category_id": 90, "bbox": [0, 0, 640, 480], "area": 5.0, "iscrowd": 1},
            {"image_id": 9, "category_id": 90, "bbox": [1, 2, 0, 4]},
        ],
    }
    return {**content, **changes}


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


# ---- COCO --------------------------------------------------------------------------------------------------

def test_coco(tmp_path: Path) -> None:
    dataset = detutils.read_coco(write(tmp_path / "a.json", coco()))
    assert dataset.class_names == ("car", "zebra")
    assert dataset.class_ids == (3, 90)
    a, b = dataset.images
    assert (a.name, a.image_size, a.image_id) == ("a.jpg", None, 4)
    assert (a.boxes.shape, a.labels.shape, a.areas.shape) == ((0, 4), (0,), (0,))
    assert (b.name, b.image_size, b.image_id) == ("b.jpg", (480, 640), 9)
    np.testing.assert_array_equal(b.boxes, [[10, 20, 40.5, 60], [0, 0, 640, 480], [1, 2, 1, 6]])
    assert b.labels.tolist() == [0, 1, 1]
    assert b.crowd.tolist() == [False, True, False]
    assert b.areas.tolist() == [700.25, 5.0, 0.0]
    assert not b.difficult.any()
    assert not b.truncated.any()
    assert (b.boxes.dtype, b.labels.dtype, b.crowd.dtype) == (np.float64, np.int64, np.bool_)


def test_coco_with_nothing_in_it_and_with_a_byte_order_mark(tmp_path: Path) -> None:
    nothing = write(tmp_path / "a.json", {"images": [], "annotations": [], "categories": []})
    assert detutils.read_coco(str(nothing)) == detutils.Dataset([], (), ())
    marked = tmp_path / "b.json"
    marked.write_bytes(b"\xef\xbb\xbf" + json.dumps(coco()).encode())
    assert len(detutils.read_coco(marked).images) == 2
    names = coco(images=[{"id": "x", "file_name": "b"}, {"id": "a", "file_name": "a"}], annotations=[])
    written = detutils.read_coco(write(tmp_path / "c.json", names))
    assert [image.image_id for image in written.images] == ["a", "x"]


def annotation(**changes: Any) -> dict[str, Any]:
    good = {"image_id": 9, "category_id": 3, "bbox": [1, 2, 3, 4]}
    entry = {key: value for key, value in {**good, **changes}.items() if value is not ...}
    return coco(annotations=[good, entry])


def picture(**changes: Any) -> dict[str, Any]:
    good = {"id": 9, "file_name": "b.jpg", "width": 640, "height": 480}
    entry = {key: value for key, value in {**good, "id": 1, **changes}.items() if value is not ...}
    return coco(images=[good, entry], annotations=[])


BROKEN_COCO = {
    "empty": ("", "the file is empty"),
    "blanks": (" \n", "the file is empty"),
    "truncated": ('{"images": [\n{"id": 1,', "line 2, column 10"),
    "deep": ("[" * 100_000, "nested too deeply|line 1"),
    "a long integer": ('{"images": ' + "9" * 5000 + "}", "digits"),
    "results": ([], "must hold images, annotations and categories, got a list"),
    "no annotations": ({"images": [], "categories": []}, "has no 'annotations'"),
    "images no list": (coco(images={}), "images: must be a list, got an object"),
    "entry no object": (coco(annotations=[3]), r"annotations\[0\]: must be an object, got a number"),
    "null entry": (coco(categories=[None]), r"categories\[0\]: must be an object, got null"),
    "no image_id": (annotation(image_id=...), r"annotations\[1\]: has no 'image_id'"),
    "unknown image": (annotation(image_id=10), r"annotations\[1\]: unknown image_id 10"),
    "boolean image": (annotation(image_id=True), r"annotations\[1\]: unknown image_id True"),
    "list for an id": (annotation(image_id=[9]), r"annotations\[1\]: unknown image_id \[9\]"),
    "unknown category": (annotation(category_id=4), r"annotations\[1\]: unknown category_id 4"),
    "no bbox": (annotation(bbox=...), r"annotations\[1\]: has no 'bbox'"),
    "short bbox": (annotation(bbox=[1, 2, 3]), r"annotations\[1\]: bbox must be four numbers"),
    "bbox of strings": (annotation(bbox=["1", 2, 3, 4]), r"annotations\[1\]: bbox must be four numbers"),
    "bbox of booleans": (annotation(bbox=[True, 2, 3, 4]), r"annotations\[1\]: bbox must be four numbers"),
    "NaN": (annotation(bbox=[math.nan, 2, 3, 4]), r"annotations\[1\]: bbox is not finite"),
    "infinite": (annotation(bbox=[1, 2, math.inf, 4]), r"annotations\[1\]: bbox is not finite"),
    "huge": (annotation(bbox=[1, 2, 10**200, 4]), r"annotations\[1\]: bbox is not finite, or beyond"),
    "negative width": (annotation(bbox=[1, 2, -3, 4]), r"annotations\[1\]: bbox has a negative width"),
    "negative area": (annotation(area=-1), r"annotations\[1\]: area must be a finite number of at least 0"),
    "area of text": (annotation(area="7"), r"annotations\[1\]: area must be a finite number"),
    "crowd 2": (annotation(iscrowd=2), r"annotations\[1\]: iscrowd must be 0 or 1, got 2"),
    "crowd list": (annotation(iscrowd=[]), r"annotations\[1\]: iscrowd must be 0 or 1"),
    "category without id": (coco(categories=[{"name": "x"}]), r"categories\[0\]: has no 'id'"),
    "category id of text": (coco(categories=[{"id": "3", "name": "x"}]), r"categories\[0\]: id must be"),
    "category without text": (coco(categories=[{"id": 3, "name": 7}]), r"categories\[0\]: name must be"),
    "category twice": (
        coco(categories=[{"id": 3, "name": "x"}, {"id": 3, "name": "y"}]),
        r"categories\[1\]: id 3 is taken",
    ),
    "image twice": (picture(id=9), r"images\[1\]: id 9 is taken by another image"),
    "image ids of two kinds": (picture(id="x"), r"images\[1\]: id 'x' is not of the kind"),
    "image id of no kind": (picture(id=1.5), r"images\[1\]: id must be an integer or a string"),
    "image without name": (picture(file_name=...), r"images\[1\]: has no 'file_name'"),
    "image name a number": (picture(file_name=3), r"images\[1\]: file_name must be a string"),
    "image without width": (picture(width=...), r"images\[1\]: has no 'width'"),
    "image of height 0": (picture(height=0), r"images\[1\]: height and width must be positive integers"),
}


@pytest.mark.parametrize("name", BROKEN_COCO)
def test_broken_coco(name: str, tmp_path: Path) -> None:
    content, pattern = BROKEN_COCO[name]
    path = write(tmp_path / "broken.json", content)
    with pytest.raises(ValueError, match=rf"broken\.json: .*({pattern})"):
        detutils.read_coco(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    binary = tmp_path / "binary.json"
    binary.write_bytes(b'{"a":\n "\xff\xfe"}')
    with pytest.raises(ValueError, match=r"binary\.json: line 2: not UTF-8 text \(byte 8\)"):
        detutils.read_coco(binary)
    for read in (detutils.read_coco, detutils.read_voc):
        with pytest.raises(FileNotFoundError, match="missing"):
            read(tmp_path / "missing")
        with pytest.raises(TypeError, match="path must be a str or a path"):
            read(3)
        with pytest.raises(ValueError, match="not a file name"):
            read("a\0b")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        detutils.read_coco(tmp_path)
    with pytest.raises(FileNotFoundError, match="missing"):
        detutils.read_yolo(tmp_path / "missing", {})


# ---- COCO results ------------------------------------------------------------------------------------------

def test_detections_come_back(tmp_path: Path) -> None:
    dataset = detutils.read_coco(write(tmp_path / "a.json", coco()))
    rng = np.random.default_rng(0)
    corner = rng.integers(0, 500, (7, 2)) / 4
    found = [
        detutils.Detections(np.empty((0, 4)), np.empty(0), np.empty(0, np.int64)),
        detutils.Detections(np.hstack([corner, corner + 8]), rng.random(7), rng.integers(0, 2, 7)),
    ]
    path = tmp_path / "found.json"
    detutils.write_coco_detections(path, found, dataset)
    for before, after in zip(found, detutils.read_coco_detections(path, dataset), strict=True):
        for a, b in zip(before[:3], after[:3], strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
        np.testing.assert_array_equal(after.sizes, np.full((len(after.boxes), 2), 8.0))
    entries = json.loads(path.read_text())
    assert {entry["category_id"] for entry in entries} <= {3, 90}
    assert [entry["image_id"] for entry in entries] == [9] * 7
    assert list(tmp_path.glob("*.part")) == []
    assert all(image.boxes.shape == (0, 4) for image in detutils.read_coco_detections(
        write(tmp_path / "none.json", []), dataset))  # fmt: skip


def test_sizes_survive_to_the_last_digit(tmp_path: Path) -> None:
    dataset = detutils.read_coco(write(tmp_path / "a.json", coco()))
    entries = [{"image_id": 9, "category_id": 3, "bbox": [10.3, 20.1, 0.7, 33.4], "score": 0.5}]
    first = detutils.read_coco_detections(write(tmp_path / "in.json", entries), dataset)
    assert first[1].boxes[0, 2] - first[1].boxes[0, 0] != 0.7
    assert first[1].sizes.tolist() == [[0.7, 33.4]]
    detutils.write_coco_detections(tmp_path / "out.json", first, dataset)
    assert json.loads((tmp_path / "out.json").read_text()) == entries
    moved = first[1]._replace(boxes=first[1].boxes + [0, 0, 1, 0])
    with pytest.raises(ValueError, match=r"detections\[1\] sizes\[0\] is \[ 0.7 33.4\], but its box is"):
        detutils.write_coco_detections(tmp_path / "out.json", [first[0], moved], dataset)
    with pytest.raises(ValueError, match=r"detections\[1\] sizes\[0\]"):
        detutils.evaluate_coco([first[0], moved], dataset)


def result(**changes: Any) -> list[dict[str, Any]]:
    good = {"image_id": 9, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.5}
    return [good, {key: value for key, value in {**good, **changes}.items() if value is not ...}]


@pytest.mark.parametrize(
    ("content", "pattern"),
    [
        ({}, "results are a list of detections, got an object"),
        ([7], r"entry \[0\]: must be an object, got a number"),
        (result(image_id=1), r"entry \[1\]: unknown image_id 1"),
        (result(category_id=4), r"entry \[1\]: unknown category_id 4"),
        (result(bbox=[1, 2, 3, -4]), r"entry \[1\]: bbox has a negative width or height"),
        (result(score=...), r"entry \[1\]: has no 'score'"),
        (result(score="0.5"), r"entry \[1\]: score must be a finite number"),
        (result(score=math.nan), r"entry \[1\]: score must be a finite number"),
        ("[{]", "line 1, column 3"),
    ],
)
def test_broken_results(content: Any, pattern: str, tmp_path: Path) -> None:
    dataset = detutils.read_coco(write(tmp_path / "a.json", coco()))
    with pytest.raises(ValueError, match=rf"broken\.json: .*{pattern}"):
        detutils.read_coco_detections(write(tmp_path / "broken.json", content), dataset)


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    dataset = detutils.read_coco(write(tmp_path / "a.json", coco()))
    empty: tuple[list[Any], ...] = ([], [], [])
    path = tmp_path / "found.json"
    with pytest.raises(ValueError, match="detections has 1 entries and dataset 2 images"):
        detutils.write_coco_detections(path, [empty], dataset)
    with pytest.raises(ValueError, match=r"detections\[1\] labels\[0\] is 2, but there are 2 classes"):
        detutils.write_coco_detections(path, [empty, ([[0, 0, 1, 1]], [0.5], [2])], dataset)
    with pytest.raises(ValueError, match=r"detections\[1\] scores\[0\] is not finite"):
        detutils.write_coco_detections(path, [empty, ([[0, 0, 1, 1]], [np.inf], [0])], dataset)
    with pytest.raises(TypeError, match=r"detections\[1\] must be boxes, scores and labels, got dict"):
        detutils.write_coco_detections(path, [empty, {}], dataset)
    with pytest.raises(TypeError, match="dataset must be a Dataset, got list"):
        detutils.write_coco_detections(path, [], [])
    with pytest.raises(TypeError, match="dataset must be a Dataset, got str"):
        detutils.read_coco_detections(path, "a.json")
    with pytest.raises(OSError, match="missing"):
        detutils.write_coco_detections(tmp_path / "missing" / "found.json", [empty, empty], dataset)
    assert not path.exists()


# ---- VOC ---------------------------------------------------------------------------------------------------

THING = (
    "<object><name>dog</name><truncated>1</truncated><difficult>0</difficult>"
    "<bndbox><xmin>48</xmin><ymin>240</ymin><xmax>195</xmax><ymax>371</ymax></bndbox></object>"
)


def voc(*things: str, head: str = "<filename>p.jpg</filename>") -> str:
    size = "<size><width>353</width><height>500</height><depth>3</depth></size>"
    return "<annotation>\n" + head + size + "\n" + "\n".join(things) + "\n</annotation>"


def test_voc(tmp_path: Path) -> None:
    part = "<xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax>"
    cat = (
        "<object><name> cat </name><pose>Left</pose><difficult>1</difficult>"
        f"<part><name>head</name><bndbox>{part}</bndbox></part>"
        "<bndbox><ymax>10.5</ymax><xmax>9</xmax><ymin>2</ymin><xmin>1</xmin></bndbox></object>"
    )
    folder = tmp_path / "Annotations"
    folder.mkdir()
    write(folder / "1.xml", voc(THING, cat))
    write(folder / "0.xml", voc(head=""))
    (folder / "notes.txt").write_text("not an annotation")
    for source in (tmp_path, folder):
        dataset = detutils.read_voc(source)
        assert dataset.class_names == ("cat", "dog")
        empty, image = dataset.images
        assert (empty.name, empty.image_size, empty.image_id) == ("0", (500, 353), 0)
        assert empty.boxes.shape == (0, 4)
        assert (image.name, image.image_size, image.image_id) == ("p.jpg", (500, 353), 1)
        np.testing.assert_array_equal(image.boxes, [[47, 239, 195, 371], [0, 1, 9, 10.5]])
        assert image.labels.tolist() == [1, 0]
        assert image.difficult.tolist() == [False, True]
        assert image.truncated.tolist() == [True, False]
        np.testing.assert_array_equal(image.areas, [148 * 132, 9 * 9.5])
    inclusive = detutils.read_voc(folder / "1.xml", offset=1).images[0]
    np.testing.assert_array_equal(inclusive.boxes, [[47, 239, 194, 370], [0, 1, 8, 9.5]])
    np.testing.assert_array_equal(inclusive.areas, image.areas)
    as_written = detutils.read_voc(folder / "1.xml", offset=1, first_pixel=0).images[0]
    np.testing.assert_array_equal(as_written.boxes[0], [48, 240, 195, 371])
    named = detutils.read_voc(folder, class_names=["dog", "horse", "cat"])
    assert named.class_names == ("dog", "horse", "cat")
    assert named.images[1].labels.tolist() == [0, 2]


def test_voc_image_sets(tmp_path: Path) -> None:
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    for name in "abc":
        write(tmp_path / "Annotations" / f"{name}.xml", voc(THING, head=f"<filename>{name}.png</filename>"))
    write(tmp_path / "ImageSets" / "Main" / "test.txt", "c -1\n\na 1\n")
    assert [i.name for i in detutils.read_voc(tmp_path, image_set="test").images] == ["c.png", "a.png"]
    assert [i.name for i in detutils.read_voc(tmp_path).images] == ["a.png", "b.png", "c.png"]
    write(tmp_path / "ImageSets" / "Main" / "more.txt", "a\nz\n")
    with pytest.raises(FileNotFoundError, match=r"z\.xml"):
        detutils.read_voc(tmp_path, image_set="more")
    with pytest.raises(FileNotFoundError, match=r"val\.txt"):
        detutils.read_voc(tmp_path, image_set="val")
    with pytest.raises(TypeError, match="image_set must be a str"):
        detutils.read_voc(tmp_path, image_set=3)


BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE annotation [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>\n'
    "<annotation><filename>&b;</filename></annotation>"
)
BROKEN_VOC = {
    "empty": ("", "the file is empty"),
    "truncated": (voc(THING)[:200], r"line 3, column \d+"),
    "no XML": ("dog 1 2 3 4", "line 1, column 1"),
    "bomb": (BOMB, "line 2: has a document type"),
    "outside entity": (
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>', "line 1: has a document type"
    ),
    "unknown entity": ("<annotation>&x;</annotation>", "line 1, column 13"),
    "another root": ("<html/>", "line 1: must begin with <annotation>, got <html>"),
    "empty name": (voc(head="<filename/>"), "line 2: <filename> is empty"),
    "two names": (voc(head="<filename>a</filename>" * 2), "line 2: <annotation> has a second <filename>"),
    "no height": ("<annotation><size><width>5</width></size></annotation>", "<size> has no <height>"),
    "height 0": (voc().replace("500", "0"), "line 2: <height> must be a positive integer, got '0'"),
    "half a pixel": (voc().replace("500", "500.5"), "<height> must be a positive integer"),
    "no box": (voc("<object><name>x</name></object>"), "line 3: <object> has no <bndbox>"),
    "no class": (voc(THING, THING.replace("<name>dog</name>", "")), "line 4: <object> has no <name>"),
    "no side": (voc(THING.replace("<xmin>48</xmin>", "")), "line 3: <bndbox> has no <xmin>"),
    "side of text": (voc(THING.replace(">48<", ">wide<")), "line 3: <xmin> must be a number, got 'wide'"),
    "empty side": (voc(THING.replace(">48<", "><")), "line 3: <xmin> is empty"),
    "underscore": (voc(THING.replace(">48<", ">4_8<")), "line 3: <xmin> must be a number, got '4_8'"),
    "NaN": (voc(THING.replace(">48<", ">nan<")), "line 3: <xmin> is not finite"),
    "infinite": (voc(THING.replace(">48<", ">1e999<")), "line 3: <xmin> is not finite"),
    "backwards": (voc(THING, THING.replace(">48<", ">196<")), "line 4: the box ends before it begins"),
    "flag": (voc(THING.replace("<difficult>0", "<difficult>maybe")), "line 3: <difficult> must be 0 or 1"),
}


@pytest.mark.parametrize("name", BROKEN_VOC)
def test_broken_voc(name: str, tmp_path: Path) -> None:
    content, pattern = BROKEN_VOC[name]
    path = write(tmp_path / "broken.xml", content)
    with pytest.raises(ValueError, match=rf"broken\.xml: .*{pattern}"):
        detutils.read_voc(path)


def test_voc_arguments(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", voc("", THING))
    with pytest.raises(ValueError, match=r"a\.xml: line 4: class 'dog' is not in class_names"):
        detutils.read_voc(tmp_path, class_names=["cat"])
    with pytest.raises(ValueError, match="first_pixel must be at most 1"):
        detutils.read_voc(tmp_path, first_pixel=2)
    with pytest.raises(ValueError, match="offset must be 0 or 1"):
        detutils.read_voc(tmp_path, offset=2)
    with pytest.raises(TypeError, match="class_names"):
        detutils.read_voc(tmp_path, class_names="dog")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match=r"empty: the folder holds no \.xml files"):
        detutils.read_voc(empty)


def test_depth_and_long_texts_cost_no_more_than_their_length(tmp_path: Path) -> None:
    deep = write(tmp_path / "deep.xml", "<a>" * 20_000 + "</a>" * 20_000)
    assert read_xml(deep).children[0].tag == "a"
    long = write(tmp_path / "long.xml", "<a>" + "x" * 2_000_000 + "<b/>" + "y" * 10 + "</a>")
    assert len(read_xml(long).text) == 2_000_010


# ---- YOLO --------------------------------------------------------------------------------------------------

def test_yolo(tmp_path: Path) -> None:
    labels, images = tmp_path / "labels", tmp_path / "images"
    labels.mkdir()
    images.mkdir()
    write(labels / "b.txt", "2 0.5 0.5 0.25 0.5\n\n0 0 0 1 1\n")
    write(labels / "empty.txt", "")
    write(labels / "classes.txt", "names, not boxes")
    for name in ("b.png", "empty.jpg", "none.jpg"):
        detutils.write_image(images / name, np.zeros((48, 64, 3), np.uint8))
    write(images / "notes.md", "no image")
    dataset = detutils.read_yolo(labels, images)
    assert [image.name for image in dataset.images] == ["b.png", "empty.jpg", "none.jpg"]
    assert dataset.class_names == ("0", "1", "2")
    image = dataset.images[0]
    assert image.image_size == (48, 64)
    np.testing.assert_array_equal(image.boxes, [[24, 12, 40, 36], [-32, -24, 32, 24]])
    np.testing.assert_array_equal(image.areas, [16 * 24, 64 * 48])
    assert image.labels.tolist() == [2, 0]
    assert all(other.boxes.shape == (0, 4) and other.labels.dtype == np.int64 for other in dataset.images[1:])
    sizes = {"b.png": (48, 64), "empty.png": np.array([10, 20])}
    by_size = detutils.read_yolo(str(labels), sizes, class_names=["cat", "dog", "cow"])
    assert by_size.class_names == ("cat", "dog", "cow")
    np.testing.assert_array_equal(by_size.images[0].boxes, image.boxes)


def test_yolo_turns_pictures_upright(tmp_path: Path) -> None:
    from PIL import Image

    picture = Image.new("L", (64, 48))
    turned = picture.getexif()
    turned[274] = 6
    (tmp_path / "images").mkdir()
    picture.save(tmp_path / "images" / "a.jpg", exif=turned)
    (tmp_path / "labels").mkdir()
    size = detutils.read_yolo(tmp_path / "labels", tmp_path / "images").images[0].image_size
    assert size == (64, 48) == detutils.read_image(tmp_path / "images" / "a.jpg").shape


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("0 0.5 0.5 0.1", "line 1: must hold class, cx, cy, width, height"),
        ("0 0.5 0.5 0.1 0.1 0.9", "line 1: must hold class"),
        ("0 0.1 0.1 0.1 0.1\n0.5 0.5 0.5 0.1 0.1", "line 2: class 0.5 is not an integer"),
        ("0 0.5 0.5 0.1 wide", "line 1: must hold five numbers"),
        ("0 0.5 0.5 0.1 1.5", r"line 1: cx, cy, width and height must be in \[0, 1\]"),
        ("0 0.5 0.5 0.1 nan", r"line 1: cx, cy, width and height must be in \[0, 1\]"),
        ("0 -0.5 0.5 0.1 0.1", r"line 1: cx, cy, width and height must be in \[0, 1\]"),
        ("-1 0.5 0.5 0.1 0.1", "line 1: class -1 is negative"),
        ("0 0.5 0.5 0.1 0_1", "line 1: must hold five numbers"),
        ("\u0663 0.5 0.5 0.1 0.1", "line 1: must hold five numbers"),
        ("nan 0.5 0.5 0.1 0.1", "line 1: class nan is not an integer"),
        ("inf 0.5 0.5 0.1 0.1", "line 1: class inf is not an integer"),
        ("9" * 400 + " 0.5 0.5 0.1 0.1", "line 1: class 9+ is not an integer"),
        ("\n2 0.5 0.5 0.1 0.1", "line 2: class 2 has no name"),
    ],
)
def test_broken_yolo(text: str, pattern: str, tmp_path: Path) -> None:
    write(tmp_path / "broken.txt", text)
    with pytest.raises(ValueError, match=rf"broken\.txt: {pattern}"):
        detutils.read_yolo(tmp_path, {"broken.jpg": (4, 4)}, class_names=["a", "b"])


def test_yolo_arguments(tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    write(labels / "a.txt", "0 0.5 0.5 1 1")
    write(labels / "a.txt", "100000 0.5 0.5 1 1")
    with pytest.raises(ValueError, match=r"a\.txt: line 1: class 100000 has no name"):
        detutils.read_yolo(labels, {"a.jpg": (4, 4)})
    write(labels / "a.txt", "99999.0 0.5 0.5 1 1")
    assert len(detutils.read_yolo(labels, {"a.jpg": (4, 4)}).class_names) == 100_000
    write(labels / "a.txt", "0 0.5 0.5 1 1")
    with pytest.raises(ValueError, match=r"a\.txt: belongs to no image"):
        detutils.read_yolo(labels, {"b.jpg": (4, 4)})
    with pytest.raises(ValueError, match=r"'a\.jpg' and 'a\.png' share the text file a\.txt"):
        detutils.read_yolo(labels, {"a.jpg": (4, 4), "a.png": (4, 4)})
    with pytest.raises(ValueError, match=r"images\['a\.jpg'\]\[0\] must be greater than 0"):
        detutils.read_yolo(labels, {"a.jpg": (0, 4)})
    with pytest.raises(ValueError, match="whole numbers of pixels"):
        detutils.read_yolo(labels, {"a.jpg": (4.5, 4)})
    with pytest.raises(TypeError, match="images must map file names"):
        detutils.read_yolo(labels, {3: (4, 4)})
    with pytest.raises(TypeError, match="images must be a str or a path"):
        detutils.read_yolo(labels, 3)
    with pytest.raises(TypeError, match="class_names"):
        detutils.read_yolo(labels, {"a.jpg": (4, 4)}, class_names="cat")
    pictures = tmp_path / "images"
    pictures.mkdir()
    write(pictures / "a.jpg", "")
    with pytest.raises(ValueError, match=r"a\.jpg: is empty, damaged or no image"):
        detutils.read_yolo(labels, pictures)


def test_an_encoding_that_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text('<?xml version="1.0" encoding="bogus"?><annotation/>')
    with pytest.raises(ValueError, match=r"a\.xml: line 1: unknown encoding: bogus"):
        detutils.read_voc(tmp_path)
