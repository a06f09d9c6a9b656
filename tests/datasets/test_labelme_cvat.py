"""LabelMe's JSON and CVAT's XML: what the readers give, and how they name what is broken."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from tests.cases import write

SQUARE = {"label": "cat", "shape_type": "rectangle", "points": [[50, 80.5], [10, 20]]}


def labelme(path: Path, *shapes: Any, **more: Any) -> Path:
    content = {"version": "5", "shapes": shapes, "imagePath": "a.jpg", "imageHeight": 100, "imageWidth": 200, **more}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def test_shapes_of_labelme(tmp_path: Path) -> None:
    shapes = (
        SQUARE,
        {"label": " dog ", "points": [[1, 2], [5, 2], [3, 9]], "flags": {"difficult": True}},
        {"label": "cat", "shape_type": "circle", "points": [[10, 10], [13, 14]], "difficult": True},
        {"label": "cat", "shape_type": "rotation", "points": [[2, 0], [4, 2], [2, 4], [0, 2]], "truncated": 1},
        {"label": "cat", "shape_type": "mask", "points": [[5, 6], [7, 8]], "mask": "iVBOR"},
    )
    dataset = detutils.read_labelme(labelme(tmp_path / "a.json", *shapes))
    image = dataset.images[0]
    assert (image.name, image.image_size, dataset.class_names) == ("a.jpg", (100, 200), ("cat", "dog"))
    np.testing.assert_array_equal(
        image.boxes, [[10, 20, 50, 80.5], [1, 2, 5, 9], [5, 5, 15, 15], [0, 0, 4, 4], [5, 6, 7, 8]]
    )
    assert image.labels.tolist() == [0, 1, 0, 0, 0]
    assert image.difficult.tolist() == [False, True, True, False, False]
    assert image.truncated.tolist() == [False, False, False, True, False]
    assert image.outlines is not None
    assert list(image.outlines) == [None, [[1, 2, 5, 2, 3, 9]], None, [[2, 0, 4, 2, 2, 4, 0, 2]], None]


@pytest.mark.parametrize(
    ("given", "name"),
    [("a.jpg", "in/a.jpg"), ("..\\images\\a.jpg", "images/a.jpg"), ("C:\\photos\\a.jpg", "in/a.jpg"),
     ("/home/x/a.jpg", "in/a.jpg"), (None, "in/b"), ("", "in/b"), ("sub/a.jpg", "in/sub/a.jpg")],
)  # fmt: skip
def test_names_of_labelme_are_as_seen_from_the_folder(given: str | None, name: str, tmp_path: Path) -> None:
    labelme(tmp_path / "in" / "b.json", SQUARE, imagePath=given)
    assert detutils.read_labelme(tmp_path).images[0].name == name


@pytest.mark.parametrize("sides", [(0, 0), (-1, -1), (None, None), (100, None)])
def test_sizes_that_labelme_does_not_know(sides: tuple[Any, Any], tmp_path: Path) -> None:
    path = labelme(tmp_path / "a.json", SQUARE, imageHeight=sides[0], imageWidth=sides[1])
    assert detutils.read_labelme(path).images[0].image_size is None


@pytest.mark.parametrize(
    ("shape", "pattern"),
    [
        ({**SQUARE, "label": ""}, r"shapes\[1\]: label must be a name"),
        ({**SQUARE, "label": None}, r"shapes\[1\]: label must be a name"),
        ({**SQUARE, "points": [[1, 2]]}, r"shapes\[1\]: a rectangle of 1 points has no box"),
        ({**SQUARE, "shape_type": "linestrip"}, r"shapes\[1\]: a linestrip has no box"),
        ({**SQUARE, "shape_type": "circle", "points": [[1, 2]] * 3}, "a circle has a center and a point, got 3 points"),
        ({**SQUARE, "points": [[1, 2], [math.nan, 2]]}, "points must be pairs of finite numbers"),
        ({**SQUARE, "points": [[1, 2], [1, 2, 3]]}, "points must be pairs of finite numbers"),
        ({**SQUARE, "points": [[1, 2], [10**400, 3]]}, "points must be pairs of finite numbers"),
        ({**SQUARE, "points": "1 2"}, "points must be a list, got a str"),
        ("cat", "must be an object, got a str"),
    ],
    ids=str,
)
def test_broken_shapes_of_labelme(shape: Any, pattern: str, tmp_path: Path) -> None:
    path = labelme(tmp_path / "a.json", SQUARE, shape)
    with pytest.raises(ValueError, match=rf"a\.json: .*{pattern}.*\(bad entries in all: 1 x "):
        detutils.read_labelme(path)
    dataset = detutils.read_labelme(path, on_invalid="drop")
    assert (len(dataset.images[0].boxes), len(dataset.skipped)) == (1, 1)


def test_a_folder_of_labelme(tmp_path: Path) -> None:
    labelme(tmp_path / "a.json", SQUARE)
    labelme(tmp_path / "b.json", imagePath="b.jpg")
    for name in ("a.jpg", "c.png", "._d.jpg"):
        write(tmp_path / name, "picture")
    dataset = detutils.read_labelme(tmp_path, class_names=["dog", "cat"])
    assert [(image.name, image.labels.tolist()) for image in dataset.images] == [("a.jpg", [1]), ("b.jpg", [])]
    assert [(Path(path).name, reason) for path, _, reason in dataset.skipped] == [
        ("c.png", "a picture without annotation")
    ]
    with pytest.raises(ValueError, match=r"a\.json: shapes\[0\]: class 'cat' is not in class_names; there is 'Cat'"):
        detutils.read_labelme(tmp_path, class_names=["Cat"])
    write(tmp_path / "coco.json", '{"images": [], "annotations": []}')
    with pytest.raises(ValueError, match=r"coco\.json: is not LabelMe's: has no list of shapes \(COCO's format"):
        detutils.read_labelme(tmp_path)
    assert detutils.read_labelme(tmp_path, classes=["cat"], on_invalid="drop").images[0].labels.tolist() == [0]
    with pytest.raises(ValueError, match="imageHeight and imageWidth must be positive integers"):
        detutils.read_labelme(labelme(tmp_path / "e.json", SQUARE, imageHeight=-7))


# ---- CVAT --------------------------------------------------------------------------------------------------

BOX = '<box label="cat" occluded="0" xtl="10" ytl="20" xbr="50.5" ybr="80" z_order="0"></box>'


def cvat(path: Path, *shapes: str, labels: tuple[str, ...] = (), image: str = 'width="200" height="100"') -> Path:
    task = "".join(f"<label><name>{name}</name><attributes/></label>" for name in labels)
    head = f"<version>1.1</version><meta><task><labels>{task}</labels></task></meta>"
    lines = "\n".join(shapes)
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>{head}\n'
                    f'<image id="0" name="a.jpg" {image}>\n'
                    f"{lines}\n</image></annotations>")  # fmt: skip
    return path


def test_shapes_of_cvat(tmp_path: Path) -> None:
    corners = " ".join(f'{axis}{side}{face}="{value}"' for face, shift in (("1", 0), ("2", 3)) for side, x, y in
                       (("tl", 1, 1), ("bl", 1, 5), ("tr", 4, 1), ("br", 4, 5)) for axis, value in
                       (("x", x + shift), ("y", y + shift)))  # fmt: skip
    shapes = (
        '<tag label="night"/>',
        BOX.replace("></box>", '><attribute name="difficult">true</attribute></box>'),
        '<box label="dog" xtl="10" ytl="10" xbr="30" ybr="20" rotation="90"/>',
        '<polygon label="dog" points="1.5,2;5,2;3,9"/>',
        '<ellipse label="cat" cx="10" cy="20" rx="5" ry="3"/>',
        '<ellipse label="cat" cx="10" cy="20" rx="5" ry="3" rotation="90"/>',
        f'<cuboid label="cat" {corners}/>',
        '<mask label="cat" rle="1, 2" left="3" top="4" width="5" height="6"/>',
    )
    dataset = detutils.read_cvat(cvat(tmp_path / "a.xml", *shapes, labels=("night", "dog", "cat")))
    image = dataset.images[0]
    assert (image.name, image.image_size, dataset.class_names) == ("a.jpg", (100, 200), ("night", "dog", "cat"))
    np.testing.assert_allclose(
        image.boxes,
        [[10, 20, 50.5, 80], [15, 5, 25, 25], [1.5, 2, 5, 9], [5, 17, 15, 23], [7, 15, 13, 25], [1, 1, 7, 8],
         [3, 4, 8, 10]],
    )  # fmt: skip
    assert image.labels.tolist() == [2, 1, 1, 2, 2, 2, 2]
    assert image.difficult.tolist() == [True] + [False] * 6
    assert image.outlines is not None
    assert image.outlines[2] == [[1.5, 2, 5, 2, 3, 9]]
    np.testing.assert_allclose(image.outlines[1], [[25, 5, 25, 25, 15, 25, 15, 5]])
    assert detutils.read_cvat(cvat(tmp_path / "a.xml", *shapes[1:])).class_names == ("cat", "dog")


@pytest.mark.parametrize("size", ["", 'width="0" height="0"', 'width="-1" height="-1"'])
def test_sizes_that_cvat_does_not_know(size: str, tmp_path: Path) -> None:
    assert detutils.read_cvat(cvat(tmp_path / "a.xml", BOX, image=size)).images[0].image_size is None


@pytest.mark.parametrize(
    ("shape", "pattern"),
    [
        (BOX.replace('"cat"', '""'), "line 5: <box> has no label"),
        (BOX.replace('xtl="10"', ""), "line 5: <box> has no xtl"),
        (BOX.replace("50.5", "wide"), "line 5: xbr of <box> must be a number, got 'wide'"),
        (BOX.replace("50.5", "nan"), "line 5: xbr of <box> is not finite"),
        (BOX.replace("50.5", "5"), "line 5: the box ends before it begins"),
        ('<polygon label="cat" points="1,2;3,4"/>', "a polygon has three points or more, got 2"),
        ('<polygon label="cat" points="1,2;3;5,6"/>', "points must be x,y;x,y;..., got '3'"),
        ('<polygon label="cat" points="1,2;3,inf;5,6"/>', "points must be finite"),
        ('<polyline label="cat" points="1,2;3,4"/>', "a <polyline> has no box"),
        ('<mask label="cat" left="1" top="1" width="-1" height="1"/>', "width and height must be at least 0"),
    ],
)
def test_broken_shapes_of_cvat(shape: str, pattern: str, tmp_path: Path) -> None:
    path = cvat(tmp_path / "a.xml", BOX, shape)
    with pytest.raises(ValueError, match=rf"a\.xml: .*{pattern}.*\(bad entries in all: 1 x "):
        detutils.read_cvat(path)
    dataset = detutils.read_cvat(path, on_invalid="drop")
    assert (len(dataset.images[0].boxes), len(dataset.skipped)) == (1, 1)


def test_files_that_are_not_of_cvat_for_images(tmp_path: Path) -> None:
    for text, pattern in (
        ("<annotation/>", r"must begin with <annotations>, got <annotation> \(Pascal VOC's format: read_voc\)"),
        ("<annotations><track/></annotations>", "line 1: has tracks of a video: export it as 'CVAT for images'"),
        ("<!DOCTYPE a><annotations/>", "has a document type"),
    ):
        with pytest.raises(ValueError, match=pattern):
            detutils.read_cvat(write(tmp_path / "a.xml", text))
    with pytest.raises(
        ValueError, match=r"must begin with <annotation>, got <annotations> \(CVAT's format: read_cvat\)"
    ):
        detutils.read_voc(write(tmp_path / "a.xml", "<annotations/>"))
    cvat(tmp_path / "b.xml", BOX)
    assert len(detutils.read_cvat(tmp_path).images) == 1
    with pytest.raises(ValueError, match="height must be a positive integer"):
        detutils.read_cvat(cvat(tmp_path / "b.xml", BOX, image='width="3" height="1.5"'))
