"""XML as a tree whose nodes know their lines, from files that nobody vouches for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from detutils.datasets.text_files import broken, read_bytes


class Node:
    """An element: its tag, the line where it begins, its text in pieces, its children."""

    __slots__ = ("children", "chunks", "file", "line", "tag")

    def __init__(self, file: Path, tag: str, line: int) -> None:
        self.file = file
        self.tag = tag
        self.line = line
        self.chunks: list[str] = []
        self.children: list[Node] = []

    @property
    def text(self) -> str:
        """The element's own text without the blanks around it."""
        return "".join(self.chunks).strip()

    def all(self, tag: str) -> Iterator[Node]:
        """The children with a tag."""
        return (child for child in self.children if child.tag == tag)

    def get(self, tag: str) -> Node | None:
        """The one child with a tag, or None; two are an error."""
        found = list(self.all(tag))
        if len(found) > 1:
            found[1].wrong(f"<{self.tag}> has a second <{tag}>")
        return found[0] if found else None

    def need(self, tag: str) -> Node:
        """The one child with a tag; none and two are an error."""
        return self.get(tag) or self.wrong(f"<{self.tag}> has no <{tag}>")

    def word(self) -> str:
        """The text; none is an error."""
        return self.text or self.wrong(f"<{self.tag}> is empty")

    def wrong(self, text: str) -> NoReturn:
        """Raise ValueError with the path and the line."""
        broken(self.file, f"line {self.line}", text)


def read_xml(file: Path) -> Node:
    """The root element of a file.

    Document types are refused, and with them every entity that could swell or leak.
    """
    parser = expat.ParserCreate()
    top = Node(file, "", 0)
    stack = [top]

    def begin(tag: str, _attributes: dict[str, str]) -> None:
        node = Node(file, tag, parser.CurrentLineNumber)
        stack[-1].children.append(node)
        stack.append(node)

    def end(_tag: str) -> None:
        stack.pop()

    def text(characters: str) -> None:
        stack[-1].chunks.append(characters)

    def refuse(*_declaration: object) -> None:
        broken(file, f"line {parser.CurrentLineNumber}", "has a document type, which annotations do not need")

    parser.buffer_text = True
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(read_bytes(file), True)
    except expat.ExpatError as error:
        broken(file, f"line {error.lineno}, column {error.offset + 1}", expat.ErrorString(error.code))
    except LookupError as error:  # the file names an encoding that Python does not know
        broken(file, "line 1", str(error))
    return top.children[0]
