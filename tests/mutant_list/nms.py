"""Suppression."""

from __future__ import annotations

from tests.mutant_list.fault import faults

GREEDY, BOUNDS = "tests/suppression/test_greedy.py", "tests/suppression/test_bounds.py"
EXPLAIN = "tests/suppression/test_explain.py"

MUTANTS = [
    *faults(
        "suppression/_kernels/pair.py", f"{BOUNDS} {GREEDY}",
        ("of_weaker) > scene.iou_threshold", "of_weaker) >= scene.iou_threshold"),
        ("width * height >= _needed(", "width * height > np.float32(1.001) * _needed("),
        ("max(width - slack, NONE) * max(height - slack, NONE)", "width * height"),
        ("CLEAR = np.float32(1.00001)", "CLEAR = np.float32(0.9999)"),
        ("(1.0 - 2e-6) if", "(1.0 + 1e-5) if"),
        ("if iou_threshold > 1e-6 else 0.0", "if iou_threshold > 1e-6 else 1e-6"),
        ("value - abs(value) * 1.2e-7 - 1.5e-45", "value + abs(value) * 1.2e-7"),
        ("np.float64(columns[3, r]) - offset", "np.float64(columns[3, r])"),
        ("np.float32(1e-6 * rule[2])", "np.float32(0.0 * rule[2])"),
        ("(c - offset == x2) & (d - offset == y2)", "(c - offset == x2)"),
    ),
    *faults(
        "suppression/_kernels/levels.py", f"{BOUNDS} {GREEDY}",
        ("(1.0 - iou_threshold) / (1.0 + iou_threshold) * (1.0 + 1e-5) + 1e-4",
         "(1.0 - iou_threshold) / (1.0 + iou_threshold) * 0.8 + 1e-4"),
        ("1.0 / max(iou_threshold, 1e-200) * (1.0 + 1e-5)", "1.0 / max(iou_threshold, 1e-200) * 0.9"),
        ("table[level, 1] * ratio < side - slack", "table[level, 1] < side - slack"),
        ("max(sizes[exponent, 2], w)", "min(sizes[exponent, 2], w)"),
        ("min(table[level, 0], np.float64(sizes[exponent, 0]))", "np.float64(sizes[exponent, 1])"),
        ("level_of_exponent[exponent] = level", "level_of_exponent[exponent] = 0"),
    ),
    *faults(
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
    *faults(
        "suppression/_kernels/sweep.py", f"{BOUNDS} {GREEDY}",
        ("1.001 * (spread * table[level, 1] + slack)", "0.8 * (spread * table[level, 1] + slack)"),
        ("p, p + 1, starts[cell + 2]", "p, p + 1, starts[cell + 1]"),
        ("starts[cell + row - 1], starts[cell + row + 2]\n", "starts[cell + row], starts[cell + row + 2]\n"),
        ("for other in range(level - 1, -1, -1):", "for other in range(level - 1, 0, -1):"),
        ("for _ in range(3):", "for _ in range(2):"),
        ("begin + STRIDE >= end", "begin + STRIDE + 1 >= end"),
        ("(dropped[ahead] | dropped[behind]) == 0", "dropped[behind] == 0"),
    ),
    *faults(
        "suppression/_kernels/listed.py", f"{BOUNDS} {GREEDY} {EXPLAIN}",
        ("range((count + LANES - 1) // LANES)", "range(count // LANES)"),
        ("            if count % LANES == 0:", "            if count % LANES == 1:"),
        ("hit = by[r] >= 0", "hit = by[r] > 0"),
        ("                return r, total", "                return r + 1, total"),
    ),
    *faults(
        "suppression/_kernels/blocks.py", f"{GREEDY} {EXPLAIN}",
        ("at // LANES, at % LANES", "at // LANES, at % (LANES - 1)"),
        ("members[g, j] < found and exceeds", "members[g, j] > found and exceeds"),
        ("if exceeds(scene, members[g, j], r):", "if exceeds(scene, members[g, j], r) and j > 0:"),
        ("scene.least, scene.of_weaker)[1]", "scene.least, scene.of_weaker)[0]"),
    ),
    *faults(
        "suppression/_kernels/checks.py", GREEDY,
        ("    if not good:\n        for i", "    if False:\n        for i"),
        ("return -2 - 2 * i", "return -2 - 2 * (i + 1)"),
        ("if not abs(scores[i]) <= largest", "if abs(scores[i]) > largest"),
        ("(fine or scores[i] <= junk)", "(fine or scores[i] < junk)"),
    ),
    *faults(
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
    *faults(
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
        ("(scores[i] == scores[last] and i > last)", "(scores[i] == scores[last] and i < last)", EXPLAIN),
    ),
]  # fmt: skip
