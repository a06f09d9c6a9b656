"""Everything that proposes boxes: detutils, what else is installed, and what anybody can do without looking.

Each maker takes an RGB image of 8 bits and answers (N, 4) boxes x1, y1, x2, y2 in continuous pixels, the best
first if it has an order at all.
"""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Callable
from threading import Event
from typing import Any

import numpy as np
import numpy.typing as npt

import detutils
from detutils.proposals.colors import shrunk
from detutils.proposals.cover import cover
from detutils.proposals.objectness import describe_boxes, gather, objectness
from detutils.proposals.strategies import MODES, grow_trees

Array = npt.NDArray[Any]
Maker = Callable[[Array], Array]
OURS = "detutils fast"


def _ours(mode: str) -> Maker:
    return lambda image: detutils.selective_search(image, mode).boxes


def log_linear(image: Array) -> Array:
    """Fast mode's candidates in the order that the log-linear model gives them, as the modes of the paper have it."""
    strategies, most = MODES["fast"]
    small = shrunk(np.ascontiguousarray(image), 1600, Event())
    scale = np.array([image.shape[1] / small.shape[1], image.shape[0] / small.shape[0]] * 2)
    trees, ground = grow_trees(small, strategies, None, Event())
    candidates = gather(trees, strategies, small.shape[:2], (8.0 / scale[0], 8.0 / scale[1]), 0)
    evidence = objectness(describe_boxes(candidates, ground.strengths, strategies[0].shrink, small.shape[:2]))
    order, _ = cover(candidates.boxes, evidence, min(most or 0, len(candidates.boxes)), stages=((None, 3),))
    return np.asarray(candidates.boxes[order] * scale)


def _opencv(mode: str) -> Maker:
    import cv2

    def search(image: Array) -> Array:
        # A new object for each image: a used one has given wrong boxes and has crashed.
        peer = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
        peer.setBaseImage(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        getattr(peer, f"switchToSelectiveSearch{mode}")()
        boxes = peer.process().astype(np.float64)
        boxes[:, 2:] += boxes[:, :2]
        return boxes

    return search


def _edge_boxes(model: str | None) -> Maker:
    """OpenCV's Edge Boxes, on the edges of a structured forest if its file is given, else on plain gradients."""
    import cv2

    forest = cv2.ximgproc.createStructuredEdgeDetection(model) if model else None

    def search(image: Array) -> Array:
        if forest is not None:
            edges = forest.detectEdges(np.float32(image) / np.float32(255))
            turns = forest.computeOrientation(edges)
            edges = forest.edgesNms(edges, turns)
        else:
            gray = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1.0)
            across, down = (cv2.Sobel(gray, cv2.CV_16S, *step) for step in ((1, 0), (0, 1)))
            lengths = np.hypot(across, down, dtype=np.float32)
            ridges = cv2.Canny(across, down, 40, 80) > 0
            edges = np.where(ridges, lengths / np.float32(max(float(lengths.max()), 1.0)), np.float32(0))
            turns = (np.arctan2(down, across, dtype=np.float32) % np.float32(np.pi)).astype(np.float32)
        boxes, _ = cv2.ximgproc.createEdgeBoxes(maxBoxes=2250).getBoundingBoxes(edges, turns)
        sides = np.array(boxes, np.float64).reshape(-1, 4)
        sides[:, 2:] += sides[:, :2]
        return sides

    return search


def _dlib(image: Array) -> Array:
    import dlib

    found: list[Any] = []
    dlib.find_candidate_object_locations(image, found)
    sides = [(r.left(), r.top(), r.right() + 1, r.bottom() + 1) for r in found]  # they are inclusive
    return np.array(sides, np.float64).reshape(-1, 4)


def _selectivesearch(image: Array) -> Array:
    import selectivesearch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, regions = selectivesearch.selective_search(image, scale=500, sigma=0.9, min_size=10)
    boxes = np.array([region["rect"] for region in regions], np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2] + 1  # its right and bottom are the last pixels
    return np.unique(boxes, axis=0)


def random_boxes(image: Array, count: int = 2000) -> Array:
    """Boxes of log-uniform sides from 20 pixels to the image's, anywhere inside."""
    height, width = image.shape[:2]
    rng = np.random.default_rng(height * width)
    sides = np.exp(rng.uniform(np.log(20), np.log([width, height]), (count, 2)))
    corner = rng.uniform(0, 1, (count, 2)) * ([width, height] - sides)
    return np.hstack([corner, corner + sides])


def sliding_windows(image: Array) -> Array:
    """Windows of three shapes and halving sizes, a third of a side apart; large ones first."""
    height, width = image.shape[:2]
    boxes = []
    size = float(min(height, width))
    while size >= 30:
        for shape in (1.0, 2.0, 0.5):
            w, h = min(size * shape**0.5, width), min(size / shape**0.5, height)
            xs = np.linspace(0, width - w, max(1, round((width - w) / (w / 3)) + 1))
            ys = np.linspace(0, height - h, max(1, round((height - h) / (h / 3)) + 1))
            x, y = (axis.ravel() for axis in np.meshgrid(xs, ys))
            boxes.append(np.column_stack([x, y, x + w, y + h]))
        size /= 2**0.5
    return np.concatenate(boxes)


def makers(*, slow: bool) -> dict[str, Maker]:
    """What is installed, detutils' fast mode first; ``slow`` adds what takes seconds an image.

    Edge Boxes takes its edges from the structured forest in the file that the variable ``EDGE_MODEL`` names; without
    it, from the gradient, which is not what its authors use.
    """
    found: dict[str, Maker] = {
        OURS: _ours("fast"),
        "log-linear order": log_linear,
        "detutils single": _ours("single"),
        "detutils dense": _ours("dense"),
    }
    if slow:
        found["detutils quality"] = _ours("quality")
    try:
        import cv2

        if hasattr(getattr(cv2, "ximgproc", None), "segmentation"):
            found["OpenCV fast"] = _opencv("Fast")
            if slow:
                found["OpenCV quality"] = _opencv("Quality")
            model = os.environ.get("EDGE_MODEL")
            found["Edge Boxes" if model else "Edge Boxes on gradients"] = _edge_boxes(model)
    except ImportError:
        pass
    if importlib.util.find_spec("dlib"):
        found["dlib"] = _dlib
    if slow and importlib.util.find_spec("selectivesearch"):
        found["selectivesearch"] = _selectivesearch
    return {**found, "random boxes": random_boxes, "sliding windows": sliding_windows}
