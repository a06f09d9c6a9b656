"""The table: the entries of every room, built once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from tests.hostile.goods import Argument, Entry
from tests.hostile.rooms import (
    batches,
    datasets,
    evaluation,
    families,
    geometry,
    heads,
    others,
    pictures,
    proposals,
    rcnn,
    rotated,
    suppression,
    targets,
)

ROOMS = (
    suppression, geometry, targets, evaluation, pictures, datasets, batches, proposals, rcnn, heads, families, rotated,
    others,
)  # fmt: skip


@cache
def entries() -> list[Entry]:
    """One for every public function and method, and for every record that one of them reads."""
    table: list[Entry] = []

    def add(name: str, function: Callable[..., Any], slow: bool = False, **arguments: Argument) -> None:
        table.append(Entry(name, function, arguments, slow))

    for room in ROOMS:
        room.fill(add)
    return table
