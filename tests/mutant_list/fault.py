"""One fault, and how those of a file are written."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """One fault: ``old`` stands exactly once in ``file``, and becomes ``new``; some of ``tests`` fail then."""

    file: str
    old: str
    new: str
    tests: str


def faults(file: str, tests: str, *changes: tuple[str, str] | tuple[str, str, str]) -> list[Mutant]:
    """The faults of one file, each with the tests of the family or with its own."""
    return [Mutant(f"detutils/{file}", *change[:2], change[2] if len(change) == 3 else tests) for change in changes]
