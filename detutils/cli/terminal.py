"""What the commands share: lines for the person, progress, and checks of files before the work begins."""

from __future__ import annotations

import glob
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from detutils.datasets.listing import pictures_below


def image_files(arguments: Iterable[str]) -> list[Path]:
    """Files as they are; folders stand for the pictures in them and below, patterns for what they match."""
    files: list[Path] = []
    listed: set[Path] = set()  # a folder and one below it hold the same pictures
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            files += [file for file in pictures_below(path) if file not in listed]
            listed.update(files)
        elif glob.has_magic(argument) and not path.exists():
            files += [Path(name) for name in sorted(glob.glob(argument))] or [path]
        else:
            files.append(path)
    return files


def was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error."""
    seen = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, KeyboardInterrupt):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def say(text: str) -> None:
    """A line for the person, not for the pipe."""
    print(text, file=sys.stderr, flush=True)


def say_skipped(skipped: Sequence[tuple[str, str, str]]) -> None:
    """How many entries a reader left out, and the first of them."""
    if skipped:
        path, place, reason = skipped[0]
        where = f"{path}: {place}" if place else path
        say(f"left out {len(skipped):,}; the first: {where}: {reason}")


def check_output(path: Path, extensions: tuple[str, ...]) -> None:
    """Refuse an impossible output before hours of work, not after."""
    if path.suffix.lower() not in extensions:
        raise ValueError(f"{path} must end in {', '.join(extensions)}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {path.parent}")


class Progress:
    """A bar where tqdm is installed and a person watches, else at most a line every two seconds."""

    def __init__(self, name: str, total: int | None = None) -> None:
        self.name, self.total, self.spoken = name, total, time.monotonic()
        self.bar: Any = None
        if sys.stderr.isatty():
            try:
                from tqdm import tqdm
            except ImportError:
                return
            self.bar = tqdm(total=total, desc=name, unit="", dynamic_ncols=True, leave=False)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def move(self, done: int, what: object, total: int | None = None) -> None:
        """So many are done, and this one was the last."""
        self.total = total or self.total
        if self.bar is not None:
            self.bar.total = self.total
            self.bar.update(done - self.bar.n)
        elif time.monotonic() - self.spoken >= 2:
            self.spoken = time.monotonic()
            say(f"{self.name}: {done} of {self.total}, {what}")

    def say(self, text: str) -> None:
        """A line that does not tear the bar."""
        if self.bar is not None:
            self.bar.write(text, file=sys.stderr)
        else:
            say(text)
