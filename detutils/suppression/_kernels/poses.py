"""Greedy suppression of poses by their keypoints."""

from __future__ import annotations

from typing import Any

from detutils._jit import F8, I8, inlined, kernel
from detutils.geometry._kernels.keypoints import SMALLEST_AREA, similarity_of

SLACK = 1e-12  # more than what rounding adds to a sum of similarities


@inlined
def _exceeds(poses: Any, factors: Any, a: Any, b: Any, rule: Any) -> Any:
    """Whether two poses are more similar than the threshold; it stops where what is left cannot reach it."""
    keypoints, areas = poses
    threshold, visible = rule
    size = 0.5 * (areas[a] + areas[b]) + SMALLEST_AREA
    count: Any = 0
    for p in range(factors.shape[0]):
        count += min(keypoints[a, p, 2], keypoints[b, p, 2]) > visible
    left = count
    total = 0.0
    for p in range(factors.shape[0]):
        if min(keypoints[a, p, 2], keypoints[b, p, 2]) > visible:
            dx, dy = keypoints[a, p, 0] - keypoints[b, p, 0], keypoints[a, p, 1] - keypoints[b, p, 1]
            total += similarity_of(dx * dx + dy * dy, factors[p] / size)
            left -= 1
            if total + left < threshold * count * (1.0 - SLACK):
                return False
    return count > 0 and total / count > threshold


@kernel(
    "void(Tuple((float64[:,:,::1], float64[::1])), float64[::1], int64[::1], int64[::1], UniTuple(float64, 2), "
    "int64[::1], int64[::1], int64)"
)
def suppress(
    poses: tuple[F8, F8], factors: F8, labels: I8, order: I8, rule: tuple[float, float], keep: I8, state: I8,
    patience: int,
) -> None:  # fmt: skip
    """Decide the poses of ``order`` from where ``state`` says, until ``keep`` is full or patience ends.

    ``poses`` are x, y and visibility of each keypoint, and areas; ``rule`` the threshold and the visibility to exceed;
    ``state`` how many poses are kept and how many are decided.
    """
    kept, done = state[0], state[1]
    while done < order.shape[0] and kept < keep.shape[0] and patience >= 0:
        i = order[done]
        stays = True
        for k in range(kept):
            patience -= 1
            if labels[i] == labels[keep[k]] and _exceeds(poses, factors, keep[k], i, rule):
                stays = False
                break
        if stays:
            keep[kept] = i
            kept += 1
        done += 1
    state[0], state[1] = kept, done
