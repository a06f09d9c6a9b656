"""Which class is taken for which: the confusion matrix of a detector, and its picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import I8
from detutils._validate import as_integer, as_names, as_number, as_threshold
from detutils.evaluation._kernels.reasons import pair_up
from detutils.evaluation.errors import detection_rows, object_rows
from detutils.evaluation.inputs import gather_detections, gather_objects
from detutils.evaluation.rotated_rows import as_optional_angle
from detutils.geometry.rotated import Angle

INK = np.array([0.0, 0x72 / 255, 0xB2 / 255])  # of a cell that holds all of its row


class ConfusionMatrix(NamedTuple):
    """How often an object of one class was found as another, missed, or made up.

    Attributes
    ----------
    matrix : (C + 1, C + 1) int64 ndarray
        ``matrix[i, j]``: objects of class i found as class j. The last column holds missed objects, the last row
        detections without an object; the corner is 0.
    labels : (C,) int64 ndarray
        The class of each row and column but the last, ascending.

    Examples
    --------
    >>> import detutils
    >>> objects = [([[0, 0, 10, 10], [20, 20, 30, 30]], [0, 1])]
    >>> found = [([[0, 0, 10, 9], [50, 50, 60, 60]], [0.9, 0.8], [1, 1])]
    >>> detutils.confusion_matrix(found, objects).matrix
    array([[0, 1, 0],
           [0, 0, 1],
           [0, 1, 0]])
    """

    matrix: I8
    labels: I8


def confusion_matrix(
    detections: Iterable[Any],
    ground_truth: Iterable[Any],
    *,
    iou_threshold: float = 0.5,
    score_threshold: float = 0.25,
    n_classes: int | None = None,
    angle: Angle | None = None,
) -> ConfusionMatrix:
    """Count which class each object was found as.

    Parameters
    ----------
    detections : sequence, one entry an image
        As for ``evaluate_coco``: boxes x1, y1, x2, y2 in pixels, scores and labels.
    ground_truth : Dataset, or sequence, one entry an image
        As for ``evaluate_coco``: boxes, labels and, where there are any, crowd and difficult.
    iou_threshold : float, default 0.5
        In [0, 1]. Pairs of at least this IoU are candidates; boxes that do not overlap never are.
    score_threshold : float, default 0.25
        Only detections with score > ``score_threshold`` take part.
    n_classes : int, optional
        Rows for the classes 0 to ``n_classes`` - 1; by default for those that occur.
    angle : {None, "ccw-deg", "cw-deg", "ccw-rad", "cw-rad"}, default None
        Where given, boxes are rotated: as for ``evaluate_coco``.

    Returns
    -------
    result : ConfusionMatrix
        The (C + 1, C + 1) counts and the C classes. (1, 1) where there are none.

    Raises
    ------
    TypeError
        If an argument is not of these kinds.
    ValueError
        If there are not as many entries in both, an array breaks its contract (the text names the image), a label is
        not below ``n_classes``, or an option is out of range.

    See Also
    --------
    detection_errors : Kinds of errors and what they cost.
    plot_confusion_matrix : Its picture.

    Notes
    -----
    The rule: within an image, candidate pairs of a detection and an object are taken one to one, those of one class
    first, then by falling IoU (ties: the lower object, then the lower detection). So a right detection is counted as
    right, whatever else lies there, and no object or detection counts twice. Scores beyond the threshold play no part.
    Difficult objects and crowds are not counted, and neither is a detection without a partner that overlaps one of
    them by the threshold (a crowd: with this share of itself). Each row but the last sums to the objects of its class,
    each column but the last to the detections of its class. O(sum over images of D M min(D, M)).

    References
    ----------
    C. Stehman, Selecting and interpreting measures of thematic classification accuracy, Remote Sensing of Environment
    62, 1997 (the matrix). Its rule for detections is this package's own.

    Examples
    --------
    >>> import detutils
    >>> objects = [([[0, 0, 10, 10]], [0])]
    >>> found = [([[0, 0, 10, 10], [0, 0, 10, 9]], [0.9, 0.8], [1, 0])]
    >>> detutils.confusion_matrix(found, objects).matrix  # the second is right, the first made up
    array([[1, 0, 0],
           [0, 0, 0],
           [0, 1, 0]])
    """
    enough = max(as_threshold(iou_threshold), 5e-324)  # of boxes that overlap at all
    floor = as_number(score_threshold, "score_threshold")
    turned = as_optional_angle(angle)
    truth = gather_objects(ground_truth, angle=turned)
    found = gather_detections(detections, truth.starts.size - 1, angle=turned)
    rows = np.flatnonzero(found.scores > floor)
    labels = np.unique(np.concatenate([found.labels[rows], truth.labels]))
    if n_classes is not None:
        count = as_integer(n_classes, "n_classes", 0, 10_000)
        outside = labels[(labels < 0) | (labels >= count)]
        if outside.size:
            raise ValueError(f"labels must be in 0..{count - 1} for n_classes={count}, got {outside[0]}")
        labels = np.arange(count)
    detected, there = detection_rows(found, rows, labels), object_rows(truth, labels)
    target, taken = np.empty(rows.size, np.int64), np.zeros(truth.labels.size, np.int64)
    pair_up(detected, np.searchsorted(rows, found.starts), there, truth.starts, enough, target, taken)
    matrix = np.zeros((labels.size + 1, labels.size + 1), np.int64)
    paired = target >= 0
    columns, lines = detected[:, 4].astype(np.int64), there[:, 4].astype(np.int64)
    np.add.at(matrix, (lines[target[paired]], columns[paired]), 1)
    np.add.at(matrix[labels.size], columns[target == -1], 1)
    np.add.at(matrix[:, labels.size], lines[(taken == 0) & (there[:, 5] == 0.0)], 1)
    return ConfusionMatrix(matrix, labels)


def plot_confusion_matrix(
    result: ConfusionMatrix, *, names: Sequence[str] | None = None, ax: Any = None
) -> Any:
    """Draw a confusion matrix with matplotlib, each row shaded by its shares.

    Parameters
    ----------
    result : ConfusionMatrix
        What ``confusion_matrix`` gave.
    names : sequence of str, optional
        One a class; by default the labels.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure's axes.

    Returns
    -------
    ax : matplotlib Axes
        ``ax.figure.savefig("confusion.png")`` writes it to a file.

    Raises
    ------
    ImportError
        If matplotlib is not installed; the text names the extra that brings it.
    TypeError
        If an argument is not of these kinds.
    ValueError
        If there are not as many names as classes.

    Notes
    -----
    A new figure is not made through pyplot: nothing has to be closed, and no display is needed. Counts are written
    into the cells of up to 30 classes.

    Examples
    --------
    >>> import detutils
    >>> result = detutils.confusion_matrix([([[0, 0, 9, 9]], [0.8], [0])], [([[0, 0, 9, 9]], [0])])
    >>> detutils.plot_confusion_matrix(result, names=["dog"]).get_xlabel()
    'found as'
    """
    if not isinstance(result, ConfusionMatrix):
        raise TypeError(f"result must be a ConfusionMatrix, got {type(result).__name__}")
    words = [str(label) for label in result.labels] if names is None else as_names(names, "names", result.labels.size)
    side = len(words) + 1
    if ax is None:
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError(f"plots need matplotlib: pip install 'detutils[plot]' ({error})") from None
        inches = min(3.0 + 0.45 * side, 14.0)
        ax = Figure(figsize=(inches, inches), layout="constrained").add_subplot()
    elif not hasattr(ax, "imshow"):
        raise TypeError(f"ax must be matplotlib Axes, got {type(ax).__name__}")
    shares = result.matrix / np.maximum(result.matrix.sum(axis=1, keepdims=True), 1)
    ax.imshow(1 - shares[..., None] * (1 - INK), vmin=0.0, vmax=1.0)
    if side <= 31:
        for line, column in zip(*np.nonzero(result.matrix), strict=True):
            ink = "white" if shares[line, column] > 0.6 else "black"
            ax.text(column, line, str(result.matrix[line, column]), ha="center", va="center", color=ink, fontsize=8)
    ax.set_xticks(range(side), [*words, "missed"], rotation=90 if side > 6 else 0)
    ax.set_yticks(range(side), [*words, "no object"])
    ax.set(xlabel="found as", ylabel="object")
    return ax
