"""From a network's input and output to the photograph."""

from __future__ import annotations

import detutils as d
from tests.hostile.goods import BOXES, FOUND, LABELS, PIXELS, SCORES, A, Add
from tests.hostile.kinds import few_integers, few_numbers, flag, integer, labels, numbers, side_or_sides, word


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
