"""From a network's input and output to the photograph."""

from __future__ import annotations

import numpy as np

import detutils as d
from tests.hostile.goods import BOXES, FOUND, LABELS, PIXELS, SCORES, A, Add
from tests.hostile.kinds import (
    few_integers,
    few_numbers,
    flag,
    integer,
    labels,
    nothing,
    number,
    numbers,
    side_or_sides,
    word,
)  # fmt: skip


def fill(add: Add) -> None:
    fitting = {
        "align": A("center", word),
        "stride": A(8, integer, optional=True),
        "scale_up": A(True, flag),
        "rounding": A("round", word),
        "gain": A("exact", word),
    }
    geometry = d.Letterbox.fit((64, 80), 32)
    add("letterbox", d.letterbox, image=PIXELS, size=A(32, side_or_sides), fill=A(114, integer), **fitting)
    add("letterbox, stretch", d.letterbox, image=PIXELS, size=A((32, 48), side_or_sides), stretch=A(True, flag))
    add("Letterbox.fit", d.Letterbox.fit, image_size=A((64, 80), few_integers), size=A(32, side_or_sides), **fitting)
    add(
        "Letterbox",
        d.Letterbox,
        image_size=A((64, 80), few_integers),
        input_size=A((32, 40), few_integers),
        scale=A((0.5, 0.25), few_numbers),
        pad=A((0, 1.5), few_numbers),
    )
    for way in ("image", "input"):
        for things in ("boxes", "points"):
            name = f"{things}_to_{way}"
            add(
                f"Letterbox.{name}",
                getattr(geometry, name),
                **{things: A(BOXES if things == "boxes" else BOXES[:, :2], numbers)},
                clip=A(False, flag),
                on_invalid=A("raise", word),
            )
        outlines = getattr(geometry, f"outlines_to_{way}")  # of which nearly everything that holds numbers is one
        add(f"Letterbox.outlines_to_{way}", lambda clip, move=outlines: move([BOXES[0]], clip=clip), clip=A(True, flag))
    add(
        "tile_image",
        d.tile_image,
        image_size=A((64, 80), few_integers),
        tile=A((32, 48), side_or_sides),
        overlap=A(8, side_or_sides),
        edge=A("move", word),
    )
    add(
        "join_tiles",
        lambda tiles, on_invalid="raise": d.join_tiles([FOUND] * 5, tiles, on_invalid=on_invalid).boxes,
        tiles=A(BOXES, numbers),
        on_invalid=A("raise", word),
    )
    add(
        "join_tiles, records",
        lambda **v: d.join_tiles([d.Detections(**{**FOUND.to_dict(), **v})], BOXES[:1]).to_coco(1),
        boxes=A(BOXES, numbers),
        scores=A(SCORES, numbers),
        labels=A(LABELS, labels),
        keypoints=A(BOXES.reshape(5, 2, 2), numbers, optional=True),
    )
    fill_candidates(add)


def fill_candidates(add: Add) -> None:
    """Candidates, and the heads whose rows hold a box and class scores."""
    table = np.array([
        [10, 40, 12, 60, 42], [10, 40, 11, 60, 41], [8, 6, 8, 10, 6], [8, 6, 7, 10, 6],
        [0.5, 0.875, 0.25, 0.75, 0.5], [0.25, 0.125, 0.75, 0.5, 0.625],
    ])  # fmt: skip
    choosing = {
        "multi_label": A(False, flag),
        "activation": A("none", word),
        "max_candidates": A(3, integer, optional=True),
        "on_invalid": A("raise", word),
    }
    add(
        "class_candidates",
        d.class_candidates,
        scores=A(table[4:], numbers, "score"),
        score_threshold=A(0.375, number),
        channels=A("first", word),
        objectness=A(np.array([0.5, 1, 1, 0.75, 1]), numbers, "score", optional=True),
        background=A(None, word, optional=True),
        **choosing,
    )
    tail = {
        "score_threshold": A(0.375, number),
        "iou_threshold": A(0.5, number, optional=True),
        "max_output": A(4, integer, optional=True),
        "class_agnostic": A(False, flag),
        "letterbox": A(d.Letterbox.fit((64, 80), 64), nothing, optional=True),
        "channels": A("first", word),
        "objectness": A(False, flag),
        **choosing,
    }
    add(
        "detections_from_yolo",
        d.detections_from_yolo,
        output=A(table, numbers, "row"),
        classes=A(2, integer, optional=True),
        box_format=A("cxcywh", word),
        normalized=A(False, flag),
        keypoints=A(None, few_integers, "class scores", optional=True),
        mask_coefficients=A(0, integer, "class scores"),
        **tail,
    )
    grid = np.where(np.arange(6)[:, None, None] < 4, 0.25, np.linspace(-2, 2, 12).reshape(1, 3, 4))
    add(
        "detections_from_grids",
        d.detections_from_grids,
        outputs=A([grid], nothing, taken="3-D|4-D"),
        anchors=A(np.array([[[24.0, 16]]]), numbers, optional=True),
        strides=A([8], few_numbers),
        coding=A("yolov5", word),
        input_size=A((24, 32), few_numbers, optional=True),
        **{**tail, "activation": A("sigmoid", word, optional=True)},
    )
