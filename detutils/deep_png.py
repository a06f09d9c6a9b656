"""PNGs of 16 bits a channel, which Pillow cuts to 8, and the checksums of all PNGs (ISO/IEC 15948)."""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

import numpy as np

from detutils._jit import U2
from detutils._kernels.png import unfilter

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
PNG_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by colour type: grey, RGB, grey + alpha, RGBA
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


class Damaged(ValueError):
    """What is wrong with a file, to be put behind its path."""


def png_chunks(data: bytes) -> dict[bytes, bytes]:
    """The chunks of a PNG by name, checksums verified, pixel data joined."""
    chunks: dict[bytes, bytes] = {}
    pixels = []
    position = len(PNG_MAGIC)
    while b"IEND" not in chunks:
        if position + 12 > len(data):
            raise Damaged("is truncated: the PNG data ends early")
        length, name = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + 8 + length]
        checksum = data[position + 8 + length : position + 12 + length]
        if len(checksum) < 4:
            raise Damaged("is truncated: the PNG data ends early")
        if zlib.crc32(body, zlib.crc32(name)) != int.from_bytes(checksum, "big"):
            raise Damaged(f"is damaged: the checksum of its PNG chunk {name.decode('latin-1')} is wrong")
        if name == b"IDAT":
            pixels.append(body)
        else:
            chunks[name] = body
        position += 12 + length
    if len(chunks.get(b"IHDR", b"")) != 13:
        raise Damaged("is damaged: a PNG without a header")
    chunks[b"IDAT"] = b"".join(pixels)
    return chunks


def decode_png_of_16_bits(chunks: dict[bytes, bytes]) -> U2:
    """The pixels of chunks whose header says 16 bits: (H, W), (H, W, 3) or (H, W, 4)."""
    width, height, _, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if colour not in PNG_CHANNELS:
        raise Damaged(f"is damaged: 16 bits with PNG colour type {colour}")
    channels = PNG_CHANNELS[colour]
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    sizes = [(len(range(y, height, dy)), len(range(x, width, dx))) for x, y, dx, dy in passes]
    lengths = [rows * (1 + 2 * channels * columns) if columns else 0 for rows, columns in sizes]
    stream = zlib.decompressobj()
    raw = np.frombuffer(stream.decompress(chunks[b"IDAT"], sum(lengths) + 1), np.uint8)
    if raw.size != sum(lengths):
        raise Damaged("is truncated or damaged: the PNG's pixels do not fill the picture")
    pixels = np.empty((height, width, channels), np.uint16)
    start = 0
    for (x, y, dx, dy), (rows, columns), length in zip(passes, sizes, lengths):
        if length:
            filtered = raw[start : start + length].reshape(rows, -1).copy()
            plain = np.empty((rows, 2 * channels * columns), np.uint8)
            if unfilter(filtered, 2 * channels, plain) >= 0:
                raise Damaged("is damaged: a false PNG filter")
            pixels[y::dy, x::dx] = plain.view(">u2").reshape(rows, columns, channels)
        start += length
    if b"tRNS" in chunks and colour in (0, 2):  # one colour is transparent
        key = np.frombuffer(chunks[b"tRNS"], ">u2")
        alpha = np.where((pixels == key).all(axis=2, keepdims=True), 0, 65535)
        pixels = np.concatenate([pixels, alpha.astype(np.uint16)], axis=2)
    if pixels.shape[2] == 2:
        pixels = pixels[:, :, [0, 0, 0, 1]]
    return pixels[:, :, 0] if pixels.shape[2] == 1 else pixels


def encode_png_of_16_bits(target: BinaryIO, pixels: U2) -> None:
    """Write a PNG of 16 bits a channel."""
    height, width = pixels.shape[:2]
    colour = 0 if pixels.ndim == 2 else {3: 2, 4: 6}[pixels.shape[2]]
    big = pixels.astype(">u2").view(np.uint8).reshape(height, -1)
    rows = np.empty((height, 1 + big.shape[1]), np.uint8)
    rows[:, 0] = 2  # each row minus the one above: cheap, and photographs shrink
    rows[0, 1:] = big[0]
    np.subtract(big[1:], big[:-1], out=rows[1:, 1:])
    target.write(PNG_MAGIC)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b"")):
        target.write(struct.pack(">I", len(body)) + name + body)
        target.write(struct.pack(">I", zlib.crc32(body, zlib.crc32(name))))
