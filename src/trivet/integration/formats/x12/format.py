"""X12 as a `Format`: any interchange, one unit per claim, member or subscriber.

Faults are named: of the envelope as rejects (the unit's promise is broken), of structure and balance as notices (what could be read
was read). Nothing licensed is needed to read; code lists that a site owns are applied by the data room, not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from typing import Any

from trivet.contracts.envelope import Unit
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Notice, Record, Translation
from trivet.integration.formats.x12.claims import ClaimFiller
from trivet.integration.formats.x12.cut import cut
from trivet.integration.formats.x12.fill import Filler, cells_of
from trivet.integration.formats.x12.heads import Head, is_person, openers, opens_person, recall, remember
from trivet.integration.formats.x12.interchange import Fault, Group, Interchange, Set, read
from trivet.integration.formats.x12.levels import LevelFiller
from trivet.integration.formats.x12.membership import MemberFiller, PremiumFiller
from trivet.integration.formats.x12.remittance import RemittanceFiller
from trivet.integration.formats.x12.rules import drops
from trivet.integration.formats.x12.structure import Guide, guide_of, inside, structure
from trivet.integration.formats.x12.tokens import AROUND, Marks, Segment, read_marks, segments
from trivet.integration.formats.x12.walk import Misfit, Step, Walker
from trivet.integration.tables import table
from trivet.integration.valid import settled
from trivet.kernel.errors import Rejected

__all__ = ["X12Format"]

STUB = "x12/person-unit"
ENVELOPE = frozenset({"", "ISA", "GS", "ST", "SE", "GE", "IEA"})
MISFITS = {**dict.fromkeys("1267", "unexpected-segment"), "3": "missing-segment", "4": "too-many-loops", "5": "too-many-segments"}


@cache
def reasons() -> dict[str, str]:
    """Envelope faults and what they mean."""
    return {row["fault"]: row["reason"] for row in table("x12/control.csv", "fault", "level", "ack", "code", "reason")}


def _dropped(name: str) -> str:
    """The rule that drops a segment whole, wherever it stands; empty where there is none."""
    return next((drop.rule for drop in drops().get(("", name), ()) if drop.elements is None), "")


class Reading:
    """One unit on its way to a translation. Use once."""

    def __init__(self, raw: bytes, profile: SourceProfile) -> None:
        self.raw, self.profile = raw, profile
        self.records: list[Record] = []
        self.elements: list[Element] = []
        self.rejects: list[Rejected] = []
        self.notices: list[Notice] = []
        self.counts: dict[str, int] = {}
        self.persons = False
        self.forms = bool(profile.options.get("forms", True))

    def translation(self) -> Translation:
        """Everything the unit says."""
        text = self.raw.decode("latin-1")
        head = recall(self.raw, self.profile)
        if head is None or not self._person(head, text):
            found = list(read(text))
            if not found:
                return self._unreadable(text)
            sets = [inner for one in found for _, inner in one.sets()]
            alone = len(found) == len(sets) == 1 and not text[: found[0].header.start].strip(AROUND)
            for one in found:
                self._interchange(one, text, alone)
            self._stray(text[: found[0].header.start])
        if self.persons and not self.records and not self.rejects:
            self.rejects.append(Rejected("x12-no-record", "a person's loop holds nothing that makes a record", "", 0, len(self.raw)))
        ignored = "" if self.records or self.rejects else "x12/envelope"
        return Translation(tuple(self.records), tuple(self.elements), tuple(self.rejects), tuple(self.notices), ignored)

    def _stray(self, text: str) -> None:
        if text.strip(AROUND):
            self.rejects.append(Rejected("x12-stray-bytes", "bytes stand in front of the interchange", "", 0, len(text)))
            self.elements.insert(0, Element("", 0, len(text), "rejected", "x12-stray-bytes"))

    def _unreadable(self, text: str) -> Translation:
        if not text.strip(AROUND):
            return Translation((), (), (), (), "x12/blank")
        why = "no ISA segment with sixteen elements: separators cannot be known"
        reject = Rejected("x12-no-interchange", why, "", 0, len(self.raw), "trivet translate --format NAME")
        return Translation((), (Element("", 0, len(self.raw), "rejected", reject.code),), (reject,))

    def _interchange(self, one: Interchange, text: str, alone: bool) -> None:
        # What the unit is shows in what it holds: the interchange's own unit has sets by their name only, a set's own unit has no
        # interchange trailer, a person's unit has no trailer at all.
        sets = [inner for _, inner in one.sets()]
        ends = one.trailer is not None or bool(one.stray) or any(group.trailer for group in one.groups)
        own = ends or not alone or any(inner.bare for inner in sets)
        if own:
            self._faults(one.faults)
        self._control(one.header, one.marks)
        for group in one.groups:
            self._control(group.header, one.marks)
            if own:
                self._faults(group.faults)
            for inner in group.sets:
                self._set(one, group, inner, text if not own else "")
            if group.trailer is not None:
                self._control(group.trailer, one.marks)
        for segment in one.stray:
            self._control(segment, one.marks)
        if one.trailer is not None:
            self._control(one.trailer, one.marks)

    def _faults(self, faults: list[Fault]) -> None:
        for fault in faults:
            segment = fault.segment
            value = segment.value(fault.element) if fault.element else ""
            at = segment.place(fault.element) if value else segment.start
            where = f"{segment.name}[1]-{fault.element:02d}" if fault.element else segment.name
            length = len(value) if value else segment.end - segment.start
            self.rejects.append(Rejected(f"x12-{fault.name}", reasons()[fault.name], where, at, length))

    def _control(self, segment: Segment, marks: Marks, rule: str = "") -> None:
        """Account for a segment that no map reads."""
        self.counts[segment.name] = count = self.counts.get(segment.name, 0) + 1
        chosen = rule or _dropped(segment.name)
        fate = "dropped" if chosen else "uncovered"
        self.elements += [Element(where, at, length, fate, chosen) for at, _, length, where in cells_of(segment, marks, "", count).values()]

    def _set(self, one: Interchange, group: Group, inner: Set, text: str) -> None:
        if inner.bare:
            return
        self._control(inner.header, one.marks)
        guide = guide_of(inner.header.value(3).strip(), inner.kind) or guide_of(group.header.value(8).strip(), inner.kind)
        kind = inner.kind
        names = openers(kind)
        first = next((place for place, segment in enumerate(inner.body) if segment[0] in names and is_person(segment, kind)), None)
        whole = inner.trailer is not None or inner.thinned or first is None or not text
        if whole:
            self._faults(inner.faults)
        if guide is None:
            self._unknown(inner, one.marks, whole)
        elif whole or first is None:
            self._whole(guide, inner, one.marks)
        else:
            self._person(self._head(guide, inner, one.marks, first), text)
        if inner.trailer is not None:
            self._control(inner.trailer, one.marks)

    def _head(self, guide: Guide, inner: Set, marks: Marks, first: int) -> Head:
        """Read what stands above the person, and remember it for the next unit that begins so."""
        walker = Walker(structure(guide.structure, guide.version), marks)
        for position, segment in enumerate(inner.body[:first], 2):
            walker.take(segment, position)
        filler = FILLERS.get(guide.set, Filler)(guide, marks, self.profile, self.counts, inner.text if self.forms else "")
        filler.fill(walker.steps)
        person = inner.body[first]
        head = Head(self.raw[: person.start], marks, guide, walker, filler, tuple(self.elements), person.number, first + 2)
        remember(head, self.profile)
        return head

    def _person(self, head: Head, text: str) -> bool:
        """Read a person's part, from its head on. False when the unit is more than a person's part."""
        body = list(segments(text, head.marks, len(head.text), len(text), head.number))
        if not ENVELOPE.isdisjoint([segment[0] for segment in body]):
            return False
        walker, filler = head.walker.fork(), head.filler.fork()
        filler.text = text if self.forms else ""
        for position, segment in enumerate(body, head.position):
            walker.take(segment, position)
        walker.finish(body[-1], head.position + len(body) - 1)
        filler.fill(walker.steps)
        if isinstance(filler, RemittanceFiller):
            filler.balance(walker.steps, [])
        self.persons = True
        self.elements = list(head.elements)
        self._finish(filler, False)
        # What is wrong above the person is said by the set's own unit.
        root = walker.steps[0].loop
        mine = inside(head.guide.structure, head.guide.version).get(root, frozenset()) | {root}
        self._misfits([misfit for misfit in walker.misfits if misfit.loop in mine], head.guide)
        self._missing(walker.steps, head.guide)
        return True

    def _unknown(self, inner: Set, marks: Marks, whole: bool) -> None:
        """A set that no map reads: its elements are uncovered, and it is said once."""
        if inner.kind in ("997", "999"):
            for segment in inner.body:
                self._control(segment, marks, "x12/acknowledgement")
            return
        for segment in inner.body:
            self._control(segment, marks)
        if whole and not any(fault.name == "st-identifier" for fault in inner.faults):
            self._faults([Fault("st-unknown", inner.header, 1 if inner.header.value(1) else 0)])

    def _whole(self, guide: Guide, inner: Set, marks: Marks) -> None:
        """A set as a whole, or what is left of it when its persons stand in units of their own."""
        stubs = [segment for segment in inner.body if _is_stub(segment, guide.set)] if inner.thinned else []
        thin = {segment.number for segment in stubs}
        walker = Walker(structure(guide.structure, guide.version), marks, partial(opens_person, kind=guide.set))
        walker.walk(segment if segment.number not in thin else segment._replace(name="") for segment in inner.body)
        filler = FILLERS.get(guide.set, Filler)(guide, marks, self.profile, self.counts, inner.text if self.forms else "")
        filler.fill(walker.steps)
        if isinstance(filler, RemittanceFiller):
            filler.complete = True
            filler.balance(walker.steps, stubs)
        for segment in stubs:
            self._control(segment, marks, STUB)
        self._finish(filler, True)
        self._misfits(walker.misfits, guide)
        self._missing(walker.steps, guide)

    def _finish(self, filler: Filler, whole: bool) -> None:
        """Records, and elements whose record was not made after all."""
        made, rejects = filler.records(whole)
        records, gone, refused, said = settled(merged(made), f"x12/{filler.guide.set}")
        lost = {**filler.refused, **gone}
        named = {span[1] for record in records for span in record.spans}
        for element in filler.elements:
            if element[3] == "mapped" and element[1] not in named:
                fate = _otherwise(element.locator) if whole else ("dropped", "x12/set-unit")
                fate = ("rejected", lost[element.offset]) if element.offset in lost else fate
                element = element._replace(disposition=fate[0], rule=fate[1])
            self.elements.append(element)
        self.records += records
        self.rejects += [*rejects, *refused]
        self.notices += dict.fromkeys([*filler.notices, *said])

    def _missing(self, steps: list[Step], guide: Guide) -> None:
        """Elements that the guide requires and that are empty."""
        for step in steps:
            slot, values = step[3], step[0][4]
            for element in slot.need if slot is not None else ():
                if element >= len(values) or not values[element]:
                    where = f"{step.loop}/{step.segment.name}-{element:02d}"
                    system = f"x12/{guide.structure}/{guide.version}"
                    place = step.segment.start, step.segment.end - step.segment.start
                    self.notices.append(Notice("structure", system, f"missing-element:{where}", where, *place))

    def _misfits(self, misfits: list[Misfit], guide: Guide) -> None:
        for misfit in misfits:
            segment = misfit.segment
            where = f"{misfit.loop}/{misfit.name}" if misfit.loop else misfit.name
            system = f"x12/{guide.structure}/{guide.version}"
            code = f"{MISFITS[misfit.code]}:{where}"
            self.notices.append(Notice("structure", system, code, f"{where}@{misfit.position}", segment.start, segment.end - segment.start))


def _otherwise(where: str) -> tuple[str, str]:
    """What becomes of an element that a map reads for a record which is not made here."""
    name, _, place = where.rpartition("/")[2].partition("[")
    element = int(place.partition("-")[2][:2])
    for drop in drops().get((where.rpartition("/")[0], name), ()) + drops().get(("", name), ()):
        if drop.test is None and (drop.elements is None or element in drop.elements):
            return "dropped", drop.rule
    return "uncovered", ""


def _is_stub(segment: Segment, kind: str) -> bool:
    """A claim payment of which only status and amounts are kept here."""
    return kind == "835" and segment.name == "CLP" and not segment.value(1) and len(segment.values) <= 5


def merged(records: list[Record]) -> list[Record]:
    """Records that are told twice alike, as a party in two places is, become one with all its spans."""
    found: dict[str, list[Record]] = {}
    for record in records:
        same = found.setdefault(record.key, [])
        twin = next((place for place, other in enumerate(same) if other.resource == record.resource), None)
        if twin is None:
            same.append(record)
        else:
            same[twin] = Record(record.resource, same[twin].spans + record.spans)
    return [record for same in found.values() for record in same]


FILLERS: dict[str, type[Filler]] = {
    "837": ClaimFiller,
    "835": RemittanceFiller,
    "834": MemberFiller,
    "820": PremiumFiller,
    **dict.fromkeys(("270", "271", "276", "277", "278"), LevelFiller),
}


class X12Format:
    """ASC X12 interchanges (X12.5, X12.6) of the HIPAA transaction sets, versions 4010 and 5010."""

    name = "x12"
    reads_buffers = True

    def sniff(self, head: bytes, filename: str) -> bool:
        """An ISA segment at the beginning."""
        bare = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
        return bare.startswith(b"ISA") and read_marks(bare, 0) is not None

    def split(self, raw: Any) -> Iterator[Unit]:
        """One unit per claim, member, subscriber; one per set; one per interchange."""
        return cut(raw)

    def translate(self, raw: bytes, profile: SourceProfile) -> Translation:
        """The records of a unit, or of a whole delivery."""
        return Reading(raw, profile).translation()

    def write(self, raw: bytes) -> bytes:
        """The same bytes, X12 text is kept, never written again."""
        return bytes(raw)
