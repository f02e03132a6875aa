"""Elements against the dictionary (`maps/x12/elements.csv`) and against what a guide asks for at their place.

In: a segment and its slot. Out: misfits by the codes of data element 723 (AK403, IK403). Only structure is checked: whether a code
is one of a licensed list is the affair of whoever owns that list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from trivet.integration.formats.x12.structure import Slot
from trivet.integration.formats.x12.tokens import Marks, Segment
from trivet.integration.formats.x12.values import Doubt, date, date_time, parts
from trivet.integration.tables import table

__all__ = ["ElementMisfit", "Kind", "check", "check_required", "dictionary", "wrong"]

MISSING, CONDITION, TOO_MANY, SHORT, LONG, CHARACTER, CODE, DATE, TIME, EXCLUDED = "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"
REPETITIONS, COMPONENTS = "12", "13"  # not in a 997
REAL, WHOLE = re.compile(r"-?(\d+(\.\d*)?|\.\d+)\Z"), re.compile(r"-?\d+\Z")
CLOCK = re.compile(r"([01]\d|2[0-3])[0-5]\d([0-5]\d(\d{1,2})?)?\Z")
NO_NOTES: tuple[tuple[tuple[str, tuple[int, ...]], ...], dict[int, int]] = ((), {})
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class ElementMisfit(NamedTuple):
    """One wrong element: its place (component 0: the whole element), the dictionary's number, the code, and the bad text."""

    element: int
    component: int
    reference: str
    code: str
    text: str


class Kind(NamedTuple):
    """One element of the dictionary: number, type, least and greatest length, whether a composite must have it."""

    reference: str
    type: str
    least: int
    most: int
    must: bool


@cache
def dictionary() -> dict[str, tuple[Kind, ...]]:
    """Elements of each segment and composite in order."""
    found = {}
    for row in table("x12/elements.csv", "segment", "elements"):
        kinds = []
        for word in row["elements"].split():
            number, *rest = word.split("/")
            kinds.append(Kind(number, rest[0], int(rest[1]), int(rest[2]), rest[3:] == ["M"]) if rest else Kind(number, "", 0, 0, False))
        found[row["segment"]] = tuple(kinds)
    return found


@cache
def notes() -> dict[str, tuple[tuple[tuple[str, tuple[int, ...]], ...], dict[int, int]]]:
    """Per segment: relations between its elements (X12.6 3.8.3.3: kind and elements), and how often an element may repeat."""
    found = {}
    for row in table("x12/syntax.csv", "segment", "notes", "repeats"):
        relations = tuple(
            (word[0], tuple(int(word[place : place + 2]) for place in range(1, len(word), 2))) for word in row["notes"].split()
        )
        repeats = {int(one.partition("=")[0]): int(one.partition("=")[2]) for one in row["repeats"].split(";") if one}
        found[row["segment"]] = (relations, repeats)
    return found


def _relations(segment: Segment) -> Iterator[ElementMisfit]:
    """P: all or none; R: at least one; E: at most one; C: the first asks for all others; L: the first asks for one of the others."""
    values = segment.values
    size = len(values)
    for kind, elements in notes().get(segment.name, NO_NOTES)[0]:
        there = [element for element in elements if element < size and values[element]]
        lacking = [element for element in elements if element not in there]
        wrong: list[int] = []
        if kind == "P" and there:
            wrong = lacking
        elif kind == "R" and not there:
            wrong = lacking[:1]
        elif kind == "C" and elements[0] in there:
            wrong = lacking
        elif kind == "L" and there == [elements[0]]:
            wrong = lacking[:1]
        elif kind == "E" and len(there) > 1:
            for element in there[1:]:
                yield ElementMisfit(element, 0, _reference(segment.name, element, 0), EXCLUDED, values[element])
        for element in wrong:
            yield ElementMisfit(element, 0, _reference(segment.name, element, 0), CONDITION, "")


def _reference(name: str, element: int, component: int) -> str:
    kinds = dictionary().get(name, ())
    if element > len(kinds):
        return ""
    kind = kinds[element - 1]
    if component and not kind.type:
        inner = dictionary().get(kind.reference, ())
        return inner[component - 1].reference if component <= len(inner) else ""
    return kind.reference


def check_required(segment: Segment, slot: Slot) -> Iterator[ElementMisfit]:
    """Elements that the guide requires at this place and that are empty."""
    yield from _absent(segment, slot.need)


def _absent(segment: Segment, elements: tuple[int, ...]) -> Iterator[ElementMisfit]:
    values = segment.values
    for element in elements:
        if element >= len(values) or not values[element]:
            yield ElementMisfit(element, 0, _reference(segment.name, element, 0), MISSING, "")


def check(segment: Segment, slot: Slot | None, marks: Marks) -> list[ElementMisfit]:
    """Everything that is wrong with the elements of one segment."""
    found = list(check_required(segment, slot)) if slot is not None else []
    if slot is not None and slot.must:
        found += _absent(segment, slot.must)
    missing = {one.element for one in found}
    found += [one for one in _relations(segment) if one.element not in missing]
    kinds = dictionary().get(segment.name)
    if kinds is not None:
        if len(segment.values) - 1 > len(kinds):
            found.append(ElementMisfit(len(kinds) + 1, 0, "", TOO_MANY, segment.values[len(kinds) + 1]))
        before = ""
        for element, (kind, value) in enumerate(zip(kinds, segment.values[1:], strict=False), 1):
            if value:
                if kind.type and marks.component not in value and not (marks.repetition and marks.repetition in value):
                    found += [ElementMisfit(element, 0, kind.reference, code, value) for code in _codes(kind, value, before)]
                else:
                    found += _repeated(segment.name, kind, element, value, marks)
                    found += _composite(kind, element, value, marks)
            before = value
    if slot is not None:
        found += _values(segment, slot, marks)
    return sorted(found, key=lambda one: (one.element, one.component, one.code)) if len(found) > 1 else found


def _repeated(name: str, kind: Kind, element: int, value: str, marks: Marks) -> Iterator[ElementMisfit]:
    if marks.repetition and value.count(marks.repetition) >= notes().get(name, NO_NOTES)[1].get(element, 1):
        yield ElementMisfit(element, 0, kind.reference, REPETITIONS, value)


def _composite(kind: Kind, element: int, value: str, marks: Marks) -> Iterator[ElementMisfit]:
    inner = dictionary().get(kind.reference, ())
    if kind.type:
        if marks.component in value:
            yield ElementMisfit(element, 0, kind.reference, CHARACTER, value)
        return
    for repetition in value.split(marks.repetition) if marks.repetition else [value]:
        texts, before = repetition.split(marks.component), ""
        if inner and len(texts) > len(inner):
            yield ElementMisfit(element, len(inner) + 1, "", COMPONENTS, texts[len(inner)])
        for component, part in enumerate(inner, 1):
            text = texts[component - 1] if component <= len(texts) else ""
            if not text and part.must:
                yield ElementMisfit(element, component, part.reference, MISSING, "")
            elif text:
                for code in _codes(part, text, before):
                    yield ElementMisfit(element, component, part.reference, code, text)
            before = text


def _values(segment: Segment, slot: Slot, marks: Marks) -> Iterator[ElementMisfit]:
    kinds = dictionary().get(segment.name, ())
    for element, component, allowed in slot.values:
        value = segment.value(element)
        if not value:
            continue
        inside = element <= len(kinds) and not kinds[element - 1].type  # a code in a composite has its component's place
        for repetition in value.split(marks.repetition) if marks.repetition else [value]:
            texts = repetition.split(marks.component)
            text = texts[component] if component < len(texts) else ""
            if text and text not in allowed:
                shown = component + 1 if inside or len(texts) > 1 or component else 0
                yield ElementMisfit(element, shown, _reference(segment.name, element, shown), CODE, text)


def _codes(kind: Kind, text: str, before: str) -> tuple[str, ...]:
    """Every code of what is wrong with one simple value: a date that is no date may be too long as well."""
    code = wrong(kind, text, before)
    if code not in (DATE, TIME):
        return (code,) if code else ()
    return (SHORT, code) if len(text) < kind.least else (LONG, code) if len(text) > kind.most else (code,)


def wrong(kind: Kind, text: str, before: str) -> str:
    """The code of what is wrong with one simple value; empty when nothing is. `before` says how a date period is written."""
    if not text.isprintable() and CONTROL.search(text):
        return CHARACTER
    if kind.type == "R":
        length = len(text) - text.count(".") - text.count("-")
        if not REAL.match(text):
            return CHARACTER
    elif kind.type == "N0":
        length = len(text) - text.count("-")
        if not WHOLE.match(text):
            return CHARACTER
    else:
        length = len(text)
        if kind.type == "DT" or (kind.type == "DP" and before in ("D8", "RD8", "DT", "TM")):
            return _date(text, before if kind.type == "DP" else "D8")
        if kind.type == "TM":
            return "" if CLOCK.match(text) else TIME
    if length < kind.least:
        return SHORT
    return LONG if length > kind.most else ""


def _date(text: str, form: str) -> str:
    try:
        if form == "RD8":
            parts(text)
        elif form == "DT":
            date_time(text, "UTC")
        elif form == "TM":
            return "" if CLOCK.match(text) else TIME
        else:
            date(text)
            return "" if len(text) == 8 else DATE
    except Doubt:
        return DATE
    return ""
