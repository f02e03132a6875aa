"""What some types ask beyond their table, as lines of a check: references, identifiers, units, vital signs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from trivet.integration.validation.check import Resource
from trivet.integration.validation.datatypes import UCUM, URI_SYSTEM
from trivet.integration.validation.primitives import absolute
from trivet.integration.validation.references import CONDITIONAL, LITERAL, SCHEME
from trivet.integration.validation.shape import Member
from trivet.integration.validation.swift.element import MOST, Rows, Unsure, steps
from trivet.integration.validation.vitals import observation, vitals
from trivet.kernel import jsontext
from trivet.kernel.units import is_unit

__all__ = ["NATIVES", "NUMBERS", "sure", "unsure"]

NUMBER = re.compile(rb"-?(?:0|[1-9]\d{0,18})(?:\.\d{1,30})?")
ONE_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch


def unsure() -> Any:
    """The rule is the walk's."""
    raise Unsure


def sure(value: Any, beside: Any) -> Any:
    """A primitive that is compared, unless it has extensions beside it."""
    if beside is not UNSET:
        raise Unsure
    return value


class Targets:
    """References out of one element: `ask` for those that are not plain."""

    def __init__(self, resources: frozenset[str], member: Member | None) -> None:
        self.resources = resources
        listed = member.targets if member is not None else ()
        self.allowed = resources if not listed or "Resource" in listed else resources & frozenset(listed)
        self.good: set[Any] = set()

    def keep(self, target: str) -> None:
        """Remember a plain reference that is right."""
        if len(self.good) >= MOST:
            self.good.clear()
        self.good.add(target)

    def ask(self, target: Any, said: Any, rows: Rows) -> None:
        """Raise `Unsure` unless the reference is right (`references.check`)."""
        kind = ""
        if target is not UNSET and target[0] == "#":
            name = target[1:]
            kind = rows.kinds.get(name, "") if name else rows.root
            if not kind:
                raise Unsure
            if name:
                rows.named.add(name)
            else:
                rows.back = True
        elif target is not UNSET:
            found = LITERAL.fullmatch(target) or CONDITIONAL.fullmatch(target)
            kind = found["type"] if found and found["type"] in self.resources else ""
            if not kind and not SCHEME.match(target):
                raise Unsure
        if said is not UNSET and said in self.resources:
            if kind and kind != said:
                raise Unsure
            kind = kind or said
        if kind and kind not in self.allowed:
            raise Unsure


def reference(plan: Any, member: Member | None) -> list[str]:
    """The form and the target's type."""
    targets = plan.targets[member.path if member is not None else ""] = Targets(plan.shapes.resources, member)
    allowed, ask, one_id, keep = plan.held(targets.allowed), plan.held(targets.ask), plan.held(ONE_ID), plan.held(targets.keep)
    return [
        "    r = s.reference_",
        "    if s.type_ is not U or r is U:",
        f"        {ask}(r, s.type_, rows)",
        "        if r is U and s.type_ is U and s.display_ is U and s.identifier_ is U: raise Unsure",
        "    else:",
        "        a, b, c = r.partition('/')",
        f"        if not ((a in {allowed} and {one_id}(c)) or (not b and a[:9] == 'urn:uuid:')):",
        f"            {ask}(r, U, rows)",
        f"        else: {keep}(r)",
    ]


class Units:
    """UCUM codes that were looked up."""

    def __init__(self) -> None:
        self.good: set[str] = set()

    def ask(self, code: str) -> None:
        """Raise `Unsure` unless this is a unit."""
        if not is_unit(code):
            raise Unsure
        if len(self.good) >= MOST:
            self.good.clear()
        self.good.add(code)


UNITS = Units()


def quantity(plan: Any, member: Member | None) -> list[str]:
    """A UCUM code that is one."""
    good, ask, ucum = plan.held(UNITS.good), plan.held(UNITS.ask), plan.held(UCUM)
    return [f"    if s.system_ == {ucum} and s.code_ is not U: s.code_ in {good} or {ask}(s.code_)"]


class Systems:
    """Absolute addresses that were looked at."""

    def __init__(self) -> None:
        self.good: set[str] = set()

    def ask(self, system: str) -> None:
        """Raise `Unsure` unless the address is absolute."""
        if not absolute(system) or system == URI_SYSTEM:
            raise Unsure
        if len(self.good) >= MOST:
            self.good.clear()
        self.good.add(system)


SYSTEMS = Systems()


def identifier(plan: Any, member: Member | None) -> list[str]:
    """An absolute system; one of URIs is left to the walk."""
    good, ask = plan.held(SYSTEMS.good), plan.held(SYSTEMS.ask)
    others = " and ".join(f"s.{name}_ is U" for name in ("use", "type", "value", "period", "assigner"))
    return [
        f"    if s.system_ is not U: s.system_ in {good} or {ask}(s.system_)",
        f"    elif {others}: raise Unsure",
    ]


class Numbers:
    """Decimals by their digits; longer ones are left to the walk."""

    def __init__(self) -> None:
        self.good: set[bytes] = set()

    def ask(self, raw: bytes) -> None:
        """Raise `Unsure` unless this is a number."""
        if not NUMBER.fullmatch(raw):
            raise Unsure
        if len(self.good) >= MOST:
            self.good.clear()
        self.good.add(raw)


NUMBERS = Numbers()


class Vitals:
    """Observations with a code of the vital signs' profiles, as far as the profiles look at them."""

    def __init__(self, walk: Callable[[], Any], values: tuple[str, ...], times: tuple[str, ...]) -> None:
        self.walk, self.values, self.times = walk, values, times
        self.codes = tuple(code.encode() for code in vitals())
        self.plain: dict[bytes, bool] = {}
        self.seen: dict[Any, Any] = {}

    def known(self, raw: bytes) -> bool:
        """Whether a code of the profiles may be among the codings of a concept."""
        found = self.plain.get(raw)
        if found is None:
            if len(self.plain) >= MOST:
                self.plain.clear()
            found = self.plain[raw] = b"\\" in raw or any(b'"' + code + b'"' in raw for code in self.codes)
        return found

    def ask(self, s: Any, code: bytes) -> Any:
        """Rows of the profile: what it looks at is laid out as the walk would see it, and its verdict is remembered."""
        category = b"" if s.category_ is UNSET else bytes(s.category_)
        value: Any = s.valueQuantity_
        if value is not UNSET:
            chosen: tuple[str, ...] = ("valueQuantity",)
            value = (value.system_, value.code_, value.value_ is UNSET, value.unit_ is UNSET)
        else:
            chosen = tuple([name for name in self.values if getattr(s, name + "_") is not UNSET])
        parts = () if s.component_ is UNSET else tuple([(bytes(one.code_), self.has(one)) for one in s.component_])
        time = s.effectiveDateTime_ is not UNSET or any(getattr(s, name + "_") is not UNSET for name in self.times)
        there = (s.subject_ is not UNSET, time, s.hasMember_ is not UNSET, s.dataAbsentReason_ is not UNSET, s.component_ is not UNSET)
        key = (code, category, value, parts, there, chosen)
        found = self.seen.get(key)
        if found is None:
            if len(self.seen) >= MOST:
                self.seen.clear()
            found = self.seen[key] = self._ask(*key)
        return found

    @staticmethod
    def has(part: Any) -> bool:
        """Whether a component has a value or says why not."""
        return any(name.startswith(("value", "dataAbsentReason")) and getattr(part, name) is not UNSET for name in part.__struct_fields__)

    def _ask(self, code: Any, category: Any, value: Any, parts: Any, there: Any, chosen: Any) -> Any:
        held: dict[str, Any] = {"resourceType": "Observation", "code": jsontext.loads(code)}
        if category:
            held["category"] = jsontext.loads(category)
        for name, present in zip(("subject", "effectiveDateTime", "hasMember", "dataAbsentReason", "component"), there, strict=True):
            if present:
                held[name] = "there"
        for name in chosen:
            held[name] = "there"
        if value is not UNSET:
            named = zip(("system", "code", "value", "unit"), value, strict=True)
            held["valueQuantity"] = {name: part for name, part in named if part is not UNSET and part is not True}
        if there[4]:
            held["component"] = [{"code": jsontext.loads(one), **({"valueString": "there"} if has else {})} for one, has in parts]
        walk = self.walk()
        observation(walk, Resource(held, ()))
        return tuple((severity, code, rule, tuple(steps(place)), words) for severity, code, rule, place, words in walk.found.rows)


def observed(plan: Any, member: Member | None) -> list[str]:
    """Vital signs (`vitals.observation`)."""
    if member is not None:
        return []
    choices = plan.shapes.spec("Observation").choices
    one = Vitals(plan.walk, choices["value"], choices["effective"])
    known, ask = plan.held(one.known), plan.held(one.ask)
    return [
        "    k = bytes(s.code_)",
        f"    if {known}(k):",
        f"        r = {ask}(s, k)",
        "        if r: rows.append((r, place))",
    ]


NATIVES: dict[str, Callable[[Any, Member | None], list[str]]] = {
    "Reference": reference,
    "Quantity": quantity,
    "Identifier": identifier,
    "Observation": observed,
}
