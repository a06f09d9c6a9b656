"""Raw outputs as rows of channels, whichever axis they lie on, level after level, and the rows that candidates take."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

import numpy as np

from detutils._jit import F8, I8
from detutils._kernels.limits import LIMIT
from detutils._validate import FLOAT32, FLOAT64, NDARRAY, Array, as_choice, as_image_size, as_integer, dimensions
from detutils.heads.assembly import joined
from detutils.heads.candidates import Background, Candidates, Channels, Judge, as_head, best_of, search, span_of

Window = tuple[float, float, float, float]
_BACKGROUNDS: tuple[Background, ...] = ("first", "last")
_FORMS = {"first": "(C, N), (1, C, N) or (C, H, W)", "last": "(N, C), (1, N, C) or (H, W, C)"}


class Level(NamedTuple):
    """An output of one feature map, or of all of them one after the other."""

    table: Array  # (N, C), a view where it can be
    grid: tuple[int, int] | None  # rows and columns, where the shape shows them
    shape: tuple[int, ...]  # as the user knows it


def as_levels(values: Any, name: str) -> list[tuple[str, Any]]:
    """The outputs of the levels with their names: a list or tuple of tables is one a level, anything else the only."""
    if isinstance(values, (list, tuple)) and values and all(map(_is_table, values)):
        return [(f"{name}[{level}]", value) for level, value in enumerate(values)]
    return [(name, values)]


def _is_table(value: Any) -> bool:
    """Whether a value is an array by itself; lists of lists of numbers are parts of one."""
    if type(value) is NDARRAY:
        return bool(value.ndim >= 2)
    return not isinstance(value, (list, tuple)) and dimensions(value) >= 2


def as_level(value: Any, name: str, channels: Channels, rows: int | None = None) -> Level:
    """One output as a table. ``rows``, where they are known, tell a batch of one from a map of one channel."""
    array = as_head(value, name, 4)
    shape = array.shape
    first = channels == "first"
    if array.ndim == 4:
        if shape[0] != 1:
            raise ValueError(f"{name} of shape {shape} holds {shape[0]} images on axis 0: give one of them, {name}[0]")
        array = array[0]
    elif array.ndim == 3 and shape[0] == 1:
        single = first and rows is not None and shape[2] != rows and shape[1] * shape[2] == rows
        array = array if single else array[0]
    elif array.ndim == 1:
        if array.size == 0:
            array = array.reshape(0, 0)
        elif rows is not None:
            array = array[None] if first else array[:, None]
    if array.ndim == 3:
        high, wide = array.shape[1:] if first else array.shape[:2]
        count = array.shape[0] if first else array.shape[2]
        flat = array.reshape((count, high * wide) if first else (high * wide, count))
        return Level(flat.T if first else flat, (high, wide), shape)
    if array.ndim != 2:
        raise ValueError(f"{name} must have shape {_FORMS[channels]}, as channels={channels!r} says, got {shape}")
    return Level(array.T if first else array, None, shape)


def raise_rows(level: Level, name: str, channels: Channels, rows: int, other: str) -> NoReturn:
    """The error for an output with another number of rows than it belongs to."""
    count, width = level.table.shape
    text = f"{name} of shape {level.shape} has {count} rows of {width} channels, as channels={channels!r} says"
    other_way = "last" if channels == "first" else "first"
    hint = f" (channels={other_way!r} would read {width} rows of {count})" if width == rows else ""
    raise ValueError(f"{text}, but {other} has {rows} rows{hint}")


def gather(tables: list[Array], rows: I8) -> F8:
    """Some rows of tables that are numbered through, ascending."""
    if len(tables) == 1:
        return np.ascontiguousarray(tables[0][rows], dtype=np.float64)
    found = np.empty((len(rows), tables[0].shape[1]))
    start, first = 0, 0
    for table in tables:
        start, begin = start + len(table), start
        last = int(np.searchsorted(rows, start))
        found[first:last] = table[rows[first:last] - begin]
        first = last
    return found


def read_tables(values: Any, name: str, channels: Channels, rows: list[int], other: str, width: int = 2) -> list[Array]:
    """The tables of what belongs to the rows of each level; ``width`` is that of no rows, where nothing shows it."""
    named = as_levels(values, name)
    if len(named) == 1 and len(rows) > 1:  # of all levels, one after the other
        table = read_tables(values, name, channels, [sum(rows)], other, width)[0]
        return np.split(table, np.cumsum(rows[:-1]))
    if len(named) != len(rows):
        raise ValueError(f"{name} must hold {len(rows)} arrays, one a level as {other} does, got {len(named)}")
    tables = []
    for (title, value), count in zip(named, rows, strict=True):
        level = as_level(value, title, channels, count)
        table = level.table
        if not count and not table.size:
            table = np.empty((0, (0 if len(table) else table.shape[1]) or width), table.dtype)
        elif len(table) != count:
            raise_rows(level, title, channels, count, other if len(rows) == 1 else f"{other}{title.removeprefix(name)}")
        tables.append(table)
    return tables


def read_scores(values: Any, name: str, channels: Channels, rows: list[int], other: str) -> list[Array]:
    """The scores of each level, of the same classes."""
    tables = read_tables(values, name, channels, rows, other)
    widths = [table.shape[1] for table in tables if len(table)]
    if len(set(widths)) > 1:
        raise ValueError(f"{name} must have the same classes on every level, got {widths}")
    return tables


def read_weights(values: Any, name: str, channels: Channels, rows: list[int], other: str) -> list[Array]:
    """One number for each row of each level."""
    tables = read_tables(values, name, channels, rows, other, 1)
    for level, table in enumerate(tables):
        if table.shape[1] != 1:
            title = name if len(tables) == 1 else f"{name}[{level}]"
            raise ValueError(f"{title} must have one number for each row of {other}, got {table.shape[1]}")
    return tables


def read_numbers(
    values: Any, name: str, channels: Channels, rows: list[int], other: str, each: int, *, exact: bool = False
) -> list[Array]:
    """The tables of what belongs to the rows: so many numbers for each, or (unless ``exact``) a multiple of it."""
    return check_width(read_tables(values, name, channels, rows, other, each), name, channels, each, exact=exact)


def check_width(tables: list[Array], name: str, channels: Channels, each: int, *, exact: bool = False) -> list[Array]:
    """Refuse tables of another width, or of different ones."""
    widths = {table.shape[1] for table in tables if len(table)} or {tables[0].shape[1] or each}
    if len(widths) > 1 or any(width % each or not width or (exact and width != each) for width in widths):
        got = [table.shape[1] for table in tables]
        wanted = f"{each} numbers a row" + ("" if exact else ", or a multiple of it, the same on every level")
        raise ValueError(
            f"{name} must have {wanted}, got {got[0] if len(got) == 1 else got} on the {channels} axis, as "
            f"channels={channels!r} says"
        )
    return [table if len(table) else np.empty((0, *widths), table.dtype) for table in tables]


def rounded(numbers: Array, tables: list[Array]) -> Array:
    """What was computed in float64 from tables, in float32 if they are."""
    if any(table.dtype is not FLOAT32 for table in tables):
        return numbers
    with np.errstate(over="ignore"):  # what leaves the range is judged with the boxes
        return numbers.astype(FLOAT32)


def as_window(clip_to: Any) -> Window | None:
    """The corner to which boxes are clipped, twice, where they are."""
    if clip_to is None:
        return None
    height, width = as_image_size(clip_to, "clip_to")
    return width, height, width, height


def clipped(boxes: F8, window: Window | None) -> F8:
    """Boxes inside of the window; NaN stays."""
    return boxes if window is None else np.clip(boxes, 0.0, window)


def judge_keypoints(boxes: F8, keypoints: Array, rows: I8, drop: bool) -> None:
    """Refuse rows whose keypoints are no places, or spoil their boxes: they are dropped before they suppress others."""
    bad = ~(np.abs(keypoints.astype(FLOAT64, copy=False)) <= LIMIT).all(axis=(1, 2))
    if bad.any():
        if not drop:
            text = f"keypoints of row {rows[bad.argmax()]}, whose score is above the threshold,"
            raise ValueError(f"{text} are not finite or beyond {LIMIT:g}")
        boxes[bad] = np.nan


def as_background(value: Any) -> Background | None:
    """Which class is the background, if one is."""
    return None if value is None else as_choice(value, "background", _BACKGROUNDS)


def as_most(value: Any, name: str) -> int | None:
    """How many at most, where limited."""
    return None if value is None else as_integer(value, name, 0)


def as_input_size(input_size: Any, letterbox: Any) -> tuple[float, float] | None:
    """(height, width) of the network's input, as given or as the letterbox knows it."""
    if input_size is None:
        return None if letterbox is None else as_image_size(letterbox.input_size, "letterbox.input_size")
    return as_image_size(input_size, "input_size")


def find(
    tables: list[Array],
    weights: list[Array] | None,
    judge: Judge,
    background: Background | None,
    most_a_level: int | None = None,
) -> Candidates:
    """The candidates of all levels, of each the best where they are limited, their rows numbered through."""
    found = []
    for level, table in enumerate(tables):
        if table.shape[1] - (background is not None) < 1:
            raise ValueError(f"scores must have a class{' beside the background' if background else ''}, got none")
        weight = None if weights is None else weights[level]
        if weight is not None and weight.dtype is not table.dtype:
            weight, table = weight.astype(FLOAT64, copy=False), table.astype(FLOAT64, copy=False)
        part = search(span_of(table), judge, None if weight is None else span_of(weight), background)
        found.append(best_of(part, most_a_level))
    return found[0] if len(found) == 1 else joined(found, list(map(len, tables)))
