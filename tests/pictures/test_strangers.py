"""Files of strangers: nothing is executed, sizes are judged before pixels, and damage is an error with the path.

``DETUTILS_DEEP=100`` takes a hundred times as many mutations.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import resource
import stat
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from detutils import read_image, write_image
from detutils.pictures.files import FORMATS, PICTURE_EXTENSIONS, READABLE
from detutils.pictures.silence import silence
from tests.cases import size
from tests.naive import png as naive_png
from tests.pictures.test_files import pillow_bytes, read_bytes, smooth

DEEP = int(os.environ.get("DETUTILS_DEEP", "1"))


# ---- formats -----------------------------------------------------------------------------------------------

def test_no_program_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    witness = tmp_path / "started"
    for name in ("gs", "gswin64c", "gswin32c", "ghostscript", "xdg-open", "display", "xv"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\ntouch {witness}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    body = b"%%BoundingBox: 0 0 99 99\n%%EndComments\n%%EOF\n"
    binary = b"\xc5\xd0\xd3\xc6" + struct.pack("<7I", 32, 90, 0, 0, 0, 0, 0)
    hostile = [b"%!PS-Adobe-3.0 EPSF-3.0\n" + body, binary + body]
    hostile += [b"%PDF-1.4\n" + body, b"\xd7\xcd\xc6\x9a" + bytes(90), b"GRIB" + bytes(90), b"SIMPLE  =" + bytes(90)]
    for content in hostile:
        for name in ("photo.jpg", "photo.eps", "photo.png"):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(ValueError, match="is not an image of a kind that is read: JPEG, PNG"):
                read_image(tmp_path / name)
    assert not witness.exists()


def test_the_listed_formats_are_read(tmp_path: Path) -> None:
    for kind, extensions in READABLE.items():
        try:
            data = pillow_bytes(smooth(), kind)
        except (KeyError, OSError):  # this Pillow is built without it
            continue
        for extension in extensions:
            (tmp_path / f"a{extension}").write_bytes(data)
            assert read_image(tmp_path / f"a{extension}").shape == (40, 60, 3)
    assert set(FORMATS) <= set(PICTURE_EXTENSIONS)
    assert all(extension == extension.lower() and extension[0] == "." for extension in PICTURE_EXTENSIONS)
    with pytest.raises(ValueError, match="is not an image of a kind that is read"):
        read_bytes(tmp_path, pillow_bytes(smooth(), "ICO"))


# ---- sizes -------------------------------------------------------------------------------------------------

def png(width: int, height: int, raw: bytes, interlaced: int = 0, color: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, interlaced)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(naive_png.chunk(name, body) for name, body in parts)


def tiff(width: int, height: int, bits: int, compression: int, data: bytes) -> bytes:
    tags = [(256, width), (257, height), (258, bits), (259, compression), (262, 1), (273, 8), (277, 1),
            (278, height), (279, len(data))]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 1, 1, 0, 0)


def gif(width: int, height: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    return head + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\2\2\x44\1\0;"


def sized(kind: str, name: bytes, offset: int, form: str) -> bytes:
    """A small picture whose header says 13000 x 13000."""
    data = pillow_bytes(np.full((64, 64, 3), 9, np.uint8), kind)
    place = data.index(name) + offset
    new = struct.pack(form, 13000, 13000)
    return data[:place] + new + data[place + len(new) :]


BOMBS = {
    "JPEG": (lambda: sized("JPEG", b"\xff\xc0", 5, ">HH"), "more than .* bytes can hold"),
    "PNG": (lambda: png(13000, 13000, b"\0" * 99), "more than .* bytes can hold"),
    "BMP": (lambda: bmp(13000, 13000), "more than .* bytes can hold"),
    "PPM": (lambda: b"P6 13000 13000 255\n" + bytes(99), "more than .* bytes can hold"),
    "raw TIFF": (lambda: tiff(13000, 13000, 8, 1, bytes(99)), "more than .* bytes can hold"),
    "TIFF": (lambda: tiff(30000, 30000, 8, 8, zlib.compress(bytes(10**6))), "900000000 pixels"),
    "TIFF of 16 bits": (lambda: tiff(30000, 30000, 16, 8, zlib.compress(bytes(10**6))), "900000000 pixels"),
    "TIFF of 32 bits": (lambda: tiff(30000, 30000, 32, 8, zlib.compress(bytes(10**6))), "900000000 pixels"),
    "TIFF unknown to Pillow": (lambda: tiff(30000, 30000, 64, 8, zlib.compress(bytes(10**6))), "pixels"),
    "GIF": (lambda: gif(65000, 65000), "MAX_IMAGE_PIXELS"),
    "AVIF": (lambda: sized("AVIF", b"ispe", 8, ">II"), "13000 x 13000 pixels in .*MAX_IMAGE_PIXELS to None"),
    "JPEG2000": (lambda: sized("JPEG2000", b"\xff\x51", 6, ">II"), "picture"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_headers_that_promise_too_much_cost_nothing(tmp_path: Path, kind: str) -> None:
    make, text = BOMBS[kind]
    try:
        data = make()
    except (KeyError, OSError):
        pytest.skip("this Pillow is built without it")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=text) as caught:
        read_bytes(tmp_path, data)
    assert str(tmp_path / "picture") in str(caught.value)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * (1 if sys.platform == "darwin" else 1024) < 150e6


def test_the_size_of_a_file_is_known_before_its_bytes(tmp_path: Path) -> None:
    for beginning, text in ((b"", "is not an image"), (b"\xff\xd8\xff\xe0", "has 6000000000 bytes, more than any")):
        with open(tmp_path / "sparse.jpg", "wb") as file:
            file.write(beginning)
            file.truncate(6_000_000_000)
        with pytest.raises(ValueError, match=rf"sparse\.jpg {text}"):
            read_image(tmp_path / "sparse.jpg")


# ---- half pictures -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize("missing", [1, 25, 600])
def test_pngs_of_8_bits_whose_stream_ends_early_but_validly(tmp_path: Path, missing: int, interlaced: int) -> None:
    rows = np.zeros((30, 1 + 3 * 21), np.uint8)
    rows[:, 1:] = smooth(30, 21).reshape(30, -1) | 1
    raw = rows.tobytes() if not interlaced else bytes(2 * 30 * 70)
    if not interlaced:
        assert read_bytes(tmp_path, png(21, 30, raw)).shape == (30, 21, 3)
    length = sum(
        len(range(y, 30, dy)) * (1 + 3 * len(range(x, 21, dx)))
        for x, y, dx, dy in (naive_png.ADAM7 if interlaced else [(0, 0, 1, 1)])
    )
    assert read_bytes(tmp_path, png(21, 30, raw[:length], interlaced)).shape == (30, 21, 3)
    with pytest.raises(ValueError, match="picture"):
        read_bytes(tmp_path, png(21, 30, raw[: length - missing], interlaced))


def test_a_png_whose_end_is_black_is_whole(tmp_path: Path) -> None:
    black = png(9, 8, bytes(8 * 28))
    assert not read_bytes(tmp_path, black).any()
    with pytest.raises(ValueError, match="do not fill the picture"):
        read_bytes(tmp_path, png(9, 8, bytes(7 * 28)))


def test_tiffs_whose_streams_end_early_but_validly(tmp_path: Path) -> None:
    for bits in (8, 16):
        whole = bytes(100 * 100 * bits // 8)
        assert read_bytes(tmp_path, tiff(100, 100, bits, 8, zlib.compress(whole))).shape == (100, 100)
        with pytest.raises(ValueError, match="picture"):
            read_bytes(tmp_path, tiff(100, 100, bits, 8, zlib.compress(whole[: len(whole) // 2])))


# ---- mutations ---------------------------------------------------------------------------------------------

def seeds() -> dict[str, bytes]:
    """A picture of each format, and of the ways of coding that have a check of their own."""
    gray = Image.fromarray(smooth()[..., 0])
    found = {
        "PNG of 16 bits": naive_png.encode((smooth(6, 7).astype(int) * 257).tolist(), 2, 1),
        "TIFF of 16 bits": tiff(9, 8, 16, 8, zlib.compress(bytes(range(144)))),
        "progressive": pillow_bytes(smooth(), "JPEG", progressive=True),
        "palette": pillow_bytes(gray.convert("P"), "PNG", transparency=3),
        "LZW": pillow_bytes(gray, "TIFF", compression="raw"),
    }
    for kind in READABLE:
        try:
            found[kind] = pillow_bytes(smooth(), kind)
        except (KeyError, OSError):
            continue
    return found


def mutated(data: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """Bits flipped, bytes lost or doubled, the end cut off, or the beginning of another file in front."""
    content = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        way, a, b = rng.integers(6), *sorted(rng.integers(0, len(content) + 1, 2).tolist())
        if way == 0 and a < len(content):
            content[a] ^= 1 << int(rng.integers(8))
        elif way == 1:
            content[a : a + 4] = rng.integers(0, 256, 4, np.uint8).tobytes()
        elif way == 2:
            del content[a : min(b, a + 40)]
        elif way == 3:
            content[a:a] = content[a : min(b, a + 40)]
        elif way == 4:
            del content[b:]
        else:
            other = others[int(rng.integers(len(others)))]
            content[:a] = other[: min(a, 60)]
    return bytes(content)


@pytest.mark.parametrize("kind", list(seeds()))
def test_mutated_pictures_are_read_or_refused(tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    every = seeds()
    rng = np.random.default_rng(sum(kind.encode()))
    for turn in range(size(60, 12) * DEEP):
        data = mutated(every[kind], list(every.values()), rng)
        try:
            image = read_bytes(tmp_path, data)
        except (ValueError, OSError) as error:
            assert str(tmp_path / "picture") in str(error), (turn, error)  # noqa: PT017
        else:
            assert image.dtype in (np.uint8, np.uint16, np.float32), turn
            assert image.shape[2:] in ((), (3,), (4,)), turn
    if "TIFF" not in kind and kind != "LZW":  # libtiff writes to the terminal by itself
        assert capfd.readouterr().err == ""


# ---- silence -----------------------------------------------------------------------------------------------

def test_warnings_and_logs_of_the_decoders_are_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)  # 2400 pixels: Pillow warns
    assert read_bytes(tmp_path, pillow_bytes(smooth(), "PNG")).shape == (40, 60, 3)
    before = warnings.filters[:]
    seen: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        with silence(), silence():
            warnings.warn("unheard", stacklevel=1)
            logging.getLogger("tifffile").error("unheard")
        logging.getLogger("tifffile").error("heard")
    finally:
        logging.getLogger().removeHandler(handler)
    assert seen == ["heard"]
    assert warnings.filters == before


def test_silence_ends_with_the_last_thread() -> None:
    before, inside, leave = warnings.filters[:], threading.Event(), threading.Event()

    def wait() -> None:
        with silence():
            inside.set()
            leave.wait()

    other = threading.Thread(target=wait)
    with silence():
        other.start()
        inside.wait()
    with contextlib.suppress(UserWarning):  # where each thread has filters of its own, this one is heard again
        warnings.warn("between", stacklevel=1)
    leave.set()
    other.join()
    assert warnings.filters == before


# ---- writing -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("quality", [88, 95, 100])
def test_noise_can_be_written_as_jpeg(tmp_path: Path, quality: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    for pixels in (image, image[..., 0]):
        write_image(tmp_path / "noise.jpg", pixels, quality=quality)
        again = read_image(tmp_path / "noise.jpg").astype(int)
        assert np.abs(again - pixels).mean() < 12
    assert os.listdir(tmp_path) == ["noise.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="rights of another kind")
def test_a_replaced_file_keeps_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_image(path, smooth())
    for mode in (0o600, 0o640, 0o444):
        path.chmod(mode)
        write_image(path, smooth())
        assert stat.S_IMODE(path.stat().st_mode) == mode
    before = os.umask(0o077)
    try:
        write_image(tmp_path / "new.png", smooth())
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.png").stat().st_mode) == 0o600


def test_ctrl_c_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_image(tmp_path / "a.png", smooth())
    unlink, calls = Path.unlink, []

    def once_interrupted(self: Path, missing_ok: bool = False) -> None:
        calls.append(self)
        if len(calls) == 1:
            raise KeyboardInterrupt
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", once_interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_image(tmp_path / "a.png", smooth())
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_before_it_blocks(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    code = "import sys, detutils\ntry: detutils.read_image(sys.argv[1])\nexcept OSError as error: print(error)"
    command = [sys.executable, "-c", code, str(tmp_path / "pipe.jpg")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=env)
    assert done.stdout.strip() == f"{tmp_path / 'pipe.jpg'} is not a regular file"


def test_an_image_file_is_no_stream() -> None:
    with pytest.raises(TypeError, match="path must be a str or a path"):
        read_image(io.BytesIO(b""))  # type: ignore[arg-type]
