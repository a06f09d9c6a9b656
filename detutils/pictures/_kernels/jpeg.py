"""The entropy-coded data of a JPEG, walked code by code to see whether they fill the picture (ISO/IEC 10918-1)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detutils._jit import I8, U1, U2, inlined, kernel

ENDS_EARLY, BAD_CODE = -1, -2
SHORT = 1024  # entries for beginnings of 10 bits, before those for beginnings of 16


class Bits(NamedTuple):
    """The bits that wait, the last ``left`` of ``buffer``, and the place of the byte after them.

    ``fault`` is 0, or ENDS_EARLY, or BAD_CODE.
    """

    place: int
    buffer: int
    left: int
    fault: int


@inlined
def _filled(data: U1, bits: Bits) -> Bits:
    """At least 49 bits, or all that stand before the next marker."""
    place, buffer, count = bits.place, bits.buffer, bits.left
    while count <= 48 and place < data.size:
        value = int(np.int64(data[place]))
        if value == 0xFF:
            after = place + 1
            while after < data.size and data[after] == 0xFF:
                after += 1
            if after == data.size or data[after] != 0:
                break
            place = after
        buffer = ((buffer << 8) | value) & 0xFF_FFFF_FFFF_FFFF
        count += 8
        place += 1
    return Bits(place, buffer, count, bits.fault)


@inlined
def _entry(table: U2, bits: Bits) -> int:
    """What a table says of the next 16 bits: the length of their first code in the upper byte, its symbol below."""
    head = (bits.buffer >> (bits.left - 16) if bits.left >= 16 else bits.buffer << (16 - bits.left)) & 0xFFFF
    entry = int(np.int64(table[head >> 6]))  # most codes are short, and 1024 entries stay in the nearest cache
    return entry if entry != 0 else int(np.int64(table[SHORT + head]))


@inlined
def _taken(bits: Bits, entry: int, length: int) -> Bits:
    """The bits less the ``length`` of a code and of the number behind it."""
    fault = bits.fault
    if length > bits.left or (entry < 256 and bits.left < 16):
        fault = ENDS_EARLY
    elif entry < 256:
        fault = BAD_CODE
    return Bits(bits.place, bits.buffer, bits.left - length, fault)


@inlined
def _code(data: U1, bits: Bits, table: U2) -> tuple[Bits, int]:
    """The next symbol of a table."""
    if bits.left < 32:
        bits = _filled(data, bits)
    entry = _entry(table, bits)
    return _taken(bits, entry, entry >> 8), entry & 255


@inlined
def _number(data: U1, bits: Bits, length: int) -> tuple[Bits, int]:
    """The next ``length`` bits (at most 16) as a number."""
    if bits.left < length:
        bits = _filled(data, bits)
    if bits.left < length:
        return Bits(bits.place, bits.buffer, bits.left, ENDS_EARLY), 0
    rest = bits.left - length
    return Bits(bits.place, bits.buffer, rest, bits.fault), (bits.buffer >> rest) & ((1 << length) - 1)


@inlined
def _sequential(data: U1, bits: Bits, dc: U2, ac: U2) -> Bits:
    """A block of a sequential scan: figures F.12 to F.14. A code has 16 bits at most and its number 15."""
    k = 0
    table = dc
    while k < 64 and bits.fault == 0:
        if bits.left < 31:
            bits = _filled(data, bits)
        entry = _entry(table, bits)
        bits = _taken(bits, entry, (entry >> 8) + (entry & 15))
        symbol = entry & 255
        if k == 0:
            table = ac
            k = 1
        elif symbol & 15 == 0 and symbol != 0xF0:
            break
        else:
            k += 1 + (symbol >> 4)
    return bits


@inlined
def _first(data: U1, bits: Bits, ac: U2, band: tuple[int, int], run: int, seen: int) -> tuple[Bits, int, int]:
    """A block whose coefficients of a band come for the first time: section G.1.2.2.

    ``run`` is the number of blocks, this one included, of which nothing more comes; ``seen`` has bit k - 1 for
    each coefficient k that is not 0.
    """
    if run > 0:
        return bits, run - 1, seen
    k = band[0]
    while k <= band[1] and bits.fault == 0:
        bits, symbol = _code(data, bits, ac)
        zeros, size = symbol >> 4, symbol & 15
        if size == 0 and zeros < 15:
            bits, more = _number(data, bits, zeros)
            return bits, (1 << zeros) + more - 1, seen
        bits, _ = _number(data, bits, size)
        k += zeros
        if size > 0 and k < 64:
            seen |= 1 << (k - 1)
        k += 1
    return bits, 0, seen


@inlined
def _refined(data: U1, bits: Bits, ac: U2, band: tuple[int, int], run: int, seen: int) -> tuple[Bits, int, int]:
    """A block whose coefficients of a band get one bit more: section G.1.2.3, with ``run`` and ``seen`` as above."""
    k = band[0]
    while run == 0 and k <= band[1] and bits.fault == 0:
        bits, symbol = _code(data, bits, ac)
        zeros, size = symbol >> 4, symbol & 15
        if size == 0 and zeros < 15:
            bits, more = _number(data, bits, zeros)
            run = (1 << zeros) + more
            break
        if size > 0:
            bits, _ = _number(data, bits, 1)
        while k <= band[1] and bits.fault == 0:
            if (seen >> (k - 1)) & 1:
                bits, _ = _number(data, bits, 1)
            else:
                if zeros == 0:
                    break
                zeros -= 1
            k += 1
        if size > 0 and k <= band[1]:
            seen |= 1 << (k - 1)
        k += 1
    if run > 0:
        while k <= band[1] and bits.fault == 0:
            if (seen >> (k - 1)) & 1:
                bits, _ = _number(data, bits, 1)
            k += 1
        run -= 1
    return bits, run, seen


@inlined
def _after_restart(data: U1, place: int) -> int:
    """The place after the restart marker that comes next, or -1 if another marker or nothing comes."""
    while place + 1 < data.size:
        if data[place] == 0xFF and data[place + 1] != 0 and data[place + 1] != 0xFF:
            return place + 2 if 0xD0 <= data[place + 1] <= 0xD7 else -1
        place += 1
    return -1


@kernel("int64(uint8[::1], int64, int64[:,::1], int64[::1], uint16[:,::1], int64[::1])")
def walk_scan(data: U1, start: int, parts: I8, scan: I8, tables: U2, seen: I8) -> int:
    """The place after the data of a scan that begin at ``start``; ENDS_EARLY or BAD_CODE if they do not fill it.

    ``parts`` has a row for each component: blocks of a unit (MCU) across and down, rows of its two tables in
    ``tables``, and in ``seen`` its first block and the blocks of a row. ``scan``: units across and down, units
    between restarts (0 for none), first and last coefficient, whether it refines, whether it is progressive.
    ``seen`` has for each block bit k - 1 for each coefficient k that is not 0, and is brought up to date.
    """
    across, down, restart, low, high, refines, progressive = scan
    bits, run, unit = Bits(start, 0, 0, 0), 0, 0
    band = (low, high)
    for y in range(down):
        for x in range(across):
            if restart > 0 and unit == restart:
                place = _after_restart(data, bits.place)
                if place < 0:
                    return ENDS_EARLY
                bits, run, unit = Bits(place, 0, 0, 0), 0, 0
            unit += 1
            for c in range(parts.shape[0]):
                wide, dc, ac = parts[c, 0], tables[parts[c, 2]], tables[parts[c, 3]]
                for i in range(wide * parts[c, 1]):
                    if progressive == 0:
                        bits = _sequential(data, bits, dc, ac)
                    elif low == 0:
                        size = 1
                        if refines == 0:
                            bits, size = _code(data, bits, dc)
                        bits, _ = _number(data, bits, size & 15)
                    else:
                        row = y * parts[c, 1] + i // wide
                        block = parts[c, 4] + row * parts[c, 5] + x * wide + i % wide
                        known = seen[block]
                        if refines == 0:
                            bits, run, known = _first(data, bits, ac, band, run, known)
                        else:
                            bits, run, known = _refined(data, bits, ac, band, run, known)
                        seen[block] = known
                    if bits.fault != 0:
                        return bits.fault
    return bits.place
