"""The walk over one resource: every name, every value, every rule of its type, in one pass.

In: a decoded value. Out: rows in `Found`, and what later passes need: references, contained resources, narrative links. Nothing is
changed, nothing is looked up outside the tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from trivet.integration.validation.finding import Found, Place
from trivet.integration.validation.invariants import Around, Invariants
from trivet.integration.validation.shape import Member, Shapes, Spec
from trivet.kernel.fhirpath import Item, PathError

__all__ = ["DEPTH", "Options", "Resource", "Walk"]

DEPTH = 100
MARKUP = re.compile(r"<[a-zA-Z/!][^>]*>")


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller decides.

    `known_extensions`: an extension that the tables do not define is refused (the standard allows it; some contracts do not).
    `strict`: what the standard demands of a resource by its codes (vital signs), and codes of LOINC and SNOMED CT whose check digit is
    wrong, are errors and not warnings. `comments`: the text may hold comments. `markup`: HTML in a text is refused.
    `examples`: addresses of example.org may stand in extensions. `contained`: contained resources are judged too.
    """

    known_extensions: bool = False
    strict: bool = False
    comments: bool = False
    markup: bool = False
    examples: bool = True
    contained: bool = True


@dataclass(slots=True)
class Resource:
    """One resource under way: where it stands, what holds it, and what its references must lead to."""

    value: dict[str, Any]
    place: Place
    holder: Resource | None = None
    how: str = ""  # "contained", "entry", "parameter"
    references: list[tuple[dict[str, Any], Place, Member]] = field(default_factory=list)
    links: list[tuple[str, Place]] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    ids: dict[str, Place] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)  # canonical, uri and url values that begin with #
    inner: list[Resource] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The resource's type."""
        return str(self.value.get("resourceType", ""))

    @property
    def root(self) -> Resource:
        """The resource that contained ones belong to: itself, unless it is contained."""
        return self.holder.root if self.holder is not None and self.how == "contained" else self

    @property
    def outermost(self) -> Resource:
        """The document as a whole."""
        return self.holder.outermost if self.holder is not None else self


Check = Callable[["Walk", dict[str, Any], Place, Member, Resource], None]
BY_TYPE: dict[str, tuple[Check, ...]] = {}
"""Type -> what its values are asked beyond their table; filled as types are met, the same for every walk."""


class Walk:
    """One document. `checks`: what data types ask beyond their table, by type name; `whole`: the same for resources."""

    def __init__(
        self,
        shapes: Shapes,
        invariants: Invariants,
        options: Options,
        checks: Mapping[str, Check],
        whole: Mapping[str, Callable[[Walk, Resource], None]],
    ) -> None:
        self.shapes, self.invariants, self.options = shapes, invariants, options
        self.checks, self.whole, self.by_type = checks, whole, BY_TYPE
        self.found = Found()
        self.resources: list[Resource] = []
        self.names = 0
        self.judged: Collection[int] = frozenset()  # identities of stubs: resources that others have answered for

    def document(self, value: Any) -> None:
        """A resource, with everything in it."""
        self.resource(value, (), None, "")

    def resource(self, value: Any, place: Place, holder: Resource | None, how: str) -> None:
        """A resource at a place."""
        found = self.found
        if type(value) is not dict:
            found.error("json-type", place, "a resource must be an object")
            return
        kind = value.get("resourceType")
        if type(kind) is not str or kind not in self.shapes.resources:
            words = "resourceType is missing" if kind is None else "resourceType is no resource of FHIR R4"
            found.error("unknown-type", place, words)
            return
        if how == "contained" and not self.options.contained:
            return
        one = Resource(value, place, holder, how)
        self.resources.append(one)
        if holder is not None:
            holder.inner.append(one)
        if id(value) in self.judged:
            return
        self.members(value, self.shapes.spec(kind), place, one, _depth(place))
        extra = self.whole.get(kind)
        if extra is not None:
            extra(self, one)

    def members(self, value: dict[str, Any], spec: Spec, place: Place, one: Resource, depth: int) -> None:
        """An object of a type."""
        found = self.found
        table = spec.members
        chosen: list[str] = []
        self.names += len(value)
        if depth > DEPTH:
            found.error("json-too-deep", place, f"more than {DEPTH} levels")
            return
        for name, inner in value.items():
            member = table.get(name)
            if member is None:
                if name != "fhir_comments":
                    found.error("unknown-element", place, f"{spec.name} has no element of this name", _safe(name))
                continue
            if member.choice:
                chosen.append(name)
            test = member.test
            if test is not None and not member.many:
                wrong = test(inner)
                if wrong is not None:
                    self.primitive(
                        wrong, inner, member, place if member.path == "Attachment.data" and wrong[1] == "value" else (place, name)
                    )
                elif inner.__class__ is str and (inner[0] == "#" or member.kind == "xhtml" or self.options.markup):
                    self.local(inner, member, (place, name), one)
            elif member.many:
                self.items(inner, member, (place, name), one, depth, value)
            else:
                self.single(inner, member, (place, name), one, depth, value)
        if not value or (len(value) == 1 and "id" in value and spec.name not in self.shapes.resources):
            found.error("empty", place, "an element must have a value or something in it", "ele-1")
        for name, either in spec.required:
            for json_name in either:
                if json_name in value:
                    break
            else:
                found.error("cardinality", place, f"{name} is missing: at least one is required", f"{spec.name}.{name}")
        if len(chosen) > 1:
            self.several(chosen, spec, place)
        rules = self.invariants.of(spec)
        if rules:
            self.judge(rules, value, "FHIR." + spec.name, place, one)

    def several(self, chosen: list[str], spec: Spec, place: Place) -> None:
        """More than one type of a choice."""
        seen: dict[str, str] = {}
        for name in chosen:
            member = spec.members[name]
            if seen.setdefault(member.choice, name.removeprefix("_")) != name.removeprefix("_"):
                self.found.error("choice", place, f"{member.choice} stands here in more than one type", f"{spec.name}.{member.choice}")

    def single(self, value: Any, member: Member, place: Place, one: Resource, depth: int, above: dict[str, Any]) -> None:
        """What stands once and is no primitive."""
        if member.of is not None:
            if value is None:
                self.found.error("json-type", place, "null may stand in an array only")
                return
            self.sibling(value, member, place, one, depth)
        elif member.resource:
            how = "contained" if member.name == "contained" else "parameter" if member.path.startswith("Parameters") else "entry"
            self.resource(value, place, one, how)
        elif type(value) is not dict:
            words = "this element must not be an array" if type(value) is list else "this element must be an object"
            self.found.error("json-type", place, words)
        else:
            self.complex(value, member, place, one, depth)

    def complex(self, value: dict[str, Any], member: Member, place: Place, one: Resource, depth: int) -> None:
        """An object of a data type or a backbone element."""
        spec = self.shapes.spec(member.kind)
        self.members(value, spec, place, one, depth + 1)
        own = value.get("id")
        if own.__class__ is str and member.kind != "ElementDefinition":  # theirs are named in two views, see sdf-16 and sdf-17
            if own in one.ids or " " in own:
                words = "the id of an element must not hold a blank" if " " in own else "the id of an element stands twice in one resource"
                self.found.error("rule", place, words, "element-id")
            one.ids[own] = place
        checks = self.by_type.get(spec.name)
        if checks is None:
            checks = self.by_type[spec.name] = tuple(self.checks[line] for line in spec.lines if line in self.checks)
        for check in checks:
            check(self, value, place, member, one)
        rules = self.invariants.at(member.path) if member.path != spec.name else ()
        if rules:
            self.judge(rules, value, "FHIR." + member.kind, place, one)

    def items(self, value: Any, member: Member, place: Place, one: Resource, depth: int, above: dict[str, Any]) -> None:
        """What may stand several times."""
        found = self.found
        if type(value) is not list:
            found.error("json-type", place, "this element must be an array")
            return
        if not value:
            found.error("empty", place, "an array must not be empty")
            return
        test, name = member.test, member.name
        if member.of is not None:
            partner = above.get(name[1:])
            if isinstance(partner, list) and len(partner) != len(value):
                found.warn("json-type", place, "the arrays of the values and of their extensions differ in length")
        for number, inner in enumerate(value):
            at = (place, number)
            if test is not None:
                if inner is None:
                    others = above.get("_" + name)
                    if not (isinstance(others, list) and number < len(others) and isinstance(others[number], dict)):
                        found.error("empty", at, "null stands here without an extension in its place")
                    continue
                wrong = test(inner)
                if wrong is not None:
                    self.primitive(wrong, inner, member, at)
                elif inner.__class__ is str and (inner[0] == "#" or self.options.markup):
                    self.local(inner, member, at, one)
            elif inner is None and member.of is not None:
                continue
            else:
                self.single(inner, member, at, one, depth, above)

    def primitive(self, wrong: tuple[str, str, str], value: Any, member: Member, place: Place) -> None:
        """A primitive that is not right."""
        severity, rule, words = wrong
        kind = type(value)
        if value is None:
            words = "null may stand in an array only"
        elif kind is list:
            words = "this element must not be an array"
        elif kind is dict:
            words = f"this element must be a plain value of type {member.kind}"
        code = rule if rule in ("json-type", "empty", "binding") else "value"
        key = member.valueset if rule == "binding" else member.kind
        (self.found.error if severity == "error" else self.found.warn)(code, place, words, key)

    def local(self, value: str, member: Member, place: Place, one: Resource) -> None:
        """Narrative, and texts that may lead to a contained resource."""
        if member.kind == "xhtml":
            self.checks["xhtml"](self, {"div": value}, place, member, one)
        elif self.options.markup and MARKUP.search(value):
            self.found.error("value", place, "a text with markup of HTML in it", "markup")
        elif value[0] == "#" and member.kind in ("canonical", "uri", "url"):
            one.texts.add(value[1:])

    def sibling(self, value: Any, member: Member, place: Place, one: Resource, depth: int) -> None:
        """Id and extensions of a primitive."""
        if type(value) is not dict:
            self.found.error("json-type", place, "what stands beside a plain value must be an object")
            return
        self.members(value, self.shapes.spec("Element"), place, one, depth + 1)

    def judge(self, rules: tuple[Any, ...], value: dict[str, Any], kind: str, place: Place, one: Resource) -> None:
        """The invariants of an element."""
        item = Item(value, kind)
        around = Around(Item(one.value, "FHIR." + one.kind), one.root.value)
        for rule in rules:
            try:
                holds = rule.holds(value, item, around)
            except (PathError, ArithmeticError, AttributeError, TypeError, ValueError, KeyError, RecursionError):
                # The element is not what its type says; that has been found already, and the rule has nothing to stand on.
                self.found.tell("undecided", place, f"the rule {rule.key} could not be decided here", rule.key)
                continue
            if holds is False:
                words = f"the rule {rule.key} of FHIR R4 does not hold: {rule.expression}"
                (self.found.error if rule.error else self.found.warn)("invariant", place, words, rule.key)


def _safe(name: str) -> str:
    """A name as a rule key, where it looks like a name of an element and not like a value."""
    return name if name.isascii() and name.removeprefix("_").isalnum() and len(name) <= 64 else "?"


def _depth(place: Place) -> int:
    depth = 0
    while place:
        place, depth = place[0], depth + 1
    return depth
