"""Functions over many images, and shards."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import detutils as d
from tests.hostile.goods import A, Add
from tests.hostile.kinds import flag, integer, nothing, path, word

PATHS = A(
    ["pictures/a.png"],
    nothing,
    taken="[]|()|texts|text array|strings|0 rows|empty|empty ints|empty texts|empty bools|empty objects",
)


def _written(folder: Any, **options: Any) -> tuple[Any, ...]:
    """A run in a folder that holds none, and what it wrote."""
    if isinstance(folder, (str, Path)):
        shutil.rmtree(folder, ignore_errors=True)
    options = {"paths": ["a.png"], "read": False, **options}
    done = d.write_shards(function=options.pop("work"), folder=folder, **options)
    return (*done[1:4], list(d.read_shards(folder)))


def _read(folder: Any) -> list[Any]:
    if not Path("shards").exists():
        d.write_shards(str, ["a.png"], "shards", read=False)
    return list(d.read_shards(folder))


def fill(add: Add) -> None:
    add(
        "map_images",
        lambda work, **v: list(d.map_images(work, **v)),
        slow=True,
        work=A(len, nothing, "function", called=True),
        paths=PATHS,
        read=A(False, flag),
        workers=A(1, integer),
        executor=A(None, nothing, optional=True),
        chunk=A(1, integer),
        progress=A(None, nothing, optional=True, called=True),
    )
    add(
        "write_shards",
        _written,
        slow=True,
        work=A(str, nothing, "function", called=True),
        folder=A("written_shards", path),
        format=A("jsonl", word),
        shard_size=A(1, integer),
        resume=A(False, flag),
        settings=A(None, nothing, optional=True, taken="{}|dict|dict of lists"),
        read=A(False, flag),
        workers=A(1, integer),
        executor=A(None, nothing, optional=True),
        chunk=A(1, integer),
        progress=A(None, nothing, optional=True, called=True),
    )
    add("read_shards", _read, slow=True, folder=A("shards", path))
