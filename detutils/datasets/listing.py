"""What lies in the folder of a data set: the one listing for every reader and command, and the search for a picture."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from detutils._files import inside
from detutils.datasets.entries import near
from detutils.pictures.files import PICTURE_EXTENSIONS

PICTURES = frozenset(PICTURE_EXTENSIONS)


def files_below(folder: Path, extensions: Iterable[str], what: str) -> list[Path]:
    """The files of some extensions, in any case, in a folder and those below, by their path; none is an error.

    Hidden files and folders, whose names begin with a dot, are not part of a data set. Links are followed, each
    folder once. What is no regular file is listed too: reading it says so, leaving it out would say nothing.
    """
    found = listed(folder, extensions)
    if not found:
        raise ValueError(f"{folder}: the folder holds no {what}, nor do the folders below it")
    return found


def pictures_below(folder: Path) -> list[Path]:
    """The pictures in a folder and those below: what ``read_image`` reads."""
    return files_below(folder, PICTURES, f"pictures (.jpg, .png and {len(PICTURES) - 2} more kinds)")


def listed(folder: Path, extensions: Iterable[str]) -> list[Path]:
    """As ``files_below``, where there need be none."""
    return _walk(folder, frozenset(extensions))


def without_extension(name: str) -> str:
    """A picture's name less its extension; ``a.b`` has none, because no picture ends in ``.b``."""
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix.lower() in PICTURES else name


def relative_name(file: Path, folder: Path) -> str:
    """The name of a file as seen from a folder, with slashes on every system."""
    return file.relative_to(folder).as_posix()


class PictureFolders:
    """The folders where the pictures of a data set may lie."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = list(dict.fromkeys(folders))
        self._by_stem: dict[str, list[Path]] | None = None

    def find(self, name: str) -> Path:
        """The file of a picture.

        The file of exactly this name; else, where the name has no extension, writes it in another case, or lacks
        the folder below, the only picture with that stem. FileNotFoundError names what is near; a name that leads
        out of the folder is a ValueError.
        """
        plain = name.replace("\\", "/")
        for folder in self.folders:
            for spelled in (name, plain):
                if inside(folder, spelled).is_file():
                    return folder / spelled
        stem = without_extension(plain)
        extension = plain[len(stem) :].lower()
        same_stem = [path for path in self._stems().get(PurePosixPath(stem).name, ()) if _ends_with(path, stem)]
        fitting = [path for path in same_stem if extension in ("", path.suffix.lower())]
        if len(fitting) == 1:
            return fitting[0]
        if len(fitting) > 1:
            hint = f"there are {', '.join(map(str, fitting[:4]))}, and nothing says which"
        elif same_stem:
            hint = f"there is {same_stem[0]}"
        else:
            hint = "its name has no extension" if not extension else "no picture there has this name"
            hint += near(PurePosixPath(plain).name, (path.name for group in self._stems().values() for path in group))
        raise FileNotFoundError(f"{name} is in none of {', '.join(map(str, self.folders))}: {hint}")

    def _stems(self) -> dict[str, list[Path]]:
        if self._by_stem is None:
            self._by_stem = {}
            pictures = {path for folder in self.folders if folder.is_dir() for path in _walk(folder, PICTURES)}
            for path in sorted(pictures):
                self._by_stem.setdefault(path.stem, []).append(path)
        return self._by_stem


def find_picture(folders: Path | Sequence[Path], name: str) -> Path:
    """The file of one picture in one folder or several; ``PictureFolders`` finds many at the cost of one listing."""
    return PictureFolders([folders] if isinstance(folders, Path) else folders).find(name)


def _ends_with(path: Path, stem: str) -> bool:
    """Whether a picture's path ends with all the folders that a name gives."""
    parts = PurePosixPath(stem).parts
    return path.with_suffix("").parts[-len(parts) :] == parts


def _walk(folder: Path, wanted: frozenset[str]) -> list[Path]:
    if not folder.is_dir():
        if folder.exists():
            raise NotADirectoryError(f"{folder} is not a folder")
        raise FileNotFoundError(f"there is no folder {folder}")
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        inside = waiting.pop()
        status = inside.stat()
        if status.st_ino and (status.st_dev, status.st_ino) in seen:  # a link back to where we were
            continue
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(inside) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    waiting.append(inside / entry.name)
                elif os.path.splitext(entry.name)[1].lower() in wanted:
                    found.append(inside / entry.name)
    return sorted(found)
