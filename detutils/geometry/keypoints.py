"""How similar the keypoints of two poses are, in units of the object's size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detutils import _validate as check
from detutils._jit import F8
from detutils.geometry._kernels import keypoints as kernels
from detutils.geometry._kernels.keypoints import SMALLEST_AREA

_KEYPOINTS_A_SLICE = 20_000_000  # compared between two looks at Ctrl-C


def oks(
    keypoints: npt.ArrayLike,
    objects: npt.ArrayLike,
    areas: npt.ArrayLike,
    sigmas: npt.ArrayLike | None = None,
) -> F8:
    """Object keypoint similarity (OKS) of every pose with every object.

    The mean over the object's labeled keypoints of exp(-d^2 / (2 s^2 k^2)), with the distance d of the two keypoints,
    the object's area s^2, and k = 2 sigma for the spread with which people label that keypoint.

    Parameters
    ----------
    keypoints : (N, P, 2) or (N, P, 3) array_like
        x, y of the poses that were found, in pixels; a third number is ignored.
    objects : (M, P, 3) or (M, P, 2) array_like
        x, y and visibility of the objects. Keypoints with visibility > 0 are labeled; all are without a third number.
        What is not labeled may lie anywhere.
    areas : (M,) array_like
        The areas of the objects in square pixels, from 0 to 1e150; COCO's are those of the outlines.
    sigmas : (P,) array_like, optional
        One number for each keypoint, in [1e-100, 1e100]. For the 17 keypoints of COCO, if left out: nose .026, eyes
        .025, ears .035, shoulders .079, elbows .072, wrists .062, hips .107, knees .087, ankles .089.

    Returns
    -------
    similarities : (N, M) float64 ndarray
        In [0, 1]; 0 for an object without labeled keypoints. Shape (N, 0) or (0, M) where there is nothing to compare.

    Raises
    ------
    TypeError
        If an argument is not an array of real numbers.
    ValueError
        If a shape is wrong, a coordinate is not finite or beyond 1e150, or an area or a sigma is out of range.
    MemoryError
        If the matrix cannot fit into memory.

    See Also
    --------
    oks_nms : Drops poses that are too similar to better ones. assign_boxes : Pairs poses and objects one to one.

    Notes
    -----
    N M P steps. Equal to pycocotools' ``computeOks`` to rounding, a small constant beside the area included, but for
    objects without labeled keypoints: there it measures how far keypoints lie outside of a doubled box, so that
    detections near what nobody labeled can be ignored.

    References
    ----------
    T.-Y. Lin et al., "Microsoft COCO: common objects in context", ECCV 2014; the page "Keypoint evaluation" of the
    COCO web site, section 1.3.

    Examples
    --------
    >>> import detutils
    >>> found = [[[10, 10], [20, 10]], [[13, 14], [20, 10]]]
    >>> detutils.oks(found, [[[10, 10, 2], [20, 10, 1]]], [100], [0.25, 0.25]).round(3)
    array([[1.   ],
           [0.803]])
    """
    found = check.as_keypoints(keypoints, "keypoints")
    truth = check.as_keypoints(objects, "objects", found.shape[1] if len(found) else None)
    check.check_keypoints(found, check.good_keypoints(found), "keypoints")
    check.check_keypoints(truth, check.good_keypoints(truth, labeled=True), "objects")
    n, m, count = len(found), len(truth), max(found.shape[1], truth.shape[1])
    sizes = check.as_votes(check.as_vector(areas, "areas", m), "areas")
    spread = check.as_sigmas(sigmas, count)
    check.check_memory(8 * n * m, f"a {(n, m)} matrix of similarities")
    similarities = np.zeros((n, m))
    if similarities.size == 0:
        return similarities
    with np.errstate(over="ignore"):
        factors = 1.0 / ((sizes[:, None] + SMALLEST_AREA) * (2.0 * (2.0 * spread) ** 2))
    if truth.shape[2] == 3:
        factors[truth[:, :, 2] <= 0.0] = -1.0
    step = max(1, _KEYPOINTS_A_SLICE // (m * max(count, 1)))
    for start in range(0, n, step):
        kernels.oks_matrix(found, truth, factors, start, min(start + step, n), similarities)
    return similarities
