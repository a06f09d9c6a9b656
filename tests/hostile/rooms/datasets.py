"""Readers and writers of data sets."""

from __future__ import annotations

import detutils as d
from tests.hostile.files import saved, saved_folder
from tests.hostile.goods import BOXES, DATASET, FOUND, LABELS, OFFSET, SCORES, A, Add
from tests.hostile.kinds import (
    few_integers,
    few_numbers,
    flag,
    integer,
    labels,
    names,
    names_or_ids,
    nothing,
    number,
    numbers,
    path,
    word,
)


def fill(add: Add) -> None:
    reading = {"classes": A(["cat"], names_or_ids, optional=True), "on_invalid": A("raise", word)}
    naming = {"class_names": A(["cat"], names, optional=True), **reading}
    add("read_coco", d.read_coco, path=A("coco.json", path), keep_outlines=A(False, flag), **reading)
    add("read_labelme", d.read_labelme, path=A("labelme.json", path), **naming)
    add("read_cvat", d.read_cvat, path=A("cvat.xml", path), **naming)
    add("read_dataset", d.read_dataset, path=A("cvat.xml", path), format=A("cvat", word, optional=True), **naming)
    add("read_dota", d.read_dota, labels=A("labelTxt", path), images=A("pictures", path, optional=True), **naming)
    add("read_dota, sizes", lambda size: d.read_dota("labelTxt", {"a": size}), size=A((64, 80), few_numbers, "images"))
    add("write_dota", saved_folder(d.write_dota), folder=A("written_dota", path), dataset=A(DATASET, nothing))
    add("dataset_format", d.dataset_format, path=A("voc", path))
    add(
        "read_detections",
        d.read_detections,
        path=A("found.csv", path),
        dataset=A(DATASET, nothing),
        format=A("csv", word, optional=True),
        on_invalid=A("raise", word),
    )
    add(
        "read_detections, VOC",
        lambda **v: d.read_detections("comp4_det_test_cat.txt", DATASET, **v),
        pixels=A("continuous", word),
        first_pixel=A(1, integer, optional=True),
        **OFFSET,
    )
    add(
        "read_detections, YOLO",
        lambda **v: d.read_detections("found", DATASET, **{"class_numbers": "labels", **v}),
        class_numbers=A("labels", word, optional=True),
        keypoints=A(None, few_integers, optional=True),
    )
    add("write_coco", saved(d.write_coco), path=A("written.json", path), dataset=A(DATASET, nothing))
    add(
        "write_voc",
        saved_folder(d.write_voc),
        folder=A("written_voc", path),
        dataset=A(DATASET, nothing),
        pixels=A("continuous", word),
        first_pixel=A(1, integer, optional=True),
    )
    add(
        "write_yolo",
        saved_folder(d.write_yolo),
        folder=A("written_yolo", path),
        dataset=A(DATASET, nothing),
        outlines=A(False, flag),
    )
    add(
        "Detections",
        lambda class_ids=(5, 7), **v: d.Detections(**v).to_coco(1, class_ids),
        boxes=A(BOXES, numbers),
        scores=A(SCORES, numbers),
        labels=A(LABELS, labels),
        class_ids=A((5, 7), few_integers, "labels", optional=True),
    )
    add("read_coco_detections", d.read_coco_detections, path=A("found.json", path), dataset=A(DATASET, nothing))
    add(
        "write_coco_detections",
        saved(d.write_coco_detections),
        path=A("written.json", path),
        detections=A([FOUND], nothing),
        dataset=A(DATASET, nothing),
    )
    add(
        "write_coco_detections, fields",
        lambda **v: d.write_coco_detections("fields.json", [FOUND.replace(**v)], DATASET),
        boxes=A(BOXES, numbers),
        scores=A(SCORES, numbers),
        labels=A(LABELS, labels),
    )
    add(
        "read_voc",
        d.read_voc,
        path=A("voc", path),
        image_set=A("train", word, optional=True),
        pixels=A("continuous", word),
        first_pixel=A(1, integer, optional=True),
        **naming,
        **OFFSET,
    )
    add(
        "read_yolo",
        d.read_yolo,
        labels=A("labels", path),
        images=A("pictures", path),
        **{**naming, "class_names": A(["cat", "dog"], names, optional=True)},
    )
    add("read_yolo, sizes", lambda size: d.read_yolo("labels", {"a": size}), size=A((64, 80), few_numbers, "images"))
    add(
        "make_scenes",
        d.make_scenes,
        slow=True,
        count=A(1, integer),
        seed=A(1, integer),
        image_size=A((64, 72), few_integers),
        clutter=A(0.5, number),
    )
    add(
        "write_scenes",
        d.write_scenes,
        slow=True,
        scenes=A(d.make_scenes(1, image_size=(64, 64)), nothing),
        folder=A("scenes", path),
    )
