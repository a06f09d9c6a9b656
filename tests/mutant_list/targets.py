"""Anchors and matching."""

from __future__ import annotations

from tests.mutant_list.fault import faults

ANCHORS, MATCHING = "tests/targets/test_anchors.py", "tests/targets/test_matching.py"

MUTANTS = [
    *faults(
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
    *faults(
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
    *faults(
        "targets/_kernels/rotated_matching.py", "tests/targets/test_rotated_matching.py",
        ("columns[:, count:] = np.nan", "columns[:, count:] = 0.0"),
        ("min(count - block * LANES, LANES)", "min(count - block * LANES, LANES - 1)"),
        ("boxes, first + k, things, j", "things, j, boxes, first + k"),
        ("best[:], which[:] = 0.0, 0", "which[:] = 0"),
        ("if share > best[k]", "if share >= best[k]"),
        ("peak = max(peak, share)", "peak = share"),
        ("peak_pages[j, 1] + 1", "peak_pages[j, 1]"),
        ("if values[q] == peaks[j]", "if values[q] >= 0.9 * peaks[j]"),
        ("measure_pairs(np.int64(IOA),", "measure_pairs(np.int64(IOU),"),
        ("max(covered[places[q]], values[q])", "values[q]"),
    ),
]  # fmt: skip
