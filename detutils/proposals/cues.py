"""What the ranking knows of each box beyond ``objectness``: votes, contours, appearance, contrasts, the image."""

from __future__ import annotations

import math
from threading import Event
from typing import NamedTuple

import numpy as np

from detutils._jit import F4, F8, I4, I8, U1, U4
from detutils._validate import check_memory
from detutils.proposals._kernels import contours as contour_kernels, contrasts as contrast_kernels, cues as kernels
from detutils.proposals._kernels.cover import Partners
from detutils.proposals.colors import SLICE, block_means, planes_of, slices
from detutils.proposals.objectness import TERMS, Candidates

LARGEST = 4_000_000  # pixels of the maps: a channel's sum over them stays below 2**32
BLOCK = 2048  # boxes between two looks at ``halt``
IMAGE = 3
# Column ranges of the cues, in this order.
GROUPS = {
    "terms": len(TERMS),
    "votes": kernels.VOTES,
    "image": IMAGE,
    "contours": contour_kernels.CONTOURS,
    "appearance": kernels.APPEARANCE,
    "contrasts": contrast_kernels.CONTRASTS,
}
CUES = sum(GROUPS.values())


class Crossings(NamedTuple):
    """Where contours go on across the line between two rows, or two columns, of pixels."""

    ends: I8  # (H,) those between row y - 1 and row y end here
    places: I4  # (M, 2) where along the line, which contour


class Maps(NamedTuple):
    """What is known of the shrunk image's pixels."""

    factor: int
    integral: U4  # (H + 1, W + 1, CHANNELS)
    labels: I4  # (H, W) contours, or -1
    rows: Crossings  # between rows of labels
    columns: Crossings
    contours: I8  # (K, 5) x1, y1, x2, y2, sum of strengths
    strengths: I8  # (H + 1, W + 1) integral of the contours' strengths


def map_factor(shape: tuple[int, int]) -> int:
    """By how much the image is shrunk for the maps: 2, or more where they would be too large."""
    return max(2, math.ceil(math.sqrt(shape[0] * shape[1] / LARGEST)))


def lab_planes(rgb: U1, halt: Event | None = None) -> U1:
    """The planes that ``draw_maps`` takes, of the whole working image."""
    return planes_of(block_means(rgb, map_factor(rgb.shape[:2]), halt), "lab", halt)


def _steps() -> I8:
    """dx and dy to the neighbor in the middle of each twelfth of 180 degrees."""
    middles = (np.arange(12) + 0.5) * (math.pi / 12.0)
    return np.stack([np.rint(np.cos(middles)), np.rint(np.sin(middles))], axis=1).astype(np.int64)


def list_crossings(labels: I4) -> Crossings:
    """Those between rows."""
    ends, places = np.zeros(labels.shape[0], np.int64), np.empty((labels.size + 1, 2), np.int32)
    count = contour_kernels.list_crossings(labels, ends, places)
    return Crossings(ends, places[:count].copy())


def draw_maps(planes: U1, factor: int, boxes: I4, halt: Event | None = None) -> Maps:
    """Channels and contours of Lab planes that are smaller than the image by ``factor``."""
    _, height, width = planes.shape
    parts = list(slices(height, SLICE // width, halt))
    strengths, directions = np.empty((height, width), np.int32), np.empty((height, width), np.uint8)
    for start, stop in parts:
        kernels.gradients(planes, strengths, directions, start, stop)
    coarse = np.ascontiguousarray(planes[:, ::2, ::2])
    far, state = np.zeros(coarse.shape[1:], np.int32), np.empty((coarse.shape[1], 3, coarse.shape[2]), np.int32)
    for plane in coarse:
        kernels.barrier(plane, state, far)
    centers = np.zeros((height, width), np.int32)
    kernels.count_centers(boxes, factor, centers)
    integral = np.zeros((height + 1, width + 1, kernels.CHANNELS), np.uint32)
    for start, stop in slices(height, SLICE // width, halt):
        kernels.integrate_channels(planes, strengths, directions, far, centers, integral, start, stop)
    thinned = np.zeros((height, width), np.int32)
    contour_kernels.thin(strengths, directions, _steps(), thinned)
    labels, stack = np.full((height, width), -1, np.int32), np.empty(height * width, np.int32)
    contours = np.empty((np.count_nonzero(thinned), 5), np.int64)
    count = contour_kernels.link(thinned, directions, labels, stack, contours)
    masses = np.zeros((height + 1, width + 1), np.int64)
    contour_kernels.integrate_contours(thinned, masses)
    rows, columns = list_crossings(labels), list_crossings(np.ascontiguousarray(labels.T))
    return Maps(factor, integral, labels, rows, columns, contours[:count].copy(), masses)


def cues(
    candidates: Candidates, terms: F8, partners: Partners, maps: Maps, rows: I8, halt: Event | None = None
) -> F4:
    """(R, CUES) of those ``rows`` of the candidates; ``terms`` are what ``describe_boxes`` says of all."""
    boxes, number = candidates.boxes, rows.shape[0]
    count = boxes.shape[0]
    check_memory(4 * CUES * number, f"the cues of {number} boxes")
    found = np.empty((number, CUES), np.float32)
    names = list(TERMS)
    image = (math.log(count), terms[:, names.index("edges")].mean(), terms[:, names.index("contrast")].mean())
    height, width = maps.labels.shape
    scale = np.float32(height * width / count)
    stamps = np.empty(len(maps.contours), np.int32)
    first = len(names)
    for start, stop in slices(number, BLOCK, halt):
        block, some = found[start:stop], rows[start:stop]
        block[:, :first] = terms[some]
        kernels.count_votes(boxes, some, tuple(partners), candidates.sums, block, first)
        place = first + kernels.VOTES
        block[:, place : place + IMAGE] = image
        place += IMAGE
        stamps.fill(-1)
        lines = (*maps.rows, *maps.columns, maps.contours, maps.strengths)
        own = boxes[some]
        contour_kernels.describe_contours(own, maps.factor, lines, stamps, block, place)
        place += contour_kernels.CONTOURS
        kernels.describe_cells(own, maps.integral, maps.factor, scale, block, place)
        contrast_kernels.describe_contrasts(block, place, place + kernels.APPEARANCE)
    return found
