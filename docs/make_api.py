"""Write the table of every public name, from the docstrings.

    python docs/make_api.py [FILE]
"""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path

import detutils

HEAD = """# Every public name

Written by `docs/make_api.py`. The whole contract of a name (shapes, units, ties, thresholds met exactly,
empty input, errors, cost, source, an example) is what `help(detutils.nms)` prints.
"""


def summary(thing: object) -> str:
    """The first sentence of a docstring, in one line."""
    paragraph = (inspect.getdoc(thing) or "").partition("\n\n")[0]
    return " ".join(paragraph.split()).replace("|", "\\|")


def call(name: str, thing: object) -> str:
    """A function with its parameters, defaults included; a class by its name."""
    if inspect.isclass(thing):
        return name
    parts, starred = [], False
    for parameter in inspect.signature(thing).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        text = ("**" if parameter.kind is parameter.VAR_KEYWORD else "") + parameter.name
        parts.append(text if parameter.default is parameter.empty else f"{text}={parameter.default!r}")
    return f"{name}({', '.join(parts)})"


def main() -> None:
    """One table for each module, in the order of the package."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "api.md"
    lines = [HEAD]
    rooms: dict[str, list[str]] = {}
    for name in detutils.__all__:
        if name != "__version__":
            rooms.setdefault(getattr(detutils, name).__module__, []).append(name)
    for room, names in rooms.items():
        lines += [f"## {room}", "", summary(importlib.import_module(room)), ""]
        lines += ["| name | what it does |", "| --- | --- |"]
        for name in names:
            thing = getattr(detutils, name)
            lines.append(f"| `{call(name, thing)}` | {summary(thing)} |")
        lines.append("")
    target.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
