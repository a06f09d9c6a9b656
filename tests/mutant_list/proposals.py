"""Selective Search."""

from __future__ import annotations

from tests.mutant_list.fault import faults

PARTITION, COLORS = "tests/proposals/test_segmentation.py", "tests/proposals/test_segmentation.py"
GROUPING, COVER = "tests/proposals/test_grouping.py", "tests/proposals/test_cover.py"

MUTANTS = [
    *faults(
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
    *faults(
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
    *faults(
        "proposals/_kernels/grouping.py", GROUPING,
        ("((s == t) & (k < m))", "((s == t) & (k > m))"),
        ("while down + 1 < count", "while down + 2 < count"),
        ("total += factors[2] * (1.0 - both / pixels)", "total += factors[2] * (1.0 + both / pixels)"),
        ("np.float64(height) - both) / pixels", "np.float64(height)) / pixels"),
        ("boxes[c, 2] = max(boxes[a, 2]", "boxes[c, 2] = min(boxes[a, 2]"),
        ("if part == 0:  # the other", "if part >= 0:  # the other"),
        ("shared[stamps[target], 0] += shared[node, 0]", "shared[stamps[target], 0] += shared[node, 1]"),
        ("outlines[c, 0] -= 2 * inner_sides", "outlines[c, 0] -= inner_sides"),
        ("range(kept // 2 - 1, -1, -1)", "range(kept // 2 - 1, 0, -1)"),
        ("        if parents[i] == i and parents[j] == j:\n", "        if parents[i] == i:\n"),
        ("heap[kept], keys[kept] = heap[e], keys[e]", "heap[kept], keys[kept] = heap[e], keys[kept]"),
        ("if count + degree > heap.shape[0]", "if count > heap.shape[0]"),
        ("np.float64(counts[i]) * scale + 0.5", "np.float64(counts[i]) * scale"),
    ),
    *faults(
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
    *faults(
        "proposals/_kernels/regions.py", f"tests/proposals/test_regions.py {GROUPING}",
        ("np.int32(size >= borders[i])", "np.int32(size > borders[i])"),
        ("(level if value >= 0 else -level)", "level"),
        ("boxes[region, 3] = y + 1", "boxes[region, 3] = y"),
        ("np.int64(planes[c, y, x]) * COLOR_BINS) >> 8", "np.int64(planes[c, y, x]) * (COLOR_BINS - 1)) >> 8"),
        ("base + o * TEXTURE_BINS + np.int64(bins[code, o])", "base + o * TEXTURE_BINS + np.int64(bins[code, 0])"),
        ("np.int64(weights[y, 0, x])", "np.int64(weights[y, 1, x])"),
        ("        if y + 1 < height:", "        if y + 2 < height:"),
        ("for e in range(pairs.shape[0] - 1, -1, -1):", "for e in range(pairs.shape[0] - 1, 0, -1):"),
    ),
    *faults(
        "proposals/_kernels/colors.py", COLORS,
        ("part, turn = b - r, 2", "part, turn = b - r, 4"),
        ("np.float32(256.5)) & 255", "np.float32(192.5)) & 255"),
        ("np.float32(500) * (fx - fy)", "np.float32(500) * (fy - fx)"),
        ("planes[2, y, x] = np.uint8((total + 1) // 3)", "planes[2, y, x] = np.uint8(total // 3)"),
        ("left, right = j * factor, min((j + 1) * factor, width)", "left, right = j * factor, (j + 1) * factor"),
        ("summed = area // 2", "summed = area - area"),
        ("min(bottom, y + 1.0) - max(top, float(y))", "1.0"),
    ),
    *faults(
        "proposals/_kernels/objectness.py", "tests/proposals/test_objectness.py",
        ("boxes[row, 2] == x2 and boxes[row, 3] == y2", "boxes[row, 2] == x2"),
        ("np.int64(boxes[node, 2]) * factor, np.int64(width)", "np.int64(boxes[node, 2]), np.int64(width)"),
        ("integral[y, x + 1] + row", "integral[y, x] + row"),
        ("- integral[y2, x1] + integral[y1, x1]", "- integral[y2, x1]"),
        ("if np.float64(x2 - x1) < min_width", "if np.float64(x2 - x1) <= min_width"),
        ("np.float64(y2 >= height - 2)", "np.float64(y2 >= height)"),
        ("into[13 + j] = sums[i, 1 + j] / number", "into[13 + j] = sums[i, 1 + j]"),
        ("-(-x2 // factor)", "x2 // factor"),
        ("np.float64(x1 <= 1)", "np.float64(x1 <= 0)"),
        ("(right - left) // (8 - 4 * j), np.int64(1)", "(right - left) // (8 - 4 * j), np.int64(0)"),
        ("x2, y2 = max(min(x2, width), x1), max", "x2, y2 = max(x2, x1), max"),
        ("max(into[9], -death)", "max(into[9], death)"),
        ("    for i in range(features.shape[0]):\n        total = constant",
         "    for i in range(features.shape[0]):\n        total = 0.0"),
    ),
]  # fmt: skip
