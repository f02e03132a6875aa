"""Verdicts of the walk on small elements, remembered by their bytes: the same coding stands in thousands of resources.

A verdict is `()` (nothing found), rows (findings below the element) or False (the walk must see the whole resource, because what it
says here depends on what stands elsewhere: fragments, ids of elements, links in a narrative).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.json import Decoder, Encoder

from trivet.integration.validation.check import Resource, Walk
from trivet.integration.validation.finding import Place
from trivet.integration.validation.references import check as references
from trivet.integration.validation.shape import Member
from trivet.kernel import jsontext

__all__ = ["OK", "Concept", "Element", "Rows", "Test", "Unsure", "steps", "twice"]

MOST = 5_000
LONGEST = 1_024
encode = Encoder().encode
OK: tuple[Any, ...] = ()


class Unsure(Exception):
    """The quick way cannot tell."""


def steps(place: Place) -> list[str | int]:
    """A place as a path from the document."""
    out: list[str | int] = []
    while place:
        place, step = place
        out.append(step)
    out.reverse()
    return out


def twice(raw: bytes, names: int) -> bool:
    """Whether a name may stand twice in one object, or the text be so written that this cannot be told by counting."""
    apart = b" :" in raw or b"\n" in raw or b"\t" in raw or b"\r" in raw
    return apart or raw.count(b'":') != names


class Rows(list[tuple[Any, Place]]):
    """What is found, as (rows below a place, the place); and what references of one resource may lead to inside it.

    `kinds`: contained resources, id -> type; `root`: type of the resource that contains them; `named`: what was referred to by fragment;
    `back`: whether the contained resource that is looked at refers to the one that contains it.
    """

    kinds: Mapping[str, str] = MappingProxyType({})
    root = ""
    named: Any = frozenset()
    back = False


class Element:
    """What the walk says of one element at one path, on its own."""

    def __init__(self, walk: Any, kind: str, member: Member, names: tuple[str, ...], depth: int, anywhere: bool = False) -> None:
        """`walk` makes a fresh walk; `anywhere`: the verdict must not depend on the path, and is asked of bare elements only."""
        self.walk, self.kind, self.member, self.depth, self.anywhere = walk, kind, member, depth, anywhere
        place: Place = ()
        for name in names:
            place = (place, int(name) if name.isdigit() else name)
        self.place, self.path = place, steps(place)
        self.ahead = len(names)
        self.seen: dict[bytes, Any] = {}
        self.get = self.seen.get

    def judge(self, raw: bytes) -> Any:
        """The verdict on an element's compact bytes."""
        found = self._judge(raw)
        if len(raw) <= LONGEST:
            if len(self.seen) >= MOST:
                self.seen.clear()
            self.seen[raw] = found
        return found

    def _judge(self, raw: bytes) -> Any:
        try:
            value = jsontext.loads(raw)
        except (ValueError, RecursionError):
            return False
        if value is None or (self.anywhere and (type(value) is not dict or "extension" in value)):
            return False
        walk: Walk = self.walk()
        one = Resource({"resourceType": self.kind}, ())
        try:
            if self.member.test is not None:
                wrong = self.member.test(value)
                if wrong is not None or (type(value) is str and value[0] == "#"):
                    return False
            else:
                walk.single(value, self.member, self.place, one, self.depth, {})
        except RecursionError:
            return False
        if one.links or one.ids or one.texts or one.inner or twice(raw, walk.names):
            return False
        if any(str(value.get("reference", "#")).startswith("#") and "reference" in value for value, _, _ in one.references):
            return False
        references(walk, one)
        rows = []
        for severity, code, rule, place, words in walk.found.rows:
            path = steps(place)
            if path[: self.ahead] != self.path:  # what is wrong is the element above
                return False
            rows.append((severity, code, rule, tuple(path[self.ahead :]), words))
        return tuple(rows)


TEXT = Annotated[str, Meta(min_length=1)]


class Plain(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A CodeableConcept without extensions."""

    coding: Annotated[list[Raw], Meta(min_length=1)] | UnsetType = UNSET
    text: TEXT | UnsetType = UNSET


class Concept(Element):
    """A CodeableConcept, or an array of them, whose codings are looked at one by one: the text beside them is often new."""

    def __init__(self, walk: Any, kind: str, member: Member, names: tuple[str, ...], depth: int, coding: Element) -> None:
        super().__init__(walk, kind, member, names, depth)
        self.coding = coding
        self.decode = Decoder(Annotated[list[Plain], Meta(min_length=1)] if member.many else Plain).decode

    def _judge(self, raw: bytes) -> Any:
        try:
            read = self.decode(raw)
        except (ValueError, RecursionError):
            return self._items(raw)
        rows: list[Any] = []
        for number, one in enumerate(read if self.member.many else (read,)):
            ahead: tuple[Any, ...] = (number, "coding") if self.member.many else ("coding",)
            if one.text is not UNSET and not (one.text.isprintable() and one.text.strip() == one.text and len(one.text) < LONGEST):
                return self._items(raw)
            if one.coding is UNSET:
                if one.text is UNSET:
                    return self._items(raw)
                continue
            for place, held in enumerate(one.coding):
                key = bytes(held)
                found = self.coding.get(key)
                if found is None:
                    found = self.coding.judge(key)
                if found is False:
                    return self._items(raw)
                rows += [(*row[:3], (*ahead, place, *row[3]), row[4]) for row in found]
        return tuple(rows) if len(encode(read)) == len(raw) else self._items(raw)

    def _items(self, raw: bytes) -> Any:
        """Leave it to the walk, unless that would have to see an array."""
        return False if self.member.many else super()._judge(raw)


class Test:
    """The walk's own test of a primitive, its good values remembered."""

    def __init__(self, member: Member) -> None:
        assert member.test is not None
        self.test, self.local = member.test, member.kind in ("uri", "url", "canonical")
        self.good: set[str] = set()

    def ask(self, value: str) -> None:
        """Raise `Unsure` unless the value is right."""
        if self.test(value) is not None or (self.local and value[0] == "#"):
            raise Unsure
        if len(value) <= LONGEST:
            if len(self.good) >= MOST:
                self.good.clear()
            self.good.add(value)
