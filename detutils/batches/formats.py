"""Records of images as lines of JSON, and shards of them as JSON lines or Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from detutils._files import replace_file

Format = Literal["jsonl", "parquet"]
FORMATS: tuple[Format, ...] = ("jsonl", "parquet")
TAKEN = ("path", "error")  # fields that every record may have


def check_format(name: Format) -> None:
    """Refuse a format whose library is not there now, not after hours of work."""
    if name == "parquet":
        _arrow()


def record_line(name: str, value: Any) -> bytes:
    """The record of a value: its fields behind the path, or the field ``value``; one line."""
    value = plain(value)
    fields = value if isinstance(value, dict) else {"value": value}
    taken = [field for field in TAKEN if field in fields]
    if taken:
        raise ValueError(f"the function's value has a field {taken[0]!r}, which the record of an image has itself")
    return json.dumps({"path": name, **fields}).encode() + b"\n"


def error_line(name: str, error: str) -> bytes:
    """The record of an image that failed."""
    return json.dumps({"path": name, "error": error}).encode() + b"\n"


def plain(value: Any) -> Any:
    """Numbers, texts, lists and dicts for arrays, records, paths and what holds them."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "_asdict"):
        value = value._asdict()
    elif hasattr(value, "to_dict") and not isinstance(value, type):
        value = value.to_dict()
    elif hasattr(value, "__array__"):
        return np.asarray(value).tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(part) for part in value]
    return value


def begins_as(name: str) -> bytes:
    """How the record of this image begins, which tells it from others without reading it whole."""
    return b'{"path": ' + json.dumps(name).encode()


def is_failure(line: bytes, name: str) -> bool:
    """Whether the record of this image is that of an error."""
    return line.startswith(b', "error": ', len(begins_as(name)))


# ---- shards ------------------------------------------------------------------------------------------------

def write_shard(path: Path, lines: Sequence[bytes], format: Format) -> None:
    """Lines of JSON as a file of the format, which appears whole."""
    if format == "jsonl":
        replace_file(path, lambda target: target.writelines(lines))
        return
    arrow, parquet = _arrow()
    records = [_unicode(json.loads(line)) for line in lines]
    columns = list(dict.fromkeys(field for record in records for field in record))
    columns += [field for field in TAKEN if field not in columns]
    table = {}
    for column in columns:
        try:
            kind = arrow.string() if column in TAKEN else None
            table[column] = arrow.array([record.get(column) for record in records], kind)
        except (arrow.ArrowException, UnicodeEncodeError) as error:
            raise ValueError(
                f"{path} cannot be written: the values of {column!r} are of several kinds, and a column of Parquet is "
                f"of one ({error}); give the function one kind of value, or take the format 'jsonl' in another folder"
            ) from error

    def write(target: BinaryIO) -> None:
        parquet.write_table(arrow.table(table), target, compression="zstd")

    replace_file(path, write)


def check_shard(path: Path, names: Sequence[str], format: Format) -> int:
    """How many images of a shard failed; ValueError, with the way out, if it is not whole."""
    fault, failed = "", 0
    try:
        if format == "parquet":
            table = _arrow()[1].read_table(path, columns=list(TAKEN))
            there = table.column("path").to_pylist()
            failed = len(there) - table.column("error").null_count
        else:
            there = []
            with open(path, "rb") as source:
                for name, line in zip(names, source, strict=False):
                    if not (line.startswith(begins_as(name)) and line.endswith(b"}\n")):
                        break
                    failed += is_failure(line, name)
                    there.append(name)
                if source.read(1):
                    fault = "it holds other records"
        if not fault and there != [_text(name) if format == "parquet" else name for name in names]:
            fault = f"it does not hold its {len(names)} records"
    except OSError:
        raise
    except Exception as error:  # Arrow has its own
        fault = str(error)
    if fault:
        raise ValueError(f"{path} is damaged ({fault}): remove it, and a run with resume makes it again")
    return failed


def read_shard(path: Path, format: Format) -> Iterator[dict[str, Any]]:
    """The records of a shard, one by one."""
    if format == "parquet":
        for record in _arrow()[1].read_table(path).to_pylist():
            yield {field: value for field, value in record.items() if value is not None}
        return
    with open(path, "rb") as source:
        for line in source:
            yield json.loads(line)


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(f"Parquet needs pyarrow ({error}): pip install 'detutils[parquet]'") from error
    return pyarrow, pyarrow.parquet


def _unicode(value: Any) -> Any:
    """Names of files need not be text; Arrow's strings are."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {_text(key): _unicode(part) for key, part in value.items()}
    return value


def _text(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()
