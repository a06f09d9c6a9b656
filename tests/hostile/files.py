"""The files that good arguments name, and writers as functions that give what they wrote."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import detutils
from tests.hostile.goods import PICTURE, fitted_regressor, small_model


def _write(name: str, content: Any) -> str:
    Path(name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return name


COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 80, "height": 64}],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 2, "bbox": [10, 20, 30.5, 40], "area": 700.25, "iscrowd": 0}
    ],
}
LABELME = {
    "imagePath": "a.png",
    "imageHeight": 64,
    "imageWidth": 80,
    "shapes": [{"label": "cat", "shape_type": "rectangle", "points": [[1, 2], [30, 40]]}],
}
CVAT = """<annotations><version>1.1</version><image id="0" name="a.png" width="80" height="64">
<box label="cat" xtl="1" ytl="2" xbr="30.5" ybr="40"/></image></annotations>"""
VOC = """<annotation><filename>a.png</filename><size><width>80</width><height>64</height></size>
<object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>"""


def write_files() -> None:
    """What the readers' good arguments name, in the current folder."""
    _write("coco.json", COCO)
    _write("found.json", [{"image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}])
    Path("voc/Annotations").mkdir(parents=True, exist_ok=True)
    Path("voc/ImageSets/Main").mkdir(parents=True, exist_ok=True)
    _write("voc/Annotations/a.xml", VOC)
    _write("voc/ImageSets/Main/train.txt", "a\n")
    Path("labels").mkdir(exist_ok=True)
    _write("labels/a.txt", "1 0.5 0.5 0.25 0.25\n")
    Path("labelTxt").mkdir(exist_ok=True)
    _write("labelTxt/a.txt", "1 2 30 4 28 40 0.5 38 cat 0\n")
    _write("labelme.json", LABELME)
    _write("cvat.xml", CVAT)
    _write("found.csv", "image,class,score,x1,y1,x2,y2\na,dog,0.5,1,2,3,4\n")
    _write("comp4_det_test_cat.txt", "a 0.5 1 2 30 40\n")
    Path("found").mkdir(exist_ok=True)
    _write("found/a.txt", "1 0.5 0.5 0.25 0.25 0.5\n")
    Path("pictures").mkdir(exist_ok=True)
    detutils.write_image("pictures/a.png", PICTURE)
    fitted_regressor().save("regressor.npz")
    small_model().save("model.npz")


def saved(write: Callable[..., Any]) -> Callable[..., Any]:
    """A writer as a function of its arguments that gives what it wrote."""

    def call(**arguments: Any) -> Any:
        write(**arguments)
        place = arguments["path"]
        return Path(place).read_bytes() if isinstance(place, (str, os.PathLike)) else None

    return call


def saved_folder(write: Callable[..., Any]) -> Callable[..., Any]:
    """A writer of a new folder as a function of its arguments that gives what it wrote, and takes it away again."""

    def call(**arguments: Any) -> Any:
        lost = write(**arguments)
        folder = Path(arguments["folder"])
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        written = {str(file.relative_to(folder)): file.read_bytes() for file in files}
        shutil.rmtree(folder)
        return lost, written

    return call
