"""The faults that ``python -m tests.mutants`` puts into kernels, and the tests that must notice each.

Wrong in one line, as a slip would be: a comparison at a threshold, a tie, the end of a block, a bound that is drawn too
tight. What would change no result is not among them:

- how a scene is laid out (``neighbor_order``, the size of a hash table, the multiplier of a hash) and how long a call
  may work (``patience``): they cost time alone;
- soft-NMS's ``_touches`` with > for >=: what only touches is not decayed, and a kept box is marked without a visit;
- ``share_of`` with area >= 0: a box without area then runs through the filters, and its quotient is 0;
- ``total > most`` for ``==`` in suppression: what is kept too many is cut off by ``pick``; likewise ``seen > limit`` in
  COCO's matching, where a rank beyond the last limit is not counted;
- the sweep's ``=`` for ``|=`` at ``dropped``: a box that is forgotten is dropped in a later round, by the same pair;
- the sides of a binary search for a bound that is drawn wider than what it must hold (``close_pairs``, ``vote``);
- the column of a block in a scan of one component (``walk_scan``), where units are one block wide;
- the room for a scan's members and doubts: what does not fit, or is doubted twice, is read by ``json``;
- the guard of ``_quotient``: no numeral of up to 19 digits is known that comes so close to a tie.
"""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """One fault: ``old`` stands exactly once in ``file``, and becomes ``new``; some of ``tests`` fail then."""

    file: str
    old: str
    new: str
    tests: str


def _faults(file: str, tests: str, *changes: tuple[str, str] | tuple[str, str, str]) -> list[Mutant]:
    """The faults of one file, each with the tests of the family or with its own."""
    return [Mutant(f"detutils/{file}", *change[:2], change[2] if len(change) == 3 else tests) for change in changes]


BOXES, CODING, OVERLAPS = (f"tests/geometry/test_{name}.py" for name in ("boxes", "coding", "overlaps"))
ANCHORS, MATCHING = "tests/targets/test_anchors.py", "tests/targets/test_matching.py"
FUSION = "tests/suppression/test_fusion.py tests/suppression/test_fusion_bounds.py"
SOFT = "tests/suppression/test_soft_nms.py"

CHECKS_OF_NUMBERS = _faults(
    "_kernels/checks.py", f"tests/test_validate.py {BOXES}",
    ("return (x1 <= x2) & ", "return (x1 < x2) & "),
    ("return (x1 <= x2) & (y1 <= y2) & ", "return (x1 <= x2) & "),
    (" & (y2 <= limit)", " & (y2 < limit)"),
    (" & (x1 >= -limit)", ""),
    ("good &= abs(values[i]) <= largest", "good &= not (abs(values[i]) > largest)"),
    ("    while abs(values[i]) <= largest", "    while abs(values[i]) < largest"),
    ("good[i] = box_is_good(boxes[i, 0]", "good[i] = box_is_good(boxes[i, 1]"),
)  # fmt: skip

GEOMETRY = [
    *_faults(
        "geometry/_kernels/boxes.py", BOXES,
        ("good = (a <= c) & (b <= d) if", "good = (a <= c) & (b < d) if"),
        ("else (c >= 0.0) & (d >= 0.0)", "else (c >= 0.0) & (d > 0.0)"),
        ("range(boxes.shape[0] - 1, -1, -1)", "range(boxes.shape[0] - 1, 0, -1)"),
        ("a, b = a - 0.5 * c, b - 0.5 * d", "a, b = a - 0.5 * c, b + 0.5 * d"),
        ("a / width, b / height, c / width, d / height", "a / width, b / height, c / height, d / width"),
        (" & (abs(d) <= largest)):", "):"),
        ("(x2 - x1 + offset) * (y2 - y1 + offset)", "(x2 - x1 + offset) * (y2 - y1)"),
        ("min(max(y2, 0.0), bottom)", "min(max(y2, 0.0), right)"),
        ("boxes[i, 3] - boxes[i, 1] + offset >= min_size", "boxes[i, 3] - boxes[i, 1] + offset > min_size"),
    ),
    *_faults(
        "geometry/_kernels/coding.py", CODING,
        ("m = min(BLOCK, n - start)\n        b, a, to", "m = min(BLOCK, n - start - 1)\n        b, a, to"),
        ("np.float64(b[i, 3]) - by + offset", "np.float64(b[i, 3]) - by"),
        ("(rw <= HIGH) & (rh >= LOW)", "(rw <= HIGH)"),
        ("LOW, HIGH = 2.3e-308", "LOW, HIGH = 0.0"),
        ("(low + 0.5 * whole)) / whole", "(low + 0.5 * whole)) / side"),
        ("s * (half + z * tail) + k * LN2_LOW", "s * (half + z * tail)"),
        ("z * 0.15331607998056482", "z * 0.1533"),
        ("lost = (high - r) - low", "lost = 0.0"),
        ("if x >= -708.0 else 0.0", "if x >= -100.0 else 0.0"),
        ("dh if dh < clamp else clamp", "dh"),
        ("y + half_h - offset", "y + half_h"),
        ("y2 if y2 > y1 else y1", "y2"),
        ("start // each, each - start % each", "start // each, each"),
        ("int((start + i // 4) // each)", "int((i // 4) // each)"),
    ),
    *_faults(
        "geometry/_kernels/overlaps.py", OVERLAPS,
        ("(a[3] if a[3] > b[3] else b[3])", "(a[3] if a[3] < b[3] else b[3])"),
        ("(a[1] if a[1] < b[1] else b[1]) + offset", "(a[1] if a[1] < b[1] else b[1])"),
        ("union = (a[4] + b[4]) - common", "union = a[4] + b[4]"),
        ("return share - (hull", "return share + (hull"),
        ("across = (a[0] - b[0]) + (a[2] - b[2])", "across = (a[0] + a[2]) - (b[0] + b[2])"),
        ("(diagonal + diagonal) + (diagonal + diagonal)", "diagonal + diagonal"),
        ("((one - share) +", "((one + share) +"),
        ("LONGEST = np.float32(1e18)", "LONGEST = np.float32(1e20)"),
        ("SHORTEST = np.float32(1e-15)", "SHORTEST = np.float32(0.0)"),
        ("min(left + COLUMN_BLOCK, m)", "min(left + COLUMN_BLOCK - 1, m)"),
        ("QUARTER_TURN = 0.5 * math.pi", "QUARTER_TURN = math.pi"),
        ("    if bad >= 0:\n        return int(boxes1.shape[0] + bad)", "    if bad >= 0:\n        return int(bad)"),
        ("if bad == -2 or bad2 == -2", "if bad == -2"),
        ("(u1, v1, u2, v2, wide2 * high2, turn2)", "(u1, v1, u2, v2, wide * high2, turn2)"),
    ),
    *_faults(
        "geometry/_kernels/pair.py", OVERLAPS,
        ("(a[0] if a[0] > b[0] else b[0])", "(a[0] if a[0] < b[0] else b[0])"),
        ("* (height if height > zero else zero)", "* height"),
        ("union = (area + other) - common", "union = area + other"),
        ("common / (union if union > zero else one)", "common / (union if union > one else one)"),
        ("common / (area if area > zero else one)", "common / area"),
    ),
]  # fmt: skip

TARGETS = [
    *_faults(
        "targets/_kernels/anchors.py", ANCHORS,
        ("right = x * step_x", "right = x * step_y"),
        ("for y in range(start, stop):", "for y in range(start, stop - 1):"),
        ("(anchors[i, 0] >= low_x)", "(anchors[i, 0] > low_x)"),
        ("(anchors[i, 3] < high_y)", "(anchors[i, 3] <= high_y)"),
        ("if share > best:", "if share >= best:"),
        ("share if share > best[i] else best[i]", "share"),
        ("sums[label, 1] += sizes[i, 1]", "sums[label, 1] += sizes[i, 0]"),
        ("if counts[k] > 0:", "if counts[k] > 1:"),
    ),
    *_faults(
        "targets/_kernels/matching.py", MATCHING,
        ("(x2 - x1 + offset) * (y2 - y1 + offset)", "(x2 - x1 + offset) * (y2 - y1)"),
        ("max(around[3], y2)", "max(around[3], y1)"),
        ("(width > 0.0) & (height > 0.0)", "(width > 1.0) & (height > 0.0)"),
        ("which[k] = j if share > best[k]", "which[k] = j if share >= best[k]"),
        ("range(PAGE // LANES)", "range(PAGE // LANES - 1)"),
        ("elif peak == peaks[j]:", "elif peak > peaks[j]:"),
        ("POSITIVE if best[k] >= high", "POSITIVE if best[k] > high"),
        ("NEGATIVE if best[k] < low", "NEGATIVE if best[k] <= low"),
        ("min((peak_pages[j, 1] + 1) * PAGE", "min(peak_pages[j, 1] * PAGE"),
        ("area, 0.0, 1.0) == peaks[j]:", "area, 0.0, 1.0) >= 0.9 * peaks[j]:"),
        ("if covered[k] >= threshold", "if covered[k] > threshold"),
        (" and labels[first + k] != POSITIVE", ""),
    ),
]  # fmt: skip

MERGING = [
    *_faults(
        "suppression/_kernels/fusion.py", FUSION,
        ("if value > best_iou or", "if value >= best_iou or"),
        ("(value == best_iou and c < best)", "(value == best_iou and 0 <= best < c)"),
        ("best_iou * (1.0 - SLACK):", "best_iou * (1.0 + 1e3 * SLACK):"),
        ("apart * (1.0 + SLACK)", "apart * 0.99"),
        ("(1.0 - threshold) / threshold * min(side, cell)", "(1.0 - threshold) * min(side, cell)"),
        ("octave(longest / threshold)", "octave(longest)"),
        ("octave(longest * threshold)", "octave(longest)"),
        ("RELATIVE * (abs(box[0]) + abs(box[2]))", "0.0"),
        ("scale = _power(-(level + 1))  # twice", "scale = _power(-level)  # twice"),
        ("range(int(top), int(bottom) + 1)", "range(int(top), int(bottom))"),
        ("links[c] = heads[bucket]", "links[c] = -1"),
        ("elif bucket != homes[c]:", "elif bucket < 0:"),
        ("max(state[LARGEST], level)", "state[LARGEST]"),
        ("if i == 0 or groups[b] != groups[order[i - 1]]:", "if i == 0:"),
        ("max(sums[c, MAX_SCORE], scores[b])", "scores[b]"),
        ("if seen[model] != c:", "if model >= 0:"),
        ("box[2] + 2.0 * offset)", "box[2] - offset)"),
        ("low, me, box[0] - 2.0 * offset)", "low, me, box[0] + 2.0 * offset)"),
        ("low, high = begins[me], ends[me]", "low, high = 0, ends[me]"),
        ("        ious[me - low] = 1.0\n", ""),
        ("if ious[k] >= iou_threshold", "if ious[k] > iou_threshold"),
        ("        if total > 0.0:", "        if total >= 0.0:"),
    ),
    *_faults(
        "suppression/_kernels/soft.py", SOFT,
        ("for k in range(below + 1, marks[leaf, COUNT]):", "for k in range(below + 1, marks[leaf, COUNT] - 1):"),
        ("names[leaf, k] < names[leaf, below]", "names[leaf, k] > names[leaf, below]"),
        ("other == score and marks[child, NAME] < name", "other == score and marks[child, NAME] > name"),
        ("max(spans[leaf, RIGHT], x2)", "max(spans[leaf, RIGHT], x1)"),
        ("min(FAN, starts[level] - first)", "min(FAN - 1, starts[level] - first)"),
        ("(spans[node, LEAST] <= group)", "(spans[node, LEAST] < group)"),
        (" & (leaves[leaf, GROUP, k] == group)", ""),
        ("names[leaf, alive] = names[leaf, k]", "names[leaf, alive] = names[leaf, alive]"),
        ("-(decays[h] * decays[h]) / decay.sigma", "-decays[h] / decay.sigma"),
        ("if decays[h] > decay.iou_threshold", "if decays[h] >= decay.iou_threshold"),
        ("stays = score > decay.score_threshold", "stays = score >= decay.score_threshold"),
        (
            "if touched > 0:\n                marks[leaf, STALE] = 1",
            "if touched > 0:\n                marks[leaf, STALE] = 0",
        ),
        ("count += 1 if scores[i] > score_threshold", "count += 1 if scores[i] >= score_threshold"),
        ("if now[left[k]] > now[best] else", "if now[left[k]] >= now[best] else"),
        ("elif share > iou_threshold:", "elif share >= iou_threshold:"),
        ("now[i] > score_threshold and i != best", "now[i] >= score_threshold and i != best"),
    ),
]  # fmt: skip

PICTURES = [
    *_faults(
        "rcnn/_kernels/features.py", "tests/rcnn/test_features.py",
        ("c, d = 2 * x, min(2 * x + 1, width - 1)", "c, d = 2 * x, 2 * x"),
        ("(i + 0.5) * step - 0.5", "(i + 0.5) * step"),
        ("while coarse >= 2.0", "while coarse > 2.0"),
        ("_axis(left * shrink", "_axis(left"),
        ("if 0 < i < rows - 1 else", "if 0 < i < rows - 2 else"),
        ("better = square > steep[j]", "better = square >= steep[j]"),
        ("(down[0, j] == 0 and right[0, j] < 0)", "(down[0, j] == 0 and right[0, j] > 0)"),
        ("min(cells[i + a, j + b, k] * scale, CLIP)", "cells[i + a, j + b, k] * scale"),
        ("(2 * a + b) * BINS", "(2 * b + a) * BINS"),
        ("i >= rows - edge", "i > rows - edge"),
        ("np.float32(rows - 2 * (rows // 4))", "np.float32(rows - (rows // 4))"),
        ("np.float32(SHADES)), SHADES - 1)", "np.float32(SHADES)), SHADES)"),
    ),
    *_faults(
        "pictures/_kernels/drawing.py", "tests/pictures/test_draw.py",
        ("max(0.5 - distance, 0.0)", "max(0.4 - distance, 0.0)"),
        ("min(max(across, down), 0.0) - radius", "min(across, down, 0.0) - radius"),
        ("(1.0 - shade) * (1.0 - cover)", "(1.0 - cover)"),
        ("color[channel] * cover + 0.5)", "color[channel] * cover)"),
        ("int(x1) + band, int(x2) - band", "int(x1) + band, int(x2) + 1"),
        ("math.ceil(y2 + halo) + 1", "math.ceil(y2 + halo) - 1"),
        ("plain and fill == 0.0 and", "plain and"),
        ("_covered(edge - halo)", "_covered(edge + halo)"),
    ),
    *_faults(
        "pictures/_kernels/jpeg.py", "tests/pictures/test_jpeg.py",
        ("                after += 1", "                after += 2"),
        ("            place = after\n", ""),
        ("if length > bits.left or", "if length >= bits.left or"),
        ("if bits.left < 31:", "if bits.left < 9:"),
        ("and symbol != 0xF0", ""),
        ("k += 1 + (symbol >> 4)", "k += symbol >> 4"),
        ("(1 << zeros) + more - 1, seen", "(1 << zeros) + more, seen"),
        ("run = (1 << zeros) + more\n", "run = (1 << zeros) + more - 1\n"),
        ("0xD0 <= data[place + 1] <= 0xD7", "0xD0 <= data[place + 1] < 0xD7"),
        ("unit == restart:", "unit > restart:"),
    ),
]  # fmt: skip

PARTITION, COLORS = "tests/proposals/test_segmentation.py", "tests/proposals/test_segmentation.py"
GROUPING, COVER = "tests/proposals/test_grouping.py", "tests/proposals/test_cover.py"

PROPOSALS = [
    *_faults(
        "proposals/_kernels/edges.py", PARTITION,
        ("padded[end + i] = padded[end - 1]", "padded[end + i] = padded[end - 2]"),
        ("_add_whole_sum(row, plane[max(y - i, 0)]", "_add_whole_sum(row, plane[max(y - i, 1)]"),
        ("out[x] = taps[0] * row[x]", "out[x] = taps[1] * row[x]"),
        ("np.float32(1.0 + math.sqrt(squares[x]))", "np.float32(1.0 + squares[x])"),
        ("_distances(here[:, 1:], below[:, : width - 1]", "_distances(here[:, : width - 1], below[:, : width - 1]"),
        ("(column[x] + 8192) >> 14", "column[x] >> 14"),
        ("np.int64(d == 3), np.int64(width - (d == 0 or d == 2))", "np.int64(d == 3), np.int64(width - (d == 0))"),
        ("            for i in range(counts.shape[0]):", "            for i in range(counts.shape[0] - 1):"),
        ("np.int64((y * width + first) * directions + d)", "np.int64((y * width + first) * directions)"),
    ),
    *_faults(
        "proposals/_kernels/segmentation.py", PARTITION,
        ("key_of(weight_of(key) + scale / np.float64(size))", "key_of(weight_of(key) + scale)"),
        ("np.int64(16.0 * scale / np.float64(size))", "np.int64(scale / np.float64(size))"),
        ("min(block + BLOCK, edges.shape[0]), steps, cells, apart)\n        for i in range(m):\n"
         "            a, b = _root(cells, apart[i, 0]), _root(cells, apart[i, 1])\n            if a == b:",
         "min(block + BLOCK, edges.shape[0] - 1), steps, cells, apart)\n        for i in range(m):\n"
         "            a, b = _root(cells, apart[i, 0]), _root(cells, apart[i, 1])\n            if a == b:"),
        ("(key <= s >> 32) & (key <= t >> 32)", "(key <= s >> 32) & (key < t >> 32)"),
        ("(key <= s >> 32) & (key <= t >> 32)", "(key <= s >> 32) | (key <= t >> 32)"),
        ("if p < min_size or q < min_size", "if p <= min_size or q < min_size"),
        ("NUMBERED - count)", "NUMBERED - count - 1)"),
    ),
    *_faults(
        "proposals/_kernels/grouping.py", GROUPING,
        ("((s == t) & (k < m))", "((s == t) & (k > m))"),
        ("while down + 1 < count", "while down + 2 < count"),
        ("total += factors[2] * (1.0 - both / pixels)", "total += factors[2] * (1.0 + both / pixels)"),
        ("np.float64(height) - both) / pixels", "np.float64(height)) / pixels"),
        ("boxes[c, 2] = max(boxes[a, 2]", "boxes[c, 2] = min(boxes[a, 2]"),
        ("if part == 0:  # the other", "if part >= 0:  # the other"),
        ("shared[stamps[target], 0] += shared[node, 0]", "shared[stamps[target], 0] += shared[node, 1]"),
        ("outlines[c, 0] -= 2 * inner_sides", "outlines[c, 0] -= inner_sides"),
    ),
    *_faults(
        "proposals/_kernels/cover.py", COVER,
        ("np.int64(found[k] >= threshold)", "np.int64(found[k] > threshold)"),
        ("bands[min(band + 2, bands.shape[0] - 1)]", "bands[band + 1]"),
        ("x1 - slack / threshold", "x1 - slack"),
        ("overlaps[e] * overlaps[e] * overlaps[e]", "overlaps[e] * overlaps[e]"),
        ("if more > np.float32(0):", "if more > np.float32(-9):"),
        ("(gains[other] == gains[j] and other < j)", "(gains[other] == gains[j] and other > j)"),
        ("while fresh[i] != done:", "while fresh[i] < 0:"),
        ("max(covered[others[k]], cover[k])", "cover[k]"),
        ("        if worst <= threshold:\n            taken", "        if worst < threshold:\n            taken"),
        ("if count >= kept.shape[1]", "if count >= kept.shape[1] - 1"),
    ),
    *_faults(
        "proposals/_kernels/regions.py", f"{PARTITION} {GROUPING}",
        ("np.int32(size >= borders[i])", "np.int32(size > borders[i])"),
        ("(level if value >= 0 else -level)", "level"),
        ("boxes[region, 3] = y + 1", "boxes[region, 3] = y"),
        ("np.int64(planes[c, y, x]) * COLOR_BINS) >> 8", "np.int64(planes[c, y, x]) * (COLOR_BINS - 1)) >> 8"),
        ("base + o * TEXTURE_BINS + np.int64(bins[code, o])", "base + o * TEXTURE_BINS + np.int64(bins[code, 0])"),
        ("np.int64(weights[y, 0, x])", "np.int64(weights[y, 1, x])"),
        ("        if y + 1 < height:", "        if y + 2 < height:"),
        ("for e in range(pairs.shape[0] - 1, -1, -1):", "for e in range(pairs.shape[0] - 1, 0, -1):"),
    ),
    *_faults(
        "proposals/_kernels/colors.py", COLORS,
        ("part, turn = b - r, 2", "part, turn = b - r, 4"),
        ("np.float32(256.5)) & 255", "np.float32(192.5)) & 255"),
        ("np.float32(500) * (fx - fy)", "np.float32(500) * (fy - fx)"),
        ("planes[2, y, x] = np.uint8((total + 1) // 3)", "planes[2, y, x] = np.uint8(total // 3)"),
        ("left, right = j * factor, min((j + 1) * factor, width)", "left, right = j * factor, (j + 1) * factor"),
        ("summed = area // 2", "summed = area - area"),
        ("min(bottom, y + 1.0) - max(top, float(y))", "1.0"),
    ),
    *_faults(
        "proposals/_kernels/objectness.py", "tests/proposals",
        ("boxes[row, 2] == x2 and boxes[row, 3] == y2", "boxes[row, 2] == x2"),
        ("np.int64(boxes[node, 2]) * factor, np.int64(width)", "np.int64(boxes[node, 2]), np.int64(width)"),
        ("integral[y, x + 1] + row", "integral[y, x] + row"),
        ("- integral[y2, x1] + integral[y1, x1]", "- integral[y2, x1]"),
        ("if np.float64(x2 - x1) < min_width", "if np.float64(x2 - x1) <= min_width"),
        ("np.float64(y2 >= height - 2)", "np.float64(y2 >= height)"),
        ("into[13 + j] = sums[i, 1 + j] / number", "into[13 + j] = sums[i, 1 + j]"),
        ("    for i in range(features.shape[0]):\n        total = constant",
         "    for i in range(features.shape[0]):\n        total = 0.0"),
    ),
]  # fmt: skip

GREEDY, BOUNDS = "tests/suppression/test_greedy.py", "tests/suppression/test_bounds.py"
EXPLAIN = "tests/suppression/test_explain.py"

NMS = [
    *_faults(
        "suppression/_kernels/pair.py", f"{BOUNDS} {GREEDY}",
        ("offset) > scene.iou_threshold", "offset) >= scene.iou_threshold"),
        ("width * height >= box[4] + other[4]", "width * height > 1.001 * (box[4] + other[4])"),
        ("max(width - slack, NONE) * max(height - slack, NONE)", "width * height"),
        ("CLEAR = np.float32(1.00001)", "CLEAR = np.float32(0.9999)"),
        ("(1.0 - 2e-6) if", "(1.0 + 1e-5) if"),
        ("if iou_threshold > 1e-6 else 0.0", "if iou_threshold > 1e-6 else 1e-6"),
        ("value - abs(value) * 1.2e-7 - 1.5e-45", "value + abs(value) * 1.2e-7"),
        ("np.float64(columns[3, r]) - offset", "np.float64(columns[3, r])"),
        ("np.float32(1e-6 * rule[2])", "np.float32(0.0 * rule[2])"),
        ("(c - offset == x2) & (d - offset == y2)", "(c - offset == x2)"),
    ),
    *_faults(
        "suppression/_kernels/levels.py", f"{BOUNDS} {GREEDY}",
        ("(1.0 - iou_threshold) / (1.0 + iou_threshold) * (1.0 + 1e-5) + 1e-4",
         "(1.0 - iou_threshold) / (1.0 + iou_threshold) * 0.8 + 1e-4"),
        ("1.0 / max(iou_threshold, 1e-200) * (1.0 + 1e-5)", "1.0 / max(iou_threshold, 1e-200) * 0.9"),
        ("table[level, 1] * ratio < side - slack", "table[level, 1] < side - slack"),
        ("max(sizes[exponent, 2], w)", "min(sizes[exponent, 2], w)"),
        ("min(table[level, 0], np.float64(sizes[exponent, 0]))", "np.float64(sizes[exponent, 1])"),
        ("level_of_exponent[exponent] = level", "level_of_exponent[exponent] = 0"),
    ),
    *_faults(
        "suppression/_kernels/grid.py", f"{BOUNDS} {GREEDY}",
        ("slack = np.float64(scene.slack)", "slack = 0.0"),
        ("0.5 * spread * (w + min(w * ratio, table[level, 2])) + slack", "0.5 * spread * (w + w) + slack"),
        ("for cy in range(cy1, cy2 + 1):", "for cy in range(cy1, cy2):"),
        ("for level in range(reach.levels):", "for level in range(reach.levels - 1):"),
        ("(r >= first or kept[r])", "(r > first or kept[r])"),
        ("(ranges[q + 1] + LANES - 1) // LANES", "ranges[q + 1] // LANES"),
        ("for r in range(first, stop):\n        if", "for r in range(first + 1, stop):\n        if"),
        ("bounds[cell, 1] = at + 1", "bounds[cell, 1] = at"),
    ),
    *_faults(
        "suppression/_kernels/sweep.py", f"{BOUNDS} {GREEDY}",
        ("1.001 * (spread * table[level, 1] + slack)", "0.8 * (spread * table[level, 1] + slack)"),
        ("p, p + 1, starts[cell + 2]", "p, p + 1, starts[cell + 1]"),
        ("starts[cell + row - 1], starts[cell + row + 2]\n", "starts[cell + row], starts[cell + row + 2]\n"),
        ("for other in range(level - 1, -1, -1):", "for other in range(level - 1, 0, -1):"),
        ("for _ in range(3):", "for _ in range(2):"),
        ("begin + STRIDE >= end", "begin + STRIDE + 1 >= end"),
        ("(dropped[ahead] | dropped[behind]) == 0", "dropped[behind] == 0"),
    ),
    *_faults(
        "suppression/_kernels/listed.py", f"{BOUNDS} {GREEDY} {EXPLAIN}",
        ("range((count + LANES - 1) // LANES)", "range(count // LANES)"),
        ("            if count % LANES == 0:", "            if count % LANES == 1:"),
        ("hit = by[r] >= 0", "hit = by[r] > 0"),
        ("                return r, total", "                return r + 1, total"),
    ),
    *_faults(
        "suppression/_kernels/blocks.py", f"{GREEDY} {EXPLAIN}",
        ("at // LANES, at % LANES", "at // LANES, at % (LANES - 1)"),
        ("members[g, j] < found and exceeds", "members[g, j] > found and exceeds"),
        ("if exceeds(scene, members[g, j], r):", "if exceeds(scene, members[g, j], r) and j > 0:"),
        ("hits |= settle(box, _other(blocks, g, j), slack, least)[1]",
         "hits |= settle(box, _other(blocks, g, j), slack, least)[0]"),
    ),
    *_faults(
        "suppression/_kernels/checks.py", GREEDY,
        ("    if not good:\n        for i", "    if False:\n        for i"),
        ("return -2 - 2 * i", "return -2 - 2 * (i + 1)"),
        ("if not abs(scores[i]) <= largest", "if abs(scores[i]) > largest"),
        ("(fine or scores[i] <= junk)", "(fine or scores[i] < junk)"),
    ),
    *_faults(
        "suppression/_kernels/order.py", GREEDY,
        ("m += scores[i] > score_threshold", "m += scores[i] >= score_threshold"),
        ("key if key > largest else largest - key", "largest - key"),
        ("scores[order[r]] + zero", "scores[order[r]]"),
        ("_sorted(pairs, 32, 3, None)", "_sorted(pairs, 32, 2, None)"),
        ("_sorted(bits, 0, 6, order.copy())", "_sorted(bits, 0, 5, order.copy())"),
        ("np.uint64(ranked[r]) ^ sign", "np.uint64(ranked[r])"),
        ("    starts[groups] = m\n", "    starts[groups] = m - 1\n"),
        ("np.empty(min(count, most), np.int64)", "np.empty(min(count, most + 1), np.int64)"),
        ("flags[places[p]] = kept[p]", "flags[p] = kept[p]"),
        ("(farthest + offset) * scale", "0.0 * scale"),
    ),
    *_faults(
        "suppression/_kernels/select.py", GREEDY,
        ("while at > 0 and keys[order[at - 1]] < keys[i]:", "while at > 0 and keys[order[at - 1]] <= keys[i]:"),
        ("        while order[at] >= 0:", "        while order[at] > 0:"),
        ("key = bits if score != 0 else np.int32(0)", "key = bits"),
        ("if keys[j] == best and scores[j] > scores[r]:", "if keys[j] == best and scores[j] < scores[r]:"),
        ("> task.iou_threshold:", ">= task.iou_threshold:"),
        ("        if unsure:\n", "        if unsure and m >= 0:\n"),
        ("meets & (classes[j] == group), exceeds & (classes[j] == group)", "meets & (classes[j] == group), exceeds"),
        ("if scores[i] > score_threshold else LOWEST", "if scores[i] >= score_threshold else LOWEST"),
        ("np.float32(1e-6) * _farthest", "np.float32(0.0) * _farthest", f"{BOUNDS} {GREEDY}"),
        ("(labels[i] < 2**31)", "(labels[i] < 2**33)"),
        ("(values[i] == values[last] and i > last)", "(values[i] == values[last] and i < last)", EXPLAIN),
    ),
]  # fmt: skip

COCO, VOC = "tests/evaluation/test_coco.py", "tests/evaluation/test_voc.py"
REASONS, RECALL = "tests/evaluation/test_reasons.py", "tests/evaluation/test_recall.py"

EVALUATION = [
    *_faults(
        "evaluation/_kernels/coco.py", COCO,
        ("found[d, 2] + found[d, 0]", "found[d, 2] + found[d, 1]"),
        ("return common / area if area > 0.0", "return iou(common, area, area, 0.0, 1.0) if area > 0.0"),
        ("if value >= enough[t]", "if value > enough[t]"),
        ("while at > 0 and ious[at - 1] <= value", "while at > 0 and ious[at - 1] < value"),
        ("bits = left & near[c, 1] & ~taken[k]", "bits = left & near[c, 1]"),
        ("                bits &= ~taken[k]", "                bits &= taken[k]"),
        ("area < ranges[a, 0] or area > ranges[a, 1]", "area < ranges[a, 0] or area >= ranges[a, 1]"),
        ("np.minimum(thresholds, 1.0 - 1e-10)", "thresholds"),
        ("left if ranges[a, 0] <= area <= ranges[a, 1] else 0", "left"),
        ("np.float64(right + wrong) + EPSILON", "np.float64(right + wrong)"),
        ("if states[i, RANK] < limits[b] else 0", "if states[i, RANK] <= limits[b] else 0"),
        ("while k < count and reached[k] < levels[level]", "while k < count and reached[k] <= levels[level]"),
    ),
    *_faults(
        "evaluation/_kernels/curves.py", f"tests/evaluation/test_precision_recall.py {VOC}",
        ("range(precision.shape[0] - 2, -1, -1)", "range(precision.shape[0] - 2, 0, -1)"),
        ("(recall[k] - before) * best[k]", "(recall[k] - before) * precision[k]"),
        ("recall[k] < i * 0.1", "recall[k] <= i * 0.1"),
        ("for i in range(11):", "for i in range(10):"),
        ("wrong += outcomes[k] == 0", "wrong += outcomes[k] != 1"),
    ),
    *_faults(
        "evaluation/_kernels/voc.py", VOC,
        ("if overlap > best:", "if overlap >= best:"),
        ("(strict and best == threshold)", "best == threshold"),
        ("elif not taken[match]", "elif match >= 0"),
        ("outcomes[n] = -1", "outcomes[n] = 0"),
    ),
    *_faults(
        "evaluation/_kernels/recall.py", RECALL,
        ("(boxes[i, 3] - boxes[i, 1] + offset)", "(boxes[i, 3] - boxes[i, 1])"),
        ("min(last, first + budgets[b])", "min(last, first + budgets[b] - 1)"),
        ("so_far = max(so_far, iou_of", "so_far = min(so_far, iou_of"),
        ("for image in range(images[0], images[1]):", "for image in range(images[0], images[1] - 1):"),
    ),
    *_faults(
        "evaluation/_kernels/reasons.py", REASONS,
        ("taken[g] == 0 and value > best:", "taken[g] == 0 and value >= best:"),
        ("match if best >= enough else -1", "match if best > enough else -1"),
        ("limits[1] <= same <= limits[0]", "limits[1] < same <= limits[0]"),
        ("other >= limits[0]", "other > limits[0]"),
        ("if used >= limits[0]", "if used > 1.0"),
        ("if every <= limits[1]", "if every < limits[1]"),
        (" > limits[0]:\n                    kinds[d] |= IGNORED", " > 1.0:\n                    kinds[d] |= IGNORED"),
        ("if value >= enough and value > best:", "if value > enough and value > best:"),
        ("for same in (True, False):", "for same in (False, True):"),
    ),
]  # fmt: skip

FILES = _faults(
    "datasets/_kernels/json_scan.py", "tests/datasets/test_json_columns.py",
    ("        if text[at] < 32:\n            return GAVE_UP", "        if text[at] < 1:\n            return GAVE_UP"),
    ("for _ in range(4):", "for _ in range(3):"),
    ("(byte | 32) <= 102)", "(byte | 32) <= 103)"),
    ("np.int64(mantissa - np.uint64(high))", "np.int64(0)"),
    ("sure = significant <= 19", "sure = significant <= 20"),
    ("LARGEST_EXACT = np.uint64(2**53)", "LARGEST_EXACT = np.uint64(2**55)"),
    ("at += down or text[at] == 43", "at += down"),
    ("(text[begin] == ZERO and at > begin + 1):\n        return GAVE_UP, 0.0", "False:\n        return GAVE_UP, 0.0"),
    ("if depth == DEEPEST", "if depth == 2 * DEEPEST"),
    ("at - begin > 18", "at - begin > 19"),
    ("for i in range(length):", "for i in range(length - 1):"),
)  # fmt: skip

MUTANTS = [
    *CHECKS_OF_NUMBERS, *GEOMETRY, *TARGETS, *MERGING, *PICTURES, *PROPOSALS, *NMS, *EVALUATION, *FILES
]  # fmt: skip
