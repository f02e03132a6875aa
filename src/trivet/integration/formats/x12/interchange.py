"""A unit's text to interchanges, groups and sets, with what is wrong in their envelope.

In: bytes. Out: sets with their body, control faults by name. What a fault means for an acknowledgement stands in
`maps/x12/control.csv`. Whether trailers must be there depends on what the unit is: one person's part has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from trivet.integration.formats.x12.tokens import FILLING, Marks, Segment, read_marks, segments

__all__ = ["Fault", "Group", "Interchange", "Set", "read"]

DATE6, DATE8 = re.compile(r"\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\Z"), re.compile(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\Z")
# Functional identifiers of the sets that are read (data element 479).
GS_KINDS = frozenset(["HC", "HP", "BE", "HS", "HB", "HR", "HN", "HI", "RA", "FA"])
VERSION = re.compile(r"00(30[1-7]0|40[1-6]0|50[1-5]0|60[1-5]0|70[1-6]0|80[1-3]0)[A-Z0-9]{0,6}\Z")
ENVELOPE = frozenset(["GS", "GE", "IEA", "ST", "SE"])
TIME = re.compile(r"([01]\d|2[0-3])[0-5]\d([0-5]\d(\d{1,2})?)?\Z")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with an envelope: its name, the segment, the element (0: the whole segment)."""

    name: str
    segment: Segment
    element: int = 0


@dataclass(slots=True)
class Set:
    """A transaction set: header, what is inside, trailer. `stubs` of a claim keep only amounts, empty segments only a terminator.
    `text` is what the places of its segments count in."""

    header: Segment
    body: list[Segment] = field(default_factory=list)
    trailer: Segment | None = None
    faults: list[Fault] = field(default_factory=list)
    text: str = ""

    @property
    def kind(self) -> str:
        """`837`, `835`, ..."""
        return self.header.value(1).strip()

    @property
    def bare(self) -> bool:
        """Only the name of the header: the set is kept in another unit."""
        return len(self.header.values) == 1

    @property
    def thinned(self) -> bool:
        """Some of its segments are kept in other units."""
        return any(not segment.name for segment in self.body)


@dataclass(slots=True)
class Group:
    """A functional group."""

    header: Segment
    sets: list[Set] = field(default_factory=list)
    trailer: Segment | None = None
    faults: list[Fault] = field(default_factory=list)


@dataclass(slots=True)
class Interchange:
    """An interchange. `stray` are segments outside of sets that are no envelope (TA1, or what does not belong there)."""

    header: Segment
    marks: Marks
    groups: list[Group] = field(default_factory=list)
    trailer: Segment | None = None
    stray: list[Segment] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def sets(self) -> Iterator[tuple[Group, Set]]:
        """All sets with their groups."""
        for group in self.groups:
            for one in group.sets:
                yield group, one


def read(text: str) -> Iterator[Interchange]:
    """Interchanges of a Latin-1 text. Nothing for a text that holds none."""
    at, number = text.find("ISA"), 0
    numbers: set[tuple[str, str, str]] = set()
    while at >= 0:
        marks = read_marks(text[at : at + 256].encode("latin-1"), 0)
        if marks is None:
            at = text.find("ISA", at + 1)
            continue
        follows = _next(text, at, marks)
        found = list(segments(text, marks, at, follows, number))
        number += len(found)
        made = _interchange(found, marks, text)
        control = made.header.value(5), made.header.value(6), made.header.value(13)
        if control in numbers:
            made.faults.append(Fault("isa-control-repeated", made.header, 13))
        numbers.add(control)
        yield made
        at = follows if follows < len(text) else -1


def _next(text: str, at: int, marks: Marks) -> int:
    """Where the next interchange begins: a segment ISA."""
    pattern = re.compile(re.escape(marks.terminator) + r"[ \t\r\n]*(?=ISA[^A-Za-z0-9 \t\r\n])")
    found = pattern.search(text, at + 3)
    while found is not None and read_marks(text[found.end() : found.end() + 256].encode("latin-1"), 0) is None:
        found = pattern.search(text, found.end())
    return found.end() if found is not None else len(text)


def _interchange(found: list[Segment], marks: Marks, text: str) -> Interchange:
    made = Interchange(found[0], marks)
    group: Group | None = None
    current: Set | None = None
    for segment in found[1:]:
        name = segment[0]
        if name not in ENVELOPE:
            if current is not None:
                current.body.append(segment)
            elif name.strip(FILLING):
                made.stray.append(segment)
        elif name == "GS":
            group, current = Group(segment), None
            made.groups.append(group)
        elif name == "GE" and group is not None:
            group.trailer, group, current = segment, None, None
        elif name == "IEA":
            made.trailer, group, current = segment, None, None
        elif name == "ST" and group is not None:
            current = Set(segment, text=text)
            group.sets.append(current)
            current = None if current.bare else current
        elif name == "SE" and current is not None:
            current.trailer, current = segment, None
        elif current is not None:
            current.body.append(segment)
        else:
            made.stray.append(segment)
    _check(made)
    return made


def _check(made: Interchange) -> None:
    """Counts and control numbers, dates and times of the envelopes (X12.5, X12.6)."""
    header, trailer = made.header, made.trailer
    if not made.marks.regular:
        made.faults.append(Fault("isa-length", header))
    examine = _header if made.marks.regular and len(header.values) == 17 else _header.__wrapped__
    made.faults += [Fault(name, header, element) for name, element in examine(tuple(header.values))]
    if not DATE6.match(header.value(9)):
        made.faults.append(Fault("isa-date", header, 9))
    if not TIME.match(header.value(10)):
        made.faults.append(Fault("isa-time", header, 10))
    if not re.fullmatch(r"\d{9}", header.value(13)):
        made.faults.append(Fault("isa-control-number", header, 13))
    if trailer is None:
        made.faults.append(Fault("iea-missing", header))
    else:
        if not re.fullmatch(r"\d{9}", trailer.value(2)):
            made.faults.append(Fault("iea-control-number", trailer, 2))
        elif trailer.value(2) != header.value(13):
            made.faults.append(Fault("iea-control-mismatch", trailer, 2))
        if _count(trailer.value(1)) != len(made.groups):
            made.faults.append(Fault("iea-count", trailer, 1))
    if any(segment.name != "TA1" for segment in made.stray):
        made.faults.append(Fault("stray-segment", next(segment for segment in made.stray if segment.name != "TA1")))
    seen: set[str] = set()
    for group in made.groups:
        _check_group(group)
        number = group.header.value(6)
        if number in seen:
            group.faults.append(Fault("gs-control-repeated", group.header, 6 if number else 0))
        seen.add(number)
    broken = next((group.header for group in made.groups if len(group.header.values) < 9), None)
    if broken is not None:
        made.faults.append(Fault("gs-incomplete", broken))


@lru_cache(maxsize=256)
def _header(values: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """What is wrong in ISA, element by element (X12.5). The units of an interchange all begin with it."""

    def value(element: int) -> str:
        return values[element] if element < len(values) else ""

    version = value(12)
    tests = (
        ("isa-authorization-qualifier", 1, re.fullmatch(r"0[0-8]", value(1))),
        ("isa-authorization", 2, value(1) == "00" or value(2).strip()),
        ("isa-security-qualifier", 3, value(3) in ("00", "01")),
        ("isa-security", 4, value(3) != "01" or value(4).strip()),
        ("isa-sender-qualifier", 5, re.fullmatch(r"[A-Z0-9]{2}", value(5))),
        ("isa-sender", 6, value(6).strip()),
        ("isa-receiver-qualifier", 7, re.fullmatch(r"[A-Z0-9]{2}", value(7))),
        ("isa-receiver", 8, value(8).strip()),
        ("isa-version", 12, re.fullmatch(r"\d{5}", version)),
        ("isa-version-unsupported", 12, not re.fullmatch(r"\d{5}", version) or "00300" <= version <= "00803"),
        ("isa-acknowledge", 14, value(14) in ("0", "1")),
        ("isa-usage", 15, value(15) in ("P", "T", "I")),
    )
    return tuple([(name, element if value(element) else 0) for name, element, holds in tests if not holds])


def _check_group(group: Group) -> None:
    header, trailer = group.header, group.trailer
    if header.value(1) not in GS_KINDS:
        group.faults.append(Fault("gs-kind", header, 1 if header.value(1) else 0))
    if not re.fullmatch(r"\d{1,9}", header.value(6)):
        group.faults.append(Fault("gs-control-number", header, 6 if header.value(6) else 0))
    if not VERSION.match(header.value(8)):
        group.faults.append(Fault("gs-version", header, 8 if header.value(8) else 0))
    for element in (2, 3):
        if header.value(element) != header.value(element).strip() or not header.value(element):
            group.faults.append(Fault("gs-party", header, element))
    if not DATE8.match(header.value(4)) and not DATE6.match(header.value(4)):
        group.faults.append(Fault("gs-date", header, 4))
    if not TIME.match(header.value(5)):
        group.faults.append(Fault("gs-time", header, 5))
    if trailer is None:
        group.faults.append(Fault("ge-missing", header))
    else:
        if trailer.value(2) != header.value(6):
            group.faults.append(Fault("ge-control-mismatch", trailer, 2))
        if _count(trailer.value(1)) != len(group.sets):
            group.faults.append(Fault("ge-count", trailer, 1))
    seen: set[str] = set()
    for one in group.sets:
        number = one.header.value(2)
        if not one.bare:
            if not re.fullmatch(r"[0-9]{3}", one.kind):
                one.faults.append(Fault("st-identifier", one.header, 1 if one.header.value(1) else 0))
            if not re.fullmatch(r"[A-Za-z0-9]{4,9}", number):
                one.faults.append(Fault("st-control-number", one.header, 2))
            if number in seen:
                one.faults.append(Fault("st-control-repeated", one.header, 2))
            seen.add(number)
        if one.trailer is None:
            one.faults.append(Fault("se-missing", one.header))
            continue
        if one.trailer.value(2) != number:
            one.faults.append(Fault("se-control-mismatch", one.trailer, 2))
        if _count(one.trailer.value(1)) != len(one.body) + 2:
            one.faults.append(Fault("se-count", one.trailer, 1))


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
