"""Checks of numbers."""

from __future__ import annotations

from tests.mutant_list.fault import faults

BOXES = "tests/geometry/test_boxes.py"

MUTANTS = faults(
    "_kernels/checks.py", f"tests/test_validate.py {BOXES}",
    ("return (x1 <= x2) & ", "return (x1 < x2) & "),
    ("return (x1 <= x2) & (y1 <= y2) & ", "return (x1 <= x2) & "),
    (" & (y2 <= limit)", " & (y2 < limit)"),
    (" & (x1 >= -limit)", ""),
    ("good &= abs(values[i]) <= largest", "good &= not (abs(values[i]) > largest)"),
    ("    while abs(values[i]) <= largest", "    while abs(values[i]) < largest"),
    ("good[i] = box_is_good(boxes[i, 0]", "good[i] = box_is_good(boxes[i, 1]"),
)  # fmt: skip
