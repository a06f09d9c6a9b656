"""Selective Search
================

Selective Search, step by step: over-segmentation, levels of the hierarchy, the first proposals.

::

    python examples/selective_search.py [-o PICTURE] [IMAGE]
"""

from __future__ import annotations

import argparse

import numpy as np
from skimage import data

import detutils


def level(tree: detutils.Hierarchy, count: int) -> np.ndarray:
    """The segmentation when so many regions are left."""
    regions = len(tree.merges) + 1
    parent = np.arange(2 * regions - 1)
    for step, pair in enumerate(tree.merges[: max(regions - count, 0)]):
        parent[pair] = regions + step
    while (parent[parent] != parent).any():
        parent = parent[parent]
    return parent[tree.regions]


def main() -> None:
    """Six panels."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("-o", "--output", default="selective_search.png")
    parser.add_argument("image", nargs="?", help="a photograph (default: the cup of coffee of scikit-image)")
    options = parser.parse_args()
    photo = data.coffee() if options.image is None else detutils.read_image(options.image)

    tree = detutils.hierarchical_grouping(photo, detutils.Strategy(color_space="lab", scale=100))
    regions = len(tree.merges) + 1
    print(f"{regions} regions, {len(tree.boxes)} nodes in the hierarchy")
    boxes, chances = detutils.selective_search(photo)
    print(f"{len(boxes):,} proposals in fast mode; the first five:\n{boxes[:5]}")

    ink = "#10151c"
    pictures = [detutils.draw_segments(photo, tree.regions, outline=ink)]
    titles = [f"Over-segmentation\n{regions} regions"]
    for count in (40, 20, 12):
        pictures.append(detutils.draw_segments(photo, level(tree, count), outline=ink))
        titles.append(f"Hierarchy\n{count} regions left")
    likely = boxes[chances >= 0.05][:20]
    pictures.append(detutils.draw_boxes(photo, likely, width=2, halo=False, colors="#f0e442"))
    titles.append(f"Proposals\nthe {len(likely)} likeliest of {len(boxes):,}")
    few = [f"{chance:.2f}" for chance in chances[:6]]
    pictures.append(detutils.draw_boxes(photo, boxes[: len(few)], labels=few, width=2, halo=False))
    titles.append(f"The first {len(few)}\neach with its chance to cover an object")
    detutils.write_image(options.output, detutils.draw_panels(pictures, titles=titles, height=340))
    print("wrote", options.output)


if __name__ == "__main__":
    main()
