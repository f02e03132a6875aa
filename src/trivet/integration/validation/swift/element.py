"""Verdicts of the walk on small elements, remembered by their bytes: the same coding stands in thousands of resources.

A verdict is `()` (nothing found), rows (findings below the element) or False (the walk must see the whole resource, because what it
says here depends on what stands elsewhere: fragments, ids of elements, links in a narrative).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from msgspec import Meta
from msgspec.json import Encoder

from trivet.integration.validation.check import Resource, Walk
from trivet.integration.validation.finding import Place
from trivet.integration.validation.references import check as references
from trivet.integration.validation.shape import Member
from trivet.kernel import jsontext

__all__ = ["MOST", "OK", "Element", "Rows", "Test", "Unsure", "steps", "twice"]

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
