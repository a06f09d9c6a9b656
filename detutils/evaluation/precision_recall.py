"""Precision against recall: the curve, the area below it, its picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils._jit import F8, I8
from detutils._validate import as_choice, as_flags, as_integer, as_items, as_names, as_vector
from detutils.evaluation._kernels.curves import area_under, eleven_points, voc_curves

Method = Literal["area", "11-point"]
# Of lines on white paper: told apart by all kinds of eyes, none of them faint.
PAINTS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999933")


class PrecisionRecall(NamedTuple):
    """Precision and recall after each detection, surest first.

    Attributes
    ----------
    scores : (N,) float64 ndarray
        The scores of the detections, descending.
    recall : (N,) float64 ndarray
        The fraction of the objects found so far, ascending. NaN if there are no objects.
    precision : (N,) float64 ndarray
        The fraction of the detections so far that are right; 0 as long as none counted.

    Examples
    --------
    >>> import detutils
    >>> curve = detutils.precision_recall_curve([0.9, 0.8], [True, False], 2)
    >>> curve.recall, curve.precision
    (array([0.5, 0.5]), array([1. , 0.5]))
    """

    scores: F8
    recall: F8
    precision: F8


def precision_recall_curve(
    scores: npt.ArrayLike, matched: npt.ArrayLike, positives: int, *, ignored: npt.ArrayLike | None = None
) -> PrecisionRecall:
    """Trace precision and recall over falling scores.

    Parameters
    ----------
    scores : (N,) array_like
        Of the detections, in any order. Detections of one score keep their order.
    matched : (N,) array_like of bool
        Whether each detection is right.
    positives : int
        How many objects there were to find, at least 0.
    ignored : (N,) array_like of bool, optional
        Detections that count neither way; they repeat the point before them.

    Returns
    -------
    curve : PrecisionRecall
        (N,) arrays, surest detection first. Shape (0,) without detections; recall is NaN if ``positives`` is
        0.

    Raises
    ------
    TypeError
        If ``scores`` are not numbers, a flag is not a boolean, or ``positives`` is not an integer.
    ValueError
        If lengths differ, a score is not finite, ``positives`` is negative, or more detections are right than
        there are objects.

    See Also
    --------
    average_precision : One number for the curve.
    evaluate_voc : Finds out which detections are right.

    Notes
    -----
    O(N log N) for sorting.

    References
    ----------
    ``VOCevaldet.m`` of the Pascal VOC devkit.

    Examples
    --------
    >>> import detutils
    >>> detutils.precision_recall_curve([0.1, 0.9, 0.5], [True, True, False], 4).precision
    array([1.        , 0.5       , 0.66666667])
    """
    values = as_vector(scores)
    right = as_flags(matched, "matched", values.size)
    count = as_integer(positives, "positives", 0, 2**53)
    aside = np.zeros(values.size, np.bool_) if ignored is None else as_flags(ignored, "ignored", values.size)
    right = right & ~aside
    if right.sum() > count:
        raise ValueError(f"positives is {count}, but {right.sum()} detections are matched")
    order = np.argsort(-values, kind="stable")
    outcomes = np.where(aside, -1, right)[order]
    return trace(values[order], outcomes, np.array([0, order.size]), np.array([count]))[0]


def trace(scores: F8, outcomes: I8, starts: I8, positives: I8) -> list[PrecisionRecall]:
    """The curves of classes: detections starts[c] to starts[c + 1], sorted; 1 right, 0 wrong, -1 ignored."""
    recall, precision = np.empty(scores.size), np.empty(scores.size)
    voc_curves(outcomes, starts, positives, recall, precision)
    spans = [slice(begin, end) for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)]
    return [PrecisionRecall(scores[span], recall[span], precision[span]) for span in spans]


def average_precision(recall: npt.ArrayLike, precision: npt.ArrayLike, *, method: Method = "area") -> float:
    """Sum up a precision-recall curve in one number.

    Parameters
    ----------
    recall : (N,) array_like
        Ascending, in [0, 1], or all NaN if there were no objects.
    precision : (N,) array_like
        In [0, 1].
    method : {"area", "11-point"}
        ``area``: the area under the envelope that never rises, as in VOC 2010 and later. ``11-point``: the
        mean over the recalls 0, 0.1, ..., 1 of the best precision at that recall or beyond, as in VOC 2007.

    Returns
    -------
    ap : float
        In [0, 1]; 0 without detections; NaN if ``recall`` is.

    Raises
    ------
    TypeError
        If an argument is not of these kinds.
    ValueError
        If lengths differ, a value is outside [0, 1], ``recall`` falls, or ``method`` is unknown.

    See Also
    --------
    precision_recall_curve : Makes the curve.

    Notes
    -----
    Linear in N. The recall levels of ``11-point`` are multiples of 0.1 in floating point, as in
    py-faster-rcnn's ``voc_eval.py``: the levels .3, .6 and .7 lie a last digit above these decimals, so that
    a recall of exactly 3 / 10 does not reach the fourth one.

    References
    ----------
    M. Everingham et al., The Pascal Visual Object Classes (VOC) Challenge, IJCV 2010, section 4.2.

    Examples
    --------
    >>> import detutils
    >>> detutils.average_precision([0.5, 0.5, 1.0], [1.0, 0.5, 0.6])
    0.8
    """
    reached = as_vector(recall, "recall", finite=False)
    exact = as_vector(precision, "precision", reached.size)
    chosen: Method = as_choice(method, "method", ("area", "11-point"))
    if reached.size and np.isnan(reached).all():
        return float("nan")
    for name, values in (("recall", reached), ("precision", exact)):
        outside = np.flatnonzero(~((values >= 0.0) & (values <= 1.0)))
        if outside.size:
            raise ValueError(f"{name}[{outside[0]}] must be in [0, 1], got {values[outside[0]]}")
    if (np.diff(reached) < 0.0).any():
        raise ValueError("recall must not fall: sort detections by falling score first")
    return summed(reached, exact, chosen)


def summed(recall: F8, precision: F8, method: Method) -> float:
    """Average precision of a curve that is known to be one."""
    return float(area_under(recall, precision) if method == "area" else eleven_points(recall, precision))


def plot_precision_recall(
    curves: PrecisionRecall | Iterable[PrecisionRecall], *, names: Sequence[str] | None = None, ax: Any = None
) -> Any:
    """Draw precision-recall curves with matplotlib.

    Parameters
    ----------
    curves : PrecisionRecall or sequence of PrecisionRecall
        One line each. A curve without objects (recall NaN) is left out of the picture.
    names : sequence of str, optional
        One a curve, written at its end with the area below it: beside the axes for up to twelve curves, else in a
        legend.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure's axes.

    Returns
    -------
    ax : matplotlib Axes
        ``ax.figure.savefig("curve.png")`` writes it to a file.

    Raises
    ------
    ImportError
        If matplotlib is not installed; the text names the extra that brings it.
    TypeError
        If ``curves``, ``names`` or ``ax`` is not of these kinds.
    ValueError
        If there are not as many names as curves.

    Notes
    -----
    A new figure is not made through pyplot: nothing has to be closed, and no display is needed.

    Examples
    --------
    >>> import detutils
    >>> curve = detutils.precision_recall_curve([0.9, 0.8], [True, True], 2)
    >>> ax = detutils.plot_precision_recall(curve, names=["dog"])
    >>> ax.get_xlabel()
    'recall'
    """
    single = isinstance(curves, PrecisionRecall)
    lines = [curves] if single else as_items(curves, "curves", "PrecisionRecall or a sequence of them")
    for line in lines:
        if not isinstance(line, PrecisionRecall):
            raise TypeError(f"curves must be PrecisionRecall, got {type(line).__name__}")
    words = None if names is None else as_names(names, "names", len(lines))
    if ax is None:
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError(f"plots need matplotlib: pip install 'detutils[plot]' ({error})") from None
        ax = Figure(figsize=(6.4, 4.8), layout="constrained").add_subplot()
    elif not hasattr(ax, "plot"):
        raise TypeError(f"ax must be matplotlib Axes, got {type(ax).__name__}")
    ends: list[tuple[float, float, str, str]] = []
    for i, line in enumerate(lines):
        if np.isnan(line.recall).any():
            continue
        paint, dash = PAINTS[i % len(PAINTS)], "-" if i < len(PAINTS) else "--"
        label = None if words is None else f"{words[i]} ({summed(line.recall, line.precision, 'area'):.3f})"
        # A step down to 0 at the end: recall beyond the last detection is not reached.
        recall = np.concatenate([[0.0], line.recall, line.recall[-1:]])
        precision = np.concatenate([line.precision[:1], line.precision, np.zeros(min(1, line.recall.size))])
        steps = {"drawstyle": "steps-pre", "linewidth": 1.5, "color": paint, "linestyle": dash}
        ax.plot(recall[: precision.size], precision, label=label, **steps)
        if label is not None:
            ends.append((*((line.recall[-1], line.precision[-1]) if line.recall.size else (0.0, 0.0)), label, paint))
    ax.set(xlabel="recall", ylabel="precision", xlim=(0.0, 1.0), ylim=(0.0, 1.02))
    ax.grid(visible=True, alpha=0.3)
    if len(ends) > 12:
        ax.legend(loc="lower left", fontsize=7, ncols=2)
        return ax
    place = 1.06
    for recall_there, precision_there, label, paint in sorted(ends, reverse=True):
        place = min(place - 0.06, precision_there)
        look = {"arrowstyle": "-", "color": paint, "linewidth": 0.6, "alpha": 0.6}
        ax.annotate(
            label, (recall_there, precision_there), xytext=(1.015, place), textcoords=("axes fraction", "data"),
            color=paint, fontsize=9, va="center", annotation_clip=False, arrowprops=look,
        )  # fmt: skip
    return ax
