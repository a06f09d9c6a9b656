"""Candidates of heads, and the boxes of grids."""

from __future__ import annotations

from tests.mutant_list.fault import faults

CANDIDATES, YOLO, GRIDS = (f"tests/heads/test_{name}.py" for name in ("candidates", "yolo", "grids"))

MUTANTS = [
    *faults(
        "heads/_kernels/candidates.py", CANDIDATES,
        ("return 1.0 / (1.0 + e) if x >= 0.0", "return 1.0 / (1.0 + e) if x >= 1.0"),
        ("if layout.background == layout.first - layout.pitch:", "if layout.background > layout.first:"),
        ("if not score > bounds.threshold or count < 0:", "if not score >= bounds.threshold or count < 0:"),
        ("if score > bounds.largest:", "if score > 2.0 * bounds.largest:"),
        ("    if count < scores.shape[0]:", "    if count < scores.shape[0] - 1:"),
        ("r7 = flat[at + min(c + 7, last) * layout.pitch :][:size]\n        out = peaks[g]",
         "r7 = flat[at + min(c + 6, last) * layout.pitch :][:size]\n        out = peaks[g]"),
        ("better = peak[j] > best[j]", "better = peak[j] >= best[j]"),
        ("mask = np.uint8((1 << count) - 1)", "mask = np.uint8(255)"),
        ("m += best[likely[r]] >= flat[layout.background + row] + margin",
         "m += best[likely[r]] >= flat[layout.background + row] + margin + kind(0.1)"),
        ("word &= word - 1\n", "word &= word - 2\n"),
        ("if scaled and row != before:", "if scaled and before < 0:"),
        ("for c in range(min(layout.classes, first + GROUP) - 1, first - 1, -1)",
         "for c in range(first, min(layout.classes, first + GROUP))"),
        ("at = c if flat[start + c] > flat[start + at]", "at = c if flat[start + c] >= flat[start + at]"),
        ("    if above > 1:", "    if above > 2:"),
        ("size = min(FEW, layout.rows - low)", "size = min(FEW, layout.rows - low - 1)"),
        ("a, b, c, d = a - 0.5 * c, b - 0.5 * d, a + 0.5 * c, b + 0.5 * d",
         "a, b, c, d = a - 0.5 * c, b - 0.5 * d, a + 0.5 * c, b + 0.5 * c", YOLO),
        ("c, d = np.float64(flat[at + 2 * pitch]) * width, np.float64(flat[at + 3 * pitch]) * height",
         "c, d = np.float64(flat[at + 2 * pitch]) * width, np.float64(flat[at + 3 * pitch]) * width", YOLO),
        ("elif form != CORNERS:", "elif form == CORNERS:", YOLO),
        ("out[k, c] = flat[first + rows[k] * step + c * pitch]", "out[k, c] = flat[first + rows[k] * step + c]", YOLO),
    ),
    *faults(
        "heads/_kernels/grids.py", GRIDS,
        ("2.0 * sigmoid(x) - 0.5, ", "2.0 * sigmoid(x) - 0.4, "),
        ("w * w * anchor_width", "w * anchor_width"),
        ("if coding == YOLOV3:", "if coding != YOLOV3:"),
        ("(x + column) * right, (y + row) * down", "(x + column) * down, (y + row) * right"),
        ("rows[k] // width, rows[k] % width", "rows[k] % width, rows[k] // width"),
    ),
]  # fmt: skip
