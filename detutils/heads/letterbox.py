"""Fitting a photograph into a network's input, and the way back for whatever the network finds in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from detutils._kernels.limits import LIMIT
from detutils._validate import (
    FLOAT32,
    Array,
    OnInvalid,
    as_array,
    as_boxes,
    as_choice,
    as_color,
    as_dropping,
    as_flag,
    as_floats,
    as_image,
    as_integer,
    as_items,
    as_items_of,
    as_number,
    check_memory,
    dimensions,
    valid_rows,
)
from detutils.heads._kernels import letterbox as kernels

Align = Literal["center", "top-left"]
Rounding = Literal["round", "floor", "floor-ratio"]
Gain = Literal["exact", "nominal", "height"]
LARGEST_SIDE = 1 << 24  # of a photograph or an input: what lies on the grid of 2**-20 is exact up to there
BYTES_AN_ARRAY = 200


class _Geometry(NamedTuple):
    image_size: tuple[int, int]
    input_size: tuple[int, int]
    scale: tuple[float, float]
    pad: tuple[float, float]


class Letterbox(_Geometry):
    """Where a photograph lies in the input of a network: x of the input = x of the photograph times scale plus pad.

    ``letterbox`` makes one with the picture, ``Letterbox.fit`` without; unpacks into its four fields.

    Parameters
    ----------
    image_size : (height, width)
        Of the photograph, in pixels.
    input_size : (height, width)
        Of the network's input, in pixels.
    scale : (x, y)
        Input pixels a pixel of the photograph, each greater than 0.
    pad : (left, top)
        Where the photograph's first pixel begins in the input. May be a fraction, or negative where it was cut.

    Attributes
    ----------
    image_size, input_size, scale, pad
        As given.

    Raises
    ------
    TypeError
        If a field is not a pair of numbers (sizes: integers).
    ValueError
        If a size or a scale is not positive, or a number not finite.

    Notes
    -----
    Coordinates are continuous: the first pixel reaches from 0 to 1. Both ways are computed in float64; float32 comes
    back as float32. There and back again, coordinates that are whole multiples of 2**-20 of a pixel (pixels, halves,
    float32 numbers from 8 on) return exactly in sizes up to 8192; any other returns within 2**-50 of what the input
    holds, which is ``(abs(x * scale + pad) + abs(pad)) / scale``: half a dozen units of the last digit. To that end,
    what lies by no more than rounding beside such a multiple is put on it.

    Examples
    --------
    >>> from detutils import Letterbox
    >>> box = Letterbox.fit((480, 640), 320)
    >>> box
    Letterbox(image_size=(480, 640), input_size=(320, 320), scale=(0.5, 0.5), pad=(0.0, 40.0))
    >>> box.boxes_to_image([[0, 40, 160, 280]])
    array([[  0.,   0., 320., 480.]])
    """

    __slots__ = ()

    def __new__(
        cls,
        image_size: tuple[int, int],
        input_size: tuple[int, int],
        scale: tuple[float, float],
        pad: tuple[float, float],
    ) -> Self:
        """Check the four that the tuple holds."""
        scales, pads = as_items_of(scale, "scale", "a pair (x, y)", 2), as_items_of(pad, "pad", "a pair (left, top)", 2)
        return super().__new__(
            cls,
            _as_pixels(image_size, "image_size"),
            _as_pixels(input_size, "input_size"),
            (_as_scale(scales[0], 0), _as_scale(scales[1], 1)),
            (as_number(pads[0], "pad[0]", -LIMIT, LIMIT), as_number(pads[1], "pad[1]", -LIMIT, LIMIT)),
        )

    @classmethod
    def fit(
        cls,
        image_size: tuple[int, int],
        size: int | tuple[int, int],
        *,
        align: Align = "center",
        stretch: bool = False,
        stride: int | None = None,
        scale_up: bool = True,
        rounding: Rounding = "round",
        gain: Gain = "exact",
    ) -> Letterbox:
        """The letterbox of two sizes, without an image.

        Parameters
        ----------
        image_size : (height, width)
            Of the photograph, in pixels.
        size, align, stretch, stride, scale_up, rounding, gain
            As for ``letterbox``.

        Returns
        -------
        geometry : Letterbox

        Raises
        ------
        TypeError, ValueError
            If an argument breaks the contract, as for ``letterbox``.

        Examples
        --------
        >>> from detutils import Letterbox
        >>> Letterbox.fit((1080, 1920), 640).pad
        (0.0, 140.0)
        >>> Letterbox.fit((1080, 1920), 640, stride=32).input_size
        (384, 640)
        """
        height, width = _as_pixels(image_size, "image_size")
        return _plan(height, width, size, _Rules(align, stretch, stride, scale_up, rounding, gain))[0]

    # ---- both ways ---------------------------------------------------------------------------------------------------

    def boxes_to_image(self, boxes: npt.ArrayLike, *, clip: bool = False, on_invalid: OnInvalid = "raise") -> Array:
        """Boxes of the network's input as boxes of the photograph.

        Parameters
        ----------
        boxes : (N, 4) array_like
            x1, y1, x2, y2 in pixels of the input.
        clip : bool, default False
            Move what lies outside of the photograph onto its border.
        on_invalid : {"raise", "drop"}
            What becomes of a row that is not finite or has x2 < x1 or y2 < y1. With "drop" the result has fewer rows.

        Returns
        -------
        boxes : (N, 4) ndarray
            In pixels of the photograph, in the same order; float32 if ``boxes`` is, else float64.

        Raises
        ------
        TypeError, ValueError
            If an argument breaks the contract, with the first bad row.

        Examples
        --------
        >>> from detutils import Letterbox
        >>> Letterbox.fit((480, 640), 320).boxes_to_image([[-4, 50, 160, 290]], clip=True)
        array([[  0.,  20., 320., 480.]])
        """
        return self._boxes(boxes, kernels.points_to_image, self.image_size, clip, on_invalid)

    def boxes_to_input(self, boxes: npt.ArrayLike, *, clip: bool = False, on_invalid: OnInvalid = "raise") -> Array:
        """Boxes of the photograph as boxes of the network's input.

        Parameters
        ----------
        boxes : (N, 4) array_like
            x1, y1, x2, y2 in pixels of the photograph.
        clip : bool, default False
            Move what lies outside of the input onto its border.
        on_invalid : {"raise", "drop"}
            As for ``boxes_to_image``.

        Returns
        -------
        boxes : (N, 4) ndarray
            In pixels of the input, in the same order; float32 if ``boxes`` is, else float64.

        Raises
        ------
        TypeError, ValueError
            If an argument breaks the contract, with the first bad row.

        Examples
        --------
        >>> from detutils import Letterbox
        >>> Letterbox.fit((480, 640), 320).boxes_to_input([[0, 0, 320, 480]])
        array([[  0.,  40., 160., 280.]])
        """
        return self._boxes(boxes, kernels.points_to_input, self.input_size, clip, on_invalid)

    def points_to_image(self, points: npt.ArrayLike, *, clip: bool = False, on_invalid: OnInvalid = "raise") -> Array:
        """Points of the network's input as points of the photograph.

        Parameters
        ----------
        points : (..., 2) or (..., 3) array_like
            x, y in pixels of the input, as many dimensions before them as you like: (N, K, 3) are K keypoints of each
            of N detections. A third number, a score or COCO's visibility, stays as it is; where it is 0 the
            point is not there, and may be NaN.
        clip : bool, default False
            Move points outside of the photograph onto its border.
        on_invalid : {"raise", "drop"}
            What becomes of points that are not finite. "drop" leaves out the entries of the first axis that have any.

        Returns
        -------
        points : ndarray
            In pixels of the photograph, of the same shape and order; float32 if ``points`` is, else float64.

        Raises
        ------
        TypeError, ValueError
            If an argument breaks the contract, with the first bad point.

        Examples
        --------
        >>> from detutils import Letterbox
        >>> Letterbox.fit((480, 640), 320).points_to_image([[160, 160], [0, 0]], clip=True)
        array([[320., 240.],
               [  0.,   0.]])
        """
        return self._points(points, kernels.points_to_image, self.image_size, clip, on_invalid)

    def points_to_input(self, points: npt.ArrayLike, *, clip: bool = False, on_invalid: OnInvalid = "raise") -> Array:
        """Points of the photograph as points of the network's input.

        Parameters
        ----------
        points : (..., 2) or (..., 3) array_like
            x, y in pixels of the photograph, and what may follow them; see ``points_to_image``.
        clip : bool, default False
            Move points outside of the input onto its border.
        on_invalid : {"raise", "drop"}
            As for ``points_to_image``.

        Returns
        -------
        points : ndarray
            In pixels of the input, of the same shape and order; float32 if ``points`` is, else float64.

        Raises
        ------
        TypeError, ValueError
            If an argument breaks the contract, with the first bad point.

        Examples
        --------
        >>> from detutils import Letterbox
        >>> Letterbox.fit((480, 640), 320).points_to_input([[320, 240, 0.9]])
        array([[160. , 160. ,   0.9]])
        """
        return self._points(points, kernels.points_to_input, self.input_size, clip, on_invalid)

    def outlines_to_image(self, outlines: Sequence[Any], *, clip: bool = False) -> list[Any]:
        """Outlines of the network's input as outlines of the photograph.

        Parameters
        ----------
        outlines : sequence of N
            The outline of each object: a polygon, which is a (K, 2) array_like or its 2 K numbers end to end; or a list
            of polygons, as COCO's ``segmentation`` is one; or None.
        clip : bool, default False
            Move points outside of the photograph onto its border.

        Returns
        -------
        outlines : list
            The same with float64 arrays for polygons: (K, 2) or (2 K,), as they were given.

        Raises
        ------
        TypeError
            If an outline is something else, run lengths for example: they belong to the pixels of one size.
        ValueError
            If a number is not finite, or the numbers do not go in pairs.

        Examples
        --------
        >>> from detutils import Letterbox
        >>> Letterbox.fit((480, 640), 320).outlines_to_image([[[0, 40, 160, 40, 160, 280]], None])
        [[array([  0.,   0., 320.,   0., 320., 480.])], None]
        """
        return self._outlines(outlines, kernels.points_to_image, self.image_size, clip)

    def outlines_to_input(self, outlines: Sequence[Any], *, clip: bool = False) -> list[Any]:
        """Outlines of the photograph as outlines of the network's input.

        Parameters
        ----------
        outlines : sequence of N
            As for ``outlines_to_image``.
        clip : bool, default False
            Move points outside of the input onto its border.

        Returns
        -------
        outlines : list
            As of ``outlines_to_image``.

        Raises
        ------
        TypeError, ValueError
            As ``outlines_to_image``.

        Examples
        --------
        >>> from detutils import Letterbox
        >>> Letterbox.fit((480, 640), 320).outlines_to_input([[[0, 0], [320, 0], [320, 480]]])[0].tolist()
        [[0.0, 40.0], [160.0, 40.0], [160.0, 280.0]]
        """
        return self._outlines(outlines, kernels.points_to_input, self.input_size, clip)

    # ---- parts -------------------------------------------------------------------------------------------------------

    def _move(self, points: Array, way: Any, size: tuple[int, int], clip: bool) -> Array:
        """The way there or back for rows of two or three numbers."""
        limits = (0.0, float(size[1]), float(size[0])) if clip else (-math.inf, math.inf, math.inf)
        wide = points.astype(np.float64, copy=False)
        out = np.empty_like(wide)
        way(wide, (*self.scale, *self.pad), limits, out)
        return out if points.dtype != FLOAT32 else out.astype(np.float32)

    def _boxes(self, boxes: Any, way: Any, size: tuple[int, int], clip: bool, on_invalid: str) -> Array:
        drops = as_dropping(on_invalid)
        rows = as_boxes(boxes, keep_float32=True, check_rows=not drops)
        clip = as_flag(clip, "clip")
        if drops:
            rows = rows[valid_rows(rows.astype(np.float64, copy=False))]
        return self._move(rows.reshape(-1, 2), way, size, clip).reshape(-1, 4)

    def _points(self, points: Any, way: Any, size: tuple[int, int], clip: bool, on_invalid: str) -> Array:
        array = as_floats(points, "points", True)
        if array.shape == (0,):  # no points, written as []
            array = array.reshape(0, 2)
        if array.ndim == 0 or array.shape[-1] not in (2, 3):
            raise ValueError(f"points must have shape (..., 2) or (..., 3), got {array.shape}")
        clip = as_flag(clip, "clip")
        drops = as_dropping(on_invalid)
        bad = _bad_points(array)
        if bad.any():
            if not drops or array.ndim == 1:
                place = tuple(np.argwhere(bad)[0].tolist())
                x, y = array[place][:2].tolist()
                where = f"points[{', '.join(map(str, place))}]" if place else "points"
                raise ValueError(f"{where} is not finite or beyond {LIMIT:g}: [{x:g}, {y:g}]")
            array = array[~bad.reshape(array.shape[0], -1).any(axis=1)]
        return self._move(array.reshape(-1, array.shape[-1]), way, size, clip).reshape(array.shape)

    def _outlines(self, outlines: Any, way: Any, size: tuple[int, int], clip: bool) -> list[Any]:
        clip = as_flag(clip, "clip")
        found: list[Any] = []
        for i, outline in enumerate(_as_outlines(outlines)):
            where = f"outlines[{i}]"
            if outline is None:
                found.append(None)
            elif _is_list_of_polygons(outline):
                found.append(
                    [self._polygon(polygon, way, size, clip, f"{where}[{k}]") for k, polygon in enumerate(outline)]
                )
            else:
                found.append(self._polygon(outline, way, size, clip, where))
        return found

    def _polygon(self, polygon: Any, way: Any, size: tuple[int, int], clip: bool, where: str) -> Array:
        array = as_floats(polygon, where, False)
        flat = array.ndim == 1 and array.shape[0] % 2 == 0
        if not flat and (array.ndim != 2 or array.shape[1] != 2):
            raise ValueError(f"{where} must have shape (K, 2) or (2 K,), got {array.shape}")
        points = array.reshape(-1, 2)
        bad = np.flatnonzero(_bad_points(points))
        if bad.size:
            x, y = points[bad[0]].tolist()
            raise ValueError(f"{where}: point {bad[0]} is not finite or beyond {LIMIT:g}: [{x:g}, {y:g}]")
        return self._move(points, way, size, clip).reshape(array.shape)


def letterbox(
    image: npt.ArrayLike,
    size: int | tuple[int, int],
    *,
    align: Align = "center",
    stretch: bool = False,
    stride: int | None = None,
    fill: int | str | Sequence[int] = 114,
    scale_up: bool = True,
    rounding: Rounding = "round",
    gain: Gain = "exact",
) -> tuple[Array, Letterbox]:
    """Fit an image into the input of a network, and remember the way back.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like
        uint8, uint16 or float in 0..1. The order of its channels stays.
    size : int or (height, width)
        Of the input, in pixels; one number for a square.
    align : {"center", "top-left"}
        Where the image lies in the input. Of an odd number of pixels around it, "center" puts the larger half at the
        right and at the bottom: round(p - .1) before and round(p + .1) behind, p being half of them.
    stretch : bool, default False
        Fill the whole input, with a scale of its own for each side.
    stride : int, optional
        Fill only up to the next multiple of it, so that the input may be smaller than ``size`` on one side.
    fill : int, color or (red, green, blue), default 114
        What lies around the image, 0..255 or "#rrggbb" whatever the image's dtype is; its alpha is opaque.
    scale_up : bool, default True
        Whether an image that is smaller than the input is enlarged.
    rounding : {"round", "floor", "floor-ratio"}
        How the resized side becomes whole, g being the smaller of input height / height and input width / width:
        round(side * g); int(side * g); or int(input side * (side / longer side)). At least 1.
    gain : {"exact", "nominal", "height"}
        The scale that the way back uses: of each side, what its resizing came to; g for both; or that of the height for
        both. The first is where pixels really went; the others repeat what exporters do, up to half a pixel beside.

    Returns
    -------
    picture : (h, w[, channels]) ndarray
        A new array of the image's dtype.
    geometry : Letterbox
        Brings boxes, points and outlines back to the image.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If ``image`` is no image or empty, ``size`` or ``stride`` not positive, an option none of those listed, a color
        given for a gray image, or ``stretch`` combined with ``stride`` or ``scale_up=False``.
    MemoryError
        If the picture is larger than the memory that is free.

    See Also
    --------
    Letterbox.fit : The geometry alone, where something else resizes.

    Notes
    -----
    The rules of common exporters:

    ============== =============================================================
    YOLOv5, YOLOv8 the defaults, with ``gain="nominal"``
    YOLOX          ``align="top-left", rounding="floor", gain="nominal"``
    SCRFD          ``align="top-left", rounding="floor-ratio", gain="height", fill=0``
    PicoDet        ``stretch=True``
    ============== =============================================================

    Pixels are resized by OpenCV (INTER_LINEAR, as exporters do) where it is installed, else by a loop of the same rule,
    which may differ by one step of 8 bits. Linear in the pixels of both.

    References
    ----------
    The preprocessing of the models named above.

    Examples
    --------
    >>> import detutils, numpy as np
    >>> picture, geometry = detutils.letterbox(np.zeros((480, 640, 3), np.uint8), 320)
    >>> picture.shape, picture[0, 0].tolist(), picture[40, 0].tolist()
    ((320, 320, 3), [114, 114, 114], [0, 0, 0])
    >>> geometry.boxes_to_image([[80, 80, 160, 160]], clip=True)
    array([[160.,  80., 320., 240.]])
    """
    pixels = as_image(image)
    rules = _Rules(align, stretch, stride, scale_up, rounding, gain)
    geometry, (height, width) = _plan(pixels.shape[0], pixels.shape[1], size, rules)
    ground = _as_ground(fill, pixels)
    shape = (*geometry.input_size, *pixels.shape[2:])
    check_memory(2 * math.prod(shape) * pixels.itemsize, f"a picture of {shape[0]} x {shape[1]} pixels")
    picture = np.empty(shape, pixels.dtype)
    left, top = map(int, geometry.pad)
    if (height, width) != geometry.input_size:
        picture.reshape(shape[0], -1)[...] = np.tile(ground, shape[1])  # whole rows: five times as fast as pixels
    picture[top : top + height, left : left + width] = _resized(pixels, height, width)
    return picture, geometry


class _Rules(NamedTuple):
    """The options of both ways to a letterbox, not yet checked."""

    align: Any
    stretch: Any
    stride: Any
    scale_up: Any
    rounding: Any
    gain: Any


def _plan(height: int, width: int, size: Any, rules: _Rules) -> tuple[Letterbox, tuple[int, int]]:
    """The letterbox of an image, and the height and width of the image in it."""
    centered = as_choice(rules.align, "align", ("center", "top-left")) == "center"
    stretch, scale_up = as_flag(rules.stretch, "stretch"), as_flag(rules.scale_up, "scale_up")
    rounding = as_choice(rules.rounding, "rounding", ("round", "floor", "floor-ratio"))
    gain = as_choice(rules.gain, "gain", ("exact", "nominal", "height"))
    stride = None if rules.stride is None else as_integer(rules.stride, "stride", 1, LARGEST_SIDE)
    high, wide = _as_input_size(size)
    if stretch:
        if stride is not None or not scale_up:
            raise ValueError("stretch fills the whole input: it goes with neither stride nor scale_up=False")
        scale = wide / width, high / height
        return Letterbox._make(((height, width), (high, wide), scale, (0.0, 0.0))), (high, wide)
    least = min(high / height, wide / width)
    least = least if scale_up else min(least, 1.0)
    inner = _inner_size((height, width), (high, wide), least, rounding)
    down, across = high - inner[0], wide - inner[1]
    if stride is not None:
        down, across = down % stride, across % stride
    left, top = (across // 2, down // 2) if centered else (0, 0)
    scale = {
        "exact": (inner[1] / width, inner[0] / height),
        "nominal": (least, least),
        "height": (inner[0] / height, inner[0] / height),
    }[gain]
    fields = (height, width), (inner[0] + down, inner[1] + across), scale, (float(left), float(top))
    return Letterbox._make(fields), inner  # known to be right


def _inner_size(image: tuple[int, int], size: tuple[int, int], least: float, rounding: str) -> tuple[int, int]:
    """Height and width of the resized image, in the float64 arithmetic of those who wrote the rules."""
    (height, width), (high, wide) = image, size
    if rounding == "round":
        sides = round(height * least), round(width * least)
    elif rounding == "floor" or least == 1.0:
        sides = int(height * least), int(width * least)
    elif height / width > high / wide:
        sides = high, int(high / (height / width))
    else:
        sides = int(wide * (height / width)), wide
    return min(max(sides[0], 1), high), min(max(sides[1], 1), wide)


def _resized(pixels: Array, height: int, width: int) -> Array:
    """Bilinear, by OpenCV where it is installed."""
    if pixels.shape[:2] == (height, width):
        return pixels
    try:
        import cv2
    except ImportError:
        return _resized_without_opencv(pixels, height, width)
    resized: Array = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
    return resized


def _resized_without_opencv(pixels: Array, height: int, width: int) -> Array:
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    check_memory(8 * channels * (height * width + pixels.size // channels), "resizing an image")
    wide = np.ascontiguousarray(pixels, np.float64).reshape(*pixels.shape[:2], channels)
    out = np.empty((height, width, channels))
    kernels.resize(wide, out)
    if pixels.dtype.kind == "u":
        out = np.floor(out + 0.5)
    return out.astype(pixels.dtype).reshape(height, width, *pixels.shape[2:])


def _as_ground(fill: Any, pixels: Array) -> Array:
    """The filling as one pixel of the image."""
    if not isinstance(fill, str) and dimensions(fill) == 0:
        colors = (as_integer(fill, "fill", 0, 255),) * 3
    else:
        colors = as_color(fill, "fill")
        if pixels.ndim == 2:
            raise ValueError(f"fill must be one integer of 0..255 for a gray image, got {fill!r}")
    ground = np.array([*colors, 255][: 1 if pixels.ndim == 2 else pixels.shape[2]], np.float64)
    most = {"u1": 255.0, "u2": 65535.0}.get(pixels.dtype.str[1:], 1.0)
    return (ground * most / 255.0).astype(pixels.dtype)


def _as_pixels(size: Any, name: str) -> tuple[int, int]:
    height, width = as_items_of(size, name, "a pair (height, width)", 2)
    return as_integer(height, f"{name}[0]", 1, LARGEST_SIDE), as_integer(width, f"{name}[1]", 1, LARGEST_SIDE)


def _as_input_size(size: Any) -> tuple[int, int]:
    if type(size) is int or size is None or isinstance(size, (str, bytes)) or dimensions(size) == 0:
        side = as_integer(size, "size", 1, LARGEST_SIDE)
        return side, side
    height, width = as_items_of(size, "size", "an integer or a pair (height, width)", 2)
    return as_integer(height, "size[0]", 1, LARGEST_SIDE), as_integer(width, "size[1]", 1, LARGEST_SIDE)


def _as_scale(value: Any, place: int) -> float:
    return as_number(value, f"scale[{place}]", 1.0 / LARGEST_SIDE, float(LARGEST_SIDE))


def _bad_points(points: Array) -> Any:
    """Which points are not finite or too far, but for those whose third number says that they are not there."""
    bad = ~(np.abs(points[..., :2].astype(np.float64, copy=False)) <= LIMIT).all(axis=-1)
    return bad if points.shape[-1] == 2 else bad & ~(points[..., 2] <= 0.0)


def _as_outlines(outlines: Any) -> list[Any]:
    if hasattr(outlines, "__array__") or hasattr(outlines, "__dlpack__"):  # polygons of one length
        outlines = as_array(outlines, "outlines")
        if outlines.ndim not in (2, 3):
            raise ValueError(f"outlines must have shape (N, 2 K) or (N, K, 2), got {outlines.shape}")
        check_memory(8 * outlines.size + BYTES_AN_ARRAY * outlines.shape[0], f"outlines of shape {outlines.shape}")
    return as_items(outlines, "outlines", "a sequence of one outline an object")


def _is_list_of_polygons(outline: Any) -> bool:
    """Whether an outline is several polygons rather than one, whose items are numbers or pairs of them."""
    if not isinstance(outline, (list, tuple)) or not outline:
        return False
    return any(dimensions(part) == 2 or (dimensions(part) == 1 and len(part) != 2) for part in outline)
