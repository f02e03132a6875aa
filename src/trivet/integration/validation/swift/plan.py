"""A resource type as structs and checks: made once a type from the tables that the walk uses, one struct an element path.

The code that is made holds element names that are words, numbers, and names of constants; every value of a table is a constant and
is never pasted (decision record "a quick way through the validator").
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from trivet.integration.validation.datatypes import CHECKS
from trivet.integration.validation.invariants import Invariants, parts
from trivet.integration.validation.primitives import TESTS
from trivet.integration.validation.shape import Member, Shapes, Spec
from trivet.integration.validation.swift.element import OK, TEXT, Element, Test, Unsure
from trivet.integration.validation.swift.natives import NATIVES, NUMBERS, Targets, sure, unsure
from trivet.integration.validation.swift.novel import Concept, Extension, Narrative
from trivet.integration.validation.swift.primitive import SURE
from trivet.integration.validation.swift.rules import Written, both, either, field, period
from trivet.kernel.fhirpath import parse
from trivet.kernel.fhirpath.nodes import Call, External

__all__ = ["Plan"]

TYPED = frozenset({"Reference", "Identifier", "Period", "Quantity", "Money", "HumanName", "Address", "ContactPoint", "Annotation", "Meta"})
HANDLED = frozenset({"Reference", "Identifier", "Quantity", "CodeableConcept"})
BARE = frozenset({"Reference", "Identifier", "Period", "Quantity", "Money", "CodeableConcept"})
"""Types whose extensions are left to the walk: they rarely have any."""
ELSEWHERE = frozenset({"dom-4", "dom-5", "dom-6"})
"""Rules of whole resources that the reader looks at."""
NATURAL = frozenset({"Reference", "Identifier"})
"""Types whose own lines see that an element is empty."""
WHOLE_NUMBERS = {"integer": (-(2**31), 2**31 - 1), "positiveInt": (1, 2**31 - 1), "unsignedInt": (0, 2**31 - 1)}
CONTAINED = Annotated[list[Raw], Meta(min_length=1)]
SPELT = frozenset({"string", "markdown", "boolean", "decimal", *WHOLE_NUMBERS})
"""Primitives that typed decoding and the look at the whole text judge."""


class Plan:
    """The reader of one resource type. `decoder` reads its bytes, `check(struct, place, rows)` judges what decoding does not."""

    def __init__(self, shapes: Shapes, invariants: Invariants, walk: Any, kind: str, coding: Element) -> None:
        """ValueError where the type has what only the walk can do."""
        self.shapes, self.invariants, self.walk, self.kind, self.coding = shapes, invariants, walk, kind, coding
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"U": UNSET, "OK": OK, "both": both, "either": either, "unsure": unsure, "sure": sure}
        self.names |= {"Unsure": Unsure, "period": period}
        self.constants = 0
        self.targets: dict[str, Targets] = {}
        self.open: list[str] = []
        self.type, check = self.struct(shapes.spec(kind), None, (), 0)
        exec("\n".join(self.lines), self.names)  # noqa: S102  code of our own making, from our own tables, checked word by word
        self.decoder = msgspec.json.Decoder(self.type)
        self.check = self.names[check] if check else lambda s, place, rows: None
        self.narrative = "DomainResource" in shapes.spec(kind).lines

    def held(self, value: Any) -> str:
        """A constant's name in the code."""
        self.constants += 1
        name = f"c{self.constants}"
        self.names[name] = value
        return name

    def struct(self, spec: Spec, member: Member | None, names: tuple[str, ...], depth: int) -> tuple[type[Any], str]:
        """The struct of an element, and the name of its check; empty where decoding says all."""

        def keeps(name: str) -> bool:
            one = spec.members[name]
            if one.resource or (one.of is not None and (one.many or bool(one.choice) or spec.name in BARE)):
                return False
            return not ((member is not None and name == "id") or (name in ("extension", "modifierExtension") and spec.name in BARE))

        written = Written(self.invariants, spec, self.held, keeps)
        rules = self.rules(written, spec, member)
        fields: list[Any] = []
        body: list[str] = []
        rename: dict[str, str] = {}
        must = {listed[0] for _, listed in spec.required if not spec.members[listed[0]].choice}
        for name, one in spec.members.items():
            if not keeps(name):
                continue
            if name == "resourceType":
                fields.append((field(name), Literal[self.kind]))
                rename[field(name)] = name
                continue
            made = self.entry(one, spec, names, depth, name in written.raw)
            rename[field(name)] = name
            many = one.many and not (one.kind == "CodeableConcept" and self.apart(one) and name not in written.raw)
            kind = Annotated[list[made[0]], Meta(min_length=1)] if many else made[0]  # type: ignore[valid-type]
            fields.append((field(name), kind) if name in must else (field(name), kind | UnsetType, UNSET))
            body += looked(field(name), made[1], many, name) if made[1] else []
            must.discard(name)
        if must:
            raise ValueError("an element that is required is not kept")
        body += self.chosen(spec, written)
        body += NATIVES[spec.name](self, member) if spec.name in NATIVES else []
        body += [f"    if {text} is False: raise Unsure" for text in rules]
        if member is None and "contained" in spec.members:
            fields.append(("contained_", CONTAINED | UnsetType, UNSET))
            rename["contained_"] = "contained"
        made_type = msgspec.defstruct(
            "_".join((self.kind, *(name for name in names if not name.isdigit()))),
            fields,
            kw_only=True,
            forbid_unknown_fields=True,
            rename=rename,
            omit_defaults=True,
            gc=False,
        )
        if spec.name not in NATURAL and not any(len(one) == 2 for one in fields):
            body.insert(0, f"    if s == {self.held(made_type())}: raise Unsure")
        if not body:
            return made_type, ""
        self.constants += 1
        check = f"check{self.constants}"
        self.lines += [f"def {check}(s, place, rows):", *body]
        return made_type, check

    def rules(self, written: Written, spec: Spec, member: Member | None) -> list[str]:
        """The invariants of the element as expressions."""
        found = [rule for rule in self.invariants.of(spec) if rule.key not in ELSEWHERE]
        found += self.invariants.at(member.path) if member is not None and member.path != spec.name else ()
        while True:
            kept, out = len(written.raw), []
            for rule in found:
                if rule.key == "per-1":
                    out.append("(s.start_ is U or s.end_ is U or period(s.start_, s.end_))")
                else:
                    out.append(written.expression(parse(rule.expression)))
            if len(written.raw) == kept:  # else an element that was written as a text is kept as bytes: once more
                break
        return [text for text in out if text not in ("True", "(True)")]

    def chosen(self, spec: Spec, written: Written) -> list[str]:
        """One type of a choice at most; one at least where it is required."""
        out = []
        must = {name for name, _ in spec.required}
        for choice, listed in spec.choices.items():
            at = [f"s.{field(name)}" for name in listed if written.keeps(name)]
            if choice in must:
                out.append(f"    if ({', '.join(at)},).count(U) != {len(at) - 1}: raise Unsure")
            elif len(at) > 1:
                out.append(f"    if ({', '.join(at)},).count(U) < {len(at) - 1}: raise Unsure")
        return out

    def entry(self, one: Member, spec: Spec, names: tuple[str, ...], depth: int, raw: bool) -> tuple[Any, str]:
        """The type of one item, and how `v` is looked at; empty where decoding says all."""
        path = (*names, one.name, *(["0"] if one.many else []))
        if raw:
            return self.left(one, path, depth)
        if one.test is not None:
            return self.primitive(one)
        if one.of is not None:
            return self.left(one, path, depth)
        inner = self.shapes.spec(one.kind)
        checks = {line for line in inner.lines if line in CHECKS}
        backbone = one.kind == one.path
        if one.kind == "CodeableConcept" and self.apart(one):
            return Raw, self.asked(Concept(self.walk, self.kind, one, path[: len(names) + 1], depth, self.coding))
        if (backbone or one.kind in TYPED) and checks <= HANDLED:
            if one.kind in self.open:
                return self.left(one, path, depth)
            self.open.append(one.kind)
            try:
                made, check = self.struct(inner, one, path, depth + 1)
            except ValueError:
                return self.left(one, path, depth)
            finally:
                self.open.pop()
        else:
            return self.left(one, path, depth)
        call = f"{check}(v, %s, rows)" if check else ""
        if one.kind == "Reference":
            call = f"v.type_ is U and v.identifier_ is U and v.reference_ in {self.held(self.targets[one.path].good)} or {call}"
        return made, call

    def apart(self, one: Member) -> bool:
        """Whether a concept's codings can be looked at one by one: nothing is asked of them together."""
        return one.strength != "required" and not self.invariants.at(one.path)

    def left(self, one: Member, path: tuple[str, ...], depth: int) -> tuple[Any, str]:
        """An element that is kept as bytes and judged by the walk."""
        if around(self.shapes, self.invariants, one):
            raise ValueError("a rule that looks around")
        if one.kind == "Narrative" and one.name == "text":
            states = sorted(self.shapes.spec("Narrative").members["status"].codes or ())
            return Raw, self.asked(Narrative(self.walk, self.kind, one, path, depth, states))
        return Raw, self.asked((Extension if one.kind == "Extension" else Element)(self.walk, self.kind, one, path, depth))

    def asked(self, element: Element) -> str:
        """Ask for the verdict on `v`."""
        get, judge = self.held(element.get), self.held(element.judge)
        return f"ask(bytes(v), {get}, {judge}, %s, rows)"

    def primitive(self, one: Member) -> tuple[Any, str]:
        """A primitive: what decoding judges, and what is asked of the rest."""
        if one.codes:
            return Literal[tuple(sorted(one.codes))], ""
        if one.kind in SPELT and one.test in (TESTS.get(one.kind), None):
            if one.kind == "boolean":
                return bool, ""
            if one.kind == "decimal":
                return Raw, f"bytes(v) in {self.held(NUMBERS.good)} or {self.held(NUMBERS.ask)}(bytes(v))"
            if one.kind in WHOLE_NUMBERS:
                low, high = WHOLE_NUMBERS[one.kind]
                return Annotated[int, Meta(ge=low, le=high)], ""
            return TEXT, ""
        if one.kind == "xhtml":
            raise ValueError("narrative is judged as a whole")
        test = Test(one)
        ask = self.held(test.ask)
        if one.kind in SURE and one.test is TESTS[one.kind]:
            return str, f"{self.held(SURE[one.kind])}(v) or {ask}(v)"
        return str, f"v in {self.held(test.good)} or {ask}(v)"


def around(shapes: Shapes, invariants: Invariants, one: Member) -> bool:
    """Whether a rule at an element or below it looks at more than the element."""
    todo, seen = [(one.kind, one.path)], set()
    while todo:
        kind, path = todo.pop()
        if kind in seen:
            continue
        seen.add(kind)
        for line in dict.fromkeys((path, *shapes.spec(kind).lines)):
            for rule in invariants.at(line):
                for node in parts(parse(rule.expression)):
                    if (isinstance(node, External) and node.name not in ("ucum", "sct", "loinc")) or (
                        isinstance(node, Call) and node.name == "resolve"
                    ):
                        return True
        todo += [(below.kind, below.path) for below in shapes.spec(kind).members.values() if below.test is None]
    return False


def looked(attribute: str, call: str, many: bool, name: str) -> list[str]:
    """Lines that look at one element of `s`."""
    place = f"((place, {name!r}), n)" if many else f"(place, {name!r})"
    placed = "%s" in call
    asked = call.startswith("ask(")
    if asked:
        raw, get, judge, _, _ = call[4:-1].split(", ")
        lines = [
            f"k = {raw}",
            f"r = {get}(k)",
            f"if r is None: r = {judge}(k)",
            "if r is not OK:",
            "    if r is False: raise Unsure",
            f"    rows.append((r, {place}))",
        ]
    else:
        lines = [call % place if placed else call]
    head = [f"    v = s.{attribute}", "    if v is not U:"]
    if not many:
        return head + ["        " + line for line in lines]
    loop = "for n, v in enumerate(v):" if placed else "for v in v:"
    return [*head, "        " + loop, *("            " + line for line in lines)]
