"""Pictures of thresholds and of errors, with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from detutils._validate import as_names
from detutils.evaluation.errors import KINDS, DetectionErrors
from detutils.evaluation.thresholds import BestThreshold

GRAY, STRONG = "#8c959f", "#0072b2"


def plot_best_threshold(best: BestThreshold, *, names: Sequence[str] | None = None, ax: Any = None) -> Any:
    """Draw F1 against the score threshold: each class thin, all together thick, the best threshold marked.

    Parameters
    ----------
    best : BestThreshold
        What ``best_threshold`` gave.
    names : sequence of str, optional
        One a class; classes are then labeled at their maxima.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure's axes.

    Returns
    -------
    ax : matplotlib Axes
        ``ax.figure.savefig("f1.png")`` writes it to a file.

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
    A new figure is not made through pyplot: nothing has to be closed, and no display is needed. Classes without objects
    are left out.

    Examples
    --------
    >>> import detutils
    >>> best = detutils.best_threshold([([[0, 0, 9, 9]], [0.8], [0])], [([[0, 0, 9, 9]], [0])])
    >>> detutils.plot_best_threshold(best, names=["dog"]).get_ylabel()
    'F1'
    """
    if not isinstance(best, BestThreshold):
        raise TypeError(f"best must be a BestThreshold, got {type(best).__name__}")
    words = None if names is None else as_names(names, "names", len(best.curves))
    ax = _axes(ax, "plot")
    for c, curve in enumerate(best.curves):
        if not np.isnan(curve.f1).any() and curve.f1.size:
            ax.plot(curve.thresholds, curve.f1, drawstyle="steps-post", color=GRAY, linewidth=0.9)
            if words is not None:
                top = int(np.argmax(curve.f1))
                ax.annotate(words[c], (curve.thresholds[top], curve.f1[top]), color=GRAY, fontsize=8)
    if not np.isnan(best.curve.f1).any():
        ax.plot(best.curve.thresholds, best.curve.f1, drawstyle="steps-post", color=STRONG, linewidth=2.2)
    if not np.isnan(best.threshold):
        ax.axvline(best.threshold, color=STRONG, linewidth=0.9, linestyle=":")
        ax.annotate(f"F1 {best.f1:.3f} above {best.threshold:.3g}", (best.threshold, best.f1), color=STRONG)
    ax.set(xlabel="score threshold", ylabel="F1", ylim=(0.0, 1.02))
    ax.grid(visible=True, alpha=0.3)
    return ax


def plot_detection_errors(errors: DetectionErrors, *, ax: Any = None) -> Any:
    """Draw what mending each kind of error would gain.

    Parameters
    ----------
    errors : DetectionErrors
        What ``detection_errors`` gave.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure's axes.

    Returns
    -------
    ax : matplotlib Axes
        A bar a kind, its length the dAP, with the number of such errors beside it.

    Raises
    ------
    ImportError
        If matplotlib is not installed; the text names the extra that brings it.
    TypeError
        If an argument is not of these kinds.

    Notes
    -----
    A new figure is not made through pyplot: nothing has to be closed, and no display is needed.

    Examples
    --------
    >>> import detutils
    >>> errors = detutils.detection_errors([([[0, 0, 9, 4]], [0.8], [0])], [([[0, 0, 9, 9]], [0])])
    >>> [text.get_text() for text in detutils.plot_detection_errors(errors).get_yticklabels()][:2]
    ['cls', 'loc']
    """
    if not isinstance(errors, DetectionErrors):
        raise TypeError(f"errors must be DetectionErrors, got {type(errors).__name__}")
    ax = _axes(ax, "barh")
    gains = np.nan_to_num([getattr(errors, kind) for kind in KINDS])
    places = np.arange(len(KINDS))
    ax.barh(places, gains, color=STRONG)
    for place, gain, count in zip(places.tolist(), gains.tolist(), errors.counts.tolist(), strict=True):
        ax.annotate(f" {gain:.3f}, {count} errors", (gain, place), va="center", fontsize=9)
    ax.set_yticks(places, KINDS)
    ax.invert_yaxis()
    ax.set(xlabel=f"gain in AP (now {errors.ap:.3f})", xlim=(0.0, max(float(gains.max()) * 1.5, 0.01)))
    return ax


def _axes(ax: Any, needed: str) -> Any:
    """The axes, or those of a new figure."""
    if ax is not None:
        if not hasattr(ax, needed):
            raise TypeError(f"ax must be matplotlib Axes, got {type(ax).__name__}")
        return ax
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(f"plots need matplotlib: pip install 'detutils[plot]' ({error})") from None
    return Figure(figsize=(6.4, 4.8), layout="constrained").add_subplot()
