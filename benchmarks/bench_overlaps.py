"""IoU and its relatives: whole matrices beside the peers', and beside merely filling the memory."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks.harness import Report, in_words, interleave
from tests.naive import overlaps as naive

Array = npt.NDArray[Any]
Pairwise = Callable[[Array, Array], Any]

SIZES = [(10, 10), (100, 100), (1000, 1000), (5000, 5000), (200_000, 50)]
FAMILY = ["box_ioa", "generalized_box_iou", "distance_box_iou", "complete_box_iou"]


def boxes_of(n: int, seed: int, dtype: npt.DTypeLike = np.float32) -> Array:
    """Boxes of 1 to 200 px on 1000 x 1000, as most detectors emit them: float32."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 1000, (n, 2))
    return np.hstack([corner, corner + rng.uniform(1, 200, (n, 2))]).astype(dtype)


def numpy_iou(a: Array, b: Array) -> Array:
    """The formula as array expressions."""
    corner, end = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    side = np.maximum(end - corner, 0)
    common = side[..., 0] * side[..., 1]
    areas = [(rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1]) for rows in (a, b)]
    return common / (areas[0][:, None] + areas[1][None] - common)  # type: ignore[no-any-return]


def torchvision_call(name: str) -> Pairwise:
    """One of torchvision's matrices, from and to NumPy without a copy."""
    import torch
    from torchvision import ops

    function = getattr(ops, name)
    return lambda a, b: function(torch.from_numpy(a), torch.from_numpy(b)).numpy()


def powerboxes_call(name: str) -> Pairwise:
    """A distance of powerboxes, which is 1 minus the measure."""
    import powerboxes

    return getattr(powerboxes, name)  # type: ignore[no-any-return]


def supervision_call() -> Pairwise:
    """supervision's IoU matrix."""
    import supervision

    return supervision.box_iou_batch  # type: ignore[no-any-return]


def pycocotools_call() -> Pairwise:
    """COCO's IoU, which takes corners and sizes."""
    from pycocotools import mask

    def iou(a: Array, b: Array) -> Any:
        rows = [np.hstack([r[:, :2], r[:, 2:] - r[:, :2]]).astype(np.float64) for r in (a, b)]
        return mask.iou(rows[0], rows[1], [0] * len(b))

    return iou


def installed(makers: dict[str, Callable[[], Pairwise]]) -> dict[str, Pairwise]:
    """The peers that can be imported here."""
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except (ImportError, AttributeError):
            continue
    return found


def equal(ours: Array, theirs: Any) -> bool:
    """The same matrix, or the distances 1 - it, within what float32 coordinates allow."""
    other = np.asarray(theirs)
    return any(np.allclose(candidate, other, rtol=0, atol=1e-4) for candidate in (ours, 1 - ours))


def run(report: Report) -> None:
    """IoU against all peers, the family against torchvision and powerboxes, the share of a fill."""
    peers = installed({
        "torchvision": lambda: torchvision_call("box_iou"),
        "powerboxes": lambda: powerboxes_call("iou_distance"),
        "supervision": supervision_call,
        "pycocotools": pycocotools_call,
    })  # fmt: skip
    report.heading("IoU matrices, float32, allocating, one thread")
    report.begin_comparison()
    for n, m in SIZES[:3] if report.quick else SIZES:
        a, b = boxes_of(n, 0), boxes_of(m, 1)
        contenders: dict[str, Callable[[], Any]] = {"detutils": lambda a=a, b=b: detutils.box_iou(a, b)}
        for name, call in peers.items():
            contenders[name] = lambda a=a, b=b, call=call: call(a, b)
        if n * m <= 10**7:
            contenders["NumPy"] = lambda a=a, b=b: numpy_iou(a, b)
        if n * m <= 10**4:
            rows = a.astype(np.float64).tolist(), b.astype(np.float64).tolist()
            contenders["naive"] = lambda rows=rows: naive.box_iou(*rows)
        report.compare("overlaps", f"box_iou {n:,} x {m:,}", contenders, equal=equal, n=n, m=m)

    report.heading("The family, 1,000 x 1,000, float32")
    report.begin_comparison()
    a, b = boxes_of(1000, 0), boxes_of(1000, 1)
    short = {"generalized_box_iou": "giou", "distance_box_iou": "diou", "complete_box_iou": "ciou"}
    for name in FAMILY:
        contenders = {"detutils": lambda name=name: getattr(detutils, name)(a, b)}
        relatives = installed({
            "torchvision": lambda name=name: torchvision_call(name),
            "powerboxes": lambda name=name: powerboxes_call(f"{short[name]}_distance"),
        }) if name in short else {}  # fmt: skip
        for peer, call in relatives.items():
            contenders[peer] = lambda call=call: call(a, b)
        report.compare("overlaps", name, contenders, equal=equal)

    report.heading("IoU into a given array, beside filling that array with a number")
    report.table(("case", "out=", "fill", "share of the fill's speed", "two workers"))
    for n, m in SIZES[2:3] if report.quick else SIZES[2:]:
        for dtype in (np.float32, np.float64):
            a, b = boxes_of(n, 0, dtype), boxes_of(m, 1, dtype)
            out = np.zeros((n, m), dtype)
            samples = interleave(
                {
                    "out": lambda a=a, b=b, out=out: detutils.box_iou(a, b, out=out),
                    "fill": lambda out=out: out.fill(0.5),
                    "workers": lambda a=a, b=b, out=out: detutils.box_iou(a, b, out=out, workers=2),
                },
                seconds=0.5 if report.quick else 2.0,
            )
            medians = {name: statistics.median(times) for name, times in samples.items()}
            shares = [fill / ours for fill, ours in zip(samples["fill"], samples["out"], strict=True)]
            words = [in_words(medians[name]) for name in ("out", "fill", "workers")]
            share = f"{statistics.median(shares):.0%}"
            report.row(f"{n:,} x {m:,} {np.dtype(dtype)}", words[0], words[1], share, words[2])
