"""Poses of one object found twice: suppression by keypoints instead of boxes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from detutils import _validate as check
from detutils._jit import I8
from detutils._kernels.limits import LIMIT
from detutils.suppression._kernels import poses as kernels
from detutils.suppression.plan import ALL, RAISE

_PATIENCE = 10_000_000  # pairs that the kernel compares between two looks at Ctrl-C
_INVALID: tuple[Literal["raise", "drop"], ...] = (RAISE, "drop")


def oks_nms(
    keypoints: npt.ArrayLike,
    scores: npt.ArrayLike,
    areas: npt.ArrayLike,
    oks_threshold: float = 0.9,
    *,
    sigmas: npt.ArrayLike | None = None,
    labels: npt.ArrayLike | None = None,
    visibility_threshold: float = 0.0,
    score_threshold: float | None = None,
    max_output: int | None = None,
    on_invalid: Literal["raise", "drop"] = RAISE,
) -> I8:
    """Keep the best poses, drop those that are too similar to a better one by their keypoints.

    Two people who stand before one another have boxes that overlap and keypoints that do not. The similarity is that of
    ``oks``, with the mean area of the two poses, over the keypoints that are visible in both.

    Parameters
    ----------
    keypoints : (N, P, 2) or (N, P, 3) array_like
        x, y in pixels, and a visibility or confidence; all keypoints are visible without a third number.
    scores : (N,) array_like
        Any finite numbers; higher is better.
    areas : (N,) array_like
        The area of each pose in square pixels, from 0 to 1e150: mostly that of its box.
    oks_threshold : float, default 0.9
        In [0, 1]. A pose at exactly this similarity to a kept one stays.
    sigmas : (P,) array_like, optional
        The spread of each keypoint, as in ``oks``; those of COCO's 17 keypoints if left out.
    labels : (N,) array_like of int, optional
        Only poses of one label suppress each other; integers, or floats that are whole numbers.
    visibility_threshold : float, default 0.0
        A keypoint is visible if its third number is greater. Poses without a common visible keypoint are not similar.
    score_threshold : float, optional
        Only poses with score > ``score_threshold`` take part. The others are not judged: their keypoints may be
        anything, but their scores must be numbers.
    max_output : int, optional
        Stop after so many kept poses.
    on_invalid : {"raise", "drop"}, default "raise"
        "drop" leaves out rows whose keypoints or score are not finite or whose area is out of range, instead of
        raising.

    Returns
    -------
    keep : (K,) int64 ndarray
        Indices of the kept poses by decreasing score; equal scores by lower index first. Shape (0,) for no poses.

    Raises
    ------
    TypeError
        If an argument is not of numbers, or ``labels`` are not integers.
    ValueError
        If a shape is wrong, a row breaks the contract (the text names the first), or an option is out of range.

    See Also
    --------
    oks : The similarity as a matrix. nms : By boxes.

    Notes
    -----
    At most N K comparisons of P keypoints each; a comparison ends as soon as the threshold is out of reach, which takes
    one or two keypoints where poses lie apart. No matrix is built.

    References
    ----------
    G. Papandreou et al., "Towards accurate multi-person pose estimation in the wild", CVPR 2017: OKS-based NMS; the
    mean area is that of B. Xiao, H. Wu, Y. Wei, "Simple baselines for human pose estimation and tracking", ECCV 2018.

    Examples
    --------
    >>> import detutils
    >>> poses = [[[10, 10], [20, 30]], [[11, 10], [20, 31]], [[40, 10], [50, 30]]]
    >>> detutils.oks_nms(poses, [0.9, 0.8, 0.7], [400, 400, 400], 0.5, sigmas=[0.1, 0.1])
    array([0, 2])
    """
    poses = check.as_keypoints(keypoints, "keypoints")
    n, count = poses.shape[:2]
    marks = check.as_vector(scores, "scores", n, finite=False)
    sizes = check.as_vector(areas, "areas", n, finite=False)
    threshold = check.as_threshold(oks_threshold, "oks_threshold")
    spread = check.as_sigmas(sigmas, count)
    classes = np.zeros(n, np.int64) if labels is None else check.as_labels(labels, "labels", n)
    visible = check.as_number(visibility_threshold, "visibility_threshold")
    floor = -np.inf if score_threshold is None else check.as_number(score_threshold, "score_threshold")
    most = ALL if max_output is None else check.as_integer(max_output, "max_output", 0)
    drop = check.as_choice(on_invalid, "on_invalid", _INVALID) == "drop"

    if not drop:
        check.as_vector(marks, "scores", n)
    taken = np.isfinite(marks) & (marks > floor)
    good = check.good_keypoints(poses) | ~taken[:, None]
    if drop:
        taken &= good.all(axis=1) & (sizes >= 0.0) & (sizes <= LIMIT)
    else:
        check.check_keypoints(poses, good, "keypoints")
        check.as_votes(np.where(taken, sizes, 0.0), "areas")
    if poses.shape[2] == 2:
        poses = np.concatenate([poses, np.full((n, count, 1), np.inf)], axis=2)
    chosen = np.flatnonzero(taken)
    order = chosen[np.argsort(-marks[chosen], kind="stable")]
    keep, state = np.empty(min(len(order), most), np.int64), np.zeros(2, np.int64)
    factors = 1.0 / (2.0 * (2.0 * spread) ** 2)
    while state[0] < len(keep) and state[1] < len(order):
        kernels.suppress((poses, sizes), factors, classes, order, (threshold, visible), keep, state, _PATIENCE)
    return keep[: state[0]].copy()
