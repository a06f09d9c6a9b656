"""What is left to the original."""

from __future__ import annotations

from typing import NoReturn


def not_covered(what: str, instead: str = "") -> NoReturn:
    """Say that something is not here, and where it is."""
    raise NotImplementedError(
        f"detutils.compat.pycocotools has no {what}: {instead}use pycocotools itself "
        "(after detutils.compat.pycocotools.uninstall(), if it was put in its place)"
    )
