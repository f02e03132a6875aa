"""One unit of FHIR, read: a resource, or a Bundle entry by entry, so that a bad entry is refused alone.

In: bytes. Out: parts with their values and the places of all leaves. Refused: what is not JSON. What the parts become is
decided in `records`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from trivet.integration.formats.fhir.cut import Cut, entries
from trivet.integration.formats.fhir.scan import Found, Text, TooDeep, decode, diagnose, walk
from trivet.kernel.errors import Rejected

__all__ = ["Part", "Reading", "read"]


@dataclass(slots=True)
class Part:
    """One entry, or the only resource: its value, what the walk found inside and around it, and why it is refused, if it is."""

    pointer: str
    offset: int
    length: int
    entry: dict[str, Any] = field(default_factory=dict)
    resource: Any = None
    inside: Found = field(default_factory=Found)
    around: Found = field(default_factory=Found)
    nested: bool = False
    reject: Rejected | None = None
    new_id: str = ""
    original: str = ""
    deletes: str = ""

    @property
    def url(self) -> str:
        """The entry's fullUrl, or nothing."""
        url = self.entry.get("fullUrl")
        return url if isinstance(url, str) else ""


class Reading:
    """What stands in one unit. `bundle` is the outermost Bundle's value, None for a single resource; `shell` its own leaves."""

    def __init__(self, raw: bytes) -> None:
        self.base = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
        # A unit of one entry ends with the comma that stood behind the entry.
        self.raw = raw[self.base :].rstrip(b", \t\r\n")
        self.parts: list[Part] = []
        self.shell = Found()
        self.bundle: dict[str, Any] | None = None

    def document(self, value: Any, text: Text, pointer: str = "", apart: bool = False) -> None:
        """Walk a Bundle by its entries (`apart`: they are read elsewhere), anything else as one resource."""
        if not isinstance(value, dict) or value.get("resourceType") != "Bundle":
            part = Part(pointer, self.base, len(self.raw), resource=value)
            self.parts.append(part)
            walk(value, text, "", pointer, part.inside)
            return
        self.bundle = value if not pointer else self.bundle
        for name, inner in value.items():
            text.take()
            if name != "entry" or not isinstance(inner, list):
                walk(inner, text, name, f"{pointer}/{name}", self.shell)
            elif not apart:
                for number, entry in enumerate(inner):
                    self.entry(entry, text, f"{pointer}/entry/{number}")

    def entry(self, entry: Any, text: Text, pointer: str) -> None:
        """Walk one entry."""
        part = Part(pointer, text.base, 0)
        self.parts.append(part)
        if not isinstance(entry, dict):
            walk(entry, text, "entry", pointer, part.around)
            return
        part.entry = entry
        for name, inner in entry.items():
            text.take()
            if name != "resource" or not isinstance(inner, dict):
                walk(inner, text, name, f"{pointer}/{name}", part.around)
            elif inner.get("resourceType") == "Bundle":
                part.nested = True
                self.document(inner, text, f"{pointer}/resource")
            else:
                part.resource = inner
                walk(inner, text, "", f"{pointer}/resource", part.inside)

    def whole(self) -> Rejected | None:
        """Read everything at once; the problem, if there is one."""
        text = decode(self.raw, self.base)
        if isinstance(text, Rejected):
            return text
        try:
            self.document(text.value, text)
        except TooDeep:
            return diagnose(self.raw, self.base)
        return None if text.spent() else diagnose(self.raw, self.base)

    def apart(self, cut: Cut) -> bool:
        """Read the Bundle without its entries, then each entry alone. False when even the Bundle without them is not right."""
        self.parts, self.shell, self.bundle = [], Found(), None
        skeleton = bytearray(self.raw)
        for start, end in cut.spans:
            skeleton[start:end] = b"{}".ljust(end - start)
        outer = decode(bytes(skeleton), self.base)
        if isinstance(outer, Rejected) or not isinstance(outer.value, dict) or outer.value.get("resourceType") != "Bundle":
            return False
        self.document(outer.value, outer, apart=True)
        if not outer.spent():
            return False
        for number, (start, end) in enumerate(cut.spans):
            self._alone(self.raw[start:end], self.base + start, f"/entry/{number}")
        return True

    def _alone(self, raw: bytes, base: int, pointer: str) -> None:
        before = len(self.parts)
        text = decode(raw, base, pointer)
        problem = text if isinstance(text, Rejected) else None
        if not isinstance(text, Rejected):
            try:
                self.entry(text.value, text, pointer)
                problem = None if text.spent() else diagnose(raw, base, pointer)
            except TooDeep:
                problem = diagnose(raw, base, pointer)
        if problem is not None:
            del self.parts[before:]
            self.parts.append(Part(pointer, base, len(raw), reject=problem))


def read(raw: bytes) -> Reading | Rejected:
    """The parts of a unit; or the one reason why nothing can be taken from it."""
    reading = Reading(raw)
    problem = reading.whole()
    if problem is None:
        return reading
    cut = entries(reading.raw)
    return reading if cut is not None and reading.apart(cut) else problem
