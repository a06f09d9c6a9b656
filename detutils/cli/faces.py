"""A small detector, end to end: proposals, HOG scores, box regression and NMS find a face in a photograph.

All that it learns from comes with scikit-image: a hundred faces of 25 x 25 pixels (lfw_subset), and proposals
of photographs without people. The thresholds were set on the photograph that is shown, so this demonstrates;
it evaluates nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import F8, U1
from detutils._validate import as_seed
from detutils.geometry.boxes import clip_boxes_to_image
from detutils.pictures.draw import draw_boxes, draw_segments
from detutils.pictures.files import read_image
from detutils.pictures.panels import draw_panels
from detutils.proposals.segmentation import felzenszwalb
from detutils.proposals.strategies import selective_search
from detutils.rcnn.box_regressor import BoxRegressor
from detutils.suppression.greedy import nms

WINDOW, CELL, BINS = 32, 4, 9  # pixels of a window, of a HOG cell, and directions
SIDE, MARGIN = 25.0, 3.0  # of a training patch, and from its edge to the eyes, ears and chin
SHARE = 0.85  # of a proposal's mean side: proposals hold hair and chin, windows do not
CANDIDATE, FACE = 3.5, 8.2  # scores, in standard deviations of the background
OVERLAP = 0.3
BACKGROUNDS = (
    "coffee.png", "rocket.jpg", "chelsea.png", "motorcycle_left.png", "ihc.png", "page.png", "coins.png",
    "retina.jpg", "hubble_deep_field.jpg",
)
INK = "#10151c"
VIRIDIS = np.array([(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)], np.float64)

Report = Callable[[str, str, float], object]


class Faces(NamedTuple):
    """What the demo found, and its picture."""

    picture: U1
    boxes: F8
    scores: F8


def find_faces(*, seed: int = 0, report: Report | None = None) -> Faces:
    """Run the demo on a portrait of Eileen Collins; ``report(stage, what it did, seconds)`` hears of each."""
    rng = np.random.default_rng(as_seed(seed))
    clock = _Clock(report)
    folder = photographs()
    photo = read_image(folder / "astronaut.png")
    height, width = photo.shape[:2]
    clock.stage("photograph", f"astronaut.png of scikit-image, {width} x {height} (NASA, public domain)")

    segments = felzenszwalb(photo, scale=100, sigma=0.8, min_size=100)
    regions = int(segments.max()) + 1
    clock.stage("over-segmentation", f"{regions} regions, Felzenszwalb and Huttenlocher")

    proposals = selective_search(photo, seed=seed, refine=False).boxes  # moved by the regressor below
    clock.stage("proposals", f"{len(proposals):,} boxes, Selective Search, fast mode")

    model = learn(folder, rng)
    seen = f"{model.faces:,} windows on 100 faces, {model.others:,} on {model.photos} other pictures"
    clock.stage("training", seen)

    plane = gray(photo)
    shaped = face_shaped(proposals)
    windows = clip_boxes_to_image(squares(shaped), (height, width))
    scores = model.score(hog(warp(plane, windows)))
    likely = np.flatnonzero(scores > CANDIDATE)
    fit = f"{len(shaped):,} boxes of a face's shape"
    clock.stage("scores", f"{fit}, {likely.size} of them over {CANDIDATE} (HOG, discriminant)")

    moved = model.regressor.predict(hog(warp(plane, windows[likely])), windows[likely])
    moved = clip_boxes_to_image(moved, (height, width))
    shift = float(np.abs(moved - windows[likely]).mean()) if likely.size else 0.0
    again = model.score(hog(warp(plane, moved)))
    clock.stage("box regression", f"{likely.size} boxes moved by {shift:.1f} px a side, then scored again")

    keep = nms(moved, again, OVERLAP)
    clock.stage("NMS", f"{likely.size} boxes -> {keep.size}; IoU with a better one is at most {OVERLAP}")

    faces, rest = keep[again[keep] > FACE], keep[again[keep] <= FACE]
    best = ", ".join(f"{score:.1f}" for score in again[keep][:3])
    clock.stage("decision", f"{faces.size} over {FACE}; the best scores are {best}")

    first = proposals[:40][::-1]
    by_score = likely[np.argsort(scores[likely], kind="stable")]
    last = draw_boxes(photo, moved[rest], colors="#ffffff", width=1, opacity=0.5)
    words = ["face"] * faces.size
    sheet = draw_panels(
        [
            draw_segments(photo, segments, outline=INK),
            draw_boxes(photo, first, width=2, halo=False, colors=shades(len(first))),
            draw_boxes(photo, shaped[by_score], width=2, halo=False, colors=shades(by_score.size)),
            draw_boxes(last, moved[faces], labels=words, scores=again[faces], width=3, fill=0.08),
        ],
        titles=[
            f"1  Over-segmentation\n{regions} regions in their mean colors",
            f"2  Proposals\nthe first {len(first)} of {len(proposals):,}, from yellow to violet",
            f"3  Scored\n{likely.size} candidates for a face, the best are yellow",
            f"4  Box regression and NMS\n{keep.size} left; face: over {FACE} standard deviations",
        ],
    )
    clock.stage("drawing", f"four panels, {sheet.shape[1]} x {sheet.shape[0]}")
    return Faces(sheet, moved[faces], again[faces])


def photographs() -> Path:
    """The folder of the pictures in scikit-image's wheel; ``skimage.data`` might look for them online."""
    import skimage

    return Path(skimage.__file__).parent / "data"


# ---- what a window looks like ------------------------------------------------------------------------------

def gray(image: U1) -> F8:
    """Brightness, 0..1."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    plane: F8 = (image if image.ndim == 2 else image[:, :, :3] @ weights) / 255.0
    return plane


def face_shaped(boxes: F8) -> F8:
    """Those that are neither long nor tiny."""
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    fits = (width > 0.55 * height) & (width < 1.5 * height) & (np.minimum(width, height) >= 30)
    kept: F8 = boxes[fits]
    return kept


def squares(boxes: F8) -> F8:
    """Squares in the middle of boxes, as faces between eyes, ears and chin are."""
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = SHARE / 2 * np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1, keepdims=True))
    return np.hstack([center - half, center + half])


def warp(plane: F8, boxes: F8) -> F8:
    """What each box covers, as WINDOW x WINDOW means over equal parts: (N, WINDOW, WINDOW)."""
    table = np.zeros((plane.shape[0] + 1, plane.shape[1] + 1))
    table[1:, 1:] = plane.cumsum(axis=0).cumsum(axis=1)
    steps = np.linspace(0.0, 1.0, WINDOW + 1)
    x = boxes[:, :1] + (boxes[:, 2:3] - boxes[:, :1]) * steps
    y = boxes[:, 1:2] + (boxes[:, 3:] - boxes[:, 1:2]) * steps
    left = np.minimum(x.astype(np.int64), plane.shape[1] - 1)
    top = np.minimum(y.astype(np.int64), plane.shape[0] - 1)
    u, v = (x - left)[:, None, :], (y - top)[:, :, None]
    rows, columns = top[:, :, None], left[:, None, :]
    upper = table[rows, columns] * (1 - u) + table[rows, columns + 1] * u
    lower = table[rows + 1, columns] * (1 - u) + table[rows + 1, columns + 1] * u
    sums = np.diff(np.diff(upper * (1 - v) + lower * v, axis=1), axis=2)
    areas = np.diff(y, axis=1)[:, :, None] * np.diff(x, axis=1)[:, None, :]
    means: F8 = sums / np.maximum(areas, 1e-6)
    return means


def hog(windows: F8) -> F8:
    """Histograms of oriented gradients (Dalal and Triggs 2005), each cell measured by the 3 x 3 around it."""
    count, cells = len(windows), WINDOW // CELL
    down, across = np.gradient(windows, axis=(1, 2))
    strength = np.hypot(across, down)
    turn = np.arctan2(down, across) * (BINS / np.pi) % BINS
    below = np.floor(turn)
    part = turn - below  # of a gradient, goes to the next direction
    direction = below.astype(np.int64) % BINS
    cell = np.arange(WINDOW) // CELL
    place = ((np.arange(count)[:, None, None] * cells + cell[:, None]) * cells + cell) * BINS
    size = count * cells * cells * BINS
    votes = np.bincount((place + direction).ravel(), (strength * (1 - part)).ravel(), size)
    votes += np.bincount((place + (direction + 1) % BINS).ravel(), (strength * part).ravel(), size)
    votes = votes.reshape(count, cells, cells, BINS)
    energy = np.pad(votes.sum(axis=3), ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = sum(energy[:, i : i + cells, j : j + cells] for i in range(3) for j in range(3))
    features: F8 = np.sqrt(votes / (np.asarray(around)[..., None] + 3.0)).reshape(count, cells * cells * BINS)
    return features


# ---- what it learns ----------------------------------------------------------------------------------------

class Model(NamedTuple):
    """A discriminant of faces and background (Hariharan, Malik and Ramanan 2012), and a regressor."""

    weights: F8
    middle: float
    spread: float
    regressor: BoxRegressor
    faces: int
    others: int
    photos: int

    def score(self, features: F8) -> F8:
        """How many standard deviations a window lies above the mean of the background, toward faces."""
        scores: F8 = (features @ self.weights - self.middle) / self.spread
        return scores


def learn(folder: Path, rng: np.random.Generator) -> Model:
    """Windows near the faces teach what a face is and where it lies; windows elsewhere, what is none."""
    patches = np.load(folder / "lfw_subset.npy")[:100]
    patches = np.concatenate([patches, patches[:, :, ::-1]])  # and their mirror images
    face = np.array([MARGIN, MARGIN, SIDE - MARGIN, SIDE - MARGIN])
    near = [around_the_face(rng, 12) for _ in patches]
    features = np.concatenate([hog(warp(patch, windows)) for patch, windows in zip(patches, near)])

    # The regressor sees all patches side by side, too far apart to be confused.
    shift = np.arange(len(patches))[:, None] * np.array([4 * SIDE, 0, 4 * SIDE, 0])
    windows = np.concatenate([boxes + offset for boxes, offset in zip(near, shift)])
    regressor = BoxRegressor(alpha=30.0, min_iou=0.4).fit(features, windows, face + shift)

    others, photos = [], 0
    for name in BACKGROUNDS:
        if (folder / name).exists():
            photo = read_image(folder / name)
            plane = gray(photo)
            found = face_shaped(selective_search(photo, "single", refine=False).boxes)
            others.append(hog(warp(plane, clip_boxes_to_image(squares(found), plane.shape))))
            photos += 1
    background = np.concatenate(others)
    covariance: Any = np.cov(background, rowvar=False)
    covariance += np.eye(len(covariance)) * 0.1 * np.trace(covariance) / len(covariance)
    weights = np.linalg.solve(covariance, features.mean(axis=0) - background.mean(axis=0))
    plain = background @ weights
    return Model(
        weights, float(plain.mean()), float(plain.std()), regressor, len(features), len(background), photos
    )


def around_the_face(rng: np.random.Generator, count: int) -> F8:
    """Windows in a patch that differ a little from the face in place, size and shape."""
    side = (SIDE - 2 * MARGIN) * np.exp(rng.normal(0, 0.08, (count, 1)) + rng.normal(0, 0.04, (count, 2)))
    side = side.clip(None, SIDE)
    corner = ((SIDE - side) / 2 + rng.normal(0, 1.2, (count, 2))).clip(0, SIDE - side)
    return np.hstack([corner, corner + side])


def shades(count: int) -> list[tuple[int, ...]]:
    """Colors from dark violet, the worst, to yellow, the best (Matplotlib's viridis)."""
    at = np.linspace(0, len(VIRIDIS) - 1, count)
    columns = [np.interp(at, np.arange(len(VIRIDIS)), VIRIDIS[:, channel]) for channel in range(3)]
    return [tuple(int(part) for part in color) for color in zip(*columns)]


class _Clock:
    def __init__(self, report: Report | None) -> None:
        self.report, self.last = report, time.perf_counter()

    def stage(self, name: str, text: str) -> None:
        now = time.perf_counter()
        if self.report is not None:
            self.report(name, text, now - self.last)
        self.last = time.perf_counter()
