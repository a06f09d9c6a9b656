"""The numbers of JSON objects of one kind, read straight from the bytes of a file.

The scanner accepts only what it is sure of. A number that it cannot round with certainty, or an object whose wanted
members are not as expected, is noted with its place, to be read by ``float`` or ``json``; at a byte that is no JSON, or
that it does not understand, it gives up. The text must end with more NUL bytes than a wanted key has letters, so that
no loop has to look for the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detutils._jit import F8, I8, U1, inlined, kernel

# What a wanted member holds.
INTEGER, NUMBER, BOX, SPAN = 0, 1, 2, 3

GAVE_UP = -1
DEEPEST = 500  # nested arrays and objects inside a value

EXACT_POWERS = np.array([10.0**k for k in range(23)])  # float64 holds these exactly
LARGEST_EXACT = np.uint64(2**53)
SPLITTER = 134217729.0  # 2^27 + 1: cuts a float64 into two halves whose products are exact

QUOTE, BACKSLASH, MINUS, DOT, ZERO, COMMA, COLON = 34, 92, 45, 46, 48, 44, 58
OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT = 91, 93, 123, 125

# Where the state of a scan keeps what: the next byte, objects and numbers in doubt so far, whether the list has ended.
AT, COUNT, DOUBTS, ENDED = 0, 1, 2, 3

# Columns of integers that every object has: its first byte, the byte behind it, a bit for each member that was read,
# and whether it is in doubt.
BEGIN, END, SEEN, DOUBTFUL, FIRST_INTEGER = 0, 1, 2, 3, 4


@inlined
def _space(text: Any, at: Any) -> Any:
    """Past white space."""
    while text[at] == 32 or text[at] == 10 or text[at] == 13 or text[at] == 9:
        at += 1
    return at


@inlined
def _is_digit(byte: Any) -> Any:
    return (byte >= 48) & (byte <= 57)


@inlined
def _is_hexadecimal(byte: Any) -> Any:
    return _is_digit(byte) | ((byte | 32) >= 97) & ((byte | 32) <= 102)


@inlined
def _string(text: Any, at: Any) -> Any:
    """Past a string, whose opening quote is at ``at``."""
    at += 1
    while text[at] != QUOTE:
        if text[at] < 32:
            return GAVE_UP
        if text[at] == BACKSLASH:
            at += 1
            escape = text[at]
            if escape == 117:  # u
                for _ in range(4):
                    at += 1
                    if not _is_hexadecimal(text[at]):
                        return GAVE_UP
            elif escape not in (QUOTE, BACKSLASH, 47, 98, 102, 110, 114, 116):  # / b f n r t
                return GAVE_UP
        at += 1
    return at + 1


@inlined
def _digits(text: Any, at: Any, mantissa: Any, significant: Any) -> Any:
    """Past digits, appended to the mantissa; it is only right up to 19 significant ones."""
    if significant == 0:
        while text[at] == ZERO:
            at += 1
    begin = at
    while _is_digit(text[at]):
        mantissa = mantissa * np.uint64(10) + np.uint64(text[at] - 48)
        at += 1
    return at, mantissa, significant + at - begin


@inlined
def _quotient(mantissa: Any, power: Any) -> Any:
    """mantissa / power, rounded once, and whether that is certain.

    The mantissa is split into ``high + low``, both float64 without rounding. ``first`` is the quotient of ``high``; the
    product ``first * power = product + lost`` is exact (Dekker 1971), hence so is the remainder but for its last
    digits, and ``first + correction`` is the quotient to about 100 bits. Its rounding is certain unless what it leaves,
    made larger by a millionth, would round to a neighbor.
    """
    high = np.float64(mantissa)
    low = np.float64(np.int64(mantissa - np.uint64(high)))
    first = high / power
    product = first * power
    upper = SPLITTER * first
    upper = upper - (upper - first)
    lower = first - upper
    above = SPLITTER * power
    above = above - (above - power)
    below = power - above
    lost = ((upper * above - product) + upper * below + lower * above) + lower * below
    correction = (((high - product) - lost) + low) / power
    value = first + correction
    left = correction - (value - first)
    return value, value + left * 1.000001 == value


@inlined
def _number(text: Any, at: Any) -> Any:
    """(past a number, its value, whether that is certain)."""
    negative = text[at] == MINUS
    at += negative
    begin = at
    at, mantissa, significant = _digits(text, at, np.uint64(0), 0)
    if at == begin or (text[begin] == ZERO and at > begin + 1):
        return GAVE_UP, 0.0, False
    exponent: Any = 0
    integer = True
    if text[at] == DOT:
        begin = at + 1
        at, mantissa, significant = _digits(text, begin, mantissa, significant)
        if at == begin:
            return GAVE_UP, 0.0, False
        exponent = begin - at
        integer = False
    if (text[at] | 32) == 101:
        at += 1
        down = text[at] == MINUS
        at += down or text[at] == 43
        begin = at
        at, shift, length = _digits(text, at, np.uint64(0), 0)
        if at == begin:
            return GAVE_UP, 0.0, False
        if length > 6:
            return at, 0.0, False
        exponent += -np.int64(shift) if down else np.int64(shift)
        integer = False
    sure = significant <= 19
    value = np.float64(mantissa)
    if exponent < 0:
        if exponent < -22:
            sure = False
        elif mantissa <= LARGEST_EXACT:
            value = value / EXACT_POWERS[-exponent]
        else:
            value, certain = _quotient(mantissa, EXACT_POWERS[-exponent])
            sure = sure and certain
    elif exponent > 0:
        if exponent > 22 or mantissa > LARGEST_EXACT:
            sure = False
        else:
            value = value * EXACT_POWERS[exponent]
    if negative and not (integer and mantissa == np.uint64(0)):  # -0 is an integer, and those have no sign of zero
        value = -value
    return at, value, sure


@inlined
def _word(text: Any, at: Any) -> Any:
    """Past true, false or null."""
    if text[at] == 116 and text[at + 1] == 114 and text[at + 2] == 117 and text[at + 3] == 101:
        return at + 4
    if text[at] == 110 and text[at + 1] == 117 and text[at + 2] == 108 and text[at + 3] == 108:
        return at + 4
    if text[at] == 102 and text[at + 1] == 97 and text[at + 2] == 108 and text[at + 3] == 115 and text[at + 4] == 101:
        return at + 5
    return GAVE_UP


@inlined
def _plain(text: Any, at: Any) -> Any:
    """Past a string, a number or a word."""
    if text[at] == QUOTE:
        return _string(text, at)
    if text[at] == MINUS or _is_digit(text[at]):
        begin = at
        at, _, _ = _number(text, at)
        return at if at - begin < 1000 else GAVE_UP  # Python refuses integers of thousands of digits
    return _word(text, at)


@inlined
def _colon(text: Any, at: Any) -> Any:
    """Past a colon and the space around it."""
    at = _space(text, at)
    return _space(text, at + 1) if text[at] == COLON else GAVE_UP


@inlined
def _key(text: Any, at: Any) -> Any:
    """Past a member's key and its colon, and the space behind."""
    if text[at] != QUOTE:
        return GAVE_UP
    at = _string(text, at)
    return GAVE_UP if at == GAVE_UP else _colon(text, at)


@inlined
def _value(text: Any, at: Any, nest: Any) -> Any:
    """Past any value; ``nest`` holds what is open."""
    depth = 0
    while True:
        byte = text[at]
        if byte in (OPEN_LIST, OPEN_OBJECT):
            if depth == DEEPEST:
                return GAVE_UP
            nest[depth] = byte
            depth += 1
            at = _space(text, at + 1)
            if text[at] != byte + 2:  # the closing bracket follows two behind the opening one
                if byte == OPEN_OBJECT:
                    at = _key(text, at)
                    if at == GAVE_UP:
                        return GAVE_UP
                continue
        else:
            at = _plain(text, at)
            if at == GAVE_UP:
                return GAVE_UP
            if depth == 0:
                return at
            at = _space(text, at)
        while text[at] == nest[depth - 1] + 2:
            at += 1
            depth -= 1
            if depth == 0:
                return at
            at = _space(text, at)
        if text[at] != COMMA:
            return GAVE_UP
        at = _space(text, at + 1)
        if nest[depth - 1] == OPEN_OBJECT:
            at = _key(text, at)
            if at == GAVE_UP:
                return GAVE_UP


@inlined
def _integer(text: Any, at: Any) -> Any:
    """(past an integer of at most 18 digits, its value)."""
    negative = text[at] == MINUS
    begin = at + negative
    at, value, _ = _digits(text, begin, np.uint64(0), 0)
    if at == begin or at - begin > 18 or (text[begin] == ZERO and at > begin + 1):
        return GAVE_UP, 0
    if text[at] == DOT or (text[at] | 32) == 101:
        return GAVE_UP, 0
    return at, -np.int64(value) if negative else np.int64(value)


@inlined
def _which(text: Any, at: Any, keys: Any) -> Any:
    """The wanted member whose key begins behind the quote at ``at``, or -1. A row of ``keys``: length, then bytes."""
    for k in range(keys.shape[0]):
        length = keys[k, 0]
        if text[at + 1 + length] == QUOTE:
            same = True
            for i in range(length):
                if text[at + 1 + i] != keys[k, 1 + i]:
                    same = False
                    break
            if same:
                return k
    return -1


@inlined
def _is_escaped(text: Any, at: Any) -> Any:
    """Whether the key whose quote is at ``at`` is written with escapes, so that it may be a wanted one in disguise."""
    at += 1
    while text[at] != QUOTE and text[at] >= 32:
        if text[at] == BACKSLASH:
            return True
        at += 1
    return False


@inlined
def _doubt(doubts: Any, state: Any, row: Any, column: Any, begin: Any, end: Any) -> None:
    at = state[DOUBTS]
    doubts[at, 0], doubts[at, 1], doubts[at, 2], doubts[at, 3] = row, column, begin, end
    state[DOUBTS] = at + 1


@inlined
def _numbers(text: Any, at: Any, state: Any, row: Any, column: Any, count: Any, numbers: Any, doubts: Any) -> Any:
    """Past one number, or a list of so many."""
    listed = count > 1
    if listed:
        if text[at] != OPEN_LIST:
            return GAVE_UP
        at = _space(text, at + 1)
    for c in range(count):
        begin = at
        at, value, sure = _number(text, at)
        if at == GAVE_UP:
            return GAVE_UP
        numbers[row, column + c] = value
        if not sure:
            _doubt(doubts, state, row, column + c, begin, at)
        if listed:
            at = _space(text, at)
            if text[at] != (COMMA if c < count - 1 else CLOSE_LIST):
                return GAVE_UP
            at += 1
            if c < count - 1:
                at = _space(text, at)
    return at


@kernel(
    "void(uint8[::1], int64[::1], uint8[:,::1], int64[:,::1], int64[:,::1], float64[:,::1], int64[:,::1], uint8[::1])"
)
def scan_objects(
    text: U1, state: I8, keys: U1, wanted: I8, integers: I8, numbers: F8, doubts: I8, nest: U1
) -> None:
    """Read objects of a list from ``state`` on, until the rows of ``integers`` or of ``doubts`` are full.

    ``wanted`` holds the kind and the first column of each key. ``state[AT]`` becomes ``GAVE_UP`` where the text is not
    understood. Between two calls it is at an object, behind the opening bracket or a comma.
    """
    state[COUNT], state[DOUBTS] = 0, 0
    at = state[AT]
    for row in range(integers.shape[0]):
        if state[DOUBTS] + 64 > doubts.shape[0]:
            break
        at = _space(text, at)
        begin = at
        if text[at] != OPEN_OBJECT:
            state[AT] = GAVE_UP
            return
        before = state[DOUBTS]
        seen, good = 0, True
        integers[row, :], numbers[row, :] = 0, 0.0
        at = _space(text, at + 1)
        if text[at] == CLOSE_OBJECT:
            at += 1
        else:
            while True:
                k = _which(text, at, keys) if text[at] == QUOTE else -1
                # Of members of one name the last counts, however the name is written: rare, so json's task.
                strange = (k < 0 and _is_escaped(text, at)) or (k >= 0 and (seen >> k) & 1)
                if strange:
                    at = GAVE_UP
                else:
                    at = _colon(text, at + keys[k, 0] + 2) if k >= 0 else _key(text, at)
                if at == GAVE_UP:
                    break
                start = at
                if k < 0:
                    at = _value(text, at, nest)
                elif wanted[k, 0] == INTEGER:
                    at, integers[row, wanted[k, 1]] = _integer(text, at)
                elif wanted[k, 0] == SPAN:
                    at = _value(text, at, nest)
                    integers[row, wanted[k, 1]], integers[row, wanted[k, 1] + 1] = start, at
                else:
                    count = 4 if wanted[k, 0] == BOX else 1
                    at = _numbers(text, at, state, row, wanted[k, 1], count, numbers, doubts)
                if at == GAVE_UP or state[DOUBTS] - before > 48:
                    break
                if k >= 0:
                    seen |= 1 << k
                at = _space(text, at)
                if text[at] == CLOSE_OBJECT:
                    at += 1
                    break
                if text[at] != COMMA:
                    at = GAVE_UP
                    break
                at = _space(text, at + 1)
            if at == GAVE_UP or state[DOUBTS] - before > 48:
                good = False
                state[DOUBTS] = before
                at = _value(text, begin, nest)
                if at == GAVE_UP:
                    state[AT] = GAVE_UP
                    return
        integers[row, BEGIN], integers[row, END] = begin, at
        integers[row, SEEN], integers[row, DOUBTFUL] = seen, not good
        state[COUNT] = row + 1
        at = _space(text, at)
        if text[at] == CLOSE_LIST:
            state[AT], state[ENDED] = at + 1, 1
            return
        if text[at] != COMMA:
            state[AT] = GAVE_UP
            return
        at += 1
    state[AT] = at


@kernel("int64(uint8[::1], int64, uint8[::1], int64[:,::1])")
def scan_members(text: U1, at: int, nest: U1, members: I8) -> int:
    """The members of the object at ``at``: where each key begins, behind its quote, where its value begins and ends.

    How many there are, or ``GAVE_UP`` for no object, one that is not understood, or more than ``members`` has rows for.
    The last row holds where the object ended.
    """
    at = _space(text, at)
    if text[at] != OPEN_OBJECT:
        return GAVE_UP
    at = _space(text, at + 1)
    count = 0
    while text[at] != CLOSE_OBJECT:
        if count > 0:
            if text[at] != COMMA:
                return GAVE_UP
            at = _space(text, at + 1)
        if count == members.shape[0] - 1:
            return GAVE_UP
        members[count, 0] = at + 1
        at = _key(text, at)
        if at == GAVE_UP:
            return GAVE_UP
        members[count, 1] = at
        at = _value(text, at, nest)
        if at == GAVE_UP:
            return GAVE_UP
        members[count, 2] = at
        count += 1
        at = _space(text, at)
    members[members.shape[0] - 1, 0] = at + 1
    return count
