"""A recording of what every public name answers to thousands of seeded calls, which a refactoring has to repeat.

``python -m benchmarks.recording make FILE`` writes it, ``... compare FILE`` repeats the calls and names those that
differ; ``--only NAME,NAME`` restricts both, ``--list`` counts. A digest covers bytes, dtypes and shapes of results,
errors, warnings, files written, and the arguments after the call. It holds for one machine and one set of versions.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import hashlib
import json
import operator
import os
import re
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np

import detutils
from benchmarks.digests import attempt, feed, told

SIZES = (0, 1, 1, 2, 2, 3, 3, 5, 5, 10, 10, 10, 32, 33, 33, 100, 100, 100, 301, 600, 600, 2000, 2000, 6000, 6000)


class Draw:
    """The seeded source of the arguments of one call, which share sizes, boxes, a picture and annotated images."""

    def __init__(self, name: str, number: int, most: int) -> None:
        self.rng = np.random.default_rng([*name.encode(), number])
        self.form, sizes = self.one("f4", "f4", "f8", "f8", None, None), [size for size in SIZES if size <= most]
        self.n = self.one(*sizes)
        self.m = self.one(*(size for size in sizes if size <= 2000 and size * self.n <= 3_000_000))
        self.models = (self.n, self.m, 3)[: self.one(0, 1, 2, 3, 3)]
        self.raw, self.picture, self.records = self.boxes(self.n), self.image(), []
        for i, count in enumerate(self.rng.integers(0, 6, self.one(0, 1, 2, 3, 4))):
            corner, sides = np.floor(self.rng.uniform(0, 80, (count, 2))), self.rng.integers(0, 120, (count, 2))
            flags, labels = self.rng.random((3, count)) < 0.2, self.rng.integers(0, 3, count)
            parts = np.hstack([corner, corner + sides]), labels, *flags, sides.prod(axis=1) * 1.0
            self.records.append(detutils.AnnotatedImage(f"{i}.png", (90, 120), *parts, i))

    def one(self, *values: Any) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def often(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def boxes(self, n: int) -> np.ndarray:
        """Plain float64 boxes: scattered, in crowds, repeated, in a grid; whole, flat, far out, tiny or huge."""
        rng, side = self.rng, int(np.ceil(np.sqrt(n))) + 1
        sparse, crowd = (n // 2 + 1, 40 * side, 8, 32, 0.08), (20, 1000, 40, 400, 0.15)
        scattered = n + 1, self.one(5, 60, 900, 60 * side), 2, 60, 0
        groups, far, low, high, loose = self.one(scattered, scattered, sparse, sparse, crowd, crowd, (1, 50, 10, 20, 0))
        which, extents = rng.integers(0, groups, n), np.exp(rng.uniform(np.log(low), np.log(high), (groups, 2)))
        sides = extents[which] * np.exp(loose * rng.normal(size=(n, 2)))
        corner = rng.uniform(0, far, (groups, 2))[which] + loose * sides * rng.normal(size=(n, 2))
        if self.often(0.2):
            corner = self.one(8, 12) * np.stack([np.arange(n) % side, np.arange(n) // side], axis=1) + loose * sides
            sides = self.one(np.full((n, 2), 10.0), 8 * rng.uniform(1.5, 4, (n, 2)))
        if self.often(0.3):
            corner, sides = np.floor(corner), np.ceil(sides)
        if self.often(0.25):
            again, cut = rng.random((2, n)) < 0.2
            corner[again] = corner[rng.integers(0, max(n, 1), int(again.sum()))]
            sides[cut, self.one(0, 1)] *= rng.choice([0.0, 0.0, 0.5, 0.6, 0.75], int(cut.sum()))
        if self.often(0.35):
            corner = corner + self.one(-10.0, -500.0, 0.1, 1e4, -1e5, 1e6, 1e7, 1e12)
        return np.hstack([corner, corner + sides]) * (self.one(1e-30, 1e-12, 1e20, 1e140) if self.often(0.04) else 1)

    def near(self, count: int) -> np.ndarray:
        """So many boxes at or upon the shared ones."""
        if not self.n or self.often(0.2):
            return self.boxes(count)
        rows = self.raw[np.arange(count) if count == self.n else self.rng.integers(0, self.n, count)]
        sides, loose = rows[:, 2:] - rows[:, :2], self.one(0.0, 0.05, 0.15)
        corner = rows[:, :2] + loose * sides * self.rng.normal(size=sides.shape)
        return np.hstack([corner, corner + sides * np.exp(loose * self.rng.normal(size=sides.shape))])

    def scores(self, n: int) -> np.ndarray:
        scores, grain = self.rng.random(n), self.one(0, 0, 0, 0, 1e-9, 1e3, 1, 3, 20, 100)
        return np.round(scores * grain) - self.one(0, 1) if grain >= 1 else grain * scores + 0.5 if grain else scores

    def labels(self, n: int) -> Any:
        labels = self.rng.integers(0, self.one(1, 3, 80), n) * self.one(1, 1, 1, -1) + self.one(0, 0, 0, 5)
        labels = labels * 2**33 - 7 if self.often(0.1) else labels.astype(self.one("i8", "i8", "i4", "i2"))
        return labels.tolist() if self.often(0.2) else labels

    def dressed(self, array: np.ndarray) -> Any:
        """The numbers in one of the forms in which they may come; seldom some that break the contract."""
        array = array.copy()
        for spot in self.rng.integers(0, array.size, self.one(1, 1, 4)) if array.size and self.often(0.06) else ():
            array.flat[spot] = self.one(np.nan, np.inf, -np.inf, 1e200, -1e10, 1e10)
        form = self.form or self.one("f8", "f4", "f8", "f4", "f8", "i8", "i4", "i2", "u1", "f2", ">f8", "g")
        with np.errstate(all="ignore"):
            if form[0] in "iu":
                array = np.nan_to_num(np.round(array)).clip(np.iinfo(form).min // 2, np.iinfo(form).max // 2)
            array = (array.clip(-6e4, 6e4) if form == "f2" else array).astype(form)
        strided, read_only = np.repeat(array, 2, axis=-1)[..., ::2], np.broadcast_to(array, array.shape)
        forms = array, array, np.asfortranarray(array), strided, array[::-1], read_only, array.tolist()
        return array if self.form else self.one(*forms)

    def image(self) -> np.ndarray:
        height, width = self.rng.integers(1, 64, 2)
        cells = self.rng.random((5, 5, self.one(1, 3, 3, 4))).squeeze()
        values = cells[np.arange(height)[:, None] * 5 // height, np.arange(width) * 5 // width]
        values = np.clip(values + self.one(0, 0.02, 0.3) * self.rng.normal(size=values.shape), 0, 1)
        form = self.one("u1", "u1", "u2", "f4", "f8")
        return (values * np.iinfo(form).max).astype(form) if form[0] == "u" else values.astype(form)

    def file(self, name: str, data: bytes) -> Any:
        """The path of a file here, seldom of a damaged one."""
        at, path = int(self.rng.integers(len(data) + 1)), Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        damaged = data[:at], data[:at] + data[at + 5 :], data[:at] + b"\xff{<\0" + data[at:], b""
        path.write_bytes(self.one(*damaged) if self.often(0.1) else data)
        return self.one(name, path, str(path.absolute()))

    def odd(self) -> Any:
        """Something that is seldom wanted."""
        return self.one(
            None, "text", b"raw", "", 1j, np.nan, np.inf, -np.inf, -1, -0.5, 0, 0.0, 1, 2, 1.5, 10**30, True, np.True_,
            np.float32(0.25), np.int64(1), np.array(0.5), [], [[]], [[1, 2], [3]], [1.0, 2.0], (3, 4), {}, {"boxes": 1},
            {1}, np.zeros((2, 4)), np.zeros((0, 5)), np.zeros((2, 3, 4)), np.array(["a"]), np.array([1j]), range(4), id,
            np.ma.masked_array([1.0], [True]), np.datetime64("2020-01-01"), np.array([None]), [10**30], object(), float,
        )  # fmt: skip

    def bent(self, array: np.ndarray) -> Any:
        """An array with something wrong: a number, its shape or its dtype."""
        if self.often(0.45) and array.size and array.dtype.kind in "iuf":
            array = array.astype(self.one("f4", "f8"))
            array.flat[self.rng.integers(array.size)] = self.one(np.nan, np.inf, -np.inf, 1e30, -1e30, -1, -1e9, 0.5)
            return array
        forms: list[Callable[[Any], Any]] = [
            lambda a: a[None], lambda a: a.T, lambda a: a.reshape(-1), lambda a: a[:-1], lambda a: a[..., :-1],
            lambda a: a[:0], lambda a: np.concatenate([a, a[:1]]), lambda a: a[..., :0], lambda a: a.astype(complex),
            lambda a: a.astype(str), lambda a: a.astype(object), lambda a: a > 0, lambda a: a.astype(object) * 10**30,
            lambda a: np.ma.masked_greater(a, 10), lambda a: a.astype("i8") + 2**54, lambda a: a.astype("u8") + 2**63,
            lambda a: a.astype("M8[s]"), lambda a: a[..., None], np.ma.masked_array, lambda a: [*a.tolist(), [1]],
        ]  # fmt: skip
        with np.errstate(all="ignore"):
            return attempt(self.one(*forms), array)

    def spoiled(self, value: Any) -> Any:
        """A value, or a part of it, replaced by something odd."""
        if isinstance(value, list | tuple | dict) and value and self.often(0.8):
            key = self.one(*value) if isinstance(value, dict) else int(self.rng.integers(len(value)))
            rest = value.copy() if isinstance(value, dict) else list(value)
            rest[key] = self.spoiled(rest[key])
            if self.often(0.2):
                del rest[key]
            return tuple(rest) if isinstance(value, tuple) else rest
        return self.bent(value) if isinstance(value, np.ndarray) and self.often(0.7) else self.odd()

    def value(self, kind: str) -> Any:
        """What a kind or an expression draws; of what stands in brackets, one."""
        name = kind.strip("?*!")
        value = eval(KINDS.get(name, name), globals() | {"d": self})
        return self.one(*value) if name[0] == "(" else value

    def arguments(self, kinds: list[str], options: dict[str, str]) -> tuple[list[Any], dict[str, Any]]:
        """A call's arguments, some with faults; "?" may be left out, "*" stays whole, "!" is always given."""
        count = next((i for i, kind in enumerate(kinds) if kind.endswith("?") and self.often(0.3)), len(kinds))
        given = [self.value(kind) for kind in kinds[:count]]
        named = {key: self.value(kind) for key, kind in options.items() if kind.endswith("!") or self.often(0.35)}
        first = sum(kind.startswith("*") for kind in kinds)
        while self.often(0.25):
            target = self.one(*range(first, count), *options, *(("bogus", "fewer") if self.often(0.1) else ("",)))
            if target == "fewer" and count > first:
                given, count = given[:-1], count - 1
            elif isinstance(target, int):
                given[target] = self.spoiled(given[target])
            elif target in options or target == "bogus":
                named[target] = self.spoiled(named.get(target, self.value(options.get(target, "flag"))))
        return given, named

    def guess(self, record: Any) -> Any:
        """Detections upon the objects of an image and beside them."""
        rows = np.repeat(record.boxes, 2, axis=0)
        rows = rows + np.tile(self.one(0, 1, 5) * self.rng.normal(size=(len(rows), 2)), 2)
        names = np.where(self.rng.random(len(rows)) < self.one(0, 0.1), 4, np.repeat(record.labels, 2))
        parts = {"boxes": rows, "scores": self.scores(len(rows)), "labels": names}
        return self.one(parts, tuple(parts.values()), detutils.Detections(*parts.values()))

    def coco(self, whole: bool) -> Any:
        """A file of annotations, or of results only."""
        rows = [(r.image_id, row.tolist(), (1, 5, 7)[k]) for r in self.records for row, k in zip(*r[2:4], strict=True)]
        extra = {"area": 9.5, "score": self.one(0.5, 1), "iscrowd": self.one(0, 1)}
        value: Any = [extra | {"image_id": i, "bbox": row, "category_id": number} for i, row, number in rows]
        if whole:
            images = [{"id": r.image_id, "file_name": r.name, "height": 90, "width": 120} for r in self.records]
            names = [{"id": number, "name": f"{number}"} for number in (7, 1, 5)]
            value = {"images": images, "annotations": value, "categories": names}
        text = json.dumps(self.spoiled(value) if self.often(0.5) else value, default=lambda item: type(item).__name__)
        return self.file("in.json", text.encode())

    def seen(self, name: str) -> Any:
        """The file of a picture, of which a JPEG may be turned."""
        attempt(detutils.write_image, name, self.picture)
        data = Path(name).read_bytes() if Path(name).exists() else b"P5 3 2 65535 " + bytes(range(12))
        turn = b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0%c" % self.one(*range(9)) + bytes(7)
        return self.file(name, data[:2] + turn + data[2:] if data[:2] == b"\xff\xd8" else data)

    def fitted(self, labels: Any = None) -> Any:
        """A regressor that has learned from 40 rows of 5 features."""
        boxes = np.tile(50 * self.rng.random((40, 2)), 2) + (0, 0, 20, 20)
        model = detutils.BoxRegressor(self.one(1.0, 1e3), clamp=self.one(None, 1), feature_norm=self.one(None, 20.0))
        return model.fit(self.rng.normal(size=(40, 5)), boxes, boxes + 1, labels)

    def rcnn(self) -> Any:
        """A detector of three classes."""
        model = self.fitted(np.arange(40) % 3) if self.often(0.7) else None
        return detutils.RCNN(["a", "b", "c"], self.rng.normal(size=(6, 3)), model, features=plain, proposals=plain)

    def archive(self) -> Any:
        """The file of a model, of which an array may be wrong."""
        self.one(self.fitted, self.rcnn)().save("in.npz")
        arrays = dict(np.load("in.npz"))
        np.savez("in.npz", **arrays | ({self.one(*arrays): self.odd()} if self.often(0.4) else {}))
        return self.file("in.npz", Path("in.npz").read_bytes())


def plain(image: Any, boxes: Any = None) -> Any:
    """Proposals for an image or, with boxes, their features."""
    corners = np.mgrid[0:60:20, 0:60:15].reshape(2, -1).T[:, [0, 1, 0, 1]] + (0.0, 0, 30, 20 + len(image) % 3)
    return corners if boxes is None else np.hstack([np.asarray(boxes) / 100, np.full((len(boxes), 1), np.mean(image))])


VOC = ("<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>{}</xmin><ymin>{}</ymin>"
       "<xmax>{}</xmax><ymax>{}</ymax></bndbox></object>\n")  # fmt: skip
# Kinds of arguments: expressions in d, the draw.
KINDS = {
    "boxes": "d.dressed(d.raw)", "mates": "d.dressed(d.near(d.n))", "others": "d.dressed(d.near(d.m))",
    "spots": "d.dressed(d.rng.uniform((-9, -9, 20, 20), (20, 20, 60, 60), (d.n, 4)))",
    "scores": "d.dressed(d.scores(d.n))", "labels": "d.labels(d.n)", "shares": "d.dressed(d.rng.random(d.n))",
    "moves": "d.dressed(d.one(0.1, 1, 5) * d.rng.normal(size=(d.n, 4)))", "flags": "d.rng.random(d.n) < 0.3",
    "classes": "d.rng.integers(d.one(0, 1, 1, 1), 4, d.m)", "crowd": "d.rng.random(d.m) < 0.3",
    "out": "np.full((d.n, d.m), 7, d.form or 'f8')", "table": "d.dressed(d.rng.normal(size=(d.n, 5)))",
    "models": "[d.dressed(d.near(k)) for k in d.models]", "points": "[d.scores(k) for k in d.models]",
    "names": "[d.labels(k) for k in d.models]", "curves": "[detutils.PrecisionRecall(*np.sort(d.rng.random((3, d.n))))"
                                                          " for _ in range(d.one(0, 1, 3))]",
    "threshold": "d.one(0.0, 0, 0.3, 0.3, 1 / 3, 0.5, 0.5, 0.7, 0.7, 0.9, 1.0, 1, *d.rng.random(3).tolist())",
    "offset": "d.one(0, 1, 1, 1.0, np.int64(1))", "on_invalid": "d.one('raise', 'drop', 'drop')",
    "max_output": "d.one(None, 0, 1, 5, 50, 2**40)", "score_threshold": "d.one(None, 0.0, 0.3, 0.9, -1.0)",
    "format": "d.one('xyxy', 'xywh', 'cxcywh', 'xyxyn', 'xywhn', 'cxcywhn')", "flag": "d.one(True, np.False_)",
    "image_size": "d.one((480, 640), (37, 53.5), [64, 64], (600.0, 1000.0))", "clamp": "d.one(None, 0, 1.0, 4.1, -1)",
    "weights": "d.one((10, 10, 5, 5), [2, 3, 1.0, 1])", "pixels": "d.one(0, 1, 2.5, 10, 16.0, 99)",
    "part": "d.one(0, 0.25, 1)", "seed": "d.one(0, 7, np.random.default_rng(5))", "odd": "d.odd()",
    "found": "[d.guess(r) for r in d.records]",
    "truth": "[d.one(r, (r.boxes, r.labels), r._asdict(), {'boxes': r.boxes.tolist(), 'labels': r.labels,"
             " 'iscrowd': r.crowd * 1, 'area': r.areas}) for r in d.records]",
    "dataset": "detutils.Dataset(d.records, ('a', 'b', 'c', 'd', 'e'), (1, 5, 7, 8, 9))",
    "voc": "([d.file(f'VOC/Annotations/{r.image_id}.xml', ('<annotation><filename>a</filename>' + ''.join(VOC.format("
           "d.one('a', 'b'), d.one(0, 1, 1, 1, told(d.odd())), *box) for box in r.boxes) + '</annotation>').encode())"
           " for r in d.records], d.one('VOC', 'VOC', 'VOC/Annotations'))[1]",
    "val": "d.file('VOC/ImageSets/Main/val.txt', d.one(b'0', b'0 1', b'7')) and 'val'",
    "yolo": "([d.file(f'in/{r.image_id}.txt', '\\n'.join(f'{d.one(0, 1, 2)} {x} {y} {d.one(0.5, 1, told(d.odd()))} .5'"
            " for x, y in d.rng.random((len(r.labels), 2))).encode()) for r in d.records], 'in')[1]",
    "sizes": "d.one({r.name: (90, 120) for r in d.records}, ([d.seen(f'in/{r.name}') for r in d.records], 'in')[1])",
    "image": "d.image()", "images": "[d.image() for _ in d.records]",
    "seen": "d.seen('in.%s' % d.one('png', 'png', 'jpg', 'jpg', 'webp', 'tif', 'bmp'))",
    "paths": "[d.seen(f'{i}.png') for i in range(d.one(0, 1, 2, 3))]",
    "strategy": "detutils.Strategy(d.one('hsv', 'lab', 'rgi', 'rgb', 'hue', 'grey', 'xyz'), d.one(0, 10, 100),"
                " *d.rng.integers(0, 2, 3).tolist(), shrink=d.one(1, 2, 3))",
    "learner": "detutils.BoxRegressor(d.one(0, 1.0, 1.0, 1e3), min_iou=d.one(0.1, 0.6), trim=d.one(0, 0, 0, 0.2))",
    "rcnn": "d.rcnn()", "archive": "d.archive()", "plain": "d.one(*[plain] * 5, None)",
}  # fmt: skip
# Names, number of calls, largest size, arguments | options: kinds, expressions, or values in brackets to choose from.
# "name=kind" where an option has a kind of another name. A line that begins with a blank goes on with the one before.
PLAN = """
box_area 320 6000 boxes | offset
box_convert 550 6000 boxes format format | image_size=(None,(480,640),(37,53.5))!
clip_boxes_to_image 350 6000 boxes image_size | offset
remove_small_boxes 320 6000 boxes pixels | offset
box_iou,box_ioa,generalized_box_iou,distance_box_iou,complete_box_iou 330 2000 boxes others | out offset
 workers=(1,2,3,-1)
aligned_box_ioa,aligned_box_iou,aligned_complete_box_iou,aligned_distance_box_iou,aligned_generalized_box_iou 200 6000
 boxes mates | offset
encode_boxes 380 6000 boxes mates | weights offset
decode_boxes 400 6000 d.dressed(d.rng.normal(size=(d.n,4*d.one(1,1,3)))) mates | weights offset clamp
nms 6000 6000 boxes scores threshold? | score_threshold max_output offset on_invalid
batched_nms 3800 6000 boxes scores labels threshold? | score_threshold max_output offset on_invalid
explain_nms 1000 6000 boxes scores threshold? | labels score_threshold max_output offset on_invalid
soft_nms 1300 2000 boxes scores | method=('gaussian','linear') sigma=(0.5,0.1,2.0) iou_threshold=threshold
 score_threshold=(0.0,0.001,0.05,0.5) labels max_output offset
box_voting 420 2000 boxes d.dressed(abs(d.scores(d.n))) d.rng.integers(0,max(d.n,1),d.n//2) threshold? | labels offset
weighted_boxes_fusion 420 301 models points names? | weights=d.rng.random(len(d.models))+0.1 iou_threshold=threshold
 method=('avg','max','box_and_model_avg','absent_model_aware_avg') score_threshold=(0.0,0.3) allow_overflow=flag offset
generate_anchors 200 10 (16,8,2.5,100)? d.dressed(d.rng.uniform(0.2,5,d.n))? ((8,16,32),(1,),[4,2.5])?
grid_anchors 250 33 boxes ((3,4),(0,5),[7,9],(20,13)) (16,2.5,(4,8),[1,0.5])
pyramid_anchors 120 10 image_size ((8,16,32),(64,),[5.5,4])? | ratios=((1,),(0.5,1,2)) scales=((8,),(1,2.5))
 grid_sizes=(None,[(3,4),(2,2),(1,1)])
anchors_inside_image 250 6000 boxes image_size (0,5,-3.5,1e9)?
kmeans_anchors 200 600 boxes (1,2,3,5) | seed=(0,7) max_iterations=(1,5,300) offset
match_boxes 450 2000 boxes others (0.5,0.7,1,0.6)? (0.3,0.5,0.0,0.7)? | low_quality=flag crowd ignore=spots
 ignore_threshold=threshold offset
sample_matches 200 2000 d.rng.integers(-1,2,d.n) (256,0,5,64)? (0.5,0.25,0,1,0.33)? | seed
sample_proposals 350 2000 boxes others classes | number=(0,16,512) positive_fraction=(0.25,1,0) high=(0.5,0.7,0)
 low=(0,0.1) background=(0,-1) add_objects=flag crowd ignore=spots ignore_threshold=threshold weights offset seed
rpn_targets 300 2000 boxes others image_size? | border=(0,20,-5.5,1e6) high=(0.7,0.5,1) low=(0.3,0,0.5)
 number=(None,0,16) positive_fraction=(0.5,0,1) crowd ignore=spots ignore_threshold=threshold weights offset seed
rpn_proposals 350 6000 moves scores mates image_size | min_size=pixels pre_nms=(0,5,100,6000) iou_threshold=threshold
 post_nms=(0,1,50,300) levels=labels weights clamp offset
evaluate_coco 160 10 found truth | iou_thresholds=(None,[0.5],(0,1)) max_detections=((1,10,100),(1,2,3),[5,5,5],(1,2))
CocoResult.summary 20 10 *detutils.evaluate_coco(d.value('found'),d.value('truth'))
evaluate_voc 200 10 found truth | iou_threshold=threshold method=('area','11-point') comparison=('>=','>') offset
proposal_recall 150 10 found truth | iou_thresholds=(None,[0.5],(0,1)) budgets=((None,),(1,2,None),[3],(2,1)) offset
average_best_overlap 120 10 found truth | budget=(None,1,3) offset
precision_recall_curve 150 2000 scores flags (10000,2000,700,10,0) | ignored=flags
average_precision 150 2000 d.dressed(np.sort(d.rng.random(d.n))) shares | method=('area','11-point')
plot_precision_recall 40 10 curves | names=(['a'],['a','b','c'],[])
read_coco 120 10 d.coco(True)
read_coco_detections 100 10 d.coco(False) dataset
write_coco_detections 150 10 ('out.json','no/out.json','a.json','b.json') found dataset
read_voc 300 10 voc | image_set=val class_names=(None,'ab',['a','b'],['2','x']) first_pixel=(0,1) offset
read_yolo 250 10 yolo sizes | class_names=(None,['a','b','c'],['x'])
read_image 200 10 seen
write_image 150 10 ('a.png','b.png','a.jpg','a.tif','a.webp','a.bmp','a.gif','no/a.png') image | quality=(1,50,100)
draw_boxes 160 10 image spots | labels=d.one(d.labels(d.n),['one']*d.n) scores
 colors=(None,'#ff0000',(1,2,3),'red',{'one':'#00ff00'}) width=(1,2,5) fill=part opacity=part halo=flag text_size=(8,14)
draw_segments 100 10 d.picture d.rng.integers(0,d.one(1,5,50),d.picture.shape[:2]) | style=('mean','distinct','outline')
 outline=(None,'#ff0000',(1,2,3),'red') opacity=part
draw_panels 120 10 images | titles=(['a'],['a','b\\nc']) heading=('Heading',) columns=(1,2,5) height=(20,33)
 font=(None,'no')
box_features 60 10 image spots | size=(16,24,64) cell=(8,4,5) context=(1.0,1.5,0.5)
crop_boxes 150 33 image spots (1,5,16,32)? | context=(1.0,1.5,0.5)
felzenszwalb 200 10 image (10,100,0,1000.0)? (0,0.8,2)? (0,5,20)? | connectivity=(4,8)
hierarchical_grouping 80 10 image strategy?
Hierarchy.mask 40 10 *detutils.hierarchical_grouping(d.picture) (0,0,1,2,5,99999)
selective_search 80 10 image d.one('single','fast','paper-single','no',[d.value('strategy')])? | seed=(0,3)
 min_size=(0,4,8) max_boxes=(None,0,1,20) max_side=(None,1,20,1600) ranking=('objectness','position') workers=(1,2)
propose_images 30 10 paths | max_boxes=(0,5) mode=('single','fast') seed=(0,3) workers=(1,2)
make_scenes 24 10 (0,1,2) | seed=(0,5) image_size=((64,64),(64,96),(63,80)) clutter=(0,1,2.5)
write_scenes 8 10 detutils.make_scenes(2,image_size=(64,70)) ('out','.')
BoxRegressor 150 10 | alpha=(0,1.0,1000) min_iou=threshold whiten=flag trim=part feature_norm=(None,20,0.5) offset clamp
BoxRegressor.fit,BoxRegressor.partial_fit 250 301 *learner table boxes others classes?
BoxRegressor.predict 200 301 *d.fitted(d.one(None,np.arange(40)%3)) table boxes d.rng.integers(0,3,d.n)?
BoxRegressor.save 20 10 *d.fitted() ('a.npz','b.npz','no/out.npz')
BoxRegressor.load 120 10 archive
RCNN 60 10 (['a','b'],['a','b','c']) d.rng.normal(size=(6,d.one(2,3))) d.fitted()? | features=plain proposals=plain
RCNN.propose 20 10 *rcnn image
RCNN.describe 30 10 *rcnn image spots
RCNN.detect 60 10 *rcnn image | score_threshold iou_threshold=threshold max_output regress=flag
RCNN.detect_features 80 301 *rcnn table boxes image_size? | score_threshold iou_threshold=threshold max_output
 regress=flag
RCNN.save 20 10 *rcnn ('a.npz','b.npz','no/out.npz')
RCNN.load 200 10 archive | features=plain! proposals=plain!
train_rcnn 30 10 dataset images | features=plain! proposals=plain! alpha=(1.0,10) regressor=learner jitter=(0,3)
 positive_iou=(0.7,0.5) negative_iou=(0.3,0.5) negatives=(5,50) rounds=(0,1,2) memory=(1,1000000) seed=(0,3)
 cache=('cache',)
warmup 10 10 *(1,'text',0.5,[],{})
Proposals,Sample,Scenes 20 10 odd:2
BestOverlap,Dataset,Detections,Explanation,Matches,PrecisionRecall,RpnProposals 20 10 odd:3
FusedBoxes,ImageProposals,RpnTargets 20 10 odd:4
Hierarchy,ProposalRecall,VocResult 20 10 odd:5
ProposalSample 20 10 odd:6
Strategy 20 10 odd:8 odd?
AnnotatedImage 20 10 odd:9 odd?
CocoResult 20 10 odd:18
"""
FAMILIES: dict[str, tuple[int, int, list[str], dict[str, str]]] = {}
for _entry in re.split(r"\n(?! )", re.sub(r"odd:(\d+)", lambda times: "odd " * int(times[1]), PLAN.strip())):
    _names, _count, _most, *_kinds = _entry.split()
    _bar = _kinds.index("|") if "|" in _kinds else len(_kinds)
    _options = {word.partition("=")[0]: word.partition("=")[2] or word for word in _kinds[_bar + 1 :]}
    FAMILIES |= dict.fromkeys(_names.split(","), (int(_count), int(_most), _kinds[:_bar], _options))


def answer(name: str, number: int) -> dict[str, str]:
    """Make a call, in a folder of its own, and say what it was, what became of it, and the digest of all that."""
    args, kwargs, place = [], {}, tempfile.TemporaryDirectory(prefix="recording_")
    with place as folder, contextlib.chdir(folder), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            args, kwargs = Draw(name, number, FAMILIES[name][1]).arguments(*FAMILIES[name][2:])
            result = operator.attrgetter(name)(detutils)(*args, **kwargs)
            result = list(result) if isinstance(result, Iterator) else result
        except Exception as error:
            result = error
        paths = [path for path in sorted(Path().rglob("*")) if path.is_file() and "cache" not in path.parts]
        # an archive is compared by its arrays, because it holds the time when it was written
        files = [(p, attempt(lambda p: dict(np.load(p)) if p.suffix == ".npz" else p.read_bytes(), p)) for p in paths]
    # warnings that tell how the program runs, not what it gives, are left out
    skipped = ("ResourceWarning", "SyntaxWarning", "ImportWarning", "CacheWarning")
    said = [(w.category.__name__, str(w.message)) for w in heard if w.category.__name__ not in skipped]
    digest = hashlib.blake2b(digest_size=16)
    feed(digest.update, (result, said, args, kwargs, files))
    return {"digest": digest.hexdigest(), "asked": told((args, kwargs)), "answer": told(result)}


def main() -> int:
    """Make a recording, compare the calls with one, or count them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recording", description=__doc__.partition("\n")[0])
    parser.add_argument("action", choices=("make", "compare"), nargs="?")
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--only", default="", metavar="NAME,NAME", help="the calls of these public names")
    parser.add_argument("--list", action="store_true", help="say how many calls there are of each name")
    options = parser.parse_args()
    only, public = set(filter(None, options.only.split(","))), {name.partition(".")[0] for name in FAMILIES}
    if only - public or not (options.list or options.file):
        parser.error(f"there are no calls of {', '.join(sorted(only - public))}" if only - public else "needs a FILE")
    counts = {name: family[0] for name, family in FAMILIES.items() if not only or name.partition(".")[0] in only}
    if options.list:
        print(*(f"{count:6} {name}" for name, count in counts.items()), f"{sum(counts.values()):6} in all", sep="\n")
        return 0
    start = time.perf_counter()
    found = {f"{name} {i}": answer(name, i) for name, count in counts.items() for i in range(count)}
    print(f"{len(found)} calls of {detutils.__file__} in {time.perf_counter() - start:.0f} s")
    if uncovered := sorted(set(detutils.__all__) - public - {"__version__"}):
        print(f"no calls of {', '.join(uncovered)}")
    if options.action == "make":
        options.file.write_bytes(gzip.compress("\n".join(map(json.dumps, found.items())).encode(), mtime=0))
        return 0
    kept = dict(map(json.loads, gzip.decompress(options.file.read_bytes()).splitlines()))
    kept = {call: line for call, line in kept.items() if call.split()[0] in counts}
    none = {"digest": "", "asked": "", "answer": "no such call"}
    differ = [call for call in kept | found if kept.get(call, none)["digest"] != found.get(call, none)["digest"]]
    print(f"{len(differ)} differ")
    for call in differ[:20]:
        was, now = kept.get(call, none), found.get(call, none)
        print(f"{call}: {now['asked'] or was['asked']}\n    was {was['answer']}\n    is  {now['answer']}")
    return 1 if differ else 0


if __name__ == "__main__":
    raise SystemExit(main())
