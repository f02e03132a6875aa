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

PERSONAL = ("Patient/", "RelatedPerson/", "Coverage/", "Practitioner/", "Person/")
SEGMENT = re.compile(rb"(?:^|[\r\n~])([A-Z][A-Z0-9]{1,2})(?=[|*])")
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
    for key, version in records:
        if not key.startswith(PERSONAL):
            for span in house.shelf.lineage(key, version):
                show[span.offset : span.offset + span.length] = b"\1" * min(span.length, max(len(raw) - span.offset, 0))
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
