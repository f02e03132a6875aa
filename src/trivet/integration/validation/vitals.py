"""Vital signs: the profiles that FHIR R4 demands of every Observation with one of their codes.

http://hl7.org/fhir/R4/observation-vitalsigns.html; codes and units in `maps/fhir/vitals.csv`.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from trivet.integration.validation.check import Resource, Walk
from trivet.integration.validation.datatypes import UCUM, text
from trivet.integration.validation.finding import Place
from trivet.integration.validation.terms import rows

__all__ = ["observation"]

LOINC = "http://loinc.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


class Vital(NamedTuple):
    """One profile: its name, the UCUM codes that its value may have, the codes of components that it must have."""

    name: str
    units: frozenset[str]
    parts: tuple[str, ...]


@cache
def vitals() -> dict[str, Vital]:
    """LOINC code -> profile."""
    return {row["code"]: Vital(row["profile"], frozenset(row["units"].split()), tuple(row["parts"].split())) for row in rows("vitals")}


def codes(held: Any, system: str) -> list[str]:
    """The codes of one system in a CodeableConcept."""
    listed = held.get("coding") if isinstance(held, dict) else None
    return [text(one, "code") for one in (listed if isinstance(listed, list) else []) if text(one, "system") == system]


def observation(walk: Walk, one: Resource) -> None:
    """Category, subject, time, and a value in the units of the profile, for the codes that the profiles name."""
    value = one.value
    known = next((vitals()[code] for code in codes(value.get("code"), LOINC) if code in vitals()), None)
    if known is None:
        return
    categories = value.get("category")
    if not any("vital-signs" in codes(category, CATEGORY) for category in (categories if isinstance(categories, list) else [])):
        _say(walk, one.place, "cardinality", "a category of vital-signs is missing", known)
    if "subject" not in value:
        _say(walk, one.place, "cardinality", "subject is missing: at least one is required", known)
    chosen = [name for name in value if name.startswith(("value", "_value"))]
    if not any(name.startswith(("effective", "_effective")) for name in value):
        _say(walk, one.place, "cardinality", "effective is missing: at least one is required", known)
    if not chosen and not value.keys() & {"component", "hasMember", "dataAbsentReason"}:
        _say(walk, one.place, "invariant", "the rule vs-2 of FHIR R4 does not hold: no value, no reason for its absence, no parts", known)
    for name in chosen:
        if name != "valueQuantity" or not known.units:
            _say(walk, (one.place, name), "json-type", "the profile does not allow this value", known)
        else:
            _measured(walk, value[name], (one.place, name), known)
    _parts(walk, one, known)


def _parts(walk: Walk, one: Resource, known: Vital) -> None:
    listed = one.value.get("component")
    parts = [part for part in (listed if isinstance(listed, list) else []) if isinstance(part, dict)]
    for number, part in enumerate(parts):
        if "dataAbsentReason" not in part and not any(name.startswith(("value", "_value")) for name in part):
            words = "the rule vs-3 of FHIR R4 does not hold: no value and no reason for its absence"
            _say(walk, ((one.place, "component"), number), "invariant", words, known)
    have = {code for part in parts for code in codes(part.get("code"), LOINC)}
    for code in known.parts:
        if code not in have:
            _say(walk, one.place, "cardinality", f"the component {code} is missing", known)


def _measured(walk: Walk, held: Any, place: Place, known: Vital) -> None:
    if not isinstance(held, dict):
        return
    for name in ("value", "unit", "system", "code"):
        if name not in held and "_" + name not in held:
            _say(walk, place, "cardinality", f"{name} is missing: at least one is required", known)
    if "system" in held and held["system"] != UCUM:
        _say(walk, (place, "system"), "value", "the unit must be one of UCUM", known)
    elif "code" in held and held["code"] not in known.units:
        _say(walk, (place, "code"), "binding", "not a unit of this vital sign: " + " ".join(sorted(known.units)), known)


def _say(walk: Walk, place: Place, code: str, words: str, known: Vital) -> None:
    say = walk.found.error if walk.options.strict else walk.found.warn
    say(code, place, words, f"vital-signs/{known.name}")
