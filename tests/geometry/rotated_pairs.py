"""Pairs of rotated boxes on which programs go wrong, and their overlap in arithmetic of 60 digits."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from functools import cache, lru_cache

import numpy as np

DIGITS = 60
KINDS = (
    "random", "identical", "jittered", "shared_edge", "shared_corner", "half_turn", "quarter_turn", "thin",
    "thin_jittered", "thin_crossing", "tiny_angle", "far", "tiny_in_huge", "no_area", "axis_parallel", "square_turned",
    "nested", "angles_of_any_size", "thin_at_half_degrees",
)  # fmt: skip


def _boxes(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.stack([*rng.uniform(0, 200, (2, n)), *np.exp(rng.uniform(1, 5, (2, n))), rng.uniform(-180, 180, n)], 1)


def pairs(kind: str, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two (n, 5) arrays of cx, cy, w, h, degrees clockwise."""
    a = _boxes(rng, n)
    b = a.copy()
    angle = np.radians(a[:, 4])
    along, across = np.stack([np.cos(angle), np.sin(angle)], 1), np.stack([-np.sin(angle), np.cos(angle)], 1)
    if kind == "random":
        b = _boxes(rng, n)
        b[:, :2] = a[:, :2] + rng.normal(0, 30, (n, 2))
    elif kind == "jittered":
        b += b * rng.normal(0, 1, b.shape) * 10.0 ** rng.uniform(-12, -3, (n, 1)) * (rng.random(b.shape) < 0.5)
    elif kind == "shared_edge":
        b[:, :2] += along * (a[:, 2:3] * rng.choice([1.0, -1.0, 0.5], (n, 1)))
    elif kind == "shared_corner":
        b[:, :2] += along * a[:, 2:3] + across * a[:, 3:4]
        b[:, 4] += rng.choice([0.0, 90.0, 30.0], n)
    elif kind == "half_turn":
        b[:, 4] += rng.choice([180.0, -180.0, 360.0], n)
    elif kind == "quarter_turn":
        b[:, 4] += rng.choice([90.0, -90.0, 270.0], n)
        b[:, 2:4] = b[:, 3:1:-1]
    elif kind.startswith("thin"):
        a[:, 2], a[:, 3] = 10.0 ** rng.uniform(2, 4, n), 10.0 ** rng.uniform(-1, 0, n)
        b = a.copy()
        if kind == "thin_jittered":
            b[:, :4] += b[:, 3:4] * rng.normal(0, 1, (n, 4)) * 10.0 ** rng.uniform(-9, 0, (n, 1))
            b[:, 2:4] = np.abs(b[:, 2:4])
            b[:, 4] += rng.normal(0, 1, n) * 10.0 ** rng.uniform(-12, -2, n)
        elif kind == "thin_at_half_degrees":  # where a table of whole degrees, or a quarter turn, changes
            a[:, 4] = rng.integers(-90, 90, n) + 0.5 * (rng.random(n) < 0.7)
            b[:, 4] = a[:, 4] + rng.choice([1e-9, 1e-12, 1e-6, 1e-7], n)
            a[:, 4] -= rng.choice([0.0, 1e-9], n)
        elif kind == "thin_crossing":
            b[:, :2] += along * a[:, 2:3] * rng.uniform(-0.9, 0.9, (n, 1))
            b[:, 4] += rng.choice([90.0, 45.0, 1.0, 1e-3], n)
    elif kind == "tiny_angle":
        b[:, 4] += rng.choice([1e-9, -1e-9, 1e-13, 1e-6], n)
    elif kind == "far":
        a[:, :2] += 1e7 * rng.choice([-1.0, 1.0], (n, 2))
        b = a.copy()
        b[:, :2] += rng.normal(0, 10, (n, 2)) * (rng.random((n, 1)) < 0.7)
        b[:, 4] += rng.normal(0, 10, n) * (rng.random(n) < 0.7)
    elif kind == "tiny_in_huge":
        a[:, 2:4] *= 1e4
        b[:, :2] += (along * rng.uniform(-0.5, 0.5, (n, 1)) * a[:, 2:3]) * (rng.random((n, 1)) < 0.8)
        b[:, 4] = rng.uniform(-180, 180, n)
    elif kind == "no_area":
        b[:, rng.integers(2, 4)] = 0.0
        a[::3, 2] = 0.0
    elif kind == "axis_parallel":
        a, b = np.round(a), np.round(_boxes(rng, n))
        b[:, :2] = a[:, :2] + rng.integers(-20, 20, (n, 2))
        a[:, 4], b[:, 4] = 90.0 * rng.integers(-5, 5, (2, n))
    elif kind == "square_turned":
        a[:, 3] = a[:, 2]
        b = a.copy()
        b[:, 4] += rng.choice([45.0, 90.0, 30.0, 44.999999999], n)
    elif kind == "nested":
        b[:, 2:4] *= rng.choice([0.5, 1.0, 1.0 - 1e-12, 1.0 + 1e-9], (n, 2))
    elif kind == "angles_of_any_size":
        b[:, 4] += 360.0 * rng.integers(-1_000_000, 1_000_000, n)
    turned = rng.random(n) < 0.5
    a[turned], b[turned] = b[turned], a[turned].copy()
    return a, b


@cache
def _pi() -> Decimal:
    """Machin's formula."""
    with localcontext(Context(prec=DIGITS + 20)):

        def arctan(divisor: int) -> Decimal:
            total, power, n = Decimal(0), 1 / Decimal(divisor), 1
            while abs(power) > Decimal(10) ** -(DIGITS + 20):
                total += power / n
                power, n = -power / (divisor * divisor), n + 2
            return total

        return 4 * (4 * arctan(5) - arctan(239))


@lru_cache(maxsize=4096)
def _cosine_and_sine(angle: float, radians: bool) -> tuple[Decimal, Decimal]:
    x = Decimal(angle) % (2 * _pi()) if radians else Decimal(angle) % 360 * _pi() / 180
    cosine, sine, term, n = Decimal(0), Decimal(0), Decimal(1), 0
    while abs(term) > Decimal(10) ** -(DIGITS + 5) or n < 8:
        sign = 1 if n % 4 < 2 else -1
        if n % 2:
            sine += sign * term
        else:
            cosine += sign * term
        n += 1
        term = term * x / n
    return cosine, sine


def corners(box: np.ndarray, radians: bool) -> list[tuple[Decimal, Decimal]]:
    """Of cx, cy, w, h, angle clockwise; clockwise on the screen."""
    cx, cy, w, h = (Decimal(float(value)) for value in box[:4])
    c, s = _cosine_and_sine(float(box[4]), radians)
    sides = [(-w / 2, -h / 2), (w / 2, -h / 2), (w / 2, h / 2), (-w / 2, h / 2)]
    return [(cx + x * c - y * s, cy + x * s + y * c) for x, y in sides]


def polygon_area(polygon: list[tuple[Decimal, Decimal]]) -> Decimal:
    following = [*polygon[1:], *polygon[:1]]
    return sum((p[0] * q[1] - p[1] * q[0] for p, q in zip(polygon, following, strict=True)), Decimal(0)) / 2


def clipped(polygon: list[tuple[Decimal, Decimal]], window: list[tuple[Decimal, Decimal]]) -> list:
    """Sutherland and Hodgman, "Reentrant polygon clipping", 1974: one half plane after the other."""
    for p, q in zip(window, [*window[1:], *window[:1]], strict=True):
        result = []
        sides = [(q[0] - p[0]) * (v[1] - p[1]) - (q[1] - p[1]) * (v[0] - p[0]) for v in polygon]
        for i, v in enumerate(polygon):
            before, side, other = sides[i - 1], sides[i], polygon[i - 1]
            if (before < 0 < side) or (side < 0 < before):
                part = before / (before - side)
                result.append((other[0] + part * (v[0] - other[0]), other[1] + part * (v[1] - other[1])))
            if side >= 0:
                result.append(v)
        polygon = result
    return polygon


def exact_areas(a: np.ndarray, b: np.ndarray, radians: bool = False) -> tuple[Decimal, Decimal, Decimal]:
    """The area that two boxes share, and their own, in 60 digits."""
    with localcontext(Context(prec=DIGITS)):
        area, other = (Decimal(float(box[2])) * Decimal(float(box[3])) for box in (a, b))
        if not area or not other:
            return Decimal(0), area, other
        origin = Decimal(float(a[0])), Decimal(float(a[1]))
        first, second = ([(x - origin[0], y - origin[1]) for x, y in corners(box, radians)] for box in (a, b))
        return abs(polygon_area(clipped(first, second))), area, other


def exact_iou(a: np.ndarray, b: np.ndarray, radians: bool = False) -> float:
    with localcontext(Context(prec=DIGITS)):
        common, area, other = exact_areas(a, b, radians)
        union = area + other - common
        return float(common / union) if union else 0.0
