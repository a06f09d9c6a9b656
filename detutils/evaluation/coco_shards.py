"""COCO's numbers of data that comes in pieces, and how much of them is chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from detutils._jit import F8, I8
from detutils._validate import as_choice, as_flag, as_integer, as_number, as_seed
from detutils.evaluation.coco import CocoResult, summed_up
from detutils.evaluation.coco_states import Rules, States, added_up, as_rules, joined, match
from detutils.evaluation.inputs import gather_detections, gather_objects
from detutils.geometry.rotated import Angle

Metric = Literal["ap", "ap50", "ap75"]
METRICS = ("ap", "ap50", "ap75")


class CocoAccumulator:
    """COCO's evaluation of images that come in pieces, from one process or several.

    Parameters
    ----------
    iou_thresholds, max_detections, areas, class_agnostic, angle
        As for ``evaluate_coco``.

    Raises
    ------
    TypeError
        If an option is of the wrong type.
    ValueError
        If an option is out of range.

    See Also
    --------
    evaluate_coco : All at once.

    Notes
    -----
    ``update`` matches the detections of its images and keeps what became of them: about 100 bytes a detection, no
    boxes. ``merge`` is associative, and the result equals that of ``evaluate_coco`` on all images in the same order,
    bit for bit. Accumulators can be pickled.

    References
    ----------
    ``cocoeval.py`` of pycocotools, whose images do not influence each other before the sums.

    Examples
    --------
    >>> import detutils
    >>> objects = [([[0, 0, 10, 10]], [0]), ([[5, 5, 9, 9]], [1])]
    >>> found = [([[0, 0, 10, 9]], [0.9], [0]), ([], [], [])]
    >>> first = detutils.CocoAccumulator().update(found[:1], objects[:1])
    >>> second = detutils.CocoAccumulator().update(found[1:], objects[1:])
    >>> first.merge(second).result().ap == detutils.evaluate_coco(found, objects).ap
    True
    """

    def __init__(
        self,
        *,
        iou_thresholds: npt.ArrayLike | None = None,
        max_detections: Sequence[int] = (1, 10, 100),
        areas: Mapping[str, tuple[float, float]] | None = None,
        class_agnostic: bool = False,
        angle: Angle | None = None,
    ) -> None:
        self._rules = as_rules(iou_thresholds, max_detections, areas, class_agnostic, angle)
        self._parts: list[States] = []

    def update(self, detections: Iterable[Any], ground_truth: Iterable[Any]) -> CocoAccumulator:
        """Take in more images.

        Parameters
        ----------
        detections, ground_truth : sequence, one entry an image
            As for ``evaluate_coco``.

        Returns
        -------
        self : CocoAccumulator
            Itself.
        """
        angle = self._rules.angle
        truth = gather_objects(ground_truth, angle=angle)
        found = gather_detections(detections, truth.starts.size - 1, angle=angle)
        self._parts.append(match(found, truth, self._rules))
        return self

    def merge(self, other: CocoAccumulator) -> CocoAccumulator:
        """The images of both, its own first; neither is changed.

        Parameters
        ----------
        other : CocoAccumulator
            With the same options.

        Returns
        -------
        both : CocoAccumulator
            A new one.
        """
        if not isinstance(other, CocoAccumulator):
            raise TypeError(f"other must be a CocoAccumulator, got {type(other).__name__}")
        mine, theirs = self._rules, other._rules
        if not (np.array_equal(mine.thresholds, theirs.thresholds) and mine[1:] == theirs[1:]):
            raise ValueError(
                "other has other options: thresholds, max_detections, areas, class_agnostic and angle must agree"
            )
        both = CocoAccumulator.__new__(CocoAccumulator)
        both._rules, both._parts = mine, [*self._parts, *other._parts]
        return both

    def result(self, *, arrays: bool = False) -> CocoResult:
        """The numbers so far.

        Parameters
        ----------
        arrays : bool, default False
            As for ``evaluate_coco``.

        Returns
        -------
        result : CocoResult
            Of all images together.
        """
        return summed_up(_whole(self._parts, self._rules), self._rules, as_flag(arrays, "arrays"))


def _whole(parts: list[States], rules: Rules) -> States:
    """All parts as one."""
    if not parts:
        return match(gather_detections([], 0, angle=rules.angle), gather_objects([], angle=rules.angle), rules)
    while len(parts) > 1:  # two by two, so that each is copied a few times only
        parts = [joined(*parts[i : i + 2]) if i + 1 < len(parts) else parts[i] for i in range(0, len(parts), 2)]
    return parts[0]


class BootstrapInterval(NamedTuple):
    """A number, and where it would lie had other images been drawn.

    Attributes
    ----------
    value : float
        Of all images.
    low, high : float
        The percentile interval.
    samples : (B,) float64 ndarray
        The number in each resample.

    Examples
    --------
    >>> import detutils
    >>> objects = [([[0, 0, 10, 10]], [0])] * 8
    >>> found = [([[0, 0, 10, 10]], [0.9], [0])] * 8
    >>> detutils.bootstrap_coco(found, objects, resamples=20, seed=0).low > 0.99
    True
    """

    value: float
    low: float
    high: float
    samples: F8


def bootstrap_coco(
    detections: Iterable[Any],
    ground_truth: Iterable[Any],
    *,
    other: Iterable[Any] | None = None,
    metric: Metric = "ap",
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    iou_thresholds: npt.ArrayLike | None = None,
    max_detections: Sequence[int] = (1, 10, 100),
    angle: Angle | None = None,
) -> BootstrapInterval:
    """A confidence interval of a COCO number over images, or of its difference between two detectors.

    Parameters
    ----------
    detections, ground_truth : sequence, one entry an image
        As for ``evaluate_coco``.
    other : sequence, one entry an image, optional
        Detections of a second detector: the interval is that of its number less that of ``detections``, with the same
        images drawn for both. If it does not hold 0, the difference is more than the choice of images.
    metric : {"ap", "ap50", "ap75"}
        Which number.
    resamples : int, default 1000
        How many times as many images as there are are drawn, with replacement.
    confidence : float, default 0.95
        Between 0 and 1.
    seed : int, default 0
        The same seed draws the same images.
    iou_thresholds, max_detections, angle
        As for ``evaluate_coco``.

    Returns
    -------
    interval : BootstrapInterval
        Number, lower and upper end, and all samples. Resamples without any object are left out; NaN if all are.

    Raises
    ------
    TypeError
        If an argument is not of these kinds.
    ValueError
        If there are not as many entries in all, an array breaks its contract, or an option is out of range.

    See Also
    --------
    evaluate_coco : The numbers.

    Notes
    -----
    An image that is drawn twice counts twice. Detections are matched once, only the sums are repeated: O(resamples x
    D T).

    References
    ----------
    B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile intervals).

    Examples
    --------
    >>> import detutils
    >>> objects = [([[0, 0, 10, 10]], [0])] * 6
    >>> good, bad = [([[0, 0, 10, 10]], [0.9], [0])] * 6, [([[0, 0, 10, 7]], [0.9], [0])] * 6
    >>> detutils.bootstrap_coco(bad, objects, other=good, resamples=50).low > 0
    True
    """
    rules = as_rules(iou_thresholds, max_detections, {}, False, angle)
    which = as_choice(metric, "metric", METRICS)
    level = {"ap50": 0.5, "ap75": 0.75}.get(which)
    if level is not None and level not in rules.thresholds:
        raise ValueError(f"metric {which!r} needs {level} among iou_thresholds, got {rules.thresholds}")
    count = as_integer(resamples, "resamples", 1, 1_000_000)
    share = as_number(confidence, "confidence", 0.0, 1.0)
    rng = np.random.default_rng(as_seed(seed))
    truth = gather_objects(ground_truth, angle=rules.angle)
    length = truth.starts.size - 1
    runs = [match(gather_detections(detections, length, angle=rules.angle), truth, rules)]
    if other is not None:
        runs.append(match(gather_detections(other, length, "other", angle=rules.angle), truth, rules))
    value = _number([_metric(run, rules, which) for run in runs])
    samples = np.empty(count)
    for b in range(count):
        weights = np.bincount(rng.integers(0, length, length), minlength=length) if length else np.zeros(0, np.int64)
        samples[b] = _number([_metric(run, rules, which, weights) for run in runs])
    there = samples[~np.isnan(samples)]
    low, high = np.quantile(there, [0.5 - share / 2, 0.5 + share / 2]) if there.size else (np.nan, np.nan)
    return BootstrapInterval(value, float(low), float(high), samples)


def _number(values: list[float]) -> float:
    """The one value, or the second less the first."""
    return values[0] if len(values) == 1 else values[1] - values[0]


def _metric(states: States, rules: Rules, metric: str, weights: I8 | None = None) -> float:
    precision = added_up(states, rules, weights).curves[:, 0, 0]
    if metric != "ap":
        precision = precision[:, rules.thresholds == (0.5 if metric == "ap50" else 0.75)]
    there = precision[precision > -1.0]
    return float(there.mean()) if there.size else float("nan")
