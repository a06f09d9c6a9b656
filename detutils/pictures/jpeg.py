"""Whether a JPEG is whole, which libjpeg does not tell: where data are missing it fills the picture with gray."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from io import BytesIO
from typing import NamedTuple

import numpy as np

from detutils._jit import U1, U2
from detutils._validate import check_memory
from detutils.pictures._kernels.jpeg import BAD_CODE, MARGIN, TABLE_SIZE, fill_table, walk_scan
from detutils.pictures.png import Damaged

JPEG_MAGIC = b"\xff\xd8"
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # neither a stuffed byte, a restart, nor padding
START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN = 0xD8, 0xD9, 0xDA
HUFFMAN_TABLES, RESTARTS, TEMPORARY = 0xC4, 0xDD, 0x01
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
SEQUENTIAL, PROGRESSIVE = (0xC0, 0xC1), 0xC2
MOST_SCANS = 256  # encoders write about 10; each of thousands would cost a pass over the picture
ABSENT = 99  # the bit position of a coefficient of which nothing has come


class Component(NamedTuple):
    """One of the colors: samples of a unit across and down, blocks that show, and blocks of a full row."""

    across: int
    down: int
    columns: int
    rows: int
    row: int
    first: int


def check_jpeg(data: bytes) -> None:
    """Refuse a JPEG whose data do not fill the picture, by walking through all its Huffman codes.

    Damaged says what is wrong. Linear in the bytes, about 200 MB a second; memory as much as the
    bytes again, and for a progressive picture 8 bytes for each block of 8 x 8 samples.
    """
    frame: _Frame | None = None
    tables: dict[int, bytes] = {}
    restart = 0
    pixels = np.frombuffer(bytearray(data), np.uint8)
    position = len(JPEG_MAGIC)
    while True:
        marker = MARKER.search(data, position)
        if marker is None:
            raise Damaged("is truncated: the JPEG data ends early")
        position, code = marker.end(), data[marker.end() - 1]
        if code == END_OF_IMAGE:
            break
        if code in (START_OF_IMAGE, TEMPORARY):  # these have no length
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        body = data[position + 2 : position + length]
        if length < 2 or len(body) != length - 2:
            raise Damaged("is truncated: the JPEG data ends early")
        position += length
        if code in FRAMES:
            if frame is not None:
                raise Damaged("is damaged: a JPEG with two frame headers")
            frame = _Frame(code, body, len(data))
        elif code == HUFFMAN_TABLES:
            tables.update(_huffman_tables(body))
        elif code == RESTARTS:
            restart = int.from_bytes(body[:2], "big")
        elif code == START_OF_SCAN:
            if frame is None:
                raise Damaged("is damaged: a JPEG scan without a frame header")
            position = frame.walk(pixels, position, body, tables, restart)
    if frame is None or frame.scans == 0:
        raise Damaged("is damaged: a JPEG without a picture")
    if (frame.bit != 0).any():
        raise Damaged("is truncated: scans of the JPEG are missing")


class _Frame:
    """The picture that the scans fill, and how far they have."""

    def __init__(self, code: int, body: bytes, size: int) -> None:
        if code not in (*SEQUENTIAL, PROGRESSIVE):
            raise Damaged(f"is a JPEG of a rare kind (SOF{code - 0xC0}: lossless or arithmetic): convert it")
        if len(body) < 6 or not 1 <= body[5] <= 4 or len(body) < 6 + 3 * body[5]:
            raise Damaged("is damaged: a JPEG with a broken frame header")
        if body[0] != 8:
            raise Damaged(f"is a JPEG of {body[0]} bits a channel: convert it")
        height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
        rows = [(body[i], body[i + 1] >> 4, body[i + 1] & 15) for i in range(6, 6 + 3 * body[5], 3)]
        if not height or not width or not all(1 <= h <= 4 and 1 <= v <= 4 for _, h, v in rows):
            raise Damaged("is damaged: a JPEG with a broken frame header")
        most_across, most_down = max(h for _, h, _ in rows), max(v for _, _, v in rows)
        self.progressive = code == PROGRESSIVE
        self.across, self.down = -(-width // (8 * most_across)), -(-height // (8 * most_down))
        self.components: dict[int, Component] = {}
        blocks = 0
        for name, h, v in rows:
            shown = -(-width * h // (8 * most_across)), -(-height * v // (8 * most_down))
            self.components[name] = Component(h, v, *shown, self.across * h, blocks)
            blocks += self.across * h * self.down * v
        if blocks > 8 * size:  # every block has one code at least, and a code one bit
            raise Damaged(f"is damaged: its header says {width} x {height} pixels, more than {size} bytes can hold")
        check_memory(8 * blocks, f"a JPEG of {width} x {height}")
        self.plain = np.empty(size + MARGIN, np.uint8)
        self.seen = np.zeros(blocks if self.progressive else 0, np.int64)
        # Up to which bit each coefficient of each component is known; 0 is all.
        self.bit = np.full((len(rows), 64), ABSENT)
        self.scans = 0

    def walk(self, data: U1, start: int, body: bytes, tables: dict[int, bytes], restart: int) -> int:
        """The place after the data of a scan."""
        self.scans += 1
        if self.scans > MOST_SCANS:
            raise Damaged(f"is a JPEG of more than {MOST_SCANS} scans")
        count = body[0] if body else 0
        if not 1 <= count <= 4 or len(body) < 4 + 2 * count:
            raise Damaged("is damaged: a JPEG with a broken scan header")
        names, low, high = body[1 : 1 + 2 * count : 2], body[1 + 2 * count], body[2 + 2 * count]
        before, after = body[3 + 2 * count] >> 4, body[3 + 2 * count] & 15
        if not self.progressive:
            low, high, before, after = 0, 63, 0, 0
        known = set(names) <= self.components.keys() and len(set(names)) == count
        alone = count == 1 or low == 0
        if not known or not alone or not low <= high < 64 or (self.progressive and (low == 0) != (high == 0)):
            raise Damaged("is damaged: a JPEG with a broken scan header")
        order = list(self.components)
        bits = self.bit[[order.index(name) for name in names], low : high + 1]
        if (bits != (before or ABSENT)).any() or (before and after != before - 1):
            raise Damaged("is damaged: the scans of the JPEG do not follow one another")
        self.bit[[order.index(name) for name in names], low : high + 1] = after

        parts, used = [], []
        for name, which in zip(names, body[2 : 2 + 2 * count : 2], strict=True):
            part = self.components[name]
            shape = (part.across, part.down) if count > 1 else (1, 1)
            used += [which >> 4, 16 + (which & 15)]
            parts.append([*shape, len(used) - 2, len(used) - 1, part.first, part.row])
        part = self.components[names[0]]
        across, down = (self.across, self.down) if count > 1 else (part.columns, part.rows)
        scan = np.array([across, down, restart, low, high, before > 0, self.progressive], np.int64)
        chosen = [_table(tables.get(one) or _usual_table(one), one >= 16 and not self.progressive) for one in used]
        place = int(walk_scan(data, start, np.array(parts, np.int64), scan, np.stack(chosen), self.seen, self.plain))
        if place < 0:
            bad = place == BAD_CODE
            raise Damaged("is damaged: its JPEG data are no codes" if bad else "is truncated: the JPEG data ends early")
        return place


def _huffman_tables(body: bytes) -> Iterator[tuple[int, bytes]]:
    """(16 x class + number, definition) of each: how many codes of each length of 1 to 16 bits, and all symbols."""
    position = 0
    while position < len(body):
        counts = body[position + 1 : position + 17]
        definition = body[position + 1 : position + 17 + sum(counts)]
        room = sum(count << (16 - length) for length, count in enumerate(counts, start=1))
        if len(counts) != 16 or len(definition) != 16 + sum(counts) or sum(counts) > 256 or room > 1 << 16:
            raise Damaged("is damaged: a Huffman table of the JPEG is broken")
        yield body[position], definition
        position += 17 + sum(counts)


@functools.lru_cache(maxsize=64)
def _table(definition: bytes, join: bool) -> U2:
    """The table to read with; most encoders define the same ones in every picture."""
    table = np.zeros(TABLE_SIZE, np.uint16)
    fill_table(np.frombuffer(bytearray(definition), np.uint8), join, table)
    return table


@functools.cache
def _usual_tables() -> dict[int, bytes]:
    """The tables of annex K, which frames of Motion JPEG leave out: those of a picture that is not optimized."""
    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    data = file.getvalue()
    tables: dict[int, bytes] = {}
    for marker in re.finditer(rb"\xff\xc4", data):
        length = int.from_bytes(data[marker.end() : marker.end() + 2], "big")
        tables.update(_huffman_tables(data[marker.end() + 2 : marker.end() + length]))
    return tables


def _usual_table(which: int) -> bytes:
    table = _usual_tables().get(which)
    if table is None:
        raise Damaged("is damaged: the JPEG names a Huffman table that it does not have")
    return table
