"""Annotations that nobody has looked at yet: their columns at once, their dictionaries when they are asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from detutils._files import read_file, read_padded
from detutils.compat.pycocotools._rows import Rows, rows_of_scan
from detutils.datasets._kernels.json_scan import BOX, INTEGER, NUMBER
from detutils.datasets.json_columns import PADDING, Text

PLACED = {"image_id": INTEGER, "category_id": INTEGER, "bbox": BOX}
ANNOTATION = {**PLACED, "area": NUMBER, "iscrowd": INTEGER, "id": INTEGER}
RESULT = {**PLACED, "score": NUMBER}


def scanned(path: Path) -> Text | None:
    """The bytes of a file, ready to be scanned, or None where ``json`` has to read them."""
    try:
        return Text(read_padded(path, PADDING))
    except UnicodeDecodeError:
        return None


def parsed(path: Path) -> Any:
    """What ``json`` makes of a file."""
    content = read_file(path)
    try:
        return json.loads(content)
    except ValueError as error:  # json's own error, with the line; it lacks the file
        error.add_note(f"in {path}")
        raise


class AnnotationFile:
    """A file of annotations: an object whose parts are read one by one."""

    def __init__(self, path: Path) -> None:
        self._parts: dict[str, Any] = {}
        self._rows: Rows | None = None
        self._scanned = False
        text = scanned(path)
        spans = text.members() if text is not None and text.first() == ord("{") else None
        if text is None or spans is None:
            whole = parsed(path)
            if type(whole) is not dict:
                raise AssertionError(f"annotation file format {type(whole)} not supported")
            self._text, self._spans, self._parts = None, dict.fromkeys(whole, (0, 0)), whole
        else:
            self._text, self._spans = text, spans

    def part(self, key: str) -> Any:
        """The value under a key; an empty list if there is none."""
        if key not in self._spans:
            return []
        if key not in self._parts and self._text is not None:
            self._parts[key] = json.loads(self._text.part(*self._spans[key]))
        return self._parts[key]

    def dataset(self) -> dict[str, Any]:
        """All of it, in the order of the file."""
        return {key: self.part(key) for key in self._spans}

    def rows(self) -> Rows | None:
        """The annotations as columns, where a scan is sure of them."""
        if not self._scanned and self._text is not None and "annotations" in self._spans:
            self._rows = rows_of_scan(self._text.objects(ANNOTATION, self._spans["annotations"][0]), False)
        self._scanned = True
        return self._rows


class Results:
    """Detections that were given to ``loadRes``: a list of entries, or the text of a file that holds one."""

    def __init__(self, entries: list[Any] | None, text: Text | None, rows: Rows | None, around: dict[str, Any]) -> None:
        self._entries, self._text, self._rows, self._around = entries, text, rows, around

    def part(self, key: str) -> Any:
        """``images`` or ``categories``."""
        return self._around[key]

    def rows(self) -> Rows | None:
        """The detections as columns; None where these do not hold the boxes."""
        return self._rows

    def dataset(self) -> dict[str, Any]:
        """The entries, each with what ``loadRes`` adds; those given are left as they are."""
        if self._text is not None:
            entries = json.loads(self._text.part(self._text.begin, self._text.array.size - PADDING))
        else:
            entries = [dict(entry) for entry in self._entries or []]
        for number, entry in enumerate(entries, start=1):
            x, y, width, height = entry["bbox"][:4]
            right, bottom = x + width, y + height
            if "segmentation" not in entry:
                entry["segmentation"] = [[x, y, x, bottom, right, bottom, right, y]]
            entry["area"], entry["id"], entry["iscrowd"] = width * height, number, 0
        return {**self._around, "annotations": entries}


def read_results(path: Path) -> tuple[list[Any] | None, Text | None, Rows | None]:
    """(entries, text, columns) of a file of results: either the entries, or the text and its columns."""
    text = scanned(path)
    if text is not None and text.first() == ord("["):
        columns = text.objects(RESULT)
        rows = rows_of_scan(columns, True)
        if columns is not None and rows is not None and rows.boxes.shape[0]:
            if b'"caption"' not in text.part(*columns.spans[0].tolist()):
                return None, text, rows
    entries = parsed(path)
    if type(entries) is not list:
        raise AssertionError("results in not an array of objects")
    return entries, None, None
