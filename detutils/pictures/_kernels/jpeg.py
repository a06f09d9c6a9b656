"""The entropy-coded data of a JPEG, walked code by code to see whether they fill the picture (ISO/IEC 10918-1).

Only lengths matter here, never what the numbers behind the codes say. So a table can answer for several codes at once:
it is looked up with the next ``WIDTH`` bits, and a code in the middle of them may be followed by any number.
"""

from __future__ import annotations

import numpy as np

from detutils._jit import I8, U1, U2, embedded, inlined, kernel

ENDS_EARLY, BAD_CODE = -1, -2

# A table has two entries for every WIDTH bits, which lie apart because only the first kind is used all the time:
# - what fill_table joins: coefficients in bits 0-6, whether the block ends in 7, bits that it takes in 11-15;
# - the first code's symbol in bits 0-7 and its length in 8-12; 0 if the code is longer than WIDTH.
# Then how many codes there are of each length, and their symbols.
WIDTH = 11  # 10 and 12 are 5 % slower, 13 is 16 %
FIRST_CODES = 1 << WIDTH
COUNTS = 2 * FIRST_CODES
SYMBOLS = COUNTS + 16
TABLE_SIZE = SYMBOLS + 256
ENDS, UNKNOWN = 128, 127

MARGIN = 512  # bytes that a block may take beyond the data before this is noticed: 64 times 16 + 15 bits at most

TOP = np.uint64(64 - WIDTH)
SEVEN = np.uint64(7)
ONES, HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
PAIRS, FOURS, EIGHTS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)


# ---- tables ----------------------------------------------------------------------------------------------------------

@inlined
def _step(code: int) -> int:
    """How many coefficients a code of a sequential scan passes: figure F.13."""
    zeros, size = (code >> 4) & 15, code & 15
    return zeros + 1 if size > 0 or zeros == 15 else ENDS + 1


@inlined
def _joined(table: U2, window: int) -> int:
    """The entry for as many whole codes as ``window`` has, each with the number behind it.

    No code follows the end of a block, nor 64 coefficients. UNKNOWN coefficients stand for a longer code.
    """
    used, passed = 0, 0
    while used < WIDTH and passed < 64:
        code = int(np.int64(table[FIRST_CODES + ((window << used) & (FIRST_CODES - 1))]))
        length = code >> 8
        if length == 0 or used + length > WIDTH:
            break
        used += length + (code & 15)
        passed += _step(code)
    return (used << 11 | passed) if used > 0 else UNKNOWN


@kernel("void(uint8[::1], boolean, uint16[::1])")
def fill_table(definition: U1, join: bool, table: U2) -> None:
    """Make a table of zeros that of the codes that ``definition`` defines: how many of each length, then symbols.

    Codes count upward, the short ones first: annex C. ``join`` is for coefficients of sequential scans.
    """
    for place in range(definition.size):
        table[COUNTS + place] = definition[place]
    place, start = 16, FIRST_CODES
    for length in range(1, WIDTH + 1):
        for _ in range(definition[length - 1]):
            end = start + (1 << (WIDTH - length))
            for window in range(start, end):
                table[window] = length << 8 | int(np.int64(definition[place]))
            place, start = place + 1, end
    if join:
        for window in range(FIRST_CODES):
            table[window] = _joined(table, window)


@embedded
def _code(table: U2, window: np.uint64) -> int:
    """The code that ``window`` begins with: its symbol, and 256 times its length; 0 if it is none."""
    code = int(np.int64(table[np.uint64(FIRST_CODES) + (window >> TOP)]))
    return code if code != 0 else _long_code(table, int(window >> np.uint64(48)))


@embedded
def _long_code(table: U2, head: int) -> int:
    """``_code`` by the codes of each length in turn: figure F.16."""
    place, start = SYMBOLS, 0
    for length in range(1, 17):
        count = int(np.int64(table[COUNTS + length - 1]))
        nth = (head - start) >> (16 - length)
        if nth < count:
            return length << 8 | int(np.int64(table[place + nth]))
        place += count
        start += count << (16 - length)
    return 0


# ---- bits ------------------------------------------------------------------------------------------------------------

@embedded
def _word(data: U1, place: np.uint64) -> np.uint64:
    """Eight bytes as a number: compiled to one load."""
    word = np.uint64(data[place]) << np.uint64(56)
    word |= np.uint64(data[place + np.uint64(1)]) << np.uint64(48)
    word |= np.uint64(data[place + np.uint64(2)]) << np.uint64(40)
    word |= np.uint64(data[place + np.uint64(3)]) << np.uint64(32)
    word |= np.uint64(data[place + np.uint64(4)]) << np.uint64(24)
    word |= np.uint64(data[place + np.uint64(5)]) << np.uint64(16)
    word |= np.uint64(data[place + np.uint64(6)]) << np.uint64(8)
    return word | np.uint64(data[place + SEVEN])


@embedded
def _window(plain: U1, bit: int) -> np.uint64:
    """The bits from ``bit`` on, 57 at least."""
    return _word(plain, np.uint64(bit >> 3)) << np.uint64(bit & 7)


@embedded
def _put_word(plain: U1, place: np.uint64, word: np.uint64) -> None:
    """``_word`` backwards."""
    plain[place] = np.uint8(word >> np.uint64(56))
    plain[place + np.uint64(1)] = np.uint8((word >> np.uint64(48)) & np.uint64(255))
    plain[place + np.uint64(2)] = np.uint8((word >> np.uint64(40)) & np.uint64(255))
    plain[place + np.uint64(3)] = np.uint8((word >> np.uint64(32)) & np.uint64(255))
    plain[place + np.uint64(4)] = np.uint8((word >> np.uint64(24)) & np.uint64(255))
    plain[place + np.uint64(5)] = np.uint8((word >> np.uint64(16)) & np.uint64(255))
    plain[place + np.uint64(6)] = np.uint8((word >> np.uint64(8)) & np.uint64(255))
    plain[place + SEVEN] = np.uint8(word & np.uint64(255))


@inlined
def _unstuffed(data: U1, place: int, plain: U1) -> tuple[int, int]:
    """Copy the bytes up to the next marker, FF 00 as FF: how many they are, and the place of the marker."""
    count = 0
    while place < data.size:
        while place + 8 <= data.size:
            word = _word(data, np.uint64(place))
            if ((~word - ONES) & word & HIGHS) != 0:  # one of the eight is FF
                break
            _put_word(plain, np.uint64(count), word)
            place += 8
            count += 8
        while place < data.size:
            value = data[place]
            if value == 0xFF:
                after = place + 1
                while after < data.size and data[after] == 0xFF:
                    after += 1
                if after == data.size or data[after] != 0:
                    return count, place
                place = after
            plain[count] = value
            place += 1
            count += 1
            if value == 0xFF:
                break
    return count, place


@inlined
def _after_restart(data: U1, place: int) -> int:
    """The place after the restart marker that comes next, or -1 if another marker or nothing comes."""
    while place + 1 < data.size:
        if data[place] == 0xFF and data[place + 1] != 0 and data[place + 1] != 0xFF:
            return place + 2 if 0xD0 <= data[place + 1] <= 0xD7 else -1
        place += 1
    return -1


@embedded
def _ones(word: np.uint64) -> int:
    """How many bits are set: sums of two, four and eight of them side by side."""
    word -= (word >> np.uint64(1)) & PAIRS
    word = (word & FOURS) + ((word >> np.uint64(2)) & FOURS)
    word = (word + (word >> np.uint64(4))) & EIGHTS
    return int(np.int64((word * ONES) >> np.uint64(56)))


# ---- blocks: from the place of the first bit to that after the last, or to ~ the place of a bad code -----------------

@embedded
def _sequential(plain: U1, bit: int, dc: U2, ac: U2) -> int:
    """A block of a sequential scan: figures F.12 to F.14."""
    window = _window(plain, bit)
    code = _code(dc, window)
    if code == 0:
        return ~bit
    used = (code >> 8) + (code & 15)
    window <<= np.uint64(used)
    place, left = (bit >> 3) + 7, 56 - (bit & 7) - used
    k = 1
    while k < 64:
        window |= _word(plain, np.uint64(place)) >> np.uint64(left)
        place += (63 - left) >> 3
        left |= 56
        entry = int(np.int64(ac[window >> TOP]))
        used = entry >> 11
        if k + (entry & 127) <= 64:
            k += entry & 255
        else:  # a long code, or the block may end before the last of the codes
            code = _code(ac, window)
            if code == 0:
                return ~(8 * place - left)
            used = (code >> 8) + (code & 15)
            k += _step(code)
        window <<= np.uint64(used)
        left -= used
    return 8 * place - left


@embedded
def _more(window: np.uint64, code: int) -> tuple[int, int]:
    """Of the code for a run of blocks: its bits in all, and the number of blocks."""
    zeros, length = (code >> 4) & 15, code >> 8
    more = (window << np.uint64(length)) >> np.uint64(1) >> np.uint64(63 - zeros)
    return length + zeros, (1 << zeros) + int(np.int64(more))


@embedded
def _first(plain: U1, bit: int, ac: U2, band: tuple[int, int], run: int, seen: int) -> tuple[int, int, int]:
    """A block whose coefficients of a band come for the first time: section G.1.2.2.

    ``run`` is the number of blocks, this one included, of which nothing more comes; ``seen`` has bit k - 1 for
    each coefficient k that is not 0.
    """
    if run > 0:
        return bit, run - 1, seen
    k = band[0]
    while k <= band[1]:
        window = _window(plain, bit)
        code = _code(ac, window)
        if code == 0:
            return ~bit, 0, seen
        zeros, size = (code >> 4) & 15, code & 15
        if size == 0 and zeros < 15:
            length, run = _more(window, code)
            return bit + length, run - 1, seen
        bit += (code >> 8) + size
        k += zeros
        if size > 0 and k < 64:
            seen |= 1 << (k - 1)
        k += 1
    return bit, 0, seen


@embedded
def _refined(plain: U1, bit: int, ac: U2, band: tuple[int, int], run: int, seen: int) -> tuple[int, int, int]:
    """A block whose coefficients of a band get one bit more: section G.1.2.3, with ``run`` and ``seen`` as above."""
    k = band[0]
    while run == 0 and k <= band[1]:
        window = _window(plain, bit)
        code = _code(ac, window)
        if code == 0:
            return ~bit, 0, seen
        zeros, size = (code >> 4) & 15, code & 15
        if size == 0 and zeros < 15:
            length, run = _more(window, code)
            bit += length
            break
        bit += (code >> 8) + (1 if size > 0 else 0)
        while k <= band[1]:
            known = (seen >> (k - 1)) & 1
            if known + zeros == 0:
                break
            bit += known  # without a branch, which nobody could predict
            zeros += known - 1
            k += 1
        if size > 0 and k <= band[1]:
            seen |= 1 << (k - 1)
        k += 1
    if run > 0:
        run -= 1
        if seen != 0 and k <= band[1]:
            bit += _ones((np.uint64(seen) >> np.uint64(k - 1)) << np.uint64(63 - band[1] + k))
    return bit, run, seen


@kernel("int64(uint8[::1], int64, int64[:,::1], int64[::1], uint16[:,::1], int64[::1], uint8[::1])")
def walk_scan(data: U1, start: int, parts: I8, scan: I8, tables: U2, seen: I8, plain: U1) -> int:
    """The place after the data of a scan that begin at ``start``; ENDS_EARLY or BAD_CODE if they do not fill it.

    ``parts`` has a row for each component: blocks of a unit (MCU) across and down, rows of its two tables in
    ``tables``, and in ``seen`` its first block and the blocks of a row. ``scan``: units across and down, units
    between restarts (0 for none), first and last coefficient, whether it refines, whether it is progressive.
    ``seen`` has for each block bit k - 1 for each coefficient k that is not 0, and is brought up to date.
    ``plain`` is room for the data, and MARGIN bytes.
    """
    across, down, restart, low, high, refines, progressive = scan
    count, place = _unstuffed(data, start, plain)
    zero = int(np.int64(0))  # not 0, which is a type to Numba: what it is passed to would be compiled twice
    bit, run, unit = zero, zero, 0
    band = (low, high)
    for y in range(down):
        for x in range(across):
            if restart > 0 and unit == restart:
                place = _after_restart(data, place)
                if place < 0:
                    return ENDS_EARLY
                count, place = _unstuffed(data, place, plain)
                bit, run, unit = zero, zero, 0
            unit += 1
            for c in range(parts.shape[0]):
                dc, ac = tables[parts[c, 2]], tables[parts[c, 3]]
                for _ in range(parts[c, 0] * parts[c, 1]):
                    if progressive == 0:
                        bit = _sequential(plain, bit, dc, ac)
                    elif low == 0:
                        code = 1 << 8
                        if refines == 0:
                            code = _code(dc, _window(plain, bit))
                        bit = bit + (code >> 8) + (code & 15) if code != 0 else ~bit
                    else:
                        block = parts[c, 4] + y * parts[c, 5] + x  # such a scan has one component, and units of one
                        known = seen[block]
                        if refines == 0:
                            bit, run, known = _first(plain, bit, ac, band, run, known)
                        else:
                            bit, run, known = _refined(plain, bit, ac, band, run, known)
                        seen[block] = known
                    if bit > 8 * count or (bit < 0 and ~bit + 16 > 8 * count):
                        return ENDS_EARLY
                    if bit < 0:
                        return BAD_CODE
    return place
