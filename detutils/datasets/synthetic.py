"""Annotated scenes made by a seeded generator, for examples, tests and first experiments."""

from __future__ import annotations

import json
import math
import os
from typing import Any, NamedTuple

import numpy as np

from detutils._files import inside, replace_file
from detutils._jit import F8, U1
from detutils._validate import as_integer, as_items_of, as_number, as_path, as_seed, check_memory
from detutils.datasets.records import AnnotatedImage, Dataset
from detutils.pictures.files import write_image

SHAPES = ("disk", "square", "triangle", "cross", "star")
FINE = 3  # sub-pixels along a side where an outline is filled
SMALLEST = 24.0  # pixels


class Scenes(NamedTuple):
    """Images and what is in them.

    Attributes
    ----------
    images : list of (H, W, 3) uint8 ndarray
        RGB.
    dataset : Dataset
        One record an image, in the same order; the classes are disk, square, triangle, cross and star.

    Examples
    --------
    >>> import detutils
    >>> images, dataset = detutils.make_scenes(2, seed=1)
    >>> images[0].shape, len(dataset.images)
    ((192, 256, 3), 2)
    """

    images: list[U1]
    dataset: Dataset


def make_scenes(
    count: int, *, seed: int = 0, image_size: tuple[int, int] = (192, 256), clutter: float = 1.0
) -> Scenes:
    """Draw scenes of shapes in front of textures, partly hidden, tilted, stretched and noisy.

    A scene holds up to four objects of five classes, told apart by their outline only: colors, stripes,
    shading, proportions (up to 1 : 1.7) and tilt (up to 20 degrees) are random. Bars and scraps lie in front
    of them and between them. Segmentation therefore splits objects and joins them to what is beside them,
    proposals are loose, and box regression has something to mend.

    Parameters
    ----------
    count : int
        How many images, at least 0.
    seed : int, default 0
        The same seed gives the same scenes; image i does not depend on ``count``.
    image_size : (height, width), default (192, 256)
        In pixels, whole numbers, each at least 64.
    clutter : float, default 1.0
        How many bars and scraps there are beside the usual number; 0 for none.

    Returns
    -------
    scenes : Scenes
        Images and records. A box encloses the whole outline of an object, also the hidden part, within the
        image.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If an argument is out of its range.
    MemoryError
        If the images are larger than the memory that is free.

    Notes
    -----
    Linear in the number of pixels: less than a tenth of a second for an image of the default size.

    Examples
    --------
    >>> import detutils
    >>> images, dataset = detutils.make_scenes(1, seed=7)
    >>> dataset.class_names
    ('disk', 'square', 'triangle', 'cross', 'star')
    >>> record = dataset.images[0]
    >>> record.boxes.shape == (len(record.labels), 4)
    True
    """
    number = as_integer(count, "count", 0)
    start = as_seed(seed)
    height, width = as_items_of(image_size, "image_size", "a pair (height, width)", 2)
    size = (as_integer(height, "image_size[0]", 64), as_integer(width, "image_size[1]", 64))
    more = as_number(clutter, "clutter", 0.0, 100.0)
    check_memory(number * size[0] * size[1] * 3, f"a count of {number} scenes with an image_size of {size}")
    drawn = [_scene(np.random.default_rng([start, i]), size, more) for i in range(number)]
    records = []
    for i, (_, boxes, labels) in enumerate(drawn):
        no = np.zeros(len(boxes), bool)
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        name = f"scene_{start}_{i:05d}.png"
        records.append(AnnotatedImage(name, size, boxes, labels, no, no.copy(), no.copy(), areas, i))
    dataset = Dataset(records, SHAPES, tuple(range(1, len(SHAPES) + 1)))
    return Scenes([image for image, _, _ in drawn], dataset)


def write_scenes(scenes: Scenes, folder: str | os.PathLike[str]) -> str:
    """Write scenes as a data set in COCO's layout: the images as PNG, and ``instances.json``.

    Parameters
    ----------
    scenes : Scenes
        What ``make_scenes`` returned.
    folder : str or path
        Where to write; made if it is not there.

    Returns
    -------
    path : str
        The annotation file, for ``read_coco``.

    Raises
    ------
    TypeError
        If ``scenes`` are no ``Scenes`` or ``folder`` is no path.
    ValueError
        If the name of an image leads out of the folder.
    OSError
        If something cannot be written.

    Notes
    -----
    Linear in the number of pixels. Files of the same names are replaced.

    Examples
    --------
    >>> import detutils
    >>> path = detutils.write_scenes(detutils.make_scenes(3), "scenes")
    >>> len(detutils.read_coco(path).images)
    3
    """
    if not isinstance(scenes, Scenes):
        raise TypeError(f"scenes must be Scenes, got {type(scenes).__name__}")
    place = as_path(folder, "folder")
    files = [inside(place, record.name) for record in scenes.dataset.images]
    place.mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image, record, file in zip(scenes.images, scenes.dataset.images, files, strict=True):
        write_image(file, image)
        height, width = image.shape[:2]
        images.append({"id": record.image_id, "file_name": record.name, "height": height, "width": width})
        for (x1, y1, x2, y2), label in zip(record.boxes.tolist(), record.labels.tolist(), strict=True):
            annotations.append(
                {"id": len(annotations) + 1, "image_id": record.image_id, "bbox": [x1, y1, x2 - x1, y2 - y1],
                 "category_id": scenes.dataset.class_ids[label], "area": (x2 - x1) * (y2 - y1), "iscrowd": 0}
            )  # fmt: skip
    names = zip(scenes.dataset.class_ids, scenes.dataset.class_names, strict=True)
    categories = [{"id": number, "name": name} for number, name in names]
    path = place / "instances.json"
    content = {"images": images, "annotations": annotations, "categories": categories}
    replace_file(path, lambda target: target.write(json.dumps(content).encode()))
    return str(path)


def _scene(rng: np.random.Generator, size: tuple[int, int], clutter: float) -> tuple[U1, F8, np.ndarray]:
    height, width = size
    image = _texture(rng, height, width, rng.uniform(40, 215, 3), rng.uniform(15, 45))
    for _ in range(rng.poisson(5 * clutter)):
        _scrap(rng, image)
    boxes: list[list[float]] = []
    labels: list[int] = []
    for _ in range(int(rng.integers(1, 5))):
        for _ in range(20):  # look for a place that is free enough
            label = int(rng.integers(len(SHAPES)))
            side = float(np.exp(rng.uniform(math.log(1.4 * SMALLEST), math.log(0.55 * min(size)))))
            stretch = math.exp(rng.uniform(-0.27, 0.27))
            tilt = math.radians(rng.uniform(-20, 20))
            outline = _outline(SHAPES[label]) * (0.5 * side * np.array([stretch, 1.0 / stretch]))
            turn = np.array([[math.cos(tilt), math.sin(tilt)], [-math.sin(tilt), math.cos(tilt)]])
            outline = outline @ turn + rng.uniform((0.0, 0.0), (width, height))
            low, high = outline.min(axis=0), outline.max(axis=0)
            low_in, high_in = np.maximum(low, 0.0), np.minimum(high, (width, height))
            box = [*low_in.tolist(), *high_in.tolist()]
            seen = max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0) / float(np.prod(high - low))
            if seen > 0.8 and all(_shared(box, other) < 0.15 for other in boxes):
                colors = _unlike(rng, image, box), _unlike(rng, image, box)
                _fill(rng, image, outline, colors[0], rng.uniform(4, 16), stripes=0.4)
                if rng.random() < 0.8:  # of two colors, as most things are
                    _fill(rng, image, _cut(rng, outline), colors[1], rng.uniform(4, 16), stripes=0.2)
                boxes.append(box)
                labels.append(label)
                break
    for box in boxes:
        if rng.random() < 0.6 * min(clutter, 1.5):
            _bar(rng, image, box)
    light = 1.0 + 0.25 * np.outer(np.linspace(-1, 1, height), np.linspace(-1, 1, width)) * rng.choice([-1, 1])
    image = image * light[:, :, None] + rng.normal(0, rng.uniform(3, 9), image.shape)
    pixels = image.round().clip(0, 255).astype(np.uint8)
    return pixels, np.array(boxes).reshape(-1, 4), np.array(labels, np.int64)


def _outline(name: str) -> F8:
    """Corners of a shape that fills -1..1."""
    if name == "disk":
        angle = np.arange(64) * (2 * math.pi / 64)
        return np.column_stack([np.cos(angle), np.sin(angle)])
    if name == "square":
        return np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    if name == "triangle":
        return np.array([[0.0, -1], [1, 1], [-1, 1]])
    if name == "cross":
        a = 0.36
        quarter = [[-a, -1.0], [a, -1], [a, -a], [1, -a], [1, a], [a, a]]
        return np.array([*quarter, *([-x, -y] for x, y in quarter)])
    angle = np.arange(10) * (math.pi / 5) - math.pi / 2
    points = np.column_stack([np.cos(angle), np.sin(angle)]) * np.where(np.arange(10) % 2, 0.42, 1.0)[:, None]
    low, high = points.min(axis=0), points.max(axis=0)
    result: F8 = 2.0 * (points - low) / (high - low) - 1.0
    return result


def _shared(a: list[float], b: list[float]) -> float:
    """The intersection of two boxes over the smaller one."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return max(width, 0.0) * max(height, 0.0) / smaller if smaller > 0 else 1.0


def _texture(rng: np.random.Generator, height: int, width: int, color: F8, strength: float) -> F8:
    """A color with smooth noise of several scales, a little different in each channel."""
    image = np.empty((height, width, 3))
    image[:] = color
    for cells in (3, 7, 15, 31):
        grid = rng.normal(0, strength / 2, (cells, cells, 1)) + rng.normal(0, strength / 5, (cells, cells, 3))
        y, x = np.linspace(0, cells - 1.001, height), np.linspace(0, cells - 1.001, width)
        top, left = y.astype(int), x.astype(int)
        down, right = (y - top)[:, None, None], (x - left)[None, :, None]
        upper = grid[top][:, left] * (1 - right) + grid[top][:, left + 1] * right
        lower = grid[top + 1][:, left] * (1 - right) + grid[top + 1][:, left + 1] * right
        image += upper * (1 - down) + lower * down
    return image


def _unlike(rng: np.random.Generator, image: F8, box: list[float]) -> F8:
    """A color that stands out from what is there."""
    x1, y1, x2, y2 = (int(value) for value in box)
    behind = image[y1 : y2 + 1, x1 : x2 + 1].mean(axis=(0, 1))
    color: F8 = behind
    while np.abs(color - behind).sum() < 100:
        color = rng.uniform(20, 235, 3)
    return color


def _stripes(rng: np.random.Generator, height: int, width: int) -> F8:
    angle, period = rng.uniform(0, math.pi), rng.uniform(5, 14)
    wave = np.add.outer(math.sin(angle) * np.arange(height), math.cos(angle) * np.arange(width))
    stripes: F8 = rng.uniform(10, 40) * np.sign(np.sin(wave * (2 * math.pi / period)))[:, :, None]
    return stripes


def _fill(
    rng: np.random.Generator, image: F8, outline: F8, color: F8, strength: float, *, stripes: float = 0.0
) -> None:
    """Paint the inside of an outline, its edge smoothed; ``stripes`` is the chance that there are some."""
    height, width, _ = image.shape
    x1, y1 = np.maximum(np.floor(outline.min(axis=0)).astype(int), 0)
    x2, y2 = np.minimum(np.ceil(outline.max(axis=0)).astype(int), (width, height))
    if x2 <= x1 or y2 <= y1:
        return
    xs = x1 + (np.arange((x2 - x1) * FINE) + 0.5) / FINE
    ys = y1 + (np.arange((y2 - y1) * FINE) + 0.5) / FINE
    inside = np.zeros((len(ys), len(xs)), bool)
    for (ax, ay), (bx, by) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        crosses = (ay > ys) != (by > ys)  # the even-odd rule, a row of sub-pixels at a time
        where = ax + (ys[crosses] - ay) * ((bx - ax) / (by - ay)) if ay != by else ys[crosses]
        inside[crosses] ^= xs[None, :] < where[:, None]
    cover = _texture(rng, y2 - y1, x2 - x1, color, strength)
    if rng.random() < stripes:
        cover += _stripes(rng, y2 - y1, x2 - x1)
    share = inside.reshape(y2 - y1, FINE, x2 - x1, FINE).mean(axis=(1, 3))[:, :, None]
    part = image[y1:y2, x1:x2]
    part += share * (cover - part)


def _scrap(rng: np.random.Generator, image: F8) -> None:
    """An irregular piece of another texture."""
    height, width, _ = image.shape
    corners = int(rng.integers(5, 9))
    angle = np.sort(rng.uniform(0, 2 * math.pi, corners))
    reach = rng.uniform(0.25, 1.0, corners) * rng.uniform(8, 0.25 * min(height, width))
    outline = np.column_stack([np.cos(angle), np.sin(angle)]) * reach[:, None]
    outline += rng.uniform((0, 0), (width, height))
    _fill(rng, image, outline, rng.uniform(30, 225, 3), rng.uniform(5, 30))


def _cut(rng: np.random.Generator, outline: F8) -> F8:
    """The part of an outline on one side of a line through the middle of it, which may lie askew."""
    angle = rng.uniform(0, 2 * math.pi)
    normal = np.array([math.cos(angle), math.sin(angle)])
    middle = outline.mean(axis=0)
    reach = np.abs((outline - middle) @ normal).max()
    away = (outline - middle) @ normal - rng.uniform(-0.35, 0.35) * reach
    points = []
    for i in range(len(outline)):  # Sutherland and Hodgman
        j = (i + 1) % len(outline)
        if away[i] >= 0:
            points.append(outline[i])
        if (away[i] >= 0) != (away[j] >= 0):
            points.append(outline[i] + (outline[j] - outline[i]) * (away[i] / (away[i] - away[j])))
    return np.array(points)


def _bar(rng: np.random.Generator, image: F8, box: list[float]) -> None:
    """A bar through an object, hiding a part of it."""
    center = np.array([rng.uniform(box[0], box[2]), rng.uniform(box[1], box[3])])
    angle = rng.uniform(0, math.pi)
    along = np.array([math.cos(angle), math.sin(angle)])
    across = np.array([-along[1], along[0]])
    length = rng.uniform(0.5, 1.0) * max(box[2] - box[0], box[3] - box[1])
    thick = rng.uniform(0.06, 0.13) * min(box[2] - box[0], box[3] - box[1])
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    outline = np.array([center + a * length * along + b * thick * across for a, b in corners])
    _fill(rng, image, outline, rng.uniform(20, 235, 3), 8.0)
