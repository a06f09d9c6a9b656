"""The box regressor beside what it cannot do without: the bare BLAS product and Cholesky's factorisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.harness import Report, child
from detutils import BoxRegressor
from tests.naive import regressor as naive

Data = tuple[np.ndarray, np.ndarray, np.ndarray]


def jittered(rows: int, width: int, dtype: Any, seed: int = 0) -> Data:
    """Features, proposals around 50 objects, and the objects; nearly all proposals overlap theirs by 0.6."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 800, (50, 2))
    objects = np.hstack([corner, corner + rng.uniform(60, 300, (50, 2))])
    sides = np.tile(objects[:, 2:] - objects[:, :2], 2)
    which = rng.integers(0, 50, rows)
    proposals = objects[which] + 0.04 * sides[which] * rng.standard_normal((rows, 4))
    features = rng.standard_normal((rows, width), dtype=np.float32) + np.float32(0.5)
    return features.astype(dtype, copy=False), proposals, objects


def bare(table: np.ndarray, right: np.ndarray, alpha: float) -> np.ndarray:
    """(A'A + alpha I)^-1 A'Y by BLAS and LAPACK alone, from a float64 table that holds its ones already."""
    from scipy.linalg.blas import dsyrk
    from scipy.linalg.lapack import dpotrf, dpotrs

    gram = dsyrk(1.0, table.T, lower=1)
    gram[np.arange(len(gram)), np.arange(len(gram))] += alpha
    factor, _ = dpotrf(gram, lower=1, overwrite_a=1, clean=0)
    beta, _ = dpotrs(factor, table.T @ right, lower=1)
    return beta  # type: ignore[no-any-return]


def targets_of(model: BoxRegressor, data: Data) -> tuple[np.ndarray, np.ndarray]:
    """The training rows with their ones, and their whitened targets, for ``bare``."""
    from detutils import box_iou

    features, proposals, objects = data
    overlaps = box_iou(proposals, objects)
    rows = np.flatnonzero(overlaps.max(axis=1) > model.min_iou)
    table = np.ones((len(rows), features.shape[1] + 1))
    table[:, :-1] = features[rows]
    matched, moved = objects[overlaps.argmax(axis=1)[rows]], proposals[rows]
    sizes, wanted = moved[:, 2:] - moved[:, :2], matched[:, 2:] - matched[:, :2]
    centers = (matched[:, :2] + matched[:, 2:] - moved[:, :2] - moved[:, 2:]) / 2
    targets = np.hstack([centers / sizes, np.log(wanted / sizes)])
    return table, (targets - model.target_mean_[0]) @ model.target_map_[0]


def definition(report: Report) -> None:
    """Coefficients against the plain-Python definition, at sizes where that takes seconds."""
    report.heading("Box regression: coefficients against the definition")
    report.table(("rows x features", "options", "largest difference / largest coefficient"))
    for rows, width in ((60, 8), (120, 24)) if report.quick else ((60, 8), (120, 24), (250, 48)):
        for options in ({}, {"feature_norm": 20.0, "offset": 1}, {"trim": 0.1, "alpha": 10.0}):
            features, proposals, objects = jittered(rows, width, np.float64)
            model = BoxRegressor(**options).fit(features, proposals, objects)
            lists = [[part.tolist()] for part in (features, proposals, objects)]
            models, scale = naive.fit(*lists, [[0] * len(objects)], **options)
            beta = models[0][1]
            mine = np.vstack([model.coef_[0] / scale, model.intercept_[0]])
            difference = np.abs(mine - np.array(beta)).max() / np.abs(beta).max()
            report.row(f"{rows} x {width}", options or "default", f"{difference:.1e}")


def run(report: Report) -> None:
    """Equality with the definition, training time against the bare product, memory."""
    definition(report)
    report.heading("Box regression: training, float64 sums (matching and checks included)")
    report.begin_comparison()
    sizes = ((4_000, 512), (2_000, 1_024)) if report.quick else ((50_000, 512), (20_000, 1_024))
    if not report.quick:
        sizes += ((20_000, 4_096),)
    for rows, width in sizes:
        data = jittered(rows, width, np.float32)
        model = BoxRegressor().fit(*data)
        table, right = targets_of(model, data)
        calls: dict[str, Any] = {
            "detutils": lambda data=data: BoxRegressor().fit(*data),
            "bare BLAS product and Cholesky": lambda table=table, right=right: bare(table, right, 1000.0),
        }
        if width < 4_096:
            doubles = data[0].astype(np.float64), *data[1:]
            calls["ours of float64 features"] = lambda doubles=doubles: BoxRegressor().fit(*doubles)

        def equal(ours: BoxRegressor, theirs: Any) -> bool:
            if isinstance(theirs, BoxRegressor):
                return bool(np.allclose(ours.coef_, theirs.coef_, rtol=1e-12, atol=1e-14))
            beta = np.vstack([ours.coef_[0], ours.intercept_[0]])
            return bool(np.abs(beta - theirs).max() <= 1e-10 * np.abs(theirs).max())

        case = f"{rows:,} x {width:,} float32"
        report.compare("regressor", case, calls, equal=equal)
    if not report.quick:
        memory(report)


def memory(report: Report) -> None:
    """What a fit needs beside its features, which are a memory map here."""
    report.heading("Box regression: memory of fit, features in a file")
    report.table(("rows x features", "features", "peak above the start", "of it A'A"))
    rows, width = 100_000, 1_024
    code = f"""
import resource, tempfile, numpy as np
from detutils import BoxRegressor, box_iou
from benchmarks.bench_regressor import jittered
import scipy.linalg.blas, scipy.linalg.lapack
_, proposals, objects = jittered({rows}, 1, np.float32)
BoxRegressor().fit(proposals[:100], proposals[:100], objects)
file = tempfile.NamedTemporaryFile(suffix=".dat")
table = np.memmap(file.name, np.float32, "w+", shape=({rows}, {width}))
rng = np.random.default_rng(0)
for start in range(0, {rows}, 5000):
    table[start:start + 5000] = rng.standard_normal((5000, {width}), dtype=np.float32)
table.flush()

def own():
    fields = dict(line.split(":") for line in open("/proc/self/status") if ":" in line)
    return int(fields["RssAnon"].split()[0]) * 1024

import threading, time
before, peak, done = own(), 0, False
def watch():
    global peak
    while not done:
        peak = max(peak, own())
        time.sleep(0.005)
thread = threading.Thread(target=watch)
thread.start()
BoxRegressor().fit(table, proposals, objects)
done = True
thread.join()
print(peak - before)
"""
    above = int(child(code).output)
    gram = (width + 1) ** 2 * 8
    sizes = (f"{value / 2**20:.0f} MiB" for value in (rows * width * 4, above, gram))
    report.row(f"{rows:,} x {width:,} float32", *sizes)
