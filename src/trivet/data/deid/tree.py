"""A FHIR resource as a tree of typed nodes, so that a rule can speak of a place and what stands there can be changed or taken out.

In: a resource as plain JSON (decimals exact), the element types of the release. Out: nodes, and JSON again without what is gone.
A primitive's id and extensions (its `_name` sibling) are its children. Empty elements disappear, resources never do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trivet.kernel.fhirpath import Types

__all__ = ["Node", "read_tree"]


class Node:
    """One element. `kind` is its type (`HumanName`, `date`, `Patient.contact`), `word` the element's name without a choice's type."""

    __slots__ = ("children", "done", "key", "kind", "many", "parent", "resource", "value", "word")

    def __init__(self, key: str, word: str, kind: str, parent: Node | None, *, many: bool = False, resource: bool = False) -> None:
        self.key, self.word, self.kind, self.parent = key, word, kind, parent
        self.many, self.resource = many, resource
        self.value: Any = None
        self.children: list[Node] = []
        self.done = False

    def below(self) -> Iterator[Node]:
        """Every node below this one, depth first."""
        for child in self.children:
            yield child
            yield from child.below()

    def family(self) -> Iterator[Node]:
        """This node and every one below it."""
        yield self
        yield from self.below()

    def empty(self) -> bool:
        """Is there nothing to say?"""
        return not self.resource and self.value is None and all(child.empty() for child in self.children)

    def json(self) -> Any:
        """The node as JSON: a dict, or a primitive's value without its extensions."""
        if self.value is not None or (not self.children and not self.resource):
            return self.value
        made: dict[str, Any] = {"resourceType": self.kind} if self.resource else {}
        groups: dict[str, list[Node]] = {}
        for child in self.children:
            if not child.empty():
                groups.setdefault(child.key, []).append(child)
        for key, nodes in groups.items():
            self._put(made, key, nodes)
        return made

    def _put(self, made: dict[str, Any], key: str, nodes: list[Node]) -> None:
        if not any(node.primitive() for node in nodes):
            values = [node.json() for node in nodes]
            made[key] = values if nodes[0].many else values[0]
            return
        values = [node.value for node in nodes]
        extras = [node.extras() for node in nodes]
        if any(value is not None for value in values):
            made[key] = values if nodes[0].many else values[0]
        if any(extras):
            made["_" + key] = extras if nodes[0].many else extras[0]

    def primitive(self) -> bool:
        """A primitive type begins with a small letter; what has a plain value is one anyhow."""
        return self.value is not None or self.kind[:1].islower()

    def extras(self) -> dict[str, Any] | None:
        """Id and extensions of a primitive; None when there are none."""
        held = Node("", "", "Element", None)
        held.children = self.children
        found = held.json()
        return found or None


def read_tree(resource: dict[str, Any], types: Types) -> Node:
    """The tree of one resource, with the resources inside it."""
    return _resource("", "", resource, types, None, many=False)


def _resource(key: str, word: str, held: dict[str, Any], types: Types, parent: Node | None, *, many: bool) -> Node:
    node = Node(key, word, str(held.get("resourceType", "")), parent, many=many, resource=True)
    _fill(node, held, types)
    return node


def _fill(node: Node, held: dict[str, Any], types: Types) -> None:
    for key in held:
        if key == "resourceType" or (key.startswith("_") and key[1:] in held):
            continue
        name = key.removeprefix("_")
        found = types.resolve(node.kind, name)
        member, kind = (found[0], found[1][0] if found[1] else "") if found else (name, "")
        kind = "" if member.endswith("[x]") else kind  # a choice that does not say its type has none
        word = _word(node.kind, member, types)
        value, extra = held.get(name), held.get("_" + name)
        many = f"{node.kind}.{member}" in types.many or isinstance(value, list) or isinstance(extra, list)
        values, extras = _listed(value), _listed(extra)
        for at in range(max(len(values), len(extras))):
            one = values[at] if at < len(values) else None
            more = extras[at] if at < len(extras) else None
            _child(node, name, word, _system(kind), one, more, types, many=many)


def _child(node: Node, key: str, word: str, kind: str, one: Any, more: Any, types: Types, *, many: bool) -> None:
    if isinstance(one, dict) and "resourceType" in one:
        node.children.append(_resource(key, word, one, types, node, many=many))
        return
    odd = isinstance(one, dict) and kind[:1].islower()  # an object where a primitive should stand is of no type
    child = Node(key, word, "" if odd else kind, node, many=many)
    if isinstance(one, dict):
        _fill(child, one, types)
    else:
        child.value = one
    if isinstance(more, dict):
        plain = Node("", "", "Element", None)
        _fill(plain, more, types)
        for extra in plain.children:
            extra.parent = child
        child.children += plain.children
    node.children.append(child)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _system(kind: str) -> str:
    return kind[:1].lower() + kind[1:] if kind in ("String", "Boolean", "Integer", "Decimal") else kind


def _word(kind: str, member: str, types: Types) -> str:
    """`valueQuantity` of Observation is the element `value`."""
    table = types.elements.get(kind, {})
    if member.endswith("[x]"):
        return member[:-3]
    if member in table:
        return member
    return next((choice[:-3] for choice in table if choice.endswith("[x]") and member.startswith(choice[:-3])), member)
