"""Half JPEGs: every way to lose a part is noticed, and no whole picture is refused."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from detutils import read_image
from detutils.pictures._kernels.jpeg import ENDS, FIRST_CODES, TABLE_SIZE, UNKNOWN, WIDTH, fill_table
from detutils.pictures.jpeg import check_jpeg
from detutils.pictures.png import Damaged
from tests.cases import size
from tests.naive import jpeg as naive
from tests.pictures.test_files import picture, pillow_bytes, read_bytes, smooth

END = b"\xff\xd9"
WAYS: list[dict[str, Any]] = [
    {},
    {"optimize": True},
    {"subsampling": 0},
    {"subsampling": "4:2:2", "quality": 30},
    {"restart_marker_blocks": 3},
    {"progressive": True},
    {"progressive": True, "subsampling": 0, "quality": 98},
    {"progressive": True, "restart_marker_rows": 1},
]  # fmt: skip


def is_full(data: bytes) -> bool:
    try:
        check_jpeg(data)
    except Damaged:
        return False
    return True


def scene(mode: str, height: int = 37, width: int = 51) -> Image.Image:
    noise = picture((height, width, 3), seed=1)
    pixels = np.where(np.arange(width)[None, :, None] % 24 < 12, noise, smooth(height, width))
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("way", range(len(WAYS)))
def test_the_definition_agrees(way: int, mode: str) -> None:
    data = pillow_bytes(scene(mode, 20, 27), "JPEG", **WAYS[way])
    assert is_full(data)
    assert naive.is_full(data)
    begin = data.index(b"\xff\xda") + 20
    for cut in np.linspace(begin, len(data) - 3, size(12, 4)).astype(int):
        part = data[:cut] + END
        try:
            expected = naive.is_full(part)
        except (IndexError, ValueError):  # the cut went through a header
            expected = False
        assert is_full(part) == expected == False, cut  # noqa: E712


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_whole_pictures_of_all_shapes_are_read(way: int) -> None:
    shapes = [(1, 1), (8, 8), (9, 7), (16, 16), (17, 33), (1, 100)]
    for (height, width), mode in itertools.product(shapes[: size(6, 3)], ("RGB", "L", "CMYK")):
        assert is_full(pillow_bytes(scene(mode, height, width), "JPEG", **WAYS[way])), (height, width, mode)
        flat = Image.new(mode, (width, height))
        assert is_full(pillow_bytes(flat, "JPEG", **WAYS[way])), (height, width, mode)


def test_all_eight_restart_markers_and_fill_bytes(tmp_path: Path) -> None:
    data = pillow_bytes(scene("L", 40, 40), "JPEG", restart_marker_blocks=1)
    assert all(bytes([0xFF, 0xD0 + k]) in data for k in range(8))
    assert is_full(data)
    begin = data.index(b"\xff\x00", data.index(b"\xff\xda"))
    filled = data[:begin] + b"\xff" + data[begin:]  # as libjpeg reads it: any number of FF, then 00, is one FF
    assert is_full(filled)
    np.testing.assert_array_equal(read_bytes(tmp_path, filled), read_bytes(tmp_path, data))


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_a_missing_middle_is_noticed(way: int, tmp_path: Path) -> None:
    data = pillow_bytes(scene("RGB", 60, 80), "JPEG", **WAYS[way])
    begin = data.index(b"\xff\xda") + 20
    for start in np.linspace(begin, len(data) - 60, size(12, 3)).astype(int):
        with pytest.raises(ValueError, match=r"picture is (truncated|damaged)"):
            read_bytes(tmp_path, data[:start] + data[start + (len(data) - 60 - begin) // 3 :])


def test_scans_that_are_missing(tmp_path: Path) -> None:
    data = pillow_bytes(smooth(), "JPEG", progressive=True)
    starts = [i for i in range(len(data)) if data[i : i + 2] == b"\xff\xda"]
    assert len(starts) == 10
    for last in starts[1:]:
        header = data.rindex(b"\xff\xc4", 0, last)  # the tables of a scan stand before it
        with pytest.raises(ValueError, match="picture is truncated"):
            read_bytes(tmp_path, data[:header] + END)
    again = data[:-2] + data[starts[-1] : -2] + END
    with pytest.raises(ValueError, match="scans of the JPEG do not follow one another"):
        read_bytes(tmp_path, again)


def test_bytes_that_do_no_harm(tmp_path: Path) -> None:
    data = pillow_bytes(smooth(), "JPEG")
    whole = read_bytes(tmp_path, data)
    scan = data.index(b"\xff\xda")
    for other in (
        data + b"trailing \xff\xda",
        data[:-2] + b"\0\0\xff\x00" + END,  # some cameras pad the data
        data[:-2] + b"\xff\xff\xff" + END,  # any number of fill bytes
        data[:scan] + b"\xff\xfe\0\4ab" + data[scan:],
    ):
        np.testing.assert_array_equal(read_bytes(tmp_path, other), whole)


def test_frames_of_motion_jpeg_have_no_tables(tmp_path: Path) -> None:
    data = pillow_bytes(scene("RGB"), "JPEG")
    bare = data
    while b"\xff\xc4" in bare:
        start = bare.index(b"\xff\xc4")
        bare = bare[:start] + bare[start + 2 + int.from_bytes(bare[start + 2 : start + 4], "big") :]
    assert is_full(bare)
    assert not is_full(bare[:-40] + END)
    np.testing.assert_array_equal(read_bytes(tmp_path, bare), read_bytes(tmp_path, data))


def patched(data: bytes, marker: bytes, offset: int, content: bytes) -> bytes:
    place = data.index(marker) + offset
    return data[:place] + content + data[place + len(content) :]


def test_broken_headers(tmp_path: Path) -> None:
    data = pillow_bytes(smooth(), "JPEG")
    frame, table, scan = b"\xff\xc0", b"\xff\xc4", b"\xff\xda"
    for broken, text in (
        (patched(data, frame, 1, b"\xc3"), "rare kind"),
        (patched(data, frame, 1, b"\xc9"), "rare kind"),
        (patched(data, frame, 4, b"\x0c"), "12 bits a channel"),
        (patched(data, frame, 5, struct.pack(">HH", 13000, 13000)), "13000 x 13000 pixels, more than"),
        (patched(data, frame, 5, struct.pack(">HH", 0, 60)), "broken frame header"),
        (patched(data, frame, 11, b"\x05"), "broken frame header"),
        (patched(data, frame, 9, b"\x05"), "broken frame header"),
        (patched(data, table, 5, b"\xff" * 16), "Huffman table of the JPEG is broken"),
        (patched(data, scan, 4, b"\x05"), "broken scan header"),
        (patched(data, scan, 5, b"\x77"), "broken scan header"),
        (patched(data, scan, 6, b"\x33"), "names a Huffman table that it does not have"),
        (patched(data, scan, 14, b"\xff\0" * 9), "JPEG data are no codes"),
        (data[:2] + data[data.index(scan) :], "without a frame header"),
        (data[: data.index(scan)] + END, "without a picture"),
        (data[:-2] + data[data.index(frame) :], "two frame headers"),
    ):
        with pytest.raises(ValueError, match=f"picture is .*{text}"):
            read_bytes(tmp_path, broken)
    many = pillow_bytes(smooth(), "JPEG", progressive=True)
    with pytest.raises(ValueError, match=r"follow one another"):
        read_bytes(tmp_path, many[:-2] + many[many.rindex(b"\xff\xda") : -2] * 300 + END)


def test_what_multi_picture_files_begin_with(tmp_path: Path) -> None:
    frames = [Image.fromarray(smooth() // part) for part in (1, 2)]
    frames[0].save(tmp_path / "two.mpo", "MPO", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "two.mpo").shape == (40, 60, 3)


# ---- tables and scans of all kinds, also those that no encoder makes -------------------------------------------------

LEGAL = [zeros << 4 | size for zeros in range(16) for size in range(1, 16)] + [0x00, 0xF0]
LENGTHS: list[tuple[list[int], list[int]]] = [  # of the codes, and what they may stand for (of these, any)
    ([1], [0xF0]),  # a bit passes 16 coefficients
    ([1, 2], [0xF0, 0x00]),
    ([2, 2, 2], [0x00, 0x01, 0xF1]),
    (list(range(1, 17)), LEGAL),
    ([16] * 40, [0x0F]),  # the most bits that a block can take
    ([WIDTH] * 9 + [WIDTH + 1] * 9, LEGAL),
    ([4] * 15 + [16] * 100, LEGAL),
    ([3] * 4 + [5] * 8 + [9] * 60, LEGAL),
    ([8] * 200, LEGAL),
]  # fmt: skip


def definition(kind: int, rng: np.random.Generator) -> bytes:
    """A table as a JPEG defines it."""
    lengths, legal = LENGTHS[kind]
    counts = np.bincount(lengths, minlength=17)[1:]
    return bytes(counts.tolist()) + bytes(rng.choice(legal, len(lengths)).tolist())


@pytest.mark.parametrize("kind", range(len(LENGTHS)))
def test_entries_of_tables(kind: int) -> None:
    content = definition(kind, np.random.default_rng(kind))
    codes = dict(naive.codes_of(b"\x10" + content))[0x10]
    table = np.zeros(TABLE_SIZE, np.uint16)
    fill_table(np.frombuffer(bytearray(content), np.uint8), True, table)
    for window in range(0, FIRST_CODES, size(1, 7)):
        bits, found, passed, entry = format(window, f"0{WIDTH}b"), [], 0, 0
        while passed < 64 and entry & ENDS == 0:
            code = next((bits[:n] for n in range(1, len(bits) + 1) if bits[:n] in codes), None)
            if code is None:
                break
            zeros, extra = divmod(codes[code], 16)
            found.append((len(code), codes[code]))
            passed += zeros + 1 if codes[code] else 1
            entry = sum(length + symbol % 16 for length, symbol in found) << 11 | passed
            entry |= ENDS if codes[code] == 0 else 0
            bits = bits[len(code) + extra :]
        assert table[window] == (entry or UNKNOWN), (window, found)
        assert table[FIRST_CODES + window] == (found[0][0] << 8 | found[0][1] if found else 0), window


def coded(bits: str) -> bytes:
    """Bits as the data of a scan."""
    bits += "1" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")


def gray(blocks: int, dc: bytes, ac: bytes, data: bytes) -> bytes:
    """A JPEG of a row of blocks."""
    frame = struct.pack(">BHHBBBB", 8, 8, 8 * blocks, 1, 1, 0x11, 0)
    parts = (0xC0, frame), (0xC4, b"\0" + dc), (0xC4, b"\x10" + ac), (0xDA, bytes([1, 1, 0, 0, 63, 0]))
    head = b"".join(struct.pack(">BBH", 255, marker, len(body) + 2) + body for marker, body in parts)
    return b"\xff\xd8" + head + data + END


@pytest.mark.parametrize("kind", range(len(LENGTHS)))
def test_scans_of_random_codes(kind: int) -> None:
    rng = np.random.default_rng(100 + kind)
    for blocks in (1, 2, size(24, 5)):
        dc, ac = bytes([0, 2, 3, *[0] * 13, *rng.choice(16, 5).tolist()]), definition(kind, rng)
        words = {key: list(codes.items()) for key, codes in naive.codes_of(b"\0" + dc + b"\x10" + ac)}
        bits = ""
        for _ in range(blocks):
            k, key = 0, 0
            while k < 64:
                word, symbol = words[key][rng.integers(len(words[key]))]
                extra = "".join(rng.choice(["0", "1"], symbol % 16).tolist())
                bits += word + extra
                k += 1 if key == 0 else (symbol >> 4) + 1 if symbol else 64
                key = 16
        whole = gray(blocks, dc, ac, coded(bits))
        assert is_full(whole)
        assert naive.is_full(whole)
        for left in {0, 1, len(bits) // 2, *range(max(len(bits) - size(24, 9), 0), len(bits))}:
            part = gray(blocks, dc, ac, coded(bits[:left]))
            assert is_full(part) == naive.is_full(part), left
        for _ in range(size(12, 3)):
            place = rng.integers(len(bits))
            other = gray(blocks, dc, ac, coded(bits[:place] + "10"[int(bits[place])] + bits[place + 1 :]))
            assert is_full(other) == naive.is_full(other), place


def test_refinement_of_a_band_takes_no_bits_for_the_next() -> None:
    tables = b"\0" + bytes([1, *[0] * 15, 0]), b"\x10" + bytes([0, 2, *[0] * 14, 0x00, 0x01])
    parts = [(0xC2, struct.pack(">BHHBBBB", 8, 8, 32, 1, 1, 0x11, 0), b""), *((0xC4, table, b"") for table in tables)]
    for low, high, bits, data in (
        (0, 0, 0x00, "0" * 4),
        (1, 5, 0x01, "00" * 4),
        (6, 63, 0x01, "01100" * 4),  # coefficient 6, and no more
        (1, 5, 0x10, "00" * 4),  # these four ends fill their byte
        (6, 63, 0x10, "001" * 4),
    ):
        parts.append((0xDA, bytes([1, 1, 0, low, high, bits]), coded(data)))
    body = b"".join(struct.pack(">BBH", 255, marker, len(head) + 2) + head + data for marker, head, data in parts)
    assert is_full(b"\xff\xd8" + body + END)
    assert naive.is_full(b"\xff\xd8" + body + END)
