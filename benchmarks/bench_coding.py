"""Encoding and decoding of boxes, from one row to a million."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks.harness import Report
from tests.naive import coding as naive

Array = npt.NDArray[Any]

SIZES = [1, 10, 100, 1000, 10_000, 200_000, 1_000_000]
CLAMP = math.log(1000 / 16)


def pairs(n: int, dtype: npt.DTypeLike) -> tuple[Array, Array, Array]:
    """Boxes, anchors and deltas."""
    rng = np.random.default_rng(n)
    corners, sides = rng.uniform(0, 1000, (2, n, 2)), rng.uniform(10, 200, (2, n, 2))
    boxes, anchors = np.concatenate([corners, corners + sides], axis=2).astype(dtype)
    return boxes, anchors, rng.normal(0, 0.3, (n, 4)).astype(dtype)


def numpy_encode(boxes: Array, anchors: Array) -> Array:
    """The formula as array expressions, columns first."""
    w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    aw, ah = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    x, y, ax, ay = boxes[:, 0] + w / 2, boxes[:, 1] + h / 2, anchors[:, 0] + aw / 2, anchors[:, 1] + ah / 2
    return np.stack([(x - ax) / aw, (y - ay) / ah, np.log(w / aw), np.log(h / ah)], axis=1)


def numpy_decode(deltas: Array, anchors: Array) -> Array:
    """The formula as array expressions, columns first."""
    aw, ah = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    x, y = deltas[:, 0] * aw + anchors[:, 0] + aw / 2, deltas[:, 1] * ah + anchors[:, 1] + ah / 2
    w = np.exp(np.minimum(deltas[:, 2], CLAMP)) * aw / 2
    h = np.exp(np.minimum(deltas[:, 3], CLAMP)) * ah / 2
    return np.stack([x - w, y - h, x + w, y + h], axis=1)


def torchvision_calls() -> dict[str, Callable[[Array, Array], Array]]:
    """torchvision's coder, from and to NumPy without a copy; empty where it is missing."""
    try:
        import torch
        from torchvision.models.detection._utils import BoxCoder
    except ImportError:
        return {}
    coder = BoxCoder((1.0, 1.0, 1.0, 1.0))
    return {
        "encode": lambda b, a: coder.encode_single(torch.from_numpy(b), torch.from_numpy(a)).numpy(),
        "decode": lambda d, a: coder.decode_single(torch.from_numpy(d), torch.from_numpy(a)).numpy(),
    }


def run(report: Report) -> None:
    """Both directions in both precisions, validation included."""
    peers = torchvision_calls()
    report.heading("Box coding, one thread")
    report.begin_comparison()
    for dtype in (np.float32, np.float64):
        scale = 2e-3 if dtype == np.float32 else 1e-9  # float32 formulas lose digits of coordinates near 1000
        for n in SIZES[1:6:2] if report.quick else SIZES:
            boxes, anchors, deltas = pairs(n, dtype)
            for name, first, ours, formula, plain in (
                ("encode", boxes, detutils.encode_boxes, numpy_encode, naive.encode_boxes),
                ("decode", deltas, detutils.decode_boxes, numpy_decode, naive.decode_boxes),
            ):
                contenders: dict[str, Callable[[], Any]] = {
                    "detutils": lambda first=first, anchors=anchors, ours=ours: ours(first, anchors),
                    "NumPy": lambda first=first, anchors=anchors, formula=formula: formula(first, anchors),
                }
                if name in peers:
                    contenders["torchvision"] = lambda f=first, a=anchors, call=peers[name]: call(f, a)
                if n <= 1000:
                    rows = first.astype(np.float64).tolist(), anchors.astype(np.float64).tolist()
                    contenders["naive"] = lambda rows=rows, plain=plain: plain(*rows)
                report.compare(
                    "coding", f"{name} {n:,} {np.dtype(dtype)}", contenders,
                    equal=lambda a, b, scale=scale: np.allclose(a, b, rtol=1e-5, atol=scale),
                    seconds=0.3 if report.quick else 1.0, n=n,
                )  # fmt: skip
