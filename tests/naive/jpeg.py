"""The entropy-coded data of a JPEG bit by bit (ISO/IEC 10918-1, annexes C, F and G): do they fill the picture?"""

from __future__ import annotations

import math
from collections.abc import Iterator


class TooFew(Exception):
    """The data end before the picture does."""


class Bits:
    """Bits of a scan up to the next marker."""

    def __init__(self, data: bytes, place: int) -> None:
        self.data, self.place, self.waiting = data, place, ""

    def next(self) -> str:
        if not self.waiting:
            byte = self.data[self.place]
            if byte == 255 and self.data[self.place + 1] != 0:
                raise TooFew
            self.place += 2 if byte == 255 else 1
            self.waiting = format(byte, "08b")
        bit, self.waiting = self.waiting[0], self.waiting[1:]
        return bit

    def number(self, length: int) -> int:
        return int("0" + "".join(self.next() for _ in range(length)), 2)

    def symbol(self, codes: dict[str, int]) -> int:
        code = ""
        while code not in codes:
            code += self.next()
            if len(code) > 16:
                raise TooFew
        return codes[code]

    def restart(self) -> None:
        """Step over the next marker, which must be a restart."""
        self.waiting = ""
        while not (self.data[self.place] == 255 and self.data[self.place + 1] not in (0, 255)):
            self.place += 1
        if not 0xD0 <= self.data[self.place + 1] <= 0xD7:
            raise TooFew
        self.place += 2


def segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Marker, content and place after it, of all that have a length."""
    place = 2
    while data[place : place + 2] != b"\xff\xd9":
        if data[place] != 255 or data[place + 1] in (0, *range(0xD0, 0xD8)):
            place += 1  # data of a scan
            continue
        length = data[place + 2] * 256 + data[place + 3]
        yield data[place + 1], data[place + 4 : place + 2 + length], place + 2 + length
        place += 2 + length


def codes_of(content: bytes) -> Iterator[tuple[int, dict[str, int]]]:
    """Tables as annex C makes them: code words of each length count upward."""
    while content:
        counts, symbols, code, codes = content[1:17], list(content[17:]), 0, {}
        for length, count in enumerate(counts, start=1):
            for _ in range(count):
                codes[format(code, f"0{length}b")] = symbols.pop(0)
                code += 1
            code *= 2
        yield content[0], codes
        content = content[17 + sum(counts) :]


def block(bits: Bits, dc: dict[str, int], ac: dict[str, int], band: tuple[int, int, int], state: dict[str, int],
          known: set[int]) -> None:  # fmt: skip
    """One block of a scan of the coefficients band[0] ... band[1]; band[2] says what kind of scan it is."""
    low, high, kind = band
    if low == 0:
        if kind == 2:
            bits.number(1)
            return
        bits.number(bits.symbol(dc))
        low = 1
    k = low
    while k <= high and state["run"] == 0:
        zeros, size = divmod(bits.symbol(ac), 16)
        if size == 0 and zeros < 15:
            state["run"] = 2**zeros + bits.number(zeros)
            break
        bits.number(size)
        while kind == 2 and k <= high and (k in known or zeros > 0):
            if k in known:
                bits.number(1)
            else:
                zeros -= 1
            k += 1
        k += zeros if kind != 2 else 0
        known.update([k] if size else [])
        k += 1
    if state["run"]:
        bits.number(sum(j in known for j in range(k, high + 1)) if kind == 2 else 0)
        state["run"] -= 1


def scan_is_full(bits: Bits, layout: tuple[dict[int, tuple[int, int]], bytes, int, int], tables: tuple[bytes, dict],
                 band: tuple[int, int, int], restart: int, blocks: dict) -> bool:  # fmt: skip
    """Whether a scan holds a code for every block of its components (A.2 says how they take turns)."""
    parts, names, width, height = layout
    which, codes = tables
    h, v = max(p[0] for p in parts.values()), max(p[1] for p in parts.values())
    across, down = math.ceil(width / 8 / h), math.ceil(height / 8 / v)
    if len(names) == 1:
        mine = parts[names[0]]
        across, down = math.ceil(math.ceil(width * mine[0] / h) / 8), math.ceil(math.ceil(height * mine[1] / v) / 8)
    state = {"run": 0}
    try:
        for unit in range(across * down):
            if restart and unit and unit % restart == 0:
                bits.restart()
                state = {"run": 0}
            for name, table in zip(names, which, strict=True):
                columns, rows = parts[name] if len(names) > 1 else (1, 1)
                for i in range(columns * rows):
                    y, x = unit // across * rows + i // columns, unit % across * columns + i % columns
                    known = blocks.setdefault((name, y, x), set())
                    block(bits, codes.get(table >> 4, {}), codes.get(16 + (table & 15), {}), band, state, known)
    except TooFew:
        return False
    return True


def is_full(data: bytes) -> bool:
    """Whether every scan holds a code for every block, and the scans bring every bit of every coefficient."""
    tables: dict[int, dict[str, int]] = {}
    missing: dict[tuple[int, int], int] = {}
    blocks: dict[tuple[int, int, int], set[int]] = {}
    restart, parts, progressive, width, height = 0, {}, False, 0, 0
    for marker, content, place in segments(data):
        if marker == 0xC4:
            tables.update(codes_of(content))
        elif marker == 0xDD:
            restart = content[0] * 256 + content[1]
        elif marker in (0xC0, 0xC1, 0xC2):
            progressive = marker == 0xC2
            height, width = content[1] * 256 + content[2], content[3] * 256 + content[4]
            parts = {content[i]: divmod(content[i + 1], 16) for i in range(6, len(content), 3)}
            missing = {(name, k): 14 for name in parts for k in range(64)}
        elif marker == 0xDA:
            names, which = content[1:-3:2], content[2:-3:2]
            low, high, (before, after) = content[-3], content[-2], divmod(content[-1], 16)
            band = (low, high, 0 if not progressive else 2 if before else 1)
            layout = (parts, names, width, height)
            if not scan_is_full(Bits(data, place), layout, (which, tables), band, restart, blocks):
                return False
            missing.update({(name, k): after for name in names for k in range(low, high + 1)})
    return bool(missing) and not any(missing.values())
