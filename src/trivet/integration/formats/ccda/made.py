"""What a data type makes of an element: a FHIR value with the leaves behind it, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from trivet.integration.formats.ccda.tree import Leaf, Node

__all__ = ["BadValue", "Context", "How", "Made", "words_of"]


class BadValue(Exception):
    """A value that cannot be what it should be."""

    def __init__(self, leaf: Leaf, why: str) -> None:
        super().__init__(why)
        self.leaf, self.why = leaf, why


class Made(NamedTuple):
    """A FHIR value, the leaves behind its parts (path inside the value, leaf), and the suffix of its type in a choice element."""

    value: Any
    parts: tuple[tuple[str, Leaf], ...] = ()
    suffix: str = ""


class Context(Protocol):
    """What the data types need of the document."""

    zone: str
    own: str
    named: dict[str, Node]

    def carry(self, leaf: Leaf, rule: str) -> None: ...

    def notice(self, kind: str, system: str, code: str, leaf: Leaf) -> None: ...

    def reject(self, code: str, why: str, leaf: Leaf) -> None: ...


How = Callable[[Context, Node, str], Made | None]


def words_of(context: Context, node: Node | None) -> Made | None:
    """The text of an ED or ST element, or the narrative that it refers to."""
    if node is None:
        return None
    words = node.words()
    if words and any(leaf.text.strip() for leaf in words):
        return Made(node.string(), tuple(("", leaf) for leaf in words), "String")
    reference = node if node.tag == "reference" else node.first("reference")
    leaf = reference.attrs.get("value") if reference is not None else None
    told = context.named.get(leaf.text.removeprefix("#")) if leaf is not None else None
    if leaf is None or told is None or not told.string():
        return None
    context.carry(leaf, "ccda/narrative-reference")
    return Made(told.string(), (("", told.words()[0]),), "String")
