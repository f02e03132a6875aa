"""Invariants as Python: what an invariant asks of the names of an element becomes an expression over its struct.

What cannot be written so is asked of the walk's own rule, with the bytes of the elements that it looks at; verdicts are remembered.
Expressions are made of operators and of names that this module gives; nothing of a table is pasted but element names that are words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import UNSET, Raw

from trivet.integration.validation.invariants import Around, Invariants, leading, own
from trivet.integration.validation.shape import Spec
from trivet.integration.validation.swift.element import MOST, Unsure
from trivet.kernel import jsontext
from trivet.kernel.fhirpath import Item, PathError
from trivet.kernel.fhirpath.nodes import Binary, Call, External, Literal, Member, Node

__all__ = ["Asked", "Written", "both", "either", "field", "period"]

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
UCUM = "http://unitsofmeasure.org"
TEXTS = frozenset({"code", "uri", "string", "id", "url", "canonical"})


def field(name: str) -> str:
    """The attribute of a struct that holds an element."""
    if not WORD.fullmatch(name):
        raise ValueError("a table holds an element name that is no word")
    return name + "_" if not name.endswith("_") else name


def both(left: Any, right: Any) -> Any:
    """`and` of three values."""
    return False if left is False or right is False else None if left is None or right is None else True


def either(left: Any, right: Any) -> Any:
    """`or` of three values."""
    return True if left is True or right is True else None if left is None or right is None else False


def period(start: Any, end: Any) -> bool:
    """per-1 where it can be told from the texts: the same form, the same zone, and the end not before the start."""
    size = len(start)
    if size != len(end) or start > end:
        return False
    return start == end or size <= 10 or (start[19:] == end[19:] and start[19] in "Z+-")


def spelt(held: Any) -> bytes:
    """Raw elements as JSON; empty for absence."""
    if held.__class__ is Raw:
        return bytes(held)
    return b"" if held is UNSET else b"[" + b",".join([bytes(one) for one in held]) + b"]"


class Asked:
    """A rule that the walk answers from some elements alone."""

    def __init__(self, rule: Callable[[dict[str, Any], Item, Around], Any], spec: Spec, names: tuple[str, ...]) -> None:
        self.rule, self.spec, self.names = rule, spec, names
        self.seen: dict[tuple[bytes, ...], Any] = {}

    def __call__(self, *held: Any) -> Any:
        """The rule's answer; `held` are the raw elements in the order of `names`, or the mark of absence."""
        key = tuple([spelt(one) for one in held])
        if key not in self.seen:
            if len(self.seen) >= MOST:
                self.seen.clear()
            self.seen[key] = self._ask(key)
        found = self.seen[key]
        if found is Unsure:
            raise Unsure
        return found

    def _ask(self, key: tuple[bytes, ...]) -> Any:
        value = {name: jsontext.loads(raw) for name, raw in zip(self.names, key, strict=True) if raw}
        item = Item(value, "FHIR." + self.spec.name)
        try:
            return self.rule(value, item, Around(item, value))
        except (PathError, ArithmeticError, AttributeError, TypeError, ValueError, KeyError, RecursionError):
            return Unsure


class Written:
    """Rules of one type as expressions over `s`. `raw`: names that must be kept as bytes, because a rule is asked about them."""

    def __init__(self, invariants: Invariants, spec: Spec, held: Callable[[Any], str], keeps: Callable[[str], bool]) -> None:
        """`held` gives a constant a name in the code; `keeps`: whether the quick way knows an element's name at all."""
        self.invariants, self.spec, self.held, self.keeps = invariants, spec, held, keeps
        self.raw: set[str] = set()
        self.depth = 0

    def expression(self, node: Node) -> str:
        """Python that is False only where the rule does not hold. ValueError where it cannot be written."""
        return self.of(node)[0]

    def of(self, node: Node) -> tuple[str, bool]:
        """An expression, and whether it may be None."""
        if isinstance(node, Binary) and node.operator in ("and", "or", "implies", "xor"):
            return self.joined(node.operator, self.of(node.left), self.of(node.right))
        if isinstance(node, Call) and node.name == "not" and node.on is not None:
            text, maybe = self.of(node.on)
            return self.denied(text, maybe)
        plain = self.presence(node) or self.compared(node) or self.counted(node)
        return plain or self.asked(node)

    def joined(self, operator: str, left: tuple[str, bool], right: tuple[str, bool]) -> tuple[str, bool]:
        """`and`, `or`, `implies`, `xor`; the right side is looked at only where the left leaves it open."""
        if operator == "implies":
            return self.joined("or", self.denied(*left), right)
        (one, maybe), (other, perhaps) = left, right
        if not maybe and not perhaps:
            return f"({one} {'!=' if operator == 'xor' else operator} {other})", False
        self.depth += 1
        name = f"t{self.depth}"
        if operator == "xor":
            return f"(None if ({name} := {one}) is None or ({name}b := {other}) is None else {name} != {name}b)", True
        if operator == "and":
            return f"(False if ({name} := {one}) is False else both({name}, {other}))", True
        return f"(True if ({name} := {one}) is True else either({name}, {other}))", True

    def denied(self, text: str, maybe: bool) -> tuple[str, bool]:
        """`not`."""
        if not maybe:
            return f"(not {text})", False
        self.depth += 1
        return f"(None if (t{self.depth} := {text}) is None else not t{self.depth})", True

    def names(self, names: tuple[str, ...] | None) -> list[str] | None:
        """Those of some JSON names that the struct has: the others cannot be there."""
        return None if names is None else [name for name in names if self.keeps(name)]

    def presence(self, node: Node) -> tuple[str, bool] | None:
        """`x.exists()`, `x.empty()`, `x.hasValue()`."""
        if not isinstance(node, Call) or node.name not in ("exists", "empty", "hasValue") or node.arguments:
            return None
        names = self.names(own(node.on, self.spec))
        if names is None:
            return None
        names = [name for name in names if node.name != "hasValue" or name[0] != "_"]
        there = " or ".join(f"s.{field(name)} is not U" for name in names) or "False"
        return (f"(not ({there}))" if node.name == "empty" else f"({there})"), False

    def single(self, node: Node) -> str:
        """The name of a primitive that stands once, has no choice of type, and is compared as a text; else empty."""
        names = own(node, self.spec)
        member = self.spec.members.get(names[0]) if names else None
        fits = member is not None and member.test is not None and not member.many and not member.choice and member.kind in TEXTS
        return member.name if fits and member is not None else ""

    def compared(self, node: Node) -> tuple[str, bool] | None:
        """`x = 'word'`, `x != 'word'`, `x in ('a' | 'b')`; on the element itself `where(x = 'word').empty()`."""
        if isinstance(node, Call) and node.name == "empty" and isinstance(node.on, Call):
            where = node.on
            if where.name == "where" and where.on is None and len(where.arguments) == 1:
                inner = self.compared(where.arguments[0])
                return (f"({inner[0]} is not True)", False) if inner else None
            return None
        if not isinstance(node, Binary) or node.operator not in ("=", "!=", "in"):
            return None
        name, listed = self.single(node.left), self.words(node.right)
        if not name or not listed or (len(listed) > 1 and node.operator != "in") or name in self.raw:
            return None
        words = self.held(frozenset(listed))
        says = "not in" if node.operator == "!=" else "in"
        at = f"s.{field(name)}"
        if "_" + name in self.spec.members and self.keeps("_" + name):
            at = f"(sure({at}, s.{field('_' + name)}))"
        self.depth += 1
        return f"(None if (t{self.depth} := {at}) is U else t{self.depth} {says} {words})", True

    def words(self, node: Node) -> list[str]:
        """Constants that are texts; none where anything else is among them."""
        if isinstance(node, External):
            return [UCUM] if node.name == "ucum" else []
        if isinstance(node, Literal):
            return [node.value] if isinstance(node.value, str) else []
        if isinstance(node, Binary) and node.operator == "|":
            left, right = self.words(node.left), self.words(node.right)
            return left + right if left and right else []
        return []

    def counted(self, node: Node) -> tuple[str, bool] | None:
        """`(x.count() + y.count()) > 0` and the like."""
        if not isinstance(node, Binary) or node.operator not in (">", "<", ">=", "<=", "="):
            return None
        if not isinstance(node.right, Literal) or type(node.right.value) is not int:
            return None
        total = self.total(node.left)
        return (f"({total} {'==' if node.operator == '=' else node.operator} {node.right.value:d})", False) if total else None

    def total(self, node: Node) -> str:
        """A sum of counts."""
        if isinstance(node, Binary) and node.operator == "+":
            left, right = self.total(node.left), self.total(node.right)
            return f"({left} + {right})" if left and right else ""
        if not isinstance(node, Call) or node.name != "count" or not isinstance(node.on, Member) or node.on.on is not None:
            return ""
        names = self.spec.names.get(node.on.name)
        if names is None or self.spec.members[names[0]].choice or not self.keeps(names[0]):
            return ""
        if self.spec.members[names[0]].kind == "CodeableConcept":  # an array of them may be one piece of text
            return ""
        if self.spec.members[names[0]].many:
            return f"(0 if s.{field(names[0])} is U else len(s.{field(names[0])}))"
        return "(" + " or ".join(f"s.{field(name)} is not U" for name in names if self.keeps(name)) + ")"

    def asked(self, node: Node) -> tuple[str, bool]:
        """The walk's own rule, where it looks at elements that can be named."""
        named, certain = leading(node, self.spec), True
        if named is None:
            named, certain = leading(node, self.spec, inside=True), False
        if named is None:
            raise ValueError("a rule that looks around")
        names = [name for one in named for name in self.names(self.spec.names[one]) or []]
        item = Item({}, "FHIR." + self.spec.name)
        rule = self.invariants.rule(node, self.spec.name)
        try:
            absent = rule({}, item, Around(item, {}))
        except PathError:
            raise ValueError("a rule that cannot be asked of nothing") from None
        names = list(dict.fromkeys(names))
        there = " or ".join(f"s.{field(name)} is not U" for name in names) or "False"
        if not certain:
            return f"(unsure() if {there} else {absent!r})", True
        self.raw |= set(names)
        ask = self.held(Asked(rule, self.spec, tuple(names)))
        return f"({ask}({', '.join('s.' + field(name) for name in names)}) if {there} else {absent!r})", True
