"""PNG written byte by byte as ISO/IEC 15948 says, with every filter and interlacing, to test the reader."""

from __future__ import annotations

import struct
import zlib

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def predict(kind: int, left: int, up: int, corner: int) -> int:
    """The filters of section 9.2."""
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda value: abs(guess - value))
    return (0, left, up, (left + up) // 2)[kind]


def filtered(rows: list[list[int]], step: int, kind: int | None) -> bytes:
    """Bytes less their prediction, each row behind its filter's number; without a kind, the filters take turns."""
    out = b""
    above = [0] * len(rows[0])
    for y, row in enumerate(rows):
        number = y % 5 if kind is None else kind
        line = [number]
        for x, value in enumerate(row):
            left, corner = (row[x - step], above[x - step]) if x >= step else (0, 0)
            line.append((value - predict(number % 5, left, above[x], corner)) % 256)
        out += bytes(line)
        above = row
    return out


def chunk(name: bytes, body: bytes) -> bytes:
    """Length, name, body, checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def encode(
    image: list[list[list[int]]], color: int, interlaced: int, *, kind: int | None = None,
    transparent: bytes | None = None, rows_missing: int = 0,
) -> bytes:
    """A PNG of 16 bits a channel."""
    height, width, channels = len(image), len(image[0]), len(image[0][0])
    data = b""
    for x0, y0, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        part = [row[x0::dx] for row in image[y0::dy]]
        rows = [[byte for pixel in row for value in pixel for byte in divmod(value, 256)] for row in part]
        if rows and rows[0]:
            data += filtered(rows, 2 * channels, kind)
    data = data[: len(data) - rows_missing * (1 + 2 * channels * width)]
    header = struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, interlaced)
    middle = b"" if transparent is None else chunk(b"tRNS", transparent)
    packed = zlib.compress(data)
    half = len(packed) // 2
    body = chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + middle + body + chunk(b"IEND", b"")
