"""What is known of a box that several hierarchies hold, term by term, counting every pixel anew."""

from __future__ import annotations

import math


def gather(trees, frames, positions):
    """Each box once: {box: (least position, one record a region)} in the order of appearance.

    ``trees``: dicts of merges, similarities, sizes, boxes, outlines. ``frames``: (factor, width, height, least width,
    least height, sum of weights).
    """
    found = {}
    for tree, (factor, width, height, least_width, least_height, total), places in zip(
        trees, frames, positions, strict=True
    ):
        leaves, every = len(tree["merges"]) + 1, len(tree["sizes"])
        parents = {child: leaves + step for step, pair in enumerate(tree["merges"]) for child in pair}
        for node in range(every):
            x1, y1, x2, y2 = tree["boxes"][node]
            box = (x1 * factor, y1 * factor, min(x2 * factor, width), min(y2 * factor, height))
            if box[2] - box[0] < least_width or box[3] - box[1] < least_height:
                continue
            parent = parents.get(node, node)
            left, top, right, bottom = tree["boxes"][parent]
            sides, strength = tree["outlines"][node]
            area = (x2 - x1) * (y2 - y1)
            record = {
                "birth": tree["similarities"][node - leaves] / total if node >= leaves else 1.0,
                "death": tree["similarities"][parent - leaves] / total if node in parents else 0.0,
                "contrast": math.log(1.0 + strength / (16.0 * max(sides, 1))),
                "fill": tree["sizes"][node] / area,
                "rank": math.log(every - node),
                "regions": math.log(leaves),
                "parent": math.log(area / ((right - left) * (bottom - top))),
            }
            best, records = found.get(box, (math.inf, []))
            found[box] = (min(best, places[node]), [*records, record])
    return found


def terms(box, records, strengths, factor, shape):
    """The 42 terms by name. ``strengths``: rows of the stronger edge of each pixel, in sixteenths of a gray level."""
    height, width = shape
    rows, columns = len(strengths), len(strengths[0])
    x1, y1, x2, y2 = box

    def edges(left, top, right, bottom):
        """Sum of the edges and number of the pixels of what lies in the image."""
        inside = [
            strengths[y][x] / 16.0
            for y in range(max(top, 0), min(bottom, rows))
            for x in range(max(left, 0), min(right, columns))
        ]
        return math.fsum(inside), len(inside)

    def between(outer, inner):
        """The mean edge of the pixels of one that are not in the other."""
        return math.log(1.0 + (outer[0] - inner[0]) / max(outer[1] - inner[1], 1))

    left, top, right, bottom = x1 // factor, y1 // factor, math.ceil(x2 / factor), math.ceil(y2 / factor)

    def grown(across, down):
        return edges(left - across, top - down, right + across, bottom + down)

    size, shape_ = math.log((x2 - x1) * (y2 - y1) / (width * height)), math.log((x2 - x1) / (y2 - y1))
    touching = (x1 <= 1) + (y1 <= 1) + (x2 >= width - 2) + (y2 >= height - 2)
    down = (y1 + y2) / 2.0 / height - 0.5
    mean = {key: math.fsum(record[key] for record in records) / len(records) for key in records[0]}
    extreme = {key: (min(r[key] for r in records), max(r[key] for r in records)) for key in records[0]}
    inside, whole, votes = edges(left, top, right, bottom), edges(0, 0, columns, rows), math.log(len(records))
    density = math.log(1.0 + inside[0] / inside[1])
    step = {part: (max((right - left) // part, 1), max((bottom - top) // part, 1)) for part in (8, 4)}
    ring = {f"inner_ring{part}": between(inside, grown(-a, -b)) for part, (a, b) in step.items()}
    ring |= {f"outer_ring{part}": between(grown(a, b), inside) for part, (a, b) in step.items()}
    ring["on_border"], ring["beyond_border"] = between(grown(1, 1), grown(-1, -1)), between(grown(3, 3), grown(1, 1))
    return {
        "size": size, "size2": size**2, "elongation": abs(shape_), "shape2": shape_**2, "shape": shape_,
        "touching": touching, "touching_size": touching * size,
        "across": abs((x1 + x2) / 2.0 / width - 0.5), "down": down, "down2": down**2, "bottom": y2 / height,
        "votes": votes, "votes_size": votes * size, **mean,
        "max_birth": extreme["birth"][1], "min_death": -extreme["death"][0],
        "max_contrast": extreme["contrast"][1], "max_fill": extreme["fill"][1], "min_rank": -extreme["rank"][0],
        "contrast2": mean["contrast"] ** 2, "contrast_size": mean["contrast"] * size,
        "fill2": mean["fill"] ** 2, "rank2": mean["rank"] ** 2,
        "edges": density, "edges_usual": density - math.log(1.0 + whole[0] / whole[1]), **ring,
        "edges_size": density * size,
        **{f"{key}_size": ring[key] * size for key in ("inner_ring8", "outer_ring8", "on_border", "beyond_border")},
    }  # fmt: skip
