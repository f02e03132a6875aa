"""Names of X12 parties and how records refer to them: ids from the identifiers that the sender uses, the same in every unit.

In: slots that are filled. Out: resources with ids, references, spans for what was used.
"""

from __future__ import annotations

from typing import Any

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Record, Span
from trivet.integration.formats.x12.slots import Slot
from trivet.integration.valid import Derived
from trivet.kernel.digest import record_id

__all__ = ["absent", "code_of", "follows", "key_of", "party", "person_id", "point", "record", "refer", "resource_type"]

TYPES = {
    "organization": "Organization",
    "practitioner": "Practitioner",
    "person": "Patient",
    "related": "RelatedPerson",
    "location": "Location",
}
# Records that are persons whatever their loop lacks: FHIR asks for a Patient where they stand.
PERSONS = frozenset({"subscriber", "patient", "dependent", "member"})
# Which of several identifiers names a party: the first system that it has one of, in this order.
ORDER = ("http://hl7.org/fhir/sid/us-npi", "/payer", "urn:oid:2.16.840.1.113883.4.4", "/member", "/mrn", "http://hl7.org/fhir/sid/us-ssn")
RULE_ID, RULE_LINK = "x12/id", "x12/reference"


def code_of(concept: dict[str, Any]) -> str:
    """The first code of a CodeableConcept, empty when it has none: codes come from senders."""
    first: dict[str, Any] = next(iter(concept.get("coding", [])), {})
    code = first.get("code", "")
    return code if isinstance(code, str) else ""


def resource_type(slot: Slot) -> str:
    """The resource that a party becomes."""
    return TYPES[slot.kind or ("person" if slot.name in PERSONS else "organization")]


def key_of(slot: Slot) -> tuple[int, str, str]:
    """Place, system and value of the identifier that names a party; (-1, "", "") when it has none. Asked when the party is finished."""
    known: tuple[int, str, str] | None = slot.memo.get("key")
    if known is None:
        known = slot.memo["key"] = _key(slot)
    return known


def _key(slot: Slot) -> tuple[int, str, str]:
    found = [
        (place, identifier.get("system", ""), identifier["value"])
        for place, identifier in enumerate(slot.resource.get("identifier", []))
        if isinstance(identifier.get("value"), str)
    ]
    for ending in ORDER:
        for place, system, value in found:
            if system.endswith(ending):
                return place, system, value
    return found[0] if found else (-1, "", "")


def _words(slot: Slot) -> list[str]:
    """What a party without an identifier is known by: its name, its birth date, its address."""
    name, address = slot.resource.get("name", ""), slot.resource.get("address", [])
    words = [name] if isinstance(name, str) else [part for one in name for part in (one.get("family", ""), *one.get("given", []))]
    words.append(slot.resource.get("birthDate", ""))
    for one in address if isinstance(address, list) else [address]:
        words += [*one.get("line", []), one.get("city", ""), one.get("postalCode", "")[:5]]
    return [word.upper() for word in words]


def person_id(profile: SourceProfile, slot: Slot, holder: Slot | None) -> str:
    """The id of a patient. Families share a member number, so the given name is part of the name of whoever is known by one; a dependent
    without a number of his own has the subscriber's."""
    key = "who", profile.source, key_of(holder) if holder is not None else None
    known: str | None = slot.memo.get(key)
    if known is None:
        known = slot.memo[key] = _person(profile, slot, holder)
    return known


def _person(profile: SourceProfile, slot: Slot, holder: Slot | None) -> str:
    place, system, value = key_of(slot)
    if place < 0 and holder is not None:
        place, system, value = key_of(holder)
    if place < 0:
        return record_id(profile.source, "Patient", "name", *_words(slot))
    given = (
        [part.upper() for one in slot.resource.get("name", []) for part in one.get("given", [])][:1] if system.endswith("/member") else []
    )
    return record_id(profile.source, "Patient", system, value, *given)


def party_id(profile: SourceProfile, slot: Slot, holder: Slot | None = None) -> str:
    """The id of any party."""
    kind = resource_type(slot)
    if kind == "Patient":
        return person_id(profile, slot, holder)
    if slot.memo.get("named") != (profile.source, kind):
        slot.memo |= {"named": (profile.source, kind), "id": _id(profile, slot, kind)}
    found: str = slot.memo["id"]
    return found


def _id(profile: SourceProfile, slot: Slot, kind: str) -> str:
    place, system, value = key_of(slot)
    return record_id(profile.source, kind, system, value) if place >= 0 else record_id(profile.source, kind, "name", *_words(slot))


def point(profile: SourceProfile, slot: Slot, holder: Slot | None = None) -> dict[str, Any]:
    """A bare reference to a party."""
    return {"reference": f"{resource_type(slot)}/{party_id(profile, slot, holder)}"}


def refer(profile: SourceProfile, slot: Slot, path: str) -> tuple[dict[str, Any], list[Span]]:
    """A reference to an organisation or practitioner with its identifier and name, and spans for these under `path`. Those above the
    persons of a file are told again and again."""
    if not slot.sealed:
        return _refer(profile, slot, path)
    key = path, profile.source, slot.kind
    known = slot.memo.get(key)
    if known is None:
        known = slot.memo[key] = _refer(profile, slot, path)
    reference, spans = known
    return {name: dict(value) if type(value) is dict else value for name, value in reference.items()}, spans


def _refer(profile: SourceProfile, slot: Slot, path: str) -> tuple[dict[str, Any], list[Span]]:
    reference = point(profile, slot)
    spans: list[Span] = []
    place, system, value = key_of(slot)
    if place >= 0:
        reference["identifier"] = {"system": system, "value": value} if system else {"value": value}
        spans += _moved(slot, f"identifier[{place}].value", f"{path}.identifier.value")
    name = slot.resource.get("name")
    if isinstance(name, str):
        reference["display"] = name
        spans += _moved(slot, "name", f"{path}.display")
    return reference, spans


def _moved(slot: Slot, old: str, new: str) -> list[Span]:
    return [Span(new, *span[1:4], RULE_LINK) for span in slot.spans if span[0] == old]


def absent() -> dict[str, Any]:
    """A reference that FHIR asks for and the source does not have: said, not invented."""
    return {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}


def record(profile: SourceProfile, slot: Slot, holder: Slot | None = None, **more: Any) -> Record:
    """A party's record; its id points to the bytes of the identifier behind it."""
    kind, place = resource_type(slot), key_of(slot)[0]
    resource, spans = slot.resource, list(slot.spans)
    if kind == "Practitioner" and "type" in resource:
        # The taxonomy of a billing provider comes before it is known whether that is a person or an organisation.
        resource = {name: value for name, value in resource.items() if name != "type"}
        resource["qualification"] = [*resource.get("qualification", []), *({"code": value} for value in slot.resource["type"])]
        first = len(slot.resource.get("qualification", []))
        spans = [
            span._replace(path=f"qualification[{first}].code{span.path[7:]}") if span.path.startswith("type[0]") else span for span in spans
        ]
    if kind == "Organization" and "name" not in resource and not resource.get("identifier"):
        # org-1: the loop of a pay-to address has an address and no name; the claim knows whose it is.
        resource = {"_name": absent(), **resource}
    if place >= 0:
        path = f"identifier[{place}].value"
        spans += [Span("id", *span[1:4], RULE_ID) for span in slot.spans if span[0] == path]
    return Record({"resourceType": kind, "id": party_id(profile, slot, holder), **more, **resource}, tuple(spans))


def party(profile: SourceProfile, slot: Slot, holder: Slot | None = None) -> Record:
    """A party's record as it stands in its loop: its shape follows from what was told there."""
    made = record(profile, slot, holder)
    return Derived(made.resource, made.spans, (profile.base, resource_type(slot), slot.follows()))


def follows(slot: Slot | None) -> Any:
    """What a reference to a party, with its identifier and name, follows from."""
    return None if slot is None else (resource_type(slot), slot.follows())
