"""What a linear model can see in a box: windows of one size, their gradients and their colors."""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F4, I8
from detutils._validate import as_boxes, as_image, as_integer, as_number, check_memory
from detutils.rcnn._kernels import features as kernels

CHUNK = 256  # windows described at once
LARGEST_CONTEXT = 1e6  # times the size of a box
LARGEST_SIDE = 100_000  # of a window; a cell is at most half of it


def crop_boxes(image: Any, boxes: Any, size: int = 64, *, context: float = 1.0) -> F4:
    """Cut boxes out of an image and warp each to a square of one size, much as R-CNN does for its network.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) ndarray
        uint8, uint16, or float in 0..1. Gray becomes three equal channels; alpha is left out.
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels, anywhere. Outside the image its edge pixels are repeated; R-CNN fills this
        part with the mean color of its training images, which becomes 0 when the mean is subtracted.
    size : int, default 64
        Rows and columns of a window, at least 1.
    context : float, default 1.0
        Cut out a box so many times as wide and as high around the same center. R-CNN's 16 pixels around a box
        of 195 are 227 / 195 = 1.164.

    Returns
    -------
    windows : (N, size, size, 3) float32 ndarray
        In 0..1. (0, size, size, 3) without boxes. A box without area shows the pixel where it lies.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If ``image`` is no image, a box is not finite or has x2 < x1 or y2 < y1, ``size`` is under 1, or
        ``context`` is not above 0 or beyond a million.
    MemoryError
        If the windows are larger than the memory that is free.

    Notes
    -----
    Samples are bilinear between the pixel centers of the level of an image pyramid (means of 2 x 2 pixels)
    where a sample is 1 to 2 pixels wide, so that large boxes are averaged rather than picked from. N x size^2
    samples.

    References
    ----------
    R. Girshick et al.: Rich feature hierarchies for accurate object detection and semantic segmentation. CVPR
    2014, appendix A ("warp", with context).

    Examples
    --------
    >>> import numpy as np
    >>> import detutils
    >>> image = np.zeros((6, 8), np.uint8)
    >>> image[1:4, 2:5] = 255
    >>> detutils.crop_boxes(image, [[2, 1, 5, 4]], 5, context=5 / 3)[0, :, :, 0].round(3)
    array([[0., 0., 0., 0., 0.],
           [0., 1., 1., 1., 0.],
           [0., 1., 1., 1., 0.],
           [0., 1., 1., 1., 0.],
           [0., 0., 0., 0., 0.]], dtype=float32)
    """
    pixels, levels = _pyramid(image)
    places = as_boxes(boxes)
    side = as_integer(size, "size", 1, LARGEST_SIDE)
    around = as_number(context, "context", above=0.0, high=LARGEST_CONTEXT)
    check_memory(len(places) * side * side * 12, f"{len(places)} windows of {side} x {side}")
    windows = np.empty((len(places), side, side, 3), np.float32)
    kernels.cut_windows(pixels, levels, places, around, windows)
    return windows


def box_features(image: Any, boxes: Any, *, size: int = 64, cell: int = 8, context: float = 1.25) -> F4:
    """Describe boxes by their oriented gradients (HOG), their colors, and how they stand out.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) ndarray
        uint8, uint16, or float in 0..1.
    boxes : (N, 4) array_like
        x1, y1, x2, y2 in pixels.
    size : int, default 64
        Each box is warped to size x size pixels.
    cell : int, default 8
        Side of the square cells, at least 2; two cells at least must fit into ``size``.
    context : float, default 1.25
        The window is so many times as large as the box: what lies around an object tells where it ends.

    Returns
    -------
    features : (N, D) float32 ndarray
        With c = size // cell cells a side, one after the other:
        (c - 1)^2 blocks of 4 cells of 9 orientations, equal to scikit-image's ``hog(..., orientations=9,
        pixels_per_cell=cell, cells_per_block=2)`` of the window;
        the mean of each channel in each cell, less 0.5;
        the share of each of 8 shades of each channel;
        how far colors are from the mean color of the window's border, in each cell and along the middle
        half of each column and row, in halves of the mean distance; and the same for the mean color of its
        middle. D = 36 (c - 1)^2 + 3 c^2 + 24 + 2 (c^2 + 2 size), 2364 by default. Shape (0, D) without boxes.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If ``image`` is no image, a box is not finite or has x2 < x1 or y2 < y1, or an option is out of its
        range.
    MemoryError
        If the features are larger than the memory that is free.

    Notes
    -----
    About 0.1 ms a box; windows are made 256 at a time.

    References
    ----------
    N. Dalal, B. Triggs: Histograms of oriented gradients for human detection. CVPR 2005.

    Examples
    --------
    >>> import numpy as np
    >>> import detutils
    >>> image = np.random.default_rng(0).random((60, 80, 3))
    >>> detutils.box_features(image, [[10, 10, 50, 40], [0, 0, 80, 60]]).shape
    (2, 2364)
    """
    pixels, levels = _pyramid(image)
    places = as_boxes(boxes)
    step = as_integer(cell, "cell", 2, LARGEST_SIDE // 2)
    side = as_integer(size, "size", 2 * step, LARGEST_SIDE)
    around = as_number(context, "context", above=0.0, high=LARGEST_CONTEXT)
    cells = side // step
    width = 36 * (cells - 1) ** 2 + 3 * cells**2 + 24 + 2 * (cells**2 + 2 * side)
    check_memory(len(places) * width * 4, f"{len(places)} x {width} features")
    features = np.empty((len(places), width), np.float32)
    windows = np.empty((min(CHUNK, len(places)), side, side, 3), np.float32)
    for start in range(0, len(places), CHUNK):
        some = places[start : start + CHUNK]
        kernels.cut_windows(pixels, levels, some, around, windows[: len(some)])
        kernels.describe_windows(windows[: len(some)], step, features[start : start + len(some)])
    return features


def _pyramid(image: Any) -> tuple[F4, I8]:
    """The image and its halves, quarters ... as float32 RGB in one vector, and where each begins and ends."""
    array = as_image(image)
    scale = 1.0 / np.iinfo(array.dtype).max if array.dtype.kind == "u" else 1.0
    color = np.repeat(array[:, :, None], 3, axis=2) if array.ndim == 2 else array[:, :, :3]
    level = np.ascontiguousarray(color * np.float32(scale), np.float32)
    every = [level]
    while max(level.shape[:2]) > 1:
        half = np.empty(((level.shape[0] + 1) // 2, (level.shape[1] + 1) // 2, 3), np.float32)
        kernels.halve(level, half)
        every.append(half)
        level = half
    starts = np.cumsum([0, *(one.size for one in every[:-1])])
    levels = np.array([(start, *one.shape[:2]) for start, one in zip(starts, every, strict=True)], np.int64)
    return np.concatenate([one.reshape(-1) for one in every]), levels


