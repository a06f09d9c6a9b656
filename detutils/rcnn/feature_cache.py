"""Features of images on disk: written once, verified when read, made again when their sources changed."""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from detutils._files import file_size, replace_file
from detutils._jit import F8
from detutils._validate import Array
from detutils.rcnn.array_files import read_arrays, write_arrays

KIND = "detutils features"
CHUNK = 1 << 24


def key_of(*parts: Any) -> str:
    """A digest of everything that the features of an image depend on: files, arrays, options.

    OSError if a file is missing or no regular one.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            file_size(part)
            digest.update(b"file")
            with open(part, "rb") as file:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
        elif isinstance(part, np.ndarray):
            digest.update(f"array {part.shape} {part.dtype.str}".encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            digest.update(f"value {part!r}".encode())
    return digest.hexdigest()


class FeatureCache:
    """A folder with two files for each image: a table of features, and its boxes with the table's checksum.

    The table is a plain .npy file, so that it can be mapped into memory. The other file is written last, and
    only after the table is whole: a run that was killed leaves at most something that the next one makes
    again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def find(self, key: str) -> tuple[Array, F8] | None:
        """The features (mapped, read-only) and boxes kept under a key, if they are there and undamaged."""
        table, record = self._paths(key)
        try:
            arrays = read_arrays(record, KIND)
            if str(arrays["key"]) != key or int(arrays["checksum"]) != _checksum(table):
                return None
            features, boxes = np.load(table, mmap_mode="r", allow_pickle=False), arrays["boxes"]
            whole = features.ndim == 2 and features.dtype.kind in "biuf" and boxes.shape == (len(features), 4)
            return (features, boxes) if whole and boxes.dtype == np.float64 else None
        except Exception:  # damaged files raise a dozen different things, and are made again
            return None

    def keep(self, key: str, features: Array, boxes: F8) -> tuple[Array, F8]:
        """Write features and boxes, and return them as ``find`` does."""
        table, record = self._paths(key)
        checksum = 0

        def write(file: BinaryIO) -> None:
            nonlocal checksum
            np.save(file, np.ascontiguousarray(features), allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
            checksum = _checksum(Path(file.name))  # of this process's table, whoever writes the same one

        replace_file(table, write)
        write_arrays(record, KIND, {"key": np.array(key), "checksum": np.array(checksum), "boxes": boxes})
        return np.load(table, mmap_mode="r", allow_pickle=False), boxes

    def _paths(self, key: str) -> tuple[Path, Path]:
        return self.folder / f"{key[:32]}.npy", self.folder / f"{key[:32]}.npz"


def _checksum(path: Path) -> int:
    value = 0
    file_size(path)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            value = zlib.crc32(chunk, value)
    return value
