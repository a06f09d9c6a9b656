"""The trained detector: it proposes, describes, scores, moves and thins out boxes, and lives in one file."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from typing import IO, Any

import numpy as np

from detutils._jit import F8, I8
from detutils._validate import (
    Array,
    as_boxes,
    as_flag,
    as_image,
    as_image_size,
    as_integer,
    as_names,
    as_number,
    as_table,
    as_threshold,
    check_table_block,
)
from detutils.datasets.records import Detections
from detutils.geometry.boxes import clip_boxes_to_image
from detutils.proposals.strategies import selective_search
from detutils.rcnn.array_files import read_arrays, write_arrays
from detutils.rcnn.box_regressor import BoxRegressor
from detutils.rcnn.classifier import scores_of
from detutils.rcnn.features import box_features
from detutils.rcnn.ridge import row_blocks
from detutils.suppression.greedy import batched_nms

KIND = "detutils RCNN"
MARGIN = -1.0  # the score of a sure negative

Describe = Callable[[Any, F8], Any]
Propose = Callable[[Any], Any]


def describe(image: Any, boxes: F8) -> Array:
    """The features used where none are given."""
    return box_features(image, boxes)


def propose(image: Any) -> F8:
    """The proposals used where none are given."""
    return selective_search(image, "fast", max_boxes=1000).boxes


class RCNN:
    """A detector made of proposals, features, linear classifiers and box regressors.

    ``train_rcnn`` makes one and ``RCNN.load`` reads one back.

    Parameters
    ----------
    class_names : sequence of str
        The name of each label.
    weights : (D + 1, C) array_like
        The linear classifier of each class; the last row is for the constant.
    regressor : BoxRegressor or None
        Fitted on the same features with labels 0 ... C - 1; None to leave boxes as they are proposed.
    features : callable (image, boxes) -> (N, D) array, optional
        ``box_features`` by default.
    proposals : callable (image) -> (N, 4) array, optional
        The 1000 first boxes of ``selective_search`` by default.

    Attributes
    ----------
    class_names : tuple of str
        As given.
    weights : (D + 1, C) float64 ndarray
        As given.
    regressor : BoxRegressor or None
        As given.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If shapes do not agree.

    Notes
    -----
    To detect costs what the proposals and their features cost, and N D C multiplications for N boxes, D features
    and C classes.

    References
    ----------
    R. Girshick, J. Donahue, T. Darrell, J. Malik: Rich feature hierarchies for accurate object detection and
    semantic segmentation. CVPR 2014.

    Examples
    --------
    A classifier that likes bright boxes:

    >>> import numpy as np
    >>> import detutils
    >>> image = np.zeros((60, 80), np.uint8)
    >>> image[10:50, 20:60] = 255
    >>> model = detutils.RCNN(
    ...     ["bright"], [[2.0], [-1.0]], None,
    ...     features=lambda image, boxes: [[image[int(y1):int(y2), int(x1):int(x2)].mean() / 255]
    ...                                    for x1, y1, x2, y2 in boxes],
    ...     proposals=lambda image: np.array([[20, 10, 60, 50], [0, 0, 30, 30.0]]),
    ... )
    >>> found = model.detect(image, score_threshold=0.0)
    >>> found.boxes, found.scores.round(2), found.labels
    (array([[20., 10., 60., 50.]]), array([1.]), array([0]))
    """

    def __init__(
        self,
        class_names: Sequence[str],
        weights: Any,
        regressor: BoxRegressor | None = None,
        *,
        features: Describe | None = None,
        proposals: Propose | None = None,
    ) -> None:
        self.class_names = tuple(as_names(class_names, "class_names"))
        table = as_table(weights, "weights", None, len(self.class_names))
        if len(table) < 2:
            raise ValueError(f"weights must have a row for each feature and one more, got {table.shape}")
        self.weights: F8 = check_table_block(table, "weights", 0).astype(np.float64)
        if regressor is not None:
            if not isinstance(regressor, BoxRegressor):
                raise TypeError(f"regressor must be a BoxRegressor or None, got {type(regressor).__name__}")
            if regressor.coef_.shape[1] != len(table) - 1:
                raise ValueError(
                    f"regressor is for {regressor.coef_.shape[1]} features, weights for {len(table) - 1}"
                )
            if not regressor._seen.labeled:
                raise ValueError("regressor must be fitted with labels, 0 ... C - 1")
        self.regressor = regressor
        for value, name in ((features, "features"), (proposals, "proposals")):
            if value is not None and not callable(value):
                raise TypeError(f"{name} must be callable or None, got {type(value).__name__}")
        self._own = features is not None, proposals is not None
        self._features = describe if features is None else features
        self._proposals = propose if proposals is None else proposals

    def __repr__(self) -> str:
        how = "with" if self.regressor is not None else "without"
        width = len(self.weights) - 1
        return f"<RCNN: {len(self.class_names)} classes, {width} features, {how} box regression>"

    def propose(self, image: Any) -> F8:
        """The proposals of an image.

        Parameters
        ----------
        image : (H, W), (H, W, 3) or (H, W, 4) ndarray
            uint8, uint16, or float in 0..1.

        Returns
        -------
        boxes : (N, 4) float64 ndarray
            x1, y1, x2, y2 in pixels, in the order of the proposing function: the likeliest first by default.

        Raises
        ------
        TypeError, ValueError
            If ``image`` is no image, or the proposing function does not return boxes.
        """
        return as_boxes(self._proposals(as_image(image)), "proposals(image)")

    def describe(self, image: Any, boxes: Any) -> Array:
        """The features of boxes.

        Parameters
        ----------
        image : (H, W), (H, W, 3) or (H, W, 4) ndarray
            uint8, uint16, or float in 0..1.
        boxes : (N, 4) array_like
            x1, y1, x2, y2 in pixels.

        Returns
        -------
        features : (N, D) ndarray
            A row for each box, in their order. Shape (0, D) without boxes.

        Raises
        ------
        TypeError, ValueError
            If ``image`` is no image, a box breaks its contract, or the describing function does not return N rows
            of as many features as the classifiers have.
        """
        places = as_boxes(boxes)
        found = self._features(as_image(image), places)
        return as_table(found, "features(image, boxes)", len(places), len(self.weights) - 1)

    def detect(
        self,
        image: Any,
        *,
        score_threshold: float = MARGIN,
        iou_threshold: float = 0.3,
        max_output: int | None = 100,
        regress: bool = True,
    ) -> Detections:
        """Find objects in an image.

        Parameters
        ----------
        image : (H, W), (H, W, 3) or (H, W, 4) ndarray
            uint8, uint16, or float in 0..1.
        score_threshold : float, default -1.0
            Keep boxes that score higher. Objects are taught to score 1 and background -1; where objects are
            few, most score less than 1, and training calls a background box above -0.5 a hard one. The
            default keeps much, for curves of precision and recall.
        iou_threshold : float, default 0.3
            Of boxes of one class that overlap by more, the best stays.
        max_output : int or None, default 100
            Return the best so many.
        regress : bool, default True
            Move boxes by the box regressor, before they are thinned out.

        Returns
        -------
        detections : Detections
            Boxes within the image, scores (best first) and labels.

        Raises
        ------
        TypeError
            If an argument is not of its type.
        ValueError
            If an argument is out of its range, or proposals and features do not agree.
        """
        array = as_image(image)
        boxes = self.propose(array)
        features = self.describe(array, boxes)
        return self.detect_features(
            features, boxes, array.shape[:2], score_threshold=score_threshold, iou_threshold=iou_threshold,
            max_output=max_output, regress=regress,
        )  # fmt: skip

    def detect_features(
        self,
        features: Any,
        proposals: Any,
        image_size: tuple[float, float] | None = None,
        *,
        score_threshold: float = MARGIN,
        iou_threshold: float = 0.3,
        max_output: int | None = 100,
        regress: bool = True,
    ) -> Detections:
        """Find objects among proposals whose features are known already.

        Parameters
        ----------
        features : (N, D) array
            A row for each proposal, read a block at a time.
        proposals : (N, 4) array_like
            x1, y1, x2, y2 in pixels.
        image_size : (height, width), optional
            Boxes are clipped to it.
        score_threshold, iou_threshold, max_output, regress : optional
            As in ``detect``.

        Returns
        -------
        detections : Detections
            Boxes, scores (best first) and labels.

        Raises
        ------
        TypeError
            If an argument is not of its type.
        ValueError
            If shapes do not agree, a number is not finite or an option is out of its range.
        """
        places = as_boxes(proposals, "proposals")
        table = as_table(features, "features", len(places), len(self.weights) - 1)
        for part, block in row_blocks(table):
            check_table_block(block, "features", part.start)
        least = as_number(score_threshold, "score_threshold")
        overlap = as_threshold(iou_threshold)
        most = None if max_output is None else as_integer(max_output, "max_output", 0)
        move = as_flag(regress, "regress") and self.regressor is not None
        scores = scores_of(table, self.weights)
        rows, labels = np.nonzero(scores > least)
        boxes = places[rows]
        if move:
            boxes = self._moved(table, places, rows, labels, boxes)
        if image_size is not None:
            boxes = clip_boxes_to_image(boxes, as_image_size(image_size))
        found = scores[rows, labels]
        keep = batched_nms(boxes, found, labels, overlap, max_output=most)
        return Detections(boxes[keep], found[keep], labels[keep])

    def _moved(self, table: Array, places: F8, rows: I8, labels: I8, boxes: F8) -> F8:
        """The boxes moved, a class at a time; a class that the regressor does not know stays."""
        if self.regressor is None:
            return boxes
        for label in np.intersect1d(labels, self.regressor.classes_):
            mine = np.flatnonzero(labels == label)
            which = rows[mine]
            boxes[mine] = self.regressor.predict(table[which], places[which], np.full(len(which), label))
        return boxes

    def save(self, path: str | os.PathLike[str] | IO[bytes]) -> None:
        """Write the model to a NumPy archive (no pickle). Callables of your own are not kept.

        Parameters
        ----------
        path : str, path or open binary file
            A file of this name is replaced as a whole, when everything is written.

        Returns
        -------
        None

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        stream = io.BytesIO()
        if self.regressor is not None:
            self.regressor.save(stream)
        arrays = {
            "class_names": np.array(self.class_names, dtype=np.str_),
            "weights": self.weights,
            "regressor": np.frombuffer(stream.getvalue(), np.uint8),
            "own": np.array(self._own),
        }
        write_arrays(path, KIND, arrays)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | IO[bytes],
        *,
        features: Describe | None = None,
        proposals: Propose | None = None,
    ) -> RCNN:
        """Read a model that ``save`` wrote.

        Parameters
        ----------
        path : str, path or open binary file
            Where it is.
        features : callable, optional
            The same as in training; needed if it was given there.
        proposals : callable, optional
            The same as in training; needed if it was given there.

        Returns
        -------
        model : RCNN

        Raises
        ------
        OSError
            If there is no such file.
        ValueError
            If it is damaged or something else (the text names the path), or a callable is missing.
        """
        arrays = read_arrays(path, KIND)
        try:
            names, own = arrays["class_names"], arrays["own"]
            if names.dtype.kind != "U" or names.ndim != 1:
                raise ValueError("the names of the classes are not text")
            weights, packed = arrays["weights"], arrays["regressor"]
            dtypes = own.dtype == np.bool_ and packed.dtype == np.uint8 and weights.dtype == np.float64
            if not dtypes or own.shape != (2,) or packed.ndim != 1:
                raise ValueError("a part has another shape or type than save writes")
            content = packed.tobytes()
            regressor = BoxRegressor.load(io.BytesIO(content)) if content else None
            model = cls(names.tolist(), weights, regressor, features=features, proposals=proposals)
        except Exception as error:  # a damaged member raises what it likes
            raise ValueError(f"{path} does not hold an RCNN: {error}") from error
        for needed, given, name in zip(own, model._own, ("features", "proposals"), strict=True):
            if needed and not given:
                raise ValueError(f"{path} was trained with {name} of its own: pass the same {name}=")
        return model
