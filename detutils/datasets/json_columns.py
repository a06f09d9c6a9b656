"""JSON lists of like objects as columns: bytes are scanned where that is certain, and left to ``json`` elsewhere."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import B1, F8, I8, U1
from detutils.datasets._kernels import json_scan
from detutils.datasets._kernels.json_scan import BOX, INTEGER, NUMBER, SPAN

ROWS = 1 << 15  # objects a call of the kernel: some ten milliseconds, so that Ctrl-C is heard
DOUBTS = 1 << 15
PADDING = 64  # more than any wanted key has letters
WIDTHS = {INTEGER: 1, SPAN: 2, NUMBER: 1, BOX: 4}


class Columns(NamedTuple):
    """The objects of a list: by name, a column of each wanted member and whether it is there.

    ``spans`` are the bytes of each object; ``doubtful`` objects are to be read by ``json`` from theirs.
    """

    values: dict[str, Any]
    seen: dict[str, B1]
    spans: I8
    doubtful: B1


class Text:
    """The bytes of a file, ready to be scanned."""

    def __init__(self, content: bytearray) -> None:
        """``content`` ends with ``PADDING`` zeros."""
        self.begin = 3 if content.startswith(b"\xef\xbb\xbf") else 0
        if not content.isascii():
            content[self.begin :].decode("utf-8")  # raises UnicodeDecodeError, as json would
        self.array: U1 = np.frombuffer(content, np.uint8)
        self.nest: U1 = np.empty(json_scan.DEEPEST, np.uint8)

    def first(self) -> int:
        """The first byte that is not white space; 0 at the end."""
        at = self.begin
        while self.array[at] in b" \t\r\n":
            at += 1
        return int(self.array[at])

    def part(self, begin: int, end: int) -> bytes:
        """Some of the bytes."""
        return self.array[begin:end].tobytes()

    def is_blank(self, begin: int) -> bool:
        """Whether nothing but white space follows."""
        return not self.part(begin, self.array.size - PADDING).strip(b" \t\r\n")

    def members(self) -> dict[str, tuple[int, int]] | None:
        """Where the values of the one object in the text stand, by key; None where that is not certain."""
        found: I8 = np.empty((1025, 3), np.int64)
        count = json_scan.scan_members(self.array, self.begin, self.nest, found)
        if count == json_scan.GAVE_UP or not self.is_blank(int(found[-1, 0])):
            return None
        spans = {}
        for key_begin, begin, end in found[:count].tolist():
            key, _ = json.JSONDecoder().raw_decode(self.part(key_begin - 1, begin).decode())
            spans[key] = (begin, end)
        return spans

    def objects(self, wanted: dict[str, int], begin: int | None = None) -> Columns | None:
        """The list of objects that begins there (by default: that is the whole text) as columns, or None where the text
        is not understood."""
        at = self.begin if begin is None else begin
        while self.array[at] in b" \t\r\n":
            at += 1
        if self.array[at] != json_scan.OPEN_LIST:
            return None
        keys, kinds, layout = _layout(wanted)
        table = _Table(np.empty((0, layout.integers), np.int64), np.empty((0, layout.numbers)))
        count = 0
        end = at + 1
        while self.array[end] in b" \t\r\n":
            end += 1
        state: I8 = np.array([at + 1, 0, 0, self.array[end] == json_scan.CLOSE_LIST])
        doubts: I8 = np.empty((DOUBTS, 4), np.int64)
        while not state[json_scan.ENDED]:
            table = table.with_room(count, self._objects_left(count, at, int(state[json_scan.AT])))
            integers, numbers = table.integers[count : count + ROWS], table.numbers[count : count + ROWS]
            json_scan.scan_objects(self.array, state, keys, kinds, integers, numbers, doubts, self.nest)
            end = int(state[json_scan.AT]) - 1
            if state[json_scan.AT] == json_scan.GAVE_UP:
                return None
            for row, column, start, stop in doubts[: state[json_scan.DOUBTS]].tolist():
                numbers[row, column] = float(self.part(start, stop))
            count += int(state[json_scan.COUNT])
        if begin is None and not self.is_blank(end + 1):
            return None
        return _columns(wanted, kinds, table.integers[:count], table.numbers[:count])

    def _objects_left(self, count: int, begin: int, at: int) -> int:
        """A guess how many objects follow, from how long those before were."""
        return int(1.02 * (self.array.size - at) * count / (at - begin)) + 100 if count else ROWS


class _Table(NamedTuple):
    integers: I8
    numbers: F8

    def with_room(self, count: int, more: int) -> _Table:
        """The same ``count`` rows with room behind them: a table that grows once or twice costs few page faults."""
        if self.integers.shape[0] >= count + 64:
            return self
        integers: I8 = np.empty((count + more, self.integers.shape[1]), np.int64)
        numbers: F8 = np.empty((count + more, self.numbers.shape[1]))
        integers[:count], numbers[:count] = self.integers[:count], self.numbers[:count]
        return _Table(integers, numbers)


class _Layout(NamedTuple):
    integers: int
    numbers: int


def _layout(wanted: dict[str, int]) -> tuple[U1, I8, _Layout]:
    """The keys as the kernel compares them, the kind and first column of each, and how many columns there are."""
    keys: U1 = np.zeros((len(wanted), 1 + max(map(len, wanted))), np.uint8)
    kinds: I8 = np.empty((len(wanted), 2), np.int64)
    integers, numbers = json_scan.FIRST_INTEGER, 0
    for k, (name, kind) in enumerate(wanted.items()):
        keys[k, 0] = len(name)
        keys[k, 1 : 1 + len(name)] = np.frombuffer(name.encode(), np.uint8)
        whole = kind in (INTEGER, SPAN)
        kinds[k] = kind, integers if whole else numbers
        integers += WIDTHS[kind] * whole
        numbers += WIDTHS[kind] * (not whole)
    return keys, kinds, _Layout(integers, numbers)


def _columns(wanted: dict[str, int], kinds: I8, integers: I8, numbers: F8) -> Columns:
    values: dict[str, Any] = {}
    seen: dict[str, B1] = {}
    for k, (name, kind) in enumerate(wanted.items()):
        first = int(kinds[k, 1])
        table = integers if kind in (INTEGER, SPAN) else numbers
        values[name] = table[:, first] if WIDTHS[kind] == 1 else table[:, first : first + WIDTHS[kind]]
        seen[name] = (integers[:, json_scan.SEEN] >> k & 1).astype(np.bool_)
    spans = integers[:, json_scan.BEGIN : json_scan.END + 1]
    return Columns(values, seen, spans, integers[:, json_scan.DOUBTFUL] == 1)
