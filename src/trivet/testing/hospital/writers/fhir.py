"""FHIR R4 resources as the electronic health record exports them. Numbers are decimals with the digits that were entered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trivet.kernel import jsontext
from trivet.testing.hospital.person import Person, Registration
from trivet.testing.hospital.tables import Allergy, Condition, Drug, Reason
from trivet.testing.hospital.writers.hl7 import Visit

__all__ = [
    "allergy",
    "bundle",
    "condition",
    "diagnosis",
    "encounter",
    "line",
    "medication",
    "patient",
    "smoking",
    "weight",
]

SERVER = "https://ehr.southmere.example/fhir"
MRN = "https://southmere.example/id/mrn"
EHR = "https://southmere.example/id/ehr"
VISIT = "https://southmere.example/id/visit"
_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_CLASS = {"I": ("IMP", "inpatient encounter"), "E": ("EMER", "emergency"), "O": ("AMB", "ambulatory")}
Resource = dict[str, Any]


def line(resource: Resource) -> bytes:
    """One line of NDJSON."""
    return jsontext.dumps(resource) + b"\n"


def bundle(identifier: str, at: str, resources: list[Resource]) -> bytes:
    """One person's summary as a collection Bundle."""
    entries = [{"fullUrl": f"{SERVER}/{one['resourceType']}/{one['id']}", "resource": one} for one in resources]
    return jsontext.dumps({"resourceType": "Bundle", "id": identifier, "type": "collection", "timestamp": at, "entry": entries})


def _coding(system: str, code: str, display: str) -> Resource:
    return {"system": system, "code": code, "display": display}


def _concept(*codings: Resource, text: str = "") -> Resource:
    concept: Resource = {"coding": list(codings)}
    return concept | {"text": text} if text else concept


def patient(person: Person, card: Registration, updated: str) -> Resource:
    """US Core Patient; the name in the case it was typed."""
    given = [card.given, f"{card.middle}."] if card.middle else [card.given]
    resource: Resource = {
        "resourceType": "Patient",
        "id": person.ehr,
        "meta": {"lastUpdated": updated},
        "identifier": [
            {"use": "usual", "system": EHR, "value": person.ehr},
            {"type": _concept(_coding(_TYPES, "MR", "Medical record number")), "system": MRN, "value": card.mrn},
        ],
        "active": True,
        "name": [{"use": "official", "family": card.family, "given": given}],
        "telecom": [{"system": "phone", "value": card.phone, "use": "home"}],
        "gender": "female" if card.sex == "F" else "male",
        "birthDate": card.born,
        "address": [{"line": [card.street], "city": card.city, "state": "IL", "postalCode": card.zip, "country": "US"}],
    }
    if person.language == "es":
        resource["communication"] = [{"language": _concept(_coding("urn:ietf:bcp:47", "es", "Spanish")), "preferred": True}]
    return resource


def _about(person: Person) -> Resource:
    return {"reference": f"Patient/{person.ehr}"}


def condition(person: Person, one: Condition, index: int, recorded: str) -> Resource:
    """A problem-list item with SNOMED CT and ICD-10-CM codes."""
    return {
        "resourceType": "Condition",
        "id": f"{person.ehr}-C{index}",
        "clinicalStatus": _concept(_coding("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "Active")),
        "verificationStatus": _concept(_coding("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed", "Confirmed")),
        "category": [
            _concept(_coding("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item", "Problem List Item"))
        ],
        "code": _concept(
            _coding("http://snomed.info/sct", one.snomed, one.display),
            _coding("http://hl7.org/fhir/sid/icd-10-cm", one.icd10, one.display),
            text=one.display,
        ),
        "subject": _about(person),
        "recordedDate": recorded,
    }


def diagnosis(person: Person, visit: Visit, reason: Reason, recorded: str) -> Resource:
    """The principal diagnosis of a stay."""
    return {
        "resourceType": "Condition",
        "id": f"{person.ehr}-D{visit.number[-3:]}",
        "clinicalStatus": _concept(_coding("http://terminology.hl7.org/CodeSystem/condition-clinical", "resolved", "Resolved")),
        "category": [
            _concept(_coding("http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis", "Encounter Diagnosis"))
        ],
        "code": _concept(_coding("http://hl7.org/fhir/sid/icd-10-cm", reason.icd10, reason.display)),
        "subject": _about(person),
        "encounter": {"reference": f"Encounter/EN{visit.number}"},
        "recordedDate": recorded,
    }


def medication(person: Person, one: Drug, index: int, authored: str) -> Resource:
    """An active outpatient prescription."""
    return {
        "resourceType": "MedicationRequest",
        "id": f"{person.ehr}-M{index}",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": _concept(
            _coding("http://www.nlm.nih.gov/research/umls/rxnorm", one.rxnorm, one.display), text=one.display
        ),
        "subject": _about(person),
        "authoredOn": authored,
        "dosageInstruction": [{"text": one.sig}],
    }


def allergy(person: Person, one: Allergy, index: int, recorded: str) -> Resource:
    """An allergy with its reaction."""
    return {
        "resourceType": "AllergyIntolerance",
        "id": f"{person.ehr}-A{index}",
        "clinicalStatus": _concept(_coding("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active", "Active")),
        "code": _concept(_coding("http://snomed.info/sct", one.snomed, one.display)),
        "patient": _about(person),
        "recordedDate": recorded,
        "reaction": [{"manifestation": [_concept(_coding("http://snomed.info/sct", one.reaction_snomed, one.reaction))]}],
    }


def smoking(person: Person, smoker: bool, effective: str) -> Resource:
    """Tobacco smoking status (LOINC 72166-2)."""
    code, display = ("449868002", "Smokes tobacco daily") if smoker else ("266919005", "Never smoked tobacco")
    return {
        "resourceType": "Observation",
        "id": f"{person.ehr}-S1",
        "status": "final",
        "category": [_concept(_coding("http://terminology.hl7.org/CodeSystem/observation-category", "social-history", "Social History"))],
        "code": _concept(_coding("http://loinc.org", "72166-2", "Tobacco smoking status")),
        "subject": _about(person),
        "effectiveDateTime": effective,
        "valueCodeableConcept": _concept(_coding("http://snomed.info/sct", code, display)),
    }


def weight(person: Person, kilograms: Decimal, effective: str) -> Resource:
    """Body weight, two digits after the point as the scale shows them: `82.50`."""
    return {
        "resourceType": "Observation",
        "id": f"{person.ehr}-W1",
        "status": "final",
        "category": [_concept(_coding("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs", "Vital Signs"))],
        "code": _concept(_coding("http://loinc.org", "29463-7", "Body weight")),
        "subject": _about(person),
        "effectiveDateTime": effective,
        "valueQuantity": {"value": kilograms, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }


def encounter(person: Person, visit: Visit, start: str, end: str, updated: str) -> Resource:
    """A finished visit."""
    code, display = _CLASS[visit.kind]
    resource: Resource = {
        "resourceType": "Encounter",
        "id": f"EN{visit.number}",
        "meta": {"lastUpdated": updated},
        "identifier": [{"system": VISIT, "value": visit.number}],
        "status": "finished",
        "class": _coding(_ACT, code, display),
        "subject": _about(person),
        "period": {"start": start, "end": end},
    }
    if visit.kind == "I":
        way = {"01": ("home", "Home"), "06": ("home", "Home"), "03": ("snf", "Skilled nursing facility"), "20": ("exp", "Expired")}
        code, display = way[visit.disposition]
        resource["hospitalization"] = {
            "dischargeDisposition": _concept(_coding("http://terminology.hl7.org/CodeSystem/discharge-disposition", code, display))
        }
    return resource
