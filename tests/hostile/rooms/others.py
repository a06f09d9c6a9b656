"""What belongs to no subject."""

from __future__ import annotations

import detutils as d
from tests.hostile.goods import A, Add
from tests.hostile.kinds import nothing


def fill(add: Add) -> None:
    add(
        "warmup",
        lambda progress: d.warmup(progress=progress) if not callable(progress) else None,
        progress=A(print, nothing, optional=True, called=True),
    )
