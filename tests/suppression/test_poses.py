"""Suppression by keypoints: the definition, its ends, and every error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detutils import oks, oks_nms
from detutils.suppression import poses as room
from tests.cases import size, unchanged
from tests.naive import poses as naive

SIGMAS = [0.05, 0.1, 0.08, 0.02, 0.07]


def scene(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Poses of a few people, tied scores, areas, labels."""
    rng = np.random.default_rng(seed)
    people = rng.uniform(0, 200, (max(1, n // 4), 5, 2))
    near = people[rng.integers(0, len(people), n)]
    where = near + rng.normal(0, 1, near.shape) * rng.choice([0.3, 2, 6], (n, 1, 1))
    poses = np.concatenate([where, rng.integers(0, 4, (n, 5, 1)) / 4], axis=2)
    return poses, rng.integers(0, max(2, n // 2), n).astype(float), rng.uniform(500, 2000, n), rng.integers(0, 2, n)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_oks_nms_is_the_definition(threshold: float) -> None:
    kept = 0
    for seed, n in enumerate([0, 1, 5, size(80, 20)]):
        poses, scores, areas, labels = scene(n, seed)
        lists = poses.tolist(), scores.tolist(), areas.tolist()
        for options in ({}, {"visibility_threshold": 0.25, "score_threshold": 2}, {"max_output": 0}, {"max_output": 3}):
            for classes in (None, labels):
                names = None if classes is None else classes.tolist()
                keep = unchanged(oks_nms, poses, scores, areas, oks_threshold=threshold, sigmas=SIGMAS, labels=classes,
                                 **options)  # fmt: skip
                wanted = naive.oks_nms(*lists, threshold, sigmas=SIGMAS, labels=names, **options)
                assert keep.tolist() == wanted, f"seed {seed}, {options}"
                assert keep.dtype == np.int64
                kept += len(keep) < n
    assert kept or threshold == 1.0


def test_without_a_visibility_all_keypoints_count() -> None:
    poses, scores, areas, _ = scene(size(60, 20), 1)
    poses[:, :, 2] = 1.0
    wanted = oks_nms(poses, scores, areas, 0.4, sigmas=SIGMAS)
    assert oks_nms(poses[:, :, :2], scores, areas, 0.4, sigmas=SIGMAS).tolist() == wanted.tolist()
    found = oks_nms(poses[:, :, :2], scores, areas, 0.4, sigmas=SIGMAS, visibility_threshold=9)
    assert found.tolist() == wanted.tolist()


def test_poses_of_one_area_are_judged_by_oks() -> None:
    poses, scores, _, _ = scene(40, 2)
    poses = poses[:, :, :2].copy()
    areas = np.full(40, 900.0)
    keep = oks_nms(poses, scores, areas, 0.35, sigmas=SIGMAS)
    values = oks(poses, poses, areas, SIGMAS)
    for i in range(40):
        better = [j for j in keep.tolist() if (-scores[j], j) < (-scores[i], i)]
        assert (i in keep) == (not better or values[i, better].max() <= 0.35)


def test_at_the_threshold_a_pose_stays() -> None:
    pair = [[[0, 0], [5, 5]], [[0, 0], [900, 5]]]  # one keypoint the same, one far away: exactly a half
    assert oks_nms(pair, [0.9, 0.8], [100, 100], 0.5, sigmas=[0.1, 0.1]).tolist() == [0, 1]
    assert oks_nms(pair, [0.9, 0.8], [100, 100], 0.49, sigmas=[0.1, 0.1]).tolist() == [0]
    twins = [pair[0]] * 3
    assert oks_nms(twins, [1, 2, 2], [9, 9, 9], 1.0, sigmas=[1, 1]).tolist() == [1, 2, 0]
    assert oks_nms(twins, [1, 2, 2], [9, 9, 9], 0.99, sigmas=[1, 1]).tolist() == [1]


def test_poses_without_a_common_keypoint_are_not_similar() -> None:
    poses = [[[0, 0, 1], [1, 1, 0]], [[0, 0, 0], [1, 1, 1]], [[0, 0, 1], [1, 1, 1]]]
    assert oks_nms(poses, [0.9, 0.8, 0.7], [9, 9, 9], 0.0, sigmas=[0.1, 0.1]).tolist() == [0, 1]


def test_rows_that_take_no_part() -> None:
    poses, scores, areas, labels = scene(30, 4)
    bad, worse, sizes = poses.copy(), scores.copy(), areas.copy()
    bad[3, 2, 0], bad[7, 4, 2], worse[9], sizes[12], sizes[13] = np.nan, np.inf, np.nan, -1.0, np.nan
    rows = np.setdiff1d(np.arange(30), [3, 7, 9, 12, 13])
    wanted = rows[oks_nms(poses[rows], scores[rows], areas[rows], 0.4, sigmas=SIGMAS, labels=labels[rows])]
    found = unchanged(oks_nms, bad, worse, sizes, oks_threshold=0.4, sigmas=SIGMAS, labels=labels, on_invalid="drop")
    assert found.tolist() == wanted.tolist()
    low = np.where(np.isin(np.arange(30), rows), scores + 1.0, 0.0)  # what is at or below the threshold is not judged
    found = oks_nms(bad, low, sizes, 0.4, sigmas=SIGMAS, labels=labels, score_threshold=0)
    assert found.tolist() == wanted.tolist()


def test_the_kernel_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    poses, scores, areas, _ = scene(40, 5)
    wanted = oks_nms(poses, scores, areas, 0.5, sigmas=SIGMAS)
    monkeypatch.setattr(room, "_PATIENCE", 3)
    assert oks_nms(poses, scores, areas, 0.5, sigmas=SIGMAS).tolist() == wanted.tolist()


@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"keypoints": np.zeros((2, 5))}, ValueError, r"shape \(N, P, 2\) or \(N, P, 3\), got \(2, 5\)"),
        ({"keypoints": [[[0, 0]] * 5, [[np.inf, 0]] * 5]}, ValueError, r"keypoints\[1, 0\] is not finite or beyond"),
        ({"scores": [1, np.nan]}, ValueError, r"scores\[1\] is not finite: nan"),
        ({"scores": [1]}, ValueError, r"scores must have shape \(2,\), got \(1,\)"),
        ({"areas": [1, -1]}, ValueError, r"areas\[1\] must be in \[0, 1e\+150\], got -1"),
        ({"areas": [1, np.nan]}, ValueError, r"areas\[1\] must be in \[0, 1e\+150\], got nan"),
        ({"sigmas": None}, ValueError, "sigmas must be given for 5 keypoints"),
        ({"oks_threshold": 1.1}, ValueError, r"oks_threshold must be in \[0, 1\]"),
        ({"labels": [0.5, 1]}, TypeError, "labels must be integers"),
        ({"max_output": -1}, ValueError, "max_output must be at least 0"),
        ({"visibility_threshold": None}, TypeError, "visibility_threshold must be a number"),
        ({"on_invalid": "skip"}, ValueError, "on_invalid must be one of 'raise', 'drop', got 'skip'"),
    ],
)
def test_errors(changed: dict[str, Any], error: type[Exception], text: str) -> None:
    good: dict[str, Any] = {"keypoints": np.zeros((2, 5, 2)), "scores": [1, 2], "areas": [1.0, 2.0], "sigmas": SIGMAS}
    with pytest.raises(error, match=text):
        oks_nms(**{**good, **changed})
