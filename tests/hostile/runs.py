"""Many cells one after the other: in this process, or in one that may die or hang."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from typing import Any

from tests.hostile.table import entries
from tests.hostile.verdicts import Verdict, cells, judge, workshop

MOST_SECONDS = 60  # for one cell of the deep form


def _serve(chosen: list[int], first: tuple[int, int], connection: Any) -> None:
    """Judge the cells of the chosen entries from one cell on; say which before each."""
    with workshop():
        for index in chosen:
            entry = entries()[index]
            for place, (name, key, value) in enumerate(cells(entry)):
                if (index, place) >= first:
                    connection.send((index, place, name, key))
                    connection.send(judge(entry, name, key, value))
    connection.send(None)


def judge_apart(chosen: list[int]) -> Iterator[Verdict]:
    """The verdicts on the chosen entries, from a process that may die or hang; another goes on behind that cell."""
    first, context = (0, 0), multiprocessing.get_context("spawn")
    while True:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_serve, args=(chosen, first, theirs))
        process.start()
        theirs.close()
        at, fault = (*first, "", ""), ""
        while not fault:
            if not ours.poll(MOST_SECONDS):
                fault = "hang"
                break
            try:
                message = ours.recv()
            except EOFError:
                fault = "crash"
                break
            if message is None:
                process.join()
                return
            if isinstance(message, Verdict):
                yield message
            else:
                at = message
        process.kill()
        process.join()
        yield Verdict(entries()[at[0]].name, at[2], at[3], fault, f"exit code {process.exitcode}")
        first = (at[0], at[1] + 1)


def judge_here(chosen: list[int]) -> Iterator[Verdict]:
    """The same in this process."""
    with workshop():
        for index in chosen:
            for cell in cells(entries()[index]):
                yield judge(entries()[index], *cell)
