"""How easily could somebody be found again: k and l over what an export says of each person.

A class is everybody with the same quasi-identifiers. k is the size of the smallest class, l the least number of different
sensitive values in one. Sources: Sweeney 2002 (k-anonymity), Machanavajjhala et al. 2007 (distinct l-diversity).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["Exposure", "quasi_identifiers", "sensitive_values"]

RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"


def quasi_identifiers(patient: Mapping[str, Any]) -> tuple[str, ...]:
    """What strangers know of a person: year of birth, sex, state, three digits of the ZIP code, race."""
    address = (patient.get("address") or [{}])[0]
    race: Mapping[str, Any] = next((one for one in patient.get("extension", ()) if one.get("url") == RACE), {})
    code = next((part["valueCoding"].get("code", "") for part in race.get("extension", ()) if "valueCoding" in part), "")
    year = str(patient.get("birthDate", ""))[:4]
    return (year, str(patient.get("gender", "")), str(address.get("state", "")), str(address.get("postalCode", ""))[:3], str(code))


def sensitive_values(resource: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Whose condition, and its codes; ("", []) for anything that is no condition of a person."""
    reference = str(resource.get("subject", {}).get("reference", "")) if resource.get("resourceType") == "Condition" else ""
    if not reference:
        return "", []
    codes = [f"{one.get('system', '')}|{one.get('code', '')}" for one in resource.get("code", {}).get("coding", ()) if one.get("code")]
    return reference.rpartition("/")[2], codes[:1]


class Exposure:
    """Gathers an export's persons and their conditions; memory grows with the number of persons."""

    def __init__(self) -> None:
        self.persons: dict[str, tuple[str, ...]] = {}
        self.conditions: dict[str, set[str]] = {}

    def see(self, resource: Mapping[str, Any]) -> None:
        """One de-identified resource, and those in a bundle."""
        for entry in resource.get("entry", ()) if resource.get("resourceType") == "Bundle" else ():
            self.see(entry.get("resource", {}))
        if resource.get("resourceType") == "Patient":
            self.persons[str(resource.get("id", len(self.persons)))] = quasi_identifiers(resource)
            return
        person, codes = sensitive_values(resource)
        if codes:
            self.conditions.setdefault(person, set()).update(codes)

    def report(self, smallest: Iterable[int] = (5, 11)) -> dict[str, Any]:
        """`k`, `l` and how many persons stand in classes smaller than each of `smallest`. Nulls when nobody is there."""
        sizes = Counter(self.persons.values())
        values: dict[tuple[str, ...], set[str]] = {}
        for person, quasi in self.persons.items():
            values.setdefault(quasi, set()).update(self.conditions.get(person, ()))
        told = {quasi: found for quasi, found in values.items() if found}
        return {
            "persons": len(self.persons),
            "classes": len(sizes),
            "k": min(sizes.values(), default=None),
            "l": min((len(found) for found in told.values()), default=None),
            "unique": sum(size == 1 for size in sizes.values()),
            "in_classes_smaller_than": {str(bound): sum(size for size in sizes.values() if size < bound) for bound in smallest},
            "quasi_identifiers": ["year of birth", "sex", "state", "ZIP3", "race"],
            "sensitive": "first code of each condition",
        }
