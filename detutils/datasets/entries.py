"""Entries of a file that cannot be used: refused with the count of each kind, or left out and listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from detutils._validate import as_dropping

MOST_SHOWN = 12  # names in an error text


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


def bad_entry(path: Path, place: str, reason: str, kind: str) -> ValueError:
    """The error for one entry that cannot be used; ``BadEntries.going_on`` knows it, so that a reader goes on."""
    error = ValueError(_sentence(str(path), place, reason))
    vars(error)["entry"] = path, place, reason, kind
    return error


def is_bad_entry(error: ValueError) -> bool:
    """Whether it was made by ``bad_entry``."""
    return "entry" in vars(error)


class BadEntries:
    """What one reader finds wrong on its way through a data set; it goes on after each and ends with ``finish``."""

    def __init__(self, on_invalid: Any) -> None:
        self.drops = as_dropping(on_invalid)
        self.found: list[Skipped] = []
        self.kinds: Counter[str] = Counter()

    def add(self, path: Path, place: str, reason: str, kind: str) -> None:
        """Remember one; ``kind`` is the few words under which such entries are counted, "unknown image_id"."""
        if self.drops or not self.found:  # whoever refuses names the first only
            self.found.append(Skipped(str(path), place, reason))
        self.kinds[kind] += 1

    @contextmanager
    def going_on(self, path: Path) -> Iterator[None]:
        """Remember what cannot be used inside the block; a file that cannot be read ends it unless entries drop."""
        try:
            yield
        except ValueError as error:
            if not is_bad_entry(error):
                raise
            self.add(*vars(error)["entry"])
        except OSError as error:
            if not self.drops:
                raise
            self.add(path, "", error.strerror or str(error), "file that cannot be read")

    def finish(self, left: int | None = None) -> tuple[Skipped, ...]:
        """All that was left out, for ``Dataset.skipped``.

        Raises ValueError if bad entries are to be refused, or if of ``left`` good ones there is none.
        """
        if self.found and not (self.drops and left != 0):
            counts = ", ".join(f"{count} x {kind}" for kind, count in self.kinds.most_common())
            way_out = "nothing else is left" if self.drops else "on_invalid='drop' leaves them out"
            raise ValueError(f"{_sentence(*self.found[0])} (bad entries in all: {counts}; {way_out})")
        return tuple(self.found)


def near(word: str, known: Iterable[str]) -> str:
    """The end of an error text about an unknown name: the nearest one if there is one, else what there is."""
    names = list(dict.fromkeys(known))
    same = [name for name in names if name.casefold().strip() == word.casefold().strip()]
    close = same or get_close_matches(word, names[:10_000], 1, 0.75)
    if close:
        return f"; there is {close[0]!r}"
    if not names:
        return "; there are none"
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return f"; there are {', '.join(map(repr, names[:MOST_SHOWN]))}{more}"


def _sentence(path: str, place: str, reason: str) -> str:
    return f"{path}: {place}: {reason}" if place else f"{path}: {reason}"
