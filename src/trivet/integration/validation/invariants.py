"""Invariants of the StructureDefinitions, compiled: what can be told from which names are there is told so, the rest by FHIRPath.

A rule is a function of (element as a dict, its item, the resource's items) giving True, False or None (it says nothing). Compiled
forms: `and`, `or`, `xor`, `implies`, `not()`, `exists()`, `empty()` and `hasValue()` of a name; anything else goes to the evaluator
of `kernel.fhirpath`, unless nothing that it speaks of is there, in which case the answer is that of an element without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trivet.integration.validation.shape import Shapes, Spec
from trivet.integration.validation.terms import rows
from trivet.kernel.fhirpath import Item, Node, PathError, ask, parse
from trivet.kernel.fhirpath.nodes import Binary, Call, External, Index, Literal, Member, Special, TypeTest, Unary
from trivet.kernel.units import BadUnit, convert, decimal

__all__ = ["NATIVE", "Around", "Invariant", "Invariants", "leading", "own"]

NATIVE = {
    # key: where it is looked at instead of here
    "ele-1": "check",
    "ext-1": "extensions",
    "txt-1": "narrative",
    "txt-2": "narrative",
    "ref-1": "references",
    "dom-2": "references",
    "dom-3": "references",
    "bdl-3": "bundles",
    "bdl-4": "bundles",
    "bdl-7": "bundles",
    "bdl-8": "bundles",
    "inv-0": "",  # stands at MetadataResource, which is no resource; each of its resources has a rule of its own
}
Truth = bool | None


@dataclass(slots=True)
class Around:
    """What rules may ask about besides their element: the resource, and the one that it is contained in."""

    resource: Item
    root: dict[str, Any]


Rule = Callable[[dict[str, Any], Item, Around], Truth]


@dataclass(frozen=True, slots=True)
class Invariant:
    """One rule of an element."""

    key: str
    error: bool
    expression: str
    holds: Rule


def converted(value: Decimal, unit: str, target: str) -> Decimal | None:
    """A value in another unit; None where that cannot be."""
    try:
        return decimal(convert(value, unit, target))
    except BadUnit:
        return None


def parts(node: Node) -> Iterator[Node]:
    """A tree and everything below it."""
    yield node
    below: tuple[Any, ...] = ()
    if isinstance(node, Call):
        below = (node.on, *node.arguments)
    elif isinstance(node, Binary):
        below = (node.left, node.right)
    elif isinstance(node, Member):
        below = (node.on,)
    elif isinstance(node, Index):
        below = (node.on, node.index)
    elif isinstance(node, Unary):
        below = (node.right,)
    elif isinstance(node, TypeTest):
        below = (node.left,)
    for one in below:
        if one is not None:
            yield from parts(one)


class Invariants:
    """Rules by the element that they stand at."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self.listed: dict[str, list[dict[str, str]]] = {}
        for row in rows("constraints"):
            if row["key"] not in NATIVE:
                self.listed.setdefault(row["path"], []).append(row)
        self.made: dict[str, tuple[Invariant, ...]] = {}

    def at(self, path: str) -> tuple[Invariant, ...]:
        """The rules at an element path or of a type."""
        found = self.made.get(path)
        if found is None:
            found = self.made[path] = tuple(
                Invariant(row["key"], row["severity"] == "error", row["expression"], self.rule(parse(row["expression"]), path))
                for row in self.listed.get(path, [])
            )
        return found

    def of(self, spec: Spec) -> tuple[Invariant, ...]:
        """The rules of a type and of those above it."""
        found = self.made.get("=" + spec.name)
        if found is None:
            found = self.made["=" + spec.name] = tuple(rule for line in dict.fromkeys((spec.name, *spec.lines)) for rule in self.at(line))
        return found

    def rule(self, node: Node, path: str) -> Rule:
        """A tree as a function."""
        spec = self.shapes.spec(path) if path in self.shapes.below else None
        return self._compile(node, spec)

    def _compile(self, node: Node, spec: Spec | None) -> Rule:
        if isinstance(node, Binary) and node.operator in ("and", "or", "xor", "implies"):
            return _joined(node.operator, self._compile(node.left, spec), self._compile(node.right, spec))
        if isinstance(node, Call) and node.name == "not" and node.on is not None:
            return _denied(self._compile(node.on, spec))
        if spec is not None and isinstance(node, Call) and node.name in ("exists", "empty", "hasValue") and not node.arguments:
            names = own(node.on, spec)
            if names is not None:
                return _there(names, node.name)
        return self._asked(node, spec)

    def _asked(self, node: Node, spec: Spec | None) -> Rule:
        types = self.shapes.types

        here = any(isinstance(one, External) and one.name == "context" for one in parts(node))

        def evaluated(held: dict[str, Any], item: Item, around: Around) -> Truth:
            variables: dict[str, Any] = {"rootResource": around.root, "context": item} if here else {"rootResource": around.root}
            found = ask(node, item, types, around.resource, variables, convert=converted)
            if not found:
                return None
            value = types.system(found[0])
            return value if isinstance(value, bool) else True

        named = leading(node, spec) if spec is not None else None
        if named is None or spec is None:
            return evaluated
        blank = Item({}, "FHIR." + spec.name)
        try:
            absent = evaluated({}, blank, Around(blank, {}))
        except PathError:
            return evaluated
        watched = tuple(name for one in named for name in spec.names[one])

        def cautious(held: dict[str, Any], item: Item, around: Around) -> Truth:
            for name in watched:
                if name in held:
                    return evaluated(held, item, around)
            return absent

        return cautious


def own(node: Node | None, spec: Spec) -> tuple[str, ...] | None:
    """The JSON names of an element that stands directly below; None when the tree is something else."""
    if isinstance(node, Member) and node.on is None:
        return spec.names.get(node.name)
    return None


def leading(node: Node, spec: Spec, inside: bool = False) -> list[str] | None:
    """Names below the element that a tree begins with; None when it asks for anything that cannot be told from them.

    `inside`: what is asked of each item may look around: without any item it is never asked.
    """
    found: list[str] = []

    def visit(one: Node) -> bool:
        """Whether the tree stands on names of the element and constants alone; what functions do inside is up to their input."""
        if isinstance(one, Literal):
            return True
        if isinstance(one, Member):
            if one.on is not None:
                return visit(one.on)
            found.append(one.name)
            return one.name in spec.names
        if isinstance(one, Call):
            if one.on is None or one.name in ("children", "descendants", "resolve"):
                return False
            if inside and one.name in ("where", "select", "all", "exists"):
                return visit(one.on)
            if one.name in ("where", "select", "all", "exists", "matches", "startsWith", "contains", "trace", "repeat"):
                return visit(one.on) and not any(isinstance(part, External) for inner in one.arguments for part in parts(inner))
            return visit(one.on) and all(visit(inner) for inner in one.arguments)
        if isinstance(one, Binary):
            return visit(one.left) and visit(one.right)
        if isinstance(one, (TypeTest, Index, Unary)):
            return visit(one.left if isinstance(one, TypeTest) else one.on if isinstance(one, Index) else one.right)
        return not isinstance(one, (External, Special))

    return found if visit(node) and found else None


def _there(names: tuple[str, ...], word: str) -> Rule:
    plain = tuple(name for name in names if name[0] != "_")

    def exists(held: dict[str, Any], item: Item, around: Around) -> Truth:
        return any(name in held for name in names)

    def empty(held: dict[str, Any], item: Item, around: Around) -> Truth:
        return not any(name in held for name in names)

    def has_value(held: dict[str, Any], item: Item, around: Around) -> Truth:
        return any(name in held for name in plain)

    return {"exists": exists, "empty": empty, "hasValue": has_value}[word]


def _denied(inner: Rule) -> Rule:
    def denied(held: dict[str, Any], item: Item, around: Around) -> Truth:
        found = inner(held, item, around)
        return None if found is None else not found

    return denied


def _joined(operator: str, left: Rule, right: Rule) -> Rule:
    def both(held: dict[str, Any], item: Item, around: Around) -> Truth:
        one = left(held, item, around)
        if one is False:
            return False
        other = right(held, item, around)
        return False if other is False else None if one is None or other is None else True

    def either(held: dict[str, Any], item: Item, around: Around) -> Truth:
        one = left(held, item, around)
        if one is True:
            return True
        other = right(held, item, around)
        return True if other is True else None if one is None or other is None else False

    def implied(held: dict[str, Any], item: Item, around: Around) -> Truth:
        one = left(held, item, around)
        if one is False:
            return True
        other = right(held, item, around)
        return True if other is True else None if one is None or other is None else False

    def exclusive(held: dict[str, Any], item: Item, around: Around) -> Truth:
        one, other = left(held, item, around), right(held, item, around)
        return None if one is None or other is None else one != other

    return {"and": both, "or": either, "implies": implied, "xor": exclusive}[operator]
