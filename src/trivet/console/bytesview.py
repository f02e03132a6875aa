"""Raw bytes on a page: what is personal is masked in place, byte for byte, so that offsets stay true; one span is marked.

Shown are delimiters, segment names, and the spans of clinical and financial elements. Everything else that is a letter or a
digit is a dot: a name, a number, an address, and every field that no rule speaks of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from trivet.contracts.house import House
from trivet.kernel.errors import Problem

__all__ = ["Byte", "bytes_view"]

PERSONAL = ("Patient/", "RelatedPerson/", "Coverage/", "Practitioner/", "Person/", "Basic/")
SEGMENT = re.compile(rb"(?:^|[\r\n~])([A-Z][A-Z0-9]{1,2})(?=[|*])")
# Who a record is about, numbers that name a case, free text, and what was carried over without a rule that knows what it is.
ABOUT = re.compile(
    r"^(subject|patient|beneficiary|individual|for|identifier|note|text|valueString)\b|\bextension\b|\bmodifierExtension\b", re.I
)
LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Byte:
    """A stretch of the view: its text, and `shown`, `masked` or `marked`."""

    text: str
    kind: str


def bytes_view(house: House, receipt: int, records: Iterable[tuple[str, int]], start: int, length: int) -> list[Byte]:
    """Stretches of a receipt's bytes, at most 20,000 around the mark. One stretch with the reason when they are erased."""
    try:
        raw = house.landing.raw(house.landing.receipt(receipt))
    except Problem as problem:
        return [Byte(problem.what, "masked")]
    show = bytearray(len(raw))
    for found in SEGMENT.finditer(raw):
        show[found.start(1) : found.end(1)] = b"\1" * (found.end(1) - found.start(1))
    spans = [(key.startswith(PERSONAL), span) for key, version in records for span in house.shelf.lineage(key, version)]
    hidden = set()
    for personal, span in spans:
        if personal or ABOUT.search(span.path):
            hidden.add(raw[span.offset : span.offset + span.length])
        else:
            show[span.offset : span.offset + span.length] = b"\1" * min(span.length, max(len(raw) - span.offset, 0))
    for value in hidden:  # what is personal has the last word, wherever a broken message repeats it
        at = raw.find(value) if len(value) > 3 else -1
        while at >= 0:
            show[at : at + len(value)] = bytes(len(value))
            at = raw.find(value, at + len(value))
    for personal, span in spans:
        if personal or ABOUT.search(span.path):
            show[span.offset : span.offset + span.length] = bytes(min(span.length, max(len(raw) - span.offset, 0)))
    show[start : start + length] = b"\2" * min(length, max(len(raw) - start, 0))
    first = max(0, start - LIMIT // 2)
    out: list[Byte] = []
    text, kind = "", ""
    for place in range(first, min(len(raw), first + LIMIT)):
        this = ("masked", "shown", "marked")[show[place]]
        character = chr(raw[place]) if 32 <= raw[place] < 127 else "\n" if raw[place] in (10, 13) else "·"
        if this == "masked" and not character.isalnum():
            this = "shown"
        if this != kind and text:
            out.append(Byte(text, kind))
            text = ""
        kind = this
        text += "•" if this == "masked" else character
    return [*out, Byte(text, kind)] if text else out
