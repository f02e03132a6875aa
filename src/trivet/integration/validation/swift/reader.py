"""The quick way: a text in, its findings out, or None where the walk must be asked.

What is looked at in the whole text, in C: that no name stands twice (the typed value, written again, is as long as the compact text),
and that no text begins or ends with a blank or holds a control character.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import UNSET

from trivet.integration.validation.check import Options
from trivet.integration.validation.invariants import Invariants
from trivet.integration.validation.primitives import LARGEST
from trivet.integration.validation.shape import Shapes
from trivet.integration.validation.special import WHOLE
from trivet.integration.validation.swift.element import Element, Unsure
from trivet.integration.validation.swift.plan import Plan

__all__ = ["NARRATIVE", "Swift"]

HEAD = re.compile(rb'\{"resourceType":"([A-Za-z]{1,40})"')
QUOTED_BLANK = re.compile(rb'(?<!\\)" ').search
LINE_AT_END = re.compile(rb'(?<!\\)"\\[nrt]|\\[nrt]"').search
ODD_BLANK = re.compile("[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]").search
NARRATIVE = (("warning", "invariant", "dom-6", (), "the rule dom-6 of FHIR R4 does not hold: text.`div`.exists()"),)
TEXT = ((), "text")
encode = msgspec.json.Encoder().encode
FEW = 8
"""So many resources of a type are walked before a reader is made for it: making one takes as long as walking a hundred."""


class Head(msgspec.Struct):
    """Only the type."""

    resourceType: str = ""  # noqa: N815  the name in the text


class Swift:
    """Readers by type, for one set of options."""

    def __init__(self, shapes: Shapes, invariants: Invariants, options: Options, walk: Any) -> None:
        self.shapes, self.invariants, self.walk = shapes, invariants, walk
        self.usable = not options.markup and options.contained and not options.comments
        self.plans: dict[str, Plan | None] = {}
        self.met: dict[str, int] = {}
        self.few = FEW
        self.head = msgspec.json.Decoder(Head)
        coding = shapes.spec("CodeableConcept").members["coding"]
        self.coding = Element(walk, "Basic", coding, ("code", "coding", "0"), 2, anywhere=True)

    def plan(self, kind: str) -> Plan | None:
        """The reader of a type, when enough of it have been met."""
        met = self.met[kind] = self.met.get(kind, 0) + 1
        if met < self.few:
            return None
        made: Plan | None = None
        if kind in self.shapes.resources and (kind not in WHOLE or kind == "Observation"):
            try:
                made = Plan(self.shapes, self.invariants, self.walk, kind, self.coding)
            except ValueError:
                made = None
        self.plans[kind] = made
        return made

    def text(self, raw: bytes) -> list[tuple[Any, Any]] | None:
        """Rows below their places, as (rows, place); None where the walk must be asked."""
        if len(raw) > LARGEST or not self.usable:
            return None
        if b'": ' in raw or b"\n" in raw:
            try:
                raw = msgspec.json.format(raw, indent=-1)
            except (ValueError, RecursionError):
                return None
        found = HEAD.match(raw)
        kind = found[1].decode() if found is not None else self.kind(raw)
        plan = self.plans.get(kind, self)
        if plan is self:
            plan = self.plan(kind)
        return None if plan is None else self.read(plan, raw)

    def kind(self, raw: bytes) -> str:
        """The type that a text names; empty where it names none."""
        try:
            return self.head.decode(raw).resourceType
        except (ValueError, RecursionError):
            return ""

    def read(self, plan: Any, raw: bytes) -> list[tuple[Any, Any]] | None:
        """Decode, check, and look at the text."""
        rows: list[tuple[Any, Any]] = []
        try:
            one = plan.decoder.decode(raw)
            plan.check(one, (), rows)
            if plan.narrative:
                if one.text_ is UNSET:
                    rows.append((NARRATIVE, ()))
                elif b'"div":"<' not in bytes(one.text_) or (rows and any(place == TEXT for _, place in rows)):
                    return None
        except (Unsure, ValueError, RecursionError):
            return None
        text = encode(one)
        # What is written again is never longer than a compact text; the same length says that nothing was left out of it.
        if len(text) != len(raw) and not self.whole(text, raw):
            return None
        if b' "' in text or (b'" ' in text and QUOTED_BLANK(text)):
            return None
        if b"\\" in text and (b"\\u00" in text or b"\\b" in text or b"\\f" in text or LINE_AT_END(text)):
            return None
        if not text.isascii() and ODD_BLANK(text.decode()):
            return None
        return rows

    def whole(self, text: bytes, raw: bytes) -> bool:
        """Whether as many names were read as stand in the text: else one may stand twice in an object."""
        if b" :" in raw or b"\n" in raw or b"\t" in raw or b"\r" in raw or (b"\\u" in raw and (b"\\u0022" in raw or b"\\u003" in raw)):
            return False
        return text.count(b'":') == raw.count(b'":')
