"""The quick way: a text in, its findings out, or None where the walk must be asked.

What is looked at in the whole text, in C: that no name stands twice (the typed value, written again, is as long as the compact text),
and that no text begins or ends with a blank or holds a control character.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from trivet.integration.validation.check import Options
from trivet.integration.validation.invariants import Invariants
from trivet.integration.validation.primitives import LARGEST
from trivet.integration.validation.shape import Shapes
from trivet.integration.validation.special import WHOLE
from trivet.integration.validation.swift.element import Element, Rows, Unsure
from trivet.integration.validation.swift.plan import Plan

__all__ = ["NARRATIVE", "Swift"]

HEAD = re.compile(rb'\{"resourceType":"([A-Za-z]{1,40})"').match
LINE = b"\r\n"
CLOSE = ord("}")
QUOTED_BLANK = re.compile(rb'(?<!\\)" ').search
ODD = (b"\\u00", b"\\b", b"\\f", b'"\\n', b'\\n"', b'"\\r', b'\\r"', b'"\\t', b'\\t"')
ODD_BLANK = re.compile("[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]").search
NARRATIVE = (("warning", "invariant", "dom-6", (), "the rule dom-6 of FHIR R4 does not hold: text.`div`.exists()"),)
CONTAINED = ((), "contained")
encode = msgspec.json.Encoder().encode
FEW = 8
"""So many resources of a type are walked before a reader is made for it: making one takes as long as walking a hundred."""


class Head(msgspec.Struct):
    """What a resource is and is called."""

    resourceType: str = ""  # noqa: N815  the name in the text
    id: str = ""


class Swift:
    """Readers by type, for one set of options."""

    def __init__(self, shapes: Shapes, invariants: Invariants, options: Options, walk: Any) -> None:
        self.shapes, self.invariants, self.walk = shapes, invariants, walk
        self.usable = not options.markup and options.contained and not options.comments
        self.plans: dict[str, Plan | None] = {}
        self.known: dict[bytes, Plan] = {}
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
        if made is not None:
            self.known[kind.encode()] = made
        return made

    def text(self, raw: bytes) -> Rows | None:
        """Rows below their places; None where the walk must be asked."""
        found = HEAD(raw)
        if found is not None and raw[-1] in LINE:
            raw = raw.rstrip(LINE)
        if found is None or raw[-1] != CLOSE:
            raw = self.compact(raw)
            found = HEAD(raw)
        plan = self.reader(raw) if found is None else self.known.get(found[1]) or self.reader(raw)
        if plan is None or len(raw) > LARGEST:
            return None
        rows = Rows()
        rows.root = plan.kind
        try:
            one = self.read(plan, raw, (), rows)
            if plan.narrative and one.contained_ is not UNSET:
                self.contained(one, rows)
        except (Unsure, ValueError, RecursionError):
            return None
        return rows

    def compact(self, raw: bytes) -> bytes:
        """The text without blanks around its tokens, or as it is where it is none."""
        try:
            return msgspec.json.format(raw, indent=-1) if len(raw) <= LARGEST else raw
        except (ValueError, RecursionError):
            return raw

    def reader(self, raw: bytes) -> Plan | None:
        """The reader of the type that a text names."""
        kind = self.kind(raw)
        if kind in self.plans:
            return self.plans[kind]
        return self.plan(kind) if kind in self.shapes.resources and self.usable else None

    def kind(self, raw: bytes) -> str:
        """The type that a text names; empty where it names none."""
        try:
            return self.head.decode(raw).resourceType
        except (ValueError, RecursionError):
            return ""

    def read(self, plan: Plan, raw: bytes, place: Any, rows: Rows) -> Any:
        """Decode, check, and look at the text. Raises `Unsure`."""
        one = plan.decoder.decode(raw)
        if plan.narrative and one.contained_ is not UNSET:
            if place:
                raise Unsure  # dom-2
            self.list(one.contained_, rows)
        plan.check(one, place, rows)
        left = b""
        if plan.narrative:
            if one.text_ is UNSET:
                rows.append((NARRATIVE, place))
            else:
                left = bytes(one.text_)
                if b'"div":"<' not in left or (rows and any(at == (place, "text") for _, at in rows)):
                    raise Unsure
                one.text_ = UNSET
        text = encode(one)
        # What is written again is never longer than a compact text; the same length says that nothing was left out of it.
        size = len(text) + len(left) + len(b',"text":') if left else len(text)
        if size != len(raw) and not self.whole(text + left, raw, 1 if left else 0):
            raise Unsure
        if b' "' in text or (b'" ' in text and QUOTED_BLANK(text)):
            raise Unsure
        if b"\\" in text and any(odd in text for odd in ODD):
            raise Unsure
        if not text.isascii() and ODD_BLANK(text.decode()):
            raise Unsure
        return one

    def list(self, contained: list[Raw], rows: Rows) -> None:
        """Learn what references may lead to."""
        rows.kinds, rows.named = {}, set()
        for raw in contained:
            head = self.head.decode(raw)
            if not head.id or head.id in rows.kinds:
                raise Unsure
            rows.kinds[head.id] = head.resourceType

    def contained(self, one: Any, rows: Rows) -> None:
        """Contained resources, and dom-3 to dom-5: they have no version and no labels, and are referred to or refer back."""
        backs = []
        for number, held in enumerate(one.contained_):
            raw = bytes(held)
            plan = self.reader(raw)
            if plan is None:
                raise Unsure
            rows.back = False
            inner = self.read(plan, raw, (CONTAINED, number), rows)
            meta = inner.meta_
            if meta is not UNSET and not (meta.versionId_ is meta.lastUpdated_ is meta.security_ is UNSET):
                raise Unsure
            backs.append((inner.id_, rows.back))
        if not all(back or name in rows.named for name, back in backs):
            raise Unsure

    def whole(self, text: bytes, raw: bytes, more: int) -> bool:
        """Whether as many names were read as stand in the text: else one may stand twice in an object."""
        if b" :" in raw or b"\n" in raw or b"\t" in raw or b"\r" in raw or (b"\\u" in raw and (b"\\u0022" in raw or b"\\u003" in raw)):
            return False
        return text.count(b'":') + more == raw.count(b'":')
