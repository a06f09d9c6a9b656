"""Files that nobody should be able to hurt a reader with: every public reader of annotations is held to all of them.

``CONTENTS`` maps a name to bytes; ``PLACES`` to a function that puts something that is no file under a path;
``EXTENSIONS`` a format to that of its files, where it is not .txt.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

VOC = (
    b"<annotation><filename>a.jpg</filename><size><width>64</width><height>48</height></size><object><name>cat</name>"
    b"<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>"
)
CVAT = (
    b'<annotations><version>1.1</version><image id="0" name="a.jpg" width="64" height="48">'
    b'<box label="cat" xtl="1" ytl="2" xbr="30" ybr="40"/></image></annotations>'
)
LABELME = (
    b'{"shapes": [{"label": "cat", "shape_type": "rectangle", "points": [[1, 2], [30, 40]]}], "imagePath": "a.jpg",'
    b' "imageHeight": 48, "imageWidth": 64}'
)
COCO = (
    b'{"images": [{"id": 1, "file_name": "a.jpg", "height": 48, "width": 64}], "categories": ['
    b'{"id": 1, "name": "cat"}], "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 29, 38]}]}'
)
COCO_RESULTS = b'[{"image_id": 0, "category_id": 0, "bbox": [1, 2, 29, 38], "score": 0.5}]'
YOLO = b"0 0.5 0.5 0.25 0.5\n0 0 0 0.5 0 0.5 0.5\n"
YOLO_FOUND = b"0 0.5 0.5 0.25 0.5 0.75\n"
DEVKIT = b"a 0.5 1 2 30 40\n"
CSV = b"image,class,score,x1,y1,x2,y2\na,cat,0.5,1,2,30,40\n"
DOTA = b"imagesource:GoogleEarth\ngsd:0.15\n1 2 30 4 28 40 0.5 38 cat 0\n5 5 9 5 9 9 5 9 cat 1\n"
TASK = b"a 0.5 1 2 30 4 28 40 0.5 38\n"
YAML = b"names: [cat]\ntrain: images\n"
GOOD = {
    "voc": VOC, "cvat": CVAT, "labelme": LABELME, "coco": COCO, "coco results": COCO_RESULTS, "yolo": YOLO,
    "yolo found": YOLO_FOUND, "devkit": DEVKIT, "csv": CSV, "yaml": YAML, "dota": DOTA,
    "task": TASK,
}  # fmt: skip
EXTENSIONS = {
    "voc": ".xml", "cvat": ".xml", "labelme": ".json", "coco": ".json", "coco results": ".json", "csv": ".csv",
    "yaml": ".yaml",
}  # fmt: skip

HUGE = (b"9" * 5000, b"1e999", b"-1e308", b"1e308", b"nan", b"NaN", b"Infinity", b"-1", b"1e-400", b"0x10", b"1_0",
        "\u0663".encode(), b"true", b"null", b'""', b"[]", b"{}")  # fmt: skip


def contents() -> dict[str, bytes]:
    """Every damage, by name."""
    files = {
        "empty": b"",
        "blanks": b" \r\n\t\n",
        "zeros": bytes(1000),
        "binary": bytes(range(256)) * 8,
        "of a desktop": b"\0\5\x16\7\0\2\0\0Mac OS X        \0\2\0\0\0\t",
        "byte order mark only": b"\xef\xbb\xbf",
        "half a surrogate": b'{"images": ["\xed\xa0\x80"]}',
        "not UTF-8": b'{"a":\n "\xff\xfe"}\n0 0.5 0.5 0.1 0.\xff',
        "page": b"<!DOCTYPE html><html><body>404 not found</body></html>",
        "another root": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "word": b"cat",
        "number": b"7",
        "list": b"[]",
        "list of lists": b"[[1, 2], [3]]",
        "object": b"{}",
        "string": b'"annotations"',
        "deep list": b"[" * 60_000,
        "deep whole list": b"[" * 30_000 + b"]" * 30_000,
        "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "deep elements": b"<a>" * 4_000,
        "deep annotation": b"<annotation>" * 2_000 + b"</annotation>" * 2_000,
        "deep flow": b"a: " + b"[" * 2_000 + b"]" * 2_000,
        "laughs": b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><annotation>&b;</annotation>',
        "outside entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><annotation>&x;</annotation>',
        "unknown encoding": b'<?xml version="1.0" encoding="bogus"?>' + VOC,
        "encoding that is none": b'<?xml version="1.0" encoding="zlib"?>' + VOC,
        "encoding that does not fit": b'<?xml version="1.0" encoding="shift_jis"?><annotation>\n\xff\xff</annotation>',
        "aliases": b"a: &a [1, 1]\nb: &b [*a, *a]\nnames: [*b, *b]\ntrain: images\n",
        "merges": b"a: &a {x: 1}\nb: &b {<<: [*a, *a]}\nc: {<<: [*b, *b]}\n",
        "program": b"!!python/object/apply:os.system ['true']\n",
        "control characters": b"names: [\x00\x01]\n",
        "splits of nothing": b"names: {0: cat, 5: dog}\ntrain: [[]]\nval: 3\npath: {}\n",
        "far class": b"99999999999999999999 0.5 0.5 0.1 0.1\n1e300 0.5 0.5 0.1 0.1 0.1\n",
        "long line": b"0" * 100_000 + b" 0.5" * 9,
        "many words": b"0 " + b"0.5 " * 10_001,
        "quotes": b'image,class,score,x1,y1,x2,y2\n"a,cat',
        "header only": b"image,class,score,x1,y1,x2,y2\n",
        "no header": b"a,cat,0.5,1,2,30,40\n",
    }
    for name, good in GOOD.items():
        for part in (1, 3, len(good) // 3, len(good) // 2, len(good) - 2):
            files[f"{name}, {part} bytes of it"] = good[:part]
        files[f"{name}, a byte turned"] = good[: len(good) // 2] + b"\xfe" + good[len(good) // 2 + 1 :]
        files[f"{name}, UTF-16"] = good.decode().encode("utf-16")
        for number in HUGE:
            for old in (b"30", b"64", b"0.5", b'"a.jpg"', b"1,", b"[cat]"):
                if old in good:
                    files[f"{name}, {number[:8]!r} for {old!r}"] = good.replace(old, number, 1)
    return files


CONTENTS = contents()


def _folder(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(path)


def _link_to_nothing(path: Path) -> None:
    path.symlink_to(path.parent / "nothing")


def _link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def _device(path: Path) -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("no such device here")
    path.symlink_to("/dev/zero")


def _forbidden(path: Path) -> None:
    path.write_bytes(VOC)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("nothing is forbidden to this user")


PLACES: dict[str, Callable[[Path], None]] = {
    "folder": _folder, "pipe": _pipe, "link to nothing": _link_to_nothing, "link to itself": _link_to_itself,
    "device": _device, "forbidden": _forbidden,
}  # fmt: skip
