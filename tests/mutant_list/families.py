"""Heads of points and distances."""

from __future__ import annotations

from tests.mutant_list.fault import faults

FAMILIES = "tests/heads/test_families.py tests/heads/test_family_definitions.py tests/heads/test_known_networks.py"

MUTANTS = [
    *faults(
        "heads/_kernels/distances.py", FAMILIES,
        ("range(first + 1, first + bins)", "range(first + 1, first + bins - 1)"),
        ("values[k] if values[k] > top else top", "top"),
        ("total, moment = 0.0, 0.0", "total, moment = 1.0, 0.0"),
        ("moment += weight * k", "moment += weight * (k + 1)"),
        ("rows[i] >= levels[level + 1, 0]", "rows[i] > levels[level + 1, 0]"),
        ("level + 1 < levels.shape[0]", "level + 2 < levels.shape[0]"),
        (") // each", ")"),
        ("(place - row * columns + shift) * stride", "(place - row * columns) * stride"),
        ("(row + shift) * stride", "(row + 0.5) * stride"),
        ("out[i, 2] = levels[level, 5]", "out[i, 2] = stride"),
        ("if bins == 1 else", "if bins <= 2 else"),
        ("_expectation(values[i], side * bins, bins)", "_expectation(values[i], side, bins)"),
        ("points[i, side % 2]", "points[i, side // 2]"),
        ("if side < 2 else", "if side < 1 else"),
        ("center + reach * points[i, 2]", "center + reach"),
    ),
]  # fmt: skip
