"""Whether a PNG is whole, and PNGs of 16 bits a channel, which Pillow cuts to 8 and OpenCV keeps (ISO/IEC 15948)."""

from __future__ import annotations

import struct
import zlib
from typing import Any, BinaryIO

import numpy as np

from detutils._jit import U2

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by color type: gray, RGB, palette, gray + alpha, RGBA
PNG_DEPTHS = (1, 2, 4, 8, 16)
DEFLATE_RATIO = 1032  # bytes that a byte of a deflated stream becomes at most
PIECE = 1 << 14  # of a deflated stream, unpacked at once
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
CV2_CURES = (
    "pip install opencv-python-headless (after pip uninstall opencv-python), or apt-get install libgl1 libglib2.0-0"
)


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


def png_rows(chunks: dict[bytes, bytes]) -> list[tuple[int, int]]:
    """(rows, bytes of a row) of each pass over the picture, with the byte that names the filter of a row."""
    width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if color not in PNG_CHANNELS or depth not in PNG_DEPTHS or not width or not height:
        raise Damaged(f"is damaged: a PNG of {width} x {height} pixels, {depth} bits, color type {color}")
    bits = depth * PNG_CHANNELS[color]
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    sizes = [(len(range(y, height, dy)), len(range(x, width, dx))) for x, y, dx, dy in passes]
    rows = [(count, 1 + (bits * columns + 7) // 8) for count, columns in sizes if count and columns]
    packed, length = len(chunks[b"IDAT"]), sum(count * size for count, size in rows)
    if length > DEFLATE_RATIO * packed:
        raise Damaged(f"is damaged: its header says {width} x {height} pixels, more than {packed} bytes can hold")
    return rows


def check_png_is_full(chunks: dict[bytes, bytes]) -> None:
    """Refuse a PNG of 8 bits whose stream ends before the picture does, which Pillow leaves black."""
    wanted, found = sum(count * size for count, size in png_rows(chunks)), 0
    stream, packed = zlib.decompressobj(), memoryview(chunks[b"IDAT"])
    try:
        for start in range(0, len(packed), PIECE):
            found += len(stream.decompress(packed[start : start + PIECE]))
            if found >= wanted:
                return
    except zlib.error as error:
        raise Damaged(f"is damaged: the PNG's pixels cannot be unpacked ({error})") from None
    raise Damaged("is truncated or damaged: the PNG's pixels do not fill the picture")


def decode_png_of_16_bits(data: bytes, chunks: dict[bytes, bytes]) -> U2:
    """The pixels of a file whose header says 16 bits: (H, W), (H, W, 3) or (H, W, 4)."""
    width, height, _, color, _, _, _ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    rows = png_rows(chunks)
    if color == 3:
        raise Damaged("is damaged: 16 bits with PNG color type 3")
    length = sum(count * size for count, size in rows)
    unpacked = np.frombuffer(zlib.decompressobj().decompress(chunks[b"IDAT"], length + 1), np.uint8)
    if len(unpacked) != length:  # OpenCV leaves missing rows black
        raise Damaged("is truncated or damaged: the PNG's pixels do not fill the picture")
    start = 0
    for count, size in rows:
        if unpacked[start : start + count * size : size].max() > 4:
            raise Damaged("is damaged: a row of the PNG has an unknown filter")
        start += count * size
    del unpacked
    cv2 = _opencv()
    pixels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise Damaged("is damaged: OpenCV cannot decode its pixels")
    if pixels.ndim == 3:
        pixels = pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]]
    if b"tRNS" in chunks and color in (0, 2) and pixels.shape[2:] != (4,):  # one color is transparent
        pixels = np.atleast_3d(pixels)
        key = np.frombuffer(chunks[b"tRNS"], ">u2")
        alpha = np.where((pixels == key).all(axis=2, keepdims=True), 0, 65535).astype(np.uint16)
        pixels = np.concatenate([np.broadcast_to(pixels, (height, width, 3)), alpha], axis=2)
    return pixels  # type: ignore[no-any-return]


def encode_png_of_16_bits(target: BinaryIO, pixels: U2) -> None:
    """Write a PNG of 16 bits a channel."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    bgr = pixels if channels == 1 else np.ascontiguousarray(pixels[:, :, [2, 1, 0, 3][:channels]])
    _, encoded = _opencv().imencode(".png", bgr)
    target.write(encoded)


def _opencv() -> Any:
    try:
        import cv2
    except Exception as error:  # a missing package, a missing system library, or two installs in one folder
        raise ImportError(
            f"PNGs of 16 bits a channel need OpenCV, and it cannot be imported ({error}). What mends it: {CV2_CURES}"
        ) from error
    return cv2
