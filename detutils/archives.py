"""Arrays in files: written whole or not at all, and read back without pickle, with every byte checked."""

from __future__ import annotations

import os
import threading
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from detutils._validate import Array

KIND = "detutils"


def write_arrays(path: str | os.PathLike[str], kind: str, arrays: Mapping[str, Any]) -> None:
    """Write named arrays and what they are; a reader sees the old file or the new one, never a part.

    Raises OSError if the place cannot be written.
    """
    path = os.fspath(path)
    part = f"{path}.{os.getpid()}-{threading.get_ident()}.part"
    try:
        with open(part, "wb") as file:
            np.savez(file, allow_pickle=False, **{KIND: np.array(kind), **arrays})
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        try:
            os.unlink(part)
        except OSError:
            pass
        raise


def read_arrays(path: str | os.PathLike[str], kind: str) -> dict[str, Array]:
    """Read what ``write_arrays`` wrote under the same ``kind``.

    Raises OSError if there is no such file and ValueError, with the path, if it is damaged or something else. The
    container keeps a checksum of every array, so that a flipped bit is an error as well.
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        try:
            size = os.fstat(file.fileno()).st_size
            with zipfile.ZipFile(file) as archive:
                if sum(info.file_size for info in archive.infolist()) > size:
                    raise ValueError("it claims to hold more than its size")
            with np.load(file, allow_pickle=False) as content:
                arrays = {name: content[name] for name in content.files}
        except Exception as error:  # a damaged container raises a dozen different things
            raise ValueError(f"{path} is not a whole {kind} file: {error}") from error
    found = arrays.pop(KIND, None)
    if found is None or found.ndim != 0 or str(found) != kind:
        raise ValueError(f"{path} is not a {kind} file")
    return arrays
