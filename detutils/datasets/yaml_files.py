"""YAML files, read by PyYAML's safe loader where it is installed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from detutils.datasets.entries import is_bad_entry
from detutils.datasets.text_files import broken, decode, read_bytes

LARGEST = 1 << 20  # bytes; a description of a data set has a few hundred
DEEPEST = 20  # PyYAML's time grows with the square of the depth


def read_yaml(file: Path) -> Any:
    """The value in a YAML file."""
    try:
        yaml: Any = import_module("yaml")
    except ImportError as error:
        raise ImportError(f"{file} needs PyYAML (pip install 'detutils[yaml]'): {error}") from error
    content = read_bytes(file)
    if len(content) > LARGEST:
        broken(file, "", f"has {len(content)} bytes, more than the {LARGEST} that a description needs")
    text = decode(file, content)
    try:
        deep = 0
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            name = type(token).__name__
            deep += name.endswith(("SequenceStartToken", "MappingStartToken"))
            deep -= name in ("BlockEndToken", "FlowSequenceEndToken", "FlowMappingEndToken")
            if deep > DEEPEST:
                broken(file, f"line {token.start_mark.line + 1}", "nested too deeply")
            if isinstance(token, yaml.AliasToken):  # a few of them can stand for a memory full of values
                broken(file, f"line {token.start_mark.line + 1}", "has an alias, which a description does not need")
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}"
        broken(file, place, str(error.problem or error.context or "not YAML"))
    except RecursionError:
        broken(file, "", "nested too deeply")
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:  # control characters, impossible dates
        if isinstance(error, ValueError) and is_bad_entry(error):
            raise
        broken(file, "", f"not YAML: {error}")
