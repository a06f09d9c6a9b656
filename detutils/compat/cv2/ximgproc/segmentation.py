"""``cv2.ximgproc.segmentation``: Selective Search as OpenCV's contributed module is called.

The three modes have OpenCV's parameters: its color spaces, its k (``base_k``, ``base_k + inc_k`` ...), regions of at
least 100 pixels, its sets of similarities, on every pixel of the image; so ``process`` gives about as many boxes with
about the same recall. The boxes are not the same: colors, histograms and edges are those of
``detutils.selective_search``, and so is their order, the likely objects first and the same at each call, where OpenCV
ranks small regions first, differently at each call. ``detutils.selective_search(image)`` is quicker still: its own
modes were chosen by measurement.

An image that stands in another color space (``addImage``) and strategies of one's own in C++ are not offered.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import I4
from detutils._validate import Array, as_image, as_integer, as_number
from detutils.proposals.grouping import Strategy
from detutils.proposals.segmentation import felzenszwalb
from detutils.proposals.strategies import selective_search

Weights = tuple[float, float, float, float]  # of color, texture, size, fill
_COLOR, _TEXTURE, _SIZE, _FILL = (
    (1.0, 0.0, 0.0, 0.0),
    (0.0, 1.0, 0.0, 0.0),
    (0.0, 0.0, 1.0, 0.0),
    (0.0, 0.0, 0.0, 1.0),
)
_ALL, _NO_COLOR = (1.0, 1.0, 1.0, 1.0), (0.0, 1.0, 1.0, 1.0)


class GraphSegmentation:
    """The parameters of an over-segmentation: see ``createGraphSegmentation``."""

    def __init__(self, sigma: float, k: float, min_size: int) -> None:
        self.setSigma(sigma)
        self.setK(k)
        self.setMinSize(min_size)

    def getSigma(self) -> float:
        """The smoothing, in pixels."""
        return self._sigma

    def setSigma(self, sigma: float) -> None:
        """Change it.

        Parameters
        ----------
        sigma : float
            In pixels, 0 to 50.
        """
        self._sigma = as_number(sigma, "sigma", 0.0, 50.0)

    def getK(self) -> float:
        """How large regions grow."""
        return self._k

    def setK(self, k: float) -> None:
        """Change it.

        Parameters
        ----------
        k : float
            0 to 1e7.
        """
        self._k = as_number(k, "k", 0.0, 1e7)

    def getMinSize(self) -> int:
        """The pixels of the smallest region."""
        return self._min_size

    def setMinSize(self, min_size: int) -> None:
        """Change it.

        Parameters
        ----------
        min_size : int
            At least 0.
        """
        self._min_size = as_integer(min_size, "min_size", 0)

    def processImage(self, src: Any) -> I4:
        """The regions of an image.

        Parameters
        ----------
        src : (H, W) or (H, W, 3) ndarray

        Returns
        -------
        labels : (H, W) int32 ndarray
            0 ... R - 1.
        """
        return felzenszwalb(src, self._k, self._sigma, self._min_size)


class SelectiveSearchSegmentationStrategy:
    """What makes regions alike: the weights of color, texture, size and fill."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    def addStrategy(self, g: SelectiveSearchSegmentationStrategy, weight: float) -> None:
        """Add another one with a weight of its own.

        Parameters
        ----------
        g : SelectiveSearchSegmentationStrategy
        weight : float
            At least 0.
        """
        factor = as_number(weight, "weight", 0.0)
        color, texture, size, fill = (
            mine + factor * other for mine, other in zip(self.weights, _as_strategy(g, "g").weights)
        )
        self.weights = color, texture, size, fill

    def clearStrategies(self) -> None:
        """Take all of them out."""
        self.weights = (0.0, 0.0, 0.0, 0.0)


class SelectiveSearchSegmentation:
    """Selective Search by the calls of OpenCV: see ``createSelectiveSearchSegmentation``."""

    def __init__(self) -> None:
        self._image: Array | None = None
        self._spaces: list[str] = []
        self._graphs: list[GraphSegmentation] = []
        self._strategies: list[SelectiveSearchSegmentationStrategy] = []

    def setBaseImage(self, img: Any) -> None:
        """The image in which boxes are to be found.

        Parameters
        ----------
        img : (H, W, 3) or (H, W) ndarray
            uint8, channels in OpenCV's order: blue, green, red.

        Raises
        ------
        TypeError, ValueError
            If it is no image.
        """
        pixels = as_image(img, "img")
        self._image = pixels.copy() if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., 2::-1])

    def switchToSingleStrategy(self, k: int = 200, sigma: float = 0.8) -> None:
        """One hierarchy: HSV, all similarities.

        Parameters
        ----------
        k : int, default 200
            How large regions of the over-segmentation grow.
        sigma : float, default 0.8
            Its smoothing, in pixels.
        """
        self._switch(["hsv"], as_integer(k, "k", 0), 0, 1, sigma, [_ALL])

    def switchToSelectiveSearchFast(self, base_k: int = 150, inc_k: int = 150, sigma: float = 0.8) -> None:
        """12 hierarchies: HSV and Lab; three k; with and without color.

        Parameters
        ----------
        base_k, inc_k : int, default 150
            k is ``base_k``, ``base_k + inc_k`` ...
        sigma : float, default 0.8
            Smoothing, in pixels.
        """
        k, step = as_integer(base_k, "base_k", 0), as_integer(inc_k, "inc_k", 1)
        self._switch(["hsv", "lab"], k, step, 3, sigma, [_ALL, _NO_COLOR])

    def switchToSelectiveSearchQuality(self, base_k: int = 150, inc_k: int = 150, sigma: float = 0.8) -> None:
        """100 hierarchies: HSV, Lab, rgI, hue and gray; five k; four sets of similarities.

        Parameters
        ----------
        base_k, inc_k : int, default 150
            k is ``base_k``, ``base_k + inc_k`` ...
        sigma : float, default 0.8
            Smoothing, in pixels.
        """
        k, step = as_integer(base_k, "base_k", 0), as_integer(inc_k, "inc_k", 1)
        self._switch(["hsv", "lab", "rgi", "hue", "gray"], k, step, 5, sigma, [_ALL, _NO_COLOR, _FILL, _SIZE])

    def addImage(self, img: Any) -> None:
        """Not offered.

        Parameters
        ----------
        img : (H, W, 3) ndarray
            Whatever it is.

        Raises
        ------
        NotImplementedError
            Always: images are the base image in the color spaces of ``detutils.Strategy``.
        """
        raise NotImplementedError(
            "addImage is not offered: switchTo... choose color spaces of the base image; detutils.Strategy names others"
        )

    def clearImages(self) -> None:
        """Forget the color spaces."""
        self._spaces = []

    def addGraphSegmentation(self, g: GraphSegmentation) -> None:
        """One more over-segmentation of each color space.

        Parameters
        ----------
        g : GraphSegmentation
        """
        if not isinstance(g, GraphSegmentation):
            raise TypeError(f"g must be a GraphSegmentation, got {type(g).__name__}")
        self._graphs.append(g)

    def clearGraphSegmentations(self) -> None:
        """Forget the over-segmentations."""
        self._graphs = []

    def addStrategy(self, s: SelectiveSearchSegmentationStrategy) -> None:
        """One more way to compare regions of each over-segmentation.

        Parameters
        ----------
        s : SelectiveSearchSegmentationStrategy
        """
        self._strategies.append(_as_strategy(s, "s"))

    def clearStrategies(self) -> None:
        """Forget the ways to compare."""
        self._strategies = []

    def process(self) -> I4:
        """Find the boxes.

        Returns
        -------
        rects : (N, 4) int32 ndarray
            x, y, width, height, the most promising first; no box twice.

        Raises
        ------
        ValueError
            If there is no image, or nothing was chosen by ``switchTo...``.
        """
        if self._image is None:
            raise ValueError("there is no image: call setBaseImage first")
        chosen = [
            Strategy(space, g.getK(), *s.weights, min_size=g.getMinSize(), sigma=g.getSigma())
            for space in self._spaces
            for g in self._graphs
            for s in self._strategies
        ]
        if not chosen:
            raise ValueError("no strategy is chosen: call switchToSingleStrategy, ...Fast or ...Quality first")
        boxes = selective_search(self._image, chosen, min_size=0, max_side=None, refine=False).boxes
        boxes[:, 2:] -= boxes[:, :2]
        return boxes.astype(np.int32)

    def _switch(
        self, spaces: list[str], base: int, step: int, count: int, sigma: float, sets: list[Weights]
    ) -> None:  # fmt: skip
        graphs = [GraphSegmentation(sigma, float(base + i * step), 100) for i in range(count)]
        self._spaces, self._graphs = spaces, graphs
        self._strategies = [SelectiveSearchSegmentationStrategy(weights) for weights in sets]


def createSelectiveSearchSegmentation() -> SelectiveSearchSegmentation:
    """A search: ``setBaseImage``, ``switchTo...``, ``process``.

    Returns
    -------
    search : SelectiveSearchSegmentation
        Reusable: another ``setBaseImage`` is another photograph by the same strategies.

    Raises
    ------
    Nothing; the calls of the search say what is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat import cv2
    >>> image = np.zeros((60, 80, 3), np.uint8)
    >>> image[20:50, 30:70] = (40, 40, 200)
    >>> search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    >>> search.setBaseImage(image)
    >>> search.switchToSelectiveSearchFast()
    >>> [30, 20, 40, 30] in search.process().tolist()
    True
    """
    return SelectiveSearchSegmentation()


def createGraphSegmentation(sigma: float = 0.5, k: float = 300.0, min_size: int = 100) -> GraphSegmentation:
    """Over-segmentation after Felzenszwalb and Huttenlocher.

    Parameters
    ----------
    sigma : float, default 0.5
        Smoothing, in pixels.
    k : float, default 300
        The larger, the larger regions.
    min_size : int, default 100
        Pixels of the smallest region.

    Returns
    -------
    segmentation : GraphSegmentation

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from detutils.compat import cv2
    >>> image = np.zeros((4, 6), np.uint8)
    >>> image[:, 3:] = 200
    >>> cv2.ximgproc.segmentation.createGraphSegmentation(0.0, 10, 1).processImage(image)[0]
    array([0, 0, 0, 1, 1, 1], dtype=int32)
    """
    return GraphSegmentation(sigma, k, min_size)


def createSelectiveSearchSegmentationStrategyColor() -> SelectiveSearchSegmentationStrategy:
    """Regions are alike by color.

    Returns
    -------
    strategy : SelectiveSearchSegmentationStrategy

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from detutils.compat import cv2
    >>> cv2.ximgproc.segmentation.createSelectiveSearchSegmentationStrategyColor().weights
    (1.0, 0.0, 0.0, 0.0)
    """
    return SelectiveSearchSegmentationStrategy(_COLOR)


def createSelectiveSearchSegmentationStrategyTexture() -> SelectiveSearchSegmentationStrategy:
    """Regions are alike by texture.

    Returns
    -------
    strategy : SelectiveSearchSegmentationStrategy

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from detutils.compat import cv2
    >>> cv2.ximgproc.segmentation.createSelectiveSearchSegmentationStrategyTexture().weights
    (0.0, 1.0, 0.0, 0.0)
    """
    return SelectiveSearchSegmentationStrategy(_TEXTURE)


def createSelectiveSearchSegmentationStrategySize() -> SelectiveSearchSegmentationStrategy:
    """Small regions are joined first.

    Returns
    -------
    strategy : SelectiveSearchSegmentationStrategy

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from detutils.compat import cv2
    >>> cv2.ximgproc.segmentation.createSelectiveSearchSegmentationStrategySize().weights
    (0.0, 0.0, 1.0, 0.0)
    """
    return SelectiveSearchSegmentationStrategy(_SIZE)


def createSelectiveSearchSegmentationStrategyFill() -> SelectiveSearchSegmentationStrategy:
    """Regions that fill their common box are joined first.

    Returns
    -------
    strategy : SelectiveSearchSegmentationStrategy

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> from detutils.compat import cv2
    >>> cv2.ximgproc.segmentation.createSelectiveSearchSegmentationStrategyFill().weights
    (0.0, 0.0, 0.0, 1.0)
    """
    return SelectiveSearchSegmentationStrategy(_FILL)


def createSelectiveSearchSegmentationStrategyMultiple(
    *strategies: SelectiveSearchSegmentationStrategy,
) -> SelectiveSearchSegmentationStrategy:
    """The sum of strategies; ``addStrategy`` adds others with weights of their own.

    Parameters
    ----------
    *strategies : SelectiveSearchSegmentationStrategy
        Any number of them.

    Returns
    -------
    strategy : SelectiveSearchSegmentationStrategy

    Raises
    ------
    TypeError
        If one of them is something else.

    Examples
    --------
    >>> from detutils.compat.cv2.ximgproc import segmentation
    >>> color = segmentation.createSelectiveSearchSegmentationStrategyColor()
    >>> fill = segmentation.createSelectiveSearchSegmentationStrategyFill()
    >>> segmentation.createSelectiveSearchSegmentationStrategyMultiple(color, fill).weights
    (1.0, 0.0, 0.0, 1.0)
    """
    whole = SelectiveSearchSegmentationStrategy((0.0, 0.0, 0.0, 0.0))
    for i, strategy in enumerate(strategies):
        whole.addStrategy(_as_strategy(strategy, f"s{i + 1}"), 1.0)
    return whole


def _as_strategy(value: Any, name: str) -> SelectiveSearchSegmentationStrategy:
    if not isinstance(value, SelectiveSearchSegmentationStrategy):
        raise TypeError(f"{name} must be a SelectiveSearchSegmentationStrategy, got {type(value).__name__}")
    return value
