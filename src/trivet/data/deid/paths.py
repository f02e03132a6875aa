"""What a rule's path means: a small closed language over trees of nodes.

`Patient.name.given`, `Resource.id`, `nodesByType('Address').state`, `Patient.nodesByType('HumanName').where(use = 'official').family`,
`FamilyMemberHistory.condition.onset as Age`. A path that begins with a type speaks of every resource of that type, contained ones and
a bundle's entries too. What stands in `where( )` is FHIRPath over the node alone. Anything else is refused, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from trivet.data.deid.tree import Node
from trivet.kernel.errors import Usage
from trivet.kernel.fhirpath import PathError, Types, compile_path

__all__ = ["compile_rule_path"]

Step = Callable[[Iterable[Node]], Iterator[Node]]
NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
BY_TYPE = re.compile(r"nodesByType\(\s*'([A-Za-z0-9]+)'\s*\)")
BY_NAME = re.compile(r"nodesByName\(\s*'([A-Za-z0-9]+)'\s*\)")
CAST = re.compile(r"\s+as\s+([A-Za-z0-9]+)|\.ofType\(\s*([A-Za-z0-9]+)\s*\)")


def compile_rule_path(text: str, types: Types) -> Callable[[Node], list[Node]]:
    """A function from the tree of a resource to the nodes that the path names. Usage E701 for a path that cannot be read."""
    steps = list(_steps(text.strip(), types))

    def find(root: Node) -> list[Node]:
        nodes: Iterable[Node] = [node for node in root.family() if node.resource]
        for step in steps:
            nodes = step(nodes)
        return list(nodes)

    return find


def _steps(text: str, types: Types) -> Iterator[Step]:
    at, first = 0, True
    while at < len(text):
        cast = CAST.match(text, at)
        if cast and not first:
            yield _of_kind(cast[1] or cast[2])
            at = cast.end()
            continue
        if not first:
            if text[at] != ".":
                raise _unread(text, at)
            at += 1
        found = BY_TYPE.match(text, at) or BY_NAME.match(text, at)
        if found:
            yield (_typed if found.re is BY_TYPE else _named)(found[1])
            at, first = found.end(), False
            continue
        if text.startswith("where(", at) and not first:
            end = _closing(text, at + 5)
            yield _where(text[at + 6 : end], types)
            at = end + 1
            continue
        word = NAME.match(text, at)
        if not word:
            raise _unread(text, at)
        yield _root(word[0]) if first else _child(word[0])
        at, first = word.end(), False


def _unread(text: str, at: int) -> Usage:
    return Usage("E701", "a de-identification rule's path cannot be read", where=f"{text} at {at + 1}", help="trivet deidentify --help")


def _closing(text: str, at: int) -> int:
    depth, quoted = 0, False
    for place in range(at, len(text)):
        sign = text[place]
        quoted ^= sign == "'"
        depth += 0 if quoted else (sign == "(") - (sign == ")")
        if depth == 0 and not quoted:
            return place
    raise _unread(text, at)


def _root(word: str) -> Step:
    anything = word in ("Resource", "DomainResource")
    return lambda nodes: (node for node in nodes if anything or node.kind == word)


def _child(word: str) -> Step:
    return lambda nodes: (child for node in nodes for child in node.children if word in (child.word, child.key))


def _typed(kind: str) -> Step:
    return lambda nodes: _once(found for node in nodes for found in node.below() if found.kind == kind)


def _named(word: str) -> Step:
    return lambda nodes: _once(found for node in nodes for found in node.below() if word in (found.word, found.key))


def _once(nodes: Iterable[Node]) -> Iterator[Node]:
    """A bundle and its entries both see an entry's nodes: each comes once."""
    seen = set[int]()
    for node in nodes:
        if id(node) not in seen:
            seen.add(id(node))
            yield node


def _of_kind(kind: str) -> Step:
    return lambda nodes: (node for node in nodes if node.kind == kind)


def _where(text: str, types: Types) -> Step:
    try:
        test = compile_path(text, types)
    except PathError as error:
        raise Usage("E701", "a de-identification rule's condition cannot be read", where=text, why=str(error)) from None

    def holds(node: Node) -> bool:
        found = test(types.item(node.kind, node.json()))
        return len(found) == 1 and found[0].value is True

    return lambda nodes: (node for node in nodes if holds(node))
