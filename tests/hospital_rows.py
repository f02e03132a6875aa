"""Records by hand, in the shapes that translation and normalisation give, for feature views to read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from record_rows import version

__all__ = [
    "At",
    "Shelf",
    "at",
    "bed",
    "condition",
    "counted",
    "coverage",
    "encounter",
    "measured",
    "medicine",
    "patient",
    "payer_said",
    "place",
]

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
Row = dict[str, Any]
At = str


def at(day: int, hour: int = 12, minute: int = 0) -> At:
    """An instant of the year 2026, day 0 being 1 January."""
    import datetime

    moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(days=day, hours=hour, minutes=minute)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _row(body: Row, known: int, when: At | None, person: str | None, **more: Any) -> Row:
    return version(body, known, at=when, person=person, **more)


def patient(known: int, birth: str = "1950-06-15", gender: str = "female", ident: str = "a", person: str = "p-1", **more: Any) -> Row:
    """One source's Patient."""
    return _row({"resourceType": "Patient", "id": f"{person}-{ident}", "birthDate": birth, "gender": gender}, known, None, person, **more)


def measured(
    ident: str, code: str, value: Any, unit: str, when: At, known: int, person: str = "p-1", canonical: Any = None, **more: Any
) -> Row:
    """An Observation with a quantity; `canonical` is (value, unit) beside it. `extra` are further elements of the resource."""
    quantity: Row = {"value": value, "unit": unit, "system": UCUM, "code": unit}
    if canonical is not None:
        beside = {"value": canonical[0], "unit": canonical[1], "system": UCUM, "code": canonical[1]}
        quantity["extension"] = [{"url": "urn:trivet:fhir:canonical-quantity", "valueQuantity": beside}]
    body = {
        "resourceType": "Observation",
        "id": f"{person}-{ident}",
        "status": "final",
        "code": {"coding": [{"system": "urn:local", "code": f"L{code}"}, {"system": LOINC, "code": code}]},
        "subject": {"reference": f"Patient/{person}"},
        "effectiveDateTime": when,
        "valueQuantity": quantity,
        **more.pop("extra", {}),
    }
    return _row(body, known, when, person, **more)


def encounter(
    ident: str, kind: str, start: At, known: int, end: At = "", person: str = "p-1", urgency: str = "E", where: str = "", **more: Any
) -> Row:
    """An Encounter of class IMP, EMER or AMB."""
    period = {"start": start, **({"end": end} if end else {})}
    body: Row = {
        "resourceType": "Encounter",
        "id": f"{person}-{ident}",
        "status": "finished" if end else "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": kind},
        "type": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0007", "code": urgency}]}],
        "subject": {"reference": f"Patient/{person}"},
        "period": period,
    }
    if where:
        body["location"] = [{"location": {"reference": where}}]
    return _row(body, known, start, person, **more)


def bed(ident: str, where: str, start: At, known: int, person: str = "p-1", **more: Any) -> Row:
    """A stay in one bed."""
    body = {
        "resourceType": "Encounter",
        "id": f"{person}-{ident}",
        "status": "in-progress",
        "type": [{"coding": [{"system": "urn:trivet:code", "code": "bed-stay"}]}],
        "subject": {"reference": f"Patient/{person}"},
        "period": {"start": start},
        "location": [{"location": {"reference": where}}],
    }
    return _row(body, known, start, person, **more)


def condition(
    ident: str, code: str, when: At, known: int, system: str = "http://hl7.org/fhir/sid/icd-10-cm", person: str = "p-1", **more: Any
) -> Row:
    """A Condition."""
    body = {
        "resourceType": "Condition",
        "id": f"{person}-{ident}",
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": f"Patient/{person}"},
        "recordedDate": when,
    }
    return _row(body, known, when, person, **more)


def medicine(ident: str, code: str, when: At, known: int, status: str = "active", person: str = "p-1", **more: Any) -> Row:
    """A MedicationRequest."""
    body = {
        "resourceType": "MedicationRequest",
        "id": f"{person}-{ident}",
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": code}]},
        "subject": {"reference": f"Patient/{person}"},
        "authoredOn": when,
    }
    return _row(body, known, when, person, **more)


def coverage(ident: str, payer: str, known: int, person: str = "p-1", **more: Any) -> Row:
    """A Coverage."""
    body = {
        "resourceType": "Coverage",
        "id": f"{person}-{ident}",
        "status": "active",
        "beneficiary": {"reference": f"Patient/{person}"},
        "type": {"coding": [{"system": "urn:local", "code": payer}]},
        "payor": [{"display": "somebody"}],
    }
    return _row(body, known, None, person, **more)


def appointment(ident: str, status: str, when: At, known: int, person: str = "p-1", **more: Any) -> Row:
    """An Appointment as the table of appointments gives it."""
    body = {
        "resourceType": "Appointment",
        "id": f"{person}-{ident}",
        "status": status,
        "requestedPeriod": [{"start": when}],
        "participant": [{"actor": {"reference": f"Patient/{person}"}, "status": "accepted"}],
    }
    return _row(body, known, when, person, **more)


def payer_said(ident: str, status: str, share: str, when: At, known: int, person: str = "p-1", **more: Any) -> Row:
    """An ExplanationOfBenefit as it comes out of an X12 835: claim status, and what is left to the patient."""
    info = {"sequence": 1, "category": {"coding": [{"code": "claimstatus"}]}, "code": {"coding": [{"code": status}]}}
    totals = [("submitted", "900.10"), ("patientresponsibility", share)]
    body: Row = {
        "resourceType": "ExplanationOfBenefit",
        "id": f"{person}-{ident}",
        "status": "active",
        "outcome": "complete",
        "created": when[:10],
        "patient": {"reference": f"Patient/{person}"},
        "billablePeriod": {"start": "2025-01-01"},
        "supportingInfo": [info],
        "total": [{"category": {"coding": [{"code": code}]}, "amount": {"value": Decimal(value)}} for code, value in totals],
    }
    return version(body, known, at="2025-01-01T00:00:00.000000Z", person=person, **more)


def place(ident: str, name: str, known: int, part_of: str = "", **more: Any) -> Row:
    """A Location."""
    body: Row = {"resourceType": "Location", "id": ident, "name": name, "identifier": [{"system": "urn:ward", "value": name}]}
    if part_of:
        body["partOf"] = {"reference": part_of}
    return _row(body, known, None, None, subject=None, **more)


def counted(ident: str, where: str, counts: dict[str, int], when: At, known: int, **more: Any) -> Row:
    """An Observation about a place, one component for each count."""
    body = {
        "resourceType": "Observation",
        "id": ident,
        "status": "final",
        "code": {"coding": [{"system": "urn:trivet:code", "code": "ward-count"}]},
        "subject": {"reference": where},
        "effectiveDateTime": when,
        "component": [
            {"code": {"coding": [{"system": "urn:trivet:code", "code": code}]}, "valueInteger": value} for code, value in counts.items()
        ],
    }
    return _row(body, known, when, None, subject=None, **more)


class Shelf:
    """Record versions in memory, with the as-of rule and the person filter of the real shelf."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def versions(self, person: str | None = None, as_of: int | None = None) -> pa.Table:
        """Versions of one person or of everybody, known at a position."""
        table = self._table if as_of is None else self._table.filter(pc.less_equal(self._table["known_seq"], as_of))
        return table if person is None else table.filter(pc.equal(table["person"], person))
