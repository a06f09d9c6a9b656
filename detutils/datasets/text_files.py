"""Reading and writing whole text files, with errors that name the file and the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from detutils._files import check_regular, read_file, replace_file
from detutils.datasets.entries import bad_entry
from detutils.pictures.files import READABLE


def broken(path: Path, place: str, text: str, kind: str = "unreadable file") -> NoReturn:
    """The error for a file that can be read but not understood; ``kind`` is how such errors are counted."""
    raise bad_entry(path, place, text, kind)


def read_bytes(path: Path) -> bytes:
    """The content of a file; OSError with the path if it cannot be read, ValueError if it is empty."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, not a file")
    content = read_file(path)
    if not content or content.isspace():
        broken(path, "", "the file is empty")
    return content


def decode(path: Path, content: bytes) -> str:
    """UTF-8 text, with or without a byte order mark; UTF-16 with one, as some shells write it."""
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        broken(path, f"line {line}", f"not UTF-{16 if wide else 8} text (byte {error.start})")


def read_json(path: Path) -> Any:
    """The value in a JSON file."""
    text = decode(path, read_bytes(path))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        broken(path, f"line {error.lineno}, column {error.colno}", error.msg)
    except RecursionError:
        broken(path, "", "nested too deeply")
    except ValueError as error:  # an integer with thousands of digits
        broken(path, "", str(error))


def number(text: str) -> float:
    """A number in plain notation; Python's float would also take 4_8 and the digits of other scripts."""
    if not text.isascii() or "_" in text:
        raise ValueError(f"{text!r} is not a number")
    return float(text)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole or not at all."""
    content = json.dumps(value, allow_nan=False).encode()
    replace_file(path, lambda target: target.write(content))


def picture_size(path: Path) -> tuple[int, int]:
    """(height, width) of an image file as ``read_image`` would give it, from its header alone."""
    from PIL import Image, UnidentifiedImageError

    check_regular(path)
    try:
        with Image.open(path, formats=tuple(READABLE)) as picture:
            width, height = picture.size
            quarter_turn = _orientation(picture) in (5, 6, 7, 8)
    except UnidentifiedImageError:
        broken(path, "", "is empty, damaged or no image")
    except Exception as error:  # decoders raise SyntaxError, struct.error, EOFError and more on damaged files
        if isinstance(error, OSError) and error.filename is not None:
            raise
        broken(path, "", f"cannot be read as an image: {error}")
    return (width, height) if quarter_turn else (height, width)


def _orientation(picture: Any) -> int:
    try:
        return int(picture.getexif().get(274, 1))
    except Exception:  # broken EXIF must not hide a good picture
        return 1
