"""Draw what the pages under "Explained" speak of: an intersection, a suppression, a coding, the anchors of a cell.

    python docs/draw_explained.py {overlap,suppression,coding,cell} [-o PICTURE]
"""

from __future__ import annotations

import argparse
from typing import Any

import matplotlib

import detutils

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, Rectangle

BLUE, ORANGE, GREEN, GRAY = "#0072b2", "#e69f00", "#009e73", "#8c8c8c"


def panels(count: int, width: float, height: float) -> tuple[Any, list[Any]]:
    """Empty panels with y downward, as in images."""
    figure, axes = plt.subplots(1, count, figsize=(width, height), layout="constrained")
    found = list(np.atleast_1d(axes))
    for ax in found:
        ax.set_aspect("equal")
        ax.axis("off")
    return figure, found


def rectangle(ax: Any, box: Any, color: str, *, fill: float = 0.0, style: str = "-", width: float = 2.0) -> None:
    """One box."""
    place, size = (box[0], box[1]), (box[2] - box[0], box[3] - box[1])
    if fill:
        ax.add_patch(Rectangle(place, *size, facecolor=color, alpha=fill, edgecolor="none"))
    ax.add_patch(Rectangle(place, *size, facecolor="none", edgecolor=color, linestyle=style, linewidth=width))


def view(ax: Any, x: float, y: float) -> None:
    """From the origin to x and, downward, y."""
    ax.set_xlim(0, x)
    ax.set_ylim(y, 0)


def draw_overlap() -> Any:
    """Three pairs: their IoU, and what a measure sees that IoU does not."""
    pairs = [
        ([10, 10, 60, 60], [20, 16, 70, 66]),
        ([10, 10, 70, 66], [24, 20, 46, 40]),
        ([6, 20, 34, 56], [48, 20, 76, 56]),
    ]
    figure, axes = panels(3, 8.4, 2.9)
    for ax, (a, b) in zip(axes, pairs, strict=True):
        rectangle(ax, a, BLUE, fill=0.12)
        rectangle(ax, b, ORANGE, fill=0.12)
        common = [max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])]
        if common[2] > common[0]:
            rectangle(ax, common, GREEN, fill=0.45, width=0)
        measures = detutils.box_iou, detutils.generalized_box_iou, detutils.box_ioa
        iou, giou, ioa = (float(measure([a], [b])[0, 0]) for measure in measures)
        hull = [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]
        rectangle(ax, hull, GRAY, style=":", width=1)
        ax.set_title(f"IoU {iou:.2f}   GIoU {giou:.2f}\nof the blue box {ioa:.2f}", fontsize=11)
        view(ax, 82, 72)
    return figure


def draw_suppression() -> Any:
    """The best box stays, what overlaps it goes, and so on."""
    boxes = np.array([[14, 12, 54, 62], [18, 16, 58, 64], [10, 16, 50, 60], [40, 14, 78, 62], [66, 34, 92, 66]])
    scores = np.array([0.95, 0.9, 0.7, 0.85, 0.6])
    places = [(18, 10.5), (46, 69), (8, 65), (66, 12.5), (80, 32.5)]
    figure, axes = panels(3, 9.6, 2.9)
    titles = ["Five boxes", "The best is kept, those of IoU > 0.5 go", "The best of the rest, until none is left"]
    kept = detutils.nms(boxes, scores, 0.5)
    gone = detutils.explain_nms(boxes, scores, 0.5).suppressed_by
    for step, (ax, title) in enumerate(zip(axes, titles, strict=True)):
        for i, box in enumerate(boxes):
            final = i in kept[: (0, 1, len(kept))[step]]
            lost = gone[i] >= 0 and (step == 2 or (step == 1 and gone[i] == kept[0]))
            color, style = (GREEN, "-") if final else (GRAY, ":") if lost else (BLUE, "-")
            rectangle(ax, box, color, style=style, width=3 if final else 1.5)
            if not lost:
                ax.text(*places[i], f"{scores[i]:.2f}", fontsize=8, color=GREEN if final else BLUE)
        ax.set_title(title, fontsize=10)
        view(ax, 98, 74)
    return figure


def draw_coding() -> Any:
    """The four numbers between an anchor and an object."""
    anchor, thing = [16.0, 20, 56, 52], [30.0, 14, 92, 62]
    figure, (ax,) = panels(1, 5.2, 3.6)
    rectangle(ax, anchor, GRAY, style="--")
    rectangle(ax, thing, GREEN, fill=0.08)
    centers = [((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for box in (anchor, thing)]
    ax.add_patch(FancyArrowPatch(*centers, arrowstyle="-|>", mutation_scale=14, color=BLUE, linewidth=2))
    for x, y in centers:
        ax.plot(x, y, "o", color=BLUE, markersize=5)
    dx, dy, dw, dh = detutils.encode_boxes([thing], [anchor])[0]
    ax.text(anchor[0], anchor[1] - 2, "anchor", color=GRAY, fontsize=10)
    ax.text(thing[0], thing[1] - 2, "object", color=GREEN, fontsize=10)
    text = f"dx {dx:.2f} = step right / width\ndy {dy:.2f} = step down / height\n"
    text += f"dw {dw:.2f} = log of widths' ratio\ndh {dh:.2f} = log of heights' ratio"
    ax.text(8, 68, text, fontsize=10, va="top")
    view(ax, 100, 90)
    return figure


def draw_cell() -> Any:
    """The nine anchors of one cell, and the grid that they stand on."""
    figure, axes = panels(2, 8.4, 4.0)
    anchors = detutils.generate_anchors() + [256, 256, 257, 257]  # inclusive pixels, drawn to their outer edge
    for anchor, color in zip(anchors, np.repeat([BLUE, ORANGE, GREEN], 3), strict=True):
        rectangle(axes[0], anchor, color, width=1.5)
    axes[0].set_title("Nine anchors of one cell:\nthree areas, heights 1/2, 1 and 2 times the widths", fontsize=10)
    axes[0].set_xlim(-120, 640)
    axes[0].set_ylim(640, -120)
    for y in range(12):
        for x in range(12):
            rectangle(axes[1], [16 * x, 16 * y, 16 * x + 16, 16 * y + 16], GRAY, width=0.5)
            axes[1].plot(16 * x + 8, 16 * y + 8, ".", color=BLUE, markersize=3)
    rectangle(axes[1], [8 + 16 * 5 - 45, 8 + 16 * 5 - 23, 8 + 16 * 5 + 46, 8 + 16 * 5 + 24], BLUE, width=2)
    axes[1].set_title("Every cell has its own:\none every 16 pixels, whatever the image shows", fontsize=10)
    axes[1].set_xlim(-4, 196)
    axes[1].set_ylim(196, -4)
    return figure


FIGURES = {"overlap": draw_overlap, "suppression": draw_suppression, "coding": draw_coding, "cell": draw_cell}


def main() -> None:
    """One of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("figure", choices=FIGURES)
    parser.add_argument("-o", "--output", default="explained.png")
    options = parser.parse_args()
    FIGURES[options.figure]().savefig(options.output, dpi=110)
    print("wrote", options.output)


if __name__ == "__main__":
    main()
