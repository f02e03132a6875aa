"""Acknowledgements: what was received, set by set, and what is wrong with it: 999 for version 5010, 997 for 4010, TA1 where ISA14 asks.

In: a delivery, and the moment and control number of the answer (nothing here reads a clock). Out: one interchange that answers all of
the delivery's interchanges, in the delivery's separators. Codes: X12.20 (AK, IK), X12.56 (TA1). Which envelope fault is which code
stands in `maps/x12/control.csv`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from trivet.integration.formats.x12.elements import ElementMisfit, check
from trivet.integration.formats.x12.interchange import Fault, Group, Interchange, Set, read
from trivet.integration.formats.x12.patterns import Known
from trivet.integration.formats.x12.situations import situations
from trivet.integration.formats.x12.structure import guide_of, structure
from trivet.integration.formats.x12.tokens import Marks, Segment
from trivet.integration.formats.x12.walk import Misfit, Walker
from trivet.integration.tables import table

__all__ = ["Finding", "acknowledge", "examine"]

ELEMENT_ERRORS = "8"
# What a 997 lacks or says otherwise than a 999: the readers of 4010 call every segment that they cannot place unrecognised, a composite
# that is too long has too many elements, and an element that may not repeat holds a character that it may not.
OLD_SEGMENT, OLD_ELEMENT, OLD_GROUP = {"2": "1", "7": "1"}, {"12": "6", "13": "3"}, {"19": "6"}
# TA1 has room for one fault: an interchange that ends early says nothing of its counts, a number that is no number cannot be compared.
WORST = (
    *("023", "024", "018", "017", "003", "005", "006", "007", "008", "010", "011", "012", "013", "015", "014", "019", "020"),
    *("001", "025", "021", "022"),
)
MOST_TEXT = 99  # IK404 is at most 99 characters
SETS = frozenset(["837", "835", "834", "820", "270", "271", "276", "277", "278"])
NONE: Known = {}
NEWLINE = {"\n": "<LF>", "\r": "<CR>"}


@dataclass(slots=True)
class Finding:
    """Everything wrong with one set: envelope faults, misfits of structure, misfits of elements by position."""

    set: Set
    faults: list[Fault] = field(default_factory=list)
    misfits: list[Misfit] = field(default_factory=list)
    elements: list[tuple[int, Segment, str, list[ElementMisfit]]] = field(default_factory=list)
    known: bool = True

    @property
    def accepted(self) -> bool:
        """Whether the set can be taken as it is."""
        return not (self.faults or self.misfits or self.elements) and self.known


@cache
def codes() -> dict[str, tuple[str, str]]:
    """Fault -> (segment of the acknowledgement, code)."""
    return {row["fault"]: (row["ack"], row["code"]) for row in table("x12/control.csv", "fault", "level", "ack", "code", "reason")}


def examine(one: Set, group: Group, marks: Marks) -> Finding:
    """Check one set against its guide."""
    finding = Finding(one, list(one.faults))
    guide = guide_of(one.header.value(3).strip(), one.kind) or guide_of(group.header.value(8).strip(), one.kind)
    if guide is None:
        finding.known = one.kind in ("997", "999")
        return finding
    walker = Walker(structure(guide.structure, guide.version), marks)
    walker.walk(one.body)
    if not one.body and one.trailer is not None:
        walker.finish(one.header, 1)
    finding.misfits = walker.misfits
    if guide.version == "5010":
        finding.misfits += situations(guide.set, walker.steps)
    patterns, text = walker.book.patterns, one.text
    known = patterns.known
    for position, (segment, loop, _, slot) in enumerate(walker.steps, 2):
        if slot is None:
            continue
        for pattern in known.get(slot, NONE).get(len(segment[4]), ()):
            if pattern.fullmatch(text, segment[1], segment[2]):
                break
        else:
            if wrong := check(segment, slot, marks):
                finding.elements.append((position, segment, loop, wrong))
            else:
                patterns.learn(segment, slot)
    return finding


def acknowledge(raw: bytes, moment: datetime, control: int) -> bytes:
    """The acknowledgement of a delivery. `moment` is local wall time, `control` the answer's own interchange control number."""
    found = list(read(raw.decode("latin-1")))
    if not found:
        return b""
    return Answer(found, moment, control).text().encode("latin-1", "replace")


class Answer:
    """Writes one acknowledgement. Use once."""

    def __init__(self, found: list[Interchange], moment: datetime, control: int) -> None:
        self.found, self.moment, self.control = found, moment, control
        self.marks = found[0].marks
        self.new = any(group.header.value(8).startswith("005") for one in found for group in one.groups) or any(
            one.header.value(12) >= "00501" for one in found
        )

    def line(self, *elements: str) -> str:
        """A segment without trailing separators."""
        text = self.marks.element.join(elements).rstrip(self.marks.element)
        return f"{text}{self.marks.terminator}" + ("" if self.marks.terminator == "\n" else "\n")

    def text(self) -> str:
        """The whole interchange."""
        head = self.found[0].header
        times = [one for one in self.found if one.header.value(14) == "1"]
        groups = [group for one in self.found for group in one.groups]
        sets = [self._set(group, number, one.marks) for number, (one, group) in enumerate(self._groups(), 1)]
        stamp = self.moment.strftime("%y%m%d"), self.moment.strftime("%H%M")
        out = [
            self.line(
                "ISA",
                *(head.value(place) for place in range(1, 5)),
                head.value(7),
                head.value(8),
                head.value(5),
                head.value(6),
                *stamp,
                *head.values[11:13],
                f"{self.control:09d}",
                "0",
                head.value(15),
                self.marks.component,
            )
        ]
        out += [self._ta1(one) for one in times]
        if groups:
            first = groups[0].header
            version = "005010X231" if self.new else "004010"
            day, clock = self.moment.strftime("%Y%m%d"), self.moment.strftime("%H%M%S")
            number = first.value(6) or "1"
            out.append(self.line("GS", "FA", first.value(3).strip(), first.value(2).strip(), day, clock, number, "X", version))
            out += [line for one in sets for line in one]
            out.append(self.line("GE", str(len(sets)), number))
        out.append(self.line("IEA", "1" if groups else "0", f"{self.control:09d}"))
        return "".join(out)

    def _groups(self) -> Iterator[tuple[Interchange, Group]]:
        for one in self.found:
            for group in one.groups:
                yield one, group

    def _ta1(self, one: Interchange) -> str:
        found = {code for fault in one.faults for ack, code in [codes()[fault.name]] if ack == "TA1"}
        first = next((code for code in WORST if code in found), "")
        state = ("R", first) if first else ("A", "000")
        return self.line("TA1", one.header.value(13), one.header.value(9), one.header.value(10), *state)

    def _set(self, group: Group, number: int, marks: Marks) -> list[str]:
        prefix = "IK" if self.new else "AK"
        name, version = ("999", ["005010X231"]) if self.new else ("997", [])
        lines = [self.line("ST", name, f"{number:04d}", *version)]
        guide = [group.header.value(8)] if self.new else []
        lines.append(self.line("AK1", group.header.value(1), group.header.value(6), *guide))
        accepted = 0
        for one in group.sets:
            finding = examine(one, group, marks)
            accepted += finding.accepted
            named = [one.header.value(3) or group.header.value(8)] if self.new else []
            lines.append(self.line("AK2", one.kind, one.header.value(2).strip(), *named))
            lines += self._segments(finding, prefix)
            # A 999 tells a set that nobody reads from a known one by a guide that nobody reads.
            unknown = "I6" if self.new and one.kind in SETS else "1"
            wrong = sorted({codes()[fault.name][1] for fault in finding.faults} | ({unknown} if not finding.known else set()))
            wrong += ["5"] if finding.misfits or finding.elements else []
            lines.append(self.line(f"{prefix}5", "A" if finding.accepted else "R", *wrong[:5]))
        lines.append(self._group_end(group, accepted))
        lines.append(self.line("SE", str(len(lines) + 1), f"{number:04d}"))
        return lines

    def _segments(self, finding: Finding, prefix: str) -> list[str]:
        """AK3 or IK3 in the order of positions, each with its elements."""
        rows: list[tuple[int, list[str]]] = []
        for misfit in finding.misfits:
            code = misfit.code if self.new else OLD_SEGMENT.get(misfit.code, misfit.code)
            rows.append((misfit.position, [self.line(f"{prefix}3", misfit.name, str(misfit.position), "", code)]))
        for position, segment, loop, wrong in finding.elements:
            at = loop if prefix == "IK" and loop[:1].isdigit() else ""
            lines = [self.line(f"{prefix}3", segment.name, str(position), at if prefix == "IK" else "", ELEMENT_ERRORS)]
            for one in wrong:
                place = f"{one.element}{self.marks.component}{one.component}" if one.component else str(one.element)
                code = one.code if self.new else OLD_ELEMENT.get(one.code, one.code)
                lines.append(self.line(f"{prefix}4", place, one.reference, code, _shown(one.text, self.marks)))
            rows.append((position, lines))
        return [line for _, lines in sorted(rows, key=lambda row: row[0]) for line in lines]

    def _group_end(self, group: Group, accepted: int) -> str:
        received = [one for one in group.sets if one.trailer is not None]
        stated = group.trailer.value(1) if group.trailer is not None else "0"
        wrong = sorted({codes()[fault.name][1] for fault in group.faults})
        wrong = wrong if self.new else sorted({OLD_GROUP.get(code, code) for code in wrong})
        total = len(group.sets)
        state = "A" if accepted == total and not wrong else "R" if not accepted or wrong else "P"
        return self.line("AK9", state, stated, str(len(received)), str(accepted), *wrong[:5])


def _shown(text: str, marks: Marks) -> str:
    """A bad value as it may stand in an answer: control characters by name, separators as blanks."""
    for mark, name in NEWLINE.items():
        if mark in text:
            return name
    for mark in (marks.element, marks.terminator, marks.component, marks.repetition):
        text = text.replace(mark, " ") if mark else text
    return text[:MOST_TEXT]
