"""Letterboxes as the preprocessing of known models describes them, and the bilinear resizing of OpenCV's rule."""

from __future__ import annotations

import math


def yolo(height: int, width: int, high: int, wide: int, scale_up: bool = True, stride: int = 0) -> dict[str, object]:
    """Centered; half of the padding less and plus a tenth, rounded (YOLOv5, YOLOv8)."""
    ratio = min(high / height, wide / width)
    if not scale_up:
        ratio = min(ratio, 1.0)
    inner = (round(height * ratio), round(width * ratio))
    across, down = wide - inner[1], high - inner[0]
    if stride:
        across, down = across % stride, down % stride
    across, down = across / 2, down / 2
    top, bottom = round(down - 0.1), round(down + 0.1)
    left, right = round(across - 0.1), round(across + 0.1)
    return {
        "inner": inner,
        "input": (top + inner[0] + bottom, left + inner[1] + right),
        "pad": (left, top),
        "gain": (ratio, ratio),
    }


def yolox(height: int, width: int, high: int, wide: int) -> dict[str, object]:
    """At the top left, sides truncated, one ratio."""
    ratio = min(high / height, wide / width)
    return {
        "inner": (int(height * ratio), int(width * ratio)),
        "input": (high, wide),
        "pad": (0, 0),
        "gain": (ratio, ratio),
    }


def scrfd(height: int, width: int, high: int, wide: int) -> dict[str, object]:
    """At the top left; the shorter side from the ratio of the image's sides, the gain from the heights."""
    ratio = height / width
    if ratio > high / wide:
        inner = (high, int(high / ratio))
    else:
        inner = (int(wide * ratio), wide)
    gain = inner[0] / height
    return {"inner": inner, "input": (high, wide), "pad": (0, 0), "gain": (gain, gain)}


def picodet(height: int, width: int, high: int, wide: int) -> dict[str, object]:
    """Stretched, with a gain for each side."""
    return {"inner": (high, wide), "input": (high, wide), "pad": (0, 0), "gain": (wide / width, high / height)}


def to_input(x: float, y: float, scale: tuple[float, float], pad: tuple[float, float]) -> tuple[float, float]:
    return x * scale[0] + pad[0], y * scale[1] + pad[1]


def to_image(x: float, y: float, scale: tuple[float, float], pad: tuple[float, float]) -> tuple[float, float]:
    return (x - pad[0]) / scale[0], (y - pad[1]) / scale[1]


def resize(image: list[list[float]], height: int, width: int) -> list[list[float]]:
    """Bilinear between pixel centers, which stand at halves; beyond the outermost centers their value."""
    rows, columns = len(image), len(image[0])

    def at(i: int, j: int) -> float:
        return image[min(max(i, 0), rows - 1)][min(max(j, 0), columns - 1)]

    out = []
    for i in range(height):
        y = (i + 0.5) * rows / height - 0.5
        top, down = math.floor(y), y - math.floor(y)
        line = []
        for j in range(width):
            x = (j + 0.5) * columns / width - 0.5
            left, across = math.floor(x), x - math.floor(x)
            line.append(
                (1 - down) * ((1 - across) * at(top, left) + across * at(top, left + 1))
                + down * ((1 - across) * at(top + 1, left) + across * at(top + 1, left + 1))
            )
        out.append(line)
    return out
