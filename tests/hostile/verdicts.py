"""A cell and its verdict: what came of a value in the place of an argument, and what is wrong with that."""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import detutils
from detutils._jit import CacheWarning
from tests.hostile.files import write_files
from tests.hostile.goods import Entry
from tests.hostile.kinds import INVALID
from tests.hostile.values import values_for

REFUSALS = (TypeError, ValueError, MemoryError, OSError)


class Verdict(NamedTuple):
    """Of one cell; ``fault`` is empty if all is well."""

    function: str
    argument: str
    value: str
    fault: str
    text: str


def same(ours: Any, theirs: Any, loose: bool = False) -> bool:
    """Whether two results are one, bit for bit; ``loose`` for the float32 results of float32 arguments."""
    if isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray):
        if ours.shape != theirs.shape:
            return False
        if loose and ours.dtype.kind in "fiu":
            return bool(np.allclose(ours, theirs, rtol=1e-5, atol=1e-6, equal_nan=True))
        return (
            ours.dtype == theirs.dtype
            and np.ascontiguousarray(ours).tobytes() == np.ascontiguousarray(theirs).tobytes()
        )
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, (tuple, list)) or (isinstance(ours, Sequence) and not isinstance(ours, (str, bytes))):
        return len(ours) == len(theirs) and all(same(a, b, loose) for a, b in zip(ours, theirs, strict=True))
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(same(value, theirs[key], loose) for key, value in ours.items())
    if isinstance(ours, detutils.Detections):
        return same(ours.to_dict(), theirs.to_dict(), loose)
    if isinstance(ours, float):
        return (
            ours == theirs
            or (ours != ours and theirs != theirs)
            or (loose and math.isclose(ours, theirs, rel_tol=1e-5))
        )
    if isinstance(ours, (detutils.BoxRegressor, detutils.RCNN)):
        return True
    return bool(ours == theirs)


def outcome(entry: Entry, name: str, value: Any) -> tuple[Any, BaseException | None]:
    given = {
        key: argument.good for key, argument in entry.arguments.items() if argument.good is not None or key == name
    }
    given[name] = value
    try:
        with warnings.catch_warnings(action="error"), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore", CacheWarning)
            warnings.filterwarnings("ignore", "the typeface lacks")  # drawn, with a mark in the place of the letter
            return entry.function(**given), None
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return None, error


def refusal(entry: Entry, name: str, value: Any, error: BaseException) -> str:
    """What is wrong with a refusal, or nothing."""
    if not isinstance(error, REFUSALS) or type(error).__module__ != "builtins":
        return f"{type(error).__name__}: {error}"
    text = str(error)
    words = (*entry.arguments[name].words, name)
    if isinstance(error, ValueError) and any(re.search(rf"\b{other}\b", text) for other in entry.arguments):
        return ""  # two arguments that do not go together
    if isinstance(error, OSError) or name in ("path", "folder", "font", "cache"):
        with contextlib.suppress(Exception):
            words += (os.fspath(value), Path(os.fspath(value)).name)
    return "" if any(word in text for word in words) else f"{type(error).__name__} does not name it: {text}"


def judge(entry: Entry, name: str, key: str, value: Any) -> Verdict:
    argument = entry.arguments[name]

    def verdict(fault: str, text: str = "") -> Verdict:
        return Verdict(entry.name, name, key, fault, " ".join(text.split())[:200])

    if argument.called and callable(value):  # what it raises is its own
        return verdict("")
    result, error = outcome(entry, name, value)
    wrong = refusal(entry, name, value, error) if error is not None else ""
    if wrong:
        return verdict("obscure", wrong)
    if (value is None and argument.optional) or key.removesuffix(", several") in argument.taken:
        return verdict("")
    meant = argument.kind(value)
    if meant is INVALID:
        return verdict("") if error is not None else verdict("accepted invalid", f"gave {result!r}")
    expected, refused = outcome(entry, name, meant)
    if refused is not None:
        again = refusal(entry, name, meant, refused)
        if again:
            return verdict("obscure", again)
        return verdict("" if error is not None else "accepted invalid", f"although {refused}")
    if error is not None:
        return verdict("valid refused", f"{type(error).__name__}: {error}")
    narrow = getattr(value, "dtype", None) == np.float32 or "float32" in key or "dtype" in argument.words
    if same(result, expected, narrow):
        return verdict("")  # no text: to print both takes longer than to compare them
    return verdict("silent wrong", f"{result!r} is not {expected!r}")


def cells(entry: Entry) -> Iterator[tuple[str, str, Any]]:
    """(argument, name of the value, value)."""
    for name, argument in entry.arguments.items():
        for key, value in values_for(argument.good, argument.kind):
            yield name, key, value


@contextlib.contextmanager
def workshop() -> Iterator[None]:
    """A folder of its own with the files that good arguments name."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            write_files()
            yield
        finally:
            os.chdir(before)
