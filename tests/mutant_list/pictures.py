"""Features of windows, drawing and JPEG files."""

from __future__ import annotations

from tests.mutant_list.fault import faults

MUTANTS = [
    *faults(
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
    *faults(
        "pictures/_kernels/drawing.py", "tests/pictures/test_draw.py",
        ("max(0.5 - distance, 0.0)", "max(0.4 - distance, 0.0)"),
        ("min(max(across, down), 0.0) - radius", "min(across, down, 0.0) - radius"),
        ("(1.0 - shade) * (1.0 - cover)", "(1.0 - cover)"),
        ("color[channel] * cover + 0.5)", "color[channel] * cover)"),
        ("int(x1) + band, int(x2) - band", "int(x1) + band, int(x2) + 1"),
        ("math.ceil(y2 + halo) + 1", "math.ceil(y2 + halo) - 1"),
        ("plain and fill == 0.0 and", "plain and"),
        ("_covered(edge - halo) - _covered(edge + width", "_covered(edge + halo) - _covered(edge + width"),
    ),
    *faults(
        "pictures/_kernels/drawing.py", "tests/pictures/test_poses.py",
        ("reach = radius + halo + 1.0", "reach = radius"),
        ("if square > 0.0:", "if square > 1e9:"),
        ("(from_x * along_x + from_y * along_y) / square, 0.0), 1.0)", "(from_x * along_x) / square, 0.0), 1.0)"),
        ("along_y) / square, 0.0), 1.0)", "along_y) / square, -9.0), 1.0)"),
        ("- part * along_x, from_y - part * along_y", "- part * along_x, from_y"),
        ("away_y * away_y) - radius", "away_y * away_y)"),
        ("max(_covered(edge - halo) - cover, 0.0)", "_covered(edge - halo)"),
        ("cover * opacity, shade", "cover, shade"),
    ),
    *faults(
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
