"""Files on disk: regular ones only are read, errors hold the path, new files appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO


def check_regular(file: Path) -> None:
    """Refuse a device or a pipe: reading it may never end, and no file may take its place."""
    if file.exists() and not (file.is_file() or file.is_dir()):
        raise OSError(f"{file} is not a regular file")


def read_file(file: Path) -> bytes:
    """The content of a file; every OSError holds the path, also that of a disk that fails half-way."""
    check_regular(file)
    with _named(file):
        return file.read_bytes()


def read_padded(file: Path, padding: int) -> bytearray:
    """The content of a file and so many zeros behind it, without a second copy; OSErrors as from ``read_file``."""
    check_regular(file)
    with _named(file), open(file, "rb", buffering=0) as source:
        size = os.fstat(source.fileno()).st_size
        content = bytearray(size + padding)
        at = 0
        with memoryview(content) as view:
            while at < size and (count := source.readinto(view[at:size])):
                at += count
        rest = source.read() if at == size else b""  # what has no size of its own, or grows
        if at < size or rest:
            content[at:] = rest + bytes(padding)
    return content


@contextlib.contextmanager
def _named(file: Path) -> Iterator[None]:
    """Put the path into an OSError that lacks it."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise type(error)(error.errno, error.strerror, str(file)) from error
        raise


def replace_file(file: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a new file beside ``file``, which takes its name when it is whole."""
    check_regular(file)
    if file.is_dir():
        raise IsADirectoryError(f"{file} is a folder")
    if not file.parent.is_dir():
        raise FileNotFoundError(f"{file} cannot be written: there is no folder {file.parent}")
    unfinished = file.parent / f".{secrets.token_hex(8)}.part"
    try:
        with open(unfinished, "xb") as target:
            write(target)
        os.replace(unfinished, file)
    except OSError as error:
        raise type(error)(f"{file} cannot be written: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
