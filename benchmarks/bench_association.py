"""One-to-one association beside SciPy's linear_sum_assignment, keypoint similarity beside pycocotools'.

SciPy is given the same question: what does not pass the threshold is set to 0 (its own time, as users write it), and
taken out of its answer. The totals must be equal to rounding.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
from typing import Any

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks.harness import Call, Report
from tests.naive import association as naive, poses as naive_poses

F8 = npt.NDArray[np.float64]


def frames(n: int, crowding: float, seed: int = 0) -> tuple[F8, F8]:
    """The boxes of two frames: objects of 20 to 80 px that moved a little, a tenth gone, as many new ones.

    A box meets about ``crowding`` others of its own frame.
    """
    rng = np.random.default_rng(seed)
    side = 75 * np.sqrt(n / max(crowding, 0.01))
    centers, sides = rng.uniform(0, side, (n, 2)), rng.uniform(20, 80, (n, 2))
    moved = centers + 0.15 * sides * rng.normal(size=(n, 2))
    moved = np.where(rng.random((n, 1)) < 0.1, rng.uniform(0, side, (n, 2)), moved)
    changed = sides * np.exp(0.1 * rng.normal(size=(n, 2)))
    before = np.hstack([centers - sides / 2, centers + sides / 2])
    after = np.hstack([moved - changed / 2, moved + changed / 2])
    return before, rng.permutation(after)


def by_scipy(values: F8, threshold: float) -> tuple[Any, Any]:
    """Rows and columns of the best matching of what passes the threshold."""
    from scipy.optimize import linear_sum_assignment

    gains = np.where(values >= threshold, values, 0.0)
    rows, columns = linear_sum_assignment(gains, maximize=True)
    passed = gains[rows, columns] > 0.0
    return rows[passed], columns[passed]


def _same_total(values: F8) -> Any:
    def equal(ours: detutils.Assignment, theirs: Any) -> bool:
        total = values[ours.pairs[:, 0], ours.pairs[:, 1]].sum()
        other = theirs if isinstance(theirs, float) else values[theirs].sum()
        return bool(np.isclose(total, other, rtol=1e-12, atol=1e-12))

    return equal


def _association(report: Report) -> None:
    report.heading("One-to-one association of two frames, from their IoUs")
    report.say("`linear_sum_assignment` with what does not pass the threshold set to 0; the totals are equal.")
    report.say()
    report.begin_comparison()
    scipy = importlib.util.find_spec("scipy") is not None
    sizes = (100, 1000) if report.quick else (10, 100, 300, 1000, 3000)
    for n in sizes:
        for crowding in (0.5, 4, 16) if report.quick else (0.5, 1, 4, 16):
            values = detutils.box_iou(*frames(n, crowding))
            for threshold in (0.1, 0.5) if report.quick else (0.1, 0.3, 0.5):
                calls: dict[str, Call] = {"detutils": lambda v=values, t=threshold: detutils.assign_boxes(v, t)}
                if scipy:
                    calls["SciPy"] = lambda v=values, t=threshold: by_scipy(v, t)
                pairs = (values >= threshold).sum() / n
                case = f"{n:,} boxes, threshold {threshold}, {pairs:.1f} pairs a box"
                report.compare("association", case, calls, equal=_same_total(values))
    values = detutils.box_iou(*frames(8, 4))
    lists = values.tolist()
    report.compare(
        "association", "8 boxes",
        {"detutils": lambda: detutils.assign_boxes(values, 0.1),
         "naive": lambda: naive.best_total(naive.gains(lists, 0.1))},
        equal=_same_total(values),
    )  # fmt: skip
    if scipy:
        report.say()
        report.heading("Every row with every column: one dense component")
        report.begin_comparison()
        for n in (100, 1000) if report.quick else (100, 300, 1000, 2000):
            rng = np.random.default_rng(0)
            steps = np.arange(1.0, n + 1.0) / n
            hard = {"uniform": rng.random((n, n)), "hundredths": rng.integers(1, 100, (n, n)) / 100,
                    "products": 1.0 + np.outer(steps, steps)}  # fmt: skip
            for name, values in hard.items():
                report.compare(
                    "association", f"{n:,} x {n:,}, {name}",
                    {"detutils": lambda v=values: detutils.assign_boxes(v, 0.0),
                     "SciPy": lambda v=values: by_scipy(v, 0.0)},
                    equal=_same_total(values), rounds=3,
                )  # fmt: skip


def people(n: int, seed: int = 0) -> tuple[F8, F8, F8]:
    """Poses, objects with visibilities, and areas."""
    rng = np.random.default_rng(seed)
    objects = np.concatenate([rng.uniform(0, 900, (n, 17, 2)), rng.integers(0, 3, (n, 17, 1))], axis=2)
    objects[:, 0, 2] = 2
    found = objects + np.append(rng.normal(0, 6, 2), 0)
    return found, objects, rng.uniform(900, 90_000, n)


def by_pycocotools(found: F8, objects: F8, areas: F8) -> Call:
    """pycocotools' own function, on records that are made before."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    entries = [
        {"id": j + 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "area": float(areas[j]), "iscrowd": 0,
         "keypoints": objects[j].ravel().tolist(), "num_keypoints": 17}
        for j in range(len(objects))
    ]  # fmt: skip
    results = [
        {"image_id": 1, "category_id": 1, "keypoints": found[i].ravel().tolist(), "score": float(len(found) - i)}
        for i in range(len(found))
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {"images": [{"id": 1}], "categories": [{"id": 1}], "annotations": entries, "info": {}}
        truth.createIndex()
        judge = COCOeval(truth, truth.loadRes(results), "keypoints")
    judge.params.imgIds, judge.params.catIds = [1], [1]
    judge.params.maxDets = [len(found)]
    judge._prepare()
    return lambda: judge.computeOks(1, 1)


def _keypoints(report: Report) -> None:
    report.heading("Object keypoint similarity, 17 keypoints")
    report.begin_comparison()
    sigmas = [0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087,
              0.089, 0.089]  # fmt: skip
    for n in (10, 50) if report.quick else (10, 50, 200):
        found, objects, areas = people(n)
        lists = found.tolist(), objects.tolist(), areas.tolist()
        calls: dict[str, Call] = {
            "detutils": lambda f=found, o=objects, a=areas: detutils.oks(f, o, a),
            "naive": lambda rows=lists: naive_poses.oks(*rows, sigmas),
        }
        if importlib.util.find_spec("pycocotools"):
            calls["pycocotools"] = by_pycocotools(found, objects, areas)
        report.compare(
            "keypoints", f"{n} x {n} poses", calls,
            equal=lambda ours, theirs: bool(np.allclose(ours, theirs, rtol=1e-12, atol=1e-12)),
        )  # fmt: skip


def run(report: Report) -> None:
    """All of it."""
    _association(report)
    report.say()
    _keypoints(report)
