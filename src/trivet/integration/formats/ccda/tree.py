"""A clinical document as a small tree that knows the bytes of every attribute value and every run of text. Made by `reader.py`."""

from __future__ import annotations

from typing import NamedTuple

from trivet.integration.formats.ccda.places import Places

__all__ = ["LEAF", "NO_TEXTS", "Leaf", "Node", "Tree"]


class Leaf(NamedTuple):
    """One attribute value or run of text: its text, its bytes in the document, and the source's name of its place."""

    text: str
    offset: int
    length: int
    locator: str


LEAF = tuple.__new__  # a named tuple's own constructor takes twice as long, and a document has tens of thousands of leaves


# Of all elements that have none, never added to: most lack two of the three.
NO_ATTRS: dict[str, Leaf] = {}
NO_CHILDREN: list[Node] = []
NO_TEXTS: list[tuple[int, Leaf]] = []


class Node:
    """One element. `tag` is the local name (`sdtc:` in front of names of that namespace); `path` its place, `/ClinicalDocument/id[2]`.

    `around` holds every leaf of the document that is not empty, in its order; those of this element and below are `begins` to `ends`.
    """

    __slots__ = ("around", "attrs", "begins", "children", "end", "ends", "offset", "parent", "path", "tag", "texts")

    def __init__(self, tag: str, path: str, parent: Node | None, offset: int, around: list[Leaf]) -> None:
        self.tag, self.path, self.parent, self.offset = tag, path, parent, offset
        self.attrs, self.children, self.texts = NO_ATTRS, NO_CHILDREN, NO_TEXTS
        self.end: int  # both are set where the element ends
        self.ends: int
        self.around, self.begins = around, len(around)

    def get(self, name: str) -> str:
        """The text of an attribute, "" when it is not there."""
        leaf = self.attrs.get(name)
        return leaf.text if leaf is not None else ""

    def all(self, tag: str) -> list[Node]:
        """Children of a name."""
        return [child for child in self.children if child.tag == tag]

    def first(self, tag: str) -> Node | None:
        """The first child of a name."""
        for child in self.children:
            if child.tag == tag:
                return child
        return None

    def leaves(self) -> list[Leaf]:
        """Every non-empty attribute value and run of text of this element and below, in the order of the document."""
        return self.around[self.begins : self.ends]

    def words(self) -> list[Leaf]:
        """The runs of text of this element and below, in the order of the document."""
        if not self.children:
            return [leaf for _, leaf in self.texts]
        return [
            leaf for leaf in self.leaves() if leaf.locator[-1] in ")]"
        ]  # `text()`, `text()[2]`; the name of an attribute ends otherwise

    def string(self) -> str:
        """All text below, blanks made one."""
        return " ".join(" ".join([leaf.text for leaf in self.words()]).split())


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
