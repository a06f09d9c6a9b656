"""Pictures of boxes and of segmentations: legible at any size, safe for the color-blind.

The colors are Okabe and Ito's, every line has a dark halo and every text the contrast that its ground
allows. Lines are rasterised here; text is set by Pillow, which comes with scikit-image. OpenCV is not needed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from detutils._jit import U1
from detutils._validate import (
    as_boxes,
    as_choice,
    as_color,
    as_flag,
    as_integer,
    as_names,
    as_number,
    as_segments,
    as_vector,
    count_of,
    dimensions,
    valid_rows,
)
from detutils.geometry.rotated import Angle
from detutils.pictures._kernels.drawing import draw_frames
from detutils.pictures.outlines import as_outlines, draw_rotated, places_of_tags
from detutils.pictures.poses import HALO_OPACITY, as_keypoints, as_skeleton, draw_poses
from detutils.pictures.text import (
    INK,
    PAPER,
    Color,
    as_canvas,
    fitted,
    load_font,
    set_text,
    text_size_in,
    warn_of_lacking,
)

# Okabe and Ito, "Color Universal Design" (2008), the most visible on photographs first; black is left out.
PALETTE = ("#e69f00", "#56b4e9", "#009e73", "#d55e00", "#cc79a7", "#f0e442", "#0072b2")


class Record(Protocol):
    """What ``draw_boxes`` takes for boxes with all that belongs to them: ``Detections``, or what looks like them."""

    @property
    def boxes(self) -> Any: ...
    @property
    def scores(self) -> Any: ...
    @property
    def labels(self) -> Any: ...


def draw_boxes(
    image: npt.ArrayLike,
    boxes: npt.ArrayLike | Record,
    *,
    labels: Sequence[str | int] | npt.ArrayLike | None = None,
    scores: npt.ArrayLike | None = None,
    keypoints: npt.ArrayLike | None = None,
    skeleton: npt.ArrayLike | None = None,
    colors: Color | Sequence[Color] | Mapping[Any, Color] | None = None,
    width: int | None = None,
    fill: float = 0.0,
    opacity: float = 1.0,
    halo: bool = True,
    text_size: int | None = None,
    font: str | os.PathLike[str] | None = None,
    on_invalid: Literal["raise", "drop"] = "raise",
    angle: Angle | None = None,
) -> U1:
    """Draw boxes on a copy of an image, each with its label and score.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like
        Gray or RGB(A); uint8, uint16 or float in 0..1.
    boxes : (N, 4), (N, 5) or (N, 8) array_like, or Detections
        x1, y1, x2, y2 in pixels. Boxes partly outside are clipped to the image, boxes wholly outside are not
        drawn. With ``angle`` named, rotated boxes, cx, cy, w, h, angle; of eight numbers, the corners x1, y1, ... x4,
        y4 of any quadrilateral. A record of detections brings its labels, its scores and, where it has some, its
        keypoints, unless others are given.
    labels : (N,) sequence of str or int, optional
        What each box is; equal labels get equal colors. Pillow's built-in typeface has the printable ASCII
        characters and a few signs (©«°±´·»‘’“”…‹›⁄™), no accents and no other scripts: those need ``font``.
    scores : (N,) array_like, optional
        Written behind the label. Boxes of higher score are drawn over those of lower score (of equal score,
        the lower index above).
    keypoints : (N, K, 2) or (N, K, 3) array_like, optional
        x, y of K points of each box, drawn as dots; points outside the image are not seen. A third number is a score
        or COCO's visibility: a point where it is 0 is not there, may be NaN, and is not drawn.
    skeleton : (L, 2) array_like of int, optional
        Pairs of keypoints, counted from 0, between which limbs are drawn where both are there.
    colors : color, (N,) sequence of colors, or mapping from label to color, optional
        A color is "#rrggbb" or three integers of 0..255. By default labels take turns in a palette that
        color-blind readers can tell apart: integers by their value, strings in sorted order.
    width : int, optional
        Of the lines, in pixels. By default it grows with the image: 1 to 320 px, 2 to 700 px, and so on.
    fill : float, default 0
        Opacity of the inside of each box, 0..1.
    opacity : float, default 1
        Opacity of the lines, 0..1. Small values show where many boxes meet.
    halo : bool, default True
        Whether lines have a thin dark edge, which keeps them visible on any ground.
    text_size : int, optional
        Height of the letters in pixels. By default it grows with the image.
    font : path, optional
        A TrueType or OpenType font, for characters that the built-in one lacks.
    on_invalid : {"raise", "drop"}, default "raise"
        What to do with rows whose box breaks the contract or whose score is not finite: refuse them all, or
        leave these out, with their labels, keypoints and colors. Of keypoints that are not finite, the point is left
        out.
    angle : {"ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, optional
        In which sense, as seen, and in which unit rotated boxes are turned: see ``rotated_box_convert``.

    Returns
    -------
    picture : (H, W, 3) uint8 ndarray
        16-bit and float images are brought to 8 bits, transparent ones laid on white.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract.
    OSError
        If ``font`` cannot be read.

    Warns
    -----
    UserWarning
        Once a call, if the typeface lacks characters of the labels. It names them.

    Notes
    -----
    Labels stand above their box, or inside or below it where there is no room or another label stands; a
    label wider than the image is shortened. The line of an upright box lies inside its edges, on whole pixels; that of
    a rotated box or a quadrilateral along its edges, half on either side, and its label stands at the highest corner
    that is seen. Cost: the pixels of the lines, and O(N^2) for the places of N
    labels.

    References
    ----------
    M. Okabe and K. Ito, "Color Universal Design", 2008.

    Examples
    --------
    >>> import detutils, numpy as np
    >>> photo = np.full((90, 120, 3), 200, np.uint8)
    >>> picture = detutils.draw_boxes(photo, [[10, 30, 80, 85]], labels=["cup"], scores=[0.93])
    >>> picture.shape, bool((picture != photo).any())
    ((90, 120, 3), True)
    """
    canvas = as_canvas(image)
    drops = as_choice(on_invalid, "on_invalid", ("raise", "drop")) == "drop"
    if hasattr(boxes, "boxes") and hasattr(boxes, "scores") and hasattr(boxes, "labels"):
        labels = boxes.labels if labels is None else labels
        scores = boxes.scores if scores is None else scores
        keypoints = getattr(boxes, "keypoints", None) if keypoints is None else keypoints
        boxes = boxes.boxes
    shapes = as_outlines(boxes, angle, drops=drops)
    rows = as_boxes(boxes, check_rows=not drops) if shapes is None else shapes[0]
    names = None if labels is None else as_names(labels, "labels", rows.shape[0])
    points = None if scores is None else as_vector(scores, "scores", rows.shape[0], finite=not drops)
    paints = _colors(colors, names, rows.shape[0])
    if skeleton is not None and keypoints is None:
        raise ValueError("skeleton joins keypoints, and there are none")
    none = np.empty((rows.shape[0], 0, 2))
    places, drawn = as_keypoints(none if keypoints is None else keypoints, rows.shape[0], drops=drops)
    limbs = as_skeleton(skeleton, places.shape[1])
    if drops:
        good = valid_rows(rows, points) if shapes is None else _valid(shapes[1], points)
        rows, paints, places, drawn = rows[good], paints[good], places[good], drawn[good]
        names = None if names is None else [names[i] for i in good]
        points = None if points is None else points[good]
    size = float(np.sqrt(canvas.shape[0] * canvas.shape[1]))
    line = max(1, round(size / 300)) if width is None else as_integer(width, "width", 1, 1000)
    fill = as_number(fill, "fill", 0.0, 1.0)
    opacity = as_number(opacity, "opacity", 0.0, 1.0)
    halo_width = max(1.0, line * 0.4) if as_flag(halo, "halo") else 0.0
    letters = max(10, round(size / 40)) if text_size is None else as_integer(text_size, "text_size", 4, 2000)
    typeface = load_font(font, letters) if font is not None or names is not None or points is not None else None
    if names is not None:
        warn_of_lacking(typeface, names)

    order = np.arange(rows.shape[0]) if points is None else np.argsort(-points, kind="stable")[::-1]
    place = _frames if shapes is None else places_of_tags
    frames, seen = place(rows, canvas.shape[0], canvas.shape[1], line)
    every, order = order, order[seen[order]]
    if shapes is None:
        style = (float(line), 1.5 * line + 0.5, halo_width, HALO_OPACITY, opacity, fill)
        draw_frames(canvas, frames[order], paints[order], style)
    else:
        draw_rotated(canvas, rows, paints, every, (float(line), halo_width, opacity, fill))
    if places.size:
        draw_poses(canvas, places, drawn, limbs, paints, every, (float(line), halo_width, opacity))
    if names is not None or points is not None:
        texts = _texts(names, points)
        _write_tags(canvas, frames, paints, texts, order[::-1], typeface, letters)
    return canvas


def draw_segments(
    image: npt.ArrayLike,
    segments: npt.ArrayLike,
    *,
    style: Literal["mean", "distinct", "outline"] = "mean",
    outline: Color | None = "#ffffff",
    opacity: float = 1.0,
) -> U1:
    """Draw a segmentation: every segment in one color, with outlines.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like
        The picture that was segmented; uint8, uint16 or float in 0..1.
    segments : (H, W) array_like of int
        The number of the segment of each pixel, as ``felzenszwalb`` returns it.
    style : {"mean", "distinct", "outline"}, default "mean"
        Fill each segment with its mean color, with a color of its own, or leave the image as it is.
    outline : color or None, default white
        "#rrggbb" or three integers of 0..255; None draws no outlines.
    opacity : float, default 1
        Opacity of the filling over the image, 0..1.

    Returns
    -------
    picture : (H, W, 3) uint8 ndarray

    Raises
    ------
    TypeError, ValueError
        If an argument breaks the contract, or ``segments`` differs from the image in height or width.

    Notes
    -----
    Outlines are one pixel wide. O(H W log(H W)). The colors of "distinct" depend on the numbers
    of the segments only.

    Examples
    --------
    >>> import detutils, numpy as np
    >>> gray = np.array([[0, 20, 200, 220]], np.uint8)
    >>> detutils.draw_segments(gray, [[0, 0, 1, 1]], outline=None)[0, :, 0]
    array([ 10,  10, 210, 210], dtype=uint8)
    """
    canvas = as_canvas(image)
    numbers = as_segments(segments, canvas.shape[:2])
    style = as_choice(style, "style", ("mean", "distinct", "outline"))
    opacity = as_number(opacity, "opacity", 0.0, 1.0)
    border = None if outline is None else as_color(outline, "outline")
    if style != "outline":
        which, index, count = np.unique(numbers, return_inverse=True, return_counts=True)
        index = index.reshape(-1)
        if style == "mean":
            sums = [np.bincount(index, canvas[..., channel].reshape(-1)) for channel in range(3)]
            colors = np.stack(sums, axis=1) / count[:, None]
        else:
            colors = _distinct(which)
        flat = colors[index].reshape(canvas.shape)
        canvas[...] = np.round(canvas + opacity * (flat - canvas)).astype(np.uint8)
    if border is not None:
        edge = np.zeros(numbers.shape, bool)
        for axis in (0, 1):
            ahead = np.diff(numbers, axis=axis) != 0
            here = (slice(None, -1), slice(None)) if axis == 0 else (slice(None), slice(None, -1))
            edge[here] |= ahead
        strength = 0.85 if style == "outline" else 0.5
        canvas[edge] = np.round(canvas[edge] * (1 - strength) + np.array(border) * strength).astype(np.uint8)
    return canvas


# ---- parts -------------------------------------------------------------------------------------------------

def _colors(colors: Any, names: list[str] | None, count: int) -> U1:
    """One color a box, (N, 3)."""
    if colors is None:
        colors = _palette_for(names) if names is not None else PALETTE[0]
    if isinstance(colors, Mapping):
        if names is None:
            raise ValueError("colors is a mapping from labels, and there are no labels")
        table = {str(key): as_color(value, f"colors[{key!r}]") for key, value in colors.items()}
        missing = [name for name in names if name not in table]
        if missing:
            raise ValueError(f"colors has no color for the label {missing[0]!r}")
        chosen = [table[name] for name in names]
    elif isinstance(colors, str) or _is_triple(colors):
        chosen = [as_color(colors, "colors")] * count
    else:
        many = isinstance(colors, (Sequence, np.ndarray)) and not isinstance(colors, np.ma.MaskedArray)
        many = many and getattr(colors, "ndim", 1) != 0
        if not many or count_of(colors) != count:
            raise ValueError(f"colors must be one color or {count} colors, one for each box")
        chosen = [as_color(color, f"colors[{i}]") for i, color in enumerate(colors)]
    return np.array(chosen, np.uint8).reshape(count, 3)


def _palette_for(names: list[str]) -> dict[str, str]:
    different = sorted(set(names))
    numbers = {name: int(name) for name in different if re.fullmatch(r"-?\d{1,19}", name)}
    words = [name for name in different if name not in numbers]
    turns = {name: turn for turn, name in enumerate(words)} | numbers
    return {name: PALETTE[turn % len(PALETTE)] for name, turn in turns.items()}


def _is_triple(colors: Any) -> bool:
    if isinstance(colors, np.ma.MaskedArray) or dimensions(colors) != 1 or count_of(colors) != 3:
        return False
    return not isinstance(next(iter(colors)), str)


def _frames(boxes: Any, height: int, width: int, line: int) -> tuple[Any, Any]:
    """Outer edges of the strokes on whole pixels inside the image, and which boxes are seen at all."""
    limit = np.array([width, height, width, height], np.float64)
    seen = (boxes[:, 0] < width) & (boxes[:, 1] < height) & (boxes[:, 2] > 0) & (boxes[:, 3] > 0)
    edges = np.round(np.clip(boxes, 0, limit))
    edges[:, :2] = np.maximum(edges[:, :2] - line // 2, 0)
    edges[:, 2:] = np.minimum(np.maximum(edges[:, 2:] + line // 2, edges[:, :2] + line), limit[:2])
    edges[:, :2] = np.maximum(np.minimum(edges[:, :2], edges[:, 2:] - line), 0)
    return edges, seen


def _valid(sound: Any, points: Any) -> Any:
    """The rows whose box fulfils the contract and whose score is finite."""
    return np.flatnonzero(sound if points is None else sound & np.isfinite(points))


def _texts(names: list[str] | None, points: Any) -> list[str]:
    if points is None:
        return list(names or [])
    unit = points.size == 0 or (points.min() >= 0 and points.max() <= 1)
    numbers = [f"{value:.2f}" if unit else f"{value:.3g}" for value in points.tolist()]
    if names is None:
        return numbers
    return [f"{name}  {number}" for name, number in zip(names, numbers)]


def _write_tags(
    canvas: U1, frames: Any, paints: U1, texts: list[str], order: Any, typeface: Any, letters: int
) -> None:
    """The best box first: each tag takes the first free place at its box; the best is drawn last."""
    height, width = canvas.shape[:2]
    pad = max(2, round(letters * 0.32))
    tall = letters + 2 * max(1, round(letters * 0.2))
    taken = np.empty((0, 4))
    placed = []
    for i in order:
        text = fitted(typeface, texts[i], width - 2 * pad)
        if not text or tall > height:
            continue
        wide = text_size_in(typeface, text) + 2 * pad
        x1, y1, x2, y2 = frames[i]
        left = float(np.clip(x1, 0, max(width - wide, 0)))
        right = float(np.clip(x2 - wide, 0, max(width - wide, 0)))
        above, below = y1 - tall, y2 - tall
        places = np.array([(left, above), (left, y1), (left, y2), (right, above), (right, y1), (left, below)])
        tags = np.hstack([places, places + (wide, tall)])
        tags = tags[(tags[:, 1] >= 0) & (tags[:, 3] <= height)]
        if not len(tags):
            continue
        across = np.minimum(tags[:, None, 2], taken[:, 2]) - np.maximum(tags[:, None, 0], taken[:, 0])
        down = np.minimum(tags[:, None, 3], taken[:, 3]) - np.maximum(tags[:, None, 1], taken[:, 1])
        hidden = (across.clip(0) * down.clip(0)).sum(axis=1)
        tag = tags[np.argmin(hidden)]
        taken = np.vstack([taken, tag])
        placed.append((i, tag, text))
    for i, tag, text in reversed(placed):
        ink = _ink_on(paints[i])
        draw_frames(canvas, tag[None], paints[i : i + 1], (0.0, letters * 0.18, 0.0, 0.0, 0.0, 1.0))
        set_text(canvas, typeface, text, tag[0] + pad, tag[1] + (tall - letters) / 2, ink)


def _ink_on(color: U1) -> tuple[int, int, int]:
    """Black or white, whichever contrasts more (WCAG 2, relative luminance)."""
    linear = (color / 255.0) ** 2.2
    luminance = float(linear @ np.array([0.2126, 0.7152, 0.0722]))
    return INK if luminance > 0.18 else PAPER


def _distinct(which: Any) -> Any:
    """A color for each number: hues a golden angle apart, in three lightnesses."""
    hue = (which * 0.6180339887498949) % 1.0
    wheel = np.abs((hue[:, None] + np.array([0.0, 2 / 3, 1 / 3])) % 1.0 * 6 - 3) - 1
    light = np.array([0.95, 0.75, 0.55])[which % 3][:, None]
    return 255 * light * (0.35 + 0.65 * wheel.clip(0, 1))
