"""The one listing of folders: what is in a data set, what is not, and where a picture lies."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import detutils
from detutils.datasets.listing import PICTURES, PictureFolders, files_below, find_picture, listed, pictures_below
from detutils.pictures.files import PICTURE_EXTENSIONS
from tests.cases import write


def names(paths: list[Path], folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in paths]


def test_hidden_files_are_out_and_folders_below_are_in(tmp_path: Path) -> None:
    for name in ("b.XML", "a.xml", "deep/er/c.Xml", "._a.xml", ".x.xml", ".git/d.xml", "deep/.svn/e.xml", "f.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write(tmp_path / name, "x")
    (tmp_path / "folder.xml").mkdir()
    assert names(files_below(tmp_path, (".xml",), ".xml files"), tmp_path) == ["a.xml", "b.XML", "deep/er/c.Xml"]
    assert listed(tmp_path, (".json",)) == []
    with pytest.raises(ValueError, match=r"folder\.xml: the folder holds no \.xml files, nor do the folders below"):
        files_below(tmp_path / "folder.xml", (".xml",), ".xml files")
    with pytest.raises(NotADirectoryError, match=r"f\.txt is not a folder"):
        listed(tmp_path / "f.txt", (".xml",))
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        listed(tmp_path / "nowhere", (".xml",))


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write(tmp_path / "a" / "x.txt", "x")
    try:
        (tmp_path / "a" / "back").symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "elsewhere.txt").symlink_to(tmp_path / "nothing")
    except OSError:
        pytest.skip("no links here")
    assert names(listed(tmp_path, (".txt",)), tmp_path) == ["a/x.txt", "elsewhere.txt"]  # what is broken is not hidden


def test_pictures_are_what_read_image_reads(tmp_path: Path) -> None:
    Image.init()
    assert set(PICTURES) == set(PICTURE_EXTENSIONS)
    picture = Image.new("RGB", (64, 48), (200, 10, 10))
    written = set()
    for extension in PICTURE_EXTENSIONS:
        kind = Image.registered_extensions().get(extension)
        try:
            picture.save(tmp_path / f"a{extension.upper()}", format=kind)
        except (KeyError, OSError, ValueError):
            (tmp_path / f"a{extension.upper()}").unlink(missing_ok=True)  # what Pillow reads and does not write
            continue
        written.add(extension)
        assert detutils.read_image(tmp_path / f"a{extension.upper()}").size  # icons change their size
    assert {".jpg", ".jfif", ".gif", ".png", ".webp", ".bmp", ".tif", ".ppm", ".jp2"} <= written
    assert {path.suffix.lower() for path in pictures_below(tmp_path)} == written
    for program in (".eps", ".ps", ".wmf", ".emf", ".pdf"):
        assert program not in PICTURES


def test_a_picture_is_found_by_name_stem_or_place(tmp_path: Path) -> None:
    for name in ("a.jpg", "in/b.PNG", "in/c.png", "other/c.jpg", "d.v2.jpg", "x/e.jpg", "y/e.jpg", "._f.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, "x")
    for name, place in (
        ("a.jpg", "a.jpg"), ("a", "a.jpg"), ("b.png", "in/b.PNG"), ("in/b", "in/b.PNG"), ("d.v2", "d.v2.jpg"),
        ("c.jpg", "other/c.jpg"), ("y/e", "y/e.jpg"), ("in\\c.png", "in/c.png"),
    ):  # fmt: skip
        assert find_picture(tmp_path, name) == tmp_path / place, name
    both = PictureFolders([tmp_path / "nowhere", tmp_path / "x", tmp_path / "in"])
    assert both.find("e") == tmp_path / "x" / "e.jpg"
    for name, hint in (
        ("c", r"c is in none of .*: there are .*c\.png, .*c\.jpg, and nothing says which"),
        ("e.jpg", "and nothing says which"),
        ("a.png", r"there is .*a\.jpg"),
        ("f", "its name has no extension"),
        ("aa.jpg", r"no picture there has this name; there is 'a\.jpg'"),
    ):
        with pytest.raises(FileNotFoundError, match=hint):
            find_picture(tmp_path, name)


def test_commands_list_folders_alike(tmp_path: Path) -> None:
    from detutils.cli import main

    (tmp_path / "photos" / "more").mkdir(parents=True)
    detutils.write_image(tmp_path / "photos" / "more" / "a.png", np.zeros((30, 30, 3), np.uint8))
    (tmp_path / "photos" / "._a.png").write_bytes(b"\0\5\x16\7")
    (tmp_path / "photos" / "more" / "a.png").rename(tmp_path / "photos" / "more" / "a.JFIF")
    assert main(["propose", str(tmp_path / "photos"), "-o", str(tmp_path / "out.json")]) == 0
    assert "a.JFIF" in (tmp_path / "out.json").read_text()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_among_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "images").mkdir()
    os.mkfifo(tmp_path / "images" / "a.png")
    with pytest.raises(OSError, match=r"a\.png is not a regular file"):
        detutils.read_yolo(tmp_path / "labels", tmp_path / "images")
