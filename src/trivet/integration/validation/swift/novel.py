"""Elements that are new each time: what is new in them is judged here, what is left of them is judged by the walk and remembered.

A narrative without its words is a pattern of tags, an extension without its value is an address and a type; there are few of either.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, defstruct
from msgspec.json import Decoder

from trivet.integration.validation.narrative import look
from trivet.integration.validation.shape import Member, shapes
from trivet.integration.validation.swift.element import LONGEST, MOST, OK, TEXT, Element, encode
from trivet.integration.validation.swift.primitive import SURE
from trivet.kernel import jsontext

__all__ = ["Concept", "Extension", "Narrative"]

WORDS = re.compile(r">\s*+[^<>&\s][^<>&]*+<")
"""Something to read between two tags: it makes no difference to the tags, and that it is there is all that is asked."""


DATETIME = SURE["dateTime"]


def plain(text: str) -> bool:
    """Whether a text is right wherever a string may stand."""
    return len(text) < LONGEST and text.isprintable() and text[0] != " " and text[-1] != " " and text.strip() == text


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
            if (one.text is not UNSET and not plain(one.text)) or (one.coding is UNSET and one.text is UNSET):
                return self._items(raw)
            for place, held in enumerate(() if one.coding is UNSET else one.coding):
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


class Narrative(Element):
    """Tags are looked at once for all narratives that have the same."""

    def __init__(self, walk: Any, kind: str, member: Member, names: tuple[str, ...], depth: int, states: list[str]) -> None:
        super().__init__(walk, kind, member, names, depth)
        self.decode = Decoder(defstruct("Told", [("status", Literal[tuple(states)]), ("div", str)], forbid_unknown_fields=True)).decode
        self.good: set[str] = set()

    def _judge(self, raw: bytes) -> Any:
        try:
            read: Any = self.decode(raw)
        except (ValueError, RecursionError):
            return super()._judge(raw)
        tags = WORDS.sub(">x<", read.div)
        if not read.div.replace("\n", "").replace("\t", "").isprintable() or len(encode(read)) != len(raw):
            return super()._judge(raw)
        if tags not in self.good:
            seen = look(tags)
            if seen.wrong or seen.ids or seen.links:
                return super()._judge(raw)
            if len(tags) <= 8 * LONGEST:
                if len(self.good) >= MOST:
                    self.good.clear()
                self.good.add(tags)
        return OK


class Simple(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """An extension with a text or a number, as most are."""

    url: TEXT
    valueString: TEXT | UnsetType = UNSET  # noqa: N815  the names in the text
    valueInteger: Annotated[int, Meta(ge=-(2**31), lt=2**31)] | UnsetType = UNSET  # noqa: N815


simple = Decoder(Simple).decode


class Extension(Element):
    """Whatever text or number an extension holds, the same is asked of it: it is judged as if it held another one."""

    def __init__(self, walk: Any, kind: str, member: Member, names: tuple[str, ...], depth: int) -> None:
        super().__init__(walk, kind, member, names, depth)
        self.right: set[tuple[str, bool]] = set()  # address, and whether the value is a text

    def judge(self, raw: bytes) -> Any:
        """The verdict; simple ones are not remembered by their bytes."""
        try:
            read = simple(raw)
        except (ValueError, RecursionError):
            return super().judge(raw)
        words = read.valueString
        if (words is UNSET) is (read.valueInteger is UNSET) or (words is not UNSET and not plain(words)) or len(encode(read)) != len(raw):
            return super().judge(raw)
        key = (read.url, words is not UNSET)
        if key in self.right:
            return OK
        found = super().judge(raw)
        if found == OK:
            if len(self.right) >= MOST:
                self.right.clear()
            self.right.add(key)
        return found

    def _judge(self, raw: bytes) -> Any:
        try:
            value = jsontext.loads(raw)
        except (ValueError, RecursionError):
            return super()._judge(raw)
        if type(value) is not dict or len(jsontext.dumps(value)) != len(raw):
            return super()._judge(raw)
        key = jsontext.dumps(self.alike(value))
        if key == raw:
            return super()._judge(raw)
        found = self.get(key)
        found = self.judge(key) if found is None else found
        return found if found == OK else super()._judge(raw)

    def alike(self, value: dict[str, Any]) -> dict[str, Any]:
        """The extension with other words and numbers, where these are right."""
        made = dict(value)
        for name, held in value.items():
            kind = name[5:]
            if name == "extension" and type(held) is list:
                made[name] = [self.alike(one) if type(one) is dict else one for one in held]
            elif not name.startswith("value"):
                continue
            elif kind in LIKE:
                made[name] = like(LIKE[kind], held)
            elif kind in SCALAR and type(held) is dict:
                members = shapes().spec(kind).members
                made[name] = {inner: like(members[inner].kind, one) if inner in members else one for inner, one in held.items()}
        return made


LIKE = {"String": "string", "Decimal": "decimal", "Integer": "integer", "DateTime": "dateTime"}
SCALAR = frozenset({"Address", "HumanName", "ContactPoint", "Identifier", "Money", "Quantity"})
"""Types of which nothing is asked that hangs on what their texts and numbers are; an Identifier's value that is a URN is left as it is."""


def like(kind: str, value: Any) -> Any:
    """Another value of a primitive type where this one is right, else this one."""
    if kind == "string" and type(value) is list:
        return [like(kind, one) for one in value]
    if kind == "string" and type(value) is str:
        return "x" if value and plain(value) and value[:1] != "#" and not value.startswith("urn:") else value
    if kind == "decimal" and type(value) in (int, Decimal):
        return 1
    if kind == "integer" and type(value) is int:
        return 1 if -(2**31) <= value < 2**31 else value
    if kind == "dateTime" and type(value) is str:
        return "2000-01-01" if DATETIME(value) else value
    return value
