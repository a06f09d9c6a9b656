"""The way into a network's input and back."""

from __future__ import annotations

from tests.mutant_list.fault import faults

MUTANTS = faults(
    "heads/_kernels/letterbox.py", "tests/heads/test_letterbox.py",
    ("GRID = 1048576.0", "GRID = 524288.0"),
    ("SLACK = 8.0", "SLACK = 1.0"),
    ("<= slack else value", "< 0.0 else value"),
    ("abs(value - near) <= slack", "abs(value - near) <= 1e-3"),
    ("else (high if value > high else value)", "else value"),
    ("return low if value < low", "return 0.0 if value < 0.0"),
    ("points[i, 0] * scale_x + left", "points[i, 0] * scale_y + left"),
    ("points[i, 1] * scale_y + top", "points[i, 1] * scale_y + left"),
    ("(y - top) / scale_y, slack_y", "(y - top) / scale_x, slack_y"),
    ("x, y = points[i, 0], points[i, 1]\n", "x, y = points[i, 0], points[i, 0]\n"),
    ("(i + 0.5) * step_y - 0.5", "(i + 0.5) * step_y"),
    ("(j + 0.5) * step_x - 0.5, 0.0)", "(j + 0.5) * step_x - 0.5, 0.5)"),
    ("min(top + 1, height - 1)", "min(top + 1, height - 2)"),
    ("(below - above) * down", "(above - below) * down"),
    ("(image[bottom, right, k] - image[bottom, left, k])", "(image[top, right, k] - image[bottom, left, k])"),
)  # fmt: skip
