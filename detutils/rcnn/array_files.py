"""Arrays in files: written whole or not at all, and read back without pickle, with every byte checked."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from detutils._files import file_size, replace_file
from detutils._validate import Array, as_path

KIND = "detutils"


def write_arrays(path: str | os.PathLike[str] | IO[bytes], kind: str, arrays: Mapping[str, Any]) -> None:
    """Write named arrays and what they are; a reader sees the old file or the new one, never a part.

    Raises OSError if the place cannot be written. An open binary file is written to as it is.
    """
    if not isinstance(path, (str, os.PathLike)):
        if not hasattr(path, "write"):
            raise TypeError(f"path must be a path or a binary file, got {type(path).__name__}")
        np.savez(path, allow_pickle=False, **{KIND: np.array(kind), **arrays})
        return

    def write(file: IO[bytes]) -> None:
        np.savez(file, allow_pickle=False, **{KIND: np.array(kind), **arrays})
        file.flush()
        os.fsync(file.fileno())

    replace_file(as_path(path), write)


def read_arrays(path: str | os.PathLike[str] | IO[bytes], kind: str) -> dict[str, Array]:
    """Read what ``write_arrays`` wrote under the same ``kind``.

    Raises OSError if there is no such file and ValueError, with the path, if it is damaged or something else.
    The container keeps a checksum of every array, so that a flipped bit is an error as well.
    """
    if isinstance(path, (str, os.PathLike)):
        place = as_path(path)
        file_size(place)
        with open(place, "rb") as file:
            return _read(file, str(place), kind)
    if not hasattr(path, "seek"):
        raise TypeError(f"path must be a path or a binary file, got {type(path).__name__}")
    return _read(path, "the stream", kind)


def _read(file: IO[bytes], path: str, kind: str) -> dict[str, Array]:
    try:
        size = file.seek(0, os.SEEK_END)
        with zipfile.ZipFile(file) as archive:
            if sum(info.file_size for info in archive.infolist()) > size:
                raise ValueError("it claims to hold more than its size")
        file.seek(0)
        with np.load(file, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
    except Exception as error:  # a damaged container raises a dozen different things
        raise ValueError(f"{path} is not a whole {kind} file: {error}") from error
    for name, value in arrays.items():
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufU":
            raise ValueError(f"{path} is not a whole {kind} file: {name} is no array of numbers or text")
    found = arrays.pop(KIND, None)
    if found is None or found.ndim != 0 or str(found) != kind:
        raise ValueError(f"{path} is not a {kind} file")
    return arrays
