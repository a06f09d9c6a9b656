"""Files that are damaged, truncated, too large or no images: an error with the path."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from detutils import read_image, write_image
from tests.naive import png as naive_png
from tests.pictures.test_files import picture, pillow_bytes, read_bytes, smooth

KINDS = [
    ("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("JPEG", {"restart_marker_rows": 1}),
    ("WEBP", {"lossless": True}), ("TIFF", {}), ("BMP", {}), ("GIF", {}), ("PPM", {}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "options"), KINDS, ids=lambda value: str(value))
def test_truncated_files_are_refused(tmp_path: Path, kind: str, options: dict[str, Any]) -> None:
    data = pillow_bytes(smooth(), kind, **options)
    whole = read_bytes(tmp_path, data)
    for length in sorted({1, 2, 3, 10, 30, *np.linspace(2, len(data) - 1, 60).astype(int), len(data) - 2}):
        try:
            part = read_bytes(tmp_path, data[:length])
        except (ValueError, OSError) as error:
            if str(tmp_path / "picture") not in str(error):
                raise
        else:  # only bytes after the last pixel were missing
            np.testing.assert_array_equal(part, whole)
            assert kind not in ("PNG", "JPEG")


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_truncated_tiffs_of_16_bits_are_refused(tmp_path: Path, dtype: Any, compression: str | None) -> None:
    tifffile = pytest.importorskip("tifffile")
    image = smooth().astype(dtype)
    if dtype == np.float32:
        image /= 255
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb", compression=compression, rowsperstrip=7)
    data = (tmp_path / "a.tif").read_bytes()
    np.testing.assert_array_equal(read_bytes(tmp_path, data), image)
    for length in np.linspace(8, len(data) - 1, 30).astype(int):
        with pytest.raises(ValueError, match="picture"):
            read_bytes(tmp_path, data[:length])


def test_a_jpeg_without_its_end_is_refused_whatever_pillow_tolerates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)
    data = pillow_bytes(smooth(), "JPEG")
    zeros = data[: len(data) // 2] + bytes(len(data) - len(data) // 2)  # an interrupted download
    for broken in (data[: len(data) // 2], data[:-2], zeros, data[:2] + b"\xff\xd9", data[:2] + b"\xff\xe0"):
        with pytest.raises(ValueError, match=r"picture is (truncated|damaged)"):
            read_bytes(tmp_path, broken)
    assert read_bytes(tmp_path, data + b"trailing bytes \xff\xda").shape == (40, 60, 3)


def test_damaged_pngs_are_refused(tmp_path: Path) -> None:
    data = bytearray(pillow_bytes(smooth(), "PNG"))
    for place in (20, 60, len(data) // 2, len(data) - 20):
        broken = data.copy()
        broken[place] ^= 0x55
        with pytest.raises(ValueError, match=r"picture is (truncated|damaged)"):
            read_bytes(tmp_path, bytes(broken))
    assert b"IEND" in data
    few = naive_png.encode(picture((4, 4, 3), np.uint16).tolist(), 2, 0, rows_missing=1)
    with pytest.raises(ValueError, match="do not fill the picture"):
        read_bytes(tmp_path, few)
    false = naive_png.encode(picture((4, 4, 3), np.uint16).tolist(), 2, 0, kind=9)
    with pytest.raises(ValueError, match="damaged: a row of the PNG has an unknown filter"):
        read_bytes(tmp_path, false)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b"hello, world", "is not an image"),
        (b"\xff\xd8", "truncated"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (b"II*\0" + bytes(40), "picture"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "picture"),
        (bytes(1000), "is not an image"),
    ],
)
def test_files_that_are_no_images(tmp_path: Path, content: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=text) as caught:
        read_bytes(tmp_path, content)
    assert str(tmp_path / "picture") in str(caught.value)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_image(tmp_path / "nowhere.png")
    with pytest.raises(OSError, match=tmp_path.name):
        read_image(tmp_path)
    wrong = [(None, TypeError), (3, TypeError), (b"a.png", TypeError), ("", ValueError), ("a\0b", ValueError)]
    for path, error in wrong:
        with pytest.raises(error, match="path"):
            read_image(path)
        with pytest.raises(error, match="path"):
            write_image(path, np.zeros((2, 2), np.uint8))


def test_a_picture_larger_than_memory_is_refused_at_once(tmp_path: Path) -> None:
    def header(side: int) -> bytes:
        body = b"IHDR" + struct.pack(">IIBBBBB", side, side, 16, 2, 0, 0, 0)
        parts = [(b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
        chunks = [struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))]
        chunks += [struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in parts]
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)

    with pytest.raises((ValueError, MemoryError), match="picture"):
        read_bytes(tmp_path, header(2_000_000_000))


def test_pillows_guard_against_bombs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(tmp_path / "large.png", smooth())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"large\.png is refused by Pillow: .*2400 pixels.*MAX_IMAGE_PIXELS"):
        read_image(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert read_image(tmp_path / "large.png").shape == (40, 60, 3)
