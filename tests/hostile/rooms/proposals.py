"""Segmentation and Selective Search."""

from __future__ import annotations

from typing import Any

import detutils as d
from tests.hostile.goods import PICTURE, PIXELS, A, Add
from tests.hostile.kinds import integer, nothing, number, path, word


def _strategy(**fields: Any) -> Any:
    return d.hierarchical_grouping(PICTURE, d.Strategy(**fields))


def fill(add: Add) -> None:
    add(
        "felzenszwalb",
        d.felzenszwalb,
        image=PIXELS,
        scale=A(50.0, number),
        sigma=A(0.5, number),
        min_size=A(4, integer),
        connectivity=A(4, integer),
    )
    add("hierarchical_grouping", d.hierarchical_grouping, slow=True, image=PIXELS, strategy=A(d.Strategy(), nothing))
    add(
        "Strategy",
        _strategy,
        slow=True,
        color_space=A("lab", word),
        scale=A(50.0, number),
        color=A(1.0, number),
        texture=A(0.5, number),
        size=A(1.0, number),
        fill=A(1.0, number),
        min_size=A(4, integer, optional=True),
        sigma=A(0.5, number),
        shrink=A(1, integer),
    )
    grown = d.hierarchical_grouping(PICTURE)
    add("Hierarchy.mask", grown.mask, region=A(1, integer))
    add(
        "selective_search",
        d.selective_search,
        slow=True,
        image=PIXELS,
        mode=A("single", word),
        seed=A(1, integer),
        min_size=A(4, integer),
        max_boxes=A(9, integer, optional=True),
        max_side=A(32, integer, optional=True),
        ranking=A("position", word),
        workers=A(1, integer),
    )
    add(
        "propose_images",
        lambda **v: list(d.propose_images(mode="single", **v)),
        slow=True,
        paths=A(
            ["pictures/a.png"],
            nothing,
            taken="[]|()|texts|text array|strings|0 rows|empty|empty ints|empty texts|empty bools|empty objects",
        ),
        workers=A(1, integer),
        progress=A(None, nothing, optional=True, called=True),
    )
    add(
        "propose_images, one path",
        lambda path: list(d.propose_images([path], mode="single")),
        slow=True,
        path=A("pictures/a.png", path),
    )
