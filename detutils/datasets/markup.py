"""XML as a tree whose nodes know their lines, from files that nobody vouches for."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from detutils.datasets.text_files import broken, number, read_bytes

DECLARATION = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")
OF_EXPAT = frozenset(("utf-8", "iso8859-1", "ascii"))
# What programs on Windows mean by these names: supersets, of which files declare the standard part.
AS_WINDOWS_HAS_THEM = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "cp950"}
OF_NO_FILE = frozenset(("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"))
FAR = 1e150  # coordinates beyond it overflow when they are squared


class Node:
    """An element: its tag, the line where it begins, its attributes, its text in pieces, its children."""

    __slots__ = ("attributes", "children", "chunks", "file", "line", "tag")

    def __init__(self, file: Path, tag: str, line: int, attributes: Mapping[str, str]) -> None:
        self.file = file
        self.tag = tag
        self.line = line
        self.attributes = attributes
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
            found[1].wrong(f"<{self.tag}> has a second <{tag}>", "repeated element")
        return found[0] if found else None

    def need(self, tag: str) -> Node:
        """The one child with a tag; none and two are an error."""
        return self.get(tag) or self.wrong(f"<{self.tag}> has no <{tag}>", "missing element")

    def word(self) -> str:
        """The text; none is an error."""
        return self.text or self.wrong(f"<{self.tag}> is empty", "empty element")

    def number(self) -> float:
        """The text as a finite number."""
        return self._finite(self.word(), f"<{self.tag}>")

    def attribute(self, name: str) -> str:
        """An attribute's text; none is an error."""
        text = self.attributes.get(name, "").strip()
        return text or self.wrong(f"<{self.tag}> has no {name}", "missing attribute")

    def numeric(self, name: str) -> float:
        """An attribute as a finite number."""
        return self._finite(self.attribute(name), f"{name} of <{self.tag}>")

    def wrong(self, text: str, kind: str) -> NoReturn:
        """Raise ValueError with the path and the line."""
        broken(self.file, f"line {self.line}", text, kind)

    def _finite(self, text: str, name: str) -> float:
        try:
            value = number(text)
        except ValueError:
            self.wrong(f"{name} must be a number, got {text[:80]!r}", "unusable number")
        if not abs(value) <= FAR:
            self.wrong(f"{name} is not finite, or beyond 1e150: {value}", "unusable number")
        return value


def read_xml(file: Path) -> Node:
    """The root element of a file, in any encoding that Python knows.

    Document types are refused, and with them every entity that could swell or leak.
    """
    content, encoding = _for_expat(file, read_bytes(file))
    parser = expat.ParserCreate(encoding)
    top = Node(file, "", 0, {})
    stack = [top]

    def begin(tag: str, attributes: dict[str, str]) -> None:
        node = Node(file, tag, parser.CurrentLineNumber, attributes)
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
        parser.Parse(content, True)
    except expat.ExpatError as error:
        broken(file, f"line {error.lineno}, column {error.offset + 1}", expat.ErrorString(error.code))
    return top.children[0]


def _for_expat(file: Path, content: bytes) -> tuple[bytes, str | None]:
    """The content in an encoding that expat reads, and its name where the declaration says another one."""
    declared = DECLARATION.match(content)
    if declared is None:
        return content, None
    name = declared[1].decode()
    try:
        codec = codecs.lookup(name).name
        if codec in OF_NO_FILE:
            raise LookupError
        if codec in OF_EXPAT:
            return content, None
        if codec.startswith(("utf-16", "utf-32")):  # whose declaration could not be read byte by byte
            return content, "utf-8"
        return _decoded(content, codec).encode(), "utf-8"
    except LookupError:  # also codecs that are no encodings of text
        broken(file, "line 1", f"unknown encoding: {name}", "unknown encoding")
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = content.count(b"\n", 0, start) + 1
        broken(file, f"line {line}", f"not {name} text, as it declares (byte {start})", "text of another encoding")


def _decoded(content: bytes, codec: str) -> str:
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        if codec not in AS_WINDOWS_HAS_THEM:
            raise
        return content.decode(AS_WINDOWS_HAS_THEM[codec])
