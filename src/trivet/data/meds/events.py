"""FHIR R4 records of one person to events: a pure function, by `maps/meds`. In, records with the instant since which each is known.

Out: rows (time, code, numeric_value, text_value, unit, known_time, code_display), sorted, and counts of what made none. A result counts
from when it was issued; a day, month or year without a time counts at its end: nothing stands earlier than it can have been known (a birth
excepted). Free text makes no event and stands in none. Standard: Medical Event Data Standard 0.4.
"""

from __future__ import annotations

import calendar
import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from trivet.data.measures import CANONICAL
from trivet.data.omop import moments
from trivet.data.omop.paths import every, first
from trivet.kernel.resources import text

__all__ = ["Event", "Frame", "Made", "events"]

LARGEST = Decimal("3.4028234663852886e38")  # of a float32
EARLIEST, LATEST = datetime.combine(date.min, time()), datetime.combine(date.max, time())
MEDICATION, DEVICE = "@medicationReference", "@device"


class Event(NamedTuple):
    """One row of the data, without its subject. `time` None is static."""

    time: datetime | None
    code: str
    number: float | None = None
    text: str | None = None
    unit: str | None = None
    known: datetime | None = None
    display: str | None = None


class Rule(NamedTuple):
    """One row of `events.csv`."""

    resource: str
    each: str
    event: str
    code: str
    prefer: tuple[str, ...]
    form: str
    time: str
    value: str
    once: str
    why: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One zone for all instants, the zone of times without offset, and what references to medicines and devices lead to."""

    zone: tzinfo = UTC
    local: tzinfo = UTC
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Made:
    """Events in their order, and what made none: (resource, reason) -> how many."""

    rows: list[Event]
    without: Counter[tuple[str, str]]


@cache
def rules() -> dict[str, tuple[Rule, ...]]:
    """The rows of `events.csv` by resource."""
    found: dict[str, list[Rule]] = {}
    for row in csv.DictReader(text("trivet.maps", "meds", "events.csv").splitlines()):
        made = Rule(**row | {"prefer": tuple(row["prefer"].split())})
        found.setdefault(made.resource, []).append(made)
    return {name: tuple(held) for name, held in found.items()}


@cache
def left_out() -> tuple[dict[str, str], ...]:
    """The rows of `left_out.csv`."""
    return tuple(csv.DictReader(text("trivet.maps", "meds", "left_out.csv").splitlines()))


@cache
def vocabularies() -> dict[str, str]:
    """Short names of code systems, as OMOP has them."""
    return {row["system"]: row["vocabulary"] for row in csv.DictReader(text("trivet.maps", "omop", "systems.csv").splitlines())}


def events(records: Iterable[tuple[Mapping[str, Any], str]], frame: Frame) -> Made:
    """All events of one person. Each record comes with the instant since which it is known; same records, same rows."""
    made: dict[tuple[Any, ...], Event] = {}
    single: dict[str, Counter[Event]] = {}
    without: Counter[tuple[str, str]] = Counter()
    for record, known in records:
        kind = record["resourceType"]
        why = "no event is made of it" if kind not in rules() else _against(record)
        if why:
            without[kind, why] += 1
            continue
        at = _instant(known) if known else None
        for rule in rules()[kind]:
            for item in _items(rule, record):
                event = _event(rule, item, record, frame, without)
                if event is None:
                    continue
                event = event._replace(known=at)
                if rule.once:
                    single.setdefault(rule.event, Counter())[event] += 1
                    continue
                same = event[:5]  # two sources that tell the same event tell it once, since the first of them was known
                held = made.get(same)
                if held is None or _early(event) < _early(held):
                    made[same] = event
                without.update({(kind, "the same event is told already"): 1} if held else {})
    rows = [*made.values(), *(_most(votes) for votes in single.values())]
    return Made(sorted(rows, key=_order), without)


def _early(event: Event) -> tuple[bool, datetime]:
    return event.known is None, event.known or LATEST


def _order(event: Event) -> tuple[Any, ...]:
    return event.time is not None, event.time or EARLIEST, event.code, event.number or 0.0, event.text or "", event.unit or ""


def _most(votes: Counter[Event]) -> Event:
    """What most records say, whoever said it first; among equals the smallest."""
    said: dict[tuple[Any, ...], list[Event]] = {}
    for event, times in votes.items():
        said.setdefault(event[:5], []).extend([event] * times)
    best = min(said.values(), key=lambda held: (-len(held), _order(held[0])))
    return min(best, key=_early)


def _against(record: Mapping[str, Any]) -> str:
    for row in left_out():
        if row["resource"] in ("*", record["resourceType"]):
            values = {str(value) for value in every(record, row["path"])}
            if values and (row["values"] == "*" or values & set(row["values"].split("|"))):
                return row["reason"]
    return ""


def _items(rule: Rule, record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if not rule.each:
        yield record
        return
    whole = {name: value for name, value in record.items() if not name.startswith("value") and name != rule.each}
    parts = record.get(rule.each)
    yield from ({**whole, **part} for part in (parts if isinstance(parts, list) else []) if isinstance(part, Mapping))


def _event(rule: Rule, item: Mapping[str, Any], record: Mapping[str, Any], frame: Frame, without: Counter[tuple[str, str]]) -> Event | None:
    kind = rule.resource
    if rule.value == "yes" and rule.resource == "Observation" and not rule.each and item.get("component") and not _valued(item):
        return None  # its parts are the events
    code, display = _code(rule, item, record, frame)
    if not code:
        if rule.code and not (rule.form == "bare" and first(item, rule.code.partition("|")[0]) is None):
            without[kind, "it has no code"] += 1
        return None
    if rule.time == "static":
        return Event(None, code, display=display)
    birth = rule.time.startswith("birth:")
    said = first(item, rule.time.removeprefix("birth:"))
    if said is None:
        if rule.event in ("", "REPORT", "ORDER") or rule.event.startswith("MEDICATION"):
            without[kind, "it has no time"] += 1
        return None
    at = _at(said, frame, end=not birth)
    if at is None:
        without[kind, "its time cannot be read"] += 1
        return None
    if not rule.value:
        return Event(at, code, display=display)
    quantity = item.get("valueQuantity") if rule.value == "yes" else first(item, rule.value)
    number, words, unit = _value(item, quantity, kind, without)
    return Event(at, code, number, words, unit, None, display)


def _valued(item: Mapping[str, Any]) -> bool:
    return any(name.startswith("value") for name in item)


def _code(rule: Rule, item: Mapping[str, Any], record: Mapping[str, Any], frame: Frame) -> tuple[str, str | None]:
    """The code of an event, and what the source displays for it. Empty where the source has none."""
    prefix = f"{rule.event}//" if rule.event else ""
    if not rule.code:
        return rule.event, None
    found: list[tuple[tuple[int, int], str, str | None]] = []
    for place, coding in enumerate(_codings(rule, item, record, frame)):
        if isinstance(coding, str):
            return prefix + coding, None
        code, system = coding.get("code"), coding.get("system")
        if not isinstance(code, str) or not (rule.form == "bare" or isinstance(system, str)):
            continue
        name = vocabularies().get(str(system), str(system))
        rank = rule.prefer.index(name) if name in rule.prefer else len(rule.prefer)
        said = coding.get("display")
        found.append(((rank, place), prefix + (code if rule.form == "bare" else f"{name}/{code}"), said if isinstance(said, str) else None))
    return min(found)[1:] if found else ("", None)


def _codings(rule: Rule, item: Mapping[str, Any], record: Mapping[str, Any], frame: Frame) -> Iterator[Any]:
    for path in rule.code.split("|"):
        if path in (MEDICATION, DEVICE):
            name, inner = path[1:], "type" if path == DEVICE else "code"
            said = str(first(item, f"{name}.reference") or "")
            contained = [one for one in record.get("contained", []) if isinstance(one, Mapping) and f"#{one.get('id')}" == said]
            held = contained[0] if contained else frame.resources.get("/".join(said.split("/")[-2:]), {})
            yield from every(held, f"{inner}.coding")
            continue
        for one in every(item, path):
            if isinstance(one, Mapping) and "coding" in one:
                yield from (coding for coding in one["coding"] if isinstance(coding, Mapping))
            elif isinstance(one, str) or (isinstance(one, Mapping) and "code" in one):
                yield one


def _value(
    item: Mapping[str, Any], quantity: Any, kind: str, without: Counter[tuple[str, str]]
) -> tuple[float | None, str | None, str | None]:
    """Number, text, unit. A bound (`<5`) is text, for it is no number; a coded answer is its code; words are left out."""
    if isinstance(quantity, Mapping) and isinstance(quantity.get("value"), int | Decimal):
        canonical = first(quantity, f"extension[{CANONICAL}].valueQuantity")
        held = canonical if isinstance(canonical, Mapping) and "value" in canonical else quantity
        unit = held.get("code") or held.get("unit")
        if quantity.get("comparator"):
            return None, f"{quantity['comparator']}{held['value']}", unit
        if abs(Decimal(held["value"])) > LARGEST:
            without[kind, "its number is too large for the standard"] += 1
            return None, None, unit
        return float(held["value"]), None, unit
    if isinstance(item.get("valueInteger"), int):
        return float(item["valueInteger"]), None, None
    if isinstance(item.get("valueBoolean"), bool):
        return float(item["valueBoolean"]), None, None
    codings = [one for one in every(item, "valueCodeableConcept.coding") if isinstance(one, Mapping) and isinstance(one.get("code"), str)]
    if codings:
        known = sorted(codings, key=lambda one: str(one.get("system")) not in vocabularies())
        system = str(known[0].get("system", ""))
        return None, f"{vocabularies().get(system, system)}/{known[0]['code']}", None
    if any(name in item for name in ("valueString", "valueCodeableConcept")):
        without[kind, "its value is words and is left out"] += 1
    return None, None, None


def _at(said: Any, frame: Frame, *, end: bool) -> datetime | None:
    """An instant in the one zone, without its offset. What has no time of day is at the end of its day, month or year, or at the start."""
    moment = moments.read(said, frame.zone, frame.local)
    if moment is None:
        return None
    if moment.at is not None:
        return moment.at
    start = datetime.combine(moment.day, time())
    if not end:
        return start
    parts = str(said).count("-")
    days = (
        1 if parts == 2 else calendar.monthrange(start.year, start.month)[1] if parts == 1 else 366 if calendar.isleap(start.year) else 365
    )
    return start + timedelta(days=days) - timedelta(microseconds=1)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC).replace(tzinfo=None)
