"""Which encounters are one visit. In: records of one person; out, for each encounter of a visit that several tell of, the one that leads.

FHIR R4 Encounter.identifier: "identifier(s) by which this encounter is known". So encounters of one person under one identifier are one
visit: what admissions, beds and laboratory each say of a stay. Three things keep apart what only looks alike: a type that numbers more
than a visit (an account, `@apart` of `fields.csv`) never joins; two periods that do not touch never join; a number without a system joins
only an encounter without a period, and only where it is the number of one visit of this person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from trivet.data.omop import moments
from trivet.data.omop.frame import Frame
from trivet.data.omop.paths import first

__all__ = ["one_visit"]

Record = Mapping[str, Any]
Span = tuple[date, date] | None


def one_visit(encounters: Iterable[Record], apart: frozenset[str], frame: Frame) -> dict[str, str]:
    """`Encounter/id` -> `Encounter/id` of the one that leads: the longest period, then the earliest; a visit told once is not in it."""
    held = {f"Encounter/{one.get('id', '')}": one for one in encounters}
    spans = {name: _span(one, frame) for name, one in held.items()}
    ranked = sorted(held, key=lambda name: _rank(spans[name], name))
    leads: dict[str, str] = {}
    by_number: dict[tuple[str, str], list[str]] = {}
    bare: list[tuple[str, str]] = []
    for name in ranked:
        numbers = list(_numbers(held[name], apart))
        whole = [(system, value) for system, value in numbers if system]
        found = [lead for number in whole for lead in by_number.get(number, ()) if _touch(spans[lead], spans[name])]
        lead = found[0] if found else name
        leads[name] = lead
        for number in whole:
            if lead not in by_number.setdefault(number, []):
                by_number[number].append(lead)
        if not found and spans[name] is None:
            bare += [(name, value) for system, value in numbers if not system]
    for name, value in bare:
        candidates = {lead for (_, number), known in by_number.items() if number == value for lead in known} - {name}
        if len(candidates) == 1:
            leads[name] = candidates.pop()
    final = {name: leads[lead] for name, lead in leads.items()}
    shared = {lead for name, lead in final.items() if name != lead}
    return {name: lead for name, lead in final.items() if lead in shared}


def _numbers(encounter: Record, apart: frozenset[str]) -> Iterator[tuple[str, str]]:
    """System and value of what numbers the encounter; `` for a number that says no system."""
    said = encounter.get("identifier")
    for one in said if isinstance(said, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("value"), str) and one["value"]:
            system, kind = one.get("system"), first(one, "type.coding.code")
            if kind not in apart:
                yield system if isinstance(system, str) else "", one["value"]


def _span(encounter: Record, frame: Frame) -> Span:
    """First and last day, open at the end where no end is said; None where no start is."""
    start = moments.read(first(encounter, "period.start"), frame.zone, frame.local)
    if start is None:
        return None
    end = moments.read(first(encounter, "period.end"), frame.zone, frame.local)
    return start.day, end.day if end else date.max


def _touch(one: Span, other: Span) -> bool:
    """Whether two periods can be of one visit; an encounter without a period says nothing against it."""
    return one is None or other is None or (one[0] <= other[1] and other[0] <= one[1])


def _rank(span: Span, name: str) -> tuple[int, int, int, str]:
    """Ended before open before undated; then the longest, the earliest, the name."""
    if span is None:
        return 2, 0, 0, name
    start, end = span
    return int(end == date.max), -(end - start).days, start.toordinal(), name
