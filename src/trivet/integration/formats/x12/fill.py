"""Segments of a transaction set to records under construction, by the rows of `maps/x12/map`, with an account of every element.

In: the steps of a walker. Out: slots with spans, elements, notices. What a set's records are, how they are named and how they
refer to each other stands in the module of the set.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Self

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Notice, Record, Span
from trivet.integration.formats.x12.convert import CONVERTERS, SELECTOR, Desk
from trivet.integration.formats.x12.forms import Applied, Trace, Where, forms_of
from trivet.integration.formats.x12.rules import Block, Carry, Cell, Cells, Drop, Rule, carries, drops, key_of, parties, party_rules, rules
from trivet.integration.formats.x12.slots import Scope, Slot, Taken
from trivet.integration.formats.x12.structure import Guide, inside
from trivet.integration.formats.x12.tokens import Marks, Segment, decode, leaves
from trivet.integration.formats.x12.values import Doubt
from trivet.integration.formats.x12.walk import Step
from trivet.kernel.errors import Rejected

__all__ = ["Filler", "cells_of"]

_span, _element = Span._make, Element._make
NOTHING: frozenset[str] = frozenset()
MAPPED = frozenset({"837", "835", "834", "270", "271", "276", "277", "278", "820"})


class Filler(Desk):
    """Fills the slots of one transaction set."""

    mixed: frozenset[str] = frozenset()  # loops in which several parties stand
    heeds = ("", "")  # the first steps of the paths that `placed` looks at, and of those that it then changes

    def __init__(self, guide: Guide, marks: Marks, profile: SourceProfile, counts: dict[str, int], text: str = "") -> None:
        self.guide, self.marks, self.profile = guide, marks, profile
        self.rows = rules(guide.set) if guide.set in MAPPED else {}
        self.parties = parties(guide.set, guide.structure)
        self.below = inside(guide.structure, guide.version)
        self.partied = self.parties.keys() | self.mixed
        self.counts = counts
        self.open: dict[str, int] = {}
        self.order: list[Slot] = []
        self.slots: dict[tuple[str, int], Slot] = {}
        self.elements: list[Element] = []
        self.notices: list[Notice] = []
        self.refused: dict[int, str] = {}  # places whose record was refused, with the reject's code
        self.scope = Scope(0, 0, self.open)
        self.party: Slot | None = None
        self.party_at = ("", 0)
        self.step: Step
        self.cells: Cells = {}
        self.fate: dict[int, tuple[str, str]] = {}
        self.here: dict[str, Slot] = {}  # records of the segment at hand, by the target of its rows
        self.near: dict[str, Slot] = {}  # records that may be written to, by the target of rows, until another loop begins
        self.text = text
        self.forms = forms_of(guide.set, marks)
        self.trace = Trace()

    def fork(self) -> Self:
        """The same state, to go on separately. Records so far are shared until somebody writes to one; notices stay behind."""
        for slot in self.order:
            slot.sealed = True
        made = copy(self)
        made.counts, made.open = dict(self.counts), dict(self.open)
        made.order, made.slots, made.elements, made.notices = list(self.order), dict(self.slots), list(self.elements), []
        made.refused, made.near = {}, {}
        made.scope, made.party, made.party_at = Scope(0, 0, made.open), None, ("", 0)
        return made

    # ------------------------------------------------------------ which record

    def slot(self, name: str) -> Slot:
        """The record a row's target means here. Sets override this where a record is shared by several loops."""
        return self.at(name, 0)

    def at(self, name: str, instance: int, origin: Slot | None = None) -> Slot:
        """The record of a name for one instance of its loop, made when it is first needed, from `origin` if there is one."""
        found = self.slots.get((name, instance))
        if found is None:
            found = origin.copy() if origin is not None else Slot(name)
            segment = self.step.segment
            found.offset, found.length = segment.start, max(1, segment.end - segment.start)
            self.slots[name, instance] = found
            self.order.append(found)
        return found

    def own(self, slot: Slot) -> Slot:
        """A record that may be written to."""
        if not slot.sealed:
            return slot
        mine = slot.copy()
        self.near.clear()
        self.order = [mine if other is slot else other for other in self.order]
        self.slots = {key: mine if other is slot else other for key, other in self.slots.items()}
        return mine

    def reach(self, target: str) -> Slot:
        """The record that a row's target means here, to be written to."""
        found = self.near[target] = self.own(self.slot(target))
        return found

    def enter(self, step: Step) -> None:
        """A segment opens a loop. That closes what stood inside the last one."""
        opened = self.open
        opened[step.loop] = step.instance
        self.near.clear()
        if len(opened) > 1:
            for below in self.below.get(step.loop, NOTHING) & opened.keys():
                del opened[below]
        self.opened(step)

    def opened(self, step: Step) -> None:
        """A loop begins. Sets override this."""

    def placed(self, slot: Slot, path: str) -> None:
        """A value stands at a path now. Sets override this."""

    def heeding(self) -> bool:
        """Whether `placed` changes anything here."""
        return False

    def _party(self, step: Step) -> Slot | None:
        """The party whose loop this is."""
        known = self.parties.get(step[1])
        if known is None:
            return None
        if self.party_at != (step[1], step[2]):
            if step[0][0] not in ("NM1", "N1"):
                return None
            self.party_at = (step[1], step[2])
            self.party = self.own(self.party_slot(known.slot, step))
            self.party.role = self.party.role or known.role
            kind = known.kind
            if kind == "provider":
                kind = "practitioner" if step.segment.name == "NM1" and step.segment.value(2) == "1" else "organization"
            if kind != "address":
                self.party.kind = self.party.kind or kind
        return self.party

    def party_slot(self, name: str, step: Step) -> Slot:
        """The record of a party's loop."""
        return self.at(name, step.instance)

    # ------------------------------------------------------------ one segment

    def fill(self, steps: Iterable[Step]) -> None:
        """All segments in order."""
        for step in steps:
            self.take(step)

    def take(self, step: Step) -> None:
        """One segment: by a form that takes it, else by its rows; then what became of each element."""
        segment, loop, instance, _ = step
        name, start, end, _, values = segment
        self.step = step
        self.counts[name] = count = self.counts.get(name, 0) + 1
        if self.open.get(loop) != instance:
            self.enter(step)
        party = self._party(step) if loop in self.partied else None
        kind = self._kind(step, party) if party is not None else ""
        where = loop, name, kind, len(values)
        known = self.forms.known.get(where, ()) if self.text else ()
        for place, form in enumerate(known):
            found = form.fullmatch(self.text, start, end)
            if found is not None and form.run(self, party, found, f"{loop}/{name}[{count}]-" if loop else f"{name}[{count}]-", instance):
                if place:
                    known[place], known[place - 1] = known[place - 1], form  # type: ignore[index]
                return
        self._rows(step, party, kind, count, where)

    def _rows(self, step: Step, party: Slot | None, kind: str, count: int, where: Where) -> None:
        """One segment row by row."""
        segment = step.segment
        self.cells = cells_of(segment, self.marks, step.loop, count)
        self.fate = {}
        self.scope = Scope(segment.number, step.instance, self.open)
        self.here = {}
        self.trace = trace = Trace()
        if party is not None:
            for block in party_rules().get((kind, segment.name), ()):
                self._run(block, party)
        for block in self.rows.get((step.loop, segment.name), ()):
            self._run(block, None)
        carried = carries(self.guide.set).get((step.loop, segment.name))
        if carried is not None and len(self.fate) < len(self.cells):
            trace.plain = False
            self._carry(carried, segment, count)
        before = len(self.elements)
        self._account(segment.name, step.loop)
        if trace.plain and self.text:
            fates = [(one.disposition, one.rule) for one in self.elements[before:]]
            self.forms.learn(where, segment, self.text, self.cells, trace, fates, self.heeds)

    def _carry(self, carry: Carry, segment: Segment, count: int) -> None:
        """Keep the segment as it stands in the record, for whoever understands it."""
        slot = self.own(self.slot(carry.target))
        slot.loose = True
        rule = f"x12/{self.guide.set}/carried/{segment.name}"
        head = carry.path.removesuffix("[]")
        path = f"{head}[z]"
        slot.put(f"{path}.url", f"urn:trivet:x12:segment:{segment.name}", self.scope)
        placed = slot.put(f"{path}.valueString", _shown(decode(self.marks.element.join(segment.values)), self.marks), self.scope)
        where = f"{self.step.loop}/{segment.name}[{count}]"
        slot.spans.append(Span(placed, segment.start, segment.end - segment.start, where, rule))
        for key in self.cells:
            if self.fate.get(key, ("",))[0] != "mapped":
                self.fate[key] = ("carried", rule)

    def _kind(self, step: Step, party: Slot) -> str:
        known = self.parties[step.loop]
        return "address" if known.kind == "address" else party.kind

    def _run(self, block: Block, party: Slot | None) -> None:
        each = block.each
        if each is None:
            self._apply(block, party, 0)
        elif each.repeats:
            repetition = 0
            while key_of(each.first, repetition, 1) in self.cells:
                self.scope.group = repetition
                self._apply(block, party, key_of(each.first, repetition, 0))
                repetition += 1
        else:
            last = len(self.step.segment.values) - 1
            for group in range(each.times):
                begin = each.first + group * each.step
                if begin > last:
                    break
                self.scope.group = group
                self._apply(block, party, key_of(begin, 0, 0))

    def _apply(self, block: Block, party: Slot | None, begin: int) -> None:
        cells, fate, trace = self.cells, self.fate, self.trace
        trace.looked(block.exact, begin)
        if block.test is not None:
            if not block.test(cells, begin):
                return
            for place in block.reads:
                fate.setdefault(place.at(begin), ("dropped", SELECTOR))
        here = self.here
        for rule in block.rules:
            cell: Cell | None = None
            if rule.source is not None:
                key = rule.source.at(begin)
                cell = cells.get(key)
                if cell is None:
                    continue
            trace.applied.append(Applied(party is not None, rule, key if cell is not None else None, begin, self.scope.group))
            slot = party or here.get(rule.target)
            if slot is None:
                slot = here[rule.target] = self.own(self.slot(rule.target))
            slot.loose = True
            try:
                placed = CONVERTERS[rule.how](self, rule, slot, cell[1] if cell is not None else rule.constant, begin)
            except Doubt as doubt:
                trace.plain = False
                self._doubt(rule, cell, doubt)
                if cell is not None:
                    fate[key] = ("rejected", rule.id)
                continue
            except Taken:
                trace.plain = False
                continue
            for path in placed:
                self.placed(slot, path)
                if cell is not None:
                    slot.spans.append(_span((path, cell[0], cell[2], cell[3], rule.id)))
                    fate[key] = ("mapped", rule.id)

    def _doubt(self, rule: Rule, cell: Cell | None, doubt: Doubt) -> None:
        segment = self.step.segment
        at, _, length, where = cell or (segment.start, "", len(segment.name), f"{self.step.loop}/{segment.name}")
        self.notices.append(Notice(doubt.kind, doubt.system, doubt.code, where, at, length))

    def _account(self, name: str, loop: str) -> None:
        """Each non-empty element once."""
        rows: tuple[Drop, ...] | None = None
        for key, (at, _, length, where) in self.cells.items():
            fate = self.fate.get(key)
            if fate is None:
                if rows is None:
                    rows = drops().get((loop, name), ()) + drops().get(("", name), ())
                    for drop in rows:
                        self.trace.looked(drop.exact, 0)
                element = key >> 40
                fate = ("uncovered", "")
                for drop in rows:
                    if (drop.elements is None or element in drop.elements) and (drop.test is None or drop.test(self.cells, 0)):
                        fate = ("dropped", drop.rule)
                        break
            self.elements.append(_element((where, at, length, *fate)))

    def refuse(self, code: str, why: str, where: str, *slots: Slot) -> Rejected:
        """A record that cannot be made, at its first segment; what was read for it is rejected with it."""
        for slot in slots:
            self.refused |= {span.offset: code for span in slot.spans}
        first = slots[0]
        return Rejected(code, why, where, first.offset, first.length)

    def records(self, whole: bool) -> tuple[list[Record], list[Rejected]]:
        """The records of the set. Sets override this; a set without a module of its own has none."""
        return [], []


def _shown(text: str, marks: Marks) -> str:
    """A segment as it stands; separators that are control characters, which FHIR's string does not admit, as `*`, `:` and `^`."""
    if text.isprintable():
        return text
    for mark, plain in ((marks.element, "*"), (marks.component, ":"), (marks.repetition, "^")):
        if mark and not mark.isprintable():
            text = text.replace(mark, plain)
    return text


def cells_of(segment: Segment, marks: Marks, loop: str, count: int) -> Cells:
    """The non-empty elements of a segment with their places and locators."""
    head = f"{loop}/{segment.name}[{count}]-" if loop else f"{segment.name}[{count}]-"
    values, parts, repeats = segment.values, marks.component, marks.repetition
    at = segment.start + len(values[0]) + 1
    whole = values[0] == "ISA"  # its elements are never parted: they say what parts the others
    cells: Cells = {}
    for element in range(1, len(values)):
        value = values[element]
        if value:
            if (parts in value or (repeats and repeats in value)) and not whole:
                break
            cells[element << 40 | 1] = (at, decode(value), len(value), f"{head}{element:02d}")
            at += len(value)
        at += 1
    else:
        return cells
    cells = {}
    found = list(leaves(segment, marks))
    composite = {element for element, _, component, _, _ in found if component}
    for element, repetition, part, at, text in found:
        where = f"{head}{element:02d}{f'[{repetition + 1}]' if repetition else ''}{f'.{part + 1}' if element in composite else ''}"
        cells[key_of(element, repetition, part + 1)] = (at, decode(text), len(text), where)
    return cells
