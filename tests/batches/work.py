"""What is done to images and items in other processes, which begin sooner where they import no tests."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def brightness(image: Any, scale: float = 1.0) -> float:
    return float(image.mean()) * scale


def name_of(path: Path) -> str:
    return path.name


def moody(path: Path) -> Any:
    """What a file's name asks for."""
    if path.name == "raise":
        raise KeyError("no such thing")
    if path.name == "exit":
        sys.exit(3)
    if path.name == "silent":
        raise ValueError
    if path.name == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if path.name == "odd":
        return (value for value in [1])  # cannot be pickled
    return path.name


def answer(item: tuple[Path, str]) -> str:
    """What an item asks for: to end its process at once, or once and never again, or an answer after a while."""
    mark, what = item
    if what == "always":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "once" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if what.startswith("slow"):
        time.sleep(1.0)
    return what


def lost(item: tuple[Path, str], why: str) -> str:
    return f"{item[1]}: {why}"
