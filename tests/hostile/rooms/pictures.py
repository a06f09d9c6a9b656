"""Drawing, reading and writing of pictures."""

from __future__ import annotations

import numpy as np

import detutils as d
from tests.hostile.files import saved
from tests.hostile.goods import BOXES, DETECTIONS, FOUND, IMAGE, LABELS, PICTURE, PIXELS, SCORES, TRUTH, A, Add
from tests.hostile.kinds import flag, image, indices, integer, names, nothing, number, numbers, path, word


def fill(add: Add) -> None:
    add(
        "draw_errors",
        d.draw_errors,
        image=PIXELS,
        errors=A(d.detection_errors([FOUND], [IMAGE]), nothing),
        index=A(0, integer),
        detections=DETECTIONS,
        ground_truth=TRUTH,
        names=A(["a", "b"], names, optional=True),
        show_right=A(True, flag),
    )
    add(
        "draw_boxes",
        d.draw_boxes,
        image=PIXELS,
        boxes=A(BOXES, numbers),
        labels=A(LABELS, names, optional=True),
        scores=A(SCORES, numbers, optional=True),
        keypoints=A(BOXES.reshape(5, 2, 2), numbers),
        skeleton=A([[0, 1]], indices, optional=True),
        colors=A(None, nothing, "color", optional=True),
        width=A(1, integer, optional=True),
        fill=A(0.5, number),
        opacity=A(0.5, number),
        halo=A(True, flag),
        text_size=A(10, integer, optional=True),
        font=A(None, path, optional=True),
    )
    add(
        "draw_segments",
        d.draw_segments,
        image=PIXELS,
        segments=A(np.arange(24 * 32).reshape(24, 32) // 99, indices),
        style=A("mean", word),
        outline=A("#ff0000", word, optional=True),
        opacity=A(0.5, number),
    )
    add(
        "draw_panels",
        d.draw_panels,
        pictures=A([PICTURE], nothing),
        titles=A(["a"], names, optional=True),
        heading=A("b", word, optional=True),
        columns=A(1, integer, optional=True),
        height=A(24, integer, optional=True),
        font=A(None, path, optional=True),
    )
    add("draw_panels, picture", lambda picture: d.draw_panels([picture]), picture=A(PICTURE, image, "pictures"))
    add("read_image", d.read_image, path=A("pictures/a.png", path))
    add("write_image", saved(d.write_image), path=A("written.png", path), image=PIXELS)
    add("write_image, JPEG", saved(d.write_image), path=A("written.jpg", path), image=PIXELS, quality=A(90, integer))
