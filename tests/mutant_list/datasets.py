"""Files of data sets."""

from __future__ import annotations

from tests.mutant_list.fault import faults

MUTANTS = faults(
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
