"""XML of a clinical document to a small tree that knows the bytes of every attribute value and every run of text.

In: the bytes of one document. Out: `Tree`. Refused (`BadXml`, with the byte): what is not well-formed, a DOCTYPE or an entity of its
own, more than `DEPTH` levels, `NODES` elements or `SIZE` bytes, an encoding that its bytes do not hold. Nothing is fetched from anywhere.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple
from xml.parsers import expat

__all__ = ["DEPTH", "SIZE", "BadXml", "Leaf", "Node", "Tree", "parse"]

DEPTH = 200
SIZE = 64 << 20
NODES, PATH = 250_000, 1_000  # elements, and letters in the name of a place: what bounds the memory of a tree
QUOTES = (b'"', b"'")
SDTC = "urn:hl7-org:sdtc"
XML = ("xml", "xmlns")
OPENS = re.compile(rb"""=\s*(["'])""")
DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
ENCODINGS = ("iso-8859-1", "latin-1", "latin1", "windows-1252", "cp1252")


class BadXml(Exception):
    """What is wrong with the document and at which byte."""

    def __init__(self, code: str, why: str, offset: int) -> None:
        super().__init__(why)
        self.code, self.why, self.offset = code, why, offset


class Leaf(NamedTuple):
    """One attribute value or run of text: its text, its bytes in the document, and the source's name of its place."""

    text: str
    offset: int
    length: int
    locator: str


class Node:
    """One element. `tag` is the local name (`sdtc:` in front of names of that namespace); `path` its place, `/ClinicalDocument/id[2]`."""

    __slots__ = ("attrs", "children", "counts", "end", "offset", "parent", "path", "tag", "texts")

    def __init__(self, tag: str, path: str, parent: Node | None, offset: int) -> None:
        self.tag, self.path, self.parent, self.offset, self.end = tag, path, parent, offset, offset
        self.attrs: dict[str, Leaf] = {}
        self.children: list[Node] = []
        self.texts: list[tuple[int, Leaf]] = []
        self.counts: dict[str, int] | None = None

    def get(self, name: str) -> str:
        """The text of an attribute, "" when it is not there."""
        leaf = self.attrs.get(name)
        return leaf.text if leaf is not None else ""

    def all(self, tag: str) -> Iterator[Node]:
        """Children of a name."""
        return (child for child in self.children if child.tag == tag)

    def first(self, tag: str) -> Node | None:
        """The first child of a name."""
        for child in self.children:
            if child.tag == tag:
                return child
        return None

    def walk(self) -> Iterator[Node]:
        """This element and all below it, in the order of the document."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))

    def leaves(self) -> Iterator[Leaf]:
        """Every non-empty attribute value and run of text of this element and below."""
        for node in self.walk():
            yield from (leaf for leaf in node.attrs.values() if leaf.length)
            yield from (leaf for _, leaf in node.texts)

    def words(self) -> list[Leaf]:
        """The runs of text of this element and below, in the order of the document."""
        if not self.children:
            return [leaf for _, leaf in self.texts]
        found = [leaf for node in self.walk() for _, leaf in node.texts]
        return sorted(found, key=lambda leaf: leaf.offset)

    def string(self) -> str:
        """All text below, blanks made one."""
        return " ".join(" ".join(leaf.text for leaf in self.words()).split())


LEAF = tuple.__new__  # a named tuple's own constructor takes twice as long, and a document has tens of thousands of leaves


class Tree(NamedTuple):
    """The document: its root, all elements in order, those with an `ID`, and the map from places of the tree to places of the bytes."""

    root: Node
    nodes: list[Node]
    named: dict[str, Node]
    places: Places

    def release(self) -> None:
        """Take the tree apart: without the links upwards its memory is free as soon as nobody holds the root."""
        for node in self.nodes:
            node.parent = None
        self.nodes.clear()


class Places:
    """Places in UTF-8 to places in the document's own bytes, where these differ."""

    def __init__(self, text: str, encoding: str, lead: int) -> None:
        """`lead` is the number of bytes of a byte order mark."""
        self.utf8, self.own = array("L", [0]), array("L", [lead])
        self.wide = encoding.startswith("utf-16")
        at, own = 0, lead
        for number, character in enumerate(text, 1):
            code = ord(character)
            at += 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
            own += (4 if code > 0xFFFF else 2) if self.wide else 1
            if code >= 0x80 or not number % 4096:
                self.utf8.append(at)
                self.own.append(own)
        self.step = 2 if self.wide else 1

    def of(self, offset: int) -> int:
        """The place in the document's bytes of a place in UTF-8 (at the beginning of a character)."""
        index = bisect_right(self.utf8, offset) - 1
        return self.own[index] + (offset - self.utf8[index]) * self.step

    def span(self, offset: int, length: int) -> tuple[int, int]:
        """Offset and length in the document's bytes."""
        start = self.of(offset)
        return start, self.of(offset + length) - start


class Same(Places):
    """The document is UTF-8 itself; `lead` bytes of a byte order mark stand in front."""

    def __init__(self, lead: int) -> None:
        self.lead = lead

    def of(self, offset: int) -> int:
        """The same place."""
        return offset + self.lead

    def span(self, offset: int, length: int) -> tuple[int, int]:
        """The same length."""
        return offset + self.lead, length


def _decoded(raw: bytes) -> tuple[bytes, Places]:
    """The document as UTF-8, and where its places are. Raises BadXml."""
    if raw.startswith(b"\xef\xbb\xbf"):
        return raw[3:], Same(3)
    wide = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}.get(raw[:2])
    lead = 2 if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else 0
    found = DECLARED.match(raw[:256])
    encoding = wide or (found[1].decode("ascii").lower() if found else "utf-8")
    if wide is None and encoding.startswith("utf-16"):
        encoding = "utf-8"  # declared wide, but its bytes are not
    if encoding in ("utf-8", "utf8", "us-ascii", "ascii"):
        return raw, Same(0)
    if wide is None and encoding not in ENCODINGS:
        raise BadXml("E244", f"the encoding {encoding[:24]} is not read here", found.start(1) if found else 0)
    try:
        text = raw[lead:].decode(encoding)
    except UnicodeDecodeError as error:
        raise BadXml("E244", f"the bytes are not {encoding}", lead + error.start) from None
    return text.encode("utf-8", "surrogatepass"), Places(text, encoding, lead)


class _Reader:
    """Builds the tree from the parser's events. Use once."""

    def __init__(self, raw: bytes, places: Places) -> None:
        self.raw, self.places = raw, places
        self.root: Node | None = None
        self.node: Node | None = None
        self.nodes: list[Node] = []
        self.named: dict[str, Node] = {}
        self.spaces: list[dict[str, str]] = [{}]
        self.depth = self.count = 0
        self.text: list[str] = []
        self.text_at = 0
        self.end = 0
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler, parser.EndElementHandler = self.start, self.close
        parser.CharacterDataHandler = self.characters
        parser.CommentHandler = self.markup
        parser.ProcessingInstructionHandler = self.instruction
        parser.StartDoctypeDeclHandler = self.doctype
        parser.EntityDeclHandler = self.doctype
        parser.ordered_attributes = True
        self.parser = parser

    def parse(self) -> Node:
        try:
            self.parser.Parse(self.raw, True)
        except expat.ExpatError as error:
            at = max(0, min(self.parser.ErrorByteIndex, len(self.raw)))
            raise BadXml("E243", f"not well-formed XML: {expat.ErrorString(error.code)}", at) from None
        except UnicodeDecodeError:
            raise BadXml("E244", "the bytes are not UTF-8", max(0, self.parser.CurrentByteIndex)) from None
        finally:
            del self.parser  # it holds our methods: without this the two, and the tree, would wait for the collector
        assert self.root is not None
        return self.root

    def doctype(self, *_: object) -> None:
        raise BadXml("E245", "a document type or an entity declaration is not accepted", self.parser.CurrentByteIndex)

    def markup(self, _: str) -> None:
        self.flush()

    def instruction(self, _: str, __: str) -> None:
        self.flush()

    def characters(self, data: str) -> None:
        if not self.text:
            self.text_at = self.parser.CurrentByteIndex
        self.text.append(data)

    def flush(self) -> None:
        """End of a run of text: kept without the blanks around it."""
        if not self.text:
            return
        text = "".join(self.text)
        self.text.clear()
        if self.node is None or not text.strip():
            return
        piece = self.raw[self.text_at : self.parser.CurrentByteIndex]
        start = self.text_at + len(piece) - len(piece.lstrip())
        length = len(piece.strip())
        if not length:
            return
        node = self.node
        leaf = Leaf(text, start, length, f"{node.path}/text()[{len(node.texts) + 1}]" if node.texts else f"{node.path}/text()")
        node.texts.append((len(node.children), leaf))

    def start(self, name: str, attributes: list[str]) -> None:
        if self.text:
            self.flush()
        self.depth += 1
        at = self.parser.CurrentByteIndex
        if self.depth > DEPTH:
            raise BadXml("E246", f"more than {DEPTH} levels", at)
        spaces = self.spaces[-1]
        for key, uri in zip(attributes[::2], attributes[1::2], strict=True) if attributes else ():
            if key.startswith("xmlns") and key[5:6] in ("", ":"):
                spaces = {**spaces, key[6:]: uri}
        self.spaces.append(spaces)
        tag = name
        if ":" in name or spaces.get("") == SDTC:
            prefix, _, tag = name.rpartition(":")
            if spaces.get(prefix) == SDTC or (prefix == "sdtc" and prefix not in spaces):
                tag = f"sdtc:{tag}"
        parent = self.node
        if parent is None:
            path = f"/{tag}"
        else:
            if parent.counts is None:
                parent.counts = {}
            count = parent.counts[tag] = parent.counts.get(tag, 0) + 1
            path = f"{parent.path}/{tag}[{count}]" if count > 1 else f"{parent.path}/{tag}"
        self.count += 1
        if len(path) > PATH or self.count > NODES:
            raise BadXml("E246", f"more than {NODES} elements, or names too long", at)
        node = Node(tag, path, parent, at)
        self.nodes.append(node)
        if attributes:
            self.attributes(node, at, attributes)
        if parent is None:
            self.root = node
        else:
            parent.children.append(node)
        self.node = node

    def attributes(self, node: Node, at: int, attributes: list[str]) -> None:
        """Values with their places: the parser gives the texts, in the order in which they stand in the tag; the bytes give the places."""
        raw, attrs, path = self.raw, node.attrs, node.path
        for name, text in zip(attributes[::2], attributes[1::2], strict=True):
            # The next `=` after a name or a closed value: the parser has seen that the tag is well-formed.
            sign = raw.find(b"=", at)
            quote = raw[sign + 1 : sign + 2]
            start = sign + 2
            if quote not in QUOTES:
                found = OPENS.match(raw, sign)
                if found is None:
                    raise BadXml("E243", "a tag that cannot be read", at)
                quote, start = found[1], found.end()
            at = raw.find(quote, start)
            attrs[name] = LEAF(Leaf, (text, start, at - start if text.strip() else 0, f"{path}/@{name}"))
            at += 1
        identity = attrs.get("ID")
        if identity is not None and identity.text:
            self.named.setdefault(identity.text, node)

    def close(self, _: str) -> None:
        if self.text:
            self.flush()
        self.depth -= 1
        self.spaces.pop()
        node = self.node
        assert node is not None
        node.end = self.parser.CurrentByteIndex
        node.counts = None
        self.node = node.parent


def parse(raw: bytes) -> Tree:
    """The tree of a document; places in it count bytes of its UTF-8 form, `Tree.places` gives those of `raw`. Raises BadXml."""
    if len(raw) > SIZE:
        raise BadXml("E246", f"more than {SIZE} bytes", 0)
    text, places = _decoded(raw)
    reader = _Reader(text, places)
    try:
        root = reader.parse()
    except BadXml as error:
        raise BadXml(error.code, error.why, min(places.of(max(0, error.offset)), len(raw))) from None
    return Tree(root, reader.nodes, reader.named, places)
