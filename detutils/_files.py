"""Files on disk: regular ones only are read, errors hold the path, new files appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from detutils._validate import check_memory


def check_regular(file: Path) -> None:
    """Refuse a device or a pipe: reading it may never end, and no file may take its place."""
    if file.exists() and not (file.is_file() or file.is_dir()):
        raise OSError(f"{file} is not a regular file")


def file_size(file: Path) -> int:
    """The bytes in a regular file, known before it is opened; OSError for a folder, a device or a pipe."""
    status = os.stat(file)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(f"{file} is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{file} is not a regular file")
    return status.st_size


def read_file(file: Path) -> bytes:
    """The content of a file; every OSError holds the path, also that of a disk that fails half-way.

    A file that does not fit into memory is refused before it is read.
    """
    check_memory(file_size(file), f"the content of {file}")
    with _named(file):
        return file.read_bytes()


def read_padded(file: Path, padding: int) -> bytearray:
    """The content of a file and so many zeros behind it, without a second copy; OSErrors as from ``read_file``."""
    check_memory(file_size(file), f"the content of {file}")
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


def inside(folder: Path, name: str) -> Path:
    """The file of this name in a folder or in one below it.

    ValueError for a name that leads out of the folder: an absolute one, one with a drive, or one that climbs
    with "..". Links are not followed: what lies in the folder is its owner's choice.
    """
    steps = name.replace("\\", "/").split("/") if os.name == "nt" else name.split("/")
    leaves = os.path.isabs(name) or bool(os.path.splitdrive(name)[0]) or ".." in steps
    if leaves or not name or "\0" in name:
        raise ValueError(f"{name!r} is not the name of a file in {folder}: names must not lead out of the folder")
    return folder / name


def replace_file(file: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a new file beside ``file``, which takes its name and its rights when it is whole."""
    check_regular(file)
    if file.is_dir():
        raise IsADirectoryError(f"{file} is a folder")
    if not file.parent.is_dir():
        raise FileNotFoundError(f"{file} cannot be written: there is no folder {file.parent}")
    unfinished = file.parent / f".{secrets.token_hex(8)}.part"
    try:
        with open(unfinished, "xb") as target:
            write(target)
        if file.exists():
            os.chmod(unfinished, stat.S_IMODE(file.stat().st_mode))
        os.replace(unfinished, file)
    except OSError as error:
        if error.errno is None:
            raise type(error)(f"{file} cannot be written: {error}") from error
        raise OSError(error.errno, f"cannot be written: {error.strerror}", str(file)) from error
    finally:
        _discard(unfinished)


def _discard(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except KeyboardInterrupt:  # the second Ctrl-C of an impatient person
        file.unlink(missing_ok=True)
        raise
