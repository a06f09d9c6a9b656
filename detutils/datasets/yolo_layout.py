"""Which pictures and text files make up a YOLO data set: two folders, one folder of any usual layout, a data.yaml."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from detutils._files import read_file
from detutils._validate import as_image_size
from detutils.datasets.entries import BadEntries, near
from detutils.datasets.listing import PICTURES, listed, pictures_below, relative_name, without_extension
from detutils.datasets.text_files import broken, decode, read_bytes
from detutils.datasets.yaml_files import read_yaml
from detutils.datasets.yolo_lines import MOST_CLASSES, as_keypoints, is_label_line

NAME_FILES = ("classes.txt", "obj.names")
DESCRIPTIONS = (".yaml", ".yml")
SPLITS = ("train", "val", "test")


class Item(NamedTuple):
    """One image: its name, its picture or else its (height, width), its text file if it has one."""

    name: str
    source: Path | tuple[int, int]
    text: Path | None


class Layout(NamedTuple):
    """The images of a data set, the names of its classes, whether these are all, the shape of its poses."""

    items: list[Item]
    names: tuple[str, ...] | None = None
    complete: bool = False
    keypoints: tuple[int, int] | None = None


def two_folders(labels: Path, images: Path | Mapping[str, tuple[int, int]], bad: BadEntries) -> Layout:
    """A folder of text files and one of pictures, or the pictures' sizes: the same names and folders below."""
    files = _text_files(labels)
    texts = {relative_name(path.with_suffix(""), labels): path for path in files}
    items: dict[str, Item] = {}
    for name, source in _images(images):
        stem = without_extension(name)
        if isinstance(images, Mapping) and stem not in texts:  # whose names need not be those of folders
            path = PurePosixPath(name)
            stem = next((s for s in (str(path.with_suffix("")), path.stem) if s in texts), stem)
        if stem in items:
            both = f"images {items[stem].name!r} and {name!r} share the text file {PurePosixPath(stem).name}.txt"
            bad.add(labels, "", both, "picture that shares its text file")
        else:
            items[stem] = Item(name, source, texts.get(stem))
    names = [item.name for item in items.values()]
    _belongs_to_nothing((path for stem, path in texts.items() if stem not in items), names, bad)
    return Layout(sorted(items.values(), key=lambda item: item.name), names_beside(labels))


def one_folder(folder: Path, split: str | None, bad: BadEntries) -> Layout:
    """Every picture below a folder with its text file: ``labels`` for ``images`` in its path, or beside it."""
    descriptions = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in DESCRIPTIONS]
    descriptions = [path for path in descriptions if not path.name.startswith(".")]
    usual = [path for path in descriptions if path.stem in ("data", "dataset")]
    if usual or len(descriptions) == 1:
        return described((usual or descriptions)[0], split, bad)
    if split is not None:
        raise ValueError(f"{folder}: split={split!r} needs a data.yaml that says where it is")
    if folder.name == "labels" and (folder.parent / "images").is_dir() and not listed(folder, PICTURES):
        return two_folders(folder, folder.parent / "images", bad)
    items = _with_texts(_items(pictures_below(folder), folder, bad), folder)
    used = {item.text for item in items}
    strays = (path for path in _text_files(folder) if path not in used)
    _belongs_to_nothing(strays, [item.name for item in items], bad)
    return Layout(items, names_beside(folder))


def described(file: Path, split: str | None, bad: BadEntries) -> Layout:
    """What a data.yaml says: the pictures of one split or of all, the names of the classes."""
    content = read_yaml(file)
    if not isinstance(content, dict):
        broken(file, "", "must be a mapping with names and train, val or test")
    if "val" not in content and "valid" in content:
        content["val"] = content["valid"]
    there = [key for key in SPLITS if content.get(key)]
    if split is not None and split not in there:
        raise ValueError(f"{file}: has no split {split!r}{near(split, there)}")
    if not there:
        broken(file, "", "names no pictures: has neither train, val nor test")
    pictures: dict[Path, None] = {}  # a picture may be in several splits
    for key in there if split is None else [split]:
        with bad.going_on(file):
            for entry in content[key] if isinstance(content[key], list) else [content[key]]:
                place = _resolve(file, content.get("path"), key, entry)
                listed = _pictures_of_list(place) if place.suffix.lower() == ".txt" else pictures_below(place)
                pictures.update(dict.fromkeys(listed))
    keypoints = content.get("kpt_shape")
    items = _items(pictures, file.parent, bad)
    return Layout(
        _with_texts(items, file) if items else [],
        _names(file, content.get("names")),
        True,
        None if keypoints is None else as_keypoints(keypoints, f"{file}: kpt_shape"),
    )


def names_beside(folder: Path) -> tuple[str, ...] | None:
    """The names of classes in a classes.txt in or above a folder."""
    for name in NAME_FILES:
        for place in (folder / name, folder.absolute().parent / name):
            if place.is_file():
                lines = [line.strip() for line in decode(place, read_bytes(place)).splitlines()]
                return tuple(line for line in lines if line)
    return None


# ---- pictures and their text files -------------------------------------------------------------------------

def _text_files(folder: Path) -> list[Path]:
    return [path for path in listed(folder, (".txt",)) if path.name not in NAME_FILES]


def _images(images: Path | Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, Path | tuple[int, int]]]:
    if isinstance(images, Path):
        yield from ((relative_name(path, images), path) for path in pictures_below(images))
        return
    for name, size in images.items():
        if not isinstance(name, str):
            raise TypeError(f"images must map file names to (height, width), got a {type(name).__name__}")
        height, width = as_image_size(size, f"images[{name!r}]")
        if height != int(height) or width != int(width):
            raise ValueError(f"images[{name!r}] must hold whole numbers of pixels, got {size!r}")
        yield name, (int(height), int(width))


def _items(pictures: Iterable[Path], folder: Path, bad: BadEntries) -> list[Item]:
    owners: dict[Path, Path] = {}
    items = []
    for picture in pictures:
        text = _text_of(picture, folder)
        if text is not None and text in owners:
            both = f"pictures {owners[text]} and {picture} share this text file"
            bad.add(text, "", both, "picture that shares its text file")
            continue
        if text is not None:
            owners[text] = picture
        name = Path(os.path.relpath(picture, folder)).as_posix()
        items.append(Item(name, picture, text))
    return items


def _with_texts(items: list[Item], source: Path) -> list[Item]:
    """The images, of which one at least has a text file: a whole data set without objects is a wrong folder."""
    if all(item.text is None for item in items):
        raise ValueError(f"{source}: none of its {len(items)} pictures has a text file, neither beside it nor with "
                         f"labels for images in its path: {items[0].name}")  # fmt: skip
    return items


def _text_of(picture: Path, folder: Path) -> Path | None:
    """The text file of a picture: the last ``images`` in its path says ``labels`` instead, or it stands beside."""
    parts = list(picture.parts)
    wanted = picture.stem + ".txt"
    for i in range(len(parts) - 2, -1, -1):
        if parts[i].lower() == "images":
            place = Path(*parts[:i], "labels", *parts[i + 1 : -1], wanted)
            if place.is_file():
                return place
            break
    beside = picture.with_name(wanted)
    return beside if beside.is_file() and wanted not in NAME_FILES else None


def _belongs_to_nothing(texts: Iterable[Path], names: list[str], bad: BadEntries) -> None:
    """Notes and lists lie among label files and are none; but labels without their image mean that one is missing."""
    by_stem = {PurePosixPath(without_extension(name)).name: name for name in names}
    for path in texts:
        with bad.going_on(path):
            content = read_file(path)
            try:
                lines = decode(path, content).splitlines()
            except ValueError:  # neither labels nor text
                continue
            if any(map(is_label_line, lines)):
                elsewhere = by_stem.get(path.stem)
                hint = near(path.stem, names) if elsewhere is None else f"; there is {elsewhere!r}"
                bad.add(path, "", f"belongs to no image{hint}", "text file without image")


# ---- data.yaml ---------------------------------------------------------------------------------------------

def _resolve(file: Path, base: Any, key: str, entry: Any) -> Path:
    """The folder or list of pictures that a split means.

    Trainers take it relative to ``path``, that relative to wherever they run; exports say ``../train/images`` of what
    lies beside the file.
    """
    for name, value in ((key, entry), ("path", "" if base is None else base)):
        if not isinstance(value, str) or "\0" in value:
            broken(file, name, f"must be a path, got a {type(value).__name__}", "split that is no path")
    folder, root = file.parent, Path(base or "")
    plain = PurePosixPath(entry.replace("\\", "/"))
    inside = Path(*[part for part in plain.parts if part not in ("..", ".", "/")])
    places: list[Path] = [folder / root / entry, folder / root.name / entry, folder / entry, folder / inside]
    for place in places:
        if place.exists():
            return place
    looked = ", ".join(dict.fromkeys(str(place) for place in places))
    hint = "split= chooses among the splits"
    return broken(file, key, f"there is no {entry}: looked for {looked}; {hint}", "missing split")


def _pictures_of_list(file: Path) -> Iterator[Path]:
    for line in decode(file, read_bytes(file)).splitlines():
        if line.strip():
            path = Path(line.strip())
            yield path if path.is_absolute() else file.parent / path


def _names(file: Path, names: Any) -> tuple[str, ...] | None:
    """The names as a list, or by number in a mapping, which may have holes."""
    if names is None:
        return None
    if isinstance(names, dict):
        try:
            by_number = {int(key): name for key, name in names.items()}
        except (TypeError, ValueError):
            broken(file, "names", "must map numbers to names")
        if by_number and not 0 <= min(by_number) <= max(by_number) < MOST_CLASSES:
            broken(file, "names", f"numbers must be in 0..{MOST_CLASSES - 1}")
        names = [by_number.get(i, i) for i in range(max(by_number, default=-1) + 1)]
    if not isinstance(names, list) or not all(isinstance(name, (str, int, float)) for name in names):
        broken(file, "names", "must be a list or a mapping of names")
    return tuple(map(str, names))
