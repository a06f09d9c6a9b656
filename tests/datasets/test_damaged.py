"""Every public reader of annotations, whoever adds it, and every damaged file: an error with the path, or an answer."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.datasets.guess import READERS
from tests.cases import size
from tests.datasets import damaged
from tests.datasets.damaged import CONTENTS, GOOD, PLACES

NAMES = sorted(  # pictures and shards have tests of their own
    name
    for name in detutils.__all__
    if name.startswith("read_") and getattr(detutils, name).__module__.startswith("detutils.datasets.")
)
EXTENSIONS = (".xml", ".json", ".txt", ".csv", ".yaml")
NO = np.zeros(1, bool)
TRUTH = detutils.Dataset(
    [
        detutils.AnnotatedImage(
            "a.jpg", (48, 64), np.array([[1.0, 2, 30, 40]]), np.zeros(1, int), NO, NO, NO, np.ones(1), 0
        )
    ],
    ("cat",),
    (0,),
)


def calls(name: str, path: Path, named: bool = True) -> Iterator[Callable[[], Any]]:
    """The ways to hand a file, or the folder where it lies, to a reader; ``named`` for those that say the format."""
    read = getattr(detutils, name)
    parameters = inspect.signature(read).parameters
    more: dict[str, Any] = {"dataset": TRUTH} if "dataset" in parameters else {}
    for place in (path, path.parent):
        for on_invalid in ("raise", "drop") if "on_invalid" in parameters else (None,):
            options = more | ({"on_invalid": on_invalid} if on_invalid else {})
            yield lambda place=place, options=options: read(place, **options)
            if "images" in parameters:
                yield lambda place=place, options=options: read(place, {"a.jpg": (48, 64)}, **options)
            if "format" in parameters and named:
                known = ("coco", "yolo", "voc", "csv", "dota") if "dataset" in parameters else READERS
                for kind in known:
                    yield lambda place=place, options=options, kind=kind: read(place, format=kind, **options)


def hold(name: str, path: Path, named: bool = True) -> int:
    """Call a reader in every way; returns how often it answered."""
    answers = 0
    for call in calls(name, path, named):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = call()
        except (OSError, ValueError) as error:
            said, where = str(error), str(path.parent)
        except ImportError as error:
            said, where = str(error), "PyYAML"
        else:
            answers += 1
            check(result)
            continue
        assert where in said, said
    return answers


def check(result: Any) -> None:
    """Whatever is read is a record of finite boxes that end after they begin."""
    records = result.images if isinstance(result, detutils.Dataset) else result
    for record in records:
        assert np.isfinite(record.boxes).all()
        assert (record.boxes[:, 2:] >= record.boxes[:, :2]).all()
        assert len(record.boxes) == len(record.labels)


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, 8))])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore")
def test_damaged_contents(name: str, part: int, tmp_path: Path) -> None:
    """Every content under every extension, and as what every format has it under one of them, each in its turn.

    What is a format's own file but for a part is looked at under the extension of that format, and every third under
    the one whose turn it is.
    """
    for number, (damage, content) in [*enumerate(CONTENTS.items())][part :: size(8, 48)]:
        folder = tmp_path / str(number)
        folder.mkdir()
        turn = EXTENSIONS[number % len(EXTENSIONS)]
        own = damaged.EXTENSIONS.get(damage.partition(",")[0], ".txt")
        for extension in sorted({own, own if number % 3 else turn}) if "," in damage else EXTENSIONS:
            path = folder / f"a{extension}"
            path.write_bytes(content)
            hold(name, path, named=extension == turn)
            path.unlink()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_file(name: str, place: str, tmp_path: Path) -> None:
    for extension in EXTENSIONS:
        folder = tmp_path / extension[1:]
        folder.mkdir()
        PLACES[place](folder / f"a{extension}")
        hold(name, folder / f"a{extension}")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_whole_is_read(name: str, tmp_path: Path) -> None:
    """The table would hold nobody to anything if a reader refused whatever it gets."""
    answers = 0
    for number, content in enumerate(GOOD.values()):
        for extension in EXTENSIONS:
            folder = tmp_path / f"{number}{extension}"
            folder.mkdir()
            (folder / f"a{extension}").write_bytes(content)
            answers += hold(name, folder / f"a{extension}")
    assert answers


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_path(name: str) -> None:
    read = getattr(detutils, name)
    more = {"dataset": TRUTH} if "dataset" in inspect.signature(read).parameters else {}
    for path in (None, 3, b"a.xml"):
        with pytest.raises(TypeError, match="must be a str or a path"):
            read(path, **more)
    with pytest.raises(ValueError, match="not a file name"):
        read("a\0b", **more)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.xml"):
        read("nowhere.xml", **more)
