"""XML of a clinical document to a tree (`tree.py`). Expat judges the whole text first; then its markup is cut at every `<`.

In: the bytes of one document. Out: `Tree`. Refused (`BadXml`, with the byte): what is not well-formed, a DOCTYPE or an entity of its
own, more than `DEPTH` levels, `NODES` elements or `SIZE` bytes, an encoding that its bytes do not hold. Nothing is fetched from anywhere.

Handlers of the parser, called for every element and every line of text, took longer; tags that are written alike are cut once.
"""

from __future__ import annotations

from xml.parsers import expat

from trivet.integration.formats.ccda.markup import BLANK, Shape, any_quotes, pieces, plain, referred, sections, unicode
from trivet.integration.formats.ccda.places import BadXml, decoded
from trivet.integration.formats.ccda.tree import LEAF, NO_TEXTS, Leaf, Node, Tree

__all__ = ["DEPTH", "SIZE", "parse"]

DEPTH = 200
SIZE = 64 << 20
NODES, PATH = 250_000, 1_000  # elements, and letters in the name of a place: what bounds the memory of a tree
SDTC = "urn:hl7-org:sdtc"


def parse(raw: bytes) -> Tree:
    """The tree of a document; places in it count bytes of its UTF-8 form, `Tree.places` gives those of `raw`. Raises BadXml."""
    if len(raw) > SIZE:
        raise BadXml("E246", f"more than {SIZE} bytes", 0)
    text, places = decoded(raw)
    reader = Reader()
    try:
        wrong = judged(text)
        if wrong is not None:  # what comes before it may be too deep or too much, and is said first
            begun = text[: wrong.offset]
            last = begun.rfind(b"<")
            reader.read(begun if begun.find(b">", last) >= 0 else begun[: max(0, last)])
            raise wrong
        reader.read(text)
    except BadXml as error:
        raise BadXml(error.code, error.why, min(places.of(max(0, error.offset)), len(raw))) from None
    return Tree(reader.nodes[0], reader.nodes, reader.named, places)


def judged(text: bytes) -> BadXml | None:
    """What is wrong with a text, by the parser. Raises BadXml for a document type."""
    parser = expat.ParserCreate("utf-8")

    def doctype(*_: object) -> None:
        raise BadXml("E245", "a document type or an entity declaration is not accepted", parser.CurrentByteIndex)

    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = doctype
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        at = max(0, min(parser.ErrorByteIndex, len(text)))
        return BadXml("E243", f"not well-formed XML: {expat.ErrorString(error.code)}", at)
    finally:
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = None  # they hold the parser: else the two would wait for the collector
    return None


class Reader:
    """Builds the tree of a text that is well-formed, or of the beginning of one. Use once."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.named: dict[str, Node] = {}
        self.leaves: list[Leaf] = []
        self.shapes: dict[str, Shape] = {}
        self.tags: dict[str, str] = {}  # what an element is called by its name in the text, where the same prefixes hold
        self.spaces: dict[str, str] = {}
        self.outer: list[tuple[int, dict[str, str], dict[str, str]]] = []  # where prefixes are named: the depth, what held around it

    def read(self, raw: bytes) -> None:
        """Raises BadXml where there is too much."""
        many = raw.count(b"<") > NODES
        nodes, leaves, shapes = self.nodes, self.leaves, self.shapes
        tags, scoped, depth = self.tags, 0, 0
        counts: dict[str, int] = {}  # elements met by path, of those that may be met again
        node: Node | None = None
        held: list[Node] | None = None  # children of the open element
        around: list[list[Node] | None] = []  # and of those around it
        above = ""
        at = 0
        for piece in pieces(raw.decode("latin-1")):
            here, at = at - 1, at + len(piece) + 1  # the place of `<`, and that of what follows the next one
            sort = piece[:1]
            if sort == "/":
                if node is None:
                    return
                tail = piece.partition(">")[2]
                node.end, node.ends = here, len(leaves)
                if depth == scoped:
                    tags, scoped = self.leave()
                depth -= 1
                node, held = node.parent, around.pop()
                above = node.path if node is not None else ""
            elif sort == "!" or sort == "?":
                tail = piece.partition("-->" if sort == "!" else "?>")[2]
            elif here < 0:
                continue
            else:
                inside, _, tail = piece.partition(">")
                shape = shapes.get(inside)
                if shape is None:
                    found = self.shape(inside, piece, tail, depth + 1)
                    if found is None:
                        return
                    shape, tail = found
                    tags, scoped = self.tags, self.scoped
                name, attributes, closed, named = shape
                tag = tags.get(name) or self.tag(name)
                path = f"{above}/{tag}"
                count = counts[path] = counts.get(path, 0) + 1
                if count > 1:
                    path = f"{path}[{count}]"
                if depth >= DEPTH:
                    raise BadXml("E246", f"more than {DEPTH} levels", here)
                if len(path) > PATH or (many and len(nodes) >= NODES):
                    raise BadXml("E246", f"more than {NODES} elements, or names too long", here)
                made = Node(tag, path, node, here, leaves)
                nodes.append(made)
                if node is not None:
                    if held is None:
                        node.children = held = []
                    held.append(made)
                if attributes:
                    made.attrs = attrs = {}
                    for name, text, place, length, suffix in attributes:
                        leaf = attrs[name] = LEAF(Leaf, (text, here + place, length, path + suffix))
                        if length:
                            leaves.append(leaf)
                    if named:
                        self.named.setdefault(attrs["ID"].text, made)
                if closed:
                    made.end, made.ends = at - 1 - len(tail), len(leaves)
                    if depth + 1 == scoped:
                        tags, scoped = self.leave()
                else:
                    node, above = made, path
                    around.append(held)
                    held = None
                    depth += 1
            if tail and node is not None and not tail.isspace():
                self.text(node, tail, at - 1 - len(tail))

    def shape(self, inside: str, piece: str, tail: str, depth: int) -> tuple[Shape, str] | None:
        """The shape of a tag that was not met before, and what follows it; None where it does not end."""
        shape = plain(inside)
        found = (shape, tail) if shape is not None else any_quotes(piece)
        if found is None:
            return None
        if "xmlns" not in inside and shape is not None:
            self.shapes[inside] = shape
        else:
            self.scope(found[0], depth)
        return found

    def scope(self, shape: Shape, depth: int) -> None:
        """The prefixes that a tag names hold for it and in it."""
        named = {name[6:]: text for name, text, *_ in shape[1] if name.startswith("xmlns") and name[5:6] in ("", ":")}
        if named:
            self.outer.append((depth, self.spaces, self.tags))
            self.spaces, self.tags = {**self.spaces, **named}, {}

    def leave(self) -> tuple[dict[str, str], int]:
        """End of an element that named prefixes: what holds around it, and the depth of the next such element outwards."""
        _, self.spaces, self.tags = self.outer.pop()
        return self.tags, self.scoped

    @property
    def scoped(self) -> int:
        """The depth of the innermost open element that names prefixes."""
        return self.outer[-1][0] if self.outer else 0

    def tag(self, written: str) -> str:
        """What an element is called."""
        name = tag = unicode(written)
        if ":" in name or self.spaces.get("") == SDTC:
            prefix, _, tag = name.rpartition(":")
            if self.spaces.get(prefix) == SDTC or (prefix == "sdtc" and prefix not in self.spaces):
                tag = f"sdtc:{tag}"
        self.tags[written] = tag
        return tag

    def text(self, node: Node, tail: str, at: int) -> None:
        """A run of text that is more than blanks: kept whole, its place without the blanks around it."""
        text = tail
        if "<" in tail:
            text, begins = sections(tail)
            at, tail = at + begins, tail[begins:]
        elif "&" in tail or "\r" in tail or not tail.isascii():
            text = referred(unicode(tail))
        piece = tail.lstrip(BLANK)
        start, length = at + len(tail) - len(piece), len(piece.rstrip(BLANK))
        if not length or not text.strip():
            return
        count = len(node.texts) + 1
        where = f"{node.path}/text()[{count}]" if count > 1 else f"{node.path}/text()"
        leaf = LEAF(Leaf, (text, start, length, where))
        if node.texts is NO_TEXTS:
            node.texts = []
        node.texts.append((len(node.children), leaf))
        self.leaves.append(leaf)
