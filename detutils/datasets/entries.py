"""Entries of a file that cannot be used: refused with the count of each kind, or left out and listed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Literal, NamedTuple

from detutils._validate import as_choice

ON_INVALID: tuple[Literal["raise", "drop"], ...] = ("raise", "drop")


class Skipped(NamedTuple):
    """One entry that a reader left out.

    Attributes
    ----------
    path : str
        The file.
    place : str
        Where in the file: a line, or an entry such as ``annotations[17]``; empty for the whole file.
    reason : str
        What is wrong with it.

    Examples
    --------
    >>> from detutils.datasets.entries import Skipped
    >>> Skipped("a.txt", "line 3", "the box ends before it begins").place
    'line 3'
    """

    path: str
    place: str
    reason: str


class BadEntries:
    """What one reader finds wrong on its way through a data set; it goes on after each and ends with ``finish``."""

    def __init__(self, on_invalid: Any) -> None:
        self.drops = as_choice(on_invalid, "on_invalid", ON_INVALID) == "drop"
        self.found: list[Skipped] = []
        self.kinds: Counter[str] = Counter()

    def add(self, path: Path, place: str, reason: str, kind: str) -> None:
        """Remember one; ``kind`` is the few words under which such entries are counted, "unknown image_id"."""
        self.found.append(Skipped(str(path), place, reason))
        self.kinds[kind] += 1

    def finish(self) -> tuple[Skipped, ...]:
        """All that was left out, for ``Dataset.skipped``; raises ValueError if bad entries are to be refused."""
        if self.found and not self.drops:
            path, place, reason = self.found[0]
            text = f"{path}: {place}: {reason}" if place else f"{path}: {reason}"
            counts = ", ".join(f"{count} x {kind}" for kind, count in self.kinds.most_common())
            raise ValueError(f"{text} (bad entries in all: {counts}; on_invalid='drop' leaves them out)")
        return tuple(self.found)
