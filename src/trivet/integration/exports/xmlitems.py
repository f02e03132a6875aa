"""XML of a configuration, one item at a time: a backup of a thousand channels needs the memory of one.

In: bytes, and the names of elements that are items. Out: items as small trees that know their bytes and lines, in the order of the file.
Refused (`BadExport`, with byte and line): what is not well-formed, a document type, an entity of its own, more than `DEPTH` levels,
`SIZE` bytes or `NODES` elements in one item. Nothing is fetched from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.parsers import expat

__all__ = ["DEPTH", "NODES", "SIZE", "BadExport", "Node", "items"]

DEPTH, NODES, SIZE = 200, 500_000, 512 << 20
# References to characters that XML 1.0 does not have. Engines write them (a file separator in a script); they are read as blanks.
STRANGE = re.compile(rb"&#(?:[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F])|0*(?:[0-8]|1[124-9]|2[0-9]|3[01]));")


class BadExport(Exception):
    """What is wrong, and where."""

    def __init__(self, code: str, why: str, offset: int, line: int) -> None:
        super().__init__(why)
        self.code, self.why, self.offset, self.line = code, why, offset, line


class Node:
    """One element: name, attributes, its own text, what is in it, its byte, line and place (`/channel/a/b[2]`)."""

    __slots__ = ("attrs", "children", "counts", "line", "offset", "place", "tag", "text")

    def __init__(self, tag: str, attrs: dict[str, str], place: str, offset: int, line: int) -> None:
        self.tag, self.attrs, self.place, self.offset, self.line = tag, attrs, place, offset, line
        self.children: list[Node] = []
        self.counts: dict[str, int] = {}
        self.text = ""

    def first(self, *path: str) -> Node | None:
        """The first element down a path of names."""
        node: Node | None = self
        for tag in path:
            node = next((child for child in node.children if child.tag == tag), None) if node is not None else None
        return node

    def said(self, *path: str) -> str:
        """The text down a path, without blanks around it; "" when there is none."""
        node = self.first(*path)
        return node.text.strip() if node is not None else ""

    def walk(self) -> Iterator[Node]:
        """This element and everything in it, in the order of the file."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


class _Reader:
    """Builds items from the parser's events. Use once."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names, self.done = names, list[Node]()
        self.above: list[str] = []
        self.counts: list[dict[str, int]] = [{}]
        self.stack: list[Node] = []
        self.text: list[list[str]] = []
        self.nodes = 0
        self.root = ""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self.start, self.end
        parser.CharacterDataHandler = self.characters
        parser.StartDoctypeDeclHandler = self.doctype
        parser.EntityDeclHandler = self.doctype
        self.parser = parser

    def wrong(self, code: str, why: str) -> BadExport:
        return BadExport(code, why, max(0, self.parser.CurrentByteIndex), self.parser.CurrentLineNumber)

    def doctype(self, *_: object) -> None:
        raise self.wrong("E811", "a document type or an entity declaration is not accepted")

    def start(self, tag: str, attrs: dict[str, str]) -> None:
        if len(self.above) + len(self.stack) >= DEPTH:
            raise self.wrong("E812", f"more than {DEPTH} levels")
        self.root = self.root or tag
        if self.stack:
            self.nodes += 1
            if self.nodes > NODES:
                raise self.wrong("E812", f"more than {NODES} elements in one item")
            parent = self.stack[-1]
            count = parent.counts[tag] = parent.counts.get(tag, 0) + 1
            node = Node(tag, attrs, self.place(parent.place, tag, count), *self.here())
            parent.children.append(node)
        else:
            count = self.counts[-1][tag] = self.counts[-1].get(tag, 0) + 1
            place = self.place("/".join(["", *self.above]), tag, count)
            if tag not in self.names:
                self.above.append(place.rpartition("/")[2])
                self.counts.append({})
                return
            self.nodes = 1
            node = Node(tag, attrs, place, *self.here())
        self.stack.append(node)
        self.text.append([])

    def here(self) -> tuple[int, int]:
        return self.parser.CurrentByteIndex, self.parser.CurrentLineNumber

    def place(self, parent: str, tag: str, count: int) -> str:
        return f"{parent}/{tag[:120]}[{count}]" if count > 1 else f"{parent}/{tag[:120]}"

    def characters(self, data: str) -> None:
        if self.text:
            self.text[-1].append(data)

    def end(self, _: str) -> None:
        if not self.stack:
            self.above.pop()
            self.counts.pop()
            return
        node = self.stack.pop()
        node.text = "".join(self.text.pop())
        if not self.stack:
            self.done.append(node)


def items(raw: bytes, names: frozenset[str], roots: frozenset[str]) -> Iterator[Node]:
    """Items of an export. Raises BadExport, after the items that stand before the wrong place; E813 when the root is not one of `roots`."""
    if len(raw) > SIZE:
        raise BadExport("E812", f"more than {SIZE} bytes", 0, 1)
    clean = STRANGE.sub(lambda found: b" " * len(found[0]), raw) if b"&#" in raw else raw
    reader = _Reader(names)
    step = 1 << 20
    try:
        for at in range(0, max(len(clean), 1), step):
            reader.parser.Parse(clean[at : at + step], at + step >= len(clean))
            if reader.root and reader.root not in roots:
                raise BadExport("E813", "the root is no export of an engine that is known here", 0, 1)
            yield from reader.done
            reader.done.clear()
    except expat.ExpatError as error:
        yield from reader.done
        offset = max(0, min(reader.parser.ErrorByteIndex, len(raw)))
        raise BadExport("E810", f"not well-formed XML: {expat.ErrorString(error.code)}", offset, error.lineno) from None
    except BadExport:
        if reader.root in roots:
            yield from reader.done
        raise
