"""What could be repaired: a pure function for each kind of `maps/quality/repairs.csv`. In, a row that breaks a check and its record.

Out: a proposal with its edits and its evidence, or None where the evidence is not enough: then a person has the row and no proposal.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from trivet.contracts.repair import Edit, Proposal
from trivet.data.measures import CANONICAL, UCUM, canonical_unit, converted
from trivet.kernel.resources import text

__all__ = ["Held", "kinds", "propose", "shape"]

LOINC = "http://loinc.org"
NAMED = re.compile(r" would be usual in (\S+)$")
BEGINS = re.compile(r"^begins with (Encounter/\S+) ")
SYSTEMS = re.compile(r"^the values of (\S+) and (\S+) have")
OWN = "/id/Encounter"  # what a server calls a record: two records never share it
UNKNOWN = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
Resource = Mapping[str, Any]


class Held(NamedTuple):
    """A record as it stands: `known` is the position since which, `others` gives another record by its key."""

    record: str
    version: int
    subject: str
    known: int
    source: str
    resource: Resource
    others: Callable[[str], Held | None]


@cache
def kinds() -> dict[str, dict[str, str]]:
    """The rows of `repairs.csv` by check."""
    return {row["check"]: row for row in csv.DictReader(text("trivet.maps", "quality", "repairs.csv").splitlines())}


def propose(check: str, why: str, held: Held) -> Proposal | None:
    """A repair of what breaks a check, `why` being the check's own words about it."""
    kind = kinds()[check]["kind"]
    found = MAKERS[kind](why, held)
    if found is None:
        return None
    of, edits, evidence = found
    return Proposal(kind, check, of.record, of.version, of.subject, tuple(edits), tuple(evidence))


Found = tuple[Held, list[Edit], list[str]] | None


def unit(why: str, held: Held) -> Found:
    """The unit that the check names; the canonical value is made anew, the number keeps its digits."""
    named = NAMED.search(why)
    if not named:
        return None
    edits, evidence = list[Edit](), list[str]()
    parts = [
        ("valueQuantity", held.resource),
        *((f"component[{n}].valueQuantity", c) for n, c in enumerate(held.resource.get("component", []))),
    ]
    for path, part in parts:
        quantity, code = part.get("valueQuantity"), _loinc(part)
        if not isinstance(quantity, dict) or not isinstance(quantity.get("value"), int | Decimal) or not why.startswith(f"{code} in "):
            continue
        limits = _plausible().get(code)
        told = quantity["value"]
        stands = converted(code, told, quantity.get("code", ""), limits["unit"]) if limits else None
        would = converted(code, told, named[1], limits["unit"]) if limits else None
        if limits is None or stands is None or would is None:
            continue
        if Decimal(limits["low"]) <= stands <= Decimal(limits["high"]) or not Decimal(limits["usual_low"]) <= would <= Decimal(
            limits["usual_high"]
        ):
            continue
        edits.append(Edit(path, quantity, _in_unit(quantity, code, named[1])))
        evidence += [
            f"as {quantity.get('code')} it is {stands} {limits['unit']}, outside of what can be ({limits['low']} to {limits['high']})",
            f"as {named[1]} it is {would} {limits['unit']}, within what is usual ({limits['usual_low']} to {limits['usual_high']})",
            f"most impossible values of {code} of {held.source} are usual in {named[1]}",
        ]
    return (held, edits, evidence) if edits else None


def _in_unit(quantity: Resource, code: str, other: str) -> dict[str, Any]:
    kept = [one for one in quantity.get("extension", []) if one.get("url") != CANONICAL]
    made = {**quantity, "unit": other, "system": UCUM, "code": other}
    made.pop("extension", None)
    wanted = canonical_unit(code)
    value = converted(code, quantity["value"], other, wanted) if wanted and wanted != other else None
    if value is not None:
        kept.append({"url": CANONICAL, "valueQuantity": {"value": value, "unit": wanted, "system": UCUM, "code": wanted}})
    return made | ({"extension": kept} if kept else {})


def birth_date(why: str, held: Held) -> Found:
    """A placeholder becomes what it means: unknown. What other sources say of the person is evidence, never a value put in its place."""
    born = held.resource.get("birthDate")
    row = next((one for one in _placeholders() if one["field"] == "birth" and one["value"] == born), None)
    if row is None:
        return None
    edits = [Edit("birthDate", born, None), Edit("_birthDate", held.resource.get("_birthDate"), UNKNOWN)]
    return held, edits, [f"{row['value']} stands in the table of placeholders: {row['why']}", f"said by {held.source}"]


def twice(why: str, held: Held) -> Found:
    """The later known of two encounters that are one; two different ends, or two numbers of one system, are not."""
    named = BEGINS.match(why)
    other = held.others(named[1]) if named else None
    if other is None or other.source != held.source or other.subject != held.subject:
        return None
    ends = {(one.resource.get("period") or {}).get("end") for one in (held, other)} - {None}
    numbers: dict[str, set[str]] = {}
    for one in (*held.resource.get("identifier", []), *other.resource.get("identifier", [])):
        if not str(one.get("system")).endswith(OWN):
            numbers.setdefault(str(one.get("system")), set()).add(str(one.get("value")))
    if len(ends) > 1 or any(len(values) > 1 for values in numbers.values()):
        return None
    first, later = sorted((held, other), key=lambda one: (one.known, one.record))
    evidence = [
        f"{first.record} was known first, at ledger {first.known}; this one came at {later.known}",
        f"both from {held.source}, of one patient record",
    ]
    evidence.append("one end" if ends else "neither has ended")
    return later, [Edit("status", later.resource.get("status"), "entered-in-error")], evidence


def swapped(why: str, held: Held) -> Found:
    """Two identifiers exchange their values: each has the usual shape of the other's system."""
    named = SYSTEMS.match(why)
    if not named:
        return None
    places: dict[str, list[int]] = {}
    for number, one in enumerate(held.resource.get("identifier", [])):
        places.setdefault(str(one.get("system")), []).append(number)
    if any(len(places.get(system, [])) != 1 for system in named.groups()):
        return None
    one, two = places[named[1]][0], places[named[2]][0]
    values = [held.resource["identifier"][place]["value"] for place in (one, two)]
    edits = [Edit(f"identifier[{one}].value", values[0], values[1]), Edit(f"identifier[{two}].value", values[1], values[0])]
    evidence = [f"the value under {named[1]} has the shape {shape(values[0])}, usual under {named[2]} of {held.source}"]
    evidence.append(f"the value under {named[2]} has the shape {shape(values[1])}, usual under {named[1]} of {held.source}")
    return held, edits, evidence


def shape(value: str) -> str:
    """A value with each digit as 9 and each letter as A: says how it looks and not what it is."""
    return re.sub(r"[A-Za-z]", "A", re.sub(r"[0-9]", "9", value))


def _loinc(part: Resource) -> str:
    return next((str(one.get("code")) for one in (part.get("code") or {}).get("coding", []) if one.get("system") == LOINC), "")


@cache
def _plausible() -> dict[str, dict[str, str]]:
    return {row["loinc"]: row for row in csv.DictReader(text("trivet.maps", "quality", "plausible.csv").splitlines())}


@cache
def _placeholders() -> tuple[dict[str, str], ...]:
    return tuple(csv.DictReader(text("trivet.maps", "identity", "placeholders.csv").splitlines()))


MAKERS: dict[str, Callable[[str, Held], Found]] = {"unit": unit, "birth-date": birth_date, "twice": twice, "swapped": swapped}
